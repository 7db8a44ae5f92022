"""Home registrations away from home: updates, repetition, answers, refreshes, and the end (RFC 6275 11.7, 11.8)."""

from collections.abc import Iterable
from itertools import pairwise

import pytest
from mobile_home_world import (
    CN,
    COA1,
    COA2,
    HA,
    HA2,
    HOA,
    INTERFACE,
    R1,
    R1_PREFIX,
    World,
    acknowledgement,
    advertisement,
    echo,
    events,
    of,
    packets,
    registered_world,
    updates,
    with_home,
)
from msgspec import structs

from mipsh.mobility.effects import (
    AddressReady,
    Effect,
    InstallRoute,
    LinkChanged,
    Protection,
    Purpose,
    RemoveRoute,
    Send,
)
from mipsh.mobility.mobile.home_machine import State
from mipsh.mobility.mobile.parameters import Home
from mipsh.mobility.mobile.registration import EXPIRED, MOVED, REFUSED, REGISTERED
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    BA_MOBILE_ROUTER,
    HOME,
    LINK_LOCAL,
    MOBILE_ROUTER,
    AlternateCareOfAddress,
    BindingError,
    BindingRefreshAdvice,
    MobileNetworkPrefix,
    MobilityHeader,
)
from mipsh.wire.packet import Packet
from mipsh.wire.tlv import Pad1, PadN
from mipsh.wire.verify import problems

NETWORK = parse("2001:db8:f::")


def state(world: World) -> State:
    """Return the state of the only registration."""
    return world.node.registrations[0].state


def until(world: World) -> float:
    """Return when the only registration ends."""
    binding = world.node.registrations[0].binding
    assert binding is not None
    return binding.until


def gaps(world: World, seconds: float) -> list[float]:
    """Return after how many seconds each the node sends updates, unanswered."""
    times = [0.0, *(time for time, effect in world.run(seconds) if updates([effect]))]
    return [after - before for before, after in pairwise(times)]


def test_an_update_says_all_that_it_must() -> None:
    """MN-1-1-2-1-001, MN-3-2-1-1-001: A, H, no K, the home address, the care-of address twice, a lifetime."""
    [(packet, update)] = updates(World().go1())
    assert (packet.source, packet.destination, packet.home_address_option) == (COA1, HA, HOA)
    assert update.flags == ACKNOWLEDGE | HOME | LINK_LOCAL
    assert update.lifetime == 900
    assert [o for o in update.options if not isinstance(o, PadN | Pad1)] == [AlternateCareOfAddress(COA1)]
    assert not problems(packet)


def test_the_link_local_flag() -> None:
    """MN-2-1-1-1-002: only where the interface identifiers are the same, and not where it is not wanted."""
    world = World()
    world.signal(LinkChanged(INTERFACE, True), AddressReady(INTERFACE, parse("fe80::ff")))
    world.hear(R1, advertisement(R1_PREFIX))
    [(_, update)] = updates(world.signal(AddressReady(INTERFACE, COA1)))
    assert update.flags == ACKNOWLEDGE | HOME
    [(_, update)] = updates(World(with_home(Home(HOA, home_agent=HA, is_link_local_bound=False))).go1())
    assert update.flags == ACKNOWLEDGE | HOME


def test_without_the_alternate_care_of_address() -> None:
    """Where it is not wanted, the packet's source says it."""
    [(_, update)] = updates(World(with_home(send_alternate=False)).go1())
    assert not any(isinstance(option, AlternateCareOfAddress) for option in update.options)


def test_a_mobile_router_names_its_networks() -> None:
    """RFC 3963: the R flag, and each prefix in explicit mode; an answer without R is a rejection."""
    for is_explicit in (True, False):
        home = Home(HOA, 64, HA, ((NETWORK, 64),), is_mobile_router=True, is_explicit=is_explicit)
        world = World(with_home(home))
        [(packet, update)] = updates(world.go1())
        assert update.flags & MOBILE_ROUTER
        named = [o for o in update.options if isinstance(o, MobileNetworkPrefix)]
        assert named == ([MobileNetworkPrefix(64, NETWORK)] if is_explicit else [])
        assert not problems(packet)
        world.receive(acknowledgement(packet, update, flags=BA_MOBILE_ROUTER))
        assert state(world) is State.REGISTERED
    world = World(with_home(home))
    effects = world.acknowledge(world.go1())
    assert events(effects) == [REFUSED]
    assert [update.lifetime for _, update in updates(effects)] == [0]
    world = World(with_home(home))
    effects = world.go1()
    for number in (1, 1000):
        effects = world.acknowledge(effects, 135, sequence=number)
    assert updates(world.acknowledge(effects)) == []


