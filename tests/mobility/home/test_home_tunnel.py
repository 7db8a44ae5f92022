"""The tunnel of a home agent: in, out, and what errors say about it (RFC 6275 section 10.4, RFC 2473)."""

from typing import Any

import pytest
from home_scene import (
    CN,
    COA,
    COA2,
    HA,
    HA_LINK_LOCAL,
    HOA,
    HOA2,
    INTERFACE,
    LINK,
    HomeScene,
    echo,
    only_send,
    reread,
)
from msgspec import structs

from mipsh.mobility.effects import Effect, Protection, Purpose, Send
from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.wire.address import UNSPECIFIED, parse
from mipsh.wire.checksum import ICMPV6
from mipsh.wire.extension import (
    DESTINATION,
    DestinationOptions,
    FragmentHeader,
    HomeAddress,
    Type2RoutingHeader,
    carrying,
)
from mipsh.wire.icmpv6 import (
    DestinationUnreachable,
    EchoReply,
    Icmpv6,
    Message,
    OtherIcmp,
    PacketTooBig,
    ParameterProblem,
    TimeExceeded,
)
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    LINK_LOCAL,
    MOBILE_ROUTER,
    BindingRefreshRequest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
)
from mipsh.wire.ndp import NeighborSolicitation
from mipsh.wire.packet import IPV6, Packet, Payload

FE80, NEIGHBOUR = parse("fe80::aa"), parse("fe80::77")
NETWORK = parse("2001:db8:f:1::")
EXPERIMENTAL = 253
PAYLOAD, TESTS = Protection(Purpose.PAYLOAD, HOA), Protection(Purpose.RETURN_ROUTABILITY, HOA)
HOTI, COTI = MobilityHeader(HomeTestInit(b"homecook")), MobilityHeader(CareOfTestInit(b"careofck"))
HOT = MobilityHeader(HomeTest(1, b"homecook", b"hometokn"))


def scene(flags: int = 0, **changes: Any) -> HomeScene:
    """Return a home agent with a mobile node that is away."""
    at = HomeScene(structs.replace(HomeAgentParameters((LINK,)), **changes))
    protection = Protection(Purpose.REGISTRATION, HOA) if Purpose.REGISTRATION in at.parameters.required else None
    at.update(flags=ACKNOWLEDGE | HOME | flags, protection=protection)
    return at


def intercept(at: HomeScene, packet: Packet, interface: str = INTERFACE) -> list[Effect]:
    """Let a packet be intercepted."""
    return at.agent.intercept(packet.encode(), interface, at.now)


def tunnelled(at: HomeScene, packet: Packet) -> Packet:
    """Return what is in the tunnel packet that a packet comes out in."""
    outer = only_send(intercept(at, packet)).packet
    assert (outer.source, outer.destination, outer.headers) == (HA, COA, ())
    assert isinstance(outer.upper, Packet)
    return outer.upper


def told(effects: list[Effect] | None, to: bytes = CN, source: bytes = HA) -> Message:
    """Return the only ICMPv6 message that effects send, to somebody from somewhere."""
    assert effects is not None
    packet = only_send(effects).packet
    assert (packet.source, packet.destination, packet.headers) == (source, to, ())
    assert isinstance(packet.upper, Icmpv6)
    return packet.upper.message


def test_a_packet_goes_through_the_tunnel() -> None:
    """As it is but for a hop, its traffic class on the outside too; what a link padded is left behind."""
    at = scene()
    packet = structs.replace(echo(), traffic_class=0xB8, flow_label=5)
    data = packet.encode() + b"padding"
    (effect,) = at.agent.intercept(data, INTERFACE, at.now)
    assert isinstance(effect, Send)
    outer = reread(effect.packet)
    assert (outer.traffic_class, outer.hop_limit, effect.interface) == (0xB8, 64, None)
    assert isinstance(outer.upper, Packet)
    assert outer.upper == reread(structs.replace(packet, hop_limit=63))


def test_interception_begins_and_ends_with_the_binding() -> None:
    """Others' packets are not the home agent's business."""
    at = HomeScene()
    assert not at.agent.intercepts(HOA, at.now)
    assert intercept(at, echo()) == []
    at.update()
    assert at.agent.intercepts(HOA, at.now)
    assert not at.agent.intercepts(HOA2, at.now)
    assert not at.agent.intercepts(parse("ff02::1"), at.now)
    assert not at.agent.intercepts(FE80, at.now)
    at.now += 420
    assert not at.agent.intercepts(HOA, at.now)


