"""Answering in place of another node, finding who does so, and saying that an address is here."""

from itertools import product

import pytest
from host_bench import (
    ALL_NODES,
    LINK_LOCAL,
    MAC,
    OWN,
    PEER,
    PEER_MAC,
    ROUTER_MAC,
    ROUTER_PARAMETERS,
    SURE,
    UNSPECIFIED,
    Bench,
    data,
    interface,
    na,
    ns,
    of,
    only,
    sends,
    up,
)
from msgspec import structs

from mipsh.mobility.effects import (
    AddressFailed,
    AnnounceAddress,
    AssignAddress,
    DefendAddress,
    Effect,
    FindDefender,
    NeighbourFound,
    NeighbourLost,
    ProbeAddress,
    ReleaseAddress,
    Transmit,
)
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.wire.address import parse, solicited_node
from mipsh.wire.ndp import OVERRIDE, SOLICITED, LinkLayer, NeighborAdvertisement, NeighborSolicitation
from mipsh.wire.packet import Packet

HOME = parse("2001:db8:0:1::aa")
HOME_LINK_LOCAL = parse("fe80::aa")
OTHER, OTHER_LINK_LOCAL = parse("2001:db8:0:1::bb"), parse("fe80::bb")
ALL_NODES_MAC = bytes.fromhex("333300000001")
HERE = (LinkLayer(2, MAC),)


def agent() -> Interface:
    """Return a home agent's interface at 10 that defends an address and announced it."""
    made = up(ROUTER_PARAMETERS)
    made.add_address(OWN, 64, 1.0)
    made.carry_out(DefendAddress("eth0", HOME), 1.0)
    made.advance(2.0)
    made.advance(3.0)
    return made


def test_what_is_defended_is_announced_three_times() -> None:
    """To all nodes, overriding what they know (RFC 6275 section 10.4.1, RFC 4861 section 7.2.6)."""
    made = up(ROUTER_PARAMETERS)
    effects = made.carry_out(DefendAddress("eth0", HOME), 1.0)
    sent, message = only(effects, NeighborAdvertisement)
    assert (sent.source, sent.destination) == (LINK_LOCAL, ALL_NODES)
    assert message == NeighborAdvertisement(HOME, OVERRIDE, HERE)
    assert of(effects, Transmit)[0].link_layer == ALL_NODES_MAC
    assert only(made.advance(2.0), NeighborAdvertisement)[1] == message
    assert only(made.advance(3.0), NeighborAdvertisement)[1] == message
    assert made.next_deadline() is None
    assert len(sends(made.carry_out(DefendAddress("eth0", HOME), 4.0))) == 1
    made.carry_out(ReleaseAddress("eth0", HOME), 4.5)
    assert made.next_deadline() is None
    assert made.carry_out(ReleaseAddress("eth0", HOME), 5.0) == []
    assert solicited_node(HOME) not in made.groups


def test_a_defended_address_is_not_the_interfaces_own() -> None:
    """It is listened for, and no more."""
    made = agent()
    assert made.accepts(HOME)
    assert made.accepts(solicited_node(HOME))
    assert not made.owns(HOME)
    assert not made.may_send_from(HOME)
    assert made.source_for(PEER, 4.0) == OWN


@pytest.mark.parametrize(
    ("is_unicast", "mac", "source"), list(product([False, True], [None, PEER_MAC], [PEER, parse("fe80::99")]))
)
def test_a_neighbour_that_solicits_is_answered(is_unicast: bool, mac: bytes | None, source: bytes) -> None:
    """Without R and O, from the home agent's own address; it may have to be resolved first."""
    made = agent()
    effects = made.receive(ns(HOME, source, mac, HOME if is_unicast else None), 4.0)
    if mac is None:
        assert only(effects, NeighborSolicitation)[1].target == source
        effects = made.receive(na(source), 4.1)
    sent, message = only(effects, NeighborAdvertisement)
    assert (sent.source, sent.destination) == (LINK_LOCAL if source[0] == 0xFE else OWN, source)
    assert message == NeighborAdvertisement(HOME, SOLICITED, HERE)
    assert of(effects, Transmit)[0].link_layer == PEER_MAC


def test_who_tests_the_address_is_told_that_it_is_taken() -> None:
    """To all nodes, without S and O."""
    sent, message = only(agent().receive(ns(HOME, UNSPECIFIED), 4.0), NeighborAdvertisement)
    assert (sent.source, sent.destination) == (LINK_LOCAL, ALL_NODES)
    assert message == NeighborAdvertisement(HOME, 0, HERE)


@pytest.mark.parametrize(
    ("target", "source", "mac"),
    list(product([OTHER, OTHER_LINK_LOCAL, HOME_LINK_LOCAL], [PEER, UNSPECIFIED], [None, PEER_MAC])),
)
def test_nobody_is_answered_for_other_targets(target: bytes, source: bytes, mac: bytes | None) -> None:
    """Even if the solicitation came to the defended address's group."""
    made = agent()
    assert made.receive(ns(target, source, mac, solicited_node(HOME)), 4.0) == []
    if source != UNSPECIFIED:
        assert made.receive(ns(target, source, mac, HOME), 4.0) == []
    assert made.neighbours == ()


