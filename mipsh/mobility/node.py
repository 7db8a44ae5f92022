"""A whole IPv6 node with Mobile IPv6, without input or output: frames and time in, frames and effects out.

The node decides whose a packet is: its own, one that its home agent intercepts, or one to be
forwarded. Its parts answer with effects, and the node settles these: requests go to its links,
signals to its roles, and the rest is returned.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeGuard, get_args

from msgspec import structs

from mipsh.mobility.effects import (
    AddressAdded,
    AddressRemoved,
    Effect,
    Protection,
    Request,
    Send,
    Signal,
    Transmit,
    Undeliverable,
)
from mipsh.mobility.forwarding import Forwarding
from mipsh.mobility.fragmentation import fragments
from mipsh.mobility.home.administration import BindingOrder
from mipsh.mobility.home.agent import HomeAgent
from mipsh.mobility.home.parameters import HomeLink
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import Advertising
from mipsh.mobility.icmp_errors import ErrorLimits
from mipsh.mobility.input import Input
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.path_mtu import PathMtu
from mipsh.mobility.paths import ROUTING_HEADER_SIZE, is_neighbour_discovery
from mipsh.mobility.roles import Arrival, NodeParameters, Roles
from mipsh.mobility.routing import Hop, Routing
from mipsh.mobility.status import AckStatus
from mipsh.mobility.timers import earliest
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.icmpv6 import PacketTooBig
from mipsh.wire.packet import HEADER_SIZE, IPV6, Packet, Payload, decode

IDENTIFICATION_SIZE = 4
VERSION = 6
INNER = frozenset(get_args(Request | Signal))
"""The effects that are settled here."""


class Node:
    """A node with its links and roles; ``entropy`` is where its secrets come from.

    ``receive``, ``send``, ``advance`` and ``set_link`` return effects for the world, in order. A mobile
    node moves with the interfaces that accept Router Advertisements.
    """

    def __init__(
        self,
        name: str,
        interfaces: Iterable[Interface],
        entropy: Entropy,
        parameters: NodeParameters | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.name = name
        self.parameters = parameters or NodeParameters()
        self.trace = trace or Trace(name)
        self.interfaces = {link.name: link for link in interfaces}
        listening = [link.name for link in self.interfaces.values() if link.parameters.accepts_advertisements]
        self.roles = Roles(entropy, self.parameters, listening, self.trace)
        self.routing = Routing(self.interfaces)
        self.path_mtu = PathMtu()
        limits = self.parameters.correspondent
        errors = ErrorLimits(limits.errors_per_peer, limits.errors_together)
        self._entropy = entropy
        tunnel = None if self.roles.mobile_node is None else self.roles.mobile_node.forward
        self._forwarding = Forwarding(self.interfaces, self.routing, errors, tunnel)
        self._input = Input(self.roles, errors, self._answers_from, self._learn_path_mtu, self._receive)
        self._addresses: dict[bytes, set[str | None]] = {}
        self._anycast: set[bytes] = set()
        self._join_links()

    def _join_links(self) -> None:
        """Tell the links what the roles need of them from the start."""
        home_agent, mobile_node = self.roles.home_agent, self.roles.mobile_node
        for link in self.interfaces.values():
            link.trace = self.trace
            for home in () if mobile_node is None else mobile_node.home_addresses:
                link.reserve(home)
        if home_agent is not None:
            self._join_anycasts(home_agent)

    def _join_anycasts(self, home_agent: HomeAgent) -> None:
        """Take packets for the Home-Agents anycast addresses of the prefixes that are served."""
        for interface, anycast in home_agent.anycast_addresses:
            self.interfaces[interface].add_anycast(anycast)
            self._anycast.add(anycast)

    def start(self, now: float) -> list[Effect]:
        """Begin; links come up by ``set_link``."""
        return self._settle(self.roles.start(now), now)

    def set_link(self, interface: str, is_up: bool, now: float) -> list[Effect]:
        """Tell the node that an interface has a link from now on, or has none."""
        return self._settle(self.interfaces[interface].set_link(is_up, now), now)

    def add_address(
        self, interface: str, address: bytes, length: int, now: float, *, detect: bool = True
    ) -> list[Effect]:
        """Give an interface an address, and a route to the others with its first ``length`` bits."""
        self.routing.add(address, length, interface)
        return self._settle(self.interfaces[interface].add_address(address, length, now, detect=detect), now)

    def lose_address(self, address: bytes, now: float) -> list[Effect]:
        """Lose an address that was formed from a router's prefix, as an administrator wants it; no other one.

        It is not formed again while the prefix is known. A mobile node goes to another care-of address.
        """
        effects = [effect for link in self.interfaces.values() for effect in link.take_away(address)]
        return self._settle(effects, now)

    def regain_address(self, address: bytes, now: float) -> list[Effect]:
        """Have an address again, or another one that an administrator chose, where a router's prefix allows it.

        It is tested as any other one. A mobile node registers it where it becomes its care-of address.
        """
        for link in self.interfaces.values():
            if link.gives_addresses_like(address, now):
                return self._settle(link.give_back(address, now), now)
        return []

    def advertise(self, interface: str, advertising: Advertising | None, now: float) -> list[Effect]:
        """Begin to advertise as a router on a link, otherwise than before, or no more (None)."""
        return self._settle(self.interfaces[interface].advertise(advertising, now), now)

    def set_home_prefixes(self, links: tuple[HomeLink, ...], now: float) -> list[Effect]:
        """Let the home agent serve these prefixes from now on, or with other lifetimes (RFC 6275 section 10.6)."""
        home_agent = self.roles.home_agent
        if home_agent is None:
            return []
        effects = home_agent.set_prefixes(links, now)
        self._join_anycasts(home_agent)
        return self._settle(effects, now)

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        first = earliest(self.roles.next_deadline(), self._input.next_deadline())
        for link in self.interfaces.values():
            first = earliest(first, link.next_deadline())
        return first

    def advance(self, now: float) -> list[Effect]:
        """Do what is due at a time."""
        self.trace.now = now
        self._input.advance(now)
        effects: list[Effect] = []
        for link in self.interfaces.values():
            effects += link.advance(now)
        return self._settle([*effects, *self.roles.advance(now)], now)

    def receive(self, data: bytes, interface: str, now: float, protection: Protection | None = None) -> list[Effect]:
        """Take in a packet that came on an interface; what was due before comes first."""
        due = self.next_deadline()
        effects = self.advance(now) if due is not None and due <= now else []
        return [*effects, *self.take(data, interface, now, protection)]

    def take(self, data: bytes, interface: str, now: float, protection: Protection | None = None) -> list[Effect]:
        """Take in a packet as ``receive`` does, from a driver that has done what was due."""
        self.trace.now = now
        self.trace.packet(interface, True, data)
        return self._settle(self._receive(data, Arrival(interface, protection), now), now)

    def send(self, packet: Packet, now: float) -> list[Effect]:
        """Send a packet of the upper layers, by the way that the bindings say."""
        self.trace.now = now
        return self._settle(self.roles.originate(packet, now), now)

    def trigger(
        self, home_address: bytes, peer: bytes | None, now: float, lifetime_s: float | None = None
    ) -> list[Effect]:
        """Let the mobile node send a Binding Update now, as ``MobileNode.trigger`` says."""
        mobile_node = self.roles.mobile_node
        return (
            [] if mobile_node is None else self._settle(mobile_node.trigger(home_address, peer, now, lifetime_s), now)
        )

    def add_binding(self, order: BindingOrder, now: float) -> list[Effect] | AckStatus:
        """Let the home agent have a binding, as ``HomeAgent.add_binding`` says; its local address is the node's own."""
        home_agent = self.roles.home_agent
        if home_agent is None or not self.owns(order.local_address):
            return AckStatus.NOT_HOME_AGENT
        return self._unless_refused(home_agent.add_binding(order, now), now)

    def delete_binding(self, home_address: bytes, local_address: bytes, now: float) -> list[Effect] | AckStatus:
        """Let the home agent end a binding, as ``HomeAgent.delete_binding`` says."""
        home_agent = self.roles.home_agent
        if home_agent is None:
            return AckStatus.NOT_HOME_AGENT
        return self._unless_refused(home_agent.delete_binding(home_address, local_address, now), now)

    def _unless_refused(self, result: list[Effect] | AckStatus, now: float) -> list[Effect] | AckStatus:
        return result if isinstance(result, AckStatus) else self._settle(result, now)

    def flush_bindings(self, now: float) -> tuple[int, list[Effect]]:
        """End all bindings that others have here, without a word to them; return how many there were."""
        count, effects = self.roles.correspondent.flush(now)
        if self.roles.home_agent is not None:
            more, of_homes = self.roles.home_agent.flush(now)
            count, effects = count + more, [*effects, *of_homes]
        return count, self._settle(effects, now)

    def flush_updates(self, now: float) -> tuple[int, list[Effect]]:
        """Let the mobile node forget what it has with correspondents; return how many entries there were."""
        mobile_node = self.roles.mobile_node
        count, effects = (0, []) if mobile_node is None else mobile_node.flush()
        return count, self._settle(effects, now)

    def reconfigure(self, parameters: NodeParameters, now: float) -> list[Effect]:
        """Take other policies and lifetimes for the roles that there are; what is built on the rest stays.

        ``Correspondent``, ``HomeAgent`` and ``MobileNode`` each say in ``reconfigure`` what they take.
        """
        effects = self.roles.reconfigure(parameters, now)
        self.parameters = self.roles.parameters(self.parameters.is_router)
        return self._settle(effects, now)

    def stop(self, now: float) -> list[Effect]:
        """Take leave: end registrations, and say to the links that the router goes.

        Until ``is_ending`` is false, or for as long as one will wait, answers are to be received.
        """
        mobile_node = self.roles.mobile_node
        effects = [] if mobile_node is None else mobile_node.stop(now)
        for link in self.interfaces.values():
            if link.advertising is not None:
                effects += link.advertise(None, now)
        return self._settle(effects, now)

    @property
    def is_ending(self) -> bool:
        """Tell whether the end of a registration waits for its acknowledgement."""
        mobile_node = self.roles.mobile_node
        return mobile_node is not None and mobile_node.is_ending

    def owns(self, address: bytes) -> bool:
        """Tell whether an address is one of the node's own, home addresses included."""
        return address in self._addresses

    def source_for(self, destination: bytes, now: float) -> bytes | None:
        """Return the address to send from to a destination (RFC 6724; RFC 6275 section 11.3.1)."""
        mobile_node = self.roles.mobile_node
        home = None if mobile_node is None else mobile_node.source_for(destination, now)
        if home is not None:
            return home
        hop = self.routing.find(destination, now)
        return None if hop is None else hop[0].source_for(destination, now)

    def overhead(self, local_address: bytes, destination: bytes, now: float) -> int:
        """Return by how many bytes a binding for a destination makes the path MTU less for the upper layers."""
        is_bound = self.roles.correspondent.cache.bound((local_address, destination), now) is not None
        return ROUTING_HEADER_SIZE if is_bound else 0

    def _receive(self, data: bytes, arrival: Arrival, now: float) -> list[Effect]:
        """Take in a packet from a link or out of a tunnel."""
        destination = data[24:HEADER_SIZE]
        if len(data) < HEADER_SIZE or data[0] >> 4 != VERSION:
            return []
        link = self.interfaces[arrival.interface]
        is_own = destination in self._addresses or destination in self._anycast
        if not is_own and (arrival.is_tunnelled or not link.accepts(destination)):
            return self._pass_on(data, arrival, now)
        packet = decode(data)
        if not isinstance(packet, Packet) or addresses.is_multicast(packet.source):
            return []
        if is_neighbour_discovery(packet) and not arrival.is_tunnelled:
            return link.receive(packet, now)
        if is_own or addresses.is_multicast(destination):
            return self._input.receive(packet, arrival, now)
        return self._pass_on(data, arrival, now)

    def _pass_on(self, data: bytes, arrival: Arrival, now: float) -> list[Effect]:
        """Take a packet to where it belongs, if that is this node's business."""
        home_agent = self.roles.home_agent
        if home_agent is not None and home_agent.intercepts(data[24:HEADER_SIZE], now):
            return home_agent.intercept(data, arrival.interface, now)
        if not self.parameters.is_router:
            return []
        return self._forwarding.forward(data, arrival.interface, now, is_tunnelled=arrival.is_tunnelled)

    def _settle(self, effects: list[Effect], now: float) -> list[Effect]:
        """Carry out requests and hand on signals, each before what comes behind it; return what is left."""
        self.trace.now = now
        world: list[Effect] = []
        waiting = deque(effects)
        while waiting:
            effect = waiting.popleft()
            self.trace.effect(effect)
            if _stays_inside(effect):
                waiting.extendleft(reversed(self._carry_out(effect, now)))
            else:
                self._note(effect)
                world.append(effect)
        return world

    def _carry_out(self, effect: Request | Signal, now: float) -> list[Effect]:
        if isinstance(effect, Send):
            return self._send(effect, now)
        if isinstance(effect, Undeliverable):
            return (
                []
                if self.owns(effect.data[8:24])
                else self._forwarding.undeliverable(effect.data, effect.interface, now)
            )
        if isinstance(effect, Signal):
            return self.roles.signal(effect, now)
        return self.interfaces[effect.interface].carry_out(effect, now)

    def _send(self, send: Send, now: float) -> list[Effect]:
        """Put a packet that begins here on its way, in fragments where it is larger than the path's MTU."""
        packet = send.packet
        if send.interface is None:
            if packet.destination in self._addresses:
                return self._receive(packet.encode(), Arrival(next(iter(self.interfaces)), send.protection), now)
            intercepted = self._intercept(packet, now)
            if intercepted is not None:
                return intercepted
            hop = self.routing.find(packet.destination, now, packet.source)
        else:
            link = self.interfaces[send.interface]
            next_hop = packet.destination if send.link_layer else link.next_hop(packet.destination, now)
            hop = None if next_hop is None else (link, next_hop)
        return [] if hop is None else self._transmit(send, hop, now)

    def _intercept(self, packet: Packet, now: float) -> list[Effect] | None:
        """Return how this node's own packet goes to a home address that it serves; None where it is none."""
        home_agent = self.roles.home_agent
        if home_agent is None or not home_agent.intercepts(packet.destination, now):
            return None
        routed = home_agent.route(packet, now)
        if routed is not None:
            return [Send(routed)]
        return home_agent.intercept(packet.encode(), next(iter(self.interfaces)), now)

    def _transmit(self, send: Send, hop: Hop, now: float) -> list[Effect]:
        link, next_hop = hop
        mtu = self.path_mtu.get(send.packet.destination, link.mtu, now)
        data = send.packet.encode()
        if len(data) <= mtu:
            return link.transmit(data, next_hop, now, protection=send.protection, link_layer=send.link_layer)
        effects: list[Effect] = []
        for packet in self._for_tunnel(send.packet, link.mtu, now):
            for piece in fragments(packet, mtu, self._identification()):
                effects += link.transmit(piece, next_hop, now, protection=send.protection, link_layer=send.link_layer)
        return effects

    def _for_tunnel(self, packet: Packet, link_mtu: int, now: float) -> Iterator[Packet]:
        """Yield a packet, or those in its place where what is in it begins here and is too large behind the tunnel."""
        upper = packet.upper
        inner = decode(upper.data) if isinstance(upper, Payload) and upper.protocol == IPV6 else None
        if not isinstance(upper, Payload) or not isinstance(inner, Packet) or not self.owns(inner.source):
            yield packet
            return
        mtu = self.path_mtu.get(inner.destination, link_mtu, now)
        if len(upper.data) <= mtu or any(isinstance(header, FragmentHeader) for header in inner.headers):
            yield packet
            return
        for piece in fragments(inner, min(mtu, link_mtu - HEADER_SIZE), self._identification()):
            yield structs.replace(packet, upper=Payload(IPV6, piece))

    def _identification(self) -> int:
        return int.from_bytes(self._entropy(IDENTIFICATION_SIZE))

    def _answers_from(self, packet: Packet, interface: str, now: float) -> bytes | None:
        """Return the address that a packet is answered from: its destination, where that is one node's."""
        if addresses.is_multicast(packet.destination) or packet.destination in self._anycast:
            return self.interfaces[interface].source_for(packet.source, now)
        return packet.destination

    def _learn_path_mtu(self, message: PacketTooBig, now: float) -> None:
        """Take in a Packet Too Big that quotes a packet of ours (RFC 8201 section 4)."""
        quoted = decode(message.original)
        if not isinstance(quoted, Packet) or not self.owns(quoted.source):
            return
        hop = self.routing.find(quoted.destination, now, quoted.source)
        if hop is not None:
            self.path_mtu.learn(quoted.destination, message.value, hop[0].mtu, now)

    def _note(self, effect: Effect) -> None:
        """Keep account of what the driver is told."""
        if isinstance(effect, Transmit):
            self.trace.packet(effect.interface, False, effect.data)
        elif isinstance(effect, AddressAdded):
            self._addresses.setdefault(effect.address, set()).add(effect.interface)
        elif isinstance(effect, AddressRemoved):
            where = self._addresses.get(effect.address, set())
            where.discard(effect.interface)
            if not where:
                self._addresses.pop(effect.address, None)


def _stays_inside(effect: Effect) -> TypeGuard[Request | Signal]:
    return type(effect) in INNER
