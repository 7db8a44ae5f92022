"""Binding Updates that are asked for with a lifetime of their own; with none, they deregister."""

import pytest
from mobile_home_world import CN as PEER
from mobile_home_world import COA1, HA, HOA, World, echo, events, of, registered_world, updates
from route_bench import CN, CN2, COA2, Bench, parameters

from mipsh.mobility.effects import Effect, Emit, FindDefender, RemoveRoute, Send
from mipsh.mobility.mobile.home_machine import State as HomeState
from mipsh.mobility.mobile.update_list import State
from mipsh.wire.mobility import LIFETIME_UNIT_S, BindingUpdate, CareOfTestInit, HomeTestInit, MobilityHeader


def asked(world: World, lifetime_s: float | None) -> list[Effect]:
    """Ask for a Binding Update to the home agent."""
    return world.node.trigger(HOA, None, world.now, lifetime_s)


def lifetimes(effects: list[Effect]) -> list[int]:
    """Return the lifetimes of the Binding Updates, in units of 4 seconds."""
    return [update.lifetime for _, update in updates(effects)]


def state(world: World) -> HomeState:
    """Return the state of the home registration."""
    return world.node.registrations[0].state


def is_ending(world: World) -> bool:
    """Tell whether an acknowledgement of an end is awaited."""
    return world.node.is_ending


def ask(bench: Bench, lifetime_s: float | None, peer: bytes = CN) -> list[BindingUpdate]:
    """Ask for a Binding Update to a peer; return those that go out."""
    bench.sent.clear()
    bench.do(bench.optimisation.trigger(peer, bench.now, lifetime_s))
    return bench.of(BindingUpdate)


def is_update(packet_upper: object) -> bool:
    """Tell a Binding Update from other upper layers."""
    return isinstance(packet_upper, MobilityHeader) and isinstance(packet_upper.message, BindingUpdate)


MOST_UNITS = 105
"""What 420 s are in units of 4 seconds."""

# At the home agent.


@pytest.mark.parametrize(("lifetime_s", "units"), [(1, 1), (4, 1), (5, 2), (400, 100), (10_000_000, 1800)])
def test_a_lifetime_is_rounded_up_and_bounded(lifetime_s: float, units: int) -> None:
    """To whole units of 4 seconds, and by what the care-of address has left (7200 s)."""
    assert lifetimes(asked(registered_world(), lifetime_s)) == [units]


def test_repetitions_ask_for_the_same_and_later_refreshes_do_not() -> None:
    """The lifetime is that of one purpose."""
    world = registered_world()
    first = asked(world, 40)
    assert lifetimes(world.wait(3.0)) == [10, 10]
    assert lifetimes(asked(world, None)) == [900]
    last = asked(world, 40)
    world.acknowledge(last)
    assert lifetimes(first) == [10]
    assert lifetimes(world.wait(32.5)) == [900]


def test_a_first_registration_and_a_refused_one_take_another_lifetime() -> None:
    """Whatever state an update is sent from."""
    world = World()
    sent = world.go1()
    again = asked(world, 80)
    assert (lifetimes(sent), lifetimes(again)) == ([900], [20])
    world.acknowledge(again, 130)
    assert state(world) is HomeState.REFUSED
    assert lifetimes(asked(world, 80)) == [20]


def test_a_registration_is_ended_and_stays_so() -> None:
    """The care-of address stays; nothing is registered, refreshed or sent until somebody asks."""
    world = registered_world()
    sent = asked(world, 0)
    ((packet, update),) = updates(sent)
    assert (packet.source, packet.destination, packet.home_address_option) == (COA1, HA, HOA)
    assert (update.lifetime, state(world)) == (0, HomeState.LEAVING)
    assert is_ending(world)
    answered = world.acknowledge(sent)
    assert Emit("mip6MnDeRegistered", HOA, COA1, HA, "accepted") in answered
    assert RemoveRoute(HOA) in answered
    assert state(world) is HomeState.UNREGISTERED
    assert not is_ending(world)
    assert world.send(echo(HOA, PEER)) == []
    assert world.node.source_for(PEER, world.now) is None
    assert updates(world.wait(1000.0)) == []
    again = asked(world, None)
    assert (lifetimes(again), state(world)) == ([900], HomeState.REGISTERING)
    assert "mip6MnRegistered" in events(world.acknowledge(again))


