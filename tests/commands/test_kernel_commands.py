"""``xfrm``, ``tunnels``, ``routes`` and ``drift`` as they are typed, on recorded nodes, broken and hostile ones."""

import re
import shutil
from pathlib import Path

import pytest
from harness import NODES, RECORDINGS, Mipsh, Replay
from msgspec import structs

from mipsh.commands.drift import standing
from mipsh.commands.xfrm import ago
from mipsh.kernel_view.drift import Difference, Drift, Sort
from mipsh.kernel_view.needs import Binding, Kind

MN, HA, CN = "2001:db8:1::100", "2001:db8:1::1", "2001:db8:4::2"
FIRST = "2001:db8:2:0:f809:44ff:fec8:30f9"
READERS = ("xfrm", "tunnels", "routes", "drift")
KEY = re.compile(r"0x[0-9a-f]{20,}|[0-9a-f]{32,}")
DRIFTING = {("08-returned-home", "mn2"), ("10-ha-dead", "mn")}


def at(folder: str, node: str) -> tuple[str, str]:
    """Return the option for a recorded node."""
    return "--from", str(RECORDINGS / folder / node)


def copy(folder: str, node: str, to: Path) -> Path:
    """Copy a recorded node to where it can be broken."""
    to.mkdir(exist_ok=True)
    for path in (RECORDINGS / folder).glob(f"{node}.*"):
        shutil.copy(path, to)
    return to


@pytest.mark.parametrize(("folder", "node"), NODES)
def test_xfrm_has_every_state_and_policy(mipsh: Mipsh, folder: str, node: str) -> None:
    """As many as iproute2 printed, all named; no key in any format."""
    ran = mipsh("--no-config", "xfrm", *at(folder, node), "--json")
    assert ran.status == 0
    for what, name in (("state", "state"), ("policy", "policy")):
        printed = (RECORDINGS / folder / f"{node}.xfrm-{name}.txt").read_text("utf-8")
        count = sum(line.startswith("src ") for line in printed.splitlines())
        assert len([row for row in ran.rows if row["object"] == what]) == count
    assert all(row["purpose"] for row in ran.rows if row["object"] == "policy")
    for form in ("json", "table", "csv", "yaml"):
        whole = mipsh("--no-config", "xfrm", *at(folder, node), "--wide", "-o", form).stdout
        assert KEY.search(whole) is None
    if folder == "ipsec" and node == "mn":
        assert any("enc: cbc(aes)" in row["algorithms"] for row in ran.rows)


def test_xfrm_in_parts(mipsh: Mipsh) -> None:
    """States alone, policies alone, and of these those of one type."""

    def rows(*words: str) -> list[dict[str, object]]:
        return mipsh("--no-config", "xfrm", *words, *at("03-route-optimised", "mn"), "--json").rows

    assert {row["object"] for row in rows("states")} == {"state"}
    assert {row["object"] for row in rows("policies")} == {"policy"}
    assert {row["ptype"] for row in rows("policies")} == {"main", "sub"}
    assert {row["ptype"] for row in rows("--ptype", "main")} == {"main"}
    (row,) = [row for row in rows("states") if row["destination"] == CN]
    assert (row["applies"], row["care_of_address"]) == ("hao ro", FIRST)
    (first, *_) = rows("policies", "--ptype", "sub", "--sort", "priority")
    assert (first["priority"], first["purpose"]) == (2, "home signalling")
    assert mipsh("--no-config", "xfrm", "states", "--ptype", "sub", *at("03-route-optimised", "mn")).status == 64


def test_when_a_state_was_last_used(mipsh: Mipsh) -> None:
    """In words, from the last moment that the recording speaks of; one that never was says so."""
    ran = mipsh("--no-config", "xfrm", "states", *at("04-cn2-without-daemon", "mn"), "--json")
    used = {row["destination"]: row["last_used"] for row in ran.rows if row["source"] == MN}
    assert used[CN].endswith(" ago") and used["2001:db8:4::3"] == "never"


@pytest.mark.parametrize(
    ("folder", "node", "uses"),
    [
        ("05-inter-mn", "ha", {"ip6tnl1": f"packets for {MN}", "ip6tnl2": "packets for 2001:db8:1::200"}),
        ("05-inter-mn", "mn", {"ip6tnl1": f"{MN} to its home agent"}),
        ("08-returned-home", "mn", {"ip6tnl1": f"{MN} is at home, and does not use it"}),
        ("03-route-optimised", "cn", {}),
    ],
)
def test_tunnels(mipsh: Mipsh, folder: str, node: str, uses: dict[str, str]) -> None:
    """Each with its ends and what it is for; the mark of Mobile IPv6 is not in a recording."""
    ran = mipsh("--no-config", "tunnels", *at(folder, node), "--json")
    own = "the kernel's own, for packets of no other tunnel"
    assert ran.status == 0
    assert {row["name"]: row["use"] for row in ran.rows} == {"ip6tnl0": own, **uses}
    assert all(row["is_mobile"] is None and row["flags"] is None for row in ran.rows)


