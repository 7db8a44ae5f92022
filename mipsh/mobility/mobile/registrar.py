"""Carries the registrations with correspondents through their states (RFC 6275 sections 11.6 to 11.8).

It sends what is to be sent, again and in time; whether, and what an answer is worth, is decided by
``RouteOptimisation``.
"""

from enum import Enum, auto

from mipsh.mobility import serial
from mipsh.mobility.constants import MAX_RR_BINDING_LIFETIME_S
from mipsh.mobility.effects import Effect, Emit, InstallRoute, Protection, Purpose, RemoveRoute, Send
from mipsh.mobility.mobile import correspondent_update
from mipsh.mobility.mobile.correspondent_update import SentUpdate
from mipsh.mobility.mobile.parameters import MobileNodeParameters
from mipsh.mobility.mobile.return_routability import AddressTest
from mipsh.mobility.mobile.return_routability import State as TestState
from mipsh.mobility.mobile.update_list import (
    AWAITING,
    CORRESPONDENT_REGISTRATION,
    ENDING,
    HOLDING,
    UNHEEDED,
    Deadlines,
    Input,
    Registration,
    State,
    UpdateList,
    UpdateListEntry,
)
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.paths import in_tunnel
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.mobility import LIFETIME_UNIT_S, CareOfTest, HomeTest, HomeTestInit, MobilityHeader, NonceIndices
from mipsh.wire.packet import Packet

REFUSED = "mnRouteOptimisationRefused"
"""The event for a peer that is left alone; why is in its detail."""
SEQUENCE_SIZE = 2


class Alarm(Enum):
    """What a deadline is for."""

    HOME_TEST = auto()
    CARE_OF_TEST = auto()
    UPDATE = auto()
    LIFETIME = auto()


