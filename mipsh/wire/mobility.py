"""The Mobility Header, its messages and its options (RFC 6275 sections 6.1 and 6.2, RFC 3963, RFC 4283, RFC 5568).

Messages of other types (FMIPv6, PMIPv6, unknown ones) are kept as bytes. A section without an RFC
is one of RFC 6275. Of a message, ``TYPE`` is its MH type and ``LEAST`` the shortest header length it
may have, in units of 8 bytes behind the first 8.
"""

import struct
from collections.abc import Callable, Mapping
from typing import ClassVar, TypeVar

from msgspec import Struct
from msgspec.structs import replace

from mipsh.wire.checksum import MH, checksum, verifies
from mipsh.wire.fault import Fault
from mipsh.wire.tlv import Layout, Option, encode_options, lay_out, read_options

NO_NEXT_HEADER = 59
LIFETIME_UNIT_S = 4
HEADER = struct.Struct(">BBBBH")

ACKNOWLEDGE, HOME, LINK_LOCAL, KEY_MANAGEMENT, MOBILE_ROUTER = 0x8000, 0x4000, 0x2000, 0x1000, 0x0400
"""Flags A, H, L, K of a Binding Update (section 6.1.7), and R (RFC 3963 section 4.1)."""
BA_KEY_MANAGEMENT, BA_MOBILE_ROUTER = 0x80, 0x40
"""Flags K of a Binding Acknowledgement (section 6.1.8), and R (RFC 3963 section 4.2)."""


class BindingRefreshAdvice(Struct, frozen=True, gc=False):
    """How often the home agent would like to be refreshed (section 6.2.4), in units of 4 seconds."""

    interval: int

    def encode(self) -> bytes:
        """Return the option."""
        return struct.pack(">BBH", 2, 2, self.interval)


class AlternateCareOfAddress(Struct, frozen=True, gc=False):
    """The care-of address, where the packet's source is not it (section 6.2.5)."""

    address: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return b"\x03\x10" + self.address


class NonceIndices(Struct, frozen=True, gc=False):
    """Which nonces the keygen tokens were made from (section 6.2.6)."""

    home: int
    care_of: int

    def encode(self) -> bytes:
        """Return the option."""
        return struct.pack(">BBHH", 4, 4, self.home, self.care_of)


class AuthorizationData(Struct, frozen=True, gc=False):
    """The Binding Authorization Data: the authenticator (section 6.2.7); it is the last option."""

    authenticator: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((5, len(self.authenticator))) + self.authenticator


class MobileNetworkPrefix(Struct, frozen=True, gc=False):
    """A prefix behind a mobile router (RFC 3963 section 4.3)."""

    length: int
    prefix: bytes
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((6, 18, self.reserved, self.length)) + self.prefix


class LinkLayerAddress(Struct, frozen=True, gc=False):
    """A link-layer address, as fast handovers use it (RFC 5568 section 6.4.4)."""

    code: int
    address: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((7, len(self.address) + 1, self.code)) + self.address


class MobileNodeIdentifier(Struct, frozen=True, gc=False):
    """Who the mobile node is, an NAI for subtype 1 (RFC 4283 section 3)."""

    subtype: int
    identifier: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((8, len(self.identifier) + 1, self.subtype)) + self.identifier


def _indices(value: bytes) -> NonceIndices:
    return NonceIndices(value[0] << 8 | value[1], value[2] << 8 | value[3])


OPTIONS: Mapping[int, Layout] = {
    2: Layout("Binding Refresh Advice", lambda value: BindingRefreshAdvice(int.from_bytes(value)), 2, 2),
    3: Layout("Alternate Care-of Address", AlternateCareOfAddress, 16, 16),
    4: Layout("Nonce Indices", _indices, 4, 4),
    5: Layout("Binding Authorization Data", AuthorizationData),
    6: Layout("Mobile Network Prefix", lambda value: MobileNetworkPrefix(value[1], value[2:], value[0]), 18, 18),
    7: Layout("Link-Layer Address", lambda value: LinkLayerAddress(value[0], value[1:]), 1),
    8: Layout("Mobile Node Identifier", lambda value: MobileNodeIdentifier(value[0], value[1:]), 1),
}

ALIGNMENTS: Mapping[type, tuple[int, int]] = {
    BindingRefreshAdvice: (2, 0),
    AlternateCareOfAddress: (8, 6),
    NonceIndices: (2, 0),
    AuthorizationData: (8, 2),
    MobileNetworkPrefix: (8, 4),
}

Options = tuple[Option, ...]


