"""A whole correspondent node but for its links: packets addressed to it in, effects out (RFC 6275 section 9).

A packet passes, in this order: its addresses, reassembly, its extension headers (RFC 8200
section 4), the Home Address option (section 9.3.1), and then the Mobility Header checks of section
9.2, ICMPv6, or the upper layers. It is dropped at the first of them that it fails.
"""

from collections.abc import Callable, Iterable

from msgspec import structs

from mipsh.mobility.correspondent import Correspondent, CorrespondentParameters
from mipsh.mobility.effects import Deliver, Effect, Send
from mipsh.mobility.gate import Gate
from mipsh.mobility.icmp_errors import ERRONEOUS_FIELD, UNRECOGNIZED_OPTION, ErrorLimits, parameter_problem
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.paths import ND_TYPES, ROUTING_HEADER_SIZE
from mipsh.mobility.reassembly import Reassembly
from mipsh.wire import address as addresses
from mipsh.wire.checksum import ICMPV6, MH
from mipsh.wire.extension import (
    DECODERS,
    DestinationOptions,
    FragmentHeader,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
)
from mipsh.wire.fault import Undecodable
from mipsh.wire.icmpv6 import (
    DestinationUnreachable,
    EchoReply,
    EchoRequest,
    Icmpv6,
)
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import HEADER_SIZE, NO_NEXT_HEADER, Packet, Payload, decode
from mipsh.wire.tlv import Option, Pad1, PadN, UnknownOption

HOME_ADDRESS = 201
PORT_UNREACHABLE = 4
LARGEST_ECHO = 65_000
REDIRECT = 137
NOT_FOR_UPPER_LAYERS = frozenset((ICMPV6, MH, NO_NEXT_HEADER, *DECODERS))
"""What is left as bytes under these numbers is malformed, or nothing."""
SKIP, DISCARD, REPORT, REPORT_UNICAST = range(4)
"""What the two high bits of an option's type say of nodes that do not know it (RFC 8200 section 4.2)."""


