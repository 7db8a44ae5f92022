"""What a home agent needs, each condition in every verdict."""

from typing import Any

from given import address, cannot, engine, link, neighbour, route, rule, state, verdicts
from given import given as facts

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Group, Proxy
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry, HomeAgent, HomePrefix

HOA, COA, AGENT = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1"
FORWARDING = "net/ipv6/conf/{}/forwarding"
PROXY = "net/ipv6/conf/{}/proxy_ndp"
PREFIX = HomePrefix("eth0", f"{AGENT}/64", 86_000, 86_400, 14_400, ("O", "A", "R"))
OWN = HomeAgent("eth0", AGENT, 0, 1800)


def binding(home_address: str = HOA, status: str = "registered", **more: Any) -> BindingCacheEntry:
    """Return an entry of the binding cache."""
    return BindingCacheEntry(home_address, COA, status, lifetime_granted_s=600, local_address=AGENT, **more)


def agent(*bindings: BindingCacheEntry, **more: Any) -> Facts:
    """Return what is known of a home agent with its prefix."""
    given_ = {"pl": (PREFIX,), "hal": (OWN,), "bc": bindings, **more}
    return facts("ha", engine=engine("ha"), **given_)


def settings(**values: int) -> dict[str, int]:
    """Return the settings of forwarding and proxy_ndp: ``forwarding_all=1``."""
    found = {}
    for name, value in values.items():
        word, _, interface = name.rpartition("_")
        found[f"net/ipv6/conf/{interface}/{word}"] = value
    return found


def test_forwarding() -> None:
    """Everywhere, and on each home link."""
    on = settings(forwarding_all=1, forwarding_eth0=1)
    assert verdicts("MIP-401", agent(SY=on)) == {"all": "PASS", "eth0": "PASS"}
    assert verdicts("MIP-401", agent(SY=on | settings(forwarding_eth0=0))) == {"all": "PASS", "eth0": "AFFECTED"}
    assert verdicts("MIP-401", facts("ha", SY=settings(forwarding_all=0))) == {"all": "AFFECTED"}
    assert verdicts("MIP-401", facts("ha")) == {"": "UNKNOWN"}
    assert verdicts("MIP-401", facts("cn", SY=on)) == {"": "N/A"}


