"""Binding Updates that are asked for: sent at once where one is to be sent, and nothing happens elsewhere."""

from mobile_home_world import CN as PEER
from mobile_home_world import HA, HOA, World, registered_world, updates
from route_bench import CN, CN2, Bench, parameters

from mipsh.lab.topology import Lab
from mipsh.mobility.effects import Effect, Transmit
from mipsh.mobility.mobile.home_machine import State as HomeState
from mipsh.mobility.mobile.parameters import Optimisation
from mipsh.mobility.mobile.update_list import State
from mipsh.wire.mobility import BindingUpdate, CareOfTestInit, HomeTestInit, MobilityHeader

NOT_OPTIMISED = Optimisation.REFUSED


def asked(world: World, peer: bytes | None = None) -> list[Effect]:
    """Ask for a Binding Update."""
    return world.node.trigger(HOA, peer, world.now)


def state(world: World) -> HomeState:
    """Return the state of the home registration."""
    return world.node.registrations[0].state


def ask(bench: Bench, peer: bytes = CN) -> list[type]:
    """Ask for a Binding Update to a peer; return the kinds of messages that go out."""
    bench.sent.clear()
    bench.do(bench.optimisation.trigger(peer, bench.now))
    return [type(sent.message) for sent in bench.sent]


def test_a_registration_is_refreshed() -> None:
    """At once, and again while it is not acknowledged; each time with the next sequence number."""
    world = registered_world()
    (packet, first), *_ = updates(asked(world))
    assert (packet.destination, packet.home_address_option) == (HA, HOA)
    assert state(world) is HomeState.REFRESHING
    (_, second), *_ = again = updates(asked(world))
    assert len(again) == 1
    assert second.sequence == first.sequence + 1
    assert world.node.registrations[0].attempts == 2


def test_a_first_registration_is_sent_again() -> None:
    """No sooner than the rate limit allows: three a second."""
    world = World()
    world.go1()
    assert state(world) is HomeState.REGISTERING
    assert [len(updates(asked(world))) for _ in range(3)] == [1, 1, 0]
    assert len(updates(world.wait(1.0))) == 1


def test_a_refusal_is_not_waited_for() -> None:
    """A home agent that refused is asked again at once."""
    world = World()
    world.acknowledge(world.go1(), 130)
    assert state(world) is HomeState.REFUSED
    assert len(updates(asked(world))) == 1
    assert state(world) is HomeState.REGISTERING


def test_nothing_is_sent_where_nothing_is_to_be_registered() -> None:
    """Nowhere, at home, for an address that is none of the node's, and for a peer without a registration."""
    world = World()
    assert asked(world) == asked(world, PEER) == []
    world.go_home()
    assert asked(world) == []
    assert world.node.trigger(PEER, None, world.now) == []


def test_a_correspondent_is_tested_first() -> None:
    """With a peer, return routability starts; it is not started twice."""
    world = registered_world()
    assert len(asked(world, PEER)) == 2
    assert asked(world, PEER) == []


def test_a_binding_is_made_and_made_anew() -> None:
    """Though no packet came or went; both tests are made each time."""
    bench = Bench()
    bench.away()
    assert ask(bench) == [HomeTestInit, CareOfTestInit, BindingUpdate]
    assert bench.state() is State.BOUND
    bench.wait(10.0)
    assert ask(bench) == [HomeTestInit, CareOfTestInit, BindingUpdate]


def test_an_update_that_is_not_acknowledged_is_sent_again() -> None:
    """Alone, by the tokens that there are."""
    bench = Bench()
    bench.lose = lambda packet: (
        isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, BindingUpdate)
    )
    bench.away()
    ask(bench)
    assert bench.state() is State.BINDING
    assert ask(bench) == [BindingUpdate]


def test_a_peer_that_did_not_answer_is_tried_again() -> None:
    """Though it was to be left alone."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: True
    ask(bench)
    bench.wait(100.0)
    assert bench.state() is State.REFUSED
    bench.lose = lambda packet: False
    assert ask(bench) == [HomeTestInit, CareOfTestInit, BindingUpdate]


def test_what_is_not_to_be_optimised_is_not() -> None:
    """Neither by policy, nor beyond the limit, nor without a home registration."""
    refusing = Bench(parameters(peers=((CN, NOT_OPTIMISED),), max_correspondents=1), (CN, CN2))
    assert ask(refusing, CN2) == []
    refusing.away()
    assert ask(refusing) == []
    assert ask(refusing, CN2) == [HomeTestInit, CareOfTestInit, BindingUpdate]
    full = Bench(parameters(max_correspondents=1), (CN, CN2))
    full.away()
    full.optimised()
    assert ask(full, CN2) == []
    full.wait(3600.0)
    assert ask(full) == []


def test_what_is_to_come_is_shown() -> None:
    """Deadlines of tests, of the update and of the binding; the lifetime that was granted, and the next refresh."""
    bench = Bench()
    bench.away()
    bench.lose = lambda packet: True
    ask(bench)
    entry = bench.entry()
    assert entry.deadlines.home_test == entry.deadlines.care_of_test == bench.now + 1.0
    assert entry.home_test_timeout_s == entry.care_of_test_timeout_s == 1.0
    assert entry.deadlines.update is None
    world = registered_world()
    registration = world.node.registrations[0]
    assert registration.binding is not None
    assert registration.next_update == world.now + registration.binding.lifetime_s * 0.8


def test_a_whole_node_sends_it() -> None:
    """Onto its link; one that is not mobile sends nothing."""
    lab = Lab()
    name = lab.add_mobile_node("foreign1")
    assert lab.network.clock.run(lambda: lab.registered_at(name) is not None, 10.0)
    now, home = lab.network.clock.now, lab.mobile_nodes[name]
    effects = lab.node(name).trigger(home, None, now)
    assert [type(effect) for effect in effects] == [Transmit]
    assert lab.node("cn").trigger(home, None, now) == []
