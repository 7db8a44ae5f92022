"""What an output format is, and the document it writes.

A format is a function from a document and a style to pieces of text. It must write a valid
document for data, for no data, for errors and for an interrupted run alike.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

from msgspec import Struct, to_builtins

from mipsh.model.columns import Column, Shown
from mipsh.result import Result, cells

SCHEMA = "mipsh/1"


class Style(Struct, frozen=True):
    """How a document may look: width in columns (None: no limit), colour, box drawing, headers.

    ``stream`` marks one document of several, as ``watch`` writes them.
    """

    width: int | None = None
    color: bool = False
    unicode: bool = True
    headers: bool = True
    wide: bool = False
    stream: bool = False


class Document(Struct, frozen=True):
    """A result with its envelope: what was asked, when it was answered, by which engine."""

    command: str
    time: str
    result: Result

    @property
    def columns(self) -> tuple[Column, ...]:
        """Return the columns of the result: all, or those asked for, in that order."""
        return self._named(self.result.columns)

    def _named(self, names: tuple[str, ...] | None) -> tuple[Column, ...]:
        table = self.result.table
        if table is None:
            return ()
        if names is None:
            return table.columns
        by_name = {column.name: column for column in table.columns}
        return tuple(by_name[name] for name in names)

    def shown(self, wide: bool) -> tuple[Column, ...]:
        """Return the columns that a table shows: those asked for, else the usual ones."""
        if wide or self.result.columns is not None:
            return self.columns
        if self.result.shown is not None:
            return self._named(self.result.shown)
        return tuple(column for column in self.columns if column.shown is Shown.ALWAYS)

    def data(self) -> Sequence[Any]:
        """Return the rows: records, or mappings where only some columns were asked for."""
        if self.result.columns is None:
            return self.result.rows
        return [cells(row, self.result.columns) for row in self.result.rows]

    def envelope(self) -> dict[str, Any]:
        """Return everything of the document but its data, in the order of the schema."""
        result = self.result
        envelope: dict[str, Any] = {
            "schema": SCHEMA,
            "command": self.command,
            "table": result.table.name if result.table else None,
            "engine": result.engine,
            "time": self.time,
            "status": int(result.status),
            "errors": result.errors,
            "warnings": result.warnings,
        }
        if result.changes is not None:
            envelope["changes"] = result.changes
        return envelope


class Format(Struct, frozen=True):
    """An output format, as a plugin declares it.

    ``people`` formats show no error in the text, because stderr shows it; the others are
    documents for programs and carry it.
    """

    name: str
    summary: str
    render: Callable[[Document, Style], Iterator[str]]
    people: bool = False


def encodable(value: Any) -> Any:
    """Return a value as mappings, lists and texts; bytes in a text that were no UTF-8 are spelled out."""
    return _spelled(to_builtins(value))


def _spelled(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, dict):
        return {_spelled(key): _spelled(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_spelled(item) for item in value]
    return value


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
