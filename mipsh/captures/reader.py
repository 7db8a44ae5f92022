"""Reads captures of the pcap and pcapng formats, frame by frame, from a file or a pipe.

The format, its byte order and the unit of its times show in the first bytes. What breaks off, or lies
about a length, raises Malformed after everything before it was given out. Memory does not grow with
the capture.
"""

import struct
from collections.abc import Callable, Iterator

from mipsh.captures.blocks import Blocks
from mipsh.captures.frames import NOT_LOOKED_FOR, Frame, Wanted
from mipsh.captures.source import LONGEST, Read, Source

NS_PER_UNIT = {0xA1B2C3D4: 1000, 0xA1B23C4D: 1}
"""The first four bytes of pcap, as a number, and how many nanoseconds its unit has."""
SECTION = b"\x0a\x0d\x0d\x0a"
"""The first four bytes of pcapng."""
COMPRESSED = {b"\x1f\x8b": "gzip", b"(\xb5": "zstd", b"BZ": "bzip2", b"\xfd7": "xz", b"\x04\x22": "lz4"}
MAJOR = 2
_LINK_TYPE = 0x03FFFFFF


class Reader:
    """A capture that is read once, from its beginning.

    ``packets`` counts those that were there, wanted or not; ``cut`` those of them whose end was not captured;
    ``dropped`` those that the capture itself says it lost; ``link_types`` are those that were seen.
    """

    def __init__(self, read: Read) -> None:
        self._source = Source(read)
        self._blocks: Blocks | None = None
        self._packets = 0
        self._cut = 0
        self.format = ""
        self._link_types: set[int] = set()

    @property
    def packets(self) -> int:
        """How many packets there were until now."""
        return self._packets if self._blocks is None else self._blocks.packets

    @property
    def cut(self) -> int:
        """How many of them were not captured to their end."""
        return self._cut if self._blocks is None else self._blocks.cut

    @property
    def dropped(self) -> int:
        """How many the capture lost, by its own count; pcap has none."""
        return 0 if self._blocks is None else self._blocks.dropped

    @property
    def link_types(self) -> frozenset[int]:
        """The link types of its interfaces."""
        return frozenset(self._link_types if self._blocks is None else self._blocks.link_types)

    def frames(self, wanted: Wanted | None = None) -> Iterator[Frame]:
        """Yield the frames, or those that are wanted; raises Malformed."""
        source = self._source
        there = source.more(0, 4)
        first = source.data[:4]
        if first == SECTION:
            self.format = "pcapng"
            self._blocks = Blocks(source)
            yield from self._blocks.frames(wanted)
            return
        for order in "<>":
            if there >= 4 and struct.unpack(f"{order}I", first)[0] in NS_PER_UNIT:
                self.format = "pcap"
                yield from self._records(order, wanted)
                return
        packed = COMPRESSED.get(first[:2])
        found = f"{packed}, to be unpacked first" if packed else first.hex() or "nothing"
        raise source.fault(0, "magic number", "one of pcap or pcapng", found)

    def _records(self, order: str, wanted: Wanted | None) -> Iterator[Frame]:
        source = self._source
        there = source.more(0, 24)
        if there < 24:
            raise source.fault(0, "file header", "24 bytes", there)
        magic, major, _, _, _, _, link_type = struct.unpack_from(f"{order}IHHiIII", source.data)
        if major != MAJOR:
            raise source.fault(4, "major version", str(MAJOR), major)
        link_type &= _LINK_TYPE
        self._link_types.add(link_type)
        source.more(24, 0)
        record = struct.Struct(f"{order}IIII").unpack_from
        window = Window(source, record)
        scale = NS_PER_UNIT[magic]
        data = source.data
        at, end = 0, len(data)
        while True:
            if end - at < 16 or at + 16 + record(data, at)[2] > end:
                if not window.has_more(at):
                    return
                data, at = source.data, 0
                end = len(data)
            seconds, units, size, length = record(data, at)
            start = at + 16
            at = start + size
            self._packets += 1
            self._cut += size < length
            place = NOT_LOOKED_FOR
            if wanted is not None:
                place = wanted(link_type, data, start, at) - start
                if place < 0:
                    continue
            time_ns = seconds * 1_000_000_000 + units * scale
            yield Frame(time_ns, "", max(length, size), data[start:at], link_type, None, place)


class Window:
    """Moves a source on to where a whole record of pcap is in it."""

    def __init__(self, source: Source, record: Callable[[bytes, int], tuple[int, int, int, int]]) -> None:
        self._source = source
        self._record = record

    def has_more(self, used: int) -> bool:
        """Let go of what was used and bring the next record; False at the end; raises Malformed where it breaks off."""
        source = self._source
        there = source.more(used, 16)
        if not there:
            return False
        if there < 16:
            raise source.fault(0, "record header", "16 bytes", there)
        size = self._record(source.data, 0)[2]
        if size > LONGEST:
            raise source.fault(8, "captured length", f"at most {LONGEST}", size)
        there = source.more(0, 16 + size)
        if there < 16 + size:
            raise source.fault(8, "captured length", f"at most {there - 16}", size)
        return True
