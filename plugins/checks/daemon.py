"""Checks of the mobility daemon: its version and how it was started, what it left behind, and its clocks."""

from collections import Counter
from collections.abc import Iterator

from mipsh.checks.check import About, Area, Judgement, Judgements, affected, likely, not_applicable, passed, unknown
from mipsh.checks.facts import Facts
from mipsh.checks.sources import ROOT, Key, Unreadable
from mipsh.model.findings import By, Evidence, Severity
from mipsh.model.records import BindingCacheEntry
from mipsh.plugins.checks import daemon_start, daemon_terminal
from mipsh.plugins.checks.daemon_words import ALL, answers, lives, version
from mipsh.plugins.checks.kernel_xfrm import BLOCK, OUT, RO, SUB, is_for_all

AREA = Area(
    "daemon",
    "What the mobility daemon is, and what it left behind",
    (*daemon_terminal.AREA.checks, *daemon_start.AREA.checks),
)
RULES = range(1000, 1006)
"""The priorities of mip6d's rules."""
DETECTION_S = 3
"""After which duplicate address detection is over, in seconds."""
STEP_S, OVERDUE_S = 1.0, 5
BROKEN = "(broken)"
FIXES = (
    ((0, 4), ("cn", "ha"), "6a5a68e", "Binding Updates are checked with another nonce than they name"),
    ((1, 0), ("ha",), "e39f52d", "crashes, and memory that is overwritten"),
    ((1, 0), ("ha",), "0b2e18b", "two Binding Updates at a time race"),
    ((1, 0), ("ha",), "c42046e", "Binding Updates pile up during duplicate address detection"),
    ((1, 0), ALL, "0e67a61", "any local user may forge messages of the kernel"),
    ((1, 0), ("cn",), "b9ea7fd", "Binding Updates with the H flag are taken by a correspondent node"),
    ((1, 0), ALL, "d1c240f", "threads end for good after an error of a socket"),
    ((1, 0), ("mn",), "d847e17", "a mobile router at home loops for ever"),
    ((1, 0), ("mn",), "25d5a28", "a move away from home while uncertain is a deadlock"),
    ((1, 0), ("mn",), "ae331f3, b277848", "states of the type hao stay after a move"),
    ((1, 0), ALL, "454c91b", "neighbour discovery is sent in ESP"),
    ((1, 0), ("mn",), "2b352c5", "no neighbour solicitation on the home link"),
    ((1, 0), ("cn",), "f6ab34a", "Binding Acknowledgements with status 135"),
    ((1, 0), ("cn", "ha"), "35d7eaa", "a binding cache entry is used after it was freed"),
    ((1, 0), ("mn",), "f2a1558, 25db98b", "a binding update list entry is used after it was freed"),
    ((1, 0), ("mn", "ha"), "a6b31f0", "IPsecPolicy Mh fails with several IPsecPolicySet"),
)
"""What was wrong before a version, with whom, and the commit of UMIP that ended it."""


@AREA.check(
    About(
        "MIP-201",
        "an old mip6d, with faults that later versions do not have",
        Severity.HIGH,
        roles=ALL,
        remedy=("install UMIP 1.0 or later",),
        reference="UMIP's git history",
    )
)
def old_daemon(facts: Facts) -> Judgements:
    """Before UMIP 1.0 (2013) mip6d had faults up to crashes of a home agent; each is in the evidence.

    Distributions have shipped a 0.4 with later fixes, so that a version says no more than LIKELY.
    """
    major, minor = version(facts)
    role = facts.role
    left = [(commit, what) for fixed, roles, commit, what in FIXES if (major, minor) < fixed and role in roles]
    if not left:
        yield passed(f"it is version {major}.{minor}", by=By.VERSION)
        return
    said = tuple(Evidence("UMIP", f"{what} (ended by {commit})") for commit, what in left)
    yield likely(f"it is version {major}.{minor}, with {len(left)} known faults", expected="1.0", evidence=said)


