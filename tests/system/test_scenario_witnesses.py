"""A tour of all that a mobile node does, and what foreign programs make of it: tshark, and who reads mip6d's text."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from lab_grounds import needs_root
from msgspec import structs
from scenario import CORRESPONDENT, Scenario, frames_that, needs, scenario

from mipsh.lab.plan import PlannedNode
from mipsh.lab.topology import HOME_AGENT
from mipsh.model.reading import Reading
from mipsh.node.config import NodeConfig
from mipsh.plugins.engines.umip import open_umip

pytestmark = [pytest.mark.system, needs_root]
VT_PORT = 7777
CHECKS = "-o", "tcp.check_checksum:TRUE", "-o", "udp.check_checksum:TRUE"
WRONG = "_ws.malformed || _ws.expert.severity == error || icmpv6.checksum.status == 0 || tcp.checksum.status == 0"
TABLES = {
    "mn": ("binding_update_list", "return_routability", "statistics"),
    HOME_AGENT: ("binding_cache", "home_agents", "prefixes", "statistics"),
    "cn": ("binding_cache", "nonces", "statistics"),
}


def _change(node: PlannedNode) -> NodeConfig:
    """Let mip6d's clients ask."""
    return structs.replace(node.config, vt_port=VT_PORT)


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario(_change, mobile_nodes=2, start="home") as built:
        yield built


@pytest.fixture(scope="module")
def tour(lab: Scenario) -> dict[str, Path]:
    """Let a mobile node begin anew, go everywhere, talk to all in all ways, come home, and take leave."""
    needs("tcpdump", "tshark", "ping", "iperf3")
    lab.kill("mn")
    with lab.dumped() as files:
        lab.start("mn")
        lab.await_home("mn")
        _talk(lab)
        for link in ("foreign1", "foreign2", "home", "foreign1"):
            lab.settle("mn", link)
            _talk(lab)
            if link != "home":
                lab.kill("cn")
                lab.start("cn")
                _talk(lab)
        lab.settle("mn2", "foreign2")
        lab.ping("mn", lab.home_address("mn2"))
        lab.await_direct("mn", "mn2")
        lab.await_direct("mn2", "mn")
        _talk(lab)
        lab.ping("mn", lab.home_address("mn2"), "-s", "4000")
        for words in ((), ("-R",), ("-u",)):
            lab.iperf3("mn", "-n", "1M", "-b", "20M", *words)
    return files


def _talk(lab: Scenario) -> None:
    """Send echoes in both directions, small ones and large ones, and go on until the route is what it will be."""
    echoes = lab.pinging("mn", CORRESPONDENT)
    echoes.await_answers(10)
    if lab.care_of_address("mn") is not None:
        lab.await_direct("mn")
    echoes.end()
    lab.ping("cn", lab.home_address("mn"), "-s", "4000")
    lab.ping("mn", CORRESPONDENT, "-s", "4000")


@pytest.mark.parametrize("link", ["home", "foreign1", "foreign2", "correspondent"])
def test_tshark_finds_nothing_wrong(tour: dict[str, Path], link: str) -> None:
    """No malformed packet, no wrong checksum, on any link."""
    assert len(frames_that(tour[link], "ipv6")) > 50
    assert frames_that(tour[link], WRONG, *CHECKS) == []


def test_tshark_names_all_messages(tour: dict[str, Path]) -> None:
    """Every message of Mobile IPv6 that such a tour has was on some link."""
    for kind in range(1, 8):
        assert any(frames_that(path, f"mip6.mhtype == {kind}") for path in tour.values()), kind


@pytest.mark.parametrize(("name", "table"), [(name, table) for name, tables in TABLES.items() for table in tables])
def test_the_client_of_mip6d_reads_every_line(tour: dict[str, Path], lab: Scenario, name: str, table: str) -> None:
    """It reads as many rows as the control socket has, and no line of the text is left over."""

    def read() -> Reading:
        with closing(open_umip(f"umip://[::1]:{VT_PORT}")) as connector:
            connector.connect()
            found = getattr(connector, table)()
        assert isinstance(found, Reading)
        return found

    reading = lab.inside(name, read)
    assert reading.unread == ()
    assert reading.rows or table == "nonces"
    if table != "statistics":
        assert len(reading.rows) == len(lab.rows(name, table))


def test_mipsh_asks_as_it_asks_mip6d(lab: Scenario) -> None:
    """From within the node's namespace, where the terminal is."""
    for name, command in (("mn", "bul"), (HOME_AGENT, "bc"), ("cn", "bc")):
        table = "binding_update_list" if command == "bul" else "binding_cache"
        rows = lab.mipsh(name, "-e", f"umip://[::1]:{VT_PORT}", command)
        expected = lab.rows(name, table)
        for column in ("home_address", "care_of_address"):
            assert [row[column] for row in rows] == [row[column] for row in expected]
