"""What findings come to: the exit status by a threshold, how many there are of each verdict, and one line of all.

The status is that of a monitoring plugin, in every format: 0 all well, 1 warning, 2 critical, 3 could not tell.
"""

from collections import Counter
from collections.abc import Iterable, Sequence

from mipsh.model.findings import Finding, Severity, Verdict
from mipsh.status import ExitStatus

NEVER = "never"
LEVELS = (*Severity, NEVER)
DEFAULT_LEVEL = Severity.LOW.value
MARKS = {Verdict.PASS: "OK", Verdict.AFFECTED: "KO", Verdict.LIKELY: "KO?", Verdict.UNKNOWN: "??", Verdict.ERROR: "!!"}
_ORDER = (Verdict.AFFECTED, Verdict.LIKELY, Verdict.ERROR, Verdict.UNKNOWN, Verdict.PASS)


def status(findings: Sequence[Finding], level: str = DEFAULT_LEVEL) -> ExitStatus:
    """Return the exit status for a threshold, a severity or ``never``.

    2 for something AFFECTED that is high or critical, 1 for what else is AFFECTED, or LIKELY; both from the
    threshold on. 3 where nothing of that is found, and something could not be told, or nothing applied at all.
    """
    counting = [finding for finding in findings if finding.counts]
    if all(finding.verdict == Verdict.NOT_APPLICABLE for finding in findings):
        return ExitStatus.COULD_NOT_TELL
    if level == NEVER:
        return ExitStatus.OK
    least = Severity(level).rank
    bad = [one for one in counting if Severity(one.severity).rank >= least]
    affected = [one for one in bad if one.verdict == Verdict.AFFECTED]
    if any(Severity(one.severity).rank >= Severity.HIGH.rank for one in affected):
        return ExitStatus.FAILED
    if affected or any(one.verdict == Verdict.LIKELY for one in bad):
        return ExitStatus.CONDITION_NOT_MET
    if any(one.verdict in (Verdict.UNKNOWN, Verdict.ERROR) for one in counting):
        return ExitStatus.COULD_NOT_TELL
    return ExitStatus.OK


def counts(findings: Iterable[Finding]) -> dict[str, int]:
    """Return how many findings there are of each verdict, in the order of the vocabulary."""
    found = Counter(finding.verdict for finding in findings)
    return {verdict.value: found[verdict.value] for verdict in Verdict if found[verdict.value]}


def marks(findings: Iterable[Finding]) -> str:
    """Return one word a check, ``ID:OK``, by the worst that it found; those that do not apply are left out.

    KO is AFFECTED, KO? is LIKELY, ?? is UNKNOWN, and !! an error of the check; in brackets what does not count.
    """
    worst: dict[str, Finding] = {}
    for finding in findings:
        if finding.verdict == Verdict.NOT_APPLICABLE:
            continue
        known = worst.get(finding.id)
        if known is None or _place(finding) < _place(known):
            worst[finding.id] = finding
    return " ".join(_word(finding) for finding in worst.values())


def _place(finding: Finding) -> tuple[bool, int]:
    return not finding.counts, _ORDER.index(Verdict(finding.verdict))


def _word(finding: Finding) -> str:
    word = f"{finding.id}:{MARKS[Verdict(finding.verdict)]}"
    return word if finding.counts else f"[{word}]"


def sentence(findings: Sequence[Finding]) -> str:
    """Return what findings come to, for people."""
    numbers = ", ".join(f"{count} {verdict}" for verdict, count in counts(findings).items())
    if not findings:
        return "Nothing was checked."
    if all(finding.verdict == Verdict.NOT_APPLICABLE for finding in findings):
        return f"Nothing that was looked for applies to this node: {numbers}."
    left = [finding for finding in findings if not finding.counts]
    aside = f"; {len(left)} of them do not count" if left else ""
    bad = [one for one in findings if one.counts and one.verdict in (Verdict.AFFECTED, Verdict.LIKELY)]
    dark = [one for one in findings if one.counts and one.verdict in (Verdict.UNKNOWN, Verdict.ERROR)]
    if bad:
        begin = f"{len(bad)} found"
    elif dark:
        begin = "Nothing was found, and not everything could be told"
    else:
        begin = "All well"
    return f"{begin}: {numbers}{aside}."
