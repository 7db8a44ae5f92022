"""A client of mipd's control socket: one connection, questions and answers, and events in between.

An answer is awaited until a deadline, an event for as long as it takes. A line from there is bounded,
and what is not a line of this protocol is not mipd.
"""

import errno
import itertools
import math
import socket
import time
from collections import deque
from contextlib import suppress
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from mipsh.errors import (
    CapabilityMissing,
    DeadlineError,
    EngineBusy,
    EngineComplaint,
    EngineLost,
    EngineRefused,
    MipshError,
    NotThisEngine,
    RefusedError,
)
from mipsh.node.protocol import LONGEST_LINE, Code, Event, Problem

CHUNK = 64 * 1024
SHOWN = 60
MOST_EVENTS = 4096

Result = TypeVar("Result", bound=Struct)

_ERRORS: dict[int, type[MipshError]] = {
    Code.BUSY: EngineBusy,
    Code.REFUSED: RefusedError,
    Code.NOT_KEPT: CapabilityMissing,
}


class Message(Struct):
    """A line from the server: an answer, or an event."""

    jsonrpc: str
    id: int | UnsetType | None = UNSET
    result: Raw | UnsetType = UNSET
    error: Problem | UnsetType = UNSET
    method: str = ""
    params: Raw | UnsetType = UNSET


class MipdSocket:
    """A connection to the socket at ``path``; ``timeout_s`` bounds every question from its start."""

    def __init__(self, path: str, timeout_s: float) -> None:
        self.path = path
        self.timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._received = bytearray()
        self._events: deque[Event] = deque(maxlen=MOST_EVENTS)
        self._numbers = itertools.count(1)

    def open(self) -> None:
        """Connect; raises EngineRefused, RefusedError or DeadlineError."""
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.settimeout(self.timeout_s)
            connection.connect(self.path)
        except OSError as error:
            connection.close()
            raise self._unreachable(error) from None
        self._socket = connection

    def close(self) -> None:
        """Leave; harmless when there is no connection."""
        connection, self._socket = self._socket, None
        if connection is not None:
            connection.close()

    def ask(self, method: str, result: type[Result], params: dict[str, Any] | None = None) -> Result:
        """Ask one question and return its answer.

        Raises EngineLost, NotThisEngine, DeadlineError, and what the server says no with: EngineBusy,
        RefusedError, CapabilityMissing, EngineComplaint.
        """
        number = next(self._numbers)
        deadline = time.monotonic() + self.timeout_s
        self._send(question(method, params, number) + b"\n")
        while True:
            try:
                message = self._message(deadline)
            except (TimeoutError, BlockingIOError):
                raise self._late() from None
            if isinstance(message.error, Problem) and message.id in (number, None):
                raise _complaint(message.error)
            if message.id == number and isinstance(message.result, Raw):
                return _decoded(message.result, result, self.path)
            self._note(message)

    def event(self, until: float) -> Event | None:
        """Return the next event, awaited until a time of ``time.monotonic``; None when none came.

        What is there already is found at any time. Raises EngineLost or NotThisEngine.
        """
        while not self._events:
            try:
                self._note(self._message(until))
            except (TimeoutError, BlockingIOError):
                return None
        return self._events.popleft()

    def _note(self, message: Message) -> None:
        if message.method == "event" and isinstance(message.params, Raw):
            self._events.append(_decoded(message.params, Event, self.path))

    def _send(self, data: bytes) -> None:
        self._connected.settimeout(self.timeout_s)
        # Where the connection ended, what was said before tells why: that is read in any case.
        with suppress(OSError):
            self._connected.sendall(data)

    def _message(self, deadline: float) -> Message:
        """Return the next message; raises TimeoutError, or BlockingIOError where the deadline is over already."""
        line = self._line(deadline)
        try:
            return msgspec.json.decode(line, type=Message)
        except (msgspec.DecodeError, ValueError, RecursionError):
            shown = line[:SHOWN].decode("utf-8", "replace")
            raise NotThisEngine(f"what listens at {self.path} is not mipd: it said '{shown}'") from None

    def _line(self, deadline: float) -> bytes:
        """Return the next line, read until a deadline; what came of a line is kept."""
        try:
            while b"\n" not in self._received:
                if len(self._received) > LONGEST_LINE:
                    raise NotThisEngine(f"what listens at {self.path} is not mipd: its lines do not end")
                self._connected.settimeout(_left(deadline))
                piece = self._connected.recv(CHUNK)
                if not piece:
                    raise self._lost()
                self._received += piece
        except (TimeoutError, BlockingIOError):
            raise
        except OSError:
            raise self._lost() from None
        line, _, self._received = self._received.partition(b"\n")
        return bytes(line)

    @property
    def _connected(self) -> socket.socket:
        if self._socket is None:
            raise self._lost()
        return self._socket

    def _late(self) -> DeadlineError:
        return DeadlineError(
            f"mipd at {self.path} did not answer within {self.timeout_s:g} s",
            "it may hang; try a longer --timeout, or look at the process",
        )

    def _lost(self) -> EngineLost:
        return EngineLost(f"mipd at {self.path} closed the connection", "it may have ended: look at its log")

    def _unreachable(self, error: OSError) -> MipshError:
        if isinstance(error, BlockingIOError):
            return EngineBusy(f"mipd at {self.path} is busy: it accepts nobody now", "wait for it with --wait 30")
        if isinstance(error, PermissionError):
            return RefusedError(f"{self.path} may not be opened", "run as its owner or as root")
        why = {errno.ENOENT: "there is no socket", errno.ECONNREFUSED: "mipd is gone"}.get(error.errno or 0)
        return EngineRefused(
            f"nothing listens at {self.path} ({why or error.strerror or error})", "start it: 'mipsh mipd run FILE'"
        )


def question(method: str, params: dict[str, Any] | None = None, number: int = 1) -> bytes:
    """Return the bytes of a question, without the end of its line."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": number, "method": method, "params": params or {}})


def _left(deadline: float) -> float | None:
    """Return the seconds left, as a socket waits: 0 is not at all, None is for ever."""
    return None if math.isinf(deadline) else max(deadline - time.monotonic(), 0.0)


def _decoded(raw: Raw, kind: type[Result], path: str) -> Result:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.DecodeError, ValueError, RecursionError) as error:
        raise NotThisEngine(f"mipd at {path} answered what this mipsh cannot read: {error}") from None


def _complaint(problem: Problem) -> MipshError:
    error = _ERRORS.get(problem.code, EngineComplaint)
    return error(f"mipd: {problem.message}", problem.data or "")
