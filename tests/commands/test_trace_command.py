"""``trace``: of captures and of nodes, what it shows and writes, what it refuses, and what it cannot hear."""

import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Iterator
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
from harness import RECORDINGS, Mipsh
from scripted_engines import ScriptedMipd

from mipsh.captures.frames import ETHERNET, RAW_IPV6, Frame
from mipsh.captures.reader import Reader
from mipsh.captures.writer import Writer
from mipsh.environment import Environment
from mipsh.linux.privileges import CAP_NET_RAW, permitted
from mipsh.process import run
from mipsh.wire import mobility, pcap
from mipsh.wire.address import parse
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Esp, Packet

CAPTURE = RECORDINGS / "captures" / "mn.pcap"
HOME, PEER = parse("2001:db8:1::100"), parse("2001:db8:4::2")
UNPRIVILEGED = "setpriv --bounding-set=-net_raw " if permitted() >> CAP_NET_RAW & 1 else ""


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[str]:
    """Serve a mipd that tells of nothing; return its address."""
    path = tmp_path / "control"
    served = ScriptedMipd(path, "mn")
    try:
        yield f"mipd://{path}"
    finally:
        served.close()


def of(rows: list[dict[str, Any]], exchange: str) -> list[dict[str, Any]]:
    """Return the rows of a kind."""
    return [row for row in rows if row["exchange"] == exchange]


def saved(path: Path, *packets: Packet, link_type: int = pcap.RAW_IPV6) -> str:
    """Write packets into a capture, return its path."""
    path.write_bytes(pcap.write(link_type, [(number, packet.encode()) for number, packet in enumerate(packets, 1)]))
    return str(path)


def test_a_capture(mipsh: Mipsh) -> None:
    """Its exchanges in the order of time, and below them how many of each kind there were."""
    ran = mipsh("trace", "--read", str(CAPTURE), "--json")
    assert ran.status == 0
    times = [row["time"] for row in ran.rows]
    assert times == sorted(times)
    assert len(ran.rows) == 30
    shown = mipsh("trace", "--read", str(CAPTURE))
    said = "62 messages, 30 exchanges: 13 accepted, 12 answered, 4 error, 1 unanswered; 21 copies on other interfaces"
    assert shown.stdout.endswith(f"{said}\n")
    assert shown.stderr == ""


@pytest.mark.parametrize(
    ("words", "count"), [(("errors",), 5), (("rr", "2001:db8:4::3"), 2), (("bu", "--where", "state=rejected"), 0)]
)
def test_only_some(mipsh: Mipsh, words: tuple[str, ...], count: int) -> None:
    """By words and addresses, and by conditions on columns as anywhere; none at all is no failure."""
    ran = mipsh("trace", *words, "--read", str(CAPTURE), "--json")
    assert (ran.status, len(ran.rows)) == (0, count)


def test_a_word_that_is_none(mipsh: Mipsh) -> None:
    """Nothing is read."""
    ran = mipsh("trace", "nonsense", "--read", str(CAPTURE))
    assert ran.status == 64


def test_what_an_error_means_is_said(mipsh: Mipsh) -> None:
    """In a sentence, with what to do."""
    ran = mipsh("trace", "errors", "2001:db8:4::3", "--read", str(CAPTURE), "--json")
    (first, _) = ran.rows
    assert first["explanation"].startswith(
        "1 HoTI, no HoT: answered by the Parameter Problem (unrecognized next header)"
    )
    assert "does not do Mobile IPv6" in first["advice"]


def test_as_it_comes(mipsh: Mipsh) -> None:
    """Each exchange when it is known, a line each; those that are missed once more when they are over."""
    ran = mipsh("trace", "--read", str(CAPTURE), "--follow", "-o", "ndjson")
    assert ran.status == 0
    rows = [json.loads(line) for line in ran.stdout.splitlines()]
    missed = [row for row in rows if row["state"] == "unanswered"]
    assert len({row["number"] for row in rows}) == 30
    assert [row["questions"] for row in missed] == [4, 6]
    assert len(rows) == 31


