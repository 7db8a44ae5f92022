"""All that is wrong with a packet is said, at its place; and what cannot be told is not held against it."""

import re
from collections.abc import Mapping

import pytest
from msgspec.structs import replace
from wire_samples import AGENT, BUILT, CARE_OF, CORRESPONDENT, FROM_HOME, HOME, PING, TO_HOME, control, whole
from wire_vectors import Vector, named, of_kind

from mipsh.wire.extension import (
    DestinationOptions,
    FragmentHeader,
    Header,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    carrying,
)
from mipsh.wire.fault import Fault
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.mobility import AuthorizationData, BindingUpdate, MobilityHeader, NonceIndices
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload
from mipsh.wire.tlv import PadN
from mipsh.wire.verify import problems

NAMES = {"AltCoA": "Alternate Care-of Address", "BindingAuthData": "Binding Authorization Data"}

ISSUES = {
    r"payload length (?P<found>\d+), data (?P<room>\d+)": "payload length",
    r"bad checksum \(computed (?P<expected>0x\w+)\)": "MH checksum",
    r"upper-layer checksum mismatch .* \(computed (?P<expected>0x\w+)\)": "(ICMPv6|TCP|UDP) checksum",
    r"reserved octet non-zero \(must be ignored\)": "MH reserved",
    r"payload proto (?P<found>\d+) != (?P<expected>59) .*": "payload proto",
    r"option (?P<name>\w+) misaligned \(offset (?P<found>\d+)\)": "{name} alignment",
    r"(?P<name>BindingAuthData) is not the last option": "{name}",
    r"8 octets follow the mobility header": "end of the mobility header",
    r"header length (?P<found>0) below minimum 1 for \w+ .*": "header length",
    r"truncated message body": "header length",
    r"HAO length (?P<found>1) != (?P<expected>16)": "Home Address length",
    r"unrecognised MH type (?P<found>255) .*": "MH type",
    r"RH2 hdr ext len (?P<found>4) != (?P<expected>2)": "type 2 routing header length",
    r"RH2 segments left (?P<found>0) != (?P<expected>1)": "segments left",
}
"""What a vector says is wrong, and the field of the fault that says the same."""

FORMAT_OK_BUT_NAMED = {
    "derived-HoTI-reserved": "a receiver ignores the reserved byte, so the vector counts it as no error; it is named",
}
MORE: Mapping[str, tuple[str, str]] = {
    "zeek-mobility-dst-opts-1": ("option type 202 length", "the vector does not look at options other than 201"),
    "zeek-mobility-dst-opts-3": ("option type 1 length", "behind the wrong length, the address is read as options"),
    "tcpdump-icmp6_mobileprefix_asan-1": ("ICMPv6 type 147", "2 bytes are too few for the message's fields"),
}
"""Vectors with a fault that they do not name: its field, and why it is one."""
OVERRUN = "zeek-mobility-dst-opts-2"
"""By its payload length the packet ends within the options: they are not read, so nothing is said of them."""

WIDTHS = {
    "payload length": 2,
    "MH checksum": 2,
    "ICMPv6 checksum": 2,
    "TCP checksum": 2,
    "UDP checksum": 2,
    "UDP length": 2,
    "payload proto": 1,
    "MH reserved": 1,
    "MH type": 1,
    "header length": 1,
    "segments left": 1,
    "type 2 routing header length": 1,
    "Home Address length": 1,
}
"""Fields whose value is found in so many bytes at the offset of a fault."""


def ids(vector: Vector) -> str:
    """Name a test by its vector."""
    return vector.name


def says(issue: str, fault: Fault) -> bool:
    """Tell whether a fault says what a vector says, with the same numbers."""
    for pattern, field in ISSUES.items():
        match = re.fullmatch(pattern, issue)
        if match is not None:
            told = match.groupdict()
            name = told.get("name") or ""
            return bool(
                re.fullmatch(field.format(name=NAMES.get(name)), fault.field)
                and told.get("found") in (None, fault.found)
                and told.get("expected") in (None, fault.expected)
                and (told.get("room") is None or fault.expected == f"at most {told['room']}")
            )
    raise ValueError(f"no such issue: {issue}")


@pytest.mark.parametrize("vector", of_kind("ipv6"), ids=ids)
def test_a_vector_has_problems_when_its_format_is_wrong(vector: Vector) -> None:
    """Problems are found where a vector says that the format is wrong, and only there."""
    found = bool(problems(whole(vector.data)))
    if vector.name in FORMAT_OK_BUT_NAMED:
        assert found and vector.format_ok and vector.issues
    else:
        assert found == (not vector.format_ok)


@pytest.mark.parametrize("vector", [v for v in of_kind("ipv6") if v.issues and v.name != OVERRUN], ids=ids)
def test_the_problems_are_those_that_a_vector_names(vector: Vector) -> None:
    """Every issue has its fault, every fault its issue, with the same numbers."""
    faults = problems(whole(vector.data))
    for issue in vector.issues:
        assert any(says(issue, fault) for fault in faults), issue
    more, _ = MORE.get(vector.name, ("", ""))
    unnamed = [f.field for f in faults if not any(says(issue, f) for issue in vector.issues)]
    assert unnamed == [more] * bool(more)


