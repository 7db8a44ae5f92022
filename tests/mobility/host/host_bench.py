"""Interfaces on one link and one clock, and the words of the tests about them."""

import heapq
from collections.abc import Callable
from typing import TypeVar

from mipsh.mobility.effects import Effect, Transmit
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising, InterfaceParameters
from mipsh.mobility.trace import Record, Trace
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.ndp import (
    INFINITY,
    LinkLayer,
    Message,
    NeighborAdvertisement,
    NeighborSolicitation,
    Option,
    PrefixInformation,
    RouterAdvertisement,
)
from mipsh.wire.packet import Packet, Payload, decode

DELAY_S = 0.001
PREFIX, OTHER_PREFIX = parse("2001:db8:0:1::"), parse("2001:db8:0:2::")
ROUTER, ROUTER_MAC = parse("fe80::1"), bytes.fromhex("020000000101")
ROUTER2, ROUTER2_MAC = parse("fe80::2"), bytes.fromhex("020000000102")
PEER, PEER_MAC = parse("2001:db8:0:1::99"), bytes.fromhex("020000000199")
PEER2_MAC = bytes.fromhex("02000000019a")
FAR = parse("2001:db8:0:9::9")
OWN = parse("2001:db8:0:1::a")
MAC = bytes.fromhex("02000000000a")
LINK_LOCAL = parse("fe80::ff:fe00:a")
AUTO = parse("2001:db8:0:1:0:ff:fe00:a")
UNSPECIFIED, ALL_NODES, ALL_ROUTERS = parse("::"), parse("ff02::1"), parse("ff02::2")
SURE = InterfaceParameters(dad_transmits=0, solicitations=0)
ROUTER_PARAMETERS = InterfaceParameters(dad_transmits=0, accepts_advertisements=False, forms_addresses=False)

Kind = TypeVar("Kind")
Sent = TypeVar("Sent", bound=Message)


class Entropy:
    """Bytes that are the same in every run: a count that begins with a byte of its own."""

    def __init__(self, first: int = 0) -> None:
        self.first = first
        self.drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        self.drawn += 1
        return bytes((self.first,)) + self.drawn.to_bytes(size - 1)


def interface(
    parameters: InterfaceParameters | None = None, mac: bytes = MAC, sink: Callable[[Record], None] | None = None
) -> Interface:
    """Return an interface without a link."""
    return Interface("eth0", mac, Entropy(mac[-1]), parameters, Trace("node", sink))


def up(parameters: InterfaceParameters | None = None, sink: Callable[[Record], None] | None = None) -> Interface:
    """Return an interface that has a link since 0 and, where need be, has tested its link-local address by 1."""
    made = interface(parameters, sink=sink)
    made.set_link(True, 0.0)
    made.advance(1.0)
    return made


def packet(message: Message, source: bytes, destination: bytes, hop_limit: int = 255) -> Packet:
    """Return a packet as it comes from the link: its checksum is there."""
    whole = decode(Packet(source, destination, Icmpv6(message), hop_limit=hop_limit).encode())
    assert isinstance(whole, Packet)
    return whole


def sends(effects: list[Effect]) -> list[tuple[Packet, Message]]:
    """Return the neighbour discovery messages among effects, each with its packet."""
    found = []
    for effect in effects:
        sent = decode(effect.data) if isinstance(effect, Transmit) else None
        if isinstance(sent, Packet) and isinstance(sent.upper, Icmpv6) and isinstance(sent.upper.message, Message):
            assert sent.hop_limit == 255
            assert not sent.faults
            found.append((sent, sent.upper.message))
    return found


def only(effects: list[Effect], kind: type[Sent]) -> tuple[Packet, Sent]:
    """Return the only message of a kind among effects, with its packet."""
    found = [(sent, message) for sent, message in sends(effects) if isinstance(message, kind)]
    assert len(found) == 1, found
    return found[0]


def of(effects: list[Effect], kind: type[Kind]) -> list[Kind]:
    """Return the effects of a kind."""
    return [effect for effect in effects if isinstance(effect, kind)]


def data(source: bytes = OWN, destination: bytes = PEER, content: bytes = b"x") -> bytes:
    """Return a packet of the upper layers."""
    return Packet(source, destination, Payload(17, content)).encode()


