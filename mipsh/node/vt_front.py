"""mip6d's virtual terminal in front of a node, in the loop that drives it: its manners and its text.

As mip6d's it can change a home agent's bindings (``bc add``, ``bc del``), and nothing else. A table is
printed in pieces, one in a turn of the loop and only when the one before is sent, so that no client
delays the node.
"""

import selectors
import socket
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import Any

from msgspec import Struct, structs

from mipsh.errors import UsageError
from mipsh.mobility.node import Node
from mipsh.node import readings
from mipsh.node.control_actions import Perform
from mipsh.node.listening import listen_tcp
from mipsh.node.loop import Acceptor, Loop
from mipsh.node.vt import READ_SIZE, VtSession
from mipsh.node.vt_bindings import change
from mipsh.node.vt_text import ENTRIES, binding, counters
from mipsh.recording import VtOptions

HOSTS = ("::1", "127.0.0.1")
"""Where a terminal may be: the first of these that there is."""
PIECE_ROWS = 16
Clock = Callable[[], float]

COMMANDS = {
    "bc": "binding_cache",
    "bul": "binding_update_list",
    "rr": "return_routability",
    "nonce": "nonces",
    "hal": "home_agents",
    "pl": "prefixes",
    "stats": "statistics",
}
"""The commands, and the tables that they print."""
VERBOSE_FIELDS = {
    "bc": ("home_nonce_index", "care_of_nonce_index", "tunnel_interface", "link_interface"),
    "nonce": ("home_nonce_index", "care_of_nonce_index", "tunnel_interface", "link_interface"),
    "bul": ("last_care_of_address",),
}
"""What is printed with ``verbose yes`` only."""


class NodeResponder:
    """Answers a terminal's commands from a node; ``perform`` carries out what they cause."""

    def __init__(self, node: Node, perform: Perform, clock: Clock = time.monotonic) -> None:
        self._node = node
        self._perform = perform
        self._clock = clock

    def words(self) -> tuple[str, ...]:
        """Return the commands that mip6d has in this role."""
        kept = readings.of(self._node)
        return tuple(word for word, table in COMMANDS.items() if table in kept or word == "stats")

    def change(self, words: Sequence[str], is_ended: bool) -> str | None:
        """Add or delete a binding of a home agent; None for other commands."""
        return change(self._node, words, is_ended, self._perform, self._clock())

    def answer(self, command: str, options: VtOptions) -> Iterable[str] | None:
        """Return a table's text in pieces, None for what is no command."""
        if command not in self.words():
            return None
        now = self._clock()
        if command == "stats":
            return counters(readings.statistics(self._node, now))
        return _pieces(command, readings.READINGS[COMMANDS[command]](self._node, now), options)


def _pieces(command: str, rows: Iterator[Struct], options: VtOptions) -> Iterator[str]:
    hidden = {} if options.verbose else dict.fromkeys(VERBOSE_FIELDS.get(command, ()))
    while batch := [structs.replace(row, **hidden) for row in islice(rows, PIECE_ROWS)]:
        yield "".join(_printed(command, row, options.fancy) for row in batch)


def _printed(command: str, row: Any, is_fancy: bool) -> str:
    entry = ENTRIES[command]
    return binding(row, is_fancy=is_fancy) if entry is binding else entry(row)


class VtFront:
    """Serves a node's terminal on a TCP port of this machine; ``open`` begins, ``close`` ends.

    ``open`` raises RefusedError for a port that is taken or not permitted, UsageError for one that
    cannot be. One client at a time is served; another one is accepted and closed.
    """

    def __init__(
        self, node: Node, driver: Loop, port: int, *, hosts: Sequence[str] = HOSTS, clock: Clock = time.monotonic
    ) -> None:
        self.address: tuple[str, int] | None = None
        self._responder = NodeResponder(node, driver.perform, clock)
        self._loop = driver
        self._wanted = [(host, port) for host in hosts]
        self._acceptor: Acceptor | None = None
        self._client: _Client | None = None

    def open(self) -> None:
        """Listen; nothing when it does already."""
        if self._acceptor is None:
            listener = self._listening()
            host, port = listener.getsockname()[:2]
            self.address = host, port
            self._acceptor = Acceptor(self._loop, listener, self._take)

    def _listening(self) -> socket.socket:
        *others, last = self._wanted
        for place in others:
            try:
                return listen_tcp(*place)
            except UsageError:
                continue
        return listen_tcp(*last)

    def close(self) -> None:
        """Leave the client and listen no more; harmless when closed."""
        acceptor, self._acceptor = self._acceptor, None
        if acceptor is not None:
            acceptor.close()
        if self._client is not None:
            self._client.close()

    def _take(self, connection: socket.socket) -> None:
        if self._client is not None and self._client.has_left():
            self._client.close()
        if self._client is not None:
            connection.close()
        else:
            # A reply is several small sends: none of them is to wait for the client's acknowledgement.
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._client = _Client(connection, VtSession(self._responder), self._loop, self._gone)

    def _gone(self) -> None:
        self._client = None


class _Client:
    """The client in the slot: either a command is awaited or something is being sent."""

    def __init__(self, connection: socket.socket, session: VtSession, loop: Loop, gone: Callable[[], None]) -> None:
        self._connection = connection
        self._session = session
        self._loop = loop
        self._gone = gone
        self._pieces: Iterator[bytes] = iter((session.greeting(),))
        self._unsent = memoryview(b"")
        self._watch(selectors.EVENT_WRITE)

    def has_left(self) -> bool:
        """Tell whether the client hung up, though that was not yet noticed."""
        try:
            return not self._connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True

    def close(self) -> None:
        """Leave."""
        self._watch(0)
        self._connection.close()
        self._gone()

    def _watch(self, event: int) -> None:
        descriptor = self._connection.fileno()
        if event == selectors.EVENT_READ:
            self._loop.add_reader(descriptor, self._read)
        else:
            self._loop.remove_reader(descriptor)
        if event == selectors.EVENT_WRITE:
            self._loop.add_writer(descriptor, self._write)
        else:
            self._loop.remove_writer(descriptor)

    def _read(self) -> None:
        """Take in a command; one that leaves, or a client that has left, ends it."""
        try:
            read = self._connection.recv(READ_SIZE)
        except BlockingIOError:
            return
        except OSError:
            read = b""
        pieces = self._session.pieces(read) if read else None
        if pieces is None:
            self.close()
            return
        self._pieces = pieces
        self._watch(selectors.EVENT_WRITE)

    def _write(self) -> None:
        """Send what goes at once of the next piece; behind the last one, a command is awaited."""
        if not self._unsent:
            self._unsent = memoryview(next(self._pieces, b""))
        if not self._unsent:
            self._watch(selectors.EVENT_READ)
            return
        try:
            sent = self._connection.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            self.close()
            return
        self._unsent = self._unsent[sent:]
