"""What files say of this node, for checks: its kernel, settings, counters, processes, logs and clocks.

Every function returns a value and where it is from. It raises OSError for a file that cannot be read, and
ValueError for one that says nothing of what it should. All sizes are bounded.
"""

import ctypes
import errno
import os
import re
import time
import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from mipsh.checks.sources import Clocks, Group, Kernel, KernelConfig, LogLine, Process
from mipsh.wire.address import text

LARGEST = 8 << 20
"""Bytes that are read of a file."""
LARGEST_SYMBOLS = 64 << 20
LONGEST_SETTING = 64 << 10
LAST_OF_LOG = 256 << 10
PROC, SETTINGS = Path("/proc"), Path("/proc/sys")
NET = Path("/proc/thread-self/net")
"""Of the network namespace that the thread is in, which need not be that of the process."""
DAEMON = "mip6d"
SYSTEM_LOGS = ("/var/log/daemon.log", "/var/log/syslog", "/var/log/messages")
UNSYNCHRONISED = 0x40
_TIMEX_SIZE, _TIMEX_STATUS = 512, 40
_OPTION = re.compile(r"^CONFIG_(\w+)=(.*)$", re.MULTILINE)
_SYMBOL = re.compile(r" ((?:mip6|xfrm|ip6_tnl|fib6|esp6|ah6|nf_)\w*)")
_NAME = re.compile(r"[\w.@:+-]+(?:/[\w.@:+-]+)*")


def contents(path: str | os.PathLike[str], most: int = LARGEST) -> bytes:
    """Return the content of a file, up to ``most`` bytes; raises OSError, also for one that is no plain file."""
    with Path(path).open("rb") as stream:
        return stream.read(most)


def words(path: str | os.PathLike[str], most: int = LARGEST) -> str:
    """Return the text of a file."""
    return contents(path, most).decode("utf-8", "replace")


def kernel() -> tuple[Kernel, str]:
    """Return the release, and the distribution where that is said."""
    name = ""
    with suppress(OSError):
        found = re.search(r'^PRETTY_NAME="?([^"\n]*)', words("/etc/os-release"), re.MULTILINE)
        name = found[1] if found else ""
    return Kernel(os.uname().release, name), "uname -r"


def kernel_config(release: str) -> tuple[KernelConfig, str]:
    """Return how the kernel of this release was built; raises OSError with what hindered at each of the places."""
    modules = Path("/lib/modules") / release
    places = (PROC / "config.gz", Path("/boot") / f"config-{release}", modules / "config")
    hindered: list[OSError] = []
    for place in places:
        try:
            found = options(place)
        except OSError as error:
            hindered.append(error)
            continue
        return KernelConfig(found, loaded(), _built_in(modules), str(place)), str(place)
    forbidden = [one for one in hindered if one.errno in (errno.EACCES, errno.EPERM)]
    raise OSError(forbidden[0].errno if forbidden else errno.ENOENT, f"none of {', '.join(map(str, places))} is there")


def options(path: Path) -> dict[str, str]:
    """Return the options that a file sets; raises OSError, also where it sets none."""
    data = contents(path)
    if path.suffix == ".gz":
        try:
            data = zlib.decompressobj(31).decompress(data, LARGEST)
        except zlib.error as error:
            raise OSError(errno.EIO, f"{path}: {error}") from None
    found = {name: value.strip('"') for name, value in _OPTION.findall(data.decode("utf-8", "replace"))}
    if not found:
        raise OSError(errno.EIO, f"{path} sets no option")
    return found


def loaded() -> frozenset[str]:
    """Return the modules that are loaded; none where the kernel has no modules."""
    with suppress(OSError):
        return frozenset(line.partition(" ")[0] for line in words(PROC / "modules").splitlines())
    return frozenset()


def _built_in(modules: Path) -> frozenset[str]:
    with suppress(OSError):
        listed = words(modules / "modules.builtin").splitlines()
        return frozenset(Path(line).name.partition(".ko")[0].replace("-", "_") for line in listed)
    return frozenset()


def symbols() -> tuple[frozenset[str], str]:
    """Return the names of the kernel's functions that have to do with mobility, IPsec, tunnels and filters."""
    path = PROC / "kallsyms"
    return frozenset(_SYMBOL.findall(words(path, LARGEST_SYMBOLS))), str(path)


def counters(path: Path) -> dict[str, int]:
    """Return the counters of a file of lines ``NAME VALUE``; raises ValueError where it has none."""
    found: dict[str, int] = {}
    for line in words(path).splitlines():
        name, _, value = line.partition(" ") if "\t" not in line else line.partition("\t")
        if value.strip().lstrip("-").isdecimal():
            found[name.strip()] = int(value)
    if not found:
        raise ValueError(f"{path} has no counters")
    return found


def xfrm_stat() -> tuple[dict[str, int], str]:
    """Return what XFRM counts."""
    path = NET / "xfrm_stat"
    return counters(path), "/proc/net/xfrm_stat"


