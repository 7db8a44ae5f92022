"""The records of the ways that packets take: echoes with their paths, and what a run of them says."""

from typing import Annotated

from msgspec import Struct

from mipsh.model.columns import Kind, Shown, column, table

ADDRESS, INTEGER, SECONDS, WIDE = Kind.ADDRESS, Kind.INTEGER, Kind.SECONDS, Shown.WIDE
_ROUTES = "ro, tunnel, direct, none (it was not there), ? (not seen, or not proved)"


class PathEcho(Struct, frozen=True, gc=False):
    """An echo, and the ways that its request and its reply went as seen on this node."""

    sequence: Annotated[int, column("Seq", "its number, from 1", INTEGER, alias="seq")]
    rtt_ms: Annotated[
        float | None, column("Round trip", "time to the reply, unknown without one", INTEGER, unit="ms", alias="rtt")
    ]
    request: Annotated[str, column("Request", f"way of the request: {_ROUTES}")]
    reply: Annotated[str, column("Reply", f"way of the reply: {_ROUTES}")]
    hop_limit: Annotated[
        int | None, column("Hop limit", "hop limit of the reply when it came", INTEGER, alias="hops")
    ] = None
    note: Annotated[str, column("Note", "why a way is not known, an ICMPv6 error, further replies")] = ""
    time: Annotated[str, column("Time", "when it was sent (RFC 3339, UTC)", Kind.TIME, shown=WIDE)] = ""
    source: Annotated[str | None, column("Source", "whom the request was from", ADDRESS, shown=WIDE)] = None
    destination: Annotated[str | None, column("Destination", "whom it was for", ADDRESS, shown=WIDE)] = None
    request_interface: Annotated[
        str | None, column("Request on", "interface on which the request was seen", shown=WIDE)
    ] = None
    request_outer_source: Annotated[
        str | None, column("Request from", "source of the request's outermost header", ADDRESS, shown=WIDE)
    ] = None
    request_outer_destination: Annotated[
        str | None, column("Request to", "destination of the request's outermost header", ADDRESS, shown=WIDE)
    ] = None
    request_home_address: Annotated[
        str | None, column("Request HAO", "address in the request's Home Address option", ADDRESS, shown=WIDE)
    ] = None
    request_routed_to: Annotated[
        str | None, column("Request RH2", "address in the request's type 2 routing header", ADDRESS, shown=WIDE)
    ] = None
    request_inside: Annotated[
        str | None, column("Request inside", "ipv6 or esp: what was around the request", shown=WIDE)
    ] = None
    request_overhead_bytes: Annotated[
        int | None,
        column("Request overhead", "bytes more than a direct request has", INTEGER, unit="B", shown=WIDE),
    ] = None
    reply_interface: Annotated[str | None, column("Reply on", "interface on which the reply was seen", shown=WIDE)] = (
        None
    )
    reply_outer_source: Annotated[
        str | None, column("Reply from", "source of the reply's outermost header", ADDRESS, shown=WIDE)
    ] = None
    reply_outer_destination: Annotated[
        str | None, column("Reply to", "destination of the reply's outermost header", ADDRESS, shown=WIDE)
    ] = None
    reply_home_address: Annotated[
        str | None, column("Reply HAO", "address in the reply's Home Address option", ADDRESS, shown=WIDE)
    ] = None
    reply_routed_to: Annotated[
        str | None, column("Reply RH2", "address in the reply's type 2 routing header", ADDRESS, shown=WIDE)
    ] = None
    reply_inside: Annotated[
        str | None, column("Reply inside", "ipv6 or esp: what was around the reply", shown=WIDE)
    ] = None
    reply_overhead_bytes: Annotated[
        int | None, column("Reply overhead", "bytes more than a direct reply has", INTEGER, unit="B", shown=WIDE)
    ] = None
    duplicates: Annotated[int, column("Duplicates", "further replies", INTEGER, shown=WIDE)] = 0
    from_address: Annotated[
        str | None, column("From", "who answered, the router that sent an error included", ADDRESS, shown=WIDE)
    ] = None


