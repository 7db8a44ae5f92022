"""Running lines: what a statement is shown with, and what its status comes from."""

import json

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay, Scripted

from mipsh.execute import options_of
from mipsh.grammar.declare import COMMON_OPTIONS
from mipsh.registry import Registry
from mipsh.settings import Settings

PLAIN = Registry(plugins=False)
NOWHERE = "umip:///nowhere/mip6d.sock"


@pytest.fixture
def uri(replay: Replay) -> str:
    """Return the address of the recorded mobile node."""
    return replay(ROUTE_OPTIMISED, "mn").uri


def test_the_command_is_written_as_it_was_typed(mipsh: Mipsh, uri: str) -> None:
    """From the words of a command line and from a line alike, quotes and pipes included."""
    typed = mipsh("-e", uri, "--json", "bul", "--where", "state~bo nd|x", "|", "first", "1").document["command"]
    assert typed == "bul --where 'state~bo nd|x' | first 1"
    assert mipsh("-e", uri, "-c", f"{typed} ", "--json").document["command"] == typed
    assert mipsh("-e", uri, "--json", "bcc").document["command"] == "bcc"
    assert mipsh("--json", "-c", "bul --bogus").document["command"] == "bul --bogus"


def test_row_options_before_a_command_are_the_command_s(mipsh: Mipsh, uri: str) -> None:
    """Filters and columns may stand anywhere; a pipe behind the command changes nothing."""
    before = mipsh("-e", uri, "--where", "reg=home", "--columns", "seq,cn", "--sort", "-seq", "bul", "-o", "tsv")
    behind = mipsh("-e", uri, "bul", "--where", "reg=home", "--columns", "seq,cn", "--sort", "-seq", "-o", "tsv")
    assert before == behind
    assert before.stdout == "sequence\tpeer_address\n24891\t2001:db8:1::1\n"
    assert mipsh("-e", uri, "-o", "tsv", "--where", "reg=home", "bul", "|", "count").stdout == "count\n1\n"


def test_rows_are_kept_ordered_and_counted(mipsh: Mipsh, uri: str) -> None:
    """Each stage works on what the one before left."""

    def lines(line: str) -> list[str]:
        ran = mipsh("-e", uri, "-o", "tsv", "--no-headers", "-c", line)
        assert ran.status == 0
        return ran.stdout.splitlines()

    assert lines("bul --columns seq --sort seq") == ["24891", "28030"]
    assert lines("bul --columns seq --sort -seq | first 1") == ["28030"]
    assert lines("bul --columns seq --sort seq | last 1") == ["28030"]
    assert lines("bul --columns seq | include 2489") == ["24891"]
    assert lines("bul --columns seq | exclude 2489 | count") == ["1"]
    assert lines("bul 2001:db8:4::/48 --columns seq") == ["28030"]
    assert lines("bul 2001:db8:9::9 | count") == ["0"]
    assert lines("raw bul | include Home | count") == ["2"]


def test_a_filter_that_fails_is_an_error_not_an_empty_table(mipsh: Mipsh, uri: str) -> None:
    """Status 64, the columns there are, and a document that says so."""
    ran = mipsh("-e", uri, "--json", "bul", "--columns", "bogus")
    assert (ran.status, ran.rows, ran.document["errors"][0]["code"]) == (64, [], "usage")
    assert "columns: home_address, " in ran.stderr
    assert mipsh("-e", uri, "bul", "|", "include", "(").status == 64


def test_a_count_of_an_error_is_the_error(mipsh: Mipsh, uri: str) -> None:
    """Nothing is counted that was not read."""
    ran = mipsh("-e", uri, "hal", "--json", "|", "count")
    assert (ran.status, ran.rows) == (3, [])


def test_a_line_stops_where_it_is_not_fine(mipsh: Mipsh) -> None:
    """Its status is that of the statement that stopped it; nothing behind it runs."""
    ran = mipsh.lines(PLAIN, f"alias -o csv; bc -e {NOWHERE}; version")
    assert (ran.status, ran.stdout) == (69, "alias,line\r\n")
    assert mipsh("--keep-going", "-c", f"bc -e {NOWHERE}; alias -o csv").stdout == "alias,line\r\n"
    assert mipsh("--keep-going", "-c", f"bc -e {NOWHERE}; alias -o csv").status == 69


