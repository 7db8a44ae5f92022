"""Options of the kernel, each in every verdict."""

from typing import Any

import pytest
from given import built, cannot, findings, kernel, link, policy, route, rule, state, verdicts
from given import given as facts

from mipsh.checks.sources import Configuration, Setting
from mipsh.plugins.checks.kernel_options import OPTIONAL


def test_mobile_ipv6_is_judged_by_what_it_does_before_how_it_was_built() -> None:
    """A state proves it, the configuration tells, and a module that is not loaded leaves it open."""
    absent, there = built(), built("mip6", IPV6_MIP6="m")
    assert verdicts("OPT-01", facts("mn", XS=(state("hao"),))) == {"": "PASS"}
    assert verdicts("OPT-01", facts("mn", XS=(), KC=there)) == {"": "PASS"}
    assert verdicts("OPT-01", facts("mn", XS=(), KC=absent)) == {"": "AFFECTED"}
    assert verdicts("OPT-01", facts("mn", KC=built(IPV6_MIP6="m"))) == {"": "UNKNOWN"}
    assert verdicts("OPT-01", facts("mn", KC=cannot("KC"))) == {"": "UNKNOWN"}
    assert verdicts("OPT-01", facts("", KC=absent)) == {"": "N/A"}


def test_sub_policies_are_judged_by_what_is_there_before_how_it_was_built() -> None:
    """A policy of the type sub proves it."""
    assert verdicts("OPT-03", facts("cn", XP=(policy("out", ptype="sub"),))) == {"": "PASS"}
    assert verdicts("OPT-03", facts("cn", XP=(), KC=built(XFRM_SUB_POLICY="y"))) == {"": "PASS"}
    assert verdicts("OPT-03", facts("cn", XP=(policy("out", ptype="main"),), KC=built())) == {"": "AFFECTED"}
    assert verdicts("OPT-03", facts("cn")) == {"": "UNKNOWN"}
    assert verdicts("OPT-03", facts("")) == {"": "N/A"}


def test_the_mode_of_route_optimisation_is_no_option_of_a_new_kernel() -> None:
    """Its absence from the configuration says nothing since 5.2."""
    assert verdicts("OPT-04", facts("ha", KR=kernel("6.1.0-56-amd64"))) == {"": "PASS"}
    assert verdicts("OPT-04", facts("ha", KR=kernel("4.19.0"), KC=built())) == {"": "LIKELY"}
    assert verdicts("OPT-04", facts("ha", KR=kernel("strange"))) == {"": "UNKNOWN"}
    assert verdicts("OPT-04", facts("")) == {"": "N/A"}


ESP_POLICY = policy("out", ptype="main", proto="mh", templates=("esp",))
IPSEC: dict[str, Any] = {"XP": (ESP_POLICY,)}
AT_WORK: dict[str, dict[str, Any]] = {
    "OPT-02": {"XP": ()},
    "OPT-05": {"TN": (link("ip6tnl0"),)},
    "OPT-06": {"RU": (rule(1005, table=252),)},
    "OPT-07": {"RT": (route("2001:db8:1::100/128", source="2001:db8:1::1", source_length=128),)},
    "OPT-09": IPSEC | {"XS": (state("esp", "2001:db8::1", "2001:db8::2"),)},
    "OPT-13": {"XT": {"XfrmInNoPols": 0}},
}
"""What shows that an option works, by the checks that look at it."""
BUILT: dict[str, tuple[str, ...]] = {
    "OPT-02": ("XFRM", "XFRM_USER"),
    "OPT-05": ("IPV6_TUNNEL",),
    "OPT-06": ("IPV6_MULTIPLE_TABLES",),
    "OPT-07": ("IPV6_SUBTREES",),
    "OPT-08": ("XFRM_MIGRATE",),
    "OPT-09": ("INET6_ESP",),
    "OPT-10": ("NET_KEY", "NET_KEY_MIGRATE"),
    "OPT-11": ("SYSVIPC", "PROC_FS", "PROC_SYSCTL", "NET", "INET", "IPV6"),
    "OPT-13": ("XFRM_STATISTICS",),
}
FOR_IPSEC = ("OPT-08", "OPT-09", "OPT-10")


@pytest.mark.parametrize("id_", BUILT)
def test_options_in_a_configuration(id_: str) -> None:
    """All of them built, one of them missing, and nothing that tells."""
    names = BUILT[id_]
    base = IPSEC if id_ in FOR_IPSEC else {}
    whole = {name: "y" for name in names}
    assert verdicts(id_, facts("ha", **base, KC=built(**whole))) == {"": "PASS"}
    for name in names:
        assert verdicts(id_, facts("ha", **base, KC=built(**(whole | {name: "n"})))) == {"": "AFFECTED"}
    assert verdicts(id_, facts("ha", **base)) == {"": "UNKNOWN"}


