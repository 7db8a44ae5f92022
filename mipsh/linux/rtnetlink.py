"""The few questions to rtnetlink(7) that a running node has: addresses, routes, and what links do.

A daemon that is to start at once cannot load a whole netlink library for them.
"""

import errno
import os
import socket
import struct
from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import Self

from msgspec import Struct

NLMSG_ERROR, NLMSG_DONE = 2, 3
REQUEST, ACKNOWLEDGE, DUMP = 0x1, 0x4, 0x300
REPLACE, CREATE = 0x100, 0x400
NEW_LINK, DELETE_LINK, GET_LINK = 16, 17, 18
NEW_ADDRESS, DELETE_ADDRESS, GET_ADDRESS = 20, 21, 22
NEW_ROUTE, DELETE_ROUTE = 24, 25
GROUP_LINK, GROUP_IPV6_ADDRESS = 0x1, 0x100
LINK_NAME, OPERATION, CARRIER_UPS, CARRIER_DOWNS = 3, 16, 47, 48
UNKNOWN_OPERATION = b"\0"
ADDRESS, ADDRESS_LOCAL, ADDRESS_FLAGS = 1, 2, 8
NO_DETECTION, HOME, NO_PREFIX_ROUTE = 0x02, 0x10, 0x200
ROUTE_DESTINATION, ROUTE_INTERFACE, ROUTE_METRIC, ROUTE_SOURCE = 1, 4, 6, 7
TABLE_MAIN, PROTOCOL_STATIC, SCOPE_UNIVERSE, TYPE_UNICAST = 254, 4, 0, 1
TABLE_LOCAL, TYPE_LOCAL = 255, 2
IFF_UP, IFF_RUNNING, IFF_LOWER_UP = 0x1, 0x40, 0x10000
HAS_LINK = IFF_UP | IFF_RUNNING | IFF_LOWER_UP
"""Switched on, in operation, and with a carrier at this very moment, of which the kernel takes note later."""
IPV6_SIZE = 16
LARGEST = 1 << 18
"""Bytes of the largest datagram that is read."""

_MESSAGE = struct.Struct("=IHHII")
_LINK = struct.Struct("=BxHiII")
_ADDRESS = struct.Struct("=BBBBi")
_ATTRIBUTE = struct.Struct("=HH")
_ERROR = struct.Struct("=i")
_COUNT = struct.Struct("=I")


class LinkState(Struct, frozen=True):
    """An interface as the kernel tells it; ``downs`` counts how often its carrier was lost."""

    name: str
    is_up: bool
    downs: int = 0


class AddressState(Struct, frozen=True):
    """An IPv6 address that came to an interface, or went."""

    index: int
    address: bytes
    is_there: bool


def attribute(kind: int, value: bytes) -> bytes:
    """Return an attribute of a message."""
    size = _ATTRIBUTE.size + len(value)
    return _ATTRIBUTE.pack(size, kind) + value + bytes(-size % 4)


def number(value: int) -> bytes:
    """Return a 32-bit number as attributes have it."""
    return _COUNT.pack(value)


