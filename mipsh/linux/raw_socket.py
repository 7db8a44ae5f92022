"""Sends IPv6 packets that were made elsewhere, header included: routed by the kernel, or out of an interface.

Everything is of the network namespace that the thread is in.
"""

import errno
import socket
import struct
from contextlib import closing

from mipsh.errors import MipshError, UsageError
from mipsh.linux import links
from mipsh.linux.packet_socket import ETH_P_IPV6
from mipsh.linux.privileges import Need, require
from mipsh.wire.address import UNSPECIFIED, is_link_local, is_multicast, text
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import HEADER_SIZE, Packet, decode

IPV6_HDRINCL, IPV6_FREEBIND = 36, 78
DEFAULT_PROTOCOLS = (0, 255)
NEXT_HEADER, HOP_LIMIT = 6, 7
"""Where they are in an IPv6 header (RFC 8200 section 3)."""
TYPED = (Icmpv6.PROTOCOL, MobilityHeader.PROTOCOL)
MULTICAST_LINK_LAYER = b"\x33\x33"
NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH)


def send(packet: bytes, interface: str = "") -> None:
    """Let the kernel route a whole IPv6 packet, to its destination address, as it stands.

    The kernel chooses route and policies as for the packet's source address and the protocol behind
    its extension headers; the type of an ICMPv6 message or of a Mobility Header it does not look at, and takes
    for 0 (Linux: net/ipv6/raw.c, rawv6_sendmsg). It leaves by ``interface`` where one is named, as it has to be for a
    link-local or multicast destination. Raises
    RefusedError without CAP_NET_RAW, UsageError for what is no packet or goes nowhere, MipshError
    where the kernel has no route or does not take it.
    """
    decoded = _decoded(packet)
    require([Need.NET_RAW], "sending a packet")
    scope = _scope(decoded, interface)
    protocol = 255 if decoded.protocol in DEFAULT_PROTOCOLS else decoded.protocol
    try:
        with closing(socket.socket(socket.AF_INET6, socket.SOCK_RAW, protocol)) as opened:
            opened.setsockopt(socket.IPPROTO_IPV6, IPV6_HDRINCL, 1)
            if interface:
                opened.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, interface.encode())
            if decoded.source != UNSPECIFIED:
                opened.setsockopt(socket.IPPROTO_IPV6, IPV6_FREEBIND, 1)
                opened.bind((text(decoded.source), 0, 0, scope if is_link_local(decoded.source) else 0))
            if is_multicast(decoded.destination):
                opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, struct.pack("@I", scope))
            opened.sendto(packet, (text(decoded.destination), 0, 0, scope))
    except OSError as error:
        raise _explained(error, decoded, interface) from None


def send_message(packet: bytes) -> None:
    """Send what is in an IPv6 packet without extension headers as a program does: the kernel makes the header.

    So it knows the message's type, which policies can be about. The checksum is the kernel's, too. Raises what
    ``send`` raises.
    """
    decoded = _decoded(packet)
    protocol = packet[NEXT_HEADER]
    if protocol not in TYPED:
        raise UsageError(f"a packet of protocol {protocol} is not sent as a message", "ICMPv6 and Mobility Headers are")
    require([Need.NET_RAW], "sending a packet")
    _scope(decoded, "")
    try:
        with closing(socket.socket(socket.AF_INET6, socket.SOCK_RAW, protocol)) as opened:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_UNICAST_HOPS, packet[HOP_LIMIT])
            opened.bind((text(decoded.source), 0))
            opened.sendto(packet[HEADER_SIZE:], (text(decoded.destination), 0))
    except OSError as error:
        raise _explained(error, decoded, "") from None


def send_on(interface: str, packet: bytes, link_layer: bytes | None = None) -> None:
    """Put a whole IPv6 packet on an interface's link, past the kernel's own IPv6.

    ``link_layer`` is whom it is for, 6 bytes on an Ethernet; None is what belongs to a multicast
    destination (RFC 2464 section 7). Raises what ``send`` raises.
    """
    decoded = _decoded(packet)
    if link_layer is None:
        if not is_multicast(decoded.destination):
            raise UsageError(
                f"nothing says which neighbour on '{interface}' a packet to {text(decoded.destination)} is for",
                "give its link-layer address",
            )
        link_layer = MULTICAST_LINK_LAYER + decoded.destination[-4:]
    require([Need.NET_RAW], f"sending a packet on '{interface}'")
    try:
        with closing(socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM, 0)) as opened:
            opened.sendto(packet, (interface, ETH_P_IPV6, 0, 0, link_layer))
    except OSError as error:
        raise _explained(error, decoded, interface) from None


def _decoded(packet: bytes) -> Packet:
    decoded = decode(packet)
    if not isinstance(decoded, Packet):
        raise UsageError(f"{len(packet)} bytes are no IPv6 packet", f"it begins with a header of {HEADER_SIZE} bytes")
    return decoded


def _scope(packet: Packet, interface: str) -> int:
    """Return the number of the interface that a packet is meant for; 0 for any. Raises UsageError."""
    if interface:
        try:
            return socket.if_nametoindex(interface)
        except OSError:
            error = OSError(errno.ENODEV, f"there is no interface '{interface}'")
            raise links.explained(error, "send a packet") from None
    if is_link_local(packet.destination) or is_multicast(packet.destination):
        where = text(packet.destination)
        raise UsageError(f"{where} is on every link: nothing says on which", "name the interface")
    return 0


def _explained(error: OSError, packet: Packet, interface: str) -> MipshError:
    """Return the kernel's refusal to send as an error with a hint."""
    destination = text(packet.destination)
    what = f"send a packet to {destination}"
    if error.errno in NO_ROUTE:
        return MipshError(f"cannot {what}: no route", f"'ip -6 route get {destination}' says what the kernel knows")
    if error.errno == errno.EMSGSIZE:
        return MipshError(f"cannot {what}: it is larger than the link's MTU")
    if error.errno == errno.ENETDOWN:
        name = f"the interface '{interface}'" if interface else "the interface of its route"
        return MipshError(f"cannot {what}: {name} is down", f"ip link set dev {interface or 'NAME'} up")
    if error.errno == errno.EADDRNOTAVAIL:
        return MipshError(
            f"cannot {what}: {text(packet.source)} is no address of this node", "'ip -6 address' lists those that are"
        )
    return links.explained(error, what)
