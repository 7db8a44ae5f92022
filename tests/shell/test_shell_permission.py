"""A question before a change, at both kinds of prompt: y does it, all else does not, and the shell goes on."""

from collections.abc import Iterator
from contextlib import closing

import pytest
from harness import Mipsh
from scripted_engines import ScriptedMipd
from terminal import CTRL_C, CTRL_D, ENTER, Terminal

pytestmark = pytest.mark.pty


@pytest.fixture
def mipd(mipsh: Mipsh) -> Iterator[ScriptedMipd]:
    """Serve a home agent that can be told everything."""
    folder = mipsh.home / "run" / "mipsh"
    folder.mkdir(parents=True)
    with closing(ScriptedMipd(folder / "ha.sock", "ha")) as served:
        yield served


@pytest.mark.parametrize("term", ["xterm-256color", "dumb"])
def test_a_change_waits_for_a_y(mipsh: Mipsh, mipd: ScriptedMipd, term: str) -> None:
    """What is typed into the question is shown; Ctrl-C and the end of the input are no."""
    with Terminal(mipsh, "--no-config", "-e", "mipd:ha", variables={"TERM": term}) as terminal:
        terminal.run("enable")
        assert terminal.line.endswith("# ")
        for answer in (CTRL_C, CTRL_D, f"n{ENTER}", ENTER):
            ask(terminal, answer)
            assert "flush" not in mipd.asked
            assert "not done" in terminal.text
            terminal.run("version --columns program | first 1")
        ask(terminal, f"y{ENTER}")
        assert mipd.asked.count("flush") == 1
        terminal.run("disable")
        assert "this shell only looks" in "".join(terminal.run("flush bc"))
        assert mipd.asked.count("flush") == 1


def ask(terminal: Terminal, answer: str) -> None:
    """Begin a change, and answer its question."""
    terminal.prompt()
    terminal.type("flush bc")
    terminal.send(ENTER)
    terminal.until(lambda: "[y/N]" in terminal.line)
    terminal.send(answer)
    terminal.prompt()