class BindingRefreshRequest(Struct, frozen=True, gc=False):
    """A correspondent asks for a new binding (section 6.1.2)."""

    TYPE: ClassVar[int] = 0
    LEAST: ClassVar[int] = 0
    options: Options = ()
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the message behind the header."""
        return struct.pack(">H", self.reserved) + encode_options(self.options)


class _TestInit(Struct, frozen=True, gc=False):
    cookie: bytes
    options: Options = ()
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the message behind the header."""
        return struct.pack(">H", self.reserved) + self.cookie + encode_options(self.options)


class HomeTestInit(_TestInit, frozen=True, gc=False):
    """The home test begins, through the home agent (section 6.1.3)."""

    TYPE: ClassVar[int] = 1
    LEAST: ClassVar[int] = 1


class CareOfTestInit(_TestInit, frozen=True, gc=False):
    """The care-of test begins, directly (section 6.1.4)."""

    TYPE: ClassVar[int] = 2
    LEAST: ClassVar[int] = 1


class _Test(Struct, frozen=True, gc=False):
    nonce_index: int
    cookie: bytes
    token: bytes
    options: Options = ()

    def encode(self) -> bytes:
        """Return the message behind the header."""
        return struct.pack(">H", self.nonce_index) + self.cookie + self.token + encode_options(self.options)


class HomeTest(_Test, frozen=True, gc=False):
    """The correspondent's answer to the home test: a keygen token (section 6.1.5)."""

    TYPE: ClassVar[int] = 3
    LEAST: ClassVar[int] = 2


class CareOfTest(_Test, frozen=True, gc=False):
    """The correspondent's answer to the care-of test (section 6.1.6)."""

    TYPE: ClassVar[int] = 4
    LEAST: ClassVar[int] = 2


class BindingUpdate(Struct, frozen=True, gc=False):
    """A mobile node says where it is (section 6.1.7); ``lifetime`` is in units of 4 seconds."""

    TYPE: ClassVar[int] = 5
    LEAST: ClassVar[int] = 1
    sequence: int
    flags: int
    lifetime: int
    options: Options = ()

    def encode(self) -> bytes:
        """Return the message behind the header."""
        return _UPDATE.pack(self.sequence, self.flags, self.lifetime) + encode_options(self.options)


class BindingAcknowledgement(Struct, frozen=True, gc=False):
    """The answer to a Binding Update (section 6.1.8); a status below 128 accepts it."""

    TYPE: ClassVar[int] = 6
    LEAST: ClassVar[int] = 1
    status: int
    flags: int
    sequence: int
    lifetime: int
    options: Options = ()

    def encode(self) -> bytes:
        """Return the message behind the header."""
        fixed = _ACKNOWLEDGEMENT.pack(self.status, self.flags, self.sequence, self.lifetime)
        return fixed + encode_options(self.options)


