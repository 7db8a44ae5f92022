"""A simulated lab has the commands of a real one, as far as they make sense without namespaces."""

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from harness import Mipsh

from mipsh.lab.state import LabState
from mipsh.linux.processes import marked


@pytest.fixture
def lab(mipsh: Mipsh) -> Iterator[Mipsh]:
    """Build a simulated lab, and remove it whatever happens."""
    ran = mipsh("lab", "up", "--simulated", "--cns", "2")
    try:
        assert ran.status == 0, ran.stderr
        yield mipsh
    finally:
        mipsh("lab", "down")


def folder(mipsh: Mipsh) -> Path:
    """Return the folder of all labs."""
    return Path(mipsh.variables["XDG_RUNTIME_DIR"]) / "mipsh"


def test_a_simulated_lab_from_up_to_down(lab: Mipsh) -> None:
    """Asked as a mipd, moved, and gone without a trace."""
    assert lab("lab", "ping", "cn2", "mn", "--json").rows[0]["source"] == "2001:db8:1::100"
    bindings = lab("-e", "mipd:lab-mn", "bul", "--json").rows
    assert [row["peer_address"] for row in bindings] == ["2001:db8:1::1", "2001:db8:4::3"]
    assert lab("-e", "mipd:lab-r1", "status").status == 0
    assert "registered from 2001:db8:3:" in lab("lab", "move", "mn", "foreign2").stdout
    assert "mn is at home" in lab("lab", "move", "mn", "home").stdout
    assert lab("lab", "down").status == 0
    assert not folder(lab).exists()
    assert marked(f"MIPSH_LAB={folder(lab)}/lab-lab") == []


def test_links_and_nodes_go_wrong(lab: Mipsh) -> None:
    """Loss, delay, a node that dies and begins anew."""
    lab("lab", "ping", "cn", "mn")
    assert lab("lab", "delay", "foreign1", "30").status == 0
    delayed = lab("lab", "ping", "cn", "mn", "--count", "1", "--json").rows
    assert 60 < delayed[0]["rtt_ms"] < 80
    assert lab("lab", "loss", "foreign1", "100").status == 0
    assert lab("lab", "ping", "cn", "mn", "--count", "1").status == 1
    assert lab("lab", "loss", "foreign1", "0").status == 0
    assert lab("lab", "fault", "cn-restart").status == 0
    assert lab("-e", "mipd:lab-cn", "bc", "--json").rows == []
    assert lab("lab", "fault", "ha-dead").status == 0
    assert "ha (down)" in lab("lab", "status").stdout
    assert lab("-e", "mipd:lab-ha", "bc").status == 69
    assert lab("lab", "fault", "off").status == 0
    assert lab("-e", "mipd:lab-ha", "bc").status == 0


@pytest.mark.parametrize(
    "words",
    [
        ("lab", "exec", "mn", "true"),
        ("lab", "shell", "mn"),
        ("lab", "capture", "home", "file"),
        ("lab", "move", "mn", "home", "--measure"),
        ("lab", "fault", "MIP-001"),
    ],
)
def test_what_needs_namespaces_says_so(lab: Mipsh, words: tuple[str, ...]) -> None:
    """It is refused, never pretended."""
    ran = lab(*words)
    assert ran.status == 77
    assert "this lab is simulated" in ran.stderr


def test_killed_it_is_seen_and_removed(lab: Mipsh) -> None:
    """All nodes are down, and what it left goes."""
    state = msgspec.json.decode((folder(lab) / "lab-lab" / "state.json").read_bytes(), type=LabState)
    process = state.node("mn").process
    assert process is not None
    os.kill(process.pid, signal.SIGKILL)
    deadline = time.monotonic() + 5
    while {row["state"] for row in lab("lab", "status", "--json").rows} != {"down"}:
        assert time.monotonic() < deadline
    assert lab("lab", "move", "mn", "home").status == 69
    assert lab("lab", "down").status == 0
    assert not folder(lab).exists()
