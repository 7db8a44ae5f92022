"""The lines typed before, in a file that only its owner reads."""

import os
import stat
from pathlib import Path

from mipsh.environment import Environment
from mipsh.model.secrets import has_secrets

KEPT = 5000
READ_SIZE = 1024 * 1024


class LineHistory:
    """Lines, the oldest first; one line of the file each, mode 0600.

    A line that is empty, begins with a space, or repeats the one before is not kept. A file
    that cannot be used costs the lines of other sessions and nothing else.
    """

    def __init__(self, environment: Environment) -> None:
        self.environment = environment
        self.path = Path(environment.history_file())
        self.usable = True
        self._lines: list[str] | None = None

    @property
    def lines(self) -> list[str]:
        """The lines; those of the file are read when first asked for."""
        if self._lines is None:
            self._lines = self._read()
        return self._lines

    def worth(self, text: str) -> list[str]:
        """Return the lines of a text that are to be kept."""
        kept: list[str] = []
        for line in text.splitlines():
            before = kept[-1:] or self.lines[-1:]
            if line.strip() and not line.startswith(" ") and before != [line]:
                kept.append(line)
        return kept

    def add(self, text: str) -> None:
        """Remember the lines of a text."""
        for line in self.worth(text):
            self.keep(line)

    def keep(self, line: str) -> None:
        """Remember a line, here and, unless it holds a secret, in the file."""
        self.lines.append(line)
        if not self.usable or has_secrets(line):
            return
        try:
            self._append(line)
        except OSError as error:
            self.usable = False
            self.environment.warn(f"mipsh: warning: the history is not kept in {self.path}: {error.strerror}")

    def _read(self) -> list[str]:
        """Return the newest lines of the file; what is no regular file has none."""
        try:
            if not self.path.is_file():
                return []
            with self.path.open("rb") as file:
                size = file.seek(0, os.SEEK_END)
                file.seek(max(size - READ_SIZE, 0))
                lines = file.read().decode("utf-8", "replace").splitlines()
        except OSError:
            return []
        return lines[1 if size > READ_SIZE else 0 :][-KEPT:]

    def _append(self, line: str) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW | os.O_NONBLOCK
        handle = os.open(self.path, flags, 0o600)
        with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as file:
            if stat.S_ISREG(os.fstat(handle).st_mode):
                os.fchmod(handle, 0o600)
            file.write(f"{line}\n")
