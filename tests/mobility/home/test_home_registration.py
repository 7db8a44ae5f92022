"""Binding Updates at a home agent (RFC 6275 sections 9.5.1, 10.3.1 and 10.3.2)."""

from typing import Any

import pytest
from home_scene import (
    COA,
    COA2,
    HA,
    HOA,
    HOA2,
    HOME_PREFIX,
    INTERFACE,
    LINK,
    OTHER_PREFIX,
    HomeScene,
    acknowledged,
    alternate,
    of_kind,
    only_send,
    reread,
    sends,
)
from msgspec import structs

from mipsh.mobility.effects import (
    AddressFailed,
    AddressReady,
    DefendAddress,
    Effect,
    Emit,
    InstallBinding,
    ProbeAddress,
    Protection,
    Purpose,
    ReleaseAddress,
    RemoveBinding,
)
from mipsh.mobility.home.cache import State
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.status import AckStatus
from mipsh.wire.address import parse
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    KEY_MANAGEMENT,
    LINK_LOCAL,
    MOBILE_ROUTER,
    BindingRefreshAdvice,
    BindingRefreshRequest,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.ndp import INFINITY
from mipsh.wire.packet import Packet

AH = ACKNOWLEDGE | HOME
AHL = AH | LINK_LOCAL
FE80 = parse("fe80::aa")
OTHER = parse("2001:db8:0:a::aa")
REGISTRATION = Protection(Purpose.REGISTRATION, HOA)


def scene(**changes: Any) -> HomeScene:
    """Return a home agent with other parameters."""
    return HomeScene(structs.replace(HomeAgentParameters((LINK,)), **changes))


def state(at: HomeScene, home: bytes = HOA) -> State | None:
    """Return the state of a home address."""
    entry = at.agent.cache.get(home)
    return None if entry is None else entry.state


def test_a_first_registration() -> None:
    """It waits for duplicate address detection, then all is told in order."""
    at = scene()
    assert at.effects() == [ProbeAddress(INTERFACE, HOA)]
    assert (state(at), at.agent.is_home_binding(HOA)) == (State.PROBING, False)
    effects = at.ready(ProbeAddress(INTERFACE, HOA))
    message = acknowledged(effects)
    assert (message.status, message.flags, message.sequence, message.lifetime) == (0, 0, 1, 105)
    assert effects[:2] == [DefendAddress(INTERFACE, HOA), InstallBinding(HOA, COA, HA, True)]
    assert effects[3:] == [Emit("mip6MnRegistered", HOA, COA, HA)]
    assert at.agent.is_home_binding(HOA)
    assert [entry.expires for entry in at.agent.bindings] == [at.now + 420]


def test_a_refresh_and_a_movement() -> None:
    """At once; forwarding changes only where the care-of address does."""
    at = scene()
    at.update()
    refreshed = at.update(s=2)
    assert acknowledged(refreshed).status == 0
    assert len(refreshed) == 1
    moved = at.update(s=3, source=COA2, flags=HOME)
    assert moved[0] == InstallBinding(HOA, COA2, HA, True)
    assert acknowledged(moved, COA2).sequence == 3
    assert moved[2:] == [Emit("mip6MnCOAChanged", HOA, COA2, HA)]


def test_another_address_of_the_home_agent() -> None:
    """The tunnel is from where the last update went to."""
    at = scene()
    at.update()
    local = parse("2001:db8:0:1::2")
    effects = at.effects(s=2, local=local)
    assert effects is not None
    assert effects[0] == InstallBinding(HOA, COA, local, True)
    assert only_send(effects).packet.source == local


def test_without_duplicate_address_detection() -> None:
    """Where that is configured, the answer comes at once."""
    assert acknowledged(scene(detects_duplicates=False).update()).status == 0


