"""The facts of a recorded node: a folder with what was dumped and printed of it, for the checks that it can answer.

Of a node N: ``N.getsa.nl`` and ``N.getpolicy.nl`` (dumps of XFRM), and as text ``N.addr.txt``, ``.link``,
``.tunnel``, ``.route``, ``.rule``, ``.neigh``, ``.proxy``, ``.snmp6``, ``.xfrm_stat`` (iproute2, /proc/net),
``.uname`` (uname -r), ``.sysctl`` (sysctl -a), ``.kconfig``; and ``N.log``. What is not in the folder is
Unreadable: a moment that has gone by cannot be asked. Files are text from outside, of bounded size.
"""

import os
import re
from collections.abc import Callable, Iterable, Mapping
from ipaddress import IPv6Address
from pathlib import Path

from mipsh.checks.sources import Datum, Kernel, KernelConfig, Key, LogLine, Route, Unreadable
from mipsh.errors import MipshError, UsageError
from mipsh.linux import facts_text, route_text, xfrm
from mipsh.linux.facts import Brought
from mipsh.linux.facts_files import words
from mipsh.model.xfrm import Tables

LARGEST = 8 << 20
LAST_LINES = 5000
_COUNTER = re.compile(r"^(\w+)\s+(\d{1,20})\s*$", re.MULTILINE)
_OPTION = re.compile(r"^CONFIG_(\w+)=(.*)$", re.MULTILINE)
_SETTING = re.compile(r"^(\S+) ?= ?(.*)$", re.MULTILINE)


class RecordedSource:
    """A node of a recording; ``brought`` has what the caller brings, by key (VT)."""

    def __init__(self, folder: str | os.PathLike[str], node: str, brought: Mapping[Key, Brought] | None = None) -> None:
        self.folder, self.node = Path(folder), node
        self._tables: Tables | None = None
        self._readers: dict[Key, Brought] = {
            Key.KR: lambda _: (Kernel(self._text("uname").strip()), self._name("uname")),
            Key.KC: self._options,
            Key.XP: lambda _: (self._xfrm().policies, f"{node}.getpolicy.nl"),
            Key.XS: lambda _: (self._xfrm().states, f"{node}.getsa.nl"),
            Key.XT: lambda _: self._counters("xfrm_stat"),
            Key.SN: self._snmp6,
            Key.SY: self._setting,
            Key.NB: lambda _: self._parsed("neigh", facts_text.neighbours),
            Key.PN: lambda _: self._parsed("proxy", facts_text.proxies),
            Key.AD: self._addresses,
            Key.RT: self._routes,
            Key.RU: lambda _: self._parsed("rule", facts_text.rules),
            Key.TN: self._links,
            Key.LG: self._log,
            **(brought or {}),
        }

    def read(self, key: Key, argument: str) -> Datum:
        """Return what was recorded of a source; raises Unreadable."""
        reader = self._readers.get(key)
        if reader is None:
            raise Unreadable(key, "it is not recorded")
        try:
            value, origin = reader(argument)
        except Unreadable as error:
            raise Unreadable(key, error.reason) from None
        except MipshError as error:
            raise Unreadable(key, error.message) from None
        except OSError as error:
            raise Unreadable(key, f"it is not recorded: {error.strerror}") from None
        except ValueError as error:
            raise Unreadable(key, str(error)) from None
        return Datum(value, None, origin)

    def _name(self, kind: str) -> str:
        return f"{self.node}.{kind}.txt"

    def _text(self, kind: str) -> str:
        return words(self.folder / self._name(kind), LARGEST)

    def _parsed(self, kind: str, parse: Callable[[str], Iterable[object]]) -> tuple[object, str]:
        return tuple(parse(self._text(kind))), self._name(kind)

    def _xfrm(self) -> Tables:
        if self._tables is None:
            self._tables = xfrm.recorded(self.folder, self.node)
        return self._tables

    def _counters(self, kind: str) -> tuple[object, str]:
        found = {name: int(value) for name, value in _COUNTER.findall(self._text(kind))}
        if not found:
            raise ValueError(f"{self._name(kind)} has no counters")
        return found, self._name(kind)

    def _snmp6(self, interface: str) -> tuple[object, str]:
        return self._counters(f"snmp6.{interface}" if interface else "snmp6")

    def _options(self, argument: str) -> tuple[object, str]:
        if argument:
            raise ValueError("it is not recorded")
        options = {name: value.strip('"') for name, value in _OPTION.findall(self._text("kconfig"))}
        return KernelConfig(options, origin=self._name("kconfig")), self._name("kconfig")

    def _setting(self, name: str) -> tuple[object, str]:
        settings = dict(_SETTING.findall(self._text("sysctl")))
        dotted = name.replace(".", "\0").replace("/", ".").replace("\0", "/")
        return settings.get(dotted), self._name("sysctl")

    def _addresses(self, argument: str) -> tuple[object, str]:
        if argument:
            raise ValueError("groups are not recorded")
        return self._parsed("addr", facts_text.addresses)

    def _links(self, _: str) -> tuple[object, str]:
        ends = facts_text.tunnels(self._text("tunnel"))
        return tuple(facts_text.links(self._text("link"), ends)), self._name("link")

    def _routes(self, flow: str) -> tuple[object, str]:
        if not flow:
            return self._parsed("route", facts_text.routes)
        destination, _, source = flow.partition(" ")
        for one in (destination, source):
            if one:
                IPv6Address(one)
        routing = route_text.read(self.folder, self.node)
        if not routing.is_whole:
            raise ValueError("rules and routes are not both recorded")
        found = routing.lookup(source, destination)
        where = f"{self._name('rule')}, {self._name('route')}"
        if found.kind in (*route_text.ACTIONS, "unreachable"):
            return None, where
        return Route(destination, 128, found.interface, found.gateway, kind=found.kind), where

    def _log(self, argument: str) -> tuple[object, str]:
        if argument:
            raise ValueError("it is not recorded")
        name = f"{self.node}.log"
        return tuple(LogLine(line) for line in words(self.folder / name, LARGEST).splitlines()[-LAST_LINES:]), name


def place(word: str) -> tuple[str, str]:
    """Return the folder and the node that ``FOLDER`` or ``FOLDER/NODE`` names; raises UsageError."""
    folder, _, last = word.rstrip("/").rpartition("/")
    if folder and not Path(word).is_dir():
        if last in xfrm.nodes(folder):
            return folder, last
        raise UsageError(f"'{folder}' holds no dumps of '{last}'", "write FOLDER, or FOLDER/NODE")
    found = xfrm.nodes(word)
    if len(found) == 1:
        return word, found[0]
    if not found:
        raise UsageError(f"'{word}' holds no dump of XFRM", f"it has files NODE{xfrm.STATES_SUFFIX}")
    raise UsageError(f"'{word}' holds dumps of {', '.join(found)}", f"choose one: {word.rstrip('/')}/{found[0]}")
