"""The lines typed before: their file, and how they are found again."""

import os
import stat
from io import StringIO
from pathlib import Path

import pytest
from harness import Mipsh
from terminal import CTRL_C, CTRL_G, CTRL_R, DOWN, ENTER, ESCAPE, UP, Terminal

from mipsh.environment import Environment
from mipsh.shell.history import KEPT, READ_SIZE, LineHistory
from mipsh.shell.search import HistorySearch, Match, find, matches

NOWHERE = ("-e", "umip://[::1]:1")


def history(path: Path | str) -> tuple[LineHistory, StringIO]:
    """Return a history in a file, and what it says on stderr."""
    said = StringIO()
    return LineHistory(Environment({"MIPSH_HISTFILE": str(path)}, StringIO(), StringIO(), said)), said


def test_the_file_is_its_owners_alone(tmp_path: Path) -> None:
    """The file has mode 0600 and its folder 0700, whatever they were."""
    path = tmp_path / "state" / "mipsh" / "history"
    kept, said = history(path)
    kept.add("bul")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    path.chmod(0o644)
    kept.add("bc")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_text("utf-8") == "bul\nbc\n"
    assert said.getvalue() == ""


def test_what_is_not_worth_it_is_not_kept(tmp_path: Path) -> None:
    """Empty lines, lines that begin with a space, and a line again are left out."""
    kept, _ = history(tmp_path / "history")
    for text in ("bul", "", " secret", "bul", "bc\n secret\nbc\nbul\n"):
        kept.add(text)
    assert kept.lines == ["bul", "bc", "bul"]
    assert (tmp_path / "history").read_text("utf-8").splitlines() == kept.lines


def test_a_secret_is_not_written_into_the_file(tmp_path: Path) -> None:
    """It can be called back in the session that it was typed in, and nowhere else."""
    kept, _ = history(tmp_path / "history")
    kept.add("craft hot token=0102030405060708")
    kept.add("bul")
    assert kept.lines == ["craft hot token=0102030405060708", "bul"]
    assert (tmp_path / "history").read_text("utf-8") == "bul\n"


def test_other_sessions_lines_are_read_and_theirs_stay(tmp_path: Path) -> None:
    """Two sessions append to one file."""
    path = tmp_path / "history"
    first, _ = history(path)
    first.add("bul")
    second, _ = history(path)
    second.add("bc")
    first.add("rr")
    assert second.lines == ["bul", "bc"]
    assert history(path)[0].lines == ["bul", "bc", "rr"]


def test_of_a_long_file_the_newest_lines_are_read(tmp_path: Path) -> None:
    """Neither the number of lines nor the size of the file makes a start slow."""
    path = tmp_path / "history"
    path.write_text("".join(f"bul {number}\n" for number in range(KEPT + 10)), "utf-8")
    assert history(path)[0].lines[0] == "bul 10"
    long = "x" * 99_999
    count = READ_SIZE // len(long) + 5
    path.write_text("".join(f"{number:03}{long}\n" for number in range(count)), "utf-8")
    lines = history(path)[0].lines
    assert len(lines) < count
    assert {len(line) for line in lines} == {len(long) + 3}
    assert lines[-1].startswith(f"{count - 1:03}")


def test_a_device_is_written_to_and_left_as_it_is() -> None:
    """The null device is a usual way to keep no history, also for root."""
    before = Path(os.devnull).stat().st_mode
    kept, said = history(os.devnull)
    assert kept.lines == []
    kept.add("bul")
    assert kept.lines == ["bul"]
    assert Path(os.devnull).stat().st_mode == before
    assert said.getvalue() == ""


@pytest.mark.parametrize("kind", ["folder", "link", "pipe", "under a file"])
def test_a_file_that_cannot_be_used_is_said_once(tmp_path: Path, kind: str) -> None:
    """The lines of this session are kept all the same, and nothing waits."""
    path = tmp_path / "history"
    if kind == "folder":
        path.mkdir()
    elif kind == "link":
        path.symlink_to(tmp_path / "other")
    elif kind == "pipe":
        os.mkfifo(path)
    else:
        (tmp_path / "file").write_text("", "utf-8")
        path = tmp_path / "file" / "history"
    kept, said = history(path)
    kept.add("bul")
    kept.add("bc")
    assert kept.lines == ["bul", "bc"]
    assert said.getvalue().count("the history is not kept") == 1


@pytest.mark.parametrize(
    ("query", "line", "places"),
    [
        ("", "bul", ()),
        ("bul", "watch bul", (6, 7, 8)),
        ("wbl", "watch bul", (0, 6, 8)),
        ("BUL", "watch bul", None),
        ("bul", "watch BUL", (6, 7, 8)),
        ("bul watch", "watch bul", (0, 1, 2, 3, 4, 6, 7, 8)),
        ("lub", "watch bul", None),
        ("bul x", "watch bul", None),
    ],
)
def test_the_words_of_a_query_are_found_anywhere(query: str, line: str, places: tuple[int, ...] | None) -> None:
    """Each in one piece or letter by letter; small letters match capitals too."""
    assert find(query, line) == (None if places is None else Match(line, places))


