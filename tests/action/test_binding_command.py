"""``binding add``, ``del`` and ``refresh`` on engines that do as a script says: the table decides, not their word."""

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from asking import asked, shown, written
from harness import Mipsh, Replay
from mip6d_by_script import BusyFrom, Mip6d
from mipd_by_script import COA, HA, HOA, PREFIX, Mipd, Show, binding, complains

from mipsh.node.faults import Trouble
from mipsh.node.protocol import Code

OTHER = "2001:db8:2::99"
LOOKING = {"hello", "binding_cache", "prefixes", "bc", "pl", "help"}
VERBS = {"add": "add_binding", "refresh": "add_binding", "del": "delete_binding"}
ENGINES = pytest.mark.parametrize("engine", ["mipd", "mip6d"])
FRESH = {"lifetime_remaining_s": 420, "age_s": 0}
HOSTILE = "\x1b[31m[bold]x\x1b]0;t\x07"


class Served(NamedTuple):
    """An engine: its address, and what it was told that was no question."""

    uri: str
    told: Callable[[], list[str]]
    heard: Callable[[], set[str]]


class Engines:
    """Serves a home agent of either kind, with its bindings before and after a change, and what it says to that."""

    def __init__(self, folder: Path, stack: ExitStack, replay: Replay) -> None:
        self._folder = folder
        self._stack = stack
        self._replay = replay

    def __call__(self, kind: str, before: Sequence[Any], after: Sequence[Any], says: str = "", **given: Any) -> Served:
        """Serve one; ``says`` is its refusal, in the words of its kind."""
        return (self._mipd if kind == "mipd" else self._mip6d)(before, after, says, **given)

    def _mipd(self, before: Sequence[Any], after: Sequence[Any], says: str, **given: Any) -> Served:
        becomes = {} if says else {verb: Show("binding_cache", after) for verb in VERBS.values()}
        answers = {verb: complains(says) for verb in VERBS.values()} if says else None
        tables = {"binding_cache": before, "prefixes": given.pop("prefixes", [PREFIX])}
        path = self._folder / "mipd.sock"
        made = Mipd(path, role=given.pop("role", "ha"), tables=tables, becomes=becomes, answers=answers)
        engine = self._stack.enter_context(made)
        return Served(engine.uri, lambda: engine.done, lambda: set(engine.methods))

    def _mip6d(
        self, before: Sequence[Any], after: Sequence[Any], says: str, trouble: Trouble | None = None, **given: Any
    ) -> Served:
        others = {"pl": given.pop("prefixes", [PREFIX])}
        changes = dict.fromkeys(("add", "del"), says or "bc status=0")
        engine = Mip6d(given.pop("role", "ha"), "bc", [before, after], others=others, changes=changes)
        uri = self._replay.serve(engine, trouble).uri
        return Served(uri, lambda: [line for line in engine.asked if " " in line], lambda: set(engine.asked))


@pytest.fixture
def engines(tmp_path: Path, replay: Replay) -> Iterator[Engines]:
    """Serve home agents."""
    with ExitStack() as stack:
        yield Engines(tmp_path, stack, replay)


@ENGINES
def test_a_binding_is_added(mipsh: Mipsh, engines: Engines, engine: str) -> None:
    """The table has it; that the mobile node does not learn of it is said, and all is written down."""
    served = engines(engine, [], [binding(0, **FRESH)])
    came = asked(mipsh, served.uri, "binding", "add", HOA, COA)
    assert (came.status, came.document["table"], came.document["errors"]) == (0, "binding_changes", [])
    assert [(row["when"], row["status"], row["care_of_address"]) for row in came.rows] == [
        ("before", None, None),
        ("after", "registered", COA),
    ]
    assert "the mobile node does not learn of this" in came.document["warnings"][0]["message"]
    written(came)
    assert came.change.begin.before == "no binding"
    assert came.change.end is not None
    assert came.change.end.after.startswith(f"{HOA} at {COA}, flags AH, 420 s left")
    assert len(served.told()) == 1


