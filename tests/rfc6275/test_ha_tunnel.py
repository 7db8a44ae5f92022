"""Packets between a mobile node and the rest through the home agent (RFC 6275 sections 10.4.2 to 10.4.6)."""

import pytest
from home_playbook import (
    AH,
    CN,
    CN0,
    CN0_LINK_LOCAL,
    CN0_MAC,
    COA,
    COA2,
    HA,
    HOA,
    HOA2,
    HOA_LINK_LOCAL,
    HOME_INTERFACE,
    NOT_HOME,
    OPEN,
    PING,
    STRICT,
    UPLINK,
    VIRTUAL,
    HomeAgentScene,
    Seen,
    Update,
    echo,
    said,
    solicitation,
)
from msgspec import structs

from mipsh.mobility.effects import Purpose
from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.wire.address import ALL_NODES, parse
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import (
    DestinationUnreachable,
    EchoRequest,
    Icmpv6,
    PacketTooBig,
    TimeExceeded,
)
from mipsh.wire.mobility import LINK_LOCAL, CareOfTestInit, HomeTest, HomeTestInit, MobilityHeader
from mipsh.wire.ndp import Message as Discovery
from mipsh.wire.ndp import (
    NeighborAdvertisement,
    NeighborSolicitation,
    Redirect,
    RouterAdvertisement,
    RouterSolicitation,
)
from mipsh.wire.packet import IPV6, Packet, decode

RHL, VHL = STRICT, VIRTUAL
TESTS = Purpose.RETURN_ROUTABILITY
ADDRESS_UNREACHABLE = 3
ON_THE_WAY = parse("2001:db8:0:99::1")
"""A router between the home agent and the mobile node."""
HOTI, HOT = HomeTestInit(b"homecook"), HomeTest(1, b"homecook", b"hometokn")


def hot(source: bytes = CN, destination: bytes = HOA) -> Packet:
    """Return a Home Test from a correspondent node to the mobile node."""
    return Packet(source, destination, MobilityHeader(HOT))


def hoti() -> Packet:
    """Return a Home Test Init from the mobile node to a correspondent node."""
    return Packet(HOA, CN, MobilityHeader(HOTI))


def forwarded(sent: list[Seen], packet: Packet) -> None:
    """See that a packet goes on as it is but for a hop, in the clear."""
    (seen,) = sent
    assert (seen.interface, seen.protection) == (UPLINK, None)
    hop = packet.hop_limit - 1
    assert seen.packet.encode() == structs.replace(packet, hop_limit=hop).encode()


def arrives(inner: Packet, packet: Packet) -> None:
    """See that what is in a tunnel is a packet, unchanged but for a hop."""
    assert inner.encode() == structs.replace(packet, hop_limit=packet.hop_limit - 1).encode()


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_5_1_1"), pytest.param(VHL, id="HA_5_1_5")])
def test_an_intercepted_packet(parameters: HomeAgentParameters) -> None:
    """It goes through the tunnel, from elsewhere and from the home link."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    for source in (CN, CN0):
        arrives(scene.tunnelled(echo(source, HOA)), echo(source, HOA))


def test_ha_5_1_2__a_link_local_destination() -> None:
    """It is not tunnelled; the source is told from the home agent's link-local address."""
    scene = HomeAgentScene()
    scene.hreg(flags=AH | LINK_LOCAL)
    seen = scene.answer(echo(CN0_LINK_LOCAL, HOA_LINK_LOCAL))
    assert (seen.packet.source, seen.packet.destination) == (scene.link_local, CN0_LINK_LOCAL)
    assert (seen.interface, seen.link_layer, seen.packet.headers) == (HOME_INTERFACE, CN0_MAC, ())
    message = said(seen, DestinationUnreachable)
    assert message == DestinationUnreachable(ADDRESS_UNREACHABLE, 0, echo(CN0_LINK_LOCAL, HOA_LINK_LOCAL).encode())


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_5_1_3"), pytest.param(VHL, id="HA_5_1_7")])
def test_an_error_from_the_tunnel(parameters: HomeAgentParameters) -> None:
    """It is relayed to the source as Destination Unreachable that quotes the packet in the tunnel."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    outer = scene.answer(echo(CN, HOA)).packet.encode()
    seen = scene.answer(Packet(ON_THE_WAY, HA, Icmpv6(TimeExceeded(0, 0, outer))))
    assert (seen.packet.source, seen.packet.destination, seen.packet.headers) == (HA, CN, ())
    assert said(seen, DestinationUnreachable) == DestinationUnreachable(ADDRESS_UNREACHABLE, 0, outer[40:])


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_5_1_4"), pytest.param(VHL, id="HA_5_1_6")])
def test_the_tunnel_follows_the_mobile_node(parameters: HomeAgentParameters) -> None:
    """To the care-of address of the last update."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    scene.tunnelled(echo(CN, HOA), COA)
    scene.accepted(Update(16, source=COA2))
    scene.tunnelled(echo(CN, HOA), COA2)


