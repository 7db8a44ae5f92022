"""What could stand at the cursor: a pure function, over a lookup that knows a few names."""

import pytest
from grammar_world import ADDRESS, REGISTRY, Names, Plugins, words_of
from hypothesis import given
from hypothesis import strategies as st

from mipsh.grammar.complete import LIMIT, Pairs, Suggestion, complete
from mipsh.grammar.declare import COMMON_OPTIONS
from mipsh.grammar.lines import parse
from mipsh.grammar.words import Expect, Words
from mipsh.model.records import BINDING_CACHE

ALIASES = {"mine": "bul", "peer": "bul --where cn=$1"}
FIRST = sorted(phrase[0] for phrase in REGISTRY.phrases())


def found(text: str, cursor: int | None = None) -> list[Suggestion]:
    """Return the suggestions at the end of a text, or at a cursor."""
    return complete(text, len(text) if cursor is None else cursor, REGISTRY, Names(), ALIASES)


def texts(text: str) -> list[str]:
    """Return what is suggested at the end of a text."""
    return [one.text for one in found(text)]


def options(*given_: str) -> list[str]:
    """Return the options that every command takes, without some."""
    return [option.name for option in COMMON_OPTIONS if option.name not in given_]


@pytest.mark.parametrize("text", ["", "  ", "bc; ", "bc;", "bc\n", "watch ", "watch --diff ", "watch watch "])
def test_a_command_begins_here(text: str) -> None:
    """All first words, with the aliases behind them."""
    assert [one for one in texts(text) if not one.startswith("-")] == [
        *dict.fromkeys(FIRST),
        *("mine", "peer"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("b", ["bc", "binding", "binding-cache", "binding-update", "binding-update-list", "both", "bu", "bul"]),
        ("bc", ["bc"]),
        ("bc;b", ["bc", "binding", "binding-cache", "binding-update", "binding-update-list", "both", "bu", "bul"]),
        ("CACHE", ["binding-cache"]),
        ("cache", ["binding-cache"]),
        ("pe", ["peer"]),
        ("watch wa", ["watch"]),
        ("watch min", ["mine"]),
        ("show ", ["bc", "binding-cache", "binding-update-list", "bul", "hal", "home-agents", "ipv6", "nonce"]),
        ("show st", ["stats", "status"]),
        ("show m", []),
        ("show ipv6 mobile t", ["traffic"]),
        ("nope ", []),
        ("b c", []),
        ("bu ", ["home", "all", "2001:db8:1::100"]),
        ("zzz", []),
        ("q", ["quit"]),
        ("'bc", ["bc"]),
    ],
)
def test_words_of_phrases(text: str, expected: list[str]) -> None:
    """What begins with what was typed; where nothing does, what contains it, in any case."""
    assert texts(text)[: len(expected) or None] == expected


def test_a_suggestion_says_what_it_means_and_where_it_goes() -> None:
    """It replaces the text from its start to the cursor."""
    assert found("  wat") == [Suggestion("watch", 2, REGISTRY.command("watch").summary)]
    assert found("bc --wher", 8) == [Suggestion("--where", 3, "only rows that meet a condition")]
    assert found("bc 'fe8")[0].start == 3


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bc --js", ["--json"]),
        ("bc --j", ["--json"]),
        ("bc -", options()),
        ("bc --json --j", []),
        ("bc --where a=1 --wh", ["--where"]),
        ("bc --help --hel", []),
        ("watch --di", ["--diff"]),
        ("watch --diff --di", []),
        ("watch bc --diff", []),
        ("bc ::1 ", options()),
        ("alias --rem", ["--remove"]),
        ("alias x --rem", []),
        ("alias x -", []),
        ("alias x ", []),
        ("bc -- -", []),
        ("bc --output -", []),
    ],
)
def test_options(text: str, expected: list[str]) -> None:
    """Those that can still be given, where one can stand."""
    assert texts(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bc ", [ADDRESS, "fe80::1"]),
        ("bc fe", ["fe80::1"]),
        ("bc -o ", ["json", "ndjson", "table"]),
        ("bc -o js", ["json"]),
        ("bc -o son", ["json", "ndjson"]),
        ("bc --output=nd", ["--output=ndjson"]),
        ("bc --output=", ["--output=json", "--output=ndjson", "--output=table"]),
        ("bc --outp=t", ["--outp=table"]),
        ("bc --co=x", []),
        ("bc --json=", []),
        ("bc --nope=", []),
        ("bc --color ", ["auto", "always", "never"]),
        ("bc --color=n", ["--color=never"]),
        ("bc --timeout ", []),
        ("describe ", ["bc", "bul"]),
        ("source ", ["notes.txt", "'two words'"]),
        ("source two\\ w", ["'two words'"]),
        ("record ", ["folder/"]),
        ("set wi", ["wide"]),
        ("completion z", ["zsh"]),
        ("connect umip", ["umip://[::1]:7777"]),
        ("help h", ["help"]),
        ("help bc h", ["help"]),
        ("watch bc fe", ["fe80::1"]),
        ("peer ::1 fe", ["fe80::1"]),
    ],
)
def test_values(text: str, expected: list[str]) -> None:
    """What an argument or an option takes, as the lookup knows it, quoted where it must be."""
    assert texts(text) == expected


