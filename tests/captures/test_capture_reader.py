"""Captures of both formats: byte orders, units, interfaces, kinds of blocks, and streams that come in pieces."""

import struct

import pytest
from capture_samples import (
    ENHANCED,
    ETHERNET_FRAME,
    NAMES,
    PACKET,
    SECONDS,
    TIME_NS,
    Pcapng,
    broken,
    dripping,
    pcap,
    read,
)

from mipsh.captures.reader import Reader

NAME, RESOLUTION, OFFSET, FLAGS, DROPPED = 2, 9, 14, 2, 4


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "scale"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_pcap_in_both_orders_and_units(order: str, magic: int, scale: int) -> None:
    """Microseconds are less exact."""
    rest = TIME_NS % 10**9 // scale
    (frame,) = read(pcap([(SECONDS, rest, ETHERNET_FRAME, len(ETHERNET_FRAME))], order, magic))
    assert frame.time_ns == SECONDS * 10**9 + rest * scale
    assert (frame.data, frame.link_type, frame.ipv6) == (ETHERNET_FRAME, 1, PACKET)
    assert not frame.is_cut


def test_the_bits_above_a_link_type_are_none_of_it() -> None:
    """They tell of frame check sequences."""
    (frame,) = read(pcap([(1, 2, b"x", 1)], link=0x3000_0001))
    assert frame.link_type == 1


def test_snapped_frames_are_counted() -> None:
    """A frame is as long as it was on the link; a length that is shorter than what is there is none."""
    reader = Reader(dripping(pcap([(1, 2, bytes(60), 1500), (1, 3, bytes(60), 10)]), 1 << 20))
    cut, odd = list(reader.frames())
    assert (cut.length, cut.is_cut, odd.length, odd.is_cut) == (1500, True, 60, False)
    assert (reader.packets, reader.cut, reader.format) == (2, 1, "pcap")


