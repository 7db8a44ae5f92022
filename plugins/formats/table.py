"""A table for people: addresses are never cut or wrapped, and a narrow terminal gets it vertical.

On a terminal rich draws it. Elsewhere, and for more rows than anybody reads, plain aligned
columns are written: no box, no colour, no limit of width.
"""

from collections.abc import Iterator
from io import StringIO

from mipsh.model.columns import Column
from mipsh.model.text import UNKNOWN, escape, escape_lines, human, plain
from mipsh.plugins.formats import vertical
from mipsh.render.cells import NUMERIC, cell, gone, is_changed, style_of
from mipsh.render.format import Document, Format, Style

RICH_ROWS = 500
GAP = 2


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the result as a table, as prose, or as a list of fields where it would not fit."""
    result = document.result
    if result.table is None:
        yield from vertical.summary(document, style)
        return
    if result.table.prose:
        yield from prose(document, style)
        return
    if result.rows:
        columns = _filled(document, style)
        grid = [[cell(row, column) for column in columns] for row in result.rows]
        widths = [
            max(len(_header(column)) if style.headers else 0, *(len(line[i]) for line in grid))
            for i, column in enumerate(columns)
        ]
        needed = sum(widths) + GAP * (len(widths) - 1)
        if style.width is not None and needed > style.width:
            yield from vertical.blocks(document, style)
        elif style.width is None or len(grid) > RICH_ROWS:
            yield from _aligned(columns, grid, widths, style)
        else:
            yield _rich(document, columns, grid, style)
    elif not result.errors:
        yield f"{result.table.title}: no entries\n"
    for line in gone(result):
        yield escape(line) + "\n"
    yield from vertical.summary(document, style)


def prose(document: Document, style: Style) -> Iterator[str]:
    """Write rows of prose: the text of the last column, as it is."""
    columns = document.columns
    for row in document.result.rows:
        text = escape_lines(plain(getattr(row, columns[-1].name)))
        yield text if text.endswith("\n") or not text else text + "\n"
    yield from vertical.summary(document, style)


def _filled(document: Document, style: Style) -> tuple[Column, ...]:
    """Return the columns to show; with ``--wide``, those in which some row has a value."""
    columns = document.shown(style.wide)
    if not style.wide or document.result.columns is not None:
        return columns
    return tuple(c for c in columns if any(human(getattr(row, c.name)) != UNKNOWN for row in document.result.rows))


def _header(column: Column) -> str:
    return column.title


def _aligned(columns: tuple[Column, ...], grid: list[list[str]], widths: list[int], style: Style) -> Iterator[str]:
    right = [column.kind in NUMERIC for column in columns]

    def line(texts: list[str]) -> str:
        parts = [t.rjust(w) if r else t.ljust(w) for t, w, r in zip(texts, widths, right, strict=True)]
        return (" " * GAP).join(parts).rstrip() + "\n"

    if style.headers:
        yield line([_header(column) for column in columns])
    for texts in grid:
        yield line(texts)


def _rich(document: Document, columns: tuple[Column, ...], grid: list[list[str]], style: Style) -> str:
    from rich import box
    from rich.console import Console, JustifyMethod
    from rich.table import Table
    from rich.text import Text

    lines = box.SIMPLE_HEAD if style.unicode else box.ASCII2
    # SIMPLE_HEAD pads each side of a line by one; edges off keeps the width that was measured.
    table = Table(box=lines, show_edge=False, pad_edge=False, padding=(0, GAP // 2, 0, 0), show_header=style.headers)
    for column in columns:
        justify: JustifyMethod = "right" if column.kind in NUMERIC else "left"
        table.add_column(Text(_header(column)), justify=justify, no_wrap=True, overflow="crop")
    for row, texts in zip(document.result.rows, grid, strict=True):
        rendered = []
        for column, text in zip(columns, texts, strict=True):
            name = style_of(column, text, getattr(row, column.name))
            if is_changed(document.result, row, column):
                name = f"{name} reverse".strip()
            rendered.append(Text(text, style=name))
        table.add_row(*rendered)
    stream = StringIO()
    console = Console(
        file=stream,
        width=max(style.width or 0, 1) + GAP * len(columns),
        color_system="standard" if style.color else None,
        force_terminal=style.color,
        no_color=not style.color,
        highlight=False,
        legacy_windows=False,
    )
    console.print(table)
    return "".join(line.rstrip() + "\n" for line in stream.getvalue().splitlines())


FORMAT = Format("table", "a table for people; vertical where the terminal is narrow", render, people=True)