def test_an_accepted_update_makes_the_tunnel() -> None:
    """MN-2-2-1-1-001: and it is refreshed by an update of the same care-of address, with a greater number."""
    world = World()
    effects = world.go1()
    [(_, first)] = updates(effects)
    assert state(world) is State.REGISTERING
    effects = world.acknowledge(effects)
    assert of(effects, InstallRoute) == [InstallRoute(HOA, COA1, None, HA)]
    assert events(effects) == [REGISTERED]
    assert world.wait(2879) == []
    [(packet, second)] = updates(world.wait(1))
    assert state(world) is State.REFRESHING
    assert second.sequence == (first.sequence + 1) % 65536
    assert packet.source == COA1
    effects = world.receive(acknowledgement(packet, second)) or []
    assert state(world) is State.REGISTERED
    assert (of(effects, InstallRoute), events(effects)) == ([], [])


def test_repetition() -> None:
    """R-MN-04, R-MN-05, MN-2-1-1-1-008: 1.5 s and doubling for a first registration, else 1 s, up to 32 s."""
    world = World()
    world.go1()
    assert gaps(world, 150) == [1.5, 3, 6, 12, 24, 32, 32, 32]
    world = registered_world()
    world.go2()
    assert gaps(world, 150) == [1, 2, 4, 8, 16, 32, 32, 32]


def test_each_repetition_has_the_next_number_and_wraps() -> None:
    """R-MN-24, R-MN-04."""
    world = World()
    registration = world.node.registrations[0]
    registration.updates.sequence = 65533
    sequences = [update.sequence for _, update in updates([*world.go1(), *world.wait(20)])]
    assert sequences == [65534, 65535, 0, 1]


@pytest.mark.parametrize("status", [128, 129, 130, 132, 134, 139, 174, 255])
def test_a_rejected_update_is_tried_again_later(status: int) -> None:
    """MN-2-2-1-1-003 and those behind it: no registration, then greater numbers at greater intervals."""
    world = World()
    effects = world.go1()
    [(_, first)] = updates(effects)
    effects = world.acknowledge(effects, status)
    assert events(effects) == [REFUSED]
    assert (state(world), of(effects, RemoveRoute)) == (State.REFUSED, [])
    assert world.wait(1.4) == []
    effects = world.wait(0.1)
    [(_, second)] = updates(effects)
    assert second.sequence == (first.sequence + 1) % 65536
    world.acknowledge(effects, status)
    assert world.wait(2.9) == []
    assert updates(world.wait(0.1))


def test_rejections_end_a_registration_and_back_off() -> None:
    """A rejected refresh: no tunnel any more; the waits grow up to what the parameters say."""
    world = registered_world(with_home(refused_for_s=20.0))
    effects = world.acknowledge(world.wait(2880), 130)
    assert of(effects, RemoveRoute) == [RemoveRoute(HOA)]
    waits = []
    for _ in range(7):
        begin = world.now
        world.now = world.node.next_deadline() or 0.0
        waits.append(world.now - begin)
        world.acknowledge(world.node.advance(world.now), 130)
    assert waits == pytest.approx([1.5, 3, 6, 12, 20, 20, 20])


@pytest.mark.parametrize("status", [0, 1, 2, 127])
def test_all_below_128_accept(status: int) -> None:
    """MN-2-2-1-1-033."""
    world = World()
    world.acknowledge(world.go1(), status)
    assert state(world) is State.REGISTERED


def test_a_sequence_number_out_of_window_is_caught_up_with() -> None:
    """MN-2-2-1-1-016: at once, but no more than three times a second."""
    world = World()
    effects = world.acknowledge(world.go1(), 135, sequence=65535)
    [(_, update)] = updates(effects)
    assert update.sequence == 0
    effects = world.acknowledge(effects, 135, sequence=7)
    assert [u.sequence for _, u in updates(effects)] == [8]
    assert world.acknowledge(effects, 135, sequence=9) == []
    assert world.wait(0.9) == []
    assert [u.sequence for _, u in updates(world.wait(0.1))] == [10]


