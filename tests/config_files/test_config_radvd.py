"""radvd.conf: what it says of a home agent's interface, and what of it is wrong."""

import pytest
from config_texts import RADVD, codes, linted, whole
from hypothesis import given
from hypothesis import strategies as st

from mipsh.config_files import radvd
from mipsh.config_files.radvd_options import OPTIONS
from mipsh.config_files.tree import printed

OTHERS = """interface eth1 {
  advsendadvert ON; # names and flags in any case
  AdvLinkMTU 1280;
  prefix ::/64 { AdvOnLink on; AdvValidLifetime infinity; DeprecatePrefix on; };
  route 2001:db8::/48 { AdvRoutePreference high; };
  RDNSS 2001:db8::53 2001:db8::54 { AdvRDNSSLifetime 30; };
  DNSSL example.org { };
  clients { fe80::1; fe80::2; };
  abro fe80::1/64 { AdvVersionLow 10; };
};
"""


def test_an_interface_is_as_it_counts() -> None:
    """With defaults that follow from others."""
    (one,) = radvd.understand(whole(RADVD)).interfaces
    assert (one.name, one.sends, one.most_s, one.least_s, one.home_agent) == ("eth0", True, 3, 1, True)
    assert (one.default_lifetime_s, one.home_agent_lifetime_s, one.home_agent_preference) == (9, 1800, 10)
    assert one.sends_information
    (prefix,) = one.prefixes
    assert (prefix.router_address, prefix.has_host, prefix.valid_s, str(prefix.place)) == (True, True, 86_400, "f:9:3")


def test_what_does_not_matter_to_mobility_is_kept() -> None:
    """Nothing is said of it, and nothing is lost."""
    found = whole(RADVD + OTHERS)
    assert radvd.is_radvd(found)
    assert linted(RADVD + OTHERS) == []
    assert printed(found.documents[0]) == RADVD + OTHERS
    assert radvd.understand(found).interfaces[1].sends


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("AdvSendAdvert on", "AdvSendAdvert off", "error not-sent MIP-403"),
        ("AdvHomeAgentFlag on", "AdvHomeAgentFlag off", "error no-home-agent-flag MIP-403"),
        ("{ AdvRouterAddr on; };", "{ };", "error no-router-address MIP-404"),
        ("db8:1::1/64", "db8:1::/64", "warning no-whole-address MIP-404"),
        ("HomeAgentLifetime 1800;\n  HomeAgentPreference 10;", "", "info no-information MIP-405"),
        ("AdvHomeAgentInfo on;", "AdvMobRtrSupportFlag on;", "warning no-home-agent-information MIP-311"),
        ("AdvSendAdvert on;", "AdvSendAdvert on; AdvSourceLLAddress off;", "warning no-link-layer-address MIP-007"),
        ("MinRtrAdvInterval 1;", "MinRtrAdvInterval 2.5;", "error interval-reversed"),
        ("AdvRouterAddr on;", "AdvRouterAddr on; AdvValidLifetime 60;", "error lifetime-reversed"),
        ("AdvRouterAddr on;", "AdvRouterAddr on; AdvOnLink off;", "info off-link MIP-464"),
        ("AdvSendAdvert on;", "AdvSendAdvert yes;", "error wrong-type"),
        ("HomeAgentLifetime 1800;", "HomeAgentLifetime 0;", "error out-of-range"),
        ("HomeAgentPreference 10;", "HomeAgentPreference 65536;", "error out-of-range"),
        ("AdvHomeAgentInfo on;", "AdvHomeAgentInfos on;", "error unknown-option"),
        ("AdvHomeAgentInfo on;", "AdvHomeAgentInfo on; AdvRouterAddr on;", "error unknown-option"),
        ("AdvHomeAgentInfo on;", "AdvHomeAgentInfo on; AdvHomeAgentInfo on;", "warning duplicate"),
        ("AdvRouterAddr on; };", "AdvRouterAddr on; }", "error missing-semicolon"),
        ("};\n};\n", "};\n}\n", "error missing-semicolon"),
        ("interface eth0", 'interface "eth0"', "error wrong-type"),
    ],
)
def test_what_is_wrong_is_found(old: str, new: str, code: str) -> None:
    """By grammar, by range, and by what Mobile IPv6 needs of it."""
    assert old in RADVD
    assert code in codes(linted(RADVD.replace(old, new)))


def test_a_router_without_mobility_needs_nothing() -> None:
    """Nothing is asked of an interface that is no home agent's."""
    assert linted("interface eth0 { AdvSendAdvert on; prefix 2001:db8::/64 { }; };") == []


def test_settings_have_defaults() -> None:
    """What is not set is there, too, with where it would be."""
    found = {one.path: one.value for one in radvd.settings(whole(RADVD))}
    assert found["interface eth0 AdvSendAdvert"] == "on"
    assert found["interface eth0 AdvIntervalOpt"] == "off"
    assert found["interface eth0 prefix 2001:db8:1::1/64 AdvValidLifetime"] == "86400"


WORDS = [*(option.name for option in OPTIONS.values()), "on", "1", "1.5", "eth0", "::1/64", "{", "}", ";", "infinity"]


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_words_are_linted(text: str) -> None:
    """Whatever stands in a file, findings come back."""
    assert isinstance(radvd.lint(whole(f"interface x {{ {text}")), list)
    assert isinstance(radvd.lint(whole(f"interface x {{ {text} }};")), list)