@ENGINES
def test_a_binding_is_replaced(mipsh: Mipsh, engines: Engines, engine: str) -> None:
    """With all that can be said of it."""
    after = binding(
        9, care_of_address=OTHER, flags=("A", "H", "K"), lifetime_granted_s=60, lifetime_remaining_s=60, age_s=0
    )
    served = engines(engine, [binding(7)], [after])
    options = ("--lifetime", "60", "--flags", "ahk", "--local", HA, "--sequence", "9")
    came = asked(mipsh, served.uri, "binding", "add", HOA, OTHER, *options)
    assert (came.status, [row["care_of_address"] for row in came.rows]) == (0, [COA, OTHER])
    written(came)
    if engine == "mip6d":
        line = f"bc add hoa {HOA} coa {OTHER} local {HA} flags AHK lifetime 60 seq 9 dad never"
        assert served.told() == [line]
    else:
        params = json.loads(served.told()[0])["params"]
        assert (params["lifetime_s"], params["flags"], params["sequence"]) == (60, ["A", "H", "K"], 9)


@ENGINES
def test_a_binding_is_refreshed(mipsh: Mipsh, engines: Engines, engine: str) -> None:
    """Its lifetime begins anew, all else is as it was."""
    served = engines(engine, [binding(7)], [binding(7, **FRESH)])
    came = asked(mipsh, served.uri, "binding", "refresh", HOA)
    assert (came.status, [row["lifetime_s"] for row in came.rows]) == (0, [300, 420])
    written(came)


@ENGINES
def test_a_binding_is_deleted(mipsh: Mipsh, engines: Engines, engine: str) -> None:
    """The table has it no more."""
    served = engines(engine, [binding(7)], [])
    came = asked(mipsh, served.uri, "binding", "del", HOA)
    assert (came.status, [row["status"] for row in came.rows]) == (0, ["registered", None])
    written(came)
    assert came.change.end is not None
    assert came.change.end.after == "no binding"
    if engine == "mip6d":
        assert served.told() == [f"bc del hoa {HOA} local {HA} flags H"]


LINES = {
    "add": (["add", HOA, COA], [], "there is no such entry"),
    "add another": (["add", HOA, OTHER], [binding(7)], f"care-of address {COA}, not {OTHER}"),
    "refresh": (["refresh", HOA], [binding(7)], "its lifetime began 120 s ago"),
    "del": (["del", HOA], [binding(7)], "the entry is there"),
}


@ENGINES
@pytest.mark.parametrize("line", LINES)
def test_a_table_that_does_not_show_it(mipsh: Mipsh, engines: Engines, engine: str, line: str) -> None:
    """Status 1, though the engine said yes."""
    words, rows, said = LINES[line]
    came = asked(mipsh, engines(engine, rows, rows).uri, "binding", *words)
    assert (came.status, came.document["errors"][0]["code"]) == (1, "not_so")
    assert came.document["errors"][0]["message"].partition(": ")[2].startswith(said)
    written(came)


REFUSALS = {
    "bc status=132": "refused it: not home subnet (bc status=132)",
    "bc status=133": "refused it: not home agent (bc status=133)",
    "bc status=134": "refused it: ",
    "bc status=128": "refused it: reason unspecified",
    "bc status=255": "for a reason that is not known here",
    "bc error=-12(Cannot allocate memory)": "could not do it: Cannot allocate memory",
    "lifetime is zero": "a binding needs a lifetime",
    "invalid flag:Q": "it knows no flag 'Q'",
    "sequence overflow": "a sequence number is at most 65534",
    'unknown command: "add"': "it has no such command: it is no home agent",
}


@pytest.mark.parametrize("words", ["add", "refresh", "del"])
@pytest.mark.parametrize("says", REFUSALS)
def test_a_refusal_of_mip6d(mipsh: Mipsh, engines: Engines, says: str, words: str) -> None:
    """Its own words are told, status 2, and the rows say how it is."""
    rest = (COA,) if words == "add" else ()
    came = asked(mipsh, engines("mip6d", [binding(7)], [], says).uri, "binding", words, HOA, *rest)
    assert (came.status, came.document["errors"][0]["code"]) == (2, "engine_complaint")
    assert REFUSALS[says] in came.document["errors"][0]["message"]
    assert [row["status"] for row in came.rows] == ["registered", "registered"]
    written(came)


def test_what_is_no_answer_of_mip6d(mipsh: Mipsh, engines: Engines) -> None:
    """It is no yes."""
    came = asked(mipsh, engines("mip6d", [binding(7)], [], HOSTILE).uri, "binding", "del", HOA)
    assert (came.status, came.document["errors"][0]["code"]) == (69, "not_this_engine")
    written(came)


