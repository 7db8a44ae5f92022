"""Every way to have a Binding Update sent makes a node send one, seen by tshark on the link.

mipd is asked through its control socket, and made to through its virtual terminal, where it is what mip6d is.
"""

import sys
from collections.abc import Iterator
from typing import Any

import pytest
from lab_grounds import needs_root
from msgspec import structs
from scenario import CORRESPONDENT, HOME_AGENT, Row, Scenario, frames_that, needs, scenario

from mipsh.lab.plan import PlannedNode
from mipsh.linux import lab_links
from mipsh.node.config import NodeConfig

pytestmark = [pytest.mark.system, needs_root]
VT = "umip://[::1]:7777"
SELDOM_S = 900.0, 1800.0
UPDATES = "mip6.mhtype == 5"
ANSWERS = "mip6.mhtype == 6"


def _change(node: PlannedNode) -> NodeConfig:
    """Let mip6d's clients ask, and routers say seldom who they are: what a node notices, it was made to notice."""
    config = structs.replace(node.config, vt_port=7777)
    if node.name != "r1":
        return config
    links = tuple(
        link
        if link.advertise is None
        else structs.replace(
            link,
            advertise=structs.replace(link.advertise, interval_s=SELDOM_S, sends_interval=False),
        )
        for link in config.interfaces
    )
    return structs.replace(config, interfaces=links)


@pytest.fixture(scope="module")
def built() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    needs("tcpdump", "tshark")
    with scenario(_change) as lab:
        yield lab


@pytest.fixture
def lab(built: Scenario) -> Scenario:
    """Return the lab, its mobile node registered from the first foreign link, and bound nowhere else."""
    built.unbind("mn")
    return built


def _bind(lab: Scenario) -> None:
    """Let the mobile node and the correspondent bind."""
    lab.ask("mn", "trigger_binding_update", home_address=lab.home_address("mn"), peer=CORRESPONDENT)
    lab.await_direct("mn")


def _carry(port: str, bridge: str) -> None:
    """Put a cable's end into another bridge, its link being up all the time."""
    from pyroute2 import IPRoute

    with IPRoute() as kernel:
        found: Any = kernel
        index = {name: found.link_lookup(ifname=name)[0] for name in (port, bridge)}
        found.link("set", index=index[port], master=index[bridge])


def _asked(lab: Scenario, name: str, engine: str, *words: str) -> Row:
    """Have a Binding Update sent by a command, and return its last row and its link's frames: all has to be well."""
    with lab.dumped() as files:
        rows = lab.mipsh(name, "-e", engine, "--write", "--yes", "-q", *words)
    found = rows[-1]
    assert found["verdict"] == "accepted", rows
    assert found["sequence"] is not None
    (link,) = lab.node("mn").links.values()
    shown = frames_that(files[link], UPDATES, "-T", "fields", "-e", "mip6.bu.seqnr")
    assert str(found["sequence"]) in shown
    return found


def test_the_engine_is_told(lab: Scenario) -> None:
    """The home agent's acknowledgement is told of, with its times, as tshark sees it."""
    before = lab.peers("mn")[HOME_AGENT]["sequence"]
    row = _asked(lab, "mn", f"mipd://{lab.node('mn').control}", "bu", "home")
    assert (row["method"], row["ba_status"], row["ba_status_name"]) == ("native", 0, "accepted")
    assert (row["sequence_before"], row["sequence"]) == (before, (before + 1) % 65536)
    assert 0 < row["update_ms"] < 1000
    assert 0 < row["acknowledgement_ms"] < 1000
    assert row["lifetime_granted_s"] == 3600


def test_the_engine_is_told_a_lifetime_and_the_end(lab: Scenario) -> None:
    """The lifetime is in the Binding Update and granted; its end is a lifetime of 0."""
    engine = f"mipd://{lab.node('mn').control}"
    assert _asked(lab, "mn", engine, "bu", "home", "--lifetime", "100")["lifetime_granted_s"] == 100
    assert _asked(lab, "mn", engine, "bu", "home", "--dereg")["lifetime_granted_s"] in (0, None)
    assert lab.care_of_address("mn") is None
    _asked(lab, "mn", engine, "bu", "home")
    lab.await_registered("mn")


