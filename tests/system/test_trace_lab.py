"""A trace on nodes of a lab: registration, return routability, a handover, a restart, a link that is dead.

It runs in the node's namespace beside its mipd, and is ended as a user ends it. tshark reads what it wrote.
"""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lab_grounds import needs_root
from scenario import CORRESPONDENT, HOME_AGENT, LONGEST_S, Row, Scenario, frames_that, scenario

pytestmark = [pytest.mark.system, needs_root]
Rows = Callable[[], list[Row]]


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario() as built:
        yield built


@contextmanager
def tracing(lab: Scenario, name: str, *words: str) -> Iterator[Rows]:
    """Let a trace run on a node; yield what returns its rows until now. It ends well, by Ctrl-C."""
    argv = sys.executable, "-m", "mipsh", "--no-config", "-e", f"mipd://{lab.node(name).control}", "trace"
    process, output = lab.spawn(name, *argv, "--follow", "-o", "ndjson", *words)
    lab.until(lambda: "listening" in output.read_text("utf-8"), "trace")
    yield lambda: rows_of(output)
    process.send_signal(signal.SIGINT)
    assert process.wait(LONGEST_S) == 0, output.read_text("utf-8")


def rows_of(output: Path) -> list[Row]:
    """Return the whole rows that were written."""
    lines = output.read_text("utf-8").splitlines(keepends=True)
    documents: list[dict[str, Any]] = [
        msgspec.json.decode(line) for line in lines if line[0] == "{" and line[-1] == "\n"
    ]
    return [row for row in documents if "exchange" in row]


def of(rows: Rows, exchange: str, state: str = "", peer: str = "") -> list[Row]:
    """Return the exchanges of a kind, with a state, with a peer."""
    return [
        row
        for row in rows()
        if row["exchange"] == exchange and state in ("", row["state"]) and peer in ("", row["peer"])
    ]


def test_all_that_a_mobile_node_does(lab: Scenario) -> None:
    """Return routability, a handover, and a correspondent that begins anew; events of the engine are among it."""
    kept = lab.folder / "kept.pcapng"
    home = lab.home_address("mn")
    with tracing(lab, "mn", "--save", str(kept)) as rows:
        lab.ping("mn", CORRESPONDENT)
        lab.until(lambda: bool(of(rows, "correspondent_registration", "accepted", CORRESPONDENT)), "registration")
        (test,), (other,) = of(rows, "home_test"), of(rows, "care_of_test")
        assert (test["state"], test["messages"], test["home_address"]) == ("answered", "1 HoTI, 1 HoT", home)
        assert (other["state"], other["messages"], other["peer"]) == ("answered", "1 CoTI, 1 CoT", CORRESPONDENT)
        assert 0 < test["latency_ms"] < 1000
        lab.move("mn", "foreign2")
        lab.until(lambda: bool(of(rows, "home_registration", "accepted", HOME_AGENT)), "registration")
        (registration,) = of(rows, "home_registration")
        assert registration["care_of_address"].startswith("2001:db8:3:")
        assert {"A", "H"} <= set(registration["flags"])
        lab.await_direct()
        lab.kill("cn")
        lab.start("cn")
        echoes = lab.pinging("mn", CORRESPONDENT, every_s=0.1)
        lab.until(lambda: bool(of(rows, "binding_error")), "Binding Error")
        lab.until(lambda: len(of(rows, "home_test", "answered")) > 1, "home test")
        echoes.end()
        assert of(rows, "binding_error")[0]["status_name"] == "no_binding"
        assert of(rows, "event", "seen", CORRESPONDENT)
    assert frames_that(kept, "mip6.mhtype == 7")
    assert frames_that(kept, "_ws.malformed") == []
    assert {line.strip() for line in frames_that(kept, "mipv6", "-T", "fields", "-e", "frame.interface_name")} == {
        "eth0"
    }
    read = lab.mipsh("mn", "trace", "--read", str(kept))
    assert {row["exchange"] for row in read} == {row["exchange"] for row in rows()} - {"event"}
    assert [row for row in read if row["state"] == "unanswered"] == []


def test_a_home_agent_hears_both_sides(lab: Scenario) -> None:
    """A packet in the tunnel, and out of it, is one."""
    lab.settle("mn", "foreign1")
    lab.kill("cn")
    lab.start("cn")
    with tracing(lab, "ha", "rr", "home") as rows:
        echoes = lab.pinging("mn", CORRESPONDENT, every_s=0.1)
        lab.until(lambda: bool(of(rows, "home_test", "answered")), "home test")
        echoes.end()
        lab.settle("mn", "foreign2")
        lab.until(lambda: bool(of(rows, "home_registration", "accepted")), "registration")
    assert {row["messages"] for row in of(rows, "home_test", "answered")} == {"1 HoTI, 1 HoT"}
    assert of(rows, "event") == of(rows, "correspondent_registration") == []


def test_what_is_missing_is_said(lab: Scenario) -> None:
    """A link that loses all: questions without an answer, repeated, with what that can mean."""
    lab.settle("mn", "foreign2")
    lab.ping("mn", CORRESPONDENT)
    lab.await_direct()
    echoes = lab.pinging("mn", CORRESPONDENT, every_s=0.1)
    lab.impair("correspondent", 1.0)
    try:
        with tracing(lab, "mn", "errors") as rows:
            lab.move("mn", "foreign1")
            lab.until(lambda: bool(of(rows, "care_of_test", "unanswered", CORRESPONDENT)), "test without an answer")
            (test,) = of(rows, "care_of_test", "unanswered")[:1]
    finally:
        lab.impair("correspondent", 0.0)
        echoes.end()
    assert test["answers"] == 0
    assert test["explanation"].startswith(f"{test['questions']} CoTI, no CoT: lost between")
    assert test["advice"]
