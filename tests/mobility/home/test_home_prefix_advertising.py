"""Mobile Prefix Advertisements, asked for and unasked (RFC 6275 section 10.6)."""

from typing import Any

import pytest
from home_scene import (
    COA,
    COA2,
    HA,
    HOA,
    HOA2,
    INTERFACE,
    LINK,
    OTHER_PREFIX,
    HomeScene,
    acknowledged,
    of_kind,
    only_send,
    reread,
    sends,
)
from msgspec import structs

from mipsh.mobility.effects import Emit, Protection, Purpose, ReleaseAddress, RemoveBinding
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.wire.address import parse
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import MANAGED, Icmpv6, MobilePrefixAdvertisement, MobilePrefixSolicitation
from mipsh.wire.mobility import ACKNOWLEDGE, HOME, MOBILE_ROUTER
from mipsh.wire.ndp import INFINITY, ON_LINK
from mipsh.wire.packet import Packet

DISCOVERY = Protection(Purpose.PREFIX_DISCOVERY, HOA)
LONG = 65535
"""A lifetime in units of 4 seconds, about three days."""
SECOND = HomeLink(INTERFACE, parse("2001:db8:0:a::1"), OTHER_PREFIX)
ELSEWHERE = HomeLink("eth1", parse("2001:db8:0:b::1"), parse("2001:db8:0:b::"))
LEAST, MOST = 600, 86_400


def scene(links: tuple[HomeLink, ...] = (LINK,), **changes: Any) -> HomeScene:
    """Return a home agent with a mobile node that is away."""
    at = HomeScene(structs.replace(HomeAgentParameters(links), **changes))
    at.update(lifetime=LONG)
    return at


def advertised(effects: Any, source: bytes = HA, care_of: bytes = COA) -> MobilePrefixAdvertisement:
    """Return the only advertisement that is sent, through a routing header."""
    packet = only_send(effects).packet
    assert (packet.source, packet.destination, packet.headers) == (source, care_of, (Type2RoutingHeader(HOA),))
    assert isinstance(packet.upper, Icmpv6)
    assert isinstance(packet.upper.message, MobilePrefixAdvertisement)
    return packet.upper.message


def test_a_solicitation_is_answered() -> None:
    """With its identifier and all prefixes of the home link."""
    at = scene((LINK, SECOND, ELSEWHERE), advertisement_flags=MANAGED)
    message = advertised(at.solicit(identifier=0xABCD))
    assert (message.identifier, message.flags) == (0xABCD, MANAGED)
    assert message.options == (LINK.information, SECOND.information)


def test_solicitations_that_are_not_answered() -> None:
    """Those of nobody who is bound, or from elsewhere than the care-of address."""
    assert HomeScene().solicit() == []
    assert scene().solicit(source=COA2) == []
    plain = reread(Packet(COA, HA, Icmpv6(MobilePrefixSolicitation(1))))
    assert scene().agent.receive_icmpv6(plain, None, 1000.0) == []


def test_solicitations_are_limited() -> None:
    """So that nobody is flooded with advertisements."""
    at = scene()
    assert sum(at.solicit() != [] for _ in range(50)) == 10


@pytest.mark.parametrize("given", [None, Protection(Purpose.PREFIX_DISCOVERY, HOA2)])
def test_protection(given: Protection | None) -> None:
    """Where it is required, both are protected."""
    at = scene(required=frozenset((Purpose.PREFIX_DISCOVERY,)))
    assert at.solicit(given) == []
    assert only_send(at.solicit(DISCOVERY)).protection == DISCOVERY


def test_a_mobile_router_without_a_home_link_is_told_nothing() -> None:
    """There are no prefixes to tell it of."""
    network = parse("2001:db8:f:1::")
    home = network[:15] + b"\x05"
    at = HomeScene(structs.replace(HomeAgentParameters((LINK,)), mobile_networks=((home, ((network, 64),)),)))
    at.update(flags=ACKNOWLEDGE | HOME | MOBILE_ROUTER, hao=home, lifetime=LONG)
    assert at.advance(MOST) == []


def test_once_in_a_while_all_is_told() -> None:
    """When nothing was for the longest interval; then again and again until something is heard."""
    at = scene()
    assert at.advance(MOST - 1) == []
    assert len(sends(at.advance(1))) == 1
    assert [len(sends(at.advance(seconds))) for seconds in (3, 6, 12)] == [1, 1, 1]
    assert at.advance(MOST - 22) == []


@pytest.mark.parametrize(
    "changes",
    [{"valid_s": 1_000_000}, {"preferred_s": 100_000}, {"flags": ON_LINK}, {"preferred_s": 0}],
)
def test_what_is_told_at_once(changes: dict[str, int]) -> None:
    """That the own prefix ends earlier, or is used in another way."""
    at = scene()
    changed = structs.replace(LINK, **changes)
    message = advertised(at.agent.set_prefixes((changed,), at.now))
    assert message.options == (changed.information,)
    assert at.agent.parameters.links == (changed,)