def test_numbers_out_of_window_for_ever() -> None:
    """R-MN-06: after some answers of this kind only the repetition goes on."""
    world = World()
    effects = world.go1()
    times = [world.now]
    for turn in range(40):
        effects = world.acknowledge(effects, 135, sequence=turn * 1000)
        if not updates(effects):
            world.now = world.node.next_deadline() or 0.0
            effects = world.node.advance(world.now)
        times.append(world.now)
    assert times[9] - times[0] >= 2
    assert times[-1] - times[-2] == 32


def test_a_rejection_that_was_overtaken() -> None:
    """An update that came twice is rejected the second time, when a newer one is on its way already."""
    world = World()
    effects = world.go1()
    [(_, first)] = updates(effects)
    [(_, second)] = updates(world.wait(1.6))
    assert second.sequence == (first.sequence + 1) % 65536
    assert world.node.registrations[0].wait_s == 3
    assert world.acknowledge(effects, 135) == []


def test_answers_that_are_none() -> None:
    """MN-2-2-1-1-017, R-MN-16, R-MN-17: from elsewhere, by another way, of another number or unasked."""
    world = World()
    assert world.receive(Packet(HA, HOA, acknowledgement_of_nothing())) == []
    [(packet, update)] = updates(world.go1())
    good = acknowledgement(packet, update)
    for wrong in (
        structs.replace(good, source=HA2),
        structs.replace(good, destination=COA2),
        structs.replace(good, headers=()),
        acknowledgement(packet, update, sequence=update.sequence + 1),
    ):
        assert world.receive(wrong) == []
    assert world.receive(good, is_tunnelled=True) == []
    assert state(world) is State.REGISTERING
    world.receive(good)
    assert state(world) is State.REGISTERED
    assert world.receive(good) == []


def acknowledgement_of_nothing() -> MobilityHeader:
    """Return a Mobility Header that acknowledges no update."""
    packet, update = updates(World().go1())[0]
    upper = acknowledgement(packet, update).upper
    assert isinstance(upper, MobilityHeader)
    return upper


def test_a_late_answer_to_the_update_before_counts_from_that() -> None:
    """The lifetime begins when the update was sent that the answer names."""
    world = World()
    [(packet, update)] = updates(world.go1())
    world.wait(4.0)
    world.receive(acknowledgement(packet, update, lifetime=10))
    assert until(world) == 1040
    assert updates(world.wait(27.9)) == []
    assert updates(world.wait(0.1))


def test_an_answer_that_comes_too_late() -> None:
    """Its lifetime is over already: a first registration begins anew."""
    world = World()
    [(packet, update)] = updates(world.go1())
    world.wait(4.6)
    effects = world.receive(acknowledgement(packet, update, lifetime=1)) or []
    effects += world.node.advance(world.now)
    assert events(effects) == [REGISTERED, EXPIRED]
    assert state(world) is State.REGISTERING


def test_protection_is_demanded() -> None:
    """MN-1-1-2-1-001: updates go protected, and only protected answers count."""
    protection = Protection(Purpose.REGISTRATION, HOA)
    world = World(with_home(required=frozenset((Purpose.REGISTRATION,))))
    effects = world.go1()
    assert [send.protection for send in of(effects, Send)] == [protection]
    [(packet, update)] = updates(effects)
    answer = acknowledgement(packet, update)
    for wrong in (None, Protection(Purpose.PAYLOAD, HOA), Protection(Purpose.REGISTRATION, COA1)):
        assert world.receive(answer, wrong) == []
    assert world.receive(answer, protection)


def test_a_shorter_lifetime_and_refresh_advice() -> None:
    """MN-2-2-1-1-020, R-MN-25, R-MN-37: 0.8 of what was granted, or earlier where that is advised."""
    for options, expected in (
        ((), 336.0),
        ((BindingRefreshAdvice(50),), 200.0),
        ((BindingRefreshAdvice(0),), 336.0),
        ((BindingRefreshAdvice(105),), 336.0),
    ):
        world = World()
        world.acknowledge(world.go1(), lifetime=105, options=options)
        [(time, _)] = [(time, e) for time, e in world.run(336.5) if updates([e])][:1]
        assert time == expected


def test_no_lifetime_is_a_rejection_and_more_than_asked_is_not_believed() -> None:
    """Section 11.7.3."""
    world = World()
    assert events(world.acknowledge(world.go1(), lifetime=0)) == [REFUSED]
    world = World()
    world.acknowledge(world.go1(), lifetime=65535)
    assert until(world) == 4600


