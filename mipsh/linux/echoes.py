"""Sends echoes and tells of each what way it went: requests, replies and frames brought together.

An echo is settled when its reply came, when an ICMPv6 error did, or when it was waited for long enough; at once
where the kernel did not let it go, as it does with a mobile node's packets while that moves. Whether a packet was
seen is known from the same clock as the reply: the kernel shows a frame before it hands it on.
"""

import os
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from msgspec import Struct

from mipsh.errors import RefusedError
from mipsh.linux.echo_socket import Answer, EchoSocket, Forbidden, Target, sequence_of
from mipsh.linux.echo_watch import MOST_AT_ONCE, EchoWatch
from mipsh.paths.classify import NO_REPLY, Circumstances, classify
from mipsh.paths.echo import Echo, Frame, Known, Path, Route, Way
from mipsh.paths.icmp_words import words
from mipsh.paths.sights import error_in, number_of
from mipsh.paths.statistics import Outcome
from mipsh.wire.address import parse

TOKEN_SIZE = 8
NUMBERS = 1 << 16
MOST_DOUBTFUL = 1024
MOST_FRAMES = 64
"""How many frames of one echo are kept: more than these are copies."""
CLOCK_S = 0.001
NOTHING_KNOWN = Known()
NOT_PRIVILEGED = "packets cannot be watched without CAP_NET_RAW"
PLAIN = "the socket was shown no mobility header: what was around the reply is not known without CAP_NET_RAW"


class Pace(Struct, frozen=True):
    """How many echoes (0: no end), how far apart, how large, how long each reply and the whole is waited for.

    ``is_flood`` sends the next one as soon as the one before is answered.
    """

    count: int = 0
    interval_s: float = 1.0
    size: int = 56
    wait_s: float = 2.0
    deadline_s: float | None = None
    is_flood: bool = False


class Settled(Struct, frozen=True):
    """An echo with what became of it; ``at`` is when it was sent, in seconds since 1970, ``by`` who answered."""

    outcome: Outcome
    at: float
    by: str | None = None


class _Pending(Struct):
    """A request that was sent and not settled."""

    sequence: int
    at: float
    monotonic: float
    until: float
    lost_before: int
    frames: list[Frame]
    answer: Answer | None = None
    duplicates: int = 0
    forbidden: str = ""


