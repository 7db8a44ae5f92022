"""Whole networks of real nodes: registration, tunnels, route optimisation, handovers and all that goes wrong."""

import pytest
from lab_fakes import FakeNode

from mipsh.lab.applications import Echo, Stream
from mipsh.lab.capture import Capture
from mipsh.lab.link import LinkParameters
from mipsh.lab.topology import (
    CORRESPONDENT,
    ETHERNET,
    HOME,
    HOME_AGENT,
    HOME_AGENT_ADDRESS,
    Lab,
    LabParameters,
    mobile_prefix,
)
from mipsh.mobility.mobile.parameters import MobileNodeParameters, Optimisation
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.mobility import ACKNOWLEDGE, BindingUpdate, MobilityHeader, padded
from mipsh.wire.mobility import HOME as REGISTRATION
from mipsh.wire.packet import Packet, decode

SOON_S = 10.0
HOME_DELAY_S = 0.1
LONGEST_GAP_S = 4.0
TUNNEL_ONLY = MobileNodeParameters((), optimisation=Optimisation.REFUSED)


def registered(lab: Lab, *names: str) -> bool:
    """Let time pass until mobile nodes are registered where they are; tell whether they are."""

    def is_so() -> bool:
        return all(lab.registered_at(name) is not None for name in names)

    return lab.network.clock.run(is_so, SOON_S)


def away(parameters: LabParameters | None = None, count: int = 1) -> Lab:
    """Return a network whose mobile nodes are registered on the first foreign link."""
    lab = Lab(parameters)
    lab.network.run_for(1.0)
    names = [lab.add_mobile_node("foreign1") for _ in range(count)]
    assert registered(lab, *names)
    lab.network.run_for(1.0)
    return lab


def moved(lab: Lab, name: str, link: str, gap_s: float = 0.05) -> None:
    """Move a mobile node to a foreign link, and wait until the home agent knows."""
    before = lab.registered_at(name)
    lab.network.move(name, ETHERNET, link, gap_s)
    assert lab.network.clock.run(lambda: lab.registered_at(name) not in (before, None), SOON_S)


def optimised(lab: Lab, name: str, correspondent: str = "cn") -> None:
    """Let a mobile node talk to a correspondent until their route is optimised."""
    echo = Echo(lab.network, name, lab.correspondent_address(), count=20, interval_s=0.2)
    where = lab.registered_at(name)
    assert lab.network.clock.run(lambda: lab.optimised_at(name, correspondent) == where, SOON_S)
    lab.network.run_for(SOON_S)
    assert len(echo.lost) <= 1


def packets(capture: Capture) -> list[Packet]:
    """Return the decoded packets of a capture."""
    return [packet for packet in map(decode, capture.packets()) if isinstance(packet, Packet)]


def test_registration() -> None:
    """A mobile node on a foreign link registers its care-of address with the home agent."""
    lab = away()
    care_of = lab.registered_at("mn")
    assert care_of is not None
    assert care_of[:8] == bytes.fromhex("20010db800020000")


def test_reverse_tunnel() -> None:
    """Without route optimisation all goes through the home agent, both ways."""
    lab = away(LabParameters(mobile_node=TUNNEL_ONLY))
    home, correspondent = Capture(lab.network.links[HOME]), Capture(lab.network.links[CORRESPONDENT])
    out = Echo(lab.network, "mn", lab.correspondent_address(), count=5)
    back = Echo(lab.network, "cn", lab.mobile_nodes["mn"], count=5)
    lab.network.run_for(SOON_S)
    assert (out.lost, back.lost) == ([], [])
    assert any(isinstance(packet.upper, Packet) for packet in packets(home))
    assert not any(isinstance(packet.upper, Packet) for packet in packets(correspondent))
    assert lab.optimised_at("mn", "cn") is None


def test_route_optimisation() -> None:
    """After return routability packets go straight, both ways, with their extension headers."""
    lab = away(LabParameters(home=LinkParameters(delay_s=HOME_DELAY_S)))
    optimised(lab, "mn")
    correspondent = Capture(lab.network.links[CORRESPONDENT])
    out = Echo(lab.network, "mn", lab.correspondent_address(), count=5)
    back = Echo(lab.network, "cn", lab.mobile_nodes["mn"], count=5)
    lab.network.run_for(SOON_S)
    assert (out.lost, back.lost) == ([], [])
    assert max([*out.rtts_s.values(), *back.rtts_s.values()]) < HOME_DELAY_S
    seen = packets(correspondent)
    assert any(packet.home_address_option == lab.mobile_nodes["mn"] for packet in seen)
    assert any(isinstance(header, Type2RoutingHeader) for packet in seen for header in packet.headers)


