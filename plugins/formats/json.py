"""One JSON document a command; unknown is null, empty is []."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import json

from mipsh.render.format import Document, Format, Style, encodable

_NOT_PLAIN = re.compile("[^\x20-\x7e]")


def text_of(value: Any) -> str:
    """Return a value as JSON in ASCII: nothing in it acts on a terminal or is lost in an encoding."""
    try:
        text = json.encode(value).decode()
    except UnicodeEncodeError:
        text = json.encode(encodable(value)).decode()
    return text if text.isascii() and text.isprintable() else _NOT_PLAIN.sub(_escaped, text)


def _escaped(match: re.Match[str]) -> str:
    units = match[0].encode("utf-16-be").hex()
    return "".join(f"\\u{units[at : at + 4]}" for at in range(0, len(units), 4))


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the document: indented for people, a line of its own in a stream."""
    whole = {**document.envelope(), "data": document.data()}
    text = text_of(whole)
    if style.stream:
        yield text + "\n"
    else:
        yield json.format(text, indent=2) + "\n"


FORMAT = Format("json", "one JSON document: an envelope with data, errors and warnings", render)
