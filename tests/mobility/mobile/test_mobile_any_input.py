"""Whatever links say and whoever sends what: a mobile node never fails, and time always makes progress."""

from collections.abc import Callable

from hypothesis import given, settings
from hypothesis import strategies as st
from mobile_home_world import (
    CN,
    COA1,
    COA2,
    HA,
    HA2,
    HOA,
    HOME_PREFIX,
    INTERFACE,
    LINK_LOCAL,
    MAC,
    OTHER,
    R0,
    R1,
    R1_GLOBAL,
    R1_PREFIX,
    R2,
    R2_PREFIX,
    World,
    acknowledgement,
    advertisement,
    echo,
    packets,
    prefix_option,
    updates,
)

from mipsh.mobility.effects import (
    AddressFailed,
    AddressGone,
    AddressReady,
    AssignAddress,
    ConfirmNeighbour,
    Effect,
    FindDefender,
    LinkChanged,
    NeighbourConfirmed,
    NeighbourFound,
    NeighbourLost,
    Protection,
    Purpose,
    RouterAdvertised,
    RouterExpired,
    Signal,
    Undeliverable,
)
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.paths import in_tunnel
from mipsh.wire.address import parse
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import (
    DestinationUnreachable,
    HomeAgentDiscoveryReply,
    HomeAgentDiscoveryRequest,
    Icmpv6,
    MobilePrefixAdvertisement,
    MobilePrefixSolicitation,
    ParameterProblem,
)
from mipsh.wire.icmpv6 import Message as IcmpMessage
from mipsh.wire.mobility import (
    HOME,
    BindingAcknowledgement,
    BindingError,
    BindingRefreshAdvice,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTest,
    HomeTest,
    Message,
    MobilityHeader,
    padded,
)
from mipsh.wire.ndp import AdvertisementInterval, PrefixInformation
from mipsh.wire.packet import Packet, decode
from mipsh.wire.verify import problems

HOA2 = parse("2001:db8:0:a::aa")
NETWORK = parse("2001:db8:f::")
ADDRESSES = st.sampled_from((HOA, HOA2, HA, COA1, COA2, CN, R0, R1, R2, R1_GLOBAL, LINK_LOCAL, bytes(16), NETWORK))
INTERFACES = st.sampled_from((INTERFACE, OTHER, "eth9"))
PREFIXES = st.sampled_from((HOME_PREFIX, R1_PREFIX, R2_PREFIX, R1_GLOBAL, HA, parse("fe80::")))
LIFETIMES = st.sampled_from((0, 1, 5, 30, 7200, 0xFFFFFFFF))
PROTECTIONS = st.one_of(st.none(), st.builds(Protection, st.sampled_from(Purpose), ADDRESSES))
SMALL = st.integers(0, 0xFFFF)
WORDS = st.binary(min_size=8, max_size=8)

