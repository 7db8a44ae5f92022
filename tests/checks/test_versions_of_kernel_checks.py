"""What is known of versions of the kernel, and what is seen of a feature whatever the version."""

from typing import Any

import pytest
from given import address, cannot, findings, kernel, policy, state, verdicts
from given import given as facts

from mipsh.checks.sources import LogLine
from mipsh.plugins.checks.kernel_versions import FEATURES

HOA, COA = "2001:db8:1::100", "2001:db8:2::5"


def test_features_by_version() -> None:
    """A kernel of today has all; one before the first has none; what is seen at work counts before the version."""
    names = [feature.name for feature in FEATURES]
    assert verdicts("KRN-01", facts("mn", KR=kernel("6.12.117-amd64"))) == dict.fromkeys(names, "PASS")
    assert verdicts("KRN-01", facts("mn", KR=kernel("2.6.18-el5"))) == dict.fromkeys(names, "LIKELY")
    middle = verdicts("KRN-01", facts("mn", KR=kernel("2.6.24-19"), XT={"XfrmInNoPols": 0}))
    assert [name for name in names if middle[name] == "LIKELY"] == names[7:]
    assert middle["/proc/net/xfrm_stat"] == "PASS"
    seen = facts(
        "mn",
        KR=kernel("2.6.18"),
        XP=(policy("out"),),
        KC_symbols=frozenset({"xfrm_migrate"}),
        SY={"net/ipv6/conf/all/accept_source_route": 0},
    )
    assert sum(verdict == "PASS" for verdict in verdicts("KRN-01", seen).values()) == 3
    assert verdicts("KRN-01", facts("mn")) == {"": "UNKNOWN"}
    assert verdicts("KRN-01", facts("", KR=kernel("6.1"))) == {"": "N/A"}


def test_a_feature_has_its_own_severity() -> None:
    """No Mobile IPv6 at all is worse than no counters."""
    found = {one.subject: one.severity for one in findings("KRN-01", facts("mn", KR=kernel("2.6.18")))}
    assert [found[feature.name] for feature in FEATURES] == [feature.severity for feature in FEATURES]


RANGES = {
    "MIP-103": (("3.17.8", "PASS"), ("3.18.0", "LIKELY"), ("3.19.8", "LIKELY"), ("4.0.0", "PASS")),
    "MIP-105": (("3.1.10", "PASS"), ("3.2.0-4-amd64", "LIKELY"), ("3.7.7", "LIKELY"), ("3.7.8", "PASS")),
    "MIP-106": (("2.6.32", "LIKELY"), ("3.7.7", "LIKELY"), ("3.8", "PASS")),
    "MIP-107": (("3.8.0", "LIKELY"), ("3.8.1", "PASS")),
    "MIP-108": (("2.6.33", "PASS"), ("2.6.34.7", "LIKELY"), ("2.6.35", "PASS")),
}


@pytest.mark.parametrize("id_", RANGES)
def test_ranges_of_versions(id_: str) -> None:
    """Inside of one it is LIKELY, never more."""
    role = "ha" if id_ == "MIP-103" else "mn"
    for release, verdict in RANGES[id_]:
        assert verdicts(id_, facts(role, KR=kernel(release))) == {"": verdict}, release
    assert verdicts(id_, facts(role, KR=kernel("strange"))) == {"": "UNKNOWN"}
    assert verdicts(id_, facts("")) == {"": "N/A"}


def test_a_reference_that_is_never_given_back_is_told_by_the_log() -> None:
    """Whatever the version."""
    line = LogLine("kernel: unregister_netdevice: waiting for ip6tnl1 to become free. Usage count = 1")
    assert verdicts("MIP-107", facts("mn", KR=kernel("6.1.0"), LG=(line,))) == {"": "AFFECTED"}
    assert verdicts("MIP-107", facts("mn", KR=kernel("6.1.0"), LG=(LogLine("mip6d: hello"),))) == {"": "PASS"}


def test_the_check_of_care_of_addresses() -> None:
    """Only inbound states with one, and only before 2.6.35."""

    def node(release: str, coa: str, destination: str = HOA, **more: Any) -> Any:
        there = (state("route2", "2001:db8:4::2", destination, coa=coa),)
        return facts("mn", KR=kernel(release), AD=(address(f"{HOA}/128", "ip6tnl1", "home"),), **({"XS": there} | more))

    assert verdicts("MIP-109", node("2.6.34", COA)) == {HOA: "AFFECTED"}
    assert verdicts("MIP-109", node("2.6.34", "::")) == {"": "N/A"}
    assert verdicts("MIP-109", node("2.6.34", COA, "2001:db8:4::9")) == {"": "N/A"}
    assert verdicts("MIP-109", node("2.6.35", COA)) == {"": "N/A"}
    assert verdicts("MIP-109", node("2.6.34", COA, XS=cannot("XS"))) == {"": "UNKNOWN"}
