"""The records of ``check``: what a check found, with its evidence, and the checks that there are.

A verdict and a severity are two things: how sure it is that a condition holds, and how bad it would be.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

WIDE = Shown.WIDE


class Verdict(StrEnum):
    """Whether a condition holds.

    PASS: looked for with data that suffices, and absent. AFFECTED: observed. LIKELY: only a version or a
    configuration says so. NOT_APPLICABLE: the role, a feature or the state makes it impossible. UNKNOWN: data
    is missing, and it is said which. ERROR: the check itself failed, which is a bug.
    """

    PASS = "PASS"
    AFFECTED = "AFFECTED"
    LIKELY = "LIKELY"
    NOT_APPLICABLE = "N/A"
    UNKNOWN = "UNKNOWN"
    ERROR = "ERROR"


class Severity(StrEnum):
    """How bad a condition is where it holds."""

    INFO = "info"
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    CRITICAL = "critical"

    @property
    def rank(self) -> int:
        """Return its place from the least, 0, to the worst."""
        return list(Severity).index(self)


class By(StrEnum):
    """What a verdict rests on, from the best ground to the worst.

    BEHAVIOUR: it was seen to happen. STRUCTURE: objects of the kernel, the daemon or a configuration that make
    it happen. VERSION and CONFIGURATION: what is said of a version, or what is only configured: LIKELY at most.
    """

    BEHAVIOUR = "behaviour"
    STRUCTURE = "structure"
    CONFIGURATION = "configuration"
    VERSION = "version"


class Evidence(Struct, frozen=True):
    """What was read: its source (a key of the catalogue), the raw value, and when."""

    source: str
    value: str
    time: str | None = None

    def __str__(self) -> str:
        """Return it as one text."""
        return f"{self.source}: {self.value}"


class Finding(Struct, frozen=True):
    """What a check found about one thing."""

    id: Annotated[str, column("Id", "id of the check, never used again for another one")]
    subject: Annotated[str, column("Subject", "what it is about: a binding, an interface; empty for the node")]
    verdict: Annotated[str, column("Verdict", "PASS, AFFECTED, LIKELY, N/A, UNKNOWN, ERROR")]
    severity: Annotated[str, column("Severity", "how bad it is where it holds: info, low, medium, high, critical")]
    title: Annotated[str, column("Title", "the condition that is looked for")]
    observed: Annotated[str, column("Observed", "what is, or why it could not be told")] = ""
    expected: Annotated[str, column("Expected", "what would be right", shown=WIDE)] = ""
    area: Annotated[str, column("Area", "area of the check", shown=WIDE)] = ""
    confidence: Annotated[
        str | None,
        column("Confidence", "what the verdict rests on: behaviour, structure, configuration, version", shown=WIDE),
    ] = None
    evidence: Annotated[
        tuple[Evidence, ...], column("Evidence", "what was read: source, raw value, time", Kind.LINES, shown=WIDE)
    ] = ()
    remedy: Annotated[tuple[str, ...], column("Remedy", "what to do about it", Kind.LINES, shown=WIDE)] = ()
    reference: Annotated[str | None, column("Reference", "where it is written", shown=WIDE)] = None
    privilege: Annotated[
        str | None, column("Privilege", "of UNKNOWN: what it takes to read the missing data", shown=WIDE)
    ] = None
    explained_by: Annotated[
        str | None, column("Explained by", "the finding of which this is a consequence; it does not count")
    ] = None
    suppressed: Annotated[
        str | None, column("Suppressed", "why it does not count: a suppression's reason, or the baseline")
    ] = None
    duration_ms: Annotated[
        float | None, column("Took", "time that the check took", Kind.INTEGER, unit="ms", shown=WIDE)
    ] = None

    @property
    def counts(self) -> bool:
        """Tell whether it has a say in the exit status."""
        return self.explained_by is None and self.suppressed is None


class CheckInfo(Struct, frozen=True):
    """A check that there is."""

    id: Annotated[str, column("Id", "id of the check")]
    title: Annotated[str, column("Title", "the condition that is looked for")]
    area: Annotated[str, column("Area", "area of the check")]
    severity: Annotated[str, column("Severity", "how bad it is where it holds")]
    roles: Annotated[tuple[str, ...], column("Roles", "for whom: mn, ha, cn; none: for all", Kind.FLAGS)] = ()
    sources: Annotated[
        tuple[str, ...], column("Sources", "keys of what it reads: see docs/checks.md", Kind.FLAGS, shown=WIDE)
    ] = ()
    needs_window: Annotated[bool, column("Window", "whether it compares two moments", Kind.BOOLEAN, shown=WIDE)] = False
    needs_probe: Annotated[
        bool, column("Probe", "whether it sends packets, so only with --probe", Kind.BOOLEAN, shown=WIDE)
    ] = False


class CheckPage(Struct, frozen=True):
    """All about a check, as text."""

    id: Annotated[str, column("Id", "id of the check")]
    text: Annotated[str, column("Text", "what it looks for, why it matters, and what to do")]


FINDINGS = table("findings", Finding, "Findings", key=("id", "subject"))
CHECK_LIST = table("checks", CheckInfo, "Checks", key=("id",))
CHECK_PAGES = table("check_pages", CheckPage, "Check", key=("id",), prose=True)
CHECK_TABLES = {found.name: found for found in (FINDINGS, CHECK_LIST, CHECK_PAGES)}
