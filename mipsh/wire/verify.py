"""What is wrong with a packet that decoding alone does not say.

A packet keeps every byte that it was decoded from, so the place of a part is found by adding up
what the parts before it encode to. What cannot be told is not held against a packet: the checksum
of a fragment, of a packet that was cut short, or of one whose final destination stands in a
routing header that is not understood.
"""

from collections.abc import Iterator, Mapping, Sequence

from msgspec import Struct
from msgspec.structs import replace

from mipsh.wire import extension, mobility
from mipsh.wire.checksum import ICMPV6, MH, TCP, UDP, checksum
from mipsh.wire.extension import (
    DestinationOptions,
    FragmentHeader,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
)
from mipsh.wire.fault import Fault
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import AuthorizationData, MobilityHeader, OtherMessage
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload, Upper
from mipsh.wire.tlv import Layout, Option

TRANSPORTS: Mapping[int, tuple[str, int]] = {TCP: ("TCP", 20), UDP: ("UDP", 8)}
"""What is looked at in a payload that is not decoded: its name, and how long its header is at least."""


class Summed(Struct, frozen=True):
    """A message that carries a checksum: which one, the bytes that it covers, and where in them it is."""

    name: str
    protocol: int
    data: bytes
    place: int


def problems(packet: Packet, at: int = 0) -> tuple[Fault, ...]:
    """Return all that is wrong with a packet, in the order of its bytes; ``at`` is where it begins."""
    faults = [*packet.faults, *_in_headers(packet, at + HEADER_SIZE)]
    start = at + HEADER_SIZE + sum(len(header.encode(0)) for header in packet.headers)
    upper = packet.upper
    if isinstance(upper, Packet):
        faults += problems(upper, start)
    if isinstance(upper, MobilityHeader):
        faults += _in_mobility_header(upper, start)
    if _is_whole(packet):
        faults += list(_in_transport(upper, start)) or _in_checksum(packet, start)
    return tuple(sorted(faults, key=lambda fault: fault.offset))


def _in_headers(packet: Packet, at: int) -> Iterator[Fault]:
    """Find what is wrong with Home Address options: one may be there, in its place (RFC 6275 section 6.3)."""
    seen = 0
    for number, header in enumerate(packet.headers):
        if isinstance(header, HopByHopOptions | DestinationOptions):
            for place, option in _places(header.options, at + 2):
                if isinstance(option, HomeAddress):
                    seen += 1
                    if seen > 1:
                        yield Fault(place, "Home Address options", "at most 1", str(seen))
                    yield from _misplaced(packet, number, place)
                    yield from _misaligned(option, place, at, extension.OPTIONS, extension.ALIGNMENTS)
        at += len(header.encode(0))


def _misplaced(packet: Packet, number: int, place: int) -> Iterator[Fault]:
    """Find out whether a Home Address option stands in the wrong one of the headers."""
    if isinstance(packet.headers[number], HopByHopOptions):
        yield Fault(place, "Home Address", "a destination option", "a hop-by-hop option")
    if any(isinstance(header, RoutingHeader | Type2RoutingHeader) for header in packet.headers[number:]):
        yield Fault(place, "Home Address", "behind the routing header", "before it")
    if any(isinstance(header, FragmentHeader) for header in packet.headers[:number]):
        yield Fault(place, "Home Address", "before the fragment header", "behind it")


def _in_mobility_header(header: MobilityHeader, at: int) -> Iterator[Fault]:
    """Find what is wrong with a Mobility Header and its options (RFC 6275 sections 6.1.1, 6.2, 9.2)."""
    if header.type not in mobility.MESSAGES:
        yield Fault(at + 2, "MH type", f"0 to {max(mobility.MESSAGES)}", str(header.type))
    if header.reserved:
        yield Fault(at + 3, "MH reserved", "0", str(header.reserved))
    message = header.message
    if isinstance(message, OtherMessage):
        return
    fixed = len(message.encode()) - sum(len(option.encode()) for option in message.options)
    for number, (place, option) in enumerate(_places(message.options, at + mobility.HEADER.size + fixed), 1):
        yield from _misaligned(option, place, at, mobility.OPTIONS, mobility.ALIGNMENTS)
        if isinstance(option, AuthorizationData) and number < len(message.options):
            yield Fault(place, "Binding Authorization Data", "the last option", "more options behind it")


