"""Settings of the kernel, each in every verdict."""

from typing import Any

import pytest
from given import address, built, cannot, link, route, verdicts
from given import given as facts

from mipsh.checks.sources import Defaults
from mipsh.plugins.checks.kernel_settings import FAR

HOA, COA = "2001:db8:1::100", "2001:db8:2::5"
AWAY = (address(f"{HOA}/128", "ip6tnl1", "home", "nodad"), address(f"{COA}/64"))
LINKS = (link("lo", 1), link("eth0"), link("eth1", 3))
ALL, ETH0, ETH1 = "net/ipv6/conf/all/", "net/ipv6/conf/eth0/", "net/ipv6/conf/eth1/"
NUMBER, LENGTH = "net/ipv6/max_dst_opts_number", "net/ipv6/max_dst_opts_length"
ACCEPT, DISABLE = "accept_source_route", "disable_policy"
FALLBACK, MODULES = "net/core/fb_tunnels_only_for_init_net", "kernel/modules_disabled"


def chosen(source: str) -> dict[str, Any]:
    """Return a node on whose way far away a source is chosen."""
    return {"AD": AWAY, "RT": (), "route_to": {FAR: route(f"{FAR}/128", preferred_source=source)}}


CASES: list[tuple[str, dict[str, Any], dict[str, str]]] = [
    ("MIP-112", chosen(HOA), {HOA: "PASS"}),
    ("MIP-112", chosen(COA), {HOA: "AFFECTED"}),
    ("MIP-112", chosen(HOA) | {"AD": AWAY[1:]}, {"": "N/A"}),
    ("MIP-112", chosen("") | {"KC": built(IPV6_MIP6="m")}, {"": "LIKELY"}),
    ("MIP-112", {"AD": AWAY, "KC": built(IPV6_MIP6="m")}, {"": "LIKELY"}),
    ("MIP-112", {"AD": AWAY, "KC": built(IPV6_MIP6="y")}, {"": "PASS"}),
    ("MIP-112", {"AD": AWAY, "KC": built()}, {"": "N/A"}),
    ("MIP-112", {"AD": AWAY}, {"": "UNKNOWN"}),
    ("MIP-113", {"XD": Defaults()}, {"in": "PASS", "fwd": "PASS", "out": "PASS"}),
    ("MIP-113", {"XD": Defaults(forward="block")}, {"in": "PASS", "fwd": "AFFECTED", "out": "PASS"}),
    ("MIP-113", {"XD": cannot("XD")}, {"": "UNKNOWN"}),
    ("MIP-114", {"TN": LINKS[:2], "SY": {ALL + ACCEPT: 0, ETH0 + ACCEPT: 0}}, {"eth0": "PASS"}),
    ("MIP-114", {"TN": LINKS[:2], "SY": {ALL + ACCEPT: -1, ETH0 + ACCEPT: 0}}, {"eth0": "AFFECTED"}),
    (
        "MIP-114",
        {"TN": LINKS, "SY": {ALL + ACCEPT: 0, ETH0 + ACCEPT: -1, ETH1 + ACCEPT: 1}},
        {"eth0": "AFFECTED", "eth1": "PASS"},
    ),
    ("MIP-114", {"TN": LINKS}, {"": "UNKNOWN"}),
    (
        "MIP-115",
        {"SY": {NUMBER: 8, LENGTH: 2147483647}},
        {"max_dst_opts_number": "PASS", "max_dst_opts_length": "PASS"},
    ),
    ("MIP-115", {"SY": {NUMBER: -8, LENGTH: 24}}, {"max_dst_opts_number": "PASS", "max_dst_opts_length": "PASS"}),
    (
        "MIP-115",
        {"SY": {NUMBER: 0, LENGTH: 23}},
        dict.fromkeys(("max_dst_opts_number", "max_dst_opts_length"), "AFFECTED"),
    ),
    ("MIP-115", {"SY": {}}, {"max_dst_opts_number": "N/A", "max_dst_opts_length": "N/A"}),
    ("MIP-115", {}, {"": "UNKNOWN"}),
    ("MIP-116", {"TN": (link("ip6tnl0"),), "SY": {FALLBACK: 1}}, {"": "PASS"}),
    ("MIP-116", {"TN": LINKS, "SY": {FALLBACK: 1}}, {"": "AFFECTED"}),
    ("MIP-116", {"TN": LINKS, "SY": {FALLBACK: 0}}, {"": "PASS"}),
    ("MIP-116", {"TN": LINKS, "SY": {}}, {"": "UNKNOWN"}),
    ("MIP-117", {"KC": built(IPV6_MIP6="y")}, {"": "N/A"}),
    ("MIP-117", {"KC": built("mip6", IPV6_MIP6="m")}, {"": "PASS"}),
    ("MIP-117", {"KC": built(IPV6_MIP6="m"), "SY": {MODULES: 1}}, {"": "LIKELY"}),
    ("MIP-117", {"KC": built(IPV6_MIP6="m"), "SY": {MODULES: 0}}, {"": "UNKNOWN"}),
    ("MIP-117", {"KC": cannot("KC")}, {"": "UNKNOWN"}),
]


@pytest.mark.parametrize("case", range(len(CASES)))
def test_settings_of_a_mobile_node(case: int) -> None:
    """Each of them as it should be, as it should not be, absent, and not to be read."""
    id_, given, expected = CASES[case]
    assert verdicts(id_, facts("mn", **given)) == expected


@pytest.mark.parametrize("id_", ["MIP-112", "MIP-113", "MIP-114", "MIP-115", "MIP-116", "MIP-117", "MIP-118"])
def test_who_has_no_mobile_ipv6_has_no_such_condition(id_: str) -> None:
    """They are for roles."""
    assert verdicts(id_, facts("")) == {"": "N/A"}


def test_inbound_policies_that_are_not_checked() -> None:
    """On all interfaces, and on each."""
    both = {ALL + DISABLE: 0, ETH0 + DISABLE: 0, ETH1 + DISABLE: 1}
    assert verdicts("MIP-118", facts("cn", TN=LINKS, SY=both)) == {"all": "PASS", "eth0": "PASS", "eth1": "AFFECTED"}
    assert verdicts("MIP-118", facts("ha", TN=LINKS[:1], SY={ALL + DISABLE: 1})) == {"all": "AFFECTED"}
    assert verdicts("MIP-118", facts("mn", TN=LINKS, SY=both)) == {"": "N/A"}
    assert verdicts("MIP-118", facts("cn", TN=LINKS)) == {"": "UNKNOWN"}
