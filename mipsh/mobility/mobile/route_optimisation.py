"""Route optimisation of one home address with all its correspondents (RFC 6275 sections 11.3, 11.6, 11.7).

A packet that goes through the tunnel starts return routability with its peer; once both tests are
done, a Binding Update goes out; once the peer has the binding, packets go by the care-of address.

Choices that the clauses leave open: What is not answered for 63 s (waits of 1, 2, 4, 8, 16 and 32 s) is
given up, and the peer is left alone for ``refused_for_s``, or until the care-of address changes. A
peer that rejects more than MAX_RO_FAILURE updates in a row for their sequence number or nonces is
left alone likewise. A binding is refreshed while packets come or go. A home keygen token is used again
after a move while it holds; for everything else the home test is made anew.
"""

from collections.abc import Iterable
from math import ceil

from mipsh.mobility import serial
from mipsh.mobility.constants import MAX_RO_FAILURE_COUNT
from mipsh.mobility.effects import Effect, Emit
from mipsh.mobility.icmp_errors import UNRECOGNIZED_NEXT_HEADER, UNRECOGNIZED_OPTION, is_error
from mipsh.mobility.limits import Bucket
from mipsh.mobility.mobile.correspondent_update import granted_until, is_credible
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters, Optimisation
from mipsh.mobility.mobile.registrar import Registrar
from mipsh.mobility.mobile.update_list import HOLDING, Input, Registration, State, UpdateListEntry
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.paths import from_care_of_address, is_never_optimised
from mipsh.mobility.status import AckStatus, ErrorStatus
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import Message, ParameterProblem
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    LIFETIME_UNIT_S,
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    CareOfTest,
    HomeTest,
    MobilityHeader,
)
from mipsh.wire.packet import Packet

BINDING_ERROR = "mip6MnBindingErrorMsg"
"""The notification of MOBILEIPV6-MIB (RFC 4295) for a Binding Error that came."""
HOME_ADDRESS_UNKNOWN = "mnHomeAddressOptionUnknown"
"""The event for a peer that says that it does not know the Home Address option."""
HOME_TOKEN_GONE = frozenset((AckStatus.EXPIRED_HOME_NONCE_INDEX, AckStatus.EXPIRED_NONCES))
CARE_OF_TOKEN_GONE = frozenset((AckStatus.EXPIRED_CARE_OF_NONCE_INDEX, AckStatus.EXPIRED_NONCES))
WORTH_ANOTHER_TRY = HOME_TOKEN_GONE | CARE_OF_TOKEN_GONE | {AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW}
"""Rejections after which another update may be accepted at once (section 11.7.3)."""


