"""Routing as iproute2 printed it at some moment: ``NODE.rule.txt``, ``.route.txt``, ``.tunnel.txt`` and ``.addr.txt``.

A lookup walks the rules and takes the longest prefix in a rule's table, as the kernel does. Lines that cannot
be read are passed over: where that leaves no answer, there is none.
"""

import os
import re
from ipaddress import IPv6Address, IPv6Network
from itertools import pairwise
from pathlib import Path

from msgspec import Struct

from mipsh.model.address import canonical, within
from mipsh.why.facts import Lookup

LARGEST = 4 * 1024 * 1024
TABLES = {"254": "main", "255": "local", "253": "default"}
KINDS = ("local", "anycast", "multicast", "blackhole", "unreachable", "prohibit")
ACTIONS = ("blackhole", "unreachable", "prohibit")

_RULE = re.compile(r"^\d+:\s+from (\S+)(?: to (\S+))? (?:lookup (\S+)|(\w+))\s*$")
_TUNNEL = re.compile(r"^(\S+): \S+ remote (\S+) local (\S+) ")
_ADDRESS = re.compile(r"^\s+inet6 ([0-9a-f:]+)/\d+ scope global(.*)$")


class Rule(Struct, frozen=True):
    """A rule: the prefixes that it is for, and its table, or what becomes of the packet."""

    source: str
    destination: str
    table: str
    action: str


class Route(Struct, frozen=True):
    """A route: its kind, prefix and table, and where it leads."""

    kind: str
    destination: str
    table: str
    interface: str
    gateway: str
    metric: int


class Recorded(Struct, frozen=True):
    """Routing and global addresses of a node at some moment; ``is_whole`` where rules and routes are there.

    ``homes`` are the addresses that the kernel was told to be home addresses.
    """

    rules: tuple[Rule, ...] = ()
    routes: tuple[Route, ...] = ()
    tunnels: dict[str, tuple[str, str]] = {}
    addresses: tuple[str, ...] | None = None
    homes: tuple[str, ...] = ()

    @property
    def is_whole(self) -> bool:
        """Tell whether a lookup can be made."""
        return bool(self.rules and self.routes)

    def lookup(self, source: str, destination: str) -> Lookup:
        """Return what routing said of a packet; which source would be chosen is not in it."""
        for rule in self.rules:
            if not _takes(rule.source, source) or not _takes(rule.destination, destination):
                continue
            if rule.action:
                return Lookup(rule.action)
            found = [r for r in self.routes if r.table == rule.table and within(destination, r.destination)]
            best = min(found, key=lambda r: (-IPv6Network(r.destination).prefixlen, r.metric), default=None)
            if best is not None:
                return Lookup(best.kind, best.interface, best.gateway, "", self.tunnels.get(best.interface))
        return Lookup("unreachable")


def read(folder: str | os.PathLike[str], node: str) -> Recorded:
    """Return what the files of a node say; those that are not there say nothing."""
    stem = Path(folder) / node
    rules = [rule for line in _lines(stem, "rule") if (rule := _rule(line)) is not None]
    routes = [route for line in _lines(stem, "route") if (route := _route(line)) is not None]
    tunnels = {m[1]: (m[3], m[2]) for line in _lines(stem, "tunnel") if (m := _TUNNEL.match(line)) is not None}
    found = [m for line in _lines(stem, "addr") if (m := _ADDRESS.match(line)) is not None]
    addresses = tuple(address for m in found if (address := canonical(m[1])) is not None)
    homes = tuple(address for m in found if "home" in m[2].split() and (address := canonical(m[1])) is not None)
    ends = {name: pair for name, pair in tunnels.items() if all(canonical(one) not in (None, "::") for one in pair)}
    return Recorded(tuple(rules), tuple(routes), ends, addresses if found else None, homes)


def _rule(line: str) -> Rule | None:
    found = _RULE.match(line)
    if found is None:
        return None
    source, destination, table, action = found.groups()
    if action is not None and action not in ACTIONS:
        return None
    return Rule(source, destination or "all", table or "", action or "")


def _route(line: str) -> Route | None:
    words = line.split()
    kind = words.pop(0) if words and words[0] in KINDS else "unicast"
    if not words:
        return None
    prefix = "::/0" if words[0] == "default" else words[0]
    try:
        destination = str(IPv6Network(prefix, strict=False))
    except ValueError:
        return None
    said = dict(pairwise(words[1:]))
    table, metric = said.get("table", "main"), said.get("metric", "0")
    is_number = metric.isascii() and metric.isdecimal() and len(metric) < 12
    return Route(
        kind,
        destination,
        TABLES.get(table, table),
        said.get("dev", ""),
        said.get("via", ""),
        int(metric) if is_number else 0,
    )


def _takes(prefix: str, address: str) -> bool:
    """Tell whether a rule's prefix has an address; a packet without a source yet is in ``all`` alone."""
    if prefix == "all":
        return True
    return bool(address) and IPv6Address(address) != IPv6Address("::") and within(address, prefix)


def _lines(stem: Path, kind: str) -> list[str]:
    try:
        with stem.with_name(f"{stem.name}.{kind}.txt").open("rb") as file:
            return file.read(LARGEST).decode("utf-8", "replace").splitlines()
    except OSError:
        return []
