"""Packets of every kind that mipsh builds, the captures of mip6d, and a checksum worked out the slow way."""

from collections.abc import Iterator, Mapping
from pathlib import Path

from mipsh.wire import mobility, ndp, pcap
from mipsh.wire.address import ALL_NODES, ALL_ROUTERS, UNSPECIFIED, home_agents_anycast, parse, solicited_node
from mipsh.wire.extension import (
    FragmentHeader,
    Header,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
    carrying,
)
from mipsh.wire.icmpv6 import (
    MANAGED,
    DestinationUnreachable,
    EchoReply,
    EchoRequest,
    HomeAgentDiscoveryReply,
    HomeAgentDiscoveryRequest,
    Icmpv6,
    Message,
    MobilePrefixAdvertisement,
    MobilePrefixSolicitation,
    PacketTooBig,
    ParameterProblem,
    TimeExceeded,
)
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Packet, Payload, decode
from mipsh.wire.tlv import PadN, UnknownOption

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
CAPTURE_NAMES = ("cn", "mn", "r1")

HOME = parse("2001:db8:1::100")
CARE_OF = parse("2001:db8:2::100")
AGENT = parse("2001:db8:1::1")
CORRESPONDENT = parse("2001:db8:4::2")
LOCAL = parse("fe80::1")
LINK_LAYER = bytes.fromhex("020000000001")
COOKIE, TOKEN, AUTHENTICATOR = bytes(range(8)), bytes(range(8, 16)), bytes(range(12))


def slow_checksum(source: bytes, destination: bytes, protocol: int, data: bytes) -> int:
    """Return the checksum of RFC 1071 and RFC 8200 section 8.1, a word at a time."""
    everything = source + destination + len(data).to_bytes(4) + bytes(3) + bytes((protocol,)) + data
    total = 0
    for at in range(0, len(everything), 2):
        total += int.from_bytes(everything[at : at + 2].ljust(2, b"\0"))
        if total > 0xFFFF:
            total = (total & 0xFFFF) + 1
    return total ^ 0xFFFF


def capture(name: str) -> Iterator[tuple[int, bytes]]:
    """Yield the time and the IPv6 packet of every frame of a capture."""
    opened = pcap.read((CAPTURES / f"{name}.pcap").read_bytes())
    for timestamp_ns, frame in opened:
        data = pcap.ipv6_of(opened.linktype, frame)
        assert data is not None
        yield timestamp_ns, data


def innermost(packet: Packet) -> Packet:
    """Return what a tunnel carries."""
    while isinstance(packet.upper, Packet):
        packet = packet.upper
    return packet


def whole(data: bytes) -> Packet:
    """Decode bytes that are a packet."""
    packet = decode(data)
    assert isinstance(packet, Packet)
    return packet


def signalling(message: mobility.Message, *headers: Header) -> Packet:
    """Return a Mobility Header from the mobile node to the correspondent."""
    return Packet(CARE_OF, CORRESPONDENT, MobilityHeader(message), headers)


def control(message: Message, *headers: Header) -> Packet:
    """Return an ICMPv6 message from the mobile node to the correspondent."""
    return Packet(CARE_OF, CORRESPONDENT, Icmpv6(message), headers)


def on_link(message: Message, destination: bytes, source: bytes = LOCAL) -> Packet:
    """Return a neighbour discovery message."""
    return Packet(source, destination, Icmpv6(message), hop_limit=255)


FROM_HOME = carrying(HomeAddress(HOME))
TO_HOME = Type2RoutingHeader(HOME)
PREFIX = ndp.PrefixInformation(64, ndp.ON_LINK | ndp.AUTONOMOUS | ndp.ROUTER_ADDRESS, 86400, 14400, AGENT)
PING = EchoRequest(1, 2, b"are you there?")
RECOGNISED = mobility.padded(mobility.BindingRefreshRequest((mobility.LinkLayerAddress(2, LINK_LAYER),)))

UPDATE = mobility.padded(
    mobility.BindingUpdate(
        10,
        mobility.ACKNOWLEDGE,
        105,
        (mobility.NonceIndices(5, 6), mobility.AuthorizationData(AUTHENTICATOR)),
    )
)
HOME_UPDATE = mobility.padded(
    mobility.BindingUpdate(
        11,
        mobility.ACKNOWLEDGE | mobility.HOME | mobility.LINK_LOCAL | mobility.KEY_MANAGEMENT | mobility.MOBILE_ROUTER,
        105,
        (
            mobility.AlternateCareOfAddress(CARE_OF),
            mobility.MobileNetworkPrefix(64, parse("2001:db8:100::")),
            mobility.MobileNodeIdentifier(1, b"mn@example.net"),
        ),
    )
)
ACKNOWLEDGEMENT = mobility.padded(
    mobility.BindingAcknowledgement(0, 0, 10, 105, (mobility.AuthorizationData(AUTHENTICATOR),))
)
HOME_ACKNOWLEDGEMENT = mobility.padded(
    mobility.BindingAcknowledgement(
        1, mobility.BA_KEY_MANAGEMENT | mobility.BA_MOBILE_ROUTER, 11, 100, (mobility.BindingRefreshAdvice(52),)
    )
)