def test_the_owner_may_say_that_it_is_back() -> None:
    """That changes nothing: a role decides when to release the address."""
    made = agent()
    assert made.receive(na(HOME, flags=OVERRIDE, destination=ALL_NODES), 4.0) == []
    assert made.receive(ns(HOME), 4.1) != []


def test_a_released_address_is_not_answered_for() -> None:
    """The owner does that."""
    made = agent()
    made.carry_out(ReleaseAddress("eth0", HOME), 4.0)
    assert made.receive(ns(HOME), 5.0) == []
    assert not made.accepts(HOME)


def test_announcements_wait_for_a_link_and_an_address() -> None:
    """What could not be announced is as soon as it can be, and what was is not repeated."""
    made = interface(InterfaceParameters(accepts_advertisements=False, forms_addresses=False))
    assert made.carry_out(DefendAddress("eth0", HOME), 0.0) == []
    made.set_link(True, 1.0)
    assert made.carry_out(DefendAddress("eth0", OTHER), 1.5) == []
    assert made.receive(ns(HOME, UNSPECIFIED), 1.6) == []
    assert made.receive(ns(HOME), 1.6) == []
    made.advance(2.0)
    announced = [message for t in (3.0, 4.0, 5.0, 6.0) for _, message in sends(made.advance(t))]
    assert announced == [NeighborAdvertisement(address, OVERRIDE, HERE) for address in (HOME, OTHER)] * 3
    made.set_link(False, 7.0)
    made.set_link(True, 8.0)
    made.advance(9.0)
    assert made.next_deadline() is None


def test_a_link_that_is_lost_ends_the_announcements() -> None:
    """For now; and one whose address was lost too."""
    made = up(ROUTER_PARAMETERS)
    made.carry_out(DefendAddress("eth0", HOME), 1.0)
    made.set_link(False, 1.5)
    assert made.next_deadline() is None
    made.set_link(True, 2.0)
    assert made.next_deadline() == 3


def test_a_node_may_own_what_it_defends() -> None:
    """Then it answers as the owner."""
    made = agent()
    made.add_address(HOME, 64, 4.0)
    _, message = only(made.receive(ns(HOME), 5.0), NeighborAdvertisement)
    assert message.flags & OVERRIDE


# Anycast.


def test_an_anycast_address_is_answered_for_without_overriding() -> None:
    """Others have it as well (RFC 4861 section 7.2.7)."""
    made = agent()
    made.add_anycast(OTHER)
    made.add_anycast(OTHER)
    assert made.accepts(OTHER)
    assert made.accepts(solicited_node(OTHER))
    assert not made.owns(OTHER)
    sent, message = only(made.receive(ns(OTHER), 4.0), NeighborAdvertisement)
    assert sent.source == OWN
    assert not message.flags & OVERRIDE
    made.remove_anycast(OTHER)
    made.remove_anycast(OTHER)
    assert not made.accepts(OTHER)
    assert not made.accepts(solicited_node(OTHER))


# The mobile node's side.


def find(made: Interface, now: float) -> list[Effect]:
    """Ask who answers for the home address."""
    return made.carry_out(FindDefender("eth0", HOME), now)


def test_a_defender_is_found_without_disturbing_anybody() -> None:
    """From the unspecified address; the answer is no sign of a duplicate, and no neighbour (RFC 6275 11.5.5)."""
    made = up(SURE)
    sent, message = only(find(made, 1.0), NeighborSolicitation)
    assert (sent.source, sent.destination) == (UNSPECIFIED, solicited_node(HOME))
    assert message == NeighborSolicitation(HOME)
    assert find(made, 1.5) == []
    assert made.receive(na(HOME, None, flags=0, destination=ALL_NODES), 1.6) == []
    found = made.receive(na(HOME, PEER_MAC, flags=0, destination=ALL_NODES), 1.7)
    assert found == [NeighbourFound("eth0", HOME, PEER_MAC)]
    assert made.neighbours == ()
    assert made.next_deadline() is None
    assert made.carry_out(AssignAddress("eth0", HOME, detect=False), 2.0) != []
    assert made.owns(HOME)


def test_an_answer_is_no_failure_of_a_test_either() -> None:
    """Where the address is tested at the same time."""
    made = up(InterfaceParameters())
    made.carry_out(AssignAddress("eth0", HOME), 1.0)
    find(made, 1.0)
    effects = made.receive(na(HOME, PEER_MAC, flags=0, destination=ALL_NODES), 1.5)
    assert effects == [NeighbourFound("eth0", HOME, PEER_MAC)]


def test_nobody_may_be_found() -> None:
    """After three solicitations."""
    made = up(SURE)
    effects = find(made, 1.0) + made.advance(2.0) + made.advance(3.0)
    assert len(sends(effects)) == 3
    assert made.advance(4.0) == [NeighbourLost("eth0", HOME)]


def test_nobody_is_found_without_a_link() -> None:
    """And nobody is looked for any more when it is lost."""
    made = interface(SURE)
    assert find(made, 0.0) == [NeighbourLost("eth0", HOME)]
    made.set_link(True, 1.0)
    find(made, 1.0)
    made.set_link(False, 1.5)
    assert made.next_deadline() is None


