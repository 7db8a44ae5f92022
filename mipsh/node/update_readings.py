"""The Binding Update List of a mobile node, and its return routability, as the records that the shell shows."""

from collections.abc import Iterator
from math import floor, log2

from msgspec import Struct

from mipsh.mobility.constants import MAX_TOKEN_LIFETIME_S
from mipsh.mobility.mobile.home_machine import State as HomeState
from mipsh.mobility.mobile.home_side import HomeSide
from mipsh.mobility.mobile.home_update import is_link_local_bound
from mipsh.mobility.mobile.registration import HomeRegistration
from mipsh.mobility.mobile.return_routability import State as TestState
from mipsh.mobility.mobile.update_list import State, UpdateListEntry
from mipsh.mobility.node import Node
from mipsh.mobility.timers import earliest
from mipsh.model.records import BindingUpdateListEntry, ReturnRoutabilityEntry
from mipsh.wire.address import text
from mipsh.wire.mobility import ACKNOWLEDGE, HOME, KEY_MANAGEMENT, LINK_LOCAL, MOBILE_ROUTER

UPDATE_FLAGS = {ACKNOWLEDGE: "A", HOME: "H", LINK_LOCAL: "L", KEY_MANAGEMENT: "K", MOBILE_ROUTER: "R"}
BOUND, TESTING, AWAITING, REFUSED = "bound", "return_routability", "waiting_for_ack", "not_mobile"
NEXT = {BOUND: "refresh", TESTING: "return_routability", AWAITING: "retransmit", REFUSED: "retry"}
"""What comes next of its own accord, by state."""

HOME_STATES = {
    HomeState.REGISTERING: AWAITING,
    HomeState.REGISTERED: BOUND,
    HomeState.REFRESHING: AWAITING,
    HomeState.REFUSED: REFUSED,
    HomeState.FINDING: AWAITING,
    HomeState.DEREGISTERING: AWAITING,
    HomeState.WITHDRAWING: AWAITING,
    HomeState.LEAVING: AWAITING,
}
"""In the other states there is an entry only while a registration lasts that was acknowledged."""
DEREGISTERING = frozenset((HomeState.FINDING, HomeState.DEREGISTERING, HomeState.WITHDRAWING, HomeState.LEAVING))
STATES = {
    State.WAITING: TESTING,
    State.TESTING: TESTING,
    State.BINDING: AWAITING,
    State.BOUND: BOUND,
    State.RETESTING: TESTING,
    State.REBINDING: AWAITING,
    State.RELEASING: TESTING,
    State.DELETING: AWAITING,
    State.REFUSED: REFUSED,
}
"""One that is absent has no entry: only its sequence number is remembered."""
SILENT_KIND, KIND = "non_mip_cn", "bul"
"""What mip6d calls the entry of somebody who is left alone for some time, and any other."""


def letters(bits: int, names: dict[int, str]) -> tuple[str, ...]:
    """Return the letters of the flags that are set."""
    return tuple(name for bit, name in names.items() if bits & bit)


def binding_update_list(node: Node, now: float) -> Iterator[BindingUpdateListEntry]:
    """Yield for each home address its home registration, then its registrations with correspondents."""
    mobile_node = node.roles.mobile_node
    for side in () if mobile_node is None else mobile_node.homes.values():
        row = home_entry(side, now)
        if row is not None:
            yield row
        for entry in side.optimisation.entries:
            if entry.state in STATES:
                yield correspondent_entry(side, entry, now)


def home_entry(side: HomeSide, now: float) -> BindingUpdateListEntry | None:
    """Return the entry of a home registration; None where there is neither one nor one to come."""
    registration = side.registration
    binding = registration.binding if registration.is_bound(now) else None
    state = HOME_STATES.get(registration.state, BOUND if binding is not None else None)
    peer = registration.asked_agent or registration.home_agent
    if state is None or peer is None:
        return None
    asked, place = registration.updates.care_of_address or side.home.address, registration.place
    lifetime_s, left_s = _home_lifetime(registration, now)
    next_s = None if registration.next_update is None else registration.next_update - now
    is_awaited = state == AWAITING
    return BindingUpdateListEntry(
        text(side.home.address),
        None if state == REFUSED else text(asked),
        text(peer),
        "home",
        state,
        None if next_s is None else NEXT[state],
        _floor(next_s),
        _floor(left_s),
        _floor(lifetime_s),
        registration.updates.sequence,
        SILENT_KIND if state == REFUSED else KIND,
        _home_flags(side),
        "wait" if is_awaited else "ready",
        retransmissions=max(registration.attempts - 1, 0) if is_awaited else 0,
        age_s=_age(lifetime_s, left_s),
        delay_s=registration.wait_s if is_awaited else _waited(lifetime_s, left_s, next_s),
        expires_s=_floor(None if binding is None else binding.until - now),
        interface=None if place is None else place.interface,
        last_care_of_address=text(asked),
        mps_next_s=_floor(_until(side.prefixes.next_deadline(), now)),
    )


def _home_lifetime(registration: HomeRegistration, now: float) -> tuple[float | None, float | None]:
    """Return the lifetime granted, or asked for where nothing was granted, and what is left of it."""
    if registration.state in DEREGISTERING:
        return 0.0, None
    binding = registration.binding
    if binding is None or not registration.is_bound(now):
        return registration.updates.wanted_s, None
    return binding.lifetime_s, binding.until - now


def _home_flags(side: HomeSide) -> tuple[str, ...]:
    place = side.registration.place
    is_both = is_link_local_bound(side.home, None if place is None else place.link_local)
    router = MOBILE_ROUTER if side.home.is_mobile_router else 0
    return letters(ACKNOWLEDGE | HOME | router | (LINK_LOCAL if is_both else 0), UPDATE_FLAGS)


