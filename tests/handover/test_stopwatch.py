"""The stopwatch: which moment of a step counts, why one is not known, and which step took longest."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from told_stories import (
    BEGAN,
    DIRECT,
    DOWN,
    HOME,
    MOVE,
    NEW,
    OLD,
    UNSEEN,
    answered,
    moments,
    optimised,
    story,
    without,
)

from mipsh.handover import stopwatch as module
from mipsh.handover.stopwatch import Stopwatch, has_begun, stopwatch
from mipsh.handover.story import Ends, Moment, Source, Step, Story


def _watched(found: Story) -> Stopwatch:
    watch = stopwatch(found)
    assert watch is not None
    return watch


def test_a_move() -> None:
    """Each step has its time from the loss of the link; what nobody saw says so."""
    watch = _watched(story())
    assert {step: watch.ms(step) for step, _, _ in MOVE} == {step: round(after * 1000, 1) for step, after, _ in MOVE}
    assert (watch.zero, watch.care_of, watch.is_home) == (Step.LINK_DOWN, NEW, False)
    assert watch.ms(Step.FIRST_PACKET) == 350
    assert watch.ms(Step.FIRST_OPTIMISED) == 400
    assert watch.way == "tunnel:tunnel"
    assert watch.unknown == dict.fromkeys((Step.HOME_TEST_INIT, Step.HOME_TEST), module.NONE_SEEN)


def test_the_slowest_step() -> None:
    """Each step is counted from the last one that it waits for."""
    slowest = _watched(story()).slowest
    assert slowest is not None
    assert (slowest.first, slowest.last) == (Step.SOLICITED, Step.ADVERTISED)
    assert slowest.seconds == pytest.approx(0.248)
    assert slowest.words == "from Router Solicitation to Router Advertisement"


def test_nothing_began() -> None:
    """Router Advertisements, and a Binding Update that renews the binding, are no handover."""
    renewed = Moment(Step.UPDATE, DOWN, Source.PACKET, "eth0", OLD)
    quiet = [Moment(Step.ADVERTISED, DOWN, Source.PACKET, "eth0"), renewed]
    assert not has_begun(story(quiet))
    assert stopwatch(story(quiet)) is None
    assert stopwatch(story([])) is None


def test_another_interface_is_no_matter() -> None:
    """A link that is not in use may go and come."""
    other = [Moment(Step.LINK_DOWN, DOWN, Source.KERNEL, "eth9"), Moment(Step.LINK_UP, DOWN + 1, Source.KERNEL, "eth9")]
    assert not has_begun(story(other))


def test_what_was_before_is_none_of_it() -> None:
    """Moments before the handover was asked for, and before the watch began, do not count."""
    early = [Moment(Step.LINK_DOWN, BEGAN - 1, Source.KERNEL, "eth0")]
    assert not has_begun(story(early))
    assert not has_begun(story(moments(MOVE[:1]), asked_at=DOWN + 5))


def test_without_news_of_the_link() -> None:
    """Where no link went down, times are from the first step that was seen, and why is said."""
    watch = _watched(story(without(Step.LINK_DOWN, Step.LINK_UP)))
    assert watch.zero is Step.SOLICITED
    assert watch.unknown[Step.LINK_DOWN] == watch.unknown[Step.LINK_UP] == module.NO_LINK
    assert watch.ms(Step.UPDATE) == 251


def test_a_loss_that_was_told_late() -> None:
    """When the link went down is not known then: the times are from when it was back."""
    late = [Moment(Step.LINK_DOWN, DOWN + 0.05, Source.KERNEL, "eth0", is_late=True), *without(Step.LINK_DOWN)]
    watch = _watched(story(late))
    assert watch.zero is Step.LINK_UP
    assert watch.unknown[Step.LINK_DOWN] == module.AT_ONCE


def test_a_packet_proves_the_link() -> None:
    """What was sent before the kernel told of the link was sent when it was up."""
    told_late = [*without(Step.LINK_UP), Moment(Step.LINK_UP, DOWN + 0.06, Source.KERNEL, "eth0")]
    watch = _watched(story(told_late))
    assert watch.ms(Step.LINK_UP) == watch.ms(Step.SOLICITED) == 52


def test_a_packet_proves_the_address() -> None:
    """What was sent from it before the kernel told of it was sent when it was there; much later, it is another time."""
    late = Moment(Step.CARE_OF, DOWN + 0.306, Source.KERNEL, "mip0", NEW)
    watch = _watched(story([*without(Step.CARE_OF), late]))
    assert watch.ms(Step.CARE_OF) == watch.ms(Step.UPDATE) == 303
    too_late = Moment(Step.CARE_OF, DOWN + 2, Source.KERNEL, "mip0", NEW)
    watch = _watched(story([*without(Step.CARE_OF), too_late]))
    assert watch.unknown[Step.CARE_OF] == module.WAS_THERE


def test_what_mipsh_did_is_known_best() -> None:
    """Whoever pulled the plug knows when."""
    done = [
        Moment(Step.LINK_DOWN, DOWN - 0.004, Source.DONE, "eth0"),
        Moment(Step.LINK_UP, DOWN + 0.045, Source.DONE, "eth0"),
    ]
    watch = _watched(story([*moments(), *done], asked_at=DOWN - 0.5))
    assert watch.ms(Step.LINK_UP) == 49
    assert watch.ms(Step.ADVERTISED) == 304


def test_retransmissions_and_refusals() -> None:
    """The first Binding Update counts, and the acknowledgement that accepts; what refused is remembered."""
    refused = Moment(Step.ACKNOWLEDGED, DOWN + 0.31, Source.PACKET, "eth0", sequence=7, status=135)
    again = Moment(Step.UPDATE, DOWN + 0.315, Source.PACKET, "eth0", NEW, 900)
    watch = _watched(story([*moments(), refused, again]))
    assert (watch.ms(Step.UPDATE), watch.ms(Step.ACKNOWLEDGED)) == (303.0, 320.0)
    assert (watch.refusals, watch.updates) == ((135,), 2)


def test_the_same_place() -> None:
    """A link that bounced is a handover, too: the Binding Update is from the same care-of address."""
    bounced = [
        Moment(m.step, m.at, m.source, m.interface, OLD if m.address else "", m.sequence, m.status) for m in moments()
    ]
    watch = _watched(story(bounced, echoes=[answered(-0.1, optimised(OLD)), answered(0.4, optimised(OLD))]))
    assert (watch.care_of, watch.ms(Step.FIRST_PACKET)) == (OLD, 400.0)


def test_home() -> None:
    """At home there is no care-of address, and nothing is optimised."""
    steps: list[tuple[Step, float, dict[str, Any]]] = [
        *MOVE[:4],
        (Step.UPDATE, 0.31, {"address": HOME, "is_home": True}),
        (Step.ACKNOWLEDGED, 0.32, {"status": 0}),
    ]
    watch = _watched(story(moments(steps), echoes=[answered(0.35, DIRECT)]))
    assert watch.is_home
    assert (watch.care_of, watch.ms(Step.FIRST_PACKET)) == ("", 350.0)
    assert {watch.unknown[step] for step in (Step.CARE_OF, Step.PEER_UPDATE, Step.FIRST_OPTIMISED)} == {module.AT_HOME}


def test_a_link_beside_the_old_one() -> None:
    """Where the old link goes after the new one came, echoes by the old one are not by the new way."""
    both = [
        Moment(Step.LINK_UP, DOWN - 0.2, Source.DONE, "eth1"),
        Moment(Step.LINK_DOWN, DOWN, Source.DONE, "eth0"),
        Moment(Step.UPDATE, DOWN + 0.1, Source.PACKET, "eth1", NEW),
        Moment(Step.ACKNOWLEDGED, DOWN + 0.12, Source.PACKET, "eth1", status=0),
    ]
    echoes = [answered(-0.1, optimised(OLD)), answered(0.05, optimised(OLD)), answered(0.2, optimised(NEW))]
    watch = _watched(story(both, echoes=echoes, asked_at=DOWN - 0.3))
    assert watch.zero is Step.LINK_UP
    assert watch.ms(Step.FIRST_PACKET) == 400


def test_encrypted() -> None:
    """Whatever may be encrypted, and was not seen, may be what went by encrypted; all else was not there."""
    watch = _watched(story(without(Step.UPDATE, Step.ACKNOWLEDGED), hidden=5, echoes=[answered(0.4, UNSEEN)]))
    assert watch.unknown[Step.UPDATE] == watch.unknown[Step.ACKNOWLEDGED] == module.MAY_BE_HIDDEN
    assert watch.care_of == NEW
    assert watch.ms(Step.FIRST_PACKET) == 400


def test_packets_that_were_lost_to_the_watch() -> None:
    """They may have been anything."""
    watch = _watched(story(without(Step.ADVERTISED), lost=3))
    assert watch.unknown[Step.ADVERTISED] == module.MAY_BE_LOST


def test_an_engine_tells_what_packets_do_not() -> None:
    """An event stands in for a packet; where there are both, the packet's time is taken."""
    events = [
        Moment(Step.UPDATE, DOWN + 0.3041, Source.EVENT, address=NEW),
        Moment(Step.ACKNOWLEDGED, DOWN + 0.321, Source.EVENT, status=0),
    ]
    watch = _watched(story([*without(Step.UPDATE, Step.ACKNOWLEDGED), *events]))
    assert (watch.ms(Step.UPDATE), watch.ms(Step.ACKNOWLEDGED)) == (304.1, 321.0)
    assert _watched(story([*moments(), *events])).ms(Step.UPDATE) == 303


MOMENTS = st.builds(
    Moment,
    st.sampled_from(Step),
    st.floats(BEGAN - 1, BEGAN + 9),
    st.sampled_from(Source),
    st.sampled_from(("", "eth0", "eth1")),
    st.sampled_from(("", OLD, NEW, HOME)),
    st.none() | st.integers(0, 65535),
    st.none() | st.integers(0, 255),
    st.booleans(),
    st.booleans(),
)


@given(st.lists(MOMENTS, max_size=30), st.sampled_from((Ends(HOME, "p"), story().ends)), st.integers(0, 2))
def test_whatever_happens(found: list[Moment], ends: Ends, lost: int) -> None:
    """Every step is known or has its reason, and no time is before the first."""
    told = story(found, ends=ends, lost=lost, asked_at=None)
    watch = stopwatch(told)
    assert (watch is not None) is has_begun(told)
    if watch is not None:
        assert set(watch.at) | set(watch.unknown) == set(Step)
        assert not set(watch.at) & set(watch.unknown)
        assert all(watch.unknown.values())
        assert all((watch.ms(step) or 0.0) >= 0 for step in watch.at)
        assert all(lap.seconds >= 0 for lap in watch.laps())
