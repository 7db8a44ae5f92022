"""What every node checks of a Mobility Header before it looks inside (RFC 6275 section 9.2)."""

from mipsh.mobility.effects import Effect, Send
from mipsh.mobility.limits import Limits
from mipsh.mobility.status import ErrorStatus
from mipsh.wire import address as addresses
from mipsh.wire.checksum import MH, verifies
from mipsh.wire.icmpv6 import Icmpv6, ParameterProblem
from mipsh.wire.mobility import MESSAGES, BindingError, MobilityHeader
from mipsh.wire.packet import Packet

MINIMUM_MTU = 1280
ERROR_HEADERS = 48
"""Bytes of an ICMPv6 error before the packet that it quotes: 40 of IPv6 and 8 of its own."""
PAYLOAD_PROTO, HEADER_LENGTH = "payload proto", "header length"
ERRONEOUS_FIELD, UNRECOGNIZED_OPTION = 0, 2
"""Codes of a Parameter Problem (RFC 4443 section 3.4)."""


class Gate:
    """Checks Mobility Headers, and answers those that do not pass, within a rate limit."""

    def __init__(
        self, per_peer: tuple[float, float] = (1.0, 3.0), together: tuple[float, float] = (100.0, 100.0)
    ) -> None:
        self._limits = Limits(per_peer, together)

    def refuse(self, packet: Packet, now: float) -> list[Effect] | None:
        """Return None for a header that passes, else what there is to be answered, which may be nothing.

        In the order of the clause: checksum (silence), type (Binding Error 2), payload proto and
        header length (ICMPv6 Parameter Problem that points at the octet).
        """
        header = packet.upper
        if not isinstance(header, MobilityHeader) or not _verifies(packet, header):
            return []
        if header.type not in MESSAGES:
            return self.limited(packet, now, _unrecognized(packet))
        for field in (PAYLOAD_PROTO, HEADER_LENGTH):
            fault = next((f for f in packet.faults if f.field == field), None)
            if fault is not None:
                return self.limited(packet, now, parameter_problem(packet, ERRONEOUS_FIELD, fault.offset))
        return [] if packet.faults else None

    def limited(self, packet: Packet, now: float, answer: Send, despite_multicast: bool = False) -> list[Effect]:
        """Return an error as the answer to a packet, if its source may have one now (RFC 4443 section 2.4)."""
        if not is_answerable(packet.source):
            return []
        if addresses.is_multicast(packet.destination) and not despite_multicast:
            return []
        return [answer] if self._limits.allow(packet.source, now) else []


def is_answerable(source: bytes) -> bool:
    """Tell whether an error may be sent to a packet's source: to a unicast address only."""
    return not addresses.is_multicast(source) and source not in (addresses.UNSPECIFIED, addresses.LOOPBACK)


def parameter_problem(packet: Packet, code: int, pointer: int, source: bytes | None = None) -> Send:
    """Return the ICMPv6 Parameter Problem that points into a packet, directly to the packet's source.

    No binding is used to send it (RFC 6275 section 9.2). It is from ``source``, or from where the
    packet went.
    """
    original = packet.encode()[: MINIMUM_MTU - ERROR_HEADERS]
    message = Icmpv6(ParameterProblem(code, pointer, original))
    return Send(Packet(source or packet.destination, packet.source, message))


def _verifies(packet: Packet, header: MobilityHeader) -> bool:
    """Tell whether the checksum is right, over the header's own length or over all that is there.

    The two differ where the header's length is wrong, or where something follows it. Which of them
    the sender then meant cannot be told, and the Parameter Problem tells it what is wrong.
    """
    covered = packet.covered_source, packet.covered_destination
    return header.verifies(*covered) or verifies(*covered, MH, header.encode(*covered))


def _unrecognized(packet: Packet) -> Send:
    home = packet.home_address_option or addresses.UNSPECIFIED
    error = BindingError(int(ErrorStatus.UNRECOGNIZED_MESSAGE_TYPE), home)
    return Send(Packet(packet.destination, packet.source, MobilityHeader(error)))
