"""The home agent (RFC 6275 section 10): it knows where its mobile nodes are, and stands in for them at home.

Its parts share the home links, the binding cache and the mobile networks: the registrar changes
them by Binding Updates, the tunnel sends packets by them, discovery and prefix advertising tell of
them.
"""

from msgspec import structs

from mipsh.mobility.effects import (
    AddressFailed,
    AddressReady,
    Effect,
    LinkChanged,
    Protection,
    Purpose,
    RouterAdvertised,
    Signal,
)
from mipsh.mobility.home.administration import BindingOrder
from mipsh.mobility.home.agents_list import HomeAgentEntry, HomeAgentsList
from mipsh.mobility.home.cache import HomeBinding, HomeCache, State
from mipsh.mobility.home.discovery import Discovery
from mipsh.mobility.home.mobile_network import MobileNetworks
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink, HomeLinks
from mipsh.mobility.home.prefix_advertising import PrefixAdvertising
from mipsh.mobility.home.registration import Registrar
from mipsh.mobility.home.tunnel import Tunnel
from mipsh.mobility.limits import Limits
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.paths import is_never_optimised, to_care_of_address
from mipsh.mobility.status import AckStatus
from mipsh.mobility.timers import earliest
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import Error, HomeAgentDiscoveryRequest, Icmpv6, MobilePrefixSolicitation
from mipsh.wire.mobility import HOME, MOBILE_ROUTER, BindingUpdate, MobilityHeader
from mipsh.wire.ndp import INFINITY
from mipsh.wire.packet import HEADER_SIZE, Packet


