"""What a sender left to its network card is done as the card would have done it."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.linux.offload import GSO_ECN, GSO_NONE, GSO_TCP, GSO_UDP, NEEDS_CHECKSUM, Unfinished, finish, read
from mipsh.wire.address import parse
from mipsh.wire.checksum import TCP, UDP, checksum, ones_complement_sum, verifies
from mipsh.wire.extension import Header, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload, decode

HERE, THERE, HOME = parse("2001:db8::1"), parse("2001:db8::2"), parse("2001:db8:1::100")
EXTENSIONS: list[tuple[Header, ...]] = [(), (Type2RoutingHeader(HOME),), (carrying(HomeAddress(HOME)),)]
FIN, PSH, ACK, CWR = 0x01, 0x08, 0x10, 0x80
FIELD = {TCP: 16, UDP: 6}


def unfinished(
    protocol: int, body: bytes, headers: tuple[Header, ...] = (), *, flags: int = ACK, sequence: int = 0xFFFFFF00
) -> tuple[Packet, bytes, int]:
    """Return a packet without its checksum, its bytes with the sum that is left there, its upper layer's place."""
    if protocol == TCP:
        options = b"\x01" * 12
        head = struct.pack(">HHIIBBHHH", 1, 2, sequence, 3, 8 << 4, flags, 1000, 0, 0) + options
    else:
        head = struct.pack(">HHHH", 1, 2, 8 + len(body), 0)
    bare = Packet(HERE, THERE, Payload(protocol, head + body), headers)
    length = len(head + body)
    sum_ = ones_complement_sum(bare.covered_source + bare.covered_destination + struct.pack(">II", length, protocol))
    at = FIELD[protocol]
    upper = head[:at] + sum_.to_bytes(2) + head[at + 2 :] + body
    data = Packet(HERE, THERE, Payload(protocol, upper), headers).encode()
    return bare, data, len(data) - length


def left(protocol: int, start: int, segmentation: int = GSO_NONE, size: int = 0) -> Unfinished:
    """Return what is left to do with the upper layer at a place."""
    return Unfinished(True, segmentation, size, start, start + FIELD[protocol])


def upper(data: bytes) -> tuple[Packet, bytes]:
    """Return a packet and its upper layer's bytes."""
    packet = decode(data)
    assert isinstance(packet, Packet)
    assert isinstance(packet.upper, Payload)
    assert not packet.faults
    return packet, packet.upper.data


def is_right(data: bytes) -> bool:
    """Tell whether a packet's checksum covers what it must."""
    packet, data = upper(data)
    return verifies(packet.covered_source, packet.covered_destination, packet.protocol, data)


def test_a_header_is_read_with_places_from_the_beginning_of_the_packet() -> None:
    """It counts from the link-layer header."""
    header = struct.pack("=BBHHHH", NEEDS_CHECKSUM, GSO_TCP | GSO_ECN, 0, 1440, 54, 16)
    assert read(header, 14) == Unfinished(True, GSO_TCP, 1440, 40, 56)
    assert read(bytes(10), 14) == Unfinished(False, GSO_NONE, 0, -14, -14)


@pytest.mark.parametrize("headers", EXTENSIONS, ids=["plain", "routing header", "home address option"])
@pytest.mark.parametrize("protocol", [TCP, UDP])
@given(body=st.binary(max_size=50))
def test_a_checksum_is_completed(protocol: int, headers: tuple[Header, ...], body: bytes) -> None:
    """Whatever addresses it covers; nothing else changes."""
    bare, data, start = unfinished(protocol, body, headers)
    (finished,) = finish(data, left(protocol, start))
    assert is_right(finished)
    at = start + FIELD[protocol]
    assert finished[:at] + bytes(2) + finished[at + 2 :] == bare.encode()


def test_a_checksum_of_zero_is_written_as_ones() -> None:
    """UDP takes zero for none."""
    body = bytes(2)
    bare, data, start = unfinished(UDP, body)
    assert isinstance(bare.upper, Payload)
    rest = checksum(HERE, THERE, UDP, bare.upper.data)
    _, data, start = unfinished(UDP, rest.to_bytes(2))
    (finished,) = finish(data, left(UDP, start))
    assert finished[start + 6 : start + 8] == b"\xff\xff"
    assert is_right(finished)


