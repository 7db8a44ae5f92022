"""Coming home, being at home and leaving again (RFC 6275 section 11.5.5)."""

import pytest
from mobile_home_world import (
    CN,
    COA1,
    HA,
    HOA,
    HOME_PREFIX,
    INTERFACE,
    LINK_LOCAL,
    MAC,
    OTHER,
    R0,
    R1,
    R1_PREFIX,
    World,
    acknowledgement,
    advertisement,
    echo,
    events,
    of,
    registered_world,
    updates,
    with_home,
)

from mipsh.mobility.effects import (
    AddressAdded,
    AddressFailed,
    AddressGone,
    AddressReady,
    AnnounceAddress,
    AssignAddress,
    Effect,
    Emit,
    FindDefender,
    LinkChanged,
    NeighbourFound,
    NeighbourLost,
    RemoveAddress,
    RemoveRoute,
    Send,
)
from mipsh.mobility.mobile.home_machine import State
from mipsh.mobility.mobile.parameters import Home
from mipsh.mobility.mobile.registration import DEREGISTERED, DUPLICATE, EXPIRED
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.ndp import HOME_AGENT

FOUND = NeighbourFound(INTERFACE, HOA, MAC)
NOT_FOUND = NeighbourLost(INTERFACE, HOA)
READY, FAILED = AddressReady(INTERFACE, HOA), AddressFailed(INTERFACE, HOA)


def state(world: World) -> State:
    """Return the state of the only registration."""
    return world.node.registrations[0].state


def at_home() -> World:
    """Return a node that began at home."""
    world = World()
    world.go_home()
    world.signal(READY)
    return world


def deregistering() -> tuple[World, list[Effect]]:
    """Return a node that has come home with a registration, and how it deregisters."""
    world = registered_world()
    world.go_home()
    return world, world.signal(FOUND)


def test_beginning_at_home() -> None:
    """An ordinary address of the link, with duplicate address detection; packets go plainly."""
    world = World()
    effects = world.go_home()
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    assert updates(effects) == []
    packet = echo(HOA, CN)
    assert world.send(packet) == []
    assert world.signal(READY) == [Send(packet)]
    assert state(world) is State.AT_HOME
    assert world.send(packet) == [Send(packet)]
    assert not world.node.is_away(HOA)


def test_coming_home_with_a_registration() -> None:
    """MN-2-1-3-1-007, R-MN-19: no detection, but the question who defends the address, and an update to that."""
    world = registered_world()
    effects = world.go_home()
    assert of(effects, FindDefender) == [FindDefender(INTERFACE, HOA)]
    assert (of(effects, AssignAddress), updates(effects)) == ([], [])
    effects = world.signal(FOUND)
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, False)]
    [send] = of(effects, Send)
    assert (send.interface, send.link_layer) == (INTERFACE, MAC)
    [(packet, update)] = updates(effects)
    assert (packet.source, packet.destination, packet.headers) == (HOA, HA, ())
    assert update.lifetime == 0


def test_the_acknowledgement_at_home() -> None:
    """MN-3-4-1-1-001: the link is told, for the link-local address too, and packets go plainly."""
    world, effects = deregistering()
    packet = echo(HOA, CN)
    assert world.send(packet) == []
    effects = world.acknowledge(effects)
    assert of(effects, AnnounceAddress) == [AnnounceAddress(INTERFACE, HOA), AnnounceAddress(INTERFACE, LINK_LOCAL)]
    assert of(effects, RemoveRoute) == [RemoveRoute(HOA)]
    assert events(effects) == [DEREGISTERED]
    assert of(effects, Send) == [Send(packet)]
    assert state(world) is State.AT_HOME
    assert world.wait(1000) == []


def test_a_link_local_address_that_the_home_agent_defended() -> None:
    """Its test fails on the home link; it comes back with the home address, and is not tested again."""
    world = registered_world()
    world.go_home()
    world.signal(AddressFailed(INTERFACE, LINK_LOCAL))
    effects = world.acknowledge(world.signal(FOUND))
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, LINK_LOCAL, False)]
    assert of(effects, AnnounceAddress) == [AnnounceAddress(INTERFACE, HOA), AnnounceAddress(INTERFACE, LINK_LOCAL)]
    assert effects.index(of(effects, AssignAddress)[0]) < effects.index(of(effects, AnnounceAddress)[1])


