"""The filters for echoes, as the kernel runs them: what may be the echo passes, and nothing else does."""

import socket
from collections.abc import Callable, Iterator, Sequence

import pytest

from mipsh.linux.echo_filter import echoes_from_links, replies
from mipsh.linux.packet_filter import Instruction, attach
from mipsh.wire.address import parse
from mipsh.wire.extension import FragmentHeader, Header, HomeAddress, HopByHopOptions, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import DestinationUnreachable, EchoReply, EchoRequest, Icmpv6
from mipsh.wire.mobility import BindingRefreshRequest, MobilityHeader
from mipsh.wire.ndp import NeighborSolicitation
from mipsh.wire.packet import Esp, Packet, Payload, Upper
from mipsh.wire.tlv import PadN

HOME, CARE_OF, PEER = parse("2001:db8:1::100"), parse("2001:db8:2::100"), parse("2001:db8:4::2")
NUMBER, SIZE = 0x4D37, 56
REQUEST, REPLY = Icmpv6(EchoRequest(NUMBER, 1, bytes(SIZE))), Icmpv6(EchoReply(NUMBER, 1, bytes(SIZE)))
FROM_HOME, TO_HOME = carrying(HomeAddress(HOME)), Type2RoutingHeader(HOME)
FIRST, LATER = FragmentHeader(0, True, 1), FragmentHeader(8, False, 1)
SKIPPED = 2
"""The first instructions ask for the protocol of a link, which a pair of sockets has not."""
Passes = Callable[[bytes], bool]


def _passes(program: Sequence[Instruction]) -> Iterator[Passes]:
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        attach(there, program)
        there.setblocking(False)

        def tell(data: bytes) -> bool:
            here.send(data)
            try:
                return there.recv(100_000) == data
            except BlockingIOError:
                return False

        yield tell


@pytest.fixture
def passes() -> Iterator[Passes]:
    """Tell whether a packet passes the filter for links."""
    yield from _passes(echoes_from_links(NUMBER, SIZE)[SKIPPED:])


@pytest.fixture
def passes_any() -> Iterator[Passes]:
    """Tell whether a packet passes the filter for any echo."""
    yield from _passes(echoes_from_links(None, None)[SKIPPED:])


@pytest.fixture
def passes_raw() -> Iterator[Passes]:
    """Tell whether an ICMPv6 message passes the filter of the socket that sends."""
    yield from _passes(replies(NUMBER))


def packet(upper: Upper, *headers: Header) -> Packet:
    """Return a packet from the mobile node to its correspondent."""
    return Packet(CARE_OF, PEER, upper, headers)


def esp(size: int) -> Packet:
    """Return an encrypted packet of a size."""
    return packet(Esp(1, 1, bytes(size)))


MAY_BE_IT = {
    "a request": packet(REQUEST),
    "a reply": packet(REPLY),
    "behind a home address option": packet(REQUEST, FROM_HOME),
    "behind a routing header": packet(REPLY, TO_HOME),
    "behind both": packet(REPLY, TO_HOME, FROM_HOME),
    "behind three headers": packet(REPLY, HopByHopOptions((PadN(bytes(4)),)), TO_HOME, FROM_HOME),
    "in a tunnel": packet(packet(REQUEST)),
    "in a tunnel, with a home address option": packet(packet(REQUEST, FROM_HOME), carrying(PadN(bytes(4)))),
    "two tunnels deep": packet(packet(packet(REQUEST))),
    "a first fragment": packet(Payload(58, REQUEST.encode(HOME, PEER)[:32]), TO_HOME, FROM_HOME, FIRST),
    "in the first fragment of a tunnel": packet(Payload(41, packet(REQUEST).encode()[:64]), FIRST),
    "an error": packet(Icmpv6(DestinationUnreachable(0, 0, bytes(48)))),
    "encrypted": esp(48 + SIZE + 34),
    "encrypted, with a home address option": packet(Esp(1, 1, bytes(8 + SIZE + 34)), FROM_HOME),
}
ANOTHER = {
    "another identifier": packet(Icmpv6(EchoRequest(NUMBER + 1, 1, bytes(SIZE)))),
    "another one in a tunnel": packet(packet(Icmpv6(EchoRequest(NUMBER + 1, 1, bytes(SIZE))))),
    "a later fragment": packet(Payload(58, REQUEST.encode(HOME, PEER)[:32]), LATER),
    "a neighbour's": packet(Icmpv6(NeighborSolicitation(HOME))),
    "signalling": packet(MobilityHeader(BindingRefreshRequest())),
    "UDP": packet(Payload(17, bytes(100))),
    "encrypted, too small": esp(30),
    "encrypted, too large": esp(1000),
    "nothing": packet(Payload(59, b"")),
}


@pytest.mark.parametrize("name", MAY_BE_IT)
def test_what_may_be_it_passes(passes: Passes, passes_any: Passes, name: str) -> None:
    """Whatever is around it."""
    assert passes(MAY_BE_IT[name].encode())
    assert passes_any(MAY_BE_IT[name].encode())


@pytest.mark.parametrize("name", ANOTHER)
def test_another_packet_does_not(passes: Passes, name: str) -> None:
    """The traffic of a busy node costs nothing, other people's pings included."""
    assert not passes(ANOTHER[name].encode())


def test_any_echo(passes_any: Passes) -> None:
    """Watching others' pings, all are let pass, and all that is encrypted."""
    for name in ("another identifier", "another one in a tunnel", "encrypted, too small", "encrypted, too large"):
        assert passes_any(ANOTHER[name].encode())
    assert not passes_any(ANOTHER["UDP"].encode())


def test_what_is_cut_short_does_not_pass(passes: Passes) -> None:
    """The filter reads nothing beyond the end."""
    data = packet(REQUEST, FROM_HOME).encode()
    assert [passes(data[:size]) for size in (1, 6, 40, 41, 69)] == [False] * 5
    assert passes(data[:70])


def test_the_socket_that_sends(passes_raw: Passes) -> None:
    """It hears its own replies, and every error: which packet caused it is for others to read."""
    assert passes_raw(REPLY.encode(PEER, HOME))
    assert passes_raw(Icmpv6(DestinationUnreachable(0, 0, bytes(48))).encode(PEER, HOME))
    assert not passes_raw(Icmpv6(EchoReply(NUMBER + 1, 1)).encode(PEER, HOME))
    assert not passes_raw(REQUEST.encode(PEER, HOME))
