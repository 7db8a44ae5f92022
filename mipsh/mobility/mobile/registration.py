"""The home registration of one home address (RFC 6275 sections 11.5.5, 11.7.1, 11.7.3 and 11.8).

Choices that the clauses leave open: Updates are repeated for as long as there is a place to send
them from, every 32 s in the end. A rejected update is tried again, 1.5 s later and twice as long
each time, up to ``refused_for_s``. A home agent that was discovered is given up after two
rejections or eight unanswered updates: the next one of the list is tried, and behind the last one
discovery begins anew. Back at home, the home address is used on the link without an acknowledgement
after three updates, while more of them are sent. A deregistration away from home, which somebody asked for,
is given up after four updates without an answer; whether it was accepted or not, the home address
stays without a registration until another one is asked for or the mobile node moves.
"""

from math import ceil

from mipsh.mobility import serial
from mipsh.mobility.constants import INITIAL_BINDACK_TIMEOUT_FIRST_S, INITIAL_BINDACK_TIMEOUT_S
from mipsh.mobility.effects import (
    AddressAdded,
    AddressFailed,
    AddressReady,
    AddressRemoved,
    Effect,
    Emit,
    FindDefender,
    InstallRoute,
    NeighbourFound,
    NeighbourLost,
    Protection,
    RemoveRoute,
)
from mipsh.mobility.mobile.follower import Binding
from mipsh.mobility.mobile.home_machine import HOME_REGISTRATION, LEAVABLE, Input, State
from mipsh.mobility.mobile.home_status import Alarm, HomeStatus
from mipsh.mobility.mobile.home_update import Neighbour
from mipsh.mobility.mobile.movement import Place
from mipsh.mobility.mobile.routers import FOREVER
from mipsh.mobility.status import AckStatus
from mipsh.wire.address import text
from mipsh.wire.mobility import (
    BA_MOBILE_ROUTER,
    LIFETIME_UNIT_S,
    BindingAcknowledgement,
)
from mipsh.wire.packet import Packet

REGISTERED, DEREGISTERED = "mip6MnRegistered", "mip6MnDeRegistered"
MOVED, EXPIRED = "mip6MnCOAChanged", "mip6MnBindingExpiredAtHA"
"""Notifications of MOBILEIPV6-MIB (RFC 4295)."""
REFUSED, DUPLICATE, PREFIX_ENDED = "mnHomeRegistrationRefused", "mnHomeAddressDuplicate", "mnHomePrefixEnded"

HomeAddressSignal = NeighbourFound | NeighbourLost | AddressReady | AddressFailed

FAILURES_BEFORE_NEXT = 2
UNANSWERED_BEFORE_NEXT = 8
UPDATES_BEFORE_LOCAL_USE = 3
UPDATES_BEFORE_END = 4
DUPLICATE_AGAIN_S = 60.0
SHORTEST_REFRESH_S = 0.1
MOST_DOUBLINGS = 16


