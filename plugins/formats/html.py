"""One self-contained HTML page: the table, its errors, when and by which engine it was answered."""

from collections.abc import Iterator
from html import escape as markup_safe

from mipsh.model.text import escape, escape_lines, human, plain
from mipsh.render.format import Document, Format, Style

_HEAD = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<style>
body {{ font-family: system-ui, sans-serif; margin: 2em; color: #222; background: #fff }}
table {{ border-collapse: collapse }} caption {{ text-align: left; font-weight: bold; padding-bottom: .5em }}
th, td {{ border-bottom: 1px solid #ccc; padding: .25em .75em; text-align: left; white-space: nowrap;
 font-family: ui-monospace, monospace }}
.error {{ color: #a00 }} .warning {{ color: #850 }}
@media (prefers-color-scheme: dark) {{ body {{ color: #ddd; background: #181818 }} th, td {{ border-color: #444 }} }}
</style></head><body>
"""


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the page."""
    result = document.result
    title = result.table.title if result.table else document.command
    yield _HEAD.format(title=safe(f"mipsh: {title}"))
    if result.table is not None and result.table.prose:
        name = result.table.columns[-1].name
        for row in result.rows:
            yield f"<pre>{markup_safe(escape_lines(plain(getattr(row, name))))}</pre>\n"
    elif result.table is not None:
        yield from _table(document, style)
    for kind, notices in (("error", result.errors), ("warning", result.warnings)):
        for notice in notices:
            yield f'<p class="{kind}"><b>{kind}:</b> {safe(notice.message)} {safe(notice.hint)}</p>\n'
    engine = f", {result.engine.engine} at {result.engine.address}" if result.engine else ""
    yield f"<p>{safe(document.command)}, {document.time}{safe(engine)}</p>\n</body></html>\n"


def _table(document: Document, style: Style) -> Iterator[str]:
    columns = document.shown(style.wide)
    table = document.result.table
    yield f"<table><caption>{safe(table.title if table else '')}</caption>\n<thead><tr>"
    yield "".join(f'<th title="{safe(c.meaning)}">{safe(c.title)}</th>' for c in columns)
    yield "</tr></thead>\n<tbody>\n"
    for row in document.result.rows:
        values = "".join(f"<td>{safe(human(getattr(row, c.name), c.kind))}</td>" for c in columns)
        yield f"<tr>{values}</tr>\n"
    yield "</tbody></table>\n"


def safe(text: str) -> str:
    """Return text that is neither markup nor acts on a terminal."""
    return markup_safe(escape(text))


FORMAT = Format("html", "a self-contained HTML page", render)
