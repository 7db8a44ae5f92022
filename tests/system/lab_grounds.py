"""What tests of labs need: a place of their own for each, that is left as it was found."""

import os
import secrets
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from mipsh.lab.namespaces import Ground, tear_down
from mipsh.lab.state import Place
from mipsh.linux.processes import marked

STUB = """
import signal, socket, sys, tomllib
listener = socket.socket(socket.AF_UNIX)
listener.bind(tomllib.load(open(sys.argv[1], "rb"))["control"])
listener.listen()
print("stub", flush=True)
signal.pause()
"""
"""Stands in for mipd where only the lab's own part is looked at: it listens, and does nothing."""

needs_root = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="named namespaces and TUN need root and /dev/net/tun"
)


def silent(text: str) -> None:
    """Say nothing."""


def new_name() -> str:
    """Return a lab's name that no other test has."""
    return f"t{secrets.token_hex(4)}"


@contextmanager
def new_ground(folder: Path, program: tuple[str, ...] | None = None) -> Iterator[Ground]:
    """Make the place for a lab, and remove whatever is built there."""
    place = Place(folder / "mipsh", new_name())
    ground = Ground(place) if program is None else Ground(place, program=program)
    try:
        yield ground
    finally:
        tear_down(ground, silent)


def stub(folder: Path) -> tuple[str, ...]:
    """Return the program that stands in for mipd."""
    path = folder / "stub.py"
    path.write_text(STUB, encoding="utf-8")
    return sys.executable, str(path)


def left_of(ground: Ground) -> list[str]:
    """Return what there is of a lab: namespaces, processes, files."""
    found = ground.found() + [str(process.pid) for process in marked(ground.place.mark)]
    with suppress(FileNotFoundError):
        found += [str(path) for path in ground.place.sockets.iterdir()]
    return found
