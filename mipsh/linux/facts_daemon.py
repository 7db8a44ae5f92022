"""What surrounds the daemon, for checks: its name for itself, its log's permissions, the units that start it."""

import re
import shlex
import socket
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

from mipsh.checks.sources import Service
from mipsh.linux.facts_files import DAEMON, words

NAME = "localhost"
PATIENCE_S = 2.0
KEY_MANAGERS = ("charon", "charon-systemd", "iked", "isakmpd", "pluto", "racoon", "spmd", "starter")
"""Names of the processes of IKE daemons: strongSwan, racoon2, OpenBSD's, Libreswan, racoon."""
UNITS = ("/etc/systemd/system", "/run/systemd/system", "/usr/local/lib/systemd/system", "/usr/lib/systemd/system")
"""Where units are, those first that count before others of the same name."""
MOST_UNITS = 2000
LARGEST_UNIT = 64 << 10
SIMPLE = "simple"
_TYPE = re.compile(r"^[ \t]*Type[ \t]*=[ \t]*(\S+)", re.MULTILINE)
_START = re.compile(r"^[ \t]*ExecStart[ \t]*=[ \t]*[-@:+!|]*(.*)$", re.MULTILINE)


def localhost() -> tuple[tuple[str, ...], str]:
    """Return the addresses of localhost, none where it has none; raises ValueError where nobody says so in time."""
    found: list[str] = []

    def ask() -> None:
        with suppress(socket.gaierror):
            found.extend(str(one[4][0]) for one in socket.getaddrinfo(NAME, None, type=socket.SOCK_STREAM))

    asking = Thread(target=ask, daemon=True)
    asking.start()
    asking.join(PATIENCE_S)
    if asking.is_alive():
        raise ValueError(f"{NAME} was not resolved within {PATIENCE_S:g} s")
    return tuple(dict.fromkeys(found)), "getaddrinfo(3)"


def mode(path: str) -> tuple[int | None, str]:
    """Return the permissions of a file; None where there is none. Raises OSError."""
    try:
        return Path(path).stat().st_mode & 0o7777, path
    except (FileNotFoundError, NotADirectoryError):
        return None, path


def services(folders: tuple[str, ...] = UNITS) -> tuple[tuple[Service, ...], str]:
    """Return the units of systemd that start mip6d; files that cannot be read are passed over."""
    found: dict[str, Service] = {}
    for folder in folders:
        for path in sorted(Path(folder).glob("*.service"))[:MOST_UNITS]:
            with suppress(OSError):
                for service in _service(path):
                    found.setdefault(service.name, service)
    return tuple(found.values()), ", ".join(folders)


def _service(path: Path) -> Iterator[Service]:
    if not path.is_file():
        return
    text = words(path, LARGEST_UNIT).replace("\\\n", " ")
    start, kind = _START.findall(text), _TYPE.findall(text)
    if start and DAEMON in start[-1]:
        yield Service(path.name, kind[-1] if kind else SIMPLE, _split(start[-1]), str(path))


def _split(command: str) -> tuple[str, ...]:
    try:
        return tuple(shlex.split(command))
    except ValueError:
        return tuple(command.split())
