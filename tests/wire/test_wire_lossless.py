"""Nothing raises and nothing is lost, whatever the bytes; and what is built is what is decoded."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from wire_samples import BUILT, slow_checksum, whole
from wire_strategies import UNHURRIED, packets, tampered
from wire_vectors import Vector, of_kind

from mipsh.wire.checksum import ICMPV6, MH
from mipsh.wire.extension import DECODERS, DestinationOptions
from mipsh.wire.fault import Fault, Undecodable
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import (
    DEEPEST,
    HEADER_SIZE,
    IPV6,
    LONGEST_CHAIN,
    NO_NEXT_HEADER,
    Packet,
    Payload,
    decode,
    why_undecodable,
)
from mipsh.wire.tlv import PadN
from mipsh.wire.verify import problems


def kept(data: bytes) -> None:
    """Decode bytes: they come back as they were, and every fault lies within them and says itself."""
    packet = decode(data)
    assert packet.encode() == data
    if isinstance(packet, Undecodable):
        assert str(why_undecodable(data))
        return
    for fault in problems(packet):
        assert 0 <= fault.offset <= len(data)
        assert str(fault)


@UNHURRIED
@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Bytes that are hardly ever a packet."""
    kept(data)


@given(st.sampled_from([*sorted(DECODERS), MH, ICMPV6, IPV6, 50, 6, 17]), st.binary(max_size=120))
@settings(UNHURRIED, max_examples=400)
def test_any_bytes_behind_a_header(number: int, data: bytes) -> None:
    """Bytes that are always taken for an extension header or a message."""
    fixed = bytes((0x60, 0, 0, 0)) + len(data).to_bytes(2) + bytes((number, 64)) + bytes(32)
    kept(fixed + data)


@given(tampered())
@settings(UNHURRIED, max_examples=600)
@example(b"")
def test_tampered_vectors(data: bytes) -> None:
    """Vectors with bytes changed, put in and cut out."""
    kept(data)


@pytest.mark.parametrize("vector", of_kind("ipv6"), ids=lambda vector: vector.name)
def test_vectors_cut_short(vector: Vector) -> None:
    """Every beginning of a vector, as it is and with a payload length that fits."""
    for end in range(len(vector.data)):
        data = vector.data[:end]
        kept(data)
        if end >= HEADER_SIZE:
            kept(data[:4] + (end - HEADER_SIZE).to_bytes(2) + data[6:])


def with_checksums(built: Packet, decoded: Packet) -> Packet:
    """Return a packet with the checksums that another one carries, which must be the right ones."""
    upper, carried = built.upper, decoded.upper
    addresses = built.covered_source, built.covered_destination
    if isinstance(upper, Packet):
        assert isinstance(carried, Packet)
        return replace(built, upper=with_checksums(upper, carried))
    if isinstance(upper, MobilityHeader):
        bare = replace(upper, checksum=0, trailer=b"").encode(*addresses)
        return replace(built, upper=replace(upper, checksum=slow_checksum(*addresses, MH, bare)))
    if isinstance(upper, Icmpv6):
        bare = replace(upper, checksum=0).encode(*addresses)
        return replace(built, upper=replace(upper, checksum=slow_checksum(*addresses, ICMPV6, bare)))
    return built


@given(packets)
@settings(UNHURRIED, max_examples=400)
def test_what_is_built_is_decoded(packet: Packet) -> None:
    """A packet with valid fields: the same structures come back, with right checksums."""
    data = packet.encode()
    decoded = whole(data)
    assert decoded.encode() == data
    assert without_faults(decoded) == with_checksums(packet, decoded)
    assert not [fault for fault in problems(decoded) if fault.field in ("MH checksum", "ICMPv6 checksum")]


def without_faults(packet: Packet) -> Packet:
    """Return a packet as if nothing were wrong with it."""
    upper = without_faults(packet.upper) if isinstance(packet.upper, Packet) else packet.upper
    return replace(packet, upper=upper, faults=())


@pytest.mark.parametrize("name", BUILT)
def test_samples_have_no_problems(name: str) -> None:
    """A packet of every kind: nothing is wrong with it, neither as it was built nor as it was decoded."""
    packet = BUILT[name]
    decoded = whole(packet.encode())
    assert decoded == with_checksums(packet, decoded)
    assert problems(packet) == problems(decoded) == ()


def test_a_tunnel_deeper_than_the_limit() -> None:
    """Packets in packets are decoded down to the limit; the next one is kept as bytes and named as a fault."""
    packet = Packet(bytes(16), bytes(16), Payload(NO_NEXT_HEADER, b"end"))
    for _ in range(DEEPEST + 3):
        packet = Packet(bytes(16), bytes(16), packet)
    data = packet.encode()
    kept(data)
    depth, level = 1, whole(data)
    while isinstance(level.upper, Packet):
        depth, level = depth + 1, level.upper
    assert depth == DEEPEST
    assert level.upper == Payload(IPV6, data[DEEPEST * HEADER_SIZE :])
    assert [fault.offset for fault in problems(whole(data))] == [DEEPEST * HEADER_SIZE]


@pytest.mark.parametrize("length", [LONGEST_CHAIN, LONGEST_CHAIN + 1, 180])
def test_a_long_chain_of_headers(length: int) -> None:
    """Headers are decoded up to the limit; what is behind them is kept as bytes and named as a fault."""
    empty = DestinationOptions((PadN(bytes(4)),))
    packet = BUILT["echo request"]
    data = replace(packet, headers=(empty,) * length).encode()
    kept(data)
    decoded = whole(data)
    assert len(decoded.headers) == min(length, LONGEST_CHAIN)
    if length == LONGEST_CHAIN:
        assert isinstance(decoded.upper, Icmpv6)
        assert decoded.faults == ()
    else:
        assert isinstance(decoded.upper, Payload)
        assert decoded.faults == (Fault(HEADER_SIZE + LONGEST_CHAIN * 8, "extension headers", "at most 32", "more"),)


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (bytes(39), Fault(0, "IPv6 header", "40 bytes", "39")),
        (b"\x45" + bytes(39), Fault(0, "version", "6", "4")),
    ],
)
def test_what_is_no_packet_at_all(data: bytes, fault: Fault) -> None:
    """Bytes without an IPv6 header stay bytes, and it is said why."""
    assert decode(data) == Undecodable(data)
    assert why_undecodable(data) == fault
