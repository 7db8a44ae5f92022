"""``handover``: one handover of the mobile node, watched or provoked, under a stream of echoes, as a stopwatch."""

import time
from collections.abc import Callable
from typing import Any, TypedDict, Unpack

from msgspec import Struct, convert, structs

from mipsh.action.carry_out import NOT_DONE, Outcome, Plan, Written, explain, perform, planned, prepared, said
from mipsh.action.handover import Case, Watcher, opened, warm_up
from mipsh.action.handover_report import report
from mipsh.action.known import Here, unicast
from mipsh.action.methods import Method, Target
from mipsh.action.methods import plan as plan_of
from mipsh.action.observed import CORRESPONDENT, HOME
from mipsh.action.permit import permit
from mipsh.action.steps import Step as PlanStep
from mipsh.action.targets import find
from mipsh.commands.move import GAP_S, in_lab, moving
from mipsh.commands.why import here as lab_namespace
from mipsh.engine import Capability, Connector
from mipsh.errors import CannotTell, CapabilityMissing, UsageError
from mipsh.grammar.declare import Changes, Command, Option, Takes
from mipsh.handover.stopwatch import has_begun, stopwatch
from mipsh.handover.story import Ends, Moment, Source, Step, Story
from mipsh.handover.traffic import latest_path
from mipsh.lab.changes import need_namespaces
from mipsh.lab.existing import held
from mipsh.lab.measured import CORRESPONDENT_ADDRESS
from mipsh.linux.links import link_layer
from mipsh.linux.sockets import is_own
from mipsh.model.handovers import HANDOVERS
from mipsh.model.shell import HOW, How
from mipsh.paths.statistics import RO
from mipsh.result import Result
from mipsh.session import Session

INTERVAL_S, SHORTEST_S, LONGEST_S = 0.02, 0.002, 10.0
FOR_S, MOST_S = 60.0, 3600.0
COMPLETED_WITHIN_S = 20.0
"""How long a handover that has begun may take to its completion."""


class Options(TypedDict, total=False):
    """The options that were given."""

    move: str
    flap: bool
    peer: str
    interval: float
    for_: float
    within: int
    gap: float


class Asked(Struct, frozen=True):
    """What the options say, with what holds where they were not given."""

    move: str = ""
    flap: bool = False
    peer: str = ""
    interval: float = INTERVAL_S
    for_: float = FOR_S
    within: int | None = None
    gap: float = GAP_S

    @property
    def is_provoked(self) -> bool:
        """Tell whether the handover is to be provoked."""
        return bool(self.move) or self.flap


def run(session: Session, **values: Unpack[Options]) -> Result:
    """Watch the next handover, or provoke one, and report it."""
    asked = _asked(values)
    if asked.is_provoked and not session.permission.dry_run:
        permit(session, "provoking a handover")
    found = case(session, asked)
    plan = provocation(session, found, asked) if asked.is_provoked else None
    if session.permission.dry_run:
        return Result(HOW, watching(found, asked), taken_at=time.time()) if plan is None else planned(session, plan)
    if plan is None:
        return _watched(session, found, asked)
    prepared(session, plan)
    return _provoked(session, found, asked, plan)


def _asked(values: Options) -> Asked:
    asked = convert(values, Asked)
    if asked.move and asked.flap:
        raise UsageError("--move and --flap do not go together", "a handover is provoked by one of them")
    if not SHORTEST_S <= asked.interval <= LONGEST_S:
        raise UsageError(f"--interval is {SHORTEST_S:g} to {LONGEST_S:g} s, not {asked.interval:g}", "--interval 20ms")
    if not 0 < asked.for_ <= MOST_S:
        raise UsageError(f"--for is up to {MOST_S:g} s, not {asked.for_:g}", "--for 60")
    if asked.within is not None and asked.within < 1:
        raise UsageError(f"--within is at least 1 ms, not {asked.within}", "--within 500")
    return asked


# Whose handover it is.


