"""``bu`` on a mipd that does as a script says: each end of it has its own words, status, advice and evidence."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain, count
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asking import Came, asked, written
from harness import Mipsh
from mipd_by_script import CN, HA, HOA, Die, Mipd, Moment, Show, answer, complains, entry, error, update

from mipsh.model.acknowledgement import MEANINGS, TRIED_AGAIN, is_acceptance
from mipsh.model.records import ReturnRoutabilityEntry
from mipsh.node.protocol import Code, Event

LIST = "binding_update_list"
SOON_S = 0.002
PATIENT, SHORT = ("--wait", "5s"), ("--wait", "150ms")
ENDS = pytest.mark.parametrize("peer", [HA, CN], ids=["home", "correspondent"])
REJECTIONS = sorted(status for status in MEANINGS if not is_acceptance(status))
Serve = Callable[..., Mipd]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve an engine by a script: with the rows of its list before, and what happens when it is told to send."""
    with ExitStack() as stack:

        def made(before: Sequence[Any] = (), script: Iterable[Moment] = (), **given: Any) -> Mipd:
            tables = {LIST: before} | given.pop("tables", {})
            return stack.enter_context(Mipd(tmp_path / "mipd.sock", tables=tables, script=script, **given))

        yield made


def whom(peer: str) -> str:
    """Return the word for a peer."""
    return "home" if peer == HA else peer


def sent(sequence: int, peer: str, state: str = "waiting_for_ack") -> list[Moment]:
    """Return what happens when a Binding Update goes out."""
    return [
        Moment(SOON_S, Show(LIST, [entry(7), entry(sequence, state, peer)][peer == HA :])),
        told(update(sequence, peer)),
    ]


def told(event: Event, delay_s: float = SOON_S) -> Moment:
    """Return that an event is told."""
    return Moment(delay_s, event)


def taken(sequence: int, status: int, peer: str) -> list[Moment]:
    """Return what happens when an acknowledgement comes that the node takes."""
    state = "bound" if status < 128 else "expired"
    return [
        told(answer(sequence, status, peer)),
        Moment(0.0, Show(LIST, [entry(7), entry(sequence, state, peer)][peer == HA :])),
    ]


def before(peer: str, sequence: int = 7) -> list[Any]:
    """Return the list as it is before."""
    return [entry(sequence)] if peer == HA else [entry(7), entry(sequence, peer=peer)]


