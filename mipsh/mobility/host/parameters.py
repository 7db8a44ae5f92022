"""What an administrator may choose about an interface, and about what a router says on its link."""

from msgspec import Struct

from mipsh.wire.ndp import AUTONOMOUS, ON_LINK


class InterfaceParameters(Struct, frozen=True):
    """An interface; times are seconds, and the names are near those of RFC 4861 section 6.3.2 and RFC 4862 section 5.1.

    A router neither ``accepts_advertisements`` nor forms addresses. ``solicit_delay_s`` is the
    longest random delay before the first Router Solicitation and before duplicate address detection
    of the link-local address. ``queue`` packets wait for each neighbour that is being resolved.
    """

    mtu: int = 1500
    hop_limit: int = 64
    dad_transmits: int = 1
    is_optimistic: bool = False
    retransmit_s: float = 1.0
    reachable_s: float = 30.0
    delay_first_probe_s: float = 5.0
    max_multicast_solicit: int = 3
    max_unicast_solicit: int = 3
    accepts_advertisements: bool = True
    forms_addresses: bool = True
    solicitations: int = 3
    solicit_interval_s: float = 4.0
    solicit_delay_s: float = 0.0
    queue: int = 8
    max_neighbours: int = 1024
    max_prefixes: int = 32
    max_routers: int = 16
    max_addresses: int = 32
    max_redirects: int = 64


class AdvertisedPrefix(Struct, frozen=True):
    """A prefix in Router Advertisements.

    With ``router_address``, that whole address stands in for the prefix, and the R flag says so
    (RFC 6275 section 7.2).
    """

    prefix: bytes
    length: int = 64
    valid_s: int = 2_592_000
    preferred_s: int = 604_800
    flags: int = ON_LINK | AUTONOMOUS
    router_address: bytes | None = None


class Advertising(Struct, frozen=True):
    """What a router says on a link, and how often (RFC 4861 section 6.2.1, RFC 6275 section 7).

    ``interval_s`` is the least and the most time between two unsolicited advertisements, and
    ``min_delay_s`` the least before a solicited one to all nodes. A solicited one is delayed at random by up to
    ``response_delay_s``; with ``unicast_responses`` it goes to the solicitor alone, where that has
    an address. ``preference`` and ``home_agent_lifetime_s`` are the home agent's.
    """

    prefixes: tuple[AdvertisedPrefix, ...] = ()
    lifetime_s: int = 1800
    interval_s: tuple[float, float] = (200.0, 600.0)
    min_delay_s: float = 3.0
    response_delay_s: float = 0.5
    unicast_responses: bool = False
    is_home_agent: bool = False
    preference: int = 0
    home_agent_lifetime_s: int | None = None
    supports_mobile_routers: bool = False
    sends_interval: bool = False
    hop_limit: int = 64
    mtu: int | None = None
    reachable_ms: int = 0
    retransmit_ms: int = 0
