"""A JSON line for every row, and one for the envelope where there is something to say.

A row is the record itself. A line with the key ``errors`` is an envelope: it comes last, for a
run that failed, was interrupted or warns, and as the only line of a command with no rows.
"""

from collections.abc import Iterator

from mipsh.plugins.formats.json import text_of
from mipsh.render.format import Document, Format, Style

CHUNK = 500


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the rows, some hundred to a piece, then the envelope if it is needed."""
    rows = document.data()
    for start in range(0, len(rows), CHUNK):
        yield "".join(f"{text_of(row)}\n" for row in rows[start : start + CHUNK])
    result = document.result
    if result.errors or result.warnings or result.changes or not rows:
        yield text_of(document.envelope()) + "\n"


FORMAT = Format("ndjson", "a JSON object a row, and an envelope for errors, warnings and no rows", render)
