"""Asks for Binding Updates, method after method, and tells of each what became of it.

Everything is permitted and prepared before the first packet. A method that made nothing come is
followed by a more intrusive one; a Binding Update that was seen ends it, whatever its answer was.
"""

import time

from msgspec import Struct

from mipsh.action.carry_out import DONE, Outcome, Plan, Written, perform, prepared, said
from mipsh.action.judge import STATUSES, Judgement, Verdict
from mipsh.action.methods import WORDS, Method, Target, chosen, plan
from mipsh.action.observed import Wanted
from mipsh.action.report import entry_in_words, report
from mipsh.action.watching import Watch
from mipsh.errors import EngineComplaint, MipshError
from mipsh.model.actions import BINDING_UPDATES, BindingUpdateReport
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

TO_BE_FOLLOWED = (Verdict.NOT_SENT,)
NAMED = tuple(method.value for method in Method if method is not Method.NATIVE)
NARROW = ("home_address", "peer_address", "method", "verdict", "sequence", "ba_status", "acknowledgement_ms")
"""The columns of several rows on a terminal; a single one is shown whole."""


class Attempt(Struct, frozen=True):
    """A method for a target, planned; ``method`` is a Method's value, or another word for what moves a node."""

    target: Target
    method: str
    plan: Plan


class Done(Struct):
    """What has been found until now; ``after`` says of each attempt how the table is then."""

    rows: list[BindingUpdateReport]
    after: list[str]
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
    whats = ("; if nothing comes, ".join(attempt.plan.what for attempt in group) for group in found)
    known = dict.fromkeys(_named(attempt.target, attempt.target.known) for attempt in flat)
    return Plan("; ".join(whats), steps, " ".join(questions), "; ".join(known))


def _named(target: Target, text: str) -> str:
    return f"{target.home_address} with {target.peer or 'its home agent'}: {text}"


def trigger(session: Session, found: list[list[Attempt]], wait_s: float) -> Result:
    """Ask for the Binding Updates, and return a row for each attempt; the worst verdict earns the exit status."""
    everything = whole(found)
    prepared(session, everything)
    done = Done([], [])
    with Written(session, everything) as written:
        for group in found:
            _one(session, group, wait_s, done)
            if done.errors:
                break
        found_out = [
            f"{row.method}: {row.home_address} with {row.peer_address}: {row.explanation}" for row in done.rows
        ]
        told = [notice.message for notice in done.errors]
        written.ends(done.status, "; ".join([*found_out, *told]), "; ".join(dict.fromkeys(done.after)))
    return Result(
        BINDING_UPDATES,
        done.rows,
        session.engine().info,
        time.time(),
        _sentences(done.rows),
        done.errors,
        status=done.status,
        shown=NARROW if len(done.rows) > 1 else None,
    )


def _one(session: Session, group: list[Attempt], wait_s: float, done: Done) -> None:
    """Try the methods for one target until one has an effect."""
    status = ExitStatus.OK
    for number, attempt in enumerate(group):
        name(session, attempt, is_first=number == 0)
        wanted = _wanted(attempt, wait_s)
        with Watch(session, wanted).open() as watch:
            judgement, outcome = _try(attempt.plan, watch)
            if isinstance(outcome.error, EngineComplaint) and DONE not in outcome.states:
                # The engine's own no is a verdict, and no failure of ours.
                judgement = Judgement(Verdict.NOT_SENT, outcome.error.message, outcome.error.hint)
                outcome = Outcome([], [])
            done.rows.append(report(wanted, watch.seen, judgement))
            done.after.append(_named(attempt.target, entry_in_words(watch.seen.after, watch.seen.is_table_current)))
        status = STATUSES[judgement.verdict]
        if outcome.status:
            status = outcome.status
            done.errors = _notices(attempt.plan, outcome)
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


def _notices(planned: Plan, outcome: Outcome) -> tuple[Notice, ...]:
    """Return what went wrong, with what was done and what was not."""
    became = said(planned, outcome).replace("_", " ")
    if outcome.error is not None:
        hint = "; ".join(filter(None, (outcome.error.hint, became)))
        return (Notice(outcome.error.code, outcome.error.message, hint),)
    if outcome.is_interrupted:
        return (Notice("interrupted", f"interrupted; {became}", "the rows say what was seen until then"),)
    return (Notice("failed", f"not all was put back: {became}", "put it back by hand: see --how"),)


def _sentences(rows: list[BindingUpdateReport]) -> str:
    """Return what is said of each row; of several bindings, with which one it is."""
    are_several = len({(row.home_address, row.peer_address) for row in rows}) > 1
    told = []
    for row in rows:
        whose = f"{row.home_address} with {row.peer_address or 'its home agent'}, " if are_several else ""
        told.append(f"\n{whose}{row.method}: {row.explanation}.")
        told += [f"\n  → {row.advice}"] if row.advice else []
    return "".join(told)
