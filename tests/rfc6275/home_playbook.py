"""A home agent as a whole node, with its home link and the way to all other links, and who is there.

```
 eth0  home link 2001:db8:0:1::/64: the home agent ::1, CN0 ::c0, a mobile node that is at home
 eth1  the way to the rest: router fe80::9, behind it the care-of addresses and CN
```

A ``HomeAgentScene`` sends packets and returns what the node put on its links, each of which has
stood the test of ``problems`` and went to the right link-layer address. Neighbours answer
solicitations for themselves. Unless a scene says otherwise, all that may be protected must be:
what came "in ESP" is handed in with its security association, and goes out with one.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from msgspec import Struct, structs
from playbook import Entropy

from mipsh.mobility.effects import Effect, Protection, Purpose, Transmit
from mipsh.mobility.home.agent import HomeAgent
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising, InterfaceParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.wire.address import UNSPECIFIED, is_link_local, is_multicast, parse, solicited_node
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import (
    EchoReply,
    EchoRequest,
    HomeAgentDiscoveryReply,
    HomeAgentDiscoveryRequest,
    Icmpv6,
    MobilePrefixAdvertisement,
    MobilePrefixSolicitation,
)
from mipsh.wire.icmpv6 import Message as IcmpMessage
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    AlternateCareOfAddress,
    BindingAcknowledgement,
    BindingError,
    BindingRefreshAdvice,
    BindingUpdate,
    MobilityHeader,
    padded,
)
from mipsh.wire.mobility import Message as MobilityMessage
from mipsh.wire.ndp import OVERRIDE, SOLICITED, LinkLayer, NeighborAdvertisement, NeighborSolicitation
from mipsh.wire.packet import Packet, decode
from mipsh.wire.tlv import Option
from mipsh.wire.verify import problems

HOME_PREFIX, HA = parse("2001:db8:0:1::"), parse("2001:db8:0:1::1")
HOA, HOA2 = parse("2001:db8:0:1::aa"), parse("2001:db8:0:1::bb")
HOA_LINK_LOCAL = parse("fe80::aa")
CN0, CN0_LINK_LOCAL = parse("2001:db8:0:1::c0"), parse("fe80::c0")
COA, COA2 = parse("2001:db8:0:2::aa"), parse("2001:db8:0:3::aa")
CN = parse("2001:db8:0:4::1")
NOT_HOME = parse("2001:db8:0:5::aa")
UPLINK_ADDRESS, UPLINK_ROUTER = parse("2001:db8:0:9::1"), parse("fe80::9")
HOME_INTERFACE, UPLINK = "eth0", "eth1"
HA_MAC, UPLINK_MAC = bytes.fromhex("020000000001"), bytes.fromhex("020000000002")
ROUTER_MAC, CN0_MAC, MN_MAC = (bytes.fromhex(f"0200000000{last}") for last in ("99", "c0", "aa"))
LINK = HomeLink(HOME_INTERFACE, HA, HOME_PREFIX, preference=10)
ANYCAST = parse("2001:db8:0:1:fdff:ffff:ffff:fffe")
AH = ACKNOWLEDGE | HOME
LINK_TYPES = frozenset((130, 131, 132, 133, 134, 135, 136, 137, 143))
"""ICMPv6 types that are between neighbours: multicast listeners and neighbour discovery."""
DAD_S = 10
UNKNOWN_BINDING = 1
ND_HOP_LIMIT = 255
PING = EchoRequest(7, 1, b"ping")

Kind = TypeVar("Kind")


class Seen(Struct, frozen=True):
    """A packet that the node put on a link."""

    time: float
    interface: str
    link_layer: bytes
    packet: Packet
    protection: Protection | None

    @property
    def message(self) -> MobilityMessage | IcmpMessage | None:
        """What is in the packet, if it is a Mobility Header or ICMPv6."""
        upper = self.packet.upper
        return upper.message if isinstance(upper, MobilityHeader | Icmpv6) else None

    @property
    def is_between_neighbours(self) -> bool:
        """Whether it is the link's own business."""
        upper = self.packet.upper
        return isinstance(upper, Icmpv6) and upper.type in LINK_TYPES


