"""The blocks of a pcapng capture (draft-ietf-opsawg-pcapng), taken from a stream one by one.

Interface descriptions, the three kinds of packets and interface statistics are read; other blocks are
skipped, however long they are. Each section has a byte order and interfaces of its own.
"""

import struct
from collections.abc import Iterator
from typing import Literal

from msgspec import Struct

from mipsh.captures.frames import NOT_LOOKED_FOR, Frame, Wanted
from mipsh.captures.source import LONGEST, Source

SECTION, INTERFACE, OBSOLETE, SIMPLE, STATISTICS, ENHANCED = 0x0A0D0D0A, 1, 2, 3, 5, 6
PACKETS = frozenset((OBSOLETE, SIMPLE, ENHANCED))
READ = PACKETS | {SECTION, INTERFACE, STATISTICS}
MAGIC = 0x1A2B3C4D
MAJOR = 1
MOST_INTERFACES = 4096
"""How many interfaces a section may have."""
LONGEST_BLOCK = LONGEST + 4096
"""A frame of the longest kind with what is around it."""
SKIPPED = -1

END_OF_OPTIONS, NAME, RESOLUTION, OFFSET = 0, 2, 9, 14
FLAGS, DROPPED = 2, 4
LOST_BY_INTERFACE, LOST_BY_SYSTEM = 5, 7
INBOUND, OUTBOUND = 1, 2
EARLIEST, LATEST = -(1 << 63), 1 << 63
"""Times outside of this, in nanoseconds, are none."""
Endian = Literal["little", "big"]
_SHORTEST = {SECTION: 28, INTERFACE: 20, OBSOLETE: 32, SIMPLE: 16, STATISTICS: 24, ENHANCED: 32}


class Interface(Struct, frozen=True):
    """An interface that a section describes; a time unit is ``numerator`` / ``denominator`` nanoseconds."""

    link_type: int
    name: str
    snapshot: int
    numerator: int
    denominator: int
    offset_ns: int

    def time_ns(self, units: int) -> int | None:
        """Return a time in nanoseconds since 1970; None for one that cannot be."""
        found = units * self.numerator // self.denominator + self.offset_ns
        return found if EARLIEST <= found < LATEST else None


