"""Checks that users write: a field, an operator and a value, over the rows of any table.

::

    checks:
      - id: SITE-001
        title: the home registration is granted for less than ten minutes
        severity: medium
        table: bul
        where: [registration=home]
        field: lifetime_granted_s
        operator: ">="
        value: 600
        remedy: ["raise HaMaxBindingLife"]

A row for which the comparison does not hold is AFFECTED. ``where`` chooses rows, with the conditions of ``--where``;
``empty`` says what it means that there is none: unknown (the default), pass or affected. Besides the tables of the
engine there are those of the kernel (``TABLES``), ``settings``, whose field is a name below /proc/sys, and
``xfrm_rise`` and ``snmp6_rise``, whose field is a counter, and its value how much it rose in the window.
What is read is data: nothing in it is run.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, get_type_hints

from msgspec import Struct, ValidationError, convert

from mipsh.checks import sources
from mipsh.checks.check import About, Check, Judgement, Judgements, Run, affected, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.errors import ConfigError, UsageError
from mipsh.model.columns import Column, Kind, Table
from mipsh.model.findings import By, Severity
from mipsh.model.records import ENGINE_TABLES
from mipsh.model.text import plain
from mipsh.model.where import Condition, holds, keep, parse_condition

AREA = "user"
MOST = 500
LONGEST = 2000
SETTINGS, XFRM_RISE, SNMP6_RISE = "settings", "xfrm_rise", "snmp6_rise"
WORDS = {
    "bc": "binding_cache",
    "bul": "binding_update_list",
    "rr": "return_routability",
    "hal": "home_agents",
    "pl": "prefixes",
    "stats": "statistics",
}
_OPERATORS = ("=", "!=", "<", "<=", ">", ">=", "~", "!~")
_UNKNOWN, _PASS, _AFFECTED = "unknown", "pass", "affected"
_NAMES = ("address", "name", "destination", "home_address", "priority", "local", "pid", "prefix")
"""Fields that tell one row from another, of which the first that a row has is the subject."""


class _Value(Struct, frozen=True):
    """A single number or text, as a row."""

    value: int | str | None


class Written(Struct, frozen=True, forbid_unknown_fields=True):
    """A check as it is written."""

    id: str
    title: str
    table: str
    field: str
    operator: str
    value: int | float | bool | str
    severity: Severity = Severity.MEDIUM
    where: str | list[str] = ""
    roles: list[str] = []
    empty: str = _UNKNOWN
    explain: str = ""
    remedy: list[str] = []
    reference: str = ""


def _kinds(record: type[Struct]) -> Table:
    """Return a table of a record whose columns are not declared; a kind follows from the field's type."""
    hints = get_type_hints(record)
    columns = tuple(
        Column(name, name, "", Kind.INTEGER if "int" in str(hints[name]) or hints[name] is int else Kind.TEXT)
        for name in record.__struct_fields__
    )
    return Table(record.__name__, record.__name__, "", record, columns)


TABLES: dict[str, tuple[Key, type[Struct], Callable[[Facts], Sequence[Any]]]] = {
    "addresses": (Key.AD, sources.InterfaceAddress, lambda facts: facts.addresses),
    "routes": (Key.RT, sources.Route, lambda facts: facts.routes),
    "rules": (Key.RU, sources.Rule, lambda facts: facts.rules),
    "neighbours": (Key.NB, sources.Neighbour, lambda facts: facts.neighbours),
    "proxies": (Key.PN, sources.Proxy, lambda facts: facts.proxies),
    "links": (Key.TN, sources.Link, lambda facts: facts.links),
    "sockets": (Key.SK, sources.Socket, lambda facts: facts.sockets),
    "processes": (Key.PR, sources.Process, lambda facts: facts.processes),
}
"""The tables of the kernel, with their source and record."""


def checks(document: Any, path: str) -> list[Check]:
    """Return the checks of a document; raises ConfigError that names the file and the check."""
    listed = document.get("checks") if isinstance(document, dict) else None
    if not isinstance(listed, list) or set(document) != {"checks"}:
        raise ConfigError(f"{path}: it holds a list under 'checks', and nothing else", "see docs/checks.md")
    if len(listed) > MOST:
        raise ConfigError(f"{path}: at most {MOST} checks are read of a file, and there are {len(listed)}")
    return [_check(one, f"{path}: check {number}") for number, one in enumerate(listed, 1)]


