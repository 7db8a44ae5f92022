"""Handovers of a lab's mobile node, watched and provoked: a stopwatch in order, losses with their direction."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lab_grounds import needs_root
from scenario import CORRESPONDENT, HOME_AGENT, Scenario, needs, scenario

pytestmark = [pytest.mark.system, needs_root]
LATE_MS = 25.0
"""How late the kernel's word on a link or an address may come, beside packets, on a busy machine."""
ORDER = (
    "link_up_ms",
    "solicited_ms",
    "advertised_ms",
    "care_of_address_ms",
    "update_sent_ms",
    "acknowledged_ms",
    "care_of_test_init_ms",
    "care_of_test_ms",
    "peer_update_ms",
    "first_packet_ms",
)
"""The steps as they come where an address is used while it is verified."""
MEANWHILE, LONGEST_S = 3, 60.0
PROVOKED = "--write", "--yes"


@pytest.fixture(scope="module")
def built() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario() as lab:
        yield lab


@pytest.fixture
def lab(built: Scenario) -> Scenario:
    """Return the lab, its mobile node registered from the first foreign link."""
    _settle(built)
    return built


def _learn(lab: Scenario) -> None:
    """Learn from the lab's file where the command has brought the mobile node."""
    state = lab.ground.place.load()
    assert state is not None
    lab.node("mn").links = state.node("mn").links


def _settle(lab: Scenario) -> None:
    """Bring the mobile node there from wherever it is."""
    _learn(lab)
    if set(lab.node("mn").links.values()) != {"foreign1"}:
        lab.move("mn", "foreign1")
    lab.await_registered("mn", LONGEST_S)


def _words(lab: Scenario, *words: str, engine: str = "") -> list[str]:
    used = engine or f"mipd://{lab.node('mn').control}"
    return [sys.executable, "-m", "mipsh", "--no-config", "-e", used, "handover", *words, "--json"]


def _document(printed: str) -> dict[str, Any]:
    """Return the document among what was printed: what is said beside it is in lines of its own."""
    found = msgspec.json.decode(printed[printed.index("{\n") : printed.rindex("\n}") + 2])
    assert isinstance(found, dict)
    return found


def _waiting(lab: Scenario, *words: str, engine: str = "") -> tuple["subprocess.Popen[bytes]", Path]:
    """Start to wait for a handover, and let the route be optimised; return the process, and what it prints."""
    process, output = lab.spawn("mn", *_words(lab, *words, "--peer", CORRESPONDENT, engine=engine))
    lab.until(lambda: b"waiting up to" in output.read_bytes(), "watch")
    lab.await_direct("mn")
    lab.pinging("mn", CORRESPONDENT, every_s=0.1).await_answers(MEANWHILE)
    return process, output


def _command(lab: Scenario, *words: str, engine: str = "") -> tuple[int, dict[str, Any]]:
    """Run the command in the mobile node's namespace; return its status and its document."""
    status, printed = lab.run("mn", *_words(lab, *words, engine=engine))
    return status, _document(printed)


def _row(document: dict[str, Any]) -> dict[str, Any]:
    (row,) = document["data"]
    assert isinstance(row, dict)
    return row


def _in_order(row: dict[str, Any]) -> None:
    found = [row[name] for name in ORDER]
    assert all(value is not None for value in found), row
    assert all(before <= after + LATE_MS for before, after in pairwise(found)), row


def test_a_move(lab: Scenario) -> None:
    """Every step of a move is known and in order, the route is optimised again, and losses have their direction."""
    status, document = _command(lab, "--move", "foreign2", *PROVOKED, "--peer", CORRESPONDENT)
    row = _row(document)
    assert (status, row["is_completed"], row["node"], row["link"]) == (0, True, "mn", "foreign2"), row
    _in_order(row)
    assert row["since"] == "link_down"
    assert (row["path_before"], row["path_after"]) == ("ro:ro", "ro:ro")
    assert row["care_of_address"] == lab.care_of_address("mn")
    assert row["lost"] == row["lost_here"] + row["lost_out"] + row["lost_back"]
    assert 0 < row["gap_back_ms"] < 1000
    assert row["ratio"] is not None
    assert row["slowest"] is not None
    assert set(row["unknown"]) <= {"home_test_init", "home_test"}


def test_a_flap(lab: Scenario) -> None:
    """The link that goes down and up again is a handover to where it was; 'ip' does it, and it is put back."""
    status, document = _command(lab, "--flap", *PROVOKED, "--peer", CORRESPONDENT)
    row = _row(document)
    assert (status, row["is_completed"]) == (0, True), row
    assert row["care_of_address"] == lab.care_of_address("mn")
    assert 300 <= row["link_up_ms"] <= row["solicited_ms"] <= row["advertised_ms"] <= row["update_sent_ms"]
    assert row["update_sent_ms"] <= row["acknowledged_ms"]
    assert row["lost"] >= row["lost_here"] + row["lost_out"] > 0


