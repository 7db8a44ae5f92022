"""Where results go: standard output, a terminal's live frame, a pager, a file, a shell command.

A sink never raises for a reader that went away: it says so in ``status``. What cannot be written
raises OutputError, and a file that was there before is then still what it was.
"""

import os
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import IO, TextIO

from mipsh.environment import Environment
from mipsh.errors import OutputError
from mipsh.grammar.lines import Statement
from mipsh.linux.terminal import silent, uninterrupted
from mipsh.render.frames import Frames, fit, rows
from mipsh.session import Session
from mipsh.status import ExitStatus

PROMPT_ROWS = 2


class Sink:
    """A place for text; the base writes to an open stream.

    ``status`` is not OK once the reader went away or a shell command failed; ``live`` tells
    that frames are drawn over each other.
    """

    live = False

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

    def note(self, text: str) -> bool:
        """Take a notice as part of what is shown; False where it is to be said elsewhere."""
        return False

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
    """A terminal: a long result goes through the pager, the frames of a live one are drawn over each other.

    A live sink draws no frame that is empty, echoes no keys, and shows notices within its frames.
    """

    def __init__(self, stream: TextIO, environment: Environment, paged: bool = False, live: bool = False) -> None:
        super().__init__(stream, "the terminal")
        self.environment = environment
        self.live = live
        self.width = environment.size()[0]
        self._held: list[str] | None = [] if paged else None
        self._notes: list[str] = []
        self._frames = Frames()
        self._undo = ExitStack()

    def write(self, text: str) -> None:
        """Write text, or hold it until it is known whether it fits on the screen."""
        if self._held is not None:
            self._held.append(text)
        else:
            super().write(text)

    def note(self, text: str) -> bool:
        """Keep a notice for the end of the frame; False where it is to be said elsewhere."""
        if self.live and self.environment.is_terminal(self.environment.stderr):
            self._notes.append(text)
            return True
        return False

    @contextmanager
    def frame(self) -> Iterator[None]:
        """Draw a frame over the one before; what does not fit on the screen is counted, not shown."""
        if not self.live:
            with super().frame():
                yield
            return
        if not self._frames.lines:
            self._undo.enter_context(silent(self.environment.stdin))
        self.width = self.environment.size()[0]
        held: list[str] = []
        self._held, self._notes = held, []
        try:
            yield
        finally:
            self._held = None
        lines = "".join(held).split("\n")[:-1] + self._notes
        if lines:
            columns, height = self.environment.size()
            kept = fit(lines, columns, max(height - 1, 1), len(self._notes) + 1)
            super().write(self._frames.draw(kept, columns))
        self.flush()

    def close(self) -> None:
        """Show what was held: through the pager when it does not fit above the next prompt."""
        self._undo.close()
        held, self._held = "".join(self._held or ()), None
        columns, height = self.environment.size()
        if held and not self.live and rows(held.split("\n")[:-1], columns) > height - PROMPT_ROWS:
            argv = self.environment.pager()
            if argv and self._paged(argv, held):
                return
        super().write(held)
        self.flush()

    def _paged(self, argv: list[str], text: str) -> bool:
        """Show text through the pager; False where it cannot be started."""
        variables = {"LESS": "FRX", **self.environment.variables}
        try:
            process = subprocess.Popen(
                argv, stdin=subprocess.PIPE, text=True, encoding="utf-8", errors="backslashreplace", env=variables
            )
        except OSError as error:
            self.environment.warn(f"mipsh: warning: the pager '{argv[0]}' cannot be started: {error.strerror}")
            return False
        with uninterrupted(), suppress(BrokenPipeError):
            process.communicate(text)
        return True

    def abandon(self) -> None:
        """Leave what is on the screen."""
        self._undo.close()


