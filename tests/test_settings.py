"""The shell's settings: what each takes, and what is said about anything else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import UsageError
from mipsh.settings import CHOICES, Settings, assign, checked, meaning

NAMES = Settings.__struct_fields__


def value(name: str, text: str) -> object:
    """Return a setting after it was set from a typed word."""
    return getattr(assign(Settings(), name, text), name)


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("output", "json", "json"),
        ("engine", "umip://[::1]:7777", "umip://[::1]:7777"),
        ("engine", "", ""),
        ("timeout", "2", 2.0),
        ("timeout", "200ms", 0.2),
        ("timeout", "1h", 3600.0),
        ("wait", "0", 0.0),
        ("wait", "2m", 120.0),
        ("wide", "on", True),
        ("wide", "YES", True),
        ("headers", "off", False),
        ("headers", "0", False),
        ("pager", "false", False),
        ("color", "never", "never"),
        ("completion", "tab", "tab"),
        ("verbosity", "-1", -1),
        ("verbosity", "3", 3),
        ("prompt", "{role}> ", "{role}> "),
    ],
)
def test_a_word_for_a_setting(name: str, text: str, expected: object) -> None:
    """It becomes the setting's type; all others stay as they were."""
    changed = assign(Settings(), name, text)
    assert getattr(changed, name) == expected
    assert type(getattr(changed, name)) is type(expected)
    assert all(getattr(changed, other) == getattr(Settings(), other) for other in NAMES if other != name)


@pytest.mark.parametrize(
    ("name", "text", "message", "hint"),
    [
        ("colour", "always", "there is no setting 'colour'", "did you mean color?"),
        ("xyzzy", "1", "there is no setting 'xyzzy'", "there are: output, engine, timeout"),
        ("", "1", "there is no setting ''", "there are: output"),
        ("wide", "perhaps", "wide cannot be 'perhaps'", "it can be on, off"),
        ("wide", "", "wide cannot be ''", "it can be on, off"),
        ("color", "red", "color cannot be 'red'", "it can be auto, always, never"),
        ("color", "autox", "color cannot be 'autox'", "it can be auto, always, never"),
        ("completion", "always", "completion cannot be 'always'", "it can be live, tab, off"),
        ("timeout", "0", "timeout cannot be '0.0'", "Expected `float` > 0.0"),
        ("timeout", "2h", "timeout cannot be '7200.0'", "Expected `float` <= 3600.0"),
        ("timeout", "nan", "timeout takes seconds, not 'nan'", "write 5, 0.5, 200ms, 2m or 1h"),
        ("timeout", "-1", "timeout takes seconds, not '-1'", "write 5, 0.5, 200ms, 2m or 1h"),
        ("wait", "25h", "wait cannot be '90000.0'", "Expected `float` <= 86400.0"),
        ("verbosity", "4", "verbosity cannot be '4'", "Expected `int` <= 3"),
        ("verbosity", "-2", "verbosity cannot be '-2'", "Expected `int` >= -1"),
        ("verbosity", "1.5", "verbosity cannot be '1.5'", "Expected `int`, got `str`"),
        ("verbosity", "much", "verbosity cannot be 'much'", "Expected `int`, got `str`"),
    ],
)
def test_what_a_setting_cannot_be(name: str, text: str, message: str, hint: str) -> None:
    """The error names the setting, the word, and what it can be."""
    with pytest.raises(UsageError, match=f"^{re.escape(message)}$") as caught:
        assign(Settings(), name, text)
    assert caught.value.hint.startswith(hint)


def test_values_from_a_file_have_types() -> None:
    """Numbers and booleans are those of the file; words for booleans are understood."""
    changed = checked(Settings(), {"timeout": 3, "wide": True, "headers": "off", "verbosity": 1})
    assert (changed.timeout, changed.wide, changed.headers, changed.verbosity) == (3.0, True, False, 1)
    assert checked(changed, {}) == changed


@pytest.mark.parametrize(
    ("name", "wrong", "message"),
    [
        ("verbosity", True, "verbosity cannot be 'true'"),
        ("timeout", True, "timeout cannot be 'true'"),
        ("timeout", float("nan"), "timeout cannot be 'nan'"),
        ("timeout", float("inf"), "timeout cannot be 'inf'"),
        ("timeout", [1], "timeout cannot be '1'"),
        ("output", 5, "output cannot be '5'"),
        ("output", {"a": 1}, "output cannot be 'a=1'"),
        ("wide", 2, "wide cannot be '2'"),
    ],
)
def test_values_of_another_type(name: str, wrong: object, message: str) -> None:
    """A boolean is no number, a number no text."""
    with pytest.raises(UsageError, match=message) as caught:
        checked(Settings(), {name: wrong})
    assert caught.value.hint


def test_a_number_too_large_to_be_shown() -> None:
    """Python writes none of so many digits."""
    for wrong in (16**5000, [16**5000]):
        with pytest.raises(UsageError, match="verbosity cannot be so large a number"):
            checked(Settings(), {"verbosity": wrong})


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_is_explained(name: str) -> None:
    """Its help is there, and each of its choices is one."""
    assert meaning(name)
    for choice in CHOICES.get(name, ()):
        assert value(name, choice) is not None
    if isinstance(getattr(Settings(), name), bool):
        assert CHOICES[name] == ("on", "off")


@given(st.sampled_from(NAMES) | st.text(max_size=8), st.text(max_size=8))
def test_any_words_set_or_are_refused(name: str, text: str) -> None:
    """No other error, and what was set stays what it is when it is checked again."""
    try:
        changed = assign(Settings(), name, text)
    except UsageError as error:
        assert error.message and error.hint
        return
    assert checked(Settings(), {one: getattr(changed, one) for one in NAMES}) == changed