def test_only_the_home_address_is_announced_without_the_link_local_flag() -> None:
    """The link-local address was never the home agent's to defend."""
    world = registered_world(with_home(Home(HOA, home_agent=HA, is_link_local_bound=False)))
    world.go_home()
    effects = world.acknowledge(world.signal(FOUND))
    assert of(effects, AnnounceAddress) == [AnnounceAddress(INTERFACE, HOA)]


def test_nobody_defends_the_address() -> None:
    """The home agent may have lost it: the update goes there all the same, where it is to be found."""
    world = registered_world()
    world.go_home()
    effects = world.signal(NOT_FOUND)
    [send] = of(effects, Send)
    assert (send.interface, send.link_layer) == (INTERFACE, None)
    assert world.signal(NOT_FOUND, READY) == []


def test_the_home_agent_has_no_binding() -> None:
    """MN-2-2-2-1-008: with status 133, detection is done; other rejections are waited out."""
    world, effects = deregistering()
    assert world.acknowledge(effects, 128) == []
    effects = world.wait(1)
    [_] = updates(effects)
    effects = world.acknowledge(effects, 133)
    assert of(effects, RemoveAddress) == [RemoveAddress(INTERFACE, HOA)]
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    assert state(world) is State.TESTING


def test_no_acknowledgement_at_home() -> None:
    """R-MN-40: the update is repeated, and behind three of them the address is used on the link."""
    world, _ = deregistering()
    packet = echo(HOA, CN)
    world.wait(6.9)
    assert world.send(packet) == []
    effects = world.wait(0.1)
    assert of(effects, AnnounceAddress)
    assert of(effects, Send)[0].packet == packet
    assert world.send(packet) == [Send(packet)]
    effects = world.wait(20)
    assert len(updates(effects)) == 1
    assert not of(effects, AnnounceAddress)
    effects = world.wait(3600)
    assert events(effects) == [DEREGISTERED]
    assert state(world) is State.AT_HOME


def test_coming_home_after_the_registration_expired() -> None:
    """MN-3-4-1-1-002: ordinary detection, no update."""
    world = registered_world()
    world.down()
    world.wait(3600)
    effects = world.go_home()
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    assert of(effects, FindDefender) == []
    assert updates(world.signal(READY)) == []


