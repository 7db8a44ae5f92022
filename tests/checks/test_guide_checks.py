"""The seven known issues of the guide, each in every verdict, and on what a real mip6d left in the kernel."""

from typing import Any

import pytest
from given import (
    address,
    cannot,
    engine,
    findings,
    kernel,
    neighbour,
    policy,
    recorded,
    route,
    state,
    verdicts,
)
from given import given as facts

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Clocks, Configuration, Setting, Socket, TcpInfo
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry

HOA, COA, AGENT, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:1::1", "2001:db8:4::2"
OLD, NEW = kernel("2.6.23"), kernel("6.1.0-56-amd64")
BOTH = ("route2 ro use", f"hao ro {HOA} {PEER} use")
AWAY = (state("hao", HOA, PEER, coa=COA),)


def entry(peer: str = PEER, registration: str = "correspondent", **more: Any) -> BindingUpdateListEntry:
    """Return an entry of the binding update list, complete unless said otherwise."""
    found: dict[str, Any] = {"kind": "bul", "ack": "ready", "return_routability": "ready", "retransmissions": 0}
    return BindingUpdateListEntry(HOA, COA, peer, registration, interface="eth0", **(found | more))


def cached(home_address: str = PEER, local: str = HOA, coa: str = "2001:db8:3::9") -> BindingCacheEntry:
    """Return a binding of a mobile correspondent."""
    return BindingCacheEntry(home_address, coa, "cached", local_address=local)


def data(priority: int, *templates: str) -> Any:
    """Return the policy of data to the peer."""
    return policy("out", f"{HOA}/128", f"{PEER}/128", priority=priority, templates=templates)


def windowed(role: str, before: dict[str, Any], after: dict[str, Any], **both: Any) -> Facts:
    """Return two moments five seconds apart."""
    return facts(
        role,
        facts(role, CK=Clocks(0.0, 100.0), engine=engine(role), **both, **before),
        CK=Clocks(0.0, 105.0),
        engine=engine(role),
        **both,
        **after,
    )


PENDING = entry(ack="wait")
ELSEWHERE = (state("hao", HOA, PEER, coa="2001:db8:9::9"),)
PAIRS = {
    "both ways while the acknowledgement is awaited": ((PENDING, AWAY, data(14, *BOTH)), "AFFECTED"),
    "both ways during return routability": ((entry(return_routability="started"), AWAY, data(14, *BOTH)), "AFFECTED"),
    "both ways from the old care-of address": ((entry(), ELSEWHERE, data(14, *BOTH)), "AFFECTED"),
    "both ways, complete": ((entry(), AWAY, data(14, *BOTH)), "PASS"),
    "one way while pending": ((PENDING, (), data(16, "route2 ro use")), "PASS"),
    "no way while pending": ((PENDING, (), data(13)), "PASS"),
    "another policy while pending": ((PENDING, AWAY, data(15, f"hao ro {HOA} {PEER} use")), "UNKNOWN"),
}


@pytest.mark.parametrize("case", PAIRS)
def test_both_ways_are_used_when_both_bindings_are_there(case: str) -> None:
    """MIP-001 of one moment."""
    (update, states, found), verdict = PAIRS[case]
    one: dict[str, Any] = {"engine": engine("mn"), "bul": (update,), "bc": (cached(),), "XP": (found,), "XS": states}
    assert verdicts("MIP-001", facts("mn", **one)) == {PEER: verdict}


def test_any_moment_with_both_ways_too_early_counts() -> None:
    """The state lasts for a round trip, so that the beginning of the window counts as much as its end."""
    early = {"bul": (PENDING,), "XS": (), "XP": (data(14, *BOTH),)}
    late = {"bul": (entry(),), "XS": AWAY, "XP": (data(14, *BOTH),)}
    assert verdicts("MIP-001", windowed("mn", early, late, bc=(cached(),))) == {PEER: "AFFECTED"}
    assert verdicts("MIP-001", windowed("mn", late, late, bc=(cached(),))) == {PEER: "PASS"}