class FileSink(Sink):
    """A file: a new one replaces the old one only when it is whole, and what is not whole is not appended."""

    def __init__(self, path: str, append: bool, color: bool) -> None:
        self.path = Path(path)
        self.temporary: Path | None = None
        self.length: int | None = None
        try:
            super().__init__(self._open(append), path)
        except (OSError, ValueError, RuntimeError) as error:
            reason = getattr(error, "strerror", None) or error
            raise OutputError(f"cannot write to {path}: {reason}", "name another file") from None
        self.color = color

    def _open(self, append: bool) -> IO[str]:
        self.path = self.path.expanduser().resolve()
        found = self.path.stat() if self.path.exists() else None
        if found is not None and (append or not stat.S_ISREG(found.st_mode)):
            self.length = found.st_size if stat.S_ISREG(found.st_mode) else None
            return self.path.open("a" if append else "w", encoding="utf-8", errors="backslashreplace")
        handle, temporary = tempfile.mkstemp(prefix=".mipsh-", dir=self.path.parent)
        self.temporary = Path(temporary)
        os.fchmod(handle, found.st_mode & 0o777 if found is not None else 0o666 & ~_umask())
        return os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace")

    def close(self) -> None:
        """Put the whole file in its place."""
        self.flush()
        if self.stream is None:
            return
        try:
            if self.temporary is not None:
                os.fsync(self.stream.fileno())
            self.stream.close()
            if self.temporary is not None:
                self.temporary.replace(self.path)
        except OSError as error:
            raise self._failed(error) from None

    def abandon(self) -> None:
        """Leave the file as it was."""
        with suppress(OSError):
            if self.stream is not None:
                self.stream.close()
        with suppress(OSError):
            if self.temporary is not None:
                self.temporary.unlink(missing_ok=True)
            elif self.length is not None:
                os.truncate(self.path, self.length)


class ShellSink(Sink):
    """The standard input of a shell command, which writes behind everything that was written before."""

    def __init__(self, environment: Environment, command: str, color: bool) -> None:
        if environment.stdout is not None:
            with suppress(OSError):
                environment.stdout.flush()
        self.process = subprocess.Popen(
            command, shell=True, stdin=subprocess.PIPE, text=True, encoding="utf-8", errors="backslashreplace"
        )
        super().__init__(self.process.stdin, f"'{command}'")
        self.color = color

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
        with suppress(OSError):
            self.close()


def _umask() -> int:
    mask = os.umask(0o077)
    os.umask(mask)
    return mask


@contextmanager
def open_sink(session: Session, statement: Statement, paged: bool = False, live: bool = False) -> Iterator[Sink]:
    """Open where a statement's result goes, and finish it whatever happens.

    On a terminal, ``paged`` lets a long result go through the pager, ``live`` draws frames over each other.
    """
    sink = _make(session, statement, paged, live)
    with ExitStack() as undo:
        undo.callback(sink.abandon)
        yield sink
        sink.close()
        undo.pop_all()


def _make(session: Session, statement: Statement, paged: bool, live: bool) -> Sink:
    environment, settings = session.environment, session.settings
    shell = next((stage.argument for stage in statement.stages if stage.name == "!"), None)
    if statement.redirect:
        return FileSink(statement.redirect, statement.append, settings.color == "always")
    if shell is not None:
        return ShellSink(environment, shell, settings.color == "always")
    stream = environment.stdout
    if stream is None or not environment.is_terminal(stream):
        sink = Sink(stream, "standard output")
    else:
        paging = paged and settings.pager and environment.interactive and not environment.dumb
        sink = TerminalSink(stream, environment, paging, live and not environment.dumb)
    sink.color = environment.color(stream, settings.color)
    sink.unicode = environment.unicode(stream)
    return sink


def quiet_exit(environment: Environment) -> None:
    """Flush standard output for the last time; what cannot be written stays unmentioned, and unwritten."""
    stream = environment.stdout
    if stream is None or stream.closed:
        return
    try:
        stream.flush()
    except OSError:
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, stream.fileno())
        os.close(null)
