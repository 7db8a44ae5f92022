"""Reads from a frame whether it carries a half of an echo, whether it may, or whether it cannot.

Whatever is not certainly something else may be the echo: a frame that was cut, one that is malformed, one
that is encrypted. Checksums are not looked at, since interfaces compute them after packets were seen.
"""

from enum import Enum

from msgspec import Struct

from mipsh.paths.echo import HEADERS_SIZE, LOOPBACK, NO_LINK_LAYER, REPLY, REQUEST, TUNNELS, Echo, Frame
from mipsh.wire import pcap
from mipsh.wire.address import text
from mipsh.wire.extension import DECODERS, DestinationOptions, FragmentHeader, HomeAddress, RoutingHeader
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Error, Icmpv6
from mipsh.wire.packet import ESP, HEADER_SIZE, IPV6, Esp, Packet, decode

ICMPV6, ECHO_SIZE = 58, 8
ESP_LEAST, ESP_MOST = 10, 100
"""What ESP adds to what it carries: SPI, sequence number, vector, padding, trailer and check value (RFC 4303)."""
OPTIONS_MOST = 48
"""A Home Address option and a type 2 routing header, in a packet that is encrypted."""
LEAST = {pcap.ETHERNET: 14, pcap.LINUX_COOKED: 16, pcap.LINUX_COOKED_2: 20, pcap.RAW_IP: 1, pcap.RAW_IPV6: 1}
"""For a link type: the bytes in which a frame says what protocol it carries."""
CUT_BELOW = 32
"""A frame that was cut within so many bytes may have had more before its packet, VLAN tags say."""
_OUTGOING, _OTHER_HOST = 4, 3


class Nature(Enum):
    """What a frame is to an echo."""

    ECHO = "echo"
    ENCRYPTED = "encrypted"
    CUT = "cut"
    OTHER_ADDRESSES = "other addresses"


class Sight(Struct, frozen=True, gc=False):
    """A frame that is, or may be, a half of an echo.

    ``part`` is REQUEST or REPLY, None where it may be either. ``is_link`` is False on a tunnel's own interface.
    ``packet`` is the outermost one; ``tunnels`` counts the headers around the echo.
    """

    nature: Nature
    part: int | None
    time: float
    interface: str
    is_outgoing: bool | None
    is_link: bool
    is_loopback: bool = False
    packet: Packet | None = None
    inner: Packet | None = None
    tunnels: int = 0
    esp_size: int = 0


class _Place(Struct, frozen=True, gc=False):
    """Where a frame was seen, as far as it is known, and the IPv6 packet in it; None where there is none."""

    hardware: int
    is_outgoing: bool | None
    data: bytes | None


Verdict = tuple[Nature | None, int | None]
"""What a packet is to an echo, None for nothing, and which half of it where that is known."""


def look(frame: Frame, echo: Echo) -> Sight | None:
    """Return what a frame is to an echo; None for one that certainly is nothing to it."""
    place = _place(frame)
    if place.data is None:
        return None if _is_other_protocol(frame) else _sight(frame, place, Nature.CUT, None)
    found = _opened(place.data)
    if found is None:
        return _sight(frame, place, Nature.CUT, None)
    packet, inner, tunnels, piece, is_faulty = found
    nature, part = _judge(inner, piece, echo, is_faulty=is_faulty)
    if nature is None:
        return None
    size = _esp_size(inner) if nature is Nature.ENCRYPTED else 0
    return _sight(frame, place, nature, part, (packet, inner, tunnels, size))


def number_of(frame: Frame, identifier: int) -> int | None:
    """Return the sequence number of the echo of an identifier that a frame carries; None for anything else."""
    data = _place(frame).data
    found = None if data is None else _opened(data)
    if found is None:
        return None
    _, inner, _, piece, _ = found
    message = inner.upper.message if isinstance(inner.upper, Icmpv6) else None
    if isinstance(message, EchoRequest | EchoReply):
        return message.sequence if message.identifier == identifier else None
    if (
        piece is None
        or piece.protocol != ICMPV6
        or len(piece.data) < ECHO_SIZE
        or piece.data[0] not in (REQUEST, REPLY)
    ):
        return None
    return int.from_bytes(piece.data[6:8]) if int.from_bytes(piece.data[4:6]) == identifier else None