def test_a_tunnel_of_no_binding(mipsh: Mipsh, tmp_path: Path) -> None:
    """One whose binding is gone, and one of which XFRM cannot tell."""
    folder = copy("02-registered", "ha", tmp_path / "broken")
    shutil.copy(RECORDINGS / "01-boot-ha-cn" / "ha.getsa.nl", folder)
    shutil.copy(RECORDINGS / "01-boot-ha-cn" / "ha.getpolicy.nl", folder)
    ran = mipsh("--no-config", "tunnels", "--from", str(folder), "--json")
    assert {row["name"]: row["use"] for row in ran.rows}["ip6tnl1"] == "no binding"


def test_routes_of_a_binding(mipsh: Mipsh) -> None:
    """All that a home agent needs for one home address, each with what it is for; all there."""
    ran = mipsh("--no-config", "routes", MN, *at("05-inter-mn", "ha"), "--json")
    assert ran.status == 0
    mine = [row for row in ran.rows if row["home_address"] == MN]
    assert sorted(row["object"] for row in mine) == [
        *("policy", "policy", "proxy", "route", "route", "state", "state"),
        "tunnel",
    ]
    assert {row["verdict"] for row in ran.rows} == {"present"}
    assert all(row["reason"] and row["command"].startswith("ip -6 ") for row in ran.rows)
    assert {row["binding"] for row in ran.rows if row["home_address"] is None} == {"every node"}
    said = mipsh("--no-config", "routes", MN, *at("05-inter-mn", "ha")).stdout
    assert f"17 of the objects that are needed for {MN} are there." in " ".join(said.split())


def test_routes_that_are_broken(mipsh: Mipsh, tmp_path: Path) -> None:
    """Status 1 with what is missing, and what is there in its place."""
    folder = copy("05-inter-mn", "ha", tmp_path / "broken")
    (folder / "ha.proxy.txt").write_text(f"{MN} dev other0 proxy\n", "utf-8")
    ran = mipsh("--no-config", "routes", "--from", str(folder), "--where", "verdict=missing", "--json")
    found = sorted((row["wanted"], row["found"]) for row in ran.rows)
    assert ran.status == 1
    assert found == [(f"{MN} dev ha0", f"{MN} dev other0 proxy"), ("2001:db8:1::200 dev ha0", None)]


def test_routes_that_cannot_be_told(mipsh: Mipsh, tmp_path: Path) -> None:
    """Status 3 for a home address of which there is nothing, and where a table is not there."""
    ran = mipsh("--no-config", "routes", "2001:db8:1::999", *at("05-inter-mn", "ha"))
    assert ran.status == 3 and "the kernel has nothing of 2001:db8:1::999" in ran.stderr
    assert mipsh("--no-config", "routes", "fe80::1", *at("05-inter-mn", "ha")).status == 64
    folder = copy("05-inter-mn", "ha", tmp_path / "broken")
    (folder / "ha.rule.txt").unlink()
    ran = mipsh("--no-config", "routes", "--from", str(folder), "--json")
    assert ran.status == 3
    assert [row["verdict"] for row in ran.rows if row["object"] == "rule"] == ["could_not_tell"]
    assert any("RU cannot be read" in warning["message"] for warning in ran.document["warnings"])


@pytest.mark.parametrize(("folder", "node"), NODES)
def test_drift_of_recorded_nodes(mipsh: Mipsh, folder: str, node: str) -> None:
    """Status 0 and no row for those that agree, 1 and a sentence with advice for those that do not."""
    ran = mipsh("--no-config", "drift", *at(folder, node), "--json")
    assert ran.status == int((folder, node) in DRIFTING)
    assert bool(ran.rows) == ((folder, node) in DRIFTING)
    assert all(row["explanation"].endswith(".") and row["advice"] for row in ran.rows)


def test_drift_of_a_home_agent_that_is_dead(mipsh: Mipsh) -> None:
    """What is wrong, and what to do."""
    (row,) = mipsh("--no-config", "drift", *at("10-ha-dead", "mn"), "--json").rows
    assert (row["difference"], row["home_address"], row["peer_address"]) == ("blocked", MN, HA)
    assert "cut off" in row["explanation"] and "bu home" in row["advice"]


def test_drift_of_a_kernel_from_another_time(mipsh: Mipsh, tmp_path: Path) -> None:
    """The daemon of one moment against the kernel of another: the binding is where it was before."""
    folder = copy("06-after-handoff", "cn", tmp_path / "broken")
    for kind in ("getsa.nl", "getpolicy.nl"):
        shutil.copy(RECORDINGS / "03-route-optimised" / f"cn.{kind}", folder)
    ran = mipsh("--no-config", "drift", "--from", str(folder), "--json")
    assert ran.status == 1
    assert {row["difference"] for row in ran.rows} == {"differs"}
    assert all(f"at {FIRST} instead" in row["explanation"] for row in ran.rows)


