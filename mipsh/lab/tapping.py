"""A link of a lab into a capture file, as long as somebody wants it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import IO

from mipsh.errors import OutputError
from mipsh.lab.state import FILE_MODE
from mipsh.linux import lab_links
from mipsh.linux.tap import Tap
from mipsh.wire import pcap

LOOK_S = 0.2
MOST_AT_ONCE = 100_000
"""How many frames are written before it is looked again whether to end: a link may never be quiet."""


def record(namespace: str, link: str, path: Path, seconds: float | None, ready: Callable[[], None]) -> int:
    """Write the frames of a link into a file until interrupted, or for so long; return how many there were.

    ``ready`` is called when nothing is missed any more; what came before the interrupt is in the file.
    Raises OutputError where it cannot be written.
    """
    with lab_links.inside(namespace, lambda: Tap(link)) as tap, _interrupt() as interrupted:
        try:
            handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
            with os.fdopen(handle, "wb") as file:
                file.write(pcap.file_header(pcap.ETHERNET))
                ready()
                deadline = None if seconds is None else time.monotonic() + seconds
                count = 0
                while not interrupted.is_set() and (deadline is None or time.monotonic() < deadline):
                    left_s = LOOK_S if deadline is None else min(LOOK_S, max(deadline - time.monotonic(), 0.0))
                    count += _write(tap, left_s, file)
                return count + _write(tap, 0.0, file)
        except OSError as error:
            raise OutputError(f"cannot write to {path}: {error.strerror}", "name another file") from error


def _write(tap: Tap, wait_s: float, file: IO[bytes]) -> int:
    """Write the frames that are there, or that come within a time; return how many."""
    count = 0
    for moment_ns, frame in islice(tap.frames(wait_s), MOST_AT_ONCE):
        file.write(pcap.record(moment_ns, frame))
        count += 1
    file.flush()
    return count


@contextmanager
def _interrupt() -> Iterator[threading.Event]:
    """Let Ctrl-C set what comes out of this, instead of breaking in between two bytes."""
    interrupted = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield interrupted
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: interrupted.set())
    try:
        yield interrupted
    finally:
        signal.signal(signal.SIGINT, before)
