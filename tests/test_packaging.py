"""What is built and installed: entry points, constraints, wheel, sdist, and the Makefile's first step."""

import os
import re
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest

from mipsh.builtin import BUILT_IN

ROOT = Path(__file__).parents[1]
PINNED = re.compile(r"([A-Za-z0-9._-]+)==([0-9][A-Za-z0-9.+!]*)")
BROUGHT_BY_VENV = {"mipsh", "pip", "setuptools", "wheel"}


def project() -> dict[str, Any]:
    """Return the project table of pyproject.toml."""
    found = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    assert isinstance(found, dict)
    return found


def normal(name: str) -> str:
    """Return the one spelling of a distribution's name."""
    return re.sub(r"[-_.]+", "-", name).lower()


def constraints(name: str = "constraints.txt") -> dict[str, str]:
    """Return the versions by name; every line must be one of both, and nothing else."""
    lines = (ROOT / name).read_text("utf-8").splitlines()
    found = [PINNED.fullmatch(line) for line in lines]
    assert [line for line, match in zip(lines, found, strict=True) if match is None] == []
    return {normal(match[1]): match[2] for match in found if match is not None}


def test_the_constraints_name_all_that_is_installed() -> None:
    """Every distribution beside the tests stands in the constraints, with its version."""
    installed = {normal(found.name): found.version for found in distributions()}
    pinned = constraints()
    assert {name for name in installed if name not in pinned} <= BROUGHT_BY_VENV
    assert {name: pinned[name] for name in installed if name in pinned} == {
        name: version for name, version in installed.items() if name in pinned
    }


def test_every_requirement_is_pinned() -> None:
    """A new dependency cannot be forgotten in the constraints."""
    wanted = [*project()["dependencies"], *project()["optional-dependencies"]["dev"]]
    names = {normal(re.split(r"[\[><=~! ;]", requirement)[0]) for requirement in wanted}
    assert names <= constraints().keys()
    assert constraints("benchmarks/constraints.txt").keys() >= {"litecli"}


def test_the_entry_points_are_the_built_in_names() -> None:
    """What a scan finds for mipsh is what it knows without one."""
    declared = project()["entry-points"]
    assert {group: names for group, names in BUILT_IN.items() if names} == declared


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sdist, and the wheel from the sdist; return the folder of both."""
    folder = tmp_path_factory.mktemp("built")
    run = subprocess.run(
        [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(ROOT)],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def shipped() -> set[str]:
    """Return what a wheel must hold: every file of the package, through its two links to folders."""
    files = [
        Path(folder, name).relative_to(ROOT).as_posix()
        for folder, _, names in os.walk(ROOT / "mipsh", followlinks=True)
        for name in names
    ]
    return {file for file in files if "__pycache__" not in file}


def test_the_wheel_holds_the_whole_package(built: Path) -> None:
    """Commands, plugins, schemas and recordings are in it, tests and benchmarks are not."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    assert names == shipped()
    assert {"mipsh/commands/bc.py", "mipsh/plugins/engines/umip.py", "mipsh/py.typed"} <= names
    assert {"mipsh/schemas/binding_cache.json", "mipsh/recordings/route-optimised/mn.vt.json"} <= names


def test_the_sdist_can_be_worked_with(built: Path) -> None:
    """It holds the tests and the targets, and nothing that belongs to one machine."""
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"Makefile", "constraints.txt", "pyproject.toml", "LICENSE", "tests/test_packaging.py"} <= names
    hidden = {part for name in names for part in name.split("/") if part.startswith((".", "__py"))}
    assert hidden <= {".gitignore"}


def test_the_wheel_runs_without_the_tree(built: Path, tmp_path: Path) -> None:
    """The demo needs nothing but what was shipped."""
    (wheel,) = built.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    run = subprocess.run(
        [sys.executable, "-c", "import mipsh.cli; print(mipsh.__file__); mipsh.cli.main(['demo'])"],
        env={"PATH": os.defpath, "HOME": str(tmp_path), "PYTHONPATH": str(tmp_path / "site")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        cwd=tmp_path,
        text=True,
        check=False,
        timeout=60,
    )
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith(str(tmp_path / "site"))
    assert "bound" in run.stdout


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run make in a folder that holds nothing but the Makefile."""
    shutil.copy(ROOT / "Makefile", folder)
    return subprocess.run(["make", *words], cwd=folder, capture_output=True, text=True, check=False, timeout=60)


def test_make_alone_lists_the_targets(tmp_path: Path) -> None:
    """It does nothing else."""
    run = make(tmp_path)
    assert run.returncode == 0
    assert {line.split()[1] for line in run.stdout.splitlines()} >= {"demo", "test", "check", "bench"}
    assert [path.name for path in tmp_path.iterdir()] == ["Makefile"]


def test_an_old_python_is_refused(tmp_path: Path) -> None:
    """The message says what is needed, what there is, and what to type."""
    old = tmp_path / "old-python"
    pretend = "import sys; sys.version_info = (3, 9, 1); sys.version = '3.9.1 (old)'; exec(sys.argv[1])"
    old.write_text(f'#!/bin/sh\nexec {sys.executable} -c "{pretend}" "$2"\n', encoding="utf-8")
    old.chmod(0o755)
    run = make(tmp_path, f"PYTHON={old}", "test")
    assert run.returncode != 0
    assert f"mipsh needs Python 3.11 or newer; {old} is 3.9.1." in run.stderr
    assert not (tmp_path / ".venv").exists()
