"""``source``, ``alias``, ``set``, ``history``, ``quit``: lines that run lines and change the shell."""

from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay

from mipsh.registry import Registry

PLAIN = Registry(plugins=False)
NOWHERE = "umip:///nowhere/mip6d.sock"


def script(folder: Path, name: str, text: str) -> str:
    """Write a file of lines and return its path."""
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return str(path)


def test_source_runs_lines_in_this_session(mipsh: Mipsh, replay: Replay, tmp_path: Path) -> None:
    """Comments, blank lines and settings; words for $1 to $9 and $*."""
    path = script(
        tmp_path,
        "checks.mip",
        "# before\n\nset output csv   # from here\nconnect $1 > /dev/null\nbul --columns $2 --where $3 # $*\n",
    )
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    ran = mipsh.lines(PLAIN, f"source {path} {uri} state reg=home", "set output --columns value")
    assert (ran.status, ran.stdout, ran.stderr) == (0, "state\r\nbound\r\nvalue\r\ncsv\r\n", "")


def test_source_stops_at_the_first_line_that_is_not_fine(mipsh: Mipsh, tmp_path: Path) -> None:
    """Its status is that line's, and file and line are named."""
    path = script(tmp_path, "a.mip", f"version --columns program\nbc -e {NOWHERE}\nset output json\n")
    ran = mipsh.lines(PLAIN, f"source {path}")
    assert ran.status == 69
    assert ran.stderr.endswith(f"mipsh: {path}:2: stopped here (status 69)\n")
    inner = script(tmp_path, "b.mip", f"source {path}\nversion\n")
    assert mipsh("source", inner).status == 69


@pytest.mark.parametrize("rest", ["> out", "| count", "| !cat"])
def test_what_runs_lines_has_no_result_to_filter(mipsh: Mipsh, tmp_path: Path, rest: str) -> None:
    """It is refused, and nothing runs: the lines write for themselves."""
    path = script(tmp_path, "a.mip", "version\n")
    ran = mipsh.lines(PLAIN, f"source {path} {rest}")
    assert (ran.status, ran.stdout) == (64, "")
    assert "no result of its own" in ran.stderr


def test_files_that_run_each_other_end(mipsh: Mipsh, tmp_path: Path) -> None:
    """A file that runs itself is a usage error, not an overflow."""
    path = tmp_path / "loop.mip"
    script(tmp_path, "loop.mip", f"source {path}\n")
    ran = mipsh("source", str(path))
    assert ran.status == 64
    assert "files run each other 16 deep" in ran.stderr
    assert "look for one that runs itself" in ran.stderr


def test_quit_in_a_file_leaves(mipsh: Mipsh, tmp_path: Path) -> None:
    """No line behind it runs, in the file or after it."""
    path = script(tmp_path, "a.mip", "quit\nbogus\n")
    ran = mipsh("-c", f"source {path}", "-c", "bogus")
    assert (ran.status, ran.stdout, ran.stderr) == (0, "", "")


@pytest.mark.parametrize("name", ["missing.mip", ".", "~nobody-of-this-name/x", "binary.mip"])
def test_a_file_that_cannot_be_read_is_said(mipsh: Mipsh, tmp_path: Path, name: str) -> None:
    """Whatever is wrong with it, it is a usage error that names it."""
    (tmp_path / "binary.mip").write_bytes(b"\xff\xfe\x00")
    path = name if name.startswith("~") else str(tmp_path / name)
    ran = mipsh("source", path)
    assert ran.status == 64
    assert f"cannot read {path}: " in ran.stderr


