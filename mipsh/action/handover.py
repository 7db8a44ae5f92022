"""Watches one handover with all that there is: the kernel, packets, echoes, and the engine's events."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import datetime
from typing import Any

from msgspec import Struct, field

from mipsh.action.known import Here
from mipsh.action.methods import Target
from mipsh.engine import Listener
from mipsh.errors import CannotTell, MipshError
from mipsh.handover.moments import of_event
from mipsh.handover.stopwatch import stopwatch
from mipsh.handover.story import Ends, Moment, Story
from mipsh.handover.traffic import latest_path
from mipsh.handover.verdict import is_over
from mipsh.lab.existing import Existing
from mipsh.lab.state import NodeState
from mipsh.linux.addresses import global_addresses
from mipsh.linux.echo_socket import Target as EchoTarget
from mipsh.linux.echo_watch import EchoWatch
from mipsh.linux.handover_watch import HandoverWatch
from mipsh.linux.sockets import is_own
from mipsh.linux.stream import Stream
from mipsh.paths.echo import Known
from mipsh.paths.statistics import RO
from mipsh.session import Session
from mipsh.wire.address import parse

BEFORE_S, SETTLED_S, FIRST_REPLY_S = 0.5, 2.0, 5.0
"""Before one is provoked: how long there is a stream, how long it may become optimised, when it must be there."""
ECHO_WAIT_S, AFTER_S, STEP_S = 1.0, 0.3, 0.05


class Case(Struct):
    """Whose handover it is: the node, where it is, and its lab if it is in one."""

    target: Target
    ends: Ends
    here: Here
    lab: Existing | None = None
    node: NodeState | None = None
    done: list[Moment] = field(default_factory=list)
    """What mipsh itself did to the links, and when."""


class Watcher:
    """The watch over one case, with the events of its engine where it tells any."""

    def __init__(self, watch: HandoverWatch, listener: Listener | None) -> None:
        self._watch, self._listener = watch, listener

    @property
    def watch(self) -> HandoverWatch:
        """What watches in the background."""
        return self._watch

    def look(self) -> Story:
        """Wait for a moment, and return what is known then; raises MipshError where nothing can be seen any more."""
        until = time.monotonic() + STEP_S
        story = self._watch.story()
        if self._listener is None:
            time.sleep(STEP_S)
            return story
        try:
            while (event := self._listener.next(until)) is not None and time.monotonic() < until:
                self._told(event, story.ends)
        except MipshError:
            # An engine that went away has told what it has told: packets and the kernel go on.
            self._listener = None
        return self._watch.story()

    def _told(self, event: Any, ends: Ends) -> None:
        try:
            ago_s = max(time.time() - datetime.fromisoformat(event.time).timestamp(), 0.0)
        except ValueError:
            return
        moment = of_event(event, time.monotonic() - ago_s, ends)
        if moment is not None:
            self._watch.note([moment])

    def until(self, is_it: Callable[[Story], bool], longest_s: float) -> bool:
        """Wait until something is so; tell whether it was within the time."""
        deadline = time.monotonic() + longest_s
        while not is_it(self.look()):
            if time.monotonic() > deadline:
                return False
        return True

    def finish(self, longest_s: float) -> None:
        """Wait until the handover is over, end the stream, and take in what is still on its way."""
        self.until(lambda story: is_over(story, stopwatch(story)), longest_s)
        self._watch.end_stream()
        self.until(lambda story: False, ECHO_WAIT_S + AFTER_S)


@contextmanager
def opened(session: Session, found: Case, interval_s: float) -> Iterator[Watcher]:
    """Watch, and send echoes; raises RefusedError without CAP_NET_RAW."""
    known = _known(found)
    target = EchoTarget(found.ends.peer, found.ends.home_address)
    with ExitStack() as stack:
        watched = peer_watch(found.lab, found.ends.peer)
        stream = found.here.do(lambda: Stream(target, interval_s, ECHO_WAIT_S, known, watched))
        stack.callback(stream.close)
        watch = stack.enter_context(found.here.do(lambda: HandoverWatch(found.ends, stream)))
        listener: Listener | None = None
        try:
            listener = stack.enter_context(session.engine().listening())
        except MipshError:
            listener = None
        yield Watcher(watch, listener)


def _known(found: Case) -> Known:
    own = found.here.do(global_addresses)
    addresses = frozenset(parse(one.address) for one in own)
    return Known(addresses, frozenset((parse(found.ends.home_address),)))


def peer_watch(lab: Existing | None, peer: str) -> Callable[[int, int | None], EchoWatch] | None:
    """Return what makes a watch of echoes where a peer is; None where that is not within reach."""
    from mipsh.linux.lab_links import inside

    for node in () if lab is None else tuple(lab.state.nodes.values()):
        if inside(node.namespace, lambda: is_own(peer)):
            path = node.namespace
            return lambda identifier, size: inside(path, lambda: EchoWatch(identifier, size))
    return None


def warm_up(watcher: Watcher, found: Case) -> None:
    """Let the stream run until it is answered, and optimised where that is to be had; raises CannotTell."""
    if not watcher.until(lambda story: any(e.came_at is not None for e in story.echoes), FIRST_REPLY_S):
        raise CannotTell(
            f"{found.ends.peer} answers no echo: nothing was done, since what a handover does could not be seen",
            "name another --peer, or see 'why' and 'ping6'",
        )
    watcher.until(lambda story: latest_path(story.echoes) == RO, SETTLED_S)
    watcher.until(lambda story: False, BEFORE_S)
