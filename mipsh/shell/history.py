"""The lines typed before, in a file that only its owner reads."""

import os
from collections.abc import Iterable
from pathlib import Path

from prompt_toolkit.history import History

from mipsh.environment import Environment

KEPT = 5000


class PrivateHistory(History):
    """One line an entry, mode 0600; a line that begins with a space is not kept.

    A file that cannot be used costs the history and nothing else.
    """

    def __init__(self, environment: Environment) -> None:
        super().__init__()
        self.environment = environment
        self.path = Path(environment.history_file())

    def load_history_strings(self) -> Iterable[str]:
        """Yield the lines, the newest first."""
        try:
            text = self.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return []
        return list(reversed(text.splitlines()))[:KEPT]

    def append_string(self, string: str) -> None:
        """Remember a line, unless it is empty or begins with a space."""
        if string.strip() and not string.startswith(" "):
            super().append_string(string)

    def store_string(self, string: str) -> None:
        """Append the lines of an entry to the file."""
        try:
            self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NOFOLLOW
            handle = os.open(self.path, flags, 0o600)
            with os.fdopen(handle, "a", encoding="utf-8", errors="replace") as file:
                os.fchmod(handle, 0o600)
                file.write("".join(f"{line}\n" for line in string.splitlines()))
        except OSError as error:
            self.environment.warn(f"mipsh: warning: the history is not kept: {error.strerror}")
