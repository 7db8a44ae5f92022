"""What became of a Binding Update that was asked for, judged from what was seen; pure.

A Binding Update counts when it was seen: as a message, or as another sequence number in the table.
It is accepted when its acknowledgement says so, or when the table has it as acknowledged. Nothing
counts because it was sent. What cannot be seen is could_not_tell, never a yes and never a no.
"""

from enum import StrEnum

from msgspec import Struct

from mipsh.action.observed import AWAITING, BOUND, Entry, Kind, Message, Observed, Source, Wanted
from mipsh.action.reasons import why_not_sent
from mipsh.model.acknowledgement import TRIED_AGAIN, is_acceptance, meaning
from mipsh.model.actions import BindingUpdateReport
from mipsh.status import ExitStatus

REFUSAL_S = 0.5
"""How long after a Binding Update that asks for no acknowledgement a rejection or a Binding Error is waited for."""
OUT_OF_WINDOW = 135
ACKNOWLEDGED = "sent, and the table has it as acknowledged"


class Verdict(StrEnum):
    """What became of it."""

    ACCEPTED = "accepted"
    NOT_ACKNOWLEDGED = "not_acknowledged"
    REJECTED = "rejected"
    UNANSWERED = "unanswered"
    NOT_SENT = "not_sent"
    COULD_NOT_TELL = "could_not_tell"


STATUSES = {
    Verdict.ACCEPTED: ExitStatus.OK,
    Verdict.NOT_ACKNOWLEDGED: ExitStatus.OK,
    Verdict.REJECTED: ExitStatus.FAILED,
    Verdict.UNANSWERED: ExitStatus.CONDITION_NOT_MET,
    Verdict.NOT_SENT: ExitStatus.CONDITION_NOT_MET,
    Verdict.COULD_NOT_TELL: ExitStatus.COULD_NOT_TELL,
}


class Judgement(Struct, frozen=True):
    """A verdict in a sentence, what to do about it, and the acknowledgement that it rests on."""

    verdict: Verdict
    explanation: str
    advice: str = ""
    answer: Message | None = None


def judge(wanted: Wanted, seen: Observed, now: float, *, is_over: bool) -> Judgement | None:
    """Return the verdict, None as long as more may come; ``is_over`` asks for one in any case."""
    answer = _answer(seen)
    if answer is not None and answer.status is not None:
        if is_acceptance(answer.status):
            return _accepted(wanted, answer, answer.status)
        if is_over or answer.status not in TRIED_AGAIN:
            return _rejected(answer, answer.status)
        return None
    errors = [m for m in seen.of(Kind.ERROR) if m.at > _sent_at(seen)]
    if errors and seen.of(Kind.UPDATE):
        return _refused_by_error(errors[-1])
    if seen.of(Kind.UPDATE) or seen.is_changed or (wanted.deletes and seen.has_vanished):
        return _sent(wanted, seen, now, is_over=is_over)
    return _not_seen(wanted, seen) if is_over else None


def _sent_at(seen: Observed) -> float:
    """Return when the first Binding Update was seen."""
    updates = seen.of(Kind.UPDATE)
    return updates[0].at if updates else seen.asked_at


def _answer(seen: Observed) -> Message | None:
    """Return the last acknowledgement of a Binding Update that was seen; a rejection for its number has another."""
    updates = {message.sequence for message in seen.of(Kind.UPDATE)}
    if seen.is_changed and seen.after is not None:
        updates.add(seen.after.sequence)
    found = None
    for message in seen.of(Kind.ACKNOWLEDGEMENT):
        if not updates or message.sequence in updates or message.status == OUT_OF_WINDOW:
            found = message
    return found


def _late(seen: Observed) -> list[Message]:
    """Return the acknowledgements of Binding Updates that were overtaken by another one."""
    return [m for m in seen.of(Kind.ACKNOWLEDGEMENT) if m.sequence is not None and m.sequence != seen.sequence]


def _accepted(wanted: Wanted, answer: Message, status: int) -> Judgement:
    said = meaning(status, answer.sequence)
    what = "the binding was deleted" if wanted.deletes else said.words
    return Judgement(Verdict.ACCEPTED, f"sent and answered: {what}", said.advice, answer)


def _rejected(answer: Message, status: int) -> Judgement:
    said = meaning(status, answer.sequence)
    return Judgement(Verdict.REJECTED, f"sent, answered and rejected: {said.words} ({status})", said.advice, answer)


def _refused_by_error(error: Message) -> Judgement:
    if error.status == 1:
        words = "the peer has no binding for the home address: it answered with Binding Error 1 (unknown binding)"
        advice = "it lost its state, or rejected the Binding Update in silence: ask again, and look at 'bc' there"
    else:
        words = "the peer does not know the message: it answered with Binding Error 2 (unrecognized MH type)"
        advice = "it does no Mobile IPv6: packets go through the home agent"
    return Judgement(Verdict.REJECTED, words, advice, error)


