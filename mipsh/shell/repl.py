"""The shell at a terminal that can move its cursor, on prompt_toolkit.

Commands run in the foreground, so Ctrl-C reaches the command that runs and the shell goes on.
Completion, colours and hints come from the grammar and ask nobody.
"""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.application import Application, run_in_terminal
from prompt_toolkit.buffer import Buffer
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition, has_completions, has_focus
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent
from prompt_toolkit.layout import ConditionalContainer, HSplit
from prompt_toolkit.output import ColorDepth
from prompt_toolkit.shortcuts import CompleteStyle

from mipsh.execute import Runner
from mipsh.grammar.hints import hints, is_character
from mipsh.linux.terminal import silent
from mipsh.lookup import SessionLookup
from mipsh.output import PROMPT_ROWS
from mipsh.shell.console import Console
from mipsh.shell.editing import PLAIN_STYLE, STYLE, EditorHistory, GrammarCompleter, GrammarLexer
from mipsh.shell.history import LineHistory
from mipsh.shell.prompt import AGE_STEP_S, prompt_text, toolbar_text
from mipsh.shell.running import Interrupts, greet, hearing_signals, run_lines, say_interrupted
from mipsh.shell.search import HistorySearch
from mipsh.status import ExitStatus

MENU_ROWS = 6
META_S = 0.5
ESCAPE_S = 0.1


class Shell:
    """Reads lines at the prompt and runs them; ``terminal`` is where the prompt stands."""

    def __init__(self, runner: Runner, terminal: TextIO) -> None:
        self.runner = runner
        self.session = runner.session
        self.history = LineHistory(self.session.environment)
        self.session.history = lambda: list(self.history.lines)
        self.terminal = terminal
        self.console = Console(terminal, self.session.environment.variables.get("TERM"))
        self.search = HistorySearch(self._found)
        self.prompt = self._prompt_session()
        self._make_room_for_search()
        self.prompt.app.timeoutlen = META_S
        self.prompt.app.ttimeoutlen = ESCAPE_S
        self.prompt.app.before_render += self._fit
        self.console.watch(self.prompt.app.renderer)

    def _prompt_session(self) -> PromptSession[str]:
        typing = Condition(lambda: self.session.settings.completion == "live" and bool(self.prompt.default_buffer.text))
        return PromptSession(
            history=EditorHistory(self.history),
            completer=GrammarCompleter(self.session),
            complete_style=CompleteStyle.COLUMN,
            complete_while_typing=typing,
            bottom_toolbar=lambda: toolbar_text(self.session, self.console.get_size().columns),
            key_bindings=self._keys(),
            reserve_space_for_menu=MENU_ROWS,
            refresh_interval=AGE_STEP_S,
            enable_suspend=True,
            output=self.console,
        )

    def _dress(self) -> None:
        """Colour the prompt, or not, as the settings now say."""
        color = self.session.environment.color(self.terminal, self.session.settings.color)
        self.prompt.lexer = GrammarLexer(self.session) if color else None
        self.prompt.style = STYLE if color else PLAIN_STYLE
        self.prompt.color_depth = None if color else ColorDepth.DEPTH_1_BIT

    def _fit(self, app: Application[str]) -> None:
        """Leave room for the menu, as far as the terminal has any."""
        self.prompt.reserve_space_for_menu = max(min(MENU_ROWS, self.console.get_size().rows - PROMPT_ROWS), 0)

    def _keys(self) -> KeyBindings:
        keys = KeyBindings()
        typing = ~has_focus(self.search.buffer)

        @keys.add("?", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self._hint(event.current_buffer)

        @keys.add("c-r", filter=typing)
        def _(event: KeyPressEvent) -> None:
            self.search.begin(self.history.lines, event.current_buffer.text, self.console.get_size().rows)
            event.app.layout.focus(self.search.buffer)

        @keys.add("escape", filter=has_completions)
        def _(event: KeyPressEvent) -> None:
            event.current_buffer.cancel_completion()

        return keys

    def _hint(self, buffer: Buffer) -> None:
        """Show what could stand at the cursor, unless ``?`` is a character there."""
        text = buffer.document.text_before_cursor
        if is_character(text):
            buffer.insert_text("?")
            return
        buffer.complete_state = None
        size = self.console.get_size()
        lookup, height = SessionLookup(self.session), size.rows - MENU_ROWS - PROMPT_ROWS
        lines = hints(text, self.session.registry, lookup, self.session.aliases, width=size.columns, height=height)
        run_in_terminal(lambda: self._show("".join(f"{line}\n" for line in lines)))

    def _show(self, text: str) -> None:
        """Write text above the prompt."""
        self.terminal.write(text)
        self.terminal.flush()

    def _make_room_for_search(self) -> None:
        """Let the search stand where the prompt stands, for as long as it has the focus."""
        searching = has_focus(self.search.buffer)
        layout = self.prompt.layout
        layout.container = HSplit(
            [
                ConditionalContainer(layout.container, ~searching),
                ConditionalContainer(self.search.container, searching),
            ]
        )

    def _found(self, line: str | None) -> None:
        """Go back to the prompt, with a line that was chosen."""
        self.prompt.layout.focus(self.prompt.default_buffer)
        if line is not None:
            self.prompt.default_buffer.document = Document(line)

    def run(self) -> ExitStatus:
        """Run lines until ``quit`` or Ctrl-D; an engine that is not there is said, not fatal.

        What is typed while a command runs is not echoed into its result: it stands at the next prompt.
        """
        silence = silent(self.session.environment.stdin)
        with hearing_signals() as interrupts, silence, asyncio.Runner() as loop:
            self._answer(interrupts, lambda: greet(self.session))
            while not self.session.leave:
                text = self._read(loop)
                if text is None:
                    break
                self._answer(interrupts, partial(run_lines, self.runner, text))
        return ExitStatus.OK

    def _answer(self, interrupts: Interrupts, action: Callable[[], None]) -> None:
        """Do what was asked for, until an interrupt ends it."""
        if interrupts.run(action):
            say_interrupted(self.session.environment)
        if interrupts.happened and self.session.connector is not None:
            # It may have come while the engine was being let go of.
            self.session.connector.close()

    def _read(self, loop: asyncio.Runner) -> str | None:
        """Return the lines entered at the prompt, none after Ctrl-C; None at the end of the input."""
        self._dress()
        self.prompt.layout.focus(self.prompt.default_buffer)
        self.console.fresh_line()
        try:
            text = loop.run(self.prompt.prompt_async(prompt_text(self.session), handle_sigint=False))
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None
        self.console.settle(self.prompt.app.renderer)
        return text