def test_the_engine_is_told_of_a_correspondent(lab: Scenario) -> None:
    """Return routability comes first."""
    row = _asked(lab, "mn", f"mipd://{lab.node('mn').control}", "bu", CORRESPONDENT)
    assert (row["registration"], row["peer_address"]) == ("correspondent", CORRESPONDENT)
    assert lab.is_direct("mn")


def test_poke(lab: Scenario) -> None:
    """A packet to a correspondent that has no binding starts return routability, and a Binding Update follows."""
    row = _asked(lab, "mn", VT, "bu", CORRESPONDENT, "--method", "poke")
    assert (row["method"], row["registration"]) == ("poke", "correspondent")
    assert lab.is_direct("mn")


def test_brr(lab: Scenario) -> None:
    """A mobile node follows a Binding Refresh Request of its correspondent."""
    _bind(lab)
    row = _asked(lab, "cn", VT, "bu", lab.home_address("mn"), "--method", "brr")
    assert row["sequence"] == (row["sequence_before"] + 1) % 65536


def test_be(lab: Scenario) -> None:
    """A mobile node drops the binding that its correspondent does not know, and binds again when it sends something."""
    _bind(lab)
    echoes = lab.pinging("mn", CORRESPONDENT, every_s=0.1)
    echoes.await_answers(1)
    _asked(lab, "cn", VT, "bu", lab.home_address("mn"), "--method", "be")
    echoes.end()


def test_rs(lab: Scenario) -> None:
    """A mobile node that was carried to another link, and has not noticed, learns it from the router's answer."""
    node, links = lab.node("mn"), lab.state.links_namespace
    (port,) = node.ports.values()
    before = lab.care_of_address("mn")
    lab_links.inside(links, lambda: _carry(port, "foreign2"))
    node.links = dict.fromkeys(node.links, "foreign2")
    _asked(lab, "mn", VT, "bu", "home", "--method", "rs")
    assert lab.care_of_address("mn") not in (None, before)


def test_coa(lab: Scenario) -> None:
    """A mobile node whose care-of address was taken away and given back registers it again."""
    before = lab.care_of_address("mn")
    _asked(lab, "mn", VT, "bu", "home", "--method", "coa")
    assert lab.care_of_address("mn") == before


def test_flap(lab: Scenario) -> None:
    """A mobile node whose link went away and came back registers again; off a terminal, --yes is its consent."""
    _asked(lab, "mn", VT, "bu", "home", "--method", "flap")
    assert lab.is_registered("mn")


@pytest.mark.parametrize("method", ["poke", "rs", "coa", "flap"])
def test_elsewhere_nothing_is_sent(lab: Scenario, method: str) -> None:
    """Asked from another node's namespace, it refuses: what it sent and switched there would be another's."""
    whom = CORRESPONDENT if method == "poke" else "home"
    words = "-m", "mipsh", "--no-config", "-e", f"mipd://{lab.node('mn').control}", "bu", whom, "--method", method
    with lab.dumped() as files:
        status, printed = lab.run("cn", sys.executable, *words, "--write", "--yes")
    assert status == 77, printed
    assert "network namespace" in printed
    assert all(frames_that(path, UPDATES) == [] for path in files.values())


def test_where_no_daemon_can_be_asked(lab: Scenario) -> None:
    """The kernel says which address is the home address, and packets say what became of it."""
    row = _asked(lab, "mn", "kernel:", "bu", CORRESPONDENT, "--method", "poke")
    assert (row["home_address"], row["registration"], row["ba_status"]) == (
        lab.home_address("mn"),
        "correspondent",
        0,
    )
    row = _asked(lab, "mn", "kernel:", "bu", "home", "--method", "coa")
    assert (row["peer_address"], row["sequence_before"]) == (None, None)