class PathStatistics(Struct, frozen=True, gc=False):
    """What a run of echoes says as a whole, for each path, and for each time by one path."""

    kind: Annotated[str, column("Kind", "all: the whole run; path: one path; segment: echoes in a row by one path")]
    path: Annotated[str | None, column("Path", "way of the request : way of the reply")]
    first: Annotated[int | None, column("First", "number of the first echo", INTEGER)] = None
    last: Annotated[int | None, column("Last", "number of the last echo", INTEGER)] = None
    sent: Annotated[int, column("Sent", "echoes", INTEGER)] = 0
    received: Annotated[int, column("Received", "echoes that were answered", INTEGER)] = 0
    rtt_min_ms: Annotated[float | None, column("Min", "shortest round trip", INTEGER, unit="ms")] = None
    rtt_average_ms: Annotated[float | None, column("Average", "average round trip", INTEGER, unit="ms")] = None
    rtt_median_ms: Annotated[float | None, column("Median", "median round trip", INTEGER, unit="ms")] = None
    rtt_p95_ms: Annotated[
        float | None, column("95 %", "round trip that 95 of 100 do not exceed", INTEGER, unit="ms")
    ] = None
    rtt_max_ms: Annotated[float | None, column("Max", "longest round trip", INTEGER, unit="ms")] = None
    rtt_deviation_ms: Annotated[
        float | None, column("Deviation", "standard deviation of the round trips", INTEGER, unit="ms", shown=WIDE)
    ] = None
    jitter_ms: Annotated[
        float | None, column("Jitter", "mean difference of one round trip and the next", INTEGER, unit="ms", shown=WIDE)
    ] = None
    request_overhead_bytes: Annotated[
        int | None,
        column("Request overhead", "bytes more than a direct request has", INTEGER, unit="B", shown=WIDE),
    ] = None
    reply_overhead_bytes: Annotated[
        int | None, column("Reply overhead", "bytes more than a direct reply has", INTEGER, unit="B", shown=WIDE)
    ] = None
    hop_limits: Annotated[
        tuple[int, ...], column("Hop limits", "hop limits of replies when they came", Kind.FLAGS, shown=WIDE)
    ] = ()
    lost_here: Annotated[int | None, column("Lost here", "requests that never left this node", INTEGER, shown=WIDE)] = (
        None
    )
    lost_beyond: Annotated[
        int | None, column("Lost beyond", "requests that left and had no reply at this node", INTEGER, shown=WIDE)
    ] = None
    lost_back: Annotated[
        int | None,
        column("Not delivered", "replies that came to a link of this node and not to the socket", INTEGER, shown=WIDE),
    ] = None
    lost_errors: Annotated[
        int | None, column("Errors", "requests that an ICMPv6 error answered", INTEGER, shown=WIDE)
    ] = None
    lost_unknown: Annotated[
        int | None, column("Lost unseen", "unanswered requests of which it was not seen", INTEGER, shown=WIDE)
    ] = None
    duplicates: Annotated[int | None, column("Duplicates", "further replies", INTEGER, shown=WIDE)] = None
    path_changes: Annotated[int | None, column("Changes", "how often the path changed", INTEGER, shown=WIDE)] = None
    converged_echoes: Annotated[
        int | None, column("Until RO", "echoes before the first optimised both ways", INTEGER, shown=WIDE)
    ] = None
    converged_s: Annotated[
        float | None, column("RO after", "time until that one was sent", SECONDS, unit="s", shown=WIDE)
    ] = None
    ro_gain_ms: Annotated[
        float | None,
        column(
            "RO gain",
            "median round trip of the tunnel less that of the optimised route",
            INTEGER,
            unit="ms",
            shown=WIDE,
        ),
    ] = None
    gap_ms: Annotated[
        float | None,
        column(
            "Handover gap", "longest silence around a change of the care-of address", INTEGER, unit="ms", shown=WIDE
        ),
    ] = None
    expected: Annotated[str | None, column("Expected", "path that was expected", shown=WIDE)] = None
    is_as_expected: Annotated[
        bool | None, column("As expected", "unknown where it could not be told", Kind.BOOLEAN, shown=WIDE)
    ] = None
    sentence: Annotated[str, column("In words", "one sentence, for a ticket", shown=WIDE)] = ""


PATH_ECHOES = table("path_echoes", PathEcho, "Echoes and their paths", key=("sequence",))
PATH_STATISTICS = table("path_statistics", PathStatistics, "Echoes by path", key=("kind", "path", "first"))
PATH_TABLES = {found.name: found for found in (PATH_ECHOES, PATH_STATISTICS)}
