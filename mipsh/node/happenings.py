"""What an effect of a node says to whoever wants to know what happens.

Names are those of the notifications of MOBILEIPV6-MIB (RFC 4295) where the node emits one; what
changes addresses and ways of packets has names of its own.
"""

from collections.abc import Callable
from typing import Any

from msgspec import Struct

from mipsh.mobility.effects import (
    AddressAdded,
    AddressRemoved,
    Effect,
    Emit,
    InstallBinding,
    InstallRoute,
    RemoveBinding,
    RemoveRoute,
)
from mipsh.wire import address as addresses


class Happening(Struct, frozen=True):
    """Something that happened at a time, in seconds since the epoch; addresses are text."""

    time: float
    event: str
    home_address: str | None = None
    care_of_address: str | None = None
    peer: str | None = None
    local_address: str | None = None
    address: str | None = None
    interface: str | None = None
    detail: str = ""


NAMES: dict[type[Any], str] = {
    AddressAdded: "addressAdded",
    AddressRemoved: "addressRemoved",
    InstallBinding: "bindingInstalled",
    RemoveBinding: "bindingRemoved",
    InstallRoute: "routeInstalled",
    RemoveRoute: "routeRemoved",
}
"""The names of what is no notification of RFC 4295."""

_FIELDS = frozenset(Happening.__struct_fields__) - {"time", "event"}
_SHOWN: dict[type, Callable[[Any], str]] = {bytes: addresses.text, str: str}


def happening(effect: Effect, time: float) -> Happening | None:
    """Return what an effect says; None for one that says nothing."""
    name = effect.event if isinstance(effect, Emit) else NAMES.get(type(effect))
    if name is None:
        return None
    told = {field: getattr(effect, field) for field in effect.__struct_fields__ if field in _FIELDS}
    shown = {field: _SHOWN[type(value)](value) for field, value in told.items() if value is not None}
    if isinstance(effect, InstallRoute) and effect.home_agent is not None:
        shown |= {"peer": addresses.text(effect.home_agent), "detail": "tunnel"}
    return Happening(time, name, **shown)
