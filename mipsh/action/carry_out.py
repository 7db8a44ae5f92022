"""Carries out the steps of a change to a node: all that it needs is there before the first, and what was done is said.

A change is permitted, then written down, then done. Ctrl-C and errors stop it between two steps: what
can be put back is put back, and the result says of every step what became of it.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import Struct

from mipsh.action import audit
from mipsh.action.permit import permit
from mipsh.action.steps import Step
from mipsh.errors import MipshError
from mipsh.linux import privileges
from mipsh.model.actions import STEPS, StepReport
from mipsh.model.shell import How
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

INTERRUPTED = Notice("interrupted", "interrupted: the steps say what was done and what was not")
PLANNED, DONE, FAILED, STOPPED, NOT_DONE = "planned", "done", "failed", "interrupted", "not_done"
PUT_BACK, NOT_PUT_BACK = "put_back", "not_put_back"
BUG = "it ended with a bug of mipsh"


class Plan(Struct, frozen=True):
    """A change to a node: what it is in words, its steps, and what is to be changed as it is before.

    ``question`` is asked of a person where the change takes something away that does not come back of
    its own accord.
    """

    what: str
    steps: tuple[Step, ...]
    question: str = ""
    before: str = ""


class Outcome(Struct):
    """What became of a plan's steps: a state and a detail for each, and the error or interrupt that stopped it."""

    states: list[str]
    details: list[str]
    error: MipshError | None = None
    is_interrupted: bool = False
    restored: tuple[StepReport, ...] = ()

    @property
    def is_done(self) -> bool:
        """Tell whether all steps were done and whatever was to be put back was."""
        return all(state == DONE for state in self.states) and not any(r.state == NOT_PUT_BACK for r in self.restored)

    @property
    def status(self) -> ExitStatus:
        """The exit status that the steps alone earn."""
        if self.is_interrupted:
            return ExitStatus.INTERRUPTED
        if self.error is not None:
            return self.error.status
        return ExitStatus.OK if self.is_done else ExitStatus.FAILED


def explain(plan: Plan) -> list[How]:
    """Return how the steps of a plan are done by hand."""
    return [How(step.what, step.via.value, step.equivalent, step.reference or None) for step in plan.steps]


def prepared(session: Session, plan: Plan) -> None:
    """See to it that a plan may be carried out, before anything is; raises RefusedError."""
    permit(session, plan.what)
    needs = [need for step in plan.steps for need in (*step.needs, *(step.undo.needs if step.undo else ()))]
    privileges.require(needs, plan.what)
    if plan.question:
        permit(session, plan.what, question=plan.question)


def carry_out(session: Session, plan: Plan) -> Result:
    """Carry out a plan from permission to the line that says how it ended, and report its steps.

    With ``--dry-run`` the steps are reported as planned. Raises RefusedError where nothing was done.
    """
    if session.permission.dry_run:
        return planned(session, plan)
    return reported(session, plan, done(session, plan))


def done(session: Session, plan: Plan) -> Outcome:
    """Carry out a plan from permission to the line that says how it ended; raises RefusedError where nothing was."""
    prepared(session, plan)
    with Written(session, plan) as written:
        outcome = perform(plan.steps)
        written.ends(outcome.status, said(plan, outcome))
    return outcome


def concluded(session: Session, plan: Plan, conclude: Callable[[Outcome], tuple[Result, str]]) -> Result:
    """Carry out a plan, and let what is there then decide how it ended.

    ``conclude`` returns the result, and how things stand in a line. Raises RefusedError where nothing was
    done, and what ``conclude`` raises; what was done is written down in any case.
    """
    prepared(session, plan)
    with Written(session, plan) as written:
        outcome = perform(plan.steps)
        written.ends(outcome.status, said(plan, outcome))
        result, after = conclude(outcome)
        told = [notice.message for notice in result.errors]
        written.ends(result.status, "; ".join([said(plan, outcome), *told]), after)
    return result


