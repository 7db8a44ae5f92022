"""Tells frames that carry mobility from all others without decoding them, as the kernel's filter does.

Wanted are a Mobility Header, ESP, and the ICMPv6 messages that Mobile IPv6 lives on: directly, behind
extension headers, or in one packet within another; and ICMPv6 errors about a Mobility Header.
"""

from collections.abc import Iterator

from mipsh.captures.frames import ETHERNET, NOT_HERE, Frame, locate
from mipsh.captures.reader import Reader

HEADER_SIZE, ERROR_SIZE = 40, 8
MOST_EXTENSIONS = 4
"""How many extension headers of a packet are followed."""
HOP_BY_HOP, IPV6, ROUTING, ESP, ICMPV6, DESTINATION, MH = 0, 41, 43, 50, 58, 60, 135
TCP, UDP = 6, 17
VERSION = 6
LEAST = 14 + HEADER_SIZE
_FOREIGN = frozenset((TCP, UDP))
_CARRIERS = frozenset((HOP_BY_HOP, ROUTING, DESTINATION))
_TYPES = frozenset((133, 134, 144, 145, 146, 147))
"""Router Solicitation and Advertisement; home agent and prefix discovery."""
_ERRORS = frozenset((1, 2, 3, 4))
_NOTHING = -1


def find(link_type: int, data: bytes, start: int, end: int) -> int:
    """Return where the packet begins in a frame ``data[start:end]`` that carries mobility; else NOT_HERE."""
    if link_type == ETHERNET and end - start > LEAST and data[start + 12] == 0x86 and data[start + 13] == 0xDD:
        at = start + 14
        number = data[at + 6]
        if number in _FOREIGN or data[at] >> 4 != VERSION:
            return NOT_HERE
        return at if number == MH or carries_mobility(data, at, end) else NOT_HERE
    at = locate(link_type, data, start, end)
    return at if at != NOT_HERE and carries_mobility(data, at, end) else NOT_HERE


def carries_mobility(data: bytes, at: int, end: int) -> bool:
    """Tell whether the IPv6 packet in ``data[at:end]`` carries mobility."""
    number, at = _upper(data, at, end)
    if number == IPV6:
        number, at = _upper(data, at, end)
    if number in (MH, ESP):
        return True
    if number != ICMPV6 or at >= end:
        return False
    return data[at] in _TYPES or (data[at] in _ERRORS and _is_about_mobility(data, at + ERROR_SIZE, end))


def _is_about_mobility(data: bytes, at: int, end: int) -> bool:
    """Tell whether a packet that an error quotes carries a Mobility Header."""
    number, at = _upper(data, at, end)
    if number == IPV6:
        number, at = _upper(data, at, end)
    return number == MH


def _upper(data: bytes, at: int, end: int) -> tuple[int, int]:
    """Return the number of what is behind a packet's extension headers, and where that begins."""
    if at + HEADER_SIZE > end:
        return _NOTHING, end
    number = data[at + 6]
    at += HEADER_SIZE
    for _ in range(MOST_EXTENSIONS):
        if number not in _CARRIERS:
            break
        if at + 2 > end:
            return _NOTHING, end
        number, at = data[at], at + 8 + data[at + 1] * 8
    return number, at


def mobility_frames(reader: Reader) -> Iterator[Frame]:
    """Yield the frames of a capture that carry mobility; raises Malformed."""
    return reader.frames(find)