class Blocks:
    """The blocks of a capture."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.packets = 0
        self.cut = 0
        self.link_types: set[int] = set()
        self._dropped_with_packets = 0
        self._dropped_by_statistics: dict[int, int] = {}
        self._dropped_before = 0
        self._interfaces: list[Interface] = []
        self._set_order("<")

    @property
    def dropped(self) -> int:
        """How many packets the capture says it lost; statistics and packets may both count the same."""
        counted = self._dropped_before + sum(self._dropped_by_statistics.values())
        return max(counted, self._dropped_with_packets)

    def _set_order(self, order: str) -> None:
        self._order = order
        self._head = struct.Struct(f"{order}II").unpack_from
        self._word = struct.Struct(f"{order}I").unpack_from
        self._enhanced = struct.Struct(f"{order}IIIII").unpack_from
        self._obsolete = struct.Struct(f"{order}HHIIII").unpack_from

    def frames(self, wanted: Wanted | None) -> Iterator[Frame]:
        """Yield the frames that are wanted, all for None; raises Malformed."""
        source = self._source
        at = 0
        while True:
            if len(source.data) - at < 12:
                if not self._has_head(at):
                    return
                at = 0
            kind, size = self._head(source.data, at)
            if kind == SECTION:
                size = self._begin_section(at)
            if size % 4 or size < _SHORTEST.get(kind, 12):
                raise source.fault(at + 4, "block length", f"a multiple of 4 from {_SHORTEST.get(kind, 12)} on", size)
            if at + size > len(source.data):
                at = self._bring(at, kind, size)
                if at == SKIPPED:
                    at = 0
                    continue
            end = at + size - 4
            if self._word(source.data, end)[0] != size:
                raise source.fault(end, "block length at its end", str(size), self._word(source.data, end)[0])
            if kind in PACKETS:
                frame = self._packet(kind, at, end, wanted)
                if frame is not None:
                    yield frame
            elif kind in READ:
                self._describe(kind, at, end)
            at = end + 4

    def _has_head(self, used: int) -> bool:
        """Move the window on to the next block; False where there is none."""
        there = self._source.more(used, 12)
        if 0 < there < 12:
            raise self._source.fault(0, "block", "at least 12 bytes", there)
        return there > 0

    def _bring(self, at: int, kind: int, size: int) -> int:
        """Have a whole block in the window and return where it is; SKIPPED for one that is passed over."""
        source = self._source
        if size > LONGEST_BLOCK:
            if kind in READ:
                raise source.fault(at + 4, "block length", f"at most {LONGEST_BLOCK}", size)
            missing = source.skip(at, size)
            if missing:
                raise source.fault(len(source.data), "block", f"{size} bytes", f"{size - missing}")
            return SKIPPED
        there = source.more(at, size)
        if there < size:
            raise source.fault(4, "block length", f"at most {there}", size)
        return 0

    def _begin_section(self, at: int) -> int:
        """Take over the byte order of a section and forget the interfaces before it; return the block's size."""
        source = self._source
        for order in "<>":
            if struct.unpack_from(f"{order}I", source.data, at + 8)[0] == MAGIC:
                self._set_order(order)
                break
        else:
            raise source.fault(at + 8, "byte-order magic", "1a2b3c4d", source.data[at + 8 : at + 12].hex())
        self._interfaces = []
        self._dropped_before += sum(self._dropped_by_statistics.values())
        self._dropped_by_statistics = {}
        return int(self._head(source.data, at)[1])

    def _describe(self, kind: int, at: int, end: int) -> None:
        """Take in a block that is about other blocks."""
        source, data = self._source, self._source.data
        if kind == SECTION:
            major = struct.unpack_from(f"{self._order}H", data, at + 12)[0]
            if major != MAJOR:
                raise source.fault(at + 12, "major version", str(MAJOR), major)
        elif kind == INTERFACE:
            if len(self._interfaces) == MOST_INTERFACES:
                raise source.fault(at, "interfaces", f"at most {MOST_INTERFACES}", "more")
            self._interfaces.append(self._interface(at, end))
            self.link_types.add(self._interfaces[-1].link_type)
        else:
            number = self._word(data, at + 8)[0]
            self._known(number, at)
            lost = {code: value for code, value in self._options(at + 20, end) if len(value) == 8}
            counts = [int.from_bytes(lost.get(code, b""), self._endian) for code in (LOST_BY_INTERFACE, LOST_BY_SYSTEM)]
            self._dropped_by_statistics[number] = max(counts)

    @property
    def _endian(self) -> Endian:
        return "little" if self._order == "<" else "big"

    def _interface(self, at: int, end: int) -> Interface:
        link_type, _, snapshot = struct.unpack_from(f"{self._order}HHI", self._source.data, at + 8)
        name, numerator, denominator, offset_ns = "", 1000, 1, 0
        for code, value in self._options(at + 16, end):
            if code == NAME:
                name = value.decode("utf-8", "replace").rstrip("\0")
            elif code == RESOLUTION and len(value) == 1:
                base, power = (2, value[0] & 0x7F) if value[0] & 0x80 else (10, value[0])
                numerator, denominator = 1_000_000_000, base**power
            elif code == OFFSET and len(value) == 8:
                offset_ns = int.from_bytes(value, self._endian, signed=True) * 1_000_000_000
        return Interface(link_type, name, snapshot, numerator, denominator, offset_ns)

    def _options(self, at: int, end: int) -> Iterator[tuple[int, bytes]]:
        """Yield the options of a block; raises Malformed for one that leaves it."""
        data = self._source.data
        layout = struct.Struct(f"{self._order}HH")
        while at + 4 <= end:
            code, size = layout.unpack_from(data, at)
            if code == END_OF_OPTIONS:
                return
            start = at + 4
            if start + size > end:
                raise self._source.fault(at + 2, "option length", f"at most {end - start}", size)
            yield code, data[start : start + size]
            at = start + size + -size % 4

    def _known(self, number: int, at: int) -> Interface:
        if number >= len(self._interfaces):
            raise self._source.fault(at + 8, "interface", f"one of {len(self._interfaces)} described", number)
        return self._interfaces[number]

    def _packet(self, kind: int, at: int, end: int, wanted: Wanted | None) -> Frame | None:
        """Return the packet of a block; None for one that is not wanted."""
        if kind == SIMPLE:
            return self._simple(at, end, wanted)
        data = self._source.data
        if kind == ENHANCED:
            number, high, low, size, length = self._enhanced(data, at + 8)
        else:
            number, dropped, high, low, size, length = self._obsolete(data, at + 8)
            self._dropped_with_packets += 0 if dropped == 0xFFFF else dropped
        interface = self._interfaces[number] if number < len(self._interfaces) else self._known(number, at)
        start = at + 28
        stop = start + size
        if stop > end or size > LONGEST:
            raise self._source.fault(at + 20, "captured length", f"at most {min(end - start, LONGEST)}", size)
        self.packets += 1
        self.cut += size < length
        outgoing = None
        if end - stop > 3:
            outgoing = self._direction(kind, stop + -size % 4, end)
        place = NOT_LOOKED_FOR
        if wanted is not None:
            place = wanted(interface.link_type, data, start, stop) - start
            if place < 0:
                return None
        time_ns = interface.time_ns(high << 32 | low)
        return Frame(time_ns, interface.name, max(length, size), data[start:stop], interface.link_type, outgoing, place)

    def _direction(self, kind: int, at: int, end: int) -> bool | None:
        """Read a packet's options: count what was dropped before it, and return whether it was outgoing."""
        outgoing = None
        for code, value in self._options(at, end):
            if code == FLAGS and len(value) == 4:
                direction = int.from_bytes(value, self._endian) & 3
                outgoing = {INBOUND: False, OUTBOUND: True}.get(direction)
            elif code == DROPPED and len(value) == 8 and kind == ENHANCED:
                self._dropped_with_packets += int.from_bytes(value, self._endian)
        return outgoing

    def _simple(self, at: int, end: int, wanted: Wanted | None) -> Frame | None:
        """Return the packet of a block that says neither its time nor its interface: it is the first one's."""
        interface = self._known(0, at) if self._interfaces else self._no_interface(at)
        length = self._word(self._source.data, at + 8)[0]
        start = at + 12
        size = min(length, end - start, interface.snapshot or LONGEST)
        self.packets += 1
        self.cut += size < length
        place = NOT_LOOKED_FOR
        if wanted is not None:
            place = wanted(interface.link_type, self._source.data, start, start + size) - start
            if place < 0:
                return None
        data = self._source.data[start : start + size]
        return Frame(None, interface.name, length, data, interface.link_type, None, place)

    def _no_interface(self, at: int) -> Interface:
        raise self._source.fault(at, "interface", "one described before the first packet", "none")
