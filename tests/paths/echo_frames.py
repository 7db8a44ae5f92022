"""Frames of echoes made by hand: each way a half of an echo can go, as a node sees it on its interfaces."""

import struct
from collections.abc import Sequence

from mipsh.paths.echo import ETHERNET, NO_LINK_LAYER, Echo, Frame, Known
from mipsh.wire import pcap
from mipsh.wire.address import parse
from mipsh.wire.extension import Header, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.packet import Esp, Packet

HOME, CARE_OF, AGENT, PEER = (
    parse(address) for address in ("2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1", "2001:db8:4::2")
)
PEER_HOME, PEER_CARE_OF = parse("2001:db8:1::200"), parse("2001:db8:3::6")
DATA = b"a token." + bytes(48)
ECHO = Echo(HOME, PEER, 7, 3, DATA[:8], len(DATA))
MOBILE = Known(frozenset({HOME, CARE_OF}), frozenset({HOME}))
CORRESPONDENT = Known(frozenset({PEER}))
SENT, CAME = 10.0, 10.02


def request(source: bytes = HOME, destination: bytes = PEER, headers: Sequence[Header] = ()) -> Packet:
    """Return an echo request."""
    return Packet(source, destination, Icmpv6(EchoRequest(7, 3, DATA)), tuple(headers))


def reply(source: bytes = PEER, destination: bytes = HOME, headers: Sequence[Header] = ()) -> Packet:
    """Return an echo reply."""
    return Packet(source, destination, Icmpv6(EchoReply(7, 3, DATA)), tuple(headers), hop_limit=63)


def home_option(address: bytes = HOME) -> Header:
    """Return the header that has a home address in its option."""
    return carrying(HomeAddress(address))


def routed(address: bytes = HOME) -> Header:
    """Return the routing header to a home address."""
    return Type2RoutingHeader(address)


def tunnelled(packet: Packet, source: bytes, destination: bytes) -> Packet:
    """Return a packet with another one around it."""
    return Packet(source, destination, packet)


def encrypted(packet: Packet, source: bytes, destination: bytes, *headers: Header, spi: int = 0x100) -> Packet:
    """Return an ESP packet of the size that a tunnel around a packet has."""
    hidden = bytes(len(packet.encode()) + 16 + 14 + 12)
    return Packet(source, destination, Esp(spi, 1, hidden), headers)


def on_link(packet: Packet, time: float, *, is_outgoing: bool | None = None, interface: str = "eth0") -> Frame:
    """Return a packet as a packet socket sees it on an Ethernet."""
    return Frame(time, interface, pcap.RAW_IPV6, packet.encode(), is_outgoing, ETHERNET)


def on_tunnel(packet: Packet, time: float, *, is_outgoing: bool) -> Frame:
    """Return a packet as a packet socket sees it on a TUN interface."""
    return Frame(time, "mip0", pcap.RAW_IPV6, packet.encode(), is_outgoing, NO_LINK_LAYER)


def cooked(packet: Packet, time: float, *, hardware: int = ETHERNET, kind: int = 0, is_whole: bool = True) -> Frame:
    """Return a packet as a Linux cooked capture (version 2) has it; a kind of 4 is outgoing."""
    head = struct.pack(">HHIHBB8s", 0x86DD, 0, 2, hardware, kind, 6, bytes(8))
    return Frame(time, "", pcap.LINUX_COOKED_2, head + packet.encode(), is_whole=is_whole)


def ethernet(packet: Packet, time: float) -> Frame:
    """Return a packet as an Ethernet capture has it."""
    return Frame(time, "", pcap.ETHERNET, bytes(12) + b"\x86\xdd" + packet.encode())
