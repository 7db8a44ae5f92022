"""Text on a terminal's screen: the rows it takes, and frames drawn one over the other.

Pure: what a frame is drawn with comes back as text.
"""

import re
from collections.abc import Sequence

_COLOUR = re.compile("\x1b\\[[0-9;]*m")


def cells(line: str) -> int:
    """Return the columns that a line fills; colour codes fill none."""
    text = _COLOUR.sub("", line)
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def rows(lines: Sequence[str], columns: int) -> int:
    """Return the rows that lines fill on a screen of so many columns."""
    return sum(max(-(-cells(line) // columns), 1) for line in lines)


def fit(lines: Sequence[str], columns: int, height: int, tail: int = 1) -> list[str]:
    """Return the first lines and the last ``tail`` ones, so many that they fit; the others are counted."""
    if rows(lines, columns) <= height:
        return list(lines)
    cut = max(len(lines) - tail, 0)
    first, last = list(lines[:cut]), list(lines[cut:])
    left = height - 1 - rows(last, columns)
    kept: list[str] = []
    for line in first:
        left -= rows([line], columns)
        if left < 0:
            break
        kept.append(line)
    hidden = len(first) - len(kept)
    return [*kept, *([f"... {hidden} more lines"] if hidden else []), *last]


class Frames:
    """Frames drawn over each other where the cursor stands, the last one left on the screen."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._columns = 0

    def draw(self, lines: Sequence[str], columns: int) -> str:
        """Return what draws the next frame over the one before; the cursor ends below it."""
        up = self._rows_up(columns)
        self.lines, self._columns = list(lines), columns
        start = f"\x1b[{up}A\r" if up else "\r"
        return start + "".join(f"\x1b[K{line}{self._rest(line)}\n" for line in lines) + "\x1b[J"

    def _rest(self, line: str) -> str:
        """Return what clears the row behind a wrapped line; behind a full row it would clear the last column."""
        return "\x1b[K" if cells(line) > self._columns and cells(line) % self._columns else ""

    def _rows_up(self, columns: int) -> int:
        """Return the rows from the cursor up to the frame on the screen.

        A terminal that was resized may or may not have wrapped its lines anew: a frame of which
        that cannot be known is left where it is, and the next one begins below.
        """
        if columns == self._columns or all(cells(line) <= min(columns, self._columns) for line in self.lines):
            return rows(self.lines, columns) if self.lines else 0
        return 0
