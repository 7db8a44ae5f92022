"""Watches what becomes of a Binding Update: the engine's events, or packets on the links, and the engine's tables.

The engine's own events are the best witness; packets are the next, and need CAP_NET_RAW; tables are
read in any case, less and less often. What cannot be used is remembered with its reason.
"""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Protocol

from mipsh.action.judge import Judgement, judge, unfinished
from mipsh.action.observed import AWAITING, BOUND, HOME, Entry, Kind, Message, Observed, Source, Test, Wanted
from mipsh.engine import Connector, Listener, unable
from mipsh.errors import CapabilityMissing, MipshError
from mipsh.model.events import EngineEvent
from mipsh.session import Session

FIRST_LOOK_S, LONGEST_PAUSE_S = 0.05, 1.0
STEP_S = 0.25
"""How long messages are awaited in one go, so that the table is looked at in between."""
MOST_AT_ONCE, MOST_KEPT = 64, 256
"""How many messages are taken in between two judgements, and how many are remembered."""

_EVENTS = {
    False: {
        "bindingUpdateSent": Kind.UPDATE,
        "bindingAcknowledgementReceived": Kind.ACKNOWLEDGEMENT,
        "bindingErrorReceived": Kind.ERROR,
    },
    True: {"bindingUpdateReceived": Kind.UPDATE, "bindingAcknowledgementSent": Kind.ACKNOWLEDGEMENT},
}
"""What the engine calls the messages, by whether it is the peer."""


class Witness(Protocol):
    """What brings the messages of a binding."""

    def next(self, until: float) -> Message | None:
        """Return the next message of the binding that is wanted, awaited until a time; None when none came."""
        ...

    @property
    def hidden(self) -> int:
        """How many encrypted packets there were."""
        ...

    @property
    def lost(self) -> int:
        """How many messages did not get through."""
        ...


class Events:
    """The messages that the engine tells of."""

    hidden = 0

    def __init__(self, listener: Listener, wanted: Wanted) -> None:
        self.lost = 0
        self._listener = listener
        self._wanted = wanted
        self._peer = wanted.peer

    def next(self, until: float) -> Message | None:
        """Return the next message of the binding, as Witness says."""
        while (event := self._listener.next(until)) is not None:
            self.lost += event.lost
            kind = _EVENTS[self._wanted.at_peer].get(event.event)
            if kind is not None and self._is_meant(kind, event):
                return _told(kind, event)
            if time.monotonic() >= until:
                break
        return None

    def _is_meant(self, kind: Kind, event: EngineEvent) -> bool:
        """Tell whether it is of the binding; a home agent that is not known yet is whom the first update goes to."""
        if event.home_address != self._wanted.home_address:
            return False
        if self._wanted.at_peer:
            return True
        if not self._peer and kind is Kind.UPDATE and "H" in (event.flags or ()):
            self._peer = event.peer or ""
        return bool(self._peer) and self._peer == event.peer


def _told(kind: Kind, event: EngineEvent) -> Message:
    acknowledged = None if event.flags is None or kind is not Kind.UPDATE else "A" in event.flags
    return Message(
        kind, time.monotonic(), Source.EVENT, event.mh_sequence, event.status, event.lifetime_s, acknowledged
    )


