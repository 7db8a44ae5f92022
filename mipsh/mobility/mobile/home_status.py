"""What there is of a home registration, and what others may ask of it; what changes it is in ``registration``."""

from enum import Enum, auto

from mipsh.mobility.mobile.discovery import HomeAgents
from mipsh.mobility.mobile.follower import Binding, Follower
from mipsh.mobility.mobile.home_link import HomeLink
from mipsh.mobility.mobile.home_machine import State
from mipsh.mobility.mobile.home_update import Neighbour
from mipsh.mobility.mobile.home_updates import HomeUpdates
from mipsh.mobility.mobile.movement import Place
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.timers import Timers, earliest
from mipsh.mobility.trace import Trace


class Alarm(Enum):
    """What a deadline is for."""

    SEND = auto()
    REFRESH = auto()
    EXPIRE = auto()
    PREFIX = auto()


class HomeStatus:
    """One home address at its home agent; ``place`` is where the mobile node is for it.

    ``binding`` is what was acknowledged last, of this place or of the one before.
    """

    def __init__(
        self,
        home: Home,
        entropy: Entropy,
        parameters: MobileNodeParameters,
        follower: Follower,
        trace: Trace | None = None,
    ) -> None:
        self.home = home
        self.parameters = parameters
        self.agents = HomeAgents(home, entropy, trace)
        self.place: Place | None = None
        self.state = State.NOWHERE
        self.updates = HomeUpdates(home, parameters, entropy)
        self.binding: Binding | None = None
        self._follower = follower
        self._trace = trace or Trace()
        self._timers: Timers[Alarm] = Timers()
        self._outstanding = self.updates.outstanding
        self._refresh_at = 0.0
        self._refusals = 0
        self._neighbour: Neighbour | None = None
        self._link = HomeLink(home)
        self._has_route = False
        self._is_settled = False
        self._has_met_defender = False

    # What others ask.

    @property
    def is_home(self) -> bool:
        """Tell whether the mobile node is on the home link."""
        return self.place is not None and self.place.care_of_address is None

    @property
    def is_usable_at_home(self) -> bool:
        """Tell whether packets may come from the home address on the home link (section 11.5.5)."""
        return self.state is State.AT_HOME or (self.state is State.DEREGISTERING and self._is_settled)

    def is_registered(self, now: float) -> bool:
        """Tell whether the home agent acknowledged the care-of address in use, and the registration lasts."""
        return self.state in (State.REGISTERED, State.REFRESHING) and self.is_bound(now)

    def is_bound(self, now: float) -> bool:
        """Tell whether a registration that was acknowledged lasts, of whichever care-of address."""
        return self.binding is not None and now < self.binding.until

    @property
    def care_of_address(self) -> bytes | None:
        """The care-of address that was acknowledged last."""
        return None if self.binding is None else self.binding.care_of_address

    @property
    def home_agent(self) -> bytes | None:
        """The home agent that acknowledged it."""
        return None if self.binding is None else self.binding.home_agent

    @property
    def asked_agent(self) -> bytes | None:
        """The home agent that the last Binding Update went to."""
        return self.updates.agent

    @property
    def attempts(self) -> int:
        """How many updates went out of the purpose of now."""
        return self._outstanding.attempts

    @property
    def wait_s(self) -> float:
        """How long the answer to the last one of these is waited for."""
        return self._outstanding.wait_s

    @property
    def next_update(self) -> float | None:
        """When the next update goes out of its own accord, or what follows an unanswered one."""
        return earliest(self._timers.get(Alarm.SEND), self._timers.get(Alarm.REFRESH))

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        deadlines = self._timers.next(), self.agents.next_deadline()
        return min((deadline for deadline in deadlines if deadline is not None), default=None)
