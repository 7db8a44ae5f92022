"""The daemon's configuration file, for checks: found by the daemon's own arguments, read with its includes.

What is wrong with a file is told as a fault of the configuration, not as one of reading it: the daemon has the
same trouble with it.
"""

from collections.abc import Iterator, Sequence
from itertools import islice, pairwise
from pathlib import Path

from mipsh.checks.sources import Configuration, Key, Process, Setting, Unreadable
from mipsh.config_files.syntax import LARGEST_BYTES, decode, parse
from mipsh.config_files.tree import Fault, Statement, Value
from mipsh.config_files.tree import Kind as ValueKind
from mipsh.linux.facts_files import contents, processes

DEFAULTS = ("/etc/mip6d.conf", "/usr/local/etc/mip6d.conf")
"""Where a daemon that was started without -c looks, as distributions and the source build it."""
DEEPEST, MOST_FILES = 8, 100
_FLAGS = ("-c", "--config-file")


def reader(argument: str) -> tuple[Configuration, str]:
    """Return the configuration of the daemon in this network namespace, or the one that it would read.

    Raises Unreadable where there is none, OSError where it may not be read.
    """
    path, is_named = place(processes()[0])
    if not path:
        raise Unreadable(Key.CF, f"no mip6d runs here with -c FILE, and there is no {' or '.join(DEFAULTS)}")
    return configuration(path, is_named), path


def place(found: Sequence[Process]) -> tuple[str, bool]:
    """Return the path of the file that the daemon here was started with, and whether it was named; else a default."""
    for process in found:
        if process.is_here is False:
            continue
        for flag, value in pairwise(process.arguments):
            if flag in _FLAGS:
                return str(Path(f"/proc/{process.pid}/cwd") / value), True
    return next((path for path in DEFAULTS if Path(path).exists()), ""), False


def configuration(path: str, is_named: bool = True) -> Configuration:
    """Return what a file says, with those that it includes; raises OSError for the file itself."""
    faults: list[str] = []
    read = [0]
    modified = Path(path).stat().st_mtime
    settings = tuple(_file(path, faults, read, 0))
    return Configuration(path, settings, tuple(faults), is_named, modified)


def _file(path: str, faults: list[str], read: list[int], depth: int) -> Iterator[Setting]:
    read[0] += 1
    try:
        document = parse(decode(contents(path, LARGEST_BYTES + 1), path), path)
    except Fault as error:
        faults.append(error.message)
        return
    for statement in document.statements:
        if statement.is_include:
            yield from _included(statement, path, faults, read, depth)
        elif statement.name:
            yield setting(statement)


def _included(statement: Statement, path: str, faults: list[str], read: list[int], depth: int) -> Iterator[Setting]:
    """Yield the statements of the files that an ``include`` means; relative to the folder of its own file."""
    pattern = Path(path).parent / statement.values[0].text if statement.values else Path()
    if depth == DEEPEST:
        faults.append(f"{statement.place}: files include each other more than {DEEPEST} deep")
        return
    for name in sorted(islice(_meant(pattern), MOST_FILES)):
        if read[0] >= MOST_FILES:
            faults.append(f"{statement.place}: more than {MOST_FILES} files are included")
            return
        try:
            yield from _file(name, faults, read, depth + 1)
        except OSError as error:
            faults.append(f"{statement.place}: cannot read {name}: {error.strerror}")


def _meant(pattern: Path) -> Iterator[str]:
    """Yield the files that a pattern means, in which only the last part may be one."""
    folder, name = pattern.parent, pattern.name
    if name and folder.is_dir():
        yield from (str(path) for path in folder.glob(name) if path.is_file())


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