class Packets:
    """The messages that were seen on this node's links."""

    def __init__(self, witness: Any, wanted: Wanted) -> None:
        self._witness = witness
        self._wanted = wanted
        self._peer = wanted.peer

    @property
    def hidden(self) -> int:
        """How many encrypted packets there were."""
        return int(self._witness.esp)

    @property
    def lost(self) -> int:
        """How many packets the kernel could not keep."""
        return int(self._witness.lost)

    def next(self, until: float) -> Message | None:
        """Return the next message of the binding, as Witness says."""
        while (seen := self._witness.next(until)) is not None:
            message = self._read(seen)
            if message is not None:
                return message
            if time.monotonic() >= until:
                break
        return None

    def _read(self, seen: Any) -> Message | None:
        """Return what a packet says of the binding; None for one of another binding, or one that is not sound."""
        from mipsh.wire import mobility

        if not seen.is_sound or seen.home_address != self._wanted.home_address:
            return None
        if not self._wanted.at_peer and not self._is_between(seen):
            return None
        match seen.message:
            case mobility.BindingUpdate() as update:
                asks = bool(update.flags & mobility.ACKNOWLEDGE)
                lifetime_s = update.lifetime * mobility.LIFETIME_UNIT_S
                return Message(Kind.UPDATE, seen.monotonic, Source.PACKET, update.sequence, None, lifetime_s, asks)
            case mobility.BindingAcknowledgement() as answer:
                lifetime_s = answer.lifetime * mobility.LIFETIME_UNIT_S
                return Message(
                    Kind.ACKNOWLEDGEMENT, seen.monotonic, Source.PACKET, answer.sequence, answer.status, lifetime_s
                )
            case mobility.BindingError() as error:
                is_ours = self._wanted.method == "be"
                return None if is_ours else Message(Kind.ERROR, seen.monotonic, Source.PACKET, None, error.status)
        return None

    def _is_between(self, seen: Any) -> bool:
        """Tell whether the peer is an end of it; one that is not known yet is whom the first update goes to."""
        from mipsh.wire import mobility

        is_home = isinstance(seen.message, mobility.BindingUpdate) and seen.message.flags & mobility.HOME
        if not self._peer and is_home:
            self._peer = seen.destination
        return bool(self._peer) and self._peer in (seen.source, seen.destination)