class Registrar:
    """The registrations of one home address.

    ``care_of_address`` is None unless it is registered with ``home_agent``, which lasts until
    ``until``. ``optimised`` are the states in which packets go by the care-of address.
    """

    def __init__(self, home_address: bytes, entropy: Entropy, parameters: MobileNodeParameters, trace: Trace) -> None:
        self.home_address = home_address
        self.parameters = parameters
        self.optimised = HOLDING | UNHEEDED if parameters.optimise_before_complete else HOLDING
        self.list = UpdateList(parameters.max_correspondents, self.optimised)
        self.care_of_address: bytes | None = None
        self.home_agent = addresses.UNSPECIFIED
        self.until = 0.0
        self._entropy = entropy
        self._trace = trace
        self._timers: Timers[tuple[bytes, Alarm]] = Timers()

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self._timers.next()

    def advance(self, now: float) -> list[Effect]:
        """Do what is due at a time."""
        effects: list[Effect] = []
        for peer, alarm in self._timers.due(now):
            self._trace.timer(alarm.name.lower().replace("_", " "), addresses.text(peer))
            effects += self._ring(self.list[peer], alarm, now)
        return effects

    @property
    def entries(self) -> tuple[UpdateListEntry, ...]:
        """The Binding Update List as it may be shown, the least recently used entry first."""
        return tuple(r.entry(self.home_address, self._deadlines(r.peer)) for r in self.list)

    def _deadlines(self, peer: bytes) -> Deadlines:
        home, care_of, update, lifetime = (self._timers.get((peer, alarm)) for alarm in Alarm)
        return Deadlines(home, care_of, update, lifetime)

    # From the beginning to the end.

    def add(self, peer: bytes, now: float) -> Registration | None:
        """Return a registration with a new peer, None where there is no room; its first sequence number is random."""
        has_room, removed = self.list.make_room()
        if removed is not None:
            self._quieten(removed)
        if not has_room:
            return None
        registration = Registration(peer, int.from_bytes(self._entropy(SEQUENCE_SIZE)), now, self._trace)
        self.list.add(registration)
        return registration

    def begin(self, registration: Registration, now: float) -> list[Effect]:
        """Start return routability with a peer that has no binding."""
        registration.units = None
        effects = self._step(registration, Input.TRIGGER)
        return effects + self._start_both(registration, now)

    def renew(self, registration: Registration, now: float) -> list[Effect]:
        """Test anew and bind anew, while packets go by the binding that there is."""
        self._timers.set((registration.peer, Alarm.LIFETIME), registration.expires)
        registration.sending.restart()
        registration.units = None
        effects = self._step(registration, Input.RENEW)
        return effects + self._start_both(registration, now)

    def trigger(self, registration: Registration, units: int | None, now: float) -> list[Effect]:
        """Bind anew as soon as it can be, or for the first time; what is under way already goes on.

        ``units`` is the lifetime to ask for, None for the longest one; later updates ask for that again.
        """
        effects = self._over(registration, Input.FORGIVE) if registration.state is State.REFUSED else []
        if registration.state is State.ABSENT:
            effects += self.begin(registration, now)
        elif registration.state is State.BOUND:
            effects += self.renew(registration, now)
        registration.units = units
        return effects or (self.again(registration, now) if registration.awaits_acknowledgement else [])

    def release(self, registration: Registration, now: float) -> list[Effect]:
        """Have a peer delete the binding that it has or may have; a deletion that is not acknowledged goes again."""
        if registration.state in ENDING:
            return self.again(registration, now) if registration.awaits_acknowledgement else []
        return self.leave(registration, Input.RELEASE, now)

    def flush(self) -> tuple[int, list[Effect]]:
        """Forget all peers without a word to them, and return how many there were; only numbers stay."""
        known = [registration for registration in self.list if registration.state is not State.ABSENT]
        effects: list[Effect] = []
        for registration in known:
            event = Input.FORGIVE if registration.state is State.REFUSED else Input.DISCARD
            effects += self._over(registration, event)
        return len(known), effects

    def use(self, registration: Registration, now: float) -> None:
        """Take note that packets come or go; where its time to be refreshed has come, this wakes ``advance``."""
        self.list.use(registration, now)
        if registration.state is State.BOUND and now >= registration.refresh:
            self._timers.set((registration.peer, Alarm.LIFETIME), now)

    def leave(self, registration: Registration, event: Input, now: float) -> list[Effect]:
        """Stop what goes by the care-of address: SUSPEND or RELEASE a peer that may have a binding, drop others.

        A home token stays, to be used again. A peer that did not answer may do so from elsewhere.
        """
        registration.units = None
        state = registration.state
        is_held = registration.held_until > now
        if state is State.REFUSED and not is_held:
            return self._over(registration, Input.FORGIVE) if registration.is_silent else []
        if state is State.ABSENT or (state is State.WAITING and event is Input.SUSPEND):
            return []
        if state in ENDING and event is Input.RELEASE:
            return []
        if not is_held:
            return self._over(registration, Input.DISCARD)
        self._quieten(registration)
        registration.care_of.stop()
        if registration.home.state is TestState.WAITING:
            registration.home.stop()
        effects = self._step(registration, event)
        if event is Input.RELEASE:
            effects += self._start(registration, registration.home, now)
        return effects

    def resume(self, registration: Registration, now: float) -> list[Effect]:
        """Tell a peer that has a binding of the new care-of address; the home token is used while it holds."""
        if registration.held_until <= now:
            return self._over(registration, Input.DISCARD)
        effects = self._step(registration, Input.RESUME)
        if registration.home.token(now) is None:
            effects += self._start(registration, registration.home, now)
        return effects + self._start(registration, registration.care_of, now)

    def answered(
        self, registration: Registration, test: AddressTest, message: HomeTest | CareOfTest, now: float
    ) -> list[Effect]:
        """Take in the answer to a test, if it is one."""
        if not test.answer(message, now):
            return []
        self._timers.cancel((registration.peer, _alarm(test)))
        return self._go_on(registration, now)

    def accepted(self, registration: Registration, sent: SentUpdate, until: float, now: float) -> list[Effect]:
        """Let an update be accepted until a time; one that outlives the home registration is made to end earlier."""
        registration.failures = 0
        registration.units = None
        self._timers.cancel((registration.peer, Alarm.UPDATE))
        if registration.state in ENDING:
            registration.held_until = now
            return self._over(registration, Input.ACCEPT)
        if until <= now:
            return self.refuse(registration, "no lifetime", now)
        registration.held_until = until
        effects = self._bound(registration, Input.ACCEPT, sent, until)
        return effects + self.renew(registration, now) if until > self.until else effects

    def again(self, registration: Registration, now: float) -> list[Effect]:
        """Send another update in place of one that was rejected; tests whose tokens do not hold come first."""
        registration.sending.restart()
        self._timers.cancel((registration.peer, Alarm.UPDATE))
        effects = self._step(registration, Input.RETEST) if registration.state is State.BOUND else []
        return effects + self._go_on(registration, now)

    def ended(self, registration: Registration, now: float) -> list[Effect]:
        """Send through the tunnel what went by a binding that is no more; another one on its way is awaited."""
        registration.expires = registration.held_until = now
        if registration.state is State.BOUND:
            return self._over(registration, Input.EXPIRE)
        return self._step(registration, Input.EXPIRE)

    def refuse(self, registration: Registration, reason: str, now: float, is_silent: bool = False) -> list[Effect]:
        """Leave a peer alone for some time; one whose binding was to be deleted just has it until it ends."""
        told = Emit(REFUSED, self.home_address, self.care_of_address, registration.peer, reason)
        registration.failures = 0
        registration.is_silent = is_silent
        if registration.state in ENDING:
            return [*self._over(registration, Input.DISCARD), told]
        effects = self._over(registration, Input.REFUSE)
        self._timers.set((registration.peer, Alarm.LIFETIME), now + self.parameters.refused_for_s)
        return [*effects, told]

    # Tests.

    def _start_both(self, registration: Registration, now: float) -> list[Effect]:
        effects = self._start(registration, registration.home, now)
        return effects + self._start(registration, registration.care_of, now)

    def _start(self, registration: Registration, test: AddressTest, now: float) -> list[Effect]:
        test.start()
        return self._send_init(registration, test, now)

    def _send_init(self, registration: Registration, test: AddressTest, now: float) -> list[Effect]:
        """Send the next message of a test, or wait until one more may be sent (sections 11.6.1 and 11.8)."""
        key = registration.peer, _alarm(test)
        opens = test.sending.opens(now)
        if opens > now:
            self._timers.set(key, opens)
            return []
        self._timers.set(key, test.sending.sent(now))
        header = MobilityHeader(test.init(self._entropy))
        if test.kind is HomeTestInit:
            return [self._through_home_agent(Packet(self.home_address, registration.peer, header))]
        return [Send(Packet(self._from, registration.peer, header))]

    def _through_home_agent(self, packet: Packet) -> Send:
        """Send a packet through the tunnel while away, protected where it must be."""
        if self.care_of_address is None:
            return Send(packet)
        is_required = Purpose.RETURN_ROUTABILITY in self.parameters.required
        protection = Protection(Purpose.RETURN_ROUTABILITY, self.home_address) if is_required else None
        return Send(in_tunnel(packet.encode(), self.care_of_address, self.home_agent), protection=protection)

    @property
    def _from(self) -> bytes:
        """Where packets that are not tunnelled come from: the care-of address, at home the home address."""
        return self.care_of_address or self.home_address

    # Updates.

    def _go_on(self, registration: Registration, now: float) -> list[Effect]:
        """Send a Binding Update once all tests that it needs are done; tokens that do not hold are got anew."""
        if any(test.state is TestState.WAITING for test in registration.needed):
            return []
        stale = [test for test in registration.needed if test.token(now) is None]
        if not stale:
            return self._send_update(registration, now)
        effects: list[Effect] = []
        if registration.state in AWAITING:
            effects += self._step(registration, Input.RETEST)
            registration.sending.restart()
        for test in stale:
            effects += self._start(registration, test, now)
        return effects

    def _send_update(self, registration: Registration, now: float) -> list[Effect]:
        """Send the next Binding Update, or wait until one more may be sent (sections 11.7.2 and 11.8)."""
        opens = registration.sending.opens(now)
        if opens > now:
            self._timers.set((registration.peer, Alarm.UPDATE), opens)
            return []
        is_deletion = registration.state in ENDING
        units = 0 if is_deletion else self._units(registration, now)
        if not (units or is_deletion):
            return self._over(registration, Input.DISCARD)
        sent = self._next_update(registration, units, now)
        update = Send(correspondent_update.packet(sent, self.home_address, registration.peer))
        answer_until = registration.sending.sent(now)
        if self._asks(registration):
            self._timers.set((registration.peer, Alarm.UPDATE), answer_until)
            return [update, *self._step(registration, Input.ASK)]
        registration.sending.restart()
        if is_deletion:
            return [update, *self._over(registration, Input.TELL)]
        return [update, *self._bound(registration, Input.TELL, sent, registration.held_until)]

    def _next_update(self, registration: Registration, units: int, now: float) -> SentUpdate:
        """Make the next Binding Update, which may be all that the peer knows from now on."""
        registration.sequence = serial.following(registration.sequence)
        tokens = registration.home.token(now) or b"", registration.care_of.token(now) or b""
        indices = NonceIndices(registration.home.index or 0, registration.care_of.index or 0)
        asks = self._asks(registration)
        bare = correspondent_update.update(registration.sequence, units, indices, acknowledge=asks)
        sent = correspondent_update.authorized(bare, tokens, self._from, registration.peer, now)
        registration.last, registration.care_of_address = sent, self._from
        registration.held_until = max(registration.held_until, now + units * LIFETIME_UNIT_S)
        return sent

    def _asks(self, registration: Registration) -> bool:
        """Tell whether an update asks for an acknowledgement: always where the peer is mobile too.

        There the update goes by the peer's home agent, and packets that go straight would overtake it.
        """
        return self.parameters.acknowledge_correspondents or registration.is_mobile

    def _units(self, registration: Registration, now: float) -> int:
        """Return the longest lifetime that may be asked for, or what is wanted, in units of 4 s (section 11.7.2)."""
        wanted_s = self.parameters.correspondent_lifetime_s
        if registration.units is not None:
            wanted_s = registration.units * LIFETIME_UNIT_S
        longest = min(wanted_s, MAX_RR_BINDING_LIFETIME_S, self.until - now)
        return max(int(longest // LIFETIME_UNIT_S), 0)

    def _bound(self, registration: Registration, event: Input, sent: SentUpdate, until: float) -> list[Effect]:
        """Let packets go by a binding until it ends; it is refreshed before that."""
        registration.since, registration.expires = sent.at, until
        registration.refresh = sent.at + (until - sent.at) * self.parameters.refresh_at
        effects = self._step(registration, event)
        self._timers.set((registration.peer, Alarm.LIFETIME), registration.refresh)
        return effects

    # Transitions and deadlines.

    def _over(self, registration: Registration, event: Input) -> list[Effect]:
        """End all that runs with a peer, and forget its tokens."""
        self._quieten(registration)
        registration.home.stop()
        registration.care_of.stop()
        return self._step(registration, event)

    def _quieten(self, registration: Registration) -> None:
        """Let nothing happen with a peer of its own accord."""
        registration.sending.restart()
        for alarm in Alarm:
            self._timers.cancel((registration.peer, alarm))

    def _step(self, registration: Registration, event: Input) -> list[Effect]:
        """Take a transition; say so where it changes which way packets go."""
        peer, before = registration.peer, registration.state
        after = self._trace.step(CORRESPONDENT_REGISTRATION, addresses.text(peer), before, event)
        registration.state = after
        if before in HOLDING and after not in HOLDING:
            self._timers.cancel((peer, Alarm.LIFETIME))
        if before in self.optimised and after not in self.optimised:
            return [RemoveRoute(self.home_address, peer)]
        if after in self.optimised and before not in self.optimised:
            return [InstallRoute(self.home_address, self._from, peer)]
        return []

    def _ring(self, registration: Registration, alarm: Alarm, now: float) -> list[Effect]:
        if alarm is Alarm.LIFETIME:
            return self._lifetime(registration, now)
        if alarm is Alarm.UPDATE:
            if registration.sending.has_ended:
                return self.refuse(registration, "no acknowledgement", now, is_silent=True)
            return self._go_on(registration, now)
        test = registration.home if alarm is Alarm.HOME_TEST else registration.care_of
        if test.sending.has_ended:
            return self.refuse(registration, "no answer to a test", now, is_silent=True)
        return self._send_init(registration, test, now)

    def _lifetime(self, registration: Registration, now: float) -> list[Effect]:
        """Let a binding end, or refresh it where it was used; let a peer that refused be asked again."""
        if registration.state is State.REFUSED:
            return self._step(registration, Input.FORGIVE)
        if now >= registration.expires:
            return self.ended(registration, now)
        if registration.state is State.BOUND and registration.used > registration.since:
            return self.renew(registration, now)
        self._timers.set((registration.peer, Alarm.LIFETIME), registration.expires)
        return []


def _alarm(test: AddressTest) -> Alarm:
    return Alarm.HOME_TEST if test.kind is HomeTestInit else Alarm.CARE_OF_TEST
