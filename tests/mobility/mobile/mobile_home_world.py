"""What tests of the mobile node's home side share: addresses, advertisements, a node and its acknowledgements."""

import hashlib
from collections.abc import Iterable
from typing import TypeVar

from msgspec import structs

from mipsh.mobility.effects import (
    AddressReady,
    Effect,
    Emit,
    LinkChanged,
    Protection,
    RouterAdvertised,
    Send,
    Signal,
)
from mipsh.mobility.mobile.node import MobileNode
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.trace import Trace
from mipsh.wire import ndp
from mipsh.wire.address import parse
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import EchoRequest, Icmpv6
from mipsh.wire.mobility import (
    BindingAcknowledgement,
    BindingUpdate,
    MobilityHeader,
    padded,
)
from mipsh.wire.packet import Packet, decode
from mipsh.wire.tlv import Option

INTERFACE, OTHER = "eth0", "eth1"
HOME_PREFIX = parse("2001:db8:0:1::")
HOA = parse("2001:db8:0:1::aa")
HA, HA2 = parse("2001:db8:0:1::1"), parse("2001:db8:0:1::2")
R1_PREFIX, R2_PREFIX = parse("2001:db8:0:2::"), parse("2001:db8:0:3::")
R1_GLOBAL, R2_GLOBAL = parse("2001:db8:0:2::1"), parse("2001:db8:0:3::1")
COA1, COA2 = parse("2001:db8:0:2::aa"), parse("2001:db8:0:3::aa")
R0, R1, R2 = parse("fe80::10"), parse("fe80::1"), parse("fe80::2")
CN = parse("2001:db8:0:4::1")
LINK_LOCAL = parse("fe80::aa")
MAC = bytes.fromhex("020000000001")
EVERY_FLAG = ndp.ON_LINK | ndp.AUTONOMOUS

Sought = TypeVar("Sought")


class Entropy:
    """Bytes that look random and are the same in every run of the same seed."""

    def __init__(self, seed: bytes = b"seed") -> None:
        self._seed = seed
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8)).digest(size)


def prefix_option(prefix: bytes, flags: int = EVERY_FLAG, valid_s: int = 7200, length: int = 64) -> ndp.Option:
    """Return a Prefix Information option."""
    return ndp.PrefixInformation(length, flags, valid_s, min(valid_s, 3600), prefix)


def advertisement(
    *prefixes: bytes, lifetime_s: int = 1800, flags: int = 0, options: Iterable[ndp.Option] = (), valid_s: int = 7200
) -> ndp.RouterAdvertisement:
    """Return a Router Advertisement of prefixes; one that is a whole address has the R flag."""
    information = [prefix_option(p, EVERY_FLAG | (ndp.ROUTER_ADDRESS if any(p[8:]) else 0), valid_s) for p in prefixes]
    return ndp.RouterAdvertisement(64, flags, lifetime_s, options=(*information, *options))


HOME_ADVERTISEMENT = advertisement(HOME_PREFIX)


def of(effects: Iterable[Effect] | None, kind: type[Sought]) -> list[Sought]:
    """Return the effects of a kind."""
    return [effect for effect in effects or () if isinstance(effect, kind)]


def packets(effects: Iterable[Effect] | None) -> list[Packet]:
    """Return the packets that are to be sent, as who gets them reads them."""
    read = [decode(send.packet.encode()) for send in of(effects, Send)]
    return [packet for packet in read if isinstance(packet, Packet)]


def updates(effects: Iterable[Effect] | None) -> list[tuple[Packet, BindingUpdate]]:
    """Return the Binding Updates to home agents with their packets."""
    found = []
    for packet in packets(effects):
        if isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, BindingUpdate):
            found.append((packet, packet.upper.message))
    return found


def events(effects: Iterable[Effect] | None) -> list[str]:
    """Return what is told to whoever listens."""
    return [emit.event for emit in of(effects, Emit)]


def acknowledgement(
    packet: Packet,
    update: BindingUpdate,
    status: int = 0,
    *,
    sequence: int | None = None,
    lifetime: int | None = None,
    flags: int = 0,
    options: tuple[Option, ...] = (),
) -> Packet:
    """Return the home agent's answer to a Binding Update."""
    message = BindingAcknowledgement(
        status,
        flags,
        update.sequence if sequence is None else sequence,
        update.lifetime if lifetime is None else lifetime,
        options,
    )
    home = packet.home_address_option
    headers = () if home is None else (Type2RoutingHeader(home),)
    return Packet(packet.destination, packet.source, MobilityHeader(padded(message)), headers)


