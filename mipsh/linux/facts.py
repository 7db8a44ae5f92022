"""The facts of this machine, as checks ask for them: each source read when it is asked for, and only looked at.

Everything is of the network namespace that the thread is in; ``within`` does the reading elsewhere. What the
daemon says, and what takes packets to learn, is brought by the caller. Whatever cannot be read is Unreadable
with the reason, and with the privilege where one would help.
"""

import errno
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

from mipsh.checks.sources import CAP_NET_ADMIN, CAP_NET_RAW, ROOT, Datum, Key, Process, Unreadable
from mipsh.errors import CannotTell, MipshError, RefusedError
from mipsh.linux import facts_daemon, facts_filter, facts_netlink, facts_sockets, facts_xfrm, xfrm
from mipsh.linux import facts_files as files
from mipsh.model.xfrm import Tables
from mipsh.wire.address import parse

Read = tuple[object, str]
Brought = Callable[[str], Read]
"""What the caller brings: from an argument, a value and where it is from; raises MipshError."""
Within = Callable[[Callable[[], Any]], Any]
NETLINK = "netlink"
PAIR_S = 0.5
"""For how long states and policies that were read together are one moment."""
LOG_GROUP = "the group adm, or root"
PRIVILEGES = {
    Key.XP: CAP_NET_ADMIN,
    Key.XS: CAP_NET_ADMIN,
    Key.XD: CAP_NET_ADMIN,
    Key.NF: CAP_NET_ADMIN,
    Key.PK: CAP_NET_RAW,
    Key.LG: LOG_GROUP,
}
"""What it takes to read a source that may not be read; root for the others."""
_FORBIDDEN = (errno.EPERM, errno.EACCES)


class LiveSource:
    """A node that can be read; ``brought`` has what the caller brings, by key (VT, CF, PK)."""

    def __init__(self, brought: Mapping[Key, Brought] | None = None, within: Within | None = None) -> None:
        self._within = within or _here
        self._pair: tuple[float, Tables] | None = None
        self._readers: dict[Key, Brought] = {
            Key.KR: lambda _: files.kernel(),
            Key.KC: _kernel_config,
            Key.XP: lambda _: (self._xfrm().policies, NETLINK),
            Key.XS: lambda _: (self._xfrm().states, NETLINK),
            Key.XD: lambda _: (facts_xfrm.defaults(), NETLINK),
            Key.XT: lambda _: files.xfrm_stat(),
            Key.SN: files.snmp6,
            Key.SY: files.setting,
            Key.NB: lambda _: (facts_netlink.neighbours(), NETLINK),
            Key.PN: lambda _: (facts_netlink.proxies(), NETLINK),
            Key.AD: _addresses,
            Key.RT: _routes,
            Key.RU: lambda _: (facts_netlink.rules(), NETLINK),
            Key.TN: lambda _: (facts_netlink.links(), NETLINK),
            Key.SK: _sockets,
            Key.PR: _processes,
            Key.NF: lambda _: facts_filter.ruleset(),
            Key.LG: _log,
            Key.CK: lambda _: files.clocks(),
            **(brought or {}),
        }

    def read(self, key: Key, argument: str) -> Datum:
        """Return what a source says now; raises Unreadable."""
        reader = self._readers.get(key)
        if reader is None:
            raise Unreadable(key, "nothing here reads it")
        try:
            value, origin = reader(argument) if key is Key.VT else self._within(lambda: reader(argument))
        except Unreadable:
            raise
        except OSError as error:
            raise _unreadable(key, error) from None
        except ValueError as error:
            raise Unreadable(key, str(error)) from None
        except RefusedError as error:
            raise Unreadable(key, error.message, PRIVILEGES.get(key, ROOT)) from None
        except MipshError as error:
            raise Unreadable(key, error.message) from None
        return Datum(value, timestamp(time.time()), origin)

    def _xfrm(self) -> Tables:
        """Return states and policies, of one moment where both are asked for; raises CannotTell for a part of them."""
        now = time.monotonic()
        if self._pair is None or now - self._pair[0] > PAIR_S:
            tables = xfrm.read()
            if tables.unread:
                raise CannotTell(f"only a part could be read: {tables.unread[0]}")
            self._pair = time.monotonic(), tables
            return tables
        _, tables = self._pair
        self._pair = None
        return tables


def _here(work: Callable[[], Any]) -> Any:
    return work()


def timestamp(seconds: float) -> str:
    """Return seconds since the epoch as RFC 3339, UTC, milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _unreadable(key: Key, error: OSError) -> Unreadable:
    where = f"{error.filename}: " if error.filename else ""
    reason = f"{where}{error.strerror or error}"
    return Unreadable(key, reason, PRIVILEGES.get(key, ROOT) if error.errno in _FORBIDDEN else "")


def _kernel_config(argument: str) -> Read:
    if argument == "symbols":
        return files.symbols()
    return files.kernel_config(files.kernel()[0].release)


def _sockets(argument: str) -> Read:
    return facts_daemon.localhost() if argument else (facts_sockets.sockets(), NETLINK)


def _processes(argument: str) -> Read:
    if argument == "services":
        return facts_daemon.services()
    return files.processes(facts_daemon.KEY_MANAGERS if argument else (files.DAEMON,))


def _log(argument: str) -> Read:
    if argument:
        return facts_daemon.mode(argument.partition(" ")[2])
    return files.log(log_files(files.processes()[0]))


def _addresses(argument: str) -> Read:
    if argument == "anycast":
        return files.groups("anycast6")
    if argument == "multicast":
        return files.groups("igmp6")
    return facts_netlink.addresses(), NETLINK


def _routes(argument: str) -> Read:
    if not argument:
        return facts_netlink.routes(), NETLINK
    destination, _, source = argument.partition(" ")
    for one in (destination, source):
        if one:
            parse(one)
    return facts_netlink.route_to(destination, source), f"ip -6 route get {argument}"


def log_files(processes: tuple[Process, ...]) -> list[str]:
    """Return the log files that daemons of this namespace were started with (``-l FILE``)."""
    found = []
    for process in processes:
        if process.is_here is False:
            continue
        for flag, value in zip(process.arguments, process.arguments[1:], strict=False):
            if flag == "-l" and value.startswith("/"):
                found.append(value)
    return found
