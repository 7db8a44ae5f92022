"""What the prompt's editor knows of the language: completion, colours, the lines typed before."""

from collections.abc import Callable, Iterable

from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.styles import Style

from mipsh.grammar.complete import complete
from mipsh.grammar.lines import parse
from mipsh.grammar.words import Mark
from mipsh.lookup import SessionLookup
from mipsh.model.text import escape
from mipsh.session import Session
from mipsh.shell.history import LineHistory

STYLE = Style.from_dict(
    {
        "command": "bold ansigreen",
        "option": "ansicyan",
        "value": "ansiyellow",
        "operator": "bold ansimagenta",
        "stage": "bold ansimagenta",
        "comment": "italic ansibrightblack",
        "fault": "ansired underline",
        "bottom-toolbar": "noreverse bg:ansibrightblack ansiwhite",
        "history.chosen": "bold",
        "history.match": "ansiyellow",
        "history.help": "ansibrightblack",
    }
)
PLAIN_STYLE = Style.from_dict({"bottom-toolbar": "noreverse", "history.chosen": "bold"})


class GrammarCompleter(Completer):
    """Completes from the grammar and from the last readings."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.lookup = SessionLookup(session)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield what could stand at the cursor."""
        mode = self.session.settings.completion
        if mode == "off" or (mode == "tab" and complete_event.text_inserted):
            return
        cursor = document.cursor_position
        found = complete(document.text, cursor, self.session.registry, self.lookup, self.session.aliases)
        for one in found:
            yield Completion(one.text, one.start - cursor, display=escape(one.text), display_meta=escape(one.meaning))


class GrammarLexer(Lexer):
    """Colours a line as the grammar reads it."""

    def __init__(self, session: Session) -> None:
        self.session = session

    def lex_document(self, document: Document) -> Callable[[int], StyleAndTextTuples]:
        """Return the coloured pieces of each line of the document."""
        text = document.text
        marks = parse(text, self.session.registry, self.session.aliases, complete=False).marks
        styles = _styles(marks, len(text))
        starts = [0]
        for line in document.lines:
            starts.append(starts[-1] + len(line) + 1)

        def line_of(number: int) -> StyleAndTextTuples:
            if number >= len(document.lines):
                return []
            at = starts[number]
            return [(styles[at + i], char) for i, char in enumerate(document.lines[number])]

        return line_of


def _styles(marks: list[Mark], length: int) -> list[str]:
    styles = [""] * length
    for mark in marks:
        for at in range(mark.start, min(mark.end, length)):
            styles[at] = f"class:{mark.role.value}"
    return styles


class EditorHistory(History):
    """The lines typed before, as the editor walks through them."""

    def __init__(self, kept: LineHistory) -> None:
        super().__init__()
        self.kept = kept

    def load_history_strings(self) -> Iterable[str]:
        """Return the lines, the newest first."""
        return reversed(self.kept.lines)

    def append_string(self, string: str) -> None:
        """Remember each line that is worth it."""
        for line in self.kept.worth(string):
            super().append_string(line)

    def store_string(self, string: str) -> None:
        """Write a line to the file."""
        self.kept.keep(string)