def test_an_alias_stands_for_a_line(mipsh: Mipsh, replay: Replay) -> None:
    """With words put in, with words behind, with a pipe; listed, and forgotten."""
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    ran = mipsh.lines(
        PLAIN,
        f"connect {uri} > /dev/null",
        "alias peer 'bul --where cn=$1 --columns $2 -o tsv'",
        "alias all bul -o tsv --columns state,reg --no-headers",
        "peer 2001:db8:4::2 seq",
        "all --where reg=home | first 1",
        "alias",
        "alias --remove peer",
        "alias peer",
    )
    assert ran.stdout.splitlines() == [
        "sequence",
        "28030",
        "bound\thome",
        "Alias  Line",
        "all    bul -o tsv --columns state,reg --no-headers",
        "peer   bul --where cn=$1 --columns $2 -o tsv",
    ]
    assert ran.status == 64
    assert "there is no alias 'peer'" in ran.stderr


def test_words_of_an_alias_keep_their_quotes(mipsh: Mipsh) -> None:
    """One word is a line; several words are the words of one, each still whole."""
    ran = mipsh.lines(PLAIN, "alias v version --where 'program~^my thing|mipsh$' --columns program", "v", "alias v")
    assert ran.stdout.splitlines()[:2] == ["Program", "mipsh"]
    assert "'program~^my thing|mipsh$'" in ran.stdout


@pytest.mark.parametrize("name", ["bc", "show", "?", "binding-cache", "a b", "a|b", "#a"])
def test_an_alias_takes_no_command_s_place(mipsh: Mipsh, name: str) -> None:
    """Names of commands stay, and a name is one word."""
    ran = mipsh.lines(PLAIN, f"alias '{name}' bul", "alias")
    assert ran.stdout == "Aliases: no entries\n"
    assert ran.stderr.endswith("       choose another word\n")


def test_settings_are_shown_and_changed(mipsh: Mipsh) -> None:
    """All, one, a change that lasts, and an option that wins over it for one command."""
    ran = mipsh.lines(PLAIN, "set output tsv", "set timeout 2.5", "set", "set wide on -o json", "set wide")
    rows = [line.split("\t") for line in ran.stdout.splitlines()]
    shown = {row[0]: row[1:3] for row in rows if len(row) == 4}
    assert shown["timeout"] == ["2.5", "5.0"]
    assert shown["output"] == ["tsv", "table"]
    assert shown["wide"] == ["true", "false"]


@pytest.mark.parametrize(
    "line",
    [
        "set bogus",
        "set bogus 1",
        "set timeout soon",
        "set timeout -1",
        "set timeout 0",
        "set output bogus",
        "set color red",
        "set wide maybe",
        "set wide on off",
    ],
)
def test_a_setting_that_does_not_fit_changes_nothing(mipsh: Mipsh, line: str) -> None:
    """It is a usage error with what could be written."""
    ran = mipsh.lines(PLAIN, line)
    assert ran.status == 64
    assert ran.stderr.count("\n") >= 1
    assert mipsh.lines(PLAIN, line, "set -o csv").stdout == mipsh.lines(PLAIN, "set -o csv").stdout


def test_history_is_numbered_from_one(mipsh: Mipsh) -> None:
    """Off a terminal there is none; the newest of it keep their numbers."""
    assert mipsh("history").stdout == "History: no entries\n"
    assert mipsh("history", "5").status == 0
    assert mipsh("history", "five").status == 64


def test_an_engine_is_used_until_it_is_let_go(mipsh: Mipsh, replay: Replay) -> None:
    """A connection that fails leaves the old one; after ``disconnect`` there is none."""
    mn, ha = replay(ROUTE_OPTIMISED, "mn").uri, replay(ROUTE_OPTIMISED, "ha").uri
    ran = mipsh.lines(
        PLAIN,
        "set output tsv",
        "set headers off",
        f"connect {mn} --columns role",
        f"connect {NOWHERE} --columns role",
        "status --columns role,updates,bound",
        f"status -e {ha} --columns role,registered,home_agents",
        "status --columns role",
        "disconnect",
        f"set engine {NOWHERE}",
        "status --columns role",
    )
    assert ran.stdout.splitlines() == ["mn", "mn\t2\t2", "ha\t1\t1", "mn"]
    assert ran.status == 69
