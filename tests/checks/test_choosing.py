"""Which checks are meant, which findings do not count, and what they come to."""

from typing import Any

import pytest
from msgspec import json

from mipsh.checks import outcome, select, suppress
from mipsh.checks.check import About, Area, Check, Judgements, passed
from mipsh.checks.facts import Facts
from mipsh.checks.sources import Key
from mipsh.errors import ConfigError, UsageError
from mipsh.model.findings import Finding, Severity, Verdict
from mipsh.status import ExitStatus


def nothing(facts: Facts) -> Judgements:
    """Say that all is well."""
    yield passed("fine")


def made(id_: str, area: str, **about: Any) -> Check:
    """Return a check."""
    found = Area(area, "an area")
    found.add(About(id_, "a condition", Severity.LOW, **about), nothing, "why")
    return found.checks[0]


CHECKS = [
    made("MIP-001", "guide", windowed=True, needs=(Key.VT,)),
    made("MIP-101", "kernel"),
    made("MIP-401", "home_agent", boot=True),
    made("MIP-506", "path", probe=True),
    made("OPT-01", "kernel"),
]


@pytest.mark.parametrize(
    ("words", "ids"),
    [
        ((), "MIP-001 MIP-101 MIP-401 MIP-506 OPT-01"),
        (("all",), "MIP-001 MIP-101 MIP-401 MIP-506 OPT-01"),
        (("mip-101",), "MIP-101"),
        (("MIP-[14]01", "OPT-01", "MIP-101"), "MIP-101 MIP-401 OPT-01"),
        (("opt-*",), "OPT-01"),
        (("kernel",), "MIP-101 OPT-01"),
    ],
)
def test_checks_are_named_by_id_pattern_or_area(words: tuple[str, ...], ids: str) -> None:
    """Whatever the case; each once."""
    assert " ".join(check.id for check in select.select(CHECKS, words)) == ids


def test_a_word_that_means_no_check_is_an_error() -> None:
    """With what may have been meant; the same for what is to be skipped."""
    with pytest.raises(UsageError) as caught:
        select.select(CHECKS, ["MIP-110"])
    assert "MIP-101" in caught.value.hint
    with pytest.raises(UsageError, match="no check 'x'"):
        select.select(CHECKS, [], skip=["x"])


def test_profiles_and_skipping_leave_checks_out() -> None:
    """What is named by its id is taken nevertheless, unless it is to be skipped."""

    def ids(words: tuple[str, ...], skip: tuple[str, ...], profile: str) -> str:
        return " ".join(check.id for check in select.select(CHECKS, words, skip, profile))

    assert ids((), (), "quick") == "MIP-101 MIP-401 OPT-01"
    assert ids((), (), "boot") == "MIP-101 MIP-401 OPT-01"
    assert ids((), ("kernel", "MIP-5*"), "deep") == "MIP-001 MIP-401"
    assert ids(("MIP-001",), (), "quick") == "MIP-001"
    assert ids(("MIP-001",), ("MIP-001",), "") == ""
    held = select.select(CHECKS, ["all"], probing=False)
    assert [check.id for check in held] == ["MIP-001", "MIP-101", "MIP-401", "OPT-01"]
    assert select.select(CHECKS, ["MIP-506"], probing=False)


def test_an_id_of_two_areas_is_that_of_the_first() -> None:
    """So that a check of a site cannot stand in for one that mipsh brings."""
    areas = [Area("a", "A", (made("X-1", "a"),)), Area("b", "B", (made("X-1", "b"), made("X-2", "b")))]
    assert [(check.id, check.area) for check in select.all_checks(areas)] == [("X-1", "a"), ("X-2", "b")]


def finding(
    verdict: Verdict, severity: Severity = Severity.HIGH, id_: str = "MIP-101", subject: str = "", **more: Any
) -> Finding:
    """Return a finding."""
    return Finding(id_, subject, verdict.value, severity.value, "a condition", **more)


PASS, AFFECTED, LIKELY, NONE, UNKNOWN, ERROR = Verdict
LOW, MEDIUM, HIGH = Severity.LOW, Severity.MEDIUM, Severity.HIGH


@pytest.mark.parametrize(
    ("findings", "level", "status"),
    [
        ([], "low", 3),
        ([finding(NONE)], "low", 3),
        ([finding(PASS), finding(NONE)], "low", 0),
        ([finding(PASS), finding(UNKNOWN)], "low", 3),
        ([finding(PASS), finding(ERROR)], "critical", 3),
        ([finding(AFFECTED), finding(UNKNOWN)], "low", 2),
        ([finding(AFFECTED, MEDIUM)], "low", 1),
        ([finding(AFFECTED, MEDIUM), finding(PASS)], "high", 0),
        ([finding(LIKELY)], "low", 1),
        ([finding(LIKELY, LOW)], "medium", 0),
        ([finding(AFFECTED, suppressed="known")], "low", 0),
        ([finding(AFFECTED, explained_by="MIP-204")], "low", 0),
        ([finding(UNKNOWN, suppressed="known")], "low", 0),
        ([finding(AFFECTED)], "never", 0),
    ],
)
def test_the_status_is_that_of_the_threshold(findings: list[Finding], level: str, status: int) -> None:
    """0 all well, 1 warning, 2 critical, 3 could not tell; what does not count has no say."""
    assert outcome.status(findings, level) == ExitStatus(status)


