"""The house rules that no other tool enforces; each rule is shown to find what it forbids.

A rule reads one source file and yields a line for every place that breaks it. There is no
list of exemptions: the boundaries at which everything may be caught are part of the rule.
"""

import ast
import io
import os
import re
import tokenize
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parents[1]
SKIPPED = {"__pycache__", "build", "dist"}
KEPT_HIDDEN = {".ci", ".gitignore"}

LONGEST_FUNCTION = 50
LONGEST_MODULE = 600

BROAD = {"Exception", "BaseException"}
BOUNDARIES = {
    ("mipsh/checks/runner.py", "_judgements"): "running a check",
    ("mipsh/registry.py", "calling"): "calling a command, an engine or a format",
    ("mipsh/registry.py", "load"): "loading a plugin",
}
HOMES = {"rich": ("mipsh/render", "plugins/formats"), "prompt_toolkit": ("mipsh/shell",)}
PURE = ("wire", "captures", "model", "paths", "signalling", "mobility", "checks", "grammar")
NOT_CODE = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENDMARKER}
FOREIGN = re.compile(
    r"pypi\.org|pythonhosted|index-url|find-links|(?<!\w)/(?:home|Users)/\w|/root/\S",
    re.IGNORECASE,
)


class Source(NamedTuple):
    """A Python file: its path from the root of the tree, and its text."""

    path: str
    text: str

    @property
    def tree(self) -> ast.Module:
        """The parsed text."""
        return ast.parse(self.text)

    def tokens(self) -> Iterator[tokenize.TokenInfo]:
        """Yield the tokens of the text."""
        return tokenize.generate_tokens(io.StringIO(self.text).readline)


Rule = Callable[[Source], Iterator[str]]


def files() -> list[Path]:
    """Return every file of the tree that belongs to it; links to folders are not followed."""
    found = []
    for folder, inner, names in os.walk(ROOT):
        inner[:] = [name for name in inner if name not in SKIPPED and _visible(name)]
        found += [Path(folder) / name for name in names if _visible(name)]
    return sorted(path for path in found if path.is_file())


def _visible(name: str) -> bool:
    return not name.startswith(".") or name in KEPT_HIDDEN


def sources() -> list[Source]:
    """Return every Python file of the tree."""
    paths = [path for path in files() if path.suffix == ".py"]
    return [Source(path.relative_to(ROOT).as_posix(), path.read_text("utf-8")) for path in paths]


SOURCES = sources()


def long_functions(source: Source) -> Iterator[str]:
    """Find functions of more code lines than allowed: no docstring, comment or blank line counts."""
    code = {
        line
        for token in source.tokens()
        if token.type not in NOT_CODE
        for line in range(token.start[0], token.end[0] + 1)
    }
    for node in ast.walk(source.tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = code & set(range(node.lineno, (node.end_lineno or node.lineno) + 1))
            first = node.body[0]
            if ast.get_docstring(node) is not None:
                lines -= set(range(first.lineno, (first.end_lineno or first.lineno) + 1))
            if len(lines) > LONGEST_FUNCTION:
                yield f"{source.path}:{node.lineno} {node.name} has {len(lines)} lines"


def long_modules(source: Source) -> Iterator[str]:
    """Find modules of more lines than allowed."""
    lines = len(source.text.splitlines())
    if lines > LONGEST_MODULE:
        yield f"{source.path} has {lines} lines"


def exemptions(source: Source) -> Iterator[str]:
    """Find comments that silence a tool."""
    for token in source.tokens():
        if token.type == tokenize.COMMENT and re.search(r"#\s*(noqa|type:\s*ignore|ruff:|mypy:|pragma)", token.string):
            yield f"{source.path}:{token.start[0]} {token.string}"


def broad_excepts(source: Source) -> Iterator[str]:
    """Find handlers of everything outside the named boundaries."""
    for function, node in _handlers(source.tree, ""):
        caught = [] if node.type is None else list(ast.walk(node.type))
        names = {name.id for name in caught if isinstance(name, ast.Name)}
        if (node.type is None or names & BROAD) and (source.path, function) not in BOUNDARIES:
            yield f"{source.path}:{node.lineno} in {function or 'the module'}"


def _handlers(node: ast.AST, function: str) -> Iterator[tuple[str, ast.ExceptHandler]]:
    for child in ast.iter_child_nodes(node):
        inside = child.name if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef) else function
        if isinstance(child, ast.ExceptHandler):
            yield function, child
        yield from _handlers(child, inside)


def silent_excepts(source: Source) -> Iterator[str]:
    """Find handlers that do nothing."""
    for _, node in _handlers(source.tree, ""):
        body = node.body[0]
        empty = isinstance(body, ast.Expr) and isinstance(body.value, ast.Constant)
        if len(node.body) == 1 and (isinstance(body, ast.Pass) or empty):
            yield f"{source.path}:{node.lineno}"


