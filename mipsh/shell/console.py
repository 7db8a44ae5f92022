"""The terminal under the prompt: where the cursor stands, and a line of its own for the prompt."""

import os
from typing import TextIO

from prompt_toolkit.data_structures import Size
from prompt_toolkit.output.vt100 import Vt100_Output
from prompt_toolkit.renderer import CPR_Support, Renderer

USUAL = Size(rows=24, columns=80)


class Console(Vt100_Output):
    """A terminal that may not say where its cursor is; the toolbar then stands right below the prompt."""

    def __init__(self, stream: TextIO, term: str | None) -> None:
        super().__init__(stream, self.size, term=term)
        self.answers = True

    def size(self) -> Size:
        """Return the size of the terminal as it is now."""
        try:
            found = os.get_terminal_size(self.stdout.fileno())
        except (OSError, ValueError):
            return USUAL
        return Size(rows=found.lines or USUAL.rows, columns=found.columns or USUAL.columns)

    def get_rows_below_cursor_position(self) -> int:
        """Return the one row that there is for certain, unless the terminal can be asked."""
        if self.answers and self.responds_to_cpr:
            raise NotImplementedError
        return 1

    def fresh_line(self) -> None:
        """Put the cursor at the beginning of a line, a new one where something stands on this one.

        As many spaces as there are columns end on this row where it was empty, on the next where
        it was not.
        """
        self.reset_attributes()
        self.write_raw(" " * self.get_size().columns + "\r")
        self.flush()

    def watch(self, renderer: Renderer) -> None:
        """Ask no more, and do not complain, when the terminal does not say where its cursor is."""

        def silent() -> None:
            self.answers = False

        renderer.cpr_not_supported_callback = silent

    def settle(self, renderer: Renderer) -> None:
        """Decide after a prompt: a terminal that has not answered by then is not waited for again."""
        if renderer.cpr_support is CPR_Support.UNKNOWN:
            renderer.cpr_support = CPR_Support.NOT_SUPPORTED
            self.answers = False
