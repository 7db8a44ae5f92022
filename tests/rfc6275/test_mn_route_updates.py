"""Binding Updates of a mobile node to correspondents, and the answers to them (RFC 6275 sections 11.7.2 to 11.7.4)."""

from itertools import pairwise

import pytest
from mobile_playbook import (
    CARE_OF_INDEX,
    CN,
    CN1,
    COA1,
    COA2,
    HA,
    HOA,
    HOME_INDEX,
    HOME_TOKEN,
    PARAMETERS,
    R0,
    R1,
    R2,
    Answer,
    MobileScene,
    Router,
    Seen,
    acknowledgement,
    care_of_test,
    echo,
    from_home_agent,
    home_test,
    message_of,
    prefixes,
    replies,
)
from mobile_route_playbook import (
    LONG,
    LONG_UNITS,
    TESTS,
    acknowledges,
    answer_updates,
    away,
    begins_both,
    begins_nothing,
    care_of_inits,
    entry,
    home_inits,
    indices,
    is_later,
    optimised,
    rests,
    says_nothing,
    says_through_tunnel,
    sends_straight,
    sends_via_tunnel,
    straight,
    the_update,
    updates,
    via_tunnel,
    wrong_key,
)
from msgspec import structs

from mipsh.mobility.mobile.update_list import State
from mipsh.wire.authenticator import binding_management_key, is_authentic
from mipsh.wire.icmpv6 import Icmpv6, MobilePrefixSolicitation
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    AlternateCareOfAddress,
    BindingRefreshAdvice,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTestInit,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
    padded,
)
from mipsh.wire.packet import Packet

SILENT = structs.replace(PARAMETERS, acknowledge_correspondents=False)
"""A mobile node that asks correspondents for no acknowledgement."""
LATER = 5.0
NEW_HOME, NEW_CARE_OF = 41, 42
UNIT = 4


def bound_s(scene: MobileScene, peer: bytes = CN) -> float:
    """Return for how long a peer's binding is to last, as the one Binding Update to it asks."""
    return float(the_update(scene, peer).lifetime * UNIT)


def renews(scene: MobileScene, kind: type[HomeTestInit] | type[CareOfTestInit], index: int) -> None:
    """Let the tests of a kind be answered with another nonce index from now on."""
    if kind is HomeTestInit:
        scene.instead[Answer.HOME_TEST] = lambda seen: [home_test(seen, index)]
    else:
        scene.instead[Answer.CARE_OF_TEST] = lambda seen: [care_of_test(seen, index)]


# The whole of it.


def test_mn_0_0_0_2_001__a_journey() -> None:
    """Registration, return routability, a move, the way home, and the end of the correspondent's binding."""
    scene = MobileScene()
    scene.plug(R0)
    scene.wait(LATER)
    scene.log.clear()
    scene.register(R1)
    (home_update,) = scene.updates(HA)
    assert home_update[1].flags & (HOME | ACKNOWLEDGE) == HOME | ACKNOWLEDGE
    (reply,) = replies(scene.tunnelled(echo()))
    via_tunnel(reply)
    begins_both(scene)
    first = the_update(scene)
    sends_straight(scene)
    scene.log.clear()
    scene.register(R2)
    assert {seen.packet.source for seen, _ in home_inits(scene)} <= {COA2}
    ((seen, _),) = care_of_inits(scene)
    assert seen.packet.source == COA2
    second = the_update(scene)
    assert is_later(second.sequence, first.sequence)
    sends_straight(scene)
    scene.log.clear()
    scene.plug(R0)
    scene.wait(LATER)
    deletes_at_home(scene, second)


def deletes_at_home(scene: MobileScene, before: BindingUpdate) -> None:
    """See that the bindings are deleted: the home test goes straight at home, and no care-of test is needed."""
    ((_, deregistration),) = scene.updates(HA)
    assert deregistration.lifetime == 0
    ((init, _),) = scene.said(HomeTestInit)
    assert not init.is_tunnelled
    assert (init.packet.source, init.packet.destination, init.packet.headers) == (HOA, CN, ())
    assert scene.said(CareOfTestInit) == []
    ((seen, update),) = scene.updates(CN)
    assert (seen.packet.source, seen.packet.headers, update.lifetime) == (HOA, (), 0)
    assert is_later(update.sequence, before.sequence)
    assert indices(update).home == HOME_INDEX
    assert is_authentic_deletion(seen)