def test_whole_words_come_before_scattered_letters_and_the_newest_first() -> None:
    """A line typed twice is offered once, where it was typed last."""
    lines = ["bc", "show binding-cache", "bc --wide", "bc", "status"]
    assert [match.line for match in matches("bc", lines)] == ["bc", "bc --wide", "show binding-cache"]
    assert [match.line for match in matches("", lines)] == ["status", "bc", "bc --wide", "show binding-cache"]


def test_the_list_follows_the_chosen_line() -> None:
    """However many lines match, the chosen one is in sight, and marked without colour."""
    search = HistorySearch(lambda line: None)
    search.begin([f"bul {number}" for number in range(50)], "bul", height=9)
    assert search.chosen() == "bul 49"
    search.move(7)
    text = "".join(piece[1] for piece in search.rows())
    assert text.splitlines()[:-1] == ["  bul 46", "  bul 45", "  bul 44", "  bul 43", "> bul 42"]
    assert text.splitlines()[-1].startswith("  50 of 50 ")
    search.move(-99)
    assert search.chosen() == "bul 49"
    search.buffer.text = "bul 1x"
    assert search.chosen() is None
    search.move(1)
    assert search.chosen() is None


@pytest.mark.pty
def test_the_lines_of_another_run_come_back(mipsh: Mipsh) -> None:
    """Up-arrow goes through the lines of the run before; a line with a space before it is not among them."""
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.run("alias one bul")
        terminal.run(" alias secret bc")
        terminal.run("alias two bc")
        terminal.send("quit\r")
        assert terminal.status() == 0
    path = mipsh.home / "state" / "mipsh" / "history"
    assert path.read_text("utf-8") == "alias one bul\nalias two bc\nquit\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with Terminal(mipsh, *NOWHERE) as terminal:
        terminal.prompt()
        terminal.send(UP)
        terminal.behind("> quit")
        terminal.send(UP)
        terminal.behind("> alias two bc")
        terminal.send(UP)
        terminal.behind("> alias one bul")
        terminal.send(DOWN)
        terminal.behind("> alias two bc")
        terminal.send(ENTER)
        terminal.prompt()
        assert terminal.run("alias -o csv") == ["alias,line", "two,bc"]
        shown = terminal.run("history -o csv")
        assert shown[:4] == ["number,line", "1,alias one bul", "2,alias two bc", "3,quit"]


@pytest.mark.pty
def test_a_line_is_searched_for_chosen_and_edited(mipsh: Mipsh) -> None:
    """Ctrl-R lists the lines that match; Enter brings one to the prompt and does not run it."""
    path = mipsh.home / "lines"
    path.write_text("alias a version\nalias b 'show binding-cache'\nalias c bul\n", "utf-8")
    with Terminal(mipsh, *NOWHERE, variables={"MIPSH_HISTFILE": str(path)}) as terminal:
        terminal.prompt()
        terminal.send(CTRL_R)
        terminal.see("history>", "> alias c bul", "  alias b 'show binding-cache'", "  alias a version", "3 of 3")
        terminal.send("bc")
        terminal.see("> alias b 'show binding-cache'", "1 of 3")
        terminal.send("\x7f")
        terminal.see("> alias c bul", "2 of 3")
        terminal.send(DOWN)
        terminal.see("> alias b 'show binding-cache'")
        terminal.send(ENTER)
        terminal.behind("mipsh> alias b 'show binding-cache'")
        assert "history>" not in terminal.text
        terminal.send("\x7f --wide'" + ENTER)
        terminal.prompt()
        assert terminal.run("alias -o csv") == ["alias,line", "b,show binding-cache --wide"]


@pytest.mark.pty
@pytest.mark.parametrize("key", [ESCAPE, CTRL_G, CTRL_C], ids=["Esc", "Ctrl-G", "Ctrl-C"])
def test_leaving_the_search_keeps_the_line(mipsh: Mipsh, key: str) -> None:
    """What was typed before is what is searched for, and still there afterwards."""
    path = mipsh.home / "lines"
    path.write_text("version\nbul\n", "utf-8")
    with Terminal(mipsh, *NOWHERE, variables={"MIPSH_HISTFILE": str(path)}) as terminal:
        terminal.prompt()
        terminal.type("vers")
        terminal.send(CTRL_R)
        terminal.see("history> vers", "> version", "1 of 2")
        terminal.send(key)
        terminal.until(lambda: "history>" not in terminal.text)
        terminal.behind("mipsh> vers")
        terminal.send("ion -o csv\r")
        terminal.prompt()
        assert "program,version" in terminal.text
