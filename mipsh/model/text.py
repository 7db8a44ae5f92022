"""The one gate through which outside text reaches people, and how values read as text.

Everything that a network, a daemon, a file or a plugin said passes ``escape`` before a terminal
sees it: control characters (C0, C1, DEL), line and paragraph separators, bidirectional and other
controls and characters that show nothing (Unicode's Default_Ignorable_Code_Point), and lone
surrogates become visible ``\\x1b``-style escapes.
"""

import math
import re
from collections.abc import Mapping

from mipsh.model.columns import Kind

_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e"
    "\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
)
_UNSAFE_LINE = re.compile(_UNSAFE.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))

UNKNOWN = "-"


def escape(text: str) -> str:
    """Return the text with everything that could act on a terminal made visible, on one line."""
    if text.isascii() and text.isprintable():  # nearly everything, and much the fastest way to know
        return text
    return _UNSAFE.sub(_visible, text)


def escape_lines(text: str) -> str:
    """Return ``escape`` of a text, its line feeds kept and its tabs made spaces."""
    if text.isascii() and text.isprintable():
        return text
    return _UNSAFE_LINE.sub(_visible, text.expandtabs(8))


def _visible(match: re.Match[str]) -> str:
    code = ord(match[0])
    if code > 0xFFFF:
        return f"\\U{code:08x}"
    return f"\\x{code:02x}" if code <= 0xFF else f"\\u{code:04x}"


def duration(seconds: float) -> str:
    """Return seconds as people read them: ``250ms``, ``7s``, ``5m09s``, ``23h59m``, ``4d02h``; sign kept."""
    if not -math.inf < seconds < math.inf:
        return f"{seconds}s"
    sign, whole = ("-" if seconds < 0 else ""), abs(int(seconds))
    if seconds and not whole:
        return f"{sign}{abs(seconds) * 1000:.0f}ms"
    minutes, rest = divmod(whole, 60)
    hours, minutes_left = divmod(minutes, 60)
    days, hours_left = divmod(hours, 24)
    if days:
        return f"{sign}{days}d{hours_left:02d}h"
    if hours:
        return f"{sign}{hours}h{minutes_left:02d}m"
    if minutes:
        return f"{sign}{minutes}m{rest:02d}s"
    return f"{sign}{whole}s"


def plain(value: object) -> str:
    """Return a value as one exact word for machines (CSV, ``--where``); unknown is empty."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple | list):
        return " ".join(plain(item) for item in value)
    if isinstance(value, Mapping):
        return " ".join(f"{name}={plain(item)}" for name, item in value.items())
    return str(value)


def human(value: object, kind: Kind = Kind.TEXT) -> str:
    """Return a value as people read it in a cell, escaped; unknown is ``-``."""
    if value is None or value in ((), {}, []):
        return UNKNOWN
    if isinstance(value, bool):
        return "yes" if value else "no"
    if kind is Kind.SECONDS and isinstance(value, int | float):
        return duration(value)
    if kind is Kind.FLAGS and isinstance(value, tuple | list) and all(len(str(flag)) == 1 for flag in value):
        return escape("".join(str(flag) for flag in value))
    if kind is Kind.LINES and isinstance(value, tuple | list):
        return escape("; ".join(plain(line) for line in value))
    if isinstance(value, float):
        return f"{value:g}"
    return escape(plain(value))
