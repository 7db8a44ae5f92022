"""One user's session: settings, aliases, the engine in use, and the last reading of each table.

A session holds an engine's connector but never the engine itself: connectors let go of it
between questions.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TypeVar

from msgspec import Struct, structs

from mipsh.engine import Capability, Connector
from mipsh.environment import Environment
from mipsh.errors import EngineBusy, EngineError, EngineLost, EngineRefused, MipshError, RefusedError, UsageError
from mipsh.model.reading import Reading
from mipsh.registry import ENGINES, Registry
from mipsh.result import Result, of_reading
from mipsh.settings import Settings
from mipsh.status import ExitStatus

RETRY_S = 0.2
Answer = TypeVar("Answer")


class Permission(Struct, frozen=True):
    """What a command may do: change the node, without asking, or nothing but say what it would do."""

    write: bool = False
    yes: bool = False
    dry_run: bool = False


class Session:
    """What commands work with.

    ``run_line`` runs a line of the shell's language and returns its status; ``leave`` is set by
    ``quit``, ``stay`` by a command after which the shell opens. ``permission`` holds for all lines
    where it is given here; it is none of the settings, so that no file can grant it. ``line`` is the
    text of the command that runs.
    """

    def __init__(
        self,
        environment: Environment,
        registry: Registry,
        settings: Settings | None = None,
        permission: Permission | None = None,
    ) -> None:
        self.environment = environment
        self.registry = registry
        self._permission = permission or Permission()
        self._permitted: list[dict[str, bool]] = []
        self._only_looking = False
        self.line = ""
        self._base = self._settings = settings or Settings()
        self._options: dict[str, object] = {}
        self.aliases: dict[str, str] = {}
        self.readings: dict[str, Reading] = {}
        self.history: Callable[[], list[str]] = list
        self.run_line: Callable[[str], ExitStatus] = _no_runner
        self.resources = ExitStack()
        self.connector: Connector | None = None
        self.leave = False
        self.stay = False
        self.netns: str | None = None
        self.source_depth = 0

    def __enter__(self) -> "Session":
        """Return the session; leaving the block closes it."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the engine and of everything that commands started."""
        self.close()

    def close(self) -> None:
        """Let go of the engine and of everything that commands started."""
        with self.resources:
            self.disconnect()

    def connect(self, uri: str = "") -> Connector:
        """Use another engine from now on; the one before stays when this one cannot be reached.

        An empty address tries the usual places. Raises UsageError, EngineError, DeadlineError.
        """
        address = uri or self.settings.engine
        connector = self._patiently(lambda: self._reach(address))
        self.disconnect()
        self.connector = connector
        return connector

    def disconnect(self) -> None:
        """Use no engine; harmless when there is none."""
        connector, self.connector = self.connector, None
        self.readings.clear()
        if connector is not None:
            self._close(connector)

    def engine(self) -> Connector:
        """Return the connector in use, reaching for the configured engine when there is none."""
        connector = self.connector or self.connect()
        connector.timeout_s = self.settings.timeout
        return connector

    def read(self, capability: Capability) -> Reading:
        """Ask the engine for a table and remember the answer for completion and the toolbar."""
        connector = self.engine()
        reading: Reading = self._patiently(getattr(connector, capability.value))
        self.readings[capability.value] = reading
        return reading

    def result(self, capability: Capability) -> Result:
        """Ask the engine for a table; return it as a command's result."""
        reading = self.read(capability)
        return of_reading(reading, self.engine().warnings())

    def _close(self, connector: Connector) -> None:
        scheme = connector.info.engine if connector.info is not None else ""
        with self.registry.calling(ENGINES, scheme):
            connector.close()

    @property
    def base(self) -> Settings:
        """The settings that last, the options of the command that runs left aside."""
        return self._base

    @property
    def settings(self) -> Settings:
        """The settings in force: what was set, under the options of the command that runs."""
        return self._settings

    def set(self, settings: Settings) -> None:
        """Change the settings for good; the options of the command that runs still win."""
        self._base = settings
        self._settings = structs.replace(settings, **self._options) if self._options else settings

    @property
    def permission(self) -> Permission:
        """What the command that runs may do."""
        given = {name: value for block in self._permitted for name, value in block.items()}
        permission = structs.replace(self._permission, **given)
        return structs.replace(permission, write=False, yes=False) if self._only_looking else permission

    def enable(self) -> None:
        """Let the commands that follow change the node; raises RefusedError where lines may only look."""
        if self._only_looking:
            raise RefusedError("the lines of a configuration file only look", "type 'enable' at the prompt")
        self._permission = structs.replace(self._permission, write=True)

    def disable(self) -> None:
        """Let nothing change the node from now on, whatever the options of the command that runs say."""
        self._permission = structs.replace(self._permission, write=False)
        for block in self._permitted:
            block.pop("write", None)

    @contextmanager
    def permitting(self, given: Mapping[str, bool], line: str = "") -> Iterator[None]:
        """Run a line's block with what its options permit, beside what is permitted already."""
        before, self.line = self.line, line
        self._permitted.append(dict(given))
        try:
            yield
        finally:
            self._permitted.pop()
            self.line = before

    @contextmanager
    def only_looking(self) -> Iterator[None]:
        """Run a block in which nothing may change a node, and nothing can permit it."""
        outer, self._only_looking = self._only_looking, True
        try:
            yield
        finally:
            self._only_looking = outer

    @contextmanager
    def options(self, options: dict[str, object]) -> Iterator[None]:
        """Run a block under a command's options; another engine is used for the block alone."""
        outer, connector, readings = self._options, self.connector, self.readings
        self._options = {**outer, **options}
        self.set(self._base)
        if "engine" in options:
            self.connector, self.readings = None, {}
        try:
            yield
        finally:
            self._options = outer
            self.set(self._base)
            if "engine" in options:
                other, self.connector, self.readings = self.connector, connector, readings
                if other is not None:
                    self._close(other)

    def _patiently(self, question: Callable[[], Answer]) -> Answer:
        """Ask again, as long as ``--wait`` says, while the engine is not there or busy."""
        deadline = time.monotonic() + self.settings.wait
        while True:
            try:
                return question()
            except (EngineRefused, EngineBusy, EngineLost):
                if time.monotonic() + RETRY_S > deadline:
                    raise
            time.sleep(RETRY_S)

    def _reach(self, uri: str) -> Connector:
        """Try an address, or the usual ones in order; what is busy or strange is told first."""
        if uri:
            return self._open(uri)
        failures: list[MipshError] = []
        for scheme in self.registry.names("mipsh.engines", plugins=False):
            kind = self.registry.engine(scheme)
            found = () if kind.find is None else kind.find(self.environment.variables)
            if len(found) > 1:
                failures.append(_several(found))
            for address in (*kind.defaults, *(found if len(found) == 1 else ())):
                try:
                    return self._open(address)
                except MipshError as error:
                    failures.append(error)
        telling = [f for f in failures if not isinstance(f, EngineRefused)]
        if telling:
            raise telling[0]
        tried = "; ".join(f.message for f in failures)
        raise EngineRefused(
            f"no engine found: {tried}",
            "type 'mipsh lab up' for a network on this machine, or 'mipsh demo' for one to look around in; "
            "or start mip6d (built with its virtual terminal), or name another address with --engine URI",
        )

    def _open(self, uri: str) -> Connector:
        scheme, separator, _ = uri.partition(":")
        if not separator or not scheme:
            raise UsageError(f"'{uri}' is not an engine's address", "write umip://[::1]:7777 or mipd:NAME")
        kind = self.registry.engine(scheme)
        with self.registry.calling(ENGINES, scheme), ExitStack() as undo:
            connector = kind.open(uri)
            undo.callback(connector.close)
            connector.timeout_s = self.settings.timeout
            connector.variables = self.environment.variables
            connector.connect()
            undo.pop_all()
        return connector


def _several(addresses: tuple[str, ...]) -> EngineError:
    """Return the error for engines of which none is the one that is meant."""
    return EngineError(
        f"{len(addresses)} engines run here: {', '.join(addresses)}",
        f"name one: 'connect {addresses[0]}', or --engine {addresses[0]}",
    )


def _no_runner(line: str) -> ExitStatus:
    raise UsageError(f"nothing runs '{line}' here")
