"""The neighbour cache: its states under every input, resolution, unreachability, its bounds (RFC 4861 section 7)."""

from itertools import product

import pytest
from host_bench import (
    LINK_LOCAL,
    MAC,
    OWN,
    PEER,
    PEER2_MAC,
    PEER_MAC,
    ROUTER,
    ROUTER_MAC,
    SURE,
    data,
    interface,
    na,
    ns,
    of,
    only,
    ra,
    sends,
    up,
)
from msgspec import structs

from mipsh.mobility.effects import (
    ConfirmNeighbour,
    Effect,
    NeighbourConfirmed,
    NeighbourLost,
    Protection,
    Purpose,
    RouterExpired,
    Transmit,
    Undeliverable,
)
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.neighbours import NEIGHBOUR, Input, Neighbour, State
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.wire.address import parse, solicited_node
from mipsh.wire.ndp import OVERRIDE, SOLICITED, LinkLayer, NeighborSolicitation

S = State
EXPECTED = {
    S.ABSENT: {Input.SEND: S.INCOMPLETE, Input.HEARD: S.STALE},
    S.INCOMPLETE: {
        Input.TIME: S.INCOMPLETE,
        Input.HEARD: S.STALE,
        Input.CONFIRMED: S.REACHABLE,
        Input.GIVE_UP: S.ABSENT,
        Input.DROP: S.ABSENT,
    },
    S.REACHABLE: {
        Input.TIME: S.STALE,
        Input.HEARD: S.STALE,
        Input.DOUBT: S.STALE,
        Input.CONFIRMED: S.REACHABLE,
        Input.ASK: S.PROBE,
        Input.DROP: S.ABSENT,
    },
    S.STALE: {
        Input.SEND: S.DELAY,
        Input.HEARD: S.STALE,
        Input.CONFIRMED: S.REACHABLE,
        Input.ASK: S.PROBE,
        Input.DROP: S.ABSENT,
    },
    S.DELAY: {
        Input.TIME: S.PROBE,
        Input.HEARD: S.STALE,
        Input.CONFIRMED: S.REACHABLE,
        Input.ASK: S.PROBE,
        Input.DROP: S.ABSENT,
    },
    S.PROBE: {
        Input.TIME: S.PROBE,
        Input.HEARD: S.STALE,
        Input.CONFIRMED: S.REACHABLE,
        Input.GIVE_UP: S.ABSENT,
        Input.DROP: S.ABSENT,
    },
}
"""What RFC 4861 section 7.3.2 and appendix C let happen."""


@pytest.mark.parametrize(("state", "event"), list(product(State, Input)))
def test_each_state_of_a_neighbour_under_each_input(state: State, event: Input) -> None:
    """A transition that is listed happens; all others are bugs, and raise."""
    after = EXPECTED[state].get(event)
    if after is None:
        with pytest.raises(KeyError):
            NEIGHBOUR.step(state, event)
    else:
        assert NEIGHBOUR.step(state, event) is after


def node(parameters: InterfaceParameters = SURE) -> Interface:
    """Return an interface with a link and an address."""
    made = up(parameters)
    made.add_address(OWN, 64, 1.0)
    return made


def entry(made: Interface, address: bytes = PEER) -> Neighbour:
    """Return a neighbour's entry."""
    return next(neighbour for neighbour in made.neighbours if neighbour.address == address)


def state(made: Interface, address: bytes = PEER) -> State:
    """Return what is known of a neighbour."""
    return next((n.state for n in made.neighbours if n.address == address), State.ABSENT)


def in_state(wanted: State, parameters: InterfaceParameters = SURE) -> Interface:
    """Return an interface at 2.0 that has the peer in a state."""
    made = node(parameters)
    if wanted is State.INCOMPLETE:
        made.transmit(data(), PEER, 2.0)
    elif wanted is not State.ABSENT:
        made.receive(ns(OWN), 1.5)  # the answer makes it DELAY
        if wanted is State.REACHABLE:
            made.receive(na(), 2.0)
        elif wanted is State.STALE:
            made.receive(na(flags=OVERRIDE, mac=PEER2_MAC), 1.6)
            made.receive(na(flags=OVERRIDE), 1.6)
        elif wanted is State.PROBE:
            made.advance(6.5)
    assert state(made) is wanted
    return made


