"""Acknowledgements of home registrations, as the mobile node takes them (RFC 6275 sections 11.7.3, 9.2)."""

from collections.abc import Callable

import pytest
from mobile_home_words import (
    REGISTRATION,
    answers_with_option,
    check_away,
    ends_at,
    gaps,
    home_scene,
    is_silent,
    solicitations,
    steps,
)
from mobile_playbook import (
    COA1,
    COA2,
    HA,
    HA1,
    R1,
    R2,
    Answer,
    MobileScene,
    Seen,
    acknowledgement,
    from_home_agent,
)
from msgspec import structs

from mipsh.mobility.constants import INITIAL_BINDACK_TIMEOUT_FIRST_S
from mipsh.wire.icmpv6 import ParameterProblem
from mipsh.wire.mobility import BA_KEY_MANAGEMENT, BindingAcknowledgement, MobilityHeader, OtherMessage
from mipsh.wire.packet import Packet

RESERVED_FLAGS, RESERVED_OCTET = 0x3F, 0xFF
UDP = 17
PAYLOAD_PROTO_AT, HEADER_LENGTH_AT = 64, 65
"""Where the Mobility Header begins behind a type 2 routing header."""


def unanswered(scene: MobileScene) -> Seen:
    """Let the mobile node come to a foreign link whose home agent is silent; return its Binding Update."""
    scene.answering.remove(Answer.HOME_REGISTRATION)
    scene.plug(R1)
    scene.wait(2)
    (one,) = scene.updates()
    check_away(one)
    return one[0]


def reply(seen: Seen, **other: int) -> Packet:
    """Return the acknowledgement of a Binding Update, of which some fields are other ones."""
    return from_home_agent(seen, structs.replace(acknowledgement(seen), **other))


def is_repeated(scene: MobileScene, seen: Seen) -> bool:
    """See that a Binding Update is repeated as if there had been no acknowledgement, and nothing is registered."""
    assert is_silent(scene)
    scene.wait(10)
    updates = scene.updates()
    for one in updates:
        check_away(one)
    assert updates[0][0] is seen
    return gaps(updates)[:3] == [1.5, 3.0, 6.0] and set(steps(updates)) == {1}


def test_mn_2_2_1_1_001__accepted() -> None:
    """Status 0: the binding is in use, and no more is sent."""
    scene = home_scene()
    seen = unanswered(scene)
    scene.deliver(reply(seen), REGISTRATION)
    assert answers_with_option(scene)
    scene.wait(100)
    assert len(scene.updates()) == 1
    assert solicitations(scene) == []


def test_mn_2_2_1_1_002__prefix_discovery_is_necessary() -> None:
    """Status 1: accepted as well, and the home agent is asked for prefixes (section 11.4.2)."""
    scene = home_scene()
    seen = unanswered(scene)
    scene.deliver(reply(seen, status=1), REGISTRATION)
    assert len(solicitations(scene)) == 1
    assert answers_with_option(scene)


@pytest.mark.parametrize(
    "status",
    [
        pytest.param(128, id="MN-2-2-1-1-003"),
        pytest.param(129, id="MN-2-2-1-1-004"),
        pytest.param(130, id="MN-2-2-1-1-005"),
        pytest.param(132, id="MN-2-2-1-1-007"),
        pytest.param(134, id="MN-2-2-1-1-009"),
        pytest.param(255, id="MN-2-2-1-1-035"),
    ],
)
def test_rejected(status: int) -> None:
    """Twice rejected, there is no binding; each try has a larger sequence number, and is not made in haste."""
    scene = home_scene()
    scene.status = status
    scene.plug(R1)
    scene.wait(4)
    updates = scene.updates()
    for one in updates:
        check_away(one)
    assert len(updates) == 2
    assert set(steps(updates)) == {1}
    assert min(gaps(updates)) >= INITIAL_BINDACK_TIMEOUT_FIRST_S
    assert is_silent(scene)
    scene.status = 0
    scene.wait(20)
    assert answers_with_option(scene)


def test_mn_2_2_1_1_016__sequence_number_out_of_window() -> None:
    """Status 135 says which number was the last one: behind 65535 comes 0, at once."""
    scene = home_scene()
    seen = unanswered(scene)
    asked = scene.now
    scene.answering.add(Answer.HOME_REGISTRATION)
    scene.deliver(reply(seen, status=135, sequence=65_535, lifetime=0), REGISTRATION)
    (next_one,) = scene.updates(since=asked)
    check_away(next_one)
    assert next_one[1].sequence == 0
    assert answers_with_option(scene)


@pytest.mark.parametrize("flags", [0, BA_KEY_MANAGEMENT])
def test_mn_2_2_1_1_014__flag_k(flags: int) -> None:
    """With manual keys, it changes nothing whether the flag is there."""
    scene = home_scene()
    seen = unanswered(scene)
    scene.deliver(reply(seen, flags=flags), REGISTRATION)
    assert answers_with_option(scene)
    scene.wait(100)
    assert len(scene.updates()) == 1


