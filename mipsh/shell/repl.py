"""The shell at a terminal that can move its cursor, on prompt_toolkit.

Commands run in the foreground, so Ctrl-C reaches the command that runs and the shell goes on.
Completion, colours and hints come from the grammar and ask nobody.
"""

from collections.abc import Callable, Iterable

from prompt_toolkit import PromptSession
from prompt_toolkit.application import get_app, run_in_terminal
from prompt_toolkit.completion import CompleteEvent, Completer, Completion, DynamicCompleter, FuzzyCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.formatted_text import StyleAndTextTuples
from prompt_toolkit.history import History
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.lexers import Lexer
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.shortcuts import CompleteStyle
from prompt_toolkit.styles import Style

from mipsh.errors import MipshError
from mipsh.execute import Runner
from mipsh.grammar.complete import complete
from mipsh.grammar.hints import hints
from mipsh.grammar.lines import parse
from mipsh.grammar.tokens import TokenKind, tokenize
from mipsh.grammar.words import Mark
from mipsh.lookup import SessionLookup
from mipsh.model.text import escape
from mipsh.session import Session
from mipsh.shell.history import PrivateHistory
from mipsh.shell.prompt import prompt_text, toolbar_text
from mipsh.status import ExitStatus

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
    }
)
PLAIN_STYLE = Style.from_dict({"bottom-toolbar": "noreverse"})


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


class HistoryCompleter(Completer):
    """Offers whole lines typed before, the newest first."""

    def __init__(self, history: History) -> None:
        self.history = history

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterable[Completion]:
        """Yield every line once."""
        lines = dict.fromkeys(reversed(self.history.get_strings()))
        for line in lines:
            yield Completion(line, -document.cursor_position, display=escape(line))


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


class Shell:
    """Reads lines at the prompt and runs them."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.session = runner.session
        self.history = PrivateHistory(self.session.environment)
        self.searching = False
        self.session.history = lambda: list(reversed(list(self.history.load_history_strings())))
        self.prompt: PromptSession[str] = self._prompt_session()

    def _prompt_session(self) -> PromptSession[str]:
        environment = self.session.environment
        color = environment.color(environment.stdout, self.session.settings.color)
        by_grammar = GrammarCompleter(self.session)
        from_history = FuzzyCompleter(HistoryCompleter(self.history), pattern="^.*", WORD=True)
        return PromptSession(
            history=self.history,
            completer=DynamicCompleter(lambda: from_history if self.searching else by_grammar),
            complete_style=CompleteStyle.COLUMN,
            complete_while_typing=True,
            lexer=GrammarLexer(self.session) if color else None,
            style=STYLE if color else PLAIN_STYLE,
            color_depth=None if color else ColorDepth.DEPTH_1_BIT,
            bottom_toolbar=lambda: toolbar_text(self.session, get_app().output.get_size().columns),
            key_bindings=self._keys(),
            reserve_space_for_menu=6,
        )

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()

        @keys.add("?")
        def _(event: KeyPressEvent) -> None:
            self._hint(event)

        @keys.add("c-r")
        def _(event: KeyPressEvent) -> None:
            self.searching = True
            event.current_buffer.start_completion(select_first=False)

        @keys.add("escape", eager=True)
        def _(event: KeyPressEvent) -> None:
            self.searching = False
            event.current_buffer.cancel_completion()

        return keys

    def _hint(self, event: KeyPressEvent) -> None:
        """Show what could stand at the cursor; inside quotes and comments ``?`` is a character."""
        buffer = event.current_buffer
        tokens = tokenize(buffer.document.text_before_cursor)
        if tokens and (not tokens[-1].closed or tokens[-1].kind in (TokenKind.COMMENT, TokenKind.SHELL)):
            buffer.insert_text("?")
            return
        lines = hints(
            buffer.document.text_before_cursor,
            self.session.registry,
            SessionLookup(self.session),
            self.session.aliases,
        )
        width = event.app.output.get_size().columns
        text = "\n".join(escape(line)[: width - 1] for line in lines)
        run_in_terminal(lambda: self._show(text))

    def _show(self, text: str) -> None:
        stdout = self.session.environment.stdout
        if stdout is not None:
            stdout.write(text + "\n")
            stdout.flush()

    def run(self) -> ExitStatus:
        """Run lines until ``quit`` or Ctrl-D; an engine that is not there is said, not fatal."""
        self._greet()
        while not self.session.leave:
            self.searching = False
            try:
                text = self.prompt.prompt(prompt_text(self.session))
            except KeyboardInterrupt:
                continue
            except EOFError:
                break
            self._run_lines(text)
        return ExitStatus.OK

    def _run_lines(self, text: str) -> None:
        """Run what was entered or pasted, line by line, to the first that is not fine."""
        try:
            for line in text.splitlines():
                if self.runner.run(line) or self.session.leave:
                    break
        except KeyboardInterrupt:
            self.session.environment.warn("mipsh: interrupted")

    def _greet(self) -> None:
        if self.session.connector is not None:
            return
        try:
            self.session.connect()
        except KeyboardInterrupt:
            self.session.environment.warn("mipsh: interrupted")
        except MipshError as error:
            self.session.environment.warn(f"mipsh: {escape(error.message)}")
            self.session.environment.warn(f"       {escape(error.hint)}")
