"""Steps are done in order, stop at what goes wrong, are put back whatever happens, and are written down."""

from collections.abc import Callable, Iterator
from io import StringIO
from pathlib import Path

import pytest
from asking import without
from harness import Mipsh

from mipsh.action import audit, carry_out
from mipsh.action.carry_out import Outcome, Plan, concluded, done, explain, perform, planned, reported
from mipsh.action.steps import Step, Via
from mipsh.environment import Environment
from mipsh.errors import EngineLost, MipshError, RefusedError
from mipsh.linux.privileges import CAP_NET_RAW, Need
from mipsh.registry import Registry
from mipsh.result import Notice, Result
from mipsh.session import Permission, Session
from mipsh.status import ExitStatus

NAMES = ("one", "two", "three")
ALLOWED = Permission(write=True, yes=True)


class World:
    """What is done, in its order; ``trouble`` is what goes wrong at a word."""

    def __init__(self, **trouble: BaseException) -> None:
        self.done: list[str] = []
        self._trouble = trouble

    def act(self, word: str) -> Callable[[], str]:
        """Return something that does a word."""

        def run() -> str:
            self.done.append(word)
            if word in self._trouble:
                raise self._trouble[word]
            return f"{word} was seen"

        return run

    def steps(self) -> tuple[Step, ...]:
        """Return three steps, each of which can be put back."""
        return tuple(
            Step(
                name,
                Via.NETLINK,
                f"ip {name}",
                f"section {name}",
                self.act(name),
                Step(f"undo {name}", Via.NETLINK, f"ip undo {name}", run=self.act(f"un{name}")),
            )
            for name in NAMES
        )


@pytest.fixture
def session(mipsh: Mipsh) -> Iterator[Session]:
    """Return a session that may change things."""
    environment = Environment(mipsh.variables, StringIO(), StringIO(), StringIO())
    with Session(environment, Registry(False), permission=ALLOWED) as found:
        yield found


def log(session: Session) -> list[audit.Changed]:
    """Return what was written down."""
    changes, unread = audit.read(Path(session.environment.audit_file()))
    assert unread == 0
    return changes


def test_all_is_done_and_put_back() -> None:
    """In order, and back again, last first."""
    world = World()
    outcome = perform(world.steps())
    assert world.done == ["one", "two", "three", "unthree", "untwo", "unone"]
    assert outcome.states == ["done"] * 3
    assert outcome.details == ["one was seen", "two was seen", "three was seen"]
    assert [(row.number, row.step, row.state) for row in outcome.restored] == [
        (4, "undo three", "put_back"),
        (5, "undo two", "put_back"),
        (6, "undo one", "put_back"),
    ]
    assert (outcome.is_done, int(outcome.status)) == (True, 0)


@pytest.mark.parametrize("at", range(3))
def test_a_step_that_fails_is_the_last(at: int) -> None:
    """What had begun is put back, itself included; what had not is neither done nor put back."""
    world = World(**{NAMES[at]: EngineLost("it went away", "look")})
    outcome = perform(world.steps())
    assert world.done == [*NAMES[: at + 1], *(f"un{name}" for name in NAMES[at::-1])]
    assert outcome.states == ["done"] * at + ["failed"] + ["not_done"] * (2 - at)
    assert outcome.details[at] == "it went away"
    assert (outcome.is_done, int(outcome.status)) == (False, 69)


@pytest.mark.parametrize("at", range(3))
def test_ctrl_c_in_a_step_stops_it(at: int) -> None:
    """What had begun is put back."""
    world = World(**{NAMES[at]: KeyboardInterrupt()})
    outcome = perform(world.steps())
    assert world.done == [*NAMES[: at + 1], *(f"un{name}" for name in NAMES[at::-1])]
    assert outcome.states == ["done"] * at + ["interrupted"] + ["not_done"] * (2 - at)
    assert (outcome.is_interrupted, outcome.is_done, int(outcome.status)) == (True, False, 130)


