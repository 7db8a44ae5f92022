"""What could stand at the cursor: a pure function from a line to suggestions.

The grammar says what is expected; a lookup, which never touches the network, says which names
and live values there are.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Protocol

from msgspec import Struct

from mipsh.grammar.declare import Takes
from mipsh.grammar.lines import STAGES, Catalogue, Parsed, parse
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
        file = Expect(Takes.PATH, "FILE", "file to write to")
        return _matching(lookup.candidates(file, None), partial)
    parsed = parse(tokens, catalogue, aliases, complete=False)
    return _at(parsed, partial, lookup, catalogue)


def _at(parsed: Parsed, partial: Token, lookup: Lookup, catalogue: Catalogue) -> list[Suggestion]:
    words = parsed.words
    found: list[Suggestion] = []
    if parsed.next_words:
        found += _matching(_next_words(parsed, lookup, catalogue), partial)
    if words is not None and words.pending is None and partial.text.startswith("-"):
        found += _matching(((o.name, o.meaning) for o in words.options()), partial)
    for expect in parsed.expects:
        found += _expected(expect, words, partial, lookup)
    if words is not None and words.pending is None and not partial.text and not parsed.expects:
        found += _matching(((o.name, o.meaning) for o in words.options()), partial)
    return found[:LIMIT]


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
    if any((word,) in phrases for word in parsed.next_words):
        pairs += list(lookup.first_words())
    return pairs


def _expected(expect: Expect, words: Words | None, partial: Token, lookup: Lookup) -> list[Suggestion]:
    if expect.choices:
        return _matching(((choice, expect.meaning) for choice in expect.choices), partial)
    table = _table_of(words, lookup)
    if expect.takes is Takes.CONDITION and table is not None:
        return _condition(table, partial, lookup)
    if expect.takes is Takes.ASSERTION:
        verbs = _matching(_ASSERTION_WORDS, partial)
        return (
            (verbs if partial.text else [])
            + (_condition(table, partial, lookup) if table else [])
            + ([] if partial.text else verbs)
        )
    if expect.takes is Takes.COLUMNS and table is not None:
        return _columns(table, partial)
    return _matching(lookup.candidates(expect, words), partial)


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


def _condition(table: Table, partial: Token, lookup: Lookup) -> list[Suggestion]:
    """Complete a column, then behind its operator one of the column's values."""
    match = _CONDITION.fullmatch(partial.text)
    if match is None:
        return _matching(((f"{column.name}=", column.meaning) for column in table.columns), partial)
    name, operator, _ = match.groups()
    column = table.column(name)
    if column is None:
        return []
    values = ((f"{name}{operator}{value}", meaning) for value, meaning in lookup.values(table.name, column.name))
    return _matching(values, partial)


def _matching(pairs: Pairs, partial: Token) -> list[Suggestion]:
    """Return the words that begin with what was typed; where none does, those that contain it."""
    typed = partial.text
    listed = list(pairs)
    found = [pair for pair in listed if pair[0].startswith(typed)]
    if not found and len(typed) > 1:
        found = [pair for pair in listed if typed.lower() in pair[0].lower()]
    return [Suggestion(quote(text), partial.start, meaning) for text, meaning in found[:LIMIT]]
