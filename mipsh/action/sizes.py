"""Measures which packet sizes fit on a path: settles which path it is, searches, and looks at the replies."""

import time
from collections.abc import Callable

from msgspec import Struct, field

from mipsh.errors import MipshError
from mipsh.linux import links
from mipsh.linux.echo_socket import Target
from mipsh.linux.echo_watch import EchoWatch
from mipsh.linux.route_lookup import lookup
from mipsh.linux.size_probe import SIZE_AT_LEAST, Probe, SizeProber
from mipsh.model.path_mtus import PathMtu
from mipsh.path_mtu.advice import TCP_HEADERS, Sizes, advice, sentence, verdict
from mipsh.path_mtu.search import MOST_PROBES, Answer, Found, Reply, Search
from mipsh.path_mtu.told import Told
from mipsh.paths.echo import Known, Route
from mipsh.paths.statistics import RO

SETTLING_S, SETTLED_AFTER = 1.5, 3
"""How long a path may become an optimised one before it is taken as it is, and how often it has to be the same."""
MOST_RESTARTS = 2
LARGEST = 65_535
CHANGED = "the path changed while it was measured"
UNPROVED = "which way the probes went is not known"
Watched = Callable[[int, int | None], EchoWatch]


class Measured(Struct):
    """What probes of one path showed."""

    path: str = "?"
    largest: Probe | None = None
    probes: int = 0
    told: tuple[Told, str] | None = None
    ignored: dict[tuple[int, str], str] = field(default_factory=dict)
    reached: list[bool | None] = field(default_factory=list)
    reason: str = ""
    is_changed: bool = False


