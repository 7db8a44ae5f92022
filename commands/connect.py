"""``connect``: use an engine."""

import time

from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.model.records import ENGINE
from mipsh.result import Notice, Result
from mipsh.session import Session


def run(session: Session, engine: str = "") -> Result:
    """Reach an engine and use it from now on."""
    connector = session.connect(engine)
    warnings = tuple(Notice("engine", text) for text in connector.warnings())
    return Result(ENGINE, [connector.info], connector.info, time.time(), warnings=warnings)


COMMAND = Command(
    "connect",
    "use an engine from now on",
    run,
    (Argument("engine", Takes.ENGINE, "address of the engine; none: the usual places", required=False),),
    table="engine",
    details="The engine in use stays in use when the new one cannot be reached.",
    examples=(
        ("connect", "a mip6d at [::1]:7777 or 127.0.0.1:7777, else the only mipd that runs here"),
        ("connect umip://[::1]:7778", "a mip6d with its console on another port"),
        ("connect mipd:mn", "a mipd, by the name of its node"),
    ),
)
