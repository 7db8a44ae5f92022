"""Stories of handovers, told moment by moment: a move from one foreign link to another, its echoes optimised."""

from collections.abc import Iterable
from typing import Any

from msgspec import structs

from mipsh.handover.story import EchoSeen, Ends, Moment, Source, Step, Story
from mipsh.paths.echo import Path, Route, Way

HOME, AGENT, PEER = "2001:db8:1::100", "2001:db8:1::1", "2001:db8:4::2"
OLD, NEW = "2001:db8:2::5", "2001:db8:3::5"
ENDS = Ends(HOME, PEER, AGENT, OLD, "eth0")
BEGAN, DOWN = 100.0, 101.0
MOVE: tuple[tuple[Step, float, dict[str, Any]], ...] = (
    (Step.LINK_DOWN, 0.000, {}),
    (Step.LINK_UP, 0.050, {}),
    (Step.SOLICITED, 0.052, {}),
    (Step.ADVERTISED, 0.300, {}),
    (Step.CARE_OF, 0.302, {"address": NEW}),
    (Step.UPDATE, 0.303, {"address": NEW, "sequence": 7}),
    (Step.ACKNOWLEDGED, 0.320, {"sequence": 7, "status": 0}),
    (Step.CARE_OF_TEST_INIT, 0.321, {}),
    (Step.CARE_OF_TEST, 0.340, {}),
    (Step.PEER_UPDATE, 0.341, {"address": NEW}),
    (Step.PEER_ACKNOWLEDGED, 0.360, {"status": 0}),
)
"""Each step, when it was after the link went down, and what is said of it."""


def moments(steps: Iterable[tuple[Step, float, dict[str, Any]]] = MOVE) -> list[Moment]:
    """Return steps as moments: links and addresses are the kernel's, all else is a packet."""
    kernel = (Step.LINK_DOWN, Step.LINK_UP, Step.CARE_OF)
    return [
        Moment(step, DOWN + after, Source.KERNEL if step in kernel else Source.PACKET, "eth0", **more)
        for step, after, more in steps
    ]


def without(*steps: Step) -> list[Moment]:
    """Return the moments of the move but for some."""
    return [moment for moment in moments() if moment.step not in steps]


def optimised(care_of: str) -> Path:
    """Return the path of an echo that is optimised both ways, from a care-of address."""
    return Path(
        Way(Route.RO, outer_source=care_of, outer_destination=PEER, home_address=HOME),
        Way(Route.RO, outer_source=PEER, outer_destination=care_of, routed_to=HOME),
    )


def tunnelled(care_of: str) -> Path:
    """Return the path of an echo that is tunnelled both ways."""
    return Path(
        Way(Route.TUNNEL, outer_source=care_of, outer_destination=AGENT, inside="ipv6"),
        Way(Route.TUNNEL, outer_source=AGENT, outer_destination=care_of, inside="ipv6"),
    )


DIRECT = Path(Way(Route.DIRECT), Way(Route.DIRECT))
LOST = Path(Way(Route.RO, outer_source=OLD), Way(Route.NONE, "no reply came"))
UNSEEN = Path(Way(Route.UNKNOWN, "encrypted"), Way(Route.UNKNOWN, "encrypted"))


def answered(after: float, path: Path, rtt_s: float = 0.01) -> EchoSeen:
    """Return an echo whose reply came so long after the link went down."""
    return EchoSeen(DOWN + after - rtt_s, DOWN + after, path)


def lost(after: float, **more: Any) -> EchoSeen:
    """Return an echo without a reply, sent so long after the link went down."""
    return EchoSeen(DOWN + after, None, LOST, **more)


ECHOES = [
    answered(-0.1, optimised(OLD)),
    answered(-0.05, optimised(OLD)),
    lost(0.01, was_sent=False),
    lost(0.1),
    lost(0.2),
    answered(0.35, tunnelled(NEW)),
    answered(0.40, optimised(NEW)),
    answered(0.45, optimised(NEW)),
]


def story(found: list[Moment] | None = None, **changes: Any) -> Story:
    """Return the story of the move, with changes."""
    whole = Story(
        ENDS, BEGAN, moments() if found is None else found, list(ECHOES), was_optimised=True, is_peer_watched=False
    )
    return structs.replace(whole, **changes)