def pio(
    prefix: bytes = PREFIX, *, valid_s: int = 1000, preferred_s: int = 500, flags: int = 0xC0, length: int = 64
) -> PrefixInformation:
    """Return prefix information."""
    return PrefixInformation(length, flags, valid_s, preferred_s, prefix)


def forever(prefix: bytes = PREFIX) -> PrefixInformation:
    """Return prefix information without an end."""
    return pio(prefix, valid_s=INFINITY, preferred_s=INFINITY)


def ra(
    *options: Option,
    source: bytes = ROUTER,
    mac: bytes | None = ROUTER_MAC,
    lifetime_s: int = 1800,
    flags: int = 0,
    hop_limit: int = 0,
) -> Packet:
    """Return a Router Advertisement."""
    given = () if mac is None else (LinkLayer(1, mac),)
    return packet(RouterAdvertisement(hop_limit, flags, lifetime_s, options=(*given, *options)), source, ALL_NODES)


def ns(target: bytes, source: bytes = PEER, mac: bytes | None = PEER_MAC, destination: bytes | None = None) -> Packet:
    """Return a Neighbor Solicitation, to the target's own group unless otherwise said."""
    given = () if mac is None or source == UNSPECIFIED else (LinkLayer(1, mac),)
    group = parse("ff02::1:ff00:0")[:13] + target[13:]
    return packet(NeighborSolicitation(target, given), source, destination or group)


def na(target: bytes = PEER, mac: bytes | None = PEER_MAC, flags: int = 0x60000000, destination: bytes = OWN) -> Packet:
    """Return a Neighbor Advertisement: solicited and overriding unless otherwise said."""
    given = () if mac is None else (LinkLayer(2, mac),)
    return packet(NeighborAdvertisement(target, flags, given), target, destination)


def router() -> Advertising:
    """Return what a quick router says about a prefix."""
    return Advertising((AdvertisedPrefix(PREFIX),), interval_s=(5.0, 5.0), min_delay_s=0.03, response_delay_s=0.0)


class Bench:
    """Interfaces on one link with a small delay; ``loses`` tells which frames are lost."""

    def __init__(self, *interfaces: Interface) -> None:
        self.interfaces = list(interfaces)
        self.now = 0.0
        self.seen: list[tuple[Interface, Effect]] = []
        self.loses: Callable[[Transmit, Packet], bool] = lambda frame, sent: False
        self._frames: list[tuple[float, int, Interface, bytes]] = []
        self._count = 0

    def up(self) -> None:
        """Give all interfaces a link."""
        for each in self.interfaces:
            self.do(each, each.set_link(True, self.now))

    def do(self, sender: Interface, effects: list[Effect]) -> None:
        """Carry out what an interface wants."""
        for effect in effects:
            self.seen.append((sender, effect))
            if isinstance(effect, Transmit):
                sent = decode(effect.data)
                assert isinstance(sent, Packet)
                if not self.loses(effect, sent):
                    self._spread(sender, effect)

    def _spread(self, sender: Interface, frame: Transmit) -> None:
        for each in self.interfaces:
            is_for_it = frame.link_layer[:2] == b"\x33\x33" or frame.link_layer == each.link_layer
            if each is not sender and is_for_it:
                self._count += 1
                heapq.heappush(self._frames, (self.now + DELAY_S, self._count, each, frame.data))

    def run(self, until: float) -> None:
        """Let time pass."""
        while True:
            deadlines = [d for d in (each.next_deadline() for each in self.interfaces) if d is not None]
            frames = [self._frames[0][0]] if self._frames else []
            due = min([*deadlines, *frames], default=until)
            if due >= until:
                self.now = until
                return
            self.now = max(self.now, due)
            for each in self.interfaces:
                self.do(each, each.advance(self.now))
                after = each.next_deadline()
                assert after is None or after > self.now
            while self._frames and self._frames[0][0] <= self.now:
                _, _, receiver, content = heapq.heappop(self._frames)
                came = decode(content)
                assert isinstance(came, Packet)
                if receiver.accepts(came.destination) and isinstance(came.upper, Icmpv6):
                    self.do(receiver, receiver.receive(came, self.now))

    def of(self, sender: Interface, kind: type[Kind]) -> list[Kind]:
        """Return the effects of a kind that an interface had."""
        return [effect for who, effect in self.seen if who is sender and isinstance(effect, kind)]

    def forget(self) -> None:
        """Forget what was seen."""
        self.seen.clear()
