"""Mobile routers at the home agent, with the networks behind them (RFC 3963 sections 4 and 6)."""

from typing import Any

import pytest
from home_playbook import (
    AH,
    CN,
    COA,
    COA2,
    DAD_S,
    HOA,
    HOA2,
    STRICT,
    HomeAgentScene,
    Seen,
    Update,
    echo,
    said,
)
from msgspec import structs

from mipsh.mobility.effects import Purpose
from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.wire.address import ALL_NODES, UNSPECIFIED, parse
from mipsh.wire.icmpv6 import DestinationUnreachable, Icmpv6, TimeExceeded
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    BA_MOBILE_ROUTER,
    HOME,
    MOBILE_ROUTER,
    BindingAcknowledgement,
    MobileNetworkPrefix,
)
from mipsh.wire.ndp import NeighborAdvertisement, NeighborSolicitation
from mipsh.wire.packet import Packet
from mipsh.wire.tlv import Option, UnknownOption

A1, A2, B1 = (parse(f"2001:db8:f:{number}::") for number in (1, 2, 9))
LFN1, LFN2, LFN_B = (prefix[:15] + b"\x05" for prefix in (A1, A2, B1))
"""Nodes on the mobile networks."""
PARAMETERS = structs.replace(STRICT, mobile_networks=((HOA, ((A1, 64), (A2, 64))),))
EXPLICIT = structs.replace(PARAMETERS, allows_implicit=False)
MR = AH | MOBILE_ROUTER


def mnp(*prefixes: bytes, length: int = 64, reserved: int = 0) -> tuple[MobileNetworkPrefix, ...]:
    """Return Mobile Network Prefix options."""
    return tuple(MobileNetworkPrefix(length, prefix, reserved) for prefix in prefixes)


def registered(scene: HomeAgentScene, update: Update) -> None:
    """See a mobile router registered, and told that it is one."""
    message = scene.accepted(update)
    assert (message.status, message.flags) == (0, BA_MOBILE_ROUTER)


def reaches(scene: HomeAgentScene, node: bytes, care_of: bytes | None = COA, home: bytes = HOA) -> None:
    """See a packet for a node behind a mobile router in the tunnel, or refused where there is none."""
    if care_of is not None:
        assert scene.tunnelled(echo(CN, node), care_of, home=home).destination == node
        return
    scene.wait(1)
    sent = scene.send(echo(CN, node)) + scene.wait(2)
    assert not any(isinstance(seen.packet.upper, Packet) for seen in sent)
    assert {seen.packet.destination for seen in sent} <= {CN, node}


@pytest.mark.parametrize(
    ("flags", "options"),
    [
        pytest.param(MR, (), id="NEMO-HA_2_1_1/_2"),
        (HOME | MOBILE_ROUTER, ()),
        (MR, mnp(A1)),
        (HOME | MOBILE_ROUTER, mnp(A1)),
    ],
)
def test_a_mobile_router(flags: int, options: tuple[Option, ...]) -> None:
    """Implicit or explicit, with or without the A flag: status 0 and R1."""
    scene = HomeAgentScene(PARAMETERS)
    registered(scene, Update(flags=flags, options=options))
    reaches(scene, LFN1)
    scene.chk_plus()


def test_nemo_ha_2_3_4__a_home_address_out_of_the_mobile_network() -> None:
    """It is on no home link: nobody is asked for it there, and stray advertisements mean nothing."""
    home = A1[:15] + b"\xaa"
    scene = HomeAgentScene(structs.replace(STRICT, mobile_networks=((home, ((A1, 64),)),)))
    mark = len(scene.log)
    update = Update(flags=MR, hao=home)
    sent = scene.send(update.packet(), update.protection)
    stray = Icmpv6(NeighborAdvertisement(home, 0x20000000))
    scene.on_link(Packet(parse("fe80::c0"), ALL_NODES, stray, hop_limit=255))
    sent += [] if sent else scene.wait(DAD_S)
    message = said(sent[0], BindingAcknowledgement)
    assert (message.status, message.flags, message.sequence) == (0, BA_MOBILE_ROUTER, 15)
    asked = [seen for seen in scene.log[mark:] if isinstance(seen.message, NeighborSolicitation)]
    assert home not in {said(seen, NeighborSolicitation).target for seen in asked}
    assert UNSPECIFIED not in {seen.packet.source for seen in asked}
    scene.chk_plus(home=home)


