"""What a node knows as records: every role, every state, and no secrets in them."""

import pytest
from msgspec import json, structs
from node_world import away, optimised

from mipsh.lab.link import LinkParameters
from mipsh.lab.topology import CORRESPONDENT, ETHERNET, HOME, Lab, LabParameters
from mipsh.mobility.home.parameters import HomeLink
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising
from mipsh.mobility.mobile.parameters import MobileNodeParameters
from mipsh.model.records import ENGINE_TABLES, BindingCacheEntry, BindingUpdateListEntry, ReturnRoutabilityEntry
from mipsh.node import readings, update_readings
from mipsh.wire.address import parse, text
from mipsh.wire.ndp import INFINITY

HOA, HA, CN = "2001:db8:1::100", "2001:db8:1::1", "2001:db8:4::2"


def bindings(lab: Lab, name: str) -> list[BindingCacheEntry]:
    """Return a node's binding cache."""
    return list(readings.binding_cache(lab.node(name), lab.network.clock.now))


def updates(lab: Lab) -> list[BindingUpdateListEntry]:
    """Return the mobile node's Binding Update List."""
    return list(update_readings.binding_update_list(lab.node("mn"), lab.network.clock.now))


def routability(lab: Lab) -> list[ReturnRoutabilityEntry]:
    """Return the mobile node's tests."""
    return list(update_readings.return_routability(lab.node("mn"), lab.network.clock.now))


DEAF = LinkParameters(loss=1.0)
"""A link on which everything is lost."""


def test_each_role_keeps_its_tables() -> None:
    """As mip6d's do; counters are there where something counts."""
    lab = away()
    assert {name: readings.role(lab.node(name)) for name in ("mn", "ha", "cn", "r1")} == {
        "mn": "mn",
        "ha": "ha",
        "cn": "cn",
        "r1": "cn",
    }
    kept = {name: list(readings.of(lab.node(name))) for name in ("mn", "ha", "cn")}
    assert kept == {
        "mn": ["binding_cache", "binding_update_list", "return_routability", "nonces"],
        "ha": ["binding_cache", "nonces", "home_agents", "prefixes"],
        "cn": ["binding_cache", "nonces"],
    }
    assert set(readings.READINGS) == set(ENGINE_TABLES)
    for name in ("mn", "ha", "cn"):
        for rows in set(readings.READINGS) - set(kept[name]):
            assert list(readings.READINGS[rows](lab.node(name), lab.network.clock.now)) == []


def test_rows_are_of_the_table_s_record() -> None:
    """Each of them, and nothing in it is bytes."""
    lab = optimised()
    found = set()
    for name in ("mn", "ha", "cn"):
        for table, rows in readings.of(lab.node(name)).items():
            for row in rows(lab.node(name), lab.network.clock.now):
                found.add(table)
                assert type(row) is ENGINE_TABLES[table].record
                assert not any(isinstance(value, bytes) for value in structs.asdict(row).values())
                assert json.decode(json.encode(row), type=type(row)) == row
    assert found == {
        "binding_cache",
        "binding_update_list",
        "return_routability",
        "home_agents",
        "prefixes",
    }


def test_a_home_registration_at_both_ends() -> None:
    """Addresses, lifetimes and sequence numbers agree; the refresh is to come."""
    lab = away()
    (update,) = updates(lab)
    (binding,) = bindings(lab, "ha")
    care_of = text(lab.registered_at("mn") or b"")
    assert (update.home_address, update.care_of_address, update.peer_address) == (HOA, care_of, HA)
    assert (binding.home_address, binding.care_of_address, binding.local_address) == (HOA, care_of, HA)
    assert (update.registration, update.state, update.next_event, update.ack) == ("home", "bound", "refresh", "ready")
    assert (binding.status, binding.link_interface) == ("registered", ETHERNET)
    assert update.sequence == binding.sequence
    assert update.flags == binding.flags == ("A", "H")
    assert update.lifetime_granted_s == binding.lifetime_granted_s == 3600
    assert update.delay_s == pytest.approx(2880)
    lab.network.run_for(100.0)
    (later,) = updates(lab)
    assert update.next_event_s is not None
    assert later.next_event_s == update.next_event_s - 100
    assert later.age_s is not None
    assert 100 <= later.age_s <= 104
    assert later.expires_s == later.lifetime_remaining_s == 3600 - later.age_s
    assert later.interface == ETHERNET
    assert later.last_care_of_address == care_of


