"""What became of a Binding Update, as a row: the verdict, its numbers and times, and the evidence; pure."""

from mipsh.action.judge import Judgement, Verdict
from mipsh.action.observed import Entry, Kind, Message, Observed, Source, Wanted
from mipsh.model.acknowledgement import meaning
from mipsh.model.actions import BindingUpdateReport

MOST_LINES = 16
"""How many messages are told as evidence: the first and the last ones."""


def report(wanted: Wanted, seen: Observed, judgement: Judgement) -> BindingUpdateReport:
    """Return the row that says it all."""
    updates, answer = seen.of(Kind.UPDATE), judgement.answer
    status = None if answer is None or answer.kind is not Kind.ACKNOWLEDGEMENT else answer.status
    asked = _answered(updates, answer)
    first = updates[0].at if updates else seen.table_changed_at
    answered_at = answer.at if answer is not None and answer.source is not Source.TABLE else None
    return BindingUpdateReport(
        wanted.home_address,
        wanted.peer or _peer(seen),
        wanted.registration,
        wanted.method,
        judgement.verdict.value,
        seen.sequence_before,
        seen.sequence,
        status,
        None if status is None else meaning(status).name,
        None if first is None else _ms(first - seen.asked_at),
        None if answered_at is None or asked is None else _ms(answered_at - asked.at),
        _granted(seen, judgement),
        tuple(evidence(seen)),
        wanted.sent,
        judgement.explanation + _jumped(seen),
        judgement.advice,
    )


def _granted(seen: Observed, judgement: Judgement) -> int | None:
    """Return the lifetime that was granted: as the acknowledgement says, or the table where it was not seen."""
    answer = judgement.answer
    if judgement.verdict is not Verdict.ACCEPTED or answer is None:
        return None
    if answer.lifetime_s is None and answer.source is Source.TABLE and seen.after is not None:
        return seen.after.lifetime_s
    return answer.lifetime_s


def _jumped(seen: Observed) -> str:
    """Return what is unusual about the sequence number."""
    if seen.is_wrapped:
        return f"; its sequence number wrapped around, from {seen.sequence_before} to {seen.sequence}"
    if seen.went_back:
        return (
            f"; its sequence number went back, from {seen.sequence_before} to {seen.sequence}, as after a restart "
            "(RFC 6275 section 9.5.1)"
        )
    return ""


def entry_in_words(entry: Entry | None, is_known: bool = True) -> str:
    """Return a row of the table in a line, for the audit log."""
    if not is_known:
        return "not known"
    if entry is None:
        return "no entry"
    peer = f" with {entry.peer}" if entry.peer else ""
    return f"sequence number {entry.sequence}{peer}, state {entry.state}, {entry.remaining_s} s left"


def _peer(seen: Observed) -> str | None:
    """Return the peer that was not known before."""
    return None if seen.after is None else seen.after.peer


def _answered(updates: list[Message], answer: Message | None) -> Message | None:
    """Return the Binding Update that an acknowledgement belongs to."""
    if answer is None:
        return None
    same = [update for update in updates if update.sequence == answer.sequence]
    before = [update for update in updates if update.at <= answer.at]
    return next(iter((same or before)[-1:]), None)


def evidence(seen: Observed) -> list[str]:
    """Return what was seen, a line each, in the order of time; then what the table says, and what could not be seen."""
    lines = _lines(seen)
    if seen.is_changed:
        before = "no entry" if seen.sequence_before is None else f"sequence number {seen.sequence_before}"
        now = None if seen.after is None else seen.after.sequence
        lines.append(f"table: {before} before, {now} after")
    elif seen.has_vanished:
        lines.append("table: the entry is gone")
    elif seen.looks and seen.after is not None:
        lines.append(f"table: sequence number {seen.after.sequence} as before, state {seen.after.state}")
    elif seen.looks:
        lines.append("table: no entry")
    if seen.hidden:
        lines.append(f"{seen.hidden} encrypted packets (ESP): what is in them cannot be seen")
    return [*lines, *(f"not seen: {text}" for text in seen.blind)]


def _lines(seen: Observed) -> list[str]:
    """Return a line for each message; of very many, for the first and the last ones."""
    told, count = seen.messages, len(seen.messages) + seen.left_out
    if count <= MOST_LINES:
        return [_line(message, seen.asked_at) for message in told]
    half = MOST_LINES // 2
    first, last = ([_line(m, seen.asked_at) for m in part] for part in (told[:half], told[-half:]))
    return [*first, f"{count - MOST_LINES} more messages", *last]


def _line(message: Message, since: float) -> str:
    said = [f"{_ms(message.at - since):g} ms", message.kind.value]
    if message.sequence is not None:
        said.append(f"number {message.sequence}")
    if message.status is not None and message.kind is Kind.ACKNOWLEDGEMENT:
        said.append(f"status {message.status} ({meaning(message.status).words})")
    elif message.status is not None:
        said.append(f"status {message.status}")
    if message.lifetime_s is not None:
        said.append(f"lifetime {message.lifetime_s} s")
    return f"{', '.join(said)}: {message.source.value}"


def _ms(seconds: float) -> float:
    return round(max(seconds, 0.0) * 1000, 3)
