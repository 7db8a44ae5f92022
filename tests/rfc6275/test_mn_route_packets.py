"""By which way a mobile node's packets go (RFC 6275 sections 11.3.1, 11.3.2 and 11.3.4)."""

from mobile_playbook import (
    CN,
    CN1,
    COA1,
    COA2,
    HOA,
    ND_HOP_LIMIT,
    R0,
    R1,
    R2,
    MobileScene,
    Seen,
    echo,
    replies,
)
from mobile_route_playbook import (
    LONG,
    LONG_UNITS,
    away,
    begins_both,
    begins_nothing,
    optimised,
    rests,
    sends_straight,
    straight,
    the_update,
    via_tunnel,
)

from mipsh.mobility.paths import HOME_ADDRESS_SIZE, TUNNEL_SIZE, is_neighbour_discovery
from mipsh.wire.address import UNSPECIFIED, parse
from mipsh.wire.extension import FragmentHeader, Type2RoutingHeader
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6, PacketTooBig
from mipsh.wire.ndp import (
    LinkLayer,
    NeighborAdvertisement,
    NeighborSolicitation,
    RouterSolicitation,
)
from mipsh.wire.packet import Esp, Packet, Payload

MULTICAST = parse("ff0e::1234")
ON_THE_WAY = parse("2001:db8:0:99::1")
"""A router between the mobile node and a correspondent."""
DATAGRAM = Payload(253, b"of an experiment")
"""What the upper layers send, under a number for experiments (RFC 3692)."""
LATER = 5.0
HEADER, ICMP_HEADER = 40, 8


def solicitation(router_address: bytes, router_mac: bytes, target: bytes, destination: bytes) -> Packet:
    """Return a Neighbour Solicitation from a router's own global address."""
    message = NeighborSolicitation(target, (LinkLayer(1, router_mac),))
    return Packet(router_address, destination, Icmpv6(message), hop_limit=ND_HOP_LIMIT)


# The three ways.


def test_mn_4_1_1_2_001__through_the_tunnel() -> None:
    """Before there is a binding: CoA→HA with HoA→CN in it, and no Home Address option in either."""
    scene = away()
    (reply,) = replies(scene.tunnelled(echo()))
    via_tunnel(reply)
    assert isinstance(reply.inner.upper, Icmpv6)
    assert reply.inner.upper.message == EchoReply(7, 1, b"ping")
    (sent,) = [seen for seen in scene.send(Packet(HOA, CN1, DATAGRAM)) if seen.inner.upper == DATAGRAM]
    via_tunnel(sent, CN1)


def test_mn_4_1_1_2_002__straight() -> None:
    """With a binding: CoA→CN with HAO[HoA], replies and what the upper layers send alike."""
    scene = optimised()
    (reply,) = scene.echo_by_routing_header()
    straight(reply)
    (sent,) = scene.send(Packet(HOA, CN, DATAGRAM))
    straight(sent)
    assert sent.packet.upper == DATAGRAM


def test_mn_4_1_1_2_004__at_home() -> None:
    """Plainly from the home address, before the node leaves and after it is back."""
    scene = MobileScene()
    scene.plug(R0)
    scene.wait(LATER)
    replies_plainly(scene)
    scene.log.clear()
    scene.register(R1)
    scene.optimise()
    scene.plug(R0)
    scene.wait(LATER)
    replies_plainly(scene)


def replies_plainly(scene: MobileScene) -> None:
    """E: see that the reply goes HoA→CN with nothing to it."""
    (reply,) = replies(scene.deliver(echo()))
    assert not reply.is_tunnelled
    assert (reply.packet.source, reply.packet.destination, reply.packet.headers) == (HOA, CN, ())


def test_mn_4_1_1_2_005__the_binding_ended() -> None:
    """The reply to a packet that still comes by the routing header goes through the tunnel."""
    scene = away(LONG, LONG_UNITS)
    scene.tunnelled(echo())
    lifetime_s = the_update(scene).lifetime * 4
    scene.log.clear()
    rests(scene, lifetime_s - 1)
    scene.wait(2.0)
    (reply,) = scene.echo_by_routing_header()
    via_tunnel(reply)
    begins_both(scene)


# Neighbour discovery.


def test_mn_4_1_1_2_006__neighbour_discovery_with_a_peer() -> None:
    """A router that has a binding, and asks whether the node is there, is answered from the care-of address alone."""
    scene = away()
    scene.optimise(R1.address)
    scene.log.clear()
    (seen,) = scene.deliver(solicitation(R1.address, R1.mac, COA1, COA1))
    packet = seen.packet
    assert (packet.source, packet.destination, packet.headers) == (COA1, R1.address, ())
    assert isinstance(packet.upper, Icmpv6)
    assert isinstance(packet.upper.message, NeighborAdvertisement)
    assert packet.upper.message.target == COA1
    sends_straight(scene, R1.address)


