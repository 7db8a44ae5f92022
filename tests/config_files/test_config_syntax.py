"""The syntax of the configuration files: what is read, what is refused and where, and that nothing is lost."""

import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mipsh.config_files.syntax import DEEPEST, LARGEST_BYTES, decode, parse
from mipsh.config_files.tree import Fault, Kind

PIECES = [*'{};/(),"#\n\t ', "include ", "NodeConfig", "2001:db8::1", "64", "1.5", "MN", "\r\n", "\ufeff", "é"]
texts = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
RECORDED = sorted((Path(__file__).parents[1] / "node" / "mip6d_conf").glob("*.conf"))


def fault(text: str) -> Fault:
    """Return what is said of a text that is refused."""
    with pytest.raises(Fault) as raised:
        parse(text, "f")
    return raised.value


@pytest.mark.parametrize("path", RECORDED, ids=lambda path: path.name)
def test_a_file_is_printed_as_it_was(path: Path) -> None:
    """Blanks, comments and quotes are where they were."""
    text = path.read_text("utf-8")
    assert parse(text, str(path)).text == text


def test_values_have_kinds_and_places() -> None:
    """Each value says what it looks like, and where it stands."""
    text = 'a "x" 2001:db8::1 2001:db8::/64 3 1.5 word 1x (1::/8, b) {\n  b 1; }\n'
    (statement,) = parse(text, "f").statements
    kinds = [value.kind for value in statement.values]
    assert kinds == [
        Kind.STRING, Kind.ADDRESS, Kind.PREFIX, Kind.NUMBER, Kind.DECIMAL, Kind.WORD, Kind.OTHER, Kind.LIST,
    ]  # fmt: skip
    assert [value.place.column for value in statement.values] == [3, 7, 19, 33, 35, 39, 44, 47]
    assert statement.body is not None
    assert str(statement.body[0].place) == "f:2:3"
    assert statement.written == 'a "x" 2001:db8::1 2001:db8::/64 3 1.5 word 1x (1::/8, b)'


def test_includes_need_no_semicolon() -> None:
    """``include`` is a statement; a semicolon behind it is one of its own, without a name."""
    first, stray, second = parse('include "x/*.conf" ; a 1;', "f").statements
    assert first.is_include
    assert stray.name == ""
    assert second.name == "a"


@pytest.mark.parametrize(
    ("text", "place", "words"),
    [
        ('a "x" {', "f:1:8", "expected an option or '}', found the end of the file"),
        ("a 1 }", "f:1:5", "expected a value, ';' or '{' behind a, found '}'"),
        ('a "x', "f:1:3", "no closing quote"),
        ("a 1\nb 2", "f:2:4", "found the end of the file"),
        ("a 1::/;", "f:1:7", "the length of a prefix"),
        ("a (b c);", "f:1:6", "',' or ')'"),
        ("include x;", "f:1:9", "a pattern in quotes"),
        ("}", "f:1:1", "expected an option, found '}'"),
        ("a;\r\n\x00", "f:2:1", "U+0000"),
        ("x{" * (DEEPEST + 1), f"f:1:{2 * DEEPEST + 2}", "braces deep"),
    ],
)
def test_faults_have_a_place_and_say_what_was_expected(text: str, place: str, words: str) -> None:
    """Line and column are of what is at fault."""
    found = fault(text)
    assert str(found.place) == place
    assert words in found.message


def test_an_open_brace_is_named() -> None:
    """The end of the file says which brace is still open, comments and names in quotes apart."""
    assert fault('a {\n b { # {\n "{" ; }\n').hint == "the brace at line 1 is still open"


@given(texts)
@settings(max_examples=300, deadline=None)
def test_any_text_is_printed_as_it_was_or_refused_with_a_place(text: str) -> None:
    """Nothing else happens."""
    try:
        assert parse(text, "f").text == text
    except Fault as error:
        assert error.place.line <= text.count("\n") + 1


@given(st.binary(max_size=200))
@settings(max_examples=200, deadline=None)
def test_any_bytes_are_text_or_refused(data: bytes) -> None:
    """Nothing else happens."""
    try:
        parse(decode(data, "f"), "f")
    except Fault as error:
        assert error.message.startswith("f:")


@pytest.mark.parametrize(
    "data", [b"a;\n" * (LARGEST_BYTES // 3 + 1), b"a;\n" * 3_500_000, b"\xff" * 10_000_000, b"x;\xff"]
)
def test_large_and_binary_files_are_refused_at_once(data: bytes) -> None:
    """10 MB takes no longer than looking at its size."""
    began = time.monotonic()
    with pytest.raises(Fault):
        decode(data, "f")
    assert time.monotonic() - began < 1


@pytest.mark.parametrize(
    "text", ["{" * LARGEST_BYTES, "a (" * 300_000, 'a "' * 300_000, "a" * LARGEST_BYTES, "# " * 500_000]
)
def test_the_largest_odd_texts_take_seconds_at_most(text: str) -> None:
    """A text of the largest size is read or refused in bounded time."""
    began = time.monotonic()
    try:
        parse(text, "f")
    except Fault as error:
        assert error.place.file == "f"
    assert time.monotonic() - began < 20
