"""A lab from up to down, by the commands that people type: real packets between real namespaces."""

import json
import os
import secrets
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from harness import Mipsh, Ran
from lab_grounds import left_of, needs_root

from mipsh.lab.existing import ground_of, place_of
from mipsh.lab.namespaces import Ground
from mipsh.lab.state import Kind

pytestmark = [pytest.mark.system, needs_root]
HOME_ADDRESS, CORRESPONDENT = "2001:db8:1::100", "2001:db8:4::2"


class Labs:
    """Runs lab commands on labs of names of their own, and knows what is left of them."""

    def __init__(self, mipsh: Mipsh) -> None:
        self.mipsh = mipsh
        self.names: list[str] = []

    def up(self, *words: str) -> str:
        """Build a lab; return its name."""
        name = f"t{secrets.token_hex(4)}"
        self.names.append(name)
        ran = self.mipsh("lab", "up", "--name", name, *words)
        assert ran.status == 0, ran.stderr
        return name

    def __call__(self, name: str, line: str, *words: str) -> Ran:
        """Run a command on a lab; ``line`` holds its first two words."""
        return self.mipsh(*line.split(), "--name", name, *words)

    def ground(self, name: str) -> Ground:
        """Return where a lab is."""
        return ground_of(place_of(self.mipsh.variables, name), Kind.ROOT)

    def node(self, name: str, node: str = "mn") -> dict[str, object]:
        """Return a node's row of the status."""
        rows = self(name, "lab status", "--json").rows
        return {row["node"]: row for row in rows}[node]

    def ask(self, name: str, node: str, *words: str) -> Ran:
        """Ask a node of a lab as an engine."""
        return self.mipsh("-e", f"mipd:{name}-{node}", *words, "--json")


@pytest.fixture
def lab(mipsh: Mipsh) -> Iterator[Labs]:
    """Build labs, and remove them whatever happens."""
    found = Labs(mipsh)
    try:
        yield found
    finally:
        for name in found.names:
            mipsh("lab", "down", "--name", name)


def test_a_lab_from_up_to_down(lab: Labs) -> None:
    """Registered, reached through the tunnel, then directly; moved, come home; and nothing is left."""
    name = lab.up()
    assert lab.node(name)["state"] == "registered"
    assert str(lab.node(name)["care_of_address"]).startswith("2001:db8:2:")
    echoes = lab(name, "lab ping", "cn", "mn", "--count", "5", "--json")
    assert [row["source"] for row in echoes.rows] == [HOME_ADDRESS] * 5
    assert lab.node(name)["direct"] == ["cn"]
    bindings = lab.ask(name, "mn", "bul").rows
    assert [row["peer_address"] for row in bindings] == ["2001:db8:1::1", CORRESPONDENT]
    assert [row["state"] for row in bindings] == ["bound", "bound"]
    (cached,) = lab.ask(name, "cn", "bc").rows
    assert (cached["home_address"], cached["care_of_address"]) == (HOME_ADDRESS, bindings[0]["care_of_address"])
    assert "registered from 2001:db8:3:" in lab(name, "lab move", "mn", "foreign2").stdout
    assert lab(name, "lab ping", "mn", "cn").status == 0
    (served,) = lab.ask(name, "ha", "bc").rows
    assert served["care_of_address"].startswith("2001:db8:3:")
    assert "mn is at home" in lab(name, "lab move", "mn", "home").stdout
    assert lab.node(name)["state"] == "home"
    assert "registered" not in {row["status"] for row in lab.ask(name, "ha", "bc").rows}
    assert lab(name, "lab ping", "cn", "mn").status == 0
    assert lab(name, "lab down").status == 0
    assert left_of(lab.ground(name)) == []
    assert lab(name, "lab down").status == 0
    assert left_of(lab.ground(name)) == []