def test_a_line_with_a_fault_runs_nothing(mipsh: Mipsh) -> None:
    """It is understood as a whole or not at all."""
    ran = mipsh.lines(PLAIN, "alias -o csv; bogus")
    assert (ran.status, ran.stdout) == (64, "")


def test_an_unknown_command_is_met_with_those_near_it(mipsh: Mipsh) -> None:
    """Status 64, and what was probably meant."""
    ran = mipsh("bull")
    assert (ran.status, ran.stdout) == (64, "")
    assert ran.stderr.splitlines() == ["mipsh: error: 'bull' is not a command", "       did you mean bul?"]
    assert mipsh("qqqqqq").stderr.splitlines()[1] == "       type 'help'"
    assert mipsh("bul", "--wher", "reg=home", "--colums", "x").status == 64


def test_a_fault_is_shown_in_the_format_asked_for(mipsh: Mipsh) -> None:
    """As far as the line was understood; an unknown format falls back to text."""
    found = json.loads(mipsh("-c", "bul --bogus -o json").stdout)
    assert (found["status"], found["table"], found["data"], found["errors"][0]["code"]) == (64, None, [], "usage")
    ran = mipsh("-c", "bul -o bogus --bogus")
    assert (ran.status, ran.stdout) == (64, "")


def test_warnings_are_said_unless_quiet(mipsh: Mipsh, replay: Replay) -> None:
    """Lines that could not be read are shown, a few of them; in documents they stand either way."""
    uri = replay.serve(Scripted({"bc": "".join(f"junk {n}\n" for n in range(9)), "stats": "", "nonce": ""})).uri
    ran = mipsh("-e", uri, "bc")
    assert ran.status == 0
    assert ran.stderr.splitlines()[0].startswith(
        "mipsh: warning: 9 lines of the engine's reply could not be read: junk 0;"
    )
    assert "junk 3" not in ran.stderr
    assert "'raw' shows what the engine said" in ran.stderr
    for words in (["-q", "bc"], ["bc", "--quiet"]):
        assert mipsh("-e", uri, *words).stderr == ""
    assert [notice["code"] for notice in mipsh("-e", uri, "-q", "bc", "--json").document["warnings"]] == ["unread"]


OPTIONS = {
    "output": ("json", {"output": "json"}),
    "json": (True, {"output": "json"}),
    "wide": (True, {"wide": True}),
    "no_headers": (True, {"headers": False}),
    "engine": ("umip:x", {"engine": "umip:x"}),
    "timeout": (2.0, {"timeout": 2.0}),
    "wait": (2.0, {"wait": 2.0}),
    "quiet": (True, {"verbosity": -1}),
    "verbose": (9, {"verbosity": 3}),
    "color": ("never", {"color": "never"}),
    "no_color": (True, {"color": "never"}),
    "no_pager": (True, {"pager": False}),
    "columns": ("x", {}),
    "where": (["x=1"], {}),
    "sort": ("x", {}),
    "write": (True, {}),
    "yes": (True, {}),
    "dry_run": (True, {}),
    "how": (True, {}),
    "help": (True, {}),
}


def test_every_common_option_has_its_effect() -> None:
    """Those of every command stand for settings, or for what is done with the rows."""
    assert {option.key for option in COMMON_OPTIONS} == OPTIONS.keys()
    for name, (value, effect) in OPTIONS.items():
        assert options_of({name: value}) == effect
        assert set(effect) <= set(Settings.__struct_fields__)


@pytest.mark.parametrize(
    "words", [["-t", "0"], ["-t", "4000"], ["--wait", "90000"], ["-t", "soon"], ["--color", "red"]]
)
def test_an_option_that_does_not_fit_asks_nobody(mipsh: Mipsh, replay: Replay, words: list[str]) -> None:
    """Before a command and behind it."""
    responder = Scripted({"bc": "", "stats": "", "nonce": ""})
    uri = replay.serve(responder).uri
    for line in (["-e", uri, *words, "bc"], ["-e", uri, "bc", *words]):
        ran = mipsh(*line)
        assert (ran.status, ran.stdout) == (64, "")
        assert ran.stderr.startswith("mipsh: error: ")
    assert responder.asked == []


def test_a_timeout_is_the_question_s(mipsh: Mipsh, uri: str) -> None:
    """Units are understood; a generous one changes nothing."""
    assert mipsh("-e", uri, "-t", "2m", "bul").status == 0
    assert mipsh("-e", uri, "bul", "-t", "500ms").status == 0
