"""The virtual clock: order, and how far it runs."""

from mipsh.lab.clock import Clock


def test_actions_happen_in_order() -> None:
    """By time, and in the order in which they were scheduled at the same time."""
    clock, seen = Clock(), list[tuple[float, str]]()

    def note(name: str) -> None:
        seen.append((clock.now, name))

    for at, name in ((2.0, "c"), (1.0, "a"), (1.0, "b"), (3.0, "d")):
        clock.schedule(at, note, name)
    assert clock.next() == 1.0
    clock.run_until(2.0)
    assert seen == [(1.0, "a"), (1.0, "b"), (2.0, "c")]
    assert (clock.now, len(clock), clock.events) == (2.0, 1, 3)
    clock.run_until(2.5)
    assert (clock.now, len(clock)) == (2.5, 1)
    assert clock.step()
    assert not clock.step()
    assert (clock.now, clock.next()) == (3.0, None)


def test_what_is_late_happens_now() -> None:
    """Time never goes back."""
    clock, seen = Clock(), list[float]()
    clock.run_until(5.0)
    clock.schedule(1.0, lambda: seen.append(clock.now))
    clock.run_until(4.0)
    assert seen == []
    clock.run_until(5.0)
    assert seen == [5.0]


def test_running_until_something_is_true() -> None:
    """It stops as soon as the condition holds, and at the limit where it does not."""
    clock, seen = Clock(), list[float]()
    for at in range(1, 10):
        clock.schedule(float(at), lambda: seen.append(clock.now))
    assert clock.run(lambda: len(seen) == 3, 100.0)
    assert (clock.now, len(seen)) == (3.0, 3)
    assert not clock.run(lambda: len(seen) == 9, 2.5)
    assert (clock.now, len(seen)) == (5.5, 5)
    assert not clock.run(lambda: False, 100.0)
    assert (clock.now, len(clock)) == (105.5, 0)
