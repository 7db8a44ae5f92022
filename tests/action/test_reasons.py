"""Why no Binding Update was sent: each reason from what it can be told by, in its own words."""

from typing import NamedTuple

import pytest
from msgspec import structs

from mipsh.action import observed
from mipsh.action.methods import Method
from mipsh.action.observed import AWAITING, BOUND, CORRESPONDENT, HOME, REFUSED, TESTING, Entry, Observed, Wanted
from mipsh.action.reasons import UNCHANGED, why_not_sent

WANTED = Wanted("2001:db8:1::100", "2001:db8:4::2", CORRESPONDENT, "poke", "asked", 5.0)
REGISTERING = structs.replace(WANTED, registration=HOME, method="rs")
AT_PEER = structs.replace(WANTED, at_peer=True, method="brr")
WAS = Entry(7, BOUND)


class Case(NamedTuple):
    """What was wanted and seen, and words of the reason and of the advice."""

    wanted: Wanted
    seen: Observed
    reason: str
    advice: str


def seen(after: Entry | None, *tests: observed.Test, before: Entry | None = WAS, looks: int = 1) -> Observed:
    """Return what the table showed."""
    return Observed(0.0, before, after, looks=looks, tests=tests)


def both(home: bool | None, care_of: bool | None) -> tuple[observed.Test, observed.Test]:
    """Return how the two tests stand."""
    return observed.Test("home_test", home), observed.Test("care_of_test", care_of)


UNDER_WAY = Entry(7, TESTING)
CASES = [
    Case(WANTED, seen(None), "the entry is gone from the table", "it expired, was deleted"),
    Case(WANTED, seen(None, before=None), "no entry for the peer", "MnRoPolicy"),
    Case(REGISTERING, seen(None, before=None), "at home, or has no care-of address", "advertises there"),
    Case(AT_PEER, seen(None, before=None), "no binding of that home address here", "reached at its home address"),
    Case(WANTED, seen(UNDER_WAY, *both(False, True)), "the home test is not answered", "through the home agent"),
    Case(WANTED, seen(UNDER_WAY, *both(True, False)), "the care-of test is not answered", "directly"),
    Case(WANTED, seen(UNDER_WAY, *both(False, False)), "neither the home test nor", "ping it"),
    Case(WANTED, seen(UNDER_WAY, *both(True, None)), "under way and not finished", "--wait"),
    Case(WANTED, seen(UNDER_WAY), "under way and not finished", "'rr'"),
    Case(WANTED, seen(Entry(7, REFUSED, remaining_s=40)), "left alone for another 40 s", "a firewall answers"),
    Case(WANTED, seen(Entry(7, REFUSED)), "ICMPv6 error, and is left alone", "through the home agent"),
    Case(WANTED, seen(Entry(7, AWAITING, next_event_s=-3)), "not answered yet, and is sent again in 0 s", "reached"),
    Case(WANTED, seen(Entry(7, AWAITING)), "not answered yet", "mobility daemon runs"),
    Case(WANTED, seen(Entry(7, "expired")), "in the state expired", "'bul --wide'"),
    Case(WANTED, seen(Entry(7, None)), "in the state None", "'bul --wide'"),
    Case(AT_PEER, seen(Entry(7, None)), "the mobile node does not follow the request", "used lately"),
    Case(WANTED, seen(None, before=None, looks=0), "a packet makes the node send nothing", "--method coa"),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.reason)
def test_a_reason(case: Case) -> None:
    """In its own words, with what to do next."""
    reason, advice = why_not_sent(case.wanted, case.seen)
    assert case.reason in reason
    assert case.advice in reason + advice


@pytest.mark.parametrize("method", [*Method, "move"])
def test_a_method_that_had_no_effect(method: str) -> None:
    """Each has a reason and an advice of its own; a way that is not known has that of the engine."""
    reason, advice = why_not_sent(structs.replace(WANTED, method=str(method)), seen(WAS))
    assert (reason, advice) == UNCHANGED[str(method)]
    assert len({*UNCHANGED.values()}) == len(UNCHANGED)
    assert why_not_sent(structs.replace(WANTED, method="?"), seen(WAS)) == UNCHANGED["native"]
