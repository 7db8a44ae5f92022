"""IPv6 packets straight from and to an Ethernet interface (packet(7)), past the kernel's own IPv6.

Only what is addressed to the interface, or to a group, reaches the program: other hosts' frames and
those for a VLAN are dropped in the kernel. What their sender left to its network card, checksums and
segmentation, is done here. Full queues and a link that is down lose packets, and are counted.
"""

import array
import socket
import struct
from types import TracebackType
from typing import Self

from msgspec import Struct

from mipsh.linux import links
from mipsh.linux.offload import VNET_HEADER_SIZE, finish, read

ETH_P_IPV6 = 0x86DD
ETHERNET_SIZE = 14
PACKET_AT = VNET_HEADER_SIZE + ETHERNET_SIZE
LONGEST = PACKET_AT + 65_575
"""The largest frame: a whole packet that its sender left to be segmented."""
SOL_PACKET = 263
PACKET_ADD_MEMBERSHIP, PACKET_VNET_HDR, PACKET_IGNORE_OUTGOING = 1, 15, 23
PACKET_MR_ALLMULTI = 2
SO_ATTACH_FILTER, SO_SNDBUFFORCE, SO_RCVBUFFORCE = 26, 32, 33
BUFFER_SIZE = 4 << 20
"""Bytes that may wait in the kernel, each way."""
BATCH = 64

FILTER = (
    (0x28, 0, 0, 0xFFFFF004),  # ldh type of the packet
    (0x25, 1, 0, socket.PACKET_MULTICAST),  # jgt: for another host, or outgoing
    (0x06, 0, 0, 0xFFFFFFFF),  # ret all
    (0x06, 0, 0, 0),  # ret nothing
)
"""Lets pass what is for this host, for all or for a group (linux/filter.h)."""


class Counters(Struct):
    """What became of packets; ``lost`` could not be sent, ``broken`` could not be received."""

    received: int = 0
    sent: int = 0
    lost: int = 0
    broken: int = 0


class PacketSocket:
    """An interface of the network namespace that the thread is in; it never blocks.

    Raises RefusedError without CAP_NET_RAW, UsageError for an interface that is not there or is no
    Ethernet.
    """

    def __init__(self, interface: str) -> None:
        self.interface = interface
        self.counters = Counters()
        what = f"open a packet socket on '{interface}'"
        try:
            self.link_layer = links.link_layer(interface)
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, 0)
        except OSError as error:
            raise links.explained(error, what) from None
        try:
            self._open()
        except OSError as error:
            self._socket.close()
            raise links.explained(error, what) from None
        self._buffer = bytearray(LONGEST)
        self._view = memoryview(self._buffer)
        self._lead = bytes(VNET_HEADER_SIZE)
        self._tail = self.link_layer + ETH_P_IPV6.to_bytes(2)

    def _open(self) -> None:
        """Set all options before the interface is bound: from then on, frames come in."""
        opened = self._socket
        code = array.array("B", b"".join(struct.pack("=HBBI", *line) for line in FILTER))
        opened.setsockopt(socket.SOL_SOCKET, SO_ATTACH_FILTER, struct.pack("@HP", len(FILTER), code.buffer_info()[0]))
        opened.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
        opened.setsockopt(SOL_PACKET, PACKET_VNET_HDR, 1)
        for forced, plain in ((SO_RCVBUFFORCE, socket.SO_RCVBUF), (SO_SNDBUFFORCE, socket.SO_SNDBUF)):
            try:
                opened.setsockopt(socket.SOL_SOCKET, forced, BUFFER_SIZE)
            except PermissionError:
                opened.setsockopt(socket.SOL_SOCKET, plain, BUFFER_SIZE)
        opened.bind((self.interface, ETH_P_IPV6))
        index = socket.if_nametoindex(self.interface)
        membership = struct.pack("@iHH8s", index, PACKET_MR_ALLMULTI, 0, b"")
        opened.setsockopt(SOL_PACKET, PACKET_ADD_MEMBERSHIP, membership)

    @property
    def mtu(self) -> int:
        """The largest packet that the interface takes now, in bytes; raises UsageError where it is gone."""
        try:
            return links.mtu(self.interface)
        except OSError as error:
            raise links.explained(error, f"read the MTU of '{self.interface}'") from None

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def receive(self, most: int = BATCH) -> list[bytes]:
        """Return the packets that came, at most so many frames' worth; none when there are no more."""
        packets: list[bytes] = []
        buffer, view, receive_into = self._buffer, self._view, self._socket.recv_into
        try:
            for _ in range(most):
                size = receive_into(buffer)
                if buffer[0] | buffer[1]:
                    packets += self._finish(size)
                elif size > PACKET_AT:
                    packets.append(bytes(view[PACKET_AT:size]))
        except BlockingIOError:
            self.counters.received += len(packets)
            return packets
        except OSError:
            self.counters.broken += 1
        self.counters.received += len(packets)
        return packets

    def _finish(self, size: int) -> list[bytes]:
        """Return the packets of a frame with which something is left to do."""
        data = bytes(self._view[PACKET_AT:size])
        packets = finish(data, read(self._view, ETHERNET_SIZE))
        self.counters.broken += not packets
        return packets

    def send(self, link_layer: bytes, data: bytes) -> bool:
        """Put a packet on the link, to a link-layer address; tell whether the kernel took it."""
        try:
            self._socket.send(self._lead + link_layer + self._tail + data)
        except OSError:
            self.counters.lost += 1
            return False
        self.counters.sent += 1
        return True

    def close(self) -> None:
        """Let go of the interface; harmless when that is done."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Return the socket."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
