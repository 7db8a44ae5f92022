"""What a Mobility Header that came or went says to whoever wants to know what happens.

It is what was on the link; what the node made of it is another matter. Home address and care-of address
are the mobile node's, whichever end the node is; ``peer`` is the other end and ``local_address`` this one,
each by the home address where it is the mobile node's.
"""

from msgspec import Struct

from mipsh.node.protocol import Event
from mipsh.node.update_readings import UPDATE_FLAGS, letters
from mipsh.wire import address as addresses
from mipsh.wire.mobility import (
    BA_KEY_MANAGEMENT,
    BA_MOBILE_ROUTER,
    LIFETIME_UNIT_S,
    AlternateCareOfAddress,
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    MobilityHeader,
)
from mipsh.wire.packet import Packet, decode

NAMES: dict[type[Struct], str] = {
    BindingUpdate: "bindingUpdate",
    BindingAcknowledgement: "bindingAcknowledgement",
    BindingError: "bindingError",
    BindingRefreshRequest: "bindingRefreshRequest",
}
"""The messages that are told, and what their events are called, with Sent or Received behind it."""
TYPES = frozenset((BindingRefreshRequest.TYPE, BindingUpdate.TYPE, BindingAcknowledgement.TYPE, BindingError.TYPE))
ACKNOWLEDGEMENT_FLAGS = {BA_KEY_MANAGEMENT: "K", BA_MOBILE_ROUTER: "R"}


class Ends(Struct, frozen=True):
    """The mobile node's addresses, and those of the two ends of a message."""

    home_address: bytes
    care_of_address: bytes | None
    source: bytes
    destination: bytes


def signalling(data: bytes, is_received: bool, time: float) -> Event | None:
    """Return what a packet with one of these messages says, at a time (seconds since the epoch).

    None for any other packet, and for one that came with a wrong checksum.
    """
    packet = decode(data)
    header = packet.upper if isinstance(packet, Packet) else None
    if not isinstance(packet, Packet) or not isinstance(header, MobilityHeader):
        return None
    name = NAMES.get(type(header.message))
    if name is None or not header.verifies(packet.covered_source, packet.covered_destination):
        return None
    ends = _ends(packet, header)
    local, peer = (ends.destination, ends.source) if is_received else (ends.source, ends.destination)
    care_of_address = None if ends.care_of_address is None else addresses.text(ends.care_of_address)
    sequence, lifetime_s, status, flags = _said(header)
    return Event(
        time,
        f"{name}{'Received' if is_received else 'Sent'}",
        addresses.text(ends.home_address),
        care_of_address,
        addresses.text(peer),
        addresses.text(local),
        mh_sequence=sequence,
        lifetime_s=lifetime_s,
        status=status,
        flags=flags,
    )


def _ends(packet: Packet, header: MobilityHeader) -> Ends:
    """Return whose message it is: a Binding Update is the mobile node's, the others go to it."""
    message, source, destination = header.message, packet.covered_source, packet.covered_destination
    if isinstance(message, BindingUpdate):
        alternates = [option.address for option in message.options if isinstance(option, AlternateCareOfAddress)]
        return Ends(source, alternates[0] if alternates else packet.source, source, destination)
    if isinstance(message, BindingError) and message.home_address != addresses.UNSPECIFIED:
        care_of_address = None if packet.destination == message.home_address else packet.destination
        return Ends(message.home_address, care_of_address, source, message.home_address)
    return Ends(destination, packet.destination if packet.routing_home_address else None, source, destination)


def _said(header: MobilityHeader) -> tuple[int | None, int | None, int | None, tuple[str, ...] | None]:
    """Return a message's sequence number, lifetime in seconds, status and flags, where it has them."""
    message = header.message
    if isinstance(message, BindingUpdate):
        flags = letters(message.flags, UPDATE_FLAGS)
        return message.sequence, message.lifetime * LIFETIME_UNIT_S, None, flags
    if isinstance(message, BindingAcknowledgement):
        flags = letters(message.flags, ACKNOWLEDGEMENT_FLAGS)
        return message.sequence, message.lifetime * LIFETIME_UNIT_S, message.status, flags
    return None, None, message.status if isinstance(message, BindingError) else None, None
