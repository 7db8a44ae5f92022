"""What a connector is: the contract between mipsh and whatever runs mobility on a node.

A connector declares its capabilities when it connects; a method for a capability that it lacks
raises CapabilityMissing. Every method blocks, for ``timeout_s`` seconds a question at the most,
and holds nothing of the engine's when it returns. A connector is driven by one thread.
"""

from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from types import MappingProxyType
from typing import Protocol

from msgspec import Struct

from mipsh.errors import CapabilityMissing
from mipsh.model.events import EngineEvent
from mipsh.model.reading import Reading
from mipsh.model.records import EngineInfo
from mipsh.recording import Exchange


class Capability(StrEnum):
    """A table that an engine may keep; the value is the table's name and the method's."""

    BINDING_CACHE = "binding_cache"
    BINDING_UPDATE_LIST = "binding_update_list"
    RETURN_ROUTABILITY = "return_routability"
    NONCES = "nonces"
    HOME_AGENTS = "home_agents"
    PREFIXES = "prefixes"
    STATISTICS = "statistics"


class Action(StrEnum):
    """Something that an engine may be told to do; the value is the method's name."""

    TRIGGER = "trigger_binding_update"
    ADD = "add_binding"
    DELETE = "delete_binding"
    FLUSH = "flush"
    LINK = "set_link"


class UpdateRequest(Struct, frozen=True):
    """A Binding Update that is wanted now: for a home address, to a peer or (empty) to the home agent.

    ``lifetime_s`` is None for the lifetime that is configured, and 0 to delete the binding.
    """

    home_address: str
    peer: str = ""
    lifetime_s: int | None = None


class BindingRequest(Struct, frozen=True):
    """A binding that a home agent is to have, as if a Binding Update had asked for it.

    ``flags`` are letters of A, H, K, L; ``sequence`` None leaves it to the engine.
    """

    home_address: str
    care_of_address: str
    local_address: str
    lifetime_s: int
    flags: tuple[str, ...] = ("A", "H")
    sequence: int | None = None


class Listener(Protocol):
    """What happens in an engine, from when listening began."""

    def next(self, until: float) -> EngineEvent | None:
        """Return the next event, awaited until a time of ``time.monotonic``; None when none came."""
        ...


_ROLES = {"mn": "a mobile node", "ha": "a home agent", "cn": "a correspondent node"}

_KEPT_BY = {
    Capability.BINDING_CACHE: "the binding cache is kept by home agents and correspondent nodes",
    Capability.BINDING_UPDATE_LIST: "the binding update list is kept by mobile nodes",
    Capability.RETURN_ROUTABILITY: "return routability is run by mobile nodes",
    Capability.NONCES: "nonce blocks are kept in the binding cache",
    Capability.HOME_AGENTS: "the home agents list is kept by home agents",
    Capability.PREFIXES: "the home prefix list is kept by home agents",
    Capability.STATISTICS: "traffic is counted by the mobility daemon",
}


def missing(capability: Capability, info: EngineInfo | None) -> CapabilityMissing:
    """Return the error for a table that this engine does not keep: who keeps it, and what this one is."""
    role = info.role if info is not None else None
    this = _ROLES.get(role or "", "an engine without it")
    return _lacking(f"{_KEPT_BY[capability]}; this is {this}", info)


def unable(what: str, info: EngineInfo | None) -> CapabilityMissing:
    """Return the error for something other than a table that this engine does not have."""
    engine = info.engine if info else "this engine"
    return _lacking(f"{engine} has no {what}", info)


def _lacking(message: str, info: EngineInfo | None) -> CapabilityMissing:
    kept = ", ".join(info.capabilities) if info else ""
    return CapabilityMissing(message, f"it keeps: {kept}" if kept else "")