def test_an_address_is_announced_from_itself() -> None:
    """So that all neighbours know at once (RFC 6275 section 11.5.5)."""
    made = up(SURE)
    made.add_address(HOME, 64, 1.0)
    sent, message = only(made.carry_out(AnnounceAddress("eth0", HOME), 2.0), NeighborAdvertisement)
    assert (sent.source, sent.destination) == (HOME, ALL_NODES)
    assert message == NeighborAdvertisement(HOME, OVERRIDE, HERE)
    made.set_link(False, 3.0)
    assert made.carry_out(AnnounceAddress("eth0", HOME), 4.0) == []


# Both sides.


def home_link() -> tuple[Bench, Interface, Interface, Interface]:
    """Return a home link with a home agent, a mobile node and a neighbour, settled at 5."""
    home_agent, mobile, neighbour = (
        interface(structs.replace(ROUTER_PARAMETERS, dad_transmits=1), ROUTER_MAC),
        interface(SURE),
        interface(SURE, PEER_MAC),
    )
    bench = Bench(home_agent, mobile, neighbour)
    bench.up()
    bench.do(home_agent, home_agent.add_address(OWN, 64, 0.0))
    bench.do(neighbour, neighbour.add_address(PEER, 64, 0.0))
    bench.do(home_agent, home_agent.carry_out(DefendAddress("eth0", HOME), 0.0))
    bench.run(5.0)
    return bench, home_agent, mobile, neighbour


def test_a_packet_for_the_mobile_node_comes_to_its_home_agent_and_then_home() -> None:
    """The neighbour learns who answers, and later that the owner is back."""
    bench, home_agent, mobile, neighbour = home_link()
    bench.do(neighbour, neighbour.transmit(data(PEER, HOME), HOME, 5.0))
    bench.run(6.0)
    assert neighbour.neighbours[0].link_layer == ROUTER_MAC
    bench.do(mobile, mobile.carry_out(FindDefender("eth0", HOME), 6.0))
    bench.run(7.0)
    assert bench.of(mobile, NeighbourFound) == [NeighbourFound("eth0", HOME, ROUTER_MAC)]
    bench.do(mobile, mobile.add_address(HOME, 64, 7.0, detect=False))
    bench.do(home_agent, home_agent.carry_out(ReleaseAddress("eth0", HOME), 7.0))
    bench.do(mobile, mobile.carry_out(AnnounceAddress("eth0", HOME), 7.0))
    bench.run(8.0)
    assert neighbour.neighbours[0].link_layer == MAC


def test_a_home_address_in_use_cannot_be_defended() -> None:
    """The owner answers the home agent's test."""
    bench, home_agent, _, _ = home_link()
    bench.do(home_agent, home_agent.carry_out(ProbeAddress("eth0", PEER), 5.0))
    bench.run(6.0)
    assert bench.of(home_agent, AddressFailed) == [AddressFailed("eth0", PEER)]


def test_two_that_want_one_address_at_the_same_time_both_fail() -> None:
    """And one that comes later fails alone."""
    hosts = [interface(InterfaceParameters(solicitations=0), bytes((2, 0, 0, 0, 0, n))) for n in (1, 2, 3)]
    bench = Bench(*hosts)
    bench.up()
    bench.run(2.0)
    for host in hosts[:2]:
        bench.do(host, host.add_address(OWN, 64, 2.0))
    bench.run(5.0)
    assert [bench.of(host, AddressFailed) for host in hosts[:2]] == [[AddressFailed("eth0", OWN)]] * 2
    bench.do(hosts[0], hosts[0].add_address(PEER, 64, 5.0))
    bench.run(7.0)
    bench.do(hosts[2], hosts[2].add_address(PEER, 64, 7.0))
    bench.run(9.0)
    assert bench.of(hosts[2], AddressFailed) == [AddressFailed("eth0", PEER)]
    assert hosts[0].owns(PEER)


def test_two_hosts_talk() -> None:
    """Each resolves the other, by the other's solicitation if that came first."""
    hosts = interface(SURE), interface(SURE, PEER_MAC)
    bench = Bench(*hosts)
    bench.up()
    for host, address in zip(hosts, (OWN, PEER), strict=True):
        bench.do(host, host.add_address(address, 64, 0.0))
    bench.do(hosts[0], hosts[0].transmit(data(), PEER, 0.0))
    bench.run(1.0)
    assert Transmit("eth0", PEER_MAC, data()) in bench.of(hosts[0], Transmit)
    back = data(PEER, OWN)
    assert hosts[1].transmit(back, OWN, 1.0) == [Transmit("eth0", MAC, back)]


def test_all_packets_are_well_formed() -> None:
    """Also those that the bench sees only."""
    bench, *_ = home_link()
    frames = [effect for _, effect in bench.seen if isinstance(effect, Transmit)]
    assert len(frames) == len(sends([effect for _, effect in bench.seen]))
    assert all(isinstance(sent, Packet) for sent, _ in sends([effect for _, effect in bench.seen]))
