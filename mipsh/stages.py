"""What happens to a result between the command and the renderer: rows kept, ordered, counted.

Everything works on records, never on text, so that it means the same in every format.
"""

import re
from collections.abc import Sequence
from typing import Annotated, Any

from msgspec import Struct, structs

from mipsh.errors import UsageError
from mipsh.grammar.lines import Stage
from mipsh.model.columns import Column, Kind, Table, column, table
from mipsh.model.text import plain
from mipsh.model.where import find_column, keep, parse_condition
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
    if text == "all":
        return [column.name for column in found.columns]
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise UsageError("--columns takes names", f"columns: {', '.join(c.name for c in found.columns)}")
    return names


def ordered(rows: Sequence[Any], text: str, found: Table) -> list[Any]:
    """Return rows sorted by columns, ``-NAME`` downwards; unknown values come last."""
    listed = list(rows)
    for name in reversed([name.strip() for name in text.split(",") if name.strip()]):
        by = find_column(name.lstrip("-+"), found)
        known = [row for row in listed if getattr(row, by.name) is not None]
        unknown = [row for row in listed if getattr(row, by.name) is None]
        known.sort(key=lambda row, by=by: sort_key(getattr(row, by.name), by), reverse=name.startswith("-"))  # type: ignore[misc]
        listed = known + unknown
    return listed


def sort_key(value: object, by: Column) -> Any:
    """Return what a value sorts by: numbers by size, addresses by their bits, text by letter."""
    if isinstance(value, bool | int | float):
        return value
    text = plain(value)
    if by.kind in (Kind.ADDRESS, Kind.PREFIX):
        import ipaddress

        try:
            return (0, int(ipaddress.IPv6Address(text.partition("/")[0].partition("%")[0])), text)
        except ValueError:
            return (1, 0, text)
    return text


def apply_stages(result: Result, stages: Sequence[Stage]) -> Result:
    """Apply ``| include``, ``| exclude``, ``| first``, ``| last`` and ``| count``."""
    for stage in stages:
        if stage.name in ("include", "exclude"):
            result = structs.replace(result, rows=_matching(result, stage))
        elif stage.name == "first":
            result = structs.replace(result, rows=result.rows[: int(stage.argument)])
        elif stage.name == "last":
            number = int(stage.argument)
            result = structs.replace(result, rows=result.rows[-number:] if number else [])
        elif stage.name == "count" and not result.errors:
            result = structs.replace(
                result, table=COUNT, rows=[Count(len(result.rows))], columns=None, summary="", changes=None
            )
    return result


def _matching(result: Result, stage: Stage) -> list[Any]:
    try:
        pattern = re.compile(stage.argument)
    except re.error as error:
        raise UsageError(f"'{stage.argument}' is not a regular expression: {error}") from None
    if result.table is None:
        return list(result.rows)
    if result.table.prose:
        return [_lines(row, result.table, pattern, stage.name == "include") for row in result.rows]
    names = result.columns or tuple(c.name for c in result.table.columns)
    wanted = stage.name == "include"
    return [row for row in result.rows if any(pattern.search(plain(getattr(row, name))) for name in names) == wanted]


def _lines(row: Any, found: Table, pattern: re.Pattern[str], wanted: bool) -> Any:
    """Filter the lines of a row of prose, whose last column is its text."""
    name = found.columns[-1].name
    lines = getattr(row, name).splitlines()
    kept = [line for line in lines if (pattern.search(line) is not None) == wanted]
    return structs.replace(row, **{name: "\n".join(kept)})
