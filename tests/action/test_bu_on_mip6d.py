"""A Binding Update that a mip6d is made to send, judged by its tables alone: without privilege, packets are not seen.

What makes it send is left out here: a line of the tests' own takes its place, all else is the shell's.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import pytest
from asking import COMMON, Came, asked, log, sound, without, written
from harness import Mipsh, Ran, Replay
from mip6d_by_script import BusyFrom, DiesFrom, Mip6d, Rows, text
from mipd_by_script import CN, HA, HOA, binding, entry

from mipsh.action.carry_out import Plan
from mipsh.action.steps import Step, Via
from mipsh.action.targets import find
from mipsh.action.trigger import Attempt, trigger
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.linux.privileges import CAP_NET_RAW, permitted
from mipsh.model.records import BindingUpdateListEntry, ReturnRoutabilityEntry
from mipsh.node.faults import Trouble
from mipsh.registry import COMMANDS, Plugin, Registry
from mipsh.result import Result
from mipsh.session import Session

ENDS = pytest.mark.parametrize("peer", [HA, CN], ids=["home", "correspondent"])


def ask(session: Session, whom: str, *, methods: str = "poke") -> Result:
    """Ask for a Binding Update by methods that do nothing."""
    (target, *_) = find(session.engine(), whom)
    group = [
        Attempt(target, method, Plan(f"try {method}", (Step(f"do {method}", Via.PACKET, f"by hand: {method}"),)))
        for method in methods.split(",")
    ]
    return trigger(session, [group], session.settings.wait)


ASK = Command(
    "ask",
    "asks for a Binding Update",
    ask,
    (Argument("whom", Takes.WORD, "whom"),),
    (Option("--methods", "how", Takes.WORD, metavar="M"),),
    table="binding_updates",
    changes=Changes.NODE,
)


def judged(
    mipsh: Mipsh,
    replay: Replay,
    whom: str,
    states: Iterable[Rows],
    *words: str,
    wait: str = "150ms",
    trouble: Trouble | None = None,
    **given: Any,
) -> Came:
    """Ask a mip6d whose list is like that from one reading to the next: the first two are before."""
    engine = Mip6d(given.pop("role", "mn"), given.pop("word", "bul"), states, **given)
    uri = replay.serve(engine, trouble).uri
    registry = Registry(scan=lambda: [Plugin(COMMANDS, "ask", "", "test", "1", value=ASK)])
    line = " ".join(["ask", whom, *words, "-e", uri, "-t", "2", "--wait", wait, "--write", "--yes", "--json"])
    ran: Ran = without(CAP_NET_RAW, lambda: mipsh.lines(registry, line))
    return Came(ran.status, sound(ran), ran.stderr, log(mipsh))


def row(peer: str, sequence: int | None = 7, state: str = "bound", **values: Any) -> list[BindingUpdateListEntry]:
    """Return the list with an entry like that."""
    changed = entry(sequence, state, peer, **values)
    return [changed] if peer == HA else [entry(7), changed]


def word(peer: str) -> str:
    """Return the word for a peer."""
    return "home" if peer == HA else peer


@ENDS
def test_it_is_acknowledged(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """The list has another number, and waits for nothing; that packets could not be watched is said."""
    states = [row(peer), row(peer), row(peer, 8, "waiting_for_ack"), row(peer, 8)]
    came = judged(mipsh, replay, word(peer), states, wait="5s")
    assert (came.status, came.row["verdict"], came.row["method"]) == (0, "accepted", "poke")
    assert came.row["explanation"] == "sent, and the table has it as acknowledged"
    assert (came.row["sequence_before"], came.row["sequence"], came.row["ba_status"]) == (7, 8, None)
    assert (came.row["lifetime_granted_s"], came.row["acknowledgement_ms"]) == (420, None)
    assert came.row["evidence"][0] == "table: sequence number 7 before, 8 after"
    assert came.row["evidence"][1].startswith("not seen: packets (watching packets needs CAP_NET_RAW")
    assert "ask: poke:" not in came.stderr
    assert "bu: poke: one echo request from the home address" in came.stderr
    written(came)


@ENDS
def test_it_is_not_answered(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """The list waits."""
    states = [row(peer), row(peer), row(peer, 8, "waiting_for_ack", next_event_s=2)]
    came = judged(mipsh, replay, word(peer), states)
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (1, "unanswered", 8)
    assert came.row["explanation"] == "sent, and not answered within 0.15 s; the node sends it again in 2 s"
    written(came)


def test_no_acknowledgement_is_asked_for(mipsh: Mipsh, replay: Replay) -> None:
    """As of a correspondent, by default."""
    states = [row(CN, flags=()), row(CN, flags=()), row(CN, 8, flags=())]
    came = judged(mipsh, replay, CN, states)
    assert (came.status, came.row["verdict"]) == (0, "not_acknowledged")
    written(came)


@ENDS
def test_the_number_wraps_and_goes_back(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """Either is another number."""
    came = judged(mipsh, replay, word(peer), [row(peer, 65535), row(peer, 65535), row(peer, 0)])
    assert (came.status, came.row["sequence"]) == (0, 0)
    assert "wrapped around, from 65535 to 0" in came.row["explanation"]


@ENDS
def test_the_number_goes_back(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """As of a node that was started again."""
    came = judged(mipsh, replay, word(peer), [row(peer, 500), row(peer, 500), row(peer, 3)])
    assert (came.status, came.row["sequence"]) == (0, 3)
    assert "went back, from 500 to 3" in came.row["explanation"]


@ENDS
def test_the_entry_vanishes(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """Nothing else came."""
    came = judged(mipsh, replay, word(peer), [row(peer), row(peer), []])
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    assert "the entry is gone from the table" in came.row["explanation"]
    written(came)


REASONS = {
    "poke": "the binding is there and lasts",
    "rs": "the router's answer shows the node nothing new",
    "coa": "the node did not register its care-of address again",
    "flap": "the node did not register after its link came back",
}


@pytest.mark.parametrize("method", REASONS)
def test_nothing_is_sent(mipsh: Mipsh, replay: Replay, method: str) -> None:
    """Each method has its own reason and advice."""
    came = judged(mipsh, replay, CN, [row(CN)], "--methods", method)
    assert (came.status, came.row["verdict"], came.row["method"]) == (1, "not_sent", method)
    assert REASONS[method] in came.row["explanation"]
    assert came.row["advice"]
    written(came)


class Unsent(NamedTuple):
    """How an entry stays, and what is said of it."""

    rows: Rows
    words: str
    tests: tuple[bool, bool] | None = None


UNSENT = [
    Unsent(row(CN, 7, "waiting_for_ack"), "the one sent before is not answered yet, and is sent again in 400 s"),
    Unsent([entry(7)], "the binding update list has no entry for the peer"),
    Unsent(
        "== NON_MIP_CN ==\nHome address    2001:db8:1:0:0:0:0:100\nCare-of address 0:0:0:0:0:0:0:0\n"
        "CN address      2001:db8:4:0:0:0:0:2\n lifetime 30 / 60 seq 0 resend 0 delay 60(after 31s)\n\n",
        "the peer answered Mobility Headers with an ICMPv6 error, and is left alone for another 30 s",
    ),
]


@pytest.mark.parametrize("case", UNSENT)
def test_nothing_is_sent_and_the_list_says_why(mipsh: Mipsh, replay: Replay, case: Unsent) -> None:
    """As far as it can be told."""
    came = judged(mipsh, replay, CN, [row(HA), case.rows])
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    assert case.words in came.row["explanation"]
    written(came)


@pytest.mark.parametrize(
    ("tests", "words"),
    [((False, True), "the home test is not"), ((True, False), "the care-of test is not"), ((False, False), "neither")],
)
def test_return_routability_is_not_over(mipsh: Mipsh, replay: Replay, tests: tuple[bool, bool], words: str) -> None:
    """Which test is missing is said."""
    names = ("home_test", "care_of_test")
    rows = [
        ReturnRoutabilityEntry(name, HOA, None, CN, said, 9 if said else None)
        for name, said in zip(names, tests, strict=True)
    ]
    states = [text("bul", row(CN)).replace("RR state ?", "RR state started")]
    came = judged(mipsh, replay, CN, states, others={"rr": rows})
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    assert words in came.row["explanation"]


def test_a_method_after_the_other(mipsh: Mipsh, replay: Replay) -> None:
    """The next one is tried when nothing came, and named before."""
    came = judged(mipsh, replay, "home", [row(HA)], "--methods", "rs,coa,flap", wait="60ms")
    assert [found["method"] for found in came.rows] == ["rs", "coa", "flap"]
    assert came.status == 1
    assert "no Binding Update came; coa: " in came.stderr
    assert came.change.begin.steps == ("do rs", "do coa", "do flap")
    written(came)


def test_a_method_that_works_is_the_last(mipsh: Mipsh, replay: Replay) -> None:
    """Whatever the answer is."""
    states = [row(HA), row(HA), row(HA, 8, "waiting_for_ack")]
    came = judged(mipsh, replay, "home", states, "--methods", "rs,coa,flap")
    assert (came.row["method"], came.row["verdict"]) == ("rs", "unanswered")
    assert "coa" not in came.stderr


@ENDS
def test_a_busy_engine(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """All the time since it was asked for: whether it was sent cannot be told, status 3."""
    came = judged(mipsh, replay, word(peer), [row(peer)], trouble=BusyFrom(4, []))
    assert (came.status, came.row["verdict"]) == (3, "could_not_tell")
    assert "another client holds its only slot" in came.row["explanation"]
    assert "CAP_NET_RAW" in came.row["explanation"]
    written(came)


@ENDS
def test_an_engine_that_was_busy_before(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """There is nothing to compare with: a number that is there is no new one."""
    came = judged(mipsh, replay, word(peer), [row(peer)], trouble=BusyFrom(3, []))
    assert (came.status, came.row["verdict"], came.row["sequence_before"]) == (3, "could_not_tell", None)
    written(came)


@ENDS
def test_an_engine_that_dies(mipsh: Mipsh, replay: Replay, peer: str) -> None:
    """In the middle of its reply."""
    states = [row(peer), row(peer), row(peer, 8, "waiting_for_ack")]
    came = judged(mipsh, replay, word(peer), states, trouble=DiesFrom(13, []))
    assert (came.status, came.row["verdict"]) == (3, "could_not_tell")
    assert "closed the connection" in came.row["explanation"]
    written(came)


def test_an_engine_that_complains(mipsh: Mipsh, replay: Replay) -> None:
    """As one that was started again in another role."""
    came = judged(mipsh, replay, "home", [row(HA), row(HA), 'unknown command: "bul"\n'])
    assert (came.status, came.row["verdict"]) == (3, "could_not_tell")
    assert "unknown command" in came.said
    written(came)


def test_hostile_words(mipsh: Mipsh, replay: Replay) -> None:
    """Acts on no terminal, and breaks no document."""
    hostile = text("bul", row(HA)).replace("eth0", "\x1b[31m[bold]x\x07") + "\x1b]0;title\x07\n== \x9b31m ==\n"
    came = judged(mipsh, replay, "home", [hostile])
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    written(came)


@pytest.mark.parametrize(("method", "words"), [("brr", "does not follow the request"), ("be", "did not bind anew")])
def test_at_the_peer_nothing_comes(mipsh: Mipsh, replay: Replay, method: str, words: str) -> None:
    """The binding cache of this node tells."""
    came = judged(mipsh, replay, "home", [[binding(7)]], "--methods", method, role="ha", word="bc")
    assert (came.status, came.row["verdict"], came.row["home_address"]) == (1, "not_sent", HOA)
    assert words in came.row["explanation"]
    written(came)


@pytest.mark.parametrize("role", ["ha", "cn"])
def test_at_the_peer_something_comes(mipsh: Mipsh, replay: Replay, role: str) -> None:
    """Its binding cache has another number."""
    rows = [[binding(number, status="registered" if role == "ha" else "cached")] for number in (7, 7, 8)]
    came = judged(mipsh, replay, HOA, rows, "--methods", "brr", role=role, word="bc", wait="5s")
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (0, "accepted", 8)
    assert came.row["explanation"] == "received, and this node's binding cache has it"
    assert came.row["registration"] == ("home" if role == "ha" else "correspondent")
    written(came)


# The command itself, on this machine: what it sends goes to its loopback.

HERE = "::1"
can_send = pytest.mark.skipif(not permitted() >> CAP_NET_RAW & 1, reason="sending packets needs CAP_NET_RAW")


@can_send
def test_the_command_sends_and_looks(mipsh: Mipsh, replay: Replay) -> None:
    """From the home address, which is this machine's own; the list has the answer."""
    states = [[entry(number, peer=HERE, home_address=HERE)] for number in (7, 7, 8)]
    engine = Mip6d("mn", "bul", states)
    came = asked(mipsh, replay.serve(engine).uri, "bu", "all", "--method", "poke", "--wait", "5s")
    assert (came.status, came.row["verdict"], came.row["sequence"]) == (0, "accepted", 8)
    assert came.row["sent"] == f"send an Echo Request from the home address {HERE} to {HERE}"
    assert set(engine.asked) == {"bul"}
    written(came)


def test_without_the_privilege_nothing_is_done(mipsh: Mipsh, replay: Replay) -> None:
    """It is said what is missing and how it is granted, before anything is sent or written down."""
    engine = Mip6d("mn", "bul", [[entry(7, peer=HERE, home_address=HERE)]])
    uri = replay.serve(engine).uri
    ran = without(
        CAP_NET_RAW, lambda: mipsh(*COMMON, "-e", uri, "--write", "--yes", "--json", "bu", "all", "--method", "poke")
    )
    document = sound(ran)
    assert (ran.status, document["errors"][0]["code"]) == (77, "refused")
    assert "needs CAP_NET_RAW" in document["errors"][0]["message"]
    assert "setcap cap_net_raw+ep" in document["errors"][0]["hint"]
    assert log(mipsh) == []


def test_a_node_of_another_namespace_is_refused(mipsh: Mipsh, replay: Replay) -> None:
    """What would be sent here is another node's affair."""
    engine = Mip6d("mn", "bul", [row(HA)])
    came = asked(mipsh, replay.serve(engine).uri, "bu", "home")
    assert (came.status, came.document["errors"][0]["code"]) == (77, "refused")
    assert "mipsh -N NAME" in came.document["errors"][0]["hint"]
    assert came.changes == []
