"""What becomes of bindings when the mobile node moves, comes home, or is no more registered (RFC 6275 11.5, 11.7.2)."""

import pytest
from route_bench import CN, CN2, COA, COA2, HOA, INTERFACE, Bench, echo, parameters

from mipsh.mobility.effects import InstallRoute, RemoveRoute, Transmit
from mipsh.mobility.mobile.update_list import State
from mipsh.wire.authenticator import binding_management_key, is_authentic
from mipsh.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.packet import Packet, decode


def kinds(bench: Bench) -> list[type]:
    """Return what was sent since the last time, by kind."""
    return [type(message) for message in bench.drain()]


def test_a_move_tells_every_peer() -> None:
    """MN-2-1-1-2-009, MN-3-1-2-2-004: a care-of test from the new address, the home token again, a greater number."""
    bench = Bench(peers=(CN, CN2))
    bench.optimised(CN)
    bench.optimised(CN2)
    before = {peer: bench.entry(peer) for peer in (CN, CN2)}
    bench.effects.clear()
    bench.moving()
    assert bench.effects == [RemoveRoute(HOA, CN), RemoveRoute(HOA, CN2)]
    assert not bench.uses_care_of_address()
    bench.trigger()
    bench.wait(5)
    assert bench.sent == []
    bench.away(COA2)
    assert {sent.packet.source for sent in bench.sent} == {COA2}
    assert kinds(bench) == [CareOfTestInit, BindingUpdate] * 2
    assert bench.effects[2:] == [InstallRoute(HOA, COA2, CN), InstallRoute(HOA, COA2, CN2)]
    for peer, entry in before.items():
        assert bench.uses_care_of_address(peer)
        after = bench.entry(peer)
        assert (after.home_nonce_index, after.care_of_address) == (entry.home_nonce_index, COA2)
        assert after.sequence == ((entry.sequence or 0) + 1) % 65536
        binding = bench.nodes[peer].roles.correspondent.cache.bound((peer, HOA), bench.now)
        assert binding is not None
        assert binding.care_of_address == COA2


@pytest.mark.parametrize(("age", "is_reused"), [(209, True), (210, True), (211, False)])
def test_how_long_a_home_token_is_used(age: int, is_reused: bool) -> None:
    """R-MN-07: up to 210 s."""
    bench = Bench()
    bench.optimised()
    bench.wait(age)
    bench.away(COA2)
    assert (HomeTestInit in kinds(bench)) is not is_reused
    assert bench.state() is State.BOUND


def test_a_home_token_that_ends_while_the_care_of_test_runs() -> None:
    """It is got anew before the update."""
    bench = Bench()
    bench.optimised()
    bench.wait(209)
    bench.lose = lambda packet: True
    bench.away(COA2)
    bench.wait(1)
    bench.lose = lambda packet: False
    bench.wait(2)
    assert kinds(bench) == [CareOfTestInit, CareOfTestInit, CareOfTestInit, HomeTestInit, BindingUpdate]
    assert bench.state() is State.BOUND


def test_tokens_that_end_while_an_update_is_sent_again() -> None:
    """Both tests are done anew; the binding that is there is used meanwhile."""
    bench = Bench()
    bench.optimised()
    bench.lose = lambda packet: True
    bench.wait(200)
    bench.away(COA2)
    bench.lose = lambda packet: packet.home_address_option is not None
    bench.wait(1)
    assert bench.state() is State.BINDING
    bench.lose = lambda packet: True
    bench.wait(15)
    assert bench.state() is State.TESTING
    bench.lose = lambda packet: False
    bench.wait(16)
    assert bench.state() is State.BOUND


def test_a_move_without_warning_is_one_too() -> None:
    """A home registration with another care-of address says it all."""
    bench = Bench()
    bench.optimised()
    bench.away(COA2)
    assert kinds(bench) == [CareOfTestInit, BindingUpdate]
    assert bench.effects[-2:] == [RemoveRoute(HOA, CN), InstallRoute(HOA, COA2, CN)]


