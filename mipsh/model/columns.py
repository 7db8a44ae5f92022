"""One declaration a column: title, unit, meaning, source.

A record field is declared once, as ``Annotated[type, column(...)]``. The JSON Schema, the
table header, ``describe``, filters and completion all read that declaration.
"""

from collections.abc import Iterator
from enum import StrEnum
from typing import Any

from msgspec import Meta, Struct


class Kind(StrEnum):
    """What a column holds, as far as filtering, sorting and showing care."""

    TEXT = "text"
    ADDRESS = "address"
    PREFIX = "prefix"
    INTEGER = "integer"
    SECONDS = "seconds"
    TIME = "time"
    FLAGS = "flags"
    LINES = "lines"
    BOOLEAN = "boolean"
    MAPPING = "mapping"


class Shown(StrEnum):
    """When a column stands in a table without being asked for."""

    ALWAYS = "always"
    WIDE = "wide"


class Column(Struct, frozen=True):
    """A column of a table: the field's name and everything declared about it."""

    name: str
    title: str
    meaning: str
    kind: Kind = Kind.TEXT
    unit: str = ""
    source: str = ""
    alias: str = ""
    shown: Shown = Shown.ALWAYS


class Table(Struct, frozen=True):
    """A table: its name, its record type, and its columns in order.

    ``key`` names the columns that tell one row from another; rows are sorted by it.
    ``prose`` tables hold text for people: they are printed, not tabulated.
    """

    name: str
    title: str
    meaning: str
    record: type[Struct]
    columns: tuple[Column, ...]
    key: tuple[str, ...] = ()
    prose: bool = False

    def column(self, word: str) -> Column | None:
        """Return the column that a name, an alias or a unique beginning of a name means."""
        if not word:
            return None
        for candidate in self.columns:
            if word in (candidate.name, candidate.alias):
                return candidate
        found = [c for c in self.columns if c.name.startswith(word)]
        return found[0] if len(found) == 1 else None


def column(
    title: str,
    meaning: str,
    kind: Kind = Kind.TEXT,
    *,
    unit: str = "",
    source: str = "",
    alias: str = "",
    shown: Shown = Shown.ALWAYS,
) -> Meta:
    """Declare a column; the result annotates a record field."""
    extra = {"x-kind": kind.value, "x-unit": unit, "x-source": source}
    return Meta(
        title=title,
        description=meaning,
        extra_json_schema={name: value for name, value in extra.items() if value},
        extra={"kind": kind, "unit": unit, "source": source, "alias": alias, "shown": shown},
    )


def table(name: str, record: type[Struct], title: str, *, key: tuple[str, ...] = (), prose: bool = False) -> Table:
    """Make the table of a record type; the record's docstring is the table's meaning.

    Raises TypeError for a field without a column declaration.
    """
    meaning = (record.__doc__ or "").strip().split("\n", maxsplit=1)[0]
    return Table(name, title, meaning, record, tuple(_columns(record)), key, prose)


def _columns(record: type[Struct]) -> Iterator[Column]:
    annotations: dict[str, Any] = {}
    for base in reversed(record.__mro__):
        annotations.update(getattr(base, "__annotations__", {}))
    for name in record.__struct_fields__:
        metas = getattr(annotations[name], "__metadata__", ())
        meta = metas[0] if metas else None
        if not isinstance(meta, Meta) or meta.extra is None:
            raise TypeError(f"{record.__name__}.{name} has no column declaration")
        yield Column(name, meta.title or "", meta.description or "", **meta.extra)
