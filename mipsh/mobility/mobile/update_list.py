"""The Binding Update List of a mobile node, as far as it is about correspondents (RFC 6275 section 11.1)."""

from collections import OrderedDict
from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct

from mipsh.mobility.machine import Machine
from mipsh.mobility.mobile.correspondent_update import SentUpdate
from mipsh.mobility.mobile.retransmission import Retransmission
from mipsh.mobility.mobile.return_routability import AddressTest
from mipsh.mobility.mobile.return_routability import State as TestState
from mipsh.mobility.trace import Trace
from mipsh.wire.address import text
from mipsh.wire.mobility import ACKNOWLEDGE, CareOfTestInit, HomeTestInit, MobilityHeader
from mipsh.wire.packet import Upper


class State(Enum):
    """What a mobile node has with a correspondent.

    ABSENT: nothing, but for the sequence number. WAITING: a binding with an old care-of address,
    while the new one's home registration is not acknowledged. TESTING: return routability runs, and
    packets go through the tunnel. BINDING: a Binding Update is to be acknowledged, likewise. BOUND:
    packets go by the care-of address. RETESTING, REBINDING: as TESTING and BINDING, with a binding
    that still holds. RELEASING: at home, the home test for a deletion runs. DELETING: the deletion is
    to be acknowledged. REFUSED: the correspondent is left alone for some time.
    """

    ABSENT = auto()
    WAITING = auto()
    TESTING = auto()
    BINDING = auto()
    BOUND = auto()
    RETESTING = auto()
    REBINDING = auto()
    RELEASING = auto()
    DELETING = auto()
    REFUSED = auto()


class Input(Enum):
    """What happens between a mobile node and a correspondent.

    TRIGGER: a packet went through the tunnel. ASK, TELL: a Binding Update is sent, with the A flag and
    without. ACCEPT: it was accepted. RETEST: tokens do not hold any more. RENEW: the binding is to be
    refreshed. EXPIRE: the correspondent has no binding any more. SUSPEND: the care-of address is not
    registered. RESUME: it is again. RELEASE: it is not to be used any more. DISCARD: there is nothing to
    be kept. REFUSE: the correspondent will not, or does not answer. FORGIVE: it may be asked again.
    """

    TRIGGER = auto()
    ASK = auto()
    TELL = auto()
    ACCEPT = auto()
    RETEST = auto()
    RENEW = auto()
    EXPIRE = auto()
    SUSPEND = auto()
    RESUME = auto()
    RELEASE = auto()
    DISCARD = auto()
    REFUSE = auto()
    FORGIVE = auto()


_TOWARDS_A_BINDING = (State.TESTING, State.BINDING, State.BOUND, State.RETESTING, State.REBINDING)
_AT_HOME = (State.RELEASING, State.DELETING)

CORRESPONDENT_REGISTRATION: Machine[State, Input] = Machine(
    "correspondent registration",
    State.ABSENT,
    {
        (State.ABSENT, Input.TRIGGER): State.TESTING,
        (State.WAITING, Input.RESUME): State.TESTING,
        (State.WAITING, Input.RELEASE): State.RELEASING,
        (State.WAITING, Input.DISCARD): State.ABSENT,
        (State.TESTING, Input.ASK): State.BINDING,
        (State.TESTING, Input.TELL): State.BOUND,
        (State.BINDING, Input.ASK): State.BINDING,
        (State.BINDING, Input.ACCEPT): State.BOUND,
        (State.BINDING, Input.RETEST): State.TESTING,
        (State.BOUND, Input.RETEST): State.TESTING,
        (State.BOUND, Input.RENEW): State.RETESTING,
        (State.BOUND, Input.EXPIRE): State.ABSENT,
        (State.RETESTING, Input.ASK): State.REBINDING,
        (State.RETESTING, Input.TELL): State.BOUND,
        (State.RETESTING, Input.EXPIRE): State.TESTING,
        (State.REBINDING, Input.ASK): State.REBINDING,
        (State.REBINDING, Input.ACCEPT): State.BOUND,
        (State.REBINDING, Input.RETEST): State.RETESTING,
        (State.REBINDING, Input.EXPIRE): State.BINDING,
        **{(state, Input.SUSPEND): State.WAITING for state in (*_TOWARDS_A_BINDING, *_AT_HOME, State.REFUSED)},
        **{(state, Input.RELEASE): State.RELEASING for state in (*_TOWARDS_A_BINDING, State.REFUSED)},
        **{(state, Input.DISCARD): State.ABSENT for state in (*_TOWARDS_A_BINDING, *_AT_HOME)},
        **{(state, Input.REFUSE): State.REFUSED for state in _TOWARDS_A_BINDING},
        (State.RELEASING, Input.ASK): State.DELETING,
        (State.RELEASING, Input.TELL): State.ABSENT,
        (State.DELETING, Input.ASK): State.DELETING,
        (State.DELETING, Input.ACCEPT): State.ABSENT,
        (State.DELETING, Input.RETEST): State.RELEASING,
        (State.REFUSED, Input.FORGIVE): State.ABSENT,
    },
)

