"""The log of a daemon: one line for each thing that happened, for people and for programs.

::

    2026-01-31T12:00:00.000Z info mip6MnRegistered home_address=2001:db8:1::100 care_of_address=2001:db8:2::1

The time is UTC, the level is info, warning or error, and an event's name is that of MOBILEIPV6-MIB
(RFC 4295) where it has one. A value with a space, a quote or nothing in it is in double quotes.
"""

import json
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TextIO

from msgspec import structs

from mipsh.mobility.effects import Effect
from mipsh.model.text import escape
from mipsh.node.happenings import happening

NOT_LOGGED = ("time", "event", "sequence", "lost")
"""What the line says already, and what counts the events of one subscriber only."""

Clock = Callable[[], float]


class Log:
    """Writes lines to a stream; one that is gone hears nothing more. ``clock`` is seconds since the epoch."""

    def __init__(self, stream: TextIO | None, clock: Clock = time.time) -> None:
        self._stream = stream
        self._clock = clock

    def info(self, event: str, **values: object) -> None:
        """Tell what happened."""
        self._write("info", event, values)

    def warning(self, event: str, **values: object) -> None:
        """Tell what is not as it should be."""
        self._write("warning", event, values)

    def error(self, event: str, **values: object) -> None:
        """Tell what failed."""
        self._write("error", event, values)

    def effect(self, at: float, effect: Effect) -> None:
        """Tell what an effect of the node says, if it says something; ``at`` is not used: it is now."""
        told = happening(effect, at)
        if told is not None:
            said = {name: value for name, value in structs.asdict(told).items() if name not in NOT_LOGGED}
            self.info(told.event, **said)

    def _write(self, level: str, event: str, values: dict[str, object]) -> None:
        if self._stream is None:
            return
        when = datetime.fromtimestamp(self._clock(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        words = [f"{name}={_shown(value)}" for name, value in values.items() if value not in (None, "", ())]
        try:
            self._stream.write(" ".join((when, level, event, *words)) + "\n")
            self._stream.flush()
        except (OSError, ValueError):
            self._stream = None


def _shown(value: object) -> str:
    """Return a value as one word."""
    text = ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
    text = escape(text)
    return text if text and not set(text) & set(' "=') else json.dumps(text, ensure_ascii=False)
