"""ICMPv6 echo by the kernel's own sockets, where no ping program is installed (RFC 4443 section 4)."""

import os
import select
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import ExitStack

from msgspec import Struct

from mipsh.errors import MipshError, RefusedError

ECHO_REQUEST, ECHO_REPLY = 128, 129
ICMPV6_FILTER = 1
ONLY_REPLIES = bytes(b"\xff" * 16) + b"\xfd\xff\xff\xff" + b"\xff" * 12
HEADER = struct.Struct("!BBHHH")
PAYLOAD = bytes(56)


class Echo(Struct, frozen=True):
    """What became of one echo request: who answered and how long it took, or None where nobody did in time."""

    sequence: int
    source: str | None
    rtt_ms: float | None


def socket_here() -> socket.socket:
    """Return a socket for echo replies in the network namespace that the thread is in."""
    try:
        opened = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    except PermissionError:
        raise RefusedError("a raw socket is not allowed", "it needs CAP_NET_RAW: run as root") from None
    with ExitStack() as undo:
        undo.callback(opened.close)
        opened.setsockopt(socket.IPPROTO_ICMPV6, ICMPV6_FILTER, ONLY_REPLIES)
        opened.setblocking(False)
        undo.pop_all()
    return opened


def ping(opened: socket.socket, destination: str, count: int, interval_s: float, wait_s: float) -> Iterator[Echo]:
    """Yield what becomes of each of so many echo requests; raises MipshError where none can be sent."""
    identifier = os.getpid() & 0xFFFF
    for sequence in range(1, count + 1):
        began = time.monotonic()
        try:
            opened.sendto(HEADER.pack(ECHO_REQUEST, 0, 0, identifier, sequence) + PAYLOAD, (destination, 0))
        except OSError as error:
            raise MipshError(f"cannot send to {destination}: {error.strerror}") from error
        source = _reply(opened, (identifier, sequence), began + wait_s)
        took_s = time.monotonic() - began
        yield Echo(sequence, source, None if source is None else took_s * 1000)
        if sequence < count:
            time.sleep(max(interval_s - took_s, 0.0))


def _reply(opened: socket.socket, wanted: tuple[int, int], deadline: float) -> str | None:
    """Return who answered an echo request; None where nobody did by a time of ``time.monotonic``."""
    while (left_s := deadline - time.monotonic()) > 0:
        readable, _, _ = select.select([opened], [], [], left_s)
        if not readable:
            break
        data, (source, *_) = opened.recvfrom(2048)
        if len(data) >= HEADER.size:
            kind, _, _, identifier, sequence = HEADER.unpack_from(data)
            if kind == ECHO_REPLY and (identifier, sequence) == wanted:
                return str(source)
    return None
