"""The configuration files of this node: read within bounds, and found by the daemon that runs here.

What may not be read is said with what it takes. A named pipe or a device is no configuration file.
"""

import errno
import os
import stat
from collections.abc import Sequence
from itertools import islice, pairwise
from pathlib import Path

from msgspec import Struct

from mipsh.checks.sources import Process
from mipsh.config_files.including import MOST_FILES, Whole, read_whole
from mipsh.config_files.syntax import LARGEST_BYTES, decode
from mipsh.errors import CannotTell
from mipsh.linux.facts_files import processes

DEFAULTS = ("/etc/mip6d.conf", "/usr/local/etc/mip6d.conf")
"""Where a daemon that was started without -c looks, as distributions and the source build it."""
FILE_FLAGS = ("-c", "--config-file")
LONGEST_PATTERN = 1024
MOST_WILD = 3
WILD = "*?["
ROLE_FLAGS = {
    **dict.fromkeys(("-M", "--mobile-node"), "MN"),
    **dict.fromkeys(("-H", "--home-agent"), "HA"),
    **dict.fromkeys(("-C", "--correspondent-node"), "CN"),
}


class NodeFiles:
    """The files of this node."""

    def read(self, path: str) -> str:
        """Return the text of a file; raises CannotTell where it cannot be read, Fault where it is no text."""
        try:
            return decode(_bytes(path), path)
        except OSError as error:
            raise CannotTell(f"cannot read {path}: {error.strerror}", _advice(error)) from error
        except ValueError as error:
            raise CannotTell(f"cannot read {path!r}: {error}") from error

    def matching(self, pattern: str, beside: str) -> Sequence[str]:
        """Return the files that a pattern matches, relative to the folder of the file that it is in."""
        wild = [part for part in pattern.split("/") if _is_wild(part)]
        if len(pattern) > LONGEST_PATTERN or len(wild) > MOST_WILD or "**" in pattern:
            raise CannotTell(f"'{pattern[:80]}' has too many wildcards to look for", "name the folder")
        path = Path(beside).parent / pattern
        if not wild:
            return [str(path)] if os.path.lexists(path) else []
        found = Path(path.anchor or ".").glob(str(path.relative_to(path.anchor)))
        shown = (str(one) for one in found if not _is_hidden(path, one))
        return sorted(islice(shown, MOST_FILES + 1))

    def identity(self, path: str) -> str:
        """Return the path with links followed."""
        return os.path.realpath(path)


class Running(Struct, frozen=True):
    """The configuration of a daemon that runs here, or of the one that would: ``role`` where it was started with one.

    ``is_named`` where it was started with ``-c``.
    """

    path: str
    is_named: bool
    pid: int | None = None
    role: str | None = None


def whole(path: str) -> Whole:
    """Return a configuration with what it includes; raises CannotTell."""
    return read_whole(path, NodeFiles())


def running() -> Running:
    """Return which file the mip6d of this network namespace has; raises CannotTell where there is none."""
    here = [process for process in processes()[0] if process.is_here is not False]
    path, is_named = place(here)
    if not path:
        what = "no mip6d runs here" if not here else f"mip6d (process {here[0].pid}) was started without -c"
        raise CannotTell(f"{what}, and there is no {' or '.join(DEFAULTS)}", "name a file")
    roles = [ROLE_FLAGS[word] for process in here[:1] for word in process.arguments if word in ROLE_FLAGS]
    return Running(path, is_named, here[0].pid if here else None, roles[-1] if roles else None)


def place(found: Sequence[Process]) -> tuple[str, bool]:
    """Return the path of the file that the daemon here was started with, and whether it was named; else a default."""
    for process in found:
        if process.is_here is False:
            continue
        for flag, value in pairwise(process.arguments):
            if flag in FILE_FLAGS:
                return str(Path(f"/proc/{process.pid}/cwd") / value), True
    return next((path for path in DEFAULTS if Path(path).exists()), ""), False


def _is_wild(part: str) -> bool:
    return any(sign in part for sign in WILD)


def _is_hidden(pattern: Path, found: Path) -> bool:
    """Tell whether a wildcard would match a leading period, which it does not (glob(7))."""
    pairs = zip(reversed(pattern.parts), reversed(found.parts), strict=False)
    return any(name.startswith(".") and _is_wild(part) and not part.startswith(".") for part, name in pairs)


def _bytes(path: str) -> bytes:
    """Return the content of a plain file, up to one byte more than a configuration file may have; raises OSError."""
    opened = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(opened, "rb") as stream:
        if not stat.S_ISREG(os.fstat(opened).st_mode):
            raise OSError(errno.EINVAL, "it is no plain file")
        return stream.read(LARGEST_BYTES + 1)


def _advice(error: OSError) -> str:
    if error.errno in (errno.EACCES, errno.EPERM):
        return "run mipsh as root, or as the owner of the file"
    return "check the path" if error.errno == errno.ENOENT else ""
