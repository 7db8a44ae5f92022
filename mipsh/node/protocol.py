"""What mipd and its clients say to each other: JSON-RPC 2.0, one message a line, on a unix socket.

Both sides speak UTF-8 and end a line with a line feed; no line is longer than ``LONGEST_LINE`` bytes,
that included. A client asks ``hello`` first and learns the version, the role and the methods. A table
comes in pages: ``more`` brings the next one of the listing that was begun last on the connection.
After ``subscribe``, what happens comes as notifications ``event``, between the answers.
"""

from collections.abc import Mapping
from enum import IntEnum
from pathlib import Path
from typing import Annotated, Any, Literal

from msgspec import UNSET, Meta, Raw, Struct, UnsetType, field

VERSION = 1
"""The version of this protocol; a client that speaks another one leaves."""
ENGINE = "mipd"
LONGEST_LINE = 64 * 1024
SUFFIX = ".sock"
SYSTEM_FOLDER = Path("/run/mipsh")

Id = Annotated[str, Meta(max_length=128)] | Annotated[int, Meta(ge=-(2**53), le=2**53)] | None
Address = Annotated[str, Meta(max_length=64)]
InterfaceName = Annotated[str, Meta(max_length=15)]
LONGEST_LIFETIME_S = 262_140
"""The longest lifetime that a Binding Update can ask for: 16 bits of 4 seconds each."""


class Code(IntEnum):
    """The numbers of errors; those below -32099 are JSON-RPC's own."""

    UNREADABLE = -32700
    NO_REQUEST = -32600
    NO_METHOD = -32601
    WRONG_PARAMS = -32602
    INTERNAL = -32603
    FAILED = -32000
    BUSY = -32001
    REFUSED = -32002
    NOT_KEPT = -32003


class Request(Struct, frozen=True):
    """A question; without ``id`` nobody waits for its answer, and none is given."""

    jsonrpc: Literal["2.0"]
    method: Annotated[str, Meta(max_length=64)]
    params: dict[str, Any] = field(default_factory=dict)
    id: Id | UnsetType = UNSET


class Problem(Struct, frozen=True):
    """What was wrong; ``data`` is a hint for people."""

    code: int
    message: str
    data: str | None = None


class Reply(Struct, frozen=True, omit_defaults=True):
    """An answer: exactly one of ``result`` and ``error`` is there."""

    jsonrpc: str
    id: Id
    result: Raw | UnsetType = UNSET
    error: Problem | UnsetType = UNSET


class Notification(Struct, frozen=True):
    """Something that the server says unasked."""

    jsonrpc: str
    method: str
    params: "Event"


class Hello(Struct, frozen=True):
    """What the server is, and what it can be asked.

    ``capabilities`` are the tables that it keeps, ``methods`` those and what it does besides;
    ``home_addresses`` are a mobile node's.
    """

    protocol: int
    engine: str
    version: str
    name: str
    role: Literal["mn", "ha", "cn"]
    capabilities: tuple[str, ...]
    methods: tuple[str, ...]
    home_addresses: tuple[str, ...] = ()


class Page(Struct, frozen=True):
    """Some rows of a table, as they were at ``taken_at`` (seconds since the epoch); ``more`` tells of others."""

    taken_at: float
    rows: tuple[Raw, ...]
    more: bool = False


class Event(Struct, frozen=True):
    """Something that happened; names are those of MOBILEIPV6-MIB (RFC 4295) where it has one.

    ``sequence`` counts what happened since the subscription, from 1; ``lost`` says how many before
    this one did not get through since the client was too slow. ``time`` is seconds since the epoch.
    Of a Mobility Header that was sent or received, ``mh_sequence``, ``lifetime_s``, ``status`` and
    ``flags`` (letters) are what it says, where it has them.
    """

    time: float
    event: str
    home_address: str | None = None
    care_of_address: str | None = None
    peer: str | None = None
    local_address: str | None = None
    address: str | None = None
    interface: str | None = None
    detail: str = ""
    sequence: int = 0
    lost: int = 0
    mh_sequence: int | None = None
    lifetime_s: int | None = None
    status: int | None = None
    flags: tuple[str, ...] | None = None


class Trigger(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``trigger_binding_update``: to the home agent, or with ``peer`` to a correspondent.

    ``lifetime_s`` is rounded up to whole units of 4 seconds; None is what is configured, 0 deregisters.
    """

    home_address: Address
    peer: Address | None = None
    lifetime_s: Annotated[int, Meta(ge=0, le=LONGEST_LIFETIME_S)] | None = None


class AddBinding(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``add_binding``; ``lifetime_s`` is rounded down to whole units of 4 seconds.

    ``sequence`` None leaves the number of a binding that is there as it is.
    """

    home_address: Address
    care_of_address: Address
    local_address: Address
    lifetime_s: Annotated[int, Meta(ge=4, le=LONGEST_LIFETIME_S)]
    flags: Annotated[tuple[Literal["A", "H", "K", "L"], ...], Meta(max_length=4)] = ("A", "H")
    sequence: Annotated[int, Meta(ge=0, le=65535)] | None = None
    detect_duplicates: bool = False


class DeleteBinding(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``delete_binding``."""

    home_address: Address
    local_address: Address


class Flush(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``flush``: the bindings that others have here, or what there is with correspondents."""

    table: Literal["binding_cache", "binding_update_list"]


class SetLink(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``set_link``."""

    interface: InterfaceName
    up: bool


class SetImpairment(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``set_impairment``: the share of what is sent there that is lost, and how late the rest comes."""

    interface: InterfaceName
    loss: Annotated[float, Meta(ge=0, le=1)] = 0.0
    delay_s: Annotated[float, Meta(ge=0, le=10)] = 0.0


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of methods that have none."""


class Done(Struct, frozen=True):
    """The result of a method that does something; ``state`` says how things stand then."""

    state: str = ""


class Flushed(Struct, frozen=True):
    """The result of ``flush``: how many entries were removed."""

    removed: int


def user_folder(variables: Mapping[str, str]) -> Path | None:
    """Return where a user's own sockets are; None without ``XDG_RUNTIME_DIR``."""
    runtime = variables.get("XDG_RUNTIME_DIR", "")
    return Path(runtime) / "mipsh" if runtime.startswith("/") else None


def socket_path(name: str, variables: Mapping[str, str]) -> Path:
    """Return where the control socket of a node is, by its name."""
    return (user_folder(variables) or SYSTEM_FOLDER) / f"{name}{SUFFIX}"


def sockets(variables: Mapping[str, str]) -> dict[str, Path]:
    """Return the control sockets that are there, by the names of their nodes; a user's own come first.

    What may not be looked into holds none.
    """
    found: dict[str, Path] = {}
    for folder in (user_folder(variables), SYSTEM_FOLDER):
        for path in [] if folder is None else _listed(folder):
            found.setdefault(path.name.removesuffix(SUFFIX), path)
    return found


def _listed(folder: Path) -> list[Path]:
    try:
        return sorted(path for path in folder.glob(f"*{SUFFIX}") if path.is_socket())
    except OSError:
        return []
