"""Puts the steps of one handover on a stopwatch: which moment of a step counts, and why one is not known.

The stopwatch runs from the first step that is known. A step that was not seen stays unknown, with the reason.
"""

from collections.abc import Callable, Iterable

from msgspec import Struct, field

from mipsh.handover.story import WORDS, EchoSeen, Moment, Source, Step, Story
from mipsh.paths.echo import Route
from mipsh.paths.statistics import RO, care_of_address

ACCEPTED_BELOW = 128
"""Statuses of a Binding Acknowledgement that accept the binding (RFC 6275 section 6.1.8)."""
BEFORE_S = 10.0
"""How long before a Binding Update the Router Advertisement that caused it may have come, where no link went down."""
TOLD_LATE_S = 0.5
"""How much later than a packet the kernel's word may come, for which it has no time of its own."""
AT_ONCE = "the kernel told of the loss of the link only when it was back"
NO_LINK = "the kernel told of no link that went down or came up"
NONE_SEEN = "none was seen"
MAY_BE_HIDDEN = "encrypted packets (ESP) went by that may be it"
MAY_BE_LOST = "packets came too fast to be watched: it may be among those"
AT_HOME = "the node is at home"
WAS_THERE = "no address came, or became usable"
NOT_USED = "the route was not optimised before"
NO_REPLY = "no reply came by the new way"
PROTECTED = frozenset({Step.UPDATE, Step.ACKNOWLEDGED, Step.HOME_TEST_INIT, Step.HOME_TEST})
"""What is encrypted, or may be, where mobile node and home agent use IPsec (RFC 3776, RFC 4877)."""
WITH_PEER = (
    Step.HOME_TEST_INIT,
    Step.HOME_TEST,
    Step.CARE_OF_TEST_INIT,
    Step.CARE_OF_TEST,
    Step.PEER_UPDATE,
    Step.PEER_ACKNOWLEDGED,
)
SOURCES = (Source.DONE, Source.PACKET, Source.KERNEL, Source.EVENT)
"""Whose time of one and the same thing is taken first."""

PREDECESSORS: dict[Step, tuple[Step, ...]] = {
    Step.LINK_UP: (Step.LINK_DOWN,),
    Step.SOLICITED: (Step.LINK_UP,),
    Step.ADVERTISED: (Step.SOLICITED, Step.LINK_UP),
    Step.CARE_OF: (Step.ADVERTISED, Step.LINK_UP),
    Step.UPDATE: (Step.CARE_OF, Step.ADVERTISED, Step.LINK_UP),
    Step.ACKNOWLEDGED: (Step.UPDATE,),
    Step.FIRST_PACKET: (Step.ACKNOWLEDGED, Step.UPDATE, Step.PEER_UPDATE, Step.LINK_UP),
    Step.HOME_TEST_INIT: (Step.UPDATE, Step.ACKNOWLEDGED),
    Step.HOME_TEST: (Step.HOME_TEST_INIT,),
    Step.CARE_OF_TEST_INIT: (Step.UPDATE, Step.ACKNOWLEDGED),
    Step.CARE_OF_TEST: (Step.CARE_OF_TEST_INIT,),
    Step.PEER_UPDATE: (Step.HOME_TEST, Step.CARE_OF_TEST, Step.ACKNOWLEDGED),
    Step.PEER_ACKNOWLEDGED: (Step.PEER_UPDATE,),
    Step.FIRST_OPTIMISED: (Step.PEER_UPDATE, Step.PEER_ACKNOWLEDGED, Step.FIRST_PACKET),
}
"""What each step waits for: the time that it takes is counted from the last of these."""


class Lap(Struct, frozen=True):
    """The time from one step to the next."""

    first: Step
    last: Step
    seconds: float

    @property
    def words(self) -> str:
        """The lap in words."""
        return f"from {WORDS[self.first]} to {WORDS[self.last]}"


class Stopwatch(Struct):
    """The steps of one handover: ``at`` of those that are known, ``unknown`` with the reason for the others.

    ``zero`` is the step from which times are counted. ``care_of`` is the new care-of address, empty if it is not
    known or the node is at home. ``refusals`` are the statuses of acknowledgements that refused.
    """

    zero: Step
    at: dict[Step, float] = field(default_factory=dict)
    unknown: dict[Step, str] = field(default_factory=dict)
    interface: str = ""
    care_of: str = ""
    is_home: bool = False
    refusals: tuple[int, ...] = ()
    updates: int = 0
    way: str = ""

    def ms(self, step: Step) -> float | None:
        """Return when a step came, in milliseconds of the stopwatch."""
        return None if step not in self.at else round((self.at[step] - self.at[self.zero]) * 1000, 1)

    def laps(self) -> list[Lap]:
        """Return the times between steps, each step counted from the last that it waits for."""
        found = []
        for step, waits in PREDECESSORS.items():
            if step not in self.at:
                continue
            known = [(self.at[one], one) for one in waits if one in self.at and self.at[one] <= self.at[step]]
            if known:
                since, first = max(known, key=lambda pair: pair[0])
                found.append(Lap(first, step, self.at[step] - since))
        return found

    @property
    def slowest(self) -> Lap | None:
        """The longest of them."""
        return max(self.laps(), key=lambda lap: lap.seconds, default=None)


