"""All frames of an interface as they pass, with the kernel's own times (packet(7), promiscuous)."""

import select
import socket
import struct
from collections.abc import Iterator
from types import TracebackType
from typing import Self

from mipsh.errors import MipshError, RefusedError

ETH_P_ALL = 0x0003
SOL_PACKET, PACKET_ADD_MEMBERSHIP, PACKET_MR_PROMISC = 263, 1, 1
SO_TIMESTAMPNS = 35
LONGEST = 65_600
BUFFER_SIZE = 8 << 20
SO_RCVBUFFORCE = 33


class Tap:
    """Hears an interface of the network namespace that the thread is in, from when it is made."""

    def __init__(self, interface: str) -> None:
        try:
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        except PermissionError:
            raise RefusedError(f"'{interface}' may not be listened to", "it needs CAP_NET_RAW: run as root") from None
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
            self._enlarge()
            self._socket.bind((interface, ETH_P_ALL))
            index = socket.if_nametoindex(interface)
            membership = struct.pack("@iHH8s", index, PACKET_MR_PROMISC, 0, b"")
            self._socket.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)
        except OSError as error:
            self._socket.close()
            raise MipshError(f"cannot listen to '{interface}': {error.strerror}") from error

    def _enlarge(self) -> None:
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_SIZE)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_SIZE)

    def frames(self, wait_s: float) -> Iterator[tuple[int, bytes]]:
        """Yield the frames that are there with their times, in nanoseconds since 1970; wait for the first so long."""
        readable, _, _ = select.select([self._socket], [], [], wait_s)
        while readable:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(LONGEST, 64)
            except BlockingIOError:
                return
            except OSError as error:
                raise MipshError(f"the link cannot be listened to any more: {error.strerror}") from error
            for _, kind, value in ancillary:
                if kind == SO_TIMESTAMPNS:
                    seconds, nanoseconds = struct.unpack_from("@qq", value)
                    yield seconds * 10**9 + nanoseconds, data

    def close(self) -> None:
        """Hear no more; harmless when that is done."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Return the tap."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