def correspondent_entry(side: HomeSide, entry: UpdateListEntry, now: float) -> BindingUpdateListEntry:
    """Return the entry of a registration with a correspondent."""
    state, place = STATES[entry.state], side.registration.place
    left_s = _until(entry.expires, now)
    next_s = _until(_next(entry, state), now)
    delay_s, sent_s = _timer(side, entry, left_s, next_s)
    care_of_address = None if entry.care_of_address is None else text(entry.care_of_address)
    return BindingUpdateListEntry(
        text(entry.home_address),
        None if state == REFUSED else care_of_address,
        text(entry.peer),
        "correspondent",
        state,
        None if next_s is None else NEXT[state],
        _floor(next_s),
        _floor(left_s),
        _floor(entry.lifetime_s),
        entry.sequence,
        SILENT_KIND if state == REFUSED else KIND,
        letters(entry.flags or 0, UPDATE_FLAGS),
        "wait" if state == AWAITING else "ready",
        _routability(entry, now),
        retransmissions=_repeated(sent_s),
        age_s=_age(entry.lifetime_s, left_s),
        delay_s=delay_s,
        expires_s=_floor(left_s),
        interface=None if place is None else place.interface,
        last_care_of_address=care_of_address,
        home_nonce_index=entry.home_nonce_index,
        care_of_nonce_index=entry.care_of_nonce_index,
    )


def _next(entry: UpdateListEntry, state: str) -> float | None:
    """Return when something happens next of its own accord."""
    deadlines = entry.deadlines
    if state == TESTING:
        return earliest(deadlines.home_test, deadlines.care_of_test)
    return deadlines.update if state == AWAITING else deadlines.lifetime


def _timer(
    side: HomeSide, entry: UpdateListEntry, left_s: float | None, next_s: float | None
) -> tuple[float | None, float]:
    """Return how long the timer that runs takes, and how long the message before it is waited for."""
    state = STATES[entry.state]
    if state == TESTING:
        timeout_s = max(entry.home_test_timeout_s, entry.care_of_test_timeout_s)
        return timeout_s or None, timeout_s
    if state == AWAITING:
        return entry.timeout_s or None, entry.timeout_s
    if state == REFUSED:
        return side.parameters.refused_for_s, 0.0
    return _waited(entry.lifetime_s, left_s, next_s), 0.0


def _routability(entry: UpdateListEntry, now: float) -> str | None:
    """Return how return routability stands, as mip6d says it; None before the first test."""
    if TestState.WAITING in (entry.home_test, entry.care_of_test):
        return "started"
    for tested, expired in ((entry.home_tested, "home_nonce_expired"), (entry.care_of_tested, "care_of_nonce_expired")):
        if tested is not None and now - tested > MAX_TOKEN_LIFETIME_S:
            return expired
    return None if entry.home_tested is None else "ready"


def return_routability(node: Node, now: float) -> Iterator[ReturnRoutabilityEntry]:
    """Yield the tests that run or gave a token, each home test before its care-of test."""
    mobile_node = node.roles.mobile_node
    for side in () if mobile_node is None else mobile_node.homes.values():
        for entry in side.optimisation.entries:
            deadlines = entry.deadlines
            home = Test(entry.home_test, entry.home_tested, deadlines.home_test, entry.home_test_timeout_s)
            care_of = Test(
                entry.care_of_test, entry.care_of_tested, deadlines.care_of_test, entry.care_of_test_timeout_s
            )
            for name, test in (("home_test", home), ("care_of_test", care_of)):
                if test.state is not TestState.IDLE:
                    yield _test_entry(name, test, side, entry, now)


class Test(Struct, frozen=True):
    """A test of an address: how far it is, when it was answered, when it is sent again and after how long."""

    state: TestState
    answered: float | None
    again: float | None
    timeout_s: float


def _test_entry(name: str, test: Test, side: HomeSide, entry: UpdateListEntry, now: float) -> ReturnRoutabilityEntry:
    place = side.registration.place
    here = None if place is None else place.care_of_address or side.home.address
    token_s = None if test.answered is None else test.answered + MAX_TOKEN_LIFETIME_S - now
    is_good = token_s is not None and token_s >= 0
    return ReturnRoutabilityEntry(
        name,
        text(entry.home_address),
        None if here is None else text(here),
        text(entry.peer),
        is_good,
        _floor(token_s) if is_good else None,
        _floor(_until(test.again, now)),
        _repeated(test.timeout_s),
        _floor(test.timeout_s) if test.state is TestState.WAITING else int(MAX_TOKEN_LIFETIME_S),
        None if place is None else place.interface,
    )


def _repeated(timeout_s: float) -> int:
    """Return how often a message was repeated, by how long it is waited for: twice as long each time, from 1 s."""
    return int(log2(timeout_s)) if timeout_s > 1 else 0


def _until(time: float | None, now: float) -> float | None:
    return None if time is None else time - now


def _floor(seconds: float | None) -> int | None:
    return None if seconds is None else floor(seconds)


def _age(lifetime_s: float | None, left_s: float | None) -> int | None:
    return None if lifetime_s is None or left_s is None else floor(lifetime_s) - floor(left_s)


def _waited(lifetime_s: float | None, left_s: float | None, next_s: float | None) -> float | None:
    """Return how long the timer takes that began with the lifetime and ends in so many seconds."""
    if lifetime_s is None or left_s is None or next_s is None:
        return None
    return lifetime_s - left_s + next_s
