"""Text into tokens with positions: words, ``|``, ``;``, ``>``, ``>>``, comments.

Quotes are those of a POSIX shell: ``'…'`` as is, ``"…"`` with backslash, backslash outside.
``>`` is a redirection only at the beginning of a word, so that ``lifetime>300`` is one word.
``| !`` begins a shell command that reaches to the end of the line. A line feed ends a statement.
"""

from collections.abc import Sequence
from enum import StrEnum

from msgspec import Struct, structs


class TokenKind(StrEnum):
    """What a token is."""

    WORD = "word"
    PIPE = "pipe"
    SEMICOLON = "semicolon"
    REDIRECT = "redirect"
    SHELL = "shell"
    COMMENT = "comment"


class Token(Struct, frozen=True):
    """A piece of a line: ``text`` is its meaning, ``[start, end)`` where it stands.

    ``closed`` is False for a word whose quote never ends.
    """

    kind: TokenKind
    text: str
    start: int
    end: int
    quoted: bool = False
    closed: bool = True


_OPERATORS = {"|": TokenKind.PIPE, ";": TokenKind.SEMICOLON, "\n": TokenKind.SEMICOLON}
_ARGV = {**_OPERATORS, ">": TokenKind.REDIRECT, ">>": TokenKind.REDIRECT}


def tokenize(line: str) -> list[Token]:
    """Cut a line into tokens; never raises."""
    tokens: list[Token] = []
    at = 0
    while at < len(line):
        char = line[at]
        if char in " \t\r\f\v":
            at += 1
            continue
        token = _token(line, at, bool(tokens) and tokens[-1].kind is TokenKind.PIPE)
        tokens.append(token)
        at = token.end
    return tokens


def _token(line: str, at: int, after_pipe: bool) -> Token:
    char = line[at]
    if char in _OPERATORS:
        return Token(_OPERATORS[char], char, at, at + 1)
    if char == ">":
        end = at + (2 if line.startswith(">>", at) else 1)
        return Token(TokenKind.REDIRECT, line[at:end], at, end)
    if char == "#" or (char == "!" and after_pipe):
        stop = line.find("\n", at)
        end = len(line) if stop < 0 else stop
        if char == "#":
            return Token(TokenKind.COMMENT, line[at:end], at, end)
        return Token(TokenKind.SHELL, line[at + 1 : end].strip(), at, end)
    return _word(line, at)


def _word(line: str, start: int) -> Token:
    """Read one word; a quote left open reaches to the end of the line."""
    parts: list[str] = []
    quote, quoted, at = "", False, start
    while at < len(line):
        char = line[at]
        if quote and char == quote:
            quote = ""
        elif not quote and char in "'\"":
            quote, quoted = char, True
        elif char == "\\" and quote != "'" and at + 1 < len(line):
            at += 1
            parts.append(line[at] if not quote or line[at] in '"\\' else "\\" + line[at])
        elif not quote and char in " \t\r\f\v\n|;":
            break
        else:
            parts.append(char)
        at += 1
    return Token(TokenKind.WORD, "".join(parts), start, at, quoted, not quote)


def tokens_of_argv(words: Sequence[str]) -> list[Token]:
    """Make tokens of words that a shell has already cut; an operator must be a word of its own."""
    tokens: list[Token] = []
    for index, word in enumerate(words):
        if word.startswith("!") and tokens and tokens[-1].kind is TokenKind.PIPE:
            rest = " ".join((word[1:], *words[index + 1 :])).strip()
            tokens.append(Token(TokenKind.SHELL, rest, 0, 0))
            break
        tokens.append(Token(_ARGV.get(word, TokenKind.WORD), word, 0, 0))
    return laid_out(tokens)[1]


def laid_out(tokens: Sequence[Token]) -> tuple[str, list[Token]]:
    """Write tokens as a line that reads as they do; return it, and the tokens at their places in it."""
    spelled: list[str] = []
    placed: list[Token] = []
    at = 0
    for token in tokens:
        spelled.append(_spelled(token))
        end = at + len(spelled[-1])
        placed.append(structs.replace(token, start=at, end=end))
        at = end + 1
    return " ".join(spelled), placed


def _spelled(token: Token) -> str:
    if token.kind is TokenKind.SHELL:
        return f"!{token.text}"
    if token.kind is not TokenKind.WORD or (token.text == "?" and not token.quoted):
        return token.text
    return quote(token.text)


def quote(word: str) -> str:
    """Return a word so that ``tokenize`` reads it back as that one word."""
    safe = word and not any(c in " \t\r\f\v\n|;'\"\\#" for c in word) and word[0] not in ">!?"
    if safe:
        return word
    return "'" + word.replace("'", "'\\''") + "'"
