"""What Binding Errors and ICMPv6 errors do (RFC 6275 sections 11.3.5 and 11.3.6)."""

import pytest
from msgspec import structs
from route_bench import CN, CN2, COA, COA2, HOA, Bench, parameters, read, reply

from mipsh.mobility.effects import Emit, RemoveRoute
from mipsh.mobility.icmp_errors import ERRONEOUS_FIELD, UNRECOGNIZED_OPTION
from mipsh.mobility.mobile.update_list import State
from mipsh.wire.address import UNSPECIFIED
from mipsh.wire.icmpv6 import DestinationUnreachable, PacketTooBig
from mipsh.wire.mobility import BindingError, BindingUpdate, CareOfTestInit, HomeTestInit, MobilityHeader
from mipsh.wire.packet import Packet

UNKNOWN, UNRECOGNIZED = BindingError(1, HOA), BindingError(2, UNSPECIFIED)


def waiting(lost: type) -> Bench:
    """Return a bench where messages of a kind are sent and do not arrive; the last packet is one of them."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, lost)
    bench.trigger()
    return bench


def last(bench: Bench, kind: type) -> Packet:
    """Return the last packet with a message of a kind."""
    return [sent.packet for sent in bench.sent if isinstance(sent.message, kind)][-1]


def is_left_alone(bench: Bench) -> bool:
    """Tell whether nothing more is sent to the peer for a while, whatever comes, and the tunnel used."""
    bench.sent.clear()
    bench.trigger()
    bench.wait(32)
    return bench.sent == [] and not bench.uses_care_of_address()


def test_a_peer_that_knows_no_binding() -> None:
    """MN-3-3-1-2-004: the entry is over, the next packet goes through the tunnel and starts anew."""
    bench = Bench()
    bench.optimised()
    bench.hear_message(UNKNOWN, destination=COA)
    assert bench.state() is State.ABSENT
    assert bench.effects[-2:] == [
        Emit("mip6MnBindingErrorMsg", HOA, COA, CN, "status 1"),
        RemoveRoute(HOA, CN),
    ]
    assert bench.send(reply()).headers == ()
    assert [type(sent.message) for sent in bench.sent] == [HomeTestInit, CareOfTestInit, BindingUpdate]


def test_binding_errors_do_not_hurry_anybody() -> None:
    """R-MN-31: a flood of them leads to no more than three messages of a kind in a second."""
    bench = Bench()
    bench.optimised()
    for _ in range(50):
        bench.hear_message(UNKNOWN, destination=COA)
        bench.trigger()
        bench.wait(0.05)
    for kind in (HomeTestInit, CareOfTestInit, BindingUpdate):
        times = bench.times(kind)
        assert all(times[i + 3] - times[i] >= 1.0 for i in range(len(times) - 3))


def test_a_binding_error_while_a_new_binding_is_on_its_way() -> None:
    """The old binding is over, the new one is awaited."""
    for lost, before, after in (
        (HomeTestInit, State.RETESTING, State.TESTING),
        (BindingUpdate, State.REBINDING, State.BINDING),
    ):
        bench = Bench()
        bench.optimised()

        def lose(packet: Packet, kind: type = lost) -> bool:
            return isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, kind)

        bench.lose = lose
        bench.renew()
        assert bench.state() is before
        bench.hear_message(UNKNOWN, destination=COA)
        assert bench.state() is after
        assert not bench.uses_care_of_address()
        bench.hear_message(UNKNOWN, destination=COA)
        assert bench.state() is after


def test_binding_errors_that_mean_nothing() -> None:
    """About another home address, from a stranger, of another status, or without a binding."""
    bench = Bench()
    bench.optimised()
    bench.hear_message(BindingError(1, COA), destination=COA)
    bench.hear_message(UNKNOWN, source=CN2, destination=COA)
    bench.hear_message(BindingError(3, HOA), destination=COA)
    assert bench.state() is State.BOUND
    bench = waiting(BindingUpdate)
    bench.hear_message(UNKNOWN, destination=COA)
    assert bench.state() is State.BINDING
    assert bench.effects == []


@pytest.mark.parametrize("lost", [HomeTestInit, CareOfTestInit, BindingUpdate])
def test_a_peer_that_does_not_know_a_message(lost: type) -> None:
    """MN-3-3-1-2-009, 011, R-MN-32: after a test or an update with the A flag; it is left alone."""
    bench = waiting(lost)
    bench.hear_message(UNRECOGNIZED, destination=COA)
    assert bench.state() is State.REFUSED
    assert is_left_alone(bench)


def test_an_update_that_was_to_be_acknowledged() -> None:
    """MN-3-3-1-2-001: the binding is given up even where the acknowledgement came first."""
    bench = Bench()
    bench.optimised()
    bench.hear_message(UNRECOGNIZED, destination=COA)
    assert is_left_alone(bench)


def test_an_update_that_was_not() -> None:
    """MN-3-3-1-2-002: no answer was expected, so the error is ignored."""
    bench = Bench(parameters(acknowledge_correspondents=False))
    bench.optimised()
    bench.hear_message(UNRECOGNIZED, destination=COA)
    assert bench.uses_care_of_address()


def test_a_stranger_that_does_not_know_a_message() -> None:
    """MN-3-3-1-2-007: ignored, before and after there is an entry."""
    bench = Bench()
    bench.away()
    bench.hear_message(UNRECOGNIZED, destination=COA)
    bench.optimised()
    bench.hear_message(UNKNOWN, destination=COA)
    bench.hear_message(UNRECOGNIZED, destination=COA)
    bench.optimised()


@pytest.mark.parametrize("lost", [HomeTestInit, CareOfTestInit, BindingUpdate])
def test_a_parameter_problem_about_a_message(lost: type) -> None:
    """MN-4-2-2-2-005: code 1 that quotes what was sent; the peer is left alone, not for ever."""
    bench = waiting(lost)
    bench.refuse(read(last(bench, lost)))
    assert bench.state() is State.REFUSED
    assert bench.effects == [Emit("mnRouteOptimisationRefused", HOA, COA, CN, "no Mobility Header")]
    assert is_left_alone(bench)
    bench.lose = lambda packet: False
    bench.wait(600)
    bench.trigger()
    assert bench.uses_care_of_address()


@pytest.mark.parametrize("lost", [HomeTestInit, CareOfTestInit, BindingUpdate])
def test_forged_quotes(lost: type) -> None:
    """R-MN-42: what was never sent, not to this peer, or is answered already, is no evidence."""
    bench = waiting(lost)
    genuine = last(bench, lost)
    assert isinstance(genuine.upper, MobilityHeader)
    message = genuine.upper.message
    forged = (
        structs.replace(message, sequence=(message.sequence + 1) % 65536)
        if isinstance(message, BindingUpdate)
        else structs.replace(message, cookie=bytes(8))
    )
    state = bench.state()
    bench.refuse(structs.replace(genuine, upper=MobilityHeader(forged)))
    bench.refuse(structs.replace(genuine, destination=CN2))
    bench.refuse(genuine, source=CN2)
    bench.refuse(genuine, code=ERRONEOUS_FIELD)
    bench.refuse(reply())
    assert bench.state() is state
    bench.lose = lambda packet: False
    bench.wait(1)
    bench.refuse(genuine)
    assert bench.state() is State.BOUND


def test_a_parameter_problem_about_the_home_address_option() -> None:
    """MN-4-2-2-2-011: route optimisation goes on, as the clause wants; it is told of."""
    bench = Bench()
    bench.optimised()
    bench.effects.clear()
    packet = bench.send(reply())
    bench.refuse(packet, UNRECOGNIZED_OPTION)
    assert bench.effects == [Emit("mnHomeAddressOptionUnknown", HOA, COA, CN)]
    assert bench.uses_care_of_address()
    bench.refuse(reply(), UNRECOGNIZED_OPTION)
    bench.refuse(structs.replace(packet, source=COA2), UNRECOGNIZED_OPTION)
    bench.refuse(packet, UNRECOGNIZED_OPTION, CN2)
    bench.hear_message(UNKNOWN, destination=COA)
    bench.refuse(packet, UNRECOGNIZED_OPTION)
    assert [type(effect) for effect in bench.effects] == [Emit, Emit, RemoveRoute]


def test_what_did_not_arrive_is_sent_again() -> None:
    """MN-4-2-2-2-012: Destination Unreachable is no reason to leave anybody alone; nor is Packet Too Big."""
    bench = waiting(CareOfTestInit)
    packet = last(bench, CareOfTestInit)
    for _ in range(2):
        bench.error(packet, DestinationUnreachable(0, 0, packet.encode()), CN2)
        bench.error(packet, DestinationUnreachable(0, 0, packet.encode()))
        bench.error(packet, PacketTooBig(0, 1280, packet.encode()))
    bench.wait(1)
    assert len(bench.of(CareOfTestInit)) == 2
    bench.trigger(CN2)
    assert bench.state(CN2) is State.TESTING
