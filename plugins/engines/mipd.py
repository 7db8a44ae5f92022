"""The connector to mipd, through its control socket.

A connection is held while a question is asked, or while events are listened to, and at no other time.
"""

import re
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import msgspec
from msgspec import Struct, structs

from mipsh.engine import Action, BindingRequest, Capability, EngineKind, UpdateRequest, missing, unable
from mipsh.errors import EngineRefused, NotThisEngine, RefusedError, UsageError
from mipsh.model.events import EngineEvent
from mipsh.model.reading import Reading
from mipsh.model.records import ENGINE_TABLES, EngineInfo
from mipsh.node.protocol import ENGINE as SCHEME
from mipsh.node.protocol import SYSTEM_FOLDER, VERSION, Done, Flushed, Hello, Page, sockets, user_folder
from mipsh.plugins.engines.mipd_socket import MipdSocket, Result, question
from mipsh.plugins.engines.tables import TableConnector

LONGEST_PATH = 107
HELLO, SUBSCRIBE = "hello", "subscribe"
FOR_EVER = float("inf")

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")


class MipdListener:
    """What happens in a node, over a connection that has subscribed; see Listener for the contract."""

    def __init__(self, socket: MipdSocket) -> None:
        self._socket = socket

    def next(self, until: float) -> EngineEvent | None:
        """Return the next event, awaited until a time of ``time.monotonic``; None when none came."""
        from mipsh.render.format import timestamp

        event = self._socket.event(until)
        return None if event is None else EngineEvent(**{**structs.asdict(event), "time": timestamp(event.time)})


class MipdConnector(TableConnector):
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
        self.actions = frozenset(action for action in Action if action.value in hello.methods)
        self.home_addresses = hello.home_addresses
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
        return self.read(Capability(command)).raw

    def said(self, what: str, request: object = None) -> tuple[str, ...]:
        """Return the line that a reading or an action sends; what it is numbered with is the connection's affair.

        ``request`` is an UpdateRequest for ``trigger_binding_update``, a BindingRequest for
        ``add_binding``, the home and the local address for ``delete_binding``, the table for ``flush``,
        the interface and whether it is up for ``set_link``, the method for ``raw``, nothing otherwise.
        """
        method, params = self._question(what, request)
        return (question(method, params).decode(),)

    def _question(self, what: str, request: object) -> tuple[str, dict[str, Any]]:
        """Return the method and the parameters by which something is said; raises CapabilityMissing."""
        match (what, request):
            case (Action.TRIGGER, UpdateRequest()):
                asked = {"home_address": request.home_address, "peer": request.peer or None}
                params = {**asked, "lifetime_s": request.lifetime_s}
                return what, {name: value for name, value in params.items() if value is not None}
            case (Action.ADD, BindingRequest()):
                said = {name: value for name, value in structs.asdict(request).items() if value is not None}
                return what, said
            case (Action.DELETE, (str(home_address), str(local_address))):
                return what, {"home_address": home_address, "local_address": local_address}
            case (Action.FLUSH, str(table)):
                return what, {"table": table}
            case (Action.LINK, (str(interface), bool(is_up))):
                return what, {"interface": interface, "up": is_up}
            case ("raw", str(method)):
                return method, {}
            case (name, None) if name in (*Capability, HELLO):
                return name, {}
            case ("events", None):
                return SUBSCRIBE, {}
        raise unable(f"way to say '{what}'", self.info)

    def trigger_binding_update(self, request: UpdateRequest) -> str:
        """Have a Binding Update sent now; return the state of its entry."""
        return self._do(Action.TRIGGER, request, Done).state

    def add_binding(self, request: BindingRequest) -> str:
        """Have a home agent make a binding; the mobile node does not learn of it."""
        return self._do(Action.ADD, request, Done).state

    def delete_binding(self, home_address: str, local_address: str) -> str:
        """Have a home agent delete a binding; the mobile node does not learn of it."""
        return self._do(Action.DELETE, (home_address, local_address), Done).state

    def flush(self, table: str) -> int:
        """Empty the binding cache, or the binding update list but for home registrations."""
        return self._do(Action.FLUSH, table, Flushed).removed

    def set_link(self, interface: str, *, is_up: bool) -> str:
        """Tell the node that an interface has a link from now on, or has none."""
        return self._do(Action.LINK, (interface, is_up), Done).state

    def _do(self, action: Action, request: object, result: type[Result]) -> Result:
        method, params = self._question(action, request)
        with self._connection() as socket:
            return socket.ask(method, result, params)

    @contextmanager
    def listening(self) -> Iterator["MipdListener"]:
        """Hear what happens from when the block is entered, over a connection of its own."""
        socket = self._opened()
        try:
            socket.ask(SUBSCRIBE, Done)
            yield MipdListener(socket)
        finally:
            socket.close()

    def events(self) -> Generator[EngineEvent, None, None]:
        """Yield what happens from now on, over a connection of its own."""
        with self.listening() as listener:
            while True:
                event = listener.next(FOR_EVER)
                if event is not None:
                    yield event

    def _known(self) -> EngineInfo:
        return self.info or self.connect()

    def read(self, capability: Capability) -> Reading:
        """Read a table; raises CapabilityMissing for one that the node does not keep."""
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
