"""Which checks are meant by words: ids, patterns, areas, all; and which of them a profile takes."""

from collections.abc import Iterable, Sequence
from fnmatch import fnmatchcase

from mipsh.checks.check import Area, Check
from mipsh.checks.sources import Key
from mipsh.errors import UsageError
from mipsh.grammar.phrases import nearest

ALL = "all"
QUICK, BOOT, DEEP = "quick", "boot", "deep"
PROFILES = (QUICK, BOOT, DEEP)
WINDOWS_S = {"": 5.0, QUICK: 0.0, BOOT: 0.0, DEEP: 15.0}
"""How long a profile watches, in seconds."""
_NOT_QUICK = (Key.PK,)


def all_checks(areas: Iterable[Area]) -> list[Check]:
    """Return the checks of all areas, each id once: the first one counts."""
    found: dict[str, Check] = {}
    for area in areas:
        for check in area.checks:
            found.setdefault(check.id, check)
    return sorted(found.values(), key=lambda check: check.id)


def select(
    checks: Sequence[Check],
    words: Sequence[str],
    skip: Sequence[str] = (),
    profile: str = "",
    *,
    probing: bool = True,
) -> list[Check]:
    """Return the checks that words mean and a profile takes, without those to be skipped; raises UsageError.

    Those that send packets are left out unless that is wanted. What is named by its id is taken nevertheless.
    """
    wanted = list(words) or [ALL]
    left_out = {check.id for word in skip for check in meant(checks, word)}
    found: dict[str, Check] = {}
    for word in wanted:
        for check in meant(checks, word):
            fits = takes(profile, check) and (probing or not check.about.probe)
            if check.id not in left_out and (fits or is_id(checks, word)):
                found[check.id] = check
    return list(found.values())


def meant(checks: Sequence[Check], word: str) -> list[Check]:
    """Return the checks that a word means; raises UsageError for one that means none."""
    upper = word.upper()
    found = [check for check in checks if word in (ALL, check.area) or fnmatchcase(check.id, upper)]
    if found:
        return found
    known = [*(check.id for check in checks), *dict.fromkeys(check.area for check in checks)]
    near = nearest(upper, known) or nearest(word, known)
    hint = f"did you mean {' or '.join(near)}?" if near else "'check list' lists them"
    raise UsageError(f"there is no check '{word}'", hint)


def is_id(checks: Sequence[Check], word: str) -> bool:
    """Tell whether a word is the id of a check."""
    return any(check.id == word.upper() for check in checks)


def takes(profile: str, check: Check) -> bool:
    """Tell whether a profile takes a check: quick none that takes time, boot those of the order of starting."""
    if profile == BOOT:
        return check.about.boot or check.area == "kernel"
    if profile == QUICK:
        return not (check.about.windowed or check.about.probe or set(check.about.needs).intersection(_NOT_QUICK))
    return True