def _sent(wanted: Wanted, seen: Observed, now: float, *, is_over: bool) -> Judgement | None:
    """Judge a Binding Update that was seen, and whose acknowledgement was not."""
    updates = seen.of(Kind.UPDATE)
    is_table_enough = is_over or wanted.at_peer or not seen.watches_messages
    if wanted.deletes and seen.has_vanished and is_table_enough:
        return Judgement(Verdict.ACCEPTED, "the entry is gone from the table, as it was to be")
    if _is_acknowledged(seen.after) and seen.is_changed and is_table_enough:
        answer = Message(Kind.ACKNOWLEDGEMENT, now, Source.TABLE)
        where = "received, and this node's binding cache has it" if wanted.at_peer else ACKNOWLEDGED
        return Judgement(Verdict.ACCEPTED, where, "", answer)
    if updates and updates[-1].is_acknowledgement_wanted is False:
        return _not_acknowledged() if is_over or now - updates[-1].at >= REFUSAL_S else None
    if not updates and seen.after is not None and seen.after.state == BOUND and is_table_enough:
        return _not_acknowledged()
    return _unanswered(wanted, seen) if is_over else None


def _is_acknowledged(entry: Entry | None) -> bool:
    return entry is not None and entry.state == BOUND and entry.is_acknowledged is True


def _not_acknowledged() -> Judgement:
    return Judgement(
        Verdict.NOT_ACKNOWLEDGED,
        "sent; no acknowledgement was asked for, and nobody objected",
        "whether it was accepted is in the peer's binding cache ('bc' there), and in whether its packets come directly",
    )


def _unanswered(wanted: Wanted, seen: Observed) -> Judgement:
    """Judge a Binding Update without an acknowledgement: a late one is told apart from none."""
    late = _late(seen)
    if late:
        return Judgement(
            Verdict.UNANSWERED,
            f"sent; the acknowledgement of number {late[-1].sequence} came late, after {seen.sequence} had been sent, "
            "so that the mobile node ignores it (RFC 6275 section 11.7.3)",
            "the way to the peer and back takes longer than the retransmission timeout: look at its delay, and at "
            "InitialBindackTimeoutFirstReg",
            late[-1],
        )
    if wanted.at_peer:
        advice = "this node did not answer: look at its log, and at its policy for bindings"
    elif wanted.registration == "home":
        advice = "look whether the home agent is reached (ping it from the care-of address), whether its mobility "
        advice += "daemon runs, and whether both ends agree about IPsec: what does not fit a policy is dropped unsaid"
    else:
        advice = "look whether the correspondent is reached directly, and whether a firewall drops Mobility Headers"
    again = seen.after.next_event_s if seen.after is not None and seen.after.state == AWAITING else None
    when = "" if again is None else f"; the node sends it again in {max(again, 0)} s"
    return Judgement(Verdict.UNANSWERED, f"sent, and not answered within {wanted.wait_s:g} s{when}", advice)


def _not_seen(wanted: Wanted, seen: Observed) -> Judgement:
    if not seen.looks and not seen.watches_messages:
        blind = "; ".join(seen.blind) or "nothing could be looked at"
        return Judgement(Verdict.COULD_NOT_TELL, f"whether a Binding Update was sent could not be seen: {blind}")
    why, advice = why_not_sent(wanted, seen)
    return Judgement(Verdict.NOT_SENT, f"no Binding Update within {wanted.wait_s:g} s: {why}", advice)


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
        answer.lifetime_s if answer is not None and judgement.verdict is Verdict.ACCEPTED else None,
        tuple(evidence(seen)),
        wanted.sent,
        judgement.explanation,
        judgement.advice,
    )


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
    lines = [_line(message, seen.asked_at) for message in seen.messages]
    if seen.is_changed:
        wrapped = ": it wrapped around" if seen.is_wrapped else ""
        back = ": it went back, as after a restart" if seen.went_back else ""
        before = "no entry" if seen.sequence_before is None else f"sequence number {seen.sequence_before}"
        now = None if seen.after is None else seen.after.sequence
        lines.append(f"table: {before} before, {now} after{wrapped}{back}")
    elif seen.has_vanished:
        lines.append("table: the entry is gone")
    elif seen.looks and seen.after is not None:
        lines.append(f"table: sequence number {seen.after.sequence} as before, state {seen.after.state}")
    elif seen.looks:
        lines.append("table: no entry")
    if seen.hidden:
        lines.append(f"{seen.hidden} encrypted packets (ESP): what is in them cannot be seen")
    return [*lines, *(f"not seen: {text}" for text in seen.blind)]


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
