"""Messages counted: each once, at the node that it begins or ends at, and nothing for hostile bytes."""

from functools import partial

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from node_world import away

from mipsh.lab.applications import Echo
from mipsh.lab.topology import ETHERNET, HOME, Lab
from mipsh.mobility.trace import PacketSeen, Record
from mipsh.node import readings
from mipsh.node.counting import DIRECTIONS, LABELS, CountingTrace, Tally
from mipsh.plugins.engines.umip_stats import COUNTERS
from mipsh.wire.address import parse
from mipsh.wire.extension import FragmentHeader, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoRequest, HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.mobility import BindingRefreshRequest, HomeTestInit, MobilityHeader, OtherMessage
from mipsh.wire.packet import Packet, Payload

HERE, THERE = parse("2001:db8::1"), parse("2001:db8::2")
Counted = dict[tuple[str, str], int]


def counting(lab: Lab, name: str) -> CountingTrace:
    """Let a node of a lab count from now on."""
    node = lab.node(name)
    node.trace = CountingTrace(name)
    node.trace.follow(node)
    return node.trace


def values(trace: CountingTrace) -> Counted:
    """Return what was counted and is not zero."""
    return {(counter.direction, counter.name): counter.value for counter in trace.counters() if counter.value}


def tally(*packets: Packet) -> dict[str, int]:
    """Return what is counted of packets that come to this node, and is not zero."""
    found = Tally()
    found.is_reverse = True
    for packet in packets:
        found.take(packet.encode(), HERE.__eq__, True)
    return {name: value for name, value in found.values.items() if value}


def test_both_ends_count_the_same() -> None:
    """What the mobile node sends is received by home agent and correspondent; the router between counts nothing."""
    lab = Lab()
    lab.network.run_for(1.0)
    traces = {name: counting(lab, name) for name in ("ha", "cn", "r1")}
    lab.add_mobile_node(HOME)
    mobile = counting(lab, "mn")
    lab.network.run_for(5.0)
    lab.network.move("mn", ETHERNET, "foreign1")
    lab.network.run_for(10.0)
    Echo(lab.network, "mn", lab.correspondent_address(), count=20, interval_s=0.2)
    lab.network.run_for(10.0)
    mn, ha, cn = values(mobile), values(traces["ha"]), values(traces["cn"])
    assert values(traces["r1"]) == {}
    for name in ("home_test_inits", "care_of_test_inits", "home_address_options"):
        assert mn["sent", name] == cn["received", name] + ha.get(("received", name), 0) > 0
    for name in ("home_tests", "care_of_tests"):
        assert mn["received", name] == cn["sent", name] > 0
    assert mn["sent", "binding_updates"] == ha["received", "binding_updates"] + cn["received", "binding_updates"]
    assert ha["sent", "binding_acknowledgements"] == ha["received", "binding_updates"]
    assert mn["received", "type_2_routing_headers"] > 10
    assert mn["sent", "reverse_tunneled"] == ha["received", "reverse_tunneled"] > 0
    assert ("sent", "reverse_tunneled") not in ha
    assert mn["sent", "mobility_headers"] == sum(
        mn.get(("sent", name), 0) for name in ("binding_updates", "home_test_inits", "care_of_test_inits")
    )


def test_all_counters_are_there() -> None:
    """In both directions, by mip6d's names and words; which way a tunnel goes tells whether it is counted."""
    lab = away()
    trace = counting(lab, "ha")
    rows = list(readings.statistics(lab.node("ha"), 0.0))
    assert [(row.direction, row.name) for row in rows] == [(d, name) for d in DIRECTIONS for name in LABELS]
    assert all(COUNTERS[row.label].name == row.name for row in rows)
    uncounted = [(row.direction, row.name, row.value) for row in rows if not row.counted]
    assert uncounted == [("sent", "reverse_tunneled", None)]
    assert list(trace.counters()) == rows
    assert "statistics" in readings.of(lab.node("ha"))


