"""Addresses of an interface: states under every input, detection of duplicates, lifetimes, choice of a source."""

from itertools import product

import pytest
from host_bench import (
    ALL_NODES,
    AUTO,
    FAR,
    LINK_LOCAL,
    MAC,
    OTHER_PREFIX,
    OWN,
    PEER,
    PREFIX,
    SURE,
    UNSPECIFIED,
    interface,
    na,
    ns,
    of,
    only,
    packet,
    pio,
    ra,
    sends,
    up,
)
from msgspec import structs

from mipsh.mobility.effects import (
    AddressAdded,
    AddressFailed,
    AddressGone,
    AddressReady,
    AddressRemoved,
    AssignAddress,
    Effect,
    ProbeAddress,
    RemoveAddress,
    Transmit,
)
from mipsh.mobility.host.addresses import ADDRESS, Input, State
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.wire.address import parse, solicited_node
from mipsh.wire.ndp import (
    INFINITY,
    OVERRIDE,
    SOLICITED,
    LinkLayer,
    NeighborAdvertisement,
    NeighborSolicitation,
    RouterSolicitation,
)
from mipsh.wire.packet import Packet, decode

S = State
EXPECTED = {
    S.ABSENT: {Input.ASSIGN: S.TENTATIVE},
    S.TENTATIVE: {
        Input.TRUST: S.OPTIMISTIC,
        Input.FREE: S.PREFERRED,
        Input.TAKEN: S.DUPLICATE,
        Input.RESTART: S.TENTATIVE,
        Input.REMOVE: S.ABSENT,
    },
    S.OPTIMISTIC: {
        Input.FREE: S.PREFERRED,
        Input.TAKEN: S.DUPLICATE,
        Input.RESTART: S.TENTATIVE,
        Input.REMOVE: S.ABSENT,
    },
    S.PREFERRED: {Input.AGE: S.DEPRECATED, Input.RESTART: S.TENTATIVE, Input.REMOVE: S.ABSENT},
    S.DEPRECATED: {Input.RENEW: S.PREFERRED, Input.RESTART: S.TENTATIVE, Input.REMOVE: S.ABSENT},
    S.DUPLICATE: {Input.RESTART: S.TENTATIVE, Input.REMOVE: S.ABSENT},
}
"""What RFC 4862 sections 5.4 and 5.5.4 let happen, and RFC 4429."""
TESTING = InterfaceParameters(solicitations=0)
TRUSTING = structs.replace(TESTING, is_optimistic=True)
HOURS = 3600


@pytest.mark.parametrize(("state", "event"), list(product(State, Input)))
def test_each_state_of_an_address_under_each_input(state: State, event: Input) -> None:
    """A transition that is listed happens; all others are bugs, and raise."""
    after = EXPECTED[state].get(event)
    if after is None:
        with pytest.raises(KeyError):
            ADDRESS.step(state, event)
    else:
        assert ADDRESS.step(state, event) is after


def state(made: Interface, address: bytes = OWN) -> State:
    """Return an address's state."""
    return next((entry.state for entry in made.addresses if entry.address == address), State.ABSENT)


def in_state(wanted: State) -> Interface:
    """Return an interface that has its own address in a state, at 2.0."""
    made = up(TRUSTING if wanted is State.OPTIMISTIC else TESTING)
    if wanted in (State.PREFERRED, State.DEPRECATED):
        made.receive(ra(pio(preferred_s=100 if wanted is State.PREFERRED else 0)), 1.0)
        made.advance(2.0)
    elif wanted is not State.ABSENT:
        made.add_address(AUTO, 64, 1.5)
        if wanted is State.DUPLICATE:
            made.receive(na(AUTO, destination=ALL_NODES, flags=OVERRIDE), 1.6)
    assert state(made, AUTO) is wanted
    return made


def test_an_address_is_free_when_nobody_objects() -> None:
    """One solicitation, from nobody, to all who might have it; then silence (section 5.4.2)."""
    made = up(TESTING)
    sent, message = only(made.add_address(OWN, 64, 1.0), NeighborSolicitation)
    assert (sent.source, sent.destination, message.target) == (UNSPECIFIED, solicited_node(OWN), OWN)
    assert not any(isinstance(option, LinkLayer) for option in message.options)
    assert not made.owns(OWN)
    assert not made.may_send_from(OWN)
    assert made.accepts(OWN)
    assert made.accepts(solicited_node(OWN))
    assert made.advance(2.0) == [AddressAdded(OWN, "eth0"), AddressReady("eth0", OWN)]
    assert made.owns(OWN)
    assert made.may_send_from(OWN)


