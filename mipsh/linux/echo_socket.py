"""Sends ICMPv6 echo requests and takes replies and errors, with the times at which the kernel had them (RFC 4443).

A raw socket needs CAP_NET_RAW; where that is missing, a datagram socket may be allowed to the user's group
(ping_group_range, icmp(7)). Everything is of the network namespace that the thread is in.
"""

import errno
import os
import select
import socket
import struct
import time
from collections.abc import Sequence
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from msgspec import Struct

from mipsh.errors import MipshError, RefusedError, UsageError
from mipsh.linux import links
from mipsh.linux.echo_filter import replies
from mipsh.linux.echo_watch import SO_RCVBUFFORCE, SO_TIMESTAMPNS, time_of
from mipsh.linux.packet_filter import attach
from mipsh.paths.echo import REPLY, REQUEST
from mipsh.wire.address import is_link_local, is_multicast, parse, text
from mipsh.wire.extension import DestinationOptions, HomeAddress, Type2RoutingHeader, decode_header
from mipsh.wire.fault import Fault
from mipsh.wire.icmpv6 import EchoRequest, Error, Icmpv6, decode_icmpv6
from mipsh.wire.packet import Packet, decode

ICMPV6_FILTER = 1
IPV6_RECVERR, IPV6_FREEBIND = 25, 78
ROUTING, DESTINATION = 43, 60
HEADER = struct.Struct("!BBHHH")
EXTENDED_ERROR = struct.Struct("=IBBBBII")
LARGEST, ANCILLARY_SIZE = 65_575, 1024
BUFFER_SIZE = 1 << 20
NO_ROUTE = (errno.ENETUNREACH, errno.EHOSTUNREACH)
BUSY = (errno.ENOBUFS, errno.EAGAIN)
FORBIDDEN = (errno.EPERM, errno.EACCES, errno.EINVAL)
"""What the kernel says of a packet that a policy or a firewall, a route or a rule "prohibit", one "blackhole" keeps."""
WHO_FORBIDS = "an XFRM policy that blocks, a firewall, or a route or rule that prohibits; 'why HOST' may say which"
HOW_TO_GRANT = (
    "run mipsh with sudo, give its Python the capability (setcap cap_net_raw+ep FILE), or let your group "
    "ping: sysctl net.ipv4.ping_group_range='0 2147483647'"
)


class Forbidden(RefusedError):
    """The kernel did not let one packet go; the next one may."""


class Target(Struct, frozen=True):
    """Whom an echo is for and from, out of which interface, with which hop limit; empty leaves it to the kernel."""

    destination: str
    source: str = ""
    interface: str = ""
    hop_limit: int | None = None


class Answer(Struct, frozen=True):
    """A reply, or an ICMPv6 error about a request.

    ``time`` is seconds since 1970 as the kernel had it. ``routed_to`` and ``home_address`` are what an
    optimised reply's headers say, where the socket was shown them.
    """

    sequence: int
    time: float
    source: str
    data: bytes = b""
    hop_limit: int | None = None
    error: Error | None = None
    routed_to: str | None = None
    home_address: str | None = None