def test_the_link_local_address_is_probed_and_defended_with_it() -> None:
    """With the L flag; the registration waits for both."""
    at = scene()
    assert at.effects(flags=AHL) == [ProbeAddress(INTERFACE, HOA), ProbeAddress(INTERFACE, FE80)]
    assert at.ready(ProbeAddress(INTERFACE, HOA)) == []
    effects = at.ready(ProbeAddress(INTERFACE, FE80))
    assert of_kind(effects, DefendAddress) == [DefendAddress(INTERFACE, HOA), DefendAddress(INTERFACE, FE80)]
    assert at.agent.intercepts(FE80, at.now)


def test_a_link_local_address_for_two_prefixes() -> None:
    """It is probed once, while one waits or has it, and released with the last of them."""
    links = LINK, HomeLink(INTERFACE, parse("2001:db8:0:a::1"), OTHER_PREFIX)
    at = scene(links=links)
    at.effects(flags=AHL)
    assert at.effects(flags=AHL, hao=OTHER) == [ProbeAddress(INTERFACE, OTHER)]
    at.ready(ProbeAddress(INTERFACE, HOA))
    at.ready(ProbeAddress(INTERFACE, OTHER))
    assert len(sends(at.ready(ProbeAddress(INTERFACE, FE80)))) == 2
    third = parse("2001:db8:0:a::bb")
    assert at.effects(flags=AH, hao=third) == [ProbeAddress(INTERFACE, third)]
    assert of_kind(at.update(s=2, lifetime=0), ReleaseAddress) == [ReleaseAddress(INTERFACE, HOA)]
    assert at.agent.intercepts(FE80, at.now)
    released = of_kind(at.update(s=2, lifetime=0, hao=OTHER), ReleaseAddress)
    assert released == [ReleaseAddress(INTERFACE, OTHER), ReleaseAddress(INTERFACE, FE80)]
    assert not at.agent.intercepts(FE80, at.now)


def test_a_defended_link_local_address_is_not_probed_again() -> None:
    """It is known to be free."""
    links = LINK, HomeLink(INTERFACE, parse("2001:db8:0:a::1"), OTHER_PREFIX)
    at = scene(links=links)
    at.update(flags=AHL)
    assert at.effects(flags=AHL, hao=OTHER) == [ProbeAddress(INTERFACE, OTHER)]


@pytest.mark.parametrize("taken", [HOA, FE80])
def test_an_address_that_is_somebody_elses(taken: bytes) -> None:
    """Status 134, whichever of the two it is; nothing is left."""
    at = scene()
    at.effects(flags=HOME | LINK_LOCAL)
    assert acknowledged(at.agent.signal(AddressFailed(INTERFACE, taken), at.now)).status == 134
    assert (state(at), at.agent.next_deadline()) == (None, None)
    for address in (HOA, FE80):
        assert at.agent.signal(AddressReady(INTERFACE, address), at.now) == []
        assert at.agent.signal(AddressFailed(INTERFACE, address), at.now) == []


def test_a_link_local_address_that_fails_two() -> None:
    """Both are told."""
    links = LINK, HomeLink(INTERFACE, parse("2001:db8:0:a::1"), OTHER_PREFIX)
    at = scene(links=links)
    at.effects(flags=AHL)
    at.effects(flags=AHL, hao=OTHER, source=COA2)
    assert len(sends(at.agent.signal(AddressFailed(INTERFACE, FE80), at.now))) == 2


def test_an_optimistic_address_is_not_known_to_be_free() -> None:
    """RFC 4429: detection still runs."""
    at = scene()
    at.effects()
    assert at.agent.signal(AddressReady(INTERFACE, HOA, True), at.now) == []
    assert state(at) is State.PROBING


def test_updates_while_an_address_is_probed() -> None:
    """The newest one counts, a copy is silent, an older one is out of the window."""
    at = scene()
    at.effects(s=5)
    assert at.effects(s=5) == []
    refused = at.effects(s=4, source=COA2)
    assert refused is not None
    assert (acknowledged(refused, COA2).status, acknowledged(refused, COA2).sequence) == (135, 5)
    assert at.effects(s=6, source=COA2, lifetime=50, flags=AHL) == []
    effects = at.ready(ProbeAddress(INTERFACE, HOA))
    message = acknowledged(effects, COA2)
    assert (message.status, message.sequence, message.lifetime) == (0, 6, 50)
    assert of_kind(effects, DefendAddress) == [DefendAddress(INTERFACE, HOA)]


