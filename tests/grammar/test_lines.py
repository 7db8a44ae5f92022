"""Whole lines: statements, pipes, redirections, help, calls within calls; the same typed and as a command line."""

import pytest
from grammar_world import ADDRESS, REGISTRY, Plugins, at, good, one, read, roles, wrong
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import PluginError
from mipsh.grammar.declare import Call
from mipsh.grammar.lines import CALL_DEPTH, Parsed, Stage, parse, split
from mipsh.grammar.tokens import TokenKind, laid_out, quote, tokenize, tokens_of_argv
from mipsh.grammar.words import Role

FILTERS = "write include RE, exclude RE, count, first N, last N, or !SHELL-COMMAND"
ALIASES = {"mine": "bul --where cn=$1", "loop": "loop2", "loop2": "loop; bc", "both": "bc; mine $*", "open": "bc 'x"}
PIECES = st.sampled_from(
    [
        *["bc", "show", "ipv6", "watch", "alias", "mine", "loop", "both", "open", "assert", "help", "x", "?", "''"],
        *[
            "|",
            ";",
            ">",
            ">>",
            "#",
            "!",
            "\n",
            "\\",
            '"',
            "'",
            " ",
            "include",
            "first",
            "5",
            "--where",
            "-n",
            "--",
            "-h",
        ],
    ]
)
LINES = st.lists(PIECES).map(" ".join) | st.lists(PIECES).map("".join) | st.text(max_size=30)


def names(parsed: Parsed) -> list[str]:
    """Return the commands of a line."""
    return [statement.call.command.name for statement in parsed.statements if statement.call is not None]


def test_a_command_with_its_values() -> None:
    """The call holds the command, its values, what every command takes, and the text."""
    call = one(f" bc {ADDRESS} --where lifetime>300 -o json ").call
    assert call is not None
    assert call.command is REGISTRY.command("bc")
    assert (call.values, call.common) == ({"address": ADDRESS}, {"where": ["lifetime>300"], "output": "json"})
    assert call.text == f"bc {ADDRESS} --where lifetime>300 -o json"


@pytest.mark.parametrize("line", ["sh ipv6 mob bind", "binding-c", "show bc", "binding-cache", "bc"])
def test_one_command_has_many_phrases(line: str) -> None:
    """Each may be cut to a unique beginning."""
    assert names(read(line)) == ["bc"]


@pytest.mark.parametrize(
    ("line", "texts"),
    [
        ("bc; rr", ["bc", "rr"]),
        ("bc\nrr --json\n", ["bc", "rr --json"]),
        ("; ;bc;;", ["bc"]),
        ("bc # rr; hal", ["bc"]),
        ("# all\nbc # one\n# two\nrr", ["bc", "rr"]),
        ("bc|count ; rr | first 1", ["bc|count", "rr | first 1"]),
        ("", []),
        (" # nothing", []),
    ],
)
def test_statements(line: str, texts: list[str]) -> None:
    """A semicolon or a line feed ends a statement; a comment is none."""
    assert [statement.text for statement in good(line)] == texts


@pytest.mark.parametrize(
    ("line", "stages"),
    [
        ("bc | include a", [Stage("include", "a")]),
        ("bc | inc 'a  b' c", [Stage("include", "a  b c")]),
        ("bc | exclude a|count", [Stage("exclude", "a"), Stage("count")]),
        ("bc | first 3 | last 2", [Stage("first", "3"), Stage("last", "2")]),
        ("bc | f 0", [Stage("first", "0")]),
        ("bc | !grep -v 'x' | wc > n", [Stage("!", "grep -v 'x' | wc > n")]),
        ("bc | count | ! wc", [Stage("count"), Stage("!", "wc")]),
    ],
)
def test_stages(line: str, stages: list[Stage]) -> None:
    """Filters may be cut; a shell command takes all that is left of the line."""
    assert one(line).stages == stages