def test_what_pads_a_frame_is_not_covered() -> None:
    """A short frame is padded on its way."""
    _, data, start = unfinished(UDP, b"a")
    (finished,) = finish(data + b"padding", left(UDP, start))
    packet = decode(finished)
    assert isinstance(packet, Packet)
    assert packet.trailer == b"padding"
    assert is_right(finished[: -len(b"padding")])


def test_nothing_left_to_do_changes_nothing() -> None:
    """The card checked it, or it was never a card's business."""
    _, data, start = unfinished(UDP, b"a")
    assert finish(data, Unfinished(False, GSO_NONE, 0, start, start + 6)) == [data]


@pytest.mark.parametrize("headers", EXTENSIONS, ids=["plain", "routing header", "home address option"])
@given(body=st.binary(min_size=1, max_size=400), size=st.integers(min_value=10, max_value=150))
def test_a_stream_is_cut_into_segments(headers: tuple[Header, ...], body: bytes, size: int) -> None:
    """Each has its place in the stream and a good checksum; together they are the whole."""
    _, data, start = unfinished(TCP, body, headers, flags=ACK | PSH | FIN | CWR)
    pieces = finish(data, left(TCP, start, GSO_TCP, size))
    uppers = [upper(piece) for piece in pieces]
    assert all(map(is_right, pieces))
    assert b"".join(segment[32:] for _, segment in uppers) == body
    assert all(len(segment) - 32 == size for _, segment in uppers[:-1])
    assert [packet.headers for packet, _ in uppers] == [headers] * len(pieces)
    sequences = [int.from_bytes(segment[4:8]) for _, segment in uppers]
    assert sequences == [(0xFFFFFF00 + n * size) % 2**32 for n in range(len(pieces))]


def test_flags_belong_to_the_first_or_the_last_segment() -> None:
    """CWR is said once, PSH and FIN when all is there."""
    _, data, start = unfinished(TCP, bytes(30), flags=ACK | PSH | FIN | CWR)
    pieces = finish(data, left(TCP, start, GSO_TCP, 10))
    assert [upper(piece)[1][13] for piece in pieces] == [ACK | CWR, ACK, ACK | PSH | FIN]


@given(body=st.binary(min_size=1, max_size=300), size=st.integers(min_value=10, max_value=150))
def test_datagrams_sent_at_once_are_separated(body: bytes, size: int) -> None:
    """Each says its own length."""
    _, data, start = unfinished(UDP, body)
    pieces = finish(data, left(UDP, start, GSO_UDP, size))
    assert all(map(is_right, pieces))
    datagrams = [upper(piece)[1] for piece in pieces]
    assert b"".join(datagram[8:] for datagram in datagrams) == body
    assert [int.from_bytes(datagram[4:6]) for datagram in datagrams] == [len(datagram) for datagram in datagrams]


@pytest.mark.parametrize(
    "wrong",
    [
        Unfinished(True, GSO_NONE, 0, 0, 16),
        Unfinished(True, GSO_NONE, 0, 40, 40),
        Unfinished(True, GSO_NONE, 0, 40, 10_000),
        Unfinished(True, GSO_TCP, 0, 40, 56),
        Unfinished(False, GSO_TCP, 100, 40, 56),
        Unfinished(True, GSO_TCP, 100, 230, 240),
        Unfinished(True, 1, 100, 40, 56),
        Unfinished(True, GSO_TCP, 1, 40, 56),
    ],
)
def test_what_cannot_be_is_dropped(wrong: Unfinished) -> None:
    """Places outside the packet, no size, another protocol's segmentation, too many segments."""
    _, data, start = unfinished(TCP, bytes(170))
    assert start == HEADER_SIZE
    assert finish(data, wrong) == []


def test_a_tcp_header_that_is_too_short_is_dropped() -> None:
    """Its length is at least 20 bytes."""
    _, data, start = unfinished(TCP, bytes(50))
    broken = data[: start + 12] + b"\x00" + data[start + 13 :]
    assert finish(broken, left(TCP, start, GSO_TCP, 10)) == []


@given(data=st.binary(max_size=200), header=st.binary(min_size=10, max_size=10))
def test_nothing_raises(data: bytes, header: bytes) -> None:
    """Whatever a header says of whatever bytes."""
    for piece in finish(data, read(header, 14)):
        assert len(piece) <= len(data)
