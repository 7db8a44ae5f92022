"""Dynamic home agent address discovery and the list behind it (RFC 6275 sections 10.1, 10.5, 10.5.1)."""

import pytest
from home_playbook import (
    ANYCAST,
    COA,
    HA,
    HOME_INTERFACE,
    LINK,
    STRICT,
    VIRTUAL,
    HomeAgentScene,
    said,
)
from msgspec import structs

from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.wire.address import ALL_NODES, ALL_ROUTERS, UNSPECIFIED, parse
from mipsh.wire.icmpv6 import HomeAgentDiscoveryReply, HomeAgentDiscoveryRequest, Icmpv6
from mipsh.wire.ndp import (
    AUTONOMOUS,
    HOME_AGENT,
    ON_LINK,
    ROUTER_ADDRESS,
    HomeAgentInformation,
    Option,
    PrefixInformation,
    RouterAdvertisement,
    RouterSolicitation,
)
from mipsh.wire.packet import HEADER_SIZE, Packet

HA0, HA1 = parse("2001:db8:0:1::d0"), parse("2001:db8:0:1::d1")
HA0_SECOND = parse("2001:db8:0:1::d00")
HA0_LINK_LOCAL, HA1_LINK_LOCAL = parse("fe80::d0"), parse("fe80::d1")
LINK_FLAGS = ON_LINK | AUTONOMOUS | ROUTER_ADDRESS
SERVES_ROUTERS = 0x8000
"""The R flag, in home agent discovery and in the Home Agent Information option (RFC 3963 section 7)."""
MTU = 1280


def peer(
    scene: HomeAgentScene,
    information: HomeAgentInformation | None,
    *addresses: bytes,
    source: bytes = HA0_LINK_LOCAL,
    lifetime_s: int = 1800,
    flags: int = HOME_AGENT,
) -> None:
    """Let another home agent advertise itself on the home link."""
    options: list[Option] = [PrefixInformation(64, LINK_FLAGS, 86_400, 43_200, address) for address in addresses]
    options += [] if information is None else [information]
    message = Icmpv6(RouterAdvertisement(64, flags, lifetime_s, 0, 0, tuple(options)))
    scene.on_link(Packet(source, ALL_NODES, message, hop_limit=255))


def first(scene: HomeAgentScene, preference: int, lifetime_s: int = 1800) -> None:
    """Let HA0 advertise a preference."""
    peer(scene, HomeAgentInformation(preference, lifetime_s), HA0)


def second(scene: HomeAgentScene, preference: int) -> None:
    """Let HA1 advertise a preference."""
    peer(scene, HomeAgentInformation(preference, 1800), HA1, source=HA1_LINK_LOCAL)


@pytest.mark.parametrize(
    ("parameters", "reserved"),
    [
        pytest.param(STRICT, 0, id="HA_7_1_1"),
        pytest.param(VIRTUAL, 0, id="HA_7_1_2"),
        pytest.param(STRICT, 1, id="HA_7_1_3"),
        pytest.param(VIRTUAL, 1, id="HA_7_1_4"),
    ],
)
def test_the_home_agent_itself(parameters: HomeAgentParameters, reserved: int) -> None:
    """What its Router Advertisement says is what the reply lists; reserved bits are ignored."""
    scene = HomeAgentScene(parameters)
    scene.advertise()
    scene.wait(5)
    mark = len(scene.log)
    scene.on_link(Packet(UNSPECIFIED, ALL_ROUTERS, Icmpv6(RouterSolicitation()), hop_limit=255))
    scene.wait(5)
    heard = [seen.message for seen in scene.log[mark:] if isinstance(seen.message, RouterAdvertisement)]
    assert heard != []
    for message in heard:
        assert message.flags & HOME_AGENT
        (prefix,) = [option for option in message.options if isinstance(option, PrefixInformation)]
        (told,) = [option for option in message.options if isinstance(option, HomeAgentInformation)]
        assert (prefix.prefix, prefix.flags & ROUTER_ADDRESS, told.preference) == (HA, ROUTER_ADDRESS, 10)
    assert scene.discovered(reserved) == HomeAgentDiscoveryReply(0x1234, (HA,))


