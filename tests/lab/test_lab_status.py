"""How a lab stands is said right, and drawn within 80 columns."""

import os
from pathlib import Path

import pytest

from mipsh.lab import plan, status
from mipsh.lab.existing import ground_of
from mipsh.lab.namespaces import planned_state
from mipsh.lab.state import Impairment, Kind, LabState, Place
from mipsh.lab.status import ASCII, Tables, addresses, drawing, has_arrived, links, reports
from mipsh.linux.processes import find
from mipsh.model.records import BindingUpdateListEntry
from mipsh.wire.address import text

HOME, CARE_OF, AGENT, CORRESPONDENT = "2001:db8:1::100", "2001:db8:2::7", "2001:db8:1::1", "2001:db8:4::2"
REGISTERED = BindingUpdateListEntry(HOME, CARE_OF, AGENT, "home", "bound")
DIRECT = BindingUpdateListEntry(HOME, CARE_OF, CORRESPONDENT, "correspondent", "bound")
TESTING = BindingUpdateListEntry(HOME, CARE_OF, "2001:db8:4::3", "correspondent", "return_routability")


def state(mobile_nodes: int = 1, correspondents: int = 1, start: str = "foreign1") -> LabState:
    """Return a lab whose nodes all run, in this process."""
    place = Place(Path("/nowhere"), "lab")
    planned = plan.plan("lab", mobile_nodes, correspondents, start)
    found = planned_state(ground_of(place, Kind.ROOT), planned, Kind.ROOT)
    for node in found.nodes.values():
        node.process = find(os.getpid())
    return found


def test_links_have_the_prefixes_of_the_plan() -> None:
    """And correspondents the addresses."""
    assert {link: f"{text(plan.prefix_of(link))}/64" for link in plan.LINKS} == status.PREFIXES
    planned = plan.plan("lab", 2, 2)
    known = addresses(state(2, 2))
    for node in planned.nodes:
        own = [address.partition("/")[0] for link in node.config.interfaces for address in link.addresses]
        assert node.role == "router" or known[node.home_address or own[0]] == node.name
    assert known[AGENT] == "ha"


@pytest.mark.parametrize(
    ("said", "start", "expected"),
    [
        (Tables(), "foreign1", "silent"),
        (Tables(True), "foreign1", "away"),
        (Tables(True), "home", "home"),
        (Tables(True, (REGISTERED,)), "foreign1", "registered"),
        (Tables(True, (BindingUpdateListEntry(HOME, CARE_OF, AGENT, "home", "waiting_for_ack"),)), "home", "away"),
    ],
)
def test_a_mobile_node_s_state(said: Tables, start: str, expected: str) -> None:
    """At home it is only when nothing is left to be told to the home agent."""
    (row,) = (row for row in reports(state(start=start), {"mn": said}) if row.role == "mn")
    assert row.state == expected
    assert has_arrived(row) is (expected in ("home", "registered"))


def test_a_node_that_has_no_process_is_down() -> None:
    """And so is one whose process is gone."""
    lab = state()
    lab.nodes["ha"].process = None
    rows = {row.node: row for row in reports(lab, {})}
    assert rows["ha"].state == "down"
    assert rows["cn"].state == "silent"
    assert "ha (down)" in drawing(lab, rows.values())


def test_where_it_was_is_not_where_it_is() -> None:
    """A registration from another link has not followed yet."""
    lab = state(start="foreign2")
    (row,) = (row for row in reports(lab, {"mn": Tables(True, (REGISTERED,))}) if row.role == "mn")
    assert not has_arrived(row)


def test_the_drawing_shows_links_nodes_and_paths() -> None:
    """Whoever is tested is not direct yet; impairments stand beside the link."""
    lab = state(correspondents=2)
    lab.impairments["foreign1"] = Impairment(0.1, 0.02)
    rows = reports(lab, {"mn": Tables(True, (REGISTERED, DIRECT, TESTING))})
    assert drawing(lab, rows, ASCII).splitlines() == [
        "  home          2001:db8:1::/64  --+-- ha",
        "  foreign1      2001:db8:2::/64  --+-- mn   (loses 10 %, takes 20 ms)",
        "  foreign2      2001:db8:3::/64  --+--",
        "  correspondent 2001:db8:4::/64  --+-- cn  cn2",
        "                                   r1",
        "  mn   2001:db8:1::100    is at foreign1, 2001:db8:2::7",
        "       ha    === tunnel === mn",
        "       cn    <--- direct ---> mn",
    ]
    (row,) = (link for link in links(lab) if link.link == "foreign1")
    assert (row.loss_percent, row.delay_ms, row.nodes) == (10, 20, ("r1", "mn"))


def test_the_drawing_fits_however_many_there_are() -> None:
    """Within 80 columns."""
    lab = state(16, 16, "home")
    assert all(len(line) <= 80 for line in drawing(lab, reports(lab, {})).splitlines())
