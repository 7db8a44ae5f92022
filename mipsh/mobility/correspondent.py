"""The correspondent node (RFC 6275 section 9): route optimisation with any mobile node.

It answers home and care-of tests, accepts Binding Updates that prove both, sends packets straight
to the care-of address, and believes a Home Address option only where a binding says so.
"""

from itertools import pairwise

from msgspec import Struct, structs

from mipsh.mobility import serial
from mipsh.mobility.binding_update import Update, understand
from mipsh.mobility.constants import MAX_RR_BINDING_LIFETIME_S
from mipsh.mobility.correspondent_cache import Binding, CorrespondentCache, Input, Key, State
from mipsh.mobility.effects import Effect, Emit, InstallBinding, RemoveBinding, Send
from mipsh.mobility.icmp_errors import is_answerable
from mipsh.mobility.limits import Limits
from mipsh.mobility.nonces import Entropy, Nonces
from mipsh.mobility.paths import is_never_optimised, to_care_of_address
from mipsh.mobility.status import AckStatus, ErrorStatus
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.authenticator import authorize, binding_management_key, is_authentic
from mipsh.wire.checksum import MH
from mipsh.wire.extension import (
    DestinationOptions,
    FragmentHeader,
    HomeAddress,
    Type2RoutingHeader,
)
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    HOME,
    LIFETIME_UNIT_S,
    AuthorizationData,
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    Message,
    MobilityHeader,
    NonceIndices,
    padded,
)
from mipsh.wire.packet import ESP, Packet

AH = 51
EXEMPT_FROM_HOME_ADDRESS_CHECK = (ESP, AH, MH)
"""Upper layers whose Home Address option needs no binding (section 9.3.1)."""
EXPIRED = "mip6MnBindingExpiredAtCN"
"""The notification of MOBILEIPV6-MIB (RFC 4295) for a binding that ended without its mobile node's will."""


class CorrespondentParameters(Struct, frozen=True):
    """What an administrator may choose; times are seconds, limits are a rate a second and a burst.

    Answers are limited for each peer alone: what answers all of them share, a flood could use up.
    Of errors that come back, one in each ``unreachable_interval_s`` counts, and
    ``unreachable_errors`` of them end a binding.
    """

    max_bindings: int = 10_000
    max_lifetime_s: float = MAX_RR_BINDING_LIFETIME_S
    refresh_before_s: float = 30.0
    refresh_requests: int = 3
    refresh_interval_s: float = 5.0
    errors_per_peer: tuple[float, float] = (1.0, 3.0)
    errors_together: tuple[float, float] = (100.0, 100.0)
    answers_per_peer: tuple[float, float] = (3.0, 10.0)
    unreachable_errors: int = 3
    unreachable_interval_s: float = 5.0


