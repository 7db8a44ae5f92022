"""What happens while a command runs: Ctrl-C, watching, resizing, paging."""

import signal
import threading

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from terminal import CTRL_C, ENTER, LONGEST_S, HangsOn, Terminal

from mipsh.builtin import COMMANDS
from mipsh.node.faults import Delay

pytestmark = pytest.mark.pty

NOWHERE = ("-e", "umip://[::1]:1")


def test_ctrl_c_at_the_prompt_drops_the_line(mipsh: Mipsh) -> None:
    """It is not run and not remembered."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.type("alias x bul")
        terminal.send(CTRL_C)
        terminal.prompt()
        terminal.send(CTRL_C + CTRL_C)
        assert terminal.run("alias") == ["Aliases: no entries"]
        assert "alias x" not in "".join(terminal.run("history -o csv"))


def test_ctrl_c_ends_a_command_and_the_shell_goes_on(mipsh: Mipsh, replay: Replay) -> None:
    """An engine that hangs can be left, and asked something else; also where the interrupt was ignored before."""
    asked = threading.Event()
    engine = replay(ROUTE_OPTIMISED, "mn", HangsOn(b"BUL_ENTRY", asked))
    through = "trap '' INT; exec \"$@\""
    with Terminal(mipsh, "-e", engine.uri, "-t", "600", through=through) as terminal:
        terminal.prompt()
        terminal.type("bul")
        terminal.send(ENTER)
        assert asked.wait(LONGEST_S)
        terminal.send("typed meanwhile")
        terminal.send(CTRL_C)
        terminal.prompt()
        assert "mipsh: error: interrupted" in terminal.lines
        assert "typed meanwhile" not in terminal.text
        terminal.send(CTRL_C)
        assert terminal.run("rr -o csv --columns test")[0] == "test"
        assert terminal.line.startswith("mn@umip ")


def test_ctrl_c_ends_the_wait_for_an_engine_at_the_start(mipsh: Mipsh, replay: Replay) -> None:
    """The shell opens without it."""
    asked = threading.Event()
    engine = replay(ROUTE_OPTIMISED, "mn", HangsOn(b"", asked))
    with Terminal(mipsh, "-e", engine.uri, "-t", "600") as terminal:
        assert asked.wait(LONGEST_S)
        terminal.send(CTRL_C)
        terminal.prompt()
        assert terminal.line == "mipsh> "
        assert "mipsh: interrupted" in terminal.lines


def test_watch_ends_with_its_last_frame_in_sight(mipsh: Mipsh, replay: Replay) -> None:
    """Frames are drawn over each other, keys that are pressed do not disturb them, and Ctrl-C leaves the last."""
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri) as terminal:
        terminal.prompt()
        terminal.type("watch -n 1 bul --columns peer,state,seq")
        terminal.send(ENTER)
        terminal.see("2001:db8:4::2", "every 1 s")
        terminal.send("x\rrr\r")
        began = len(terminal.raw)
        terminal.until(lambda: terminal.raw.count(b"every 1 s", began) == 2)
        assert terminal.text.count("every 1 s") == 1
        terminal.send(CTRL_C)
        terminal.prompt()
        shown = terminal.lines
        top = next(number for number, line in enumerate(shown) if "watch -n 1" in line)
        assert shown[top + 1].split() == ["Peer", "State", "Seq"]
        assert shown[top + 3].split()[:2] == ["2001:db8:1::1", "bound"]
        assert shown[top + 4].split()[:2] == ["2001:db8:4::2", "bound"]
        assert shown[top + 5].startswith("every 1 s")
        assert terminal.screen.cursor.y == top + 6
        assert terminal.run("status -o csv --columns role") == ["role", "mn"]


def test_a_watch_that_is_longer_than_the_screen_counts_the_rest(mipsh: Mipsh, replay: Replay) -> None:
    """Its first rows and its last line stay in sight; it is never paged."""
    engine = replay(ROUTE_OPTIMISED, "mn")
    with Terminal(mipsh, "-e", engine.uri, variables={"MIPSH_PAGER": "sed s/^/PAGED:/"}) as terminal:
        terminal.prompt()
        terminal.send("watch -n 1 stats\r")
        terminal.see("more lines", "every 1 s")
        assert terminal.lines[0].split()[:2] == ["Direction", "Counter"]
        assert terminal.lines[22].startswith("every 1 s")
        terminal.send(CTRL_C)
        for _ in range(5):
            terminal.process.kill(signal.SIGINT)
        terminal.prompt()
        terminal.process.kill(signal.SIGINT)
        assert "more lines" in terminal.text
        assert "PAGED:" not in terminal.text
        assert terminal.run("status -o csv --columns role") == ["role", "mn"]


def test_watch_shows_what_is_wrong_within_its_frame(mipsh: Mipsh, replay: Replay) -> None:
    """An engine that is away is said in each frame, not below it."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.type("watch -n 1 bul")
        terminal.send(ENTER)
        terminal.see("nothing listens at [::1]:1")
        began = len(terminal.raw)
        terminal.until(lambda: terminal.raw.count(b"nothing listens", began) == 2)
        assert terminal.text.split("watch -n 1 bul")[1].count("nothing listens") == 1
        terminal.send(CTRL_C)
        terminal.prompt()
        assert terminal.text.split("watch -n 1 bul")[1].count("nothing listens") == 1


