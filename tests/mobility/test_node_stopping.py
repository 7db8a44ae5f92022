"""Nodes of the lab that take leave."""

from mipsh.lab.network import Station
from mipsh.lab.topology import HOME_AGENT, ROUTER, Lab
from mipsh.mobility.effects import Transmit
from mipsh.wire.address import ALL_NODES
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.ndp import RouterAdvertisement
from mipsh.wire.packet import Packet, decode


def station(lab: Lab, name: str) -> Station:
    """Return where a node is run."""
    return lab.network.stations[name]


def is_ending(lab: Lab, name: str) -> bool:
    """Tell whether a node waits for an answer before it ends."""
    return lab.node(name).is_ending


def test_a_mobile_node_that_stops_leaves_no_binding() -> None:
    """The home agent has none, and answered."""
    lab = Lab()
    name = lab.add_mobile_node("foreign1")
    lab.network.run_for(5)
    assert lab.registered_at(name) is not None
    node = lab.node(name)
    station(lab, name).perform(node.stop(lab.network.clock.now))
    assert is_ending(lab, name)
    lab.network.run_for(1)
    assert not is_ending(lab, name)
    assert lab.registered_at(name) is None


def test_a_router_that_stops_says_so() -> None:
    """Its last advertisements end its lifetime as a router, on each link that it advertised on."""
    lab = Lab()
    lab.network.run_for(5)
    for name, links in ((ROUTER, {"foreign1", "foreign2"}), (HOME_AGENT, {"eth0"})):
        node = lab.node(name)
        last = [effect for effect in node.stop(lab.network.clock.now) if isinstance(effect, Transmit)]
        assert {effect.interface for effect in last} == links
        for effect in last:
            packet = decode(effect.data)
            assert isinstance(packet, Packet)
            assert packet.destination == ALL_NODES
            assert isinstance(packet.upper, Icmpv6)
            assert isinstance(packet.upper.message, RouterAdvertisement)
            assert packet.upper.message.lifetime_s == 0
        assert not is_ending(lab, name)
        assert node.stop(lab.network.clock.now) == []
