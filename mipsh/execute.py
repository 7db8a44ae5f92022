"""Running lines: parse, call the command, filter its rows, render, and say the exit status.

The status comes from the Result, before any format sees it. Whatever running a command raises
becomes a document, and a bug names itself as one.
"""

import time
import traceback
from collections.abc import Generator, Sequence
from contextlib import closing

from mipsh.changes import compare
from mipsh.errors import CannotTell, MipshError, OutputError, PluginError, UsageError
from mipsh.grammar.declare import Call, Changes, Command
from mipsh.grammar.lines import Parsed, Statement, parse
from mipsh.grammar.tokens import Token, laid_out
from mipsh.linux.terminal import echoes
from mipsh.model.columns import Table
from mipsh.model.shell import HOW, How
from mipsh.model.text import escape, escape_lines
from mipsh.output import Sink, open_sink
from mipsh.registry import COMMANDS, FORMATS
from mipsh.render.format import Document, Format, Style, timestamp
from mipsh.result import Notice, Result, of_error
from mipsh.session import Session
from mipsh.settings import checked
from mipsh.stages import apply_stages, shape
from mipsh.status import ExitStatus

_NO_COMMAND = Command("", "", lambda session: Result())
Frames = Generator[Result, None, None]

INTERRUPTED = Notice("interrupted", "interrupted", "what is shown is what was known until then")
LOUDEST = 3
_OF_ROWS = ("where", "columns", "sort")
_PERMITTING = ("write", "yes", "dry_run")
_AS_GIVEN = ("output", "engine", "timeout", "wait", "color")
_FLAGS: dict[str, tuple[str, object]] = {
    "json": ("output", "json"),
    "no_color": ("color", "never"),
    "wide": ("wide", True),
    "no_headers": ("headers", False),
    "no_pager": ("pager", False),
    "quiet": ("verbosity", -1),
}


