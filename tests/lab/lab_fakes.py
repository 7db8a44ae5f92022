"""Nodes without a protocol, to test what carries packets between nodes."""

from collections.abc import Sequence
from functools import partial

from mipsh.lab.link import Link, LinkParameters
from mipsh.lab.network import Network
from mipsh.mobility.effects import Deliver, Effect, Emit, Protection, Transmit
from mipsh.wire.checksum import ICMPV6
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.packet import Packet, Payload, decode

PREFIX = bytes.fromhex("20010db8000000000000000000000000")
GROUP = bytes.fromhex("ff0200000000000000000001ff000001")
GROUP_FRAMES = bytes.fromhex("3333ff000001")


def link_layer(number: int) -> bytes:
    """Return the link-layer address of a node by its number."""
    return bytes.fromhex("0200000000") + bytes((number,))


def address(number: int) -> bytes:
    """Return the address of a node by its number."""
    return PREFIX[:15] + bytes((number,))


class FakeInterface:
    """An interface with groups that a test sets."""

    def __init__(self, number: int) -> None:
        self.link_layer = link_layer(number)
        self.groups: frozenset[bytes] = frozenset()
        self.group_changes = 0

    def listen(self, *groups: bytes) -> None:
        """Listen to these groups and no others."""
        self.groups = frozenset(groups)
        self.group_changes += 1


class FakeNode:
    """A node whose neighbours' link-layer addresses follow from their addresses; it answers echo requests.

    ``due`` are its deadlines: at each it emits its time.
    """

    def __init__(self, number: int) -> None:
        self.address = address(number)
        self.interfaces = {"eth0": FakeInterface(number)}
        self.taken: list[tuple[float, bytes, Protection | None]] = []
        self.links: list[tuple[float, bool]] = []
        self.due: list[float] = []
        self.has_address = True

    def start(self, now: float) -> Sequence[Effect]:
        """Begin."""
        return [Emit("started", self.address)]

    def set_link(self, interface: str, is_up: bool, now: float) -> Sequence[Effect]:
        """Note the link."""
        self.links.append((now, is_up))
        return []

    def receive(
        self, data: bytes, interface: str, now: float, protection: Protection | None = None
    ) -> Sequence[Effect]:
        """Note a packet; answer or deliver it."""
        self.taken.append((now, data, protection))
        packet = decode(data)
        if not isinstance(packet, Packet):
            return []
        message = packet.upper.message if isinstance(packet.upper, Icmpv6) else None
        if isinstance(message, EchoRequest):
            reply = EchoReply(message.identifier, message.sequence, message.data)
            return self.send(Packet(packet.destination, packet.source, Icmpv6(reply)), now)
        return [Deliver(packet)]

    def send(self, packet: Packet, now: float) -> Sequence[Effect]:
        """Send a packet to the neighbour that its destination names."""
        return [Transmit("eth0", link_layer(packet.destination[15]), packet.encode())]

    def advance(self, now: float) -> Sequence[Effect]:
        """Emit what is due."""
        due = [time for time in self.due if time <= now]
        self.due = [time for time in self.due if time > now]
        return [Emit("due", self.address, detail=str(time)) for time in due]

    def next_deadline(self) -> float | None:
        """Return the first deadline."""
        return min(self.due, default=None)

    def source_for(self, destination: bytes, now: float) -> bytes | None:
        """Return the only address."""
        return self.address if self.has_address else None


def _same(node: FakeNode, boots: int) -> FakeNode:
    return node


def fakes(count: int, parameters: LinkParameters | None = None, seed: int = 0) -> tuple[Network, Link, list[FakeNode]]:
    """Return a network with nodes n1, n2 and so on upon one link."""
    network = Network(seed)
    link = network.add_link("link", parameters)
    nodes = [FakeNode(number) for number in range(1, count + 1)]
    for number, node in enumerate(nodes, 1):
        network.add(f"n{number}", partial(_same, node), {"eth0": "link"})
    return network, link, nodes


def packet(source: int, destination: int, text: str = "") -> Packet:
    """Return a packet between two nodes by their numbers."""
    return Packet(address(source), address(destination), Payload(253, text.encode()))


def texts(node: FakeNode) -> list[str]:
    """Return the texts of the packets that a node took in."""
    return [data[40:].decode() for _, data, _ in node.taken if data[6] != ICMPV6]
