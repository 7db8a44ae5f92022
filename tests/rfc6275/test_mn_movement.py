"""Where the mobile node finds itself: movement, care-of addresses, home (RFC 6275 sections 11.5.1 to 11.5.4)."""

from dataclasses import replace

import pytest
from mobile_home_words import (
    DETECTION_S,
    answers_with_option,
    check_away,
    check_home,
    detections,
    home_scene,
    is_echo_reply,
    is_silent,
    probes,
    steps,
)
from mobile_playbook import (
    CN,
    COA1,
    COA2,
    HA,
    HOA,
    HOME_PREFIX,
    IID,
    LINK_LOCAL,
    ND_HOP_LIMIT,
    R0,
    R1,
    R2,
    Answer,
    MobileScene,
    Router,
    echo,
    replies,
)

from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.wire.address import ALL_NODES, parse
from mipsh.wire.icmpv6 import EchoReply, Icmpv6
from mipsh.wire.ndp import AUTONOMOUS, ON_LINK, LinkLayer, PrefixInformation, RouterAdvertisement
from mipsh.wire.packet import Packet

SHARED = parse("fe80::1")
TWIN1, TWIN2 = replace(R1, link_local=SHARED), replace(R2, link_local=SHARED)
"""Two routers of two links, with the same link-local address."""


def advertisement(router: Router, *prefixes: PrefixInformation) -> Packet:
    """Return a router's advertisement of prefixes other than usual."""
    message = RouterAdvertisement(64, 0, 1800, options=(LinkLayer(1, router.mac), *prefixes))
    return Packet(router.local, ALL_NODES, Icmpv6(message), hop_limit=ND_HOP_LIMIT)


def stays(scene: MobileScene, since: float, seconds: float) -> None:
    """See that in some time nothing is registered, and that the care-of address stays in use."""
    scene.wait(seconds)
    assert scene.updates(since=since) == []
    assert answers_with_option(scene, COA1)


def test_mn_3_2_1_1_001__care_of_address_by_autoconfiguration() -> None:
    """The link-local and the care-of address are tested, and only then the latter is registered."""
    scene = home_scene()
    scene.plug(R1)
    scene.wait(5)
    (link_local,), (care_of,) = detections(scene, LINK_LOCAL), detections(scene, COA1)
    (one,) = scene.updates()
    check_away(one, COA1)
    assert one[0].time >= care_of.time + DETECTION_S
    assert link_local.time <= care_of.time


def test_mn_3_3_1_1_002__the_router_before_still_answers() -> None:
    """Another router alone is no movement: the one in use is asked, and answers."""
    scene = home_scene()
    scene.register(R1)
    heard = scene.now
    scene.appear(R2)
    assert R1.address in probes(scene, heard)
    stays(scene, heard, 20)


def test_mn_3_3_1_1_003__confirmed_by_its_global_address() -> None:
    """The router in use is asked at the address that it advertises with the R flag (section 7.2)."""
    scene = home_scene()
    scene.register(R1)
    scene.unreachable.add(R1)
    heard = scene.now
    scene.appear(R2)
    assert probes(scene, heard) == {R1.address}
    scene.wait(5)
    (one,) = scene.updates(since=heard)
    check_away(one, COA2)


def test_mn_3_3_1_1_004__the_care_of_address_before_is_dropped() -> None:
    """Once the router is lost, its care-of address is nobody's."""
    scene = home_scene()
    scene.register(R1)
    assert len(replies(scene.deliver(echo(CN, COA1)))) == 1
    scene.disappear(R1)
    scene.appear(R2)
    scene.wait(10)
    assert answers_with_option(scene, COA2)
    assert scene.deliver(echo(CN, COA1)) == []
    assert is_silent(scene, COA1)


def test_mn_4_1_2_2_010__the_care_of_address_before_a_change_of_links() -> None:
    """Behind a change of links it is of no use, from the first advertisement of the new link on."""
    scene = home_scene()
    scene.register(R1)
    scene.plug(R2)
    scene.wait(0.5)
    assert scene.deliver(echo(CN, COA1)) == []
    assert is_silent(scene, COA1)
    scene.wait(5)
    assert answers_with_option(scene, COA2)
    assert scene.deliver(echo(CN, COA1)) == []
    assert is_silent(scene, COA1)


def test_mn_3_3_1_1_005__routers_that_share_a_link_local_address() -> None:
    """They are told apart by their global addresses: the other one's advertisement has the first one confirmed."""
    scene = home_scene()
    scene.register(TWIN1)
    heard = scene.now
    scene.appear(TWIN2)
    assert probes(scene, heard) & {R1.address, SHARED} == {R1.address}
    stays(scene, heard, 20)


def test_mn_3_3_1_1_005__routers_that_share_a_link_local_address_one_gone() -> None:
    """Where the first one does not answer, the node moved to the other one."""
    scene = home_scene()
    scene.register(TWIN1)
    heard = scene.now
    scene.disappear(TWIN1)
    scene.appear(TWIN2)
    scene.wait(20)
    assert probes(scene, heard) >= {R1.address}
    (one,) = scene.updates(since=heard)
    check_away(one, COA2)
    assert answers_with_option(scene, COA2)


