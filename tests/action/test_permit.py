"""Whether a node may be changed: what was enabled, who is there, and what the answer is."""

import subprocess
import sys
from collections.abc import Mapping
from io import StringIO
from pathlib import Path
from typing import Any

import pexpect
import pytest
from harness import Terminal
from hypothesis import given
from hypothesis import strategies as st

from mipsh.action.permit import agreed, permit
from mipsh.environment import Environment
from mipsh.errors import RefusedError
from mipsh.registry import Registry
from mipsh.session import Permission, Session
from mipsh.status import ExitStatus

WRITE = Permission(write=True)
NOBODY: Mapping[str, str] = {}
LONGEST_S = 20


def session(permission: Permission, answer: str = "", *, terminal: bool = True) -> Session:
    """Return a session with what a person types, at a terminal or not."""
    stream = Terminal if terminal else StringIO
    return Session(Environment(NOBODY, stream(answer), StringIO(), stream()), Registry(False), permission=permission)


def said(shell: Session) -> str:
    """Return what was written to stderr."""
    stderr = shell.environment.stderr
    assert isinstance(stderr, StringIO)
    return stderr.getvalue()


def test_a_shell_only_looks() -> None:
    """Whatever else is permitted; the refusal says how to enable it, and nobody is asked."""
    shell = session(Permission(yes=True), "y\n")
    with pytest.raises(RefusedError) as refused:
        permit(shell, "flush the binding cache", question="Flush it?")
    assert refused.value.status is ExitStatus.REFUSED
    assert refused.value.message == "flush the binding cache: this shell only looks"
    assert refused.value.hint == "type 'enable', or add --write"
    assert said(shell) == ""


def test_off_a_terminal_it_takes_yes() -> None:
    """Nobody can be asked there, also where there is no question."""
    for question in ("", "Sure?"):
        with pytest.raises(RefusedError, match="no terminal") as refused:
            permit(session(WRITE, "y\n", terminal=False), "do it", question=question)
        assert refused.value.hint == "add --yes"
        permit(session(Permission(write=True, yes=True), terminal=False), "do it", question=question)


def test_at_a_terminal_only_a_question_is_asked() -> None:
    """Without one nothing is said, and with --yes neither."""
    shell = session(WRITE)
    permit(shell, "do it")
    certain = session(Permission(write=True, yes=True))
    permit(certain, "do it", question="Sure?")
    assert said(shell) == said(certain) == ""


@pytest.mark.parametrize("answer", ["y\n", "Y\n", "yes\n", " Yes \n", "y"])
def test_a_y_is_consent(answer: str) -> None:
    """In whatever case; the question is one line on stderr."""
    shell = session(WRITE, answer)
    permit(shell, "do it", question="Take eth0 down?")
    assert said(shell).rstrip("\n") == "Take eth0 down? [y/N] "


@given(st.text(max_size=20).filter(lambda text: text.split("\n")[0].strip().lower() not in ("y", "yes")))
def test_everything_else_is_no(answer: str) -> None:
    """An empty line and the end of the input too."""
    with pytest.raises(RefusedError, match="not done"):
        permit(session(WRITE, answer), "do it", question="Sure?")


def test_ctrl_c_is_no() -> None:
    """It is an answer, and ends nothing else."""

    class Interrupted(Terminal):
        def readline(self, *_: object) -> Any:
            raise KeyboardInterrupt

    assert not agreed(Environment(NOBODY, Interrupted(), StringIO(), Terminal()), "Sure?")


def test_where_nothing_can_be_written_nobody_is_asked() -> None:
    """An answer to a question that was not seen is none."""
    environment = Environment(NOBODY, Terminal("y\n"), StringIO(), Terminal())
    environment.stderr = None
    assert not environment.answers
    assert not agreed(environment, "Sure?")


def test_a_question_is_escaped() -> None:
    """It may hold what an engine said."""
    environment = Environment(NOBODY, Terminal("y\n"), StringIO(), stderr := Terminal())
    assert agreed(environment, "Take \x1b[2J down?")
    assert "\x1b" not in stderr.getvalue()


def test_a_dry_run_permits_nothing() -> None:
    """Also with everything else that could be permitted."""
    with pytest.raises(RefusedError, match="--dry-run"):
        permit(session(Permission(write=True, yes=True, dry_run=True)), "do it")


ASKING = """
import sys
from mipsh.action.permit import agreed
from mipsh.environment import Environment
from mipsh.linux.terminal import silent
environment = Environment()
with silent(environment.stdin):
    sys.stderr.write("ready\\n")
    sys.stdin.readline()
    found = agreed(environment, "Sure?")
sys.stderr.write(f"found {found}\\n")
"""


@pytest.mark.pty
def test_what_was_typed_before_the_question_is_no_answer(tmp_path: Path) -> None:
    """While a command runs keys are not shown; those of the answer are, and Ctrl-C there is no."""
    script = tmp_path / "asking.py"
    script.write_text(ASKING)
    for keys, found in (("y\r", True), ("n\r", False), ("\x03", False), ("\x04", False)):
        with pexpect.spawn(sys.executable, [str(script)], timeout=LONGEST_S, encoding="utf-8") as process:
            process.expect_exact("ready")
            process.send("go\ry\ry\r")
            process.expect_exact("Sure? [y/N] ")
            process.send(keys)
            process.expect_exact(f"found {found}")
            process.expect(pexpect.EOF)


def test_permission_is_asked_for_before_anything_heavy_is_loaded() -> None:
    """A refusal costs nothing."""
    code = "import sys, mipsh.action.permit; print({'scapy', 'pyroute2', 'prompt_toolkit', 'rich'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "set()\n"
