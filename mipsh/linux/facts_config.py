"""The daemon's configuration file, for checks: found by the daemon's own arguments, read with its includes.

What is wrong with a file is told as a fault of the configuration, not as one of reading it: the daemon has the
same trouble with it.
"""

from collections.abc import Iterator
from pathlib import Path

from mipsh.checks.sources import Configuration, Key, Setting, Unreadable
from mipsh.config_files.findings import Severity
from mipsh.config_files.including import read_whole
from mipsh.config_files.tree import Kind as ValueKind
from mipsh.config_files.tree import Statement, Value
from mipsh.errors import CannotTell
from mipsh.linux.config_files import DEFAULTS, NodeFiles, place
from mipsh.linux.facts_files import processes


def reader(argument: str) -> tuple[Configuration, str]:
    """Return the configuration of the daemon in this network namespace, or the one that it would read.

    Raises Unreadable where there is none, OSError where it may not be read.
    """
    path, is_named = place(processes()[0])
    if not path:
        raise Unreadable(Key.CF, f"no mip6d runs here with -c FILE, and there is no {' or '.join(DEFAULTS)}")
    return configuration(path, is_named), path


def configuration(path: str, is_named: bool = True) -> Configuration:
    """Return what a file says, with those that it includes; raises OSError for the file itself."""
    modified = Path(path).stat().st_mtime
    try:
        found = read_whole(path, NodeFiles())
    except CannotTell as error:
        if isinstance(error.__cause__, OSError):
            raise error.__cause__ from None
        raise
    settings = tuple(setting(statement) for statement in found.statements if statement.name)
    faults = tuple(f"{one.place}: {one.message}" for one in found.findings if one.severity is Severity.ERROR)
    return Configuration(path, settings, faults, is_named, modified)


def setting(statement: Statement) -> Setting:
    """Return a statement as checks see it: its values as texts, a list as its items."""
    values = tuple(text for value in statement.values for text in _texts(value))
    block = tuple(setting(inner) for inner in statement.body or () if inner.name)
    return Setting(statement.name, values, block, statement.place.file, statement.place.line)


def _texts(value: Value) -> Iterator[str]:
    if value.kind is ValueKind.LIST:
        for item in value.items:
            yield from _texts(item)
    else:
        yield value.text