def test_too_slow(lab: Scenario) -> None:
    """A handover that takes longer than it may is status 1, and was completed all the same."""
    status, document = _command(lab, "--move", "foreign2", *PROVOKED, "--within", "1")
    row = _row(document)
    assert (status, row["is_completed"], row["is_within"]) == (1, True, False)
    _settle(lab)
    status, document = _command(lab, "--move", "foreign2", *PROVOKED, "--within", "10000")
    assert (status, _row(document)["is_within"]) == (0, True)


def test_the_next_one_is_waited_for(lab: Scenario) -> None:
    """A move that somebody else makes is seen from the kernel and the packets, by the clock of both."""
    process, output = _waiting(lab, "--for", "20")
    lab.move("mn", "foreign2", gap_s=0.2)
    assert process.wait(40) == 0, output.read_text(encoding="utf-8")
    row = _row(_document(output.read_text(encoding="utf-8")))
    _in_order(row)
    assert row["is_completed"] is True
    assert row["path_before"] == "ro:ro"
    assert row["since"] == "link_down"
    assert 150 <= row["link_up_ms"] <= 400


def test_without_an_engine(lab: Scenario) -> None:
    """The kernel and packets are enough: no daemon is asked."""
    process, output = _waiting(lab, "--for", "20", engine="kernel:")
    lab.move("mn", "foreign2", gap_s=0.2)
    assert process.wait(40) == 0, output.read_text(encoding="utf-8")
    row = _row(_document(output.read_text(encoding="utf-8")))
    _in_order(row)
    assert row["care_of_address"] == lab.care_of_address("mn")
    assert (row["lost_out"], row["lost_back"]) == (None, None)


def test_home(lab: Scenario) -> None:
    """At home, the binding is deleted, and echoes go directly; there is no care-of address to be ready."""
    status, document = _command(lab, "--move", "home", *PROVOKED, "--peer", CORRESPONDENT)
    row = _row(document)
    assert (status, row["is_completed"]) == (0, True), row
    assert row["path_after"] == "direct:direct"
    assert row["care_of_address"] is None
    assert row["unknown"]["care_of_address"] == "the node is at home"


def test_none_began(lab: Scenario) -> None:
    """Where nothing happens, that is said, with status 1."""
    status, document = _command(lab, "--for", "1")
    assert (status, document["data"]) == (1, [])


def test_interrupted(lab: Scenario) -> None:
    """Ctrl-C ends the waiting, and the document is whole: status 130."""
    process, output = _waiting(lab, "--for", "60")
    process.send_signal(signal.SIGINT)
    assert process.wait(LONGEST_S) == 130
    document = _document(output.read_text(encoding="utf-8"))
    assert (document["status"], document["errors"][0]["code"], document["data"]) == (130, "interrupted", [])


def test_the_home_agent_is_dead(lab: Scenario) -> None:
    """A Binding Update that nobody acknowledges is no completed handover."""
    lab.kill("ha")
    try:
        status, document = _command(lab, "--move", "foreign2", *PROVOKED, "--for", "3", "--peer", CORRESPONDENT)
        row = _row(document)
        assert (status, row["is_completed"], row["acknowledged_ms"]) == (1, False, None), row
        assert row["update_sent_ms"] is not None
        assert row["unknown"]["acknowledged"] == "none was seen"
    finally:
        _learn(lab)
        lab.start("ha")
        _settle(lab)


def test_a_peer_that_does_not_answer(lab: Scenario) -> None:
    """Nothing is provoked where nothing could be seen of it: status 3."""
    before = lab.care_of_address("mn")
    status, document = _command(lab, "--move", "foreign2", *PROVOKED, "--peer", "2001:db8:4::dead")
    assert (status, document["data"]) == (3, [])
    assert "nothing was done" in document["errors"][0]["message"]
    assert lab.care_of_address("mn") == before


def test_elsewhere(lab: Scenario) -> None:
    """From another namespace the lab's node is watched all the same; --how and --dry-run do nothing."""
    needs("tshark")
    before = lab.peers("mn")[HOME_AGENT]["sequence"]
    words = _words(lab, "--move", "foreign2")
    for option in ("--how", "--dry-run"):
        status, printed = lab.run("cn", *words, option)
        assert status == 0, printed
        assert "ip link set" in printed or "foreign2" in printed
    assert lab.peers("mn")[HOME_AGENT]["sequence"] == before
    status, printed = lab.run("cn", *words, *PROVOKED)
    assert status == 0, printed
