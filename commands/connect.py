"""``connect``: use an engine."""

import time

from mipsh.by_hand import said
from mipsh.grammar.declare import Argument, Command, Takes
from mipsh.model.records import ENGINE, EngineInfo
from mipsh.model.shell import How
from mipsh.result import Notice, Result
from mipsh.session import Session

HANDSHAKES: dict[str, tuple[str, object]] = {"umip": ("raw", "help"), "mipd": ("hello", None)}
"""What each kind of engine is asked first."""


def run(session: Session, engine: str = "") -> Result:
    """Reach an engine and use it from now on."""
    connector = session.connect(engine)
    warnings = tuple(Notice("engine", text) for text in connector.warnings())
    return Result(ENGINE, [connector.info], connector.info, time.time(), warnings=warnings)


def how(session: Session, engine: str = "") -> list[How]:
    """Say how an engine is asked what it is; none is touched."""
    rows = []
    for address in [engine or session.settings.engine] if engine or session.settings.engine else usual(session):
        scheme = address.partition(":")[0]
        connector = session.registry.engine(scheme).open(address)
        connector.info = EngineInfo(scheme, address)
        what, request = HANDSHAKES.get(scheme, ("", None))
        rows += said(connector, what, "ask what it is", request=request)
    return rows


def usual(session: Session) -> list[str]:
    """Return the addresses of the usual places."""
    kinds = [session.registry.engine(scheme) for scheme in session.registry.names("mipsh.engines", plugins=False)]
    found = [kind.find(session.environment.variables) if kind.find is not None else () for kind in kinds]
    return [address for kind, places in zip(kinds, found, strict=True) for address in (*kind.defaults, *places)]


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
    how=how,
)