@pytest.mark.parametrize(
    ("line", "file", "append"),
    [("bc > f", "f", False), ("bc >>f", "f", True), ("bc | count > 'a b'", "a b", False), ("bc >f # x", "f", False)],
)
def test_redirection(line: str, file: str, append: bool) -> None:
    """It stands at the end of a statement."""
    statement = one(line)
    assert (statement.redirect, statement.append) == (file, append)


def test_a_comparison_is_no_redirection() -> None:
    """``>`` redirects at the beginning of a word only."""
    assert one("bc --where lifetime>300").redirect == ""


@pytest.mark.parametrize(
    ("line", "message", "hint", "place"),
    [
        ("bcc", "'bcc' is not a command", "did you mean bc?", "bcc"),
        ("  statsu", "'statsu' is not a command", "did you mean stats or status?", "statsu"),
        ("wacth bc", "'wacth' is not a command", "did you mean watch?", "wacth"),
        ("''", "'' is not a command", "type 'help'", "''"),
        ("qqq", "'qqq' is not a command", "type 'help'", "qqq"),
        ("show statsu", "'statsu' does not go on 'show'", "did you mean stats or status?", "statsu"),
        ("show ipv6", "'show ipv6' is not complete", "go on with mobile", "ipv6"),
        ("stat", "'stat' may be statistics, stats, status", "type more of it", "stat"),
        ("show st", "'st' may be stats, status", "type more of it", "st"),
        ("bc 1 2", "'2' is one word too many for bc", "type 'bc ?' for what it takes", "2"),
        ("bc 'x", "the quote never ends", "close it", "'x"),
        ("| count", "a command is missing before '|'", "write one", "|"),
        ("bc; | count", "a command is missing before '|'", "write one", "|"),
        ("> f", "a command is missing before '>'", "write one", ">"),
        ("bc |", "nothing stands behind the pipe", FILTERS, "|"),
        ("bc | | count", "nothing stands behind the pipe", FILTERS, "|"),
        ("bc | ?", "'?' is not a filter", FILTERS, "?"),
        ("bc | grep x", "'grep' is not a filter", FILTERS, "grep"),
        ("bc | ''", "'' is not a filter", FILTERS, "''"),
        ("bc | !", "a shell command is missing behind '!'", FILTERS, "!"),
        ("bc | first", "first needs N: only the first N rows", "write first N", "first"),
        (
            "bc | include ''",
            "include needs RE: only rows in which a regular expression is found",
            "write include RE",
            "",
        ),
        ("bc | first x", "first takes a number of rows, not 'x'", "write first 5", "x"),
        ("bc | last -1", "last takes a number of rows, not '-1'", "write last 5", "-1"),
        ("bc | last ²", "last takes a number of rows, not '²'", "write last 5", "²"),
        ("bc | last ٣", "last takes a number of rows, not '٣'", "write last 5", "٣"),
        ("bc | last 1 2", "last takes a number of rows, not '1 2'", "write last 5", "2"),
        ("bc | count x", "count takes nothing", "write only count", "x"),
        ("bc >", "'>' needs one file name at the end", "write > FILE", ">"),
        ("bc >> a b", "'>>' needs one file name at the end", "write > FILE", ">>"),
        ("bc > ''", "'>' needs one file name at the end", "write > FILE", ">"),
        ("bc > a > b", "'>' needs one file name at the end", "write > FILE", ">"),
        ("bc > f | count", "'>' stands before a pipe", "write > FILE at the end", ">"),
        ("watch -n 5 bcc", "'bcc' is not a command", "did you mean bc?", "bcc"),
        ("watch bc --where", "--where needs a value", "write --where COND", ""),
        ("watch show", "'show' is not complete", "", "show"),
    ],
)
def test_every_fault_says_what_and_where(line: str, message: str, hint: str, place: str) -> None:
    """A fault names the piece it is about, what was expected there, and what to do."""
    fault = wrong(line)
    assert (fault.message, fault.error) == (message, None)
    assert fault.hint.startswith(hint) and fault.hint
    if place:
        assert at(line, fault) == place
    elif "needs" in message and "''" not in line:
        assert fault.start == fault.end == len(line)


