"""What a mobile node has of its bindings, addresses and ways, each condition in every verdict."""

from typing import Any

import pytest
from given import address, cannot, engine, link, neighbour, policy, route, rule, state, verdicts
from given import given as facts

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Clocks, Configuration, Setting
from mipsh.model.records import BindingUpdateListEntry, ReturnRoutabilityEntry

HOA, COA, AGENT, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1", "2001:db8:4::2"
AS_RA = {"net/ipv6/conf/eth0/accept_ra": 0, "net/ipv6/conf/eth0/autoconf": 0}
WAY = route("::/0", "eth0", "fe80::1")


def entry(peer: str = AGENT, registration: str = "home", state_: str = "bound", **more: Any) -> BindingUpdateListEntry:
    """Return an entry of the binding update list."""
    found: dict[str, Any] = {"interface": "eth0", "kind": "bul", **more}
    return BindingUpdateListEntry(HOA, COA, peer, registration, state_, **found)


def mobile(*updates: BindingUpdateListEntry, earlier: Facts | None = None, **more: Any) -> Facts:
    """Return what is known of a mobile node."""
    return facts("mn", earlier, engine=engine("mn"), bul=updates, **more)


def test_two_who_listen_to_routers() -> None:
    """On the interfaces of care-of addresses, by settings and by routes."""
    assert verdicts("MIP-451", mobile(entry(), SY=AS_RA, RT=(WAY,))) == {"eth0": "PASS"}
    accepting = AS_RA | {"net/ipv6/conf/eth0/accept_ra": 1}
    assert verdicts("MIP-451", mobile(entry(), SY=accepting, RT=(WAY,))) == {"eth0": "AFFECTED"}
    assert verdicts("MIP-451", mobile(entry(), SY=AS_RA, RT=(WAY, WAY))) == {"eth0": "AFFECTED"}
    assert verdicts("MIP-451", mobile(SY=AS_RA, RT=())) == {"": "N/A"}
    assert verdicts("MIP-451", mobile(entry(), SY=AS_RA, RT=cannot("RT"))) == {"": "UNKNOWN"}


def test_a_mobile_node_that_forwards() -> None:
    """A mobile router may; who cannot read the configuration cannot tell."""
    on, off = {"net/ipv6/conf/all/forwarding": 1}, {"net/ipv6/conf/all/forwarding": 0}
    plain = Configuration("mip6d.conf", (Setting("MnHomeLink", ("eth0",), (Setting("HomeAddress"),)),))
    router = Configuration("mip6d.conf", (Setting("MnHomeLink", ("eth0",), (Setting("IsMobRtr", ("enabled",)),)),))
    assert verdicts("MIP-452", mobile(SY=off)) == {"": "PASS"}
    assert verdicts("MIP-452", mobile(SY=on)) == {"": "LIKELY"}
    assert verdicts("MIP-452", mobile(SY=on, CF=plain)) == {"": "AFFECTED"}
    assert verdicts("MIP-452", mobile(SY=on, CF=router)) == {"": "N/A"}
    assert verdicts("MIP-452", mobile()) == {"": "UNKNOWN"}
    assert verdicts("MIP-452", facts("ha", SY=on)) == {"": "N/A"}


def test_home_addresses_have_the_flag_home() -> None:
    """And are there, and in use."""
    good = (address(f"{HOA}/128", "ip6tnl1", "home", "nodad"),)
    assert verdicts("MIP-453", mobile(entry(), AD=good)) == {HOA: "PASS"}
    assert verdicts("MIP-453", mobile(entry(), AD=(address(f"{HOA}/128", "ip6tnl1", "nodad"),))) == {HOA: "AFFECTED"}
    tentative = (address(f"{HOA}/128", "ip6tnl1", "home", "tentative"),)
    assert verdicts("MIP-453", mobile(entry(), AD=tentative)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-453", mobile(entry(), AD=())) == {HOA: "AFFECTED"}
    assert verdicts("MIP-453", mobile(AD=good)) == {"": "N/A"}
    assert verdicts("MIP-453", mobile(entry())) == {"": "UNKNOWN"}


def test_care_of_addresses_are_there_and_the_same_everywhere() -> None:
    """On an interface that is up, not deprecated, and in the tunnel and the states."""
    whole: dict[str, Any] = {
        "AD": (address(f"{COA}/64"),),
        "TN": (link("eth0"), link("ip6tnl1", 3, local=COA, remote=AGENT)),
        "XS": (state("hao", HOA, AGENT, coa=COA), state("hao", HOA, PEER, coa=COA)),
    }
    assert verdicts("MIP-454", mobile(entry(), **whole)) == {COA: "PASS"}
    other = "2001:db8:3::5"
    for wrong in (
        {"AD": ()},
        {"AD": (address(f"{COA}/64", "eth0", "deprecated"),)},
        {"TN": (link("ip6tnl1", 3, local=other, remote=AGENT),)},
        {"XS": (state("hao", HOA, PEER, coa=other),)},
    ):
        assert verdicts("MIP-454", mobile(entry(), **whole | wrong)) == {COA: "AFFECTED"}
    assert verdicts("MIP-454", mobile(entry(state_="waiting_for_ack"), **whole)) == {"": "N/A"}
    assert verdicts("MIP-454", mobile(entry(), **whole | {"TN": cannot("TN")})) == {"": "UNKNOWN"}


def test_the_first_hop() -> None:
    """A default route, and a router that is not known to be dead."""
    assert verdicts("MIP-455", mobile(entry(), RT=(WAY,), NB=())) == {"eth0": "PASS"}
    assert verdicts("MIP-455", mobile(entry(), RT=(), NB=())) == {"eth0": "AFFECTED"}
    dead = (neighbour("fe80::1", "FAILED"),)
    assert verdicts("MIP-455", mobile(entry(), RT=(WAY,), NB=dead)) == {"eth0": "AFFECTED"}
    assert verdicts("MIP-455", mobile(RT=(), NB=())) == {"": "N/A"}
    assert verdicts("MIP-455", mobile(entry(), RT=(WAY,))) == {"": "UNKNOWN"}


def test_output_that_is_dropped_for_long() -> None:
    """At both ends of the window, and not at one of them."""
    dropping = rule(1004, action="blackhole")

    def at(seconds: float, *rules: Any, earlier: Facts | None = None) -> Facts:
        return mobile(RU=rules, CK=Clocks(1_700_000_000 + seconds, seconds), earlier=earlier)

    assert verdicts("MIP-456", at(5, dropping, earlier=at(0, dropping))) == {"": "AFFECTED"}
    assert verdicts("MIP-456", at(5, earlier=at(0, dropping))) == {"": "PASS"}
    assert verdicts("MIP-456", at(5, dropping, earlier=at(0))) == {"": "PASS"}
    assert verdicts("MIP-456", at(5, dropping)) == {"": "UNKNOWN"}


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (entry(), "PASS"),
        (entry(state_="waiting_for_ack", retransmissions=0), "UNKNOWN"),
        (entry(state_="waiting_for_ack", retransmissions=3), "AFFECTED"),
    ],
)
def test_a_registration_that_nobody_answers(row: BindingUpdateListEntry, verdict: str) -> None:
    """Sent again three times; a moment ago is no verdict."""
    assert verdicts("MIP-457", mobile(row)) == {HOA: verdict}
    assert verdicts("MIP-457", mobile()) == {"": "N/A"}
    assert verdicts("MIP-457", facts("mn", engine=engine("mn"))) == {"": "UNKNOWN"}


