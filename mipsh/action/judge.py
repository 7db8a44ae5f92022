"""What became of a Binding Update that was asked for, judged from what was seen; pure.

A Binding Update counts when it was seen: as a message, or as another sequence number in the table.
It is accepted when its acknowledgement says so, or when the table has it as acknowledged. Nothing
counts because it was sent. What cannot be seen is could_not_tell, never a yes and never a no.
"""

from enum import StrEnum

from msgspec import Struct

from mipsh.action.observed import AWAITING, BOUND, HOME, Entry, Kind, Message, Observed, Source, Wanted
from mipsh.action.reasons import why_not_sent
from mipsh.mobility import serial
from mipsh.model.acknowledgement import TRIED_AGAIN, is_acceptance, meaning
from mipsh.status import ExitStatus

REFUSAL_S = 0.5
"""How long after a Binding Update that asks for no acknowledgement a rejection or a Binding Error is waited for."""
OUT_OF_WINDOW, UNKNOWN_TYPE = 135, 2
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
            return _rejected(seen, answer, answer.status)
        return None
    updates = seen.of(Kind.UPDATE)
    errors = [message for message in seen.of(Kind.ERROR) if updates and message.at >= updates[0].at]
    if errors:
        return _refused_by_error(errors[-1])
    if updates or seen.is_changed or (wanted.deletes and seen.has_vanished):
        return _sent(wanted, seen, now, is_over=is_over)
    return _not_seen(wanted, seen) if is_over else None


def _answer(seen: Observed) -> Message | None:
    """Return the last acknowledgement that names the Binding Update that was the last one when it came.

    A rejection for the number names the peer's own. Where no Binding Update was seen, the table's
    number counts, or else any that follows the one before: such a one must have been sent.
    """
    found, number = None, None
    tabled = seen.after.sequence if seen.is_changed and seen.after is not None else None
    is_any_seen = bool(seen.of(Kind.UPDATE)) or tabled is not None
    for message in seen.messages:
        if message.kind is Kind.UPDATE:
            number = message.sequence
        elif message.kind is Kind.ACKNOWLEDGEMENT and message.sequence is not None:
            is_named = message.sequence in (number, tabled) if is_any_seen else _follows(seen, message.sequence)
            if is_named or (is_any_seen and message.status == OUT_OF_WINDOW):
                found = message
    return found


def _follows(seen: Observed, number: int) -> bool:
    return seen.sequence_before is not None and serial.newer(number, seen.sequence_before)


def _late(seen: Observed) -> list[Message]:
    """Return the acknowledgements of Binding Updates that were overtaken by another one."""
    return [m for m in seen.of(Kind.ACKNOWLEDGEMENT) if m.sequence is not None and m.sequence != seen.sequence]


def _accepted(wanted: Wanted, answer: Message, status: int) -> Judgement:
    said = meaning(status, answer.sequence)
    what = "the binding was deleted" if wanted.deletes else said.words
    return Judgement(Verdict.ACCEPTED, f"sent and answered: {what}", said.advice, answer)


def _rejected(seen: Observed, answer: Message, status: int) -> Judgement:
    said = meaning(status, answer.sequence)
    words = f"sent, answered and rejected: {said.words} ({status})"
    if any(update.at > answer.at for update in seen.of(Kind.UPDATE)):
        words += "; the one that was sent after that is not answered"
    return Judgement(Verdict.REJECTED, words, said.advice, answer)


def _refused_by_error(error: Message) -> Judgement:
    if error.status == 1:
        words = "the peer has no binding for the home address: it answered with Binding Error 1 (unknown binding)"
        advice = "it lost its state, or rejected the Binding Update in silence: ask again, and look at 'bc' there"
    elif error.status == UNKNOWN_TYPE:
        words = "the peer does not know the message: it answered with Binding Error 2 (unrecognized MH type)"
        advice = "it does no Mobile IPv6: packets go through the home agent"
    else:
        words = f"the peer answered with a Binding Error of a status that RFC 6275 does not have ({error.status})"
        advice = "look at the peer's log"
    return Judgement(Verdict.REJECTED, words, advice, error)


def _sent(wanted: Wanted, seen: Observed, now: float, *, is_over: bool) -> Judgement | None:
    """Judge a Binding Update that was seen, and the acknowledgement of which was not."""
    updates, late = seen.of(Kind.UPDATE), _late(seen)
    is_table_enough = is_over or wanted.at_peer or not seen.watches_messages or bool(late) or _has_settled(seen, now)
    if wanted.deletes and seen.has_vanished and is_table_enough:
        return Judgement(Verdict.ACCEPTED, "the entry is gone from the table, as it was to be")
    if _is_acknowledged(seen.after) and seen.is_changed and is_table_enough:
        answer = late[-1] if late else Message(Kind.ACKNOWLEDGEMENT, now, Source.TABLE)
        where = "received, and this node's binding cache has it" if wanted.at_peer else ACKNOWLEDGED
        return Judgement(Verdict.ACCEPTED, where, "", answer)
    if updates and updates[-1].is_acknowledgement_wanted is False:
        return _not_acknowledged() if is_over or now - updates[-1].at >= REFUSAL_S else None
    if not updates and seen.after is not None and seen.after.state == BOUND and is_table_enough:
        return _not_acknowledged()
    return _unanswered(wanted, seen, late) if is_over else None


