"""Tab-separated values, never quoted: a tab or a line feed inside a value is escaped."""

from collections.abc import Iterator

from mipsh.model.text import escape, plain
from mipsh.render.format import Document, Format, Style


def render(document: Document, style: Style) -> Iterator[str]:
    """Write a header of column names and a line a row; errors go to stderr only."""
    names = [column.name for column in document.columns]
    if names and style.headers:
        yield "\t".join(names) + "\n"
    for row in document.result.rows:
        yield "\t".join(escape(plain(getattr(row, name))) for name in names) + "\n"


FORMAT = Format("tsv", "tab-separated values with a header, for cut and awk", render)
