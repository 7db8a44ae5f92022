"""Route optimisation from the first packet to the last: with whom, when, by what (RFC 6275 11.3.1, 11.6, 11.7)."""

import pytest
from msgspec import structs
from route_bench import CN, CN2, COA, HA, HOA, Bench, echo, parameters, read, reply, routed

from mipsh.mobility.effects import InstallRoute, Protection, Purpose, RemoveRoute
from mipsh.mobility.mobile.parameters import Optimisation
from mipsh.mobility.mobile.update_list import State
from mipsh.mobility.trace import TimerFired, Transition
from mipsh.wire.address import ALL_NODES, UNSPECIFIED, parse
from mipsh.wire.extension import DestinationOptions, Type2RoutingHeader
from mipsh.wire.icmpv6 import DestinationUnreachable, Icmpv6
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    AuthorizationData,
    BindingAcknowledgement,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTestInit,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
    padded,
)
from mipsh.wire.ndp import NeighborSolicitation
from mipsh.wire.packet import Packet, Payload

UDP = 17


def test_a_tunnelled_packet_starts_both_tests() -> None:
    """MN-2-1-1-2-001, MN-2-1-2-2-001: the home test through the tunnel, the care-of test directly."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: True
    bench.trigger()
    home, care_of = bench.sent
    assert isinstance(home.message, HomeTestInit)
    assert (home.packet.source, home.packet.destination, home.packet.headers) == (HOA, CN, ())
    assert home.tunnel is not None
    assert isinstance(care_of.message, CareOfTestInit)
    assert (care_of.packet.source, care_of.packet.destination, care_of.packet.headers) == (COA, CN, ())
    assert care_of.tunnel is None
    assert (home.protection, care_of.protection) == (None, None)
    assert home.message.cookie != care_of.message.cookie
    assert bench.state() is State.TESTING
    assert not bench.uses_care_of_address()


def test_udp_that_comes_in_starts_it_too() -> None:
    """Whatever the upper layer is."""
    bench = Bench()
    bench.away()
    bench.hear(Packet(CN, HOA, Payload(UDP, bytes(8))))
    assert bench.state() is State.BOUND


def test_a_packet_that_goes_out_starts_it_too() -> None:
    """It goes through the tunnel itself; the next one does not."""
    bench = Bench()
    bench.away()
    assert bench.send(reply()) == read(reply())
    assert bench.state() is State.BOUND
    assert bench.send(reply()).source == COA


def test_home_test_inits_are_protected_where_they_must_be() -> None:
    """R-MN-10: the driver withholds them until there is a security association."""
    bench = Bench(parameters(required=frozenset((Purpose.RETURN_ROUTABILITY,))))
    bench.away()
    bench.lose = lambda packet: True
    bench.trigger()
    assert [sent.protection for sent in bench.sent] == [Protection(Purpose.RETURN_ROUTABILITY, HOA), None]


@pytest.mark.parametrize("acknowledge", [True, False])
def test_the_binding_update(acknowledge: bool) -> None:
    """MN-3-1-1-2-001 to 004: what it says, where it goes, and the A flag as configured."""
    bench = Bench(parameters(acknowledge_correspondents=acknowledge))
    bench.away()
    bench.trigger()
    sent = bench.sent[-1]
    update = sent.message
    assert isinstance(update, BindingUpdate)
    assert (sent.packet.source, sent.packet.destination, sent.tunnel) == (COA, CN, None)
    assert sent.packet.home_address_option == HOA
    assert not routed(sent.packet)
    assert update.flags == (ACKNOWLEDGE if acknowledge else 0)
    assert update.lifetime * 4 == 420
    entry = bench.entry()
    assert update.options[0] == NonceIndices(entry.home_nonce_index or 0, entry.care_of_nonce_index or 0)
    assert isinstance(update.options[-1], AuthorizationData)
    assert bench.nodes[CN].roles.correspondent.cache.bound((CN, HOA), bench.now) is not None
    assert bench.effects == [InstallRoute(HOA, COA, CN)]


def test_packets_of_a_bound_peer_go_by_the_care_of_address() -> None:
    """MN-4-1-1-2-001, MN-4-1-1-2-002: through the tunnel before, with a Home Address option afterwards."""
    bench = Bench()
    bench.away()
    assert not bench.uses_care_of_address()
    bench.trigger()
    packet = bench.send(reply())
    assert (packet.source, packet.destination, packet.home_address_option) == (COA, CN, HOA)
    assert not bench.uses_care_of_address(CN2)


def test_nothing_goes_that_way_until_it_is_acknowledged() -> None:
    """With the A flag the acknowledgement is awaited; without it there is none."""
    for acknowledge in (True, False):
        bench = Bench(parameters(acknowledge_correspondents=acknowledge))
        bench.away()
        bench.lose = lambda packet: packet.home_address_option is not None
        bench.trigger()
        assert len(bench.of(BindingUpdate)) == 1
        assert bench.state() is (State.BINDING if acknowledge else State.BOUND)
        assert bench.uses_care_of_address() is not acknowledge


def test_either_order_of_the_tests() -> None:
    """MN-2-1-3-2-007, MN-2-1-4-2-001: the update goes when both are done."""
    for first in (HomeTestInit, CareOfTestInit):
        bench = Bench()
        bench.away()
        bench.lose = lambda packet: True
        bench.trigger()
        inits = sorted(bench.sent, key=lambda sent: not isinstance(sent.message, first))
        bench.lose = lambda packet: False
        for number, sent in enumerate(inits):
            assert len(bench.of(BindingUpdate)) == 0, number
            bench.reach(sent.packet)
        assert len(bench.of(BindingUpdate)) == 1


HOP = parse("2001:db8:0:2::1")


@pytest.mark.parametrize(
    "packet",
    [
        echo(HA),
        echo(COA),
        echo(HOA),
        echo(UNSPECIFIED),
        echo(ALL_NODES),
        echo(parse("fe80::1")),
        Packet(CN, HOA, MobilityHeader(CareOfTestInit(bytes(8)))),
        Packet(CN, HOA, MobilityHeader(BindingRefreshRequest())),
        Packet(CN, HOA, Icmpv6(NeighborSolicitation(HOA))),
        Packet(HOP, HOA, Icmpv6(DestinationUnreachable(0, 0, reply().encode()))),
    ],
)
def test_what_does_not_start_it(packet: Packet) -> None:
    """MN-2-1-1-2-003, MN-2-1-2-2-004: the home agent's packets, Mobility Headers, what belongs to a link, errors."""
    bench = Bench()
    bench.away()
    bench.hear(packet)
    bench.wait(32)
    assert bench.sent == []


