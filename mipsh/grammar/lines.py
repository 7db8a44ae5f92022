"""A whole line into statements: commands, their pipes, their redirection.

One function, ``parse``, serves the REPL, ``-c``, scripts and argv; completion and colouring use
the same reading (``complete=False`` leaves the end open, as a cursor does).
"""

import re
from collections.abc import Mapping, Sequence
from typing import Protocol

from msgspec import Struct, structs

from mipsh.errors import MipshError
from mipsh.grammar.declare import Call, Command, Fault, Takes
from mipsh.grammar.phrases import Found, Phrases, nearest, resolve
from mipsh.grammar.tokens import Token, TokenKind, laid_out, quote, tokenize
from mipsh.grammar.words import Expect, Mark, Role, Words, read_words

ALIAS_DEPTH = 8
ALIASES_A_LINE = 1000
CALL_DEPTH = 8
DIGITS = 9
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
        """Return a command's declaration; raises MipshError for one that cannot be used."""


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
    text, tokens = (source, tokenize(source)) if isinstance(source, str) else laid_out(source)
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
        self.expanded: list[Token] = []
        self.result = Parsed([], [], [], [])

    def read(self, tokens: Sequence[Token]) -> Parsed:
        for token in tokens:
            if token.kind is TokenKind.COMMENT:
                self.mark(Role.COMMENT, [token])
            elif token.kind is not TokenKind.WORD:
                self.mark(Role.OPERATOR, [token])
            elif not token.closed and self.complete:
                self.fault("the quote never ends", "close it", token)
        pieces = split(_live(tokens), TokenKind.SEMICOLON)
        for index, piece in enumerate(pieces):
            open_end = index == len(pieces) - 1 and not self.complete
            if piece or open_end:
                self.read_piece(piece, open_end)
        self.finish_marks()
        return self.result

    def read_piece(self, tokens: list[Token], open_end: bool) -> None:
        """Read what stands between two semicolons; an alias may make several statements of it."""
        typed = self.text[tokens[0].start : tokens[-1].end] if tokens else ""
        parts = self.expand(tokens)
        self.expect_nothing()
        for index, part in enumerate(parts):
            self.read_statement(part, typed, open_end and index == len(parts) - 1)

    def expect_nothing(self) -> None:
        self.result.expects, self.result.words, self.result.next_words = [], None, ()

    def finish_marks(self) -> None:
        """Order the marks; an expanded alias is marked as one command, whatever stands in it."""
        aliases = {(t.start, t.end) for t in self.expanded}
        marks = [m for m in self.result.marks if (m.start, m.end) not in aliases]
        marks += [Mark(Role.COMMAND, *place) for place in aliases]
        marks.sort(key=lambda mark: (mark.start, mark.end))
        marks += [Mark(Role.FAULT, f.start, f.end) for f in self.result.faults if f.end > f.start]
        self.result.marks = marks

    def mark(self, role: Role, tokens: Sequence[Token]) -> None:
        self.result.marks.extend(Mark(role, t.start, t.end) for t in tokens)

    def fault(self, message: str, hint: str, token: Token) -> None:
        self.result.faults.append(Fault(message, hint, token.start, token.end))

    def expand(self, tokens: list[Token], within: tuple[str, ...] = ()) -> list[list[Token]]:
        """Replace an alias at the beginning by its line, and the aliases at the beginnings in that.

        ``within`` names the aliases that are being replaced: directly in itself, a name means the
        command. Returns the statements.
        """
        if not tokens or tokens[0].kind is not TokenKind.WORD or tokens[0].quoted:
            return [tokens]
        first, name = tokens[0], tokens[0].text
        if name not in self.aliases or name in within[-1:]:
            return [tokens]
        if name in within or len(within) == ALIAS_DEPTH or len(self.expanded) == ALIASES_A_LINE:
            message = f"the alias '{name}' leads back to itself, or on to too many others"
            self.fault(message, "'alias' shows what it stands for", first)
            return []
        self.expanded.append(first)
        line = self.alias_line(first, tokens[1:])
        return [
            whole for part in split(line, TokenKind.SEMICOLON) if part for whole in self.expand(part, (*within, name))
        ]

    def alias_line(self, first: Token, rest: list[Token]) -> list[Token]:
        """Return the tokens of an alias's line, all of them where the alias stands, and what is left behind it."""
        words_end = next((i for i, t in enumerate(rest) if t.kind is not TokenKind.WORD), len(rest))
        text, used = substitute(self.aliases[first.text], [t.text for t in rest[:words_end]])
        body = [structs.replace(t, start=first.start, end=first.end) for t in _live(tokenize(text))]
        if not all(t.closed for t in body) and self.complete:
            self.fault(f"in the alias '{first.text}' a quote never ends", "close it", first)
        return body + (rest[words_end:] if used else rest)

    def read_statement(self, tokens: list[Token], typed: str, open_end: bool) -> None:
        statement = Statement(text=typed)
        self.expect_nothing()
        pipes = [t for t in tokens if t.kind is TokenKind.PIPE]
        redirected = any(t.kind is TokenKind.REDIRECT for t in tokens)
        open_end = open_end and not redirected
        segments = [
            self.read_redirect(segment, statement, index == len(pipes))
            for index, segment in enumerate(split(tokens, TokenKind.PIPE))
        ]
        if segments[0] or (open_end and not pipes):
            self.read_command(segments[0], statement, open_end and not pipes)
        else:
            self.fault(f"a command is missing before '{tokens[0].text}'", "write one", tokens[0])
        for pipe, segment in zip(pipes, segments[1:], strict=True):
            self.read_stage(pipe, segment, statement, open_end and pipe is pipes[-1])
        if redirected:
            self.expect_nothing()
        if statement.call is not None or statement.help_words is not None:
            self.result.statements.append(statement)

    def read_redirect(self, tokens: list[Token], statement: Statement, last: bool) -> list[Token]:
        """Read a redirection at the end of a segment; return the tokens before it."""
        at = next((i for i, t in enumerate(tokens) if t.kind is TokenKind.REDIRECT), None)
        if at is None:
            return tokens
        operator, names = tokens[at], tokens[at + 1 :]
        if not last:
            self.fault(f"'{operator.text}' stands before a pipe", "write > FILE at the end", operator)
        elif len(names) == 1 and names[0].kind is TokenKind.WORD and names[0].text:
            statement.redirect, statement.append = names[0].text, operator.text == ">>"
            self.mark(Role.VALUE, names)
        elif names or self.complete:
            self.fault(f"'{operator.text}' needs one file name at the end", "write > FILE", operator)
        return tokens[:at]

    def find(self, words: Sequence[str]) -> Found:
        """Find the command that words begin with; plugins are asked where the built-in ones do not know."""
        found = resolve(words, self.catalogue.phrases())
        if found.name or found.ambiguous or found.used == len(words):
            return found
        brought = resolve(words, self.catalogue.plugin_phrases())
        return brought if brought.name or brought.used > found.used else found

    def read_command(self, tokens: list[Token], statement: Statement, open_end: bool, depth: int = 0) -> None:
        words = [t.text for t in tokens]
        found = self.find(words)
        if open_end and (not words or (found.used == len(words) and not found.name)):
            self.mark(Role.COMMAND, tokens)
            self.result.next_words = found.next_words
            return
        if words[-1] == "?" and not tokens[-1].quoted and (found.used != 1 or len(words) > 1):
            statement.help_words = tuple(words[:-1])
            self.mark(Role.COMMAND, tokens[: min(found.used, len(words) - 1)])
            return
        if not found.name:
            self.unknown(tokens, found)
            return
        self.mark(Role.COMMAND, tokens[: found.used])
        if open_end and found.used == len(words):
            self.result.next_words = found.next_words
        try:
            command = self.catalogue.command(found.name)
        except MipshError as error:
            fault = Fault(error.message, error.hint, tokens[0].start, tokens[found.used - 1].end, error)
            self.result.faults.append(fault)
            return
        read = read_words(command, tokens[found.used :], not open_end, tokens[found.used - 1].end)
        self.read_call(read, statement, open_end, depth)

    def read_call(self, words: Words, statement: Statement, open_end: bool, depth: int) -> None:
        """Make a call of the words that were read; a call may stand in it."""
        self.result.marks.extend(words.marks)
        self.result.faults.extend(words.faults)
        self.result.words, self.result.expects = words, words.expects()
        common, rest = words.common, words.rest or []
        taker = words.command.arguments[words.position - 1] if rest else None
        if taker is None:
            if open_end and any(expect.takes is Takes.CALL for expect in self.result.expects):
                self.result.next_words += resolve((), self.catalogue.phrases()).next_words
        elif taker.takes is Takes.CALL:
            inner = self.read_inner(rest, open_end, depth + 1)
            statement.help_words = inner.help_words
            words.values[taker.name] = inner.call
            common = _both(common, inner.call.common) if inner.call is not None else common
        else:
            self.mark(Role.VALUE, rest)
            words.values[taker.name] = [t.text for t in rest]
        if words.common.get("help"):
            statement.help_words = tuple(words.command.name.split())
        statement.call = Call(words.command, words.values, common, statement.text)

    def read_inner(self, tokens: list[Token], open_end: bool, depth: int) -> Statement:
        """Read the command that a command takes, and runs."""
        inner = Statement(text=self.text[tokens[0].start : tokens[-1].end])
        parts = self.expand(tokens)
        if depth > CALL_DEPTH:
            self.fault("too many commands stand within each other", "write one of them", tokens[0])
        elif len(parts) == 1 and parts[0] and all(t.kind is TokenKind.WORD for t in parts[0]):
            self.read_command(parts[0], inner, open_end, depth)
        elif parts:
            self.fault(f"the alias '{tokens[0].text}' is more than one command", "write one", tokens[0])
        return inner

    def unknown(self, tokens: list[Token], found: Found) -> None:
        used = found.used
        if found.ambiguous:
            token = tokens[used]
            self.fault(f"'{token.text}' may be {', '.join(found.ambiguous)}", "type more of it", token)
            return
        before = " ".join(t.text for t in tokens[:used])
        if used == len(tokens):
            self.fault(f"'{before}' is not complete", f"go on with {', '.join(found.next_words)}", tokens[-1])
            return
        token = tokens[used]
        choices = set(found.next_words)
        if not used:
            choices |= {p[0] for p in (*self.catalogue.phrases(), *self.catalogue.plugin_phrases())} | {*self.aliases}
        near = nearest(token.text, choices)
        what = f"'{token.text}' does not go on '{before}'" if used else f"'{token.text}' is not a command"
        self.fault(what, f"did you mean {' or '.join(near)}?" if near else "type 'help'", token)

    def read_stage(self, pipe: Token, tokens: list[Token], statement: Statement, open_end: bool) -> None:
        self.expect_nothing()
        if not tokens:
            if open_end:
                self.result.next_words = tuple(STAGES)
            else:
                self.fault("nothing stands behind the pipe", _STAGE_HINT, pipe)
            return
        first = tokens[0]
        if statement.stages and statement.stages[-1].name == "!":
            self.fault("nothing can stand behind a shell command", "write filters before it", first)
            return
        if first.kind is TokenKind.SHELL:
            self.read_shell(tokens, statement)
            return
        names = [first.text] if first.text in STAGES else [n for n in STAGES if n.startswith(first.text)]
        if len(names) != 1:
            self.fault(f"'{first.text}' is not a filter", _STAGE_HINT, first)
            return
        self.mark(Role.STAGE, [first])
        self.read_stage_argument(names[0], tokens, statement, open_end)

    def read_shell(self, tokens: list[Token], statement: Statement) -> None:
        """Read a shell command; words behind it can only be those behind an alias."""
        if not tokens[0].text and self.complete:
            self.fault("a shell command is missing behind '!'", _STAGE_HINT, tokens[0])
            return
        words = [tokens[0].text, *(quote(t.text) for t in tokens[1:])]
        statement.stages.append(Stage("!", " ".join(words)))

    def read_stage_argument(self, name: str, tokens: list[Token], statement: Statement, open_end: bool) -> None:
        expect = STAGES[name]
        argument = " ".join(t.text for t in tokens[1:])
        if expect.required and not argument:
            if open_end:
                self.result.expects = [expect]
            else:
                self.fault(f"{name} needs {expect.name}: {expect.meaning}", f"write {name} {expect.name}", tokens[0])
            return
        if expect.takes is Takes.INTEGER and not _is_count(argument):
            self.fault(f"{name} takes a number of rows, not '{argument}'", f"write {name} 5", tokens[-1])
            return
        if argument and not expect.required:
            self.fault(f"{name} takes nothing", f"write only {name}", tokens[1])
            return
        self.mark(Role.VALUE, tokens[1:])
        statement.stages.append(Stage(name, argument))