def test_a_registration_that_is_not_acknowledged() -> None:
    """It is sent again, later each time; what was asked for is shown."""
    lab = Lab()
    lab.network.links[HOME].parameters = DEAF
    lab.add_mobile_node("foreign1")
    lab.network.run_for(10.0)
    (update,) = updates(lab)
    assert (update.state, update.next_event, update.ack) == ("waiting_for_ack", "retransmit", "wait")
    assert update.retransmissions is not None
    assert update.retransmissions >= 1
    assert update.delay_s == 1.5 * 2**update.retransmissions
    assert update.next_event_s is not None
    assert 0 <= update.next_event_s <= (update.delay_s or 0)
    assert (update.lifetime_granted_s, update.lifetime_remaining_s, update.expires_s) == (3600, None, None)


def test_a_home_agent_that_refuses() -> None:
    """Its entry says so as mip6d does of one that is left alone for a while."""
    lab = Lab(LabParameters(most_bindings=0))
    lab.add_mobile_node("foreign1")
    lab.network.run_for(6.0)
    (update,) = updates(lab)
    assert (update.kind, update.state, update.next_event) == ("non_mip_cn", "not_mobile", "retry")
    assert update.care_of_address is None
    assert update.last_care_of_address is not None


def test_nothing_is_registered_at_home() -> None:
    """There is an entry while the deregistration is not acknowledged, with no lifetime, and none before and after."""
    lab = Lab()
    lab.add_mobile_node(HOME)
    lab.network.run_for(10.0)
    assert not (updates(lab) or routability(lab) or bindings(lab, "ha"))
    lab = away()
    lab.network.move("mn", ETHERNET, HOME)
    assert lab.network.clock.run(lambda: any(update.ack == "wait" for update in updates(lab)), 10.0)
    (update,) = updates(lab)
    assert (update.state, update.lifetime_granted_s, update.lifetime_remaining_s) == ("waiting_for_ack", 0, None)
    lab.network.run_for(5.0)
    assert not updates(lab)


def test_a_deregistration_is_remembered() -> None:
    """The home agent's entry is dying for a while."""
    lab = away()
    lab.network.move("mn", ETHERNET, HOME)
    assert lab.network.clock.run(lambda: lab.registered_at("mn") is None, 10.0)
    (binding,) = bindings(lab, "ha")
    assert binding.status == "dying"
    assert binding.lifetime_granted_s is None


def test_a_home_address_is_tested_first() -> None:
    """While the home agent probes it, there is neither a lifetime nor a binding."""
    lab = Lab()
    lab.add_mobile_node("foreign1")
    assert lab.network.clock.run(lambda: bool(bindings(lab, "ha")), 10.0)
    (binding,) = bindings(lab, "ha")
    assert (binding.status, binding.lifetime_remaining_s, binding.lifetime_granted_s) == ("dad", None, None)
    assert binding.mpa_next_s is None


def test_a_route_that_is_optimised() -> None:
    """At the mobile node and at its correspondent; both tests were answered."""
    lab = optimised()
    _, update = updates(lab)
    (binding,) = bindings(lab, "cn")
    assert (update.registration, update.state, update.next_event) == ("correspondent", "bound", "refresh")
    assert (update.peer_address, binding.local_address) == (CN, CN)
    assert update.care_of_address == binding.care_of_address == text(lab.registered_at("mn") or b"")
    assert update.sequence == binding.sequence
    assert (binding.status, binding.lifetime_granted_s, binding.unreachable_count) == ("cached", 420, 0)
    assert (update.lifetime_granted_s, update.return_routability, update.flags) == (420, "ready", ("A",))
    assert update.delay_s == pytest.approx(336)
    assert update.home_nonce_index is not None
    home, care_of = routability(lab)
    assert (home.test, care_of.test) == ("home_test", "care_of_test")
    assert home.answered
    assert care_of.answered
    assert home.token_remaining_s is not None
    assert 200 < home.token_remaining_s <= 210
    assert home.next_event_s is None
    lab.network.run_for(209.0)
    assert updates(lab)[1].return_routability == "home_nonce_expired"
    assert [test.answered for test in routability(lab)] == [False, False]


def test_tests_that_are_not_answered() -> None:
    """They run, and are sent again; a peer that never answers is left alone."""
    lab = away()
    lab.network.links[CORRESPONDENT].parameters = DEAF
    now = lab.network.clock.now
    lab.network.stations["mn"].perform(lab.node("mn").trigger(parse(HOA), parse(CN), now))
    lab.network.run_for(5.0)
    _, update = updates(lab)
    assert (update.state, update.next_event, update.return_routability) == (
        "return_routability",
        "return_routability",
        "started",
    )
    assert (update.retransmissions, update.delay_s, update.sequence) == (2, 4.0, None)
    assert [(test.answered, test.retransmissions, test.delay_s) for test in routability(lab)] == [(False, 2, 4)] * 2
    assert readings.update_state(lab.node("mn"), parse(HOA), parse(CN), lab.network.clock.now) == "return_routability"
    lab.network.run_for(60.0)
    _, refused = updates(lab)
    assert (refused.kind, refused.state, refused.next_event) == ("non_mip_cn", "not_mobile", "retry")
    assert refused.delay_s == MobileNodeParameters(()).refused_for_s
    assert readings.update_state(lab.node("mn"), parse(HOA), parse(CN), lab.network.clock.now) is None
    assert readings.update_state(lab.node("mn"), parse(CN), None, lab.network.clock.now) is None


