"""Packets that are too large for a link: cut, or refused with the size that fits, in tunnels and directly.

Programs may send as much as the links carry, so that every header that is added is one too many; the router's
link to the correspondent carries less. ``mn`` optimises routes, ``mn2`` leaves that.
"""

import re
from collections.abc import Iterator

import pytest
from lab_grounds import needs_root
from msgspec import structs
from scenario import CORRESPONDENT, ETHERNET_SIZE, Scenario, frames_that, mobile, needs, scenario

from mipsh.lab.plan import PlannedNode
from mipsh.node.config import NodeConfig, TunConfig

pytestmark = [pytest.mark.system, needs_root]
MTU, NARROW = 1500, 1400
HEADERS, HOME_ADDRESS_OPTION = 40 + 8, 24
LARGE = "4000"
HINT = re.compile(r"mtu[=: ]+(\d+)")
LEAST_BYTES_PER_S = 1_000_000


def _change(node: PlannedNode) -> NodeConfig:
    config = structs.replace(node.config, tun=TunConfig(mtu=MTU))
    if node.name == "r1":
        narrow = {"correspondent": NARROW}
        links = tuple(structs.replace(link, mtu=narrow.get(link.name, link.mtu)) for link in config.interfaces)
        return structs.replace(config, interfaces=links)
    return mobile(config, optimise=False) if node.name == "mn2" else config


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario(_change, mobile_nodes=2) as built:
        built.ping("mn", CORRESPONDENT)
        built.await_direct("mn")
        yield built


def _direct(lab: Scenario, name: str) -> bool:
    return CORRESPONDENT in lab.peers(name)


@pytest.mark.parametrize("name", ["mn", "mn2"])
def test_fragments(lab: Scenario, name: str) -> None:
    """An echo of 4,000 bytes comes and goes in pieces, by either way, asked for from either side."""
    needs("tcpdump", "tshark")
    with lab.dumped() as files:
        for sender, to in ((name, CORRESPONDENT), ("cn", lab.home_address(name))):
            assert lab.ping(sender, to, "-s", LARGE).received > 0
            assert lab.ping(sender, to, "-s", LARGE).lost == 0
    pieces = frames_that(files["foreign1"], "ipv6.fraghdr")
    assert len(pieces) >= 2 * 2 * 10
    towards = f"ipv6.fraghdr && ipv6.dst == {CORRESPONDENT} && frame.len > {NARROW + ETHERNET_SIZE}"
    assert frames_that(files["correspondent"], towards) == []
    for path in files.values():
        assert frames_that(path, "_ws.malformed") == []
    assert _direct(lab, name) is (name == "mn")


@pytest.mark.parametrize("name", ["mn", "mn2"])
def test_the_size_that_fits_is_told(lab: Scenario, name: str) -> None:
    """What is too large for the router is refused with a size, and what has that size gets through.

    Where a Home Address option makes it too large again, the mobile node cuts it.
    """
    needs("ping")
    _, said = lab.run(name, "ping", "-n", "-M", "do", "-c", "4", "-i", "0.1", "-W", "1", "-s", "1452", CORRESPONDENT)
    told = [int(found) for found in HINT.findall(said)]
    assert told, said
    assert min(told) == NARROW, said
    for size in (NARROW, NARROW - HOME_ADDRESS_OPTION):
        assert lab.ping(name, CORRESPONDENT, "-M", "do", "-s", str(size - HEADERS)).lost == 0


@pytest.mark.parametrize("name", ["mn", "mn2"])
@pytest.mark.parametrize("words", [(), ("-R",)], ids=["to", "from"])
def test_iperf3(lab: Scenario, name: str, words: tuple[str, ...]) -> None:
    """TCP finds the size by itself, in both directions, by either way."""
    received = lab.iperf3(name, "-t", "1", *words)["sum_received"]
    assert received["bytes"] > LEAST_BYTES_PER_S
    assert lab.is_alive()
