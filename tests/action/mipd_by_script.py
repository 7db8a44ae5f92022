"""A mipd that does what a script says: it answers on its control socket, and acts when it is told to do something.

A script is a list of moments, each so many seconds after the one before: an event is told, a table
changes, or the engine dies.
"""

import socket
import threading
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, NamedTuple, Self

import msgspec
from msgspec import Raw, Struct

from mipsh.engine import Action
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry, HomePrefix
from mipsh.node.control_session import VERBS
from mipsh.node.protocol import VERSION, Code, Event, Hello, Notification, Problem, Reply

HOA, COA, HA, CN = "2001:db8:1::100", "2001:db8:2::77", "2001:db8:1::1", "2001:db8:4::2"
KEPT: dict[str, tuple[str, ...]] = {
    "mn": ("binding_cache", "binding_update_list", "return_routability", "statistics"),
    "ha": ("binding_cache", "home_agents", "prefixes", "statistics"),
    "cn": ("binding_cache", "statistics"),
}
DEADLINE_S = 20.0
Role = Literal["mn", "ha", "cn"]


class Show(NamedTuple):
    """A table is like that from now on."""

    table: str
    rows: Sequence[Struct]


class Die(NamedTuple):
    """The engine ends: all its connections are closed, and nothing listens any more."""


class Moment(NamedTuple):
    """So many seconds after the one before, something happens."""

    delay_s: float
    what: Event | Show | Die


