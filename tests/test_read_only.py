"""A shell that may only look: whatever is typed, engines hear questions only, and nothing of the node changes."""

import json
import os
import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from harness import RECORDINGS, ROUTE_OPTIMISED, Mipsh, Replay
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from lines_of_commands import REGISTRY, is_taken, lines
from overseen import Overseen, Seen

from mipsh.builtin import COMMANDS
from mipsh.engine import Action, Capability
from mipsh.grammar.declare import Changes
from mipsh.grammar.tokens import tokenize
from mipsh.model.records import ENGINE_TABLES
from mipsh.node.control_session import VERBS
from mipsh.node.protocol import VERSION
from mipsh.node.replay import RecordedResponder
from mipsh.recording import VtOptions, load

ENGINES = ("mipd-mn", "mipd-ha", "umip-mn", "umip-ha")
LOOKING = {"hello", "more", "subscribe", "unsubscribe", *(capability.value for capability in Capability)}
ASSERTING = settings(max_examples=12, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
BY_ROLE = {
    "mn": ("binding_cache", "binding_update_list", "return_routability", "nonces", "statistics"),
    "ha": ("binding_cache", "nonces", "home_agents", "prefixes", "statistics"),
}


class ScriptedMipd:
    """A control socket that says it can be told everything, knows empty tables, and notes what it is asked."""

    def __init__(self, path: Path, role: str) -> None:
        self.asked: list[str] = []
        self.role = role
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, connection.makefile("rwb") as stream, suppress(OSError):
                    for line in stream:
                        stream.write(self._answer(json.loads(line)))
                        stream.flush()

    def _answer(self, request: dict[str, Any]) -> bytes:
        method = request["method"]
        self.asked.append(method)
        answer: dict[str, Any] = {"rows": [], "taken_at": 1.0, "removed": 1, "state": "bound"}
        if method == "hello":
            kept = BY_ROLE[self.role]
            told = (*VERBS, *(action.value for action in Action), *kept)
            answer = {"protocol": VERSION, "engine": "mipd", "version": "1", "name": "x", "role": self.role}
            answer |= {"capabilities": kept, "methods": told, "home_addresses": ["2001:db8:1::100"]}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}).encode() + b"\n"


class ScriptedMip6d(RecordedResponder):
    """A recorded mip6d that notes what it is asked."""

    def __init__(self, role: str) -> None:
        super().__init__(load(RECORDINGS / ROUTE_OPTIMISED, role))
        self.asked: list[str] = []

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Return the recorded text."""
        self.asked.append(command)
        return super().answer(command, options)


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
    """Engines of both kinds and roles hear questions; no raw socket, no netlink change, no setting, no audit line."""
    engine = data.draw(st.sampled_from(ENGINES))
    words = data.draw(lines(name))
    assume(is_taken(words))
    seen, asked = ground.run(engine, *words)
    assert ground.more_than_looking(engine, asked) == []
    assert seen.of("raw", "netlink", "ioctl", "call") == []
    assert not (ground.home / "state" / "mipsh" / "audit.log").exists()
    assert "Traceback" not in seen.stderr
    assert seen.status != 70, seen.stderr
    if REGISTRY.command(name).changes is not Changes.OWN and name not in ("watch", "source"):
        assert seen.of("write", "made", "started") == []


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
    assert seen.of("raw", "netlink", "ioctl", "call", "write", "made", "started") == []
    assert "Traceback" not in seen.stderr
    assert seen.status != 70, seen.stderr


NODE_COMMANDS = [name for name in COMMANDS if REGISTRY.command(name).changes is Changes.NODE]


@pytest.mark.parametrize("name", NODE_COMMANDS)
def test_what_changes_a_node_is_refused_before_the_engine_hears_of_it(ground: Ground, name: str) -> None:
    """By status 77, on an engine that could do it, for every example that its help gives."""
    examples = [line for line, _ in REGISTRY.command(name).examples]
    assert examples
    refused = 0
    for line in examples:
        words = [token.text for token in tokenize(line)]
        for engine in ENGINES:
            seen, asked = ground.run(engine, *words)
            assert ground.more_than_looking(engine, asked) == []
            if not {"--dry-run", "--how"} & {*words}:
                assert seen.status != 0, f"{line} on {engine}"
                refused += seen.status == 77
    assert refused


@pytest.mark.parametrize("engine", ENGINES)
def test_the_engines_would_notice(ground: Ground, engine: str) -> None:
    """What the property counts on: a change is noted, and the oversight sees what it should."""
    seen, asked = ground.run(engine, "bc")
    assert (seen.status, bool(asked)) == (0, True)
    assert ground.more_than_looking(engine, [*asked, "flush", "bc add 1 2"]) == ["flush", "bc add 1 2"]


def test_the_oversight_sees_what_it_should(ground: Ground, tmp_path: Path) -> None:
    """A file, a process and a folder are noted where a command makes them."""
    seen, _ = ground.run("mipd-mn", "describe", "bc", "--schema", "--directory", str(tmp_path / "new"))
    assert [kind for kind, _ in seen.of("write", "made")] == ["made", "write"]
    seen, _ = ground.run("mipd-mn", "version", "|", "!true")
    assert seen.of("started")
    table = next(iter(ENGINE_TABLES))
    assert ground.run("umip-mn", "describe", table)[0].events == []


def test_every_command_says_how_it_is_done(mipsh: Mipsh) -> None:
    """And what it changes; none of what changes nothing is left to say it later."""
    for name in COMMANDS:
        assert REGISTRY.command(name).how is not None, name
