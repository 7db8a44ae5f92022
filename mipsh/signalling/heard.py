"""A message of Mobile IPv6 as it was heard: what it is, who is meant, and what answers it.

Cookies, keygen tokens and authenticators do not get into what comes out of here: what tells one
exchange from another is kept as a digest.
"""

from collections.abc import Mapping
from enum import StrEnum
from hashlib import blake2b

from msgspec import Struct

from mipsh.wire import icmpv6, mobility
from mipsh.wire.checksum import verifies
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import AlternateCareOfAddress, MobilityHeader
from mipsh.wire.ndp import PrefixInformation
from mipsh.wire.packet import Esp, Packet, decode
from mipsh.wire.verify import problems

DIGEST_SIZE = 12


class Kind(StrEnum):
    """What a message is."""

    BRR = "BRR"
    HOTI = "HoTI"
    COTI = "CoTI"
    HOT = "HoT"
    COT = "CoT"
    BU = "BU"
    BA = "BA"
    BE = "BE"
    DISCOVERY = "DHAAD request"
    DISCOVERED = "DHAAD reply"
    MPS = "MPS"
    MPA = "MPA"
    ERROR = "ICMPv6 error"
    ESP = "ESP"
    OTHER = "MH"


class Heard(Struct, frozen=True, gc=False):
    """A message that was heard at a time, in nanoseconds since 1970, on an interface.

    ``source`` and ``destination`` are the ends, mobile nodes by their home addresses where the packet
    says them. ``tunnel`` has the ends of the tunnel around it. ``home_address`` and ``care_of_address``
    are the mobile node's, ``peer`` its home agent's or correspondent's. ``key`` is what question and
    answer have in common, and ``identity`` is the same for one packet wherever it is heard. ``fault`` says
    what is malformed: its receiver drops it. ``about`` is the message that an error quotes, and ``says``
    what the error is, or a message that is not known here.
    """

    time_ns: int
    interface: str
    outgoing: bool | None
    kind: Kind
    source: bytes
    destination: bytes
    identity: bytes
    key: bytes = b""
    home_address: bytes | None = None
    care_of_address: bytes | None = None
    peer: bytes | None = None
    sequence: int | None = None
    status: int | None = None
    lifetime_s: int | None = None
    flags: tuple[str, ...] = ()
    hop_limit: int = 0
    tunnel: tuple[bytes, bytes] | None = None
    fault: str = ""
    about: "Heard | None" = None
    says: str = ""

    @property
    def place(self) -> tuple[str, bool | None, int, tuple[bytes, bytes] | None]:
        """Where on its way the packet was heard."""
        return self.interface, self.outgoing, self.hop_limit, self.tunnel


KINDS: Mapping[type, Kind] = {
    mobility.BindingRefreshRequest: Kind.BRR,
    mobility.HomeTestInit: Kind.HOTI,
    mobility.CareOfTestInit: Kind.COTI,
    mobility.HomeTest: Kind.HOT,
    mobility.CareOfTest: Kind.COT,
    mobility.BindingUpdate: Kind.BU,
    mobility.BindingAcknowledgement: Kind.BA,
    mobility.BindingError: Kind.BE,
    mobility.OtherMessage: Kind.OTHER,
    icmpv6.HomeAgentDiscoveryRequest: Kind.DISCOVERY,
    icmpv6.HomeAgentDiscoveryReply: Kind.DISCOVERED,
    icmpv6.MobilePrefixSolicitation: Kind.MPS,
    icmpv6.MobilePrefixAdvertisement: Kind.MPA,
    icmpv6.DestinationUnreachable: Kind.ERROR,
    icmpv6.PacketTooBig: Kind.ERROR,
    icmpv6.TimeExceeded: Kind.ERROR,
    icmpv6.ParameterProblem: Kind.ERROR,
}
ASKED_BY_MOBILE = frozenset((Kind.HOTI, Kind.COTI, Kind.BU, Kind.DISCOVERY, Kind.MPS))

