"""Bindings that an administrator adds and deletes: as a Binding Update would, but nobody is told."""

from typing import Any

import pytest
from home_scene import (
    COA,
    COA2,
    HA,
    HOA,
    HOA2,
    INTERFACE,
    LINK,
    OTHER_PREFIX,
    HomeScene,
    acknowledged,
    echo,
    sends,
)
from msgspec import structs

from mipsh.lab.topology import HOME_AGENT_ADDRESS, Lab
from mipsh.mobility.effects import (
    AddressFailed,
    DefendAddress,
    Effect,
    Emit,
    InstallBinding,
    ProbeAddress,
    ReleaseAddress,
    RemoveBinding,
)
from mipsh.mobility.home.administration import BindingOrder
from mipsh.mobility.home.cache import State
from mipsh.mobility.home.parameters import HomeAgentParameters
from mipsh.mobility.status import AckStatus
from mipsh.wire.address import parse
from mipsh.wire.mobility import ACKNOWLEDGE, HOME, LINK_LOCAL, MOBILE_ROUTER

AH = ACKNOWLEDGE | HOME
ORDER = BindingOrder(HOA, COA, HA, 150, AH)


def scene(**changes: Any) -> HomeScene:
    """Return a home agent with other parameters."""
    return HomeScene(structs.replace(HomeAgentParameters((LINK,)), **changes))


def add(at: HomeScene, **changes: Any) -> list[Effect] | AckStatus:
    """Add a binding, otherwise than most."""
    return at.agent.add_binding(structs.replace(ORDER, **changes), at.now)


def delete(at: HomeScene, home: bytes = HOA, local: bytes = HA) -> list[Effect] | AckStatus:
    """Delete a binding."""
    return at.agent.delete_binding(home, local, at.now)


def test_a_binding_is_there_at_once() -> None:
    """Its address is defended, its packets are tunnelled, and nothing is sent to the mobile node."""
    at = scene()
    assert add(at) == [
        DefendAddress(INTERFACE, HOA),
        InstallBinding(HOA, COA, HA, True),
        Emit("mip6MnRegistered", HOA, COA, HA),
    ]
    (entry,) = at.agent.bindings
    assert (entry.state, entry.sequence, entry.flags, entry.lifetime_s) == (State.BOUND, 0, AH, 600.0)
    assert sends(at.agent.intercept(echo().encode(), INTERFACE, at.now))[0].packet.destination == COA
    assert Emit("mip6MnBindingExpiredAtHA", HOA, COA, HA) in at.advance(600.0)


def test_duplicates_are_looked_for_on_demand() -> None:
    """Then it waits for the answer; somebody else's address is told as an event."""
    at = scene()
    assert add(at, detects_duplicates=True, flags=AH | LINK_LOCAL) == [
        ProbeAddress(INTERFACE, HOA),
        ProbeAddress(INTERFACE, parse("fe80::aa")),
    ]
    failed = at.agent.signal(AddressFailed(INTERFACE, HOA), at.now)
    assert failed == [Emit("haBindingRefused", HOA, COA, HA, "status 134")]
    assert add(at, detects_duplicates=True) == [ProbeAddress(INTERFACE, HOA)]
    assert InstallBinding(HOA, COA, HA, True) in at.ready(ProbeAddress(INTERFACE, HOA))
    assert at.agent.is_home_binding(HOA)


def test_a_registration_that_waits_goes_on_waiting() -> None:
    """With what the administrator wants."""
    at = scene()
    at.effects(s=7)
    assert add(at, care_of_address=COA2) == []
    assert at.ready(ProbeAddress(INTERFACE, HOA))[1:] == [
        InstallBinding(HOA, COA2, HA, True),
        Emit("mip6MnRegistered", HOA, COA2, HA),
    ]


def test_a_registration_is_changed() -> None:
    """The number stays, so that the mobile node's next update is accepted; or it is as wanted."""
    at = scene()
    at.update(s=7)
    assert add(at, care_of_address=COA2) == [
        InstallBinding(HOA, COA2, HA, True),
        Emit("mip6MnCOAChanged", HOA, COA2, HA),
    ]
    assert at.agent.bindings[0].sequence == 7
    assert add(at, sequence=7) is AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW
    assert isinstance(add(at, sequence=9), list)
    assert acknowledged(at.update(s=9)).status == 135
    assert acknowledged(at.update(s=10)).status == 0


def test_a_new_binding_has_the_number_that_is_wanted() -> None:
    """Whatever it is."""
    at = scene()
    add(at, sequence=40_000)
    assert at.agent.bindings[0].sequence == 40_000


