"""Return routability as a mobile node does it: when it begins, and which answers count (RFC 6275 section 11.6)."""

import pytest
from mobile_playbook import (
    CARE_OF_INDEX,
    CARE_OF_TOKEN,
    CN,
    CN1,
    COA1,
    COA2,
    HA,
    HOA,
    HOME_INDEX,
    HOME_PREFIX,
    HOME_TOKEN,
    PARAMETERS,
    R1,
    R2,
    Answer,
    Instead,
    MobileScene,
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
    SILENCE,
    TESTS,
    away,
    begins_both,
    begins_nothing,
    care_of_inits,
    entry,
    home_inits,
    indices,
    optimised,
    repeats,
    rests,
    says,
    says_through_tunnel,
    sends_straight,
    sends_via_tunnel,
    straight,
    the_update,
    updates,
    via_tunnel,
    waiting,
)
from msgspec import structs

from mipsh.mobility.effects import Protection, Purpose
from mipsh.mobility.fragmentation import fragments
from mipsh.mobility.mobile.parameters import MobileNodeParameters, Optimisation
from mipsh.mobility.paths import in_tunnel
from mipsh.wire.extension import Header, Type2RoutingHeader
from mipsh.wire.icmpv6 import Icmpv6, MobilePrefixSolicitation, ParameterProblem
from mipsh.wire.mobility import (
    BindingError,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.packet import Packet, Payload, decode

ELSEWHERE = HOME_PREFIX[:15] + b"\xbb"
"""An address of the home link that is somebody else's."""
STALE, FRESH, SECOND = 31, 32, 33
LATER = 5.0


HOT = HomeTest(HOME_INDEX, b"somebody", HOME_TOKEN)
COT = CareOfTest(CARE_OF_INDEX, b"somebody", CARE_OF_TOKEN)
"""Answers to what the node never asked."""


def home_prefix_shrinks(scene: MobileScene, valid_s: int) -> None:
    """Let an unsolicited MPA come; the MPS that follows is told that the home prefix ends soon."""

    def answer(seen: Seen) -> list[Packet]:
        upper = seen.packet.upper
        assert isinstance(upper, Icmpv6)
        assert isinstance(upper.message, MobilePrefixSolicitation)
        return [prefixes(upper.message.identifier, seen.packet.source, valid_s)]

    scene.instead[Answer.PREFIXES] = answer
    scene.deliver(prefixes(0, COA1))
    assert len(scene.icmp(MobilePrefixSolicitation)) == 1
    ((_, update),) = scene.updates(HA)
    assert update.lifetime * 4 <= valid_s


# When return routability begins, and when it does not.


def test_mn_2_1_1_2_001__a_tunnelled_packet_starts_the_home_test() -> None:
    """A HoTI goes at once, CoA→HA with HoA→CN in it; the reply goes through the tunnel."""
    scene = away()
    scene.answering -= TESTS
    at = scene.now
    (reply,) = replies(scene.tunnelled(echo()))
    via_tunnel(reply)
    ((seen, _),) = home_inits(scene)
    assert (seen.time, seen.packet.source) == (at, COA1)


def test_mn_2_1_2_2_001__a_tunnelled_packet_starts_the_care_of_test() -> None:
    """A CoTI goes at once, straight from the care-of address."""
    scene = away()
    scene.answering -= TESTS
    at = scene.now
    scene.tunnelled(echo())
    ((seen, _),) = care_of_inits(scene)
    assert (seen.time, seen.packet.source) == (at, COA1)


def test_mn_2_1_1_2_003__a_tunnelled_care_of_test_init() -> None:
    """The CoT goes back through the tunnel, and no return routability begins."""
    scene = away()
    scene.answering -= TESTS
    says_through_tunnel(scene, CareOfTestInit(b"peercook"))
    ((seen, test),) = scene.said(CareOfTest)
    via_tunnel(seen)
    assert test.cookie == b"peercook"
    scene.log.clear()
    rests(scene)


def test_mn_2_1_1_2_009__after_a_move() -> None:
    """Each peer is tested from the new care-of address once it is registered; the home token may be used again."""
    scene = optimised()
    scene.optimise(CN1)
    scene.log.clear()
    scene.plug(R2)
    scene.wait(LATER)
    registered = min(seen.time for seen, _ in scene.updates(HA))
    for peer in (CN, CN1):
        ((seen, _),) = care_of_inits(scene, peer)
        assert seen.packet.source == COA2
        assert seen.time >= registered
        assert {seen.packet.source for seen, _ in home_inits(scene, peer)} <= {COA2}
        the_update(scene, peer)
        sends_straight(scene, peer)


@pytest.mark.parametrize(
    "parameters",
    [
        pytest.param(structs.replace(PARAMETERS, optimisation=Optimisation.REFUSED), id="MN-2-1-1-2-015"),
        pytest.param(structs.replace(PARAMETERS, peers=((CN, Optimisation.REFUSED),)), id="MN-2-1-1-2-016"),
    ],
)
def test_route_optimisation_is_not_wanted(parameters: MobileNodeParameters) -> None:
    """The reply goes through the tunnel, and no return routability begins; others are not concerned."""
    scene = away(parameters)
    (reply,) = scene.tunnelled(echo())
    via_tunnel(reply)
    rests(scene)
    begins_nothing(scene)
    scene.tunnelled(echo(CN1))
    assert len(home_inits(scene, CN1)) == (1 if parameters.peers else 0)


@pytest.mark.parametrize(
    "init",
    [pytest.param(HomeTestInit, id="MN-2-1-1-2-017"), pytest.param(CareOfTestInit, id="MN-2-1-2-2-017")],
)
def test_the_home_prefix_lasts_shorter(init: type[HomeTestInit] | type[CareOfTestInit]) -> None:
    """A binding that would outlive the home registration is renewed, and ends no later than that."""
    scene = optimised()
    home_prefix_shrinks(scene, 100)
    assert [seen.packet.source for seen, _ in scene.said(init)] == [COA1]
    begins_both(scene)
    assert the_update(scene).lifetime * 4 <= 100


@pytest.mark.parametrize(
    "init",
    [pytest.param(HomeTestInit, id="MN-2-1-1-2-019"), pytest.param(CareOfTestInit, id="MN-2-1-2-2-019")],
)
def test_the_binding_ended(init: type[HomeTestInit] | type[CareOfTestInit]) -> None:
    """A tunnelled packet starts return routability as if there had never been a binding."""
    scene = away(LONG, LONG_UNITS)
    scene.tunnelled(echo())
    lifetime_s = the_update(scene).lifetime * 4
    scene.log.clear()
    rests(scene, lifetime_s + 4)
    (reply,) = replies(scene.tunnelled(echo()))
    via_tunnel(reply)
    assert [seen.packet.source for seen, _ in scene.said(init)] == [COA1]
    begins_both(scene)


def test_mn_2_1_1_2_028__a_packet_for_somebody_else() -> None:
    """What comes through the tunnel and is not for the home address is dropped."""
    scene = away()
    assert scene.tunnelled(echo(destination=ELSEWHERE)) == []
    rests(scene)
    assert scene.delivered == []


def test_mn_2_1_2_2_004__a_packet_of_the_home_agent() -> None:
    """The home agent itself is answered with the Home Address option, and never tested."""
    scene = away()
    (reply,) = scene.tunnelled(echo(HA))
    straight(reply, HA)
    rests(scene)


def test_r_mn_09__before_the_home_agent_answered() -> None:
    """A tunnelled packet starts nothing while the home registration is not acknowledged."""
    scene = MobileScene()
    scene.answering.discard(Answer.HOME_REGISTRATION)
    scene.plug(R1)
    scene.wait(LATER)
    assert len(scene.updates(HA)) > 1
    scene.tunnelled(echo())
    scene.wait(SILENCE)
    begins_nothing(scene)
    ((seen, _),) = scene.updates(HA)[-1:]
    scene.deliver(from_home_agent(seen, acknowledgement(seen)))
    scene.tunnelled(echo())
    begins_both(scene)


def test_r_mn_11__the_home_agent_refuses() -> None:
    """Without a home registration there is no route optimisation, however often packets come."""
    scene = MobileScene(status=128)
    scene.plug(R1)
    scene.wait(LATER)
    assert scene.updates(HA) != []
    for _ in range(5):
        scene.tunnelled(echo())
        scene.wait(LATER)
    begins_nothing(scene)


def test_r_mn_10__home_tests_are_protected() -> None:
    """A HoTI must leave by the security association that is for it, and a HoT without it is not taken in.

    IPsec is the driver's: it withholds what it has no association for, and tells by which one a packet came.
    """
    required = Protection(Purpose.RETURN_ROUTABILITY, HOA)
    scene = waiting(*TESTS, parameters=structs.replace(PARAMETERS, required=frozenset((required.purpose,))))
    ((seen, _),), ((care_of, _),) = home_inits(scene), care_of_inits(scene)
    assert (seen.protection, care_of.protection) == (required, None)
    scene.deliver(care_of_test(care_of))
    other = Protection(Purpose.PAYLOAD, HOA)
    for protection in (None, other):
        scene.deliver(home_test(seen), protection)
        assert updates(scene) == []
    scene.deliver(home_test(seen), required)
    the_update(scene)


# What is not answered, or not as it must be.


def test_mn_2_1_1_2_010__the_home_test_is_not_answered() -> None:
    """HoTI is repeated with a new cookie after 1 s, 2 s, 4 s, 8 s; CoTI is not; the tunnel is used."""
    scene = waiting(Answer.HOME_TEST)
    scene.wait(16.0)
    repeats(home_inits(scene), 5)
    repeats(care_of_inits(scene), 1)
    assert updates(scene) == []
    sends_via_tunnel(scene)


def past_the_tunnel(*headers: Header) -> Instead:
    """Return what answers a HoTI straight: to the care-of address with a routing header, else to the home address."""

    def answer(seen: Seen) -> list[Packet]:
        test = HomeTest(HOME_INDEX, message_of(seen, HomeTestInit).cookie, HOME_TOKEN)
        return [Packet(CN, COA1 if headers else HOA, MobilityHeader(test), headers)]

    return answer


def to_the_home_address(*headers: Header, is_tunnelled: bool = False) -> Instead:
    """Return what answers a CoTI by way of the home address: with a routing header to there, or to there itself."""

    def answer(seen: Seen) -> list[Packet]:
        test = CareOfTest(CARE_OF_INDEX, message_of(seen, CareOfTestInit).cookie, CARE_OF_TOKEN)
        packet = Packet(CN, COA1 if headers else HOA, MobilityHeader(test), headers)
        return [in_tunnel(packet.encode(), HA, COA1) if is_tunnelled else packet]

    return answer


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda seen: [home_test(seen, cookie=b"wrongone")], id="MN-2-1-3-2-003"),
        pytest.param(lambda seen: [home_test(seen, source=CN1)], id="MN-2-1-3-2-004"),
        pytest.param(past_the_tunnel(Type2RoutingHeader(HOA)), id="R-MN-13"),
        pytest.param(past_the_tunnel(), id="on the link"),
    ],
)
def test_a_home_test_that_is_no_answer(wrong: Instead) -> None:
    """It is dropped: HoTI is repeated as if nothing had come, with a new cookie, and the tunnel is used."""
    scene = away()
    scene.instead[Answer.HOME_TEST] = wrong
    scene.tunnelled(echo())
    scene.wait(16.0)
    repeats(home_inits(scene), 5)
    repeats(care_of_inits(scene), 1)
    assert updates(scene) == []
    sends_via_tunnel(scene)


