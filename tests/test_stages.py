"""Rows kept, ordered, counted and cut, on records and on prose, before any format sees them."""

from typing import Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct, structs

from mipsh.errors import DeadlineError, UsageError
from mipsh.grammar.lines import Stage
from mipsh.model.columns import Kind, column, table
from mipsh.model.shell import RAW, RawReply
from mipsh.result import Change, Result, of_error
from mipsh.stages import COUNT, Count, apply_stages, ordered, shape, sort_key


class Row(Struct, frozen=True):
    """A row to be sorted and filtered."""

    name: Annotated[str, column("Name", "its name", alias="n")]
    number: Annotated[int | None, column("Number", "a number", Kind.INTEGER)] = None
    address: Annotated[str | None, column("Address", "an address", Kind.ADDRESS)] = None
    prefix: Annotated[str | None, column("Prefix", "a prefix", Kind.PREFIX)] = None
    flags: Annotated[tuple[str, ...], column("Flags", "flags", Kind.FLAGS)] = ()
    up: Annotated[bool | None, column("Up", "yes or no", Kind.BOOLEAN)] = None


ROWS = table("rows", Row, "Rows", key=("name",))
A, B, C = Row("a", 10, up=True), Row("b", 9, flags=("H",)), Row("c", None, "::1", up=False)
RESULT = Result(ROWS, [A, B, C], summary="three rows", changes=(Change("a", "added"),))


def by(text: str, *rows: Row) -> str:
    """Return the names of sorted rows."""
    return "".join(row.name for row in ordered(rows or (A, B, C), text, ROWS))


def rows_of(result: Result) -> list[Any]:
    """Return the rows of a result."""
    return list(result.rows)


def pipe(result: Result, *stages: str) -> Result:
    """Send a result through stages, each a name and its argument."""
    return apply_stages(result, [Stage(*stage.split(" ", 1)) for stage in stages])


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("number", "bac"),
        ("-number", "abc"),
        ("+number", "bac"),
        ("num", "bac"),
        ("-n", "cba"),
        ("up", "cab"),
        ("-up", "acb"),
        ("flags", "acb"),
        ("-flags", "bac"),
        ("address", "cab"),
        ("up,-name", "cab"),
        ("flags,-name", "cab"),
        (" flags , name ", "acb"),
    ],
)
def test_sort(text: str, names: str) -> None:
    """Numbers by size; what is unknown comes last, also downwards; equal rows keep their order."""
    assert by(text) == names


def test_addresses_are_sorted_by_their_bits() -> None:
    """Not by their letters; a zone does not count, and what is no address comes behind."""
    texts = ["fe80::1", "2001:db8::a", "2001:db8::9", "::2", "::1", "fe80::%eth0", "x", "2001:db8::10"]
    rows = [Row(str(i), address=text) for i, text in enumerate(texts)]
    assert [row.address for row in ordered(rows, "address", ROWS)] == [
        *["::1", "::2", "2001:db8::9", "2001:db8::a", "2001:db8::10", "fe80::%eth0", "fe80::1", "x"]
    ]


def test_prefixes_are_sorted_by_their_bits_then_by_length() -> None:
    """The wider one first."""
    texts = ["2001:db8::/48", "2001:db8::/8", "2001:db8::/x", "2001::/128", "2001:db8::/16"]
    rows = [Row(str(i), prefix=text) for i, text in enumerate(texts)]
    assert [row.prefix for row in ordered(rows, "prefix", ROWS)] == [
        *["2001::/128", "2001:db8::/x", "2001:db8::/8", "2001:db8::/16", "2001:db8::/48"]
    ]


@given(st.lists(st.ip_addresses(v=6)))
def test_any_addresses_are_sorted_by_their_bits(addresses: list[Any]) -> None:
    """As numbers are."""
    rows = [Row("x", address=str(address)) for address in addresses]
    assert [row.address for row in ordered(rows, "address", ROWS)] == [str(address) for address in sorted(addresses)]


def test_values_of_a_kind_can_be_compared() -> None:
    """Whatever a column holds."""
    columns = {one.name: one for one in ROWS.columns}
    assert sort_key(3, columns["number"]) < sort_key(4.5, columns["number"])
    assert sort_key("::ffff", columns["address"]) < sort_key("(broken)", columns["address"])
    assert sort_key(("A", "H"), columns["flags"]) == "A H"
    assert sort_key(("2001:db8::/32", "x"), columns["prefix"]) < sort_key(("ffff::/16",), columns["prefix"])


@pytest.mark.parametrize(("option", "text"), [("sort", ""), ("sort", " , "), ("columns", ""), ("columns", ",")])
def test_a_list_without_names(option: str, text: str) -> None:
    """It is no list."""
    with pytest.raises(UsageError, match=f"--{option} takes names") as caught:
        shape(RESULT, {option: text})
    assert caught.value.hint == "columns: name, number, address, prefix, flags, up"


