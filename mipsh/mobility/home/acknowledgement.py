"""The home agent's Binding Acknowledgement as a packet (RFC 6275 sections 9.5.4 and 10.3.1)."""

from msgspec import Struct

from mipsh.mobility.binding_update import Update
from mipsh.mobility.effects import Protection, Send
from mipsh.mobility.status import AckStatus
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.mobility import (
    BA_MOBILE_ROUTER,
    BindingAcknowledgement,
    BindingRefreshAdvice,
    MobilityHeader,
    padded,
)
from mipsh.wire.packet import Packet
from mipsh.wire.tlv import Option

PADDING = padded(BindingAcknowledgement(0, 0, 0, 0)).options
"""What fills up an acknowledgement without an option; a Binding Refresh Advice takes just its place."""


class Answer(Struct, frozen=True):
    """What an acknowledgement says; the lifetime and the advice to refresh earlier are in units of 4 seconds."""

    status: AckStatus
    sequence: int
    lifetime: int = 0
    refresh: int | None = None


def acknowledgement(
    update: Update, answer: Answer, protection: Protection | None, home_interface: str | None, is_router: bool
) -> Send:
    """Return the acknowledgement of an update, to where that came from, by the same security association.

    It goes through a type 2 routing header, but straight onto the home link to a mobile node that
    is there. ``is_router`` sets the R flag (RFC 3963 section 4.2); there is no key management, so
    that the K flag is never set.
    """
    options: tuple[Option, ...] = PADDING
    if answer.refresh is not None and 0 < answer.refresh < answer.lifetime:
        options = (BindingRefreshAdvice(answer.refresh),)
    flags = BA_MOBILE_ROUTER if is_router else 0
    message = BindingAcknowledgement(int(answer.status), flags, answer.sequence, answer.lifetime, options)
    destination, header = update.packet.source, MobilityHeader(message)
    if destination == update.home_address:
        return Send(Packet(update.local_address, destination, header), home_interface, protection)
    route = (Type2RoutingHeader(update.home_address),)
    return Send(Packet(update.local_address, destination, header, route), None, protection)