def is_authentic_deletion(seen: Seen) -> bool:
    """Tell whether a deletion is proven by the home token alone."""
    header = seen.packet.upper
    assert isinstance(header, MobilityHeader)
    return is_authentic(header, binding_management_key(HOME_TOKEN), HOA, CN)


# What a Binding Update says.


def test_mn_3_1_1_2_001__what_it_says() -> None:
    """Neither H nor K, at most 420 s, HAO in place, the indices received, the authenticator last and right."""
    scene = away()
    scene.tunnelled(echo())
    ((seen, update),) = updates(scene)
    straight(seen)
    left_s = 1001.0 + 420 - seen.time
    assert 0 < update.lifetime * UNIT <= left_s
    assert indices(update) == NonceIndices(HOME_INDEX, CARE_OF_INDEX)
    sends_straight(scene)


@pytest.mark.parametrize("router", [Router(2, valid_s=200), Router(2, valid_s=100)])
def test_mn_3_1_1_2_001__the_care_of_address_ends_first(router: Router) -> None:
    """The binding lasts no longer than the care-of address."""
    scene = MobileScene()
    scene.register(router)
    arrived = min(seen.time for seen in scene.log)
    scene.tunnelled(echo())
    ((seen, update),) = updates(scene)
    assert 0 < update.lifetime * UNIT <= arrived + router.valid_s - seen.time


@pytest.mark.parametrize("is_asked", [False, True])
def test_mn_3_1_1_2_002_003__acknowledgements(is_asked: bool) -> None:
    """A says whether one is wanted; where it is, the update is repeated until it comes, and then RO begins."""
    scene = away(structs.replace(PARAMETERS, acknowledge_correspondents=is_asked))
    answer_updates(scene, says_nothing, says_nothing, says_nothing, acknowledges())
    scene.tunnelled(echo())
    scene.wait(3.5)
    found = updates(scene)
    assert {bool(update.flags & ACKNOWLEDGE) for _, update in found} == {is_asked}
    times = [seen.time for seen, _ in found]
    gaps = [after - before for before, after in pairwise(times)]
    assert gaps == pytest.approx([1.0, 2.0] if is_asked else [])
    assert all(is_later(after.sequence, before.sequence) for (_, before), (_, after) in pairwise(found))
    if not is_asked:
        sends_straight(scene)
        return
    sends_via_tunnel(scene)
    scene.wait(4.0)
    assert len(updates(scene)) == 4
    sends_straight(scene)


def test_mn_3_1_1_2_004__the_care_of_address_is_named_once() -> None:
    """It is the packet's source, or in an Alternate Care-of Address option, and these do not differ."""
    scene = away()
    scene.tunnelled(echo())
    ((seen, update),) = updates(scene)
    named = [option.address for option in update.options if isinstance(option, AlternateCareOfAddress)]
    assert seen.packet.source == COA1
    assert named in ([], [COA1])


def test_mn_3_1_2_2_001__the_home_prefix_lasts_shorter() -> None:
    """The next update has a greater number, ends no later than the home registration, and is proven anew."""
    scene = away()
    scene.tunnelled(echo())
    before = the_update(scene)
    scene.log.clear()

    def answer(seen: Seen) -> list[Packet]:
        upper = seen.packet.upper
        assert isinstance(upper, Icmpv6)
        assert isinstance(upper.message, MobilePrefixSolicitation)
        return [prefixes(upper.message.identifier, seen.packet.source, 100)]

    scene.instead[Answer.PREFIXES] = answer
    renews(scene, HomeTestInit, NEW_HOME)
    renews(scene, CareOfTestInit, NEW_CARE_OF)
    scene.deliver(prefixes(0, COA1))
    ((_, registered),) = scene.updates(HA)
    assert registered.lifetime <= 25
    update = the_update(scene)
    assert is_later(update.sequence, before.sequence)
    assert update.lifetime <= registered.lifetime
    assert indices(update) == NonceIndices(NEW_HOME, NEW_CARE_OF)
    sends_straight(scene)


