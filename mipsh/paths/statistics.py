"""What a run of echoes says: round trips by path, segments between path changes, losses, and one sentence for a ticket.

A path is ``request:reply``, as ``ro:tunnel``. Echoes are added in the order in which they were settled, and
are not kept: of a path's round trips the latest ``MOST_SAMPLES`` are, for median and percentile.
"""

import math
from collections import deque
from collections.abc import Mapping, Sequence
from statistics import median

from msgspec import Struct

from mipsh.paths.echo import Path, Route

MOST_SAMPLES = 100_000
MOST_SEGMENTS = 1000
PERCENTILE = 0.95
RO, TUNNEL = "ro:ro", "tunnel:tunnel"
OPEN = (Route.NONE, Route.UNKNOWN)
"""Routes that tell no path from another."""


class Outcome(Struct, frozen=True):
    """What became of one echo.

    ``sent_at`` is in seconds of one clock, ``rtt_ms`` is None where no reply came to the socket; ``error`` are the
    words of an ICMPv6 error. ``duplicates`` counts further replies.
    """

    sequence: int
    sent_at: float
    path: Path
    rtt_ms: float | None = None
    hop_limit: int | None = None
    error: str = ""
    duplicates: int = 0

    @property
    def is_answered(self) -> bool:
        """Tell whether the reply came to whoever had asked."""
        return self.rtt_ms is not None


class Spread(Struct, frozen=True):
    """Round trips in milliseconds; ``jitter`` is the mean difference between one and the next."""

    count: int
    least: float
    average: float
    median: float
    p95: float
    most: float
    deviation: float
    jitter: float | None


class Segment(Struct):
    """Echoes in a row by one path; ``path`` has ``?`` where no echo in it told."""

    path: str
    first: int
    last: int
    began: float
    ended: float
    sent: int = 0
    received: int = 0


class Losses(Struct, frozen=True):
    """Echoes that were not answered, by where they were lost.

    ``here`` never left the node; ``beyond`` left it, and no reply came to its links; ``back`` have a reply that came to
    a link and not to the socket; ``errors`` were answered by an ICMPv6 error; of ``unknown`` ones it was not seen.
    """

    here: int = 0
    beyond: int = 0
    back: int = 0
    errors: int = 0
    unknown: int = 0

    @property
    def all(self) -> int:
        """How many there are."""
        return self.here + self.beyond + self.back + self.errors + self.unknown


class Gap(Struct, frozen=True):
    """The silence around a change of the care-of address: its length, what was lost in it, from where to where."""

    seconds: float
    lost: int
    before: str
    after: str


class Convergence(Struct, frozen=True):
    """How many echoes were sent before the first that was optimised both ways, and how long that took."""

    echoes: int
    seconds: float


class Samples:
    """The round trips of one path."""

    def __init__(self) -> None:
        self.sent = 0
        self.overhead_bytes: tuple[int | None, int | None] = None, None
        self.hop_limits: set[int] = set()
        self._kept: deque[float] = deque(maxlen=MOST_SAMPLES)
        self._count, self._sum, self._squares = 0, 0.0, 0.0
        self._least, self._most = math.inf, -math.inf
        self._last: float | None = None
        self._differences = 0.0

    def add(self, outcome: Outcome) -> None:
        """Count an echo."""
        self.sent += 1
        request, reply = outcome.path.request.overhead_bytes, outcome.path.reply.overhead_bytes
        before = self.overhead_bytes
        self.overhead_bytes = before[0] if request is None else request, before[1] if reply is None else reply
        if outcome.hop_limit is not None:
            self.hop_limits.add(outcome.hop_limit)
        rtt = outcome.rtt_ms
        if rtt is None:
            return
        self._kept.append(rtt)
        self._count += 1
        self._sum += rtt
        self._squares += rtt * rtt
        self._least, self._most = min(self._least, rtt), max(self._most, rtt)
        if self._last is not None:
            self._differences += abs(rtt - self._last)
        self._last = rtt

    @property
    def received(self) -> int:
        """How many were answered."""
        return self._count

    def spread(self) -> Spread | None:
        """Return how the round trips are spread; None without any."""
        if not self._count:
            return None
        average = self._sum / self._count
        return Spread(
            self._count,
            self._least,
            average,
            median(self._kept),
            percentile(self._kept),
            self._most,
            math.sqrt(max(self._squares / self._count - average * average, 0.0)),
            self._differences / (self._count - 1) if self._count > 1 else None,
        )


