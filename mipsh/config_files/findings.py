"""What is found in a configuration file: where, how bad, what was expected, and what to do."""

from collections.abc import Iterable
from enum import StrEnum
from itertools import islice

from msgspec import Struct

from mipsh.config_files.tree import Fault, Place


class Severity(StrEnum):
    """How bad it is: the daemon refuses the file or cannot do its work, it does otherwise than meant, good to know."""

    ERROR = "error"
    WARNING = "warning"
    INFO = "info"

    @property
    def rank(self) -> int:
        """A number that is larger for what is worse."""
        return {"error": 3, "warning": 2, "info": 1}[self.value]


class Finding(Struct, frozen=True):
    """Something found: ``code`` is stable, ``reference`` an id of the known conditions (MIP-…) or a clause."""

    code: str
    severity: Severity
    place: Place
    option: str
    message: str
    expected: str = ""
    advice: str = ""
    reference: str = ""


MOST_FINDINGS = 500
MOST_LOOKED_AT = 5000
UNREADABLE = "unreadable"
SYNTAX = "syntax"


def of_fault(fault: Fault) -> Finding:
    """Return a fault of the syntax as a finding."""
    return Finding(SYNTAX, Severity.ERROR, fault.place, "", fault.problem, advice=fault.hint, reference="MIP-205")


def in_order(found: Iterable[Finding]) -> list[Finding]:
    """Return findings once each, by file and place, the worse first; of very many the first."""
    kept = list(islice(dict.fromkeys(islice(found, MOST_LOOKED_AT)), MOST_FINDINGS + 1))
    if len(kept) > MOST_FINDINGS:
        message = f"more than {MOST_FINDINGS} findings: the others are not told"
        advice = "is it a configuration file?"
        kept[-1] = Finding("too-many", Severity.WARNING, kept[0].place, "", message, advice=advice)
    return sorted(kept, key=lambda one: (one.place, -one.severity.rank, one.code, one.message))
