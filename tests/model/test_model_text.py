"""Text that people see: what passes the gate, and how values read."""

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mipsh.model.columns import Kind
from mipsh.model.text import UNKNOWN, duration, escape, escape_lines, human, plain


def span(first: int, last: int) -> str:
    """Return the characters of a range."""
    return "".join(map(chr, range(first, last + 1)))


FILLERS = "\u00ad\u034f\u115f\u1160\u17b4\u17b5\u3164\uffa0"
SELECTORS = span(0x180B, 0x180F) + span(0xFE00, 0xFE0F) + span(0xE0000, 0xE0FFF)
FORMAT = span(0xFFF0, 0xFFFB) + span(0x1BCA0, 0x1BCA3) + span(0x1D173, 0x1D17A)
BIDI = "\u061c\u200e\u200f" + span(0x202A, 0x202E) + span(0x2066, 0x206F)
ZERO_WIDTH = span(0x200B, 0x200D) + span(0x2060, 0x2065) + "\ufeff"
CONTROLS = span(0, 0x1F) + span(0x7F, 0x9F)
SEPARATORS = "\u2028\u2029"
SURROGATES = span(0xD800, 0xDFFF)
UNSAFE = frozenset(CONTROLS + BIDI + ZERO_WIDTH + FILLERS + SELECTORS + FORMAT + SEPARATORS + SURROGATES)
SOME_UNSAFE = f"\x1b\n\t\x7f\x9b{BIDI}{ZERO_WIDTH}{FILLERS}{SEPARATORS}\ud800\udfff\U000e0001"
# Format characters that are seen: signs that enclose or precede Arabic, Syriac and Kaithi digits, and hieroglyphs.
SEEN = {0x600, 0x601, 0x602, 0x603, 0x604, 0x605, 0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD}
ANY = st.text(st.characters(exclude_categories=()) | st.sampled_from(SOME_UNSAFE))


def acts(char: str) -> bool:
    """Tell whether a character could act on a terminal or be invisible."""
    code = ord(char)
    seen = code in SEEN or 0x13430 <= code <= 0x1345F
    return char in UNSAFE or (unicodedata.category(char) in ("Cc", "Cf", "Cs", "Zl", "Zp") and not seen)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain é 中 🙂", "plain é 中 🙂"),
        ("\x1b[31mred\x1b[0m", "\\x1b[31mred\\x1b[0m"),
        ("a\tb\nc\r", "a\\x09b\\x0ac\\x0d"),
        ("\x7f\x9b\x85", "\\x7f\\x9b\\x85"),
        ("a\u202eb", "a\\u202eb"),
        ("\ud800", "\\ud800"),
        ("\U000e0041", "\\U000e0041"),
        ("[bold]\\", "[bold]\\"),
    ],
)
def test_escape(text: str, shown: str) -> None:
    """What could act is shown as what it is; the rest stays as it was."""
    assert escape(text) == shown


def test_every_unsafe_character_is_escaped() -> None:
    """Over all of Unicode: controls, format characters, separators, surrogates, fillers."""
    every = "".join(map(chr, range(0x110000)))
    assert [char for char in escape(every) if acts(char)] == []
    assert [char for char in escape_lines(every) if acts(char) and char != "\n"] == []
    kept = [char for char in every if not acts(char)]
    assert escape("".join(kept)) == "".join(kept)


@given(ANY)
@example(SOME_UNSAFE)
def test_nothing_that_acts_passes(text: str) -> None:
    """One line comes out, and escaping it again changes nothing."""
    shown = escape(text)
    assert not any(acts(char) for char in shown)
    assert len(shown.splitlines()) <= 1
    assert escape(shown) == shown


@given(ANY)
@example(SOME_UNSAFE)
def test_lines_stay_lines(text: str) -> None:
    """Line feeds pass, tabs become spaces, and nothing else that acts."""
    shown = escape_lines(text)
    assert not any(acts(char) and char != "\n" for char in shown)
    assert shown.count("\n") == text.count("\n")
    assert escape_lines(shown) == shown