@dataclass(frozen=True)
class Update:
    """A home registration; ``alt`` is the Alternate Care-of Address, the source unless it is said to be none."""

    s: int = 15
    lifetime: int = 105
    flags: int = AH
    source: bytes = COA
    hao: bytes | None = HOA
    alt: bytes | None = None
    with_alt: bool = True
    options: Sequence[Option] = ()
    reserved: int = 0
    in_esp: bool = True
    local: bytes = HA

    @property
    def home(self) -> bytes:
        """The home address to bind."""
        return self.source if self.hao is None else self.hao

    @property
    def protection(self) -> Protection | None:
        """The association that the packet comes by."""
        return Protection(Purpose.REGISTRATION, self.home) if self.in_esp else None

    def header(self) -> MobilityHeader:
        """Return the Mobility Header."""
        alternate = (AlternateCareOfAddress(self.alt or self.source),) if self.with_alt else ()
        message = padded(BindingUpdate(self.s, self.flags, self.lifetime, (*alternate, *self.options)))
        return MobilityHeader(message, reserved=self.reserved)

    def packet(self) -> Packet:
        """Return the packet."""
        return self.around(self.header())

    def around(self, header: MobilityHeader) -> Packet:
        """Return the packet around another Mobility Header."""
        headers = () if self.hao is None else (carrying(HomeAddress(self.hao)),)
        return Packet(self.source, self.local, header, headers)


def echo(source: bytes, destination: bytes = HA, hao: bytes | None = None, hop_limit: int = 64) -> Packet:
    """Return an Echo Request: E, and with ``hao`` E-HAO."""
    headers = () if hao is None else (carrying(HomeAddress(hao)),)
    return Packet(source, destination, Icmpv6(PING), headers, hop_limit=hop_limit)


def solicitation(target: bytes, source: bytes, to: bytes | None = None, with_address: bool = True) -> Packet:
    """Return a Neighbour Solicitation: multicast unless it goes ``to`` somebody; from :: it is for DAD."""
    options = (LinkLayer(1, CN0_MAC),) if with_address and source != UNSPECIFIED else ()
    destination = solicited_node(target) if to is None else to
    return Packet(source, destination, Icmpv6(NeighborSolicitation(target, options)), hop_limit=ND_HOP_LIMIT)


STRICT = HomeAgentParameters((LINK,), required=frozenset(Purpose))
"""All that may be protected must be."""
OPEN = HomeAgentParameters((LINK,))
VIRTUAL = structs.replace(STRICT, detects_duplicates=False)
"""A home link on which nobody is (VHL): there is nothing to be detected on it."""


