"""What happened in all nodes of a network, as a log of JSON lines after the manner of qlog.

Every line says when, where and what: a packet, a transition, a timer or an effect. Packets are
summaries of what they carry; cookies, tokens, nonces and authenticators are never among it.
"""

import json
from collections.abc import Callable, Mapping
from enum import Enum
from typing import Any, TypeVar

from msgspec import Struct, structs

from mipsh.mobility.effects import Effect
from mipsh.mobility.trace import EffectCaused, PacketSeen, Record, TimerFired, Transition
from mipsh.wire import address as addresses
from mipsh.wire.extension import (
    DestinationOptions,
    FragmentHeader,
    Header,
    HomeAddress,
    HopByHopOptions,
    Type2RoutingHeader,
)
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import LIFETIME_UNIT_S, MobilityHeader
from mipsh.wire.packet import Packet, Payload, decode

ADDRESS_SIZE, LINK_LAYER_SIZE = 16, 6
SECONDS_DIGITS = 9
Shown = dict[str, Any]
Kind = TypeVar("Kind", bound=Struct)

SHOWN = ("target", "destination", "identifier", "sequence", "status", "home_address", "lifetime_s", "value", "code")
"""The fields of messages that are shown; none of them is a secret."""
OPTIONS = ("address", "prefix", "length", "valid_s", "preferred_s", "interval", "interval_ms", "preference", "mtu")
"""The fields of options that are shown."""


def packet_summary(data: bytes) -> Shown:
    """Return what a packet's bytes say, without secrets."""
    packet = decode(data)
    if not isinstance(packet, Packet):
        return {"undecodable": True, "length": len(data)}
    return {**_summary(packet), "length": len(data)}


def _summary(packet: Packet) -> Shown:
    shown: Shown = {
        "source": addresses.text(packet.source),
        "destination": addresses.text(packet.destination),
        "hop_limit": packet.hop_limit,
    }
    headers = [_header(header) for header in packet.headers]
    if headers:
        shown["headers"] = headers
    upper = packet.upper
    if isinstance(upper, Packet):
        shown["inner"] = _summary(upper)
    elif isinstance(upper, MobilityHeader | Icmpv6):
        shown.update(_message(upper.message))
    else:
        shown["protocol"] = upper.protocol if isinstance(upper, Payload) else upper.PROTOCOL
    if packet.faults:
        shown["faults"] = [str(fault) for fault in packet.faults]
    return shown


def _header(header: Header) -> Shown:
    shown: Shown = {"header": type(header).__name__}
    if isinstance(header, Type2RoutingHeader):
        shown |= {"home_address": addresses.text(header.home_address), "segments_left": header.segments_left}
    elif isinstance(header, DestinationOptions | HopByHopOptions):
        homes = [option.address for option in header.options if isinstance(option, HomeAddress)]
        shown |= {"home_address": addresses.text(homes[0])} if homes else {}
    elif isinstance(header, FragmentHeader):
        shown |= {"offset": header.offset, "identification": header.identification}
    else:
        shown |= {"type": header.type, "segments_left": header.segments_left}
    return shown


def _message(message: Struct) -> Shown:
    """Return a message's name and the fields that are for everybody's eyes."""
    shown: Shown = {"message": type(message).__name__, **_fields(message, SHOWN)}
    flags, lifetime = getattr(message, "flags", None), getattr(message, "lifetime", None)
    if flags is not None:
        shown["flags"] = f"{flags:#x}"
    if lifetime is not None:
        shown["lifetime_s"] = lifetime * LIFETIME_UNIT_S
    options = getattr(message, "options", ())
    if options:
        shown["options"] = [{"option": type(option).__name__, **_fields(option, OPTIONS)} for option in options]
    return shown


def _fields(value: Struct, names: tuple[str, ...]) -> Shown:
    """Return those of some fields that a value has and that have something in them."""
    present = {name: getattr(value, name) for name in names if name in value.__struct_fields__}
    return {name: _plain(field) for name, field in present.items() if field or name in ("status", "sequence")}


def _plain(value: object) -> object:
    """Return a value as JSON has it: addresses as text, packets as summaries, other bytes as their number."""
    if isinstance(value, Packet):
        return _summary(value)
    if isinstance(value, bytes):
        return _bytes(value)
    if isinstance(value, Enum):
        return value.name
    if isinstance(value, Struct):
        return {
            "type": type(value).__name__,
            **{name: _plain(getattr(value, name)) for name in value.__struct_fields__},
        }
    return value


def _bytes(value: bytes) -> str:
    if len(value) == ADDRESS_SIZE:
        return addresses.text(value)
    return value.hex(":") if len(value) == LINK_LAYER_SIZE else f"{len(value)} bytes"


def effect_summary(effect: Effect) -> Shown:
    """Return an effect: its name, and its fields as far as they are set."""
    shown: Shown = {"effect": type(effect).__name__}
    for name, value in structs.asdict(effect).items():
        if name == "data":
            shown["packet"] = packet_summary(value)
        elif name == "message":
            shown["advertised"] = _message(value)
        elif value not in (None, ""):
            shown[name] = _plain(value)
    return shown


def _packet(record: PacketSeen) -> Shown:
    way = "received" if record.is_received else "sent"
    return {"name": f"packet_{way}", "interface": record.interface, "packet": packet_summary(record.data)}


def _transition(record: Transition) -> Shown:
    names = "machine", "subject", "before", "input", "after"
    return {"name": "transition", **{name: getattr(record, name) for name in names}}


def _timer(record: TimerFired) -> Shown:
    return {"name": "timer", "timer": record.timer, "subject": record.subject}


def _effect(record: EffectCaused) -> Shown:
    return {"name": "effect", **effect_summary(record.effect)}


RENDERERS: Mapping[type[Record], Callable[[Any], Shown]] = {
    PacketSeen: _packet,
    Transition: _transition,
    TimerFired: _timer,
    EffectCaused: _effect,
}


def render(record: Record) -> Shown:
    """Return a record as a value that JSON can hold: ``time`` in seconds, ``node``, ``name`` and what it was."""
    head = {"time": round(record.time, SECONDS_DIGITS), "node": record.node}
    return head | RENDERERS[type(record)](record)


class TraceLog:
    """Keeps the records of all nodes that it is the sink of, in the order in which they happened."""

    def __init__(self) -> None:
        self.records: list[Record] = []

    def __call__(self, record: Record) -> None:
        """Take in a record."""
        self.records.append(record)

    def __len__(self) -> int:
        """Return how many records there are."""
        return len(self.records)

    def of(self, node: str, kind: type[Kind]) -> list[Kind]:
        """Return the records of a kind of one node."""
        return [record for record in self.records if isinstance(record, kind) and record.node == node]

    def ndjson(self) -> str:
        """Return the log, a JSON document a line."""
        return "".join(f"{json.dumps(render(record), ensure_ascii=False)}\n" for record in self.records)