def echo_of(frame: Frame) -> tuple[int, Echo] | None:
    """Return the echo that a frame carries, whoever's it is, and which half of it; None for anything else."""
    data = _place(frame).data
    found = None if data is None else _opened(data)
    if found is None:
        return None
    inner = found[1]
    message = inner.upper.message if isinstance(inner.upper, Icmpv6) else None
    if not isinstance(message, EchoRequest | EchoReply) or _is_strange(inner):
        return None
    ends = inner.covered_source, inner.covered_destination
    source, destination = ends if message.TYPE == REQUEST else ends[::-1]
    return message.TYPE, Echo(source, destination, message.identifier, message.sequence, b"", len(message.data))


def error_in(frame: Frame) -> tuple[str, Error] | None:
    """Return the ICMPv6 error that a frame carries, and whom it is from; None for anything else."""
    data = _place(frame).data
    found = None if data is None else _opened(data)
    message = found[1].upper.message if found is not None and isinstance(found[1].upper, Icmpv6) else None
    return (text(found[1].source), message) if found is not None and isinstance(message, Error) else None


def _opened(data: bytes) -> tuple[Packet, Packet, int, "Piece | None", bool] | None:
    """Return a packet, the innermost one in it, how deep that is, its first piece, and whether any is malformed."""
    packet = decode(data)
    if not isinstance(packet, Packet):
        return None
    inner, tunnels, is_faulty = packet, 0, bool(packet.faults)
    while isinstance(inner.upper, Packet):
        inner, tunnels = inner.upper, tunnels + 1
        is_faulty = is_faulty or bool(inner.faults)
    piece = _first_piece(inner)
    if piece is not None and piece.protocol == IPV6 and isinstance(again := decode(piece.data), Packet):
        inner, tunnels, piece = again, tunnels + 1, _first_piece(again)
    return packet, inner, tunnels, piece, is_faulty


def _sight(
    frame: Frame, place: _Place, nature: Nature, part: int | None, found: tuple[Packet, Packet, int, int] | None = None
) -> Sight:
    packet, inner, tunnels, size = found or (None, None, 0, 0)
    return Sight(
        nature,
        part,
        frame.time,
        frame.interface,
        place.is_outgoing,
        place.hardware not in TUNNELS,
        place.hardware == LOOPBACK,
        packet,
        inner,
        tunnels,
        size,
    )


class Piece(Struct, frozen=True, gc=False):
    """The first piece of a fragmented packet: the number of what it begins with, and its bytes."""

    protocol: int
    data: bytes


def _is_later_piece(packet: Packet) -> bool:
    """Tell whether a packet is a fragment that is not the first: that one says what all of them are."""
    return any(isinstance(header, FragmentHeader) and header.offset > 0 for header in packet.headers)


def _first_piece(packet: Packet) -> Piece | None:
    """Return what a fragment begins with; None for what is whole, or a later fragment."""
    last = packet.headers[-1] if packet.headers else None
    if isinstance(last, FragmentHeader) and last.is_piece and last.offset == 0:
        return Piece(packet.protocol, packet.upper.data) if hasattr(packet.upper, "data") else None
    return None


def _judge(inner: Packet, piece: Piece | None, echo: Echo, *, is_faulty: bool) -> Verdict:
    """Return what the innermost packet is to an echo, and which half of it."""
    upper = inner.upper
    if _is_later_piece(inner):
        return None, None
    if isinstance(upper, Esp):
        return _judge_esp(inner, upper, echo)
    if piece is not None:
        return _judge_bytes(inner, piece, echo)
    if isinstance(upper, Icmpv6):
        message = upper.message
        if isinstance(message, EchoRequest | EchoReply):
            return _judge_echo(inner, (message.TYPE, message.identifier, message.sequence), message.data, echo)
        return (Nature.CUT, None) if upper.type in (REQUEST, REPLY) else (None, None)
    if is_faulty and inner.protocol in (*DECODERS, ICMPV6, IPV6, ESP):
        return Nature.CUT, None
    return None, None


