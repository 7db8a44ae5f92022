"""Packets put together from fragments: any order, no overlap, bounded memory (RFC 8200 section 4.5, RFC 5722)."""

from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipsh.mobility.reassembly import MOST_PACKETS, MOST_PIECES, REASSEMBLY_TIMEOUT_S, Reassembly
from mipsh.wire.extension import DestinationOptions, FragmentHeader
from mipsh.wire.packet import Packet, Payload
from mipsh.wire.tlv import PadN

UNHURRIED = settings(deadline=None)
SOURCE, DESTINATION = bytes(15) + b"\x01", bytes(15) + b"\x02"
UDP = 17
BEFORE = DestinationOptions((PadN(bytes(4)),))


def piece(at: int, data: bytes, more: bool, identification: int = 1) -> Packet:
    """Return the fragment that begins at a byte."""
    headers = (BEFORE, FragmentHeader(at // 8, more, identification))
    return Packet(SOURCE, DESTINATION, Payload(UDP, data), headers)


def cut(data: bytes, sizes: list[int]) -> list[Packet]:
    """Cut bytes into fragments of so many units of 8 bytes, the rest in the last."""
    pieces, at = [], 0
    for size in sizes:
        if at + size * 8 < len(data):
            pieces.append(piece(at, data[at : at + size * 8], True))
            at += size * 8
    return [*pieces, piece(at, data[at:], False)]


@UNHURRIED
@given(st.binary(min_size=1, max_size=400), st.lists(st.integers(1, 10), max_size=10), st.randoms())
def test_a_packet_is_whole_when_its_last_fragment_came(data: bytes, sizes: list[int], order: Random) -> None:
    """In any order, some of them twice."""
    reassembly = Reassembly()
    pieces = cut(data, sizes)
    order.shuffle(pieces)
    for fragment in pieces[:-1]:
        assert reassembly.add(fragment, 0.0) is None
        assert reassembly.add(fragment, 0.0) is None
    whole = reassembly.add(pieces[-1], 0.0)
    assert whole == Packet(SOURCE, DESTINATION, Payload(UDP, data), (BEFORE,))
    assert len(reassembly) == 0
    assert reassembly.next_deadline() is None


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(0, bytes(16), True), piece(8, bytes(16), True)],
        [piece(8, bytes(16), True), piece(0, bytes(16), True)],
        [piece(0, bytes(16), True), piece(0, b"x" * 16, True)],
        [piece(0, bytes(16), True), piece(0, bytes(8), False)],
        [piece(16, bytes(8), False), piece(24, bytes(8), True)],
        [piece(16, bytes(8), False), piece(24, bytes(8), False)],
        [piece(16, bytes(8), True), piece(0, bytes(8), False)],
        [piece(0, bytes(7), True)],
        [piece(0, b"", True)],
        [piece(65528, bytes(8), False)],
        [piece(8 * number, bytes(8), True) for number in range(1, MOST_PIECES + 2)],
    ],
)
def test_fragments_that_do_not_fit_end_the_packet(pieces: list[Packet]) -> None:
    """All of it is dropped, silently."""
    reassembly = Reassembly()
    assert [reassembly.add(fragment, 0.0) for fragment in pieces] == [None] * len(pieces)
    assert len(reassembly) == 0


def test_a_packet_that_would_be_too_large() -> None:
    """What is ahead of the fragment header counts too."""
    reassembly = Reassembly()
    assert reassembly.add(piece(0, bytes(65520), True), 0.0) is None
    assert reassembly.add(piece(65520, bytes(8), False), 0.0) is None
    assert len(reassembly) == 0


def test_what_is_not_a_fragment() -> None:
    """Is not taken."""
    inner = Packet(SOURCE, DESTINATION, Payload(UDP, b""))
    whole = Packet(SOURCE, DESTINATION, inner.upper, (BEFORE,))
    tunnelled = Packet(SOURCE, DESTINATION, inner, (BEFORE, FragmentHeader(0, True, 1)))
    for packet in (whole, tunnelled):
        assert Reassembly().add(packet, 0.0) is None


def test_a_fragment_that_comes_twice_is_taken_once() -> None:
    """An exact copy does no harm, as links may double a packet."""
    reassembly = Reassembly()
    assert [reassembly.add(piece(0, bytes(8), True), 0.0) for _ in range(2)] == [None, None]
    assert reassembly.add(piece(8, b"end", False), 0.0) is not None


def test_what_does_not_come_in_time_is_given_up() -> None:
    """Sixty seconds after the first fragment came."""
    reassembly = Reassembly()
    reassembly.add(piece(0, bytes(8), True), 5.0)
    reassembly.add(piece(16, bytes(8), True), 50.0)
    assert reassembly.next_deadline() == 5.0 + REASSEMBLY_TIMEOUT_S
    reassembly.advance(64.9)
    assert len(reassembly) == 1
    reassembly.advance(65.0)
    assert len(reassembly) == 0


def test_the_oldest_goes_when_there_are_too_many() -> None:
    """A flood of first fragments takes bounded memory."""
    reassembly = Reassembly()
    for number in range(10 * MOST_PACKETS):
        reassembly.add(piece(0, bytes(8), True, number), 0.0)
    assert len(reassembly) == MOST_PACKETS
    assert reassembly.add(piece(8, bytes(8), False, 10 * MOST_PACKETS - 1), 0.0) is not None
    assert reassembly.add(piece(8, bytes(8), False, 1), 0.0) is None