class Written:
    """Writes down that a change begins, and in any case how it ended; raises RefusedError where it cannot begin."""

    def __init__(self, session: Session, plan: Plan) -> None:
        self._session = session
        self._plan = plan
        self._id = ""
        self._status, self._result, self._after = int(ExitStatus.INTERNAL_ERROR), BUG, ""

    def ends(self, status: ExitStatus, result: str, after: str = "") -> None:
        """Say how it ended."""
        self._status, self._result, self._after = int(status), result, after

    def _stopped(self, status: ExitStatus, why: str) -> None:
        """Say what stopped it, beside what was done until then."""
        self.ends(status, why if self._result == BUG else f"{self._result}; then: {why}", self._after)

    def __enter__(self) -> "Written":
        """Write down that it begins."""
        self._id = audit.begin(self._session, [step.what for step in self._plan.steps], self._plan.before)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Write down how it ended."""
        if isinstance(error, MipshError):
            self._stopped(error.status, error.message)
        elif isinstance(error, KeyboardInterrupt):
            self._stopped(ExitStatus.INTERRUPTED, "interrupted")
        audit.end(self._session, self._id, status=self._status, result=self._result, after=self._after)


def perform(steps: Sequence[Step]) -> Outcome:
    """Do the steps in order until one fails, or Ctrl-C; what began and can be put back is put back, last first."""
    outcome = Outcome([NOT_DONE] * len(steps), [""] * len(steps))
    begun: list[Step] = []
    try:
        _do(steps, outcome, begun)
    except KeyboardInterrupt:
        outcome.is_interrupted = True
    finally:
        outcome.restored = tuple(_put_back(len(steps) + number, undo) for number, undo in enumerate(begun[::-1], 1))
    return outcome


def _do(steps: Sequence[Step], outcome: Outcome, begun: list[Step]) -> None:
    """Do the steps until one fails; ``begun`` is what has to be put back, also of one that was interrupted."""
    for at, step in enumerate(steps):
        if step.undo is not None:
            begun.append(step.undo)
        outcome.states[at] = STOPPED
        try:
            outcome.details[at] = step.run() if step.run is not None else ""
        except MipshError as error:
            outcome.states[at], outcome.details[at], outcome.error = FAILED, error.message, error
            return
        outcome.states[at] = DONE


def _put_back(number: int, step: Step) -> StepReport:
    """Put something back; a Ctrl-C meanwhile is held off by trying once more."""
    for _ in range(2):
        try:
            detail = step.run() if step.run is not None else ""
        except MipshError as error:
            return _row(number, step, NOT_PUT_BACK, error.message)
        except KeyboardInterrupt:
            continue
        return _row(number, step, PUT_BACK, detail)
    return _row(number, step, NOT_PUT_BACK, "interrupted")


def planned(session: Session, plan: Plan) -> Result:
    """Return the steps as they would be done."""
    rows = [_row(number, step, PLANNED) for number, step in enumerate(plan.steps, 1)]
    undone = [step.undo for step in plan.steps if step.undo is not None][::-1]
    rows += [_row(len(rows) + number, step, PLANNED, "puts it back") for number, step in enumerate(undone, 1)]
    question = f"\n\nIt asks first: {plan.question}" if plan.question else ""
    summary = f"Nothing was done. It would {plan.what}.{question}"
    return Result(STEPS, rows, _info(session), summary=summary, shown=("number", "step", "equivalent"))


def reported(session: Session, plan: Plan, outcome: Outcome) -> Result:
    """Return what became of the steps."""
    rows = [
        _row(number, step, outcome.states[number - 1], outcome.details[number - 1])
        for number, step in enumerate(plan.steps, 1)
    ]
    errors: tuple[Notice, ...] = ()
    if outcome.is_interrupted:
        errors = (INTERRUPTED,)
    elif outcome.error is not None:
        errors = (Notice(outcome.error.code, outcome.error.message, outcome.error.hint),)
    return Result(STEPS, [*rows, *outcome.restored], _info(session), errors=errors, status=outcome.status)


def said(plan: Plan, outcome: Outcome) -> str:
    """Return in a line what became of a plan, for the audit log."""
    steps = [f"{step.what}: {state}" for step, state in zip(plan.steps, outcome.states, strict=True)]
    return "; ".join([*steps, *(f"{row.step}: {row.state}" for row in outcome.restored)])


def _row(number: int, step: Step, state: str, detail: str = "") -> StepReport:
    packet = None if step.packet is None else step.packet.hex()
    return StepReport(number, step.what, state, detail, step.via.value, step.equivalent, packet)


def _info(session: Session) -> Any:
    return None if session.connector is None else session.connector.info
