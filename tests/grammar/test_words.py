"""The words of one command into its values: every form of an option, every fault with its place."""

import pytest
from grammar_world import command
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import UsageError
from mipsh.grammar.declare import COMMON_OPTIONS, Argument, Command, Option, Takes
from mipsh.grammar.tokens import tokenize
from mipsh.grammar.words import Expect, Role, Words, convert, read_words, seconds

TRY = command(
    Argument("peer", Takes.ADDRESS, "whom to try"),
    Argument("times", Takes.INTEGER, "how often", required=False),
    options=(
        Option("--count", "how many", Takes.INTEGER, "-n", metavar="N"),
        Option("--pick", "one of some", Takes.WORD, "-p", choices=("red", "green", "grey")),
        Option("--tag", "may be given again", Takes.TEXT, "-g", many=True),
        Option("--deep", "a flag", short="-d"),
        Option("--try-run", "another flag"),
    ),
)
MANY = command(Argument("files", Takes.PATH, "files", many=True))
RAW = command(Argument("name", Takes.WORD, "a name"), Argument("line", Takes.RAW, "a line", required=False))
CALL = command(Argument("command", Takes.CALL, "a command"), options=(Option("--deep", "a flag"),))


def take(text: str, declared: Command = TRY, complete: bool = True) -> Words:
    """Read the words behind a command whose phrase is ``try``."""
    return read_words(declared, [t for t in tokenize(f"try {text}") if t.start > 3], complete, 3)


def fault(text: str, declared: Command = TRY) -> tuple[str, str, str]:
    """Return the message, the hint and the place of the one fault in a line."""
    (found,) = take(text, declared).faults
    return found.message, found.hint, f"try {text}"[found.start : found.end]


@pytest.mark.parametrize(
    ("text", "values", "common"),
    [
        ("::1", {"peer": "::1"}, {}),
        ("::1 3", {"peer": "::1", "times": 3}, {}),
        ("::1 --count=5", {"peer": "::1", "count": 5}, {}),
        ("--count 5 ::1", {"peer": "::1", "count": 5}, {}),
        ("-n5 ::1", {"peer": "::1", "count": 5}, {}),
        ("-n 5 ::1", {"peer": "::1", "count": 5}, {}),
        ("::1 -dn5", {"peer": "::1", "count": 5, "deep": True}, {}),
        ("::1 -dn 5", {"peer": "::1", "count": 5, "deep": True}, {}),
        ("::1 -dqvv", {"peer": "::1", "deep": True}, {"quiet": True, "verbose": 2}),
        ("::1 -v -v --verbose", {"peer": "::1"}, {"verbose": 3}),
        ("::1 --cou 5", {"peer": "::1", "count": 5}, {}),
        ("::1 --colu a,b", {"peer": "::1"}, {"columns": "a,b"}),
        ("::1 --tr", {"peer": "::1", "try_run": True}, {}),
        ("::1 --tag a -gb --tag=c", {"peer": "::1", "tag": ["a", "b", "c"]}, {}),
        ("::1 --where a=1 --where b=2", {"peer": "::1"}, {"where": ["a=1", "b=2"]}),
        ("::1 --where=a=1", {"peer": "::1"}, {"where": ["a=1"]}),
        ("::1 --tag=", {"peer": "::1", "tag": [""]}, {}),
        ("::1 '--tag=a b'", {"peer": "::1", "tag": ["a b"]}, {}),
        ("::1 --sort -age", {"peer": "::1"}, {"sort": "-age"}),
        ("::1 --count 1 --count 2", {"peer": "::1", "count": 2}, {}),
        ("::1 --pick gree", {"peer": "::1", "pick": "green"}, {}),
        ("::1 --color never", {"peer": "::1"}, {"color": "never"}),
        ("::1 -t 200ms", {"peer": "::1"}, {"timeout": 0.2}),
        ("-- --count", {"peer": "--count"}, {}),
        ("-- ::1 -5", {"peer": "::1", "times": -5}, {}),
        ("-", {"peer": "-"}, {}),
        ("''", {"peer": ""}, {}),
        ("--help", {}, {"help": True}),
    ],
)
def test_every_form_of_words(text: str, values: dict[str, object], common: dict[str, object]) -> None:
    """A command's own options and those that every command takes are kept apart."""
    words = take(text)
    assert (words.faults, words.values, words.common) == ([], values, common)


