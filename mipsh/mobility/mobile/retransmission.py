"""When a message to a correspondent goes out again, and how often one may go at all (RFC 6275 section 11.8)."""

from collections import deque

from mipsh.mobility.constants import INITIAL_BINDACK_TIMEOUT_S, MAX_BINDACK_TIMEOUT_S, MAX_UPDATE_RATE_PER_S


class Retransmission:
    """The sending of one kind of message to one node.

    Each wait for an answer is twice as long as the one before, from 1 s up to 32 s. Whoever has
    waited that long gives up: six messages in 63 s. No more than MAX_UPDATE_RATE of them go out in
    any one second, whatever asks for them.
    """

    def __init__(self) -> None:
        self.timeout_s = 0.0
        self._recent: deque[float] = deque(maxlen=MAX_UPDATE_RATE_PER_S)

    @property
    def is_waiting(self) -> bool:
        """Whether a message went out since the start, the answer to which is waited for."""
        return self.timeout_s > 0

    @property
    def has_ended(self) -> bool:
        """Whether the longest wait has begun, behind which nothing is sent again."""
        return self.timeout_s >= MAX_BINDACK_TIMEOUT_S

    def restart(self) -> None:
        """Let the next message be a first one, with the shortest wait behind it."""
        self.timeout_s = 0.0

    def opens(self, now: float) -> float:
        """Return when the next message may go: now, or later where there were too many."""
        is_full = len(self._recent) == self._recent.maxlen
        return max(now, self._recent[0] + 1.0) if is_full else now

    def sent(self, now: float) -> float:
        """Take note that a message goes out; return until when its answer is waited for."""
        self._recent.append(now)
        self.timeout_s = 2 * self.timeout_s or INITIAL_BINDACK_TIMEOUT_S
        return now + self.timeout_s
