"""Reads a node's configuration file: TOML, or mip6d.conf syntax.

A file is TOML or mip6d.conf by its suffix, ``.toml`` or ``.conf``; any other one by how it begins.
An error names the file, the line, the column where it is known, and what was expected there.
"""

import re
from collections.abc import Callable, Iterable
from pathlib import Path
from types import NoneType
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from msgspec import Struct, ValidationError, convert, structs

from mipsh.errors import ConfigError
from mipsh.grammar.phrases import nearest
from mipsh.node import places
from mipsh.node.build import understand
from mipsh.node.config import Name, NodeConfig
from mipsh.node.fields import FieldError
from mipsh.node.places import Place

MAX_SIZE = 1024 * 1024
STATEMENT = re.compile(r"\s*[A-Za-z][A-Za-z0-9]*\b(?!\s*[=.-])")
"""How the first line of a mip6d.conf begins: a word that nothing is assigned to."""


TYPES = {
    "str": "a text",
    "int": "a whole number",
    "float": "a number",
    "bool": "true or false",
    "array": "a list",
    "object": "a table",
}
"""What msgspec's names for types mean to people."""


class Located(NamedTuple):
    """A configuration, and where its fields stand in the file."""

    config: NodeConfig
    places: dict[str, Place]


def load(path: str) -> NodeConfig:
    """Return the configuration in a file; raises ConfigError."""
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        raise ConfigError(f"there is no file {path}") from None
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    return parse(raw, path)


def parse(raw: bytes, path: str) -> NodeConfig:
    """Return the configuration that the bytes of a file hold, checked to the end; raises ConfigError."""
    if len(raw) > MAX_SIZE:
        raise ConfigError(f"{path} is larger than {MAX_SIZE >> 20} MiB: it is not a node's configuration")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8") from None
    located = _read(text, path)
    check(located.config, lambda field: places.find(located.places, field).of(path))
    return located.config


def check(config: NodeConfig, where: Callable[[str], str]) -> None:
    """Refuse what cannot be built; ``where`` returns the place of a field. Raises ConfigError."""
    try:
        understand(config)
    except FieldError as error:
        raise ConfigError(f"{where(error.field)}: {error.message}", error.hint) from None


def _read(text: str, path: str) -> Located:
    if not is_mip6d_conf(text, path):
        return _toml(text, path)
    from mipsh.node import mip6d_conf

    return Located(*mip6d_conf.translate(text, path))


def is_mip6d_conf(text: str, path: str) -> bool:
    """Tell whether a file is in mip6d's syntax."""
    suffix = Path(path).suffix
    if suffix in (".toml", ".conf"):
        return suffix == ".conf"
    lines = (line for line in text.split("\n") if line.strip() and not line.lstrip().startswith("#"))
    return STATEMENT.match(next(lines, "")) is not None


def _toml(text: str, path: str) -> Located:
    import tomllib

    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"\s*\(at (?:line (\d+), column (\d+)|end of document)\)", str(error))
        line, column = (int(found[1]), int(found[2])) if found and found[1] else (text.count("\n") + 1, None)
        message = str(error)[: found.start()] if found else str(error)
        raise ConfigError(f"{Place(line, column).of(path)}: not TOML: {message}") from None
    except (RecursionError, ValueError) as error:  # so deep, or so large a number
        raise ConfigError(f"{path}:1: not a node's configuration: {error}") from None
    known = places.in_toml(text)
    try:
        return Located(convert(table, NodeConfig), known)
    except ValidationError as error:
        fault = _fault(table, NodeConfig, "") or FieldError("", str(error))
    named = fault.message if fault.field else fault.problem
    raise ConfigError(f"{places.find(known, fault.field).of(path)}: {named}", fault.hint)


def _fault(value: object, kind: Any, field: str) -> FieldError | None:
    """Return what is wrong with a value, and where exactly; None where it is fine."""
    try:
        convert(value, kind)
    except ValidationError as error:
        problem = str(error).split(" - at ")[0]
    else:
        return None
    table, item = _shape(kind)
    if table is not None and isinstance(value, dict):
        return _table_fault(value, table, field)
    if item is not None and isinstance(value, list):
        faults = (_fault(one, item, f"{field}[{index}]") for index, one in enumerate(value))
        return next((fault for fault in faults if fault is not None), FieldError(field, problem))
    return FieldError(field, f"expected {_expected(problem, kind)}, found {_shown(value)}")


def _shape(kind: Any) -> tuple[type[Struct] | None, Any]:
    """Return the Struct that a type stands for, and the type of its items; None where it is something else."""
    while hasattr(kind, "__metadata__"):
        kind = kind.__origin__
    choices = [choice for choice in get_args(kind) if choice is not NoneType]
    if NoneType in get_args(kind) and len(choices) == 1:
        return _shape(choices[0])
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind, None
    return None, choices[0] if get_origin(kind) is tuple and choices[-1] is Ellipsis else None


def _table_fault(table: dict[str, object], kind: type[Struct], field: str) -> FieldError | None:
    """Return what is wrong in a table: an unknown key, one that is missing, or the first value that does not fit."""
    before = f"{field}." if field else ""
    declared = {one.name: one for one in structs.fields(kind)}
    for key in table:
        if key not in declared:
            return FieldError(f"{before}{key}", "there is no such field", _meant(key, declared))
    for name, one in declared.items():
        if one.required and name not in table:
            return FieldError(f"{before}{name}", "is missing", "every file has it" if not field else "")
    hints = get_type_hints(kind, include_extras=True)
    faults = (_fault(value, hints[key], f"{before}{key}") for key, value in table.items())
    return next((fault for fault in faults if fault is not None), None)


def _meant(key: str, known: Iterable[str]) -> str:
    near = nearest(key, known)
    return f"did you mean {' or '.join(near)}?" if near else f"fields: {', '.join(known)}"


def _expected(problem: str, kind: Any) -> str:
    """Return what was expected, in words for people."""
    if get_origin(kind) is Literal:
        return f"one of {', '.join(get_args(kind))}"
    if kind is Name:
        return "a name of up to 15 letters, digits, '_', '.' and '-'"
    said = problem.partition(", got ")[0].removeprefix("Expected ")
    return re.sub(r"`(\w+)(?: \| null)?`", lambda match: TYPES.get(match[1], match[1]), said)


def _shown(value: object) -> str:
    if isinstance(value, dict | list):
        return "a table" if isinstance(value, dict) else "a list"
    if isinstance(value, bool):
        return str(value).lower()
    return f"'{value}'"