@pytest.mark.parametrize(
    "links",
    [
        (LINK, SECOND),
        (structs.replace(LINK, valid_s=INFINITY),),
        (structs.replace(LINK, preferred_s=1_000_000),),
        (structs.replace(LINK, preference=9),),
        (LINK, structs.replace(SECOND, valid_s=0)),
    ],
)
def test_what_is_told_after_a_random_delay(links: tuple[HomeLink, ...]) -> None:
    """What else changed, between the shortest and the longest interval."""
    at = scene()
    assert at.agent.set_prefixes(links, at.now) == []
    assert at.advance(LEAST - 1) == []
    first = at.agent.next_deadline()
    assert first is not None
    assert 0 <= first - at.now <= MOST - LEAST
    assert advertised(at.advance(first - at.now)).options == tuple(link.information for link in links)


def test_what_is_told_soon_is_told_together() -> None:
    """A second change does not put off the first; another link's does not matter."""
    at = scene()
    at.agent.set_prefixes((LINK, SECOND), at.now)
    first = at.agent.next_deadline()
    at.advance(1)
    at.agent.set_prefixes((LINK, structs.replace(SECOND, valid_s=INFINITY)), at.now)
    second = at.agent.next_deadline()
    assert first is not None
    assert second is not None
    assert second <= first
    other = scene()
    before = other.agent.next_deadline()
    other.agent.set_prefixes((LINK, ELSEWHERE), other.now)
    assert other.agent.next_deadline() == before


def test_a_delay_with_a_short_lifetime() -> None:
    """The interval that is left may be none."""
    at = scene((structs.replace(LINK, preferred_s=LEAST),))
    assert at.agent.set_prefixes((structs.replace(LINK, preferred_s=LEAST), SECOND), at.now) == []
    assert at.agent.next_deadline() == at.now + LEAST


def test_not_all_are_told_at_the_same_instant() -> None:
    """So many a second."""
    at = scene(advertisements_per_s=0.5)
    at.update(hao=HOA2, lifetime=LONG)
    assert len(sends(at.agent.set_prefixes((structs.replace(LINK, preferred_s=1000),), at.now))) == 1
    assert len(sends(at.advance(1.9))) == 0
    assert len(sends(at.advance(0.1))) == 1


@pytest.mark.parametrize("answer", ["solicitation", "update"])
def test_retransmission_stops_when_something_is_heard(answer: str) -> None:
    """A solicitation, or a Binding Update (section 10.6.2)."""
    at = scene()
    at.agent.set_prefixes((structs.replace(LINK, preferred_s=1000),), at.now)
    assert len(sends(at.advance(3))) == 1
    if answer == "solicitation":
        assert len(at.solicit()) == 1
    else:
        assert acknowledged(at.update(s=2, lifetime=LONG)).status == 1
    assert at.advance(1000) == []


def test_what_is_scheduled_survives_a_refresh() -> None:
    """It was not sent yet."""
    at = scene()
    at.agent.set_prefixes((LINK, SECOND), at.now)
    before = at.agent.next_deadline()
    at.update(s=2, lifetime=LONG)
    assert at.agent.next_deadline() == before


def test_a_binding_ends_with_its_prefix() -> None:
    """Not later than its valid lifetime, and at once where it is gone (section 10.3.1)."""
    at = scene()
    at.effects(hao=HOA2)
    at.agent.set_prefixes((structs.replace(LINK, valid_s=100),), at.now)
    assert of_kind(at.advance(99.9), RemoveBinding) == []
    assert of_kind(at.advance(0.1), RemoveBinding) == [RemoveBinding(HOA, HA)]
    gone = scene()
    gone.effects(hao=HOA2)
    gone.update(hao=parse("2001:db8:0:1::cc"))
    gone.update(s=2, hao=parse("2001:db8:0:1::cc"), lifetime=0)
    effects = gone.agent.set_prefixes((), gone.now)
    assert effects[:3] == [
        RemoveBinding(HOA, HA),
        ReleaseAddress(INTERFACE, HOA),
        Emit("mip6MnBindingExpiredAtHA", HOA, COA, HA),
    ]
    assert acknowledged(effects, COA, HOA2).status == 128
    assert len(gone.agent.cache) == 1
    assert gone.agent.anycast_addresses == ()


def test_a_prefix_for_ever_changes_no_binding() -> None:
    """Its lifetime does not end."""
    at = scene()
    before = [entry.expires for entry in at.agent.bindings]
    at.agent.set_prefixes((structs.replace(LINK, valid_s=INFINITY, preferred_s=INFINITY),), at.now)
    assert [entry.expires for entry in at.agent.bindings] == before
    assert at.agent.anycast_addresses == ((INTERFACE, LINK.anycast),)
