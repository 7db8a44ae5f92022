"""The syntax of mip6d.conf: text into statements with their places.

::

    file:       statement*
    statement:  NAME value* ( ";" | "{" statement* "}" )
    value:      STRING | ADDRESS | ADDRESS "/" NUMBER | NUMBER | WORD | "(" [ value ( "," value )* ] ")"

A comment goes from ``#`` to the end of the line.
"""

import re
from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from mipsh.errors import ConfigError
from mipsh.node.places import Place

DEEPEST = 8

TOKEN = re.compile(
    r"(?P<space>[ \t\r]+|\#[^\n]*)"
    r"|(?P<line>\n)"
    r'|(?P<string>"[^"\n]*")'
    r"|(?P<address>[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*)"
    r"|(?P<number>[0-9]+(?:\.[0-9]+)?)"
    r"|(?P<word>[A-Za-z][A-Za-z0-9_-]*)"
    r"|(?P<mark>[{};/(),=])"
)


class Kind(Enum):
    """What a piece of the text is; a prefix is an address with a length."""

    STRING = "a name in quotes"
    ADDRESS = "an IPv6 address"
    PREFIX = "an IPv6 address/length"
    NUMBER = "a number"
    WORD = "a word"
    LIST = "a list in parentheses"
    MARK = "a mark"
    END = "the end of the file"


class Value(Struct, frozen=True):
    """A value with its place; ``items`` are those of a list."""

    kind: Kind
    text: str
    place: Place
    items: tuple["Value", ...] = ()


class Statement(Struct, frozen=True):
    """A name with its values, and the statements in braces behind them; None where a semicolon ends it."""

    name: str
    place: Place
    values: tuple[Value, ...]
    body: tuple["Statement", ...] | None = None


class SyntaxFault(ConfigError):
    """Something at a place is not as it must be; the message begins with the file and the place."""

    def __init__(self, path: str, place: Place, problem: str, hint: str = "") -> None:
        super().__init__(f"{place.of(path)}: {problem}", hint)


def parse(text: str, path: str) -> tuple[Statement, ...]:
    """Return the statements of a mip6d.conf; raises SyntaxFault."""
    return _Parser(text, path).file()


def _tokens(text: str, path: str) -> Iterator[Value]:
    """Yield the pieces of a text, and its end."""
    position, line, start = 0, 1, 0
    while position < len(text):
        place = Place(line, position - start + 1)
        match = TOKEN.match(text, position)
        if match is None:
            unended = text[position] == '"'
            problem = "this name has no closing quote" if unended else f"'{text[position]}' means nothing here"
            raise SyntaxFault(path, place, problem)
        position = match.end()
        group = match.lastgroup or ""
        if group == "line":
            line, start = line + 1, position
        elif group != "space":
            yield Value(Kind[group.upper()], match[0].strip('"'), place)
    yield Value(Kind.END, "", Place(line, position - start + 1))


class _Parser:
    """Reads statements, one token ahead."""

    def __init__(self, text: str, path: str) -> None:
        self._path = path
        self._tokens = _tokens(text, path)
        self._next = next(self._tokens)

    def file(self) -> tuple[Statement, ...]:
        """Read everything."""
        statements = []
        while self._next.kind is not Kind.END:
            statements.append(self._statement(0))
        return tuple(statements)

    def _statement(self, depth: int) -> Statement:
        name = self._take()
        if name.kind is not Kind.WORD:
            raise self._unexpected(name, "the name of an option")
        values = []
        while not self._is(";") and not self._is("{"):
            values.append(self._value(name))
        if self._is(";"):
            self._take()
            return Statement(name.text, name.place, tuple(values))
        brace = self._take()
        if depth == DEEPEST:
            raise SyntaxFault(self._path, brace.place, f"more than {DEEPEST} braces deep")
        body = []
        while not self._is("}"):
            if self._next.kind is Kind.END:
                hint = f"the brace at line {brace.place.line} is still open"
                raise self._unexpected(self._next, "'}'", hint)
            body.append(self._statement(depth + 1))
        self._take()
        return Statement(name.text, name.place, tuple(values), tuple(body))

    def _value(self, name: Value) -> Value:
        token = self._take()
        if token.kind is Kind.MARK and token.text == "(":
            return self._list(token)
        if token.kind in (Kind.MARK, Kind.END):
            raise self._unexpected(token, f"a value or ';' behind {name.text}")
        if token.kind is not Kind.ADDRESS or not self._is("/"):
            return token
        self._take()
        length = self._take()
        if length.kind is not Kind.NUMBER:
            raise self._unexpected(length, "the length of a prefix")
        return Value(Kind.PREFIX, f"{token.text}/{length.text}", token.place)

    def _list(self, opening: Value) -> Value:
        items: list[Value] = []
        while not self._is(")"):
            if items and not self._is(","):
                raise self._unexpected(self._next, "',' or ')'")
            if items:
                self._take()
            if self._is("("):
                raise self._unexpected(self._next, "a prefix")
            items.append(self._value(opening))
        self._take()
        return Value(Kind.LIST, "(", opening.place, tuple(items))

    def _is(self, mark: str) -> bool:
        return self._next.kind is Kind.MARK and self._next.text == mark

    def _take(self) -> Value:
        token = self._next
        if token.kind is not Kind.END:
            self._next = next(self._tokens)
        return token

    def _unexpected(self, found: Value, expected: str, hint: str = "") -> SyntaxFault:
        what = found.kind.value if found.kind is Kind.END else f"'{found.text}'"
        return SyntaxFault(self._path, found.place, f"expected {expected}, found {what}", hint)