@pytest.mark.parametrize(
    ("parameters", "changes", "status"),
    [
        ({}, {"units": 0}, 128),
        ({}, {"flags": ACKNOWLEDGE}, 128),
        ({}, {"flags": AH | MOBILE_ROUTER}, 128),
        ({}, {"home_address": OTHER_PREFIX[:15] + b"\x01"}, 132),
        ({}, {"home_address": HA}, 129),
        ({"denied": ((HOA, 128),)}, {}, 129),
        ({"max_bindings": 0}, {}, 130),
        ({}, {"care_of_address": HOA2}, 174),
        ({}, {"care_of_address": HOA}, 174),
        ({}, {"care_of_address": bytes(16)}, 174),
        ({"links": (structs.replace(LINK, valid_s=3),)}, {}, 132),
    ],
)
def test_what_cannot_be(parameters: dict[str, Any], changes: dict[str, Any], status: int) -> None:
    """It is said why, as the status of an acknowledgement would, and nothing changes."""
    at = scene(**parameters)
    assert add(at, **changes) == status
    assert at.agent.bindings == ()


def test_a_circle_cannot_be() -> None:
    """A care-of address that leads back to the home address, of two that are in mobile networks."""
    one, other = parse("2001:db8:f:1::1"), parse("2001:db8:f:2::1")
    networks = tuple((home, ((home[:8] + bytes(8), 64),)) for home in (one, other))
    at = scene(mobile_networks=networks)
    assert isinstance(add(at, home_address=one, care_of_address=other), list)
    assert add(at, home_address=other, care_of_address=one) is AckStatus.INVALID_CARE_OF_ADDRESS
    assert isinstance(add(at, home_address=other), list)


def test_a_mobile_router_stays_one() -> None:
    """Its binding is not replaced by one without its networks."""
    at = scene(mobile_networks=((HOA, ((parse("2001:db8:f::"), 48),)),))
    at.update(flags=AH | MOBILE_ROUTER)
    assert add(at) is AckStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED


def test_a_binding_is_deleted() -> None:
    """Its address is its owner's again; the number is remembered, and an old update does not bring it back."""
    at = scene()
    at.update(s=7)
    assert delete(at, local=COA) is AckStatus.NOT_HOME_AGENT
    assert delete(at) == [
        RemoveBinding(HOA, HA),
        ReleaseAddress(INTERFACE, HOA),
        Emit("mip6MnDeRegistered", HOA, COA, HA),
    ]
    assert acknowledged(at.update(s=7)).status == 135
    assert delete(at) is AckStatus.NOT_HOME_AGENT
    assert isinstance(add(at), list)
    assert at.agent.bindings[0].sequence == 7


def test_a_wait_is_ended_and_what_is_not_there_is_not_deleted() -> None:
    """The mobile node is not answered."""
    at = scene()
    assert delete(at) is AckStatus.NOT_HOME_AGENT
    at.effects()
    assert delete(at) == []
    assert at.ready(ProbeAddress(INTERFACE, HOA)) == []


def test_all_are_deleted() -> None:
    """Those that are deleted already do not count."""
    at = scene()
    at.update()
    add(at, home_address=HOA2)
    count, effects = at.agent.flush(at.now)
    assert (count, len([effect for effect in effects if isinstance(effect, RemoveBinding)])) == (2, 2)
    assert at.agent.flush(at.now) == (0, [])


def test_a_whole_home_agent_does_it() -> None:
    """For an address of its own; no other node does."""
    lab = Lab()
    lab.network.run_for(1.0)
    agent, now, home = lab.node("ha"), lab.network.clock.now, HOME_AGENT_ADDRESS[:15] + b"\xaa"
    order = BindingOrder(home, COA, HOME_AGENT_ADDRESS, 150, AH)
    assert InstallBinding(home, COA, HOME_AGENT_ADDRESS, True) in _done(agent.add_binding(order, now))
    elsewhere = structs.replace(order, local_address=COA2)
    assert agent.add_binding(elsewhere, now) is AckStatus.NOT_HOME_AGENT
    assert agent.add_binding(structs.replace(order, units=0), now) is AckStatus.REASON_UNSPECIFIED
    assert RemoveBinding(home, HOME_AGENT_ADDRESS) in _done(agent.delete_binding(home, HOME_AGENT_ADDRESS, now))
    correspondent = lab.node("cn")
    assert correspondent.add_binding(order, now) is AckStatus.NOT_HOME_AGENT
    assert correspondent.delete_binding(home, HOME_AGENT_ADDRESS, now) is AckStatus.NOT_HOME_AGENT


def _done(result: list[Effect] | AckStatus) -> list[Effect]:
    assert not isinstance(result, AckStatus)
    return result
