"""Where results go: standard output, a terminal's live frame, a pager, a file, a shell command.

A sink never raises for a reader that went away: it says so in ``status``. What cannot be written
raises OutputError, and a file that was there before is then still what it was.
"""

import os
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

from mipsh.environment import Environment
from mipsh.errors import OutputError
from mipsh.grammar.lines import Statement
from mipsh.session import Session
from mipsh.status import ExitStatus

MAY_BE_WIDE = 10_000


class Sink:
    """A place for text; the base writes to an open stream.

    ``status`` is not OK once the reader went away or a shell command failed.
    """

    def __init__(self, stream: IO[str] | None, name: str) -> None:
        self.stream = stream
        self.name = name
        self.width: int | None = None
        self.color = False
        self.unicode = True
        self.status = ExitStatus.OK

    def write(self, text: str) -> None:
        """Write text; raises OutputError where it cannot be written."""
        if self.status:
            return
        if self.stream is None:
            raise OutputError(f"{self.name} is closed", "open it, or write to a file with > FILE")
        try:
            self.stream.write(text)
        except BrokenPipeError:
            self.status = ExitStatus.BROKEN_PIPE
        except (OSError, ValueError) as error:
            raise self._failed(error) from None

    def _failed(self, error: Exception) -> OutputError:
        reason = getattr(error, "strerror", None) or str(error)
        return OutputError(f"cannot write to {self.name}: {reason}", "the result was not kept; make room and ask again")

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Bracket one frame of a command that goes on; every frame is flushed."""
        yield
        self.flush()

    def flush(self) -> None:
        """Push out what was written."""
        if self.stream is None or self.status:
            return
        try:
            self.stream.flush()
        except BrokenPipeError:
            self.status = ExitStatus.BROKEN_PIPE
        except (OSError, ValueError) as error:
            raise self._failed(error) from None

    def close(self) -> None:
        """Finish; raises OutputError where what was written could not be kept."""
        self.flush()

    def abandon(self) -> None:
        """Finish after an error: keep nothing that is not whole."""


class TerminalSink(Sink):
    """A terminal: long results go through the pager, frames are drawn over each other."""

    def __init__(self, stream: TextIO, environment: Environment, paged: bool) -> None:
        super().__init__(stream, "the terminal")
        self.environment = environment
        self.paged = paged
        self.drawn = 0
        self._held: list[str] | None = [] if paged else None

    def write(self, text: str) -> None:
        """Write text, or hold it until it is known whether it fits on the screen."""
        if self._held is not None:
            self._held.append(text)
        else:
            super().write(text)

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Draw a frame over the one before; what does not fit below is counted, not shown."""
        self._held = []
        yield
        lines = "".join(self._held).splitlines()
        self._held = None
        height = max(self.environment.size()[1] - 2, 1)
        if len(lines) > height:
            lines[height - 1 :] = [f"… {len(lines) - height + 1} more lines"]
        if self.environment.dumb:
            super().write("\n".join(lines) + "\n")
        else:
            up = f"\x1b[{self.drawn}A" if self.drawn else ""
            super().write(up + "\r" + "".join(f"{line}\x1b[K\n" for line in lines) + "\x1b[J")
        self.drawn = len(lines)
        self.flush()

    def close(self) -> None:
        """Show what was held: through the pager when it is longer than the screen."""
        held, self._held = "".join(self._held or ()), None
        argv = self.environment.pager()
        if argv and held.count("\n") >= self.environment.size()[1]:
            try:
                subprocess.run(argv, input=held, text=True, check=False, errors="backslashreplace")
                return
            except (OSError, KeyboardInterrupt) as error:
                self.environment.warn(f"mipsh: warning: the pager '{argv[0]}' did not run: {error}")
        super().write(held)
        self.flush()


class FileSink(Sink):
    """A file: a new one replaces the old one only when it is whole."""

    def __init__(self, path: str, append: bool) -> None:
        self.path = Path(path).expanduser()
        self.temporary = ""
        try:
            super().__init__(self._open(append), str(self.path))
        except OSError as error:
            raise OutputError(f"cannot write to {path}: {error.strerror}", "name another file") from None

    def _open(self, append: bool) -> IO[str]:
        special = self.path.exists() and not stat.S_ISREG(self.path.stat().st_mode)
        if append or special:
            return self.path.open("a" if append else "w", encoding="utf-8", errors="backslashreplace")
        self.path = self.path.resolve()
        mode = self.path.stat().st_mode & 0o777 if self.path.exists() else 0o666 & ~_umask()
        handle, self.temporary = tempfile.mkstemp(prefix=".mipsh-", dir=self.path.parent)
        os.fchmod(handle, mode)
        return os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace")

    def close(self) -> None:
        """Put the whole file in its place."""
        self.flush()
        if self.stream is None:
            return
        try:
            self.stream.close()
            if self.temporary:
                Path(self.temporary).replace(self.path)
        except OSError as error:
            self.abandon()
            raise self._failed(error) from None

    def abandon(self) -> None:
        """Leave the file as it was."""
        if self.stream is not None:
            with suppress(OSError):
                self.stream.close()
        if self.temporary:
            Path(self.temporary).unlink(missing_ok=True)


class ShellSink(Sink):
    """The standard input of a shell command."""

    def __init__(self, command: str) -> None:
        self.process = subprocess.Popen(
            command, shell=True, stdin=subprocess.PIPE, text=True, encoding="utf-8", errors="backslashreplace"
        )
        super().__init__(self.process.stdin, f"'{command}'")

    def write(self, text: str) -> None:
        """Write text; a command that stopped reading is not an error."""
        super().write(text)
        if self.status is ExitStatus.BROKEN_PIPE:
            self.stream = None

    def close(self) -> None:
        """Wait for the command; its exit status 1 means a condition not met, others a failure."""
        if self.process.stdin is not None:
            with suppress(BrokenPipeError):
                self.process.stdin.close()
        code = self.process.wait()
        self.status = ExitStatus.OK
        if code:
            self.status = ExitStatus.CONDITION_NOT_MET if code == 1 else ExitStatus.FAILED

    def abandon(self) -> None:
        """Let the command end."""
        self.close()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def open_sink(session: Session, statement: Statement, paged: bool = False) -> Iterator[Sink]:
    """Open where a statement's result goes, and finish it whatever happens."""
    sink = _make(session, statement, paged)
    try:
        yield sink
    except BaseException:
        sink.abandon()
        raise
    sink.close()


def _make(session: Session, statement: Statement, paged: bool) -> Sink:
    environment, settings = session.environment, session.settings
    shell = next((stage.argument for stage in statement.stages if stage.name == "!"), None)
    if statement.redirect:
        return FileSink(statement.redirect, statement.append)
    if shell is not None:
        if environment.stdout is not None:
            environment.stdout.flush()
        return ShellSink(shell)
    stream = environment.stdout
    if stream is None or not environment.is_terminal(stream):
        sink = Sink(stream, "standard output")
    else:
        paging = paged and settings.pager and environment.interactive and not environment.dumb
        sink = TerminalSink(stream, environment, paging)
        sink.width = environment.size()[0]
    sink.color = environment.color(stream, settings.color)
    sink.unicode = environment.unicode(stream)
    return sink


def quiet_exit(environment: Environment) -> None:
    """Flush standard output for the last time; a reader that is gone stays unmentioned."""
    try:
        if environment.stdout is not None:
            environment.stdout.flush()
    except (OSError, ValueError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, sys.__stdout__.fileno() if sys.__stdout__ else 1)
        os.close(null)
