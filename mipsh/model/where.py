"""Conditions on columns: ``coa=2001:db8::1``, ``lifetime_remaining_s<60``, ``status~^reg``.

A condition over an unknown value is neither true nor false: it could not be told; only
``=null`` and ``!=null`` ask whether it is unknown. A filter keeps only rows for which a condition
is true; an assertion reports the difference.
"""

import math
import re
import warnings
from collections.abc import Iterable, Sequence
from functools import lru_cache
from operator import eq, ge, gt, le, lt, ne

from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.model.address import canonical, within
from mipsh.model.columns import Column, Kind, Table
from mipsh.model.text import plain

_CONDITION = re.compile(r"\s*([A-Za-z_][\w-]*)\s*(!=|>=|<=|!~|==|=|>|<|~)\s?(.*)", re.DOTALL)
_ORDER = {">": gt, ">=": ge, "<": lt, "<=": le, "=": eq, "==": eq, "!=": ne}
_EQUALITY = ("=", "==", "!=")
_NUMERIC = (Kind.INTEGER, Kind.SECONDS)
_UNKNOWN = ("null", "unknown", "-")
_BOOLEANS = {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}


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
        regular_expression(value)
    elif value not in _UNKNOWN or operator not in _EQUALITY:
        _check_value(value, operator, column)
    return Condition(column, operator, value)


def find_column(name: str, table: Table) -> Column:
    """Return the column a word means; raises UsageError with the names there are."""
    found = table.column(name)
    if found is None:
        near = [c.name for c in table.columns if name and c.name.startswith(name)]
        names = ", ".join(near or [c.name for c in table.columns])
        problem = "means more than one column of" if near else "is not a column of"
        raise UsageError(f"'{name}' {problem} {table.name}", f"columns: {names}")
    return found


@lru_cache(maxsize=64)
def regular_expression(text: str) -> re.Pattern[str]:
    """Compile a regular expression as typed; raises UsageError."""
    try:
        with warnings.catch_warnings():
            # "[[" may mean something else in a later Python: that is none of the user's business.
            warnings.simplefilter("ignore")
            return re.compile(text)
    except (re.error, OverflowError, RecursionError) as error:
        raise UsageError(f"'{text}' is not a regular expression: {error}") from None


def _check_value(value: str, operator: str, column: Column) -> None:
    """Refuse a value that no value of the column could be compared with; raises UsageError."""
    if column.kind in _NUMERIC:
        if _number(value) is None:
            raise UsageError(f"{column.name} is compared with a number, not with '{value}'")
    elif operator not in _EQUALITY:
        raise UsageError(f"{column.name} is no number: it has no order", "compare with =, !=, ~ or !~")
    elif column.kind is Kind.BOOLEAN and value.lower() not in _BOOLEANS:
        raise UsageError(f"{column.name} is yes or no, not '{value}'")
    elif column.kind in (Kind.ADDRESS, Kind.PREFIX) and canonical(value) is None:
        raise UsageError(f"{column.name} is compared with an address or a prefix, not with '{value}'")


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def holds(condition: Condition, record: Struct) -> bool | None:
    """Tell whether a condition holds for a record; None where the value is unknown."""
    value = getattr(record, condition.column.name)
    wanted, operator = condition.value, condition.operator
    if wanted in _UNKNOWN and operator in _EQUALITY:
        return (value is None or plain(value) == wanted) == (operator != "!=")
    if value is None:
        return None
    if operator in ("~", "!~"):
        return (regular_expression(wanted).search(plain(value)) is not None) == (operator == "~")
    if isinstance(value, int | float) and not isinstance(value, bool):
        number = _number(wanted)
        return None if number is None else bool(_ORDER[operator](value, number))
    if operator not in _EQUALITY:
        return None
    return _same(value, wanted, condition.column) == (operator != "!=")


def _same(value: object, wanted: str, column: Column) -> bool:
    if isinstance(value, bool):
        return value is _BOOLEANS.get(wanted.lower())
    if isinstance(value, tuple | list):
        return any(_same(item, wanted, column) for item in value) or _same_flags(value, wanted)
    text = plain(value)
    if column.kind is Kind.ADDRESS and "/" in wanted:
        return within(text, wanted)
    if column.kind is Kind.PREFIX and "/" not in wanted:
        text = text.partition("/")[0]
    if column.kind in (Kind.ADDRESS, Kind.PREFIX):
        return text == (canonical(wanted) or wanted)
    return text.lower() == wanted.lower()


def _same_flags(flags: Sequence[object], wanted: str) -> bool:
    """Tell whether these are the flags as a table shows them (``AH``), in any order, or as CSV does (``A H``)."""
    letters = [str(flag) for flag in flags]
    return plain(flags) == wanted or (all(len(letter) == 1 for letter in letters) and sorted(letters) == sorted(wanted))


def keep(rows: Iterable[Struct], conditions: Iterable[Condition]) -> list[Struct]:
    """Return the rows for which every condition is true."""
    wanted = list(conditions)
    return [row for row in rows if all(holds(condition, row) for condition in wanted)]
