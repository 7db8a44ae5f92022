"""Nodes of the lab that get other policies and lifetimes while they run."""

from msgspec import structs

from mipsh.lab.applications import Echo
from mipsh.lab.topology import ETHERNET, HOME_AGENT, Lab, home_address
from mipsh.mobility.mobile.parameters import MobileNodeParameters, Optimisation
from mipsh.mobility.node import Node

SOON_S = 10.0


def away(count: int = 1) -> Lab:
    """Return a network whose mobile nodes are registered on the first foreign link."""
    lab = Lab()
    lab.network.run_for(1)
    names = [lab.add_mobile_node("foreign1") for _ in range(count)]
    assert lab.network.clock.run(lambda: all(lab.registered_at(name) for name in names), SOON_S)
    lab.network.run_for(1)
    return lab


def talking(lab: Lab) -> Echo:
    """Let the mobile node talk to the correspondent by an optimised route, and go on for a minute."""
    echo = Echo(lab.network, "mn", lab.correspondent_address(), count=300, interval_s=0.2)
    assert lab.network.clock.run(lambda: lab.optimised_at("mn", "cn") is not None, SOON_S)
    return echo


def changed(lab: Lab, name: str, **changes: object) -> None:
    """Give a node's role other parameters."""
    node = lab.node(name)
    now = lab.network.clock.now
    if name == HOME_AGENT:
        assert node.parameters.home_agent is not None
        parameters = structs.replace(node.parameters, home_agent=structs.replace(node.parameters.home_agent, **changes))
    elif name == "cn":
        parameters = structs.replace(
            node.parameters, correspondent=structs.replace(node.parameters.correspondent, **changes)
        )
    else:
        parameters = structs.replace(node.parameters, mobile_node=structs.replace(mobile(node), **changes))
    lab.network.stations[name].perform(node.reconfigure(parameters, now))
    assert node.parameters == parameters


def mobile(node: Node) -> MobileNodeParameters:
    """Return a mobile node's parameters as they are in force."""
    assert node.parameters.mobile_node is not None
    return node.parameters.mobile_node


def test_routes_are_not_optimised_any_more() -> None:
    """The peer's binding is deleted, no packet is lost by it, and none is made again, after a move neither."""
    lab = away()
    echo = talking(lab)
    lab.network.run_for(2)
    changed(lab, "mn", optimisation=Optimisation.REFUSED)
    lab.network.run_for(5)
    assert lab.optimised_at("mn", "cn") is None
    assert echo.lost == []
    lab.network.move("mn", ETHERNET, "foreign2", 0.05)
    lab.network.run_for(20)
    assert lab.registered_at("mn") is not None
    assert lab.optimised_at("mn", "cn") is None
    changed(lab, "mn", optimisation=Optimisation.ALLOWED)
    assert lab.network.clock.run(lambda: lab.optimised_at("mn", "cn") is not None, SOON_S)


def test_a_peer_that_is_refused_while_the_node_moves() -> None:
    """Its binding is of the place before: it is deleted from the new one."""
    lab = away()
    talking(lab)
    lab.network.detach("mn", ETHERNET)
    changed(lab, "mn", peers=((lab.correspondent_address(), Optimisation.REFUSED),))
    assert lab.optimised_at("mn", "cn") is not None
    lab.network.attach("mn", ETHERNET, "foreign2")
    lab.network.run_for(5)
    assert lab.registered_at("mn") is not None
    assert lab.optimised_at("mn", "cn") is None


def test_a_peer_that_is_refused_while_the_binding_is_deleted() -> None:
    """Back at home it is deleted anyway."""
    lab = away()
    talking(lab)
    lab.network.move("mn", ETHERNET, "home", 0.05)
    assert lab.network.clock.run(lambda: lab.registered_at("mn") is None, SOON_S)
    changed(lab, "mn", optimisation=Optimisation.REFUSED)
    changed(lab, "mn", optimisation=Optimisation.REFUSED)
    lab.network.run_for(5)
    assert lab.optimised_at("mn", "cn") is None


def test_lifetimes_hold_from_now_on() -> None:
    """A mobile node asks for less, and its home agent grants less still."""
    lab = away()
    changed(lab, "mn", home_lifetime_s=400.0, homes=mobile(lab.node("mn")).homes)
    changed(lab, HOME_AGENT, max_lifetime_s=200.0, refresh_share=0.5)
    node = lab.node("mn")
    lab.network.stations["mn"].perform(node.trigger(home_address(1), None, lab.network.clock.now))
    lab.network.run_for(1)
    mobile_node = node.roles.mobile_node
    assert mobile_node is not None
    binding = mobile_node.registrations[0].binding
    assert binding is not None
    assert binding.lifetime_s == 200
    talking(lab)
    changed(lab, "cn", max_lifetime_s=40.0)
    lab.network.move("mn", ETHERNET, "foreign2", 0.05)
    lab.network.run_for(5)
    [entry] = lab.node("cn").roles.correspondent.cache
    assert entry.expires - lab.network.clock.now < 40


def test_a_home_address_is_refused_from_now_on() -> None:
    """What is registered stays until it is to be refreshed."""
    lab = away()
    changed(lab, HOME_AGENT, denied=((home_address(1), 128),))
    assert lab.registered_at("mn") is not None
    lab.network.move("mn", ETHERNET, "foreign2", 0.05)
    lab.network.run_for(5)
    assert lab.node("mn").owns(home_address(1))
    mobile_node = lab.node("mn").roles.mobile_node
    assert mobile_node is not None
    assert not mobile_node.registrations[0].is_bound(lab.network.clock.now)
