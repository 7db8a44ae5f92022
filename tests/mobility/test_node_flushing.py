"""A node forgets what others have here, or what it has with others; whoever needs it makes it anew."""

from node_world import optimised

from mipsh.mobility.correspondent_cache import State
from mipsh.mobility.effects import Emit, RemoveBinding, RemoveRoute


def test_a_correspondent_forgets_its_bindings() -> None:
    """Each is told as an event; its number is remembered until the nonces end."""
    lab = optimised()
    node, now = lab.node("cn"), lab.network.clock.now
    count, effects = node.flush_bindings(now)
    assert count == 1
    assert [type(effect) for effect in effects] == [RemoveBinding, Emit]
    assert [entry.state for entry in node.roles.correspondent.cache] == [State.BLOCKED]
    assert node.flush_bindings(now) == (0, [])


def test_a_home_agent_forgets_all() -> None:
    """Home registrations too."""
    lab = optimised()
    node = lab.node("ha")
    count, effects = node.flush_bindings(lab.network.clock.now)
    assert count == 1
    assert RemoveBinding in {type(effect) for effect in effects}
    assert node.flush_updates(lab.network.clock.now) == (0, [])


def test_a_mobile_node_forgets_its_correspondents() -> None:
    """But not its home registration."""
    lab = optimised()
    node = lab.node("mn")
    count, effects = node.flush_updates(lab.network.clock.now)
    assert (count, [type(effect) for effect in effects]) == (1, [RemoveRoute])
    assert lab.registered_at("mn") is not None
