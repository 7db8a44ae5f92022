"""What a run of mipsh loads: the start-up budget, held without measuring time.

Each run is a process of its own that lists its modules when it ends; a library that costs tens
of milliseconds is loaded by the runs that use it and by no other.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from mipsh.node.replay import RecordedResponder
from mipsh.node.vt import VtServer
from mipsh.recording import load

RECORDING = Path(__file__).parent / "recordings" / "mip6d-1.0" / "03-route-optimised"
RUN = "import sys; from mipsh.cli import main; status = main(); print(*sys.modules, file=sys.stderr); sys.exit(status)"
HEAVY = {"asyncio", "importlib.metadata", "prompt_toolkit", "pyroute2", "rich", "scapy", "yaml"}
STANDARD_HEAVY = {"argparse", "dataclasses", "email", "inspect", "logging", "subprocess", "tomllib"}


@pytest.fixture
def engine() -> Iterator[str]:
    """Serve the recorded home agent; return its address."""
    with VtServer(RecordedResponder(load(str(RECORDING), "ha"))) as server:
        host, port = server.address
        yield f"umip://{host}:{port}"


def imported(tmp_path: Path, *words: str, status: int = 0) -> set[str]:
    """Run mipsh off a terminal; return the names of all modules loaded at its end."""
    run = subprocess.run(
        [sys.executable, "-c", RUN, *words],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={"PATH": os.environ["PATH"], "HOME": str(tmp_path), "LC_ALL": "C.UTF-8"},
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == status, run.stderr
    assert run.stdout
    return set(run.stderr.splitlines()[-1].split())


def test_the_version_loads_nothing_but_the_package_itself(tmp_path: Path) -> None:
    """``--version`` costs what the interpreter costs."""
    found = imported(tmp_path, "--version")
    assert {name for name in found if name.startswith("mipsh")} == {"mipsh", "mipsh.cli"}
    assert not found & (HEAVY | STANDARD_HEAVY | {"msgspec"})


@pytest.mark.parametrize("format_", ["json", "ndjson", "csv", "table"])
def test_a_table_off_a_terminal_loads_nothing_heavy(tmp_path: Path, engine: str, format_: str) -> None:
    """One question to a live engine needs a socket, records and one format."""
    found = imported(tmp_path, "-e", engine, "bc", "-o", format_)
    assert f"mipsh.plugins.formats.{format_}" in found
    assert not found & HEAVY


def test_a_question_loads_its_own_command_and_engine_only(tmp_path: Path, engine: str) -> None:
    """The other commands, engines and formats stay where they are."""
    found = imported(tmp_path, "-e", engine, "bc", "-o", "json")
    assert {name for name in found if name.startswith("mipsh.commands.")} == {"mipsh.commands.bc"}
    assert {name for name in found if name.startswith("mipsh.plugins.formats.")} == {"mipsh.plugins.formats.json"}


def test_a_filtered_and_sorted_table_loads_nothing_heavy(tmp_path: Path, engine: str) -> None:
    """Filters are part of a one-shot command."""
    words = ("bc", "--where", "hoa=2001:db8:1::/64", "--sort", "-remaining", "--columns", "hoa,coa")
    assert not imported(tmp_path, "-e", engine, *words) & HEAVY


def test_an_engine_that_is_not_there_loads_nothing_heavy(tmp_path: Path) -> None:
    """An error is a document like any other."""
    assert not imported(tmp_path, "-e", "umip://[::1]:1", "bc", "-o", "json", status=69) & HEAVY


@pytest.mark.parametrize(
    ("words", "library"),
    [
        (("version",), "importlib.metadata"),
        (("bc", "-o", "yaml"), "yaml"),
    ],
)
def test_what_is_used_is_seen(tmp_path: Path, engine: str, words: tuple[str, ...], library: str) -> None:
    """The list would show a heavy library, were it loaded."""
    assert library in imported(tmp_path, "-e", engine, *words)