def test_defence_of_home_addresses() -> None:
    """For all, for the interface alone, for none; and each registration with its entry."""
    everywhere, alone = settings(proxy_ndp_all=1), settings(proxy_ndp_all=0, proxy_ndp_eth0=1)
    there = (Proxy(HOA, "eth0"),)
    assert verdicts("MIP-402", agent(binding(), SY=everywhere, PN=there)) == {"eth0": "PASS", HOA: "PASS"}
    assert verdicts("MIP-402", agent(binding(), SY=alone, PN=())) == {"eth0": "LIKELY", HOA: "AFFECTED"}
    off = settings(proxy_ndp_all=0, proxy_ndp_eth0=0)
    assert verdicts("MIP-402", agent(SY=off, PN=())) == {"eth0": "AFFECTED"}
    assert verdicts("MIP-402", agent(SY=off, PN=cannot("PN"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-402", facts("mn", SY=off)) == {"": "N/A"}


def test_home_prefixes() -> None:
    """Some, in force, that cover the home addresses."""
    over = HomePrefix("eth0", "2001:db8:9::/64", 0)
    assert verdicts("MIP-403", agent(binding())) == {PREFIX.prefix: "PASS"}
    assert verdicts("MIP-403", agent(pl=())) == {"": "AFFECTED"}
    assert verdicts("MIP-403", agent(binding(), pl=(over,))) == {over.prefix: "AFFECTED", HOA: "AFFECTED"}
    assert verdicts("MIP-403", facts("ha")) == {"": "UNKNOWN"}
    assert verdicts("MIP-403", facts("mn", engine=engine("mn"), pl=())) == {"": "N/A"}


def test_own_entry_in_the_home_agents_list() -> None:
    """Its own address is what home agent discovery answers."""
    own = (address(f"{AGENT}/64"),)
    assert verdicts("MIP-404", agent(AD=own)) == {"": "PASS"}
    assert verdicts("MIP-404", agent(AD=own, hal=())) == {"": "AFFECTED"}
    assert verdicts("MIP-404", agent(AD=cannot("AD"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-404", facts("cn")) == {"": "N/A"}


def test_lifetime_of_a_home_agent() -> None:
    """At least as long as its bindings, and not 0."""
    assert verdicts("MIP-405", agent(binding())) == {AGENT: "PASS"}
    assert verdicts("MIP-405", agent(binding(), hal=(HomeAgent("eth0", AGENT, 0, 60),))) == {AGENT: "AFFECTED"}
    assert verdicts("MIP-405", agent(hal=(HomeAgent("eth0", AGENT, 0, 0),))) == {AGENT: "AFFECTED"}
    assert verdicts("MIP-405", agent(hal=(HomeAgent("eth0", AGENT, 0, None),))) == {AGENT: "UNKNOWN"}
    assert verdicts("MIP-405", agent(hal=())) == {"": "UNKNOWN"}
    assert verdicts("MIP-405", facts("mn")) == {"": "N/A"}


def test_an_address_that_came_late() -> None:
    """The anycast address of home agents is joined for each prefix, and no address is tentative."""
    joined = (Group("2001:db8:1:0:fdff:ffff:ffff:fffe", "eth0"),)
    own = (address(f"{AGENT}/64"),)
    assert verdicts("MIP-406", agent(AD=own, AD_anycast=joined)) == {AGENT: "PASS"}
    tentative = (address(f"{AGENT}/64", "eth0", "tentative"),)
    assert verdicts("MIP-406", agent(AD=tentative, AD_anycast=())) == {AGENT: "AFFECTED"}
    assert verdicts("MIP-406", agent(AD=own)) == {"": "UNKNOWN"}
    assert verdicts("MIP-406", facts("cn")) == {"": "N/A"}


def test_rules_and_routes_that_somebody_removed() -> None:
    """At a home agent with a registration, and at a mobile node that has one."""
    there: dict[str, Any] = {"RU": (rule(1005, table=252),), "RT": (route(f"{HOA}/128", "ip6tnl1", protocol=16),)}
    assert verdicts("MIP-408", agent(binding(), **there)) == {"rule 1005": "PASS", HOA: "PASS"}
    assert verdicts("MIP-408", agent(binding(), RU=(), RT=())) == {"rule 1005": "AFFECTED", HOA: "AFFECTED"}
    assert verdicts("MIP-408", agent(**there)) == {"": "N/A"}
    assert verdicts("MIP-408", agent(binding(), RU=cannot("RU"), RT=())) == {"": "UNKNOWN"}
    bound = BindingUpdateListEntry(HOA, COA, AGENT, "home", "bound")
    mobile: dict[str, Any] = {"engine": engine("mn"), "RT": (), "RU": (rule(1001),)}
    assert verdicts("MIP-408", facts("mn", bul=(bound,), **mobile)) == {"rule 1001": "PASS", "rule 1003": "AFFECTED"}
    assert verdicts("MIP-408", facts("mn", bul=(), **mobile)) == {"": "N/A"}


def test_a_daemon_and_a_kernel_that_disagree() -> None:
    """States, tunnel, route and proxy entry, for the care-of address of the binding; and nothing more."""
    states = (state("route2", AGENT, HOA, coa=COA), state("hao", HOA, AGENT, coa=COA))
    whole: dict[str, Any] = {
        "XS": states,
        "RT": (route(f"{HOA}/128", "ip6tnl1", protocol=16),),
        "TN": (link("ip6tnl1", local=AGENT, remote=COA),),
        "PN": (Proxy(HOA, "eth0"),),
    }
    assert verdicts("MIP-409", agent(binding(), **whole)) == {HOA: "PASS"}
    stale = (state("route2", AGENT, HOA, coa="2001:db8:3::5"), states[1])
    assert verdicts("MIP-409", agent(binding(), **whole | {"XS": stale})) == {HOA: "AFFECTED"}
    for key in ("XS", "RT", "TN", "PN"):
        assert verdicts("MIP-409", agent(binding(), **whole | {key: ()})) == {HOA: "AFFECTED"}
    assert verdicts("MIP-409", agent(**whole)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-409", agent(binding(status="cached"), **whole | {"TN": (), "RT": (), "PN": ()})) == {
        HOA: "PASS"
    }
    assert verdicts("MIP-409", agent(**whole | {"XS": ()})) == {"": "N/A"}
    assert verdicts("MIP-409", agent(binding(), **whole | {"XS": cannot("XS")})) == {"": "UNKNOWN"}


def test_somebody_else_who_has_a_home_address() -> None:
    """By its link-layer address, which is none of this node's."""
    links = (link("eth0"),)
    other = (neighbour(HOA, mac="02:00:00:00:00:99"),)
    assert verdicts("MIP-410", agent(binding(), NB=(), TN=links)) == {HOA: "PASS"}
    assert verdicts("MIP-410", agent(binding(), NB=other, TN=links)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-410", agent(NB=other, TN=links)) == {"": "N/A"}
    assert verdicts("MIP-410", agent(binding(), TN=links)) == {"": "UNKNOWN"}


def test_tunnels_that_lead_nowhere() -> None:
    """Those that mobility made, and no others."""
    used, leaked = link("ip6tnl1", local=AGENT, remote=COA), link("ip6tnl2", local=AGENT, remote="2001:db8:3::5")
    mine = link("ip6tnl3", local=AGENT, remote="2001:db8:7::1", flags=0)
    assert verdicts("MIP-411", agent(binding(), TN=(used, mine))) == {"ip6tnl1": "PASS"}
    assert verdicts("MIP-411", agent(binding(), TN=(used, leaked))) == {"ip6tnl1": "PASS", "ip6tnl2": "AFFECTED"}
    assert verdicts("MIP-411", agent(TN=(mine,))) == {"": "PASS"}
    assert verdicts("MIP-411", agent(TN=cannot("TN"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-411", facts("mn")) == {"": "N/A"}
