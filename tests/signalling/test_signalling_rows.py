"""Rows of exchanges and events, the words that choose among them, and times of any size."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from signalling_samples import ACKNOWLEDGED, MS, PEER, S, ba, bu, cot, coti, hoti, tell

from mipsh.captures.frames import RAW_IPV6, Frame
from mipsh.errors import UsageError
from mipsh.model.events import EngineEvent
from mipsh.signalling.report import moment, report, report_event
from mipsh.signalling.tracer import Tracer
from mipsh.signalling.wanted import WORDS, Wanted, read

EVENT = EngineEvent("2026-01-01T00:00:00.000Z", "mip6MnRegistered", home_address="2001:db8:1::100", detail="why")
PACKETS = ((0, bu(7)), (10 * MS, ba(7, status=132)), (S, coti()), (S + MS, cot()), (9 * S, hoti()))


@given(st.integers(-(1 << 63), (1 << 63) - 1))
def test_times(time_ns: int) -> None:
    """As the library has them, in milliseconds."""
    known = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=time_ns // MS)
    assert moment(time_ns) == known.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def test_a_row() -> None:
    """Whom it is about, how it went, and what to do."""
    row = report(tell(*PACKETS)[0])
    assert (row.exchange, row.messages, row.state) == ("home_registration", "1 BU, 1 BA", "rejected")
    assert (row.status, row.status_name, row.sequence, row.flags) == (132, "not_home_subnet", 7, ("A", "H"))
    assert (row.latency_ms, row.lifetime_s, row.interfaces) == (10.0, 60, ("eth0",))
    assert row.advice
    assert row.time == "1970-01-01T00:00:01.000Z"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ((), ["home_registration", "care_of_test", "home_test", "event"]),
        (("home",), ["home_registration"]),
        (("rr",), ["care_of_test", "home_test"]),
        (("rr", "bu"), ["home_registration", "care_of_test", "home_test"]),
        (("events",), ["event"]),
        (("errors",), ["home_registration"]),
        (("errors", "rr"), []),
        (("2001:db8:4::2",), ["care_of_test", "home_test"]),
        (("cn", "2001:db8:4:0:0::2"), ["care_of_test", "home_test"]),
        (("2001:db8:4::/64", "events"), []),
        (("2001:db8:1::/64",), ["home_registration", "care_of_test", "home_test", "event"]),
    ],
)
def test_words_choose(words: tuple[str, ...], expected: list[str]) -> None:
    """Kinds beside each other, and addresses among them."""
    wanted = read(words)
    rows = [*map(report, tell(*PACKETS)), report_event(EVENT)]
    assert [row.exchange for row in rows if wanted.has(row)] == expected


def test_a_word_that_is_none() -> None:
    """It is said which there are."""
    with pytest.raises(UsageError, match=f"neither an address nor one of {', '.join(WORDS)}"):
        read(("nonsense",))


def frame(time_ns: int | None, data: bytes) -> Frame:
    """Return a frame."""
    return Frame(time_ns, "eth0", len(data), data, RAW_IPV6)


def test_a_trace_keeps_the_last_of_it() -> None:
    """And counts the others; rows are in the order of time, however they were known."""
    tracer = Tracer(Wanted(), most_kept=2)
    for number in range(4):
        tracer.frame(frame(number * S + S, bu(number, PEER, ACKNOWLEDGED).encode()))
        rows = tracer.frame(frame(number * S + S + MS, ba(number, PEER).encode()))
        assert [row.sequence for row in rows] == [number]
    assert tracer.event(EVENT)
    assert tracer.finish() == []
    assert [row.sequence for row in tracer.rows()] == [2, 3, None]
    assert [row.sequence for row in tracer.rows(2)] == [3, None]
    assert tracer.left_out == 2
    assert tracer.summary() == "8 messages, 2 exchanges: 2 accepted; 1 events"
    assert not tracer.is_empty


def test_a_capture_without_times() -> None:
    """No time is made up."""
    tracer = Tracer(Wanted())
    tracer.frame(frame(None, bu(7).encode()))
    (row,) = tracer.frame(frame(None, ba(7).encode()))
    assert (row.time, row.ended, row.latency_ms, row.state) == (None, None, None, "accepted")
    assert tracer.frame(frame(None, b"")) == []
