"""Replaying: a responder that says again what a recorded engine said."""

import re

from mipsh.recording import Recording, VtOptions, nearest

_UNKNOWN = re.compile('unknown command: "[^\n]*"\n')


class RecordedResponder:
    """Answers a VtServer's commands from a recording; what was not recorded is not known.

    Nothing moves: however often a command is asked, the answer is the one that ``nearest`` picks.
    """

    def __init__(self, recording: Recording) -> None:
        """Index the recording; what is done to it later does not matter."""
        self._said = recording.said()

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Return the recorded body, None when the engine did not know the command or was not asked."""
        body = nearest(self._said.get(command, ()), options)
        return None if body is None or _UNKNOWN.fullmatch(body) else body

    def words(self) -> tuple[str, ...]:
        """Return the words that the engine's ``help`` listed; unasked, the words that it answered."""
        commands = [command for command in self._said if command]
        for command in commands:
            if command.partition(" ")[0] == "help":
                return tuple(self._said[command][-1].body.split())
        known = (command for command in commands if self.answer(command, VtOptions()) is not None)
        return tuple(sorted({command.partition(" ")[0] for command in known}))
