"""Processes as a lab starts, finds and ends them: in the background, by a mark in their environment.

A process is known by its number and the time of its start, since numbers are used again.
"""

import os
import signal
import time
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

PROC = Path("/proc")
STATE_AT, STARTED_AT = 0, 19
"""Where a process's state and its start stand behind its name in ``/proc/PID/stat`` (proc(5))."""
LOOKS_EVERY_S = 0.01


class Process(Struct, frozen=True):
    """A process: its number, and its start in ticks since the machine's."""

    pid: int
    started: int


def spawn(argv: Sequence[str], variables: Mapping[str, str], log: str) -> Process:
    """Start a program in the background, in a session of its own, without input; what it writes goes to a file.

    It is in the namespaces that this thread is in. Raises OSError.
    """
    actions = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
        (os.POSIX_SPAWN_DUP2, 1, 2),
    ]
    pid = os.posix_spawn(argv[0], list(argv), dict(variables), file_actions=actions, setsid=True)
    found = find(pid)
    if found is None:
        raise ProcessLookupError(f"{argv[0]} ended as soon as it began")
    return found


def find(pid: int) -> Process | None:
    """Return the process of a number; None where there is none."""
    words = _stat(pid)
    return None if words is None else Process(pid, int(words[STARTED_AT]))


def is_alive(process: Process) -> bool:
    """Tell whether a process still runs; one that has ended and waits for its parent does not."""
    words = _stat(process.pid)
    return words is not None and int(words[STARTED_AT]) == process.started and words[STATE_AT] not in ("Z", "X")


def marked(mark: str) -> list[Process]:
    """Return the processes whose environment has a line, this one left out."""
    wanted = mark.encode()
    found = (find(pid) for pid in _pids() if wanted in _environment(pid))
    return [process for process in found if process is not None]


def members(namespaces: Iterable[tuple[int, int]], kind: str = "net") -> list[Process]:
    """Return the processes that are in namespaces, given by device and inode, this one left out."""
    wanted = frozenset(namespaces)
    found = (find(pid) for pid in _pids() if namespace_of(pid, kind) in wanted)
    return [process for process in found if process is not None]


def namespace_of(pid: int, kind: str) -> tuple[int, int] | None:
    """Return the device and the inode of the namespace that a process is in; None where it cannot be seen."""
    with suppress(OSError):
        found = (PROC / str(pid) / "ns" / kind).stat()
        return found.st_dev, found.st_ino
    return None


def end(processes: Collection[Process], patience_s: float) -> None:
    """Ask processes to end, and make those end that have not after a time."""
    for number, wait_s in ((signal.SIGTERM, patience_s), (signal.SIGKILL, patience_s)):
        left = [process for process in processes if is_alive(process)]
        for process in left:
            _signal(process, number)
        deadline = time.monotonic() + wait_s
        while any(map(is_alive, left)) and time.monotonic() < deadline:
            time.sleep(LOOKS_EVERY_S)


def kill(process: Process) -> None:
    """Make a process end at once, and wait for that."""
    _signal(process, signal.SIGKILL)
    while is_alive(process):
        time.sleep(LOOKS_EVERY_S)
    reap(process)


def reap(process: Process) -> None:
    """Take note of the end of a process that was started here, so that its number is free."""
    with suppress(ChildProcessError):
        os.waitpid(process.pid, os.WNOHANG)


def _signal(process: Process, number: int) -> None:
    with suppress(ProcessLookupError):
        if is_alive(process):
            os.kill(process.pid, number)


def _stat(pid: int) -> list[str] | None:
    """Return what stands behind a process's name; the name may hold anything, brackets too."""
    try:
        text = (PROC / str(pid) / "stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    words = text.rpartition(")")[2].split()
    return words if len(words) > STARTED_AT else None


def _environment(pid: int) -> list[bytes]:
    try:
        return (PROC / str(pid) / "environ").read_bytes().split(b"\0")
    except OSError:
        return []


def _pids() -> Iterator[int]:
    own = os.getpid()
    for entry in PROC.iterdir():
        if entry.name.isdecimal() and int(entry.name) != own:
            yield int(entry.name)
