"""What ``?`` shows: what is expected, what could stand there, and whether the line may end."""

import pytest
from grammar_world import REGISTRY, Names, Plugins
from hypothesis import given
from hypothesis import strategies as st

from mipsh.grammar.hints import HEIGHT, WIDTH, hints, is_character, wrapped
from mipsh.grammar.lines import Catalogue

ALIASES = {"mine": "bul", "peer": "bul --where cn=$1"}
END = "  <Enter>, --OPTION, | FILTER, > FILE"


def shown(text: str, catalogue: Catalogue = REGISTRY, width: int = WIDTH, height: int = HEIGHT) -> list[str]:
    """Return the lines for a text."""
    return hints(text, catalogue, Names(), ALIASES, width=width, height=height)


def first_words(text: str) -> list[str]:
    """Return what stands in the left column."""
    return [line.split()[0] for line in shown(text)]


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("wat", ["  watch  run a command again and again"]),
        (
            "bc ",
            [
                "  [ADDRESS]        only rows with this address, or in this prefix",
                "  2001:db8:1::100  Home address",
                "  fe80::1          Peer",
                END,
            ],
        ),
        ("bc --js", ["  --json  the same as --output json"]),
        ("watch -n ", ["  S  seconds between two looks, at least 1"]),
        ("bc --nope ", ["  bc has no option '--nope' (type 'bc ?')"]),
        ("bcc ", ["  'bcc' is not a command (did you mean bc?)"]),
        ("bc | first ", ["  N  only the first N rows"]),
        ("bc | first 5 ", ["  <Enter>, | FILTER, > FILE"]),
        ("bc | co", ["  count  the number of rows"]),
        ("bc > ", ["  notes.txt    file", "  'two words'  file"]),
        ("bc > f ", ["  <Enter>"]),
        ("bc | !wc", ["  <Enter>"]),
        ("zzz", ["  nothing can stand here"]),
        ("set output j", ["  [VALUE]  its new value"]),
        ("describe b", ["  [TABLE]  table or its command; none: list the tables", "  bc       Binding cache"]),
    ],
)
def test_what_is_shown(text: str, lines: list[str]) -> None:
    """Words and their meanings, in two columns; faults before them."""
    assert shown(text)[: len(lines)] == lines


@pytest.mark.parametrize(
    ("text", "some", "none"),
    [
        ("", ["alias", "bc", "mine", "peer"], ["binding-cache", "exit", "<Enter>,", "--json"]),
        ("bi", ["binding-cache"], ["bc"]),
        ("show ", ["bc", "ipv6"], ["mine", "<Enter>,", "binding-cache"]),
        ("watch ", ["[COMMAND]", "bc", "mine", "--diff", "--interval", "<Enter>,"], ["--json"]),
        ("watch bc ", ["[ADDRESS]", "<Enter>,"], ["--diff"]),
        ("alias x ", ["[LINE]", "<Enter>,"], ["--remove"]),
        ("alias ", ["[NAME]", "--remove", "<Enter>,"], []),
        ("alias --", ["--remove", "--json"], ["[NAME]"]),
        ("assert ", ["TABLE", "bc"], ["<Enter>,"]),
        ("assert bc ", ["WORDS", "status=", "where", "exists"], ["<Enter>,"]),
        ("bc --color ", ["WHEN", "auto", "never"], ["<Enter>,"]),
        ("bc --where ", ["COND", "status="], ["<Enter>,"]),
        ("bc ::1 ", ["--output", "--json", "<Enter>,"], ["[ADDRESS]"]),
        ("bc | ", ["include", "count", "!"], ["<Enter>,"]),
        ("bc; ", ["alias", "watch"], ["<Enter>,"]),
        ("help ", ["[WORDS]", "bc", "<Enter>,"], []),
        ("mine ", ["[ADDRESS]", "<Enter>,"], []),
    ],
)
def test_what_is_among_them(text: str, some: list[str], none: list[str]) -> None:
    """A required word keeps a line from ending; other names of commands are shown once they are begun."""
    words = first_words(text)
    assert set(some) <= set(words)
    assert not set(none) & set(words)


def test_a_command_that_cannot_be_used_says_why() -> None:
    """Instead of its arguments."""
    assert shown("broken ", Plugins()) == ["  the plugin 'broken' cannot be used (remove it)"]


def test_long_meanings_are_broken_between_words() -> None:
    """None of the lines is longer than the screen; on a small screen each meaning has one line."""
    lines = shown("bc --where ", width=60, height=999)
    assert max(map(len, lines)) <= 60
    cut = shown("bc --where ", width=60, height=5)
    assert len(cut) < len(lines)
    assert any(line.endswith(" ...") for line in cut)
    assert max(map(len, cut)) <= 60


def test_text_from_outside_is_escaped() -> None:
    """A value that an engine said, and its meaning, cannot act on the terminal."""

    class Hostile(Names):
        def values(self, table: str, column: str) -> list[tuple[str, str]]:
            return [("\x1b[2J", "\u202emeaning")]

    lines = hints("bc --where status=", REGISTRY, Hostile())
    assert any("\\x1b[2J" in line for line in lines)
    assert any("\\u202emeaning" in line for line in lines)
    assert not any("\x1b" in line or "\u202e" in line for line in lines)


@pytest.mark.parametrize(
    ("parts", "lines"),
    [
        (("word", "what it is", 6, 40), ["  word    what it is"]),
        (("word", "", 6, 40), ["  word"]),
        (("a-long-word", "what it is", 4, 40), ["  a-long-word", "        what it is"]),
        (("", "a fault that is rather long", 0, 22), ["  a fault that is", "  rather long"]),
        (("word", "aaaaaaaa bbbbbbbb cccccccc", 4, 26), ["  word  aaaaaaaa bbbbbbbb", "        cccccccc"]),
    ],
)
def test_wrapped(parts: tuple[str, str, int, int], lines: list[str]) -> None:
    """A word that is too long for its column has a line of its own."""
    assert wrapped(*parts) == lines


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("", False),
        ("bc ", False),
        ("bc", False),
        ("bc 'x", True),
        ('bc "x', True),
        ("bc 'x'", False),
        ("bc # x", True),
        ("bc # x\n", False),
        ("bc | !grep x", True),
        ("bc | !grep x\n", False),
        ("bc x\\", True),
        ("bc x\\\\", False),
        ("bc --where status~a", True),
        ("bc --where status!~", True),
        ("bc --where status=", False),
        ("bc | include x", True),
        ("bc | exclude x", True),
        ("bc | include ", False),
        ("bc | first 1", False),
        ("bc |", False),
        ("include x", False),
    ],
)
def test_where_a_question_mark_is_a_character(text: str, is_one: bool) -> None:
    """In quotes, comments, shell commands and regular expressions it asks nothing."""
    assert is_character(text) is is_one


@given(st.text(max_size=20), st.integers(40, 120), st.integers(1, 50))
def test_any_text_has_hints(text: str, width: int, height: int) -> None:
    """Nothing raises, and something is always said, on lines of their own."""
    lines = shown(text, Plugins(), width, height)
    assert lines
    assert all(line.startswith("  ") and len(line.splitlines()) == 1 for line in lines)