class Prober:
    """Sends echoes to a target and settles them.

    ``is_watched`` is False where packets cannot be watched. ``late`` counts replies that came after their
    echo was settled as lost, ``duplicates`` those that came once more after it was answered,
    ``changed`` those whose data was not the request's. Raises what EchoSocket raises.
    """

    def __init__(
        self, target: Target, pace: Pace, known: Known = NOTHING_KNOWN, *, buffer_size: int | None = None
    ) -> None:
        self.pace = pace
        self.late = self.duplicates = self.changed = self.sent = 0
        self._behind = 0
        self._pending: dict[int, _Pending] = {}
        self._settled: dict[int, bool] = {}
        self._doubtful: deque[Frame] = deque(maxlen=MOST_DOUBTFUL)
        self._token = os.urandom(TOKEN_SIZE)[: pace.size]
        self._data = (self._token + bytes(number & 0xFF for number in range(pace.size)))[: pace.size]
        with ExitStack() as undo:
            self.socket = undo.enter_context(EchoSocket(target))
            self._watch = self._watching(buffer_size)
            if self._watch is not None:
                undo.push(self._watch)
            self._resources = undo.pop_all()
        source, self._destination = parse(self.socket.source), parse(target.destination)
        self._source = source
        self.known = Known(known.addresses | {source}, known.home_addresses, known.away)

    def _watching(self, buffer_size: int | None) -> EchoWatch | None:
        extra = {} if buffer_size is None else {"buffer_size": buffer_size}
        try:
            return EchoWatch(self.socket.identifier, self.pace.size, **extra) if self.socket.is_raw else None
        except RefusedError:
            return None

    @property
    def is_watched(self) -> bool:
        """Tell whether packets on the interfaces are seen."""
        return self._watch is not None

    @property
    def lost_frames(self) -> int:
        """How many packets the kernel could not keep for the watch, and how often there were too many to take."""
        return 0 if self._watch is None else self._watch.lost + self._behind

    @property
    def pending(self) -> int:
        """How many echoes are not settled."""
        return len(self._pending)

    def run(self, is_over: Callable[[], bool], others: tuple[int, ...] = ()) -> Iterator[Settled]:
        """Send echoes as the pace says and yield each when it is settled, until all are or it is over.

        ``others`` are descriptors that end a wait, so that ``is_over`` is asked. What is not settled when it
        is over is left out. Raises MipshError where nothing can be sent any more.
        """
        began = next_at = time.monotonic()
        end = None if self.pace.deadline_s is None else began + self.pace.deadline_s
        while not is_over():
            now = time.monotonic()
            if end is not None and now >= end:
                yield from self._settle(now, is_last=True)
                return
            if self._may_send() and (now >= next_at or self._is_drained_flood()):
                self._send(now)
                next_at = max(next_at + self.pace.interval_s, now)
            self._take()
            yield from self._settle(now)
            if not self._may_send() and not self._pending:
                return
            self._wait(next_at, end, others)

    def _may_send(self) -> bool:
        return not self.pace.count or self.sent < self.pace.count

    def _is_drained_flood(self) -> bool:
        return self.pace.is_flood and not self._pending

    def _send(self, now: float) -> None:
        """Send the next request; one of the same number, 65536 ago, that was not settled is forgotten."""
        self.sent += 1
        number = self.sent % NUMBERS
        self._take()
        lost = self.lost_frames
        self._settled.pop(number, None)
        pending = _Pending(self.sent, 0.0, now, now + self.pace.wait_s, lost, [])
        self._pending[number] = pending
        try:
            pending.at = self.socket.send(number, self._data)
        except Forbidden as error:
            pending.at, pending.forbidden = time.time(), error.message
            pending.until = now + (self.pace.interval_s if self.pace.is_flood else 0.0)

    def _take(self) -> None:
        """Take what came: replies first, so that the frames that were shown before them are there, too."""
        answers = self.socket.answers()
        if self._watch is not None:
            frames = list(self._watch.frames())
            for frame in frames:
                self._keep(frame)
            self._behind += len(frames) == MOST_AT_ONCE
        for answer in answers:
            self._answered(answer)

    def _keep(self, frame: Frame) -> None:
        number = number_of(frame, self.socket.identifier)
        if number is None and not self._keep_error(frame):
            self._doubtful.append(frame)
        elif number is not None and number in self._pending and len(self._pending[number].frames) < MOST_FRAMES:
            self._pending[number].frames.append(frame)

    def _keep_error(self, frame: Frame) -> bool:
        """Take an ICMPv6 error that came to a link for an answer: a node may keep it from its programs."""
        found = None if frame.is_outgoing else error_in(frame)
        if found is None:
            return False
        source, error = found
        number = sequence_of(error.original, self.socket.identifier)
        if number is not None:
            self._answered(Answer(number, frame.time, source, error=error))
        return True

    def _answered(self, answer: Answer) -> None:
        pending = self._pending.get(answer.sequence)
        if pending is None:
            was_answered = self._settled.get(answer.sequence)
            if was_answered is not None and answer.error is None:
                self.duplicates += was_answered
                self.late += not was_answered
                self._settled[answer.sequence] = True
            return
        if answer.error is None and answer.data != self._data:
            self.changed += 1
        if pending.answer is None or (pending.answer.error is not None and answer.error is None):
            pending.answer = answer
        elif answer.error is None:
            pending.duplicates += 1

    def _settle(self, now: float, *, is_last: bool = False) -> Iterator[Settled]:
        """Yield the echoes that are answered, or that were waited for long enough."""
        ready = [
            number
            for number, pending in self._pending.items()
            if is_last or pending.answer is not None or now >= pending.until
        ]
        for number in ready:
            pending = self._pending.pop(number)
            answer = pending.answer
            self._settled[number] = answer is not None and answer.error is None
            yield self._outcome(number, pending, answer)

    def _outcome(self, number: int, pending: _Pending, answer: Answer | None) -> Settled:
        reply = answer if answer is not None and answer.error is None else None
        error = "" if answer is None or answer.error is None else words(answer.error)
        path = self._path(number, pending, reply)
        rtt_ms = None if reply is None else self._rtt_s(pending, reply) * 1000
        hop_limit = None if reply is None else reply.hop_limit
        outcome = Outcome(pending.sequence, pending.monotonic, path, rtt_ms, hop_limit, error, pending.duplicates)
        return Settled(outcome, pending.at, None if answer is None else answer.source)

    def _rtt_s(self, pending: _Pending, reply: Answer) -> float:
        """Return a round trip by the kernel's time of the reply; by our own where the clock was set meanwhile."""
        since, most = reply.time - pending.at, time.monotonic() - pending.monotonic
        return since if 0 <= since <= most + CLOCK_S else most

    def _path(self, number: int, pending: _Pending, reply: Answer | None) -> Path:
        if pending.forbidden and reply is None:
            return Path(Way(Route.NONE, pending.forbidden), Way(Route.NONE, NO_REPLY))
        if self._watch is None:
            return _unwatched(reply)
        echo = Echo(self._source, self._destination, self.socket.identifier, number, self._token, self.pace.size)
        until = time.time() if reply is None else reply.time + CLOCK_S
        doubtful = [f for f in self._doubtful if pending.at - CLOCK_S <= f.time <= until]
        lost = self.lost_frames - pending.lost_before
        return classify(echo, [*pending.frames, *doubtful], self.known, Circumstances(lost, reply is not None))

    def _wait(self, next_at: float, end: float | None, others: tuple[int, ...]) -> None:
        """Wait for what comes next: something to take, the time to send, the end of a wait."""
        if self._may_send() and self._is_drained_flood():
            return
        times = [pending.until for pending in self._pending.values()]
        if self._may_send():
            times.append(next_at)
        if end is not None:
            times.append(end)
        # Frames wait for the reply that comes behind them: nobody has to be woken for each.
        self.socket.wait(others, min(times, default=time.monotonic()))

    def close(self) -> None:
        """Send and watch no more; harmless when that is done."""
        self._resources.close()

    def __enter__(self) -> Self:
        """Return the prober."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()


def _unwatched(reply: Answer | None) -> Path:
    """Return what a socket alone knows of an echo: the headers of its reply, if it was shown any."""
    request = Way(Route.UNKNOWN, NOT_PRIVILEGED)
    if reply is None:
        return Path(request, Way(Route.UNKNOWN, NOT_PRIVILEGED))
    if reply.routed_to or reply.home_address:
        return Path(request, Way(Route.RO, home_address=reply.home_address, routed_to=reply.routed_to, time=reply.time))
    return Path(request, Way(Route.UNKNOWN, PLAIN, time=reply.time))
