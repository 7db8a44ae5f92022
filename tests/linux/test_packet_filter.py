"""The filter for signalling, as the kernel runs it: what passes is what the recogniser knows, and little else."""

import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from mipsh.linux.packet_filter import attach, signalling, signalling_from_links
from mipsh.linux.signalling import recognise
from mipsh.wire import mobility, ndp, pcap
from mipsh.wire.address import ALL_ROUTERS, UNSPECIFIED, parse
from mipsh.wire.extension import (
    FragmentHeader,
    Header,
    HomeAddress,
    HopByHopOptions,
    Type2RoutingHeader,
    carrying,
)
from mipsh.wire.icmpv6 import EchoRequest, HomeAgentDiscoveryRequest, Icmpv6, MobilePrefixSolicitation
from mipsh.wire.mobility import MobilityHeader
from mipsh.wire.packet import Esp, Packet, Payload, Upper
from mipsh.wire.tlv import PadN

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
HOME, CARE_OF, PEER = parse("2001:db8:1::100"), parse("2001:db8:2::100"), parse("2001:db8:4::2")
MESSAGE = MobilityHeader(mobility.BindingRefreshRequest())
PING = Icmpv6(EchoRequest(1, 2))
FROM_HOME, TO_HOME = carrying(HomeAddress(HOME)), Type2RoutingHeader(HOME)
PADDED = HopByHopOptions((PadN(bytes(4)),))
Passes = Callable[[bytes], bool]


@pytest.fixture
def passes() -> Iterator[Passes]:
    """Tell whether a packet passes the filter."""
    here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    with here, there:
        attach(there, signalling())
        there.setblocking(False)

        def tell(data: bytes) -> bool:
            here.send(data)
            try:
                return there.recv(100_000) == data
            except BlockingIOError:
                return False

        yield tell


def packet(upper: Upper, *headers: Header) -> Packet:
    """Return a packet from the mobile node to its correspondent."""
    return Packet(CARE_OF, PEER, upper, headers)


SIGNALLING = {
    "a mobility header": packet(MESSAGE),
    "behind a home address option": packet(MESSAGE, FROM_HOME),
    "behind a routing header": packet(MESSAGE, TO_HOME),
    "behind both": packet(MESSAGE, TO_HOME, FROM_HOME),
    "behind four headers": packet(MESSAGE, PADDED, TO_HOME, FROM_HOME, carrying()),
    "in a tunnel": packet(packet(MESSAGE)),
    "in a tunnel, behind an option": packet(packet(MESSAGE, FROM_HOME), carrying(PadN(bytes(4)))),
    "encrypted": packet(Esp(1, 2, bytes(20))),
    "encrypted, behind a routing header": packet(Esp(1, 2, bytes(20)), TO_HOME),
    "a router solicitation": Packet(UNSPECIFIED, ALL_ROUTERS, Icmpv6(ndp.RouterSolicitation()), hop_limit=255),
    "a router advertisement": packet(Icmpv6(ndp.RouterAdvertisement(64, 0, 1800))),
    "a discovery of home agents": packet(Icmpv6(HomeAgentDiscoveryRequest(7))),
    "a prefix solicitation": packet(Icmpv6(MobilePrefixSolicitation(7)), FROM_HOME),
    "one of an unknown type": packet(MobilityHeader(mobility.OtherMessage(16, bytes(10)))),
}
OTHER = {
    "an echo": packet(PING),
    "an echo from a home address": packet(PING, FROM_HOME),
    "an echo in a tunnel": packet(packet(PING)),
    "UDP": packet(Payload(17, bytes(8))),
    "a neighbour solicitation": packet(Icmpv6(ndp.NeighborSolicitation(HOME))),
    "a fragment": packet(Payload(135, bytes(16)), FragmentHeader(0, True, 1)),
    "nothing": packet(Payload(59, b"")),
    "behind five headers": packet(MESSAGE, PADDED, TO_HOME, FROM_HOME, carrying(), carrying()),
    "two tunnels deep": packet(packet(packet(MESSAGE))),
}


@pytest.mark.parametrize("name", SIGNALLING)
def test_signalling_passes(passes: Passes, name: str) -> None:
    """Whatever extension headers or tunnel are around it; and the recogniser knows it."""
    data = SIGNALLING[name].encode()
    assert passes(data)
    assert recognise(data) is not None


@pytest.mark.parametrize("name", OTHER)
def test_other_packets_do_not(passes: Passes, name: str) -> None:
    """The traffic of a busy node costs the witness nothing."""
    assert not passes(OTHER[name].encode())


def test_what_is_cut_short_does_not_pass(passes: Passes) -> None:
    """The filter reads nothing beyond the end; where the part that counts is there, it passes."""
    data = packet(MESSAGE, FROM_HOME).encode()
    assert [passes(data[:size]) for size in (1, 6, 40, 41)] == [False] * 4
    assert passes(data[:64])


@pytest.mark.parametrize("name", ["cn", "mn", "r1"])
def test_what_mip6d_sent_passes_where_it_is_signalling(passes: Passes, name: str) -> None:
    """Filter and recogniser agree on every packet that was captured, fragments left aside."""
    opened = pcap.read((CAPTURES / f"{name}.pcap").read_bytes())
    agreed = 0
    for _, frame in opened:
        data = pcap.ipv6_of(opened.linktype, frame)
        assert data is not None
        assert passes(data) == (recognise(data) is not None)
        agreed += 1
    assert agreed > 50


def test_a_program_fits_the_kernel() -> None:
    """Its jumps are bytes, forwards and inside; a socket takes it."""
    for program in (signalling(), signalling_from_links()):
        for number, (code, holds, fails, _) in enumerate(program):
            assert 0 <= holds <= 255
            assert 0 <= fails <= 255
            assert number + max(holds, fails) + 1 < len(program) or code == 6
        here, there = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        with here, there:
            attach(there, program)
