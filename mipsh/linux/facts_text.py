"""What iproute2 printed of links, addresses, routes, rules and neighbours, as the values that checks ask for.

The text may come from anywhere: a line that cannot be read is passed over, and nothing is taken for granted.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from ipaddress import IPv6Network
from itertools import pairwise

from mipsh.checks.sources import InterfaceAddress, Link, Neighbour, Proxy, Route, Rule, Tunnel
from mipsh.linux.addresses import FLAGS
from mipsh.linux.facts_netlink import STATES
from mipsh.linux.route_text import KINDS
from mipsh.model.address import canonical

TABLES = {"main": 254, "local": 255, "default": 253}
PROTOCOLS = {"unspec": 0, "redirect": 1, "kernel": 2, "boot": 3, "static": 4, "ra": 9, "dhcp": 16}
IGNORES_LIMIT = 0x1
DEFAULT_METRIC = 1024

_LINK = re.compile(r"^(\d{1,9}): ([^\s:@]+)(?:@\S+)?: <([^>]*)> mtu (\d{1,9})")
_MAC = re.compile(r"^\s+link/\S+ ((?:[0-9a-f]{2}:)+[0-9a-f]{2})\b")
_ADDRESS = re.compile(r"^\s+inet6 (\S+)/(\d{1,3}) scope (\w+) ?(.*)$")
_LIFETIMES = re.compile(r"^\s+valid_lft (\S+) preferred_lft (\S+)")
_TUNNEL = re.compile(r"^(\S+): \S+ remote (\S+) local (\S+) (?:dev (\S+) )?encaplimit (\S+)")
_RULE = re.compile(r"^(\d{1,10}):\s+from (\S+)(?: to (\S+))?(?: iif (\S+))? (?:lookup (\S+)|(\w+))\s*$")


def links(listed: str, tunnels: dict[str, Tunnel]) -> Iterator[Link]:
    """Yield the links of ``ip link``; those that have ends are ip6tnl."""
    lines = listed.splitlines()
    for line, below in pairwise([*lines, ""]):
        found = _LINK.match(line)
        if found is None:
            continue
        name, flags = found[2], found[3].split(",")
        mac = _MAC.match(below)
        tunnel = tunnels.get(name)
        yield Link(
            name,
            int(found[1]),
            "" if tunnel is None else "ip6tnl",
            "UP" in flags,
            "LOWER_UP" in flags,
            int(found[4]),
            "" if mac is None else mac[1],
            tunnel,
        )


def tunnels(listed: str) -> dict[str, Tunnel]:
    """Return the tunnels of ``ip -6 tunnel``; of their flags only the one of the encapsulation limit is said."""
    found: dict[str, Tunnel] = {}
    for line in listed.splitlines():
        said = _TUNNEL.match(line)
        remote, local = (canonical(said[2]), canonical(said[3])) if said is not None else (None, None)
        if said is not None and remote is not None and local is not None:
            found[said[1]] = Tunnel(local, remote, IGNORES_LIMIT if said[5] == "none" else 0, said[4] or "", 41)
    return found


def addresses(listed: str) -> Iterator[InterfaceAddress]:
    """Yield the IPv6 addresses of ``ip addr``."""
    interface = ""
    for line, below in pairwise([*listed.splitlines(), ""]):
        link, said = _LINK.match(line), _ADDRESS.match(line)
        if link is not None:
            interface = link[2]
        if said is None:
            continue
        address, words, times = canonical(said[1]), said[4].split(), _LIFETIMES.match(below)
        if address is None or not interface:
            continue
        valid, preferred = (_seconds(times[1]), _seconds(times[2])) if times is not None else (None, None)
        yield InterfaceAddress(
            address,
            int(said[2]),
            interface,
            said[3],
            frozenset(word for word in words if word in FLAGS.values())
            | (frozenset() if "dynamic" in words else {"permanent"}),
            valid,
            preferred,
        )


def _seconds(word: str) -> int | None:
    number = word.removesuffix("sec")
    return int(number) if number.isascii() and number.isdecimal() and len(number) < 12 else None


def routes(listed: str) -> Iterator[Route]:
    """Yield the routes of ``ip -6 route show table all``."""
    for line in listed.splitlines():
        words = line.split()
        kind = words.pop(0) if words and words[0] in KINDS else "unicast"
        if not words:
            continue
        said = dict(pairwise(words[1:]))
        with suppress(ValueError):
            network, source = _prefix(words[0]), _prefix(said.get("from", "default"))
            yield Route(
                str(network.network_address),
                network.prefixlen,
                said.get("dev", ""),
                said.get("via", ""),
                _table(said.get("table", "main")),
                _protocol(said.get("proto", "boot")),
                _number(said.get("metric", str(DEFAULT_METRIC))),
                kind,
                str(source.network_address),
                source.prefixlen,
                said.get("src", ""),
                _number(said["mtu"]) if "mtu" in said else None,
            )


def rules(listed: str) -> Iterator[Rule]:
    """Yield the rules of ``ip -6 rule``."""
    for line in listed.splitlines():
        said = _RULE.match(line)
        if said is None:
            continue
        with suppress(ValueError):
            source, destination = _prefix(said[2]), _prefix(said[3] or "all")
            yield Rule(
                int(said[1]),
                str(source.network_address),
                source.prefixlen,
                str(destination.network_address),
                destination.prefixlen,
                _table(said[5]) if said[5] else 0,
                said[6] or "lookup",
                said[4] or "",
            )


def neighbours(listed: str) -> Iterator[Neighbour]:
    """Yield the neighbours of ``ip -6 neigh``."""
    for line in listed.splitlines():
        words = line.split()
        address = canonical(words[0]) if words else None
        state = next((word for word in reversed(words) if word in STATES.values()), "NONE")
        said = dict(pairwise(words[1:]))
        if address is not None and "dev" in said and "proxy" not in words:
            yield Neighbour(address, said["dev"], state, said.get("lladdr", ""), "router" in words)


def proxies(listed: str) -> Iterator[Proxy]:
    """Yield the addresses of ``ip -6 neigh show proxy``."""
    for line in listed.splitlines():
        words = line.split()
        address = canonical(words[0]) if words else None
        if address is not None and "proxy" in words and "dev" in words[:-1]:
            yield Proxy(address, words[words.index("dev") + 1])


def _prefix(word: str) -> IPv6Network:
    """Return a prefix; raises ValueError."""
    return IPv6Network("::/0" if word in ("default", "all") else word, strict=False)


def _table(word: str) -> int:
    return TABLES.get(word) or _number(word)


def _protocol(word: str) -> int:
    return PROTOCOLS[word] if word in PROTOCOLS else _number(word)


def _number(word: str) -> int:
    """Return a number; raises ValueError."""
    if not (word.isascii() and word.isdecimal() and len(word) < 12):
        raise ValueError(f"'{word}' is no number")
    return int(word)
