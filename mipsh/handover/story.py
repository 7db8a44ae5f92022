"""What is seen of a handover: moments of its steps, and echoes that run meanwhile; all on one clock.

Times are seconds of ``time.monotonic`` of the machine that looked.
"""

from enum import StrEnum

from msgspec import Struct, field

from mipsh.paths.echo import Path


class Step(StrEnum):
    """A step of a handover; the value is the name of its column without the unit."""

    LINK_DOWN = "link_down"
    LINK_UP = "link_up"
    SOLICITED = "solicited"
    ADVERTISED = "advertised"
    CARE_OF = "care_of_address"
    UPDATE = "update_sent"
    ACKNOWLEDGED = "acknowledged"
    HOME_TEST_INIT = "home_test_init"
    HOME_TEST = "home_test"
    CARE_OF_TEST_INIT = "care_of_test_init"
    CARE_OF_TEST = "care_of_test"
    PEER_UPDATE = "peer_update"
    PEER_ACKNOWLEDGED = "peer_acknowledged"
    FIRST_PACKET = "first_packet"
    FIRST_OPTIMISED = "first_optimised"


WORDS = {
    Step.LINK_DOWN: "link down",
    Step.LINK_UP: "link up",
    Step.SOLICITED: "Router Solicitation",
    Step.ADVERTISED: "Router Advertisement",
    Step.CARE_OF: "care-of address",
    Step.UPDATE: "Binding Update",
    Step.ACKNOWLEDGED: "Binding Acknowledgement",
    Step.HOME_TEST_INIT: "Home Test Init",
    Step.HOME_TEST: "Home Test",
    Step.CARE_OF_TEST_INIT: "Care-of Test Init",
    Step.CARE_OF_TEST: "Care-of Test",
    Step.PEER_UPDATE: "Binding Update to the correspondent",
    Step.PEER_ACKNOWLEDGED: "Binding Acknowledgement of the correspondent",
    Step.FIRST_PACKET: "first packet",
    Step.FIRST_OPTIMISED: "first optimised packet",
}


class Source(StrEnum):
    """What told of a moment."""

    KERNEL = "kernel"
    PACKET = "packet"
    EVENT = "event"
    DONE = "done"
    """By mipsh itself, as what it was asked for."""


class Moment(Struct, frozen=True):
    """Something that happened.

    ``is_late`` says that it happened earlier than ``at``, nobody knows when. ``address`` is the care-of address that
    the step is about, ``status`` that of an acknowledgement; ``is_home`` marks a Binding Update that ends the binding.
    """

    step: Step
    at: float
    source: Source
    interface: str = ""
    address: str = ""
    sequence: int | None = None
    status: int | None = None
    is_home: bool = False
    is_late: bool = False


class EchoSeen(Struct, frozen=True):
    """An echo that is settled.

    ``was_sent`` is False where the kernel had no way for it, ``came_at`` None without a reply. ``reached`` and
    ``answered`` are what was seen at the peer, None where nobody looked there.
    """

    sent_at: float
    came_at: float | None
    path: Path
    was_sent: bool = True
    reached: bool | None = None
    answered: bool | None = None


class Ends(Struct, frozen=True):
    """Whose handover it is, and with whom its echoes run; ``home_agent`` and ``care_of`` are empty if not known.

    ``interface`` is the one in use before, ``care_of`` the care-of address then.
    """

    home_address: str
    peer: str
    home_agent: str = ""
    care_of: str = ""
    interface: str = ""


class Story(Struct):
    """All that was seen from ``began`` on.

    ``blind`` says for a step why it could not be seen; ``hidden`` counts encrypted packets, ``lost`` those that the
    watch lost. ``is_peer_watched`` tells whether echoes were looked at where the peer is. ``was_optimised`` tells
    whether echoes went by the optimised route before, ``asked_at`` when the handover was asked for, if it was.
    """

    ends: Ends
    began: float
    moments: list[Moment] = field(default_factory=list)
    echoes: list[EchoSeen] = field(default_factory=list)
    blind: dict[Step, str] = field(default_factory=dict)
    hidden: int = 0
    lost: int = 0
    is_peer_watched: bool = False
    was_optimised: bool = False
    asked_at: float | None = None
