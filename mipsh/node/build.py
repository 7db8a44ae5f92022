"""A node's configuration into a node: its links, its roles, and what it begins with.

Text becomes addresses here, and what does not fit is refused with the name of its field, as in
``interfaces[0].addresses[1]: expected an IPv6 address/length, found '2001:db8::1'``.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

from msgspec import Struct, structs

from mipsh.mobility.correspondent import CorrespondentParameters
from mipsh.mobility.effects import Effect, Purpose
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising, InterfaceParameters
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters, Optimisation
from mipsh.mobility.node import Node
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.roles import NodeParameters
from mipsh.mobility.trace import Trace
from mipsh.node import fields
from mipsh.node.config import (
    AdvertiseConfig,
    AdvertisedPrefixConfig,
    HomeAgentConfig,
    HomeConfig,
    HomeLinkConfig,
    InterfaceConfig,
    MobileNodeConfig,
    NodeConfig,
    PurposeName,
)
from mipsh.node.fields import FieldError, Prefix

MTU = 1500

Begin = Callable[[float], list[Effect]]


class Built(NamedTuple):
    """A node, and what lets it begin: call it once its links are known; it returns effects for the world."""

    node: Node
    begin: Begin


class LinkPlan(Struct, frozen=True):
    """An interface as it is to be."""

    name: str
    parameters: InterfaceParameters
    addresses: tuple[Prefix, ...]
    advertising: Advertising | None


class RoutePlan(Struct, frozen=True):
    """A configured route."""

    prefix: bytes
    length: int
    interface: str
    next_hop: bytes | None


class Plan(Struct, frozen=True):
    """A configuration that is understood to the end: nothing in it can be wrong any more."""

    name: str
    links: tuple[LinkPlan, ...]
    routes: tuple[RoutePlan, ...]
    parameters: NodeParameters


def build(config: NodeConfig, link_layers: Mapping[str, bytes], entropy: Entropy, trace: Trace | None = None) -> Built:
    """Return a node with its interfaces, whose link-layer addresses are given by name; raises FieldError.

    Start the node, tell it of its links, then begin.
    """
    plan = understand(config)
    links = [Interface(link.name, link_layers[link.name], entropy, link.parameters) for link in plan.links]
    node = Node(plan.name, links, entropy, plan.parameters, trace)
    return Built(node, lambda now: _begin(node, plan, now))


def _begin(node: Node, plan: Plan, now: float) -> list[Effect]:
    """Give a node its routes and addresses, and let it advertise."""
    effects: list[Effect] = []
    for route in plan.routes:
        node.routing.add(route.prefix, route.length, route.interface, route.next_hop)
    for link in plan.links:
        detect = link.parameters.dad_transmits > 0
        for address, length in link.addresses:
            effects += node.add_address(link.name, address, length, now, detect=detect)
        if link.advertising is not None:
            effects += node.advertise(link.name, link.advertising, now)
    return effects


def understand(config: NodeConfig) -> Plan:
    """Return what a configuration asks for; raises FieldError."""
    links = tuple(_link(config, number) for number in range(len(config.interfaces)))
    if not links:
        raise FieldError("interfaces", "a node has at least one", 'name it: [[interfaces]] with name = "eth0"')
    names = [link.name for link in links]
    for number, name in enumerate(names):
        if name in names[:number]:
            raise FieldError(f"interfaces[{number}].name", f"'{name}' is there twice")
    if config.tun is not None and config.tun.name in names:
        raise FieldError("tun.name", f"'{config.tun.name}' is the name of an interface already")
    return Plan(config.name, links, tuple(_routes(config, names)), _parameters(config, links))


def is_router(config: NodeConfig) -> bool:
    """Tell whether a node forwards packets: a home agent always does."""
    return config.router or config.home_agent is not None


# Links.


def _link(config: NodeConfig, number: int) -> LinkPlan:
    interface, field = config.interfaces[number], f"interfaces[{number}]"
    listens = _listens(config, interface)
    if listens and interface.advertise is not None:
        problem = "a link on which the node advertises is not one on which it listens to routers"
        raise FieldError(f"{field}.accepts_advertisements", problem, "leave it out, or set it to false")
    parameters = InterfaceParameters(
        mtu=interface.mtu or MTU,
        dad_transmits=interface.dad_transmits,
        is_optimistic=interface.optimistic,
        accepts_advertisements=listens,
        forms_addresses=listens,
    )
    own = tuple(
        fields.own_address(text, f"{field}.addresses[{index}]") for index, text in enumerate(interface.addresses)
    )
    advertise = interface.advertise
    advertising = None if advertise is None else _advertising(advertise, own, f"{field}.advertise")
    return LinkPlan(interface.name, parameters, own, advertising)


def _listens(config: NodeConfig, interface: InterfaceConfig) -> bool:
    """Tell whether an interface listens to routers; where nothing is said, hosts and mobile nodes do."""
    if interface.accepts_advertisements is not None:
        return interface.accepts_advertisements
    is_host = not is_router(config) or config.mobile_node is not None
    return is_host and interface.advertise is None


def _advertising(advertise: AdvertiseConfig, own: tuple[Prefix, ...], field: str) -> Advertising:
    least, most = advertise.interval_s
    if least > most:
        raise FieldError(f"{field}.interval_s", f"the least, {least:g}, is more than the most, {most:g}")
    if advertise.prefixes is None:
        prefixes = tuple(_own_prefix(address, length) for address, length in own)
    else:
        prefixes = tuple(
            _advertised(prefix, f"{field}.prefixes[{index}]") for index, prefix in enumerate(advertise.prefixes)
        )
    return Advertising(
        prefixes,
        lifetime_s=advertise.lifetime_s,
        interval_s=advertise.interval_s,
        min_delay_s=advertise.min_delay_s,
        response_delay_s=advertise.response_delay_s,
        unicast_responses=advertise.unicast_responses,
        is_home_agent=advertise.home_agent,
        preference=advertise.preference,
        sends_interval=advertise.sends_interval,
    )


def _own_prefix(address: bytes, length: int) -> AdvertisedPrefix:
    return AdvertisedPrefix(fields.cut(address, length), length, router_address=address)


def _advertised(prefix: AdvertisedPrefixConfig, field: str) -> AdvertisedPrefix:
    value, length = fields.prefix(prefix.prefix, f"{field}.prefix")
    if prefix.preferred_s > prefix.valid_s:
        raise FieldError(f"{field}.preferred_s", f"{prefix.preferred_s} is more than valid_s, {prefix.valid_s}")
    router = prefix.router_address
    told = None if router is None else fields.node_address(router, f"{field}.router_address")
    return AdvertisedPrefix(value, length, prefix.valid_s, prefix.preferred_s, router_address=told)


def _routes(config: NodeConfig, names: list[str]) -> Iterator[RoutePlan]:
    for number, route in enumerate(config.routes):
        field = f"routes[{number}]"
        prefix, length = fields.prefix(route.to, f"{field}.to")
        next_hop = None if route.via is None else fields.address(route.via, f"{field}.via")
        _known(route.interface, names, f"{field}.interface")
        yield RoutePlan(prefix, length, route.interface, next_hop)


def _known(name: str, names: list[str], field: str) -> None:
    if name not in names:
        raise fields.expected(field, "the name of an interface", name, f"there are: {', '.join(names)}")


# Roles.


def _parameters(config: NodeConfig, links: tuple[LinkPlan, ...]) -> NodeParameters:
    correspondent = CorrespondentParameters(config.correspondent.max_bindings, config.correspondent.max_lifetime_s)
    home_agent, mobile_node = config.home_agent, config.mobile_node
    may_adopt = any(interface.adopts for interface in config.interfaces)
    return NodeParameters(
        correspondent,
        None if home_agent is None else _home_agent(home_agent, links, may_adopt),
        None if mobile_node is None else _mobile_node(mobile_node, links),
        is_router(config),
    )


def _home_agent(config: HomeAgentConfig, links: tuple[LinkPlan, ...], may_adopt: bool) -> HomeAgentParameters:
    served = tuple(_served(config.links, links))
    if not served and not may_adopt:
        hint = "give the interface that advertises as a home agent an address, or name a link in home_agent.links"
        raise FieldError("home_agent.links", "a home agent serves at least one prefix", hint)
    return HomeAgentParameters(
        served,
        max_bindings=config.max_bindings,
        max_lifetime_s=config.max_lifetime_s,
        required=_purposes(config.requires_protection),
        detects_duplicates=config.detects_duplicates,
        allowed=_prefixes(config.allowed, "home_agent.allowed"),
        denied=_prefixes(config.denied, "home_agent.denied"),
        refresh_share=config.refresh_share,
        serves_mobile_routers=config.serves_mobile_routers,
        mobile_networks=tuple(
            (
                fields.node_address(network.home_address, f"home_agent.mobile_networks[{index}].home_address"),
                _prefixes(network.prefixes, f"home_agent.mobile_networks[{index}].prefixes"),
            )
            for index, network in enumerate(config.mobile_networks)
        ),
        tunnel_mtu=min(link.parameters.mtu for link in links),
    )


def _served(configured: tuple[HomeLinkConfig, ...], links: tuple[LinkPlan, ...]) -> Iterator[HomeLink]:
    """Yield the prefixes that are served: where none is named, those of addresses advertised as a home agent's."""
    names = [link.name for link in links]
    for index, home in enumerate(configured):
        field = f"home_agent.links[{index}]"
        _known(home.interface, names, f"{field}.interface")
        prefix, length = fields.prefix(home.prefix, f"{field}.prefix")
        address = fields.node_address(home.address, f"{field}.address")
        if fields.cut(address, length) != prefix:
            raise fields.expected(f"{field}.address", f"an address in {home.prefix}", home.address)
        yield HomeLink(home.interface, address, prefix, length, preference=home.preference)
    for link in () if configured else links:
        if link.advertising is not None and link.advertising.is_home_agent:
            for address, length in link.addresses:
                prefix = fields.cut(address, length)
                yield HomeLink(link.name, address, prefix, length, preference=link.advertising.preference)


