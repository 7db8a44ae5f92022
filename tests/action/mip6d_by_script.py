"""A mip6d that prints other tables from one reading to the next, and takes ``bc add`` as it is told to."""

from collections.abc import Iterable, Mapping, Sequence

from msgspec import Struct

from mipsh.node.faults import Sending, Trouble
from mipsh.node.vt_text import printed
from mipsh.recording import VtOptions

WORDS = {
    "mn": ("bc", "bul", "nonce", "rr", "stats"),
    "ha": ("bc", "hal", "nonce", "pl", "stats", "thread"),
    "cn": ("bc", "nonce", "stats"),
}
Rows = Sequence[Struct] | str


class Mip6d:
    """What its terminal talks about.

    ``states`` are the rows, or the very text, of the table ``word`` at its first reading, its second and so on;
    the last one stays. A change that is answered with ``bc status=0`` goes on to the next one.
    ``asked`` are the lines that came.
    """

    def __init__(
        self,
        role: str,
        word: str,
        states: Iterable[Rows],
        *,
        others: Mapping[str, Rows] | None = None,
        changes: Mapping[str, str] | None = None,
    ) -> None:
        self.asked: list[str] = []
        self._role = role
        self._word = word
        self._states = list(states)
        self._others = others or {}
        self._changes = changes or {}
        self._at = 0
        self._is_stepping = changes is None

    def words(self) -> tuple[str, ...]:
        """Return what ``help`` lists."""
        return WORDS[self._role]

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Return a table as it is now."""
        self.asked.append(command)
        if command == self._word:
            rows = self._states[min(self._at, len(self._states) - 1)]
            self._at += self._is_stepping
            return text(command, rows)
        return text(command, self._others.get(command, ())) if command in self.words() else None

    def change(self, words: Sequence[str], is_ended: bool) -> str | None:
        """Answer what would change a binding; None for what would not."""
        if words[0] != "bc" or len(words) == 1:
            return None
        self.asked.append(" ".join(words))
        said = self._changes[words[1]]
        self._at += said == "bc status=0"
        return f"{said}\n"


def text(command: str, rows: Rows) -> str:
    """Return a table as mip6d prints it; what it could not print is a question mark."""
    return rows if isinstance(rows, str) else printed(command, rows)


class BusyFrom(Trouble, frozen=True):
    """From the connection of a number on, another client has the slot: who comes is sent away without a byte."""

    first: int
    greeted: list[int]

    def greeting(self, greeting: bytes) -> Sending:
        """Return the greeting, or nothing and the end of the connection."""
        self.greeted.append(len(self.greeted))
        return Sending(hang_up=True) if len(self.greeted) >= self.first else Sending((greeting,))


class DiesFrom(Trouble, frozen=True):
    """From the reply of a number on, the engine goes away in the middle of it."""

    first: int
    replied: list[int]

    def reply(self, reply: bytes) -> Sending:
        """Return the reply, or a part of it."""
        self.replied.append(len(self.replied))
        return Sending((reply[:9],), hang_up=True) if len(self.replied) >= self.first else Sending((reply,))
