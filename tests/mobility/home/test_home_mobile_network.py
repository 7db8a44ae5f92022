"""Mobile routers at a home agent, with the prefixes behind them (RFC 3963 section 6)."""

from typing import Any

import pytest
from home_scene import (
    COA,
    COA2,
    HOA,
    HOA2,
    INTERFACE,
    LINK,
    HomeScene,
    acknowledged,
    alternate,
    of_kind,
    sends,
)
from msgspec import structs

from mipsh.mobility.effects import AddressReady, DefendAddress, ProbeAddress
from mipsh.mobility.home.parameters import HomeAgentParameters, Prefix
from mipsh.wire.address import parse
from mipsh.wire.mobility import ACKNOWLEDGE, BA_MOBILE_ROUTER, HOME, MOBILE_ROUTER, MobileNetworkPrefix
from mipsh.wire.tlv import UnknownOption

ROUTER = ACKNOWLEDGE | HOME | MOBILE_ROUTER
A1, A2, B1 = (parse(f"2001:db8:f:{number}::") for number in (1, 2, 9))
WIDE = parse("2001:db8:f::")
TABLE: tuple[tuple[bytes, tuple[Prefix, ...]], ...] = ((HOA, ((A1, 64), (A2, 64))), (HOA2, ((A1, 64), (B1, 64))))


def scene(**changes: Any) -> HomeScene:
    """Return a home agent with two mobile routers."""
    return HomeScene(structs.replace(HomeAgentParameters((LINK,)), mobile_networks=TABLE, **changes))


def named(*prefixes: bytes, length: int = 64) -> tuple[MobileNetworkPrefix, ...]:
    """Return the options that name prefixes."""
    return tuple(MobileNetworkPrefix(length, prefix) for prefix in prefixes)


def inside(prefix: bytes) -> bytes:
    """Return an address in a prefix."""
    return prefix[:15] + b"\x05"


def served(at: HomeScene) -> set[bytes]:
    """Return the prefixes for which packets are intercepted."""
    return {prefix for prefix in (A1, A2, B1) if at.agent.intercepts(inside(prefix), at.now)}


def test_implicit_prefixes() -> None:
    """All of the table, and the R flag comes back."""
    at = scene()
    message = acknowledged(at.update(flags=ROUTER))
    assert (message.status, message.flags) == (0, BA_MOBILE_ROUTER)
    assert served(at) == {A1, A2}
    assert not at.agent.intercepts(inside(WIDE), at.now)


def test_explicit_prefixes() -> None:
    """Those that the last update named, until there is none."""
    at = scene()
    for s, prefixes in enumerate(((A1,), (A2,), (A1, A2), (A1,)), 1):
        assert acknowledged(at.update(s, ROUTER, options=named(*prefixes))).status == 0
        assert served(at) == set(prefixes)
    assert acknowledged(at.update(9, ROUTER, 0)).flags == BA_MOBILE_ROUTER
    assert served(at) == set()


def test_prefixes_end_with_the_lifetime() -> None:
    """As the binding does."""
    at = scene()
    at.update(flags=ROUTER, lifetime=10)
    at.now += 40
    assert served(at) == set()
    at.advance(0)
    assert served(at) == set()


def test_prefixes_of_different_lengths() -> None:
    """The longest that fits tells whose an address is."""
    table = (HOA, ((WIDE, 48),)), (HOA2, ((A1, 64),))
    at = HomeScene(structs.replace(HomeAgentParameters((LINK,)), mobile_networks=table))
    at.update(flags=ROUTER)
    at.update(flags=ROUTER, hao=HOA2, source=COA2)
    packet = bytes((0x60, 0, 0, 0, 0, 0, 59, 64)) + parse("2001:db8:0:4::1")
    (there,) = sends(at.agent.intercept(packet + inside(A1), INTERFACE, at.now))
    (here,) = sends(at.agent.intercept(packet + inside(A2), INTERFACE, at.now))
    assert (there.packet.destination, here.packet.destination) == (COA2, COA)


