"""Updates that wait for an answer, and how often they may go."""

from mipsh.mobility.constants import MAX_UPDATE_RATE_PER_S
from mipsh.mobility.mobile.backoff import Backoff
from mipsh.mobility.mobile.outstanding import MOST, Outstanding, Sent


def test_waits_double_up_to_the_longest() -> None:
    """And each counts as an attempt."""
    backoff = Backoff(1.5, 10.0)
    assert [backoff.wait() for _ in range(5)] == [1.5, 3, 6, 10, 10]
    assert backoff.attempts == 5


def test_updates_are_taken_by_number_once() -> None:
    """With one, all others are done with."""
    updates = Outstanding()
    updates.begin(1.0)
    assert updates.add(1, 10, 5.0) == 6
    assert updates.wait_s == 1
    assert updates.add(2, 11, 6.0) == 8
    assert updates.wait_s == 2
    assert updates.take(3) is None
    assert (len(updates), 1 in updates, updates.attempts) == (2, True, 2)
    assert updates.take(1) == Sent(5.0, 10)
    assert updates.take(2) is None


def test_only_the_last_few_are_kept() -> None:
    """The oldest ones are not waited for any more."""
    updates = Outstanding()
    for number in range(MOST + 3):
        updates.add(number, 10, float(number))
    assert len(updates) == MOST
    assert 2 not in updates
    updates.clear()
    assert len(updates) == 0


def test_no_more_than_so_many_a_second() -> None:
    """R-MN-06, whatever purpose they have."""
    updates = Outstanding()
    for number in range(MAX_UPDATE_RATE_PER_S):
        assert updates.opens(0.1 * number) == 0.1 * number
        updates.begin(1.0)
        updates.add(number, 10, 0.1 * number)
    assert updates.opens(0.5) == 1
    assert updates.opens(1.0) == 1
    assert updates.opens(2.0) == 2
