"""The words of the prompt and of the toolbar."""

import time

from mipsh.engine import Capability
from mipsh.model.text import duration, escape
from mipsh.session import Session

NO_ENGINE = "mipsh> "


def prompt_text(session: Session) -> str:
    """Return the prompt: ``mn@umip ::1:7777> `` with the default template."""
    info = session.connector.info if session.connector is not None else None
    if info is None:
        return NO_ENGINE
    address = info.address.partition("://")[2].replace("[", "").replace("]", "")
    text = session.settings.prompt
    for name, value in (("role", info.role or "?"), ("engine", info.engine), ("address", address)):
        text = text.replace("{" + name + "}", escape(value))
    return text


def toolbar_parts(session: Session, now: float | None = None) -> list[str]:
    """Return what the toolbar says, the most important first."""
    info = session.connector.info if session.connector is not None else None
    if info is None:
        return ["no engine: type 'connect'", "read-only"]
    now = time.time() if now is None else now
    parts = [(info.role or "?").upper(), *_tables(session)]
    ages = [now - reading.taken_at for reading in session.readings.values()]
    if ages:
        parts.append(f"read {duration(max(min(ages), 0))} ago")
    parts.append("read-only")
    return parts


def _tables(session: Session) -> list[str]:
    parts = []
    for capability, word in (
        (Capability.BINDING_CACHE, "bindings"),
        (Capability.BINDING_UPDATE_LIST, "updates"),
    ):
        reading = session.readings.get(capability)
        if reading is not None:
            parts.append(f"{len(reading.rows)} {word}")
    return parts


def toolbar_text(session: Session, width: int, now: float | None = None) -> str:
    """Return the toolbar for a width; what does not fit is left out, least important first."""
    parts = toolbar_parts(session, now)
    while len(parts) > 1 and len("  ".join(parts)) + 2 > width:
        parts.pop()
    return " " + "  ".join(parts)[: max(width - 2, 0)]
