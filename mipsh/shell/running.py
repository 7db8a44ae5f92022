"""What both shells do around a line: greet, run it, outlive Ctrl-C."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from mipsh.environment import Environment
from mipsh.errors import MipshError
from mipsh.execute import Runner
from mipsh.linux.terminal import echoes
from mipsh.model.text import escape
from mipsh.session import Session

KILLED = 128


@contextmanager
def hearing_signals() -> Iterator[None]:
    """Hear Ctrl-C, also where it was ignored before; when ended from outside, leave the terminal as it was."""
    hearing = {signal.SIGINT: signal.default_int_handler, signal.SIGTERM: _end}
    before = {number: signal.signal(number, handler) for number, handler in hearing.items()}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(number: int, frame: FrameType | None) -> None:
    raise SystemExit(KILLED + number)


def greet(session: Session) -> None:
    """Reach the engine, so that the prompt can name it; one that is not there is said, not fatal."""
    if session.connector is not None or session.leave:
        return
    try:
        session.connect()
    except KeyboardInterrupt:
        say_interrupted(session.environment)
    except MipshError as error:
        session.environment.warn(f"mipsh: {escape(error.message)}")
        if error.hint:
            session.environment.warn(f"       {escape(error.hint)}")


def run_lines(runner: Runner, text: str) -> None:
    """Run what was entered or pasted, line by line, to the first that is not fine."""
    try:
        for line in text.splitlines():
            if runner.run(line) or runner.session.leave:
                break
    except KeyboardInterrupt:
        say_interrupted(runner.session.environment)


def say_interrupted(environment: Environment) -> None:
    """Say it on a line of its own, also behind the ^C that a terminal shows."""
    if echoes(environment.stdin):
        environment.warn("")
    environment.warn("mipsh: interrupted")
