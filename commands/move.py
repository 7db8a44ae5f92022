"""``move``: let a mobile node move to another link, and see whether it registers from there."""

from functools import partial
from typing import Any

from mipsh.action.carry_out import Plan, explain, planned
from mipsh.action.methods import Target
from mipsh.action.observed import HOME
from mipsh.action.steps import Step, Via
from mipsh.action.targets import find
from mipsh.action.trigger import Attempt, trigger
from mipsh.commands.lab import ENGINE, address
from mipsh.engine import Action, Connector, unable
from mipsh.errors import CapabilityMissing, MipshError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.lab.existing import Existing, held, look
from mipsh.lab.state import NodeState, labs, sockets_folder
from mipsh.model.actions import BINDING_UPDATES
from mipsh.model.shell import How
from mipsh.result import Result
from mipsh.session import Session

METHOD = "move"
GAP_S = 0.05
WAIT_S = 10.0
CLAUSE = "RFC 6275 section 11.5"


def run(session: Session, where: str, gap: float = GAP_S) -> Result:
    """Move the node, and return what became of its home registrations."""
    found = moving(session, where, gap)
    if session.permission.dry_run:
        return planned(session, found[0].plan)
    return trigger(session, [found], session.settings.wait or WAIT_S)


def how(session: Session, where: str, gap: float = GAP_S) -> list[How]:
    """Say how the same is done by hand: in a lab, where the plug is pulled and put in."""
    found = in_lab(session)
    if found is None:
        return explain(moving(session, where, gap)[0].plan)
    from mipsh.lab.by_hand import moving as pulling

    return pulling(found[0], found[1].name, where, gap, False)


def moving(session: Session, where: str, gap_s: float) -> list[Attempt]:
    """Return the move as the one attempt to have a Binding Update sent; raises UsageError, CapabilityMissing."""
    connector = session.engine()
    if connector.info is None or connector.info.role != "mn":
        raise CapabilityMissing("only a mobile node moves", "connect to one")
    target = find(connector, HOME)[0]
    found = in_lab(session)
    if found is not None:
        lab, node = found
        return [Attempt(_going(target, where), METHOD, _in_lab(session, lab, node, where, gap_s))]
    return [Attempt(target, METHOD, _between_interfaces(connector, target, where))]


def _going(target: Target, where: str) -> Target:
    """Return what is to come of a move: at home, the binding is deleted."""
    from msgspec import structs

    return structs.replace(target, lifetime_s=0) if where == HOME else target


def in_lab(session: Session) -> tuple[Existing, NodeState] | None:
    """Return the lab and the node that the engine in use is; None where it is none of a lab."""
    info, variables = session.engine().info, session.environment.variables
    for name in labs(sockets_folder(variables)):
        try:
            lab = look(variables, name)
        except MipshError:
            continue
        for node in lab.state.nodes.values():
            if info is not None and info.address in (address(session, node), f"{ENGINE}://{node.control}"):
                return lab, node
    return None


def _in_lab(session: Session, lab: Existing, node: NodeState, where: str, gap_s: float) -> Plan:
    from mipsh.lab.by_hand import moving as pulling

    rows = pulling(lab, node.name, where, gap_s, False)
    name, there = node.name, lab.state.link(where)

    def move() -> str:
        from mipsh.lab import changes

        with held(session.environment.variables, lab.state.name) as found:
            changes.move(found, name, there, gap_s)
        return there

    by_hand = "; ".join(row.equivalent for row in rows if row.equivalent)
    step = Step(f"move {name} to {there}", Via.NETLINK, by_hand, CLAUSE, move)
    return Plan(f"move {name} to the link '{there}'", (step,))


def _between_interfaces(connector: Connector, target: Target, where: str) -> Plan:
    """Return the move from the interface in use to another one of the same node."""
    if Action.LINK not in connector.actions:
        raise unable("links that could be set: move the node's cable, or use 'bu --method flap'", connector.info)
    here = target.interface
    if where == here:
        raise UsageError(
            f"the node is on '{where}' already", "name another of its interfaces, or 'bu' to register again"
        )
    steps = [_set(connector, where, is_up=True)]
    if here:
        steps.append(_set(connector, here, is_up=False))
    question = f"Take the link of '{here}' from the node?" if here else ""
    return Plan(f"move the node from '{here or '?'}' to '{where}'", tuple(steps), question)


def _set(connector: Connector, interface: str, *, is_up: bool) -> Step:
    request: Any = (interface, is_up)
    word = "has a link" if is_up else "has no link"
    run_it = partial(connector.set_link, interface, is_up=is_up)
    line = connector.said(Action.LINK.value, request)[-1]
    return Step(f"tell the node that '{interface}' {word}", Via.JSON_RPC, line, CLAUSE, run_it)


COMMAND = Command(
    "move",
    "let the mobile node move to another link, and watch it register",
    run,
    (Argument("where", Takes.WORD, "in a lab a link (home, foreign1, foreign2); else an interface of the node"),),
    (Option("--gap", "in a lab, seconds without a link in between", Takes.SECONDS, metavar="S"),),
    table=BINDING_UPDATES.name,
    details=(
        "The engine in use is the node that moves. In a lab its plug is pulled and put in elsewhere, as 'lab move' "
        "does; a mipd with several interfaces is told that one lost its link and another has one. What counts is "
        "the Binding Update from the new place, and its acknowledgement. --wait says how long it is waited for (10 s)."
    ),
    examples=(("move foreign2 --write", "to the other foreign link"), ("move home --write", "home again")),
    how=how,
    changes=Changes.NODE,
)
