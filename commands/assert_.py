"""``assert``: a condition on a table, as an exit status.

``assert TABLE [where COND …] (has COND … | exists | absent)``. Three verdicts: 0 it holds, 1 it
does not (the differing field is named), 3 it could not be told: no row to look at, an unknown
value, or, where no row is found, lines of the engine's reply that could not be read.
"""

from collections.abc import Sequence
from typing import Any

from mipsh.by_hand import reading
from mipsh.changes import row_key
from mipsh.engine import Capability
from mipsh.errors import CannotTell, UsageError
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.listing import table_of
from mipsh.model.columns import Table
from mipsh.model.reading import Reading
from mipsh.model.records import ENGINE_TABLES
from mipsh.model.shell import ASSERTIONS, AssertionReport, How
from mipsh.model.text import plain
from mipsh.model.where import Condition, holds, keep, parse_condition
from mipsh.result import Notice, Result, of_reading
from mipsh.session import Session
from mipsh.status import ExitStatus

VERBS = ("has", "exists", "absent")
VERDICTS = {True: "yes", False: "no", None: "unknown"}
FORM = "write assert TABLE [where COND …] (has COND … | exists | absent)"


def run(session: Session, table: str, words: list[str]) -> Result:
    """Read the table and judge."""
    name = judged(table)
    where, verb, wanted = understand(words, ENGINE_TABLES[name])
    reading = session.read(Capability(name))
    rows = keep(reading.rows, where)
    doubtful = bool(reading.unread) or any(may_meet(row, where) for row in reading.rows)
    result = of_reading(reading)
    result.table = ASSERTIONS
    what = f"{name} where {' '.join(map(str, where))}" if where else name
    if verb == "has":
        result.rows = judge(rows, wanted, reading, what)
    else:
        result.rows = [count(rows, verb, doubtful, what)]
    return conclude(result)


def judged(word: str) -> str:
    """Return the name of the table that a word means; raises UsageError for one that no engine keeps."""
    name = table_of(word)
    if name not in ENGINE_TABLES:
        raise UsageError(f"there is no table '{word}' to assert about", f"tables: {', '.join(ENGINE_TABLES)}")
    return name


def how(session: Session, table: str, words: list[str]) -> list[How]:
    """Say how the table is read, and that the judgement is made here."""
    name = judged(table)
    where, verb, wanted = understand(words, ENGINE_TABLES[name])
    rows = reading(session, Capability(name))
    told = " and ".join(map(str, wanted)) or verb
    return [*rows, How(f"judge: {told}{' where ' if where else ''}{' and '.join(map(str, where))}", "none", None)]


def understand(words: Sequence[str], table: Table) -> tuple[list[Condition], str, list[Condition]]:
    """Read the words behind the table; raises UsageError."""
    at = next((i for i, word in enumerate(words) if word in VERBS), None)
    if at is None:
        raise UsageError("an assertion needs 'has', 'exists' or 'absent'", FORM)
    before, verb, after = list(words[:at]), words[at], list(words[at + 1 :])
    if before and before[0] != "where":
        raise UsageError(f"'{before[0]}' stands where 'where' was expected", FORM)
    conditions = [parse_condition(text, table) for text in before[1:] if text != "and"]
    wanted = [parse_condition(text, table) for text in after if text != "and"]
    if (before and not conditions) or (verb == "has") != bool(wanted):
        raise UsageError(f"'{verb}' {'needs a condition' if verb == 'has' else 'takes nothing behind it'}", FORM)
    return conditions, verb, wanted


def judge(rows: Sequence[Any], wanted: Sequence[Condition], reading: Reading, what: str) -> list[AssertionReport]:
    """Judge every condition on every row; raises CannotTell over no rows."""
    if not rows:
        raise CannotTell(
            f"nothing to judge: no row of {what}",
            "'exists' makes an absent row a failure",
        )
    return [
        AssertionReport(
            VERDICTS[holds(condition, row)],
            row_key(row, reading.table),
            condition.column.name,
            str(condition),
            _found(getattr(row, condition.column.name)),
        )
        for row in rows
        for condition in wanted
    ]


def _found(value: object) -> str | None:
    return None if value is None else plain(value)


def may_meet(row: Any, where: Sequence[Condition]) -> bool:
    """Tell whether a row could meet the conditions, were it not for values that are unknown."""
    verdicts = [holds(condition, row) for condition in where]
    return None in verdicts and False not in verdicts


def count(rows: Sequence[Any], verb: str, doubtful: bool, what: str) -> AssertionReport:
    """Judge whether there is a row; where none is found, a doubt leaves it open whether one is missing."""
    verdict: bool | None = bool(rows) == (verb == "exists")
    if not rows and doubtful:
        verdict = None
    return AssertionReport(VERDICTS[verdict], what, None, verb, f"{len(rows)} rows")


def conclude(result: Result) -> Result:
    """Set the status: a failure outweighs a doubt, a doubt outweighs a pass."""
    failed = [row for row in result.rows if row.verdict == "no"]
    open_ = [row for row in result.rows if row.verdict == "unknown"]
    notices = []
    for row in failed or open_:
        found = f"found {row.found}" if row.found is not None else "found no value"
        code = "not_met" if failed else "could_not_tell"
        notices.append(Notice(code, f"{row.row}: expected {row.expected}, {found}"))
    result.errors = tuple(notices)
    if failed:
        result.status = ExitStatus.CONDITION_NOT_MET
    elif open_:
        result.status = ExitStatus.COULD_NOT_TELL
    return result


COMMAND = Command(
    "assert",
    "judge a table, as an exit status",
    run,
    (
        Argument("table", Takes.TABLE, "table or its command"),
        Argument("words", Takes.ASSERTION, "[where COND …] (has COND … | exists | absent)", many=True),
    ),
    table="assertions",
    details=(
        "Exit status 0: it holds; 1: it does not, and the differing field is named; 3: it could not be told "
        "(no row to look at, an unknown value). Several conditions all have to hold; 'and' may stand between."
    ),
    examples=(
        ("assert bul where cn=2001:db8:4::2 has state=bound", "is route optimisation up?"),
        ("assert bc where hoa=2001:db8:1::100 exists", "is it registered?"),
        ("assert bul where reg=home has lifetime_remaining_s>60", "is the registration fresh?"),
    ),
    how=how,
)