def test_handover_under_traffic() -> None:
    """A stream goes on behind a handover, and behind the next one."""
    lab = away()
    optimised(lab, "mn")
    stream = Stream(lab.network, "cn", "mn", lab.mobile_nodes["mn"])
    for link in ("foreign2", "foreign1"):
        lab.network.run_for(2.0)
        moved(lab, "mn", link)
        began = lab.network.clock.now
        lab.network.run_for(SOON_S)
        assert lab.optimised_at("mn", "cn") == lab.registered_at("mn")
        assert stream.arrivals[-1][1] > lab.network.clock.now - 0.1
        gap = stream.gap(began - 2.0)
        assert gap is not None
        assert gap.duration_s < LONGEST_GAP_S


def test_returning_home() -> None:
    """At home there is no binding any more, neighbours find the mobile node itself, and the stream goes on."""
    lab = away()
    optimised(lab, "mn")
    stream = Stream(lab.network, "cn", "mn", lab.mobile_nodes["mn"])
    lab.network.run_for(1.0)
    lab.network.move("mn", ETHERNET, HOME, 0.05)
    assert lab.network.clock.run(lambda: lab.registered_at("mn") is None, SOON_S)
    lab.network.run_for(SOON_S)
    assert lab.optimised_at("mn", "cn") is None
    home = Capture(lab.network.links[HOME])
    echo = Echo(lab.network, "cn", lab.mobile_nodes["mn"], count=3)
    lab.network.run_for(SOON_S)
    assert echo.lost == []
    assert stream.arrivals[-1][1] > lab.network.clock.now - 0.1
    assert not any(isinstance(packet.upper, Packet) for packet in packets(home))
    moved(lab, "mn", "foreign1")


def test_a_restarted_home_agent_learns_again() -> None:
    """The mobile node registers anew, at the latest when it refreshes its binding."""
    lab = away(LabParameters(mobile_node=MobileNodeParameters((), home_lifetime_s=20.0)))
    lab.network.restart(HOME_AGENT, off_s=1.0)
    lab.network.run_for(0.5)
    lab.network.run_for(30.0)
    assert lab.registered_at("mn") is not None
    echo = Echo(lab.network, "mn", lab.correspondent_address(), count=5)
    lab.network.run_for(SOON_S)
    assert echo.lost == []


def test_a_restarted_correspondent_learns_again() -> None:
    """It answers with a Binding Error, and the route is optimised anew."""
    lab = away()
    optimised(lab, "mn")
    lab.network.restart("cn", off_s=1.0)
    lab.network.run_for(2.0)
    echo = Echo(lab.network, "mn", lab.correspondent_address(), count=30, interval_s=0.5)
    lab.network.run_for(20.0)
    assert lab.optimised_at("mn", "cn") == lab.registered_at("mn")
    assert max(echo.lost, default=0) < 15


def test_ten_percent_loss() -> None:
    """Registrations and tests are repeated until they succeed."""
    lossy = LinkParameters(loss=0.1)
    lab = away(LabParameters(seed=1, home=lossy, foreign=lossy, backbone=lossy))
    Echo(lab.network, "mn", lab.correspondent_address(), count=100, interval_s=0.5)
    for link in ("foreign2", "foreign1", "foreign2"):
        lab.network.run_for(10.0)
        moved(lab, "mn", link)
    assert lab.network.clock.run(lambda: lab.optimised_at("mn", "cn") == lab.registered_at("mn"), 30.0)


def test_two_mobile_nodes_that_talk_while_both_move() -> None:
    """Each is the other one's correspondent; behind the last move packets go straight, both ways."""
    lab = away(LabParameters(home=LinkParameters(delay_s=HOME_DELAY_S)), count=2)
    there = Stream(lab.network, "mn", "mn2", lab.mobile_nodes["mn2"], interval_s=0.05)
    back = Stream(lab.network, "mn2", "mn", lab.mobile_nodes["mn"], interval_s=0.05)
    lab.network.run_for(SOON_S)
    lab.network.move("mn", ETHERNET, "foreign2", 0.05)
    lab.network.run_for(SOON_S)
    lab.network.move("mn", ETHERNET, "foreign1", 0.05)
    lab.network.move("mn2", ETHERNET, "foreign2", 0.1)
    lab.network.run_for(3 * SOON_S)
    for stream in (there, back):
        number, arrived = stream.arrivals[-1]
        assert arrived - stream.sent_at[number] < HOME_DELAY_S
        assert len(stream.lost) < 0.2 * len(stream.sent_at)
    assert lab.optimised_at("mn", "mn2") == lab.registered_at("mn")
    assert lab.optimised_at("mn2", "mn") == lab.registered_at("mn2")


