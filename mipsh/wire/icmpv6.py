"""ICMPv6: errors and echo (RFC 4443), home agent discovery and prefix discovery (RFC 6275 sections 6.5 to 6.8).

Neighbour discovery messages are in ``ndp``; messages of other types are kept as bytes.
"""

import struct
from collections.abc import Callable, Mapping
from typing import ClassVar

from msgspec import Struct

from mipsh.wire import ndp
from mipsh.wire.checksum import ICMPV6, checksum, verifies
from mipsh.wire.fault import Fault

HEADER = struct.Struct(">BBH")
MANAGED, OTHER = 0x8000, 0x4000
"""Flags of prefix discovery: as those of a Router Advertisement."""
MOBILE_ROUTER = 0x8000
"""Flag of home agent discovery: mobile routers are meant (RFC 3963 section 7)."""


class _Error(Struct, frozen=True, gc=False):
    code: int
    value: int
    original: bytes

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">I", self.value) + self.original


class DestinationUnreachable(_Error, frozen=True, gc=False):
    """A packet could not be delivered (RFC 4443 section 3.1); ``value`` is unused."""

    TYPE: ClassVar[int] = 1


class PacketTooBig(_Error, frozen=True, gc=False):
    """A packet is larger than the next link (RFC 4443 section 3.2); ``value`` is that link's MTU."""

    TYPE: ClassVar[int] = 2


class TimeExceeded(_Error, frozen=True, gc=False):
    """The hop limit ran out, or fragments did not all come (RFC 4443 section 3.3); ``value`` is unused."""

    TYPE: ClassVar[int] = 3


class ParameterProblem(_Error, frozen=True, gc=False):
    """A field is not understood (RFC 4443 section 3.4); ``value`` is its offset in ``original``."""

    TYPE: ClassVar[int] = 4


class _Echo(Struct, frozen=True, gc=False):
    identifier: int
    sequence: int
    data: bytes = b""
    code: int = 0

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">HH", self.identifier, self.sequence) + self.data


class EchoRequest(_Echo, frozen=True, gc=False):
    """An echo request (RFC 4443 section 4.1)."""

    TYPE: ClassVar[int] = 128


class EchoReply(_Echo, frozen=True, gc=False):
    """An echo reply (RFC 4443 section 4.2)."""

    TYPE: ClassVar[int] = 129


class HomeAgentDiscoveryRequest(Struct, frozen=True, gc=False):
    """Which home agents are there? (RFC 6275 section 6.5); ``flags`` may hold MOBILE_ROUTER."""

    TYPE: ClassVar[int] = 144
    identifier: int
    flags: int = 0
    code: int = 0
    trailer: bytes = b""

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">HH", self.identifier, self.flags) + self.trailer


class HomeAgentDiscoveryReply(Struct, frozen=True, gc=False):
    """The home agents, best first (RFC 6275 section 6.6); ``flags`` may hold MOBILE_ROUTER."""

    TYPE: ClassVar[int] = 145
    identifier: int
    addresses: tuple[bytes, ...]
    flags: int = 0
    code: int = 0
    trailer: bytes = b""

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">HH", self.identifier, self.flags) + b"".join(self.addresses) + self.trailer


class MobilePrefixSolicitation(Struct, frozen=True, gc=False):
    """Which prefixes has the home link? (RFC 6275 section 6.7)."""

    TYPE: ClassVar[int] = 146
    identifier: int
    reserved: int = 0
    code: int = 0
    trailer: bytes = b""

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">HH", self.identifier, self.reserved) + self.trailer


class MobilePrefixAdvertisement(Struct, frozen=True, gc=False):
    """The prefixes of the home link (RFC 6275 section 6.8); ``flags`` are MANAGED and OTHER."""

    TYPE: ClassVar[int] = 147
    identifier: int
    flags: int
    options: tuple[ndp.Option, ...] = ()
    code: int = 0

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">HH", self.identifier, self.flags) + ndp.encode_options(self.options)


class OtherIcmp(Struct, frozen=True, gc=False):
    """A message of a type that is not decoded here, or one too short for its type."""

    type: int
    code: int
    data: bytes

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return self.data


