"""The shell on a terminal that can only print: a prompt, a line, a result; no escapes."""

import contextlib

from mipsh.execute import Runner
from mipsh.shell.prompt import prompt_text
from mipsh.status import ExitStatus


class PlainShell:
    """Reads lines and runs them, until the input ends."""

    def __init__(self, runner: Runner) -> None:
        self.runner = runner
        self.lines: list[str] = []
        runner.session.history = lambda: self.lines

    def run(self) -> ExitStatus:
        """Run lines; Ctrl-C drops the line or the command, end of input leaves."""
        session = self.runner.session
        while not session.leave:
            try:
                line = self._read()
                if line is None:
                    break
                if line.strip() and not line.startswith(" "):
                    self.lines.append(line)
                self.runner.run(line)
            except KeyboardInterrupt:
                session.environment.warn("")
        return ExitStatus.OK

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
