"""Deadlines, held against a model that sorts."""

from hypothesis import given, settings
from hypothesis import strategies as st

from mipsh.mobility.timers import SLACK, Timers

UNHURRIED = settings(deadline=None)
KEYS = st.integers(0, 5)
TIMES = st.floats(0, 100)
STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), KEYS, TIMES),
        st.tuples(st.just("cancel"), KEYS, st.just(0.0)),
        st.tuples(st.just("due"), st.just(0), TIMES),
    ),
    max_size=60,
)


@UNHURRIED
@given(STEPS)
def test_timers_do_what_a_table_of_deadlines_does(steps: list[tuple[str, int, float]]) -> None:
    """Whatever is set, set again, cancelled and due."""
    timers: Timers[int] = Timers()
    model: dict[int, float] = {}
    for verb, key, time in steps:
        if verb == "set":
            timers.set(key, time)
            model[key] = time
        elif verb == "cancel":
            timers.cancel(key)
            model.pop(key, None)
        else:
            due = list(timers.due(time))
            assert sorted(due) == sorted(key for key, deadline in model.items() if deadline <= time)
            assert [model[key] for key in due] == sorted(model.pop(key) for key in due)
        assert timers.next() == min(model.values(), default=None)
        assert len(timers) == len(model)
        assert {key: timers.get(key) for key in range(6)} == {key: model.get(key) for key in range(6)}


def test_keys_of_one_deadline_come_in_the_order_they_were_set() -> None:
    """Also where the keys themselves have no order."""
    timers: Timers[object] = Timers()
    keys: list[object] = [object() for _ in range(5)]
    for key in keys:
        timers.set(key, 1.0)
    assert list(timers.due(1.0)) == keys


def test_one_key_set_over_and_over_takes_no_room() -> None:
    """What is stale is swept; the deadline of before is forgotten though it comes back."""
    timers: Timers[str] = Timers()
    for number in range(100 * SLACK):
        timers.set("key", float(number % 3))
    timers.set("key", 5.0)
    assert list(timers.due(4.0)) == []
    assert list(timers.due(5.0)) == ["key"]
    assert timers.next() is None


def test_a_deadline_set_to_the_same_time_twice_is_due_once() -> None:
    """Two entries of the heap are one deadline."""
    timers: Timers[str] = Timers()
    timers.set("key", 1.0)
    timers.set("key", 2.0)
    timers.set("key", 1.0)
    assert list(timers.due(9.0)) == ["key"]


def test_a_key_that_is_set_again_while_it_is_due_comes_again() -> None:
    """Within one sweep, if its new deadline has come too."""
    timers: Timers[str] = Timers()
    timers.set("key", 1.0)
    seen = []
    for key in timers.due(2.0):
        seen.append(key)
        if len(seen) < 3:
            timers.set(key, 2.0)
    assert seen == ["key"] * 3


class Counted:
    """A key that counts how often it is looked up."""

    def __init__(self) -> None:
        self.lookups = 0

    def __hash__(self) -> int:
        """Count, and return a hash."""
        self.lookups += 1
        return 1


def test_keys_set_to_the_same_deadlines_again_and_again_cost_the_same_each_time() -> None:
    """Entries that are good but doubled are swept with the stale ones."""
    timers: Timers[Counted] = Timers()
    keys = [Counted() for _ in range(10)]
    rounds = 50 * SLACK
    for number in range(rounds):
        timers.set(keys[number % 10], float(number % 10))
    assert sum(key.lookups for key in keys) < 10 * rounds
    assert [key.lookups > 0 for key in timers.due(100.0)] == [True] * 10