def test_no_longer_than_the_addresses() -> None:
    """Section 11.7.1: the care-of address's prefix bounds the lifetime; one unit is the least."""
    for valid_s, expected in ((100, 25), (3, 1)):
        world = World()
        world.up()
        world.hear(R1, advertisement(R1_PREFIX, valid_s=valid_s))
        [(_, update)] = updates(world.signal(AddressReady(INTERFACE, COA1)))
        assert update.lifetime == expected


def test_a_move_supersedes_what_is_under_way() -> None:
    """MN-2-1-2-1-001, R-MN-38: a new care-of address, a greater number; a late answer to the old one is none."""
    world = World()
    [(packet, update)] = updates(world.go1())
    effects = world.go2()
    [(moved, second)] = updates(effects)
    assert moved.source == COA2
    assert second.sequence == (update.sequence + 1) % 65536
    assert world.receive(acknowledgement(packet, update)) == []
    assert world.receive(structs.replace(acknowledgement(packet, update), destination=COA2)) == []
    world.acknowledge(effects)
    assert world.node.registrations[0].care_of_address == COA2


def test_a_move_of_a_registered_node() -> None:
    """The tunnel is moved once the home agent has acknowledged."""
    world = registered_world()
    effects = world.go2()
    assert of(effects, RemoveRoute) == []
    effects = world.acknowledge(effects)
    assert of(effects, InstallRoute) == [InstallRoute(HOA, COA2, None, HA)]
    assert events(effects) == [MOVED]


def test_back_on_the_same_link_nothing_is_registered_anew() -> None:
    """A link event without a move, though an update may be due by then."""
    world = registered_world()
    world.down()
    assert state(world) is State.NOWHERE
    assert updates(world.go1()) == []
    assert state(world) is State.REGISTERED
    world.down()
    assert world.wait(3000) == []
    effects = world.go1()
    assert (updates(effects), state(world)) == ([], State.REGISTERED)
    assert updates(world.wait(0.2))


def test_expiry_nowhere() -> None:
    """MN-2-1-1-1-008: a new first registration begins where the node is heard of again."""
    world = registered_world()
    world.down()
    effects = world.wait(3600)
    assert events(effects) == [EXPIRED]
    assert of(effects, RemoveRoute) == [RemoveRoute(HOA)]
    assert updates(world.go1())
    assert gaps(world, 2) == [1.5]


def test_expiry_without_an_answer() -> None:
    """The refreshes stayed unanswered: there is no registration, and a first one is tried."""
    world = registered_world()
    world.wait(3599)
    assert state(world) is State.REFRESHING
    assert events(world.wait(1)) == [EXPIRED]
    assert state(world) is State.REGISTERING
    assert gaps(world, 5) == [1.5, 3]


def test_expiry_of_the_old_care_of_address() -> None:
    """The new one stays unanswered, and its repetition is not disturbed."""
    world = registered_world()
    world.wait(100)
    world.go2()
    assert EXPIRED in events(world.wait(3600))
    assert state(world) is State.REGISTERING


def test_a_clock_that_jumps() -> None:
    """All that was due happens at once, and there is something to do again later."""
    world = registered_world()
    world.now += 5_000
    effects = world.node.advance(world.now)
    assert EXPIRED in events(effects)
    assert (world.node.next_deadline() or 0) > world.now


def requests(effects: Iterable[Effect]) -> list[HomeAgentDiscoveryRequest]:
    """Return the questions for home agents."""
    messages = [p.upper.message for p in packets(effects) if isinstance(p.upper, Icmpv6)]
    return [message for message in messages if isinstance(message, HomeAgentDiscoveryRequest)]


def discovered(world: World, effects: Iterable[Effect], *agents: bytes) -> list[Effect]:
    """Answer the last question for home agents."""
    reply = HomeAgentDiscoveryReply(requests(effects)[-1].identifier, agents)
    return world.icmpv6(Packet(HA, COA1, Icmpv6(reply))) or []


def test_discovery_comes_first_where_no_home_agent_is_known() -> None:
    """MN-5-1-1-1-005, MN-5-1-2-1-016: then the best one is registered with."""
    world = World(with_home(Home(HOA)))
    effects = world.go1()
    assert (updates(effects), state(world)) == ([], State.DISCOVERING)
    [(packet, _)] = updates(discovered(world, effects, HA2, HA))
    assert packet.destination == HA2