def test_resolution_asks_the_group_and_sends_what_waited() -> None:
    """A packet waits for the answer to a multicast solicitation (section 7.2.2)."""
    made = node()
    protection = Protection(Purpose.PAYLOAD, OWN)
    sent, message = only(made.transmit(data(), PEER, 2.0, protection=protection), NeighborSolicitation)
    assert (sent.source, sent.destination) == (OWN, solicited_node(PEER))
    assert message == NeighborSolicitation(PEER, (LinkLayer(1, MAC),))
    assert made.transmit(data(content=b"y"), PEER, 2.1) == []
    assert made.receive(na(), 2.2) == [
        Transmit("eth0", PEER_MAC, data(), protection),
        Transmit("eth0", PEER_MAC, data(content=b"y")),
    ]
    assert state(made) is State.REACHABLE
    assert made.transmit(data(), PEER, 2.3) == [Transmit("eth0", PEER_MAC, data())]


def test_resolution_gives_up_after_three_solicitations() -> None:
    """Packets that waited are undeliverable (section 7.2.2)."""
    made = node()
    effects = made.transmit(data(), PEER, 2.0)
    for time in (3.0, 4.0):
        assert made.next_deadline() == time
        effects += made.advance(time)
    assert len(sends(effects)) == 3
    assert made.advance(5.0) == [Undeliverable("eth0", data())]
    assert made.neighbours == ()
    assert made.next_deadline() is None


def test_the_oldest_waiting_packet_gives_way() -> None:
    """The queue of a neighbour is bounded."""
    made = node(structs.replace(SURE, queue=2))
    for number in range(4):
        made.transmit(data(content=bytes((number,))), PEER, 2.0)
    sent = made.receive(na(), 2.1)
    assert sent == [Transmit("eth0", PEER_MAC, data(content=bytes((number,)))) for number in (2, 3)]


def test_what_is_not_sent_from_its_own_address_is_solicited_from_the_link_local_one() -> None:
    """A router solicits for packets of others."""
    sent, _ = only(node().transmit(data(source=PEER), PEER, 2.0), NeighborSolicitation)
    assert sent.source == LINK_LOCAL


def test_nothing_is_solicited_while_no_address_was_tested() -> None:
    """Neither a tentative nor an optimistic address may solicit (RFC 4429 section 3.2); the packet waits."""
    made = interface(InterfaceParameters(is_optimistic=True))
    made.set_link(True, 0.0)
    assert made.transmit(data(source=LINK_LOCAL), PEER, 0.5) == []
    sent, _ = only(made.advance(1.5), NeighborSolicitation)
    assert sent.source == LINK_LOCAL


def test_a_neighbour_in_use_is_probed_when_it_was_silent() -> None:
    """REACHABLE, STALE, DELAY, PROBE, and gone without a word where it is no router (section 7.3.3)."""
    made = in_state(State.REACHABLE)
    until = entry(made).reachable_until
    assert 2.0 + 15.0 <= until <= 2.0 + 45.0
    made.transmit(data(), PEER, until - 0.1)
    assert state(made) is State.REACHABLE
    assert made.transmit(data(), PEER, until) == [Transmit("eth0", PEER_MAC, data())]
    assert state(made) is State.DELAY
    assert made.transmit(data(), PEER, until + 1) == [Transmit("eth0", PEER_MAC, data())]
    effects = made.advance(until + 5)
    sent, _ = only(effects, NeighborSolicitation)
    assert (sent.destination, of(effects, Transmit)[0].link_layer) == (PEER, PEER_MAC)
    assert made.transmit(data(), PEER, until + 5.5) == [Transmit("eth0", PEER_MAC, data())]
    assert len(sends(made.advance(until + 6))) == 1
    assert len(sends(made.advance(until + 7))) == 1
    assert made.advance(until + 8) == []
    assert state(made) is State.ABSENT


@pytest.mark.parametrize("before", [State.STALE, State.DELAY, State.PROBE, State.REACHABLE])
def test_a_solicited_answer_confirms(before: State) -> None:
    """Reachability begins anew, and probing ends."""
    made = in_state(before)
    made.receive(na(flags=SOLICITED, mac=None), 7.0)
    assert state(made) is State.REACHABLE
    assert made.advance(20.0) == []