def messages(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield the type and the body of each message in a datagram."""
    at = 0
    while at + _MESSAGE.size <= len(data):
        size, kind, *_ = _MESSAGE.unpack_from(data, at)
        if size < _MESSAGE.size or at + size > len(data):
            return
        yield kind, data[at + _MESSAGE.size : at + size]
        at += size + -size % 4


def attributes(data: bytes) -> dict[int, bytes]:
    """Return the attributes of a message, by their kind."""
    found, at = {}, 0
    while at + _ATTRIBUTE.size <= len(data):
        size, kind = _ATTRIBUTE.unpack_from(data, at)
        if size < _ATTRIBUTE.size or at + size > len(data):
            break
        found[kind] = data[at + _ATTRIBUTE.size : at + size]
        at += size + -size % 4
    return found


def link_states(data: bytes) -> Iterator[LinkState]:
    """Yield what a datagram says of interfaces."""
    for kind, body in messages(data):
        if kind not in (NEW_LINK, DELETE_LINK) or len(body) < _LINK.size:
            continue
        flags = _LINK.unpack_from(body)[3]
        said = attributes(body[_LINK.size :])
        name = said.get(LINK_NAME, b"").partition(b"\0")[0].decode(errors="replace")
        is_up = kind == NEW_LINK and flags & HAS_LINK == HAS_LINK and not _is_pending(said)
        yield LinkState(name, is_up, _count(said, CARRIER_DOWNS))


def address_states(data: bytes) -> Iterator[AddressState]:
    """Yield what a datagram says of IPv6 addresses."""
    for kind, body in messages(data):
        if kind not in (NEW_ADDRESS, DELETE_ADDRESS) or len(body) < _ADDRESS.size:
            continue
        family, _, _, _, index = _ADDRESS.unpack_from(body)
        said = attributes(body[_ADDRESS.size :])
        address = said.get(ADDRESS_LOCAL) or said.get(ADDRESS, b"")
        if family == socket.AF_INET6 and len(address) == IPV6_SIZE:
            yield AddressState(index, address, kind == NEW_ADDRESS)


def _is_pending(said: Mapping[int, bytes]) -> bool:
    """Tell whether an interface has a carrier of which the kernel has yet to take note: until then it sends nothing.

    The state of one that never had a change of carrier stays unknown.
    """
    return said.get(OPERATION) == UNKNOWN_OPERATION and _count(said, CARRIER_UPS) > 0


def _count(said: Mapping[int, bytes], kind: int) -> int:
    value = said.get(kind, b"")
    return int(_COUNT.unpack(value)[0]) if len(value) == _COUNT.size else 0


class RtNetlink:
    """A socket for requests, in the network namespace that the thread is in when it is made."""

    def __init__(self, groups: int = 0) -> None:
        kind = socket.SOCK_RAW | (socket.SOCK_NONBLOCK if groups else 0)
        self._socket = socket.socket(socket.AF_NETLINK, kind, socket.NETLINK_ROUTE)
        self._socket.bind((0, groups))
        self._sequence = 0

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def put(self, kind: int, flags: int, body: bytes) -> None:
        """Send a request; what comes back is for ``receive``."""
        self._sequence += 1
        header = _MESSAGE.pack(_MESSAGE.size + len(body), kind, REQUEST | flags, self._sequence, 0)
        self._socket.send(header + body)

    def receive(self) -> bytes:
        """Return the next datagram; raises OSError, with ENOBUFS where some were lost."""
        return self._socket.recv(LARGEST)

    def ask(self, kind: int, flags: int, body: bytes) -> None:
        """Send a request and wait until it is done; raises OSError with what the kernel has against it."""
        self.put(kind, flags | ACKNOWLEDGE, body)
        for answer, said in messages(self.receive()):
            code = -_ERROR.unpack_from(said)[0] if answer == NLMSG_ERROR else 0
            if code:
                raise OSError(code, os.strerror(code))

    def change_address(self, index: int, address: bytes, *, is_added: bool, is_home: bool = False) -> bool:
        """Give an interface an address for itself alone, without detection of duplicates, or take it away.

        A home address is marked as one (IFA_F_HOMEADDRESS): others see it, and source addresses are chosen by it.

        Packets for it are taken from now on: the kernel makes the route for that some time later, so it is
        made here. One that is gone is as good as taken away: False where it was.
        """
        flags = NO_DETECTION | NO_PREFIX_ROUTE | (HOME if is_home else 0)
        head = struct.pack("=BBBBi", socket.AF_INET6, 128, flags & 0xFF, 0, index)
        body = head + attribute(ADDRESS_LOCAL, address) + attribute(ADDRESS, address)
        body += attribute(ADDRESS_FLAGS, number(flags))
        if is_added:
            self.ask(NEW_ADDRESS, CREATE | REPLACE, body)
            self.ask(NEW_ROUTE, CREATE | REPLACE, _local_route(index, address))
            return True
        self.remove_local_route(index, address)
        return self._remove(DELETE_ADDRESS, body, errno.EADDRNOTAVAIL)

    def remove_local_route(self, index: int, address: bytes) -> None:
        """Remove the route that was made with an address; harmless where there is none."""
        self._remove(DELETE_ROUTE, _local_route(index, address), errno.ESRCH)

    def has_address(self, index: int, address: bytes) -> bool:
        """Tell whether an interface has an address now; raises OSError."""
        head = _ADDRESS.pack(socket.AF_INET6, IPV6_SIZE * 8, 0, 0, index)
        self.put(GET_ADDRESS, 0, head + attribute(ADDRESS, address))
        return any(kind == NEW_ADDRESS for kind, _ in messages(self.receive()))

    def set_default_route(self, index: int, metric: int, source: bytes | None) -> None:
        """Send everything to an interface, from an address where one is given, in place of such a route before."""
        chosen = b"" if source is None else attribute(ROUTE_SOURCE, source)
        self.ask(NEW_ROUTE, CREATE | REPLACE, _default_route(index, metric) + chosen)

    def remove_default_route(self, index: int, metric: int) -> None:
        """Undo ``set_default_route``; harmless where there is nothing to undo."""
        self._remove(DELETE_ROUTE, _default_route(index, metric), errno.ESRCH)

    def _remove(self, kind: int, body: bytes, gone: int) -> bool:
        """Remove something; ``gone`` is what the kernel says when it is not there, which is False."""
        try:
            self.ask(kind, 0, body)
        except OSError as error:
            if error.errno != gone:
                raise
            return False
        return True

    def close(self) -> None:
        """Close the socket; harmless when that is done."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Return the socket."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _default_route(index: int, metric: int) -> bytes:
    kind = 0, 0, 0, TABLE_MAIN, PROTOCOL_STATIC, SCOPE_UNIVERSE, TYPE_UNICAST, 0
    head = struct.pack("=BBBBBBBBI", socket.AF_INET6, *kind)
    return head + attribute(ROUTE_INTERFACE, number(index)) + attribute(ROUTE_METRIC, number(metric))


def _local_route(index: int, address: bytes) -> bytes:
    kind = 128, 0, 0, TABLE_LOCAL, PROTOCOL_STATIC, SCOPE_UNIVERSE, TYPE_LOCAL, 0
    head = struct.pack("=BBBBBBBBI", socket.AF_INET6, *kind)
    return head + attribute(ROUTE_DESTINATION, address) + attribute(ROUTE_INTERFACE, number(index))
