"""Whether the frames of a probe show it whole or in pieces, and how large it was on the links."""

from collections.abc import Iterable

from msgspec import Struct

from mipsh.paths.echo import LOOPBACK, REPLY, REQUEST, TUNNELS, Echo, Frame
from mipsh.paths.sights import Nature, look
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.packet import IPV6, Packet, decode

DESTINATION, ICMPV6 = 60, 58
ECHO_SIZE = 8
MOST_HEADERS = 4
"""How many headers of options a piece may begin with, and how many packets may be inside of each other."""


class Shape(Struct, frozen=True):
    """A half of a probe on a link: whether it was whole, None where it was not seen, and the bytes of what was."""

    is_whole: bool | None = None
    bytes: int | None = None


def shapes(frames: Iterable[Frame], echo: Echo) -> tuple[Shape, Shape]:
    """Return what the frames of an echo of this node show of its request leaving, and of its reply coming."""
    found: dict[int, Shape] = {}
    for frame in frames:
        if frame.hardware in TUNNELS:
            continue
        part, is_whole = _part(frame, echo)
        is_this_way = frame.hardware == LOOPBACK or frame.is_outgoing is (part == REQUEST)
        if part is not None and is_this_way and part not in found:
            found[part] = Shape(is_whole, len(frame.data))
    return found.get(REQUEST, Shape()), found.get(REPLY, Shape())


def _part(frame: Frame, echo: Echo) -> tuple[int | None, bool]:
    """Return which half of an echo a frame carries, None for neither, and whether it has all of it."""
    piece = _first_piece(frame.data)
    if piece is not None:
        words = piece[:1], piece[4:6], piece[6:8]
        numbers = echo.identifier.to_bytes(2), echo.sequence.to_bytes(2)
        is_it = words[1:] == numbers and words[0] in (bytes((REQUEST,)), bytes((REPLY,)))
        return (piece[0] if is_it else None), False
    sight = look(frame, echo)
    return (None if sight is None or sight.nature is not Nature.ECHO else sight.part), True


def _first_piece(data: bytes) -> bytes | None:
    """Return the ICMPv6 message that the first piece of a packet begins with; None for what is no such piece."""
    found: object = decode(data)
    for _ in range(MOST_HEADERS):
        if not isinstance(found, Packet):
            return None
        packet = found
        last = packet.headers[-1] if packet.headers else None
        if isinstance(last, FragmentHeader) and last.is_piece:
            return None if last.offset else _message(packet.protocol, getattr(packet.upper, "data", b""))
        found = packet.upper
    return None


def _message(protocol: int, data: bytes) -> bytes | None:
    """Return the ICMPv6 message in the beginning of a packet's rest, behind options and headers of a tunnel."""
    for _ in range(MOST_HEADERS):
        if protocol == ICMPV6:
            return data if len(data) >= ECHO_SIZE else None
        if protocol == DESTINATION and len(data) >= ECHO_SIZE:
            protocol, data = data[0], data[8 * (data[1] + 1) :]
        elif protocol == IPV6 and len(data) >= 40:
            protocol, data = data[6], data[40:]
        else:
            return None
    return None
