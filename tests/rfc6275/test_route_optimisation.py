"""Packets to mobile nodes, and errors that come back for them (RFC 6275 sections 6.1, 6.4, 9.3.2 and 9.3.4)."""

from dataclasses import replace

import pytest
from msgspec import structs
from playbook import CN, CN2, COA, COA2, HOA, Scene, Update, echo, frames

from mipsh.mobility.effects import Deliver, Effect, Emit, RemoveBinding
from mipsh.wire.extension import FragmentHeader, HopByHopOptions, Type2RoutingHeader
from mipsh.wire.icmpv6 import DestinationUnreachable, EchoReply, Icmpv6, OtherIcmp
from mipsh.wire.mobility import BindingError, BindingRefreshRequest, CareOfTest, HomeTest, Message, MobilityHeader
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload
from mipsh.wire.tlv import PadN

ROUTER = COA2[:8] + bytes(7) + b"\x01"
NO_ROUTE, PORT = 0, 4
PERSISTENT = 5
"""Seconds between errors that count."""
UDP = 17
ROUTING = Type2RoutingHeader(HOA)


def outgoing(scene: Scene, packet: Packet) -> Packet:
    """Return a packet of the upper layers as it is sent."""
    (sent,) = frames(scene.node.send(packet, scene.now))
    return sent


def unreachable(original: Packet, code: int = NO_ROUTE) -> Packet:
    """Return a router's word that a packet did not arrive, with as much of it as fits."""
    message = DestinationUnreachable(code, 0, original.encode()[:1232])
    return Packet(ROUTER, original.source, Icmpv6(message))


def by_way_of(care_of: bytes = COA, home: bytes = HOA, local: bytes = CN) -> Packet:
    """Return a packet that this node sends to a home address by way of a care-of address."""
    return Packet(local, care_of, Icmpv6(EchoReply(7, 1, b"ping")), (Type2RoutingHeader(home),))


def test_cn_1_3__routes_are_optimised_both_ways() -> None:
    """Sections 9.3.1 and 9.3.2: whichever way the request came."""
    scene = Scene()
    scene.reg()
    scene.chkh_plus()
    scene.chk_plus()


def test_r_cn_36__what_the_routing_header_says() -> None:
    """Sections 6.4.1 and 9.3.2: it stands behind hop-by-hop options; without a binding there is none."""
    scene = Scene()
    packet = Packet(CN, HOA, Payload(UDP, bytes(8)), (HopByHopOptions((PadN(bytes(4)),)),))
    assert outgoing(scene, packet).encode() == packet.encode()
    scene.reg()
    sent = outgoing(scene, packet)
    assert (sent.source, sent.destination, sent.headers) == (CN, COA, (*packet.headers, ROUTING))
    assert ROUTING.encode(UDP) == bytes((UDP, 2, 2, 1)) + bytes(4) + HOA
    assert outgoing(scene, sent).encode() == sent.encode()
    assert outgoing(scene, structs.replace(packet, source=CN2)).headers == packet.headers


@pytest.mark.parametrize(
    "message",
    [
        HomeTest(1, bytes(8), bytes(8)),
        CareOfTest(1, bytes(8), bytes(8)),
        BindingError(1, HOA),
        BindingRefreshRequest(),
    ],
)
def test_r_cn_37__mobility_headers_are_not_routed_by_bindings(message: Message) -> None:
    """Section 6.1: the binding cache is not used for them; acknowledgements make their own routing header."""
    scene = Scene()
    scene.reg()
    packet = Packet(CN, HOA, MobilityHeader(message))
    assert outgoing(scene, packet).encode() == packet.encode()
    scene.hot()
    scene.cot()
    scene.chk0(HOA, COA2)


@pytest.mark.parametrize("kind", [133, 134, 135, 136, 137])
def test_r_cn_38__neighbour_discovery_is_not_routed_by_bindings(kind: int) -> None:
    """Section 9.3.2: it goes to the home address itself."""
    scene = Scene()
    scene.reg()
    packet = Packet(CN, HOA, Icmpv6(OtherIcmp(kind, 0, bytes(20))))
    assert outgoing(scene, packet).encode() == packet.encode()
    scene.silence(Packet(HOA, CN, packet.upper))


def test_r_cn_39__the_routing_header_takes_its_room() -> None:
    """Section 9.3.2: the upper layers have so much less of the path MTU, while there is a binding."""
    scene = Scene()
    assert scene.node.overhead(CN, HOA, scene.now) == 0
    scene.reg(lifetime=1)
    packet = Packet(CN, HOA, Payload(UDP, bytes(1000)))
    larger = len(outgoing(scene, packet).encode()) - len(packet.encode())
    assert scene.node.overhead(CN, HOA, scene.now) == larger
    assert larger == len(ROUTING.encode(UDP))
    scene.wait(4)
    assert scene.node.overhead(CN, HOA, scene.now) == 0


