"""Asks for Binding Updates, method after method, and tells of each what became of it.

Everything is permitted and prepared before the first packet. A method that made nothing come is
followed by a more intrusive one; a Binding Update that was seen ends it, whatever its answer was.
"""

import time

from msgspec import Struct

from mipsh.action.carry_out import Outcome, Plan, Written, perform, prepared
from mipsh.action.judge import STATUSES, Judgement, Verdict, report
from mipsh.action.methods import WORDS, Method, Target, chosen, plan
from mipsh.action.observed import Wanted
from mipsh.action.watching import Watch
from mipsh.errors import EngineComplaint, MipshError
from mipsh.model.actions import BINDING_UPDATES, BindingUpdateReport
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

TO_BE_FOLLOWED = (Verdict.NOT_SENT,)
NAMED = tuple(method.value for method in Method if method is not Method.NATIVE)


class Attempt(Struct, frozen=True):
    """A method for a target, planned; ``method`` is a Method's value, or another word for what moves a node."""

    target: Target
    method: str
    plan: Plan


class Done(Struct):
    """What has been found until now."""

    rows: list[BindingUpdateReport]
    status: ExitStatus = ExitStatus.OK
    errors: tuple[Notice, ...] = ()


def attempts(session: Session, targets: list[Target], named: str) -> list[list[Attempt]]:
    """Return the attempts for each target in their order; raises UsageError, CannotTell, RefusedError.

    Of several methods, those that cannot be planned are left out as long as one can.
    """
    connector = session.engine()
    found = []
    for target in targets:
        planned: list[Attempt] = []
        failures: list[MipshError] = []
        for method in chosen(connector, target, named):
            try:
                planned.append(Attempt(target, method.value, plan(connector, target, method)))
            except MipshError as error:
                failures.append(error)
        if not planned:
            raise failures[0]
        found.append(planned)
    return found


def whole(found: list[list[Attempt]]) -> Plan:
    """Return all attempts as one plan, to be permitted, written down and shown as such."""
    flat = [attempt for group in found for attempt in group]
    questions = dict.fromkeys(attempt.plan.question for attempt in flat if attempt.plan.question)
    steps = tuple(step for attempt in flat for step in attempt.plan.steps)
    what = "; if nothing comes, ".join(dict.fromkeys(attempt.plan.what for attempt in flat))
    return Plan(what, steps, " ".join(questions))


def trigger(session: Session, found: list[list[Attempt]], wait_s: float) -> Result:
    """Ask for the Binding Updates, and return a row for each attempt; the worst verdict earns the exit status."""
    everything = whole(found)
    prepared(session, everything)
    done = Done([])
    with Written(session, everything) as written:
        for group in found:
            _one(session, group, wait_s, done)
            if done.errors:
                break
        said = "; ".join(f"{row.home_address} with {row.peer_address}: {row.explanation}" for row in done.rows)
        written.ends(done.status, said or "; ".join(notice.message for notice in done.errors))
    info = session.engine().info
    summary = "\n".join(_sentence(row) for row in done.rows)
    return Result(
        BINDING_UPDATES,
        done.rows,
        info,
        time.time(),
        f"\n{summary}" if summary else "",
        done.errors,
        status=done.status,
    )


def _one(session: Session, group: list[Attempt], wait_s: float, done: Done) -> None:
    """Try the methods for one target until one has an effect."""
    status = ExitStatus.OK
    for number, attempt in enumerate(group):
        name(session, attempt, is_first=number == 0)
        wanted = _wanted(attempt, wait_s)
        with Watch(session, wanted).open() as watch:
            judgement, outcome = _try(attempt.plan, watch)
            if isinstance(outcome.error, EngineComplaint):
                # The engine's own no is a verdict, and no failure of ours.
                judgement = Judgement(Verdict.NOT_SENT, outcome.error.message, outcome.error.hint)
                outcome = Outcome([], [])
            done.rows.append(report(wanted, watch.seen, judgement))
        status = STATUSES[judgement.verdict]
        if outcome.status:
            status = outcome.status
            done.errors = _notices(outcome)
        if done.errors or judgement.verdict not in TO_BE_FOLLOWED:
            break
    done.status = max(done.status, status)


def _try(planned: Plan, watch: Watch) -> tuple[Judgement, Outcome]:
    """Do what asks for a Binding Update, and wait for what comes of it; Ctrl-C ends the waiting."""
    watch.asked()
    outcome = perform(planned.steps)
    if outcome.error is not None or outcome.is_interrupted:
        return watch.so_far(), outcome
    try:
        return watch.verdict(), outcome
    except KeyboardInterrupt:
        outcome.is_interrupted = True
        return watch.so_far(), outcome


def name(session: Session, attempt: Attempt, *, is_first: bool) -> None:
    """Say which method is used, before it is."""
    words = WORDS.get(Method(attempt.method)) if attempt.method in NAMED else None
    if words is not None and session.settings.verbosity >= 0:
        lead = "" if is_first else "no Binding Update came; "
        session.environment.warn(f"bu: {lead}{attempt.method}: {words}")


def _wanted(attempt: Attempt, wait_s: float) -> Wanted:
    target = attempt.target
    return Wanted(
        target.home_address,
        target.peer,
        target.registration,
        attempt.method,
        attempt.plan.what,
        wait_s,
        target.at_peer,
        target.lifetime_s == 0,
    )


def _notices(outcome: Outcome) -> tuple[Notice, ...]:
    lines = [f"{row.step}: {row.state.replace('_', ' ')}" for row in outcome.restored]
    restored = "; ".join(lines)
    if outcome.error is not None:
        hint = "; ".join(filter(None, (outcome.error.hint, restored)))
        return (Notice(outcome.error.code, outcome.error.message, hint),)
    done = ", ".join(dict.fromkeys(state.replace("_", " ") for state in outcome.states))
    if outcome.is_interrupted:
        return (Notice("interrupted", f"interrupted; what asks for the Binding Update: {done}", restored),)
    return (Notice("failed", f"not all was put back: {restored}", "put it back by hand: see --how"),)


def _sentence(row: BindingUpdateReport) -> str:
    advice = f"\n  → {row.advice}" if row.advice else ""
    return f"{row.method}: {row.explanation}.{advice}"