def test_thousands_of_digits_are_no_number_of_rows() -> None:
    """What Python would not even read is a fault of the words."""
    assert wrong(f"bc | first {'9' * 5000}").message.startswith("first takes a number of rows")
    assert one("bc | first 999999999").stages == [Stage("first", "999999999")]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("bc ?", ("bc",)),
        ("show ipv6 ?", ("show", "ipv6")),
        ("sho b ?", ("sho", "b")),
        ("nope ?", ("nope",)),
        ("bc --where ?", ("bc", "--where")),
        ("watch -n 5 bc ?", ("watch", "-n", "5", "bc")),
        ("help ?", ("help",)),
        ("bc --help", ("bc",)),
        ("bc ::1 -h --json", ("bc",)),
        ("show ipv6 mob bind -h", ("bc",)),
        ("alias -h", ("alias",)),
        ("watch --help", ("watch",)),
        ("watch bc --help", ("bc",)),
        ("watch bc ::1 -h | count", ("bc",)),
        ("watch -h bc -h", ("watch",)),
    ],
)
def test_help_at_any_point(line: str, words: tuple[str, ...]) -> None:
    """``?`` asks about the words before it, ``--help`` about its command, also within another."""
    assert one(line).help_words == words


def test_a_question_mark_alone_is_a_command() -> None:
    """So it is with words behind it; in quotes it is a word."""
    assert names(read("?")) == names(read("? bc")) == ["help"]
    assert one("?").help_words is None
    assert one("raw '?'").help_words is None
    assert one("raw bc?").help_words is None


def inner(call: Call | None) -> Call:
    """Return the call that a call of watch holds."""
    assert call is not None
    held = call.values["command"]
    assert isinstance(held, Call)
    return held


def test_a_call_in_a_call() -> None:
    """Options before the inner command are the outer one's; common ones count for both."""
    call = one("watch -n 5 --diff --where a=1 -t 3 bc ::1 --where b=2 -o json -t 4").call
    held = inner(call)
    assert call is not None
    assert (call.values["interval"], call.values["diff"], held.values) == (5.0, True, {"address": "::1"})
    assert call.common == {"where": ["a=1", "b=2"], "timeout": 4.0, "output": "json"}
    assert held.text == "bc ::1 --where b=2 -o json -t 4"


def test_a_call_in_a_call_in_a_call() -> None:
    """That can go on for a while, but not for ever."""
    held = inner(inner(one("watch watch -n 3 bc").call))
    assert held.command.name == "bc"
    fault = wrong("watch " * CALL_DEPTH + "watch bc")
    assert fault.message == "too many commands stand within each other"
    assert names(read("watch " * 5000 + "bc")) == ["watch"]


def test_a_raw_argument_is_not_read() -> None:
    """Its words are kept as they are, options too, and not looked up."""
    call = one("alias x nope -o 'a b' --what").call
    assert call is not None
    assert (call.values, call.common) == ({"name": "x", "line": ["nope", "-o", "a b", "--what"]}, {})
    assert one("alias x bc | count").stages == [Stage("count")]


def test_all_faults_of_a_line_are_found() -> None:
    """A statement at fault hides none of the others."""
    messages = [fault.message for fault in read("nope; bc 1 2 | grep; rr --nope | first x").faults]
    assert [message.split()[0] for message in messages] == ["'nope'", "'2'", "'grep'", "rr", "first"]


def test_commands_of_plugins() -> None:
    """They are asked for only when the built-in ones do not know a word."""
    world = Plugins()
    assert parse("bc; show bc; show; stat", world).statements
    assert world.asked == 0
    for line in ("probe path ::1", "pro pa ::1", "show weather ::1", "show w ::1"):
        parsed = parse(line, world)
        assert (parsed.faults, len(parsed.statements)) == ([], 1)
    assert world.asked == 4
    assert parse("probe", world).faults[0].hint == "go on with path"
    assert parse("prob", world, complete=False).next_words == ("path",)
    assert parse("probee", world).faults[0].hint == "did you mean probe?"


