"""Running lines: parse, call the command, filter its rows, render, and say the exit status.

The status comes from the Result, before any format sees it. This module holds the boundary of
running a command: whatever it raises becomes a document, and a bug names itself as one.
"""

import time
import traceback
from collections.abc import Generator, Sequence
from contextlib import closing

from mipsh.changes import compare
from mipsh.errors import MipshError, OutputError, PluginError, UsageError
from mipsh.grammar.declare import Call, Command
from mipsh.grammar.lines import Parsed, Statement, parse
from mipsh.grammar.tokens import Token
from mipsh.model.columns import Table
from mipsh.model.records import ENGINE_TABLES
from mipsh.model.text import escape, escape_lines
from mipsh.output import Sink, open_sink
from mipsh.render.format import Document, Format, Style, timestamp
from mipsh.result import Notice, Result, of_error
from mipsh.session import Session
from mipsh.stages import apply_stages, shape
from mipsh.status import ExitStatus

_NO_COMMAND = Command("", "", lambda session: Result())
Frames = Generator[Result, None, None]

INTERRUPTED = Notice("interrupted", "interrupted", "what is shown is what was known until then")
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
    """Runs lines of the shell's language in a session."""

    def __init__(self, session: Session, keep_going: bool = False, echo: bool = False) -> None:
        self.session = session
        self.keep_going = keep_going
        self.echo = echo
        session.run_line = self.run

    def run(self, source: str | Sequence[Token]) -> ExitStatus:
        """Run a line; stop at its first statement that is not fine, unless told to keep going.

        Returns the status of the statement that stopped it, or the highest of all.
        """
        parsed = parse(source, self.session.registry, self.session.aliases)
        if parsed.faults:
            return self._report_fault(parsed)
        worst = ExitStatus.OK
        for statement in parsed.statements:
            if self.echo:
                self.session.environment.warn(f"+ {escape(statement.text)}")
            status = self.run_statement(statement)
            worst = max(worst, status)
            if (status and not self.keep_going) or self.session.leave:
                break
        return worst

    def _report_fault(self, parsed: Parsed) -> ExitStatus:
        fault = parsed.faults[0]
        common = parsed.words.common if parsed.words is not None else {}
        call = next((s.call for s in parsed.statements if s.call is not None), None)
        with self.session.options(options_of(common)):
            return self._show_error(UsageError(fault.message, fault.hint), call.text if call else "")

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
        with self.session.options(options_of(call.common)):
            try:
                return self._run_call(call, statement)
            except MipshError as error:
                return self._show_error(error, call.text)

    def _help_call(self, statement: Statement) -> Call:
        command = self.session.registry.command("help")
        common = statement.call.common if statement.call is not None else {}
        return Call(command, {"words": list(statement.help_words or ())}, common, statement.text)

    def _run_call(self, call: Call, statement: Statement) -> ExitStatus:
        format_ = self.session.registry.format(self.session.settings.output)
        outcome = self._call(call)
        if isinstance(outcome, Result):
            return self._finish(call, statement, outcome, format_)
        return self._stream(call, statement, outcome, format_)

    def _call(self, call: Call) -> Result | Frames:
        """Run the command's function; every exception becomes a Result here."""
        command = call.command
        table = ENGINE_TABLES.get(command.table)
        try:
            outcome = command.run(self.session, **call.values)
            if isinstance(outcome, Result | Generator):
                return outcome
            raise PluginError(
                f"the command '{command.name}' returned a {type(outcome).__name__}, not a Result",
                "tell the author of the plugin",
            )
        except Exception as error:
            return self._failed(error, table)
        except KeyboardInterrupt:
            return Result(table=table, errors=(INTERRUPTED,), status=ExitStatus.INTERRUPTED)

    def _failed(self, error: Exception, table: Table | None) -> Result:
        """Make the result of an exception; one that mipsh did not foresee is called a bug."""
        if isinstance(error, MipshError):
            return of_error(error, table)
        if self.session.settings.verbosity > 0:
            trace = "".join(traceback.format_exception(error)).rstrip()
            self.session.environment.warn(escape_lines(trace))
        where = traceback.extract_tb(error.__traceback__)[-1]
        notice = Notice(
            "internal_error",
            f"{type(error).__name__}: {error} (in {where.name}, line {where.lineno})",
            "this is a bug: run it again with -v for the whole trace, and report it",
        )
        return Result(table=table, errors=(notice,), status=ExitStatus.INTERNAL_ERROR)

    def _finish(self, call: Call, statement: Statement, result: Result, format_: Format) -> ExitStatus:
        result = self._filtered(call, statement, result)
        try:
            with open_sink(self.session, statement, paged=format_.people) as sink:
                self._write(sink, format_, result, call.text)
        except OutputError as error:
            return self._unwritten(error)
        self._say(result)
        return sink.status or result.status

    def _unwritten(self, error: OutputError) -> ExitStatus:
        self._say(of_error(error))
        return error.status

    def _filtered(self, call: Call, statement: Statement, result: Result) -> Result:
        try:
            return apply_stages(shape(result, call.common), statement.stages)
        except MipshError as error:
            return of_error(error, result.table)

    def _stream(self, call: Call, statement: Statement, frames: Frames, format_: Format) -> ExitStatus:
        """Write the frames of a command that goes on, until it ends or nobody reads any more."""
        status, before = ExitStatus.OK, Result()
        try:
            with open_sink(self.session, statement) as sink, closing(frames):
                while not sink.status and (frame := self._next(frames)) is not None:
                    frame = self._filtered(call, statement, frame)
                    if frame.compare:
                        frame.changes, before = compare(before, frame), frame
                    status = frame.status
                    with sink.frame():
                        self._write(sink, format_, frame, call.text, stream=True)
                    self._say(frame)
        except OutputError as error:
            return self._unwritten(error)
        return sink.status or status

    def _next(self, frames: Frames) -> Result | None:
        try:
            return next(frames, None)
        except Exception as error:
            return self._failed(error, None)
        except KeyboardInterrupt:
            return Result(errors=(INTERRUPTED,), status=ExitStatus.INTERRUPTED)

    def _write(self, sink: Sink, format_: Format, result: Result, text: str, stream: bool = False) -> None:
        """Render a result into a sink, in the session's format and style."""
        settings = self.session.settings
        moment = timestamp(time.time() if result.taken_at is None else result.taken_at)
        style = Style(sink.width, sink.color, sink.unicode, settings.headers, settings.wide, stream)
        for piece in format_.render(Document(text, moment, result), style):
            sink.write(piece)

    def _say(self, result: Result) -> None:
        quiet = self.session.settings.verbosity < 0
        for kind, notices in (("error", result.errors), ("warning", () if quiet else result.warnings)):
            for notice in notices:
                self.session.environment.warn(f"mipsh: {kind}: {escape(notice.message)}")
                if notice.hint:
                    self.session.environment.warn(f"       {escape(notice.hint)}")


def options_of(common: dict[str, object]) -> dict[str, object]:
    """Return the settings that the options every command takes stand for."""
    options = {name: common[name] for name in _AS_GIVEN if name in common}
    options.update(_FLAGS[name] for name in common if name in _FLAGS)
    if "verbose" in common:
        options["verbosity"] = common["verbose"]
    return options
