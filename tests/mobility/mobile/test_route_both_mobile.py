"""Two mobile nodes that optimise the routes to each other: no Home Address option to a peer without a binding."""

import pytest
from msgspec import Struct
from route_bench import Entropy, parameters, read, reply

from mipsh.mobility.correspondent import Correspondent
from mipsh.mobility.effects import Effect, Send
from mipsh.mobility.headers import at_home_address
from mipsh.mobility.mobile.parameters import Home
from mipsh.mobility.mobile.route_optimisation import RouteOptimisation
from mipsh.mobility.mobile.update_list import State
from mipsh.wire.address import parse
from mipsh.wire.extension import DestinationOptions, Type2RoutingHeader
from mipsh.wire.mobility import BindingError, BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet

HOME_AGENT = parse("2001:db8:0:1::1")
A_HOME, B_HOME = parse("2001:db8:0:1::a"), parse("2001:db8:0:1::b")
A_AWAY, A_ELSEWHERE, B_AWAY = parse("2001:db8:0:2::a"), parse("2001:db8:0:3::a"), parse("2001:db8:0:4::b")


class Hop(Struct, frozen=True):
    """A packet on its way to a mobile node; ``is_tunnelled`` where its home agent tunnelled it there."""

    packet: Packet
    is_tunnelled: bool


class Mobile:
    """A mobile node as far as these tests need one: a correspondent node and route optimisation."""

    def __init__(self, home: bytes, *, faulty: bool) -> None:
        self.home = home
        self.care_of = home
        self.correspondent = Correspondent(Entropy(b"correspondent" + home))
        chosen = parameters(optimise_before_complete=faulty)
        self.optimisation = RouteOptimisation(Home(home), Entropy(home), chosen)
        self.errors = 0
        self.delivered: list[Packet] = []

    def send(self, packet: Packet, now: float) -> Packet | None:
        """Return how a packet leaves; None where it goes through the tunnel."""
        return self.optimisation.outgoing(self.correspondent.outgoing(packet, now), now)

    def receive(self, hop: Hop, now: float) -> list[Effect]:
        """Take in a packet as a node does."""
        packet = hop.packet
        if packet.routing_home_address == self.home:
            packet = at_home_address(packet, self.home)
        refused = self.correspondent.verify_home_address(packet, now)
        if refused is not None:
            return refused
        effects = []
        if packet.destination == self.home:
            effects += self.optimisation.arrived(packet, hop.is_tunnelled, now)
        header = packet.upper
        if not isinstance(header, MobilityHeader):
            self.delivered.append(packet)
            return effects
        self.errors += isinstance(header.message, BindingError)
        effects += self.correspondent.receive(packet, header, now)
        return effects + self.optimisation.receive(packet, header, hop.is_tunnelled, now)


class World:
    """Two mobile nodes, and between them what carries packets at once, or holds them back where told."""

    def __init__(self, *, faulty: bool = False) -> None:
        self.a, self.b = Mobile(A_HOME, faulty=faulty), Mobile(B_HOME, faulty=faulty)
        self.now = 1000.0
        self.wire: list[Packet] = []
        self.holds_updates = False
        self.held: list[Packet] = []

    def move(self, mobile: Mobile, care_of: bytes) -> None:
        """Move a mobile node, and register it at its home agent."""
        mobile.care_of = care_of
        self.do(mobile.optimisation.away(care_of, HOME_AGENT, 3600.0, self.now))

    def do(self, effects: list[Effect]) -> None:
        """Carry packets to whom they are for, and their answers back."""
        for effect in effects:
            if isinstance(effect, Send):
                self.carry(effect.packet)

    def carry(self, packet: Packet) -> None:
        """Carry a packet: out of the tunnel, over the wire, and through the home agent to a home address."""
        packet = read(packet)
        if isinstance(packet.upper, Packet):
            packet = packet.upper
        self.wire.append(packet)
        is_update = isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, BindingUpdate)
        if is_update and self.holds_updates:
            self.held.append(packet)
            return
        for mobile in (self.a, self.b):
            if packet.destination in (mobile.home, mobile.care_of):
                is_tunnelled = packet.destination == mobile.home and mobile.care_of != mobile.home
                self.do(mobile.receive(Hop(packet, is_tunnelled), self.now))

    def say(self, source: Mobile, destination: Mobile) -> Packet:
        """Send a packet between home addresses; return it as it went, the tunnel left out."""
        packet = reply(source.home, destination.home)
        optimised = source.send(packet, self.now)
        if optimised is None:
            routed = source.correspondent.outgoing(packet, self.now)
            self.do(source.optimisation.sent(routed, self.now))
        self.carry(optimised or packet)
        return read(optimised or packet)

    def talk(self) -> None:
        """Let both be away and optimise the routes to each other."""
        self.move(self.a, A_AWAY)
        self.move(self.b, B_AWAY)
        for _ in range(2):
            self.say(self.a, self.b)
            self.say(self.b, self.a)