class Sizer:
    """Measures one path from a source to a destination."""

    def __init__(self, prober: SizeProber, top: int, *, may_be_optimised: bool) -> None:
        self._prober, self._top = prober, top
        self._may_be_optimised = may_be_optimised
        self.seen = Measured()

    def measure(self) -> tuple[Found, int | None]:
        """Return what fits on the way there, and the largest reply in one piece; begins anew where the path changes."""
        sent = 0
        for _ in range(MOST_RESTARTS + 1):
            self.seen = Measured(probes=sent)
            if not self._settle():
                break
            found = self._search(Search(self._top, least=SIZE_AT_LEAST), _forward)
            if not self.seen.is_changed:
                return found, self._back(found)
            sent = self.seen.probes
        if self.seen.is_changed:
            return found, None
        return self._search(Search(self._top, least=SIZE_AT_LEAST, most=MOST_PROBES // 4), _forward), None

    def _settle(self) -> bool:
        """Send small probes until the path is the same several times, and optimised if it may become so."""
        until = time.monotonic() + SETTLING_S
        same, before = 0, ""
        for _ in range(MOST_PROBES):
            probe = self._probe(SIZE_AT_LEAST)
            if probe.reply is Reply.SILENT:
                return bool(before)
            same = same + 1 if probe.path.name == before else 1
            before = self.seen.path = probe.path.name
            may_change = self._may_be_optimised and before != RO and time.monotonic() < until
            if same >= SETTLED_AFTER and not may_change:
                break
        return True

    def _probe(self, size: int) -> Probe:
        probe = self._prober.probe(size)
        self.seen.probes += 1
        for told, source in probe.ignored:
            self.seen.ignored[told.mtu, source] = told.doubt
        ways = (probe.path.request, probe.path.reply)
        if probe.reply is Reply.FITS and any(way.route is Route.UNKNOWN for way in ways):
            self.seen.reason = next(way.reason for way in ways if way.route is Route.UNKNOWN)
        return probe

    def _search(self, search: Search, judge: Callable[[Probe], Answer]) -> Found:
        while (size := search.next_size()) is not None:
            probe = self._probe(size)
            search.answer(size, judge(probe))
            if probe.told is not None:
                self.seen.told = probe.told
            if probe.reply is Reply.FITS and (self.seen.largest is None or size >= self.seen.largest.size):
                self.seen.largest = probe
            if probe.reply is Reply.SILENT and search.found.largest is not None:
                self.seen.reached.append(probe.reached)
            if probe.reply is Reply.FITS and self._is_another(probe.path.name):
                self.seen.is_changed = True
                break
        return search.found

    def _is_another(self, name: str) -> bool:
        return "?" not in name and "?" not in self.seen.path and name != self.seen.path

    def _back(self, found: Found) -> int | None:
        """Return the largest reply that came in one piece; None where that was not seen."""
        largest = self.seen.largest
        if largest is None or largest.back.is_whole is None:
            return None
        if largest.back.is_whole:
            return largest.size
        search = Search(largest.size, least=SIZE_AT_LEAST, most=MOST_PROBES // 2)
        return self._search(search, _backward).largest


def _forward(probe: Probe) -> Answer:
    return probe.answer


def _backward(probe: Probe) -> Answer:
    """Judge a probe by its reply: one that came in pieces was too big."""
    if probe.reply is Reply.FITS and probe.back.is_whole is False:
        return Answer(Reply.TOO_BIG)
    return probe.answer


def measure(target: Target, known: Known, *, is_home: bool, watched: Watched | None = None) -> PathMtu:
    """Measure the path from a target's source to it; raises RefusedError without CAP_NET_RAW, MipshError."""
    with SizeProber(target, known, watched) as prober:
        source = prober.socket.source
        interface, top = _link(source, target)
        sizer = Sizer(prober, min(top or LARGEST, LARGEST), may_be_optimised=is_home)
        found, back = sizer.measure()
    return _row(sizer.seen, (found, back), (source, target.destination), (interface, top))


def _link(source: str, target: Target) -> tuple[str, int | None]:
    """Return the interface that probes leave by, as programs see it, and what it takes."""
    try:
        interface = target.interface or lookup(source, target.destination).interface
        return interface, links.mtu(interface) if interface else None
    except (MipshError, OSError):
        return target.interface, None


def _row(
    seen: Measured, found: tuple[Found, int | None], ends: tuple[str, str], link: tuple[str, int | None]
) -> PathMtu:
    """Return what was measured as a record."""
    forward, back = found
    probe = seen.largest
    request = None if probe is None else probe.path.request
    told = None if seen.told is None else (seen.told[0].mtu, seen.told[1])
    reached = set(seen.reached) - {None}
    lost = "?" if len(reached) != 1 else "back" if True in reached else "out"
    doubt = CHANGED if seen.is_changed else f"{UNPROVED}: {seen.reason}" if seen.reason and "?" in seen.path else ""
    overhead = None if request is None else request.overhead_bytes
    sizes = Sizes(seen.path, ends[1], forward, link[1] or LARGEST, link[0], overhead, back, told, lost, doubt)
    return PathMtu(
        path=seen.path,
        destination=ends[1],
        size_bytes=forward.largest,
        back_bytes=back,
        link_mtu_bytes=link[1],
        verdict=verdict(sizes).value,
        vanish_from_bytes=forward.silent_from if forward.has_hole else None,
        vanish_to_bytes=forward.silent_to if forward.has_hole else None,
        lost=lost if forward.has_hole else None,
        source=ends[0],
        interface=link[0] or None,
        overhead_bytes=overhead,
        overhead_back_bytes=None if probe is None else probe.path.reply.overhead_bytes,
        inside=(None if request is None else request.inside) or None,
        on_link_bytes=None if forward.largest is None or overhead is None else forward.largest + overhead,
        told_mtu_bytes=None if told is None else told[0],
        told_by=None if told is None else told[1],
        ignored=tuple(f"{mtu} from {source}: {why}" for (mtu, source), why in seen.ignored.items()),
        mss_bytes=None if forward.largest is None else max(forward.largest - TCP_HEADERS, 0),
        probes=seen.probes,
        is_exact=forward.is_exact,
        advice=advice(sizes),
        sentence=sentence(sizes),
    )
