"""Packets with a Home Address option, and the Binding Errors they raise (RFC 6275 sections 6.3, 9.3.1 and 9.3.3)."""

from collections.abc import Sequence

import pytest
from msgspec import structs
from playbook import (
    CN,
    COA,
    COA2,
    HOA,
    HOA2,
    LINK_LOCAL,
    MULTICAST,
    UNKNOWN_BINDING,
    UNKNOWN_TYPE,
    Scene,
    Update,
    coti,
    echo,
    sent_in,
    unrouted,
)

from mipsh.mobility.effects import Effect
from mipsh.wire.address import ALL_NODES, LOOPBACK, UNSPECIFIED, parse
from mipsh.wire.extension import (
    DestinationOptions,
    FragmentHeader,
    Header,
    HomeAddress,
    HopByHopOptions,
    RoutingHeader,
    Type2RoutingHeader,
    carrying,
)
from mipsh.wire.icmpv6 import DestinationUnreachable, EchoRequest, Icmpv6, OtherIcmp, ParameterProblem
from mipsh.wire.mobility import BindingError, MobilityHeader, OtherMessage
from mipsh.wire.packet import HEADER_SIZE, NO_NEXT_HEADER, Esp, Packet, Payload, Upper
from mipsh.wire.tlv import PadN, UnknownOption

AH, UDP = 51, 17
ERRONEOUS_FIELD, UNRECOGNIZED_OPTION = 0, 2
PING = Icmpv6(EchoRequest(7, 1, b"ping"))


def behind(upper: Upper, *headers: Header, source: bytes = COA, destination: bytes = CN) -> Packet:
    """Return a packet with extension headers."""
    return Packet(source, destination, upper, headers)


def test_cn_6_2_1__a_home_address_without_a_binding() -> None:
    """Section 9.3.3: each time a Binding Error, and never an entry."""
    scene = Scene()
    for _ in range(2):
        scene.chk0()
        scene.wait(1)
    assert len(scene.correspondent.cache) == 0


def test_cn_6_2_2__a_home_address_that_is_bound_otherwise() -> None:
    """Section 9.3.1: the binding has the same home address, and the source is its care-of address."""
    scene = Scene()
    scene.reg()
    scene.chk0(HOA2, COA)
    scene.chk0(HOA, COA2)


def test_cn_6_2_3__a_packet_that_does_not_fit_leaves_the_binding() -> None:
    """Section 9.1: only Binding Updates and time change it."""
    scene = Scene()
    scene.reg()
    scene.chk0(HOA, COA2)
    scene.chk0(HOA, COA2)
    scene.chk_plus()


@pytest.mark.parametrize("registered", [False, True])
@pytest.mark.parametrize(
    ("source", "hao"),
    [
        pytest.param(MULTICAST, HOA, id="CN-6-3-1"),
        pytest.param(COA, MULTICAST, id="CN-6-3-2"),
        pytest.param(MULTICAST, MULTICAST, id="CN-6-3-3"),
        pytest.param(UNSPECIFIED, HOA, id="R-CN-09"),
    ],
)
def test_addresses_that_are_not_unicast(source: bytes, hao: bytes, registered: bool) -> None:
    """Sections 9.3.1 and 9.3.3: neither a reply nor a Binding Error."""
    scene = Scene()
    if registered:
        scene.reg()
    scene.silence(echo(source, hao))


@pytest.mark.parametrize("hao", [UNSPECIFIED, LOOPBACK, LINK_LOCAL, parse("::ffff:192.0.2.1")])
def test_r_cn_07__a_home_address_that_is_not_routable(hao: bytes) -> None:
    """Section 9.3.1: dropped without a word."""
    Scene().silence(echo(COA, hao))


def test_cn_6_4_1__the_upper_layers_see_the_home_address() -> None:
    """Sections 9.3.1 and 11.3.1: so does the checksum."""
    scene = Scene()
    scene.reg()
    scene.chk_plus()
    scene.binding_error(echo(HOA, COA), UNKNOWN_BINDING, COA)
    checksum = int.from_bytes(echo(COA).encode()[HEADER_SIZE + 2 : HEADER_SIZE + 4])
    scene.silence(structs.replace(echo(COA, HOA), upper=Icmpv6(EchoRequest(7, 1, b"ping"), checksum)))
    datagram = behind(Payload(UDP, bytes(8)), carrying(HomeAddress(HOA)))
    seen = scene.delivered(datagram)
    assert (seen.source, seen.destination, seen.headers, seen.upper) == (HOA, CN, (), datagram.upper)


@pytest.mark.parametrize("upper", [Esp(1, 1, b"sealed"), Payload(AH, bytes(12))])
def test_r_cn_01__what_is_protected_needs_no_binding(upper: Upper) -> None:
    """Section 9.3.1: ESP, AH and Mobility Headers are processed normally."""
    scene = Scene()
    assert scene.delivered(behind(upper, carrying(HomeAddress(HOA)))).upper == upper
    scene.accepted(Update(scene.rr()))


