"""What a trace has heard until now: frames become exchanges, exchanges and events become rows that are wanted.

Pure: frames, events and time are handed in. The last exchanges and events are kept, so that memory is bounded.
"""

from collections import Counter, OrderedDict, deque
from collections.abc import Sequence

from mipsh.captures.frames import Frame
from mipsh.model.events import EngineEvent
from mipsh.model.traces import SignallingReport
from mipsh.signalling.drawing import Drawing, NameOf, draw
from mipsh.signalling.exchange import Exchange
from mipsh.signalling.exchanges import Exchanges
from mipsh.signalling.heard import listen
from mipsh.signalling.report import report, report_event
from mipsh.signalling.wanted import Wanted

MOST_KEPT = 20_000
"""How many exchanges, and how many events, are shown in the end: the last ones."""
Rows = list[SignallingReport]


class Tracer:
    """A trace that goes on; ``left_out`` counts what was wanted and is not kept any more."""

    def __init__(self, wanted: Wanted, most_kept: int = MOST_KEPT) -> None:
        self.exchanges = Exchanges()
        self.left_out = 0
        self._wanted = wanted
        self._kept: OrderedDict[int, Exchange] = OrderedDict()
        self._most_kept = most_kept
        self._events: deque[SignallingReport] = deque(maxlen=most_kept)
        self._time_ns = 0

    def frame(self, frame: Frame) -> Rows:
        """Take in a frame that carries mobility; return what is known now."""
        self._time_ns = self._time_ns if frame.time_ns is None else frame.time_ns
        data = frame.ipv6
        if data is None:
            return []
        heard = listen(data, self._time_ns, frame.place, frame.is_outgoing, is_cut=frame.is_cut)
        return [] if heard is None else self._keep(self.exchanges.take(heard))

    def event(self, event: EngineEvent) -> Rows:
        """Take in an event of the engine."""
        row = report_event(event)
        if not self._wanted.has(row):
            return []
        self.left_out += len(self._events) == self._events.maxlen
        self._events.append(row)
        return [row]

    def advance(self, now_ns: int) -> Rows:
        """Let time pass; return what is known by then."""
        return self._keep(self.exchanges.advance(now_ns))

    def finish(self) -> Rows:
        """End; return what was not told before."""
        return self._keep(self.exchanges.finish())

    def _keep(self, over: Sequence[Exchange]) -> Rows:
        rows = []
        for exchange in over:
            row = report(exchange)
            if self._wanted.has(row):
                self._kept[exchange.number] = exchange
                rows.append(row)
            if len(self._kept) > self._most_kept:
                self._kept.popitem(last=False)
                self.left_out += 1
        return rows

    def _last(self, most: int | None) -> list[Exchange]:
        """Return the last exchanges that are wanted by what is known of them now."""
        kept = list(self._kept.values())[-most:] if most else list(self._kept.values())
        for exchange in kept:
            self.exchanges.complete(exchange)
        return [exchange for exchange in kept if self._wanted.has(report(exchange))]

    def rows(self, most: int | None = None) -> Rows:
        """Return what is kept, the last ones of it, in the order of time: all as it is known by now."""
        found = [*map(report, self._last(most)), *self._events]
        found.sort(key=lambda row: (row.time or "", row.number))
        return found[-most:] if most else found

    def drawing(self, name_of: NameOf) -> Drawing:
        """Return the ladder diagram of what is kept."""
        return draw(sorted(self._last(None), key=lambda exchange: exchange.started_ns), name_of)

    @property
    def is_empty(self) -> bool:
        """Whether nothing was heard that can be understood."""
        return not self.exchanges.messages and not self._events

    def summary(self) -> str:
        """Return in a line what was heard."""
        states = Counter(str(exchange.state) for exchange in self._kept.values())
        said = ", ".join(f"{count} {state}" for state, count in states.most_common())
        parts = [f"{self.exchanges.messages} messages, {len(self._kept)} exchanges{f': {said}' if said else ''}"]
        parts += [f"{len(self._events)} events"] if self._events else []
        parts += [f"{self.exchanges.copies} copies on other interfaces"] if self.exchanges.copies else []
        return "; ".join(parts)