def test_both_ways_without_such_a_pair_or_without_tables() -> None:
    """No peer that is mobile, another local address, no terminal, another role."""
    base: dict[str, Any] = {"engine": engine("mn"), "bul": (entry(),), "XP": (), "XS": ()}
    disabled = Configuration("f", (Setting("DoRouteOptimizationCN", ("disabled",)),))
    assert verdicts("MIP-001", facts("mn", **base, bc=())) == {"": "N/A"}
    assert verdicts("MIP-001", facts("mn", **base, bc=(cached(local=AGENT),))) == {"": "N/A"}
    assert verdicts("MIP-001", facts("mn", **base, bc=(cached(),), CF=disabled)) == {"": "N/A"}
    assert verdicts("MIP-001", facts("mn", XP=(), XS=())) == {"": "UNKNOWN"}
    assert verdicts("MIP-001", facts("mn", **(base | {"XP": cannot("XP")}))) == {"": "UNKNOWN"}
    assert verdicts("MIP-001", facts("ha")) == {"": "N/A"}


def connection(segments: int | None, acknowledged: int = 0, local: str = HOA, remote: str = PEER) -> Any:
    """Return a connection that sent so many segments."""
    return Socket(local, 40000, remote, 80, "ESTABLISHED", info=TcpInfo(segments, acknowledged))


def carried(packets: int, used: int | None = 7) -> Any:
    """Return the state that carries what the connection sends."""
    return (state("hao", HOA, PEER, coa=COA, packets=packets, used=used),)


CONNECTIONS = {
    "it sends and nothing is carried": ((connection(50), connection(70), carried(9), carried(9)), "AFFECTED"),
    "acknowledged bytes alone": ((connection(None, 1), connection(None, 9), carried(9), carried(9)), "AFFECTED"),
    "all is carried": ((connection(50), connection(70), carried(9), carried(29, 9)), "PASS"),
    "a part is carried": ((connection(50), connection(70), carried(9), carried(10, 9)), "UNKNOWN"),
    "idle": ((connection(50), connection(50), carried(9), carried(9)), "UNKNOWN"),
    "route optimisation is new": ((connection(50), connection(70), (), carried(9)), "UNKNOWN"),
}


@pytest.mark.parametrize("case", CONNECTIONS)
def test_old_connections(case: str) -> None:
    """MIP-002 by what is sent and what is carried."""
    (one, other, before, after), verdict = CONNECTIONS[case]
    more = {"KR": NEW, "XP": (data(15, f"hao ro {HOA} {PEER} use"),), "AD": (address(f"{HOA}/128", "ip6tnl1", "home"),)}
    found = windowed("mn", {"SK": (one,), "XS": before}, {"SK": (other,), "XS": after}, bul=(entry(),), **more)
    assert verdicts("MIP-002", found) == {f"{HOA} to {PEER}": verdict}