@pytest.mark.parametrize("peer", [HA, COA, HOA, UNSPECIFIED, ALL_NODES, parse("fe80::1")])
def test_to_whom_no_packet_starts_it(peer: bytes) -> None:
    """The same that come from there do not."""
    bench = Bench()
    bench.away()
    bench.send(reply(destination=peer))
    assert bench.sent == []


@pytest.mark.parametrize(
    ("chosen", "expected"),
    [
        ({}, [True, True]),
        ({"optimisation": Optimisation.REFUSED}, [False, False]),
        ({"peers": ((CN, Optimisation.REFUSED),)}, [False, True]),
        ({"optimisation": Optimisation.REFUSED, "peers": ((CN, Optimisation.ALLOWED),)}, [True, False]),
    ],
)
def test_policies(chosen: dict[str, object], expected: list[bool]) -> None:
    """MN-2-1-1-2-015, MN-2-1-1-2-016: in general, and for single correspondents."""
    bench = Bench(parameters(**chosen), (CN, CN2))
    bench.away()
    for peer in (CN, CN2):
        bench.trigger(peer)
    assert [bench.uses_care_of_address(peer) for peer in (CN, CN2)] == expected


def test_not_before_the_home_registration_nor_after_it() -> None:
    """R-MN-09, R-MN-11: no test without a home registration; a lost one ends all."""
    bench = Bench()
    bench.trigger()
    assert bench.sent == []
    bench.optimised()
    bench.lost()
    assert not bench.uses_care_of_address()
    assert bench.effects[-1] == RemoveRoute(HOA, CN)
    bench.trigger()
    bench.wait(700)
    assert bench.sent == []


def test_an_unattended_home_registration_ends_it_too() -> None:
    """At its end nothing goes by the care-of address, whether or not somebody says so."""
    bench = Bench()
    bench.away(lifetime_s=100)
    bench.optimised()
    bench.now += 100
    assert not bench.uses_care_of_address()
    bench.trigger(CN2)
    assert bench.of(HomeTestInit) == []


