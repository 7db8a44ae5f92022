"""Mobile Prefix Solicitations and Advertisements at the home agent (RFC 6275 sections 6.7, 6.8 and 10.6)."""

from itertools import pairwise

import pytest
from home_playbook import (
    COA,
    HOA,
    HOA2,
    HOME_INTERFACE,
    LINK,
    STRICT,
    VIRTUAL,
    HomeAgentScene,
    Seen,
    Update,
    advertisement,
    said,
    solicit_prefixes,
)
from msgspec import structs

from mipsh.mobility.effects import Protection, Purpose
from mipsh.mobility.home.parameters import HomeLink
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import MobilePrefixAdvertisement
from mipsh.wire.mobility import BindingAcknowledgement
from mipsh.wire.ndp import ON_LINK

DISCOVERY = Protection(Purpose.PREFIX_DISCOVERY, HOA)
LONG = 0xFFFF
LEAST_S, MOST_S = 600, 86_400
TIMEOUT_S, RETRIES = 3, 3
SHORTER = structs.replace(LINK, valid_s=10_000, preferred_s=8_000)
SECOND = HomeLink(HOME_INTERFACE, parse("2001:db8:0:b::1"), parse("2001:db8:0:b::"))


def away(parameters: HomeLink = LINK, **changes: float) -> HomeAgentScene:
    """Return a home agent with a mobile node that is away for long."""
    scene = HomeAgentScene(structs.replace(STRICT, links=(parameters,), **changes))
    scene.hreg(lifetime=LONG)
    return scene


def advertised(seen: list[Seen]) -> list[Seen]:
    """Return the Mobile Prefix Advertisements among packets; each is protected and has a routing header."""
    found = [one for one in seen if isinstance(one.message, MobilePrefixAdvertisement)]
    for one in found:
        advertisement(one, DISCOVERY)
    return found


def test_ha_8_1_4__a_solicitation_without_a_registration() -> None:
    """There is no advertisement; the Home Address option meets no binding, unless ESP hides that, then silence."""
    scene = HomeAgentScene(VIRTUAL)
    scene.binding_error(solicit_prefixes(), 1, HOA)
    scene.binding_error(solicit_prefixes(), 1, HOA, DISCOVERY)
    assert advertised(scene.log) == []


def test_ha_8_1_8__lifetimes_of_changed_prefixes() -> None:
    """Told as they are now, and no binding is granted for longer."""
    scene = HomeAgentScene(VIRTUAL)
    scene.hreg(lifetime=LONG)
    assert scene.prefixes().options == (LINK.information,)
    scene.change_prefixes(SHORTER)
    scene.wait(1)
    assert scene.prefixes().options == (SHORTER.information,)
    message = scene.accepted(Update(16, LONG))
    assert (message.lifetime, message.status) == (2_500, 1)


def test_ha_8_1_16__a_reserved_field() -> None:
    """It is ignored."""
    scene = HomeAgentScene(VIRTUAL)
    scene.hreg()
    assert scene.prefixes(reserved=1) == MobilePrefixAdvertisement(0x4321, 0, (LINK.information,))


def test_an_unprotected_solicitation() -> None:
    """It is dropped where protection is required."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.silence(solicit_prefixes())


@pytest.mark.parametrize(
    "links",
    [(SHORTER,), (structs.replace(LINK, flags=ON_LINK),), (structs.replace(LINK, preferred_s=0),)],
)
def test_r_ha_34__at_once(links: tuple[HomeLink, ...]) -> None:
    """Where lifetimes shrink or flags change, all registered mobile nodes are told."""
    scene = away()
    scene.accepted(Update(lifetime=LONG, hao=HOA2))
    told = scene.change_prefixes(*links) + scene.wait(1)
    assert [said(seen, MobilePrefixAdvertisement).options for seen in told] == [
        tuple(link.information for link in links)
    ] * 2
    assert {seen.protection for seen in told} == {DISCOVERY, Protection(Purpose.PREFIX_DISCOVERY, HOA2)}
    assert {seen.packet.destination for seen in told} == {COA}


@pytest.mark.parametrize("links", [(LINK, SECOND), (structs.replace(LINK, valid_s=0xFFFFFFFF),)])
def test_r_ha_34__after_a_random_delay(links: tuple[HomeLink, ...]) -> None:
    """Other changes are told between the shortest and the longest interval."""
    scene = away()
    changed_at = scene.now
    assert scene.change_prefixes(*links) == []
    told = advertised(scene.wait(MOST_S))
    assert LEAST_S <= told[0].time - changed_at <= MOST_S
    assert said(told[0], MobilePrefixAdvertisement).options == tuple(link.information for link in links)


def test_r_ha_35__retransmission() -> None:
    """After 3 seconds, and twice as long each time, three times in all."""
    scene = away()
    told = advertised(scene.change_prefixes(SHORTER) + scene.wait(1_000))
    assert len(told) == 1 + RETRIES
    assert [later.time - sooner.time for sooner, later in pairwise(told)] == [3, 6, 12]


@pytest.mark.parametrize("answer", ["solicitation", "update"])
def test_r_ha_35__an_answer_ends_it(answer: str) -> None:
    """A solicitation, or a Binding Update."""
    scene = away()
    assert len(advertised(scene.change_prefixes(SHORTER) + scene.wait(4))) == 2
    if answer == "solicitation":
        scene.prefixes()
    else:
        said(scene.acknowledged(Update(16), 0), BindingAcknowledgement)
    assert advertised(scene.wait(300)) == []


def test_r_ha_36__how_it_is_sent() -> None:
    """From the address that the mobile node uses, through a routing header, protected; asked for or not."""
    scene = away()
    scene.prefixes()
    (unasked,) = advertised(scene.change_prefixes(SHORTER))
    assert (unasked.packet.destination, unasked.protection) == (COA, DISCOVERY)


@pytest.mark.parametrize("identifier", [0, 1, 0x8000, 0xFFFF])
def test_r_ha_37__the_identifier(identifier: int) -> None:
    """It comes back."""
    scene = HomeAgentScene()
    scene.hreg()
    assert scene.prefixes(identifier).identifier == identifier
