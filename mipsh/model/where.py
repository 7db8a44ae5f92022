"""Conditions on columns: ``coa=2001:db8::1``, ``lifetime_remaining_s<60``, ``status~^reg``.

A condition over an unknown value is neither true nor false: it could not be told. A filter keeps
only rows for which it is true; an assertion reports the difference.
"""

import re
from collections.abc import Iterable
from operator import eq, ge, gt, le, lt, ne

from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.model.address import canonical, within
from mipsh.model.columns import Column, Kind, Table
from mipsh.model.text import plain

_CONDITION = re.compile(r"\s*([A-Za-z_][\w-]*)\s*(!=|>=|<=|!~|==|=|>|<|~)\s?(.*)", re.DOTALL)
_ORDER = {">": gt, ">=": ge, "<": lt, "<=": le, "=": eq, "==": eq, "!=": ne}
_NUMERIC = (Kind.INTEGER, Kind.SECONDS)
_UNKNOWN = ("null", "unknown", "-")


class Condition(Struct, frozen=True):
    """One comparison: a column, an operator and the value as typed."""

    column: Column
    operator: str
    value: str

    def __str__(self) -> str:
        """Return the condition as it could be typed."""
        return f"{self.column.name}{self.operator}{self.value}"


def parse_condition(text: str, table: Table) -> Condition:
    """Read one condition on a table; raises UsageError that names what was expected."""
    match = _CONDITION.fullmatch(text)
    if match is None:
        raise UsageError(
            f"'{text}' is not a condition",
            "write FIELD=VALUE, FIELD!=VALUE, FIELD>N, FIELD<N, FIELD~REGEX or FIELD!~REGEX",
        )
    name, operator, value = match.groups()
    column = find_column(name, table)
    if operator in ("~", "!~"):
        try:
            re.compile(value)
        except re.error as error:
            raise UsageError(f"'{value}' is not a regular expression: {error}") from None
    elif value not in _UNKNOWN:
        value = _typed(value, operator, column)
    return Condition(column, operator, value)


def find_column(name: str, table: Table) -> Column:
    """Return the column a word means; raises UsageError with the names there are."""
    found = table.column(name)
    if found is None:
        near = [c.name for c in table.columns if c.name.startswith(name)]
        names = ", ".join(near or [c.name for c in table.columns])
        problem = "means more than one column of" if near else "is not a column of"
        raise UsageError(f"'{name}' {problem} {table.name}", f"columns: {names}")
    return found


def _typed(value: str, operator: str, column: Column) -> str:
    if column.kind in _NUMERIC or operator in (">", "<", ">=", "<="):
        try:
            float(value)
        except ValueError:
            raise UsageError(f"{column.name} is compared with a number, not with '{value}'") from None
    return value


def holds(condition: Condition, record: Struct) -> bool | None:
    """Tell whether a condition holds for a record; None where the value is unknown."""
    value = getattr(record, condition.column.name)
    wanted, operator = condition.value, condition.operator
    if wanted in _UNKNOWN and operator in ("=", "==", "!="):
        return (value is None) == (operator != "!=")
    if value is None:
        return None
    if operator in ("~", "!~"):
        return (re.search(wanted, plain(value)) is not None) == (operator == "~")
    if isinstance(value, int | float) and not isinstance(value, bool):
        return bool(_ORDER[operator](value, float(wanted)))
    if operator in (">", "<", ">=", "<="):
        return None
    return _same(value, wanted, condition.column) == (operator != "!=")


def _same(value: object, wanted: str, column: Column) -> bool:
    if isinstance(value, bool):
        return value == (wanted.lower() in ("true", "yes", "1"))
    if isinstance(value, tuple | list):
        return wanted in value or "".join(map(str, value)) == wanted or plain(value) == wanted
    text = plain(value)
    if column.kind is Kind.ADDRESS and "/" in wanted:
        return within(text, wanted)
    if column.kind in (Kind.ADDRESS, Kind.PREFIX):
        return text == (canonical(wanted) or wanted)
    return text.lower() == wanted.lower()


def keep(rows: Iterable[Struct], conditions: Iterable[Condition]) -> list[Struct]:
    """Return the rows for which every condition is true."""
    wanted = list(conditions)
    return [row for row in rows if all(holds(condition, row) for condition in wanted)]
