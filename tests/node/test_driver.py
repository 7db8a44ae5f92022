"""The driver's loop: packets, links, deadlines, programs and other descriptors, on sockets that a test holds."""

import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from functools import partial

import pytest

from mipsh.mobility.effects import AddressAdded, AddressRemoved, Deliver, Effect, Emit, Transmit
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.node.driver import Driver
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.ndp import AUTONOMOUS, ON_LINK, PrefixInformation, RouterAdvertisement
from mipsh.wire.packet import Packet, Payload, decode

LEFT, RIGHT = "left", "right"
HERE = {LEFT: parse("2001:db8:0:1::1"), RIGHT: parse("2001:db8:0:2::1")}
THERE = {LEFT: parse("2001:db8:0:1::2"), RIGHT: parse("2001:db8:0:2::2")}
MAC, THEIR_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
EXPERIMENT = 253
LONGEST_S = 10.0


class Pair:
    """One end of a link: what the test puts in is received, what is sent is kept."""

    def __init__(self, name: str = "") -> None:
        self.name = name
        self.sent: list[tuple[bytes, bytes]] = []
        self._outer, self._inner = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._inner.setblocking(False)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._inner.fileno()

    def put(self, *packets: bytes) -> None:
        """Let packets come."""
        for data in packets:
            self._outer.send(data)

    def receive(self) -> list[bytes]:
        """Return what came."""
        packets: list[bytes] = []
        try:
            while True:
                packets.append(self._inner.recv(65_536))
        except BlockingIOError:
            return packets

    def close(self) -> None:
        """Close both ends."""
        self._outer.close()
        self._inner.close()


class FakePort(Pair):
    """An interface."""

    def send(self, link_layer: bytes, data: bytes) -> bool:
        """Keep what goes onto the link."""
        self.sent.append((link_layer, data))
        return True


class FakeTun(Pair):
    """The programs' interface."""

    def __init__(self) -> None:
        super().__init__("mip0")
        self.changes: list[tuple[str, bytes]] = []
        self.there: set[bytes] = set()
        self.own_removals: list[bytes] = []

    def send(self, data: bytes) -> bool:
        """Keep what goes to the programs."""
        self.sent.append((b"", data))
        return True

    def add_address(self, address: bytes, *, is_preferred: bool = False) -> None:
        """Note the address."""
        self.changes.append(("preferred" if is_preferred else "added", address))

    def remove_address(self, address: bytes) -> None:
        """Note that it went."""
        self.changes.append(("removed", address))

    def restore(self) -> None:
        """Note that it was asked for."""
        self.changes.append(("restored", b""))

    def forget_address(self, address: bytes) -> None:
        """Note that it is somebody else's."""
        self.changes.append(("forgotten", address))

    def has_address(self, address: bytes) -> bool:
        """Tell what the test says."""
        return address in self.there

    def is_own_removal(self, address: bytes) -> bool:
        """Tell what the test says."""
        if address not in self.own_removals:
            return False
        self.own_removals.remove(address)
        return True


class FakeLinks:
    """What the kernel says of links."""

    def __init__(self) -> None:
        self.told: list[tuple[str, bool]] = []
        self.by_hand: list[tuple[bytes, bool]] = []
        self.is_closed = False
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._bell

    def tell(self, *changes: tuple[str, bool]) -> None:
        """Let something happen."""
        self.told += changes
        os.eventfd_write(self._bell, 1)

    def change_by_hand(self, *changes: tuple[bytes, bool]) -> None:
        """Let addresses of the TUN come and go."""
        self.by_hand += changes
        os.eventfd_write(self._bell, 1)

    def changes(self) -> list[tuple[str, bool]]:
        """Return what happened."""
        told, self.told = self.told, []
        with suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        return told

    def addresses(self) -> list[tuple[bytes, bool]]:
        """Return which addresses came and went."""
        told, self.by_hand = self.by_hand, []
        return told

    def close(self) -> None:
        """Close it."""
        self.is_closed = True
        os.close(self._bell)


class Bench:
    """A router with a program's interface, whose links are up."""

    def __init__(self) -> None:
        self.ports = {LEFT: FakePort(), RIGHT: FakePort()}
        self.tun, self.links = FakeTun(), FakeLinks()
        how = InterfaceParameters(accepts_advertisements=False, dad_transmits=0)
        interfaces = [Interface(name, MAC, os.urandom, how) for name in self.ports]
        self.node = Node("node", interfaces, os.urandom, NodeParameters(is_router=True))
        self.driver = Driver(self.node, self.ports, self.tun, self.links)
        self.heard: list[Effect] = []
        self.driver.listeners.append(lambda now, effect: self.heard.append(effect))
        self.links.tell((LEFT, True), (RIGHT, True))
        self.driver.start()
        for link in interfaces:
            self.driver.perform(self.node.add_address(link.name, HERE[link.name], 64, time.monotonic()))
            link.add_neighbour(THERE[link.name], THEIR_MAC)

    def close(self) -> None:
        """Close everything."""
        self.driver.close()
        for pair in (*self.ports.values(), self.tun):
            pair.close()


