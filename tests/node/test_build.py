"""A node's configuration becomes a node that does what it says."""

import pytest
from msgspec import structs

from mipsh.mobility.effects import AddressAdded, Effect, Purpose, Transmit
from mipsh.mobility.home.parameters import HomeLink
from mipsh.mobility.host.parameters import AdvertisedPrefix
from mipsh.mobility.mobile.parameters import Home, Optimisation
from mipsh.node.build import build, understand, with_mtus
from mipsh.node.config import (
    AdvertiseConfig,
    AdvertisedPrefixConfig,
    CorrespondentConfig,
    HomeAgentConfig,
    HomeConfig,
    HomeLinkConfig,
    InterfaceConfig,
    MobileNetworkConfig,
    MobileNodeConfig,
    NodeConfig,
    PeerConfig,
    RouteConfig,
    TunConfig,
)
from mipsh.node.fields import FieldError
from mipsh.wire.address import ALL_NODES, parse
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.ndp import RouterAdvertisement
from mipsh.wire.packet import Packet, decode

MAC = bytes.fromhex("020000000001")
OWN = parse("2001:db8:1::1")
PREFIX = parse("2001:db8:1::")
LINK = InterfaceConfig(name="eth0", addresses=("2001:db8:1::1/64",), dad_transmits=0)
HOME_LINK = HomeLinkConfig(interface="eth0", prefix="2001:db8:1::/64", address="2001:db8:1::1")


def entropy(size: int) -> bytes:
    """Return bytes that are no secret."""
    return bytes(size)


def node(*interfaces: InterfaceConfig, **fields: object) -> NodeConfig:
    """Return a configuration; one interface unless others are given."""
    return structs.replace(NodeConfig(name="node", interfaces=interfaces or (LINK,)), **fields)


def begun(config: NodeConfig, seconds: float = 1.0) -> tuple[list[Effect], float]:
    """Build a node, let it begin with all links up, and let time pass."""
    built = build(config, {link.name: MAC for link in config.interfaces}, entropy)
    now = 100.0
    effects = built.node.start(now)
    for link in config.interfaces:
        effects += built.node.set_link(link.name, True, now)
    effects += built.begin(now)
    while (deadline := built.node.next_deadline()) is not None and deadline <= 100.0 + seconds:
        now = max(deadline, now)
        effects += built.node.advance(now)
    return effects, now


def test_a_host_has_its_addresses_and_routes() -> None:
    """It is reached at its address, and what is far goes to the router."""
    config = node(routes=(RouteConfig(to="::/0", interface="eth0", via="2001:db8:1::fe"),))
    built = build(config, {"eth0": MAC}, entropy)
    built.node.start(0.0)
    built.node.set_link("eth0", True, 0.0)
    assert AddressAdded(OWN, "eth0") in built.begin(0.0)
    hop = built.node.routing.find(parse("2001:db8:9::1"), 0.0)
    assert hop is not None
    assert (hop[0].name, hop[1]) == ("eth0", parse("2001:db8:1::fe"))
    assert not built.node.parameters.is_router


def test_an_address_is_tested_before_it_is_used() -> None:
    """Without any transmission of duplicate address detection it is used at once."""
    config = node(structs.replace(LINK, dad_transmits=1))
    built = build(config, {"eth0": MAC}, entropy)
    built.node.set_link("eth0", True, 0.0)
    assert not [effect for effect in built.begin(0.0) if isinstance(effect, AddressAdded)]
    effects, _ = begun(config, 5.0)
    assert AddressAdded(OWN, "eth0") in effects


def test_a_router_says_what_it_is_to_say() -> None:
    """Its own prefixes with its address, where none are named."""
    config = node(structs.replace(LINK, advertise=AdvertiseConfig(home_agent=True, preference=5)), router=True)
    effects, _ = begun(config)
    heard = [decode(effect.data) for effect in effects if isinstance(effect, Transmit)]
    said = [
        packet.upper.message
        for packet in heard
        if isinstance(packet, Packet) and packet.destination == ALL_NODES and isinstance(packet.upper, Icmpv6)
    ]
    assert any(isinstance(message, RouterAdvertisement) for message in said)
    [link] = understand(config).links
    assert link.advertising is not None
    assert link.advertising.prefixes == (AdvertisedPrefix(PREFIX, 64, router_address=OWN),)
    assert (link.advertising.is_home_agent, link.advertising.preference) == (True, 5)


