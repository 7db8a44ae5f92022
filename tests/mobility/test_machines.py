"""All state machines: each is listed, its states can be reached, and the drawn ones are the real ones."""

import ast
from collections.abc import Iterator
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

import mipsh.mobility
from mipsh.mobility.machine import Drawing
from mipsh.mobility.machines import DRAWINGS

ROOT = Path(__file__).parents[2]
CORE = Path(mipsh.mobility.__file__).parent


def tables() -> Iterator[str]:
    """Yield the modules of the core that make a machine."""
    for path in sorted(CORE.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Machine":
                yield path.relative_to(CORE).with_suffix("").as_posix()


def drawer() -> ModuleType:
    """Return the module that draws the document."""
    spec = spec_from_file_location("make_state_machines", ROOT / "docs" / "make_state_machines.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_machine_is_listed() -> None:
    """One that is not would be neither drawn nor looked at here; names tell them apart."""
    assert sorted(tables()) == sorted(DRAWINGS)
    assert len({drawing.name for drawing in DRAWINGS.values()}) == len(DRAWINGS) > 5


@pytest.mark.parametrize("drawing", DRAWINGS.values(), ids=lambda drawing: drawing.name)
def test_every_state_can_be_reached(drawing: Drawing) -> None:
    """From the initial one, by the transitions that there are; and every state but a last one can be left."""
    reached, waiting = {drawing.initial}, [drawing.initial]
    while waiting:
        state = waiting.pop()
        for before, _, after in drawing.transitions:
            if before == state and after not in reached:
                reached.add(after)
                waiting.append(after)
    assert {before for before, _, _ in drawing.transitions} | {after for _, _, after in drawing.transitions} == reached


def test_the_document_is_what_would_be_drawn() -> None:
    """After a table changed, make diagrams draws it again."""
    assert (ROOT / "docs" / "state-machines.md").read_text("utf-8") == drawer().page()
