"""Home agents: configured, heard or discovered (RFC 6275 sections 11.4.1 and 6.6)."""

from itertools import pairwise

from mobile_home_world import CN, COA1, HA, HA2, HOA, Entropy, events, of

from mipsh.mobility.effects import Send
from mipsh.mobility.mobile.discovery import AGAIN_S, FAILED, MOST_HOME_AGENTS, HomeAgents, State
from mipsh.mobility.mobile.parameters import Home
from mipsh.wire.address import UNSPECIFIED, parse
from mipsh.wire.icmpv6 import (
    MOBILE_ROUTER,
    HomeAgentDiscoveryReply,
    HomeAgentDiscoveryRequest,
    Icmpv6,
)

ANYCAST = parse("2001:db8:0:1:fdff:ffff:ffff:fffe")


def request(effects: list[Send]) -> HomeAgentDiscoveryRequest:
    """Return the only request among packets that are to be sent."""
    [send] = effects
    assert isinstance(send.packet.upper, Icmpv6)
    assert isinstance(send.packet.upper.message, HomeAgentDiscoveryRequest)
    return send.packet.upper.message


def asking(home: Home | None = None) -> tuple[HomeAgents, HomeAgentDiscoveryRequest]:
    """Return home agents that are being asked for, and the request."""
    agents = HomeAgents(home or Home(HOA), Entropy())
    return agents, request(of(agents.ask(COA1, 0.0), Send))


def test_a_request_goes_to_the_anycast_address() -> None:
    """MN-5-1-1-1-005: from the care-of address; of a mobile router, with the R flag."""
    agents = HomeAgents(Home(HOA), Entropy())
    [send] = of(agents.ask(COA1, 0.0), Send)
    assert (send.packet.source, send.packet.destination) == (COA1, ANYCAST)
    assert request([send]).flags == 0
    assert asking(Home(HOA, is_mobile_router=True))[1].flags == MOBILE_ROUTER


def test_an_answer_lists_them_best_first() -> None:
    """MN-5-1-2-1-002, MN-5-1-2-1-021: addresses that can be none are left out."""
    agents, asked = asking()
    listed = (HA2, HA, HA2, UNSPECIFIED, *(bytes(15) + bytes((n,)) for n in range(60, 160)))
    assert agents.receive(HA, HomeAgentDiscoveryReply(asked.identifier, listed, flags=0x7FFF))
    assert agents.known[:2] == (HA2, HA)
    assert len(agents.known) == MOST_HOME_AGENTS
    assert (agents.current, agents.state, agents.next_deadline()) == (HA2, State.IDLE, None)


def test_an_answer_that_lists_nobody() -> None:
    """Section 10.5: whoever answers is a home agent."""
    agents, asked = asking()
    assert not agents.receive(UNSPECIFIED, HomeAgentDiscoveryReply(asked.identifier, ()))
    assert agents.receive(HA, HomeAgentDiscoveryReply(asked.identifier, ()))
    assert agents.known == (HA,)


def test_an_answer_to_nothing() -> None:
    """R-MN-30: another identifier, or one to a question that was answered."""
    agents, asked = asking()
    assert not agents.receive(HA, HomeAgentDiscoveryReply(asked.identifier ^ 1, (HA,)))
    assert agents.receive(HA, HomeAgentDiscoveryReply(asked.identifier, (HA,)))
    assert not agents.receive(HA, HomeAgentDiscoveryReply(asked.identifier, (CN,)))
    agents, asked = asking()
    agents.stop()
    assert not agents.receive(HA, HomeAgentDiscoveryReply(asked.identifier, (HA,)))
    agents.stop()


def test_unanswered_requests() -> None:
    """R-MN-29: after 3 s, doubling, four more, then an event; after a while all begins anew."""
    agents, first = asking()
    now, times, effects = 0.0, [0.0], []
    assert agents.advance(2.9) == []
    while agents.state is State.ASKING:
        now = agents.next_deadline() or 0.0
        effects = agents.advance(now)
        times.append(now)
    assert [after - before for before, after in pairwise(times)] == [3, 6, 12, 24, 32]
    assert (of(effects, Send), events(effects)) == ([], [FAILED])
    assert not agents.receive(HA, HomeAgentDiscoveryReply(first.identifier, (HA,)))
    assert agents.next_deadline() == now + AGAIN_S
    assert request(of(agents.advance(now + AGAIN_S), Send)).identifier != first.identifier


def test_giving_up_for_a_while_can_be_stopped() -> None:
    """Where the node went elsewhere."""
    agents, _ = asking()
    while agents.state is State.ASKING:
        agents.advance(agents.next_deadline() or 0.0)
    agents.stop()
    assert agents.next_deadline() is None


def test_the_next_one() -> None:
    """Each once; a configured one is the only one."""
    agents, asked = asking()
    assert not agents.move_on()
    agents.receive(HA, HomeAgentDiscoveryReply(asked.identifier, (HA, HA2)))
    assert agents.move_on()
    assert (agents.current, agents.move_on()) == (HA2, False)
    assert agents.current is None
    configured = HomeAgents(Home(HOA, home_agent=HA), Entropy())
    assert not configured.is_discovered
    assert configured.current == HA


def test_one_that_is_heard() -> None:
    """It counts where none is known, and none is being asked for."""
    agents = HomeAgents(Home(HOA), Entropy())
    agents.suggest(HA)
    agents.suggest(HA2)
    assert agents.current == HA
    agents, _ = asking()
    agents.suggest(HA)
    assert agents.current is None
    configured = HomeAgents(Home(HOA, home_agent=HA), Entropy())
    configured.suggest(HA2)
    assert configured.current == HA
