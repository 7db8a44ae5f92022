"""A mobile node on a clock of its own, and around it what a tester plays: routers, home agent, correspondents.

A ``MobileScene`` hands the node frames and keeps all that it sends, with times; each packet has stood
the test of ``problems``. What the tester would answer by itself is in ``answering``: take a thing out
of it to let the node wait in vain, and put a function into ``instead`` to answer otherwise. The link
that the node is on is a router's; ``plug`` moves the cable, ``appear`` lets a router be heard on the
link where the node is already.
"""

from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import TypeVar

from playbook import Entropy

from mipsh.mobility.effects import Deliver, Effect, Protection, Transmit
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.node import Node
from mipsh.mobility.paths import in_tunnel
from mipsh.mobility.roles import NodeParameters
from mipsh.wire import address as addresses
from mipsh.wire import icmpv6, ndp
from mipsh.wire.address import parse
from mipsh.wire.authenticator import authorize, binding_management_key, is_authentic
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    Message,
    MobilityHeader,
    padded,
)
from mipsh.wire.packet import Packet, decode
from mipsh.wire.verify import problems

HOME_PREFIX = parse("2001:db8:0:1::")
HA, HA1 = parse("2001:db8:0:1::1"), parse("2001:db8:0:1::2")
HOA = parse("2001:db8:0:1::aa")
CN, CN1 = parse("2001:db8:0:4::1"), parse("2001:db8:0:4::2")
MAC = bytes.fromhex("0200000000aa")
IID = addresses.interface_identifier(MAC)
LINK_LOCAL = parse("fe80::")[:8] + IID
INTERFACE = "eth0"
ND_HOP_LIMIT = 255
UNIT = 4
"""Seconds of a unit of a lifetime."""
HOME_TOKEN, CARE_OF_TOKEN = b"hometokn", b"careoftk"
HOME_INDEX, CARE_OF_INDEX = 21, 22
A_SECOND = 1.0

Sent = TypeVar("Sent", bound=Message)
Icmp = TypeVar("Icmp", bound=icmpv6.Message)


@dataclass(frozen=True)
class Router:
    """A router, the link that it advertises, and what it says of it."""

    number: int
    flags: int = 0
    lifetime_s: int = 1800
    valid_s: int = 3600
    has_router_address: bool = True
    link_local: bytes = b""

    @property
    def mac(self) -> bytes:
        """Its link-layer address."""
        return bytes((2, 0, 0, 0, 0xEE, self.number))

    @property
    def local(self) -> bytes:
        """Its link-local address."""
        return self.link_local or parse(f"fe80::ee:{self.number:x}")

    @property
    def prefix(self) -> bytes:
        """The prefix of its link."""
        return parse(f"2001:db8:0:{self.number:x}::")

    @property
    def address(self) -> bytes:
        """Its global address."""
        return self.prefix[:15] + b"\x01"

    @property
    def care_of_address(self) -> bytes:
        """The address that the mobile node forms on its link."""
        return self.prefix[:8] + IID

    def advertisement(self) -> Packet:
        """Return its Router Advertisement."""
        flags = ndp.ON_LINK | ndp.AUTONOMOUS | (ndp.ROUTER_ADDRESS if self.has_router_address else 0)
        told = self.address if self.has_router_address else self.prefix
        prefix = ndp.PrefixInformation(64, flags, self.valid_s, self.valid_s, told)
        options = (ndp.LinkLayer(1, self.mac), prefix)
        message = ndp.RouterAdvertisement(64, self.flags, self.lifetime_s, options=options)
        return Packet(self.local, addresses.ALL_NODES, Icmpv6(message), hop_limit=ND_HOP_LIMIT)


R0, R1, R2 = Router(1, ndp.HOME_AGENT), Router(2), Router(3)
"""The router of the home link, which is the home agent, and those of two foreign links."""
COA1, COA2 = R1.care_of_address, R2.care_of_address


class Answer(Enum):
    """What the tester answers by itself."""

    SOLICITED_ADVERTISEMENT = auto()
    NEIGHBOUR = auto()
    DEFENCE = auto()
    HOME_REGISTRATION = auto()
    HOME_TEST = auto()
    CARE_OF_TEST = auto()
    CORRESPONDENT_REGISTRATION = auto()
    DISCOVERY = auto()
    PREFIXES = auto()


