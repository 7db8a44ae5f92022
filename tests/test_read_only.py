"""A shell that may only look: whatever is typed, engines hear questions only, and nothing of the node changes."""

import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
from harness import Replay
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lines_of_commands import REGISTRY, is_taken, lines
from overseen import Overseen, Seen
from scripted_engines import BY_ROLE, ScriptedMip6d, ScriptedMipd

from mipsh.builtin import COMMANDS
from mipsh.engine import Capability
from mipsh.grammar.declare import Changes
from mipsh.grammar.tokens import tokenize
from mipsh.model.records import ENGINE_TABLES

ENGINES = ("mipd-mn", "mipd-ha", "umip-mn", "umip-ha")
LOOKING = {"hello", "more", "subscribe", "unsubscribe", *(capability.value for capability in Capability)}
LISTENING = {"trace"}
"""Commands that hear what is on the links: they may open a packet socket, and send nothing from it."""
PROBES = {name for name in COMMANDS if REGISTRY.command(name).changes is Changes.PROBE}
ASSERTING = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


class Ground:
    """A process that is overseen, an engine that notes, and the folder in which it all happens."""

    def __init__(self, oversees: Overseen, home: Path) -> None:
        self.oversees = oversees
        self.home = home
        self.engines: dict[str, tuple[str, list[str], set[str]]] = {}

    def run(self, engine: str, *words: str) -> tuple[Seen, list[str]]:
        """Run a line against an engine; return what it did, and what the engine was asked."""
        uri, asked, _ = self.engines[engine]
        asked.clear()
        seen = self.oversees("--no-config", "--no-plugins", "-t", "5", "-e", uri, *words)
        return seen, list(asked)

    def made(self, seen: Seen, words: Sequence[str]) -> list[tuple[str, str]]:
        """Return the files and processes of a line that were not asked for by name.

        scapy's own cache, which it fills when it is loaded, is none of them.
        """
        own = (*(str(self.home / name) for name in ("config", ".config", ".cache")), *filter(None, words))
        return [
            (kind, what) for kind, what in seen.of("write", "made", "started") if not what.split()[-1].startswith(own)
        ]

    def more_than_looking(self, engine: str, asked: list[str]) -> list[str]:
        """Return what of it was no mere question."""
        return [line for line in asked if line not in self.engines[engine][2]]


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    """Return a ground with every engine; no lab can be built, since its folder cannot be made."""
    home = tmp_path_factory.mktemp("only-looking")
    (home / "folder").mkdir()
    (home / "lines.mip").write_text("bc\nbul\nraw 'bc add'\nversion\n")
    (home / "no-folder").write_text("")
    variables = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_RUNTIME_DIR": str(home / "no-folder" / "run"),
        "PATH": os.environ.get("PATH", os.defpath),
        "TMPDIR": str(home / "no-folder"),
        "LC_ALL": "C.UTF-8",
        "PYTHONPATH": str(Path(__file__).parents[1]),
    }
    with ExitStack() as stack:
        found = Ground(stack.enter_context(Overseen(variables, home)), home)
        replay = Replay(stack.enter_context)
        for role in BY_ROLE:
            path = home / f"{role}.sock"
            mipd = stack.enter_context(closing(ScriptedMipd(path, role)))
            found.engines[f"mipd-{role}"] = (f"mipd://{path}", mipd.asked, LOOKING)
            mip6d = ScriptedMip6d(role)
            found.engines[f"umip-{role}"] = (replay.serve(mip6d).uri, mip6d.asked, {*mip6d.words(), "help"})
        yield found


@pytest.mark.parametrize("name", COMMANDS)
@given(data=st.data())
@ASSERTING
def test_whatever_is_typed_only_looks(ground: Ground, name: str, data: st.DataObject) -> None:
    """Engines of both kinds and roles hear questions; no packet, no netlink change, no setting, no audit line.

    A probe sends packets, and is let do so to this machine only.
    """
    engine = data.draw(st.sampled_from(ENGINES))
    words = data.draw(lines(name))
    assume(is_taken(words))
    seen, asked = ground.run(engine, *words)
    assert ground.more_than_looking(engine, asked) == []
    packets = () if PROBES.intersection(words) else ("packet",)
    assert seen.of(*packets, "netlink", "ioctl", "call") == []
    assert (LISTENING | PROBES).intersection(words) or seen.of("raw") == []
    assert not (ground.home / "state" / "mipsh" / "audit.log").exists()
    assert "Traceback" not in seen.stderr
    assert seen.status != 70, seen.stderr
    if REGISTRY.command(name).changes is not Changes.OWN and name not in ("watch", "source"):
        assert ground.made(seen, words) == []