@pytest.mark.parametrize(
    ("text", "message", "hint", "place"),
    [
        ("", "try needs PEER: whom to try", "type 'try ?' for what it takes", ""),
        ("::1 2 3", "'3' is one word too many for try", "type 'try ?' for what it takes", "3"),
        ("::1 two", "times takes a whole number, not 'two'", "write 5", "two"),
        ("::1 --count", "--count needs a value", "write --count N", ""),
        ("::1 --tag", "--tag needs a value", "write --tag VALUE", ""),
        ("::1 -n", "--count needs a value", "write --count N", ""),
        ("::1 --count=x", "--count takes a whole number, not 'x'", "write 5", "--count=x"),
        ("::1 -nx", "--count takes a whole number, not 'x'", "write 5", "-nx"),
        ("::1 --deep=1", "--deep takes no value", "write only --deep", "--deep=1"),
        ("::1 --co=1", "'--co' may be --count, --columns, --color", "type more of it", "--co=1"),
        ("::1 --d", "'--d' may be --deep, --dry-run", "type more of it", "--d"),
        ("::1 --jsno", "try has no option '--jsno'", "did you mean --json?", "--jsno"),
        ("::1 --qqq=1", "try has no option '--qqq'", "type 'try ?'", "--qqq=1"),
        ("::1 -x", "try has no option '-x'", "type 'try ?' for its options", "-x"),
        ("::1 -dxn", "try has no option '-x'", "type 'try ?' for its options", "-dxn"),
        ("::1 --pick gre", "--pick cannot be 'gre'", "it can be red, green, grey", "gre"),
        ("::1 --pick ''", "--pick cannot be ''", "it can be red, green, grey", "''"),
        ("::1 -t soon", "--timeout takes seconds, not 'soon'", "write 5, 0.5, 200ms, 2m or 1h", "soon"),
    ],
)
def test_every_fault_says_what_and_where(text: str, message: str, hint: str, place: str) -> None:
    """The place is the word at fault; what is missing is missing at the end."""
    assert fault(text) == (message, hint, place)
    if not place:
        assert take(text).faults[0].start == len(f"try {text}".rstrip())


def test_reading_goes_on_behind_a_fault() -> None:
    """Every fault is noted, and what is right is read."""
    words = take("::1 --nope --count x 7 8 --deep")
    assert [f.message.split()[0] for f in words.faults] == ["try", "--count", "'8'"]
    assert (words.values["times"], words.values["deep"]) == (7, True)


def test_help_needs_nothing_else() -> None:
    """With ``--help`` a missing argument is no fault, a wrong one still is."""
    assert take("-h").faults == []
    assert [f.message for f in take("-h ::1 x").faults] == ["times takes a whole number, not 'x'"]


def test_an_argument_for_many_takes_all_words() -> None:
    """At least one when it is required; options may stand between."""
    assert take("a --json b -- -c", MANY).values == {"files": ["a", "b", "-c"]}
    assert fault("", MANY)[0] == "try needs FILES: files"
    assert take("a", MANY, complete=False).expects()[0].required is False


def test_a_raw_argument_takes_what_is_left_as_it_is() -> None:
    """Options too, once another argument stands before it."""
    words = take("x bc -o json", RAW)
    assert words.values == {"name": "x"}
    assert [token.text for token in words.rest or ()] == ["bc", "-o", "json"]
    assert words.common == {}
    assert take("-o json x", RAW).common == {"output": "json"}
    assert take("x -o json", RAW).common == {}
    assert take("x", RAW).rest is None


def test_a_call_takes_what_is_left_from_its_first_word_on() -> None:
    """Options before that word are the outer command's own."""
    words = take("--deep bc --json", CALL)
    assert (words.values, [token.text for token in words.rest or ()]) == ({"deep": True}, ["bc", "--json"])
    assert [token.text for token in take("-- --json", CALL).rest or ()] == ["--json"]
    assert fault("--deep", CALL)[0] == "try needs COMMAND: a command"


def test_what_could_stand_next() -> None:
    """The value of the option that was begun, else the next argument, else nothing more."""
    assert take("", complete=False).expects() == [Expect(Takes.ADDRESS, "peer", "whom to try", (), True)]
    assert take("::1", complete=False).expects() == [Expect(Takes.INTEGER, "times", "how often")]
    assert take("::1 1", complete=False).expects() == []
    assert take("::1 --pick", complete=False).expects() == [
        Expect(Takes.WORD, "--pick", "one of some", ("red", "green", "grey"), True)
    ]
    assert take("::1 --count", complete=False).faults == []


