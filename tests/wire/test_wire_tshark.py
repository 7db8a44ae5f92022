"""Tshark dissects what mipsh builds, and finds nothing malformed and no wrong checksum."""

import shutil
import subprocess
from pathlib import Path

import pytest
from wire_samples import BUILT
from wire_vectors import named

from mipsh.wire import pcap

TSHARK = shutil.which("tshark")
LONGEST_S = 60
CHECKSUMS = ("-o", "udp.check_checksum:TRUE", "-o", "tcp.check_checksum:TRUE")
WRONG = "_ws.malformed || _ws.expert.severity >= warning || icmpv6.checksum.status == 0"

pytestmark = pytest.mark.skipif(TSHARK is None, reason="tshark is not installed")


def numbers(path: Path, expression: str) -> list[str]:
    """Return the numbers of the frames that match a display filter."""
    assert TSHARK is not None
    command = [TSHARK, "-n", *CHECKSUMS, "-r", str(path), "-Y", expression, "-T", "fields", "-e", "frame.number"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=LONGEST_S, check=True)
    return done.stdout.split()


def written(path: Path, packets: list[bytes], before: bytes = b"", linktype: int = pcap.RAW_IP) -> Path:
    """Write a capture file, a frame a second."""
    path.write_bytes(pcap.write(linktype, [(n * 10**9 + 5, before + data) for n, data in enumerate(packets)]))
    return path


def test_nothing_is_malformed(tmp_path: Path) -> None:
    """A packet of every kind, as raw IP."""
    path = written(tmp_path / "built.pcap", [packet.encode() for packet in BUILT.values()])
    names = list(BUILT)
    assert [names[int(number) - 1] for number in numbers(path, WRONG)] == []
    assert len(numbers(path, "ipv6")) == len(BUILT)
    assert len(numbers(path, "mip6.mhtype")) == sum("test" in name or "binding" in name for name in BUILT)


def test_something_malformed_is_found(tmp_path: Path) -> None:
    """The filter finds what it must: a type 2 routing header of a wrong length, and a wrong checksum."""
    vectors = [named("derived-neg-RH2-len4").data, named("scapy-018 ICMPv6MPSol - build").data]
    path = written(tmp_path / "wrong.pcap", vectors)
    assert numbers(path, "_ws.malformed") == ["1"]
    assert numbers(path, WRONG) == ["1", "2"]


def test_ethernet_frames(tmp_path: Path) -> None:
    """The link type of the lab: the times are exact to the nanosecond."""
    header = bytes.fromhex("020000000001020000000002") + b"\x86\xdd"
    data = BUILT["binding update"].encode()
    path = written(tmp_path / "ethernet.pcap", [data, data], header, pcap.ETHERNET)
    assert numbers(path, "eth && mip6.bu.seqnr == 10") == ["1", "2"]
    assert numbers(path, "frame.time_delta == 1.0 && frame.time_epoch == 1.000000005") == ["2"]
