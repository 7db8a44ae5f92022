"""The mobile node comes home: deregistration, and what the home link hears of it (RFC 6275 section 11.5.5)."""

from collections.abc import Iterable
from dataclasses import replace

import pytest
from mobile_home_words import (
    DETECTION_S,
    PROTECTED,
    REGISTRATION,
    UNTOLD,
    announcements,
    check_home,
    detections,
    gaps,
    home_scene,
    steps,
)
from mobile_playbook import (
    CN,
    HA,
    HOA,
    HOME_PREFIX,
    IID,
    LINK_LOCAL,
    MAC,
    PARAMETERS,
    R0,
    R1,
    Answer,
    MobileScene,
    Router,
    Seen,
    acknowledgement,
    advertised,
    echo,
    from_home_agent,
    replies,
)
from msgspec import structs

from mipsh.mobility.effects import AddressRemoved, Emit
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.wire.address import ALL_NODES, UNSPECIFIED
from mipsh.wire.icmpv6 import EchoReply, Icmpv6
from mipsh.wire.ndp import OVERRIDE, LinkLayer, NeighborSolicitation
from mipsh.wire.packet import Packet

TARGET_LINK_LAYER = 2
BEFORE_LOCAL_USE = 3
"""How many Binding Updates stay unanswered before the home address is used on the link all the same."""
WORDS = Packet(HOA, CN, Icmpv6(EchoReply(1, 1)))
"""What an application sends."""


def away(parameters: MobileNodeParameters = PROTECTED) -> MobileScene:
    """Return a mobile node that is registered on a foreign link, and the home agent of which is told nothing more."""
    scene = home_scene(parameters)
    scene.register(R1)
    return scene


def defending(scene: MobileScene, agent: Router, *defended: bytes) -> None:
    """Let a home agent on the home link defend addresses, while it has a binding."""

    def defend(seen: Seen) -> Iterable[Packet]:
        upper = seen.packet.upper
        assert isinstance(upper, Icmpv6)
        assert isinstance(upper.message, NeighborSolicitation)
        target = upper.message.target
        is_asked = seen.packet.source == UNSPECIFIED and target in defended
        return [advertised(agent, target, ALL_NODES, 0)] if is_asked and scene.home_is_bound else []

    scene.instead[Answer.DEFENCE] = defend


def is_at_home(scene: MobileScene) -> None:
    """See that the home address is used on the home link as any address is."""
    (reply,) = replies(scene.deliver(echo(CN)))
    assert (reply.packet.source, reply.packet.destination, reply.packet.headers) == (HOA, CN, ())
    assert reply.link_layer == R0.mac
    (words,) = scene.say(WORDS)
    assert (words.packet.source, words.packet.destination, words.packet.headers) == (HOA, CN, ())
    assert words.link_layer == R0.mac


def has_lost_nothing(scene: MobileScene) -> None:
    """See that the home address was not taken for somebody else's."""
    assert AddressRemoved(HOA) not in scene.others
    events = [effect.event for effect in scene.others if isinstance(effect, Emit)]
    assert "mnHomeAddressDuplicate" not in events


@pytest.mark.parametrize("parameters", [PROTECTED, UNTOLD])
def test_mn_2_1_3_1_007__solicitation_for_the_home_agent(parameters: MobileNodeParameters) -> None:
    """The home agent answers for the home address; its link-layer address is where the update goes, and no duplicate.

    It is the same for a home agent that was discovered.
    """
    scene = away(parameters)
    agent = replace(R0, number=0x77)
    defending(scene, agent, HOA)
    scene.wait(1)
    back = scene.now
    scene.plug(R0)
    scene.wait(5)
    (question,) = detections(scene, HOA, back)
    (one,) = scene.updates(since=back)
    check_home(one, agent.mac)
    assert one[0].time >= question.time
    has_lost_nothing(scene)
    is_at_home(scene)


def test_r_mn_19__no_duplicate_address_detection() -> None:
    """The solicitation asks who defends the home address; no silence is waited for, then or later."""
    scene = away()
    back = scene.now
    scene.plug(R0)
    scene.wait(10)
    (question,) = detections(scene, HOA, back)
    (one,) = scene.updates(since=back)
    check_home(one, R0.mac)
    assert question.time <= one[0].time < question.time + DETECTION_S
    assert scene.log.index(question) < scene.log.index(one[0])
    has_lost_nothing(scene)


def test_mn_3_4_1_1_001__the_home_link_is_told() -> None:
    """Once the home agent has acknowledged, all nodes hear where the home address is, overriding what they knew."""
    scene = away()
    scene.answering.remove(Answer.HOME_REGISTRATION)
    scene.plug(R0)
    scene.wait(0.5)
    ((seen, _),) = scene.updates()[1:]
    assert announcements(scene) == []
    sent = scene.deliver(from_home_agent(seen, acknowledgement(seen)), REGISTRATION)
    told = announcements(scene)
    assert sent[0] is told[0][0]
    for one, message in told:
        assert (one.packet.source, one.packet.destination, one.packet.hop_limit) == (HOA, ALL_NODES, 255)
        assert (message.target, message.flags) == (HOA, OVERRIDE)
        assert message.options == (LinkLayer(TARGET_LINK_LAYER, MAC),)


