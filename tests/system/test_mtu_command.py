"""Packet sizes on the paths of a lab: a narrow link that says so, and one that swallows what is too large.

Programs may send as much as the links carry. ``mn`` optimises routes, ``mn2`` leaves that.
"""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import msgspec
import pytest
from lab_grounds import needs_root
from msgspec import structs
from scenario import CORRESPONDENT, Scenario, mobile, scenario

from mipsh.lab.plan import PlannedNode
from mipsh.linux import lab_links, links
from mipsh.node.config import NodeConfig, TunConfig

pytestmark = [pytest.mark.system, needs_root]
MTU, NARROW, SWALLOWED_ABOVE = 1500, 1400, 1350
OPTION, TUNNEL = 24, 40


def _change(node: PlannedNode) -> NodeConfig:
    config = structs.replace(node.config, tun=TunConfig(mtu=MTU))
    if node.name == "r1":
        narrow = {"correspondent": NARROW}
        found = tuple(structs.replace(link, mtu=narrow.get(link.name, link.mtu)) for link in config.interfaces)
        return structs.replace(config, interfaces=found)
    return mobile(config, optimise=False) if node.name == "mn2" else config


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario(_change, mobile_nodes=2) as built:
        yield built


def _measured(lab: Scenario, name: str, *words: str, engine: str = "") -> tuple[int, list[dict[str, Any]]]:
    """Run the command in a node's namespace; return its status and its rows."""
    used = ("-e", engine) if engine else ()
    argv = (sys.executable, "-m", "mipsh", "--no-config", "-q", *used, "mtu", *words, "--json")
    status, printed = lab.run(name, *argv)
    assert printed.startswith("{"), printed
    return status, list(msgspec.json.decode(printed)["data"])


@contextmanager
def _swallowing(lab: Scenario, name: str, size: int) -> Iterator[None]:
    """Let a node's port into its link drop what is larger, without a word: that is what a bridge does."""
    (port,) = lab.node(name).ports.values()

    def set_mtu(value: int) -> None:
        lab_links.inside(lab.state.links_namespace, lambda: links.set_mtu(port, value))

    set_mtu(size)
    try:
        yield
    finally:
        set_mtu(MTU)


def test_by_the_optimised_route_and_directly(lab: Scenario) -> None:
    """A router says what its link takes; a Home Address option makes packets larger than programs know."""
    status, rows = _measured(lab, "mn", CORRESPONDENT)
    optimised, direct = rows
    assert status == 0
    assert (optimised["path"], optimised["overhead_bytes"]) == ("ro:ro", OPTION)
    assert (optimised["size_bytes"], optimised["on_link_bytes"]) == (NARROW - OPTION, NARROW)
    assert (direct["path"], direct["overhead_bytes"], direct["size_bytes"]) == ("direct:direct", 0, NARROW)
    for row in rows:
        assert (row["verdict"], row["vanish_from_bytes"]) == ("ok", None)
        assert row["is_exact"] is True
        assert row["link_mtu_bytes"] == MTU


def test_through_the_tunnel(lab: Scenario) -> None:
    """The tunnel's header is added; what is behind it is narrower still."""
    status, rows = _measured(lab, "mn2", CORRESPONDENT, "--source", "home")
    (row,) = rows
    assert (status, row["path"], row["verdict"]) == (0, "tunnel:tunnel", "ok")
    assert row["size_bytes"] == NARROW
    assert row["overhead_bytes"] == row["overhead_back_bytes"] == TUNNEL
    assert row["inside"] == "ipv6"


def test_a_black_hole_behind_the_router(lab: Scenario) -> None:
    """What the correspondent's port swallows vanishes; up to there all fits, and it is seen on which way."""
    with _swallowing(lab, "cn", SWALLOWED_ABOVE):
        status, rows = _measured(lab, "mn", CORRESPONDENT, engine=f"mipd://{lab.node('mn').control}")
    optimised, direct = rows
    assert status == 1
    for row, around in ((optimised, OPTION), (direct, 0)):
        assert row["verdict"] == "black_hole"
        assert row["size_bytes"] == SWALLOWED_ABOVE - around
        assert row["vanish_from_bytes"] == SWALLOWED_ABOVE - around + 1
        assert row["vanish_to_bytes"] >= NARROW - around
        assert row["lost"] == "out"
        assert "Packet Too Big" in row["sentence"]
        assert "mtu lock" in row["advice"]


def test_a_black_hole_in_front_of_it(lab: Scenario) -> None:
    """What the mobile node's own port swallows takes the tunnel's header into account."""
    with _swallowing(lab, "mn2", SWALLOWED_ABOVE):
        status, rows = _measured(lab, "mn2", CORRESPONDENT, "--source", "home")
    (row,) = rows
    assert (status, row["verdict"], row["lost"]) == (1, "black_hole", "?")
    assert row["size_bytes"] == SWALLOWED_ABOVE - TUNNEL


def test_nobody_answers(lab: Scenario) -> None:
    """No reply is no path: status 1, after a few probes."""
    status, rows = _measured(lab, "mn", "2001:db8:4::dead", "--source", "care-of")
    (row,) = rows
    assert (status, row["verdict"], row["size_bytes"]) == (1, "no_reply", None)
    assert row["probes"] < 20


def test_from_the_correspondent(lab: Scenario) -> None:
    """The other end finds the same, with a routing header around its packets."""
    lab.ping("mn", CORRESPONDENT)
    lab.await_direct("mn")
    status, rows = _measured(lab, "cn", lab.home_address("mn"))
    (row,) = rows
    assert (status, row["path"], row["verdict"]) == (0, "ro:ro", "ok")
    assert row["size_bytes"] >= NARROW - OPTION
