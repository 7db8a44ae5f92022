"""What a mobile node does that stays where it is, seen in tables and on links: registration, tunnel, direct route.

``mn`` optimises routes, ``mn2`` leaves that.
"""

from collections.abc import Iterator

import pytest
from lab_grounds import needs_root
from scenario import CORRESPONDENT, HOME_AGENT, Scenario, frames_that, mobile, needs, scenario

from mipsh.lab.plan import PlannedNode
from mipsh.node.config import NodeConfig
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.packet import Packet

pytestmark = [pytest.mark.system, needs_root]


def _change(node: PlannedNode) -> NodeConfig:
    return mobile(node.config, optimise=False) if node.name == "mn2" else node.config


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario(_change, mobile_nodes=2) as built:
        yield built


def _echoes(packets: list[Packet], kind: type, tunnelled: bool) -> list[Packet]:
    """Return the outermost packets that carry an echo message, through a tunnel or not."""
    found = []
    for packet in packets:
        inner = packet.upper if isinstance(packet.upper, Packet) else packet
        if isinstance(inner.upper, Icmpv6) and isinstance(inner.upper.message, kind):
            found.append(packet)
    return [packet for packet in found if isinstance(packet.upper, Packet) is tunnelled]


def test_it_is_registered(lab: Scenario) -> None:
    """The mobile node and its home agent say the same of both, down to flags and lifetimes."""
    for name in ("mn", "mn2"):
        home = lab.home_address(name)
        row, binding = lab.peers(name)[HOME_AGENT], lab.bindings("ha")[home]
        assert (row["home_address"], row["registration"], row["state"]) == (home, "home", "bound")
        assert binding["status"] == "registered"
        assert binding["care_of_address"] == row["care_of_address"]
        assert binding["care_of_address"].startswith("2001:db8:2:")
        assert {"A", "H"} <= {*row["flags"]}
        assert {"A", "H"} <= {*binding["flags"]}
        assert 0 < binding["lifetime_remaining_s"] <= 3600


def test_the_tunnel_is_on_the_links(lab: Scenario) -> None:
    """Without optimisation all goes by the home agent, both ways, and the correspondent knows nothing."""
    home, care_of = parse(lab.home_address("mn2")), parse(lab.care_of_address("mn2") or "")
    agent, correspondent = parse(HOME_AGENT), parse(CORRESPONDENT)
    with lab.heard("foreign1") as abroad, lab.heard("correspondent") as there:
        assert lab.ping("mn2", CORRESPONDENT).lost == 0
    requests, answers = _echoes(abroad, EchoRequest, True), _echoes(abroad, EchoReply, True)
    assert [(packet.source, packet.destination) for packet in requests] == [(care_of, agent)] * 5
    assert [(packet.source, packet.destination) for packet in answers] == [(agent, care_of)] * 5
    inner = [packet.upper for packet in requests + answers if isinstance(packet.upper, Packet)]
    assert {(packet.source, packet.destination) for packet in inner} == {(home, correspondent), (correspondent, home)}
    assert _echoes(abroad, EchoRequest, False) == _echoes(abroad, EchoReply, False) == []
    plain = _echoes(there, EchoRequest, False)
    assert [(packet.source, packet.home_address_option) for packet in plain] == [(home, None)] * 5
    assert lab.home_address("mn2") not in lab.bindings("cn")
    assert CORRESPONDENT not in lab.peers("mn2")


def test_the_direct_route_is_on_the_links(lab: Scenario) -> None:
    """After return routability both ends know of it, and packets carry home addresses in their headers."""
    home = parse(lab.home_address("mn"))
    assert lab.ping("mn", CORRESPONDENT).lost == 0
    lab.await_direct("mn")
    care_of, correspondent = parse(lab.care_of_address("mn") or ""), parse(CORRESPONDENT)
    with lab.heard("foreign1") as abroad, lab.heard("correspondent") as there, lab.heard("home") as at_home:
        assert lab.ping("mn", CORRESPONDENT).lost == 0
    for packets in (abroad, there):
        requests, answers = _echoes(packets, EchoRequest, False), _echoes(packets, EchoReply, False)
        told = [(packet.source, packet.destination, packet.home_address_option) for packet in requests]
        assert told == [(care_of, correspondent, home)] * 5
        routed = [(packet.source, packet.destination, packet.routing_home_address) for packet in answers]
        assert routed == [(correspondent, care_of, home)] * 5
    assert _echoes(at_home, EchoRequest, True) == _echoes(at_home, EchoReply, True) == []
    row = lab.peers("mn")[CORRESPONDENT]
    assert (row["registration"], row["state"]) == ("correspondent", "bound")
    assert lab.bindings("cn")[lab.home_address("mn")]["status"] == "cached"


def test_tshark_sees_it_too(lab: Scenario) -> None:
    """A mobile node that begins anew: the four tests, the update and its answer, then the headers."""
    needs("tcpdump", "tshark")
    lab.kill("mn")
    with lab.dumped() as files:
        lab.start("mn")
        lab.settle("mn", "foreign1")
        assert lab.ping("cn", lab.home_address("mn")).lost == 0
        lab.await_direct("mn")
        assert lab.ping("cn", lab.home_address("mn")).lost == 0
    for kind in range(1, 7):
        assert frames_that(files["foreign1"], f"mip6.mhtype == {kind}"), kind
    assert frames_that(files["foreign1"], "ipv6.routing.type == 2 && icmpv6.type == 128")
    assert frames_that(files["correspondent"], "ipv6.opt.type == 201 && icmpv6.type == 129")
    assert frames_that(files["foreign1"], "_ws.malformed") == []


def test_it_returns_home_and_leaves_again(lab: Scenario) -> None:
    """At home it is an ordinary host; its correspondent forgets it, and learns of it anew."""
    lab.settle("mn", "foreign1")
    lab.ping("mn", CORRESPONDENT)
    lab.await_direct("mn")
    lab.settle("mn", "home")
    lab.until(lambda: lab.home_address("mn") not in lab.bindings("cn"), "end of the correspondent's binding")
    with lab.heard("home") as at_home:
        assert lab.ping("cn", lab.home_address("mn")).lost == 0
    requests = _echoes(at_home, EchoRequest, False)
    assert [packet.headers for packet in requests] == [()] * 5
    assert _echoes(at_home, EchoRequest, True) == []
    lab.settle("mn", "foreign2")
    assert lab.ping("cn", lab.home_address("mn")).lost == 0
    lab.await_direct("mn")
    assert (lab.care_of_address("mn") or "").startswith("2001:db8:3:")
