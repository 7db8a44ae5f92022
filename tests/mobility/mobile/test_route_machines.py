"""The state machines of route optimisation under every input, and what else needs no peer."""

from itertools import product

import pytest
from route_bench import Entropy

from mipsh.mobility.mobile import return_routability as rr
from mipsh.mobility.mobile.retransmission import Retransmission
from mipsh.mobility.mobile.return_routability import ADDRESS_TEST, AddressTest
from mipsh.mobility.mobile.update_list import (
    CORRESPONDENT_REGISTRATION,
    Input,
    Registration,
    State,
    UpdateList,
)
from mipsh.mobility.trace import Trace
from mipsh.wire.mobility import BindingRefreshRequest, CareOfTest, CareOfTestInit, HomeTest, HomeTestInit

S, On = State, Input
REGISTRATION: dict[State, dict[Input, State]] = {
    S.ABSENT: {On.TRIGGER: S.TESTING},
    S.WAITING: {On.RESUME: S.TESTING, On.RELEASE: S.RELEASING, On.DISCARD: S.ABSENT},
    S.TESTING: {
        On.ASK: S.BINDING,
        On.TELL: S.BOUND,
        On.SUSPEND: S.WAITING,
        On.RELEASE: S.RELEASING,
        On.DISCARD: S.ABSENT,
        On.REFUSE: S.REFUSED,
    },
    S.BINDING: {
        On.ASK: S.BINDING,
        On.ACCEPT: S.BOUND,
        On.RETEST: S.TESTING,
        On.SUSPEND: S.WAITING,
        On.RELEASE: S.RELEASING,
        On.DISCARD: S.ABSENT,
        On.REFUSE: S.REFUSED,
    },
    S.BOUND: {
        On.RETEST: S.TESTING,
        On.RENEW: S.RETESTING,
        On.EXPIRE: S.ABSENT,
        On.SUSPEND: S.WAITING,
        On.RELEASE: S.RELEASING,
        On.DISCARD: S.ABSENT,
        On.REFUSE: S.REFUSED,
    },
    S.RETESTING: {
        On.ASK: S.REBINDING,
        On.TELL: S.BOUND,
        On.EXPIRE: S.TESTING,
        On.SUSPEND: S.WAITING,
        On.RELEASE: S.RELEASING,
        On.DISCARD: S.ABSENT,
        On.REFUSE: S.REFUSED,
    },
    S.REBINDING: {
        On.ASK: S.REBINDING,
        On.ACCEPT: S.BOUND,
        On.RETEST: S.RETESTING,
        On.EXPIRE: S.BINDING,
        On.SUSPEND: S.WAITING,
        On.RELEASE: S.RELEASING,
        On.DISCARD: S.ABSENT,
        On.REFUSE: S.REFUSED,
    },
    S.RELEASING: {On.ASK: S.DELETING, On.TELL: S.ABSENT, On.SUSPEND: S.WAITING, On.DISCARD: S.ABSENT},
    S.DELETING: {
        On.ASK: S.DELETING,
        On.ACCEPT: S.ABSENT,
        On.RETEST: S.RELEASING,
        On.SUSPEND: S.WAITING,
        On.DISCARD: S.ABSENT,
    },
    S.REFUSED: {On.FORGIVE: S.ABSENT, On.SUSPEND: S.WAITING, On.RELEASE: S.RELEASING},
}
"""What RFC 6275 sections 11.3.5, 11.3.6, 11.5.5, 11.6 and 11.7 let happen."""
TEST: dict[rr.State, dict[rr.Input, rr.State]] = {
    rr.State.IDLE: {rr.Input.START: rr.State.WAITING, rr.Input.STOP: rr.State.IDLE},
    rr.State.WAITING: {
        rr.Input.START: rr.State.WAITING,
        rr.Input.SEND: rr.State.WAITING,
        rr.Input.ANSWER: rr.State.DONE,
        rr.Input.STOP: rr.State.IDLE,
    },
    rr.State.DONE: {rr.Input.START: rr.State.WAITING, rr.Input.STOP: rr.State.IDLE},
}
"""What section 11.6 lets happen."""


@pytest.mark.parametrize(("state", "event"), list(product(State, Input)))
def test_registration_in_each_state_under_each_input(state: State, event: Input) -> None:
    """A transition that is listed happens; all others are bugs, and raise."""
    after = REGISTRATION[state].get(event)
    assert CORRESPONDENT_REGISTRATION.allows(state, event) is (after is not None)
    if after is None:
        with pytest.raises(KeyError):
            CORRESPONDENT_REGISTRATION.step(state, event)
    else:
        assert CORRESPONDENT_REGISTRATION.step(state, event) is after


@pytest.mark.parametrize(("state", "event"), list(product(rr.State, rr.Input)))
def test_address_test_in_each_state_under_each_input(state: rr.State, event: rr.Input) -> None:
    """A transition that is listed happens; all others are bugs, and raise."""
    after = TEST[state].get(event)
    if after is None:
        with pytest.raises(KeyError):
            ADDRESS_TEST.step(state, event)
    else:
        assert ADDRESS_TEST.step(state, event) is after


