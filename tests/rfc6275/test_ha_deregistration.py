"""Deregistration at the home agent, and what is remembered of it (RFC 6275 section 10.3.2)."""

import pytest
from home_playbook import (
    AH,
    CN0,
    CN0_LINK_LOCAL,
    COA,
    COA2,
    HA_MAC,
    HOA,
    HOA2,
    HOME_INTERFACE,
    MN_MAC,
    ND_HOP_LIMIT,
    STRICT,
    VIRTUAL,
    HomeAgentScene,
    Seen,
    Update,
    echo,
    said,
    solicitation,
)

from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.wire.address import ALL_NODES
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import HOME, BindingAcknowledgement
from mipsh.wire.ndp import OVERRIDE, LinkLayer, NeighborAdvertisement, NeighborSolicitation
from mipsh.wire.packet import Packet

RHL, VHL = STRICT, VIRTUAL
DELETE_S = 10
"""MAX_DELETE_BCE_TIMEOUT."""


def goes_home(seen: Seen) -> None:
    """See that an acknowledgement goes onto the home link, to the mobile node itself."""
    assert (seen.interface, seen.link_layer, seen.packet.headers) == (HOME_INTERFACE, MN_MAC, ())


@pytest.mark.parametrize(
    ("parameters", "flags"),
    [
        pytest.param(RHL, AH, id="HA_3_1_1"),
        pytest.param(RHL, HOME, id="HA_3_1_6"),
        pytest.param(VHL, AH, id="HA_3_1_11"),
        pytest.param(VHL, HOME, id="HA_3_1_12"),
    ],
)
def test_from_a_foreign_link(parameters: HomeAgentParameters, flags: int) -> None:
    """Acknowledged through a routing header with a lifetime of zero; nothing is left of the binding."""
    scene = HomeAgentScene(parameters)
    scene.hreg()
    scene.deregistered(Update(16, 0, flags))
    scene.chk0()


@pytest.mark.parametrize(
    ("flags", "hao", "lifetime"),
    [
        pytest.param(AH, HOA, 0, id="HA_3_1_2"),
        pytest.param(AH, HOA, 105, id="HA_3_1_3"),
        pytest.param(AH, None, 0, id="HA_3_1_4"),
        pytest.param(AH, None, 105, id="HA_3_1_5"),
        pytest.param(HOME, HOA, 0, id="HA_3_1_7"),
        pytest.param(HOME, HOA, 105, id="HA_3_1_8"),
        pytest.param(HOME, None, 0, id="HA_3_1_9"),
        pytest.param(HOME, None, 105, id="HA_3_1_10"),
    ],
)
def test_from_home(flags: int, hao: bytes | None, lifetime: int) -> None:
    """However it is said, it is acknowledged to the mobile node on the home link."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.come_home()
    goes_home(scene.deregistered(Update(16, lifetime, flags, HOA, hao)))
    scene.chk0()


@pytest.mark.parametrize(
    ("parameters", "flags"),
    [
        pytest.param(RHL, AH, id="HA_3_2_1"),
        pytest.param(VHL, AH, id="HA_3_2_11"),
        pytest.param(VHL, HOME, id="HA_3_2_12"),
    ],
)
def test_of_what_is_not_bound(parameters: HomeAgentParameters, flags: int) -> None:
    """Status 133."""
    scene = HomeAgentScene(parameters)
    scene.rejected(Update(15, 0, flags), 133)
    scene.chk0()


@pytest.mark.parametrize(
    ("flags", "hao", "lifetime"),
    [
        pytest.param(AH, None, 0, id="HA_3_2_4"),
        pytest.param(HOME, HOA, 0, id="HA_3_2_7"),
        pytest.param(HOME, HOA, 105, id="HA_3_2_8"),
        pytest.param(HOME, None, 0, id="HA_3_2_9"),
    ],
)
def test_of_what_is_not_bound_from_home(flags: int, hao: bytes | None, lifetime: int) -> None:
    """Status 133, to the mobile node on the home link."""
    scene = HomeAgentScene()
    scene.come_home()
    goes_home(scene.acknowledged(Update(15, lifetime, flags, HOA, hao), 133))
    scene.chk0()


@pytest.mark.parametrize(
    ("flags", "hao", "lifetime"),
    [
        pytest.param(AH, HOA, 0, id="HA_3_3_1"),
        pytest.param(HOME, HOA, 0, id="HA_3_3_2"),
        pytest.param(HOME, None, 0, id="HA_3_3_4"),
        pytest.param(AH, HOA, 105, id="HA_3_3_5"),
        pytest.param(HOME, HOA, 105, id="HA_3_3_6"),
        pytest.param(AH, None, 105, id="HA_3_3_7"),
        pytest.param(HOME, None, 105, id="HA_3_3_8"),
    ],
)
def test_out_of_the_window(flags: int, hao: bytes | None, lifetime: int) -> None:
    """Status 135 goes to the mobile node on the home link, though its address is defended; the binding stays."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.come_home()
    goes_home(scene.acknowledged(Update(14, lifetime, flags, HOA, hao), 135, s=15))
    scene.chk_plus()


