"""What a neighbour discovery message must be like to be looked at (RFC 4861 sections 6.1, 7.1 and 8.1; RFC 6980)."""

from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.ndp import (
    SOLICITED,
    LinkLayer,
    Message,
    NeighborAdvertisement,
    NeighborSolicitation,
    Option,
    Redirect,
    RouterAdvertisement,
    RouterSolicitation,
)
from mipsh.wire.packet import Packet

HOP_LIMIT = 255
SOURCE, TARGET = 1, 2
"""Whose link-layer address an option holds."""
LINK_LAYER_SIZE = 6
GROUP_BIT = 0x01
SOLICITED_NODE = addresses.solicited_node(bytes(16))[:13]


def validate(packet: Packet) -> Message | None:
    """Return a packet's message, None where it is to be dropped without a word.

    It came over no router, is whole and right, and has no extension header: with one it could be
    fragmented, or be about other addresses than it says.
    """
    upper = packet.upper
    if not isinstance(upper, Icmpv6) or not isinstance(upper.message, Message):
        return None
    message = upper.message
    if packet.hop_limit != HOP_LIMIT or packet.headers or packet.faults or message.code:
        return None
    if addresses.is_multicast(packet.source) or not _is_consistent(packet, message):
        return None
    return message if upper.verifies(packet.source, packet.destination) else None


def _is_consistent(packet: Packet, message: Message) -> bool:
    if isinstance(message, RouterSolicitation):
        return packet.source != addresses.UNSPECIFIED or link_layer_of(message.options, SOURCE) is None
    if isinstance(message, RouterAdvertisement):
        return addresses.is_link_local(packet.source)
    if isinstance(message, NeighborSolicitation):
        return _is_solicitation(packet, message)
    if isinstance(message, NeighborAdvertisement):
        is_answer_to_all = addresses.is_multicast(packet.destination) and bool(message.flags & SOLICITED)
        return not addresses.is_multicast(message.target) and not is_answer_to_all
    return _is_redirect(packet, message)


def _is_solicitation(packet: Packet, message: NeighborSolicitation) -> bool:
    if addresses.is_multicast(message.target):
        return False
    if packet.source != addresses.UNSPECIFIED:
        return True
    return packet.destination.startswith(SOLICITED_NODE) and link_layer_of(message.options, SOURCE) is None


def _is_redirect(packet: Packet, message: Redirect) -> bool:
    if not addresses.is_link_local(packet.source) or addresses.is_multicast(message.destination):
        return False
    return message.target == message.destination or addresses.is_link_local(message.target)


def link_layer_of(options: tuple[Option, ...], kind: int) -> bytes | None:
    """Return the link-layer address of the source or the target; one that is no single node's is none."""
    for option in options:
        if isinstance(option, LinkLayer) and option.type == kind:
            is_usable = len(option.address) == LINK_LAYER_SIZE and not option.address[0] & GROUP_BIT
            return option.address if is_usable else None
    return None
