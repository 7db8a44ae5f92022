"""Packets put together from their fragments (RFC 8200 section 4.5), with bounded memory.

Fragments that overlap end the whole packet (RFC 5722). So does a length that cannot be.
"""

from msgspec import Struct, field, structs

from mipsh.mobility.timers import Timers
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload

REASSEMBLY_TIMEOUT_S = 60.0
LARGEST = 65_535
"""Bytes that a packet may have; a little fewer than could be, so that a routing header still fits."""
MOST_PACKETS = 64
MOST_PIECES = 64
UNIT = 8

Key = tuple[bytes, bytes, int]


class _Pieces(Struct):
    """What has come of a packet: bytes by offset, the packet that began it, and where it ends."""

    data: dict[int, bytes] = field(default_factory=dict)
    first: Packet | None = None
    protocol: int = 0
    size: int | None = None

    def overlaps(self, start: int, stop: int) -> bool:
        """Tell whether bytes would lie over others, or behind the end."""
        if self.size is not None and stop > self.size:
            return True
        return any(start < at + len(data) and at < stop for at, data in self.data.items())

    def whole(self) -> Packet | None:
        """Return the packet as it was before it was cut, None while bytes are missing."""
        if self.first is None or self.size is None or sum(map(len, self.data.values())) < self.size:
            return None
        joined = Payload(self.protocol, b"".join(self.data[at] for at in sorted(self.data)))
        return structs.replace(self.first, upper=joined, headers=self.first.headers[:-1], payload_length=None)


class Reassembly:
    """The packets of which not all fragments are there yet; when there are too many, the oldest goes."""

    def __init__(self) -> None:
        self._waiting: dict[Key, _Pieces] = {}
        self._timers: Timers[Key] = Timers()

    def __len__(self) -> int:
        """Return how many packets wait for fragments."""
        return len(self._waiting)

    def next_deadline(self) -> float | None:
        """Return when the next packet is given up."""
        return self._timers.next()

    def advance(self, now: float) -> None:
        """Give up what has waited too long."""
        for key in self._timers.due(now):
            del self._waiting[key]

    def add(self, packet: Packet, now: float) -> Packet | None:
        """Take a fragment; return the packet that it completes, its payload still as bytes."""
        fragment = packet.headers[-1]
        if not (isinstance(fragment, FragmentHeader) and isinstance(packet.upper, Payload)):
            return None
        key = packet.source, packet.destination, fragment.identification
        pieces = self._waiting.get(key) or self._begin(key, now)
        data = packet.upper.data
        start = fragment.offset * UNIT
        stop = start + len(data)
        if pieces.data.get(start) == data:
            return None
        if not _is_possible(pieces, fragment, start, stop):
            self._drop(key)
            return None
        pieces.data[start] = data
        if start == 0:
            pieces.first, pieces.protocol = packet, packet.upper.protocol
        if not fragment.more:
            pieces.size = stop
        whole = pieces.whole()
        if whole is None:
            return None
        self._drop(key)
        return whole if _size(whole) <= LARGEST else None

    def _begin(self, key: Key, now: float) -> _Pieces:
        if len(self._waiting) >= MOST_PACKETS:
            self._drop(next(iter(self._waiting)))
        pieces = self._waiting[key] = _Pieces()
        self._timers.set(key, now + REASSEMBLY_TIMEOUT_S)
        return pieces

    def _drop(self, key: Key) -> None:
        del self._waiting[key]
        self._timers.cancel(key)


def _size(packet: Packet) -> int:
    """Return how long a packet would be, if it could be."""
    payload = len(packet.upper.data) if isinstance(packet.upper, Payload) else 0
    return HEADER_SIZE + sum(len(header.encode(0)) for header in packet.headers) + payload


def _is_possible(pieces: _Pieces, fragment: FragmentHeader, start: int, stop: int) -> bool:
    """Tell whether a fragment fits those that came before."""
    if stop > LARGEST or start == stop or len(pieces.data) >= MOST_PIECES:
        return False
    if fragment.more and (stop - start) % UNIT:
        return False
    behind_the_end = not fragment.more and any(at >= stop for at in pieces.data)
    second_end = not fragment.more and pieces.size is not None
    return not (behind_the_end or second_end or pieces.overlaps(start, stop))