def test_a_missing_argument_is_missing_behind_the_phrase() -> None:
    """Also where nothing else was typed, and where a statement stands behind it."""
    for line in ("probe path", "probe path; bc", "watch probe path"):
        (fault,) = parse(line, Plugins()).faults
        assert fault.message == "probe path needs PEER: the peer"
        assert fault.start == fault.end == line.index("path") + len("path")


def test_a_command_that_cannot_be_used_is_a_fault() -> None:
    """The words are right: the fault holds the error, and covers the command."""
    line = "broken --json"
    (fault,) = parse(line, Plugins()).faults
    assert (fault.message, fault.hint, at(line, fault)) == ("the plugin 'broken' cannot be used", "remove it", "broken")
    assert isinstance(fault.error, PluginError)


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bc", [(Role.COMMAND, "bc")]),
        ("show bc", [(Role.COMMAND, "show"), (Role.COMMAND, "bc")]),
        ("show", [(Role.COMMAND, "show")]),
        (
            "bc --json ::1|count # x",
            [
                *[(Role.COMMAND, "bc"), (Role.OPTION, "--json"), (Role.VALUE, "::1"), (Role.OPERATOR, "|")],
                *[(Role.STAGE, "count"), (Role.COMMENT, "# x")],
            ],
        ),
        ("bc|count>f", [(Role.COMMAND, "bc"), (Role.OPERATOR, "|"), (Role.FAULT, "count>f")]),
        (
            "rr | first 1 > f",
            [
                *[(Role.COMMAND, "rr"), (Role.OPERATOR, "|"), (Role.STAGE, "first"), (Role.VALUE, "1")],
                *[(Role.OPERATOR, ">"), (Role.VALUE, "f")],
            ],
        ),
        ("bc | !wc", [(Role.COMMAND, "bc"), (Role.OPERATOR, "|"), (Role.OPERATOR, "!wc")]),
        ("nope", [(Role.FAULT, "nope")]),
        ("bc --nope", [(Role.COMMAND, "bc"), (Role.OPTION, "--nope"), (Role.FAULT, "--nope")]),
        ("watch bc ?", [(Role.COMMAND, "watch")]),
        ("?", [(Role.COMMAND, "?")]),
        ("watch rr", [(Role.COMMAND, "watch"), (Role.COMMAND, "rr")]),
        ("alias x y", [(Role.COMMAND, "alias"), (Role.VALUE, "x"), (Role.VALUE, "y")]),
        ("mine ::1", [(Role.COMMAND, "mine"), (Role.VALUE, "::1")]),
        ("mine", [(Role.COMMAND, "mine")]),
        ("watch mine 1", [(Role.COMMAND, "watch"), (Role.COMMAND, "mine"), (Role.VALUE, "1")]),
        ("loop", [(Role.COMMAND, "loop"), (Role.FAULT, "loop")]),
    ],
)
def test_colours(line: str, expected: list[tuple[Role, str]]) -> None:
    """Marks come in order, faults over all; an alias is a command, whatever it stands for."""
    parsed = read(line, {"mine": "bul --json --where a=1", "loop": "pool", "pool": "loop x"}, complete=False)
    assert roles(line, parsed) == expected


@pytest.mark.parametrize(
    ("line", "next_words"),
    [
        ("show ipv6", ("mobile",)),
        ("show ipv6 mobile", ("binding", "globals", "home-agents", "traffic")),
        ("bc |", ("include", "exclude", "first", "last", "count")),
        ("bc", ()),
        ("bc | count", ()),
        ("bc > f", ()),
        ("bc | include", ()),
        ("nope", ()),
        ("loop", ()),
    ],
)
def test_what_could_stand_at_the_end(line: str, next_words: tuple[str, ...]) -> None:
    """With an open end, what comes next is said and what is missing is no fault."""
    parsed = read(line, ALIASES, complete=False)
    assert parsed.next_words == next_words
    assert bool(parsed.faults) == (line in ("nope", "loop"))


