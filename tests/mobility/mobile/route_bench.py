"""A mobile node's route optimisation on a clock of its own, with real correspondents and a home agent that forwards.

What is sent is read back from its bytes, in which nothing may be wrong, and what correspondents
answer comes back as a node would hand it on. ``lose`` says which packets get lost on their way out.
"""

import hashlib
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from msgspec import Struct, structs

from mipsh.mobility.correspondent import CorrespondentParameters
from mipsh.mobility.effects import Effect, Protection, Send, Transmit
from mipsh.mobility.headers import at_home_address
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.icmp_errors import UNRECOGNIZED_NEXT_HEADER
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.mobile.route_optimisation import RouteOptimisation
from mipsh.mobility.mobile.update_list import State, UpdateListEntry
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.mobility.trace import Record, Trace
from mipsh.wire.address import parse
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Error, Icmpv6, ParameterProblem
from mipsh.wire.mobility import BindingRefreshRequest, CareOfTestInit, HomeTestInit, Message, MobilityHeader
from mipsh.wire.packet import Packet, decode
from mipsh.wire.verify import problems

HOA = parse("2001:db8:0:1::aa")
HA = parse("2001:db8:0:1::1")
COA, COA2 = parse("2001:db8:0:2::aa"), parse("2001:db8:0:3::aa")
CN, CN2 = parse("2001:db8:0:4::1"), parse("2001:db8:0:4::2")
HOME = Home(HOA)
INTERFACE, LINK_LAYER, ROUTER = "eth0", bytes.fromhex("020000000001"), parse("fe80::fe")

Said = TypeVar("Said", bound=Message)


class Entropy:
    """Bytes that look random and are the same in every run of the same seed."""

    def __init__(self, seed: bytes = b"seed") -> None:
        self._seed = seed
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8)).digest(size)


class Sent(Struct, frozen=True):
    """A packet that went out at a time; ``tunnel`` is the outer packet where it went through one."""

    time: float
    packet: Packet
    tunnel: Packet | None
    protection: Protection | None

    @property
    def message(self) -> Message:
        """The mobility message in it."""
        assert isinstance(self.packet.upper, MobilityHeader)
        return self.packet.upper.message


def read(packet: Packet) -> Packet:
    """Return a packet as it is read from its bytes."""
    again = decode(packet.encode())
    assert isinstance(again, Packet)
    return again


def echo(source: bytes = CN, destination: bytes = HOA, home: bytes | None = None) -> Packet:
    """Return an Echo Request, with a Home Address option if a home address is given."""
    headers = () if home is None else (carrying(HomeAddress(home)),)
    return Packet(source, destination, Icmpv6(EchoRequest(7, 1)), headers)


def reply(source: bytes = HOA, destination: bytes = CN) -> Packet:
    """Return an Echo Reply, as upper layers send it."""
    return Packet(source, destination, Icmpv6(EchoReply(7, 1)))


def parameters(**chosen: Any) -> MobileNodeParameters:
    """Return parameters with some of them chosen."""
    return structs.replace(MobileNodeParameters((HOME,)), **chosen)


def correspondent_node(address: bytes, entropy: Entropy, chosen: CorrespondentParameters | None) -> Node:
    """Return a correspondent node that reaches everybody through a router which is always there."""
    link = Interface(
        INTERFACE, LINK_LAYER, Entropy(), InterfaceParameters(dad_transmits=0, accepts_advertisements=False)
    )
    node = Node("cn", [link], entropy, NodeParameters(chosen or CorrespondentParameters()))
    node.set_link(INTERFACE, True, 0.0)
    node.add_address(INTERFACE, address, 128, 0.0)
    node.routing.add(bytes(16), 0, INTERFACE, ROUTER)
    link.add_neighbour(ROUTER, LINK_LAYER)
    return node


