"""The control socket of a node: whoever may connect asks what ``protocol`` says, and the node goes on meanwhile.

It lives in the loop that drives the node and never waits. In one turn of the loop a client gets one
answer, so that the node is late for nothing; what a client does not take is kept up to a bound, and a
client that takes nothing is left. Only root and the user that mipd runs as may connect.
"""

import os
import socket
import struct
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from msgspec import Struct

from mipsh.mobility.effects import Effect
from mipsh.mobility.node import Node
from mipsh.node.control_session import Clock, ControlSession, Impair, refusal
from mipsh.node.counting import CountingTrace
from mipsh.node.happenings import happening
from mipsh.node.listening import listen_unix, prepare_folder
from mipsh.node.loop import Acceptor, Handle, Loop
from mipsh.node.protocol import LONGEST_LINE, Code, Event
from mipsh.node.signalling import signalling

MOST_CLIENTS = 32
MOST_UNSENT = 256 * 1024
"""Bytes of events and answers that wait for a client at the most; events beyond that are lost to it."""
READ_SIZE = 16 * 1024
CREDENTIALS = struct.Struct("iII")


class Terms(Struct, frozen=True):
    """Whom a server serves: ``users`` may connect; None are root and the user of the process.

    A client is left that takes nothing of what waits for it for ``stalled_s``, or says and hears nothing
    for ``idle_s``; it is looked for such clients every ``look_s``.
    """

    users: frozenset[int] | None = None
    stalled_s: float = 10.0
    idle_s: float = 300.0
    look_s: float = 5.0

    def admits(self, user: int) -> bool:
        """Tell whether a user may connect."""
        return user in (self.users or (0, os.geteuid()))


