"""Watches the links of a network namespace for Mobile IPv6 signalling, whoever sends or receives it (packet(7)).

What passes is what ``packet_filter`` lets pass. One packet that crosses several interfaces of the node,
a tunnel's and the one below it say, is told once, where it was first seen.
"""

import select
import socket
import struct
import time
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from types import TracebackType
from typing import Self

from msgspec import Struct

from mipsh.linux import links
from mipsh.linux.packet_filter import Instruction, attach, signalling_from_links
from mipsh.linux.privileges import Need, require
from mipsh.linux.signalling import Hidden, Message, recognise

ETH_P_ALL = socket.htons(0x0003)
"""Packets of every protocol: those of a single one are heard on their way in only."""
SOL_PACKET, PACKET_STATISTICS = 263, 6
SO_TIMESTAMPNS, SO_RCVBUFFORCE = 35, 33
BUFFER_SIZE = 4 << 20
LARGEST, ANCILLARY_SIZE = 65_575, 256
ACROSS_S = 0.5
"""How long one packet may take from one interface of the node to another, at the most."""
MOST_REMEMBERED = 4096
NS_PER_S = 1_000_000_000

_TIME = struct.Struct("@ll")
_STATISTICS = struct.Struct("=II")


class Seen(Struct, frozen=True):
    """A message that was on a link.

    ``time`` is seconds since 1970, ``monotonic`` the same moment of ``time.monotonic``, both as the
    kernel saw the packet. ``interface`` is empty where it was gone already. Addresses are as
    ``signalling.Signal`` has them. Secrets are not in ``message``; ``is_sound`` is False for one that is
    malformed or whose checksum is wrong.
    """

    time: float
    monotonic: float
    interface: str
    is_outgoing: bool
    source: str
    destination: str
    home_address: str | None
    care_of_address: str | None
    message: Message
    is_tunnelled: bool = False
    is_sound: bool = True


class Caught(Struct, frozen=True):
    """An IPv6 packet that was on a link, as it was: ``time_ns`` is nanoseconds since 1970, by the kernel."""

    time_ns: int
    interface: str
    is_outgoing: bool
    data: bytes


class Sightings:
    """Tells a packet that is seen again on another interface from one that was sent again."""

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, tuple[float, set[tuple[str, bool]]]] = OrderedDict()

    def is_new(self, identity: bytes, at: float, place: tuple[str, bool]) -> bool:
        """Take note of a packet at a place, an interface and a direction; tell whether it is not one seen before."""
        began, places = self._seen.pop(identity, (at, set()))
        is_new = not places or place in places or not 0 <= at - began <= ACROSS_S
        self._seen[identity] = (at, {place}) if is_new else (began, {*places, place})
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return is_new


class Witness:
    """Hears what is on the interfaces named, or on all but the loopback, from when it is made.

    The interfaces are those of the network namespace that the thread is in then; those that come later
    are heard, too. Raises RefusedError without CAP_NET_RAW, UsageError for an interface that is not there.
    """

    def __init__(self, interfaces: Iterable[str] | None = None, program: Sequence[Instruction] | None = None) -> None:
        """Hear what a filter lets pass: signalling, where no other one is given."""
        require([Need.NET_RAW], "watching packets")
        self._program = signalling_from_links() if program is None else program
        self.esp = 0
        """How many encrypted packets there were: what was in them is not known."""
        self._lost = 0
        self._sightings = Sightings()
        self._interfaces = None if interfaces is None else frozenset(interfaces)
        try:
            for name in self._interfaces or ():
                links.mtu(name)
            self._socket = socket.socket(socket.AF_PACKET, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK, ETH_P_ALL)
        except OSError as error:
            raise links.explained(error, "watch packets") from None
        try:
            self._open()
        except OSError as error:
            self._socket.close()
            raise links.explained(error, "watch packets") from None
        self._poll = select.poll()
        self._poll.register(self._socket, select.POLLIN)

    def _open(self) -> None:
        """Set what the socket hears, and how: what it has heard before that is looked at like all else."""
        attach(self._socket, self._program)
        self._socket.setsockopt(socket.SOL_SOCKET, SO_TIMESTAMPNS, 1)
        try:
            self._socket.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, BUFFER_SIZE)
        except PermissionError:
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, BUFFER_SIZE)

    def next(self, until: float) -> Seen | None:
        """Return the next message, awaited until a time of ``time.monotonic``; None when none came.

        Raises MipshError where an interface's socket fails.
        """
        while (caught := self.packet(until)) is not None:
            seen = self._seen(caught)
            if seen is not None:
                return seen
        return None

    def packet(self, until: float) -> Caught | None:
        """Return the next packet that the filter let pass, again for every interface; None when none came."""
        while True:
            try:
                data, ancillary, _, place = self._socket.recvmsg(LARGEST, ANCILLARY_SIZE)
            except BlockingIOError:
                left_ms = (until - time.monotonic()) * 1000
                if left_ms <= 0:
                    return None
                self._poll.poll(left_ms)
                continue
            except OSError as error:
                raise links.explained(error, "watch packets") from None
            if self._interfaces is None or place[0] in self._interfaces:
                return Caught(_time_of(ancillary), place[0], place[2] == socket.PACKET_OUTGOING, data)

    def _seen(self, caught: Caught) -> Seen | None:
        """Return what a packet says; None where it is nothing, or nothing new."""
        signal = recognise(caught.data)
        if signal is None:
            return None
        at, now = caught.time_ns / NS_PER_S, time.time()
        if not self._sightings.is_new(signal.identity, at, (caught.interface, caught.is_outgoing)):
            return None
        if isinstance(signal, Hidden):
            self.esp += 1
            return None
        return Seen(
            at,
            time.monotonic() - (now - at),
            caught.interface,
            caught.is_outgoing,
            signal.source,
            signal.destination,
            signal.home_address,
            signal.care_of_address,
            signal.message,
            signal.is_tunnelled,
            signal.is_sound,
        )

    @property
    def lost(self) -> int:
        """How many packets the kernel could not keep until they were asked for."""
        if self._socket.fileno() >= 0:
            self._lost += _STATISTICS.unpack(self._socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))[1]
        return self._lost

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self._socket.fileno()

    def close(self) -> None:
        """Hear no more; harmless when that is done."""
        self._socket.close()

    def __enter__(self) -> Self:
        """Return the witness."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _time_of(ancillary: Sequence[tuple[int, int, bytes]]) -> int:
    """Return when the kernel saw a packet, in nanoseconds since 1970."""
    for level, kind, value in ancillary:
        if (level, kind) == (socket.SOL_SOCKET, SO_TIMESTAMPNS) and len(value) >= _TIME.size:
            seconds, nanoseconds = _TIME.unpack_from(value)
            return int(seconds * NS_PER_S + nanoseconds)
    return time.time_ns()
