"""The connector to mipd: every reading through the shell, every way in which it fails, and how it is found."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from harness import ROUTE_OPTIMISED, Mipsh, Replay
from jsonschema import Draft202012Validator
from msgspec import structs
from node_world import DEADLINE_S, Served, another_user, optimised, serving

from mipsh.engine import Capability, EngineKind, UpdateRequest
from mipsh.environment import Environment
from mipsh.errors import (
    CapabilityMissing,
    DeadlineError,
    EngineBusy,
    EngineComplaint,
    EngineError,
    EngineLost,
    EngineRefused,
    MipshError,
    NotThisEngine,
    RefusedError,
    UsageError,
)
from mipsh.lab.topology import HOME_AGENT_ADDRESS, HOME_PREFIX, Lab, at
from mipsh.lookup import SessionLookup
from mipsh.mobility.effects import Emit
from mipsh.mobility.home.cache import HomeBinding, Input
from mipsh.node.control import MOST_CLIENTS
from mipsh.node.counting import CountingTrace
from mipsh.node.protocol import LONGEST_LINE, Hello, sockets
from mipsh.plugins.engines.mipd import MipdConnector, find, open_mipd
from mipsh.plugins.engines.mipd_socket import MipdSocket
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.shell.prompt import prompt_text

HOA, CN = "2001:db8:1::100", "2001:db8:4::2"
SCHEMAS = Path(__file__).parents[3] / "mipsh" / "schemas"
COMMANDS = {
    "mn": ("bc", "bul", "rr", "nonce", "stats", "status"),
    "ha": ("bc", "nonce", "hal", "pl", "stats", "status"),
    "cn": ("bc", "nonce", "stats", "status"),
}
HELLO: dict[str, Any] = {
    "protocol": 1,
    "engine": "mipd",
    "version": "9",
    "name": "x",
    "role": "cn",
    "capabilities": ["binding_cache", "bogus"],
    "methods": [],
}


@pytest.fixture
def lab() -> Lab:
    """Return a network with an optimised route, whose nodes count."""
    found = optimised()
    for name in COMMANDS:
        node = found.node(name)
        node.trace = CountingTrace(name)
        node.trace.follow(node)
    return found


@pytest.fixture
def serve(mipsh: Mipsh) -> Iterator[Callable[[Lab, str], Served]]:
    """Serve nodes where mipsh looks for them."""
    folder = Path(mipsh.variables["XDG_RUNTIME_DIR"]) / "mipsh"
    with ExitStack() as stack:
        yield lambda lab, name: stack.enter_context(serving(lab, name, folder / f"{name}.sock"))


@contextmanager
def session(mipsh: Mipsh, registry: Registry | None = None) -> Iterator[Session]:
    """Give a session with the variables of a test."""
    with Session(Environment(mipsh.variables), registry or Registry(plugins=False)) as found:
        yield found


class Elsewhere(Registry):
    """A registry in which mip6d is usually found at other places, or nowhere."""

    def __init__(self, *defaults: str) -> None:
        super().__init__(plugins=False)
        self.defaults = defaults

    def engine(self, scheme: str) -> EngineKind:
        """Return the engine with these places."""
        kind = super().engine(scheme)
        return structs.replace(kind, defaults=self.defaults) if scheme == "umip" else kind


# Readings.


@pytest.mark.parametrize("name", list(COMMANDS))
def test_every_reading_keeps_its_schema(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served], name: str) -> None:
    """In JSON as any engine's; what a role does not keep is said."""
    serve(lab, name)
    for command in COMMANDS[name]:
        ran = mipsh("-e", f"mipd:{name}", command, "-o", "json")
        assert ran.status == 0, ran.stderr
        document = ran.document
        schema = json.loads((SCHEMAS / f"{document['table']}.json").read_text(encoding="utf-8"))
        assert list(Draft202012Validator(schema).iter_errors(document)) == []
        assert document["warnings"] == document["errors"] == []
        assert document["engine"]["engine"] == "mipd"
        assert document["engine"]["role"] == name
        assert document["engine"]["address"] == f"mipd:{name}"
    missing = {"mn": "hal", "ha": "bul", "cn": "rr"}[name]
    ran = mipsh("-e", f"mipd:{name}", missing, "-o", "json")
    assert ran.status == 3
    assert ran.document["errors"][0]["code"] == "capability_missing"