@pytest.fixture
def bench() -> Iterator[Bench]:
    """A router, driven by the test."""
    made = Bench()
    yield made
    made.close()
    assert made.links.is_closed


def payload(source: bytes, destination: bytes, number: int = 0) -> Packet:
    """Return a packet that can be told from others."""
    return Packet(source, destination, Payload(EXPERIMENT, number.to_bytes(8)))


def test_links_that_are_there_are_told_at_the_start(bench: Bench) -> None:
    """The node has them before its addresses are given."""
    assert all(link.is_up for link in bench.node.interfaces.values())


def test_a_link_goes_and_others_than_the_nodes_are_ignored(bench: Bench) -> None:
    """As the kernel tells."""
    bench.links.tell(("eth7", True), (LEFT, False))
    bench.driver.run_once(LONGEST_S)
    assert [link.is_up for link in bench.node.interfaces.values()] == [False, True]
    bench.driver.set_link(LEFT, True)
    assert bench.node.interfaces[LEFT].is_up


def test_packets_are_forwarded(bench: Bench) -> None:
    """From one port to the other, all that came at once."""
    packets = [payload(THERE[LEFT], THERE[RIGHT], number) for number in range(5)]
    bench.ports[LEFT].put(*(packet.encode() for packet in packets))
    bench.driver.run_once(LONGEST_S)
    sent = bench.ports[RIGHT].sent
    assert [link_layer for link_layer, _ in sent] == [THEIR_MAC] * 5
    assert [data[:7] + b"\x40" + data[8:] for _, data in sent] == [packet.encode() for packet in packets]


def test_the_node_answers_for_itself(bench: Bench) -> None:
    """Echo is the core's, and never reaches the programs."""
    bench.ports[LEFT].put(Packet(THERE[LEFT], HERE[LEFT], Icmpv6(EchoRequest(1, 2, b"abc"))).encode())
    bench.driver.run_once(LONGEST_S)
    assert len(bench.ports[LEFT].sent) == 1
    assert not bench.tun.sent


def test_programs_get_what_is_theirs(bench: Bench) -> None:
    """What the core has no use for."""
    packet = payload(THERE[LEFT], HERE[LEFT])
    bench.ports[LEFT].put(packet.encode())
    bench.driver.run_once(LONGEST_S)
    assert bench.tun.sent == [(b"", packet.encode())]
    assert not any(isinstance(effect, Deliver | Transmit) for effect in bench.heard)


def test_what_programs_send_goes_out(bench: Bench) -> None:
    """From the node's addresses only; bytes that are no packet go nowhere."""
    own = payload(HERE[LEFT], THERE[RIGHT])
    bench.tun.put(b"nonsense", payload(THERE[LEFT], THERE[RIGHT]).encode(), own.encode())
    bench.driver.run_once(LONGEST_S)
    assert bench.ports[RIGHT].sent == [(THEIR_MAC, own.encode())]
    assert not bench.ports[LEFT].sent


def test_programs_get_the_global_addresses(bench: Bench) -> None:
    """Others hear of all."""
    assert bench.tun.changes == [("added", HERE[LEFT]), ("added", HERE[RIGHT])]
    added = [effect for effect in bench.heard if isinstance(effect, AddressAdded)]
    assert {effect.address for effect in added} > set(HERE.values())


def test_a_home_address_is_preferred_while_it_is_one(bench: Bench) -> None:
    """It may be on the home link as well, and stays until it is nowhere."""
    home = parse("2001:db8:9::9")
    bench.tun.changes.clear()
    bench.driver.perform(
        [
            AddressAdded(home, LEFT),
            AddressAdded(home),
            AddressAdded(home),
            AddressRemoved(home, LEFT),
            AddressAdded(home, LEFT),
            AddressRemoved(home),
            AddressRemoved(home, LEFT),
        ]
    )
    assert bench.tun.changes == [("added", home), ("preferred", home), ("added", home), ("removed", home)]


