"""A node's view of one link: neighbour discovery and address configuration, as a host or as a router.

An ``Interface`` is handed what comes from the link and what is to go there, and answers with
effects: messages and packets to transmit, and signals about what it found out.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from mipsh.mobility.effects import (
    AnnounceAddress,
    AssignAddress,
    ConfirmNeighbour,
    DefendAddress,
    Effect,
    FindDefender,
    ForgetRouter,
    LinkChanged,
    NeighbourLost,
    ProbeAddress,
    Protection,
    ReleaseAddress,
    RemoveAddress,
    Request,
    SolicitRouters,
    Transmit,
)
from mipsh.mobility.host.addresses import Address, Addresses, State
from mipsh.mobility.host.advertising import Advertiser
from mipsh.mobility.host.autoconfiguration import Autoconfiguration
from mipsh.mobility.host.context import LEAST_MTU, Alarm, Context, group_address
from mipsh.mobility.host.defending import Defending
from mipsh.mobility.host.groups import Groups
from mipsh.mobility.host.inquiries import Inquiries
from mipsh.mobility.host.neighbours import Neighbour, Neighbours
from mipsh.mobility.host.parameters import Advertising, InterfaceParameters
from mipsh.mobility.host.reception import Parts, receive
from mipsh.mobility.host.routers import DefaultRouter, Prefix, Routers
from mipsh.mobility.host.soliciting import Soliciting
from mipsh.mobility.host.validate import TARGET
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.trace import Trace
from mipsh.wire import address as wire
from mipsh.wire.ndp import OVERRIDE, LinkLayer, NeighborAdvertisement
from mipsh.wire.packet import Packet

PREFIX_BITS = 64
LINK_LOCAL_PREFIX = bytes.fromhex("fe80000000000000")


class AssignedAddress(Struct, frozen=True):
    """An address of an interface, for listings; ``routers`` advertised the prefix that it was formed from."""

    address: bytes
    length: int
    state: State
    valid_until: float
    preferred_until: float
    is_autoconfigured: bool
    routers: tuple[bytes, ...]


class Interface:
    """One link of a node; ``link_layer`` is its 6-byte address there, ``entropy`` gives random bytes.

    It begins without a link. All time is the node's clock in seconds.
    """

    def __init__(
        self,
        name: str,
        link_layer: bytes,
        entropy: Entropy,
        parameters: InterfaceParameters | None = None,
        trace: Trace | None = None,
    ) -> None:
        self.name = name
        self.link_layer = link_layer
        self.parameters = parameters or InterfaceParameters()
        self.link_local = LINK_LOCAL_PREFIX + wire.interface_identifier(link_layer)
        context = Context(name, link_layer, entropy, self.parameters, trace or Trace())
        self._context = context
        self._groups = Groups(wire.ALL_NODES)
        if not self.parameters.accepts_advertisements:
            self._groups.join(wire.ALL_ROUTERS)
        addresses = Addresses(context, self._groups)
        routers = Routers(context)
        neighbours = Neighbours(context, routers, addresses.tested_source)
        self._parts = Parts(
            context,
            addresses,
            neighbours,
            routers,
            Autoconfiguration(context, addresses),
            Soliciting(context, self._tested_link_local),
            Advertiser(context, self._tested_link_local, neighbours.transmit),
            Defending(context, self._groups, addresses.source_for),
            Inquiries(context),
            set(),
        )
        self._addresses, self._neighbours, self._routers = addresses, neighbours, routers
        self._transmit = neighbours.transmit

    # What it is.

    @property
    def trace(self) -> Trace:
        """The trace that all parts of the interface step their machines through."""
        return self._context.trace

    @trace.setter
    def trace(self, trace: Trace) -> None:
        self._context.trace = trace

    @property
    def is_up(self) -> bool:
        """Whether there is a link."""
        return self._context.is_up

    @property
    def mtu(self) -> int:
        """The largest packet that the link takes, in bytes: configured, or less where a router said so."""
        return max(self._context.mtu, LEAST_MTU)

    @property
    def hop_limit(self) -> int:
        """The hop limit of packets that begin here: configured, or what a router said."""
        return self._context.hop_limit

    @property
    def addresses(self) -> tuple[AssignedAddress, ...]:
        """The addresses, in the order in which they were given."""
        return tuple(
            AssignedAddress(
                entry.address,
                entry.length,
                entry.state,
                entry.valid_until,
                entry.preferred_until,
                entry.prefix is not None,
                self._routers.routers_of(entry.prefix),
            )
            for entry in self._addresses
        )

    @property
    def neighbours(self) -> tuple[Neighbour, ...]:
        """The entries of the neighbour cache, for listings."""
        return tuple(self._neighbours)

    @property
    def routers(self) -> tuple[DefaultRouter, ...]:
        """The default routers, for listings."""
        return tuple(self._routers)

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """The prefixes of the link, for listings."""
        return self._routers.prefixes

    @property
    def advertising(self) -> Advertising | None:
        """What is advertised on the link as a router; None where nothing is."""
        return self._parts.advertiser.advertising

    @property
    def groups(self) -> frozenset[bytes]:
        """The multicast groups that are listened to: the same object until ``group_changes`` is another number."""
        return self._groups.all

    @property
    def group_changes(self) -> int:
        """How often ``groups`` changed."""
        return self._groups.changes

    def accepts(self, destination: bytes) -> bool:
        """Tell whether a packet to an address is to be looked at: its own, defended, tested, or a group's."""
        if wire.is_multicast(destination):
            return destination in self._groups
        if self._addresses.state(destination) not in (State.ABSENT, State.DUPLICATE):
            return True
        parts = self._parts
        return destination in parts.defending or destination in parts.anycast

    def owns(self, address: bytes) -> bool:
        """Tell whether an address is the interface's and may be used now."""
        return self._addresses.owns(address)

    def may_send_from(self, address: bytes) -> bool:
        """Tell whether packets may leave from an address now: those that still are tentative may not be used."""
        return self._addresses.owns(address)

    # The link.

    def set_link(self, is_up: bool, now: float) -> list[Effect]:
        """Take note that there is a link from now on, maybe another one than before, or none.

        Without a link, nothing is known of neighbours, and what waited for them is lost. Addresses,
        routers and prefixes are kept: the link may come back, and whether it is the same one only
        its routers can tell (``ForgetRouter``). With a link, the link-local address is tested anew,
        as it may be somebody's there. Global addresses are not (RFC 4862 section 5.4 leaves that
        open): those whose prefix a router confirms are on the link that they were tested on, and
        the others are not used for long. Those that were duplicates, or not tested to the end, are.
        """
        if not is_up and not self.is_up:
            return []
        self._leave_link()
        self._context.is_up = is_up
        effects: list[Effect] = [LinkChanged(self.name, is_up)]
        if not is_up:
            return effects
        effects += self._test_link_local(now)
        effects += self._addresses.resume(now)
        if self.parameters.accepts_advertisements:
            effects += self._parts.soliciting.begin(now)
        self._speak_up(now)
        return effects

    def _speak_up(self, now: float) -> None:
        """Begin what needs the link-local address, if it has been tested."""
        if self._tested_link_local() is not None:
            self._parts.defending.resume(now)
            self._parts.advertiser.begin(now)

    def _leave_link(self) -> None:
        parts = self._parts
        parts.neighbours.clear()
        parts.routers.forget_redirects()
        parts.addresses.link_lost()
        parts.soliciting.stop()
        parts.advertiser.stop()
        parts.defending.link_lost()
        parts.inquiries.link_lost()

    def _test_link_local(self, now: float) -> list[Effect]:
        delay_s = self.parameters.solicit_delay_s
        if self._addresses.get(self.link_local) is not None:
            return self._addresses.restart(self.link_local, now, delay_s)
        return self._addresses.assign(Address(self.link_local, PREFIX_BITS), now, delay_s=delay_s)

    def _tested_link_local(self) -> bytes | None:
        is_good = self.is_up and self._addresses.state(self.link_local) is State.PREFERRED
        return self.link_local if is_good else None

    # Packets.

    def receive(self, packet: Packet, now: float) -> list[Effect]:
        """Take in a neighbour discovery message for an address that the interface ``accepts``."""
        return receive(self._parts, packet, now) if self.is_up else []

    def transmit(
        self,
        data: bytes,
        next_hop: bytes,
        now: float,
        *,
        protection: Protection | None = None,
        link_layer: bytes | None = None,
    ) -> list[Effect]:
        """Send a packet to a neighbour or a group, or where ``link_layer`` says.

        It may have to wait until the neighbour is resolved; Undeliverable tells when that failed.
        """
        if not self._context.is_up:
            return []
        if link_layer is not None:
            return [Transmit(self.name, link_layer, data, protection)]
        if wire.is_multicast(next_hop):
            return [Transmit(self.name, group_address(next_hop), data, protection)]
        return self._transmit(data, next_hop, now, protection)

    def next_hop(self, destination: bytes, now: float) -> bytes | None:
        """Return whom on the link a packet to a destination goes to; None where the link has no way there."""
        return self._routers.next_hop(destination, now)

    def is_on_link(self, destination: bytes, now: float) -> bool:
        """Tell whether an address is a neighbour's, as far as is known."""
        return self._routers.is_on_link(destination, now)

    def source_for(self, destination: bytes, now: float) -> bytes | None:
        """Return the address to send from to a destination (RFC 6724 in short); None where there is none."""
        return self._addresses.source_for(destination)

    def confirm(self, next_hop: bytes, now: float) -> None:
        """Take the upper layers' word for it that a neighbour can be reached (RFC 4861 section 7.3.1)."""
        self._neighbours.confirm(next_hop, now)

    # Configuration.

    def reserve(self, address: bytes) -> None:
        """Leave an address to somebody else: it is never formed from a prefix."""
        self._parts.autoconfiguration.reserved.add(address)

    def add_address(
        self, address: bytes, length: int, now: float, *, detect: bool = True, is_on_link: bool = True
    ) -> list[Effect]:
        """Give the interface an address for ever; with ``is_on_link`` all with its prefix are neighbours."""
        if is_on_link:
            self._routers.add_prefix(address, length, now)
        return self._addresses.assign(Address(address, length), now, detect=detect)

    def take_away(self, address: bytes) -> list[Effect]:
        """Lose an address that was formed from a prefix, as an administrator wants it; nothing for any other one."""
        return self._parts.autoconfiguration.take_away(address)

    def gives_addresses_like(self, address: bytes, now: float) -> bool:
        """Tell whether an address has a prefix of the link from which addresses are formed."""
        return self._autonomous_until(address, now) is not None

    def give_back(self, address: bytes, now: float) -> list[Effect]:
        """Have such an address, as an administrator wants it, once it is known to be free."""
        until = self._autonomous_until(address, now)
        return [] if until is None else self._parts.autoconfiguration.give_back(address, until, now)

    def _autonomous_until(self, address: bytes, now: float) -> float | None:
        if not self.is_up or not self.parameters.forms_addresses:
            return None
        of_address = (p for p in self.prefixes if wire.in_prefix(address, p.prefix, p.length))
        ends = [p.autonomous_until for p in of_address if p.length == PREFIX_BITS and p.autonomous_until > now]
        return max(ends, default=None)

    def add_anycast(self, address: bytes) -> None:
        """Take packets for an address that others have as well."""
        if address not in self._parts.anycast:
            self._parts.anycast.add(address)
            self._groups.join_for(address)

    def remove_anycast(self, address: bytes) -> None:
        """Undo ``add_anycast``; harmless where there is nothing to undo."""
        if address in self._parts.anycast:
            self._parts.anycast.remove(address)
            self._groups.leave_for(address)

    def add_neighbour(self, address: bytes, link_layer: bytes) -> None:
        """Enter a neighbour that can be reached for ever."""
        self._neighbours.add_static(address, link_layer)

    def join(self, group: bytes) -> None:
        """Listen to a multicast group, once more."""
        self._groups.join(group)

    def leave(self, group: bytes) -> None:
        """Undo ``join``."""
        self._groups.leave(group)

    def advertise(self, advertising: Advertising | None, now: float) -> list[Effect]:
        """Begin to advertise as a router, otherwise than before, or no more (None)."""
        was_router = self._parts.is_router
        effects = self._parts.advertiser.set(advertising, now)
        if self._parts.is_router and not was_router:
            self._groups.join(wire.ALL_ROUTERS)
        elif was_router and not self._parts.is_router:
            self._groups.leave(wire.ALL_ROUTERS)
        return effects

    # Requests.

    def carry_out(self, request: Request, now: float) -> list[Effect]:
        """Do what a role asks of the link; ``Send`` is none of it."""
        if isinstance(request, ProbeAddress):
            return self._addresses.probe(request.address, now)
        if isinstance(request, AssignAddress):
            return self._addresses.assign(Address(request.address, PREFIX_BITS), now, detect=request.detect)
        if isinstance(request, RemoveAddress):
            return self._addresses.remove(request.address)
        if isinstance(request, ConfirmNeighbour):
            return self._confirm_neighbour(request.address, now)
        if isinstance(request, ForgetRouter):
            return self._forget_router(request.router)
        if isinstance(request, SolicitRouters):
            return self._parts.soliciting.ask(now)
        return self._speak_for(request, now)

    def _speak_for(self, request: Request, now: float) -> list[Effect]:
        """Do what is about an address's answering on the link."""
        if isinstance(request, DefendAddress):
            return self._parts.defending.defend(request.address, now)
        if isinstance(request, ReleaseAddress):
            self._parts.defending.release(request.address)
        elif isinstance(request, FindDefender):
            return self._parts.inquiries.ask(request.address, now)
        elif isinstance(request, AnnounceAddress) and self.is_up:
            message = NeighborAdvertisement(request.address, OVERRIDE, (LinkLayer(TARGET, self.link_layer),))
            return [self._context.put(request.address, wire.ALL_NODES, message)]
        return []

    def _confirm_neighbour(self, address: bytes, now: float) -> list[Effect]:
        if not self.is_up:
            return [NeighbourLost(self.name, address)]
        return self._neighbours.ask(address, self._routers.link_layer_of(address), now)

    def _forget_router(self, router: bytes) -> list[Effect]:
        prefixes, names = self._routers.forget(router)
        self._parts.autoconfiguration.forget(prefixes)
        for neighbour in (router, *names):
            self._neighbours.drop(neighbour)
        effects: list[Effect] = []
        for entry in self._addresses:
            if entry.prefix in prefixes:
                effects += self._addresses.remove(entry.address)
        return effects

    # Time.

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self._context.timers.next()

    def advance(self, now: float) -> list[Effect]:
        """Do what is due at a time."""
        effects: list[Effect] = []
        for alarm, address in self._context.timers.due(now):
            self._context.fired(alarm, address)
            effects += self._alarm(alarm, address, now)
        return effects

    def _alarm(self, alarm: Alarm, address: bytes, now: float) -> list[Effect]:
        parts = self._parts
        if alarm is Alarm.ROUTER:
            return parts.routers.end(address)
        if alarm is Alarm.SOLICITATION:
            return parts.soliciting.alarm(now)
        if alarm is Alarm.ADVERTISEMENT:
            return parts.advertiser.alarm(now)
        if alarm is Alarm.DETECTION:
            effects = parts.addresses.detection_alarm(address, now)
            if address == self.link_local:
                self._speak_up(now)
            return effects
        handlers: Mapping[Alarm, Callable[[bytes, float], list[Effect]]] = {
            Alarm.NEIGHBOUR: parts.neighbours.alarm,
            Alarm.LIFETIME: parts.addresses.lifetime_alarm,
            Alarm.RESPONSE: parts.advertiser.response_alarm,
            Alarm.ANNOUNCEMENT: parts.defending.alarm,
            Alarm.INQUIRY: parts.inquiries.alarm,
        }
        return handlers[alarm](address, now)
