"""Fixtures that all tests share: recorded engines on real sockets, and mipsh with files of its own."""

import os
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from harness import Mipsh, Replay
from hypothesis import settings

# A slow machine is no fault of the code. Where a commit is judged, every run draws the same examples.
settings.register_profile("here", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "here")


@pytest.fixture
def replay() -> Iterator[Replay]:
    """Serve recorded nodes: ``replay(folder, node).uri`` names one."""
    with ExitStack() as stack:
        yield Replay(stack.enter_context)


@pytest.fixture
def mipsh(tmp_path: Path) -> Mipsh:
    """Run mipsh: ``mipsh("bc", "--json")`` returns its status and what it wrote."""
    home = tmp_path / "home"
    home.mkdir()
    variables = {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home / "config"),
        "XDG_STATE_HOME": str(home / "state"),
        "XDG_RUNTIME_DIR": str(home / "run"),
        "PATH": os.environ.get("PATH", os.defpath),
        "TERM": "xterm",
        "LC_ALL": "C.UTF-8",
    }
    return Mipsh(home, variables)
