"""ping6 tells the way of every echo in a lab, whatever the network does meanwhile, and its status says so."""

import signal
import sys
import tomllib
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from lab_grounds import needs_root
from msgspec import structs
from scenario import CORRESPONDENT, HOME_AGENT, Row, Scenario, needs, scenario

from mipsh.lab import namespaces
from mipsh.lab.toml_text import dumps
from mipsh.linux import links
from mipsh.node.config import MobileNodeConfig, NodeConfig

pytestmark = [pytest.mark.system, needs_root]
FAST = "-i", "0.05"


@pytest.fixture(scope="module")
def built() -> Iterator[Scenario]:
    """Build the lab of most tests: two mobile nodes away from home."""
    with scenario(mobile_nodes=2) as lab:
        yield lab


@pytest.fixture
def lab(built: Scenario) -> Scenario:
    """Return the lab, its mobile nodes registered from the first foreign link, and bound nowhere else."""
    built.unbind("mn", "mn2")
    return built


def ping6(lab: Scenario, name: str, *words: str) -> tuple[int, list[Row], str]:
    """Run ping6 in a node; return its status, its rows as a stream gives them, and all that it printed."""
    argv = sys.executable, "-m", "mipsh", "--no-config", "ping6", *words, "--json-stream"
    status, printed = lab.run(name, *argv)
    rows = [msgspec.json.decode(line) for line in printed.splitlines() if line.startswith("{")]
    return status, rows, printed


def paths(rows: list[Row]) -> list[str]:
    """Return the path of each echo."""
    return [f"{row['request']}:{row['reply']}" for row in rows if "sequence" in row]


def whole(rows: list[Row]) -> Row:
    """Return the row about all of a run."""
    return next(row for row in rows if row.get("kind") == "all")


def test_optimised_both_ways_and_how_soon(lab: Scenario) -> None:
    """The first echoes go through the tunnel and start return routability; from then on none does."""
    status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "40", *FAST)
    found = paths(rows)
    assert status == 0, printed
    assert found[0] == "tunnel:tunnel"
    assert found[-1] == "ro:ro"
    assert set(found) <= {"tunnel:tunnel", "ro:tunnel", "tunnel:ro", "ro:ro"}
    assert whole(rows)["converged_echoes"] == found.index("ro:ro")
    last = [row for row in rows if "sequence" in row][-1]
    assert last["request_home_address"] == last["reply_routed_to"] == lab.home_address("mn")
    assert last["request_outer_source"] == last["reply_outer_destination"] == lab.care_of_address("mn")
    assert (last["request_overhead_bytes"], last["reply_overhead_bytes"]) == (24, 24)
    assert (last["request_interface"], last["reply_interface"]) == ("eth0", "eth0")


def test_the_convergence_is_told_with_its_messages(lab: Scenario) -> None:
    """In words: each message of return routability with its time."""
    argv = sys.executable, "-m", "mipsh", "--no-config", "ping6", CORRESPONDENT, "-c", "20", *FAST
    status, printed = lab.run("mn", *argv)
    assert status == 0, printed
    (line,) = [line for line in printed.splitlines() if line.startswith("RO after")]
    assert all(f" {name} " in line for name in ("HoTI", "CoTI", "HoT", "CoT", "BU"))
    assert "\x1b" not in printed


def test_waiting_for_it(lab: Scenario) -> None:
    """What comes before the first optimised echo is not expected to be one; without waiting, it is."""
    status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "40", *FAST, "--wait-ro", "5", "--expect", "ro")
    assert (status, whole(rows)["is_as_expected"]) == (0, True), printed
    lab.ask("mn", "flush", table="binding_update_list")
    status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "40", *FAST, "--expect", "ro")
    assert (status, whole(rows)["is_as_expected"]) == (1, False), printed


def test_from_the_correspondent_and_from_the_home_agent(lab: Scenario) -> None:
    """The request has the routing header, the reply the option; a home agent's goes through its own tunnel."""
    lab.ask("mn", "trigger_binding_update", home_address=lab.home_address("mn"), peer=CORRESPONDENT)
    lab.await_direct("mn")
    status, rows, printed = ping6(lab, "cn", lab.home_address("mn"), "-c", "3", *FAST, "--expect", "ro")
    assert (status, paths(rows)) == (0, ["ro:ro"] * 3), printed
    first = rows[0]
    assert first["request_routed_to"] == first["reply_home_address"] == lab.home_address("mn")
    status, rows, printed = ping6(lab, "ha", lab.home_address("mn"), "-c", "3", *FAST)
    assert status == 0, printed
    assert rows[0]["request_outer_destination"] == lab.care_of_address("mn")
    assert set(paths(rows)) <= {"ro:ro", "tunnel:tunnel", "tunnel:ro", "ro:tunnel"}


