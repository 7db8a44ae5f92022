"""Two mobile nodes, both away, with optimised routes to each other: one of them moves, and the other keeps sending.

Until the peer has the new binding, packets from the new care-of address must not have the Home Address option: the
peer would answer with Binding Errors, status 1 (RFC 6275 sections 9.3.1 and 11.3.1). A node that uses its
binding too early does just that, so a fault that is switched on shows that the test would find it.

Only an acknowledgement tells when the peer has the binding: packets that go straight overtake the Binding Update, which
goes by the peer's home agent whatever the binding cache says (section 6.1). So a peer that is mobile too is always
asked for one, even where correspondents are not (A=0). The home link here is slow enough to tell.
"""

from collections.abc import Callable

import pytest

from mipsh.lab.applications import Echo
from mipsh.lab.capture import Capture
from mipsh.lab.link import LinkParameters
from mipsh.lab.topology import ETHERNET, HOME_AGENT, Lab, LabParameters
from mipsh.mobility.mobile.parameters import MobileNodeParameters
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    BindingAcknowledgement,
    BindingError,
    BindingUpdate,
    Message,
    MobilityHeader,
)
from mipsh.wire.packet import Packet, decode

MOVING, STAYING = "mn", "mn2"
BEFORE, AFTER, PEER_LINK = "foreign1", "foreign3", "foreign2"
INTERVAL_S = 0.05
GAP_S = 0.05
SOON_S = 10.0
SEEDS = range(4)


class Meeting:
    """The two of them; ``is_faulty`` lets them use bindings too early, ``asks`` sets the A flag.

    The ``seed`` decides when addresses are ready and routers heard.
    """

    def __init__(self, *, is_faulty: bool, asks: bool, seed: int) -> None:
        mobile = MobileNodeParameters((), acknowledge_correspondents=asks, optimise_before_complete=is_faulty)
        slow = LinkParameters(delay_s=0.02)
        self.lab = Lab(LabParameters(seed, foreign_links=3, home=slow, mobile_node=mobile))
        self.network = self.lab.network
        self.network.run_for(1.0)
        assert [self.lab.add_mobile_node(link) for link in (BEFORE, PEER_LINK)] == [MOVING, STAYING]
        self.home, self.peer = self.lab.mobile_nodes[MOVING], self.lab.mobile_nodes[STAYING]
        assert self.runs_until(lambda: self.lab.registered_at(STAYING) is not None)
        self.echo = Echo(self.network, STAYING, self.home, count=200, interval_s=INTERVAL_S)
        assert self.runs_until(self.is_optimised)
        self.network.run_for(1.0)
        self.capture = Capture(self.network.links[AFTER])

    def runs_until(self, condition: Callable[[], bool]) -> bool:
        """Let time pass until a condition holds."""
        return self.network.clock.run(condition, SOON_S)

    def is_optimised(self) -> bool:
        """Tell whether each has a binding of where the other one is."""
        pairs = (MOVING, STAYING), (STAYING, MOVING)
        places = [(self.lab.registered_at(name), self.lab.optimised_at(name, peer)) for name, peer in pairs]
        return all(registered is not None and registered == optimised for registered, optimised in places)

    def moves(self) -> bytes:
        """Let one of them move, the other one's packets come by the home agent; return the new care-of address."""
        before = self.lab.registered_at(MOVING)
        self.network.move(MOVING, ETHERNET, AFTER, GAP_S)
        assert self.runs_until(lambda: self.lab.registered_at(MOVING) not in (before, None))
        care_of = self.lab.registered_at(MOVING)
        assert care_of is not None
        self.sends_by_home_agent()
        assert self.runs_until(self.is_optimised)
        self.network.run_for(1.0)
        return care_of

    def sends_by_home_agent(self) -> None:
        """Let the home agent get a packet of the staying node: one with HAO alone, as if it knew no binding."""
        where = self.lab.registered_at(STAYING)
        assert where is not None
        request = Icmpv6(EchoRequest(0xAAAA, 1, b"to the home address"))
        packet = Packet(where, self.home, request, (carrying(HomeAddress(self.peer)),))
        self.network.stations[HOME_AGENT].take(packet.encode(), ETHERNET, None)

    def packets(self) -> list[tuple[int, Packet]]:
        """Return what was on the new link, with times in nanoseconds."""
        read = [(time, decode(frame[14:])) for time, frame in self.capture.frames]
        return [(time, packet) for time, packet in read if isinstance(packet, Packet)]