def damaged(seen: Seen) -> list[Packet]:
    """Return a Care-of Test whose checksum is wrong."""
    right = care_of_test(seen)
    assert isinstance(right.upper, MobilityHeader)
    read = decode(right.encode())
    assert isinstance(read, Packet)
    assert isinstance(read.upper, MobilityHeader)
    assert read.upper.checksum is not None
    return [structs.replace(right, upper=structs.replace(right.upper, checksum=read.upper.checksum ^ 1))]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param(lambda seen: [care_of_test(seen, cookie=b"wrongone")], id="MN-2-1-4-2-003"),
        pytest.param(lambda seen: [care_of_test(seen, source=CN1)], id="MN-2-1-4-2-004"),
        pytest.param(damaged, id="MN-4-2-1-2-013"),
        pytest.param(to_the_home_address(is_tunnelled=True), id="in the tunnel"),
        pytest.param(to_the_home_address(), id="on the link"),
        pytest.param(to_the_home_address(Type2RoutingHeader(HOA)), id="by a routing header"),
    ],
)
def test_a_care_of_test_that_is_no_answer(wrong: Instead) -> None:
    """It is dropped without a word: CoTI is repeated with a new cookie, and the tunnel is used."""
    scene = away()
    scene.instead[Answer.CARE_OF_TEST] = wrong
    scene.tunnelled(echo())
    scene.wait(16.0)
    repeats(care_of_inits(scene), 5)
    repeats(home_inits(scene), 1)
    assert updates(scene) == []
    assert scene.icmp(ParameterProblem) + scene.said(BindingError) == []
    sends_via_tunnel(scene)


