"""A node's file in TOML: what it may hold, and what is said about what it may not."""

from pathlib import Path

import pytest

from mipsh.errors import ConfigError
from mipsh.node.config import AdvertiseConfig, HomeConfig, InterfaceConfig, NodeConfig
from mipsh.node.config_file import MAX_SIZE, is_mip6d_conf, load, parse
from mipsh.status import ExitStatus

BEGINNING = 'name = "a"\n[[interfaces]]\nname = "eth0"\n'
MOBILE = """# a mobile node
name = "mn"

[[interfaces]]
name = "eth0"

[[interfaces]]
name = "eth1"
addresses = ["2001:db8:5::1/64"]
[interfaces.advertise]
interval_s = [1, 2.5]

[mobile_node]
home_lifetime_s = 600

[[mobile_node.homes]]
address = "2001:db8:1::100/64"
home_agent = "2001:db8:1::1"
"""


def refused(text: str | bytes, name: str = "f.toml") -> ConfigError:
    """Return the error about a file."""
    with pytest.raises(ConfigError) as caught:
        parse(text if isinstance(text, bytes) else text.encode(), name)
    assert caught.value.status is ExitStatus.USAGE
    return caught.value


def test_a_file_is_read() -> None:
    """Every table becomes a struct; what is not said has its default."""
    config = parse(MOBILE.encode(), "mn.toml")
    assert (config.name, config.router, config.home_agent) == ("mn", False, None)
    first, second = config.interfaces
    assert first == InterfaceConfig(name="eth0")
    assert second.addresses == ("2001:db8:5::1/64",)
    assert second.advertise == AdvertiseConfig(interval_s=(1, 2.5))
    assert config.mobile_node is not None
    assert config.mobile_node.homes == (HomeConfig(address="2001:db8:1::100/64", home_agent="2001:db8:1::1"),)
    assert config.mobile_node.home_lifetime_s == 600


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        (
            MOBILE.replace("home_agent =", "home_agents ="),
            "18: mobile_node.homes[0].home_agents: there is no such field",
            "did you mean home_agent?",
        ),
        (BEGINNING + "[colour]", "4: colour: there is no such field", "fields: name, control"),
        (MOBILE.replace("homes", "peers"), "13: mobile_node.homes: is missing", ""),
        (MOBILE.replace('name = "mn"', ""), "1: name: is missing", "every file has it"),
        (MOBILE.replace('"eth1"', "5"), "8: interfaces[1].name: expected a name of up to 15", ""),
        (BEGINNING + 'addresses = "::1/64"', "4: interfaces[0].addresses: expected a list, found '::1/64'", ""),
        (BEGINNING + "addresses = [5]", "4: interfaces[0].addresses[0]: expected a text, found '5'", ""),
        (BEGINNING + "mtu = 5", "4: interfaces[0].mtu: expected a whole number >= 1280, found '5'", ""),
        (BEGINNING + 'mtu = "x"', "4: interfaces[0].mtu: expected a whole number, found 'x'", ""),
        (BEGINNING + "adopts = 1", "4: interfaces[0].adopts: expected true or false, found '1'", ""),
        (BEGINNING + "tun = true", "4: interfaces[0].tun: there is no such field", "fields"),
        (BEGINNING + "[interfaces.advertise]\ninterval_s = [1]", "5: interfaces[0].advertise.interval_s: expected", ""),
        (
            BEGINNING + "[home_agent]\nmax_bindings = true",
            "5: home_agent.max_bindings: expected a whole number, found true",
            "",
        ),
        (
            BEGINNING + "[home_agent]\nmax_bindings = []",
            "5: home_agent.max_bindings: expected a whole number, found a list",
            "",
        ),
        (
            BEGINNING + "[home_agent]\nmax_bindings = {}",
            "5: home_agent.max_bindings: expected a whole number, found a table",
            "",
        ),
        (
            BEGINNING + '[home_agent]\nrequires_protection = ["x"]',
            "5: home_agent.requires_protection[0]: expected one of registration, return-routability, "
            "prefix-discovery, payload, found 'x'",
            "",
        ),
        ('name = "a"\ninterfaces = []', "2: interfaces: a node has at least one", "[[interfaces]]"),
        ('name = "a"\ninterfaces = 3', "2: interfaces: expected a list, found '3'", ""),
        (
            MOBILE.replace("5::1/64", "5::1"),
            "9: interfaces[1].addresses[0]: expected an IPv6 address/length, found '2001:db8:5::1'",
            "/64",
        ),
        ("name", "1: not TOML: Expected '='", ""),
        ('name = "a"\n[[interfaces]\n', "2:13: not TOML: Expected ']]'", ""),
        ("x = " + "[" * 5000, "1: not a node's configuration", ""),
        (b'\n\nname = "\xff"', "3: not UTF-8", ""),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str | bytes, message: str, hint: str) -> None:
    """The file, the line, the field, what was expected, what was found, and what to do."""
    error = refused(text)
    assert error.message.startswith(f"f.toml:{message}")
    assert hint in error.hint


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    """One that is not there, one that is a folder, one that is far too large."""
    for path, message in ((tmp_path / "none.toml", "there is no file"), (tmp_path, "cannot read")):
        with pytest.raises(ConfigError, match=message):
            load(str(path))
    assert "larger than 1 MiB" in refused(b"#" * (MAX_SIZE + 1)).message


def test_a_file_on_the_disk(tmp_path: Path) -> None:
    """It is the same as its bytes."""
    path = tmp_path / "mn.toml"
    path.write_text(MOBILE, encoding="utf-8")
    assert load(str(path)) == parse(MOBILE.encode(), "mn.toml")


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("mip6d.conf", "", True),
        ("a.toml", "NodeConfig MN;", False),
        ("a", "\n# comment\n  NodeConfig MN;", True),
        ("a", 'Interface "eth0";', True),
        ("a", 'MnHomeLink "eth0" {', True),
        ("a", 'name = "x"', False),
        ("a", 'name="x"', False),
        ("a", "tun.name = 'x'", False),
        ("a", "[[interfaces]]", False),
        ("a", "", False),
    ],
)
def test_the_syntax_is_told_by_the_name_or_by_the_beginning(name: str, text: str, expected: bool) -> None:
    """A suffix decides; without one of the two, the first line that says something does."""
    assert is_mip6d_conf(text, name) is expected


def test_the_other_syntax() -> None:
    """A file in mip6d's syntax becomes the same structs."""
    config = parse(b'NodeConfig CN;\nInterface "eth0";', "cn")
    assert isinstance(config, NodeConfig)
    assert config.interfaces[0].name == "eth0"
    assert refused("NodeConfig CN;\n Bogus;", "/etc/cn").message.startswith("/etc/cn:2:2:")
