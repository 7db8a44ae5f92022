"""The world around the process: its streams, its terminal, its variables, its files.

One object holds them, so that every other module is told and none looks for itself.
"""

import io
import os
import shutil
import sys
from collections.abc import Mapping
from typing import TextIO

FOLD = 7


class Environment:
    """Streams, variables and what they imply; ``sys`` and ``os`` are read here only.

    A standard stream that was closed before the start is None; as input, it is empty.
    """

    def __init__(
        self,
        variables: Mapping[str, str] | None = None,
        stdin: TextIO | None = None,
        stdout: TextIO | None = None,
        stderr: TextIO | None = None,
    ) -> None:
        self.variables = os.environ if variables is None else variables
        self.stdin: TextIO = stdin or _tolerant(sys.stdin, "surrogateescape") or io.StringIO()
        self.stdout: TextIO | None = stdout or _tolerant(sys.stdout, "backslashreplace")
        self.stderr: TextIO | None = stderr or sys.stderr

    def is_terminal(self, stream: TextIO | None) -> bool:
        """Tell whether a stream is a terminal."""
        return stream is not None and not stream.closed and stream.isatty()

    @property
    def interactive(self) -> bool:
        """Whether a person can be asked: both stdin and stdout are terminals."""
        return self.is_terminal(self.stdin) and self.is_terminal(self.stdout)

    @property
    def dumb(self) -> bool:
        """Whether the terminal cannot move its cursor."""
        return self.variables.get("TERM", "dumb") in ("dumb", "", "unknown")

    def color(self, stream: TextIO | None, mode: str = "auto") -> bool:
        """Tell whether to colour a stream: ``--color``, NO_COLOR, FORCE_COLOR, then the terminal."""
        if mode != "auto":
            return mode == "always"
        if self.variables.get("NO_COLOR"):
            return False
        if self.variables.get("FORCE_COLOR") or self.variables.get("CLICOLOR_FORCE", "0") != "0":
            return True
        return self.is_terminal(stream) and not self.dumb

    def unicode(self, stream: TextIO | None) -> bool:
        """Tell whether a stream can carry box drawing."""
        encoding = (getattr(stream, "encoding", None) or "ascii").lower()
        return encoding.replace("-", "").startswith("utf")

    def size(self) -> tuple[int, int]:
        """Return the terminal's columns and lines (COLUMNS and LINES win)."""
        found = shutil.get_terminal_size((80, 24))
        return self._number("COLUMNS") or found.columns, self._number("LINES") or found.lines

    def _number(self, name: str) -> int:
        text = self.variables.get(name, "")
        return int(text) if text.isdecimal() else 0

    def config_file(self) -> str:
        """Return the path of the configuration file, which need not exist."""
        named = self.variables.get("MIPSH_CONFIG")
        return named or f"{self._xdg('XDG_CONFIG_HOME', '.config')}/mipsh/config.toml"

    def history_file(self) -> str:
        """Return the path of the history file, which need not exist."""
        named = self.variables.get("MIPSH_HISTFILE")
        return named or f"{self._xdg('XDG_STATE_HOME', '.local/state')}/mipsh/history"

    def audit_file(self) -> str:
        """Return the path of the file in which changes to nodes are written down; it need not exist."""
        return f"{self._xdg('XDG_STATE_HOME', '.local/state')}/mipsh/audit.log"

    @property
    def answers(self) -> bool:
        """Whether a person can be asked and can answer, wherever results go: stdin and stderr are terminals."""
        return self.is_terminal(self.stdin) and self.is_terminal(self.stderr)

    def _xdg(self, name: str, fallback: str) -> str:
        value = self.variables.get(name, "")
        home = self.variables.get("HOME") or "/"
        return value if value.startswith("/") else f"{home}/{fallback}"

    def pager(self) -> list[str]:
        """Return the pager's argv, empty when output is never to be paged."""
        for name in ("MIPSH_PAGER", "PAGER"):
            if name in self.variables:
                return self._words(name)
        less = shutil.which("less", path=self.variables.get("PATH"))
        return [less, "-FRX"] if less else []

    def _words(self, name: str) -> list[str]:
        """Return the words of a variable; none where a quote in it never ends."""
        import shlex

        try:
            return shlex.split(self.variables[name])
        except ValueError as error:
            self.warn(f"mipsh: warning: {name} is not used: {error}")
            return []

    def warn(self, text: str) -> None:
        """Write one line to stderr, as well as it goes; on a terminal, broken between words."""
        if self.stderr is None:
            return
        if self.is_terminal(self.stderr) and "\n" not in text:
            text = _folded(text, self.size()[0])
        try:
            self.stderr.write(text + "\n")
            self.stderr.flush()
        except (OSError, ValueError):
            self.stderr = None


def _folded(text: str, width: int) -> str:
    """Return a line as lines of a width, as far as its words allow; the next ones are indented."""
    import textwrap

    if len(text) <= width:
        return text
    indent = " " * FOLD
    lines = textwrap.wrap(text, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)
    return "\n".join(lines)


def _tolerant(stream: TextIO | None, errors: str) -> TextIO | None:
    """Return a standard stream for which no byte and no character is an error."""
    if isinstance(stream, io.TextIOWrapper):
        stream.reconfigure(errors=errors)
    return stream
