"""A mobile node whose correspondent is mobile too, which makes it a correspondent node (RFC 6275 sections 9, 11)."""

from dataclasses import dataclass

import pytest
from mobile_playbook import (
    COA1,
    HA,
    HOA,
    R0,
    R1,
    MobileScene,
    Seen,
    echo,
    message_of,
    replies,
)
from mobile_route_playbook import (
    TESTS,
    away,
    begins_both,
    care_of_inits,
    home_inits,
    straight,
    the_update,
    via_tunnel,
)

from mipsh.mobility.paths import HOME_ADDRESS_SIZE, ROUTING_HEADER_SIZE
from mipsh.wire.address import parse
from mipsh.wire.authenticator import authorize, binding_management_key, is_authentic
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    BindingAcknowledgement,
    BindingError,
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.packet import Packet

PEER, PEER_COA = parse("2001:db8:0:6::bb"), parse("2001:db8:0:7::bb")
LATER = 5.0
ECHO_SIZE = 8 + len(b"ping")


@dataclass
class MobilePeer:
    """The correspondent, which is away itself: what it says to the home address comes by the home agent.

    At home it comes straight, there being no tunnel.
    """

    scene: MobileScene
    sequence: int = 100
    key: bytes = b""
    tokens: tuple[HomeTest, CareOfTest] | None = None

    def says(self, packet: Packet) -> list[Seen]:
        """Send a packet to the home address of the node under test."""
        return self.scene.deliver(packet) if self.scene.routers == [R0] else self.scene.tunnelled(packet)

    def tests(self) -> None:
        """Return routability: a HoTI from its home address, a CoTI from its care-of address."""
        (home,) = self.says(Packet(PEER, HOA, MobilityHeader(HomeTestInit(b"peerhome"))))
        (care_of,) = self.says(Packet(PEER_COA, HOA, MobilityHeader(CareOfTestInit(b"peercare"))))
        self.tokens = message_of(home, HomeTest), message_of(care_of, CareOfTest)
        assert (home.inner.source, home.inner.destination) == (HOA, PEER)
        assert (care_of.inner.source, care_of.inner.destination) == (HOA, PEER_COA)

    def updates(self, lifetime: int = 100) -> list[Seen]:
        """Bind its care-of address; without a lifetime, delete that from its home address."""
        assert self.tokens is not None
        home, care_of = self.tokens
        self.sequence += 1
        self.key = binding_management_key(home.token, care_of.token if lifetime else b"")
        source = PEER_COA if lifetime else PEER
        indices = NonceIndices(home.nonce_index, care_of.nonce_index if lifetime else 0)
        bare = BindingUpdate(self.sequence, ACKNOWLEDGE, lifetime, (indices,))
        message = MobilityHeader(authorize(bare, self.key, source, HOA))
        options = (carrying(HomeAddress(PEER)),) if lifetime else ()
        return self.says(Packet(source, HOA, message, options))

    def registers(self) -> None:
        """RR and BU, which must be accepted."""
        self.tests()
        (seen,) = self.updates()
        assert message_of(seen, BindingAcknowledgement).status == 0

    def is_acknowledged(self, seen: Seen) -> None:
        """See that a BA came through the tunnel to the care-of address, behind RH2, and is proven."""
        outer, inner = seen.packet, seen.inner
        assert (outer.source, outer.destination, outer.headers) == (COA1, HA, ())
        assert (inner.source, inner.destination) == (HOA, PEER_COA)
        assert inner.headers == (Type2RoutingHeader(PEER),)
        answer = message_of(seen, BindingAcknowledgement)
        assert (answer.status, answer.sequence, answer.lifetime) == (0, self.sequence, 100)
        assert isinstance(inner.upper, MobilityHeader)
        assert is_authentic(inner.upper, self.key, PEER_COA, HOA)

    def asks(self) -> list[Seen]:
        """Send an Echo Request straight to the care-of address, with RH2[HoA] and HAO[its HoA]."""
        headers = (Type2RoutingHeader(HOA), carrying(HomeAddress(PEER)))
        return self.scene.deliver(Packet(PEER_COA, COA1, echo(PEER).upper, headers))


