"""The control socket against hostile clients: who may come, how much is kept for them, and what stays behind."""

import errno
import os
import socket
import stat
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import json
from node_world import DEADLINE_S, Served, TurningLoop, another_user, away

from mipsh.errors import EngineError, RefusedError, UsageError
from mipsh.lab.topology import Lab
from mipsh.mobility.effects import Emit, Transmit
from mipsh.node.control import MOST_CLIENTS, MOST_UNSENT, ControlServer, Terms
from mipsh.node.loop import AGAIN_S, Acceptor
from mipsh.node.protocol import LONGEST_LINE, Code, socket_path, sockets, user_folder
from mipsh.wire.address import parse

HELLO = b'{"jsonrpc":"2.0","id":1,"method":"hello"}\n'
SUBSCRIBE = b'{"jsonrpc":"2.0","id":2,"method":"subscribe"}\n'
TURNS = 2000
Line = dict[str, Any]
HOA = parse("2001:db8:1::100")
EVENT = Emit("mip6MnRegistered", HOA, HOA, HOA, "x" * 500)


@pytest.fixture(scope="module")
def lab() -> Lab:
    """Return a network that no test changes."""
    return away()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Return where a socket is to be, in a folder that is not there yet."""
    return tmp_path / "run" / "mn.sock"


@contextmanager
def standing(lab: Lab, path: Path, **options: Any) -> Iterator[Served]:
    """Serve the mobile node; the loop turns when the test says so."""
    served = Served(lab.node("mn"), path, lambda: lab.network.clock.now, **options)
    served.server.open()
    try:
        yield served
    finally:
        served.server.close()
        assert served.loop.watched == served.server.clients == 0
        served.loop.close()


class Client:
    """A client that waits for nothing: the loop turns until there is an answer."""

    def __init__(self, served: Served) -> None:
        self.loop = served.loop
        self.connection = socket.socket(socket.AF_UNIX)
        self.connection.setblocking(False)
        self.connection.connect(str(served.path))
        self.received = b""
        self.turn()

    def turn(self) -> None:
        """Let the server do all that it can."""
        for _ in range(TURNS):
            if not self.loop.turn():
                return

    def send(self, data: bytes) -> None:
        """Send as much as goes at a time, the server turning in between."""
        while data:
            try:
                data = data[self.connection.send(data) :]
            except BlockingIOError:
                assert self.loop.turn(1.0)
        self.turn()

    def read(self) -> list[Line]:
        """Return all lines that come."""
        while True:
            self.loop.turn()
            try:
                piece = self.connection.recv(1 << 20)
            except BlockingIOError:
                break
            if not piece:
                break
            self.received += piece
        *lines, self.received = self.received.split(b"\n")
        return [json.decode(line) for line in lines]

    def is_left(self) -> bool:
        """Tell whether the server hung up."""
        try:
            return self.connection.recv(1, socket.MSG_PEEK) == b""
        except BlockingIOError:
            return False
        except ConnectionResetError:
            return True

    def __enter__(self) -> "Client":
        """Return the client."""
        return self

    def __exit__(self, *_: object) -> None:
        """Leave."""
        self.connection.close()
        self.turn()


def code_of(line: Line) -> object:
    """Return the number of an error."""
    return line["error"]["code"]


# Where it is.


def test_the_socket_and_its_folder_are_the_owner_s_alone(lab: Lab, place: Path) -> None:
    """Whatever the process's file mode mask; nothing is left when it is closed."""
    before = os.umask(0)
    try:
        with standing(lab, place):
            assert stat.S_IMODE(place.lstat().st_mode) == 0o600
            assert stat.S_ISSOCK(place.lstat().st_mode)
            assert stat.S_IMODE(place.parent.stat().st_mode) == 0o700
    finally:
        os.umask(before)
    assert list(place.parent.iterdir()) == []


def test_a_folder_that_others_may_enter_is_refused(lab: Lab, place: Path) -> None:
    """Its mode is not changed behind its owner's back."""
    place.parent.mkdir()
    place.parent.chmod(0o755)
    with pytest.raises(RefusedError) as caught, standing(lab, place):
        raise AssertionError
    assert f"chmod 0700 {place.parent}" in caught.value.hint


