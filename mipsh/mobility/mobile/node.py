"""The mobile node: where it is, and what follows from that for each of its home addresses (RFC 6275 section 11)."""

from collections.abc import Iterable

from msgspec import structs

from mipsh.mobility.effects import (
    AddressAdded,
    Effect,
    Protection,
    RouterAdvertised,
    Signal,
)
from mipsh.mobility.icmp_errors import UNRECOGNIZED_NEXT_HEADER, UNRECOGNIZED_OPTION
from mipsh.mobility.mobile.home_side import HomeSide
from mipsh.mobility.mobile.movement import Movement
from mipsh.mobility.mobile.parameters import MobileNodeParameters
from mipsh.mobility.mobile.registration import HomeAddressSignal, HomeRegistration
from mipsh.mobility.mobile.routers import global_addresses
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.status import ErrorStatus
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import (
    Error,
    HomeAgentDiscoveryReply,
    Icmpv6,
    MobilePrefixAdvertisement,
    ParameterProblem,
)
from mipsh.wire.mobility import (
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTest,
    HomeTest,
    MobilityHeader,
)
from mipsh.wire.ndp import HOME_AGENT
from mipsh.wire.packet import Packet, decode

NOT_SUPPORTED = (UNRECOGNIZED_NEXT_HEADER, UNRECOGNIZED_OPTION)
"""Codes of a Parameter Problem by which a home agent says that it knows no Binding Updates (section 11.3.5)."""


