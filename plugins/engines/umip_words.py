"""Reads the entries that an engine prints, word by word, by clauses written as it prints them.

A clause is the engine's own text with ``{field:kind}`` where a value stands. Words that no
clause matches are kept as ``extra``. A value that its kind cannot read leaves the field
unknown and is kept as ``extra`` too, under the word before it, and so is a second, different
value for a field. A line without a clause is an entry's own only if it is all pairs of a word
and a value (as forks add them); otherwise it is unread. The lines of an entry that cannot be
told from its text (no home address, say) are all unread.

Only space and tab separate words: any other character is part of one, so none disappears.
Nothing here raises, whatever the text, and no line costs more than its length.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from socket import AF_INET6, inet_ntop, inet_pton
from typing import Any, Generic, NamedTuple, TypeVar

Row = TypeVar("Row")
Reader = Callable[[str], tuple[Any, str]]
"""Makes a value of what was said; the second is what of it must be kept in ``extra``."""

BU_FLAGS = "AHLKR"
PREFIX_FLAGS = "OAR"

_INTEGER = re.compile(r"-?[0-9]{1,20}")
_INTEGERS = range(-(1 << 63), 1 << 64)
_ADDRESS_LIKE = re.compile(r"[0-9A-Fa-f]*:|[0-9]+(?:\.[0-9]+){3}")
_INDEX = re.compile(r"\([0-9]+\)")
_WORD = re.compile(r"([^ \t]*)[ \t]*")
_NAME_LIKE = re.compile(r"[A-Za-z_][^ \t]*")
_VALUE_LIKE = re.compile(r"[^ \t]*[0-9][^\n]*|-|\?|\([^\n]*\)")
_SLOT = re.compile(r"\{(\w+):(\w+)\}")
_LETTERS = re.compile(r"[A-Za-z][A-Za-z -]*[A-Za-z]|[A-Za-z]")


def rfc5952(said: str) -> str | None:
    """Return an IPv6 address in RFC 5952 form, or None for anything else."""
    try:
        return inet_ntop(AF_INET6, inet_pton(AF_INET6, said))
    except (OSError, ValueError):
        return None


def is_address_like(said: str) -> bool:
    """Tell an address, whole or cut, of either family and with or without a length, from a word."""
    return bool(_ADDRESS_LIKE.match(said))


def number(said: str) -> tuple[int | None, str]:
    """Read an integer of at most 64 bits; ``-`` is unknown."""
    if said == "-":
        return None, ""
    if _INTEGER.fullmatch(said) and (value := int(said)) in _INTEGERS:
        return value, ""
    return None, said


def address(said: str) -> tuple[str, str]:
    """Read an address; what is not an IPv6 address stays as said."""
    return rfc5952(said) or said, ""


def prefix(said: str) -> tuple[str, str]:
    """Read ``address/length``; what is not a prefix stays as said."""
    start, _, length = said.partition("/")
    base, bits = rfc5952(start), number(length)[0]
    if base is None or bits not in range(129):
        return said, ""
    return f"{base}/{bits}", ""


def prefixes(said: str) -> tuple[list[str], str]:
    """Read one of several prefixes, each printed on a line of its own."""
    return [prefix(said)[0]], ""


def interface(said: str) -> tuple[str | None, str]:
    """Read an interface name; ``(0)`` is none, another ``(index)`` is one that has no name."""
    if _INDEX.fullmatch(said):
        return None, "" if said == "(0)" else said
    return said, ""


def word(said: str) -> tuple[str, str]:
    """Read a state word: lower case, without parentheses."""
    return said.lower().removeprefix("(").removesuffix(")"), ""


def one_of(known: Mapping[str, str | None]) -> Reader:
    """Read a word of a closed list; the list gives its value."""

    def read(said: str) -> tuple[str | None, str]:
        return (known[said], "") if said in known else (None, said)

    return read


def letters(known: str) -> Reader:
    """Read a word of flag letters, ``-`` for one that is not set, in the order of ``known``."""

    def read(said: str) -> tuple[tuple[str, ...], str]:
        flags = tuple(flag for flag in known if flag in said)
        return flags, "" if set(said) <= {*known, "-"} else said

    return read


class Kind(NamedTuple):
    """A kind of value: the pattern of its text, and its reader."""

    pattern: str
    read: Reader


KINDS = {
    "number": Kind(r"[^ \t(,/]+|\([a-z]+\)", number),
    "address": Kind(r"[^ \t]+", address),
    "prefix": Kind(r"[^ \t]+", prefix),
    "prefixes": Kind(r"[^ \t]+", prefixes),
    "interface": Kind(r"[^ \t]+", interface),
    "word": Kind(r"[^ \t]+", word),
    "bu_flags": Kind(r"[^ \t]+", letters(BU_FLAGS)),
    "prefix_flags": Kind(r"[^ \t]+", letters(PREFIX_FLAGS)),
}
"""The kinds that every table uses; a table may add its own."""


class _Slot(NamedTuple):
    field: str
    read: Reader
    key: str


class Clause(NamedTuple):
    """A compiled clause: its pattern, and for each group the field, reader and ``extra`` key."""

    pattern: re.Pattern[str]
    slots: tuple[_Slot, ...]


Clauses = dict[str, list[Clause]]
"""Clauses by their first word; those that begin with a value are under the empty word."""


def clauses(*templates: str, kinds: dict[str, Kind] = KINDS) -> Clauses:
    """Compile clauses; of those with the same first word the earlier is tried first."""
    compiled: Clauses = {}
    for template in templates:
        first = _SLOT.split(template)[0].split(" ")[0]
        compiled.setdefault(first, []).append(_compile(template, kinds))
    return compiled


def _compile(template: str, kinds: dict[str, Kind]) -> Clause:
    literal, *rest = _SLOT.split(template)
    pattern, slots, spoken = _literal(literal), [], _LETTERS.findall(literal)
    key = spoken[-1] if spoken else ""
    for name, kind, after in zip(rest[::3], rest[1::3], rest[2::3], strict=True):
        slots.append(_Slot(name, kinds[kind].read, key or name))
        pattern += f"({kinds[kind].pattern}){_literal(after)}"
        spoken = _LETTERS.findall(after)
        key = spoken[-1] if spoken else key
    return Clause(re.compile(pattern + r"(?:[ \t]+|\Z)"), tuple(slots))


def _literal(text: str) -> str:
    return r"[ \t]+".join(re.escape(part) for part in re.split(r" +", text))


@dataclass(slots=True)
class Draft:
    """An entry while its lines are read: its values, and what must not be lost."""

    line: int
    values: dict[str, Any] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)
    unread: list[str] = field(default_factory=list)
    kept: dict[str, list[str]] = field(default_factory=dict)

    def put(self, slot: _Slot, said: str) -> None:
        """Read a value into its field; what cannot go there is kept."""
        value, keep = slot.read(said)
        if keep:
            self.keep(slot.key, keep)
        if value is None:
            return
        if isinstance(value, list):
            self.values.setdefault(slot.field, []).extend(value)
        elif self.values.setdefault(slot.field, value) != value:
            self.keep(slot.key, said)

    def keep(self, key: str, said: str) -> None:
        """Keep words in ``extra``."""
        self.kept.setdefault(key, []).append(said)

    def take(self, name: str) -> Any:
        """Remove a value and return it; None when there is none."""
        return self.values.pop(name, None)

    def extra(self) -> dict[str, str]:
        """Return the kept words, those under one key joined."""
        return {key: " ".join(filter(None, said)) for key, said in self.kept.items()}


@dataclass(frozen=True)
class Layout(Generic[Row]):
    """How a table is printed.

    ``begins(line, draft)`` tells whether a line begins another entry than ``draft``; it is
    read with the clauses ``head``, the others with ``body``. ``finish`` makes the record, or
    returns None where the entry lacks what tells it from others.
    """

    begins: Callable[[str, Draft | None], bool]
    head: Clauses
    body: Clauses
    finish: Callable[[Draft], Row | None]


def read_entries(text: str, layout: Layout[Row], first_line: int = 1) -> tuple[list[Row], list[str]]:
    """Return the records of a text and the lines of it that could not be read."""
    rows: list[Row] = []
    unread: list[str] = []
    draft: Draft | None = None
    for at, line in enumerate(text.split("\n"), first_line):
        if not line.strip(" \t"):
            continue
        known = layout.body
        if layout.begins(line, draft):
            _close(draft, layout, rows, unread)
            draft, known = Draft(at), layout.head
        if draft is None:
            unread.append(line)
            continue
        draft.lines.append(line)
        if not _read_line(line, known, draft):
            draft.unread.append(line)
    _close(draft, layout, rows, unread)
    return rows, unread


def _close(draft: Draft | None, layout: Layout[Row], rows: list[Row], unread: list[str]) -> None:
    if draft is None:
        return
    row = layout.finish(draft)
    if row is None:
        unread += draft.lines
    else:
        rows.append(row)
        unread += draft.unread


def _read_line(line: str, known: Clauses, draft: Draft) -> bool:
    pairs: list[tuple[str, str]] = []
    understood = False
    at = len(line) - len(line.lstrip(" \t"))
    while at < len(line):
        if found := _clause_at(line, at, known):
            understood = True
            clause, match = found
            for slot, said in zip(clause.slots, match.groups(), strict=True):
                draft.put(slot, said)
            at = match.end()
        else:
            key, said, at = _pair_at(line, at, known)
            pairs.append((key, said))
    if not (understood or all(_NAME_LIKE.match(key) and _VALUE_LIKE.match(said) for key, said in pairs)):
        return False
    for key, said in pairs:
        draft.keep(key, said)
    return True


def _clause_at(line: str, at: int, known: Clauses) -> tuple[Clause, re.Match[str]] | None:
    candidates = known.get(_word_at(line, at)[0], [])
    if at == 0 and not candidates:
        candidates = known.get("", [])
    for clause in candidates:
        if match := clause.pattern.match(line, at):
            return clause, match
    return None


def _pair_at(line: str, at: int, known: Clauses) -> tuple[str, str, int]:
    """Return an unknown word, the words that belong to it (``N`` or ``N / M``), and where they end."""
    key, at = _word_at(line, at)
    said: list[str] = []
    while at < len(line) and not _clause_at(line, at, known):
        following, end = _word_at(line, at)
        if said and following != "/" and said[-1] != "/":
            break
        said.append(following)
        at = end
    return key, " ".join(said), at


def _word_at(line: str, at: int) -> tuple[str, int]:
    """Return the word there, and where the next one begins."""
    found = _WORD.match(line, at)
    return (found[1], found.end()) if found else ("", len(line))