def test_r_ha_01__a_late_update_is_rejected() -> None:
    """One that was sent before the deregistration and comes behind it; later its number is forgotten."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.come_home()
    scene.deregistered(Update(17, 0, source=HOA))
    scene.rejected(Update(16), 135, s=17)
    scene.chk0()
    scene.wait(DELETE_S)
    del scene.neighbours[HOME_INTERFACE, HOA]
    scene.accepted(Update(16))


def test_r_ha_02__a_new_registration_while_the_old_one_is_remembered() -> None:
    """It is accepted at once, and the home address is defended again."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.deregistered(Update(17, 0))
    assert scene.on_link(solicitation(HOA, CN0)) == []
    scene.wait(2)
    mark, sent_at = len(scene.log), scene.now
    assert scene.acknowledged(Update(18), 0, 1).time == sent_at
    unsolicited = [seen for seen in scene.log[mark:] if isinstance(seen.message, NeighborAdvertisement)]
    assert [(seen.packet.destination, said(seen, NeighborAdvertisement).target) for seen in unsolicited][:1] == [
        (ALL_NODES, HOA)
    ]
    scene.wait(DELETE_S)
    scene.chk_plus()
    assert scene.on_link(solicitation(HOA, CN0)) != []


def test_r_ha_19__the_mobile_node_is_back() -> None:
    """What it advertises itself is not contradicted, and the home agent finds it there (sections 10.4.1, 11.5.5)."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.come_home()
    scene.deregistered(Update(16, 0, source=HOA))
    mark = len(scene.log)
    told = NeighborAdvertisement(HOA, OVERRIDE, (LinkLayer(2, MN_MAC),))
    scene.on_link(Packet(HOA, ALL_NODES, Icmpv6(told), hop_limit=ND_HOP_LIMIT))
    scene.wait(5)
    claims = [seen.message for seen in scene.log[mark:] if isinstance(seen.message, NeighborAdvertisement)]
    assert [claim.target for claim in claims if claim.target == HOA] == []
    seen = scene.answer(echo(HOA))
    assert (seen.interface, seen.link_layer, seen.packet.headers) == (HOME_INTERFACE, MN_MAC, ())
    assert scene.on_link(solicitation(HOA, CN0_LINK_LOCAL)) == []


@pytest.mark.parametrize("s", [0, 1, 15, 65535])
def test_r_ha_43__whatever_its_number(s: int) -> None:
    """What was never registered cannot be out of the window: status 133."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.rejected(Update(s, 0, source=COA2, hao=HOA2), 133)


def test_the_home_address_is_resolved_on_the_home_link_before_it_is_answered() -> None:
    """The home agent asks for the mobile node with its own address, which it defends no more."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.come_home()
    mark = len(scene.log)
    scene.deregistered(Update(16, 0, source=HOA))
    asked = [seen for seen in scene.log[mark:] if isinstance(seen.message, NeighborSolicitation)]
    assert [said(seen, NeighborSolicitation).target for seen in asked] == [HOA]
    assert LinkLayer(1, HA_MAC) in said(asked[0], NeighborSolicitation).options
    assert [seen for seen in scene.log[mark:] if isinstance(seen.message, BindingAcknowledgement)] != []
    assert COA not in {seen.packet.destination for seen in scene.log[mark:]}