def echo(source: bytes, destination: bytes) -> Packet:
    """Return an echo request."""
    return Packet(source, destination, Icmpv6(EchoRequest(1, 1, b"echo")))


class World:
    """A mobile node on its clock; ``hear`` and ``go`` say where it is, ``run`` lets time pass."""

    def __init__(
        self,
        parameters: MobileNodeParameters | None = None,
        interfaces: tuple[str, ...] = (INTERFACE,),
        trace: Trace | None = None,
    ) -> None:
        self.parameters = parameters or MobileNodeParameters((Home(HOA, home_agent=HA),))
        self.node = MobileNode(Entropy(), self.parameters, interfaces, trace)
        self.now = 1000.0

    def signal(self, *signals: Signal) -> list[Effect]:
        """Hand signals of links to the node."""
        return [effect for signal in signals for effect in self.node.signal(signal, self.now)]

    def up(self, interface: str = INTERFACE) -> list[Effect]:
        """Give an interface a link."""
        return self.signal(LinkChanged(interface, True), AddressReady(interface, LINK_LOCAL))

    def down(self, interface: str = INTERFACE) -> list[Effect]:
        """Take an interface's link."""
        return self.signal(LinkChanged(interface, False))

    def hear(self, router: bytes, message: ndp.RouterAdvertisement, interface: str = INTERFACE) -> list[Effect]:
        """Let a router be heard."""
        return self.signal(RouterAdvertised(interface, router, message))

    def go(self, prefix: bytes, router: bytes, care_of_address: bytes) -> list[Effect]:
        """Plug the node into a foreign link where an address is ready at once."""
        effects = self.up()
        effects += self.hear(router, advertisement(prefix))
        return [*effects, *self.signal(AddressReady(INTERFACE, care_of_address))]

    def go1(self) -> list[Effect]:
        """Go to the first foreign link."""
        return self.go(R1_PREFIX, R1, COA1)

    def go2(self) -> list[Effect]:
        """Go to the second foreign link."""
        return self.go(R2_PREFIX, R2, COA2)

    def go_home(self) -> list[Effect]:
        """Plug the node into the home link."""
        return [*self.up(), *self.hear(R0, HOME_ADVERTISEMENT)]

    def roam(self) -> list[Effect]:
        """Hear the router of the second foreign link, without any sign that the link is another one."""
        effects = self.hear(R2, advertisement(R2_PREFIX))
        return [*effects, *self.signal(AddressReady(INTERFACE, COA2))]

    def run(self, seconds: float) -> list[tuple[float, Effect]]:
        """Let time pass; return what happens, and after how many seconds."""
        begin, end = self.now, self.now + seconds
        happened: list[tuple[float, Effect]] = []
        while (deadline := self.node.next_deadline()) is not None and deadline <= end:
            self.now = max(deadline, self.now)
            happened += [(self.now - begin, effect) for effect in self.node.advance(self.now)]
        self.now = end
        return happened

    def wait(self, seconds: float) -> list[Effect]:
        """Let time pass; return what happens."""
        return [effect for _, effect in self.run(seconds)]

    def receive(
        self, packet: Packet, protection: Protection | None = None, *, is_tunnelled: bool = False
    ) -> list[Effect] | None:
        """Hand a packet with a Mobility Header to the node."""
        assert isinstance(packet.upper, MobilityHeader)
        return self.node.receive(packet, packet.upper, protection, is_tunnelled, self.now)

    def icmpv6(self, packet: Packet, protection: Protection | None = None) -> list[Effect] | None:
        """Hand an ICMPv6 message to the node."""
        return self.node.receive_icmpv6(packet, protection, False, self.now)

    def acknowledge(
        self,
        effects: Iterable[Effect],
        status: int = 0,
        *,
        sequence: int | None = None,
        lifetime: int | None = None,
        options: tuple[Option, ...] = (),
    ) -> list[Effect]:
        """Answer the last Binding Update among some effects."""
        packet, update = updates(effects)[-1]
        answer = acknowledgement(packet, update, status, sequence=sequence, lifetime=lifetime, options=options)
        return self.receive(answer) or []

    def send(self, packet: Packet) -> list[Effect] | None:
        """Hand a packet of the upper layers to the node."""
        return self.node.outgoing(packet, self.now)


def registered_world(parameters: MobileNodeParameters | None = None) -> World:
    """Return a node that is registered from the first foreign link."""
    world = World(parameters)
    world.acknowledge(world.go1())
    return world


def with_home(home: Home | None = None, **changes: object) -> MobileNodeParameters:
    """Return parameters with one home, otherwise than by default."""
    return structs.replace(MobileNodeParameters((home or Home(HOA, home_agent=HA),)), **changes)