def test_r_mn_20__a_new_router_while_the_old_one_answers() -> None:
    """However often the other router is heard, and for however long, there is no movement."""
    scene = home_scene()
    scene.register(R1)
    heard = scene.now
    for _ in range(10):
        scene.appear(R2)
        stays(scene, heard, 20)
    assert R1.address in probes(scene, heard)


@pytest.mark.parametrize(
    ("flags", "prefix", "length", "is_home"),
    [
        (ON_LINK | AUTONOMOUS, HOME_PREFIX, 64, True),
        (ON_LINK, HOME_PREFIX, 64, True),
        (AUTONOMOUS, HOME_PREFIX, 64, False),
        (ON_LINK, HOME_PREFIX, 63, False),
        (ON_LINK, HOME_PREFIX, 65, False),
        (ON_LINK | AUTONOMOUS, R2.prefix, 64, False),
    ],
)
def test_r_mn_21__what_is_the_home_link(flags: int, prefix: bytes, length: int, is_home: bool) -> None:
    """It is where the home prefix itself is on the link, and nothing else."""
    scene = home_scene()
    scene.register(R1)
    moved = scene.now
    scene.answering.remove(Answer.SOLICITED_ADVERTISEMENT)
    scene.plug(R0)
    scene.deliver(advertisement(R0, PrefixInformation(length, flags, 3600, 3600, prefix)))
    scene.wait(10)
    updates = scene.updates(since=moved)
    if is_home:
        (one,) = updates
        check_home(one, R0.mac)
    else:
        can_register = flags & AUTONOMOUS
        assert len(updates) == (1 if can_register else 0)
        for one in updates:
            check_away(one, prefix[:8] + IID)
        assert detections(scene, HOA) == []


def test_r_mn_22__two_prefixes() -> None:
    """Of two addresses one is the primary care-of address and is registered; both are the node's."""
    first, second = (PrefixInformation(64, ON_LINK | AUTONOMOUS, 3600, 3600, r.prefix) for r in (R1, R2))
    scene = home_scene()
    scene.answering.remove(Answer.SOLICITED_ADVERTISEMENT)
    scene.plug(R1)
    scene.deliver(advertisement(R1, first, second))
    scene.wait(10)
    (one,) = scene.updates()
    primary = one[0].packet.source
    assert primary in (COA1, COA2)
    check_away(one, primary)
    assert answers_with_option(scene, primary)
    for address in (COA1, COA2):
        (reply,) = replies(scene.deliver(echo(CN, address)))
        assert (reply.packet.source, reply.packet.destination, reply.packet.headers) == (address, CN, ())


def test_r_mn_23__an_address_that_is_being_tested() -> None:
    """It is not registered and not sent from, while the care-of address before is on the link and in use."""
    scene = home_scene()
    scene.register(R1)
    second = PrefixInformation(64, ON_LINK | AUTONOMOUS, 3600, 3600, R2.prefix)
    heard = scene.now
    scene.deliver(advertisement(R1, second))
    scene.wait(DETECTION_S / 2)
    assert len(detections(scene, COA2)) == 1
    assert scene.deliver(echo(CN, COA2)) == []
    sent = scene.say(Packet(HOA, CN, Icmpv6(EchoReply(1, 1))))
    (reply,) = replies(sent)
    assert (reply.packet.destination, reply.is_tunnelled) == (HA, True)
    assert {seen.packet.source for seen in sent} == {COA1}
    stays(scene, heard, 10)


def test_r_mn_23__a_new_link_while_its_address_is_being_tested() -> None:
    """On a new link nothing leaves before the test has ended; the registration is first, and what waited follows."""
    scene = home_scene()
    scene.register(R1)
    moved = scene.now
    scene.plug(R2)
    scene.wait(DETECTION_S / 2)
    assert len(detections(scene, COA2)) == 1
    assert scene.say(Packet(HOA, CN, Icmpv6(EchoReply(1, 1)))) == []
    assert scene.updates(since=moved) == []

    sent = [seen for seen in scene.wait(5) if seen.packet.source == COA2]
    (one,) = scene.updates(since=moved)
    check_away(one, COA2)
    assert one[0].time >= detections(scene, COA2)[0].time + DETECTION_S
    assert sent[0] is one[0]
    (waited,) = [seen for seen in sent if is_echo_reply(seen)]
    assert (waited.packet.destination, waited.is_tunnelled) == (HA, True)
    assert steps(scene.updates()) == [1]


def test_r_mn_23__optimistic_addresses() -> None:
    """An optimistic address is registered at once (RFC 4429 section 3.3)."""
    scene = MobileScene(home_scene().parameters, InterfaceParameters(is_optimistic=True))
    scene.plug(R1)
    scene.wait(DETECTION_S / 2)
    (one,) = scene.updates()
    check_away(one, COA1)
    assert answers_with_option(scene)
