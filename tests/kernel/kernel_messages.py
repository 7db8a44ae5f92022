"""Mobility messages over the sockets that a daemon uses: the kernel adds and takes off what belongs around them.

A stand-in for a daemon sends a Binding Update when the kernel or a peer asks for one, or acknowledges those that
come. It keeps no state of any kind.
"""

import os
import select
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from kernel_nodes import CN, HA, MH, Mobile, Nodes

from mipsh.wire.address import parse
from mipsh.wire.mobility import BindingAcknowledgement, BindingRefreshRequest, BindingUpdate, MobilityHeader

ACKNOWLEDGE, HOME_REGISTRATION = 0x8000, 0x4000
LIFETIME = 105
"""In units of 4 seconds."""
NETLINK_XFRM, ACQUIRE_GROUP = 6, 1
XFRM_MSG_ACQUIRE = 0x17
ROUTING_TYPE = 2
PADN = bytes((1, 2, 0, 0))
LONGEST_S = 15.0
Heard = Callable[[bytes, str], None]


def update(node: Mobile, to: str, sequence: int = 1) -> bytes:
    """Return a Binding Update that wants to be acknowledged; home registrations are the home agent's."""
    flags = ACKNOWLEDGE | (HOME_REGISTRATION if to == HA else 0)
    message = BindingUpdate(sequence, flags, LIFETIME)
    return _padded(MobilityHeader(message).encode(parse(node.home), parse(to)), node.home, to)


def acknowledgement(node: Mobile, of: str, sequence: int = 1) -> bytes:
    """Return the answer that accepts it."""
    message = BindingAcknowledgement(0, 0, sequence, LIFETIME)
    return _padded(MobilityHeader(message).encode(parse(of), parse(node.home)), of, node.home)


def _padded(data: bytes, source: str, destination: str) -> bytes:
    """Return a message of a whole number of 8 bytes; the socket computes the checksum anew."""
    missing = -len(data) % 8
    padding = {0: b"", 2: bytes((1, 0)), 4: PADN}[missing]
    length = (len(data) + missing) // 8 - 1
    return bytes((data[0], length)) + data[2:4] + bytes(2) + data[6:] + padding


def open_socket(nodes: Nodes, name: str) -> socket.socket:
    """Open a node's socket for Mobility Headers."""
    return nodes.netns.inside(name, lambda: socket.socket(socket.AF_INET6, socket.SOCK_RAW, MH))


def send_update(nodes: Nodes, node: Mobile, to: str, sequence: int = 1) -> None:
    """Send a Binding Update from a mobile node's home address, as a daemon does."""
    with open_socket(nodes, node.name) as opened:
        opened.bind((node.home, 0))
        opened.sendto(update(node, to, sequence), (to, 0))


def acknowledge(opened: socket.socket, node: Mobile, own: str, sequence: int) -> None:
    """Send an acknowledgement with a routing header to where the mobile node is."""
    header = struct.pack("!BBBB4x16s", 0, 2, ROUTING_TYPE, 1, parse(node.care_of))
    opened.sendmsg(
        [acknowledgement(node, own, sequence)], [(socket.IPPROTO_IPV6, socket.IPV6_RTHDR, header)], 0, (node.home, 0)
    )


def await_type(opened: socket.socket, kind: int) -> None:
    """Wait until a socket gets a message of a type; raises TimeoutError."""
    while data := receives(opened, LONGEST_S):
        if data[2] == kind:
            return
    raise TimeoutError(kind)


def receives(opened: socket.socket, wait_s: float) -> bytes:
    """Return the next message that a socket gets, empty where none comes."""
    ready, _, _ = select.select([opened], [], [], wait_s)
    return opened.recv(1500) if ready else b""


@contextmanager
def acknowledging(nodes: Nodes, node: Mobile, name: str, own: str) -> Iterator[None]:
    """Let a node acknowledge the Binding Updates of a mobile node."""
    with open_socket(nodes, name) as opened:
        opened.bind((own, 0))

        def heard(data: bytes, source: str) -> None:
            if data[2] == BindingUpdate.TYPE and source == node.home:
                acknowledge(opened, node, own, int.from_bytes(data[6:8], "big"))

        with _listening({opened: heard}):
            yield


@contextmanager
def updating(nodes: Nodes, node: Mobile, to: str = CN) -> Iterator[None]:
    """Let a mobile node send a Binding Update to a peer when it asks for it, or when the kernel's trigger is met."""
    with open_socket(nodes, node.name) as opened, _acquires(nodes, node.name) as acquires:
        opened.bind((node.home, 0))
        sequences = iter(range(100, 200))

        def send() -> None:
            opened.sendto(update(node, to, next(sequences)), (to, 0))

        def heard(data: bytes, source: str) -> None:
            if data[2] == BindingRefreshRequest.TYPE:
                send()

        def acquired(data: bytes, source: str) -> None:
            if int.from_bytes(data[4:6], "little") == XFRM_MSG_ACQUIRE:
                send()

        with _listening({opened: heard, acquires: acquired}):
            yield


def _acquires(nodes: Nodes, name: str) -> socket.socket:
    """Open a socket that hears of what the kernel wants states for."""

    def make() -> socket.socket:
        made = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_XFRM)
        made.bind((0, ACQUIRE_GROUP))
        return made

    return nodes.netns.inside(name, make)


@contextmanager
def _listening(handlers: dict[socket.socket, Heard]) -> Iterator[None]:
    """Let handlers hear what sockets get, in a thread, until the block ends."""
    bell = os.eventfd(0, os.EFD_CLOEXEC)
    numbers = {one.fileno(): one for one in handlers}

    def run() -> None:
        while True:
            ready, _, _ = select.select([bell, *numbers], [], [])
            if bell in ready:
                return
            for number in ready:
                data, source = numbers[number].recvfrom(65536)
                handlers[numbers[number]](data, str(source[0]))

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield
    finally:
        os.eventfd_write(bell, 1)
        thread.join()
        os.close(bell)