def percentile(values: Sequence[float] | deque[float], share: float = PERCENTILE) -> float:
    """Return the least of the values that the given share of them does not exceed."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)) - 1, 0)]


class Tally:
    """Counts the echoes of a run."""

    def __init__(self) -> None:
        self.sent = self.received = self.duplicates = 0
        self.losses = Losses()
        self.by_path: dict[str, Samples] = {}
        self.segments: list[Segment] = []
        self.segments_left_out = 0
        self.gaps: list[Gap] = []
        self.convergence: Convergence | None = None
        self.errors: dict[str, int] = {}
        self.unknown: dict[str, int] = {}
        self.before: dict[str, tuple[int, int]] = {}
        self._began: float | None = None
        self._answered: tuple[float, str] | None = None
        self._lost_since = 0

    def add(self, outcome: Outcome) -> None:
        """Count an echo that was settled."""
        if self._began is None:
            self._began = outcome.sent_at
        self.sent += 1
        self.duplicates += outcome.duplicates
        name = outcome.path.name
        self.by_path.setdefault(name, Samples()).add(outcome)
        self._doubts(outcome)
        self._segment(outcome)
        if outcome.error:
            self.errors[outcome.error] = self.errors.get(outcome.error, 0) + 1
        if outcome.is_answered:
            self.received += 1
            self._gap(outcome)
        else:
            self._lost_since += 1
            self.losses = _with(self.losses, outcome)
        if name == RO and outcome.is_answered and self.convergence is None:
            self.convergence = Convergence(self.sent - 1, outcome.sent_at - self._began)

    def expect_from_here(self) -> None:
        """Leave the echoes until now, but for the last one, out of what is expected of the run."""
        self.before = {name: (samples.sent, samples.received) for name, samples in self.by_path.items()}
        sent, received = self.before[RO]
        self.before[RO] = sent - 1, received - 1

    def counted(self) -> dict[str, tuple[int, int]]:
        """Return by path how many echoes were sent and received, those left aside that were not to be expected."""
        found: dict[str, tuple[int, int]] = {}
        for name, samples in self.by_path.items():
            sent, received = self.before.get(name, (0, 0))
            if samples.sent > sent:
                found[name] = samples.sent - sent, samples.received - received
        return found

    def duplicate(self) -> None:
        """Count a reply that came once more, after its echo was settled."""
        self.duplicates += 1

    def _doubts(self, outcome: Outcome) -> None:
        for way in (outcome.path.request, outcome.path.reply):
            if way.route is Route.UNKNOWN:
                self.unknown[way.reason] = self.unknown.get(way.reason, 0) + 1

    def _segment(self, outcome: Outcome) -> None:
        """Let an echo continue the segment that there is, if nothing says that it went another way."""
        ways = outcome.path.request.route, outcome.path.reply.route
        segment = self.segments[-1] if self.segments else None
        joined = None if segment is None else _joined(segment.path, ways)
        if segment is None or joined is None:
            joined = ":".join("?" if way in OPEN else way.value for way in ways)
            segment = Segment(joined, outcome.sequence, outcome.sequence, outcome.sent_at, outcome.sent_at)
            self.segments.append(segment)
            if len(self.segments) > MOST_SEGMENTS:
                del self.segments[MOST_SEGMENTS // 2]
                self.segments_left_out += 1
        segment.path, segment.last, segment.ended = joined, outcome.sequence, outcome.sent_at
        segment.sent += 1
        segment.received += outcome.is_answered

    def _gap(self, outcome: Outcome) -> None:
        """Take note of a reply; of the silence before it, where the node was at another address then."""
        care_of = care_of_address(outcome.path)
        came = outcome.sent_at + (outcome.rtt_ms or 0.0) / 1000
        if self._answered is not None:
            before_at, before = self._answered
            if care_of and before and care_of != before:
                self.gaps.append(Gap(max(came - before_at, 0.0), self._lost_since, before, care_of))
                del self.gaps[MOST_SEGMENTS:]
            care_of = care_of or before
        self._answered, self._lost_since = (came, care_of), 0

    @property
    def ro_gain_ms(self) -> float | None:
        """How much shorter the median round trip is by the optimised route than by the tunnel; None if not known."""
        tunnel, direct = (self.by_path[name].spread() if name in self.by_path else None for name in (TUNNEL, RO))
        return None if tunnel is None or direct is None else tunnel.median - direct.median

    @property
    def path_changes(self) -> int:
        """How often the path changed."""
        return max(len(self.segments) + self.segments_left_out - 1, 0)


def _joined(path: str, ways: tuple[Route, Route]) -> str | None:
    """Return a segment's path with what one more echo says of it; None where that one went another way."""
    parts = []
    for known, way in zip(path.split(":"), ways, strict=True):
        if way not in OPEN and known not in ("?", way.value):
            return None
        parts.append(known if way in OPEN else way.value)
    return ":".join(parts)


