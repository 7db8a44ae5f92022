"""``check``: which known conditions hold on this node, with evidence and remedy; also ``list`` and ``explain``."""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any, TypedDict, Unpack

from msgspec import Struct

from mipsh.checks import outcome, select, suppress
from mipsh.checks.check import Area, Check
from mipsh.checks.facts import ENGINE
from mipsh.checks.runner import WORST_FIRST, Orders, World, run
from mipsh.checks.sources import PLACES, Key, Source
from mipsh.commands.why import here
from mipsh.engine import Capability, Connector
from mipsh.errors import CannotTell, DeadlineError, EngineError, MipshError, PluginError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.linux.sockets import is_own
from mipsh.model.address import canonical
from mipsh.model.findings import CHECK_LIST, CHECK_PAGES, FINDINGS, CheckInfo, CheckPage, Finding, Severity, Verdict
from mipsh.model.reading import Reading
from mipsh.model.shell import How
from mipsh.registry import CHECKS
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

AGAIN_S = 1.0
LONGEST_S = 60.0
ELSEWHERE = "the engine's node is not the one that mipsh is on"
SHOWN = ("verdict", "id", "severity", "subject", "observed", "explained_by", "suppressed")
RAW = "raw "
_HIDDEN = (Verdict.PASS, Verdict.NOT_APPLICABLE)


class Wanted(Struct, frozen=True):
    """Which checks are to run, how, and from what number on a finding counts."""

    checks: list[Check]
    orders: Orders
    level: str
    suppressions: tuple[suppress.Suppression, ...]
    known: frozenset[tuple[str, str, str]]
    from_: str


class Options(TypedDict, total=False):
    """The options of ``check``."""

    profile: str
    probe: bool
    window: float
    fail_on: str
    skip: Sequence[str]
    baseline: str
    from_: str
    role: str
    all: bool


def check(session: Session, which: Sequence[str] = (), **given: Unpack[Options]) -> Result:
    """Run checks, again until all is well where ``--wait`` says so."""
    checks, faults = available(session)
    wanted = _wanted(session, checks, which, given)
    deadline = time.monotonic() + session.settings.wait
    while True:
        findings = found(session, wanted)
        status = outcome.status(findings, wanted.level)
        if status is ExitStatus.OK or time.monotonic() + AGAIN_S > deadline:
            break
        time.sleep(AGAIN_S)
    notes = [*faults, *suppress.ended(wanted.suppressions, today())]
    return report(session, findings, status, notes, given.get("all", False))


def _wanted(session: Session, checks: list[Check], which: Sequence[str], given: Options) -> Wanted:
    """Return what the words ask for; raises UsageError, ConfigError."""
    from mipsh.linux import facts_user

    profile, from_, known = given.get("profile", ""), given.get("from_", ""), given.get("baseline", "")
    window_s = 0.0 if from_ else given.get("window", select.WINDOWS_S[profile])
    return Wanted(
        select.select(checks, which, given.get("skip", ()), profile, probing=given.get("probe", False)),
        Orders(window_s, LONGEST_S + window_s, given.get("probe", False), given.get("role") or None),
        given.get("fail_on", outcome.DEFAULT_LEVEL),
        facts_user.suppressions(folders(session)),
        facts_user.baseline(known) if known else frozenset(),
        from_,
    )


def available(session: Session) -> tuple[list[Check], list[str]]:
    """Return all checks there are, those of users among them, and what of those of others cannot be used."""
    from mipsh.linux.facts_user import user_checks

    own, faults = user_checks(folders(session))
    areas: list[Area] = []
    for name in session.registry.names(CHECKS):
        try:
            areas.append(session.registry.get(CHECKS, name))
        except PluginError as error:
            faults.append(error.message)
    return select.all_checks([*areas, Area("user", "Checks of this site", tuple(own))]), faults


def folders(session: Session) -> list[str]:
    """Return the folders that may hold checks and suppressions: the system's, and the user's."""
    from mipsh.linux.facts_user import SYSTEM_FOLDER

    return [SYSTEM_FOLDER, session.environment.config_file().rpartition("/")[0]]