@AREA.check(
    About(
        "MIP-202",
        "a binding that stays in duplicate address detection for good",
        Severity.HIGH,
        roles=("ha",),
        needs=(Key.VT,),
        remedy=("restart mip6d on the home agent", "mip6d.conf: InitialBindackTimeoutFirstReg 1.5; on mobile nodes"),
        reference="UMIP src/ha.c; RFC 6275 section 10.3.1",
        windowed=True,
    )
)
def wedged_binding(facts: Facts) -> Judgements:
    """Two Binding Updates of a new home address within the second of its duplicate address detection race.

    The second one fails and is answered with 130, and the entry may stay in the status dad: then later Binding
    Updates are not answered at all, and ``bc del`` does not help.
    """
    rows = [row for row in facts.cache if row.status == "dad"]
    if not rows:
        yield passed("none is in it", evidence=(facts.saw(Key.VT, f"{len(facts.cache)} entries", "binding_cache"),))
        return
    before = {_identity(row) for row in facts.earlier.cache if row.status == "dad"}
    for row in rows:
        said = (facts.saw(Key.VT, f"{row.home_address} status dad", "binding_cache"), *_workers(facts))
        if _identity(row) not in before:
            yield passed("it began a moment ago", row.home_address, evidence=said)
        elif facts.window_s <= DETECTION_S:
            yield unknown(f"the window is not longer than {DETECTION_S} s", row.home_address, evidence=said)
        else:
            observed = f"it is in it for {facts.window_s:g} s"
            yield affected(observed, row.home_address, expected="1 s", evidence=said, by=By.BEHAVIOUR)


def _identity(row: BindingCacheEntry) -> tuple[str, str | None, int | None]:
    return row.home_address, row.local_address, row.sequence


def _workers(facts: Facts) -> tuple[Evidence, ...]:
    """Return how many Binding Updates are being worked on, where the daemon says it."""
    if not facts.can_read(Key.VT, "raw thread"):
        return ()
    return (facts.saw(Key.VT, " ".join(facts.vt_text("thread").split())[:200], "raw thread"),)


@AREA.check(
    About(
        "MIP-203",
        "a clock that steps: all lifetimes and timers of mip6d follow it",
        Severity.HIGH,
        roles=ALL,
        needs=(Key.CK,),
        remedy=("set the time before mip6d starts, then slew it only (chrony.conf: makestep 0 0)", "restart mip6d"),
        reference="UMIP src/tqueue.c (CLOCK_REALTIME)",
        windowed=True,
        watches=(Key.VT,),
    )
)
def clock_step(facts: Facts) -> Judgements:
    """Every timer and lifetime of mip6d is by the time of day.

    When that is set forwards, or backwards and a Router Advertisement comes, bindings end at once; timers freeze
    when it is set backwards. Times that are long over, or "(broken)", in what the daemon says tell of an earlier step.
    """
    yield from _signs_of_a_step(facts)
    now, before = facts.clocks, facts.earlier.clocks
    step = (now.realtime_s - now.boottime_s) - (before.realtime_s - before.boottime_s)
    said = (facts.saw(Key.CK, f"the time of day moved by {step:+.3f} s against the time since the start"),)
    if abs(step) > STEP_S:
        yield affected(f"the time of day stepped by {step:+.1f} s", expected="no step", evidence=said, by=By.BEHAVIOUR)
    elif now.is_synchronised is False:
        observed = "nothing keeps the clock, which may be set at any time"
        yield likely(observed, evidence=said, by=By.CONFIGURATION, severity=Severity.LOW)
    else:
        yield passed("it did not step", evidence=said)


def _signs_of_a_step(facts: Facts) -> Iterator[Judgement]:
    """Yield what the daemon says that only a clock which stepped explains."""
    rows = facts.updates if facts.can_read(Key.VT, "binding_update_list") else ()
    for row in rows:
        over = [one for one in (row.mps_next_s, row.next_event_s) if one is not None and one < -OVERDUE_S]
        if over:
            said = (facts.saw(Key.VT, f"due {min(over)} s", "binding_update_list"),)
            observed = f"something was due {-min(over)} s ago"
            yield affected(observed, f"{row.home_address} to {row.peer_address}", evidence=said)
    for command in ("bc", "bul"):
        if facts.can_read(Key.VT, f"raw {command}") and BROKEN in facts.vt_text(command):
            said = (facts.saw(Key.VT, BROKEN, f"raw {command}"),)
            yield affected(f"'{command}' has times that are {BROKEN}", command, evidence=said)