@pytest.mark.parametrize("at", range(3))
def test_a_bug_in_a_step_leaves_nothing_behind(at: int) -> None:
    """It is raised, after everything was put back."""
    world = World(**{NAMES[at]: ZeroDivisionError("a bug")})
    with pytest.raises(ZeroDivisionError):
        perform(world.steps())
    assert world.done == [*NAMES[: at + 1], *(f"un{name}" for name in NAMES[at::-1])]


@pytest.mark.parametrize("trouble", [MipshError("no such address"), KeyboardInterrupt()])
@pytest.mark.parametrize("at", range(3))
def test_what_cannot_be_put_back_is_said(at: int, trouble: BaseException) -> None:
    """The others are put back all the same; an interrupt is tried once more."""
    world = World(**{f"un{NAMES[at]}": trouble})
    outcome = perform(world.steps())
    states = {row.step: (row.state, row.detail) for row in outcome.restored}
    why = "interrupted" if isinstance(trouble, KeyboardInterrupt) else "no such address"
    assert states.pop(f"undo {NAMES[at]}") == ("not_put_back", why)
    assert {state for state, _ in states.values()} == {"put_back"}
    assert world.done.count(f"un{NAMES[at]}") == (2 if isinstance(trouble, KeyboardInterrupt) else 1)
    assert (outcome.is_done, int(outcome.status)) == (False, 2)


def test_steps_without_anything_to_do() -> None:
    """They are done, and have nothing to put back."""
    outcome = perform([Step("wait", Via.NONE, "sleep 1")])
    assert (outcome.states, outcome.details, outcome.restored) == (["done"], [""], ())
    assert perform([]).is_done


def test_a_change_is_written_down(session: Session) -> None:
    """Before it begins, and how it ended; the steps say what became of each."""
    world = World()
    result = carry_out.carry_out(session, Plan("do three things", world.steps(), before="as it was"))
    assert [row.state for row in result.rows] == ["done"] * 3 + ["put_back"] * 3
    assert [row.detail for row in result.rows][:2] == ["one was seen", "two was seen"]
    assert (int(result.status), result.errors) == (0, ())
    (change,) = log(session)
    assert (change.begin.steps, change.begin.before) == (NAMES, "as it was")
    assert change.end is not None
    assert change.end.status == 0
    assert change.end.result == (
        "one: done; two: done; three: done; undo three: put_back; undo two: put_back; undo one: put_back"
    )


@pytest.mark.parametrize(
    ("trouble", "status", "code"),
    [(EngineLost("gone", "look"), 69, "engine_lost"), (KeyboardInterrupt(), 130, "interrupted")],
)
def test_a_change_that_stops_is_written_down(session: Session, trouble: BaseException, status: int, code: str) -> None:
    """With the status that it ends with."""
    result = carry_out.carry_out(session, Plan("do three things", World(two=trouble).steps()))
    assert (int(result.status), result.errors[0].code) == (status, code)
    assert [row.state for row in result.rows][2] == "not_done"
    (change,) = log(session)
    assert change.end is not None
    assert change.end.status == status
    assert "one: done; two: " in change.end.result


def test_a_bug_is_written_down(session: Session) -> None:
    """As one."""
    with pytest.raises(ZeroDivisionError):
        carry_out.carry_out(session, Plan("do", World(one=ZeroDivisionError()).steps()))
    (change,) = log(session)
    assert change.end is not None
    assert (change.end.status, change.end.result) == (70, "it ended with a bug of mipsh")


def test_what_is_there_then_decides(session: Session) -> None:
    """The result's status and errors are written down, and how things stand."""
    plan = Plan("do", World().steps()[:1])
    told = Result(errors=(Notice("not_so", "it is not so"),), status=ExitStatus.CONDITION_NOT_MET)
    assert concluded(session, plan, lambda outcome: (told, f"as it is: {outcome.states}")) is told

    def lost(outcome: Outcome) -> tuple[Result, str]:
        raise EngineLost("gone")

    def stopped(outcome: Outcome) -> tuple[Result, str]:
        raise KeyboardInterrupt

    with pytest.raises(EngineLost):
        concluded(session, plan, lost)
    with pytest.raises(KeyboardInterrupt):
        concluded(session, plan, stopped)
    ends = [change.end for change in log(session)]
    became = "one: done; undo one: put_back"
    assert [(end.status, end.result, end.after) for end in ends if end is not None] == [
        (1, f"{became}; it is not so", "as it is: ['done']"),
        (69, f"{became}; then: gone", ""),
        (130, f"{became}; then: interrupted", ""),
    ]