def test_a_deregistration_while_an_address_is_probed() -> None:
    """The registration never comes to be, and its number is remembered."""
    at = scene()
    at.effects(s=5)
    assert acknowledged(at.update(s=6, lifetime=0)).status == 0
    assert state(at) is State.DYING
    assert at.agent.signal(AddressReady(INTERFACE, HOA), at.now) == []
    assert acknowledged(at.update(s=5)).status == 135


def test_a_probe_without_an_answer() -> None:
    """It is given up, and the mobile node is told."""
    at = scene()
    at.effects()
    assert at.advance(9.9) == []
    assert acknowledged(at.advance(0.1)).status == 128
    assert state(at) is None


@pytest.mark.parametrize("flags", [HOME, AH, AHL, AH | KEY_MANAGEMENT, AH | 0x03FF])
def test_flags(flags: int) -> None:
    """Without A there is an answer too; K is never set; unknown ones are ignored."""
    message = acknowledged(scene().update(flags=flags))
    assert (message.status, message.flags) == (0, 0)


@pytest.mark.parametrize(
    ("changes", "update", "status"),
    [
        ({"is_enabled": False}, {}, 131),
        ({}, {"hao": OTHER}, 132),
        ({}, {"hao": None}, 132),
        ({}, {"hao": OTHER, "lifetime": 0}, 132),
        ({"links": (structs.replace(LINK, valid_s=0),)}, {}, 132),
        ({"links": (structs.replace(LINK, valid_s=3),)}, {}, 132),
        ({}, {"hao": HA}, 129),
        ({}, {"hao": LINK.anycast}, 129),
        ({}, {"hao": HOME_PREFIX}, 129),
        ({"denied": ((HOA, 128),)}, {}, 129),
        ({}, {"lifetime": 0}, 133),
        ({}, {"lifetime": 0, "s": 65535}, 133),
        ({"requires_alternate": True}, {}, 129),
        ({}, {"source": HOA2}, 174),
        ({}, {"options": alternate(HA)}, 174),
        ({}, {"options": alternate(HOA2)}, 174),
        ({"max_bindings": 0}, {}, 130),
        ({"max_probes": 0}, {}, 130),
    ],
)
def test_rejections(changes: dict[str, Any], update: dict[str, Any], status: int) -> None:
    """Each with its status, the update's number, no lifetime and no advice; nothing is bound."""
    at = scene(refresh_share=0.5, **changes)
    source, home = update.get("source", COA), update.get("hao", HOA) or COA
    message = acknowledged(at.update(**update), source, home)
    assert (message.status, message.sequence, message.lifetime) == (status, update.get("s", 1), 0)
    assert of_kind(message.options, BindingRefreshAdvice) == []
    assert len(at.agent.cache) == 0


def test_a_cache_that_is_full_serves_who_is_in_it() -> None:
    """No room is needed for a refresh."""
    at = scene(max_bindings=1)
    at.update()
    assert acknowledged(at.update(hao=HOA2), home=HOA2).status == AckStatus.INSUFFICIENT_RESOURCES
    assert acknowledged(at.update(s=2)).status == 0


@pytest.mark.parametrize(
    "update",
    [
        {"hao": parse("fe80::aa")},
        {"hao": parse("ff02::1:ff00:aa")},
        {"options": (NonceIndices(1, 2),)},
        {"options": (*alternate(COA), *alternate(COA2))},
        {"local": LINK.anycast},
    ],
)
def test_what_stays_unanswered(update: dict[str, Any]) -> None:
    """Addresses that cannot be, nonce indices, contradictions, and what came to an anycast address."""
    at = scene()
    assert at.effects(**update) == []
    assert len(at.agent.cache) == 0


