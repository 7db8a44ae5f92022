"""A node on links whose neighbours are a tester's, for tests of what lies between links and roles."""

import hashlib
from collections.abc import Iterable

from mipsh.mobility.effects import Effect, Transmit
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.wire.address import parse
from mipsh.wire.packet import Packet, Payload, decode

NOW = 1000.0
EXPERIMENT = 253
"""A protocol number for experiments (RFC 3692): its packets have no checksum to get right."""
LEFT, RIGHT = "left", "right"
PREFIXES = {LEFT: parse("2001:db8:0:1::"), RIGHT: parse("2001:db8:0:2::")}
HERE = {link: prefix[:15] + b"\x01" for link, prefix in PREFIXES.items()}
THERE = {link: prefix[:15] + b"\xaa" for link, prefix in PREFIXES.items()}
THERE_MAC = {LEFT: bytes.fromhex("0200000000a1"), RIGHT: bytes.fromhex("0200000000a2")}
FAR = parse("2001:db8:9::9")
LINK_LOCAL = parse("fe80::aa")


def entropy(size: int) -> bytes:
    """Return bytes that are the same each time."""
    return hashlib.shake_256(b"entropy").digest(size)


def node(*links: str, parameters: NodeParameters | None = None, mtu: int = 1500) -> Node:
    """Return a node with an address on each link, on which there is one neighbour."""
    interfaces = [
        Interface(
            name,
            bytes((2, 0, 0, 0, 0, place)),
            entropy,
            InterfaceParameters(mtu=mtu, dad_transmits=0, accepts_advertisements=False),
        )
        for place, name in enumerate(links, 1)
    ]
    made = Node("node", interfaces, entropy, parameters)
    made.start(NOW)
    for link in interfaces:
        made.set_link(link.name, True, NOW)
        made.add_address(link.name, HERE[link.name], 64, NOW)
        link.add_neighbour(THERE[link.name], THERE_MAC[link.name])
        link.add_neighbour(LINK_LOCAL, THERE_MAC[link.name])
    return made


def router(mtu: int = 1500) -> Node:
    """Return a router between two links."""
    return node(LEFT, RIGHT, parameters=NodeParameters(is_router=True), mtu=mtu)


def payload(source: bytes, destination: bytes, size: int = 8, hop_limit: int = 64) -> Packet:
    """Return a packet with so many bytes."""
    return Packet(source, destination, Payload(EXPERIMENT, bytes(size)), hop_limit=hop_limit)


def frames(effects: Iterable[Effect]) -> list[tuple[str, bytes, Packet]]:
    """Return what effects put on links: where, to whom, what."""
    found = []
    for effect in effects:
        if isinstance(effect, Transmit):
            packet = decode(effect.data)
            assert isinstance(packet, Packet)
            found.append((effect.interface, effect.link_layer, packet))
    return found
