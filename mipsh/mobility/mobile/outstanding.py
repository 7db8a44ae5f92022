"""The Binding Updates of one purpose that may still be answered, and how often they may go (RFC 6275 section 11.8)."""

from collections import deque

from msgspec import Struct

from mipsh.mobility.constants import INITIAL_BINDACK_TIMEOUT_S, MAX_UPDATE_RATE_PER_S
from mipsh.mobility.mobile.backoff import Backoff

MOST = 8


class Sent(Struct, frozen=True):
    """When a Binding Update was sent, and which lifetime it asked for in units of 4 seconds."""

    time: float
    lifetime: int


class Outstanding:
    """Updates by sequence number; an acknowledgement may be late and name one before the last.

    In any one second no more than MAX_UPDATE_RATE of them go out, whatever asks for them.
    """

    def __init__(self) -> None:
        self._sent: dict[int, Sent] = {}
        self._recent: deque[float] = deque(maxlen=MAX_UPDATE_RATE_PER_S)
        self._backoff = Backoff(INITIAL_BINDACK_TIMEOUT_S)

    def __len__(self) -> int:
        """Return how many may still be answered."""
        return len(self._sent)

    def __contains__(self, sequence: int) -> bool:
        """Tell whether an update may still be answered."""
        return sequence in self._sent

    @property
    def attempts(self) -> int:
        """How many were sent since ``begin``."""
        return self._backoff.attempts

    @property
    def wait_s(self) -> float:
        """How long the answer to the last one is waited for."""
        return self._backoff.last_s

    def begin(self, first_wait_s: float) -> None:
        """Begin with updates of another purpose: those before are not waited for any more."""
        self._sent.clear()
        self._backoff = Backoff(first_wait_s)

    def clear(self) -> None:
        """Wait for no answer any more."""
        self._sent.clear()

    def opens(self, now: float) -> float:
        """Return when the next update may go: now, or later where there were too many."""
        is_full = len(self._recent) == self._recent.maxlen
        return max(now, self._recent[0] + 1.0) if is_full else now

    def add(self, sequence: int, lifetime: int, now: float) -> float:
        """Take note of an update that goes out; return until when its answer is waited for."""
        if len(self._sent) >= MOST:
            del self._sent[next(iter(self._sent))]
        self._sent[sequence] = Sent(now, lifetime)
        self._recent.append(now)
        return now + self._backoff.wait()

    def take(self, sequence: int) -> Sent | None:
        """Return the update that an acknowledgement names, and wait for none any more; None where it names none."""
        sent = self._sent.get(sequence)
        if sent is not None:
            self._sent.clear()
        return sent