class Watch:
    """A watch over one binding, from before it is asked for until there is a verdict."""

    def __init__(self, session: Session, wanted: Wanted) -> None:
        self._session = session
        self._connector = session.engine()
        self.wanted = wanted
        self.seen = Observed(time.monotonic())
        self._witness: Witness | None = None
        self._next_look = 0.0
        self._pause_s = FIRST_LOOK_S

    @contextmanager
    def open(self) -> Iterator["Watch"]:
        """Begin to watch, and look at the table as it is before."""
        with ExitStack() as stack:
            self._witness = self._best(stack)
            self.seen.watches_messages = self._witness is not None
            self._look()
            self.seen.is_before_known = self.seen.looks > 0
            self.seen.before, self.seen.after, self.seen.looks = self.seen.after, None, 0
            yield self

    def _best(self, stack: ExitStack) -> Witness | None:
        """Return the best witness that there is."""
        try:
            return Events(stack.enter_context(self._connector.listening()), self.wanted)
        except CapabilityMissing:
            return self._packets(stack)
        except MipshError as error:
            self._cannot("events", error)
            return self._packets(stack)

    def _packets(self, stack: ExitStack) -> Witness | None:
        from mipsh.linux.witness import Witness as PacketWitness

        try:
            return Packets(stack.enter_context(PacketWitness()), self.wanted)
        except MipshError as error:
            self._cannot("packets", error)
            return None

    def asked(self) -> None:
        """Take note that the Binding Update is asked for now; what was seen before that is of no account."""
        until = time.monotonic() + STEP_S
        while self._take(0.0) and time.monotonic() < until:
            self.seen.messages.clear()
        self.seen.messages.clear()
        self.seen.left_out = 0
        self.seen.asked_at = time.monotonic()
        self._next_look = self.seen.asked_at + FIRST_LOOK_S

    def verdict(self) -> Judgement:
        """Wait until there is a verdict, for as long as is wanted at the most."""
        deadline = self.seen.asked_at + self.wanted.wait_s
        while True:
            now = time.monotonic()
            is_over = now >= deadline
            if is_over or now >= self._next_look:
                self._look_again(is_over=is_over)
            self._take(min(deadline, self._next_look, now + STEP_S))
            found = judge(self.wanted, self.seen, time.monotonic(), is_over=is_over)
            if found is not None:
                self._look_last(is_over)
                return found

    def so_far(self) -> Judgement:
        """Return the verdict on what was seen until now, where it is not waited for any longer."""
        self._take(0.0)
        return judge(self.wanted, self.seen, time.monotonic(), is_over=False) or unfinished(self.seen)

    def _take(self, until: float) -> bool:
        """Take in the next message, awaited until a time, and those that are there; tell whether there may be more."""
        if self._witness is None:
            time.sleep(max(until - time.monotonic(), 0.0))
            return False
        try:
            for _ in range(MOST_AT_ONCE):
                message = self._witness.next(until)
                if message is None:
                    self._count(self._witness)
                    return False
                self._keep(message)
                until = 0.0
        except MipshError as error:
            # What it brought counts; from now on there is the table alone.
            self._cannot("what came after that", error)
            self._witness, self.seen.watches_messages = None, False
            return False
        return True

    def _count(self, witness: Witness) -> None:
        """Take note of what the witness could not bring."""
        self.seen.hidden = witness.hidden
        if witness.lost and self.seen.watches_messages:
            self.seen.watches_messages = False
            self.seen.blind.append("some messages, which came too fast")

    def _keep(self, message: Message) -> None:
        """Keep a message; of very many, the first and the last ones."""
        if message.at < self.seen.asked_at:
            return
        self.seen.messages.append(message)
        if len(self.seen.messages) > MOST_KEPT:
            del self.seen.messages[MOST_KEPT // 2]
            self.seen.left_out += 1

    # The table.

    def _look_last(self, was_over: bool) -> None:
        """Look once more, so that the row tells how things stand with the verdict."""
        if not was_over:
            self._look_again(is_over=False)

    def _look_again(self, *, is_over: bool) -> None:
        now = time.monotonic()
        self._next_look, self._pause_s = now + self._pause_s, min(self._pause_s * 2, LONGEST_PAUSE_S)
        self._look(with_tests=is_over)
        if self.seen.table_changed_at is None and self.seen.is_changed:
            self.seen.table_changed_at = time.monotonic()

    def _look(self, *, with_tests: bool = False) -> None:
        """Read the binding's row; an engine that cannot be asked now is no reason to end."""
        try:
            with self._connector.asking():
                row = self._row()
                if with_tests and not self.wanted.at_peer and self.wanted.registration != HOME:
                    self.seen.tests = self._tests()
        except MipshError as error:
            self._cannot("table", error)
            self.seen.is_stale = True
            return
        self.seen.after, self.seen.is_stale = row, False
        self.seen.looks += 1

    def _cannot(self, what: str, error: MipshError) -> None:
        line = f"{what} ({error.message})"
        if line not in self.seen.blind:
            self.seen.blind.append(line)

    def _row(self) -> Entry | None:
        if not self._connector.has_sequence_numbers:
            raise unable("table that tells one Binding Update from the next", self._connector.info)
        return (
            cache_entry(self._connector, self.wanted)
            if self.wanted.at_peer
            else list_entry(self._connector, self.wanted)
        )

    def _tests(self) -> tuple[Test, ...]:
        rows: Any = self._connector.return_routability().rows
        return tuple(
            Test(row.test, row.answered)
            for row in rows
            if (row.home_address, row.peer_address) == (self.wanted.home_address, self.wanted.peer)
        )


def list_entry(connector: Connector, wanted: Wanted) -> Entry | None:
    """Return the row of the binding update list that is meant; None where there is none."""
    rows: Any = connector.binding_update_list().rows
    for row in rows:
        if row.home_address != wanted.home_address or (row.registration == HOME) != (wanted.registration == HOME):
            continue
        if wanted.peer in ("", row.peer_address):
            state = AWAITING if row.state is None and row.ack == "wait" else row.state
            is_acknowledged = row.ack == "ready" and "A" in row.flags
            return Entry(
                row.sequence,
                state,
                row.lifetime_granted_s,
                row.lifetime_remaining_s,
                row.next_event_s,
                is_acknowledged,
                row.retransmissions,
                row.peer_address,
            )
    return None


def cache_entry(connector: Connector, wanted: Wanted) -> Entry | None:
    """Return the row of the binding cache that is meant; None where there is none, or nothing but its nonces."""
    rows: Any = connector.binding_cache().rows
    for row in rows:
        if row.home_address == wanted.home_address and row.status in ("registered", "cached"):
            return Entry(row.sequence, BOUND, row.lifetime_granted_s, row.lifetime_remaining_s, None, True)
    return None