class Correspondent:
    """A correspondent node's mobility, for all its addresses."""

    def __init__(
        self, entropy: Entropy, parameters: CorrespondentParameters | None = None, trace: Trace | None = None
    ) -> None:
        self.parameters = parameters or CorrespondentParameters()
        self.nonces = Nonces(entropy)
        self.cache = CorrespondentCache(self.parameters.max_bindings, trace)
        self._errors = Limits(self.parameters.errors_per_peer, self.parameters.errors_together)
        self._answers = Limits(self.parameters.answers_per_peer)

    def reconfigure(self, parameters: CorrespondentParameters) -> None:
        """Grant another lifetime from now on; limits and room stay."""
        self.parameters = structs.replace(self.parameters, max_lifetime_s=parameters.max_lifetime_s)

    def next_deadline(self) -> float | None:
        """Return when ``advance`` has something to do, None while there is nothing."""
        return self.cache.timers.next()

    def outgoing(self, packet: Packet, now: float) -> Packet:
        """Return a packet as it is to be sent: by way of the care-of address where there is a binding.

        Neighbour discovery, Mobility Headers and what already has a routing header go as they are
        (sections 9.3.2 and 6.1).
        """
        binding = self.cache.bound((packet.source, packet.destination), now)
        if binding is None or packet.routing_home_address is not None or is_never_optimised(packet):
            return packet
        binding.used = now
        return to_care_of_address(packet, binding.home_address, binding.care_of_address)

    def verify_home_address(self, packet: Packet, now: float) -> list[Effect] | None:
        """Judge a packet's Home Address option: None lets it pass, a list drops it (section 9.3.1)."""
        home = packet.home_address_option
        if home is None:
            return None
        if not addresses.is_unicast_routable(home):
            return []
        if _behind_home_address(packet) in EXEMPT_FROM_HOME_ADDRESS_CHECK:
            return None
        binding = self.cache.bound((packet.destination, home), now)
        if binding is not None and binding.care_of_address == packet.source:
            return None
        return self.binding_error(packet, ErrorStatus.UNKNOWN_BINDING, now)

    def binding_error(self, packet: Packet, status: ErrorStatus, now: float) -> list[Effect]:
        """Return a Binding Error to the source of a packet, within the rate limit (section 9.3.3)."""
        if not is_answerable(packet.source) or addresses.is_multicast(packet.destination):
            return []
        if not self._errors.allow(packet.source, now):
            return []
        home = packet.home_address_option or addresses.UNSPECIFIED
        return [_send(packet.destination, packet.source, BindingError(int(status), home))]

    def receive(self, packet: Packet, header: MobilityHeader, now: float) -> list[Effect]:
        """Take in a packet's Mobility Header that has passed the checks of section 9.2."""
        message = header.message
        if isinstance(message, HomeTestInit | CareOfTestInit):
            return self._test(packet, message, now)
        if isinstance(message, BindingUpdate):
            return self._update(packet, header, message, now)
        return []

    def _test(self, packet: Packet, init: HomeTestInit | CareOfTestInit, now: float) -> list[Effect]:
        """Answer a test to where it came from; nothing is remembered (sections 9.4.1 to 9.4.4)."""
        if packet.home_address_option is not None or not addresses.is_unicast_routable(packet.source):
            return []
        if not self._answers.allow((packet.source, init.TYPE), now):
            return []
        index = self.nonces.current(now)
        if isinstance(init, HomeTestInit):
            token = self.nonces.home_token(index, packet.source)
            return [_send(packet.destination, packet.source, HomeTest(index, init.cookie, token))]
        token = self.nonces.care_of_token(index, packet.source)
        return [_send(packet.destination, packet.source, CareOfTest(index, init.cookie, token))]

    def _update(self, packet: Packet, header: MobilityHeader, message: BindingUpdate, now: float) -> list[Effect]:
        """Judge a Binding Update (section 9.5.1) and carry it out; what fails otherwise stays unanswered."""
        update = understand(packet, header, message)
        if update is None or self._is_circular(update, now):
            return []
        if message.flags & HOME:
            return self._refuse_home_registration(update, now)
        if update.indices is None or not isinstance(message.options[-1], AuthorizationData):
            return []
        expired = self._expired(update, update.indices, now)
        if expired is not None:
            return self._answer(update, expired, None, now)
        key = self._key(update, update.indices)
        covered = _verified(update, key)
        if covered is None:
            return []
        entry = self.cache.get(update.key)
        if entry is not None and not serial.newer(message.sequence, entry.sequence):
            return self._answer(update, AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW, (key, covered), now)
        if update.is_deletion:
            effects = self._delete(update, update.indices)
        elif not self.cache.has_room(update.key):
            return self._answer(update, AckStatus.INSUFFICIENT_RESOURCES, (key, covered), now)
        else:
            effects = self._bind(update, update.indices, now)
        if message.flags & ACKNOWLEDGE:
            effects += self._answer(update, AckStatus.ACCEPTED, (key, covered), now)
        return effects

    def _is_circular(self, update: Update, now: float) -> bool:
        addresses_of_binding = update.local_address, update.home_address, update.care_of_address
        return self.cache.is_circular(*addresses_of_binding, now)

    def _refuse_home_registration(self, update: Update, now: float) -> list[Effect]:
        """Answer a home registration: this is no home agent, and no binding changes its type (section 9.5.1)."""
        if update.indices is not None:
            return []
        if self.cache.bound(update.key, now) is not None:
            return self._answer(update, AckStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED, None, now)
        return self._answer(update, AckStatus.HOME_REGISTRATION_NOT_SUPPORTED, None, now)

    def _expired(self, update: Update, indices: NonceIndices, now: float) -> AckStatus | None:
        """Return which nonces are too old; a deletion needs the home nonce only."""
        home = self.nonces.is_good(indices.home, now)
        care_of = update.is_deletion or self.nonces.is_good(indices.care_of, now)
        if home and care_of:
            return None
        if home:
            return AckStatus.EXPIRED_CARE_OF_NONCE_INDEX
        return AckStatus.EXPIRED_HOME_NONCE_INDEX if care_of else AckStatus.EXPIRED_NONCES

    def _key(self, update: Update, indices: NonceIndices) -> bytes:
        """Return Kbm, made anew from the nonces (section 5.2.5)."""
        home = self.nonces.home_token(indices.home, update.home_address)
        if update.is_deletion:
            return binding_management_key(home)
        return binding_management_key(home, self.nonces.care_of_token(indices.care_of, update.care_of_address))

    def _bind(self, update: Update, indices: NonceIndices, now: float) -> list[Effect]:
        lifetime = self._lifetime(update)
        before = self.cache.get(update.key)
        blocked_until = self._remembered_until(before, indices.home, indices.care_of)
        moved = before is None or before.state is not State.BOUND or before.care_of_address != update.care_of_address
        entry = _entry(update, now + lifetime, blocked_until, lifetime)
        self.cache.put(entry, Input.UPDATE)
        self.cache.timers.set(entry.key, max(now + lifetime - self.parameters.refresh_before_s, now))
        if not moved:
            return []
        return [InstallBinding(entry.home_address, entry.care_of_address, entry.local_address)]

    def _remembered_until(self, before: Binding | None, *indices: int) -> float:
        """Return when no update up to this one can come again, as its nonces and those before have ended."""
        ends = [self.nonces.expires(index) for index in indices]
        return max(0.0 if before is None else before.blocked_until, *ends)

    def _lifetime(self, update: Update) -> float:
        return min(update.message.lifetime * LIFETIME_UNIT_S, self.parameters.max_lifetime_s)

    def _delete(self, update: Update, indices: NonceIndices) -> list[Effect]:
        before = self.cache.get(update.key)
        was_bound = before is not None and before.state is State.BOUND
        if before is None and not self.cache.has_room(update.key):
            return []
        until = self._remembered_until(before, indices.home)
        entry = _entry(update, until, until, 0.0)
        self.cache.put(entry, Input.DELETE)
        self.cache.timers.set(entry.key, until)
        return [RemoveBinding(entry.home_address, entry.local_address)] if was_bound else []

    def _answer(self, update: Update, status: AckStatus, proof: tuple[bytes, bytes] | None, now: float) -> list[Effect]:
        """Return the Binding Acknowledgement, authenticated where there is a key (section 9.5.4).

        Rejections are limited, since an update that is rejected can be repeated by anyone.
        """
        source = update.packet.source
        is_rejection = status >= AckStatus.REASON_UNSPECIFIED
        if is_rejection and not self._answers.allow((source, BindingUpdate.TYPE), now):
            return []
        entry = self.cache.get(update.key)
        sequence = update.message.sequence
        if status is AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW and entry is not None:
            sequence = entry.sequence
        is_bound = not is_rejection and not update.is_deletion
        lifetime = int(self._lifetime(update) // LIFETIME_UNIT_S) if is_bound else 0
        message = BindingAcknowledgement(int(status), 0, sequence, lifetime)
        if proof is None:
            message = padded(message)
        else:
            key, covered = proof
            message = authorize(message, key, covered, update.local_address)
        headers = () if source == update.home_address else (Type2RoutingHeader(update.home_address),)
        return [Send(Packet(update.local_address, source, MobilityHeader(message), headers))]

    def unreachable(self, key: Key, care_of_address: bytes, now: float) -> list[Effect]:
        """Take note that a packet did not reach a care-of address; persistence ends the binding (section 9.3.4)."""
        entry = self.cache.bound(key, now)
        if entry is None or entry.care_of_address != care_of_address:
            return []
        if entry.unreachable_at is not None and now - entry.unreachable_at < self.parameters.unreachable_interval_s:
            return []
        entry.unreachable += 1
        entry.unreachable_at = now
        if entry.unreachable < self.parameters.unreachable_errors:
            return []
        return self._end(entry, Input.UNREACHABLE, now)

    def advance(self, now: float) -> list[Effect]:
        """Do what is due: ask for refreshes, end bindings, forget blocks."""
        effects: list[Effect] = []
        for entry in self.cache.due(now):
            effects += self._due(entry, now)
        return effects

    def _due(self, entry: Binding, now: float) -> list[Effect]:
        if entry.state is State.BLOCKED:
            self.cache.end(entry, Input.NONCES_END)
            return []
        if entry.expires > now:
            return self._ask_for_refresh(entry, now)
        return self._end(entry, Input.LIFETIME_ENDS, now)

    def _end(self, entry: Binding, event: Input, now: float) -> list[Effect]:
        """End a binding that its mobile node did not end, and remember its sequence number for a while."""
        self.cache.end(entry, event)
        self.cache.timers.set(entry.key, max(entry.blocked_until, now))
        return [
            RemoveBinding(entry.home_address, entry.local_address),
            Emit(EXPIRED, entry.home_address, entry.care_of_address, entry.local_address, event.name.lower()),
        ]

    def flush(self, now: float) -> tuple[int, list[Effect]]:
        """End all bindings, and return how many there were; no update that came before brings one back."""
        bound = [entry for entry in self.cache if entry.state is State.BOUND]
        return len(bound), [effect for entry in bound for effect in self._end(entry, Input.FLUSH, now)]

    def _ask_for_refresh(self, entry: Binding, now: float) -> list[Effect]:
        """Send a Binding Refresh Request for a binding in use, a few times at the most (section 9.5.5)."""
        in_use = entry.used is not None and now - entry.used <= self.parameters.refresh_before_s
        again = now + self.parameters.refresh_interval_s
        if not in_use or entry.requests >= self.parameters.refresh_requests:
            self.cache.timers.set(entry.key, entry.expires)
            return []
        entry.requests += 1
        self.cache.timers.set(entry.key, min(again, entry.expires))
        return [_send(entry.local_address, entry.home_address, BindingRefreshRequest())]


def _entry(update: Update, expires: float, blocked_until: float, lifetime_s: float) -> Binding:
    """Return what a Binding Update says as an entry, which the cache has yet to take in."""
    return Binding(
        update.local_address,
        update.home_address,
        update.care_of_address,
        update.message.sequence,
        State.ABSENT,
        expires,
        blocked_until,
        lifetime_s,
    )


def _verified(update: Update, key: bytes) -> bytes | None:
    """Return the care-of address that the authenticator covers, None where it does not fit.

    For a deletion the clause names the home address (section 6.2.7), and nodes in the field use
    the care-of address: both are accepted, and the answer uses the same one.
    """
    candidates = [update.care_of_address]
    if update.is_deletion and update.home_address != update.care_of_address:
        candidates.append(update.home_address)
    for covered in candidates:
        if is_authentic(update.header, key, covered, update.local_address):
            return covered
    return None


def _send(source: bytes, destination: bytes, message: Message) -> Send:
    return Send(Packet(source, destination, MobilityHeader(message)))


def _behind_home_address(packet: Packet) -> int:
    """Return the number of what follows the header with the Home Address option, fragment headers left out."""
    headers = [header for header in packet.headers if not isinstance(header, FragmentHeader)]
    for header, following in pairwise(headers):
        if isinstance(header, DestinationOptions) and any(isinstance(o, HomeAddress) for o in header.options):
            return following.NUMBER
    return packet.protocol
