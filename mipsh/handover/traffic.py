"""What a handover did to the echoes that ran meanwhile: losses and silences, each way as far as that was seen."""

from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from mipsh.handover.story import EchoSeen, Story

NOT_WATCHED = "nobody looked at the peer: what is lost beyond this node may be lost on the way there or back"


class Traffic(Struct, frozen=True):
    """Echoes and their losses.

    ``lost_here`` were never sent, for want of a way. ``lost_out`` were lost on the way to the peer and
    ``lost_back`` on the way from there, None where that was not seen at the peer. ``gap_out_s`` is the
    longest time between two requests that arrived, by when they were sent; ``gap_back_s`` that
    between two replies, by when they came. Both are None with fewer than two.
    """

    sent: int
    answered: int
    lost_here: int
    lost_out: int | None
    lost_back: int | None
    gap_out_s: float | None
    gap_back_s: float | None

    @property
    def lost(self) -> int:
        """How many were not answered."""
        return self.sent - self.answered


def traffic(story: Story) -> Traffic:
    """Return what became of the echoes of a story."""
    echoes = sorted(story.echoes, key=lambda echo: echo.sent_at)
    answered = [echo for echo in echoes if echo.came_at is not None]
    there = [echo for echo in echoes if echo.was_sent and echo.came_at is None]
    out = back = None
    if story.is_peer_watched:
        out = sum(not echo.reached for echo in there)
        back = len(there) - out
    return Traffic(
        len(echoes),
        len(answered),
        sum(not echo.was_sent for echo in echoes),
        out,
        back,
        _longest(echo.sent_at for echo in echoes if echo.came_at is not None or echo.reached),
        _longest(sorted(echo.came_at for echo in answered if echo.came_at is not None)),
    )


def _longest(times: Iterable[float]) -> float | None:
    """Return the longest time between one and the next; None with fewer than two."""
    found: Sequence[float] = list(times)
    return max((after - before for before, after in pairwise(found)), default=None)


def latest_path(echoes: Iterable[EchoSeen]) -> str:
    """Return the path of the last echo that was answered; empty if none was."""
    answered = [echo for echo in echoes if echo.came_at is not None]
    return max(answered, key=lambda echo: echo.sent_at).path.name if answered else ""
