"""Options of the kernel, each in every verdict."""

from given import built, cannot, kernel, policy, state, verdicts
from given import given as facts


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