def test_what_it_reads_is_what_the_node_knows(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served]) -> None:
    """Through a path or a name."""
    served = serve(lab, "mn")
    row, other = mipsh("-e", f"mipd://{served.path}", "bul", "--json").rows
    assert (row["home_address"], row["state"], row["registration"]) == (HOA, "bound", "home")
    assert (other["peer_address"], other["state"], other["return_routability"]) == (CN, "bound", "ready")
    status = mipsh("-e", "mipd:mn", "status", "--json").rows[0]
    assert status["role"] == "mn"
    assert 2 in status.values()
    raw = mipsh("-e", "mipd:mn", "raw", "binding_update_list")
    assert [json.loads(line)["peer_address"] for line in raw.stdout.splitlines()] == ["2001:db8:1::1", CN]
    hello = mipsh("-e", "mipd:mn", "raw", "hello")
    assert json.loads(hello.stdout)["name"] == "mn"
    refused = mipsh("-e", "mipd:mn", "raw", "set_link")
    assert refused.status == 77
    assert "raw only looks" in refused.stderr


def test_a_large_table_is_read_whole(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served]) -> None:
    """In pages, over one connection."""
    home_agent = lab.node("ha").roles.home_agent
    assert home_agent is not None
    for number in range(3000):
        home = at(HOME_PREFIX, 0x10000 + number)
        binding = HomeBinding(HOME_AGENT_ADDRESS, home, home, "eth0", 1, 0xC000, 10_000.0, 3600.0)
        home_agent.cache.step(binding, Input.UPDATE)
    served = serve(lab, "ha")
    connector = open_mipd(f"mipd://{served.path}")
    reading = connector.binding_cache()
    assert len(reading.rows) == 3001
    assert reading.unread == ()
    assert reading.raw.count("\n") == 3001


def test_several_questions_over_one_connection(lab: Lab, serve: Callable[[Lab, str], Served]) -> None:
    """While it is held; nothing is held afterwards."""
    served = serve(lab, "mn")
    connector = open_mipd(f"mipd://{served.path}")
    with connector.asking():
        connector.connect()
        for capability in map(Capability, connector.info.capabilities if connector.info else ()):
            assert getattr(connector, capability.value)().engine.role == "mn"
        assert served.server.clients == 1
    connector.close()
    assert connector.warnings() == ()
    with pytest.raises(CapabilityMissing):
        connector.home_agents()
    with pytest.raises(CapabilityMissing):
        connector.prefixes()
    with pytest.raises(CapabilityMissing):
        connector.transcript()


# Actions and events.


def test_a_binding_update_is_triggered(lab: Lab, serve: Callable[[Lab, str], Served]) -> None:
    """At the home agent or at a peer; what is wrong is said in the engine's words."""
    connector = open_mipd(f"mipd://{serve(lab, 'mn').path}")
    assert connector.trigger_binding_update(UpdateRequest(HOA)) == "waiting_for_ack"
    assert connector.trigger_binding_update(UpdateRequest(HOA, CN)) == "return_routability"
    with pytest.raises(EngineComplaint) as caught:
        connector.trigger_binding_update(UpdateRequest(CN))
    assert f"{CN} is no home address" in caught.value.message
    assert HOA in caught.value.hint
    with pytest.raises(CapabilityMissing):
        open_mipd(f"mipd://{serve(lab, 'cn').path}").trigger_binding_update(UpdateRequest(HOA))


def test_a_link_is_set(lab: Lab, serve: Callable[[Lab, str], Served]) -> None:
    """For a lab."""
    served = serve(lab, "mn")
    connector = open_mipd(f"mipd://{served.path}")
    connector.set_link("eth0", is_up=False)
    connector.set_link("eth0", is_up=True)
    assert served.loop.links == [("eth0", False), ("eth0", True)]