@ENDS
def test_an_acceptance(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Status 0, with numbers, times and the lifetime; the log has it before and after."""
    engine = serve(before(peer), [*sent(8, peer), *taken(8, 0, peer)])
    came = asked(mipsh, engine.uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["verdict"]) == (0, "accepted")
    assert came.row["explanation"] == "sent and answered: Binding Update accepted"
    assert (came.row["sequence_before"], came.row["sequence"], came.row["ba_status"]) == (7, 8, 0)
    assert (came.row["home_address"], came.row["peer_address"], came.row["method"]) == (HOA, peer, "native")
    assert came.row["lifetime_granted_s"] == 420
    assert 0 < came.row["update_ms"] < 5000
    assert came.row["acknowledgement_ms"] >= 0
    assert len(came.row["evidence"]) == 3
    assert came.row["evidence"][2] == "table: sequence number 7 before, 8 after"
    written(came)
    assert "sequence number 7" in came.change.begin.before
    assert came.change.end is not None
    assert "sequence number 8" in came.change.end.after


@ENDS
def test_an_acceptance_with_something_to_do(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Status 1 is an acceptance, and says what follows from it."""
    engine = serve(before(peer), [*sent(8, peer), *taken(8, 1, peer)])
    came = asked(mipsh, engine.uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["ba_status_name"]) == (0, "accepted_prefix_discovery_necessary")
    assert "solicits its prefixes" in came.row["advice"]
    written(came)


@pytest.mark.parametrize("status", [*REJECTIONS, 200])
@ENDS
def test_a_rejection(mipsh: Mipsh, serve: Serve, peer: str, status: int) -> None:
    """Each status has its own words and advice, and exit status 2."""
    engine = serve(before(peer), [*sent(8, peer), *taken(8, status, peer)])
    came = asked(mipsh, engine.uri, "bu", whom(peer), *(SHORT if status in TRIED_AGAIN else PATIENT))
    assert (came.status, came.row["verdict"], came.row["ba_status"]) == (2, "rejected", status)
    assert came.row["explanation"].startswith("sent, answered and rejected: ")
    assert f"({status})" in came.row["explanation"]
    assert came.row["lifetime_granted_s"] is None
    assert came.row["advice"]
    assert f"number 8, status {status}" in came.row["evidence"][1]
    if status in MEANINGS:
        assert MEANINGS[status].words in came.row["explanation"]
        assert came.row["ba_status_name"] == MEANINGS[status].name
    else:
        assert came.row["ba_status_name"] == "unassigned_200"
    written(came)


def test_every_status_has_words_of_its_own() -> None:
    """No two are told alike, and every rejection has an advice."""
    assert {*range(128, 144), 174, 0, 1} <= MEANINGS.keys()
    assert len({found.words for found in MEANINGS.values()}) == len(MEANINGS)
    assert len({found.name for found in MEANINGS.values()}) == len(MEANINGS)
    advice = [found.advice for status, found in MEANINGS.items() if not is_acceptance(status)]
    assert all(advice)
    assert len(set(advice)) == len(advice)


@pytest.mark.parametrize("status", sorted(TRIED_AGAIN))
@ENDS
def test_a_rejection_after_which_the_node_tries_again(mipsh: Mipsh, serve: Serve, peer: str, status: int) -> None:
    """The next one is accepted: status 0, and the rejection is in the evidence."""
    number, following = (500, 501) if status == 135 else (8, 9)
    script = [*sent(8, peer), told(answer(number, status, peer)), *sent(following, peer), *taken(following, 0, peer)]
    came = asked(mipsh, serve(before(peer), script).uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (0, "accepted", following)
    assert [f"status {status}" in line for line in came.row["evidence"][:4]] == [False, True, False, False]
    written(came)


@ENDS
def test_a_rejection_after_which_nothing_comes(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Sent again and not answered is still a rejection, and says so."""
    script = [*sent(8, peer), told(answer(500, 135, peer)), *sent(501, peer)]
    came = asked(mipsh, serve(before(peer), script).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (2, "rejected", 501)
    assert came.row["explanation"].endswith("(135); the one that was sent after that is not answered")
    assert "the peer remembers sequence number 500" in came.row["advice"]
    written(came)


@ENDS
def test_silence(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Status 1, when the node sends it again, and where to look."""
    came = asked(mipsh, serve(before(peer), sent(8, peer)).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"], came.row["ba_status"]) == (1, "unanswered", None)
    assert came.row["explanation"] == "sent, and not answered within 0.15 s; the node sends it again in 400 s"
    assert ("home agent" if peer == HA else "correspondent") in came.row["advice"]
    written(came)


@ENDS
def test_an_answer_after_the_deadline_is_none(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Nobody waits for it: what was seen until then counts."""
    engine = serve(before(peer), [*sent(8, peer), Moment(3600.0, answer(8, 0, peer))])
    came = asked(mipsh, engine.uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"]) == (1, "unanswered")
    assert not engine.told.is_set()


@ENDS
def test_an_answer_to_an_overtaken_update(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """It is late: whether it counts is what the node makes of it, which its list says."""
    ignored = [*sent(8, peer), *sent(9, peer), told(answer(8, 0, peer))]
    came = asked(mipsh, serve(before(peer), ignored).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"]) == (1, "unanswered")
    assert "the acknowledgement of number 8 came late, after 9 had been sent" in came.row["explanation"]
    assert "retransmission timeout" in came.row["advice"]
    written(came)


@ENDS
def test_an_answer_to_an_overtaken_update_that_the_node_takes(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Its list has the binding then."""
    script = [*sent(8, peer), *sent(9, peer), told(answer(8, 0, peer)), Moment(0.0, Show(LIST, before(peer, 9)))]
    came = asked(mipsh, serve(before(peer), script).uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["verdict"], came.row["ba_status"]) == (0, "accepted", 0)
    assert came.row["explanation"] == "sent, and the table has it as acknowledged"


@ENDS
def test_a_late_rejection_is_a_rejection(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Where nothing else comes."""
    script = [*sent(8, peer), *sent(9, peer), told(answer(8, 129, peer))]
    came = asked(mipsh, serve(before(peer), script).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"], came.row["ba_status"]) == (2, "rejected", 129)
    assert "number 8, the one before, was rejected: administratively prohibited" in came.row["explanation"]


@ENDS
def test_a_number_that_wraps(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """0 follows 65535."""
    came = asked(
        mipsh, serve(before(peer, 65535), [*sent(0, peer), *taken(0, 0, peer)]).uri, "bu", whom(peer), *PATIENT
    )
    assert (came.status, came.row["sequence_before"], came.row["sequence"]) == (0, 65535, 0)
    assert came.row["explanation"].endswith("; its sequence number wrapped around, from 65535 to 0")


@ENDS
def test_a_number_that_goes_back(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """As of a node that was started again."""
    came = asked(mipsh, serve(before(peer, 500), [*sent(3, peer), *taken(3, 0, peer)]).uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["sequence_before"], came.row["sequence"]) == (0, 500, 3)
    assert "its sequence number went back, from 500 to 3, as after a restart" in came.row["explanation"]


@ENDS
def test_an_entry_that_vanishes(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Before anything was sent, and after."""
    came = asked(mipsh, serve(before(peer), [Moment(SOON_S, Show(LIST, []))]).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    assert "the entry is gone from the table, and no other came" in came.row["explanation"]
    assert "deleted at the other end" in came.row["advice"]
    assert "table: the entry is gone" in came.row["evidence"]
    written(came)


@ENDS
def test_an_entry_that_vanishes_after_it_was_sent(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """It is unanswered for good."""
    engine = serve(before(peer), [*sent(8, peer), Moment(SOON_S, Show(LIST, []))])
    came = asked(mipsh, engine.uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"]) == (1, "unanswered")
    assert came.row["explanation"] == "sent and not answered, and the entry is gone from the table"
    written(came)


class Unsent(NamedTuple):
    """Why nothing is sent: the entry as it stays, and what is said."""

    state: str
    words: str
    advice: str
    tests: tuple[bool, bool] | None = None


UNSENT = [
    Unsent("bound", "the engine has not sent it", "look at its log"),
    Unsent("waiting_for_ack", "the one sent before is not answered yet, and is sent again in 400 s", "is reached"),
    Unsent("not_mobile", "answered Mobility Headers with an ICMPv6 error", "it does no Mobile IPv6"),
    Unsent("expired", "its entry is in the state expired", "'bul --wide'"),
    Unsent("return_routability", "return routability is under way and not finished", "--wait", (True, True)),
    Unsent("return_routability", "the home test is not answered", "Home Test Init", (False, True)),
    Unsent("return_routability", "the care-of test is not answered", "Care-of Test Init", (True, False)),
    Unsent("return_routability", "neither the home test nor the care-of test", "ping it", (False, False)),
]


@pytest.mark.parametrize("case", UNSENT)
def test_nothing_is_sent(mipsh: Mipsh, serve: Serve, case: Unsent) -> None:
    """Status 1, and the reason that can be told."""
    entries = [entry(7), entry(7, case.state, CN)]
    names = ("home_test", "care_of_test")
    tests = [
        ReturnRoutabilityEntry(name, HOA, None, CN, said) for name, said in zip(names, case.tests or (), strict=False)
    ]
    engine = serve(entries, tables={"return_routability": tests})
    came = asked(mipsh, engine.uri, "bu", CN, *SHORT)
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (1, "not_sent", None)
    assert case.words in came.row["explanation"]
    assert case.advice in came.row["advice"]
    written(came)


@pytest.mark.parametrize(("word", "words"), [("home", "has no care-of address yet"), (CN, "route is not optimised")])
def test_nothing_is_sent_and_there_is_no_entry(mipsh: Mipsh, serve: Serve, word: str, words: str) -> None:
    """The home address is known all the same."""
    came = asked(mipsh, serve().uri, "bu", word, *SHORT)
    assert (came.status, came.row["verdict"], came.row["home_address"]) == (1, "not_sent", HOA)
    assert words in came.row["explanation"]
    assert came.row["evidence"] == ["table: no entry"]
    written(came)


def test_a_first_registration(mipsh: Mipsh, serve: Serve) -> None:
    """The home agent is learnt from what is sent to it; what goes to others at that time is theirs."""
    script = [told(update(90, CN)), told(answer(90, 128, CN)), *sent(1, HA), told(answer(1, 133, CN)), *taken(1, 0, HA)]
    came = asked(mipsh, serve([], script).uri, "bu", "home", *PATIENT)
    assert (came.status, came.row["verdict"], came.row["peer_address"]) == (0, "accepted", HA)
    assert (came.row["sequence_before"], came.row["sequence"], came.row["ba_status"]) == (None, 1, 0)
    assert len(came.row["evidence"]) == 3


@pytest.mark.parametrize(
    ("status", "words"), [(1, "unknown binding"), (2, "unrecognized MH type"), (9, "does not have (9)")]
)
def test_a_binding_error(mipsh: Mipsh, serve: Serve, status: int, words: str) -> None:
    """It is a rejection, each status with its words; no acknowledgement is made up."""
    engine = serve(before(CN), [*sent(8, CN), told(error(status))])
    came = asked(mipsh, engine.uri, "bu", CN, *PATIENT)
    assert (came.status, came.row["verdict"], came.row["ba_status"]) == (2, "rejected", None)
    assert words in came.row["explanation"]
    written(came)


def test_no_acknowledgement_is_asked_for(mipsh: Mipsh, serve: Serve) -> None:
    """It was sent, and that is all that can be said: an own verdict, status 0."""
    row = entry(8, "bound", CN, flags=())
    script = [Moment(SOON_S, Show(LIST, [entry(7), row])), told(update(8, CN, flags=()))]
    came = asked(mipsh, serve(before(CN), script).uri, "bu", CN, *PATIENT)
    assert (came.status, came.row["verdict"]) == (0, "not_acknowledged")
    assert "no acknowledgement was asked for" in came.row["explanation"]
    assert "in the peer's binding cache" in came.row["advice"]
    written(came)


@ENDS
def test_the_end_of_a_binding(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Accepted when it is answered; the request says 0."""
    gone = [Moment(0.0, Show(LIST, []))]
    engine = serve(before(peer), [*sent(8, peer), told(answer(8, 0, peer, 0)), *gone])
    came = asked(mipsh, engine.uri, "bu", whom(peer), "--dereg", *PATIENT)
    assert (came.status, came.row["explanation"]) == (0, "sent and answered: the binding was deleted")
    assert '"lifetime_s":0' in engine.done[0]
    written(came)


def test_the_end_of_a_binding_that_nobody_acknowledges(mipsh: Mipsh, serve: Serve) -> None:
    """The entry is gone, as it was to be."""
    gone = [Moment(0.0, Show(LIST, [entry(7)]))]
    engine = serve(before(CN), [told(update(8, CN, flags=())), *gone])
    came = asked(mipsh, engine.uri, "bu", CN, "--dereg", *SHORT)
    assert (came.status, came.row["verdict"]) == (0, "accepted")
    assert came.row["explanation"] == "the entry is gone from the table, as it was to be"


@ENDS
def test_an_engine_that_dies(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Status 3: before it was seen to send, and between that and an answer."""
    came = asked(mipsh, serve(before(peer), [Moment(SOON_S, Die())]).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"]) == (3, "could_not_tell")
    assert "whether a Binding Update was sent could not be seen" in came.row["explanation"]
    assert "closed the connection" in came.row["explanation"]
    written(came)
    assert came.change.end is not None
    assert came.change.end.after.endswith("not known")


@ENDS
def test_an_engine_that_dies_after_it_was_sent(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """What was seen is in the evidence, and that it was not answered is not claimed."""
    came = asked(mipsh, serve(before(peer), [*sent(8, peer), Moment(SOON_S, Die())]).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (3, "could_not_tell", 8)
    assert came.row["explanation"].startswith("sent; whether it was answered could not be seen: ")
    written(came)


@ENDS
def test_an_engine_that_complains(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Its own words are the reason, and its hint the advice."""
    engine = serve(before(peer), answers={"trigger_binding_update": complains("the node is at home", "move it")})
    came = asked(mipsh, engine.uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    assert (came.row["explanation"], came.row["advice"]) == ("mipd: the node is at home", "move it")
    written(came)


@pytest.mark.parametrize(("code", "status"), [(Code.BUSY, 69), (Code.REFUSED, 77), (Code.NOT_KEPT, 3)])
def test_an_engine_that_cannot(mipsh: Mipsh, serve: Serve, code: Code, status: int) -> None:
    """That is an error, with its own status; the row says that nothing was seen."""
    engine = serve(before(HA), answers={"trigger_binding_update": complains("not now", code=code)})
    came = asked(mipsh, engine.uri, "bu", "home", *PATIENT)
    assert (came.status, came.row["verdict"]) == (status, "could_not_tell")
    assert came.document["errors"][0]["message"] == "mipd: not now"
    assert "failed" in came.document["errors"][0]["hint"]
    written(came)


@ENDS
def test_what_happens_to_others_is_not_counted(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Updates and rejections of other bindings, in between."""
    other = CN if peer == HA else HA
    noise = [
        told(update(70, other)),
        told(answer(70, 128, other)),
        told(update(8, peer, "2001:db8:1::200")),
        told(answer(8, 129, peer, home_address="2001:db8:1::200")),
        told(Event(1.0, "addressAdded", address="2001:db8:2::9")),
    ]
    engine = serve(before(peer), [*noise, *sent(8, peer), *noise, *taken(8, 0, peer)])
    came = asked(mipsh, engine.uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["ba_status"], len(came.row["evidence"])) == (0, 0, 3)


@ENDS
def test_a_flood_of_events(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """Of others, and of the binding itself: the answer is found in it, and the evidence stays short."""
    others = [told(update(n, peer, "2001:db8:1::200"), 0.0) for n in range(3000)]
    own = [told(update(n, peer), 0.0) for n in range(8, 1000)]
    engine = serve(before(peer), [*others, *own, *sent(1000, peer), *taken(1000, 0, peer)])
    came = asked(mipsh, engine.uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (0, "accepted", 1000)
    assert len(came.row["evidence"]) <= 20


@ENDS
def test_a_flood_that_does_not_end(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """The deadline holds."""
    own = (told(update(n % 65536, peer), 0.0) for n in count(8))
    engine = serve(before(peer), chain(sent(8, peer), own))
    came = asked(mipsh, engine.uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"]) == (1, "unanswered")
    assert any("more messages" in line for line in came.row["evidence"])


@ENDS
def test_events_that_did_not_get_through(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """The update was among them: its answer names a number that follows, and the list has it."""
    lost = Event(1.0, "addressAdded", lost=40)
    script = [told(lost), *sent(8, peer)[:1], told(answer(8, 0, peer))]
    came = asked(mipsh, serve(before(peer), script).uri, "bu", whom(peer), *PATIENT)
    assert (came.status, came.row["ba_status"], came.row["sequence"]) == (0, 0, 8)


@ENDS
def test_an_answer_to_what_was_sent_before(mipsh: Mipsh, serve: Serve, peer: str) -> None:
    """It is no answer to what was asked for."""
    came = asked(mipsh, serve(before(peer), [told(answer(7, 0, peer))]).uri, "bu", whom(peer), *SHORT)
    assert (came.status, came.row["verdict"]) == (1, "not_sent")


HOSTILE = "\x1b[31mred\x1b]0;title\x07[bold]x[/bold]\u202e\ud7ff\x00"


def test_hostile_words(mipsh: Mipsh, serve: Serve) -> None:
    """Whatever an engine says acts on no terminal, breaks no document and no log."""
    rows = [
        entry(7, HOSTILE, CN, interface=HOSTILE),
        entry(9, home_address=HOSTILE),
        entry(9, "bound", HOSTILE),
    ]
    script = [told(update(8, CN, HOSTILE)), told(update(8, HOSTILE)), *sent(8, CN)[1:], told(answer(8, 255, CN))]
    engine = serve(rows, script, answers={"trigger_binding_update": {"state": HOSTILE}})
    came = asked(mipsh, engine.uri, "bu", CN, *PATIENT)
    assert (came.status, came.row["ba_status"]) == (2, 255)
    written(came)


def test_a_hostile_complaint(mipsh: Mipsh, serve: Serve) -> None:
    """As a reason and as an advice; and as an error."""
    engine = serve(before(HA), answers={"trigger_binding_update": complains(HOSTILE, HOSTILE)})
    came = asked(mipsh, engine.uri, "bu", "home", *PATIENT)
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    written(came)


def test_all_of_a_list(mipsh: Mipsh, serve: Serve) -> None:
    """Each has its row; the worst decides."""
    script = [*sent(8, HA), *taken(8, 0, HA)]
    engine = serve([entry(7), entry(7, peer=CN)], script)
    came: Came = asked(mipsh, engine.uri, "bu", "all", "--wait", "300ms")
    assert [(row["peer_address"], row["verdict"]) for row in came.rows] == [(HA, "accepted"), (CN, "not_sent")]
    assert came.status == 1
    assert len(engine.done) == 2
    written(came)