class Bench:
    """Route optimisation of one home address, and its world."""

    def __init__(
        self,
        chosen: MobileNodeParameters | None = None,
        peers: Iterable[bytes] = (CN,),
        correspondent: CorrespondentParameters | None = None,
        seed: bytes = b"seed",
    ) -> None:
        self.records: list[Record] = []
        self.optimisation = RouteOptimisation(
            HOME, Entropy(seed), chosen or MobileNodeParameters((HOME,)), Trace("mn", self.records.append)
        )
        self.nodes = {peer: correspondent_node(peer, Entropy(seed + peer), correspondent) for peer in peers}
        self.now = 1000.0
        self.care_of_address: bytes | None = None
        self.sent: list[Sent] = []
        self.effects: list[Effect] = []
        self.lose: Callable[[Packet], bool] = lambda packet: False

    # What happens to the mobile node.

    def away(self, care_of_address: bytes = COA, lifetime_s: float = 3600.0) -> None:
        """Let a home registration be accepted."""
        self.care_of_address = care_of_address
        self.do(self.optimisation.away(care_of_address, HA, lifetime_s, self.now))

    def moving(self) -> None:
        """Let the care-of address change."""
        self.do(self.optimisation.moving(self.now))

    def at_home(self) -> None:
        """Let the mobile node be at home and deregistered."""
        self.care_of_address = None
        self.do(self.optimisation.at_home(self.now))

    def lost(self) -> None:
        """Let the home registration end."""
        self.do(self.optimisation.lost(self.now))

    def wait(self, seconds: float) -> None:
        """Let time pass, and do what becomes due, each at its time."""
        end = self.now + seconds
        while (deadline := self._next()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self.do(self.optimisation.advance(self.now))
            after = self.optimisation.next_deadline()
            assert after is None or after > self.now
            for node in self.nodes.values():
                self._hear_all(node.advance(self.now))
        self.now = end

    def _next(self) -> float | None:
        deadlines = [self.optimisation.next_deadline(), *(node.next_deadline() for node in self.nodes.values())]
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    # Packets.

    def do(self, effects: list[Effect]) -> None:
        """Carry out effects: what is sent reaches its correspondent, and answers come back."""
        for effect in effects:
            if isinstance(effect, Send):
                self._send(effect)
            else:
                self.effects.append(effect)

    def _send(self, effect: Send) -> None:
        outer = read(effect.packet)
        assert problems(outer) == ()
        is_tunnel = isinstance(outer.upper, Packet)
        inner = outer.upper if isinstance(outer.upper, Packet) else outer
        assert problems(inner) == ()
        if is_tunnel:
            assert (outer.source, outer.destination, outer.headers) == (self.care_of_address, HA, ())
        self.sent.append(Sent(self.now, inner, outer if is_tunnel else None, effect.protection))
        if not self.lose(inner):
            self.reach(inner)

    def reach(self, packet: Packet) -> None:
        """Let a packet reach its correspondent, and answers come back."""
        node = self.nodes.get(packet.destination)
        if node is not None:
            self._hear_all(node.receive(packet.encode(), INTERFACE, self.now))

    def _hear_all(self, effects: list[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                packet = decode(effect.data)
                assert isinstance(packet, Packet)
                self.hear(packet)

    def hear(self, packet: Packet, is_tunnelled: bool | None = None) -> None:
        """Let a packet arrive: for the home address through the tunnel while away, else directly."""
        packet = read(packet)
        if packet.routing_home_address == HOA and packet.destination == self.care_of_address:
            packet = at_home_address(packet, HOA)
            is_tunnelled = False
        if packet.destination not in (HOA, self.care_of_address):
            return
        if is_tunnelled is None:
            is_tunnelled = packet.destination == HOA and self.care_of_address is not None
        if packet.destination == HOA:
            self.do(self.optimisation.arrived(packet, is_tunnelled, self.now))
        if isinstance(packet.upper, MobilityHeader):
            self.do(self.optimisation.receive(packet, packet.upper, is_tunnelled, self.now))

    def hear_message(
        self, message: Message, source: bytes = CN, destination: bytes = HOA, is_tunnelled: bool | None = None
    ) -> None:
        """Let a Mobility Header arrive."""
        self.hear(Packet(source, destination, MobilityHeader(message)), is_tunnelled)

    def send(self, packet: Packet) -> Packet:
        """Send a packet of the upper layers; return how it leaves, the tunnel left out."""
        optimised = self.optimisation.outgoing(packet, self.now)
        if optimised is None:
            self.do(self.optimisation.sent(packet, self.now))
        return read(optimised or packet)

    def renew(self, peer: bytes = CN) -> None:
        """Let a peer ask for a refresh."""
        self.hear_message(BindingRefreshRequest(), peer)

    def refuse(self, original: Packet, code: int = UNRECOGNIZED_NEXT_HEADER, source: bytes | None = None) -> None:
        """Let a Parameter Problem come that quotes a packet."""
        self.error(original, ParameterProblem(code, 40, original.encode()), source)

    def error(self, original: Packet, message: Error, source: bytes | None = None) -> None:
        """Let an ICMPv6 error come that quotes a packet, from where that went unless said otherwise."""
        self.do(self.optimisation.receive_error(original, message, source or original.covered_destination, self.now))

    def inits(self) -> tuple[HomeTestInit, CareOfTestInit]:
        """Start both tests, nothing of which arrives, and return what was sent."""
        self.away()
        self.lose = lambda packet: True
        self.trigger()
        home, care_of = self.drain()
        assert isinstance(home, HomeTestInit)
        assert isinstance(care_of, CareOfTestInit)
        return home, care_of

    # What is seen.

    def trigger(self, peer: bytes = CN) -> None:
        """Let a packet of a peer arrive through the tunnel."""
        self.hear(echo(peer))

    def optimised(self, peer: bytes = CN) -> None:
        """Let route optimisation with a peer come about (ROK of the cases)."""
        if self.care_of_address is None:
            self.away()
        self.trigger(peer)
        assert self.uses_care_of_address(peer)
        self.sent.clear()

    def uses_care_of_address(self, peer: bytes = CN) -> bool:
        """Tell whether a packet to a peer leaves by the care-of address; it does not count as one."""
        packet = self.optimisation.outgoing(reply(destination=peer), self.now)
        if packet is None:
            return False
        assert (packet.source, packet.home_address_option) == (self.care_of_address, HOA)
        return True

    def drain(self) -> list[Message]:
        """Return the messages sent since the last time."""
        messages = [sent.message for sent in self.sent]
        self.sent.clear()
        return messages

    def of(self, kind: type[Said]) -> list[Said]:
        """Return the messages of a kind that were sent, still counted as sent."""
        return [message for message in (sent.message for sent in self.sent) if isinstance(message, kind)]

    def times(self, kind: type[Said]) -> list[float]:
        """Return when messages of a kind were sent."""
        return [sent.time for sent in self.sent if isinstance(sent.message, kind)]

    @property
    def cookies(self) -> list[bytes]:
        """The cookies of all tests that were sent."""
        messages = [sent.message for sent in self.sent]
        return [m.cookie for m in messages if isinstance(m, HomeTestInit | CareOfTestInit)]

    def entry(self, peer: bytes = CN) -> UpdateListEntry:
        """Return the entry of a peer."""
        return next(entry for entry in self.optimisation.entries if entry.peer == peer)

    def state(self, peer: bytes = CN) -> State:
        """Return the state of a peer."""
        return self.entry(peer).state


def routed(packet: Packet) -> bool:
    """Tell whether a packet has a type 2 routing header."""
    return any(isinstance(header, Type2RoutingHeader) for header in packet.headers)
