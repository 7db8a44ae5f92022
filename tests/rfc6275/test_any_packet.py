"""Whatever comes, nothing breaks: arbitrary bytes, packets that went wrong on the way, and whole histories."""

from dataclasses import replace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from playbook import (
    CN,
    COA,
    COA2,
    HOA,
    HOA2,
    INTERFACE,
    Scene,
    Tokens,
    Update,
    coti,
    echo,
    frames,
    hoti,
    sent_in,
)

from mipsh.mobility.correspondent import CorrespondentParameters
from mipsh.mobility.correspondent_cache import State
from mipsh.mobility.effects import Effect, InstallBinding, RemoveBinding
from mipsh.mobility.limits import REMEMBERED
from mipsh.mobility.reassembly import MOST_PACKETS
from mipsh.mobility.serial import newer
from mipsh.wire.extension import DestinationOptions, FragmentHeader, RoutingHeader, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import DestinationUnreachable, EchoReply, Icmpv6
from mipsh.wire.mobility import MobilityHeader, OtherMessage
from mipsh.wire.packet import Packet, Payload
from mipsh.wire.tlv import PadN, UnknownOption

QUIET = settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
MINIMUM_MTU = 1280
ROUTING_HEADER = 24
HOMES, CARES = (HOA, HOA2), (COA, COA2)


def bound_scene() -> tuple[Scene, list[bytes]]:
    """Return a node with a binding, and packets of every kind that means something to it."""
    scene = Scene()
    update = scene.reg()
    routed = Packet(CN, COA, Icmpv6(EchoReply(1, 1)), (Type2RoutingHeader(HOA),))
    packets = [
        hoti(),
        coti(),
        echo(COA, HOA),
        echo(HOA, data=bytes(1300)),
        echo(COA2, HOA, data=bytes(2000)),
        replace(update, s=2).packet(),
        replace(update, s=3, lifetime=0).packet(),
        update.bare(),
        Packet(HOA, CN, MobilityHeader(OtherMessage(99, bytes(2000)))),
        Packet(HOA, CN, MobilityHeader(OtherMessage(1, bytes(2)), trailer=bytes(1400))),
        Packet(COA2, CN, Icmpv6(DestinationUnreachable(0, 0, routed.encode()))),
        Packet(HOA, CN, Payload(17, bytes(1400)), (carrying(UnknownOption(0x9E, b"x")),)),
        Packet(HOA, CN, Payload(135, bytes(8)), (FragmentHeader(0, True, 1),)),
        Packet(HOA, CN, Payload(17, bytes(8)), (RoutingHeader(0, 1, bytes(20)), DestinationOptions((PadN(bytes(4)),)))),
    ]
    return scene, [packet.encode() for packet in packets]


def checked(scene: Scene, data: bytes) -> list[Effect]:
    """Hand bytes to a node; what comes back is one packet at the most, and not much more than came."""
    scene.node.advance(scene.now)
    effects = scene.node.receive(data, INTERFACE, scene.now)
    sent = sent_in(effects)
    assert len(sent) <= 1
    for packet in sent:
        is_reply = isinstance(packet.upper, Icmpv6) and isinstance(packet.upper.message, EchoReply)
        assert len(packet.encode()) <= (len(data) + ROUTING_HEADER if is_reply else MINIMUM_MTU)
    return effects


@QUIET
@given(st.binary(max_size=200), st.binary(max_size=120))
def test_arbitrary_bytes_never_raise(anything: bytes, payload: bytes) -> None:
    """Also as the payload of a packet that is for the node."""
    scene, _ = bound_scene()
    checked(scene, anything)
    number = payload[0] if payload else 0
    for next_header in (0, 43, 44, 50, 58, 60, 135, number):
        checked(scene, Packet(COA, CN, Payload(next_header, payload)).encode())
    scene.wait(1000)


@QUIET
@given(st.data())
def test_packets_that_went_wrong_never_raise(data: st.DataObject) -> None:
    """Some bytes changed, and some of the end lost; the binding ends in its time at the latest."""
    scene, packets = bound_scene()
    for _ in range(5):
        packet = bytearray(data.draw(st.sampled_from(packets)))
        for _ in range(data.draw(st.integers(0, 4))):
            packet[data.draw(st.integers(0, min(len(packet), 200) - 1))] = data.draw(st.integers(0, 255))
        cut = data.draw(st.sampled_from((0, 0, 0, 1, 8, 40)))
        checked(scene, bytes(packet[: len(packet) - cut]))
    scene.wait(420)
    assert all(entry.state is not State.BOUND for entry in scene.correspondent.cache)


