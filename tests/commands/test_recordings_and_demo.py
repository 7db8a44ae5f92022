"""``record``, ``replay``, ``demo``: an engine kept in files, and served from them."""

import signal
import stat
from pathlib import Path

import pytest
from harness import RECORDINGS, ROUTE_OPTIMISED, Mipsh, Replay

from mipsh.node.replay import RecordedResponder
from mipsh.recording import load

FOLDER = str(RECORDINGS / ROUTE_OPTIMISED)


@pytest.mark.parametrize("node", ["mn", "ha", "cn"])
def test_a_recording_of_a_recording_is_the_same_bytes(mipsh: Mipsh, replay: Replay, tmp_path: Path, node: str) -> None:
    """Recorded, served, recorded again: every question and every reply; only for its owner."""
    first = mipsh("-e", replay(ROUTE_OPTIMISED, node).uri, "record", str(tmp_path / "one"), "--no-kernel")
    assert first.status == 0
    exchanges = load(tmp_path / "one", node).exchanges
    uri = replay.serve(RecordedResponder(load(tmp_path / "one", node))).uri
    assert mipsh("-e", uri, "record", str(tmp_path / "two"), "--no-kernel", "--name", "again").status == 0
    again = load(tmp_path / "two", "again").exchanges
    assert [(e.command, e.reply) for e in again] == [(e.command, e.reply) for e in exchanges]
    assert [e.command for e in exchanges].count("bc") == 4
    original = load(RECORDINGS / ROUTE_OPTIMISED, node)
    for exchange in exchanges[-2:]:
        assert exchange.reply.removesuffix("\0") in {said.body for said in original.said()[exchange.command]}
    assert stat.S_IMODE((tmp_path / "one" / f"{node}.vt.json").stat().st_mode) == 0o600


def test_the_kernel_s_counters_are_kept_beside_it(mipsh: Mipsh, replay: Replay, tmp_path: Path) -> None:
    """What this kernel has of them is listed with its size, and only its owner reads it."""
    ran = mipsh("-e", replay(ROUTE_OPTIMISED, "mn").uri, "record", str(tmp_path / "kept"), "--json")
    files = {Path(row["path"]).name: row["size"] for row in ran.rows}
    assert {"mn.vt.json", "mn.snmp6.txt"} <= files.keys()
    for name, size in files.items():
        found = (tmp_path / "kept" / name).stat()
        assert (found.st_size, stat.S_IMODE(found.st_mode)) == (size, 0o600)


def test_where_nothing_can_be_written_nothing_is(mipsh: Mipsh, replay: Replay, tmp_path: Path) -> None:
    """A file stands where the folder should be; a name cannot name a file."""
    (tmp_path / "file").write_text("")
    uri = replay(ROUTE_OPTIMISED, "mn").uri
    assert mipsh("-e", uri, "record", str(tmp_path / "file")).status == 2
    assert mipsh("-e", uri, "record", str(tmp_path / "new"), "--name", "a/b").status == 64
    assert not (tmp_path / "new").exists()


def test_replay_serves_until_it_is_interrupted(mipsh: Mipsh) -> None:
    """A process of its own: it says where it listens, answers, and ends on Ctrl-C with 130."""
    words = ("--no-config", "-o", "tsv", "--no-headers", "replay", FOLDER, "--node", "ha", "--port", "0")
    with mipsh.start(*words) as process:
        assert process.stdout is not None
        uri = process.stdout.readline().split("\t")[0]
        ran = mipsh("-e", uri, "hal", "--columns", "address", "-o", "tsv", "--no-headers")
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=30)
    assert (ran.status, ran.stdout) == (0, "2001:db8:1::1\n")
    assert process.returncode == 130


@pytest.mark.parametrize(
    ("words", "status", "said"),
    [
        ([FOLDER], 64, "choose one with --node NAME"),
        ([FOLDER, "--node", "xx"], 64, "holds no recording of the node 'xx'"),
        ([FOLDER, "--node", "mn", "--port", "65536"], 64, "0 to 65535"),
        ([FOLDER, "--node", "mn", "--port", "0", "--host", "192.0.2.1"], 64, "cannot listen on 192.0.2.1"),
        (["/nowhere"], 64, "cannot read the recording '/nowhere'"),
    ],
)
def test_what_cannot_be_replayed_is_said(mipsh: Mipsh, words: list[str], status: int, said: str) -> None:
    """Before anything listens."""
    ran = mipsh("replay", *words)
    assert ran.status == status
    assert said in ran.stderr


def test_a_taken_port_is_refused(mipsh: Mipsh, replay: Replay) -> None:
    """Another program listens there."""
    port = str(replay(ROUTE_OPTIMISED, "mn").server.address[1])
    ran = mipsh("replay", FOLDER, "--node", "mn", "--port", port)
    assert ran.status == 77
    assert "another program listens there" in ran.stderr


def test_the_recorded_demo_is_a_tour_off_a_terminal(mipsh: Mipsh) -> None:
    """No engine, no set-up, no question: it shows route optimisation and ends well."""
    ran = mipsh("demo", "--recorded")
    assert ran.status == 0
    assert "2001:db8:4::2" in ran.stdout
    assert ran.stdout.splitlines()[-1].startswith("yes")
    assert ran.stderr.count("\n> ") == 7
    assert mipsh.process("--no-config", "demo", "--recorded").stdout.splitlines()[-1].startswith("yes")
