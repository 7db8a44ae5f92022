"""A packet socket takes what is for its interface, finishes it, and puts packets on the link."""

import os
import selectors
import socket
import struct
from collections.abc import Iterator

import pytest
from system_namespaces import DEADLINE_S, Netns, needs_namespaces

from mipsh.errors import UsageError
from mipsh.linux import links
from mipsh.linux.packet_socket import BATCH, PacketSocket
from mipsh.wire.address import parse
from mipsh.wire.checksum import UDP, verifies
from mipsh.wire.packet import Packet, Payload, decode

pytestmark = [pytest.mark.system, needs_namespaces]

HERE, THERE = "2001:db8::1", "2001:db8::2"
ETH_P_IPV6, ETH_P_8021Q = 0x86DD, 0x8100
EXPERIMENT = 253


@pytest.fixture
def netns() -> Iterator[Netns]:
    """A kernel, and a namespace beside it whose interface has no IPv6 of the kernel's."""
    with Netns("here", "kernel") as made:
        made.cable(("here", "eth0"), ("kernel", "eth0"))
        made.inside("here", lambda: links.prepare("eth0"))
        made.host("kernel", "eth0", f"{THERE}/64")
        yield made


@pytest.fixture
def port(netns: Netns) -> Iterator[PacketSocket]:
    """A packet socket on the interface."""
    with netns.inside("here", lambda: PacketSocket("eth0")) as opened:
        yield opened


@pytest.fixture
def raw(netns: Netns) -> Iterator[socket.socket]:
    """What puts frames on the other end."""

    def open_it() -> socket.socket:
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
        opened.bind(("eth0", 0))
        return opened

    with netns.inside("kernel", open_it) as opened:
        yield opened


def packet(number: int) -> bytes:
    """Return a packet that can be told from others."""
    return Packet(parse(THERE), parse(HERE), Payload(EXPERIMENT, number.to_bytes(8))).encode()


def received(port: PacketSocket, protocol: int, count: int = 1) -> list[Packet]:
    """Return the next packets of a protocol; others are the kernel's, which speaks up at times."""
    found: list[Packet] = []
    with selectors.DefaultSelector() as selector:
        selector.register(port, selectors.EVENT_READ)
        while len(found) < count:
            assert selector.select(DEADLINE_S)
            for data in port.receive():
                read = decode(data)
                assert isinstance(read, Packet)
                if read.protocol == protocol:
                    found.append(read)
    return found


def test_what_is_for_the_interface_or_for_a_group_comes(port: PacketSocket, raw: socket.socket) -> None:
    """Other hosts' frames, those for a VLAN and those with other contents do not."""
    kind = struct.pack(">H", ETH_P_IPV6)
    source = bytes.fromhex("020000000099")
    tagged = struct.pack(">HHH", ETH_P_8021Q, 5, ETH_P_IPV6)
    raw.send(bytes.fromhex("020000000042") + source + kind + packet(1))
    raw.send(port.link_layer + source + tagged + packet(2))
    raw.send(port.link_layer + source + struct.pack(">H", 0x0800) + packet(3))
    raw.send(port.link_layer + source + kind + packet(4))
    raw.send(bytes.fromhex("333312345678") + source + kind + packet(5))
    raw.send(bytes.fromhex("ffffffffffff") + source + kind + packet(6))
    uppers = [read.upper for read in received(port, EXPERIMENT, 3)]
    assert uppers == [Payload(EXPERIMENT, number.to_bytes(8)) for number in (4, 5, 6)]
    assert port.counters.received >= 3


def test_what_is_sent_comes_out_at_the_other_end_and_nowhere_else(
    netns: Netns, port: PacketSocket, raw: socket.socket
) -> None:
    """Behind an Ethernet header; the sender does not hear itself."""
    raw.bind(("eth0", ETH_P_IPV6))
    raw.settimeout(DEADLINE_S)
    there = netns.inside("kernel", lambda: links.link_layer("eth0"))
    assert port.send(there, packet(7))
    frame = b""
    while not frame.endswith(packet(7)):
        frame = raw.recv(2000)
    assert frame == there + port.link_layer + ETH_P_IPV6.to_bytes(2) + packet(7)
    assert (port.counters.sent, port.counters.lost) == (1, 0)
    assert packet(7) not in port.receive()


