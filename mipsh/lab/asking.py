"""One request to a node of a lab, on its control socket: what the lab itself has to say to its nodes."""

import socket
from contextlib import suppress
from types import TracebackType
from typing import Any, Self

import msgspec

from mipsh.errors import DeadlineError, EngineComplaint, EngineLost, EngineRefused
from mipsh.node.protocol import LONGEST_LINE, Event, Notification

ANSWER_S = 2.0


def request_line(method: str, params: dict[str, Any] | None = None) -> str:
    """Return the line that asks for a method."""
    return msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": method, "params": params or {}}).decode()


def ask(control: str, method: str, params: dict[str, Any] | None = None) -> Any:
    """Return the result of a method; raises EngineRefused, EngineLost, DeadlineError, EngineComplaint."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_S)
        try:
            connection.connect(control)
            connection.sendall(f"{request_line(method, params)}\n".encode())
            answer = msgspec.json.decode(_line(connection))
        except TimeoutError:
            raise DeadlineError(f"{control} does not answer within {ANSWER_S:g} s") from None
        except OSError as error:
            raise EngineRefused(f"nothing listens at {control}: {error.strerror}") from None
        except (msgspec.DecodeError, ValueError) as error:
            raise EngineLost(f"{control} does not speak JSON: {error}") from None
    if not isinstance(answer, dict) or "result" not in answer:
        problem = answer.get("error", {}) if isinstance(answer, dict) else {}
        message = problem.get("message", "no reason given") if isinstance(problem, dict) else "no reason given"
        raise EngineComplaint(f"{control} refuses {method}: {message}")
    return answer["result"]


def _line(connection: socket.socket) -> bytes:
    """Return a line; raises EngineLost where none comes."""
    received = bytearray()
    while not received.endswith(b"\n"):
        data = connection.recv(LONGEST_LINE)
        if not data or len(received) > LONGEST_LINE:
            raise EngineLost("the connection ended within an answer")
        received += data
    return bytes(received)


class Subscription:
    """What happens at a node from now on, kept until it is asked for."""

    def __init__(self, control: str) -> None:
        self._connection = socket.socket(socket.AF_UNIX)
        try:
            self._connection.settimeout(ANSWER_S)
            self._connection.connect(control)
            request = {"jsonrpc": "2.0", "id": 1, "method": "subscribe"}
            self._connection.sendall(msgspec.json.encode(request) + b"\n")
            _line(self._connection)
        except OSError as error:
            self._connection.close()
            raise EngineRefused(f"{control} tells nothing of what happens: {error}") from None
        self._connection.setblocking(False)

    def events(self) -> list[Event]:
        """Return what happened until now, beginning with the first."""
        received = bytearray()
        with suppress(BlockingIOError):
            while data := self._connection.recv(LONGEST_LINE):
                received += data
        lines = bytes(received).split(b"\n")[:-1]
        return [msgspec.json.decode(line, type=Notification).params for line in lines]

    def close(self) -> None:
        """Hear no more; harmless when that is done."""
        self._connection.close()

    def __enter__(self) -> Self:
        """Return the subscription."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
