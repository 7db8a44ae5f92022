"""The mobile node's half of return routability: one test of one address by one correspondent (RFC 6275 section 11.6).

Cookies and tokens never leave this module but into messages and keys.
"""

import hmac
from enum import Enum, auto

from mipsh.mobility.constants import MAX_TOKEN_LIFETIME_S
from mipsh.mobility.machine import Machine
from mipsh.mobility.mobile.retransmission import Retransmission
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.trace import Trace
from mipsh.wire.mobility import CareOfTest, CareOfTestInit, HomeTest, HomeTestInit

COOKIE_SIZE = 8


class State(Enum):
    """How far a test is."""

    IDLE = auto()
    WAITING = auto()
    DONE = auto()


class Input(Enum):
    """What happens to a test."""

    START = auto()
    SEND = auto()
    ANSWER = auto()
    STOP = auto()


ADDRESS_TEST = Machine(
    "return routability test",
    State.IDLE,
    {
        (State.IDLE, Input.START): State.WAITING,
        (State.WAITING, Input.START): State.WAITING,
        (State.DONE, Input.START): State.WAITING,
        (State.WAITING, Input.SEND): State.WAITING,
        (State.WAITING, Input.ANSWER): State.DONE,
        (State.IDLE, Input.STOP): State.IDLE,
        (State.WAITING, Input.STOP): State.IDLE,
        (State.DONE, Input.STOP): State.IDLE,
    },
)


class AddressTest:
    """A home test (``kind`` HomeTestInit) or a care-of test (CareOfTestInit) with one correspondent.

    ``answered`` is when the token came, ``index`` the nonce that it was made from. The token holds
    for 210 s. Each message has a new cookie, and only the answer to the latest one counts, once.
    """

    def __init__(self, kind: type[HomeTestInit] | type[CareOfTestInit], subject: str, trace: Trace) -> None:
        self.kind = kind
        self.state = ADDRESS_TEST.initial
        self.sending = Retransmission()
        self.index: int | None = None
        self.answered: float | None = None
        self._cookie = b""
        self._token = b""
        self._subject = subject
        self._trace = trace

    @property
    def is_out(self) -> bool:
        """Whether a message went out since the test started."""
        return bool(self._cookie)

    def start(self) -> None:
        """Begin anew: the token there was is forgotten, and a message is to be sent."""
        self._step(Input.START)
        self._forget()
        self.sending.restart()

    def init(self, entropy: Entropy) -> HomeTestInit | CareOfTestInit:
        """Return the next message; the one before needs no answer any more."""
        self._step(Input.SEND)
        self._cookie = entropy(COOKIE_SIZE)
        return self.kind(self._cookie)

    def answer(self, message: HomeTest | CareOfTest, now: float) -> bool:
        """Take in an answer; False where it is none to the latest message (section 11.6.2)."""
        if self.state is not State.WAITING or not hmac.compare_digest(self._cookie, message.cookie):
            return False
        self._step(Input.ANSWER)
        self._token, self.index, self.answered = message.token, message.nonce_index, now
        return True

    def stop(self) -> None:
        """End the test, or forget what it gave."""
        self._step(Input.STOP)
        self._forget()

    def token(self, now: float) -> bytes | None:
        """Return the token while it holds (section 5.2.7)."""
        if self.answered is None or now - self.answered > MAX_TOKEN_LIFETIME_S:
            return None
        return self._token

    def is_from_here(self, message: object) -> bool:
        """Tell whether a message that somebody quotes is the latest of this test, still unanswered."""
        if self.state is not State.WAITING or not isinstance(message, self.kind):
            return False
        return hmac.compare_digest(self._cookie, message.cookie)

    def _step(self, event: Input) -> None:
        self.state = self._trace.step(ADDRESS_TEST, self._subject, self.state, event)

    def _forget(self) -> None:
        self._cookie, self._token, self.index, self.answered = b"", b"", None, None
