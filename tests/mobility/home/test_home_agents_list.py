"""The list of home agents, and answers to who they are (RFC 6275 sections 10.5, 10.5.1; RFC 3963 section 7)."""

import pytest
from home_scene import COA, HA, HOME_PREFIX, INTERFACE, LINK, HomeScene, only_send, reread
from msgspec import structs

from mipsh.mobility.effects import LinkChanged, RouterAdvertised
from mipsh.mobility.home.agents_list import LARGEST_LIST, MOST_ADDRESSES, HomeAgentEntry
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.trace import TimerFired
from mipsh.wire.address import UNSPECIFIED, parse
from mipsh.wire.icmpv6 import MOBILE_ROUTER, HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.ndp import (
    AUTONOMOUS,
    HOME_AGENT,
    ON_LINK,
    ROUTER_ADDRESS,
    HomeAgentInformation,
    PrefixInformation,
    RouterAdvertisement,
)
from mipsh.wire.packet import Packet

PEER, PEER_LINK_LOCAL = parse("2001:db8:0:1::2"), parse("fe80::2")
RATE_LIMIT_S = 1.0


def scene(preference: int = 10) -> HomeScene:
    """Return a home agent of a preference."""
    return HomeScene(HomeAgentParameters((structs.replace(LINK, preference=preference),)))


def router(
    addresses: tuple[bytes, ...] = (PEER,),
    information: HomeAgentInformation | None = None,
    *,
    lifetime_s: int = 1800,
    flags: int = HOME_AGENT,
    source: bytes = PEER_LINK_LOCAL,
    interface: str = INTERFACE,
) -> RouterAdvertised:
    """Return a Router Advertisement of another home agent."""
    prefixes = [
        PrefixInformation(64, ON_LINK | AUTONOMOUS | ROUTER_ADDRESS, 1000, 500, address) for address in addresses
    ]
    told = [] if information is None else [information]
    return RouterAdvertised(interface, source, RouterAdvertisement(64, flags, lifetime_s, 0, 0, (*prefixes, *told)))


def ask(at: HomeScene, flags: int = 0, to: bytes = LINK.anycast, source: bytes = COA) -> HomeAgentDiscoveryReply:
    """Ask for the home agents, and return the answer."""
    request = reread(Packet(source, to, Icmpv6(HomeAgentDiscoveryRequest(99, flags))))
    effects = at.agent.receive_icmpv6(request, None, at.now)
    assert effects is not None
    reply = only_send(effects).packet
    assert (reply.source, reply.destination, reply.headers) == (HA, source, ())
    assert isinstance(reply.upper, Icmpv6)
    message = reply.upper.message
    assert isinstance(message, HomeAgentDiscoveryReply)
    assert message.identifier == 99
    at.now += RATE_LIMIT_S
    return message


@pytest.mark.parametrize(
    ("signal", "expected"),
    [
        (router(), HomeAgentEntry(INTERFACE, PEER_LINK_LOCAL, 0, (PEER,), 2800.0)),
        (
            router(information=HomeAgentInformation(7, 65535)),
            HomeAgentEntry(INTERFACE, PEER_LINK_LOCAL, 7, (PEER,), 66535.0),
        ),
        (
            router(information=HomeAgentInformation(7, 20, 0x8000), lifetime_s=0),
            HomeAgentEntry(INTERFACE, PEER_LINK_LOCAL, 7, (PEER,), 1020.0, True),
        ),
        (router((parse("fe80::5"),)), HomeAgentEntry(INTERFACE, PEER_LINK_LOCAL, 0, (), 2800.0)),
        (router(flags=0), None),
        (router(lifetime_s=0), None),
        (router(information=HomeAgentInformation(7, 0)), None),
        (router(interface="eth1"), None),
    ],
)
def test_what_a_router_advertisement_says(signal: RouterAdvertised, expected: HomeAgentEntry | None) -> None:
    """Of the home link only; without the option there are defaults, with a lifetime of zero there is nothing."""
    at = scene()
    assert at.agent.signal(signal, at.now) == []
    assert at.agent.home_agents == ([] if expected is None else [expected])


@pytest.mark.parametrize(
    "last", [router(flags=0), router(lifetime_s=0), router(information=HomeAgentInformation(1, 0))]
)
def test_a_router_advertisement_that_ends_it(last: RouterAdvertised) -> None:
    """No H flag any more, or a lifetime of zero."""
    at = scene()
    at.agent.signal(router(), at.now)
    at.agent.signal(last, at.now)
    assert (at.agent.home_agents, at.agent.next_deadline()) == ([], None)


def test_addresses_are_added_up_to_a_limit() -> None:
    """The newest first; flags without R are no address."""
    at = scene()
    at.agent.signal(router(), at.now)
    more = tuple(parse(f"2001:db8:0:1::2:{number:x}") for number in range(20))
    plain = RouterAdvertisement(64, HOME_AGENT, 9, 0, 0, (PrefixInformation(64, ON_LINK, 9, 9, HOME_PREFIX),))
    at.agent.signal(RouterAdvertised(INTERFACE, PEER_LINK_LOCAL, plain), at.now)
    assert [entry.addresses for entry in at.agent.home_agents] == [(PEER,)]
    at.agent.signal(router((more[0],)), at.now)
    assert [entry.addresses for entry in at.agent.home_agents] == [(more[0], PEER)]
    at.agent.signal(router(more), at.now)
    assert [entry.addresses for entry in at.agent.home_agents] == [more[:MOST_ADDRESSES]]


