"""Duplicate address detection for mobile nodes on their home link (RFC 6275 section 10.3.1)."""

import pytest
from home_playbook import (
    AH,
    CN0_MAC,
    COA,
    DAD_S,
    HA,
    HOA,
    HOA_LINK_LOCAL,
    HOME_INTERFACE,
    ND_HOP_LIMIT,
    VIRTUAL,
    HomeAgentScene,
    Seen,
    Update,
    advised,
    said,
    solicitation,
)

from mipsh.wire.address import ALL_NODES, UNSPECIFIED, solicited_node
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import HOME, LINK_LOCAL, BindingAcknowledgement
from mipsh.wire.ndp import OVERRIDE, LinkLayer, NeighborAdvertisement, NeighborSolicitation, OtherOption
from mipsh.wire.packet import Packet

RETRANS_TIMER_S = 1.0
NONCE = 14


def probes(seen: list[Seen]) -> list[bytes]:
    """Return what is probed: solicitations from :: to the target's group, on the home link."""
    targets = []
    for one in seen:
        if isinstance(one.message, NeighborSolicitation) and one.packet.source == UNSPECIFIED:
            assert (one.packet.destination, one.packet.hop_limit) == (solicited_node(one.message.target), ND_HOP_LIMIT)
            assert one.interface == HOME_INTERFACE
            # A nonce (RFC 7527) tells an echo from somebody else; a link-layer address must not be there.
            assert all(isinstance(option, OtherOption) and option.type == NONCE for option in one.message.options)
            targets.append(one.message.target)
    return targets


def probing(scene: HomeAgentScene, update: Update, target: bytes) -> None:
    """Send a first registration, and wait until an address is probed."""
    mark = len(scene.log)
    assert scene.send(update.packet(), update.protection) == []
    while target not in probes(scene.log[mark:]):
        assert scene.wait(0.1) == []


def taken(target: bytes) -> Packet:
    """Return what says that an address is somebody else's: to all nodes, R0 S0 O1."""
    message = NeighborAdvertisement(target, OVERRIDE, (LinkLayer(2, CN0_MAC),))
    return Packet(target, ALL_NODES, Icmpv6(message), hop_limit=ND_HOP_LIMIT)


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param(AH, [HOA], id="HA_2_3_1"),
        pytest.param(AH | LINK_LOCAL, [HOA, HOA_LINK_LOCAL], id="HA_2_3_2"),
    ],
)
def test_addresses_are_probed_before_the_answer(flags: int, expected: list[bytes]) -> None:
    """The home address, with the L flag the link-local one too; the acknowledgement comes behind."""
    scene = HomeAgentScene()
    mark = len(scene.log)
    answer = scene.acknowledged(Update(flags=flags), 0, 1)
    before = scene.log[mark : scene.log.index(answer)]
    assert sorted(probes(before)) == sorted(expected)
    assert probes(scene.log[scene.log.index(answer) :]) == []
    scene.chk_plus()


@pytest.mark.parametrize(
    ("flags", "target"),
    [
        pytest.param(AH | LINK_LOCAL, HOA, id="HA_2_4_2"),
        pytest.param(AH | LINK_LOCAL, HOA_LINK_LOCAL, id="HA_2_4_3"),
        pytest.param(HOME, HOA, id="HA_2_4_4"),
        pytest.param(HOME | LINK_LOCAL, HOA, id="HA_2_4_5"),
        pytest.param(AH | LINK_LOCAL, HOA_LINK_LOCAL, id="R-HA-39"),
    ],
)
def test_an_address_is_somebody_elses(flags: int, target: bytes) -> None:
    """Status 134 for the whole Binding Update, and nothing is bound or defended."""
    scene = HomeAgentScene()
    update = Update(flags=flags)
    probing(scene, update, target)
    is_rejected(scene, update, taken(target))


def is_rejected(scene: HomeAgentScene, update: Update, claim: Packet) -> None:
    """See that somebody's claim to an address while that is probed leads to status 134."""
    mark = len(scene.log)
    scene.on_link(claim)
    scene.wait(DAD_S)
    (answer,) = scene.since(mark)
    assert (answer.packet.source, answer.packet.destination) == (HA, COA)
    assert (answer.packet.headers, answer.protection) == ((Type2RoutingHeader(HOA),), update.protection)
    message = said(answer, BindingAcknowledgement)
    assert (message.status, message.sequence, message.flags, advised(message)) == (134, 15, 0, [])
    scene.chk0()
    assert scene.on_link(solicitation(HOA, UNSPECIFIED)) == []


def test_r_ha_16__only_a_first_registration_is_probed() -> None:
    """A refresh is answered at once."""
    scene = HomeAgentScene()
    scene.hreg()
    mark = len(scene.log)
    sent_at = scene.now
    assert scene.acknowledged(Update(16), 0, 1).time == sent_at
    scene.wait(5)
    assert probes(scene.log[mark:]) == []


def test_r_ha_17__detection_takes_its_time() -> None:
    """Not less than RetransTimer, and so little that a mobile node's first 1.5 seconds and a retry will do."""
    scene = HomeAgentScene()
    sent_at = scene.now
    answer = scene.acknowledged(Update(), 0, 1)
    assert RETRANS_TIMER_S <= answer.time - sent_at <= 2 * RETRANS_TIMER_S


def test_r_ha_18__somebody_else_probes_at_the_same_time() -> None:
    """RFC 4862 section 5.4.3: the address is taken as a duplicate."""
    scene = HomeAgentScene()
    update = Update()
    probing(scene, update, HOA)
    is_rejected(scene, update, solicitation(HOA, UNSPECIFIED))


def test_a_virtual_home_link() -> None:
    """Nobody is on it, so that nothing is probed and the answer comes at once."""
    scene = HomeAgentScene(VIRTUAL)
    mark, sent_at = len(scene.log), scene.now
    assert scene.acknowledged(Update(), 0, 1).time == sent_at
    assert probes(scene.log[mark:]) == []
