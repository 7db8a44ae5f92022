"""Each malformed field is one fault, at its offset, and the bytes from there on are kept."""

import pytest
from wire_samples import BUILT, CARE_OF, CORRESPONDENT, HOME, whole

from mipsh.wire import ndp
from mipsh.wire.extension import DestinationOptions, FragmentHeader, RoutingHeader, Type2RoutingHeader
from mipsh.wire.fault import Fault, Undecodable
from mipsh.wire.icmpv6 import HomeAgentDiscoveryReply, Icmpv6, OtherIcmp
from mipsh.wire.mobility import BindingUpdate, MobilityHeader, OtherMessage
from mipsh.wire.packet import Esp, Packet, Payload
from mipsh.wire.tlv import Option, PadN, UnknownOption

PING = BUILT["echo request"].encode()[40:]


def packet(number: int, data: str | bytes) -> Packet:
    """Decode bytes behind an IPv6 header that names their protocol."""
    behind = bytes.fromhex(data) if isinstance(data, str) else data
    encoded = Packet(CARE_OF, CORRESPONDENT, Payload(number, behind)).encode()
    decoded = whole(encoded)
    assert decoded.encode() == encoded
    return decoded


@pytest.mark.parametrize(
    ("number", "data", "fault"),
    [
        (60, "3b000102000000", Fault(40, "extension header 60", "at least 8 bytes", "7")),
        (0, "3b01010400000000", Fault(41, "extension header 0 length", "at most 0", "1")),
        (135, "3b000000000000", Fault(40, "mobility header", "at least 8 bytes", "7")),
        (135, "3b01000000000000", Fault(41, "header length", "at most 0", "1")),
        (58, "800000", Fault(40, "ICMPv6 message", "at least 4 bytes", "3")),
        (50, "00000001000000", Fault(40, "ESP header", "at least 8 bytes", "7")),
        (41, "45" + 39 * "00", Fault(40, "inner packet", "an IPv6 packet at most 8 deep", "bytes that are none")),
    ],
)
def test_what_is_not_whole_is_kept_as_bytes(number: int, data: str, fault: Fault) -> None:
    """Not even the fixed part is there, or it says that it is longer than the packet."""
    decoded = packet(number, data)
    assert decoded.faults == (fault,)
    assert decoded.upper == Payload(number, bytes.fromhex(data))
    assert decoded.headers == ()


@pytest.mark.parametrize(
    ("data", "options", "fault"),
    [
        (
            "010200003eff",
            (PadN(bytes(2)), Undecodable(b"\x3e\xff")),
            Fault(47, "option type 62 length", "at most 0", "255"),
        ),
        (
            "01030000003e",
            (PadN(bytes(3)), Undecodable(b"\x3e")),
            Fault(48, "option type 62 length", "at most 0", "none"),
        ),
        ("c90400000000", (UnknownOption(201, bytes(4)),), Fault(43, "Home Address length", "16", "4")),
    ],
)
def test_destination_options(data: str, options: tuple[Option, ...], fault: Fault) -> None:
    """What overruns the header is kept as it is, what has a wrong length under its type."""
    decoded = packet(60, f"3b00{data}")
    assert decoded.headers == (DestinationOptions(options),)
    assert decoded.faults == (fault,)


def test_type_2_routing_headers() -> None:
    """One of a wrong length is a routing header like any other; one that was used already has no segments left."""
    longer = packet(43, "3b040201" + "00" * 36)
    assert longer.headers == (RoutingHeader(2, 1, bytes(36)),)
    assert longer.faults == (Fault(41, "type 2 routing header length", "2", "4"),)
    used = packet(43, "3b020200" + "00000000" + HOME.hex())
    assert used.headers == (Type2RoutingHeader(HOME, 0),)
    assert used.faults == (Fault(43, "segments left", "1", "0"),)
    assert used.routing_home_address is None
    assert used.covered_destination == CORRESPONDENT


@pytest.mark.parametrize(
    ("data", "faults"),
    [
        ("3a00000000000000", [Fault(40, "payload proto", "59", "58")]),
        ("3b0000000000000001", [Fault(48, "end of the mobility header", "nothing behind it", "1 bytes")]),
        ("3b00050000000001", [Fault(41, "header length", "at least 1", "0")]),
    ],
)
def test_mobility_headers(data: str, faults: list[Fault]) -> None:
    """The fields of the fixed part (RFC 6275 sections 6.1.1 and 9.2)."""
    decoded = packet(135, data)
    assert list(decoded.faults) == faults
    assert isinstance(decoded.upper, MobilityHeader)


def test_a_message_too_short_for_its_type() -> None:
    """Its bytes are kept under its type."""
    upper = packet(135, "3b00050000000001").upper
    assert upper == MobilityHeader(OtherMessage(5, b"\0\1"), 0)
    assert isinstance(upper, MobilityHeader)
    assert upper.type == 5


