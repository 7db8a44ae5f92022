"""Policies for one type of Mobility Headers, on kernels that read the type, read it wrongly, or do not read it."""

from typing import Any

import pytest
from given import areas, cannot, engine, findings, kernel, policy, recorded, verdicts
from given import given as facts
from harness import NODES

from mipsh.checks.facts import Facts
from mipsh.checks.runner import judge
from mipsh.checks.sources import Clocks, Configuration, LogLine, Setting
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry, Counter, ReturnRoutabilityEntry

HOA, COA, NEXT, AGENT, PEER = "2001:db8:1::100", "2001:db8:2::5", "2001:db8:3::5", "2001:db8:1::1", "2001:db8:4::2"
READS, WRONGLY, NOT = kernel("3.16.0"), kernel("6.1.0-56-amd64"), kernel("6.12.117")
UPDATES = policy("in", proto="mh", type=5, priority=9, templates=("hao ro use",))
COVER = policy("in", proto="mh", priority=10, templates=("hao ro use",))
STRICT = policy("in", proto="mh", priority=10, templates=("hao ro",))
ALL_DATA = policy("in", priority=19, templates=("route2 ro use",))
ACKNOWLEDGEMENT = policy("in", f"{AGENT}/128", f"{HOA}/128", proto="mh", type=6, templates=("route2 ro use",))


def window(role: str, dropped: int = 0, received: int = 0, **more: Any) -> Facts:
    """Return a node that dropped and received so many in the window."""

    def moment(second: float, packets: int, updates: int, earlier: Facts | None = None) -> Facts:
        stats = (Counter("received", "binding_updates", updates), Counter("sent", "binding_updates", 5))
        both: dict[str, Any] = {"XT": {"XfrmInNoPols": packets}, "stats": stats, "engine": engine(role), **more}
        return facts(role, earlier, CK=Clocks(0.0, second), **both)

    return moment(105.0, 3 + dropped, 4 + received, moment(100.0, 3, 4))


def test_policies_that_do_not_match() -> None:
    """MIP-101 by structure, by what is dropped and by what is received."""
    assert verdicts("MIP-101", facts("cn", KR=NOT, XP=(UPDATES,))) == {"": "LIKELY"}
    assert verdicts("MIP-101", window("cn", KR=NOT, XP=(UPDATES, STRICT))) == {"": "LIKELY"}
    assert verdicts("MIP-101", window("ha", 1, KR=NOT, XP=(UPDATES,))) == {"": "AFFECTED"}
    assert verdicts("MIP-101", window("ha", 1, 1, KR=NOT, XP=(UPDATES,))) == {"": "PASS"}
    assert verdicts("MIP-101", window("ha", 1, KR=NOT, XP=(UPDATES, COVER))) == {"": "PASS"}
    assert verdicts("MIP-101", window("ha", 1, KR=WRONGLY, XP=(UPDATES,))) == {"": "N/A"}
    assert verdicts("MIP-101", facts("ha", KR=NOT, XP=(COVER,))) == {"": "N/A"}
    assert verdicts("MIP-101", facts("ha", KR=NOT, XP=cannot("XP"))) == {"": "UNKNOWN"}
    assert verdicts("MIP-101", facts("")) == {"": "N/A"}


def test_a_mobile_node_needs_it_only_as_a_correspondent() -> None:
    """Acknowledgements are let in by the policy for all; the policy to add lets them in, too."""
    assert verdicts("MIP-101", facts("mn", KR=NOT, XP=(ACKNOWLEDGEMENT, ALL_DATA))) == {"": "N/A"}
    (found,) = findings("MIP-101", facts("mn", KR=NOT, XP=(ACKNOWLEDGEMENT, ALL_DATA, UPDATES)))
    assert found.verdict == "LIKELY"
    assert found.remedy[0].endswith("tmpl proto hao mode ro level use tmpl proto route2 mode ro level use")


INIT = policy("fwd", f"{HOA}/128", ptype="main", proto="mh", type=1, templates=(f"esp tunnel {COA} {AGENT}",))
ANSWER = policy("in", "::/0", f"{HOA}/128", ptype="main", proto="mh", type=3, templates=(f"esp tunnel {AGENT} {COA}",))


def halves(home: int, care_of: int) -> tuple[ReturnRoutabilityEntry, ...]:
    """Return both halves of return routability, each sent again so often."""
    return tuple(
        ReturnRoutabilityEntry(test, HOA, COA, PEER, retransmissions=count)
        for test, count in (("home_test", home), ("care_of_test", care_of))
    )


def test_home_tests_in_the_tunnel() -> None:
    """MIP-102: what one node sees is half of the proof."""
    assert verdicts("MIP-102", facts("ha", KR=WRONGLY, XP=(INIT,))) == {"": "LIKELY"}
    assert verdicts("MIP-102", window("ha", 2, KR=NOT, XP=(INIT,))) == {"": "LIKELY"}
    assert verdicts("MIP-102", window("mn", KR=WRONGLY, XP=(ANSWER,), rr=halves(2, 0))) == {"": "LIKELY"}
    assert verdicts("MIP-102", window("mn", 2, KR=WRONGLY, XP=(ANSWER,), rr=halves(2, 0))) == {"": "AFFECTED"}
    assert verdicts("MIP-102", window("mn", 2, KR=WRONGLY, XP=(ANSWER,), rr=halves(2, 2))) == {"": "LIKELY"}
    assert verdicts("MIP-102", facts("ha", KR=READS, XP=(INIT,))) == {"": "PASS"}
    assert verdicts("MIP-102", facts("ha", KR=kernel("3.19.1"), XP=(INIT,))) == {"": "UNKNOWN"}
    assert verdicts("MIP-102", facts("ha", KR=NOT, XP=(UPDATES,))) == {"": "N/A"}
    assert verdicts("MIP-102", facts("ha", KR=NOT, XP=cannot("XP"))) == {"": "UNKNOWN"}


