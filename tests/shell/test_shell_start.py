"""How the shell starts and ends in a terminal."""

import re
import signal
import termios
import threading
from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from terminal import CTRL_D, LONGEST_S, HangsOn, Terminal

pytestmark = pytest.mark.pty


def test_the_prompt_names_role_engine_and_address(mipsh: Mipsh, replay: Replay) -> None:
    """The engine is reached before the first prompt; an open console on an IPv6 address has its usual form."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    with Terminal(mipsh, "-e", uri) as terminal:
        terminal.prompt()
        assert terminal.line == f"mn@umip {uri.removeprefix('umip://')}> "


def test_an_engine_that_is_not_there_is_said_and_the_shell_opens(mipsh: Mipsh) -> None:
    """The message names the address tried and what to do next."""
    with Terminal(mipsh, "-e", "umip://[::1]:1") as terminal:
        terminal.prompt()
        assert terminal.line == "mipsh> "
        assert "nothing listens at [::1]:1" in terminal.text
        assert "mip6d is not running" in terminal.text
        terminal.see("no engine: type 'connect'")
        assert terminal.run("hlep") == ["mipsh: error: 'hlep' is not a command", "       did you mean help?"]


def test_quit_leaves_with_status_0(mipsh: Mipsh) -> None:
    """The last command's status does not matter at a prompt."""
    with Terminal(mipsh, "-e", "umip://[::1]:1") as terminal:
        terminal.run("bul")
        terminal.send("quit\r")
        assert terminal.status() == 0


def test_end_of_input_leaves_with_status_0(mipsh: Mipsh) -> None:
    """Ctrl-D at an empty prompt leaves; behind text it does not."""
    with Terminal(mipsh, "-e", "umip://[::1]:1") as terminal:
        terminal.prompt()
        terminal.type("version")
        terminal.send(CTRL_D + "\r")
        terminal.prompt()
        assert "Python" in terminal.text or "python" in terminal.text
        terminal.send(CTRL_D)
        assert terminal.status() == 0


@pytest.mark.parametrize("hanging", [False, True], ids=["at the prompt", "in a command"])
def test_ended_from_outside_the_terminal_is_as_it_was(mipsh: Mipsh, replay: Replay, hanging: bool) -> None:
    """Keys are shown again, and lines are edited by the terminal."""
    asked = threading.Event()
    engine = replay(ROUTE_OPTIMISED, "mn", HangsOn(b"BUL_ENTRY", asked))
    with Terminal(mipsh, "-e", engine.uri, "-t", "600") as terminal:
        terminal.prompt()
        if hanging:
            terminal.send("bul\r")
            assert asked.wait(LONGEST_S)
        terminal.process.kill(signal.SIGTERM)
        assert terminal.status() == 128 + signal.SIGTERM
        modes = termios.tcgetattr(terminal.process.child_fd)[3]
        assert modes & termios.ECHO
        assert modes & termios.ICANON


def test_startup_lines_run_before_the_first_prompt(mipsh: Mipsh, replay: Replay, tmp_path: Path) -> None:
    """The configuration's lines are lines like any others."""
    config = tmp_path / "config.toml"
    uri = replay(ROUTE_OPTIMISED, "cn").uri
    config.write_text(f'engine = "{uri}"\nstartup = ["bc --columns hoa,coa -o csv", "nosuch"]\n', encoding="utf-8")
    with Terminal(mipsh, "--config", str(config)) as terminal:
        terminal.prompt()
        assert terminal.line.startswith("cn@umip ")
        assert "home_address,care_of_address" in terminal.lines
        assert "mipsh: error: 'nosuch' is not a command" in terminal.lines


def test_startup_may_be_all(mipsh: Mipsh, tmp_path: Path) -> None:
    """A startup line that quits opens no prompt, and asks no engine."""
    config = tmp_path / "config.toml"
    config.write_text('startup = ["quit"]\nengine = "umip://[::1]:1"\n', encoding="utf-8")
    with Terminal(mipsh, "--config", str(config)) as terminal:
        assert terminal.status() == 0
        assert "nothing listens" not in terminal.text


def test_the_demo_fits_and_changes_between_its_nodes(mipsh: Mipsh) -> None:
    """The welcome is whole on 80 columns, and each node of the recording has a word of its own."""
    with Terminal(mipsh, "demo", "--recorded", screen_columns=200) as terminal:
        terminal.prompt()
        assert terminal.line.startswith("mn@umip 127.0.0.1:")
        assert all(len(line) <= 80 for line in terminal.lines)
        assert "'quit' leaves." in terminal.text
        terminal.run("ha")
        assert terminal.line.startswith("ha@umip ")
        terminal.run("cn")
        assert terminal.line.startswith("cn@umip ")


@pytest.mark.parametrize("variables", [{"PROMPT_TOOLKIT_NO_CPR": "1"}, {}], ids=["told", "silent"])
def test_a_terminal_that_does_not_answer_is_not_waited_for(mipsh: Mipsh, variables: dict[str, str]) -> None:
    """Where the cursor is may stay unknown: the toolbar stands below the prompt, and nobody complains."""
    with Terminal(mipsh, "-e", "umip://[::1]:1", answers=False, variables=variables) as terminal:
        terminal.run("version --columns program -o csv")
        terminal.run("alias x bul")
        terminal.see("no engine: type 'connect'")
        assert "WARNING" not in terminal.text
        assert terminal.raw.count(b"\x1b[6n") == (0 if variables else 1)


def test_what_another_program_left_on_the_line_is_not_written_over(mipsh: Mipsh) -> None:
    """The prompt begins on a line of its own."""
    with Terminal(mipsh, "-e", "umip://[::1]:1") as terminal:
        assert terminal.run("version | !printf left")[-1] == "left"
        assert terminal.line == "mipsh> "
        assert terminal.run("version | !printf %080d 0")[-1] == "0" * 80
        assert terminal.run("alias") == ["Aliases: no entries"]


def test_what_the_first_prompt_does_not_need_is_not_loaded(mipsh: Mipsh, replay: Replay) -> None:
    """The way to the prompt is prompt_toolkit's and the engine's: no table drawing, no commands, no other library."""
    variables = {"PYTHONVERBOSE": "1"}
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri, size=(200, 24), variables=variables) as terminal:
        terminal.until(lambda: b"mn@umip " in terminal.raw)
        loaded = {name.decode() for name in re.findall(rb"^import '([\w.]+)' #", terminal.raw, re.MULTILINE)}
    assert {"prompt_toolkit.shortcuts", "mipsh.shell.repl", "mipsh.plugins.engines.umip"} <= loaded
    heavy = {"rich", "scapy", "pyroute2", "yaml", "tomllib", "importlib.metadata", "argparse", "logging.config"}
    assert not heavy & loaded
    assert not {name for name in loaded if re.match(r"mipsh\.(commands|plugins\.formats)\.", name)}