@pytest.mark.parametrize(
    "packet",
    [
        Packet(NEIGHBOUR, HOA, Icmpv6(NeighborSolicitation(HOA)), hop_limit=255),
        Packet(CN, HOA, Icmpv6(NeighborSolicitation(HOA)), (carrying(),), hop_limit=255),
        structs.replace(echo(), source=UNSPECIFIED),
        structs.replace(echo(), source=parse("ff02::1")),
        structs.replace(echo(), payload_length=100),
    ],
)
def test_packets_that_are_not_sent_on(packet: Packet) -> None:
    """Neighbour discovery is answered on the link, and what is from nobody or cut short is dropped."""
    assert intercept(scene(), packet) == []


@pytest.mark.parametrize(
    "data",
    [
        Packet(CN, HOA, Payload(EXPERIMENTAL, b"anything")).encode(),
        Packet(CN, HOA, Payload(ICMPV6, b"")).encode(),
        Packet(CN, HOA, Payload(DESTINATION, bytes((ICMPV6, 200)) + bytes(6))).encode(),
        b"\x50" + Packet(CN, HOA, Payload(DESTINATION, bytes(8))).encode()[1:],
        Packet(CN, HOA, HOT).encode(),
    ],
)
def test_packets_that_are_sent_on(data: bytes) -> None:
    """Whatever is in them, malformed or not."""
    at = scene()
    (effect,) = at.agent.intercept(data, INTERFACE, at.now)
    assert isinstance(effect, Send)
    assert effect.packet.encode()[40:] == data[:7] + bytes((63,)) + data[8:]


@pytest.mark.parametrize(
    ("packet", "required", "expected"),
    [
        (echo(), {Purpose.PAYLOAD}, PAYLOAD),
        (echo(), {Purpose.RETURN_ROUTABILITY}, None),
        (Packet(CN, HOA, HOT), {Purpose.PAYLOAD, Purpose.RETURN_ROUTABILITY}, TESTS),
        (Packet(CN, HOA, HOT), {Purpose.PAYLOAD}, PAYLOAD),
        (Packet(CN, HOA, HOT), set(), None),
        (Packet(CN, HOA, MobilityHeader(BindingRefreshRequest()), (carrying(),)), {Purpose.RETURN_ROUTABILITY}, TESTS),
        (
            Packet(CN, HOA, Icmpv6(EchoReply(1, 1)), (DestinationOptions(carrying().options),)),
            {Purpose.PAYLOAD},
            PAYLOAD,
        ),
    ],
)
def test_protection_in_the_tunnel(packet: Packet, required: set[Purpose], expected: Protection | None) -> None:
    """Home Tests by their association, all else by that of the payload."""
    assert only_send(intercept(scene(required=frozenset(required)), packet)).protection == expected


def test_no_hop_is_left() -> None:
    """The source is told; of an error itself nobody is."""
    message = told(intercept(scene(), echo(hop_limit=1)))
    assert isinstance(message, TimeExceeded)
    assert (message.code, message.original) == (0, echo(hop_limit=1).encode())
    error = Packet(CN, HOA, Icmpv6(TimeExceeded(0, 0, bytes(40))), hop_limit=1)
    assert intercept(scene(), error) == []


def test_a_link_local_source_does_not_leave_its_link() -> None:
    """RFC 4443 section 3.1: beyond the scope of the source address; told where it came from."""
    effects = intercept(scene(), echo(NEIGHBOUR))
    message = told(effects, NEIGHBOUR)
    assert isinstance(message, DestinationUnreachable)
    assert (message.code, only_send(effects).interface) == (2, INTERFACE)


def test_a_packet_that_is_too_big() -> None:
    """RFC 2473 section 7.1: told what fits, which is never less than 1280."""
    at = scene()
    fits = echo(data=bytes(1460 - 48))
    assert tunnelled(at, fits).hop_limit == 63
    message = told(intercept(at, echo(data=bytes(1461 - 48))))
    assert isinstance(message, PacketTooBig)
    assert message.value == 1460
    small = scene(tunnel_mtu=1280)
    assert tunnelled(small, echo(data=bytes(1280 - 48))).hop_limit == 63
    message = told(intercept(small, echo(data=bytes(1281 - 48))))
    assert isinstance(message, PacketTooBig)
    assert message.value == 1280