def test_a_move_and_back_tells_again() -> None:
    """The peer may have been told of neither."""
    bench = Bench()
    bench.optimised()
    bench.moving()
    bench.moving()
    bench.away(COA)
    assert kinds(bench) == [CareOfTestInit, BindingUpdate]


def test_who_has_no_binding_is_not_told() -> None:
    """A test that runs ends with the move, and the next packet starts another one."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: True
    bench.trigger()
    (home, _) = bench.drain()
    assert isinstance(home, HomeTestInit)
    bench.moving()
    assert bench.state() is State.ABSENT
    bench.hear_message(HomeTest(1, home.cookie, b"homehome"))
    bench.away(COA2)
    bench.wait(40)
    assert bench.sent == []
    bench.lose = lambda packet: False
    bench.trigger()
    assert kinds(bench) == [HomeTestInit, CareOfTestInit, BindingUpdate]


def test_a_binding_that_ends_before_the_new_registration_is_not_renewed() -> None:
    """The peer has forgotten it by then."""
    bench = Bench()
    bench.optimised()
    bench.moving()
    bench.wait(420)
    bench.away(COA2)
    assert bench.sent == []
    assert bench.state() is State.ABSENT


def test_a_lost_registration_that_comes_back() -> None:
    """Peers that still have a binding get another one."""
    bench = Bench()
    bench.optimised()
    bench.lost()
    assert bench.state() is State.WAITING
    bench.wait(100)
    bench.away()
    assert kinds(bench) == [CareOfTestInit, BindingUpdate]


def test_an_answer_to_a_test_from_before_the_move() -> None:
    """It counts for nothing, and neither does one that comes while nothing is registered."""
    bench = Bench()
    bench.optimised()
    bench.wait(300)
    bench.lose = lambda packet: True
    assert bench.uses_care_of_address()
    bench.wait(36)
    home, _ = bench.drain()
    assert isinstance(home, HomeTestInit)
    bench.moving()
    bench.hear_message(HomeTest(1, home.cookie, b"homehome"), is_tunnelled=True)
    assert bench.sent == []
    bench.away(COA2)
    assert kinds(bench) == [HomeTestInit, CareOfTestInit]


def test_an_acknowledgement_from_before_the_move_counts_for_nothing() -> None:
    """The binding that it tells of has the old care-of address."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: packet.home_address_option is not None
    bench.trigger()
    update = bench.sent[-1].packet
    bench.moving()
    bench.away(COA2)
    effects = bench.nodes[CN].receive(update.encode(), INTERFACE, bench.now)
    (data,) = [effect.data for effect in effects if isinstance(effect, Transmit)]
    answer = decode(data)
    assert isinstance(answer, Packet)
    assert isinstance(answer.upper, MobilityHeader)
    assert isinstance(answer.upper.message, BindingAcknowledgement)
    bench.hear_message(answer.upper.message)
    assert not bench.uses_care_of_address()


@pytest.mark.parametrize("acknowledge", [True, False])
def test_at_home_each_binding_is_deleted(acknowledge: bool) -> None:
    """MN-0-0-0-2-001: the home test directly, then an update with lifetime 0 and the key of the home token alone."""
    bench = Bench(parameters(acknowledge_correspondents=acknowledge), (CN, CN2))
    bench.optimised(CN)
    bench.optimised(CN2)
    bench.effects.clear()
    bench.at_home()
    bench.at_home()
    assert bench.effects == [RemoveRoute(HOA, CN), RemoveRoute(HOA, CN2)]
    assert all((sent.packet.source, sent.packet.headers, sent.tunnel) == (HOA, (), None) for sent in bench.sent)
    assert kinds(bench) == [HomeTestInit, BindingUpdate] * 2
    for peer in (CN, CN2):
        assert bench.state(peer) is State.ABSENT
        assert bench.nodes[peer].roles.correspondent.cache.bound((peer, HOA), bench.now) is None
        assert not bench.uses_care_of_address(peer)
    bench.hear(echo())
    bench.wait(500)
    assert bench.sent == []


