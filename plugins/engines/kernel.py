"""The kernel without a mobility daemon that could be asked: its addresses, and the bindings in its XFRM.

A home address is one that the kernel was told to be one (IFA_F_HOMEADDRESS). A binding is what states and
policies make of one: sequence numbers and lifetimes are the daemon's, and unknown here; so what becomes of a
Binding Update that is asked for is known by the packets on the links alone. Without CAP_NET_ADMIN, or with a
daemon that does without the kernel's Mobile IPv6, there are the addresses.
"""

import os
import time
from datetime import UTC, datetime

from mipsh.checks.sources import Unreadable
from mipsh.engine import Capability, EngineKind, missing, unable
from mipsh.errors import CapabilityMissing, UsageError
from mipsh.kernel_view import bindings
from mipsh.kernel_view.view import XFRM, View, look
from mipsh.linux.addresses import Address, global_addresses
from mipsh.model.reading import Reading
from mipsh.model.records import BINDING_CACHE, BINDING_UPDATE_LIST, EngineInfo
from mipsh.plugins.engines.tables import TableConnector

SCHEME = "kernel"
ADDRESS = f"{SCHEME}:"
LINES = ("ip -6 -s xfrm state", "ip -6 xfrm policy list ptype sub")
_OF_ROLE = {
    bindings.MOBILE_NODE: (Capability.BINDING_CACHE, Capability.BINDING_UPDATE_LIST),
    bindings.HOME_AGENT: (Capability.BINDING_CACHE,),
    bindings.CORRESPONDENT: (Capability.BINDING_CACHE,),
}


class KernelConnector(TableConnector):
    """A connector to the kernel of the network namespace that mipsh is in; see Connector for the contract."""

    has_sequence_numbers = False

    def __init__(self) -> None:
        self._addresses: tuple[Address, ...] = ()
        self._why_not: CapabilityMissing | None = None

    def connect(self) -> EngineInfo:
        """Learn the role, and whether bindings can be seen; see ``bindings.role`` for what tells."""
        self._addresses = tuple(global_addresses())
        self.home_addresses = tuple(one.address for one in self._addresses if one.is_home)
        view = _look()
        self._why_not = why_not(view)
        role = bindings.role(view)
        kept = _OF_ROLE[role] if role is not None and self._why_not is None else ()
        version = f"Linux {os.uname().release}"
        self.info = EngineInfo(SCHEME, ADDRESS, role, version, tuple(one.value for one in kept))
        return self.info

    def read(self, capability: Capability) -> Reading:
        """Read the bindings of either table; raises CapabilityMissing with what cannot be read, or is not there."""
        info = self.info or self.connect()
        if capability not in (Capability.BINDING_CACHE, Capability.BINDING_UPDATE_LIST):
            raise missing(capability, info)
        view, taken_at = _look(), time.time()
        self._why_not = why_not(view)
        if self._why_not is not None:
            raise self._why_not
        if capability is Capability.BINDING_CACHE:
            return Reading(BINDING_CACHE, bindings.cache_rows(view, moment), info, taken_at)
        if capability.value not in info.capabilities:
            raise missing(capability, info)
        return Reading(BINDING_UPDATE_LIST, bindings.update_rows(view, moment), info, taken_at)

    def said(self, what: str, request: object = None) -> tuple[str, ...]:
        """Return the commands of iproute2 that show the same, for its two tables."""
        if what not in (Capability.BINDING_CACHE, Capability.BINDING_UPDATE_LIST) or request is not None:
            raise unable(f"way to say '{what}'", self.info)
        return LINES

    def place(self) -> tuple[str, str]:
        """Return the interface and the care-of address that the node seems to be at; empty where there are none."""
        usable = [one for one in self._addresses if not one.is_home and "tentative" not in one.flags]
        return (usable[0].interface, usable[0].address) if usable else ("", "")


def moment(seconds: int) -> str:
    """Return seconds since the epoch as RFC 3339, UTC."""
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")
    except (ValueError, OverflowError, OSError):
        return f"{seconds} s since the epoch"


def why_not(view: View) -> CapabilityMissing | None:
    """Return why a kernel's bindings are not known; None where they are."""
    unread = [error for error in view.unread if error.key in XFRM]
    if unread:
        return CapabilityMissing(f"the kernel's bindings cannot be seen: {unread[0].reason}", unread[0].hint)
    if bindings.does_mobility(view):
        return None
    if _is_without_mobility():
        return CapabilityMissing(
            "this kernel was built without Mobile IPv6 (CONFIG_IPV6_MIP6), and has no bindings",
            "boot a kernel that has it, or use mipd, which does without",
        )
    return CapabilityMissing(
        "this kernel has no state or policy of Mobile IPv6, and so no bindings",
        "no daemon uses its Mobile IPv6 here: mip6d does when it runs; mipd does without (-e mipd:)",
    )


def _look() -> View:
    from mipsh.linux.facts import LiveSource

    return look(LiveSource())


def _is_without_mobility() -> bool:
    """Tell whether the kernel's own configuration says that it does no Mobile IPv6."""
    from mipsh.checks.facts import Facts
    from mipsh.linux.facts import LiveSource

    try:
        return not Facts(LiveSource()).kernel_config.has("IPV6_MIP6")
    except Unreadable:
        return False


def open_kernel(uri: str) -> KernelConnector:
    """Make a connector for ``kernel:``; raises UsageError for more than that."""
    if uri not in (ADDRESS, f"{ADDRESS}//"):
        raise UsageError(f"'{uri}' is not the kernel's address", f"write {ADDRESS} (another namespace: -N NAME)")
    return KernelConnector()


ENGINE = EngineKind(SCHEME, "the kernel, where no daemon can be asked", open_kernel, example=ADDRESS)