def test_tabs_become_columns() -> None:
    """As a terminal would show them."""
    assert escape_lines("a\tb\n\tc") == "a       b\n        c"


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0s"),
        (0.0, "0s"),
        (7, "7s"),
        (7.9, "7s"),
        (59.999, "59s"),
        (60, "1m00s"),
        (309, "5m09s"),
        (3599, "59m59s"),
        (3600, "1h00m"),
        (86399, "23h59m"),
        (86400, "1d00h"),
        (352800, "4d02h"),
        (-5, "-5s"),
        (-61.5, "-1m01s"),
        (0.25, "250ms"),
        (-0.5, "-500ms"),
        (float("inf"), "infs"),
        (float("nan"), "nans"),
    ],
)
def test_duration(seconds: float, text: str) -> None:
    """The two largest units, cut off, not rounded; the sign kept."""
    assert duration(seconds) == text


def test_a_duration_larger_than_any_float() -> None:
    """It is only a long number of days."""
    assert duration(10**400).startswith(f"{10**400 // 86400}d")


@given(st.integers(-(10**9), 10**9))
def test_a_duration_is_never_too_long(seconds: int) -> None:
    """Read back, it is the time cut to its second unit."""
    units = {"d": 86400, "h": 3600, "m": 60, "s": 1}
    text = duration(seconds).removeprefix("-")
    read, digits, last = 0, "", 1
    for char in text:
        if char.isdigit():
            digits += char
        else:
            read, digits, last = read + int(digits) * units[char], "", units[char]
    assert read <= abs(seconds) < read + last
    assert duration(seconds).startswith("-") == (seconds < 0)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, ""),
        (True, "true"),
        (False, "false"),
        (5, "5"),
        (0.5, "0.5"),
        ("a b", "a b"),
        (("A", "H"), "A H"),
        ((), ""),
        ([1, None], "1 "),
        ({"BID": "100", "x": None}, "BID=100 x="),
        (Kind.TEXT, "text"),
    ],
)
def test_plain(value: object, text: str) -> None:
    """One exact word for machines; unknown is empty."""
    assert plain(value) == text


@pytest.mark.parametrize(
    ("value", "kind", "text"),
    [
        (None, Kind.TEXT, UNKNOWN),
        ((), Kind.FLAGS, UNKNOWN),
        ({}, Kind.MAPPING, UNKNOWN),
        ([], Kind.TEXT, UNKNOWN),
        (0, Kind.INTEGER, "0"),
        (0, Kind.SECONDS, "0s"),
        (309, Kind.SECONDS, "5m09s"),
        (0.5, Kind.SECONDS, "500ms"),
        ("soon", Kind.SECONDS, "soon"),
        (True, Kind.BOOLEAN, "yes"),
        (False, Kind.BOOLEAN, "no"),
        (True, Kind.SECONDS, "yes"),
        (("A", "H"), Kind.FLAGS, "AH"),
        (("bc", "bul"), Kind.FLAGS, "bc bul"),
        (("one line", "and another\x1b"), Kind.LINES, "one line; and another\\x1b"),
        (["A", "H"], Kind.TEXT, "A H"),
        (1.5000001, Kind.INTEGER, "1.5"),
        ({"BID": "100"}, Kind.MAPPING, "BID=100"),
        ("\x1b", Kind.TEXT, "\\x1b"),
        (("\x1b",), Kind.FLAGS, "\\x1b"),
        ({"\n": "\u202e"}, Kind.MAPPING, "\\x0a=\\u202e"),
        ("", Kind.TEXT, ""),
    ],
)
def test_human(value: object, kind: Kind, text: str) -> None:
    """What a cell shows, escaped; unknown is a dash."""
    assert human(value, kind) == text


@given(
    st.none() | st.booleans() | st.integers() | st.floats() | ANY | st.tuples(ANY) | st.dictionaries(ANY, ANY),
    st.sampled_from(Kind),
)
def test_any_value_can_be_shown(value: object, kind: Kind) -> None:
    """On one line, without anything that acts."""
    assert not any(acts(char) for char in human(value, kind))