def case(session: Session, asked: Asked) -> Case:
    """Find the node, its namespace and the peer; raises CapabilityMissing, CannotTell, UsageError."""
    connector = session.engine()
    if connector.info is None or connector.info.role not in ("mn", None):
        raise CapabilityMissing("only a mobile node hands over", "connect to one")
    target = find(connector, HOME)[0]
    lab = in_lab(session)
    if lab is not None:
        need_namespaces(lab[0], "'handover'")
    here = lab_namespace(session)
    if here is None:
        if not is_own(target.home_address):
            raise CannotTell(
                f"{target.home_address} is no address of this network namespace: its links are not seen from here",
                "run mipsh in the node's own: mipsh -N NAME, or 'mipsh lab shell NODE'",
            )
        here = Here()
    peer = unicast(asked.peer, "peer") if asked.peer else _peer(connector, target, is_lab=lab is not None)
    if peer == target.home_address:
        raise UsageError(f"{peer} is the node's own home address", "name a correspondent with --peer")
    ends = Ends(target.home_address, peer, target.peer, target.care_of_address, _link(here, target.interface))
    found = Case(target, ends, here, done=[])
    if lab is not None:
        found.lab, found.node = lab
    return found


def _link(here: Here, interface: str) -> str:
    """Return an interface that is a link; empty for what has no link to lose, as a tunnel that has the addresses."""
    if not interface:
        return ""
    try:
        here.do(lambda: link_layer(interface))
    except (OSError, UsageError):
        return ""
    return interface


def _peer(connector: Connector, target: Target, *, is_lab: bool) -> str:
    """Return a correspondent that the node has, the one of a lab, or the home agent."""
    kept = () if connector.info is None else connector.info.capabilities
    if Capability.BINDING_UPDATE_LIST.value in kept:
        rows: Any = connector.binding_update_list().rows
        for row in rows:
            if row.registration == CORRESPONDENT and row.state == "bound" and row.peer_address:
                return unicast(row.peer_address, "peer")
    found = CORRESPONDENT_ADDRESS if is_lab else target.peer
    if not found:
        raise UsageError("nobody is known whom echoes could go to", "name a correspondent with --peer")
    return found


# What provokes it.


def provocation(session: Session, found: Case, asked: Asked) -> Plan:
    """Return what provokes the handover, which notes what it did to the links; raises what planning raises."""
    if asked.flap:
        return plan_of(session.engine(), found.target, Method.FLAP)
    plan = moving(session, asked.move, asked.gap)[0].plan
    if found.lab is not None and found.node is not None:
        carry = _carrying(session, found, asked, found.node.name)
        steps = (structs.replace(plan.steps[0], run=carry), *plan.steps[1:])
    else:
        kinds = ((Step.LINK_UP, asked.move), (Step.LINK_DOWN, found.target.interface))
        steps = tuple(_noting(found, step, *kind) for step, kind in zip(plan.steps, kinds, strict=False))
    return structs.replace(plan, steps=steps)


def _carrying(session: Session, found: Case, asked: Asked, name: str) -> Callable[[], str]:
    """Return what moves a lab's node."""

    def carry() -> str:
        from mipsh.lab import namespaces

        assert found.lab is not None
        with held(session.environment.variables, found.lab.state.name) as lab:
            there = lab.state.link(asked.move)
            moments = namespaces.move(lab.ground, lab.state, name, there, asked.gap)
            found.node = lab.state.node(name)
        interface, _ = namespaces.only_port(found.node)
        clock_ns, now = time.time_ns(), time.monotonic()
        for step, moment_ns in zip((Step.LINK_DOWN, Step.LINK_UP), moments, strict=True):
            found.done.append(Moment(step, now - (clock_ns - moment_ns) / 1e9, Source.DONE, interface))
        return there

    return carry


def _noting(found: Case, step: PlanStep, kind: Step, interface: str) -> PlanStep:
    """Return a step that notes when it was done."""

    def run_it() -> str:
        at = time.monotonic()
        detail = step.run() if step.run is not None else ""
        found.done.append(Moment(kind, at, Source.DONE, interface))
        return detail

    return structs.replace(step, run=run_it)


def _watched(session: Session, found: Case, asked: Asked) -> Result:
    """Wait for the next handover; Ctrl-C ends it, and what was seen is reported."""
    outcome = Outcome([], [])
    with opened(session, found, asked.interval) as watcher:
        try:
            if session.settings.verbosity >= 0:
                what = f"waiting up to {asked.for_:g} s for the next one; echoes go to {found.ends.peer}"
                session.environment.warn(f"handover: {what}")
            if watcher.until(has_begun, asked.for_):
                watcher.watch.note_begun(was_optimised=_was_optimised(watcher.watch.story()))
                watcher.finish(COMPLETED_WITHIN_S)
        except KeyboardInterrupt:
            outcome.is_interrupted = True
        story = watcher.watch.story()
    return report(session, story, found, (asked.interval, asked.within), outcome)


