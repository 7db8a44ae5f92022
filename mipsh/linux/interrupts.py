"""Ctrl-C as something that can be waited for, so that nothing breaks off in the middle."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class Interrupts:
    """Whether Ctrl-C was pressed; ``fileno`` is ready to be read from then on."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self.is_set = False

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._descriptor


@contextmanager
def interrupts() -> Iterator[Interrupts]:
    """Let Ctrl-C set what comes out of this, while the block runs; elsewhere than in the main thread it never is."""
    reading, writing = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    found = Interrupts(reading)

    def note(number: int, frame: object) -> None:
        found.is_set = True
        os.write(writing, b"\0")

    is_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, note) if is_main else None
    try:
        yield found
    finally:
        if is_main:
            signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)
        os.close(reading)
        os.close(writing)