class Mipd:
    """The engine, served in threads of its own from when it is made until it is left.

    ``answers`` are what actions are answered with where that is not a plain yes; ``asked`` are the lines
    that came, and ``done`` those of them that were actions. What it ``holds`` it never answers.
    ``becomes`` says which table is another before an action is answered.
    ``triggered`` is set by the first action, ``told`` when the script is over.
    """

    def __init__(
        self,
        path: Path,
        *,
        role: Role = "mn",
        tables: Mapping[str, Sequence[Struct]] | None = None,
        script: Iterable[Moment] = (),
        answers: Mapping[str, Problem | Mapping[str, Any]] | None = None,
        holds: Sequence[str] = (),
        becomes: Mapping[str, Show] | None = None,
    ) -> None:
        self.role: Role = role
        self.asked: list[bytes] = []
        self.told = threading.Event()
        self.triggered = threading.Event()
        self._path = path
        self._tables = dict.fromkeys(KEPT[role], ()) | dict(tables or {})
        self._script = script
        self._answers = answers or {}
        self._holds = holds
        self._becomes = becomes or {}
        self._lock = threading.RLock()
        self._heard = threading.Condition()
        self._stopped = threading.Event()
        self._connections: list[socket.socket] = []
        self._subscribed: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._start(self._accept)

    @property
    def uri(self) -> str:
        """The address."""
        return f"mipd://{self._path}"

    @property
    def methods(self) -> list[str]:
        """The methods of the lines that came."""
        return [msgspec.json.decode(line)["method"] for line in self.asked]

    @property
    def done(self) -> list[str]:
        """The lines that were no mere questions, without the number of the question."""
        actions = [action.value for action in Action]
        read = [msgspec.json.decode(line) for line in self.asked]
        return [msgspec.json.encode({**line, "id": 1}).decode() for line in read if line["method"] in actions]

    def await_asked(self, method: str, times: int) -> None:
        """Wait until something was asked so many times more."""
        wanted = self.methods.count(method) + times
        with self._heard:
            assert self._heard.wait_for(lambda: self.methods.count(method) >= wanted, DEADLINE_S)

    def __enter__(self) -> Self:
        """Return it."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it, and wait for its threads."""
        self._stopped.set()
        self.die()
        for thread in list(self._threads):
            thread.join(DEADLINE_S)

    def die(self) -> None:
        """Close everything."""
        with self._lock:
            self._subscribed.clear()
            for one in (self._listener, *self._connections):
                with suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)
                one.close()
            self._connections.clear()

    def _start(self, work: Any, *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with self._lock:
                    self._connections.append(connection)
                self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        with suppress(OSError, ValueError), connection, connection.makefile("rb") as stream:
            for line in stream:
                with self._heard:
                    self.asked.append(line)
                    self._heard.notify_all()
                self._answer(connection, msgspec.json.decode(line))
        with self._lock:
            if connection in self._subscribed:
                self._subscribed.remove(connection)
            if connection in self._connections:
                self._connections.remove(connection)

    def _answer(self, connection: socket.socket, request: dict[str, Any]) -> None:
        method, number = request["method"], request["id"]
        answer = self._answers.get(method)
        if isinstance(answer, Problem):
            reply = Reply("2.0", number, error=answer)
        else:
            reply = Reply("2.0", number, result=Raw(msgspec.json.encode(answer or self._result(method))))
        with self._lock:
            if method in self._becomes:
                self._do(self._becomes[method], 0)
            if method not in self._holds:
                connection.sendall(msgspec.json.encode(reply) + b"\n")
            if method == "subscribe":
                self._subscribed.append(connection)
        if method in [action.value for action in Action] and not self.triggered.is_set():
            self.triggered.set()
            self._start(self._play)

    def _result(self, method: str) -> object:
        if method == "hello":
            kept = KEPT[self.role]
            told = (*VERBS, *(action.value for action in Action), *kept)
            homes = (HOA,) if self.role == "mn" else ()
            return Hello(VERSION, "mipd", "1", "x", self.role, kept, told, homes)
        if method in KEPT[self.role]:
            with self._lock:
                return {"taken_at": 1.0, "rows": list(self._tables[method])}
        return {"state": "waiting_for_ack", "removed": 1}

    def _play(self) -> None:
        """Do what the script says."""
        for sequence, moment in enumerate(self._script, 1):
            if self._stopped.wait(moment.delay_s):
                return
            self._do(moment.what, sequence)
        self.told.set()

    def _do(self, what: Event | Show | Die, sequence: int) -> None:
        if isinstance(what, Show):
            with self._lock:
                self._tables[what.table] = what.rows
        elif isinstance(what, Die):
            self.die()
        else:
            line = msgspec.json.encode(Notification("2.0", "event", msgspec.structs.replace(what, sequence=sequence)))
            with self._lock:
                subscribed = list(self._subscribed)
            for connection in subscribed:
                with suppress(OSError):
                    connection.sendall(line + b"\n")


def complains(message: str, hint: str = "", code: Code = Code.FAILED) -> Problem:
    """Return an answer that is a no."""
    return Problem(int(code), message, hint)


# What goes over the link.


def update(sequence: int, peer: str = HA, home_address: str = HOA, flags: tuple[str, ...] | None = None) -> Event:
    """Return that a Binding Update went out."""
    letters = (("A", "H") if peer == HA else ("A",)) if flags is None else flags
    return Event(1.0, "bindingUpdateSent", home_address, COA, peer, mh_sequence=sequence, lifetime_s=420, flags=letters)


def answer(sequence: int, status: int, peer: str = HA, lifetime_s: int = 420, home_address: str = HOA) -> Event:
    """Return that a Binding Acknowledgement came."""
    granted = lifetime_s if status < 128 else 0
    return Event(
        1.0,
        "bindingAcknowledgementReceived",
        home_address,
        COA,
        peer,
        mh_sequence=sequence,
        lifetime_s=granted,
        status=status,
        flags=(),
    )


def error(status: int, peer: str = CN) -> Event:
    """Return that a Binding Error came."""
    return Event(1.0, "bindingErrorReceived", HOA, COA, peer, status=status)


# What the tables say.


def entry(
    sequence: int | None,
    state: str = "bound",
    peer: str = HA,
    *,
    home_address: str = HOA,
    flags: tuple[str, ...] | None = None,
    next_event_s: int | None = 400,
    interface: str = "eth0",
) -> BindingUpdateListEntry:
    """Return a row of the binding update list: the home registration, or one with a correspondent."""
    is_home = peer == HA
    letters = (("A", "H") if is_home else ("A",)) if flags is None else flags
    return BindingUpdateListEntry(
        home_address,
        COA,
        peer,
        "home" if is_home else "correspondent",
        state,
        "refresh",
        next_event_s,
        410,
        420,
        sequence,
        "bul",
        letters,
        "wait" if state == "waiting_for_ack" else "ready",
        retransmissions=0,
        age_s=10,
        delay_s=400.0,
        interface=interface,
        last_care_of_address=COA,
    )


def binding(sequence: int = 7, **values: Any) -> BindingCacheEntry:
    """Return a row of a home agent's binding cache."""
    given: dict[str, Any] = {
        "home_address": HOA,
        "care_of_address": COA,
        "status": "registered",
        "flags": ("A", "H"),
        "lifetime_remaining_s": 300,
        "lifetime_granted_s": 420,
        "age_s": 120,
        "sequence": sequence,
        "local_address": HA,
    }
    return BindingCacheEntry(**{**given, **values})


PREFIX = HomePrefix("eth0", f"{HA}/64", 86400, 86400, flags=("O", "A", "R"))