def snmp6(interface: str) -> tuple[dict[str, int], str]:
    """Return what IPv6 counts, of the node or of an interface; raises ValueError for what is no name of one."""
    if not interface:
        return counters(NET / "snmp6"), "/proc/net/snmp6"
    if "/" in interface or interface in (".", ".."):
        raise ValueError(f"'{interface}' is no interface")
    return counters(NET / "dev_snmp6" / interface), f"/proc/net/dev_snmp6/{interface}"


def setting(name: str) -> tuple[str | None, str]:
    """Return a setting below /proc/sys; None where there is no such setting. Raises ValueError for no name of one."""
    if not _NAME.fullmatch(name) or ".." in name.split("/"):
        raise ValueError(f"'{name}' is no setting")
    path = SETTINGS / name
    try:
        return words(path, LONGEST_SETTING).strip(), str(path)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None, str(path)


def groups(name: str) -> tuple[tuple[Group, ...], str]:
    """Return the addresses in /proc/net/igmp6 or anycast6."""
    return tuple(read_groups(words(NET / name))), f"/proc/net/{name}"


def read_groups(listed: str) -> Iterator[Group]:
    """Yield the addresses of such a file; lines that cannot be read are left out."""
    for line in listed.splitlines():
        found = line.split()
        with suppress(ValueError, IndexError):
            address = bytes.fromhex(found[2])
            if len(address) == 16:
                yield Group(text(address), found[1])


def processes(names: Collection[str] = (DAEMON,)) -> tuple[tuple[Process, ...], str]:
    """Return the processes of some names, of mip6d where none is said, in any network namespace."""
    own = _namespace("thread-self")
    boot = time.time() - time.clock_gettime(time.CLOCK_BOOTTIME)
    found = (_process(entry, names, own, boot) for entry in PROC.iterdir() if entry.name.isdecimal())
    return tuple(sorted((one for one in found if one is not None), key=lambda one: one.pid)), "/proc/PID"


def _process(entry: Path, names: Collection[str], own: tuple[int, int] | None, boot: float) -> Process | None:
    """Return a process where it has one of the names; None for others, and for one that has gone."""
    try:
        name = words(entry / "comm", 64).strip()
        if name not in names:
            return None
        arguments = contents(entry / "cmdline", LARGEST).rstrip(b"\0").split(b"\0")
        behind = words(entry / "stat", 4096).rpartition(")")[2].split()
        user = entry.stat().st_uid
    except OSError:
        return None
    theirs = _namespace(entry.name)
    started = int(behind[19]) / os.sysconf("SC_CLK_TCK") if len(behind) > 19 else None
    return Process(
        int(entry.name),
        name,
        tuple(word.decode("utf-8", "replace") for word in arguments),
        None if theirs is None or own is None else theirs == own,
        user,
        int(behind[1]) if len(behind) > 1 else None,
        None if started is None else boot + started,
        started,
    )


def _namespace(process: str) -> tuple[int, int] | None:
    with suppress(OSError):
        found = (PROC / process / "ns" / "net").stat()
        return found.st_dev, found.st_ino
    return None


def log(named: Iterable[str]) -> tuple[tuple[LogLine, ...], str]:
    """Return the daemon's last lines: of the first of the files named that can be read, else of the system's log.

    Raises OSError: of a file that is there and may not be read, before that of files that are not there.
    """
    hindered: list[OSError] = []
    for path, is_own in (*((one, True) for one in named), *((one, False) for one in SYSTEM_LOGS)):
        try:
            listed = _tail(path)
        except OSError as error:
            hindered.append(error)
            continue
        return tuple(LogLine(line) for line in listed if is_own or DAEMON in line), path
    forbidden = [one for one in hindered if one.errno in (errno.EACCES, errno.EPERM)]
    if forbidden:
        raise forbidden[0]
    raise OSError(errno.ENOENT, "the daemon names no log file, and the journal is not read")


def _tail(path: str) -> list[str]:
    with Path(path).open("rb") as stream:
        size = stream.seek(0, os.SEEK_END)
        stream.seek(max(size - LAST_OF_LOG, 0))
        lines = stream.read(LAST_OF_LOG).decode("utf-8", "replace").splitlines()
    return lines[1:] if size > LAST_OF_LOG else lines


def clocks() -> tuple[Clocks, str]:
    """Return the clocks, and whether the kernel says that something keeps the time (adjtimex(2))."""
    status = _clock_status()
    synchronised = None if status is None else not status & UNSYNCHRONISED
    return Clocks(time.time(), time.clock_gettime(time.CLOCK_BOOTTIME), synchronised), "clock_gettime(2), adjtimex(2)"


def _clock_status() -> int | None:
    asked = ctypes.create_string_buffer(_TIMEX_SIZE)
    if ctypes.CDLL(None).adjtimex(asked) < 0:
        return None
    return ctypes.c_int.from_buffer(asked, _TIMEX_STATUS).value