def test_every_message_is_known() -> None:
    """By its type; another one is a Mobility Header all the same."""
    to = partial(Packet, THERE, HERE)
    assert tally(to(MobilityHeader(BindingRefreshRequest()))) == {"mobility_headers": 1, "binding_refresh_requests": 1}
    assert tally(to(MobilityHeader(OtherMessage(99, b"\0\0")))) == {"mobility_headers": 1}
    assert tally(to(Icmpv6(HomeAgentDiscoveryRequest(1)))) == {"home_agent_discovery_requests": 1}
    assert tally(to(Icmpv6(EchoRequest(1, 1)))) == {}
    assert tally(to(Payload(17, bytes(8)))) == {}
    assert tally(to(MobilityHeader(HomeTestInit(bytes(8))), (carrying(HomeAddress(THERE)),))) == {
        "mobility_headers": 1,
        "home_test_inits": 1,
        "home_address_options": 1,
    }
    assert tally(to(Payload(17, bytes(8)), (Type2RoutingHeader(HERE),))) == {"type_2_routing_headers": 1}
    assert tally(to(Payload(135, bytes(16)), (FragmentHeader(8, False, 1),))) == {}
    assert tally(to(Payload(135, bytes(16)), (FragmentHeader(0, True, 1),))) == {
        "mobility_headers": 1,
        "binding_refresh_requests": 1,
    }


def test_what_is_in_a_tunnel() -> None:
    """It is counted where it is for this node, too."""
    inner = Packet(THERE, HERE, MobilityHeader(HomeTestInit(bytes(8))))
    other = Packet(HERE, THERE, MobilityHeader(HomeTestInit(bytes(8))))
    assert tally(Packet(THERE, HERE, inner)) == {"reverse_tunneled": 1, "mobility_headers": 1, "home_test_inits": 1}
    assert tally(Packet(THERE, HERE, other)) == {"reverse_tunneled": 1}
    assert tally(other) == {}


@given(st.binary(max_size=200), st.sampled_from((0, 41, 43, 44, 58, 60, 135)), st.booleans())
@example(bytes(120), 60, True)
def test_any_bytes(data: bytes, kind: int, is_received: bool) -> None:
    """Nothing is raised, and nothing is counted twice."""
    trace = CountingTrace("mn")
    trace.packet("eth0", is_received, data)
    assert values(trace) == {}
    found = Tally()
    packet = bytes(6) + bytes((kind,)) + bytes(33) + data
    found.take(packet, lambda address: True, is_received)
    assert found.values["mobility_headers"] <= 1


def test_it_is_a_trace_like_any_other() -> None:
    """Whoever listens hears of packets; nothing is counted before it is known for whom."""
    records: list[Record] = []
    trace = CountingTrace("mn", records.append)
    data = Packet(THERE, HERE, MobilityHeader(HomeTestInit(bytes(8)))).encode()
    trace.packet("eth0", True, data)
    assert records == [PacketSeen(0.0, "mn", "eth0", True, data)]
    assert values(trace) == {}


def test_home_agents_are_asked_at_their_anycast_address() -> None:
    """A question to all home agents of a link is one to this one."""
    lab = away()
    trace = counting(lab, "ha")
    home_agent = lab.node("ha").roles.home_agent
    assert home_agent is not None
    ((_, anycast),) = home_agent.anycast_addresses
    trace.packet(ETHERNET, True, Packet(THERE, anycast, Icmpv6(HomeAgentDiscoveryRequest(1))).encode())
    assert values(trace) == {("received", "home_agent_discovery_requests"): 1}


@pytest.mark.parametrize("size", [0, 1, 39, 40, 47])
def test_packets_that_are_cut_off(size: int) -> None:
    """They are not looked at beyond their end."""
    data = Packet(THERE, HERE, MobilityHeader(HomeTestInit(bytes(8)))).encode()[:size]
    trace = CountingTrace("mn")
    trace.packet("eth0", True, data)
    assert values(trace) == {}