@pytest.mark.parametrize(
    ("preferences", "expected"),
    [
        pytest.param((0,), (HA, HA0), id="HA_7_2_1"),
        pytest.param((1, 0), (HA, HA0, HA1), id="HA_7_2_3"),
        pytest.param((0, 1), (HA, HA1, HA0), id="HA_7_2_4"),
        pytest.param((0xFFFF, 0), (HA0, HA, HA1), id="HA_7_2_5"),
        pytest.param((0, 0xFFFF), (HA1, HA, HA0), id="HA_7_2_6"),
        pytest.param((0xFFFF, 0xFFFE), (HA0, HA1, HA), id="HA_7_2_7"),
        pytest.param((0xFFFE, 0xFFFF), (HA1, HA0, HA), id="HA_7_2_8"),
        pytest.param((11, 9), (HA0, HA, HA1), id="R-HA-31"),
    ],
)
def test_the_best_is_first(preferences: tuple[int, ...], expected: tuple[bytes, ...]) -> None:
    """Ordered by preference, oneself with 10 among them."""
    scene = HomeAgentScene()
    for advertise, preference in zip((first, second), preferences, strict=False):
        advertise(scene, preference)
    assert scene.discovered().addresses == expected


def test_ha_7_2_10__a_lifetime_ends() -> None:
    """That of the Home Agent Information option."""
    scene = HomeAgentScene()
    first(scene, 0xFFFF, 32)
    scene.wait(30)
    assert scene.discovered().addresses == (HA0, HA)
    scene.wait(1)
    assert scene.discovered().addresses == (HA,)


def test_ha_7_2_11__a_router_lifetime_ends() -> None:
    """That of the router, where there is no option; its preference is 0."""
    low = structs.replace(LINK, preference=0)
    scene = HomeAgentScene(structs.replace(STRICT, links=(low,)))
    peer(scene, None, HA0, lifetime_s=32)
    scene.wait(30)
    assert set(scene.discovered().addresses) == {HA0, HA}
    scene.wait(1)
    assert scene.discovered().addresses == (HA,)


def test_ha_7_2_12__a_preference_changes() -> None:
    """The last advertisement counts."""
    scene = HomeAgentScene()
    first(scene, 0xFFFF)
    assert scene.discovered().addresses == (HA0, HA)
    first(scene, 0)
    assert scene.discovered().addresses == (HA, HA0)


def test_ha_7_2_13__a_lifetime_is_refreshed() -> None:
    """It begins anew with each advertisement."""
    scene = HomeAgentScene()
    first(scene, 0xFFFF, 32)
    scene.wait(16)
    first(scene, 0xFFFF, 32)
    scene.wait(30)
    assert scene.discovered().addresses == (HA0, HA)
    scene.wait(1)
    assert scene.discovered().addresses == (HA,)


def test_ha_7_2_14__equal_preferences() -> None:
    """Either may be first, both before the one that is less preferred."""
    scene = HomeAgentScene()
    first(scene, 0xFFFF)
    second(scene, 0xFFFF)
    assert {scene.discovered().addresses for _ in range(20)} == {(HA0, HA1, HA), (HA1, HA0, HA)}


def test_ha_7_2_15__two_addresses_of_one_home_agent() -> None:
    """They stand next to each other."""
    scene = HomeAgentScene()
    peer(scene, HomeAgentInformation(0xFFFF, 1800), HA0, HA0_SECOND)
    assert scene.discovered().addresses in ((HA0, HA0_SECOND, HA), (HA0_SECOND, HA0, HA))


def test_ha_7_3_2__a_router_lifetime_of_zero() -> None:
    """Without the option it ends the entry at once."""
    scene = HomeAgentScene()
    first(scene, 0xFFFF)
    assert scene.discovered().addresses == (HA0, HA)
    peer(scene, None, HA0, lifetime_s=0)
    assert scene.discovered().addresses == (HA,)


def test_ha_7_5_1__the_reply_fits() -> None:
    """Into 1280 bytes: the 77 best of 79."""
    scene = HomeAgentScene()
    peers = {preference: HA0[:13] + (preference).to_bytes(3) for preference in range(0xFFB2, 0x10000)}
    assert len(peers) == 78
    for preference, address in peers.items():
        source = HA0_LINK_LOCAL[:13] + preference.to_bytes(3)
        peer(scene, HomeAgentInformation(preference, 1800), address, source=source)
    seen = scene.answer(Packet(COA, ANYCAST, Icmpv6(HomeAgentDiscoveryRequest(1))))
    best = tuple(peers[preference] for preference in sorted(peers, reverse=True))[:77]
    assert said(seen, HomeAgentDiscoveryReply).addresses == best
    assert len(seen.packet.encode()) == HEADER_SIZE + 8 + 77 * 16 == MTU


def test_r_ha_27__a_request_to_the_home_agents_own_address() -> None:
    """It is not answered: only one to the anycast address of a prefix that is served."""
    scene = HomeAgentScene()
    scene.silence(Packet(COA, HA, Icmpv6(HomeAgentDiscoveryRequest(1))))
    elsewhere = parse("2001:db8:0:7:fdff:ffff:ffff:fffe")
    assert not any(
        isinstance(seen.message, HomeAgentDiscoveryReply)
        for seen in scene.send(Packet(COA, elsewhere, Icmpv6(HomeAgentDiscoveryRequest(1)))) + scene.wait(2)
    )


