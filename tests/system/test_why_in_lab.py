"""``why`` in a lab: whatever state its nodes are in, an echo goes as predicted; ``both`` sees all sides."""

import sys
from collections.abc import Iterator

import msgspec
import pytest
from lab_grounds import needs_root
from scenario import CORRESPONDENT, HOME_AGENT, Row, Scenario, scenario

from mipsh.linux import links, xfrm
from mipsh.linux.route_lookup import lookup
from mipsh.model.xfrm import Tables

pytestmark = [pytest.mark.system, needs_root]


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


def mipsh(lab: Scenario, name: str, *words: str) -> tuple[int, list[Row]]:
    """Run a command on a node's engine, in its namespace; return the status and the rows."""
    engine = f"mipd://{lab.node(name).control}"
    argv = sys.executable, "-m", "mipsh", "--no-config", "-e", engine, *words, "--json"
    status, printed = lab.run(name, *argv)
    return status, list(msgspec.json.decode(printed)["data"])


def why(lab: Scenario, name: str, host: str, *words: str) -> tuple[int, str, list[Row]]:
    """Return the status, the path, and the steps."""
    status, rows = mipsh(lab, name, "why", host, *words)
    (rule,) = [row for row in rows if row["decides"]]
    return status, rule["path"], rows


def assert_proved(lab: Scenario, name: str, host: str, path: str, *words: str) -> list[Row]:
    """Hold that a path is predicted with certainty, and that an echo goes that way."""
    status, predicted, rows = why(lab, name, host, "--prove", *words)
    assert (status, predicted, rows[-1]["answer"], rows[-1]["path"]) == (0, path, "yes", path), rows
    return rows


def bind(lab: Scenario, name: str = "mn", peer: str = "cn") -> None:
    """Let a mobile node and a peer bind."""
    address = lab.node(peer).home_address or CORRESPONDENT
    lab.ask(name, "trigger_binding_update", home_address=lab.home_address(name), peer=address)
    lab.await_direct(name, peer)


def test_the_first_packet_goes_through_the_tunnel(lab: Scenario) -> None:
    """It starts what the next ones go by."""
    rows = assert_proved(lab, "mn", CORRESPONDENT, "tunnel")
    assert HOME_AGENT in rows[-1]["evidence"]
    lab.await_direct("mn")
    rows = assert_proved(lab, "mn", CORRESPONDENT, "ro")
    assert lab.home_address("mn") in rows[-1]["evidence"]


def test_from_the_correspondent(lab: Scenario) -> None:
    """Directly to the home link without a binding, and with one by the routing header."""
    assert_proved(lab, "cn", lab.home_address("mn"), "direct")
    bind(lab)
    assert_proved(lab, "cn", lab.home_address("mn"), "ro")


def test_from_the_home_agent_and_to_it(lab: Scenario) -> None:
    """Both have the binding from the home registration."""
    assert_proved(lab, "ha", lab.home_address("mn"), "ro")
    assert_proved(lab, "mn", HOME_AGENT, "ro")


def test_between_two_mobile_nodes(lab: Scenario) -> None:
    """In the end both headers are there; while one end's binding is missing, it is the tunnel."""
    bind(lab, "mn2", "mn")
    assert_proved(lab, "mn", lab.home_address("mn2"), "tunnel")
    bind(lab, "mn", "mn2")
    rows = assert_proved(lab, "mn", lab.home_address("mn2"), "ro")
    assert all(lab.home_address(name) in rows[-1]["evidence"] for name in ("mn", "mn2"))


def test_from_the_care_of_address(lab: Scenario) -> None:
    """Past all mobility."""
    care_of = lab.care_of_address("mn")
    assert care_of is not None
    assert_proved(lab, "mn", CORRESPONDENT, "direct", "--from", care_of)


def test_at_home(lab: Scenario) -> None:
    """Like any host."""
    lab.settle("mn", "home")
    assert_proved(lab, "mn", CORRESPONDENT, "direct")
    assert_proved(lab, "cn", lab.home_address("mn"), "direct")