HOLDING = frozenset((State.BOUND, State.RETESTING, State.REBINDING))
"""The correspondent has a binding with the care-of address of now."""
AWAITING = frozenset((State.BINDING, State.REBINDING, State.DELETING))
"""A Binding Acknowledgement is waited for."""
ENDING = frozenset(_AT_HOME)
"""A binding is being deleted."""
UNHEEDED = frozenset((State.TESTING, State.BINDING))
"""The correspondent has no binding yet: it would not heed a Home Address option."""


class Registration:
    """What there is with one correspondent; ``peer`` is its home address where it is mobile itself.

    Times are of the node's clock. The binding holds from ``since`` until ``expires``, and is to be
    refreshed from ``refresh`` on; by ``held_until`` the correspondent has forgotten whatever it was
    ever told. ``used`` is when a packet last came or went. ``failures`` counts rejections in a row that
    called for another Binding Update; ``is_silent`` says of one that is refused that it did not answer,
    ``is_mobile`` that it was seen to be mobile itself. ``units`` is the lifetime of 4-second units that was
    asked for the update that is on its way, in place of the longest one.
    """

    def __init__(self, peer: bytes, sequence: int, now: float, trace: Trace) -> None:
        self.peer = peer
        self.state = CORRESPONDENT_REGISTRATION.initial
        self.sequence = sequence
        self.used = now
        self.since = now
        self.expires = now
        self.refresh = now
        self.held_until = now
        self.failures = 0
        self.care_of_address: bytes | None = None
        self.last: SentUpdate | None = None
        self.is_silent = False
        self.is_mobile = False
        self.units: int | None = None
        self.sending = Retransmission()
        self.home = AddressTest(HomeTestInit, f"home test by {text(peer)}", trace)
        self.care_of = AddressTest(CareOfTestInit, f"care-of test by {text(peer)}", trace)

    @property
    def needed(self) -> tuple[AddressTest, ...]:
        """The tests that the next Binding Update needs: a deletion needs the home test only (section 5.2.7)."""
        return (self.home,) if self.state in ENDING else (self.home, self.care_of)

    @property
    def awaits_acknowledgement(self) -> bool:
        """Whether the last Binding Update is to be acknowledged, and was not yet."""
        return self.state in AWAITING and self.sending.is_waiting

    @property
    def expects_answer(self) -> bool:
        """Whether a message went out that asks for an answer: of a test that runs, or an update with the A flag."""
        if any(test.state is TestState.WAITING and test.is_out for test in (self.home, self.care_of)):
            return True
        asked = self.last is not None and bool(self.last.message.flags & ACKNOWLEDGE)
        return asked and (self.state in AWAITING or self.state is State.BOUND)

    def is_quoted(self, upper: Upper) -> bool:
        """Tell whether a message that somebody quotes is the latest of its kind, and still unanswered."""
        if not isinstance(upper, MobilityHeader):
            return False
        is_update = self.awaits_acknowledgement and self.last is not None and upper.message == self.last.message
        return is_update or self.home.is_from_here(upper.message) or self.care_of.is_from_here(upper.message)

    def entry(self, home_address: bytes, deadlines: "Deadlines") -> "UpdateListEntry":
        """Return the registration as it may be shown."""
        last = self.last
        return UpdateListEntry(
            home_address,
            self.peer,
            self.care_of_address,
            self.state,
            None if last is None else self.sequence,
            None if last is None else last.message.flags,
            self.expires - self.since if self.state in HOLDING else None,
            self.expires if self.state in HOLDING else None,
            self.home.state,
            self.care_of.state,
            self.home.answered,
            self.care_of.answered,
            self.home.index,
            self.care_of.index,
            self.sending.timeout_s,
            self.home.sending.timeout_s,
            self.care_of.sending.timeout_s,
            deadlines,
        )


