"""``history``: lines typed before."""

from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.model.shell import HISTORY, HistoryReport, How
from mipsh.result import Result
from mipsh.session import Session


def run(session: Session, count: int = 0) -> Result:
    """Show the lines typed before, the newest last."""
    rows = [HistoryReport(number, line) for number, line in enumerate(session.history(), 1)]
    return Result(HISTORY, rows[-count:] if count > 0 else rows)


def how(session: Session, count: int = 0) -> list[How]:
    """Say which file it is."""
    tail = f"tail -n {count}" if count > 0 else "cat"
    return [How("read the lines typed before", "file", f"{tail} {session.environment.history_file()}")]


COMMAND = Command(
    "history",
    "show lines typed before",
    run,
    (Argument("count", Takes.INTEGER, "how many of the newest", required=False),),
    table="history",
    details="Lines that begin with a space are not kept. The file is readable by its owner only.",
    examples=(("history | include bul", "lines with bul in them"),),
    how=how,
)