def today() -> str:
    """Return the day, as YYYY-MM-DD, in UTC."""
    return time.strftime("%Y-%m-%d", time.gmtime())


def found(session: Session, wanted: Wanted) -> list[Finding]:
    """Run the checks once, on this node or on a recorded one."""
    with recorded(session, wanted.from_) if wanted.from_ else live(session) as source:
        findings = run(wanted.checks, source, World(time.monotonic, time.sleep), wanted.orders)
    findings = suppress.suppressed(findings, wanted.suppressions, today())
    return suppress.without_known(findings, wanted.known)


@contextmanager
def live(session: Session) -> Iterator[Source]:
    """Give the node that mipsh is on, or the lab's node whose engine is in use."""
    from mipsh.linux.facts import LiveSource
    from mipsh.linux.facts_config import reader
    from mipsh.linux.facts_probes import probe

    asked = tables(lambda: _engine(session))
    yield LiveSource({Key.VT: asked, Key.CF: reader, Key.PK: probe}, _within(session))


def _engine(session: Session) -> Connector:
    """Return the engine in use; one that is not there is not waited for."""
    with session.options({"wait": 0.0}):
        return session.engine()


KERNEL = "kernel"
"""The engine that is no daemon: its tables are made from what the checks look at."""


def tables(engine: Callable[[], Connector]) -> Callable[[str], tuple[object, str]]:
    """Return what reads a table of an engine by its name, or what it says to ``raw COMMAND``.

    An engine that is not there, or does not answer, is not asked again.
    """
    gone: list[MipshError] = []

    def read(argument: str) -> tuple[object, str]:
        if gone:
            raise gone[0]
        try:
            return answer(engine(), argument)
        except (EngineError, DeadlineError) as error:
            gone.append(error)
            raise

    def answer(connector: Connector, argument: str) -> tuple[object, str]:
        where = "" if connector.info is None else connector.info.address
        if argument == ENGINE:
            return connector.info, where
        if connector.info is not None and connector.info.engine == KERNEL:
            raise CannotTell("no daemon is asked, and what the kernel has cannot be held against itself")
        if argument.startswith(RAW):
            return connector.raw(argument.removeprefix(RAW)), where
        reading = getattr(connector, Capability(argument).value)()
        if reading.unread:
            raise CannotTell(f"{len(reading.unread)} lines of the engine's reply could not be read")
        return tuple(reading.rows), where

    return read


def _within(session: Session) -> Callable[[Callable[[], Any]], Any] | None:
    """Return how to read the kernel where the engine's node is; None for here."""
    try:
        connector = _engine(session)
        place = here(session)
    except MipshError:
        return None
    if place is not None:
        return place.do
    own = [address for address in _addresses(connector) if canonical(address) == address]
    return _elsewhere if own and not any(map(is_own, own)) else None


def _addresses(connector: Connector) -> Iterator[str]:
    """Yield the addresses that an engine says to be its node's."""
    kept = () if connector.info is None else connector.info.capabilities
    yield from connector.home_addresses
    if Capability.BINDING_UPDATE_LIST.value in kept:
        yield from _texts(connector.binding_update_list(), "home_address")
    if Capability.BINDING_CACHE.value in kept:
        yield from _texts(connector.binding_cache(), "local_address")


def _texts(reading: Reading, name: str) -> Iterator[str]:
    """Yield what is known of a column."""
    yield from (value for row in reading.rows if isinstance(value := getattr(row, name), str))


def _elsewhere(work: Callable[[], Any]) -> Any:
    raise CannotTell(ELSEWHERE)