def test_a_batch_has_an_end(port: PacketSocket, raw: socket.socket) -> None:
    """What did not fit comes next."""
    head = port.link_layer + bytes.fromhex("020000000099") + ETH_P_IPV6.to_bytes(2)
    for number in range(BATCH + 10):
        raw.send(head + packet(number))
    first = port.receive()
    assert len(first) == BATCH
    assert [data for data in [*first, *port.receive()] if data[6] == EXPERIMENT] == [
        packet(number) for number in range(BATCH + 10)
    ]


def test_checksums_that_the_kernel_left_to_its_card_are_completed(netns: Netns, port: PacketSocket) -> None:
    """A UDP datagram of a plain kernel is good."""
    here, there = parse(HERE), parse(THERE)
    with netns.inside("kernel", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, netns.inside("kernel", index))
        sender.bind((THERE, 0))
        sender.sendto(b"hello", ("ff05::1234", 7000))
    (read,) = received(port, UDP)
    assert isinstance(read.upper, Payload)
    assert read.upper.data[8:] == b"hello"
    assert verifies(there, parse("ff05::1234"), UDP, read.upper.data)
    assert not verifies(here, parse("ff05::1234"), UDP, read.upper.data)


def index() -> int:
    """Return the number of the interface."""
    return socket.if_nametoindex("eth0")


def test_datagrams_sent_at_once_come_one_by_one(netns: Netns, port: PacketSocket) -> None:
    """The kernel leaves segmentation to its card, too (UDP_SEGMENT)."""
    with netns.inside("kernel", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as sender:
        sender.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, netns.inside("kernel", index))
        sender.bind((THERE, 0))
        sender.setsockopt(socket.IPPROTO_UDP, 103, 1000)
        body = os.urandom(9500)
        sender.sendto(body, ("ff05::1234", 7000))
    pieces = received(port, UDP, 10)
    uppers = [piece.upper.data for piece in pieces if isinstance(piece.upper, Payload)]
    assert b"".join(upper[8:] for upper in uppers) == body
    assert all(verifies(parse(THERE), parse("ff05::1234"), UDP, upper) for upper in uppers)


def test_a_link_that_is_down_loses_packets_and_is_survived(
    netns: Netns, port: PacketSocket, raw: socket.socket
) -> None:
    """Sending fails, receiving goes on when it is up again."""
    there = netns.inside("kernel", lambda: links.link_layer("eth0"))
    netns.inside("here", lambda: links.set_up("eth0", is_up=False))
    assert not port.send(there, packet(1))
    assert port.counters.lost == 1
    port.receive()
    netns.inside("here", lambda: links.set_up("eth0"))
    raw.send(port.link_layer + bytes.fromhex("020000000099") + ETH_P_IPV6.to_bytes(2) + packet(2))
    assert received(port, EXPERIMENT)


def test_a_packet_larger_than_the_link_is_lost(port: PacketSocket) -> None:
    """Nothing is raised."""
    assert not port.send(bytes.fromhex("020000000099"), bytes(9000))
    assert port.counters.lost == 1


def test_an_interface_that_goes_away_is_survived(netns: Netns) -> None:
    """Nothing comes any more, and nothing can be sent."""
    with netns.inside("here", lambda: PacketSocket("eth0")) as port:
        netns.inside("kernel", remove)
        assert not port.send(bytes(6), packet(1))
        while port.receive():
            continue
        assert port.receive() == []
        with pytest.raises(UsageError, match="cannot read the MTU of 'eth0'"):
            netns.inside("here", lambda: port.mtu)


def remove() -> None:
    """Remove an interface."""
    from pyroute2 import IPRoute

    with IPRoute() as kernel:
        kernel.link("del", ifname="eth0")


def test_what_it_is_like(netns: Netns, port: PacketSocket) -> None:
    """Its MTU is the interface's now."""
    netns.inside("here", lambda: links.set_mtu("eth0", 1400))
    assert netns.inside("here", lambda: port.mtu) == 1400
    assert port.link_layer == netns.inside("here", lambda: links.link_layer("eth0"))
    assert port.interface == "eth0"


def test_an_interface_that_is_not_there(netns: Netns) -> None:
    """Is named, with those that are."""
    with pytest.raises(UsageError, match="cannot open a packet socket on 'eth9': No such device") as caught:
        netns.inside("here", lambda: PacketSocket("eth9"))
    assert caught.value.hint == "there are: lo, eth0"


def test_the_loopback_is_refused(netns: Netns) -> None:
    """It is no Ethernet."""
    with pytest.raises(UsageError, match="is not an Ethernet"):
        netns.inside("here", lambda: PacketSocket("lo"))