advertisements = st.builds(
    lambda prefixes, lifetime_s, flags, interval, valid_s: advertisement(
        *prefixes, lifetime_s=lifetime_s, flags=flags, options=(AdvertisementInterval(interval),), valid_s=valid_s
    ),
    st.lists(PREFIXES, max_size=3),
    st.sampled_from((0, 1800)),
    st.sampled_from((0, 0x20)),
    st.sampled_from((0, 50, 1000, 600_000)),
    LIFETIMES,
)
signals = st.one_of(
    st.builds(LinkChanged, INTERFACES, st.booleans()),
    st.builds(RouterAdvertised, INTERFACES, st.sampled_from((R0, R1, R2)), advertisements),
    st.builds(RouterExpired, INTERFACES, ADDRESSES),
    st.builds(AddressReady, INTERFACES, ADDRESSES, st.booleans()),
    st.builds(AddressFailed, INTERFACES, ADDRESSES),
    st.builds(AddressGone, INTERFACES, ADDRESSES),
    st.builds(NeighbourFound, INTERFACES, ADDRESSES, st.just(MAC)),
    st.builds(NeighbourConfirmed, INTERFACES, ADDRESSES),
    st.builds(NeighbourLost, INTERFACES, ADDRESSES),
    st.builds(Undeliverable, INTERFACES, st.binary(max_size=60)),
)
mobility: st.SearchStrategy[Message] = st.one_of(
    st.builds(
        lambda *fields: padded(BindingAcknowledgement(*fields)),
        st.sampled_from((0, 1, 127, 128, 133, 135, 136, 255)),
        st.sampled_from((0, 0x40)),
        SMALL,
        SMALL,
        st.lists(st.builds(BindingRefreshAdvice, SMALL), max_size=1).map(tuple),
    ),
    st.builds(BindingError, st.integers(0, 3), ADDRESSES),
    st.builds(HomeTest, SMALL, WORDS, WORDS),
    st.builds(CareOfTest, SMALL, WORDS, WORDS),
    st.builds(BindingRefreshRequest),
    st.builds(BindingUpdate, SMALL, SMALL, SMALL),
)
quoted = st.one_of(
    st.binary(max_size=80),
    st.builds(lambda s, d, m: Packet(s, d, MobilityHeader(m)).encode(), ADDRESSES, ADDRESSES, mobility),
)
options = st.builds(PrefixInformation, st.integers(0, 255), st.just(0xE0), LIFETIMES, LIFETIMES, PREFIXES)
icmpv6: st.SearchStrategy[IcmpMessage] = st.one_of(
    st.builds(HomeAgentDiscoveryReply, SMALL, st.lists(ADDRESSES, max_size=3).map(tuple)),
    st.builds(MobilePrefixAdvertisement, SMALL, SMALL, st.lists(options, max_size=2).map(tuple)),
    st.builds(ParameterProblem, st.integers(0, 2), SMALL, quoted),
    st.builds(DestinationUnreachable, st.integers(0, 4), SMALL, quoted),
)
headers: st.SearchStrategy[tuple[Type2RoutingHeader, ...]] = st.one_of(
    st.just(()), st.tuples(st.builds(Type2RoutingHeader, ADDRESSES, st.integers(0, 2)))
)

Step = Callable[[World, list[Effect]], list[Effect] | None]
"""What happens to a node, given what it did last."""


@st.composite
def mobility_steps(draw: st.DrawFn) -> Step:
    """Draw a packet with a Mobility Header."""
    packet = Packet(draw(ADDRESSES), draw(ADDRESSES), MobilityHeader(draw(mobility)), draw(headers))
    protection, is_tunnelled = draw(PROTECTIONS), draw(st.booleans())
    return lambda world, last: world.receive(packet, protection, is_tunnelled=is_tunnelled)


@st.composite
def icmpv6_steps(draw: st.DrawFn) -> Step:
    """Draw a packet with an ICMPv6 message."""
    packet = Packet(draw(ADDRESSES), draw(ADDRESSES), Icmpv6(draw(icmpv6)), draw(headers))
    protection = draw(PROTECTIONS)
    return lambda world, last: world.icmpv6(packet, protection)


@st.composite
def answer_steps(draw: st.DrawFn) -> Step:
    """Draw an answer to the last Binding Update."""
    status, lifetime = (
        draw(st.sampled_from((0, 0, 0, 0, 1, 128, 133, 135))),
        draw(st.sampled_from((0, 1, 10, 900, 900))),
    )

    def step(world: World, last: list[Effect]) -> list[Effect] | None:
        effects: list[Effect] = []
        for packet, update in updates(last):
            home = packet.home_address_option or packet.source
            answer = acknowledgement(packet, update, status, lifetime=lifetime, flags=0x40)
            effects += world.receive(answer, Protection(Purpose.REGISTRATION, home)) or []
        return effects

    return step


@st.composite
def reaction_steps(draw: st.DrawFn) -> Step:
    """Draw what a link says to what it was asked, and a home agent to what it was asked."""
    is_good, valid_s = draw(st.booleans()), draw(LIFETIMES)

    def step(world: World, last: list[Effect]) -> list[Effect] | None:
        effects: list[Effect] = []
        for effect in last:
            if isinstance(effect, FindDefender):
                found, lost = NeighbourFound(INTERFACE, HOA, MAC), NeighbourLost(INTERFACE, HOA)
                effects += world.signal(found if is_good else lost)
            elif isinstance(effect, AssignAddress):
                where = effect.interface, effect.address
                effects += world.signal(AddressReady(*where) if is_good else AddressFailed(*where))
            elif isinstance(effect, ConfirmNeighbour):
                where = effect.interface, effect.address
                effects += world.signal(NeighbourConfirmed(*where) if is_good else NeighbourLost(*where))
        for packet in packets(last):
            effects += _answer(world, packet, valid_s)
        return effects

    return step


