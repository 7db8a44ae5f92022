"""What both shells do around a line: greet, run it, outlive Ctrl-C."""

import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from mipsh.environment import Environment
from mipsh.errors import MipshError
from mipsh.execute import Runner
from mipsh.linux.terminal import echoes
from mipsh.model.text import escape
from mipsh.session import Session

KILLED = 128
SAME_S = 0.3


class Interrupts:
    """Ctrl-C, raised as KeyboardInterrupt where it is wanted and nowhere else.

    The prompt's editor reads it as a key; a signal in the middle of its setting up would break
    it. Keys pressed within a moment are one interrupt.
    """

    def __init__(self) -> None:
        self.wanted = False
        self._last: float | None = None

    def run(self, action: Callable[[], None]) -> bool:
        """Run an action that an interrupt ends; tell whether it did."""
        self._last = None
        try:
            try:
                self.wanted = True
                action()
            finally:
                self.wanted = False
        except KeyboardInterrupt:
            # It may have come in the block above, before the line was reached.
            self.wanted = False
            return True
        return False

    @property
    def happened(self) -> bool:
        """Whether one was raised in the last action, which may have answered it by itself."""
        return self._last is not None

    def hear(self, number: int, frame: FrameType | None) -> None:
        """Take a signal."""
        now = time.monotonic()
        if self.wanted and (self._last is None or now - self._last >= SAME_S):
            self._last = now
            raise KeyboardInterrupt


@contextmanager
def hearing_signals() -> Iterator[Interrupts]:
    """Hear Ctrl-C, also where it was ignored before; when ended from outside, leave the terminal as it was."""
    interrupts = Interrupts()
    hearing = {signal.SIGINT: interrupts.hear, signal.SIGTERM: end}
    before = {number: signal.signal(number, handler) for number, handler in hearing.items()}
    try:
        yield interrupts
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def end(number: int, frame: FrameType | None) -> None:
    """End when a signal says so: within the prompt's loop between two steps, as one in the middle would break it."""
    import asyncio

    try:
        loop = asyncio.get_running_loop()
    except RuntimeError:
        _exit(number)
    else:
        loop.call_soon_threadsafe(_exit, number)


def _exit(number: int) -> None:
    raise SystemExit(KILLED + number)


def greet(session: Session) -> None:
    """Reach the engine, so that the prompt can name it; one that is not there is said, not fatal."""
    if session.connector is not None or session.leave:
        return
    try:
        session.connect()
    except MipshError as error:
        session.environment.warn(f"mipsh: {escape(error.message)}")
        if error.hint:
            session.environment.warn(f"       {escape(error.hint)}")


def run_lines(runner: Runner, text: str) -> None:
    """Run what was entered or pasted, line by line, to the first that is not fine."""
    for line in text.splitlines():
        if runner.run(line) or runner.session.leave:
            break


def say_interrupted(environment: Environment) -> None:
    """Say it on a line of its own, also behind the ^C that a terminal shows."""
    if echoes(environment.stdin):
        environment.warn("")
    environment.warn("mipsh: interrupted")