def _judge_bytes(inner: Packet, piece: Piece, echo: Echo) -> Verdict:
    """Judge the first fragment of a packet, whose message is not decoded."""
    if piece.protocol == ICMPV6 and len(piece.data) >= ECHO_SIZE:
        words = piece.data[0], int.from_bytes(piece.data[4:6]), int.from_bytes(piece.data[6:8])
        return _judge_echo(inner, words, piece.data[8:], echo) if words[0] in (REQUEST, REPLY) else (None, None)
    return (Nature.CUT, None) if piece.protocol in (ICMPV6, IPV6, ESP, *DECODERS) else (None, None)


def _judge_echo(inner: Packet, words: tuple[int, int, int], data: bytes, echo: Echo) -> Verdict:
    """Judge an echo by its type, identifier and sequence number, its data and its addresses."""
    kind, *numbers = words
    if numbers != [echo.identifier, echo.sequence] or not _begins(data, echo.token):
        return None, None
    source, destination = (echo.source, echo.destination) if kind == REQUEST else (echo.destination, echo.source)
    is_from = inner.covered_source == source or (kind == REPLY and source[0] == 0xFF)
    if is_from and inner.covered_destination == destination and not _is_strange(inner):
        return Nature.ECHO, kind
    return Nature.OTHER_ADDRESSES, kind


def _begins(data: bytes, token: bytes) -> bool:
    """Tell whether data, which may be cut, begins with a token."""
    length = min(len(data), len(token))
    return data[:length] == token[:length]


def _is_strange(inner: Packet) -> bool:
    """Tell whether a packet has headers that leave open what its ends are."""
    homes = 0
    for header in inner.headers:
        if isinstance(header, RoutingHeader):
            return True
        if isinstance(header, DestinationOptions):
            homes += sum(isinstance(option, HomeAddress) for option in header.options)
    return homes > 1


def _esp_size(packet: Packet) -> int:
    """Return the bytes of the ESP in a packet, as its header says."""
    before = sum(len(header.encode(0)) for header in packet.headers)
    if packet.payload_length is not None:
        return packet.payload_length - before
    return len(packet.upper.data) + 8 if isinstance(packet.upper, Esp) else 0


def _judge_esp(packet: Packet, upper: Esp, echo: Echo) -> Verdict:
    """Tell whether an encrypted packet has the size of one that carries an echo, whole or without its IPv6 header."""
    if echo.size is None:
        return Nature.ENCRYPTED, None
    least = echo.size + (HEADERS_SIZE - HEADER_SIZE if _has_ends(packet, echo) else HEADERS_SIZE)
    size = _esp_size(packet)
    if least + ESP_LEAST <= size <= least + ESP_MOST + OPTIONS_MOST:
        return Nature.ENCRYPTED, None
    return None, None


def _has_ends(packet: Packet, echo: Echo) -> bool:
    return {packet.covered_source, packet.covered_destination} == {echo.source, echo.destination}


def _place(frame: Frame) -> _Place:
    """Return what is known of where a frame was; Linux cooked captures say it themselves."""
    data, hardware, is_outgoing = frame.data, frame.hardware, frame.is_outgoing
    kind: int | None = None
    if frame.linktype == pcap.LINUX_COOKED and len(data) >= 4:
        kind, said = int.from_bytes(data[0:2]), int.from_bytes(data[2:4])
        hardware = said if hardware is None else hardware
    elif frame.linktype == pcap.LINUX_COOKED_2 and len(data) >= 11:
        kind, said = data[10], int.from_bytes(data[8:10])
        hardware = said if hardware is None else hardware
    if is_outgoing is None and kind is not None and kind != _OTHER_HOST:
        is_outgoing = kind == _OUTGOING
    if hardware is None:
        hardware = NO_LINK_LAYER if frame.linktype in (pcap.RAW_IP, pcap.RAW_IPV6) else 1
    return _Place(hardware, is_outgoing, pcap.ipv6_of(frame.linktype, data))


def _is_other_protocol(frame: Frame) -> bool:
    """Tell whether a frame without an IPv6 packet says so itself, and was not merely cut before it."""
    if not frame.is_whole and len(frame.data) < CUT_BELOW:
        return False
    return frame.linktype in LEAST and len(frame.data) >= LEAST[frame.linktype]
