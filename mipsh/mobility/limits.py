"""How often something may happen: token buckets, and a bounded table of them."""

from collections import OrderedDict
from collections.abc import Hashable

REMEMBERED = 1024


class Bucket:
    """A token bucket: ``burst`` at once, then ``rate`` a second."""

    def __init__(self, rate_per_s: float, burst: float) -> None:
        self.rate_per_s = rate_per_s
        self.burst = burst
        self._level = burst
        self._at: float | None = None

    def take(self, now: float) -> bool:
        """Take a token; False when there is none."""
        elapsed = 0.0 if self._at is None else max(now - self._at, 0.0)
        self._at = now
        self._level = min(self.burst, self._level + elapsed * self.rate_per_s)
        if self._level < 1.0:
            return False
        self._level -= 1.0
        return True


class Limits:
    """A bucket for each peer, and one for all together if there is to be one.

    Without one for all, no peer can use up what another one needs. The peers longest silent are
    forgotten.
    """

    def __init__(self, per_peer: tuple[float, float], together: tuple[float, float] | None = None) -> None:
        self.per_peer = per_peer
        self._together = None if together is None else Bucket(*together)
        self._peers: OrderedDict[Hashable, Bucket] = OrderedDict()

    def __len__(self) -> int:
        """Return how many peers are remembered."""
        return len(self._peers)

    def allow(self, peer: Hashable, now: float) -> bool:
        """Tell whether one more may be sent to a peer now, and count it."""
        bucket = self._peers.pop(peer, None) or Bucket(*self.per_peer)
        self._peers[peer] = bucket
        if len(self._peers) > REMEMBERED:
            self._peers.popitem(last=False)
        return bucket.take(now) and (self._together is None or self._together.take(now))