BUILT: Mapping[str, Packet] = {
    "binding refresh request": signalling(RECOGNISED),
    "home test init": signalling(mobility.HomeTestInit(COOKIE)),
    "care-of test init": signalling(mobility.CareOfTestInit(COOKIE)),
    "home test": signalling(mobility.HomeTest(5, COOKIE, TOKEN)),
    "care-of test": signalling(mobility.CareOfTest(6, COOKIE, TOKEN)),
    "binding update": signalling(UPDATE, FROM_HOME),
    "home binding update": signalling(HOME_UPDATE, FROM_HOME),
    "binding acknowledgement": signalling(ACKNOWLEDGEMENT, TO_HOME),
    "home binding acknowledgement": signalling(HOME_ACKNOWLEDGEMENT, TO_HOME),
    "binding error": signalling(mobility.BindingError(1, HOME)),
    "destination unreachable": control(DestinationUnreachable(1, 0, control(PING).encode())),
    "packet too big": control(PacketTooBig(0, 1280, control(PING).encode())),
    "time exceeded": control(TimeExceeded(0, 0, control(PING).encode())),
    "parameter problem": control(ParameterProblem(2, 40, control(PING).encode())),
    "echo request": control(PING),
    "echo reply": control(EchoReply(1, 2, b"yes")),
    "echo request with home address option": control(PING, FROM_HOME),
    "echo reply with type 2 routing header": control(EchoReply(1, 2, b"yes!"), TO_HOME),
    "both mobile": control(PING, TO_HOME, carrying(HomeAddress(AGENT))),
    "home agent discovery request": Packet(CARE_OF, home_agents_anycast(AGENT), Icmpv6(HomeAgentDiscoveryRequest(7))),
    "home agent discovery reply": control(HomeAgentDiscoveryReply(7, (AGENT, CORRESPONDENT))),
    "mobile prefix solicitation": control(MobilePrefixSolicitation(8), FROM_HOME),
    "mobile prefix advertisement": control(MobilePrefixAdvertisement(8, MANAGED, (PREFIX,)), TO_HOME),
    "router solicitation": on_link(ndp.RouterSolicitation((ndp.LinkLayer(1, LINK_LAYER),)), ALL_ROUTERS),
    "router advertisement": on_link(
        ndp.RouterAdvertisement(
            64,
            ndp.HOME_AGENT,
            1800,
            options=(
                ndp.LinkLayer(1, LINK_LAYER),
                PREFIX,
                ndp.Mtu(1500),
                ndp.AdvertisementInterval(3000),
                ndp.HomeAgentInformation(10, 1800),
            ),
        ),
        ALL_NODES,
    ),
    "neighbour solicitation": on_link(ndp.NeighborSolicitation(HOME), solicited_node(HOME), UNSPECIFIED),
    "neighbour advertisement": on_link(
        ndp.NeighborAdvertisement(HOME, ndp.ROUTER | ndp.OVERRIDE, (ndp.LinkLayer(2, LINK_LAYER),)), ALL_NODES
    ),
    "redirect": on_link(ndp.Redirect(LOCAL, CORRESPONDENT, (ndp.LinkLayer(2, LINK_LAYER),)), HOME),
    "hop-by-hop options": control(PING, HopByHopOptions((UnknownOption(5, b"\0\0"), PadN()))),
    "routing header": control(PING, RoutingHeader(4, 0, bytes(4) + CORRESPONDENT)),
    "whole fragment": control(PING, FragmentHeader(0, False, 77)),
    "first fragment": Packet(CARE_OF, CORRESPONDENT, Payload(58, bytes(16)), (FragmentHeader(0, True, 79),)),
    "last fragment": Packet(CARE_OF, CORRESPONDENT, Payload(58, bytes(5)), (FragmentHeader(2, False, 78),)),
    "reverse tunnel": Packet(CARE_OF, AGENT, Packet(HOME, CORRESPONDENT, Icmpv6(PING))),
    "home test init in the tunnel": Packet(
        CARE_OF, AGENT, Packet(HOME, CORRESPONDENT, MobilityHeader(mobility.HomeTestInit(COOKIE)))
    ),
    "no next header": Packet(CARE_OF, CORRESPONDENT, Payload(59, b"")),
}
"""A packet of every kind, none with anything wrong about it."""