def test_who_receives_binding_updates_does_not_drop_them_all() -> None:
    """MIP-103 on a version that is one of those."""
    assert verdicts("MIP-103", window("cn", received=2, KR=kernel("3.19.0"))) == {"": "PASS"}
    assert verdicts("MIP-103", window("cn", 2, KR=kernel("3.19.0"))) == {"": "LIKELY"}


TYPED = policy("out", f"{HOA}/128", f"{AGENT}/128", ptype="main", proto="mh", type=5, templates=("esp",))
UNTYPED = policy("out", f"{HOA}/128", f"{AGENT}/128", ptype="main", proto="mh", templates=("esp",))
OWN = policy("out", f"{HOA}/128", ptype="main", proto="mh", templates=(f"esp tunnel {COA} {AGENT}",))
ITS = policy("out", "::/0", f"{HOA}/128", ptype="main", proto="mh", templates=(f"esp tunnel {AGENT} {COA}",))


def ipsec(kind: str) -> Configuration:
    """Return a configuration with one policy of IPsec."""
    return Configuration("f", (Setting("IPsecPolicySet", (), (Setting("IPsecPolicy", (kind, "UseESP")),)),))


FAILED = LogLine("xfrm_sendmsg: migrate for OUTBOUND policy failed")
MIGRATIONS: list[tuple[str, dict[str, Any], str]] = [
    ("mn", {"XP": (TYPED,)}, "LIKELY"),
    ("mn", {"CF": ipsec("HomeRegBinding")}, "LIKELY"),
    ("mn", {"CF": ipsec("Mh")}, "PASS"),
    ("mn", {"XP": (UNTYPED,)}, "PASS"),
    ("ha", {"XP": (TYPED,), "LG": (FAILED,)}, "AFFECTED"),
    ("ha", {"XP": (TYPED,), "LG": (LogLine("started"),)}, "LIKELY"),
    ("ha", {"XP": ()}, "N/A"),
    ("ha", {}, "UNKNOWN"),
    ("cn", {"XP": (TYPED,)}, "N/A"),
]


@pytest.mark.parametrize("case", range(len(MIGRATIONS)))
def test_migrations(case: int) -> None:
    """MIP-104 by the configuration, the policies and the log."""
    role, given, verdict = MIGRATIONS[case]
    assert verdicts("MIP-104", facts(role, KR=NOT, **given)) == {"": verdict}
    assert verdicts("MIP-104", facts(role, KR=WRONGLY, **given)) == {"": "N/A" if given else "UNKNOWN"}


@pytest.mark.parametrize(("where", "verdict"), [(COA, "PASS"), (NEXT, "AFFECTED")])
def test_tunnels_that_stay_behind(where: str, verdict: str) -> None:
    """Their ends against the care-of address of the home registration, on both sides; one that waits tells nothing."""
    update = BindingUpdateListEntry(HOA, where, AGENT, "home", ack="ready")
    binding = BindingCacheEntry(HOA, where, "registered")
    mobile = facts("mn", KR=NOT, XP=(OWN,), engine=engine("mn"), bul=(update,))
    agent = facts("ha", KR=NOT, XP=(ITS,), engine=engine("ha"), bc=(binding,))
    assert verdicts("MIP-104", mobile) == verdicts("MIP-104", agent) == {"": verdict}
    pending = BindingUpdateListEntry(HOA, NEXT, AGENT, "home", ack="wait")
    assert verdicts("MIP-104", facts("mn", KR=NOT, XP=(OWN,), engine=engine("mn"), bul=(pending,))) == {"": "PASS"}


def test_what_a_real_mip6d_left_would_be_on_a_newer_kernel() -> None:
    """The policies of each role have one type inwards; with IPsec, too."""
    places = (("02-registered", "ha"), ("03-route-optimised", "cn"), ("05-inter-mn", "mn"), ("ipsec", "ha"))
    for place in places:
        node = recorded(*place)
        on_new = facts(node.role, KR=NOT, XP=node.policies, XS=node.states)
        assert verdicts("MIP-101", on_new) == {"": "LIKELY"}, place
        assert verdicts("MIP-104", on_new) == {"": "LIKELY" if place[0] == "ipsec" else "N/A"}, place
        assert verdicts("MIP-102", on_new) == {"": "N/A"}, place


@pytest.mark.parametrize("place", [one for one in NODES if one != ("ipsec", "mn")])
def test_nothing_of_the_guide_and_the_kernel_is_found_in_healthy_nodes(place: tuple[str, str]) -> None:
    """What was not recorded is UNKNOWN; and what was, is looked at: something passes."""
    node = recorded(*place)
    checks = [one for area in areas() if area.name in ("guide", "kernel") for one in area.checks]
    found = {finding.verdict for one in checks for finding in judge(one, node)}
    assert found == {"PASS", "N/A", "UNKNOWN"}
