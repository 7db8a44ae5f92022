"""Captures that are damaged, cut or made up: all that could be read comes first, and then nothing but Malformed."""

import tracemalloc
from itertools import islice

from capture_samples import ENHANCED, ETHERNET_FRAME, PACKET, SECONDS, TIME_NS, Pcapng, dripping, pcap, read
from hypothesis import given
from hypothesis import strategies as st

from mipsh.captures.frames import Frame
from mipsh.captures.mobility import find
from mipsh.captures.reader import Reader
from mipsh.captures.source import CHUNK, LONGEST, Malformed

ORIGINALS = (
    pcap([(SECONDS, number, ETHERNET_FRAME, 90) for number in range(6)]),
    pcap([(SECONDS, 0, PACKET, 90), (SECONDS, 1, b"", 0)], ">", 0xA1B2C3D4, 229),
    Pcapng()
    .interface(1, (2, b"eth0"), (9, b"\x09"))
    .packet(ETHERNET_FRAME, TIME_NS, 0, (2, b"\1\0\0\0"))
    .simple(PACKET)
    .data,
    Pcapng(">").interface(276).obsolete(ETHERNET_FRAME, 1).block(0xBAD, b"abcd").block(5, bytes(12)).section("<").data,
)
MOST_KEPT = 2 * (LONGEST + CHUNK) + (1 << 20)


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """Return a capture with bytes changed, put in, cut out, or cut off."""
    data = bytearray(draw(st.sampled_from(ORIGINALS)))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        match draw(st.sampled_from(("change", "change", "word", "put in", "cut out", "cut off"))):
            case "change":
                data[at : at + 1] = draw(st.binary(min_size=1, max_size=1))
            case "word":
                at -= at % 4
                data[at : at + 4] = draw(
                    st.sampled_from((b"\xff\xff\xff\xff", bytes(4), b"\x0c\0\0\0", b"\xfc\xff\xff\x7f"))
                )
            case "put in":
                data[at:at] = draw(st.binary(max_size=40))
            case "cut out":
                del data[at : at + draw(st.integers(1, 40))]
            case _:
                del data[at:]
    return bytes(data)


def outcome(data: bytes, most: int) -> tuple[list[Frame], str]:
    """Return the frames that could be read, and what was said at the end."""
    frames = []
    try:
        for frame in Reader(dripping(data, most)).frames():
            frames.append(frame)
            assert len(frame.data) <= frame.length
            assert frame.ipv6 is None or frame.data.endswith(frame.ipv6)
            assert isinstance(frame.place, str)
            assert frame.is_outgoing in (None, False, True)
    except Malformed as error:
        assert 0 <= error.fault.offset <= len(data)
        assert error.fault.expected
        assert error.fault.found
        return frames, str(error)
    return frames, ""


@given(damaged() | st.binary(max_size=300), st.integers(1, 300))
def test_nothing_but_malformed_is_raised(data: bytes, most: int) -> None:
    """And it does not depend on the pieces in which the bytes come."""
    whole = outcome(data, 1 << 20)
    assert outcome(data, most)[0] == whole[0]
    assert bool(outcome(data, most)[1]) == bool(whole[1])


@given(damaged())
def test_only_wanted_frames_are_looked_into(data: bytes) -> None:
    """The same captures, with the look for mobility."""
    try:
        for frame in Reader(dripping(data, 1 << 20)).frames(find):
            assert frame.ipv6 is not None
    except Malformed as error:
        assert error.fault.field


@given(st.sampled_from(ORIGINALS), st.integers(0, 400))
def test_all_frames_before_the_end_are_given_out(data: bytes, end: int) -> None:
    """A capture that is cut off has those that were whole by then."""
    frames = outcome(data[:end], 1 << 20)[0]
    assert frames == read(data)[: len(frames)]


class Endless:
    """A stream that never ends: a beginning, then the same piece again and again."""

    def __init__(self, beginning: bytes, piece: bytes) -> None:
        self._first, self._piece = beginning, piece * (CHUNK // len(piece) + 1)
        self.given = 0

    def read(self, size: int) -> bytes:
        """Return the next bytes."""
        part = self._first or self._piece
        self._first = b""
        self.given += len(part)
        if self.given > 1 << 26:
            return b""
        return part[: max(size, len(part))]


def kept(beginning: bytes, piece: bytes, most: int) -> int:
    """Return how much memory is in use at most while frames are read from a stream without an end."""
    tracemalloc.start()
    try:
        frames = Reader(Endless(beginning, piece).read).frames()
        for _ in islice(frames, most):
            continue
    except Malformed:
        return tracemalloc.get_traced_memory()[1]
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    return peak


def test_memory_is_bounded() -> None:
    """By a block: of packets without end, of a block without end, of a length that lies."""
    record = pcap([(SECONDS, 0, ETHERNET_FRAME, 90)])[24:]
    assert kept(pcap([]), record, 100_000) < MOST_KEPT
    made = Pcapng().interface()
    packet = Pcapng().interface().packet(PACKET, 1).data[len(made.data) :]
    assert kept(made.data, packet, 100_000) < MOST_KEPT
    assert kept(made.data + b"\xad\x0b\0\0\xfc\xff\xff\xff", bytes(4), 1) < MOST_KEPT
    assert kept(made.data + ENHANCED.to_bytes(4, "little") + b"\xfc\xff\xff\x7f", bytes(4), 1) < MOST_KEPT