def test_the_vector_that_overruns_its_packet() -> None:
    """The header's length is at fault, and the options in it stay bytes."""
    packet = whole(named(OVERRUN).data)
    assert problems(packet) == (Fault(41, "extension header 60 length", "at most 3", "4"),)
    assert packet.headers == ()


@pytest.mark.parametrize("vector", of_kind("ipv6"), ids=ids)
def test_what_was_found_is_at_the_offset(vector: Vector) -> None:
    """The bytes at the offset of a fault are what it says was found."""
    for fault in problems(whole(vector.data)):
        if fault.field in WIDTHS:
            found = vector.data[fault.offset : fault.offset + WIDTHS[fault.field]]
            assert int(fault.found, 0) == int.from_bytes(found)


@pytest.mark.parametrize("vector", of_kind("ipv6"), ids=ids)
def test_problems_of_a_packet_in_a_tunnel(vector: Vector) -> None:
    """In a tunnel a packet has the same problems, further back, whether or not that was asked from the outside."""
    alone = problems(whole(vector.data))
    headers: tuple[Header, ...] = (TO_HOME, DestinationOptions((PadN(bytes(12)),)))
    data = Packet(CORRESPONDENT, CARE_OF, Payload(41, vector.data), headers).encode()
    tunnel = whole(data)
    start = len(data) - len(vector.data)
    shifted = tuple(replace(fault, offset=fault.offset + start) for fault in alone)
    assert problems(tunnel) == shifted
    assert isinstance(tunnel.upper, Packet)
    assert problems(tunnel.upper, start) == shifted


@pytest.mark.parametrize("vector", of_kind("mh"), ids=ids)
def test_alignment_in_vectors_of_mobility_options(vector: Vector) -> None:
    """Scapy pads options into place: but for the checksum nothing is wrong where the vector says so."""
    data = Packet(CARE_OF, CORRESPONDENT, Payload(135, vector.data)).encode()
    faults = [fault for fault in problems(whole(data)) if fault.field != "MH checksum"]
    assert bool(faults) == (not vector.format_ok)


def faulty(packet: Packet) -> list[tuple[int, str]]:
    """Return where a packet has faults, and in which fields, once it was encoded and decoded."""
    decoded = whole(packet.encode())
    assert problems(decoded) == problems(replace(packet, faults=decoded.faults))
    return [(fault.offset, fault.field) for fault in problems(decoded)]


def test_two_home_address_options() -> None:
    """The second one is one too many, in the same header or in another."""
    together = control(PING, carrying(HomeAddress(HOME), HomeAddress(AGENT)))
    apart = control(PING, FROM_HOME, FROM_HOME)
    assert faulty(together) == [(70, "Home Address options")]
    assert faulty(apart) == [(70, "Home Address options")]


def test_a_misaligned_home_address_option() -> None:
    """A Home Address option stands at 8n+6, counted from its header."""
    header = DestinationOptions((HomeAddress(HOME), PadN(bytes(2))))
    assert faulty(control(PING, header)) == [(42, "Home Address alignment")]


@pytest.mark.parametrize(
    ("headers", "offset"),
    [
        ((HopByHopOptions(FROM_HOME.options),), 46),
        ((FROM_HOME, TO_HOME), 46),
        ((FROM_HOME, RoutingHeader(4, 0, bytes(4) + AGENT)), 46),
        ((FragmentHeader(0, False, 1), FROM_HOME), 54),
    ],
)
def test_a_home_address_option_in_the_wrong_header(headers: tuple[Header, ...], offset: int) -> None:
    """It is a destination option, behind the routing header and before the fragment header."""
    assert faulty(control(PING, *headers)) == [(offset, "Home Address")]


def test_authorization_data_before_another_option() -> None:
    """The offset is that of the option, not of what is behind it."""
    options = (PadN(bytes(4)), AuthorizationData(bytes(12)), NonceIndices(1, 2), PadN())
    packet = Packet(CARE_OF, CORRESPONDENT, MobilityHeader(BindingUpdate(1, 0, 1, options)))
    assert faulty(packet) == [(40 + 18, "Binding Authorization Data")]


def transport(protocol: int, data: bytes, *headers: Header) -> Packet:
    """Return a packet with a payload."""
    return Packet(CARE_OF, CORRESPONDENT, Payload(protocol, data), headers)


def right(packet: Packet, place: int) -> Packet:
    """Return a packet whose payload has the checksum that was expected of it, at its place."""
    (fault,) = problems(packet)
    assert isinstance(packet.upper, Payload)
    data, value = packet.upper.data, int(fault.expected, 16).to_bytes(2)
    return replace(packet, upper=replace(packet.upper, data=data[:place] + value + data[place + 2 :]))


TCP_SEGMENT, UDP_DATAGRAM = bytes(range(24)), bytes.fromhex("0001000200090000ff")


