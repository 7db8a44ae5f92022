"""Draws docs/state-machines.md from the tables that the node core steps through.

Run it with Python after a table changed; a test holds the two together. Diagrams are in the language
of Mermaid.
"""

import sys
from pathlib import Path

from mipsh.mobility.machine import Drawing
from mipsh.mobility.machines import DRAWINGS

PAGE = Path(__file__).parent / "state-machines.md"
INTRODUCTION = """\
# State machines

Drawn from the tables in `mipsh/mobility` by `make diagrams`. An input that is not drawn cannot happen in that state.
Inputs that lead from one state to the same other one share an arrow.
"""


def page() -> str:
    """Return the whole document."""
    return "\n".join([INTRODUCTION, *(_section(module, drawing) for module, drawing in DRAWINGS.items())])


def _section(module: str, drawing: Drawing) -> str:
    path = f"mipsh/mobility/{module}.py"
    head = f"## {drawing.name.capitalize()}\n\n[{path}](../{path})\n"
    return f"{head}\n```mermaid\n{diagram(drawing)}```\n"


def diagram(drawing: Drawing) -> str:
    """Return a machine as a Mermaid state diagram; inputs between the same two states share an arrow."""
    arrows: dict[tuple[str, str], list[str]] = {}
    for before, event, after in drawing.transitions:
        arrows.setdefault((before, after), []).append(_words(event))
    lines = [f"    {before} --> {after}: {', '.join(inputs)}" for (before, after), inputs in arrows.items()]
    return "\n".join(["stateDiagram-v2", f"    [*] --> {drawing.initial}", *lines, ""])


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def main() -> int:
    """Write the document."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
