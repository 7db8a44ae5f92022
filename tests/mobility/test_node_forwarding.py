"""A router's packets: onward with one hop less, or back with the reason (RFC 4443, RFC 4861 section 8.2)."""

import pytest
from node_bench import (
    FAR,
    HERE,
    LEFT,
    LINK_LOCAL,
    NOW,
    PREFIXES,
    RIGHT,
    THERE,
    THERE_MAC,
    frames,
    node,
    payload,
    router,
)

from mipsh.mobility.effects import Deliver, Effect
from mipsh.mobility.forwarding import Forwarding
from mipsh.mobility.icmp_errors import ErrorLimits
from mipsh.mobility.node import Node
from mipsh.wire.address import LOOPBACK, UNSPECIFIED, parse
from mipsh.wire.icmpv6 import DestinationUnreachable, Icmpv6, PacketTooBig, ParameterProblem, TimeExceeded
from mipsh.wire.ndp import NeighborSolicitation, Redirect
from mipsh.wire.packet import Packet
from mipsh.wire.verify import problems

SILENT = PREFIXES[RIGHT][:15] + b"\xbb"
LEFT_TO_RIGHT = payload(THERE[LEFT], THERE[RIGHT])
NO_ROUTE, BEYOND_SCOPE, ADDRESS_UNREACHABLE = 0, 2, 3


def told(effects: list[Effect]) -> Icmpv6:
    """Return the one error that goes back to the left, directly."""
    ((interface, link_layer, packet),) = frames(effects)
    assert (interface, link_layer) == (LEFT, THERE_MAC[LEFT])
    assert (packet.source, packet.destination, packet.headers) == (HERE[LEFT], THERE[LEFT], ())
    assert problems(packet) == ()
    assert isinstance(packet.upper, Icmpv6)
    return packet.upper


def test_a_packet_goes_on_with_one_hop_less() -> None:
    """Nothing else of it changes; what a link padded behind it stays there."""
    for padding in (b"", bytes(7)):
        effects = router().receive(LEFT_TO_RIGHT.encode() + padding, LEFT, NOW)
        ((interface, link_layer, packet),) = frames(effects)
        assert (interface, link_layer) == (RIGHT, THERE_MAC[RIGHT])
        assert packet == payload(THERE[LEFT], THERE[RIGHT], hop_limit=63)


def test_a_host_forwards_nothing() -> None:
    """RFC 8200: a node that is no router drops what is not for it."""
    assert node(LEFT, RIGHT).receive(LEFT_TO_RIGHT.encode(), LEFT, NOW) == []


@pytest.mark.parametrize("hop_limit", [0, 1])
def test_the_last_hop(hop_limit: int) -> None:
    """RFC 4443 section 3.3."""
    packet = payload(THERE[LEFT], THERE[RIGHT], hop_limit=hop_limit)
    message = told(router().receive(packet.encode(), LEFT, NOW)).message
    assert message == TimeExceeded(0, 0, packet.encode())


def test_a_packet_too_big_for_the_next_link() -> None:
    """RFC 4443 section 3.2: the error quotes as much as fits the least MTU."""
    packet = payload(THERE[LEFT], THERE[RIGHT], 1300)
    message = told(router(mtu=1300).receive(packet.encode(), LEFT, NOW)).message
    assert message == PacketTooBig(0, 1300, packet.encode()[: 1280 - 48])
    fits = payload(THERE[LEFT], THERE[RIGHT], 1260)
    assert frames(router(mtu=1300).receive(fits.encode(), LEFT, NOW))[0][0] == RIGHT


def test_no_way_there() -> None:
    """RFC 4443 section 3.1."""
    packet = payload(THERE[LEFT], FAR)
    message = told(router().receive(packet.encode(), LEFT, NOW)).message
    assert message == DestinationUnreachable(NO_ROUTE, 0, packet.encode())


def test_a_neighbour_that_does_not_answer() -> None:
    """RFC 4861 section 7.2.2: after three solicitations."""
    here, packet = router(), payload(THERE[LEFT], SILENT)
    asked = frames(here.receive(packet.encode(), LEFT, NOW))
    effects: list[Effect] = []
    while (deadline := here.next_deadline()) is not None:
        effects += here.advance(deadline)
        asked += [frame for frame in frames(effects[-1:]) if frame[0] == RIGHT]
    solicitations = [one.upper.message for _, _, one in asked if isinstance(one.upper, Icmpv6)]
    assert [type(message) for message in solicitations] == [NeighborSolicitation] * 3
    message = told([effect for effect in effects if frames([effect])[0][0] == LEFT]).message
    expected = payload(THERE[LEFT], SILENT, hop_limit=63).encode()
    assert message == DestinationUnreachable(ADDRESS_UNREACHABLE, 0, expected)