def test_what_is_not_the_home_agents_business() -> None:
    """Other messages, and updates to a correspondent node."""
    at = scene()
    packet = reread(Packet(COA, HA, MobilityHeader(BindingRefreshRequest())))
    assert isinstance(packet.upper, MobilityHeader)
    assert at.agent.receive(packet, packet.upper, None, at.now) is None
    assert at.effects(flags=ACKNOWLEDGE) is None
    assert at.effects(flags=ACKNOWLEDGE, hao=parse("fe80::aa")) is None
    at.effects()
    assert at.effects(flags=ACKNOWLEDGE) is None


def test_the_type_of_a_registration_does_not_change() -> None:
    """Status 139, and the binding stays."""
    at = scene()
    at.update()
    assert acknowledged(at.update(s=2, flags=ACKNOWLEDGE, source=COA2), COA2).status == 139
    assert acknowledged(at.update(s=2)).status == 0


def test_a_mobile_router_registers_at_home_only() -> None:
    """RFC 3963: H must be set with R; where the home agent is off, this is a correspondent node."""
    assert acknowledged(scene().update(flags=ACKNOWLEDGE | MOBILE_ROUTER)).status == 140
    assert scene(is_enabled=False).effects(flags=ACKNOWLEDGE | MOBILE_ROUTER) is None


@pytest.mark.parametrize("protection", [None, Protection(Purpose.REGISTRATION, HOA2), Protection(Purpose.PAYLOAD, HOA)])
def test_an_update_that_is_not_protected_as_required(protection: Protection | None) -> None:
    """It is dropped without a word."""
    assert scene(required=frozenset((Purpose.REGISTRATION,))).effects(protection=protection) == []


@pytest.mark.parametrize("required", [frozenset((Purpose.REGISTRATION,)), frozenset()])
def test_the_answer_goes_by_the_same_association(required: frozenset[Purpose]) -> None:
    """Whether that is required or not, and rejections too."""
    at = scene(required=required)
    assert only_send(at.update(protection=REGISTRATION)).protection == REGISTRATION
    assert only_send(at.update(protection=REGISTRATION)).protection == REGISTRATION


@pytest.mark.parametrize(
    ("first", "then", "expected"),
    [(15, 16, 0), (15, 32782, 0), (15, 14, 135), (15, 15, 135), (15, 32783, 135), (32783, 14, 0), (32783, 15, 135)],
)
def test_the_sequence_window(first: int, then: int, expected: int) -> None:
    """The last accepted number is told where one is not greater."""
    at = scene()
    at.update(s=first)
    message = acknowledged(at.update(s=then))
    assert (message.status, message.sequence) == (expected, first if expected else then)


@pytest.mark.parametrize(
    ("prefix", "most", "asked", "granted", "status"),
    [
        ((INFINITY, INFINITY), 262_140.0, 65535, 65535, 0),
        ((INFINITY, INFINITY), 1003.0, 65535, 250, 0),
        ((1003, 1003), 262_140.0, 65535, 250, 1),
        ((1003, 1003), 262_140.0, 249, 249, 0),
        ((1003, 500), 262_140.0, 125, 125, 0),
        ((1003, 500), 262_140.0, 126, 126, 1),
        ((INFINITY, 500), 262_140.0, 126, 126, 1),
    ],
)
def test_lifetimes(prefix: tuple[int, int], most: float, asked: int, granted: int, status: int) -> None:
    """No longer than asked for, allowed, or the prefix is valid; status 1 where that is soon deprecated or ends."""
    link = structs.replace(LINK, valid_s=prefix[0], preferred_s=prefix[1])
    message = acknowledged(scene(links=(link,), max_lifetime_s=most).update(lifetime=asked))
    assert (message.lifetime, message.status) == (granted, status)


