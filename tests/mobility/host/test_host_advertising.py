"""Router Advertisements: what they say, how often, to whom (RFC 4861 section 6.2, RFC 6275 section 7)."""

from itertools import pairwise

import pytest
from host_bench import (
    ALL_NODES,
    ALL_ROUTERS,
    LINK_LOCAL,
    MAC,
    PEER,
    PEER_MAC,
    PREFIX,
    ROUTER_PARAMETERS,
    UNSPECIFIED,
    interface,
    na,
    of,
    only,
    packet,
    router,
    sends,
    up,
)
from msgspec import structs

from mipsh.mobility.effects import RemoveAddress, Transmit
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising, InterfaceParameters
from mipsh.wire.address import parse
from mipsh.wire.ndp import (
    HOME_AGENT,
    ROUTER_ADDRESS,
    AdvertisementInterval,
    HomeAgentInformation,
    LinkLayer,
    Mtu,
    NeighborSolicitation,
    PrefixInformation,
    RouterAdvertisement,
    RouterSolicitation,
)
from mipsh.wire.packet import Packet

NEIGHBOUR = parse("fe80::99")
GLOBAL = parse("2001:db8:0:1::1")
PLAIN = Advertising((AdvertisedPrefix(PREFIX),))
ALONE = structs.replace(PLAIN, unicast_responses=True, response_delay_s=0.0)


def rs(source: bytes = NEIGHBOUR, mac: bytes | None = PEER_MAC) -> Packet:
    """Return a Router Solicitation."""
    options = () if mac is None or source == UNSPECIFIED else (LinkLayer(1, mac),)
    return packet(RouterSolicitation(options), source, ALL_ROUTERS)


def advertiser(advertising: Advertising, parameters: InterfaceParameters = ROUTER_PARAMETERS) -> Interface:
    """Return a router's interface, with a link since 0 and advertising since then."""
    made = interface(parameters)
    made.set_link(True, 0.0)
    made.advertise(advertising, 0.0)
    return made


def times(made: Interface, until: float) -> list[float]:
    """Return when advertisements to all nodes are sent."""
    found: list[float] = []
    while (deadline := made.next_deadline()) is not None and deadline <= until:
        found += [deadline for sent, _ in sends(made.advance(deadline)) if sent.destination == ALL_NODES]
    return found


def said(advertising: Advertising) -> RouterAdvertisement:
    """Return what is advertised."""
    sent, message = only(advertiser(advertising).advance(0.0), RouterAdvertisement)
    assert (sent.source, sent.destination) == (LINK_LOCAL, ALL_NODES)
    assert message.options[0] == LinkLayer(1, MAC)
    return structs.replace(message, options=message.options[1:])


def test_what_a_router_says() -> None:
    """Its prefixes with their lifetimes, and what it wants hosts to do."""
    assert said(PLAIN) == RouterAdvertisement(
        64, 0, 1800, options=(PrefixInformation(64, 0xC0, 2_592_000, 604_800, PREFIX),)
    )
    more = structs.replace(PLAIN, prefixes=(), mtu=1400, hop_limit=9, reachable_ms=1, retransmit_ms=2)
    assert said(more) == RouterAdvertisement(9, 0, 1800, 1, 2, (Mtu(1400),))


def test_what_a_home_agent_says() -> None:
    """The H flag, its own address with the R flag, its interval in milliseconds, and its preference."""
    prefix = AdvertisedPrefix(PREFIX, valid_s=10, preferred_s=5, router_address=GLOBAL)
    home = Advertising((prefix,), interval_s=(0.03, 0.07), is_home_agent=True, sends_interval=True)
    information = PrefixInformation(64, 0xC0 | ROUTER_ADDRESS, 10, 5, GLOBAL)
    assert said(home) == RouterAdvertisement(64, HOME_AGENT, 1800, options=(information, AdvertisementInterval(70)))


@pytest.mark.parametrize(
    ("changes", "option"),
    [
        ({"preference": 7}, HomeAgentInformation(7, 1800)),
        ({"home_agent_lifetime_s": 60}, HomeAgentInformation(0, 60)),
        ({"supports_mobile_routers": True}, HomeAgentInformation(0, 1800, 0x8000)),
        ({}, None),
    ],
)
def test_home_agent_information(changes: dict[str, int], option: HomeAgentInformation | None) -> None:
    """It is there where it says more than the defaults (RFC 6275 section 7.4)."""
    home = structs.replace(PLAIN, prefixes=(), is_home_agent=True, **changes)
    assert said(home).options == (() if option is None else (option,))
    assert said(structs.replace(home, is_home_agent=False)).options == ()


# When.


def test_the_first_advertisements_are_close_together() -> None:
    """Then the intervals are random between the least and the most (section 6.2.4)."""
    found = times(advertiser(PLAIN), 5000.0)
    gaps = [after - before for before, after in pairwise(found)]
    assert found[0] == 0
    assert gaps[:2] == [16.0, 16.0]
    assert all(200 <= gap <= 600 for gap in gaps[2:])
    assert len(gaps) > 5


def test_intervals_may_be_short_but_not_nothing() -> None:
    """Mobile nodes want to find out soon (RFC 6275 section 7.5)."""
    gaps = [b - a for a, b in pairwise(times(advertiser(structs.replace(PLAIN, interval_s=(0.03, 0.07))), 1.0))]
    assert all(30 <= round(gap * 1000) <= 70 for gap in gaps)
    assert len(gaps) > 10
    assert len(times(advertiser(structs.replace(PLAIN, interval_s=(0.0, 0.0))), 1.0)) < 40


