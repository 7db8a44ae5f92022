"""Route optimisation of one home address with all its correspondents (RFC 6275 sections 11.3, 11.6, 11.7).

A packet that goes through the tunnel starts return routability with its peer; once both tests are
done, a Binding Update goes out; once the peer has the binding, packets go by the care-of address.

Choices that the clauses leave open: What is not answered for 63 s (waits of 1, 2, 4, 8, 16 and 32 s) is
given up, and the peer is left alone for ``refused_for_s``, or until the care-of address changes. A
peer that rejects MAX_RO_FAILURE updates in a row for their sequence number or nonces is left alone
likewise. A binding is refreshed while packets come or go. A home keygen token is used again after a
move while it holds; for everything else the home test is made anew.
"""

from collections.abc import Iterable
from enum import Enum, auto

from mipsh.mobility import serial
from mipsh.mobility.constants import MAX_RO_FAILURE_COUNT, MAX_RR_BINDING_LIFETIME_S
from mipsh.mobility.effects import Effect, Emit, InstallRoute, Protection, Purpose, RemoveRoute, Send
from mipsh.mobility.icmp_errors import UNRECOGNIZED_NEXT_HEADER, UNRECOGNIZED_OPTION
from mipsh.mobility.limits import Bucket
from mipsh.mobility.mobile import correspondent_update
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters, Optimisation
from mipsh.mobility.mobile.return_routability import AddressTest
from mipsh.mobility.mobile.return_routability import State as TestState
from mipsh.mobility.mobile.update_list import (
    AWAITING,
    CORRESPONDENT_REGISTRATION,
    ENDING,
    HOLDING,
    Input,
    Registration,
    State,
    UpdateList,
    UpdateListEntry,
)
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.paths import from_care_of_address, in_tunnel, is_never_optimised
from mipsh.mobility.status import NONCE_STATUSES, AckStatus, ErrorStatus
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import Error, ParameterProblem
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    LIFETIME_UNIT_S,
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTest,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.packet import Packet

BINDING_ERROR = "mip6MnBindingErrorMsg"
"""The notification of MOBILEIPV6-MIB (RFC 4295) for a Binding Error that came."""
REFUSED = "mnRouteOptimisationRefused"
HOME_ADDRESS_UNKNOWN = "mnHomeAddressOptionUnknown"
IN_VAIN = frozenset((State.TESTING, State.BINDING))
"""States in which a peer that is sent a Home Address option all the same has no binding for it."""


class Alarm(Enum):
    """What a deadline is for."""

    HOME_TEST = auto()
    CARE_OF_TEST = auto()
    UPDATE = auto()
    LIFETIME = auto()


