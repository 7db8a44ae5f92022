"""Mobile prefix discovery, and what follows from it (RFC 6275 sections 11.4.2 and 11.4.3)."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from mobile_home_world import (
    CN,
    COA1,
    COA2,
    HA,
    HOA,
    HOME_PREFIX,
    R0,
    R1_PREFIX,
    World,
    advertisement,
    echo,
    events,
    of,
    packets,
    prefix_option,
    registered_world,
    updates,
    with_home,
)
from msgspec import structs

from mipsh.mobility.effects import AddressRemoved, Effect, Protection, Purpose, RemoveRoute, Send
from mipsh.mobility.mobile.home_machine import State
from mipsh.mobility.mobile.prefixes import MOST_SOLICITATIONS
from mipsh.mobility.mobile.registration import PREFIX_ENDED
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import Icmpv6, MobilePrefixAdvertisement, MobilePrefixSolicitation
from mipsh.wire.ndp import INFINITY, Option
from mipsh.wire.packet import Packet

PROTECTION = Protection(Purpose.PREFIX_DISCOVERY, HOA)


def solicitations(effects: Iterable[Effect] | None) -> list[tuple[Packet, MobilePrefixSolicitation]]:
    """Return the questions for prefixes with their packets."""
    found = []
    for packet in packets(effects):
        if isinstance(packet.upper, Icmpv6) and isinstance(packet.upper.message, MobilePrefixSolicitation):
            found.append((packet, packet.upper.message))
    return found


def answer(identifier: int, *options: Option, flags: int = 0) -> Packet:
    """Return a Mobile Prefix Advertisement of the home agent."""
    message = MobilePrefixAdvertisement(identifier, flags, options)
    return Packet(HA, COA1, Icmpv6(message), (Type2RoutingHeader(HOA),))


def asking() -> tuple[World, int]:
    """Return a node that asks for prefixes as an unsolicited advertisement came, and the question's identifier."""
    world = registered_world()
    [(_, question)] = solicitations(world.icmpv6(answer(7)))
    return world, question.identifier


def state(world: World) -> State:
    """Return the state of the only registration."""
    return world.node.registrations[0].state


def test_status_1_asks_for_the_prefixes() -> None:
    """MN-2-2-1-1-002, R-MN-26: at once, with a Home Address option."""
    world = World()
    [(packet, _)] = solicitations(world.acknowledge(world.go1(), 1))
    assert (packet.source, packet.destination, packet.home_address_option) == (COA1, HA, HOA)


def test_repetition() -> None:
    """MN-4-1-1-1-004: after 3 s, doubling, a few times, under one identifier."""
    world = World()
    [(_, first)] = solicitations(world.acknowledge(world.go1(), 1))
    happened = [(time, m) for time, effect in world.run(1000) for _, m in solicitations([effect])]
    assert [after - before for before, after in pairwise([0.0, *(time for time, _ in happened)])] == [3, 6, 12, 24, 32]
    assert {message.identifier for _, message in happened} == {first.identifier}
    assert len(happened) == MOST_SOLICITATIONS - 1


def test_an_unsolicited_advertisement_asks() -> None:
    """MN-4-1-1-1-002, R-MN-28: what it says is not believed; a flood of them asks a few times only."""
    world = registered_world()
    effects = world.icmpv6(answer(7, prefix_option(HOME_PREFIX, valid_s=0)))
    assert len(solicitations(effects)) == 1
    assert state(world) is State.REGISTERED
    assert sum(len(solicitations(world.icmpv6(answer(7)))) for _ in range(50)) == 2


def test_another_identifier_asks_anew() -> None:
    """MN-4-2-1-1-014."""
    world, identifier = asking()
    [(_, question)] = solicitations(world.icmpv6(answer(identifier ^ 1)))
    assert question.identifier != identifier
    assert world.icmpv6(answer(question.identifier)) == []


def test_advertisements_that_are_none() -> None:
    """MN-4-2-1-1-012: from elsewhere, to another address, without a routing header, or of another home."""
    world, identifier = asking()
    good = answer(identifier, prefix_option(HOME_PREFIX, valid_s=0))
    for wrong in (
        structs.replace(good, source=CN),
        structs.replace(good, destination=COA2),
        structs.replace(good, headers=(), destination=COA1),
        structs.replace(good, headers=(Type2RoutingHeader(CN),)),
        structs.replace(good, headers=(), destination=HOA),
    ):
        assert world.icmpv6(wrong) == []
    assert solicitations(world.wait(3))
    assert world.icmpv6(good)


def test_protection_is_demanded() -> None:
    """R-MN-27: questions go protected, and only protected answers count."""
    world = World(with_home(required=frozenset((Purpose.PREFIX_DISCOVERY,))))
    effects = world.acknowledge(world.go1(), 1)
    [(_, question)] = solicitations(effects)
    assert of(effects, Send)[0].protection == PROTECTION
    good = answer(question.identifier)
    assert world.icmpv6(good) == []
    assert solicitations(world.wait(3))
    world.icmpv6(good, PROTECTION)
    assert world.wait(100) == []


