"""A packet that is addressed to the node, from its extension headers up to whom it concerns.

It passes, in this order: reassembly, the extension headers, a type 2 routing header (RFC 6275
section 11.3.3), the Home Address option (section 9.3.1), and then the Mobility Header checks of
section 9.2, ICMPv6, a tunnel's end, or the upper layers. It is dropped at the first of them that it
fails.
"""

from collections.abc import Callable

from mipsh.mobility.effects import Deliver, Effect, Send
from mipsh.mobility.gate import Gate
from mipsh.mobility.headers import Reading, Verdict, at_home_address, read_headers
from mipsh.mobility.icmp_errors import ErrorLimits, is_error, parameter_problem
from mipsh.mobility.paths import ND_TYPES, without_extensions
from mipsh.mobility.reassembly import Reassembly
from mipsh.mobility.roles import Arrival, Roles, on_link
from mipsh.wire import address as addresses
from mipsh.wire.checksum import ICMPV6, MH
from mipsh.wire.extension import DECODERS, FragmentHeader, Type2RoutingHeader
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6, PacketTooBig
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import NO_NEXT_HEADER, Packet, Payload, decode

LARGEST_ECHO = 65_000
NOT_FOR_UPPER_LAYERS = frozenset((ICMPV6, MH, NO_NEXT_HEADER, *DECODERS))
"""What is left as bytes under these numbers is malformed, or nothing."""

AnswersFrom = Callable[[Packet, str, float], bytes | None]
TooBig = Callable[[PacketTooBig, float], None]
Inner = Callable[[bytes, Arrival, float], list[Effect]]


class Input:
    """What the node does with packets for itself.

    ``answers_from`` tells the address that a packet is answered from, ``too_big`` learns a path MTU,
    and ``inner`` takes a packet that came out of a tunnel.
    """

    def __init__(
        self, roles: Roles, limits: ErrorLimits, answers_from: AnswersFrom, too_big: TooBig, inner: Inner
    ) -> None:
        self._roles = roles
        self._limits = limits
        self._gate = Gate(limits)
        self._fragments = Reassembly()
        self._answers_from = answers_from
        self._too_big = too_big
        self._inner = inner

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self._fragments.next_deadline()

    def advance(self, now: float) -> None:
        """Give up on packets of which fragments are missing."""
        self._fragments.advance(now)

    def receive(self, packet: Packet, arrival: Arrival, now: float) -> list[Effect]:
        """Take in a packet that is addressed to the node."""
        if packet.payload_length is not None:
            return []
        last = packet.headers[-1] if packet.headers else None
        if isinstance(last, FragmentHeader) and last.is_piece:
            whole = self._fragments.add(packet, now)
            read = None if whole is None else decode(whole.encode())
            return self.receive(read, arrival, now) if isinstance(read, Packet) else []
        if packet.headers:
            reading = read_headers(packet)
            if reading.verdict is not Verdict.PASS:
                return self._refuse(packet, reading, arrival, now)
        final = self._at_final_destination(packet, now)
        if final is None:
            return []
        refused = self._roles.verify_home_address(final, now)
        if refused is not None:
            return self._roles.answer(refused, arrival, now)
        return self._read_upper(packet, final, arrival, now)

    def _at_final_destination(self, packet: Packet, now: float) -> Packet | None:
        """Return a packet behind its type 2 routing header; None where that does not lead to this node."""
        if not any(isinstance(header, Type2RoutingHeader) for header in packet.headers):
            return packet
        home = packet.routing_home_address
        if home is None or not self._roles.accept_routing_header(packet, now):
            return None
        return at_home_address(packet, home)

    def _refuse(self, packet: Packet, reading: Reading, arrival: Arrival, now: float) -> list[Effect]:
        """Drop a packet, and answer with a Parameter Problem where its headers say so (RFC 4443 section 2.4)."""
        despite_multicast = reading.verdict is Verdict.PROBLEM_DESPITE_MULTICAST
        if reading.verdict is Verdict.DROP or is_error(packet):
            return []
        source = self._answers_from(packet, arrival.interface, now)
        if source is None or not self._limits.allow(packet, now, despite_multicast):
            return []
        problem = parameter_problem(source, packet.source, reading.code, reading.pointer, packet.encode())
        return self._roles.answer([Send(problem)], arrival, now)

    def _read_upper(self, packet: Packet, final: Packet, arrival: Arrival, now: float) -> list[Effect]:
        upper = final.upper
        if isinstance(upper, MobilityHeader):
            refused = self._gate.refuse(packet, now)
            if refused is not None:
                return self._roles.answer(refused, arrival, now)
            return self._roles.receive(packet, final, upper, arrival, now)
        if isinstance(upper, Packet):
            return self._leave_tunnel(packet, arrival, now)
        effects = self._read_payload(packet, final, arrival, now)
        mobile_node = self._roles.mobile_node
        if effects and mobile_node is not None and mobile_node.owns(final.destination):
            effects = [*effects, *mobile_node.arrived(final, arrival.is_tunnelled, now)]
        return effects

    def _read_payload(self, packet: Packet, final: Packet, arrival: Arrival, now: float) -> list[Effect]:
        """Return what an upper layer's packet causes; nothing for one that is malformed."""
        upper = final.upper
        if isinstance(upper, Icmpv6):
            return self._read_icmpv6(packet, final, upper, arrival, now)
        if isinstance(upper, Payload) and upper.protocol in NOT_FOR_UPPER_LAYERS:
            return []
        return [Deliver(without_extensions(final))]

    def _read_icmpv6(self, packet: Packet, final: Packet, upper: Icmpv6, arrival: Arrival, now: float) -> list[Effect]:
        """Answer echo requests, learn from errors, and hand the rest up; neighbour discovery is for the link."""
        if final.faults or upper.type in ND_TYPES:
            return []
        if not upper.verifies(final.covered_source, final.covered_destination):
            return []
        if isinstance(upper.message, EchoRequest):
            return self._echo(final, upper.message, arrival, now)
        effects = self._roles.receive_icmpv6(packet, upper, arrival, now)
        if isinstance(upper.message, PacketTooBig):
            self._too_big(upper.message, now)
        if effects is not None and not is_error(final):
            return effects
        return [*(effects or []), Deliver(without_extensions(final))]

    def _echo(self, final: Packet, request: EchoRequest, arrival: Arrival, now: float) -> list[Effect]:
        """Answer an Echo Request by the way that the bindings say (RFC 4443 section 4.2)."""
        source, destination = self._answers_from(final, arrival.interface, now), final.covered_source
        is_silent = destination in (addresses.UNSPECIFIED, addresses.LOOPBACK) or len(request.data) > LARGEST_ECHO
        if source is None or is_silent:
            return []
        reply = EchoReply(request.identifier, request.sequence, request.data)
        return on_link(self._roles.originate(Packet(source, destination, Icmpv6(reply)), now), arrival.interface)

    def _leave_tunnel(self, packet: Packet, arrival: Arrival, now: float) -> list[Effect]:
        """Take a packet out of a tunnel that ends here; other tunnels are the upper layers'."""
        taken = self._roles.decapsulate(packet, arrival, now)
        if taken is None:
            return [Deliver(without_extensions(packet))]
        effects, inner = taken
        if inner is None:
            return effects
        return [*effects, *self._inner(inner, Arrival(arrival.interface, arrival.protection, True), now)]
