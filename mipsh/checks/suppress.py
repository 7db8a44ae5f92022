"""Findings that do not count: suppressions with a reason and an expiry, and what was known before (a baseline).

::

    [[suppress]]
    id = "MIP-118"
    subject = "lab*"
    reason = "policies are switched off in the test network"
    until = 2027-06-30

``id`` and ``subject`` are patterns; without ``subject`` it is for all. A suppression without a reason or an end is
an error, and one that has ended is said. What is suppressed is shown with the reason.
"""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any

from msgspec import Struct, ValidationError, convert, structs

from mipsh.errors import ConfigError
from mipsh.model.findings import Finding, Verdict

MOST = 1000
BASELINE = "it was so in the baseline"
_SUPPRESSIBLE = (Verdict.AFFECTED, Verdict.LIKELY, Verdict.UNKNOWN)


class Suppression(Struct, frozen=True, forbid_unknown_fields=True):
    """A suppression; ``until`` is its last day, as YYYY-MM-DD."""

    id: str
    reason: str
    until: str
    subject: str = "*"

    def covers(self, finding: Finding) -> bool:
        """Tell whether a finding is one that it is for."""
        return fnmatchcase(finding.id, self.id) and fnmatchcase(finding.subject, self.subject)


def parse(raw: bytes, path: str) -> tuple[Suppression, ...]:
    """Return the suppressions of a file; raises ConfigError that names it."""
    import tomllib

    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError, RecursionError, ValueError) as error:
        raise ConfigError(f"{path}: not TOML: {error}") from None
    unknown = [key for key in table if key != "suppress"]
    listed = table.get("suppress", [])
    if unknown or not isinstance(listed, list):
        raise ConfigError(f"{path}: it holds tables [[suppress]], and no '{next(iter(unknown), 'suppress = …')}'")
    if len(listed) > MOST:
        raise ConfigError(f"{path}: at most {MOST} suppressions are read, and there are {len(listed)}")
    return tuple(_suppression(one, path, number) for number, one in enumerate(listed, 1))


def _suppression(said: Any, path: str, number: int) -> Suppression:
    where = f"{path}: suppression {number}"
    if isinstance(said, dict) and "until" in said:
        said = {**said, "until": str(said["until"])}
    try:
        found = convert(said, Suppression)
    except ValidationError as error:
        raise ConfigError(f"{where}: {error}", "it has id, reason and until, and may have subject") from None
    if not found.reason.strip():
        raise ConfigError(f"{where}: the reason is empty", "say why it does not count")
    digits = found.until.split("-")
    if [len(one) for one in digits] != [4, 2, 2] or not all(one.isascii() and one.isdecimal() for one in digits):
        raise ConfigError(f"{where}: until is a day, not '{found.until}'", "write until = 2027-06-30")
    return found


def suppressed(findings: Iterable[Finding], known: Sequence[Suppression], today: str) -> list[Finding]:
    """Return the findings, with the reason in those that a suppression covers; ``today`` as YYYY-MM-DD."""
    valid = [one for one in known if one.until >= today]
    return [_marked(finding, valid) for finding in findings]


def _marked(finding: Finding, valid: Sequence[Suppression]) -> Finding:
    found = next((one for one in valid if one.covers(finding)), None)
    if found is None or finding.verdict not in _SUPPRESSIBLE:
        return finding
    return structs.replace(finding, suppressed=f"{found.reason} (until {found.until})")


def ended(known: Iterable[Suppression], today: str) -> list[str]:
    """Return the suppressions that have ended, in words."""
    return [f"the suppression of {one.id} ended on {one.until}: {one.reason}" for one in known if one.until < today]


def baseline(raw: bytes, path: str) -> frozenset[tuple[str, str, str]]:
    """Return id, subject and verdict of the findings in a document of ``check --json``; raises ConfigError."""
    from msgspec import DecodeError, json

    try:
        document = json.decode(raw)
        rows = document["data"]
        return frozenset((str(row["id"]), str(row["subject"]), str(row["verdict"])) for row in rows)
    except (DecodeError, KeyError, TypeError, RecursionError) as error:
        raise ConfigError(
            f"{path}: not a document of check: {type(error).__name__}: {error}", "make one: check --json > FILE"
        ) from None


def without_known(findings: Iterable[Finding], known: frozenset[tuple[str, str, str]]) -> list[Finding]:
    """Return the findings, with those marked that were the same in the baseline."""
    return [
        structs.replace(finding, suppressed=BASELINE)
        if finding.verdict in _SUPPRESSIBLE
        and finding.suppressed is None
        and (finding.id, finding.subject, finding.verdict) in known
        else finding
        for finding in findings
    ]
