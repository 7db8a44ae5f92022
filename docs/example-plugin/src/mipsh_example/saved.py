"""An engine that answers from a file: a JSON document that mipsh wrote earlier.

``bc -o json > bc.json`` keeps a table; ``bc -e saved:bc.json`` shows it again. A connector has a method for
each table that it keeps; those that it lacks are declared missing by the base class.
"""

import time
from pathlib import Path

import msgspec
from msgspec import Struct

from mipsh.engine import Capability, Connector, EngineKind, missing
from mipsh.errors import EngineRefused, NotThisEngine, UsageError
from mipsh.model.reading import Reading
from mipsh.model.records import ENGINE_TABLES, EngineInfo

SCHEME = "saved"


class Saved(Struct):
    """What is wanted of the document; the rest of it does not matter."""

    table: str
    engine: EngineInfo
    data: list[msgspec.Raw]


class SavedConnector(Connector):
    """A connector to one file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def connect(self) -> EngineInfo:
        """Read the file to learn the role of the node and the table in it."""
        saved = self._load()
        self.info = EngineInfo(SCHEME, f"{SCHEME}:{self.path}", saved.engine.role, None, (saved.table,))
        return self.info

    def binding_cache(self) -> Reading:
        """Read the binding cache."""
        return self._read(Capability.BINDING_CACHE)

    def binding_update_list(self) -> Reading:
        """Read the binding update list."""
        return self._read(Capability.BINDING_UPDATE_LIST)

    def _read(self, capability: Capability) -> Reading:
        info, saved = self.connect(), self._load()
        if saved.table != capability:
            raise missing(capability, info)
        table = ENGINE_TABLES[capability]
        try:
            rows = [msgspec.json.decode(row, type=table.record) for row in saved.data]
        except msgspec.DecodeError as error:
            raise NotThisEngine(f"a row of {self.path} is not one of {table.name}: {error}") from None
        return Reading(table, rows, info, time.time())

    def _load(self) -> Saved:
        try:
            saved = msgspec.json.decode(self.path.read_bytes(), type=Saved)
        except OSError as error:
            raise EngineRefused(f"cannot read {self.path}: {error.strerror}", "name a file") from None
        except msgspec.DecodeError as error:
            raise NotThisEngine(f"{self.path} is no document of mipsh: {error}", "write one with -o json") from None
        if saved.table not in ENGINE_TABLES:
            raise NotThisEngine(f"{self.path} holds the table '{saved.table}', which no engine keeps")
        return saved


def open_saved(uri: str) -> SavedConnector:
    """Make a connector for ``saved:PATH``; raises UsageError for an address without a path."""
    path = uri.partition(":")[2].removeprefix("//")
    if not path:
        raise UsageError(f"'{uri}' names no file", f"write {SCHEME}:PATH")
    return SavedConnector(Path(path))


ENGINE = EngineKind(SCHEME, "a table in a file that mipsh wrote", open_saved, example="saved:bc.json")
