"""A change to a node as steps: what each one does, how it would be done by hand, and how it is put back."""

from collections.abc import Callable
from enum import StrEnum

from msgspec import Struct

from mipsh.linux.privileges import Need


class Via(StrEnum):
    """What a step goes through."""

    VT = "vt"
    JSON_RPC = "json-rpc"
    NETLINK = "netlink"
    PACKET = "packet"
    FILE = "file"
    PROCESS = "process"
    NONE = "none"


class Step(Struct, frozen=True):
    """One step of a change.

    ``equivalent`` is what a person would type or send: a VT line, a JSON-RPC line, an ``ip`` command, a
    packet in one line. ``reference`` is the clause that it follows. ``run`` carries it out and returns
    what was seen of it, which may be nothing; it raises MipshError. ``undo`` puts it back, and is run
    whatever happens once the step began. ``packet`` is the IPv6 packet that goes out, whole.
    """

    what: str
    via: Via
    equivalent: str
    reference: str = ""
    run: Callable[[], str] | None = None
    undo: "Step | None" = None
    packet: bytes | None = None
    needs: tuple[Need, ...] = ()