@AREA.check(
    About(
        "MIP-204",
        "policies, states and rules of a mip6d that is no more",
        Severity.HIGH,
        needs=(Key.XP, Key.XS, Key.RU),
        remedy=(
            "ip xfrm policy flush ptype sub",
            "ip xfrm state deleteall proto route2",
            "ip xfrm state deleteall proto hao",
            "ip -6 rule del priority PRIORITY (1000 to 1005)",
            "or start mip6d twice: the first start cleans up and ends (no 'ip xfrm state flush': IPsec needs its SAs)",
        ),
        reference="UMIP src/xfrm.c",
        boot=True,
    )
)
def leftovers(facts: Facts) -> Judgements:
    """A mip6d that was killed leaves its policies and states, and the next one ends at its start because of them.

    A mobile node that was killed before its registration leaves a policy that blocks all IPv6 packets. Rules that
    are there twice are what a start after that makes.
    """
    policies = [policy for policy in facts.policies if policy.kind == SUB]
    states = [state for state in facts.states if state.mode == RO]
    said = facts.saw(Key.XP, f"{len(policies)} of sub"), facts.saw(Key.XS, f"{len(states)} of the mode ro")
    runs = lives(facts) if policies or states else None
    if not policies and not states:
        yield passed("there are none", "policies and states", evidence=said)
    elif runs:
        yield passed("mip6d runs, and has them", "policies and states", evidence=said)
    elif runs is None:
        yield unknown("whether mip6d runs here cannot be seen", "policies and states", evidence=said, privilege=ROOT)
    else:
        blocks = any(one.action == BLOCK and one.direction == OUT and is_for_all(one) for one in policies)
        what = "no mip6d runs here, and all IPv6 packets are blocked" if blocks else "no mip6d runs here"
        severity = Severity.CRITICAL if blocks else Severity.HIGH
        yield affected(what, "policies and states", expected="none", evidence=said, severity=severity)
    yield _rules_there_twice(facts)


def _rules_there_twice(facts: Facts) -> Judgement:
    ours = Counter((one.priority, one.source, one.source_length) for one in facts.rules if one.priority in RULES)
    twice = [f"{priority} from {source}/{length}" for (priority, source, length), n in ours.items() if n > 1]
    said = (facts.saw(Key.RU, f"{ours.total()} rules of mip6d's priorities"),)
    if twice:
        return affected(f"there twice: {', '.join(twice)}", "rules", evidence=said, severity=Severity.LOW)
    return passed("none is there twice", "rules", evidence=said)


@AREA.check(
    About(
        "MIP-214",
        "settings of a mobile node that mip6d did not set back",
        Severity.MEDIUM,
        needs=(Key.SY,),
        remedy=(
            "sysctl -w net.ipv6.conf.default.accept_ra=1 net.ipv6.conf.default.autoconf=1",
            "sysctl -w net.ipv6.conf.IF.accept_ra=1 net.ipv6.conf.IF.autoconf=1",
        ),
        reference="UMIP src/movement.c",
    )
)
def settings_not_restored(facts: Facts) -> Judgements:
    """A mobile node's mip6d switches off what the kernel does with Router Advertisements, and back when it ends.

    One that was killed leaves the host without automatic addresses. Somebody may have wanted it so, too.
    """
    names = ("accept_ra", "autoconf", "accept_ra_defrtr", "router_solicitations")
    values = [facts.conf("default", name) for name in names[:2]]
    said = tuple(facts.saw_conf("default", name) for name in names)
    if None in values:
        raise Unreadable(Key.SY, "the settings of IPv6 are not there")
    if any(values):
        yield passed("Router Advertisements are used by default", evidence=said)
        return
    runs = lives(facts)
    if runs:
        who = "mip6d answers" if answers(facts) else "mip6d runs"
        yield not_applicable(f"{who}, and has them so", evidence=said)
    elif runs is None:
        yield unknown("whether mip6d runs here cannot be seen", evidence=said, privilege=ROOT)
    else:
        observed = "no mip6d runs here, and Router Advertisements are not used by default"
        yield likely(observed, expected="1", evidence=said, by=By.CONFIGURATION)
