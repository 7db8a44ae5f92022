"""Words into a command's name: unique beginnings, the longest phrase, what competes, what was meant."""

import pytest
from grammar_world import REGISTRY
from hypothesis import given
from hypothesis import strategies as st

from mipsh.grammar.phrases import Found, nearest, resolve

SMALL = {
    ("set",): "set",
    ("settle",): "settle",
    ("exit",): "quit",
    ("exeunt",): "quit",
    ("go",): "go",
    ("go", "far", "away"): "go far",
    ("show", "a"): "a",
    ("show", "b"): "b",
    ("shut", "a"): "shut",
}
FIRST = ("exeunt", "exit", "go", "set", "settle", "show", "shut")


@pytest.mark.parametrize(
    ("line", "found"),
    [
        ("", Found("", 0, FIRST)),
        ("nope", Found("", 0, FIRST)),
        ("settle", Found("settle", 1)),
        ("settl", Found("settle", 1)),
        ("set", Found("set", 1)),
        ("se", Found("", 0, FIRST, ("set", "settle"))),
        ("ex", Found("quit", 1)),
        ("sh a", Found("", 0, FIRST, ("show", "shut"))),
        ("sho a", Found("a", 2)),
        ("show", Found("", 1, ("a", "b"))),
        ("show c", Found("", 1, ("a", "b"))),
        ("show a b", Found("a", 2)),
        ("go", Found("go", 1, ("far",))),
        ("go slow", Found("go", 1, ("far",))),
        ("go far", Found("go", 1, ("away",))),
        ("go far away now", Found("go far", 3)),
        ("SET", Found("", 0, FIRST)),
    ],
)
def test_resolve(line: str, found: Found) -> None:
    """An exact word beats longer ones, the longest phrase wins, and what competes is named."""
    assert resolve(line.split(), SMALL) == found


def test_an_empty_word_begins_nothing() -> None:
    """It is not the beginning of every word."""
    assert resolve([""], {("one",): "one"}) == Found("", 0, ("one",))
    assert resolve(["go", ""], SMALL) == Found("go", 1, ("far",))


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("bc", "bc"),
        ("binding-c", "bc"),
        ("non", "nonce"),
        ("pref", "pl"),
        ("sh bc", "bc"),
        ("show bind", ""),
        ("sh ipv6 mob bind", "bc"),
        ("sho i m tr", "stats"),
        ("show ipv6 mobile globals", "status"),
        ("wat", "watch"),
        ("stat", ""),
        ("?", "help"),
        ("exit", "quit"),
    ],
)
def test_the_commands_of_mipsh(line: str, name: str) -> None:
    """Cisco's phrases and the daemon's own words lead to the same commands."""
    assert resolve(line.split(), REGISTRY.phrases()).name == name


def test_every_phrase_is_itself() -> None:
    """No phrase hides behind another."""
    for phrase, name in REGISTRY.phrases().items():
        found = resolve(phrase, REGISTRY.phrases())
        assert (found.name, found.used) == (name, len(phrase))


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("bcc", ("bc",)),
        ("statsu", ("stats", "status")),
        ("wacth", ("watch",)),
        ("WATCH", ("watch",)),
        ("hsitory", ("history",)),
        ("binding-cahce", ("binding-cache",)),
        ("cache", ("binding-cache",)),
        ("", ()),
        ("x", ()),
        ("b", ()),
        ("zzzzzz", ()),
    ],
)
def test_what_was_meant(word: str, meant: tuple[str, ...]) -> None:
    """A letter too many, too few, other, or two swapped; or a piece of a longer word."""
    assert nearest(word, {phrase[0] for phrase in REGISTRY.phrases()}) == meant


def test_the_likeliest_stand_first_and_few() -> None:
    """Fewest mistakes first, then by letter; no more than asked for."""
    assert nearest("abcd", ["abxd", "abcd", "xabcdx", "abce"]) == ("abcd", "abce", "abxd")
    assert nearest("abcd", ["abxd", "abcd"], limit=1) == ("abcd",)


def test_a_huge_word_is_told_apart_at_once() -> None:
    """What was pasted by mistake is not compared letter by letter."""
    assert nearest("x" * 1_000_000, [phrase[0] for phrase in REGISTRY.phrases()] * 20) == ()


@given(st.lists(st.text("abset x-", max_size=6), max_size=5))
def test_any_words_resolve(words: list[str]) -> None:
    """No more words are used than there are, and every word used begins the phrase's."""
    found = resolve(words, SMALL)
    assert 0 <= found.used <= len(words)
    assert not (found.name and found.ambiguous)
    if found.name:
        assert any(
            name == found.name and all(full.startswith(word) for full, word in zip(phrase, words, strict=False))
            for phrase, name in SMALL.items()
        )


@given(st.text(max_size=12), st.lists(st.text(max_size=12)))
def test_nearest_gives_only_choices(word: str, choices: list[str]) -> None:
    """Any text can be compared with any other, and one that is a choice is found."""
    found = nearest(word, choices)
    assert set(found) <= set(choices)
    if len(word) > 1 and word in choices:
        assert found[0].lower() == word.lower()
