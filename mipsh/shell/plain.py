"""The shell on a terminal that can only print: a prompt, a line, a result; no escapes."""

import contextlib

from mipsh.execute import Runner
from mipsh.shell.history import LineHistory
from mipsh.shell.prompt import prompt_text
from mipsh.shell.running import greet, hearing_signals, run_lines
from mipsh.status import ExitStatus


class PlainShell:
    """Reads lines and runs them, until the input ends."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.ended = False
        self.history = LineHistory(runner.session.environment)
        runner.session.history = lambda: list(self.history.lines)

    def run(self) -> ExitStatus:
        """Run lines; Ctrl-C drops the line or the command, end of input leaves."""
        session = self.runner.session
        with hearing_signals() as interrupts:
            interrupted = interrupts.run(lambda: greet(session))
            while not self.ended and not session.leave:
                if interrupted:
                    session.environment.warn("")
                interrupted = interrupts.run(self._read_and_run)
        return ExitStatus.OK

    def _read_and_run(self) -> None:
        line = self._read()
        if line is None:
            self.ended = True
            return
        self.history.add(line)
        run_lines(self.runner, line)

    def _read(self) -> str | None:
        """Return the next line, None at the end of the input."""
        environment = self.runner.session.environment
        if environment.stderr is not None:
            with contextlib.suppress(OSError):
                environment.stderr.write(prompt_text(self.runner.session))
                environment.stderr.flush()
        line = environment.stdin.readline()
        if not line:
            environment.warn("")
            return None
        return line.rstrip("\n")