class MobileNode:
    """A mobile node with its home addresses, over some of a node's interfaces."""

    def __init__(
        self,
        entropy: Entropy,
        parameters: MobileNodeParameters,
        interfaces: tuple[str, ...],
        trace: Trace | None = None,
    ) -> None:
        trace = trace or Trace()
        self.parameters = parameters
        self.movement = Movement(parameters.homes, interfaces, trace)
        self.homes = {home.address: HomeSide(home, entropy, parameters, trace) for home in parameters.homes}

    @property
    def home_addresses(self) -> tuple[bytes, ...]:
        """The home addresses, the preferred one first."""
        return tuple(self.homes)

    @property
    def registrations(self) -> tuple[HomeRegistration, ...]:
        """The home registrations, as they may be shown."""
        return tuple(side.registration for side in self.homes.values())

    def start(self, now: float) -> list[Effect]:
        """Begin: the upper layers may use the home addresses wherever the node is."""
        return [AddressAdded(address) for address in self.homes]

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        deadlines = (self.movement.next_deadline(), *(side.next_deadline() for side in self.homes.values()))
        return min((deadline for deadline in deadlines if deadline is not None), default=None)

    def advance(self, now: float) -> list[Effect]:
        """Do what is due."""
        effects = self.movement.advance(now)
        effects += self._place(now)
        for side in self.homes.values():
            effects += side.advance(now)
        return effects

    def signal(self, signal: Signal, now: float) -> list[Effect]:
        """Take in what a link says."""
        effects = self.movement.signal(signal, now)
        effects += self._place(now)
        if isinstance(signal, HomeAddressSignal) and signal.address in self.homes:
            effects += self.homes[signal.address].registration.signal(signal, now)
        if isinstance(signal, RouterAdvertised):
            self._suggest_home_agent(signal)
        return effects

    def _place(self, now: float) -> list[Effect]:
        """Tell each home address where the node is now."""
        effects: list[Effect] = []
        for side in self.homes.values():
            place = self.movement.place(side.home, now)
            effects += side.registration.placed(place, now)
            if place is not None and place.care_of_address is None:
                effects += side.learn_prefix(place.valid_until, now)
        return effects

    def _suggest_home_agent(self, signal: RouterAdvertised) -> None:
        """Take note of a home agent that is heard on a home link with its global address (sections 7.1, 7.2)."""
        if not signal.message.flags & HOME_AGENT:
            return
        for side in self.homes.values():
            place, home = side.registration.place, side.home
            if place is None or place.interface != signal.interface or place.care_of_address is not None:
                continue
            for address in sorted(global_addresses(signal.message)):
                if addresses.in_prefix(address, home.prefix, home.prefix_length):
                    side.registration.agents.suggest(address)

    # Addresses.

    def owns(self, address: bytes) -> bool:
        """Tell whether an address is a home address, wherever the node is."""
        return address in self.homes

    def is_away(self, home_address: bytes) -> bool:
        """Tell whether the node is anywhere else than at a home address's home link."""
        side = self.homes.get(home_address)
        return side is not None and not side.registration.is_home

    def care_of_address(self, home_address: bytes, now: float) -> bytes | None:
        """Return the registered care-of address of a home address; None where there is none."""
        side = self.homes.get(home_address)
        return None if side is None else side.care_of_address(now)

    def source_for(self, destination: bytes, now: float) -> bytes | None:
        """Return the home address to send from to a destination beyond the link (RFC 6724 rule 4).

        None where there is none of use, or where the link's own addresses are meant.
        """
        is_multicast = addresses.is_multicast(destination)
        is_global = destination[1] & 0x0F > 2 if is_multicast else addresses.is_unicast_routable(destination)
        return next((a for a, side in self.homes.items() if is_global and side.is_usable), None)

    def trigger(
        self, home_address: bytes, peer: bytes | None, now: float, lifetime_s: float | None = None
    ) -> list[Effect]:
        """Send a Binding Update for a home address now: to the home agent, or with ``peer`` to a correspondent.

        Return routability comes before the latter. Nothing happens where there is nothing to register:
        at home, without a registration, or for a peer with which routes are not to be optimised.

        With ``lifetime_s`` this update asks for that lifetime, and those that repeat it; later ones do
        as is configured. 0 deregisters: away from home, the home address is without a registration, and
        its packets are dropped, until an update is triggered or the node moves; and a peer deletes its
        binding.
        """
        side = self.homes.get(home_address)
        if side is None:
            return []
        if peer is None:
            return side.registration.trigger(now, lifetime_s)
        return side.optimisation.trigger(peer, now, lifetime_s)

    def flush(self) -> tuple[int, list[Effect]]:
        """Forget what there is with all correspondents, and return how many entries that were."""
        flushed = [side.optimisation.flush() for side in self.homes.values()]
        return sum(count for count, _ in flushed), [effect for _, effects in flushed for effect in effects]

    def reconfigure(self, parameters: MobileNodeParameters, now: float) -> list[Effect]:
        """Take other lifetimes, and another policy about route optimisation; homes and protection stay.

        Lifetimes hold for updates from now on. Bindings at peers with which routes are not to be
        optimised any more are deleted.
        """
        before = self.parameters
        stays = {"homes": before.homes, "required": before.required}
        self.parameters = structs.replace(parameters, **stays, optimise_before_complete=before.optimise_before_complete)
        return [effect for side in self.homes.values() for effect in side.reconfigure(self.parameters, now)]

    def stop(self, now: float) -> list[Effect]:
        """End all registrations, each from where the node is for it; ``is_ending`` while answers are awaited."""
        return [effect for side in self.homes.values() for effect in side.registration.stop(now)]

    @property
    def is_ending(self) -> bool:
        """Tell whether the end of a registration waits for its acknowledgement."""
        return any(side.registration.is_ending for side in self.homes.values())

    # Packets of the upper layers.

    def outgoing(self, packet: Packet, now: float) -> list[Effect] | None:
        """Send a packet from a home address or from a network behind one; None for one from elsewhere."""
        side = self.homes.get(packet.source) or self._network(packet.source)
        return None if side is None else side.outgoing(packet, now)

    def forward(self, data: bytes, now: float) -> list[Effect] | None:
        """Send a forwarded packet from a network behind this mobile router through the tunnel (RFC 3963).

        Its hop limit is the caller's. None for one from elsewhere, for one between these networks, and
        at home, where routing decides.
        """
        side = self._network(data[8:24])
        if side is None or side.registration.is_home or self._network(data[24:40]) is not None:
            return None
        return side.tunnel(data, now)

    def _network(self, address: bytes) -> HomeSide | None:
        return next((side for side in self.homes.values() if side.is_network(address)), None)

    def arrived(self, packet: Packet, is_tunnelled: bool, now: float) -> list[Effect]:
        """Take note of a packet for a home address; one of the home agent itself asks for nothing."""
        side = self.homes.get(packet.covered_destination)
        if side is None or packet.covered_source == side.registration.home_agent:
            return []
        return side.optimisation.arrived(packet, is_tunnelled, now)

    # Packets that come in.

    def accepts_routing_header(self, packet: Packet, now: float) -> bool:
        """Tell whether a packet's type 2 routing header leads to a home address of the node (section 11.3.3)."""
        side = self.homes.get(packet.routing_home_address or addresses.UNSPECIFIED)
        return side is not None and side.accepts_routing_header(packet, now)

    def decapsulate(self, packet: Packet, protection: Protection | None, now: float) -> bytes | None:
        """Return the packet in a tunnel from the home agent; None where it must not be taken out."""
        inner = packet.upper
        if not isinstance(inner, Packet):
            return None
        is_ours = any(side.accepts_tunnel(packet, inner, protection) for side in self.homes.values())
        return inner.encode() if is_ours else None

    def receive(
        self,
        packet: Packet,
        header: MobilityHeader,
        protection: Protection | None,
        is_tunnelled: bool,
        now: float,
    ) -> list[Effect] | None:
        """Take in a Mobility Header that passed the gate; None for one that is for the correspondent node."""
        message = header.message
        if isinstance(message, BindingError):
            return self._binding_error(packet, header, message, is_tunnelled, now)
        if not isinstance(message, BindingAcknowledgement | HomeTest | CareOfTest | BindingRefreshRequest):
            return None
        home_address = packet.covered_destination
        side = self.homes.get(home_address)
        if isinstance(message, BindingAcknowledgement) and side is not None:
            registration = side.registration
            if packet.source in (registration.asked_agent, registration.home_agent):
                return [] if is_tunnelled else registration.acknowledged(packet, message, protection, now)
        sides = self.homes.values() if isinstance(message, CareOfTest) else () if side is None else (side,)
        return _told(sides, packet, header, is_tunnelled, now)

    def _binding_error(
        self, packet: Packet, header: MobilityHeader, message: BindingError, is_tunnelled: bool, now: float
    ) -> list[Effect]:
        """Take in a Binding Error: of the home agent about a registration, of others about optimisation."""
        named = self.homes.get(message.home_address) or self.homes.get(packet.covered_destination)
        sides = tuple(self.homes.values()) if named is None else (named,)
        effects: list[Effect] = []
        for side in sides:
            registration = side.registration
            if packet.source not in (registration.asked_agent, registration.home_agent):
                effects += _told((side,), packet, header, is_tunnelled, now)
            elif message.status == ErrorStatus.UNKNOWN_BINDING:
                effects += registration.refresh(now)
            elif message.status == ErrorStatus.UNRECOGNIZED_MESSAGE_TYPE:
                effects += registration.unsupported(None, now)
        return effects

    def receive_icmpv6(
        self, packet: Packet, protection: Protection | None, is_tunnelled: bool, now: float
    ) -> list[Effect] | None:
        """Take in an ICMPv6 message about mobility; None for any other one, and for what changes nothing."""
        message = packet.upper.message if isinstance(packet.upper, Icmpv6) else None
        if isinstance(message, HomeAgentDiscoveryReply):
            return self._discovered(packet, message, now)
        if isinstance(message, MobilePrefixAdvertisement):
            return self._prefixes(packet, message, protection, now)
        return self._error(packet, message, now) or None if isinstance(message, Error) else None

    def _discovered(self, packet: Packet, reply: HomeAgentDiscoveryReply, now: float) -> list[Effect]:
        effects: list[Effect] = []
        for side in self.homes.values():
            if side.registration.agents.receive(packet.source, reply):
                effects += side.registration.discovered(now)
        return effects

    def _prefixes(
        self, packet: Packet, message: MobilePrefixAdvertisement, protection: Protection | None, now: float
    ) -> list[Effect]:
        side = self.homes.get(packet.covered_destination)
        if side is None:
            return []
        before = side.prefixes.valid_until
        effects = side.prefixes.receive(packet, message, protection, now)
        if side.prefixes.valid_until != before:
            effects += side.registration.prefix(side.prefixes.valid_until, now)
        return effects

    def _error(self, packet: Packet, message: Error, now: float) -> list[Effect]:
        """Take in an ICMPv6 error that quotes a packet of a home address (section 11.3.5)."""
        original = decode(message.original)
        if not isinstance(original, Packet):
            return []
        named = self.homes.get(original.covered_source)
        if named is None and not self.movement.is_care_of_address(original.source):
            return []
        sides = tuple(self.homes.values()) if named is None else (named,)
        update = _quoted_update(original)
        effects: list[Effect] = []
        for side in sides:
            registration = side.registration
            if update is None or original.covered_destination != registration.asked_agent:
                effects += side.optimisation.receive_error(original, message, packet.source, now)
            elif isinstance(message, ParameterProblem) and message.code in NOT_SUPPORTED:
                effects += registration.unsupported(update.sequence, now)
        return effects


def _quoted_update(original: Packet) -> BindingUpdate | None:
    upper = original.upper
    if isinstance(upper, MobilityHeader) and isinstance(upper.message, BindingUpdate):
        return upper.message
    return None


def _told(
    sides: Iterable[HomeSide], packet: Packet, header: MobilityHeader, is_tunnelled: bool, now: float
) -> list[Effect]:
    """Hand a Mobility Header to the route optimisation of home addresses."""
    return [effect for side in sides for effect in side.optimisation.receive(packet, header, is_tunnelled, now)]