def _live(tokens: Sequence[Token]) -> list[Token]:
    return [t for t in tokens if t.kind is not TokenKind.COMMENT]


def _is_count(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= DIGITS


def _both(outer: Mapping[str, object], inner: Mapping[str, object]) -> dict[str, object]:
    """Return the options of a call and of the one in it: all the values of a list, else the last one."""
    both = {**outer, **inner}
    for name in outer.keys() & inner.keys():
        first, second = outer[name], inner[name]
        if isinstance(first, list) and isinstance(second, list):
            both[name] = first + second
    return both


_PLACE = re.compile(r"\$[1-9*]")
_STAGE_HINT = "write include RE, exclude RE, count, first N, last N, or !SHELL-COMMAND"


def substitute(text: str, words: Sequence[str]) -> tuple[str, bool]:
    """Put words into a line's ``$1`` to ``$9`` and ``$*``; tell whether it had any of them.

    As in a POSIX shell: nothing is put within single quotes or behind a backslash. Whatever a
    word holds, it stays one word; one that is not there is empty.
    """
    pieces: list[str] = []
    used, within, at = False, "", 0
    while at < len(text):
        char, length = text[at], 1
        if within != "'" and _PLACE.match(text, at):
            used = True
            pieces.append(_put(text[at + 1], words, within))
            at += 2
            continue
        if char == "\\" and within != "'":
            length = 2
        elif char in "'\"" and within in ("", char):
            within = "" if within else char
        pieces.append(text[at : at + length])
        at += length
    return "".join(pieces), used


def _put(place: str, words: Sequence[str], within: str) -> str:
    chosen = words if place == "*" else words[int(place) - 1 : int(place)]
    if within:
        return " ".join(chosen).replace("\\", "\\\\").replace('"', '\\"')
    return " ".join(quote(word) for word in chosen)