def test_a_source_that_stays_on_its_link() -> None:
    """RFC 4443 section 3.1: beyond the scope of the source address; the answer goes back onto that link."""
    packet = payload(LINK_LOCAL, THERE[RIGHT])
    ((interface, _, reply),) = frames(router().receive(packet.encode(), LEFT, NOW))
    assert (interface, reply.destination) == (LEFT, LINK_LOCAL)
    assert isinstance(reply.upper, Icmpv6)
    assert reply.upper.message == DestinationUnreachable(BEYOND_SCOPE, 0, packet.encode())


@pytest.mark.parametrize(
    ("source", "destination"),
    [
        (THERE[LEFT], parse("ff0e::1")),
        (THERE[LEFT], parse("fe80::bb")),
        (UNSPECIFIED, THERE[RIGHT]),
        (LOOPBACK, THERE[RIGHT]),
        (parse("ff0e::1"), THERE[RIGHT]),
    ],
)
def test_what_no_router_forwards_and_nobody_is_told_of(source: bytes, destination: bytes) -> None:
    """RFC 4291 section 2.5: the addresses say so."""
    assert router().receive(payload(source, destination).encode(), LEFT, NOW) == []


def test_no_error_answers_an_error() -> None:
    """RFC 4443 section 2.4."""
    error = Packet(THERE[LEFT], FAR, Icmpv6(ParameterProblem(0, 0, b"quoted")))
    assert router().receive(error.encode(), LEFT, NOW) == []


def test_errors_are_limited() -> None:
    """RFC 4443 section 2.4 f: three at once to one node, then one a second."""
    here, packet = router(), payload(THERE[LEFT], FAR).encode()
    assert sum(len(frames(here.receive(packet, LEFT, NOW))) for _ in range(20)) == 3
    assert len(frames(here.receive(packet, LEFT, NOW + 1))) == 1


def redirected(here: Node, packet: Packet, now: float = NOW) -> list[Redirect]:
    """Return the Redirects that a packet from the left causes."""
    effects = frames(here.receive(packet.encode(), LEFT, now))
    uppers = [(one, one.upper) for _, _, one in effects]
    found = []
    for one, upper in uppers:
        if isinstance(upper, Icmpv6) and isinstance(upper.message, Redirect):
            assert (one.source, one.destination, one.hop_limit) == (
                here.interfaces[LEFT].link_local,
                packet.source,
                255,
            )
            found.append(upper.message)
    return found


def test_a_neighbour_is_told_of_a_better_first_hop() -> None:
    """RFC 4861 section 8.2: of the destination itself, or of another router; within a limit."""
    here = router()
    other = PREFIXES[LEFT][:15] + b"\xcc"
    here.interfaces[LEFT].add_neighbour(other, THERE_MAC[LEFT])
    assert redirected(here, payload(THERE[LEFT], other)) == [Redirect(other, other)]
    here.routing.add(FAR, 128, LEFT, LINK_LOCAL)
    assert redirected(here, payload(THERE[LEFT], FAR)) == [Redirect(LINK_LOCAL, FAR)]
    assert redirected(here, payload(FAR, THERE[LEFT])) == []
    assert sum(len(redirected(here, payload(THERE[LEFT], other))) for _ in range(20)) == 1


def test_a_cut_packet_goes_nowhere() -> None:
    """Its length says more than there is."""
    assert router().receive(LEFT_TO_RIGHT.encode()[:-1], LEFT, NOW) == []


def test_a_mobile_networks_packets_go_through_the_tunnel() -> None:
    """RFC 3963 section 5.4: one hop less there, too; what the tunnel does not take is routed."""
    taken: list[bytes] = []

    def tunnel(data: bytes, now: float) -> list[Effect] | None:
        taken.append(data)
        return [Deliver(LEFT_TO_RIGHT)] if data[24:40] == FAR else None

    here = router()
    forwarding = Forwarding(here.interfaces, here.routing, ErrorLimits(), tunnel)
    packet = payload(THERE[LEFT], FAR)
    assert forwarding.forward(packet.encode(), LEFT, NOW) == [Deliver(LEFT_TO_RIGHT)]
    assert taken == [payload(THERE[LEFT], FAR, hop_limit=63).encode()]
    ((interface, _, _),) = frames(forwarding.forward(LEFT_TO_RIGHT.encode(), LEFT, NOW))
    assert interface == RIGHT
