"""What table and vertical formats share: cells as text, headers with units, marks of change."""

from collections.abc import Mapping

from mipsh.changes import row_key
from mipsh.model.columns import Column, Kind
from mipsh.model.text import human
from mipsh.result import Result

NUMERIC = (Kind.INTEGER, Kind.SECONDS)

STATUS_STYLES: Mapping[str, str] = {
    "registered": "green",
    "cached": "green",
    "bound": "green",
    "ready": "green",
    "ok": "green",
    "dad": "yellow",
    "dying": "yellow",
    "return_routability": "yellow",
    "waiting_for_ack": "yellow",
    "not_mobile": "magenta",
    "unreachable": "red",
    "expired": "red",
    "broken": "red",
}


def cell(row: object, column: Column) -> str:
    """Return a cell's text, escaped; a counter that nobody counts says so."""
    value = getattr(row, column.name)
    if value is None and column.name == "value" and getattr(row, "counted", True) is False:
        return "not counted"
    return human(value, column.kind)


def style_of(column: Column, text: str, value: object) -> str:
    """Return the colour of a cell; colour is never the only carrier of a meaning."""
    if column.kind in (Kind.ADDRESS, Kind.PREFIX):
        return "cyan"
    if column.kind is Kind.SECONDS and isinstance(value, int | float) and value < 0:
        return "red"
    return STATUS_STYLES.get(text, "")


def is_changed(result: Result, row: object, column: Column) -> bool:
    """Tell whether a cell came or changed since the look before."""
    if not result.changes or result.table is None:
        return False
    key = row_key(row, result.table)
    return any(c.key == key and (c.change == "added" or column.name in c.columns) for c in result.changes)


def gone(result: Result) -> list[str]:
    """Return a line for every row that went away."""
    return [f"gone: {change.key}" for change in result.changes or () if change.change == "removed"]