class Runner:
    """Runs lines of the shell's language in a session; with ``how`` set, each is only explained."""

    def __init__(self, session: Session, keep_going: bool = False, echo: bool = False) -> None:
        self.session = session
        self.keep_going = keep_going
        self.echo = echo
        self.how = False
        session.run_line = self.run

    def run(self, source: str | Sequence[Token]) -> ExitStatus:
        """Run a line; stop at its first statement that is not fine, unless told to keep going.

        Returns the status of the statement that stopped it, or the highest of all.
        """
        parsed = parse(source, self.session.registry, self.session.aliases)
        if parsed.faults:
            return self._report_fault(parsed, source)
        worst = ExitStatus.OK
        for statement in parsed.statements:
            if self.echo:
                self.session.environment.warn(f"+ {escape(statement.text)}")
            status = self.run_statement(statement)
            worst = max(worst, status)
            if (status and not self.keep_going) or self.session.leave:
                break
        return worst

    def _report_fault(self, parsed: Parsed, source: str | Sequence[Token]) -> ExitStatus:
        fault = parsed.faults[0]
        common = parsed.words.common if parsed.words is not None else {}
        text = source if isinstance(source, str) else laid_out(source)[0]
        with self.session.options(options_of(common)):
            return self._show_error(fault.error or UsageError(fault.message, fault.hint), text.strip())

    def _show_error(self, error: MipshError, text: str) -> ExitStatus:
        """Show an error that came before there was a result; an unknown format falls back to table."""
        try:
            format_ = self.session.registry.format(self.session.settings.output)
        except MipshError:
            format_ = self.session.registry.format("table")
        return self._finish(Call(_NO_COMMAND, {}, {}, text), Statement(), of_error(error), format_)

    def run_statement(self, statement: Statement) -> ExitStatus:
        """Run one statement and write its result where it belongs."""
        call = statement.call if statement.help_words is None else self._help_call(statement)
        if call is None:
            return ExitStatus.OK
        options = options_of(call.common)
        if call.values.get("json_stream"):
            options["output"] = "ndjson"
        try:
            with self.session.options(options), self.session.permitting(permissions_of(call.common), call.text):
                return self._run_under(options, call, statement)
        except PluginError as error:
            # The result is written, and the engine that gave it cannot be let go of.
            return self._unwritten(error, Result())

    def _run_under(self, options: dict[str, object], call: Call, statement: Statement) -> ExitStatus:
        try:
            checked(self.session.base, options)
            if self._only_explains(call):
                call = explained(call)
            if call.command.runs_lines and (statement.redirect or statement.stages):
                raise UsageError(
                    f"{call.command.name} has no result of its own to filter or to write: the lines that it runs have",
                    f"redirect all of it from outside: mipsh -c '{call.command.name} …' > FILE",
                )
            return self._run_call(call, statement)
        except MipshError as error:
            return self._show_error(error, call.text)

    def _only_explains(self, call: Call) -> bool:
        """Tell whether a command is only to say what it does."""
        return self.how or "how" in call.common or is_withheld(self.session, call.command)

    def _help_call(self, statement: Statement) -> Call:
        command = self.session.registry.command("help")
        given = statement.call.common if statement.call is not None else {}
        common = {name: value for name, value in given.items() if name not in _OF_ROWS}
        return Call(command, {"words": list(statement.help_words or ())}, common, statement.text)

    def _run_call(self, call: Call, statement: Statement) -> ExitStatus:
        format_ = self.session.registry.format(self.session.settings.output)
        outcome = self._call(call)
        if isinstance(outcome, Result):
            return self._finish(call, statement, outcome, format_)
        return self._stream(call, statement, outcome, format_)

    def _call(self, call: Call) -> Result | Frames:
        """Run the command's function; whatever comes of it is a Result here."""
        command = call.command
        try:
            with self.session.registry.calling(COMMANDS, command.name):
                outcome = command.run(self.session, **call.values)
            if isinstance(outcome, Result | Generator):
                return outcome
            raise PluginError(
                f"the command '{command.name}' returned a {type(outcome).__name__}, not a Result",
                "tell the author of the plugin",
            )
        except MipshError as error:
            return self._failed(error, call)
        except KeyboardInterrupt:
            return _interrupted(call)

    def _next(self, frames: Frames, call: Call) -> Result | None:
        try:
            with self.session.registry.calling(COMMANDS, call.command.name):
                return next(frames, None)
        except MipshError as error:
            return self._failed(error, call)

    def _failed(self, error: MipshError, call: Call) -> Result:
        """Make the result of an error; with -v, a bug shows its trace."""
        self._trace(error)
        return of_error(error, _table_of(call))

    def _trace(self, error: MipshError) -> None:
        if error.__cause__ is not None and isinstance(error, PluginError) and self.session.settings.verbosity > 0:
            trace = "".join(traceback.format_exception(error.__cause__)).rstrip()
            self.session.environment.warn(escape_lines(trace))

    def _finish(self, call: Call, statement: Statement, result: Result, format_: Format) -> ExitStatus:
        result = self._filtered(call, statement, result)
        try:
            with open_sink(self.session, statement, paged=format_.people) as sink:
                self._write(sink, format_, result, call.text)
        except (OutputError, PluginError) as error:
            return self._unwritten(error, result)
        self._say(result)
        return result.status or sink.status

    def _unwritten(self, error: MipshError, result: Result) -> ExitStatus:
        """Say what a result had to say, and why it was not written."""
        self._say(result)
        self._trace(error)
        self._say(of_error(error))
        return error.status

    def _filtered(self, call: Call, statement: Statement, result: Result) -> Result:
        try:
            return apply_stages(shape(result, call.common), statement.stages)
        except MipshError as error:
            return of_error(error, result.table)

    def _stream(self, call: Call, statement: Statement, frames: Frames, format_: Format) -> ExitStatus:
        """Write the frames of a command that goes on, until it ends or nobody reads any more."""
        try:
            with open_sink(self.session, statement, live=format_.people) as sink, closing(frames):
                status = self._frames(call, statement, frames, format_, sink)
        except (OutputError, PluginError) as error:
            return self._unwritten(error, Result())
        return status or sink.status

    def _frames(self, call: Call, statement: Statement, frames: Frames, format_: Format, sink: Sink) -> ExitStatus:
        frame, before = Result(), Result()
        try:
            while not sink.status and (found := self._next(frames, call)) is not None:
                frame = self._filtered(call, statement, found)
                if frame.compare:
                    frame.changes, before = compare(before, frame), frame
                with sink.frame():
                    self._write(sink, format_, frame, call.text, stream=True)
                    self._say(frame, sink)
        except KeyboardInterrupt:
            frame = _interrupted(call)
            if not format_.people:
                # For people the last frame stays in sight.
                self._write(sink, format_, frame, call.text, stream=True)
            if not sink.live:
                # Where frames are drawn over each other, an interrupt is how one leaves them.
                self._say(frame)
        return frame.status

    def _write(self, sink: Sink, format_: Format, result: Result, text: str, stream: bool = False) -> None:
        """Render a result into a sink, in the session's format and style."""
        settings = self.session.settings
        moment = timestamp(time.time() if result.taken_at is None else result.taken_at)
        style = Style(sink.width, sink.color, sink.unicode, settings.headers, settings.wide, stream)
        with self.session.registry.calling(FORMATS, format_.name):
            for piece in format_.render(Document(text, moment, result), style):
                sink.write(piece)

    def _say(self, result: Result, sink: Sink | None = None) -> None:
        """Say errors and warnings, within a frame where the sink takes them."""
        environment = self.session.environment
        if INTERRUPTED in result.errors and echoes(environment.stdin):
            # The terminal has shown ^C.
            environment.warn("")
        quiet = self.session.settings.verbosity < 0
        for kind, notices in (("error", result.errors), ("warning", () if quiet else result.warnings)):
            for notice in notices:
                lines = [f"mipsh: {kind}: {escape(notice.message)}"]
                lines += [f"       {escape(notice.hint)}"] if notice.hint else []
                for line in lines:
                    if sink is None or not sink.note(line):
                        environment.warn(line)


