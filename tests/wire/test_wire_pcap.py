"""Capture files: whatever is written is read; any other is read, or refused with the place where it breaks off."""

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from wire_samples import BUILT, CAPTURE_NAMES, CAPTURES
from wire_strategies import UNHURRIED

from mipsh.wire import pcap

FRAMES = [(1_700_000_000_123_456_789, b"first"), (1_700_000_001_000_000_000, b""), (0, bytes(300))]
PACKET = BUILT["echo request"].encode()


@UNHURRIED
@given(
    st.sampled_from(sorted(pcap.LINKTYPES)),
    st.lists(st.tuples(st.integers(0, 2**32 * 10**9 - 1), st.binary(max_size=80))),
)
def test_what_is_written_is_read(linktype: int, frames: list[tuple[int, bytes]]) -> None:
    """Every frame, with its time to the nanosecond."""
    capture = pcap.read(pcap.write(linktype, frames))
    assert capture.linktype == linktype
    assert list(capture) == frames


@pytest.mark.parametrize("order", ["<", ">"])
@pytest.mark.parametrize(("magic", "unit_ns"), [(0xA1B2C3D4, 1000), (0xA1B23C4D, 1)])
def test_byte_orders_and_units(order: str, magic: int, unit_ns: int) -> None:
    """Four kinds of file hold the same frames; microseconds are less exact."""
    data = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, 1)
    for timestamp_ns, frame in FRAMES:
        seconds, rest = divmod(timestamp_ns, 10**9)
        data += struct.pack(f"{order}IIII", seconds, rest // unit_ns, len(frame), 9000) + frame
    assert list(pcap.read(data)) == [(ns // unit_ns * unit_ns, frame) for ns, frame in FRAMES]


def test_the_link_type_is_without_the_bits_above_it() -> None:
    """The upper bits tell of frame check sequences."""
    data = pcap.file_header(pcap.RAW_IPV6 | 0x3000_0000)
    assert pcap.read(data).linktype == pcap.RAW_IPV6


@pytest.mark.parametrize("end", range(24))
def test_a_file_header_that_is_not_whole(end: int) -> None:
    """It is refused at the beginning."""
    with pytest.raises(pcap.Malformed, match="file header at offset 0: expected 24 bytes") as caught:
        pcap.read(pcap.file_header(1)[:end])
    assert caught.value.fault.found == str(end)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (bytes.fromhex("0a0d0d0a") + bytes(20), "magic number at offset 0: .*, found 0a0d0d0a"),
        (struct.pack("<IHHiIII", 0xA1B2C3D4, 3, 0, 0, 0, 0, 1), "major version at offset 4: expected 2, found 3"),
    ],
)
def test_another_file(data: bytes, said: str) -> None:
    """Another format or version is refused by name."""
    with pytest.raises(pcap.Malformed, match=said):
        pcap.read(data)


def test_a_file_that_breaks_off() -> None:
    """Whole records are given out, then the break is told with its place."""
    data = pcap.write(1, FRAMES)
    ends = [24]
    for _, frame in FRAMES:
        ends.append(ends[-1] + 16 + len(frame))
    for end in range(24, len(data)):
        seen = []
        capture = iter(pcap.read(data[:end]))
        number = sum(stop <= end for stop in ends) - 1
        for _ in range(number):
            seen.append(next(capture))
        assert seen == FRAMES[:number]
        if end == ends[number]:
            assert next(capture, None) is None
            continue
        with pytest.raises(pcap.Malformed) as caught:
            next(capture)
        in_header = end < ends[number] + 16
        assert caught.value.fault.offset == ends[number] + (0 if in_header else 8)
        assert caught.value.fault.field == ("record header" if in_header else "captured length")


def test_a_frame_longer_than_any() -> None:
    """A length out of all proportion is a fault, not a reason to read on."""
    data = pcap.file_header(1) + struct.pack("<IIII", 0, 0, pcap.LONGEST_FRAME + 1, 0) + bytes(pcap.LONGEST_FRAME + 1)
    with pytest.raises(pcap.Malformed, match="captured length at offset 32: expected at most 262144"):
        list(pcap.read(data))


@UNHURRIED
@given(st.binary(max_size=200), st.sampled_from([b"", pcap.file_header(1), pcap.file_header(276)]))
def test_any_bytes(data: bytes, header: bytes) -> None:
    """Bytes are read, or refused as Malformed."""
    try:
        frames = list(pcap.read(header + data))
    except pcap.Malformed as error:
        assert 0 <= error.fault.offset <= len(header + data)
    else:
        assert sum(16 + len(frame) for _, frame in frames) == len(header + data) - 24


@pytest.mark.parametrize(
    ("linktype", "before"),
    [
        (pcap.ETHERNET, bytes(12) + b"\x86\xdd"),
        (pcap.ETHERNET, bytes(12) + b"\x81\x00\x00\x05\x86\xdd"),
        (pcap.ETHERNET, bytes(12) + b"\x88\xa8\x00\x05\x81\x00\x00\x06\x86\xdd"),
        (pcap.RAW_IP, b""),
        (pcap.RAW_IPV6, b""),
        (pcap.LINUX_COOKED, bytes(14) + b"\x86\xdd"),
        (pcap.LINUX_COOKED_2, b"\x86\xdd" + bytes(18)),
    ],
)
def test_the_packet_in_a_frame(linktype: int, before: bytes) -> None:
    """It is found behind the link's header, and in no beginning of that."""
    assert pcap.ipv6_of(linktype, before + PACKET) == PACKET
    for end in range(len(before)):
        assert not pcap.ipv6_of(linktype, before[:end])


@pytest.mark.parametrize(
    ("linktype", "frame"),
    [
        (pcap.ETHERNET, bytes(12) + b"\x08\x00" + PACKET),
        (pcap.ETHERNET, bytes(12) + b"\x81\x00\x00\x05\x08\x00" + PACKET),
        (pcap.RAW_IP, b"\x45" + bytes(19)),
        (pcap.RAW_IP, b""),
        (pcap.LINUX_COOKED, bytes(14) + b"\x08\x06" + PACKET),
        (pcap.LINUX_COOKED_2, b"\x08\x00" + bytes(18) + PACKET),
        (105, PACKET),
    ],
)
def test_a_frame_without_a_packet(linktype: int, frame: bytes) -> None:
    """Other protocols, and link types that are not known."""
    assert pcap.ipv6_of(linktype, frame) is None


@pytest.mark.parametrize("name", CAPTURE_NAMES)
def test_the_captures_of_mip6d(name: str) -> None:
    """Files that libpcap wrote are read to their last byte."""
    data = (CAPTURES / f"{name}.pcap").read_bytes()
    capture = pcap.read(data)
    frames = list(capture)
    assert capture.linktype == pcap.LINUX_COOKED_2
    assert 24 + sum(16 + len(frame) for _, frame in frames) == len(data)
    lasted_s = (frames[-1][0] - frames[0][0]) / 1e9
    assert 1 < lasted_s < 1000