def test_a_socket_of_a_dead_server_is_replaced(lab: Lab, place: Path) -> None:
    """One that is listened on is not, nor is a file that is none."""
    place.parent.mkdir(mode=0o700)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(place))
    with standing(lab, place) as served:
        again = ControlServer(lab.node("mn"), served.loop, place)
        with pytest.raises(RefusedError):
            again.open()
        again.close()
        with Client(served) as client:
            client.send(HELLO)
            assert client.read()[0]["id"] == 1
    place.write_text("precious")
    with pytest.raises(RefusedError), standing(lab, place):
        raise AssertionError
    assert place.read_text() == "precious"


def test_another_server_s_socket_is_not_removed(lab: Lab, place: Path) -> None:
    """Closing looks whether it is still its own."""
    with standing(lab, place):
        place.unlink()
        place.write_text("another's")
    assert place.read_text() == "another's"
    with standing(lab, place.with_name("gone.sock")):
        place.with_name("gone.sock").unlink()


@pytest.mark.parametrize("path", ["/dev/null/x/y.sock", f"/proc/{'x' * 300}/y.sock"])
def test_places_that_cannot_be(lab: Lab, path: str) -> None:
    """Are told as such."""
    loop = TurningLoop()
    server = ControlServer(lab.node("mn"), loop, Path(path))
    with pytest.raises((EngineError, UsageError)):
        server.open()
    server.close()
    loop.close()


def test_a_folder_that_is_not_the_user_s(lab: Lab, place: Path) -> None:
    """Nothing can be made there: it says what to do."""
    with another_user(place.parent.parent), pytest.raises(RefusedError) as caught:
        ControlServer(lab.node("mn"), TurningLoop(), place).open()
    assert "privilege" in caught.value.hint


def test_a_path_that_is_too_long_for_a_socket(lab: Lab, place: Path) -> None:
    """Though it is none for a file."""
    with pytest.raises(UsageError), standing(lab, place.with_name("x" * 120)):
        raise AssertionError


def test_open_and_close_are_harmless_twice(lab: Lab, place: Path) -> None:
    """And it can be opened again."""
    with standing(lab, place) as served:
        served.server.open()
        served.server.close()
        served.server.close()
        assert not place.exists()
        served.server.open()
        assert place.exists()


def test_where_sockets_are(tmp_path: Path) -> None:
    """In the user's own folder, else in the system's; those that are there are found by their names."""
    variables = {"XDG_RUNTIME_DIR": str(tmp_path)}
    assert socket_path("mn", variables) == tmp_path / "mipsh" / "mn.sock"
    assert socket_path("mn", {}) == socket_path("mn", {"XDG_RUNTIME_DIR": "run"}) == Path("/run/mipsh/mn.sock")
    folder = user_folder(variables)
    assert folder is not None
    assert "here" not in sockets(variables)
    assert "here" not in sockets({"XDG_RUNTIME_DIR": f"/{'x' * 5000}"})
    folder.mkdir()
    (folder / "file.sock").write_text("")
    with socket.socket(socket.AF_UNIX) as there:
        there.bind(str(folder / "here.sock"))
    found = sockets(variables)
    assert found["here"] == folder / "here.sock"
    assert "file" not in found


# Who may come.


def test_others_are_refused(lab: Lab, place: Path) -> None:
    """By the user at the other end, as the kernel says; they hear why, and nothing is read from them."""
    terms = Terms(frozenset((os.geteuid() + 1,)))
    with standing(lab, place, terms=terms) as served, Client(served) as client:
        assert served.server.clients == 0
        (line,) = client.read()
        assert code_of(line) == Code.REFUSED
        assert client.is_left()


def test_so_many_and_no_more(lab: Lab, place: Path) -> None:
    """One more is told that it is too many; a place that becomes free is used."""
    with standing(lab, place) as served, ExitStack() as clients:
        first, *_ = [clients.enter_context(Client(served)) for _ in range(MOST_CLIENTS)]
        assert served.server.clients == MOST_CLIENTS
        with Client(served) as late:
            assert code_of(late.read()[0]) == Code.BUSY
            assert late.is_left()
        first.connection.close()
        first.turn()
        with Client(served) as next_one:
            next_one.send(HELLO)
            assert next_one.read()[0]["id"] == 1


# What they do.


