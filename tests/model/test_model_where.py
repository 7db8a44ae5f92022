"""Conditions on columns: every operator on every kind, what is unknown, and what cannot be asked."""

import re
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import Struct

from mipsh.errors import UsageError
from mipsh.model.columns import Kind, column, table
from mipsh.model.where import Condition, find_column, holds, keep, parse_condition, regular_expression


class Row(Struct, frozen=True):
    """A row with a column of each kind."""

    text: Annotated[str | None, column("Text", "some words", alias="t")] = "Registered"
    address: Annotated[str | None, column("Address", "an address", Kind.ADDRESS)] = "2001:db8:1::100"
    prefix: Annotated[str | None, column("Prefix", "a prefix", Kind.PREFIX)] = "2001:db8:1::/64"
    prefixes: Annotated[tuple[str, ...], column("Prefixes", "prefixes", Kind.PREFIX)] = ("2001:db8:2::/48",)
    number: Annotated[int | None, column("Number", "a number", Kind.INTEGER)] = 5
    lifetime_s: Annotated[float | None, column("Lifetime", "a time", Kind.SECONDS, unit="s")] = 4.5
    flags: Annotated[tuple[str, ...], column("Flags", "flags", Kind.FLAGS)] = ("A", "H")
    names: Annotated[tuple[str, ...], column("Names", "longer flags", Kind.FLAGS)] = ("bc", "bul")
    answered: Annotated[bool | None, column("Answered", "yes or no", Kind.BOOLEAN)] = True
    extra: Annotated[dict[str, str] | None, column("Extra", "more", Kind.MAPPING)] = None


ROWS = table("rows", Row, "Rows")
NOTHING = Row(None, None, None, (), None, None, (), (), None)


def told(text: str, row: Row | None = None) -> bool | None:
    """Tell whether a condition, as typed, holds for a row."""
    return holds(parse_condition(text, ROWS), row or Row())


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("text=registered", True),
        ("text==REGISTERED", True),
        ("text=register", False),
        ("text!=dying", True),
        ("text!=registered", False),
        ("text~^Reg", True),
        ("text~reg", False),
        ("text~(?i)reg", True),
        ("text!~red$", False),
        ("text!~x", True),
        ("t=registered", True),
        ("te=registered", True),
        ("text=", False),
        ("number=5", True),
        ("number==5.0", True),
        ("number!=5", False),
        ("number>4", True),
        ("number>5", False),
        ("number>=5", True),
        ("number<5", False),
        ("number<=5", True),
        ("number<-1", False),
        ("number~^5$", True),
        ("number!~5", False),
        ("lifetime_s>4", True),
        ("lifetime_s=4.5", True),
        ("lifetime_s<4.5", False),
        ("lifetime>=4.5", True),
        ("address=2001:db8:1::100", True),
        ("address=2001:0db8:0001:0:0:0:0:0100", True),
        ("address=2001:DB8:1::100", True),
        ("address!=2001:db8:1:0::100", False),
        ("address=2001:db8::/32", True),
        ("address=2001:db8:2::/48", False),
        ("address!=2001:db8:2::/48", True),
        ("address~:100$", True),
        ("prefix=2001:db8:1:0::/64", True),
        ("prefix=2001:db8:1::/48", False),
        ("prefix=2001:db8:1::", True),
        ("prefix=2001:db8::", False),
        ("prefixes=2001:db8:2:0::/48", True),
        ("prefixes=2001:db8:3::/48", False),
        ("prefixes!=2001:db8:3::/48", True),
        ("flags=A", True),
        ("flags=a", True),
        ("flags=L", False),
        ("flags!=L", True),
        ("flags=AH", True),
        ("flags=HA", True),
        ("flags=A H", True),
        ("flags=AHL", False),
        ("flags=AA", False),
        ("flags~H", True),
        ("names=bc", True),
        ("names=bc bul", True),
        ("names=bcbul", False),
        ("names=b", False),
        ("answered=yes", True),
        ("answered=TRUE", True),
        ("answered=1", True),
        ("answered=no", False),
        ("answered!=false", True),
        ("answered~tr", True),
    ],
)
def test_every_operator_on_every_kind(text: str, verdict: bool) -> None:
    """Text is compared without regard to case, an address as an address, a prefix holds addresses."""
    assert told(text) is verdict


