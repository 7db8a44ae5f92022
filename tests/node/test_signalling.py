"""What Mobility Headers that come and go are told as: by whom, of whom, and what they say; at both ends the same."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_world import optimised, serving

from mipsh.engine import UpdateRequest
from mipsh.lab.topology import ETHERNET, HOME, HOME_AGENT_ADDRESS, Lab
from mipsh.mobility.paths import in_tunnel
from mipsh.mobility.trace import PacketSeen
from mipsh.node.counting import CountingTrace
from mipsh.node.protocol import Event
from mipsh.node.signalling import signalling
from mipsh.plugins.engines.mipd import open_mipd
from mipsh.wire.address import UNSPECIFIED, parse, text
from mipsh.wire.extension import Header, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    BA_KEY_MANAGEMENT,
    AlternateCareOfAddress,
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    HomeTestInit,
    Message,
    MobilityHeader,
    padded,
)
from mipsh.wire.mobility import (
    HOME as HOME_FLAG,
)
from mipsh.wire.packet import Packet

HOA, HA, CN = "2001:db8:1::100", text(HOME_AGENT_ADDRESS), "2001:db8:4::2"
COA, OTHER = parse("2001:db8:2::1"), parse("2001:db8:3::1")
HOME_ADDRESS, AGENT = parse(HOA), parse(HA)


def seen(lab: Lab, *names: str) -> dict[str, list[Event]]:
    """Let nodes tell of signalling from now on."""
    told: dict[str, list[Event]] = {name: [] for name in names}
    for name in names:
        node = lab.node(name)
        node.trace = trace = CountingTrace(name)
        trace.follow(node)
        trace.watchers.append(_teller(told[name]))
        for link in node.interfaces.values():
            link.trace = trace
    return told


def _teller(told: list[Event]) -> Callable[[float, bool, bytes], None]:
    def tell(at: float, is_received: bool, data: bytes) -> None:
        event = signalling(data, is_received, at)
        assert event is not None
        told.append(event)

    return tell


def said(event: Event) -> tuple[str, int | None, int | None, int | None, tuple[str, ...] | None]:
    """Return what a message says."""
    return event.event, event.mh_sequence, event.lifetime_s, event.status, event.flags


def test_both_ends_tell_the_same() -> None:
    """A registration and a binding at a correspondent, then home again; a router between tells nothing."""
    lab = optimised()
    told = seen(lab, "mn", "ha", "cn", "r1")
    now = lab.network.clock.now
    station, node = lab.network.stations["mn"], lab.node("mn")
    station.perform(node.trigger(HOME_ADDRESS, None, now, 400))
    lab.network.run_for(1.0)
    sent, answered = (event for event in told["mn"] if event.peer == HA)
    care_of_address = lab.registered_at("mn")
    assert care_of_address is not None
    assert (sent.event, sent.home_address, sent.care_of_address) == ("bindingUpdateSent", HOA, text(care_of_address))
    assert (sent.peer, sent.local_address, sent.lifetime_s, sent.status) == (HA, HOA, 400, None)
    assert {"A", "H"} <= set(sent.flags or ())
    assert said(answered) == ("bindingAcknowledgementReceived", sent.mh_sequence, 400, 0, ())
    assert (answered.peer, answered.home_address, answered.care_of_address) == (HA, HOA, text(care_of_address))
    came, went = told["ha"]
    assert said(came)[1:] == said(sent)[1:]
    assert (came.event, came.home_address, came.peer, came.local_address) == ("bindingUpdateReceived", HOA, HOA, HA)
    assert said(went) == ("bindingAcknowledgementSent", *said(answered)[1:])
    for heard in told.values():
        heard.clear()
    station.perform(node.trigger(HOME_ADDRESS, parse(CN), lab.network.clock.now))
    lab.network.run_for(1.0)
    assert [(event.event, event.peer) for event in told["mn"]] == [
        ("bindingUpdateSent", CN),
        ("bindingAcknowledgementReceived", CN),
    ]
    assert [event.event for event in told["cn"]] == ["bindingUpdateReceived", "bindingAcknowledgementSent"]
    assert told["r1"] == []
    lab.network.move("mn", ETHERNET, HOME)
    lab.network.run_for(5.0)
    last = [event for event in told["ha"] if event.event == "bindingUpdateReceived"][-1]
    assert (last.home_address, last.care_of_address, last.lifetime_s) == (HOA, HOA, 0)


def packet(message: Message, source: bytes, destination: bytes, *headers: Header) -> bytes:
    """Return a packet with a message."""
    return Packet(source, destination, MobilityHeader(message), headers).encode()


UPDATE = padded(BindingUpdate(7, ACKNOWLEDGE | HOME_FLAG, 100, (AlternateCareOfAddress(OTHER),)))
HAO, ROUTE = carrying(HomeAddress(HOME_ADDRESS)), Type2RoutingHeader(HOME_ADDRESS)
MESSAGES = {
    "an alternate care-of address": (
        packet(UPDATE, COA, AGENT, HAO),
        ("bindingUpdate", HOA, text(OTHER), HOA, HA),
    ),
    "an acknowledgement away": (
        packet(padded(BindingAcknowledgement(135, BA_KEY_MANAGEMENT, 7, 0)), AGENT, COA, ROUTE),
        ("bindingAcknowledgement", HOA, text(COA), HA, HOA),
    ),
    "an acknowledgement at home": (
        packet(padded(BindingAcknowledgement(0, 0, 7, 0)), AGENT, HOME_ADDRESS),
        ("bindingAcknowledgement", HOA, None, HA, HOA),
    ),
    "an error about a home address": (
        packet(BindingError(1, HOME_ADDRESS), parse(CN), COA),
        ("bindingError", HOA, text(COA), CN, HOA),
    ),
    "an error at home": (
        packet(BindingError(2, HOME_ADDRESS), parse(CN), HOME_ADDRESS),
        ("bindingError", HOA, None, CN, HOA),
    ),
    "an error about nobody": (
        packet(BindingError(2, UNSPECIFIED), parse(CN), HOME_ADDRESS),
        ("bindingError", HOA, None, CN, HOA),
    ),
    "a request": (
        packet(padded(BindingRefreshRequest()), parse(CN), HOME_ADDRESS),
        ("bindingRefreshRequest", HOA, None, CN, HOA),
    ),
}


@pytest.mark.parametrize("name", MESSAGES)
@pytest.mark.parametrize("is_received", [True, False])
def test_whose_a_message_is(name: str, is_received: bool) -> None:
    """The addresses of the mobile node, and of both ends, in either direction."""
    data, (what, home, care_of, source, destination) = MESSAGES[name]
    event = signalling(data, is_received, 5.0)
    assert event is not None
    ends = (event.peer, event.local_address) if is_received else (event.local_address, event.peer)
    assert (event.event, event.time) == (f"{what}{'Received' if is_received else 'Sent'}", 5.0)
    assert (event.home_address, event.care_of_address, *ends) == (home, care_of, source, destination)


def test_what_messages_say() -> None:
    """Only what a message has."""
    data = {name: signalling(message, True, 0.0) for name, (message, _) in MESSAGES.items()}
    told = {name: said(event)[1:] for name, event in data.items() if event is not None}
    assert told["an alternate care-of address"] == (7, 400, None, ("A", "H"))
    assert told["an acknowledgement away"] == (7, 0, 135, ("K",))
    assert told["an error about a home address"] == (None, None, 1, None)
    assert told["a request"] == (None, None, None, None)


def test_what_is_not_told() -> None:
    """Tests, other packets, one with a wrong checksum, and what is no packet."""
    assert signalling(packet(padded(HomeTestInit(bytes(8))), HOME_ADDRESS, parse(CN)), True, 0.0) is None
    assert signalling(Packet(COA, AGENT, Icmpv6(EchoRequest(1, 1, b""))).encode(), True, 0.0) is None
    assert signalling(Packet(COA, AGENT, MobilityHeader(UPDATE, 1)).encode(), True, 0.0) is None
    assert signalling(b"", True, 0.0) is None


def test_a_message_in_a_tunnel_is_told_by_whom_it_is_for() -> None:
    """And tests go by without being told."""
    lab = optimised()
    told = seen(lab, "mn")["mn"]
    care_of_address = lab.registered_at("mn")
    assert care_of_address is not None
    trace = lab.node("mn").trace
    request = packet(padded(BindingRefreshRequest()), parse(CN), HOME_ADDRESS)
    trace.packet("eth0", True, in_tunnel(request, AGENT, care_of_address).encode())
    trace.packet("eth0", True, packet(padded(HomeTestInit(bytes(8))), parse(CN), HOME_ADDRESS))
    assert [(event.event, event.home_address, event.peer) for event in told] == [
        ("bindingRefreshRequestReceived", HOA, CN)
    ]


def test_nothing_is_told_to_nobody() -> None:
    """Whoever listens to the trace hears of packets as ever."""
    records: list[object] = []
    trace = CountingTrace("mn", records.append)
    trace.follow(optimised().node("mn"))
    trace.packet("eth0", True, MESSAGES["a request"][0])
    assert [type(record) for record in records] == [PacketSeen]


def test_a_client_hears_what_went_over_the_link(tmp_path: Path) -> None:
    """Before what the node makes of it; until the server is closed."""
    lab = optimised()
    node = lab.node("mn")
    node.trace = trace = CountingTrace("mn")
    trace.follow(node)
    with serving(lab, "mn", tmp_path / "run" / "mn.sock") as served:
        connector = open_mipd(f"mipd://{served.path}")
        with connector.listening() as listener:
            assert connector.trigger_binding_update(UpdateRequest(HOA, lifetime_s=40)) == "waiting_for_ack"
            event = listener.next(float("inf"))
        assert event is not None
        assert (event.event, event.home_address, event.peer, event.lifetime_s) == ("bindingUpdateSent", HOA, HA, 40)
        assert event.mh_sequence is not None
        connector.trigger_binding_update(UpdateRequest(HOA))
    assert trace.watchers == []


@given(st.binary(max_size=200))
def test_any_bytes(data: bytes) -> None:
    """Nothing is raised."""
    assert signalling(data, True, 0.0) is None or data[6:7]
