"""Links, addresses, routes, rules and neighbours of this network namespace, for checks (rtnetlink(7)).

Each function asks the kernel once and returns plain values; it raises OSError, with ETIMEDOUT for a kernel that
does not answer, and ENOBUFS for a table of more than ``MOST`` rows.
"""

import errno
import os
import socket
import struct
import sys
from collections.abc import Callable, Iterator
from typing import TypeVar

from msgspec import structs

from mipsh.checks.sources import InterfaceAddress, Link, Neighbour, Proxy, Route, Rule, Tunnel
from mipsh.linux.addresses import FLAGS, FOREVER
from mipsh.linux.route_lookup import KINDS, REFUSALS
from mipsh.linux.rtnetlink import ACKNOWLEDGE, DUMP, LARGEST, NLMSG_DONE, NLMSG_ERROR, REQUEST, attribute, messages
from mipsh.wire.address import UNSPECIFIED, parse, text

LONGEST_S = 5.0
MOST = 200_000
GET_LINK, GET_ADDRESS, GET_ROUTE, GET_NEIGHBOUR, GET_RULE = 18, 22, 26, 30, 34
PROXIED, ROUTER = 0x08, 0x80
IFF_UP, IFF_LOWER_UP = 0x1, 0x10000
SCOPES = {0: "global", 200: "site", 253: "link", 254: "host"}
STATES = {
    0x00: "NONE",
    0x01: "INCOMPLETE",
    0x02: "REACHABLE",
    0x04: "STALE",
    0x08: "DELAY",
    0x10: "PROBE",
    0x20: "FAILED",
    0x40: "NOARP",
    0x80: "PERMANENT",
}
ACTIONS = {1: "lookup", 2: "goto", 3: "nop", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
TICKS = 100
"""In a second, of the times of addresses."""
CLONED = 0x200
"""The flag of a route that is a copy for one destination, which is not of the table."""

HEADER = struct.Struct("=IHHII")
_ATTRIBUTE = struct.Struct("=HH")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ROUTE = struct.Struct("=BBBBBBBBI")
_RULE = struct.Struct("=BBBBBxxBI")
_NEIGHBOUR = struct.Struct("=BxxxiHBB")
_HOP = struct.Struct("=HBBi")
_LIFETIMES = struct.Struct("=IIII")
_ERROR = struct.Struct("=i")

Row = TypeVar("Row")
Said = dict[int, bytes]


def attributes(data: bytes) -> Said:
    """Return the attributes of a message by their kind, without the marks of nesting and byte order."""
    found: Said = {}
    at = 0
    while at + _ATTRIBUTE.size <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < _ATTRIBUTE.size or at + size > len(data):
            break
        found[kind & 0x3FFF] = data[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4
    return found


def ask(protocol: int, kind: int, flags: int, body: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the body of each message that answers a question; raises OSError with the kernel's error."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, protocol) as kernel:
        kernel.settimeout(LONGEST_S)
        kernel.sendto(HEADER.pack(HEADER.size + len(body), kind, REQUEST | flags, 1, 0) + body, (0, 0))
        count = 0
        while True:
            try:
                data = kernel.recv(LARGEST)
            except TimeoutError:
                raise OSError(errno.ETIMEDOUT, "the kernel does not answer") from None
            for answer, said in messages(data):
                if answer in (NLMSG_DONE, NLMSG_ERROR):
                    _raise(said)
                    return
                count += 1
                if count > MOST:
                    raise OSError(errno.ENOBUFS, f"there are more than {MOST} rows")
                yield answer, said


def _raise(said: bytes) -> None:
    """Raise the error that ends an answer, if it is one."""
    code = -_ERROR.unpack_from(said)[0] if len(said) >= _ERROR.size else 0
    if code > 0:
        raise OSError(code, os.strerror(code))


def _dump(kind: int, head: struct.Struct, body: bytes, read: Callable[[bytes, Said], Iterator[Row]]) -> tuple[Row, ...]:
    """Return the rows of a table."""
    found = ask(socket.NETLINK_ROUTE, kind, DUMP, body)
    return tuple(
        row for _, said in found if len(said) >= head.size for row in read(said, attributes(said[head.size :]))
    )


def links() -> tuple[Link, ...]:
    """Return the interfaces."""
    names = dict(socket.if_nameindex())

    def read(body: bytes, said: Said) -> Iterator[Link]:
        _, _, index, flags, _ = _LINK.unpack_from(body)
        info = attributes(said.get(18, b""))
        kind = _word(info.get(1, b""))
        yield Link(
            _word(said.get(3, b"")),
            index,
            kind,
            bool(flags & IFF_UP),
            bool(flags & IFF_LOWER_UP),
            _number(said, 4) or 0,
            said.get(1, b"").hex(":"),
            _tunnel(attributes(info.get(2, b"")), names) if kind == "ip6tnl" else None,
        )

    return _dump(GET_LINK, _LINK, _LINK.pack(0, 0, 0, 0, 0), read)


def _tunnel(said: Said, names: dict[int, str]) -> Tunnel:
    return Tunnel(
        _address(said.get(2, b"")) or "::",
        _address(said.get(3, b"")) or "::",
        _number(said, 8) or 0,
        names.get(_number(said, 1) or 0, ""),
        said.get(9, b"\0")[0],
    )


def addresses() -> tuple[InterfaceAddress, ...]:
    """Return the IPv6 addresses of all interfaces."""
    names = dict(socket.if_nameindex())

    def read(body: bytes, said: Said) -> Iterator[InterfaceAddress]:
        family, length, few, scope, index = _ADDRESS.unpack_from(body)
        found = said.get(2) or said.get(1, b"")
        if family != socket.AF_INET6 or len(found) != 16:
            return
        bits = _number(said, 8)
        cache = said.get(6, b"")
        preferred, valid, created, _ = _LIFETIMES.unpack_from(cache) if len(cache) >= 16 else (FOREVER, FOREVER, 0, 0)
        yield InterfaceAddress(
            text(found),
            length,
            names.get(index, str(index)),
            SCOPES.get(scope, str(scope)),
            frozenset(name for bit, name in FLAGS.items() if (few if bits is None else bits) & bit),
            None if valid == FOREVER else valid,
            None if preferred == FOREVER else preferred,
            created / TICKS if cache else None,
        )

    return _dump(GET_ADDRESS, _ADDRESS, _ADDRESS.pack(socket.AF_INET6, 0, 0, 0, 0), read)


def routes() -> tuple[Route, ...]:
    """Return the routes of all tables, a row a next hop."""
    names = dict(socket.if_nameindex())

    def read(body: bytes, said: Said) -> Iterator[Route]:
        family, _, _, _, _, _, _, _, flags = _ROUTE.unpack_from(body)
        if family == socket.AF_INET6 and not flags & CLONED:
            yield from _routes(body, said, names)

    return _dump(GET_ROUTE, _ROUTE, _ROUTE.pack(socket.AF_INET6, 0, 0, 0, 0, 0, 0, 0, 0), read)


def route_to(destination: str, source: str = "") -> Route | None:
    """Return what routing says of a packet; None where the destination cannot be reached."""
    names = dict(socket.if_nameindex())
    said = attribute(1, parse(destination)) + (attribute(2, parse(source)) if source else b"")
    head = _ROUTE.pack(socket.AF_INET6, 128, 128 if source else 0, 0, 0, 0, 0, 0, 0)
    try:
        for _, body in ask(socket.NETLINK_ROUTE, GET_ROUTE, ACKNOWLEDGE, head + said):
            if len(body) >= _ROUTE.size:
                return next(_routes(body, attributes(body[_ROUTE.size :]), names), None)
    except OSError as error:
        if error.errno not in REFUSALS:
            raise
    return None


def _routes(body: bytes, said: Said, names: dict[int, str]) -> Iterator[Route]:
    _, length, source_length, _, table, protocol, _, kind, _ = _ROUTE.unpack_from(body)
    base = Route(
        _address(said.get(1, b"")) or "::",
        length,
        names.get(_number(said, 4) or 0, ""),
        _address(said.get(5, b"")),
        _number(said, 15) or table,
        protocol,
        _number(said, 6) or 0,
        KINDS.get(kind, str(kind)),
        _address(said.get(2, b"")) or "::",
        source_length,
        _address(said.get(7, b"")),
        _number(attributes(said.get(8, b"")), 2),
    )
    hops = list(_hops(said.get(9, b"")))
    if not hops:
        yield base
    for index, gateway in hops:
        yield structs.replace(base, interface=names.get(index, ""), gateway=gateway)


def _hops(data: bytes) -> Iterator[tuple[int, str]]:
    """Yield the interface and the gateway of each next hop of a route."""
    at = 0
    while at + _HOP.size <= len(data):
        size, _, _, index = _HOP.unpack_from(data, at)
        if size < _HOP.size or at + size > len(data):
            return
        yield index, _address(attributes(data[at + _HOP.size : at + size]).get(5, b""))
        at += size + -size % 4


def rules() -> tuple[Rule, ...]:
    """Return the IPv6 rules of policy routing."""

    def read(body: bytes, said: Said) -> Iterator[Rule]:
        family, to_length, from_length, _, table, action, _ = _RULE.unpack_from(body)
        if family == socket.AF_INET6:
            yield Rule(
                _number(said, 6) or 0,
                _address(said.get(2, b"")) or "::",
                from_length,
                _address(said.get(1, b"")) or "::",
                to_length,
                _number(said, 15) or table,
                ACTIONS.get(action, str(action)),
                _word(said.get(3, b"")),
            )

    return _dump(GET_RULE, _RULE, _RULE.pack(socket.AF_INET6, 0, 0, 0, 0, 0, 0), read)


def neighbours() -> tuple[Neighbour, ...]:
    """Return the IPv6 neighbours."""
    names = dict(socket.if_nameindex())

    def read(body: bytes, said: Said) -> Iterator[Neighbour]:
        family, index, state, flags, _ = _NEIGHBOUR.unpack_from(body)
        found = _address(said.get(1, b""))
        if family == socket.AF_INET6 and found:
            link_address = said.get(2, b"").hex(":")
            name = names.get(index, str(index))
            yield Neighbour(found, name, STATES.get(state, hex(state)), link_address, bool(flags & ROUTER))

    return _dump(GET_NEIGHBOUR, _NEIGHBOUR, _NEIGHBOUR.pack(socket.AF_INET6, 0, 0, 0, 0), read)


def proxies() -> tuple[Proxy, ...]:
    """Return the IPv6 addresses that interfaces answer for."""
    names = dict(socket.if_nameindex())

    def read(body: bytes, said: Said) -> Iterator[Proxy]:
        family, index, _, flags, _ = _NEIGHBOUR.unpack_from(body)
        found = _address(said.get(1, b""))
        if family == socket.AF_INET6 and flags & PROXIED and found:
            yield Proxy(found, names.get(index, ""))

    return _dump(GET_NEIGHBOUR, _NEIGHBOUR, _NEIGHBOUR.pack(socket.AF_INET6, 0, 0, PROXIED, 0), read)


def _number(said: Said, kind: int) -> int | None:
    value = said.get(kind, b"")
    return int.from_bytes(value, sys.byteorder) if len(value) == 4 else None


def _address(data: bytes) -> str:
    return text(data) if len(data) == 16 and data != UNSPECIFIED else ""


def _word(data: bytes) -> str:
    return data.partition(b"\0")[0].decode("utf-8", "replace")