def message_of(packet: Packet) -> Message | None:
    """Return the Mobility Header message of a packet that has one."""
    return packet.upper.message if isinstance(packet.upper, MobilityHeader) else None


def sent_early(meeting: Meeting, care_of: bytes) -> list[Packet]:
    """Return what went from the new care-of address with the Home Address option before the acknowledgement came."""
    complete = next(time for time, packet in meeting.packets() if completes(packet, meeting.peer))
    return [
        packet
        for time, packet in meeting.packets()
        if time < complete and packet.source == care_of and packet.covered_destination == meeting.peer
        if packet.home_address_option == meeting.home and message_of(packet) is None
    ]


def completes(packet: Packet, peer: bytes) -> bool:
    """Tell whether a packet is the peer's acknowledgement, which each Binding Update to it asks for."""
    message = message_of(packet)
    if isinstance(message, BindingUpdate) and packet.destination == peer:
        assert message.flags & ACKNOWLEDGE
    return isinstance(message, BindingAcknowledgement) and packet.source == peer


def errors(meeting: Meeting) -> list[BindingError]:
    """Return the Binding Errors of the peer."""
    found = [message_of(packet) for _, packet in meeting.packets() if packet.source == meeting.peer]
    return [message for message in found if isinstance(message, BindingError)]


def is_answer(packet: Packet) -> bool:
    """Tell whether a packet answers what came by the home agent."""
    message = packet.upper.message if isinstance(packet.upper, Icmpv6) else None
    return isinstance(message, EchoReply) and message.identifier == 0xAAAA


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("asks", [True, False], ids=["A=1", "A=0"])
def test_a_binding_is_used_once_it_is_complete(asks: bool, seed: int) -> None:
    """Before that the answer goes through the tunnel, the peer's routing header inside; no error comes."""
    meeting = Meeting(is_faulty=False, asks=asks, seed=seed)
    care_of = meeting.moves()
    assert sent_early(meeting, care_of) == []
    assert errors(meeting) == []
    inner = [packet.upper for _, packet in meeting.packets() if isinstance(packet.upper, Packet)]
    (answer,) = [packet for packet in inner if is_answer(packet)]
    assert (answer.source, answer.headers) == (meeting.home, (Type2RoutingHeader(meeting.peer),))
    goes_on(meeting, care_of)


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("asks", [True, False], ids=["A=1", "A=0"])
def test_a_binding_that_is_used_too_early(asks: bool, seed: int) -> None:
    """The answer goes straight, with both headers; the peer has no such binding, and sends Binding Errors."""
    meeting = Meeting(is_faulty=True, asks=asks, seed=seed)
    care_of = meeting.moves()
    early = sent_early(meeting, care_of)
    assert is_answer(early[0])
    expected = Type2RoutingHeader(meeting.peer), carrying(HomeAddress(meeting.home))
    assert {packet.headers for packet in early} == {expected}
    assert set(errors(meeting)) == {BindingError(1, meeting.home)}
    goes_on(meeting, care_of)


def goes_on(meeting: Meeting, care_of: bytes) -> None:
    """See that the answers to the peer go straight in the end, and that the last of them arrived."""
    (*_, (_, last)) = [(time, packet) for time, packet in meeting.packets() if packet.source == care_of]
    assert last.headers == (Type2RoutingHeader(meeting.peer), carrying(HomeAddress(meeting.home)))
    assert max(meeting.echo.rtts_s) >= len(meeting.echo.sent_at) - 2
