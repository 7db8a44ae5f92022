"""What ping6 shows of a run, from echoes that were made up: the table, the live frames, the stream, the statuses."""

from collections.abc import Iterator
from io import StringIO

import pytest
from harness import Terminal
from msgspec import convert, structs

from mipsh.commands import ping6
from mipsh.environment import Environment
from mipsh.linux.echoes import Settled
from mipsh.model.paths import PathEcho
from mipsh.paths.echo import Path, Route, Way
from mipsh.paths.statistics import Outcome
from mipsh.registry import Registry
from mipsh.session import Session
from mipsh.status import ExitStatus

HOST = "2001:db8:4::2"
RO, TUNNEL, UNSEEN = Way(Route.RO), Way(Route.TUNNEL), Way(Route.UNKNOWN, "why")


class MadeUp(ping6.Run):
    """A run whose echoes are given, not sent."""

    def __init__(self, session: Session, given: list[Path], **options: object) -> None:
        super().__init__(session, HOST, convert(options, ping6.Asked))
        self._given = given
        self.source = "2001:db8:1::100"

    def echoes(self) -> Iterator[PathEcho]:
        """Yield them."""
        for number, path in enumerate(self._given, 1):
            yield self.added(Settled(Outcome(number, float(number), path, 1.5 * number, 63), 1e9 + number, HOST))


@pytest.fixture
def session() -> Session:
    """Return a session at a small terminal."""
    variables = {"COLUMNS": "80", "LINES": "24", "TERM": "xterm"}
    environment = Environment(variables, StringIO(), Terminal(), StringIO())
    return Session(environment, Registry(plugins=False))


@pytest.mark.parametrize(
    ("given", "expect", "status"),
    [
        ([Path(RO, RO)] * 3, "ro", ExitStatus.OK),
        ([Path(RO, RO), Path(TUNNEL, RO)], "ro", ExitStatus.CONDITION_NOT_MET),
        ([Path(RO, UNSEEN)], "ro", ExitStatus.COULD_NOT_TELL),
        ([Path(RO, UNSEEN)], "", ExitStatus.OK),
        ([], "", ExitStatus.CONDITION_NOT_MET),
    ],
)
def test_the_status_of_a_run(session: Session, given: list[Path], expect: str, status: ExitStatus) -> None:
    """As expected, not, or not to be told; without echoes there is no answer."""
    found = MadeUp(session, given, expect=expect)
    rows = list(found.echoes())
    assert found.result(rows).status is status
    assert found.statistics().status is status


def test_live_frames_end_with_what_they_say_together(session: Session) -> None:
    """The last frame has the latest echoes, as many as there is room for, a line of bars, and the sentence."""
    found = MadeUp(session, [Path(TUNNEL, TUNNEL)] * 4 + [Path(RO, RO)] * 40)
    *_, last = ping6.live(found)
    assert len(last.rows) == 24 - ping6.ROOM
    assert last.rows[-1].sequence == 44
    assert "round trips _" in last.summary
    assert last.summary.splitlines()[-1].startswith("44 of 44 echoes from 2001:db8:1::100")
    assert last.shown == ("sequence", "rtt_ms", "request", "reply", "hop_limit")


def test_a_stream_is_a_row_each_and_the_statistics(session: Session) -> None:
    """Each result has one echo; the last one is of the other table."""
    *echoes, last = ping6.stream(MadeUp(session, [Path(RO, RO)] * 3, timestamps=True))
    assert [result.rows[0].sequence for result in echoes] == [1, 2, 3]
    assert last.table is not None
    assert (last.table.name, last.rows[0].kind) == ("path_statistics", "all")


def test_waiting_for_optimisation_leaves_out_what_came_before(session: Session) -> None:
    """From the first optimised echo on, all are expected to be."""
    found = MadeUp(session, [Path(TUNNEL, TUNNEL), Path(RO, RO), Path(RO, RO)], expect="ro", wait_ro=5.0)
    list(found.echoes())
    assert found.is_met is True


def test_notes_and_times_are_shown_where_there_are_some(session: Session) -> None:
    """Else there is more room for the rest."""
    found = MadeUp(session, [Path(RO, UNSEEN)], timestamps=True)
    list(found.echoes())
    assert found.shown() == ("time", "sequence", "rtt_ms", "request", "reply", "hop_limit", "note")


def test_an_engine_that_is_away_is_not_needed(session: Session) -> None:
    """Its home addresses are not known then, and that is all."""
    session.set(structs.replace(session.settings, engine="mipd:///missing.sock"))
    assert MadeUp(session, []).sentence == f"No echo was sent from 2001:db8:1::100 to {HOST}."
