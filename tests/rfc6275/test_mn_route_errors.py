"""Binding Errors and ICMPv6 errors, at a mobile node and from one (RFC 6275 sections 9.2, 11.3.5 and 11.3.6)."""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
from mobile_playbook import (
    CARE_OF_INDEX,
    CARE_OF_TOKEN,
    CN,
    CN1,
    COA1,
    HA,
    HOA,
    HOME_INDEX,
    HOME_TOKEN,
    PARAMETERS,
    R2,
    Answer,
    MobileScene,
    Seen,
    echo,
    replies,
)
from mobile_route_playbook import (
    SILENCE,
    TESTS,
    away,
    bare,
    begins_both,
    begins_nothing,
    care_of_inits,
    home_inits,
    optimised,
    problem,
    repeats,
    says,
    says_through_tunnel,
    sends_straight,
    sends_via_tunnel,
    the_update,
    updates,
    via_tunnel,
    waiting,
)
from msgspec import structs

from mipsh.mobility.icmp_errors import ERRONEOUS_FIELD, UNRECOGNIZED_NEXT_HEADER, UNRECOGNIZED_OPTION
from mipsh.mobility.paths import in_tunnel
from mipsh.wire.address import UNSPECIFIED
from mipsh.wire.icmpv6 import DestinationUnreachable, Icmpv6, ParameterProblem
from mipsh.wire.mobility import (
    BindingError,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    OtherMessage,
)
from mipsh.wire.packet import HEADER_SIZE, Packet, decode

UNKNOWN_BINDING, UNKNOWN_TYPE = BindingError(1, HOA), BindingError(2, UNSPECIFIED)
SILENT = structs.replace(PARAMETERS, acknowledge_correspondents=False)
NEXT_HEADER, LENGTH = HEADER_SIZE, HEADER_SIZE + 1
"""Where Payload Proto and Header Len of a Mobility Header stand, behind nothing but an IPv6 header."""
HOME_ADDRESS_OPTION = HEADER_SIZE + 6

Inits = Callable[[MobileScene], Sequence[tuple[Seen, HomeTestInit | CareOfTestInit]]]


def is_left_alone(scene: MobileScene, peer: bytes = CN) -> None:
    """See that nothing is asked of a peer for 32 s, though packets come through the tunnel and go back there."""
    scene.log.clear()
    for _ in range(4):
        (reply,) = replies(scene.tunnelled(echo(peer)))
        via_tunnel(reply, peer)
        scene.wait(SILENCE / 4)
    begins_nothing(scene)


# Binding Errors.


def test_mn_3_3_1_2_001__an_update_was_not_understood() -> None:
    """The A flag asked for an answer, and status 2 is one: route optimisation is given up."""
    scene = optimised()
    scene.wait(1.0)
    says(scene, BindingError(2, HOA))
    sends_via_tunnel(scene)
    is_left_alone(scene)


def test_mn_3_3_1_2_002__nobody_asked() -> None:
    """Without the A flag no answer was expected, and status 2 is ignored."""
    scene = optimised(SILENT)
    scene.wait(1.0)
    assert says(scene, BindingError(2, HOA)) == []
    sends_straight(scene)
    begins_nothing(scene)


def test_mn_3_3_1_2_004__no_binding() -> None:
    """Status 1 ends the entry: the next reply goes through the tunnel, and starts all over."""
    scene = optimised()
    scene.answering -= TESTS
    says(scene, UNKNOWN_BINDING)
    begins_nothing(scene)
    sends_via_tunnel(scene)
    begins_both(scene)


def test_mn_3_3_1_2_007__a_stranger() -> None:
    """Status 2 of a node that nothing was sent to is ignored; its packets start return routability."""
    scene = away()
    assert says(scene, UNKNOWN_TYPE) == []
    (reply,) = replies(scene.tunnelled(echo()))
    via_tunnel(reply)
    begins_both(scene)
    the_update(scene)
    sends_straight(scene)