class CorrespondentNode:
    """A correspondent node with addresses of its own; ``entropy`` is where its secrets come from."""

    def __init__(
        self, own: Iterable[bytes], entropy: Entropy, parameters: CorrespondentParameters | None = None
    ) -> None:
        self.addresses = tuple(own)
        self.correspondent = Correspondent(entropy, parameters)
        limits = self.correspondent.parameters
        self._limits = ErrorLimits(limits.errors_per_peer, limits.errors_together)
        self._gate = Gate(self._limits)
        self._fragments = Reassembly()

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        deadlines = self.correspondent.next_deadline(), self._fragments.next_deadline()
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now: float) -> list[Effect]:
        """Do what is due at a time."""
        self._fragments.advance(now)
        return self.correspondent.advance(now)

    def outgoing(self, packet: Packet, now: float) -> list[Effect]:
        """Send a packet of the upper layers: by way of the care-of address where there is a binding."""
        return [Send(self.correspondent.outgoing(packet, now))]

    def overhead(self, local_address: bytes, destination: bytes, now: float) -> int:
        """Return by how many bytes the path MTU to a destination is less for the upper layers."""
        is_bound = self.correspondent.cache.bound((local_address, destination), now) is not None
        return ROUTING_HEADER_SIZE if is_bound else 0

    def receive(self, packet: bytes, interface: str, now: float) -> list[Effect]:
        """Take in a packet that came on an interface; what was due before comes first."""
        effects = self.advance(now)
        received = decode(packet)
        if not isinstance(received, Undecodable) and self._is_for_us(received):
            effects += (_on_link(effect, interface) for effect in self._receive(received, now))
        return effects

    def _is_for_us(self, packet: Packet) -> bool:
        if addresses.is_multicast(packet.source):
            return False
        return packet.destination in self.addresses or packet.destination == addresses.ALL_NODES

    def _receive(self, packet: Packet, now: float) -> list[Effect]:
        if packet.payload_length is not None:
            return []
        if packet.headers and isinstance(packet.headers[-1], FragmentHeader) and packet.headers[-1].is_piece:
            whole = self._fragments.add(packet, now)
            read = None if whole is None else decode(whole.encode())
            return self._receive(read, now) if isinstance(read, Packet) else []
        steps: tuple[Callable[[Packet, float], list[Effect] | None], ...]
        steps = self._read_headers, self.correspondent.verify_home_address
        for step in steps:
            refused = step(packet, now)
            if refused is not None:
                return refused
        return self._read_upper(packet, now)

    def _read_headers(self, packet: Packet, now: float) -> list[Effect] | None:
        """Obey the extension headers (RFC 8200 section 4): None lets a packet pass, a list drops it."""
        at, home_addresses = HEADER_SIZE, 0
        for header in packet.headers:
            refused: list[Effect] | None = None
            if isinstance(header, HopByHopOptions | DestinationOptions):
                in_place = isinstance(header, DestinationOptions)
                refused = self._read_options(packet, header.options, in_place, at + 2, now)
                home_addresses += sum(isinstance(option, HomeAddress) for option in header.options)
            elif isinstance(header, Type2RoutingHeader | RoutingHeader):
                refused = self._read_routing(packet, header, at, now)
            if refused is not None:
                return refused
            at += len(header.encode(0))
        return [] if home_addresses > 1 else None

    def _read_options(
        self, packet: Packet, options: Iterable[Option], home_address_is_known: bool, at: int, now: float
    ) -> list[Effect] | None:
        for option in options:
            if isinstance(option, Undecodable):
                return self._problem(packet, ERRONEOUS_FIELD, at + 1, now)
            is_known = isinstance(option, Pad1 | PadN) or (home_address_is_known and isinstance(option, HomeAddress))
            if not is_known:
                kind = option.encode()[0]
                if home_address_is_known and isinstance(option, UnknownOption) and kind == HOME_ADDRESS:
                    return self._problem(packet, ERRONEOUS_FIELD, at + 1, now)
                if kind >> 6 != SKIP:
                    return self._unknown_option(packet, kind >> 6, at, now)
            at += len(option.encode())
        return None

    def _unknown_option(self, packet: Packet, action: int, at: int, now: float) -> list[Effect]:
        if action == DISCARD:
            return []
        return self._problem(packet, UNRECOGNIZED_OPTION, at, now, despite_multicast=action == REPORT)

    def _read_routing(
        self, packet: Packet, header: Type2RoutingHeader | RoutingHeader, at: int, now: float
    ) -> list[Effect] | None:
        """Drop what is to go on from here: this node is no router, and no one's home address is here."""
        if isinstance(header, Type2RoutingHeader) or header.type == 2:
            return []
        return self._problem(packet, ERRONEOUS_FIELD, at + 2, now) if header.segments_left else None

    def _problem(
        self, packet: Packet, code: int, pointer: int, now: float, despite_multicast: bool = False
    ) -> list[Effect]:
        """Answer with a Parameter Problem, unless the packet is an error itself (RFC 4443 section 2.4)."""
        upper = packet.upper
        if isinstance(upper, Icmpv6) and (upper.type < EchoRequest.TYPE or upper.type == REDIRECT):
            return []
        if not self._limits.allow(packet, now, despite_multicast):
            return []
        return [Send(parameter_problem(self._local(packet), packet.source, code, pointer, packet.encode()))]

    def _local(self, packet: Packet) -> bytes:
        """Return the address that a packet is answered from."""
        return self.addresses[0] if addresses.is_multicast(packet.destination) else packet.destination

    def _read_upper(self, packet: Packet, now: float) -> list[Effect]:
        upper = packet.upper
        if isinstance(upper, MobilityHeader):
            refused = self._gate.refuse(packet, now)
            return self.correspondent.receive(packet, upper, now) if refused is None else refused
        if isinstance(upper, Icmpv6):
            return self._read_icmpv6(packet, upper, now)
        if isinstance(upper, Payload) and upper.protocol in NOT_FOR_UPPER_LAYERS:
            return []
        return [_delivered(packet)]

    def _read_icmpv6(self, packet: Packet, upper: Icmpv6, now: float) -> list[Effect]:
        """Answer echo requests, learn from errors, and hand the rest up; neighbour discovery is for the link."""
        if packet.faults or upper.type in ND_TYPES:
            return []
        if not upper.verifies(packet.covered_source, packet.covered_destination):
            return []
        message = upper.message
        if isinstance(message, EchoRequest):
            return self._echo(packet, message, now)
        effects: list[Effect] = []
        if isinstance(message, DestinationUnreachable) and message.code != PORT_UNREACHABLE:
            effects = self._unreachable(message.original, now)
        return [*effects, _delivered(packet)]

    def _echo(self, packet: Packet, request: EchoRequest, now: float) -> list[Effect]:
        source = packet.covered_source
        if source in (addresses.UNSPECIFIED, addresses.LOOPBACK) or len(request.data) > LARGEST_ECHO:
            return []
        reply = EchoReply(request.identifier, request.sequence, request.data)
        return self.outgoing(Packet(self._local(packet), source, Icmpv6(reply)), now)

    def _unreachable(self, original: bytes, now: float) -> list[Effect]:
        quoted = decode(original)
        if isinstance(quoted, Undecodable) or quoted.routing_home_address is None:
            return []
        key = quoted.source, quoted.routing_home_address
        return self.correspondent.unreachable(key, quoted.destination, now)


def _on_link(effect: Effect, interface: str) -> Effect:
    """Return an effect that says where to send what goes to a link-local address: where its cause came from."""
    if isinstance(effect, Send) and addresses.is_link_local(effect.packet.destination):
        return structs.replace(effect, interface=interface)
    return effect


def _delivered(packet: Packet) -> Deliver:
    """Return a packet as the upper layers see it: from its home address (section 9.3.1)."""
    return Deliver(structs.replace(packet, source=packet.covered_source, headers=(), trailer=b"", faults=()))
