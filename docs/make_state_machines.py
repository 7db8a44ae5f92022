"""Draws docs/state-machines.md from the tables that the node core steps through.

Run it with Python after a table changed; a test holds the two together. Diagrams are in the language
of Mermaid.
"""

import sys
from enum import Enum
from itertools import groupby
from pathlib import Path

from mipsh.mobility.machine import Machine
from mipsh.mobility.machines import MACHINES

PAGE = Path(__file__).parent / "state-machines.md"
INTRODUCTION = """\
# State machines

Drawn from the tables in `mipsh/mobility` by `make diagrams`. An input that is not drawn cannot happen in that state.
Inputs that lead from one state to the same other one share an arrow.
"""


def page() -> str:
    """Return the whole document."""
    return "\n".join([INTRODUCTION, *(_section(machine, module) for machine, module in MACHINES)])


def _section(machine: Machine[Enum, Enum], module: str) -> str:
    return f"## {machine.name.capitalize()}\n\n`mipsh/mobility/{module}`\n\n```mermaid\n{diagram(machine)}```\n"


def diagram(machine: Machine[Enum, Enum]) -> str:
    """Return a machine as a Mermaid state diagram."""
    lines = ["stateDiagram-v2", f"    [*] --> {machine.initial.name}"]
    arrows = sorted((before.name, after.name, event.name) for (before, event), after in machine.table.items())
    for (before, after), group in groupby(arrows, key=lambda arrow: arrow[:2]):
        inputs = ", ".join(_words(event) for _, _, event in group)
        lines.append(f"    {before} --> {after}: {inputs}")
    return "\n".join(lines) + "\n"


def _words(name: str) -> str:
    return name.lower().replace("_", " ")


def main() -> int:
    """Write the document."""
    PAGE.write_text(page(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
