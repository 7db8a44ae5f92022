"""The control socket of a node: whoever may connect asks what ``protocol`` says, and the node goes on meanwhile.

It lives in the loop that drives the node and never waits: what a client does not take is kept up to
a bound, and a client that takes nothing is left. Only root and the user that mipd runs as may
connect. A socket that a dead server left behind is replaced, one that is listened on is not.
"""

import errno
import os
import socket
import stat
import struct
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from typing import Protocol

from mipsh.errors import EngineError, MipshError, RefusedError, UsageError
from mipsh.mobility.effects import Effect
from mipsh.mobility.node import Node
from mipsh.node.control_session import ControlSession, Happening, happening, refusal
from mipsh.node.protocol import LONGEST_LINE, Code

MOST_CLIENTS = 32
MOST_UNSENT = 256 * 1024
"""Bytes that wait for a client at the most; events beyond half of them are lost to it."""
STALLED_S, IDLE_S, LOOKS_EVERY_S = 10.0, 300.0, 5.0
"""How long a client may take nothing of what waits for it, and how long one may say and hear nothing."""
READ_SIZE = 16 * 1024
BACKLOG = 16
FOLDER_MODE, SOCKET_MODE = 0o700, 0o600
CREDENTIALS = struct.Struct("iII")
LONGEST_PATH = 107


class Handle(Protocol):
    """A call that will be made, unless it is cancelled."""

    def cancel(self) -> None:
        """Do not make it."""


class Loop(Protocol):
    """What the control socket needs of a driver."""

    listeners: list[Callable[[float, Effect], None]]

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry out what a call into the node returned."""

    def add_reader(self, fd: int, callback: Callable[[], None]) -> None:
        """Call when a descriptor can be read from."""

    def remove_reader(self, fd: int) -> None:
        """Call so no more."""

    def add_writer(self, fd: int, callback: Callable[[], None]) -> None:
        """Call when a descriptor can be written to."""

    def remove_writer(self, fd: int) -> None:
        """Call so no more."""

    def call_at(self, monotonic_time: float, callback: Callable[[], None]) -> Handle:
        """Call at a time."""

    def set_link(self, interface: str, is_up: bool) -> None:
        """Tell the node that an interface has a link, or has none."""


class ControlServer:
    """Serves a node's control socket at a path; ``open`` begins, ``close`` ends and removes it.

    ``open`` raises RefusedError for a place that is taken or not permitted, UsageError for one that
    cannot be, EngineError otherwise. ``allowed`` are the users that may connect.
    """

    def __init__(self, node: Node, driver: Loop, path: Path, *, allowed: frozenset[int] | None = None) -> None:
        self.path = path
        self.node = node
        self._loop = driver
        self._allowed = frozenset((0, os.geteuid())) if allowed is None else allowed
        self._listener: socket.socket | None = None
        self._place: tuple[int, int] | None = None
        self._clients: list[_Client] = []
        self._look: Handle | None = None

    def open(self) -> None:
        """Listen; nothing when it does already."""
        if self._listener is not None:
            return
        self._listener = _listen(self.path)
        found = os.lstat(self.path)
        self._place = found.st_dev, found.st_ino
        self._loop.add_reader(self._listener.fileno(), self._accept)
        self._loop.listeners.append(self._heard)

    def close(self) -> None:
        """Leave all clients and remove the socket, unless another server's is there by now; harmless when closed."""
        listener, self._listener = self._listener, None
        if listener is None:
            return
        self._loop.listeners.remove(self._heard)
        self._loop.remove_reader(listener.fileno())
        listener.close()
        for client in tuple(self._clients):
            client.close()
        if self._look is not None:
            self._look.cancel()
            self._look = None
        with suppress(OSError):
            found = os.lstat(self.path)
            if (found.st_dev, found.st_ino) == self._place:
                self.path.unlink()

    @property
    def clients(self) -> int:
        """How many clients are connected."""
        return len(self._clients)

    def _accept(self) -> None:
        if self._listener is None:
            return
        try:
            connection, _ = self._listener.accept()
        except OSError:
            return
        connection.setblocking(False)
        if _user(connection) not in self._allowed:
            _turn_away(connection, refusal(Code.REFUSED, "this socket is for its owner and for root"))
        elif len(self._clients) >= MOST_CLIENTS:
            _turn_away(connection, refusal(Code.BUSY, f"{MOST_CLIENTS} clients are connected already"))
        else:
            session = ControlSession(self.node, self._loop.perform, self._loop.set_link)
            self._clients.append(_Client(connection, session, self._loop, self._clients.remove))
            self._keep_looking()

    def _heard(self, at: float, effect: Effect) -> None:
        """Tell those who subscribed of what happened at a time of the monotonic clock."""
        subscribers = [client for client in self._clients if client.session.is_subscribed]
        told = happening(effect, time.time() - time.monotonic() + at) if subscribers else None
        for client in () if told is None else subscribers:
            client.tell(told)

    def _keep_looking(self) -> None:
        """Leave those who take nothing; look again while there are clients."""
        now = time.monotonic()
        for client in tuple(self._clients):
            if client.is_dead(now):
                client.close()
        if self._look is not None:
            self._look.cancel()
        self._look = self._loop.call_at(now + LOOKS_EVERY_S, self._keep_looking) if self._clients else None