@pytest.mark.parametrize("says", ["insufficient resources", HOSTILE])
def test_a_refusal_of_mipd(mipsh: Mipsh, engines: Engines, says: str) -> None:
    """In its words."""
    came = asked(mipsh, engines("mipd", [], [], says).uri, "binding", "add", HOA, COA)
    assert (came.status, came.document["errors"][0]["message"]) == (2, f"mipd: {says}")
    assert [row["status"] for row in came.rows] == [None, None]
    written(came)


WRONG = {
    ("add", "mn", COA): "is not an IPv6 address",
    ("add", HOA, "2001:db8:2::/64"): "is not an IPv6 address",
    ("add", HOA, "ff02::1"): "not a global unicast address",
    ("add", HOA, HOA): "cannot be the care-of address",
    ("add", HOA, HA): "cannot be the care-of address",
    ("add", "2001:db8:9::1", COA): "is in no home prefix of this home agent",
    ("add", HOA, COA, "--lifetime", "0"): "a lifetime of 0 deletes a binding",
    ("add", HOA, COA, "--lifetime", "3"): "4 to 262140 s, not 3",
    ("add", HOA, COA, "--lifetime", "262141"): "not 262141",
    ("add", HOA, COA, "--flags", "AHR"): "'R' is no flag of a home registration",
    ("add", HOA, COA, "--flags", "A"): "has the flag H",
    ("add", HOA, COA, "--sequence", "65536"): "0 to 65535, not 65536",
    ("add", HOA, COA, "--local", "fe80::1"): "not a global unicast address",
    ("refresh", HOA, "--lifetime", "0"): "a lifetime of 0 deletes a binding",
    ("refresh", "mn"): "is not an IPv6 address",
    ("del", "::1"): "not a global unicast address",
    ("del", HOA, "--local", "mn"): "is not an IPv6 address",
}


@ENGINES
@pytest.mark.parametrize("words", WRONG, ids=" ".join)
def test_what_no_binding_can_be(mipsh: Mipsh, engines: Engines, engine: str, words: tuple[str, ...]) -> None:
    """Status 64; the engine hears nothing of it, and nothing is written down."""
    served = engines(engine, [binding(7)], [])
    came = asked(mipsh, served.uri, "binding", *words)
    assert (came.status, came.document["errors"][0]["code"]) == (64, "usage")
    assert WRONG[words] in came.document["errors"][0]["message"]
    assert (served.told(), came.changes) == ([], [])


def test_a_number_that_mip6d_does_not_take(mipsh: Mipsh, engines: Engines) -> None:
    """65535 is one, and mip6d has none so great."""
    served = engines("mip6d", [], [])
    came = asked(mipsh, served.uri, "binding", "add", HOA, COA, "--sequence", "65535")
    assert (came.status, served.told()) == (64, [])


@ENGINES
@pytest.mark.parametrize("words", [("del", "2001:db8:1::5"), ("refresh", "2001:db8:1::5")], ids=" ".join)
def test_there_is_no_such_binding(mipsh: Mipsh, engines: Engines, engine: str, words: tuple[str, ...]) -> None:
    """Nothing is to be deleted or refreshed."""
    served = engines(engine, [binding(7), binding(8, home_address="2001:db8:1::5", status="cached")], [])
    came = asked(mipsh, served.uri, "binding", *words)
    assert (came.status, served.told(), came.changes) == (3, [], [])
    assert "no home registration of 2001:db8:1::5" in came.document["errors"][0]["message"]


def test_a_home_agent_that_lists_no_prefix(mipsh: Mipsh, engines: Engines) -> None:
    """No home address can be checked: status 3."""
    for engine in ("mipd", "mip6d"):
        served = engines(engine, [], [], prefixes=[])
        came = asked(mipsh, served.uri, "binding", "add", HOA, COA)
        assert (came.status, served.told(), came.changes) == (3, [], [])


@ENGINES
@pytest.mark.parametrize("role", ["mn", "cn"])
def test_only_a_home_agent_s(mipsh: Mipsh, engines: Engines, engine: str, role: str) -> None:
    """Another node's bindings are its own, or others'."""
    served = engines(engine, [], [], role=role)
    for words in (("add", HOA, COA), ("del", HOA), ("refresh", HOA)):
        came = asked(mipsh, served.uri, "binding", *words)
        assert (came.status, came.document["errors"][0]["code"], came.changes) == (3, "capability_missing", [])
        assert "bindings are changed on a home agent" in came.document["errors"][0]["message"]
    assert served.told() == []


