"""Watches a node through a handover: its links, its addresses, its signalling, and echoes that it sends meanwhile.

It runs in a thread of its own, so that what provokes the handover does not hold it up.
"""

import select
import threading
import time
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from msgspec import structs

from mipsh.errors import MipshError
from mipsh.handover.moments import Heard, is_care_of, of_packet
from mipsh.handover.story import EchoSeen, Ends, Moment, Source, Step, Story
from mipsh.linux.node_changes import Changed, NodeChanges
from mipsh.linux.stream import Stream
from mipsh.linux.witness import Seen, Witness
from mipsh.paths.echo import Known
from mipsh.wire import mobility
from mipsh.wire.address import parse

KEPT_S = 5.0
"""How much of the past is kept while nothing has begun."""
MOST_AT_ONCE, MOST_MOMENTS = 256, 10_000
LOOK_S = 0.01
"""How often the kernel is asked for the links, at the least."""


class HandoverWatch:
    """Makes a story of what is seen from when it is entered; everything is of the namespace that it was made in.

    ``keep`` is set once nothing may be forgotten any more. Raises RefusedError without CAP_NET_RAW.
    """

    def __init__(self, ends: Ends, stream: Stream) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._ends = threading.Event()
        self._thread = threading.Thread(target=self._run, name="handover", daemon=True)
        self._error: MipshError | None = None
        self.keep = False
        self._story = Story(ends, time.monotonic(), is_peer_watched=stream.is_peer_watched)
        with ExitStack() as undo:
            self._changes = undo.enter_context(NodeChanges())
            self._witness = undo.enter_context(Witness())
            self._resources = undo.pop_all()

    def story(self) -> Story:
        """Return what was seen until now; raises MipshError where the watch itself failed."""
        if self._error is not None:
            raise self._error
        with self._lock:
            return structs.replace(self._story, moments=list(self._story.moments), echoes=list(self._story.echoes))

    def note(self, moments: list[Moment]) -> None:
        """Add moments that are known from elsewhere."""
        with self._lock:
            self._story.moments += moments

    def note_asked(self, at: float) -> None:
        """Take note that the handover is asked for at a time: what was before is none of it."""
        with self._lock:
            self._story.asked_at, self.keep = at, True

    def note_begun(self, *, was_optimised: bool) -> None:
        """Take note of how echoes went before; from now on, all is kept."""
        with self._lock:
            self._story.was_optimised, self.keep = was_optimised, True

    def _run(self) -> None:
        try:
            self._watch()
        except MipshError as error:
            self._error = error

    def _watch(self) -> None:
        waiting = select.poll()
        for descriptor in (*self._stream.descriptors, self._changes.fileno(), self._witness.fileno()):
            waiting.register(descriptor, select.POLLIN)
        pause_s = min(self._stream.interval_s, LOOK_S)
        asked_at = 0.0
        while not self._ends.is_set():
            now = time.monotonic()
            self._stream.send(now)
            if now - asked_at >= pause_s:
                self._changes.ask()
                asked_at = now
            due = asked_at + pause_s if self._stream.is_ended else min(self._stream.due, asked_at + pause_s)
            waiting.poll(max((due - time.monotonic()) * 1000, 0.0))
            self._take()

    def _take(self) -> None:
        """Take in what came."""
        changes, messages = self._changes.changes(), self._messages()
        echoes = self._stream.take()
        with self._lock:
            for change in changes:
                self._changed(change)
            for message in messages:
                self._heard(message)
            self._add(echoes)

    def _messages(self) -> list[Seen]:
        found: list[Seen] = []
        while len(found) < MOST_AT_ONCE and (seen := self._witness.next(0.0)) is not None:
            found.append(seen)
        return found

    def _changed(self, change: Changed) -> None:
        story = self._story
        if not change.address:
            step = Step.LINK_UP if change.is_up else Step.LINK_DOWN
            story.moments.append(Moment(step, change.at, Source.KERNEL, change.interface, is_late=change.is_late))
        elif is_care_of(change.address, story.ends):
            story.moments.append(Moment(Step.CARE_OF, change.at, Source.KERNEL, change.interface, change.address))
            known = self._stream.known
            self._stream.known = Known(known.addresses | {parse(change.address)}, known.home_addresses, known.away)

    def _heard(self, seen: Seen) -> None:
        story = self._story
        message = seen.message
        is_mine = seen.is_outgoing and seen.home_address == story.ends.home_address
        if isinstance(message, mobility.BindingUpdate) and message.flags & mobility.HOME and is_mine:
            story.ends = structs.replace(story.ends, home_agent=seen.destination)
        heard = Heard(
            seen.monotonic,
            message,
            seen.is_outgoing,
            seen.source,
            seen.destination,
            seen.home_address,
            seen.care_of_address,
            seen.interface,
            seen.is_sound,
        )
        moment = of_packet(heard, story.ends)
        if moment is not None:
            story.moments.append(moment)

    def _add(self, echoes: list[EchoSeen]) -> None:
        """Add echoes, and forget what is past while nothing has begun; of very many moments, those in between."""
        story = self._story
        story.echoes += echoes
        story.hidden, story.lost = self._witness.esp, self._witness.lost + self._stream.lost
        story.is_peer_watched = self._stream.is_peer_watched
        if not self.keep:
            since = time.monotonic() - KEPT_S
            story.echoes = [echo for echo in story.echoes if echo.sent_at >= since]
            story.moments = [moment for moment in story.moments if moment.at >= since]
        del story.moments[MOST_MOMENTS // 2 : len(story.moments) - MOST_MOMENTS // 2]

    def end_stream(self) -> None:
        """Send no more echoes."""
        self._stream.is_ended = True

    def close(self) -> None:
        """Watch no more; harmless when that is done."""
        self._ends.set()
        if self._thread.is_alive():
            self._thread.join()
        self._resources.close()

    def __enter__(self) -> Self:
        """Begin to watch."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """End it."""
        self.close()
