"""A whole line into statements: commands, their pipes, their redirection.

One function, ``parse``, serves the REPL, ``-c``, scripts and argv; completion and colouring use
the same reading (``complete=False`` leaves the end open, as a cursor does).
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct

from mipsh.grammar.declare import Call, Command, Fault, Takes
from mipsh.grammar.phrases import Phrases, nearest, resolve
from mipsh.grammar.tokens import Token, TokenKind, quote, tokenize
from mipsh.grammar.words import Expect, Mark, Role, Words, read_words

ALIAS_DEPTH = 8
STAGES = {
    "include": Expect(Takes.WORD, "RE", "only rows in which a regular expression is found", (), True),
    "exclude": Expect(Takes.WORD, "RE", "only rows in which it is not found", (), True),
    "first": Expect(Takes.INTEGER, "N", "only the first N rows", (), True),
    "last": Expect(Takes.INTEGER, "N", "only the last N rows", (), True),
    "count": Expect(Takes.WORD, "", "the number of rows"),
}


class Catalogue(Protocol):
    """Where the grammar learns which commands there are."""

    def phrases(self) -> Phrases:
        """Return the phrases of the built-in commands."""

    def plugin_phrases(self) -> Phrases:
        """Return the phrases of commands from plugins; asked only when a word is not built in."""

    def command(self, name: str) -> Command:
        """Return a command's declaration."""


class Stage(Struct, frozen=True):
    """A stage of a pipe: its name and its argument (``!``: the shell command)."""

    name: str
    argument: str = ""


class Statement(Struct):
    """One command with what its result goes through.

    ``help_words`` is set when ``?`` or ``--help`` asked for help instead of running it.
    """

    call: Call | None = None
    stages: list[Stage] = []
    redirect: str = ""
    append: bool = False
    text: str = ""
    help_words: tuple[str, ...] | None = None


class Parsed(Struct):
    """A line as it was understood.

    ``expects``, ``words`` and ``next_words`` say what could stand at its end.
    """

    statements: list[Statement]
    faults: list[Fault]
    marks: list[Mark]
    expects: list[Expect]
    words: Words | None = None
    next_words: tuple[str, ...] = ()


def parse(
    source: str | Sequence[Token],
    catalogue: Catalogue,
    aliases: Mapping[str, str] | None = None,
    complete: bool = True,
) -> Parsed:
    """Understand a line, given as text or as tokens; faults are values, nothing raises."""
    tokens = tokenize(source) if isinstance(source, str) else list(source)
    text = source if isinstance(source, str) else " ".join(t.text for t in tokens)
    return _Reader(catalogue, aliases or {}, complete, text).read(tokens)


def split(tokens: Sequence[Token], kind: TokenKind) -> list[list[Token]]:
    """Cut tokens at every token of a kind."""
    parts: list[list[Token]] = [[]]
    for token in tokens:
        if token.kind is kind:
            parts.append([])
        else:
            parts[-1].append(token)
    return parts


