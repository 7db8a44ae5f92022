"""The lab's network: a home link, foreign links, a link of correspondents, and routers between them.

```
 ha  2001:db8:1::1 ─────────── home 2001:db8:1::/64 ────────┐
 cn  2001:db8:4::2, cn2 ::3 ── correspondent 2001:db8:4::/64 ┤
                                                             r1 (::fe at home, ::1 elsewhere)
 foreign1 2001:db8:2::/64, foreign2 2001:db8:3::/64 ─────────┘
 mn  home address 2001:db8:1::100, mn2 2001:db8:1::200, on any of these links
```

With ``access_routers`` there is a router of its own for each foreign link, and a backbone between
them and r1. Mobile routers have a network of their own each, with one host in it.
"""

from collections.abc import Iterable, Mapping
from functools import partial

from msgspec import Struct, field, structs

from mipsh.lab.link import LinkParameters
from mipsh.lab.network import Begin, Core, Network
from mipsh.mobility.correspondent_cache import State
from mipsh.mobility.effects import Effect, Purpose
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising, InterfaceParameters
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.mobility.trace import Sink, Trace
from mipsh.wire.address import parse

Route = tuple[bytes, int, str, bytes]
"""A prefix, its length, and the interface and the router by which it is reached."""
LENGTH = 64
EVERYWHERE = bytes(16)
HOME, CORRESPONDENT, BACKBONE = "home", "correspondent", "backbone"
HOME_AGENT, ROUTER, ETHERNET, INSIDE = "ha", "r1", "eth0", "inside"
HOME_PREFIX, CORRESPONDENT_PREFIX = parse("2001:db8:1::"), parse("2001:db8:4::")
BACKBONE_PREFIX, MOBILE_PREFIXES = parse("2001:db8:e000::"), parse("2001:db8:f000::")
MOBILE_LENGTH = 36
HOME_AGENT_ADDRESS, ROUTER_AT_HOME = parse("2001:db8:1::1"), parse("2001:db8:1::fe")


def at(prefix: bytes, number: int) -> bytes:
    """Return the address of a number behind a prefix."""
    return (int.from_bytes(prefix) | number).to_bytes(16)


def foreign_prefix(number: int) -> bytes:
    """Return the prefix of a foreign link, of which the first is 1."""
    return parse(f"2001:db8:{number + 1 if number <= 2 else number + 2:x}::")


def mobile_prefix(number: int) -> bytes:
    """Return the prefix of a mobile router's network, of which the first is 1 and the last 4095."""
    return parse(f"2001:db8:{0xF000 + number:x}::")


def home_address(number: int) -> bytes:
    """Return a mobile node's home address; the first one is 1."""
    return at(HOME_PREFIX, number * 0x100)


def numbered(name: str, number: int) -> str:
    """Return the name of the first, second and so on of a kind: mn, mn2, mn3."""
    return name if number == 1 else f"{name}{number}"


ADVERTISING = Advertising(
    interval_s=(1.0, 3.0), min_delay_s=0.03, response_delay_s=0.0, unicast_responses=True, sends_interval=True
)
"""Routers answer at once, as those of access networks should (RFC 6275 section 7.5)."""


class LabParameters(Struct, frozen=True):
    """What the network is like; times are seconds.

    ``home``, ``foreign`` and ``backbone`` say how good the links are, the backbone standing for the
    correspondents' link too. With ``protects`` registrations, return routability and prefix
    discovery must be protected by IPsec, and are. The first so many mobile nodes are
    ``mobile_routers``. ``mobile_node`` is what all mobile nodes have in common; their home addresses
    come with it.
    """

    seed: int = 0
    foreign_links: int = 2
    correspondents: int = 1
    access_routers: bool = False
    home: LinkParameters = field(default_factory=LinkParameters)
    foreign: LinkParameters = field(default_factory=LinkParameters)
    backbone: LinkParameters = field(default_factory=LinkParameters)
    is_optimistic: bool = False
    advertising: Advertising = ADVERTISING
    protects: bool = False
    mobile_routers: int = 0
    most_bindings: int = 10_000
    mobile_node: MobileNodeParameters = field(default_factory=lambda: MobileNodeParameters(()))

    @property
    def required(self) -> frozenset[Purpose]:
        """The purposes for which packets must be protected."""
        return frozenset(Purpose) if self.protects else frozenset()