class RouteOptimisation:
    """Route optimisation of one home address; a peer that is mobile too is known by its home address."""

    def __init__(
        self, home: Home, entropy: Entropy, parameters: MobileNodeParameters, trace: Trace | None = None
    ) -> None:
        self.home = home
        self.parameters = parameters
        self._entropy = entropy
        self._trace = trace or Trace()
        self._list = UpdateList(parameters.max_correspondents)
        self._timers: Timers[tuple[bytes, Alarm]] = Timers()
        self._policies = dict(parameters.peers)
        self._starts = Bucket(*parameters.tests_together)
        self._optimised = HOLDING | IN_VAIN if parameters.optimise_before_complete else HOLDING
        self._care_of_address: bytes | None = None
        self._home_agent = addresses.UNSPECIFIED
        self._is_at_home = False
        self._until = 0.0

    @property
    def entries(self) -> Iterable[UpdateListEntry]:
        """The Binding Update List as it may be shown, the least recently used entry first."""
        return tuple(registration.entry(self.home.address) for registration in self._list)

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self._timers.next()

    def advance(self, now: float) -> list[Effect]:
        """Do what is due at a time."""
        effects: list[Effect] = []
        for peer, alarm in self._timers.due(now):
            registration = self._list.get(peer)
            if registration is not None:
                self._trace.timer(alarm.name.lower().replace("_", " "), addresses.text(peer))
                effects += self._ring(registration, alarm, now)
        return effects

    # Where the mobile node is.

    def away(self, care_of_address: bytes, home_agent: bytes, lifetime_s: float, now: float) -> list[Effect]:
        """Take note of a home registration that was accepted, new or again; it lasts ``lifetime_s`` from now.

        With a new care-of address, each peer that has a binding gets another one (section 11.7.2). With
        the old one, each binding that would outlive the home registration is made to end earlier.
        """
        effects: list[Effect] = []
        is_new = care_of_address != self._care_of_address
        if is_new:
            effects += self.moving(now)
        self._is_at_home = False
        self._care_of_address, self._home_agent = care_of_address, home_agent
        self._until = now + lifetime_s
        for registration in self._list:
            if is_new:
                effects += self._resume(registration, now)
            elif registration.state is State.BOUND and registration.expires > self._until:
                effects += self._renew(registration, now)
        return effects

    def moving(self, now: float) -> list[Effect]:
        """Take note that the care-of address changed: nothing goes by the old one any more."""
        effects = self._leave(Input.SUSPEND, now)
        self._is_at_home = False
        return effects

    def at_home(self, now: float) -> list[Effect]:
        """Take note that the mobile node is at home and deregistered: bindings are deleted (section 11.5.5)."""
        if self._is_at_home:
            return []
        self._is_at_home = True
        return self._leave(Input.RELEASE, now)

    def lost(self, now: float) -> list[Effect]:
        """Take note that there is no home registration any more, and so no route optimisation."""
        self._is_at_home = False
        return self._leave(Input.SUSPEND, now)

    def _leave(self, event: Input, now: float) -> list[Effect]:
        """Stop all that goes by the care-of address; a peer that may have a binding is suspended or released."""
        effects: list[Effect] = []
        for registration in self._list:
            effects += self._leave_one(registration, event, now)
        self._care_of_address = None
        return effects

    def _leave_one(self, registration: Registration, event: Input, now: float) -> list[Effect]:
        state = registration.state
        is_held = registration.held_until > now
        if state is State.REFUSED and not is_held:
            return self._step(registration, Input.FORGIVE) if registration.is_silent else []
        if not is_held and state is not State.ABSENT:
            return self._over(registration, Input.DISCARD)
        is_there_already = state is State.WAITING and event is Input.SUSPEND
        if state is State.ABSENT or is_there_already:
            return []
        self._quieten(registration)
        registration.care_of.stop()
        effects = self._step(registration, event)
        if event is Input.RELEASE:
            effects += self._start(registration, registration.home, now)
        return effects

    def _resume(self, registration: Registration, now: float) -> list[Effect]:
        """Give a peer that has a binding the new care-of address; the home token is used again while it holds."""
        if registration.state is not State.WAITING:
            return []
        if registration.held_until <= now:
            return self._over(registration, Input.DISCARD)
        effects = self._step(registration, Input.RESUME)
        if registration.home.token(now) is None:
            effects += self._start(registration, registration.home, now)
        return effects + self._start(registration, registration.care_of, now)

    # Packets of the upper layers.

    def outgoing(self, packet: Packet, now: float) -> Packet | None:
        """Return a packet from the home address as it leaves by the care-of address; None for the tunnel.

        A type 2 routing header for a peer that is mobile too is there already. Before the peer has
        our own binding no Home Address option goes to it: it would answer with a Binding Error.
        """
        care_of = self._care_of_address
        if care_of is None or is_never_optimised(packet):
            return None
        registration = self._list.get(packet.covered_destination)
        if registration is None or registration.state not in self._optimised or now >= self._until:
            return None
        if registration.state in HOLDING and now >= registration.expires:
            return None
        self._use(registration, now)
        return from_care_of_address(packet, care_of)

    def arrived(self, packet: Packet, is_tunnelled: bool, now: float) -> list[Effect]:
        """Take note of a packet for the home address; through the tunnel, it starts return routability."""
        peer = packet.covered_source
        if is_tunnelled:
            return self._trigger(packet, peer, now)
        registration = self._list.get(peer)
        if registration is not None:
            self._use(registration, now)
        return []

    def sent(self, packet: Packet, now: float) -> list[Effect]:
        """Take note of a packet from the home address that went through the tunnel: it starts return routability."""
        return self._trigger(packet, packet.covered_destination, now)

    def _use(self, registration: Registration, now: float) -> None:
        """Take note that a binding is used; where its time to be refreshed has come, this wakes ``advance``."""
        self._list.use(registration, now)
        if registration.state is State.BOUND and now >= registration.refresh:
            self._timers.set((registration.peer, Alarm.LIFETIME), now)

    def _trigger(self, packet: Packet, peer: bytes, now: float) -> list[Effect]:
        """Start return routability with the peer of a packet, unless there is a reason not to (section 11.7.2)."""
        if self._care_of_address is None or now >= self._until:
            return []
        if is_never_optimised(packet) or not self._is_optimisable(peer):
            return []
        registration = self._list.get(peer)
        if registration is not None:
            self._use(registration, now)
            if registration.state is not State.ABSENT:
                return []
        if not self._starts.take(now):
            return []
        if registration is None:
            registration = self._add(peer, now)
        if registration is None:
            return []
        effects = self._step(registration, Input.TRIGGER)
        return effects + self._start_both(registration, now)

    def _is_optimisable(self, peer: bytes) -> bool:
        """Tell whether route optimisation with a peer is possible and wanted."""
        if not addresses.is_unicast_routable(peer):
            return False
        if peer in (self.home.address, self._home_agent, self._care_of_address):
            return False
        return self._policies.get(peer, self.parameters.optimisation) is Optimisation.ALLOWED

    def _add(self, peer: bytes, now: float) -> Registration | None:
        has_room, removed = self._list.make_room()
        if removed is not None:
            self._quieten(removed)
        if not has_room:
            return None
        registration = Registration(peer, int.from_bytes(self._entropy(2)), now, self._trace)
        self._list.add(registration)
        return registration

    # Messages.

    def receive(self, packet: Packet, header: MobilityHeader, is_tunnelled: bool, now: float) -> list[Effect]:
        """Take in a Mobility Header of a peer that has passed the checks of section 9.2."""
        registration = self._list.get(packet.covered_source)
        if registration is None:
            return []
        message = header.message
        if isinstance(message, HomeTest):
            return self._home_test(registration, packet, message, is_tunnelled, now)
        if isinstance(message, CareOfTest):
            return self._care_of_test(registration, packet, message, is_tunnelled, now)
        if isinstance(message, BindingAcknowledgement):
            return self._acknowledgement(registration, header, message, now)
        if isinstance(message, BindingRefreshRequest):
            return self._renew(registration, now) if registration.state is State.BOUND else []
        if isinstance(message, BindingError):
            return self._binding_error(registration, message, now)
        return []

    def receive_error(self, original: Packet, message: Error, source: bytes, now: float) -> list[Effect]:
        """Take in an ICMPv6 error that quotes a packet of ours (section 11.3.5).

        A Parameter Problem with code 1 from a peer that quotes the latest message to it says that it
        knows no Mobility Header. One with code 2 about a Home Address option is told of and otherwise
        ignored, as the clause wants: who took part in return routability knows that option. All
        other errors are ignored: that a message did not arrive says nothing about the peer, and it
        is sent again, until that is given up.
        """
        peer = original.covered_destination
        registration = self._list.get(peer)
        if registration is None or source != peer or not isinstance(message, ParameterProblem):
            return []
        if message.code == UNRECOGNIZED_OPTION and registration.state in self._optimised:
            home, care_of = original.home_address_option, original.source
            is_ours = home == self.home.address and care_of == self._care_of_address
            return [Emit(HOME_ADDRESS_UNKNOWN, self.home.address, care_of, peer)] if is_ours else []
        if message.code != UNRECOGNIZED_NEXT_HEADER or not self._is_quoted(registration, original):
            return []
        return self._refuse(registration, "no Mobility Header", now)

    def _is_quoted(self, registration: Registration, original: Packet) -> bool:
        """Tell whether a packet is the latest of its kind that went to a peer and asks for an answer."""
        if not isinstance(original.upper, MobilityHeader):
            return False
        message = original.upper.message
        if registration.state in AWAITING and registration.last is not None:
            if isinstance(message, BindingUpdate) and message == registration.last.message:
                return True
        return any(test.is_from_here(message) for test in (registration.home, registration.care_of))

    def _home_test(
        self, registration: Registration, packet: Packet, message: HomeTest, is_tunnelled: bool, now: float
    ) -> list[Effect]:
        """Take in a Home Test: through the tunnel while away, directly at home (section 11.6.2)."""
        if packet.headers or packet.destination != self.home.address or is_tunnelled is self._is_at_home:
            return []
        return self._answered(registration, registration.home, message, now)

    def _care_of_test(
        self, registration: Registration, packet: Packet, message: CareOfTest, is_tunnelled: bool, now: float
    ) -> list[Effect]:
        """Take in a Care-of Test, which comes directly to the care-of address (section 11.6.2)."""
        if packet.headers or packet.destination != self._care_of_address or is_tunnelled:
            return []
        return self._answered(registration, registration.care_of, message, now)

    def _answered(
        self, registration: Registration, test: AddressTest, message: HomeTest | CareOfTest, now: float
    ) -> list[Effect]:
        if not test.answer(message, now):
            return []
        self._timers.cancel((registration.peer, _alarm(test)))
        return self._go_on(registration, now)

    def _acknowledgement(
        self, registration: Registration, header: MobilityHeader, message: BindingAcknowledgement, now: float
    ) -> list[Effect]:
        """Take in a Binding Acknowledgement (section 11.7.3).

        One that was not asked for is a rejection. Options other than the authenticator mean nothing
        here: refresh advice is a home agent's (section 6.2.4).
        """
        sent = registration.last
        if sent is None:
            return []
        is_rejection = message.status >= AckStatus.REASON_UNSPECIFIED
        is_unasked = registration.state is State.BOUND and not sent.message.flags & ACKNOWLEDGE and is_rejection
        if registration.state not in AWAITING and not is_unasked:
            return []
        if not correspondent_update.is_credible(header, message, sent, registration.peer):
            return []
        if is_rejection:
            return self._rejected(registration, message, now)
        registration.failures = 0
        return self._accepted(registration, correspondent_update.granted_until(message, sent), now)

    def _accepted(self, registration: Registration, until: float, now: float) -> list[Effect]:
        self._timers.cancel((registration.peer, Alarm.UPDATE))
        if registration.state in ENDING:
            registration.held_until = now
            return self._over(registration, Input.ACCEPT)
        if until <= now:
            return self._refuse(registration, "no lifetime", now)
        registration.held_until = until
        return self._bound(registration, Input.ACCEPT, until)

    def _rejected(self, registration: Registration, message: BindingAcknowledgement, now: float) -> list[Effect]:
        """Send another update where the sequence number or the nonces were the reason, else give the peer up."""
        again = (*NONCE_STATUSES, AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW)
        registration.failures += 1
        if message.status not in again or registration.failures > MAX_RO_FAILURE_COUNT:
            return self._refuse(registration, f"status {message.status}", now)
        registration.sending.restart()
        self._timers.cancel((registration.peer, Alarm.UPDATE))
        if message.status == AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW:
            registration.sequence = message.sequence
        if message.status in (AckStatus.EXPIRED_HOME_NONCE_INDEX, AckStatus.EXPIRED_NONCES):
            registration.home.stop()
        if message.status in (AckStatus.EXPIRED_CARE_OF_NONCE_INDEX, AckStatus.EXPIRED_NONCES):
            registration.care_of.stop()
        return self._go_on(registration, now)

    def _binding_error(self, registration: Registration, message: BindingError, now: float) -> list[Effect]:
        """Take in a Binding Error (section 11.3.6): the peer has no binding, or does not know a message.

        The latter counts only where a message was sent that asks for an answer. A binding that is on
        its way to the peer is not given up for a packet that was there before it.
        """
        told = Emit(BINDING_ERROR, self.home.address, self._care_of_address, registration.peer, str(message.status))
        if message.status == ErrorStatus.UNKNOWN_BINDING and message.home_address == self.home.address:
            return [told, *self._ended(registration, now)] if registration.state in HOLDING else []
        if message.status != ErrorStatus.UNRECOGNIZED_MESSAGE_TYPE or not self._expects_answer(registration):
            return []
        return [told, *self._refuse(registration, "unrecognized message type", now)]

    def _expects_answer(self, registration: Registration) -> bool:
        """Tell whether a message to a peer asked for an answer: a test that runs, or an update with the A flag."""
        if any(test.state is TestState.WAITING and test.is_out for test in (registration.home, registration.care_of)):
            return True
        last = registration.last
        if last is None or not last.message.flags & ACKNOWLEDGE:
            return False
        return registration.state in AWAITING or registration.state is State.BOUND

    # What is sent.

    def _start_both(self, registration: Registration, now: float) -> list[Effect]:
        effects = self._start(registration, registration.home, now)
        return effects + self._start(registration, registration.care_of, now)

    def _start(self, registration: Registration, test: AddressTest, now: float) -> list[Effect]:
        test.start()
        return self._send_init(registration, test, now)

    def _send_init(self, registration: Registration, test: AddressTest, now: float) -> list[Effect]:
        """Send the next message of a test, or wait until one more may be sent."""
        key = registration.peer, _alarm(test)
        opens = test.sending.opens(now)
        if opens > now:
            self._timers.set(key, opens)
            return []
        self._timers.set(key, test.sending.sent(now))
        header = MobilityHeader(test.init(self._entropy))
        if test.kind is not HomeTestInit:
            return [Send(Packet(self._care_of_address or self.home.address, registration.peer, header))]
        inner = Packet(self.home.address, registration.peer, header)
        if self._care_of_address is None:
            return [Send(inner)]
        is_required = Purpose.RETURN_ROUTABILITY in self.parameters.required
        protection = Protection(Purpose.RETURN_ROUTABILITY, self.home.address) if is_required else None
        tunnelled = in_tunnel(inner.encode(), self._care_of_address, self._home_agent)
        return [Send(tunnelled, protection=protection)]

    def _go_on(self, registration: Registration, now: float) -> list[Effect]:
        """Send a Binding Update once all tests that it needs are done; tokens that do not hold are got anew."""
        if any(test.state is TestState.WAITING for test in registration.needed):
            return []
        stale = [test for test in registration.needed if test.token(now) is None]
        if not stale:
            return self._send_update(registration, now)
        effects: list[Effect] = []
        if CORRESPONDENT_REGISTRATION.allows(registration.state, Input.RETEST):
            effects += self._step(registration, Input.RETEST)
            registration.sending.restart()
        for test in stale:
            effects += self._start(registration, test, now)
        return effects

    def _send_update(self, registration: Registration, now: float) -> list[Effect]:
        """Send the next Binding Update, or wait until one more may be sent (sections 11.7.2 and 11.8)."""
        key = registration.peer, Alarm.UPDATE
        opens = registration.sending.opens(now)
        if opens > now:
            self._timers.set(key, opens)
            return []
        is_deletion = registration.state in ENDING
        units = 0 if is_deletion else self._units(now)
        if not units and not is_deletion:
            return self._over(registration, Input.DISCARD)
        care_of = self._care_of_address or self.home.address
        self._prepare(registration, units, care_of, now)
        answer_until = registration.sending.sent(now)
        effects: list[Effect] = []
        if self.parameters.acknowledge_correspondents:
            self._timers.set(key, answer_until)
            effects += self._step(registration, Input.ASK)
        elif is_deletion:
            effects += self._over(registration, Input.TELL)
        else:
            registration.sending.restart()
            effects += self._bound(registration, Input.TELL, now + units * LIFETIME_UNIT_S)
        last = registration.last
        assert last is not None
        return [Send(correspondent_update.packet(last, self.home.address, registration.peer)), *effects]

    def _prepare(self, registration: Registration, units: int, care_of: bytes, now: float) -> None:
        """Make the next Binding Update."""
        registration.sequence = serial.following(registration.sequence)
        tokens = registration.home.token(now) or b"", registration.care_of.token(now) or b""
        indices = NonceIndices(registration.home.index or 0, registration.care_of.index or 0)
        acknowledge = self.parameters.acknowledge_correspondents
        message, key = correspondent_update.update(
            registration.sequence, units, tokens, indices, acknowledge=acknowledge
        )
        registration.last = correspondent_update.authorized(message, key, (care_of, registration.peer), now)
        registration.care_of_address = care_of
        registration.held_until = max(registration.held_until, now + units * LIFETIME_UNIT_S)

    def _units(self, now: float) -> int:
        """Return the longest lifetime that may be asked for, in units of 4 seconds (section 11.7.2)."""
        longest = min(self.parameters.correspondent_lifetime_s, MAX_RR_BINDING_LIFETIME_S, self._until - now)
        return max(int(longest // LIFETIME_UNIT_S), 0)

    # What becomes of a registration.

    def _bound(self, registration: Registration, event: Input, until: float) -> list[Effect]:
        """Let packets go by a binding until it ends; it is refreshed before that."""
        last = registration.last
        assert last is not None
        registration.expires = until
        registration.refresh = last.at + (until - last.at) * self.parameters.refresh_at
        self._timers.set((registration.peer, Alarm.LIFETIME), registration.refresh)
        return self._step(registration, event)

    def _renew(self, registration: Registration, now: float) -> list[Effect]:
        """Test anew and bind anew, while packets go by the binding that there is."""
        self._timers.set((registration.peer, Alarm.LIFETIME), registration.expires)
        registration.sending.restart()
        effects = self._step(registration, Input.RENEW)
        return effects + self._start_both(registration, now)

    def _ended(self, registration: Registration, now: float) -> list[Effect]:
        """Send through the tunnel what went by a binding that is no more; another one on its way is awaited."""
        registration.expires = registration.held_until = now
        self._timers.cancel((registration.peer, Alarm.LIFETIME))
        if registration.state is State.BOUND:
            return self._over(registration, Input.EXPIRE)
        return self._step(registration, Input.EXPIRE)

    def _refuse(self, registration: Registration, reason: str, now: float, is_silent: bool = False) -> list[Effect]:
        """Leave a peer alone for some time; one whose binding was to be deleted just has it until it ends."""
        told = Emit(REFUSED, self.home.address, self._care_of_address, registration.peer, reason)
        is_ending = registration.state in ENDING
        effects = [*self._over(registration, Input.REFUSE if not is_ending else Input.DISCARD), told]
        registration.failures = 0
        registration.is_silent = is_silent
        if not is_ending:
            self._timers.set((registration.peer, Alarm.LIFETIME), now + self.parameters.refused_for_s)
        return effects

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
        registration.state = self._trace.step(CORRESPONDENT_REGISTRATION, addresses.text(peer), before, event)
        was_optimised, is_optimised = before in self._optimised, registration.state in self._optimised
        if was_optimised and not is_optimised:
            return [RemoveRoute(self.home.address, peer)]
        if is_optimised and not was_optimised and self._care_of_address is not None:
            return [InstallRoute(self.home.address, self._care_of_address, peer)]
        return []

    # Deadlines.

    def _ring(self, registration: Registration, alarm: Alarm, now: float) -> list[Effect]:
        if alarm is Alarm.LIFETIME:
            return self._lifetime(registration, now)
        if alarm is Alarm.UPDATE:
            return self._update_again(registration, now)
        test = registration.home if alarm is Alarm.HOME_TEST else registration.care_of
        if test.is_out and test.sending.has_ended:
            return self._refuse(registration, "no answer to a test", now, is_silent=True)
        return self._send_init(registration, test, now)

    def _update_again(self, registration: Registration, now: float) -> list[Effect]:
        if registration.state in AWAITING and registration.sending.has_ended:
            return self._refuse(registration, "no acknowledgement", now, is_silent=True)
        return self._go_on(registration, now)

    def _lifetime(self, registration: Registration, now: float) -> list[Effect]:
        """Let a binding end, or refresh it where it was used; let a peer that refused be asked again."""
        if registration.state is State.REFUSED:
            return self._step(registration, Input.FORGIVE)
        if now >= registration.expires:
            return self._ended(registration, now)
        last = registration.last
        if last is not None and registration.used >= last.at:
            return self._renew(registration, now)
        self._timers.set((registration.peer, Alarm.LIFETIME), registration.expires)
        return []


def _alarm(test: AddressTest) -> Alarm:
    return Alarm.HOME_TEST if test.kind is HomeTestInit else Alarm.CARE_OF_TEST