class HomeAgent:
    """A home agent for the prefixes of its links."""

    def __init__(self, entropy: Entropy, parameters: HomeAgentParameters, trace: Trace | None = None) -> None:
        self.parameters = parameters
        self._trace = trace or Trace()
        self._links = HomeLinks(parameters.links)
        self.cache = HomeCache(parameters.max_bindings, self._trace)
        self._networks = MobileNetworks(parameters)
        self._registrar = Registrar(parameters, self._links, self.cache, self._networks)
        self._tunnel = Tunnel(parameters, self.cache, self._networks)
        self._agents = HomeAgentsList(self._trace)
        self._discovery = Discovery(entropy, parameters, self._links, self._agents)
        self._advertising = PrefixAdvertising(entropy, parameters, self._links, self.cache)
        self._solicitations = Limits(parameters.answers_per_peer)
        self._link_locals: dict[str, bytes] = {}

    @property
    def anycast_addresses(self) -> tuple[tuple[str, bytes], ...]:
        """The Home-Agents anycast address of each prefix that is served, with its interface."""
        return tuple((link.interface, link.anycast) for link in self._links.all)

    @property
    def bindings(self) -> tuple[HomeBinding, ...]:
        """All entries of the binding cache, in whatever state."""
        return tuple(self.cache)

    @property
    def home_agents(self) -> list[HomeAgentEntry]:
        """The other home agents of the home links."""
        return self._agents.all()

    def start(self, now: float) -> list[Effect]:
        """Begin; there is nothing to be done before a mobile node registers."""
        return []

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return earliest(self.cache.timers.next(), self._agents.timers.next())

    def advance(self, now: float) -> list[Effect]:
        """Do what is due: end registrations, advertise prefixes, forget home agents."""
        self._agents.advance(now)
        effects: list[Effect] = []
        for entry in self.cache.due(now):
            self._trace.timer("home binding", addresses.text(entry.home_address))
            if entry.expires <= now:
                effects += self._registrar.end(entry, now)
            else:
                effects += self._advertising.due(entry, now)
        return effects

    def receive(
        self, packet: Packet, header: MobilityHeader, protection: Protection | None, now: float
    ) -> list[Effect] | None:
        """Take in a Mobility Header that has passed the checks of section 9.2; None for what is not its business."""
        message = header.message
        if not isinstance(message, BindingUpdate):
            return None
        return self._registrar.receive(packet, header, message, protection, now)

    def is_home_binding(self, home_address: bytes) -> bool:
        """Tell whether a home address is registered."""
        entry = self.cache.get(home_address)
        return entry is not None and entry.state is State.BOUND

    def verify_home_address(self, packet: Packet, now: float) -> bool:
        """Tell whether a packet's Home Address option is what a binding says (section 9.3.1)."""
        home = packet.home_address_option
        entry = None if home is None else self.cache.bound(home, now)
        return entry is not None and entry.care_of_address == packet.source

    def route(self, packet: Packet, now: float) -> Packet | None:
        """Return a packet of this node's own by way of the care-of address; None without a binding.

        Mobility Headers are tunnelled instead, as what others send is (sections 9.3.2 and 10.4.2).
        """
        entry = self.cache.bound(packet.destination, now)
        if entry is None or packet.routing_home_address is not None or is_never_optimised(packet):
            return None
        return to_care_of_address(packet, entry.home_address, entry.care_of_address)

    def intercepts(self, destination: bytes, now: float) -> bool:
        """Tell whether packets to an address are for a mobile node that is away."""
        if self._tunnel.binding_of(destination, now) is not None:
            return True
        if not addresses.is_link_local(destination):
            return False
        return any(self._registrar.defends(interface, destination) for interface in self._links.interfaces)

    def intercept(self, data: bytes, interface: str, now: float) -> list[Effect]:
        """Send a packet for a mobile node that is away through its tunnel; ``data`` is as it came from the link."""
        destination = data[24:HEADER_SIZE]
        if len(data) < HEADER_SIZE + int.from_bytes(data[4:6]):
            return []
        if not addresses.is_link_local(destination):
            return self._tunnel.enter(data, interface, now)
        source = self._link_locals.get(interface)
        if source is None or not self._registrar.defends(interface, destination):
            return []
        return self._tunnel.refuse(data, interface, source, now)

    def decapsulate(
        self, packet: Packet, protection: Protection | None, now: float
    ) -> tuple[list[Effect], bytes | None]:
        """Return the packet that a mobile node sent through its tunnel; what is none is dropped without a word."""
        return [], self._tunnel.leave(packet, protection, now)

    def receive_icmpv6(self, packet: Packet, protection: Protection | None, now: float) -> list[Effect] | None:
        """Take in an ICMPv6 message; None for what is not the home agent's business."""
        message = packet.upper.message if isinstance(packet.upper, Icmpv6) else None
        if isinstance(message, HomeAgentDiscoveryRequest):
            return self._discovery.answer(packet, message, now)
        if isinstance(message, MobilePrefixSolicitation):
            return self._solicited(packet, message, protection, now)
        return self._tunnel.relay(message, now) if isinstance(message, Error) else None

    def _solicited(
        self, packet: Packet, message: MobilePrefixSolicitation, protection: Protection | None, now: float
    ) -> list[Effect]:
        """Answer a registered mobile node that asks for prefixes from its care-of address (section 10.6.2)."""
        home = packet.home_address_option
        if home is None or not self.verify_home_address(packet, now):
            return []
        if not self.parameters.is_protected(protection, Purpose.PREFIX_DISCOVERY, home):
            return []
        entry = self.cache.get(home)
        if entry is None or not self._solicitations.allow(home, now):
            return []
        return self._advertising.answer(entry, message.identifier, now)

    def signal(self, signal: Signal, now: float) -> list[Effect]:
        """Take in what a link says; a signal that nobody waits for changes nothing."""
        if isinstance(signal, AddressReady) and not signal.is_optimistic:
            if not self._registrar.is_probed(signal.interface, signal.address):
                self._note_own(signal)
            return self._registrar.ready(signal.interface, signal.address, now)
        if isinstance(signal, AddressFailed):
            return self._registrar.failed(signal.interface, signal.address, now)
        if isinstance(signal, RouterAdvertised) and signal.interface in self._links.interfaces:
            self._agents.advertised(signal, now)
        elif isinstance(signal, LinkChanged):
            self._agents.forget_link(signal.interface)
        return []

    def _note_own(self, ready: AddressReady) -> None:
        """Remember this node's own link-local addresses: errors about those of mobile nodes come from there."""
        if addresses.is_link_local(ready.address):
            self._link_locals[ready.interface] = ready.address

    def reconfigure(self, parameters: HomeAgentParameters) -> None:
        """Accept or refuse by another policy from now on, and grant other lifetimes; room and protection stay."""
        self.parameters = structs.replace(
            self.parameters,
            is_enabled=parameters.is_enabled,
            allowed=parameters.allowed,
            denied=parameters.denied,
            max_lifetime_s=parameters.max_lifetime_s,
            refresh_share=parameters.refresh_share,
            detects_duplicates=parameters.detects_duplicates,
        )
        self._registrar.reconfigure(self.parameters)

    def add_binding(self, order: BindingOrder, now: float) -> list[Effect] | AckStatus:
        """Have a binding as an administrator wants it, of which the mobile node does not learn.

        It is no different from one that a Binding Update made: its home address is defended, and its
        packets are tunnelled. Return the status by which a Binding Update would be rejected where it
        cannot be.
        """
        if order.units <= 0 or not order.flags & HOME or order.flags & MOBILE_ROUTER:
            return AckStatus.REASON_UNSPECIFIED
        return self._registrar.add(order, now)

    def delete_binding(self, home_address: bytes, local_address: bytes, now: float) -> list[Effect] | AckStatus:
        """End a binding as an administrator wants it, of which the mobile node does not learn.

        Its sequence number is remembered for a while, as after a deregistration.
        """
        return self._registrar.delete(home_address, local_address, now)

    def flush(self, now: float) -> tuple[int, list[Effect]]:
        """Delete all bindings so, and return how many there were."""
        count, effects = 0, []
        for entry in self.cache:
            deleted = self._registrar.delete(entry.home_address, entry.local_address, now)
            if not isinstance(deleted, AckStatus):
                count += 1
                effects += deleted
        return count, effects

    def set_prefixes(self, links: tuple[HomeLink, ...], now: float) -> list[Effect]:
        """Serve other prefixes, or with other lifetimes, from now on: bindings end with their prefix at the latest."""
        before = self._links.all
        self._links.replace(links)
        self.parameters = structs.replace(self.parameters, links=links)
        effects: list[Effect] = []
        for entry in self.cache:
            link = self._links.of(entry.home_address)
            if entry.interface is None or entry.state is State.DYING:
                continue
            if link is None:
                effects += self._registrar.end(entry, now)
            elif link.valid_s != INFINITY and entry.state is State.BOUND:
                entry.expires = min(entry.expires, now + link.valid_s)
                self.cache.wait(entry)
        self._advertising.changed(before, now)
        return [*effects, *self.advance(now)]
