"""``binding add``, ``binding del``, ``binding refresh``: a home agent's bindings, changed past its mobile nodes."""

import time
from collections.abc import Callable
from functools import partial
from typing import Any

from msgspec import Struct, structs

from mipsh.action import bindings
from mipsh.action.carry_out import Outcome, Plan, concluded, explain
from mipsh.action.steps import Step, Via
from mipsh.by_hand import VIA
from mipsh.engine import Action, BindingRequest, Capability, Connector, missing, unable
from mipsh.errors import CannotTell, CapabilityMissing, MipshError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Option, Takes
from mipsh.model.actions import BINDING_CHANGES, BindingChangeReport
from mipsh.model.shell import How
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

UNNOTICED = Notice(
    "unnoticed",
    "the mobile node does not learn of this: no Binding Update and no Binding Acknowledgement is exchanged",
    "its own list still shows what it had: its next Binding Update sets this right, or is rejected (135)",
)
LIFETIME_S = 420
CLAUSE = {Action.ADD: "RFC 6275 section 10.3.1, without its messages", Action.DELETE: "RFC 6275 section 10.3.2"}
HOME_ADDRESS = Argument("home_address", Takes.ADDRESS, "home address of the mobile node")


class Asked(Struct, frozen=True):
    """A binding as it was typed."""

    home_address: str
    care_of_address: str
    lifetime: int = LIFETIME_S
    flags: str = "AH"
    local: str = ""
    sequence: int | None = None


class Change(Struct, frozen=True):
    """A change of a binding: how it is, how it is to be (None: not at all), and the plan that makes it so."""

    home_address: str
    before: Any
    wanted: BindingRequest | None
    plan: Plan


def add(
    session: Session,
    home_address: str,
    care_of_address: str,
    *,
    lifetime: int = LIFETIME_S,
    flags: str = "AH",
    local: str = "",
    sequence: int | None = None,
) -> Result:
    """Make a binding, or replace the one that there is."""
    asked = Asked(home_address, care_of_address, lifetime, flags, local, sequence)
    return carried_out(session, adding(session, asked))


def how_add(session: Session, home_address: str, care_of_address: str, **values: Any) -> list[How]:
    """Say how the same is done by hand."""
    return explain(adding(session, Asked(home_address, care_of_address, **values)).plan)


def delete(session: Session, home_address: str, local: str = "") -> Result:
    """Delete a binding."""
    return carried_out(session, deleting(session, home_address, local))


def how_delete(session: Session, home_address: str, local: str = "") -> list[How]:
    """Say how the same is done by hand."""
    return explain(deleting(session, home_address, local).plan)


def refresh(session: Session, home_address: str, lifetime: int | None = None) -> Result:
    """Let a binding last longer, all else as it is."""
    return carried_out(session, refreshing(session, home_address, lifetime))


def how_refresh(session: Session, home_address: str, lifetime: int | None = None) -> list[How]:
    """Say how the same is done by hand."""
    return explain(refreshing(session, home_address, lifetime).plan)


def adding(session: Session, asked: Asked) -> Change:
    """Return the change that makes a binding; raises UsageError for what no binding can be, before anybody is asked."""
    home = bindings.address(asked.home_address, "home address")
    care_of = bindings.address(asked.care_of_address, "care-of address")
    letters, lifetime_s = bindings.flags(asked.flags), bindings.lifetime(asked.lifetime)
    number = bindings.sequence(asked.sequence)
    connector = home_agent(session, Action.ADD)
    network = bindings.network_of(home, bindings.networks(connector))
    before = bindings.current(connector, home)
    own = bindings.local_address(network, before, asked.local)
    if care_of in (home, own):
        raise UsageError(f"{care_of} cannot be the care-of address", "it is where the mobile node is, away")
    request = BindingRequest(home, care_of, own, lifetime_s, letters, number)
    return _setting(connector, request, before, "add the binding of")


def refreshing(session: Session, home_address: str, lifetime: int | None) -> Change:
    """Return the change that gives a binding another lifetime, by default the one that it had."""
    home = bindings.address(home_address, "home address")
    asked = None if lifetime is None else bindings.lifetime(lifetime)
    connector = home_agent(session, Action.ADD)
    before = _there(connector, home)
    lifetime_s = asked or before.lifetime_granted_s or LIFETIME_S
    own = before.local_address or bindings.network_of(home, bindings.networks(connector)).local_address
    kept = tuple(flag for flag in bindings.FLAGS if flag in before.flags)
    request = BindingRequest(home, before.care_of_address, own, lifetime_s, kept)
    return _setting(connector, request, before, "refresh the binding of")


def _setting(connector: Connector, request: BindingRequest, before: Any, verb: str) -> Change:
    what = f"{verb} {request.home_address} at {request.care_of_address} for {request.lifetime_s} s"
    run = partial(connector.add_binding, request)
    question = f"Replace the binding of {request.home_address}, now at {before.care_of_address}?" if before else ""
    plan = _plan(connector, Action.ADD, request, run, what=what, question=question, before=before)
    return Change(request.home_address, before, request, plan)


def deleting(session: Session, home_address: str, local: str) -> Change:
    """Return the change that deletes a binding that is there."""
    home = bindings.address(home_address, "home address")
    connector = home_agent(session, Action.DELETE)
    before = _there(connector, home)
    own = bindings.local_address(bindings.HomeNetwork("", ""), before, local)
    run = partial(connector.delete_binding, home, own)
    what = f"delete the binding of {home} at {before.care_of_address}"
    question = f"Delete the binding of {home}? What is sent to it is lost until its mobile node registers again."
    plan = _plan(connector, Action.DELETE, (home, own), run, what=what, question=question, before=before)
    return Change(home, before, None, plan)