def sleeps(source: Source) -> Iterator[str]:
    """Find tests that sleep."""
    for node in ast.walk(source.tree):
        if _of_tests(source) and isinstance(node, ast.Call) and ast.unparse(node.func).endswith("sleep"):
            yield f"{source.path}:{node.lineno}"


def private_names(source: Source) -> Iterator[str]:
    """Find tests that reach into what a module keeps to itself."""
    for node in ast.walk(source.tree):
        if not _of_tests(source):
            return
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("mipsh"):
            named = [alias.name for alias in node.names]
        elif isinstance(node, ast.Attribute) and ast.unparse(node.value) not in ("self", "cls"):
            named = [node.attr]
        else:
            continue
        yield from (f"{source.path}:{node.lineno} {n}" for n in named if re.fullmatch("_[^_].*", n))


def strayed_imports(source: Source) -> Iterator[str]:
    """Find libraries of the terminal outside the packages that they live in."""
    if not source.path.startswith(("mipsh/", "commands/", "plugins/")):
        return
    for node in ast.walk(source.tree):
        modules = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        modules += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        for module in modules:
            homes = HOMES.get(module.partition(".")[0])
            if homes and not source.path.startswith(homes):
                yield f"{source.path}:{module}"


def _of_tests(source: Source) -> bool:
    return source.path.startswith("tests/")


def _lines(count: int) -> str:
    return "".join(f"    x = {n}\n" for n in range(count))


RULES: dict[Rule, tuple[Source, Source]] = {
    long_functions: (
        Source("a.py", "def f():\n" + _lines(50)),
        Source("a.py", 'def f():\n    """One.\n\n    Two.\n    """\n\n    # why\n' + _lines(49)),
    ),
    long_modules: (Source("a.py", "x = 1\n" * 601), Source("a.py", "x = 1\n" * 600)),
    exemptions: (Source("a.py", "x = 1  # no" + "qa: E501\n"), Source("a.py", "x = '# no" + "qa'\n")),
    broad_excepts: (
        Source("a.py", "def load():\n    try:\n        f()\n    except (OSError, Exception):\n        raise\n"),
        Source("mipsh/registry.py", "def load():\n    try:\n        f()\n    except Exception as e:\n        g(e)\n"),
    ),
    silent_excepts: (
        Source("a.py", "try:\n    f()\nexcept OSError:\n    pass\n"),
        Source("a.py", "try:\n    f()\nexcept OSError:\n    g()\n"),
    ),
    sleeps: (Source("tests/a.py", "import time\ntime.sleep(1)\n"), Source("a.py", "import time\ntime.sleep(1)\n")),
    private_names: (
        Source("tests/a.py", "from mipsh.wire import _read\n"),
        Source("tests/a.py", "from mipsh.wire import __doc__\nself._x = y\n"),
    ),
    strayed_imports: (
        Source("commands/a.py", "def f():\n    from rich.table import Table\n"),
        Source("plugins/formats/a.py", "from rich.table import Table\n"),
    ),
}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_tree_keeps_the_rule(rule: Rule) -> None:
    """No source file breaks it."""
    assert len(SOURCES) > 100
    broken = [line for source in SOURCES for line in rule(source)]
    assert not broken, "\n".join(broken)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.__name__)
def test_the_rule_finds_what_it_forbids(rule: Rule) -> None:
    """A source that breaks it is named, one that just keeps it is not."""
    breaking, keeping = RULES[rule]
    assert len(list(rule(breaking))) == 1
    assert list(rule(keeping)) == []


def test_every_boundary_is_where_it_is_said_to_be() -> None:
    """A boundary that moved away leaves no hole behind."""
    caught = {
        (source.path, function)
        for source in SOURCES
        for function, node in _handlers(source.tree, "")
        if isinstance(node.type, ast.Name) and node.type.id in BROAD
    }
    assert caught == BOUNDARIES.keys()


def test_nothing_names_a_package_host_or_somebodys_home() -> None:
    """The tree installs from wherever a machine is told to, and knows no machine's paths."""
    assert FOREIGN.search("see https://py" + "pi.org/project/x")
    assert FOREIGN.search("cd /ho" + "me/alice")
    assert not FOREIGN.search("mipsh/mobility/home/cache.py")
    found = []
    for path in files():
        if path != Path(__file__):
            text = path.read_bytes().decode("utf-8", "replace")
            found += [f"{path.relative_to(ROOT)}: {match[0]}" for match in FOREIGN.finditer(text)]
    assert not found, "\n".join(found)


def test_every_pure_package_stands_under_the_purity_contract() -> None:
    """A package above the purity line cannot be forgotten in the contract."""
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]["contracts"]
    purity = next(contract for contract in contracts if contract["type"] == "forbidden")
    there = {f"mipsh.{name}" for name in PURE if (ROOT / "mipsh" / name / "__init__.py").exists()}
    assert {"mipsh.model", "mipsh.grammar"} <= there
    assert there <= set(purity["source_modules"])
    forbidden = set(purity["forbidden_modules"])
    assert {"asyncio", "random", "secrets", "socket", "time", "rich", "prompt_toolkit", "scapy"} <= forbidden
