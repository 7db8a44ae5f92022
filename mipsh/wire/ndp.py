"""Neighbour discovery (RFC 4861), with the options and flags that RFC 6275 section 7 adds."""

import struct
from collections.abc import Callable, Iterable, Mapping
from typing import ClassVar

from msgspec import Struct

from mipsh.wire.fault import Fault, Undecodable

MANAGED, OTHER, HOME_AGENT = 0x80, 0x40, 0x20
"""Flags of a Router Advertisement; bits 0x18 are the default router preference (RFC 4191)."""
ROUTER, SOLICITED, OVERRIDE = 0x80000000, 0x40000000, 0x20000000
"""Flags of a Neighbour Advertisement."""
ON_LINK, AUTONOMOUS, ROUTER_ADDRESS = 0x80, 0x40, 0x20
"""Flags of a Prefix Information option."""
INFINITY = 0xFFFFFFFF


class LinkLayer(Struct, frozen=True, gc=False):
    """A link-layer address: of the source (type 1) or of the target (type 2) (RFC 4861 section 4.6.1)."""

    type: int
    address: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((self.type, (len(self.address) + 2) // 8)) + self.address


class PrefixInformation(Struct, frozen=True, gc=False):
    """A prefix of the link (RFC 4861 section 4.6.2); with ROUTER_ADDRESS a router's address (RFC 6275 section 7.2)."""

    length: int
    flags: int
    valid_s: int
    preferred_s: int
    prefix: bytes
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the option."""
        return _PREFIX.pack(3, 4, self.length, self.flags, self.valid_s, self.preferred_s, self.reserved, self.prefix)


class Mtu(Struct, frozen=True, gc=False):
    """The MTU of the link (RFC 4861 section 4.6.4)."""

    mtu: int
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the option."""
        return struct.pack(">BBHI", 5, 1, self.reserved, self.mtu)


class AdvertisementInterval(Struct, frozen=True, gc=False):
    """The longest time between two Router Advertisements, in milliseconds (RFC 6275 section 7.3)."""

    interval_ms: int
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the option."""
        return struct.pack(">BBHI", 7, 1, self.reserved, self.interval_ms)


class HomeAgentInformation(Struct, frozen=True, gc=False):
    """How preferred a home agent is, and for how long it serves, in seconds (RFC 6275 section 7.4)."""

    preference: int
    lifetime_s: int
    reserved: int = 0

    def encode(self) -> bytes:
        """Return the option."""
        return struct.pack(">BBHHH", 8, 1, self.reserved, self.preference, self.lifetime_s)


class OtherOption(Struct, frozen=True, gc=False):
    """An option of a type that is not decoded here, or of a length that its type does not have."""

    type: int
    data: bytes

    def encode(self) -> bytes:
        """Return the option."""
        return bytes((self.type, (len(self.data) + 2) // 8)) + self.data


Option = LinkLayer | PrefixInformation | Mtu | AdvertisementInterval | HomeAgentInformation | OtherOption | Undecodable

_PREFIX = struct.Struct(">BBBBIII16s")
_LONG = struct.Struct(">HI")
_SHORT = struct.Struct(">HHH")


def _prefix(kind: int, value: bytes) -> Option:
    length, flags, valid, preferred, reserved, prefix = struct.unpack(">BBIII16s", value)
    return PrefixInformation(length, flags, valid, preferred, prefix, reserved)


def _mtu(kind: int, value: bytes) -> Option:
    reserved, mtu = _LONG.unpack(value)
    return Mtu(mtu, reserved)


def _interval(kind: int, value: bytes) -> Option:
    reserved, interval = _LONG.unpack(value)
    return AdvertisementInterval(interval, reserved)


def _home_agent(kind: int, value: bytes) -> Option:
    reserved, preference, lifetime = _SHORT.unpack(value)
    return HomeAgentInformation(preference, lifetime, reserved)


# A type: its length in units of 8 bytes (0: any), and the decoder of its value.
OPTIONS: Mapping[int, tuple[int, Callable[[int, bytes], Option]]] = {
    1: (0, LinkLayer),
    2: (0, LinkLayer),
    3: (4, _prefix),
    5: (1, _mtu),
    7: (1, _interval),
    8: (1, _home_agent),
}


def read_options(data: bytes, at: int, end: int, faults: list[Fault]) -> tuple[Option, ...]:
    """Read the options in ``data[at:end]``; from a length of zero or beyond the end, bytes are kept."""
    options: list[Option] = []
    while at < end:
        units = data[at + 1] if at + 1 < end else 0
        stop = at + units * 8
        if units == 0 or stop > end:
            faults.append(Fault(at + 1, f"option type {data[at]} length", f"1 to {(end - at) // 8}", str(units)))
            options.append(Undecodable(data[at:end]))
            break
        wanted, decode = OPTIONS.get(data[at], (0, OtherOption))
        if wanted not in (0, units):
            faults.append(Fault(at + 1, f"option type {data[at]} length", str(wanted), str(units)))
            decode = OtherOption
        options.append(decode(data[at], data[at + 2 : stop]))
        at = stop
    return tuple(options)


def encode_options(options: Iterable[Option]) -> bytes:
    """Return options one behind the other."""
    return b"".join([option.encode() for option in options])


class RouterSolicitation(Struct, frozen=True, gc=False):
    """Which routers are there? (RFC 4861 section 4.1)"""

    TYPE: ClassVar[int] = 133
    options: tuple[Option, ...] = ()
    reserved: int = 0
    code: int = 0

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">I", self.reserved) + encode_options(self.options)


class RouterAdvertisement(Struct, frozen=True, gc=False):
    """A router and its link (RFC 4861 section 4.2, RFC 6275 section 7.1); ``flags``: MANAGED, OTHER, HOME_AGENT."""

    TYPE: ClassVar[int] = 134
    hop_limit: int
    flags: int
    lifetime_s: int
    reachable_ms: int = 0
    retransmit_ms: int = 0
    options: tuple[Option, ...] = ()
    code: int = 0

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        fixed = (self.hop_limit, self.flags, self.lifetime_s, self.reachable_ms, self.retransmit_ms)
        return _ADVERTISEMENT.pack(*fixed) + encode_options(self.options)


class NeighborSolicitation(Struct, frozen=True, gc=False):
    """Who has an address, and is it still there? (RFC 4861 section 4.3)"""

    TYPE: ClassVar[int] = 135
    target: bytes
    options: tuple[Option, ...] = ()
    reserved: int = 0
    code: int = 0

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">I", self.reserved) + self.target + encode_options(self.options)


class NeighborAdvertisement(Struct, frozen=True, gc=False):
    """An address is here (RFC 4861 section 4.4); ``flags`` are ROUTER, SOLICITED, OVERRIDE and reserved bits."""

    TYPE: ClassVar[int] = 136
    target: bytes
    flags: int
    options: tuple[Option, ...] = ()
    code: int = 0

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        return struct.pack(">I", self.flags) + self.target + encode_options(self.options)


class Redirect(Struct, frozen=True, gc=False):
    """There is a better first hop to a destination (RFC 4861 section 4.5)."""

    TYPE: ClassVar[int] = 137
    target: bytes
    destination: bytes
    options: tuple[Option, ...] = ()
    reserved: int = 0
    code: int = 0

    def encode(self) -> bytes:
        """Return the message behind type, code and checksum."""
        fixed = struct.pack(">I", self.reserved) + self.target + self.destination
        return fixed + encode_options(self.options)


Message = RouterSolicitation | RouterAdvertisement | NeighborSolicitation | NeighborAdvertisement | Redirect

_ADVERTISEMENT = struct.Struct(">BBHII")


def _word(data: bytes, at: int) -> int:
    return int.from_bytes(data[at : at + 4])


def _solicitation(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> RouterSolicitation:
    return RouterSolicitation(read_options(data, at + 4, end, faults), _word(data, at), code)


def _advertisement(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> RouterAdvertisement:
    hop_limit, flags, lifetime, reachable, retransmit = _ADVERTISEMENT.unpack_from(data, at)
    options = read_options(data, at + 12, end, faults)
    return RouterAdvertisement(hop_limit, flags, lifetime, reachable, retransmit, options, code)


def _neighbor_solicitation(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> NeighborSolicitation:
    options = read_options(data, at + 20, end, faults)
    return NeighborSolicitation(data[at + 4 : at + 20], options, _word(data, at), code)


def _neighbor_advertisement(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> NeighborAdvertisement:
    options = read_options(data, at + 20, end, faults)
    return NeighborAdvertisement(data[at + 4 : at + 20], _word(data, at), options, code)


def _redirect(code: int, data: bytes, at: int, end: int, faults: list[Fault]) -> Redirect:
    options = read_options(data, at + 36, end, faults)
    return Redirect(data[at + 4 : at + 20], data[at + 20 : at + 36], options, _word(data, at), code)


# A type: the fewest bytes behind the checksum, and the decoder.
MESSAGES: Mapping[int, tuple[int, Callable[[int, bytes, int, int, list[Fault]], Message]]] = {
    133: (4, _solicitation),
    134: (12, _advertisement),
    135: (20, _neighbor_solicitation),
    136: (20, _neighbor_advertisement),
    137: (36, _redirect),
}
