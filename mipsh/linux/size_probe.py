"""Sends echoes of given sizes, in one piece or not at all, and tells of each whether it came, was refused, or vanished.

The kernel's memory of path MTUs is left aside (IPV6_PMTUDISC_PROBE): each probe is judged by what comes now.
"""

import errno
import os
import socket
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from types import TracebackType
from typing import Self

from msgspec import Struct, field

from mipsh.errors import MipshError
from mipsh.linux import links
from mipsh.linux.echo_socket import HEADER, NO_ROUTE, EchoSocket, Target, sequence_of
from mipsh.linux.echo_watch import EchoWatch
from mipsh.path_mtu.search import Answer, Reply
from mipsh.path_mtu.shape import Shape, shapes
from mipsh.path_mtu.told import Told, told
from mipsh.paths.classify import Circumstances, classify
from mipsh.paths.echo import HEADERS_SIZE, REQUEST, Echo, Frame, Known, Path
from mipsh.paths.sights import echo_of, error_in, number_of
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import Error

IPV6_MTU_DISCOVER, PMTUDISC_PROBE, IPV6_DONTFRAG = 23, 3, 62
TOKEN_SIZE = 8
NUMBERS = 1 << 16
LEAST_WAIT_S, LONGEST_WAIT_S = 0.3, 2.0
PAUSE_S = 0.02
"""How far apart probes are, at the least: routers limit how many errors they send (RFC 4443 section 2.4 f)."""
MOST_FRAMES, MOST_IGNORED = 128, 16
SIZE_AT_LEAST = HEADERS_SIZE + TOKEN_SIZE


class Probe(Struct):
    """What became of a probe of a size.

    ``told`` is the Packet Too Big that refused it, with who sent it; ``ignored`` are those that were not believed.
    ``is_local`` marks one that this node itself did not send in one piece. ``reached`` tells whether it came to
    the peer, None where nobody looked there.
    """

    size: int
    reply: Reply
    path: Path
    out: Shape
    back: Shape
    rtt_s: float | None = None
    told: tuple[Told, str] | None = None
    ignored: list[tuple[Told, str]] = field(default_factory=list)
    is_local: bool = False
    reached: bool | None = None

    @property
    def answer(self) -> Answer:
        """What the search is to know of it."""
        return Answer(self.reply, None if self.told is None else self.told[0].fits_mtu)


class _Sent(Struct):
    """A probe that is on its way."""

    number: int
    size: int
    at: float
    clock: float
    lost_before: int
    frames: list[Frame] = field(default_factory=list)
    came_at: float | None = None
    is_refused: bool = False
    told: tuple[Told, str] | None = None
    ignored: list[tuple[Told, str]] = field(default_factory=list)
    reached: bool = False