def test_tables_are_bounded_under_a_flood() -> None:
    """Ten thousand sources with each kind of packet that could leave something behind."""
    scene = Scene(CorrespondentParameters(max_bindings=100))
    for number in range(10_000):
        home, care_of = HOA[:8] + number.to_bytes(8), COA[:8] + number.to_bytes(8)
        checked(scene, echo(care_of, home).encode())
        fragment = FragmentHeader(0, True, number)
        checked(scene, Packet(care_of, CN, Payload(17, bytes(8)), (fragment,)).encode())
        if number % 20 == 0:
            scene.effects(Update(scene.rr(home, care_of), source=care_of, hao=home).packet())
    cache = scene.correspondent.cache
    assert len(cache) == len(cache.timers) == 100
    assert REMEMBERED >= MOST_PACKETS
    scene.rr()
    scene.chkh()
    scene.wait(1000)
    assert len(cache) == 0
    assert scene.node.next_deadline() is None


class History(RuleBasedStateMachine):
    """Mobile nodes that do return routability, bind, move, leave, and replay what they once sent."""

    def __init__(self) -> None:
        super().__init__()
        self.scene = Scene()
        self.tokens: dict[tuple[bytes, bytes], Tokens] = {}
        self.sent: list[bytes] = []
        self.installed: dict[bytes, bytes] = {}
        self.sequences: dict[bytes, int] = {}

    def take(self, effects: list[Effect]) -> None:
        """Do as a driver does: what is installed is new, and what is removed was there."""
        for effect in effects:
            if isinstance(effect, InstallBinding):
                assert self.installed.get(effect.home_address) != effect.care_of_address
                self.installed[effect.home_address] = effect.care_of_address
            elif isinstance(effect, RemoveBinding):
                del self.installed[effect.home_address]

    def hand_over(self, packet: bytes) -> None:
        """Give the node a packet, what is due first."""
        self.take(self.scene.node.advance(self.scene.now))
        self.take(checked(self.scene, packet))

    @rule(home=st.sampled_from(HOMES), care_of=st.sampled_from(CARES))
    def do_both_tests(self, home: bytes, care_of: bytes) -> None:
        """Return routability."""
        self.pass_time(4)
        self.tokens[home, care_of] = self.scene.rr(home, care_of)

    @rule(data=st.data(), s=st.integers(0, 32767), lifetime=st.integers(0, 120))
    def update(self, data: st.DataObject, s: int, lifetime: int) -> None:
        """A Binding Update with tokens that may be too old by now.

        Numbers stay in half a window: who jumps through more than that within the life of one nonce makes old
        ones newer again, by the rule of section 9.5.1.
        """
        if self.tokens:
            (home, care_of), tokens = data.draw(st.sampled_from(list(self.tokens.items())))
            packet = Update(tokens, s=s, lifetime=lifetime, source=care_of, hao=home).packet().encode()
            self.sent.append(packet)
            self.hand_over(packet)

    @rule(data=st.data())
    def replay(self, data: st.DataObject) -> None:
        """A Binding Update that was sent before."""
        if self.sent:
            bound = dict(self.installed)
            remembered = set(self.sequences)
            self.hand_over(data.draw(st.sampled_from(self.sent)))
            assert all(self.installed.get(home) in (None, bound.get(home)) for home in remembered)

    @rule(seconds=st.integers(0, 800).map(lambda quarters: quarters / 4))
    def pass_time(self, seconds: float) -> None:
        """Time, with everything done when it is due."""
        end = self.scene.now + seconds
        while (deadline := self.scene.node.next_deadline()) is not None and deadline <= end:
            self.scene.now = max(self.scene.now, deadline)
            self.take(self.scene.node.advance(self.scene.now))
        self.scene.now = end

    @rule(home=st.sampled_from(HOMES))
    def answer(self, home: bytes) -> None:
        """A packet to a mobile node goes where the driver was told, and nowhere else."""
        (sent,) = frames(self.scene.node.send(Packet(CN, home, Payload(17, bytes(8))), self.scene.now))
        self.take(self.scene.node.advance(self.scene.now))
        assert sent.destination == self.installed.get(home, home)

    @invariant()
    def sequence_numbers_never_go_back(self) -> None:
        """While one is remembered, the next is the same or newer."""
        now = {entry.home_address: entry.sequence for entry in self.scene.correspondent.cache}
        for home, s in now.items():
            last = self.sequences.get(home)
            assert last is None or s == last or newer(s, last)
        self.sequences = now

    @invariant()
    def bindings_end_in_time(self) -> None:
        """None has more than its lifetime left, and what is installed is what is bound."""
        bound = {}
        for entry in self.scene.correspondent.cache:
            if entry.state is State.BOUND:
                assert entry.expires - self.scene.now <= entry.lifetime_s <= 420
                bound[entry.home_address] = entry.care_of_address
        assert self.installed == bound


TestHistory = History.TestCase
TestHistory.settings = settings(max_examples=40, stateful_step_count=30, deadline=None)
