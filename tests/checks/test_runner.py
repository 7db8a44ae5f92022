"""Running checks: their order, what keeps one from judging, the window, the deadline, and what explains what."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from given import Given, cannot, engine, given

from mipsh.checks.check import About, Area, Check, Judgement, Judgements, Run, affected, likely, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.runner import Orders, World, judge, run
from mipsh.checks.sources import Clocks, Datum, Key, Unreadable
from mipsh.model.findings import By, Severity, Verdict


class Clock:
    """A clock that moves when it is waited for, and a little each time that it is looked at."""

    def __init__(self, step_s: float = 0.0) -> None:
        self.time_s = 100.0
        self.step_s = step_s
        self.waits: list[float] = []

    def now(self) -> float:
        """Return the time."""
        self.time_s += self.step_s
        return self.time_s

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.waits.append(seconds)
        self.time_s += seconds

    @property
    def world(self) -> World:
        """What the runner is given."""
        return World(self.now, self.wait)


class Counting:
    """A source whose counters and clocks move by 10 with every look."""

    def __init__(self) -> None:
        self.reads: list[tuple[Key, str]] = []

    def read(self, key: Key, argument: str) -> Datum:
        """Return what is there now."""
        self.reads.append((key, argument))
        count = 10 * len([one for one in self.reads if one == (key, argument)])
        if key is Key.XT:
            return Datum({"XfrmInNoPols": count}, "now", "test")
        if key is Key.CK:
            return Datum(Clocks(1000.0 + count, 10.0 + count), "now", "test")
        raise Unreadable(key, "not there")


def made(run_: Run, id_: str = "T-1", **about: Any) -> Check:
    """Return a check of a function."""
    area = Area("test", "Tests")
    area.add(About(id_, "a condition", Severity.HIGH, **about), run_, "why")
    return area.checks[0]


def saying(*judgements: Judgement) -> Run:
    """Return a check's function that always says the same."""
    return lambda facts: judgements


def test_what_a_check_says_becomes_findings() -> None:
    """With what is declared, and the remedy only where something is wrong."""
    check = made(
        saying(affected("bad", "one", expected="good"), passed("fine", "two")), remedy=("mend it",), reference="RFC"
    )
    one, two = judge(check, given())
    assert (one.id, one.subject, one.verdict, one.severity, one.observed) == ("T-1", "one", "AFFECTED", "high", "bad")
    assert (one.expected, one.remedy, one.reference, one.confidence) == ("good", ("mend it",), "RFC", "structure")
    assert (two.verdict, two.remedy, two.area) == ("PASS", (), "test")


def test_the_worst_of_a_subject_counts() -> None:
    """However often and in which order something is said of it."""
    found = judge(made(saying(passed("a", "x"), affected("b", "x"), likely("c", "x"), passed("d", "y"))), given())
    assert [(one.subject, one.observed) for one in found] == [("x", "b"), ("y", "d")]


def test_a_version_alone_affects_nothing() -> None:
    """It is likely at most, and that holds for every check."""
    with pytest.raises(ValueError, match="likely at most"):
        affected("old", by=By.VERSION)


def test_what_raises_is_an_error_of_its_own_and_what_was_said_stays() -> None:
    """The message names the error and the place."""

    def run_(facts: Facts) -> Iterator[Judgement]:
        yield passed("before", "x")
        raise ZeroDivisionError("oh")

    before, error = judge(made(run_), given())
    assert (before.verdict, error.verdict) == ("PASS", "ERROR")
    assert "ZeroDivisionError: oh (in run_, line " in error.observed


def test_what_cannot_be_read_is_unknown_with_the_reason_and_the_privilege() -> None:
    """Also behind what was said already, and for what is declared to be needed."""

    def run_(facts: Facts) -> Judgements:
        yield passed(f"{len(facts.rules)} rules", "x")
        yield passed(f"{len(facts.policies)} policies", "y")

    facts = given(RU=(), XP=cannot("XP", "not permitted"))
    said, missing = judge(made(run_), facts)
    assert (said.verdict, missing.verdict) == ("PASS", "UNKNOWN")
    assert (missing.observed, missing.privilege) == ("XP cannot be read: not permitted", "CAP_NET_ADMIN")
    (needed,) = judge(made(saying(passed("fine")), needs=(Key.XP,)), facts)
    assert needed.verdict == "UNKNOWN"


def test_nothing_said_is_unknown() -> None:
    """A check over nothing could not tell."""
    (found,) = judge(made(saying()), given())
    assert (found.verdict, found.observed) == ("UNKNOWN", "it found nothing to judge")


@pytest.mark.parametrize(
    ("facts", "verdict", "why"),
    [
        (given("mn"), "PASS", "fine"),
        (given("cn"), "N/A", "this is a correspondent node"),
        (given(""), "N/A", "this node has no Mobile IPv6 (--role says otherwise)"),
        (given(), "UNKNOWN", "AD cannot be read: not given"),
        (given("mn", engine=engine("mn", "mipd")), "N/A", "a node of mipd does not use what this looks at"),
        (given(engine=engine("mn")), "PASS", "fine"),
    ],
)
def test_a_check_is_for_some_roles(facts: Facts, verdict: str, why: str) -> None:
    """A role that is not known is no reason to say that it is not for this node."""
    (found,) = judge(made(saying(passed("fine")), roles=("mn",)), facts)
    assert (found.verdict, found.observed) == (verdict, why)


