"""The home agent answers for a mobile node that is away (RFC 6275 section 10.4.1; RFC 4861 sections 7.2.4, 7.2.8)."""

import pytest
from home_playbook import (
    AH,
    CN0,
    CN0_LINK_LOCAL,
    CN0_MAC,
    HA_MAC,
    HOA,
    HOA_LINK_LOCAL,
    HOME_INTERFACE,
    ND_HOP_LIMIT,
    HomeAgentScene,
    Update,
    said,
    solicitation,
)

from mipsh.wire.address import ALL_NODES, UNSPECIFIED, solicited_node
from mipsh.wire.mobility import LINK_LOCAL
from mipsh.wire.ndp import OVERRIDE, ROUTER, SOLICITED, LinkLayer, NeighborAdvertisement
from mipsh.wire.packet import Packet

L0, L1 = AH, AH | LINK_LOCAL
SILENCE_S = 2
MULTICAST, UNICAST, BARE, DAD = "multicast NS + SLLA", "unicast NS + SLLA", "unicast NS", "DAD NS"


def asking(kind: str, target: bytes, reached: bytes) -> Packet:
    """Return a solicitation of a kind for a target, sent to where ``reached`` is listened for."""
    if kind == DAD:
        return solicitation(target, UNSPECIFIED, solicited_node(reached))
    to = solicited_node(reached) if kind == MULTICAST else reached
    source = CN0_LINK_LOCAL if target == HOA_LINK_LOCAL else CN0
    return solicitation(target, source, to, with_address=kind != BARE)


def is_answered(scene: HomeAgentScene, kind: str, target: bytes) -> None:
    """Ask for a target, and see the home agent answer in its owner's place: R0, and S1 to who asked, and O0."""
    packet = asking(kind, target, target)
    (seen,) = [seen for seen in scene.on_link(packet) if isinstance(seen.message, NeighborAdvertisement)]
    assert (seen.interface, seen.packet.hop_limit, seen.packet.headers) == (HOME_INTERFACE, ND_HOP_LIMIT, ())
    message = said(seen, NeighborAdvertisement)
    assert message.target == target
    assert message.flags & (ROUTER | OVERRIDE) == 0
    if kind == DAD:
        assert (seen.packet.destination, message.flags & SOLICITED) == (ALL_NODES, 0)
        assert message.options == (LinkLayer(2, HA_MAC),)
        return
    assert (seen.packet.destination, seen.link_layer) == (packet.source, CN0_MAC)
    assert message.flags & SOLICITED
    assert message.options in ((), (LinkLayer(2, HA_MAC),))
    if kind == MULTICAST:
        assert message.options != ()


def is_silent(scene: HomeAgentScene, packet: Packet) -> None:
    """Ask, and hear no answer; a router may point to the target itself, or look for it."""
    mark = len(scene.log)
    scene.on_link(packet)
    scene.wait(SILENCE_S)
    heard = scene.log[mark:]
    assert scene.since(mark) == []
    assert [seen for seen in heard if isinstance(seen.message, NeighborAdvertisement)] == []


@pytest.mark.parametrize(
    ("flags", "kind", "target"),
    [
        pytest.param(L0, UNICAST, HOA, id="HA_4_2_2"),
        pytest.param(L1, UNICAST, HOA, id="HA_4_2_5"),
        pytest.param(L1, DAD, HOA, id="HA_4_2_6"),
        pytest.param(L1, UNICAST, HOA_LINK_LOCAL, id="HA_4_2_8"),
        pytest.param(L1, BARE, HOA, id="HA_4_2_14"),
        pytest.param(L1, BARE, HOA_LINK_LOCAL, id="HA_4_2_15"),
        (L0, MULTICAST, HOA),
        (L1, MULTICAST, HOA),
        (L1, MULTICAST, HOA_LINK_LOCAL),
        (L0, DAD, HOA),
        (L1, DAD, HOA_LINK_LOCAL),
        (L0, BARE, HOA),
    ],
)
def test_what_is_defended(flags: int, kind: str, target: bytes) -> None:
    """However it is asked for."""
    scene = HomeAgentScene()
    scene.hreg(flags=flags)
    is_answered(scene, kind, target)


