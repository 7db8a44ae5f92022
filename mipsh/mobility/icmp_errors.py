"""ICMPv6 errors that a node sends: what they quote, and how many it may send (RFC 4443 sections 2.4 and 3)."""

from mipsh.mobility.limits import Limits
from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import (
    DestinationUnreachable,
    EchoRequest,
    Error,
    Icmpv6,
    PacketTooBig,
    ParameterProblem,
    TimeExceeded,
)
from mipsh.wire.packet import Packet

MINIMUM_MTU = 1280
ERROR_HEADERS = 48
"""Bytes of an error before the packet that it quotes: 40 of IPv6 and 8 of its own."""
NO_ROUTE, BEYOND_SCOPE, ADDRESS_UNREACHABLE, PORT_UNREACHABLE = 0, 2, 3, 4
"""Codes of Destination Unreachable (section 3.1)."""
ERRONEOUS_FIELD, UNRECOGNIZED_NEXT_HEADER, UNRECOGNIZED_OPTION = 0, 1, 2
"""Codes of a Parameter Problem (section 3.4)."""
REDIRECT = 137


class ErrorLimits:
    """How many errors may be sent, to each node and together."""

    def __init__(
        self, per_peer: tuple[float, float] = (1.0, 3.0), together: tuple[float, float] = (100.0, 100.0)
    ) -> None:
        self._limits = Limits(per_peer, together)

    def allow(self, packet: Packet, now: float, despite_multicast: bool = False) -> bool:
        """Tell whether a packet may be answered with an error now, and count it (section 2.4)."""
        if not is_answerable(packet.source):
            return False
        if addresses.is_multicast(packet.destination) and not despite_multicast:
            return False
        return self._limits.allow(packet.source, now)


def is_answerable(source: bytes) -> bool:
    """Tell whether an error may be sent to a packet's source: to a unicast address only."""
    return not addresses.is_multicast(source) and source not in (addresses.UNSPECIFIED, addresses.LOOPBACK)


def is_error(packet: Packet) -> bool:
    """Tell whether a packet is an error or a Redirect itself, which no error may answer (section 2.4)."""
    upper = packet.upper
    return isinstance(upper, Icmpv6) and (upper.type < EchoRequest.TYPE or upper.type == REDIRECT)


def _quoting(original: bytes) -> bytes:
    return original[: MINIMUM_MTU - ERROR_HEADERS]


def parameter_problem(source: bytes, destination: bytes, code: int, pointer: int, original: bytes) -> Packet:
    """Return a Parameter Problem that points at an octet of a packet (section 3.4)."""
    return _packet(source, destination, ParameterProblem(code, pointer, _quoting(original)))


def unreachable(source: bytes, destination: bytes, code: int, original: bytes) -> Packet:
    """Return a Destination Unreachable (section 3.1)."""
    return _packet(source, destination, DestinationUnreachable(code, 0, _quoting(original)))


def too_big(source: bytes, destination: bytes, mtu: int, original: bytes) -> Packet:
    """Return a Packet Too Big (section 3.2)."""
    return _packet(source, destination, PacketTooBig(0, mtu, _quoting(original)))


def time_exceeded(source: bytes, destination: bytes, original: bytes) -> Packet:
    """Return a Time Exceeded for a hop limit that ran out (section 3.3)."""
    return _packet(source, destination, TimeExceeded(0, 0, _quoting(original)))


def _packet(source: bytes, destination: bytes, message: Error) -> Packet:
    return Packet(source, destination, Icmpv6(message))
