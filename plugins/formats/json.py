"""One JSON document a command; unknown is null, empty is []."""

import re
from collections.abc import Iterator
from typing import Any

from msgspec import json

from mipsh.render.format import Document, Format, Style

_UNSAFE = re.compile("[\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]")


def text_of(value: Any) -> str:
    """Return a value as JSON in which no character can act on a terminal (C1, bidi: ``\\\\uXXXX``)."""
    text = json.encode(value).decode()
    return text if text.isascii() else _UNSAFE.sub(lambda match: f"\\u{ord(match[0]):04x}", text)


def render(document: Document, style: Style) -> Iterator[str]:
    """Write the document: indented for people, a line of its own in a stream."""
    whole = {**document.envelope(), "data": document.data()}
    text = text_of(whole)
    if style.stream:
        yield text + "\n"
    else:
        yield json.format(text, indent=2) + "\n"


FORMAT = Format("json", "one JSON document: an envelope with data, errors and warnings", render)
