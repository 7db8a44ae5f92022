"""``help``, ``?``, ``describe``, ``plugins``, ``version``: what there is, said within 80 columns."""

import json
from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay

from mipsh import __version__
from mipsh.builtin import ALIASES, BUILT_IN, COMMANDS
from mipsh.listing import TABLE_WORDS, table_of
from mipsh.model.tables import TABLES
from mipsh.registry import Registry

WIDTH = 80
TOPICS = ("filters", "grammar", "options", "exit-status", "mipsh")
PLAIN = Registry(plugins=False)


@pytest.mark.parametrize("topic", [*COMMANDS, *TOPICS])
def test_every_page_fits_on_a_terminal(mipsh: Mipsh, topic: str) -> None:
    """At 80 columns no line is cut or wrapped; the page says what it is about first."""
    mipsh.variables["COLUMNS"] = str(WIDTH)
    ran = mipsh("help", topic, "--no-pager", terminal=True)
    assert ran.status == 0
    assert [line for line in ran.stdout.splitlines() if len(line) > WIDTH] == []
    if topic in COMMANDS:
        command = PLAIN.command(topic)
        assert ran.stdout.startswith(f"{command.name}: {command.summary}\n")
        assert all(argument.name.upper() in ran.stdout for argument in command.arguments)
        assert all(option.name in ran.stdout for option in command.options)
        assert all(line in ran.stdout for line, _ in command.examples)


def test_help_lists_every_command_and_topic(mipsh: Mipsh) -> None:
    """Each with its summary; no summary says only the name again."""
    ran = mipsh("help", "--json")
    assert [row["command"] for row in ran.rows] == list(COMMANDS)
    assert all(len(row["summary"].split()) >= 3 for row in ran.rows)
    assert all(topic in mipsh("help").stdout for topic in TOPICS[:4])


def test_the_program_s_own_help_names_options_commands_and_topics(mipsh: Mipsh) -> None:
    """``--help`` before a command is about mipsh, behind one about the command."""
    whole = mipsh("--help").stdout
    assert whole == mipsh("-h").stdout == mipsh("help", "mipsh").stdout
    assert all(word in whole for word in ("--netns NAME", "-c, --command LINE", *COMMANDS, "exit-status"))
    assert mipsh("bul", "--help").stdout == mipsh("help", "bul").stdout


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (["bc", "?"], "bc"),
        (["show", "ipv6", "mobile", "traffic", "?"], "stats"),
        (["bul", "--where", "reg=home", "-h"], "bul"),
        (["help", "binding-cache"], "bc"),
        (["help", "show", "bul"], "bul"),
        (["?", "rr"], "rr"),
        (["he", "assert"], "assert"),
    ],
)
def test_help_is_found_from_everywhere(mipsh: Mipsh, words: list[str], name: str) -> None:
    """Behind a command, as an option, by an alias and by the beginning of a word; no engine is asked."""
    ran = mipsh(*words)
    assert ran.status == 0
    assert ran.stdout.startswith(f"{name}: ")


@pytest.mark.parametrize("words", [["bcc"], ["show", "bogus"], ["s"], ["show"]])
def test_help_on_what_is_not_there_names_what_is(mipsh: Mipsh, words: list[str]) -> None:
    """A usage error with a hint."""
    ran = mipsh("help", *words)
    assert ran.status == 64
    assert ran.stderr.count("\n") == 2


def test_help_shows_aliases(mipsh: Mipsh) -> None:
    """An alias is listed with its line, and help on it points on."""
    ran = mipsh.lines(PLAIN, "alias peer 'bul --wide'", "help", "help peer")
    assert "peer alias: bul --wide" in " ".join(ran.stdout.split())
    assert "'peer' is an alias of: bul --wide" in ran.stderr


def test_every_table_is_described(mipsh: Mipsh) -> None:
    """By its name and by its command's: every column with a meaning."""
    listed = [row["table"] for row in mipsh("describe", "--json").rows]
    assert set(TABLES) <= set(listed)
    for word in (*TABLE_WORDS, *listed):
        rows = mipsh("describe", word, "--json").rows
        table = TABLES.get(table_of(word))
        if table is not None:
            assert [row["column"] for row in rows] == [column.name for column in table.columns]
        assert all(row["meaning"] for row in rows)
    assert len(mipsh("describe", "--all", "--json").rows) > len(TABLES) * 2


def test_a_schema_is_printed_as_it_is_written(mipsh: Mipsh, tmp_path: Path) -> None:
    """``--schema`` prints what ``--directory`` writes."""
    printed = mipsh("describe", "bul", "--schema").stdout
    ran = mipsh("describe", "bul", "--schema", "--directory", str(tmp_path / "new" / "folder"))
    assert ran.status == 0
    assert (tmp_path / "new" / "folder" / "binding_update_list.json").read_text(encoding="utf-8") == printed
    assert json.loads(printed)["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    (tmp_path / "file").write_text("")
    assert mipsh("describe", "bul", "--schema", "--directory", str(tmp_path / "file")).status == 2


@pytest.mark.parametrize("words", [["bogus"], ["--schema"], ["bul", "--all"], ["bul", "--directory", "x"]])
def test_what_cannot_be_described_is_a_usage_error(mipsh: Mipsh, words: list[str]) -> None:
    """Unknown tables and options that do not go together."""
    assert mipsh("describe", *words).status == 64


def test_plugins_lists_everything_built_in(mipsh: Mipsh) -> None:
    """All are ok, and each says what it is for."""
    rows = mipsh("--no-plugins", "plugins", "--json").rows
    assert len(rows) == sum(map(len, BUILT_IN.values()))
    assert {(row["package"], row["version"], row["state"]) for row in rows} == {("mipsh", __version__, "ok")}
    assert all(row["summary"] for row in rows)


def test_version_lists_what_a_bug_report_needs(mipsh: Mipsh) -> None:
    """mipsh first; ``--version`` is one line, whatever stands around it."""
    found = {row["program"]: row["version"] for row in mipsh("version", "--json").rows}
    assert next(iter(found)) == "mipsh"
    assert found["mipsh"] == __version__
    assert {"python", "kernel", "msgspec", "rich"} <= found.keys()
    assert "not installed" not in found.values()
    assert mipsh.process("--version").stdout == f"mipsh {__version__}\n"
    assert mipsh("--version", "--json").rows == mipsh("version", "--json").rows


def test_status_counts_the_tables(mipsh: Mipsh, replay: Replay) -> None:
    """Tables that the engine does not keep are unknown, not empty."""
    (row,) = mipsh("-e", replay(ROUTE_OPTIMISED, "cn").uri, "status", "--json").rows
    assert (row["role"], row["bindings"], row["registered"]) == ("cn", 1, 0)
    assert (row["updates"], row["bound"], row["home_agents"]) == (None, None, None)
    assert row["answer_ms"] > 0


def test_every_alias_names_a_command_there_is() -> None:
    """And no two commands claim the same words."""
    assert set(ALIASES.values()) <= set(COMMANDS)