def test_watch_as_json_is_a_line_a_look(mipsh: Mipsh, replay: Replay) -> None:
    """Documents for programs are not drawn over each other on a terminal either."""
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "cn").uri, size=(500, 40)) as terminal:
        shown = terminal.run("watch -n 1 --count 2 status -o json")
        documents = [line for line in "".join(shown).split('{"schema"') if line]
        assert len(documents) == 2


def test_watch_follows_the_size_of_the_terminal(mipsh: Mipsh, replay: Replay) -> None:
    """Made wide, it becomes a table; made narrow, a list of fields."""
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri) as terminal:
        terminal.prompt()
        terminal.send("watch -n 1 bul\r")
        terminal.see("  Peer             2001:db8:4::2", "every 1 s")
        terminal.resize(200, 24)
        terminal.until(lambda: "Binding update list" not in terminal.text)
        assert terminal.lines[0].startswith("Home address     Care-of address")
        terminal.resize(80, 24)
        terminal.see("Binding update list 2 of 2", "every 1 s")
        terminal.send(CTRL_C)
        terminal.prompt()
        assert "  Peer             2001:db8:4::2" in terminal.text


def test_the_prompt_follows_the_size_of_the_terminal(mipsh: Mipsh) -> None:
    """What is typed stays, the toolbar is as wide as the terminal, and the next result knows the size."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.type("describe bul")
        terminal.resize(200, 30)
        terminal.until(lambda: "no engine: type 'connect'  read-only" in terminal.lines[-1])
        terminal.behind("> describe bul")
        terminal.send(" | first 1" + ENTER)
        terminal.prompt()
        assert any(line.split()[:3] == ["Table", "Column", "Title"] for line in terminal.lines)
        terminal.resize(80, 30)
        assert terminal.run("describe bul | first 1")[0] == "Columns 1 of 1"


def test_a_long_result_is_paged_and_a_short_one_is_not(mipsh: Mipsh) -> None:
    """MIPSH_PAGER wins over PAGER; ``set pager off`` ends it; the prompt comes back below."""
    pagers = {"PAGER": "false", "MIPSH_PAGER": "sed -e s/^/=/"}
    with Terminal(mipsh, *NOWHERE, variables=pagers) as terminal:
        assert terminal.run("help")[-2].startswith(f"={max(COMMANDS)}")
        assert not any(line.startswith("=") for line in terminal.run("version"))
        terminal.run("set pager off")
        assert not any(line.startswith("=") for line in terminal.run("help"))


def test_ctrl_c_in_a_pager_is_the_pagers(mipsh: Mipsh) -> None:
    """The shell waits for its end, and the prompt is whole afterwards."""
    pager = mipsh.home / "pager"
    pager.write_text(
        "trap 'echo HEARD' INT\necho STARTED\nread line < /dev/tty\necho ENDED\ncat > /dev/null\n", "utf-8"
    )
    with Terminal(mipsh, *NOWHERE, variables={"MIPSH_PAGER": f"bash {pager}"}) as terminal:
        terminal.prompt()
        terminal.send("help\r")
        terminal.see("STARTED")
        terminal.send(CTRL_C)
        terminal.see("HEARD")
        terminal.send("\r")
        terminal.see("ENDED")
        terminal.prompt()
        assert terminal.run("alias") == ["Aliases: no entries"]


def test_a_pager_that_is_not_there_is_said(mipsh: Mipsh) -> None:
    """The result is shown without it."""
    with Terminal(mipsh, *NOWHERE, variables={"MIPSH_PAGER": "/nosuch/pager"}) as terminal:
        assert terminal.run("help")[-2].startswith(max(COMMANDS).split()[0])
        assert b"mipsh: warning: the pager '/nosuch/pager' cannot be started: No such file" in terminal.raw


def test_a_watch_without_a_command_repeats_the_line_before(mipsh: Mipsh, replay: Replay) -> None:
    """With its options and filters; lines that show no table are passed over."""
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "mn").uri) as terminal:
        assert "mipsh: error: watch needs COMMAND: no table was shown before" in terminal.run("watch")
        terminal.run("bul --columns peer,state | include 2001:db8:4::2")
        terminal.run("alias x bul")
        terminal.run("rr | !cat")
        shown = terminal.run("watch --count 1")
        assert shown[0].split() == ["Peer", "State"]
        assert shown[2].split() == ["2001:db8:4::2", "bound"]
        assert shown[3] == "bul --columns peer,state | include 2001:db8:4::2"
        assert shown[4].startswith("every 2 s, ")


def test_a_look_that_takes_long_makes_the_interval_longer(mipsh: Mipsh, replay: Replay) -> None:
    """The engine holds its locks while it answers: most of the time it is left alone."""
    with Terminal(mipsh, "-e", replay(ROUTE_OPTIMISED, "cn", Delay(0.2)).uri) as terminal:
        shown = terminal.run("watch -n 1 --count 1 bc --columns hoa")
        assert "(a look costs too much for 1 s)" in shown[-1]


def test_a_small_terminal_has_room_for_the_line(mipsh: Mipsh) -> None:
    """The menu takes what is left, and nobody says that the window is too small."""
    with Terminal(mipsh, *NOWHERE, size=(40, 5)) as terminal:
        terminal.prompt()
        terminal.type("versio")
        terminal.see("version  show versions of mipsh")
        terminal.send("n -o csv --columns version | first 1" + ENTER)
        terminal.prompt()
        assert "version" in terminal.lines
        assert b"too small" not in terminal.raw
