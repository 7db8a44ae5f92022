"""Where a mobile node is, over all its interfaces: at home, away with a primary care-of address, or nowhere.

It is at home where a home prefix is on the link of an interface (RFC 6275 section 11.5.2). Of the
addresses that its links gave it, one is the primary care-of address; it stays so while it can be
used (section 11.5.3).
"""

from collections.abc import Iterator

from msgspec import Struct

from mipsh.mobility.effects import (
    AddressFailed,
    AddressGone,
    AddressReady,
    Effect,
    LinkChanged,
    NeighbourConfirmed,
    NeighbourLost,
    RouterAdvertised,
    RouterExpired,
    Signal,
)
from mipsh.mobility.mobile.attachment import Attachment
from mipsh.mobility.mobile.parameters import Home
from mipsh.mobility.mobile.routers import FOREVER, Prefix
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses

MOST_ADDRESSES = 64


class Place(Struct, frozen=True):
    """Where the mobile node is for one home address; ``care_of_address`` None is at home.

    ``valid_until`` is when the care-of address, or at home the home address, ceases to be valid.
    ``link_local`` is the interface's own.
    """

    interface: str
    care_of_address: bytes | None
    valid_until: float = FOREVER
    link_local: bytes | None = None


class Movement:
    """The attachments of all interfaces, and the addresses that are ready on them."""

    def __init__(self, homes: tuple[Home, ...], interfaces: tuple[str, ...], trace: Trace | None = None) -> None:
        keys = frozenset((home.prefix, home.prefix_length) for home in homes)
        self._trace = trace or Trace()
        self._home_addresses = frozenset(home.address for home in homes)
        self._home_prefixes = keys
        self.attachments = {name: Attachment(name, keys, self._trace) for name in interfaces}
        self._ready: dict[str, dict[bytes, None]] = {name: {} for name in interfaces}
        self._home_interfaces: dict[bytes, str] = {}
        self._primary: tuple[str, bytes] | None = None
        self._ends: Timers[str] = Timers()

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        deadlines = [attachment.next_deadline() for attachment in self.attachments.values()]
        return min((d for d in (*deadlines, self._ends.next()) if d is not None), default=None)

    def advance(self, now: float) -> list[Effect]:
        """Do what is due; where home prefixes ended, places are other ones from now on."""
        for interface in self._ends.due(now):
            self._trace.timer("home prefix", interface)
            self._watch_home_prefixes(interface, now)
        return [effect for attachment in self.attachments.values() for effect in attachment.advance(now)]

    def signal(self, signal: Signal, now: float) -> list[Effect]:
        """Take in what a link says; signals of other interfaces say nothing."""
        attachment = self.attachments.get(signal.interface)
        if attachment is None:
            return []
        if isinstance(signal, AddressReady | AddressGone | AddressFailed):
            self._note_address(signal)
            return []
        effects: list[Effect] = []
        if isinstance(signal, LinkChanged):
            effects = attachment.link(signal.is_up)
        elif isinstance(signal, RouterAdvertised):
            effects = attachment.hear(signal.router, signal.message, now)
        elif isinstance(signal, RouterExpired):
            effects = attachment.lost(signal.router)
        elif isinstance(signal, NeighbourLost):
            effects = attachment.lost(signal.address)
        elif isinstance(signal, NeighbourConfirmed):
            effects = attachment.confirmed(signal.address, now)
        self._watch_home_prefixes(signal.interface, now)
        return effects

    def _note_address(self, signal: AddressReady | AddressGone | AddressFailed) -> None:
        ready = self._ready[signal.interface]
        if not isinstance(signal, AddressReady):
            ready.pop(signal.address, None)
        elif signal.address not in self._home_addresses and len(ready) < MOST_ADDRESSES:
            ready[signal.address] = None

    def _watch_home_prefixes(self, interface: str, now: float) -> None:
        """Set the deadline at which the next home prefix on a link ends."""
        prefixes = self.attachments[interface].prefixes
        ends = (p.valid_until for p in prefixes if p.key in self._home_prefixes)
        end = min((e for e in ends if now < e < FOREVER), default=None)
        if end is None:
            self._ends.cancel(interface)
        else:
            self._ends.set(interface, end)

    def place(self, home: Home, now: float) -> Place | None:
        """Return where the mobile node is for a home address; None where it is nowhere.

        Of several interfaces on the home link, the one that was used before stays in use.
        """
        before = self._home_interfaces.get(home.address)
        for attachment in sorted(self.attachments.values(), key=lambda a: a.interface != before):
            if attachment.is_on_a_link:
                ends = [p.valid_until for p in attachment.prefixes if _is_home_prefix(p, home) and p.valid_until > now]
                if ends:
                    self._home_interfaces[home.address] = attachment.interface
                    return Place(attachment.interface, None, max(ends), self._link_local(attachment.interface))
        self._primary = self._choose(now)
        if self._primary is None:
            return None
        interface, address = self._primary
        ends = [p.valid_until for p in self._prefixes_of(interface, address, now)]
        return Place(interface, address, max(ends), self._link_local(interface))

    def is_care_of_address(self, address: bytes) -> bool:
        """Tell whether an address is one of those that the links gave the node."""
        return any(address in ready for ready in self._ready.values())

    def _link_local(self, interface: str) -> bytes | None:
        return next(filter(addresses.is_link_local, self._ready[interface]), None)

    def _choose(self, now: float) -> tuple[str, bytes] | None:
        """Return the primary care-of address: the one before while it can be used, else the most preferred."""
        candidates = {
            (interface, address): any(p.preferred_until > now for p in self._prefixes_of(interface, address, now))
            for interface, ready in self._ready.items()
            for address in ready
            if any(self._prefixes_of(interface, address, now))
        }
        if self._primary in candidates:
            return self._primary
        return max(candidates, key=lambda candidate: candidates[candidate], default=None)

    def _prefixes_of(self, interface: str, address: bytes, now: float) -> Iterator[Prefix]:
        """Iterate over the valid prefixes of an interface's link that an address has."""
        attachment = self.attachments[interface]
        if attachment.is_on_a_link and addresses.is_unicast_routable(address):
            for prefix in attachment.prefixes:
                if prefix.valid_until > now and addresses.in_prefix(address, *prefix.key):
                    yield prefix


def _is_home_prefix(prefix: Prefix, home: Home) -> bool:
    return prefix.is_on_link and prefix.key == (home.prefix, home.prefix_length)