@pytest.mark.parametrize(
    ("common", "message"),
    [
        ({"sort": "nope"}, "'nope' is not a column of rows"),
        ({"sort": "name,-"}, "'' is not a column of rows"),
        ({"columns": "name,nope"}, "'nope' is not a column of rows"),
        ({"where": ["number>x"]}, "number is compared with a number"),
    ],
)
def test_columns_that_are_not_there(common: dict[str, object], message: str) -> None:
    """The error names them."""
    with pytest.raises(UsageError, match=message):
        shape(RESULT, common)


def test_shape() -> None:
    """Rows are filtered, then sorted; columns are named in full."""
    shaped = shape(RESULT, {"where": ["number>1", "name!=x"], "sort": "number", "columns": "num, n"})
    assert rows_of(shaped) == [B, A]
    assert shaped.columns == ("number", "name")
    assert shape(RESULT, {"columns": "all"}).columns == Row.__struct_fields__
    assert rows_of(RESULT) == [A, B, C]


def test_nothing_to_shape() -> None:
    """Without options a result stays as it is, and so does one without a table."""
    assert shape(RESULT, {"output": "json"}) == RESULT
    empty = Result()
    assert shape(empty, {"sort": "x", "columns": "x", "where": ["x"]}) is empty
    assert shape(structs.replace(RESULT, columns=("name",)), {}).columns == ("name",)


@pytest.mark.parametrize(
    ("stages", "names"),
    [
        (["include ^(a|b)$"], "ab"),
        (["include ^1"], "a"),
        (["include true"], "a"),
        (["include ::1"], "c"),
        (["include (?i)h"], "b"),
        (["exclude ^(a|b)$"], "c"),
        (["exclude a|b"], ""),
        (["exclude x"], "abc"),
        (["include x"], ""),
        (["first 2"], "ab"),
        (["first 0"], ""),
        (["first 9"], "abc"),
        (["last 2"], "bc"),
        (["last 0"], ""),
        (["last 9"], "abc"),
        (["first 2", "last 1"], "b"),
        (["include a|b", "exclude a"], "b"),
        (["! wc"], "abc"),
        ([], "abc"),
    ],
)
def test_stages_on_rows(stages: list[str], names: str) -> None:
    """A regular expression is looked for in every column's value, as machines read it."""
    assert "".join(row.name for row in pipe(RESULT, *stages).rows) == names


def test_only_the_columns_shown_are_looked_at() -> None:
    """What was not asked for does not match."""
    shown = structs.replace(RESULT, columns=("number",))
    assert rows_of(pipe(shown, "include a")) == []
    assert rows_of(pipe(shown, "exclude 9")) == [A, C]


def test_count() -> None:
    """One row of another table, without what belonged to the rows."""
    counted = pipe(structs.replace(RESULT, columns=("name",)), "include a|b", "count")
    assert counted.table is COUNT
    assert (rows_of(counted), counted.columns, counted.summary, counted.changes) == ([Count(2)], None, "", None)
    assert rows_of(pipe(Result(ROWS), "count")) == [Count(0)]
    assert rows_of(pipe(RESULT, "count", "include 3")) == [Count(3)]
    assert rows_of(pipe(RESULT, "first 2", "count", "count")) == [Count(1)]


def test_an_error_is_not_counted() -> None:
    """No row was seen: that is not zero rows."""
    failed = of_error(DeadlineError("no answer"), ROWS)
    assert pipe(failed, "count") == failed


def test_a_result_without_a_table() -> None:
    """There is nothing to filter; it can be counted."""
    assert pipe(Result(), "include x", "first 1") == Result()
    assert rows_of(pipe(Result(), "count")) == [Count(0)]


PROSE = Result(RAW, [RawReply("bc", "one\ntwo\nthree\n"), RawReply("x", "two\r\nfour")])


@pytest.mark.parametrize(
    ("stages", "texts"),
    [
        (["include t"], ["two\nthree", "two"]),
        (["exclude ^t"], ["one", "four"]),
        (["include x"], ["", ""]),
        (["include bc"], ["", ""]),
        (["first 1"], ["one", "two"]),
        (["last 1"], ["three", "four"]),
        (["last 0"], ["", ""]),
        (["include o", "last 1"], ["two", "four"]),
        ([], ["one\ntwo\nthree\n", "two\r\nfour"]),
    ],
)
def test_stages_on_prose(stages: list[str], texts: list[str]) -> None:
    """They work on the lines of its text."""
    assert [row.reply for row in pipe(PROSE, *stages).rows] == texts


def test_lines_of_prose_are_counted() -> None:
    """Its rows are nobody's business."""
    assert rows_of(pipe(PROSE, "count")) == [Count(5)]
    assert rows_of(pipe(PROSE, "include two", "count")) == [Count(2)]


@pytest.mark.parametrize("stage", ["include (", "exclude *", "include a{4294967296}"])
@pytest.mark.parametrize("result", [RESULT, PROSE])
def test_a_bad_regular_expression(stage: str, result: Result) -> None:
    """It is the user's mistake, and named."""
    with pytest.raises(UsageError, match="is not a regular expression"):
        pipe(result, stage)