def test_several_solicitations_and_a_delay() -> None:
    """As many as configured; the first for the link-local address is delayed at random."""
    made = interface(structs.replace(TESTING, dad_transmits=2, solicit_delay_s=1.0))
    assert sends(made.set_link(True, 0.0)) == []
    first = made.next_deadline()
    assert first is not None
    assert 0 < first <= 1.0
    assert len(sends(made.advance(first))) == 1
    assert len(sends(made.advance(first + 1))) == 1
    assert made.advance(first + 2) == [AddressAdded(LINK_LOCAL, "eth0"), AddressReady("eth0", LINK_LOCAL)]


def test_without_detection_an_address_is_ready_at_once() -> None:
    """Be it for all addresses or for one, and even without a link."""
    ready: list[Effect] = [AddressAdded(OWN, "eth0"), AddressReady("eth0", OWN)]
    assert interface(SURE).add_address(OWN, 64, 0.0) == ready
    assert interface(TESTING).add_address(OWN, 64, 0.0, detect=False) == ready
    assert up(SURE).carry_out(ProbeAddress("eth0", OWN), 1.0) == [AddressReady("eth0", OWN)]


@pytest.mark.parametrize("before", [State.TENTATIVE, State.OPTIMISTIC])
@pytest.mark.parametrize(
    "sign", [na(AUTO, destination=ALL_NODES, flags=0), ns(AUTO, source=UNSPECIFIED)], ids=["has it", "tests it"]
)
def test_a_sign_of_another_owner_makes_a_duplicate(before: State, sign: Packet) -> None:
    """It has the address, or wants it at the same time (sections 5.4.3 and 5.4.4)."""
    made = in_state(before)
    effects = made.receive(sign, 1.7)
    assert of(effects, AddressFailed) == [AddressFailed("eth0", AUTO)]
    assert of(effects, AddressRemoved) == ([AddressRemoved(AUTO, "eth0")] if before is State.OPTIMISTIC else [])
    assert state(made, AUTO) is State.DUPLICATE
    assert not made.accepts(AUTO)
    assert not made.owns(AUTO)
    assert made.receive(ns(AUTO), 1.8) == []
    made.advance(3.0)
    assert state(made, AUTO) is State.DUPLICATE


def test_a_solicitation_that_comes_back_is_no_sign() -> None:
    """It has our nonce (RFC 7527); another one of the same kind has not."""
    made = up(TESTING)
    (frame,) = of(made.add_address(OWN, 64, 1.0), Transmit)
    echo = decode(frame.data)
    assert isinstance(echo, Packet)
    assert made.receive(echo, 1.1) == []
    assert state(made) is State.TENTATIVE


def test_who_resolves_a_tentative_address_hears_nothing() -> None:
    """Such a solicitation is ignored (section 5.4.3)."""
    assert in_state(State.TENTATIVE).receive(ns(AUTO), 1.7) == []


@pytest.mark.parametrize("before", [State.PREFERRED, State.DEPRECATED])
def test_an_address_in_use_is_defended(before: State) -> None:
    """Who tests it is told, and who claims it is ignored."""
    made = in_state(before)
    sent, message = only(made.receive(ns(AUTO, source=UNSPECIFIED), 3.0), NeighborAdvertisement)
    assert (sent.source, sent.destination) == (AUTO, ALL_NODES)
    assert message == NeighborAdvertisement(AUTO, OVERRIDE, (LinkLayer(2, MAC),))
    assert made.receive(na(AUTO, destination=ALL_NODES, flags=OVERRIDE), 3.1) == []
    assert made.receive(packet(NeighborAdvertisement(AUTO, OVERRIDE), PEER, ALL_NODES), 3.2) == []
    assert state(made, AUTO) is before


def test_an_address_in_use_answers_its_neighbours() -> None:
    """With S, and O, as it is sure (RFC 4861 section 7.2.4)."""
    made = in_state(State.PREFERRED)
    sent, message = only(made.receive(ns(AUTO), 3.0), NeighborAdvertisement)
    assert (sent.source, sent.destination) == (AUTO, PEER)
    assert message == NeighborAdvertisement(AUTO, SOLICITED | OVERRIDE, (LinkLayer(2, MAC),))


