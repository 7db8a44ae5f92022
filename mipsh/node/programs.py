"""The programs of a node, behind its TUN interface: they get its addresses, and send and receive packets."""

from collections.abc import Iterator
from typing import Protocol

from mipsh.mobility.effects import AddressAdded, AddressRemoved, Effect
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

    def forget_address(self, address: bytes) -> None:
        """Take note that somebody took an address away."""

    def has_address(self, address: bytes) -> bool:
        """Tell whether the interface has an address now."""

    def is_own_removal(self, address: bytes) -> bool:
        """Tell whether it was through ``remove_address`` that one went; each time once."""


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

    def changed_by_hand(self, address: bytes, is_there: bool, node: Node, now: float) -> list[Effect]:
        """Follow an administrator, who gave the interface an address or took it away; return what that causes.

        A care-of address that is taken away is lost to the node, and one that is given is the node's
        where routers allow it. Any other address of the node is put back: it is the configuration's. What
        the node did itself, of which the kernel tells as well, causes nothing.
        """
        if is_there:
            is_news = address not in self._places and self.tun.has_address(address)
            return node.regain_address(address, now) if is_news else []
        if self.tun.is_own_removal(address):
            return []
        effects = node.lose_address(address, now)
        if effects:
            self.tun.forget_address(address)
        elif address in self._places:
            self.tun.restore()
        return effects

    def deliver(self, packet: Packet) -> None:
        """Hand a packet to the programs."""
        self.tun.send(packet.encode())

    def sent(self, node: Node) -> Iterator[Packet]:
        """Yield packets that programs sent from an address that is the node's."""
        for data in self.tun.receive():
            packet = decode(data)
            if isinstance(packet, Packet) and node.owns(packet.source):
                yield packet