@contextmanager
def recorded(session: Session, word: str) -> Iterator[Source]:
    """Give a recorded node; what its daemon said is served to the engine's own connector."""
    from mipsh.linux.facts_recorded import RecordedSource, place
    from mipsh.node.replay import RecordedResponder
    from mipsh.node.vt import VtServer
    from mipsh.recording import SUFFIX, load

    folder, node = place(word)
    with ExitStack() as stack:
        brought = {}
        if (RecordedSource(folder, node).folder / f"{node}{SUFFIX}").exists():
            server = stack.enter_context(VtServer(RecordedResponder(load(folder, node)), "127.0.0.1", 0))
            connector = session.registry.engine("umip").open("umip://{}:{}".format(*server.address))
            stack.callback(connector.close)
            connector.connect()
            brought[Key.VT] = tables(lambda: connector)
        yield RecordedSource(folder, node, brought)


def report(session: Session, findings: list[Finding], status: ExitStatus, notes: list[str], whole: bool) -> Result:
    """Return the findings as a result; people see first what is wrong, and only that unless they ask for all."""
    rows = findings
    people = session.registry.format(session.settings.output).people
    if people:
        rows = sorted(findings, key=_worst_first)
        rows = [one for one in rows if whole or one.verdict not in _HIDDEN]
    warnings = [Notice("check", note) for note in notes]
    dark = {one.privilege for one in findings if one.privilege and one.verdict == Verdict.UNKNOWN}
    if dark:
        warnings.append(Notice("privilege", f"more could be told with {', '.join(sorted(dark))}", "run it with sudo"))
    shown = tuple(name for name in SHOWN if any(getattr(row, name) for row in rows))
    return Result(
        FINDINGS, rows, summary=_summary(findings), warnings=tuple(warnings), status=status, shown=shown or None
    )


def _worst_first(finding: Finding) -> tuple[bool, int, int, str, str]:
    place = WORST_FIRST.index(Verdict(finding.verdict))
    return not finding.counts, place, -Severity(finding.severity).rank, finding.id, finding.subject


def _summary(findings: list[Finding]) -> str:
    """Return what to do, one line of all checks, and how many there are of each verdict."""
    bad = [one for one in findings if one.counts and one.verdict in (Verdict.AFFECTED, Verdict.LIKELY)]
    remedies = {one.id: one for one in bad if one.remedy}
    lines = [f"{one.id}, {one.title}: {'; '.join(one.remedy)}" for one in remedies.values()]
    marks = outcome.marks(findings)
    return "\n".join(("", *lines, *([marks] if marks else []), outcome.sentence(findings)))


def how(session: Session, which: Sequence[str] = (), **given: Unpack[Options]) -> list[How]:
    """Say what is read, by its keys."""
    chosen = select.select(available(session)[0], which, given.get("skip", ()), given.get("profile", ""))
    keys = {key for one in chosen for key in one.about.needs} | {Key.KR, Key.VT}
    rows = [How(f"read {key.value}", "file or netlink", PLACES[key]) for key in Key if key in keys]
    return [*rows, *([How("send what the probes send", "packet", "ping -6 -c 1 PEER")] if given.get("probe") else [])]


def list_checks(session: Session, which: Sequence[str] = ()) -> Result:
    """List the checks there are."""
    checks, faults = available(session)
    rows = [
        CheckInfo(
            one.id,
            one.about.title,
            one.area,
            one.about.severity.value,
            one.about.roles,
            tuple(key.value for key in one.about.needs),
            one.about.windowed,
            one.about.probe,
        )
        for one in select.select(checks, which)
    ]
    return Result(CHECK_LIST, rows, warnings=tuple(Notice("check", fault) for fault in faults))


def explain(session: Session, which: Sequence[str]) -> Result:
    """Tell all about some checks."""
    checks, _ = available(session)
    return Result(CHECK_PAGES, [CheckPage(one.id, page(one)) for one in select.select(checks, which)])


