"""The connector to mipd, through its control socket.

A connection is held while a question is asked, or while events are listened to, and at no other time.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager

import msgspec
from msgspec import Struct, structs

from mipsh.engine import Capability, Connector, EngineKind, UpdateRequest, missing
from mipsh.errors import EngineRefused, NotThisEngine, RefusedError, UsageError
from mipsh.model.events import EngineEvent
from mipsh.model.reading import Reading
from mipsh.model.records import ENGINE_TABLES, EngineInfo
from mipsh.node.protocol import ENGINE as SCHEME
from mipsh.node.protocol import SYSTEM_FOLDER, VERSION, Done, Hello, Page, sockets, user_folder
from mipsh.plugins.engines.mipd_socket import MipdSocket

LONGEST_PATH = 107
HELLO = "hello"

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class MipdConnector(Connector):
    """A connector to one mipd, by its name or by the path of its socket; see Connector for the contract."""

    def __init__(self, name: str = "", path: str = "") -> None:
        self.name = name
        self.path = path
        self.words: tuple[str, ...] = ()
        self._socket: MipdSocket | None = None

    @property
    def address(self) -> str:
        """The address as a URI."""
        return f"{SCHEME}://{self.path}" if self.path else f"{SCHEME}:{self.name}"

    def connect(self) -> EngineInfo:
        """Learn from the handshake what it is."""
        with self._connection() as socket:
            hello = socket.ask(HELLO, Hello)
        if hello.protocol != VERSION or hello.engine != SCHEME:
            raise NotThisEngine(
                f"{socket.path} speaks version {hello.protocol} of {hello.engine}'s protocol, not {VERSION} of mipd's",
                "use the mipsh that mipd came with",
            )
        known = tuple(c.value for c in Capability if c.value in hello.capabilities)
        self.words = tuple(sorted((*known, HELLO)))
        self.info = EngineInfo(SCHEME, self.address, hello.role, hello.version, known)
        return self.info

    def close(self) -> None:
        """Leave, should there be a connection."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Hold one connection over several questions."""
        with self._connection():
            yield

    @contextmanager
    def _connection(self) -> Iterator[MipdSocket]:
        if self._socket is not None:
            yield self._socket
            return
        try:
            self._socket = self._opened()
            yield self._socket
        finally:
            self.close()

    def _opened(self) -> MipdSocket:
        socket = MipdSocket(self.path or self._found(), self.timeout_s)
        socket.open()
        return socket

    def _found(self) -> str:
        """Return the path of the socket of the name; raises EngineRefused."""
        found = sockets(self.variables)
        if self.name in found:
            return str(found[self.name])
        folder = user_folder(self.variables) or SYSTEM_FOLDER
        there = ", ".join(f"{SCHEME}:{name}" for name in found)
        raise EngineRefused(
            f"no mipd '{self.name}' runs: there is no socket of that name in {folder}",
            f"there are: {there}" if there else "start one: 'mipsh mipd run FILE'",
        )

    def raw(self, command: str) -> str:
        """Return what mipd answers to one of its methods that only look, a JSON text a line."""
        self._known()
        if command not in self.words:
            raise RefusedError(
                f"'{command}' is not sent: raw only looks", f"mipd can be asked: {', '.join(self.words)}"
            )
        if command == HELLO:
            with self._connection() as socket:
                return f"{msgspec.json.encode(socket.ask(HELLO, Hello)).decode()}\n"
        return self._read(Capability(command)).raw

    def binding_cache(self) -> Reading:
        """Read the binding cache."""
        return self._read(Capability.BINDING_CACHE)

    def binding_update_list(self) -> Reading:
        """Read the binding update list."""
        return self._read(Capability.BINDING_UPDATE_LIST)

    def return_routability(self) -> Reading:
        """Read the return routability entries."""
        return self._read(Capability.RETURN_ROUTABILITY)

    def nonces(self) -> Reading:
        """Read the nonce blocks."""
        return self._read(Capability.NONCES)

    def home_agents(self) -> Reading:
        """Read the home agents list."""
        return self._read(Capability.HOME_AGENTS)

    def prefixes(self) -> Reading:
        """Read the home prefix list."""
        return self._read(Capability.PREFIXES)

    def statistics(self) -> Reading:
        """Read the traffic counters."""
        return self._read(Capability.STATISTICS)

    def trigger_binding_update(self, request: UpdateRequest) -> str:
        """Have a Binding Update sent now; return the state of its entry."""
        params = {"home_address": request.home_address}
        if request.peer:
            params["peer"] = request.peer
        with self._connection() as socket:
            return socket.ask("trigger_binding_update", Done, params).state

    def set_link(self, interface: str, *, is_up: bool) -> str:
        """Tell the node that an interface has a link from now on, or has none."""
        with self._connection() as socket:
            return socket.ask("set_link", Done, {"interface": interface, "up": is_up}).state

    def events(self) -> Generator[EngineEvent, None, None]:
        """Yield what happens from now on, over a connection of its own."""
        from mipsh.render.format import timestamp

        socket = self._opened()
        try:
            socket.ask("subscribe", Done)
            while True:
                event = socket.event()
                yield EngineEvent(**{**structs.asdict(event), "time": timestamp(event.time)})
        finally:
            socket.close()

    def _known(self) -> EngineInfo:
        return self.info or self.connect()

    def _read(self, capability: Capability) -> Reading:
        info = self._known()
        if capability.value not in info.capabilities:
            raise missing(capability, info)
        table = ENGINE_TABLES[capability.value]
        decoder = msgspec.json.Decoder(table.record)
        rows: list[Struct] = []
        raw: list[str] = []
        unread: list[str] = []
        with self._connection() as socket:
            page = first = socket.ask(capability.value, Page)
            while True:
                for row in page.rows:
                    text = bytes(row).decode("utf-8", "replace")
                    raw.append(text)
                    try:
                        rows.append(decoder.decode(row))
                    except (msgspec.DecodeError, ValueError):
                        unread.append(text)
                if not page.more:
                    break
                page = socket.ask("more", Page)
        return Reading(table, rows, info, first.taken_at, "".join(f"{line}\n" for line in raw), tuple(unread))


def open_mipd(uri: str) -> MipdConnector:
    """Make a connector for ``mipd:NAME`` or ``mipd:///PATH``; raises UsageError."""
    body = uri.removeprefix(f"{SCHEME}:")
    if body.startswith("///"):
        path = body[2:]
        if not path.isprintable() or len(path.encode()) > LONGEST_PATH:
            raise UsageError(f"'{uri}' names no socket", f"a path has at most {LONGEST_PATH} bytes, all printable")
        return MipdConnector(path=path)
    if not _NAME.fullmatch(body):
        raise UsageError(f"'{uri}' is not an address of mipd", "write mipd:NAME or mipd:///run/mipsh/NAME.sock")
    return MipdConnector(body)


def find(variables: Mapping[str, str]) -> tuple[str, ...]:
    """Return the addresses of the control sockets that are there."""
    return tuple(f"{SCHEME}:{name}" for name in sockets(variables) if _NAME.fullmatch(name))


ENGINE = EngineKind(SCHEME, "mipd, through its control socket", open_mipd, find=find)