def _mobile_node(config: MobileNodeConfig, links: tuple[LinkPlan, ...]) -> MobileNodeParameters:
    if not any(link.parameters.accepts_advertisements for link in links):
        hint = "let one have accepts_advertisements = true"
        raise FieldError("mobile_node", "a mobile node moves with interfaces that listen to routers", hint)
    if not config.homes:
        raise FieldError("mobile_node.homes", "a mobile node has at least one home address")
    return MobileNodeParameters(
        tuple(_home(home, f"mobile_node.homes[{index}]") for index, home in enumerate(config.homes)),
        home_lifetime_s=config.home_lifetime_s,
        correspondent_lifetime_s=config.correspondent_lifetime_s,
        optimisation=_optimisation(config.optimise),
        peers=tuple(
            (fields.node_address(peer.address, f"mobile_node.peers[{index}].address"), _optimisation(peer.optimise))
            for index, peer in enumerate(config.peers)
        ),
        acknowledge_correspondents=config.acknowledge_correspondents,
        required=_purposes(config.requires_protection),
        optimise_before_complete=config.optimise_before_complete,
    )


def _home(home: HomeConfig, field: str) -> Home:
    address, length = fields.own_address(home.address, f"{field}.address")
    agent = None if home.home_agent is None else fields.node_address(home.home_agent, f"{field}.home_agent")
    networks = _prefixes(home.mobile_networks, f"{field}.mobile_networks")
    return Home(address, length, agent, networks, is_mobile_router=bool(networks), is_explicit=home.explicit)


def _optimisation(is_allowed: bool) -> Optimisation:
    return Optimisation.ALLOWED if is_allowed else Optimisation.REFUSED


def _purposes(names: tuple[PurposeName, ...]) -> frozenset[Purpose]:
    return frozenset(Purpose[name.upper().replace("-", "_")] for name in names)


def _prefixes(texts: tuple[str, ...], field: str) -> tuple[Prefix, ...]:
    return tuple(fields.prefix(text, f"{field}[{index}]") for index, text in enumerate(texts))


def with_mtus(config: NodeConfig, mtus: Mapping[str, int]) -> NodeConfig:
    """Return a configuration in which interfaces have the MTUs given, where it does not say another one."""
    interfaces = tuple(
        structs.replace(link, mtu=mtus[link.name]) if link.mtu is None and link.name in mtus else link
        for link in config.interfaces
    )
    return structs.replace(config, interfaces=interfaces)