UPDATE_FLAGS = (("A", 0x8000), ("H", 0x4000), ("L", 0x2000), ("K", 0x1000), ("M", 0x0800), ("R", 0x0400), ("P", 0x0200))
ACKNOWLEDGEMENT_FLAGS = (("K", 0x80), ("R", 0x40), ("P", 0x20))

ERRORS: Mapping[tuple[int, int], str] = {
    (1, 0): "no route to the destination",
    (1, 1): "administratively prohibited",
    (1, 2): "beyond the scope of the source address",
    (1, 3): "address unreachable",
    (1, 4): "port unreachable",
    (1, 5): "source address failed ingress or egress policy",
    (1, 6): "reject route to the destination",
    (3, 0): "hop limit exceeded",
    (3, 1): "fragment reassembly time exceeded",
    (4, 0): "erroneous header field",
    (4, 1): "unrecognized next header",
    (4, 2): "unrecognized IPv6 option",
}
TOO_BIG = 2
ERROR_NAMES = {1: "Destination Unreachable", 2: "Packet Too Big", 3: "Time Exceeded", 4: "Parameter Problem"}


def listen(
    data: bytes, time_ns: int, interface: str = "", outgoing: bool | None = None, *, is_cut: bool = False
) -> Heard | None:
    """Return the message in an IPv6 packet; None where there is none of Mobile IPv6.

    ``is_cut`` says that the packet's end was not captured: then nothing is held against it.
    """
    outer = decode(data)
    if not isinstance(outer, Packet):
        return None
    packet = outer.upper if isinstance(outer.upper, Packet) else outer
    tunnel = None if packet is outer else (outer.source, outer.destination)
    place = Place(time_ns, interface, outgoing, packet.hop_limit, tunnel)
    upper = packet.upper
    if isinstance(upper, Esp):
        ends = packet.source, packet.destination
        identity = digest(*ends, upper.spi.to_bytes(4), upper.sequence.to_bytes(4))
        return _heard(place, Kind.ESP, ends, identity, Said())
    if not isinstance(upper, MobilityHeader | Icmpv6):
        return None
    kind = KINDS.get(type(upper.message))
    if kind is None:
        return None
    ends = packet.covered_source, packet.covered_destination
    message = upper.encode(*ends)
    identity = digest(*ends, message)
    said = _error(upper.message, place) if kind is Kind.ERROR else _said(packet, kind, upper.message)
    if said is None:
        return None
    return _heard(place, kind, ends, identity, said, fault="" if is_cut else fault_of(packet, message))


class Place(Struct, frozen=True, gc=False):
    """When and where a packet was heard."""

    time_ns: int
    interface: str
    outgoing: bool | None
    hop_limit: int
    tunnel: tuple[bytes, bytes] | None


class Said(Struct, frozen=True, gc=False):
    """What a message says, as ``Heard`` has it."""

    key: bytes = b""
    home_address: bytes | None = None
    care_of_address: bytes | None = None
    peer: bytes | None = None
    sequence: int | None = None
    status: int | None = None
    lifetime_s: int | None = None
    flags: tuple[str, ...] = ()
    about: Heard | None = None
    says: str = ""


def _heard(
    place: Place, kind: Kind, ends: tuple[bytes, bytes], identity: bytes, said: Said, *, fault: str = ""
) -> Heard:
    return Heard(
        place.time_ns,
        place.interface,
        place.outgoing,
        kind,
        *ends,
        identity,
        said.key,
        said.home_address,
        said.care_of_address,
        said.peer,
        said.sequence,
        said.status,
        said.lifetime_s,
        said.flags,
        place.hop_limit,
        place.tunnel,
        fault,
        said.about,
        said.says,
    )


def digest(*parts: bytes) -> bytes:
    """Return a short digest: the same for the same bytes, and no way back to them."""
    return blake2b(b"".join(parts), digest_size=DIGEST_SIZE).digest()


def fault_of(packet: Packet, data: bytes) -> str:
    """Return why a receiver would drop a packet whose message is ``data``; empty for no reason.

    All that can be wrong is looked for only where decoding or the checksum says that something is.
    """
    ends = packet.covered_source, packet.covered_destination
    if not packet.faults and verifies(*ends, packet.protocol, data):
        return ""
    return next((str(fault) for fault in problems(packet) if fault.field != "MH type"), "")