def test_an_update_that_a_correspondent_does_not_acknowledge() -> None:
    """It is awaited, and sent again."""
    lab = away()
    mobile = lab.node("mn")
    station = lab.network.stations["mn"]
    station.perform(mobile.trigger(parse(HOA), parse(CN), lab.network.clock.now))

    def is_awaited() -> bool:
        return any(update.registration == "correspondent" and update.ack == "wait" for update in updates(lab))

    assert lab.network.clock.run(is_awaited, 5.0)
    lab.network.links[CORRESPONDENT].parameters = DEAF
    lab.network.stop("cn")
    lab.network.run_for(3.5)
    _, update = updates(lab)
    assert (update.state, update.next_event, update.retransmissions, update.delay_s) == (
        "waiting_for_ack",
        "retransmit",
        2,
        4.0,
    )


def test_nonce_blocks() -> None:
    """A binding that was deleted is remembered until its nonces end."""
    lab = optimised()
    lab.network.move("mn", ETHERNET, HOME)
    assert lab.network.clock.run(lambda: not bindings(lab, "cn"), 20.0)
    (block,) = readings.nonces(lab.node("cn"), lab.network.clock.now)
    assert (block.status, block.home_address, block.local_address) == ("nonce-block", HOA, CN)
    assert block.lifetime_remaining_s is not None
    assert 0 < block.lifetime_remaining_s <= 240
    lab.network.run_for(300.0)
    assert list(readings.nonces(lab.node("cn"), lab.network.clock.now)) == []


def test_home_agents_and_prefixes() -> None:
    """This home agent and the others that are heard, each by its global addresses."""
    lab = away()
    now = lab.network.clock.now
    (own,) = readings.home_agents(lab.node("ha"), now)
    assert (own.interface, own.address, own.preference, own.lifetime_s) == (ETHERNET, HA, 0, 1800)
    (prefix,) = readings.prefixes(lab.node("ha"), now)
    assert (prefix.interface, prefix.prefix, prefix.flags) == (ETHERNET, f"{HA}/64", ("O", "A", "R"))
    assert (prefix.valid_remaining_s, prefix.preferred_s) == (2_592_000, 604_800)
    other = parse("2001:db8:1::fe")
    told = AdvertisedPrefix(parse("2001:db8:1::"), router_address=other)
    saying = Advertising((told,), is_home_agent=True, preference=7, home_agent_lifetime_s=900, interval_s=(1.0, 3.0))
    lab.network.stations["r1"].perform(lab.node("r1").advertise(HOME, saying, now))
    lab.network.run_for(5.0)
    _, heard = readings.home_agents(lab.node("ha"), lab.network.clock.now)
    assert (heard.address, heard.preference) == ("2001:db8:1::fe", 7)
    assert heard.lifetime_s is not None
    assert 895 <= heard.lifetime_s <= 900


def test_a_prefix_that_never_ends() -> None:
    """Its lifetimes are not known as numbers; without the R flag it is the prefix that is shown."""
    lab = away()
    link = HomeLink(ETHERNET, parse(HA), parse("2001:db8:1::"), valid_s=INFINITY, preferred_s=INFINITY, flags=0xC0)
    lab.node("ha").set_home_prefixes((link,), lab.network.clock.now)
    lab.node("ha").advertise(ETHERNET, None, lab.network.clock.now)
    (prefix,) = readings.prefixes(lab.node("ha"), lab.network.clock.now)
    assert (prefix.prefix, prefix.valid_remaining_s, prefix.preferred_s) == ("2001:db8:1::/64", None, None)
    assert prefix.flags == ("O", "A")
    (own,) = readings.home_agents(lab.node("ha"), lab.network.clock.now)
    assert own.lifetime_s is None


def test_mobile_networks() -> None:
    """The prefixes behind a mobile router are in its binding; its updates have the R flag."""
    lab = away(LabParameters(mobile_routers=1))
    (binding,) = bindings(lab, "ha")
    assert binding.mobile_network_prefixes == ("2001:db8:f001::/64",)
    assert "R" in binding.flags
    assert "R" in updates(lab)[0].flags
