"""Text into tokens: quotes, operators, comments, places; and words that a shell has cut already."""

import pytest
from grammar_world import words_of
from hypothesis import given
from hypothesis import strategies as st

from mipsh.grammar.tokens import Token, TokenKind, laid_out, quote, tokenize, tokens_of_argv

WORD, PIPE, SEMICOLON = TokenKind.WORD, TokenKind.PIPE, TokenKind.SEMICOLON
REDIRECT, SHELL, COMMENT = TokenKind.REDIRECT, TokenKind.SHELL, TokenKind.COMMENT
TEXTS = st.text(st.sampled_from("ab '\"\\|;>#!?\n\t$=-é\u2028\ud800"), max_size=20) | st.text(max_size=20)


def kinds(line: str) -> list[tuple[TokenKind, str]]:
    """Return what the tokens of a line are."""
    return [(token.kind, token.text) for token in tokenize(line)]


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("", []),
        (" \t\r\f\v ", []),
        ("bc", ["bc"]),
        ("  show   bc\t", ["show", "bc"]),
        ("'a b'", ["a b"]),
        ("'a\\b'", ["a\\b"]),
        ("'a\"b'", ['a"b']),
        ('"a b"', ["a b"]),
        ('"a\\"b\\\\c\\d"', ['a"b\\c\\d']),
        ('"a\'b"', ["a'b"]),
        ("a\\ b", ["a b"]),
        ("\\'a", ["'a"]),
        ("\\n", ["n"]),
        ("a\\", ["a\\"]),
        ("a'b'\"c\"d", ["abcd"]),
        ("''", [""]),
        ("'' \"\"", ["", ""]),
        ("a#b", ["a#b"]),
        ("a!b", ["a!b"]),
        ("--where lifetime>300", ["--where", "lifetime>300"]),
        ("seq>=5", ["seq>=5"]),
        ("a>b>>c", ["a>b>>c"]),
        ("\\>f", [">f"]),
        ("'|' ';'", ["|", ";"]),
        ("\\#x", ["#x"]),
        ("a\u00a0b", ["a\u00a0b"]),
    ],
)
def test_words_and_quotes(line: str, words: list[str]) -> None:
    """Quotes are those of a POSIX shell, and ``>`` within a word is a letter like any other."""
    assert words_of(line) == words
    assert all(token.kind is WORD and token.closed for token in tokenize(line))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("a|b", [(WORD, "a"), (PIPE, "|"), (WORD, "b")]),
        ("a;b\nc", [(WORD, "a"), (SEMICOLON, ";"), (WORD, "b"), (SEMICOLON, "\n"), (WORD, "c")]),
        ("a >f", [(WORD, "a"), (REDIRECT, ">"), (WORD, "f")]),
        ("a >> f", [(WORD, "a"), (REDIRECT, ">>"), (WORD, "f")]),
        (">>>", [(REDIRECT, ">>"), (REDIRECT, ">")]),
        ("a # b | c", [(WORD, "a"), (COMMENT, "# b | c")]),
        ("# a\nb", [(COMMENT, "# a"), (SEMICOLON, "\n"), (WORD, "b")]),
        ("a | !grep b > c; d # e", [(WORD, "a"), (PIPE, "|"), (SHELL, "grep b > c; d # e")]),
        ("a |!x\nb", [(WORD, "a"), (PIPE, "|"), (SHELL, "x"), (SEMICOLON, "\n"), (WORD, "b")]),
        ("a | !", [(WORD, "a"), (PIPE, "|"), (SHELL, "")]),
        ("!a", [(WORD, "!a")]),
        ("a | b !c", [(WORD, "a"), (PIPE, "|"), (WORD, "b"), (WORD, "!c")]),
    ],
)
def test_operators_and_comments(line: str, expected: list[tuple[TokenKind, str]]) -> None:
    """An operator ends a word, save ``>``; ``!`` behind a pipe and ``#`` take the rest of the line."""
    assert kinds(line) == expected


@pytest.mark.parametrize("line", ["'", '"', "a 'b", 'a "b\\"', "'a|b;c\nd", '"a #'])
def test_a_quote_left_open_reaches_to_the_end(line: str) -> None:
    """The last word says so, and nothing in it is an operator."""
    last = tokenize(line)[-1]
    assert (last.closed, last.quoted, last.end) == (False, True, len(line))