def test_a_link_local_destination() -> None:
    """Section 10.4.2: never tunnelled, and the source is told from the home agent's link-local address."""
    at = scene(LINK_LOCAL)
    assert at.agent.intercepts(FE80, at.now)
    effects = intercept(at, echo(NEIGHBOUR, FE80))
    message = told(effects, NEIGHBOUR, HA_LINK_LOCAL)
    assert isinstance(message, DestinationUnreachable)
    assert (message.code, only_send(effects).interface) == (3, INTERFACE)
    assert intercept(at, Packet(NEIGHBOUR, FE80, Icmpv6(NeighborSolicitation(FE80)), hop_limit=255)) == []
    assert intercept(at, echo(NEIGHBOUR, FE80), "eth1") == []
    assert intercept(at, echo(NEIGHBOUR, parse("fe80::bb"))) == []


def test_own_packets_go_by_a_routing_header() -> None:
    """Section 9.3.2; those that may not are left to the tunnel."""
    at = scene()
    routed = at.agent.route(echo(HA), at.now)
    assert routed is not None
    assert (routed.destination, routed.headers) == (COA, (Type2RoutingHeader(HOA),))
    assert at.agent.route(routed, at.now) is None
    assert at.agent.route(echo(HA, HOA2), at.now) is None
    assert at.agent.route(Packet(HA, HOA, HOT), at.now) is None
    assert at.agent.route(structs.replace(routed, destination=HOA), at.now) is None


@pytest.mark.parametrize(("source", "expected"), [(COA, True), (COA2, False)])
def test_the_home_address_option(source: bytes, expected: bool) -> None:
    """It is believed from the care-of address alone."""
    at = scene()
    packet = structs.replace(echo(source, HA), headers=(carrying(HomeAddress(HOA)),))
    assert at.agent.verify_home_address(packet, at.now) == expected
    assert not at.agent.verify_home_address(echo(source, HA), at.now)


def leave(at: HomeScene, inner: Packet, source: bytes = COA, protection: Protection | None = None) -> bytes | None:
    """Send a packet through the tunnel, and return what comes out."""
    effects, data = at.agent.decapsulate(reread(Packet(source, HA, inner)), protection, at.now)
    assert effects == []
    return data


def test_the_reverse_tunnel() -> None:
    """From the care-of address and the home address only (section 10.4.5)."""
    at = scene()
    packet = echo(HOA, CN)
    assert leave(at, packet) == packet.encode()
    assert leave(at, packet, COA2) is None
    assert leave(at, echo(HOA2, CN)) is None
    assert leave(HomeScene(), packet) is None
    at.now += 420
    assert leave(at, packet) is None
    outer = Packet(COA, HA, Payload(IPV6, b"none"))
    assert at.agent.decapsulate(outer, None, at.now) == ([], None)


def test_the_reverse_tunnel_of_a_mobile_router() -> None:
    """Out of its registered prefixes too (RFC 3963 section 6.4)."""
    table = ((HOA, ((NETWORK, 64),)),)
    at = scene(MOBILE_ROUTER, mobile_networks=table)
    packet = echo(NETWORK[:15] + b"\x05", CN)
    assert leave(at, packet) == packet.encode()
    assert leave(at, packet, COA2) is None
    assert leave(at, echo(parse("2001:db8:f:2::5"), CN)) is None
    at.update(2, ACKNOWLEDGE | HOME | MOBILE_ROUTER, 0)
    assert leave(at, packet) is None


@pytest.mark.parametrize(
    ("required", "upper", "protection", "passes"),
    [
        (set(), HOTI, None, True),
        (set(), HOTI, TESTS, True),
        (set(), HOTI, PAYLOAD, True),
        (set(), HOTI, Protection(Purpose.PAYLOAD, HOA2), False),
        (set(), HOTI, Protection(Purpose.REGISTRATION, HOA), False),
        ({Purpose.RETURN_ROUTABILITY}, HOTI, None, False),
        ({Purpose.RETURN_ROUTABILITY}, HOTI, TESTS, True),
        ({Purpose.RETURN_ROUTABILITY}, HOTI, PAYLOAD, False),
        ({Purpose.RETURN_ROUTABILITY}, COTI, None, True),
        ({Purpose.RETURN_ROUTABILITY}, COTI, TESTS, True),
        ({Purpose.PAYLOAD}, COTI, None, False),
        ({Purpose.PAYLOAD}, COTI, PAYLOAD, True),
        ({Purpose.PAYLOAD}, HOTI, None, False),
        ({Purpose.PAYLOAD}, HOTI, PAYLOAD, True),
    ],
)
def test_protection_out_of_the_tunnel(
    required: set[Purpose], upper: MobilityHeader, protection: Protection | None, passes: bool
) -> None:
    """Section 10.4.6: a Home Test Init by its association, where that is required."""
    packet = Packet(HOA, CN, upper)
    data = leave(scene(required=frozenset(required)), packet, COA, protection)
    assert data == (packet.encode() if passes else None)