def test_events_are_heard(lab: Lab, serve: Callable[[Lab, str], Served]) -> None:
    """In order, from the subscription on; the connection is left when they are not wanted any more."""
    served = serve(lab, "mn")
    connector = open_mipd(f"mipd://{served.path}")
    home = bytes(16)
    stop = threading.Event()

    def tell() -> None:
        while not stop.wait(0.01):
            served.loop.do(lambda: served.loop.tell(Emit("mip6MnRegistered", home, detail="x")))

    teller = threading.Thread(target=tell)
    teller.start()
    try:
        with closing(connector.events()) as events:
            first, second = islice(events, 2)
    finally:
        stop.set()
        teller.join()
    assert (first.event, first.home_address, first.detail, first.sequence) == ("mip6MnRegistered", "::", "x", 1)
    assert second.sequence == 2
    assert first.time.endswith("Z")


def test_events_end_with_the_engine(lab: Lab, tmp_path: Path) -> None:
    """The one who listens is told."""
    with serving(lab, "mn", tmp_path / "run" / "mn.sock") as served:
        events = open_mipd(f"mipd://{served.path}").events()
        closer = threading.Timer(0.1, served.loop.do, (served.server.close,))
        closer.start()
        with pytest.raises((EngineLost, EngineRefused)):
            next(events)
        closer.join()


# Failures.


@pytest.mark.parametrize(
    "uri",
    [
        "mipd:",
        "mipd://",
        "mipd://x",
        "mipd:a/b",
        "mipd:a b",
        f"mipd:///{'x' * 200}",
        "mipd:///a\x1bb",
        f"mipd:{'x' * 65}",
    ],
)
def test_addresses_that_are_none(uri: str) -> None:
    """They are a usage error."""
    with pytest.raises(UsageError):
        open_mipd(uri)


def test_nobody_there(lab: Lab, mipsh: Mipsh, tmp_path: Path) -> None:
    """Neither a socket nor a name, or a socket whose server is gone: it says what to do."""
    ran = mipsh("-e", f"mipd://{tmp_path}/none.sock", "bc")
    assert ran.status == 69
    assert "there is no socket" in ran.stderr
    assert "mipsh mipd run" in ran.stderr
    with socket.socket(socket.AF_UNIX) as gone:
        gone.bind(str(tmp_path / "gone.sock"))
    with pytest.raises(EngineRefused) as caught:
        open_mipd(f"mipd://{tmp_path}/gone.sock").connect()
    assert "mipd is gone" in caught.value.message
    with pytest.raises(EngineRefused):
        open_mipd(f"mipd://{tmp_path}/gone.sock/below").connect()
    ran = mipsh("-e", "mipd:nobody", "bc")
    assert ran.status == 69
    assert "no mipd 'nobody' runs" in ran.stderr


def test_a_name_that_is_not_there_among_others(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served]) -> None:
    """The others are named."""
    serve(lab, "cn")
    ran = mipsh("-e", "mipd:nobody", "bc")
    assert "there are: mipd:cn" in ran.stderr


def test_too_many_clients(lab: Lab, serve: Callable[[Lab, str], Served]) -> None:
    """One more is busy."""
    served = serve(lab, "mn")
    with ExitStack() as stack:
        for _ in range(MOST_CLIENTS):
            held = stack.enter_context(socket.socket(socket.AF_UNIX))
            held.connect(str(served.path))
        with pytest.raises(EngineBusy):
            open_mipd(f"mipd://{served.path}").connect()


def saying(*lines: bytes, then_close: bool = True) -> Callable[[socket.socket], None]:
    """Return a server's side: a line for each question, then silence or an end."""

    def talk(connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_S)
        for line in lines:
            if not connection.recv(65536):
                return
            connection.sendall(line)
        if not then_close:
            while connection.recv(65536):
                continue

    return talk


