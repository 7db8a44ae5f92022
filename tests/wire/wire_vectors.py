"""The byte vectors, and what mipsh decodes said in their words.

A vector names itself, its kind, its bytes, the fields that another program read from them
(``checked_fields``) and what is wrong with their format (``format_issues``).
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

from mipsh.wire import address, mobility
from mipsh.wire.extension import (
    DestinationOptions,
    Header,
    HomeAddress,
    RoutingHeader,
    Type2RoutingHeader,
)
from mipsh.wire.fault import Undecodable
from mipsh.wire.icmpv6 import MESSAGES, Icmpv6, OtherIcmp
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import HEADER_SIZE, IPV6, Packet, Payload
from mipsh.wire.tlv import Option, Pad1, PadN, UnknownOption
from mipsh.wire.verify import problems

Fields: TypeAlias = dict[str, Any]

PATH = Path(__file__).parents[1] / "vectors" / "vectors.jsonl"
MH_NAMES = {0: "BRR", 1: "HoTI", 2: "CoTI", 3: "HoT", 4: "CoT", 5: "BU", 6: "BA", 7: "BE"}
KEPT_OPTIONS = {9: "AuthOpt", 10: "ReplayProt"}
TRANSPORTS = {6: ("TCP", 16), 17: ("UDP", 6)}


class Vector(NamedTuple):
    """One line of the file."""

    name: str
    kind: str
    data: bytes
    fields: Any
    issues: tuple[str, ...]
    format_ok: bool
    expected: Mapping[str, Any]


def _load() -> list[Vector]:
    lines = [json.loads(line) for line in PATH.read_text("utf-8").splitlines()]
    return [
        Vector(
            line["name"],
            line["kind"],
            bytes.fromhex(line["hex"]),
            line["checked_fields"],
            tuple(line["format_issues"]),
            line["format_ok"],
            line["expected"],
        )
        for line in lines
    ]


VECTORS = _load()


def of_kind(*kinds: str) -> list[Vector]:
    """Return the vectors of some kinds."""
    return [vector for vector in VECTORS if vector.kind in kinds]


def named(name: str) -> Vector:
    """Return one vector."""
    (found,) = (vector for vector in VECTORS if vector.name == name)
    return found


def option_fields(option: Option) -> Fields:
    """Return a mobility option in the vectors' words."""
    data = option.encode()
    if isinstance(option, Pad1):
        return {"type": 0, "name": "Pad1"}
    if isinstance(option, Undecodable):
        return {"type": data[0], "len": data[1], "truncated": True}
    common: Fields = {"type": data[0], "name": _option_name(option, data[0]), "len": len(data) - 2}
    known = OPTION_FIELDS.get(type(option))
    if known is not None:
        return common | known(option)
    return common if isinstance(option, PadN) else common | {"data": data[2:].hex()}


def _option_name(option: Option, number: int) -> str:
    names: Mapping[type, str] = {
        PadN: "PadN",
        mobility.BindingRefreshAdvice: "BRAdvice",
        mobility.AlternateCareOfAddress: "AltCoA",
        mobility.NonceIndices: "NonceIndices",
        mobility.AuthorizationData: "BindingAuthData",
        mobility.MobileNetworkPrefix: "MobNetPrefix",
        mobility.LinkLayerAddress: "MH-LLA",
        mobility.MobileNodeIdentifier: "MNID",
    }
    return names.get(type(option)) or KEPT_OPTIONS.get(number, "unknown")


OPTION_FIELDS: Mapping[type, Callable[[Any], Fields]] = {
    mobility.BindingRefreshAdvice: lambda o: {"refresh_interval": o.interval},
    mobility.AlternateCareOfAddress: lambda o: {"address": address.text(o.address)},
    mobility.NonceIndices: lambda o: {"home_nonce_index": o.home, "careof_nonce_index": o.care_of},
    mobility.AuthorizationData: lambda o: {"authenticator": o.authenticator.hex()},
    mobility.MobileNetworkPrefix: lambda o: {"prefix_len": o.length, "prefix": address.text(o.prefix)},
}


def _binding_update(message: mobility.BindingUpdate) -> Fields:
    bits = {"A": 15, "H": 14, "L": 13, "K": 12, "M": 11, "R": 10, "P": 9}
    return {
        "seq": message.sequence,
        **_lifetime(message.lifetime),
        "flags_raw": f"0x{message.flags:04x}",
        **{name: message.flags >> bit & 1 for name, bit in bits.items()},
    }