def care_of_address(path: Path) -> str:
    """Return the address at which a mobile end of the path seems to be; empty where the headers do not say."""
    request, reply = path.request, path.reply
    if request.route in (Route.RO, Route.TUNNEL):
        away = request.outer_source if request.home_address or not request.routed_to else request.outer_destination
        return away or ""
    if reply.route in (Route.RO, Route.TUNNEL):
        return (reply.outer_destination if reply.routed_to or not reply.home_address else reply.outer_source) or ""
    return ""


def _with(losses: Losses, outcome: Outcome) -> Losses:
    """Return the losses with one more."""
    request, reply = outcome.path.request.route, outcome.path.reply.route
    counts = [losses.here, losses.beyond, losses.back, losses.errors, losses.unknown]
    if outcome.error:
        place = 3
    elif reply not in OPEN:
        place = 2
    elif request is Route.NONE:
        place = 0
    elif request is Route.UNKNOWN or reply is Route.UNKNOWN:
        place = 4
    else:
        place = 1
    counts[place] += 1
    return Losses(*counts)


def expected_paths(words: str) -> tuple[str, str]:
    """Return the routes that ``ro``, ``ro:tunnel`` and the like stand for; raises ValueError for others."""
    request, _, reply = words.partition(":")
    routes = Route(request), Route(reply or request)
    return routes[0].value, routes[1].value


def verdict(tally: Tally, expected: tuple[str, str] | None) -> bool | None:
    """Tell whether the run was as expected: each echo answered by that path, or without one, any echo answered.

    None is could not tell: no echo went another way, and of some it is not known which way they went.
    """
    if expected is None:
        return tally.received > 0
    wants_none = Route.NONE.value in expected
    paths = [name for name, (_, received) in tally.counted().items() if received or wants_none]
    counts = [_meets(name.split(":"), expected) for name in paths]
    if not counts or False in counts:
        return False
    return None if None in counts else True


def _meets(path: Sequence[str], expected: tuple[str, str]) -> bool | None:
    verdicts = [
        True if way == want else None if way == "?" else False for way, want in zip(path, expected, strict=True)
    ]
    return False if False in verdicts else None if None in verdicts else True


def sentence(tally: Tally, source: str, destination: str) -> str:
    """Return one sentence that says how the run went, for a ticket."""
    if not tally.sent:
        return f"No echo was sent from {source} to {destination}."
    parts = [f"{tally.received} of {count(tally.sent, 'echo', 'echoes')} from {source} to {destination} answered"]
    paths = {name: samples for name, samples in tally.by_path.items() if samples.received}
    parts += [_path_words(name, samples) for name, samples in sorted(paths.items(), key=lambda item: -item[1].received)]
    if tally.convergence is not None and tally.convergence.echoes:
        parts.append(f"optimised {convergence_words(tally.convergence)}")
    elif RO not in paths and any("ro" in name or "tunnel" in name for name in paths):
        parts.append("never optimised both ways")
    if tally.ro_gain_ms is not None:
        parts.append(
            f"route optimisation {'saves' if tally.ro_gain_ms >= 0 else 'costs'} {abs(tally.ro_gain_ms):.3g} ms"
        )
    parts += [f"handover gap {max(gap.seconds for gap in tally.gaps):.3g} s"] if tally.gaps else []
    parts += [loss_words(tally.losses)] if tally.losses.all else []
    parts += [count(tally.duplicates, "duplicate")] if tally.duplicates else []
    return "; ".join(parts) + "."


def _path_words(name: str, samples: Samples) -> str:
    spread = samples.spread()
    middle = f" (median {spread.median:.3g} ms)" if spread is not None else ""
    return f"{samples.received} by {name}{middle}"


def convergence_words(convergence: Convergence) -> str:
    """Return how long it took until the route was optimised, in words."""
    return f"after {count(convergence.echoes, 'echo', 'echoes')}, {convergence.seconds:.2f} s"


def loss_words(losses: Losses) -> str:
    """Return where echoes were lost, in words."""
    places: Mapping[str, int] = {
        "never left this node": losses.here,
        "lost beyond this node, on the way there or back": losses.beyond,
        "replies came to a link and were not delivered": losses.back,
        "answered by an ICMPv6 error": losses.errors,
        "lost where it was not seen": losses.unknown,
    }
    return ", ".join(f"{number} {words}" for words, number in places.items() if number)


def count(number: int, one: str, many: str = "") -> str:
    """Return a number with its noun."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def sparkline(values: Sequence[float | None], *, unicode: bool = True) -> str:
    """Return round trips as a line of bars from the least to the largest, a lost one as ``x``."""
    bars = "▁▂▃▄▅▆▇█" if unicode else "_.-=*#"
    known = [value for value in values if value is not None]
    if not known:
        return "x" * len(values)
    least, span = min(known), max(known) - min(known)
    steps = len(bars) - 1
    return "".join("x" if v is None else bars[round((v - least) / span * steps) if span else 0] for v in values)
