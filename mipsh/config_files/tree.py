"""A configuration file as a tree that keeps everything: each piece has its place and the blanks before it.

``printed`` returns the text that a tree was read from, byte for byte, comments included.
"""

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct

from mipsh.errors import ConfigError


class Kind(Enum):
    """What a value looks like; a prefix is an address with a length."""

    STRING = "a name in quotes"
    ADDRESS = "an IPv6 address"
    PREFIX = "an IPv6 address/length"
    NUMBER = "a whole number"
    DECIMAL = "a decimal number"
    WORD = "a word"
    LIST = "a list in parentheses"
    OTHER = "something else"


class Place(Struct, frozen=True, order=True):
    """Where something stands: a file, a line and a column, both from 1."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        """Return the place as compilers write it."""
        return f"{self.file}:{self.line}:{self.column}"


class Piece(Struct, frozen=True, gc=False):
    """A token with its place, and the blanks and comments before it."""

    text: str
    place: Place
    lead: str = ""


class Value(Struct, frozen=True):
    """A value: what it looks like, its text without quotes, its pieces; ``items`` are those of a list."""

    kind: Kind
    text: str
    pieces: tuple[Piece, ...]
    items: tuple["Value", ...] = ()

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.pieces[0].place

    @property
    def written(self) -> str:
        """The value as it would be typed."""
        if self.kind is Kind.LIST:
            return f"({', '.join(item.written for item in self.items)})"
        return f'"{self.text}"' if self.kind is Kind.STRING else self.text


class Statement(Struct, frozen=True):
    """A name with its values, and the statements in braces behind them; None where a semicolon ends it.

    A semicolon alone is a statement with an empty name; ``include`` is one of its own.
    """

    head: Value | None
    values: tuple[Value, ...]
    end: Piece
    opening: Piece | None = None
    body: tuple["Statement", ...] | None = None

    @property
    def name(self) -> str:
        """The first word; empty for a semicolon alone."""
        return "" if self.head is None else self.head.text

    @property
    def place(self) -> Place:
        """Where it begins."""
        return self.end.place if self.head is None else self.head.place

    @property
    def is_include(self) -> bool:
        """Whether it is an ``include "PATTERN"``, which no semicolon ends."""
        return self.body is None and self.end.text == "" and self.name == "include"

    @property
    def written(self) -> str:
        """The statement on one line, without what is in its braces."""
        words = [value.written for value in (self.head, *self.values) if value is not None]
        return " ".join(words)


class Document(Struct, frozen=True):
    """A file: its statements, and the blanks and comments behind the last of them."""

    path: str
    statements: tuple[Statement, ...]
    tail: Piece

    @property
    def text(self) -> str:
        """The text that it was read from."""
        return printed(self)


class Fault(ConfigError):
    """A file is not well formed at a place; the message begins with it."""

    def __init__(self, place: Place, problem: str, hint: str = "") -> None:
        super().__init__(f"{place}: {problem}", hint)
        self.place = place
        self.problem = problem


def printed(document: Document) -> str:
    """Return the text of a file, with every blank and comment that was in it."""
    pieces = (piece for statement in document.statements for piece in pieces_of(statement))
    return "".join(piece.lead + piece.text for piece in (*pieces, document.tail))


def pieces_of(statement: Statement) -> Iterator[Piece]:
    """Yield the pieces of a statement in the order of the text."""
    for value in (statement.head, *statement.values):
        if value is not None:
            yield from value.pieces
    if statement.opening is not None:
        yield statement.opening
    for inner in statement.body or ():
        yield from pieces_of(inner)
    yield statement.end