@pytest.mark.parametrize("off_by", [-1, 1, 0x8000])
def test_mn_2_2_1_1_017__sequence_number_of_no_update(off_by: int) -> None:
    """It is dropped, and the update is repeated."""
    scene = home_scene()
    seen = unanswered(scene)
    sequence = (scene.updates()[0][1].sequence + off_by) % 65_536
    scene.deliver(reply(seen, sequence=sequence), REGISTRATION)
    assert is_repeated(scene, seen)


def test_mn_2_2_1_1_020__shorter_lifetime_than_asked_for() -> None:
    """The lifetime that is granted counts: the refresh comes before it ends."""
    scene = home_scene()
    scene.lifetime = 15
    scene.register()
    scene.wait(60)
    first, second = scene.updates()[:2]
    check_away(first)
    check_away(second)
    assert second[0].time < ends_at(first, 15)
    assert steps([first, second]) == [1]
    assert answers_with_option(scene)


def test_mn_2_2_1_1_033__unknown_status_below_128() -> None:
    """It accepts."""
    scene = home_scene()
    seen = unanswered(scene)
    scene.deliver(reply(seen, status=127), REGISTRATION)
    assert answers_with_option(scene)
    scene.wait(100)
    assert len(scene.updates()) == 1


def test_mn_2_2_1_1_039__reserved_fields() -> None:
    """Bits that mean nothing are not looked at, in the Mobility Header and in the acknowledgement."""
    scene = home_scene()
    seen = unanswered(scene)
    message = structs.replace(acknowledgement(seen), flags=RESERVED_FLAGS)
    packet = structs.replace(reply(seen), upper=MobilityHeader(message, reserved=RESERVED_OCTET))
    scene.deliver(packet, REGISTRATION)
    assert answers_with_option(scene)
    scene.wait(100)
    assert len(scene.updates()) == 1


def test_r_mn_16__from_another_node() -> None:
    """Only the home agent that was asked can acknowledge."""
    scene = home_scene()
    seen = unanswered(scene)
    scene.deliver(from_home_agent(seen, acknowledgement(seen), HA1), REGISTRATION)
    assert is_repeated(scene, seen)


def test_r_mn_17__to_the_care_of_address_before() -> None:
    """Behind a move, what comes to the old care-of address answers nothing, whatever number it has."""
    scene = home_scene()
    scene.register(R1)
    scene.answering.remove(Answer.HOME_REGISTRATION)
    moved = scene.now
    scene.plug(R2)
    scene.wait(1.5)
    (one,) = scene.updates(since=moved)
    check_away(one, COA2)
    stray = structs.replace(reply(one[0]), destination=COA1)
    scene.deliver(stray, REGISTRATION)
    assert is_silent(scene, COA2)
    assert len(scene.updates(since=moved)) >= 2

    last = scene.updates()[-1]
    scene.deliver(reply(last[0]), REGISTRATION)
    assert answers_with_option(scene, COA2)


def followed_by_udp(message: BindingAcknowledgement) -> MobilityHeader:
    """Return an acknowledgement whose Payload Proto says that something follows."""
    return MobilityHeader(message, next_header=UDP)


def too_short(message: BindingAcknowledgement) -> MobilityHeader:
    """Return an acknowledgement whose Header Len says that it is 8 bytes long."""
    body = message.encode()
    return MobilityHeader(OtherMessage(message.TYPE, body[:2]), trailer=body[2:])


@pytest.mark.parametrize(
    ("make", "pointer"),
    [
        pytest.param(followed_by_udp, PAYLOAD_PROTO_AT, id="MN-6-2-1-1-001"),
        pytest.param(too_short, HEADER_LENGTH_AT, id="MN-6-2-1-1-002"),
    ],
)
def test_malformed_header(make: Callable[[BindingAcknowledgement], MobilityHeader], pointer: int) -> None:
    """A Parameter Problem of code 0 points at the octet, and has no Home Address option; nothing is registered."""
    scene = home_scene()
    seen = unanswered(scene)
    packet = structs.replace(reply(seen), upper=make(acknowledgement(seen)))
    (sent,) = scene.deliver(packet, REGISTRATION)
    ((answer, problem),) = scene.icmp(ParameterProblem)
    assert sent is answer
    assert (sent.packet.source, sent.packet.destination, sent.packet.headers) == (COA1, HA, ())
    assert (problem.code, problem.value, problem.original) == (0, pointer, packet.encode())
    assert is_repeated(scene, seen)


def test_mn_6_2_1_1_004__wrong_checksum() -> None:
    """It is dropped in silence, and the update is repeated."""
    scene = home_scene()
    seen = unanswered(scene)
    packet = structs.replace(reply(seen), upper=MobilityHeader(acknowledgement(seen), checksum=0x1234))
    assert scene.deliver(packet, REGISTRATION) == []
    assert is_repeated(scene, seen)
