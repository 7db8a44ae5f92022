"""Comma-separated values after RFC 4180, a header line first; unknown is empty."""

from collections.abc import Iterator

from mipsh.model.text import escape_lines, plain
from mipsh.render.format import Document, Format, Style

NEEDS_QUOTES = frozenset(',"\r\n')


def render(document: Document, style: Style) -> Iterator[str]:
    """Write a header of column names and a line a row; errors go to stderr only."""
    names = [column.name for column in document.columns]
    if names and style.headers:
        yield ",".join(names) + "\r\n"
    for row in document.result.rows:
        yield ",".join(field(plain(getattr(row, name))) for name in names) + "\r\n"


def field(text: str) -> str:
    """Return one field, quoted where it must be."""
    text = escape_lines(text)
    if NEEDS_QUOTES.isdisjoint(text):
        return text
    return '"' + text.replace('"', '""') + '"'


FORMAT = Format("csv", "comma-separated values (RFC 4180) with a header", render)