@pytest.mark.parametrize(
    "sets",
    [
        pytest.param(((A1,), (A2,), (A1, A2), (A1,)), id="NEMO-HA_2_9_1..5"),
        ((A1, A2), (A1,)),
        ((A1,), (A2,)),
    ],
)
def test_explicit_prefixes(sets: tuple[tuple[bytes, ...], ...]) -> None:
    """Packets go by what the last update named."""
    scene = HomeAgentScene(EXPLICIT)
    for s, prefixes in enumerate(sets, 15):
        registered(scene, Update(s, flags=MR, options=mnp(*prefixes)))
        for node, prefix in ((LFN1, A1), (LFN2, A2)):
            reaches(scene, node, COA if prefix in prefixes else None)


@pytest.mark.parametrize("flags", [pytest.param(ACKNOWLEDGE | MOBILE_ROUTER, id="NEMO-HA_2_10_1/_7"), MOBILE_ROUTER])
def test_a_mobile_router_must_register_at_home(flags: int) -> None:
    """H0 R1: status 140."""
    scene = HomeAgentScene(PARAMETERS)
    scene.rejected(Update(flags=flags), 140)
    scene.chk0()


@pytest.mark.parametrize(
    ("first", "then"),
    [
        pytest.param(AH, ACKNOWLEDGE | MOBILE_ROUTER, id="NEMO-HA_2_10_2..6"),
        (AH, MR),
        (MR, ACKNOWLEDGE),
        (MR, ACKNOWLEDGE | MOBILE_ROUTER),
        (MR, AH),
    ],
)
def test_flags_do_not_change(first: int, then: int) -> None:
    """Status 139 to another H or R, and the binding stays as it was."""
    scene = HomeAgentScene(PARAMETERS)
    scene.hreg(flags=first)
    scene.rejected(Update(16, flags=then, source=COA2), 139)
    scene.chk_plus(COA)
    if first & MOBILE_ROUTER:
        reaches(scene, LFN1)
    scene.accepted(Update(16, flags=first))


@pytest.mark.parametrize(
    ("options", "status"),
    [
        pytest.param((UnknownOption(200, bytes((0, 64)) + A1),), 143, id="NEMO-HA_2_11_1"),
        pytest.param(mnp(A1, length=63), 141, id="NEMO-HA_2_11_5"),
        pytest.param(mnp(parse("ff0e:f::")), 141, id="NEMO-HA_2_11_7/_8"),
        (mnp(parse("fe80::")), 141),
        pytest.param(mnp(B1), 142, id="NEMO-HA_2_11_9/_19"),
        (mnp(A1, B1), 142),
    ],
)
def test_prefixes_that_may_not_be_registered(options: tuple[Option, ...], status: int) -> None:
    """Each with its status, and nothing is bound."""
    scene = HomeAgentScene(EXPLICIT)
    scene.rejected(Update(flags=MR, options=options), status)
    scene.chk0()
    reaches(scene, LFN1, None)


@pytest.mark.parametrize("length", [pytest.param(17, id="NEMO-HA_2_11_2/_3"), 19])
def test_a_prefix_option_of_another_length(length: int) -> None:
    """No answer."""
    scene = HomeAgentScene(EXPLICIT)
    update = Update(flags=MR, options=(UnknownOption(6, (bytes((0, 64)) + A1 + b"\0")[:length]),))
    assert scene.send(update.packet(), update.protection) == []
    assert scene.wait(DAD_S) == []
    scene.chk0()


def test_nemo_ha_2_11_4__a_reserved_field() -> None:
    """It is ignored."""
    scene = HomeAgentScene(EXPLICIT)
    registered(scene, Update(flags=MR, options=mnp(A1, reserved=0xFF)))
    reaches(scene, LFN1)


