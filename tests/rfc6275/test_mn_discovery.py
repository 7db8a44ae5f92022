"""Discovery of home agents, and which of them the mobile node registers with (RFC 6275 sections 11.4.1, 6.5, 6.6)."""

from collections.abc import Iterable

import pytest
from mobile_home_words import (
    ANYCAST,
    PROTECTED,
    UNTOLD,
    answers_with_option,
    check_away,
    gaps,
    home_scene,
    is_silent,
    steps,
)
from mobile_playbook import COA1, HA, HA1, HOA, R1, Answer, MobileScene, Router, Seen, acknowledgement, from_home_agent
from msgspec import structs

from mipsh.mobility.constants import INITIAL_BINDACK_TIMEOUT_FIRST_S
from mipsh.mobility.effects import Emit
from mipsh.mobility.mobile.parameters import Home
from mipsh.wire.address import home_agents_anycast, parse
from mipsh.wire.icmpv6 import HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.packet import Packet

PLAIN_HOME = Router(1, 0)
"""The home link's router, which is no home agent."""
RESERVED = 0x7FFF
OTHER_HOA = parse("2001:db8:0:9::aa")
FAILED = "mnHomeAgentDiscoveryFailed"
DISCOVERY_LADDER = (3.0, 6.0, 12.0, 24.0)


def requests(scene: MobileScene, source: bytes, since: float = 0.0) -> list[tuple[Seen, HomeAgentDiscoveryRequest]]:
    """Return the requests for home agents of the home link; each must be one, and from an address."""
    sent = [one for one in scene.icmp(HomeAgentDiscoveryRequest, since) if one[0].packet.destination == ANYCAST]
    for seen, message in sent:
        assert (seen.packet.source, seen.packet.headers, seen.is_tunnelled) == (source, (), False)
        assert (message.flags, message.code, message.trailer) == (0, 0, b"")
    return sent


def listing(scene: MobileScene, *agents: bytes, flags: int = 0, off_by: int = 0) -> None:
    """Let requests be answered with a list of home agents from now on."""

    def answer(seen: Seen) -> Iterable[Packet]:
        upper = seen.packet.upper
        assert isinstance(upper, Icmpv6)
        assert isinstance(upper.message, HomeAgentDiscoveryRequest)
        identifier = (upper.message.identifier + off_by) % 65_536
        reply = HomeAgentDiscoveryReply(identifier, agents, flags)
        return [Packet(HA, seen.packet.source, Icmpv6(reply))]

    scene.instead[Answer.DISCOVERY] = answer


def rejecting(scene: MobileScene, agent: bytes) -> None:
    """Let one home agent reject every Binding Update with status 130, and others accept."""

    def answer(seen: Seen) -> Iterable[Packet]:
        status = 130 if seen.packet.destination == agent else 0
        return [from_home_agent(seen, acknowledgement(seen, status), seen.packet.destination)]

    scene.instead[Answer.HOME_REGISTRATION] = answer


def test_mn_5_1_1_1_001__request_on_the_home_link() -> None:
    """At home it goes from the home address; what it finds is registered with once the node is away."""
    scene = home_scene(UNTOLD)
    scene.plug(PLAIN_HOME)
    scene.wait(5)
    assert len(requests(scene, HOA)) == 1
    assert scene.updates() == []
    scene.register(R1)
    (one,) = scene.updates()
    check_away(one)
    assert len(scene.icmp(HomeAgentDiscoveryRequest)) == 1


def test_mn_5_1_1_1_005__request_from_a_foreign_link() -> None:
    """Away it goes from the care-of address, and the registration follows the reply."""
    scene = home_scene(UNTOLD)
    listing(scene, HA1)
    scene.plug(R1)
    scene.wait(5)
    ((asked, _),) = requests(scene, COA1)
    assert scene.updates(HA) == []
    (one,) = scene.updates(HA1)
    check_away(one, agent=HA1)
    assert scene.log.index(asked) < scene.log.index(one[0])


@pytest.mark.parametrize(("is_home", "flags"), [(True, 0), (False, 0), (False, RESERVED), (True, RESERVED)])
def test_mn_5_1_2_1_002_016_021__reply(is_home: bool, flags: int) -> None:
    """The home agent that a reply lists is registered with, wherever it came, and whatever reserved bits say."""
    scene = home_scene(UNTOLD)
    listing(scene, HA, flags=flags)
    if is_home:
        scene.plug(PLAIN_HOME)
        scene.wait(5)
    scene.register(R1)
    (one,) = scene.updates()
    check_away(one)
    assert len(requests(scene, HOA if is_home else COA1)) == 1
    assert answers_with_option(scene)


def test_mn_5_1_2_1_028__discovery_anew_after_failure() -> None:
    """Behind two rejections by the only home agent it is asked for others, and the best one is registered with."""
    scene = home_scene(UNTOLD)
    listing(scene, HA)
    rejecting(scene, HA)
    scene.plug(R1)
    scene.wait(2)
    listing(scene, HA1, HA)
    scene.wait(20)
    rejected, (accepted,) = scene.updates(HA), scene.updates(HA1)
    for one in rejected:
        check_away(one)
    check_away(accepted, agent=HA1)
    assert len(rejected) == 2
    first, second = requests(scene, COA1)
    assert first[0].time <= rejected[0][0].time < rejected[1][0].time < second[0].time <= accepted[0].time
    assert steps([*rejected, accepted]) == [1, 1]


