"""Draws docs/screenshot.svg: the real shell, on a real terminal, against the recording that mipsh brings.

A terminal emulator shows what the shell writes while some lines are typed; the last one stays
unfinished, with its completions open. What is drawn is that screen, cell by cell.
"""

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby
from pathlib import Path

import pexpect
import pyte
from rich.console import Console
from rich.style import Style
from rich.text import Text

HERE = Path(__file__).parent
RECORDING = HERE.parent / "mipsh" / "recordings" / "route-optimised"
MIPSH = str(Path(sys.executable).with_name("mipsh"))
PORT = "7777"
PROMPT = f"mn@umip 127.0.0.1:{PORT}>"
COLUMNS, LINES = 110, 28
LONGEST_S = 20.0

TYPED = (
    "bul --columns cn,coa,registration,state,next,remaining",
    "rr --columns test,cn,coa,answered,token",
    "assert bul where cn=2001:db8:4::2 has state=bound",
    "stats --where value>0 | include binding",
)
UNFINISHED = "bul --where st"
COMPLETION = " state="
COLOURS = {"brown": "yellow", "brightbrown": "bright_yellow"}
FONTS = re.compile(r"@font-face \{.*?\}\s*", re.DOTALL)


class Terminal(pyte.Screen):
    """A program on a terminal of its own, and what its screen shows."""

    def __init__(self, words: list[str], variables: dict[str, str]) -> None:
        super().__init__(COLUMNS, LINES)
        self._stream = pyte.Stream(self)
        self._program = pexpect.spawn(
            words[0], words[1:], env=variables, encoding="utf-8", dimensions=(LINES, COLUMNS), timeout=LONGEST_S
        )

    def write_process_input(self, data: str) -> None:
        """Type some text; the emulator does too, when it is asked where its cursor is."""
        self._program.send(data)

    def show_until(self, is_there: Callable[[list[str]], bool]) -> None:
        """Show what the program writes until the screen's lines are what was waited for."""
        while not is_there([line.rstrip() for line in self.display]):
            self._stream.feed(self._program.read_nonblocking(65536, LONGEST_S))

    def end(self) -> None:
        """End the program."""
        self._program.close(force=True)


@contextmanager
def shell() -> Iterator[Terminal]:
    """Serve the recorded mobile node, and open the shell on it."""
    with tempfile.TemporaryDirectory() as home:
        variables = {"HOME": home, "PATH": "", "TERM": "xterm-256color", "LC_ALL": "C.UTF-8"}
        serve = [MIPSH, "replay", str(RECORDING), "--node", "mn", "--port", PORT]
        with subprocess.Popen(serve, env=variables, stdout=subprocess.DEVNULL) as server:
            terminal = Terminal([MIPSH, "--engine", f"umip://127.0.0.1:{PORT}", "--wait", "10"], variables)
            try:
                yield terminal
            finally:
                terminal.end()
                server.terminate()


def screen() -> pyte.Screen:
    """Type the lines and return the screen at the end."""
    with shell() as terminal:
        for count, line in enumerate(TYPED, 1):
            terminal.show_until(partial(_has_prompts, count))
            terminal.write_process_input(f"{line}\r")
        terminal.show_until(partial(_has_prompts, len(TYPED) + 1))
        terminal.write_process_input(UNFINISHED)
        terminal.show_until(lambda shown: any(line.startswith(COMPLETION) for line in shown))
        return terminal


def _has_prompts(count: int, shown: list[str]) -> bool:
    return sum(line.startswith(PROMPT) for line in shown) == count


def draw(shown: pyte.Screen) -> str:
    """Return the screen as SVG, without fonts from elsewhere."""
    console = Console(
        record=True,
        width=COLUMNS,
        file=io.StringIO(),
        color_system="truecolor",
        force_terminal=True,
        legacy_windows=False,
    )
    for number in range(LINES):
        line = Text(no_wrap=True)
        cells = [shown.buffer[number][column] for column in range(COLUMNS)]
        for style, alike in groupby(cells, _style):
            line.append("".join(cell.data for cell in alike), style)
        console.print(line)
    return FONTS.sub("", console.export_svg(title="mipsh", unique_id="mipsh"))


def _style(cell: pyte.screens.Char) -> Style:
    return Style(
        color=_colour(cell.fg),
        bgcolor=_colour(cell.bg),
        bold=cell.bold,
        italic=cell.italics,
        underline=cell.underscore,
        reverse=cell.reverse,
    )


def _colour(name: str) -> str | None:
    if name == "default":
        return None
    if re.fullmatch("[0-9a-f]{6}", name):
        return f"#{name}"
    return COLOURS.get(name, name.replace("bright", "bright_"))


if __name__ == "__main__":
    (HERE / "screenshot.svg").write_text(draw(screen()), encoding="utf-8")