def test_a_handover_is_measured(lab: Labs) -> None:
    """The steps come in order, few packets are lost, and all of it is in the document."""
    name = lab.up()
    assert lab(name, "lab ping", "cn", "mn").status == 0
    ran = lab(name, "lab move", "mn", "foreign2", "--measure", "--gap", "0.1", "--json")
    assert ran.status == 0, ran.stderr
    (row,) = ran.rows
    steps = [row[f"{step}_ms"] for step in ("link_up", "solicited", "advertised", "update_sent", "acknowledged")]
    assert steps == sorted(steps)
    assert steps[0] >= 100
    assert row["care_of_address_ms"] >= steps[0]
    assert row["first_packet_ms"] > row["update_sent_ms"]
    assert 5 <= row["lost"] < row["sent"]
    assert row["bound_ms"] > 10
    assert row["ratio"] == pytest.approx((row["first_packet_ms"] - steps[0]) / row["bound_ms"], abs=0.05)
    home = lab(name, "lab move", "mn", "home", "--measure", "--json")
    assert [home.rows[0][column] for column in ("bound_ms", "ratio")] == [None, None]


def test_links_lose_and_delay(lab: Labs) -> None:
    """Whatever the kernel can; a node that comes to the link later is as badly off, and all can be mended."""
    name = lab.up()
    assert lab(name, "lab delay", "foreign2", "20").status == 0
    assert lab(name, "lab move", "mn", "foreign2").status == 0
    delayed = lab(name, "lab ping", "cn", "mn", "--count", "3", "--json").rows
    assert all(row["rtt_ms"] > 40 for row in delayed)
    (row,) = (r for r in lab(name, "lab loss", "foreign2", "100", "--json").rows if r["link"] == "foreign2")
    assert (row["loss_percent"], row["delay_ms"], row["nodes"]) == (100, 20, ["r1", "mn"])
    lost = lab(name, "lab ping", "mn", "cn", "--count", "1", "--json")
    assert (lost.status, lost.rows[0]["source"]) == (1, None)
    assert "loses 100 %, takes 20 ms" in lab(name, "lab status").stdout
    assert lab(name, "lab loss", "foreign2", "0").status == 0
    assert lab(name, "lab delay", "foreign2", "0").status == 0
    sound = lab(name, "lab ping", "mn", "cn", "--count", "3", "--json").rows
    assert any(row["rtt_ms"] is not None and row["rtt_ms"] < 40 for row in sound)


def test_faults_come_and_go(lab: Labs) -> None:
    """A home agent that dies, a correspondent that forgets, mobile nodes that are wrong about each other."""
    name = lab.up("--mns", "2")
    assert lab(name, "lab ping", "cn", "mn").status == 0
    faults = {row["fault"]: row["state"] for row in lab(name, "lab fault", "cn-restart", "--json").rows}
    assert faults == {"MIP-001": "off", "ha-dead": "off", "cn-restart": "done"}
    assert lab.ask(name, "cn", "bc").rows == []
    assert lab(name, "lab fault", "ha-dead").status == 0
    assert lab.node(name, "ha")["state"] == "down"
    assert lab(name, "lab fault", "MIP-001").status == 0
    config = lab.ground(name).place.folder / "mn2.toml"
    assert "optimise_before_complete = true" in config.read_text(encoding="utf-8")
    assert lab(name, "lab fault", "off").status == 0
    assert "optimise_before_complete" not in config.read_text(encoding="utf-8")
    states = {row["state"] for row in lab(name, "lab fault", "--json").rows}
    assert states == {"off"}
    assert lab.node(name, "ha")["state"] == "running"
    assert lab(name, "lab fault", "no-such").status == 64


def test_programs_run_in_nodes(lab: Labs) -> None:
    """On the node's interfaces and addresses; the exit status is the program's as far as it goes."""
    name = lab.up()
    ran = lab.mipsh.process("lab", "exec", "--name", name, "mn", "cat", "/proc/net/if_inet6")
    assert "20010db8000100000000000000000100" in ran.stdout
    assert "eth0" not in ran.stdout
    for words, status in ((["true"], 0), (["false"], 1), (["sh", "-c", "exit 7"], 2), (["/nowhere"], 77)):
        assert lab.mipsh.process("lab", "exec", "--name", name, "cn", *words).status == status
    assert lab.mipsh.process("lab", "exec", "--name", name, "nn", "true").status == 64


