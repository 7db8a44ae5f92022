"""What ``--how`` says: the lines that a command would send, from those who send them, each with its clause."""

from collections.abc import Callable

from mipsh.engine import Capability, Connector, missing
from mipsh.errors import CapabilityMissing
from mipsh.model.shell import How
from mipsh.session import Session

REFERENCES = {
    Capability.BINDING_CACHE: "RFC 6275 sections 9.1, 10.1",
    Capability.BINDING_UPDATE_LIST: "RFC 6275 section 11.1",
    Capability.RETURN_ROUTABILITY: "RFC 6275 sections 5.2, 11.6",
    Capability.NONCES: "RFC 6275 section 5.2.2",
    Capability.HOME_AGENTS: "RFC 6275 sections 10.1, 10.5",
    Capability.PREFIXES: "RFC 6275 section 10.6",
    Capability.STATISTICS: "RFC 4295",
}
VIA = {"umip": "vt", "mipd": "json-rpc"}
NOTHING = "none"


def reading(session: Session, capability: Capability) -> list[How]:
    """Return the lines by which the engine in use is asked for a table; raises CapabilityMissing, EngineError."""
    connector = session.engine()
    if connector.info is not None and capability.value not in connector.info.capabilities:
        raise missing(capability, connector.info)
    return said(
        connector, capability.value, f"ask for the {capability.value.replace('_', ' ')}", REFERENCES[capability]
    )


def said(connector: Connector, what: str, step: str, reference: str = "", request: object = None) -> list[How]:
    """Return what a connector sends for something, a row a line; the lines before the last one prepare it.

    A connector that does not say what it sends has one row, whose equivalent is unknown.
    """
    info = connector.info
    address, engine = (info.address, info.engine) if info is not None else ("the engine", "")
    via = VIA.get(engine, engine or NOTHING)
    try:
        *before, last = connector.said(what, request)
    except CapabilityMissing:
        return [How(f"{step}, of {address}", via, None, reference or None)]
    rows = [How(f"prepare the terminal of {address}", via, line) for line in before]
    return [*rows, How(f"{step}, of {address}", via, last, reference or None)]


def here(step: str, equivalent: str = "nothing is sent") -> Callable[..., list[How]]:
    """Return the ``how`` of a command that is the shell's own matter: it sends nothing and writes nothing."""

    def how(session: Session, **values: object) -> list[How]:
        return [How(step, NOTHING, equivalent)]

    return how