def test_mn_3_4_1_1_001__the_link_local_address_as_well() -> None:
    """Where it was registered (flag L), the home agent defended it too: it comes back, and the link is told."""
    home = HOME_PREFIX[:8] + IID
    scene = home_scene(structs.replace(PARAMETERS, homes=(Home(home, home_agent=HA),)))
    scene.plug(R1)
    scene.wait(5)
    assert scene.home_is_bound
    defending(scene, R0, home, LINK_LOCAL)
    scene.plug(R0)
    scene.wait(10)
    told = announcements(scene)
    assert {message.target for _, message in told} == {home, LINK_LOCAL}
    for one, message in told:
        assert (one.packet.source, message.flags) == (message.target, OVERRIDE)
        assert message.options == (LinkLayer(TARGET_LINK_LAYER, MAC),)
    (reply,) = replies(scene.deliver(echo(R0.local, LINK_LOCAL)))
    assert (reply.packet.source, reply.packet.headers) == (LINK_LOCAL, ())


def test_mn_3_4_1_1_002__return_after_the_registration_ended() -> None:
    """Nobody defends the home address any more: it is tested as any address, and there is nothing to deregister."""
    scene = away()
    scene.plug()
    scene.wait(421)
    scene.home_is_bound = False
    back = scene.now
    scene.plug(R0)
    scene.wait(DETECTION_S / 2)
    (test,) = detections(scene, HOA, back)
    assert replies(scene.deliver(echo(CN))) == []
    scene.wait(10)
    assert scene.updates(since=back) == []
    assert len(detections(scene, HOA, back)) == 1
    assert scene.now > test.time + DETECTION_S
    is_at_home(scene)


def test_mn_2_2_2_1_008__deregistration_is_rejected() -> None:
    """Status 133: the home agent has no binding, and the home address is tested as any address is.

    The suite names the link-local address, as a test of that stood for all addresses with the same
    interface identifier in RFC 2462. RFC 4862 section 5.4 has each address tested: the link-local one was
    when the link came up, and the home address is now.
    """
    scene = away()
    back = scene.now
    scene.status = 133
    scene.instead[Answer.DEFENCE] = lambda seen: []
    scene.plug(R0)
    scene.wait(10)
    (link_local,) = detections(scene, LINK_LOCAL, back)
    (one,) = scene.updates(since=back)
    check_home(one, R0.mac)
    asked, tested = detections(scene, HOA, one[0].time - 10)[-2:]
    assert link_local.time <= asked.time <= one[0].time <= tested.time
    assert scene.log.index(one[0]) < scene.log.index(tested)
    is_at_home(scene)


def test_r_mn_18__nothing_is_sent_before_the_deregistration() -> None:
    """What applications send waits, on the home link, until the home agent has acknowledged."""
    scene = away()
    scene.answering.remove(Answer.HOME_REGISTRATION)
    back, mark = scene.now, len(scene.log)
    scene.plug(R0)
    assert scene.say(WORDS) == []
    scene.wait(0.5)
    assert scene.say(WORDS) == []
    assert replies(scene.deliver(echo(CN))) == []
    from_home = [seen for seen in scene.log[mark:] if seen.inner.covered_source == HOA]
    ((seen, _),) = scene.updates(since=back)
    assert from_home == [seen]

    sent = scene.deliver(from_home_agent(seen, acknowledgement(seen)), REGISTRATION)
    waited = [one for one in replies(sent) if one.packet.destination == CN]
    assert len(waited) >= 2
    for one in waited:
        assert (one.packet.source, one.packet.headers, one.is_tunnelled) == (HOA, (), False)
    is_at_home(scene)


def test_r_mn_40__deregistration_is_not_acknowledged() -> None:
    """It is repeated; after a few times the home address is used on the home link all the same."""
    scene = away()
    scene.answering.remove(Answer.HOME_REGISTRATION)
    back = scene.now
    scene.plug(R0)
    scene.wait(0.5)
    assert scene.say(WORDS) == []
    scene.wait(30)
    updates = scene.updates(since=back)
    for one in updates:
        check_home(one, R0.mac)
    assert gaps(updates)[:3] == [1.0, 2.0, 4.0]
    assert set(steps(updates)) == {1}
    assert len(updates) > BEFORE_LOCAL_USE
    assert announcements(scene)[0][0].time >= updates[BEFORE_LOCAL_USE - 1][0].time
    is_at_home(scene)
