"""The roles that a node plays, asked in turn: home agent, mobile node, and always correspondent node."""

from collections.abc import Iterable

from msgspec import Struct, field, structs

from mipsh.mobility.correspondent import Correspondent, CorrespondentParameters
from mipsh.mobility.effects import Effect, Protection, Send, Signal
from mipsh.mobility.home.agent import HomeAgent
from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.mobility.icmp_errors import PORT_UNREACHABLE
from mipsh.mobility.mobile.node import MobileNode
from mipsh.mobility.mobile.parameters import MobileNodeParameters
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.timers import earliest
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import DestinationUnreachable, Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Packet, decode


class NodeParameters(Struct, frozen=True):
    """The roles that a node plays; every node is a host and a correspondent node."""

    correspondent: CorrespondentParameters = field(default_factory=CorrespondentParameters)
    home_agent: HomeAgentParameters | None = None
    mobile_node: MobileNodeParameters | None = None
    is_router: bool = False


class Arrival(Struct, frozen=True):
    """How a packet came: on which interface, protected by what, and whether through a tunnel that ends here."""

    interface: str
    protection: Protection | None = None
    is_tunnelled: bool = False


class Roles:
    """All roles of a node; those that it does not play are None."""

    def __init__(self, entropy: Entropy, parameters: NodeParameters, interfaces: Iterable[str], trace: Trace) -> None:
        self.correspondent = Correspondent(entropy, parameters.correspondent, trace)
        home, mobile = parameters.home_agent, parameters.mobile_node
        self.home_agent = None if home is None else HomeAgent(entropy, home, trace)
        self.mobile_node = None if mobile is None else MobileNode(entropy, mobile, tuple(interfaces), trace)
        present = self.correspondent, self.home_agent, self.mobile_node
        self._present = tuple(role for role in present if role is not None)

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        first: float | None = None
        for role in self._present:
            first = earliest(first, role.next_deadline())
        return first

    def advance(self, now: float) -> list[Effect]:
        """Do what is due."""
        effects = self._left(self.correspondent.advance(now), now)
        for role in (self.home_agent, self.mobile_node):
            if role is not None:
                effects += role.advance(now)
        return effects

    def start(self, now: float) -> list[Effect]:
        """Begin to play the roles."""
        effects: list[Effect] = []
        for role in (self.home_agent, self.mobile_node):
            if role is not None:
                effects += role.start(now)
        return effects

    def parameters(self, is_router: bool) -> NodeParameters:
        """Return what the roles are played by now."""
        home, mobile = self.home_agent, self.mobile_node
        return NodeParameters(
            self.correspondent.parameters,
            None if home is None else home.parameters,
            None if mobile is None else mobile.parameters,
            is_router,
        )

    def reconfigure(self, parameters: NodeParameters, now: float) -> list[Effect]:
        """Take other policies and lifetimes."""
        self.correspondent.reconfigure(parameters.correspondent)
        if self.home_agent is not None and parameters.home_agent is not None:
            self.home_agent.reconfigure(parameters.home_agent)
        if self.mobile_node is not None and parameters.mobile_node is not None:
            return self.mobile_node.reconfigure(parameters.mobile_node, now)
        return []

    def signal(self, signal: Signal, now: float) -> list[Effect]:
        """Tell the roles what a link says."""
        effects: list[Effect] = []
        for role in (self.home_agent, self.mobile_node):
            if role is not None:
                effects += role.signal(signal, now)
        return effects

    def originate(self, packet: Packet, now: float) -> list[Effect]:
        """Send a packet of the node's own upper layers, by the way that the bindings say."""
        routed = self.correspondent.outgoing(packet, now)
        if self.home_agent is not None and routed is packet:
            routed = self.home_agent.route(packet, now) or packet
        return self.leave(routed, now)

    def leave(self, packet: Packet, now: float) -> list[Effect]:
        """Send a packet that has its routing header: from a home address it goes as the mobile node says."""
        sends = None if self.mobile_node is None else self.mobile_node.outgoing(packet, now)
        return [Send(packet)] if sends is None else sends

    def answer(self, effects: list[Effect], arrival: Arrival, now: float) -> list[Effect]:
        """Return the effects of an answer: what goes to a link-local address goes where its cause came from."""
        return on_link(self._left(effects, now), arrival.interface)

    def _left(self, effects: list[Effect], now: float) -> list[Effect]:
        if self.mobile_node is None:
            return effects
        left: list[Effect] = []
        for effect in effects:
            left += self.leave(effect.packet, now) if isinstance(effect, Send) else [effect]
        return left

    def verify_home_address(self, packet: Packet, now: float) -> list[Effect] | None:
        """Judge a packet's Home Address option: None lets it pass, a list drops it (RFC 6275 section 9.3.1)."""
        if packet.home_address_option is None:
            return None
        if self.home_agent is not None and self.home_agent.verify_home_address(packet, now):
            return None
        return self.correspondent.verify_home_address(packet, now)

    def accept_routing_header(self, packet: Packet, now: float) -> bool:
        """Tell whether a type 2 routing header leads to a home address of this node (section 11.3.3)."""
        return self.mobile_node is not None and self.mobile_node.accepts_routing_header(packet, now)

    def receive(
        self, packet: Packet, final: Packet, header: MobilityHeader, arrival: Arrival, now: float
    ) -> list[Effect]:
        """Take in a Mobility Header that has passed the gate, as it came and as it is at its final destination."""
        if self.home_agent is not None:
            effects = self.home_agent.receive(final, header, arrival.protection, now)
            if effects is not None:
                return effects
        if self.mobile_node is not None:
            effects = self.mobile_node.receive(packet, header, arrival.protection, arrival.is_tunnelled, now)
            if effects is not None:
                return effects
        return self.answer(self.correspondent.receive(final, header, now), arrival, now)

    def receive_icmpv6(self, packet: Packet, upper: Icmpv6, arrival: Arrival, now: float) -> list[Effect] | None:
        """Take in an ICMPv6 message that is about mobility; None where it is not."""
        if self.home_agent is not None:
            effects = self.home_agent.receive_icmpv6(packet, arrival.protection, now)
            if effects is not None:
                return effects
        if self.mobile_node is not None:
            effects = self.mobile_node.receive_icmpv6(packet, arrival.protection, arrival.is_tunnelled, now)
            if effects is not None:
                return effects
        message = upper.message
        if isinstance(message, DestinationUnreachable) and message.code != PORT_UNREACHABLE:
            return self._unreachable(message.original, now)
        return None

    def _unreachable(self, original: bytes, now: float) -> list[Effect] | None:
        quoted = decode(original)
        if not isinstance(quoted, Packet) or quoted.routing_home_address is None:
            return None
        key = quoted.covered_source, quoted.routing_home_address
        return self.correspondent.unreachable(key, quoted.destination, now)

    def decapsulate(self, packet: Packet, arrival: Arrival, now: float) -> tuple[list[Effect], bytes | None] | None:
        """Take a packet out of a tunnel that ends here: effects, and what was in it; None where there is no tunnel."""
        if self.mobile_node is not None:
            inner = self.mobile_node.decapsulate(packet, arrival.protection, now)
            if inner is not None:
                return [], inner
        if self.home_agent is not None:
            return self.home_agent.decapsulate(packet, arrival.protection, now)
        return None if self.mobile_node is None else ([], None)


def on_link(effects: list[Effect], interface: str) -> list[Effect]:
    """Return effects in which what goes to a link-local address goes there on an interface."""
    return [
        structs.replace(effect, interface=interface)
        if isinstance(effect, Send) and effect.interface is None and addresses.is_link_local(effect.packet.destination)
        else effect
        for effect in effects
    ]
