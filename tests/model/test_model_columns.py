"""Columns and tables: every field declared, every name found one way only."""

import re
from typing import Annotated, Any, get_args, get_type_hints

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Meta, Struct

from mipsh.model import tables as known
from mipsh.model.columns import Column, Kind, Shown, Table, column, table
from mipsh.model.findings import Evidence
from mipsh.model.records import BINDING_CACHE, ENGINE_TABLES, BindingCacheEntry, EngineInfo
from mipsh.stages import COUNT

TABLES = [*known.TABLES.values(), COUNT]
COLUMNS = [(found, one) for found in TABLES for one in found.columns]
UNITS = {"s": "_s", "ms": "_ms", "1/s": "_per_s", "%": "_percent"}
every_table = pytest.mark.parametrize("found", TABLES, ids=lambda found: found.name)
every_column = pytest.mark.parametrize(
    ("found", "one"), COLUMNS, ids=lambda part: part.name if isinstance(part, Table | Column) else ""
)


def types(found: Table, name: str) -> set[Any]:
    """Return the types that a field may have."""
    hint = get_type_hints(found.record)[name]
    return set(get_args(hint)) if type(None) in get_args(hint) else {hint}


@every_column
def test_a_column_is_declared_whole(found: Table, one: Column) -> None:
    """A name in snake case, a title, a meaning, and its unit at the end of its name."""
    assert re.fullmatch(r"[a-z][a-z0-9]*(_[a-z0-9]+)*", one.name)
    assert one.title and one.title == one.title.strip()
    assert one.meaning and not one.meaning.endswith(".")
    assert one.unit in ("", "B", *UNITS)
    assert one.name.endswith(UNITS.get(one.unit, ""))
    assert (one.kind is Kind.SECONDS) == (one.unit == "s")
    assert one.kind is Kind.SECONDS or not one.name.endswith("_s") or one.unit == "1/s"


KINDS: dict[Kind, set[Any]] = {
    Kind.TEXT: {str},
    Kind.ADDRESS: {str},
    Kind.PREFIX: {str, tuple[str, ...]},
    Kind.INTEGER: {int, float},
    Kind.SECONDS: {int, float},
    Kind.TIME: {str},
    Kind.FLAGS: {tuple[str, ...], tuple[int, ...]},
    Kind.LINES: {tuple[str, ...], tuple[Evidence, ...]},
    Kind.BOOLEAN: {bool},
    Kind.MAPPING: {dict[str, str]},
}


@every_column
def test_a_kind_fits_its_type(found: Table, one: Column) -> None:
    """What filters, sorts and shows a value relies on it."""
    assert types(found, one.name) - {type(None)} <= KINDS[one.kind]


@every_table
def test_a_table_is_declared_whole(found: Table) -> None:
    """Title and meaning; a key of columns that are there and known; something to show."""
    names = [one.name for one in found.columns]
    assert found.title and found.meaning.endswith(".")
    assert names == list(found.record.__struct_fields__)
    assert set(found.key) <= set(names)
    assert found.key or found is COUNT
    assert any(one.shown is Shown.ALWAYS for one in found.columns)


@every_table
def test_a_word_means_one_column(found: Table) -> None:
    """Names, aliases and titles are each unique in a table, and none hides another."""
    words = [one.name for one in found.columns] + [one.alias for one in found.columns if one.alias]
    assert len(set(words)) == len(words)
    titles = [one.title for one in found.columns]
    assert len(set(titles)) == len(titles)
    for one in found.columns:
        assert found.column(one.name) is one
        assert not one.alias or found.column(one.alias) is one


def test_every_table_stands_under_its_name() -> None:
    """No two tables have the same."""
    for tables in (ENGINE_TABLES, known.TABLES):
        assert {name: found.name for name, found in tables.items()} == {name: name for name in tables}
    assert len({found.name for found in TABLES}) == len(TABLES)


