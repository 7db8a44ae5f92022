"""What the shell shows on terminals of different sizes and abilities."""

import re

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from terminal import CTRL_C, CTRL_D, CTRL_R, ENTER, Terminal

from mipsh.builtin import COMMANDS

pytestmark = pytest.mark.pty

NOWHERE = ("-e", "umip://[::1]:1")
COLOUR = re.compile(rb"\x1b\[(?:[0-9;]*;)?(?:3[0-8]|4[0-8]|9[0-7]|10[0-7])(?:;[0-9;]*)?m")
ADDRESS = re.compile(r"\b2001:db8:\S*")
MN_ADDRESSES = {"2001:db8:1::100", "2001:db8:2:0:f809:44ff:fec8:30f9", "2001:db8:1::1", "2001:db8:4::2"}
HELP = tuple(f"help {topic}" for topic in ("keys", "filters", "grammar", "options", "exit-status"))
MN_LINES = ("bul", "rr", "stats | first 5", "nonce", "status", "raw help", "bc", "describe bul | first 3")


def test_nothing_is_wider_than_80_columns(mipsh: Mipsh, replay: Replay) -> None:
    """Results, help, hints, errors, the toolbar; addresses are whole."""
    engine = replay(ROUTE_OPTIMISED, "mn")
    with Terminal(mipsh, "-e", engine.uri, screen_columns=200, variables={"MIPSH_PAGER": ""}) as terminal:
        seen: list[str] = []
        for line in (*MN_LINES, "help", "help watch", *HELP, "hepl", "bul --wher x=1"):
            shown = terminal.run(line)
            if line in ("bul", "rr"):
                assert set(ADDRESS.findall("\n".join(shown))) <= MN_ADDRESSES
            assert shown
            seen += terminal.lines
        terminal.send("?")
        terminal.see("  watch  ")
        terminal.prompt()
        seen += terminal.lines
        assert [line for line in seen if len(line) > 80] == []
        assert any("2001:db8:2:0:f809:44ff:fec8:30f9" in line for line in seen)


def test_a_narrow_terminal_gets_fields_and_a_wide_one_a_table(mipsh: Mipsh, replay: Replay) -> None:
    """The same command, 80 and 200 columns wide."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    with Terminal(mipsh, "-e", uri) as terminal:
        shown = terminal.run("bul")
        assert shown[0] == "Binding update list 1 of 2"
        assert shown[2] == "  Care-of address  2001:db8:2:0:f809:44ff:fec8:30f9"
        terminal.see("MN  2 updates  read just now  read-only")
    with Terminal(mipsh, "-e", uri, size=(200, 24)) as terminal:
        shown = terminal.run("bul")
        assert shown[0].split()[:6] == ["Home", "address", "Care-of", "address", "Peer", "Registration"]
        assert shown[3].split()[:3] == ["2001:db8:1::100", "2001:db8:2:0:f809:44ff:fec8:30f9", "2001:db8:4::2"]
        assert len(shown) == 4


def test_each_prompt_has_a_line_of_its_own(mipsh: Mipsh, replay: Replay) -> None:
    """Whatever a command wrote, in whatever format."""
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri) as terminal:
        for line in (
            "raw help",
            "set output json",
            "version | count",
            "raw help",
            "set output table",
            "rr | !tail -c 3",
        ):
            terminal.run(line)
            assert terminal.line.startswith("mn@umip ")
        assert terminal.run("set output json; rr | count; set output table")[-1] == "}"


def test_a_terminal_that_only_prints_gets_no_escapes(mipsh: Mipsh, replay: Replay) -> None:
    """TERM=dumb: a prompt, a line, a result; help, errors, Ctrl-C and Ctrl-D work, and nothing is paged."""
    variables = {"TERM": "dumb", "MIPSH_PAGER": "sed s/^/PAGED:/"}
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri, variables=variables) as terminal:
        terminal.prompt()
        assert terminal.line.startswith("mn@umip ")
        assert "Binding update list 1 of 2" in terminal.run("bul")
        assert "mipsh: error: 'hlep' is not a command" in terminal.run("hlep")
        assert terminal.run("help")[-2].startswith(max(COMMANDS).split()[0])
        assert "  bul [ADDRESS]" in terminal.run("bul ?")
        terminal.send("half")
        terminal.behind("half")
        terminal.send(CTRL_C)
        terminal.prompt()
        terminal.send("watch -n 1 rr --columns test\r")
        terminal.until(lambda: terminal.raw.count(b"every 1 s") == 2)
        terminal.send(CTRL_C)
        terminal.prompt()
        assert terminal.run("history -o csv --columns line")[1] == "bul"
        terminal.send(CTRL_D)
        assert terminal.status() == 0
        assert b"\x1b" not in terminal.raw
        assert b"PAGED:" not in terminal.raw


def test_no_color_means_no_colour_anywhere(mipsh: Mipsh, replay: Replay) -> None:
    """The prompt's line, the menu, the toolbar, tables, hints and the search stay without; with colour they are not."""
    for variables, coloured in (({"NO_COLOR": "1"}, False), ({}, True)):
        with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri, variables=variables) as terminal:
            terminal.run("rr")
            terminal.run("rr --columns test,peer")
            terminal.type("rr --wh")
            terminal.see("only rows that meet a condition")
            terminal.send("\t" + CTRL_C)
            terminal.prompt()
            terminal.send(CTRL_R)
            terminal.see("> rr --columns test,peer")
            terminal.send(ENTER)
            terminal.behind("rr --columns test,peer")
            assert bool(COLOUR.search(terminal.raw)) is coloured


def test_colour_can_be_switched_while_the_shell_runs(mipsh: Mipsh) -> None:
    """``set color never`` reaches the prompt too."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.run("set color never")
        began = len(terminal.raw)
        terminal.run("version")
        assert not COLOUR.search(terminal.raw, began)
        terminal.run("set color always")
        began = len(terminal.raw)
        terminal.run("version")
        assert COLOUR.search(terminal.raw, began)


def test_results_into_a_file_leave_the_prompt_on_the_terminal(mipsh: Mipsh) -> None:
    """With standard output elsewhere, nothing but results goes there."""
    with Terminal(mipsh, *NOWHERE, through='exec "$@" > results') as terminal:
        terminal.prompt()
        terminal.send("version -o csv --columns program | first 1\r")
        terminal.prompt()
        terminal.send("nosuch\r")
        terminal.see("'nosuch' is not a command")
        terminal.prompt()
        terminal.send(CTRL_D)
        assert terminal.status() == 0
    assert (mipsh.home / "results").read_text("utf-8") == "program\nmipsh\n"
