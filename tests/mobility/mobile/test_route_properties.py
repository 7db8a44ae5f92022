"""Route optimisation under random schedules and random messages: what always holds."""

from collections.abc import Callable
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs
from route_bench import CN, CN2, COA, COA2, HOA, Bench, echo, parameters, reply

from mipsh.mobility.effects import InstallRoute, RemoveRoute
from mipsh.mobility.mobile.update_list import HOLDING, State
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import DestinationUnreachable, ParameterProblem
from mipsh.wire.mobility import (
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    Message,
    MobilityHeader,
    padded,
)
from mipsh.wire.packet import Packet, decode

PEERS = (CN, CN2)
Step = Callable[[Bench], None]

peers = st.sampled_from(PEERS)
numbers = st.integers(0, 65535)
eight = st.binary(min_size=8, max_size=8)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(HomeTest, numbers, eight, eight),
    st.builds(CareOfTest, numbers, eight, eight),
    st.builds(BindingAcknowledgement, st.integers(0, 255), st.just(0), numbers, numbers).map(padded),
    st.builds(BindingError, st.integers(0, 3), st.sampled_from((HOA, CN))),
    st.just(BindingRefreshRequest()),
    st.builds(HomeTestInit, eight),
)


def losing(bench: Bench, pattern: list[bool]) -> None:
    """Lose packets as a pattern says, over and over."""
    turns = iter(range(1 << 30))
    bench.lose = lambda packet: bool(pattern) and pattern[next(turns) % len(pattern)]


def use(bench: Bench, peer: bytes) -> None:
    """Let a packet go to a peer."""
    bench.send(reply(destination=peer))


def replay(bench: Bench, number: int) -> None:
    """Let an error come that quotes something that was sent."""
    if bench.sent:
        packet = bench.sent[number % len(bench.sent)].packet
        bench.error(packet, ParameterProblem(number % 3, 40, b""))
        bench.error(packet, DestinationUnreachable(0, 0, b""))


def reject(bench: Bench, number: int) -> None:
    """Let a correspondent say that nonces are gone, for the last update."""
    updates = bench.of(BindingUpdate)
    if updates:
        bench.hear_message(padded(BindingAcknowledgement(136 + number % 3, 0, updates[-1].sequence, 0)))


steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.sampled_from((COA, COA2)), st.integers(0, 600)).map(lambda way: lambda bench: bench.away(*way)),
    st.just(Bench.moving),
    st.just(Bench.at_home),
    st.just(Bench.lost),
    peers.map(lambda peer: lambda bench: bench.trigger(peer)),
    peers.map(lambda peer: lambda bench: bench.hear(Packet(peer, HOA, echo().upper), False)),
    peers.map(lambda peer: lambda bench: use(bench, peer)),
    st.floats(0, 500).map(lambda seconds: lambda bench: bench.wait(seconds)),
    st.lists(st.booleans(), max_size=4).map(lambda pattern: lambda bench: losing(bench, pattern)),
    st.tuples(messages, peers, st.sampled_from((HOA, COA))).map(lambda m: lambda bench: bench.hear_message(*m)),
    numbers.map(lambda number: lambda bench: replay(bench, number)),
    numbers.map(lambda number: lambda bench: reject(bench, number)),
)


def updates_to(bench: Bench, peer: bytes) -> list[tuple[float, BindingUpdate]]:
    """Return the updates that went to a peer, with their times."""
    sent = [(sent.time, sent.message) for sent in bench.sent if sent.packet.destination == peer]
    return [(time, message) for time, message in sent if isinstance(message, BindingUpdate)]


@settings(max_examples=150, deadline=None)
@given(st.booleans(), st.lists(steps, max_size=25))
def test_random_schedules(acknowledge: bool, schedule: list[Step]) -> None:
    """Losses, moves, errors, forgeries: sequence numbers go up by one, three messages a second, routes in step."""
    bench = Bench(parameters(acknowledge_correspondents=acknowledge), PEERS)
    for step in schedule:
        step(bench)
        for entry in bench.optimisation.entries:
            is_used = bench.uses_care_of_address(entry.peer)
            assert not is_used or entry.state in HOLDING
        assert routes(bench) == {e.peer for e in bench.optimisation.entries if e.state in HOLDING}
    for peer in PEERS:
        updates = updates_to(bench, peer)
        numbers_sent = [update.sequence for _, update in updates]
        assert all((after - before) % 65536 == 1 for before, after in pairwise(numbers_sent))
        assert all(update.lifetime * 4 <= 420 for _, update in updates)
        for kind in (HomeTestInit, CareOfTestInit, BindingUpdate):
            times = [s.time for s in bench.sent if s.packet.destination == peer and isinstance(s.message, kind)]
            assert all(times[i + 3] - times[i] >= 1 for i in range(len(times) - 3))
    assert len(set(bench.cookies)) == len(bench.cookies)


def routes(bench: Bench) -> set[bytes]:
    """Return the peers that have a route by the care-of address, from the effects; each comes and goes in turn."""
    there: set[bytes] = set()
    for effect in bench.effects:
        if isinstance(effect, InstallRoute) and effect.peer is not None:
            assert effect.peer not in there
            there.add(effect.peer)
        elif isinstance(effect, RemoveRoute) and effect.peer is not None:
            there.remove(effect.peer)
    return there


@settings(max_examples=100, deadline=None)
@given(st.lists(steps, max_size=15))
def test_all_ends_well(schedule: list[Step]) -> None:
    """Whatever happened: once nothing gets lost any more, and refusals are over, the next packet leads to a binding."""
    bench = Bench(peers=PEERS)
    for step in schedule:
        step(bench)
    bench.lose = lambda packet: False
    bench.wait(1300)
    bench.moving()
    bench.away(COA)
    for peer in PEERS:
        bench.trigger(peer)
        bench.wait(4)
        assert bench.state(peer) is State.BOUND
        assert bench.uses_care_of_address(peer)


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=120), st.sampled_from((HOA, COA)), peers, st.booleans(), st.booleans())
def test_random_bytes(body: bytes, destination: bytes, peer: bytes, is_tunnelled: bool, routed: bool) -> None:
    """Whatever comes behind the header of a peer, nothing is raised."""
    bench = Bench(peers=())
    bench.away()
    bench.trigger()
    headers = (Type2RoutingHeader(HOA, 0), carrying(HomeAddress(CN2))) if routed else ()
    bare = Packet(peer, destination, MobilityHeader(BindingRefreshRequest()), headers)
    packet = decode(bare.encode()[:-8] + bytes((59, len(body) // 8, body[0] % 8 if body else 0, 0, 0, 0)) + body)
    assert isinstance(packet, Packet)
    bench.do(bench.optimisation.arrived(packet, is_tunnelled, bench.now))
    if isinstance(packet.upper, MobilityHeader):
        bench.do(bench.optimisation.receive(packet, packet.upper, is_tunnelled, bench.now))
    for error in (ParameterProblem(1, 40, b""), ParameterProblem(2, 40, b""), DestinationUnreachable(0, 0, b"")):
        bench.do(bench.optimisation.receive_error(packet, error, peer, bench.now))
        bench.do(bench.optimisation.receive_error(structs.replace(packet, destination=peer), error, peer, bench.now))
    bench.wait(100)
    assert not bench.uses_care_of_address()