class Lab:
    """The network with its home agent, routers and correspondents; mobile nodes are added.

    ``sink`` hears the trace of all nodes.
    """

    def __init__(self, parameters: LabParameters | None = None, sink: Sink | None = None) -> None:
        self.parameters = parameters or LabParameters()
        self.network = Network(self.parameters.seed)
        self.mobile_nodes: dict[str, bytes] = {}
        self._sink = sink
        self._link_layers = 0
        self._add_links()
        self._add_routers()
        self._add_home_agent()
        for number in range(1, self.parameters.correspondents + 1):
            self._add_host(numbered("cn", number), CORRESPONDENT, CORRESPONDENT_PREFIX, number + 1)

    # What is there.

    @property
    def foreign_links(self) -> list[str]:
        """The names of the foreign links."""
        return [f"foreign{number}" for number in range(1, self.parameters.foreign_links + 1)]

    def node(self, name: str) -> Node:
        """Return a node as it is now."""
        node = self.network.stations[name].node
        if not isinstance(node, Node):
            raise TypeError(f"{name} is not a node of the lab")
        return node

    def correspondent_address(self, number: int = 1) -> bytes:
        """Return a correspondent's address; the first one is 1."""
        return at(CORRESPONDENT_PREFIX, number + 1)

    def prefix_of(self, link: str) -> bytes:
        """Return the prefix of a link by its name."""
        known = {HOME: HOME_PREFIX, CORRESPONDENT: CORRESPONDENT_PREFIX, BACKBONE: BACKBONE_PREFIX}
        return known.get(link) or foreign_prefix(self.foreign_links.index(link) + 1)

    def registered_at(self, name: str) -> bytes | None:
        """Return the care-of address that the home agent has for a mobile node; None where it has none."""
        agent = self.node(HOME_AGENT).roles.home_agent
        entry = None if agent is None else agent.cache.bound(self.mobile_nodes[name], self.network.clock.now)
        return None if entry is None else entry.care_of_address

    def optimised_at(self, name: str, correspondent: str) -> bytes | None:
        """Return the care-of address that a correspondent's binding cache has for a mobile node."""
        home, cache = self.mobile_nodes[name], self.node(correspondent).roles.correspondent.cache
        bound = [e.care_of_address for e in cache if e.home_address == home and e.state is State.BOUND]
        return bound[0] if bound else None

    # What is built.

    def _add_links(self) -> None:
        parameters, network = self.parameters, self.network
        network.add_link(HOME, parameters.home)
        network.add_link(CORRESPONDENT, parameters.backbone)
        for name in self.foreign_links:
            network.add_link(name, parameters.foreign)
        if parameters.access_routers:
            network.add_link(BACKBONE, parameters.backbone)

    def _add_routers(self) -> None:
        here = {HOME: ROUTER_AT_HOME, CORRESPONDENT: at(CORRESPONDENT_PREFIX, 1)}
        foreign = {name: at(foreign_prefix(number), 1) for number, name in enumerate(self.foreign_links, 1)}
        routes = [(MOBILE_PREFIXES, MOBILE_LENGTH, HOME, HOME_AGENT_ADDRESS)]
        if not self.parameters.access_routers:
            self._add_router(ROUTER, here | foreign, routes)
            return
        here[BACKBONE] = at(BACKBONE_PREFIX, 1)
        for number, name in enumerate(self.foreign_links, 1):
            beyond = at(BACKBONE_PREFIX, number + 1)
            routes.append((foreign_prefix(number), LENGTH, BACKBONE, beyond))
            default = EVERYWHERE, 0, BACKBONE, here[BACKBONE]
            self._add_router(f"ar{number}", {BACKBONE: beyond, name: foreign[name]}, [default])
        self._add_router(ROUTER, here, routes)

    def _add_router(self, name: str, addresses: Mapping[str, bytes], routes: Iterable[Route]) -> None:
        """Add a router whose interfaces are called after their links; it advertises on foreign links."""
        advertised = {
            link: self._advertising(self.prefix_of(link), addresses[link])
            for link in addresses
            if link in self.foreign_links
        }
        links = {link: link for link in addresses}
        begin = partial(self._begin, name, addresses, advertised, tuple(routes))
        self._add(name, links, NodeParameters(is_router=True), begin)

    def _add_home_agent(self) -> None:
        parameters = self.parameters
        networks = [(home_address(n), mobile_prefix(n)) for n in range(1, parameters.mobile_routers + 1)]
        home_agent = HomeAgentParameters(
            (HomeLink(ETHERNET, HOME_AGENT_ADDRESS, HOME_PREFIX),),
            max_bindings=parameters.most_bindings,
            required=parameters.required,
            mobile_networks=tuple((router, ((prefix, LENGTH),)) for router, prefix in networks),
        )
        advertised = {ETHERNET: structs.replace(self._advertising(HOME_PREFIX, HOME_AGENT_ADDRESS), is_home_agent=True)}
        at_home = [(prefix, LENGTH, ETHERNET, router) for router, prefix in networks]
        routes = ((EVERYWHERE, 0, ETHERNET, ROUTER_AT_HOME), *at_home)
        begin = partial(self._begin, HOME_AGENT, {ETHERNET: HOME_AGENT_ADDRESS}, advertised, routes)
        roles = NodeParameters(home_agent=home_agent, is_router=True)
        self._add(HOME_AGENT, {ETHERNET: HOME}, roles, begin)

    def _add_host(self, name: str, link: str, prefix: bytes, number: int) -> None:
        """Add a host that stays where it is, behind the router that is the first one of its prefix."""
        routes = ((EVERYWHERE, 0, ETHERNET, at(prefix, 1)),)
        begin = partial(self._begin, name, {ETHERNET: at(prefix, number)}, {}, routes)
        self._add(name, {ETHERNET: link}, NodeParameters(), begin)

    def add_mobile_node(self, link: str = HOME) -> str:
        """Add one more mobile node on a link; return its name."""
        number = len(self.mobile_nodes) + 1
        name = numbered("mn", number)
        self.mobile_nodes[name] = home_address(number)
        home = Home(home_address(number), LENGTH, HOME_AGENT_ADDRESS)
        if number <= self.parameters.mobile_routers:
            self._add_mobile_router(name, link, home, mobile_prefix(number))
        else:
            self._add(name, {ETHERNET: link}, NodeParameters(mobile_node=self._mobile(home)), None)
        return name

    def _add_mobile_router(self, name: str, link: str, home: Home, prefix: bytes) -> None:
        """Add a mobile router with its network, and a host there."""
        inside = f"{name}-network"
        self.network.add_link(inside)
        mobile = self._mobile(structs.replace(home, prefixes=((prefix, LENGTH),), is_mobile_router=True))
        begin = partial(self._begin, name, {INSIDE: at(prefix, 1)}, {}, ())
        self._add(name, {ETHERNET: link, INSIDE: inside}, NodeParameters(mobile_node=mobile, is_router=True), begin)
        self._add_host(f"{name}-host", inside, prefix, 2)

    def _mobile(self, home: Home) -> MobileNodeParameters:
        return structs.replace(self.parameters.mobile_node, homes=(home,), required=self.parameters.required)

    def _advertising(self, prefix: bytes, address: bytes) -> Advertising:
        """Return what a router says: its prefix with its own address."""
        advertised = AdvertisedPrefix(prefix, LENGTH, router_address=address)
        return structs.replace(self.parameters.advertising, prefixes=(advertised,))

    def _add(self, name: str, links: Mapping[str, str], parameters: NodeParameters, begin: Begin | None) -> None:
        link_layers = {interface: self._link_layer() for interface in links}
        self.network.add(name, partial(self._build, name, link_layers, parameters), links, begin)

    def _link_layer(self) -> bytes:
        self._link_layers += 1
        return b"\x02\x00" + self._link_layers.to_bytes(4)

    def _build(self, name: str, link_layers: Mapping[str, bytes], parameters: NodeParameters, boots: int) -> Core:
        entropy = self.network.entropy(name, boots)
        is_host = not parameters.is_router or parameters.mobile_node is not None
        interfaces = []
        for interface, link_layer in link_layers.items():
            listens = is_host and interface != INSIDE
            settings = InterfaceParameters(
                is_optimistic=self.parameters.is_optimistic,
                accepts_advertisements=listens,
                forms_addresses=listens and parameters.mobile_node is not None,
            )
            interfaces.append(Interface(interface, link_layer, entropy, settings))
        return Node(name, interfaces, entropy, parameters, Trace(name, self._sink))

    def _begin(
        self,
        name: str,
        addresses: Mapping[str, bytes],
        advertised: Mapping[str, Advertising],
        routes: Iterable[Route],
        now: float,
    ) -> list[Effect]:
        """Configure a node by hand: routes, addresses that are known to be unique, and what it advertises."""
        node = self.node(name)
        effects: list[Effect] = []
        for prefix, length, interface, next_hop in routes:
            node.routing.add(prefix, length, interface, next_hop)
        for interface, address in addresses.items():
            effects += node.add_address(interface, address, LENGTH, now, detect=False)
        for interface, advertising in advertised.items():
            effects += node.advertise(interface, advertising, now)
        return effects