def test_mn_5_1_2_1_029__next_home_agent_after_failure() -> None:
    """Behind two rejections the next one of the list is tried, after INITIAL_BINDACK_TIMEOUT_FIRSTREG or later."""
    scene = home_scene(UNTOLD)
    listing(scene, HA, HA1)
    rejecting(scene, HA)
    scene.plug(R1)
    scene.wait(20)
    rejected, (accepted,) = scene.updates(HA), scene.updates(HA1)
    for one in rejected:
        check_away(one)
    check_away(accepted, agent=HA1)
    assert len(rejected) == 2
    assert len(requests(scene, COA1)) == 1
    assert accepted[0].time - rejected[1][0].time >= INITIAL_BINDACK_TIMEOUT_FIRST_S
    assert steps([*rejected, accepted]) == [1, 1]


def test_r_mn_29__no_reply_at_all() -> None:
    """Four retries, twice as late each time; then the user is told, and other home prefixes go on."""
    homes = (Home(HOA), Home(OTHER_HOA))
    scene = home_scene(structs.replace(PROTECTED, homes=homes))
    scene.answering.remove(Answer.DISCOVERY)
    scene.plug(R1)
    scene.wait(1 + sum(DISCOVERY_LADDER) + 40)
    sent = requests(scene, COA1)
    assert tuple(gaps(sent)) == DISCOVERY_LADDER
    assert len({message.identifier for _, message in sent}) == 1
    (failed, _) = sorted(e.home_address for e in scene.others if isinstance(e, Emit) and e.event == FAILED)
    assert failed == HOA
    other = home_agents_anycast(OTHER_HOA)
    assert len([1 for seen, _ in scene.icmp(HomeAgentDiscoveryRequest) if seen.packet.destination == other]) == 5
    assert scene.updates() == []


def test_r_mn_29__another_prefix_has_home_agents() -> None:
    """The other home prefix's home agent serves its own home address, while the first stays without."""
    other_agent = OTHER_HOA[:15] + b"\x01"
    scene = home_scene(structs.replace(PROTECTED, homes=(Home(HOA), Home(OTHER_HOA))))

    def answer(seen: Seen) -> Iterable[Packet]:
        if seen.packet.destination == ANYCAST:
            return []
        upper = seen.packet.upper
        assert isinstance(upper, Icmpv6)
        assert isinstance(upper.message, HomeAgentDiscoveryRequest)
        reply = HomeAgentDiscoveryReply(upper.message.identifier, (other_agent,))
        return [Packet(other_agent, seen.packet.source, Icmpv6(reply))]

    scene.instead[Answer.DISCOVERY] = answer
    scene.plug(R1)
    scene.wait(100)
    (one,) = scene.updates(other_agent)
    assert (one[0].packet.source, one[0].packet.home_address_option) == (COA1, OTHER_HOA)
    assert scene.updates(HA) == []
    assert [e.home_address for e in scene.others if isinstance(e, Emit) and e.event == FAILED] == [HOA]


def test_r_mn_30__reply_to_no_request() -> None:
    """A reply with another identifier is dropped, and the request repeated."""
    scene = home_scene(UNTOLD)
    listing(scene, HA1, off_by=1)
    scene.plug(R1)
    scene.wait(15)
    assert scene.updates(HA1) == []
    assert tuple(gaps(requests(scene, COA1)))[:2] == DISCOVERY_LADDER[:2]
    assert is_silent(scene)
    listing(scene, HA1)
    scene.wait(10)
    (one,) = scene.updates(HA1)
    check_away(one, agent=HA1)


def test_r_mn_39__the_home_agent_does_not_answer_any_more() -> None:
    """Where a home agent has gone, Binding Updates stay unanswered, and home agents are asked for anew."""
    scene = home_scene(UNTOLD)
    scene.register(R1)
    gone = scene.now
    scene.wait(1)

    def answer(seen: Seen) -> Iterable[Packet]:
        is_gone = seen.packet.destination == HA
        return [] if is_gone else [from_home_agent(seen, acknowledgement(seen), seen.packet.destination)]

    scene.instead[Answer.HOME_REGISTRATION] = answer
    listing(scene, HA1)
    scene.wait(1000)
    unanswered, accepted = scene.updates(HA, gone + 1), scene.updates(HA1)
    assert len(unanswered) >= 8
    check_away(accepted[0], agent=HA1)
    ((asked, _),) = requests(scene, COA1, gone + 1)
    assert unanswered[-1][0].time < asked.time <= accepted[0][0].time
    answers = scene.echo_by_routing_header(HA1)
    assert [(s.packet.source, s.packet.destination, s.packet.home_address_option) for s in answers] == [
        (COA1, HA1, HOA)
    ]
