"""The terminal as the kernel keeps it: whether keys are echoed, and whom Ctrl-C reaches."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, TextIO

LOCAL = 3


@contextmanager
def silent(stream: TextIO) -> Iterator[None]:
    """Do not echo keys while the block runs; they wait for whoever reads next.

    Nothing changes where the stream is no terminal, or one that this process may only watch.
    """
    import termios

    before = _modes(stream)
    if not before:
        yield
        return
    handle = stream.fileno()
    quiet = [*before[:LOCAL], before[LOCAL] & ~termios.ECHO, *before[LOCAL + 1 :]]
    try:
        termios.tcsetattr(handle, termios.TCSADRAIN, quiet)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(handle, termios.TCSADRAIN, before)


def echoes(stream: TextIO) -> bool:
    """Tell whether a stream is a terminal that shows the keys typed."""
    import termios

    modes = _modes(stream)
    return bool(modes) and bool(modes[LOCAL] & termios.ECHO)


def _modes(stream: TextIO) -> list[Any]:
    """Return the modes of the terminal under a stream, none where this process may not change them."""
    import termios

    with suppress(OSError, ValueError, termios.error):
        handle = stream.fileno()
        if os.tcgetpgrp(handle) == os.getpgrp():
            return termios.tcgetattr(handle)
    return []


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Leave Ctrl-C to the program that runs in the foreground, while the block runs."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextmanager
def asking(stream: TextIO) -> Iterator[None]:
    """Echo keys while the block runs, and forget those typed before it: they are no answer to its question."""
    import termios

    before = _modes(stream)
    if not before:
        yield
        return
    handle = stream.fileno()
    heard = [*before[:LOCAL], before[LOCAL] | termios.ECHO | termios.ICANON | termios.ISIG, *before[LOCAL + 1 :]]
    try:
        termios.tcsetattr(handle, termios.TCSAFLUSH, heard)
        yield
    finally:
        with suppress(termios.error):
            termios.tcsetattr(handle, termios.TCSADRAIN, before)
