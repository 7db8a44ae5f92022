"""Finishes packets whose sender left checksum and segmentation to its network card (linux/virtio_net.h).

Between virtual interfaces there is no card: such a packet comes with a virtio_net_hdr that says what
is left to do. The checksum field already holds the sum of the pseudo-header, whose addresses are the
final ones, so extension headers need not be read.
"""

import struct
from collections.abc import Iterator

from msgspec import Struct

from mipsh.wire.checksum import ones_complement_sum

VNET_HEADER_SIZE = 10
NEEDS_CHECKSUM = 1
GSO_NONE, GSO_TCP, GSO_UDP = 0, 4, 5
GSO_ECN = 0x80
IPV6_SIZE, LENGTH_AT, LENGTH_END = 40, 4, 6
TCP_SIZE, UDP_SIZE = 20, 8
TCP_SEQUENCE_AT, TCP_OFFSET_AT, TCP_FLAGS_AT = 4, 12, 13
FIN, PSH, CWR = 0x01, 0x08, 0x80
LONGEST_PAYLOAD = 65_535
MOST_SEGMENTS = 128
ONES = 0xFFFF

_HEADER = struct.Struct("=BBHHHH")


class Unfinished(Struct, frozen=True):
    """What a virtio_net_hdr says, its places counted from the beginning of the IPv6 packet."""

    needs_checksum: bool
    segmentation: int
    segment_size: int
    start: int
    field: int


def read(header: bytes | memoryview, link_size: int) -> Unfinished:
    """Read a virtio_net_hdr in front of a link-layer header of so many bytes."""
    flags, segmentation, _, size, start, offset = _HEADER.unpack_from(header)
    at = start - link_size
    return Unfinished(bool(flags & NEEDS_CHECKSUM), segmentation & ~GSO_ECN, size, at, at + offset)


def finish(data: bytes, left: Unfinished) -> list[bytes]:
    """Return the packets that a packet becomes; none where what is said of it cannot be."""
    if left.segmentation == GSO_NONE:
        return [data] if not left.needs_checksum else _checksummed(data, left)
    if not _is_possible(data, left):
        return []
    return list(_segments(data, left))


def _fits(data: bytes, left: Unfinished) -> bool:
    return IPV6_SIZE <= left.start < left.field and left.field + 2 <= len(data)


def _checksummed(data: bytes, left: Unfinished) -> list[bytes]:
    """Return a packet with its checksum."""
    if not _fits(data, left):
        return []
    end = min(len(data), IPV6_SIZE + int.from_bytes(data[LENGTH_AT:LENGTH_END]))
    total = ones_complement_sum(data[left.start : end])
    return [data[: left.field] + _folded(total) + data[left.field + 2 :]]


def _folded(total: int) -> bytes:
    """Return the checksum for a sum; it is never zero, which UDP takes for none (RFC 8200 section 8.1)."""
    return (ONES - total % ONES).to_bytes(2)


def _is_possible(data: bytes, left: Unfinished) -> bool:
    if not left.needs_checksum or not left.segment_size or not _fits(data, left):
        return False
    least = {GSO_TCP: TCP_SIZE, GSO_UDP: UDP_SIZE}.get(left.segmentation)
    return least is not None and left.start + least <= len(data) <= IPV6_SIZE + LONGEST_PAYLOAD


def _segments(data: bytes, left: Unfinished) -> Iterator[bytes]:
    """Yield the segments of a TCP or UDP packet, each a packet with the headers of the whole."""
    is_tcp = left.segmentation == GSO_TCP
    body_at = left.start + ((data[left.start + TCP_OFFSET_AT] >> 4) * 4 if is_tcp else UDP_SIZE)
    body, size = data[body_at:], left.segment_size
    if (is_tcp and body_at < left.start + TCP_SIZE) or len(body) > size * MOST_SEGMENTS:
        return
    head, pseudo = bytearray(data[:body_at]), int.from_bytes(data[left.field : left.field + 2])
    pseudo -= len(data) - left.start
    head[left.field : left.field + 2] = bytes(2)
    for at in range(0, max(len(body), 1), size):
        piece = body[at : at + size]
        head[LENGTH_AT:LENGTH_END] = (body_at + len(piece) - IPV6_SIZE).to_bytes(2)
        upper = memoryview(head)[left.start :]
        if is_tcp:
            _number(upper, data[left.start : body_at], at, is_last=at + size >= len(body))
        else:
            upper[LENGTH_AT:LENGTH_END] = (UDP_SIZE + len(piece)).to_bytes(2)
        length = body_at + len(piece) - left.start
        upper.release()
        total = ones_complement_sum(bytes(head[left.start :]) + piece) + pseudo + length
        yield bytes(head[: left.field]) + _folded(total) + bytes(head[left.field + 2 :]) + piece


def _number(header: memoryview, whole: bytes, at: int, *, is_last: bool) -> None:
    """Give a segment its sequence number and those flags that are its own (RFC 9293 section 3.1)."""
    sequence = int.from_bytes(whole[TCP_SEQUENCE_AT : TCP_SEQUENCE_AT + 4]) + at
    header[TCP_SEQUENCE_AT : TCP_SEQUENCE_AT + 4] = (sequence & 0xFFFFFFFF).to_bytes(4)
    flags = whole[TCP_FLAGS_AT]
    flags &= ~CWR if at else ONES
    header[TCP_FLAGS_AT] = flags if is_last else flags & ~(FIN | PSH)