class SizeProber:
    """Probes one path; ``watched`` makes a watch in the peer's namespace, None where that is not within reach.

    Raises what EchoSocket and EchoWatch raise.
    """

    def __init__(
        self, target: Target, known: Known, watched: Callable[[int, int | None], EchoWatch] | None = None
    ) -> None:
        self.known = known
        self._target = target
        self._number = int.from_bytes(os.urandom(2))
        self._token = os.urandom(TOKEN_SIZE)
        self._next_at = 0.0
        self.wait_s = LONGEST_WAIT_S / 2
        with ExitStack() as undo:
            self.socket = undo.enter_context(EchoSocket(target))
            self._watch = undo.enter_context(EchoWatch(self.socket.identifier))
            self._peer = None if watched is None else undo.enter_context(watched(self.socket.identifier, None))
            # The same socket by another descriptor, for what an echo does not need otherwise.
            self._same = undo.enter_context(socket.socket(fileno=os.dup(self.socket.fileno())))
            self._prepare()
            self._resources = undo.pop_all()
        self._ends = parse(self.socket.source), parse(target.destination)
        self._scope = socket.if_nametoindex(target.interface) if target.interface else 0

    def _prepare(self) -> None:
        try:
            self._same.setsockopt(socket.IPPROTO_IPV6, IPV6_MTU_DISCOVER, PMTUDISC_PROBE)
            self._same.setsockopt(socket.IPPROTO_IPV6, IPV6_DONTFRAG, 1)
        except OSError as error:
            raise links.explained(error, "send packets in one piece") from None

    def probe(self, size: int) -> Probe:
        """Send an echo request of so many bytes in all, and wait for what comes of it; raises MipshError."""
        size = max(size, SIZE_AT_LEAST)
        while (left_s := self._next_at - time.monotonic()) > 0:
            self.socket.wait((), time.monotonic() + left_s)
            self.socket.answers()
        self._number = (self._number + 1) % NUMBERS
        sent = _Sent(self._number, size, time.monotonic(), time.time(), self._watch.lost)
        self._next_at = sent.at + PAUSE_S
        is_sent = self._send(sent)
        until = sent.at + self.wait_s
        while is_sent and sent.came_at is None and not sent.is_refused and time.monotonic() < until:
            self.socket.wait((self._watch.fileno(),), until)
            self._take(sent)
        self._take_from_peer(sent)
        return self._settled(sent, is_sent=is_sent)

    def _send(self, sent: _Sent) -> bool:
        """Send a probe; False where the node itself does not, for its size."""
        data = self._token + bytes(sent.size - SIZE_AT_LEAST)
        message = HEADER.pack(REQUEST, 0, 0, self.socket.identifier, sent.number) + data
        try:
            self._same.sendto(message, (self._target.destination, 0, 0, self._scope))
        except OSError as error:
            if error.errno == errno.EMSGSIZE:
                return False
            what = f"send an echo to {self._target.destination}"
            if error.errno in NO_ROUTE:
                raise MipshError(f"cannot {what}: no route", "'ip -6 route' lists what is known") from None
            raise links.explained(error, what) from None
        return True

    def _take(self, sent: _Sent) -> None:
        """Take what came of a probe: errors may come to a link and be kept from programs."""
        answers = self.socket.answers()
        for frame in self._watch.frames():
            refused = None if frame.is_outgoing else error_in(frame)
            if refused is not None:
                self._refused(sent, refused[1], refused[0])
            elif number_of(frame, self.socket.identifier) in (sent.number, None) and len(sent.frames) < MOST_FRAMES:
                sent.frames.append(frame)
        for answer in answers:
            if answer.error is not None:
                self._refused(sent, answer.error, answer.source)
            elif answer.sequence == sent.number and answer.data.startswith(self._token):
                sent.came_at = time.monotonic()

    def _refused(self, sent: _Sent, error: Error, source: str) -> None:
        """Take in an error; one that is not about this probe, or says what cannot be, is left aside."""
        found = told(error, sent.size, self._token)
        if found is None:
            return
        is_ours = sequence_of(error.original, self.socket.identifier) == sent.number
        if is_ours and not found.doubt:
            sent.is_refused, sent.told = True, (found, source)
        elif is_ours and (found, source) not in sent.ignored:
            sent.ignored.append((found, source))
            del sent.ignored[MOST_IGNORED:]

    def _take_from_peer(self, sent: _Sent) -> None:
        if self._peer is None:
            return
        for frame in self._peer.frames():
            seen = echo_of(frame)
            is_here = number_of(frame, self.socket.identifier) == sent.number
            if is_here and not frame.is_outgoing and (seen is None or seen[0] == REQUEST):
                sent.reached = True

    def _settled(self, sent: _Sent, *, is_sent: bool) -> Probe:
        data_size = sent.size - HEADERS_SIZE
        echo = Echo(*self._ends, self.socket.identifier, sent.number, self._token, data_size)
        is_answered = sent.came_at is not None
        path = classify(echo, sent.frames, self.known, Circumstances(self._watch.lost - sent.lost_before, is_answered))
        out, back = shapes(sent.frames, echo)
        reply = Reply.FITS if is_answered else Reply.TOO_BIG if sent.is_refused or not is_sent else Reply.SILENT
        is_cut = out.is_whole is False
        if is_cut:
            # The node put something around it, and then cut it: it does not fit as it is.
            reply = Reply.TOO_BIG
        rtt_s = None if sent.came_at is None else sent.came_at - sent.at
        if rtt_s is not None:
            self.wait_s = min(max(4 * rtt_s, LEAST_WAIT_S), LONGEST_WAIT_S)
        reached = None if self._peer is None else sent.reached or is_answered
        is_local = not is_sent or is_cut
        return Probe(sent.size, reply, path, out, back, rtt_s, sent.told, sent.ignored, is_local, reached)

    def close(self) -> None:
        """Probe no more; harmless when that is done."""
        with suppress(OSError):
            self._resources.close()

    def __enter__(self) -> Self:
        """Return the prober."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
