"""Echo requests at an even pace, whatever becomes of the link meanwhile, and what was seen of each.

One that the kernel has no way for counts as not sent. Where the peer's network namespace is within reach it
is looked there, too, whether a request came and a reply left.
"""

import os
import time
from collections import deque
from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from msgspec import Struct, field

from mipsh.errors import MipshError
from mipsh.handover.story import EchoSeen
from mipsh.linux.echo_socket import EchoSocket, Target
from mipsh.linux.echo_watch import EchoWatch
from mipsh.paths.classify import Circumstances, classify
from mipsh.paths.echo import REPLY, Echo, Frame, Known
from mipsh.paths.sights import echo_of, number_of
from mipsh.wire.address import parse

SIZE, TOKEN_SIZE = 56, 8
NUMBERS = 1 << 16
MOST_DOUBTFUL, MOST_FRAMES = 1024, 64
BEHIND_S = 0.02
"""How long after its reply an echo is settled: the peer's packets are taken by then."""
CLOCK_S = 0.001


class _Open(Struct):
    """An echo that is not settled; ``at`` is its time since 1970, the others are of ``time.monotonic``."""

    sent_at: float
    at: float
    until: float
    was_sent: bool
    lost_before: int
    frames: list[Frame] = field(default_factory=list)
    came_at: float | None = None
    replied: float | None = None
    reached: bool = False
    answered: bool = False


class Stream:
    """Echoes from this namespace to a target; ``known`` may be replaced when addresses come.

    ``watched`` makes a watch of an identifier and a size in the peer's namespace, None where that is not within
    reach. Raises what EchoSocket and EchoWatch raise.
    """

    def __init__(
        self,
        target: Target,
        interval_s: float,
        wait_s: float,
        known: Known,
        watched: Callable[[int, int | None], EchoWatch] | None = None,
    ) -> None:
        self.known = known
        self.interval_s, self._wait_s = interval_s, wait_s
        self.is_ended = False
        self.due = time.monotonic()
        self._number = 0
        self._open: dict[int, _Open] = {}
        self._doubtful: deque[Frame] = deque(maxlen=MOST_DOUBTFUL)
        self._token = os.urandom(TOKEN_SIZE)
        self._data = self._token + bytes(SIZE - TOKEN_SIZE)
        with ExitStack() as undo:
            self.socket = undo.enter_context(EchoSocket(target))
            self._watch = undo.enter_context(EchoWatch(self.socket.identifier, SIZE))
            self._peer = None
            if watched is not None:
                self._peer = undo.enter_context(watched(self.socket.identifier, SIZE))
            self._resources = undo.pop_all()
        self._ends = parse(self.socket.source), parse(target.destination)

    @property
    def is_peer_watched(self) -> bool:
        """Tell whether echoes are seen where the peer is, all of them."""
        return self._peer is not None and not self._peer.lost

    @property
    def lost(self) -> int:
        """How many packets the kernel could not keep for the watch of this node."""
        return self._watch.lost

    @property
    def descriptors(self) -> tuple[int, ...]:
        """What is ready to be read when something came."""
        return self.socket.fileno(), self._watch.fileno()

    def send(self, now: float) -> None:
        """Send the next request if it is due."""
        if self.is_ended or now < self.due:
            return
        self.due = max(self.due + self.interval_s, now - self.interval_s)
        self._number = (self._number + 1) % NUMBERS
        found = _Open(now, time.time(), now + self._wait_s, True, self._watch.lost)
        self._open[self._number] = found
        try:
            found.at = self.socket.send(self._number, self._data)
        except MipshError:
            # A node that is just moving has no route, or not even its address.
            found.was_sent = False

    def take(self) -> list[EchoSeen]:
        """Take what came, and return the echoes that are settled; raises MipshError."""
        answers = self.socket.answers()
        for frame in self._watch.frames():
            number = number_of(frame, self.socket.identifier)
            if number is None:
                self._doubtful.append(frame)
            elif number in self._open and len(self._open[number].frames) < MOST_FRAMES:
                self._open[number].frames.append(frame)
        now, clock = time.monotonic(), time.time()
        for answer in answers:
            found = self._open.get(answer.sequence)
            if found is not None and answer.error is None and found.came_at is None and answer.data == self._data:
                ago = clock - answer.time
                found.came_at = now - (ago if 0 <= ago <= now - found.sent_at else 0.0)
                found.replied, found.until = answer.time, min(found.until, now + BEHIND_S)
        self._take_from_peer()
        return self._settled(now)

    def _take_from_peer(self) -> None:
        for frame in self._peer.frames() if self._peer is not None else ():
            seen = echo_of(frame)
            found = None if seen is None else self._open.get(seen[1].sequence)
            if seen is None or found is None or seen[1].identifier != self.socket.identifier:
                continue
            if seen[0] == REPLY:
                found.answered = found.answered or bool(frame.is_outgoing)
            else:
                found.reached = found.reached or not frame.is_outgoing

    def _settled(self, now: float) -> list[EchoSeen]:
        ready = [number for number, one in self._open.items() if now >= one.until]
        return [self._seen(number, self._open.pop(number)) for number in ready]

    def finish(self) -> list[EchoSeen]:
        """Return what is not settled as it is known; one that may still be answered is left out."""
        found = [self._seen(number, one) for number, one in self._open.items() if one.came_at is not None]
        self._open.clear()
        return found

    def _seen(self, number: int, one: _Open) -> EchoSeen:
        until = time.time() if one.replied is None else one.replied + CLOCK_S
        doubtful = [frame for frame in self._doubtful if one.at - CLOCK_S <= frame.time <= until]
        echo = Echo(*self._ends, self.socket.identifier, number, self._token, SIZE)
        circumstances = Circumstances(self._watch.lost - one.lost_before, one.came_at is not None)
        path = classify(echo, [*one.frames, *doubtful], self.known, circumstances)
        is_told = self._peer is not None
        return EchoSeen(
            one.sent_at,
            one.came_at,
            path,
            one.was_sent,
            one.reached or one.came_at is not None if is_told else None,
            one.answered or one.came_at is not None if is_told else None,
        )

    def close(self) -> None:
        """Send and see no more; harmless when that is done."""
        self._resources.close()

    def __enter__(self) -> Self:
        """Return the stream."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
