"""Running checks: in their order, under a deadline, and each failure kept where it happened.

What a check cannot read becomes UNKNOWN with the reason, what is not for this node N/A, and what raises ERROR.
Time is an argument: ``World`` has the clock and the waiting.
"""

import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence

from msgspec import Struct, structs

from mipsh.checks.check import Check, Judgement, not_applicable, unknown
from mipsh.checks.facts import ENGINE, NO_ROLE, Facts
from mipsh.checks.sources import Key, Source, Unreadable
from mipsh.model.findings import Finding, Verdict

ROLES = {"mn": "a mobile node", "ha": "a home agent", "cn": "a correspondent node"}
WORST_FIRST = (
    Verdict.AFFECTED,
    Verdict.LIKELY,
    Verdict.ERROR,
    Verdict.UNKNOWN,
    Verdict.PASS,
    Verdict.NOT_APPLICABLE,
)
MOST_JUDGEMENTS = 10_000
"""The findings that are kept of one check."""
_ARGUED = (Key.SY, Key.PK)
_TABLES = (ENGINE, "binding_cache", "binding_update_list", "return_routability", "statistics")


class World(Struct, frozen=True):
    """A monotonic clock in seconds, and how to wait for some."""

    now: Callable[[], float]
    wait: Callable[[float], None]


class Orders(Struct, frozen=True):
    """How to run: the window in seconds (0: none), the deadline of all in seconds, whether packets may be sent.

    ``role`` is the user's word for what the node is.
    """

    window_s: float = 0.0
    longest_s: float = 60.0
    probing: bool = False
    role: str | None = None


def run(checks: Iterable[Check], source: Source, world: World, orders: Orders) -> list[Finding]:
    """Return what the checks find, in the order of evaluation, each subject of a check once."""
    ordered = sorted(checks, key=lambda check: (check.cost, check.id))
    began = world.now()
    facts = Facts(source, orders.role)
    compared = [check for check in ordered if check.about.windowed and orders.window_s > 0]
    first = _first_look(compared, facts) if compared else None
    found: dict[str, list[Finding]] = {}
    for check in ordered:
        if check not in compared:
            found[check.id] = _in_time(check, facts, world, began, orders)
    if first is not None:
        world.wait(max(began + orders.window_s - world.now(), 0.0))
        later = Facts(source, orders.role, first)
        for check in compared:
            found[check.id] = _in_time(check, later, world, began, orders)
    return explained([finding for check in ordered for finding in found[check.id]], ordered)


def _first_look(checks: Sequence[Check], facts: Facts) -> Facts:
    """Read what the checks compare, and return it as it was at this moment."""
    facts.can_read(Key.CK)
    for key in dict.fromkeys(key for check in checks for key in (*check.about.needs, *check.about.watches)):
        for argument in _arguments(key, facts):
            facts.can_read(key, argument)
    return facts.frozen()


def _arguments(key: Key, facts: Facts) -> Iterator[str]:
    """Yield what of a source is read at the beginning of a window."""
    if key in _ARGUED:
        return
    if key is Key.VT:
        yield from _TABLES
        return
    yield ""
    if key is Key.SN and facts.can_read(Key.TN):
        yield from (link.name for link in facts.links)


def _in_time(check: Check, facts: Facts, world: World, began: float, orders: Orders) -> list[Finding]:
    """Return what a check finds, if there is time for it, with how long it took."""
    start = world.now()
    if start - began > orders.longest_s:
        late = unknown(f"the deadline of {orders.longest_s:g} s had passed before it was its turn")
        return [_finding(check, late)]
    if check.about.probe and not orders.probing:
        return [_finding(check, unknown("it sends packets, and was not told to (--probe)"))]
    found = judge(check, facts)
    took = round((world.now() - start) * 1000, 3)
    return [structs.replace(finding, duration_ms=took) for finding in found]


def judge(check: Check, facts: Facts) -> list[Finding]:
    """Return what a check finds of facts, each subject once, the worst that is said of it."""
    found: dict[str, Finding] = {}
    for judgement in _judgements(check, facts):
        finding = _finding(check, judgement)
        known = found.get(finding.subject)
        if known is None or _place(finding) < _place(known):
            found[finding.subject] = finding
        if len(found) == MOST_JUDGEMENTS:
            break
    return list(found.values())


def _place(finding: Finding) -> int:
    return WORST_FIRST.index(Verdict(finding.verdict))


def _judgements(check: Check, facts: Facts) -> Iterator[Judgement]:
    """Yield what a check says, and what kept it from saying more.

    Whatever a check raises is its own bug, and the others go on: this is one of the places where everything
    is caught.
    """
    count = 0
    try:
        misplaced = _misplaced(check, facts)
        if misplaced is not None:
            yield misplaced
            return
        for key in check.about.needs:
            if key not in _ARGUED:
                facts.datum(key, ENGINE if key is Key.VT else "")
        for judgement in check.run(facts):
            count += 1
            yield judgement
    except Unreadable as error:
        yield unknown(str(error), privilege=error.privilege)
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"{type(error).__name__}: {error} (in {where.name}, line {where.lineno})"
        yield Judgement(Verdict.ERROR, f"the check failed: {what}")
    else:
        if not count:
            yield unknown("it found nothing to judge")


def _misplaced(check: Check, facts: Facts) -> Judgement | None:
    """Return why a check is not for this node, if it is not; raises Unreadable where the role cannot be told."""
    if not check.about.roles:
        return None
    role = facts.role
    if facts.can_read(Key.VT, ENGINE) and facts.engine.engine not in check.about.engines:
        return not_applicable(f"a node of {facts.engine.engine} does not use what this looks at")
    if role in check.about.roles:
        return None
    if role == NO_ROLE:
        return not_applicable("this node has no Mobile IPv6 (--role says otherwise)")
    return not_applicable(f"this is {ROLES.get(role, role)}")


def _finding(check: Check, judgement: Judgement) -> Finding:
    about = check.about
    is_good = judgement.verdict in (Verdict.PASS, Verdict.NOT_APPLICABLE)
    return Finding(
        about.id,
        judgement.subject,
        judgement.verdict.value,
        (judgement.severity or about.severity).value,
        about.title,
        judgement.observed,
        judgement.expected,
        check.area,
        None if judgement.by is None else judgement.by.value,
        judgement.evidence,
        () if is_good else judgement.remedy or about.remedy,
        about.reference or None,
        judgement.privilege or None,
    )


def explained(findings: Iterable[Finding], checks: Iterable[Check]) -> list[Finding]:
    """Return the findings with those marked that follow from another one that is AFFECTED."""
    listed = list(findings)
    causes = {check.id: check.about.explained_by for check in checks}
    holding = {finding.id for finding in listed if finding.verdict == Verdict.AFFECTED}
    bad = (Verdict.AFFECTED, Verdict.LIKELY)
    return [
        structs.replace(finding, explained_by=cause) if cause is not None and finding.verdict in bad else finding
        for finding in listed
        for cause in (next((one for one in causes.get(finding.id, ()) if one in holding), None),)
    ]