def test_a_movement_registers_again() -> None:
    """It is another place."""
    world = registered_world()
    world.acknowledge(asked(world, 0))
    assert lifetimes(world.go2()) == [900]


def test_an_end_that_is_not_answered() -> None:
    """Four updates, then it is taken to be over; asking for it again sends another one."""
    world = registered_world()
    asked(world, 0)
    assert lifetimes(asked(world, 0)) == [0]
    assert lifetimes(world.wait(6.0)) == [0, 0]
    waited = world.wait(20.0)
    assert (lifetimes(waited), events(waited)) == ([], ["mip6MnDeRegistered"])
    assert of(waited, Emit)[0].detail == "expired"
    assert state(world) is HomeState.UNREGISTERED
    assert lifetimes(asked(world, 0)) == [0]


@pytest.mark.parametrize(("status", "is_possible"), [(133, False), (128, True)])
def test_an_end_that_is_refused(status: int, is_possible: bool) -> None:
    """The home agent has no binding, or may have one; either way the node keeps none."""
    world = registered_world()
    answered = world.acknowledge(asked(world, 0), status)
    assert of(answered, Emit) == [Emit("mnHomeRegistrationRefused", HOA, COA1, HA, f"status {status}")]
    assert state(world) is HomeState.UNREGISTERED
    returned = world.go_home()
    assert bool(of(returned, FindDefender)) is is_possible


def test_an_end_out_of_the_window_is_sent_again() -> None:
    """Behind the number that the home agent had last."""
    world = registered_world()
    sent = asked(world, 0)
    again = world.acknowledge(sent, 135, sequence=4000)
    assert [(update.sequence, update.lifetime) for _, update in updates(again)] == [(4001, 0)]


def test_a_move_in_the_middle_of_it() -> None:
    """The binding may be there or not, so the old place is not taken to be registered still."""
    world = registered_world()
    asked(world, 0)
    moved = world.go2()
    assert events(moved)[0] == "mip6MnDeRegistered"
    assert (lifetimes(moved), state(world)) == ([900], HomeState.REGISTERING)
    world = registered_world()
    asked(world, 0)
    world.down()
    assert state(world) is HomeState.NOWHERE
    assert lifetimes(world.go1()) == [900]


def test_a_registration_in_the_middle_of_it() -> None:
    """What was asked for last counts; the acknowledgement of the other one says nothing any more."""
    world = registered_world()
    ended = asked(world, 0)
    again = asked(world, 100)
    assert (lifetimes(again), state(world)) == ([25], HomeState.REGISTERING)
    world.acknowledge(ended)
    assert state(world) is HomeState.REGISTERING
    world.acknowledge(again)
    assert state(world) is HomeState.REGISTERED


def test_the_registration_ends_in_the_middle_of_it() -> None:
    """Its lifetime is over before the home agent answers."""
    world = registered_world()
    world.acknowledge(asked(world, 4))
    asked(world, 0)
    waited = world.wait(4.0)
    assert "mip6MnDeRegistered" in events(waited)
    assert state(world) is HomeState.UNREGISTERED


def test_a_node_that_takes_leave_or_loses_its_prefix_in_the_middle_of_it() -> None:
    """The deregistration goes on, and ends it for good."""
    world = registered_world()
    asked(world, 0)
    assert lifetimes(world.node.stop(world.now)) == [0]
    assert state(world) is HomeState.WITHDRAWING
    world = registered_world()
    asked(world, 0)
    assert lifetimes(world.node.registrations[0].prefix(world.now, world.now)) == [0]
    assert state(world) is HomeState.WITHDRAWING


def test_there_is_nothing_to_end() -> None:
    """Nowhere, and at home."""
    world = World()
    assert asked(world, 0) == []
    world.go_home()
    assert asked(world, 0) == []


# At a correspondent.


