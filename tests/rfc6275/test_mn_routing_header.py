"""Packets that come to the mobile node by a routing header, or on the link (RFC 6275 sections 6.4, 11.3)."""

import pytest
from mobile_home_words import answers_with_option, home_scene, is_echo_reply
from mobile_playbook import CN, COA1, HA, HOA, LINK_LOCAL, R0, R1, MobileScene, Seen, echo, replies

from mipsh.wire.address import parse
from mipsh.wire.extension import Header, RoutingHeader, Type2RoutingHeader
from mipsh.wire.icmpv6 import ParameterProblem
from mipsh.wire.packet import Packet

OTHER, MULTICAST = parse("2001:db8:0:1::bb"), parse("ff0e::1")
TWO_ADDRESSES = RoutingHeader(2, 1, bytes(4) + HOA + HOA)
ONE_BY_TYPE_0 = RoutingHeader(0, 1, bytes(4) + HOA)


def away() -> MobileScene:
    """Return a registered mobile node, to which a right packet by routing header comes through."""
    scene = home_scene()
    scene.register(R1)
    assert answers_with_option(scene)
    scene.wait(2)
    return scene


def by(header: Header, peer: bytes = HA, care_of_address: bytes = COA1) -> Packet:
    """Return an Echo Request that comes by a routing header."""
    return Packet(peer, care_of_address, echo(peer).upper, (header,))


def answers(scene: MobileScene, packet: Packet) -> list[Seen]:
    """Hand over a packet, wait, and return what was sent because of it."""
    sent = scene.deliver(packet)
    return [*sent, *(seen for seen in scene.wait(2) if seen.inner.destination == packet.source)]


def test_mn_4_1_2_2_004__length_of_two_addresses() -> None:
    """It is dropped in silence."""
    scene = away()
    assert answers(scene, by(TWO_ADDRESSES)) == []
    assert answers_with_option(scene)


def test_mn_4_1_2_2_005__no_segments_left() -> None:
    """It is dropped in silence."""
    scene = away()
    assert answers(scene, by(Type2RoutingHeader(HOA, segments_left=0))) == []
    assert answers_with_option(scene)


@pytest.mark.parametrize("is_away", [True, False])
def test_mn_4_1_2_2_006__link_local_addresses(is_away: bool) -> None:
    """On the link the node answers from its link-local address, never from the home address, nor by a tunnel."""
    scene = home_scene()
    router = R1 if is_away else R0
    scene.plug(router)
    scene.wait(5)
    (reply,) = replies(scene.deliver(echo(router.local, LINK_LOCAL)))
    assert (reply.packet.source, reply.packet.destination) == (LINK_LOCAL, router.local)
    assert (reply.packet.headers, reply.is_tunnelled, reply.link_layer) == ((), False, router.mac)


@pytest.mark.parametrize(
    "header",
    [
        pytest.param(RoutingHeader(2, 1, bytes(4)), id="length 0"),
        pytest.param(TWO_ADDRESSES, id="length 4"),
        pytest.param(Type2RoutingHeader(HOA, segments_left=0), id="segments left 0"),
        pytest.param(Type2RoutingHeader(HOA, segments_left=2), id="segments left 2"),
        pytest.param(Type2RoutingHeader(OTHER), id="another address"),
        pytest.param(Type2RoutingHeader(COA1), id="the care-of address"),
        pytest.param(Type2RoutingHeader(LINK_LOCAL), id="the link-local address"),
        pytest.param(Type2RoutingHeader(MULTICAST), id="a group"),
    ],
)
def test_r_mn_01__wrong_headers_of_type_2(header: Header) -> None:
    """Each is dropped in silence (section 11.3.3)."""
    scene = away()
    delivered = len(scene.delivered)
    assert answers(scene, by(header)) == []
    assert len(scene.delivered) == delivered


def test_r_mn_01__a_header_of_type_0() -> None:
    """It is no way to a home address: its source is told so, and nothing is delivered (RFC 5095 section 3)."""
    scene = away()
    packet = by(ONE_BY_TYPE_0)
    (sent,) = answers(scene, packet)
    ((problem, message),) = scene.icmp(ParameterProblem)
    assert sent is problem
    assert (problem.packet.source, problem.packet.destination, problem.packet.headers) == (COA1, HA, ())
    assert (message.code, message.value, message.original) == (0, 42, packet.encode())


def test_r_mn_01__a_right_header() -> None:
    """What comes by it is at the home address: so it is answered from there, to the peer by the care-of address."""
    scene = away()
    (reply,) = answers(scene, by(Type2RoutingHeader(HOA)))
    assert is_echo_reply(reply)
    assert (reply.packet.source, reply.packet.destination, reply.packet.home_address_option) == (COA1, HA, HOA)


def test_r_mn_02__at_home() -> None:
    """From the home address to itself: the node owns it, so it is delivered there; nothing is forwarded."""
    scene = home_scene()
    scene.plug(R0)
    scene.wait(5)
    (sent,) = answers(scene, by(Type2RoutingHeader(HOA), CN, HOA))
    assert is_echo_reply(sent)
    assert (sent.packet.source, sent.packet.destination, sent.packet.headers) == (HOA, CN, ())


@pytest.mark.parametrize("home_address", [HOA, OTHER])
def test_r_mn_02__to_the_home_address_while_away(home_address: bytes) -> None:
    """Where the home address is not on the link, it is no place for a routing header either."""
    scene = away()
    assert answers(scene, by(Type2RoutingHeader(home_address), CN, HOA)) == []


@pytest.mark.parametrize("is_away", [True, False])
@pytest.mark.parametrize("final", [OTHER, CN, HA, R1.address])
def test_r_mn_03__to_another_node(final: bytes, is_away: bool) -> None:
    """The mobile node is no router: what a routing header has for others goes nowhere."""
    scene = home_scene()
    scene.plug(R1 if is_away else R0)
    scene.wait(5)
    assert answers(scene, by(Type2RoutingHeader(final), CN, COA1 if is_away else HOA)) == []
    assert scene.delivered == []