def test_the_steps_alone(session: Session) -> None:
    """Where nothing is to be looked at, they are what there is to say."""
    assert done(session, Plan("do", World().steps())).is_done


@pytest.mark.parametrize(
    ("permission", "words"),
    [(Permission(), "only looks"), (Permission(write=True), "no terminal"), (Permission(yes=True), "only looks")],
)
def test_what_is_refused_is_not_begun(mipsh: Mipsh, permission: Permission, words: str) -> None:
    """Nothing is done, and nothing is written down."""
    world = World()
    with (
        Session(Environment(mipsh.variables, StringIO(), StringIO(), StringIO()), Registry(False)) as session,
        session.permitting({"write": permission.write, "yes": permission.yes}),
    ):
        with pytest.raises(RefusedError, match=words):
            carry_out.carry_out(session, Plan("do three things", world.steps()))
        assert (world.done, log(session)) == ([], [])


def test_a_privilege_that_is_missing(session: Session) -> None:
    """Of a step, or of what puts a step back: nothing is begun."""
    world = World()
    needy = Step("send", Via.PACKET, "ping", run=world.act("send"), needs=(Need.NET_RAW,))
    holder = Step("hold", Via.NONE, "hold", run=world.act("hold"), undo=needy)

    def refused() -> list[str]:
        said = []
        for step in (needy, holder):
            with pytest.raises(RefusedError) as caught:
                carry_out.carry_out(session, Plan("do it", (*world.steps(), step)))
            said.append(caught.value.message)
        return said

    assert without(CAP_NET_RAW, refused) == ["do it needs CAP_NET_RAW, and this process has not"] * 2
    assert (world.done, log(session)) == ([], [])


def test_what_cannot_be_written_down_is_not_done(session: Session) -> None:
    """A log that others may read is none."""
    path = Path(session.environment.audit_file())
    path.parent.mkdir(parents=True)
    path.touch()
    path.chmod(0o644)
    world = World()
    with pytest.raises(RefusedError, match="nothing is done"):
        carry_out.carry_out(session, Plan("do", world.steps()))
    assert world.done == []


def test_a_dry_run_only_says(session: Session) -> None:
    """The steps and what puts them back, the packet, and what would be asked."""
    world = World()
    plan = Plan("do four things", (*world.steps(), Step("send", Via.PACKET, "ping", packet=b"\x60\x00")), "Really?")
    with session.permitting({"dry_run": True}):
        result = carry_out.carry_out(session, plan)
    assert [row.state for row in result.rows] == ["planned"] * 7
    assert [row.step for row in result.rows][4:] == ["undo three", "undo two", "undo one"]
    assert (result.rows[3].packet, result.rows[3].via, result.rows[3].equivalent) == ("6000", "packet", "ping")
    assert result.summary == "Nothing was done. It would do four things.\n\nIt asks first: Really?"
    assert (world.done, log(session)) == ([], [])
    assert planned(session, Plan("do", ())).summary == "Nothing was done. It would do."


def test_how_is_the_same_steps() -> None:
    """A row each, with the clause."""
    rows = explain(Plan("do", World().steps()))
    assert next((row.step, row.via, row.equivalent, row.reference) for row in rows) == (
        "one",
        "netlink",
        "ip one",
        "section one",
    )


def test_a_result_of_something_not_put_back(session: Session) -> None:
    """It is a failure of its own, though all was done."""
    plan = Plan("do", World(unone=MipshError("no")).steps()[:1])
    result = reported(session, plan, perform(plan.steps))
    assert (int(result.status), [row.state for row in result.rows]) == (2, ["done", "not_put_back"])
    assert Outcome([], []).is_done
