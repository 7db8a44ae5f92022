"""What is known of a node when the way of its next packet is predicted; what could not be read is None.

Addresses are in RFC 5952 form. Remaining times are those at the moment of reading.
"""

from collections.abc import Mapping

from msgspec import Struct, field

from mipsh.model.address import canonical
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry, ReturnRoutabilityEntry
from mipsh.model.xfrm import Tables

UMIP, MIPD, KERNEL = "umip", "mipd", "kernel"


def is_address(text: str) -> bool:
    """Tell whether a text is an IPv6 address in its usual form, without a zone."""
    return canonical(text) == text and not set(text) & {"/", "%"}


class Lookup(Struct, frozen=True):
    """What the kernel's routing says of a packet.

    ``kind`` is unicast, local, blackhole, unreachable, prohibit or another of the kernel's words;
    ``source`` is the address that it would choose. ``tunnel`` has the ends of the interface where that
    is an IPv6 tunnel: this one and the far one.
    """

    kind: str
    interface: str = ""
    gateway: str = ""
    source: str = ""
    tunnel: tuple[str, str] | None = None

    @property
    def leads_out(self) -> bool:
        """Tell whether the packet leaves the node."""
        return self.kind in ("unicast", "multicast", "anycast") and self.interface not in ("", "lo")


class Facts(Struct, frozen=True):
    """What is known.

    ``source`` is the one that was asked for, empty where the node is to choose. ``kernel`` is None where
    XFRM has no part in it, or could not be read, for which ``kernel_unknown`` is the reason.
    ``addresses`` are the node's global ones. ``lookups`` has what routing says, by source (empty where
    none is given) and destination; ``route_unknown`` says why it says nothing.
    """

    host: str
    engine: str
    role: str | None = None
    source: str = ""
    home_addresses: tuple[str, ...] = ()
    updates: tuple[BindingUpdateListEntry, ...] | None = None
    tests: tuple[ReturnRoutabilityEntry, ...] | None = None
    cache: tuple[BindingCacheEntry, ...] | None = None
    addresses: tuple[str, ...] | None = None
    kernel: Tables | None = None
    kernel_unknown: str = ""
    lookups: Mapping[tuple[str, str], Lookup] = field(default_factory=dict)
    route_unknown: str = ""
    now: float | None = None

    @property
    def homes(self) -> tuple[str, ...]:
        """All home addresses that are known; what an engine says is taken for one only where it is an address."""
        listed = [row.home_address for row in self.updates or ()]
        return tuple(dict.fromkeys(one for one in (*self.home_addresses, *listed) if is_address(one)))

    def registration(self, home_address: str) -> BindingUpdateListEntry | None:
        """Return the home registration of a home address."""
        return next(
            (r for r in self.updates or () if r.registration == "home" and r.home_address == home_address), None
        )

    def update(self, home_address: str) -> BindingUpdateListEntry | None:
        """Return the entry of a home address for the host as a correspondent."""
        rows = (row for row in self.updates or () if row.registration != "home")
        return next((r for r in rows if (r.home_address, r.peer_address) == (home_address, self.host)), None)

    def binding(self, own: str) -> BindingCacheEntry | None:
        """Return the binding that this node holds for the host as a mobile node, where it is in force.

        ``own`` is the address of this node that it has to be kept for; any, where that is empty.
        """
        for row in self.cache or ():
            is_alive = row.lifetime_remaining_s is None or row.lifetime_remaining_s > 0
            is_mine = not own or row.local_address in (None, own)
            if row.home_address == self.host and row.status in ("cached", "registered") and is_alive and is_mine:
                return row
        return None
