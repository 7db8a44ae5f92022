"""A packet cut into fragments by its source (RFC 8200 section 4.5)."""

from collections.abc import Iterator

from msgspec import structs

from mipsh.wire.extension import (
    DestinationOptions,
    FragmentHeader,
    Header,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
)
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload

FRAGMENT_HEADER_SIZE = 8
UNIT = 8


def fragments(packet: Packet, mtu: int, identification: int) -> Iterator[bytes]:
    """Yield a packet's fragments, each of at most ``mtu`` bytes; one that fits is yielded as it is.

    What routers on the way read stands in each of them: hop-by-hop options, and all up to a routing
    header. So does a Home Address option, which stands before a Fragment header (RFC 6275 section 6.3).
    """
    data = packet.encode()
    if len(data) <= mtu:
        yield data
        return
    ahead = _unfragmentable(packet.headers)
    start = HEADER_SIZE + sum(len(header.encode(0)) for header in ahead)
    rest = data[start:]
    size = (mtu - start - FRAGMENT_HEADER_SIZE) // UNIT * UNIT
    number = _next_header(packet, ahead)
    for offset in range(0, len(rest), size):
        piece = rest[offset : offset + size]
        header = FragmentHeader(offset // UNIT, offset + size < len(rest), identification)
        whole = structs.replace(packet, headers=(*ahead, header), upper=Payload(number, piece))
        yield whole.encode()


def _unfragmentable(headers: tuple[Header, ...]) -> tuple[Header, ...]:
    """Return the headers that every fragment begins with."""
    places = [place for place, header in enumerate(headers, 1) if _stands_in_each(header)]
    return headers[: places[-1] if places else 0]


def _stands_in_each(header: Header) -> bool:
    if isinstance(header, DestinationOptions):
        return any(isinstance(option, HomeAddress) for option in header.options)
    return isinstance(header, HopByHopOptions | RoutingHeader | Type2RoutingHeader)


def _next_header(packet: Packet, ahead: tuple[Header, ...]) -> int:
    """Return the number of what the fragments are pieces of."""
    if len(packet.headers) > len(ahead):
        return packet.headers[len(ahead)].NUMBER
    return packet.protocol