def test_partition() -> None:
    """A mobile node that cannot reach its router loses its packets, and goes on when it can again."""
    lab = away()
    echo = Echo(lab.network, "mn", lab.correspondent_address(), count=40, interval_s=0.5)
    lab.network.run_for(5.0)
    lab.network.links["foreign1"].partition(["mn"])
    lab.network.run_for(5.0)
    lab.network.links["foreign1"].heal()
    lab.network.run_for(20.0)
    assert 9 <= len(echo.lost) < 20
    assert max(echo.lost) < 30


def test_duplication_and_reordering() -> None:
    """Copies and disorder change nothing."""
    wild = LinkParameters(duplication=0.3, reordering=0.3, reordering_s=0.03, jitter_s=0.005)
    lab = away(LabParameters(home=wild, foreign=wild, backbone=wild))
    optimised(lab, "mn")
    moved(lab, "mn", "foreign2")
    lab.network.run_for(SOON_S)
    echo = Echo(lab.network, "mn", lab.correspondent_address(), count=20, interval_s=0.2)
    lab.network.run_for(SOON_S)
    assert echo.lost == []
    assert lab.optimised_at("mn", "cn") == lab.registered_at("mn")


def test_protected() -> None:
    """Where IPsec is demanded, the nodes say so with every packet, and all goes as it does without."""
    lab = away(LabParameters(protects=True))
    optimised(lab, "mn")
    moved(lab, "mn", "foreign2")


def test_what_is_not_protected_is_not_believed() -> None:
    """Where IPsec is demanded, a Binding Update that comes without it changes nothing."""
    lab = away(LabParameters(protects=True))
    home, where = lab.mobile_nodes["mn"], lab.registered_at("mn")
    forged = BindingUpdate(30_000, ACKNOWLEDGE | REGISTRATION, 100)
    source = lab.correspondent_address()
    headers = (carrying(HomeAddress(home)),)
    lab.network.stations["cn"].send(Packet(source, HOME_AGENT_ADDRESS, MobilityHeader(padded(forged)), headers))
    lab.network.run_for(SOON_S)
    assert lab.registered_at("mn") == where


def test_access_routers() -> None:
    """A router for each foreign link, with a backbone behind them."""
    lab = away(LabParameters(foreign_links=4, access_routers=True, is_optimistic=True))
    optimised(lab, "mn")
    moved(lab, "mn", "foreign4")
    lab.network.run_for(SOON_S)
    echo = Echo(lab.network, "cn", lab.mobile_nodes["mn"], count=3)
    lab.network.run_for(SOON_S)
    assert echo.lost == []


def test_a_mobile_network() -> None:
    """A host behind a mobile router is reached wherever the router is, and sends through its tunnel."""
    lab = away(LabParameters(mobile_routers=1))
    foreign = [Capture(lab.network.links[link]) for link in lab.foreign_links]
    for link in ("foreign2", HOME):
        echo = Echo(lab.network, "mn-host", lab.correspondent_address(), count=3)
        lab.network.run_for(SOON_S)
        assert echo.lost == []
        lab.network.move("mn", ETHERNET, link, 0.05)
        lab.network.run_for(SOON_S)
    echo = Echo(lab.network, "mn-host", HOME_AGENT_ADDRESS, count=3)
    lab.network.run_for(SOON_S)
    assert echo.lost == []
    seen = [packet for capture in foreign for packet in packets(capture)]
    assert sum(isinstance(packet.upper, Packet) for packet in seen) == 12
    assert not [packet for packet in seen if packet.source.startswith(mobile_prefix(1)[:8])]


def test_a_name_that_is_no_node_of_the_lab() -> None:
    """What else is in the network has no bindings to be looked at, nor to be configured."""
    lab = Lab()
    lab.network.add("other", lambda _: FakeNode(9))
    with pytest.raises(TypeError):
        lab.node("other")


@pytest.mark.parametrize("seed", [1, 2])
def test_registration_at_home(seed: int) -> None:
    """A mobile node that begins at home has no binding until it leaves."""
    lab = Lab(LabParameters(seed=seed))
    lab.add_mobile_node()
    lab.network.run_for(SOON_S)
    assert lab.registered_at("mn") is None
    echo = Echo(lab.network, "mn", lab.correspondent_address(), count=3)
    lab.network.run_for(SOON_S)
    assert echo.lost == []
    moved(lab, "mn", "foreign1")
