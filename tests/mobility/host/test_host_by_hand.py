"""Addresses that an administrator takes from a link, or gives it, where routers let addresses be formed."""

from host_bench import AUTO, PREFIX, ROUTER, SURE, of, pio, ra, up
from msgspec import structs

from mipsh.mobility.effects import AddressAdded, AddressFailed, AddressGone, AddressReady, AddressRemoved, ForgetRouter
from mipsh.mobility.host.addresses import State
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.wire.address import parse

CHOSEN = PREFIX[:8] + bytes.fromhex("00000000000000aa")
ELSEWHERE = parse("2001:db8:77::1")
VALID_S = 7200


def heard(parameters: InterfaceParameters = SURE) -> Interface:
    """Return an interface that has heard of a prefix at 1."""
    made = up(parameters)
    made.receive(ra(pio()), 1.0)
    return made


def test_a_formed_address_is_taken_away_and_not_formed_again() -> None:
    """Whatever routers say, until they say no more of the prefix at all."""
    made = heard()
    assert made.take_away(AUTO) == [AddressGone("eth0", AUTO), AddressRemoved(AUTO, "eth0")]
    assert made.take_away(AUTO) == []
    made.receive(ra(pio()), 2.0)
    assert not made.owns(AUTO)
    made.carry_out(ForgetRouter("eth0", ROUTER), 3.0)
    made.receive(ra(pio()), 4.0)
    assert made.owns(AUTO)


def test_an_address_that_was_not_formed_stays() -> None:
    """It is the configuration's."""
    made = heard()
    made.add_address(CHOSEN, 64, 1.0)
    assert made.take_away(CHOSEN) == []
    assert made.take_away(made.link_local) == []
    assert made.owns(CHOSEN)


def test_an_address_is_given_back() -> None:
    """It is tested where addresses are, and renewed with its prefix, as if it had never gone."""
    made = heard()
    made.take_away(AUTO)
    assert made.gives_addresses_like(AUTO, 2.0)
    assert made.give_back(AUTO, 2.0) == [AddressAdded(AUTO, "eth0"), AddressReady("eth0", AUTO)]
    assert made.give_back(AUTO, 2.0) == []
    made.receive(ra(pio()), 100.0)
    (entry,) = [entry for entry in made.addresses if entry.address == AUTO]
    assert (entry.is_autoconfigured, entry.routers) == (True, (ROUTER,))
    assert entry.valid_until > 100.0 + 1.0


def test_an_address_that_is_given_is_tested() -> None:
    """Where that is configured."""
    made = heard(structs.replace(SURE, dad_transmits=1))
    made.give_back(CHOSEN, 2.0)
    assert [entry.state for entry in made.addresses if entry.address == CHOSEN] == [State.TENTATIVE]
    ended = made.advance(10.0)
    assert AddressReady("eth0", CHOSEN) in ended
    assert of(ended, AddressFailed) == []


def test_another_address_of_the_prefix_lives_with_it() -> None:
    """It is renewed, and it goes with its router."""
    made = heard()
    made.give_back(CHOSEN, 2.0)
    made.receive(ra(pio()), 1000.0)
    valid = {entry.address: entry.valid_until for entry in made.addresses}
    assert valid[CHOSEN] == valid[AUTO]
    gone = of(made.carry_out(ForgetRouter("eth0", ROUTER), 1001.0), AddressGone)
    assert {effect.address for effect in gone} == {AUTO, CHOSEN}


def test_what_fits_nowhere_is_not_given() -> None:
    """Another prefix, one that ended, one that is reserved, no link, no room, and where none are formed."""
    made = heard()
    assert not made.gives_addresses_like(ELSEWHERE, 2.0)
    assert made.give_back(ELSEWHERE, 2.0) == []
    assert not made.gives_addresses_like(CHOSEN, 1e9)
    made.reserve(CHOSEN)
    assert made.give_back(CHOSEN, 2.0) == []
    made.set_link(False, 3.0)
    assert not made.gives_addresses_like(AUTO, 3.0)
    full = heard(structs.replace(SURE, max_addresses=2))
    assert full.give_back(CHOSEN, 2.0) == []
    configured = heard(structs.replace(SURE, forms_addresses=False))
    assert not configured.gives_addresses_like(CHOSEN, 2.0)
