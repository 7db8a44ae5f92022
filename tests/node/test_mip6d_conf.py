"""mip6d.conf: what mipd makes of it, and what it says about what it cannot."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.errors import ConfigError
from mipsh.node.build import understand
from mipsh.node.config import (
    AdvertiseConfig,
    HomeConfig,
    InterfaceConfig,
    MobileNetworkConfig,
    NodeConfig,
    PeerConfig,
)
from mipsh.node.config_file import load, parse
from mipsh.node.mip6d_conf import node_name
from mipsh.node.mip6d_options import FIXED, NEEDED_BY, SCALARS, UNSUPPORTED
from mipsh.node.mip6d_syntax import Kind, Statement, Value
from mipsh.node.mip6d_syntax import parse as statements
from mipsh.node.places import Place

FILES = Path(__file__).parent / "mip6d_conf"
MN = 'NodeConfig MN;\nUseMnHaIPsec disabled;\nInterface "eth0";\n'
HOME = 'MnHomeLink "eth0" { HomeAgentAddress 2001:db8:1::1; HomeAddress 2001:db8:1::7/64; }\n'
HA = 'NodeConfig HA;\nUseMnHaIPsec disabled;\nInterface "ha0";\n'
CN = 'NodeConfig CN;\nInterface "eth0";\n'


def config(text: str) -> NodeConfig:
    """Return what a file asks for."""
    return parse(text.encode(), "f.conf")


def refused(text: str) -> ConfigError:
    """Return the error about a file."""
    with pytest.raises(ConfigError) as caught:
        config(text)
    return caught.value


# Real files.


def test_the_recorded_mobile_node() -> None:
    """It is understood as mip6d does, with mip6d's defaults."""
    found = load(str(FILES / "mn.conf"))
    assert (found.name, found.interfaces) == ("mn", (InterfaceConfig(name="mn0"),))
    mobile = found.mobile_node
    assert mobile is not None
    assert mobile.homes == (HomeConfig(address="2001:db8:1::100/64", home_agent="2001:db8:1::1"),)
    assert (mobile.home_lifetime_s, mobile.correspondent_lifetime_s) == (262_140, 420)
    assert mobile.acknowledge_correspondents
    assert mobile.optimise


def test_the_recorded_home_agent() -> None:
    """It has the addresses that the kernel has on its interface, and advertises there itself."""
    found = load(str(FILES / "ha.conf"))
    advertise = AdvertiseConfig(home_agent=True)
    assert found.interfaces == (InterfaceConfig(name="ha0", adopts=True, advertise=advertise),)
    assert found.home_agent is not None
    assert found.home_agent.max_lifetime_s == 262_140
    assert not found.home_agent.serves_mobile_routers


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("cn.conf", ":1:1: mipd must be told its interfaces", 'Interface "eth0";'),
        ("ha-ipsec.conf", ":5:1: mipd has no IPsecPolicySet", "no IPsec"),
    ],
)
def test_recorded_files_that_mipd_cannot_take(name: str, message: str, hint: str) -> None:
    """It is said where, and why."""
    with pytest.raises(ConfigError) as caught:
        load(str(FILES / name))
    assert message in caught.value.message
    assert hint in caught.value.hint


# What options mean.


def test_a_correspondent_node() -> None:
    """It keeps what the kernel gave the interface; without route optimisation it has room for no binding."""
    found = config(CN)
    assert found.interfaces == (InterfaceConfig(name="eth0", adopts=True),)
    assert found.correspondent.max_bindings == 10_000
    assert config(CN + "DoRouteOptimizationCN disabled;").correspondent.max_bindings == 0


