"""What a lab of real namespaces consists of, as data: links, nodes, and each node's configuration.

It is the network of ``mipsh.lab.topology``, with the same names and addresses. Nothing is built here.
"""

import re

from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.lab import topology
from mipsh.lab.topology import CORRESPONDENT, ETHERNET, HOME, HOME_AGENT, LENGTH, ROUTER, at, numbered
from mipsh.node.config import (
    AdvertiseConfig,
    AdvertisedPrefixConfig,
    HomeAgentConfig,
    HomeConfig,
    HomeLinkConfig,
    InterfaceConfig,
    MobileNodeConfig,
    NodeConfig,
    RouteConfig,
)
from mipsh.wire.address import parse, text

FOREIGN = "foreign1", "foreign2"
LINKS = HOME, *FOREIGN, CORRESPONDENT
"""The links of every lab, in the order in which they are drawn."""
MOST_OF_A_KIND = 16
NAME = re.compile(r"[a-z][a-z0-9_]{0,14}")
"""A lab's name: no hyphen, since that stands between it and a node's name."""
DEFAULT_NAME = "lab"
EVERYWHERE = "::/0"


class PlannedNode(Struct, frozen=True):
    """A node: its role, its configuration, and the link of each of its interfaces."""

    name: str
    role: str
    config: NodeConfig
    links: dict[str, str]
    home_address: str | None = None


class Plan(Struct, frozen=True):
    """A lab: its name, its links, its nodes in the order in which they start."""

    name: str
    links: tuple[str, ...]
    nodes: tuple[PlannedNode, ...]


def check_name(name: str) -> str:
    """Return a lab's name; raises UsageError where it cannot be one."""
    if NAME.fullmatch(name):
        return name
    raise UsageError(f"'{name}' cannot be a lab's name", "write up to 15 of a-z, 0-9 and _, beginning with a letter")


def plan(name: str = DEFAULT_NAME, mobile_nodes: int = 1, correspondents: int = 1, start: str = FOREIGN[0]) -> Plan:
    """Return the plan of a lab whose mobile nodes begin on the link ``start``; raises UsageError."""
    check_name(name)
    for what, number in (("mobile nodes", mobile_nodes), ("correspondents", correspondents)):
        if not 1 <= number <= MOST_OF_A_KIND:
            raise UsageError(f"a lab has 1 to {MOST_OF_A_KIND} {what}, not {number}")
    nodes = [_router(), _home_agent()]
    nodes += [_correspondent(number) for number in range(1, correspondents + 1)]
    nodes += [_mobile_node(number, start) for number in range(1, mobile_nodes + 1)]
    return Plan(name, LINKS, tuple(nodes))


def prefix_of(link: str) -> bytes:
    """Return a link's prefix."""
    known = {HOME: topology.HOME_PREFIX, CORRESPONDENT: topology.CORRESPONDENT_PREFIX}
    return known.get(link) or topology.foreign_prefix(FOREIGN.index(link) + 1)


def link_of(address: str) -> str | None:
    """Return the link whose prefix an address has; None where it has none of these."""
    prefix = parse(address)[: LENGTH // 8]
    return next((link for link in LINKS if prefix_of(link)[: LENGTH // 8] == prefix), None)


def _with_length(address: bytes) -> str:
    return f"{text(address)}/{LENGTH}"


def _advertise(prefix: bytes, address: bytes, *, home_agent: bool = False) -> AdvertiseConfig:
    advertised = AdvertisedPrefixConfig(prefix=_with_length(prefix), router_address=text(address))
    return AdvertiseConfig(prefixes=(advertised,), home_agent=home_agent)


def _fixed(interface: str, address: bytes, advertise: AdvertiseConfig | None = None) -> InterfaceConfig:
    """Return an interface whose address is known to be unique."""
    return InterfaceConfig(
        name=interface,
        addresses=(_with_length(address),),
        accepts_advertisements=False,
        dad_transmits=0,
        advertise=advertise,
    )


def _router() -> PlannedNode:
    """Return the router between the links; its interfaces are called after them."""
    addresses = {link: at(prefix_of(link), 1) for link in LINKS} | {HOME: topology.ROUTER_AT_HOME}
    interfaces = tuple(
        _fixed(link, address, _advertise(prefix_of(link), address) if link in FOREIGN else None)
        for link, address in addresses.items()
    )
    config = NodeConfig(name=ROUTER, router=True, interfaces=interfaces)
    return PlannedNode(ROUTER, "router", config, {link: link for link in LINKS})


def _home_agent() -> PlannedNode:
    prefix, address = topology.HOME_PREFIX, topology.HOME_AGENT_ADDRESS
    served = HomeLinkConfig(interface=ETHERNET, prefix=_with_length(prefix), address=text(address))
    config = NodeConfig(
        name=HOME_AGENT,
        router=True,
        interfaces=(_fixed(ETHERNET, address, _advertise(prefix, address, home_agent=True)),),
        routes=(RouteConfig(to=EVERYWHERE, interface=ETHERNET, via=text(topology.ROUTER_AT_HOME)),),
        home_agent=HomeAgentConfig(links=(served,)),
    )
    return PlannedNode(HOME_AGENT, "ha", config, {ETHERNET: HOME})


def _correspondent(number: int) -> PlannedNode:
    name, prefix = numbered("cn", number), topology.CORRESPONDENT_PREFIX
    config = NodeConfig(
        name=name,
        interfaces=(_fixed(ETHERNET, at(prefix, number + 1)),),
        routes=(RouteConfig(to=EVERYWHERE, interface=ETHERNET, via=text(at(prefix, 1))),),
    )
    return PlannedNode(name, "cn", config, {ETHERNET: CORRESPONDENT})


def _mobile_node(number: int, start: str) -> PlannedNode:
    name, home = numbered("mn", number), topology.home_address(number)
    agent = text(topology.HOME_AGENT_ADDRESS)
    config = NodeConfig(
        name=name,
        interfaces=(InterfaceConfig(name=ETHERNET, optimistic=True),),
        mobile_node=MobileNodeConfig(homes=(HomeConfig(address=_with_length(home), home_agent=agent),)),
    )
    return PlannedNode(name, "mn", config, {ETHERNET: start}, text(home))