# Which answer counts.


def test_mn_2_1_3_2_002__a_late_home_test() -> None:
    """Only the answer to the latest HoTI counts: the Binding Update has its index."""
    scene = waiting(Answer.HOME_TEST)
    scene.wait(1.5)
    (first, _), (latest, _) = home_inits(scene)
    scene.deliver(home_test(first, STALE))
    assert updates(scene) == []
    scene.deliver(home_test(latest, FRESH))
    assert indices(the_update(scene)) == NonceIndices(FRESH, CARE_OF_INDEX)


def test_mn_2_1_4_2_002__a_late_care_of_test() -> None:
    """Only the answer to the latest CoTI counts: the Binding Update has its index."""
    scene = waiting(Answer.CARE_OF_TEST)
    scene.wait(1.5)
    (first, _), (latest, _) = care_of_inits(scene)
    scene.deliver(care_of_test(first, STALE))
    assert updates(scene) == []
    scene.deliver(care_of_test(latest, FRESH))
    assert indices(the_update(scene)) == NonceIndices(HOME_INDEX, FRESH)


@pytest.mark.parametrize(
    "is_home_first",
    [
        pytest.param(True, id="MN-2-1-3-2-007"),
        pytest.param(False, id="MN-2-1-4-2-001"),
        pytest.param(True, id="MN-2-1-4-2-006"),
    ],
)
def test_tests_end_in_any_order(is_home_first: bool) -> None:
    """The Binding Update follows the second of them, with the indices of both."""
    scene = waiting(*TESTS)
    ((home, _),), ((care_of, _),) = home_inits(scene), care_of_inits(scene)
    answers = [home_test(home), care_of_test(care_of)]
    first, second = answers if is_home_first else reversed(answers)
    scene.deliver(first)
    assert updates(scene) == []
    scene.deliver(second)
    assert indices(the_update(scene)) == NonceIndices(HOME_INDEX, CARE_OF_INDEX)
    sends_straight(scene)