@pytest.mark.parametrize(
    "kind",
    [
        pytest.param(MULTICAST, id="HA_4_2_10"),
        pytest.param(UNICAST, id="HA_4_2_11"),
        pytest.param(DAD, id="HA_4_2_12"),
        pytest.param(BARE, id="HA_4_2_16"),
    ],
)
def test_the_link_local_address_without_the_l_flag(kind: str) -> None:
    """It is not defended."""
    scene = HomeAgentScene()
    scene.hreg(flags=L0)
    is_silent(scene, asking(kind, HOA_LINK_LOCAL, HOA_LINK_LOCAL))


@pytest.mark.parametrize(
    ("flags", "kind", "target"),
    [
        pytest.param(L0, UNICAST, CN0, id="HA_4_3_2"),
        pytest.param(L0, DAD, CN0, id="HA_4_3_3"),
        pytest.param(L1, MULTICAST, CN0, id="HA_4_3_4"),
        pytest.param(L1, UNICAST, CN0, id="HA_4_3_5"),
        pytest.param(L1, DAD, CN0, id="HA_4_3_6"),
        pytest.param(L1, MULTICAST, CN0_LINK_LOCAL, id="HA_4_3_7"),
        pytest.param(L1, UNICAST, CN0_LINK_LOCAL, id="HA_4_3_8"),
        pytest.param(L1, DAD, CN0_LINK_LOCAL, id="HA_4_3_9"),
        pytest.param(L0, UNICAST, CN0_LINK_LOCAL, id="HA_4_3_11"),
        pytest.param(L0, BARE, CN0, id="HA_4_3_13"),
        pytest.param(L1, BARE, CN0_LINK_LOCAL, id="HA_4_3_15"),
    ],
)
def test_other_targets(flags: int, kind: str, target: bytes) -> None:
    """Who asks the mobile node's addresses for another one gets no answer."""
    scene = HomeAgentScene()
    scene.hreg(flags=flags)
    is_silent(scene, asking(kind, target, HOA))


@pytest.mark.parametrize(
    ("flags", "kind", "target"),
    [
        pytest.param(L0, MULTICAST, HOA, id="HA_4_4_1"),
        pytest.param(L0, UNICAST, HOA, id="HA_4_4_2"),
        pytest.param(L0, DAD, HOA, id="HA_4_4_3"),
        pytest.param(L1, MULTICAST, HOA, id="HA_4_4_4"),
        pytest.param(L1, UNICAST, HOA, id="HA_4_4_5"),
        pytest.param(L1, DAD, HOA, id="HA_4_4_6"),
        pytest.param(L1, MULTICAST, HOA_LINK_LOCAL, id="HA_4_4_7"),
        pytest.param(L1, UNICAST, HOA_LINK_LOCAL, id="HA_4_4_8"),
        pytest.param(L0, BARE, HOA, id="HA_4_4_13"),
        pytest.param(L1, BARE, HOA, id="HA_4_4_14"),
        pytest.param(L1, BARE, HOA_LINK_LOCAL, id="HA_4_4_15"),
    ],
)
def test_until_it_is_deregistered(flags: int, kind: str, target: bytes) -> None:
    """Answered before, silence behind."""
    scene = HomeAgentScene()
    scene.hreg(flags=flags)
    is_answered(scene, kind, target)
    scene.deregistered(Update(16, 0, flags))
    is_silent(scene, asking(kind, target, target))


@pytest.mark.parametrize("flags", [L0, L1])
def test_neighbours_are_told_when_it_begins(flags: int) -> None:
    """Section 10.4.1: to all nodes, overriding what they knew, of each address that is defended."""
    scene = HomeAgentScene()
    mark = len(scene.log)
    scene.hreg(flags=flags)
    scene.wait(5)
    told = [seen for seen in scene.log[mark:] if isinstance(seen.message, NeighborAdvertisement)]
    assert {said(seen, NeighborAdvertisement).target for seen in told} == (
        {HOA, HOA_LINK_LOCAL} if flags & LINK_LOCAL else {HOA}
    )
    for seen in told:
        message = said(seen, NeighborAdvertisement)
        assert (seen.packet.destination, seen.packet.hop_limit) == (ALL_NODES, ND_HOP_LIMIT)
        assert message.flags & (ROUTER | SOLICITED | OVERRIDE) == OVERRIDE
        assert message.options == (LinkLayer(2, HA_MAC),)