def test_ha_6_1_3__the_reverse_tunnel() -> None:
    """What is in it is forwarded as it is."""
    scene = HomeAgentScene(VHL)
    scene.hreg()
    forwarded(scene.reverse(echo(HOA, CN)), echo(HOA, CN))


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_6_1_2"), pytest.param(VHL, id="HA_6_1_4")])
def test_the_reverse_tunnel_after_a_handover(parameters: HomeAgentParameters) -> None:
    """From each care-of address in its time, and not from the old one."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    forwarded(scene.reverse(echo(HOA, CN)), echo(HOA, CN))
    scene.accepted(Update(16, source=COA2))
    forwarded(scene.reverse(echo(HOA, CN), COA2), echo(HOA, CN))
    assert scene.reverse(echo(HOA, CN), COA) == []


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_6_2_1"), pytest.param(VHL, id="HA_6_2_2")])
def test_the_reverse_tunnel_from_elsewhere(parameters: HomeAgentParameters) -> None:
    """Dropped, in the clear or by whatever association."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    for purpose in (None, Purpose.PAYLOAD):
        assert scene.reverse(echo(HOA, CN), COA2, purpose) == []
    assert scene.wait(2) == []


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_6_3_1"), pytest.param(VHL, id="HA_6_3_5")])
def test_a_home_test_init_in_the_tunnel(parameters: HomeAgentParameters) -> None:
    """Protected there, in the clear behind it."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    forwarded(scene.reverse(hoti(), purpose=TESTS), hoti())


def test_ha_6_3_2__a_home_test_init_after_a_handover() -> None:
    """The association is the same; its end is where the mobile node is."""
    scene = HomeAgentScene()
    scene.hreg()
    forwarded(scene.reverse(hoti(), purpose=TESTS), hoti())
    scene.accepted(Update(16, source=COA2))
    forwarded(scene.reverse(hoti(), COA2, TESTS), hoti())
    assert scene.reverse(hoti(), COA, TESTS) == []


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_6_3_3"), pytest.param(VHL, id="HA_6_3_7")])
def test_a_home_test(parameters: HomeAgentParameters) -> None:
    """It reaches the mobile node in the tunnel, protected."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    arrives(scene.tunnelled(hot(), purpose=TESTS), hot())


def test_ha_6_3_4__a_home_test_after_a_handover() -> None:
    """At the new care-of address."""
    scene = HomeAgentScene()
    scene.hreg()
    arrives(scene.tunnelled(hot(), COA, TESTS), hot())
    scene.accepted(Update(16, source=COA2))
    arrives(scene.tunnelled(hot(), COA2, TESTS), hot())


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_6_3_9"), pytest.param(VHL, id="HA_6_3_10")])
def test_a_home_test_init_that_is_not_protected(parameters: HomeAgentParameters) -> None:
    """Dropped."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    assert scene.reverse(hoti(), purpose=None) == []
    assert scene.wait(2) == []


def test_r_ha_20__multicast() -> None:
    """Of the link's scope it stays there; of a wider one nobody has subscribed to it."""
    scene = HomeAgentScene()
    scene.hreg()
    for group in (ALL_NODES, parse("ff02::1:3"), parse("ff05::1:3"), parse("ff0e::1:3")):
        sent = scene.send(echo(CN0, group)) + scene.wait(2)
        assert {seen.packet.destination for seen in sent} <= {CN0}
        assert not any(isinstance(seen.packet.upper, Packet) for seen in sent)


def test_r_ha_21__packets_of_its_own() -> None:
    """They reach the mobile node by way of its care-of address too (section 10.4.2)."""
    scene = HomeAgentScene()
    scene.hreg()
    mark = len(scene.log)
    effects = scene.node.send(echo(HA, HOA), scene.now)
    assert len(effects) == 1
    seen = scene.answer(echo(HOA, HA))
    assert (seen.packet.destination, seen.packet.headers) == (COA, (Type2RoutingHeader(HOA),))
    assert len(scene.log) == mark + 1


@pytest.mark.parametrize(
    "message",
    [
        NeighborSolicitation(HOA),
        NeighborAdvertisement(CN0, 0),
        RouterSolicitation(),
        RouterAdvertisement(64, 0, 0),
        Redirect(CN0_LINK_LOCAL, CN),
    ],
)
def test_r_ha_22__neighbour_discovery(message: Discovery) -> None:
    """It is never tunnelled; solicitations are answered in the mobile node's place."""
    scene = HomeAgentScene()
    scene.hreg()
    sent = scene.on_link(Packet(CN0_LINK_LOCAL, HOA, Icmpv6(message), hop_limit=255))
    scene.wait(2)
    assert all(seen.is_between_neighbours for seen in sent)
    assert any(isinstance(seen.message, NeighborAdvertisement) for seen in sent) == isinstance(
        message, NeighborSolicitation
    )