def both_ways() -> tuple[MobileScene, MobilePeer]:
    """Return two mobile nodes with bindings of each other."""
    scene = away()
    peer = MobilePeer(scene)
    scene.tunnelled(echo(PEER))
    the_update(scene, PEER)
    peer.registers()
    scene.log.clear()
    return scene, peer


def test_mn_2_1_1_2_002__a_peer_by_its_home_address() -> None:
    """Tests go to the home address of a peer, though its packet comes from its care-of address with HAO."""
    scene = MobileScene()
    scene.plug(R0)
    scene.wait(LATER)
    MobilePeer(scene).registers()
    scene.register(R1)
    scene.log.clear()
    scene.answering -= TESTS
    request = Packet(PEER_COA, HOA, echo(PEER).upper, (carrying(HomeAddress(PEER)),))
    assert len(replies(scene.tunnelled(request))) == 1
    begins_both(scene, PEER)
    for seen, _ in [*home_inits(scene, PEER), *care_of_inits(scene, PEER)]:
        assert seen.inner.destination == PEER
        assert seen.inner.headers == ()
    assert home_inits(scene, PEER_COA) + care_of_inits(scene, PEER_COA) == []


def test_mn_3_1_1_3_001__a_binding_of_the_peer() -> None:
    """Its BU comes through the tunnel, and the BA goes back through it, to the BU's source, without HAO."""
    scene = away()
    peer = MobilePeer(scene)
    peer.tests()
    (seen,) = peer.updates()
    peer.is_acknowledged(seen)


def test_mn_3_1_2_3_001__the_binding_is_refreshed() -> None:
    """A second return routability and BU are answered like the first."""
    scene = away()
    peer = MobilePeer(scene)
    peer.registers()
    scene.wait(60.0)
    peer.tests()
    (seen,) = peer.updates()
    peer.is_acknowledged(seen)


def test_mn_4_1_1_3_001__both_headers() -> None:
    """CoA→peer's CoA with RH2[its HoA] and HAO[HoA]; after the peer's deregistration, to its HoA with HAO alone."""
    scene, peer = both_ways()
    (reply,) = replies(peer.asks())
    assert_both(reply)
    peer.tests()
    (seen,) = peer.updates(0)
    via_tunnel(seen, PEER)
    assert message_of(seen, BindingAcknowledgement).lifetime == 0
    (reply,) = scene.echo_by_routing_header(PEER)
    straight(reply, PEER)


def assert_both(seen: Seen) -> None:
    """See that a packet goes between care-of addresses, and names both home addresses."""
    packet = seen.packet
    assert not seen.is_tunnelled
    assert (packet.source, packet.destination) == (COA1, PEER_COA)
    assert packet.headers == (Type2RoutingHeader(PEER), carrying(HomeAddress(HOA)))


@pytest.mark.parametrize("is_sent", [False, True])
def test_r_mn_33__the_order_of_headers(is_sent: bool) -> None:
    """RH2 stands before the destination options; each is 24 bytes long, and all lengths are right."""
    scene, peer = both_ways()
    (seen,) = scene.send(Packet(HOA, PEER, echo().upper)) if is_sent else replies(peer.asks())
    assert_both(seen)
    data = seen.packet.encode()
    routing, options = data[40:64], data[64:88]
    assert (data[6], routing[0], options[0]) == (43, 60, 58)
    assert (routing[1], routing[2], routing[3]) == (2, 2, 1)
    assert (options[1], options[2:6], options[6:8]) == (2, b"\1\2\0\0", b"\xc9\x10")
    assert len(data) == 40 + ROUTING_HEADER_SIZE + HOME_ADDRESS_SIZE + ECHO_SIZE
    assert int.from_bytes(data[4:6]) == len(data) - 40


def test_mn_4_1_2_3_001__a_peer_without_a_binding() -> None:
    """After its deregistration a packet with RH2 and HAO gets BE(1) through the tunnel, without HAO or RH2."""
    scene, peer = both_ways()
    peer.tests()
    peer.updates(0)
    scene.wait(1.0)
    (seen,) = peer.asks()
    via_tunnel(seen, PEER_COA)
    assert message_of(seen, BindingError) == BindingError(1, PEER)
