"""The log of a network: every kind of record, packets as summaries, and no secret."""

import json

from lab_fakes import address

from mipsh.lab.trace_log import TraceLog, packet_summary, render
from mipsh.mobility.effects import (
    AddressReady,
    Effect,
    Emit,
    InstallBinding,
    Protection,
    Purpose,
    RouterAdvertised,
    Send,
    Transmit,
)
from mipsh.mobility.trace import EffectCaused, PacketSeen, Record, TimerFired, Transition
from mipsh.wire.extension import (
    FragmentHeader,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
    carrying,
)
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import (
    AlternateCareOfAddress,
    AuthorizationData,
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
    padded,
)
from mipsh.wire.ndp import NeighborSolicitation, PrefixInformation, RouterAdvertisement
from mipsh.wire.packet import Esp, Packet, Payload

SECRET = b"\xc0\xff\xee\xc0\xff\xee\xc0\xff"


OPTIONS = (AlternateCareOfAddress(address(2)), NonceIndices(7, 8), AuthorizationData(SECRET + bytes(4)))
UPDATE = padded(BindingUpdate(9, 0xC000, 105, OPTIONS))


def update() -> Packet:
    """Return a Binding Update with all that it may carry."""
    return Packet(address(2), address(3), MobilityHeader(UPDATE), (carrying(HomeAddress(address(1))),))


def test_a_binding_update() -> None:
    """Addresses, flags, sequence and lifetime in seconds; of the authenticator only that it is there."""
    shown = packet_summary(update().encode())
    assert shown["source"] == "2001:db8::2"
    assert shown["headers"] == [{"header": "DestinationOptions", "home_address": "2001:db8::1"}]
    assert (shown["message"], shown["sequence"], shown["flags"]) == ("BindingUpdate", 9, "0xc000")
    assert shown["lifetime_s"] == 420
    names = [option["option"] for option in shown["options"] if "Pad" not in option["option"]]
    assert names == ["AlternateCareOfAddress", "NonceIndices", "AuthorizationData"]
    assert {"option": "AlternateCareOfAddress", "address": "2001:db8::2"} in shown["options"]


def test_no_secret_is_shown() -> None:
    """Neither cookies nor tokens nor authenticators, in packets and in effects."""
    messages = (HomeTestInit(SECRET), CareOfTest(3, SECRET, SECRET), UPDATE)
    log = TraceLog()
    for message in messages:
        packet = Packet(address(1), address(2), MobilityHeader(message))
        log(PacketSeen(0.0, "mn", "eth0", True, packet.encode()))
        log(EffectCaused(0.0, "mn", Send(packet)))
        log(EffectCaused(0.0, "mn", Transmit("eth0", SECRET[:6], packet.encode())))
    text = log.ndjson().replace(SECRET[:6].hex(":"), "")
    assert "c0ff" not in text
    assert "c0:ff" not in text
    assert "HomeTestInit" in text
    assert "\\u" not in text


def test_packets_of_all_shapes() -> None:
    """Tunnels, extension headers, neighbour discovery, ESP, what is malformed, and what is no packet."""
    inner = Packet(address(1), address(3), Payload(17, b""))
    assert packet_summary(Packet(address(2), address(3), inner).encode())["inner"]["protocol"] == 17
    headers = (
        HopByHopOptions(carrying().options),
        Type2RoutingHeader(address(1)),
        RoutingHeader(0, 0, bytes(20)),
        FragmentHeader(0, False, 5),
    )
    shown = packet_summary(Packet(address(2), address(3), Esp(1, 2, b"1234"), headers).encode())
    assert [header["header"] for header in shown["headers"]] == [type(header).__name__ for header in headers]
    assert shown["headers"][1]["home_address"] == "2001:db8::1"
    assert shown["headers"][3] == {"header": "FragmentHeader", "offset": 0, "identification": 5}
    assert shown["protocol"] == 50
    solicitation = packet_summary(Packet(address(1), address(2), Icmpv6(NeighborSolicitation(address(2)))).encode())
    assert (solicitation["message"], solicitation["target"]) == ("NeighborSolicitation", "2001:db8::2")
    broken = packet_summary(Packet(address(1), address(2), Payload(135, b"12")).encode())
    assert broken["faults"]
    assert packet_summary(b"nothing") == {"undecodable": True, "length": 7}


def test_every_kind_of_record() -> None:
    """Time, node and name come first; transitions and timers say whose they are."""
    advertisement = RouterAdvertisement(64, 0x20, 1800, options=(PrefixInformation(64, 0xE0, 10, 5, address(0)),))
    acknowledgement = MobilityHeader(BindingAcknowledgement(0, 0, 9, 105))
    effects: list[Effect] = [
        InstallBinding(address(1), address(2), address(3), True),
        RouterAdvertised("eth0", address(4), advertisement),
        Send(Packet(address(3), address(2), acknowledgement), protection=Protection(Purpose.REGISTRATION, address(1))),
        AddressReady("eth0", address(1)),
        Emit("event", address(1), detail="why"),
    ]
    records: list[Record] = [
        PacketSeen(0.1, "mn", "eth0", False, update().encode()),
        Transition(0.2, "mn", "binding", "2001:db8::1", "NONE", "UPDATE", "BOUND"),
        TimerFired(0.30000000000000004, "ha", "refresh", "2001:db8::1"),
        *(EffectCaused(0.4, "ha", effect) for effect in effects),
    ]
    log = TraceLog()
    for record in records:
        log(record)
    shown = [json.loads(line) for line in log.ndjson().splitlines()]
    assert shown == [render(record) for record in records]
    assert len(log) == len(shown) == 8
    assert [list(line)[:3] for line in shown] == [["time", "node", "name"]] * 8
    assert shown[0]["name"] == "packet_sent"
    assert shown[1] | {"machine": "binding", "before": "NONE", "input": "UPDATE", "after": "BOUND"} == shown[1]
    assert shown[2] == {"time": 0.3, "node": "ha", "name": "timer", "timer": "refresh", "subject": "2001:db8::1"}
    assert shown[3]["is_tunnel"] is True
    assert shown[3]["care_of_address"] == "2001:db8::2"
    assert shown[4]["advertised"]["options"][0]["valid_s"] == 10
    assert shown[5]["protection"] == {
        "type": "Protection",
        "purpose": "REGISTRATION",
        "home_address": "2001:db8::1",
    }
    assert shown[5]["packet"]["status"] == 0
    assert shown[7]["detail"] == "why"
    assert log.of("mn", Transition) == [records[1]]