def test_coming_home_with_an_update_that_was_not_acknowledged() -> None:
    """The home agent may have taken it: if it defends the address, it is told; if not, detection follows."""
    world = World()
    world.go1()
    assert of(world.go_home(), FindDefender)
    assert of(world.signal(NOT_FOUND), AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    world = World()
    world.go1()
    world.go_home()
    [(_, update)] = updates(world.signal(FOUND))
    assert update.lifetime == 0
    effects = world.wait(10.5)
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    assert state(world) is State.TESTING


def test_the_registration_ends_while_its_defender_is_sought() -> None:
    """Then there is nothing to end."""
    world = World()
    world.acknowledge(world.go1(), lifetime=3)
    world.wait(9.0)
    world.go_home()
    effects = world.wait(3.0)
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    assert EXPIRED not in events(effects)


def test_leaving_again() -> None:
    """The home address leaves the interface, and a first registration follows."""
    world, effects = deregistering()
    world.acknowledge(effects)
    effects = world.go1()
    assert of(effects, RemoveAddress) == [RemoveAddress(INTERFACE, HOA)]
    [(packet, _)] = updates(effects)
    assert packet.source == COA1
    assert world.node.is_away(HOA)


def test_a_link_that_goes_and_comes_at_home() -> None:
    """The address is tested anew."""
    world = at_home()
    world.down()
    effects = world.go_home()
    assert of(effects, RemoveAddress) == [RemoveAddress(INTERFACE, HOA)]
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    assert world.down() == []
    assert world.down() == []


def test_a_binding_from_before_a_restart() -> None:
    """Somebody has the address: if it is the home agent, it is told that the node is at home."""
    world = World()
    world.go_home()
    effects = world.signal(FAILED)
    assert of(effects, FindDefender) == [FindDefender(INTERFACE, HOA)]
    effects = world.signal(FOUND)
    [(packet, update)] = updates(effects)
    assert (packet.destination, update.lifetime) == (HA, 0)
    assert DEREGISTERED in events(world.acknowledge(effects))
    assert state(world) is State.AT_HOME


def test_a_real_duplicate() -> None:
    """Nobody answers the update, or it is rejected: the address is somebody else's, and is tried again later."""
    world = World()
    world.go_home()
    world.signal(FAILED)
    world.acknowledge(world.signal(FOUND), 133)
    effects = world.signal(FAILED)
    assert of(effects, Emit) == [Emit(DUPLICATE, HOA)]
    assert state(world) is State.DUPLICATE
    assert world.send(echo(HOA, CN)) == []
    assert world.node.source_for(CN, world.now) is None
    effects = world.wait(60)
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    world.signal(FAILED)
    assert state(world) is State.DUPLICATE
    world.wait(60)
    world.signal(READY)
    assert state(world) is State.AT_HOME


def test_a_duplicate_that_shows_later() -> None:
    """The interface withdrew the address; what says nothing changes nothing."""
    world = at_home()
    other_signals = AddressReady(OTHER, HOA), AddressFailed(INTERFACE, COA1), AddressGone(INTERFACE, HOA), READY
    assert world.signal(*other_signals) == []
    assert events(world.signal(FAILED)) == [DUPLICATE]
    assert world.signal(FAILED) == []
    assert world.go1()


def test_home_on_another_interface() -> None:
    """The address is on one interface only."""
    world = World(interfaces=(INTERFACE, OTHER))
    world.go_home()
    world.signal(READY)
    world.down()
    world.signal(LinkChanged(OTHER, True))
    effects = world.hear(R0, advertisement(HOME_PREFIX), OTHER)
    assert effects[:2] == [RemoveAddress(INTERFACE, HOA), AssignAddress(OTHER, HOA, True)]


def test_home_counts_more_than_away() -> None:
    """A home link on one interface, a foreign one on another."""
    world = World(interfaces=(INTERFACE, OTHER))
    world.signal(LinkChanged(OTHER, True))
    world.hear(R1, advertisement(R1_PREFIX), OTHER)
    assert updates(world.signal(AddressReady(OTHER, COA1)))
    effects = world.go_home()
    assert of(effects, FindDefender)
    assert world.wait(0.5) == []
    effects = world.down()
    [(packet, _)] = updates(effects)
    assert packet.source == COA1


@pytest.mark.parametrize("flags", [0, HOME_AGENT])
def test_discovery_at_home(flags: int) -> None:
    """MN-5-1-1-1-001: where no home agent is known, and the advertisement names none."""
    world = World(with_home(Home(HOA)))
    world.up()
    world.hear(R0, advertisement(HA, parse("2001:db8:0:9::1"), flags=flags))
    effects = world.signal(READY)
    if flags:
        assert effects == []
        assert world.node.registrations[0].agents.current == HA
        return
    [send] = of(effects, Send)
    assert (send.packet.source, send.packet.destination) == (HOA, parse("2001:db8:0:1:fdff:ffff:ffff:fffe"))
    assert isinstance(send.packet.upper, Icmpv6)
    assert isinstance(send.packet.upper.message, HomeAgentDiscoveryRequest)


def test_home_agents_are_heard_at_home_only() -> None:
    """An advertisement of a foreign link with the H flag names nobody."""
    world = World(with_home(Home(HOA)))
    world.hear(R1, advertisement(R1_PREFIX, flags=HOME_AGENT))
    world.go1()
    world.hear(R1, advertisement(HA, flags=HOME_AGENT, lifetime_s=0))
    assert world.node.registrations[0].agents.current is None


def test_acknowledgements_at_home_come_plainly() -> None:
    """To the home address, without a routing header."""
    world, effects = deregistering()
    packet, update = updates(effects)[0]
    answer = acknowledgement(packet, update)
    assert world.receive(answer, is_tunnelled=True) == []
    assert world.receive(answer)


def test_the_home_prefix_comes_back() -> None:
    """It had ended; at home it is advertised again, and the upper layers may use the address again."""
    world = registered_world()
    registration = world.node.registrations[0]
    registration.prefix(world.now, world.now)
    world.down()
    assert state(world) is State.ENDED
    assert of(world.go1(), Send) == []
    assert world.down() == []
    effects = world.go_home()
    assert of(effects, AddressAdded) == [AddressAdded(HOA)]
    assert state(world) is State.TESTING
    world.signal(READY)
    effects = world.go1()
    assert updates(effects)
