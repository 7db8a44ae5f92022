"""Echoes and runs of them as records, and a run in words."""

from collections.abc import Iterator, Sequence

from msgspec.structs import replace

from mipsh.model.paths import PathEcho, PathStatistics
from mipsh.paths.echo import Way
from mipsh.paths.statistics import (
    Outcome,
    Samples,
    Segment,
    Spread,
    Tally,
    convergence_words,
    count,
    loss_words,
)

DIGITS = 3
MOST_SEGMENTS_SAID = 8


def echo_row(outcome: Outcome, ends: tuple[str, str], time: str, by: str | None) -> PathEcho:
    """Return an echo as a record; ``ends`` are its source and destination, ``by`` is who answered."""
    request, reply = outcome.path.request, outcome.path.reply
    row = PathEcho(
        outcome.sequence,
        rounded(outcome.rtt_ms),
        request.route.value,
        reply.route.value,
        outcome.hop_limit,
        note(outcome),
        time,
        *ends,
        duplicates=outcome.duplicates or max(reply.copies - 1, 0),
        from_address=by,
    )
    return replace(row, **_evidence("request", request), **_evidence("reply", reply))


def _evidence(half: str, way: Way) -> dict[str, str | int | None]:
    return {
        f"{half}_interface": way.interface or None,
        f"{half}_outer_source": way.outer_source,
        f"{half}_outer_destination": way.outer_destination,
        f"{half}_home_address": way.home_address,
        f"{half}_routed_to": way.routed_to,
        f"{half}_inside": way.inside or None,
        f"{half}_overhead_bytes": way.overhead_bytes,
    }


def note(outcome: Outcome) -> str:
    """Return what there is to say of an echo beside its numbers."""
    request, reply = outcome.path.request, outcome.path.reply
    reasons = [f"request: {request.reason}"] if request.reason else []
    if reply.reason and reply.reason != request.reason and not outcome.error:
        reasons.append(f"reply: {reply.reason}")
    if not outcome.is_answered and reply.outer_source is not None:
        reasons.append("the reply came to the link and was not delivered")
    reasons += [outcome.error] if outcome.error else []
    reasons += [count(outcome.duplicates, "duplicate")] if outcome.duplicates else []
    return "; ".join(reasons)


def rounded(value: float | None) -> float | None:
    """Return a time as it is shown."""
    return None if value is None else round(value, DIGITS)


def statistics_rows(tally: Tally, said: str, expected: str, is_met: bool | None) -> list[PathStatistics]:
    """Return a run as records: the whole of it, with the sentence, then each path, then each segment."""
    losses, gaps, convergence = tally.losses, tally.gaps, tally.convergence
    first = tally.segments[0].first if tally.segments else None
    last = tally.segments[-1].last if tally.segments else None
    whole = PathStatistics(
        "all",
        None,
        first,
        last,
        tally.sent,
        tally.received,
        lost_here=losses.here,
        lost_beyond=losses.beyond,
        lost_back=losses.back,
        lost_errors=losses.errors,
        lost_unknown=losses.unknown,
        duplicates=tally.duplicates,
        path_changes=tally.path_changes,
        converged_echoes=None if convergence is None else convergence.echoes,
        converged_s=None if convergence is None else rounded(convergence.seconds),
        ro_gain_ms=rounded(tally.ro_gain_ms),
        gap_ms=rounded(max(gap.seconds for gap in gaps) * 1000) if gaps else None,
        expected=expected or None,
        is_as_expected=is_met if expected else None,
        sentence=said,
    )
    paths = [_path_row(name, samples) for name, samples in tally.by_path.items()]
    return [whole, *paths, *(_segment_row(segment) for segment in tally.segments)]


def _path_row(name: str, samples: Samples) -> PathStatistics:
    request, reply = samples.overhead_bytes
    row = PathStatistics(
        "path",
        name,
        sent=samples.sent,
        received=samples.received,
        request_overhead_bytes=request,
        reply_overhead_bytes=reply,
        hop_limits=tuple(sorted(samples.hop_limits)),
    )
    spread = samples.spread()
    return row if spread is None else replace(row, **_spread_cells(spread))


def _spread_cells(spread: Spread) -> dict[str, float | None]:
    return {
        "rtt_min_ms": rounded(spread.least),
        "rtt_average_ms": rounded(spread.average),
        "rtt_median_ms": rounded(spread.median),
        "rtt_p95_ms": rounded(spread.p95),
        "rtt_max_ms": rounded(spread.most),
        "rtt_deviation_ms": rounded(spread.deviation),
        "jitter_ms": rounded(spread.jitter),
    }


def _segment_row(segment: Segment) -> PathStatistics:
    return PathStatistics("segment", segment.path, segment.first, segment.last, segment.sent, segment.received)


def lines(tally: Tally, signals: Sequence[tuple[str, float]] = ()) -> Iterator[str]:
    """Yield what a run says, a line for people each, without the sentence that ends it."""
    for name, samples in sorted(tally.by_path.items(), key=lambda item: -item[1].sent):
        yield _path_line(name, samples)
    if tally.path_changes:
        yield f"path changes: {_segments_words(tally)}"
    if tally.convergence is not None and tally.convergence.echoes:
        steps = ", ".join(f"{name} {_moment(at)}" for name, at in signals)
        yield f"RO {convergence_words(tally.convergence)}{f': {steps}' if steps else ''}"
    if tally.ro_gain_ms is not None:
        word = "shorter" if tally.ro_gain_ms >= 0 else "longer"
        yield f"RO is {abs(tally.ro_gain_ms):.3g} ms {word} than the tunnel (medians)"
    for gap in tally.gaps[-3:]:
        yield (
            f"handover: {gap.seconds:.3g} s without a reply, {count(gap.lost, 'echo', 'echoes')} lost, "
            f"from {gap.before} to {gap.after}"
        )
    if tally.losses.all:
        yield f"lost: {loss_words(tally.losses)}"
    for error, number in sorted(tally.errors.items()):
        yield f"error, {count(number, 'time')}: {error}"
    for reason, number in sorted(tally.unknown.items()):
        yield f"not known, {count(number, 'half', 'halves')}: {reason}"


def _moment(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{seconds * 1000:.1f} ms"


def _path_line(name: str, samples: Samples) -> str:
    spread = samples.spread()
    parts = [f"{name}: {samples.received} of {samples.sent} answered"]
    if spread is not None:
        values = spread.least, spread.average, spread.median, spread.p95, spread.most
        shown = "/".join(f"{value:.3f}" for value in values)
        jitter = "" if spread.jitter is None else f", jitter {spread.jitter:.3f}"
        parts.append(f"min/avg/median/95%/max {shown} ms, deviation {spread.deviation:.3f}{jitter}")
    overhead = ["?" if size is None else str(size) for size in samples.overhead_bytes]
    if overhead not in (["?", "?"], ["0", "0"]):
        parts.append(f"overhead {'+'.join(overhead)} bytes")
    if samples.hop_limits:
        parts.append(f"hop limit {', '.join(map(str, sorted(samples.hop_limits)))}")
    return "; ".join(parts)


def _segments_words(tally: Tally) -> str:
    shown = tally.segments[-MOST_SEGMENTS_SAID:]
    hidden = len(tally.segments) + tally.segments_left_out - len(shown)
    words = [f"{s.first}{f'-{s.last}' if s.last != s.first else ''} {s.path}" for s in shown]
    return ", ".join([*([f"{hidden} before"] if hidden else []), *words])
