"""What ``?`` shows, and where it is a character; what completion knows of a session."""

from itertools import pairwise
from pathlib import Path

import pytest
from harness import ROUTE_OPTIMISED, Replay

from mipsh.environment import Environment
from mipsh.grammar.complete import complete
from mipsh.grammar.hints import hints, is_character
from mipsh.lookup import SessionLookup, files
from mipsh.registry import Registry
from mipsh.session import Session

END = "  <Enter>, --OPTION, | FILTER, > FILE"


@pytest.fixture
def session() -> Session:
    """Return a session with an alias and without an engine."""
    found = Session(Environment({}), Registry(plugins=False))
    found.aliases["peer"] = "bul --where cn=$1"
    return found


def shown(session: Session, text: str, width: int = 80, height: int = 100) -> list[str]:
    """Return the hints at the end of a text."""
    lookup = SessionLookup(session)
    return hints(text, session.registry, lookup, session.aliases, width=width, height=height)


def words(lines: list[str]) -> list[str]:
    """Return the words that hints offer."""
    return [line.split()[0] for line in lines if line[2:3] != " "]


def test_an_empty_line_shows_each_command_once(session: Session) -> None:
    """By its own name, with aliases of the session behind; other names are for completion."""
    found = words(shown(session, ""))
    assert len(found) == len(set(found))
    assert {"bul", "bc", "watch", "peer"} <= set(found)
    assert not {"binding-update-list", "exit", "?"} & set(found)
    assert "binding-update-list" in words(shown(session, "b"))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bul ", ["  [ADDRESS]  only rows with this address, or in this prefix", END]),
        ("bul --wh", ["  --where  only rows that meet a condition"]),
        ("bul | include ", ["  RE  only rows in which a regular expression is found"]),
        ("bul | fi", ["  first  only the first N rows"]),
        ("wat", ["  watch  run a command again and again"]),
        ("nosuch ", ["  'nosuch' is not a command (type 'help')"]),
        ("bul --timeout ", ["  S  seconds that an engine has to answer"]),
        ("version x", ["  nothing can stand here"]),
    ],
)
def test_what_can_stand_at_the_end(session: Session, text: str, expected: list[str]) -> None:
    """Arguments and values as words to fill in, what completes the word begun, or what is wrong."""
    assert shown(session, text) == expected


def test_values_are_offered_with_their_meanings(session: Session) -> None:
    """Columns of the command's table, formats, settings, filters."""
    columns = shown(session, "bul --columns ")
    assert columns[0].split(maxsplit=1) == ["LIST", "only these columns, comma-separated"]
    assert "care-of address sent" in next(line for line in columns if line.startswith("  care_of_address "))
    assert "  json      " in "\n".join(shown(session, "set output "))
    assert [line.split()[0] for line in shown(session, "set completion ")[1:-1]] == ["live", "tab", "off"]
    assert words(shown(session, "bul | ")) == ["include", "exclude", "first", "last", "count", "!"]


@pytest.mark.parametrize("text", ["", "bul --where ", "bul --columns hoa,", "assert bul ", "record ", "help "])
@pytest.mark.parametrize("width", [80, 60, 40])
def test_no_line_is_wider_than_the_terminal(session: Session, text: str, width: int) -> None:
    """Meanings are broken between words and stand in a column of their own."""
    lines = shown(session, text, width)
    assert len(lines) > 3
    assert [line for line in lines if len(line) > max(width, 60 if width == 40 else 0)] == []


def test_what_does_not_fit_has_one_line_each(session: Session) -> None:
    """A meaning that is cut says so."""
    whole, cut = shown(session, "bul --where "), shown(session, "bul --where ", height=20)
    assert len(cut) < len(whole)
    assert words(cut) == words(whole)
    broken = sum(first[2:3] != " " and then[2:3] == " " for first, then in pairwise(whole))
    assert sum(line.endswith(" ...") for line in cut) == broken > 0
    assert all(len(line) <= 80 for line in cut)


def test_text_from_outside_is_escaped(session: Session) -> None:
    """An alias may hold anything."""
    session.aliases["evil"] = "bul \x1b[2J"
    assert not any("\x1b" in line for line in shown(session, "evi"))
    assert any("\\x1b[2J" in line for line in shown(session, "evi"))


@pytest.mark.parametrize(
    "text",
    [
        "bul 'a",
        'bul "a b',
        "bul # why",
        "bul | !grep a",
        "bul \\",
        "bul | include a",
        "bul | exclude ^x",
        "bul --where cn~a",
    ],
)
def test_a_question_mark_is_a_character_there(text: str) -> None:
    """Within quotes, comments, shell commands and regular expressions that have begun."""
    assert is_character(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "bul",
        "bul ",
        "bul 'a'",
        "bul # why\n",
        "bul | include ",
        "bul --where cn=a",
        "bul \\\\",
        "bul | !x\nbul ",
        "bul; bc",
    ],
)
def test_a_question_mark_asks_everywhere_else(text: str) -> None:
    """Also behind a quote that is closed and on the line after a comment."""
    assert not is_character(text)


def test_live_addresses_complete(session: Session, replay: Replay) -> None:
    """What the last readings held is offered, with the column it stood in; nothing before the first."""
    lookup = SessionLookup(session)
    text = "bul 2001:db8:4"
    assert complete(text, len(text), session.registry, lookup) == []
    session.connect(replay(ROUTE_OPTIMISED, "mn").uri)
    with session:
        session.registry.command("bul").run(session)
        found = complete(text, len(text), session.registry, lookup)
        assert [(one.text, one.meaning) for one in found] == [("2001:db8:4::2", "Peer")]
        text = "bul --where state="
        assert [one.text for one in complete(text, len(text), session.registry, lookup)] == ["state=bound"]
        text = "connect "
        assert "in use" in [one.meaning for one in complete(text, len(text), session.registry, lookup)]


def test_paths_complete_into_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Relative, absolute and from home; hidden files only when asked for."""
    (tmp_path / "deep" / "er").mkdir(parents=True)
    (tmp_path / "deep" / "file").write_text("", "utf-8")
    (tmp_path / ".hidden").write_text("", "utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    assert files("", False) == [("deep/", "folder")]
    assert files("deep/", False) == [("deep/er/", "folder"), ("deep/file", "file")]
    assert files("deep/", True) == [("deep/er/", "folder")]
    assert files(f"{tmp_path}/de", True) == [(f"{tmp_path}/deep/", "folder")]
    assert files("~/deep/f", False) == [("~/deep/file", "file")]
    assert files(".h", False) == [(".hidden", "file")]
    assert files("nosuch/", False) == []
