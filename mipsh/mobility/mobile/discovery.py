"""The home agents of a home address, and how they are found (RFC 6275 sections 11.4.1, 6.5 and 6.6).

They are configured, or asked for at the anycast address of the home prefix. The answer lists them,
the best one first.
"""

from enum import Enum, auto

from mipsh.mobility.constants import DHAAD_RETRIES_COUNT, INITIAL_DHAAD_TIMEOUT_S
from mipsh.mobility.effects import Effect, Emit, Send
from mipsh.mobility.machine import Machine
from mipsh.mobility.mobile.backoff import Backoff
from mipsh.mobility.mobile.parameters import Home
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import (
    MOBILE_ROUTER,
    HomeAgentDiscoveryReply,
    HomeAgentDiscoveryRequest,
    Icmpv6,
)
from mipsh.wire.packet import Packet

MOST_HOME_AGENTS = 32
AGAIN_S = 60.0
"""How long to let it be, once all requests stayed unanswered."""
FAILED = "mnHomeAgentDiscoveryFailed"


class State(Enum):
    """Whether home agents are being asked for."""

    IDLE = auto()
    ASKING = auto()
    WAITING = auto()


class Input(Enum):
    """What happens to the question."""

    ASK = auto()
    TIMEOUT = auto()
    UNANSWERED = auto()
    ANSWERED = auto()
    STOP = auto()


DISCOVERY = Machine(
    "home agent discovery",
    State.IDLE,
    {
        (State.IDLE, Input.ASK): State.ASKING,
        (State.ASKING, Input.ASK): State.ASKING,
        (State.ASKING, Input.TIMEOUT): State.ASKING,
        (State.ASKING, Input.UNANSWERED): State.WAITING,
        (State.ASKING, Input.ANSWERED): State.IDLE,
        (State.ASKING, Input.STOP): State.IDLE,
        (State.WAITING, Input.ASK): State.ASKING,
        (State.WAITING, Input.STOP): State.IDLE,
    },
)


class HomeAgents:
    """The home agents of one home address; ``current`` is the one to register with, if any is known."""

    def __init__(self, home: Home, entropy: Entropy, trace: Trace | None = None) -> None:
        self.home = home
        self.state = State.IDLE
        self.known: tuple[bytes, ...] = () if home.home_agent is None else (home.home_agent,)
        self.current = home.home_agent
        self._entropy = entropy
        self._trace = trace or Trace()
        self._source = addresses.UNSPECIFIED
        self._identifier: int | None = None
        self._backoff = Backoff(INITIAL_DHAAD_TIMEOUT_S)
        self._deadline: float | None = None

    @property
    def is_discovered(self) -> bool:
        """Tell whether home agents are found by discovery; a configured one is the only one."""
        return self.home.home_agent is None

    def move_on(self) -> bool:
        """Let the next one in the list be the current one; False where there is none."""
        if self.current not in self.known:
            return False
        following = self.known.index(self.current) + 1
        self.current = self.known[following] if following < len(self.known) else None
        return self.current is not None

    def suggest(self, home_agent: bytes) -> None:
        """Take note of a home agent that was heard on the home link; what was discovered counts for more."""
        if self.is_discovered and self.current is None and self.state is State.IDLE:
            self.known, self.current = (home_agent,), home_agent

    def ask(self, source: bytes, now: float) -> list[Effect]:
        """Ask for home agents from an address of the node, from anew where it did already."""
        self._step(Input.ASK)
        self._source = source
        self._identifier = int.from_bytes(self._entropy(2))
        self._backoff = Backoff(INITIAL_DHAAD_TIMEOUT_S)
        return self._request(now)

    def stop(self) -> None:
        """Ask no more."""
        if self.state is not State.IDLE:
            self._step(Input.STOP)
        self._identifier = self._deadline = None

    def receive(self, source: bytes, reply: HomeAgentDiscoveryReply) -> bool:
        """Take in a reply; False where it answers no request.

        A home agent that lists nobody is one itself (section 10.5).
        """
        if self.state is not State.ASKING or reply.identifier != self._identifier:
            return False
        listed = tuple(filter(addresses.is_unicast_routable, dict.fromkeys(reply.addresses)))[:MOST_HOME_AGENTS]
        if not listed and not addresses.is_unicast_routable(source):
            return False
        self._step(Input.ANSWERED)
        self._identifier = self._deadline = None
        self.known = listed or (source,)
        self.current = self.known[0]
        return True

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self._deadline

    def advance(self, now: float) -> list[Effect]:
        """Ask again, or give up for a while."""
        if self._deadline is None or self._deadline > now:
            return []
        self._trace.timer("home agent discovery", addresses.text(self.home.address))
        if self.state is State.WAITING:
            return self.ask(self._source, now)
        if self._backoff.attempts <= DHAAD_RETRIES_COUNT:
            self._step(Input.TIMEOUT)
            return self._request(now)
        self._step(Input.UNANSWERED)
        self._identifier = None
        self._deadline = now + AGAIN_S
        return [Emit(FAILED, self.home.address, None, addresses.home_agents_anycast(self.home.prefix))]

    def _request(self, now: float) -> list[Effect]:
        self._deadline = now + self._backoff.wait()
        flags = MOBILE_ROUTER if self.home.is_mobile_router else 0
        request = HomeAgentDiscoveryRequest(self._identifier or 0, flags)
        anycast = addresses.home_agents_anycast(self.home.prefix)
        return [Send(Packet(self._source, anycast, Icmpv6(request)))]

    def _step(self, event: Input) -> None:
        self.state = self._trace.step(DISCOVERY, addresses.text(self.home.address), self.state, event)
