"""The purity line: what is above it knows no clock, socket, randomness, event loop, file or terminal.

The imports are read from the sources, those within functions too, and followed through mipsh. What
the standard library and others import for themselves does not count.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

import mipsh

ROOT = Path(mipsh.__file__).parent
PURE = (
    "wire",
    "captures",
    "model",
    "paths",
    "signalling",
    "handover",
    "path_mtu",
    "mobility",
    "checks",
    "kernel_view",
    "grammar",
)
SHARED = ("mipsh", "mipsh.errors", "mipsh.status")
FORBIDDEN = frozenset(
    [
        *["asyncio", "concurrent", "ctypes", "datetime", "fcntl", "glob", "importlib", "mmap", "multiprocessing"],
        *["os", "pathlib", "random", "sched", "secrets", "select", "selectors", "shutil", "signal", "socket", "ssl"],
        *["subprocess", "tempfile", "threading", "time", "urllib", "uuid"],
        *["prompt_toolkit", "pyroute2", "rich", "scapy"],
    ]
)
HEAVY = ("asyncio", "prompt_toolkit", "pyroute2", "rich", "scapy")
TOUCHING = ("open", "input", "print", "exec", "eval", "__import__", "breakpoint")


def path_of(module: str, root: Path = ROOT) -> Path | None:
    """Return the file of a module of mipsh; None where there is no such module."""
    base = root.parent.joinpath(*module.split("."))
    return next((path for path in (base / "__init__.py", base.with_suffix(".py")) if path.is_file()), None)


def modules_in(package: str, root: Path = ROOT) -> list[str]:
    """Return all modules of a package of mipsh; none where it does not exist."""
    paths = sorted((root / package).rglob("*.py"))
    names = [".".join(path.relative_to(root.parent).with_suffix("").parts) for path in paths]
    return [name.removesuffix(".__init__") for name in names]


def imports_of(module: str, root: Path = ROOT) -> Iterator[str]:
    """Yield every module that a module's source imports, wherever in it."""
    path = path_of(module, root)
    assert path is not None
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: len(package.split(".")) - node.level + 1] if node.level else []
            base = ".".join([*above, *([node.module] if node.module else [])])
            for alias in node.names:
                inner = f"{base}.{alias.name}"
                yield inner if path_of(inner, root) else base


def reached_from(modules: list[str], root: Path = ROOT) -> dict[str, list[str]]:
    """Return every module of mipsh that some modules reach, with what each imports."""
    found: dict[str, list[str]] = {}
    waiting = list(modules)
    while waiting:
        module = waiting.pop()
        if module in found or path_of(module, root) is None:
            continue
        found[module] = list(imports_of(module, root))
        parents = [module.rsplit(".", n)[0] for n in range(1, module.count(".") + 1)]
        waiting += [name for name in (*parents, *found[module]) if name.split(".")[0] == "mipsh"]
    return found


def is_pure(module: str) -> bool:
    """Tell whether a module of mipsh may be imported above the line."""
    return module in SHARED or module.split(".")[1] in PURE


def impurities(modules: list[str], root: Path = ROOT) -> list[str]:
    """Return what some modules import, themselves or through others of mipsh, that is below the line."""
    broken = []
    for module, imported in reached_from(modules, root).items():
        broken += [f"{module} is below the line"] if not is_pure(module) else []
        broken += [f"{module} imports {name}" for name in imported if name.split(".")[0] in FORBIDDEN]
    return sorted(broken)


@pytest.mark.parametrize("package", PURE)
def test_what_is_pure_imports_nothing_that_is_not(package: str) -> None:
    """Neither the module itself nor any module of mipsh that it reaches."""
    assert impurities(modules_in(package)) == []


def test_the_packages_that_are_there_are_looked_at() -> None:
    """An empty list of modules would prove nothing."""
    for package in ("wire", "model", "grammar"):
        assert len(modules_in(package)) > 1
    reached = reached_from(modules_in("grammar"))
    assert {"mipsh", "mipsh.errors", "mipsh.status", "mipsh.model.columns", "mipsh.grammar.lines"} <= set(reached)


@pytest.mark.parametrize("package", PURE)
def test_what_is_pure_calls_nothing_that_touches_the_world(package: str) -> None:
    """Files and terminals can be reached without an import, too."""
    calls = []
    for module in modules_in(package):
        path = path_of(module)
        assert path is not None
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in TOUCHING:
                calls.append(f"{module}:{node.lineno} {node.func.id}")
    assert calls == []


@pytest.mark.parametrize("package", [package for package in PURE if modules_in(package)])
def test_importing_what_is_pure_loads_nothing_below(package: str) -> None:
    """In a fresh interpreter: no module of mipsh from below the line, and none of the heavy libraries."""
    program = f"import sys, {', '.join(modules_in(package))}; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-I", "-c", program], capture_output=True, text=True, check=True)
    loaded = done.stdout.split()
    assert set(modules_in(package)) <= set(loaded)
    ours = [module for module in loaded if module.split(".")[0] == "mipsh"]
    assert [module for module in ours if not is_pure(module)] == []
    assert [module for module in loaded if module.split(".")[0] in HEAVY] == []


def test_the_core_imports_no_command_and_no_plugin() -> None:
    """They are found by name: the arrow points one way."""
    core = [module for module in modules_in("") if module.split(".")[1:2] not in (["commands"], ["plugins"])]
    assert {"mipsh.cli", "mipsh.registry", "mipsh.execute", "mipsh.grammar.lines"} <= set(core)
    outer = ("mipsh.commands", "mipsh.plugins", "commands", "plugins")
    broken = [
        f"{module} imports {name}"
        for module in core
        for name in imports_of(module)
        if any(name == one or name.startswith(f"{one}.") for one in outer)
    ]
    assert broken == []


SAMPLE = {
    "mipsh/__init__.py": "",
    "mipsh/errors.py": "import enum\n",
    "mipsh/wire/__init__.py": "from mipsh import errors\n",
    "mipsh/wire/good.py": "import struct\nfrom .. import errors\nfrom . import late as later\n",
    "mipsh/wire/late.py": "def now():\n    import time as t\n    return t.time()\n",
    "mipsh/wire/nested.py": "if True:\n    from os.path import join\n",
    "mipsh/wire/far.py": "from mipsh.wire import good\n",
    "mipsh/wire/below.py": "from mipsh.session import Session\n",
    "mipsh/session.py": "from mipsh.linux.sockets import ask\n",
    "mipsh/linux/__init__.py": "",
    "mipsh/linux/sockets.py": "import socket\n",
}


def test_an_impurity_is_found(tmp_path: Path) -> None:
    """In a function, through another module, by a relative import, and below the line."""
    for name, text in SAMPLE.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    root = tmp_path / "mipsh"
    assert set(modules_in("wire", root)) == {
        f"mipsh.wire{name}" for name in ("", ".good", ".late", ".nested", ".far", ".below")
    }
    assert list(imports_of("mipsh.wire.good", root)) == ["struct", "mipsh.errors", "mipsh.wire.late"]
    assert impurities(["mipsh.wire"], root) == []
    assert impurities(["mipsh.wire.far"], root) == ["mipsh.wire.late imports time"]
    assert impurities(["mipsh.wire.nested"], root) == ["mipsh.wire.nested imports os.path"]
    assert impurities(["mipsh.wire.below"], root) == [
        "mipsh.linux is below the line",
        "mipsh.linux.sockets imports socket",
        "mipsh.linux.sockets is below the line",
        "mipsh.session is below the line",
    ]
    assert modules_in("nothing", root) == []