def _binding_acknowledgement(message: mobility.BindingAcknowledgement) -> Fields:
    return {
        "status": message.status,
        "seq": message.sequence,
        **_lifetime(message.lifetime),
        "K": int(bool(message.flags & mobility.BA_KEY_MANAGEMENT)),
        "R": int(bool(message.flags & mobility.BA_MOBILE_ROUTER)),
    }


def _lifetime(units: int) -> Fields:
    return {"lifetime_units": units, "lifetime_s": units * mobility.LIFETIME_UNIT_S}


def _test(message: mobility.HomeTest | mobility.CareOfTest) -> Fields:
    return {
        "nonce_index": message.nonce_index,
        "cookie": message.cookie.hex(),
        "keygen_token": message.token.hex(),
    }


MESSAGE_FIELDS: Mapping[type, Callable[[Any], Fields]] = {
    mobility.BindingRefreshRequest: lambda m: {},
    mobility.HomeTestInit: lambda m: {"cookie": m.cookie.hex()},
    mobility.CareOfTestInit: lambda m: {"cookie": m.cookie.hex()},
    mobility.HomeTest: _test,
    mobility.CareOfTest: _test,
    mobility.BindingUpdate: _binding_update,
    mobility.BindingAcknowledgement: _binding_acknowledgement,
    mobility.BindingError: lambda m: {"status": m.status, "home_address": address.text(m.home_address)},
}


def mobility_fields(header: MobilityHeader) -> Fields:
    """Return a Mobility Header in the vectors' words."""
    message = header.message
    fields: Fields = {
        "payload_proto": header.next_header,
        "hdr_len": header.encode(bytes(16), bytes(16))[1],
        "mh_type": header.type,
        "reserved": header.reserved,
        "checksum": header.checksum,
        "name": MH_NAMES.get(header.type, "unknown"),
    }
    if isinstance(message, mobility.OtherMessage):
        return fields
    options = [option_fields(option) for option in message.options]
    return fields | MESSAGE_FIELDS[type(message)](message) | {"options": options}


def _header_fields(header: Header) -> Fields:
    if isinstance(header, DestinationOptions):
        return {"hdr": "DSTOPT", "options": _destination_options(header.options)}
    if isinstance(header, Type2RoutingHeader):
        home = address.text(header.home_address)
        return {"hdr": "RH", "type": 2, "segleft": header.segments_left, "len": 2, "home_address": home}
    assert isinstance(header, RoutingHeader)
    return {"hdr": "RH", "type": header.type, "segleft": header.segments_left, "len": header.encode(0)[1]}


def _destination_options(options: Sequence[Option]) -> list[Fields]:
    fields: list[Fields] = []
    for option in options:
        data = option.encode()
        if isinstance(option, HomeAddress):
            fields.append({"type": 201, "name": "HomeAddress", "address": address.text(option.address)})
        elif isinstance(option, UnknownOption | Undecodable) and data[0] not in (1, 201):
            fields.append({"type": data[0], "len": data[1]})
    return fields


def _upper_fields(packet: Packet, offset: int) -> Fields:
    upper = packet.upper
    good = not any(fault.field.endswith("checksum") for fault in problems(packet))
    if isinstance(upper, MobilityHeader):
        return mobility_fields(upper) | {"checksum_ok": good, "hdr": "MH", "offset": offset}
    if isinstance(upper, Icmpv6):
        fields: Fields = {"hdr": "ICMPv6", "offset": offset, "type": upper.type}
        if isinstance(upper.message, OtherIcmp) and upper.type in MESSAGES:
            return fields
        return fields | {"checksum": f"0x{upper.checksum or 0:04x}", "checksum_ok_with_hoa": good}
    if isinstance(upper, Payload) and upper.protocol in TRANSPORTS:
        name, place = TRANSPORTS[upper.protocol]
        value = f"0x{upper.data[place : place + 2].hex()}"
        return {"hdr": name, "offset": offset, "type": None, "checksum": value, "checksum_ok_with_hoa": good}
    return {"hdr": "next", "value": upper.protocol if isinstance(upper, Payload) else IPV6, "offset": offset}


def packet_fields(packet: Packet) -> Fields:
    """Return a packet in the vectors' words."""
    data = packet.encode()
    offset = HEADER_SIZE + sum(len(header.encode(0)) for header in packet.headers)
    return {
        "src": address.text(packet.source),
        "dst": address.text(packet.destination),
        "hlim": packet.hop_limit,
        "payload_len": int.from_bytes(data[4:6]),
        "next_header": data[6],
        "chain": [*map(_header_fields, packet.headers), _upper_fields(packet, offset)],
    }
