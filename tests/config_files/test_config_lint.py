"""What is wrong with a mip6d.conf statement by statement: each fault with its place, and nothing in a good file."""

import pytest
from config_texts import CN, HA, MN, RADVD, codes, linted, whole
from hypothesis import given
from hypothesis import strategies as st

from mipsh.config_files.findings import Finding, Severity
from mipsh.config_files.mip6d_options import OPTIONS
from mipsh.config_files.syntax import parse


def only(text: str, code: str) -> Finding:
    """Return the one finding of a code."""
    (found,) = [one for one in linted(text) if one.code == code]
    return found


@pytest.mark.parametrize("text", [MN, HA, CN, RADVD], ids=["mn", "ha", "cn", "radvd"])
def test_there_is_nothing_in_a_good_file(text: str) -> None:
    """Not even something that is good to know."""
    assert linted(text) == []


def test_an_unknown_option_is_an_error_with_what_was_meant() -> None:
    """mip6d refuses the whole file for it."""
    found = only(CN + "DebugLevle 0;\n", "unknown-option")
    assert (str(found.place), found.reference) == ("f:2:1", "MIP-205")
    assert found.advice == "did you mean DebugLevel or DebugLogFile?"
    assert found.severity is Severity.ERROR


def test_case_matters() -> None:
    """The names are as they are written."""
    assert only("nodeconfig MN;", "unknown-option").advice == "did you mean NodeConfig?"


def test_an_option_of_another_block_says_which() -> None:
    """It belongs in braces, or in none."""
    assert (
        only(CN + "HomeAddress 2001:db8::1/64;", "unknown-option").advice
        == "it belongs in IPsecPolicySet or MnHomeLink"
    )
    inside = MN.replace("MnIfPreference 1;", "MnIfPreference 1; DebugLevel 0;")
    assert only(inside, "unknown-option").advice == "it belongs in no braces"


@pytest.mark.parametrize(
    ("line", "words"),
    [('LinkName "x";', "UNIP"), ("MnUseDsmip6 enabled;", "DSMIPv6"), ("HomeNetworkPrefix 2001:db8::/64;", "PMIPv6")],
)
def test_names_of_other_versions_and_forks_are_known(line: str, words: str) -> None:
    """They are refused, and it is said of what they are."""
    message = only(CN + line, "unknown-option").message
    assert words.replace("UNIP", "UMIP 1.0 has no") in message


@pytest.mark.parametrize(
    ("line", "code", "column"),
    [
        ("DebugLevel yes;", "wrong-type", 12),
        ("DebugLevel 1.5;", "wrong-type", 12),
        ("DebugLevel;", "wrong-type", 1),
        ("DebugLevel 1 2;", "wrong-type", 14),
        ("DebugLevel 99999999999999999999999;", "out-of-range", 12),
        ("NodeConfig mn;", "wrong-type", 12),
        ("DoRouteOptimizationCN on;", "wrong-type", 23),
        ("DebugLogFile var;", "wrong-type", 14),
        ("DebugLogFile \"\";", "wrong-type", 14),
        ("Interface eth0;", "wrong-type", 11),
        ("Interface \"a-very-long-name\";", "wrong-type", 11),
        ("CnBindingPolicySet { 2001:db8::1 maybe; }", "wrong-type", 34),
        ("CnBindingPolicySet { 2001:db8::1 1.2.3.4 enabled; }", "wrong-type", 34),
        ("CnBindingPolicySet { x enabled; }", "wrong-type", 22),
    ],
)  # fmt: skip
def test_a_value_of_the_wrong_type_or_size_has_its_place(line: str, code: str, column: int) -> None:
    """The place is the value's, and what is expected is said."""
    found = only("\n" + line, code)
    assert (found.place.line, found.place.column) == (2, column)
    assert found.expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (MN.replace("MnIfPreference 1", "MnIfPreference 11"), "out-of-range"),
        (MN.replace("2001:db8:1::100/64; }", "2001:db8:1::100/129; }"), "wrong-type"),
        (MN.replace("2001:db8:1::100/64; }", "2001:db8:1::100; }"), "wrong-type"),
        (MN.replace("2001:db8:1::100/64; }", "2001:db8:1::100/64 (2001:db8:2::); }"), "wrong-type"),
        (MN.replace("Mh UseESP 10 11", "Mh UseAH 10 11"), "wrong-type"),
        (MN.replace("Mh UseESP 10 11", "Mh 10 11"), "wrong-type"),
        (MN.replace("Mh UseESP 10 11", "MH UseESP 10 11"), "wrong-type"),
        (MN.replace("Mh UseESP 10 11", "Mh UseESP 10 11 12"), "wrong-type"),
        (MN.replace("Mh UseESP 10 11", "Mh UseESP 10 9999999999"), "wrong-type"),
        (MN + "MnMaxCnBindingLife 421;", "out-of-range"),
        (MN.replace("MnHomeLink", "MnHomeLynk"), "unknown-option"),
        (MN.replace("HomeAddress 2001:db8:1::100/64; }", "MnRoPolicy x enabled; }"), "wrong-type"),
        (MN.replace("HomeAddress 2001:db8:1::100/64; }", "IsMobRtr enabled; }"), "no-home-address"),
        (MN.replace("  HomeAddress 2001:db8:1::100/64;\n", ""), "incomplete-block"),
        (HA + "BindingAclPolicy 2001:db8::1;", "wrong-type"),
        (HA + "BindingAclPolicy 2001:db8::1 perhaps;", "wrong-type"),
        (HA + "HaServedPrefix 2001:db8::1;", "wrong-type"),
        (HA + "HaMaxBindingLife 262144;", "out-of-range"),
        (HA.replace('Interface "eth0";', 'Interface "eth0" { IfType HA; Tunnel enabled; }'), "tunnel-interface"),
        (HA.replace('Interface "eth0";', 'Interface "eth0" { }'), "empty-block"),
        (CN + "DebugLevel 0 { }", "unexpected-block"),
        (CN + "CnBindingPolicySet { 2001:db8::1 enabled; };", "stray-semicolon"),
        (CN + "DebugLevel 0\nDoRouteOptimizationCN enabled;", "missing-semicolon"),
    ],
)
def test_what_mip6d_refuses_is_an_error(text: str, code: str) -> None:
    """Each says that a file with it is not read."""
    found = only(text, code)
    assert (found.severity, found.reference) == (Severity.ERROR, "MIP-205")


