"""What could stand at the cursor: a pure function from a line to suggestions.

The grammar says what is expected; a lookup, which never touches the network, says which names
and live values there are.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct, structs

from mipsh.grammar.declare import Takes
from mipsh.grammar.lines import STAGES, Catalogue, Parsed, parse
from mipsh.grammar.phrases import resolve
from mipsh.grammar.tokens import Token, TokenKind, quote, tokenize
from mipsh.grammar.words import Expect, Words
from mipsh.model.columns import Table

Pairs = Iterable[tuple[str, str]]

LIMIT = 200
_CONDITION = re.compile(r"([A-Za-z_][\w-]*)(!=|>=|<=|!~|==|=|>|<|~)(.*)", re.DOTALL)
_ASSERTION_WORDS = (
    ("where", "which rows to look at"),
    ("has", "what each of them must have"),
    ("exists", "there must be such a row"),
    ("absent", "there must be none"),
)


class Suggestion(Struct, frozen=True):
    """A word that could replace the text from ``start`` to the cursor, and what it means."""

    text: str
    start: int
    meaning: str = ""


class Lookup(Protocol):
    """Names and live values; every method answers at once, from what is known already."""

    def command_meaning(self, name: str) -> str:
        """Return a command's summary."""

    def first_words(self) -> Pairs:
        """Return further words that may begin a line: aliases, commands of plugins."""

    def candidates(self, expect: Expect, words: Words | None) -> Pairs:
        """Return the words that an argument or option value could be."""

    def values(self, table: str, column: str) -> Pairs:
        """Return the values of a column in the last reading."""

    def table(self, word: str) -> Table | None:
        """Return the table that a word means."""


def complete(
    text: str, cursor: int, catalogue: Catalogue, lookup: Lookup, aliases: Mapping[str, str] | None = None
) -> list[Suggestion]:
    """Return what could stand at the cursor, best first."""
    tokens = tokenize(text[:cursor])
    partial = Token(TokenKind.WORD, "", cursor, cursor)
    if tokens and tokens[-1].end == cursor and tokens[-1].kind is TokenKind.WORD:
        partial = tokens.pop()
    if tokens and tokens[-1].kind in (TokenKind.COMMENT, TokenKind.SHELL) and tokens[-1].end >= partial.start:
        return []
    if tokens and tokens[-1].kind is TokenKind.REDIRECT:
        file = Expect(Takes.PATH, "FILE", "file to write to", begun=partial.text)
        return _matching(lookup.candidates(file, None), partial)
    parsed = parse(tokens, catalogue, aliases, complete=False)
    return _at(parsed, partial, lookup, catalogue)


def _at(parsed: Parsed, partial: Token, lookup: Lookup, catalogue: Catalogue) -> list[Suggestion]:
    words = parsed.words
    found: list[Suggestion] = []
    if parsed.next_words:
        found += _matching(_next_words(parsed, lookup, catalogue), partial, literal=True)
    if words is not None and partial.text.startswith("-") and words.takes_options():
        found += _option_value(words, partial, lookup)
        found += _options(words, partial)
    for expect in parsed.expects:
        found += _expected(expect, words, partial, lookup)
    if words is not None and not partial.text and not parsed.expects and words.takes_options():
        found += _options(words, partial)
    return found[:LIMIT]


def _options(words: Words, partial: Token) -> list[Suggestion]:
    return _matching(((option.name, option.meaning) for option in words.options()), partial)


def _option_value(words: Words, partial: Token, lookup: Lookup) -> list[Suggestion]:
    """Complete the value in ``--option=value``."""
    name, equals, text = partial.text.partition("=")
    options = words.named(name)
    if not equals or len(options) != 1 or options[0].takes is None:
        return []
    expect = Expect(options[0].takes, options[0].name, options[0].meaning, options[0].choices, True)
    found = _expected(expect, words, structs.replace(partial, text=text), lookup)
    return [structs.replace(one, text=f"{name}={one.text}") for one in found]


def _next_words(parsed: Parsed, lookup: Lookup, catalogue: Catalogue) -> list[tuple[str, str]]:
    if parsed.next_words == tuple(STAGES):
        return [
            *((name, expect.meaning) for name, expect in STAGES.items()),
            ("!", "through a shell command"),
        ]
    phrases = catalogue.phrases()
    pairs = []
    for word in parsed.next_words:
        name = phrases.get((word,))
        pairs.append((word, lookup.command_meaning(name) if name else ""))
    first = resolve((), phrases).next_words
    return [*pairs, *lookup.first_words()] if parsed.next_words == first else pairs


def _expected(expect: Expect, words: Words | None, partial: Token, lookup: Lookup) -> list[Suggestion]:
    if expect.choices:
        others = lookup.candidates(expect, words) if expect.takes is Takes.ADDRESS else ()
        return _matching([*((choice, expect.meaning) for choice in expect.choices), *others], partial)
    table = _table_of(words, lookup)
    if expect.takes is Takes.CONDITION and table is not None:
        return _matching(_condition(table, partial.text, lookup), partial)
    if expect.takes is Takes.ASSERTION:
        conditions = _condition(table, partial.text, lookup) if table is not None else []
        ordered = (_ASSERTION_WORDS, conditions) if partial.text else (conditions, _ASSERTION_WORDS)
        return _matching([*ordered[0], *ordered[1]], partial)
    if expect.takes is Takes.COLUMNS and table is not None:
        return _columns(table, partial)
    return _matching(lookup.candidates(structs.replace(expect, begun=partial.text), words), partial)


def _table_of(words: Words | None, lookup: Lookup) -> Table | None:
    if words is None:
        return None
    named = words.values.get("table")
    return lookup.table(named if isinstance(named, str) else words.command.table)


def _columns(table: Table, partial: Token) -> list[Suggestion]:
    """Complete the last name of a list ``a,-b,c``."""
    done, comma, last = partial.text.rpartition(",")
    sign = last[:1] if last[:1] in ("-", "+") else ""
    pairs = ((f"{done}{comma}{sign}{column.name}", column.meaning) for column in table.columns)
    return _matching(pairs, partial)


def _condition(table: Table, typed: str, lookup: Lookup) -> list[tuple[str, str]]:
    """Return the columns as conditions begin with them; behind an operator the conditions with the column's values."""
    match = _CONDITION.fullmatch(typed)
    if match is None:
        return [(f"{column.name}=", column.meaning) for column in table.columns]
    name, operator, _ = match.groups()
    column = table.column(name)
    values = lookup.values(table.name, column.name) if column is not None else []
    return [(f"{name}{operator}{value}", meaning) for value, meaning in values]


def _matching(pairs: Pairs, partial: Token, literal: bool = False) -> list[Suggestion]:
    """Return the words that begin with what was typed; where none does, those that contain it.

    They are quoted where they would be read otherwise, unless they are meant literally.
    """
    typed = partial.text
    listed = list(pairs)
    found = [pair for pair in listed if pair[0].startswith(typed)]
    if not found and len(typed) > 1:
        found = [pair for pair in listed if typed.lower() in pair[0].lower()]
    return [Suggestion(text if literal else quote(text), partial.start, meaning) for text, meaning in found[:LIMIT]]