class Connector:
    """The base of all connectors: every reading missing until a subclass brings it.

    ``variables`` are the user's, for an address that depends on them. ``actions`` is what the engine
    can be told to do, and ``home_addresses`` those of a mobile node, where the engine says them; both
    are known once it is connected. ``has_sequence_numbers`` is unset where its tables do not tell one Binding
    Update from the next.
    """

    info: EngineInfo | None = None
    timeout_s: float = 5.0
    variables: Mapping[str, str] = MappingProxyType({})
    actions: frozenset[Action] = frozenset()
    home_addresses: tuple[str, ...] = ()
    has_sequence_numbers: bool = True

    def connect(self) -> EngineInfo:
        """Reach the engine once and learn what it is; raises EngineError or DeadlineError."""
        raise unable("way to be reached", None)

    def close(self) -> None:
        """Let go of everything; harmless when there is nothing."""

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Hold the engine over several readings, where holding it costs others."""
        yield

    def warnings(self) -> tuple[str, ...]:
        """Return what a user should know about this connection (an open console, say)."""
        return ()

    def raw(self, command: str) -> str:
        """Return what the engine says to a command in its own language."""
        raise unable(f"language of its own for '{command}'", self.info)

    def binding_cache(self) -> Reading:
        """Read the binding cache."""
        raise missing(Capability.BINDING_CACHE, self.info)

    def binding_update_list(self) -> Reading:
        """Read the binding update list."""
        raise missing(Capability.BINDING_UPDATE_LIST, self.info)

    def return_routability(self) -> Reading:
        """Read the return routability entries."""
        raise missing(Capability.RETURN_ROUTABILITY, self.info)

    def nonces(self) -> Reading:
        """Read the nonce blocks."""
        raise missing(Capability.NONCES, self.info)

    def home_agents(self) -> Reading:
        """Read the home agents list."""
        raise missing(Capability.HOME_AGENTS, self.info)

    def prefixes(self) -> Reading:
        """Read the home prefix list."""
        raise missing(Capability.PREFIXES, self.info)

    def statistics(self) -> Reading:
        """Read the traffic counters."""
        raise missing(Capability.STATISTICS, self.info)

    def place(self) -> tuple[str, str]:
        """Return a mobile node's interface and care-of address where its tables do not say them; empty if unknown."""
        return "", ""

    def said(self, what: str, request: object = None) -> tuple[str, ...]:
        """Return the lines that the reading or action ``what`` says to the engine, exactly."""
        raise unable(f"way to say '{what}'", self.info)

    def trigger_binding_update(self, request: UpdateRequest) -> str:
        """Have a Binding Update sent now; return the state of its entry then."""
        raise unable("way to have a Binding Update sent", self.info)

    def add_binding(self, request: BindingRequest) -> str:
        """Have a home agent make a binding, or replace one; return what it says."""
        raise unable("way to add a binding", self.info)

    def delete_binding(self, home_address: str, local_address: str) -> str:
        """Have a home agent delete a binding; return what it says."""
        raise unable("way to delete a binding", self.info)

    def flush(self, table: str) -> int:
        """Empty a table; return how many entries it had."""
        raise unable(f"way to flush '{table}'", self.info)

    def set_link(self, interface: str, *, is_up: bool) -> str:
        """Tell the node that an interface has a link from now on, or has none; return the state then."""
        raise unable("links that could be set", self.info)

    def listening(self) -> AbstractContextManager[Listener]:
        """Hear what happens from when the block is entered; the engine is held until it is left."""
        raise unable("events to be heard", self.info)

    def events(self) -> Generator[EngineEvent, None, None]:
        """Yield what happens from now on, when it happens; the engine is held until this is closed."""
        raise unable("events to be heard", self.info)

    def transcript(self) -> list[Exchange]:
        """Ask everything that can be asked, byte for byte; secrets are left out."""
        raise unable("language that could be recorded", self.info)


class EngineKind(Struct, frozen=True):
    """A kind of engine, as a plugin declares it.

    ``open(uri)`` makes a connector without touching the engine, and raises UsageError
    for an address it cannot read. ``defaults`` are the addresses tried when none is named, and
    ``find`` tells the addresses of those that seem to run, by the user's variables, touching none.
    """

    scheme: str
    summary: str
    open: Callable[[str], Connector]
    defaults: tuple[str, ...] = ()
    example: str = ""
    find: Callable[[Mapping[str, str]], tuple[str, ...]] | None = None