def test_prefixes_that_are_named() -> None:
    """They are said in place of the interface's own, with their lifetimes."""
    named = (
        AdvertisedPrefixConfig(prefix="2001:db8:2::/64", valid_s=60, preferred_s=30),
        AdvertisedPrefixConfig(prefix="2001:db8:3::/64", router_address="2001:db8:3::1"),
    )
    [link] = understand(node(structs.replace(LINK, advertise=AdvertiseConfig(prefixes=named)))).links
    assert link.advertising is not None
    first, second = link.advertising.prefixes
    assert first == AdvertisedPrefix(parse("2001:db8:2::"), 64, 60, 30)
    assert second.router_address == parse("2001:db8:3::1")


@pytest.mark.parametrize(
    ("interface", "fields", "expected"),
    [
        (LINK, {}, True),
        (LINK, {"router": True}, False),
        (LINK, {"home_agent": HomeAgentConfig(links=(HOME_LINK,))}, False),
        (structs.replace(LINK, advertise=AdvertiseConfig()), {}, False),
        (structs.replace(LINK, accepts_advertisements=False), {}, False),
        (structs.replace(LINK, accepts_advertisements=True), {"router": True}, True),
        (
            LINK,
            {"router": True, "mobile_node": MobileNodeConfig(homes=(HomeConfig(address="2001:db8:9::1/64"),))},
            True,
        ),
    ],
)
def test_who_listens_to_routers(interface: InterfaceConfig, fields: dict[str, object], expected: bool) -> None:
    """Hosts and mobile nodes do, routers do not, unless it is said otherwise."""
    [link] = understand(node(interface, **fields)).links
    assert link.parameters.accepts_advertisements is expected
    assert link.parameters.forms_addresses is expected


def test_a_home_agent() -> None:
    """All that its table says is in its parameters, and it forwards."""
    table = HomeAgentConfig(
        links=(HOME_LINK,),
        max_bindings=5,
        max_lifetime_s=60,
        allowed=("2001:db8:1::/64",),
        denied=("2001:db8:1::5/128",),
        refresh_share=0.5,
        serves_mobile_routers=False,
        mobile_networks=(MobileNetworkConfig(home_address="2001:db8:1::7", prefixes=("2001:db8:f::/64",)),),
        requires_protection=("return-routability",),
    )
    parameters = understand(node(structs.replace(LINK, mtu=1400), home_agent=table)).parameters
    assert parameters.is_router
    home_agent = parameters.home_agent
    assert home_agent is not None
    assert home_agent.links == (HomeLink("eth0", OWN, PREFIX, 64),)
    assert (home_agent.max_bindings, home_agent.max_lifetime_s, home_agent.refresh_share) == (5, 60, 0.5)
    assert home_agent.allowed == ((PREFIX, 64),)
    assert home_agent.denied == ((parse("2001:db8:1::5"), 128),)
    assert home_agent.mobile_networks == ((parse("2001:db8:1::7"), ((parse("2001:db8:f::"), 64),)),)
    assert home_agent.required == {Purpose.RETURN_ROUTABILITY}
    assert not home_agent.serves_mobile_routers
    assert home_agent.tunnel_mtu == 1400


def test_a_home_agent_serves_what_it_advertises() -> None:
    """On links where it advertises as a router only, it serves nothing."""
    home = structs.replace(LINK, advertise=AdvertiseConfig(home_agent=True, preference=3))
    other = InterfaceConfig(name="eth1", addresses=("2001:db8:2::1/64",), advertise=AdvertiseConfig())
    parameters = understand(node(home, other, home_agent=HomeAgentConfig())).parameters
    assert parameters.home_agent is not None
    assert parameters.home_agent.links == (HomeLink("eth0", OWN, PREFIX, 64, preference=3),)


def test_a_home_agent_that_is_to_adopt_its_addresses_is_not_complete_yet() -> None:
    """The kernel has the addresses until the node takes the interface over."""
    link = InterfaceConfig(name="eth0", adopts=True, advertise=AdvertiseConfig(home_agent=True))
    parameters = understand(node(link, home_agent=HomeAgentConfig())).parameters
    assert parameters.home_agent is not None
    assert parameters.home_agent.links == ()


def test_a_mobile_node() -> None:
    """All that its table says is in its parameters."""
    table = MobileNodeConfig(
        homes=(
            HomeConfig(address="2001:db8:1::7/64", home_agent="2001:db8:1::1"),
            HomeConfig(address="2001:db8:2::7/48", mobile_networks=("2001:db8:f::/64",), explicit=False),
        ),
        home_lifetime_s=60,
        correspondent_lifetime_s=40,
        optimise=False,
        peers=(PeerConfig(address="2001:db8:4::1", optimise=True),),
        acknowledge_correspondents=False,
        requires_protection=("registration", "payload"),
    )
    mobile = understand(node(mobile_node=table)).parameters.mobile_node
    assert mobile is not None
    first, second = mobile.homes
    assert first == Home(parse("2001:db8:1::7"), 64, OWN)
    assert (second.prefix_length, second.home_agent, second.is_mobile_router, second.is_explicit) == (
        48,
        None,
        True,
        False,
    )
    assert second.prefixes == ((parse("2001:db8:f::"), 64),)
    assert (mobile.home_lifetime_s, mobile.correspondent_lifetime_s) == (60, 40)
    assert mobile.optimisation is Optimisation.REFUSED
    assert mobile.peers == ((parse("2001:db8:4::1"), Optimisation.ALLOWED),)
    assert not mobile.acknowledge_correspondents
    assert mobile.required == {Purpose.REGISTRATION, Purpose.PAYLOAD}


