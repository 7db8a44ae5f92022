"""``audit``: what was done to nodes, by whom and with what result."""

import time
from pathlib import Path

from mipsh.action.audit import Changed, read
from mipsh.errors import UsageError
from mipsh.grammar.declare import Command, Option, Takes
from mipsh.model.shell import AUDIT, AuditReport, How
from mipsh.result import Notice, Result
from mipsh.session import Session

UNFINISHED = "not finished"


def run(session: Session, last: int | None = None) -> Result:
    """Show the changes that were written down, the oldest first."""
    if last is not None and last < 1:
        raise UsageError(f"--last is 1 or more, not {last}")
    path = Path(session.environment.audit_file())
    found, unread = read(path)
    rows = [report(change) for change in found]
    notices: tuple[Notice, ...] = ()
    if unread:
        lines = "line" if unread == 1 else "lines"
        notices = (Notice("unread", f"{unread} {lines} of {path} could not be read, or belong to nothing there"),)
    return Result(AUDIT, rows if last is None else rows[-last:], taken_at=time.time(), warnings=notices)


def report(change: Changed) -> AuditReport:
    """Return a change as a row."""
    begin, end = change.begin, change.end
    user = begin.user or str(begin.uid)
    return AuditReport(
        begin.time,
        f"{begin.sudo_user} as {user}" if begin.sudo_user else user,
        begin.engine or None,
        begin.command,
        begin.steps,
        UNFINISHED if end is None else end.result,
        None if end is None else end.status,
        begin.before or None,
        None if end is None else end.after or None,
        None if end is None else end.time,
        begin.host or None,
        begin.netns or None,
        begin.uid if begin.uid >= 0 else None,
        begin.pid if begin.pid >= 0 else None,
        begin.id,
    )


def how(session: Session, last: int | None = None) -> list[How]:
    """Say which file it is."""
    return [How("read what was written down", "file", f"tail -n {2 * (last or 10)} {session.environment.audit_file()}")]


COMMAND = Command(
    "audit",
    "show what was done to nodes, by whom, and what came of it",
    run,
    options=(Option("--last", "only so many of the newest", Takes.INTEGER, "-n", metavar="N"),),
    table=AUDIT.name,
    details=(
        "Every change to a node is written down before it is made and after it; one that cannot be is not made. "
        "'not finished' is a change whose end was never written: mipsh was killed, or still works on it."
    ),
    examples=(("audit --last 5", "the newest five"), ("audit --where 'result=not finished'", "what was cut off")),
    how=how,
)