def test_mn_2_1_3_2_008__two_home_tests() -> None:
    """The first one counts, whatever index the second one has."""
    scene = waiting(*TESTS)
    ((home, _),), ((care_of, _),) = home_inits(scene), care_of_inits(scene)
    scene.deliver(home_test(home))
    scene.deliver(home_test(home, SECOND))
    scene.deliver(care_of_test(care_of))
    assert indices(the_update(scene)) == NonceIndices(HOME_INDEX, CARE_OF_INDEX)


def test_mn_2_1_4_2_007__two_care_of_tests() -> None:
    """The first one counts, whatever index the second one has."""
    scene = waiting(*TESTS)
    ((home, _),), ((care_of, _),) = home_inits(scene), care_of_inits(scene)
    scene.deliver(care_of_test(care_of))
    scene.deliver(care_of_test(care_of, SECOND))
    scene.deliver(home_test(home))
    assert indices(the_update(scene)) == NonceIndices(HOME_INDEX, CARE_OF_INDEX)


def test_mn_2_1_3_2_011__a_home_test_of_a_stranger() -> None:
    """Nothing is sent, and nothing learnt."""
    scene = away()
    assert says_through_tunnel(scene, HOT) == []
    rests(scene, 3.0)


def test_mn_2_1_4_2_010__a_care_of_test_of_a_stranger() -> None:
    """Nothing is sent, and nothing learnt."""
    scene = away()
    assert says(scene, COT) == []
    rests(scene, 3.0)