def test_a_mobile_node_with_every_option() -> None:
    """The preferred interface comes first; policies of peers are taken over."""
    found = config(
        """NodeConfig MN; # comment
        UseMnHaIPsec false; MnMaxHaBindingLife 600; MnMaxCnBindingLife 60; UseCnBuAck disabled;
        DoRouteOptimizationMN enabled; MobRtrUseExplicitMode disabled; NonVolatileBindingCache disabled;
        OptimisticHandoff disabled; MnRouterProbes 0; InitialBindackTimeoutReReg 1.0;
        Interface "wlan0" { MnIfPreference 5; }
        Interface "eth0" { IfType MN; MnIfPreference 2; }
        MnHomeLink "eth1" {
            HomeAddress 2001:db8:1::7/64 (2001:db8:f::/64, 2001:db8:e::/48);
            HomeAgentAddress ::; HomePrefix 2001:db8:1::/64; IsMobRtr enabled; UseAltCoa enabled;
            MnRoPolicy 2001:db8:4::1 disabled; MnRoPolicy :: enabled;
        }
        MnHomeLink "eth0" { HomeAddress 2001:db8:2::7 / 64; MnRoPolicy enabled; }
        """
    )
    assert [link.name for link in found.interfaces] == ["eth1", "eth0", "wlan0"]
    mobile = found.mobile_node
    assert mobile is not None
    networks = "2001:db8:f::/64", "2001:db8:e::/48"
    assert mobile.homes == (
        HomeConfig(address="2001:db8:1::7/64", mobile_networks=networks, explicit=False),
        HomeConfig(address="2001:db8:2::7/64", explicit=False),
    )
    assert (mobile.home_lifetime_s, mobile.correspondent_lifetime_s) == (600, 60)
    assert not mobile.acknowledge_correspondents
    assert mobile.optimise
    assert mobile.peers == (PeerConfig(address="2001:db8:4::1", optimise=False),)


@pytest.mark.parametrize(
    ("text", "optimise", "peer"),
    [
        ("MnRoPolicy disabled; MnRoPolicy 2001:db8:4::1 enabled;", False, True),
        (
            '} DoRouteOptimizationMN disabled; MnHomeLink "eth1" { HomeAddress 2001:db8:2::7/64;'
            "MnRoPolicy 2001:db8:4::1 enabled;",
            False,
            False,
        ),
    ],
)
def test_what_is_optimised(text: str, optimise: bool, peer: bool) -> None:
    """A home link's policy, and the switch above all."""
    mobile = config(MN + HOME.replace("}", text + "}")).mobile_node
    assert mobile is not None
    assert mobile.optimise is optimise
    assert [one.optimise for one in mobile.peers] == [peer]


def test_a_home_agent_with_every_option() -> None:
    """Who may register, for how long, and what is behind mobile routers."""
    found = config(
        HA
        + """HaMaxBindingLife 300; HaAcceptMobRtr enabled; SendMobPfxAdvs enabled; MinMobPfxAdvInterval 600;
        HaServedPrefix 2001:db8:f000::/36; DefaultBindingAclPolicy deny;
        BindingAclPolicy 2001:db8:1::7 (2001:db8:f001::/64) allow;
        BindingAclPolicy 2001:db8:1::8 () allow;
        BindingAclPolicy 2001:db8:1::9 deny;
        """
    ).home_agent
    assert found is not None
    assert (found.max_lifetime_s, found.serves_mobile_routers) == (300, True)
    assert found.allowed == ("2001:db8:1::7/128", "2001:db8:1::8/128")
    assert found.denied == ("2001:db8:1::9/128",)
    assert found.mobile_networks == (
        MobileNetworkConfig(home_address="2001:db8:1::7", prefixes=("2001:db8:f001::/64",)),
    )


def test_who_may_register_by_default() -> None:
    """All but those denied; or, with deny, nobody but those allowed."""
    for text, allowed, denied in (
        ("", (), ()),
        ("BindingAclPolicy 2001:db8:1::7 allow;", (), ()),
        ("BindingAclPolicy 2001:db8:1::7 block;", (), ("2001:db8:1::7/128",)),
        ("DefaultBindingAclPolicy deny;", (), ("::/0",)),
    ):
        found = config(HA + text).home_agent
        assert found is not None
        assert (found.allowed, found.denied) == (allowed, denied)
        understand(config(HA + text))


# What is refused.