@pytest.mark.parametrize("source", [UNSPECIFIED, NEIGHBOUR])
def test_a_solicitation_is_answered_soon(source: bytes) -> None:
    """To all nodes, after a random delay, and not before the least time since the last one has passed."""
    made = advertiser(structs.replace(PLAIN, min_delay_s=3.0))
    made.advance(0.0)
    for _ in range(100):
        assert made.receive(rs(source), 1.0) == []
    assert times(made, 10.0) == [3.0]
    made.receive(rs(source), 10.0)
    (answer,) = times(made, 12.0)
    assert 20 < 2 * answer <= 21


def test_a_solicitation_does_not_put_off_what_is_scheduled() -> None:
    """An advertisement that is due sooner anyway answers it."""
    made = advertiser(structs.replace(PLAIN, interval_s=(2.0, 2.0), min_delay_s=3.0))
    made.advance(0.0)
    made.receive(rs(), 1.0)
    assert times(made, 2.5) == [2.0]


def test_a_solicitor_may_be_answered_alone() -> None:
    """Where it has an address; it is resolved if it did not say where it is."""
    made = advertiser(ALONE)
    made.advance(0.0)
    made.receive(rs(), 1.0)
    made.receive(rs(), 1.0)
    effects = made.advance(1.0)
    sent, _ = only(effects, RouterAdvertisement)
    assert sent.destination == NEIGHBOUR
    assert [frame.link_layer for frame in of(effects, Transmit)] == [PEER_MAC]
    made.receive(rs(UNSPECIFIED), 2.0)
    assert times(made, 4.0) == [3.0]
    made.receive(rs(PEER, mac=None), 5.0)
    assert only(made.advance(5.0), NeighborSolicitation)[1].target == PEER
    assert only(made.receive(na(destination=LINK_LOCAL), 5.1), RouterAdvertisement)[0].destination == PEER


def test_answers_to_one_solicitor_are_limited() -> None:
    """It cannot have as many as it likes, nor can many solicitors fill the memory."""
    made = advertiser(ALONE)
    made.advance(0.0)
    answers = 0
    for _ in range(100):
        made.receive(rs(), 1.0)
        answers += len(sends(made.advance(1.0)))
    assert answers == 10
    slow = advertiser(structs.replace(ALONE, response_delay_s=0.5))
    slow.advance(0.0)
    for number in range(300):
        slow.receive(rs(NEIGHBOUR[:14] + number.to_bytes(2)), 1.0)
    assert len(sends(slow.advance(2.0))) == 256


# Beginning and ending.


def test_a_router_that_is_none_any_more_says_so() -> None:
    """A last advertisement has a lifetime of zero (section 6.2.5)."""
    made = advertiser(ALONE)
    made.advance(0.0)
    made.receive(rs(), 1.0)
    _, message = only(made.advertise(None, 1.0), RouterAdvertisement)
    assert message.lifetime_s == 0
    assert made.advertising is None
    assert made.next_deadline() is None
    assert made.advertise(None, 2.0) == []
    assert made.receive(rs(), 3.0) == []


def test_other_words_are_advertised_at_once() -> None:
    """What changed is told soon, and several times."""
    made = advertiser(PLAIN)
    made.advance(0.0)
    made.advertise(router(), 100.0)
    assert times(made, 111.0) == [100.0, 105.0, 110.0]


def test_advertising_waits_for_a_link_and_a_tested_address() -> None:
    """From a tentative address nothing is sent, nor from an optimistic one."""
    for is_optimistic in (False, True):
        made = interface(structs.replace(ROUTER_PARAMETERS, dad_transmits=1, is_optimistic=is_optimistic))
        assert made.advertise(PLAIN, 0.0) == []
        made.set_link(True, 1.0)
        assert made.receive(rs(), 1.5) == []
        assert times(made, 10.0) == [2.0]
        made.set_link(False, 10.0)
        assert made.next_deadline() is None
        assert made.advertise(None, 10.0) == []


def test_who_does_not_advertise_answers_nothing() -> None:
    """Neither a host nor a router that is silent on this link."""
    for parameters in (InterfaceParameters(dad_transmits=0), ROUTER_PARAMETERS):
        assert up(parameters).receive(rs(), 2.0) == []


def test_an_address_may_be_lost_while_it_is_advertised_from() -> None:
    """Then nothing is sent any more, not even what was due."""
    made = advertiser(ALONE)
    made.advance(0.0)
    made.receive(rs(), 1.0)
    made.carry_out(RemoveAddress("eth0", LINK_LOCAL), 1.0)
    assert sends(made.advance(1.0)) == []
    assert times(made, 1000.0) == []


def test_who_advertises_is_a_router() -> None:
    """It listens to all routers' group, and says so in its answers."""
    made = up(InterfaceParameters(dad_transmits=0))
    assert ALL_ROUTERS not in made.groups
    made.advertise(PLAIN, 1.0)
    made.advertise(PLAIN, 1.0)
    assert ALL_ROUTERS in made.groups
    made.advertise(None, 2.0)
    assert ALL_ROUTERS not in made.groups
    assert ALL_ROUTERS in interface(ROUTER_PARAMETERS).groups