def test_an_interface_for_programs_that_was_off_is_restored(bench: Bench) -> None:
    """When it is on again."""
    bench.tun.changes.clear()
    bench.links.tell(("mip0", False), ("mip0", True))
    bench.driver.run_once(LONGEST_S)
    assert bench.tun.changes == [("restored", b"")]


def test_addresses_that_change_by_hand(bench: Bench) -> None:
    """One of the configuration is put back; what the node did itself, and what is none of its, causes nothing."""
    bench.tun.changes.clear()
    strange = parse("2001:db8:0:9::9")
    bench.tun.there = {strange, HERE[LEFT]}
    bench.tun.own_removals = [HERE[RIGHT]]
    bench.links.change_by_hand((strange, True), (HERE[LEFT], True), (HERE[RIGHT], False), (strange, False))
    bench.driver.run_once(LONGEST_S)
    assert bench.tun.changes == []
    bench.links.change_by_hand((HERE[RIGHT], False))
    bench.driver.run_once(LONGEST_S)
    assert bench.tun.changes == [("restored", b"")]


def test_a_care_of_address_that_changes_by_hand() -> None:
    """It is lost, and the TUN's owner no more; one that is there when it is looked for is the node's again."""
    links, port, tun = FakeLinks(), FakePort(), FakeTun()
    how = InterfaceParameters(dad_transmits=0)
    node = Node("node", [Interface(LEFT, MAC, os.urandom, how)], os.urandom)
    with Driver(node, {LEFT: port}, tun, links) as driver:
        links.tell((LEFT, True))
        driver.start()
        option = PrefixInformation(64, ON_LINK | AUTONOMOUS, 3600, 3600, HERE[LEFT][:8] + bytes(8))
        advertisement = RouterAdvertisement(64, 0, 1800, 0, 0, (option,))
        told = Packet(parse("fe80::9"), parse("ff02::1"), Icmpv6(advertisement), hop_limit=255)
        port.put(told.encode())
        driver.run_once(LONGEST_S)
        (formed,) = [address for what, address in tun.changes if what == "added"]
        tun.changes.clear()
        links.change_by_hand((formed, False))
        driver.run_once(LONGEST_S)
        assert not node.owns(formed)
        assert tun.changes == [("forgotten", formed), ("removed", formed)]
        links.change_by_hand((formed, True))
        driver.run_once(LONGEST_S)
        assert not node.owns(formed)
        tun.there = {formed}
        links.change_by_hand((formed, True))
        driver.run_once(LONGEST_S)
        assert node.owns(formed)
        assert tun.changes[2:] == [("added", formed)]
    for pair in (port, tun):
        pair.close()


def test_without_programs_nothing_changes_by_hand() -> None:
    """There is no TUN."""
    links = FakeLinks()
    node = Node("node", [Interface(LEFT, MAC, os.urandom)], os.urandom)
    with Driver(node, {}, None, links) as driver:
        links.change_by_hand((HERE[LEFT], True))
        driver.run_once(LONGEST_S)
        assert not node.owns(HERE[LEFT])


def test_a_packet_for_an_interface_that_has_no_port_is_lost(bench: Bench) -> None:
    """Nothing is raised, and what comes behind it is carried out."""
    event = Emit("event", HERE[LEFT])
    bench.driver.perform([Transmit("gone", MAC, b""), event])
    assert bench.heard[-1] == event


def test_a_router_can_do_without_programs() -> None:
    """What would be delivered is dropped."""
    links, port = FakeLinks(), FakePort()
    node = Node("node", [Interface(LEFT, MAC, os.urandom)], os.urandom)
    with Driver(node, {LEFT: port}, None, links) as driver:
        links.tell((LEFT, True))
        driver.start()
        driver.perform([Deliver(payload(THERE[LEFT], HERE[LEFT])), AddressAdded(HERE[LEFT], LEFT)])
        assert node.interfaces[LEFT].is_up
    port.close()


def test_the_nodes_deadlines_are_kept() -> None:
    """A link-local address is tested, and ready after its time, without a packet."""
    links, port = FakeLinks(), FakePort()
    how = InterfaceParameters(accepts_advertisements=False, retransmit_s=0.05)
    node = Node("node", [Interface(LEFT, MAC, os.urandom, how)], os.urandom)
    with Driver(node, {LEFT: port}, None, links) as driver:
        links.tell((LEFT, True))
        driver.start()
        driver.listeners.append(lambda now, effect: driver.stop())
        driver.run()
        assert node.owns(node.interfaces[LEFT].link_local)
    solicitation = decode(port.sent[0][1])
    assert isinstance(solicitation, Packet)
    port.close()


