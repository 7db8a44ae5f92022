"""Echoes as records, and runs of them in lines for people."""

import pytest

from mipsh.paths.echo import Path, Route, Way
from mipsh.paths.report import echo_row, lines, note, statistics_rows
from mipsh.paths.statistics import Outcome, Tally

RO = Way(
    Route.RO,
    "",
    "eth0",
    "2001:db8:2::5",
    "2001:db8:4::2",
    "2001:db8:1::100",
    overhead_bytes=24,
    hop_limit=64,
    time=1.0,
    copies=1,
)
TUNNEL = Way(Route.TUNNEL, "", "eth0", "2001:db8:1::1", "2001:db8:2::5", inside="ipv6", overhead_bytes=40, copies=1)
MISSING = Way(Route.NONE, "no reply came")
ENDS = "2001:db8:1::100", "2001:db8:4::2"


def test_an_echo_with_its_evidence() -> None:
    """Each half's headers stand in columns of their own."""
    outcome = Outcome(7, 10.0, Path(RO, TUNNEL), 1.23456, 63)
    row = echo_row(outcome, ENDS, "2026-01-01T00:00:00.000Z", ENDS[1])
    assert (row.sequence, row.rtt_ms, row.request, row.reply, row.hop_limit) == (7, 1.235, "ro", "tunnel", 63)
    assert (row.request_home_address, row.request_outer_source) == ("2001:db8:1::100", "2001:db8:2::5")
    assert (row.reply_inside, row.reply_outer_source, row.reply_overhead_bytes) == ("ipv6", "2001:db8:1::1", 40)
    assert (row.request_inside, row.note, row.duplicates) == (None, "", 0)


@pytest.mark.parametrize(
    ("outcome", "said"),
    [
        (Outcome(1, 0.0, Path(RO, MISSING)), "reply: no reply came"),
        (Outcome(1, 0.0, Path(RO, MISSING), error="no route"), "no route"),
        (Outcome(1, 0.0, Path(RO, TUNNEL)), "the reply came to the link and was not delivered"),
        (Outcome(1, 0.0, Path(RO, TUNNEL), 1.0, duplicates=2), "2 duplicates"),
        (Outcome(1, 0.0, Path(Way(Route.UNKNOWN, "why"), Way(Route.UNKNOWN, "why")), 1.0), "request: why"),
    ],
)
def test_what_there_is_to_say_of_an_echo(outcome: Outcome, said: str) -> None:
    """Why a way is not known, an error, a reply that was not delivered."""
    assert note(outcome) == said


def _run() -> Tally:
    tally = Tally()
    for number, path in enumerate([Path(TUNNEL, TUNNEL), Path(RO, MISSING), Path(RO, RO), Path(RO, RO)], 1):
        tally.add(Outcome(number, float(number), path, None if path.reply is MISSING else float(number), 63))
    tally.add(Outcome(5, 5.0, Path(Way(Route.UNKNOWN, "why"), RO), 5.0, 63))
    tally.add(Outcome(6, 6.0, Path(RO, MISSING), error="no route"))
    return tally


def test_a_run_as_records() -> None:
    """The whole with its sentence, a row for each path, a row for each segment."""
    rows = statistics_rows(_run(), "said", "ro:ro", False)
    assert [row.kind for row in rows] == ["all", *["path"] * 4, *["segment"] * 2]
    whole = rows[0]
    assert (whole.sent, whole.received, whole.lost_beyond, whole.lost_errors) == (6, 4, 1, 1)
    assert (whole.converged_echoes, whole.converged_s, whole.path_changes) == (2, 2.0, 1)
    assert (whole.expected, whole.is_as_expected, whole.sentence, whole.ro_gain_ms) == ("ro:ro", False, "said", -2.5)
    found = {row.path: row for row in rows if row.kind == "path"}
    assert (found["ro:ro"].rtt_median_ms, found["ro:ro"].request_overhead_bytes) == (3.5, 24)
    assert found["ro:none"].rtt_min_ms is None
    assert [(row.path, row.first, row.last) for row in rows if row.kind == "segment"] == [
        ("tunnel:tunnel", 1, 1),
        ("ro:ro", 2, 6),
    ]


def test_a_run_in_lines() -> None:
    """Each path, the change, how soon it was optimised, by which messages, what was lost and why, what is not known."""
    said = list(lines(_run(), [("HoTI", 0.5), ("BU", 1.25)]))
    assert said[0].startswith("ro:none: 0 of 2 answered; ") or said[0].startswith("ro:ro: 2 of 2 answered; ")
    assert "path changes: 1 tunnel:tunnel, 2-6 ro:ro" in said
    assert "RO after 2 echoes, 2.00 s: HoTI 500.0 ms, BU 1.25 s" in said
    assert "RO is 2.5 ms longer than the tunnel (medians)" in said
    assert "error, 1 time: no route" in said
    assert "not known, 1 half: why" in said
    assert any(line.startswith("lost: 1 lost beyond") for line in said)


def test_a_handover_in_a_line() -> None:
    """How long nobody answered, and from where to where the node went."""
    tally = Tally()
    moved = Way(Route.RO, "", "eth0", "2001:db8:3::5", "2001:db8:4::2", "2001:db8:1::100")
    for number, way in enumerate([RO, moved], 1):
        tally.add(Outcome(number, float(number), Path(way, RO), 1.0))
    (line,) = [line for line in lines(tally) if line.startswith("handover")]
    assert line == "handover: 1 s without a reply, 0 echoes lost, from 2001:db8:2::5 to 2001:db8:3::5"