@pytest.mark.parametrize("headers", [(), (FROM_HOME,), (TO_HOME,), (TO_HOME, FROM_HOME)])
@pytest.mark.parametrize(("protocol", "data", "place"), [(6, TCP_SEGMENT, 16), (17, UDP_DATAGRAM, 6)])
def test_transport_checksums(protocol: int, data: bytes, place: int, headers: tuple[Header, ...]) -> None:
    """A checksum that is wrong is named with the right one; with that one nothing is wrong."""
    wrong = transport(protocol, data, *headers)
    start = HEADER_SIZE + 24 * len(headers)
    name = {6: "TCP", 17: "UDP"}[protocol]
    assert faulty(wrong) == [(start + place, f"{name} checksum")]
    assert problems(right(wrong, place)) == ()


def test_bytes_behind_a_udp_datagram_are_not_covered() -> None:
    """A datagram's own length says what its checksum covers."""
    packet = right(transport(17, UDP_DATAGRAM), 6)
    assert isinstance(packet.upper, Payload)
    longer = replace(packet, upper=replace(packet.upper, data=packet.upper.data + b"behind"))
    assert faulty(longer) == []


def test_a_udp_checksum_of_zero_is_sent_as_all_ones() -> None:
    """Where the sum comes out as zero, all ones are expected: zero means none, which IPv6 does not allow."""
    packet = transport(17, bytes.fromhex("0001000200080000"))
    (fault,) = problems(packet)
    missing = (int(fault.expected, 16) + 1).to_bytes(2)
    summed_to_zero = transport(17, missing + bytes.fromhex("000200080000"))
    (fault,) = problems(summed_to_zero)
    assert (fault.expected, fault.found) == ("0xffff", "0x0000")
    assert problems(right(summed_to_zero, 6)) == ()


def test_a_checksum_of_all_ones_is_a_checksum_of_zero() -> None:
    """Outside UDP either is right where the sum comes out as zero."""
    (fault,) = problems(control_with_checksum(EchoRequest(0, 0), 0))
    summed_to_zero = EchoRequest(int(fault.expected, 16), 0)
    for value in (0, 0xFFFF):
        assert problems(control_with_checksum(summed_to_zero, value)) == ()
    assert [f.expected for f in problems(control_with_checksum(summed_to_zero, 1))] == ["0x0000"]


def control_with_checksum(message: EchoRequest, value: int) -> Packet:
    """Return an ICMPv6 message with a checksum of one's choice."""
    return replace(control(message), upper=Icmpv6(message, value))


@pytest.mark.parametrize(
    ("protocol", "data", "fault"),
    [
        (6, TCP_SEGMENT[:19], (40, "TCP header")),
        (17, UDP_DATAGRAM[:7], (40, "UDP header")),
        (17, bytes.fromhex("0001000200070000ff"), (44, "UDP length")),
        (17, bytes.fromhex("00010002000a0000ff"), (44, "UDP length")),
    ],
)
def test_transport_headers_that_are_not_whole(protocol: int, data: bytes, fault: tuple[int, str]) -> None:
    """Then the header is at fault, and nothing is said of the checksum."""
    assert faulty(transport(protocol, data)) == [fault]


@pytest.mark.parametrize(
    "header",
    [
        FragmentHeader(0, True, 1),
        FragmentHeader(1, False, 1),
        RoutingHeader(4, 1, bytes(4) + AGENT),
    ],
)
def test_checksums_that_cannot_be_told(header: Header) -> None:
    """A fragment has no checksum of its own, and a routing header that is not understood hides an address."""
    assert faulty(transport(6, TCP_SEGMENT, header)) == []


@pytest.mark.parametrize("header", [FragmentHeader(0, False, 1), RoutingHeader(4, 0, bytes(4) + AGENT)])
def test_checksums_that_can_be_told_all_the_same(header: Header) -> None:
    """A packet that is whole behind its fragment header, and one that arrived."""
    start = HEADER_SIZE + len(header.encode(0))
    assert faulty(transport(6, TCP_SEGMENT, header)) == [(start + 16, "TCP checksum")]


def test_a_checksum_of_a_packet_that_was_cut_short() -> None:
    """What a capture did not keep cannot be summed up; a payload length that was only written out can."""
    data = BUILT["binding update"].encode()
    assert [fault.field for fault in problems(whole(data[:-8] + bytes(8)))] == ["MH checksum"]
    shorter = control(PING).encode()[:-1]
    assert [fault.field for fault in problems(whole(shorter))] == ["payload length"]
    stated = replace(transport(6, TCP_SEGMENT), payload_length=len(TCP_SEGMENT))
    assert [fault.field for fault in problems(stated)] == ["TCP checksum"]


def test_problems_come_in_the_order_of_the_bytes() -> None:
    """Whether decoding or verifying found them."""
    offsets = [fault.offset for fault in problems(whole(named("derived-neg-BU-hdrlen0").data))]
    assert len(offsets) == 3
    assert offsets == sorted(offsets)
