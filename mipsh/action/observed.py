"""What was asked for, and what was seen of it: the values that a verdict about a Binding Update is made from.

Times are of ``time.monotonic``, in seconds.
"""

from enum import StrEnum

from msgspec import Struct, field

from mipsh.mobility import serial

HOME, CORRESPONDENT = "home", "correspondent"
BOUND, TESTING, AWAITING, REFUSED = "bound", "return_routability", "waiting_for_ack", "not_mobile"


class Kind(StrEnum):
    """What a message was."""

    UPDATE = "Binding Update"
    ACKNOWLEDGEMENT = "Binding Acknowledgement"
    ERROR = "Binding Error"


class Source(StrEnum):
    """How something is known."""

    EVENT = "told by the engine"
    PACKET = "packet seen"
    TABLE = "table read"


class Wanted(Struct, frozen=True):
    """A Binding Update that is wanted: of a home address at a peer, by a method, as seen from one of the ends.

    ``at_peer`` is set where this node is the peer: its binding cache tells. ``peer`` is empty where the
    home agent is not known yet. ``deletes`` asks for the end of a binding. ``wait_s`` is how long the
    Binding Update and its acknowledgement are waited for.
    """

    home_address: str
    peer: str
    registration: str
    method: str
    sent: str
    wait_s: float
    at_peer: bool = False
    deletes: bool = False


class Message(Struct, frozen=True):
    """A message of the binding that was seen at a time."""

    kind: Kind
    at: float
    source: Source
    sequence: int | None = None
    status: int | None = None
    lifetime_s: int | None = None
    is_acknowledgement_wanted: bool | None = None


class Entry(Struct, frozen=True):
    """A row of the binding update list, or of the peer's binding cache, as far as a verdict needs it.

    ``state`` is the list's, and bound for a row of a binding cache.
    """

    sequence: int | None
    state: str | None
    lifetime_s: int | None = None
    remaining_s: int | None = None
    next_event_s: int | None = None
    is_acknowledged: bool | None = None
    retransmissions: int | None = None
    peer: str | None = None


class Test(Struct, frozen=True):
    """How a test of return routability stands: ``name`` is home_test or care_of_test."""

    name: str
    is_answered: bool | None


class Observed(Struct):
    """What was seen since a Binding Update was asked for, at ``asked_at``.

    ``before`` and ``after`` are rows of the table, None where there was none; nothing can be compared
    with a ``before`` that could not be read. ``table_changed_at`` is when the table first showed another
    sequence number. ``looks`` counts how often the table could be read since; it ``is_stale`` where that
    failed last. ``blind`` says what could not be seen, and why. ``hidden`` counts encrypted packets, and
    ``left_out`` the messages that were too many to keep.
    """

    asked_at: float
    before: Entry | None = None
    after: Entry | None = None
    is_before_known: bool = True
    is_stale: bool = False
    table_changed_at: float | None = None
    looks: int = 0
    messages: list[Message] = field(default_factory=list)
    tests: tuple[Test, ...] = ()
    watches_messages: bool = False
    hidden: int = 0
    left_out: int = 0
    blind: list[str] = field(default_factory=list)

    def of(self, kind: Kind) -> list[Message]:
        """Return the messages of a kind, in the order in which they were seen."""
        return [message for message in self.messages if message.kind is kind]

    @property
    def is_changed(self) -> bool:
        """Tell whether the table shows a Binding Update that was not there before."""
        if not self.is_before_known or self.after is None or self.after.sequence is None:
            return False
        return self.before is None or self.after.sequence != self.before.sequence

    @property
    def is_table_current(self) -> bool:
        """Tell whether the table was read before, and can still be: what it does not show is not there."""
        return self.is_before_known and self.looks > 0 and not self.is_stale

    @property
    def has_vanished(self) -> bool:
        """Tell whether the table has the entry no more."""
        return self.before is not None and self.after is None and self.looks > 0

    @property
    def sequence(self) -> int | None:
        """The sequence number of the last Binding Update that is known."""
        said = [m.sequence for m in self.of(Kind.UPDATE) if m.sequence is not None]
        if said:
            return said[-1]
        return self.after.sequence if self.after is not None and self.is_changed else None

    @property
    def sequence_before(self) -> int | None:
        """The sequence number of the last Binding Update before."""
        return None if self.before is None else self.before.sequence

    @property
    def is_wrapped(self) -> bool:
        """Tell whether the sequence number went over 65535, and so to a lower one that follows it."""
        before, now = self.sequence_before, self.sequence
        return before is not None and now is not None and now < before and serial.newer(now, before)

    @property
    def went_back(self) -> bool:
        """Tell whether the sequence number is none that follows the one before (RFC 6275 section 9.5.1)."""
        before, now = self.sequence_before, self.sequence
        return before is not None and now is not None and now != before and not serial.newer(now, before)
