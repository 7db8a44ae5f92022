"""What an interface does about each neighbour discovery message that it receives (RFC 4861, RFC 4862)."""

from msgspec import Struct

from mipsh.mobility.effects import Effect, RouterAdvertised
from mipsh.mobility.host.addresses import Addresses, State
from mipsh.mobility.host.advertising import Advertiser
from mipsh.mobility.host.autoconfiguration import Autoconfiguration
from mipsh.mobility.host.context import Context, encoded
from mipsh.mobility.host.defending import Defending
from mipsh.mobility.host.inquiries import Inquiries
from mipsh.mobility.host.neighbours import Neighbours
from mipsh.mobility.host.routers import Routers
from mipsh.mobility.host.soliciting import Soliciting
from mipsh.mobility.host.validate import SOURCE, TARGET, link_layer_of, validate
from mipsh.wire import address as wire
from mipsh.wire.ndp import (
    OVERRIDE,
    ROUTER,
    SOLICITED,
    LinkLayer,
    NeighborAdvertisement,
    NeighborSolicitation,
    Redirect,
    RouterAdvertisement,
    RouterSolicitation,
)
from mipsh.wire.packet import Packet


class Parts(Struct):
    """The parts of an interface."""

    context: Context
    addresses: Addresses
    neighbours: Neighbours
    routers: Routers
    autoconfiguration: Autoconfiguration
    soliciting: Soliciting
    advertiser: Advertiser
    defending: Defending
    inquiries: Inquiries
    anycast: set[bytes]

    @property
    def is_router(self) -> bool:
        """Whether the interface is a router's."""
        return self.advertiser.advertising is not None or not self.context.parameters.accepts_advertisements


def receive(parts: Parts, packet: Packet, now: float) -> list[Effect]:
    """Take in a packet; what is no valid message, or comes from an address that is surely ours, is dropped."""
    message = validate(packet)
    if message is None or parts.addresses.has_tested(packet.source):
        return []
    if isinstance(message, NeighborSolicitation):
        return _neighbor_solicitation(parts, packet, message, now)
    if isinstance(message, NeighborAdvertisement):
        return _neighbor_advertisement(parts, message, now)
    if isinstance(message, RouterSolicitation):
        return _router_solicitation(parts, packet, message, now)
    if isinstance(message, RouterAdvertisement):
        return _router_advertisement(parts, packet, message, now)
    return _redirect(parts, packet, message, now)


def _neighbor_solicitation(parts: Parts, packet: Packet, message: NeighborSolicitation, now: float) -> list[Effect]:
    """Answer for an address, or find that it is tested by two at a time (RFC 4861 section 7.2.4, RFC 4862 5.4.3)."""
    is_test = packet.source == wire.UNSPECIFIED
    if is_test and parts.addresses.is_in_doubt(message.target):
        if parts.addresses.detection.is_echo(message.target, message.options):
            return []
        return parts.addresses.conflict(message.target)
    answer = _answer(parts, message.target)
    if answer is None:
        return []
    if is_test:
        source = _source_of_answer(parts, message.target, wire.ALL_NODES)
        return [] if source is None else [parts.context.put(source, wire.ALL_NODES, answer)]
    given = link_layer_of(message.options, SOURCE)
    effects = [] if given is None else parts.neighbours.heard(packet.source, given, now)
    source = _source_of_answer(parts, message.target, packet.source)
    if source is None:
        return effects
    answer = NeighborAdvertisement(answer.target, answer.flags | SOLICITED, answer.options)
    return [*effects, *parts.neighbours.transmit(encoded(source, packet.source, answer), packet.source, now)]


def _answer(parts: Parts, target: bytes) -> NeighborAdvertisement | None:
    """Return what is said of an address, None where it is no business of this interface's.

    Nothing is overridden by an address that is not yet sure, has other owners, or is only defended
    (RFC 4429 section 3.3, RFC 4861 sections 7.2.7 and 7.2.8).
    """
    flags = ROUTER if parts.is_router else 0
    if parts.addresses.owns(target):
        if parts.addresses.state(target) is not State.OPTIMISTIC:
            flags |= OVERRIDE
    elif target in parts.defending:
        flags = 0
    elif target not in parts.anycast:
        return None
    return NeighborAdvertisement(target, flags, (LinkLayer(TARGET, parts.context.link_layer),))


def _source_of_answer(parts: Parts, target: bytes, destination: bytes) -> bytes | None:
    """Return the address that an answer comes from: the target, where it is the interface's own."""
    if parts.addresses.owns(target):
        return target
    return parts.addresses.source_for(destination) or parts.addresses.source_for(wire.ALL_NODES)


def _neighbor_advertisement(parts: Parts, message: NeighborAdvertisement, now: float) -> list[Effect]:
    """Learn where a neighbour is, whether it still answers, or that it has an address that was to be ours."""
    given = link_layer_of(message.options, TARGET)
    if message.target in parts.inquiries:
        return [] if given is None else parts.inquiries.answered(message.target, given)
    if parts.addresses.is_in_doubt(message.target):
        return parts.addresses.conflict(message.target)
    if parts.addresses.owns(message.target):
        return []
    return parts.neighbours.advertised(message, now)


def _router_solicitation(parts: Parts, packet: Packet, message: RouterSolicitation, now: float) -> list[Effect]:
    if not parts.is_router:
        return []
    given = link_layer_of(message.options, SOURCE)
    effects = [] if given is None else parts.neighbours.heard(packet.source, given, now)
    return [*effects, *parts.advertiser.solicited(packet.source, now)]


def _router_advertisement(parts: Parts, packet: Packet, message: RouterAdvertisement, now: float) -> list[Effect]:
    """Learn of a router and of its link; a router only learns who its peer is (RFC 4861 sections 6.2.7 and 6.3.4)."""
    given = link_layer_of(message.options, SOURCE)
    effects: list[Effect] = [RouterAdvertised(parts.context.name, packet.source, message)]
    parameters = parts.context.parameters
    parts.routers.name(packet.source, message, given)
    if parameters.accepts_advertisements:
        parts.context.learn(message)
        effects += parts.routers.hear(packet.source, message, now)
        if message.lifetime_s:
            parts.soliciting.stop()
        if parameters.forms_addresses:
            effects += parts.autoconfiguration.hear(message.options, now)
    if given is not None:
        effects += parts.neighbours.heard(packet.source, given, now)
    return effects


def _redirect(parts: Parts, packet: Packet, message: Redirect, now: float) -> list[Effect]:
    """Use a better first hop from now on (RFC 4861 section 8.3); routers take no Redirects."""
    if not parts.context.parameters.accepts_advertisements:
        return []
    if not parts.routers.redirect(packet.source, message, now):
        return []
    given = link_layer_of(message.options, TARGET)
    return [] if given is None else parts.neighbours.heard(message.target, given, now)