@pytest.mark.parametrize(
    ("options", "status"),
    [
        (named(B1), 142),
        (named(A1, B1), 142),
        (named(A1, length=63), 141),
        (named(A1, length=65), 141),
        (named(A1, length=0), 141),
        (named(A1, length=129), 141),
        (named(parse("ff05::")), 141),
        (named(parse("fe80::")), 141),
        ((MobileNetworkPrefix(64, A1, 0xFF),), 0),
        ((MobileNetworkPrefix(64, inside(A1)),), 0),
        ((UnknownOption(200, bytes(18)),), 143),
        ((), 143),
    ],
)
def test_prefixes_that_may_not_be_registered(options: tuple[Any, ...], status: int) -> None:
    """141 what cannot be a prefix of the router, 142 what is not its, 143 nothing at all."""
    at = scene(allows_implicit=False)
    message = acknowledged(at.update(flags=ROUTER, options=options))
    assert message.status == status
    assert at.agent.is_home_binding(HOA) == (status == 0)


def test_a_home_agent_without_mobile_routers() -> None:
    """Status 140, and no R flag."""
    message = acknowledged(scene(serves_mobile_routers=False).update(flags=ROUTER))
    assert (message.status, message.flags) == (140, 0)


def test_a_mobile_router_without_prefixes() -> None:
    """Packets could not be sent anywhere."""
    assert (
        acknowledged(scene().update(flags=ROUTER, hao=parse("2001:db8:0:1::cc")), home=parse("2001:db8:0:1::cc")).status
        == 143
    )


def test_two_mobile_routers_with_one_prefix() -> None:
    """The second is refused, also where both wait for duplicate address detection."""
    at = scene()
    at.effects(flags=ROUTER)
    at.effects(flags=ROUTER, hao=HOA2, source=COA2)
    first = at.agent.signal(AddressReady(INTERFACE, HOA), at.now)
    assert acknowledged(first).status == 0
    second = at.agent.signal(AddressReady(INTERFACE, HOA2), at.now)
    assert acknowledged(second, COA2, HOA2).status == 143
    assert acknowledged(at.update(flags=ROUTER, hao=HOA2, source=COA2), COA2, HOA2).status == 143
    assert len(at.agent.cache) == 1


@pytest.mark.parametrize(("first", "then"), [(MOBILE_ROUTER, 0), (0, MOBILE_ROUTER)])
def test_a_mobile_router_stays_one(first: int, then: int) -> None:
    """Status 139, and the binding stays as it was."""
    at = scene()
    at.update(flags=ACKNOWLEDGE | HOME | first)
    assert acknowledged(at.update(2, ACKNOWLEDGE | HOME | then, source=COA2), COA2).status == 139
    assert acknowledged(at.update(2, ACKNOWLEDGE | HOME | first)).status == 0


def test_a_home_address_out_of_the_mobile_network() -> None:
    """It is on no link: nothing is probed or defended."""
    home = inside(A1)
    at = HomeScene(structs.replace(HomeAgentParameters((LINK,)), mobile_networks=((home, ((A1, 64),)),)))
    effects = at.effects(flags=ROUTER, hao=home)
    assert effects is not None
    assert acknowledged(effects, home=home).status == 0
    assert of_kind(effects, ProbeAddress) == []
    assert of_kind(effects, DefendAddress) == []
    assert at.agent.intercepts(home, at.now)
    assert at.agent.set_prefixes((), at.now) == []
    assert acknowledged(at.update(2, ROUTER, 0, hao=home), home=home).status == 0


def test_a_care_of_address_in_ones_own_network() -> None:
    """The tunnel would lead into itself: silence."""
    at = scene()
    at.update(flags=ROUTER)
    assert at.effects(2, ROUTER, options=alternate(inside(A1))) == []


def test_a_circle_of_bindings() -> None:
    """RFC 6275 section 6.1.7: silence where the care-of address leads back, not where it leads elsewhere."""
    at = scene()
    at.update(flags=ROUTER)
    assert acknowledged(at.update(hao=HOA2, source=inside(A1)), inside(A1), HOA2).status == 0
    assert at.effects(2, ROUTER, options=alternate(HOA2)) == []
    other = parse("2001:db8:0:1::cc")
    assert acknowledged(at.update(hao=other, source=inside(A2)), inside(A2), other).status == 0


def test_a_circle_of_others() -> None:
    """Prefixes that are named later can make one; whoever comes to it is not caught in it."""
    at = scene()
    at.update(1, ROUTER, source=inside(B1), options=named(A1))
    at.update(1, ROUTER, hao=HOA2, source=inside(A1), options=named(B1))
    other = parse("2001:db8:0:1::cc")
    assert acknowledged(at.update(hao=other, source=inside(A1)), inside(A1), other).status == 0
