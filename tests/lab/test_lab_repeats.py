"""A run with the same seed repeats byte for byte, in captures and in the trace, and tshark reads it."""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from mipsh.lab.applications import Echo, Stream
from mipsh.lab.capture import Capture
from mipsh.lab.link import LinkParameters
from mipsh.lab.topology import ETHERNET, HOME, Lab, LabParameters
from mipsh.lab.trace_log import TraceLog

TSHARK = shutil.which("tshark")
LONGEST_S = 60
WRONG = "_ws.malformed || _ws.expert.severity >= warning || icmpv6.checksum.status == 0 || udp.checksum.status == 0"
CHECKSUMS = ("-o", "udp.check_checksum:TRUE")


def run(seed: int) -> tuple[dict[str, bytes], str]:
    """Let two mobile nodes talk and move, over bad links; return all captures and the trace."""
    bad = LinkParameters(jitter_s=0.003, loss=0.05, duplication=0.05, reordering=0.05)
    log = TraceLog()
    lab = Lab(LabParameters(seed=seed, home=bad, foreign=bad, backbone=bad), log)
    captures = {name: Capture(link) for name, link in lab.network.links.items()}
    for link in ("foreign1", HOME):
        lab.add_mobile_node(link)
    lab.network.run_for(8.0)
    Echo(lab.network, "mn", lab.correspondent_address(), count=20)
    Stream(lab.network, "mn2", "mn", lab.mobile_nodes["mn"], interval_s=0.2)
    lab.network.move("mn", ETHERNET, "foreign2", 0.1)
    lab.network.run_for(8.0)
    lab.network.move("mn2", ETHERNET, "foreign1", 0.1)
    lab.network.move("mn", ETHERNET, HOME, 0.2)
    lab.network.run_for(8.0)
    return {name: capture.encode() for name, capture in captures.items()}, log.ndjson()


@pytest.fixture(name="first", scope="module")
def first_run() -> tuple[dict[str, bytes], str]:
    """One run for all tests of this module."""
    return run(1)


def digest(run_: tuple[dict[str, bytes], str]) -> list[str]:
    """Return what is compared: a test that fails is not to print megabytes."""
    captures, trace = run_
    return [hashlib.sha256(data).hexdigest() for data in (*captures.values(), trace.encode())]


def test_the_same_seed_gives_the_same(first: tuple[dict[str, bytes], str]) -> None:
    """All captures and the whole trace; another seed gives others."""
    again, other = digest(run(1)), digest(run(2))
    assert digest(first) == again
    assert not set(again) & set(other)


def test_another_process_gives_the_same(first: tuple[dict[str, bytes], str]) -> None:
    """Whatever order its sets of bytes have: Python chooses that anew for each process."""
    code = "import test_lab_repeats as it; print(*it.digest(it.run(1)))"
    for hash_seed in ("1", "2"):
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(Path(__file__).parent)}
        command = [sys.executable, "-c", code]
        done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=True, env=environment)
        assert done.stdout.split() == digest(first)


@pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")
def test_tshark_finds_nothing_malformed(first: tuple[dict[str, bytes], str], tmp_path: Path) -> None:
    """It dissects every frame of every link."""
    assert TSHARK is not None
    updates = 0
    for name, data in first[0].items():
        path = tmp_path / f"{name}.pcap"
        path.write_bytes(data)
        for expression in (WRONG, "mip6.mhtype == 5"):
            command = [TSHARK, "-n", *CHECKSUMS, "-r", str(path), "-Y", expression]
            done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=True)
            if expression == WRONG:
                assert done.stdout == ""
            updates += len(done.stdout.splitlines())
    assert updates > 0
