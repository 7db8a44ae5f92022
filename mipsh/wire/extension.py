"""IPv6 extension headers (RFC 8200 section 4) with what Mobile IPv6 puts into them.

The Home Address destination option (RFC 6275 section 6.3) and the type 2 routing header
(section 6.4) are decoded; other options and routing types are kept as bytes.
"""

import struct
from collections.abc import Callable, Mapping
from typing import ClassVar

from msgspec import Struct

from mipsh.wire.fault import Fault
from mipsh.wire.tlv import Layout, Option, encode_options, lay_out, read_options

HOP_BY_HOP, ROUTING, FRAGMENT, DESTINATION = 0, 43, 44, 60


class HomeAddress(Struct, frozen=True, gc=False):
    """The Home Address option: whom a packet is from, its source being the care-of address (RFC 6275 section 6.3)."""

    address: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return b"\xc9\x10" + self.address


OPTIONS: Mapping[int, Layout] = {201: Layout("Home Address", HomeAddress, 16, 16)}
ALIGNMENTS: Mapping[type, tuple[int, int]] = {HomeAddress: (8, 6)}


class HopByHopOptions(Struct, frozen=True, gc=False):
    """Options for every router on the way (RFC 8200 section 4.3)."""

    NUMBER: ClassVar[int] = HOP_BY_HOP
    options: tuple[Option, ...] = ()

    def encode(self, next_header: int) -> bytes:
        """Return the header."""
        return _options_header(next_header, self.options)


class DestinationOptions(Struct, frozen=True, gc=False):
    """Options for the destination (RFC 8200 section 4.6); ``carrying`` pads them into place."""

    NUMBER: ClassVar[int] = DESTINATION
    options: tuple[Option, ...] = ()

    def encode(self, next_header: int) -> bytes:
        """Return the header."""
        return _options_header(next_header, self.options)


class RoutingHeader(Struct, frozen=True, gc=False):
    """A routing header that is not a well-formed type 2 one; ``data`` is all behind the segments left."""

    NUMBER: ClassVar[int] = ROUTING
    type: int
    segments_left: int
    data: bytes

    def encode(self, next_header: int) -> bytes:
        """Return the header."""
        return bytes((next_header, (len(self.data) + 4) // 8 - 1, self.type, self.segments_left)) + self.data


class Type2RoutingHeader(Struct, frozen=True, gc=False):
    """The way to a mobile node's home address through its care-of address (RFC 6275 section 6.4)."""

    NUMBER: ClassVar[int] = ROUTING
    home_address: bytes
    segments_left: int = 1
    reserved: int = 0

    def encode(self, next_header: int) -> bytes:
        """Return the header."""
        fixed = (next_header, 2, 2, self.segments_left, self.reserved, self.home_address)
        return _TYPE_2.pack(*fixed)


class FragmentHeader(Struct, frozen=True, gc=False):
    """A piece of a packet (RFC 8200 section 4.5).

    ``offset`` counts units of 8 bytes; ``reserved`` is the 8 bits and the 2 bits that are, in a row.
    """

    NUMBER: ClassVar[int] = FRAGMENT
    offset: int
    more: bool
    identification: int
    reserved: int = 0

    @property
    def is_piece(self) -> bool:
        """Tell whether there are other pieces; without any, the packet behind the header is whole (RFC 6946)."""
        return self.more or self.offset > 0

    def encode(self, next_header: int) -> bytes:
        """Return the header."""
        word = self.offset << 3 | (self.reserved & 3) << 1 | self.more
        return _FRAGMENT.pack(next_header, self.reserved >> 2, word, self.identification)


Header = HopByHopOptions | DestinationOptions | RoutingHeader | Type2RoutingHeader | FragmentHeader

_TYPE_2 = struct.Struct(">BBBBI16s")
_FRAGMENT = struct.Struct(">BBHI")


def _options_header(next_header: int, options: tuple[Option, ...]) -> bytes:
    body = encode_options(options)
    return bytes((next_header, (len(body) + 2) // 8 - 1)) + body


def carrying(*options: Option) -> DestinationOptions:
    """Make a destination options header with options in the places where they must stand."""
    return DestinationOptions(lay_out(options, 2, ALIGNMENTS))


def _hop_by_hop(data: bytes, at: int, end: int, faults: list[Fault]) -> Header:
    return HopByHopOptions(read_options(data, at + 2, end, OPTIONS, faults))


def _destination(data: bytes, at: int, end: int, faults: list[Fault]) -> Header:
    return DestinationOptions(read_options(data, at + 2, end, OPTIONS, faults))


def _routing(data: bytes, at: int, end: int, faults: list[Fault]) -> Header:
    kind, segments_left = data[at + 2], data[at + 3]
    if kind == 2 and end - at != _TYPE_2.size:
        faults.append(Fault(at + 1, "type 2 routing header length", "2", str(data[at + 1])))
    elif kind == 2:
        if segments_left != 1:
            faults.append(Fault(at + 3, "segments left", "1", str(segments_left)))
        return Type2RoutingHeader(data[at + 8 : end], segments_left, int.from_bytes(data[at + 4 : at + 8]))
    return RoutingHeader(kind, segments_left, data[at + 4 : end])


def _fragment(data: bytes, at: int, end: int, faults: list[Fault]) -> Header:
    _, reserved, word, identification = _FRAGMENT.unpack_from(data, at)
    return FragmentHeader(word >> 3, bool(word & 1), identification, reserved << 2 | word >> 1 & 3)


DECODERS: Mapping[int, Callable[[bytes, int, int, list[Fault]], Header]] = {
    HOP_BY_HOP: _hop_by_hop,
    ROUTING: _routing,
    FRAGMENT: _fragment,
    DESTINATION: _destination,
}


def decode_header(number: int, data: bytes, at: int, end: int, faults: list[Fault]) -> tuple[Header, int, int] | None:
    """Decode the extension header at ``at``: the header, the next header's number, where it begins.

    None where the header does not end before ``end``.
    """
    if end - at < 8:
        faults.append(Fault(at, f"extension header {number}", "at least 8 bytes", str(end - at)))
        return None
    stop = at + 8 if number == FRAGMENT else at + 8 + data[at + 1] * 8
    if stop > end:
        most = (end - at) // 8 - 1
        faults.append(Fault(at + 1, f"extension header {number} length", f"at most {most}", str(data[at + 1])))
        return None
    return DECODERS[number](data, at, stop, faults), data[at], stop