def _places(options: Sequence[Option], at: int) -> Iterator[tuple[int, Option]]:
    """Yield options with their offsets; the first is at ``at``."""
    for option in options:
        yield at, option
        at += len(option.encode())


def _misaligned(
    option: Option, place: int, at: int, layouts: Mapping[int, Layout], alignments: Mapping[type, tuple[int, int]]
) -> Iterator[Fault]:
    """Find out whether an option is not where it must stand in a header that begins at ``at``."""
    n, m = alignments.get(type(option), (1, 0))
    if (place - at) % n != m:
        name = layouts[option.encode()[0]].name
        yield Fault(place, f"{name} alignment", f"{n}n+{m}", str(place - at))


def _is_whole(packet: Packet) -> bool:
    """Tell whether all that a checksum covers is in the packet, and understood."""
    if packet.payload_length is not None:
        size = len(packet.encode()) - HEADER_SIZE - len(packet.trailer)
        if packet.payload_length > size:
            return False
    for header in packet.headers:
        if isinstance(header, FragmentHeader) and header.is_piece:
            return False
        if isinstance(header, RoutingHeader) and header.segments_left and header.type != 2:
            return False
    return True


def _in_transport(upper: Upper, at: int) -> Iterator[Fault]:
    """Find a TCP or UDP header that is cut short, and a UDP length that cannot be."""
    if not isinstance(upper, Payload) or upper.protocol not in TRANSPORTS:
        return
    name, least = TRANSPORTS[upper.protocol]
    size = len(upper.data)
    if size < least:
        yield Fault(at, f"{name} header", f"at least {least} bytes", str(size))
    elif upper.protocol == UDP and not least <= _udp_length(upper) <= size:
        yield Fault(at + 4, "UDP length", f"{least} to {size}", str(_udp_length(upper)))


def _in_checksum(packet: Packet, at: int) -> Iterator[Fault]:
    """Find out whether the message at ``at`` carries another checksum than its bytes have.

    All ones and zero are the same sum. But in UDP zero says that there is none, which IPv6 does
    not allow: all ones are sent for it (RFC 8200 section 8.1).
    """
    summed = _summed(packet)
    if summed is None:
        return
    place, behind = summed.place, summed.place + 2
    found = int.from_bytes(summed.data[place:behind])
    bare = summed.data[:place] + b"\0\0" + summed.data[behind:]
    right = checksum(packet.covered_source, packet.covered_destination, summed.protocol, bare)
    if summed.protocol == UDP:
        right = right or 0xFFFF
    if found != right and (summed.protocol == UDP or found % 0xFFFF != right % 0xFFFF):
        yield Fault(at + place, f"{summed.name} checksum", f"0x{right:04x}", f"0x{found:04x}")


def _summed(packet: Packet) -> Summed | None:
    """Return what a packet carries and its checksum covers: a message by its own length, if it has one."""
    upper = packet.upper
    addresses = packet.covered_source, packet.covered_destination
    if isinstance(upper, MobilityHeader):
        return Summed("MH", MH, replace(upper, trailer=b"").encode(*addresses), 4)
    if isinstance(upper, Icmpv6):
        return Summed("ICMPv6", ICMPV6, upper.encode(*addresses), 2)
    if isinstance(upper, Payload) and upper.protocol == TCP:
        return Summed("TCP", TCP, upper.data, 16)
    if isinstance(upper, Payload) and upper.protocol == UDP:
        return Summed("UDP", UDP, upper.data[: _udp_length(upper)], 6)
    return None


def _udp_length(datagram: Payload) -> int:
    return datagram.data[4] << 8 | datagram.data[5]
