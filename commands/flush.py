"""``flush``: empty a table of the engine, where the engine can."""

from functools import partial
from typing import Any

from mipsh.action.carry_out import Outcome, Plan, concluded, explain, planned
from mipsh.action.observed import HOME
from mipsh.action.steps import Step, Via
from mipsh.action.targets import SILENT
from mipsh.by_hand import VIA
from mipsh.engine import Action, Capability, missing, unable
from mipsh.errors import CannotTell, MipshError, UsageError
from mipsh.grammar.declare import Argument, Changes, Command, Takes
from mipsh.listing import table_of
from mipsh.model.reading import Reading
from mipsh.model.shell import How
from mipsh.result import Notice, Result
from mipsh.session import Session
from mipsh.status import ExitStatus

FLUSHED = {
    Capability.BINDING_CACHE.value: (
        "What is sent to the home addresses goes by way of their home agents again, or is lost where this is one.",
        "RFC 6275 section 9.1",
    ),
    Capability.BINDING_UPDATE_LIST.value: (
        "What is sent to correspondents goes through the home agent again; home registrations stay.",
        "RFC 6275 section 11.1",
    ),
}
"""The tables that can be emptied, with what that costs."""


def run(session: Session, table: str) -> Result:
    """Empty a table, and look whether it is."""
    plan = emptying(session, table)
    if session.permission.dry_run:
        return planned(session, plan)
    name = Capability(table_of(table))
    return concluded(session, plan, lambda outcome: _concluded(session, name, outcome))


def _concluded(session: Session, name: Capability, outcome: Outcome) -> tuple[Result, str]:
    """Return the table as it is now, and let it decide whether it is empty; raises what went wrong."""
    if outcome.error is not None:
        raise outcome.error
    removed = outcome.details[0] or "what was told to go"
    try:
        result = session.result(name)
    except MipshError as error:
        raise CannotTell(f"{removed} removed, as the engine says, and not seen: {error.message}", error.hint) from None
    result.summary = f"{removed} removed; this is what there is now"
    remains = _count(left(result))
    if outcome.is_interrupted:
        result.errors = (Notice("interrupted", "interrupted: the table is what there is now"),)
        result.status = ExitStatus.INTERRUPTED
    elif left(result):
        result.errors = (Notice("not_so", f"the engine did not object, and its table has {remains} still"),)
        result.status = ExitStatus.CONDITION_NOT_MET
    return result, remains


def left(found: Reading | Result) -> int:
    """Return how many rows there are that have to go: home registrations of a mobile node stay."""
    rows: Any = found.rows
    return sum(
        getattr(row, "registration", None) != HOME and getattr(row, "status", None) not in SILENT for row in rows
    )


def _count(number: int) -> str:
    return f"{number} {'entry' if number == 1 else 'entries'}"


def how(session: Session, table: str) -> list[How]:
    """Say how the same is done by hand."""
    return explain(emptying(session, table))


def emptying(session: Session, table: str) -> Plan:
    """Return the plan that empties a table; raises UsageError, CapabilityMissing."""
    name = table_of(table)
    if name not in FLUSHED:
        raise UsageError(f"'{table}' cannot be emptied", "there are: bc, bul")
    connector = session.engine()
    if connector.info is not None and name not in connector.info.capabilities:
        raise missing(Capability(name), connector.info)
    if Action.FLUSH not in connector.actions:
        raise unable("way to empty a table", connector.info)
    words = name.replace("_", " ")
    costs, clause = FLUSHED[name]

    def empty(table_name: str) -> str:
        return _count(connector.flush(table_name))

    via = Via(VIA.get(connector.info.engine, Via.NONE)) if connector.info is not None else Via.NONE
    line = connector.said(Action.FLUSH.value, name)[-1]
    step = Step(f"empty the {words}", via, line, clause, partial(empty, name))
    before = _count(left(session.read(Capability(name))))
    return Plan(f"empty the {words}", (step,), f"Empty the {words} ({before})? {costs}", before)


COMMAND = Command(
    "flush",
    "empty the binding cache or the binding update list",
    run,
    (Argument("table", Takes.WORD, "bc, or bul (correspondents' entries only)", choices=("bc", "bul")),),
    details="mip6d has no way to; mipd has. It asks first.",
    examples=(("flush bul --write", "let all correspondents be bound anew"), ("flush bc --dry-run", "what would go")),
    how=how,
    changes=Changes.NODE,
)
