"""The exchanges in the captures of mip6d, beside a table that was written down from tshark's fields.

The fields: frame.time_relative, ipv6.src, ipv6.dst, mip6.mhtype, mip6.bu.seqnr, mip6.ba.seqnr, mip6.ba.status,
mip6.bu.lifetime, icmpv6.type. A latency is the difference of two times there, of the first sightings.
"""

import pytest
from msgspec import Struct, structs
from signalling_samples import recorded

from mipsh.wire.address import text

MN, MN2, HA, CN, CN2 = "2001:db8:1::100", "2001:db8:1::200", "2001:db8:1::1", "2001:db8:4::2", "2001:db8:4::3"
FIRST, SECOND = "2001:db8:2:0:f809:44ff:fec8:30f9", "2001:db8:3:0:f809:44ff:fec8:30f9"
OTHER = "2001:db8:3:0:34a1:54ff:feab:99e2"
HOME_TEST, CARE_OF_TEST = "home_test", "care_of_test"
AT_HOME, WITH = "home_registration", "correspondent_registration"


class Line(Struct, frozen=True):
    """An exchange as tshark's fields tell it; ``began`` is in seconds from the first packet of the capture."""

    began: float
    what: str
    state: str
    home: str | None
    care_of: str | None
    peer: str
    questions: int = 1
    answers: int = 1
    latency_ms: float | None = None
    sequence: int | None = None
    granted_s: int | None = None


SCENARIOS = {
    "02-registered": [
        Line(12.518749, AT_HOME, "accepted", MN, FIRST, HA, 1, 1, 1052.751, 24891, 86396),
        Line(13.585050, "prefix_discovery", "answered", MN, FIRST, HA, 1, 1, 2.518),
    ],
    "03-route-optimised": [
        Line(27.528841, HOME_TEST, "answered", MN, FIRST, CN, 1, 1, 679.348),
        Line(27.540366, CARE_OF_TEST, "answered", MN, FIRST, CN, 1, 1, 16.959),
        Line(28.226282, WITH, "accepted", MN, FIRST, CN, 1, 1, 20.721, 28030, 420),
    ],
    "04-cn2-without-daemon": [
        Line(46.871098, HOME_TEST, "error", MN, FIRST, CN2, 1, 0),
        Line(46.881708, CARE_OF_TEST, "error", MN, FIRST, CN2, 1, 0),
    ],
    "05-inter-mn": [
        Line(60.037150, HOME_TEST, "answered", MN, FIRST, MN2, 1, 1, 34.724),
        Line(60.071360, CARE_OF_TEST, "answered", MN, FIRST, MN2, 1, 1, 687.464),
        Line(60.079444, HOME_TEST, "answered", MN2, OTHER, MN, 1, 1, 4.496),
        Line(60.084362, CARE_OF_TEST, "answered", MN2, OTHER, MN, 1, 1, 3.337),
        Line(60.098313, WITH, "accepted", MN2, OTHER, MN, 1, 1, 15.204, 41254, 420),
        Line(60.781025, WITH, "accepted", MN, FIRST, MN2, 1, 1, 28.426, 36207, 420),
    ],
    "06-after-handoff": [
        Line(88.533747, AT_HOME, "accepted", MN, SECOND, HA, 1, 1, 47.957, 24892, 86320),
        Line(93.573760, CARE_OF_TEST, "answered", MN, SECOND, CN, 1, 1, 27.195),
        Line(93.589362, CARE_OF_TEST, "answered", MN, SECOND, MN2, 1, 1, 44.228),
        Line(93.641010, WITH, "accepted", MN, SECOND, CN, 1, 1, 33.245, 28031, 420),
        Line(93.675080, WITH, "unanswered", MN, None, MN2, 6, 0, None, 36213),
    ],
    "07-cn-restarted": [
        Line(122.444172, "binding_error", "error", MN, SECOND, CN, 0, 0),
        Line(123.454777, HOME_TEST, "answered", MN, SECOND, CN, 1, 1, 30.372),
        Line(123.470743, CARE_OF_TEST, "answered", MN, SECOND, CN, 1, 1, 25.875),
        Line(123.506065, WITH, "accepted", MN, SECOND, CN, 1, 1, 11.998, 40436, 420),
        Line(143.215066, "binding_refresh", "answered", MN, SECOND, CN, 1, 1, 9.515),
        Line(143.224581, WITH, "accepted", MN, SECOND, CN, 1, 1, 10.945, 40437, 420),
    ],
    "08-returned-home": [
        Line(154.829438, AT_HOME, "accepted", MN, MN, HA, 1, 1, 71.259, 24893, 0),
        Line(154.950161, WITH, "accepted", MN, MN, CN, 1, 1, 10.660, 40438, 0),
        Line(155.727623, WITH, "accepted", MN, MN, MN2, 1, 1, 13.558, 36214, 0),
    ],
    "09-away-again": [
        Line(181.776892, AT_HOME, "accepted", MN, FIRST, HA, 1, 1, 1074.980, 14788, 86396),
        Line(187.763539, AT_HOME, "accepted", MN, FIRST, HA, 1, 1, 10.604, 14789, 86388),
    ],
    "10-ha-dead": [Line(199.440407, AT_HOME, "error", MN, SECOND, HA, 1, 0, None, 14790)],
}
"""What the mobile node heard, on its link and in its tunnel."""