def test_an_optimistic_address_is_used_and_overrides_nothing() -> None:
    """Until it was tested (RFC 4429 section 3.3)."""
    made = up(TRUSTING)
    effects = made.add_address(OWN, 64, 1.0)
    assert effects[1:] == [AddressAdded(OWN, "eth0"), AddressReady("eth0", OWN, True)]
    assert made.owns(OWN)
    _, message = only(made.receive(ns(OWN), 1.1), NeighborAdvertisement)
    assert message.flags == SOLICITED
    assert made.advance(2.0) == [AddressAdded(OWN, "eth0"), AddressReady("eth0", OWN)]
    _, message = only(made.receive(ns(OWN), 2.1), NeighborAdvertisement)
    assert message.flags == SOLICITED | OVERRIDE


def test_routers_are_solicited_from_nobody_while_the_link_local_address_is_tested() -> None:
    """Then no link-layer address is given, not even optimistically."""
    for parameters in (InterfaceParameters(), InterfaceParameters(is_optimistic=True)):
        made = interface(parameters)
        sent, message = only(made.set_link(True, 0.0), RouterSolicitation)
        assert (sent.source, message.options) == (UNSPECIFIED, ())
        made.advance(1.0)
        sent, message = only(made.advance(4.0), RouterSolicitation)
        assert (sent.source, message.options) == (LINK_LOCAL, (LinkLayer(1, MAC),))


# Assigning, removing, probing.


def assign(made: Interface, address: bytes, now: float, *, detect: bool = True) -> list[Effect]:
    """Have a role assign an address."""
    return made.carry_out(AssignAddress("eth0", address, detect), now)


@pytest.mark.parametrize("before", list(State))
@pytest.mark.parametrize("detect", [True, False])
def test_assigning_in_each_state(before: State, detect: bool) -> None:
    """What was tested is ready, what is being tested goes on, and the rest is tested; or all is ready at once."""
    made = in_state(before)
    effects = assign(made, AUTO, 3.0, detect=detect)
    if not detect or before in (State.PREFERRED, State.DEPRECATED):
        assert AddressReady("eth0", AUTO) in effects
        assert sends(effects) == []
    elif before in (State.TENTATIVE, State.OPTIMISTIC):
        assert effects == []
    else:
        assert only(effects, NeighborSolicitation)[1].target == AUTO
    effects += made.advance(4.0)
    assert AddressReady("eth0", AUTO) in effects
    assert made.owns(AUTO)


@pytest.mark.parametrize("before", list(State))
def test_removing_in_each_state(before: State) -> None:
    """The upper layers hear of it if they could use the address."""
    made = in_state(before)
    effects = made.carry_out(RemoveAddress("eth0", AUTO), 3.0)
    is_there = before is not State.ABSENT
    is_usable = before in (State.OPTIMISTIC, State.PREFERRED, State.DEPRECATED)
    assert effects == [AddressGone("eth0", AUTO)] * is_there + [AddressRemoved(AUTO, "eth0")] * is_usable
    assert not made.accepts(AUTO)
    assert AddressReady("eth0", AUTO) not in made.advance(10.0)


@pytest.mark.parametrize("before", list(State))
def test_probing_in_each_state(before: State) -> None:
    """An address that the interface has is not free; others are tested and not assigned."""
    made = in_state(before)
    effects = made.carry_out(ProbeAddress("eth0", AUTO), 3.0)
    if before is not State.ABSENT:
        assert effects == [AddressFailed("eth0", AUTO)]
        return
    assert only(effects, NeighborSolicitation)[0].source == UNSPECIFIED
    assert made.carry_out(ProbeAddress("eth0", AUTO), 3.1) == []
    assert made.accepts(solicited_node(AUTO))
    assert not made.accepts(AUTO)
    assert made.advance(4.0) == [AddressReady("eth0", AUTO)]
    assert not made.owns(AUTO)
    assert parse("ff02::1:ff00:a") in made.groups  # the link-local address has the same group


@pytest.mark.parametrize("sign", [na(PEER, destination=ALL_NODES, flags=OVERRIDE), ns(PEER, source=UNSPECIFIED)])
def test_a_probed_address_may_be_taken(sign: Packet) -> None:
    """By its owner, or by who tests it at the same time."""
    made = up(TESTING)
    made.carry_out(ProbeAddress("eth0", PEER), 2.0)
    assert made.receive(sign, 2.5) == [AddressFailed("eth0", PEER)]
    assert made.advance(5.0) == []
    assert solicited_node(PEER) not in made.groups


def test_an_address_that_is_assigned_while_it_is_probed_is_not_free() -> None:
    """The node itself has it from then on."""
    made = up(TESTING)
    made.carry_out(ProbeAddress("eth0", OWN), 2.0)
    assert made.add_address(OWN, 64, 2.5)[0] == AddressFailed("eth0", OWN)
    assert made.advance(3.5) == [AddressAdded(OWN, "eth0"), AddressReady("eth0", OWN)]


