"""A result as cases that passed or did not, for the formats of test runners.

Each finding of a check is a case; any other result is a single one, by its exit status. What could not be told is
never one that passed.
"""

from collections.abc import Iterator
from enum import Enum

from msgspec import Struct, structs

from mipsh.model.findings import FINDINGS, Finding, Verdict
from mipsh.model.text import escape, plain
from mipsh.render.format import Document
from mipsh.status import MEANINGS, ExitStatus


class Outcome(Enum):
    """What became of a case; ASIDE is one that failed and does not count."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    ASIDE = "aside"


class Case(Struct, frozen=True):
    """A case: its group and name, its outcome, the word for that, a sentence, and lines with what is known.

    ``seconds`` is how long it took, None where that is not known, or is said of another case of the same check.
    """

    group: str
    name: str
    outcome: Outcome
    word: str
    message: str = ""
    lines: tuple[str, ...] = ()
    seconds: float | None = None


_OUTCOMES = {
    Verdict.PASS: Outcome.PASSED,
    Verdict.AFFECTED: Outcome.FAILED,
    Verdict.LIKELY: Outcome.FAILED,
    Verdict.NOT_APPLICABLE: Outcome.SKIPPED,
}


def cases(document: Document) -> Iterator[Case]:
    """Yield the cases of a document, their texts escaped; an error is one more."""
    result = document.result
    is_check = result.table is FINDINGS and not result.errors
    timed: set[str] = set()
    for row in result.rows if is_check else ():
        if isinstance(row, Finding):
            found = _of_finding(row)
            yield structs.replace(found, seconds=None) if row.id in timed else found
            timed.add(row.id)
    if not is_check:
        yield _of_result(document)


def _of_finding(finding: Finding) -> Case:
    outcome = _OUTCOMES.get(Verdict(finding.verdict), Outcome.ERROR)
    aside = finding.suppressed or (finding.explained_by and f"explained by {finding.explained_by}")
    message = finding.observed
    if aside and outcome in (Outcome.FAILED, Outcome.ERROR):
        outcome, message = Outcome.ASIDE, f"{aside}: {finding.observed}"
    lines = [f"severity: {finding.severity}"]
    lines += [f"expected: {finding.expected}"] if finding.expected else []
    lines += [f"evidence: {one}" + (f" ({one.time})" if one.time else "") for one in finding.evidence]
    lines += [f"remedy: {one}" for one in finding.remedy]
    lines += [f"reference: {finding.reference}"] if finding.reference else []
    subject = f" [{finding.subject}]" if finding.subject else ""
    return Case(
        escape(finding.area),
        escape(f"{finding.id}{subject} {finding.title}"),
        outcome,
        finding.verdict,
        escape(message),
        tuple(map(escape, lines)),
        None if finding.duration_ms is None else finding.duration_ms / 1000,
    )


def _of_result(document: Document) -> Case:
    result = document.result
    outcome = {
        ExitStatus.OK: Outcome.PASSED,
        ExitStatus.CONDITION_NOT_MET: Outcome.FAILED,
        ExitStatus.FAILED: Outcome.FAILED,
    }.get(result.status, Outcome.ERROR)
    group = result.table.name if result.table is not None else "mipsh"
    said = [f"{notice.code}: {notice.message}" for notice in (*result.errors, *result.warnings)]
    message = said[0] if result.errors else MEANINGS[result.status]
    rows = f"{len(result.rows)} rows"
    return Case(
        group, escape(plain(document.command) or "mipsh"), outcome, rows, escape(message), tuple(map(escape, said))
    )
