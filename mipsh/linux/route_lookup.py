"""What the kernel's IPv6 routing says of a packet, asked as ``ip -6 route get DESTINATION from SOURCE`` does.

It is that of the network namespace that the thread is in. Nothing is changed, and no packet is sent.
"""

import errno
import socket
import struct

from mipsh.errors import MipshError
from mipsh.linux import links
from mipsh.linux.rtnetlink import (
    GET_LINK,
    NEW_LINK,
    NEW_ROUTE,
    NLMSG_ERROR,
    ROUTE_DESTINATION,
    ROUTE_INTERFACE,
    ROUTE_SOURCE,
    RtNetlink,
    attribute,
    attributes,
    messages,
)
from mipsh.why.facts import Lookup
from mipsh.wire.address import UNSPECIFIED, parse, text

GET_ROUTE = 26
FROM, GATEWAY = 2, 5
LINK_ADDRESS, LINK_FAR_END = 1, 2
ARPHRD_TUNNEL6 = 769
KINDS = {1: "unicast", 2: "local", 4: "anycast", 5: "multicast", 6: "blackhole", 7: "unreachable", 8: "prohibit"}
REFUSALS = {
    errno.ENETUNREACH: "unreachable",
    errno.EHOSTUNREACH: "unreachable",
    errno.EINVAL: "blackhole",
    errno.EACCES: "prohibit",
}
"""What the kernel answers in place of a route of that kind."""

_ROUTE = struct.Struct("=BBBBBBBBI")
_LINK = struct.Struct("=BxHiII")
_ERROR = struct.Struct("=i")
_INDEX = struct.Struct("=i")


def lookup(source: str, destination: str) -> Lookup:
    """Return what routing says of a packet; without a source, also which one it would choose.

    Raises MipshError where the kernel cannot be asked.
    """
    said = attribute(ROUTE_DESTINATION, parse(destination))
    if source:
        said += attribute(FROM, parse(source))
    head = _ROUTE.pack(socket.AF_INET6, 128, 128 if source else 0, 0, 0, 0, 0, 0, 0)
    try:
        with RtNetlink() as kernel:
            kernel.put(GET_ROUTE, 0, head + said)
            for kind, body in messages(kernel.receive()):
                if kind == NLMSG_ERROR:
                    return _refused(body)
                if kind == NEW_ROUTE and len(body) >= _ROUTE.size:
                    return _read(kernel, body)
    except OSError as error:
        raise links.explained(error, f"look up the route to {destination}") from None
    raise MipshError(f"cannot look up the route to {destination}: the kernel's answer is none")


def _refused(body: bytes) -> Lookup:
    """Return what an error of the kernel means; raises OSError for another one."""
    code = -_ERROR.unpack_from(body)[0] if len(body) >= _ERROR.size else errno.EIO
    if code not in REFUSALS:
        raise OSError(code, errno.errorcode.get(code, "unknown error"))
    return Lookup(REFUSALS[code])


def _read(kernel: RtNetlink, body: bytes) -> Lookup:
    kind = _ROUTE.unpack_from(body)[7]
    said = attributes(body[_ROUTE.size :])
    index = said.get(ROUTE_INTERFACE, b"")
    number = _INDEX.unpack(index)[0] if len(index) == _INDEX.size else 0
    return Lookup(
        KINDS.get(kind, str(kind)),
        _name(number),
        _address(said.get(GATEWAY, b"")),
        _address(said.get(ROUTE_SOURCE, b"")),
        _tunnel(kernel, number) if number else None,
    )


def _tunnel(kernel: RtNetlink, index: int) -> tuple[str, str] | None:
    """Return the ends of an interface that is an IPv6 tunnel."""
    kernel.put(GET_LINK, 0, _LINK.pack(0, 0, index, 0, 0))
    for kind, body in messages(kernel.receive()):
        if kind == NEW_LINK and len(body) >= _LINK.size and _LINK.unpack_from(body)[1] == ARPHRD_TUNNEL6:
            said = attributes(body[_LINK.size :])
            ends = _address(said.get(LINK_ADDRESS, b"")), _address(said.get(LINK_FAR_END, b""))
            return ends if all(ends) else None
    return None


def _name(index: int) -> str:
    try:
        return socket.if_indextoname(index)
    except OSError:
        return ""


def _address(data: bytes) -> str:
    return text(data) if len(data) == 16 and data != UNSPECIFIED else ""
