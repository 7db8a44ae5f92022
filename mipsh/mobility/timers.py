"""Deadlines by key: one a key, the earliest first; a million of them cost no more than a heap."""

from collections.abc import Hashable, Iterator
from heapq import heapify, heappop, heappush
from typing import Generic, TypeVar

Key = TypeVar("Key", bound=Hashable)

SLACK = 64
"""Stale heap entries that are put up with before the heap is made anew."""


class Timers(Generic[Key]):
    """A deadline for each key; setting a key again moves its deadline."""

    def __init__(self) -> None:
        self._deadlines: dict[Key, float] = {}
        self._heap: list[tuple[float, int, Key]] = []
        self._count = 0

    def __len__(self) -> int:
        """Return how many deadlines are set."""
        return len(self._deadlines)

    def set(self, key: Key, deadline: float) -> None:
        """Set a key's deadline, in place of the one before."""
        self._deadlines[key] = deadline
        self._count += 1
        heappush(self._heap, (deadline, self._count, key))
        if len(self._heap) > 2 * len(self._deadlines) + SLACK:
            # One entry a key: a key that was set to the same deadline again has several that are good.
            good = {entry[2]: entry for entry in self._heap if self._deadlines.get(entry[2]) == entry[0]}
            self._heap = list(good.values())
            heapify(self._heap)

    def cancel(self, key: Key) -> None:
        """Forget a key's deadline; harmless when there is none."""
        self._deadlines.pop(key, None)

    def get(self, key: Key) -> float | None:
        """Return a key's deadline."""
        return self._deadlines.get(key)

    def next(self) -> float | None:
        """Return the earliest deadline, None when there is none."""
        while self._heap:
            deadline, _, key = self._heap[0]
            if self._deadlines.get(key) == deadline:
                return deadline
            heappop(self._heap)
        return None

    def due(self, now: float) -> Iterator[Key]:
        """Yield the keys whose deadline has come, in order, and forget them."""
        while (deadline := self.next()) is not None and deadline <= now:
            key = heappop(self._heap)[2]
            del self._deadlines[key]
            yield key


def earliest(one: float | None, other: float | None) -> float | None:
    """Return the earlier of two deadlines, either of which may be none."""
    if one is None or other is None:
        return other if one is None else one
    return min(one, other)
