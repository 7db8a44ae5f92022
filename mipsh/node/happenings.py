"""What an effect of a node says to whoever wants to know what happens.

Names are those of the notifications of MOBILEIPV6-MIB (RFC 4295) where the node emits one; what
changes addresses and ways of packets has names of its own.
"""

from collections.abc import Callable
from typing import Any

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
from mipsh.node.protocol import Event
from mipsh.wire import address as addresses

NAMES: dict[type[Any], str] = {
    AddressAdded: "addressAdded",
    AddressRemoved: "addressRemoved",
    InstallBinding: "bindingInstalled",
    RemoveBinding: "bindingRemoved",
    InstallRoute: "routeInstalled",
    RemoveRoute: "routeRemoved",
}
"""The names of what is no notification of RFC 4295."""

_FIELDS = frozenset(("home_address", "care_of_address", "peer", "local_address", "address", "interface", "detail"))
_SHOWN: dict[type, Callable[[Any], str]] = {bytes: addresses.text, str: str}


def happening(effect: Effect, time: float) -> Event | None:
    """Return what an effect of a time (seconds since the epoch) says; None for one that says nothing."""
    name = effect.event if isinstance(effect, Emit) else NAMES.get(type(effect))
    if name is None:
        return None
    told = {field: getattr(effect, field) for field in effect.__struct_fields__ if field in _FIELDS}
    shown: dict[str, Any] = {field: _SHOWN[type(value)](value) for field, value in told.items() if value is not None}
    if isinstance(effect, InstallRoute) and effect.home_agent is not None:
        shown |= {"peer": addresses.text(effect.home_agent), "detail": "tunnel"}
    return Event(time, name, **shown)