def _there(connector: Connector, home: str) -> Any:
    before = bindings.current(connector, home)
    if before is None:
        raise CannotTell(f"there is no home registration of {home}", "'bc' lists those that there are")
    return before


def _plan(
    connector: Connector,
    action: Action,
    request: object,
    run: Callable[[], str],
    *,
    what: str,
    question: str,
    before: Any,
) -> Plan:
    via = Via(VIA.get(connector.info.engine, Via.NONE)) if connector.info is not None else Via.NONE
    step = Step(what, via, connector.said(action.value, request)[-1], CLAUSE[action], run)
    return Plan(what, (step,), question, bindings.in_words(before))


def home_agent(session: Session, action: Action) -> Connector:
    """Return the engine in use, if it can be told; raises CapabilityMissing."""
    connector = session.engine()
    if connector.info is None or connector.info.role != "ha":
        raise CapabilityMissing(
            "bindings are changed on a home agent: a mobile node says its own with 'bu'", "connect to the home agent"
        )
    if Capability.BINDING_CACHE.value not in connector.info.capabilities:
        raise missing(Capability.BINDING_CACHE, connector.info)
    if action not in connector.actions:
        raise unable("way to change a binding", connector.info)
    return connector


def carried_out(session: Session, change: Change) -> Result:
    """Carry a change out, look again, and show the binding before and after; with ``--dry-run``, as planned."""
    rows = [bindings.row_of("before", change.home_address, change.before)]
    if session.permission.dry_run:
        rows += [] if change.wanted is None else [bindings.planned_row(change.wanted)]
        summary = f"Nothing was done. It would {change.plan.what}."
        return _result(session, rows, summary=summary)
    began = time.monotonic()
    return concluded(session, change.plan, lambda outcome: _concluded(session, change, rows, outcome, began))


def _concluded(
    session: Session, change: Change, rows: list[BindingChangeReport], outcome: Outcome, began: float
) -> tuple[Result, str]:
    """Let the table decide whether the change took place, and not the engine's word."""
    try:
        after = _look(session.engine(), change)
    except MipshError as error:
        told = CannotTell(f"what became of it could not be seen: {error.message}", error.hint)
        return _stopped(_result(session, rows), outcome, told), f"not known: {error.message}"
    result = _result(session, [*rows, bindings.row_of("after", change.home_address, after)])
    stands = bindings.in_words(after)
    if outcome.is_interrupted or outcome.error is not None:
        return _stopped(result, outcome, MipshError("interrupted: the rows say how the binding is now")), stands
    wrong = bindings.differences(change.wanted, change.before, after, time.monotonic() - began)
    if not wrong:
        return result, stands
    message = f"the engine did not object, and its binding cache does not show the change: {', '.join(wrong)}"
    told_so = (Notice("not_so", message, "see 'bc'"),)
    return structs.replace(result, errors=told_so, status=ExitStatus.CONDITION_NOT_MET), stands


def _look(connector: Connector, change: Change) -> Any:
    return bindings.current(connector, change.home_address)


def _result(session: Session, rows: list[BindingChangeReport], summary: str = "") -> Result:
    info = session.engine().info
    return Result(BINDING_CHANGES, rows, info, time.time(), summary, warnings=(UNNOTICED,))


def _stopped(result: Result, outcome: Outcome, otherwise: MipshError) -> Result:
    """Return what there is, with the error that stopped it, or another one where none did."""
    error = outcome.error or otherwise
    status = outcome.status or otherwise.status
    return structs.replace(result, errors=(Notice(error.code, error.message, error.hint),), status=status)


ADD = Command(
    "binding add",
    "make a binding on a home agent, or replace one",
    add,
    (HOME_ADDRESS, Argument("care_of_address", Takes.ADDRESS, "where its packets are to go")),
    (
        Option("--lifetime", "seconds that it lasts (420)", Takes.INTEGER, metavar="S"),
        Option("--flags", "letters of A, H, K, L (AH)", Takes.WORD, metavar="FLAGS"),
        Option("--local", "the home agent's address, where it has several", Takes.ADDRESS, metavar="ADDR"),
        Option("--sequence", "its sequence number; none: the engine chooses", Takes.INTEGER, metavar="N"),
    ),
    table=BINDING_CHANGES.name,
    details="The home agent defends the home address and tunnels to the care-of address, as if it had been asked to.",
    examples=(("binding add 2001:db8:1::100 2001:db8:2::5 --write --lifetime 60", "for a minute"),),
    how=how_add,
    changes=Changes.NODE,
)
DELETE = Command(
    "binding del",
    "delete a binding of a home agent",
    delete,
    (HOME_ADDRESS,),
    (Option("--local", "the home agent's address, where it has several", Takes.ADDRESS, metavar="ADDR"),),
    aliases=("binding delete",),
    table=BINDING_CHANGES.name,
    details="It asks first: what is sent to the home address is lost until its mobile node registers again.",
    examples=(("binding del 2001:db8:1::100 --dry-run", "what would go"),),
    how=how_delete,
    changes=Changes.NODE,
)
REFRESH = Command(
    "binding refresh",
    "let a binding of a home agent last longer",
    refresh,
    (HOME_ADDRESS,),
    (Option("--lifetime", "seconds from now; none: as it was granted", Takes.INTEGER, metavar="S"),),
    table=BINDING_CHANGES.name,
    examples=(("binding refresh 2001:db8:1::100 --write --lifetime 3600", "an hour from now"),),
    how=how_refresh,
    changes=Changes.NODE,
)