def test_mn_3_1_2_2_004__a_move() -> None:
    """Every correspondent is told of the new care-of address, with a greater number and new indices."""
    scene = optimised()
    scene.optimise(CN1)
    before = {peer: entry(scene, peer).sequence for peer in (CN, CN1)}
    scene.log.clear()
    renews(scene, CareOfTestInit, NEW_CARE_OF)
    scene.register(R2)
    for peer, sequence in before.items():
        update = the_update(scene, peer)
        assert sequence is not None
        assert is_later(update.sequence, sequence)
        assert indices(update) == NonceIndices(HOME_INDEX, NEW_CARE_OF)
        sends_straight(scene, peer)


def test_r_mn_08__the_home_registration_ends_soon() -> None:
    """A binding never lasts longer than what is left of the home registration, be that 4 s."""
    scene = optimised()
    scene.lifetime = 1
    scene.wait(336.0)
    lifetimes = [update.lifetime for seen, update in scene.updates(CN) if seen.time > scene.now - 20]
    assert lifetimes != []
    assert set(lifetimes) == {1}
    registered = 0.0
    for _ in range(100):
        scene.log.clear()
        scene.tunnelled(echo(CN1))
        scene.wait(0.1)
        registered = max([registered, *(seen.time for seen, _ in scene.updates(HA))])
        for seen, update in [*scene.updates(CN), *scene.updates(CN1)]:
            assert update.lifetime * UNIT <= registered + UNIT - seen.time


def test_r_mn_24__the_number_behind_65535() -> None:
    """It is 0."""
    scene = away()
    answer_updates(scene, acknowledges(135, sequence=65534), acknowledges())
    scene.tunnelled(echo())
    assert updates(scene)[-1][1].sequence == 65535
    sends_straight(scene)
    scene.log.clear()
    scene.wait(LATER)
    says_through_tunnel(scene, BindingRefreshRequest())
    assert the_update(scene).sequence == 0
    sends_straight(scene)


# What an acknowledgement does.


def test_mn_3_2_1_2_001__accepted() -> None:
    """Until it comes packets go through the tunnel, and then straight."""
    scene = away()
    answer_updates(scene, says_nothing)
    scene.tunnelled(echo())
    sends_via_tunnel(scene)
    ((seen, _),) = updates(scene)
    answer = acknowledges()(seen)
    assert answer is not None
    scene.deliver(answer)
    sends_straight(scene)
    scene.log.clear()
    rests(scene)


def test_mn_3_2_1_2_003__rejected() -> None:
    """Packets go through the tunnel; whatever is tried again has a greater number."""
    scene = away()
    answer_updates(scene, acknowledges(128))
    for _ in range(4):
        (reply,) = replies(scene.tunnelled(echo()))
        via_tunnel(reply)
        scene.wait(8.0)
    found = [update for _, update in updates(scene)]
    assert found != []
    assert all(is_later(after.sequence, before.sequence) for before, after in pairwise(found))
    sends_via_tunnel(scene)


@pytest.mark.parametrize("last", [7, 40000])
def test_mn_3_2_1_2_010__out_of_the_window(last: int) -> None:
    """The next update goes on behind the number that the correspondent has."""
    scene = away()
    answer_updates(scene, acknowledges(135, sequence=last), acknowledges())
    scene.tunnelled(echo())
    scene.wait(1.0)
    first, second = (update for _, update in updates(scene))
    assert first.sequence != second.sequence
    assert second.sequence == last + 1
    sends_straight(scene)


