"""Whether a handover was completed, how fast, and one sentence that says so."""

from msgspec import Struct

from mipsh.handover.stopwatch import MAY_BE_HIDDEN, MAY_BE_LOST, Stopwatch
from mipsh.handover.story import WORDS, Step, Story
from mipsh.handover.traffic import Traffic
from mipsh.paths.echo import Route
from mipsh.paths.statistics import count

DOUBTS = (MAY_BE_HIDDEN, MAY_BE_LOST)


class Verdict(Struct, frozen=True):
    """Whether a handover was completed (None: could not tell), with the reason, and whether it was fast enough.

    ``total_s`` is the time from the stopwatch's zero to its completion. ``is_within`` is None without a limit.
    """

    is_completed: bool | None
    why: str
    total_s: float | None = None
    is_within: bool | None = None

    @property
    def is_met(self) -> bool | None:
        """Whether all is as it should be; None where that could not be told."""
        return False if self.is_within is False else self.is_completed


def last_step(story: Story, watch: Stopwatch) -> Step:
    """Return the step that completes a handover: where the route was optimised, it has to be so again."""
    return Step.FIRST_OPTIMISED if story.was_optimised and not watch.is_home else Step.FIRST_PACKET


def is_over(story: Story, watch: Stopwatch | None) -> bool:
    """Tell whether nothing more has to come."""
    if watch is None:
        return False
    last = watch.at.get(last_step(story, watch))
    registered = Step.ACKNOWLEDGED in watch.at or watch.unknown.get(Step.ACKNOWLEDGED) in DOUBTS
    return last is not None and registered


def verdict(story: Story, watch: Stopwatch | None, within_s: float | None = None) -> Verdict:
    """Judge a handover that has been watched to its end."""
    if watch is None:
        if story.blind.get(Step.UPDATE) or story.lost:
            return Verdict(None, "no handover was seen, and not all was seen")
        return Verdict(False, "no handover began")
    found = _verdict(story, watch)
    total = watch.at.get(last_step(story, watch))
    if found.is_completed is not True or total is None:
        return found
    total_s = total - watch.at[watch.zero]
    return Verdict(True, "", total_s, None if within_s is None else total_s <= within_s)


def _verdict(story: Story, watch: Stopwatch) -> Verdict:
    last = last_step(story, watch)
    unregistered = watch.unknown.get(Step.ACKNOWLEDGED, "")
    is_doubtful = unregistered in DOUBTS or Step.ACKNOWLEDGED in story.blind
    if unregistered and watch.refusals:
        statuses = ", ".join(str(status) for status in watch.refusals)
        return Verdict(False, f"the home agent refused the registration: status {statuses}")
    if unregistered and not is_doubtful:
        missing = Step.UPDATE if Step.UPDATE not in watch.at else Step.ACKNOWLEDGED
        return Verdict(False, f"no {WORDS[missing]} was seen")
    if last in watch.at:
        # A packet that went by the new way proves the registration that was not seen.
        return Verdict(True, "")
    if last is Step.FIRST_OPTIMISED and Step.FIRST_PACKET in watch.at:
        return _not_optimised(story)
    return Verdict(False, "no echo was answered by the new way")


def _not_optimised(story: Story) -> Verdict:
    """Judge a handover behind which no echo was seen to be optimised."""
    ways = [way for echo in story.echoes[-1:] for way in (echo.path.request, echo.path.reply)]
    doubts = [way.reason for way in ways if way.route is Route.UNKNOWN]
    return Verdict(None, doubts[0]) if doubts else Verdict(False, "the route was not optimised again")


def sentence(story: Story, watch: Stopwatch | None, found: Verdict, seen: Traffic, bound_ms: float | None) -> str:
    """Return one sentence about a handover, for a ticket."""
    whose = story.ends.home_address
    if watch is None:
        return f"No handover of {whose}: {found.why}."
    where = "home" if watch.is_home else watch.care_of or "a care-of address that is not known"
    words = {True: "completed", False: "not completed", None: "perhaps completed"}[found.is_completed]
    parts = [f"Handover of {whose} to {where} {words}" + (f": {found.why}" if found.why else "")]
    zero = WORDS[watch.zero]
    for step, name in ((Step.FIRST_PACKET, f"first packet ({watch.way})"), (Step.FIRST_OPTIMISED, "optimised")):
        after = watch.ms(step)
        if after is not None:
            parts.append(f"{name} {after:.0f} ms after {zero}")
    if seen.sent:
        parts.append(f"{seen.lost} of {count(seen.sent, 'echo', 'echoes')} with {story.ends.peer} lost")
    parts += [f"no reply for {seen.gap_back_s * 1000:.0f} ms"] if seen.gap_back_s is not None else []
    slowest = watch.slowest
    parts += [f"slowest {slowest.words}, {slowest.seconds * 1000:.0f} ms"] if slowest is not None else []
    parts += [f"at best {bound_ms:.0f} ms from link up to first packet"] if bound_ms is not None else []
    parts += ["slower than the limit"] if found.is_within is False else []
    return "; ".join(parts) + "."