class _Reader:
    """Reads one line; its attributes are the result as it grows."""

    def __init__(self, catalogue: Catalogue, aliases: Mapping[str, str], complete: bool, text: str) -> None:
        self.catalogue = catalogue
        self.aliases = aliases
        self.complete = complete
        self.text = text
        self.result = Parsed([], [], [], [])

    def read(self, tokens: Sequence[Token]) -> Parsed:
        result = self.result
        for token in tokens:
            if token.kind is TokenKind.COMMENT:
                result.marks.append(Mark(Role.COMMENT, token.start, token.end))
            elif token.kind is not TokenKind.WORD:
                result.marks.append(Mark(Role.OPERATOR, token.start, token.end))
            elif not token.closed and self.complete:
                self.fault("the quote never ends", "close it", token)
        live = [t for t in tokens if t.kind is not TokenKind.COMMENT]
        pieces = split(live, TokenKind.SEMICOLON)
        for index, piece in enumerate(pieces):
            last = index == len(pieces) - 1
            if piece or (last and not self.complete):
                for part in split(self.expand(piece), TokenKind.SEMICOLON):
                    self.read_statement(part, last)
        result.marks.sort(key=lambda mark: (mark.start, mark.end))
        result.marks.extend(Mark(Role.FAULT, f.start, f.end) for f in result.faults if f.end > f.start)
        return result

    def fault(self, message: str, hint: str, token: Token) -> None:
        self.result.faults.append(Fault(message, hint, token.start, token.end))

    def expand(self, tokens: list[Token]) -> list[Token]:
        """Replace an alias at the beginning by its text; ``$1`` to ``$9`` and ``$*`` are words after it."""
        for _ in range(ALIAS_DEPTH):
            if len(tokens) < 1 or tokens[0].quoted or tokens[0].text not in self.aliases:
                return tokens
            if len(tokens) == 1 and not self.complete:
                return tokens
            first, rest = tokens[0], tokens[1:]
            words_end = next((i for i, t in enumerate(rest) if t.kind is not TokenKind.WORD), len(rest))
            text, used = substitute(self.aliases[first.text], [t.text for t in rest[:words_end]])
            body = [Token(t.kind, t.text, first.start, first.end, t.quoted) for t in tokenize(text)]
            if body and body[0].text == first.text:
                return body + (rest[words_end:] if used else rest)
            tokens = body + (rest[words_end:] if used else rest)
        self.fault(f"the alias '{tokens[0].text}' leads back to itself", "see 'alias'", tokens[0])
        return []

    def read_statement(self, tokens: list[Token], last: bool) -> None:
        statement = Statement()
        segments = split(tokens, TokenKind.PIPE)
        if tokens:
            statement.text = self.text[tokens[0].start : tokens[-1].end]
        segments[-1] = self.read_redirect(segments[-1], statement)
        open_end = last and not self.complete
        self.result.expects, self.result.words, self.result.next_words = [], None, ()
        if segments[0] or open_end or len(segments) > 1:
            self.read_command(segments[0], statement, open_end and len(segments) == 1)
        for index, segment in enumerate(segments[1:], 1):
            self.read_stage(segment, statement, open_end and index == len(segments) - 1)
        if statement.call is not None or statement.help_words is not None:
            self.result.statements.append(statement)

    def read_redirect(self, tokens: list[Token], statement: Statement) -> list[Token]:
        at = next((i for i, t in enumerate(tokens) if t.kind is TokenKind.REDIRECT), None)
        if at is None:
            return tokens
        names = tokens[at + 1 :]
        statement.append = tokens[at].text == ">>"
        if len(names) == 1 and names[0].kind is TokenKind.WORD:
            statement.redirect = names[0].text
            self.result.marks.append(Mark(Role.VALUE, names[0].start, names[0].end))
        elif names or self.complete:
            self.fault(f"'{tokens[at].text}' needs one file name at the end", "write > FILE", tokens[at])
        return tokens[:at]

    def read_command(self, tokens: list[Token], statement: Statement, open_end: bool) -> None:
        words = [t.text for t in tokens]
        found = resolve(words, self.catalogue.phrases())
        if not found.name and not found.ambiguous and found.used == 0 and words:
            found = resolve(words, self.catalogue.plugin_phrases())
        if open_end and (not words or (found.used == len(words) and not found.name)):
            self.result.next_words = found.next_words
            return
        if words and words[-1] == "?" and not tokens[-1].quoted and (found.used != 1 or len(words) > 1):
            statement.help_words = tuple(words[:-1])
            self.mark_command(tokens[:-1], found.used)
            return
        if not found.name:
            self.unknown(tokens, found.used, found.ambiguous, found.next_words)
            return
        self.mark_command(tokens, found.used)
        self.read_call(self.catalogue.command(found.name), tokens[found.used :], statement, open_end)
        if open_end and found.used == len(words):
            self.result.next_words = found.next_words

    def mark_command(self, tokens: list[Token], used: int) -> None:
        self.result.marks.extend(Mark(Role.COMMAND, t.start, t.end) for t in tokens[:used])

    def read_call(self, command: Command, tokens: list[Token], statement: Statement, open_end: bool) -> None:
        words = read_words(command, tokens, not open_end)
        self.result.marks.extend(words.marks)
        self.result.faults.extend(words.faults)
        self.result.words, self.result.expects = words, words.expects()
        name = command.arguments[words.position - 1].name if words.rest is not None else ""
        if words.rest is not None and command.arguments[words.position - 1].takes is Takes.CALL:
            inner = Statement()
            self.read_command(words.rest, inner, open_end)
            if inner.help_words is not None:
                statement.help_words = inner.help_words
            words.values[name] = inner.call
            if inner.call is not None:
                words.common = {**inner.call.common, **words.common}
        elif words.rest is not None:
            self.result.marks.extend(Mark(Role.VALUE, t.start, t.end) for t in words.rest)
            words.values[name] = [t.text for t in words.rest]
        if words.common.get("help"):
            statement.help_words = tuple(command.name.split())
        statement.call = Call(command, words.values, words.common, statement.text)

    def unknown(self, tokens: list[Token], used: int, ambiguous: Sequence[str], next_words: Sequence[str]) -> None:
        if not tokens:
            self.result.faults.append(Fault("a command is missing before the pipe", "write one", 0, 0))
            return
        if ambiguous:
            token = tokens[used]
            self.fault(f"'{token.text}' may be {', '.join(ambiguous)}", "type more of it", token)
            return
        if used == len(tokens):
            hint = f"go on with {', '.join(next_words)}"
            self.fault(f"'{' '.join(t.text for t in tokens)}' is not complete", hint, tokens[-1])
            return
        token = tokens[used]
        choices = next_words if used else [p[0] for p in self.catalogue.phrases()]
        if not used:
            choices = [*choices, *(p[0] for p in self.catalogue.plugin_phrases()), *self.aliases]
        near = nearest(token.text, set(choices))
        before = " ".join(t.text for t in tokens[:used])
        what = f"'{token.text}' does not go on '{before}'" if used else f"'{token.text}' is not a command"
        self.fault(what, f"did you mean {' or '.join(near)}?" if near else "type 'help'", token)

    def read_stage(self, tokens: list[Token], statement: Statement, open_end: bool) -> None:
        self.result.expects, self.result.words, self.result.next_words = [], None, ()
        if not tokens:
            if open_end:
                self.result.next_words = tuple(STAGES)
            else:
                end = len(self.text)
                self.result.faults.append(Fault("nothing stands behind the pipe", _STAGE_HINT, end, end))
            return
        first = tokens[0]
        if first.kind is TokenKind.SHELL:
            statement.stages.append(Stage("!", first.text))
            return
        names = [first.text] if first.text in STAGES else [n for n in STAGES if n.startswith(first.text)]
        if len(names) != 1:
            self.fault(f"'{first.text}' is not a filter", _STAGE_HINT, first)
            return
        self.result.marks.append(Mark(Role.STAGE, first.start, first.end))
        self.read_stage_argument(names[0], tokens, statement, open_end)

    def read_stage_argument(self, name: str, tokens: list[Token], statement: Statement, open_end: bool) -> None:
        expect = STAGES[name]
        argument = " ".join(t.text for t in tokens[1:])
        if expect.required and not argument:
            if open_end:
                self.result.expects = [expect]
            else:
                self.fault(f"{name} needs {expect.name}: {expect.meaning}", f"write {name} {expect.name}", tokens[0])
            return
        if expect.takes is Takes.INTEGER and not argument.isdecimal():
            self.fault(f"{name} takes a number of rows, not '{argument}'", f"write {name} 5", tokens[-1])
            return
        if argument and not expect.required:
            self.fault(f"{name} takes nothing", f"write only {name}", tokens[1])
            return
        self.result.marks.extend(Mark(Role.VALUE, t.start, t.end) for t in tokens[1:])
        statement.stages.append(Stage(name, argument))


_STAGE_HINT = "write include RE, exclude RE, count, first N, last N, or !SHELL-COMMAND"


def substitute(text: str, words: Sequence[str]) -> tuple[str, bool]:
    """Put words into an alias's ``$1`` to ``$9`` and ``$*``; tell whether it had any of them."""
    used = False
    for index in range(9, 0, -1):
        mark = f"${index}"
        if mark in text:
            used = True
            text = text.replace(mark, quote(words[index - 1]) if index <= len(words) else "")
    if "$*" in text:
        used = True
        text = text.replace("$*", " ".join(quote(w) for w in words))
    return text, used
