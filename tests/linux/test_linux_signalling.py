"""What is recognised in packets: whom a message is about, that it is sound, and no secret."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.linux.signalling import Hidden, Signal, recognise
from mipsh.linux.witness import ACROSS_S, Sightings
from mipsh.wire import mobility, ndp, pcap
from mipsh.wire.address import ALL_ROUTERS, parse
from mipsh.wire.extension import Header, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoRequest, HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.icmpv6 import Message as IcmpMessage
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Esp, Packet, Payload

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
HOME, CARE_OF, AGENT, PEER = "2001:db8:1::100", "2001:db8:2::100", "2001:db8:1::1", "2001:db8:4::2"
COOKIE, TOKEN, PROOF = b"cookie!!", b"token!!!", b"authenticate"
UPDATE = mobility.padded(mobility.BindingUpdate(7, 0xC000, 15, (mobility.AuthorizationData(PROOF),)))
ALTERNATE = mobility.padded(mobility.BindingUpdate(8, 0xC000, 15, (mobility.AlternateCareOfAddress(parse(CARE_OF)),)))
ACKNOWLEDGEMENT = mobility.padded(mobility.BindingAcknowledgement(0, 0, 7, 15, (mobility.AuthorizationData(PROOF),)))
FROM_HOME, TO_HOME = carrying(HomeAddress(parse(HOME))), Type2RoutingHeader(parse(HOME))


def sent(source: str, destination: str, message: mobility.Message, *headers: Header) -> Packet:
    """Return a packet with a Mobility Header."""
    return Packet(parse(source), parse(destination), MobilityHeader(message), headers)


def control(source: str, destination: str, message: IcmpMessage) -> Packet:
    """Return a packet with an ICMPv6 message."""
    return Packet(parse(source), parse(destination), Icmpv6(message))


def tunnel(source: str, destination: str, inner: Packet) -> Packet:
    """Return a packet in a tunnel."""
    return Packet(parse(source), parse(destination), inner)


def signal(packet: Packet) -> Signal:
    """Recognise a packet that is signalling."""
    found = recognise(packet.encode())
    assert isinstance(found, Signal)
    return found


INIT, TEST = mobility.HomeTestInit(COOKIE), mobility.HomeTest(1, COOKIE, TOKEN)


@pytest.mark.parametrize(
    ("packet", "home", "care_of"),
    [
        (sent(CARE_OF, AGENT, UPDATE, FROM_HOME), HOME, CARE_OF),
        (sent(HOME, AGENT, UPDATE), HOME, HOME),
        (sent(HOME, AGENT, ALTERNATE), HOME, CARE_OF),
        (sent(AGENT, CARE_OF, ACKNOWLEDGEMENT, TO_HOME), HOME, CARE_OF),
        (sent(AGENT, HOME, ACKNOWLEDGEMENT), HOME, None),
        (sent(PEER, HOME, mobility.BindingRefreshRequest()), HOME, None),
        (sent(PEER, CARE_OF, mobility.BindingRefreshRequest(), TO_HOME), HOME, CARE_OF),
        (sent(PEER, CARE_OF, mobility.BindingError(1, parse(HOME))), HOME, CARE_OF),
        (sent(PEER, HOME, mobility.BindingError(1, parse(HOME))), HOME, None),
        (sent(HOME, PEER, INIT), HOME, None),
        (tunnel(CARE_OF, AGENT, sent(HOME, PEER, INIT)), HOME, CARE_OF),
        (tunnel(AGENT, CARE_OF, sent(PEER, HOME, TEST)), HOME, CARE_OF),
        (sent(CARE_OF, PEER, mobility.CareOfTestInit(COOKIE)), None, CARE_OF),
        (sent(PEER, CARE_OF, mobility.CareOfTest(1, COOKIE, TOKEN)), None, CARE_OF),
        (sent(CARE_OF, PEER, mobility.OtherMessage(16, bytes(10)), FROM_HOME), HOME, CARE_OF),
        (sent(PEER, CARE_OF, mobility.OtherMessage(16, bytes(10)), TO_HOME), HOME, CARE_OF),
        (sent(PEER, CARE_OF, mobility.OtherMessage(16, bytes(10))), None, None),
        (control(CARE_OF, AGENT, HomeAgentDiscoveryRequest(1)), None, CARE_OF),
        (control(AGENT, CARE_OF, HomeAgentDiscoveryReply(1, ())), None, CARE_OF),
    ],
)
def test_whom_a_message_is_about(packet: Packet, home: str | None, care_of: str | None) -> None:
    """Home and care-of address stand where the clause of each message says."""
    found = signal(packet)
    assert (found.home_address, found.care_of_address) == (home, care_of)
    assert found.is_sound
    assert found.is_tunnelled == isinstance(packet.upper, Packet)


@pytest.mark.parametrize(
    "message", [UPDATE, ACKNOWLEDGEMENT, INIT, TEST, mobility.OtherMessage(16, COOKIE + TOKEN + bytes(2))]
)
def test_no_secret_is_kept(message: mobility.Message) -> None:
    """Cookies, tokens and authenticators are gone; what else is in a message stays."""
    found = signal(sent(CARE_OF, PEER, message)).message
    shown = repr(found)
    assert not any(repr(secret)[2:-1] in shown for secret in (COOKIE, TOKEN, PROOF))
    assert type(found) is type(message)


def test_a_wrong_checksum_is_told() -> None:
    """The message is there, and is not to be believed."""
    data = bytearray(sent(CARE_OF, AGENT, UPDATE, FROM_HOME).encode())
    data[-20] ^= 1
    found = recognise(bytes(data))
    assert isinstance(found, Signal)
    assert not found.is_sound


@pytest.mark.parametrize(("hop_limit", "is_sound"), [(255, True), (254, False)])
def test_a_router_solicitation_from_afar_is_not_sound(hop_limit: int, is_sound: bool) -> None:
    """Its hop limit is 255 (RFC 4861 section 6.1.1)."""
    packet = Packet(parse("fe80::1"), ALL_ROUTERS, Icmpv6(ndp.RouterSolicitation()), hop_limit=hop_limit)
    assert signal(packet).is_sound is is_sound


def test_what_is_encrypted_is_told_apart_by_its_number() -> None:
    """The same packet is the same wherever it is seen; nothing of its content is looked at."""
    one, other = (Packet(parse(CARE_OF), parse(AGENT), Esp(5, n, bytes(30))).encode() for n in (1, 2))
    assert isinstance(recognise(one), Hidden)
    assert recognise(one) == recognise(one)
    assert recognise(one) != recognise(other)


@pytest.mark.parametrize(
    "packet",
    [control(CARE_OF, PEER, EchoRequest(1, 1)), Packet(parse(CARE_OF), parse(PEER), Payload(17, bytes(8)))],
)
def test_other_packets_say_nothing(packet: Packet) -> None:
    """They are no signalling."""
    assert recognise(packet.encode()) is None


def test_a_packet_is_the_same_in_its_tunnel_and_out_of_it() -> None:
    """And with the address in its option or in its header."""
    inner = sent(HOME, PEER, INIT)
    assert signal(inner).identity == signal(tunnel(CARE_OF, AGENT, inner)).identity
    assert signal(sent(CARE_OF, PEER, UPDATE, FROM_HOME)).identity == signal(sent(HOME, PEER, UPDATE)).identity
    assert signal(sent(HOME, PEER, UPDATE)).identity != signal(sent(HOME, PEER, ALTERNATE)).identity


@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(data: bytes) -> None:
    """Looking never raises."""
    recognise(data)
    recognise(b"\x60" + data)


def test_what_mip6d_sent_is_sound() -> None:
    """Every message of the captures; each kind is among them.

    But for the kernel's router solicitations before there is an address: their checksums are wrong.
    """
    kinds = set()
    for name in ("cn", "mn", "r1"):
        opened = pcap.read((CAPTURES / f"{name}.pcap").read_bytes())
        for _, frame in opened:
            data = pcap.ipv6_of(opened.linktype, frame)
            found = recognise(data or b"")
            if isinstance(found, Signal):
                assert found.is_sound != (found.source == "::"), found
                kinds.add(type(found.message).__name__)
    assert {"BindingUpdate", "BindingAcknowledgement", "HomeTestInit", "CareOfTest", "RouterAdvertisement"} <= kinds


def test_a_packet_on_two_interfaces_is_one() -> None:
    """Seen again at the same place it was sent again; and so it was after a while."""
    sightings = Sightings()
    tun, eth, home = ("mip0", True), ("eth0", True), ("eth0", False)
    assert sightings.is_new(b"a", 1.0, tun)
    assert not sightings.is_new(b"a", 1.001, eth)
    assert sightings.is_new(b"b", 1.001, eth)
    assert not sightings.is_new(b"a", 1.002, home)
    assert sightings.is_new(b"a", 1.1, tun)
    assert not sightings.is_new(b"a", 1.1, eth)
    assert sightings.is_new(b"a", 1.2 + ACROSS_S, home)


def test_sightings_are_bounded() -> None:
    """A flood takes no more memory than many packets do."""
    sightings = Sightings()
    for number in range(10_000):
        assert sightings.is_new(number.to_bytes(4), 0.0, ("eth0", False))
    assert sightings.is_new((0).to_bytes(4), 0.0, ("eth1", False))
    assert not sightings.is_new((9_999).to_bytes(4), 0.0, ("eth1", False))