def _check(said: Any, where: str) -> Check:
    try:
        written = convert(said, Written)
    except ValidationError as error:
        raise ConfigError(f"{where}: {error}", "it has id, title, table, field, operator and value") from None
    if any(len(text) > LONGEST for text in (written.id, written.title, written.explain, str(written.value))):
        raise ConfigError(f"{where}: a text in it is longer than {LONGEST} characters")
    if written.operator not in _OPERATORS:
        raise ConfigError(f"{where}: there is no operator '{written.operator}'", f"there are: {' '.join(_OPERATORS)}")
    if written.empty not in (_UNKNOWN, _PASS, _AFFECTED):
        raise ConfigError(f"{where}: empty is unknown, pass or affected, not '{written.empty}'")
    try:
        key, run = _made(written)
    except UsageError as error:
        raise ConfigError(f"{where}: {error.message}", error.hint) from None
    about = About(
        written.id,
        written.title,
        written.severity,
        tuple(written.roles),
        (key,),
        tuple(written.remedy),
        written.reference or where,
        windowed=written.table in (XFRM_RISE, SNMP6_RISE),
        engines=("umip", "kernel", "mipd"),
    )
    return Check(about, AREA, run, written.explain or written.title)


def _made(written: Written) -> tuple[Key, Run]:
    """Return the source of a check's table, and its function; raises UsageError for what cannot be compared."""
    single = _single(written)
    if single is not None:
        key, read = single
        condition = parse_condition(f"value{written.operator}{plain(written.value)}", _kinds(_Value))
        return key, lambda facts: _judged(written, condition, [(written.field, _Value(read(facts)))])
    name = WORDS.get(written.table, written.table)
    if name in TABLES:
        key, record, rows = TABLES[name]
        table = _kinds(record)
    elif name in ENGINE_TABLES:
        key, table = Key.VT, ENGINE_TABLES[name]
        rows = _rows_of(name)
    else:
        known = ", ".join((*WORDS, *TABLES, SETTINGS, XFRM_RISE, SNMP6_RISE))
        raise UsageError(f"there is no table '{written.table}'", f"there are: {known}")
    condition = parse_condition(f"{written.field}{written.operator}{plain(written.value)}", table)
    listed = [written.where] if isinstance(written.where, str) else written.where
    chosen = [parse_condition(text, table) for text in listed if text]
    return key, lambda facts: _judged(written, condition, _named(keep(rows(facts), chosen), table))


def _rows_of(name: str) -> Callable[[Facts], Sequence[Any]]:
    def rows(facts: Facts) -> Sequence[Any]:
        found = facts.datum(Key.VT, name).value
        return found if isinstance(found, tuple | list) else ()

    return rows


def _single(written: Written) -> tuple[Key, Callable[[Facts], int | str | None]] | None:
    """Return where a single value is read; None for a table with rows."""
    field = written.field
    if written.table == SETTINGS:
        return Key.SY, lambda facts: _number(facts.setting_text(field))
    if written.table == XFRM_RISE:
        return Key.XT, lambda facts: facts.xfrm_rise(field)
    if written.table == SNMP6_RISE:
        return Key.SN, lambda facts: facts.snmp6_rise(field)
    return None


def _number(text: str | None) -> int | str | None:
    is_number = text is not None and text.lstrip("-").isdecimal() and text.isascii() and len(text) < 20
    return int(text) if text is not None and is_number else text


def _named(rows: Iterable[Struct], table: Table) -> Iterator[tuple[str, Struct]]:
    """Yield rows with what each is called."""
    for row in rows:
        names = table.key or tuple(name for name in _NAMES if hasattr(row, name))[:1]
        yield " ".join(plain(getattr(row, name)) for name in names if getattr(row, name) is not None), row


def _judged(written: Written, condition: Condition, rows: Iterable[tuple[str, Struct]]) -> Judgements:
    count = 0
    expected = f"{written.operator} {plain(written.value)}"
    for subject, row in rows:
        count += 1
        observed = f"{written.field} is {plain(getattr(row, condition.column.name)) or 'not known'}"
        verdict = holds(condition, row)
        if verdict is None:
            yield unknown(observed, subject, expected=expected)
        elif verdict:
            yield passed(observed, subject, expected=expected)
        else:
            yield affected(observed, subject, expected=expected)
    if not count:
        yield _nothing(written)


def _nothing(written: Written) -> Judgement:
    what = f"{written.table} has no such row"
    return {
        _PASS: passed(what),
        _AFFECTED: affected(what, by=By.STRUCTURE),
        _UNKNOWN: unknown(what),
    }[written.empty]