def test_what_a_deletion_says() -> None:
    """Section 11.7.2: the home address is the care-of address; the care-of nonce index is 0."""
    bench = Bench()
    bench.optimised()
    bench.lose = lambda packet: True
    bench.at_home()
    (home,) = bench.drain()
    assert isinstance(home, HomeTestInit)
    bench.hear_message(HomeTest(9, home.cookie, b"homehome"))
    (sent,) = bench.sent
    update = sent.message
    assert isinstance(update, BindingUpdate)
    assert (update.lifetime, update.options[0]) == (0, NonceIndices(9, 0))
    header = sent.packet.upper
    assert isinstance(header, MobilityHeader)
    assert is_authentic(header, binding_management_key(b"homehome"), HOA, CN)


def test_a_home_test_at_home_does_not_come_through_a_tunnel() -> None:
    """There is none."""
    bench = Bench()
    bench.optimised()
    bench.lose = lambda packet: True
    bench.at_home()
    (home,) = bench.drain()
    assert isinstance(home, HomeTestInit)
    bench.hear_message(HomeTest(9, home.cookie, b"homehome"), is_tunnelled=True)
    assert bench.sent == []


@pytest.mark.parametrize("lost", [HomeTestInit, BindingUpdate])
def test_a_deletion_that_is_not_answered(lost: type) -> None:
    """It is sent again up to the longest wait; then the peer just has the binding until it ends."""
    bench = Bench()
    bench.optimised()
    bench.lose = lambda packet: isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, lost)
    bench.at_home()
    bench.wait(62)
    assert len(bench.of(HomeTestInit if lost is HomeTestInit else BindingUpdate)) == 6
    assert bench.state() is (State.RELEASING if lost is HomeTestInit else State.DELETING)
    bench.wait(1)
    assert bench.state() is State.ABSENT
    bench.wait(100)
    assert kinds(bench).count(lost) == 6


def test_away_again_before_a_deletion_is_done() -> None:
    """The binding, which may still be there, gets the new care-of address."""
    for lost in (HomeTestInit, BindingUpdate):
        bench = Bench()
        bench.optimised()

        def lose(packet: Packet, kind: type = lost) -> bool:
            return isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, kind)

        bench.lose = lose
        bench.at_home()
        bench.lose = lambda packet: False
        bench.moving()
        assert bench.state() is State.WAITING
        bench.away(COA2)
        assert bench.state() is State.BOUND
        assert bench.uses_care_of_address()


def test_a_suspended_binding_is_deleted_at_home() -> None:
    """Between two care-of addresses, home; and what ended meanwhile is not deleted."""
    bench = Bench()
    bench.optimised()
    bench.moving()
    bench.at_home()
    assert kinds(bench) == [HomeTestInit, BindingUpdate]
    bench = Bench()
    bench.optimised()
    bench.moving()
    bench.wait(420)
    bench.at_home()
    assert bench.sent == []
    assert bench.state() is State.ABSENT


def test_a_peer_that_did_not_answer_is_asked_from_elsewhere() -> None:
    """The way there may be another one; a peer that said no is left alone."""
    for is_silent in (True, False):
        bench = Bench()
        bench.away()
        bench.lose = lambda packet: True
        bench.trigger()
        if is_silent:
            bench.wait(63)
        else:
            home = bench.sent[0]
            bench.refuse(home.packet)
        assert bench.state() is State.REFUSED
        bench.lose = lambda packet: False
        bench.away(COA2)
        bench.trigger()
        assert bench.uses_care_of_address() is is_silent


def test_a_refused_peer_with_a_binding_is_told_of_a_move() -> None:
    """Its packets would go to the old care-of address otherwise."""
    for home in (True, False):
        bench = Bench()
        bench.optimised()
        bench.wait(10)
        bench.renew()
        bench.lose = lambda packet: True
        bench.wait(1)
        bench.renew()
        bench.refuse(bench.sent[-2].packet)
        assert bench.state() is State.REFUSED
        bench.lose = lambda packet: False
        bench.sent.clear()
        if home:
            bench.at_home()
            assert kinds(bench) == [HomeTestInit, BindingUpdate]
        else:
            bench.away(COA2)
            assert kinds(bench) == [HomeTestInit, CareOfTestInit, BindingUpdate]
