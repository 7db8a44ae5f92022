"""The demo builds a network, and removes it whichever way it is left."""

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Mipsh
from lab_grounds import needs_root
from terminal import ENTER, Terminal

from mipsh.linux.namespaces import names
from mipsh.linux.processes import marked

pytestmark = [pytest.mark.system, needs_root]
LONGEST_S = 5.0
"""What the demo may take to its prompt."""


def left(mipsh: Mipsh) -> list[str]:
    """Return what there is of the demo's network: files, and processes by their mark."""
    folder = Path(mipsh.variables["XDG_RUNTIME_DIR"]) / "mipsh"
    found = [str(path) for path in folder.iterdir()] if folder.exists() else []
    marks = [f"MIPSH_LAB={folder}/lab-demo{number or ''}" for number in range(4)]
    return found + [str(process.pid) for mark in marks for process in marked(mark)]


@pytest.fixture(autouse=True)
def clean(mipsh: Mipsh) -> Iterator[None]:
    """Remove what a demo that did not end left."""
    yield
    mipsh("lab", "down", "--every")


def test_off_a_terminal_the_tour_runs_and_all_is_removed(mipsh: Mipsh) -> None:
    """Every step is fine, and says what it does."""
    before = set(names())
    ran = mipsh.process("demo")
    assert ran.status == 0, ran.stderr
    for text in ("# 1 of 11", "care-of address", "return routability", "# 11 of 11", "> lab move mn home"):
        assert text in ran.stderr
    assert "direct" in ran.stdout
    assert "registered from 2001:db8:2:" in ran.stdout
    assert all(len(line) <= 80 for line in ran.stderr.splitlines() if line.startswith("#"))
    assert left(mipsh) == []
    assert {name for name in set(names()) - before if name.startswith("mipsh-demo")} == set()


def test_at_a_terminal_the_shell_opens_on_the_mobile_node(mipsh: Mipsh) -> None:
    """In time, with the welcome; it asks, moves, and takes the network with it when it is left."""
    began = time.monotonic()
    with Terminal(mipsh, "demo", screen_columns=120) as terminal:
        terminal.prompt()
        assert time.monotonic() - began < LONGEST_S
        assert terminal.line.startswith("mn@mipd ")
        assert "'tour' shows how a handover goes." in terminal.text
        assert any("2001:db8:1::1" in line for line in terminal.run("bul"))
        assert "registered from 2001:db8:3:" in terminal.run("lab move mn foreign2")[-1]
        terminal.run("ha")
        assert terminal.line.startswith("ha@mipd ")
        terminal.type("quit")
        terminal.send(ENTER)
        assert terminal.status() == 0
    assert left(mipsh) == []


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_demo_that_is_ended_from_outside_removes_its_network(mipsh: Mipsh, number: int) -> None:
    """As when its terminal is closed."""
    with Terminal(mipsh, "demo", screen_columns=120) as terminal:
        terminal.prompt()
        assert left(mipsh) != []
        terminal.process.kill(number)
        terminal.status()
    assert left(mipsh) == []
