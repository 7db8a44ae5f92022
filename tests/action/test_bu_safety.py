"""``bu`` changes nothing that it was not permitted to: refusals, dry runs, ``--how``, and Ctrl-C in the middle."""

import json
import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from asking import COMMON, asked, log
from harness import Mipsh
from mipd_by_script import CN, HA, HOA, Mipd, Moment, Show, entry, update

LOOKING = {"hello", "subscribe", "unsubscribe", "binding_update_list", "binding_cache", "return_routability"}
LONGEST_S = 30.0
WORDS = (["home"], [CN], ["all"], ["home", "--dereg"], [CN, "--lifetime", "60"], ["home", "--method", "native"])
Serve = Callable[..., Mipd]


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve an engine that has a home registration and a correspondent's."""
    with ExitStack() as stack:

        def made(*script: Moment, **given: Any) -> Mipd:
            tables = {"binding_update_list": [entry(7), entry(8, peer=CN)]}
            return stack.enter_context(Mipd(tmp_path / "mipd.sock", tables=tables, script=script, **given))

        yield made


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_shell_that_only_looks(mipsh: Mipsh, serve: Serve, words: list[str]) -> None:
    """Status 77, and the engine heard questions only; nothing is written down."""
    engine = serve()
    came = asked(mipsh, engine.uri, "bu", *words, given=())
    assert (came.status, came.document["errors"][0]["code"], came.rows) == (77, "refused", [])
    assert "this shell only looks" in came.document["errors"][0]["message"]
    assert came.document["errors"][0]["hint"] == "type 'enable', or add --write"
    assert set(engine.methods) <= LOOKING
    assert came.changes == []


@pytest.mark.parametrize("given", [("--write",), ("--yes",)])
def test_nobody_is_there_to_ask(mipsh: Mipsh, serve: Serve, given: tuple[str, ...]) -> None:
    """Off a terminal both are needed."""
    engine = serve()
    came = asked(mipsh, engine.uri, "bu", "home", given=given)
    assert (came.status, came.document["errors"][0]["code"]) == (77, "refused")
    assert set(engine.methods) <= LOOKING
    assert came.changes == []


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_a_dry_run(mipsh: Mipsh, serve: Serve, words: list[str]) -> None:
    """The steps, none of them done, and what they would send; with everything permitted, too."""
    engine = serve()
    came = asked(mipsh, engine.uri, "bu", *words, "--dry-run")
    assert (came.status, came.document["table"]) == (0, "steps")
    assert {row["state"] for row in came.rows} == {"planned"}
    assert all(row["via"] == "json-rpc" for row in came.rows)
    assert set(engine.methods) <= LOOKING
    assert came.changes == []


@pytest.mark.parametrize("words", WORDS, ids=" ".join)
def test_how_is_what_is_sent(mipsh: Mipsh, serve: Serve, words: list[str]) -> None:
    """Line for line; saying it sends nothing."""
    engine = serve()
    told = asked(mipsh, engine.uri, "bu", *words, "--how")
    assert (told.status, told.document["table"]) == (0, "how")
    assert set(engine.methods) <= LOOKING
    assert told.changes == []
    dry = asked(mipsh, engine.uri, "bu", *words, "--dry-run")
    asked(mipsh, engine.uri, "bu", *words, "--wait", "50ms")
    lines = [row["equivalent"] for row in told.rows]
    assert lines == engine.done == [row["equivalent"] for row in dry.rows]
    assert all("RFC 6275 section 11.7" in row["reference"] for row in told.rows)
    assert {json.loads(line)["method"] for line in lines} == {"trigger_binding_update"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["home", "--lifetime", "3"], "4 to 262140 s, not 3"),
        (["home", "--lifetime", "0"], "4 to 262140 s, not 0"),
        (["home", "--lifetime", "262141"], "not 262141"),
        (["home", "--dereg", "--lifetime", "60"], "do not go together"),
        (["nobody"], "is neither an address"),
        (["2001:db8::/64"], "is neither an address"),
        (["home", "--method", "poke"], "'poke' is not for this"),
        ([CN, "--method", "brr"], "'brr' is not for this"),
    ],
)
def test_words_that_are_wrong(mipsh: Mipsh, serve: Serve, words: list[str], message: str) -> None:
    """Status 64, and nothing is done."""
    engine = serve()
    came = asked(mipsh, engine.uri, "bu", *words)
    assert (came.status, came.document["errors"][0]["code"]) == (64, "usage")
    assert message in came.document["errors"][0]["message"]
    assert set(engine.methods) <= LOOKING
    assert came.changes == []


@pytest.mark.parametrize("output", ["json", "table"])
def test_ctrl_c_while_it_is_waited_for(mipsh: Mipsh, serve: Serve, output: str) -> None:
    """Status 130: what was done and seen until then is said, and written down."""
    engine = serve(Moment(0.0, Show("binding_update_list", [entry(8, "waiting_for_ack")])), Moment(0.0, update(8, HA)))
    words = (*COMMON, "-e", engine.uri, "-o", output, "--write", "--yes", "bu", "home", "--wait", "600s")
    with mipsh.start(*words) as process:
        assert engine.told.wait(LONGEST_S)
        engine.await_asked("binding_update_list", 2)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 130
    said = f"interrupted; tell the engine to send a Binding Update of {HOA} to its home agent: done"
    assert said in err
    assert "Traceback" not in err
    (change,) = log(mipsh)
    assert change.end is not None
    assert change.end.status == 130
    assert said in change.end.result
    if output == "json":
        document = json.loads(out)
        assert (document["status"], document["errors"][0]["code"]) == (130, "interrupted")
        (row,) = document["data"]
        assert (row["verdict"], row["sequence"]) == ("could_not_tell", 8)
        assert row["explanation"] == "sent, and not answered, as long as it was waited for"


def test_ctrl_c_while_the_engine_is_asked(mipsh: Mipsh, serve: Serve) -> None:
    """It never answers what it is told: that was not done to its end."""
    engine = serve(answers={"trigger_binding_update": {}}, holds=("trigger_binding_update",))
    words = (*COMMON[:2], "-t", "600", "-e", engine.uri, "--json", "--write", "--yes", "bu", "home")
    with mipsh.start(*words) as process:
        assert engine.triggered.wait(LONGEST_S)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=LONGEST_S)
    assert process.returncode == 130
    assert "to its home agent: interrupted" in err
    assert json.loads(out)["data"][0]["explanation"].startswith("no Binding Update was seen")
    (change,) = log(mipsh)
    assert change.end is not None
    assert change.end.status == 130


def test_a_permission_of_a_line_is_for_that_line(mipsh: Mipsh, serve: Serve) -> None:
    """The next one only looks again."""
    engine = serve()
    lines = ["bu home --write --yes --wait 50ms", "bu home --yes"]
    ran = mipsh(*COMMON, "-e", engine.uri, "--keep-going", "-c", lines[0], "-c", lines[1], "--json")
    assert ran.status == 77
    assert len(engine.done) == 1


def test_a_dry_run_for_people(mipsh: Mipsh, serve: Serve) -> None:
    """It says that nothing was done, and what would be."""
    ran = mipsh(*COMMON, "-e", serve().uri, "bu", "home", "--dry-run")
    assert ran.status == 0
    assert "Nothing was done. It would tell the engine to send a Binding Update" in ran.stdout
    assert '"method":"trigger_binding_update"' in ran.stdout


def test_there_is_no_engine(mipsh: Mipsh) -> None:
    """Status 69, before anything else."""
    came = asked(mipsh, "mipd:none", "bu")
    assert (came.status, came.changes) == (69, [])
