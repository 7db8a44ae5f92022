"""The binding cache of a home agent: home registrations, their states, their deadlines (RFC 6275 section 10.3).

A registration waits for duplicate address detection before it is there. One that was deregistered
is remembered for a while with its sequence number, so that an update that was sent before cannot
bring it back (section 10.3.2).
"""

from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct

from mipsh.mobility.home.parameters import Prefix
from mipsh.mobility.machine import Machine
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire.address import text
from mipsh.wire.mobility import LINK_LOCAL, MOBILE_ROUTER

NEVER = float("inf")

OnLink = tuple[str, bytes]
"""An interface, and an address on its link."""


class State(Enum):
    """What the cache knows of a home address."""

    ABSENT = auto()
    PROBING = auto()
    BOUND = auto()
    DYING = auto()


class Input(Enum):
    """What happens to an entry; PROBE is an update that has to wait for duplicate address detection."""

    PROBE = auto()
    UPDATE = auto()
    FREE = auto()
    TAKEN = auto()
    PROBE_ENDS = auto()
    DELETE = auto()
    LIFETIME_ENDS = auto()
    DELETION_ENDS = auto()


BINDING = Machine(
    "home binding",
    State.ABSENT,
    {
        (State.ABSENT, Input.PROBE): State.PROBING,
        (State.ABSENT, Input.UPDATE): State.BOUND,
        (State.PROBING, Input.PROBE): State.PROBING,
        (State.PROBING, Input.FREE): State.BOUND,
        (State.PROBING, Input.TAKEN): State.ABSENT,
        (State.PROBING, Input.PROBE_ENDS): State.ABSENT,
        (State.PROBING, Input.DELETE): State.DYING,
        (State.BOUND, Input.UPDATE): State.BOUND,
        (State.BOUND, Input.DELETE): State.DYING,
        (State.BOUND, Input.LIFETIME_ENDS): State.ABSENT,
        (State.DYING, Input.UPDATE): State.BOUND,
        (State.DYING, Input.DELETE): State.DYING,
        (State.DYING, Input.DELETION_ENDS): State.ABSENT,
    },
)


class HomeBinding(Struct, gc=False):
    """An entry: where a mobile node is, and what its last Binding Update said.

    ``interface`` is the home link's, None for a home address that is on no link but in a mobile
    network. ``expires`` and ``advertise_at`` are times of the node's clock: when the state ends, and
    when the next Mobile Prefix Advertisement is due; ``advertised`` counts those not acknowledged.
    """

    local_address: bytes
    home_address: bytes
    care_of_address: bytes
    interface: str | None
    sequence: int
    flags: int
    expires: float
    lifetime_s: float = 0.0
    prefixes: tuple[Prefix, ...] = ()
    state: State = State.ABSENT
    advertise_at: float = NEVER
    advertised: int = 0

    @property
    def is_mobile_router(self) -> bool:
        """The R flag (RFC 3963 section 4.1)."""
        return bool(self.flags & MOBILE_ROUTER)

    @property
    def defended(self) -> tuple[OnLink, ...]:
        """What is answered for on the home link: the home address, with the L flag the link-local one too."""
        if self.interface is None:
            return ()
        home = self.interface, self.home_address
        return (home, (self.interface, link_local(self.home_address))) if self.flags & LINK_LOCAL else (home,)


class HomeCache:
    """All entries by home address, with one deadline each; only a step of ``BINDING`` changes a state."""

    def __init__(self, limit: int, trace: Trace) -> None:
        self.limit = limit
        self.timers: Timers[bytes] = Timers()
        self._trace = trace
        self._entries: dict[bytes, HomeBinding] = {}

    def __len__(self) -> int:
        """Return how many entries there are, in whatever state."""
        return len(self._entries)

    def __iter__(self) -> Iterator[HomeBinding]:
        """Iterate over the entries as they are now."""
        return iter(tuple(self._entries.values()))

    def get(self, home_address: bytes) -> HomeBinding | None:
        """Return the entry, in whatever state."""
        return self._entries.get(home_address)

    def bound(self, home_address: bytes, now: float) -> HomeBinding | None:
        """Return the entry if packets may go by it now."""
        entry = self._entries.get(home_address)
        if entry is None or entry.state is not State.BOUND or entry.expires <= now:
            return None
        return entry

    def has_room(self) -> bool:
        """Tell whether an entry may be added."""
        return len(self._entries) < self.limit

    def step(self, entry: HomeBinding, event: Input) -> None:
        """Move an entry on by an input; one that is absent afterwards is gone, one that is new is there."""
        traced = text(entry.home_address) if self._trace.sink is not None else ""
        entry.state = self._trace.step(BINDING, traced, entry.state, event)
        if entry.state is State.ABSENT:
            del self._entries[entry.home_address]
            self.timers.cancel(entry.home_address)
        else:
            self._entries[entry.home_address] = entry
            self.wait(entry)

    def wait(self, entry: HomeBinding) -> None:
        """Set an entry's deadline: whichever of its times comes first."""
        self.timers.set(entry.home_address, min(entry.expires, entry.advertise_at))

    def due(self, now: float) -> Iterator[HomeBinding]:
        """Yield the entries whose deadline has come."""
        for home_address in self.timers.due(now):
            yield self._entries[home_address]


def link_local(home_address: bytes) -> bytes:
    """Return the link-local address with a home address's interface identifier (RFC 6275 section 10.3.1)."""
    return b"\xfe\x80" + bytes(6) + home_address[8:]