def test_which_options_could_still_be_given() -> None:
    """One that was given is not offered again, unless it may be given again."""
    offered = {option.name for option in take("::1 --deep --tag x -v -o json", complete=False).options()}
    assert {"--deep", "--output"} & offered == set()
    assert {"--tag", "--verbose", "--count", "--json"} <= offered


@pytest.mark.parametrize(
    ("text", "declared", "taken"),
    [
        ("", TRY, True),
        ("::1 1", TRY, True),
        ("--count", TRY, False),
        ("--", TRY, False),
        ("", RAW, True),
        ("x", RAW, False),
        ("x y", RAW, False),
        ("", CALL, True),
        ("bc", CALL, False),
    ],
)
def test_where_a_dash_begins_an_option(text: str, declared: Command, taken: bool) -> None:
    """Not for a value, not behind ``--``, not in what is taken as it is."""
    assert take(text, declared, complete=False).takes_options() is taken


@pytest.mark.parametrize(
    ("text", "marks"),
    [
        ("::1", [("value", "::1")]),
        ("--deep", [("option", "--deep")]),
        ("--count 5", [("option", "--count"), ("value", "5")]),
        ("--count=5", [("option", "--count="), ("value", "5")]),
        ("-n5", [("option", "-n"), ("value", "5")]),
        ("-dn5", [("option", "-dn"), ("value", "5")]),
        ("--tag=", [("option", "--tag=")]),
        ("--tag='a b'", [("option", "--tag='a b'")]),
        ("-dx", [("option", "-dx")]),
        ("--nope=1", [("option", "--nope=")]),
    ],
)
def test_how_words_are_coloured(text: str, marks: list[tuple[str, str]]) -> None:
    """An option and its value are told apart; where quotes hide the border, all of it is the option."""
    line = f"try {text}"
    assert [(mark.role.value, line[mark.start : mark.end]) for mark in take(text).marks] == marks


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *[("5", 5.0), ("0", 0.0), ("0.5", 0.5), (".5", 0.5), ("5.", 5.0)],
        *[("200ms", 0.2), ("7s", 7.0), ("2m", 120.0), ("1.5h", 5400.0), ("999999999", 999999999.0)],
    ],
)
def test_seconds(text: str, value: float) -> None:
    """A plain number is seconds; units may stand behind it."""
    assert seconds(text, "x") == pytest.approx(value)


@pytest.mark.parametrize(
    "text", ["", "s", ".", "x", "-1", "+1", "1 s", " 1", "nan", "inf", "1e3", "1_0", "٣", "1d", "1000000000", "9" * 400]
)
def test_what_is_no_time(text: str) -> None:
    """No sign, no exponent, nothing endless."""
    with pytest.raises(UsageError, match=r"^x takes seconds, not") as caught:
        seconds(text, "x")
    assert "200ms" in caught.value.hint


@pytest.mark.parametrize(("text", "value"), [("5", 5), ("-5", -5), ("+5", 5), ("007", 7), ("9" * 18, 10**18 - 1)])
def test_whole_numbers(text: str, value: int) -> None:
    """Digits with a sign or without."""
    assert convert(Argument("n", Takes.INTEGER, ""), text) == value


@pytest.mark.parametrize("text", ["", "1.0", "1_0", " 1", "٣", "²", "0x1", "9" * 19, "9" * 5000])
def test_what_is_no_whole_number(text: str) -> None:
    """Nothing that only Python reads as a number, and nothing that a counter could not hold."""
    with pytest.raises(UsageError, match="takes a whole number"):
        convert(Argument("n", Takes.INTEGER, ""), text)


def test_an_options_keyword() -> None:
    """It is the name, as Python can write it."""
    assert Option("--try-run", "").key == "try_run"
    assert len({option.key for option in COMMON_OPTIONS}) == len(COMMON_OPTIONS)
    shorts = [option.short for option in COMMON_OPTIONS if option.short]
    assert len(set(shorts)) == len(shorts)


@given(st.lists(st.sampled_from(["--count", "-n", "-dn5", "--tag=a", "--", "-", "x", "5", "--d", "-?", "--help"])))
def test_any_words_are_read(words: list[str]) -> None:
    """Whatever stands where, marks and faults lie within the line."""
    line = " ".join(words)
    read = take(line)
    places = [(mark.start, mark.end) for mark in read.marks] + [(fault.start, fault.end) for fault in read.faults]
    assert all(0 <= start <= end <= len(f"try {line}") for start, end in places)
    assert {mark.role for mark in read.marks} <= {Role.OPTION, Role.VALUE}
