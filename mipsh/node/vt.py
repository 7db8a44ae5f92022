"""A server with the manners of mip6d's virtual terminal, around a responder that has the content.

Its manners: a greeting without NUL, one client at a time (another is accepted and closed without
a byte), one read is one command, every reply ended by NUL, and options that last as long as the
connection. ``VtSession`` holds what a connection says and knows no socket; ``VtServer`` holds the
sockets, in one thread that never blocks on a client.
"""

import os
import selectors
import socket
import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import Protocol, Self, runtime_checkable

from msgspec import Struct, structs

from mipsh.errors import MipshError, UsageError
from mipsh.node.faults import Sending, Trouble
from mipsh.node.listening import listen_tcp, listen_unix
from mipsh.recording import PROMPT, VtOptions

READ_SIZE = 8192
OPTION_WORDS = VtOptions.__struct_fields__
LEAVING_WORDS = ("quit", "exit")


class Responder(Protocol):
    """What a terminal talks about. It is called by the server's thread only, and must not block."""

    def answer(self, command: str, options: VtOptions) -> Iterable[str] | None:
        """Return the text that answers a command, a character a byte and without NUL, whole or in pieces.

        ``command`` is one or more words joined by single spaces. None: there is no such command.
        A MipshError is answered with its message.
        """

    def words(self) -> tuple[str, ...]:
        """Return the first words that it answers, for ``help``; the terminal adds its own."""


@runtime_checkable
class Changeable(Protocol):
    """A responder that commands can change, too."""

    def change(self, words: Sequence[str], is_ended: bool) -> str | None:
        """Carry out a command and return its answer, None for a command that changes nothing.

        ``is_ended`` tells whether white space stands behind the last word.
        """


class _Line(Struct, frozen=True):
    """The words of one read; ``ended`` tells whether white space stands behind the last."""

    words: list[str]
    ended: bool


class VtSession:
    """One connection's side of the conversation: bytes read in, bytes to say out."""

    def __init__(self, responder: Responder) -> None:
        """Begin a connection, with the options of a new one."""
        self.options = VtOptions()
        self._responder = responder

    def greeting(self) -> bytes:
        """Return what a new client hears."""
        return PROMPT.encode()

    def reply(self, read: bytes) -> bytes | None:
        """Return the reply to one read (one command) to its NUL; None hangs up.

        The read's last byte counts as its line end, whatever it is; after the first line the
        rest is lost.
        """
        pieces = self.pieces(read)
        return None if pieces is None else b"".join(pieces)

    def pieces(self, read: bytes) -> Iterator[bytes] | None:
        """Return the same reply in pieces, which are made when they are asked for."""
        line = _parse(read)
        body = self._body(line) if line.words else ""
        return None if body is None else self._encoded([body] if isinstance(body, str) else body)

    def _encoded(self, body: Iterable[str]) -> Iterator[bytes]:
        prompt = PROMPT if self.options.prompt else ""
        for piece in chain(body, (f"{prompt}\0",)):
            if piece:
                yield piece.encode("latin-1", "replace")

    def _body(self, line: _Line) -> Iterable[str] | None:
        first, count = line.words[0], len(line.words)
        if first in LEAVING_WORDS:
            return "unknown args\n" if count > 1 else None
        if first == "help":
            own = {*OPTION_WORDS, LEAVING_WORDS[0]}
            return " ".join(sorted({*self._responder.words(), *own})) + "\n"
        if first in OPTION_WORDS:
            return self._option(line)
        changed = self._responder.change(line.words, line.ended) if isinstance(self._responder, Changeable) else None
        if changed is not None:
            return changed
        try:
            body = self._responder.answer(" ".join(line.words), self.options)
        except MipshError as error:
            return f"{error.message}\n"
        if body is None:
            return _unknown(line, 1 if count > 1 and first in self._responder.words() else 0)
        return body

    def _option(self, line: _Line) -> str:
        name = line.words[0]
        if len(line.words) > 1:
            if line.words[1] == "help":
                return "no yes\n"
            if line.words[1] not in ("yes", "no"):
                return _unknown(line, 1)
            self.options = structs.replace(self.options, **{name: line.words[1] == "yes"})
        return "yes\n" if getattr(self.options, name) else "no\n"


