"""``status``: the engine in use, and how full its tables are."""

import time

from mipsh.by_hand import reading, said
from mipsh.commands.connect import HANDSHAKES
from mipsh.engine import Capability, Connector
from mipsh.grammar.declare import Command
from mipsh.model.shell import STATUS, How, StatusReport
from mipsh.result import Notice, Result
from mipsh.session import Session

COUNTED = (Capability.BINDING_CACHE, Capability.BINDING_UPDATE_LIST, Capability.HOME_AGENTS)


def run(session: Session) -> Result:
    """Ask the engine anew what it is, then for the tables it keeps."""
    connector = session.engine()
    began = time.monotonic()
    with connector.asking():
        info = connector.connect()
        answer_ms = round((time.monotonic() - began) * 1000, 1)
        cache, updates, agents = (_rows(session, connector, capability) for capability in COUNTED)
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


def how(session: Session) -> list[How]:
    """Say how the engine is asked what it is, and for the tables that are counted."""
    connector = session.engine()
    info = connector.info or connector.connect()
    what, request = HANDSHAKES.get(info.engine, ("", None))
    rows = said(connector, what, "ask what it is", request=request)
    for capability in COUNTED:
        if capability in info.capabilities:
            rows += reading(session, capability)
    return rows


COMMAND = Command(
    "status",
    "show the engine in use and how full its tables are",
    run,
    table="status",
    aliases=("show status", "show ipv6 mobile globals"),
    examples=(("status -o json", "for a script"),),
    how=how,
)