@pytest.mark.parametrize(
    ("networks", "status"),
    [
        pytest.param(((HOA, ((A1, 64), (A2, 64))),), 0, id="NEMO-HA_2_12_1/_3"),
        ((), 143),
        (((COA, ((A1, 64),)),), 143),
    ],
)
def test_implicit_prefixes(networks: Any, status: int) -> None:
    """All that the table has for the home address; where it has none, status 143."""
    scene = HomeAgentScene(structs.replace(STRICT, mobile_networks=networks))
    update = Update(flags=MR)
    if status:
        scene.rejected(update, status)
        scene.chk0()
        return
    registered(scene, update)
    reaches(scene, LFN1)
    reaches(scene, LFN2)


@pytest.mark.parametrize("parameters", [pytest.param(EXPLICIT, id="NEMO-HA_5_4_*"), PARAMETERS])
def test_packets_for_the_mobile_network(parameters: HomeAgentParameters) -> None:
    """They go to where the mobile router is, for prefixes that are registered, as long as they are."""
    scene = HomeAgentScene(parameters)
    reaches(scene, LFN1, None)
    registered(scene, Update(15, flags=MR, options=mnp(A1)))
    reaches(scene, LFN1)
    reaches(scene, LFN2, None)
    registered(scene, Update(16, flags=MR, options=mnp(A1, A2)))
    reaches(scene, LFN2)
    registered(scene, Update(17, flags=MR, options=mnp(A2), source=COA2))
    reaches(scene, LFN2, COA2)
    reaches(scene, LFN1, None)
    scene.deregistered(Update(18, 0, MR, COA2))
    reaches(scene, LFN2, None)
    registered(scene, Update(19, 8, MR, options=mnp(A1)))
    reaches(scene, LFN1)
    scene.wait(32)
    reaches(scene, LFN1, None)


def test_nemo_ha_6_7_1_8__the_reverse_tunnel_of_a_mobile_router() -> None:
    """Only out of registered prefixes, from the care-of address, while there is a binding."""
    scene = HomeAgentScene(EXPLICIT)
    registered(scene, Update(15, flags=MR, options=mnp(A1, A2)))

    def passes(node: bytes, care_of: bytes = COA) -> bool:
        sent: list[Seen] = scene.reverse(echo(node, CN), care_of, Purpose.PAYLOAD)
        assert scene.wait(1) == []
        assert [seen.packet.source for seen in sent] in ([], [node])
        return bool(sent)

    assert [passes(node) for node in (HOA, LFN1, LFN2, LFN_B)] == [True, True, True, False]
    assert [passes(node, COA2) for node in (HOA, LFN1)] == [False, False]
    registered(scene, Update(16, flags=MR, options=mnp(A1)))
    assert [passes(node) for node in (LFN1, LFN2)] == [True, False]
    registered(scene, Update(17, flags=MR, options=mnp(A1), source=COA2))
    assert [passes(LFN1), passes(LFN1, COA2)] == [False, True]
    scene.deregistered(Update(18, 0, MR, COA2))
    assert [passes(node, COA2) for node in (HOA, LFN1)] == [False, False]


def test_an_error_about_a_mobile_network_is_told_to_its_correspondent() -> None:
    """As for the home address (RFC 2473 section 8)."""
    scene = HomeAgentScene(PARAMETERS)
    registered(scene, Update(flags=MR))
    outer = scene.answer(echo(CN, LFN1)).packet
    seen = scene.answer(Packet(parse("2001:db8:0:99::1"), outer.source, Icmpv6(TimeExceeded(0, 0, outer.encode()))))
    assert seen.packet.destination == CN
    assert said(seen, DestinationUnreachable).original == outer.encode()[40:]


def test_r_ha_04__a_circle_of_bindings() -> None:
    """RFC 6275 section 6.1.7: a care-of address that is another home address, bound where it leads back: silence."""
    scene = HomeAgentScene(structs.replace(STRICT, mobile_networks=((HOA2, ((A1, 64),)),)))
    registered(scene, Update(flags=MR, hao=HOA2, source=COA2))
    nested = Update(source=LFN1)
    (seen,) = scene.send(nested.packet(), nested.protection) + scene.wait(DAD_S)
    inner = seen.packet.upper
    assert isinstance(inner, Packet)
    assert (seen.packet.destination, inner.destination) == (COA2, LFN1)
    update = Update(16, flags=MR, hao=HOA2, source=COA2, alt=HOA)
    scene.silence(update.packet(), update.protection)
    reaches(scene, LFN1, COA2, HOA2)