@pytest.mark.parametrize("order", ["<", ">"])
def test_pcapng_with_several_interfaces(order: str) -> None:
    """Each has a name, a link type and a unit of time of its own."""
    made = Pcapng(order)
    made.interface(1, (NAME, b"eth0"), (RESOLUTION, b"\x09")).interface(101, (NAME, b"mip0")).interface(1)
    made.packet(ETHERNET_FRAME, TIME_NS, 0).packet(PACKET, TIME_NS // 1000, 1).packet(b"odd", TIME_NS // 1000, 2)
    first, second, third = read(made.data)
    assert (first.interface, first.time_ns, first.link_type) == ("eth0", TIME_NS, 1)
    assert (second.interface, second.time_ns, second.link_type) == ("mip0", TIME_NS // 1000 * 1000, 101)
    assert (third.interface, third.data, third.ipv6) == ("", b"odd", None)


@pytest.mark.parametrize(
    ("resolution", "units", "time_ns"),
    [
        (0, 7, 7 * 10**9),
        (3, 7001, 7_001_000_000),
        (12, 7_000_000_001_999, 7_000_000_001),
        (0x80 | 10, 1536, 1_500_000_000),
        (0x7F, 5, 0),
        (0xFF, 1 << 63, 0),
    ],
)
def test_units_of_time(resolution: int, units: int, time_ns: int) -> None:
    """Powers of ten and of two."""
    (frame,) = read(Pcapng().interface(1, (RESOLUTION, bytes((resolution,)))).packet(b"", units).data)
    assert frame.time_ns == time_ns


def test_an_offset_and_times_that_cannot_be() -> None:
    """A time that no clock shows is none."""
    made = Pcapng().interface(1, (OFFSET, struct.pack("<q", -10))).interface(1, (RESOLUTION, b"\x00"))
    first, second = read(made.packet(b"", 12_000_000).packet(b"", 1 << 60, 1).data)
    assert (first.time_ns, second.time_ns) == (2_000_000_000, None)


def test_the_other_kinds_of_packets() -> None:
    """A simple one says neither its time nor its interface, and is cut at the first one's snapshot length."""
    made = Pcapng().interface(101, (NAME, b"a"), snapshot=50).interface(101, (NAME, b"b"))
    simple, older = read(made.simple(bytes(50), 400).obsolete(PACKET, TIME_NS // 1000, 1).data)
    assert (simple.time_ns, simple.interface, simple.length, len(simple.data)) == (None, "a", 400, 50)
    assert (older.interface, older.ipv6, older.time_ns) == ("b", PACKET, TIME_NS // 1000 * 1000)


@pytest.mark.parametrize(("word", "outgoing"), [(0, None), (1, False), (2, True), (3, None)])
def test_directions(word: int, outgoing: bool | None) -> None:
    """In and out as the flags of a packet say."""
    (frame,) = read(Pcapng().interface().packet(b"x", 1, 0, (1, b"a comment"), (FLAGS, struct.pack("<I", word))).data)
    assert (frame.outgoing, frame.is_outgoing) == (outgoing, outgoing)


def test_what_the_capture_lost_is_counted() -> None:
    """By its packets or by its statistics, whichever says more: they may count the same."""
    made = Pcapng().interface().packet(b"x", 1, 0, (DROPPED, struct.pack("<Q", 3))).obsolete(b"x", 1, 0, 4)
    reader = Reader(dripping(made.data, 99))
    assert len(list(reader.frames())) == 2
    assert reader.dropped == 7
    made.block(5, struct.pack("<III", 0, 0, 0) + made.options((5, struct.pack("<Q", 9)), (7, struct.pack("<Q", 2))))
    made.section().interface()
    made.block(5, struct.pack("<III", 0, 0, 0) + made.options((5, struct.pack("<Q", 1))))
    reader = Reader(dripping(made.data, 99))
    assert len(list(reader.frames())) == 2
    assert reader.dropped == 10


def test_each_section_has_its_own_interfaces_and_order() -> None:
    """Interface 0 of the second one is another."""
    made = Pcapng("<").interface(1, (NAME, b"first")).packet(b"x", 1)
    made.section(">").interface(101, (NAME, b"second")).packet(PACKET, 2)
    first, second = read(made.data)
    assert (first.interface, second.interface, second.ipv6) == ("first", "second", PACKET)
    count, fault = broken(Pcapng().interface().packet(b"", 1).section().packet(b"", 1).data)
    assert (count, fault.field, fault.expected, fault.found) == (1, "interface", "one of 0 described", "0")


def test_unknown_blocks_are_skipped_however_long_they_are() -> None:
    """One that is longer than what is kept is passed over as it comes."""
    made = Pcapng().interface().block(NAMES, bytes(8)).block(0x0BAD, bytes(3 << 20)).packet(PACKET, 1)
    assert [frame.data for frame in read(made.data)] == [PACKET]
    assert [frame.data for frame in read(made.data, 4096)] == [PACKET]
    count, fault = broken(made.data[: 2 << 20])
    assert (count, fault.field, fault.expected) == (0, "block", f"{(3 << 20) + 12} bytes")


@pytest.mark.parametrize("most", [1, 3, 16, 100])
def test_a_pipe_gives_few_bytes_at_a_time(most: int) -> None:
    """The frames are the same, and each is there as soon as its last byte is."""
    frames = [(SECONDS, number, ETHERNET_FRAME[: 20 + number], 90) for number in range(20)]
    assert read(pcap(frames), most) == read(pcap(frames))
    made = Pcapng().interface(1, (NAME, b"eth0"))
    for number in range(20):
        made.packet(ETHERNET_FRAME[: 20 + number], number)
    assert read(made.data, most) == read(made.data)


def test_a_frame_is_there_as_soon_as_its_bytes_are() -> None:
    """Nothing more is read before it is given out."""
    data = pcap([(SECONDS, 0, PACKET, 99)]) + struct.pack("<II", 1, 2)
    asked: list[int] = []

    def give(size: int) -> bytes:
        asked.append(size)
        return data if len(asked) == 1 else b""

    frames = Reader(give).frames()
    assert next(frames).data == PACKET
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("data", "field", "found"),
    [
        (b"", "magic number", "nothing"),
        (b"\xa1", "magic number", "a1"),
        (b"GET / HTTP", "magic number", "47455420"),
        (b"\x1f\x8b\x08\x00", "magic number", "gzip, to be unpacked first"),
        (pcap([])[:23], "file header", "23"),
        (struct.pack("<IHHiIII", 0xA1B2C3D4, 3, 0, 0, 0, 0, 1), "major version", "3"),
        (pcap([]) + bytes(15), "record header", "15"),
        (pcap([]) + struct.pack("<IIII", 1, 2, 5, 5) + bytes(4), "captured length", "5"),
        (pcap([]) + struct.pack("<IIII", 1, 2, 1 << 21, 5), "captured length", str(1 << 21)),
        (Pcapng().data[:20], "block length", "28"),
        (Pcapng().data[:8], "block", "8"),
        (Pcapng().data[:8] + b"abcd" + Pcapng().data[12:], "byte-order magic", "61626364"),
        (Pcapng().data + struct.pack("<III", 6, 8, 8), "block length", "8"),
        (Pcapng().data + struct.pack("<III", 6, 33, 8), "block length", "33"),
        (Pcapng().data + struct.pack("<III", 6, 1 << 30, 8), "block length", str(1 << 30)),
        (Pcapng().interface().data[:-4] + bytes(4), "block length at its end", "0"),
        (Pcapng().simple(b"x").data, "interface", "none"),
        (Pcapng().interface().packet(b"x", 1, 7).data, "interface", "7"),
        (
            Pcapng().interface(1, (NAME, b"e")).data[:-14] + b"\x40\0" + bytes(8) + struct.pack("<I", 32),
            "option length",
            "64",
        ),
        (
            Pcapng().interface().block(ENHANCED, struct.pack("<IIIII", 0, 0, 0, 9, 9) + bytes(8)).data,
            "captured length",
            "9",
        ),
        (Pcapng().block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 9, 0, -1)).data, "major version", "9"),
    ],
)
def test_what_is_wrong_is_said(data: bytes, field: str, found: str) -> None:
    """The field, and what was found there."""
    _, fault = broken(data)
    assert (fault.field, fault.found) == (field, found)


def test_the_place_of_a_fault_counts_from_the_beginning() -> None:
    """Not from what happens to be kept."""
    whole = pcap([(SECONDS, 0, ETHERNET_FRAME, 90)] * 10_000)
    count, fault = broken(whole + struct.pack("<IIII", 1, 2, 100, 100))
    assert (count, fault.offset) == (10_000, len(whole) + 8)


def test_interfaces_without_end_are_refused() -> None:
    """They would have to be kept."""
    made = Pcapng()
    endless = Pcapng().interface().data[len(made.data) :] * 5000
    count, fault = broken(made.data + endless)
    assert (count, fault.field, fault.expected) == (0, "interfaces", "at most 4096")