def test_a_link_is_captured(lab: Labs, tmp_path: Path) -> None:
    """Into a file that says in its name what it is, and in which tshark finds nothing malformed."""
    name = lab.up()
    words = ["lab", "capture", "--name", name, "foreign1", str(tmp_path), "--json"]
    with lab.mipsh.start(*words, stderr=subprocess.PIPE) as process:
        assert process.stderr is not None
        assert "until Ctrl-C" in process.stderr.readline()
        assert lab(name, "lab ping", "cn", "mn", "--count", "5").status == 0
        process.send_signal(signal.SIGINT)
        out, _ = process.communicate(timeout=20)
    (row,) = json.loads(out)["data"]
    path = tmp_path / f"{name}-foreign1.pcap"
    assert row["path"] == str(path)
    assert row["size"] == path.stat().st_size > 500
    found = _tshark(path, "icmpv6.type == 129")
    assert found is None or found >= 5
    assert _tshark(path, "_ws.malformed") in (None, 0)


def _tshark(path: Path, words: str) -> int | None:
    """Return how many frames of a file meet a filter; None where there is no tshark."""
    try:
        done = subprocess.run(["tshark", "-r", path, "-Y", words], capture_output=True, check=True, timeout=60)
    except FileNotFoundError:
        return None
    return len(done.stdout.splitlines())


def test_the_status_is_live(lab: Labs) -> None:
    """A line for each look, until Ctrl-C, or until the lab is gone."""
    name = lab.up()
    words = ["lab", "status", "--name", name, "--watch", "-o", "json"]
    with lab.mipsh.start(*words) as process:
        assert process.stdout is not None
        links = [row["links"] for row in json.loads(process.stdout.readline())["data"] if row["node"] == "mn"]
        assert links == [["foreign1"]]
        assert lab(name, "lab move", "mn", "foreign2").status == 0
        while links != [["foreign2"]]:
            links = [row["links"] for row in json.loads(process.stdout.readline())["data"] if row["node"] == "mn"]
        assert lab(name, "lab down").status == 0
        out, _ = process.communicate(timeout=20)
    assert process.returncode == 69
    assert json.loads(out.splitlines()[-1])["errors"][0]["message"] == f"there is no lab '{name}'"


def test_two_labs_side_by_side(lab: Labs) -> None:
    """Each has its own; without a name it must be said which is meant."""
    first, second = lab.up(), lab.up()
    assert lab(first, "lab move", "mn", "foreign2").status == 0
    assert lab.node(second)["links"] == ["foreign1"]
    ran = lab.mipsh("lab", "status")
    assert ran.status == 64
    assert first in ran.stderr
    assert second in ran.stderr
    assert lab(first, "lab down").status == 0
    assert left_of(lab.ground(first)) != []
    assert lab.ground(first).found() == []
    assert lab(second, "lab ping", "mn", "cn").status == 0
    assert lab(second, "lab down").status == 0
    assert left_of(lab.ground(second)) == []


def test_killed_nodes_are_seen_and_removed(lab: Labs) -> None:
    """The status tells which are down, and nothing of them is left in the end."""
    name = lab.up()
    for row in lab(name, "lab status", "--json").rows:
        os.kill(row["pid"], signal.SIGKILL)
    deadline = time.monotonic() + 5
    while {row["state"] for row in lab(name, "lab status", "--json").rows} != {"down"}:
        assert time.monotonic() < deadline
    assert lab(name, "lab down").status == 0
    assert left_of(lab.ground(name)) == []


def test_without_a_lab_it_is_said_what_to_type(mipsh: Mipsh) -> None:
    """Nothing is there, and nothing is wrong with removing it."""
    ran = mipsh("lab", "status")
    assert ran.status == 69
    assert "'mipsh lab up' builds one" in ran.stderr
    assert mipsh("lab", "down").status == 0
    assert not (Path(mipsh.variables["XDG_RUNTIME_DIR"]) / "mipsh").exists()


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("lab", "up", "--name", "A"), "cannot be a lab's name"),
        (("lab", "up", "--mns", "0"), "1 to 16"),
        (("lab", "loss", "foreign1", "101"), "0 to 100"),
        (("lab", "delay", "foreign1", "-5"), "no option"),
        (("lab", "delay", "foreign1", "x"), "0 to 10000"),
    ],
)
def test_what_cannot_be_is_refused(mipsh: Mipsh, words: tuple[str, ...], said: str) -> None:
    """Before anything is built."""
    ran = mipsh(*words)
    assert ran.status == 64
    assert said in ran.stderr