def test_a_correspondent_node() -> None:
    """Its limits are those of its table."""
    parameters = understand(node(correspondent=CorrespondentConfig(max_bindings=3, max_lifetime_s=20))).parameters
    assert (parameters.correspondent.max_bindings, parameters.correspondent.max_lifetime_s) == (3, 20)


def test_mtus_of_interfaces_stand_in_for_those_that_are_not_said() -> None:
    """What the file says stays."""
    second = structs.replace(LINK, name="eth1", mtu=1300)
    third = structs.replace(LINK, name="eth2")
    config = with_mtus(node(LINK, second, third), {"eth0": 9000, "eth1": 9000})
    assert [link.parameters.mtu for link in understand(config).links] == [9000, 1300, 1500]


MOBILE = MobileNodeConfig(homes=(HomeConfig(address="2001:db8:1::7/64"),))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (NodeConfig(name="a", interfaces=()), "interfaces: a node has at least one"),
        (node(LINK, LINK), "interfaces[1].name: 'eth0' is there twice"),
        (node(tun=TunConfig(name="eth0")), "tun.name: 'eth0' is the name of an interface already"),
        (node(structs.replace(LINK, addresses=("2001:db8::1/64", "x"))), "interfaces[0].addresses[1]: expected"),
        (
            node(structs.replace(LINK, accepts_advertisements=True, advertise=AdvertiseConfig())),
            "interfaces[0].accepts_advertisements: a link on which the node advertises",
        ),
        (
            node(structs.replace(LINK, advertise=AdvertiseConfig(interval_s=(3, 1)))),
            "interfaces[0].advertise.interval_s: the least, 3, is more than the most, 1",
        ),
        (
            node(structs.replace(LINK, advertise=AdvertiseConfig(prefixes=(AdvertisedPrefixConfig(prefix="x"),)))),
            "interfaces[0].advertise.prefixes[0].prefix: expected",
        ),
        (
            node(
                structs.replace(
                    LINK,
                    advertise=AdvertiseConfig(prefixes=(AdvertisedPrefixConfig(prefix="2001:db8::/64", valid_s=5),)),
                )
            ),
            "interfaces[0].advertise.prefixes[0].preferred_s: 604800 is more than valid_s, 5",
        ),
        (node(routes=(RouteConfig(to="::/0", interface="eth1"),)), "routes[0].interface: expected the name of an"),
        (node(routes=(RouteConfig(to="::", interface="eth0"),)), "routes[0].to: expected an IPv6 prefix/length"),
        (node(home_agent=HomeAgentConfig()), "home_agent.links: a home agent serves at least one prefix"),
        (
            node(home_agent=HomeAgentConfig(links=(structs.replace(HOME_LINK, interface="x"),))),
            "home_agent.links[0].interface: expected the name of an interface, found 'x'",
        ),
        (
            node(home_agent=HomeAgentConfig(links=(structs.replace(HOME_LINK, address="2001:db8:2::1"),))),
            "home_agent.links[0].address: expected an address in 2001:db8:1::/64, found '2001:db8:2::1'",
        ),
        (node(home_agent=HomeAgentConfig(links=(HOME_LINK,), denied=("x",))), "home_agent.denied[0]: expected"),
        (node(mobile_node=MobileNodeConfig(homes=())), "mobile_node.homes: a mobile node has at least one"),
        (
            node(structs.replace(LINK, accepts_advertisements=False), mobile_node=MOBILE),
            "mobile_node: a mobile node moves with interfaces that listen to routers",
        ),
        (
            node(mobile_node=structs.replace(MOBILE, peers=(PeerConfig(address="::", optimise=True),))),
            "mobile_node.peers[0].address: expected a global unicast address, found '::'",
        ),
    ],
)
def test_what_does_not_fit_is_refused(config: NodeConfig, message: str) -> None:
    """The field is named."""
    with pytest.raises(FieldError) as caught:
        understand(config)
    assert caught.value.message.startswith(message)
