"""Discovery of home prefixes from foreign links (RFC 6275 sections 11.4.2, 11.4.3, 6.7 and 6.8)."""

import pytest
from mobile_home_words import (
    PREFIX_DISCOVERY,
    answers_with_option,
    check_away,
    gaps,
    home_scene,
    is_silent,
    solicitations,
    steps,
    times,
)
from mobile_playbook import CN, COA1, HA1, HOA, R1, Answer, MobileScene, prefixes
from msgspec import structs

from mipsh.mobility.constants import INITIAL_SOLICIT_TIMER_S
from mipsh.mobility.effects import AddressRemoved, Protection, Purpose
from mipsh.wire.icmpv6 import EchoReply, Icmpv6, MobilePrefixAdvertisement
from mipsh.wire.mobility import ACKNOWLEDGE, HOME
from mipsh.wire.packet import Packet

LADDER = (3.0, 6.0, 12.0, 24.0, 32.0)
RANDOM = 0x5A5A
RESERVED = 0x3FFF
SHORT_S, SHORT = 120, 30
"""A prefix lifetime in seconds, and the longest lifetime of a binding in it in units."""


def asking() -> MobileScene:
    """Return a registered mobile node that has asked for prefixes and is not answered."""
    scene = home_scene()
    scene.answering.remove(Answer.PREFIXES)
    scene.status = 1
    scene.register(R1)
    scene.status = 0
    assert len(times(solicitations(scene))) >= 1
    return scene


def identifier(scene: MobileScene) -> int:
    """Return the identifier of the last solicitation."""
    return solicitations(scene)[-1][1].identifier


def advertise(scene: MobileScene, packet: Packet, protection: Protection | None = PREFIX_DISCOVERY) -> None:
    """Hand the mobile node a Mobile Prefix Advertisement."""
    scene.deliver(packet, protection)


def flagged(packet: Packet, flags: int) -> Packet:
    """Return an advertisement with other flags."""
    assert isinstance(packet.upper, Icmpv6)
    assert isinstance(packet.upper.message, MobilePrefixAdvertisement)
    return structs.replace(packet, upper=Icmpv6(structs.replace(packet.upper.message, flags=flags)))


def is_answered(scene: MobileScene, since: float) -> bool:
    """Tell whether nothing was asked since a time: the advertisement has been taken for the answer."""
    scene.wait(LADDER[0] + LADDER[1] + LADDER[2])
    return solicitations(scene, since) == []


def test_mn_4_1_1_1_002__advertisement_that_was_not_asked_for() -> None:
    """It makes the mobile node ask, and that is all it does."""
    scene = home_scene()
    scene.answering.remove(Answer.PREFIXES)
    scene.register(R1)
    scene.wait(1)
    assert solicitations(scene) == []
    advertise(scene, prefixes(RANDOM, COA1))
    assert len(solicitations(scene)) == 1
    assert len(scene.updates()) == 1


def test_mn_4_1_1_1_004__solicitations_are_repeated() -> None:
    """After 3 s, and twice as late each time, under the same identifier."""
    scene = asking()
    scene.wait(sum(LADDER) + 10)
    sent = solicitations(scene)
    assert tuple(gaps(sent))[: len(LADDER)] == LADDER
    assert len({message.identifier for _, message in sent}) == 1
    assert answers_with_option(scene)


def test_r_mn_26__status_1() -> None:
    """The acknowledgement that asks for it is followed by a solicitation, well before 3 s are over."""
    scene = home_scene()
    scene.status = 1
    scene.register(R1)
    ((registered, _),) = scene.updates()
    assert len(solicitations(scene)) == 1
    assert 0 <= solicitations(scene)[0][0].time - registered.time < INITIAL_SOLICIT_TIMER_S
    assert is_answered(scene, registered.time + INITIAL_SOLICIT_TIMER_S)


