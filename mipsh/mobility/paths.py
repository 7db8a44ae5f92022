"""The three ways of a mobile node's packets: routing header, Home Address option, tunnel (RFC 6275 section 6)."""

from msgspec import structs

from mipsh.wire.extension import (
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
    carrying,
)
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import IPV6, Packet, Payload

ND_TYPES = range(133, 138)
ROUTING_HEADER_SIZE = 24
"""How many bytes a type 2 routing header takes from the path MTU (RFC 6275 section 9.3.2)."""
HOME_ADDRESS_SIZE = 24
"""How many bytes destination options with a Home Address option take."""
TUNNEL_SIZE = 40
"""How many bytes a tunnel takes from the path MTU (RFC 2473 section 7)."""


def to_care_of_address(packet: Packet, home_address: bytes, care_of_address: bytes) -> Packet:
    """Return a packet for a home address on its way through the care-of address (RFC 6275 section 9.3.2)."""
    first = [h for h in packet.headers if isinstance(h, HopByHopOptions)]
    rest = [h for h in packet.headers if not isinstance(h, HopByHopOptions)]
    headers = (*first, Type2RoutingHeader(home_address), *rest)
    return structs.replace(packet, destination=care_of_address, headers=headers)


def from_care_of_address(packet: Packet, care_of_address: bytes) -> Packet:
    """Return a home address's packet as it leaves from the care-of address (RFC 6275 section 11.3.1).

    The Home Address option stands behind a routing header, and before all else (section 6.3).
    """
    ahead = HopByHopOptions | RoutingHeader | Type2RoutingHeader
    first = [h for h in packet.headers if isinstance(h, ahead)]
    rest = [h for h in packet.headers if not isinstance(h, ahead)]
    headers = (*first, carrying(HomeAddress(packet.source)), *rest)
    return structs.replace(packet, source=care_of_address, headers=headers)


def in_tunnel(data: bytes, source: bytes, destination: bytes) -> Packet:
    """Return a whole packet's bytes inside another packet, its traffic class copied (RFC 2473 section 6)."""
    traffic_class = (data[0] << 4 | data[1] >> 4) & 0xFF
    return Packet(source, destination, Payload(IPV6, data), traffic_class=traffic_class)


def is_neighbour_discovery(packet: Packet) -> bool:
    """Tell whether a packet carries neighbour discovery, which never leaves its link."""
    return isinstance(packet.upper, Icmpv6) and packet.upper.type in ND_TYPES


def is_never_optimised(packet: Packet) -> bool:
    """Tell whether no binding may change a packet's way: neighbour discovery, and Mobility Headers.

    The latter make their own (RFC 6275 sections 6.1 and 9.3.2).
    """
    return isinstance(packet.upper, MobilityHeader) or is_neighbour_discovery(packet)


def without_extensions(packet: Packet) -> Packet:
    """Return a packet as the upper layers see it: between home addresses (RFC 6275 section 9.3.1)."""
    source, destination = packet.covered_source, packet.covered_destination
    return structs.replace(packet, source=source, destination=destination, headers=(), trailer=b"", faults=())
