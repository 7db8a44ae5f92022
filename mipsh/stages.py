"""What happens to a result between the command and the renderer: rows kept, ordered, counted.

Everything works on records, never on text, so that it means the same in every format.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Annotated, Any

from msgspec import Struct, structs

from mipsh.errors import UsageError
from mipsh.grammar.lines import Stage
from mipsh.model.columns import Column, Kind, Table, column, table
from mipsh.model.text import plain
from mipsh.model.where import find_column, keep, parse_condition, regular_expression
from mipsh.result import Result


class Count(Struct, frozen=True):
    """How many rows a result has."""

    count: Annotated[int, column("Count", "number of rows", Kind.INTEGER)]


COUNT = table("count", Count, "Count")


def shape(result: Result, common: dict[str, object]) -> Result:
    """Apply ``--where``, ``--sort`` and ``--columns``; raises UsageError for an unknown column."""
    found = result.table
    if found is None:
        return result
    rows: Sequence[Any] = result.rows
    where = common.get("where")
    if isinstance(where, list):
        rows = keep(rows, [parse_condition(text, found) for text in where])
    sort = common.get("sort")
    if isinstance(sort, str):
        rows = ordered(rows, sort, found)
    columns = result.columns
    wanted = common.get("columns")
    if isinstance(wanted, str):
        columns = tuple(find_column(name, found).name for name in _list(wanted, found))
    return structs.replace(result, rows=rows, columns=columns)


def _list(text: str, found: Table) -> list[str]:
    return [column.name for column in found.columns] if text == "all" else _names(text, "--columns", found)


def _names(text: str, option: str, found: Table) -> list[str]:
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError(f"{option} takes names", f"columns: {', '.join(c.name for c in found.columns)}")
    return names


def ordered(rows: Sequence[Any], text: str, found: Table) -> list[Any]:
    """Return rows sorted by columns, ``-NAME`` downwards; unknown values come last."""
    listed = list(rows)
    for name in reversed(_names(text, "--sort", found)):
        by = find_column(name.lstrip("-+"), found)
        known = [(sort_key(value, by), row) for row in listed if (value := getattr(row, by.name)) is not None]
        unknown = [row for row in listed if getattr(row, by.name) is None]
        known.sort(key=itemgetter(0), reverse=name.startswith("-"))
        listed = [row for _, row in known] + unknown
    return listed


def sort_key(value: object, by: Column) -> Any:
    """Return what a value sorts by: numbers by size, addresses by their bits, text by letter."""
    if isinstance(value, bool | int | float):
        return value
    text = plain(value)
    if by.kind in (Kind.ADDRESS, Kind.PREFIX):
        import ipaddress

        address, _, length = text.partition("/")
        try:
            bits = int(ipaddress.IPv6Address(address.partition("%")[0]))
        except ValueError:
            return (1, 0, 0, text)
        return (0, bits, int(length) if length.isdecimal() else 0, text)
    return text


def apply_stages(result: Result, stages: Sequence[Stage]) -> Result:
    """Apply ``| include``, ``| exclude``, ``| first``, ``| last`` and ``| count``.

    Prose has no rows worth the name: there they work on its lines.
    """
    for stage in stages:
        if stage.name == "count":
            result = result if result.errors else _counted(result)
        elif stage.name != "!" and result.table is not None:
            result = structs.replace(result, rows=_kept(result, result.table, stage))
    return result


def _counted(result: Result) -> Result:
    rows = result.rows
    if result.table is not None and result.table.prose:
        rows = [line for row in rows for line in _text(row, result.table).splitlines()]
    counted = structs.replace(result, table=COUNT, rows=[Count(len(rows))], columns=None, shown=None)
    return structs.replace(counted, summary="", changes=None)


def _kept(result: Result, found: Table, stage: Stage) -> list[Any]:
    """Return the rows that a stage keeps; of prose, the rows with the lines that it keeps."""
    if stage.name in ("first", "last"):
        return _lines(result, found, lambda lines: _cut(lines, stage)) if found.prose else _cut(result.rows, stage)
    pattern = regular_expression(stage.argument)
    wanted = stage.name == "include"
    if found.prose:
        return _lines(result, found, lambda lines: [t for t in lines if (pattern.search(t) is not None) == wanted])
    names = result.columns or tuple(c.name for c in found.columns)
    return [row for row in result.rows if any(pattern.search(plain(getattr(row, name))) for name in names) == wanted]


def _cut(items: Sequence[Any], stage: Stage) -> list[Any]:
    number = int(stage.argument)
    start = 0 if stage.name == "first" else max(len(items) - number, 0)
    return list(items[start : start + number])


def _text(row: Any, found: Table) -> str:
    """Return the text of a row of prose: its last column."""
    return plain(getattr(row, found.columns[-1].name))


def _lines(result: Result, found: Table, keep_lines: Callable[[list[str]], list[str]]) -> list[Any]:
    name = found.columns[-1].name
    return [
        structs.replace(row, **{name: "\n".join(keep_lines(_text(row, found).splitlines()))}) for row in result.rows
    ]