@dataclass(frozen=True)
class Seen:
    """A packet that the mobile node sent: when, on which frame, and the packet in the tunnel if it was in one."""

    time: float
    packet: Packet
    protection: Protection | None
    link_layer: bytes

    @property
    def inner(self) -> Packet:
        """The packet itself, taken out of the tunnel."""
        return self.packet.upper if isinstance(self.packet.upper, Packet) else self.packet

    @property
    def is_tunnelled(self) -> bool:
        """Whether it went through the tunnel."""
        return isinstance(self.packet.upper, Packet)


Instead = Callable[[Seen], Iterable[Packet]]


PARAMETERS = MobileNodeParameters((Home(HOA, home_agent=HA),), home_lifetime_s=420.0)
"""A mobile node that knows its home agent; tests replace what they want otherwise."""


@dataclass
class MobileScene:
    """The mobile node, the link that it is on, and the time.

    ``lifetime`` is what the home agent grants, in units of 4 seconds; ``status`` and
    ``correspondent_status`` are what acknowledgements say.
    """

    parameters: MobileNodeParameters = PARAMETERS
    link: InterfaceParameters = field(default_factory=InterfaceParameters)
    seed: bytes = b"seed"
    now: float = 1000.0
    lifetime: int = 105
    status: int = 0
    correspondent_status: int = 0

    def __post_init__(self) -> None:
        """Start the node, which has no link yet."""
        entropy = Entropy(self.seed)
        interface = Interface(INTERFACE, MAC, entropy, self.link)
        self.node = Node("mn", [interface], entropy, NodeParameters(mobile_node=self.parameters))
        self.answering = set(Answer)
        self.instead: dict[Answer, Instead] = {}
        self.routers: list[Router] = []
        self.unreachable: set[Router] = set()
        self.home_is_bound = False
        self.log: list[Seen] = []
        self.delivered: list[Packet] = []
        self.others: list[Effect] = []
        self._waiting: deque[tuple[Packet, Protection | None]] = deque()
        self._take(self.node.start(self.now))

    # Where the node is, and time.

    def plug(self, *routers: Router) -> None:
        """Take the node's cable to another link, or to none."""
        self.routers = list(routers)
        self._take(self.node.set_link(INTERFACE, False, self.now))
        if routers:
            self._take(self.node.set_link(INTERFACE, True, self.now))
        self._answer()

    def appear(self, router: Router) -> None:
        """Let a router be heard on the link where the node is, without any event of the link."""
        if router not in self.routers:
            self.routers.append(router)
        self.deliver(router.advertisement())

    def disappear(self, router: Router) -> None:
        """Let a router be heard no more, and answer no more."""
        self.routers.remove(router)

    def wait(self, seconds: float) -> list[Seen]:
        """Let time pass, and do what becomes due, each at its time; return what was sent."""
        mark, end = len(self.log), self.now + seconds
        while (deadline := self.node.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self._take(self.node.advance(self.now))
            self._answer()
        self.now = end
        return self.log[mark:]

    # Packets to the node.

    def deliver(self, packet: Packet, protection: Protection | None = None) -> list[Seen]:
        """Hand the node a packet; return what it sent, answers to what it sent included."""
        mark = len(self.log)
        self._waiting.append((packet, protection))
        self._answer()
        return self.log[mark:]

    def deliver_bytes(self, data: bytes, protection: Protection | None = None) -> list[Seen]:
        """Hand the node bytes as they are."""
        mark = len(self.log)
        self._take(self.node.receive(data, INTERFACE, self.now, protection))
        self._answer()
        return self.log[mark:]

    def say(self, packet: Packet) -> list[Seen]:
        """Let the node's upper layers send a packet; return what it sent."""
        mark = len(self.log)
        self._take(self.node.send(packet, self.now))
        self._answer()
        return self.log[mark:]

    def send(self, packet: Packet) -> list[Seen]:
        """Let the node's upper layers send a packet; return what the node sent."""
        mark = len(self.log)
        self._take(self.node.send(packet, self.now))
        self._answer()
        return self.log[mark:]

    def tunnelled(self, inner: Packet, care_of_address: bytes | None = None) -> list[Seen]:
        """Hand the node a packet through its tunnel."""
        return self.deliver(in_tunnel(inner.encode(), HA, care_of_address or self.care_of_address))

    @property
    def care_of_address(self) -> bytes:
        """The care-of address that the node forms on the link where it is."""
        return self.routers[-1].care_of_address

    # What the node sent.

    def said(self, kind: type[Sent], since: float = 0.0) -> list[tuple[Seen, Sent]]:
        """Return the Mobility Header messages of a kind that the node sent, in a tunnel or not."""
        found: list[tuple[Seen, Sent]] = []
        for seen in self.log:
            upper = seen.inner.upper
            if isinstance(upper, MobilityHeader) and isinstance(upper.message, kind) and seen.time >= since:
                found.append((seen, upper.message))
        return found

    def icmp(self, kind: type[Icmp], since: float = 0.0) -> list[tuple[Seen, Icmp]]:
        """Return the ICMPv6 messages of a kind that the node sent, in a tunnel or not."""
        found: list[tuple[Seen, Icmp]] = []
        for seen in self.log:
            upper = seen.inner.upper
            if isinstance(upper, Icmpv6) and isinstance(upper.message, kind) and seen.time >= since:
                found.append((seen, upper.message))
        return found

    def updates(self, to: bytes = HA, since: float = 0.0) -> list[tuple[Seen, BindingUpdate]]:
        """Return the Binding Updates that the node sent to a peer."""
        return [(seen, message) for seen, message in self.said(BindingUpdate, since) if seen.inner.destination == to]

    # Set-ups: the words of the cases.

    def register(self, router: Router = R1) -> None:
        """HREG: the node comes to a foreign link, and its home agent accepts its binding."""
        self.plug(router)
        self.wait(5 * A_SECOND)
        assert self.home_is_bound
        assert self.is_registered

    @property
    def is_registered(self) -> bool:
        """Whether an Echo Request by way of the care-of address is answered there (E-RH2).

        The home agent asks: an answer to a correspondent would start return routability with it.
        """
        return bool(self.echo_by_routing_header(HA))

    def optimise(self, peer: bytes = CN) -> None:
        """ROK: a tunnelled Echo Request, return routability, a Binding Update; then replies use HAO."""
        self.tunnelled(echo(peer))
        self.wait(A_SECOND)
        assert self.is_optimised(peer)

    def is_optimised(self, peer: bytes = CN) -> bool:
        """Tell whether the node's replies to a peer go straight from its care-of address."""
        (reply,) = self.echo_by_routing_header(peer)
        return not reply.is_tunnelled and reply.packet.home_address_option == HOA

    def echo_by_routing_header(self, peer: bytes = CN, care_of_address: bytes | None = None) -> list[Seen]:
        """E-RH2: send an Echo Request to the care-of address, and return the replies."""
        packet = Packet(peer, care_of_address or self.care_of_address, echo(peer).upper, (Type2RoutingHeader(HOA),))
        return replies(self.deliver(packet))

    # What the tester answers.

    def _take(self, effects: Iterable[Effect]) -> None:
        for effect in effects:
            if isinstance(effect, Transmit):
                read = decode(effect.data)
                assert isinstance(read, Packet)
                assert problems(read) == ()
                self.log.append(Seen(self.now, read, effect.protection, effect.link_layer))
                self._react(self.log[-1])
            elif isinstance(effect, Deliver):
                self.delivered.append(effect.packet)
            else:
                self.others.append(effect)

    def _answer(self) -> None:
        """Hand the node all that waits for it."""
        while self._waiting:
            packet, protection = self._waiting.popleft()
            self._take(self.node.receive(packet.encode(), INTERFACE, self.now, protection))

    def _react(self, seen: Seen) -> None:
        """Put in line what answers a packet."""
        upper = seen.inner.upper
        if not isinstance(upper, Icmpv6 | MobilityHeader):
            return
        for answer, kind, make in REACTIONS:
            if answer in self.answering and isinstance(upper.message, kind):
                made = self.instead[answer](seen) if answer in self.instead else make(self, seen)
                self._waiting.extend((packet, seen.protection) for packet in made)


def echo(peer: bytes = CN, destination: bytes = HOA, data: bytes = b"ping") -> Packet:
    """Return an Echo Request: E."""
    return Packet(peer, destination, Icmpv6(EchoRequest(7, 1, data)))


def replies(seen: Iterable[Seen]) -> list[Seen]:
    """Return the Echo Replies among some packets."""
    return [
        one for one in seen if isinstance(one.inner.upper, Icmpv6) and isinstance(one.inner.upper.message, EchoReply)
    ]


def acknowledgement(
    seen: Seen, status: int = 0, lifetime: int | None = None, sequence: int | None = None, flags: int = 0
) -> BindingAcknowledgement:
    """Return the Binding Acknowledgement that fits a Binding Update."""
    update = message_of(seen, BindingUpdate)
    granted = update.lifetime if lifetime is None else min(lifetime, update.lifetime)
    granted = 0 if status >= 128 else granted
    return padded(BindingAcknowledgement(status, flags, update.sequence if sequence is None else sequence, granted))


def from_home_agent(seen: Seen, message: BindingAcknowledgement, source: bytes = HA) -> Packet:
    """Return an acknowledgement as it goes back to where its Binding Update came from."""
    home = seen.packet.home_address_option
    routing = () if home is None or home == seen.packet.source else (Type2RoutingHeader(home),)
    return Packet(source, seen.packet.source, MobilityHeader(message), routing)


def from_correspondent(seen: Seen, message: BindingAcknowledgement, key: bytes | None = None) -> Packet:
    """Return a correspondent's acknowledgement, authenticated with the tokens that the tester gives."""
    inner = seen.inner
    care_of, home = inner.source, inner.covered_source
    proven = authorize(message, key or kbm(seen), care_of, inner.destination)
    routing = () if care_of == home else (Type2RoutingHeader(home),)
    reply = Packet(inner.destination, care_of, MobilityHeader(proven), routing)
    return in_tunnel(reply.encode(), HA, seen.packet.source) if seen.is_tunnelled else reply


def kbm(seen: Seen) -> bytes:
    """Return the key of a Binding Update to a correspondent: of one token where it deletes a binding."""
    is_deletion = message_of(seen, BindingUpdate).lifetime == 0
    return binding_management_key(HOME_TOKEN, b"" if is_deletion else CARE_OF_TOKEN)


def is_authorized(seen: Seen) -> bool:
    """Tell whether a Binding Update to a correspondent is authenticated with the tester's tokens."""
    header = seen.inner.upper
    assert isinstance(header, MobilityHeader)
    return is_authentic(header, kbm(seen), seen.inner.source, seen.inner.destination)


def message_of(seen: Seen, kind: type[Sent]) -> Sent:
    """Return the Mobility Header message of a packet."""
    assert isinstance(seen.inner.upper, MobilityHeader)
    message = seen.inner.upper.message
    assert isinstance(message, kind)
    return message


def home_test(seen: Seen, index: int = HOME_INDEX, cookie: bytes | None = None, source: bytes | None = None) -> Packet:
    """Return the Home Test that answers a Home Test Init, by the way that came."""
    init = message_of(seen, HomeTestInit)
    test = HomeTest(index, cookie or init.cookie, HOME_TOKEN)
    reply = Packet(source or seen.inner.destination, seen.inner.source, MobilityHeader(test))
    return in_tunnel(reply.encode(), HA, seen.packet.source) if seen.is_tunnelled else reply


def care_of_test(
    seen: Seen, index: int = CARE_OF_INDEX, cookie: bytes | None = None, source: bytes | None = None
) -> Packet:
    """Return the Care-of Test that answers a Care-of Test Init."""
    init = message_of(seen, CareOfTestInit)
    test = CareOfTest(index, cookie or init.cookie, CARE_OF_TOKEN)
    return Packet(source or seen.inner.destination, seen.inner.source, MobilityHeader(test))


def advertised(router: Router, target: bytes, destination: bytes, flags: int) -> Packet:
    """Return a router's Neighbour Advertisement."""
    message = ndp.NeighborAdvertisement(target, flags, (ndp.LinkLayer(2, router.mac),))
    return Packet(router.local, destination, Icmpv6(message), hop_limit=ND_HOP_LIMIT)


def _on_router_solicitation(scene: MobileScene, seen: Seen) -> Iterable[Packet]:
    return [router.advertisement() for router in scene.routers if router not in scene.unreachable]


def _on_neighbour_solicitation(scene: MobileScene, seen: Seen) -> Iterable[Packet]:
    upper = seen.packet.upper
    assert isinstance(upper, Icmpv6)
    assert isinstance(upper.message, ndp.NeighborSolicitation)
    target = upper.message.target
    if seen.packet.source == addresses.UNSPECIFIED:
        return []
    return [
        advertised(router, target, seen.packet.source, ndp.ROUTER | ndp.SOLICITED | ndp.OVERRIDE)
        for router in scene.routers
        if target in (router.local, router.address, *_anycast(router)) and router not in scene.unreachable
    ]


def _anycast(router: Router) -> tuple[bytes, ...]:
    """Return the address of all home agents, where the router is on the home link with them."""
    return (addresses.home_agents_anycast(HOME_PREFIX),) if router.prefix == HOME_PREFIX else ()


def _on_question_who_defends(scene: MobileScene, seen: Seen) -> Iterable[Packet]:
    """Answer as the home agent that defends the home address on the home link (RFC 6275 section 10.4.1)."""
    upper = seen.packet.upper
    assert isinstance(upper, Icmpv6)
    assert isinstance(upper.message, ndp.NeighborSolicitation)
    is_asked = seen.packet.source == addresses.UNSPECIFIED and upper.message.target == HOA
    if is_asked and scene.home_is_bound and R0 in scene.routers:
        return [advertised(R0, HOA, addresses.ALL_NODES, 0)]
    return []


def _on_update(scene: MobileScene, seen: Seen) -> Iterable[Packet]:
    update = message_of(seen, BindingUpdate)
    if not update.flags & HOME:
        return []
    if scene.status < 128:
        scene.home_is_bound = update.lifetime > 0
    message = acknowledgement(seen, scene.status, scene.lifetime)
    return [from_home_agent(seen, message, seen.packet.destination)]


def _on_correspondent_update(scene: MobileScene, seen: Seen) -> Iterable[Packet]:
    update = message_of(seen, BindingUpdate)
    if update.flags & HOME or not update.flags & ACKNOWLEDGE:
        return []
    return [from_correspondent(seen, acknowledgement(seen, scene.correspondent_status))]


def _on_discovery(scene: MobileScene, seen: Seen) -> Iterable[Packet]:
    upper = seen.packet.upper
    assert isinstance(upper, Icmpv6)
    assert isinstance(upper.message, icmpv6.HomeAgentDiscoveryRequest)
    reply = icmpv6.HomeAgentDiscoveryReply(upper.message.identifier, (HA,))
    return [Packet(HA, seen.packet.source, Icmpv6(reply))]


def _on_prefix_solicitation(scene: MobileScene, seen: Seen) -> Iterable[Packet]:
    upper = seen.packet.upper
    assert isinstance(upper, Icmpv6)
    assert isinstance(upper.message, icmpv6.MobilePrefixSolicitation)
    return [prefixes(upper.message.identifier, seen.packet.source)]


def prefixes(identifier: int, care_of_address: bytes, valid_s: int = 86_400, source: bytes = HA) -> Packet:
    """Return a Mobile Prefix Advertisement of the home prefix (RFC 6275 section 6.8)."""
    flags = ndp.ON_LINK | ndp.AUTONOMOUS | ndp.ROUTER_ADDRESS
    prefix = ndp.PrefixInformation(64, flags, valid_s, valid_s, HA)
    message = icmpv6.MobilePrefixAdvertisement(identifier, 0, (prefix,))
    return Packet(source, care_of_address, Icmpv6(message), (Type2RoutingHeader(HOA),))


REACTIONS: tuple[
    tuple[Answer, type[Message] | type[icmpv6.Message], Callable[[MobileScene, Seen], Iterable[Packet]]], ...
] = (
    (Answer.SOLICITED_ADVERTISEMENT, ndp.RouterSolicitation, _on_router_solicitation),
    (Answer.NEIGHBOUR, ndp.NeighborSolicitation, _on_neighbour_solicitation),
    (Answer.DEFENCE, ndp.NeighborSolicitation, _on_question_who_defends),
    (Answer.HOME_REGISTRATION, BindingUpdate, _on_update),
    (Answer.CORRESPONDENT_REGISTRATION, BindingUpdate, _on_correspondent_update),
    (Answer.HOME_TEST, HomeTestInit, lambda scene, seen: [home_test(seen)]),
    (Answer.CARE_OF_TEST, CareOfTestInit, lambda scene, seen: [care_of_test(seen)]),
    (Answer.DISCOVERY, icmpv6.HomeAgentDiscoveryRequest, _on_discovery),
    (Answer.PREFIXES, icmpv6.MobilePrefixSolicitation, _on_prefix_solicitation),
)