def test_old_connections_of_others() -> None:
    """Of a correspondent node, of an old kernel, of one moment, and of nobody."""
    home = "2001:db8:1::200"
    way = policy("out", f"{PEER}/128", f"{home}/128", priority=16, templates=("route2 ro use",))
    both: dict[str, Any] = {"XP": (way,), "bc": (cached(home, PEER),)}

    def moment(segments: int, packets: int) -> dict[str, Any]:
        ends = connection(segments, local=PEER, remote=home)
        return {"SK": (ends,), "XS": (state("route2", PEER, home, coa=COA, packets=packets),)}

    subject = f"{PEER} to {home}"
    assert verdicts("MIP-002", windowed("cn", moment(1, 1), moment(9, 1), KR=NEW, **both)) == {subject: "AFFECTED"}
    assert verdicts("MIP-002", windowed("cn", moment(1, 1), moment(1, 1), KR=OLD, **both)) == {subject: "LIKELY"}
    assert verdicts("MIP-002", facts("cn", KR=NEW, **both, **moment(9, 1))) == {subject: "UNKNOWN"}
    assert verdicts("MIP-002", facts("cn", KR=NEW, **(both | {"bc": ()}), **moment(9, 1))) == {"": "N/A"}
    assert verdicts("MIP-002", facts("cn", KR=NEW, XP=(), XS=(), SK=cannot("SK"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-002", facts("")) == {"": "N/A"}


TUNNELLED = policy("out", "::/0", f"{HOA}/128", ptype="main", proto="mh", templates=(f"esp tunnel {AGENT} {COA}",))


def gateway(sent: int, packets: int, release: Any = NEW, link: str = "eth0", **more: Any) -> Facts:
    """Return what is known of a home agent that forwards out of a tunnel with ESP."""
    return windowed(
        "ha",
        {"SN": {"eth0": {"Icmp6OutRedirects": 5}}, "XS": (state("esp", COA, AGENT, mode="tunnel"),)},
        {
            "SN": {"eth0": {"Icmp6OutRedirects": 5 + sent}},
            "XS": (state("esp", COA, AGENT, mode="tunnel", packets=packets),),
        },
        **{"KR": release, "XP": (TUNNELLED,), "AD": (address(f"{AGENT}/64"),), "RT": ()} | more,
        route_to={COA: route(f"{COA}/128", link)},
    )


def test_redirects_of_a_home_agent() -> None:
    """MIP-003 by counters of the home link and of the tunnel."""
    assert verdicts("MIP-003", gateway(3, 4)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-003", gateway(0, 20)) == {HOA: "PASS"}
    assert verdicts("MIP-003", gateway(0, 19)) == {HOA: "UNKNOWN"}
    assert verdicts("MIP-003", gateway(0, 0, OLD)) == {HOA: "LIKELY"}
    assert verdicts("MIP-003", gateway(0, 20, OLD)) == {HOA: "PASS"}
    assert verdicts("MIP-003", gateway(3, 4, link="eth1")) == {HOA: "N/A"}
    assert verdicts("MIP-003", gateway(3, 4, XP=())) == {"": "N/A"}
    assert verdicts("MIP-003", gateway(3, 4, XP=cannot("XP"))) == {"": "UNKNOWN"}


ALL_MOBILITY = policy(
    "out", f"{HOA}/128", ptype="main", proto="mh", priority=10, templates=(f"esp tunnel {COA} {AGENT}",)
)
ONE_TYPE = policy("out", f"{HOA}/128", ptype="main", proto="mh", type=1, templates=(f"esp tunnel {COA} {AGENT}",))
STARTS = policy("out", f"{HOA}/128", priority=18, templates=(f"hao in_trigger {HOA} ::1 use",))


def configured(kind: str, *more: Setting) -> Configuration:
    """Return a configuration with one kind of IPsecPolicy."""
    inside = (Setting("IPsecPolicy", (kind, "UseESP", "1", "2")),)
    return Configuration("mip6d.conf", (Setting("IPsecPolicySet", (), inside), *more))


def test_tunnel_policies() -> None:
    """MIP-004 by the kernel's policies, and by the configuration."""
    never = Setting("MnHomeLink", ("eth0",), (Setting("MnRoPolicy", ("disabled",)),))
    off = Setting("DoRouteOptimizationMN", ("disabled",))
    affected: tuple[dict[str, Any], ...] = (
        {"XP": (ALL_MOBILITY, STARTS)},
        {"XP": (ALL_MOBILITY, STARTS), "engine": engine("mn"), "bul": (entry(ack="wait", retransmissions=3),)},
        {"XP": (), "CF": configured("TunnelMh")},
        {"CF": configured("TunnelPayload")},
    )
    for given in affected:
        assert verdicts("MIP-004", facts("mn", **given)) == {"": "AFFECTED"}
    assert verdicts("MIP-004", facts("mn", XP=(ALL_MOBILITY,), CF=configured("TunnelMh", off))) == {"": "PASS"}
    assert verdicts("MIP-004", facts("mn", XP=(ALL_MOBILITY,), CF=configured("TunnelMh", never))) == {"": "PASS"}
    assert verdicts("MIP-004", facts("mn", XP=(ALL_MOBILITY,))) == {"": "UNKNOWN"}
    assert verdicts("MIP-004", facts("mn", XP=(ONE_TYPE, STARTS))) == {"": "N/A"}
    assert verdicts("MIP-004", facts("mn", CF=configured("TunnelHomeTesting"))) == {"": "N/A"}
    assert verdicts("MIP-004", facts("mn")) == {"": "UNKNOWN"}
    assert verdicts("MIP-004", facts("ha", XP=(ALL_MOBILITY,))) == {"": "N/A"}


def test_neighbours_on_the_link() -> None:
    """MIP-005 by the neighbour and by what is carried."""
    near = "2001:db8:2::77"
    on_link = (route("2001:db8:2::/64", protocol=2), route("::/0", gateway="fe80::1"))

    def node(packets: int, release: Any = NEW, peer: str = near, **more: Any) -> Facts:
        state_ = [(state("hao", HOA, peer, coa=COA, packets=count),) for count in (0, packets)]
        both: dict[str, Any] = {"KR": release, "NB": (), "RT": on_link, "bul": (entry(peer),), "bc": ()} | more
        return windowed("mn", {"XS": state_[0]}, {"XS": state_[1]}, **both)

    assert verdicts("MIP-005", node(5)) == {near: "AFFECTED"}
    assert verdicts("MIP-005", node(5, NB=(neighbour(near, "STALE"),))) == {near: "PASS"}
    assert verdicts("MIP-005", node(5, NB=(neighbour(near, "FAILED"),))) == {near: "UNKNOWN"}
    assert verdicts("MIP-005", node(0)) == {near: "UNKNOWN"}
    assert verdicts("MIP-005", node(0, OLD)) == {near: "LIKELY"}
    assert verdicts("MIP-005", node(5, peer=PEER)) == {"": "N/A"}
    assert verdicts("MIP-005", node(5, peer=PEER, bc=(cached(coa=near),))) == {near: "AFFECTED"}
    assert verdicts("MIP-005", node(5, NB=cannot("NB"))) == {"": "UNKNOWN"}


def test_redirects_for_optimised_traffic() -> None:
    """MIP-006 by counters and the route, and by settings that take no Redirect."""
    settings = {"net/ipv6/conf/eth0/accept_redirects": 1, "net/ipv6/conf/eth0/forwarding": 0}

    def node(came: int, failed: int, way: str = "fe80::1", **more: Any) -> Facts:
        both: dict[str, Any] = {"SY": settings, "bul": (entry(),)} | more
        none = {"Icmp6InRedirects": 0, "Icmp6InErrors": 2}
        some = {"Icmp6InRedirects": came, "Icmp6InErrors": 2 + failed}
        flow = {f"{PEER} {COA}": route(f"{PEER}/128", gateway=way)}
        return windowed("mn", {"SN": none}, {"SN": some, "route_to": flow}, **both)

    assert verdicts("MIP-006", node(12, 10)) == {PEER: "AFFECTED"}
    assert verdicts("MIP-006", node(12, 10, "")) == {PEER: "PASS"}
    assert verdicts("MIP-006", node(12, 1)) == {PEER: "UNKNOWN"}
    assert verdicts("MIP-006", node(0, 3)) == {PEER: "N/A"}
    assert verdicts("MIP-006", node(12, 10, bul=())) == {"": "N/A"}
    assert verdicts("MIP-006", facts("mn", engine=engine("mn"), SY=settings, bul=(entry(),))) == {PEER: "UNKNOWN"}
    for change in ({"accept_redirects": 0}, {"forwarding": 1}):
        closed = settings | {f"net/ipv6/conf/eth0/{name}": value for name, value in change.items()}
        assert verdicts("MIP-006", node(0, 0, SY=closed)) == {"eth0": "AFFECTED", PEER: "N/A"}


WALL = policy("out", action="block", priority=4)
LATE = policy("out", proto="icmpv6", type=135, priority=12)
DEFAULT = route("::/0", gateway="fe80::1")


def waiting(blocked: int, solicited: int, **more: Any) -> Facts:
    """Return what is known of a mobile node that waits for its home agent."""
    both: dict[str, Any] = {"NB": (neighbour("fe80::1", "FAILED"),), "RT": (DEFAULT,), "XP": (WALL, LATE)} | more
    both.setdefault("bul", (entry(AGENT, "home", ack="wait", retransmissions=2),))
    counters = [
        ({"XfrmOutPolBlock": one}, {"Icmp6OutNeighborSolicits": other})
        for one, other in ((3, 4), (3 + blocked, 4 + solicited))
    ]
    before, after = ({"XT": one, "SN": other} for one, other in counters)
    return windowed("mn", before, after, **both)


def test_a_mobile_node_that_blocks_its_own_binding_update() -> None:
    """MIP-007 by the block, the router's neighbour entry and what was dropped."""
    assert verdicts("MIP-007", waiting(7, 0)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-007", waiting(7, 0, NB=())) == {HOA: "AFFECTED"}
    assert verdicts("MIP-007", waiting(7, 0, NB=(neighbour("fe80::1", "STALE"),))) == {HOA: "PASS"}
    assert verdicts("MIP-007", waiting(7, 0, bul=(entry(AGENT, "home"),))) == {HOA: "PASS"}
    assert verdicts("MIP-007", waiting(7, 0, XP=(LATE,))) == {HOA: "PASS"}
    assert verdicts("MIP-007", waiting(7, 3)) == {HOA: "UNKNOWN"}
    first = entry(AGENT, "home", ack="wait", retransmissions=0)
    assert verdicts("MIP-007", waiting(7, 0, bul=(first,))) == {HOA: "UNKNOWN"}
    assert verdicts("MIP-007", waiting(7, 0, RT=())) == {HOA: "N/A"}
    assert verdicts("MIP-007", waiting(7, 0, bul=())) == {"": "N/A"}
    assert verdicts("MIP-007", waiting(7, 0, NB=cannot("NB"))) == {"": "UNKNOWN"}


def test_a_registered_node_is_told_that_its_solicitations_would_be_blocked() -> None:
    """It is no finding, but it is said."""
    (found,) = findings("MIP-007", waiting(0, 0, bul=(entry(AGENT, "home"),)))
    assert "priority 12" in found.observed
    (found,) = findings("MIP-007", waiting(0, 0, bul=(entry(AGENT, "home"),), XP=()))
    assert "latent" not in found.observed


IDS = ("MIP-001", "MIP-002", "MIP-003", "MIP-004", "MIP-005", "MIP-006", "MIP-007")
INTER, CN = "2001:db8:1::200", "2001:db8:4::2"
SEEN = {
    ("02-registered", "mn"): {"MIP-001": {"": "N/A"}, "MIP-004": {"": "N/A"}},
    ("03-route-optimised", "mn"): {"MIP-001": {"": "N/A"}, "MIP-004": {"": "N/A"}},
    ("05-inter-mn", "mn"): {"MIP-001": {INTER: "PASS"}, "MIP-004": {"": "N/A"}},
    ("05-inter-mn", "mn2"): {"MIP-001": {HOA: "PASS"}, "MIP-004": {"": "N/A"}},
    ("06-after-handoff", "mn"): {"MIP-001": {INTER: "PASS"}, "MIP-004": {"": "N/A"}},
    ("06-after-handoff", "mn2"): {"MIP-001": {HOA: "PASS"}, "MIP-004": {"": "N/A"}},
    ("ipsec", "mn"): {"MIP-001": {"": "N/A"}, "MIP-004": {"": "AFFECTED"}},
    ("ipsec", "ha"): {"MIP-001": {"": "N/A"}, "MIP-004": {"": "N/A"}},
}


@pytest.mark.parametrize("place", SEEN)
def test_recorded_nodes(place: tuple[str, str]) -> None:
    """What a real mip6d left is judged as it was known to be, and nothing else of the guide is found."""
    node = recorded(*place)
    for id_, expected in SEEN[place].items():
        assert verdicts(id_, node) == expected, id_
    others = {verdict for id_ in IDS if id_ not in SEEN[place] for verdict in verdicts(id_, node).values()}
    assert not others & {"AFFECTED", "LIKELY", "ERROR"}


def test_the_recorded_proof_of_a_tunnel_policy_is_told() -> None:
    """The correspondent's entry waits though return routability is done, and the policy is shown."""
    (found,) = findings("MIP-004", recorded("ipsec", "mn"))
    assert found.confidence == "behaviour"
    said = [str(one) for one in found.evidence]
    assert any("proto 135 priority 10 tmpl esp mode tunnel" in one for one in said)
    assert any(f"{CN} (resent 3)" in one for one in said)