@pytest.mark.parametrize("lost", [CareOfTestInit, HomeTestInit])
def test_mn_3_3_1_2_009_011__a_test_was_not_understood(lost: type[CareOfTestInit] | type[HomeTestInit]) -> None:
    """Status 2 ends return routability: nothing is repeated, and nothing begun for 32 s."""
    scene = waiting(Answer.CARE_OF_TEST if lost is CareOfTestInit else Answer.HOME_TEST)
    assert len(scene.said(lost)) == 1
    scene.wait(0.5)
    tell = says if lost is CareOfTestInit else says_through_tunnel
    assert tell(scene, UNKNOWN_TYPE) == []
    is_left_alone(scene)


def test_r_mn_31__a_flood_of_binding_errors() -> None:
    """Whatever is started anew because of them, no message of a kind goes out more than three times in a second."""
    scene = optimised()
    for _ in range(100):
        says(scene, UNKNOWN_BINDING)
        scene.tunnelled(echo())
        scene.wait(0.05)
    for times in (
        [seen.time for seen, _ in home_inits(scene)],
        [seen.time for seen, _ in care_of_inits(scene)],
        [seen.time for seen, _ in updates(scene)],
    ):
        assert len(times) > 3
        assert all(fourth - first >= 1.0 for first, fourth in zip(times, times[3:], strict=False))


def test_r_mn_32__the_home_registration_stays() -> None:
    """Status 2 of a correspondent ends route optimisation with it alone."""
    scene = optimised()
    scene.optimise(CN1)
    scene.log.clear()
    says(scene, BindingError(2, HOA))
    assert scene.is_registered
    sends_via_tunnel(scene)
    sends_straight(scene, CN1)
    scene.wait(336.0)
    ((_, update),) = scene.updates(HA)
    assert update.lifetime > 0
    assert scene.is_registered


# ICMPv6 errors.


@pytest.mark.parametrize("inits", [care_of_inits, home_inits])
def test_mn_4_2_2_2_005__no_mobility_header(inits: Inits) -> None:
    """A Parameter Problem with code 1 that quotes a test ends return routability; the tunnel is used."""
    scene = waiting(*TESTS)
    ((seen, _),) = inits(scene)
    scene.deliver(problem(seen, UNRECOGNIZED_NEXT_HEADER, 6))
    is_left_alone(scene)


def test_mn_4_2_2_2_011__no_home_address_option() -> None:
    """Code 2 that points at the Home Address option changes nothing.

    Section 11.3.5 wants the event logged and the message ignored otherwise: whoever took part in
    return routability knows the option.
    """
    scene = optimised()
    (reply,) = scene.echo_by_routing_header()
    scene.deliver(problem(reply, UNRECOGNIZED_OPTION, HOME_ADDRESS_OPTION))
    sends_straight(scene)
    begins_nothing(scene)


def test_mn_4_2_2_2_012__destination_unreachable() -> None:
    """It ends neither the tests that it quotes nor starts any; a packet of who sent it starts them with that one."""
    scene = waiting(*TESTS)
    for wait_s in (0.5, 1.0):
        ((care_of, _),), ((home, _),) = care_of_inits(scene)[-1:], home_inits(scene)[-1:]
        scene.deliver(unreachable(care_of, R2.address))
        scene.deliver(unreachable(home, R2.address))
        scene.wait(wait_s)
    repeats(care_of_inits(scene), 2)
    repeats(home_inits(scene), 2)
    assert scene.said(HomeTestInit) == home_inits(scene)
    scene.answering |= TESTS
    scene.log.clear()
    (reply,) = replies(scene.tunnelled(echo(R2.address)))
    via_tunnel(reply, R2.address)
    begins_both(scene, R2.address)
    the_update(scene, R2.address)
    sends_straight(scene, R2.address)


def unreachable(quoted: Seen, source: bytes) -> Packet:
    """Return a Destination Unreachable about a packet of the node, by the way that the packet came."""
    original = quoted.inner
    error = Packet(source, original.source, Icmpv6(DestinationUnreachable(0, 0, original.encode())))
    return in_tunnel(error.encode(), HA, quoted.packet.source) if quoted.is_tunnelled else error


