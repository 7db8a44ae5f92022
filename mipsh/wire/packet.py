"""Whole IPv6 packets (RFC 8200): the header, the extension headers, and what they carry."""

import struct
from typing import ClassVar

from msgspec import Struct

from mipsh.wire.checksum import ICMPV6, MH
from mipsh.wire.extension import (
    DECODERS,
    DestinationOptions,
    FragmentHeader,
    Header,
    HomeAddress,
    Type2RoutingHeader,
    decode_header,
)
from mipsh.wire.fault import Fault, Undecodable
from mipsh.wire.icmpv6 import Icmpv6, decode_icmpv6
from mipsh.wire.mobility import MobilityHeader, decode_mobility

IPV6, ESP, NO_NEXT_HEADER = 41, 50, 59
HEADER_SIZE = 40
DEEPEST = 8
"""How many packets inside packets are decoded; deeper ones are kept as bytes."""
LONGEST_CHAIN = 32
"""How many extension headers are decoded; what is behind them is kept as bytes."""

_HEADER = struct.Struct(">IHBB16s16s")
_ESP = struct.Struct(">II")


class Esp(Struct, frozen=True, gc=False):
    """An encrypted payload (RFC 4303): recognised, never looked into."""

    PROTOCOL: ClassVar[int] = ESP
    spi: int
    sequence: int
    data: bytes

    def encode(self, source: bytes, destination: bytes) -> bytes:
        """Return the payload."""
        return _ESP.pack(self.spi, self.sequence) + self.data


class Payload(Struct, frozen=True, gc=False):
    """A payload that is not decoded here: TCP, UDP, a fragment, or bytes that were malformed."""

    protocol: int
    data: bytes

    def encode(self, source: bytes, destination: bytes) -> bytes:
        """Return the bytes."""
        return self.data


class Packet(Struct, frozen=True, gc=False):
    """An IPv6 packet.

    ``payload_length`` is None where it is what the payload has; ``trailer`` holds bytes behind
    it, as a link may pad. ``faults`` says what was malformed, in the order found.
    """

    source: bytes
    destination: bytes
    upper: "Upper"
    headers: tuple[Header, ...] = ()
    hop_limit: int = 64
    traffic_class: int = 0
    flow_label: int = 0
    payload_length: int | None = None
    trailer: bytes = b""
    faults: tuple[Fault, ...] = ()

    @property
    def home_address_option(self) -> bytes | None:
        """The address in the Home Address option; None without one."""
        for header in self.headers:
            if isinstance(header, DestinationOptions):
                for option in header.options:
                    if isinstance(option, HomeAddress):
                        return option.address
        return None

    @property
    def routing_home_address(self) -> bytes | None:
        """The address in the type 2 routing header; None without one, and where it was used already."""
        for header in self.headers:
            if isinstance(header, Type2RoutingHeader) and header.segments_left:
                return header.home_address
        return None

    @property
    def covered_source(self) -> bytes:
        """The source that checksums cover: the home address where its option is present (RFC 6275 section 11.3.1)."""
        return self.home_address_option or self.source

    @property
    def covered_destination(self) -> bytes:
        """The destination that checksums cover: the final one (RFC 8200 section 8.1)."""
        return self.routing_home_address or self.destination

    @property
    def protocol(self) -> int:
        """The number of the protocol behind the extension headers."""
        if isinstance(self.upper, Packet):
            return IPV6
        return self.upper.protocol if isinstance(self.upper, Payload) else self.upper.PROTOCOL

    def encode(self) -> bytes:
        """Return the packet; lengths and checksums that are None are computed."""
        number = self.protocol
        if isinstance(self.upper, Packet):
            body = self.upper.encode()
        else:
            body = self.upper.encode(self.covered_source, self.covered_destination)
        for header in reversed(self.headers):
            body = header.encode(number) + body
            number = header.NUMBER
        word = 6 << 28 | self.traffic_class << 20 | self.flow_label
        length = len(body) if self.payload_length is None else self.payload_length
        fixed = _HEADER.pack(word, length, number, self.hop_limit, self.source, self.destination)
        return fixed + body + self.trailer


Upper = MobilityHeader | Icmpv6 | Esp | Payload | Packet


def decode(data: bytes) -> Packet | Undecodable:
    """Decode a packet that begins at an IPv6 header; Undecodable where not even that is one."""
    return _decode(data, 0, len(data), DEEPEST) or Undecodable(data)


def why_undecodable(data: bytes) -> Fault:
    """Return what keeps bytes from being an IPv6 packet at all."""
    if len(data) < HEADER_SIZE:
        return Fault(0, "IPv6 header", f"{HEADER_SIZE} bytes", str(len(data)))
    return Fault(0, "version", "6", str(data[0] >> 4))


def _decode(data: bytes, at: int, end: int, deeper: int) -> Packet | None:
    """Decode the packet in ``data[at:end]``, and ``deeper`` less one packets in it; None where there is none."""
    if end - at < HEADER_SIZE or data[at] >> 4 != 6:
        return None
    word, length, number, hop_limit, source, destination = _HEADER.unpack_from(data, at)
    faults: list[Fault] = []
    start = at + HEADER_SIZE
    stop, declared = start + length, None
    if stop > end:
        faults.append(Fault(at + 4, "payload length", f"at most {end - start}", str(length)))
        stop, declared = end, length
    headers: list[Header] = []
    upper: Upper | None = None
    at = start
    while number in DECODERS:
        if len(headers) == LONGEST_CHAIN:
            faults.append(Fault(at, "extension headers", f"at most {LONGEST_CHAIN}", "more"))
            break
        read = decode_header(number, data, at, stop, faults)
        if read is None:
            break
        header, number, at = read
        headers.append(header)
        if isinstance(header, FragmentHeader) and header.is_piece:
            break
    else:  # the whole chain was read
        upper = _inner(data, at, stop, faults, deeper - 1) if number == IPV6 else _upper(number, data, at, stop, faults)
    return Packet(
        source,
        destination,
        Payload(number, data[at:stop]) if upper is None else upper,
        tuple(headers),
        hop_limit,
        word >> 20 & 0xFF,
        word & 0xFFFFF,
        declared,
        data[stop:end],
        tuple(faults),
    )


def _inner(data: bytes, at: int, end: int, faults: list[Fault], deeper: int) -> Packet | None:
    inner = _decode(data, at, end, deeper) if deeper else None
    if inner is None:
        faults.append(Fault(at, "inner packet", f"an IPv6 packet at most {DEEPEST} deep", "bytes that are none"))
    return inner


def _upper(number: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Upper | None:
    """Decode what is behind the extension headers; None for what is kept as bytes."""
    if number == MH:
        return decode_mobility(data, at, end, faults)
    if number == ICMPV6:
        return decode_icmpv6(data, at, end, faults)
    if number == ESP:
        return _esp(data, at, end, faults)
    return None


def _esp(data: bytes, at: int, end: int, faults: list[Fault]) -> Esp | None:
    if end - at < _ESP.size:
        faults.append(Fault(at, "ESP header", f"at least {_ESP.size} bytes", str(end - at)))
        return None
    spi, sequence = _ESP.unpack_from(data, at)
    return Esp(spi, sequence, data[at + _ESP.size : end])
