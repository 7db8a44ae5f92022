"""What the kernel's IPv6 has on an interface that a node takes over: read before, and given back in the end.

It is written to a file meanwhile, so that a node that was killed finds out how things were before it.
"""

import contextlib
import errno
import fcntl
import os
import socket
import struct
from collections.abc import Iterable
from pathlib import Path

import msgspec
from msgspec import Struct

from mipsh.linux import links
from mipsh.linux.rtnetlink import (
    ADDRESS,
    ADDRESS_FLAGS,
    ADDRESS_LOCAL,
    CREATE,
    NEW_ADDRESS,
    NEW_ROUTE,
    NO_DETECTION,
    PROTOCOL_STATIC,
    REPLACE,
    ROUTE_DESTINATION,
    ROUTE_INTERFACE,
    SCOPE_UNIVERSE,
    TABLE_MAIN,
    TYPE_UNICAST,
    RtNetlink,
    attribute,
    number,
)

ADDRESSES, ROUTES = Path("/proc/thread-self/net/if_inet6"), Path("/proc/thread-self/net/ipv6_route")
ADDRESS_COLUMNS, ROUTE_COLUMNS = 6, 10
GLOBAL_SCOPE = 0
IFA_F_DADFAILED, IFA_F_PERMANENT = 0x08, 0x80
RTF_UP, RTF_GATEWAY, RTF_ADDRCONF, RTF_EXPIRES = 0x1, 0x2, 0x40000, 0x400000
RTF_ANYCAST, RTF_LOCAL = 0x100000, 0x80000000
NOT_CONFIGURED = RTF_ADDRCONF | RTF_EXPIRES | RTF_ANYCAST | RTF_LOCAL
ROUTE_GATEWAY = 5
MODE = 0o600
LARGEST = 1 << 20

Route = tuple[bytes, int, bytes]
"""A prefix, its length, and the router that it is reached by."""


class Before(Struct, frozen=True):
    """An interface before the node: whether IPv6 was off, permanent global addresses, routes by a router."""

    is_disabled: bool
    addresses: tuple[tuple[bytes, int], ...] = ()
    routes: tuple[Route, ...] = ()


def look(interface: str) -> Before:
    """Return how an interface is now; raises OSError where it is not there."""
    setting = Path(links.SETTINGS, interface, "disable_ipv6").read_text("ascii")
    addresses, routes = _lines(ADDRESSES), _lines(ROUTES)
    return Before(
        setting.strip() == "1",
        tuple(
            (bytes.fromhex(line[0]), int(line[2], 16))
            for line in addresses
            if len(line) == ADDRESS_COLUMNS and line[5] == interface and _is_configured_address(line)
        ),
        tuple(
            (bytes.fromhex(line[0]), int(line[1], 16), bytes.fromhex(line[4]))
            for line in routes
            if len(line) == ROUTE_COLUMNS and line[9] == interface and _is_configured_route(int(line[8], 16))
        ),
    )


def _lines(path: Path) -> list[list[str]]:
    """Return the words of each line; none where the kernel has no IPv6 at all."""
    with contextlib.suppress(FileNotFoundError):
        return [line.split() for line in path.read_text("ascii").splitlines()]
    return []


def _is_configured_address(line: list[str]) -> bool:
    scope, flags = int(line[3], 16), int(line[4], 16)
    return scope == GLOBAL_SCOPE and bool(flags & IFA_F_PERMANENT) and not flags & IFA_F_DADFAILED


def _is_configured_route(flags: int) -> bool:
    return flags & (RTF_UP | RTF_GATEWAY) == RTF_UP | RTF_GATEWAY and not flags & NOT_CONFIGURED


class Kept:
    """How interfaces were before any node took them over, written to a file that only one node can have.

    What a node that was killed wrote counts where the kernel's IPv6 is still off. Raises OSError, with
    EWOULDBLOCK where another node has the file.
    """

    def __init__(self, path: Path, interfaces: Iterable[str]) -> None:
        self.path = path
        self._handle = _locked(path)
        try:
            self.before = self._found(interfaces)
            os.ftruncate(self._handle, 0)
            os.pwrite(self._handle, msgspec.json.encode(self.before), 0)
        except OSError:
            os.close(self._handle)
            raise

    def _found(self, interfaces: Iterable[str]) -> dict[str, Before]:
        now = {interface: look(interface) for interface in interfaces}
        try:
            written = msgspec.json.decode(os.pread(self._handle, LARGEST, 0), type=dict[str, Before])
        except msgspec.DecodeError:
            return now
        return {name: written.get(name, found) if found.is_disabled else found for name, found in now.items()}

    def forget(self) -> None:
        """Remove the file: the interfaces are as they were."""
        with contextlib.suppress(OSError):
            self.path.unlink()
        os.close(self._handle)


def _locked(path: Path) -> int:
    """Return a file that is there and locked, and that nobody removed meanwhile."""
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, MODE)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if path.exists() and os.path.samestat(os.fstat(handle), path.stat()):
                return handle
        except OSError:
            os.close(handle)
            raise
        os.close(handle)


def give_back(interface: str, before: Before) -> None:
    """Let the kernel have its IPv6 on an interface as before; an interface that is gone needs nothing.

    Raises OSError.
    """
    if before.is_disabled:
        return
    try:
        links.configure(interface, "disable_ipv6", 0)
        index = socket.if_nametoindex(interface)
    except FileNotFoundError:
        return
    except OSError as error:
        if error.errno in (errno.ENODEV, errno.ENXIO):
            return
        raise
    with RtNetlink() as netlink:
        for address, length in before.addresses:
            head = struct.pack("=BBBBi", socket.AF_INET6, length, NO_DETECTION, 0, index)
            body = head + attribute(ADDRESS_LOCAL, address) + attribute(ADDRESS, address)
            netlink.ask(NEW_ADDRESS, CREATE | REPLACE, body + attribute(ADDRESS_FLAGS, number(NO_DETECTION)))
        for prefix, length, router in before.routes:
            kind = length, 0, 0, TABLE_MAIN, PROTOCOL_STATIC, SCOPE_UNIVERSE, TYPE_UNICAST, 0
            body = struct.pack("=BBBBBBBBI", socket.AF_INET6, *kind) + attribute(ROUTE_DESTINATION, prefix)
            body += attribute(ROUTE_GATEWAY, router) + attribute(ROUTE_INTERFACE, number(index))
            netlink.ask(NEW_ROUTE, CREATE | REPLACE, body)