# The link.


def test_a_link_that_comes_back_may_be_another_one() -> None:
    """The link-local address is tested anew, and may not be used until then; global ones are kept."""
    made = in_state(State.PREFERRED)
    made.set_link(False, 3.0)
    assert made.owns(LINK_LOCAL)
    effects = made.set_link(True, 4.0)
    assert AddressRemoved(LINK_LOCAL, "eth0") in effects
    assert [message.target for _, message in sends(effects) if isinstance(message, NeighborSolicitation)] == [
        LINK_LOCAL
    ]
    assert made.owns(AUTO)
    assert not made.owns(LINK_LOCAL)
    assert made.advance(5.0) == [AddressAdded(LINK_LOCAL, "eth0"), AddressReady("eth0", LINK_LOCAL)]


@pytest.mark.parametrize("before", [State.TENTATIVE, State.OPTIMISTIC, State.DUPLICATE])
def test_what_was_not_tested_to_the_end_is_tested_on_the_next_link(before: State) -> None:
    """And what was a duplicate on the link before; without a link nothing is tested."""
    made = in_state(before)
    made.carry_out(ProbeAddress("eth0", PEER), 1.7)
    made.set_link(False, 1.8)
    assert made.next_deadline() is None
    effects = made.set_link(True, 3.0)
    targets = [message.target for _, message in sends(effects) if isinstance(message, NeighborSolicitation)]
    assert targets == [LINK_LOCAL, AUTO, PEER]
    assert AddressReady("eth0", PEER) in made.advance(4.0)
    assert state(made, AUTO) is State.PREFERRED


def test_what_comes_without_a_link_waits_for_one() -> None:
    """Tests begin when there is a link."""
    made = interface(TESTING)
    assert made.add_address(OWN, 64, 0.0) == []
    assert made.carry_out(ProbeAddress("eth0", PEER), 0.0) == []
    effects = made.set_link(True, 1.0)
    targets = [message.target for _, message in sends(effects) if isinstance(message, NeighborSolicitation)]
    assert sorted(targets) == sorted([LINK_LOCAL, OWN, PEER])


# Autoconfiguration.


def test_a_prefix_gives_an_address_that_lasts_as_long() -> None:
    """It is preferred, then deprecated, then gone (RFC 4862 section 5.5.4)."""
    made = up(TESTING)
    made.receive(ra(pio(valid_s=100, preferred_s=50)), 1.0)
    assert AddressReady("eth0", AUTO) in made.advance(2.0)
    (entry,) = (entry for entry in made.addresses if entry.is_autoconfigured)
    assert (entry.valid_until, entry.preferred_until, entry.routers) == (101.0, 51.0, (parse("fe80::1"),))
    made.advance(51.0)
    assert state(made, AUTO) is State.DEPRECATED
    made.receive(ra(pio(valid_s=200, preferred_s=100)), 60.0)
    assert state(made, AUTO) is State.PREFERRED
    made.advance(160.0)
    assert made.owns(AUTO)
    assert made.advance(260.0) == [AddressGone("eth0", AUTO), AddressRemoved(AUTO, "eth0")]


def test_an_infinite_lifetime_has_no_end() -> None:
    """No deadline is kept for it."""
    made = up(TESTING)
    made.receive(ra(pio(valid_s=100, preferred_s=50), lifetime_s=0), 1.0)
    made.advance(2.0)
    made.receive(ra(pio(valid_s=INFINITY, preferred_s=INFINITY), lifetime_s=0), 3.0)
    assert made.next_deadline() is None


RULE = [
    # remaining, received, and what remains then (5.5.3 e)
    (1 * HOURS, 3 * HOURS, 3 * HOURS),
    (1000, 1100, 1100),
    (1000, 900, 1000),
    (1000, 0, 1000),
    (2 * HOURS, 0, 2 * HOURS),
    (5 * HOURS, 0, 2 * HOURS),
    (5 * HOURS, 1, 2 * HOURS),
    (5 * HOURS, 2 * HOURS + 1, 2 * HOURS + 1),
    (5 * HOURS, INFINITY, float("inf")),
    (INFINITY, 10, 2 * HOURS),
]


