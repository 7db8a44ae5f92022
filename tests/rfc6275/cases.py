"""The conformance cases, and which of them the tests of this folder cover.

A case is covered by a test function whose name begins with its id, or by a parameter with its id:
``test_cn_2_1_2__words`` or ``pytest.param(..., id="CN-2-1-2")``.
"""

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import msgspec
from msgspec import Struct
from not_covered import NOT_COVERED, ROLES

FOLDER = Path(__file__).parent


class Case(Struct, frozen=True):
    """A case of ``cases.jsonl``: ``origin`` is published or reconstructed, ``rfc`` points at clauses."""

    id: str
    role: str
    title: str
    stimulus: str
    expected: str
    rfc: str
    origin: str

    @property
    def slug(self) -> str:
        """The id as it stands in the name of a test."""
        return re.sub(r"\W+", "_", self.id).lower()


@cache
def cases() -> tuple[Case, ...]:
    """Return all cases."""
    lines = (FOLDER / "cases.jsonl").read_text("utf-8").splitlines()
    return tuple(msgspec.json.decode(line, type=Case) for line in lines if line)


@cache
def named() -> frozenset[str]:
    """Return what the tests are named after: slugs of functions, and ids of parameters."""
    return frozenset(name for path in FOLDER.glob("test_*.py") for name in _names(ast.parse(path.read_text("utf-8"))))


def covered() -> frozenset[str]:
    """Return the ids of the cases that a test covers."""
    return frozenset(case.id for case in cases() if case.id in named() or case.slug in named())


def open_cases() -> list[Case]:
    """Return the cases of the roles that are held to, neither covered nor in the table."""
    return [case for case in cases() if case.role in ROLES and case.id not in covered() | NOT_COVERED.keys()]


def _names(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_") and "__" in node.name:
            yield node.name.removeprefix("test_").split("__")[0]
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "param":
            for keyword in node.keywords:
                if keyword.arg == "id" and isinstance(keyword.value, ast.Constant):
                    yield str(keyword.value.value)