@pytest.mark.parametrize("before", list(State))
def test_the_upper_layers_confirm(before: State) -> None:
    """Their word counts, except about who is not known yet (section 7.3.1)."""
    made = in_state(before)
    made.confirm(PEER, 7.0)
    is_resolved = before not in (State.ABSENT, State.INCOMPLETE)
    assert state(made) is (State.REACHABLE if is_resolved else before)


CASES = [
    # before, flags, link-layer address, after, whether the new one was taken
    (State.ABSENT, SOLICITED | OVERRIDE, PEER2_MAC, State.ABSENT, False),
    (State.INCOMPLETE, SOLICITED, None, State.INCOMPLETE, False),
    (State.INCOMPLETE, SOLICITED, PEER2_MAC, State.REACHABLE, True),
    (State.INCOMPLETE, 0, PEER2_MAC, State.DELAY, True),  # STALE, and what waited was sent
    (State.REACHABLE, SOLICITED, PEER2_MAC, State.STALE, False),
    (State.STALE, SOLICITED, PEER2_MAC, State.STALE, False),
    (State.DELAY, SOLICITED, PEER2_MAC, State.DELAY, False),
    (State.PROBE, SOLICITED, PEER2_MAC, State.PROBE, False),
    (State.REACHABLE, SOLICITED | OVERRIDE, PEER2_MAC, State.REACHABLE, True),
    (State.STALE, SOLICITED | OVERRIDE, PEER2_MAC, State.REACHABLE, True),
    (State.PROBE, OVERRIDE, PEER2_MAC, State.STALE, True),
    (State.REACHABLE, OVERRIDE, PEER2_MAC, State.STALE, True),
    (State.REACHABLE, OVERRIDE, PEER_MAC, State.REACHABLE, False),
    (State.PROBE, OVERRIDE, PEER_MAC, State.PROBE, False),
    (State.DELAY, 0, None, State.DELAY, False),
]


@pytest.mark.parametrize(("before", "flags", "mac", "after", "is_taken"), CASES)
def test_advertisements(before: State, flags: int, mac: bytes | None, after: State, is_taken: bool) -> None:
    """What flags and link-layer address do to an entry (section 7.2.5)."""
    made = in_state(before)
    destination = OWN if flags & SOLICITED else parse("ff02::1")
    made.receive(na(flags=flags, mac=mac, destination=destination), 7.0)
    assert state(made) is after
    if after is not State.ABSENT:
        assert (entry(made).link_layer == PEER2_MAC) is is_taken


def test_what_others_say_of_themselves_is_not_confirmed() -> None:
    """A solicitation gives a link-layer address, and no more; another one begins anew."""
    made = node()
    made.receive(ra(), 2.0)
    assert state(made, ROUTER) is State.STALE
    made.receive(ra(), 3.0)
    made.receive(ra(mac=PEER_MAC), 4.0)
    assert (state(made, ROUTER), entry(made, ROUTER).link_layer) == (State.STALE, PEER_MAC)


def test_a_silent_default_router_is_reported() -> None:
    """It stays a default router, and is used where there is no better one."""
    made = node()
    made.receive(ra(), 2.0)
    made.transmit(data(), ROUTER, 3.0)
    effects: list[Effect] = []
    for time in (8.0, 9.0, 10.0, 11.0):
        effects += made.advance(time)
    assert of(effects, NeighbourLost) == [NeighbourLost("eth0", ROUTER)]
    assert made.next_hop(parse("2001:db8:9::1"), 12.0) == ROUTER


def test_a_router_that_is_none_any_more_is_no_default_router() -> None:
    """It says so in an advertisement without the R flag (section 7.2.5)."""
    made = node()
    made.receive(ra(), 2.0)
    assert RouterExpired("eth0", ROUTER) in made.receive(na(ROUTER, ROUTER_MAC), 3.0)
    assert made.routers == ()


# Asking on behalf of a role.


def ask(made: Interface, address: bytes, now: float) -> list[Effect]:
    """Have a neighbour confirmed."""
    return made.carry_out(ConfirmNeighbour("eth0", address), now)


