"""``status``: the engine in use, and how full its tables are."""

import time

from mipsh.engine import Capability, Connector
from mipsh.grammar.declare import Command
from mipsh.model.shell import STATUS, StatusReport
from mipsh.result import Notice, Result
from mipsh.session import Session


def run(session: Session) -> Result:
    """Ask the engine anew what it is, then for the tables it keeps."""
    connector = session.engine()
    began = time.monotonic()
    with connector.asking():
        info = connector.connect()
        answer_ms = round((time.monotonic() - began) * 1000, 1)
        cache = _rows(session, connector, Capability.BINDING_CACHE)
        updates = _rows(session, connector, Capability.BINDING_UPDATE_LIST)
        agents = _rows(session, connector, Capability.HOME_AGENTS)
    report = StatusReport(
        info.engine,
        info.address,
        info.role,
        info.version,
        None if cache is None else len(cache),
        _count(cache, "status", "registered"),
        None if updates is None else len(updates),
        _count(updates, "state", "bound"),
        None if agents is None else len(agents),
        answer_ms,
        info.capabilities,
    )
    warnings = tuple(Notice("engine", text) for text in connector.warnings())
    return Result(STATUS, [report], info, time.time(), warnings=warnings)


def _rows(session: Session, connector: Connector, capability: Capability) -> list[object] | None:
    """Return a table's rows, None where this engine does not keep it."""
    if connector.info is None or capability not in connector.info.capabilities:
        return None
    return list(session.read(capability).rows)


def _count(rows: list[object] | None, name: str, value: str) -> int | None:
    return None if rows is None else sum(getattr(row, name) == value for row in rows)


COMMAND = Command(
    "status",
    "show the engine in use and how full its tables are",
    run,
    table="status",
    aliases=("show status", "show ipv6 mobile globals"),
    examples=(("status -o json", "for a script"),),
)