def _has_settled(seen: Observed, now: float) -> bool:
    """Tell whether the table showed it so long ago that messages, which may be encrypted, will not be seen any more."""
    return seen.table_changed_at is not None and now - seen.table_changed_at >= REFUSAL_S


def _is_acknowledged(entry: Entry | None) -> bool:
    return entry is not None and entry.state == BOUND and entry.is_acknowledged is True


def _not_acknowledged() -> Judgement:
    return Judgement(
        Verdict.NOT_ACKNOWLEDGED,
        "sent; no acknowledgement was asked for, and nobody objected",
        "whether it was accepted is in the peer's binding cache ('bc' there), and in whether its packets come directly",
    )


def _unanswered(wanted: Wanted, seen: Observed, late: list[Message]) -> Judgement:
    """Judge a Binding Update without an acknowledgement: a late one, and one that could not be seen, are told apart."""
    if late:
        return _answered_late(seen, late[-1])
    if not seen.watches_messages and not seen.is_table_current:
        words = f"sent; whether it was answered could not be seen: {_blindness(seen)}"
        return Judgement(Verdict.COULD_NOT_TELL, words, "look at 'bul' when the engine can be asked again")
    if seen.has_vanished:
        return Judgement(
            Verdict.UNANSWERED,
            "sent and not answered, and the entry is gone from the table",
            "the node gave up, or went home: look at 'status' and at its log",
        )
    if wanted.at_peer:
        advice = "this node did not answer: look at its log, and at its policy for bindings"
    elif wanted.registration == HOME:
        advice = "look whether the home agent is reached (ping it from the care-of address), whether its mobility "
        advice += "daemon runs, and whether both ends agree about IPsec: what does not fit a policy is dropped unsaid"
    else:
        advice = "look whether the correspondent is reached directly, and whether a firewall drops Mobility Headers"
    again = seen.after.next_event_s if seen.after is not None and seen.after.state == AWAITING else None
    when = "" if again is None else f"; the node sends it again in {max(again, 0)} s"
    return Judgement(Verdict.UNANSWERED, f"sent, and not answered within {wanted.wait_s:g} s{when}", advice)


def _answered_late(seen: Observed, late: Message) -> Judgement:
    """Judge an acknowledgement that names a Binding Update before the last one, and that the table does not show."""
    advice = "the way to the peer and back takes longer than the retransmission timeout: look at its delay, and at "
    advice += "InitialBindackTimeoutFirstReg"
    if late.status is not None and not is_acceptance(late.status):
        said = meaning(late.status, late.sequence)
        words = f"sent, and number {late.sequence}, the one before, was rejected: {said.words} ({late.status})"
        return Judgement(Verdict.REJECTED, words, said.advice or advice, late)
    return Judgement(
        Verdict.UNANSWERED,
        f"sent; the acknowledgement of number {late.sequence} came late, after {seen.sequence} had been sent, and the "
        "node did not take it for an answer (RFC 6275 section 11.7.3)",
        advice,
        late,
    )


def _not_seen(wanted: Wanted, seen: Observed) -> Judgement:
    """Judge where no Binding Update was seen: only who could have seen one may say that there was none."""
    is_blind = not seen.watches_messages or seen.hidden > 0 or seen.left_out > 0
    if is_blind and not seen.is_table_current:
        words = f"whether a Binding Update was sent could not be seen: {_blindness(seen)}"
        return Judgement(Verdict.COULD_NOT_TELL, words, "ask again, or wait longer with --wait; 'bul' shows the list")
    if seen.of(Kind.ACKNOWLEDGEMENT) and seen.sequence_before is None:
        words = "an acknowledgement was seen, and the Binding Update that it answers was not"
        return Judgement(Verdict.COULD_NOT_TELL, words, "ask again")
    why, advice = why_not_sent(wanted, seen)
    return Judgement(Verdict.NOT_SENT, f"no Binding Update within {wanted.wait_s:g} s: {why}", advice)


def unfinished(seen: Observed) -> Judgement:
    """Return the verdict where it was not waited for to the end, and there is none yet."""
    is_sent = bool(seen.of(Kind.UPDATE)) or seen.is_changed
    words = "sent, and not answered" if is_sent else "no Binding Update was seen"
    advice = "the engine's tables say how it stands now: 'bul', or 'bc' at the peer"
    return Judgement(Verdict.COULD_NOT_TELL, f"{words}, as long as it was waited for", advice)


def _blindness(seen: Observed) -> str:
    """Return what could not be seen, and why."""
    hidden = [f"{seen.hidden} packets were encrypted (ESP)"] if seen.hidden else []
    return "; ".join([*hidden, *seen.blind]) or "nothing could be looked at"
