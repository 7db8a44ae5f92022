"""Where the fields of a configuration stand in its file, so that an error can say it."""

import re
from collections.abc import Mapping

from msgspec import Struct

HEADER = re.compile(r"\s*(\[\[?)\s*([^\[\]#]+?)\s*\]")
KEY = re.compile(r"\s*([A-Za-z0-9_.\"'\-]+(?:\s*\.\s*[A-Za-z0-9_\"'\-]+)*)\s*=")
LAST = re.compile(r"(?:\.[^.\[]+|\[\d+\]|^[^.\[]+)$")


class Place(Struct, frozen=True):
    """A line, and a column where it is known, both from 1."""

    line: int
    column: int | None = None

    def of(self, path: str) -> str:
        """Return the place in a file, as compilers write it."""
        return f"{path}:{self.line}" if self.column is None else f"{path}:{self.line}:{self.column}"


def find(places: Mapping[str, Place], field: str) -> Place:
    """Return where a field stands: else the table that it would be in, else the first line."""
    while field:
        if field in places:
            return places[field]
        field = LAST.sub("", field)
    return Place(1)


def in_toml(text: str) -> dict[str, Place]:
    """Return where the keys and tables of a TOML document stand, by field: ``interfaces[0].name``."""
    places: dict[str, Place] = {}
    counts: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.split("\n"), 1):
        header, key = HEADER.match(line), KEY.match(line)
        if header is not None:
            table = _table(header[2], header[1] == "[[", counts)
            places.setdefault(table, Place(number))
        elif key is not None:
            field = table
            for part in _parts(key[1]):
                field = f"{field}.{part}" if field else part
                places.setdefault(field, Place(number))
    return places


def _table(name: str, is_one_of_several: bool, counts: dict[str, int]) -> str:
    """Return the field that a header begins: of arrays, the last table that was begun."""
    field, parts = "", _parts(name)
    for position, part in enumerate(parts):
        field = f"{field}.{part}" if field else part
        if is_one_of_several and position == len(parts) - 1:
            counts[field] = counts.get(field, -1) + 1
        if field in counts:
            field = f"{field}[{counts[field]}]"
    return field


def _parts(name: str) -> list[str]:
    return [part.strip().strip("\"'") for part in name.split(".")]
