"""Reads what mip6d prints on its virtual terminal: text in, records of mipsh.model out.

Every function takes a reply as Latin-1 text, cleaned or not. None raises, whatever the text:
words that mipsh does not know are in the record's ``extra``, lines that cannot be understood
in ``unread``, and nothing else is left out. umip_layouts says how each table is printed.

The binding cache of a large home agent is read by one pattern an entry. It matches only what
the layout would read to the same record (``fast=False`` reads by the layout alone).
"""

import re
from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from mipsh.model.records import BindingCacheEntry
from mipsh.plugins.engines import umip_layouts as layouts
from mipsh.plugins.engines.umip_stats import read_counters
from mipsh.plugins.engines.umip_words import (
    BU_FLAGS,
    Layout,
    Reader,
    Row,
    address,
    interface,
    letters,
    read_entries,
    rfc5952,
    word,
)

PROMPT = "mip6d> "

_SGR = re.compile(r"\x1b\[[0-9;]*m")
_LONGEST_LINE = 16384  # twice the daemon's command buffer: an error answer quotes one command

_COMPLAINT = re.compile(
    r'unknown command: "|unknown args$|do nothing$|command parse failed$|missing (?:hoa|coa|local)\b'
    r"|invalid (?:flag|integer|command):|overflow:|sequence overflow$|lifetime is (?:not )?zero$"
    r'|either "want" or "never"|getaddrinfo: |bc error=|hoa ADDR |Too many connections$'
    r"|Server cannot make connection$"
)


class Parsed(Struct, frozen=True):
    """What a reply says: records of one type, and the lines not understood, as said."""

    rows: list[Any]
    unread: tuple[str, ...] = ()


def clean(text: str) -> str:
    """Return the reply without what is not its text: NUL, CR, colours, greeting and prompt."""
    text = text.replace("\0", "").replace("\r", "")
    if "\x1b" in text:
        text = _SGR.sub("", text)
    start, end = 0, len(text)
    while text.startswith(PROMPT, start):
        start += len(PROMPT)
    while end > start and text.endswith(PROMPT, start, end):
        end -= len(PROMPT)
    return text[start:end]


def complaint(text: str) -> str | None:
    """Return the line by which the daemon refuses a command, or None where it answers it."""
    text = clean(text)
    first = text[:_LONGEST_LINE].strip().partition("\n")[0]
    last = text[-_LONGEST_LINE:].strip().rpartition("\n")[2]
    return next((line for line in (first, last) if _COMPLAINT.match(line)), None)


def parse_help(text: str) -> tuple[str, ...]:
    """Return the command words that ``help`` lists; none where the reply is an error."""
    return () if complaint(text) else tuple(clean(text).split())


def role_of(words: Iterable[str]) -> str | None:
    """Return mn, ha or cn by the commands there are; None where they are not mip6d's."""
    words = set(words)
    if not {"bc", "stats"} <= words:
        return None
    return "mn" if "bul" in words else "ha" if "hal" in words else "cn"


def parse_binding_cache(text: str, *, fast: bool = True) -> Parsed:
    """Read ``bc`` or ``nonce``; ``fast=False`` reads every entry by its layout."""
    text = clean(text)
    rows, unread = _read_binding_cache(text) if fast else read_entries(text, layouts.BINDING_CACHE)
    return Parsed(rows, tuple(unread))


def parse_binding_update_list(text: str) -> Parsed:
    """Read ``bul``."""
    return _parsed(text, layouts.BINDING_UPDATE_LIST)


def parse_return_routability(text: str) -> Parsed:
    """Read ``rr``."""
    return _parsed(text, layouts.RETURN_ROUTABILITY)


def parse_home_agents(text: str) -> Parsed:
    """Read ``hal``."""
    return _parsed(text, layouts.HOME_AGENTS)


def parse_prefixes(text: str) -> Parsed:
    """Read ``pl``."""
    return _parsed(text, layouts.PREFIXES)


def parse_statistics(text: str) -> Parsed:
    """Read ``stats``."""
    rows, unread = read_counters(clean(text))
    return Parsed(rows, tuple(unread))


def _parsed(text: str, layout: Layout[Row]) -> Parsed:
    rows, unread = read_entries(clean(text), layout)
    return Parsed(rows, tuple(unread))


_N = "-?[0-9]{1,18}"
_FAST_BINDING = re.compile(
    r"hoa ([0-9a-f]*:[0-9a-f:]*)(?: nonce ([0-9]{1,18}))? status ([a-z-]+)\n"
    r" coa ([0-9a-f:]+)(?: nonce ([0-9]{1,18}))? flags ([AHLKR-]+)\n"
    r" local ([0-9a-f:]+)(?: tunnel ([^ \t\n(]+))?(?: link ([^ \t\n(]+))?\n"
    rf" lifetime (-|{_N}) / ({_N}) seq ({_N}) unreach ({_N})"
    rf"(?: mpa (-|{_N}) / ({_N}) retry ([0-9]{{1,18}}))?\n(?=hoa |\Z)"
)
_FAST_LINES = 4


def _read_binding_cache(text: str) -> tuple[list[BindingCacheEntry], list[str]]:
    rows: list[BindingCacheEntry] = []
    unread: list[str] = []
    at, line = 0, 1
    shared = _Shared()
    match = _FAST_BINDING.match
    while at < len(text):
        if found := match(text, at):
            rows.append(_fast_binding(found, line, shared))
            at = found.end()
            line += _FAST_LINES
        else:
            end = text.find("\nhoa ", at) + 1 or len(text)
            entries, lines = read_entries(text[at:end], layouts.BINDING_CACHE, line)
            rows += entries
            unread += lines
            line += text.count("\n", at, end)
            at = end
    return rows, unread


class _Once(dict[str, Any]):
    """Values by what was said, each read once and then shared."""

    def __init__(self, read: Reader) -> None:
        self.read = read

    def __missing__(self, said: str) -> Any:
        self[said] = value = self.read(said)[0]
        return value


class _Shared:
    """What the entries of one reply have in common."""

    def __init__(self) -> None:
        self.flags = _Once(letters(BU_FLAGS))
        self.status = _Once(word)
        self.local = _Once(address)
        self.link = _Once(interface)


def _fast_binding(found: re.Match[str], line: int, shared: _Shared) -> BindingCacheEntry:
    # Hot, a hundred thousand entries a second: fields go by position, and numbers cost no call of ours.
    (
        hoa, hoa_nonce, status, coa, coa_nonce, flags, local, tunnel, link,
        left, granted, sequence, unreach, mpa_left, mpa_of, retry,
    ) = found.groups()  # fmt: skip
    granted_s = int(granted)
    remaining_s = None if left == "-" else int(left)
    return BindingCacheEntry(
        rfc5952(hoa) or hoa,
        rfc5952(coa) or coa,
        shared.status[status],
        shared.flags[flags],
        remaining_s,
        granted_s,
        None if remaining_s is None else granted_s - remaining_s,
        int(sequence),
        shared.local[local],
        None if hoa_nonce is None else int(hoa_nonce),
        None if coa_nonce is None else int(coa_nonce),
        int(unreach),
        tunnel,
        None if link is None else shared.link[link],
        None if mpa_left is None or mpa_left == "-" else int(mpa_left),
        None if mpa_of is None else int(mpa_of),
        None if retry is None else int(retry),
        source_line=line,
    )