def test_a_question_in_pieces_and_several_at_once(lab: Lab, place: Path) -> None:
    """Lines count, however they come; answers are in order."""
    with standing(lab, place) as served, Client(served) as client:
        for byte in HELLO:
            client.send(bytes((byte,)))
        client.send(b"".join(HELLO.replace(b"1,", b"%d," % number, 1) for number in range(2, 40)))
        assert [line["id"] for line in client.read()] == list(range(1, 40))


def test_one_who_leaves_in_the_middle(lab: Lab, place: Path) -> None:
    """Of a line, or with answers still to come: others do not notice."""
    with standing(lab, place) as served, Client(served) as other:
        for said in (b"", HELLO[:10], HELLO, HELLO * 100):
            leaving = Client(served)
            leaving.connection.sendall(said)
            leaving.connection.close()
            other.turn()
        assert served.server.clients == 1
        other.send(HELLO)
        assert other.read()[0]["id"] == 1


@pytest.mark.parametrize("size", [LONGEST_LINE - 1, LONGEST_LINE, LONGEST_LINE + 1, 10 * LONGEST_LINE])
def test_a_line_that_is_too_long(lab: Lab, place: Path, size: int) -> None:
    """It is answered once, and skipped to its end; the next one is answered as ever."""
    with standing(lab, place) as served, Client(served) as client:
        client.send(b"x" * size + b"\n" + HELLO)
        refused, answered = client.read()
        assert code_of(refused) == Code.UNREADABLE
        assert answered["id"] == 1


IMPATIENT = Terms(stalled_s=0.05, idle_s=3600.0, look_s=0.01)


def flooded(client: Client) -> int:
    """Ask until the server does not read any more; return how many bytes that took."""
    sent = 0
    while True:
        try:
            sent += client.connection.send(HELLO * 100)
        except BlockingIOError:
            if not client.loop.turn():
                return sent


def left_in_time(served: Served, clients: int) -> bool:
    """Let the loop turn until there are so few clients."""
    deadline = time.monotonic() + DEADLINE_S
    while served.server.clients > clients and time.monotonic() < deadline:
        served.loop.turn(0.01)
    return served.server.clients == clients


def test_one_who_does_not_read(lab: Lab, place: Path) -> None:
    """It is not read from either, so that nothing piles up, and others are answered meanwhile."""
    with standing(lab, place) as served, Client(served) as other, Client(served) as client:
        assert flooded(client) < 4 * 1024 * 1024
        other.send(HELLO)
        assert other.read()[0]["id"] == 1
        assert served.server.clients == 2
        answers = client.read()
        assert len(answers) > 100
        assert all(answer["id"] == 1 for answer in answers)


def test_one_who_takes_nothing_is_left(lab: Lab, place: Path) -> None:
    """After a while; one to whom nothing is to be said is not."""
    with standing(lab, place, terms=IMPATIENT) as served, Client(served) as other, Client(served) as client:
        flooded(client)
        assert left_in_time(served, 1)
        other.send(HELLO)
        assert other.read()[0]["id"] == 1


def test_one_who_says_nothing_is_left(lab: Lab, place: Path) -> None:
    """After a longer while, unless it listens to events; then nobody is looked for any more."""
    idle = Terms(stalled_s=3600.0, idle_s=0.05, look_s=0.01)
    with standing(lab, place, terms=idle) as served, Client(served) as listener, Client(served):
        listener.send(SUBSCRIBE)
        assert left_in_time(served, 1)
        listener.connection.close()
        assert left_in_time(served, 0)
        served.loop.do_due(float("inf"))
        assert served.loop.calls == 0


def numbers(lines: list[Line]) -> list[tuple[int, int]]:
    """Return the sequence numbers of events, and how many before each were lost."""
    return [(line["params"]["sequence"], line["params"]["lost"]) for line in lines if "params" in line]


def test_events_that_nobody_takes_are_lost_and_counted(lab: Lab, place: Path) -> None:
    """A client that is too slow hears how many; another one hears all of them, and one that did not ask none."""
    with standing(lab, place) as served, Client(served) as slow, Client(served) as quick, Client(served) as deaf:
        slow.send(SUBSCRIBE)
        quick.send(SUBSCRIBE)
        heard = []
        told = 4 * MOST_UNSENT // 500
        for _ in range(told):
            served.loop.tell(EVENT)
            served.loop.tell(Transmit("eth0", bytes(6), b""))
            heard += quick.read()
        assert numbers(heard) == [(number, 0) for number in range(1, told + 1)]
        assert deaf.read() == []
        slow.read()
        served.loop.tell(EVENT)
        last = numbers(slow.read())[-1]
        assert last[0] == told + 1
        assert last[1] > 0