class HomeRegistration(HomeStatus):
    """Carries the registration of one home address through its states."""

    def advance(self, now: float) -> list[Effect]:
        """Do what is due."""
        effects = self.agents.advance(now)
        for alarm in self._timers.due(now):
            self._trace.timer(f"home registration {alarm.name.lower()}", text(self.home.address))
            effects += self._ring(alarm, now)
        return effects

    def _ring(self, alarm: Alarm, now: float) -> list[Effect]:
        if alarm is Alarm.SEND:
            return self._again(now)
        if alarm is Alarm.REFRESH:
            return self.refresh(now)
        if alarm is Alarm.EXPIRE:
            return self._expire(now)
        return [] if self.is_home else self._end_prefix(now)

    # Where the mobile node is.

    def placed(self, place: Place | None, now: float) -> list[Effect]:
        """Take note of where the mobile node is; nothing happens where that is where it was."""
        before, self.place = self.place, place
        if place is not None:
            self._link.note(place)
        if _where(before) == _where(place):
            return []
        if self.state is State.LEAVING:
            return [*self._left(Input.EXPIRED), *self._go(now)]
        return self._go(now)

    def _go(self, now: float) -> list[Effect]:
        """Do what being elsewhere than before calls for."""
        if self.is_home:
            return self._return(now)
        if self.state is State.ENDED:
            return []
        if self.state is State.WITHDRAWING:
            return self._end(Input.DETACH)
        care_of_address = self._here
        return self._detach(now) if care_of_address is None else self._attach(care_of_address, now)

    def _detach(self, now: float) -> list[Effect]:
        self._rest()
        self._step(Input.DETACH)
        return self._follower.moving(now)

    def _attach(self, care_of_address: bytes, now: float) -> list[Effect]:
        """Register a care-of address, unless it is registered still."""
        self._rest()
        self._has_met_defender = False
        effects = [*self._link.remove(), *self._follower.moving(now)]
        binding = self._registered_still(care_of_address, now)
        if self.state is State.NOWHERE and binding is not None:
            self._step(Input.RESUME)
            # What the home agent said meanwhile was not heard: the registration is made sure of.
            self._timers.set(Alarm.REFRESH, now + SHORTEST_REFRESH_S)
            return [*effects, *self._follower.registered(binding, AckStatus.ACCEPTED, now)]
        if self.agents.current is None:
            self._step(Input.ATTACH_UNKNOWN)
            return [*effects, *self.agents.ask(care_of_address, now)]
        self._step(Input.ATTACH)
        return [*effects, *self._begin(now)]

    def _registered_still(self, care_of_address: bytes, now: float) -> Binding | None:
        """Return the registration of a care-of address, if the last update asked for nothing else."""
        if self.binding is None or not self.is_bound(now):
            return None
        asked = self.updates.care_of_address, self.updates.agent
        acknowledged = self.binding.care_of_address, self.binding.home_agent
        is_same = asked == acknowledged and self.binding.care_of_address == care_of_address
        return self.binding if is_same else None

    def _return(self, now: float) -> list[Effect]:
        """Come home: deregister where the home agent has a binding or may have one (section 11.5.5)."""
        self._rest()
        was_ended = self.state is State.ENDED
        effects = [*self._link.remove(), *self._follower.moving(now)]
        may_be_bound = self.is_bound(now) or now < self.updates.possible_until
        if may_be_bound and self.state is not State.WITHDRAWING and not was_ended:
            self._step(Input.RETURN_BOUND)
            return [*effects, FindDefender(self._link.interface, self.home.address)]
        self._step(Input.RETURN_FREE)
        if was_ended:
            effects.append(AddressAdded(self.home.address))
        return [*effects, *self._test()]

    def _rest(self) -> None:
        """Stop what was under way at the place before."""
        self._timers.cancel(Alarm.SEND)
        self._timers.cancel(Alarm.REFRESH)
        self._outstanding.clear()
        self.agents.stop()
        self._is_settled = False

    def _test(self) -> list[Effect]:
        """Find out whether the home address is free on the home link, as for any address."""
        return self._link.assign(detect=True)

    def signal(self, signal: HomeAddressSignal, now: float) -> list[Effect]:
        """Take in what a link says of the home address; the home link, if it counts."""
        if not self.is_home or signal.interface != self._link.interface:
            return []
        if isinstance(signal, NeighbourFound):
            return self._found(signal.link_layer, now)
        if isinstance(signal, NeighbourLost):
            return self._found(None, now)
        if isinstance(signal, AddressReady):
            return self._ready(now) if self.state is State.TESTING else []
        return self._failed(now)

    def _found(self, link_layer: bytes | None, now: float) -> list[Effect]:
        """Deregister at who defends the home address, or where nobody does, at the home agent all the same.

        Where no registration was acknowledged and nobody defends the address, there is nothing to end.
        """
        if self.state is not State.FINDING:
            return []
        if link_layer is None and not self.is_bound(now):
            self._step(Input.EXPIRED)
            return self._test()
        self._has_met_defender = True
        self._neighbour = Neighbour(self._link.interface, link_layer)
        self._step(Input.FOUND)
        return [*self._link.assign(detect=False), *self._begin(now)]

    def _ready(self, now: float) -> list[Effect]:
        self._step(Input.READY)
        self._has_met_defender = False
        self.binding, self.updates.possible_until = None, 0.0
        effects = self._follower.at_home(now)
        if self.agents.current is None:
            effects += self.agents.ask(self.home.address, now)
        return effects

    def _failed(self, now: float) -> list[Effect]:
        """Take note that somebody has the home address: the home agent, for a binding that is forgotten, or another."""
        if self.state is State.TESTING and self.agents.current is not None and not self._has_met_defender:
            self.updates.agent = self.agents.current
            self._step(Input.DEFENDED)
            return [FindDefender(self._link.interface, self.home.address)]
        if self.state not in (State.TESTING, State.AT_HOME):
            return []
        self._step(Input.FAILED)
        self._timers.set(Alarm.SEND, now + DUPLICATE_AGAIN_S)
        return [Emit(DUPLICATE, self.home.address), *self._follower.lost(now)]

    # Binding Updates.

    def discovered(self, now: float) -> list[Effect]:
        """Take note that home agents were found."""
        if self.state is not State.DISCOVERING:
            return []
        self._step(Input.DISCOVERED)
        return self._begin(now)

    def refresh(self, now: float) -> list[Effect]:
        """Register the same care-of address once more, unless that is under way."""
        if self.state is not State.REGISTERED:
            return []
        self._step(Input.REFRESH)
        return self._begin(now)

    def trigger(self, now: float, lifetime_s: float | None = None) -> list[Effect]:
        """Send a Binding Update now instead of later, away from home; nothing where none is to be sent.

        With ``lifetime_s`` it asks for another lifetime than what is configured, in whole units of 4
        seconds and no more than there can be; 0 deregisters.
        """
        if lifetime_s == 0:
            return self._leave(now)
        units = None if lifetime_s is None else ceil(lifetime_s / LIFETIME_UNIT_S)
        if self.state is State.REGISTERED:
            self._step(Input.REFRESH)
            return self._begin(now, units)
        if self.state is State.REFUSED:
            return self._retry(now, units)
        if self.state in (State.LEAVING, State.UNREGISTERED):
            self._rest()
            self._step(Input.REGISTER)
            return self._begin(now, units)
        if self.state not in (State.REGISTERING, State.REFRESHING):
            return []
        self.updates.units = units
        self._step(Input.AGAIN)
        return self._send(now)

    def _leave(self, now: float) -> list[Effect]:
        """Deregister from here, and be without a registration from now on (section 11.7.1)."""
        if self.state is State.LEAVING:
            self._step(Input.AGAIN)
            return self._send(now)
        if self.state not in LEAVABLE:
            return []
        self._rest()
        self._step(Input.LEAVE)
        return [*self._follower.lost(now), *self._begin(now)]

    def _begin(self, now: float, units: int | None = None) -> list[Effect]:
        """Send the first update of another purpose; those that repeat it ask for the same lifetime."""
        is_first = not self.is_bound(now)
        self.updates.units = units
        self._outstanding.begin(INITIAL_BINDACK_TIMEOUT_FIRST_S if is_first else INITIAL_BINDACK_TIMEOUT_S)
        return self._send(now)

    def _send(self, now: float) -> list[Effect]:
        """Send an update with the next sequence number, or a little later where there were too many."""
        is_ending = self.state in (State.DEREGISTERING, State.WITHDRAWING, State.LEAVING)
        agent = self.updates.agent if is_ending else self.agents.current
        opens = self._outstanding.opens(now)
        if opens > now or self.place is None or agent is None:
            self._timers.set(Alarm.SEND, opens)
            return []
        neighbour = self._neighbour if self.is_home else None
        update, deadline = self.updates.send(self.place, agent, neighbour, now, is_ending=is_ending)
        self._timers.set(Alarm.SEND, deadline)
        return [update]

    def _again(self, now: float) -> list[Effect]:
        """Do what waiting for an answer, or for another try, has ended for."""
        attempts = self._outstanding.attempts
        if self.state is State.REFUSED:
            return self._retry(now)
        if self.state is State.DUPLICATE:
            self._step(Input.AGAIN)
            return self._test()
        if self.state is State.REGISTERING and self.agents.is_discovered and attempts >= UNANSWERED_BEFORE_NEXT:
            return self._next_agent(now)
        if self.state is State.WITHDRAWING and attempts >= UPDATES_BEFORE_END:
            return self._end(Input.EXPIRED)
        if self.state is State.LEAVING and attempts >= UPDATES_BEFORE_END:
            return self._left(Input.EXPIRED)
        effects: list[Effect] = []
        if self.state is State.DEREGISTERING and attempts >= UPDATES_BEFORE_LOCAL_USE:
            if not self.is_bound(now):
                return self._not_bound()
            effects = self._settle(now)
        self._step(Input.AGAIN)
        return [*effects, *self._send(now)]

    def _retry(self, now: float, units: int | None = None) -> list[Effect]:
        if self.agents.is_discovered and self._refusals % FAILURES_BEFORE_NEXT == 0:
            return self._next_agent(now, units)
        self._step(Input.AGAIN)
        return self._begin(now, units)

    def _next_agent(self, now: float, units: int | None = None) -> list[Effect]:
        """Turn to the next home agent of the list; behind the last one, ask for home agents anew."""
        if self.agents.move_on():
            self._step(Input.AGAIN)
            return self._begin(now, units)
        self._step(Input.NEXT)
        self._outstanding.clear()
        return [] if self._here is None else self.agents.ask(self._here, now)

    # Answers.

    def acknowledged(
        self, packet: Packet, message: BindingAcknowledgement, protection: Protection | None, now: float
    ) -> list[Effect]:
        """Take in a Binding Acknowledgement; one that answers nothing is dropped (section 11.7.3)."""
        if not self.updates.may_answer(packet, protection, self.place):
            return []
        if message.status == AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW:
            return self._catch_up(message.sequence, now)
        sent = self._outstanding.take(message.sequence)
        if sent is None:
            return []
        if message.status >= AckStatus.REASON_UNSPECIFIED:
            return self._rejected(message.status, now)
        if self.state is State.DEREGISTERING:
            return self._deregistered(Input.ACCEPTED, now)
        if self.state is State.WITHDRAWING:
            return self._end(Input.ACCEPTED)
        if self.state is State.LEAVING:
            return self._left(Input.ACCEPTED)
        if self.home.is_mobile_router and not message.flags & BA_MOBILE_ROUTER:
            return [*self._withdraw(packet.source, now), *self._rejected(message.status, now)]
        lifetime_s = min(message.lifetime, sent.lifetime) * LIFETIME_UNIT_S
        if lifetime_s == 0 or self._here is None:
            return self._rejected(message.status, now)
        binding = Binding(self._here, packet.source, max(sent.time + lifetime_s, now), lifetime_s)
        self._refresh_at = sent.time + self.updates.refresh_interval(message, lifetime_s)
        return self._accepted(binding, message.status, now)

    def _withdraw(self, agent: bytes, now: float) -> list[Effect]:
        """Deregister at a home agent that took a mobile router for a host (RFC 3963 section 5.3), unless too often."""
        if self.place is None or self._outstanding.opens(now) > now:
            return []
        return [self.updates.send(self.place, agent, None, now, is_ending=True)[0]]

    def _catch_up(self, sequence: int, now: float) -> list[Effect]:
        """Go on behind the sequence number that the home agent accepted last, a few times at once."""
        if serial.is_overtaken(sequence, self.updates.sequence):
            return []
        self.updates.sequence = sequence
        self._outstanding.clear()
        if self._outstanding.attempts >= UNANSWERED_BEFORE_NEXT:
            return []
        self._step(Input.AGAIN)
        return self._send(now)

    def _accepted(self, binding: Binding, status: int, now: float) -> list[Effect]:
        """Take note of a registration; its lifetime began when its update was sent."""
        is_first = not self.is_bound(now)
        is_new = is_first or (self.care_of_address, self.home_agent) != (binding.care_of_address, binding.home_agent)
        self._step(Input.ACCEPTED)
        self._refusals = 0
        self.binding, self.updates.possible_until = binding, binding.until
        self._timers.cancel(Alarm.SEND)
        self._timers.set(Alarm.EXPIRE, binding.until)
        self._timers.set(Alarm.REFRESH, max(self._refresh_at, now + SHORTEST_REFRESH_S))
        effects: list[Effect] = []
        if is_new:
            self._has_route = True
            addresses = self.home.address, binding.care_of_address
            event = REGISTERED if is_first else MOVED
            effects.append(InstallRoute(*addresses, None, binding.home_agent))
            effects.append(Emit(event, *addresses, binding.home_agent))
        return [*effects, *self._follower.registered(binding, status, now)]

    def _rejected(self, status: int, now: float) -> list[Effect]:
        if self.state is State.DEREGISTERING:
            return self._not_bound() if status == AckStatus.NOT_HOME_AGENT else []
        if self.state is State.WITHDRAWING:
            return self._end(Input.REJECTED)
        if self.state is State.LEAVING:
            return self._left(Input.REJECTED, status)
        wait_s = INITIAL_BINDACK_TIMEOUT_FIRST_S * 2 ** min(self._refusals, MOST_DOUBLINGS)
        wait_s = min(wait_s, self.parameters.refused_for_s)
        return self._refuse(f"status {status}", wait_s, now)

    def _refuse(self, detail: str, wait_s: float, now: float) -> list[Effect]:
        """Take note that the home agent wants no registration, and try again later."""
        home_agent = self.updates.agent
        self._rest()
        self._step(Input.REJECTED)
        self._refusals += 1
        self._timers.set(Alarm.SEND, now + wait_s)
        refused = Emit(REFUSED, self.home.address, self._here, home_agent, detail)
        return [*self._unbind(), refused, *self._follower.lost(now)]

    @property
    def _here(self) -> bytes | None:
        return None if self.place is None else self.place.care_of_address

    def _unbind(self) -> list[Effect]:
        """Forget the registration, and with it the tunnel."""
        self._timers.cancel(Alarm.EXPIRE)
        self._timers.cancel(Alarm.REFRESH)
        self.binding, self.updates.possible_until = None, 0.0
        if not self._has_route:
            return []
        self._has_route = False
        return [RemoveRoute(self.home.address)]

    def _not_bound(self) -> list[Effect]:
        """Take the home agent to have no binding: the home address is tested as any other (section 11.7.3)."""
        self._rest()
        self._step(Input.REJECTED)
        return [*self._unbind(), *self._test()]

    def _settle(self, now: float) -> list[Effect]:
        """Use the home address on the link, though the home agent has not answered yet."""
        if self._is_settled:
            return []
        self._is_settled = True
        return [*self._link.announce(), *self._follower.at_home(now)]

    def _deregistered(self, event: Input, now: float) -> list[Effect]:
        """Take the home address back, and tell the link so (section 11.5.5)."""
        self._rest()
        self._step(event)
        gone = Emit(DEREGISTERED, self.home.address, None, self.updates.agent, event.name.lower())
        return [*self._unbind(), gone, *self._link.announce(), *self._follower.at_home(now)]

    def _left(self, event: Input, status: int = AckStatus.ACCEPTED) -> list[Effect]:
        """Take note of how a deregistration ended that was asked for away from home.

        Where the home agent did not say that it has no binding, it may have one still.
        """
        is_over = event is Input.ACCEPTED or status == AckStatus.NOT_HOME_AGENT
        possible_until = 0.0 if is_over else self.updates.possible_until
        effects = self._end(event)
        self.updates.possible_until = possible_until
        addresses = self.home.address, self._here, self.updates.agent
        if event is Input.REJECTED:
            return [*effects, Emit(REFUSED, *addresses, f"status {status}")]
        return [*effects, Emit(DEREGISTERED, *addresses, event.name.lower())]

    def unsupported(self, sequence: int | None, now: float) -> list[Effect]:
        """Take in that the home agent does not know Mobile IPv6 (sections 11.3.5 and 11.3.6): stop for long.

        ``sequence`` is the quoted Binding Update's, where the answer quotes one. Of a home agent that has
        acknowledged a binding which still holds, it is not believed: anybody can send such a message.
        """
        if self.is_bound(now) and self.home_agent == self.asked_agent:
            return []
        if not self._outstanding or (sequence is not None and sequence not in self._outstanding):
            return []
        if self.state not in (State.REGISTERING, State.REFRESHING):
            return []
        return self._refuse("not supported", self.parameters.refused_for_s, now)

    # What ends.

    def _expire(self, now: float) -> list[Effect]:
        """Take note that the registration ended without an answer to its refresh."""
        if self.state is State.FINDING:
            self._step(Input.EXPIRED)
            return [*self._unbind(), *self._test()]
        if self.state is State.DEREGISTERING:
            return self._deregistered(Input.EXPIRED, now)
        if self.state is State.WITHDRAWING:
            return self._end(Input.EXPIRED)
        if self.state is State.LEAVING:
            return self._left(Input.EXPIRED)
        is_renewed = self.state in (State.REGISTERED, State.REFRESHING)
        possible_until = self.updates.possible_until
        self._step(Input.EXPIRED)
        expired = Emit(EXPIRED, self.home.address, self.care_of_address, self.home_agent)
        effects = [*self._unbind(), expired, *self._follower.lost(now)]
        self.updates.possible_until = possible_until
        return [*effects, *self._begin(now)] if is_renewed else effects

    def prefix(self, valid_until: float, now: float) -> list[Effect]:
        """Take note of when the home prefix ends; a registration ends no later (section 11.4.3)."""
        self.updates.home_valid_until = valid_until
        self._timers.cancel(Alarm.PREFIX)
        if valid_until <= now:
            return [] if self.is_home else self._end_prefix(now)
        if valid_until < FOREVER:
            self._timers.set(Alarm.PREFIX, valid_until)
        is_longer = self.binding is not None and self.binding.until > valid_until
        if not is_longer or self.state not in (State.REGISTERED, State.REFRESHING):
            return []
        self._step(Input.REFRESH)
        return self._begin(now)

    def _end_prefix(self, now: float) -> list[Effect]:
        """Stop using the home address, and deregister it where it is registered (section 11.4.3)."""
        if self.state in (State.WITHDRAWING, State.ENDED):
            return []
        ended = Emit(PREFIX_ENDED, self.home.address, self._here)
        return [ended, *self._leave_off(self.state is State.LEAVING or self.is_registered(now), now)]

    def _leave_off(self, is_registered: bool, now: float) -> list[Effect]:
        """Use the home address no more, and deregister it from here where it is registered."""
        effects = [AddressRemoved(self.home.address), *self._link.remove(), *self._follower.lost(now)]
        self._rest()
        if is_registered:
            self._step(Input.PREFIX_ENDS_BOUND)
            return [*effects, *self._begin(now)]
        self._step(Input.PREFIX_ENDS)
        return [*effects, *self._unbind()]

    def stop(self, now: float) -> list[Effect]:
        """End for good: away from home, deregister from here what the home agent has or may have.

        At home there is nothing to end, or it is being ended.
        """
        if self.is_home or self.state in (State.WITHDRAWING, State.ENDED):
            return []
        is_asked = self.state is State.REGISTERING and now < self.updates.possible_until
        is_asked |= self.state is State.LEAVING
        return self._leave_off(is_asked or self.is_registered(now), now)

    @property
    def is_ending(self) -> bool:
        """Tell whether the end of a registration is under way: its acknowledgement is awaited."""
        return self.state in (State.FINDING, State.DEREGISTERING, State.WITHDRAWING, State.LEAVING)

    def _end(self, event: Input) -> list[Effect]:
        self._rest()
        self._step(event)
        return self._unbind()

    def _step(self, event: Input) -> None:
        self.state = self._trace.step(HOME_REGISTRATION, text(self.home.address), self.state, event)


def _where(place: Place | None) -> tuple[str, bytes | None] | None:
    return None if place is None else (place.interface, place.care_of_address)