def test_both_optimise_both_ways() -> None:
    """MN-4-1-1-3-001, MN-2-1-1-2-002: routing header, then Home Address option; peers are their home addresses."""
    world = World()
    world.talk()
    for one, other in ((world.a, world.b), (world.b, world.a)):
        (entry,) = one.optimisation.entries
        assert (entry.peer, entry.state) == (other.home, State.BOUND)
        packet = world.say(one, other)
        assert (packet.source, packet.destination) == (one.care_of, other.care_of)
        assert [type(header) for header in packet.headers] == [Type2RoutingHeader, DestinationOptions]
        assert (packet.routing_home_address, packet.home_address_option) == (other.home, one.home)
        assert other.delivered[-1].upper == read(reply(one.home, other.home)).upper


def test_signalling_goes_to_the_home_address() -> None:
    """MN-3-1-1-3-001: updates and tests go through the peer's home agent, without a routing header."""
    world = World()
    world.talk()
    world.wire.clear()
    world.move(world.a, A_ELSEWHERE)
    signalling = [packet for packet in world.wire if isinstance(packet.upper, MobilityHeader)]
    towards_b = [packet for packet in signalling if packet.source == A_ELSEWHERE]
    assert towards_b
    assert all(packet.destination == B_HOME and packet.routing_home_address is None for packet in towards_b)


@pytest.mark.parametrize("faulty", [False, True])
def test_a_moves_while_b_goes_on_sending(faulty: bool) -> None:
    """Before its own binding is complete, A answers without a Home Address option; else B knows no such binding.

    With the fault A answers at once with both headers, and B answers that with a Binding Error.
    """
    world = World(faulty=faulty)
    world.talk()
    assert world.a.errors == world.b.errors == 0
    world.holds_updates = True
    world.move(world.a, A_ELSEWHERE)
    delivered = len(world.b.delivered)
    world.say(world.b, world.a)
    packet = world.say(world.a, world.b)
    assert (packet.home_address_option is not None) is faulty
    assert (packet.routing_home_address is not None) is faulty
    assert world.a.errors == int(faulty)
    assert len(world.b.delivered) - delivered == int(not faulty)
    world.holds_updates = False
    for held in world.held:
        world.carry(held)
    packet = world.say(world.a, world.b)
    assert (packet.routing_home_address, packet.home_address_option) == (B_HOME, A_HOME)
    assert len(world.b.delivered) - delivered == int(not faulty) + 1


def test_a_peer_that_comes_home() -> None:
    """MN-4-1-1-3-001: the routing header is gone, the Home Address option is still there."""
    world = World()
    world.talk()
    world.b.care_of = B_HOME
    world.do(world.b.optimisation.at_home(world.now))
    packet = world.say(world.a, world.b)
    assert (packet.source, packet.destination) == (A_AWAY, B_HOME)
    assert (packet.routing_home_address, packet.home_address_option) == (None, A_HOME)
    packet = world.say(world.b, world.a)
    assert (packet.routing_home_address, packet.home_address_option) == (None, None) or packet.source == B_HOME