@pytest.mark.parametrize(
    ("word", "name"),
    [
        ("home_address", "home_address"),
        ("hoa", "home_address"),
        ("home_a", "home_address"),
        ("lifetime", "lifetime_granted_s"),
        ("lifetime_r", "lifetime_remaining_s"),
        ("seq", "sequence"),
        ("lifetime_", None),
        ("home", None),
        ("nope", None),
        ("HOA", None),
        ("", None),
    ],
)
def test_a_word_for_a_column(word: str, name: str | None) -> None:
    """A name, an alias, or a unique beginning of a name; an alias beats what begins with it."""
    found = BINDING_CACHE.column(word)
    assert (found.name if found else None) == name


class Base(Struct, frozen=True):
    """What others have too.

    This is not the meaning.
    """

    one: Annotated[int, column("One", "the first", Kind.INTEGER, unit="B", source="here", alias="o", shown=Shown.WIDE)]


class Derived(Base, frozen=True):
    """A base, and more."""

    two: Annotated[str, column("Two", "the second")] = ""


def test_a_declaration_becomes_a_column() -> None:
    """Everything said once is there, also from a base."""
    found = table("things", Derived, "Things", key=("one",), prose=True)
    assert found == Table(
        "things",
        "Things",
        "A base, and more.",
        Derived,
        (
            Column("one", "One", "the first", Kind.INTEGER, "B", "here", "o", Shown.WIDE),
            Column("two", "Two", "the second"),
        ),
        ("one",),
        True,
    )
    assert table("base", Base, "Base").meaning == "What others have too."


def test_a_declaration_is_in_the_schema() -> None:
    """Kind, unit and source too; what is empty is left out."""
    one, two = msgspec.json.schema(Derived)["$defs"]["Derived"]["properties"].values()
    assert one == {
        "type": "integer",
        "title": "One",
        "description": "the first",
        "x-kind": "integer",
        "x-unit": "B",
        "x-source": "here",
    }
    assert two == {"type": "string", "title": "Two", "description": "the second", "x-kind": "text", "default": ""}


class Bare(Struct):
    """A field without a declaration."""

    field: int


class Foreign(Struct):
    """A field with something else beside its type."""

    field: Annotated[int, "not a declaration"]


class Empty(Struct):
    """A field with constraints alone."""

    field: Annotated[int, Meta(gt=0)]


@pytest.mark.parametrize("record", [Bare, Foreign, Empty])
def test_a_field_without_a_declaration_is_an_error(record: type[Struct]) -> None:
    """It names the record and the field."""
    with pytest.raises(TypeError, match=rf"{record.__name__}\.field has no column declaration"):
        table("x", record, "X")


def test_what_is_unknown_is_none() -> None:
    """A record of an engine with nothing but its key has no zero in it."""
    entry = BindingCacheEntry("::1", None, None)
    values = [getattr(entry, name) for name in entry.__struct_fields__]
    assert not any(value == 0 for value in values if value is not None)


def strategy(hint: Any) -> st.SearchStrategy[Any]:
    """Return values of a field's type, as far as JSON can hold them."""
    short = st.text(max_size=3)
    simple: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False, allow_infinity=False),
        bool: st.booleans(),
        str: st.text(max_size=8),
        type(None): st.none(),
        tuple[str, ...]: st.lists(short, max_size=3).map(tuple),
        tuple[int, ...]: st.lists(st.integers(0, 255), max_size=3).map(tuple),
        tuple[Evidence, ...]: st.lists(st.builds(Evidence, st.text(max_size=3), st.text(max_size=3)), max_size=3).map(
            tuple
        ),
        dict[str, str]: st.dictionaries(short, short, max_size=2),
    }
    return simple[hint] if hint in simple else st.one_of(*map(strategy, get_args(hint)))


RECORDS = sorted({found.record for found in TABLES} | {EngineInfo}, key=lambda record: record.__name__)


@given(st.data())
def test_every_record_is_what_its_json_says(data: st.DataObject) -> None:
    """Written and read back, by type, a record is the same."""
    record = data.draw(st.sampled_from(RECORDS))
    hints = get_type_hints(record)
    row = record(**{name: data.draw(strategy(hint)) for name, hint in hints.items()})
    assert msgspec.json.decode(msgspec.json.encode(row), type=record) == row
    assert list(msgspec.to_builtins(row)) == list(record.__struct_fields__)