class RouteOptimisation:
    """Route optimisation of one home address; a peer that is mobile too is known by its home address."""

    def __init__(
        self, home: Home, entropy: Entropy, parameters: MobileNodeParameters, trace: Trace | None = None
    ) -> None:
        self.home = home
        self.parameters = parameters
        self._registrar = Registrar(home.address, entropy, parameters, trace or Trace())
        self._list = self._registrar.list
        self._policies = dict(parameters.peers)
        self._starts = Bucket(*parameters.tests_together)
        self._is_at_home = False

    @property
    def entries(self) -> Iterable[UpdateListEntry]:
        """The Binding Update List as it may be shown, the least recently used entry first."""
        return self._registrar.entries

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self._registrar.next_deadline()

    def advance(self, now: float) -> list[Effect]:
        """Do what is due at a time."""
        return self._registrar.advance(now)

    def reconfigure(self, parameters: MobileNodeParameters, now: float) -> list[Effect]:
        """Take another policy: bindings at peers that it does not allow are deleted."""
        self.parameters = self._registrar.parameters = parameters
        self._policies = dict(parameters.peers)
        refused = [registration for registration in self._list if not self._is_optimisable(registration.peer)]
        return [effect for r in refused for effect in self._registrar.leave(r, Input.RELEASE, now)]

    # Where the mobile node is.

    def away(self, care_of_address: bytes, home_agent: bytes, lifetime_s: float, now: float) -> list[Effect]:
        """Take note of a home registration that was accepted, new or again; it lasts ``lifetime_s`` from now.

        With a new care-of address, each peer that has a binding gets another one (section 11.7.2). With
        the old one, each binding that would outlive the home registration is made to end earlier.
        """
        effects: list[Effect] = []
        registrar = self._registrar
        if care_of_address != registrar.care_of_address:
            effects += self.moving(now)
        registrar.care_of_address, registrar.home_agent = care_of_address, home_agent
        registrar.until = now + lifetime_s
        for registration in self._list:
            if registration.state is State.WAITING:
                effects += (
                    registrar.resume(registration, now)
                    if self._is_optimisable(registration.peer)
                    else registrar.leave(registration, Input.RELEASE, now)
                )
            elif registration.state is State.BOUND and registration.expires > registrar.until:
                effects += registrar.renew(registration, now)
        return effects

    def moving(self, now: float) -> list[Effect]:
        """Take note that the care-of address changed: nothing goes by the old one any more."""
        self._is_at_home = False
        return self._leave(Input.SUSPEND, now)

    def at_home(self, now: float) -> list[Effect]:
        """Take note that the mobile node is at home and deregistered: bindings are deleted (section 11.5.5)."""
        if self._is_at_home:
            return []
        self._is_at_home = True
        return self._leave(Input.RELEASE, now)

    def lost(self, now: float) -> list[Effect]:
        """Take note that there is no home registration any more, and so no route optimisation."""
        return self.moving(now)

    def _leave(self, event: Input, now: float) -> list[Effect]:
        self._registrar.care_of_address = None
        return [effect for registration in self._list for effect in self._registrar.leave(registration, event, now)]

    # Packets of the upper layers.

    def outgoing(self, packet: Packet, now: float) -> Packet | None:
        """Return a packet from the home address as it leaves by the care-of address; None for the tunnel.

        A type 2 routing header for a peer that is mobile too is there already. Before the peer has
        our own binding no Home Address option goes to it: it would answer with a Binding Error.
        """
        care_of = self._registrar.care_of_address
        if care_of is None or now >= self._registrar.until or is_never_optimised(packet):
            return None
        registration = self._list.get(packet.covered_destination)
        if registration is None or registration.state not in self._registrar.optimised:
            return None
        if registration.state in HOLDING and now >= registration.expires:
            return None
        self._use(registration, packet, now)
        return from_care_of_address(packet, care_of)

    def arrived(self, packet: Packet, is_tunnelled: bool, now: float) -> list[Effect]:
        """Take note of a packet for the home address; through the tunnel, it starts return routability."""
        peer = packet.covered_source
        if is_tunnelled:
            return self._trigger(packet, peer, now)
        registration = self._list.get(peer)
        if registration is not None and not is_never_optimised(packet):
            self._registrar.use(registration, now)
        return []

    def sent(self, packet: Packet, now: float) -> list[Effect]:
        """Take note of a packet from the home address that went through the tunnel: it starts return routability."""
        return self._trigger(packet, packet.covered_destination, now)

    def _trigger(self, packet: Packet, peer: bytes, now: float) -> list[Effect]:
        """Start return routability with the peer of a packet, unless there is a reason not to (section 11.7.2)."""
        if self._registrar.care_of_address is None or now >= self._registrar.until:
            return []
        if is_never_optimised(packet) or is_error(packet) or not self._is_optimisable(peer):
            return []
        registration = self._list.get(peer)
        if registration is not None:
            self._use(registration, packet, now)
            if registration.state is not State.ABSENT:
                return []
        if not self._starts.take(now):
            return []
        registration = registration or self._registrar.add(peer, now)
        if registration is None:
            return []
        self._use(registration, packet, now)
        return self._registrar.begin(registration, now)

    def _use(self, registration: Registration, packet: Packet, now: float) -> None:
        """Take note of a packet to or from a peer: either way it can show that the peer is mobile too."""
        is_routed, is_optioned = packet.routing_home_address == registration.peer, packet.home_address_option
        registration.is_mobile |= is_routed or is_optioned == registration.peer
        self._registrar.use(registration, now)

    def trigger(self, peer: bytes, now: float, lifetime_s: float | None = None) -> list[Effect]:
        """Bind at a peer now instead of later, though no packet asks for it; nothing where that cannot be.

        ``lifetime_s`` is rounded up to whole units of 4 seconds, and is no more than the clauses allow;
        0 deletes the binding, where the peer has one or may have one.
        """
        if self._registrar.care_of_address is None or now >= self._registrar.until:
            return []
        registration = self._list.get(peer)
        if lifetime_s == 0:
            return [] if registration is None else self._registrar.release(registration, now)
        if not self._is_optimisable(peer):
            return []
        registration = registration or self._registrar.add(peer, now)
        units = None if lifetime_s is None else ceil(lifetime_s / LIFETIME_UNIT_S)
        return [] if registration is None else self._registrar.trigger(registration, units, now)

    def flush(self) -> tuple[int, list[Effect]]:
        """Forget all peers, and return how many there were; they are told nothing, and traffic begins anew."""
        return self._registrar.flush()

    def _is_optimisable(self, peer: bytes) -> bool:
        """Tell whether route optimisation with a peer is possible and wanted."""
        if not addresses.is_unicast_routable(peer):
            return False
        if peer in (self.home.address, self._registrar.home_agent, self._registrar.care_of_address):
            return False
        return self._policies.get(peer, self.parameters.optimisation) is Optimisation.ALLOWED

    # Messages.

    def receive(self, packet: Packet, header: MobilityHeader, is_tunnelled: bool, now: float) -> list[Effect]:
        """Take in a Mobility Header of a peer that has passed the checks of section 9.2.

        None of these messages comes with a Home Address option, which nobody would have checked.
        """
        registration = self._list.get(packet.source)
        if registration is None or packet.home_address_option is not None:
            return []
        message = header.message
        if isinstance(message, HomeTest | CareOfTest):
            return self._test(registration, packet, message, is_tunnelled, now)
        if isinstance(message, BindingAcknowledgement):
            return self._acknowledgement(registration, header, message, now)
        if isinstance(message, BindingRefreshRequest) and registration.state is State.BOUND:
            return self._registrar.renew(registration, now)
        if isinstance(message, BindingError):
            return self._binding_error(registration, message, now)
        return []

    def _test(
        self, registration: Registration, packet: Packet, message: HomeTest | CareOfTest, is_tunnelled: bool, now: float
    ) -> list[Effect]:
        """Take in the answer to a test, if it came the way it must (section 11.6.2).

        A Home Test comes through the tunnel while away and directly at home, a Care-of Test directly to
        the care-of address, and neither with a routing header.
        """
        if any(isinstance(extension, Type2RoutingHeader) for extension in packet.headers):
            return []
        if isinstance(message, HomeTest):
            test, through_tunnel = registration.home, not self._is_at_home
            is_ours = packet.destination == self.home.address
        else:
            test, through_tunnel = registration.care_of, False
            is_ours = packet.destination == self._registrar.care_of_address
        if not is_ours or is_tunnelled is not through_tunnel:
            return []
        return self._registrar.answered(registration, test, message, now)

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
        if not (registration.awaits_acknowledgement or is_unasked):
            return []
        if not is_credible(header, message, sent, registration.peer):
            return []
        if is_rejection:
            return self._rejected(registration, message, now)
        return self._registrar.accepted(registration, sent, granted_until(message, sent), now)

    def _rejected(self, registration: Registration, message: BindingAcknowledgement, now: float) -> list[Effect]:
        """Send another update where the sequence number or the nonces were the reason, else give the peer up."""
        is_out_of_window = message.status == AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW
        if is_out_of_window and serial.is_overtaken(message.sequence, registration.sequence):
            return []
        registration.failures += 1
        if message.status not in WORTH_ANOTHER_TRY or registration.failures > MAX_RO_FAILURE_COUNT:
            return self._registrar.refuse(registration, f"status {message.status}", now)
        if is_out_of_window:
            registration.sequence = message.sequence
        if message.status in HOME_TOKEN_GONE:
            registration.home.stop()
        if message.status in CARE_OF_TOKEN_GONE:
            registration.care_of.stop()
        return self._registrar.again(registration, now)

    def _binding_error(self, registration: Registration, message: BindingError, now: float) -> list[Effect]:
        """Take in a Binding Error (section 11.3.6): the peer has no binding, or does not know a message.

        The latter counts only where a message was sent that asks for an answer. A binding that is on
        its way to the peer is not given up for a packet that was there before it.
        """
        care_of = self._registrar.care_of_address
        told = Emit(BINDING_ERROR, self.home.address, care_of, registration.peer, f"status {message.status}")
        if message.status == ErrorStatus.UNKNOWN_BINDING and message.home_address == self.home.address:
            if registration.state in HOLDING:
                return [told, *self._registrar.ended(registration, now)]
            return [told] if registration.state in self._registrar.optimised else []
        if message.status == ErrorStatus.UNRECOGNIZED_MESSAGE_TYPE and registration.expects_answer:
            return [told, *self._registrar.refuse(registration, "unrecognized message type", now)]
        return []

    def receive_error(self, original: Packet, message: Message, source: bytes, now: float) -> list[Effect]:
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
        if message.code == UNRECOGNIZED_NEXT_HEADER and registration.is_quoted(original.upper):
            return self._registrar.refuse(registration, "no Mobility Header", now)
        home, care_of = original.home_address_option, original.source
        is_ours = home == self.home.address and care_of == self._registrar.care_of_address
        if message.code == UNRECOGNIZED_OPTION and is_ours and registration.state in self._registrar.optimised:
            return [Emit(HOME_ADDRESS_UNKNOWN, self.home.address, care_of, peer)]
        return []
