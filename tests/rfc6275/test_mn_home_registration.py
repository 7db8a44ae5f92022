"""Home registration from foreign links: what is sent, when, and when again (RFC 6275 sections 11.7.1 and 11.8)."""

from dataclasses import replace
from itertools import pairwise

import pytest
from mobile_home_words import (
    FIRST_LADDER,
    LATER_LADDER,
    LONG,
    PROTECTED,
    REGISTRATION,
    answers_with_option,
    check_away,
    check_home,
    ends_at,
    gaps,
    home_scene,
    is_silent,
    probes,
    steps,
    times,
)
from mobile_playbook import (
    COA1,
    COA2,
    HA,
    HOME_PREFIX,
    IID,
    PARAMETERS,
    R0,
    R1,
    R2,
    Answer,
    acknowledgement,
    from_home_agent,
)
from msgspec import structs

from mipsh.mobility.effects import Protection
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.wire.icmpv6 import Icmpv6, ParameterProblem
from mipsh.wire.mobility import KEY_MANAGEMENT, LINK_LOCAL
from mipsh.wire.packet import Packet

SAME_IDENTIFIER = HOME_PREFIX[:8] + IID
UNRECOGNIZED_NEXT_HEADER = 1
PARAMETER_PROBLEM_POINTER = 40


def test_mn_1_1_2_1_001__out_home_and_out_again() -> None:
    """With a manual security association, each registration is whole, and goes by that association."""
    scene = home_scene()
    scene.register(R1)
    (first,) = scene.updates()
    check_away(first)
    assert answers_with_option(scene)

    scene.plug(R0)
    scene.wait(5)
    (home,) = scene.updates(since=first[0].time + 1)
    check_home(home, R0.mac)

    left = scene.now
    scene.register(R1)
    (again,) = scene.updates(since=left)
    check_away(again)
    assert steps([first, home, again]) == [1, 1]
    assert answers_with_option(scene)


@pytest.mark.parametrize(("address", "flag"), [(SAME_IDENTIFIER, LINK_LOCAL), (PARAMETERS.homes[0].address, 0)])
def test_mn_2_1_1_1_002__flag_l(address: bytes, flag: int) -> None:
    """It says whether the home address has the interface identifier of the link-local address."""
    scene = home_scene(structs.replace(PARAMETERS, homes=(Home(address, home_agent=HA),)))
    scene.plug(R1)
    scene.wait(3)
    ((seen, update),) = scene.updates()
    assert seen.packet.home_address_option == address
    assert update.flags & LINK_LOCAL == flag


def test_mn_2_1_1_1_004__flag_k_with_manual_keys() -> None:
    """Manual keys do not move with the mobile node: the flag is never set, though there is protection."""
    scene = home_scene()
    scene.register()
    (one,) = scene.updates()
    check_away(one, protection=REGISTRATION)
    assert one[1].flags & KEY_MANAGEMENT == 0


def test_mn_2_1_1_1_008__after_an_expired_registration() -> None:
    """Behind a registration that ended while there was no link, the next one is a first one."""
    scene = home_scene()
    scene.lifetime = 15
    scene.register()
    (first,) = scene.updates()
    scene.plug()
    scene.wait(61)
    assert len(scene.updates()) == 1

    scene.answering.remove(Answer.HOME_REGISTRATION)
    back = scene.now
    scene.plug(R1)
    scene.wait(20)
    later = scene.updates(since=back)
    for one in later:
        check_away(one)
    assert gaps(later)[:3] == [1.5, 3.0, 6.0]
    assert steps([first, *later]) == [1] * len(later)
    assert is_silent(scene)


def test_mn_2_1_2_1_001__from_one_foreign_link_to_another() -> None:
    """Once the router before does not answer any more, the new care-of address is registered."""
    scene = home_scene()
    scene.register(R1)
    (first,) = scene.updates()
    scene.disappear(R1)
    heard = scene.now
    scene.appear(R2)
    scene.wait(15)
    assert R1.address in probes(scene, heard)
    (second,) = scene.updates(since=heard)
    check_away(second, COA2)
    assert steps([first, second]) == [1]
    assert answers_with_option(scene, COA2)


