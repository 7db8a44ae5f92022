"""Aliases: what a word stands for, the words behind it, aliases of aliases, and those without an end."""

import pytest
from grammar_world import REGISTRY, good, one, read, wrong
from hypothesis import given
from hypothesis import strategies as st

from mipsh.grammar.lines import ALIAS_DEPTH, ALIASES_A_LINE, Stage, parse, substitute
from mipsh.grammar.tokens import tokenize, tokens_of_argv

BACK = "leads back to itself, or on to too many others"


def commands(line: str, aliases: dict[str, str]) -> list[tuple[str, dict[str, object]]]:
    """Return the commands of a good line and their values."""
    return [
        (s.call.command.name, {**s.call.values, **s.call.common}) for s in good(line, aliases) if s.call is not None
    ]


@pytest.mark.parametrize(
    ("text", "words", "put"),
    [
        ("bc", ["x"], "bc"),
        ("bul --where cn=$1", ["::1"], "bul --where cn=::1"),
        ("a $2 $1 $2", ["x", "y"], "a y x y"),
        ("a $1", ["b c"], "a 'b c'"),
        ("a $1b", ["x;y"], "a 'x;y'b"),
        ("a $1 b", [], "a  b"),
        ("a $3", ["x", "y"], "a "),
        ("a $1", [""], "a ''"),
        ("a $*", ["x", "y z"], "a x 'y z'"),
        ("a $*", [], "a "),
        ("a $1 $*", ["$2", "$1"], "a $2 $2 $1"),
        ("a $10", ["x"], "a x0"),
        ('a "$1"', ["b c"], 'a "b c"'),
        ('a "$1-$*"', ['b"\\', "c"], 'a "b\\"\\\\-b\\"\\\\ c"'),
        ("a $0 $ $a", ["x"], "a $0 $ $a"),
    ],
)
def test_words_are_put_into_a_line(text: str, words: list[str], put: str) -> None:
    """Each stays one word; what a word holds is not looked at again."""
    assert substitute(text, words) == (put, "$1" in text or "$2" in text or "$3" in text or "$*" in text)


@pytest.mark.parametrize("text", ["a '$1 $*'", "a \\$1", "raw bc | !awk '{print $1}'", 'a "\\$1"', "a '\\'$x", "a\\"])
def test_some_places_are_no_places(text: str) -> None:
    """As in a POSIX shell: nothing is put within single quotes or behind a backslash."""
    assert substitute(text, ["x"]) == (text, False)


@given(st.lists(st.text(max_size=8), min_size=1, max_size=9))
def test_every_word_stays_itself(words: list[str]) -> None:
    """Whatever is in the words, the line has as many words as were put in, also within double quotes."""
    assert [token.text for token in tokenize(substitute("$*", words)[0])] == words
    assert [token.text for token in tokenize(substitute('"$1" b', words)[0])] == [words[0], "b"]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("mine", [("bul", {})]),
        ("mine --json", [("bul", {"json": True})]),
        ("mine ::1 | count", [("bul", {"address": "::1"})]),
        ("peer ::2", [("bul", {"where": ["cn=::2"]})]),
        ("peer 'a b'", [("bul", {"where": ["cn=a b"]})]),
        ("peer ::2 ignored", [("bul", {"where": ["cn=::2"]})]),
        ("all --json; rr", [("bc", {}), ("bul", {"json": True}), ("rr", {})]),
        ("again", [("bul", {"address": "::9"})]),
        ("bul", [("bul", {"json": True})]),
        ("said", [("bc", {})]),
        ("nothing", []),
        ("nothing bc", [("bc", {})]),
        ("bc; 'bc'", [("bc", {}), ("bc", {})]),
        ("bc mine", [("bc", {"address": "mine"})]),
    ],
)
def test_what_an_alias_stands_for(line: str, expected: list[tuple[str, dict[str, object]]]) -> None:
    """The words behind it go where ``$1`` or ``$*`` stands, else behind its line; others may stand in it."""
    aliases = {
        "mine": "binding-update-list",
        "peer": "bul-of cn=$1",
        "bul-of": "binding-update-list --where",
        "all": "bc; mine",
        "again": "mine ::9",
        "bul": "bul --json",
        "said": "bc # the cache",
        "nothing": " # nothing",
    }
    assert commands(line, aliases) == expected


def test_an_alias_stands_at_the_beginning_of_a_statement_only() -> None:
    """Elsewhere, in quotes, and behind the beginning of a pipe it is a word."""
    aliases = {"mine": "bul", "count": "bul"}
    assert wrong("'mine'", aliases).message == "'mine' is not a command"
    assert one("bc | count", aliases).stages == [Stage("count")]
    assert wrong("min", aliases).hint == "did you mean mine?"


