"""The interface that faces programs: their packets come out, what goes in reaches them, and they use its addresses."""

import selectors
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from system_namespaces import DEADLINE_S, Netns, needs_namespaces

from mipsh.errors import MipshError, UsageError
from mipsh.linux import links
from mipsh.linux.addresses import Address, add_address, delete_address, global_addresses
from mipsh.linux.tun import Tun
from mipsh.wire.address import parse
from mipsh.wire.checksum import UDP, checksum
from mipsh.wire.packet import Packet, Payload, decode

pytestmark = [pytest.mark.system, needs_namespaces]

HOME, CARE_OF, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:4::2"


@pytest.fixture
def netns() -> Iterator[Netns]:
    """A namespace with nothing in it."""
    with Netns("node") as made:
        yield made


@pytest.fixture
def tun(netns: Netns) -> Iterator[Tun]:
    """The interface."""
    with netns.inside("node", lambda: Tun("mip0", 1400)) as made:
        yield made


def source_to(netns: Netns, destination: str) -> str | None:
    """Return the address that the kernel sends from; None where it cannot."""

    def choose() -> str | None:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking:
            try:
                asking.connect((destination, 7000))
            except OSError:
                return None
            return str(asking.getsockname()[0])

    return netns.inside("node", choose)


def test_programs_send_from_the_preferred_address(netns: Netns, tun: Tun) -> None:
    """Whatever else there is, and whatever looks nearer; without one, the kernel chooses."""
    tun.add_address(parse(CARE_OF))
    assert source_to(netns, "2001:db8:2::1") == CARE_OF
    tun.add_address(parse(HOME), is_preferred=True)
    assert source_to(netns, "2001:db8:2::1") == HOME
    assert source_to(netns, PEER) == HOME
    tun.add_address(parse(HOME))
    assert source_to(netns, "2001:db8:2::1") == CARE_OF
    tun.add_address(parse(HOME), is_preferred=True)
    tun.remove_address(parse(HOME))
    assert source_to(netns, PEER) == CARE_OF
    tun.remove_address(parse(CARE_OF))
    tun.remove_address(parse(CARE_OF))
    assert source_to(netns, PEER) is None  # nothing can be reached


def test_a_home_address_is_marked_as_one(netns: Netns, tun: Tun) -> None:
    """The mark comes and goes with what the address is."""

    def homes() -> list[str]:
        return [found.address for found in netns.inside("node", global_addresses) if found.is_home]

    tun.add_address(parse(HOME), is_preferred=True)
    tun.add_address(parse(CARE_OF))
    assert homes() == [HOME]
    tun.add_address(parse(HOME))
    assert homes() == []


def test_packets_go_out_and_in(netns: Netns, tun: Tun) -> None:
    """From a program's socket, and back to it."""
    tun.add_address(parse(HOME))
    with netns.inside("node", lambda: socket.socket(socket.AF_INET6, socket.SOCK_DGRAM)) as program:
        program.settimeout(DEADLINE_S)
        program.connect((PEER, 7000))
        program.send(b"hello")
        with selectors.DefaultSelector() as selector:
            selector.register(tun, selectors.EVENT_READ)
            assert selector.select(DEADLINE_S)
        (data,) = tun.receive()
        packet = decode(data)
        assert isinstance(packet, Packet)
        assert isinstance(packet.upper, Payload)
        assert (packet.source, packet.destination) == (parse(HOME), parse(PEER))
        datagram = packet.upper.data[2:4] + packet.upper.data[0:2] + (13).to_bytes(2) + bytes(2) + b"there"
        sum_ = checksum(parse(PEER), parse(HOME), UDP, datagram)
        answer = datagram[:6] + sum_.to_bytes(2) + datagram[8:]
        assert tun.send(Packet(parse(PEER), parse(HOME), Payload(UDP, answer)).encode())
        assert program.recv(100) == b"there"
    assert tun.receive() == []


def test_the_kernel_says_nothing_of_its_own(netns: Netns, tun: Tun) -> None:
    """No solicitation, no report, no address that nobody gave."""
    tun.add_address(parse(HOME))
    found = netns.inside("node", lambda: Path("/proc/thread-self/net/if_inet6").read_text("ascii"))
    assert [line.split()[0] for line in found.splitlines() if "mip0" in line] == [parse(HOME).hex()]
    assert tun.receive() == []


def test_bytes_that_are_no_packet_are_lost(tun: Tun) -> None:
    """The kernel refuses them; they are counted."""
    assert not tun.send(b"")
    assert tun.lost == 1


def test_its_mtu_and_its_end(netns: Netns) -> None:
    """It is gone when it is closed, twice if need be."""
    tun = netns.inside("node", lambda: Tun("mip0", 1380))
    assert netns.inside("node", lambda: links.mtu("mip0")) == 1380
    tun.close()
    tun.close()
    assert netns.inside("node", links.names) == ["lo"]


def test_a_name_that_is_taken(netns: Netns, tun: Tun) -> None:
    """Another node may be there."""
    with pytest.raises(UsageError, match="there is an interface 'mip0' already"):
        netns.inside("node", lambda: Tun("mip0", 1400))


def test_what_cannot_be_made_leaves_nothing(netns: Netns) -> None:
    """An MTU that no interface has."""
    before = len(list(Path("/proc/self/fd").iterdir()))
    with pytest.raises(MipshError, match="cannot make the interface 'mip0'"):
        netns.inside("node", lambda: Tun("mip0", 10))
    assert netns.inside("node", links.names) == ["lo"]
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_an_interface_that_was_switched_off_gets_its_addresses_back(netns: Netns, tun: Tun) -> None:
    """The kernel takes them away meanwhile; what changes then is not lost."""
    netns.inside("node", lambda: links.set_up("mip0", is_up=False))
    tun.add_address(parse(CARE_OF))
    tun.add_address(parse(HOME), is_preferred=True)
    assert source_to(netns, PEER) is None
    netns.inside("node", lambda: links.set_up("mip0"))
    tun.restore()
    assert source_to(netns, PEER) == HOME


def test_an_address_that_somebody_took_away(netns: Netns, tun: Tun) -> None:
    """It is told from one's own removals, each time once, and forgotten; given again, it stays theirs."""
    tun.add_address(parse(CARE_OF))
    tun.add_address(parse(HOME), is_preferred=True)
    theirs = Address(CARE_OF, 128, "mip0", ("nodad",))
    assert tun.has_address(parse(CARE_OF))
    netns.inside("node", lambda: delete_address(theirs))
    assert not tun.has_address(parse(CARE_OF))
    assert not tun.is_own_removal(parse(CARE_OF))
    tun.forget_address(parse(CARE_OF))
    tun.forget_address(parse(CARE_OF))
    netns.inside("node", lambda: add_address(theirs))
    tun.remove_address(parse(CARE_OF))
    assert tun.has_address(parse(CARE_OF))
    tun.remove_address(parse(HOME))
    assert not tun.has_address(parse(HOME))
    assert [tun.is_own_removal(parse(HOME)) for _ in range(2)] == [True, False]


def test_a_removal_of_what_is_gone_is_not_ones_own(netns: Netns, tun: Tun) -> None:
    """The kernel tells of it once only."""
    tun.add_address(parse(HOME))
    netns.inside("node", lambda: delete_address(Address(HOME, 128, "mip0")))
    tun.remove_address(parse(HOME))
    assert not tun.is_own_removal(parse(HOME))
    tun.add_address(parse(HOME))
    tun.remove_address(parse(HOME))
    tun.restore()
    assert not tun.is_own_removal(parse(HOME))