@pytest.mark.parametrize("upper", [PING, Payload(UDP, bytes(8)), Payload(NO_NEXT_HEADER, b""), echo()])
def test_r_cn_01__what_is_not_protected_needs_a_binding(upper: Upper) -> None:
    """Section 9.3.1: all else is dropped, and meets a Binding Error."""
    Scene().binding_error(behind(upper, carrying(HomeAddress(HOA))), UNKNOWN_BINDING, HOA)


@pytest.mark.parametrize("between", [FragmentHeader(0, False, 9), DestinationOptions((PadN(bytes(4)),))])
def test_r_cn_02__what_follows_the_option_decides(between: Header) -> None:
    """Sections 6.3 and 9.3.1: a header between the option and the message does not protect it."""
    scene = Scene()
    scene.binding_error(behind(PING, carrying(HomeAddress(HOA)), between), UNKNOWN_BINDING, HOA)


def test_the_exemption_is_for_what_directly_follows() -> None:
    """Section 9.3.1: the next header of the option's header counts; a fragment header is gone by then."""
    header = MobilityHeader(OtherMessage(99, bytes(2)))
    other = DestinationOptions((PadN(bytes(4)),))
    option = carrying(HomeAddress(HOA))
    Scene().binding_error(behind(header, option, other), UNKNOWN_BINDING, HOA)
    Scene().binding_error(behind(header, other, option), UNKNOWN_TYPE, HOA)
    Scene().binding_error(behind(header, option, FragmentHeader(0, False, 9)), UNKNOWN_TYPE, HOA)


@pytest.mark.parametrize(
    "headers",
    [
        (carrying(HomeAddress(HOA), HomeAddress(HOA)),),
        (carrying(HomeAddress(HOA)), carrying(HomeAddress(HOA))),
    ],
)
def test_r_cn_03__the_option_may_be_there_once(headers: Sequence[Header]) -> None:
    """Section 6.3: a packet with two is dropped, bound or not."""
    scene = Scene()
    scene.reg()
    scene.silence(behind(PING, *headers))


@pytest.mark.parametrize("length", [15, 17, 0])
def test_r_cn_04__an_option_of_another_length(length: int) -> None:
    """RFC 8200 section 4.2: nothing is read past it; a Parameter Problem points at its length."""
    scene = Scene()
    packet = behind(PING, carrying(UnknownOption(201, HOA[:length].ljust(length, b"\0"))))
    scene.parameter_problem(packet, ERRONEOUS_FIELD, HEADER_SIZE + 3)


def test_an_option_that_overruns_its_header() -> None:
    """RFC 8200 section 4.2: a Parameter Problem points at its length."""
    raw = bytearray(echo(COA, HOA).encode())
    at = HEADER_SIZE + 7
    assert raw[at] == 16
    raw[at] = 17
    scene = Scene()
    effects = scene.node.receive(bytes(raw), "eth0", scene.now)
    assert len(effects) == 1
    assert pointers(effects) == [(ERRONEOUS_FIELD, at)]


def pointers(effects: list[Effect]) -> list[tuple[int, int]]:
    """Return code and pointer of the Parameter Problems that effects send."""
    messages = [packet.upper.message for packet in sent_in(effects) if isinstance(packet.upper, Icmpv6)]
    return [(message.code, message.value) for message in messages if isinstance(message, ParameterProblem)]


def test_r_cn_05__the_option_is_read_wherever_it_stands() -> None:
    """Section 6.3: its alignment is for the sender."""
    scene = Scene()
    scene.reg()
    unaligned = DestinationOptions((HomeAddress(HOA), PadN(bytes(2))))
    reply = scene.answer(behind(PING, unaligned))
    assert reply.destination == COA


@pytest.mark.parametrize(
    ("kind", "alone", "with_all"),
    [(0x1E, None, None), (0x5E, [], []), (0x9E, [42], [42]), (0xDE, [42], [])],
)
def test_r_cn_06__an_option_that_is_not_known(kind: int, alone: list[int] | None, with_all: list[int] | None) -> None:
    """RFC 8200 section 4.2: the high bits say what to do; those of the Home Address option are 11, its third is 0."""
    assert HomeAddress(HOA).encode()[0] == 0b11001001
    for destination, expected in ((CN, alone), (ALL_NODES, with_all)):
        packet = behind(PING, carrying(UnknownOption(kind, b"data")), source=HOA, destination=destination)
        sent = Scene().effects(packet)
        if expected is None:
            assert len(sent) == 1
        else:
            assert [pointer for _, pointer in pointers(sent)] == expected
            assert all(code == UNRECOGNIZED_OPTION for code, _ in pointers(sent))
            assert len(sent) == len(expected)


def test_a_home_address_is_no_hop_by_hop_option() -> None:
    """Section 6.3: there it is an option that is not known."""
    packet = behind(PING, HopByHopOptions(carrying(HomeAddress(HOA)).options))
    Scene().parameter_problem(packet, UNRECOGNIZED_OPTION, HEADER_SIZE + 6)


