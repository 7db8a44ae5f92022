"""A virtual clock: actions in the order of their times, and nothing ever waits.

Actions of the same time happen in the order in which they were scheduled, so that a run repeats.
"""

from collections.abc import Callable
from heapq import heappop, heappush
from typing import Any

Action = Callable[..., object]


class Clock:
    """Seconds since the network began, and what is still to happen; ``events`` counts what happened."""

    def __init__(self) -> None:
        self.now = 0.0
        self.events = 0
        self._count = 0
        self._heap: list[tuple[float, int, Action, tuple[Any, ...]]] = []

    def __len__(self) -> int:
        """Return how many actions are still to happen."""
        return len(self._heap)

    def schedule(self, at: float, action: Action, *arguments: Any) -> None:
        """Let an action happen at a time; one that is over means now."""
        self._count += 1
        heappush(self._heap, (max(at, self.now), self._count, action, arguments))

    def next(self) -> float | None:
        """Return when the next action happens, None while there is none."""
        return self._heap[0][0] if self._heap else None

    def step(self) -> bool:
        """Let the next action happen; False where there is none."""
        if not self._heap:
            return False
        self.now, _, action, arguments = heappop(self._heap)
        self.events += 1
        action(*arguments)
        return True

    def run_until(self, time: float) -> None:
        """Let everything happen up to a time and at it, which it is afterwards."""
        heap = self._heap
        while heap and heap[0][0] <= time:
            self.now, _, action, arguments = heappop(heap)
            self.events += 1
            action(*arguments)
        self.now = max(self.now, time)

    def run(self, condition: Callable[[], bool], limit_s: float) -> bool:
        """Let things happen until a condition holds; False where it does not within ``limit_s`` from now."""
        end = self.now + limit_s
        while not condition():
            if not self._heap or self._heap[0][0] > end:
                self.now = end
                return condition()
            self.step()
        return True