@pytest.mark.parametrize(
    ("status", "again"),
    [
        pytest.param(136, {HomeTestInit}, id="MN-3-2-1-2-011"),
        pytest.param(137, {CareOfTestInit}, id="MN-3-2-1-2-012"),
        pytest.param(138, {HomeTestInit, CareOfTestInit}, id="MN-3-2-1-2-013"),
    ],
)
def test_nonces_are_gone(status: int, again: set[type[HomeTestInit] | type[CareOfTestInit]]) -> None:
    """The tests concerned are made anew, with new cookies; the next update has a greater number and their indices."""
    scene = away()
    answer_updates(scene, says_nothing, acknowledges())
    scene.tunnelled(echo())
    ((seen, before),) = updates(scene)
    cookies = {init.cookie for _, init in [*home_inits(scene), *care_of_inits(scene)]}
    scene.log.clear()
    renews(scene, HomeTestInit, NEW_HOME)
    renews(scene, CareOfTestInit, NEW_CARE_OF)
    answer = acknowledges(status, is_authenticated=False)(seen)
    assert answer is not None
    scene.deliver(answer)
    inits = [*home_inits(scene), *care_of_inits(scene)]
    assert {type(init) for _, init in inits} >= again
    assert len(inits) == len({type(init) for _, init in inits})
    assert not {init.cookie for _, init in inits} & cookies
    update = the_update(scene)
    assert is_later(update.sequence, before.sequence)
    home = NEW_HOME if HomeTestInit in again else HOME_INDEX
    care_of = NEW_CARE_OF if CareOfTestInit in again else CARE_OF_INDEX
    assert indices(update) == NonceIndices(home, care_of)
    sends_straight(scene)


@pytest.mark.parametrize(
    ("units", "is_shorter"),
    [pytest.param(5, True, id="MN-3-2-1-2-017"), pytest.param(None, False, id="MN-3-2-1-2-018")],
)
def test_the_lifetime_granted_ends(units: int | None, is_shorter: bool) -> None:
    """Up to then packets go straight, behind it through the tunnel; the next tunnelled one starts all over."""
    for is_over in (False, True):
        scene = away(LONG, LONG_UNITS)
        answer_updates(scene, acknowledges(lifetime=units), acknowledges())
        scene.tunnelled(echo())
        asked = the_update(scene).lifetime
        lifetime_s = UNIT * (units or asked)
        assert (lifetime_s < UNIT * asked) is is_shorter
        scene.log.clear()
        if not is_over:
            rests(scene, lifetime_s - 1)
            sends_straight(scene)
            continue
        rests(scene, lifetime_s + 1)
        (reply,) = replies(scene.tunnelled(echo()))
        via_tunnel(reply)
        begins_both(scene)
        the_update(scene)
        sends_straight(scene)


def test_mn_3_2_1_2_023__refresh_advice() -> None:
    """A correspondent's advice is ignored: with packets coming all the time, no update goes out at half time."""
    scene = away(LONG, LONG_UNITS)
    answer_updates(scene, advises_half)
    scene.tunnelled(echo())
    lifetime_s = bound_s(scene)
    scene.log.clear()
    until = scene.now + lifetime_s / 2 + 20
    while scene.now < until:
        sends_straight(scene)
        scene.wait(2.0)
    begins_nothing(scene)


def advises_half(seen: Seen) -> Packet | None:
    """Return an acknowledgement that advises to refresh after half the lifetime."""
    half = message_of(seen, BindingUpdate).lifetime // 2
    return acknowledges(options=(BindingRefreshAdvice(half),))(seen)


def test_mn_3_2_1_2_024__a_wrong_authenticator() -> None:
    """It is as if nothing had come: the update is repeated, and packets go through the tunnel."""
    scene = away()
    answer_updates(scene, lambda seen: acknowledges(key=wrong_key(seen))(seen))
    scene.tunnelled(echo())
    sends_via_tunnel(scene)
    scene.wait(3.5)
    assert [seen.time for seen, _ in updates(scene)] == pytest.approx([1005.0, 1006.0, 1008.0])
    sends_via_tunnel(scene)


@pytest.mark.parametrize(("status", "is_heeded"), [(0, False), (128, False), (135, False), (136, True), (137, True)])
def test_r_mn_41__an_acknowledgement_without_proof(status: int, is_heeded: bool) -> None:
    """It is believed only where the nonces are gone, and the home registration is none of its business."""
    scene = away()
    answer_updates(scene, acknowledges(status, is_authenticated=False), acknowledges())
    scene.tunnelled(echo())
    assert len(updates(scene)) == (2 if is_heeded else 1)
    scene.log.clear()
    assert scene.is_registered
    sends_straight(scene) if is_heeded else sends_via_tunnel(scene)


