"""What became of a Binding Update, from values made by hand: a table of cases, and what holds for any."""

from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from mipsh.action.judge import REFUSAL_S, STATUSES, Judgement, Verdict, judge, unfinished
from mipsh.action.observed import AWAITING, BOUND, CORRESPONDENT, HOME, Entry, Kind, Message, Observed, Source, Wanted
from mipsh.action.report import MOST_LINES, entry_in_words, report
from mipsh.model.acknowledgement import MEANINGS, meaning

HOA, PEER = "2001:db8:1::100", "2001:db8:4::2"
WANTED = Wanted(HOA, PEER, CORRESPONDENT, "native", "asked", 5.0)
AT_PEER, DELETING = structs.replace(WANTED, at_peer=True), structs.replace(WANTED, deletes=True)
WAS = Entry(7, BOUND, 420, 410, 400, True, 0, PEER)
NEW, WAITS = structs.replace(WAS, sequence=8), Entry(8, AWAITING, 420, None, 3, False, 0, PEER)
PLAIN = structs.replace(NEW, is_acknowledged=False)


def update(sequence: int | None = 8, at: float = 1.0, *, asks: bool | None = True) -> Message:
    """Return a Binding Update that was seen."""
    return Message(Kind.UPDATE, at, Source.EVENT, sequence, None, 420, asks)


def answer(status: int | None = 0, sequence: int | None = 8, at: float = 2.0) -> Message:
    """Return an acknowledgement that was seen."""
    return Message(Kind.ACKNOWLEDGEMENT, at, Source.EVENT, sequence, status, 400)


def error(status: int = 1, at: float = 2.0) -> Message:
    """Return a Binding Error that was seen."""
    return Message(Kind.ERROR, at, Source.EVENT, None, status)


def seen(
    *messages: Message,
    after: Entry | None = WAS,
    before: Entry | None = WAS,
    looks: int = 1,
    watches: bool = True,
    is_stale: bool = False,
    is_before_known: bool = True,
    hidden: int = 0,
) -> Observed:
    """Return what was seen since 0.0; the table is as it was unless it is said."""
    found = Observed(
        0.0, before, after, is_before_known, is_stale, looks=looks, watches_messages=watches, hidden=hidden
    )
    found.messages.extend(messages)
    return found


class Case(NamedTuple):
    """What was seen, and what is to be said of it when the time is over."""

    seen: Observed
    verdict: Verdict
    words: str
    wanted: Wanted = WANTED