def test_from_the_care_of_address(lab: Scenario) -> None:
    """Past Mobile IPv6, with a warning that it is."""
    words = CORRESPONDENT, "-c", "3", *FAST, "--source", "care-of", "--expect", "direct"
    status, rows, printed = ping6(lab, "mn", *words)
    assert (status, paths(rows)) == (0, ["direct:direct"] * 3), printed
    assert "is not the home address" in printed


def test_between_two_mobile_nodes(lab: Scenario) -> None:
    """Each is the other's correspondent: in the end both headers are in both halves."""
    peer = lab.home_address("mn2")
    status, rows, printed = ping6(lab, "mn", peer, "-c", "60", *FAST, "--wait-ro", "8", "--expect", "ro")
    assert status == 0, printed
    last = [row for row in rows if "sequence" in row][-1]
    assert (last["request"], last["reply"]) == ("ro", "ro")
    assert (last["request_home_address"], last["request_routed_to"]) == (lab.home_address("mn"), peer)
    assert (last["reply_home_address"], last["reply_routed_to"]) == (peer, lab.home_address("mn"))
    assert (last["request_overhead_bytes"], last["reply_overhead_bytes"]) == (48, 48)


def test_a_handover_meanwhile(lab: Scenario) -> None:
    """No echo has a wrong way: before it and after it they are optimised, and the silence between is told."""
    ping6(lab, "mn", CORRESPONDENT, "-c", "40", *FAST, "--wait-ro", "5")
    argv = (
        sys.executable,
        "-m",
        "mipsh",
        "--no-config",
        "ping6",
        CORRESPONDENT,
        "-i",
        "0.02",
        "-w",
        "4",
        "--json-stream",
    )
    process, output = lab.spawn("mn", *argv)
    lab.until(lambda: output.read_text("utf-8").count("\n") > 20, "echoes")
    lab.move("mn", "foreign2")
    process.wait(20)
    rows = [msgspec.json.decode(line) for line in output.read_text("utf-8").splitlines() if line.startswith("{")]
    found = paths(rows)
    assert (found[0], found[-1]) == ("ro:ro", "ro:ro")
    assert set(found) <= {f"{a}:{b}" for a in ("ro", "tunnel", "none") for b in ("ro", "tunnel", "none")}
    assert 0 < whole(rows)["gap_ms"] < 4000
    homes = {row["request_home_address"] for row in rows if row.get("request") == "ro"}
    assert homes == {lab.home_address("mn")}


def test_at_home(lab: Scenario) -> None:
    """Like any host."""
    lab.settle("mn", "home")
    status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "5", *FAST, "--expect", "direct")
    assert (status, paths(rows)) == (0, ["direct:direct"] * 5), printed


def test_others_echoes_are_watched(lab: Scenario) -> None:
    """Nothing is sent: the ways of a ping that runs there are told, on both ends."""
    needs("ping")
    lab.ask("mn", "trigger_binding_update", home_address=lab.home_address("mn"), peer=CORRESPONDENT)
    lab.await_direct("mn")
    pinging = lab.pinging("mn", CORRESPONDENT, every_s=0.05)
    pinging.await_answers(1)
    for name, peer in (("mn", CORRESPONDENT), ("cn", lab.home_address("mn"))):
        status, rows, printed = ping6(lab, name, peer, "--passive", "-c", "5", "-w", "8", "--expect", "ro")
        assert (status, paths(rows)) == (0, ["ro:ro"] * 5), printed
        assert all(row["rtt_ms"] > 0 for row in rows if "sequence" in row)
    pinging.end()


def test_nobody_answers(lab: Scenario) -> None:
    """It left through the tunnel, and nothing came."""
    status, rows, printed = ping6(lab, "mn", "2001:db8:4::99", "-c", "2", *FAST, "-W", "0.3")
    assert status == 1, printed
    assert [row["request"] for row in rows if "sequence" in row] == ["tunnel"] * 2
    assert whole(rows)["received"] == 0


def test_an_error_that_the_node_keeps_to_itself(lab: Scenario) -> None:
    """A router's about an optimised request is for the node, not for its programs: it is seen on the link."""
    ping6(lab, "mn", CORRESPONDENT, "-c", "40", *FAST, "--wait-ro", "5")
    status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "2", *FAST, "--hop-limit", "1")
    assert status == 1, printed
    found = [row for row in rows if "sequence" in row]
    assert [(row["request"], row["note"]) for row in found] == [("ro", "the hop limit ran out on the way")] * 2
    assert whole(rows)["lost_errors"] == 2