def test_what_is_due_comes_before_a_packet_that_came_later() -> None:
    """The loop was held up: an address has passed its test by the time that a packet for it is looked at."""
    links, port, tun = FakeLinks(), FakePort(), FakeTun()
    how = InterfaceParameters(accepts_advertisements=False, retransmit_s=0.02)
    node = Node("node", [Interface(LEFT, MAC, os.urandom, how)], os.urandom)
    with Driver(node, {LEFT: port}, tun, links) as driver:
        links.tell((LEFT, True))
        driver.start()
        driver.perform(node.add_address(LEFT, HERE[LEFT], 64, time.monotonic()))
        until = time.monotonic() + 0.1

        def hold_up() -> None:
            port.put(payload(THERE[LEFT], HERE[LEFT]).encode())
            while time.monotonic() < until:
                continue

        driver.call_at(0.0, hold_up)
        driver.run_once()
        assert tun.sent == [(b"", payload(THERE[LEFT], HERE[LEFT]).encode())]
    for pair in (port, tun):
        pair.close()


def test_calls_come_at_their_time_and_in_order(bench: Bench) -> None:
    """Those called off do not."""
    order: list[int] = []
    now = time.monotonic()
    bench.driver.call_at(now + 0.02, lambda: order.append(2))
    bench.driver.call_at(now + 0.01, lambda: order.append(1))
    bench.driver.call_at(now, lambda: order.append(0)).cancel()
    bench.driver.call_at(now + 0.01, lambda: order.append(9)).cancel()
    late = bench.driver.call_at(now + 0.02, lambda: order.append(8))
    bench.driver.call_at(now + 0.03, bench.driver.stop)
    bench.driver.call_at(now + 0.015, late.cancel)
    bench.driver.run()
    assert order == [1, 2]
    assert time.monotonic() >= now + 0.03


def test_a_call_that_is_due_does_not_wait(bench: Bench) -> None:
    """Nor does the loop wait longer than it is told."""
    seen: list[float] = []
    bench.driver.call_at(0.0, lambda: seen.append(1))
    bench.driver.run_once()
    assert seen == [1]
    bench.driver.run_once(0.0)


def test_others_read_and_write_in_the_same_loop(bench: Bench) -> None:
    """Each as long as it wants to."""
    here, there = socket.socketpair()
    read: list[bytes] = []
    with here, there:
        bench.driver.add_writer(here.fileno(), lambda: read.append(b"writable"))
        bench.driver.add_reader(here.fileno(), lambda: read.append(here.recv(10)))
        bench.driver.run_once(LONGEST_S)
        assert read == [b"writable"]
        bench.driver.remove_writer(here.fileno())
        there.send(b"abc")
        bench.driver.run_once(LONGEST_S)
        assert read == [b"writable", b"abc"]
        bench.driver.add_reader(here.fileno(), lambda: read.append(b"other" + here.recv(10)))
        there.send(b"def")
        bench.driver.run_once(LONGEST_S)
        assert read[2:] == [b"otherdef"]
        bench.driver.remove_reader(here.fileno())
        bench.driver.remove_reader(here.fileno())
        there.send(b"ghi")
        bench.driver.run_once(0.0)
        assert len(read) == 3


def test_a_reader_that_is_removed_by_another_is_not_called(bench: Bench) -> None:
    """Although both were ready."""
    pairs = [socket.socketpair() for _ in range(2)]
    called: list[int] = []

    def first(number: int) -> None:
        called.append(number)
        for here, _ in pairs:
            bench.driver.remove_reader(here.fileno())

    for number, (here, there) in enumerate(pairs):
        bench.driver.add_reader(here.fileno(), partial(first, number))
        there.send(b"x")
    bench.driver.run_once(LONGEST_S)
    assert len(called) == 1
    for pair in pairs:
        for end in pair:
            end.close()


def test_it_stops_from_another_thread(bench: Bench) -> None:
    """While it waits for what does not come."""
    thread = threading.Thread(target=bench.driver.run)
    thread.start()
    bench.driver.stop()
    thread.join(LONGEST_S)
    assert not thread.is_alive()


def test_it_stops_from_a_signal_handler(bench: Bench) -> None:
    """While it waits for what does not come."""
    before = signal.signal(signal.SIGALRM, lambda number, frame: bench.driver.stop())
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.01)
        bench.driver.run()
    finally:
        signal.signal(signal.SIGALRM, before)


def test_one_that_was_stopped_before_does_not_run(bench: Bench) -> None:
    """A signal may come early."""
    bench.driver.stop()
    bench.driver.run()