def test_r_ha_23__hop_limits() -> None:
    """One hop less inside; where there is none left, the source is told."""
    scene = HomeAgentScene()
    scene.hreg()
    assert scene.tunnelled(echo(CN, HOA, hop_limit=2)).hop_limit == 1
    seen = scene.answer(echo(CN, HOA, hop_limit=1))
    assert (seen.packet.source, seen.packet.destination, seen.packet.headers) == (HA, CN, ())
    assert said(seen, TimeExceeded) == TimeExceeded(0, 0, echo(CN, HOA, hop_limit=1).encode())


def test_r_ha_24__the_outside_and_size_of_the_tunnel() -> None:
    """Next header 41 and nothing else; what does not fit is told to the source, down to 1280 bytes, not below."""
    scene = HomeAgentScene(structs.replace(STRICT, tunnel_mtu=1400))
    scene.hreg()

    def sized(size: int) -> Packet:
        return Packet(CN, HOA, Icmpv6(EchoRequest(7, 1, bytes(size - 48))))

    outer = scene.answer(sized(1360)).packet.encode()
    assert (outer[6], outer[8:24], outer[24:40], len(outer)) == (IPV6, HA, COA, 1400)
    seen = scene.answer(sized(1361))
    assert (seen.packet.source, seen.packet.destination) == (HA, CN)
    assert said(seen, PacketTooBig).value == 1360
    scene.wait(2)
    seen = scene.answer(Packet(ON_THE_WAY, HA, Icmpv6(PacketTooBig(0, 1300, outer[: 1280 - 48]))))
    assert (seen.packet.destination, said(seen, PacketTooBig).value) == (CN, 1280)
    pieces = scene.send(sized(1280))
    assert len(pieces) == 2
    assert all(len(piece.packet.encode()) <= 1300 for piece in pieces)
    assert {piece.packet.destination for piece in pieces} == {COA}


def test_r_ha_25__an_inner_source_that_is_not_the_home_address() -> None:
    """Dropped, be it another mobile node's or nobody's."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.accepted(Update(hao=HOA2, source=COA2))
    for source in (HOA2, CN0, NOT_HOME, HA):
        for home in (HOA, HOA2):
            assert scene.reverse(echo(source, CN), COA, home=home) == []
    assert scene.wait(2) == []


def test_r_ha_26__the_reverse_tunnel_without_a_binding() -> None:
    """Dropped when the lifetime has ended."""
    scene = HomeAgentScene()
    scene.hreg(lifetime=8)
    forwarded(scene.reverse(echo(HOA, CN)), echo(HOA, CN))
    scene.wait(32)
    assert scene.reverse(echo(HOA, CN)) == []
    assert scene.wait(2) == []


def test_r_ha_42__a_care_of_test_init_in_the_tunnel() -> None:
    """It is ordinary payload: no association of its own is asked for."""
    only_tests = structs.replace(OPEN, required=frozenset((TESTS,)))
    scene = HomeAgentScene(only_tests)
    scene.hreg()
    packet = Packet(HOA, CN, MobilityHeader(CareOfTestInit(b"careofck")))
    forwarded(scene.reverse(packet, purpose=None), packet)
    assert scene.reverse(hoti(), purpose=None) == []


def test_what_comes_out_of_the_tunnel_may_be_for_the_home_agent_itself() -> None:
    """It is answered, and the answer goes by the binding."""
    scene = HomeAgentScene()
    scene.hreg()
    (seen,) = scene.reverse(echo(HOA, HA))
    assert (seen.packet.destination, seen.packet.headers) == (COA, (Type2RoutingHeader(HOA),))
    (test,) = scene.reverse(Packet(HOA, HA, MobilityHeader(HOTI)), purpose=TESTS)
    assert (test.packet.destination, test.protection) == (COA, scene.parameters.protection(TESTS, HOA))
    assert isinstance(test.packet.upper, Packet)
    assert isinstance(test.packet.upper.upper, MobilityHeader)
    assert isinstance(test.packet.upper.upper.message, HomeTest)


def test_two_mobile_nodes_of_one_home_agent() -> None:
    """Out of one tunnel and into the other."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.accepted(Update(hao=HOA2, source=COA2))
    (seen,) = scene.reverse(echo(HOA, HOA2))
    assert (seen.packet.source, seen.packet.destination) == (HA, COA2)
    inner = seen.packet.upper
    assert isinstance(inner, Packet)
    assert (inner.source, inner.destination, inner.hop_limit) == (HOA, HOA2, 63)
    read = decode(inner.encode())
    assert isinstance(read, Packet)
    assert isinstance(read.upper, Icmpv6)
    assert read.upper.message == PING


def test_a_solicitation_for_the_home_address_from_elsewhere_is_nothing() -> None:
    """Neighbour discovery that crossed a router is not believed."""
    scene = HomeAgentScene()
    scene.hreg()
    packet = structs.replace(solicitation(HOA, CN0, HOA), hop_limit=254)
    assert scene.on_link(packet) == []
