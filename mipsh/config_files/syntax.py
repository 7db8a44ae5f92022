"""The syntax that mip6d.conf and radvd.conf share: text into a tree, by a grammar for lark.

What an option may hold is not its business: unknown names and odd values are read like any other, so that
all that is wrong with a file can be said at once. A text is bounded in size and in the depth of its braces.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING

from mipsh.config_files.tree import Document, Fault, Kind, Piece, Place, Statement, Value

if TYPE_CHECKING:
    from lark import Lark, Token, Tree
    from lark.exceptions import UnexpectedInput

LARGEST_BYTES = 524_288
DEEPEST = 16

GRAMMAR = r"""
file: item*
?item: include | option | block | empty
include: INCLUDE STRING
option: value+ ";"
block: value+ "{" item* "}"
empty: ";"
value: STRING | ATOM | ATOM "/" ATOM | list
list: "(" (part ("," part)*)? ")"
part: STRING | ATOM | ATOM "/" ATOM

INCLUDE.2: /include(?=[\s"])/
STRING: /"[^"\n]*"/
ATOM: /[^\s{}();,"#\/]+/
BLANK: /(\s|#[^\n]*)+/
%ignore BLANK
"""
"""What lark reads; kept tokens keep their place, and blanks are found again between them."""

NUMBER = re.compile(r"[0-9]+")
DECIMAL = re.compile(r"[0-9]+\.[0-9]+")
WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_.+-]*")
ADDRESS = re.compile(r"[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:.]*")
FORMS = {Kind.NUMBER: NUMBER, Kind.DECIMAL: DECIMAL, Kind.ADDRESS: ADDRESS, Kind.WORD: WORD}
UNPRINTABLE = re.compile(r"[^\t\n\r\x20-\x7e\x80-\U0010ffff]")
WORDS = re.compile(r'"[^"\n]*"|#[^\n]*|[;{}]|[^\s{}();,"#/]+')
MARKS = re.compile(r'"[^"\n]*"|#[^\n]*|[{}]')
BOM = "\ufeff"

ENDS_OPTION = frozenset({"SEMICOLON", "LBRACE"})
IN_WORDS = {"RPAR": "',' or ')'", "STRING": "a pattern in quotes", "ATOM": "the length of a prefix"}
"""What is said to be expected where nothing but this, and what goes on, may stand."""


def decode(data: bytes, path: str) -> str:
    """Return the text of a file's bytes; raises Fault for one that is too large, or that is not text."""
    if len(data) > LARGEST_BYTES:
        raise Fault(Place(path, 1, 1), f"the file is larger than {LARGEST_BYTES} bytes", "is it a configuration file?")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place(path, data[: error.start].decode("utf-8", "replace"))
        raise Fault(place, f"byte 0x{data[error.start]:02x} is not text in UTF-8") from error


def parse(text: str, path: str) -> Document:
    """Return the tree of a configuration file; raises Fault where the text is not well formed.

    A byte order mark at the beginning is kept as a blank: whether a daemon takes it is not the syntax's matter.
    """
    if len(text) > LARGEST_BYTES:
        raise Fault(Place(path, 1, 1), f"the file is larger than {LARGEST_BYTES} bytes", "is it a configuration file?")
    found = UNPRINTABLE.search(text)
    if found is not None:
        place = _place(path, text[: found.start()])
        raise Fault(place, f"the character U+{ord(found[0]):04X} has no place in a text", "is it a configuration file?")
    return _Reader(text, path).read()


class _Reader:
    """Runs lark over a text, and makes the tree of what it returns."""

    def __init__(self, text: str, path: str) -> None:
        self._path = path
        self._bom = BOM if text.startswith(BOM) else ""
        self._text = text[len(self._bom) :]
        self._read = 0

    def read(self) -> Document:
        """Return the tree; lark's complaints become faults."""
        from lark.exceptions import UnexpectedInput

        try:
            found = _parser().parse(self._text)
        except UnexpectedInput as error:
            raise self._fault(error) from error
        except _TooDeep as error:
            raise Fault(self._at(error.token), f"more than {DEEPEST} braces deep") from error
        statements = tuple(self._statement(item) for item in _trees(found))
        rest = self._text[self._read :]
        tail = Piece("", self._end(), self._lead(len(self._text)) if rest or not statements else "")
        return Document(self._path, statements, tail)

    def _at(self, token: "Token") -> Place:
        return Place(self._path, token.line or 1, token.column or 1)

    def _end(self) -> Place:
        return _place(self._path, self._text)

    def _lead(self, position: int) -> str:
        """Return the blanks before a position, and before everything the byte order mark."""
        lead = self._text[self._read : position]
        if self._read == 0:
            lead, self._bom = self._bom + lead, ""
        self._read = position
        return lead

    def _piece(self, token: "Token") -> Piece:
        lead = self._lead(token.start_pos or 0)
        self._read = token.end_pos or 0
        return Piece(str(token), self._at(token), lead)

    def _statement(self, item: "Tree[Token]") -> Statement:
        """Make a statement of what lark calls an include, an option, a block or an empty one."""
        if item.data == "include":
            head, pattern = (self._value([token]) for token in _tokens(item))
            return Statement(head, (pattern,), Piece("", head.place))
        if item.data == "empty":
            return Statement(None, (), self._piece(_tokens(item)[0]))
        values: list[Value] = []
        body: list[Statement] = []
        opening = None
        for child in item.children[:-1]:
            if isinstance(child, str):
                opening = self._piece(child)
            elif child.data == "value":
                values.append(self._of_tree(child))
            else:
                body.append(self._statement(child))
        end = self._piece(_tokens(item)[-1])
        inside = None if opening is None else tuple(body)
        return Statement(values[0], tuple(values[1:]), end, opening, inside)

    def _of_tree(self, found: "Tree[Token]") -> Value:
        inner = _trees(found)
        if not inner:
            return self._value(_tokens(found))
        pieces: list[Piece] = []
        items: list[Value] = []
        for child in inner[0].children:
            if isinstance(child, str):
                pieces.append(self._piece(child))
            else:
                items.append(self._value(_tokens(child)))
                pieces += items[-1].pieces
        return Value(Kind.LIST, "(", tuple(pieces), tuple(items))

    def _value(self, tokens: "list[Token]") -> Value:
        pieces = tuple(self._piece(token) for token in tokens)
        text = "".join(piece.text for piece in pieces)
        if len(pieces) > 1:
            return Value(_pair(pieces), text, pieces)
        if text.startswith('"'):
            return Value(Kind.STRING, text[1:-1], pieces)
        return Value(kind_of(text), text, pieces)

    def _fault(self, error: "UnexpectedInput") -> Fault:
        """Say what stood where what was expected."""
        from lark.exceptions import UnexpectedToken

        if not isinstance(error, UnexpectedToken):
            return Fault(Place(self._path, error.line, error.column), "this name has no closing quote")
        token, accepted = error.token, error.accepts
        expected = _expected(accepted)
        if accepted >= ENDS_OPTION:
            expected += f" behind {self._begun(token.start_pos if token.type != '$END' else None)}"
        if token.type != "$END":
            hint = "is a ';' missing before it?" if token == "}" and accepted >= ENDS_OPTION else ""
            return Fault(self._at(token), f"expected {expected}, found '{token}'", hint)
        still_open = self._open_brace()
        hint = f"the brace at line {still_open} is still open" if still_open else ""
        return Fault(self._end(), f"expected {expected}, found the end of the file", hint)

    def _begun(self, position: int | None) -> str:
        """Return the first word of the statement that is not ended before a position."""
        first = ""
        for match in WORDS.finditer(self._text, 0, len(self._text) if position is None else position):
            first = "" if match[0] in ";{}" else first or match[0]
            first = "" if first.startswith("#") else first
        return first

    def _open_brace(self) -> int:
        """Return the line of the innermost brace that nothing closes; 0 for none."""
        still: list[int] = []
        for match in MARKS.finditer(self._text):
            if match[0] == "{":
                still.append(match.start())
            elif match[0] == "}" and still:
                still.pop()
        return self._text.count("\n", 0, still[-1]) + 1 if still else 0


class _TooDeep(Exception):
    """There are too many braces inside each other."""

    def __init__(self, token: "Token") -> None:
        super().__init__(str(token))
        self.token = token


class _Depth:
    """Counts braces while lark reads."""

    always_accept = ()

    def process(self, stream: "Iterator[Token]") -> "Iterator[Token]":
        """Pass the tokens on; raises _TooDeep."""
        depth = 0
        for token in stream:
            depth += (token.type == "LBRACE") - (token.type == "RBRACE")
            if depth > DEEPEST:
                raise _TooDeep(token)
            yield token


@cache
def _parser() -> "Lark":
    """Return lark's parser of the grammar, made at its first use."""
    from lark import Lark

    return Lark(GRAMMAR, start="file", parser="lalr", lexer="contextual", keep_all_tokens=True, postlex=_Depth())


def _trees(found: "Tree[Token]") -> "list[Tree[Token]]":
    return [child for child in found.children if not isinstance(child, str)]


def _tokens(found: "Tree[Token]") -> "list[Token]":
    return [child for child in found.children if isinstance(child, str)]


def kind_of(text: str) -> Kind:
    """Return what a word without quotes looks like."""
    for kind, form in FORMS.items():
        if form.fullmatch(text):
            return kind
    return Kind.OTHER


def _pair(pieces: tuple[Piece, ...]) -> Kind:
    """Return what two words with a slash between them look like."""
    is_prefix = kind_of(pieces[0].text) is Kind.ADDRESS and kind_of(pieces[-1].text) is Kind.NUMBER
    return Kind.PREFIX if is_prefix else Kind.OTHER


def _expected(accepted: frozenset[str] | set[str]) -> str:
    """Say what could have stood there."""
    if accepted >= ENDS_OPTION:
        return "a value, ';' or '{'"
    for name, words in IN_WORDS.items():
        if name in accepted and "SEMICOLON" not in accepted:
            return words
    return "an option or '}'" if "RBRACE" in accepted else "an option"


def _place(path: str, before: str) -> Place:
    """Return the place behind a text."""
    line = before.count("\n")
    return Place(path, line + 1, len(before) - (before.rfind("\n") + 1) + 1)