PERMISSIONS = {(): "only looks", ("--write",): "there is no terminal to ask at", ("--yes",): "only looks"}
CHANGES = [("add", HOA, OTHER), ("refresh", HOA), ("del", HOA)]


@ENGINES
@pytest.mark.parametrize("given", PERMISSIONS)
@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_what_is_not_permitted(
    mipsh: Mipsh, engines: Engines, engine: str, given: tuple[str, ...], words: tuple[str, ...]
) -> None:
    """Status 77, and the engine hears questions only."""
    served = engines(engine, [binding(7)], [])
    came = asked(mipsh, served.uri, "binding", *words, given=given)
    assert (came.status, served.told(), came.changes) == (77, [], [])
    assert PERMISSIONS[given] in came.document["errors"][0]["message"]
    assert served.heard() <= LOOKING


@ENGINES
@pytest.mark.parametrize("words", CHANGES, ids=" ".join)
def test_how_and_a_dry_run(mipsh: Mipsh, engines: Engines, engine: str, words: tuple[str, ...]) -> None:
    """The very line is said, the binding is shown as it is and as it would be, and nothing is done."""
    served = engines(engine, [binding(7)], [])
    told = asked(mipsh, served.uri, "binding", *words, "--how")
    dry = asked(mipsh, served.uri, "binding", *words, "--dry-run")
    assert (served.told(), dry.changes) == ([], [])
    assert served.heard() <= LOOKING
    assert [row["when"] for row in dry.rows] == (["before"] if words[0] == "del" else ["before", "planned"])
    assert "the mobile node does not learn of this" in dry.document["warnings"][0]["message"]
    asked(mipsh, served.uri, "binding", *words)
    assert [row["equivalent"] for row in told.rows] == served.told()
    assert "RFC 6275" in told.rows[0]["reference"]


@ENGINES
def test_a_dry_run_for_people(mipsh: Mipsh, engines: Engines, engine: str) -> None:
    """On a terminal of 80 columns: what would be done, and the warning; no address is cut."""
    served = engines(engine, [binding(7)], [])
    ran = shown(mipsh, served.uri, "binding", "add", HOA, OTHER, "--dry-run")
    assert ran.status == 0
    assert HOA in ran.stdout
    assert OTHER in ran.stdout
    assert "Nothing was done. It would add the binding of" in ran.stdout
    assert "mipsh: warning: the mobile node does not learn of this" in ran.stderr
    assert max(map(len, ran.stdout.splitlines())) <= 80


def test_what_became_of_it_cannot_be_seen(mipsh: Mipsh, engines: Engines) -> None:
    """The engine is busy from then on: status 3, and what was done is written down as done."""
    served = engines("mip6d", [], [binding(0, **FRESH)], trouble=BusyFrom(5, []))
    came = asked(mipsh, served.uri, "binding", "add", HOA, COA)
    assert (came.status, came.document["errors"][0]["code"]) == (3, "could_not_tell")
    assert "what became of it could not be seen" in came.document["errors"][0]["message"]
    assert [row["when"] for row in came.rows] == ["before"]
    written(came)
    assert came.change.end is not None
    assert "another client holds its only slot" in came.change.end.after


def test_a_mipd_that_cannot(mipsh: Mipsh, tmp_path: Path) -> None:
    """An error is an error, with its status."""
    answers = {"add_binding": complains("this may not be", code=Code.REFUSED)}
    tables = {"binding_cache": [], "prefixes": [PREFIX]}
    with Mipd(tmp_path / "x.sock", role="ha", tables=tables, answers=answers) as engine:
        came = asked(mipsh, engine.uri, "binding", "add", HOA, COA)
    assert (came.status, came.document["errors"][0]["message"]) == (77, "mipd: this may not be")
    written(came)


def test_hostile_rows(mipsh: Mipsh, engines: Engines) -> None:
    """Whatever a table says acts on no terminal."""
    rows = [binding(7, status="registered", tunnel_interface=HOSTILE, care_of_address=HOSTILE, local_address=HOSTILE)]
    came = asked(mipsh, engines("mipd", rows, rows).uri, "binding", "del", HOA, "--local", HA)
    assert came.status == 1
    written(came)