def lines(name: str) -> list[Line]:
    """Return the exchanges of a capture in the form of the table."""
    exchanges, machine, began_ns = recorded(name)
    found = []
    for one in exchanges:
        machine.complete(one)
        home, care_of, peer = (
            None if a is None else text(a) for a in (one.home_address, one.care_of_address, one.peer)
        )
        assert peer is not None
        latency = None if one.latency_ms is None else round(one.latency_ms, 3)
        numbers = one.questions, one.answers, latency, one.sequence, one.granted_s
        began = round((one.started_ns - began_ns) / 1e9, 6)
        found.append(Line(began, str(one.what), str(one.state), home, care_of, peer, *numbers))
    return found


MOBILE = lines("mn")


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_each_scenario_as_the_mobile_node_heard_it(scenario: str) -> None:
    """No exchange more, and none fewer; where the packets do not say the care-of address, it is not held to one."""
    expected = SCENARIOS[scenario]
    after = [line for line in MOBILE if line.began >= expected[0].began]
    for found, line in zip(after, expected, strict=False):
        care_of = line.care_of or found.care_of
        assert structs.replace(found, care_of=care_of) == structs.replace(line, care_of=care_of)


def test_nothing_is_beside_the_table() -> None:
    """All that was heard is in one of the scenarios."""
    assert [line.began for line in MOBILE] == [line.began for scenario in SCENARIOS.values() for line in scenario]


def test_the_correspondent_heard_its_own() -> None:
    """The same exchanges, without what is not its business, and with the times of its link."""
    expected = [
        (HOME_TEST, "answered", 23.881),
        (CARE_OF_TEST, "answered", 16.420),
        (WITH, "accepted", 19.664),
        (CARE_OF_TEST, "answered", 26.367),
        (WITH, "accepted", 32.066),
        ("binding_error", "error", None),
        (HOME_TEST, "answered", 29.031),
        (CARE_OF_TEST, "answered", 24.409),
        (WITH, "accepted", 11.351),
        ("binding_refresh", "answered", 10.324),
        (WITH, "accepted", 10.493),
        (WITH, "accepted", 9.717),
    ]
    found = lines("cn")
    assert [(line.what, line.state, line.latency_ms) for line in found] == expected
    assert {line.peer for line in found} == {CN}
    assert [line.care_of for line in found if line.what == HOME_TEST] == [FIRST, SECOND]


def test_the_router_heard_each_packet_once() -> None:
    """It is on every link, so that each packet is in its capture two to four times, in the tunnel and out of it."""
    router = [(line.what, line.state, line.home, line.peer, line.questions, line.answers) for line in lines("r1")]
    mobile = [(line.what, line.state, line.home, line.peer, line.questions, line.answers) for line in MOBILE]
    others = [one for one in router if one not in mobile]
    assert [one for one in router if one in mobile] == mobile
    assert others == [
        (AT_HOME, "accepted", MN2, HA, 1, 1),
        ("prefix_discovery", "answered", MN2, HA, 1, 1),
    ]