@contextmanager
def pretending(path: Path, talk: Callable[[socket.socket], None]) -> Iterator[MipdConnector]:
    """Let something that is not mipd be at a path; return a connector that takes it for mipd."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()

        def run() -> None:
            with suppress(OSError):
                while True:
                    connection, _ = listener.accept()
                    with connection, suppress(BrokenPipeError, ConnectionResetError):
                        talk(connection)

        thread = threading.Thread(target=run)
        thread.start()
        connector = open_mipd(f"mipd://{path}")
        connector.timeout_s = 5.0
        try:
            yield connector
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def answer(result: object, number: int = 1) -> bytes:
    """Return a line with a result."""
    return json.dumps({"jsonrpc": "2.0", "id": number, "result": result}).encode() + b"\n"


@pytest.mark.parametrize(
    ("said", "error", "message"),
    [
        (b"mip6d> \n", NotThisEngine, "it said 'mip6d> '"),
        (b"\xff\n", NotThisEngine, "is not mipd"),
        (b"[" * 3000 + b"\n", NotThisEngine, "is not mipd"),
        (b"x" * (LONGEST_LINE + 70_000), NotThisEngine, "do not end"),
        (answer({"protocol": 1}), NotThisEngine, "cannot read"),
        (answer({**HELLO, "protocol": 2}), NotThisEngine, "version 2"),
        (answer({**HELLO, "engine": "other"}), NotThisEngine, "other"),
        (b"", EngineLost, "closed the connection"),
        (b'{"jsonrpc": "2.0"', EngineLost, "closed the connection"),
        (b'{"jsonrpc":"2.0","id":1,"error":{"code":-32601,"message":"no"}}\n', EngineComplaint, "mipd: no"),
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":-32002,"message":"no"}}\n', RefusedError, "mipd: no"),
        (b'{"jsonrpc":"2.0","id":null,"error":{"code":-32001,"message":"no"}}\n', EngineBusy, "mipd: no"),
    ],
)
def test_what_is_not_mipd(tmp_path: Path, said: bytes, error: type[MipshError], message: str) -> None:
    """Or is another version of it, or ends: each is told as what it is."""
    with pretending(tmp_path / "x.sock", saying(said)) as connector, pytest.raises(error) as caught:
        connector.connect()
    assert message in caught.value.message


def test_an_engine_that_hangs(tmp_path: Path) -> None:
    """It is given up at the deadline, whether it says nothing or only what was not asked for."""
    with pretending(tmp_path / "x.sock", saying(answer(HELLO, 7), then_close=False)) as connector:
        connector.timeout_s = 0.2
        with pytest.raises(DeadlineError):
            connector.connect()


def test_an_engine_that_never_stops_talking(tmp_path: Path) -> None:
    """Lines that answer nothing do not put the deadline off."""

    def talk(connection: socket.socket) -> None:
        connection.settimeout(DEADLINE_S)
        while True:
            connection.sendall(answer(HELLO, 7) * 100)

    with pretending(tmp_path / "x.sock", talk) as connector:
        connector.timeout_s = 0.1
        with pytest.raises(DeadlineError):
            connector.connect()


def test_a_connection_that_ends_between_two_questions(tmp_path: Path) -> None:
    """It is told as such, as is one that was never there, and one that ends before it is asked."""
    with pretending(tmp_path / "x.sock", saying(answer(HELLO))) as connector, connector.asking():
        connector.connect()
        with pytest.raises(EngineLost):
            connector.connect()
    nowhere = MipdSocket("/nowhere", 1.0)
    nowhere.close()
    with pytest.raises(EngineLost):
        nowhere.ask("hello", Hello)
    with pretending(tmp_path / "y.sock", lambda connection: None) as connector, pytest.raises(EngineLost):
        connector.connect()


def test_an_engine_that_accepts_nobody(tmp_path: Path) -> None:
    """It is busy: others wait already."""
    path = str(tmp_path / "x.sock")
    with ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(path)
        listener.listen(0)
        waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
        waiting.connect(path)
        with pytest.raises(EngineBusy):
            open_mipd(f"mipd://{path}").connect()


def test_another_user_s_engine(lab: Lab, tmp_path: Path) -> None:
    """It may not be opened: its folder is its owner's alone."""
    with (
        serving(lab, "cn", tmp_path / "run" / "cn.sock") as served,
        another_user(served.path.parent),
        pytest.raises(RefusedError) as caught,
    ):
        open_mipd(f"mipd://{served.path}").connect()
    assert caught.value.hint == "run as its owner or as root"


def test_rows_that_cannot_be_read(tmp_path: Path) -> None:
    """They are kept as said; unknown tables are no capability, unknown fields do not matter."""
    good = {"home_address": "2001:db8::1", "care_of_address": None, "status": "cached", "new": 1}
    page = {"taken_at": 5.0, "rows": [good, {"home_address": 5}, []], "more": False}

    def talk(connection: socket.socket) -> None:
        asked = connection.recv(65536)
        number = json.loads(asked)["id"]
        connection.sendall(answer(HELLO if b"hello" in asked else page, number))

    with pretending(tmp_path / "x.sock", talk) as connector:
        assert connector.connect().capabilities == ("binding_cache",)
        reading = connector.binding_cache()
    assert len(reading.rows) == 1
    assert reading.taken_at == page["taken_at"]
    assert reading.unread == ('{"home_address": 5}', "[]")