def test_new_peers_come_at_a_limited_rate() -> None:
    """Nobody makes a mobile node test the whole world by a flood of packets."""
    bench = Bench(parameters(tests_together=(1.0, 2.0)), ())
    bench.away()
    for number in range(5):
        bench.trigger(CN[:15] + bytes((number,)))
    assert len(bench.of(HomeTestInit)) == 2
    bench.now += 1
    bench.trigger(CN[:15] + bytes((9,)))
    assert len(bench.of(HomeTestInit)) == 3


def test_peers_are_limited_and_bindings_kept() -> None:
    """A new peer takes the place of one without a binding, and of no other."""
    third = CN[:15] + bytes((3,))
    bench = Bench(parameters(max_correspondents=2), (CN, third))
    bench.optimised()
    bench.trigger(CN2)
    assert bench.state(CN2) is State.TESTING
    bench.trigger(third)
    assert [entry.peer for entry in bench.optimisation.entries] == [CN, third]
    bench.sent.clear()
    bench.trigger(CN2)
    assert bench.sent == []
    bench.wait(5)
    assert bench.sent == []


def test_headers_stay_in_their_order() -> None:
    """MN-4-1-1-3-001, R-MN-33: the Home Address option follows the routing header; a peer is its home address."""
    bench = Bench()
    bench.optimised()
    packet = structs.replace(reply(), destination=CN2, headers=(Type2RoutingHeader(CN),))
    packet = bench.send(packet)
    assert (packet.source, packet.destination, packet.routing_home_address) == (COA, CN2, CN)
    assert [type(header) for header in packet.headers] == [Type2RoutingHeader, DestinationOptions]


def test_never_for_neighbour_discovery_and_mobility_headers() -> None:
    """MN-4-1-1-2-006, R-MN-44, and sections 6.1 and 11.3.1."""
    bench = Bench()
    bench.optimised()
    for upper in (Icmpv6(NeighborSolicitation(CN)), MobilityHeader(BindingRefreshRequest())):
        packet = Packet(HOA, CN, upper)
        assert bench.optimisation.outgoing(packet, bench.now) is None
        bench.do(bench.optimisation.sent(packet, bench.now))
    assert bench.sent == []


def test_what_else_comes_is_ignored() -> None:
    """Messages that are not for mobile nodes, and acknowledgements before any update."""
    bench = Bench()
    bench.inits()
    bench.hear_message(CareOfTestInit(bytes(8)))
    bench.hear_message(padded(BindingAcknowledgement(0, 0, 1, 100)))
    assert bench.drain() == []


def test_the_trace_tells_transitions_and_timers_but_no_secrets() -> None:
    """Each transition is seen; no cookie, token or key is in any record or entry."""
    bench = Bench()
    bench.lose = lambda packet: True
    bench.away()
    bench.trigger()
    bench.wait(1)
    bench.lose = lambda packet: False
    bench.wait(2)
    transitions = [record for record in bench.records if isinstance(record, Transition)]
    assert {t.machine for t in transitions} == {"return routability test", "correspondent registration"}
    timers = [record.timer for record in bench.records if isinstance(record, TimerFired)]
    assert timers == ["home test", "care of test", "home test", "care of test"]
    seen = repr((bench.records, bench.entry(), bench.effects))
    for message in (*bench.of(HomeTestInit), *bench.of(CareOfTestInit)):
        assert repr(message.cookie)[2:-1] not in seen


def test_entries_show_what_there_is() -> None:
    """Before a binding, with one, and after it."""
    bench = Bench()
    bench.inits()
    entry = bench.entry()
    assert (entry.sequence, entry.flags, entry.expires, entry.lifetime_s, entry.care_of_address) == (None,) * 5
    bench = Bench()
    bench.optimised()
    entry = bench.entry()
    assert (entry.home_address, entry.peer, entry.care_of_address) == (HOA, CN, COA)
    assert (entry.flags, entry.lifetime_s, entry.expires) == (ACKNOWLEDGE, 420, bench.now + 420)
    assert (entry.home_tested, entry.care_of_tested) == (bench.now, bench.now)
    bench.lost()
    assert (bench.entry().expires, bench.entry().lifetime_s) == (None, None)
