"""The Internet checksum over the IPv6 pseudo-header (RFC 8200 section 8.1, RFC 6275 section 6.1.1)."""

import struct

MH, ICMPV6, TCP, UDP = 135, 58, 6, 17


def ones_complement_sum(data: bytes) -> int:
    """Return the folded 16-bit one's complement sum of bytes (RFC 1071).

    2**16 is 1 modulo 0xFFFF, so the words' sum is what is left of all bytes, read as one number,
    modulo 0xFFFF. Nothing left means 0xFFFF, as only zeros fold to zero.
    """
    number = int.from_bytes(data + b"\0" if len(data) & 1 else data)
    return number % 0xFFFF or (0xFFFF if number else 0)


def checksum(source: bytes, destination: bytes, protocol: int, data: bytes) -> int:
    """Return the checksum of an upper-layer message whose own checksum field is zero.

    ``source`` is the home address where a Home Address option is present, ``destination`` the
    final destination where a type 2 routing header is.
    """
    return 0xFFFF - ones_complement_sum(_pseudo_header(source, destination, protocol, len(data)) + data)


def verifies(source: bytes, destination: bytes, protocol: int, data: bytes) -> bool:
    """Tell whether a message that carries its checksum is what its sender sent."""
    return ones_complement_sum(_pseudo_header(source, destination, protocol, len(data)) + data) == 0xFFFF


def _pseudo_header(source: bytes, destination: bytes, protocol: int, length: int) -> bytes:
    return source + destination + struct.pack(">II", length, protocol)
