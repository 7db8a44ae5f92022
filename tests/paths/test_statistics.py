"""Runs of echoes are counted by path, by segment and by where they were lost."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mipsh.paths.echo import Path, Route, Way
from mipsh.paths.statistics import (
    MOST_SEGMENTS,
    RO,
    TUNNEL,
    Convergence,
    Losses,
    Outcome,
    Spread,
    Tally,
    care_of_address,
    expected_paths,
    percentile,
    sentence,
    sparkline,
    verdict,
)

CARE_OF, NEXT_CARE_OF = "2001:db8:2::5", "2001:db8:3::5"


def path(words: str, care_of: str = CARE_OF) -> Path:
    """Return a path, as ``ro:tunnel``."""
    asked, answered = (Route(word) for word in words.split(":"))
    overhead = {Route.RO: 24, Route.TUNNEL: 40, Route.DIRECT: 0}
    return Path(
        Way(asked, outer_source=care_of, home_address="2001:db8:1::100", overhead_bytes=overhead.get(asked)),
        Way(answered, "why" if answered is Route.UNKNOWN else "", overhead_bytes=overhead.get(answered)),
    )


def tally(*paths: str, rtts: tuple[float | None, ...] = (), care_of: tuple[str, ...] = ()) -> Tally:
    """Return the tally of echoes a second apart; those whose path has no reply have no round trip."""
    found = Tally()
    for number, words in enumerate(paths):
        rtt = rtts[number] if rtts else None if words.endswith(":none") else 10.0
        found.add(Outcome(number + 1, 100.0 + number, path(words, care_of[number] if care_of else CARE_OF), rtt))
    return found


def test_round_trips_are_counted_by_path() -> None:
    """Least, average, median, 95th percentile, most, deviation and jitter, as computed by hand."""
    found = tally(*[RO] * 4, TUNNEL, rtts=(1.0, 3.0, 2.0, 6.0, 9.0))
    spread = found.by_path[RO].spread()
    assert spread is not None
    assert (spread.count, spread.least, spread.average, spread.median) == (4, 1, 3, 2.5)
    assert (spread.p95, spread.most) == (6, 6)
    assert spread.deviation == pytest.approx(math.sqrt(3.5))
    assert spread.jitter == pytest.approx(7 / 3)
    alone = found.by_path[TUNNEL].spread()
    assert alone == Spread(1, 9.0, 9.0, 9.0, 9.0, 9.0, 0.0, None)
    assert found.ro_gain_ms == pytest.approx(6.5)
    assert found.by_path[RO].overhead_bytes == (24, 24)


def test_a_path_change_closes_a_segment() -> None:
    """Losses do not, nor echoes of which a half was not seen."""
    found = tally(
        "tunnel:tunnel", "tunnel:none", "ro:tunnel", "ro:ro", "ro:?", "ro:none", "tunnel:none", "tunnel:tunnel"
    )
    assert [(s.path, s.first, s.last, s.sent, s.received) for s in found.segments] == [
        ("tunnel:tunnel", 1, 2, 2, 1),
        ("ro:tunnel", 3, 3, 1, 1),
        ("ro:ro", 4, 6, 3, 2),
        ("tunnel:tunnel", 7, 8, 2, 1),
    ]
    assert found.path_changes == 3
    assert found.unknown == {"why": 1}


def test_segments_are_bounded() -> None:
    """A path that changes all the time fills no memory, and is counted."""
    found = tally(*[RO, TUNNEL] * MOST_SEGMENTS)
    assert len(found.segments) == MOST_SEGMENTS
    assert found.path_changes == 2 * MOST_SEGMENTS - 1


def test_convergence() -> None:
    """The echoes before the first that was optimised both ways, and the time until it was sent."""
    assert tally(TUNNEL, "tunnel:none", "ro:tunnel", RO, RO).convergence == Convergence(3, 3.0)
    assert tally(RO).convergence == Convergence(0, 0.0)
    assert tally(TUNNEL, "ro:none").convergence is None


def test_a_change_of_the_care_of_address_is_a_handover() -> None:
    """The silence around it, from the last reply to the first one, and what was lost in it."""
    found = tally(RO, "ro:none", "ro:none", RO, care_of=(CARE_OF, CARE_OF, NEXT_CARE_OF, NEXT_CARE_OF))
    (gap,) = found.gaps
    assert (gap.lost, gap.before, gap.after) == (2, CARE_OF, NEXT_CARE_OF)
    assert gap.seconds == pytest.approx(3.0)
    assert tally(RO, "ro:none", RO).gaps == []


def test_where_a_mobile_end_is() -> None:
    """Its care-of address stands in the outermost header, on its own side."""
    assert care_of_address(path(RO)) == CARE_OF
    from_peer = Path(Way(Route.RO, routed_to="x", outer_source="p", outer_destination="c"), Way(Route.NONE))
    assert care_of_address(from_peer) == "c"
    half = Path(Way(Route.DIRECT), Way(Route.RO, home_address="x", outer_source="c", outer_destination="p"))
    assert care_of_address(half) == "c"
    assert care_of_address(Path(Way(Route.DIRECT), Way(Route.TUNNEL, outer_destination="c"))) == "c"
    assert care_of_address(Path(Way(Route.DIRECT), Way(Route.DIRECT))) == ""


def test_losses_by_where_they_were() -> None:
    """A request that never left, one with no reply, a reply that was not delivered, an error, and the unknown."""
    found = tally("none:none", "ro:none", "tunnel:none", "ro:ro", "?:none", "ro:?", rtts=(None,) * 6)
    found.add(Outcome(7, 200.0, path("direct:none"), error="no route"))
    assert found.losses == Losses(here=1, beyond=2, back=1, errors=1, unknown=2)
    assert (found.losses.all, found.received, found.errors) == (7, 0, {"no route": 1})


@pytest.mark.parametrize(
    ("paths", "expected", "met"),
    [
        ((RO, RO), "ro", True),
        ((TUNNEL, RO), "ro", False),
        ((RO, "ro:none"), "ro", True),
        (("ro:none",), "ro", False),
        (("ro:?", RO), "ro", None),
        (("ro:?", TUNNEL), "ro", False),
        (("?:tunnel",), "ro", False),
        (("ro:tunnel",), "ro:tunnel", True),
        (("direct:direct",), "direct", True),
        (("direct:none",), "direct:none", True),
        (("direct:none", "direct:direct"), "direct:none", False),
    ],
)
def test_what_was_expected(paths: tuple[str, ...], expected: str, met: bool | None) -> None:
    """Every echo that was answered counts; what is not known makes no verdict, unless something else did."""
    assert verdict(tally(*paths), expected_paths(expected)) is met


def test_without_expectation_an_answer_is_enough() -> None:
    """As with ping."""
    assert verdict(tally("tunnel:none", "?:?"), None) is True
    assert verdict(tally("tunnel:none"), None) is False
    assert verdict(Tally(), None) is False


def test_a_path_that_there_is_not() -> None:
    """It is not expected."""
    with pytest.raises(ValueError, match="fast"):
        expected_paths("fast")


def test_the_sentence_for_a_ticket() -> None:
    """Who, how many, by which paths, how soon, how much better, what was lost."""
    found = tally(TUNNEL, TUNNEL, "tunnel:none", RO, RO, RO, rtts=(4.0, 4.0, None, 1.0, 1.0, 1.0))
    found.duplicate()
    assert sentence(found, "a", "b") == (
        "5 of 6 echoes from a to b answered; 3 by ro:ro (median 1 ms); 2 by tunnel:tunnel (median 4 ms); "
        "optimised after 3 echoes, 3.00 s; route optimisation saves 3 ms; "
        "1 lost beyond this node, on the way there or back; 1 duplicate."
    )
    assert sentence(tally("direct:direct"), "a", "b") == (
        "1 of 1 echo from a to b answered; 1 by direct:direct (median 10 ms)."
    )
    assert "never optimised both ways" in sentence(tally("ro:tunnel"), "a", "b")
    assert sentence(Tally(), "a", "b") == "No echo was sent from a to b."


@given(st.lists(st.floats(0.001, 1e6), min_size=1))
def test_a_percentile_is_one_of_the_values(values: list[float]) -> None:
    """At least 95 % of them are no larger."""
    found = percentile(values)
    assert found in values
    assert sum(value <= found for value in values) >= 0.95 * len(values)


def test_sparkline() -> None:
    """The least is low, the most is high, what was lost is marked, and without Unicode it is still a line."""
    assert sparkline([1.0, None, 8.0]) == "▁x█"
    assert sparkline([2.0, 2.0]) == "▁▁"
    assert sparkline([None]) == "x"
    assert sparkline([0.0, 10.0], unicode=False) == "_#"


@given(st.lists(st.tuples(st.sampled_from(list(Route)), st.sampled_from(list(Route)), st.booleans()), max_size=50))
def test_whatever_comes_it_adds_up(ways: list[tuple[Route, Route, bool]]) -> None:
    """All that was sent was received or lost, and is in one path and one segment."""
    found = Tally()
    for number, (asked, answered, has_reply) in enumerate(ways):
        found.add(Outcome(number, float(number), Path(Way(asked), Way(answered)), 1.0 if has_reply else None))
    assert found.sent == len(ways) == found.received + found.losses.all
    assert sum(samples.sent for samples in found.by_path.values()) == len(ways)
    assert sum(segment.sent for segment in found.segments) == len(ways)
    assert sentence(found, "a", "b").endswith(".")
