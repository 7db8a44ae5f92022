"""Processes are started, found by a mark, told apart from others with their number, and ended."""

import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mipsh.linux.processes import Process, end, find, is_alive, kill, marked, members, namespace_of, reap, spawn

MARK = "MIPSH_TEST"
LONGEST_S = 10.0
WAITS = "import signal; signal.pause()"
STUBBORN = "import signal; signal.signal(15, signal.SIG_IGN); print('deaf', flush=True); signal.pause()"


class Started:
    """Starts programs of Python with a mark of its own."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.mark = str(folder)
        self.processes: list[Process] = []

    def __call__(self, program: str) -> Process:
        """Start a program; the kernel shows its environment a moment later."""
        process = spawn([sys.executable, "-c", program], {**os.environ, MARK: self.mark}, str(self.log))
        self.processes.append(process)
        deadline = time.monotonic() + LONGEST_S
        while process not in marked(f"{MARK}={self.mark}"):
            assert time.monotonic() < deadline
        return process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Started]:
    """Start programs, and end them."""
    started = Started(tmp_path)
    yield started
    for process in started.processes:
        kill(process)


def test_a_process_is_found_by_its_mark(start: Started) -> None:
    """While it runs; this one is left out, whatever is in its own environment."""
    process = start(WAITS)
    other = start(WAITS)
    assert {found.pid for found in marked(f"{MARK}={start.mark}")} == {process.pid, other.pid}
    assert marked(f"{MARK}={start.mark}x") == []
    kill(other)
    assert [found.pid for found in marked(f"{MARK}={start.mark}")] == [process.pid]
    assert find(process.pid) == process


def test_a_number_that_is_used_again_is_another_process(start: Started) -> None:
    """By the time of its start."""
    process = start(WAITS)
    other = Process(process.pid, process.started - 1)
    assert is_alive(process)
    assert not is_alive(other)
    kill(other)
    assert is_alive(process)


def test_who_does_not_heed_is_made_to_end(start: Started) -> None:
    """What it wrote is in its log, for its owner alone."""
    stubborn, heeding = start(STUBBORN), start(WAITS)
    while not start.log.read_text(encoding="utf-8"):
        assert is_alive(stubborn)
    end([stubborn, heeding], 0.2)
    assert not is_alive(stubborn)
    assert not is_alive(heeding)
    assert os.waitpid(heeding.pid, 0)[1] == signal.SIGTERM
    assert start.log.read_text(encoding="utf-8") == "deaf\n"
    assert start.log.stat().st_mode & 0o777 == 0o600


def test_a_process_that_ended_is_dead_before_anybody_took_note(start: Started) -> None:
    """It waits for its parent, who need not wait for it twice."""
    process = start(WAITS)
    os.kill(process.pid, signal.SIGKILL)
    while is_alive(process):
        assert find(process.pid) is not None
    reap(process)
    reap(process)
    assert find(process.pid) is None


def test_members_of_a_namespace_are_found(start: Started) -> None:
    """Those of this one's, without this process."""
    process = start(WAITS)
    own = namespace_of(os.getpid(), "net")
    assert own is not None
    assert process in members([own])
    assert os.getpid() not in {found.pid for found in members([own])}
    assert members([(0, 0)]) == []
    assert namespace_of(process.pid, "net") == own
    assert namespace_of(0, "net") is None
