"""The Binding Updates of a home registration: their numbers, their lifetimes, and what may answer them."""

from mipsh.mobility import serial
from mipsh.mobility.effects import Protection, Purpose, Send
from mipsh.mobility.mobile.home_update import Neighbour, home_update, protection_of
from mipsh.mobility.mobile.movement import Place
from mipsh.mobility.mobile.outstanding import Outstanding
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.mobile.routers import FOREVER
from mipsh.mobility.nonces import Entropy
from mipsh.wire.mobility import LIFETIME_UNIT_S, BindingAcknowledgement, BindingRefreshAdvice
from mipsh.wire.packet import Packet

MOST_UNITS = 0xFFFF


class HomeUpdates:
    """The updates of one home address.

    ``agent`` is whom the last one went to, and ``care_of_address`` what it asked for, None at home.
    Until ``possible_until`` a home agent may have a binding, whether or not it acknowledged one.
    ``home_valid_until`` is when the home prefix ends. ``units`` is a lifetime that was asked for, in
    units of 4 seconds, in place of the one that is configured.
    """

    def __init__(self, home: Home, parameters: MobileNodeParameters, entropy: Entropy) -> None:
        self.home = home
        self.parameters = parameters
        self.sequence = int.from_bytes(entropy(2))
        self.outstanding = Outstanding()
        self.agent: bytes | None = None
        self.care_of_address: bytes | None = None
        self.possible_until = 0.0
        self.home_valid_until = FOREVER
        self.units: int | None = None

    @property
    def wanted_s(self) -> float:
        """The lifetime that is asked for, where there can be that much."""
        return self.parameters.home_lifetime_s if self.units is None else self.units * LIFETIME_UNIT_S

    def send(
        self, place: Place, agent: bytes, neighbour: Neighbour | None, now: float, *, is_ending: bool
    ) -> tuple[Send, float]:
        """Return the next update, and until when its answer is waited for."""
        lifetime = 0 if is_ending else self._lifetime(place, now)
        self.sequence = serial.following(self.sequence)
        self.agent, self.care_of_address = agent, place.care_of_address
        self.possible_until = max(self.possible_until, now + lifetime * LIFETIME_UNIT_S)
        whose = self.home, self.parameters, place, agent
        update = home_update(*whose, sequence=self.sequence, lifetime=lifetime, neighbour=neighbour)
        return update, self.outstanding.add(self.sequence, lifetime, now)

    def _lifetime(self, place: Place, now: float) -> int:
        """Return the lifetime to ask for in units: no more than home and care-of address have left."""
        left_s = min(self.wanted_s, place.valid_until - now, self.home_valid_until - now)
        return max(min(int(left_s // LIFETIME_UNIT_S), MOST_UNITS), 1)

    def may_answer(self, packet: Packet, protection: Protection | None, place: Place | None) -> bool:
        """Tell whether a packet can be an answer: by its addresses, its way and its protection (section 11.7.3)."""
        if place is None or not self.outstanding or packet.source != self.agent:
            return False
        required = protection_of(self.home, self.parameters, Purpose.REGISTRATION)
        if required is not None and protection != required:
            return False
        is_here = packet.destination == (place.care_of_address or self.home.address)
        return is_here and packet.covered_destination == self.home.address

    def refresh_interval(self, message: BindingAcknowledgement, lifetime_s: float) -> float:
        """Return after how long to refresh: as advised, where that is before the end (section 6.2.4)."""
        for option in message.options:
            if isinstance(option, BindingRefreshAdvice) and 0 < option.interval * LIFETIME_UNIT_S < lifetime_s:
                return float(option.interval * LIFETIME_UNIT_S)
        return lifetime_s * self.parameters.refresh_at
