"""What changes between two files, and whether a reload takes it."""

import pytest
from config_texts import CN, HA, MN, RADVD, whole

from mipsh.config_files.compare import Difference, compare
from mipsh.config_files.options import Reload

RELOAD, RESTART, NOTHING = Reload.RELOAD, Reload.RESTART, Reload.NOTHING


def changes(before: str, after: str) -> dict[str, Difference]:
    """Return what is not the same, by option."""
    return {change.option: change for change in compare(whole(before), whole(after))}


@pytest.mark.parametrize("text", [MN, HA, CN, RADVD], ids=["mn", "ha", "cn", "radvd"])
def test_a_file_is_like_itself(text: str) -> None:
    """Blanks and comments do not matter."""
    assert changes(text, text) == {}
    assert changes(text, "# new\n" + text.replace(";", " ;\n")) == {}


def test_order_and_defaults_do_not_matter() -> None:
    """What is written out is what counted before."""
    assert changes(CN, "DoRouteOptimizationCN enabled;\nDebugLevel 0;\n" + CN) == {}


@pytest.mark.parametrize(
    ("before", "after", "option", "takes"),
    [
        (CN, CN + "DebugLevel 2;", "DebugLevel", RELOAD),
        (CN, CN + 'DebugLogFile "/x";', "DebugLogFile", RESTART),
        (CN, CN + "NonVolatileBindingCache enabled;", "NonVolatileBindingCache", NOTHING),
        (CN, CN + "CnBindingPolicySet { 2001:db8::1 disabled; }", "CnBindingPolicySet 2001:db8::1", RESTART),
        (MN, MN + "DoRouteOptimizationMN disabled;", "DoRouteOptimizationMN", RESTART),
        (MN + "DoRouteOptimizationMN disabled;", MN, "DoRouteOptimizationMN", RELOAD),
        (MN, MN + "InitialSolicitTimer 1.0;", "InitialSolicitTimer", RESTART),
        (MN, MN + "InterfaceInitialInitDelay 1.0;", "InterfaceInitialInitDelay", RESTART),
        (MN, MN + "MnMaxHaBindingLife 60;", "MnMaxHaBindingLife", RESTART),
        (MN, MN + "MnMaxCnBindingLife 60;", "MnMaxCnBindingLife", RELOAD),
        (MN, MN + 'Interface "eth1";', 'Interface "eth1"', RELOAD),
        (MN, MN.replace("MnIfPreference 1", "MnIfPreference 2"), 'Interface "eth0" MnIfPreference', RELOAD),
        (MN, MN.replace("::100/64; }", "::101/64; }"), 'MnHomeLink "eth0" HomeAddress', RESTART),
        (MN, MN.replace("UseMnHaIPsec enabled", "UseMnHaIPsec disabled"), "UseMnHaIPsec", RESTART),
        (HA, HA.replace("10 11", "20 21"), "IPsecPolicySet 2001:db8:1::1 2001:db8:1::100 Mh", RELOAD),
        (HA, HA + "BindingAclPolicy 2001:db8::1 allow;", "BindingAclPolicy 2001:db8::1", RELOAD),
        (HA, HA + "HaServedPrefix 2001:db8::/48;", "HaServedPrefix 2001:db8::/48", RELOAD),
        (HA, HA + "Whatever 1;", "Whatever 1", RESTART),
        (RADVD, RADVD.replace("Preference 10", "Preference 11"), "interface eth0 HomeAgentPreference", RELOAD),
    ],
)
def test_each_change_says_what_it_takes(before: str, after: str, option: str, takes: Reload) -> None:
    """It is the only one, and the way back takes as much, but for what a reload enables only."""
    found = changes(before, after)
    assert list(found) == [option]
    assert found[option].takes is takes
    assert (found[option].before_place or found[option].after_place) is not None


def test_another_role_takes_everything_into_a_restart() -> None:
    """A reload with another role takes nothing at all."""
    found = changes(CN, "NodeConfig HA; DebugLevel 1;")
    assert {change.takes for change in found.values()} == {RESTART}


def test_policies_are_taken_while_ipsec_stays_enabled() -> None:
    """Otherwise they wait for a restart, or have no effect."""
    changed = HA.replace("10 11", "20 21")
    off = "UseMnHaIPsec disabled"
    key = "IPsecPolicySet 2001:db8:1::1 2001:db8:1::100 Mh"
    assert changes(HA, changed.replace("UseMnHaIPsec enabled", off))[key].takes is RESTART
    both = (text.replace("UseMnHaIPsec enabled", off) for text in (HA, changed))
    assert changes(*both)[key].takes is NOTHING


def test_values_and_places_are_of_both() -> None:
    """What was and what is to be."""
    found = changes(HA, HA.replace("10 11", "20 21"))["IPsecPolicySet 2001:db8:1::1 2001:db8:1::100 Mh"]
    assert (found.before, found.after) == ("UseESP 10 11 allow", "UseESP 20 21 allow")
    assert str(found.before_place) == str(found.after_place) == "f:7:3"