def test_discovery_that_is_answered_at_home() -> None:
    """There is nobody to register with from there."""
    world = World(with_home(Home(HOA)))
    world.go_home()
    effects = world.signal(AddressReady(INTERFACE, HOA))
    assert discovered(world, effects, HA) == []
    assert world.node.registrations[0].agents.current == HA


def test_the_next_home_agent_behind_two_rejections() -> None:
    """MN-5-1-2-1-029, MN-5-1-2-1-028: and behind the last one of the list, discovery."""
    world = World(with_home(Home(HOA)))
    effects = discovered(world, world.go1(), HA, HA2)
    for agent in (HA, HA2):
        for _ in range(2):
            assert [packet.destination for packet, _ in updates(effects)] == [agent]
            world.acknowledge(effects, 130)
            effects = world.wait(1.4)
            assert effects == []
            world.now = world.node.next_deadline() or 0.0
            effects = world.node.advance(world.now)
    assert state(world) is State.DISCOVERING
    [(packet, _)] = updates(discovered(world, effects, HA2, HA))
    assert packet.destination == HA2


def test_the_next_home_agent_where_none_answers() -> None:
    """R-MN-39: eight updates stay unanswered, then the next one, then discovery."""
    world = World(with_home(Home(HOA)))
    effects = discovered(world, world.go1(), HA, HA2)
    effects += world.wait(142.5 - 0.1)
    assert [packet.destination for packet, _ in updates(effects)] == [HA] * 8
    effects = world.wait(0.1)
    assert [packet.destination for packet, _ in updates(effects)] == [HA2]
    effects = world.wait(142.5)
    assert [packet.destination for packet, _ in updates(effects)] == [HA2] * 7
    assert requests(effects)
    assert state(world) is State.DISCOVERING


def test_a_registration_that_ends_during_discovery() -> None:
    """There is nothing to send before a home agent is known."""
    world = World(with_home(Home(HOA)))
    world.acknowledge(discovered(world, world.go1(), HA), lifetime=50)
    world.wait(10)
    world.go2()
    assert EXPIRED in events(world.wait(200))
    assert state(world) is State.DISCOVERING


def test_errors_of_the_home_agent() -> None:
    """MN-6-2-2-1-001 and section 11.3.6: it knows no Binding Updates, or it has forgotten the binding."""
    world = World()
    world.go1()
    unrecognized = Packet(HA, COA1, MobilityHeader(BindingError(2, HOA)))
    assert events(world.receive(unrecognized)) == [REFUSED]
    assert updates(world.wait(599)) == []
    assert updates(world.wait(1))
    world = registered_world()
    assert world.receive(unrecognized) == []
    unknown = Packet(HA, COA1, MobilityHeader(BindingError(1, HOA)))
    assert updates(world.receive(unknown))
    assert world.receive(unknown) == []
    assert world.receive(Packet(HA, COA1, MobilityHeader(BindingError(9, HOA)))) == []
    assert world.receive(Packet(CN, COA1, MobilityHeader(BindingError(2, HOA)))) == []
    assert world.receive(unrecognized) == [], "it acknowledged, so it knows Binding Updates: this is forged"
    assert state(world) is State.REFRESHING


def test_an_error_while_deregistering_changes_nothing() -> None:
    """The updates go on."""
    world = registered_world()
    world.node.registrations[0].prefix(world.now, world.now)
    assert state(world) is State.WITHDRAWING
    assert world.node.registrations[0].unsupported(None, world.now) == []
    assert world.send(echo(HOA, CN)) == []
    world = World()
    world.go1()
    world.node.stop(world.now)
    assert state(world) is State.WITHDRAWING
    assert world.node.registrations[0].unsupported(None, world.now) == []


def test_the_tunnel_goes_to_whoever_acknowledged_last() -> None:
    """Back at the first care-of address, another home agent took the registration meanwhile."""
    world = World(with_home(Home(HOA)))
    world.acknowledge(discovered(world, world.go1(), HA, HA2))
    world.go2()
    world.wait(160)
    effects = world.go1()
    assert [packet.destination for packet, _ in updates(effects)] == [HA2]
    effects = world.acknowledge(effects)
    assert of(effects, InstallRoute) == [InstallRoute(HOA, COA1, None, HA2)]
