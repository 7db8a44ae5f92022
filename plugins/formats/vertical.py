"""A block a row, a line a field: for narrow terminals and for rows with many columns."""

from collections.abc import Iterator

from mipsh.model.text import escape, escape_lines, plain
from mipsh.render.cells import cell, gone, is_changed, style_of
from mipsh.render.format import Document, Format, Style

NARROWEST = 20
HANGING = 2
"""How much further the second line of a sentence is indented that is indented itself."""

_CODES = {"red": "31", "green": "32", "yellow": "33", "magenta": "35", "cyan": "36"}


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the result as blocks of fields."""
    result = document.result
    if result.table is not None and result.table.prose:
        for row in result.rows:
            yield escape_lines(plain(getattr(row, document.columns[-1].name))).rstrip("\n") + "\n"
    elif result.table is not None:
        if not result.rows and not result.errors:
            yield f"{result.table.title}: no entries\n"
        yield from blocks(document, style)
        for line in gone(result):
            yield escape(line) + "\n"
    yield from summary(document, style)


def summary(document: Document, style: Style) -> Iterator[str]:
    """Write what a result says in sentences, if anything; on a terminal, broken between words."""
    text = document.result.summary
    for line in escape_lines(text).split("\n") if text else ():
        indent = len(line) - len(line.lstrip(" "))
        width = indent + HANGING if indent else 0
        for number, part in enumerate(_folded(line[indent:], style.width, width)):
            # What goes on is indented further where its beginning is, too.
            yield f"{' ' * (indent + (HANGING if indent and number else 0))}{part}".rstrip() + "\n"


def blocks(document: Document, style: Style) -> Iterator[str]:
    """Write a block for each row; fields without a value are left out unless asked for."""
    columns = document.shown(style.wide)
    table = document.result.table
    if table is None or not columns:
        return
    indent = max(len(column.title) for column in columns)
    asked = document.result.columns is not None
    for number, row in enumerate(document.result.rows):
        if style.headers:
            yield f"{table.title} {number + 1} of {len(document.result.rows)}\n"
        for column in columns:
            text = cell(row, column)
            if text == "-" and not asked:
                continue
            mark = "*" if is_changed(document.result, row, column) else " "
            name = style_of(column, text, getattr(row, column.name))
            left = f"{mark} {column.title:<{indent}}  "
            for line in _folded(text, style.width, len(left)):
                shown = f"\x1b[{_CODES[name]}m{line}\x1b[0m" if style.color and name else line
                yield f"{left}{shown}\n"
                left = " " * len(left)


def _folded(text: str, width: int | None, indent: int) -> list[str]:
    """Break a value between words where the terminal is narrower; no word is ever cut."""
    if width is None or indent + len(text) <= width:
        return [text]
    import textwrap

    room = max(width - indent, NARROWEST)
    return textwrap.wrap(text, room, break_long_words=False, break_on_hyphens=False) or [text]


FORMAT = Format("vertical", "a block a row, a line a field", render, people=True)