def test_r_mn_44__neighbour_discovery_at_all() -> None:
    """No message of it, from anywhere to anywhere, ever has an extension header or is in a tunnel."""
    scene = MobileScene()
    for router in (R0, R1, R2, R1, R0):
        scene.plug(router)
        scene.wait(LATER)
        scene.deliver(echo()) if router is R0 else scene.optimise(router.address)
        own = HOA if router is R0 else scene.care_of_address
        scene.deliver(solicitation(router.address, router.mac, own, own))
        scene.wait(60.0)
    found = [seen for seen in scene.log if is_neighbour_discovery(seen.inner)]
    kinds = {type(seen.inner.upper.message) for seen in found if isinstance(seen.inner.upper, Icmpv6)}
    assert kinds == {RouterSolicitation, NeighborSolicitation, NeighborAdvertisement}
    assert len(found) > 20
    assert all(not seen.is_tunnelled and seen.packet.headers == () for seen in found)
    away_from_home = [seen for seen in found if seen.packet.source == HOA]
    assert all(seen.packet.destination not in (CN, R1.address, R2.address) for seen in away_from_home)
    assert {seen.packet.source for seen in found} >= {UNSPECIFIED, COA1, COA2}


# IPsec between mobile node and correspondent.


def test_mn_4_1_1_2_007__esp_with_a_correspondent() -> None:
    """Its endpoints are HoA and CN: it goes inside the tunnel first, and behind the Home Address option later.

    ESP itself is the upper layers': they are handed it as from and to the home address.
    """
    scene = away()
    there, back = Esp(7, 1, b"ciphertext-there"), Esp(8, 1, b"ciphertext-back!")
    (tunnelled,) = [seen for seen in scene.send(Packet(HOA, CN, there)) if seen.inner.upper == there]
    via_tunnel(tunnelled)
    scene.tunnelled(Packet(CN, HOA, back))
    assert scene.delivered == [Packet(CN, HOA, back)]
    the_update(scene)
    (straightly,) = scene.send(Packet(HOA, CN, there))
    straight(straightly)
    assert straightly.packet.upper == there
    scene.deliver(Packet(CN, COA1, back, (Type2RoutingHeader(HOA),)))
    assert scene.delivered == [Packet(CN, HOA, back)] * 2


# Multicast.


def test_r_mn_34__multicast() -> None:
    """From the home address it goes through the tunnel; from the care-of address it stays; neither is optimised."""
    scene = optimised()
    (by_home,) = scene.send(Packet(HOA, MULTICAST, DATAGRAM))
    via_tunnel(by_home, MULTICAST)
    (locally,) = scene.send(Packet(COA1, MULTICAST, DATAGRAM))
    assert (locally.packet.source, locally.packet.destination, locally.packet.headers) == (COA1, MULTICAST, ())
    assert locally.link_layer == b"\x33\x33" + MULTICAST[12:]
    assert scene.send(Packet(HOA, parse("ff02::1234"), DATAGRAM)) == []
    scene.wait(2.0)
    begins_nothing(scene)


# Path MTU.


def ping(size: int, peer: bytes = CN) -> Packet:
    """Return an Echo Request from the home address, of a size in bytes as the upper layers see it."""
    return Packet(HOA, peer, Icmpv6(EchoRequest(9, 1, bytes(size - HEADER - ICMP_HEADER))))


def sizes(seen: list[Seen]) -> list[int]:
    """Return the sizes of packets."""
    return [len(one.packet.encode()) for one in seen]


def test_r_mn_35__path_mtu_behind_a_handover() -> None:
    """A Packet Too Big about the new straight way makes packets on it smaller, and not those in the tunnel."""
    scene = optimised()
    (whole,) = scene.send(ping(1400))
    straight(whole)
    scene.register(R2)
    (large,) = scene.send(ping(1400))
    straight(large, CN, COA2)
    error = PacketTooBig(0, 1300, large.packet.encode()[:1200])
    scene.deliver(Packet(ON_THE_WAY, COA2, Icmpv6(error)))
    pieces = scene.send(ping(1400))
    assert len(pieces) == 2
    assert max(sizes(pieces)) <= 1300
    for piece in pieces:
        assert (piece.packet.source, piece.packet.destination) == (COA2, CN)
        assert isinstance(piece.packet.headers[-1], FragmentHeader)
    (small,) = scene.send(ping(1300 - HOME_ADDRESS_SIZE))
    straight(small, CN, COA2)
    assert sizes([small]) == [1300]
    tunnelled = scene.send(ping(1400, CN1))[0]
    via_tunnel(tunnelled, CN1, COA2)
    assert sizes([tunnelled]) == [1400 + TUNNEL_SIZE]