def test_a_peer_is_asked_for_another_lifetime_once() -> None:
    """Rounded up, and no more than 420 s; a refresh asks for the longest again."""
    bench = Bench()
    bench.away()
    assert [update.lifetime for update in ask(bench, 41)] == [11]
    assert bench.entry().lifetime_s == 11 * LIFETIME_UNIT_S
    bench.wait(2.0)
    assert [update.lifetime for update in ask(bench, 100_000)] == [105]
    assert [update.lifetime for update in ask(bench, 40)] == [10]
    bench.wait(5.0)
    bench.renew()
    assert bench.of(BindingUpdate)[-1].lifetime == 105


def test_what_is_under_way_takes_the_lifetime() -> None:
    """Tests that run end in an update with it, and a repetition has it too; a move does away with it."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: True
    ask(bench, None)
    assert ask(bench, 20) == []
    bench.lose = lambda packet: is_update(packet.upper)
    bench.wait(10.0)
    assert {update.lifetime for update in bench.of(BindingUpdate)} == {5}
    assert [update.lifetime for update in ask(bench, 24)] == [6]
    bench.lose = lambda packet: False
    bench.moving()
    bench.away(COA2)
    assert ask(bench, None)[-1].lifetime == MOST_UNITS


def test_a_binding_is_deleted() -> None:
    """After a home test, by an update with lifetime zero; then there is no entry."""
    bench = Bench()
    bench.away()
    bench.optimised()
    assert [update.lifetime for update in ask(bench, 0)] == [0]
    assert next(type(sent.message) for sent in bench.sent) is HomeTestInit
    assert bench.of(CareOfTestInit) == []
    assert bench.state() is State.ABSENT


def test_a_deletion_that_is_not_acknowledged_goes_again() -> None:
    """While its test runs, there is nothing to send again."""
    bench = Bench()
    bench.away()
    bench.optimised()
    bench.lose = lambda packet: True
    assert ask(bench, 0) == []
    assert ask(bench, 0) == []
    bench.lose = lambda packet: is_update(packet.upper)
    bench.wait(2.0)
    assert bench.state() is State.DELETING
    bench.wait(2.0)
    assert [update.lifetime for update in ask(bench, 0)] == [0]


def test_there_is_nothing_to_delete() -> None:
    """Without a registration, at a peer that is not known, and at one that is not bound yet."""
    bench = Bench(None, (CN, CN2))
    assert ask(bench, 0) == []
    bench.away()
    assert ask(bench, 0) == []
    bench.lose = lambda packet: True
    ask(bench, None)
    assert ask(bench, 0) == []
    assert bench.state() is State.ABSENT


def test_a_forbidden_peer_may_be_told_to_forget() -> None:
    """A policy against optimisation is none against its end."""
    bench = Bench()
    bench.away()
    bench.optimised()
    bench.lose = lambda packet: True
    chosen = parameters(optimisation=bench.optimisation.parameters.optimisation.REFUSED)
    bench.do(bench.optimisation.reconfigure(chosen, bench.now))
    assert bench.state() is State.RELEASING
    bench.lose = lambda packet: is_update(packet.upper)
    bench.wait(2.0)
    assert bench.state() is State.DELETING


# What is forgotten.


def test_peers_are_forgotten_without_a_word() -> None:
    """Bound ones, those under way, and those left alone; packets begin anew, and numbers go on."""
    bench = Bench(None, (CN, CN2))
    bench.away()
    number = ask(bench, None)[-1].sequence
    bench.lose = lambda packet: True
    ask(bench, None, CN2)
    bench.wait(100.0)
    assert bench.state(CN2) is State.REFUSED
    bench.sent.clear()
    count, effects = bench.optimisation.flush()
    assert count == 2
    assert [type(effect) for effect in effects if isinstance(effect, Send)] == []
    assert RemoveRoute(bench.optimisation.home.address, CN) in effects
    assert bench.state(CN) is bench.state(CN2) is State.ABSENT
    assert bench.optimisation.flush() == (0, [])
    bench.lose = lambda packet: False
    assert ask(bench, None)[-1].sequence == number + 1
