"""The TCP sockets of this network namespace, with what the kernel counts of them (sock_diag(7), linux/inet_diag.h)."""

import socket
import struct
from collections.abc import Collection, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import structs

from mipsh.checks.sources import Socket, TcpInfo
from mipsh.linux.facts_netlink import ask, attributes
from mipsh.linux.rtnetlink import DUMP

SOCK_DIAG, BY_FAMILY = 4, 20
INFO = 2
ALL_STATES = 0xFFF
STATES = (
    *("?", "ESTABLISHED", "SYN_SENT", "SYN_RECV", "FIN_WAIT1", "FIN_WAIT2", "TIME_WAIT", "CLOSE", "CLOSE_WAIT"),
    *("LAST_ACK", "LISTEN", "CLOSING", "NEW_SYN_RECV"),
)
VT_PORT = 7777
_ID = struct.Struct("!HH16s16s12x")
_REQUEST = struct.Struct("=BBBxI")
_HEAD = struct.Struct("=BBBB")
_REST = struct.Struct("=IIIII")
_ID_AT = _HEAD.size
_REST_AT = _ID_AT + _ID.size
_SIZE = _REST_AT + _REST.size
_RETRANSMITS, _BACKOFF, _UNACKNOWLEDGED, _TOTAL, _BYTES, _SEGMENTS = 2, 4, 24, 100, 120, 136
"""Where these are in struct tcp_info."""


def sockets() -> tuple[Socket, ...]:
    """Return the sockets; raises OSError.

    The owners are told of those that listen, and of those at the daemon's port, where that can be seen.
    """
    found = [one for family in (socket.AF_INET6, socket.AF_INET) for one in _dump(family)]
    wanted = {one.inode for one in found if one.state == "LISTEN" or VT_PORT in (one.local_port, one.remote_port)}
    owners = _owners(wanted)
    return tuple(structs.replace(one, owner=owners[one.inode]) if one.inode in owners else one for one in found)


def _dump(family: int) -> Iterator[Socket]:
    request = _REQUEST.pack(family, socket.IPPROTO_TCP, 1 << INFO - 1, ALL_STATES) + bytes(_ID.size)
    for _, body in ask(SOCK_DIAG, BY_FAMILY, DUMP, request):
        if len(body) >= _SIZE:
            yield _read(body)


def _read(body: bytes) -> Socket:
    family, state, _, _ = _HEAD.unpack_from(body)
    local_port, remote_port, local, remote = _ID.unpack_from(body, _ID_AT)
    _, receive_queue, send_queue, user, inode = _REST.unpack_from(body, _REST_AT)
    size = 16 if family == socket.AF_INET6 else 4
    info = attributes(body[_SIZE:]).get(INFO, b"")
    return Socket(
        socket.inet_ntop(family, local[:size]),
        local_port,
        socket.inet_ntop(family, remote[:size]),
        remote_port,
        STATES[state] if state < len(STATES) else str(state),
        inode,
        user,
        receive_queue,
        send_queue,
        _info(info) if len(info) >= _TOTAL + 4 else None,
    )


def _info(data: bytes) -> TcpInfo:
    def number(at: int, form: str = "=I") -> int | None:
        return int(struct.unpack_from(form, data, at)[0]) if len(data) >= at + struct.calcsize(form) else None

    return TcpInfo(
        number(_SEGMENTS),
        number(_BYTES, "=Q"),
        data[_RETRANSMITS],
        data[_BACKOFF],
        number(_UNACKNOWLEDGED) or 0,
        number(_TOTAL) or 0,
    )


def _owners(inodes: Collection[int]) -> dict[int, str]:
    """Return who holds sockets, as NAME (pid N), as far as that can be seen."""
    wanted = {f"socket:[{inode}]": inode for inode in inodes if inode}
    found: dict[int, str] = {}
    if not wanted:
        return found
    for process in Path("/proc").iterdir():
        if not process.name.isdecimal():
            continue
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                inode = wanted.get(str(handle.readlink()))
                if inode is not None and inode not in found:
                    name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                    found[inode] = f"{name} (pid {process.name})"
    return found
