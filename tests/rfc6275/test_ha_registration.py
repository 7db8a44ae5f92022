"""Home registrations: what is accepted, for how long, and what is rejected why (RFC 6275 section 10.3.1)."""

import pytest
from home_playbook import (
    AH,
    ANYCAST,
    CN0_MAC,
    COA,
    COA2,
    HA,
    HOA,
    HOA2,
    HOA_LINK_LOCAL,
    HOME_INTERFACE,
    LINK,
    NOT_HOME,
    OPEN,
    STRICT,
    VIRTUAL,
    HomeAgentScene,
    Update,
    advised,
    echo,
    said,
)
from msgspec import structs
from playbook import Tokens, coti, hoti
from playbook import Update as CorrespondentUpdate

from mipsh.mobility.effects import Protection, Purpose
from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.wire.address import ALL_ROUTERS, UNSPECIFIED, solicited_node
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import (
    HOME,
    KEY_MANAGEMENT,
    LINK_LOCAL,
    BindingAcknowledgement,
    BindingRefreshAdvice,
    CareOfTest,
    HomeTest,
    NonceIndices,
)
from mipsh.wire.ndp import NeighborSolicitation, PrefixInformation, RouterAdvertisement, RouterSolicitation
from mipsh.wire.packet import Packet

RHL, VHL = STRICT, VIRTUAL
UNIT = 4
REGISTRATION = Protection(Purpose.REGISTRATION, HOA)


@pytest.mark.parametrize(
    ("parameters", "flags"),
    [
        pytest.param(RHL, AH, id="HA_2_1_1"),
        pytest.param(RHL, HOME, id="HA_2_1_2"),
        pytest.param(VHL, AH, id="HA_2_1_5"),
    ],
)
def test_a_valid_registration(parameters: HomeAgentParameters, flags: int) -> None:
    """It is acknowledged, also where that is not asked for, and packets go by it."""
    scene = HomeAgentScene(parameters)
    message = scene.accepted(Update(flags=flags))
    assert message.lifetime == 105
    scene.chk_plus()