@pytest.mark.parametrize("peer", [pytest.param(CN, id="MN-2-1-3-2-012"), pytest.param(CN1, id="R-MN-14")])
def test_a_home_test_that_nobody_waits_for(peer: bytes) -> None:
    """Of a peer that has a binding, or of one without: nothing is sent, and nothing changes."""
    scene = optimised()
    before = entry(scene)
    assert says_through_tunnel(scene, HOT, peer) == []
    rests(scene, 3.0)
    assert entry(scene) == before
    sends_straight(scene)


def test_mn_2_1_4_2_011__a_care_of_test_that_nobody_waits_for() -> None:
    """Nothing is sent, and nothing changes."""
    scene = optimised()
    before = entry(scene)
    assert says(scene, COT) == []
    rests(scene, 3.0)
    assert entry(scene) == before
    sends_straight(scene)


def test_mn_2_1_4_2_014__reserved_bits_of_a_care_of_test() -> None:
    """The Reserved field of the Mobility Header is ignored."""
    scene = waiting(Answer.CARE_OF_TEST)
    ((_, init),) = care_of_inits(scene)
    header = MobilityHeader(CareOfTest(CARE_OF_INDEX, init.cookie, CARE_OF_TOKEN), reserved=0xFF)
    scene.deliver(Packet(CN, COA1, header))
    assert indices(the_update(scene)) == NonceIndices(HOME_INDEX, CARE_OF_INDEX)
    sends_straight(scene)


def test_r_mn_43__a_home_test_in_fragments() -> None:
    """It is put together behind the tunnel, and counts."""
    scene = waiting(Answer.HOME_TEST)
    ((seen, _),) = home_inits(scene)
    tunnelled = home_test(seen).upper
    assert isinstance(tunnelled, Payload)
    whole = decode(tunnelled.data)
    assert isinstance(whole, Packet)
    pieces = list(fragments(whole, 56, 7))
    assert len(pieces) == 3
    for piece in pieces:
        assert updates(scene) == []
        scene.deliver(in_tunnel(piece, HA, COA1))
    the_update(scene)
    sends_straight(scene)


# Cookies and tokens.


def test_r_mn_12__cookies() -> None:
    """No cookie comes twice, in any run of return routability, and another node has others."""
    cookies: list[bytes] = []
    for seed in (b"one", b"two"):
        scene = MobileScene(seed=seed)
        scene.register()
        scene.answering -= TESTS
        for peer in (CN, CN1):
            scene.tunnelled(echo(peer))
            scene.wait(8.0)
        inits = [*scene.said(HomeTestInit), *scene.said(CareOfTestInit)]
        assert len(inits) > 8
        cookies += [init.cookie for _, init in inits]
    assert {len(cookie) for cookie in cookies} == {8}
    assert len(set(cookies)) == len(cookies)


@pytest.mark.parametrize(("age_s", "home_tests"), [(209.0, 0), (210.0, 0), (211.0, 1)])
def test_r_mn_07__the_age_of_a_home_token(age_s: float, home_tests: int) -> None:
    """After a move the home token is used again for up to 210 s; then the home test is made anew."""
    scene = optimised(LONG, LONG_UNITS)
    tested = entry(scene).home_tested
    assert tested is not None
    scene.answering.discard(Answer.HOME_REGISTRATION)
    scene.wait(tested + 180.0 - scene.now)
    scene.plug(R2)
    scene.wait(tested + age_s - scene.now)
    begins_nothing(scene)
    scene.instead[Answer.HOME_TEST] = lambda seen: [home_test(seen, FRESH)]
    (seen, _) = scene.updates(HA)[-1]
    scene.deliver(from_home_agent(seen, acknowledgement(seen)))
    assert len(home_inits(scene)) == home_tests
    assert len(care_of_inits(scene)) == 1
    assert indices(the_update(scene)).home == (FRESH if home_tests else HOME_INDEX)
