"""Whether a handover was completed, what it lost in which direction, and the sentence for a ticket."""

from told_stories import ECHOES, LOST, OLD, UNSEEN, answered, lost, optimised, story, without

from mipsh.handover.stopwatch import stopwatch
from mipsh.handover.story import Moment, Source, Step, Story
from mipsh.handover.traffic import latest_path, traffic
from mipsh.handover.verdict import Verdict, is_over, sentence, verdict


def _judged(found: Story, within_s: float | None = None) -> Verdict:
    return verdict(found, stopwatch(found), within_s)


def test_completed() -> None:
    """Registered, and the route as good as before: the time is that of the first optimised echo."""
    found = _judged(story())
    assert (found.is_completed, round(found.total_s or 0, 3), found.is_within) == (True, 0.4, None)
    assert is_over(story(), stopwatch(story()))


def test_within() -> None:
    """A limit is met or not; one that is not makes the verdict no, not the handover."""
    assert _judged(story(), 0.5).is_met is True
    slow = _judged(story(), 0.3)
    assert (slow.is_completed, slow.is_within, slow.is_met) == (True, False, False)


def test_the_tunnel_is_enough_where_it_was_all_there_was() -> None:
    """What was not optimised before need not be after."""
    found = _judged(story(was_optimised=False))
    assert round((found.total_s or 0) * 1000) == 350


def test_not_optimised_again() -> None:
    """It is not completed until the route is as good as before; what was not seen is no verdict."""
    found = story(echoes=ECHOES[:6])
    assert _judged(found).is_completed is False
    assert not is_over(found, stopwatch(found))
    assert _judged(story(echoes=[*ECHOES[:6], answered(0.5, UNSEEN)])).is_completed is None


def test_not_registered() -> None:
    """No Binding Update, none acknowledged, and one refused are told apart."""
    assert _judged(story(without(Step.UPDATE, Step.ACKNOWLEDGED))).why == "no Binding Update was seen"
    assert _judged(story(without(Step.ACKNOWLEDGED))).why == "no Binding Acknowledgement was seen"
    refusal = Moment(Step.ACKNOWLEDGED, 101.4, Source.PACKET, "eth0", sequence=7, status=129)
    found = _judged(story([*without(Step.ACKNOWLEDGED), refusal]))
    assert (found.is_completed, found.why) == (False, "the home agent refused the registration: status 129")


def test_what_is_encrypted_is_proved_by_echoes() -> None:
    """An echo by the new way went through a registration, whether that was seen or not."""
    assert _judged(story(without(Step.UPDATE, Step.ACKNOWLEDGED), hidden=4)).is_completed is True
    assert _judged(story(without(Step.ACKNOWLEDGED), hidden=4, echoes=[])).is_completed is False


def test_no_handover() -> None:
    """None began; or none was seen, by who could not see all."""
    assert _judged(story([])).is_completed is False
    assert _judged(story([], lost=1)).is_completed is None
    assert _judged(story([], blind={Step.UPDATE: "no privilege"})).is_completed is None


def test_losses_without_a_look_at_the_peer() -> None:
    """What never left is known; on which way the others were lost is not."""
    found = traffic(story())
    assert (found.sent, found.answered, found.lost, found.lost_here) == (8, 5, 3, 1)
    assert (found.lost_out, found.lost_back) == (None, None)
    assert found.gap_back_s is not None
    assert round(found.gap_back_s * 1000) == 400


def test_losses_by_direction() -> None:
    """A request that arrived was lost on the way back."""
    echoes = [*ECHOES[:3], lost(0.1, reached=True), lost(0.2, reached=False), *ECHOES[5:]]
    found = traffic(story(echoes=echoes, is_peer_watched=True))
    assert (found.lost_here, found.lost_out, found.lost_back) == (1, 1, 1)
    assert found.gap_out_s is not None
    assert found.gap_back_s is not None
    assert found.gap_out_s < found.gap_back_s


def test_without_echoes() -> None:
    """There is nothing to be said of them."""
    found = traffic(story(echoes=[]))
    assert (found.sent, found.gap_out_s, found.gap_back_s) == (0, None, None)
    assert latest_path([]) == latest_path([lost(0.0)]) == ""
    assert latest_path(ECHOES) == "ro:ro"
    assert LOST.reply.reason
    assert latest_path([answered(0.0, optimised(OLD)), lost(0.1)]) == "ro:ro"


def test_the_sentence() -> None:
    """It has the place, the times, the losses and the slowest step."""
    found = story()
    watch = stopwatch(found)
    words = sentence(found, watch, verdict(found, watch), traffic(found), 120.0)
    for part in (
        "2001:db8:3::5 completed",
        "first packet (tunnel:tunnel) 350 ms after link down",
        "3 of 8 echoes with 2001:db8:4::2 lost",
        "no reply for 400 ms",
        "slowest from Router Solicitation to Router Advertisement, 248 ms",
        "at best 120 ms",
    ):
        assert part in words
    assert "No handover" in sentence(story([]), None, _judged(story([])), traffic(story([])), None)