def report(at: HomeScene, error: Message) -> list[Effect] | None:
    """Return what an ICMPv6 message from a router on the tunnel's way causes."""
    return at.agent.receive_icmpv6(reread(Packet(parse("2001:db8:0:99::1"), HA, Icmpv6(error))), None, at.now)


@pytest.mark.parametrize(
    "make",
    [
        lambda quoted: TimeExceeded(0, 0, quoted),
        lambda quoted: DestinationUnreachable(0, 0, quoted),
        lambda quoted: ParameterProblem(0, 40, quoted),
    ],
)
def test_an_error_about_the_tunnel_is_relayed(make: Any) -> None:
    """RFC 2473 section 8.2: the source is told that the mobile node cannot be reached."""
    at = scene()
    outer = only_send(intercept(at, echo())).packet.encode()
    message = told(report(at, make(outer)))
    assert message == DestinationUnreachable(3, 0, outer[40:])


def test_a_tunnel_packet_that_was_too_big() -> None:
    """The source is told what fits into the tunnel; a packet of 1280 bytes goes in fragments."""
    at = scene()
    outer = only_send(intercept(at, echo(data=bytes(1350)))).packet.encode()
    assert told(report(at, PacketTooBig(0, 1400, outer))) == PacketTooBig(0, 1360, outer[40:][: 1280 - 48])
    assert told(report(at, PacketTooBig(0, 1000, outer[:1200]))) == PacketTooBig(0, 1280, outer[40:1200])
    small = only_send(intercept(at, echo(data=bytes(1280 - 48)))).packet.encode()
    assert report(at, PacketTooBig(0, 1280, small)) == []


def test_an_error_about_a_fragment_of_the_tunnel() -> None:
    """The first one tells whose packet it was, others do not."""
    at = scene()
    inner = echo(data=bytes(100)).encode()
    first = Packet(HA, COA, Payload(IPV6, inner[:80]), (FragmentHeader(0, True, 1),)).encode()
    later = Packet(HA, COA, Payload(IPV6, inner[80:]), (FragmentHeader(10, False, 1),)).encode()
    assert told(report(at, TimeExceeded(0, 0, first))) == DestinationUnreachable(3, 0, inner[:80])
    assert report(at, TimeExceeded(0, 0, later)) is None
    assert report(at, TimeExceeded(0, 0, first[:44])) is None


@pytest.mark.parametrize(
    "quoted",
    [
        echo(HA, CN).encode(),
        Packet(HA, COA, Payload(IPV6, b"short")).encode(),
        Packet(HA, COA, Payload(EXPERIMENTAL, echo().encode())).encode(),
        Packet(HA, COA2, echo()).encode(),
        Packet(CN, COA, echo()).encode(),
        Packet(HA, COA, echo(CN, HOA2)).encode(),
        b"",
        b"\x60" + bytes(30),
    ],
)
def test_errors_about_something_else(quoted: bytes) -> None:
    """They are not the home agent's business."""
    assert report(scene(), TimeExceeded(0, 0, quoted)) is None


def test_an_error_about_an_error_is_relayed_to_nobody() -> None:
    """RFC 4443 section 2.4."""
    at = scene()
    packet = Packet(CN, HOA, Icmpv6(DestinationUnreachable(0, 0, bytes(48))))
    outer = only_send(intercept(at, packet)).packet.encode()
    assert report(at, TimeExceeded(0, 0, outer)) == []


def test_errors_are_limited() -> None:
    """So that nobody is flooded with them."""
    at = scene()
    assert sum(intercept(at, echo(hop_limit=1)) != [] for _ in range(50)) == 3


@pytest.mark.parametrize("packet", [echo(CN, HA), Packet(CN, HA, Icmpv6(OtherIcmp(200, 0, b""))), Packet(CN, HA, HOT)])
def test_other_messages(packet: Packet) -> None:
    """They are not the home agent's business."""
    assert scene().agent.receive_icmpv6(packet, None, 1000.0) is None