def page(one: Check) -> str:
    """Return what there is to say about a check."""
    about = one.about
    lines = [f"{one.id}: {about.title}", f"area {one.area}, severity {about.severity.value}", "", one.explanation, ""]
    lines.append(f"for: {', '.join(about.roles) or 'any node'}")
    lines += [f"reads {key.value}: {PLACES[key]}" for key in about.needs]
    lines += ["compares two moments: the window is set by --window"] if about.windowed else []
    lines += ["sends packets: only with --probe"] if about.probe else []
    lines += [f"explained by: {', '.join(about.explained_by)}"] if about.explained_by else []
    lines += [f"remedy: {remedy}" for remedy in about.remedy]
    lines += [f"reference: {about.reference}"] if about.reference else []
    return "\n".join(lines) + "\n"


def how_listed(session: Session, which: Sequence[str] = ()) -> list[How]:
    """Say where the checks are from."""
    return how_explained(session, which)


def how_explained(session: Session, which: Sequence[str]) -> list[How]:
    """Say where the checks are from."""
    return [
        How("read the checks of this site", "file", f"ls {' '.join(f'{one}/checks.d' for one in folders(session))}")
    ]


WHICH = Argument("which", Takes.WORD, "an id, a pattern (MIP-1*), an area, or all", required=False, many=True)

COMMAND = Command(
    "check",
    "tell which known conditions hold here, with evidence and remedy",
    check,
    (WHICH,),
    (
        Option(
            "--profile",
            "quick: nothing that takes time; boot: the order of starting; deep: watch longer",
            Takes.WORD,
            metavar="PROFILE",
            choices=select.PROFILES,
        ),
        Option("--probe", "let checks send packets; a first one to a correspondent starts return routability"),
        Option("--window", "watch counters so long", Takes.SECONDS, metavar="S"),
        Option(
            "--fail-on",
            "the least severity that makes the status other than 0",
            Takes.WORD,
            metavar="LEVEL",
            choices=tuple(map(str, outcome.LEVELS)),
        ),
        Option("--skip", "leave out an id, a pattern, an area", Takes.WORD, many=True, metavar="WHICH"),
        Option("--baseline", "what a document of an earlier check has does not count", Takes.PATH, metavar="FILE"),
        Option("--from", "a recorded node: FOLDER or FOLDER/NODE", Takes.DIRECTORY, metavar="FOLDER"),
        Option("--role", "what the node is to be", Takes.WORD, metavar="ROLE", choices=("mn", "ha", "cn")),
        Option("--all", "show what passed and what does not apply, too"),
    ),
    table=FINDINGS.name,
    details=(
        "PASS: looked for, and absent. AFFECTED: observed. LIKELY: only a version or a configuration says so. N/A: "
        "impossible here. UNKNOWN: data is missing, and it is said which and what privilege it needs. ERROR: a bug of "
        "the check. How sure it is and how bad it would be (severity) are two things.\n"
        "Counters are compared over a window (5 s, or --window). --wait S runs the checks again until all is well. A "
        "finding that follows from another one does not count, nor does one that is suppressed (suppressions.toml "
        "beside the configuration file, or in /etc/mipsh) or in the baseline; all are shown.\n"
        "Checks of your own stand in checks.d there, in YAML.\n"
        "Status 0: all well; 1: a warning; 2: something high or critical; 3: it could not be told: the same in "
        "every format (nagios, junit, tap, prometheus beside the usual ones)."
    ),
    examples=(
        ("check", "all but the probes"),
        ("check kernel --profile quick", "the checks of an area, without a window"),
        ("check MIP-0* --all", "the seven known issues of the guide, each with its verdict"),
        ("check --profile quick -o nagios", "for a monitoring system"),
        ("check --from bug-report/mn", "a node that was recorded"),
    ),
    how=how,
    changes=Changes.PROBE,
)
LIST = Command(
    "check list",
    "list the checks there are",
    list_checks,
    (WHICH,),
    table=CHECK_LIST.name,
    examples=(("check list kernel", "the checks of an area"),),
    how=how_listed,
)
EXPLAIN = Command(
    "check explain",
    "tell what a check looks for, why it matters, and what to do",
    explain,
    (Argument("which", Takes.WORD, "an id, a pattern, an area", many=True),),
    table=CHECK_PAGES.name,
    examples=(("check explain OPT-01", "one check"),),
    how=how_explained,
)
