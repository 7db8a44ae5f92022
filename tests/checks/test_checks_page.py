"""What docs/checks.md shows is what there is: its checks run, its files are read."""

import re
from pathlib import Path

import yaml
from given import given, link

from mipsh.checks import suppress, user
from mipsh.checks.check import Area
from mipsh.checks.runner import judge
from mipsh.checks.sources import Key
from mipsh.model.findings import Verdict

PAGE = (Path(__file__).parents[2] / "docs" / "checks.md").read_text("utf-8")


def block(language: str) -> str:
    """Return the only block of a language."""
    (found,) = re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return str(found)


def test_the_check_in_python_is_one() -> None:
    """It finds what it says."""
    names: dict[str, object] = {}
    exec(block("python"), names)
    area = names["AREA"]
    assert isinstance(area, Area)
    facts = given(TN=(link("eth0"), link("eth1")), SY={"net/ipv6/conf/eth0/disable_policy": 1})
    assert [(one.subject, one.verdict) for one in judge(area.checks[0], facts)] == [
        ("eth0", "AFFECTED"),
        ("eth1", "PASS"),
    ]


def test_the_files_shown_are_taken() -> None:
    """Checks in YAML, and suppressions."""
    assert [check.id for check in user.checks(yaml.safe_load(block("yaml")), "page")] == ["SITE-001", "SITE-002"]
    assert len(suppress.parse(block("toml").encode(), "page")) == 1


def test_every_verdict_and_key_is_explained() -> None:
    """And no other."""
    shown = re.findall(r"^\| `([A-Z/]+)` \|", PAGE, re.MULTILINE)
    assert shown == [verdict.value for verdict in Verdict]
    keys = re.findall(r"^\| ((?:[A-Z]{2}(?:, )?)+) \|", PAGE, re.MULTILINE)
    assert sorted(", ".join(keys).split(", ")) == sorted(key.value for key in Key)
