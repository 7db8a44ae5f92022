"""The world around the process: variables, files, the terminal, the pager."""

import sys
from io import StringIO

import pytest
from harness import Terminal

from mipsh.environment import Environment


def world(**variables: str) -> Environment:
    """Return an environment of these variables alone."""
    return Environment(variables, StringIO(), StringIO(), StringIO())


def test_files_are_where_the_variables_say() -> None:
    """Named outright, in a base folder, or in the home folder; a relative base folder is none."""
    assert world(HOME="/h").config_file() == "/h/.config/mipsh/config.toml"
    assert world(HOME="/h", XDG_CONFIG_HOME="/c").config_file() == "/c/mipsh/config.toml"
    assert world(HOME="/h", XDG_CONFIG_HOME="c").config_file() == "/h/.config/mipsh/config.toml"
    assert world(HOME="/h", MIPSH_CONFIG="/x.toml").config_file() == "/x.toml"
    assert world(HOME="/h").history_file() == "/h/.local/state/mipsh/history"
    assert world(XDG_STATE_HOME="/s").history_file() == "/s/mipsh/history"
    assert world(MIPSH_HISTFILE="/x").history_file() == "/x"


def test_the_pager_is_the_one_that_is_named() -> None:
    """mipsh's own variable first; empty means none; a quote that never ends is said and costs the pager."""
    assert world(PAGER="more -d").pager() == ["more", "-d"]
    assert world(PAGER="more", MIPSH_PAGER="less 'a b'").pager() == ["less", "a b"]
    assert world(PAGER="more", MIPSH_PAGER="").pager() == []
    assert world(PATH="/nowhere").pager() == []
    broken = world(PAGER="less 'x")
    assert broken.pager() == []
    assert isinstance(broken.stderr, StringIO)
    assert broken.stderr.getvalue() == "mipsh: warning: PAGER is not used: No closing quotation\n"


def test_the_size_is_the_variables_then_the_terminal_s() -> None:
    """What is no number does not count."""
    assert world(COLUMNS="132", LINES="50").size() == (132, 50)
    fallback = world().size()
    assert world(COLUMNS="wide", LINES="0").size() == fallback
    assert all(fallback)


@pytest.mark.parametrize(
    ("term", "dumb"), [("xterm", False), ("dumb", True), ("", True), ("unknown", True), (None, True), ("linux", False)]
)
def test_a_terminal_that_only_prints_is_told_apart(term: str | None, dumb: bool) -> None:
    """By TERM alone."""
    assert world(**({} if term is None else {"TERM": term})).dumb is dumb


def test_a_person_can_be_asked_at_two_terminals() -> None:
    """Standard input and output both."""
    assert Environment({}, Terminal(), Terminal(), StringIO()).interactive
    assert not Environment({}, StringIO(), Terminal(), StringIO()).interactive
    assert not Environment({}, Terminal(), StringIO(), StringIO()).interactive
    closed = Terminal()
    closed.close()
    assert not Environment({}, Terminal(), closed, StringIO()).interactive


def test_a_warning_nobody_hears_is_no_error() -> None:
    """A closed stream is let go of."""
    stderr = StringIO()
    environment = Environment({}, StringIO(), StringIO(), stderr)
    stderr.close()
    for text in ("nobody hears this", "nor this"):
        environment.warn(text)
    assert environment.stderr is None


def test_without_arguments_it_is_the_process_s_world() -> None:
    """Its variables and its streams."""
    environment = Environment()
    assert environment.stdout is sys.stdout
    assert environment.stderr is sys.stderr
    assert "PATH" in environment.variables
