"""Watches the echoes that other programs of this node send or answer, and sends none itself."""

import select
import time
from collections.abc import Callable, Iterator
from types import TracebackType
from typing import Self

from msgspec import Struct

from mipsh.linux.echo_watch import EchoWatch
from mipsh.linux.echoes import MOST_DOUBTFUL, MOST_FRAMES, Pace, Settled
from mipsh.paths.classify import Circumstances, classify
from mipsh.paths.echo import REPLY, Echo, Frame, Known, Route
from mipsh.paths.sights import echo_of
from mipsh.paths.statistics import Outcome
from mipsh.wire.address import parse, text

BEHIND_S = 0.05
"""How long after a reply was first seen its echo is settled: it may be seen on more interfaces."""
MOST_PENDING = 4096


class _Open(Struct):
    """An echo that is not settled."""

    echo: Echo
    number: int
    began: float
    until: float
    lost_before: int
    frames: list[Frame]
    replies: list[Frame]


class Listener:
    """Settles the echoes between this node and a host; raises RefusedError without CAP_NET_RAW."""

    def __init__(self, host: str, pace: Pace, known: Known) -> None:
        self.pace, self.known = pace, known
        self.late = self.duplicates = self.changed = self.sent = 0
        self._host = parse(host)
        self._open: dict[tuple[bytes, bytes, int, int], _Open] = {}
        self._doubtful: list[Frame] = []
        self._watch = EchoWatch()

    @property
    def lost_frames(self) -> int:
        """How many packets the kernel could not keep."""
        return self._watch.lost

    def run(self, is_over: Callable[[], bool], others: tuple[int, ...] = ()) -> Iterator[Settled]:
        """Yield each echo when it is settled, until so many were or it is over, as Prober does."""
        began, settled = time.monotonic(), 0
        end = None if self.pace.deadline_s is None else began + self.pace.deadline_s
        waiting = select.poll()
        for descriptor in (self._watch.fileno(), *others):
            waiting.register(descriptor, select.POLLIN)
        while not is_over():
            now = time.monotonic()
            is_last = end is not None and now >= end
            for frame in self._watch.frames():
                self._keep(frame, now)
            for found in self._settle(now, is_last=is_last):
                settled += 1
                yield found
                if self.pace.count and settled >= self.pace.count:
                    return
            if is_last:
                return
            times = [one.until for one in self._open.values()] + ([] if end is None else [end])
            left_s = min(times) - time.monotonic() if times else None
            waiting.poll(None if left_s is None else max(left_s * 1000, 0.0) + 1)

    def _keep(self, frame: Frame, now: float) -> None:
        """Take in a frame: it begins an echo, or is of one that there is."""
        found = echo_of(frame)
        if found is None:
            self._doubtful.append(frame)
            del self._doubtful[:-MOST_DOUBTFUL]
            return
        part, echo = found
        if self._host not in (echo.source, echo.destination):
            return
        key = echo.source, echo.destination, echo.identifier, echo.sequence
        one = self._open.get(key)
        if one is None:
            if part == REPLY or len(self._open) >= MOST_PENDING:
                return
            self.sent += 1
            one = _Open(echo, self.sent, frame.time, now + self.pace.wait_s, self._watch.lost, [], [])
            self._open[key] = one
        if len(one.frames) < MOST_FRAMES:
            one.frames.append(frame)
            if part == REPLY:
                one.replies.append(frame)
                one.until = min(one.until, now + BEHIND_S)

    def _settle(self, now: float, *, is_last: bool) -> Iterator[Settled]:
        for key in [key for key, one in self._open.items() if is_last or now >= one.until]:
            one = self._open.pop(key)
            until = max((frame.time for frame in one.frames), default=one.began)
            doubtful = [frame for frame in self._doubtful if one.began - BEHIND_S <= frame.time <= until]
            lost = self._watch.lost - one.lost_before
            path = classify(one.echo, [*one.frames, *doubtful], self.known, Circumstances(lost, bool(one.replies)))
            rtt_ms = (one.replies[-1].time - one.began) * 1000 if one.replies else None
            came = path.reply.route not in (Route.NONE, Route.UNKNOWN)
            by = text(one.echo.destination) if one.replies else None
            hop_limit = path.reply.hop_limit if came else None
            yield Settled(Outcome(one.number, one.began, path, rtt_ms, hop_limit), one.began, by)

    def close(self) -> None:
        """Watch no more; harmless when that is done."""
        self._watch.close()

    def __enter__(self) -> Self:
        """Return the listener."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
