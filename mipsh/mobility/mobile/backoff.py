"""How long to wait for an answer: twice as long each time, up to a longest wait (RFC 6275 section 11.8)."""

from mipsh.mobility.constants import MAX_BINDACK_TIMEOUT_S


class Backoff:
    """Waits in seconds, from ``first_s`` on; at ``longest_s`` they stay. ``last_s`` is the last one, 0 before."""

    def __init__(self, first_s: float, longest_s: float = MAX_BINDACK_TIMEOUT_S) -> None:
        self._next_s = first_s
        self._longest_s = longest_s
        self.attempts = 0
        self.last_s = 0.0

    def wait(self) -> float:
        """Count one more attempt, and return how long to wait for what comes of it."""
        self.attempts += 1
        self.last_s = min(self._next_s, self._longest_s)
        self._next_s = 2 * self.last_s
        return self.last_s
