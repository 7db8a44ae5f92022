"""The words of the prompt and of the toolbar."""

import time

from mipsh.engine import Capability
from mipsh.model.text import duration, escape
from mipsh.session import Session

NO_ENGINE = "mipsh> "
LOOKING, WRITING = "> ", "# "
AGE_STEP_S = 10
MINUTE_S = 60


def prompt_text(session: Session) -> str:
    """Return the prompt: ``mn@umip ::1:7777> `` with the default template; ``#`` where commands may change the node."""
    text = _filled(session)
    if session.permission.write and text.endswith(LOOKING):
        return text.removesuffix(LOOKING) + WRITING
    return text


def _filled(session: Session) -> str:
    info = session.connector.info if session.connector is not None else None
    if info is None:
        return NO_ENGINE
    address = info.address.partition(":")[2].removeprefix("//").replace("[", "").replace("]", "")
    text = session.settings.prompt
    for name, value in (("role", info.role or "?"), ("engine", info.engine), ("address", address)):
        text = text.replace("{" + name + "}", escape(value))
    return text


def toolbar_parts(session: Session, now: float | None = None) -> list[str]:
    """Return what the toolbar says, from left to right."""
    info = session.connector.info if session.connector is not None else None
    if info is None:
        return ["no engine: type 'connect'", _mode(session)]
    now = time.time() if now is None else now
    parts = [escape(info.role or "?").upper(), *_tables(session)]
    ages = [now - reading.taken_at for reading in session.readings.values()]
    if ages:
        parts.append(f"read {age(min(ages))}")
    return [*parts, _mode(session)]


def _mode(session: Session) -> str:
    """Return what commands may do."""
    return "WRITE" if session.permission.write else "read-only"


def age(seconds: float) -> str:
    """Return how long ago something was, so coarse that it stays true for a while."""
    if seconds < AGE_STEP_S:
        return "just now"
    step = AGE_STEP_S if seconds < MINUTE_S else MINUTE_S
    return f"{duration(seconds // step * step).removesuffix('00s')} ago"


def _tables(session: Session) -> list[str]:
    parts = []
    for capability, one, many in (
        (Capability.BINDING_CACHE, "binding", "bindings"),
        (Capability.BINDING_UPDATE_LIST, "update", "updates"),
    ):
        reading = session.readings.get(capability)
        if reading is not None:
            count = len(reading.rows)
            parts.append(f"{count} {one if count == 1 else many}")
    return parts


def toolbar_text(session: Session, width: int, now: float | None = None) -> str:
    """Return the toolbar for a width; of what does not fit, the first and the last part stay longest."""
    parts = toolbar_parts(session, now)
    while len(parts) > 1 and len("  ".join(parts)) + 2 > width:
        parts.pop(1)
    return " " + "  ".join(parts)[: max(width - 2, 0)]
