"""Searching the lines typed before: which of them match, and the list to choose from."""

from collections.abc import Callable, Iterable, Sequence

from msgspec import Struct
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import BufferControl, Dimension, FormattedTextControl, HSplit, Window
from prompt_toolkit.layout.processors import BeforeInput

from mipsh.model.text import escape

SHOWN = 10
PROMPT = "history> "
HELP = "Enter takes the line, Esc goes back"


class Match(Struct, frozen=True):
    """A line that matches, and the places of the characters that were asked for."""

    line: str
    places: tuple[int, ...] = ()


def find(query: str, line: str) -> Match | None:
    """Match each word of a query somewhere in a line: in one piece, else letter by letter.

    A query in small letters matches capitals too.
    """
    text = line if query != query.lower() else line.lower()
    places: set[int] = set()
    for word in query.split():
        at = text.find(word)
        found = range(at, at + len(word)) if at >= 0 else _scattered(word, text)
        if not found:
            return None
        places.update(found)
    return Match(line, tuple(sorted(places)))


def _scattered(word: str, text: str) -> list[int]:
    """Return where the letters of a word follow each other in a text, empty when they do not."""
    places: list[int] = []
    for letter in word:
        at = text.find(letter, places[-1] + 1 if places else 0)
        if at < 0:
            return []
        places.append(at)
    return places


def matches(query: str, lines: Iterable[str]) -> list[Match]:
    """Return the lines that match, each once: those with every word in one piece first, the newest first.

    ``lines`` come the oldest first.
    """
    small = query == query.lower()
    whole: list[Match] = []
    loose: list[Match] = []
    for line in dict.fromkeys(reversed(list(lines))):
        found = find(query, line)
        if found is not None:
            text = line.lower() if small else line
            (whole if all(word in text for word in query.split()) else loose).append(found)
    return whole + loose


class HistorySearch:
    """A query and the list of lines under it, in the place of the prompt.

    ``done`` is called with the line that was taken, or None when the search was left.
    """

    def __init__(self, done: Callable[[str | None], None]) -> None:
        self.done = done
        self.lines: Sequence[str] = ()
        self.found: list[Match] = []
        self.index = 0
        self.shown = SHOWN
        self.buffer = Buffer(multiline=False, on_text_changed=lambda _: self.search())
        self.container = HSplit(
            [
                Window(
                    BufferControl(self.buffer, input_processors=[BeforeInput(PROMPT)], key_bindings=self._keys()),
                    height=1,
                ),
                Window(FormattedTextControl(self.rows), height=Dimension(max=SHOWN + 1)),
            ]
        )

    def begin(self, lines: Sequence[str], query: str, height: int) -> None:
        """Search lines, the oldest first, on a screen of so many rows."""
        self.lines = lines
        self.shown = max(min(SHOWN, height - 4), 1)
        self.buffer.document = Document(query)
        self.search()

    def search(self) -> None:
        """Find the lines for the query as it stands; the newest is chosen."""
        self.found = matches(self.buffer.text, self.lines)
        self.index = 0

    def move(self, by: int) -> None:
        """Choose another line."""
        self.index = max(0, min(self.index + by, len(self.found) - 1))

    def chosen(self) -> str | None:
        """Return the line that is chosen, None when none matches."""
        return self.found[self.index].line if self.found else None

    def rows(self) -> StyleAndTextTuples:
        """Return the lines in sight; the chosen one is marked, and not by its colour alone."""
        top = max(0, self.index - self.shown + 1)
        pieces: StyleAndTextTuples = []
        for number, match in enumerate(self.found[top : top + self.shown], top):
            row = "class:history.chosen" if number == self.index else ""
            pieces.append((row, "> " if number == self.index else "  "))
            for place, char in enumerate(match.line):
                pieces.append((f"{row} class:history.match" if place in match.places else row, escape(char)))
            pieces.append(("", "\n"))
        count = f"{len(self.found)} of {len(set(self.lines))}"
        pieces.append(("class:history.help", f"  {count}   {HELP}"))
        return pieces

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        def moves(rows: int, *names: str) -> None:
            for name in names:
                keys.add(name)(lambda event: self.move(rows))

        moves(1, "down", "c-n", "c-r")
        moves(-1, "up", "c-p", "c-s")
        moves(SHOWN, "pagedown")
        moves(-SHOWN, "pageup")

        @keys.add("enter")
        @keys.add("tab")
        def _(event: KeyPressEvent) -> None:
            self.done(self.chosen())

        @keys.add("escape", eager=True)
        @keys.add("c-g")
        @keys.add("c-c")
        @keys.add("<sigint>")
        def _(event: KeyPressEvent) -> None:
            self.done(None)

        return keys
