"""What a node of a lab is told goes through, and whatever answers in its place is an error with a reason."""

import socket
import threading
from pathlib import Path

import pytest

from mipsh.errors import EngineComplaint, EngineLost, EngineRefused, MipshError
from mipsh.lab.asking import Subscription, ask


class Server:
    """Answers the first line of each connection with the same bytes, and hangs up."""

    def __init__(self, path: Path, answer: bytes) -> None:
        self.asked: list[bytes] = []
        self._answer = answer
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def _serve(self) -> None:
        connection, _ = self._listener.accept()
        with connection, connection.makefile("rb") as file:
            self.asked.append(file.readline())
            connection.sendall(self._answer)

    def close(self) -> None:
        """End."""
        self._thread.join()
        self._listener.close()


@pytest.mark.parametrize(
    ("answer", "error", "said"),
    [
        (b"", EngineLost, "the connection ended"),
        (b"{}", EngineLost, "the connection ended"),
        (b"no json\n", EngineLost, "does not speak JSON"),
        (b"\xff\xfe\n", EngineLost, "does not speak JSON"),
        (b"[]\n", EngineComplaint, "no reason given"),
        (b"{}\n", EngineComplaint, "no reason given"),
        (b'{"error": 1}\n', EngineComplaint, "no reason given"),
        (b'{"error": {"message": "not today"}}\n', EngineComplaint, "not today"),
        (b"x" * 200_000, EngineLost, "the connection ended"),
    ],
)
def test_what_is_no_answer_is_an_error(tmp_path: Path, answer: bytes, error: type[MipshError], said: str) -> None:
    """With what was wrong."""
    server = Server(tmp_path / "x.sock", answer)
    try:
        with pytest.raises(error, match=said):
            ask(str(tmp_path / "x.sock"), "hello")
    finally:
        server.close()


def test_an_answer_is_the_result(tmp_path: Path) -> None:
    """Whatever JSON it is."""
    server = Server(tmp_path / "x.sock", b'{"result": [1, null]}\n')
    assert ask(str(tmp_path / "x.sock"), "hello", {"a": 1}) == [1, None]
    server.close()
    assert server.asked == [b'{"jsonrpc":"2.0","id":1,"method":"hello","params":{"a":1}}\n']


def test_where_nobody_listens_it_is_said(tmp_path: Path) -> None:
    """For a question and for a subscription."""
    with pytest.raises(EngineRefused, match="nothing listens"):
        ask(str(tmp_path / "x.sock"), "hello")
    with pytest.raises(EngineRefused, match="tells nothing"):
        Subscription(str(tmp_path / "x.sock"))
