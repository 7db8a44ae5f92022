"""Token buckets, alone and for many peers."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipsh.mobility.limits import REMEMBERED, Bucket, Limits

UNHURRIED = settings(deadline=None)


@UNHURRIED
@given(st.lists(st.floats(0, 3), max_size=200), st.floats(0.1, 10), st.integers(1, 10))
def test_no_more_than_the_burst_and_the_rate(gaps: list[float], rate: float, burst: int) -> None:
    """In any stretch of time from the beginning."""
    bucket = Bucket(rate, burst)
    now, taken = 0.0, 0
    for gap in gaps:
        now += gap
        taken += bucket.take(now)
        assert taken <= burst + now * rate + 1e-6


@UNHURRIED
@given(st.floats(0.1, 10), st.integers(1, 10), st.integers(1, 50))
def test_who_keeps_to_the_rate_is_never_refused(rate: float, burst: int, count: int) -> None:
    """A token comes back in time, rounding aside."""
    bucket = Bucket(rate, burst)
    assert all(bucket.take(number * 1.001 / rate) for number in range(count))


def test_a_clock_that_stands_or_goes_back_gives_nothing() -> None:
    """Time that did not pass brings no token."""
    bucket = Bucket(1.0, 1)
    assert bucket.take(10.0)
    assert not bucket.take(10.0)
    assert not bucket.take(5.0)
    assert bucket.take(6.0)


def test_a_flood_of_peers_does_not_starve_another() -> None:
    """Without a bucket for all, each peer has its own; the table of them is bounded."""
    limits = Limits((1.0, 2.0))
    for number in range(10 * REMEMBERED):
        assert limits.allow(number, 0.0)
    assert len(limits) == REMEMBERED
    assert limits.allow("real", 0.0)


def test_all_together() -> None:
    """A bucket for all ends what no peer's own does; a peer that is refused does not draw on it."""
    limits = Limits((1.0, 1.0), (1.0, 2.0))
    assert [limits.allow("a", 0.0), limits.allow("a", 0.0), limits.allow("b", 0.0)] == [True, False, True]
    assert not limits.allow("c", 0.0)
    assert limits.allow("d", 1.0)


@pytest.mark.parametrize("count", [REMEMBERED - 1, REMEMBERED])
def test_the_peer_longest_silent_is_forgotten(count: int) -> None:
    """And begins anew when it comes back."""
    limits = Limits((0.001, 1.0))
    assert limits.allow("old", 0.0)
    for number in range(count):
        limits.allow(number, 0.0)
    assert limits.allow("old", 0.0) == (count == REMEMBERED)
