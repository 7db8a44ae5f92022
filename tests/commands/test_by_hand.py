"""``--how``: what a command would send, as it really sends it, in every format, and from whatever runs other lines."""

import json
from collections.abc import Iterator
from contextlib import ExitStack, closing
from io import StringIO
from pathlib import Path

import pytest
from harness import Mipsh, Replay
from scripted_engines import BY_ROLE, ScriptedMip6d, ScriptedMipd

from mipsh.builtin import FORMATS
from mipsh.by_hand import REFERENCES, reading, said
from mipsh.engine import Capability, Connector
from mipsh.environment import Environment
from mipsh.grammar.declare import Command
from mipsh.listing import TABLE_WORDS, table_of
from mipsh.model.records import EngineInfo
from mipsh.registry import COMMANDS, Plugin, Registry
from mipsh.result import Result
from mipsh.session import Session

Engines = dict[str, tuple[str, list[str]]]
NODES = [f"{kind}-{role}" for kind in ("umip", "mipd") for role in BY_ROLE]


@pytest.fixture
def engines(mipsh: Mipsh, replay: Replay) -> Iterator[Engines]:
    """Return the address of each engine, and what it is asked."""
    with ExitStack() as stack:
        found: Engines = {}
        for role in BY_ROLE:
            path = mipsh.home / f"{role}.sock"
            mipd, mip6d = stack.enter_context(closing(ScriptedMipd(path, role))), ScriptedMip6d(role)
            found[f"mipd-{role}"] = f"mipd://{path}", mipd.asked
            found[f"umip-{role}"] = replay.serve(mip6d).uri, mip6d.asked
        yield found


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("word", TABLE_WORDS)
def test_a_reading_says_what_it_really_sends(mipsh: Mipsh, engines: Engines, node: str, word: str) -> None:
    """The last line is what the engine hears when the command runs; where it hears nothing, the error is the same."""
    uri, asked = engines[node]
    told = mipsh("-e", uri, word, "--how", "--json")
    asked.clear()
    ran = mipsh("-e", uri, word, "--json")
    assert told.status == ran.status
    if ran.status:
        assert told.document["errors"] == ran.document["errors"]
        return
    *before, last = told.rows
    line = last["equivalent"]
    assert (json.loads(line)["method"] if node.startswith("mipd") else line) == asked[-1]
    assert last["via"] == ("json-rpc" if node.startswith("mipd") else "vt")
    assert last["reference"] == REFERENCES[Capability(table_of(word))]
    assert [row["equivalent"] for row in before] == (
        [] if node.startswith("mipd") else ["prompt no", "fancy no", "verbose yes"]
    )
    assert uri in last["step"]


FOR_MONITORING = ("junit", "nagios", "prometheus", "tap")


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_shows_it(mipsh: Mipsh, engines: Engines, format_: str) -> None:
    """With the columns of the table ``how``, whatever the command's own are; it filters like any table.

    A format for monitoring says in its way that all is well.
    """
    uri, _ = engines["mipd-mn"]
    ran = mipsh("-e", uri, "bul", "--how", "-o", format_)
    assert ran.status == 0
    assert format_ in FOR_MONITORING or "binding_update_list" in ran.stdout.replace("\\", "")
    counted = mipsh("-e", uri, "bul", "--how", "-o", format_, "--where", "via=vt", "|", "count")
    assert (counted.status, format_ in FOR_MONITORING or "0" in counted.stdout) == (0, True)
    assert mipsh("-e", uri, "bul", "--how", "--columns", "state").status == 64


def lines(mipsh: Mipsh, *words: str) -> list[str]:
    """Return what is said to be done by hand."""
    ran = mipsh(*words, "--json")
    assert ran.status == 0, ran.stderr
    return [row["equivalent"] for row in ran.rows]


def test_commands_that_run_others_say_what_those_do(mipsh: Mipsh, engines: Engines, tmp_path: Path) -> None:
    """A watch, a file of lines, an assertion, and the program itself."""
    uri, asked = engines["umip-mn"]
    once = lines(mipsh, "-e", uri, "bul", "--how")
    assert lines(mipsh, "-e", uri, "watch", "-n", "3", "bul", "--how") == [*once, "sleep 3"]
    file = tmp_path / "lines"
    file.write_text("# comment\nraw $1; bul -o csv\n")
    asked.clear()
    assert lines(mipsh, "-e", uri, "source", str(file), "stats", "--how") == [*once[:3], "stats", *once]
    assert lines(mipsh, "-e", uri, "assert", "bul", "exists", "--how") == [*once, None]
    assert lines(mipsh, "-e", uri, "--how", "bul") == lines(mipsh, "-e", uri, "--how", "-c", "bul") == once
    assert lines(mipsh, "-e", uri, "stats", "--rate", "2", "--how")[-3:] == ["stats", "sleep 2", "stats"]
    assert set(asked) <= {"help"}
    file.write_text("bogus\n")
    assert mipsh("-e", uri, "source", str(file), "--how").status == 64
    file.write_text(f"source {file}\n")
    assert mipsh("-e", uri, "source", str(file), "--how").status == 64