def _parse(read: bytes) -> _Line:
    head, newline, _ = read[:-1].partition(b"\0")[0].partition(b"\n")
    text = head + newline
    return _Line([word.decode("latin-1") for word in text.split()], text[-1:].isspace())


def _unknown(line: _Line, index: int) -> str:
    """Return the complaint about a word; mip6d cannot name one without white space behind it."""
    last = index == len(line.words) - 1
    name = "(null)" if last and not line.ended else line.words[index]
    return f'unknown command: "{name}"\n'


class VtServer:
    """Serves a responder on a TCP port, and on a unix socket (0600) when a path is given.

    ``start`` binds and returns; ``stop`` closes everything, whatever a client does. Binding
    raises UsageError for an address that cannot be, RefusedError for one that is taken or not
    permitted, EngineError otherwise. A context manager starts and stops.
    """

    def __init__(
        self,
        responder: Responder,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        path: str | os.PathLike[str] | None = None,
        trouble: Trouble | None = None,
    ) -> None:
        """Say what to serve and where; nothing is bound yet. Raises UsageError for a bad port."""
        if not 0 <= port <= 65535:
            raise UsageError(f"{port} is not a port", "expected 0 (any free one) to 65535")
        self._responder = responder
        self._wanted = (host, port)
        self._path = None if path is None else Path(path)
        self._trouble = trouble or Trouble()
        self._address: tuple[str, int] | None = None
        self._waker: socket.socket | None = None
        self._thread: threading.Thread | None = None

    @property
    def address(self) -> tuple[str, int]:
        """The host and port listened on; the ones asked for while not started."""
        return self._address or self._wanted

    def start(self) -> None:
        """Listen, and serve in a thread of its own; nothing when already started."""
        if self._thread is not None:
            return
        with ExitStack() as undo:
            listeners = [undo.enter_context(listen_tcp(*self._wanted))]
            host, port = listeners[0].getsockname()[:2]
            if self._path is not None:
                listeners.append(undo.enter_context(listen_unix(self._path)))
            stopped, self._waker = socket.socketpair()
            undo.pop_all()
        self._address = (host, port)
        loop = _Loop(self._responder, self._trouble, listeners, stopped)
        self._thread = threading.Thread(target=loop.run, name="vt-server", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Close the client and all sockets, and wait for the thread; harmless when not started."""
        thread, waker = self._thread, self._waker
        if thread is None or waker is None:
            return
        waker.close()
        thread.join()
        if self._path is not None:
            self._path.unlink(missing_ok=True)
        self._thread = self._waker = self._address = None

    def serve_forever(self) -> None:
        """Serve until another thread stops it or an exception (an interrupt) ends the wait."""
        self.start()
        try:
            if self._thread is not None:
                self._thread.join()
        finally:
            self.stop()

    def __enter__(self) -> Self:
        """Start."""
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop."""
        self.stop()


class _Client:
    """The client in the slot: either a command is awaited or something is being sent."""

    def __init__(self, connection: socket.socket, responder: Responder, trouble: Trouble) -> None:
        self.connection = connection
        self._session = VtSession(responder)
        self._trouble = trouble
        self._chunks: Iterator[bytes] | None = None
        self._unsent = memoryview(b"")
        self._not_before: float | None = None
        self._hang_up = False
        self._begin(trouble.greeting(self._session.greeting()))

    def wait_s(self) -> float | None:
        """Return the seconds until it may send, 0 when that time has come, None without a delay."""
        return None if self._not_before is None else max(0.0, self._not_before - time.monotonic())

    def interest(self) -> int:
        """Return the selector events that it waits for, 0 while it waits for a time."""
        if self._not_before is not None:
            return 0
        return selectors.EVENT_READ if self._chunks is None else selectors.EVENT_WRITE

    def step(self) -> bool:
        """Go on as far as possible without blocking, one chunk at most; False when it is over.

        What a client sends while a reply is under way stays unread, so nothing piles up.
        """
        if self._chunks is None:
            read = self._receive()
            if read is None:
                return True
            reply = self._session.reply(read) if read else None
            if reply is None:
                return False
            self._begin(self._trouble.reply(reply))
        if self.wait_s():
            return True
        self._not_before = None
        return self._send()

    def _receive(self) -> bytes | None:
        """Return one read, empty when the client has left, None when there is nothing yet."""
        try:
            return self.connection.recv(READ_SIZE)
        except BlockingIOError:
            return None
        except OSError:
            return b""

    def _begin(self, sending: Sending) -> None:
        self._chunks = iter(sending.chunks)
        self._unsent = memoryview(b"")
        self._not_before = time.monotonic() + sending.delay_s if sending.delay_s else None
        self._hang_up = sending.hang_up

    def _send(self) -> bool:
        """Send what goes at once; False when the client has left or is to be left."""
        try:
            sent = self.connection.send(self._unsent) if self._more() else 0
        except BlockingIOError:
            return True
        except OSError:
            return False
        self._unsent = self._unsent[sent:]
        return self._more() or not self._hang_up

    def _more(self) -> bool:
        """Tell whether something is left to send; at the end a command is awaited again."""
        while self._chunks is not None and not self._unsent:
            chunk = next(self._chunks, None)
            if chunk is None:
                self._chunks = None
            else:
                self._unsent = memoryview(chunk)
        return self._chunks is not None


class _Loop:
    """The thread's own: the listeners, the slot, and the selector that watches them."""

    def __init__(
        self, responder: Responder, trouble: Trouble, listeners: list[socket.socket], stopped: socket.socket
    ) -> None:
        self._responder = responder
        self._trouble = trouble
        self._listeners = listeners
        self._stopped = stopped
        self._client: _Client | None = None
        self._selector = selectors.DefaultSelector()

    def run(self) -> None:
        """Serve until the other end of ``stopped`` is closed; closes all that it was given."""
        with ExitStack() as closing:
            closing.enter_context(self._selector)
            for mine in (self._stopped, *self._listeners):
                closing.enter_context(mine)
                self._selector.register(mine, selectors.EVENT_READ)
            closing.callback(self._drop)
            while self._turn():
                pass

    def _turn(self) -> bool:
        client = self._client
        ready = {key.fileobj for key, _ in self._selector.select(client.wait_s() if client else None)}
        if self._stopped in ready:
            return False
        # The client comes first, so that one who left has left before the next one is judged.
        if client is not None and (client.connection in ready or client.wait_s() == 0):
            self._step(client)
        for listener in self._listeners:
            if listener in ready:
                self._accept(listener)
        return True

    def _accept(self, listener: socket.socket) -> None:
        try:
            connection, _ = listener.accept()
        except OSError:
            return
        if self._client is not None:
            connection.close()
            return
        connection.setblocking(False)
        self._client = _Client(connection, self._responder, self._trouble)
        self._step(self._client)

    def _step(self, client: _Client) -> None:
        if client.step():
            self._watch(client)
        else:
            self._drop()

    def _watch(self, client: _Client) -> None:
        watched, interest = client.connection in self._selector.get_map(), client.interest()
        if watched and interest:
            self._selector.modify(client.connection, interest)
        elif watched:
            self._selector.unregister(client.connection)
        elif interest:
            self._selector.register(client.connection, interest)

    def _drop(self) -> None:
        client, self._client = self._client, None
        if client is None:
            return
        if client.connection in self._selector.get_map():
            self._selector.unregister(client.connection)
        client.connection.close()