@pytest.mark.parametrize("name", COMMANDS)
@given(data=st.data())
@ASSERTING
def test_how_does_nothing(ground: Ground, name: str, data: st.DataObject) -> None:
    """Not even with everything permitted: it may ask an engine what it is, and the rest is words."""
    engine = data.draw(st.sampled_from(ENGINES))
    words = data.draw(lines(name))
    assume("--help" not in words and is_taken([*name.split(), "--how", *words[len(name.split()) :]]))
    seen, asked = ground.run(engine, *name.split(), "--how", "--write", "--yes", *words[len(name.split()) :])
    assert ground.more_than_looking(engine, asked) == []
    assert seen.of("raw", "netlink", "ioctl", "call") == ground.made(seen, ()) == []
    assert "Traceback" not in seen.stderr
    assert seen.status != 70, seen.stderr


PERMITTING = {"--write", "--yes", "--dry-run", "--how"}
NODE_COMMANDS = [name for name in COMMANDS if REGISTRY.command(name).changes is Changes.NODE]


@pytest.mark.parametrize("name", NODE_COMMANDS)
def test_what_changes_a_node_is_refused_before_the_engine_hears_of_it(ground: Ground, name: str) -> None:
    """By status 77, on an engine that could do it; all that its help gives as examples of it only looks until then."""
    examples = [line for line, _ in REGISTRY.command(name).examples if PERMITTING.intersection(line.split())]
    assert examples
    ended: list[tuple[int, str]] = []
    for line in examples:
        words = [token.text for token in tokenize(line) if token.text not in PERMITTING]
        for engine in ENGINES:
            seen, asked = ground.run(engine, *words)
            assert ground.more_than_looking(engine, asked) == []
            assert seen.of("raw", "netlink", "ioctl", "call") == ground.made(seen, words) == []
            ended.append((seen.status, seen.stderr))
    assert any(status == 77 for status, _ in ended), ended


@pytest.mark.parametrize("engine", ENGINES)
def test_the_engines_would_notice(ground: Ground, engine: str) -> None:
    """What the property counts on: a change is noted, and the oversight sees what it should."""
    seen, asked = ground.run(engine, "bc")
    assert (seen.status, bool(asked)) == (0, True)
    assert ground.more_than_looking(engine, [*asked, "flush", "bc add 1 2"]) == ["flush", "bc add 1 2"]


def test_a_change_that_is_permitted_is_noticed(ground: Ground) -> None:
    """By the engine, and in the log of changes, which is there before anything else."""
    log = ground.home / "state" / "mipsh" / "audit.log"
    try:
        seen, asked = ground.run("mipd-ha", "flush", "bc", "--write", "--yes")
        assert ground.more_than_looking("mipd-ha", asked) == ["flush"]
        assert ("write", str(log)) in seen.events
        assert [line.split('"phase":"')[1].split('"')[0] for line in log.read_text().splitlines()] == ["begin", "end"]
    finally:
        log.unlink(missing_ok=True)


def test_the_oversight_sees_what_it_should(ground: Ground, tmp_path: Path) -> None:
    """A file, a process and a folder are noted where a command makes them."""
    seen, _ = ground.run("mipd-mn", "describe", "bc", "--schema", "--directory", str(tmp_path / "new"))
    assert [kind for kind, _ in seen.of("write", "made")] == ["made", "write"]
    seen, _ = ground.run("mipd-mn", "version", "|", "!true")
    assert seen.of("started")
    table = next(iter(ENGINE_TABLES))
    assert ground.run("umip-mn", "describe", table)[0].events == []
