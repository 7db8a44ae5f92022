"""Every case is a test or has a reason why not, never both."""

import pytest
from cases import cases, covered, named, open_cases
from not_covered import NOT_COVERED, ROLES
from report import main, report


def test_every_case_is_a_test_or_in_the_table() -> None:
    """None of the roles that are held to is open."""
    assert [case.id for case in open_cases()] == []
    assert len([case for case in cases() if case.role in ROLES]) > 100


def test_no_case_is_both() -> None:
    """A reason why there is no test goes when there is one."""
    assert covered() & NOT_COVERED.keys() == set()


def test_the_table_names_cases_and_reasons() -> None:
    """What is not a case needs no reason; a reason has words."""
    ids = {case.id for case in cases()}
    assert NOT_COVERED.keys() <= ids
    assert all(len(reason.split()) > 3 for reason in NOT_COVERED.values())


def test_every_name_that_looks_like_a_case_is_one() -> None:
    """A misspelt id would cover nothing."""
    known = {case.id for case in cases()} | {case.slug for case in cases()}
    prefixes = ("CN-", "HA_", "MN-", "R-", "NEMO-", "ct20-", "cn_", "ha_", "mn_", "r_", "nemo_", "ct20_")
    assert {name for name in named() if name.startswith(prefixes)} <= known


def test_ids_are_unique() -> None:
    """Names of tests tell them apart."""
    slugs = [case.slug for case in cases()]
    assert len(slugs) == len(set(slugs))


def test_the_report_counts_them(capsys: pytest.CaptureFixture[str]) -> None:
    """A line for each role and origin, and no case of these roles left open."""
    assert main() == 0
    text = capsys.readouterr().out
    assert text.startswith(report())
    assert {line.split()[0] for line in text.splitlines()[1:]} >= {case.role for case in cases()}
