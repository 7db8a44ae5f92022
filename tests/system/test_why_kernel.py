"""The bare kernel of a namespace: its XFRM as ``ip`` prints it, and what becomes of a home address by its policies."""

import sys
from collections.abc import Iterator
from functools import partial

import msgspec
import pytest
from lab_grounds import needs_root
from system_namespaces import Netns, needs

from mipsh.linux import xfrm
from mipsh.linux.addresses import Address, add_address
from mipsh.model.xfrm import purpose

pytestmark = [pytest.mark.system, needs_root]
HOA, COA, HA, CN = "2001:db8:1::100", "2001:db8:2::7", "2001:db8:1::1", "2001:db8:4::2"
TRIGGER = "src", f"{HOA}/128", "dst", "::/0", "dir", "out", "priority", "18", "ptype", "sub", "tmpl", "src", HOA
BLOCK = "src", f"{HOA}/128", "dst", "::/0", "dir", "out", "action", "block", "priority", "1", "ptype", "sub"
SECURED = (
    *("src", f"{HOA}/64", "dst", f"{CN}/128", "proto", "ipv6-icmp", "type", "128", "code", "0", "dir", "out"),
    *("priority", "10", "tmpl", "src", COA, "dst", HA, "proto", "esp", "reqid", "14", "mode", "tunnel"),
)


@pytest.fixture
def netns() -> Iterator[Netns]:
    """Make a node with a home address, a care-of address, and a router's end of its cable."""
    needs("ip")
    with Netns("mn", "router") as found:
        found.cable(("mn", "eth0"), ("router", "eth0"))
        found.host("router", "eth0", "2001:db8:2::1/64")
        found.host("mn", "eth0", f"{COA}/64", "2001:db8:2::1")
        home = Address(HOA, 128, "eth0", ("home", "nodad"))
        found.inside("mn", partial(add_address, home))
        yield found


def policy(netns: Netns, *words: str) -> None:
    """Give the node's kernel a policy."""
    netns.run("mn", "ip", "xfrm", "policy", "add", *words)


def why(netns: Netns, *words: str, before: tuple[str, ...] = ()) -> list[dict[str, object]]:
    """Run ``why`` in the node's namespace, on its kernel alone."""
    argv = sys.executable, "-m", "mipsh", "--no-config", "-q", "-e", "kernel:", "why", CN, *words, "--json"
    process = netns.start("mn", *before, *argv)
    printed, _ = process.communicate(timeout=20)
    return list(msgspec.json.decode(printed)["data"])


def test_policies_are_as_ip_prints_them(netns: Netns) -> None:
    """In the order of ip, with selectors, types and templates."""
    policy(netns, *TRIGGER, "dst", "::", "proto", "hao", "reqid", "0", "mode", "in_trigger", "level", "use")
    policy(netns, *SECURED)
    found = netns.inside("mn", xfrm.read)
    printed = netns.run("mn", "ip", "-s", "xfrm", "policy").splitlines()
    heads = [line for line in printed if line.startswith("src ")]
    assert [f"src {p.selector.source}/{p.selector.source_length}" for p in found.policies] == [
        " ".join(line.split()[:2]) for line in heads
    ]
    by_priority = {p.priority: p for p in found.policies}
    assert purpose(by_priority[18]) == "RO trigger" and by_priority[18].kind == 1 and by_priority[10].kind == 0
    assert (by_priority[10].templates[0].reqid, by_priority[10].selector.source_port) == (14, 128)
    assert by_priority[18].templates[0].is_optional and not by_priority[10].templates[0].is_optional
    assert found.unread == ()


def test_a_home_address_that_is_blocked(netns: Netns) -> None:
    """As mip6d blocks one that is not registered: nothing leaves, and an echo proves it."""
    policy(netns, *BLOCK)
    rows = why(netns, "--prove")
    (rule,) = [row for row in rows if row["decides"]]
    assert (rule["path"], rule["certain"]) == ("none", True), rows
    assert "priority 1 (home registration block)" in str(rule["evidence"])
    assert (rows[-1]["path"], rows[-1]["answer"]) == ("none", "yes"), rows


def test_a_care_of_address_is_not_blocked(netns: Netns) -> None:
    """Its packets go directly, whatever the home address' policies are."""
    policy(netns, *BLOCK)
    rows = why(netns, "--from", COA)
    assert [row["path"] for row in rows if row["decides"]] == ["direct"], rows


def test_a_home_address_past_the_tunnel(netns: Netns) -> None:
    """The policies of a registration, and no route into a tunnel: it leaves as it is, and is not what was meant."""
    policy(netns, *TRIGGER, "dst", "::", "proto", "hao", "reqid", "0", "mode", "in_trigger", "level", "use")
    rows = why(netns)
    (rule,) = [row for row in rows if row["decides"]]
    assert (rule["path"], rule["step"]) == ("direct", "route there?"), rows


def test_without_privilege(netns: Netns) -> None:
    """It is said what is missing, and nothing is predicted with certainty."""
    needs("setpriv")
    policy(netns, *BLOCK)
    unprivileged = "setpriv", "--bounding-set=-all", "--inh-caps=-all"
    rows = why(netns, before=unprivileged)
    (rule,) = [row for row in rows if row["decides"]]
    assert rule["certain"] is False and any("CAP_NET_ADMIN" in str(row["evidence"]) for row in rows), rows