def test_standard_input(mipsh: Mipsh) -> None:
    """A pipe is a capture like any other; a terminal, or text, is none."""
    out, err = StringIO(), StringIO()
    stdin = TextIOWrapper(BytesIO(CAPTURE.read_bytes()))
    status = run(("trace", "--read", "-", "--json"), Environment(mipsh.variables, stdin, out, err))
    assert (status, len(json.loads(out.getvalue())["data"])) == (0, 30)
    ran = mipsh("trace", "--read", "-", stdin="nothing")
    assert ran.status == 64
    assert "no capture on standard input" in ran.stderr


def test_a_diagram_and_a_picture(mipsh: Mipsh, tmp_path: Path) -> None:
    """Eighty columns wide where nobody says otherwise; with the names that the user gave."""
    picture = tmp_path / "it.svg"
    words = "trace", "2001:db8:4::2", "--read", str(CAPTURE), "--ladder", "--svg", str(picture)
    ran = mipsh("-c", f"alias server 2001:db8:4::2; {' '.join(words)}")
    assert ran.status == 0
    lines = ran.stdout.split("\n\n")[-1].splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split() == ["MN", "server"]
    assert lines[-1].strip() == "server: 2001:db8:4::2"
    assert ElementTree.parse(picture).getroot().tag.endswith("svg")


def test_what_was_heard_is_kept(mipsh: Mipsh, tmp_path: Path) -> None:
    """All that carries mobility, as it was, for nobody else's eyes; it reads the same."""
    kept = tmp_path / "kept.pcapng"
    assert mipsh("trace", "rr", "--read", str(CAPTURE), "--save", str(kept)).status == 0
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert mipsh("trace", "--read", str(kept), "--json").rows == mipsh("trace", "--read", str(CAPTURE), "--json").rows
    with kept.open("rb") as file:
        assert sum(1 for _ in Reader(file.read).frames()) == 190
    ran = mipsh("trace", "--read", str(kept), "--save", str(tmp_path / "." / "kept.pcapng"))
    assert ran.status == 64
    assert kept.stat().st_size > 10_000
    assert mipsh("trace", "--read", str(kept), "--save", str(tmp_path)).status == 2
    assert mipsh("trace", "--read", str(kept), "--svg", str(tmp_path / "no" / "folder")).status == 2


def test_dry_run_writes_nothing(mipsh: Mipsh, tmp_path: Path) -> None:
    """It says how it would be done."""
    ran = mipsh("trace", "--read", str(CAPTURE), "--save", str(tmp_path / "kept"), "--dry-run", "--json")
    assert ran.status == 0
    assert any("tshark" in str(row["equivalent"]) for row in ran.rows)
    assert not (tmp_path / "kept").exists()


def test_a_capture_that_breaks_off(mipsh: Mipsh, tmp_path: Path) -> None:
    """What could be read is shown; then what is wrong, and where."""
    path = tmp_path / "broken.pcap"
    path.write_bytes(CAPTURE.read_bytes()[:5000])
    ran = mipsh("trace", "--read", str(path), "--json")
    assert (ran.status, len(ran.rows)) == (2, 4)
    assert "captured length at offset 4936: expected at most 56, found 84" in ran.stderr
    assert "40 packets before that were read" in ran.stderr
    path.write_text("this is no capture")
    ran = mipsh("trace", "--read", str(path))
    assert ran.status == 2
    assert "magic number at offset 0" in ran.stderr
    assert mipsh("trace", "--read", str(tmp_path / "missing")).status == 64
    assert mipsh("trace", "--read", str(tmp_path)).status == 64


def test_packets_without_their_end(mipsh: Mipsh, tmp_path: Path) -> None:
    """They are counted: what they carry may be missing, and is not called malformed."""
    path = tmp_path / "cut.pcapng"
    data = Packet(HOME, PEER, MobilityHeader(INIT)).encode()
    with path.open("wb") as file:
        writer = Writer(file.write)
        for end in (44, 60):
            writer.frame(Frame(1, "eth0", len(data) + 8, data[:end], RAW_IPV6))
    ran = mipsh("trace", "--read", str(path), "--json")
    assert [row["state"] for row in ran.rows if row["state"] == "malformed"] == []
    assert "2 packets were not captured to their end" in ran.stderr


