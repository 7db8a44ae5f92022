"""The connector to UMIP's mip6d, through its virtual terminal.

The only slot is held while a question is asked and at no other time. Nothing that changes the
daemon is sent but ``bc add`` and ``bc del``, when that is what is asked for.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mipsh.engine import Action, BindingRequest, Capability, EngineKind, missing, unable
from mipsh.errors import EngineComplaint, EngineLost, EngineRefused, NotThisEngine, RefusedError
from mipsh.linux.sockets import is_loopback, open_listeners
from mipsh.model import records
from mipsh.model.columns import Table
from mipsh.model.reading import Reading
from mipsh.model.records import EngineInfo
from mipsh.plugins.engines import umip_bindings as bindings
from mipsh.plugins.engines import umip_text as text
from mipsh.plugins.engines.tables import TableConnector
from mipsh.plugins.engines.umip_vt import GREETING, PORT, SCHEME, VtAddress, VtClient, parse_address
from mipsh.recording import Exchange

Parser = Callable[[str], text.Parsed]

OPTIONS = ("prompt no", "fancy no", "verbose yes")
LEAVING = ("quit", "exit")

# A capability: the daemon's word for it, its table, and the parser of its text.
READINGS: dict[Capability, tuple[str, Table, Parser]] = {
    Capability.BINDING_CACHE: ("bc", records.BINDING_CACHE, text.parse_binding_cache),
    Capability.BINDING_UPDATE_LIST: ("bul", records.BINDING_UPDATE_LIST, text.parse_binding_update_list),
    Capability.RETURN_ROUTABILITY: ("rr", records.RETURN_ROUTABILITY, text.parse_return_routability),
    Capability.NONCES: ("nonce", records.NONCES, text.parse_binding_cache),
    Capability.HOME_AGENTS: ("hal", records.HOME_AGENTS, text.parse_home_agents),
    Capability.PREFIXES: ("pl", records.PREFIXES, text.parse_prefixes),
    Capability.STATISTICS: ("stats", records.STATISTICS, text.parse_statistics),
}


class UmipConnector(TableConnector):
    """A connector to one mip6d; see Connector for the contract."""

    def __init__(self, address: VtAddress) -> None:
        self.address = address
        self.words: tuple[str, ...] = ()
        self._client: VtClient | None = None

    def connect(self) -> EngineInfo:
        """Learn the role and the tables from what ``help`` lists; the first address that is not refused is kept."""
        *others, last = self.address.literal()
        for self.address in others:
            try:
                return self._learn()
            except EngineRefused:
                continue
        self.address = last
        return self._learn()

    def _learn(self) -> EngineInfo:
        with self.asking():
            self.words = text.parse_help(self._ask("help"))
        role = text.role_of(self.words)
        if role is None:
            raise NotThisEngine(
                f"what listens at {self.address.where} greets like mip6d, but its help does not list mip6d's commands",
                "name mip6d's own address",
            )
        capabilities = tuple(c.value for c, (word, _, _) in READINGS.items() if word in self.words)
        self.actions = frozenset((Action.ADD, Action.DELETE) if role == "ha" else ())
        self.info = EngineInfo(SCHEME, str(self.address), role, None, capabilities)
        return self.info

    def close(self) -> None:
        """Leave the slot, should it be held."""
        if self._client is not None:
            self._client.close()
            self._client = None

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Hold the slot over several questions; the terminal's options are set anew each time."""
        if self._client is not None:
            yield
            return
        client = VtClient(self.address, self.timeout_s)
        try:
            self._client = client
            client.open()
            for option in OPTIONS:
                client.ask(option)
            yield
        finally:
            self.close()

    def warnings(self) -> tuple[str, ...]:
        """Warn about a console that others can reach: it has no authentication."""
        address = self.address
        if address.path:
            return ()
        if not is_loopback(address.host):
            return (
                f"mip6d's console at {address.where} is reached over the network: it has no authentication, "
                "and whoever reaches it controls the daemon",
            )
        beyond = open_listeners(address.port)
        if beyond:
            return (
                f"port {address.port} listens beyond loopback ({', '.join(beyond)}): mip6d's console has no "
                "authentication, and whoever reaches it controls the daemon",
            )
        return ()

    def raw(self, command: str) -> str:
        """Return the text of the daemon's answer to one of the words that its help lists."""
        self._known()
        words = sorted({*self.words, "help"} - {*LEAVING})
        if command not in words:
            raise RefusedError(
                f"'{command}' is not sent: raw only looks", f"this mip6d can be asked: {', '.join(words)}"
            )
        with self.asking():
            return text.clean(self._ask(command))

    def said(self, what: str, request: object = None) -> tuple[str, ...]:
        """Return the lines that a reading or an action sends, the terminal's options included.

        ``request`` is a BindingRequest for ``add_binding``, the home and the local address for
        ``delete_binding``, the command for ``raw``, and nothing otherwise.
        """
        match (what, request):
            case (Action.ADD, BindingRequest()):
                line = bindings.add_line(request)
            case (Action.DELETE, (str(home_address), str(local_address))):
                line = bindings.delete_line(home_address, local_address)
            case ("raw", str(line)):
                line = line.strip()
            case (known, None) if known in READINGS:
                line = READINGS[Capability(known)][0]
            case _:
                raise unable(f"way to say '{what}'", self.info)
        return (*OPTIONS, line)

    def add_binding(self, request: BindingRequest) -> str:
        """Have a home agent make a binding; the mobile node does not learn of it."""
        return self._change(Action.ADD, request)

    def delete_binding(self, home_address: str, local_address: str) -> str:
        """Have a home agent delete a binding; the mobile node does not learn of it."""
        return self._change(Action.DELETE, (home_address, local_address))

    def _change(self, action: Action, request: object) -> str:
        self._known()
        if action not in self.actions:
            raise unable(f"{action.value}: only a home agent changes bindings", self.info)
        line = self.said(action, request)[-1]
        with self.asking():
            return bindings.outcome(self._ask(line), self.address.where)

    def transcript(self) -> list[Exchange]:
        """Ask everything in every form of the terminal, over one connection, byte for byte."""
        self._known()
        tables = [word for _, (word, _, _) in READINGS.items() if word in self.words and word != "stats"]
        commands = [*tables, "verbose yes", *tables, "fancy no", *tables, "prompt no", *tables]
        commands += [word for word in ("thread", "stats", "help") if word in self.words]
        client = VtClient(self.address, self.timeout_s)
        client.open()
        exchanges: list[Exchange] = []
        try:
            for command in commands:
                began = time.monotonic()
                reply = client.ask(command)
                taken = round(time.monotonic() - began, 4)
                whole = reply if exchanges else GREETING + reply
                exchanges.append(Exchange(command, whole.decode("latin-1"), taken))
        finally:
            client.close()
        return exchanges

    def _known(self) -> EngineInfo:
        return self.info or self.connect()

    def _ask(self, command: str) -> str:
        if self._client is None:
            raise EngineLost(f"mip6d at {self.address.where} is not connected")
        return self._client.ask(command).decode("latin-1")

    def read(self, capability: Capability) -> Reading:
        """Read a table; raises CapabilityMissing for one that the daemon does not keep."""
        word, table, parse = READINGS[capability]
        if capability not in self._known().capabilities:
            raise missing(capability, self.info)
        with self.asking():
            raw = self._ask(word)
        taken_at = time.time()
        complaint = text.complaint(raw)
        if complaint is not None:
            self.info = None
            raise EngineComplaint(
                f"mip6d at {self.address.where} answered '{word}' with: {complaint}",
                "it may have been started again in another role: ask again",
            )
        parsed = parse(raw)
        return Reading(table, parsed.rows, self._info(), taken_at, raw, parsed.unread)

    def _info(self) -> EngineInfo:
        return self.info or EngineInfo(SCHEME, str(self.address))


def open_umip(uri: str) -> UmipConnector:
    """Make a connector for an address; raises UsageError for one that cannot be read."""
    return UmipConnector(parse_address(uri))


ENGINE = EngineKind(
    SCHEME,
    "UMIP's mip6d, through its virtual terminal",
    open_umip,
    (f"{SCHEME}://[::1]:{PORT}", f"{SCHEME}://127.0.0.1:{PORT}"),
    f"{SCHEME}://[::1]:{PORT}",
)