BLOCK = "BindingAclPolicy 2001:db8:1::7"


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("Nodeconfig MN;", "1:1: there is no option Nodeconfig here", "did you mean NodeConfig?"),
        ("Zzzzzz;", "1:1: there is no option Zzzzzz here", "options here: NodeConfig"),
        ("NodeConfig XX;", "1:12: NodeConfig is CN, MN or HA, not 'XX'", ""),
        ("NodeConfig MN MN;", "1:1: NodeConfig takes one value and ';'", ""),
        ("NodeConfig { }", "1:1: NodeConfig takes one value", ""),
        ("NodeConfig MN;\n NodeConfig MN;", "2:2: NodeConfig is there twice, first in line 1", "remove one"),
        ('UsePolicyModule "x";', "1:1: mipd has no UsePolicyModule", "leave it out"),
        ("DebugLevel 1;", "1:12: mipd has DebugLevel 0 only, not 1", "leave it out"),
        ("DebugLevel no;", "1:12: mipd has DebugLevel 0 only, not no", ""),
        ("NonVolatileBindingCache enabled;", "1:25: mipd has NonVolatileBindingCache disabled only", ""),
        ("NonVolatileBindingCache 5;", "1:25: mipd has NonVolatileBindingCache disabled only", ""),
        ("UseMovementModule external;", "1:19: mipd has UseMovementModule internal only", ""),
        ("UseCnBuAck 1;", "1:12: UseCnBuAck is enabled, allow, true, disabled, deny, block or false, not '1'", ""),
        ("MnMaxCnBindingLife 421;", "1:20: MnMaxCnBindingLife is a number of seconds from 0 to 420, not '421'", ""),
        ("MnMaxCnBindingLife 1.5;", "1:20: MnMaxCnBindingLife is a number of seconds", ""),
        (CN + "HaMaxBindingLife 5;", "3:1: HaMaxBindingLife is for NodeConfig HA, and this is CN", "remove it"),
        (CN + HOME, "1:1: MnHomeLink is for NodeConfig MN, and this is CN", ""),
        (CN + BLOCK + " allow;", "1:1: BindingAclPolicy is for NodeConfig HA", ""),
        (MN, "1:1: a mobile node has at least one MnHomeLink", ""),
        (MN.replace("UseMnHaIPsec disabled;", "") + HOME, "1:1: mipd has no IPsec", "UseMnHaIPsec disabled;"),
        (HA.replace("disabled", "enabled"), "2:1: mipd has no IPsec between", "UseMnHaIPsec disabled;"),
        ("NodeConfig CN;", "1:1: mipd must be told its interfaces", 'Interface "eth0";'),
        ("Interface eth0;", "1:1: Interface takes a name in quotes", 'Interface "eth0";'),
        ('Interface "a b";', "1:11: 'a b' is not the name of an interface", ""),
        ('Interface "a";\nInterface "a";', "2:11: the interface a is there twice", "remove one"),
        ('Interface "a" { Foo 1; }', "1:17: there is no option Foo here", "options here: IfType"),
        ('Interface "a" { MnIfPreference 0; }', "1:32: MnIfPreference is 1 (first) to 10, not '0'", ""),
        ('Interface "a" { MnIfPreference 1000; }', "1:32: MnIfPreference is 1", ""),
        ('Interface "a" { IfType HA; }', "1:24: mipd has one role on all interfaces", "NodeConfig first"),
        (CN + 'Interface "a" { IfType HA; }', "3:24: mipd has one role on all interfaces", ""),
        (MN + "MnHomeLink eth0 { }", "4:1: MnHomeLink takes an interface's name in quotes", ""),
        (MN + 'MnHomeLink "eth0" { }', "4:1: this home link has no HomeAddress", "add HomeAddress"),
        (MN + 'MnHomeLink "eth0" { HomeAddress; }', "4:21: HomeAddress takes ADDRESS/LENGTH", ""),
        (
            MN + 'MnHomeLink "eth0" { HomeAddress 2001:db8::1; }',
            "4:33: HomeAddress: expected an IPv6 address/le",
            "/64",
        ),
        (MN + HOME.replace("/64;", "/64 5;"), "4:82: expected prefixes in parentheses or ';', found '5'", ""),
        (MN + HOME.replace("/64;", "/64 () 5;"), "4:85: expected ';', found '5'", ""),
        (MN + HOME.replace("/64;", "/64 (2001:db8::1/64);"), "4:83: the prefix: expected a prefix with zeros", ""),
        (MN + HOME.replace("/64;", "/64 (2001:db8::/64);"), "4:1: prefixes are a mobile router's", "IsMobRtr enabled;"),
        (MN + HOME.replace("}", "IsMobRtr enabled; }"), "4:1: a mobile router names the prefixes behind it", ""),
        (MN + HOME.replace("}", "IsMobRtr 1; }"), "4:92: IsMobRtr is enabled or disabled, not '1'", ""),
        (MN + HOME.replace("}", "UseAltCoa disabled; }"), "4:83: mipd always sends the Alternate Care-of", ""),
        (
            MN + HOME.replace("}", "HomePrefix 2001:db8::/64; }"),
            "4:94: mipd takes the home prefix from HomeAddress",
            "",
        ),
        (MN + HOME.replace("}", "HomeAddress 2001:db8::1/64; }"), "4:83: a home link has one HomeAddress", ""),
        (MN + HOME.replace("}", "MnRoPolicy; }"), "4:83: MnRoPolicy takes an address or none", ""),
        (MN + HOME.replace("}", "MnRoPolicy :: :: enabled; }"), "4:83: MnRoPolicy takes an address or none", ""),
        (MN + HOME.replace("}", "MnRoPolicy ff02::1 enabled; }"), "4:94: MnRoPolicy: expected a global unicast", ""),
        (
            MN + HOME.replace("}", "MnRoPolicy enabled; }") + HOME.replace("}", "MnRoPolicy disabled; }"),
            "5:1: the home links' MnRoPolicy differ",
            "one policy",
        ),
        (HA + BLOCK + ";", "4:1: BindingAclPolicy takes an address, and allow or deny", ""),
        (HA + BLOCK + " 129;", "4:32: BindingAclPolicy is allow or deny, not '129'", ""),
        (
            HA + "HaServedPrefix 2001:db8:f::/48;" + BLOCK + " (2001:db8:e::/64) allow;",
            "4:64: 2001:db8:e::/64 is in no HaServedPrefix given before",
            "",
        ),
        # Syntax.
        ("NodeConfig MN", "1:14: expected a value or ';' behind NodeConfig, found the end of the file", ""),
        ("NodeConfig ,;", "1:12: expected a value or ';' behind NodeConfig, found ','", ""),
        ('Interface "a" {\nIfType MN;\n', "3:1: expected '}', found the end of the file", "line 1 is still open"),
        ('Interface "a', "1:11: this name has no closing quote", ""),
        ("5;", "1:1: expected the name of an option, found '5'", ""),
        ("NodeConfig @;", "1:12: '@' means nothing here", ""),
        ("HaServedPrefix 2001:db8::/x;", "1:27: expected the length of a prefix, found 'x'", ""),
        ("A (1 2);", "1:6: expected ',' or ')', found '2'", ""),
        ("A ((", "1:4: expected a prefix, found '('", ""),
        ("A (,", "1:4: expected a value or ';' behind (, found ','", ""),
        ("A {" * 9, "1:27: more than 8 braces deep", ""),
    ],
)
def test_what_is_refused(text: str, message: str, hint: str) -> None:
    """With line and column; nothing is ignored."""
    error = refused(text)
    assert error.message.startswith(f"f.conf:{message}"), error.message
    assert hint in error.hint


