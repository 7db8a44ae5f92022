"""The connector to mipd: what it can have a node do, the lines by which it says so, and events awaited until a time."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest
from node_world import DEADLINE_S, optimised, serving

from mipsh.engine import Action, BindingRequest, Capability, Connector, UpdateRequest
from mipsh.errors import CapabilityMissing, DeadlineError, EngineComplaint, EngineLost
from mipsh.lab.topology import HOME_AGENT_ADDRESS
from mipsh.mobility.effects import Emit
from mipsh.node.protocol import Event, Notification
from mipsh.plugins.engines.mipd import MipdConnector, open_mipd
from mipsh.wire.address import text

HOA, CN, COA = "2001:db8:1::100", "2001:db8:4::2", "2001:db8:2::77"
HA = text(HOME_AGENT_ADDRESS)
NEW = "2001:db8:1::aa"
BINDING = BindingRequest(NEW, COA, HA, 600)
FOR_EVER = float("inf")
Call = Callable[[Connector], object]

SAID: dict[str, tuple[str, object, dict[str, Any], str, dict[str, Any], Call]] = {
    "an update": (
        Action.TRIGGER,
        UpdateRequest(HOA),
        {"state": "waiting_for_ack"},
        "trigger_binding_update",
        {"home_address": HOA},
        lambda connector: connector.trigger_binding_update(UpdateRequest(HOA)),
    ),
    "an end at a peer": (
        Action.TRIGGER,
        UpdateRequest(HOA, CN, 0),
        {"state": "return_routability"},
        "trigger_binding_update",
        {"home_address": HOA, "peer": CN, "lifetime_s": 0},
        lambda connector: connector.trigger_binding_update(UpdateRequest(HOA, CN, 0)),
    ),
    "an addition": (
        Action.ADD,
        BINDING,
        {"state": "registered"},
        "add_binding",
        {
            "home_address": NEW,
            "care_of_address": COA,
            "local_address": HA,
            "lifetime_s": 600,
            "flags": ["A", "H"],
        },
        lambda connector: connector.add_binding(BINDING),
    ),
    "an addition with a number": (
        Action.ADD,
        BindingRequest(NEW, COA, HA, 600, ("H",), 0),
        {"state": "registered"},
        "add_binding",
        {
            "home_address": NEW,
            "care_of_address": COA,
            "local_address": HA,
            "lifetime_s": 600,
            "flags": ["H"],
            "sequence": 0,
        },
        lambda connector: connector.add_binding(BindingRequest(NEW, COA, HA, 600, ("H",), 0)),
    ),
    "a deletion": (
        Action.DELETE,
        (NEW, HA),
        {"state": "gone"},
        "delete_binding",
        {"home_address": NEW, "local_address": HA},
        lambda connector: connector.delete_binding(NEW, HA),
    ),
    "an emptied table": (
        Action.FLUSH,
        "binding_cache",
        {"removed": 3},
        "flush",
        {"table": "binding_cache"},
        lambda connector: connector.flush("binding_cache"),
    ),
    "a link": (
        Action.LINK,
        ("eth0", False),
        {"state": "down"},
        "set_link",
        {"interface": "eth0", "up": False},
        lambda connector: connector.set_link("eth0", is_up=False),
    ),
}


class Scripted:
    """A server that keeps the lines it gets, and answers each with what it is given."""

    def __init__(self, path: Path, *results: object) -> None:
        self.path = path
        self.lines: list[str] = []
        self._results = iter(results)

    def talk(self, listener: socket.socket) -> None:
        """Serve one client after the other, until there is nothing left to answer with."""
        with suppress(OSError, StopIteration):
            while True:
                connection, _ = listener.accept()
                with connection:
                    self._serve(connection)

    def _serve(self, connection: socket.socket) -> None:
        with connection.makefile("rb") as lines:
            for line in lines:
                self.lines.append(line.decode().rstrip("\n"))
                answer = {"jsonrpc": "2.0", "id": msgspec.json.decode(line)["id"], "result": next(self._results)}
                connection.sendall(msgspec.json.encode(answer) + b"\n")


@contextmanager
def scripted(path: Path, *results: object) -> Iterator[tuple[Scripted, MipdConnector]]:
    """Serve so; yield it with a connector to it."""
    server = Scripted(path, *results)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        thread = threading.Thread(target=server.talk, args=(listener,))
        thread.start()
        try:
            yield server, open_mipd(f"mipd://{path}")
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()


@pytest.mark.parametrize("name", SAID)
def test_what_is_said_is_what_is_sent(name: str, tmp_path: Path) -> None:
    """To the letter, and its answer is the result."""
    what, request, result, method, params, call = SAID[name]
    with scripted(tmp_path / "a.sock", result) as (server, connector):
        found = call(connector)
        said = connector.said(what, request)
    assert found == next(iter(result.values()))
    assert list(said) == server.lines
    assert msgspec.json.decode(said[0]) == {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}


@pytest.mark.parametrize("table", [*Capability, "hello"])
def test_readings_are_said_by_their_methods(table: str) -> None:
    """So are the words of raw, and what listening begins with."""
    connector = open_mipd("mipd:nobody")
    line = f'{{"jsonrpc":"2.0","id":1,"method":"{table}","params":{{}}}}'
    assert connector.said(table) == connector.said("raw", table) == (line,)
    assert '"subscribe"' in connector.said("events")[0]


@pytest.mark.parametrize(
    ("what", "request_"),
    [("bogus", None), (Action.TRIGGER, None), (Action.ADD, (HOA, HA)), ("binding_cache", "x"), (Action.LINK, ("e", 1))],
)
def test_what_cannot_be_said(what: str, request_: object) -> None:
    """A word that is none, or without what belongs to it."""
    with pytest.raises(CapabilityMissing, match=f"way to say '{what}'"):
        open_mipd("mipd:nobody").said(what, request_)


def test_what_a_node_can_do_is_known(tmp_path: Path) -> None:
    """By its role; and what home addresses it has."""
    lab = optimised()
    found: dict[str, tuple[set[Action], tuple[str, ...]]] = {}
    for name in ("mn", "ha", "cn"):
        with serving(lab, name, tmp_path / f"{name}.sock") as served:
            connector = open_mipd(f"mipd://{served.path}")
            assert connector.actions == frozenset()
            connector.connect()
            found[name] = set(connector.actions), connector.home_addresses
    assert found == {
        "mn": ({Action.TRIGGER, Action.FLUSH, Action.LINK}, (HOA,)),
        "ha": ({Action.ADD, Action.DELETE, Action.FLUSH, Action.LINK}, ()),
        "cn": ({Action.FLUSH, Action.LINK}, ()),
    }


def test_a_home_agent_does_it(tmp_path: Path) -> None:
    """From end to end; what it says no to is its complaint."""
    with serving(optimised(), "ha", tmp_path / "ha.sock") as served:
        connector = open_mipd(f"mipd://{served.path}")
        assert connector.add_binding(BINDING) == "registered"
        rows: list[Any] = list(connector.binding_cache().rows)
        assert (NEW, COA) in {(row.home_address, row.care_of_address) for row in rows}
        assert connector.delete_binding(NEW, HA) == "gone"
        with pytest.raises(EngineComplaint, match="no such binding") as caught:
            connector.delete_binding(NEW, HA)
        assert "status 133" in caught.value.hint
        assert connector.flush("binding_cache") == 1
        with pytest.raises(CapabilityMissing, match="only a mobile node"):
            connector.flush("binding_update_list")


# Events.


def test_events_are_awaited_until_a_time(tmp_path: Path) -> None:
    """None where none came, at once where the time is over; what is there is found at any time."""
    with serving(optimised(), "mn", tmp_path / "mn.sock") as served:
        connector = open_mipd(f"mipd://{served.path}")
        with connector.listening() as listener:
            assert listener.next(time.monotonic() - 1) is None
            assert listener.next(time.monotonic() + 0.01) is None
            told = Emit("mip6MnRegistered", bytes(16), detail="x")
            served.loop.do(lambda: served.loop.tell(told))
            event = listener.next(time.monotonic() + DEADLINE_S)
            assert event is not None
            assert (event.event, event.detail, event.mh_sequence) == ("mip6MnRegistered", "x", None)
            assert listener.next(0.0) is None


def test_what_happened_before_an_answer_is_not_lost(tmp_path: Path) -> None:
    """Several events in one piece come one by one, the last of them in two pieces."""
    lines = [
        msgspec.json.encode(Notification("2.0", "event", Event(float(number), "e", sequence=number))) + b"\n"
        for number in range(3)
    ]
    whole = b"".join(lines)
    first_gone = threading.Event()

    def talk(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            connection.settimeout(DEADLINE_S)
            connection.recv(4096)
            connection.sendall(lines[0] + b'{"jsonrpc":"2.0","id":1,"result":{"state":"subscribed"}}\n' + whole[:-9])
            first_gone.wait(DEADLINE_S)
            connection.sendall(whole[-9:])

    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "x.sock"))
        listener.listen()
        thread = threading.Thread(target=talk, args=(listener,))
        thread.start()
        with open_mipd(f"mipd://{tmp_path}/x.sock").listening() as events:
            heard = [events.next(FOR_EVER) for _ in range(3)]
            assert events.next(0.0) is None
            first_gone.set()
            heard.append(events.next(FOR_EVER))
            with pytest.raises(EngineLost):
                events.next(FOR_EVER)
        thread.join()
    assert [event.sequence for event in heard if event is not None] == [0, 0, 1, 2]


def test_a_server_that_does_not_answer_is_late(tmp_path: Path) -> None:
    """A deadline is one also where it is over before anything is read."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "x.sock"))
        listener.listen()
        connector = open_mipd(f"mipd://{tmp_path}/x.sock")
        for timeout_s in (0.05, 1e-9):
            connector.timeout_s = timeout_s
            with pytest.raises(DeadlineError), connector.listening():
                raise AssertionError("it is not listened to")


def test_the_connection_is_left_behind_the_block(tmp_path: Path) -> None:
    """Whatever happens in it."""
    with serving(optimised(), "mn", tmp_path / "mn.sock") as served:
        connector = open_mipd(f"mipd://{served.path}")
        with pytest.raises(KeyError), connector.listening():
            raise KeyError
        with connector.asking():
            assert connector.connect().role == "mn"