COLUMNS = [column.name for column in BINDING_CACHE.columns]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bc --columns ", COLUMNS),
        ("bc --columns sta", ["status"]),
        ("bc --columns status,fl", ["status,flags"]),
        ("bc --sort -seq", ["-sequence"]),
        ("bc --sort status,-seq", ["status,-sequence"]),
        ("bc --sort +fl", ["+flags"]),
        ("bc --columns=seq", ["--columns=sequence"]),
        ("bc --where ", [f"{name}=" for name in COLUMNS]),
        ("bc --where sta", ["status="]),
        ("bc --where status=", ["status=registered", "status=dying", "'status=two words'"]),
        ("bc --where status!=r", ["status!=registered"]),
        ("bc --where status~dy", ["status~dying"]),
        ("bc --where='status=t", ["--where='status=two words'"]),
        ("bc --where=status=dy", ["--where=status=dying"]),
        ("bc --where hoa=", [f"hoa={ADDRESS}"]),
        ("bc --where seq>", []),
        ("bc --where nope=", []),
        ("watch bc --where sta", ["status="]),
        ("bc --where 'status=t", ["'status=two words'"]),
        ("stats --where x", []),
        ("alias --where x", []),
        ("assert bc ", [*(f"{name}=" for name in COLUMNS), "where", "has", "exists", "absent"]),
        ("assert bc where sta", ["status="]),
        ("assert bc w", ["where"]),
        ("assert bc ha", ["has"]),
        ("assert bc a", ["absent", "age_s="]),
        ("assert bc where status=dy", ["status=dying"]),
        ("assert nope e", ["exists"]),
        ("assert nope ", ["where", "has", "exists", "absent"]),
    ],
)
def test_columns_and_conditions(text: str, expected: list[str]) -> None:
    """A column first; behind its operator the values of the last reading."""
    assert texts(text) == expected


def test_the_words_of_an_assertion_are_explained() -> None:
    """They stand behind the columns until a letter is typed."""
    assert found("assert bc exi") == [Suggestion("exists", 10, "there must be such a row")]


STAGES = ["include", "exclude", "first", "last", "count", "!"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("bc | ", STAGES),
        ("bc |", STAGES),
        ("bc | ex", ["exclude"]),
        ("bc | count | f", ["first"]),
        ("bc | include ", []),
        ("bc | first ", []),
        ("bc | count ", []),
        ("bc | !gr", []),
        ("bc | ! gr", []),
        ("bc | !", []),
        ("bc > ", ["notes.txt", "'two words'"]),
        ("bc >> n", ["notes.txt"]),
        ("bc >", ["notes.txt", "'two words'"]),
        ("bc | count >n", ["notes.txt"]),
        ("bc > f ", []),
        ("bc > f x", []),
        ("# b", []),
        ("bc # --", []),
        ("bc #", []),
        ("bc | nope ", []),
    ],
)
def test_behind_a_pipe_a_redirection_a_comment(text: str, expected: list[str]) -> None:
    """Filters, files, nothing."""
    assert texts(text) == expected


def test_a_comment_ends_with_its_line() -> None:
    """The next line begins a command."""
    assert texts("# b\nwat") == ["watch"]
    assert texts("bc | !wc\nwat") == ["watch"]


def test_only_the_text_before_the_cursor_counts() -> None:
    """What stands behind it may be anything."""
    assert [one.text for one in found("wat | 'x", 3)] == ["watch"]
    assert found("", 0) == found("   ; nope", 0)


def test_there_is_an_end_to_suggestions() -> None:
    """A reading of thousands of rows fills no screen."""

    class Many(Names):
        def candidates(self, expect: Expect, words: Words | None) -> Pairs:
            return [(f"2001:db8::{n:x}", "") for n in range(LIMIT * 2)]

    assert len(complete("bc ", 3, REGISTRY, Many())) == LIMIT


def test_commands_of_plugins() -> None:
    """Their further words are known, and a broken one takes nothing down."""
    world = Plugins()
    assert [one.text for one in complete("probe ", 6, world, Names())] == ["path"]
    assert [one.text for one in complete("show wea", 8, world, Names())] == []
    assert [one.text for one in complete("probe path ", 11, world, Names())] == [ADDRESS, "fe80::1"]
    assert complete("broken ", 7, world, Names()) == []


PIECES = st.sampled_from(
    [
        *["bc", "b", "show", "sh", "ipv6", "watch", "alias", "mine", "peer", "assert", "describe", "set", "source"],
        *["where", "has", "status=", "status", "--where", "--where=", "--columns", "--sort", "-o", "--output=", "--"],
        *["-", "--color", "-n5", "x", "fe80::1", "|", ";", ">", "include", "first", "?", "'", "completion", "hoa="],
    ]
)


@given(st.lists(PIECES, max_size=6).map(" ".join), st.sampled_from(["", " "]))
def test_what_is_suggested_can_be_typed(line: str, end: str) -> None:
    """Put in its place, a suggestion reads as one word, and is no fault where it stands."""
    text = line + end
    before = {fault.start for fault in parse(text, REGISTRY, ALIASES, complete=False).faults}
    for one in found(text):
        assert 0 <= one.start <= len(text)
        put = text[: one.start] + one.text
        faults = parse(put, REGISTRY, ALIASES, complete=False).faults
        assert [fault for fault in faults if fault.start >= one.start and fault.start not in before] == [], put
        assert len(words_of(put[one.start :])) == 1


@given(st.text(max_size=20), st.integers(0, 20))
def test_any_text_can_be_completed(text: str, cursor: int) -> None:
    """Nothing raises, wherever the cursor stands."""
    at = min(cursor, len(text))
    assert all(one.start <= at for one in complete(text, at, REGISTRY, Names(), ALIASES))