@dataclass
class HomeAgentScene:
    """The home agent at a time; ``neighbours`` are those who answer on a link, with their link-layer addresses."""

    parameters: HomeAgentParameters = STRICT
    now: float = 1000.0
    neighbours: dict[tuple[str, bytes], bytes] = field(default_factory=dict)
    log: list[Seen] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Start the node, and put it on its links."""
        entropy = Entropy(b"home agent")
        router = InterfaceParameters(accepts_advertisements=False)
        links = [Interface(*link, entropy, router) for link in ((HOME_INTERFACE, HA_MAC), (UPLINK, UPLINK_MAC))]
        self.node = Node("ha", links, entropy, NodeParameters(home_agent=self.parameters, is_router=True))
        self.neighbours[UPLINK, UPLINK_ROUTER] = ROUTER_MAC
        self.neighbours[HOME_INTERFACE, CN0] = self.neighbours[HOME_INTERFACE, CN0_LINK_LOCAL] = CN0_MAC
        self._take(self.node.start(self.now))
        for name in (HOME_INTERFACE, UPLINK):
            self._take(self.node.set_link(name, True, self.now))
        for link in self.parameters.links:
            self._take(self.node.add_address(link.interface, link.address, link.length, self.now, detect=False))
        self._take(self.node.add_address(UPLINK, UPLINK_ADDRESS, 64, self.now, detect=False))
        self.node.routing.add(UNSPECIFIED, 0, UPLINK, UPLINK_ROUTER)
        self.wait(5)

    @property
    def home_agent(self) -> HomeAgent:
        """The role in the node."""
        role = self.node.roles.home_agent
        assert role is not None
        return role

    @property
    def link_local(self) -> bytes:
        """The home agent's link-local address on the home link."""
        return self.node.interfaces[HOME_INTERFACE].link_local

    def advertise(self) -> None:
        """Let the home agent advertise itself and its prefixes on the home link."""
        prefixes = tuple(
            AdvertisedPrefix(link.prefix, link.length, link.valid_s, link.preferred_s, router_address=link.address)
            for link in self.parameters.links
        )
        advertising = Advertising(prefixes, is_home_agent=True, preference=self.parameters.links[0].preference)
        self._take(self.node.advertise(HOME_INTERFACE, advertising, self.now))

    def change_prefixes(self, *links: HomeLink) -> list[Seen]:
        """Let the home link have other prefixes, and return what is sent of it at once."""
        mark = len(self.log)
        self._take(self.node.set_home_prefixes(links, self.now))
        return self.since(mark)

    def come_home(self) -> None:
        """Let the mobile node be on the home link: it answers for its home address there."""
        self.neighbours[HOME_INTERFACE, HOA] = MN_MAC

    # What happens.

    def wait(self, seconds: float) -> list[Seen]:
        """Let time pass, and do what becomes due, each at its time; return what was sent to others than neighbours."""
        mark, end = len(self.log), self.now + seconds
        while (deadline := self.node.next_deadline()) is not None and deadline <= end:
            self.now = max(self.now, deadline)
            self._take(self.node.advance(self.now))
        self.now = end
        return self.since(mark)

    def send(self, packet: Packet, protection: Protection | None = None) -> list[Seen]:
        """Send a packet to or through the node, and return what comes at once."""
        return self.send_bytes(packet.encode(), protection)

    def send_bytes(self, data: bytes, protection: Protection | None = None) -> list[Seen]:
        """Send bytes, on the link where their source is."""
        mark = len(self.log)
        source = data[8:24]
        is_at_home = source[:8] == HOME_PREFIX[:8] or is_link_local(source) or source == UNSPECIFIED
        self._take(self.node.receive(data, HOME_INTERFACE if is_at_home else UPLINK, self.now, protection))
        return self.since(mark)

    def since(self, mark: int) -> list[Seen]:
        """Return what was put on the links from an entry of the log on, but for what is between neighbours."""
        return [seen for seen in self.log[mark:] if not seen.is_between_neighbours]

    def on_link(self, packet: Packet) -> list[Seen]:
        """Send a packet on the home link, and return what neighbours hear at once."""
        mark = len(self.log)
        self._take(self.node.receive(packet.encode(), HOME_INTERFACE, self.now))
        return self.log[mark:]

    def answer(self, packet: Packet, protection: Protection | None = None) -> Seen:
        """Send a packet and return the one that comes back at once."""
        sent = self.send(packet, protection)
        assert len(sent) == 1, sent
        return sent[0]

    def silence(self, packet: Packet, protection: Protection | None = None) -> None:
        """Send a packet, to which nothing may come back within 2 seconds, nor be handed to anybody."""
        handed = len(self.effects)
        assert self.send(packet, protection) == []
        assert self.wait(2) == []
        assert self.effects[handed:] == []

    def _take(self, effects: Sequence[Effect]) -> None:
        """Look at what the node did, and let neighbours answer."""
        for effect in effects:
            if not isinstance(effect, Transmit):
                self.effects.append(effect)
                continue
            seen = self._seen(effect)
            self.log.append(seen)
            if isinstance(seen.message, NeighborSolicitation):
                self._resolve(seen, seen.message)

    def _seen(self, effect: Transmit) -> Seen:
        packet = decode(effect.data)
        assert isinstance(packet, Packet)
        assert problems(packet) == ()
        if is_multicast(packet.destination):
            assert effect.link_layer == b"\x33\x33" + packet.destination[12:]
        elif not is_link_local(packet.destination):
            expected = self.neighbours.get((effect.interface, packet.destination), ROUTER_MAC)
            assert effect.link_layer == expected, (effect.link_layer, packet)
        return Seen(self.now, effect.interface, effect.link_layer, packet, effect.protection)

    def _resolve(self, seen: Seen, asked: NeighborSolicitation) -> None:
        """Let a neighbour answer for itself; duplicate address detection is no question to anybody."""
        answers = self.neighbours.get((seen.interface, asked.target))
        if answers is None or seen.packet.source == UNSPECIFIED:
            return
        told = NeighborAdvertisement(asked.target, SOLICITED | OVERRIDE, (LinkLayer(2, answers),))
        packet = Packet(asked.target, seen.packet.source, Icmpv6(told), hop_limit=ND_HOP_LIMIT)
        self._take(self.node.receive(packet.encode(), seen.interface, self.now))

    # The words of the cases.

    def acknowledged(self, update: Update, *statuses: int, s: int | None = None, packet: Packet | None = None) -> Seen:
        """Send a Binding Update, and see it acknowledged, K0, to its source by the same association."""
        sent = self.send(packet or update.packet(), update.protection)
        sent += [] if sent else self.wait(DAD_S)
        assert len(sent) == 1, sent
        (seen,) = sent
        assert (seen.packet.source, seen.packet.destination) == (update.local, update.source)
        expected = () if update.source == update.home else (Type2RoutingHeader(update.home),)
        assert seen.packet.headers == expected
        at_home = update.source == update.home and update.home[:8] == HOME_PREFIX[:8]
        assert seen.interface == (HOME_INTERFACE if at_home else UPLINK)
        assert seen.protection == update.protection
        message = said(seen, BindingAcknowledgement)
        assert message.status in statuses
        assert (message.sequence, message.flags & 0x80) == (update.s if s is None else s, 0)
        return seen

    def accepted(self, update: Update) -> BindingAcknowledgement:
        """Send a registration, and see it granted for no longer than asked for."""
        message = said(self.acknowledged(update, 0, 1), BindingAcknowledgement)
        assert 0 < message.lifetime <= update.lifetime
        assert all(advice <= message.lifetime for advice in advised(message))
        return message

    def deregistered(self, update: Update) -> Seen:
        """Send a deregistration, and see it accepted."""
        seen = self.acknowledged(update, 0)
        message = said(seen, BindingAcknowledgement)
        assert (message.lifetime, advised(message)) == (0, [])
        return seen

    def rejected(self, update: Update, *statuses: int, s: int | None = None) -> BindingAcknowledgement:
        """Send a Binding Update, and see it rejected."""
        message = said(self.acknowledged(update, *statuses, s=s), BindingAcknowledgement)
        assert advised(message) == []
        return message

    def hreg(self, s: int = 15, care_of: bytes = COA, flags: int = AH, lifetime: int = 105) -> Update:
        """HREG: bind, and see that packets go by the binding."""
        update = Update(s, lifetime, flags, care_of)
        self.accepted(update)
        self.chk_plus(care_of)
        return update

    def chk_plus(self, care_of: bytes = COA, home: bytes = HOA) -> None:
        """CHK+: an Echo Request by way of the care-of address is answered there, through a routing header."""
        seen = self.answer(echo(care_of, HA, home))
        assert (seen.packet.source, seen.packet.destination) == (HA, care_of)
        assert seen.packet.headers == (Type2RoutingHeader(home),)
        assert seen.message == EchoReply(7, 1, b"ping")

    def chk0(self, care_of: bytes = COA, home: bytes = HOA) -> None:
        """CHK0: an Echo Request by way of the care-of address meets no binding."""
        self.binding_error(echo(care_of, HA, home), UNKNOWN_BINDING, home)

    def binding_error(
        self, packet: Packet, status: int, home: bytes = UNSPECIFIED, protection: Protection | None = None
    ) -> None:
        """Send a packet to which a Binding Error comes back, directly to its source (section 9.3.3)."""
        self.wait(1)
        seen = self.answer(packet, protection)
        assert (seen.packet.source, seen.packet.destination, seen.packet.headers) == (HA, packet.source, ())
        assert seen.message == BindingError(status, home)

    def tunnelled(
        self, packet: Packet, care_of: bytes = COA, purpose: Purpose = Purpose.PAYLOAD, home: bytes = HOA
    ) -> Packet:
        """Send a packet that comes out in a tunnel to the care-of address; return the packet in it."""
        seen = self.answer(packet)
        outer = seen.packet
        assert (outer.source, outer.destination, outer.headers, seen.interface) == (HA, care_of, (), UPLINK)
        assert seen.protection == self.parameters.protection(purpose, home)
        assert isinstance(outer.upper, Packet)
        return outer.upper

    def reverse(
        self, inner: Packet, care_of: bytes = COA, purpose: Purpose | None = Purpose.PAYLOAD, home: bytes = HOA
    ) -> list[Seen]:
        """Send a packet through the reverse tunnel; return what comes out of it."""
        protection = None if purpose is None else Protection(purpose, home)
        return self.send(Packet(care_of, HA, inner), protection)

    def discovered(self, flags: int = 0, to: bytes = ANYCAST, identifier: int = 0x1234) -> HomeAgentDiscoveryReply:
        """Ask for the home agents of the home link, and return the reply, which comes from a unicast address."""
        request = HomeAgentDiscoveryRequest(identifier, flags)
        seen = self.answer(Packet(COA, to, Icmpv6(request)))
        assert (seen.packet.destination, seen.packet.headers, seen.interface) == (COA, (), UPLINK)
        assert self.node.owns(seen.packet.source)
        message = said(seen, HomeAgentDiscoveryReply)
        assert message.identifier == identifier
        self.wait(1)
        return message

    def prefixes(self, identifier: int = 0x4321, reserved: int = 0) -> MobilePrefixAdvertisement:
        """Solicit the prefixes of the home link from the care-of address, and return the advertisement."""
        protection = Protection(Purpose.PREFIX_DISCOVERY, HOA)
        seen = self.answer(solicit_prefixes(identifier, reserved), protection)
        return advertisement(seen, self.parameters.protection(Purpose.PREFIX_DISCOVERY, HOA))


def solicit_prefixes(identifier: int = 0x4321, reserved: int = 0) -> Packet:
    """Return a Mobile Prefix Solicitation from the care-of address."""
    message = Icmpv6(MobilePrefixSolicitation(identifier, reserved))
    return Packet(COA, HA, message, (carrying(HomeAddress(HOA)),))


def advertisement(seen: Seen, protection: Protection | None) -> MobilePrefixAdvertisement:
    """Return the Mobile Prefix Advertisement in a packet to the mobile node (section 10.6.3)."""
    assert (seen.packet.source, seen.packet.destination) == (HA, COA)
    assert seen.packet.headers == (Type2RoutingHeader(HOA),)
    assert seen.protection == protection
    return said(seen, MobilePrefixAdvertisement)


def said(seen: Seen, kind: type[Kind]) -> Kind:
    """Return the message of a packet, which is of a kind."""
    assert isinstance(seen.message, kind), seen
    return seen.message


def advised(message: BindingAcknowledgement) -> list[int]:
    """Return what Binding Refresh Advice an acknowledgement has."""
    return [option.interval for option in message.options if isinstance(option, BindingRefreshAdvice)]