@pytest.mark.parametrize(("kind", "least"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 1), (6, 1), (7, 2)])
def test_the_shortest_header_of_a_message(kind: int, least: int) -> None:
    """One that long is decoded, a shorter one is at fault (RFC 6275 sections 6.1.2 to 6.1.9)."""
    for length in range(least + 1):
        decoded = packet(135, bytes((59, length, kind, 0)) + bytes(4 + length * 8))
        faults = () if length == least else (Fault(41, "header length", f"at least {least}", str(length)),)
        assert decoded.faults == faults
        assert isinstance(decoded.upper, MobilityHeader)
        assert isinstance(decoded.upper.message, OtherMessage) == bool(faults)


@pytest.mark.parametrize(
    ("option", "fault"),
    [
        ("0403000000", Fault(53, "Nonce Indices length", "4", "3")),
        ("03020000", Fault(53, "Alternate Care-of Address length", "16", "2")),
        ("0200", Fault(53, "Binding Refresh Advice length", "2", "0")),
        ("06020000", Fault(53, "Mobile Network Prefix length", "18", "2")),
        ("0800", Fault(53, "Mobile Node Identifier length", "1 to 255", "0")),
        ("0700", Fault(53, "Link-Layer Address length", "1 to 255", "0")),
        ("050b", Fault(53, "option type 5 length", "at most 10", "11")),
    ],
)
def test_mobility_options(option: str, fault: Fault) -> None:
    """In a Binding Update, whose options begin at offset 12 of its header."""
    decoded = packet(135, "3b02050000000001c0000069" + option.ljust(24, "0"))
    assert isinstance(decoded.upper, MobilityHeader)
    assert isinstance(decoded.upper.message, BindingUpdate)
    assert decoded.faults == (fault,)


def test_icmpv6_messages() -> None:
    """Too short for its type; and addresses that are not whole."""
    short = packet(58, "8600000040")
    assert short.upper == Icmpv6(OtherIcmp(134, 0, b"\x40"), 0)
    assert short.faults == (Fault(44, "ICMPv6 type 134", "at least 12 bytes", "1"),)
    reply = packet(58, "91000000" + "00070000" + HOME.hex() + "ffff")
    assert reply.upper == Icmpv6(HomeAgentDiscoveryReply(7, (HOME,), trailer=b"\xff\xff"), 0)
    assert reply.faults == (Fault(64, "home agent addresses", "16 bytes each", "2 bytes left"),)


@pytest.mark.parametrize(
    ("data", "option", "fault"),
    [
        ("0100000000000000", Undecodable(b"\1" + bytes(7)), Fault(49, "option type 1 length", "1 to 1", "0")),
        ("0102000000000000", Undecodable(b"\1\2" + bytes(6)), Fault(49, "option type 1 length", "1 to 1", "2")),
        ("01", Undecodable(b"\1"), Fault(49, "option type 1 length", "1 to 0", "0")),
        ("0301000000000000", ndp.OtherOption(3, bytes(6)), Fault(49, "option type 3 length", "4", "1")),
    ],
)
def test_neighbour_discovery_options(data: str, option: ndp.Option, fault: Fault) -> None:
    """In a Router Solicitation; a length counts units of 8 bytes."""
    decoded = packet(58, "8500000000000000" + data)
    assert decoded.upper == Icmpv6(ndp.RouterSolicitation((option,)), 0)
    assert decoded.faults == (fault,)


def test_faults_in_a_tunnel_count_from_the_outer_header() -> None:
    """They are the inner packet's, and the outer one has none."""
    inner = packet(135, "3a00000000000000").encode()
    outer = packet(41, inner)
    assert outer.faults == ()
    assert isinstance(outer.upper, Packet)
    assert outer.upper.faults == (Fault(80, "payload proto", "59", "58"),)


def test_a_fragment_is_not_looked_into() -> None:
    """A piece is kept as bytes, the first one too; a packet whole behind the header is decoded."""
    for header, known in [("3a00000100000001", False), ("3a00000800000001", False), ("3a00000600000001", True)]:
        decoded = packet(44, bytes.fromhex(header) + PING)
        (fragment,) = decoded.headers
        assert isinstance(fragment, FragmentHeader)
        assert fragment.is_piece != known
        assert isinstance(decoded.upper, Icmpv6) == known


def test_an_encrypted_payload() -> None:
    """It is recognised and not looked into."""
    assert packet(50, "0000000100000002aabb").upper == Esp(1, 2, b"\xaa\xbb")


def test_a_fault_says_itself() -> None:
    """In one line."""
    assert str(Fault(3, "reserved", "0", "7")) == "reserved at offset 3: expected 0, found 7"
