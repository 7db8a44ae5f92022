"""Routers as a mobile node hears them: their addresses, prefixes and intervals (RFC 6275 sections 7 and 11.5.1)."""

from collections.abc import Iterator

from msgspec import Struct, field

from mipsh.mobility.constants import MIN_DELAY_BETWEEN_RAS_LEAST_S
from mipsh.wire import address as addresses
from mipsh.wire.ndp import (
    INFINITY,
    ON_LINK,
    ROUTER_ADDRESS,
    AdvertisementInterval,
    Option,
    PrefixInformation,
    RouterAdvertisement,
)

ADDRESS_BITS = 128
MOST_PREFIXES = 32
MOST_ADDRESSES = 8
MISSED_INTERVALS = 3
"""After how many advertisement intervals of silence a router has gone missing."""
FOREVER = float("inf")


class Prefix(Struct, frozen=True):
    """A prefix as it was advertised, with zeros behind it; the ends of its lifetimes are the node's clock."""

    prefix: bytes
    length: int
    is_on_link: bool
    valid_until: float
    preferred_until: float

    @property
    def key(self) -> tuple[bytes, int]:
        """What makes it this prefix."""
        return self.prefix, self.length


class Router(Struct):
    """A router that was heard; ``is_here`` tells that it is known to be on the link in use.

    ``addresses`` are its global addresses, from prefix information with the R flag. ``since`` is
    when it was first heard, ``heard`` when last, and ``alive`` when it last was known to be there.
    """

    link_local: bytes
    since: float
    heard: float
    alive: float
    addresses: frozenset[bytes] = frozenset()
    interval_s: float | None = None
    is_here: bool = False
    prefixes: dict[tuple[bytes, int], Prefix] = field(default_factory=dict)

    def hear(self, message: RouterAdvertisement, now: float) -> None:
        """Take in one of its advertisements."""
        self.heard = self.alive = now
        if len(self.addresses) < MOST_ADDRESSES:
            self.addresses |= global_addresses(message)
        for prefix in read_prefixes(message.options, now):
            if prefix.valid_until <= now:
                self.prefixes.pop(prefix.key, None)
            elif prefix.key in self.prefixes or len(self.prefixes) < MOST_PREFIXES:
                self.prefixes[prefix.key] = prefix
        for option in message.options:
            if isinstance(option, AdvertisementInterval):
                self.interval_s = max(option.interval_ms / 1000, MIN_DELAY_BETWEEN_RAS_LEAST_S)

    def is_at(self, address: bytes) -> bool:
        """Tell whether an address is one of the router's."""
        return address == self.link_local or address in self.addresses

    def shares_link(self, other: "Router") -> bool:
        """Tell whether another router advertises one of the prefixes on this one's link: prefixes are global."""
        return any(p.is_on_link and p.key in other.prefixes for p in self.prefixes.values())

    @property
    def confirmed_at(self) -> bytes:
        """The address to confirm it by: a global one where it is known, as link-local ones are not unique."""
        return min(self.addresses, default=self.link_local)

    @property
    def missing_at(self) -> float | None:
        """When it will have gone missing; None where it does not say how often it advertises."""
        return None if self.interval_s is None else self.alive + MISSED_INTERVALS * self.interval_s


def global_addresses(message: RouterAdvertisement) -> frozenset[bytes]:
    """Return the router's global addresses that an advertisement names, a few at the most."""
    options = (o for o in message.options if isinstance(o, PrefixInformation) and o.flags & ROUTER_ADDRESS)
    named = [o.prefix for o in options if addresses.is_unicast_routable(o.prefix)]
    return frozenset(named[:MOST_ADDRESSES])


def read_prefixes(options: tuple[Option, ...], now: float) -> Iterator[Prefix]:
    """Yield the prefixes of an advertisement; link-local and multicast ones say nothing."""
    for option in options:
        if not isinstance(option, PrefixInformation) or option.length > ADDRESS_BITS:
            continue
        if addresses.is_link_local(option.prefix) or addresses.is_multicast(option.prefix):
            continue
        prefix = leading_bits(option.prefix, option.length)
        valid, preferred = end_of(option.valid_s, now), end_of(option.preferred_s, now)
        yield Prefix(prefix, option.length, bool(option.flags & ON_LINK), valid, preferred)


def leading_bits(address: bytes, length: int) -> bytes:
    """Return the first ``length`` bits of an address, with zeros behind them."""
    shift = ADDRESS_BITS - length
    return (int.from_bytes(address) >> shift << shift).to_bytes(16)


def end_of(lifetime_s: int, now: float) -> float:
    """Return when a lifetime of neighbour discovery ends; one of all ones never does."""
    return FOREVER if lifetime_s == INFINITY else now + lifetime_s