def test_outside_of_the_namespaces(lab: Scenario) -> None:
    """A lab's node is found by its engine, and the echo is sent from there."""
    words = "-e", f"mipd://{lab.node('mn').control}", "why", CORRESPONDENT, "--prove"
    argv = sys.executable, "-m", "mipsh", "--no-config", *words, "--json"
    status, printed = lab.run("ha", *argv)
    rows = msgspec.json.decode(printed)["data"]
    assert (status, rows[-1]["path"], rows[-1]["answer"]) == (0, "tunnel", "yes"), rows


def test_nobody_answers(lab: Scenario) -> None:
    """The request went as predicted, which is what was asked."""
    rows = assert_proved(lab, "mn", "2001:db8:4::99", "tunnel")
    assert "no reply came" in rows[-1]["evidence"]


def test_three_nodes_of_a_binding(lab: Scenario) -> None:
    """All agree; a correspondent that forgot is found, and so is a mobile node that did."""
    bind(lab)
    status, rows = mipsh(lab, "mn", "both", CORRESPONDENT)
    assert (status, [row["side"] for row in rows]) == (0, ["mn", "ha", "mn", "cn"]), rows
    assert {row["care_of_address"] for row in rows} == {lab.care_of_address("mn")}
    lab.ask("cn", "flush", table="binding_cache")
    status, rows = mipsh(lab, "cn", "both", lab.home_address("mn"))
    assert (status, rows[-1]["status"], rows[-1]["verdict"]) == (1, "none", "differs"), rows
    lab.ask("mn", "flush", table="binding_update_list")
    bind(lab)
    lab.ask("mn", "flush", table="binding_update_list")
    status, rows = mipsh(lab, "mn", "both", CORRESPONDENT)
    assert (status, rows[-2]["status"], rows[-1]["status"]) == (1, "none", "cached"), rows


def test_the_kernel_in_a_namespace(lab: Scenario) -> None:
    """A mipd's kernel has no XFRM; its routes lead to the TUN interface, and nowhere without one."""
    assert lab.inside("mn", xfrm.read) == Tables()
    found = lab.inside("mn", lambda: lookup("", CORRESPONDENT))
    assert (found.kind, found.interface, found.source) == ("unicast", "mip0", lab.home_address("mn"))
    own = lab.inside("mn", lambda: lookup("", lab.home_address("mn")))
    assert own.kind == "local" and not own.leads_out
    far = lab.inside("cn", lambda: lookup(CORRESPONDENT, lab.home_address("mn")))
    assert far.leads_out


def _as_a_plain_host() -> None:
    """Let the kernel have the correspondent's address: it knows nothing of mobility."""
    from pyroute2 import IPRoute

    links.configure("eth0", "disable_ipv6", 0)
    with IPRoute() as kernel:
        (index,) = kernel.link_lookup(ifname="eth0")
        kernel.addr("add", index=index, address=CORRESPONDENT, prefixlen=64, flags=2)
        kernel.route("replace", dst="::/0", gateway="2001:db8:4::1", oif=index)


def test_a_correspondent_without_mobility_and_a_home_agent_that_is_gone() -> None:
    """The mark is the rule while it lasts; without a registration, the packet's way is not told."""
    with scenario() as lab:
        lab.kill("cn")
        lab.inside("cn", _as_a_plain_host)
        lab.ping("mn", CORRESPONDENT, count=3)
        lab.until(lambda: lab.peers("mn").get(CORRESPONDENT, {}).get("state") == "not_mobile", "mark")
        rows = assert_proved(lab, "mn", CORRESPONDENT, "tunnel")
        (rule,) = [row for row in rows if row["decides"]]
        assert rule["step"] == "peer not marked as without Mobile IPv6?" and "more" in rule["evidence"]
        lab.kill("ha")
        lab.move("mn", "foreign2")
        lab.until(lambda: lab.peers("mn").get(HOME_AGENT, {}).get("state") == "waiting_for_ack", "registering")
        status, path, rows = why(lab, "mn", CORRESPONDENT)
        (rule,) = [row for row in rows if row["decides"]]
        assert (status, path, rule["step"]) == (3, "?", "home registration in force?")