def _answer(world: World, packet: Packet, valid_s: int) -> list[Effect]:
    """Return what a node does with a home agent's answer to its question."""
    message = packet.upper.message if isinstance(packet.upper, Icmpv6) else None
    if isinstance(message, HomeAgentDiscoveryRequest):
        found = HomeAgentDiscoveryReply(message.identifier, (HA, HA2))
        return world.icmpv6(Packet(HA, packet.source, Icmpv6(found))) or []
    if isinstance(message, MobilePrefixSolicitation) and packet.home_address_option:
        home = packet.home_address_option
        told = MobilePrefixAdvertisement(message.identifier, 0, (prefix_option(home, valid_s=valid_s),))
        answer = Packet(packet.destination, packet.source, Icmpv6(told), (Type2RoutingHeader(home),))
        return world.icmpv6(answer, Protection(Purpose.PREFIX_DISCOVERY, home)) or []
    return []


@st.composite
def packet_steps(draw: st.DrawFn) -> Step:
    """Draw a packet of the upper layers, or one that arrives: in the tunnel, or by a routing header."""
    source, destination = draw(ADDRESSES), draw(ADDRESSES)
    inner = echo(source, destination)
    outer = decode(in_tunnel(inner.encode(), draw(ADDRESSES), draw(ADDRESSES)).encode())
    protection = draw(PROTECTIONS)

    def step(world: World, last: list[Effect]) -> list[Effect] | None:
        assert isinstance(outer, Packet)
        world.node.decapsulate(outer, protection, world.now)
        world.node.accepts_routing_header(outer, world.now)
        world.node.source_for(destination, world.now)
        world.node.forward(inner.encode(), world.now)
        arrived = world.node.arrived(inner, True, world.now)
        return [*(world.send(inner) or []), *arrived]

    return step


def time_passes(seconds: float) -> Step:
    """Return a step of time, in which not all deadlines are met exactly."""

    def step(world: World, last: list[Effect]) -> list[Effect] | None:
        world.now += seconds
        effects = world.node.advance(world.now)
        deadline = world.node.next_deadline()
        assert deadline is None or deadline > world.now
        return effects

    return step


def link_says(signal: Signal) -> Step:
    """Return a signal as a step."""
    return lambda world, last: world.signal(signal)


def moves(move: Callable[[World], list[Effect]]) -> Step:
    """Return a move as a step."""
    return lambda world, last: move(world)


NOISE = st.one_of(st.builds(link_says, signals), mobility_steps(), icmpv6_steps(), packet_steps())
MOVES = st.builds(moves, st.sampled_from((World.go1, World.go2, World.go_home, World.down, World.roam)))
TIMES = st.builds(time_passes, st.sampled_from((0.0, 0.1, 1.0, 1.5, 7.0, 33.0, 400.0, 4000.0)))
STEPS = st.one_of(MOVES, answer_steps(), reaction_steps(), answer_steps(), reaction_steps(), TIMES, NOISE)
HOMES = (Home(HOA, 64, None, ((NETWORK, 64),), is_mobile_router=True), Home(HOA2, home_agent=HA))


@settings(max_examples=200, deadline=None)
@given(
    st.lists(STEPS, min_size=20, max_size=60),
    st.sets(st.sampled_from(Purpose)).map(frozenset),
    st.sampled_from((HOMES, (Home(HOA, home_agent=HA),))),
)
def test_any_input(steps: list[Step], required: frozenset[Purpose], homes: tuple[Home, ...]) -> None:
    """Nothing raises; what is sent can be read; sequence numbers grow; updates are no more than three a second."""
    world = World(MobileNodeParameters(homes, required=required), (INTERFACE, OTHER))
    last: list[Effect] = world.node.start(world.now)
    sent: dict[bytes, list[float]] = {}
    for step in steps:
        effects = step(world, last) or []
        last = effects or last
        for packet, update in updates(effects):
            home = packet.home_address_option or packet.source
            assert not problems(packet)
            if update.flags & HOME:
                sent.setdefault(home, []).append(world.now)
    for times in sent.values():
        assert all(later - earlier >= 1 for earlier, later in zip(times, times[3:], strict=False))
    for registration in world.node.registrations:
        assert registration.binding is None or registration.binding.until <= world.now + 3600