class ControlServer:
    """Serves a node's control socket at a path; ``open`` begins, ``close`` ends and removes it.

    ``open`` raises RefusedError for a place that is taken or not permitted, UsageError for one that
    cannot be, EngineError otherwise. ``clock`` is the node's; ``impair`` makes a link worse, where that
    can be done.
    """

    def __init__(
        self,
        node: Node,
        driver: Loop,
        path: Path,
        *,
        terms: Terms | None = None,
        clock: Clock = time.monotonic,
        impair: Impair | None = None,
    ) -> None:
        self.path = path
        self._impair = impair
        self.node = node
        self._loop = driver
        self._clock = clock
        self._terms = terms or Terms()
        self._acceptor: Acceptor | None = None
        self._place: tuple[int, int] | None = None
        self._clients: list[_Client] = []
        self._look: Handle | None = None
        self._watched: CountingTrace | None = None

    def open(self) -> None:
        """Listen; nothing when it does already."""
        if self._acceptor is not None:
            return
        prepare_folder(self.path.parent)
        self._acceptor = Acceptor(self._loop, listen_unix(self.path), self._take)
        found = self.path.lstat()
        self._place = found.st_dev, found.st_ino
        self._loop.listeners.append(self._heard)
        if isinstance(self.node.trace, CountingTrace):
            self._watched = self.node.trace
            self._watched.watchers.append(self._seen)

    def close(self) -> None:
        """Leave all clients and remove the socket, unless another server's is there by now; harmless when closed."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is None:
            return
        acceptor.close()
        self._loop.listeners.remove(self._heard)
        if self._watched is not None:
            self._watched.watchers.remove(self._seen)
        for client in tuple(self._clients):
            client.close()
        if self._look is not None:
            self._look.cancel()
            self._look = None
        with suppress(OSError):
            found = self.path.lstat()
            if (found.st_dev, found.st_ino) == self._place:
                self.path.unlink()

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def _take(self, connection: socket.socket) -> None:
        if not self._terms.admits(_user(connection)):
            _turn_away(connection, refusal(Code.REFUSED, "this socket is for its owner and for root"))
        elif len(self._clients) >= MOST_CLIENTS:
            _turn_away(connection, refusal(Code.BUSY, f"{MOST_CLIENTS} clients are connected already"))
        else:
            session = ControlSession(
                self.node, self._loop.perform, self._loop.set_link, self._clock, impair=self._impair
            )
            self._clients.append(_Client(connection, session, self._loop, self._clients.remove))
            if self._look is None:
                self._look_again()

    def _heard(self, at: float, effect: Effect) -> None:
        """Tell those who subscribed of what happened, at a time of the monotonic clock."""
        if subscribers := self._subscribers():
            self._tell(subscribers, happening(effect, _since_the_epoch(at)))

    def _seen(self, at: float, is_received: bool, data: bytes) -> None:
        """Tell them of a message that came or went."""
        if subscribers := self._subscribers():
            self._tell(subscribers, signalling(data, is_received, _since_the_epoch(at)))

    def _subscribers(self) -> "list[_Client]":
        return [client for client in self._clients if client.session.is_subscribed]

    @staticmethod
    def _tell(subscribers: "list[_Client]", told: Event | None) -> None:
        if told is not None:
            for client in subscribers:
                client.tell(told)

    def _look_again(self) -> None:
        """Leave those who take nothing, as long as there are clients."""
        now = time.monotonic()
        for client in tuple(self._clients):
            if client.is_dead(now, self._terms):
                client.close()
        self._look = self._loop.call_at(now + self._terms.look_s, self._look_again) if self._clients else None


class _Client:
    """A connection: nothing is read from it while a request or an answer waits, so that nothing piles up."""

    def __init__(
        self, connection: socket.socket, session: ControlSession, loop: Loop, gone: Callable[["_Client"], None]
    ) -> None:
        self.session = session
        self._connection = connection
        self._loop = loop
        self._gone = partial(gone, self)
        self._received = bytearray()
        self._unsent = bytearray()
        self._is_skipping = False
        self._is_reading = self._is_writing = False
        self._moved = time.monotonic()
        self._watch()

    def is_dead(self, now: float, terms: Terms) -> bool:
        """Tell whether the client takes nothing, or does nothing."""
        quiet_s = now - self._moved
        if self._is_writing:
            return quiet_s > terms.stalled_s
        return quiet_s > terms.idle_s and not self.session.is_subscribed

    def tell(self, told: Event) -> None:
        """Have an event sent, or count it as lost where too much waits already."""
        if len(self._unsent) >= MOST_UNSENT:
            self.session.lose()
        else:
            self._queue(self.session.event(told))
            self._watch()

    def close(self) -> None:
        """Leave."""
        self._set_watch(False, False)
        self._connection.close()
        self._gone()

    def _queue(self, data: bytes) -> None:
        if not self._unsent:
            self._moved = time.monotonic()
        self._unsent += data

    def _watch(self) -> None:
        """Have the loop call for what is to be done next."""
        has_line = b"\n" in self._received
        self._set_watch(not (has_line or self._unsent), bool(has_line or self._unsent))

    def _set_watch(self, reading: bool, writing: bool) -> None:
        descriptor = self._connection.fileno()
        if reading and not self._is_reading:
            self._loop.add_reader(descriptor, self._read)
        elif self._is_reading and not reading:
            self._loop.remove_reader(descriptor)
        if writing and not self._is_writing:
            self._loop.add_writer(descriptor, self._write)
        elif self._is_writing and not writing:
            self._loop.remove_writer(descriptor)
        self._is_reading, self._is_writing = reading, writing

    def _read(self) -> None:
        try:
            data = self._connection.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self.close()
            return
        self._moved = time.monotonic()
        self._received += data
        self._answer()
        self._watch()

    def _answer(self) -> None:
        """Answer the first whole line that is there; one that is too long is skipped to its end."""
        line, newline, rest = self._received.partition(b"\n")
        is_too_long = len(line) >= LONGEST_LINE
        if newline or is_too_long:
            self._received = rest
            if is_too_long and not self._is_skipping:
                self._queue(refusal(Code.UNREADABLE, f"a line has at most {LONGEST_LINE} bytes"))
            elif not self._is_skipping:
                self._queue(self.session.answer(bytes(line)))
            self._is_skipping = not newline

    def _write(self) -> None:
        """Send what goes at once; when nothing is left to send, answer the next line."""
        if not self._unsent:
            self._answer()
        try:
            sent = self._connection.send(self._unsent) if self._unsent else 0
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        del self._unsent[:sent]
        self._moved = time.monotonic()
        self._watch()


def _since_the_epoch(monotonic: float) -> float:
    return time.time() - time.monotonic() + monotonic


def _turn_away(connection: socket.socket, why: bytes) -> None:
    """Say why, as well as it goes, and hang up."""
    with connection, suppress(OSError):
        connection.send(why)


def _user(connection: socket.socket) -> int:
    """Return the user at the other end, as the kernel knows it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(raw)[1])