def _said(packet: Packet, kind: Kind, message: object) -> Said:
    """Return what a message says, and whom it is about."""
    source, destination = packet.covered_source, packet.covered_destination
    match message:
        case mobility.BindingUpdate():
            return _update(packet, message)
        case mobility.BindingAcknowledgement():
            at = None if packet.destination == destination else packet.destination
            flags = tuple(name for name, bit in ACKNOWLEDGEMENT_FLAGS if message.flags & bit)
            numbers = message.sequence, message.status, message.lifetime * mobility.LIFETIME_UNIT_S
            return Said(message.sequence.to_bytes(2), destination, at, source, *numbers, flags)
        case mobility.HomeTestInit():
            return Said(digest(message.cookie), source, None, destination)
        case mobility.HomeTest():
            return Said(digest(message.cookie), destination, None, source)
        case mobility.CareOfTestInit():
            return Said(digest(message.cookie), None, source, destination)
        case mobility.CareOfTest():
            return Said(digest(message.cookie), None, destination, source)
        case mobility.BindingRefreshRequest():
            at = None if packet.destination == destination else packet.destination
            return Said(b"", destination, at, source)
        case mobility.BindingError():
            at = None if packet.destination == message.home_address else packet.destination
            return Said(b"", message.home_address, at, source, status=message.status)
        case mobility.OtherMessage():
            return Said(says=f"MH type {message.type}")
    return _discovery(packet, kind, message)


def _update(packet: Packet, message: mobility.BindingUpdate) -> Said:
    alternate = next((one.address for one in message.options if isinstance(one, AlternateCareOfAddress)), None)
    flags = tuple(name for name, bit in UPDATE_FLAGS if message.flags & bit)
    lifetime_s = message.lifetime * mobility.LIFETIME_UNIT_S
    home, peer = packet.covered_source, packet.covered_destination
    # From the home address itself, through the tunnel say, a binding's packet does not tell where the node is.
    at = alternate or (packet.source if packet.source != home or not lifetime_s else None)
    return Said(message.sequence.to_bytes(2), home, at, peer, message.sequence, None, lifetime_s, flags)


def _discovery(packet: Packet, kind: Kind, message: object) -> Said:
    """Return what a message of home agent discovery or prefix discovery says."""
    source, destination = packet.covered_source, packet.covered_destination
    match message:
        case icmpv6.HomeAgentDiscoveryRequest():
            return Said(message.identifier.to_bytes(2), None, source, destination)
        case icmpv6.HomeAgentDiscoveryReply():
            count = len(message.addresses)
            return Said(message.identifier.to_bytes(2), None, destination, source, says=f"home agents: {count}")
        case icmpv6.MobilePrefixSolicitation():
            at = None if packet.source == source else packet.source
            return Said(message.identifier.to_bytes(2), source, at, destination)
        case icmpv6.MobilePrefixAdvertisement():
            at = None if packet.destination == destination else packet.destination
            prefixes = sum(isinstance(option, PrefixInformation) for option in message.options)
            return Said(message.identifier.to_bytes(2), destination, at, source, says=f"prefixes: {prefixes}")
    raise AssertionError(f"{kind} has no reader")


def _error(message: object, place: Place) -> Said | None:
    """Return what an ICMPv6 error says about a message of Mobile IPv6; None where it is about anything else."""
    if not isinstance(message, icmpv6.Error):
        return None
    about = listen(message.original, place.time_ns, place.interface, is_cut=True)
    if about is None or about.kind in (Kind.ERROR, Kind.ESP):
        return None
    name = ERROR_NAMES[message.TYPE]
    reason = f"MTU {message.value}" if message.TYPE == TOO_BIG else ERRORS.get((message.TYPE, message.code), "")
    says = f"{name} ({reason or f'code {message.code}'})"
    return Said(b"", about.home_address, about.care_of_address, about.peer, about=about, says=says)
