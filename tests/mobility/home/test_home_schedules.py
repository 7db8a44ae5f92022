"""Whatever comes in whatever order, what the home agent told the node fits what it knows."""

from collections import Counter

from home_scene import COA, COA2, HOA, HOA2, INTERFACE, LINK, OTHER_PREFIX, HomeScene, acknowledged, alternate, sends
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from mipsh.mobility import serial
from mipsh.mobility.effects import (
    AddressFailed,
    AddressReady,
    DefendAddress,
    Effect,
    InstallBinding,
    ProbeAddress,
    ReleaseAddress,
    RemoveBinding,
)
from mipsh.mobility.home.cache import State, link_local
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.wire.address import parse
from mipsh.wire.mobility import ACKNOWLEDGE, HOME, LINK_LOCAL, MOBILE_ROUTER, BindingAcknowledgement, MobilityHeader

OTHER = parse("2001:db8:0:a::aa")
NETWORK = parse("2001:db8:f:1::")
INSIDE = NETWORK[:15] + b"\x05"
HOMES = (HOA, HOA2, OTHER, INSIDE)
CARE_OF = (COA, COA2, INSIDE, HOA, HOA2)
LINKS = (LINK, HomeLink(INTERFACE, parse("2001:db8:0:a::1"), OTHER_PREFIX))
PARAMETERS = structs.replace(
    HomeAgentParameters(LINKS, max_bindings=3),
    mobile_networks=((HOA2, ((NETWORK, 64),)), (INSIDE, ((NETWORK, 64),))),
    rejections_per_peer=(1000.0, 1000.0),
)
FLAGS = (ACKNOWLEDGE | HOME, HOME | LINK_LOCAL, HOME | MOBILE_ROUTER, HOME | MOBILE_ROUTER | LINK_LOCAL, ACKNOWLEDGE)
STEPS = st.one_of(
    st.tuples(
        st.sampled_from(("update", "register", "register")),
        st.sampled_from(HOMES),
        st.sampled_from(CARE_OF),
        st.integers(0, 40),
        st.sampled_from(FLAGS),
        st.sampled_from((0, 1, 2, 10, 65535)),
    ),
    st.tuples(st.sampled_from(("ready", "failed")), st.sampled_from((*HOMES, *map(link_local, HOMES)))),
    st.tuples(st.just("wait"), st.sampled_from((0.5, 3.0, 10.0, 40.0, 100_000.0))),
    st.tuples(st.just("links"), st.sampled_from((LINKS, LINKS[:1], (structs.replace(LINK, valid_s=20), LINKS[1]), ()))),
)


class World:
    """What the node would have done of all that it was told."""

    def __init__(self) -> None:
        self.bound: dict[bytes, bytes] = {}
        self.defended: Counter[tuple[str, bytes]] = Counter()

    def take(self, effects: list[Effect]) -> None:
        """Do it."""
        for effect in effects:
            if isinstance(effect, InstallBinding):
                self.bound[effect.home_address] = effect.care_of_address
            elif isinstance(effect, RemoveBinding):
                del self.bound[effect.home_address]
            elif isinstance(effect, DefendAddress):
                self.defended[effect.interface, effect.address] = 1
            elif isinstance(effect, ReleaseAddress):
                assert self.defended.pop((effect.interface, effect.address)) == 1


def fits(at: HomeScene, world: World) -> None:
    """See that what is bound is what is installed, and what is defended belongs to it."""
    bound = [entry for entry in at.agent.bindings if entry.state is State.BOUND]
    assert world.bound == {entry.home_address: entry.care_of_address for entry in bound}
    assert set(world.defended) == {place for entry in bound for place in entry.defended}
    assert all(entry.expires > at.now for entry in bound)
    assert len(at.agent.bindings) <= PARAMETERS.max_bindings
    for home in HOMES:
        is_bound = home in world.bound
        assert at.agent.is_home_binding(home) == is_bound
        in_network = home == INSIDE and any(entry.prefixes for entry in bound)
        assert at.agent.intercepts(home, at.now) == (is_bound or in_network)
    deadline = at.agent.next_deadline()
    assert deadline is None or deadline > at.now


def step(at: HomeScene, what: tuple[object, ...]) -> list[Effect]:
    """Do one thing."""
    match what:
        case ("register", *rest):
            effects = step(at, ("update", *rest))
            for probe in [effect for effect in effects if isinstance(effect, ProbeAddress)]:
                effects += at.ready(probe)
            return effects
        case ("update", bytes(home), bytes(care_of), int(s), int(flags), int(lifetime)):
            before = at.agent.cache.get(home)
            last = None if before is None else before.sequence
            effects = at.effects(s, flags, lifetime, source=COA, hao=home, options=alternate(care_of)) or []
            for send in sends(effects):
                upper = send.packet.upper
                assert isinstance(upper, MobilityHeader)
                assert isinstance(upper.message, BindingAcknowledgement)
                if upper.message.status in (0, 1):
                    assert last is None or serial.newer(s, last)
            return effects
        case ("ready", bytes(address)):
            return at.agent.signal(AddressReady(INTERFACE, address), at.now)
        case ("failed", bytes(address)):
            return at.agent.signal(AddressFailed(INTERFACE, address), at.now)
        case ("wait", float(seconds)):
            return at.advance(seconds)
        case ("links", tuple(links)):
            return at.agent.set_prefixes(links, at.now)
    raise AssertionError(what)


@settings(deadline=None, max_examples=400)
@given(st.lists(STEPS, min_size=10, max_size=60))
def test_any_schedule(steps: list[tuple[object, ...]]) -> None:
    """Updates, answers about addresses, time and links in any order."""
    at, world = HomeScene(PARAMETERS), World()
    for what in steps:
        world.take(step(at, what))
        world.take(at.advance(0))
        fits(at, world)
    world.take(at.advance(400_000))
    assert (world.bound, dict(world.defended), at.agent.bindings) == ({}, {}, ())


def test_a_schedule_that_does_something() -> None:
    """The steps are what they are meant to be."""
    at, world = HomeScene(PARAMETERS), World()
    world.take(step(at, ("update", HOA, COA, 1, HOME | LINK_LOCAL, 10)))
    world.take(step(at, ("ready", HOA)))
    effects = step(at, ("ready", link_local(HOA)))
    assert acknowledged(effects).status == 0
    world.take(effects)
    assert world.bound == {HOA: COA}
    fits(at, world)