class Deadlines(Struct, frozen=True):
    """When something happens of its own accord: to the tests, to the update, and to the binding or its refusal."""

    home_test: float | None = None
    care_of_test: float | None = None
    update: float | None = None
    lifetime: float | None = None


class UpdateListEntry(Struct, frozen=True):
    """An entry of the Binding Update List as it may be shown: without cookies, tokens and keys.

    ``sequence`` and ``flags`` are those of the last Binding Update, None before the first. ``expires``
    and ``lifetime_s`` are there while the binding holds, ``home_tested`` and ``care_of_tested`` while
    there is a token: when it came. ``timeout_s`` is how long the Binding Update waits, or last waited;
    those of the tests are how long these do.
    """

    home_address: bytes
    peer: bytes
    care_of_address: bytes | None
    state: State
    sequence: int | None
    flags: int | None
    lifetime_s: float | None
    expires: float | None
    home_test: TestState
    care_of_test: TestState
    home_tested: float | None
    care_of_tested: float | None
    home_nonce_index: int | None
    care_of_nonce_index: int | None
    timeout_s: float
    home_test_timeout_s: float
    care_of_test_timeout_s: float
    deadlines: Deadlines


class UpdateList:
    """The registrations with correspondents, the least recently used first; there are never too many.

    One that is over stays for the sake of its sequence number, until its place is needed. Those in
    ``kept`` states stay in any case.
    """

    def __init__(self, limit: int, kept: frozenset[State] = HOLDING) -> None:
        self.limit = limit
        self.kept = kept
        self._registrations: OrderedDict[bytes, Registration] = OrderedDict()

    def __len__(self) -> int:
        """Return how many registrations there are."""
        return len(self._registrations)

    def __iter__(self) -> Iterator[Registration]:
        """Iterate over the registrations as they are now."""
        return iter(tuple(self._registrations.values()))

    def __getitem__(self, peer: bytes) -> Registration:
        """Return the registration with a correspondent that has one."""
        return self._registrations[peer]

    def get(self, peer: bytes) -> Registration | None:
        """Return the registration with a correspondent."""
        return self._registrations.get(peer)

    def use(self, registration: Registration, now: float) -> None:
        """Take note that packets come or go."""
        registration.used = now
        self._registrations.move_to_end(registration.peer)

    def add(self, registration: Registration) -> None:
        """Add a registration, for which ``make_room`` found room."""
        self._registrations[registration.peer] = registration

    def make_room(self) -> tuple[bool, Registration | None]:
        """Find room for one more: whether there is some, and what was removed for it.

        Those that are over go first, then others that are not kept.
        """
        if len(self) < self.limit:
            return True, None
        rest = [r for r in self._registrations.values() if r.state not in self.kept]
        victim = next((r for r in rest if r.state is State.ABSENT), rest[0] if rest else None)
        if victim is None:
            return False, None
        del self._registrations[victim.peer]
        return True, victim
