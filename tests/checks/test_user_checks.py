"""Checks that users write: what they may say, what comes of it, and that nothing hostile in them does harm."""

from pathlib import Path
from typing import Any

import pytest
from given import address, given, route
from hypothesis import given as drawn
from hypothesis import strategies as st

from mipsh.checks.facts import Facts
from mipsh.checks.runner import judge
from mipsh.checks.user import checks
from mipsh.errors import ConfigError
from mipsh.linux.facts_user import LARGEST, document, user_checks

CHECK: dict[str, Any] = {
    "id": "SITE-001",
    "title": "an address that is not preferred",
    "table": "addresses",
    "field": "preferred_s",
    "operator": ">",
    "value": 0,
}
YAML = """
checks:
  - id: SITE-001
    title: forwarding is off
    severity: critical
    table: settings
    field: net/ipv6/conf/all/forwarding
    operator: "="
    value: 1
    remedy: ["sysctl -w net.ipv6.conf.all.forwarding=1"]
"""


def verdicts(facts: Facts, **said: Any) -> dict[str, str]:
    """Return the verdicts of one check as written."""
    (check,) = checks({"checks": [{**CHECK, **said}]}, "file")
    return {finding.subject: finding.verdict for finding in judge(check, facts)}


def test_every_row_is_judged() -> None:
    """A value that is not known is no answer."""
    rows = [address("2001:db8::1/64"), address("2001:db8::2/64"), address("2001:db8::3/64")]
    found = [
        type(row)(**{name: getattr(row, name) for name in row.__struct_fields__} | {"preferred_s": seconds})
        for row, seconds in zip(rows, (5, 0, None), strict=True)
    ]
    assert verdicts(given(AD=tuple(found))) == {
        "2001:db8::1": "PASS",
        "2001:db8::2": "AFFECTED",
        "2001:db8::3": "UNKNOWN",
    }
    assert verdicts(given(AD=tuple(found)), where=["address=2001:db8::1"]) == {"2001:db8::1": "PASS"}


@pytest.mark.parametrize(("empty", "verdict"), [("unknown", "UNKNOWN"), ("pass", "PASS"), ("affected", "AFFECTED")])
def test_no_row_means_what_is_said(empty: str, verdict: str) -> None:
    """Unless it is said: that it could not be told."""
    assert verdicts(given(AD=()), empty=empty) == {"": verdict}
    assert verdicts(given(AD=())) == {"": "UNKNOWN"}


def test_tables_of_the_engine_and_single_values_can_be_compared() -> None:
    """By the daemon's words or the names of tables; counters by how much they rose."""
    facts = given(SY={"net/ipv6/conf/all/forwarding": 1}, XT={"XfrmInNoPols": 7}, earlier=given(XT={"XfrmInNoPols": 2}))
    settings = {"table": "settings", "field": "net/ipv6/conf/all/forwarding", "operator": "="}
    assert verdicts(facts, **settings, value=1) == {"net/ipv6/conf/all/forwarding": "PASS"}
    assert verdicts(facts, **settings, value=0) == {"net/ipv6/conf/all/forwarding": "AFFECTED"}
    rise = {"table": "xfrm_rise", "field": "XfrmInNoPols", "operator": "<"}
    assert verdicts(facts, **rise, value=6) == {"XfrmInNoPols": "PASS"}
    assert verdicts(facts, **rise, value=5) == {"XfrmInNoPols": "AFFECTED"}
    bul = {"table": "bul", "field": "lifetime_granted_s", "operator": ">=", "value": 600}
    assert verdicts(given(bul=()), **bul) == {"": "UNKNOWN"}
    assert verdicts(given(), **bul) == {"": "UNKNOWN"}
    routes = {"table": "routes", "field": "interface", "operator": "!=", "value": "eth0"}
    assert verdicts(given(RT=(route("::/0"),)), **routes) == {"::": "AFFECTED"}


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"table": "nothing"}, "no table 'nothing'"),
        ({"field": "nothing"}, "'nothing' is not a column"),
        ({"operator": "is"}, "no operator 'is'"),
        ({"value": "many"}, "compared with a number"),
        ({"value": [1]}, "value"),
        ({"severity": "worst"}, "severity"),
        ({"empty": "fine"}, "empty is"),
        ({"run": "rm -rf /"}, "run"),
        ({"title": "x" * 3000}, "longer than"),
        ({"where": "x"}, "not a condition"),
        ({"operator": "~", "field": "address", "value": "("}, "regular expression"),
    ],
)
def test_what_cannot_be_meant_is_an_error(change: dict[str, Any], problem: str) -> None:
    """That names the file and the check."""
    with pytest.raises(ConfigError, match=problem) as caught:
        checks({"checks": [{**CHECK, **change}]}, "file")
    assert caught.value.message.startswith("file: check 1: ")


@pytest.mark.parametrize(
    "said", [None, 1, [], {}, {"checks": {}}, {"checks": [], "more": 1}, {"checks": [CHECK] * 501}]
)
def test_a_document_that_is_none_is_an_error(said: Any) -> None:
    """It is a list of at most 500 checks."""
    with pytest.raises(ConfigError):
        checks(said, "file")


def test_files_are_read_in_order_and_bad_ones_are_named(tmp_path: Path) -> None:
    """A file that cannot be read keeps no other from being read."""
    folder = tmp_path / "checks.d"
    folder.mkdir()
    (folder / "b.yaml").write_text(YAML)
    (folder / "a.yml").write_text(YAML.replace("SITE-001", "SITE-000"))
    (folder / "c.yaml").write_text("checks: [")
    (folder / "d.yaml").mkdir()
    (folder / "e.yaml").write_bytes(b"#" * (LARGEST + 1))
    (folder / "notes.txt").write_text("not read")
    found, faults = user_checks([str(tmp_path), str(tmp_path / "missing")])
    assert [check.id for check in found] == ["SITE-000", "SITE-001"]
    assert [fault.partition(":")[0].rpartition("/")[2].split()[0] for fault in faults] == ["c.yaml", "d.yaml", "e.yaml"]
    assert found[0].about.remedy == ("sysctl -w net.ipv6.conf.all.forwarding=1",)


BOMB = "a: &a [x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    "text",
    [
        BOMB,
        "!!python/object/apply:os.system ['true']",
        "[" * 30_000,
        "a: " * 5000,
        "\x00",
        "\ud800",
        "--- 1\n--- 2\n",
        "{[1]: 2}",
        "2027-99-99",
        "? " * 2000,
        "%YAML 9.9\n---\n1",
        "<<: 1",
    ],
)
def test_hostile_yaml_is_an_error(text: str) -> None:
    """Nothing is run, nothing grows, and the error names the file."""
    with pytest.raises(ConfigError, match=r"^file: not YAML"):
        document(text.encode("utf-8", "surrogatepass"), "file")


@drawn(st.binary(max_size=200) | st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")))
def test_any_bytes_are_data_or_an_error(data: bytes) -> None:
    """Nothing else is raised."""
    try:
        said = document(data, "file")
        checks(said, "file")
    except ConfigError as error:
        assert error.message.startswith("file: ")
