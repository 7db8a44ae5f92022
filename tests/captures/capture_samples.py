"""Captures made by hand, block by block, and streams that give out few bytes at a time."""

import struct
from collections.abc import Callable, Sequence

from mipsh.captures.frames import Frame
from mipsh.captures.reader import Reader
from mipsh.captures.source import Malformed
from mipsh.wire import mobility
from mipsh.wire.address import parse
from mipsh.wire.fault import Fault
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Packet

HOME, CARE_OF, AGENT, PEER = (parse(f"2001:db8:{one}") for one in ("1::100", "2::100", "1::1", "4::2"))
PACKET = Packet(CARE_OF, PEER, MobilityHeader(mobility.CareOfTestInit(b"cookie!!"))).encode()
ETHERNET_FRAME = bytes(12) + b"\x86\xdd" + PACKET
SECONDS = 1_700_000_000
TIME_NS = SECONDS * 10**9 + 123_456_789
SECTION, INTERFACE, OBSOLETE, SIMPLE, NAMES, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 4, 5, 6


def pcap(
    records: Sequence[tuple[int, int, bytes, int]], order: str = "<", magic: int = 0xA1B23C4D, link: int = 1
) -> bytes:
    """Return a pcap file of records: seconds, units, captured bytes, original length."""
    data = struct.pack(f"{order}IHHiIII", magic, 2, 4, 0, 0, 65535, link)
    for seconds, units, captured, length in records:
        data += struct.pack(f"{order}IIII", seconds, units, len(captured), length) + captured
    return data


class Pcapng:
    """A pcapng file that is made block by block."""

    def __init__(self, order: str = "<") -> None:
        self.order = order
        self.data = b""
        self.section()

    def block(self, kind: int, body: bytes) -> "Pcapng":
        """Add a block."""
        size = struct.pack(f"{self.order}I", len(body) + 12)
        self.data += struct.pack(f"{self.order}I", kind) + size + body + size
        return self

    def pack(self, layout: str, *values: int) -> bytes:
        """Return numbers in the file's byte order."""
        return struct.pack(self.order + layout, *values)

    def options(self, *options: tuple[int, bytes]) -> bytes:
        """Return options with their end."""
        parts = [self.pack("HH", code, len(value)) + value + bytes(-len(value) % 4) for code, value in options]
        return b"".join(parts) + bytes(4)

    def section(self, order: str = "") -> "Pcapng":
        """Begin a section, in another byte order where one is given."""
        self.order = order or self.order
        return self.block(SECTION, self.pack("IHHq", 0x1A2B3C4D, 1, 0, -1))

    def interface(self, link: int = 1, *options: tuple[int, bytes], snapshot: int = 0) -> "Pcapng":
        """Describe an interface."""
        return self.block(INTERFACE, self.pack("HHI", link, 0, snapshot) + (self.options(*options) if options else b""))

    def packet(
        self, captured: bytes, units: int, number: int = 0, *options: tuple[int, bytes], length: int | None = None
    ) -> "Pcapng":
        """Add an enhanced packet block."""
        original = len(captured) if length is None else length
        body = self.pack("IIIII", number, units >> 32, units & 0xFFFFFFFF, len(captured), original)
        body += captured + bytes(-len(captured) % 4) + (self.options(*options) if options else b"")
        return self.block(ENHANCED, body)

    def simple(self, captured: bytes, length: int | None = None) -> "Pcapng":
        """Add a simple packet block."""
        original = len(captured) if length is None else length
        return self.block(SIMPLE, self.pack("I", original) + captured + bytes(-len(captured) % 4))

    def obsolete(self, captured: bytes, units: int, number: int = 0, dropped: int = 0xFFFF) -> "Pcapng":
        """Add a packet block of the first kind."""
        ends = self.pack("HHII", number, dropped, units >> 32, units & 0xFFFFFFFF)
        sizes = self.pack("II", len(captured), len(captured))
        return self.block(OBSOLETE, ends + sizes + captured + bytes(-len(captured) % 4))


def dripping(data: bytes, most: int) -> Callable[[int], bytes]:
    """Return a stream that gives out at most so many bytes at a time, as a pipe may."""
    at = 0

    def read(size: int) -> bytes:
        nonlocal at
        part = data[at : at + min(size, most)]
        at += len(part)
        return part

    return read


def read(data: bytes, most: int = 1 << 20) -> list[Frame]:
    """Return the frames of a capture."""
    return list(Reader(dripping(data, most)).frames())


def broken(data: bytes) -> tuple[int, Fault]:
    """Return how many frames a capture gave before it broke off, and what it said then."""
    count = 0
    try:
        for _ in Reader(dripping(data, 1 << 20)).frames():
            count += 1
    except Malformed as error:
        return count, error.fault
    raise AssertionError("the capture is whole")
