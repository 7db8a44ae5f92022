"""The Binding Update of a home registration (RFC 6275 sections 11.7.1 and 11.5.5, RFC 3963 section 5)."""

from msgspec import Struct

from mipsh.mobility.effects import Protection, Purpose, Send
from mipsh.mobility.mobile.movement import Place
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.paths import from_care_of_address
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    LINK_LOCAL,
    MOBILE_ROUTER,
    AlternateCareOfAddress,
    BindingUpdate,
    MobileNetworkPrefix,
    MobilityHeader,
    padded,
)
from mipsh.wire.packet import Packet
from mipsh.wire.tlv import Option

INTERFACE_IDENTIFIER = slice(8, 16)


class Neighbour(Struct, frozen=True):
    """Where a packet goes on the link itself, in place of where routing says."""

    interface: str
    link_layer: bytes | None = None


def is_link_local_bound(home: Home, link_local: bytes | None) -> bool:
    """Tell whether a home address stands for the link-local address with the same interface identifier (L)."""
    if link_local is None or not home.is_link_local_bound:
        return False
    return link_local[INTERFACE_IDENTIFIER] == home.address[INTERFACE_IDENTIFIER]


def protection_of(home: Home, parameters: MobileNodeParameters, purpose: Purpose) -> Protection | None:
    """Return the protection that packets with the home agent must have; None where none is required."""
    return Protection(purpose, home.address) if purpose in parameters.required else None


def home_update(
    home: Home,
    parameters: MobileNodeParameters,
    place: Place,
    home_agent: bytes,
    *,
    sequence: int,
    lifetime: int,
    neighbour: Neighbour | None = None,
) -> Send:
    """Return the Binding Update of a place; ``lifetime`` is in units of 4 seconds, 0 ends the binding.

    At home it goes from the home address, without a Home Address option, to the home agent on the link.
    """
    flags = ACKNOWLEDGE | HOME
    if is_link_local_bound(home, place.link_local):
        flags |= LINK_LOCAL
    options: list[Option] = []
    if home.is_mobile_router:
        flags |= MOBILE_ROUTER
        if home.is_explicit and lifetime:
            options += [MobileNetworkPrefix(length, prefix) for prefix, length in home.prefixes]
    if parameters.send_alternate:
        options.append(AlternateCareOfAddress(place.care_of_address or home.address))
    message = padded(BindingUpdate(sequence, flags, lifetime, tuple(options)))
    packet = Packet(home.address, home_agent, MobilityHeader(message))
    if place.care_of_address is not None:
        packet = from_care_of_address(packet, place.care_of_address)
    protection = protection_of(home, parameters, Purpose.REGISTRATION)
    if neighbour is None:
        return Send(packet, protection=protection)
    return Send(packet, neighbour.interface, protection, neighbour.link_layer)
