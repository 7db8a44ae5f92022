"""A node's configuration as its file has it: addresses and prefixes are text, times are seconds.

``build`` turns it into a node. A field that is not here is refused by name.
"""

from typing import Annotated, Literal

from msgspec import Meta, Struct, field

Name = Annotated[str, Meta(min_length=1, max_length=15, pattern=r"^[A-Za-z0-9_.-]+$")]
"""A node's or an interface's name: what Linux allows for an interface."""
Seconds = Annotated[float, Meta(ge=0)]
Lifetime = Annotated[int, Meta(ge=0, le=0xFFFFFFFF)]
PurposeName = Literal["registration", "return-routability", "prefix-discovery", "payload"]


class AdvertisedPrefixConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prefix in Router Advertisements; ``router_address`` is told with it (RFC 6275 section 7.2)."""

    prefix: str
    valid_s: Lifetime = 2_592_000
    preferred_s: Lifetime = 604_800
    router_address: str | None = None


class AdvertiseConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a router says on a link; the interval is the least and the most between two advertisements.

    Without ``prefixes`` these are those of the interface's addresses, each told with that address.
    """

    prefixes: tuple[AdvertisedPrefixConfig, ...] | None = None
    interval_s: tuple[Seconds, Seconds] = (1.0, 3.0)
    response_delay_s: Seconds = 0.0
    min_delay_s: Seconds = 0.03
    lifetime_s: Annotated[int, Meta(ge=0, le=9000)] = 1800
    home_agent: bool = False
    preference: Annotated[int, Meta(ge=0, le=0xFFFF)] = 0
    unicast_responses: bool = True
    sends_interval: bool = True


class InterfaceConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A link of the node: a real interface whose kernel IPv6 is off.

    ``addresses`` are address/length; with ``adopts`` those are kept, with their routes, that the kernel
    has there at the start. Where nothing is said about ``accepts_advertisements``, a router does not,
    and any other node does; without, a host is configured by hand.
    """

    name: Name
    addresses: tuple[str, ...] = ()
    adopts: bool = False
    accepts_advertisements: bool | None = None
    dad_transmits: Annotated[int, Meta(ge=0, le=10)] = 1
    optimistic: bool = False
    mtu: Annotated[int, Meta(ge=1280, le=65_535)] | None = None
    advertise: AdvertiseConfig | None = None


class RouteConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A route to prefix/length, by a router or onto the link."""

    to: str
    interface: Name
    via: str | None = None


class TunConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The interface that faces the kernel's sockets: the node's addresses are there, home addresses included."""

    name: Name = "mip0"
    mtu: Annotated[int, Meta(ge=1280, le=65_535)] = 1400


class CorrespondentConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The correspondent node's part."""

    max_bindings: Annotated[int, Meta(ge=0)] = 10_000
    max_lifetime_s: Seconds = 420.0


class HomeLinkConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A prefix that a home agent serves, and its own address there."""

    interface: Name
    prefix: str
    address: str
    preference: Annotated[int, Meta(ge=0, le=0xFFFF)] = 0


class MobileNetworkConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The prefixes behind a mobile router, by its home address (RFC 3963)."""

    home_address: str
    prefixes: tuple[str, ...]


class HomeAgentConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The home agent's part; it serves what it advertises as a home agent unless ``links`` says otherwise.

    Home addresses in ``denied`` are refused, and those outside of ``allowed`` where it is not empty.
    ``refresh_share`` advises a refresh after so much of the granted lifetime.
    """

    links: tuple[HomeLinkConfig, ...] = ()
    max_bindings: Annotated[int, Meta(ge=0)] = 10_000
    max_lifetime_s: Seconds = 262_140.0
    detects_duplicates: bool = True
    allowed: tuple[str, ...] = ()
    denied: tuple[str, ...] = ()
    refresh_share: Annotated[float, Meta(gt=0, lt=1)] | None = None
    serves_mobile_routers: bool = True
    mobile_networks: tuple[MobileNetworkConfig, ...] = ()
    requires_protection: tuple[PurposeName, ...] = ()


class PeerConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What to do about route optimisation with one correspondent."""

    address: str
    optimise: bool


class HomeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A home address/length; its home agent is discovered where none is given.

    With ``mobile_networks`` it is a mobile router's, which names them in each update if ``explicit``.
    """

    address: str
    home_agent: str | None = None
    mobile_networks: tuple[str, ...] = ()
    explicit: bool = True


class MobileNodeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The mobile node's part."""

    homes: tuple[HomeConfig, ...]
    home_lifetime_s: Seconds = 3600.0
    correspondent_lifetime_s: Annotated[float, Meta(ge=0, le=420)] = 420.0
    optimise: bool = True
    peers: tuple[PeerConfig, ...] = ()
    acknowledge_correspondents: bool = True
    requires_protection: tuple[PurposeName, ...] = ()
    optimise_before_complete: bool = False


class NodeConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The whole file. ``control`` is the path of the control socket; None is where mipsh looks for it by the name."""

    name: Name
    control: str | None = None
    vt_port: Annotated[int, Meta(ge=1, le=65_535)] | None = None
    router: bool = False
    user: str | None = None
    interfaces: tuple[InterfaceConfig, ...]
    routes: tuple[RouteConfig, ...] = ()
    tun: TunConfig | None = field(default_factory=TunConfig)
    correspondent: CorrespondentConfig = field(default_factory=CorrespondentConfig)
    home_agent: HomeAgentConfig | None = None
    mobile_node: MobileNodeConfig | None = None