def test_drift_where_one_side_is_dark(mipsh: Mipsh, replay: Replay, tmp_path: Path) -> None:
    """Status 3: no daemon was recorded, a table is not there, or the daemon's node is not this one."""
    folder = copy("03-route-optimised", "ha", tmp_path / "silent")
    (folder / "ha.vt.json").unlink()
    ran = mipsh("--no-config", "drift", "--from", str(folder))
    assert ran.status == 3 and "is not recorded" in ran.stderr
    folder = copy("03-route-optimised", "ha", tmp_path / "dark")
    (folder / "ha.proxy.txt").unlink()
    ran = mipsh("--no-config", "drift", "--from", str(folder), "--json")
    assert (ran.status, ran.rows) == (3, [])
    ran = mipsh("--no-config", "-e", replay("03-route-optimised", "mn").uri, "drift")
    assert ran.status == 3 and f"{MN} is no address here" in ran.stderr


def test_drift_has_two_sides(mipsh: Mipsh) -> None:
    """The kernel alone cannot differ from itself."""
    ran = mipsh("--no-config", "-e", "kernel:", "drift")
    assert ran.status == 3 and "no daemon to compare it with" in ran.stderr


@pytest.mark.parametrize("command", READERS)
def test_folders_that_hold_nothing(mipsh: Mipsh, tmp_path: Path, command: str) -> None:
    """A usage error that says what is expected."""
    for word in (str(tmp_path), str(tmp_path / "none"), str(RECORDINGS / "05-inter-mn"), ""):
        ran = mipsh("--no-config", command, f"--from={word}", "-e", "kernel:") if word else None
        assert ran is None or (ran.status, "Traceback" in ran.stderr) == (64, False), word


@pytest.mark.parametrize("command", READERS)
@pytest.mark.parametrize("kind", ["getsa.nl", "getpolicy.nl", "route.txt", "rule.txt", "tunnel.txt", "addr.txt"])
def test_files_that_mean_harm(mipsh: Mipsh, tmp_path: Path, command: str, kind: str) -> None:
    """Cut, garbled, of other bytes, with control characters: a result or a message, and nothing for the terminal."""
    folder = copy("05-inter-mn", "ha", tmp_path / "hostile")
    path = folder / f"ha.{kind}"
    data = path.read_bytes()
    for spoilt in (b"", data[:77], data[:-3], data[::-1], b"\x1b]0;x\x07" * 500 + data, bytes(range(256)) * 64):
        path.write_bytes(spoilt)
        ran = mipsh("--no-config", command, "--from", str(folder))
        assert ran.status in (0, 1, 3), ran.stderr
        assert "\x1b]" not in ran.stdout + ran.stderr and "Traceback" not in ran.stderr


@pytest.mark.parametrize("command", READERS)
def test_how_the_same_is_seen_by_hand(mipsh: Mipsh, command: str) -> None:
    """By commands of iproute2, for the kernel of this machine; of a recording by its files."""
    ran = mipsh("--no-config", command, *at("05-inter-mn", "ha"), "--how", "--json")
    assert [row["via"] for row in ran.rows] == ["file"]
    ran = mipsh("--no-config", "-e", "kernel:", command, "--how", "--json")
    lines = [row["equivalent"] for row in ran.rows]
    assert lines and all(line is None or line.startswith("ip -6 ") for line in lines)


def test_drift_of_this_machine(mipsh: Mipsh, replay: Replay) -> None:
    """A daemon without bindings, and a kernel that has nothing of it: one row, or that XFRM cannot be read."""
    ran = mipsh("--no-config", "-e", replay("01-boot-ha-cn", "cn").uri, "drift", "--json")
    assert ran.status in (1, 3)
    if ran.status == 1:
        assert [(row["difference"], row["binding"]) for row in ran.rows] == [("missing", None)]
        assert "none of the 8 objects" in ran.rows[0]["explanation"]


def test_what_was_only_there_at_one_look() -> None:
    """It is none: one side was ahead of the other."""
    one = Difference(Sort.MISSING, Binding(Kind.PEER, MN, CN), "row", "nothing", "It lacks it.", "wait")
    other = structs.replace(one, kind=Sort.LEFTOVER, binding=None)
    assert standing(Drift((one,), 2, ()), Drift((other,), 3, ())).differences == ()
    assert standing(Drift((one, other), 2, ()), Drift((other, one), 3, ())) == Drift((other, one), 3, ())


def test_how_long_ago() -> None:
    """In words; a clock that was set back makes nothing of the future."""
    assert [ago(then, 1000.5) for then in (None, 1000, 1005, 940, 0)] == [
        "never",
        "just now",
        "just now",
        "1m00s ago",
        "16m40s ago",
    ]
    assert ago(5, None) == "at an unknown time"
