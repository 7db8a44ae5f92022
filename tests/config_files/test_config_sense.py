"""Where a mip6d.conf contradicts itself: each known condition found where it is, and not where it is not."""

import pytest
from config_texts import CN, HA, MN, codes, linted, without

LINK = "HomeAgentAddress 2001:db8:1::1; HomeAddress 2001:db8:1::100/64; }"
HOME = "HomeAddress 2001:db8:1::100/64; }"
NO_IPSEC = without(MN, "UseMnHaIPsec", "  HomeA", "  IPsecPolicy", "IPsecPolicySet").replace("\n}\n", "\n")
POLICY = "IPsecPolicy Mh UseESP 10 11"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (NO_IPSEC, "error no-policy MIP-301"),
        (MN.replace(POLICY, "IPsecPolicy MobPfxDisc UseESP 10 11"), "error no-policy MIP-301"),
        (MN.replace("UseMnHaIPsec enabled", "UseMnHaIPsec disabled"), "warning unused-policies MIP-301"),
        (MN.replace("ICMP UseESP", "TunnelPayload UseESP"), "error tunnel-payload-and-ro MIP-302"),
        (MN.replace("ICMP UseESP", "TunnelMh UseESP"), "warning tunnel-and-ro MIP-004"),
        (MN.replace("ICMP UseESP", "TunnelHomeTesting UseESP"), "warning home-tests-lost MIP-102"),
        (MN.replace("ICMP UseESP", "MobPfxDisc UseESP"), "info typed-policy MIP-101"),
        (MN.replace("12 13", "10 11"), "warning reqid-twice MIP-303"),
        (MN.replace("ICMP UseESP", "Mh UseESP"), "error overlapping-policy MIP-205"),
        (MN + "MnMaxHaBindingLife 3;", "error lifetime-zero MIP-305"),
        (MN + "MnMaxCnBindingLife 101;", "info lifetime-rounded MIP-305"),
        (without(MN, "UseCnBuAck"), "info no-acknowledgement MIP-306"),
        (without(MN, "MnMaxCnConsecutiveResends"), "info resent-for-ever MIP-306"),
        (without(MN, "Interface"), "error no-interface MIP-307"),
        (MN.replace("MnIfPreference 1", "MnIfPreference 0"), "error no-interface MIP-307"),
        (without(MN, "MnHomeLink"), "error no-home-link MIP-308"),
        (MN.replace(LINK, LINK.replace("::100/64", "::1/64")), "error same-address MIP-308"),
        (MN.replace(LINK, LINK.replace("::100/64", "::100/128")), "warning not-in-prefix MIP-308"),
        (MN.replace(HOME, HOME[:-1] + "HomePrefix 2001:db8:9::/64; }"), "error not-in-prefix MIP-308"),
        (MN.replace(LINK, LINK.replace("2001:db8:1::100/64", "fe80::1/64")), "error bad-home-address MIP-308"),
        (MN + 'MnHomeLink "eth1" { ' + LINK, "error home-address-twice MIP-308"),
        (MN.replace("HomeAgentAddress 2001:db8:1::1; HomeAddress", "HomeAddress"), "info discovery MIP-465"),
        (MN + "KeyMngMobCapability enabled;", "info needs-ike MIP-310"),
        (NO_IPSEC + "UseMnHaIPsec disabled;KeyMngMobCapability enabled;", "warning no-keys MIP-310"),
        (MN.replace(HOME, HOME[:-1] + "IsMobRtr enabled; }"), "error no-network MIP-311"),
        (MN.replace("100/64; }", "100/64 (2001:db8:2::/64); }"), "warning no-router MIP-311"),
        (CN + "DebugLevel 1;", "warning debug-left-on MIP-312"),
        (CN + 'DebugLogFile "log";', "warning log-for-all MIP-212"),
        (CN + 'DebugLogFile "/var/log/mip6d";', "info log-for-all MIP-212"),
        (CN + "NonVolatileBindingCache enabled;", "warning no-effect MIP-473"),
        (CN + "DoRouteOptimizationCN disabled;", "info no-bindings MIP-309"),
        (MN + "OptimisticHandoff enabled;", "info optimistic MIP-313"),
        (MN + "NoHomeReturn enabled;", "warning no-return MIP-313"),
        (MN + "InitialBindackTimeoutFirstReg 0.5;", "warning impatient MIP-202"),
        (MN + "MnRouterProbes 2;", "warning no-probe-time"),
        (MN.replace(HOME, HOME[:-1] + "MnRoPolicy disabled; }"), "info no-ro MIP-462"),
        (
            MN.replace(HOME, HOME[:-1] + "MnRoPolicy enabled; }") + "DoRouteOptimizationMN disabled;",
            "warning no-ro MIP-462",
        ),
        (NO_IPSEC.replace("MnDiscardHaParamProb enabled;", "UseMnHaIPsec disabled;"), "info forged-errors MIP-602"),
        (CN.replace("CN", "HA") + 'Interface "a";', "error unprotected MIP-301, MIP-601"),
        (CN.replace("CN", "HA") + 'Interface "a";UseMnHaIPsec disabled;', "warning unprotected MIP-601"),
        (without(HA, "Interface"), "warning every-interface MIP-307"),
        (HA + "HaMaxBindingLife 2;", "error lifetime-zero MIP-305"),
        (HA + "DefaultBindingAclPolicy deny;", "warning nobody-allowed MIP-309"),
        (HA + "DefaultBindingAclPolicy 129;", "warning nobody-allowed MIP-309"),
        (HA + "BindingAclPolicy 2001:db8::1 (2001:db8:5::/48) allow;", "warning no-routers MIP-311"),
        (
            HA + "HaAcceptMobRtr enabled;BindingAclPolicy 2001:db8::1 (2001:db8:5::/48) allow;"
            "BindingAclPolicy 2001:db8::2 (2001:db8:5:1::/64) allow;",
            "warning network-twice MIP-311",
        ),
        (HA + "MinMobPfxAdvInterval 600;MaxMobPfxAdvInterval 60;", "warning interval-reversed"),
    ],
)
def test_what_contradicts_itself_is_found(text: str, code: str) -> None:
    """It is the one that is found of its kind, and it has a place in the file."""
    found = linted(text)
    assert code in codes(found)
    assert all(one.place.file == "f" for one in found)


@pytest.mark.parametrize(
    "text",
    [
        MN.replace("ICMP UseESP", "TunnelMh UseESP") + "DoRouteOptimizationMN disabled;",
        MN.replace("ICMP UseESP", "TunnelPayload UseESP") + "DoRouteOptimizationMN disabled;",
        without(MN, "Interface") + "MnUseAllInterfaces enabled;",
        MN.replace("IPsecPolicy Mh", "IPsecPolicy any"),
        MN.replace("MnHomeLink", 'Interface "eth1";\nMnHomeLink'),
        HA + "DefaultBindingAclPolicy deny;BindingAclPolicy 2001:db8:1::100 allow;",
        HA + "HaAcceptMobRtr enabled;BindingAclPolicy 2001:db8::1 (2001:db8:5::/48) allow;",
        MN + "MnMaxHaBindingLife 60;",
        HA.replace("2001:db8:1::100/64;", "2001:db8:1::100/64; HomeAddress 2001:db8:1::101/64;"),
    ],
)
def test_what_goes_together_is_not_found(text: str) -> None:
    """The like of it that is fine."""
    assert codes(linted(text)) == []