@pytest.mark.parametrize(
    ("share", "advised"),
    [(None, []), (0.5, [BindingRefreshAdvice(52)]), (1.0, []), (0.0, []), (0.99, [BindingRefreshAdvice(103)])],
)
def test_refresh_advice(share: float | None, advised: list[BindingRefreshAdvice]) -> None:
    """Only where it is less than the lifetime."""
    message = acknowledged(scene(refresh_share=share).update())
    assert of_kind(message.options, BindingRefreshAdvice) == advised


def test_an_alternate_care_of_address() -> None:
    """It is bound, and the answer goes to where the update came from."""
    at = scene(requires_alternate=True)
    effects = at.update(options=alternate(COA2))
    assert acknowledged(effects, COA).status == 0
    assert of_kind(effects, InstallBinding) == [InstallBinding(HOA, COA2, HA, True)]


@pytest.mark.parametrize(
    ("update", "source"),
    [
        ({"lifetime": 0}, COA),
        ({"lifetime": 0, "source": HOA}, HOA),
        ({"source": HOA}, HOA),
        ({"lifetime": 0, "source": HOA, "hao": None, "flags": HOME}, HOA),
        ({"source": HOA, "hao": None, "options": alternate(HOA)}, HOA),
        ({"options": alternate(HOA)}, COA),
    ],
)
def test_deregistrations(update: dict[str, Any], source: bytes) -> None:
    """The addresses are left to their owner before it is answered, at home straight onto the link."""
    at = scene()
    at.update(flags=AHL)
    effects = at.update(s=2, **update)
    message = acknowledged(effects, source)
    assert (message.status, message.sequence, message.lifetime, message.flags) == (0, 2, 0, 0)
    stopped: list[Effect] = [RemoveBinding(HOA, HA), ReleaseAddress(INTERFACE, HOA), ReleaseAddress(INTERFACE, FE80)]
    assert effects[:3] == stopped
    assert effects[4:] == [Emit("mip6MnDeRegistered", HOA, COA, HA)]
    assert only_send(effects).interface == (INTERFACE if source == HOA else None)
    assert not at.agent.intercepts(HOA, at.now)
    assert state(at) is State.DYING


def test_what_was_deregistered_is_remembered_for_a_while() -> None:
    """An older update is refused, the deregistration repeated is accepted, and a new registration needs no probe."""
    at = scene()
    at.update()
    at.update(s=3, lifetime=0)
    assert (acknowledged(at.update(s=2)).status, acknowledged(at.update(s=2)).sequence) == (135, 3)
    repeated = at.update(s=4, lifetime=0)
    assert (acknowledged(repeated).status, len(repeated)) == (0, 1)
    again = at.effects(s=5)
    assert again is not None
    assert acknowledged(again).status == 0
    assert of_kind(again, DefendAddress) == [DefendAddress(INTERFACE, HOA)]
    at.update(s=6, lifetime=0)
    assert at.advance(9.9) == []
    assert state(at) is State.DYING
    assert at.advance(0.1) == []
    assert acknowledged(at.update(s=1, lifetime=0)).status == 133


def test_a_lifetime_ends() -> None:
    """As a deregistration, but unasked, and nothing is remembered."""
    at = scene()
    at.update(lifetime=10)
    assert at.advance(39.9) == []
    assert at.advance(0.1) == [
        RemoveBinding(HOA, HA),
        ReleaseAddress(INTERFACE, HOA),
        Emit("mip6MnBindingExpiredAtHA", HOA, COA, HA),
    ]
    assert state(at) is None


def test_a_rejection_to_a_mobile_node_at_home() -> None:
    """It too goes onto the home link, without a routing header."""
    at = scene()
    at.update(s=15)
    send = only_send(at.update(s=14, source=HOA, lifetime=0))
    assert (send.packet.destination, send.packet.headers, send.interface) == (HOA, (), INTERFACE)


def test_rejections_are_limited() -> None:
    """So that nobody is flooded with them; acceptances are not."""
    at = scene()
    assert sum(at.update(hao=OTHER) != [] for _ in range(50)) == 10
    assert all(acknowledged(at.update(s=number)).status == 0 for number in range(1, 50))