def test_all_findings_fit_on_a_line() -> None:
    """A word a check, by the worst of it; those that do not apply are left out, and others bracketed."""
    found = [
        finding(PASS, id_="A-1"),
        finding(PASS, id_="A-2", subject="x"),
        finding(AFFECTED, id_="A-2", subject="y"),
        finding(UNKNOWN, id_="A-3"),
        finding(NONE, id_="A-4"),
        finding(LIKELY, id_="A-5"),
        finding(AFFECTED, id_="A-6", suppressed="known"),
        finding(ERROR, id_="A-7"),
    ]
    assert outcome.marks(found) == "A-1:OK A-2:KO A-3:?? A-5:KO? [A-6:KO] A-7:!!"
    assert outcome.sentence(found) == (
        "2 found: 2 PASS, 2 AFFECTED, 1 LIKELY, 1 N/A, 1 UNKNOWN, 1 ERROR; 1 of them do not count."
    )


@pytest.mark.parametrize(
    ("findings", "said"),
    [
        ([], "Nothing was checked."),
        ([finding(NONE)], "Nothing that was looked for applies to this node: 1 N/A."),
        ([finding(PASS), finding(NONE)], "All well: 1 PASS, 1 N/A."),
        ([finding(PASS), finding(UNKNOWN)], "Nothing was found, and not everything could be told: 1 PASS, 1 UNKNOWN."),
    ],
)
def test_all_well_is_said(findings: list[Finding], said: str) -> None:
    """And only where something was looked for."""
    assert outcome.sentence(findings) == said


SUPPRESSIONS = b"""
[[suppress]]
id = "MIP-1*"
subject = "lab*"
reason = "a test network"
until = 2027-06-30

[[suppress]]
id = "MIP-401"
reason = "known"
until = "2026-01-01"
"""


def test_what_is_suppressed_says_why_and_until_when() -> None:
    """As long as the suppression holds, and only what is wrong or could not be told."""
    known = suppress.parse(SUPPRESSIONS, "file")
    found = [
        finding(AFFECTED, subject="lab1"),
        finding(AFFECTED, subject="eth0"),
        finding(PASS, subject="lab2"),
        finding(AFFECTED, id_="MIP-401"),
        finding(UNKNOWN, subject="lab3"),
    ]
    marked = suppress.suppressed(found, known, "2026-12-31")
    assert [one.suppressed for one in marked] == [
        "a test network (until 2027-06-30)",
        None,
        None,
        None,
        "a test network (until 2027-06-30)",
    ]
    assert suppress.ended(known, "2026-12-31") == ["the suppression of MIP-401 ended on 2026-01-01: known"]
    assert suppress.ended(known, "2026-01-01") == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("not toml", "not TOML"),
        ("x = 1", "it holds tables"),
        ("suppress = 1", "it holds tables"),
        ('[[suppress]]\nid = "A"\nreason = "b"', "until"),
        ('[[suppress]]\nid = "A"\nuntil = 2027-01-01', "reason"),
        ('[[suppress]]\nid = "A"\nreason = " "\nuntil = 2027-01-01', "reason is empty"),
        ('[[suppress]]\nid = "A"\nreason = "b"\nuntil = "tomorrow"', "until is a day"),
        ('[[suppress]]\nid = "A"\nreason = "b"\nuntil = 2027-01-01\nmore = 1', "more"),
        ("\xff", "not TOML"),
    ],
)
def test_a_suppression_that_is_none_is_an_error(text: str, problem: str) -> None:
    """It names the file, and what is wrong."""
    with pytest.raises(ConfigError, match=problem) as caught:
        suppress.parse(text.encode("latin-1"), "file")
    assert caught.value.message.startswith("file: ")


def test_what_was_so_before_does_not_count() -> None:
    """The same finding with the same verdict; one that got worse does."""
    before = [finding(LIKELY, subject="a"), finding(AFFECTED, subject="b")]
    known = suppress.baseline(json.encode({"data": before}), "file")
    now = [finding(AFFECTED, subject="a"), finding(AFFECTED, subject="b"), finding(AFFECTED, subject="c")]
    assert [one.suppressed for one in suppress.without_known(now, known)] == [None, suppress.BASELINE, None]


@pytest.mark.parametrize("raw", [b"", b"{}", b"[]", b'{"data": [1]}', b'{"data": [{"id": "x"}]}', b"\xff", b"[" * 9999])
def test_a_baseline_that_is_none_is_an_error(raw: bytes) -> None:
    """Whatever it is."""
    with pytest.raises(ConfigError, match="not a document of check"):
        suppress.baseline(raw, "file")
