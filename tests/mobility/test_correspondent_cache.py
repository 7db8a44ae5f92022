"""The binding cache: its states under every input, its room, and circles in it."""

from itertools import product

import pytest

from mipsh.mobility.correspondent_cache import BINDING, Binding, CorrespondentCache, Input, State

LOCAL = bytes(15) + b"\xff"
EXPECTED = {
    State.ABSENT: {Input.UPDATE: State.BOUND, Input.DELETE: State.BLOCKED},
    State.BOUND: {
        Input.UPDATE: State.BOUND,
        Input.DELETE: State.BLOCKED,
        Input.LIFETIME_ENDS: State.BLOCKED,
        Input.UNREACHABLE: State.BLOCKED,
        Input.FLUSH: State.BLOCKED,
    },
    State.BLOCKED: {Input.UPDATE: State.BOUND, Input.DELETE: State.BLOCKED, Input.NONCES_END: State.ABSENT},
}
"""What RFC 6275 sections 9.3.4 and 9.5 let happen."""


def address(number: int) -> bytes:
    """Return an address that is a number."""
    return number.to_bytes(16)


def entry(home: int, care_of: int, state: State = State.ABSENT) -> Binding:
    """Return an entry that lasts until 100 and is remembered until 200."""
    return Binding(LOCAL, address(home), address(care_of), 1, state, 100.0, 200.0, 100.0)


@pytest.mark.parametrize(("state", "event"), list(product(State, Input)))
def test_each_state_under_each_input(state: State, event: Input) -> None:
    """A transition that is listed happens; all others are bugs, and raise."""
    after = EXPECTED[state].get(event)
    if after is None:
        with pytest.raises(KeyError):
            BINDING.step(state, event)
    else:
        assert BINDING.step(state, event) is after


def test_the_table_has_nothing_else() -> None:
    """Every listed transition is of a state and an input that there are."""
    assert {(state, event): after for state, row in EXPECTED.items() for event, after in row.items()} == BINDING.table


@pytest.mark.parametrize(("state", "event"), [pair for pair in product(State, (Input.UPDATE, Input.DELETE))])
def test_put_steps_from_the_state_before(state: State, event: Input) -> None:
    """Whatever state the new entry says it has."""
    cache = CorrespondentCache(10)
    if state is not State.ABSENT:
        cache.put(entry(1, 2), Input.UPDATE)
    if state is State.BLOCKED:
        cache.put(entry(1, 2), Input.DELETE)
    cache.put(entry(1, 3, State.BLOCKED), event)
    found = cache.get((LOCAL, address(1)))
    assert found is not None
    assert found.state is EXPECTED[state][event]


def test_what_cannot_happen_changes_nothing() -> None:
    """An entry that is put by an impossible input is not there."""
    cache = CorrespondentCache(10)
    with pytest.raises(KeyError):
        cache.put(entry(1, 2), Input.NONCES_END)
    assert len(cache) == 0


def test_an_entry_ends_and_is_forgotten() -> None:
    """First the binding, then the block; the deadline goes with it."""
    cache = CorrespondentCache(10)
    binding = entry(1, 2)
    cache.put(binding, Input.UPDATE)
    cache.timers.set(binding.key, 100.0)
    assert list(cache) == [binding]
    cache.end(binding, Input.LIFETIME_ENDS)
    assert cache.get(binding.key) is binding
    assert cache.bound(binding.key, 0.0) is None
    cache.end(binding, Input.NONCES_END)
    assert cache.get(binding.key) is None
    assert cache.timers.next() is None


@pytest.mark.parametrize(("now", "there"), [(99.9, True), (100.0, False)])
def test_a_binding_is_used_until_it_expires(now: float, there: bool) -> None:
    """At the instant itself it is not."""
    cache = CorrespondentCache(10)
    cache.put(entry(1, 2), Input.UPDATE)
    assert (cache.bound((LOCAL, address(1)), now) is not None) == there


def test_room() -> None:
    """A full cache has room for what is in it."""
    cache = CorrespondentCache(1)
    assert cache.has_room((LOCAL, address(1)))
    cache.put(entry(1, 2), Input.UPDATE)
    assert cache.has_room((LOCAL, address(1)))
    assert not cache.has_room((LOCAL, address(2)))


@pytest.mark.parametrize(
    ("bindings", "home", "care_of", "circular"),
    [
        ([], 1, 2, False),
        ([], 1, 1, False),
        ([(2, 1)], 1, 2, True),
        ([(2, 3), (3, 1)], 1, 2, True),
        ([(2, 3), (3, 4)], 1, 2, False),
        ([(2, 3), (3, 2)], 1, 2, False),
        ([(2, 3), (3, 4), (4, 3)], 1, 2, False),
    ],
)
def test_circles(bindings: list[tuple[int, int]], home: int, care_of: int, circular: bool) -> None:
    """Section 6.1.7: a care-of address that leads back to the home address; other circles do not hang it."""
    cache = CorrespondentCache(10)
    for bound, at in bindings:
        cache.put(entry(bound, at), Input.UPDATE)
    assert cache.is_circular(LOCAL, address(home), address(care_of), 0.0) == circular
    assert not cache.is_circular(LOCAL, address(home), address(care_of), 100.0)
