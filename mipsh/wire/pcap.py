"""Capture files of the pcap format, as bytes: reading any, writing nanosecond ones.

A file is a header of 24 bytes and records of 16 bytes and a frame. Its byte order and the unit of
its times show in the first four bytes. A file that breaks off raises Malformed, after every whole
record before the break was given out.
"""

import struct
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from mipsh.wire.fault import Fault

ETHERNET, RAW_IP, LINUX_COOKED, RAW_IPV6, LINUX_COOKED_2 = 1, 101, 113, 229, 276
LONGEST_FRAME = 262144
"""The snapshot length that is written, and the longest frame that is read."""

_FILE_HEADER, _RECORD_HEADER = "IHHiIII", "IIII"
_FILE_HEADER_SIZE = struct.calcsize(f">{_FILE_HEADER}")
_MAGIC = 0xA1B23C4D
_NS_PER_UNIT = {0xA1B2C3D4: 1000, _MAGIC: 1}
_VERSION = (2, 4)
_LINKTYPE_BITS = 0x03FFFFFF
_IPV6_ETHERTYPE = 0x86DD
_VLAN_ETHERTYPES = (0x8100, 0x88A8)
_ETHERTYPE_AT: Mapping[int, tuple[int, int]] = {ETHERNET: (12, 14), LINUX_COOKED: (14, 16), LINUX_COOKED_2: (0, 20)}
"""For a link type: where the ethertype of a frame is, and where its packet begins."""

LINKTYPES = frozenset({*_ETHERTYPE_AT, RAW_IP, RAW_IPV6})
"""The link types whose frames can be looked into."""


class Malformed(ValueError):
    """A capture file that is none, or that breaks off: ``fault`` says where and why."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(str(fault))
        self.fault = fault


class Capture(Struct, frozen=True):
    """A capture file that was opened: the link type of its frames, and the frames."""

    linktype: int
    data: bytes
    order: str
    ns_per_unit: int

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        """Yield every frame with its time, in nanoseconds since 1970; raises Malformed."""
        header = struct.Struct(self.order + _RECORD_HEADER)
        at, end = _FILE_HEADER_SIZE, len(self.data)
        while at < end:
            start = at + header.size
            if start > end:
                raise Malformed(Fault(at, "record header", f"{header.size} bytes", str(end - at)))
            seconds, units, length, _ = header.unpack_from(self.data, at)
            most = min(end - start, LONGEST_FRAME)
            if length > most:
                raise Malformed(Fault(at + 8, "captured length", f"at most {most}", str(length)))
            at = start + length
            yield seconds * 1_000_000_000 + units * self.ns_per_unit, self.data[start:at]


def read(data: bytes) -> Capture:
    """Open a capture file; raises Malformed where it is not one."""
    if len(data) < _FILE_HEADER_SIZE:
        raise Malformed(Fault(0, "file header", f"{_FILE_HEADER_SIZE} bytes", str(len(data))))
    for order in "<>":
        magic, major, _, _, _, _, linktype = struct.unpack_from(order + _FILE_HEADER, data)
        if magic in _NS_PER_UNIT:
            if major != _VERSION[0]:
                raise Malformed(Fault(4, "major version", str(_VERSION[0]), str(major)))
            return Capture(linktype & _LINKTYPE_BITS, data, order, _NS_PER_UNIT[magic])
    raise Malformed(Fault(0, "magic number", "one of a pcap file", data[:4].hex()))


def file_header(linktype: int) -> bytes:
    """Return what a file of frames of a link type begins with."""
    return struct.pack(f"<{_FILE_HEADER}", _MAGIC, *_VERSION, 0, 0, LONGEST_FRAME, linktype)


def record(timestamp_ns: int, frame: bytes) -> bytes:
    """Return what stands in a file for a frame that was seen at a time."""
    seconds, nanoseconds = divmod(timestamp_ns, 1_000_000_000)
    return struct.pack(f"<{_RECORD_HEADER}", seconds, nanoseconds, len(frame), len(frame)) + frame


def write(linktype: int, frames: Iterable[tuple[int, bytes]]) -> bytes:
    """Return a whole file."""
    return file_header(linktype) + b"".join([record(timestamp_ns, frame) for timestamp_ns, frame in frames])


def ipv6_of(linktype: int, frame: bytes) -> bytes | None:
    """Return the IPv6 packet in a frame, with what may be behind it; None where there is none."""
    if linktype in (RAW_IP, RAW_IPV6):
        return frame if frame[:1] and frame[0] >> 4 == 6 else None
    if linktype not in _ETHERTYPE_AT:
        return None
    type_at, start = _ETHERTYPE_AT[linktype]
    ethertype = int.from_bytes(frame[type_at : type_at + 2])
    while ethertype in _VLAN_ETHERTYPES:
        ethertype = int.from_bytes(frame[start + 2 : start + 4])
        start += 4
    return frame[start:] if ethertype == _IPV6_ETHERTYPE else None
