"""A mobile node that takes leave: it deregisters from where it is (RFC 6275 section 11.7.1)."""

import pytest
from mobile_home_world import COA1, COA2, HA, HOA, World, registered_world, updates

from mipsh.mobility.effects import AddressRemoved, RemoveRoute
from mipsh.mobility.mobile.home_machine import State


def state(world: World) -> State:
    """Return the state of the only registration."""
    return world.node.registrations[0].state


def is_ending(world: World) -> bool:
    """Tell whether the node waits for an answer before it ends."""
    return world.node.is_ending


def test_a_registered_node_deregisters_from_where_it_is() -> None:
    """An update with lifetime zero and the same care-of address; the acknowledgement ends it."""
    world = registered_world()
    effects = world.node.stop(world.now)
    [(packet, update)] = updates(effects)
    assert (packet.source, packet.destination, packet.home_address_option) == (COA1, HA, HOA)
    assert update.lifetime == 0
    assert AddressRemoved(HOA) in effects
    assert is_ending(world)
    assert RemoveRoute(HOA) in world.acknowledge(effects)
    assert not is_ending(world)
    assert world.node.stop(world.now) == []
    assert updates(world.wait(10_000)) == []


def test_what_the_home_agent_may_have_is_ended_too() -> None:
    """An update was not answered yet: it may have been accepted."""
    world = World()
    world.go1()
    [(_, update)] = updates(world.node.stop(world.now))
    assert update.lifetime == 0
    assert is_ending(world)
    assert world.node.stop(world.now) == []
    assert [again.lifetime for _, again in updates(world.wait(30))] == [0, 0, 0]
    assert not is_ending(world)


def test_a_move_that_is_not_registered_yet_is_ended_from_the_new_place() -> None:
    """The home agent has the care-of address before."""
    world = registered_world()
    world.go2()
    [(packet, update)] = updates(world.node.stop(world.now))
    assert (packet.source, update.lifetime) == (COA2, 0)


@pytest.mark.parametrize("is_down", [True, False])
def test_a_node_that_is_nowhere_has_nobody_to_tell(is_down: bool) -> None:
    """It has no link any more, or had none yet."""
    world = registered_world() if is_down else World()
    world.down()
    assert updates(world.node.stop(world.now)) == []
    assert state(world) is State.ENDED
    assert not is_ending(world)
    assert updates(world.go2()) == []


def test_at_home_nothing_is_left_to_end() -> None:
    """What was begun when the node came home goes on."""
    world = World()
    world.go_home()
    assert world.node.stop(world.now) == []
    world = registered_world()
    world.go_home()
    assert state(world) is State.FINDING
    assert world.node.stop(world.now) == []
    assert is_ending(world)