class BindingError(Struct, frozen=True, gc=False):
    """A node is told why its packet was refused (section 6.1.9): status 1 no binding, 2 unknown message type."""

    TYPE: ClassVar[int] = 7
    LEAST: ClassVar[int] = 2
    status: int
    home_address: bytes
    options: Options = ()
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the message behind the header."""
        return bytes((self.status, self.reserved)) + self.home_address + encode_options(self.options)


class OtherMessage(Struct, frozen=True, gc=False):
    """A message of a type that is not decoded here, or one too short for its type."""

    type: int
    data: bytes

    def encode(self) -> bytes:
        """Return the message behind the header."""
        return self.data


MessageWithOptions = (
    BindingRefreshRequest
    | HomeTestInit
    | CareOfTestInit
    | HomeTest
    | CareOfTest
    | BindingUpdate
    | BindingAcknowledgement
    | BindingError
)
Message = MessageWithOptions | OtherMessage
Padded = TypeVar("Padded", bound=MessageWithOptions)

_UPDATE = struct.Struct(">HHH")
_ACKNOWLEDGEMENT = struct.Struct(">BBHH")


def _refresh_request(data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    return BindingRefreshRequest(_options(data, at + 2, end, faults), data[at] << 8 | data[at + 1])


def _test_init(kind: type[HomeTestInit] | type[CareOfTestInit]) -> "Decoder":
    def decode(data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
        reserved = data[at] << 8 | data[at + 1]
        return kind(data[at + 2 : at + 10], _options(data, at + 10, end, faults), reserved)

    return decode


def _test(kind: type[HomeTest] | type[CareOfTest]) -> "Decoder":
    def decode(data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
        index = data[at] << 8 | data[at + 1]
        options = _options(data, at + 18, end, faults)
        return kind(index, data[at + 2 : at + 10], data[at + 10 : at + 18], options)

    return decode


def _update(data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    sequence, flags, lifetime = _UPDATE.unpack_from(data, at)
    return BindingUpdate(sequence, flags, lifetime, _options(data, at + 6, end, faults))


def _acknowledgement(data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    status, flags, sequence, lifetime = _ACKNOWLEDGEMENT.unpack_from(data, at)
    return BindingAcknowledgement(status, flags, sequence, lifetime, _options(data, at + 6, end, faults))


def _error(data: bytes, at: int, end: int, faults: list[Fault]) -> Message:
    options = _options(data, at + 18, end, faults)
    return BindingError(data[at], data[at + 2 : at + 18], options, data[at + 1])


def _options(data: bytes, at: int, end: int, faults: list[Fault]) -> Options:
    return read_options(data, at, end, OPTIONS, faults)


Decoder = Callable[[bytes, int, int, list[Fault]], Message]

# A message type: the shortest header length it may have, and its decoder.
MESSAGES: Mapping[int, tuple[int, Decoder]] = {
    0: (BindingRefreshRequest.LEAST, _refresh_request),
    1: (HomeTestInit.LEAST, _test_init(HomeTestInit)),
    2: (CareOfTestInit.LEAST, _test_init(CareOfTestInit)),
    3: (HomeTest.LEAST, _test(HomeTest)),
    4: (CareOfTest.LEAST, _test(CareOfTest)),
    5: (BindingUpdate.LEAST, _update),
    6: (BindingAcknowledgement.LEAST, _acknowledgement),
    7: (BindingError.LEAST, _error),
}


class MobilityHeader(Struct, frozen=True, gc=False):
    """A Mobility Header with its message (section 6.1.1).

    A checksum of None is computed when the packet is encoded. ``trailer`` holds bytes behind the
    header's own length: nothing may be there (the next header is always 59).
    """

    message: Message
    checksum: int | None = None
    next_header: int = NO_NEXT_HEADER
    reserved: int = 0
    trailer: bytes = b""

    PROTOCOL: ClassVar[int] = MH

    @property
    def type(self) -> int:
        """The message type."""
        message = self.message
        return message.type if isinstance(message, OtherMessage) else message.TYPE

    def encode(self, source: bytes, destination: bytes) -> bytes:
        """Return the header; the addresses are those that the checksum covers."""
        body = self.message.encode()
        length = (HEADER.size + len(body)) // 8 - 1
        value = self.checksum
        if value is None:
            zero = HEADER.pack(self.next_header, length, self.type, self.reserved, 0)
            value = checksum(source, destination, MH, zero + body)
        return HEADER.pack(self.next_header, length, self.type, self.reserved, value) + body + self.trailer

    def verifies(self, source: bytes, destination: bytes) -> bool:
        """Tell whether the checksum that was received is right for these addresses."""
        header = replace(self, trailer=b"") if self.trailer else self
        return verifies(source, destination, MH, header.encode(source, destination))


def decode_mobility(data: bytes, at: int, end: int, faults: list[Fault]) -> MobilityHeader | None:
    """Decode a Mobility Header in ``data[at:end]``; None where not even its fixed part is whole."""
    if end - at < 8:
        faults.append(Fault(at, "mobility header", "at least 8 bytes", str(end - at)))
        return None
    next_header, length, kind, reserved, value = HEADER.unpack_from(data, at)
    stop = at + 8 + length * 8
    if stop > end:
        faults.append(Fault(at + 1, "header length", f"at most {(end - at) // 8 - 1}", str(length)))
        return None
    if next_header != NO_NEXT_HEADER:
        faults.append(Fault(at, "payload proto", str(NO_NEXT_HEADER), str(next_header)))
    if stop < end:
        faults.append(Fault(stop, "end of the mobility header", "nothing behind it", f"{end - stop} bytes"))
    least, decode = MESSAGES.get(kind, (0, None))
    if length < least:
        faults.append(Fault(at + 1, "header length", f"at least {least}", str(length)))
        decode = None
    message = OtherMessage(kind, data[at + 6 : stop]) if decode is None else decode(data, at + 6, stop, faults)
    return MobilityHeader(message, value, next_header, reserved, data[stop:end])


def padded(message: Padded) -> Padded:
    """Return a message with its options padded into place, and the header to a multiple of 8 bytes."""
    fixed = len(message.encode()) - len(encode_options(message.options))
    return replace(message, options=lay_out(message.options, HEADER.size + fixed, ALIGNMENTS))
