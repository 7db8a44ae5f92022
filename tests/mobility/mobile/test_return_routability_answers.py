"""Home and care-of tests: repeated until answered, and which answers count (RFC 6275 sections 11.6 and 11.8)."""

from itertools import pairwise

from msgspec import structs
from route_bench import CN, CN2, COA, HOA, Bench

from mipsh.mobility.mobile import return_routability as rr
from mipsh.mobility.mobile.update_list import State
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.mobility import (
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.packet import Packet

LADDER = [1, 2, 4, 8, 16, 32]
SIX = 6


def gaps(times: list[float]) -> list[float]:
    """Return the times between times."""
    return [after - before for before, after in pairwise(times)]


def test_home_test_init_is_repeated_with_a_new_cookie() -> None:
    """MN-2-1-1-2-010, R-MN-12: after 1, 2, 4 … 32 s; the peer is then left alone for a while, and asked again."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: isinstance(packet.upper, MobilityHeader) and packet.source == HOA
    bench.trigger()
    bench.wait(62)
    assert gaps(bench.times(HomeTestInit)) == LADDER[:-1]
    assert len({init.cookie for init in bench.of(HomeTestInit)}) == SIX
    assert len(bench.of(CareOfTestInit)) == 1
    assert bench.state() is State.TESTING
    bench.wait(1)
    assert bench.state() is State.REFUSED
    bench.trigger()
    assert len(bench.of(HomeTestInit)) == SIX
    bench.lose = lambda packet: False
    bench.wait(600)
    assert bench.state() is State.ABSENT
    bench.trigger()
    assert bench.state() is State.BOUND


def test_care_of_test_init_is_repeated_with_a_new_cookie() -> None:
    """Likewise."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: isinstance(packet.upper, MobilityHeader) and packet.source == COA
    bench.trigger()
    bench.wait(63)
    assert gaps(bench.times(CareOfTestInit)) == LADDER[:-1]
    assert len({init.cookie for init in bench.of(CareOfTestInit)}) == SIX
    assert bench.state() is State.REFUSED
    assert len(set(bench.cookies)) == len(bench.cookies)


def test_binding_update_is_repeated_with_a_new_sequence_number() -> None:
    """After 1, 2, 4 … 32 s; then the peer is left alone (sections 11.7.2 and 11.8)."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: packet.home_address_option is not None
    bench.trigger()
    bench.wait(62)
    updates = bench.of(BindingUpdate)
    assert gaps(bench.times(BindingUpdate)) == LADDER[:-1]
    assert all((after.sequence - before.sequence) % 65536 == 1 for before, after in pairwise(updates))
    assert bench.state() is State.BINDING
    bench.wait(1)
    assert bench.state() is State.REFUSED
    assert "no acknowledgement" in repr(bench.effects)


def test_only_the_answer_to_the_latest_message_counts() -> None:
    """MN-2-1-3-2-002, MN-2-1-4-2-002: the update has the indices of the replies to the latest messages."""
    bench = Bench()
    stale_home, stale_care_of = bench.inits()
    bench.wait(1)
    home, care_of = bench.drain()
    assert isinstance(home, HomeTestInit)
    assert isinstance(care_of, CareOfTestInit)
    bench.hear_message(HomeTest(1, stale_home.cookie, b"stalehom"))
    bench.hear_message(CareOfTest(2, stale_care_of.cookie, b"stalecar"), destination=COA)
    assert bench.drain() == []
    bench.hear_message(HomeTest(3, home.cookie, b"homehome"))
    bench.hear_message(CareOfTest(4, care_of.cookie, b"carecare"), destination=COA)
    assert bench.of(BindingUpdate)[0].options[0] == NonceIndices(3, 4)


def test_the_first_of_two_answers_wins() -> None:
    """MN-2-1-3-2-008, MN-2-1-4-2-007."""
    bench = Bench()
    home, care_of = bench.inits()
    bench.hear_message(HomeTest(3, home.cookie, b"homehome"))
    bench.hear_message(HomeTest(5, home.cookie, b"otherhom"))
    bench.hear_message(CareOfTest(4, care_of.cookie, b"carecare"), destination=COA)
    bench.hear_message(CareOfTest(6, care_of.cookie, b"othercar"), destination=COA)
    (update,) = bench.of(BindingUpdate)
    assert update.options[0] == NonceIndices(3, 4)


def test_answers_that_do_not_count() -> None:
    """MN-2-1-3-2-003, 004, MN-2-1-4-2-003, 004, R-MN-13: wrong cookie, peer, address or way; the test goes on."""
    bench = Bench()
    home, care_of = bench.inits()
    home_test = HomeTest(3, home.cookie, b"homehome")
    care_of_test = CareOfTest(4, care_of.cookie, b"carecare")
    bench.hear_message(structs.replace(home_test, cookie=bytes(8)))
    bench.hear_message(home_test, source=CN2)
    bench.hear_message(home_test, is_tunnelled=False)
    bench.hear_message(home_test, destination=COA, is_tunnelled=True)
    bench.hear(Packet(CN, COA, MobilityHeader(home_test), (Type2RoutingHeader(HOA),)))
    bench.hear(Packet(CN, HOA, MobilityHeader(home_test), (Type2RoutingHeader(HOA, 0),)), True)
    bench.hear(Packet(CN2, HOA, MobilityHeader(home_test), (carrying(HomeAddress(CN)),)))
    bench.hear_message(structs.replace(care_of_test, cookie=bytes(8)), destination=COA)
    bench.hear_message(care_of_test, source=CN2, destination=COA)
    bench.hear_message(care_of_test, destination=COA, is_tunnelled=True)
    bench.hear_message(care_of_test, is_tunnelled=False)
    assert bench.drain() == []
    assert (bench.entry().home_test, bench.entry().care_of_test) == (rr.State.WAITING, rr.State.WAITING)
    bench.wait(1)
    assert [type(message) for message in bench.drain()] == [HomeTestInit, CareOfTestInit]
    assert not bench.uses_care_of_address()


def test_answers_out_of_the_blue() -> None:
    """MN-2-1-3-2-011, 012, MN-2-1-4-2-010, 011, R-MN-14: nothing is sent, known peer or not."""
    bench = Bench()
    bench.away()
    for _ in range(2):
        bench.hear_message(HomeTest(3, bytes(8), b"homehome"))
        bench.hear_message(CareOfTest(4, bytes(8), b"carecare"), destination=COA)
        assert bench.drain() == []
        bench.optimised()


def test_reserved_bits_do_not_matter() -> None:
    """MN-2-1-4-2-014."""
    bench = Bench()
    home, care_of = bench.inits()
    bench.hear_message(HomeTest(3, home.cookie, b"homehome"))
    header = MobilityHeader(CareOfTest(4, care_of.cookie, b"carecare"), reserved=0xFF)
    bench.hear(Packet(CN, COA, header))
    assert len(bench.of(BindingUpdate)) == 1