def test_cheap_ones_come_first() -> None:
    """By what they need, then what takes two moments, then packets; among equals by id."""
    order: list[str] = []

    def noting(id_: str) -> Run:
        def run_(facts: Facts) -> Judgements:
            order.append(id_)
            yield passed("fine")

        return run_

    checks = [
        made(noting("E"), "E", windowed=True),
        made(noting("D"), "D", probe=True),
        made(noting("C"), "C", needs=(Key.RU,)),
        made(noting("B"), "B", needs=(Key.KR,)),
        made(noting("A"), "A", needs=(Key.KR, Key.RU)),
    ]
    facts = Given({(Key.KR, ""): "", (Key.RU, ""): ()})
    found = run(checks, facts, Clock().world, Orders(window_s=1.0, probing=True))
    assert order == ["B", "A", "C", "D", "E"]
    assert [one.id for one in found] == ["B", "A", "C", "E", "D"]


def test_counters_are_compared_over_the_window() -> None:
    """What is needed is read at both ends, once each, and the time between them is known."""

    def run_(facts: Facts) -> Judgements:
        assert facts.window_s == 10
        yield affected(f"rose by {facts.xfrm_rise('XfrmInNoPols')}", by=By.BEHAVIOUR)

    source, clock = Counting(), Clock()
    (found,) = run([made(run_, needs=(Key.XT,), windowed=True)], source, clock.world, Orders(window_s=5.0))
    assert (found.verdict, found.observed) == ("AFFECTED", "rose by 10")
    assert clock.waits == [5.0]
    assert source.reads.count((Key.XT, "")) == 2


def test_what_was_not_read_at_the_beginning_is_not_compared() -> None:
    """It would be read late, and a counter would seem to stand still."""

    def run_(facts: Facts) -> Judgements:
        yield passed(str(facts.xfrm_rise("XfrmInNoPols")))

    (found,) = run([made(run_, windowed=True)], Counting(), Clock().world, Orders(window_s=5.0))
    assert (found.verdict, found.observed) == (
        "UNKNOWN",
        "XT cannot be read: it was not read at the beginning of the window",
    )
    (alone,) = run([made(run_, windowed=True)], Counting(), Clock().world, Orders())
    assert alone.verdict == "UNKNOWN"
    assert "two moments" in alone.observed


def test_packets_are_sent_only_when_that_is_wanted() -> None:
    """Otherwise it could not be told."""
    check = made(saying(passed("fine")), probe=True)
    (held,) = run([check], Counting(), Clock().world, Orders())
    (sent,) = run([check], Counting(), Clock().world, Orders(probing=True))
    assert (held.verdict, sent.verdict) == ("UNKNOWN", "PASS")


def test_what_is_late_is_unknown() -> None:
    """The deadline is that of all checks, and each says how long it took."""
    checks = [made(saying(passed("fine")), f"T-{number}") for number in range(5)]
    found = run(checks, Counting(), Clock(1.0).world, Orders(longest_s=6.0))
    assert [one.verdict for one in found] == ["PASS", "PASS", "PASS", "UNKNOWN", "UNKNOWN"]
    assert found[0].duration_ms == 1000
    assert "deadline of 6 s" in found[-1].observed


def test_a_consequence_is_explained_and_does_not_count() -> None:
    """By a cause that is affected, not by one that is only likely."""
    cause, effect = made(saying(affected("cause")), "A"), made(saying(affected("effect")), "B", explained_by=("A",))
    found = {one.id: one for one in run([effect, cause], Counting(), Clock().world, Orders())}
    assert (found["B"].explained_by, found["B"].counts, found["A"].counts) == ("A", False, True)
    doubtful = made(saying(likely("cause")), "A")
    assert all(one.counts for one in run([effect, doubtful], Counting(), Clock().world, Orders()))
    fine = made(saying(passed("fine")), "B", explained_by=("A",))
    assert all(one.counts for one in run([fine, cause], Counting(), Clock().world, Orders()))


def test_an_area_holds_its_checks_to_their_form() -> None:
    """An id once, and an explanation."""
    area = Area("test", "Tests")

    def explained(facts: Facts) -> Judgements:
        """Say why."""
        yield unknown("nothing")

    def silent(facts: Facts) -> Judgements:
        yield unknown("nothing")

    about = About("T-1", "a condition", Severity.LOW)
    area.check(about)(explained)
    assert area.checks[0].explanation == "Say why."
    with pytest.raises(ValueError, match="there already"):
        area.check(about)(explained)
    with pytest.raises(ValueError, match="docstring"):
        area.check(About("T-2", "a condition", Severity.LOW))(silent)


def test_a_flood_of_judgements_is_bounded() -> None:
    """A check that says ever more is cut off."""

    def run_(facts: Facts) -> Judgements:
        number = 0
        while True:
            yield passed("fine", str(number))
            number += 1

    assert len(judge(made(run_), given())) == 10_000


READERS: list[Callable[[Facts], object]] = [
    lambda facts: facts.kernel,
    lambda facts: facts.states,
    lambda facts: facts.conf("all", "forwarding"),
    lambda facts: facts.cache,
    lambda facts: facts.probe("echo", "::1"),
    lambda facts: facts.route_to("2001:db8::1"),
]


@pytest.mark.parametrize("read", READERS)
def test_every_question_that_has_no_answer_is_unreadable(read: Callable[[Facts], object]) -> None:
    """Never an empty table."""
    with pytest.raises(Unreadable):
        read(given())


def test_verdicts_are_those_of_the_catalogue() -> None:
    """Six of them."""
    assert [verdict.value for verdict in Verdict] == ["PASS", "AFFECTED", "LIKELY", "N/A", "UNKNOWN", "ERROR"]