Message = (
    DestinationUnreachable
    | PacketTooBig
    | TimeExceeded
    | ParameterProblem
    | EchoRequest
    | EchoReply
    | HomeAgentDiscoveryRequest
    | HomeAgentDiscoveryReply
    | MobilePrefixSolicitation
    | MobilePrefixAdvertisement
    | ndp.Message
    | OtherIcmp
)

Decoder = Callable[[int, bytes, int, int, list[Fault]], Message]
_WORDS = struct.Struct(">HH")


Error = DestinationUnreachable | PacketTooBig | TimeExceeded | ParameterProblem


def _error(kind: type[Error]) -> Decoder:
    def decode(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
        return kind(code, int.from_bytes(data[at : at + 4]), data[at + 4 : end])

    return decode


def _echo(kind: type[EchoRequest] | type[EchoReply]) -> Decoder:
    def decode(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
        identifier, sequence = _WORDS.unpack_from(data, at)
        return kind(identifier, sequence, data[at + 4 : end], code)

    return decode


def _discovery_request(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    identifier, flags = _WORDS.unpack_from(data, at)
    return HomeAgentDiscoveryRequest(identifier, flags, code, data[at + 4 : end])


def _discovery_reply(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    identifier, flags = _WORDS.unpack_from(data, at)
    whole = at + 4 + (end - at - 4) // 16 * 16
    if whole != end:
        faults.append(Fault(whole, "home agent addresses", "16 bytes each", f"{end - whole} bytes left"))
    addresses = tuple(data[i : i + 16] for i in range(at + 4, whole, 16))
    return HomeAgentDiscoveryReply(identifier, addresses, flags, code, data[whole:end])


def _prefix_solicitation(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    identifier, reserved = _WORDS.unpack_from(data, at)
    return MobilePrefixSolicitation(identifier, reserved, code, data[at + 4 : end])


def _prefix_advertisement(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    identifier, flags = _WORDS.unpack_from(data, at)
    return MobilePrefixAdvertisement(identifier, flags, ndp.read_options(data, at + 4, end, faults), code)


# A type: the fewest bytes behind the checksum, and the decoder.
MESSAGES: Mapping[int, tuple[int, Decoder]] = {
    1: (4, _error(DestinationUnreachable)),
    2: (4, _error(PacketTooBig)),
    3: (4, _error(TimeExceeded)),
    4: (4, _error(ParameterProblem)),
    128: (4, _echo(EchoRequest)),
    129: (4, _echo(EchoReply)),
    144: (4, _discovery_request),
    145: (4, _discovery_reply),
    146: (4, _prefix_solicitation),
    147: (4, _prefix_advertisement),
    **ndp.MESSAGES,
}


class Icmpv6(Struct, frozen=True, gc=False):
    """An ICMPv6 message; a checksum of None is computed when the packet is encoded."""

    message: Message
    checksum: int | None = None

    PROTOCOL: ClassVar[int] = ICMPV6

    @property
    def type(self) -> int:
        """The message type."""
        message = self.message
        return message.type if isinstance(message, OtherIcmp) else message.TYPE

    def encode(self, source: bytes, destination: bytes) -> bytes:
        """Return the message; the addresses are those that the checksum covers."""
        body = self.message.encode()
        value = self.checksum
        if value is None:
            zero = HEADER.pack(self.type, self.message.code, 0)
            value = checksum(source, destination, ICMPV6, zero + body)
        return HEADER.pack(self.type, self.message.code, value) + body

    def verifies(self, source: bytes, destination: bytes) -> bool:
        """Tell whether the checksum that was received is right for these addresses."""
        return verifies(source, destination, ICMPV6, self.encode(source, destination))


def decode_icmpv6(data: bytes, at: int, end: int, faults: list[Fault]) -> Icmpv6 | None:
    """Decode an ICMPv6 message in ``data[at:end]``; None where not even its header is whole."""
    if end - at < HEADER.size:
        faults.append(Fault(at, "ICMPv6 message", f"at least {HEADER.size} bytes", str(end - at)))
        return None
    kind, code, value = HEADER.unpack_from(data, at)
    start = at + HEADER.size
    least, decode = MESSAGES.get(kind, (0, None))
    if end - start < least:
        faults.append(Fault(start, f"ICMPv6 type {kind}", f"at least {least} bytes", str(end - start)))
        decode = None
    message = OtherIcmp(kind, code, data[start:end]) if decode is None else decode(code, data, start, end, faults)
    return Icmpv6(message, value)