def test_an_event_and_its_time(lab: Lab, place: Path) -> None:
    """Seconds since the epoch; the subscription can be ended."""
    with standing(lab, place) as served, Client(served) as client:
        client.send(SUBSCRIBE)
        before = time.time()
        served.loop.tell(EVENT)
        _, line = client.read()
        assert line["method"] == "event"
        assert line["params"]["time"] == pytest.approx(before, abs=DEADLINE_S)
        assert line["params"]["home_address"] == "2001:db8:1::100"
        client.send(SUBSCRIBE.replace(b"sub", b"unsub"))
        served.loop.tell(EVENT)
        assert len(client.read()) == 1


def test_a_loop_that_wakes_for_nothing(lab: Lab, place: Path) -> None:
    """Nothing happens: nobody is there to be accepted, nothing to be read, and no room to write."""
    with standing(lab, place) as served, Client(served) as quiet, Client(served) as busy:
        flooded(busy)
        for _ in range(TURNS):
            served.loop.call_all()
        assert served.server.clients == 2
        quiet.send(HELLO)
        assert quiet.read()[0]["id"] == 1


def test_one_who_leaves_with_answers_to_come(lab: Lab, place: Path) -> None:
    """Sending fails, and it is forgotten; with something that it did not read, reading fails likewise."""
    with standing(lab, place) as served, Client(served) as busy, Client(served) as rude:
        flooded(busy)
        busy.connection.close()
        served.loop.call_all()
        busy.turn()
        rude.connection.send(HELLO)
        served.loop.turn()
        served.loop.turn()
        rude.connection.close()
        rude.turn()
        assert served.server.clients == 0


def test_a_server_that_closes_leaves_its_clients(lab: Lab, place: Path) -> None:
    """In the middle of whatever they do."""
    with standing(lab, place) as served, Client(served) as idle, Client(served) as busy:
        flooded(busy)
        served.server.close()
        assert idle.is_left()
        with pytest.raises(ConnectionResetError):
            busy.read()


def test_clients_that_cannot_be_accepted_are_so_later(place: Path) -> None:
    """Where there is no descriptor left; meanwhile the loop has nothing to do."""
    loop = TurningLoop()
    taken: list[socket.socket] = []
    with socket.socket(socket.AF_UNIX) as listener, socket.socket(socket.AF_UNIX) as client:
        place.parent.mkdir()
        listener.setblocking(False)
        listener.bind(str(place))
        failing = Failing(listener)
        acceptor = Acceptor(loop, cast(socket.socket, failing), taken.append)
        listener.listen()
        client.connect(str(place))
        assert loop.turn(DEADLINE_S) == 1
        assert loop.turn() == loop.watched == 0
        assert loop.calls == 1
        failing.is_failing = False
        loop.do_due(time.monotonic() + AGAIN_S)
        assert loop.turn(DEADLINE_S) == 1
        assert len(taken) == 1
        taken[0].close()
        acceptor.close()
    loop.close()


class Failing:
    """A listening socket that accepts nothing while ``is_failing``."""

    def __init__(self, listener: socket.socket) -> None:
        self.is_failing = True
        self.fileno = listener.fileno
        self.close = listener.close
        self._listener = listener

    def accept(self) -> tuple[socket.socket, object]:
        """Accept as the socket does, or fail as it does without descriptors."""
        if self.is_failing:
            raise OSError(errno.EMFILE, "no descriptors")
        return self._listener.accept()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.one_of(st.binary(max_size=200), st.sampled_from((HELLO, SUBSCRIBE, b"\n", b"x" * 70_000)))))
def test_any_bytes_do_no_harm(lab: Lab, tmp_path: Path, pieces: list[bytes]) -> None:
    """Each line is answered with a line at the most; another client is answered as ever."""
    with standing(lab, tmp_path / "mn.sock") as served, Client(served) as client, Client(served) as other:
        for piece in pieces:
            client.send(piece)
        said = b"".join(pieces)
        assert len(client.read()) <= said.count(b"\n") + 1
        other.send(HELLO)
        assert other.read()[0]["id"] == 1