def test_a_registration_that_was_rejected() -> None:
    """Its home agent is left alone."""
    assert verdicts("MIP-458", mobile(entry())) == {HOA: "PASS"}
    assert verdicts("MIP-458", mobile(entry(state_="not_mobile", kind="non_mip_cn"))) == {HOA: "AFFECTED"}
    assert verdicts("MIP-458", mobile()) == {"": "N/A"}


def test_a_refresh_that_is_overdue() -> None:
    """By its timer, or by what is left."""
    subject = f"{HOA} with {AGENT}"
    times: dict[str, Any] = {"lifetime_granted_s": 600, "lifetime_remaining_s": 500, "next_event_s": 300}
    assert verdicts("MIP-459", mobile(entry(**times))) == {subject: "PASS"}
    assert verdicts("MIP-459", mobile(entry(**times | {"next_event_s": -3}))) == {subject: "AFFECTED"}
    assert verdicts("MIP-459", mobile(entry(**times | {"lifetime_remaining_s": 20}))) == {subject: "AFFECTED"}
    assert verdicts("MIP-459", mobile(entry())) == {subject: "UNKNOWN"}
    assert verdicts("MIP-459", mobile()) == {"": "N/A"}


def test_return_routability_that_does_not_end() -> None:
    """Two repetitions without an answer."""
    stuck = ReturnRoutabilityEntry("home_test", HOA, COA, PEER, False, retransmissions=2)
    begun = ReturnRoutabilityEntry("care_of_test", HOA, COA, PEER, False, retransmissions=1)
    assert verdicts("MIP-460", mobile(rr=(begun,))) == {PEER: "PASS"}
    assert verdicts("MIP-460", mobile(rr=(begun, stuck))) == {PEER: "AFFECTED"}
    assert verdicts("MIP-460", mobile(rr=())) == {"": "N/A"}
    assert verdicts("MIP-460", mobile()) == {"": "UNKNOWN"}


def test_peers_that_are_left_alone() -> None:
    """As likely ones: the other end alone knows."""
    alone = entry(PEER, "correspondent", "not_mobile", kind="non_mip_cn", lifetime_remaining_s=300)
    assert verdicts("MIP-461", mobile(entry())) == {"": "PASS"}
    assert verdicts("MIP-461", mobile(entry(), alone)) == {PEER: "LIKELY"}
    assert verdicts("MIP-461", facts("mn", engine=engine("mn"))) == {"": "UNKNOWN"}


def test_what_starts_route_optimisation() -> None:
    """A policy of the mode in_trigger, unless route optimisation is switched off."""
    there = policy("out", f"{HOA}/128", priority=18, templates=("hao in_trigger",))
    assert verdicts("MIP-462", mobile(entry(), XP=(there,))) == {HOA: "PASS"}
    assert verdicts("MIP-462", mobile(entry(), XP=())) == {HOA: "AFFECTED"}
    off = Configuration("mip6d.conf", (Setting("DoRouteOptimizationMN", ("disabled",)),))
    assert verdicts("MIP-462", mobile(entry(), XP=(), CF=off)) == {"": "N/A"}
    assert verdicts("MIP-462", mobile(XP=())) == {"": "N/A"}
    assert verdicts("MIP-462", mobile(entry(), XP=cannot("XP"))) == {"": "UNKNOWN"}


def test_from_one_home_agent_to_the_next() -> None:
    """Within the window."""
    assert verdicts("MIP-465", mobile(entry(), earlier=mobile(entry()))) == {HOA: "PASS"}
    assert verdicts("MIP-465", mobile(entry("2001:db8:1::2"), earlier=mobile(entry()))) == {HOA: "AFFECTED"}
    assert verdicts("MIP-465", mobile(earlier=mobile())) == {"": "N/A"}
    assert verdicts("MIP-465", mobile(entry())) == {"": "UNKNOWN"}
