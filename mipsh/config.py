"""The configuration file: settings, aliases and startup commands, in TOML.

::

    output = "table"
    engine = "umip://[::1]:7777"
    startup = ["status"]

    [aliases]
    mine = "bul --where cn=$1"

Every error names the file, the line and the key.
"""

import re
from pathlib import Path
from typing import Any

from msgspec import Struct

from mipsh.errors import ConfigError, UsageError
from mipsh.grammar.phrases import nearest
from mipsh.grammar.tokens import quote
from mipsh.settings import Settings, checked

MAX_SIZE = 1024 * 1024
OTHER_KEYS = ("aliases", "startup")


class Config(Struct, frozen=True):
    """What a configuration file says."""

    settings: Settings
    aliases: dict[str, str]
    startup: tuple[str, ...] = ()


def load_config(path: str, required: bool = False) -> Config:
    """Read a configuration file; one that is not there is empty unless it is required.

    Raises ConfigError.
    """
    try:
        raw = Path(path).read_bytes()
    except FileNotFoundError:
        if required:
            raise ConfigError(f"there is no configuration file {path}") from None
        return Config(Settings(), {})
    except OSError as error:
        raise ConfigError(f"cannot read {path}: {error.strerror}") from None
    if len(raw) > MAX_SIZE:
        raise ConfigError(f"{path} is larger than {MAX_SIZE >> 20} MiB: it is not a configuration of mipsh")
    return parse_config(raw, path)


def parse_config(raw: bytes, path: str) -> Config:
    """Understand the bytes of a configuration file; raises ConfigError."""
    import tomllib

    try:
        text = raw.decode("utf-8")
        table = tomllib.loads(text)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ConfigError(f"{path}:{line}: not UTF-8") from None
    except tomllib.TOMLDecodeError as error:
        found = re.search(r"at line (\d+)", str(error))
        last = raw.count(b"\n") + (not raw.endswith(b"\n"))
        raise ConfigError(f"{path}:{found[1] if found else last}: not TOML: {error}") from None
    except (RecursionError, ValueError) as error:
        raise ConfigError(f"{path}:1: not a configuration of mipsh: {error}") from None
    known = (*Settings.__struct_fields__, *OTHER_KEYS)
    for key in table:
        if key not in known:
            near = nearest(key, known)
            hint = f"did you mean {' or '.join(near)}?" if near else f"keys: {', '.join(known)}"
            raise ConfigError(f"{path}:{_line(text, key)}: there is no key '{key}'", hint)
    return Config(_settings(table, text, path), _aliases(table, text, path), _startup(table, text, path))


def _settings(table: dict[str, Any], text: str, path: str) -> Settings:
    settings = Settings()
    for key, value in table.items():
        if key in OTHER_KEYS:
            continue
        try:
            settings = checked(settings, {key: value})
        except UsageError as error:
            raise ConfigError(f"{path}:{_line(text, key)}: {error.message}", error.hint) from None
    return settings


def _aliases(table: dict[str, Any], text: str, path: str) -> dict[str, str]:
    aliases = table.get("aliases", {})
    if not isinstance(aliases, dict):
        raise ConfigError(f"{path}:{_line(text, 'aliases')}: aliases is a table", 'write [aliases] and NAME = "TEXT"')
    for name, value in aliases.items():
        place = f"{path}:{_line(text, name, 'aliases')}"
        if quote(name) != name:
            raise ConfigError(f"{place}: the alias '{name}' cannot be typed as one word", "choose another name")
        if not isinstance(value, str) or not value.strip():
            raise ConfigError(f"{place}: the alias '{name}' is a text that is not empty", 'write NAME = "TEXT"')
    return aliases


def _startup(table: dict[str, Any], text: str, path: str) -> tuple[str, ...]:
    startup = table.get("startup", [])
    if not isinstance(startup, list) or not all(isinstance(line, str) for line in startup):
        raise ConfigError(f"{path}:{_line(text, 'startup')}: startup is a list of lines", 'write startup = ["status"]')
    return tuple(startup)


def _line(text: str, key: str, table: str = "") -> int:
    """Return the line on which a key stands, from 1; that of its table, or the first, where it cannot be found."""
    first = _line(text, table) if table else 1
    before = rf"(?:{table}\s*\.)?" if table else r"\[*"
    pattern = re.compile(rf"\s*{before}\s*[\"']?{re.escape(key)}[\"']?\s*[\]=.]")
    lines = list(enumerate(text.split("\n"), 1))[first - 1 :]
    return next((number for number, line in lines if pattern.match(line)), first)
