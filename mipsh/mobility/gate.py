"""What every node checks of a Mobility Header before it looks inside (RFC 6275 section 9.2)."""

from mipsh.mobility.effects import Effect, Send
from mipsh.mobility.icmp_errors import ERRONEOUS_FIELD, ErrorLimits, parameter_problem
from mipsh.mobility.status import ErrorStatus
from mipsh.wire import address as addresses
from mipsh.wire.checksum import MH, verifies
from mipsh.wire.mobility import MESSAGES, BindingError, MobilityHeader
from mipsh.wire.packet import Packet

PAYLOAD_PROTO, HEADER_LENGTH = "payload proto", "header length"


class Gate:
    """Checks Mobility Headers, and answers those that do not pass, within a rate limit."""

    def __init__(self, limits: ErrorLimits) -> None:
        self._limits = limits

    def refuse(self, packet: Packet, now: float) -> list[Effect] | None:
        """Return None for a header that passes, else what there is to be answered, which may be nothing.

        In the order of the clause: checksum (silence), type (Binding Error 2), payload proto and
        header length (ICMPv6 Parameter Problem that points at the octet). Answers go directly to the
        packet's source; no binding is used for them.
        """
        header = packet.upper
        if not isinstance(header, MobilityHeader) or not _verifies(packet, header):
            return []
        if header.type not in MESSAGES:
            return self._answer(packet, _unrecognized(packet), now)
        for field in (PAYLOAD_PROTO, HEADER_LENGTH):
            fault = next((f for f in packet.faults if f.field == field), None)
            if fault is not None:
                addresses_of_answer = packet.destination, packet.source
                problem = parameter_problem(*addresses_of_answer, ERRONEOUS_FIELD, fault.offset, packet.encode())
                return self._answer(packet, problem, now)
        return [] if packet.faults else None

    def _answer(self, packet: Packet, answer: Packet, now: float) -> list[Effect]:
        return [Send(answer)] if self._limits.allow(packet, now) else []


def _verifies(packet: Packet, header: MobilityHeader) -> bool:
    """Tell whether the checksum is right, over the header's own length or over all that is there.

    The two differ where the header's length is wrong, or where something follows it. Which of them
    the sender then meant cannot be told, and the Parameter Problem tells it what is wrong.
    """
    covered = packet.covered_source, packet.covered_destination
    return header.verifies(*covered) or verifies(*covered, MH, header.encode(*covered))


def _unrecognized(packet: Packet) -> Packet:
    home = packet.home_address_option or addresses.UNSPECIFIED
    error = BindingError(int(ErrorStatus.UNRECOGNIZED_MESSAGE_TYPE), home)
    return Packet(packet.destination, packet.source, MobilityHeader(error))