class EchoSocket:
    """Sends requests to one destination and takes what comes back.

    ``is_raw`` tells which kind of socket it is. ``identifier`` and ``source`` are those of its packets.
    Raises RefusedError where neither kind is allowed, UsageError for what is no address or interface,
    MipshError for no route.
    """

    def __init__(self, target: Target) -> None:
        self.target = target
        self._scope = _scope(target)
        self._ends = (target.destination, 0, 0, self._scope)
        with ExitStack() as undo:
            self._socket, self.is_raw = _opened()
            undo.callback(self._socket.close)
            try:
                self.source = target.source or _source(self._ends, target)
                self._prepare(target)
            except OSError as error:
                raise _explained(error, target) from None
            undo.pop_all()

    def _prepare(self, target: Target) -> None:
        """Set who may answer, what is told of it, and where requests are from; raises OSError."""
        own = self._socket
        own.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        for option in (socket.IPV6_RECVHOPLIMIT, socket.IPV6_RECVRTHDR, socket.IPV6_RECVDSTOPTS):
            own.setsockopt(socket.IPPROTO_IPV6, option, 1)
        if target.interface:
            own.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, target.interface.encode())
        if target.hop_limit is not None:
            for option in (socket.IPV6_UNICAST_HOPS, socket.IPV6_MULTICAST_HOPS):
                own.setsockopt(socket.IPPROTO_IPV6, option, target.hop_limit)
        scope = self._scope if is_link_local(parse(self.source)) else 0
        own.bind((self.source, 0, 0, scope))
        if self.is_raw:
            self.identifier = int.from_bytes(os.urandom(2))
            attach(own, replies(self.identifier))
        else:
            own.setsockopt(socket.IPPROTO_IPV6, IPV6_RECVERR, 1)
            self.identifier = int(own.getsockname()[1])
        with suppress(PermissionError):
            own.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_SIZE)

    def send(self, sequence: int, data: bytes) -> float:
        """Send a request; return when, in seconds since 1970, just before the kernel had it.

        Raises Forbidden for a packet that policies or routes keep, MipshError where nothing can be sent.
        """
        message = HEADER.pack(REQUEST, 0, 0, self.identifier, sequence & 0xFFFF) + data
        at = time.time()
        try:
            self._socket.sendto(message, self._ends)
        except OSError as error:
            if error.errno in FORBIDDEN:
                raise Forbidden(f"the kernel did not let it go: {error.strerror}", WHO_FORBIDS) from None
            if error.errno not in BUSY:
                raise _explained(error, self.target) from None
        return at

    def answers(self) -> list[Answer]:
        """Return what came since it was asked before; raises MipshError where the socket fails."""
        found: list[Answer] = [] if self.is_raw else self._told_errors()
        while True:
            try:
                data, ancillary, _, sender = self._socket.recvmsg(LARGEST, ANCILLARY_SIZE)
            except BlockingIOError:
                return found
            except OSError as error:
                # An error that a datagram socket was told about a request is in its queue, too.
                if self.is_raw or error.errno in (errno.EBADF, errno.ENODEV):
                    raise links.explained(error, "take replies") from None
                found += self._told_errors()
                continue
            answer = self._read(data, ancillary, str(sender[0]).partition("%")[0])
            if answer is not None:
                found.append(answer)

    def _read(self, data: bytes, ancillary: Sequence[tuple[int, int, bytes]], source: str) -> Answer | None:
        """Return what a message says of a request; None where it is about none of these."""
        at = time_of(ancillary) or time.time()
        hop_limit, routed_to, home_address = _headers(ancillary)
        if len(data) < HEADER.size:
            return None
        kind, _, _, identifier, sequence = HEADER.unpack_from(data)
        if kind == REPLY and identifier == self.identifier:
            return Answer(sequence, at, source, data[HEADER.size :], hop_limit, None, routed_to, home_address)
        message = decode_icmpv6(data, 0, len(data), [])
        error = message.message if isinstance(message, Icmpv6) else None
        if not isinstance(error, Error):
            return None
        number = sequence_of(error.original, self.identifier)
        return None if number is None else Answer(number, at, source, b"", hop_limit, error)

    def _told_errors(self) -> list[Answer]:
        """Return the errors in the queue of a datagram socket."""
        found: list[Answer] = []
        while True:
            try:
                data, ancillary, _, _ = self._socket.recvmsg(LARGEST, ANCILLARY_SIZE, socket.MSG_ERRQUEUE)
            except OSError:
                return found
            for level, kind, value in ancillary:
                if (level, kind) == (socket.IPPROTO_IPV6, IPV6_RECVERR) and len(data) >= HEADER.size:
                    error = _extended(value)
                    sequence = HEADER.unpack_from(data)[4]
                    if error is not None:
                        found.append(Answer(sequence, time.time(), error[1], error=error[0]))

    def wait(self, others: Sequence[int], until: float) -> None:
        """Wait until something came here or to other descriptors, or until a time of ``time.monotonic``."""
        waiting = select.poll()
        for descriptor in (self.fileno(), *others):
            waiting.register(descriptor, select.POLLIN)
        waiting.poll(max((until - time.monotonic()) * 1000, 0.0))

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Send and take no more; harmless when that is done."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Return the socket."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def sequence_of(original: bytes, identifier: int) -> int | None:
    """Return the number of the request that an error's packet is, whatever is around it; None for another packet."""
    packet = decode(original)
    if not isinstance(packet, Packet):
        return None
    while isinstance(packet.upper, Packet):
        packet = packet.upper
    message = packet.upper.message if isinstance(packet.upper, Icmpv6) else None
    if isinstance(message, EchoRequest) and message.identifier == identifier:
        return message.sequence
    return None