def has_begun(story: Story) -> bool:
    """Tell whether a handover was seen to begin."""
    return _beginning(story) is not None


def stopwatch(story: Story) -> Stopwatch | None:
    """Return the steps of the first handover in a story; None where none began."""
    began = _beginning(story)
    if began is None:
        return None
    watch = Stopwatch(began.step)
    update = _update(story, began)
    if update is not None:
        watch.is_home, watch.care_of = update.is_home, "" if update.is_home else update.address
    _links(story, watch, began, update)
    _detection(story, watch, update)
    _registration(story, watch, update)
    _correspondent(story, watch)
    _packets(story, watch)
    if not watch.at:
        # Nothing but that something had happened is known: since then, at the latest.
        watch.at[began.step] = began.at
    watch.zero = min(watch.at, key=lambda step: watch.at[step])
    watch.unknown = {step: _reason(story, watch, step) for step in Step if step not in watch.at}
    return watch


def _since(story: Story) -> float:
    return story.began if story.asked_at is None else story.asked_at


def _beginning(story: Story) -> Moment | None:
    """Return the first sign of a handover: the link in use goes down, or a Binding Update comes from elsewhere."""
    since, here = _since(story), story.ends.interface
    for moment in sorted(story.moments, key=lambda one: one.at):
        if moment.at < since:
            continue
        if moment.step is Step.LINK_DOWN and here in ("", moment.interface):
            return moment
        if moment.step is Step.UPDATE and _is_elsewhere(moment, story):
            return moment
    return None


def _is_elsewhere(update: Moment, story: Story) -> bool:
    """Tell whether a Binding Update is from another place than before."""
    if update.is_home:
        return bool(story.ends.care_of)
    return bool(update.address) and update.address != story.ends.care_of


def _update(story: Story, began: Moment) -> Moment | None:
    """Return the first Binding Update of the handover; one from the old place, in its last moment, is none."""
    found = [m for m in story.moments if m.step is Step.UPDATE and m.at >= began.at]
    elsewhere = [m for m in found if _is_elsewhere(m, story)]
    return _first(elsewhere or found)


def _first(moments: Iterable[Moment]) -> Moment | None:
    """Return the first moment; of those that several sources told of at about the same time, the best source's."""
    found = sorted(moments, key=lambda one: (SOURCES.index(one.source), one.at))
    return found[0] if found else None


def _links(story: Story, watch: Stopwatch, began: Moment, update: Moment | None) -> None:
    """Take the loss of the old link, and the last time before the Binding Update that a link came up."""
    downs = [m for m in story.moments if m.step is Step.LINK_DOWN and m.at >= _since(story)]
    ups = [m for m in story.moments if m.step is Step.LINK_UP and m.at >= _since(story)]
    if update is not None:
        downs, ups = ([m for m in moments if m.at <= update.at] for moments in (downs, ups))
    here = story.ends.interface
    down = _first(m for m in downs if here in ("", m.interface))
    watch.interface = (update.interface if update is not None else "") or began.interface
    known = [m for m in ups if watch.interface in ("", m.interface)] or ups
    done = [m for m in known if m.source is Source.DONE]
    up = max(done or known, key=lambda one: one.at, default=None)
    if down is not None and not down.is_late:
        watch.at[Step.LINK_DOWN] = down.at
    if up is not None:
        watch.at[Step.LINK_UP] = up.at
        watch.interface = watch.interface or up.interface


def _detection(story: Story, watch: Stopwatch, update: Moment | None) -> None:
    """Take what was heard on the new link until the Binding Update: the first behind the change of the link.

    A packet proves that the link is up: the kernel may have told of it later.
    """
    end = float("inf") if update is None else update.at
    links = [watch.at[step] for step in (Step.LINK_DOWN, Step.LINK_UP) if step in watch.at]
    since = min(links, default=None)
    for step in (Step.SOLICITED, Step.ADVERTISED):
        found = [m for m in story.moments if m.step is step and m.at <= end]
        found = [m for m in found if watch.interface in ("", m.interface)]
        if since is not None:
            chosen = _first(m for m in found if m.at >= since)
        else:
            near = [m for m in found if end - m.at <= BEFORE_S]
            chosen = max(near, key=lambda one: one.at, default=None)
        if chosen is not None:
            watch.at[step] = chosen.at
            if Step.LINK_DOWN in watch.at:
                watch.at[Step.LINK_UP] = min(watch.at.get(Step.LINK_UP, chosen.at), chosen.at)
    if not watch.is_home:
        _care_of(story, watch, since, end)


