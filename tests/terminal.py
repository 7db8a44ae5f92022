"""mipsh in a real pseudo-terminal, what it writes drawn on a screen that tests can look at.

Nothing here waits for a time: ``until`` reads what comes until the screen shows what is awaited.
"""

import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import Self

import pexpect
import pyte
from harness import Mipsh

from mipsh.node.faults import Sending, Trouble

LONGEST_S = 40.0
PROMPT = re.compile(r"(?:mipsh|\w+@\w+ \S+)[>#] ")

UP, DOWN = "\x1b[A", "\x1b[B"
ENTER, TAB, ESCAPE = "\r", "\t", "\x1b"
CTRL_C, CTRL_D, CTRL_G, CTRL_R, CTRL_U = "\x03", "\x04", "\x07", "\x12", "\x15"


class HangsOn(Trouble, frozen=True):
    """The engine never answers what has a certain text in its reply, and notes that it was asked."""

    text: bytes
    asked: threading.Event

    def reply(self, reply: bytes) -> Sending:
        """Return the reply, or nothing."""
        if self.text not in reply:
            return Sending((reply,))
        self.asked.set()
        return Sending()


class Screen(pyte.Screen):
    """A screen that answers where its cursor is, if it is one that answers."""

    def __init__(self, columns: int, lines: int, answer: Callable[[str], object] | None) -> None:
        super().__init__(columns, lines)
        self.answer = answer

    def write_process_input(self, data: str) -> None:
        """Answer a question of the program."""
        if self.answer is not None:
            self.answer(data)


class Terminal:
    """A terminal of so many columns and lines in which mipsh runs; leaving the block ends it.

    With ``screen_columns`` the screen is wider than the program is told, so that a line that is
    too long shows. A terminal that does not ``answer`` keeps to itself where its cursor is.
    ``through`` is a shell's line that runs mipsh as ``"$@"``.
    """

    def __init__(
        self,
        mipsh: Mipsh,
        *words: str,
        size: tuple[int, int] = (80, 24),
        screen_columns: int = 0,
        answers: bool = True,
        through: str = 'exec "$@"',
        variables: Mapping[str, str] | None = None,
    ) -> None:
        columns, lines = size
        argv = ["-c", through, "sh", sys.executable, "-m", "mipsh", *words]
        env = {**mipsh.variables, "TERM": "xterm-256color", **(variables or {})}
        self.process: pexpect.spawn[bytes] = pexpect.spawn(
            "/bin/sh", argv, env=env, cwd=mipsh.home, dimensions=(lines, columns), timeout=LONGEST_S
        )
        self.process.delaybeforesend = None
        self.screen = Screen(screen_columns or columns, lines, self.process.send if answers else None)
        self.stream = pyte.ByteStream(self.screen)
        self.raw = b""

    def __enter__(self) -> Self:
        """Return the terminal."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the program, whatever it does."""
        if self.process.isalive():
            self.process.kill(signal.SIGKILL)
            self.process.wait()
        self.process.close()

    @property
    def lines(self) -> list[str]:
        """The lines of the screen, without what is blank at their ends."""
        return [line.rstrip() for line in self.screen.display]

    @property
    def text(self) -> str:
        """The whole screen as one text."""
        return "\n".join(self.lines)

    @property
    def line(self) -> str:
        """The line with the cursor, up to the cursor."""
        return self.screen.display[self.screen.cursor.y][: self.screen.cursor.x]

    @property
    def at_prompt(self) -> bool:
        """Whether the cursor stands behind a prompt at which nothing is typed."""
        return PROMPT.fullmatch(self.line) is not None

    def send(self, text: str) -> None:
        """Type something."""
        self.process.send(text)

    def read(self, until: float) -> None:
        """Draw what the program writes next; fails after the deadline or when the program is gone."""
        try:
            data = self.process.read_nonblocking(65536, max(until - time.monotonic(), 0.01))
        except (pexpect.TIMEOUT, pexpect.EOF) as error:
            raise AssertionError(f"{type(error).__name__} with this on the screen:\n{self.text}") from None
        self.raw += data
        self.stream.feed(data)

    def until(self, awaited: Callable[[], object]) -> None:
        """Read until something holds."""
        deadline = time.monotonic() + LONGEST_S
        while not awaited():
            self.read(deadline)

    def see(self, *texts: str) -> None:
        """Read until the screen shows all texts."""
        self.until(lambda: all(text in self.text for text in texts))

    def behind(self, text: str) -> None:
        """Read until the cursor stands behind a text."""
        self.until(lambda: self.line.endswith(text))

    def prompt(self) -> None:
        """Read until the prompt awaits a line."""
        self.until(lambda: self.at_prompt)

    def type(self, text: str) -> None:
        """Type text at the prompt and wait for it to stand there."""
        self.send(text)
        self.behind(text)

    def run(self, line: str) -> list[str]:
        """Run a line; return what stands between it and the next prompt, as far as it is on the screen."""
        self.prompt()
        self.type(line)
        self.send(ENTER)
        self.prompt()
        lines = self.lines[: self.screen.cursor.y]
        starts = [number for number, shown in enumerate(lines) if PROMPT.match(shown) and shown.endswith(line)]
        return lines[starts[-1] + 1 if starts else 0 :]

    def resize(self, columns: int, lines: int) -> None:
        """Change the size of the terminal; the program is told by a signal."""
        self.screen.resize(lines, columns)
        self.process.setwinsize(lines, columns)

    def status(self) -> int | None:
        """Read to the end and return the exit status."""
        deadline = time.monotonic() + LONGEST_S
        try:
            while True:
                data = self.process.read_nonblocking(65536, max(deadline - time.monotonic(), 0.01))
                self.raw += data
                self.stream.feed(data)
        except pexpect.EOF:
            self.process.wait()
        return self.process.exitstatus