class _Client:
    """A connection: it is read from only while little waits to be sent, so that nothing piles up."""

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
        self._is_reading = False
        self._is_writing = False
        self._is_open = True
        self._moved = time.monotonic()
        self._watch()

    def is_dead(self, now: float) -> bool:
        """Tell whether the client takes nothing, or has nothing to do with it."""
        quiet_s = now - self._moved
        return quiet_s > STALLED_S if self._unsent else quiet_s > IDLE_S and not self.session.is_subscribed

    def tell(self, told: Happening) -> None:
        """Send an event, or count it as lost where too much waits already."""
        if len(self._unsent) > MOST_UNSENT // 2:
            self.session.lose()
            return
        self._unsent += self.session.event(told)
        self._write()

    def close(self) -> None:
        """Leave; harmless when it was left."""
        if not self._is_open:
            return
        self._is_open = False
        self._unsent.clear()
        self._received.clear()
        self._watch()
        self._connection.close()
        self._gone()

    def _watch(self) -> None:
        """Have the loop watch for what is of use now."""
        fd = self._connection.fileno()
        reading = self._is_open and len(self._unsent) <= LONGEST_LINE
        writing = self._is_open and bool(self._unsent)
        if reading != self._is_reading:
            if reading:
                self._loop.add_reader(fd, self._read)
            else:
                self._loop.remove_reader(fd)
        if writing != self._is_writing:
            if writing:
                self._loop.add_writer(fd, self._write)
            else:
                self._loop.remove_writer(fd)
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
        self._write()

    def _answer(self) -> None:
        """Answer the whole lines that are there, as long as there is room for answers."""
        while len(self._unsent) <= LONGEST_LINE:
            line, newline, rest = self._received.partition(b"\n")
            if not newline:
                break
            self._received = rest
            if not self._is_skipping:
                self._unsent += self.session.answer(bytes(line))
            self._is_skipping = False
        if len(self._received) >= LONGEST_LINE and b"\n" not in self._received:
            if not self._is_skipping:
                self._unsent += refusal(Code.UNREADABLE, f"a line has at most {LONGEST_LINE} bytes")
            self._is_skipping = True
            self._received.clear()

    def _write(self) -> None:
        """Send what goes at once, and answer what had to wait for that."""
        while self._is_open and self._unsent:
            try:
                sent = self._connection.send(self._unsent)
            except BlockingIOError:
                break
            except OSError:
                self.close()
                return
            del self._unsent[:sent]
            self._moved = time.monotonic()
            self._answer()
        self._watch()


def _turn_away(connection: socket.socket, why: bytes) -> None:
    """Say why, as well as it goes, and hang up."""
    with connection, suppress(OSError):
        connection.send(why)


def _user(connection: socket.socket) -> int:
    """Return the user at the other end, as the kernel knows it."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, CREDENTIALS.size)
    return int(CREDENTIALS.unpack(raw)[1])


def _listen(path: Path) -> socket.socket:
    """Return a socket that listens at a path, in a folder that is the user's alone."""
    if len(os.fsencode(path)) > LONGEST_PATH:
        raise UsageError(f"cannot listen on {path}: it has more than {LONGEST_PATH} bytes")
    try:
        _prepare(path.parent)
        if _is_stale(path):
            path.unlink(missing_ok=True)
        with ExitStack() as undo:
            listener = undo.enter_context(socket.socket(socket.AF_UNIX))
            # Linux gives the new file the mode that its socket has when it is bound.
            os.fchmod(listener.fileno(), SOCKET_MODE)
            listener.setblocking(False)
            listener.bind(os.fspath(path))
            path.chmod(SOCKET_MODE)
            listener.listen(BACKLOG)
            undo.pop_all()
        return listener
    except OSError as error:
        raise _refusal(path, error) from error


def _prepare(folder: Path) -> None:
    """Make the folder; one that others may write to, or that is somebody else's, is refused."""
    folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
    found = folder.stat()
    if found.st_uid not in (0, os.geteuid()) or stat.S_IMODE(found.st_mode) & 0o077:
        raise RefusedError(
            f"cannot listen in {folder}: others may enter it",
            f"it must be yours alone: chmod 0700 {folder}, or name another place with 'control'",
        )


def _is_stale(path: Path) -> bool:
    """Tell whether a socket's file was left behind by a server that is gone.

    A datagram socket cannot connect to a stream one, but is told whether there is one: nobody is disturbed.
    """
    if not path.is_socket():
        return False
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as probe:
        return probe.connect_ex(os.fspath(path)) == errno.ECONNREFUSED


def _refusal(path: Path, error: OSError) -> MipshError:
    message = f"cannot listen on {path}: {error.strerror or error}"
    if error.errno == errno.EADDRINUSE:
        return RefusedError(message, "another mipd of that name runs, or another file is there; choose another name")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        return RefusedError(message, "run it as root, or set XDG_RUNTIME_DIR to a folder of yours")
    if error.errno in (errno.ENOENT, errno.ENOTDIR):
        return UsageError(message, "expected a path in a folder that can be made")
    return EngineError(message)