def _care_of(story: Story, watch: Stopwatch, since: float | None, end: float) -> None:
    """Take when the care-of address could first be used, by whoever told of it first.

    A Binding Update proves that its care-of address is in use: the kernel may have told of it a little later.
    """
    began = end - BEFORE_S if since is None else since
    ready = [m for m in story.moments if m.step is Step.CARE_OF and began <= m.at <= end + TOLD_LATE_S]
    mine = [m for m in ready if (m.address == watch.care_of if watch.care_of else m.at <= end)]
    first = min(mine, key=lambda one: one.at, default=None)
    if first is not None:
        watch.at[Step.CARE_OF] = min(first.at, end)
        watch.care_of = first.address


def _registration(story: Story, watch: Stopwatch, update: Moment | None) -> None:
    if update is None:
        return
    watch.at[Step.UPDATE] = update.at
    behind = [m for m in story.moments if m.at >= update.at]
    watch.updates = len([m for m in behind if m.step is Step.UPDATE and m.source is update.source])
    answers = [m for m in behind if m.step is Step.ACKNOWLEDGED]
    accepted = _first(m for m in answers if m.status is None or m.status < ACCEPTED_BELOW)
    refused = [m.status for m in answers if m.status is not None and m.status >= ACCEPTED_BELOW]
    watch.refusals = tuple(dict.fromkeys(refused))
    if accepted is not None:
        watch.at[Step.ACKNOWLEDGED] = accepted.at


def _correspondent(story: Story, watch: Stopwatch) -> None:
    """Take the first of each message with the correspondent, from the new place on, and the answer that accepts."""
    since = watch.at.get(Step.UPDATE, watch.at.get(Step.LINK_UP))
    if since is None:
        return
    for step in WITH_PEER:
        found = [m for m in story.moments if m.step is step and m.at >= since]
        found = [m for m in found if m.status is None or m.status < ACCEPTED_BELOW]
        chosen = _first(found)
        if chosen is not None:
            watch.at[step] = chosen.at


def _packets(story: Story, watch: Stopwatch) -> None:
    """Take the first echo whose reply came by the new way, and the first that was optimised both ways."""
    is_new = _newness(story, watch)
    came = sorted((one for one in story.echoes if one.came_at is not None and is_new(one)), key=_came)
    if came:
        watch.at[Step.FIRST_PACKET], watch.way = _came(came[0]), came[0].path.name
    optimised = [one for one in came if one.path.name == RO]
    if optimised:
        watch.at[Step.FIRST_OPTIMISED] = _came(optimised[0])


def _came(echo: EchoSeen) -> float:
    return echo.came_at if echo.came_at is not None else float("inf")


def _newness(story: Story, watch: Stopwatch) -> Callable[[EchoSeen], bool]:
    """Return what tells whether an echo went by the new way: by its headers, else by when it was sent."""
    link = watch.at.get(Step.LINK_UP) if Step.LINK_DOWN in watch.at or _was_down(story) else None
    registered = watch.at.get(Step.ACKNOWLEDGED)
    moved = bool(watch.care_of) and watch.care_of != story.ends.care_of

    def is_new(echo: EchoSeen) -> bool:
        care_of = care_of_address(echo.path)
        if moved and care_of:
            return care_of == watch.care_of
        if link is not None:
            # What comes behind the loss of the only link came by the new one.
            return _came(echo) >= link
        if watch.is_home and Route.DIRECT in (echo.path.request.route, echo.path.reply.route):
            return registered is not None and _came(echo) >= registered
        return False

    return is_new


def _was_down(story: Story) -> bool:
    return any(m.step is Step.LINK_DOWN and m.at >= _since(story) for m in story.moments)


def _reason(story: Story, watch: Stopwatch, step: Step) -> str:
    """Return why a step is not known."""
    if step in story.blind:
        return story.blind[step]
    if step in (Step.LINK_DOWN, Step.LINK_UP):
        return AT_ONCE if _was_down(story) and step is Step.LINK_DOWN else NO_LINK
    if step is Step.CARE_OF:
        return AT_HOME if watch.is_home else WAS_THERE
    if step is Step.FIRST_PACKET:
        return NO_REPLY
    if watch.is_home and (step in WITH_PEER or step is Step.FIRST_OPTIMISED):
        return AT_HOME
    if step is Step.FIRST_OPTIMISED:
        return NO_REPLY if story.was_optimised else NOT_USED
    if story.lost:
        return MAY_BE_LOST
    return MAY_BE_HIDDEN if story.hidden and step in PROTECTED else NONE_SEEN
