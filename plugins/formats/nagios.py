"""What a plugin of Nagios prints: a line with the status and numbers, and a line for each thing that is wrong."""

from collections import Counter
from collections.abc import Iterator

from mipsh.model.findings import FINDINGS, Finding, Verdict
from mipsh.model.text import escape, plain
from mipsh.render.format import Document, Format, Style
from mipsh.status import ExitStatus

WORDS = {ExitStatus.OK: "OK", ExitStatus.CONDITION_NOT_MET: "WARNING", ExitStatus.FAILED: "CRITICAL"}
UNKNOWN = "UNKNOWN"
LABELS = {
    Verdict.PASS: "pass",
    Verdict.AFFECTED: "affected",
    Verdict.LIKELY: "likely",
    Verdict.UNKNOWN: "unknown",
    Verdict.ERROR: "error",
    Verdict.NOT_APPLICABLE: "not_applicable",
}
_SHOWN = (Verdict.AFFECTED, Verdict.LIKELY, Verdict.ERROR, Verdict.UNKNOWN)


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the status, a sentence and performance data; then the findings that count and are wrong."""
    result = document.result
    word = WORDS.get(result.status, UNKNOWN)
    found = [row for row in result.rows if isinstance(row, Finding)] if result.table is FINDINGS else []
    if result.errors:
        sentence, data = result.errors[0].message, ""
    elif result.table is FINDINGS:
        sentence, data = _of_check(found)
    else:
        name = result.table.title if result.table is not None else document.command
        sentence, data = f"{name}: {len(result.rows)} rows", f"rows={len(result.rows)};;;0"
    yield f"MIPSH {word} - {_safe(sentence)}" + (f" | {data}" if data else "") + "\n"
    for finding in found:
        if finding.counts and finding.verdict in _SHOWN:
            subject = f" [{finding.subject}]" if finding.subject else ""
            yield _safe(f"{finding.verdict} {finding.id}{subject} {finding.title}: {finding.observed}") + "\n"


def _of_check(found: list[Finding]) -> tuple[str, str]:
    counting = [finding for finding in found if finding.counts]
    numbers = Counter(finding.verdict for finding in counting)
    bad = [one for one in counting if one.verdict in (Verdict.AFFECTED, Verdict.LIKELY)]
    ids = ", ".join(dict.fromkeys(finding.id for finding in bad))
    said = (
        ", ".join(f"{numbers[verdict]} {verdict}" for verdict in Verdict if numbers[verdict]) or "nothing was checked"
    )
    data = [f"{label}={numbers[verdict]};;;0;{len(counting)}" for verdict, label in LABELS.items()]
    seconds = sum({finding.id: finding.duration_ms or 0.0 for finding in found}.values()) / 1000
    return f"{ids}: {said}" if ids else said, " ".join((*data, f"time={seconds:.3f}s;;;0"))


def _safe(text: str) -> str:
    """Return a text on one line, without the bar before performance data."""
    return escape(plain(text)).replace("|", "/")


FORMAT = Format("nagios", "a line for a monitoring system, with performance data", render)