def test_the_list_is_bounded() -> None:
    """Whoever comes too late is not listed; who is listed stays current."""
    at = scene()
    for number in range(LARGEST_LIST + 1):
        at.agent.signal(router(source=parse(f"fe80::1:{number:x}")), at.now)
    assert len(at.agent.home_agents) == LARGEST_LIST
    at.agent.signal(router(source=parse("fe80::1:0"), information=HomeAgentInformation(5, 9)), at.now)
    assert [entry.preference for entry in at.agent.home_agents].count(5) == 1


def test_lifetimes_end() -> None:
    """At their time, which a later advertisement moves."""
    at = scene()
    at.agent.signal(router(lifetime_s=20), at.now)
    assert at.agent.next_deadline() == at.now + 20
    at.advance(19)
    at.agent.signal(router(lifetime_s=20), at.now)
    at.advance(19)
    assert len(at.agent.home_agents) == 1
    at.advance(1)
    assert at.agent.home_agents == []
    assert [record.timer for record in at.records if isinstance(record, TimerFired)] == ["home agent lifetime"]


def test_a_link_that_changes_is_forgotten() -> None:
    """The others stay."""
    links = LINK, HomeLink("eth1", parse("2001:db8:0:7::1"), parse("2001:db8:0:7::"))
    at = HomeScene(HomeAgentParameters(links))
    at.agent.signal(router(), at.now)
    at.agent.signal(router(interface="eth1"), at.now)
    at.agent.signal(LinkChanged(INTERFACE, False), at.now)
    assert [entry.interface for entry in at.agent.home_agents] == ["eth1"]


def test_an_answer_lists_oneself() -> None:
    """Alone, where no other is known; reserved bits of the request mean nothing."""
    assert ask(scene(), 0x7FFF) == HomeAgentDiscoveryReply(99, (HA,))


@pytest.mark.parametrize(("preference", "expected"), [(11, (PEER, HA)), (9, (HA, PEER))])
def test_the_best_is_first(preference: int, expected: tuple[bytes, ...]) -> None:
    """Oneself is ranked like the others."""
    at = scene()
    at.agent.signal(router(information=HomeAgentInformation(preference, 100)), at.now)
    assert ask(at).addresses == expected


def test_equals_are_shuffled() -> None:
    """Each of them is first at times."""
    at = scene(0)
    at.agent.signal(router(), at.now)
    assert {ask(at).addresses for _ in range(20)} == {(HA, PEER), (PEER, HA)}


def test_all_own_addresses_of_the_link() -> None:
    """Of the prefix that was asked for first; other links' are not told."""
    other = parse("2001:db8:0:9::1")
    links = HomeLink(INTERFACE, other, parse("2001:db8:0:9::")), LINK, structs.replace(LINK, interface="eth1")
    assert ask(HomeScene(HomeAgentParameters(links[:2]))).addresses == (HA, other)
    elsewhere = HomeLink("eth1", parse("2001:db8:0:8::1"), parse("2001:db8:0:8::"))
    assert ask(HomeScene(HomeAgentParameters((LINK, elsewhere)))).addresses == (HA,)


def test_mobile_routers_are_told_of_their_home_agents() -> None:
    """With the R flag only those that serve them; who does not, does not know the flag."""
    at = scene()
    capable, incapable = parse("2001:db8:0:1::3"), parse("2001:db8:0:1::4")
    at.agent.signal(router((capable,), HomeAgentInformation(2, 100, 0x8000), source=parse("fe80::3")), at.now)
    at.agent.signal(router((incapable,), HomeAgentInformation(1, 100), source=parse("fe80::4")), at.now)
    assert ask(at, MOBILE_ROUTER) == HomeAgentDiscoveryReply(99, (HA, capable), MOBILE_ROUTER)
    assert ask(at) == HomeAgentDiscoveryReply(99, (HA, capable, incapable))
    plain = HomeScene(HomeAgentParameters((LINK,), serves_mobile_routers=False))
    assert ask(plain, MOBILE_ROUTER) == HomeAgentDiscoveryReply(99, (HA,))


@pytest.mark.parametrize(("to", "source"), [(HA, COA), (LINK.anycast, UNSPECIFIED)])
def test_requests_that_are_not_answered(to: bytes, source: bytes) -> None:
    """Only one to the anycast address is, and only from somebody."""
    at = scene()
    packet = reread(Packet(source, to, Icmpv6(HomeAgentDiscoveryRequest(1))))
    assert at.agent.receive_icmpv6(packet, None, at.now) == []


def test_answers_are_limited() -> None:
    """So that nobody is flooded with them."""
    at = scene()
    packet = reread(Packet(COA, LINK.anycast, Icmpv6(HomeAgentDiscoveryRequest(1))))
    answered = [at.agent.receive_icmpv6(packet, None, at.now) for _ in range(50)]
    assert sum(effects != [] for effects in answered) == 10