@pytest.mark.parametrize(("remaining", "received", "then"), RULE)
def test_the_two_hour_rule(remaining: int, received: int, then: float) -> None:
    """Nobody can end an address's life in less than two hours, but it can be deprecated at once."""
    made = up(TESTING)
    made.receive(ra(pio(valid_s=remaining, preferred_s=remaining)), 10.0)
    made.advance(11.0)
    made.receive(ra(pio(valid_s=received, preferred_s=0)), 10.0)
    (entry,) = (entry for entry in made.addresses if entry.is_autoconfigured)
    assert entry.valid_until - 10.0 == then
    assert entry.state is State.DEPRECATED


USELESS = {
    "not autonomous": pio(flags=0x80),
    "preferred for longer than valid": pio(valid_s=1, preferred_s=2),
    "another length": pio(length=63),
    "no length": pio(length=255),
    "link-local": pio(parse("fe80::")),
    "multicast": pio(parse("ff00::")),
    "no lifetime": pio(valid_s=0, preferred_s=0),
    "reserved": pio(OTHER_PREFIX),
}


@pytest.mark.parametrize("name", list(USELESS))
def test_prefixes_that_form_no_address(name: str) -> None:
    """RFC 4862 section 5.5.3 a to d; and an address that is somebody else's business."""
    made = up(SURE)
    made.reserve(parse("2001:db8:0:2:0:ff:fe00:a"))
    made.receive(ra(USELESS[name]), 1.0)
    assert [entry.address for entry in made.addresses] == [LINK_LOCAL]


def test_no_address_is_formed_where_none_is_wanted() -> None:
    """By configuration, or on a router."""
    for parameters in (
        structs.replace(SURE, forms_addresses=False),
        structs.replace(SURE, accepts_advertisements=False),
    ):
        made = up(parameters)
        made.receive(ra(pio()), 1.0)
        assert [entry.address for entry in made.addresses] == [LINK_LOCAL]


def test_an_advertisement_does_not_touch_an_address_that_was_given() -> None:
    """It lasts for ever."""
    made = up(SURE)
    made.add_address(AUTO, 64, 1.0)
    made.receive(ra(pio(valid_s=1, preferred_s=1)), 1.0)
    made.advance(100.0)
    assert state(made, AUTO) is State.PREFERRED


def test_a_flood_of_prefixes_forms_so_many_addresses() -> None:
    """And no more."""
    made = up(structs.replace(SURE, max_addresses=5))
    for number in range(100):
        made.receive(ra(pio(PREFIX[:6] + number.to_bytes(2) + bytes(8))), 1.0)
    assert len(made.addresses) == 5


def test_a_lifetime_may_end_while_the_address_is_tested() -> None:
    """Then it is deprecated from the start, or never was."""
    made = up(TESTING)
    made.receive(ra(pio(valid_s=100, preferred_s=0)), 1.0)
    made.advance(2.0)
    assert state(made, AUTO) is State.DEPRECATED
    made = up(structs.replace(TESTING, dad_transmits=5))
    made.advance(6.0)
    made.receive(ra(pio(valid_s=2, preferred_s=2)), 6.0)
    assert of([e for t in (7.0, 8.0) for e in made.advance(t)], AddressGone) == [AddressGone("eth0", AUTO)]


# Choosing a source.


def test_the_source_has_the_scope_of_the_destination_and_is_most_alike() -> None:
    """RFC 6724 in short."""
    made = up(SURE)
    assert made.source_for(FAR, 1.0) is None
    other = parse("2001:db8:0:8::1")
    made.add_address(OWN, 64, 1.0)
    made.add_address(other, 64, 1.0)
    assert made.source_for(PEER, 1.0) == OWN
    assert made.source_for(FAR, 1.0) == other
    assert made.source_for(parse("fe80::77"), 1.0) == LINK_LOCAL
    assert made.source_for(ALL_NODES, 1.0) == LINK_LOCAL
    assert made.source_for(parse("ff05::2"), 1.0) in (OWN, other)


def test_a_preferred_source_goes_before_a_deprecated_one() -> None:
    """However much that one is like the destination."""
    made = in_state(State.DEPRECATED)
    assert made.source_for(PEER, 3.0) == AUTO
    far = parse("2002::1")
    made.add_address(far, 64, 3.0, detect=False)
    assert made.source_for(PEER, 3.0) == far


def test_nobody_answers_for_what_is_not_here() -> None:
    """Nor does the interface take in messages that it seems to have sent itself."""
    made = in_state(State.PREFERRED)
    assert made.receive(ns(PEER, source=parse("2001:db8:0:1::77")), 3.0) == []
    assert made.receive(packet(NeighborSolicitation(AUTO), AUTO, solicited_node(AUTO)), 3.0) == []
