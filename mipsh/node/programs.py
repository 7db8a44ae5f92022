"""The programs of a node, behind its TUN interface: they get its addresses, and send and receive packets."""

from collections.abc import Iterator
from typing import Protocol

from mipsh.mobility.effects import AddressAdded, AddressRemoved
from mipsh.mobility.node import Node
from mipsh.wire import address as addresses
from mipsh.wire.packet import Packet, decode


class Tunnel(Protocol):
    """What is asked of the interface: it is a Tun, or a test's."""

    @property
    def name(self) -> str:
        """The interface's name."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""

    def receive(self) -> list[bytes]:
        """Return a batch of packets that programs sent, without waiting."""

    def send(self, data: bytes) -> bool:
        """Hand a packet to the programs."""

    def add_address(self, address: bytes, *, is_preferred: bool = False) -> None:
        """Let programs use an address."""

    def remove_address(self, address: bytes) -> None:
        """Take an address from the programs."""

    def restore(self) -> None:
        """Give the addresses again."""


class Programs:
    """The upper layers of a node, on a TUN; home addresses are what they send from, unless they choose."""

    def __init__(self, tun: Tunnel) -> None:
        self.tun = tun
        self._places: dict[bytes, set[str | None]] = {}

    def change(self, effect: AddressAdded | AddressRemoved) -> None:
        """Take note that the node has an address on an interface, or as its home address, or has it no more there.

        Link-local addresses mean nothing on the TUN.
        """
        address = effect.address
        if not addresses.is_unicast_routable(address):
            return
        places = self._places.setdefault(address, set())
        before = None if not places else None in places
        if isinstance(effect, AddressAdded):
            places.add(effect.interface)
        else:
            places.discard(effect.interface)
        if not places:
            del self._places[address]
            self.tun.remove_address(address)
        elif before is not (None in places):
            self.tun.add_address(address, is_preferred=None in places)

    def deliver(self, packet: Packet) -> None:
        """Hand a packet to the programs."""
        self.tun.send(packet.encode())

    def sent(self, node: Node) -> Iterator[Packet]:
        """Yield packets that programs sent from an address that is the node's."""
        for data in self.tun.receive():
            packet = decode(data)
            if isinstance(packet, Packet) and node.owns(packet.source):
                yield packet
