"""A configuration as TOML text: what ``tomllib`` reads back as the same values.

Fields that have their default are left out, so that the file says what is particular about a node.
"""

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Struct


def dumps(config: Struct) -> str:
    """Return a configuration as TOML."""
    return "\n".join(_lines(_particular(config), ())) + "\n"


def _particular(value: Struct) -> dict[str, Any]:
    """Return the fields that differ from their defaults, nested ones alike."""
    shown: dict[str, Any] = {}
    for field in msgspec.structs.fields(value):
        found = getattr(value, field.name)
        default = field.default
        if field.default_factory is not msgspec.NODEFAULT:
            default = field.default_factory()
        if found is None or found == default:
            continue
        shown[field.name] = _plain(found)
    return shown


def _plain(value: Any) -> Any:
    if isinstance(value, Struct):
        return _particular(value)
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return value


def _lines(table: dict[str, Any], path: tuple[str, ...]) -> Iterator[str]:
    """Yield a table's own keys, then the tables in it: those are never in between."""
    for key, value in table.items():
        if not _is_table(value) and not _is_array_of_tables(value):
            yield f"{key} = {_scalar(value)}"
    for key, value in table.items():
        name = (*path, key)
        if _is_table(value):
            yield from ("", f"[{'.'.join(name)}]", *_lines(value, name))
        elif _is_array_of_tables(value):
            for item in value:
                yield from ("", f"[[{'.'.join(name)}]]", *_lines(item, name))


def _is_table(value: Any) -> bool:
    return isinstance(value, dict)


def _is_array_of_tables(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(map(_is_table, value))


def _scalar(value: Any) -> str:
    """Return a value; a string of TOML is one of JSON here, since nothing in it is beyond that."""
    return msgspec.json.encode(value).decode()