CASES = {
    "acknowledged": Case(seen(update(), answer()), Verdict.ACCEPTED, "Binding Update accepted"),
    "acknowledged by the table": Case(seen(after=NEW), Verdict.ACCEPTED, "the table has it as acknowledged"),
    "a first entry": Case(seen(before=None, after=NEW), Verdict.ACCEPTED, "the table has it"),
    "in the peer's cache": Case(seen(after=NEW), Verdict.ACCEPTED, "this node's binding cache has it", AT_PEER),
    "deleted": Case(seen(update(), answer()), Verdict.ACCEPTED, "the binding was deleted", DELETING),
    "deleted, gone": Case(seen(after=None), Verdict.ACCEPTED, "gone from the table, as it was to be", DELETING),
    "rejected": Case(seen(update(), answer(130)), Verdict.REJECTED, "insufficient resources (130)"),
    "the last answer counts": Case(seen(update(), answer(135, 99), update(100), answer(0, 100)), Verdict.ACCEPTED, ""),
    "rejected, sent again": Case(
        seen(update(), answer(136), update(9, 3.0)), Verdict.REJECTED, "after that is not answered"
    ),
    "an answer to nothing seen": Case(seen(answer(0, 8)), Verdict.ACCEPTED, "accepted"),
    "an answer to what was before": Case(seen(answer(0, 7)), Verdict.NOT_SENT, "the engine has not sent it"),
    "an answer without a before": Case(
        seen(answer(0, 8), before=None, after=None), Verdict.COULD_NOT_TELL, "that it answers was not"
    ),
    "an answer without a number": Case(seen(update(), answer(0, None)), Verdict.UNANSWERED, "not answered"),
    "an answer without a status": Case(seen(update(), answer(None)), Verdict.UNANSWERED, "not answered"),
    "an unasked window": Case(seen(answer(135, 99)), Verdict.REJECTED, "out of window"),
    "late": Case(seen(update(), update(9), answer()), Verdict.UNANSWERED, "number 8 came late, after 9"),
    "late and taken": Case(
        seen(update(), update(9), answer(), after=structs.replace(NEW, sequence=9)), Verdict.ACCEPTED, "acknowledged"
    ),
    "late and rejected": Case(seen(update(), update(9), answer(128)), Verdict.REJECTED, "number 8, the one before"),
    "an error": Case(seen(update(), error()), Verdict.REJECTED, "unknown binding"),
    "an error before": Case(seen(error(1, 0.5), update()), Verdict.UNANSWERED, "not answered"),
    "an error and nothing sent": Case(seen(error()), Verdict.NOT_SENT, ""),
    "an acceptance before an error": Case(seen(update(), answer(), error(2, 3.0)), Verdict.ACCEPTED, ""),
    "nobody asked": Case(seen(update(asks=False)), Verdict.NOT_ACKNOWLEDGED, "nobody objected"),
    "nobody asked, by the table": Case(seen(after=PLAIN), Verdict.NOT_ACKNOWLEDGED, "nobody objected"),
    "waits": Case(seen(update(), after=WAITS), Verdict.UNANSWERED, "within 5 s; the node sends it again in 3 s"),
    "waits, by the table": Case(seen(after=WAITS, watches=False), Verdict.UNANSWERED, "within 5 s"),
    "the peer is silent": Case(seen(update()), Verdict.UNANSWERED, "not answered", AT_PEER),
    "vanished": Case(seen(after=None), Verdict.NOT_SENT, "the entry is gone"),
    "sent and vanished": Case(seen(update(), after=None), Verdict.UNANSWERED, "the entry is gone"),
    "unchanged": Case(seen(), Verdict.NOT_SENT, "the engine has not sent it"),
    "unchanged, by the table": Case(seen(watches=False), Verdict.NOT_SENT, "the engine has not sent it"),
    "no look, and messages": Case(seen(looks=0), Verdict.NOT_SENT, "the engine has not sent it"),
    "nothing": Case(
        seen(looks=0, watches=False), Verdict.COULD_NOT_TELL, "could not be seen: nothing could be looked at"
    ),
    "nothing of late": Case(seen(watches=False, is_stale=True), Verdict.COULD_NOT_TELL, "could not be seen"),
    "nothing to compare": Case(
        seen(watches=False, is_before_known=False, before=None), Verdict.COULD_NOT_TELL, "could not be seen"
    ),
    "all encrypted": Case(seen(looks=0, hidden=3), Verdict.COULD_NOT_TELL, "3 packets were encrypted (ESP)"),
    "encrypted, and the table": Case(seen(hidden=3), Verdict.NOT_SENT, "the engine has not sent it"),
    "sent, then nothing": Case(
        seen(update(), watches=False, is_stale=True),
        Verdict.COULD_NOT_TELL,
        "whether it was answered could not be seen",
    ),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
def test_a_case(case: Case) -> None:
    """The verdict, and its words; the row is made of it without trouble."""
    found = judge(case.wanted, case.seen, 5.0, is_over=True)
    assert found is not None
    assert found.verdict is case.verdict
    assert case.words in found.explanation
    assert found.verdict in STATUSES
    row = report(case.wanted, case.seen, found)
    assert (row.verdict, row.explanation[: len(found.explanation)]) == (case.verdict.value, found.explanation)
    if found.verdict not in (Verdict.ACCEPTED,):
        assert found.advice


def test_more_may_come() -> None:
    """There is no verdict before the time is over unless nothing can change it."""
    for pending in (
        seen(),
        seen(update()),
        seen(update(), answer(135, 99)),
        seen(update(asks=False)),
        seen(after=NEW),
        seen(update(), update(9), answer(128)),
        seen(looks=0, watches=False),
    ):
        assert judge(WANTED, pending, 1.0, is_over=False) is None
    for certain in (seen(update(), answer()), seen(update(), answer(128)), seen(update(), error())):
        assert judge(WANTED, certain, 2.0, is_over=False) is not None
    assert judge(WANTED, seen(update(asks=False)), 1.0 + REFUSAL_S, is_over=False) is not None
    assert judge(WANTED, seen(after=NEW, watches=False), 1.0, is_over=False) is not None
    assert judge(AT_PEER, seen(after=NEW), 1.0, is_over=False) is not None


def test_it_is_not_waited_for() -> None:
    """There is no verdict; what was seen is said."""
    for pending, words in ((seen(), "no Binding Update was seen"), (seen(update()), "sent, and not answered")):
        found = unfinished(pending)
        assert (found.verdict, words in found.explanation) == (Verdict.COULD_NOT_TELL, True)
    assert unfinished(seen(after=NEW)).explanation.startswith("sent")


def test_a_table_that_shows_it_for_long_is_enough() -> None:
    """Messages that were not seen by then are encrypted, or went another way."""
    settled = seen(after=NEW)
    settled.table_changed_at = 1.0
    assert judge(WANTED, settled, 1.0, is_over=False) is None
    found = judge(WANTED, settled, 1.0 + REFUSAL_S, is_over=False)
    assert found is not None
    assert found.verdict is Verdict.ACCEPTED


def test_a_row_has_numbers_and_times() -> None:
    """Of the update that the answer belongs to; the lifetime is that of the answer, or the table's."""
    heard = seen(update(8, 0.25), answer(136, 8, 0.5), update(9, 1.0), answer(0, 9, 1.125), after=NEW)
    found = judge(WANTED, heard, 2.0, is_over=False)
    assert found is not None
    row = report(WANTED, heard, found)
    assert (row.sequence_before, row.sequence, row.ba_status, row.lifetime_granted_s) == (7, 9, 0, 400)
    assert (row.update_ms, row.acknowledgement_ms) == (250.0, 125.0)
    read = seen(after=NEW, watches=False)
    read.table_changed_at = 0.5
    found = judge(WANTED, read, 2.0, is_over=False)
    assert found is not None
    row = report(WANTED, read, found)
    assert (row.update_ms, row.acknowledgement_ms, row.ba_status, row.lifetime_granted_s) == (500.0, None, None, 420)


def test_the_evidence_stays_short() -> None:
    """Of very many messages, the first and the last, and how many there were between."""
    heard = seen(*(update(n, float(n)) for n in range(100)))
    heard.left_out = 50
    row = report(WANTED, heard, Judgement(Verdict.UNANSWERED, "x"))
    assert len(row.evidence) == MOST_LINES + 2
    assert row.evidence[MOST_LINES // 2] == f"{150 - MOST_LINES} more messages"
    assert row.evidence[0].startswith("0 ms, Binding Update, number 0")
    assert "number 99" in row.evidence[MOST_LINES]


def test_a_row_in_words() -> None:
    """As the log of changes has it."""
    assert entry_in_words(None) == "no entry"
    assert entry_in_words(WAS, is_known=False) == "not known"
    assert entry_in_words(WAS) == f"sequence number 7 with {PEER}, state bound, 410 s left"


def test_a_status_that_nobody_assigned() -> None:
    """It is named by its number, as what it is."""
    assert meaning(99).name == "unassigned_99"
    assert meaning(99).words.startswith("accepted, with a status")
    assert meaning(250).words.startswith("rejected, with a status")
    assert "remembers the one in the acknowledgement" in meaning(135).advice.replace("sequence number ", "")
    assert 99 not in MEANINGS


NUMBERS = st.sampled_from([None, 0, 1, 7, 8, 9, 40000, 65535])
TIMES = st.floats(0, 5)
messages = st.builds(
    Message,
    st.sampled_from(Kind),
    TIMES,
    st.sampled_from(Source),
    NUMBERS,
    st.none() | st.sampled_from([0, 1, 127, 128, 135, 136, 174, 200, 255]),
    st.none() | st.integers(0, 262140),
    st.none() | st.booleans(),
)
entries = st.none() | st.builds(
    Entry,
    NUMBERS,
    st.sampled_from([None, BOUND, AWAITING, "return_routability", "not_mobile", "expired", "?"]),
    st.none() | st.integers(-9, 999),
    st.none() | st.integers(-9, 999),
    st.none() | st.integers(-9, 999),
    st.none() | st.booleans(),
    st.none() | st.integers(0, 9),
    st.none() | st.just(PEER),
)
observations = st.builds(
    Observed,
    st.just(0.0),
    entries,
    entries,
    st.booleans(),
    st.booleans(),
    st.none() | TIMES,
    st.integers(0, 2),
    st.lists(messages, max_size=8),
    st.just(()),
    st.booleans(),
    st.integers(0, 2),
    st.integers(0, 2),
    st.lists(st.just("packets (no)"), max_size=1),
)
wants = st.builds(
    Wanted,
    st.just(HOA),
    st.sampled_from(["", PEER]),
    st.sampled_from([HOME, CORRESPONDENT]),
    st.sampled_from(["native", "poke", "brr", "be", "rs", "coa", "flap", "move", "?"]),
    st.just("asked"),
    st.just(5.0),
    st.booleans(),
    st.booleans(),
)


@given(wants, observations, TIMES)
def test_whatever_was_seen_there_is_a_verdict(wanted: Wanted, found: Observed, now: float) -> None:
    """None is raised; a row can be made of it."""
    judge(wanted, found, now, is_over=False)
    judgement = judge(wanted, found, now, is_over=True)
    assert judgement is not None
    assert judgement.explanation
    row = report(wanted, found, judgement)
    assert row.verdict == judgement.verdict.value


@given(wants, observations, TIMES)
def test_nothing_is_accepted_that_was_not_seen(wanted: Wanted, found: Observed, now: float) -> None:
    """It takes an acknowledgement below 128 of an update that went out, or a table that shows it."""
    judgement = judge(wanted, found, now, is_over=True)
    assert judgement is not None
    if judgement.verdict is not Verdict.ACCEPTED:
        return
    numbers = {message.sequence for message in found.of(Kind.UPDATE)}
    acknowledged = [
        message
        for message in found.of(Kind.ACKNOWLEDGEMENT)
        if message.status is not None and message.status < 128 and message.sequence is not None
    ]
    is_answered = any(m.sequence in numbers or m.sequence != found.sequence_before for m in acknowledged)
    is_tabled = found.is_changed and found.after is not None and found.after.is_acknowledged is True
    is_gone = wanted.deletes and found.before is not None and found.after is None and found.looks > 0
    assert is_answered or is_tabled or is_gone


@given(wants, st.booleans(), st.booleans(), entries, st.integers(0, 3))
def test_no_data_is_no_verdict(wanted: Wanted, knows: bool, is_stale: bool, before: Entry | None, hidden: int) -> None:
    """Where neither messages nor the table could be seen, it could not be told, whatever was before."""
    blind = Observed(0.0, before, before, knows, is_stale, watches_messages=False, hidden=hidden)
    judgement = judge(wanted, blind, 5.0, is_over=True)
    assert judgement is not None
    assert judgement.verdict is Verdict.COULD_NOT_TELL
