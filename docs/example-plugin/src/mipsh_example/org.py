"""An Org-mode table, as an output format.

A format turns a document into pieces of text, and must do so for rows, for no rows, for errors
and for prose alike. Text from outside passes ``human`` or ``escape`` before it is written.
"""

from collections.abc import Iterator

from mipsh.model.text import escape, human
from mipsh.render.format import Document, Format, Style

BAR = r"\vert{}"


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the table, then a comment line for each error."""
    columns = document.shown(style.wide)
    if columns and style.headers:
        yield line([column.title for column in columns])
        yield f"|{'+'.join('-' for _ in columns)}|\n"
    for row in document.result.rows:
        yield line([human(getattr(row, column.name), column.kind) for column in columns])
    for notice in document.result.errors:
        yield f"# {escape(notice.message)}\n"


def line(cells: list[str]) -> str:
    """Return a line of the table; Org has no other way to write a bar than its entity."""
    safe = [cell.replace("|", BAR) for cell in cells]
    return f"| {' | '.join(safe)} |\n"


FORMAT = Format("org", "an Org-mode table", render)