def test_in_a_flood_of_any_size(lab: Scenario) -> None:
    """Each is sent when the one before is answered, in as many pieces as it takes."""
    ping6(lab, "mn", CORRESPONDENT, "-c", "40", *FAST, "--wait-ro", "5")
    for size in ("0", "1352", "3000"):
        status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "100", "-f", "-s", size, "--expect", "ro")
        assert (status, set(paths(rows))) == (0, {"ro:ro"}), printed
        assert whole(rows)["received"] == 100


def test_ctrl_c_ends_with_the_summary(lab: Scenario) -> None:
    """As with ping: what came until then counts, and the status with it."""
    argv = sys.executable, "-m", "mipsh", "--no-config", "ping6", CORRESPONDENT, *FAST, "--json-stream"
    process, output = lab.spawn("mn", *argv)
    lab.until(lambda: output.read_text("utf-8").count("\n") > 3, "echoes")
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert '"kind":"all"' in output.read_text("utf-8")


@pytest.mark.parametrize("may_ping", [True, False])
def test_without_privilege(lab: Scenario, may_ping: bool) -> None:
    """A group that may ping sees that it is answered, and no more; without that it is refused, and told how."""
    needs("setpriv")
    group = "0 65534" if may_ping else "1 0"
    lab.inside("mn", partial(_allow, group))
    # The tree may be where only root may look: it is the capabilities that are given up, and not the user.
    unprivileged = "setpriv", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all"
    argv = sys.executable, "-m", "mipsh", "--no-config", "ping6", CORRESPONDENT, "-c", "2", *FAST, "--json-stream"
    status, printed = lab.run("mn", *unprivileged, *argv, "--expect", "ro")
    if may_ping:
        rows = [msgspec.json.decode(line) for line in printed.splitlines() if line.startswith("{")]
        assert (status, paths(rows)) == (3, ["?:?"] * 2), printed
        assert whole(rows)["received"] == 2
    else:
        assert status == 77, printed
    assert "CAP_NET_RAW" in printed
    assert "ping_group_range" in printed


def _allow(group: str) -> None:
    Path("/proc/sys/net/ipv4/ping_group_range").write_text(group, encoding="ascii")


def _not_optimising(text: str) -> str:
    """Change a mobile node's configuration so that it optimises nothing."""
    config = msgspec.convert(tomllib.loads(text), NodeConfig)
    assert isinstance(config.mobile_node, MobileNodeConfig)
    return dumps(structs.replace(config, mobile_node=structs.replace(config.mobile_node, optimise=False)))


def _restart(lab: Scenario, name: str, change: Any) -> None:
    namespaces.rewrite(lab.ground, name, change)
    lab.start(name)


def test_one_half_only() -> None:
    """A mobile node that lost its list and wants no other, and a correspondent that still has its binding."""
    with scenario() as lab:
        lab.ask("mn", "trigger_binding_update", home_address=lab.home_address("mn"), peer=CORRESPONDENT)
        lab.await_direct("mn")
        _restart(lab, "mn", _not_optimising)
        lab.await_registered("mn")
        status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "3", *FAST, "--expect", "tunnel:ro")
        assert (status, paths(rows)) == (0, ["tunnel:ro"] * 3), printed
        assert rows[0]["request_outer_destination"] == HOME_AGENT
        status, rows, printed = ping6(lab, "cn", lab.home_address("mn"), "-c", "3", *FAST, "--expect", "ro:direct")
        assert (status, paths(rows)) == (0, ["ro:direct"] * 3), printed


def _as_a_plain_host() -> None:
    """Let the kernel have the correspondent's address: it knows nothing of mobility."""
    from pyroute2 import IPRoute

    links.configure("eth0", "disable_ipv6", 0)
    with IPRoute() as kernel:
        (index,) = kernel.link_lookup(ifname="eth0")
        kernel.addr("add", index=index, address=CORRESPONDENT, prefixlen=64, flags=2)
        kernel.route("replace", dst="::/0", gateway="2001:db8:4::1", oif=index)


def test_a_correspondent_without_mobility() -> None:
    """It answers Mobility Headers with errors, and echoes through the tunnel as any host."""
    with scenario() as lab:
        lab.kill("cn")
        lab.inside("cn", _as_a_plain_host)
        words = CORRESPONDENT, "-c", "60", "-W", "0.5", *FAST, "--wait-ro", "2.5", "--expect", "ro"
        status, rows, printed = ping6(lab, "mn", *words)
        assert status == 1, printed
        answered = {f"{row['request']}:{row['reply']}" for row in rows if row.get("rtt_ms") is not None}
        assert answered == {"tunnel:tunnel"}
        status, rows, printed = ping6(lab, "mn", CORRESPONDENT, "-c", "5", *FAST, "--expect", "tunnel")
        assert (status, set(paths(rows))) == (0, {"tunnel:tunnel"}), printed
