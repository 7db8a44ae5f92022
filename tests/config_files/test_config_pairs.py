"""What files say together: of a mobile node, its home agent, and the home agent's radvd."""

import pytest
from config_texts import CN, HA, MN, RADVD, codes, whole

from mipsh.config_files import mip6d, radvd
from mipsh.config_files.findings import Finding
from mipsh.config_files.pairs import between

NO_IPSEC = "UseMnHaIPsec disabled;"


def together(*texts: str) -> list[Finding]:
    """Return what files say together."""
    wholes = [whole(text) for text in texts]
    return list(between([radvd.understand(one) if radvd.is_radvd(one) else mip6d.understand(one) for one in wholes]))


def test_there_is_nothing_in_files_that_fit() -> None:
    """Nor in one alone, nor with a correspondent node."""
    assert together(MN, HA, RADVD, CN) == []
    assert together(MN) == []


ROUTER = MN.replace("100/64; }", "100/64 (2001:db8:2::/64); IsMobRtr enabled; }")
SERVES = HA + "HaAcceptMobRtr enabled;"


@pytest.mark.parametrize(
    ("texts", "code"),
    [
        ((MN, HA.replace("Mh UseESP 10 11", "Mh UseESP 20 21")), "error reqid-mismatch MIP-303"),
        ((MN, HA.replace("  IPsecPolicy ICMP UseESP 12 13;\n", "")), "error policy-alone MIP-303"),
        ((MN.replace("  IPsecPolicy ICMP UseESP 12 13;\n", ""), HA), "error policy-alone MIP-303"),
        ((MN, HA.replace("Mh UseESP 10 11", "Mh UseESP 10 11 block")), "error policy-differs MIP-303"),
        ((MN, HA.replace("UseMnHaIPsec enabled;", NO_IPSEC)), "error ipsec-differs MIP-301"),
        ((MN, HA + "KeyMngMobCapability enabled;"), "warning keys-differ MIP-310"),
        ((MN, HA + "HaMaxBindingLife 60;"), "info lifetime-capped MIP-305"),
        ((MN, HA + "BindingAclPolicy 2001:db8:1::100 deny;"), "error denied MIP-309"),
        ((MN, HA + "DefaultBindingAclPolicy deny;"), "error denied MIP-309"),
        ((ROUTER, HA), "error router-refused MIP-311"),
        ((ROUTER, SERVES), "error network-refused MIP-311"),
        ((MN, MN), "error home-address-twice MIP-308"),
        ((HA.replace("eth0", "eth1"), RADVD), "error not-advertised MIP-403"),
        ((HA, RADVD.replace("AdvHomeAgentFlag on", "AdvHomeAgentFlag off")), "error no-home-agent-flag MIP-403"),
        ((HA, RADVD.replace("AdvSendAdvert on", "AdvSendAdvert off")), "error not-sent MIP-403"),
        ((HA, RADVD.replace("db8:1::1/", "db8:1::2/")), "warning no-router-address MIP-404"),
        ((SERVES, RADVD), "warning routers-not-told MIP-311"),
        ((HA + "HaMaxBindingLife 3600;", RADVD), "info agent-expires MIP-405"),
        ((HA + "HaMaxBindingLife 90000;", RADVD), "info prefix-expires MIP-305"),
        ((MN, RADVD.replace("::1/64", "::1/48")), "error length-differs MIP-308"),
        ((MN, RADVD.replace("db8:1::1/", "db8:1::2/")), "warning agent-differs MIP-308"),
    ],
)
def test_what_does_not_go_together_is_found(texts: tuple[str, ...], code: str) -> None:
    """In any order of the files."""
    assert code in codes(together(*texts))
    assert codes(together(*texts[::-1])) == codes(together(*texts))


def test_swapped_reqids_are_said_to_be() -> None:
    """The first is to the home agent in both files."""
    (found,) = together(MN, HA.replace("Mh UseESP 10 11", "Mh UseESP 11 10"))
    assert "swapped" in found.message
    assert found.place.line == MN[: MN.index("IPsecPolicy Mh")].count("\n") + 1


def test_a_mobile_router_that_is_served_is_fine() -> None:
    """Its prefix is within what is allowed behind its home address."""
    assert together(ROUTER, SERVES + "BindingAclPolicy 2001:db8:1::100 (2001:db8:2::/48) allow;") == []


def test_policies_of_other_mobile_nodes_do_not_count() -> None:
    """A home agent has many, a mobile node has its own."""
    other = HA[HA.index("IPsecPolicySet") :].replace("::100/64", "::200/64")
    assert together(MN, HA + other) == []
