"""The Internet checksum over the IPv6 pseudo-header (RFC 8200 section 8.1, RFC 6275 section 6.1.1)."""

import struct

MH, ICMPV6, TCP, UDP = 135, 58, 6, 17


def ones_complement_sum(data: bytes) -> int:
    """Return the folded 16-bit one's complement sum of bytes."""
    if len(data) & 1:
        data += b"\0"
    total: int = sum(struct.unpack(f">{len(data) >> 1}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total


def checksum(source: bytes, destination: bytes, protocol: int, data: bytes) -> int:
    """Return the checksum of an upper-layer message whose own checksum field is zero.

    ``source`` is the home address where a Home Address option is present, ``destination`` the
    final destination where a type 2 routing header is.
    """
    pseudo = source + destination + struct.pack(">II", len(data), protocol)
    return 0xFFFF - ones_complement_sum(pseudo + data)


def verifies(source: bytes, destination: bytes, protocol: int, data: bytes) -> bool:
    """Tell whether a message that carries its checksum is what its sender sent."""
    pseudo = source + destination + struct.pack(">II", len(data), protocol)
    return ones_complement_sum(pseudo + data) == 0xFFFF
