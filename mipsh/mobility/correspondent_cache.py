"""The binding cache of a correspondent node: its entries, their states, their deadlines (RFC 6275 section 9).

A binding that ended before its nonces did leaves a block behind: until they end, its sequence
number is remembered, so that an old Binding Update cannot bring it back (section 9.5.3).
"""

from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct

from mipsh.mobility.machine import Machine
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire.address import text

Key = tuple[bytes, bytes]
"""A local address and a home address: tokens, and so bindings, hold for one pair."""


class State(Enum):
    """What the cache knows of a home address."""

    ABSENT = auto()
    BOUND = auto()
    BLOCKED = auto()


class Input(Enum):
    """What happens to an entry."""

    UPDATE = auto()
    DELETE = auto()
    LIFETIME_ENDS = auto()
    UNREACHABLE = auto()
    FLUSH = auto()
    NONCES_END = auto()


BINDING = Machine(
    "correspondent binding",
    State.ABSENT,
    {
        (State.ABSENT, Input.UPDATE): State.BOUND,
        (State.ABSENT, Input.DELETE): State.BLOCKED,
        (State.BOUND, Input.UPDATE): State.BOUND,
        (State.BOUND, Input.DELETE): State.BLOCKED,
        (State.BOUND, Input.LIFETIME_ENDS): State.BLOCKED,
        (State.BOUND, Input.UNREACHABLE): State.BLOCKED,
        (State.BOUND, Input.FLUSH): State.BLOCKED,
        (State.BLOCKED, Input.UPDATE): State.BOUND,
        (State.BLOCKED, Input.DELETE): State.BLOCKED,
        (State.BLOCKED, Input.NONCES_END): State.ABSENT,
    },
)


class Binding(Struct, gc=False):
    """An entry: where a mobile node is, and what its last Binding Update said.

    ``expires`` and ``blocked_until`` are times of the node's clock. ``used`` is when a packet last
    went by it; ``requests`` counts the Binding Refresh Requests sent since the last update, and
    ``unreachable`` the errors that came back for its packets, the last one at ``unreachable_at``.
    """

    local_address: bytes
    home_address: bytes
    care_of_address: bytes
    sequence: int
    state: State
    expires: float
    blocked_until: float
    lifetime_s: float
    used: float | None = None
    requests: int = 0
    unreachable: int = 0
    unreachable_at: float | None = None

    @property
    def key(self) -> Key:
        """What the entry is found by."""
        return self.local_address, self.home_address


class CorrespondentCache:
    """All entries, with one deadline each; only a step of ``BINDING`` changes an entry's state."""

    def __init__(self, limit: int, trace: Trace | None = None) -> None:
        self.limit = limit
        self._trace = trace or Trace()
        self._entries: dict[Key, Binding] = {}
        self.timers: Timers[Key] = Timers()

    def __len__(self) -> int:
        """Return how many entries there are, blocks included."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Binding]:
        """Iterate over the entries as they are now."""
        return iter(tuple(self._entries.values()))

    def get(self, key: Key) -> Binding | None:
        """Return the entry, bound or blocked."""
        return self._entries.get(key)

    def bound(self, key: Key, now: float) -> Binding | None:
        """Return the entry if packets may go by it now."""
        entry = self._entries.get(key)
        if entry is None or entry.state is not State.BOUND or entry.expires <= now:
            return None
        return entry

    def is_circular(self, local_address: bytes, home_address: bytes, care_of_address: bytes, now: float) -> bool:
        """Tell whether a care-of address leads back to its home address by way of other entries (section 6.1.7)."""
        seen = {care_of_address}
        while (entry := self.bound((local_address, care_of_address), now)) is not None:
            care_of_address = entry.care_of_address
            if care_of_address == home_address:
                return True
            if care_of_address in seen:
                break
            seen.add(care_of_address)
        return False

    def due(self, now: float) -> Iterator[Binding]:
        """Yield the entries whose deadline has come; one whose next deadline has come too is yielded again."""
        for key in self.timers.due(now):
            yield self._entries[key]

    def has_room(self, key: Key) -> bool:
        """Tell whether an entry may be added or changed."""
        return key in self._entries or len(self._entries) < self.limit

    def put(self, entry: Binding, event: Input) -> None:
        """Enter what a Binding Update said, through the transition it makes."""
        before = self._entries.get(entry.key)
        entry.state = self._step(entry, State.ABSENT if before is None else before.state, event)
        self._entries[entry.key] = entry

    def end(self, entry: Binding, event: Input) -> None:
        """Move an entry on when its lifetime or its nonces end; one that is absent is gone."""
        entry.state = self._step(entry, entry.state, event)
        if entry.state is State.ABSENT:
            del self._entries[entry.key]
            self.timers.cancel(entry.key)

    def _step(self, entry: Binding, state: State, event: Input) -> State:
        return self._trace.step(BINDING, text(entry.home_address), state, event)
