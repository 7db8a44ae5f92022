"""A reading: the records of one table, which engine gave them, when, and what could not be read."""

from collections.abc import Sequence

from msgspec import Struct

from mipsh.model.columns import Table
from mipsh.model.records import EngineInfo


class Reading(Struct, frozen=True):
    """What one question to an engine brought.

    ``taken_at`` is seconds since the epoch, UTC. ``raw`` is the engine's text, framing removed.
    ``unread`` holds the lines of it that mipsh could not read, as said.
    """

    table: Table
    rows: Sequence[Struct]
    engine: EngineInfo
    taken_at: float
    raw: str = ""
    unread: tuple[str, ...] = ()
