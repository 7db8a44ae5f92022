"""A Markdown pipe table, and a quoted line for each error and warning."""

import re
from collections.abc import Iterator

from mipsh.model.text import escape, human, plain
from mipsh.render.format import Document, Format, Style

_MARKUP = re.compile(r"([\\`*_{}\[\]<>|#~&])")


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the table, then what went wrong."""
    columns = document.shown(style.wide)
    result = document.result
    if result.table is not None and result.table.prose:
        name = result.table.columns[-1].name
        for row in result.rows:
            yield "".join(f"    {line}\n" for line in map(escape, plain(getattr(row, name)).splitlines()))
    elif columns:
        yield "| " + " | ".join(safe(column.title) for column in columns) + " |\n"
        yield "| " + " | ".join("---" for _ in columns) + " |\n"
        for row in result.rows:
            yield "| " + " | ".join(safe(human(getattr(row, c.name), c.kind)) for c in columns) + " |\n"
    for kind, notices in (("error", result.errors), ("warning", result.warnings)):
        for notice in notices:
            yield (f"\n> **{kind}:** {safe(escape(notice.message))} {safe(escape(notice.hint))}".rstrip() + "\n")


def safe(text: str) -> str:
    """Return text in which no character is Markdown."""
    return _MARKUP.sub(r"\\\1", text)


FORMAT = Format("markdown", "a Markdown pipe table", render)