def test_the_text_of_a_statement_is_what_was_typed() -> None:
    """Not what the alias stands for; each of its statements has it whole."""
    assert [s.text for s in good("peer ::1 | count; bc", {"peer": "bul --where cn=$1; rr"})] == [
        "peer ::1 | count",
        "peer ::1 | count",
        "bc",
    ]


def test_an_alias_may_hold_pipes_and_files() -> None:
    """What it brings stands before what is typed behind it."""
    statement = one("few | count", {"few": "bc | first 2"})
    assert statement.stages == [Stage("first", "2"), Stage("count")]
    assert one("kept", {"kept": "bc > f"}).redirect == "f"
    assert one("grepped -i 'a b'", {"grepped": "bc | !grep"}).stages == [Stage("!", "grep -i 'a b'")]
    fault = wrong("grepped | count", {"grepped": "bc | !grep x"})
    assert (fault.message, fault.hint) == ("nothing can stand behind a shell command", "write filters before it")


def test_an_alias_works_within_a_call() -> None:
    """``watch mine`` watches what it stands for, as long as that is one command."""
    call = one("watch -n 3 mine ::1", {"mine": "bul --json"}).call
    assert call is not None
    assert call.common == {"json": True}
    for line in ("bul; bc", "bul | count", "bul > f"):
        fault = wrong("watch mine", {"mine": line})
        assert (fault.message, fault.start, fault.end) == ("the alias 'mine' is more than one command", 6, 10)
    assert wrong("watch mine", {"mine": "yours", "yours": "mine 1"}).message.endswith(BACK)


@pytest.mark.parametrize(
    "aliases",
    [
        {"a": "b", "b": "a x"},
        {"a": "b; bc", "b": "c", "c": "bc; a"},
        {f"{'a' * n}": f"{'a' * (n + 1)}" for n in range(1, ALIAS_DEPTH + 3)},
    ],
)
def test_an_alias_that_never_ends(aliases: dict[str, str]) -> None:
    """It is a fault of the line, at the word that began it."""
    fault = read("bc; a 1", aliases).faults[0]
    assert fault.message.endswith(BACK)
    assert (fault.start, fault.end) == (4, 5)


def test_an_alias_that_stands_for_itself_is_the_command() -> None:
    """As in a shell: so a command may be given options; a word that is no command is a fault."""
    assert commands("bc", {"bc": "bc --wide"}) == [("bc", {"wide": True})]
    assert wrong("zz", {"zz": "zz"}).message == "'zz' is not a command"
    assert wrong("zz", {"zz": "bc; zz"}).message == "'zz' is not a command"


def test_aliases_that_multiply_are_stopped() -> None:
    """A few short ones could stand for more lines than there is memory."""
    chain = {chr(97 + n): "; ".join([chr(98 + n)] * 30) for n in range(ALIAS_DEPTH - 1)}
    parsed = read("a", {**chain, chr(97 + ALIAS_DEPTH - 1): "rr"})
    assert parsed.faults
    assert len(parsed.statements) <= ALIASES_A_LINE


def test_chains_up_to_the_depth_work() -> None:
    """The last of them may stand for nothing."""
    names = [f"a{n}" for n in range(ALIAS_DEPTH)]
    chain = dict(zip(names, [*names[1:], "rr"], strict=True))
    assert commands("a0", chain) == [("rr", {})]
    assert commands("a0", {**chain, names[-1]: "#"}) == []


def test_a_quote_left_open_in_an_alias() -> None:
    """Once the line is complete, the alias is at fault."""
    fault = wrong("bc; open", {"open": "rr 'x"})
    assert (fault.message, fault.start, fault.end) == ("in the alias 'open' a quote never ends", 4, 8)
    assert read("open", {"open": "rr 'x"}, complete=False).faults == []


def test_a_command_line_knows_aliases_too() -> None:
    """The words of a command line mean what they mean at the prompt."""
    parsed = parse(tokens_of_argv(["peer", "::1"]), REGISTRY, {"peer": "bul --where cn=$1"})
    assert [s.call.common for s in parsed.statements if s.call is not None] == [{"where": ["cn=::1"]}]


def test_the_cursor_behind_an_alias_stands_in_its_command() -> None:
    """What the alias stands for says what comes next; a word begun is no fault."""
    parsed = read("mine", {"mine": "bul --where"}, complete=False)
    assert parsed.words is not None
    assert (parsed.words.command.name, parsed.expects[0].name) == ("bul", "--where")
    parsed = read("two", {"two": "assert; show"}, complete=False)
    assert [fault.message.split()[0] for fault in parsed.faults] == ["assert", "assert"]
    assert "bc" in parsed.next_words