def test_an_ipsec_policy_set_is_in_order() -> None:
    """The home agent, then mobile nodes, then policies."""
    text = HA.replace("  HomeAgentAddress 2001:db8:1::1;\n", "").replace(
        "}\n", "  HomeAgentAddress 2001:db8:1::1;\n}\n"
    )
    assert only(text, "out-of-order").severity is Severity.ERROR


def test_a_missing_semicolon_is_said_where_it_is_missing() -> None:
    """Not where the statement begins."""
    found = only("NodeConfig CN\nDebugLevel 0;\n", "missing-semicolon")
    assert (str(found.place), found.advice) == ("f:2:1", "end CN in line 1 with ';'")


def test_seconds_are_decimal() -> None:
    """A whole number may be refused; it is no error."""
    found = only(MN + "InitialSolicitTimer 3;", "wrong-type")
    assert found.severity is Severity.WARNING
    assert linted(MN + "InitialSolicitTimer 3.0;") == []


def test_options_of_another_role_are_warned_of() -> None:
    """A home agent does not read a mobile node's options."""
    found = only(HA + "MnMaxHaBindingLife 60;", "other-role")
    assert found.severity is Severity.WARNING
    assert "MN" in found.message


def test_what_is_there_twice_is_warned_of() -> None:
    """The last counts; blocks of one name are the same, too."""
    assert "line 1" in only(CN + "NodeConfig CN;", "duplicate").message
    assert only(HA + 'Interface "eth0";', "duplicate").option == "Interface"
    assert codes(linted(HA + 'Interface "eth1";')) == []


def test_a_byte_order_mark_and_carriage_returns_are_found() -> None:
    """An editor of another system left them."""
    assert "error byte-order-mark" in codes(linted("\ufeff" + CN))
    found = only("NodeConfig CN;\r\n", "carriage-return")
    assert str(found.place) == "f:1:15"


def test_a_fault_of_the_syntax_is_a_finding() -> None:
    """With its place and what was expected."""
    (found,) = linted('NodeConfig MN;\nInterface "x" {\n')
    assert (found.code, str(found.place), found.reference) == ("syntax", "f:3:1", "MIP-205")
    assert "line 2" in found.advice


def test_every_option_has_a_meaning_and_a_default_that_fits() -> None:
    """A default is a value like any other."""
    for option in OPTIONS.values():
        assert option.meaning
        assert option.roles
        if option.default is not None:
            (statement,) = parse(f"{option.name} {option.default};", "f").statements
            assert option.shape(statement) is None, option.name


NAMES = [name for _, name in OPTIONS]
WORDS = [
    *NAMES,
    "enabled",
    "0",
    "1.5",
    '"eth0"',
    "2001:db8::1",
    "2001:db8::/64",
    "(2001:db8::/64)",
    "{",
    "}",
    ";",
    "UseESP",
]


@given(st.lists(st.sampled_from(WORDS), max_size=30).map(" ".join))
def test_any_words_are_linted(text: str) -> None:
    """Whatever stands in a file, findings come back, in order."""
    found = linted(text)
    assert [one.place for one in found] == sorted(one.place for one in found)


def test_unknown_options_are_kept() -> None:
    """They are in what was read, and in what is printed."""
    text = "Whatever 1 (a, b) { c; }\n"
    assert whole(text).documents[0].text == text