def test_every_state_but_the_first_can_be_reached_and_left() -> None:
    """No state is a dead end or out of reach."""
    assert {state for state, _ in CORRESPONDENT_REGISTRATION.table} == set(CORRESPONDENT_REGISTRATION.table.values())
    assert {state for state, _ in ADDRESS_TEST.table} == set(ADDRESS_TEST.table.values())


def test_waits_double_up_to_the_longest() -> None:
    """1, 2, 4, 8, 16, 32 seconds; then it has ended."""
    sending, now = Retransmission(), 0.0
    assert not sending.is_waiting
    for wait in (1, 2, 4, 8, 16, 32):
        assert not has_ended(sending)
        assert sending.sent(now) == now + wait
        now += wait
    assert has_ended(sending)
    sending.restart()
    assert not has_ended(sending)
    assert sending.sent(now) == now + 1


def has_ended(sending: Retransmission) -> bool:
    """Tell whether the longest wait has begun."""
    return sending.has_ended


def test_three_go_in_a_second() -> None:
    """The fourth waits until a second after the first."""
    sending = Retransmission()
    for now in (10.0, 10.2, 10.4):
        assert sending.opens(now) == now
        sending.sent(now)
    assert sending.opens(10.5) == 11
    assert sending.opens(12.0) == 12
    sending.sent(11.0)
    assert sending.opens(11.0) == pytest.approx(11.2)


def home_test() -> AddressTest:
    """Return a home test that nothing happened to."""
    return AddressTest(HomeTestInit, "test", Trace())


def test_only_the_latest_cookie_counts_and_only_once() -> None:
    """An answer to an earlier message, or another one, changes nothing."""
    test, entropy = home_test(), Entropy()
    test.start()
    assert not test.answer(HomeTest(1, bytes(8), b"token--0"), 5.0)
    first = test.init(entropy)
    second = test.init(entropy)
    assert first.cookie != second.cookie
    assert not test.answer(HomeTest(1, first.cookie, b"token--1"), 5.0)
    assert test.token(5.0) is None
    assert test.answer(HomeTest(2, second.cookie, b"token--2"), 5.0)
    assert not test.answer(HomeTest(3, second.cookie, b"token--3"), 6.0)
    assert (test.token(6.0), test.index, test.answered) == (b"token--2", 2, 5.0)


def test_a_token_holds_for_210_seconds() -> None:
    """Up to and including the 210th (section 5.2.7)."""
    test = home_test()
    test.start()
    test.answer(HomeTest(2, test.init(Entropy()).cookie, b"token--2"), 5.0)
    assert test.token(215.0) == b"token--2"
    assert test.token(215.1) is None


def test_what_is_stopped_or_started_forgets() -> None:
    """No token and no cookie outlives the run it was for."""
    test = home_test()
    test.start()
    cookie = test.init(Entropy()).cookie
    assert test.is_from_here(HomeTestInit(cookie))
    assert not test.is_from_here(CareOfTestInit(cookie))
    test.stop()
    assert not test.is_from_here(HomeTestInit(cookie))
    assert not test.answer(HomeTest(2, cookie, b"token--2"), 5.0)
    test.start()
    assert not test.is_out
    assert not test.is_from_here(BindingRefreshRequest())
    assert not test.answer(CareOfTest(2, cookie, b"token--2"), 5.0)


def registration(number: int, state: State = State.ABSENT) -> Registration:
    """Return a registration with a peer that is a number, in a state."""
    made = Registration(number.to_bytes(16), 7, 0.0, Trace())
    made.state = state
    return made


def filled(*states: State) -> UpdateList:
    """Return a full list with registrations in these states, the least recently used first."""
    table = UpdateList(len(states))
    for number, state in enumerate(states):
        table.add(registration(number, state))
    return table


@pytest.mark.parametrize(
    ("states", "removed"),
    [
        ((S.BOUND, S.TESTING, S.ABSENT), 2),
        ((S.BOUND, S.TESTING, S.REFUSED), 1),
        ((S.REFUSED, S.TESTING, S.ABSENT), 2),
        ((S.BINDING,), 0),
        ((S.BOUND, S.RETESTING, S.REBINDING), None),
        ((), None),
    ],
)
def test_who_makes_room(states: tuple[State, ...], removed: int | None) -> None:
    """One that is over, else the least recently used without a binding, else none."""
    table = filled(*states)
    has_room, victim = table.make_room()
    assert has_room is (removed is not None)
    assert (None if victim is None else int.from_bytes(victim.peer)) == removed
    assert len(table) == len(states) - has_room


def test_there_is_room_while_there_is() -> None:
    """Nothing is removed for nothing."""
    table = UpdateList(1)
    assert table.make_room() == (True, None)
    table.add(registration(1, S.TESTING))
    assert [found.peer for found in table] == [(1).to_bytes(16)]
    assert table[(1).to_bytes(16)] is table.get((1).to_bytes(16))
    assert table.get(bytes(16)) is None


def test_use_keeps_a_registration_longer() -> None:
    """The least recently used one goes first."""
    table = filled(S.TESTING, S.TESTING)
    table.use(table[bytes(16)], 5.0)
    assert table[bytes(16)].used == 5
    _, victim = table.make_room()
    assert victim is not None
    assert victim.peer == (1).to_bytes(16)