@pytest.mark.parametrize("line", ["", "bc;", "bc; ", "# x\n", "watch", "watch -n 5", "watch watch", "watch --"])
def test_where_a_command_begins(line: str) -> None:
    """At the beginning, behind a semicolon, and behind a command that takes one."""
    parsed = read(line, complete=False)
    assert set(parsed.next_words) == {phrase[0] for phrase in REGISTRY.phrases()}
    assert parsed.faults == []


def test_what_is_open_is_not_missing() -> None:
    """A quote, a value, a file, a filter's word may still come; only in the last statement."""
    for line in ("bc 'x", "bc --where", "bc >", "bc | first", "assert", "bc | !", "watch bc --where"):
        assert read(line, complete=False).faults == []
    assert [fault.message for fault in read("bc --where; rr", complete=False).faults] == ["--where needs a value"]
    assert read("bc | first", complete=False).expects[0].name == "N"


def test_an_option_of_the_inner_command_is_expected() -> None:
    """The words at the end are those of the innermost command."""
    parsed = read("watch bc --where", complete=False)
    assert parsed.words is not None
    assert (parsed.words.command.name, parsed.expects[0].name) == ("bc", "--where")


def test_split() -> None:
    """Tokens are cut at every one of a kind; there is always a piece."""
    pieces = split(tokenize("a;;b"), TokenKind.SEMICOLON)
    assert [[token.text for token in piece] for piece in pieces] == [["a"], [], ["b"]]
    assert split([], TokenKind.PIPE) == [[]]


@given(LINES, st.booleans())
def test_any_text_is_understood_or_at_fault(line: str, complete: bool) -> None:
    """Nothing raises, and every mark and fault lies within the text."""
    for catalogue in (REGISTRY, Plugins()):
        parsed = parse(line, catalogue, ALIASES, complete)
        assert all(0 <= mark.start < mark.end <= len(line) for mark in parsed.marks)
        assert all(0 <= fault.start <= fault.end <= len(line) for fault in parsed.faults)
        assert all(fault.message and fault.hint for fault in parsed.faults)
        assert all(s.call is not None or s.help_words is not None for s in parsed.statements)
        assert all(s.text in line for s in parsed.statements)


OPERATORS = {"|": "|", ";": ";", ">": ">", ">>": ">>", "?": "?", "\n": "\n"}
WORDS = st.sampled_from([*OPERATORS, "bc", "mine", "both", "loop", "watch", "rr", "first", "2", "--where", "a b", "$1"])


@given(st.lists(WORDS | st.text(max_size=5)), st.booleans())
def test_a_command_line_reads_as_the_same_words_typed(words: list[str], complete: bool) -> None:
    """Statements, faults, marks: all the same, places too."""
    if any(word.startswith("!") for word in words):
        return
    typed = " ".join(OPERATORS.get(word) or quote(word) for word in words)
    tokens = tokens_of_argv(words)
    assert laid_out(tokens)[0] == typed
    assert same(parse(tokens, REGISTRY, ALIASES, complete)) == same(parse(typed, REGISTRY, ALIASES, complete))


def same(parsed: Parsed) -> list[object]:
    """Return what of a reading does not depend on where quotes stood."""
    return [parsed.statements, parsed.faults, parsed.expects, parsed.next_words, parsed.marks]


def test_a_part_of_a_command_line_stands_by_itself() -> None:
    """Tokens from anywhere are read as a line of their own: the text of a statement is never empty."""
    tokens = [*tokens_of_argv(["-o", "json", "bc", "a b"])[2:], *tokens_of_argv(["--where", "seq>1"])]
    parsed = parse(tokens, REGISTRY)
    assert [statement.text for statement in parsed.statements] == ["bc 'a b' --where seq>1"]
