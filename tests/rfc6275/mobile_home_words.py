"""What the tests of a mobile node's home registration say again and again, over a ``MobileScene``."""

from collections.abc import Iterable
from itertools import pairwise

from mobile_playbook import COA1, HA, HOA, PARAMETERS, UNIT, MobileScene, Seen
from msgspec import structs

from mipsh.mobility.effects import Protection, Purpose
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.wire.address import ALL_NODES, UNSPECIFIED, parse, solicited_node
from mipsh.wire.icmpv6 import Icmpv6, MobilePrefixSolicitation
from mipsh.wire.mobility import ACKNOWLEDGE, HOME, AlternateCareOfAddress, BindingUpdate
from mipsh.wire.ndp import LinkLayer, NeighborAdvertisement, NeighborSolicitation

REGISTRATION = Protection(Purpose.REGISTRATION, HOA)
PREFIX_DISCOVERY = Protection(Purpose.PREFIX_DISCOVERY, HOA)
REQUIRED = frozenset((Purpose.REGISTRATION, Purpose.PREFIX_DISCOVERY, Purpose.RETURN_ROUTABILITY))
PROTECTED = structs.replace(PARAMETERS, required=REQUIRED)
"""A mobile node whose registrations and prefix discovery go "in ESP"."""
UNTOLD = structs.replace(PROTECTED, homes=(Home(HOA),))
"""One that has to discover its home agent."""
LONG = structs.replace(PROTECTED, home_lifetime_s=3600.0)
"""One that asks for so much time that a whole ladder of retransmissions fits into it."""
ANYCAST = parse("2001:db8:0:1:fdff:ffff:ffff:fffe")
"""The home agents of the home link (RFC 6275 section 8.4, RFC 2526)."""
FIRST_LADDER = (1.5, 3.0, 6.0, 12.0, 24.0, 32.0, 32.0)
LATER_LADDER = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 32.0)
DETECTION_S = 1.0
"""How long duplicate address detection takes: one solicitation, and a second of silence."""


def home_scene(parameters: MobileNodeParameters = PROTECTED) -> MobileScene:
    """Return a mobile node whose registrations must be protected."""
    return MobileScene(parameters)


def times(sent: Iterable[tuple[Seen, object]]) -> list[float]:
    """Return when messages were sent."""
    return [seen.time for seen, _ in sent]


def gaps(sent: Iterable[tuple[Seen, object]]) -> list[float]:
    """Return the seconds between messages."""
    sent_at = times(sent)
    return [round(later - earlier, 6) for earlier, later in pairwise(sent_at)]


def steps(sent: Iterable[tuple[Seen, BindingUpdate]]) -> list[int]:
    """Return by how much the sequence number grew from one Binding Update to the next, modulo 65536."""
    numbers = [update.sequence for _, update in sent]
    return [(later - earlier) % 65_536 for earlier, later in pairwise(numbers)]


def check_away(
    one: tuple[Seen, BindingUpdate],
    care_of_address: bytes = COA1,
    *,
    agent: bytes = HA,
    lifetime: int = 105,
    protection: Protection | None = REGISTRATION,
) -> None:
    """Hold a Binding Update to all that a home registration from a foreign link is."""
    seen, update = one
    packet = seen.packet
    assert (packet.source, packet.destination, packet.home_address_option) == (care_of_address, agent, HOA)
    assert (packet.routing_home_address, seen.is_tunnelled, seen.protection) == (None, False, protection)
    assert (update.flags, update.lifetime) == (ACKNOWLEDGE | HOME, lifetime)
    assert alternates(update) == [care_of_address]


def check_home(one: tuple[Seen, BindingUpdate], link_layer: bytes, *, agent: bytes = HA) -> None:
    """Hold a Binding Update to all that a deregistration from the home link is (RFC 6275 section 11.5.5)."""
    seen, update = one
    assert (seen.packet.source, seen.packet.destination, seen.packet.headers) == (HOA, agent, ())
    assert (seen.link_layer, seen.is_tunnelled, seen.protection) == (link_layer, False, REGISTRATION)
    assert (update.flags, update.lifetime) == (ACKNOWLEDGE | HOME, 0)
    assert alternates(update) == [HOA]


def alternates(update: BindingUpdate) -> list[bytes]:
    """Return the addresses in the Alternate Care-of Address options."""
    return [option.address for option in update.options if isinstance(option, AlternateCareOfAddress)]


def answers_with_option(scene: MobileScene, care_of_address: bytes = COA1) -> bool:
    """E-RH2 of the home agent: tell whether it is answered at once with a Home Address option."""
    answers = scene.echo_by_routing_header(HA, care_of_address)
    where = [(seen.packet.source, seen.packet.destination, seen.packet.home_address_option) for seen in answers]
    return where == [(care_of_address, HA, HOA)]


def is_silent(scene: MobileScene, care_of_address: bytes = COA1) -> bool:
    """E-RH2: tell whether it is not answered in any way."""
    mark = len(scene.log)
    answers = scene.echo_by_routing_header(HA, care_of_address)
    scene.wait(2.0)
    late = [seen for seen in scene.log[mark:] if is_echo_reply(seen)]
    return not answers and not late


def is_echo_reply(seen: Seen) -> bool:
    """Tell whether a packet is an Echo Reply."""
    return isinstance(seen.inner.upper, Icmpv6) and seen.inner.upper.type == 129


def detections(scene: MobileScene, target: bytes, since: float = 0.0) -> list[Seen]:
    """Return the solicitations for an address from the unspecified address: DAD, or who defends it?"""
    found = []
    for seen, message in scene.icmp(NeighborSolicitation, since):
        if message.target == target and seen.packet.source == UNSPECIFIED:
            assert (seen.packet.destination, seen.packet.hop_limit) == (solicited_node(target), 255)
            assert not any(isinstance(option, LinkLayer) for option in message.options)
            found.append(seen)
    return found


def probes(scene: MobileScene, since: float = 0.0) -> set[bytes]:
    """Return whom the node solicited from an address of its own: neighbours that it looks for or confirms."""
    sent = scene.icmp(NeighborSolicitation, since)
    return {message.target for seen, message in sent if seen.packet.source != UNSPECIFIED}


def announcements(scene: MobileScene, since: float = 0.0) -> list[tuple[Seen, NeighborAdvertisement]]:
    """Return the Neighbour Advertisements to all nodes."""
    sent = scene.icmp(NeighborAdvertisement, since)
    return [(seen, message) for seen, message in sent if seen.packet.destination == ALL_NODES]


def solicitations(scene: MobileScene, since: float = 0.0) -> list[tuple[Seen, MobilePrefixSolicitation]]:
    """Return the Mobile Prefix Solicitations, each of which must be one (RFC 6275 section 6.7)."""
    sent = scene.icmp(MobilePrefixSolicitation, since)
    for seen, message in sent:
        packet = seen.packet
        assert (packet.source, packet.destination, packet.home_address_option) == (COA1, HA, HOA)
        assert (message.code, message.reserved, message.trailer) == (0, 0, b"")
        assert (seen.is_tunnelled, seen.protection) == (False, PREFIX_DISCOVERY)
    return sent


def ends_at(one: tuple[Seen, BindingUpdate], lifetime: int) -> float:
    """Return when a registration ends that is granted for a lifetime."""
    return one[0].time + lifetime * UNIT
