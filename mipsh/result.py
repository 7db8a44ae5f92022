"""What a command returns: records and notices; it alone decides the exit status."""

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from mipsh.errors import MipshError
from mipsh.model.columns import Table
from mipsh.model.reading import Reading
from mipsh.model.records import EngineInfo
from mipsh.status import ExitStatus

SHOWN_UNREAD = 3


class Notice(Struct, frozen=True):
    """An error or a warning: a stable code, a message, and what to do next."""

    code: str
    message: str
    hint: str = ""


class Change(Struct, frozen=True):
    """How a row, named by its key, differs from one look earlier: added, removed or changed."""

    key: str
    change: str
    columns: tuple[str, ...] = ()


class Result(Struct):
    """What a command found: ``rows`` of ``table``, and the status it earned.

    ``summary`` is one line for people, shown with human formats only. ``compare`` asks for the
    changes since the result before, in a command that goes on. ``columns`` are the only ones
    wanted, in every format; ``shown`` are the ones that a table shows when no others are wanted.
    """

    table: Table | None = None
    rows: Sequence[Any] = ()
    engine: EngineInfo | None = None
    taken_at: float | None = None
    summary: str = ""
    errors: tuple[Notice, ...] = ()
    warnings: tuple[Notice, ...] = ()
    changes: tuple[Change, ...] | None = None
    compare: bool = False
    status: ExitStatus = ExitStatus.OK
    columns: tuple[str, ...] | None = None
    shown: tuple[str, ...] | None = None


def of_reading(reading: Reading, warnings: Sequence[str] = ()) -> Result:
    """Make the result of a reading; lines that could not be read become a warning."""
    notices = [Notice("engine", text) for text in warnings]
    if reading.unread:
        shown = "; ".join(line.strip() for line in reading.unread[:SHOWN_UNREAD])
        more = " …" if len(reading.unread) > SHOWN_UNREAD else ""
        count = len(reading.unread)
        lines = "line" if count == 1 else "lines"
        notices.append(
            Notice(
                "unread",
                f"{count} {lines} of the engine's reply could not be read: {shown}{more}",
                "'raw' shows what the engine said",
            )
        )
    return Result(reading.table, reading.rows, reading.engine, reading.taken_at, warnings=tuple(notices))


def of_error(error: MipshError, table: Table | None = None) -> Result:
    """Make the result of a command that failed."""
    notice = Notice(error.code, error.message, error.hint)
    return Result(table=table, errors=(notice,), status=error.status)


def cells(row: object, names: Sequence[str]) -> Mapping[str, object]:
    """Return the named fields of a record, in that order."""
    return {name: getattr(row, name) for name in names}