def test_a_mapping_is_compared_as_it_is_written() -> None:
    """What the engine said and mipsh does not know can be looked for."""
    row = Row(extra={"BID": "100", "x": "y"})
    assert told("extra~BID=100", row) is True
    assert told("extra=BID=100 x=y", row) is True
    assert told("extra=x=y", row) is False


@pytest.mark.parametrize(
    ("text", "verdict"),
    [
        ("text=null", True),
        ("text=unknown", True),
        ("text=-", True),
        ("number==null", True),
        ("number!=null", False),
        ("address!=unknown", False),
        ("text=registered", None),
        ("text!=registered", None),
        ("text~x", None),
        ("text!~x", None),
        ("number>1", None),
        ("number=1", None),
        ("number!=1", None),
        ("answered=no", None),
        ("address=::/0", None),
    ],
)
def test_what_is_unknown_can_not_be_told(text: str, verdict: bool | None) -> None:
    """Only whether it is unknown can."""
    assert told(text, NOTHING) is verdict


@pytest.mark.parametrize(
    ("text", "row", "verdict"),
    [
        ("text=null", Row(), False),
        ("text!=null", Row(), True),
        ("number=null", Row(), False),
        ("number=null", Row(number=0), False),
        ("text=unknown", Row("unknown"), True),
        ("text!=unknown", Row("unknown"), False),
        ("text~unknown", Row("unknown"), True),
        ("text~null", NOTHING, None),
        ("flags=", Row(flags=()), True),
        ("flags=A", Row(flags=()), False),
        ("flags!=A", Row(flags=()), True),
    ],
)
def test_known_values(text: str, row: Row, verdict: bool | None) -> None:
    """Zero and empty are known; a word that means unknown may be a value, too."""
    assert told(text, row) is verdict


@pytest.mark.parametrize(
    ("text", "column_name", "operator", "value"),
    [
        ("text=a b", "text", "=", "a b"),
        (" text = a", "text", "=", "a"),
        ("text=  a", "text", "=", " a"),
        ("text==a", "text", "==", "a"),
        ("text=~a", "text", "=", "~a"),
        ("text!=a=b", "text", "!=", "a=b"),
        ("text~a>b", "text", "~", "a>b"),
        ("text=a\nb", "text", "=", "a\nb"),
        ("num>=3", "number", ">=", "3"),
    ],
)
def test_how_a_condition_is_read(text: str, column_name: str, operator: str, value: str) -> None:
    """The first operator counts; a column may be cut; it can be typed as it is shown."""
    condition = parse_condition(text, ROWS)
    assert (condition.column.name, condition.operator, condition.value) == (column_name, operator, value)
    assert parse_condition(str(condition), ROWS).column == condition.column


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("", "'' is not a condition", "write FIELD=VALUE"),
        ("text", "'text' is not a condition", "write FIELD=VALUE"),
        ("=a", "'=a' is not a condition", "write FIELD=VALUE"),
        ("5=5", "'5=5' is not a condition", "write FIELD=VALUE"),
        ("nope=1", "'nope' is not a column of rows", "columns: text, address"),
        ("a=1", "'a' means more than one column of rows", "columns: address, answered"),
        ("text~(", "'(' is not a regular expression: ", ""),
        ("text!~*", "'*' is not a regular expression: ", ""),
        ("number=five", "number is compared with a number, not with 'five'", ""),
        ("number=", "number is compared with a number, not with ''", ""),
        ("number>null", "number is compared with a number, not with 'null'", ""),
        ("number<-", "number is compared with a number, not with '-'", ""),
        ("number<nan", "number is compared with a number, not with 'nan'", ""),
        ("lifetime_s>=inf", "lifetime_s is compared with a number, not with 'inf'", ""),
        ("text>5", "text is no number: it has no order", "compare with =, !=, ~ or !~"),
        ("flags<=A", "flags is no number: it has no order", "compare with =, !=, ~ or !~"),
        ("address>::1", "address is no number: it has no order", "compare with =, !=, ~ or !~"),
        ("answered>0", "answered is no number: it has no order", "compare with =, !=, ~ or !~"),
        ("answered=perhaps", "answered is yes or no, not 'perhaps'", ""),
        ("address=2001:db8::g", "address is compared with an address or a prefix, not with '2001:db8::g'", ""),
        ("prefixes!=x", "prefixes is compared with an address or a prefix, not with 'x'", ""),
    ],
)
def test_what_cannot_be_asked(text: str, message: str, hint: str) -> None:
    """The error says what was expected instead of answering no."""
    with pytest.raises(UsageError, match=re.escape(message)) as caught:
        parse_condition(text, ROWS)
    assert caught.value.hint.startswith(hint)


