"""What changed between two looks: rows that came, went or differ; a clock that went on is no change."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mipsh.changes import TOLERANCE_S, compare, row_key
from mipsh.errors import DeadlineError
from mipsh.model.records import BINDING_CACHE, BINDING_UPDATE_LIST, STATISTICS, BindingCacheEntry, Counter
from mipsh.result import Change, Result, of_error

ENTRY = BindingCacheEntry(
    "2001:db8:1::100",
    "2001:db8:2::1",
    "registered",
    ("A", "H"),
    400,
    420,
    20,
    7,
    "2001:db8:1::1",
    mpa_next_s=50,
    mpa_interval_s=60,
    source_line=1,
)
KEY = "2001:db8:1::100 2001:db8:1::1"
OTHER = structs.replace(ENTRY, home_address="2001:db8:1::101")


def look(*rows: object, at: float = 0.0, columns: tuple[str, ...] | None = None) -> Result:
    """Return a look at the binding cache."""
    return Result(BINDING_CACHE, rows, taken_at=at, columns=columns)


def changed(elapsed: float, **values: object) -> tuple[str, ...]:
    """Return which columns count as changed when some values differ after a while."""
    changes = compare(look(ENTRY), look(structs.replace(ENTRY, **values), at=elapsed))
    assert all((change.key, change.change) == (KEY, "changed") for change in changes)
    return changes[0].columns if changes else ()


def test_rows_that_came_and_went() -> None:
    """They are named by their key, those that went first."""
    assert compare(look(ENTRY), look(OTHER)) == (
        Change(KEY, "removed"),
        Change("2001:db8:1::101 2001:db8:1::1", "added"),
    )
    assert compare(look(ENTRY, OTHER), look(OTHER, ENTRY)) == ()
    assert compare(look(), look()) == ()


def test_columns_that_changed() -> None:
    """All of them, in the order of the table."""
    assert changed(2, status="dying", care_of_address=None, flags=()) == ("care_of_address", "status", "flags")
    assert changed(0, sequence=8) == ("sequence",)
    assert changed(0, extra={"BID": "1"}) == ("extra",)


@pytest.mark.parametrize("elapsed", [0.0, 1.0, 2.0, 60.0, 399.5])
def test_a_clock_that_went_on_is_no_change(elapsed: float) -> None:
    """What counts down fell by the time between the looks, an age rose by it; both are whole seconds."""
    for rounding in (-1, 0, 1):
        moved = int(elapsed) + rounding
        assert changed(elapsed, lifetime_remaining_s=400 - moved, age_s=20 + moved, mpa_next_s=50 - moved) == ()


@pytest.mark.parametrize(
    ("elapsed", "values"),
    [
        (10, {"lifetime_remaining_s": 420}),
        (10, {"lifetime_remaining_s": 405}),
        (10, {"lifetime_remaining_s": 370}),
        (10, {"lifetime_remaining_s": None}),
        (10, {"age_s": 0}),
        (10, {"age_s": 10}),
        (10, {"mpa_next_s": 60}),
        (4, {"lifetime_granted_s": 424}),
        (4, {"lifetime_granted_s": 416}),
        (4, {"mpa_interval_s": 56}),
        (0, {"lifetime_remaining_s": 403}),
    ],
)
def test_a_refreshed_lifetime_is_a_change(elapsed: float, values: dict[str, object]) -> None:
    """A clock that was set anew, one that became unknown, another lifetime granted."""
    assert changed(elapsed, **values) == tuple(values)


def test_a_value_that_becomes_known_is_a_change() -> None:
    """Unknown is no number."""
    before = structs.replace(ENTRY, lifetime_remaining_s=None)
    assert compare(look(before), look(ENTRY))[0].columns == ("lifetime_remaining_s",)


def test_where_a_row_stands_is_no_change() -> None:
    """The line of the engine's reply moves with other rows."""
    assert changed(2, source_line=9) == ()


def test_only_the_columns_shown_are_compared() -> None:
    """What was not asked for is not told."""
    after = structs.replace(ENTRY, status="dying", sequence=8)
    assert compare(look(ENTRY), look(after, columns=("sequence", "flags")))[0].columns == ("sequence",)
    assert compare(look(ENTRY), look(after, columns=("flags",))) == ()


def test_looks_that_cannot_be_compared() -> None:
    """Another table, no table, an error before or now: nothing is said to have changed."""
    failed = of_error(DeadlineError("no answer"), BINDING_CACHE)
    for before, after in [
        (Result(), look(ENTRY)),
        (look(ENTRY), Result()),
        (Result(BINDING_UPDATE_LIST), look(ENTRY)),
        (failed, look(ENTRY)),
        (look(ENTRY), failed),
    ]:
        assert compare(before, after) == ()


def test_a_look_without_a_time() -> None:
    """No time is known to have passed."""
    before, after = look(ENTRY), look(structs.replace(ENTRY, lifetime_remaining_s=390))
    before.taken_at = after.taken_at = None
    assert compare(before, after)[0].columns == ("lifetime_remaining_s",)


def test_what_tells_rows_apart() -> None:
    """The key's values; unknown ones are empty."""
    assert row_key(ENTRY, BINDING_CACHE) == KEY
    assert row_key(structs.replace(ENTRY, local_address=None), BINDING_CACHE) == "2001:db8:1::100 "
    before = Result(STATISTICS, [Counter("sent", "bu", 1), Counter("received", "bu", 1)])
    after = Result(STATISTICS, [Counter("sent", "bu", 2), Counter("received", "bu", 1)])
    assert compare(before, after) == (Change("sent bu", "changed", ("value",)),)


@given(st.integers(0, 10**6), st.integers(-(10**6), 10**6), st.floats(0, 10**5))
def test_a_countdown_changed_when_it_is_not_where_it_should_be(before: int, after: int, elapsed: float) -> None:
    """Within the tolerance it ticks."""
    old = structs.replace(ENTRY, lifetime_remaining_s=before)
    new = structs.replace(ENTRY, lifetime_remaining_s=after)
    ticked = before == after or abs(after - before + elapsed) <= TOLERANCE_S
    assert bool(compare(look(old), look(new, at=elapsed))) == (not ticked)