@pytest.mark.parametrize(
    ("prefix", "length", "anycast"),
    [
        ("2001:db8:0:1::", 64, "2001:db8:0:1:fdff:ffff:ffff:fffe"),
        ("2001:db8:0:1::", 80, "2001:db8:0:1:0:ffff:ffff:fffe"),
        ("2001:db8:0:1::", 112, "2001:db8:0:1::fffe"),
    ],
)
def test_r_ha_28__the_anycast_address(prefix: str, length: int, anycast: str) -> None:
    """RFC 2526: behind a /64 with the universal bit clear, else ones but for the last 7 bits."""
    link = HomeLink(HOME_INTERFACE, HA, parse(prefix), length)
    scene = HomeAgentScene(structs.replace(STRICT, links=(link,)))
    assert scene.discovered(to=parse(anycast)).addresses == (HA,)


def test_r_ha_29__the_source_of_the_reply() -> None:
    """The home agent's unicast address on the prefix that was asked for."""
    other = HomeLink(HOME_INTERFACE, parse("2001:db8:0:b::1"), parse("2001:db8:0:b::"))
    scene = HomeAgentScene(structs.replace(STRICT, links=(LINK, other)))
    for link in (LINK, other):
        seen = scene.answer(Packet(COA, link.anycast, Icmpv6(HomeAgentDiscoveryRequest(1))))
        assert seen.packet.source == link.address


def test_r_ha_30__equal_preferences_are_shuffled() -> None:
    """Of a hundred replies some begin with each of them."""
    scene = HomeAgentScene()
    first(scene, LINK.preference, 0xFFFF)
    orders = [scene.discovered().addresses for _ in range(100)]
    assert set(orders) == {(HA, HA0), (HA0, HA)}
    assert 20 < orders.count((HA, HA0)) < 80


def test_r_ha_32__defaults() -> None:
    """Without a Home Agent Information option: the router's lifetime, preference 0."""
    scene = HomeAgentScene()
    peer(scene, None, HA0, lifetime_s=100)
    second(scene, 1)
    assert scene.discovered().addresses == (HA, HA1, HA0)
    scene.wait(98)
    assert HA0 in scene.discovered().addresses
    assert HA0 not in scene.discovered().addresses


def test_r_ha_33__the_longest_lifetime() -> None:
    """65535 seconds, all 16 bits."""
    scene = HomeAgentScene()
    first(scene, 0xFFFF, 0xFFFF)
    scene.wait(0xFFFF - 1)
    assert scene.discovered().addresses == (HA0, HA)
    assert scene.discovered().addresses == (HA,)


def test_r_ha_41__bindings_outlive_the_list() -> None:
    """A home agent that is less preferred, or whose peers change, serves whom it serves."""
    scene = HomeAgentScene()
    scene.hreg()
    first(scene, 0xFFFF)
    assert scene.discovered().addresses == (HA0, HA)
    scene.chk_plus()
    peer(scene, None, HA0, lifetime_s=0)
    scene.chk_plus()


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        pytest.param(SERVES_ROUTERS, {HA, HA0}, id="NEMO-HA_7_1_1/_5"),
        (0, {HA, HA0, HA1}),
    ],
)
def test_mobile_routers_ask(flags: int, expected: set[bytes]) -> None:
    """With the R flag only home agents that serve mobile routers are told, and the reply has it too."""
    scene = HomeAgentScene()
    peer(scene, HomeAgentInformation(5, 1800, SERVES_ROUTERS), HA0)
    second(scene, 5)
    reply = scene.discovered(flags)
    assert (reply.flags, set(reply.addresses)) == (flags, expected)


def test_nemo_ha_7_6_1_10__flags_of_peers() -> None:
    """A peer without H is no home agent, whatever its R; one with H and without R serves no mobile routers."""
    for h in (0, HOME_AGENT):
        for r in (0, SERVES_ROUTERS):
            scene = HomeAgentScene()
            peer(scene, HomeAgentInformation(20, 1800, r), HA0, flags=h)
            listed = bool(h), bool(h and r)
            assert (HA0 in scene.discovered().addresses, HA0 in scene.discovered(SERVES_ROUTERS).addresses) == listed
    scene = HomeAgentScene()
    for h, r in ((HOME_AGENT, SERVES_ROUTERS), (HOME_AGENT, 0), (HOME_AGENT, SERVES_ROUTERS), (0, SERVES_ROUTERS)):
        peer(scene, HomeAgentInformation(20, 1800, r), HA0, flags=h)
        listed = bool(h), bool(h and r)
        assert (HA0 in scene.discovered().addresses, HA0 in scene.discovered(SERVES_ROUTERS).addresses) == listed
