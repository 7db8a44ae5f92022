"""What an administrator may choose for a home agent, as data; times are seconds."""

from msgspec import Struct

from mipsh.mobility.constants import (
    MAX_DELETE_BCE_TIMEOUT_S,
    MAX_MOB_PFX_ADV_INTERVAL_S,
    MIN_MOB_PFX_ADV_INTERVAL_S,
    PREFIX_ADV_RETRIES_COUNT,
    PREFIX_ADV_TIMEOUT_S,
)
from mipsh.mobility.effects import Protection, Purpose
from mipsh.wire import address as addresses
from mipsh.wire.ndp import AUTONOMOUS, ON_LINK, ROUTER_ADDRESS, PrefixInformation

Prefix = tuple[bytes, int]
"""A prefix with zeros behind it, and its length in bits."""
EUI_64_LENGTH = 64
HOME_AGENTS = 0x7E
"""The anycast identifier of Mobile IPv6 home agents (RFC 2526 section 3)."""


class HomeLink(Struct, frozen=True):
    """A prefix that the home agent serves on an interface, with its own address there.

    Lifetimes are those that are advertised from now on, INFINITY for ever; ``flags`` are those of a
    Prefix Information option, ``preference`` is that of a Home Agent Information option.
    """

    interface: str
    address: bytes
    prefix: bytes
    length: int = EUI_64_LENGTH
    valid_s: int = 2_592_000
    preferred_s: int = 604_800
    flags: int = ON_LINK | AUTONOMOUS | ROUTER_ADDRESS
    preference: int = 0

    @property
    def anycast(self) -> bytes:
        """The Mobile IPv6 Home-Agents anycast address of the prefix (RFC 2526 section 2).

        Behind a /64 it is an identifier with the universal bit clear; else all bits but those of
        the anycast identifier are ones.
        """
        if self.length == EUI_64_LENGTH:
            return addresses.home_agents_anycast(self.prefix)
        host = (1 << 128 - self.length) - 1
        ones = int.from_bytes(self.prefix) | host
        return (ones & ~0x7F | HOME_AGENTS).to_bytes(16)

    @property
    def information(self) -> PrefixInformation:
        """The prefix as a Prefix Information option; with ROUTER_ADDRESS it holds the address (section 7.2)."""
        shown = self.address if self.flags & ROUTER_ADDRESS else self.prefix
        return PrefixInformation(self.length, self.flags, self.valid_s, self.preferred_s, shown)


class HomeAgentParameters(Struct, frozen=True):
    """A home agent's configuration.

    ``required`` are the purposes for which packets from and to mobile nodes must be protected.
    Without ``is_enabled`` home registrations are refused with status 131. Home addresses in
    ``denied`` are refused, and those outside of ``allowed`` where it is not empty. ``refresh_share``
    advises a refresh after so much of the granted lifetime. ``mobile_networks`` are the prefixes
    behind each mobile router, by its home address; with ``allows_implicit`` one that names none gets
    all of them. Limits are a rate a second and a burst.
    """

    links: tuple[HomeLink, ...]
    max_bindings: int = 10_000
    max_probes: int = 1_000
    max_lifetime_s: float = 262_140.0
    required: frozenset[Purpose] = frozenset()
    detects_duplicates: bool = True
    probe_timeout_s: float = 10.0
    is_enabled: bool = True
    denied: tuple[Prefix, ...] = ()
    allowed: tuple[Prefix, ...] = ()
    refresh_share: float | None = None
    requires_alternate: bool = False
    serves_mobile_routers: bool = True
    allows_implicit: bool = True
    mobile_networks: tuple[tuple[bytes, tuple[Prefix, ...]], ...] = ()
    delete_delay_s: float = MAX_DELETE_BCE_TIMEOUT_S
    tunnel_mtu: int = 1500
    min_advertisement_interval_s: float = MIN_MOB_PFX_ADV_INTERVAL_S
    max_advertisement_interval_s: float = MAX_MOB_PFX_ADV_INTERVAL_S
    advertisement_timeout_s: float = PREFIX_ADV_TIMEOUT_S
    advertisement_retries: int = PREFIX_ADV_RETRIES_COUNT
    advertisements_per_s: float = 1_000.0
    advertisement_flags: int = 0
    rejections_per_peer: tuple[float, float] = (3.0, 10.0)
    answers_per_peer: tuple[float, float] = (3.0, 10.0)
    errors_per_peer: tuple[float, float] = (1.0, 3.0)
    errors_together: tuple[float, float] = (100.0, 100.0)

    def protection(self, purpose: Purpose, home_address: bytes) -> Protection | None:
        """Return how packets of a purpose go to a mobile node; None in the clear."""
        return Protection(purpose, home_address) if purpose in self.required else None

    def is_protected(self, protection: Protection | None, purpose: Purpose, home_address: bytes) -> bool:
        """Tell whether a packet of a mobile node came as it must: another one's association is never right."""
        if protection is None:
            return purpose not in self.required
        return protection == Protection(purpose, home_address)

    def permits(self, home_address: bytes) -> bool:
        """Tell whether a home address may be registered, by policy."""
        if any(addresses.in_prefix(home_address, *prefix) for prefix in self.denied):
            return False
        return not self.allowed or any(addresses.in_prefix(home_address, *prefix) for prefix in self.allowed)


class HomeLinks:
    """The prefixes that a home agent serves, found by address."""

    def __init__(self, links: tuple[HomeLink, ...]) -> None:
        self.replace(links)

    def replace(self, links: tuple[HomeLink, ...]) -> None:
        """Serve these prefixes from now on."""
        self.all = links
        self._prefixes = [(128 - link.length, int.from_bytes(link.prefix) >> 128 - link.length, link) for link in links]
        anycasts = [link.anycast for link in links]
        routers = [link.prefix for link in links]
        self._reserved = frozenset([link.address for link in links] + anycasts + routers)
        self.by_anycast = dict(zip(anycasts, links, strict=True))
        self.interfaces = tuple(dict.fromkeys(link.interface for link in links))

    def of(self, address: bytes) -> HomeLink | None:
        """Return the prefix that an address is in, the first one given; one whose lifetime is zero is not there."""
        number = int.from_bytes(address)
        for shift, prefix, link in self._prefixes:
            if number >> shift == prefix and link.valid_s:
                return link
        return None

    def is_reserved(self, address: bytes) -> bool:
        """Tell whether an address is the home agent's own, or an anycast address of all home agents or routers."""
        return address in self._reserved

    def on(self, interface: str) -> list[HomeLink]:
        """Return the prefixes of an interface."""
        return [link for link in self.all if link.interface == interface]