def test_nothing_could_be_seen(mipsh: Mipsh, tmp_path: Path) -> None:
    """An empty capture, a link type that is not known, and nothing but encrypted packets: status 3."""
    ran = mipsh("trace", "--read", saved(tmp_path / "empty"))
    assert ran.status == 3
    assert "no packet" in ran.stderr
    ran = mipsh("trace", "--read", saved(tmp_path / "radio", Packet(HOME, PEER, Esp(1, 2, b"")), link_type=105))
    assert ran.status == 3
    assert "link type 105" in ran.stderr
    encrypted = [Packet(HOME, PEER, Esp(1, number, bytes(40))) for number in range(3)]
    ran = mipsh("trace", "--read", saved(tmp_path / "esp", *encrypted))
    assert ran.status == 3
    assert "3 packets were encrypted (ESP)" in ran.stderr
    ran = mipsh("trace", "--read", saved(tmp_path / "plain", encrypted[0], Packet(HOME, PEER, MobilityHeader(INIT))))
    assert ran.status == 0


INIT = mobility.HomeTestInit(b"cookie!!")


def test_what_a_capture_calls_its_interfaces_does_not_act(mipsh: Mipsh, tmp_path: Path) -> None:
    """A name is text, and no secret is shown."""
    path = tmp_path / "hostile.pcapng"
    frame = bytes(12) + b"\x86\xdd" + Packet(HOME, PEER, MobilityHeader(INIT)).encode()
    with path.open("wb") as file:
        Writer(file.write).frame(Frame(1, "\x1b]0;owned\x07", len(frame), frame, ETHERNET))
    for words in (("--wide",), ("-o", "vertical", "--wide"), ("--ladder",), ("--json",)):
        ran = mipsh("trace", "--read", str(path), *words)
        assert "\x1b" not in ran.stdout
        assert "\x07" not in ran.stdout
        assert b"cookie!!".hex() not in ran.stdout
        assert "cookie!!" not in ran.stdout


def test_options_that_do_not_go_together(mipsh: Mipsh) -> None:
    """A capture has an end of its own."""
    assert mipsh("trace", "--read", str(CAPTURE), "--for", "3").status == 64


def unprivileged(mipsh: Mipsh, *words: str) -> subprocess.CompletedProcess[str]:
    """Run mipsh in a process that may not open packet sockets."""
    if UNPRIVILEGED and shutil.which("setpriv") is None:
        pytest.skip("setpriv is not installed")
    argv = [*UNPRIVILEGED.split(), sys.executable, "-m", "mipsh", "--no-config", *words]
    return subprocess.run(argv, env=mipsh.variables, capture_output=True, text=True, check=False, timeout=30)


def test_without_privilege(mipsh: Mipsh, engine: str) -> None:
    """It says what is missing and how to grant it; where an engine tells of events, those are shown."""
    refused = unprivileged(mipsh, "-e", "umip://127.0.0.1:1", "trace", "--for", "1")
    assert refused.returncode in (69, 77)
    refused = unprivileged(mipsh, "trace", "--for", "1")
    assert refused.returncode == 77
    assert "needs CAP_NET_RAW" in refused.stderr
    assert "setcap" in refused.stderr
    told = unprivileged(mipsh, "-e", engine, "trace", "--for", "200ms")
    assert told.returncode == 0, told.stderr
    assert "only the engine's events are shown" in told.stderr


@pytest.mark.skipif(not permitted() >> CAP_NET_RAW & 1, reason="watching packets needs CAP_NET_RAW")
def test_a_quiet_node(mipsh: Mipsh, engine: str, tmp_path: Path) -> None:
    """Nothing happened, and that is known; the file is a capture without packets."""
    kept = tmp_path / "quiet.pcapng"
    ran = mipsh("-e", engine, "trace", "events", "--for", "100ms", "--save", str(kept), "--json")
    assert (ran.status, ran.rows) == (0, [])
    assert "listening for 0.1 s" in ran.stderr
    with kept.open("rb") as file:
        assert isinstance(list(Reader(file.read).frames()), list)


def test_how_it_is_done_by_hand(mipsh: Mipsh) -> None:
    """With tcpdump and tshark."""
    lines = [str(row["equivalent"]) for row in mipsh("trace", "--for", "5", "--save", "x.pcap", "--how", "--json").rows]
    assert lines[0] == "timeout 5 tcpdump -n -i any ip6 -w x.pcap"
    assert lines[1].startswith("tshark -n -r x.pcap -Y 'mipv6")
