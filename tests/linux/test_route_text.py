"""Routing that iproute2 printed, looked up as the kernel did; whatever else is in the files."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.linux.route_text import Recorded, Route, Rule, read

RECORDINGS = Path(__file__).parent.parent / "recordings" / "mip6d-1.0"
HOA, COA, HA, CN = "2001:db8:1::100", "2001:db8:2:0:f809:44ff:fec8:30f9", "2001:db8:1::1", "2001:db8:4::2"
KINDS = ("rule", "route", "tunnel", "addr")


@pytest.mark.parametrize(
    ("folder", "source", "kind", "interface", "tunnel"),
    [
        ("02-registered", HOA, "unicast", "ip6tnl1", (COA, HA)),
        ("02-registered", COA, "unicast", "mn0", None),
        ("02-registered", "", "unicast", "mn0", None),
        ("08-returned-home", HOA, "unicast", "mn0", None),
        ("10-ha-dead", HOA, "blackhole", "", None),
    ],
)
def test_a_mobile_nodes_routes(
    folder: str, source: str, kind: str, interface: str, tunnel: tuple[str, str] | None
) -> None:
    """Away, what is from the home address goes into the tunnel; without a registration, nowhere."""
    found = read(RECORDINGS / folder, "mn").lookup(source, CN)
    assert (found.kind, found.interface, found.tunnel) == (kind, interface, tunnel)


def test_addresses_and_home_addresses() -> None:
    """Global ones only, with those that the kernel was told to be home addresses."""
    found = read(RECORDINGS / "02-registered", "mn")
    assert (found.addresses, found.homes, found.is_whole) == ((HOA, COA), (HOA,), True)


def test_files_that_are_not_there(tmp_path: Path) -> None:
    """They say nothing, and there is no lookup."""
    found = read(tmp_path, "mn")
    assert found == Recorded() and not found.is_whole
    assert found.lookup("", CN).kind == "unreachable"


def test_the_longest_prefix_and_the_lowest_metric() -> None:
    """In the first table that has a route at all."""
    routes = tuple(
        Route("unicast", prefix, table, name, "", metric)
        for prefix, table, name, metric in (
            ("::/0", "main", "far", 1),
            ("2001:db8:4::/64", "main", "near", 9),
            ("2001:db8:4::/64", "main", "nearer", 3),
            ("2001:db8:9::/64", "own", "other", 1),
        )
    )
    rules = Rule("all", "all", "own", ""), Rule("all", "all", "main", "")
    assert Recorded(rules, routes).lookup("", CN).interface == "nearer"
    assert Recorded(rules, routes).lookup("", "2001:db8:9::1").interface == "other"
    only = Rule("all", "2001:db8:4::/64", "", "prohibit"), *rules
    assert Recorded(only, routes).lookup("", CN).kind == "prohibit"
    assert Recorded(only, routes).lookup("", HOA).interface == "far"


WORDS = st.sampled_from(
    [
        *[
            "0:",
            "1:",
            "default",
            "from",
            "all",
            "to",
            "lookup",
            "main",
            "252",
            "blackhole",
            "goto",
            "via",
            "dev",
            "eth0",
            "metric",
            "9999999999999",
            "proto",
        ],
        "2001:db8::/64",
        "::",
        "local",
        "inet6",
        "scope",
        "global",
        "home",
        "\x1b[31m",
        "ip6tnl1:",
        "remote",
        "x/y",
    ]
)


@given(st.dictionaries(st.sampled_from(KINDS), st.lists(st.lists(WORDS, max_size=9), max_size=6)))
def test_any_words_raise_nothing(tmp_path_factory: pytest.TempPathFactory, files: dict[str, list[list[str]]]) -> None:
    """Lines that cannot be read are passed over."""
    folder = tmp_path_factory.mktemp("words")
    for kind, lines in files.items():
        (folder / f"mn.{kind}.txt").write_text("\n".join("\t".join(line) for line in lines), encoding="utf-8")
    found = read(folder, "mn")
    assert found.lookup(HOA, CN).kind
    assert found.lookup("", CN).kind


@given(st.binary(max_size=300))
def test_any_bytes_raise_nothing(tmp_path_factory: pytest.TempPathFactory, data: bytes) -> None:
    """Nor does what is no text."""
    folder = tmp_path_factory.mktemp("bytes")
    for kind in KINDS:
        (folder / f"mn.{kind}.txt").write_bytes(data)
    assert read(folder, "mn").lookup(HOA, CN).kind