def removed(effects: list[Effect]) -> bool:
    """Tell whether a binding was removed; what came is handed on in any case."""
    assert isinstance(effects[-1], Deliver)
    changes = [effect for effect in effects if not isinstance(effect, Deliver)]
    assert changes in ([], [RemoveBinding(HOA, CN), Emit("mip6MnBindingExpiredAtCN", HOA, COA, CN, "unreachable")])
    return bool(changes)


def test_cn_6_1__a_care_of_address_that_stays_unreachable_ends_the_binding() -> None:
    """Section 9.3.4: only errors that persist do; the sequence number stays remembered."""
    scene = Scene()
    update = scene.reg()
    told = []
    for _ in range(3):
        told.append(removed(scene.effects(unreachable(by_way_of()))))
        if not told[-1]:
            scene.chk_plus()
        scene.wait(PERSISTENT)
    assert told == [False, False, True]
    scene.chk0()
    scene.acknowledged(update, 135)
    scene.accepted(replace(update, s=2))


def test_a_burst_of_errors_counts_as_one() -> None:
    """Section 9.3.4: persistent is not many at once."""
    scene = Scene()
    scene.reg()
    for _ in range(99):
        assert not removed(scene.effects(unreachable(by_way_of())))
        scene.wait(0.1)
    scene.chk_plus()


def test_a_new_binding_forgets_the_errors_of_the_old_one() -> None:
    """Section 9.3.4: they were about where the mobile node was."""
    scene = Scene()
    update = scene.reg()
    for s in range(2, 10):
        assert not removed(scene.effects(unreachable(by_way_of())))
        scene.wait(PERSISTENT)
        scene.accepted(replace(update, s=s))
    scene.chk_plus()


@pytest.mark.parametrize(
    "error",
    [
        unreachable(by_way_of(), PORT),
        unreachable(by_way_of(care_of=COA2)),
        unreachable(by_way_of(local=CN2)),
        unreachable(Packet(CN, HOA, Payload(UDP, bytes(8)))),
        Packet(ROUTER, CN, Icmpv6(DestinationUnreachable(NO_ROUTE, 0, b"cut"))),
    ],
)
def test_errors_that_are_about_something_else(error: Packet) -> None:
    """Section 9.3.4: another address, another way, or a node that was reached but has no such port."""
    scene = Scene()
    scene.reg()
    for _ in range(5):
        assert not removed(scene.effects(error))
        scene.wait(PERSISTENT)
    scene.chk_plus()


def test_an_echo_to_all_nodes_is_answered_from_an_address_of_the_node() -> None:
    """RFC 4443 section 4.2."""
    scene = Scene()
    everyone = Packet(HOA, bytes.fromhex("ff020000000000000000000000000001"), echo().upper)
    reply = scene.answer(everyone)
    assert (reply.source, reply.destination) == (CN, HOA)
    scene.silence(structs.replace(everyone, source=bytes(16)))


@pytest.mark.parametrize(("size", "answered"), [(65_000, True), (65_001, False)])
def test_an_echo_that_no_routing_header_would_fit_is_not_answered(size: int, answered: bool) -> None:
    """It comes in fragments; a packet has 65535 bytes at most behind its header."""
    scene = Scene()
    scene.reg()
    request = echo(data=bytes(size)).encode()[HEADER_SIZE:]
    middle = 40_000
    scene.silence(Packet(HOA, CN, Payload(58, request[:middle]), (FragmentHeader(0, True, 1),)))
    last = Packet(HOA, CN, Payload(58, request[middle:]), (FragmentHeader(middle // 8, False, 1),))
    replies = frames(scene.effects(last))
    assert bool(replies) == answered
    assert all(packet.routing_home_address == HOA for packet in replies)
    sizes = [len(packet.upper.data) for packet in replies if isinstance(packet.upper, Payload)]
    assert sum(sizes) == len(request) * answered


def test_what_is_for_others_is_left_alone() -> None:
    """A node without routes drops what is not for it, and what cannot be read."""
    scene = Scene()
    scene.silence(echo(local=COA2))
    assert scene.node.receive(b"no packet", "eth0", scene.now) == []
    assert scene.node.receive(echo().encode()[:-1], "eth0", scene.now) == []
    scene.silence(Packet(HOA, CN, Payload(58, b"cut")))
    scene.silence(Packet(HOA, CN, Icmpv6(OtherIcmp(128, 0, b"cut"))))
    assert scene.node.advance(scene.now) == []


def test_a_packet_in_a_packet_is_for_the_upper_layers() -> None:
    """They may have tunnels; nothing in it reaches the binding cache."""
    scene = Scene()
    inner = echo()
    handed = scene.delivered(Packet(HOA, CN, inner))
    assert handed.encode() == Packet(HOA, CN, inner).encode()
    update = Update(scene.rr()).packet()
    scene.delivered(Packet(HOA, CN, update))
    scene.chk0()
