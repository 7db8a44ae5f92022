"""What became of a handover as a result: the row, what is said of it, and the exit status."""

import time

from mipsh.action.carry_out import Outcome
from mipsh.action.handover import Case
from mipsh.handover.stopwatch import Stopwatch, stopwatch
from mipsh.handover.story import WORDS, Step, Story
from mipsh.handover.traffic import NOT_WATCHED, Traffic, latest_path, traffic
from mipsh.handover.verdict import Verdict, sentence, verdict
from mipsh.lab.measured import at_best_s
from mipsh.lab.state import Impairment
from mipsh.lab.topology import CORRESPONDENT
from mipsh.model.handovers import HANDOVERS, HandoverReport
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

STATUSES = {True: ExitStatus.OK, False: ExitStatus.CONDITION_NOT_MET, None: ExitStatus.COULD_NOT_TELL}
TIMES = tuple(step for step in Step if step is not Step.LINK_DOWN)


def report(session: Session, story: Story, found: Case, limits: tuple[float, int | None], outcome: Outcome) -> Result:
    """Return the result of a handover that was watched, and of what provoked it.

    ``limits`` are the seconds from one echo to the next, and the milliseconds that it may take, if there is a limit.
    """
    interval_s, within_ms = limits
    watch = stopwatch(story)
    seen = traffic(story)
    judged = verdict(story, watch, None if within_ms is None else within_ms / 1000)
    bound_ms = None if watch is None else bound(story, watch, found, interval_s)
    said = sentence(story, watch, judged, seen, bound_ms)
    rows = [] if watch is None else [row(story, watch, found, (judged, seen, bound_ms, said))]
    notices = _notices(outcome)
    status = outcome.status if outcome.error is not None or outcome.is_interrupted else STATUSES[judged.is_met]
    info = None if session.connector is None else session.connector.info
    warnings = (Notice("unwatched", NOT_WATCHED),) if seen.lost > seen.lost_here and not story.is_peer_watched else ()
    return Result(
        HANDOVERS,
        rows,
        info,
        time.time(),
        summary(watch, said),
        notices,
        warnings,
        status=max(status, outcome.status),
    )


def _notices(outcome: Outcome) -> tuple[Notice, ...]:
    if outcome.error is not None:
        return (Notice(outcome.error.code, outcome.error.message, outcome.error.hint),)
    if outcome.is_interrupted:
        return (Notice("interrupted", "interrupted: it says what was seen until then"),)
    if any(restored.state == "not_put_back" for restored in outcome.restored):
        return (Notice("failed", "not all was put back", "put it back by hand: see --how"),)
    return ()


def summary(watch: Stopwatch | None, said: str) -> str:
    """Return the sentence, below it what was not seen, by its reasons."""
    reasons: dict[str, list[str]] = {}
    for step, reason in ({} if watch is None else watch.unknown).items():
        reasons.setdefault(reason, []).append(WORDS[step])
    lines = [f"  not known: {', '.join(steps)}: {reason}" for reason, steps in reasons.items()]
    return "\n".join(["", said, *lines])


def bound(story: Story, watch: Stopwatch, found: Case, interval_s: float) -> float | None:
    """Return the milliseconds from link up to the first reply at best; None outside a lab, or where it is not known.

    An echo goes from the home agent to the correspondent and back in addition, where the route is not optimised.
    """
    state = None if found.lab is None else found.lab.state
    link = None if found.node is None else next(iter(found.node.links.values()), None)
    if state is None or link is None or watch.is_home:
        return None
    known = Step.SOLICITED in watch.at and Step.ADVERTISED in watch.at
    heard_s = watch.at[Step.ADVERTISED] - watch.at[Step.SOLICITED] if known else None
    at_best = at_best_s(state, link, heard_s, interval_s, is_optimised=story.was_optimised)
    if at_best is None:
        return None
    beyond = 0.0 if story.was_optimised else 2 * state.impairments.get(CORRESPONDENT, Impairment()).delay_s
    return round((at_best + beyond) * 1000, 1)


def row(
    story: Story, watch: Stopwatch, found: Case, judgement: tuple[Verdict, Traffic, float | None, str]
) -> HandoverReport:
    """Return the handover as a record."""
    judged, seen, bound_ms, said = judgement
    times = {f"{step.value}_ms": watch.ms(step) for step in TIMES}
    up, first = times["link_up_ms"], times["first_packet_ms"]
    taken_ms = None if up is None or first is None else first - up
    slowest = watch.slowest
    link = next(iter(found.node.links.values()), None) if found.node is not None else watch.interface or None
    before = (echo for echo in story.echoes if echo.sent_at < watch.at[watch.zero])
    return HandoverReport(
        node=story.ends.home_address if found.node is None else found.node.name,
        link=link,
        sent=seen.sent,
        lost=seen.lost,
        bound_ms=bound_ms,
        ratio=None if not bound_ms or taken_ms is None else round(taken_ms / bound_ms, 2),
        is_completed=judged.is_completed,
        slowest=None if slowest is None else slowest.words,
        slowest_ms=None if slowest is None else round(slowest.seconds * 1000, 1),
        since=watch.zero.value,
        peer_address=story.ends.peer,
        home_address=story.ends.home_address,
        care_of_address=watch.care_of or None,
        path_before=latest_path(before) or None,
        path_after=latest_path(story.echoes) or None,
        gap_out_ms=_ms(seen.gap_out_s),
        gap_back_ms=_ms(seen.gap_back_s),
        lost_here=seen.lost_here,
        lost_out=seen.lost_out,
        lost_back=seen.lost_back,
        total_ms=_ms(judged.total_s),
        is_within=judged.is_within,
        unknown={step.value: reason for step, reason in watch.unknown.items()},
        sentence=said,
        **times,
    )


def _ms(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)
