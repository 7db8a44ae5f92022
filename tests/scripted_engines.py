"""Engines that say they can be told everything, and note what they are asked: a mipd and a mip6d for each role."""

import json
import socket
import threading
from contextlib import suppress
from pathlib import Path
from typing import Any

from harness import RECORDINGS, ROUTE_OPTIMISED

from mipsh.engine import Action
from mipsh.node.control_session import VERBS
from mipsh.node.protocol import VERSION
from mipsh.node.replay import RecordedResponder
from mipsh.recording import VtOptions, load

BY_ROLE = {
    "mn": ("binding_cache", "binding_update_list", "return_routability", "nonces", "statistics"),
    "ha": ("binding_cache", "nonces", "home_agents", "prefixes", "statistics"),
}


class ScriptedMipd:
    """A control socket that says it can be told everything, knows empty tables, and notes what it is asked."""

    def __init__(self, path: Path, role: str) -> None:
        self.asked: list[str] = []
        self.role = role
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(path))
        self._listener.listen()
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """Serve no more."""
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._thread.join()
        self._listener.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._listener.accept()
                with connection, connection.makefile("rwb") as stream, suppress(OSError):
                    for line in stream:
                        stream.write(self._answer(json.loads(line)))
                        stream.flush()

    def _answer(self, request: dict[str, Any]) -> bytes:
        method = request["method"]
        self.asked.append(method)
        answer: dict[str, Any] = {"rows": [], "taken_at": 1.0, "removed": 1, "state": "bound"}
        if method == "hello":
            kept = BY_ROLE[self.role]
            told = (*VERBS, *(action.value for action in Action), *kept)
            answer = {"protocol": VERSION, "engine": "mipd", "version": "1", "name": "x", "role": self.role}
            answer |= {"capabilities": kept, "methods": told, "home_addresses": ["2001:db8:1::100"]}
        return json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": answer}).encode() + b"\n"


class ScriptedMip6d(RecordedResponder):
    """A recorded mip6d that notes what it is asked."""

    def __init__(self, role: str) -> None:
        super().__init__(load(RECORDINGS / ROUTE_OPTIMISED, role))
        self.asked: list[str] = []

    def answer(self, command: str, options: VtOptions) -> str | None:
        """Return the recorded text."""
        self.asked.append(command)
        return super().answer(command, options)