def test_a_status_says_which_tables_it_counts(mipsh: Mipsh, engines: Engines) -> None:
    """Those that the engine keeps, behind the question what it is."""
    methods = [json.loads(line)["method"] for line in lines(mipsh, "-e", engines["mipd-mn"][0], "status", "--how")]
    assert methods == ["hello", "binding_cache", "binding_update_list"]
    assert lines(mipsh, "-e", engines["umip-ha"][0], "status", "--how")[3::4] == ["help", "bc", "hal"]


def test_a_connection_says_what_is_asked_first_and_touches_nobody(mipsh: Mipsh) -> None:
    """At the address named, else at all the usual places."""
    assert lines(mipsh, "connect", "umip:///missing", "--how")[-1] == "help"
    assert json.loads(lines(mipsh, "connect", "mipd:nobody", "--how")[-1])["method"] == "hello"
    usual = mipsh("connect", "--how", "--json")
    assert usual.status == 0
    assert {"umip://[::1]:7777", "umip://127.0.0.1:7777"} <= {row["step"].split()[-1] for row in usual.rows}


def test_files_that_would_be_written_are_named_and_not_written(mipsh: Mipsh, engines: Engines, tmp_path: Path) -> None:
    """A recording, schemas."""
    folder = tmp_path / "new"
    said_ = lines(mipsh, "-e", engines["umip-mn"][0], "record", str(folder), "--how")
    assert f"{folder}/mn.vt.json" in said_
    assert f"cp /proc/net/snmp6 {folder}/mn.snmp6.txt" in said_
    assert str(folder / "prefixes.json") in lines(mipsh, *f"describe pl --schema --directory {folder} --how".split())[0]
    assert not folder.exists()
    assert mipsh("-e", engines["mipd-mn"][0], "record", str(folder), "--how").status == 3


def test_a_node_of_a_file_says_what_becomes_of_its_interfaces(mipsh: Mipsh, tmp_path: Path) -> None:
    """Each is taken from the kernel; only the file is looked at."""
    file = tmp_path / "node.toml"
    file.write_text('name = "mn"\n[[interfaces]]\nname = "eth7"\n')
    told = lines(mipsh, "mipd", "run", str(file), "--vt", "7778", "--how")
    assert told[0] == f"cat {file}"
    assert told[1:3] == ["sysctl -w net/ipv6/conf/eth7/disable_ipv6=1", "ip link set dev eth7 up"]
    assert told[-1] == f"mipsh mipd run {file} --vt 7778"
    assert mipsh("mipd", "run", str(tmp_path / "missing"), "--how").status == 64


def test_what_says_nothing_of_itself_is_no_guess(mipsh: Mipsh) -> None:
    """A command of another package that declares no ``how`` is status 3, and does not run."""
    command = Command("other", "do something", lambda session: Result(summary="it ran"))
    registry = Registry(scan=lambda: [Plugin(COMMANDS, "other", "", "test", "1", value=command)])
    ran = mipsh.lines(registry, "other --how")
    assert (ran.status, ran.stdout) == (3, "")
    assert "'other' does not say how it is done" in ran.stderr


class Quiet(Connector):
    """A connector of another package: it reads, and does not say how."""

    def connect(self) -> EngineInfo:
        """Say what it is."""
        self.info = EngineInfo("quiet", "quiet:x", "mn", None, ("binding_cache",))
        return self.info


def test_an_engine_that_does_not_say_what_it_sends_leaves_it_open(mipsh: Mipsh) -> None:
    """The line is unknown, not empty."""
    connector = Quiet()
    connector.connect()
    environment = Environment(mipsh.variables, StringIO(), StringIO(), StringIO())
    with Session(environment, Registry(False)) as session:
        session.connector = connector
        (row,) = reading(session, Capability.BINDING_CACHE)
        assert (row.via, row.equivalent) == ("quiet", None)
    assert said(Quiet(), "bc", "ask")[0].via == "none"