def _opened() -> tuple[socket.socket, bool]:
    """Return a socket of the better kind that is allowed, and whether it is a raw one."""
    for kind in (socket.SOCK_RAW, socket.SOCK_DGRAM):
        try:
            opened = socket.socket(socket.AF_INET6, kind | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMPV6)
        except PermissionError:
            continue
        except OSError as error:
            raise links.explained(error, "send an echo") from None
        return opened, kind == socket.SOCK_RAW
    what = "sending an echo needs CAP_NET_RAW, and this process has not; nor may its group ping"
    raise RefusedError(what, HOW_TO_GRANT)


def _scope(target: Target) -> int:
    """Return the number of the interface that is meant; 0 for any. Raises UsageError."""
    if target.interface:
        try:
            return socket.if_nametoindex(target.interface)
        except OSError:
            error = OSError(errno.ENODEV, f"there is no interface '{target.interface}'")
            raise links.explained(error, "send an echo") from None
    if is_link_local(parse(target.destination)) or is_multicast(parse(target.destination)):
        raise UsageError(
            f"{target.destination} is on every link: nothing says on which", f"write -I IFACE {target.destination}"
        )
    return 0


def _source(ends: tuple[str, int, int, int], target: Target) -> str:
    """Return the address that the kernel would send from; raises OSError."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as asking:
        if target.interface:
            with suppress(PermissionError):
                asking.setsockopt(socket.SOL_SOCKET, socket.SO_BINDTODEVICE, target.interface.encode())
        asking.connect((ends[0], 1025, 0, ends[3]))
        return str(asking.getsockname()[0]).partition("%")[0]


def _headers(ancillary: Sequence[tuple[int, int, bytes]]) -> tuple[int | None, str | None, str | None]:
    """Return the hop limit of a message, and the home addresses in its routing header and its option."""
    hop_limit: int | None = None
    routed_to: str | None = None
    home_address: str | None = None
    for level, kind, value in ancillary:
        if level != socket.IPPROTO_IPV6:
            continue
        if kind == socket.IPV6_HOPLIMIT and len(value) >= struct.calcsize("=i"):
            hop_limit = int(struct.unpack_from("=i", value)[0])
        elif kind in (socket.IPV6_RTHDR, socket.IPV6_DSTOPTS):
            number = ROUTING if kind == socket.IPV6_RTHDR else DESTINATION
            faults: list[Fault] = []
            read = decode_header(number, value, 0, len(value), faults)
            header = read[0] if read is not None else None
            if isinstance(header, Type2RoutingHeader):
                routed_to = text(header.home_address)
            elif isinstance(header, DestinationOptions):
                homes = [option.address for option in header.options if isinstance(option, HomeAddress)]
                home_address = text(homes[0]) if homes else home_address
    return hop_limit, routed_to, home_address


def _extended(value: bytes) -> tuple[Error, str] | None:
    """Return an error in the kernel's form, and who told it; None where it is not an ICMPv6 error."""
    if len(value) < EXTENDED_ERROR.size + 28:
        return None
    _, _, kind, code, _, information, _ = EXTENDED_ERROR.unpack_from(value)
    told = struct.pack("!BBHI", kind, code, 0, information)
    message = decode_icmpv6(told, 0, len(told), [])
    offender = text(value[EXTENDED_ERROR.size + 8 : EXTENDED_ERROR.size + 24])
    if isinstance(message, Icmpv6) and isinstance(message.message, Error):
        return message.message, offender
    return None


def _explained(error: OSError, target: Target) -> MipshError:
    """Return the kernel's refusal to send as an error with a hint."""
    what = f"send an echo to {target.destination}"
    if error.errno in NO_ROUTE:
        return MipshError(f"cannot {what}: no route", f"'ip -6 route get {target.destination}' says what is known")
    if error.errno == errno.EADDRNOTAVAIL:
        return UsageError(
            f"cannot {what}: {target.source or 'its source'} is no address of this node",
            "'ip -6 address' lists those that are",
        )
    if error.errno == errno.EMSGSIZE:
        return MipshError(f"cannot {what}: it is larger than the path takes", "give a smaller --size")
    if error.errno == errno.ENETDOWN:
        return MipshError(f"cannot {what}: the interface of its route is down", "ip link set dev NAME up")
    return links.explained(error, what)