@pytest.mark.parametrize("text", ["(", "*", "a{4294967296}", "(" * 5000, "(?P<1>)"])
def test_what_is_no_regular_expression(text: str) -> None:
    """However it breaks the compiler, it is the user's mistake."""
    with pytest.raises(UsageError, match="is not a regular expression: "):
        regular_expression(text)


def test_a_regular_expression_that_python_would_rather_not_have() -> None:
    """What only a later Python might read otherwise raises no warning."""
    assert told("text~[[R]") is True


def test_a_column_that_is_not_there() -> None:
    """All columns are named, or those that begin like it."""
    assert find_column("t", ROWS).name == "text"
    with pytest.raises(UsageError) as caught:
        find_column("pre", ROWS)
    assert caught.value.hint == "columns: prefix, prefixes"
    with pytest.raises(UsageError, match="is not a column"):
        find_column("x", ROWS)
    with pytest.raises(UsageError):
        find_column("", ROWS)


def test_keep() -> None:
    """Only rows for which all conditions are true; none at all keeps all."""
    rows = [Row(number=1), Row(number=5), Row(number=None), Row("dying", number=9)]
    assert keep(rows, []) == rows
    assert keep(rows, [parse_condition("number>1", ROWS)]) == [rows[1], rows[3]]
    assert keep(rows, iter([parse_condition("number>1", ROWS), parse_condition("text~^R", ROWS)])) == [rows[1]]
    assert keep(rows, [parse_condition("number=null", ROWS)]) == [rows[2]]


def test_a_condition_that_nobody_checked_is_not_told() -> None:
    """A number against a word, an order of words: neither true nor false."""
    number, text = ROWS.column("number"), ROWS.column("text")
    assert number is not None and text is not None
    assert holds(Condition(number, "=", "x"), Row()) is None
    assert holds(Condition(text, ">", "x"), Row()) is None


OPERATORS = ["=", "==", "!=", ">", ">=", "<", "<=", "~", "!~"]
VALUES = st.sampled_from(["", "5", "4.5", "null", "-", "yes", "::1", "::/0", "A", "AH", "2001:db8:1::100", "x", "("])
ROW = st.sampled_from([Row(), NOTHING, Row(number=-1, flags=(), answered=False, extra={})])


@given(st.sampled_from(Row.__struct_fields__), st.sampled_from(OPERATORS), VALUES | st.text(max_size=5), ROW)
def test_any_condition_is_told_or_refused(name: str, operator: str, value: str, row: Row) -> None:
    """Nothing else raises, and a condition and its opposite never agree."""
    try:
        condition = parse_condition(f"{name}{operator}{value}", ROWS)
    except UsageError as error:
        assert error.message
        return
    verdict = holds(condition, row)
    opposite = {"=": "!=", "==": "!=", "!=": "=", "~": "!~", "!~": "~", ">": "<=", "<=": ">", "<": ">=", ">=": "<"}
    other = holds(Condition(condition.column, opposite[condition.operator], condition.value), row)
    assert (verdict is None and other is None) or verdict is (not other)


@given(st.text(max_size=20))
def test_any_text_is_a_condition_or_is_refused(text: str) -> None:
    """The error is the only one."""
    try:
        assert parse_condition(text, ROWS).column in ROWS.columns
    except UsageError as error:
        assert error.message