def test_ha_2_1_7__a_shorter_lifetime() -> None:
    """It is granted, no longer than it was asked for."""
    scene = HomeAgentScene(VHL)
    granted = scene.accepted(Update()).lifetime
    assert scene.accepted(Update(16, granted // 2)).lifetime == granted // 2
    scene.chk_plus()


def test_ha_2_1_8__a_lifetime_ends() -> None:
    """Probes once a second are answered for 32 seconds, and then meet no binding."""
    scene = HomeAgentScene(VHL)
    assert scene.accepted(Update(lifetime=8)).lifetime == 8
    for _ in range(32):
        scene.chk_plus()
        scene.wait(1)
    scene.chk0()


def test_ha_2_1_9__no_longer_than_the_prefix() -> None:
    """What a Router Advertisement says of the home prefix limits what is granted."""
    link = structs.replace(LINK, valid_s=10_000, preferred_s=8_000)
    scene = HomeAgentScene(structs.replace(STRICT, links=(link,), refresh_share=0.5))
    scene.advertise()
    scene.wait(5)
    mark = len(scene.log)
    packet = Packet(UNSPECIFIED, ALL_ROUTERS, Icmpv6(RouterSolicitation()))
    scene.on_link(structs.replace(packet, hop_limit=255))
    scene.wait(5)
    advertised = [seen.message for seen in scene.log[mark:] if isinstance(seen.message, RouterAdvertisement)]
    (valid,) = {o.valid_s for m in advertised for o in m.options if isinstance(o, PrefixInformation)}
    message = scene.accepted(Update(lifetime=0xFFFF))
    assert message.lifetime * UNIT <= valid
    assert (message.lifetime, advised(message)) == (2_500, [1_250])
    assert message.status == 1


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_2_1_14"), pytest.param(VHL, id="HA_2_1_15")])
def test_reserved_fields_are_ignored(parameters: HomeAgentParameters) -> None:
    """In the header and in the flags, where neither M nor R is set."""
    scene = HomeAgentScene(parameters)
    scene.accepted(Update(flags=AH | 0x0037, reserved=0xFF))
    scene.chk_plus()


@pytest.mark.parametrize(
    ("parameters", "flags"),
    [
        pytest.param(RHL, AH, id="HA_2_2_1"),
        pytest.param(RHL, HOME, id="HA_2_2_2"),
        pytest.param(VHL, AH, id="HA_2_2_4"),
        pytest.param(VHL, HOME, id="HA_2_2_5"),
    ],
)
def test_a_home_address_that_is_not_on_the_home_subnet(parameters: HomeAgentParameters, flags: int) -> None:
    """Status 132, through a routing header with that address."""
    scene = HomeAgentScene(parameters)
    scene.rejected(Update(flags=flags, hao=NOT_HOME), 132)
    scene.chk0(home=NOT_HOME)


@pytest.mark.parametrize("parameters", [pytest.param(RHL, id="HA_2_2_7"), pytest.param(VHL, id="HA_2_2_8")])
def test_nonce_indices_in_a_home_registration(parameters: HomeAgentParameters) -> None:
    """Silence."""
    scene = HomeAgentScene(parameters)
    update = Update(options=(NonceIndices(1, 1),))
    scene.silence(update.packet(), update.protection)
    scene.chk0()


@pytest.mark.parametrize(
    ("parameters", "flags", "hao"),
    [
        pytest.param(RHL, AH | LINK_LOCAL, HOA_LINK_LOCAL, id="HA_2_2_10"),
        pytest.param(VHL, AH, HOA_LINK_LOCAL, id="HA_2_2_11"),
        pytest.param(RHL, AH, solicited_node(HOA), id="HA_2_2_13"),
        pytest.param(VHL, AH, solicited_node(HOA), id="HA_2_2_14"),
    ],
)
def test_home_addresses_that_cannot_be(parameters: HomeAgentParameters, flags: int, hao: bytes) -> None:
    """Silence, and the binding that there is stays as it was."""
    scene = HomeAgentScene(parameters)
    scene.hreg(flags=flags)
    update = Update(16, flags=flags, source=COA2, hao=hao)
    scene.silence(update.packet(), update.protection)
    scene.silence(update.packet(), REGISTRATION)
    scene.chk_plus(COA)
    scene.accepted(Update(16))


def test_r_ha_03__a_binding_error_comes_from_a_home_agent_too() -> None:
    """As from any correspondent node."""
    HomeAgentScene().chk0()


def test_r_ha_05__a_care_of_address_on_the_home_link() -> None:
    """Status 174, as the source and as an alternate one; nothing is bound that could be a loop."""
    scene = HomeAgentScene()
    scene.neighbours[HOME_INTERFACE, HOA2] = CN0_MAC
    for update in (Update(source=HOA2), Update(alt=HOA2), Update(alt=HA)):
        (seen,) = scene.send(update.packet(), update.protection)
        message = said(seen, BindingAcknowledgement)
        assert (message.status, message.sequence, message.lifetime) == (174, 15, 0)
        assert seen.packet.headers == (Type2RoutingHeader(HOA),)
    assert scene.home_agent.bindings == ()
    scene.chk0()


def test_r_ha_06__policy() -> None:
    """Status 129 for a home address that is denied; others are served."""
    scene = HomeAgentScene(structs.replace(STRICT, denied=((HOA, 128),)))
    scene.rejected(Update(), 129)
    scene.chk0()
    scene.accepted(Update(hao=HOA2))


def test_r_ha_07__a_full_cache() -> None:
    """Status 130; who is in it is served still."""
    scene = HomeAgentScene(structs.replace(STRICT, max_bindings=1))
    scene.hreg()
    scene.rejected(Update(hao=HOA2, source=COA2), 130)
    scene.chk0(COA2, HOA2)
    scene.accepted(Update(16))


def test_r_ha_08__no_home_agent() -> None:
    """Status 131, where the function is off and where there is none at all."""
    scene = HomeAgentScene(structs.replace(STRICT, is_enabled=False))
    scene.rejected(Update(), 131)
    scene.chk0()


@pytest.mark.parametrize("home", [HA, ANYCAST])
def test_r_ha_09__the_home_agents_own_address(home: bytes) -> None:
    """It is rejected, and neither probed nor defended."""
    scene = HomeAgentScene()
    mark = len(scene.log)
    scene.rejected(Update(hao=home), 128, 129, 132)
    scene.wait(5)
    targets = {m.target for m in (seen.message for seen in scene.log[mark:]) if isinstance(m, NeighborSolicitation)}
    assert home not in targets


def test_r_ha_10__another_ones_association() -> None:
    """A Binding Update for a home address by the association of another one is dropped."""
    for parameters in (STRICT, OPEN):
        scene = HomeAgentScene(parameters)
        scene.silence(Update(hao=HOA2).packet(), REGISTRATION)
        scene.chk0(home=HOA2)


def test_r_ha_11__the_tunnel_follows_the_accepted_update_only() -> None:
    """Not one that is rejected."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.rejected(Update(14, source=COA2), 135, s=15)
    scene.tunnelled(echo(NOT_HOME, HOA), COA)
    scene.accepted(Update(16, source=COA2))
    scene.tunnelled(echo(NOT_HOME, HOA), COA2)


@pytest.mark.parametrize("requires", [True, False])
def test_r_ha_12__without_an_alternate_care_of_address(requires: bool) -> None:
    """RFC 3776 section 4.1 asks for the option; it depends on policy whether the source will do."""
    scene = HomeAgentScene(structs.replace(STRICT, requires_alternate=requires))
    update = Update(with_alt=False)
    if requires:
        scene.rejected(update, 128, 129)
        scene.chk0()
        scene.accepted(Update(16))
    else:
        scene.accepted(update)
    scene.chk_plus()


def test_r_ha_13__an_alternate_care_of_address_that_is_not_the_source() -> None:
    """It is bound, and the acknowledgement goes to the source."""
    scene = HomeAgentScene()
    scene.accepted(Update(alt=COA2))
    scene.chk_plus(COA2)
    scene.chk0(COA)


def test_r_ha_14__the_longest_lifetime() -> None:
    """Policy caps it, rounded down to units; advice is less, and a rejection has none."""
    link = structs.replace(LINK, valid_s=0xFFFFFFFF, preferred_s=0xFFFFFFFF)
    scene = HomeAgentScene(structs.replace(STRICT, links=(link,), max_lifetime_s=1003.0, refresh_share=0.8))
    message = scene.accepted(Update(lifetime=0xFFFF))
    assert (message.lifetime, message.status, advised(message)) == (250, 0, [200])
    scene.rejected(Update(14), 135, s=15)


def test_r_ha_15__no_advice_from_a_correspondent_node() -> None:
    """The acknowledgement of a binding by return routability has no Binding Refresh Advice."""
    scene = HomeAgentScene(structs.replace(OPEN, refresh_share=0.5))
    home = said(scene.answer(hoti(NOT_HOME, HA)), HomeTest)
    care_of = said(scene.answer(coti(COA, HA)), CareOfTest)
    tokens = Tokens(home.nonce_index, home.token, care_of.nonce_index, care_of.token)
    update = CorrespondentUpdate(tokens, hao=NOT_HOME, local=HA)
    message = said(scene.answer(update.packet()), BindingAcknowledgement)
    assert (message.status, message.lifetime) == (0, 105)
    assert not any(isinstance(option, BindingRefreshAdvice) for option in message.options)


def test_r_ha_38__no_key_management() -> None:
    """K0, whatever was asked for."""
    scene = HomeAgentScene()
    assert scene.accepted(Update(flags=AH | KEY_MANAGEMENT)).flags == 0


def test_r_ha_40__flags_of_extensions() -> None:
    """Those that are reserved in RFC 6275 are ignored; R, which RFC 3963 defines, is not one of them."""
    scene = HomeAgentScene()
    scene.accepted(Update(flags=AH | 0x0BFF))
    scene.chk_plus()


def test_r_ha_44__without_a_home_address_option() -> None:
    """The care-of address is the home address, which is on no home link: status 132."""
    scene = HomeAgentScene()
    scene.rejected(Update(hao=None), 132)


def test_r_ha_45__one_binding_for_a_home_address() -> None:
    """A second care-of address takes the place of the first."""
    scene = HomeAgentScene()
    scene.hreg()
    scene.accepted(Update(16, source=COA2))
    scene.chk_plus(COA2)
    scene.chk0(COA)
    assert len(scene.home_agent.bindings) == 1


def test_an_unprotected_registration_is_dropped_where_protection_is_required() -> None:
    """And accepted in the clear where it is not."""
    update = Update(in_esp=False)
    scene = HomeAgentScene()
    scene.silence(update.packet())
    scene.chk0()
    HomeAgentScene(OPEN).accepted(update)
