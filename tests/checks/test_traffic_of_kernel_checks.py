"""What the kernel drops: packets of optimised connections that are too big, and what XFRM counts."""

from typing import Any

from given import address, cannot, engine, findings, link, policy, route, state, verdicts
from given import given as facts

from mipsh.checks.facts import Facts
from mipsh.checks.sources import Clocks, Socket, TcpInfo
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry

HOA, COA, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:4::2"
STUCK, FREE = TcpInfo(retransmits=3, backoff=2, unacknowledged=4), TcpInfo()
FLOW = f"{PEER} {COA}"


def node(info: TcpInfo, came: int, lost: int, mtu: int | None = None, **more: Any) -> Facts:
    """Return a mobile node with an optimised connection."""
    both: dict[str, Any] = {
        "engine": engine("mn"),
        "SK": (Socket(HOA, 40000, PEER, 80, "ESTABLISHED", info=info),),
        "XP": (policy("out", f"{HOA}/128", f"{PEER}/128", priority=15, templates=(f"hao ro {HOA} {PEER} use",)),),
        "XS": (state("hao", HOA, PEER, coa=COA),),
        "AD": (address(f"{HOA}/128", "ip6tnl1", "home"),),
        "TN": (link("eth0"),),
        "route_to": {FLOW: route(f"{PEER}/128", gateway="fe80::1", mtu=mtu)},
        **more,
    }
    before = facts("mn", CK=Clocks(0.0, 100.0), SN={"Icmp6InPktTooBigs": 2, "Icmp6InErrors": 7}, **both)
    after = {"Icmp6InPktTooBigs": 2 + came, "Icmp6InErrors": 7 + lost}
    return facts("mn", before, CK=Clocks(0.0, 105.0), SN=after, **both)


def test_packets_that_are_too_big_for_an_optimised_connection() -> None:
    """MIP-110 of a mobile node, by what comes, what is counted as an error, and what the route has learned."""
    subject = f"{HOA} to {PEER}"
    assert verdicts("MIP-110", node(STUCK, 16, 16)) == {subject: "AFFECTED"}
    assert verdicts("MIP-110", node(STUCK, 16, 2, 1400)) == {subject: "PASS"}
    assert verdicts("MIP-110", node(FREE, 16, 16, 1400)) == {subject: "PASS"}
    assert verdicts("MIP-110", node(FREE, 16, 16)) == {subject: "UNKNOWN"}
    assert verdicts("MIP-110", node(STUCK, 0, 3)) == {subject: "UNKNOWN"}
    assert verdicts("MIP-110", node(STUCK, 16, 16, SK=())) == {"": "N/A"}
    assert verdicts("MIP-110", node(STUCK, 16, 16, SK=cannot("SK"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-110", facts("ha")) == {"": "N/A"}


def test_a_correspondent_node_sends_to_the_care_of_address() -> None:
    """So that is where its route has an MTU."""
    way = policy("out", f"{PEER}/128", f"{HOA}/128", priority=16, templates=("route2 ro use",))
    both: dict[str, Any] = {
        "engine": engine("cn"),
        "SK": (Socket(PEER, 80, HOA, 40000, "ESTABLISHED", info=FREE),),
        "XP": (way,),
        "XS": (state("route2", PEER, HOA, coa=COA),),
        "bc": (BindingCacheEntry(HOA, COA, "cached", local_address=PEER),),
        "TN": (link("eth0"),),
        "route_to": {f"{COA} {PEER}": route(f"{COA}/128", mtu=1400)},
    }
    before = facts("cn", SN={"Icmp6InPktTooBigs": 0}, **both)
    after = facts("cn", before, SN={"Icmp6InPktTooBigs": 3}, **both)
    assert verdicts("MIP-110", after) == {f"{PEER} to {HOA}": "PASS"}


def counted(before: dict[str, int], after: dict[str, int], **more: Any) -> Facts:
    """Return a mobile node that counted so much at two moments."""
    earlier = facts("mn", CK=Clocks(0.0, 100.0), XT=before)
    return facts("mn", earlier, CK=Clocks(0.0, 105.0), XT=after, **more)


def test_counters_that_rise() -> None:
    """MIP-119, each counter on its own, with what the daemon has; the others of the file are not looked at."""
    before = {"XfrmInNoPols": 9, "XfrmOutNoStates": 1, "XfrmInError": 1}
    after = before | {"XfrmInNoPols": 12, "XfrmInError": 5}
    assert verdicts("MIP-119", counted(before, after)) == {"XfrmInNoPols": "AFFECTED", "XfrmOutNoStates": "PASS"}
    update = BindingUpdateListEntry(HOA, COA, PEER, ack="wait")
    found = findings("MIP-119", counted(before, after, bul=(update,), bc=()))
    said = [str(one) for one in found[0].evidence]
    assert said == [
        "XT: XfrmInNoPols +3 in 5.0 s",
        "VT: binding update list: 1 entries, 1 wait for an acknowledgement",
        "VT: binding cache: 0 entries",
    ]


def test_counters_of_one_moment_say_nothing() -> None:
    """Nor do those that cannot be read."""
    assert verdicts("MIP-119", facts("mn", XT={"XfrmInNoPols": 9})) == {"": "UNKNOWN"}
    assert verdicts("MIP-119", facts("mn")) == {"": "UNKNOWN"}
    assert verdicts("MIP-119", facts("", XT={})) == {"": "N/A"}