@pytest.mark.parametrize("flags", [0, 0xFFFF])
def test_a_shorter_lifetime_shortens_the_registration(flags: int) -> None:
    """MN-4-2-1-1-004, MN-4-2-1-1-015: an update with no more than that."""
    world, identifier = asking()
    effects = world.icmpv6(answer(identifier, prefix_option(HOME_PREFIX, valid_s=103), flags=flags)) or []
    [(_, update)] = updates(effects)
    assert update.lifetime == 25
    world.acknowledge(effects)
    binding = world.node.registrations[0].binding
    assert binding is not None
    assert binding.until == world.now + 100


def test_a_longer_lifetime_or_that_of_another_prefix_changes_nothing() -> None:
    """Nor does one that never ends."""
    world, identifier = asking()
    for valid_s in (9000, INFINITY):
        option = prefix_option(HOME_PREFIX, valid_s=valid_s)
        assert world.icmpv6(answer(identifier, prefix_option(R1_PREFIX, valid_s=1), option)) == []
        assert state(world) is State.REGISTERED
        [(_, question)] = solicitations(world.icmpv6(answer(identifier)))
        identifier = question.identifier


def test_a_refresh_under_way_is_shortened_as_well() -> None:
    """By another update."""
    world, identifier = asking()
    world.wait(2880)
    assert state(world) is State.REFRESHING
    [(_, question)] = solicitations(world.icmpv6(answer(identifier)))
    [(_, update)] = updates(world.icmpv6(answer(question.identifier, prefix_option(HOME_PREFIX, valid_s=80))))
    assert update.lifetime == 20


def test_a_move_that_is_not_acknowledged_yet() -> None:
    """The next update asks for no more than what is left."""
    world, identifier = asking()
    registration = world.node.registrations[0]
    world.icmpv6(answer(identifier, prefix_option(HOME_PREFIX, valid_s=5000)))
    world.go2()
    assert registration.prefix(world.now + 50, world.now) == []
    [(_, update)] = updates(world.wait(1))
    assert update.lifetime == 12


def test_the_prefix_ends() -> None:
    """R-MN-45: the upper layers may not use the home address, and it is deregistered."""
    world, identifier = asking()
    effects = world.icmpv6(answer(identifier, prefix_option(HOME_PREFIX, valid_s=0))) or []
    assert of(effects, AddressRemoved) == [AddressRemoved(HOA)]
    assert PREFIX_ENDED in events(effects)
    [(packet, update)] = updates(effects)
    assert (packet.source, update.lifetime) == (COA1, 0)
    assert world.send(echo(HOA, CN)) == []
    assert world.node.source_for(CN, world.now) is None
    effects = world.acknowledge(effects)
    assert of(effects, RemoveRoute) == [RemoveRoute(HOA)]
    assert state(world) is State.ENDED
    assert world.wait(10_000) == []
    assert world.node.registrations[0].prefix(world.now, world.now) == []


def test_the_deregistration_behind_the_prefix_is_answered_otherwise() -> None:
    """A rejection, no answer, the end of the registration, a move and the home link all end it."""

    def ending() -> World:
        world = registered_world()
        world.node.registrations[0].prefix(world.now, world.now)
        return world

    world = registered_world()
    world.acknowledge(world.node.registrations[0].prefix(world.now, world.now), 128)
    assert state(world) is State.ENDED
    world = ending()
    assert len(updates(world.wait(14.9))) == 3
    world.wait(0.1)
    assert state(world) is State.ENDED
    for move in (World.go2, World.down):
        world = ending()
        assert updates(move(world)) == []
        assert state(world) is State.ENDED
    world = ending()
    world.go_home()
    assert state(world) is State.TESTING
    world = World()
    world.acknowledge(world.go1(), lifetime=1)
    world.wait(3.0)
    world.node.registrations[0].prefix(world.now, world.now)
    world.wait(1.0)
    assert state(world) is State.ENDED


def test_the_prefix_ends_while_not_registered() -> None:
    """There is nothing to deregister."""
    world = World()
    world.go_home()
    world.hear(R0, advertisement(HOME_PREFIX, valid_s=50))
    world.go1()
    effects = world.wait(50)
    assert of(effects, AddressRemoved) == [AddressRemoved(HOA)]
    assert state(world) is State.ENDED


def test_the_prefix_is_asked_for_before_it_ends() -> None:
    """At 0.8 of its lifetime; while the node is not registered, as soon as it is."""
    for wait_s, is_due in ((100, False), (800, True)):
        world = World()
        world.go_home()
        world.hear(R0, advertisement(HOME_PREFIX, valid_s=1000))
        effects = world.go1()
        world.wait(wait_s)
        effects = world.go2()
        assert bool(solicitations(world.acknowledge(effects))) is is_due
    world = World()
    world.go_home()
    world.hear(R0, advertisement(HOME_PREFIX, valid_s=1000))
    world.acknowledge(world.go1())
    assert [time for time, effect in world.run(801) if solicitations([effect])] == [800]


def test_nobody_is_asked_without_a_registration() -> None:
    """Nor is an answer believed."""
    world, identifier = asking()
    world.down()
    assert world.wait(20) == []
    assert world.icmpv6(answer(identifier, prefix_option(HOME_PREFIX, valid_s=0))) == []