@pytest.mark.parametrize("is_authenticated", [False, True])
@pytest.mark.parametrize("status", [136, 137, 138])
def test_r_mn_41__expired_nonces(status: int, is_authenticated: bool) -> None:
    """With proof or without, they lead to new tests, and packets go straight by the binding that there is."""
    scene = optimised()
    answer_updates(scene, acknowledges(status, is_authenticated=is_authenticated), says_nothing)
    says_through_tunnel(scene, BindingRefreshRequest())
    assert len(updates(scene)) == 2
    sends_straight(scene)
    assert scene.is_registered
    assert scene.updates(HA) == []


def test_r_mn_15__a_correspondent_that_rejects() -> None:
    """It is marked as one not to be asked, and is not asked when packets come."""
    scene = away()
    answer_updates(scene, acknowledges(129))
    scene.tunnelled(echo())
    assert entry(scene).state is State.REFUSED
    assert (entry(scene).expires, entry(scene).home_nonce_index) == (None, None)
    scene.log.clear()
    (reply,) = replies(scene.tunnelled(echo()))
    via_tunnel(reply)
    scene.wait(32.0)
    begins_nothing(scene)


@pytest.mark.parametrize("status", [128, 135, 136, 137, 138])
def test_r_mn_06__updates_in_a_second(status: int) -> None:
    """However often a correspondent rejects, and packets come, it gets at most three updates in a second."""
    scene = away()
    answer_updates(scene, acknowledges(status))
    for _ in range(100):
        scene.tunnelled(echo())
        scene.wait(0.1)
    times = [seen.time for seen, _ in updates(scene)]
    assert times != []
    assert all(fourth - first >= 1.0 for first, fourth in zip(times, times[3:], strict=False))


# What a Binding Refresh Request does.


@pytest.mark.parametrize(
    ("request_", "reserved"),
    [
        pytest.param(BindingRefreshRequest(), 0, id="MN-3-4-1-2-001"),
        pytest.param(BindingRefreshRequest(reserved=0xFFFF), 0xFF, id="MN-3-4-1-2-006"),
    ],
)
def test_a_refresh_request(request_: BindingRefreshRequest, reserved: int) -> None:
    """Both tests are made anew, then an update follows of at most 420 s; packets go straight all the while."""
    scene = optimised()
    before = entry(scene).sequence
    assert before is not None
    scene.answering -= TESTS
    scene.tunnelled(Packet(CN, HOA, MobilityHeader(request_, reserved=reserved)))
    begins_both(scene)
    sends_straight(scene)
    ((home, _),), ((care_of, _),) = home_inits(scene), care_of_inits(scene)
    scene.deliver(home_test(home, NEW_HOME))
    scene.deliver(care_of_test(care_of, NEW_CARE_OF))
    update = the_update(scene)
    assert update.lifetime * UNIT <= 420
    assert is_later(update.sequence, before)
    assert indices(update) == NonceIndices(NEW_HOME, NEW_CARE_OF)
    sends_straight(scene)


# Refresh advice of the home agent.


@pytest.mark.parametrize(
    ("interval", "refresh_s"), [(None, 336.0), (0, 336.0), (105, 336.0), (200, 336.0), (25, 100.0)]
)
def test_r_mn_25__refresh_advice(interval: int | None, refresh_s: float) -> None:
    """It is heeded where it is greater than 0 and less than the lifetime, and ignored else (section 6.2.4)."""
    scene = MobileScene()

    def advise(seen: Seen) -> list[Packet]:
        options = () if interval is None else (BindingRefreshAdvice(interval),)
        message = structs.replace(acknowledgement(seen), options=())
        return [from_home_agent(seen, padded(structs.replace(message, options=options)))]

    scene.instead[Answer.HOME_REGISTRATION] = advise
    scene.plug(R1)
    scene.wait(400.0)
    (first, _), (second, _) = scene.updates(HA)[:2]
    assert second.time - first.time == pytest.approx(refresh_s)
