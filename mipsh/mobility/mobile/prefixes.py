"""What a mobile node that is away learns of its home prefixes (RFC 6275 sections 11.4.2, 11.4.3, 6.7 and 6.8).

It asks its home agent where a Binding Acknowledgement says so, where an advertisement came that was
not asked for, and before the home prefix ends. Only an answer to a question is believed.
"""

from enum import Enum, auto

from mipsh.mobility.constants import INITIAL_SOLICIT_TIMER_S
from mipsh.mobility.effects import Effect, Protection, Purpose, Send
from mipsh.mobility.limits import Bucket
from mipsh.mobility.machine import Machine
from mipsh.mobility.mobile.backoff import Backoff
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.mobile.routers import FOREVER, read_prefixes
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.paths import from_care_of_address
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire.address import text
from mipsh.wire.icmpv6 import Icmpv6, MobilePrefixAdvertisement, MobilePrefixSolicitation
from mipsh.wire.packet import Packet

MOST_SOLICITATIONS = 6
"""How many solicitations go unanswered before the home agent is left alone."""
ASK_AT = 0.8
"""The share of the home prefix's remaining lifetime after which it is asked for."""
SHORTEST_WAIT_S = 1.0
"""How long at least from one lifetime learnt to the next question for it."""


class State(Enum):
    """Whether the prefixes are being asked for."""

    IDLE = auto()
    ASKING = auto()


class Input(Enum):
    """What happens to the question."""

    ASK = auto()
    TIMEOUT = auto()
    UNANSWERED = auto()
    ANSWERED = auto()
    STOP = auto()


PREFIX_DISCOVERY = Machine(
    "mobile prefix discovery",
    State.IDLE,
    {
        (State.IDLE, Input.ASK): State.ASKING,
        (State.ASKING, Input.ASK): State.ASKING,
        (State.ASKING, Input.TIMEOUT): State.ASKING,
        (State.ASKING, Input.UNANSWERED): State.IDLE,
        (State.ASKING, Input.ANSWERED): State.IDLE,
        (State.ASKING, Input.STOP): State.IDLE,
    },
)


class Alarm(Enum):
    """What a deadline is for."""

    AGAIN = auto()
    ENDS_SOON = auto()


class PrefixDiscovery:
    """The prefix of one home address, as its home agent knows it; ``valid_until`` is when that ends."""

    def __init__(
        self, home: Home, entropy: Entropy, parameters: MobileNodeParameters, trace: Trace | None = None
    ) -> None:
        self.home = home
        self.state = State.IDLE
        self.valid_until = FOREVER
        self._parameters = parameters
        self._entropy = entropy
        self._trace = trace or Trace()
        self._limit = Bucket(1.0, 3.0)
        self._timers: Timers[Alarm] = Timers()
        self._where: tuple[bytes, bytes] | None = None
        self._identifier: int | None = None
        self._is_due = False
        self._backoff = Backoff(INITIAL_SOLICIT_TIMER_S)

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self._timers.next()

    def advance(self, now: float) -> list[Effect]:
        """Ask again, or ask because the prefix ends soon."""
        effects: list[Effect] = []
        for alarm in self._timers.due(now):
            self._trace.timer(f"home prefix {alarm.name.lower()}", text(self.home.address))
            if alarm is Alarm.ENDS_SOON:
                self._is_due = self._where is None
                effects += self.ask(now)
            elif self._where is None or self._backoff.attempts >= MOST_SOLICITATIONS:
                self._step(Input.UNANSWERED)
            else:
                self._step(Input.TIMEOUT)
                effects += self._solicit(*self._where, now)
        return effects

    def learn(self, valid_until: float, now: float) -> None:
        """Take note of when the home prefix ends, and ask before it does."""
        self.valid_until = valid_until
        self._is_due = False
        if valid_until == FOREVER or valid_until <= now:
            self._timers.cancel(Alarm.ENDS_SOON)
        else:
            self._timers.set(Alarm.ENDS_SOON, now + max((valid_until - now) * ASK_AT, SHORTEST_WAIT_S))

    def registered(self, care_of_address: bytes, home_agent: bytes, now: float) -> list[Effect]:
        """Take note of a home registration: by it the home agent can be asked, if that is due already."""
        self._where = care_of_address, home_agent
        is_due, self._is_due = self._is_due, False
        return self.ask(now) if is_due else []

    def unregistered(self) -> None:
        """Take note that there is no home registration: nobody is asked."""
        self._where = None
        if self.state is State.ASKING:
            self._step(Input.STOP)
        self._timers.cancel(Alarm.AGAIN)

    def ask(self, now: float) -> list[Effect]:
        """Ask the home agent for the prefixes, under a new identifier, within a rate limit."""
        if self._where is None or not self._limit.take(now):
            return []
        self._step(Input.ASK)
        self._identifier = int.from_bytes(self._entropy(2))
        self._backoff = Backoff(INITIAL_SOLICIT_TIMER_S)
        return self._solicit(*self._where, now)

    def _solicit(self, care_of_address: bytes, home_agent: bytes, now: float) -> list[Effect]:
        self._timers.set(Alarm.AGAIN, now + self._backoff.wait())
        message = Icmpv6(MobilePrefixSolicitation(self._identifier or 0))
        packet = from_care_of_address(Packet(self.home.address, home_agent, message), care_of_address)
        return [Send(packet, protection=self._protection)]

    @property
    def _protection(self) -> Protection | None:
        is_required = Purpose.PREFIX_DISCOVERY in self._parameters.required
        return Protection(Purpose.PREFIX_DISCOVERY, self.home.address) if is_required else None

    def receive(
        self, packet: Packet, message: MobilePrefixAdvertisement, protection: Protection | None, now: float
    ) -> list[Effect]:
        """Take in a Mobile Prefix Advertisement; it changes ``valid_until``, or it makes the node ask.

        It must come from the home agent, by a type 2 routing header, and protected where that is
        required; else it is dropped.
        """
        if self._where is None or (packet.destination, packet.source) != self._where:
            return []
        is_routed = packet.routing_home_address == self.home.address
        if not is_routed or (self._protection is not None and protection != self._protection):
            return []
        if self.state is not State.ASKING or message.identifier != self._identifier:
            return self.ask(now)
        self._step(Input.ANSWERED)
        self._timers.cancel(Alarm.AGAIN)
        for prefix in read_prefixes(message.options, now):
            if prefix.key == (self.home.prefix, self.home.prefix_length):
                self.learn(prefix.valid_until, now)
        return []

    def _step(self, event: Input) -> None:
        self.state = self._trace.step(PREFIX_DISCOVERY, text(self.home.address), self.state, event)