@pytest.mark.parametrize("inits", [care_of_inits, home_inits])
def test_r_mn_42__a_forged_quote(inits: Inits) -> None:
    """Code 1 about a test that was never sent, by another node, or about one that is answered, is ignored."""
    scene = waiting(*TESTS)
    ((seen, init),) = inits(scene)
    forged = structs.replace(seen.inner, upper=MobilityHeader(structs.replace(init, cookie=b"guessed!")))
    guessed = in_tunnel(forged.encode(), COA1, HA) if seen.is_tunnelled else forged
    scene.deliver(problem(as_sent(seen, guessed), UNRECOGNIZED_NEXT_HEADER, 6))
    scene.deliver(problem(seen, UNRECOGNIZED_NEXT_HEADER, 6, CN1))
    scene.answering |= TESTS
    scene.wait(1.5)
    repeats(inits(scene), 2)
    the_update(scene)
    scene.deliver(problem(inits(scene)[-1][0], UNRECOGNIZED_NEXT_HEADER, 6))
    sends_straight(scene)


def as_sent(seen: Seen, packet: Packet) -> Seen:
    """Return a packet as if it had been sent in place of another one."""
    read = decode(packet.encode())
    assert isinstance(read, Packet)
    return replace(seen, packet=read)


# What the node answers to what is malformed.


def malformed(kind: type[HomeTest] | type[CareOfTest], cookie: bytes, fault: int) -> Packet:
    """Return a Home or Care-of Test with a wrong Payload Proto, or with a Header Len that is too short."""
    is_home = kind is HomeTest
    index, token = (HOME_INDEX, HOME_TOKEN) if is_home else (CARE_OF_INDEX, CARE_OF_TOKEN)
    message = kind(index, cookie, token)
    destination = HOA if is_home else COA1
    if fault == NEXT_HEADER:
        return Packet(CN, destination, MobilityHeader(message, next_header=58))
    short = OtherMessage(kind.TYPE, message.encode()[:10])
    return Packet(CN, destination, MobilityHeader(short))


@pytest.mark.parametrize(
    "fault", [pytest.param(NEXT_HEADER, id="MN-4-2-1-2-005"), pytest.param(LENGTH, id="MN-4-2-1-2-006")]
)
def test_a_malformed_home_test(fault: int) -> None:
    """A Parameter Problem goes back through the tunnel, with no Home Address option, and HoTI is repeated."""
    scene = waiting(Answer.HOME_TEST)
    ((_, init),) = home_inits(scene)
    wrong = malformed(HomeTest, init.cookie, fault)
    (seen,) = scene.tunnelled(wrong)
    via_tunnel(seen)
    assert isinstance(seen.inner.upper, Icmpv6)
    assert seen.inner.upper.message == ParameterProblem(ERRONEOUS_FIELD, fault, wrong.encode())
    scene.wait(1.5)
    repeats(home_inits(scene), 2)
    assert updates(scene) == []


@pytest.mark.parametrize(
    "fault", [pytest.param(NEXT_HEADER, id="MN-4-2-1-2-011"), pytest.param(LENGTH, id="MN-4-2-1-2-012")]
)
def test_a_malformed_care_of_test(fault: int) -> None:
    """A Parameter Problem goes back from the care-of address, and CoTI is repeated."""
    scene = waiting(Answer.CARE_OF_TEST)
    ((_, init),) = care_of_inits(scene)
    wrong = malformed(CareOfTest, init.cookie, fault)
    (seen,) = scene.deliver(wrong)
    bare(seen)
    assert isinstance(seen.packet.upper, Icmpv6)
    assert seen.packet.upper.message == ParameterProblem(ERRONEOUS_FIELD, fault, wrong.encode())
    scene.wait(1.5)
    repeats(care_of_inits(scene), 2)
    assert updates(scene) == []


def test_mn_4_2_1_2_015__a_type_that_nobody_knows() -> None:
    """A Care-of Test that says it is of type 20: a Binding Error with status 2 goes straight back."""
    scene = waiting(Answer.CARE_OF_TEST)
    ((_, init),) = care_of_inits(scene)
    message = OtherMessage(20, CareOfTest(CARE_OF_INDEX, init.cookie, CARE_OF_TOKEN).encode())
    (seen,) = says(scene, message)
    bare(seen)
    assert isinstance(seen.packet.upper, MobilityHeader)
    assert seen.packet.upper.message == BindingError(2, UNSPECIFIED)
    assert updates(scene) == []
