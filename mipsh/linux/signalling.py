"""What an IPv6 packet that was seen says of mobility: the message, and whom it is about.

Pure. Cookies, keygen tokens and authenticators are dropped here.
"""

from msgspec import Struct
from msgspec.structs import replace

from mipsh.wire import icmpv6, mobility, ndp
from mipsh.wire.address import text
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import AlternateCareOfAddress, AuthorizationData, MobilityHeader
from mipsh.wire.packet import Esp, Packet, decode
from mipsh.wire.verify import problems

NEIGHBOUR_HOP_LIMIT = 255
IcmpMessage = (
    ndp.RouterSolicitation
    | ndp.RouterAdvertisement
    | icmpv6.HomeAgentDiscoveryRequest
    | icmpv6.HomeAgentDiscoveryReply
    | icmpv6.MobilePrefixSolicitation
    | icmpv6.MobilePrefixAdvertisement
)
Message = mobility.Message | IcmpMessage


class Signal(Struct, frozen=True):
    """A message as a packet brought it.

    ``source`` and ``destination`` are the packet's own, within a tunnel those of the packet in it.
    ``home_address`` and ``care_of_address`` are the mobile node's, None where the packet does not say.
    ``is_sound`` tells that nothing is malformed and the checksum is right. ``identity`` is the same for
    one packet wherever it is seen, whether a tunnel, a Home Address option or a routing header is
    around it or not.
    """

    source: str
    destination: str
    home_address: str | None
    care_of_address: str | None
    message: Message
    is_tunnelled: bool
    is_sound: bool
    identity: bytes


class Hidden(Struct, frozen=True):
    """A packet that was encrypted."""

    identity: bytes


def recognise(data: bytes) -> Signal | Hidden | None:
    """Return what a packet says; None for one that says nothing of mobility."""
    outer = decode(data)
    if not isinstance(outer, Packet):
        return None
    inner = outer.upper if isinstance(outer.upper, Packet) else None
    packet = inner or outer
    upper = packet.upper
    if isinstance(upper, Esp):
        return Hidden(packet.source + packet.destination + upper.encode(packet.source, packet.destination)[:8])
    if not isinstance(upper, MobilityHeader | Icmpv6):
        return None
    message = upper.message
    if not isinstance(message, Message):
        return None
    ends = packet.covered_source, packet.covered_destination
    home, care_of = _about(packet, message, outer if inner else None)
    return Signal(
        text(packet.source),
        text(packet.destination),
        None if home is None else text(home),
        None if care_of is None else text(care_of),
        _without_secrets(message),
        inner is not None,
        _is_sound(packet),
        b"".join((*ends, upper.encode(*ends))),
    )


def _is_sound(packet: Packet) -> bool:
    """Tell whether nothing is wrong with a packet; a type of message that is not known here is no fault."""
    is_near = isinstance(packet.upper, Icmpv6) and isinstance(packet.upper.message, ndp.Message)
    faults = [fault for fault in problems(packet) if fault.field != "MH type"]
    return not faults and (not is_near or packet.hop_limit == NEIGHBOUR_HOP_LIMIT)


def _about(packet: Packet, message: object, tunnel: Packet | None) -> tuple[bytes | None, bytes | None]:
    """Return the home address and the care-of address of the mobile node that a message is from or for."""
    home, routed = packet.home_address_option, packet.routing_home_address
    match message:
        case mobility.BindingUpdate():
            said = [one.address for one in message.options if isinstance(one, AlternateCareOfAddress)]
            return home or packet.source, said[0] if said else packet.source
        case mobility.BindingAcknowledgement() | mobility.BindingRefreshRequest():
            return routed or packet.destination, packet.destination if routed else None
        case mobility.BindingError():
            return message.home_address, None if packet.destination == message.home_address else packet.destination
        case mobility.HomeTestInit():
            return packet.source, tunnel.source if tunnel else None
        case mobility.HomeTest():
            return packet.destination, tunnel.destination if tunnel else None
        case mobility.CareOfTestInit() | icmpv6.HomeAgentDiscoveryRequest():
            return None, packet.source
        case mobility.CareOfTest() | icmpv6.HomeAgentDiscoveryReply():
            return None, packet.destination
    return home or routed, packet.source if home else packet.destination if routed else None


def _without_secrets(message: Message) -> Message:
    """Return a message as it may be shown."""
    match message:
        case mobility.OtherMessage():
            return replace(message, data=b"")
        case mobility.HomeTest() | mobility.CareOfTest():
            return replace(message, cookie=b"", token=b"")
        case mobility.HomeTestInit() | mobility.CareOfTestInit():
            return replace(message, cookie=b"")
        case mobility.BindingUpdate() | mobility.BindingAcknowledgement():
            shown = tuple(AuthorizationData(b"") if isinstance(o, AuthorizationData) else o for o in message.options)
            return replace(message, options=shown)
    return message
