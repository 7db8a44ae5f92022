"""``flush`` and ``move`` on a mipd that does as a script says; what a mip6d cannot is said."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from asking import PERMITTED, asked, shown, written
from harness import Mipsh, Replay
from mip6d_by_script import Mip6d
from mipd_by_script import CN, HA, HOA, Mipd, Moment, Show, answer, binding, complains, entry, update

from mipsh.model.records import BindingUpdateListEntry
from mipsh.node.protocol import Code

Serve = Callable[..., Mipd]
HOSTILE = "\x1b[31m[bold]x\x1b]0;t\x07"
TABLES: dict[str, tuple[str, Sequence[Any], Sequence[Any]]] = {
    "bc": ("binding_cache", [binding(7)], []),
    "bul": ("binding_update_list", [entry(7), entry(8, peer=CN)], [entry(7)]),
}
FLUSHED = pytest.mark.parametrize("word", TABLES)


@pytest.fixture
def serve(tmp_path: Path) -> Iterator[Serve]:
    """Serve an engine."""
    with ExitStack() as stack:

        def made(tables: dict[str, Sequence[Any]], *script: Moment, **given: Any) -> Mipd:
            return stack.enter_context(Mipd(tmp_path / "mipd.sock", tables=tables, script=script, **given))

        yield made


def flushing(serve: Serve, word: str, **given: Any) -> Mipd:
    """Serve an engine whose table is empty when it is told so."""
    name, before, after = TABLES[word]
    return serve({name: before}, becomes={"flush": Show(name, after)}, **given)


# Emptying a table.


@FLUSHED
def test_a_table_is_emptied(mipsh: Mipsh, serve: Serve, word: str) -> None:
    """It is shown as it is then; a home registration stays."""
    engine = flushing(serve, word)
    came = asked(mipsh, engine.uri, "flush", word)
    name, _, after = TABLES[word]
    assert (came.status, came.document["table"], len(came.rows)) == (0, name, len(after))
    written(came)
    assert came.change.begin.before == "1 entry"
    assert came.change.end is not None
    assert came.change.end.after == "0 entries"
    assert engine.done == [f'{{"jsonrpc":"2.0","id":1,"method":"flush","params":{{"table":"{name}"}}}}']


@FLUSHED
def test_a_table_that_is_not_empty(mipsh: Mipsh, serve: Serve, word: str) -> None:
    """Status 1, though the engine said yes."""
    name, before, _ = TABLES[word]
    came = asked(mipsh, serve({name: before}).uri, "flush", word)
    assert (came.status, came.document["errors"][0]["code"], len(came.rows)) == (1, "not_so", len(before))
    assert came.document["errors"][0]["message"] == "the engine did not object, and its table has 1 entry still"
    written(came)


@FLUSHED
def test_what_flush_was_not_permitted_to(mipsh: Mipsh, serve: Serve, word: str) -> None:
    """Status 77; and a dry run and ``--how`` say the very line, and do nothing."""
    engine = flushing(serve, word)
    for given in ((), ("--write",), ("--yes",)):
        came = asked(mipsh, engine.uri, "flush", word, given=given)
        assert (came.status, came.document["errors"][0]["code"]) == (77, "refused")
    dry = asked(mipsh, engine.uri, "flush", word, "--dry-run")
    assert ([row["state"] for row in dry.rows], dry.document["table"]) == (["planned"], "steps")
    told = asked(mipsh, engine.uri, "flush", word, "--how")
    assert (engine.done, told.changes) == ([], [])
    asked(mipsh, engine.uri, "flush", word)
    assert [row["equivalent"] for row in told.rows] == [row["equivalent"] for row in dry.rows] == engine.done


def test_a_person_hears_what_it_costs(mipsh: Mipsh, serve: Serve) -> None:
    """Before it is done, and is asked."""
    ran = shown(mipsh, flushing(serve, "bul").uri, "flush", "bul", "--dry-run", given=())
    assert ran.status == 0
    assert "It asks first: Empty the binding update list (1 entry)?" in flat(ran.stdout)
    assert max(len(line) for line in ran.stdout.splitlines() if "jsonrpc" not in line) <= 80


@pytest.mark.parametrize(("code", "status"), [(Code.FAILED, 2), (Code.REFUSED, 77), (Code.BUSY, 69)])
def test_an_engine_that_does_not_flush(mipsh: Mipsh, serve: Serve, code: Code, status: int) -> None:
    """Its error, and its status; hostile words act on nothing."""
    name, before, _ = TABLES["bc"]
    engine = serve({name: before}, answers={"flush": complains(HOSTILE, HOSTILE, code)})
    came = asked(mipsh, engine.uri, "flush", "bc")
    assert (came.status, came.document["errors"][0]["message"]) == (status, f"mipd: {HOSTILE}")
    assert came.change.end is not None
    assert came.change.end.status == status


@pytest.mark.parametrize("word", ["bc", "bul"])
def test_mip6d_cannot(mipsh: Mipsh, replay: Replay, word: str) -> None:
    """Status 3, in words, and it hears nothing of it."""
    engine = Mip6d("mn", "bul", [[entry(7)]])
    came = asked(mipsh, replay.serve(engine).uri, "flush", word)
    assert (came.status, came.document["errors"][0]["code"], came.changes) == (3, "capability_missing", [])
    assert came.document["errors"][0]["message"] == "umip has no way to empty a table"
    assert engine.asked == []


def test_a_table_that_is_not_there(mipsh: Mipsh, serve: Serve) -> None:
    """Or that none can empty."""
    engine = serve({}, role="ha")
    assert asked(mipsh, engine.uri, "flush", "bul").status == 3
    assert asked(mipsh, engine.uri, "flush", "pl").status == 64
    assert engine.done == []


# Moving between interfaces.


def row(sequence: int, state: str = "bound", interface: str = "eth0") -> list[BindingUpdateListEntry]:
    """Return the list of a node at an interface."""
    return [entry(sequence, state, interface=interface)]


LIST = "binding_update_list"


def test_a_node_moves(mipsh: Mipsh, serve: Serve) -> None:
    """The other interface gets a link, this one loses it, and the registration from there is accepted."""
    script = (
        Moment(0.01, Show(LIST, row(8, "waiting_for_ack", "eth1"))),
        Moment(0.0, update(8)),
        Moment(0.002, answer(8, 0)),
        Moment(0.0, Show(LIST, row(8, "bound", "eth1"))),
    )
    engine = serve({LIST: row(7)}, *script)
    told = asked(mipsh, engine.uri, "move", "eth1", "--how")
    dry = asked(mipsh, engine.uri, "move", "eth1", "--dry-run")
    assert engine.done == []
    came = asked(mipsh, engine.uri, "move", "eth1", "--wait", "5s")
    assert (came.status, came.row["verdict"], came.row["method"]) == (0, "accepted", "move")
    assert (came.row["sequence_before"], came.row["sequence"], came.row["ba_status"]) == (7, 8, 0)
    assert [row["equivalent"] for row in told.rows] == [row["equivalent"] for row in dry.rows] == engine.done
    assert engine.done[0].endswith('"method":"set_link","params":{"interface":"eth1","up":true}}')
    assert engine.done[1].endswith('"method":"set_link","params":{"interface":"eth0","up":false}}')
    assert "Take the link of 'eth0' from the node?" not in came.said
    written(came)


@pytest.mark.parametrize("status", [128, 134])
def test_a_node_that_is_rejected_where_it_moves(mipsh: Mipsh, serve: Serve, status: int) -> None:
    """Status 2, with the words of the status."""
    engine = serve({LIST: row(7)}, Moment(0.01, update(8)), Moment(0.002, answer(8, status)))
    came = asked(mipsh, engine.uri, "move", "eth1", "--wait", "5s")
    assert (came.status, came.row["ba_status"]) == (2, status)
    written(came)


def test_a_node_that_does_not_register(mipsh: Mipsh, serve: Serve) -> None:
    """Status 1, with a reason of its own."""
    came = asked(mipsh, serve({LIST: row(7)}).uri, "move", "eth1", "--wait", "100ms")
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    assert "the node did not register from the other link" in came.row["explanation"]
    written(came)


def test_an_interface_that_is_not_there(mipsh: Mipsh, serve: Serve) -> None:
    """The engine says so: nothing was sent."""
    answers = {"set_link": complains("there is no interface 'eth9'", "there are: eth0, eth1")}
    came = asked(mipsh, serve({LIST: row(7)}, answers=answers).uri, "move", "eth9")
    assert (came.status, came.row["verdict"]) == (1, "not_sent")
    assert came.row["explanation"] == "mipd: there is no interface 'eth9'"
    written(came)


def test_where_it_is_already(mipsh: Mipsh, serve: Serve) -> None:
    """That is no move."""
    engine = serve({LIST: row(7)})
    came = asked(mipsh, engine.uri, "move", "eth0")
    assert (came.status, engine.done, came.changes) == (64, [], [])
    assert "is on 'eth0' already" in came.document["errors"][0]["message"]


def test_what_move_was_not_permitted_to(mipsh: Mipsh, serve: Serve) -> None:
    """Status 77, and nothing but questions."""
    engine = serve({LIST: row(7)})
    for given in ((), ("--write",), ("--yes",)):
        came = asked(mipsh, engine.uri, "move", "eth1", given=given)
        assert (came.status, came.document["errors"][0]["code"]) == (77, "refused")
    assert (engine.done, came.changes) == ([], [])


def test_who_does_not_move(mipsh: Mipsh, serve: Serve, replay: Replay) -> None:
    """A home agent; and a mip6d is not told of links."""
    came = asked(mipsh, serve({}, role="ha").uri, "move", "eth1")
    assert (came.status, came.document["errors"][0]["message"]) == (3, "only a mobile node moves")
    came = asked(mipsh, replay.serve(Mip6d("mn", "bul", [[entry(7)]])).uri, "move", "eth1")
    assert (came.status, came.changes) == (3, [])
    assert "bu --method flap" in came.document["errors"][0]["message"]


# On a terminal of 80 columns and 24 rows.


def flat(text: str) -> str:
    """Return a text as one line."""
    return " ".join(text.split())


@pytest.mark.parametrize("status", [0, 134])
def test_a_binding_update_on_a_terminal(mipsh: Mipsh, serve: Serve, status: int) -> None:
    """It fits; no address is cut, and the verdict, the reason and the advice are there."""
    state = "bound" if status == 0 else "expired"
    script = (Moment(0.002, update(8)), Moment(0.0, Show(LIST, row(8, state))), Moment(0.002, answer(8, status)))
    ran = shown(mipsh, serve({LIST: row(7)}, *script).uri, "bu", "home", "--wait", "5s")
    lines = ran.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert len(lines) <= 22
    assert HOA in ran.stdout
    assert HA in ran.stdout
    if status:
        assert "sent, answered and rejected: duplicate address detection failed (134)." in flat(ran.stdout)
        assert "→ another node on the home link answers for the home address" in flat(ran.stdout)
    else:
        assert "native: sent and answered: Binding Update accepted." in ran.stdout


def test_several_on_a_terminal(mipsh: Mipsh, serve: Serve) -> None:
    """They are a table, with what matters most; all else is there with ``--wide``, and as sentences."""
    rows = [entry(7), *(entry(n, peer=f"2001:db8:4::{n}") for n in (2, 3))]
    ran = shown(mipsh, serve({LIST: rows}).uri, "bu", "all", "--wait", "50ms")
    lines = ran.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[:2] == ["Home", "address"]
    for n in (2, 3):
        (line,) = [line for line in lines if f"2001:db8:4::{n} " in line]
        assert line.replace("|", " ").split() == [HOA, f"2001:db8:4::{n}", "native", "not_sent", "-", "-", "-"]
        assert f"{HOA} with 2001:db8:4::{n}, native: no Binding Update within" in flat(ran.stdout)
    assert flat(ran.stdout).count("the engine has not sent it") == 3
    assert ran.status == 1


def test_long_addresses_on_a_terminal(mipsh: Mipsh, serve: Serve) -> None:
    """None is cut."""
    home, peer = "2001:db8:1111:2222:3333:4444:5555:6666", "2001:db8:7777:8888:9999:aaaa:bbbb:cccc"
    rows = [entry(7, peer=peer, home_address=home), entry(9, peer=f"{peer[:-4]}dddd", home_address=home)]
    ran = shown(mipsh, serve({LIST: rows}).uri, "bu", "all", "--wait", "50ms")
    assert max(map(len, ran.stdout.splitlines())) <= 80
    assert f"  Home address  {home}\n  Peer          {peer}\n" in ran.stdout


def test_a_dry_run_on_a_terminal(mipsh: Mipsh, serve: Serve) -> None:
    """The line that would be sent is whole; it is the one thing that is not broken."""
    ran = shown(mipsh, serve({LIST: row(7)}).uri, "bu", "home", "--dry-run")
    assert (
        '{"jsonrpc":"2.0","id":1,"method":"trigger_binding_update","params":{"home_address":"2001:db8:1::100"}}'
        in ran.stdout
    )
    others = [line for line in ran.stdout.splitlines() if "jsonrpc" not in line]
    assert max(map(len, others)) <= 80
    assert "Nothing was done. It would tell the engine to send a Binding Update" in flat(ran.stdout)


@pytest.mark.parametrize("words", [("bu", "home"), ("bu", "home", "-q")], ids=" ".join)
def test_hostile_words_on_a_terminal(mipsh: Mipsh, serve: Serve, words: tuple[str, ...]) -> None:
    """What an engine says is spelled out, and is no markup."""
    answers = {"trigger_binding_update": complains(HOSTILE, HOSTILE)}
    ran = shown(mipsh, serve({LIST: row(7, HOSTILE)}, answers=answers).uri, *words, given=PERMITTED)
    assert (ran.stdout + ran.stderr).replace("\n", "").isprintable()
    assert "[bold]x" in ran.stdout
    assert "\\x1b[31m" in ran.stdout