def test_every_option_is_known_once() -> None:
    """It has a meaning, or one value, or is refused by name; and what needs a role is an option."""
    assert not SCALARS.keys() & FIXED.keys()
    assert not (SCALARS.keys() | FIXED.keys()) & UNSUPPORTED.keys()
    assert NEEDED_BY.keys() <= SCALARS.keys()


def test_statements_have_their_places() -> None:
    """Lines and columns count from 1."""
    [statement] = statements('\n  Interface "a" { # here\n\tIfType MN;\n}', "f")
    inner = Statement("IfType", Place(3, 2), (Value(Kind.WORD, "MN", Place(3, 9)),))
    assert statement == Statement("Interface", Place(2, 3), (Value(Kind.STRING, "a", Place(2, 13)),), (inner,))


@given(st.text(st.sampled_from('NodeConfig MN;{}"(),/#:. 0123456789abcdef\n'), max_size=60))
def test_whatever_a_file_holds(text: str) -> None:
    """It is a configuration, or an error with a place."""
    try:
        config(text)
    except ConfigError as error:
        assert error.message.startswith("f.conf:")


@pytest.mark.parametrize(
    ("path", "name"),
    [("/etc/mip6d.conf", "mip6d"), ("a b.conf", "a-b"), ("x" * 40, "x" * 15), (".conf", ".conf"), ("..", "..")],
)
def test_a_node_is_called_after_its_file(path: str, name: str) -> None:
    """As far as that can be a name."""
    assert node_name(path) == name
