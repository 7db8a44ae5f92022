"""What changed between two looks at a table; a clock that merely went on is no change.

Seconds that count down may fall by the time between the looks, an age may rise by it. A granted
lifetime and the length of an interval are no clocks: any other value of them is a change.
"""

from typing import Any

from mipsh.model.columns import Kind, Table
from mipsh.model.text import plain
from mipsh.result import Change, Result

TOLERANCE_S = 2.0
_NOT_COMPARED = ("source_line",)
_COUNTS_UP = ("age_s",)
_STANDS = ("granted", "interval")


def compare(before: Result, after: Result) -> tuple[Change, ...]:
    """Return the rows that came, went, or changed, by key; nothing where the tables differ."""
    table = after.table
    if table is None or before.table is not table or before.errors or after.errors:
        return ()
    elapsed = (after.taken_at or 0.0) - (before.taken_at or 0.0)
    old = {row_key(row, table): row for row in before.rows}
    new = {row_key(row, table): row for row in after.rows}
    changes = [Change(key, "removed") for key in old if key not in new]
    for key, row in new.items():
        if key not in old:
            changes.append(Change(key, "added"))
            continue
        columns = tuple(name for name in _compared(table, after) if _differs(old[key], row, name, table, elapsed))
        if columns:
            changes.append(Change(key, "changed", columns))
    return tuple(changes)


def row_key(row: Any, table: Table) -> str:
    """Return what tells a row from the others of its table."""
    return " ".join(plain(getattr(row, name)) for name in table.key)


def _compared(table: Table, result: Result) -> list[str]:
    names = result.columns or tuple(column.name for column in table.columns)
    return [name for name in names if name not in _NOT_COMPARED]


def _differs(old: Any, new: Any, name: str, table: Table, elapsed: float) -> bool:
    was, is_now = getattr(old, name), getattr(new, name)
    if was == is_now:
        return False
    column = table.column(name)
    known = was is not None and is_now is not None
    if column is None or column.kind is not Kind.SECONDS or not known or any(word in name for word in _STANDS):
        return True
    expected = elapsed if name in _COUNTS_UP else -elapsed
    return abs(float(is_now - was) - expected) > TOLERANCE_S