@pytest.mark.parametrize("before", list(State))
def test_asking_tells_whether_a_neighbour_answers(before: State) -> None:
    """Whatever was known of it."""
    made = in_state(before)
    ask(made, PEER, 7.0)
    ask(made, PEER, 7.0)
    made.confirm(PEER, 7.1)
    confirmed = made.receive(na(), 7.2)
    assert of(confirmed, NeighbourConfirmed) == [NeighbourConfirmed("eth0", PEER)]
    assert of(made.receive(na(), 7.3), NeighbourConfirmed) == []


@pytest.mark.parametrize("before", list(State))
def test_asking_tells_whether_a_neighbour_is_silent(before: State) -> None:
    """After three solicitations at the most."""
    made = in_state(before)
    effects = ask(made, PEER, 7.0)
    for time in (8.0, 9.0, 10.0):
        effects += made.advance(time)
    assert of(effects, NeighbourLost) == [NeighbourLost("eth0", PEER)]
    assert 0 < len([sent for sent in sends(effects) if isinstance(sent[1], NeighborSolicitation)]) <= 3


def test_another_link_layer_address_does_not_end_the_asking() -> None:
    """Nor does it make it last longer."""
    made = in_state(State.REACHABLE)
    ask(made, PEER, 7.0)
    made.receive(na(mac=PEER2_MAC, flags=OVERRIDE), 7.5)
    effects = made.advance(8.0) + made.advance(9.0) + made.advance(10.0)
    assert {frame.link_layer for frame in of(effects, Transmit)} == {PEER2_MAC}
    assert of(effects, NeighbourLost) == [NeighbourLost("eth0", PEER)]


def test_one_that_is_resolved_while_asked_about_is_probed() -> None:
    """Its link-layer address alone is no answer."""
    made = node()
    ask(made, PEER, 2.0)
    effects = made.receive(na(flags=OVERRIDE), 2.5)
    assert [frame.link_layer for frame in of(effects, Transmit)] == [PEER_MAC]
    assert state(made) is State.PROBE


def test_without_a_link_nobody_answers() -> None:
    """That can be told at once."""
    made = interface(SURE)
    assert ask(made, PEER, 0.0) == [NeighbourLost("eth0", PEER)]


# Static entries and bounds.


def test_a_static_neighbour_is_reachable_for_ever() -> None:
    """No message changes it, and no loss of the link."""
    made = node()
    made.add_neighbour(PEER, PEER_MAC)
    made.receive(na(mac=PEER2_MAC), 2.0)
    made.receive(ns(OWN, mac=PEER2_MAC), 2.0)
    made.confirm(PEER, 2.0)
    made.set_link(False, 3.0)
    made.set_link(True, 4.0)
    assert made.transmit(data(), PEER, 1e9) == [Transmit("eth0", PEER_MAC, data())]
    assert ask(made, PEER, 5.0) == [NeighbourConfirmed("eth0", PEER)]
    made.add_neighbour(PEER, PEER2_MAC)
    assert made.transmit(data(), PEER, 1e9) == [Transmit("eth0", PEER2_MAC, data())]


def many(number: int) -> bytes:
    """Return an address of many."""
    return parse("2001:db8:0:1::")[:14] + (0x1000 + number).to_bytes(2)


def test_what_is_not_in_use_gives_way_oldest_first() -> None:
    """Routers, static entries and those that are asked about stay."""
    made = node(structs.replace(SURE, max_neighbours=5))
    made.receive(ra(), 2.0)
    made.add_neighbour(PEER, PEER_MAC)
    ask(made, many(0), 2.0)
    for number in range(1, 9):
        made.transmit(data(), many(number), 2.0)
    assert {n.address for n in made.neighbours} == {ROUTER, PEER, many(0), many(7), many(8)}
    made.receive(na(many(8)), 2.1)
    made.transmit(data(), many(9), 1000.0)
    assert {n.address for n in made.neighbours} == {ROUTER, PEER, many(0), many(7), many(9)}


def test_without_room_nothing_is_learnt_or_sent() -> None:
    """Where all entries are needed."""
    made = node(structs.replace(SURE, max_neighbours=2))
    for number in range(2):
        made.transmit(data(), many(number), 2.0)
        made.receive(na(many(number)), 2.0)
    assert made.transmit(data(), PEER, 2.5) == []
    assert ask(made, PEER, 2.5) == [NeighbourLost("eth0", PEER)]
    made.receive(ra(), 2.5)
    assert {n.address for n in made.neighbours} == {many(0), many(1)}