def test_a_word_knows_whether_it_was_quoted() -> None:
    """A backslash is no quote: it hides one character only."""
    assert [token.quoted for token in tokenize("a 'b' c\"d\" \\e")] == [False, True, True, False]


def test_places_are_those_of_the_line() -> None:
    """A token's place holds its quotes, not the blanks around it."""
    line = "bc  'a b'|count"
    assert [line[token.start : token.end] for token in tokenize(line)] == ["bc", "'a b'", "|", "count"]


@given(TEXTS)
def test_any_text_can_be_cut(line: str) -> None:
    """Nothing raises; tokens follow one another, and only blanks stand between them."""
    end = 0
    for token in tokenize(line):
        assert end <= token.start < token.end <= len(line)
        assert line[end : token.start].strip(" \t\r\f\v") == ""
        end = token.end
    assert line[end:].strip(" \t\r\f\v") == ""


@given(TEXTS)
def test_a_quoted_word_reads_back_as_it_was(word: str) -> None:
    """Also beside others, and behind a pipe, where ``!`` would begin a shell command."""
    token = tokenize(quote(word))
    assert [(t.kind, t.text, t.closed) for t in token] == [(WORD, word, True)]
    assert words_of(f"a {quote(word)} | {quote(word)}") == ["a", word, "|", word]


@pytest.mark.parametrize("word", ["bc", "lifetime>300", "a!b", "2001:db8::1", "--where=a", "$1", "é"])
def test_a_plain_word_needs_no_quotes(word: str) -> None:
    """What reads as one word by itself stays as it is."""
    assert quote(word) == word


@pytest.mark.parametrize("word", ["", "a b", ">f", "!x", "?", "a|b", "a;b", "#", "it's", "a\\b", 'a"b', "a\nb"])
def test_other_words_are_quoted(word: str) -> None:
    """What would read as anything else is put in quotes."""
    assert quote(word) != word


def test_the_words_of_a_command_line_are_tokens() -> None:
    """A word of its own is an operator; within a word the same character is none."""
    tokens = tokens_of_argv(["bc", "a b", "|", "first", "1", ";", "rr", ">>", "f", "x|y", "#z", "\n", "''"])
    assert [token.kind for token in tokens] == [
        *(WORD, WORD, PIPE, WORD, WORD, SEMICOLON, WORD, REDIRECT, WORD, WORD, WORD, SEMICOLON, WORD)
    ]
    assert [token.text for token in tokens][-3:] == ["#z", "\n", "''"]
    assert not any(token.quoted for token in tokens)


def test_a_shell_command_takes_the_words_that_are_left() -> None:
    """Behind a pipe only; elsewhere ``!`` is a letter."""
    tokens = tokens_of_argv(["!a", "|", "!grep", "x", "|", "wc"])
    assert [(token.kind, token.text) for token in tokens] == [(WORD, "!a"), (PIPE, "|"), (SHELL, "grep x | wc")]
    assert tokens_of_argv(["a", "|", "!"])[-1].text == ""


@given(st.lists(st.sampled_from(["|", ";", ">", ">>", "?"]) | TEXTS.filter(lambda word: word != "\n")))
def test_words_laid_out_as_a_line_read_the_same(words: list[str]) -> None:
    """The line that stands for a command line's words can be typed, and its places are the tokens'."""
    tokens = tokens_of_argv(words)
    text, placed = laid_out(tokens)
    if not any("\n" in token.text for token in tokens if token.kind is SHELL):
        assert [(t.kind, t.text) for t in tokenize(text)] == [(t.kind, t.text) for t in tokens]
        assert [(t.start, t.end) for t in tokenize(text)] == [(t.start, t.end) for t in tokens]
    assert placed == tokens


def test_tokens_can_be_laid_out_anew() -> None:
    """Wherever tokens come from, their places become those in one line; a quoted ``?`` stays quoted."""
    tokens = [*tokenize("a   'b c'")[1:], *tokens_of_argv(["?", "x"]), Token(WORD, "?", 7, 9, quoted=True)]
    text, placed = laid_out(tokens)
    assert text == "'b c' ? x '?'"
    assert [text[token.start : token.end] for token in placed] == ["'b c'", "?", "x", "'?'"]
    assert laid_out([]) == ("", [])