def test_events_that_come_between(tmp_path: Path) -> None:
    """An event before the answer is kept for whoever listens; what is neither is passed over."""
    event = {"time": 0.0, "event": "mip6MnRegistered", "sequence": 1}
    told = json.dumps({"jsonrpc": "2.0", "method": "event", "params": event}).encode() + b"\n"
    other = b'{"jsonrpc": "2.0", "method": "other"}\n'

    with pretending(tmp_path / "x.sock", saying(told + other + answer({"state": "subscribed"}))) as connector:
        (heard, *rest) = _until_lost(connector)
    assert (heard, rest) == (("1970-01-01T00:00:00.000Z", "mip6MnRegistered"), [])


def _until_lost(connector: MipdConnector) -> list[tuple[str, str]]:
    heard = []
    with suppress(EngineLost):
        for event in connector.events():
            heard.append((event.time, event.event))
    return heard


# How it is found.


def test_the_only_one_is_used(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served]) -> None:
    """Where no mip6d runs; the prompt says its name."""
    others = sockets({})
    if others:
        pytest.skip(f"other mipd run on this machine: {', '.join(others)}")
    serve(lab, "cn")
    with session(mipsh, Elsewhere("umip:///nowhere/mip6d.sock")) as here:
        info = here.connect().info
        assert info is not None
        assert (info.address, info.role) == ("mipd:cn", "cn")
        assert prompt_text(here) == "cn@mipd cn> "


def test_a_running_mip6d_comes_first(
    lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served], replay: Replay
) -> None:
    """Though a mipd runs too."""
    serve(lab, "cn")
    uri = replay(ROUTE_OPTIMISED, "ha").uri
    with session(mipsh, Elsewhere(uri)) as here:
        info = here.connect().info
        assert info is not None
        assert info.address == uri


def test_of_several_none_is_taken(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served]) -> None:
    """The error names them and says what to type."""
    serve(lab, "cn")
    serve(lab, "ha")
    with session(mipsh, Elsewhere("umip:///nowhere/mip6d.sock")) as here:
        with pytest.raises(EngineError) as caught:
            here.connect()
        assert "mipd:cn, mipd:ha" in caught.value.message
        assert "connect mipd:cn" in caught.value.hint
        assert here.connect("mipd:ha").info is not None


def test_sockets_are_completed(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served]) -> None:
    """Those that are there, whether or not somebody listens."""
    serve(lab, "cn")
    with session(mipsh) as here:
        words = [word for word, _ in SessionLookup(here).engines()]
    assert "mipd:cn" in words
    assert "umip://[::1]:7777" in words
    assert "mipd:cn" in find(mipsh.variables)
    folder = Path(mipsh.variables["XDG_RUNTIME_DIR"]) / "mipsh"
    with socket.socket(socket.AF_UNIX) as strange:
        strange.bind(str(folder / "a b.sock"))
    assert all(" " not in uri for uri in find(mipsh.variables))


def test_nothing_heavy_is_loaded(lab: Lab, mipsh: Mipsh, serve: Callable[[Lab, str], Served]) -> None:
    """Neither an event loop nor the core: one question needs a socket and records."""
    serve(lab, "cn")
    run = "import sys; from mipsh.cli import main; main(); print(*sys.modules, file=sys.stderr)"
    done = subprocess.run(
        [sys.executable, "-c", run, "-e", "mipd:cn", "bc", "-o", "json"],
        env={**mipsh.variables, "PATH": os.environ["PATH"]},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    loaded = set(done.stderr.splitlines()[-1].split())
    assert json.loads(done.stdout)["status"] == 0
    assert not loaded & {"asyncio", "pyroute2", "prompt_toolkit", "rich"}
    assert not [name for name in loaded if name.startswith(("mipsh.mobility", "mipsh.wire", "mipsh.lab"))]