@pytest.mark.parametrize("id_", AT_WORK)
def test_options_at_work(id_: str) -> None:
    """What is seen counts before what the configuration says."""
    (found,) = findings(id_, facts("ha", **AT_WORK[id_], KC=built()))
    assert (found.verdict, found.confidence) == ("PASS", "behaviour")


@pytest.mark.parametrize("id_", FOR_IPSEC)
def test_options_for_ipsec(id_: str) -> None:
    """They do not matter to who protects nothing, by the policies, or by the configuration."""
    off = Configuration("f", (Setting("UseMnHaIPsec", ("disabled",)), Setting("IPsecPolicySet")))
    on = Configuration("f", (Setting("IPsecPolicySet"),))
    assert verdicts(id_, facts("ha", XP=(), KC=built())) == {"": "N/A"}
    assert verdicts(id_, facts("ha", CF=off, KC=built())) == {"": "N/A"}
    assert verdicts(id_, facts("ha", CF=on, KC=built())) == {"": "AFFECTED"}
    assert verdicts(id_, facts("ha", KC=built())) == {"": "UNKNOWN"}


def test_a_module_of_tunnels_is_not_loaded_by_itself() -> None:
    """What is asked of ip6tnl0 does not load it."""
    assert verdicts("OPT-05", facts("mn", TN=(), KC=built(IPV6_TUNNEL="m"))) == {"": "UNKNOWN"}
    assert verdicts("OPT-05", facts("mn", TN=(), KC=built("ip6_tunnel", IPV6_TUNNEL="m"))) == {"": "PASS"}
    assert verdicts("OPT-05", facts("cn", TN=(), KC=built())) == {"": "N/A"}


OTHERS: dict[str, list[tuple[dict[str, Any], dict[str, str]]]] = {
    "OPT-12": [
        ({"KR": kernel("6.1.0-56-amd64")}, {"": "PASS"}),
        ({"KR": kernel("2.6.26"), "KC": built(EXPERIMENTAL="y")}, {"": "PASS"}),
        ({"KR": kernel("3.8.13"), "KC": built()}, {"": "AFFECTED"}),
        ({"KR": kernel("3.8.13")}, {"": "UNKNOWN"}),
    ],
    "OPT-14": [
        ({"SK": (), "KC": built(PACKET="y")}, {"INET_DIAG": "PASS", "PACKET": "PASS"}),
        ({"SK": (), "KC": built()}, {"INET_DIAG": "PASS", "PACKET": "AFFECTED"}),
        (
            {"KC": built(PACKET="m", INET_DIAG="m")},
            {"PACKET": "PASS", "INET_DIAG": "PASS", "INET_TCP_DIAG": "AFFECTED"},
        ),
        ({"SK": ()}, {"INET_DIAG": "PASS", "": "UNKNOWN"}),
        ({}, {"": "UNKNOWN"}),
    ],
    "OPT-15": [
        ({"KC": built(NFT_EXTHDR="m")}, {"": "PASS"}),
        ({"KC": built(NF_TABLES="m"), "KR": kernel("6.1.0")}, {"": "PASS"}),
        ({"KC": built(NF_TABLES="m"), "KR": kernel("4.17.0")}, {"": "AFFECTED"}),
        ({"KC": built(IP6_NF_MATCH_MH="m", IP6_NF_MATCH_RT="m", IP6_NF_MATCH_OPTS="m")}, {"": "PASS"}),
        ({"KC": built(IP6_NF_MATCH_MH="m")}, {"": "AFFECTED"}),
        ({}, {"": "UNKNOWN"}),
    ],
    "OPT-17": [
        (
            {"SY": {"net/ipv6/conf/all/accept_ra_rtr_pref": 1}, "KC": built()},
            {"IPV6_ROUTER_PREF": "PASS", "IPV6_OPTIMISTIC_DAD": "AFFECTED"},
        ),
        ({"SY": {}, "KC": built(IPV6_ROUTER_PREF="y", IPV6_OPTIMISTIC_DAD="y")}, {name: "PASS" for name in OPTIONAL}),
        ({"SY": {}}, {"": "UNKNOWN"}),
    ],
    "OPT-20": [({"KC": built()}, {"": "PASS"}), ({}, {"": "UNKNOWN"})],
}


@pytest.mark.parametrize("id_", OTHERS)
def test_other_options(id_: str) -> None:
    """Those with a rule of their own."""
    for given, expected in OTHERS[id_]:
        assert verdicts(id_, facts("mn", **given)) == expected, given