def _table_of(call: Call) -> Table | None:
    """Return the table of a command that brought none: only then are all of them loaded."""
    from mipsh.model.tables import TABLES

    return TABLES.get(call.command.table)


def _interrupted(call: Call) -> Result:
    return Result(table=_table_of(call), errors=(INTERRUPTED,), status=ExitStatus.INTERRUPTED)


def options_of(common: dict[str, object]) -> dict[str, object]:
    """Return the settings that the options every command takes stand for."""
    options = {name: common[name] for name in _AS_GIVEN if name in common}
    options.update(_FLAGS[name] for name in common if name in _FLAGS)
    verbose = common.get("verbose")
    if isinstance(verbose, int):
        options["verbosity"] = min(verbose, LOUDEST)
    return options


def permissions_of(common: dict[str, object]) -> dict[str, bool]:
    """Return what the options every command takes permit."""
    return {name: True for name in _PERMITTING if name in common}


def explained(call: Call) -> Call:
    """Return the call that says how a call is done by hand, and does nothing."""
    command = call.command

    def run(session: Session, **values: object) -> Result:
        return Result(HOW, steps(session, call), taken_at=time.time())

    told = Command(command.name, command.summary, run, table=HOW.name)
    return Call(told, call.values, call.common, call.text)


def steps(session: Session, call: Call) -> list[How]:
    """Return how a call is done by hand; raises CannotTell for a command that does not say it."""
    command = call.command
    if command.how is None:
        raise CannotTell(f"'{command.name}' does not say how it is done", "its author can declare it")
    return list(command.how(session, **call.values))


def steps_of_line(session: Session, line: str) -> list[How]:
    """Return how all of a line is done by hand, with the engine that is in use now; raises UsageError."""
    parsed = parse(line, session.registry, session.aliases)
    for fault in parsed.faults:
        raise fault.error or UsageError(fault.message, fault.hint)
    found: list[How] = []
    for statement in parsed.statements:
        if statement.call is not None and statement.help_words is None:
            with session.options(options_of(statement.call.common)):
                found += steps(session, statement.call)
    return found


def is_withheld(session: Session, command: Command) -> bool:
    """Tell whether ``--dry-run`` keeps a command from running; one that may change a node heeds it by itself."""
    return session.permission.dry_run and command.changes in (Changes.OWN, Changes.PROBE)
