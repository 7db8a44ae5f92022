"""What a check is, and what it says: an area declares its checks, each a function of facts that yields judgements.

::

    AREA = Area("security", "Who may do what")

    @AREA.check(
        About(
            "MIP-118",
            "inbound policies are not checked on an interface",
            Severity.HIGH,
            roles=("cn", "ha"),
            needs=(Key.SY,),
            remedy=("sysctl -w net.ipv6.conf.IF.disable_policy=0",),
            reference="Documentation/networking/ip-sysctl.rst",
        )
    )
    def disabled_policy(facts: Facts) -> Judgements:
        \"\"\"With disable_policy=1, a Home Address option is taken from nodes that have no binding.\"\"\"
        for name in ("all", *(link.name for link in facts.links)):
            if facts.conf(name, "disable_policy") == 1:
                yield affected("disable_policy is 1", name, evidence=(facts.saw_conf(name, "disable_policy"),))
            else:
                yield passed("policies are checked", name)

The docstring is what ``check explain`` says. A source that cannot be read raises Unreadable out of the function:
the runner makes UNKNOWN of it. What was yielded before that stays. To yield nothing is UNKNOWN, too.
"""

from collections.abc import Callable, Iterable
from inspect import cleandoc
from typing import TYPE_CHECKING

from msgspec import Struct

from mipsh.checks.sources import COSTS, Key
from mipsh.model.findings import By, Evidence, Severity, Verdict

if TYPE_CHECKING:
    from mipsh.checks.facts import Facts

WINDOWED, PROBING = 4, 6
"""The places in the order of evaluation of what takes two moments, and of what sends packets."""


class Judgement(Struct, frozen=True):
    """What a check says about one subject; ``severity`` and ``remedy`` stand in for those of the check."""

    verdict: Verdict
    observed: str
    subject: str = ""
    expected: str = ""
    evidence: tuple[Evidence, ...] = ()
    by: By | None = None
    severity: Severity | None = None
    remedy: tuple[str, ...] = ()
    privilege: str = ""


Judgements = Iterable[Judgement]
Run = Callable[["Facts"], Judgements]


def passed(
    observed: str, subject: str = "", *, evidence: tuple[Evidence, ...] = (), by: By = By.STRUCTURE, expected: str = ""
) -> Judgement:
    """Say that the condition was looked for with sufficient data and is absent."""
    return Judgement(Verdict.PASS, observed, subject, expected, evidence, by)


def affected(
    observed: str,
    subject: str = "",
    *,
    expected: str = "",
    evidence: tuple[Evidence, ...] = (),
    by: By = By.STRUCTURE,
    severity: Severity | None = None,
    remedy: tuple[str, ...] = (),
) -> Judgement:
    """Say that the condition was observed; raises ValueError where only a version says so."""
    if by is By.VERSION:
        raise ValueError("a version alone makes a condition likely at most")
    return Judgement(Verdict.AFFECTED, observed, subject, expected, evidence, by, severity, remedy)


def likely(
    observed: str,
    subject: str = "",
    *,
    expected: str = "",
    evidence: tuple[Evidence, ...] = (),
    by: By = By.VERSION,
    severity: Severity | None = None,
    remedy: tuple[str, ...] = (),
) -> Judgement:
    """Say that only the version or the configuration says so."""
    return Judgement(Verdict.LIKELY, observed, subject, expected, evidence, by, severity, remedy)


def not_applicable(why: str, subject: str = "", *, evidence: tuple[Evidence, ...] = ()) -> Judgement:
    """Say that the role, a feature or the state makes the condition impossible."""
    return Judgement(Verdict.NOT_APPLICABLE, why, subject, evidence=evidence)


def unknown(
    why: str, subject: str = "", *, evidence: tuple[Evidence, ...] = (), privilege: str = "", expected: str = ""
) -> Judgement:
    """Say that the data does not suffice; for a source that cannot be read, nothing needs to be said."""
    return Judgement(Verdict.UNKNOWN, why, subject, expected, evidence, privilege=privilege)


class About(Struct, frozen=True):
    """What is declared of a check.

    ``title`` names the condition that is looked for, not the good state. ``roles`` are those of mn, ha and cn that
    it is for; none: any node, one without Mobile IPv6 too. ``needs`` are the sources without which it can say
    nothing: they are read before, and the order of evaluation follows from them. ``explained_by`` are checks whose
    being AFFECTED explains this one. ``windowed`` where it compares with ``facts.earlier``; then what it compares
    is in ``needs``, or in ``watches`` where it can say something without. ``probe`` where it sends packets. ``boot``
    where it is of the order of starting. ``engines`` are those whose nodes use what is looked at: mipd does not use
    the kernel's Mobile IPv6.
    """

    id: str
    title: str
    severity: Severity
    roles: tuple[str, ...] = ()
    needs: tuple[Key, ...] = ()
    remedy: tuple[str, ...] = ()
    reference: str = ""
    explained_by: tuple[str, ...] = ()
    windowed: bool = False
    watches: tuple[Key, ...] = ()
    probe: bool = False
    boot: bool = False
    engines: tuple[str, ...] = ("umip", "kernel")


class Check(Struct, frozen=True):
    """A check: what is declared of it, its area, its function and its explanation."""

    about: About
    area: str
    run: Run
    explanation: str

    @property
    def id(self) -> str:
        """Return its id."""
        return self.about.id

    @property
    def cost(self) -> int:
        """Return its place in the order of evaluation, from 1 (cheap)."""
        costs = [COSTS[key] for key in self.about.needs]
        if self.about.windowed:
            costs.append(WINDOWED)
        if self.about.probe:
            costs.append(PROBING)
        return max(costs, default=1)


class Area(Struct):
    """A group of checks, as a plugin declares it under its name."""

    name: str
    title: str
    checks: tuple[Check, ...] = ()

    def check(self, about: About) -> Callable[[Run], Run]:
        """Declare a function to be a check; raises ValueError for an id that the area has, and without a docstring."""

        def take(run: Run) -> Run:
            if any(one.id == about.id for one in self.checks):
                raise ValueError(f"the check {about.id} is there already")
            if not run.__doc__:
                raise ValueError(f"the check {about.id} does not explain itself: it has no docstring")
            self.checks = (*self.checks, Check(about, self.name, run, cleandoc(run.__doc__)))
            return run

        return take

    def add(self, about: About, run: Run, explanation: str) -> None:
        """Declare a check whose function is made, as those of a table are."""
        self.checks = (*self.checks, Check(about, self.name, run, explanation))
