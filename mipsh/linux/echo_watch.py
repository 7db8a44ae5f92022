"""Watches the interfaces of a network namespace for echoes, and for what may carry them (packet(7)).

What passes is what ``echo_filter`` lets pass; it is kept as it was seen, for ``mipsh.paths`` to tell what it is.
"""

import socket
import struct
from collections.abc import Iterator, Sequence
from types import TracebackType
from typing import Self

from mipsh.linux import links
from mipsh.linux.echo_filter import echoes_from_links
from mipsh.linux.packet_filter import attach
from mipsh.linux.privileges import Need, require
from mipsh.paths.echo import Frame
from mipsh.wire import pcap

ETH_P_ALL = socket.htons(0x0003)
"""Packets of every protocol: those of a single one are heard on their way in only."""
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
BUFFER_SIZE = 4 << 20
LARGEST, ANCILLARY_SIZE = 65_575, 256
MOST_AT_ONCE = 4096
"""How many frames are taken in one go: echoes are settled in between."""

_TIME = struct.Struct("@ll")
_STATISTICS = struct.Struct("=II")


class EchoWatch:
    """Sees the frames of echoes of an identifier from when it is made; None is of any.

    ``size`` is that of their data, None for any. ``buffer_size`` is how many bytes the kernel keeps until they
    are taken. The interfaces are those of the namespace that the thread is in, and those that come later.
    Raises RefusedError without CAP_NET_RAW.
    """

    def __init__(
        self, identifier: int | None = None, size: int | None = None, *, buffer_size: int = BUFFER_SIZE
    ) -> None:
        require([Need.NET_RAW], "watching packets")
        self._lost = 0
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, ETH_P_ALL)
        except OSError as error:
            raise links.explained(error, "watch packets") from None
        try:
            attach(self._socket, echoes_from_links(identifier, size))
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._enlarge(buffer_size)
            # What came before the filter was there is none of the echoes that are to be sent.
            while any(True for _ in self.frames()):
                continue
            self._lost_since()
        except OSError as error:
            self._socket.close()
            raise links.explained(error, "watch packets") from None

    def _enlarge(self, size: int) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, size)

    def frames(self) -> Iterator[Frame]:
        """Yield the frames that are there, so many at the most that others get their turn; raises MipshError."""
        for _ in range(MOST_AT_ONCE):
            try:
                data, ancillary, flags, place = self._socket.recvmsg(LARGEST, ANCILLARY_SIZE)
            except BlockingIOError:
                return
            except OSError as error:
                raise links.explained(error, "watch packets") from None
            interface, _, kind, hardware, _ = place
            if kind != socket.PACKET_OTHERHOST:
                is_whole = not flags & socket.MSG_TRUNC
                is_outgoing = kind == socket.PACKET_OUTGOING
                yield Frame(time_of(ancillary) or 0.0, interface, pcap.RAW_IPV6, data, is_outgoing, hardware, is_whole)

    @property
    def lost(self) -> int:
        """How many packets the kernel could not keep until they were taken."""
        if self._socket.fileno() >= 0:
            self._lost += self._lost_since()
        return self._lost

    def _lost_since(self) -> int:
        """Return how many were lost since the kernel was asked before."""
        return int(_STATISTICS.unpack(self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1])

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """See no more; harmless when that is done."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Return the watch."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def time_of(ancillary: Sequence[tuple[int, int, bytes]]) -> float | None:
    """Return when the kernel saw a packet, in seconds since 1970; None where it does not say."""
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(value) >= _TIME.size:
            seconds, nanoseconds = _TIME.unpack_from(value)
            return float(seconds + nanoseconds / 1e9)
    return None