def _was_optimised(story: Story) -> bool:
    """Tell whether the last echo before the beginning was optimised."""
    watch = stopwatch(story)
    zero = float("inf") if watch is None else watch.at[watch.zero]
    return latest_path(echo for echo in story.echoes if echo.came_at is not None and echo.came_at < zero) == RO


def _provoked(session: Session, found: Case, asked: Asked, plan: Plan) -> Result:
    """Provoke the handover while it is watched."""
    with opened(session, found, asked.interval) as watcher:
        warm_up(watcher, found)
        story: Story = watcher.watch.story()
        watcher.watch.note_begun(was_optimised=latest_path(story.echoes) == RO)
        with Written(session, plan) as written:
            watcher.watch.note_asked(time.monotonic())
            outcome = perform(plan.steps)
            watcher.watch.note(found.done)
            if outcome.states.count(NOT_DONE) < len(outcome.states):
                _finish(watcher, asked, outcome)
            story = watcher.watch.story()
            result = report(session, story, found, (asked.interval, asked.within), outcome)
            told = [row.sentence for row in result.rows]
            written.ends(result.status, "; ".join([said(plan, outcome), *told]))
    return result


def _finish(watcher: Watcher, asked: Asked, outcome: Outcome) -> None:
    try:
        if not outcome.is_interrupted:
            watcher.finish(min(asked.for_, COMPLETED_WITHIN_S))
    except KeyboardInterrupt:
        outcome.is_interrupted = True


# How it is done by hand.


def how(session: Session, **values: Unpack[Options]) -> list[How]:
    """Say what is sent, watched and changed."""
    asked = _asked(values)
    found = case(session, asked)
    rows = watching(found, asked)
    return rows if not asked.is_provoked else [*rows, *explain(provocation(session, found, asked))]


def watching(found: Case, asked: Asked) -> list[How]:
    """Say how the same is seen by hand."""
    ends = found.ends
    ping = f"ping -6 -D -i {asked.interval:g} -I {ends.home_address} {ends.peer}"
    watch = "tcpdump -n -i any 'icmp6 or ip6 proto 135 or ip6 proto 60 or ip6 proto 43 or ip6 proto 41 or ip6 proto 50'"
    return [
        How("see links and addresses come and go", "netlink", "ip -6 -ts monitor link address", "RFC 4861, RFC 4862"),
        How("see the signalling and the ways of echoes", "packet", watch, "RFC 6275 sections 6.1, 6.3, 6.4, 11.7"),
        How("send echoes from the home address", "packet", ping, "RFC 4443 section 4.1"),
    ]


COMMAND = Command(
    "handover",
    "time a handover, awaited or provoked, under a stream of echoes",
    run,
    (),
    (
        Option(
            "--move", "provoke it: move to this link of a lab, or interface of the node", Takes.WORD, metavar="LINK"
        ),
        Option("--flap", "provoke it: take the link down and up"),
        Option("--peer", "whom echoes go to; none: a correspondent that there is", Takes.ADDRESS, metavar="HOST"),
        Option("--interval", "seconds from one echo to the next (0.02)", Takes.SECONDS, metavar="S"),
        Option("--for", "how long to wait for the next one to begin (60)", Takes.SECONDS, metavar="S"),
        Option(
            "--within",
            "milliseconds that it may take until the route is as good as before",
            Takes.INTEGER,
            metavar="MS",
        ),
        Option("--gap", "with --move in a lab, seconds without a link in between", Takes.SECONDS, metavar="S"),
    ),
    table=HANDOVERS.name,
    details=(
        "Without --move and --flap nothing of the node is changed: it waits for the next handover. Echo requests go "
        "from the home address to the peer all the while; a first packet to a correspondent starts return "
        "routability. Times are milliseconds from the loss of the link, or from the first step that was seen: from the "
        "kernel (links, addresses; as exact as --interval, 10 ms at the most), from packets on the links, and from the "
        "engine's events where packets are encrypted. What was not seen is unknown, and --wide says why.\n"
        "Losses are told apart by direction where the peer is in the same lab; elsewhere only what never left is. "
        "In a lab it is compared with what is possible at best. --move and --flap change the node: they need --write.\n"
        "Status 0: completed (and --within); 1: not, or slower; 3: could not tell."
    ),
    examples=(
        ("handover --for 5m", "wait for the next handover, and report it"),
        ("handover --move foreign2 --write", "in a lab: to the other foreign link"),
        ("handover --flap --write --yes --within 1000 --json", "for a script: is it over within a second?"),
    ),
    how=how,
    changes=Changes.NODE,
)