@pytest.mark.parametrize("kind", [1, 3, 100, 137])
def test_no_error_answers_an_error(kind: int) -> None:
    """RFC 4443 section 2.4: nor a redirect."""
    error = Icmpv6(DestinationUnreachable(0, 0, b"")) if kind == 1 else Icmpv6(echo_of(kind))
    Scene().silence(behind(error, carrying(UnknownOption(0x9E, b"data"))))


def echo_of(kind: int) -> OtherIcmp:
    """Return an ICMPv6 message of a type."""
    return OtherIcmp(kind, 0, bytes(4))


def test_r_cn_08__binding_errors_are_limited() -> None:
    """Section 9.3.3: as ICMPv6 errors are; to one peer three at once, then one a second, and a hundred to all."""
    scene = Scene()
    errors = 0
    for _ in range(1000):
        sent = scene.send(echo(COA, HOA))
        assert len(sent) <= 1
        errors += len(sent)
        scene.now += 0.001
    assert errors == 3
    scene.wait(1)
    many = [COA[:8] + number.to_bytes(8) for number in range(1000)]
    assert sum(len(scene.send(echo(source, HOA))) for source in many) == 100


def test_r_cn_10__what_a_binding_error_says() -> None:
    """Sections 6.1.9 and 9.3.3: from where the packet went to where it came from, with the home address."""
    reply = Scene().answer(echo(COA, HOA))
    error = unrouted(reply, BindingError, COA, CN)
    assert error == BindingError(UNKNOWN_BINDING, HOA)


@pytest.mark.parametrize("kind", [8, 20, 99, 255])
def test_cn_2_4_1__a_message_of_an_unknown_type(kind: int) -> None:
    """Section 9.2: Binding Error 2 to a unicast source, with the home address where there is one."""
    layouts = MobilityHeader(OtherMessage(kind, bytes(10))), MobilityHeader(OtherMessage(kind, bytes(26)))
    Scene().binding_error(behind(layouts[0], source=HOA), UNKNOWN_TYPE)
    Scene().silence(behind(layouts[0], source=MULTICAST))
    Scene().binding_error(behind(layouts[1], carrying(HomeAddress(HOA))), UNKNOWN_TYPE, HOA)


def test_r_cn_11__a_binding_error_without_a_home_address() -> None:
    """Section 6.1.9: the field is the unspecified address."""
    Scene().binding_error(behind(MobilityHeader(OtherMessage(99, bytes(2)))), UNKNOWN_TYPE, UNSPECIFIED)


def test_no_error_answers_a_binding_error_or_a_multicast() -> None:
    """Sections 9.2 and 9.3.3; RFC 4443 section 2.4."""
    Scene().silence(behind(MobilityHeader(BindingError(1, HOA))))
    Scene().silence(behind(MobilityHeader(OtherMessage(99, bytes(2))), destination=ALL_NODES))
    Scene().silence(behind(PING, carrying(HomeAddress(HOA)), destination=ALL_NODES))
    Scene().silence(behind(MobilityHeader(OtherMessage(99, bytes(2))), source=UNSPECIFIED))


def test_a_link_local_source_is_answered_on_its_link() -> None:
    """Section 9.3.3: it is unicast; the answer leaves where the packet came in."""
    effects = Scene().effects(echo(LINK_LOCAL, HOA))
    assert [getattr(effect, "interface", None) for effect in effects] == ["eth0"]


@pytest.mark.parametrize("segments_left", [0, 1, 2])
def test_cn_6_5__a_routing_header_to_another_home_address(segments_left: int) -> None:
    """Section 6.4: dropped without a word by who is not that mobile node."""
    scene = Scene()
    scene.silence(behind(PING, Type2RoutingHeader(HOA, segments_left), source=COA2))
    scene.silence(behind(coti().upper, Type2RoutingHeader(HOA, segments_left), source=COA2))
    scene.silence(behind(PING, RoutingHeader(2, 1, bytes(4))))


def test_other_routing_headers() -> None:
    """RFC 8200 section 4.4: unknown ones are ignored when used up, else a Parameter Problem points at the type."""
    scene = Scene()
    assert len(scene.send(behind(PING, RoutingHeader(0, 0, bytes(20))))) == 1
    scene.parameter_problem(behind(PING, RoutingHeader(0, 1, bytes(20))), ERRONEOUS_FIELD, HEADER_SIZE + 2)


def test_cn_6_4_2__ipsec_selects_by_the_home_address() -> None:
    """Sections 9.3.1 and 9.3.2: the policy database is handed the home address, and its ESP goes by the routing header.

    Encryption is the upper layers': in goes ESP from the care-of address, out comes ESP to it.
    """
    scene = Scene()
    scene.reg()
    request = Esp(0x1000, 1, bytes(32))
    handed = scene.delivered(behind(request, carrying(HomeAddress(HOA))))
    assert (handed.source, handed.destination, handed.headers, handed.upper) == (HOA, CN, (), request)
    answer = Esp(0x2000, 1, bytes(32))
    (sent,) = sent_in(scene.node.send(Packet(CN, HOA, answer), scene.now))
    assert (sent.source, sent.destination, sent.headers) == (CN, COA, (Type2RoutingHeader(HOA),))
    assert sent.upper == answer