def test_mn_4_2_1_1_004__lifetime_becomes_shorter() -> None:
    """The binding may not outlive the prefix: it is registered again at once, for no longer than that."""
    scene = asking()
    before = scene.updates()
    scene.wait(0.5)
    told = scene.now
    advertise(scene, prefixes(identifier(scene), COA1, SHORT_S))
    (one,) = scene.updates(since=told)
    check_away(one, lifetime=SHORT)
    assert one[0].time == told
    assert steps([before[-1], one]) == [1]
    assert answers_with_option(scene)


def test_mn_4_2_1_1_012__advertisement_of_another_node() -> None:
    """It is dropped, and the solicitation is repeated."""
    scene = asking()
    advertise(scene, prefixes(identifier(scene), COA1, SHORT_S, HA1))
    scene.wait(12)
    assert tuple(gaps(solicitations(scene)))[:2] == LADDER[:2]
    assert len({message.identifier for _, message in solicitations(scene)}) == 1
    assert len(scene.updates()) == 1


def test_mn_4_2_1_1_014__advertisement_with_another_identifier() -> None:
    """It was not asked for: a new solicitation goes out, under an identifier of its own."""
    scene = asking()
    scene.wait(0.5)
    told = scene.now
    other = (identifier(scene) + 1) % 65_536
    before = identifier(scene)
    advertise(scene, prefixes(other, COA1, SHORT_S))
    ((seen, message),) = solicitations(scene, told)
    assert seen.time == told
    assert message.identifier != before
    assert len(scene.updates()) == 1


@pytest.mark.parametrize("flags", [0, RESERVED])
def test_mn_4_2_1_1_015__reserved_bits(flags: int) -> None:
    """They mean nothing: the advertisement is the answer."""
    scene = asking()
    scene.wait(0.5)
    told = scene.now
    advertise(scene, flagged(prefixes(identifier(scene), COA1, SHORT_S), flags))
    (one,) = scene.updates(since=told)
    check_away(one, lifetime=SHORT)
    assert is_answered(scene, told)


def test_r_mn_27__solicitations_are_protected() -> None:
    """Where protection is required none goes without: a driver that has no security association sends nothing.

    An advertisement that came without protection is dropped as well.
    """
    scene = asking()
    scene.wait(50)
    assert {seen.protection for seen, _ in solicitations(scene)} == {PREFIX_DISCOVERY}
    other = Protection(Purpose.REGISTRATION, HOA)
    for protection in (None, other):
        advertise(scene, prefixes(identifier(scene), COA1, SHORT_S), protection)
    assert len(scene.updates()) == 1


def test_r_mn_28__nothing_is_believed_that_was_not_asked_for() -> None:
    """Prefixes of an unsolicited advertisement do not count, though it is protected; those of the answer do."""
    scene = home_scene()
    scene.answering.remove(Answer.PREFIXES)
    scene.register(R1)
    scene.wait(1)
    advertise(scene, prefixes(RANDOM, COA1, SHORT_S))
    scene.wait(1)
    assert len(scene.updates()) == 1
    advertise(scene, prefixes(identifier(scene), COA1, SHORT_S))
    _, one = scene.updates()
    check_away(one, lifetime=SHORT)


def test_r_mn_45__the_home_prefix_ends() -> None:
    """A lifetime of zero: the home address is deregistered, and nobody uses it any more."""
    scene = asking()
    scene.wait(0.5)
    told = scene.now
    advertise(scene, prefixes(identifier(scene), COA1, 0))
    (one,) = scene.updates(since=told)
    check_away(one, lifetime=0)
    assert one[1].flags == ACKNOWLEDGE | HOME
    assert AddressRemoved(HOA) in scene.others
    assert scene.home_is_bound is False
    assert is_silent(scene)
    assert scene.say(Packet(HOA, CN, Icmpv6(EchoReply(1, 1)))) == []
    scene.wait(100)
    assert len(scene.updates(since=told)) == 1