def test_mn_2_1_2_1_004__refresh_before_the_end() -> None:
    """The registration never ends: it is refreshed in time, not every few seconds, with a larger sequence number."""
    scene = home_scene()
    scene.register()
    scene.wait(1000)
    updates = scene.updates()
    assert 3 <= len(updates) <= 5
    for earlier, later in pairwise(updates):
        check_away(later)
        assert later[0].time < ends_at(earlier, 105)
    assert set(steps(updates)) == {1}
    assert answers_with_option(scene)


def test_r_mn_04__ladder_of_a_first_registration() -> None:
    """1.5 s, twice as long each time, 32 s in the end; each time with the next sequence number."""
    scene = home_scene()
    scene.answering.remove(Answer.HOME_REGISTRATION)
    scene.plug(R1)
    scene.wait(sum(FIRST_LADDER) + 10)
    updates = scene.updates()
    for one in updates:
        check_away(one)
    assert tuple(gaps(updates))[: len(FIRST_LADDER)] == FIRST_LADDER
    assert set(steps(updates)) == {1}


def test_r_mn_05__ladder_of_a_later_registration() -> None:
    """1 s, twice as long each time, 32 s in the end."""
    scene = home_scene(LONG)
    scene.lifetime = 900
    scene.register(replace(R1, valid_s=86_400))
    (first,) = scene.updates()
    scene.answering.remove(Answer.HOME_REGISTRATION)
    scene.wait(0.8 * 3600 + sum(LATER_LADDER) + 10)
    later = scene.updates(since=first[0].time + 1)
    for one in later:
        check_away(one, lifetime=900)
    assert tuple(gaps(later))[: len(LATER_LADDER)] == LATER_LADDER
    assert set(steps([first, *later])) == {1}


@pytest.mark.parametrize(("parameters", "protection"), [(PARAMETERS, None), (PROTECTED, REGISTRATION)])
def test_r_mn_36__alternate_care_of_address_without_protection(
    parameters: MobileNodeParameters, protection: Protection | None
) -> None:
    """The option is there whether there is IPsec or not, where it tells what ESP does not cover (RFC 3776 4.1)."""
    scene = home_scene(parameters)
    scene.register()
    (one,) = scene.updates()
    check_away(one, protection=protection)


def test_r_mn_37__time_of_the_refresh() -> None:
    """A lifetime of 420 s is refreshed at four fifths of it at the latest, which leaves time for losses."""
    scene = home_scene()
    scene.register()
    scene.wait(420)
    first, second = times(scene.updates())[:2]
    assert 0 < second - first <= 0.8 * 420
    assert scene.updates()[0][1].lifetime == 105


def test_r_mn_38__move_while_an_update_is_unanswered() -> None:
    """The new care-of address is registered at once; an acknowledgement of the one before comes too late."""
    scene = home_scene()
    scene.answering.remove(Answer.HOME_REGISTRATION)
    scene.plug(R1)
    scene.wait(2)
    (before,) = scene.updates()
    scene.plug(R2)
    scene.wait(2.2)
    (after,) = scene.updates(since=before[0].time + 1)
    check_away(after, COA2)
    assert steps([before, after]) == [1]

    scene.deliver(from_home_agent(before[0], acknowledgement(before[0]), HA), REGISTRATION)
    late = structs.replace(from_home_agent(before[0], acknowledgement(before[0]), HA), destination=COA2)
    scene.deliver(late, REGISTRATION)
    assert is_silent(scene, COA2)
    assert len(scene.updates(since=after[0].time + 1)) > 0

    scene.answering.add(Answer.HOME_REGISTRATION)
    scene.wait(10)
    assert answers_with_option(scene, COA2)


def test_mn_6_2_2_1_001__home_agent_does_not_know_the_header() -> None:
    """A Parameter Problem, code 1, that points at the Mobility Header's number: it is left alone (section 11.3.5)."""
    scene = home_scene()
    scene.answering.remove(Answer.HOME_REGISTRATION)
    scene.plug(R1)
    scene.wait(2)
    (one,) = scene.updates()
    quoted = one[0].packet.encode()
    problem = ParameterProblem(UNRECOGNIZED_NEXT_HEADER, PARAMETER_PROBLEM_POINTER, quoted)
    scene.deliver(Packet(HA, COA1, Icmpv6(problem)))
    scene.wait(32)
    assert len(scene.updates()) == 1
    assert is_silent(scene)
