"""Home registrations: Binding Updates judged, carried out and acknowledged (RFC 6275 sections 9.5 and 10.3).

A first registration waits until its addresses are known to be free on the home link. A
deregistration leaves its sequence number behind for a while.
"""

from msgspec import Struct

from mipsh.mobility import serial
from mipsh.mobility.binding_update import Update, understand
from mipsh.mobility.effects import (
    DefendAddress,
    Effect,
    Emit,
    InstallBinding,
    ProbeAddress,
    Protection,
    Purpose,
    ReleaseAddress,
    RemoveBinding,
)
from mipsh.mobility.home.acknowledgement import Answer, acknowledgement
from mipsh.mobility.home.administration import BindingOrder, as_update
from mipsh.mobility.home.cache import NEVER, HomeBinding, HomeCache, Input, OnLink, State
from mipsh.mobility.home.mobile_network import MobileNetworks
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink, HomeLinks, Prefix
from mipsh.mobility.limits import Limits
from mipsh.mobility.status import AckStatus
from mipsh.wire.mobility import HOME, LIFETIME_UNIT_S, LINK_LOCAL, MOBILE_ROUTER, BindingUpdate, MobilityHeader
from mipsh.wire.ndp import INFINITY
from mipsh.wire.packet import Packet

REGISTERED, DEREGISTERED = "mip6MnRegistered", "mip6MnDeRegistered"
MOVED, EXPIRED = "mip6MnCOAChanged", "mip6MnBindingExpiredAtHA"
"""The notifications of MOBILEIPV6-MIB (RFC 4295)."""
REFUSED = "haBindingRefused"
"""The event for a binding that an administrator wanted and that cannot be, as turned out later."""


class Arrived(Struct, frozen=True):
    """A Binding Update, how it came, and the home link of its home address.

    One that ``is_ordered`` came from an administrator: nobody is told what became of it.
    """

    update: Update
    protection: Protection | None
    link: HomeLink | None
    is_ordered: bool = False

    @property
    def sequence(self) -> int:
        """The sequence number."""
        return self.update.message.sequence

    @property
    def is_mobile_router(self) -> bool:
        """The R flag."""
        return bool(self.update.message.flags & MOBILE_ROUTER)


class Probe(Struct):
    """A registration that waits: the newest update, and the addresses that are not known to be free yet."""

    entry: HomeBinding
    arrived: Arrived
    waiting: set[OnLink]


class Registrar:
    """Keeps the home registrations in a cache by what Binding Updates, links and time say."""

    def __init__(
        self, parameters: HomeAgentParameters, links: HomeLinks, cache: HomeCache, networks: MobileNetworks
    ) -> None:
        self._parameters = parameters
        self._links = links
        self._cache = cache
        self._networks = networks
        self._probes: dict[bytes, Probe] = {}
        self._probed: dict[OnLink, list[bytes]] = {}
        self._defended: dict[OnLink, int] = {}
        self._rejections = Limits(parameters.rejections_per_peer)

    def reconfigure(self, parameters: HomeAgentParameters) -> None:
        """Judge Binding Updates by other parameters from now on."""
        self._parameters = parameters

    def defends(self, interface: str, address: bytes) -> bool:
        """Tell whether a link-local address is answered for on a link."""
        return (interface, address) in self._defended

    def receive(
        self, packet: Packet, header: MobilityHeader, message: BindingUpdate, protection: Protection | None, now: float
    ) -> list[Effect] | None:
        """Take in a Binding Update; None where it is no home registration and changes none."""
        update = understand(packet, header, message)
        if not message.flags & HOME:
            return None if update is None else self._other_registration(update, protection, now)
        if update is None or update.indices is not None or packet.destination in self._links.by_anycast:
            return []
        arrived = Arrived(update, protection, self._links.of(update.home_address))
        if not self._parameters.is_enabled:
            return self._reject(arrived, AckStatus.HOME_REGISTRATION_NOT_SUPPORTED, now)
        if not self._parameters.is_protected(protection, Purpose.REGISTRATION, update.home_address):
            return []
        return self._home_registration(arrived, now)

    def _other_registration(self, update: Update, protection: Protection | None, now: float) -> list[Effect] | None:
        """Refuse what would make a home registration one with a correspondent (section 9.5.1)."""
        arrived = Arrived(update, protection, self._links.of(update.home_address))
        if self._cache.bound(update.home_address, now) is not None:
            return self._reject(arrived, AckStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED, now)
        if arrived.is_mobile_router and self._parameters.is_enabled:
            return self._reject(arrived, AckStatus.MOBILE_ROUTER_OPERATION_NOT_PERMITTED, now)
        return None

    def _home_registration(self, arrived: Arrived, now: float) -> list[Effect]:
        """Judge a home registration, in the order of sections 9.5.1 and 10.3, and carry it out."""
        update = arrived.update
        entry = self._cache.get(update.home_address)
        if entry is not None and not serial.newer(arrived.sequence, entry.sequence):
            if entry.state is State.PROBING and arrived.sequence == entry.sequence:
                return []
            return self._reject(arrived, AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW, now, entry.sequence)
        refused = self._refuse_home_address(arrived)
        if refused is not None:
            return self._reject(arrived, refused, now)
        if update.is_deletion:
            return self._deregister(arrived, entry, now)
        if self._is_circular(update, now):
            return []
        refused = self._refuse_registration(arrived, entry)
        if refused is not None:
            return self._reject(arrived, refused, now)
        prefixes = self._networks.judge(update) if arrived.is_mobile_router else ()
        if isinstance(prefixes, AckStatus):
            return self._reject(arrived, prefixes, now)
        return self._register(arrived, entry, prefixes, now)

    def _refuse_home_address(self, arrived: Arrived) -> AckStatus | None:
        """Return why a home address is not served: one's own, on no home link, or denied (section 10.3.1)."""
        home = arrived.update.home_address
        if self._links.is_reserved(home):
            return AckStatus.ADMINISTRATIVELY_PROHIBITED
        if arrived.link is None and not self._networks.is_configured(home):
            return AckStatus.NOT_HOME_SUBNET
        return None if self._parameters.permits(home) else AckStatus.ADMINISTRATIVELY_PROHIBITED

    def _is_circular(self, update: Update, now: float) -> bool:
        """Tell whether a care-of address leads back to its home address by way of other bindings (section 6.1.7)."""
        seen, care_of = set(), update.care_of_address
        while care_of not in seen:
            seen.add(care_of)
            owner = self._networks.owner(care_of)
            entry = self._cache.bound(care_of if owner is None else owner, now)
            if entry is None:
                return False
            care_of = entry.care_of_address
            if update.home_address in (entry.home_address, care_of):
                return True
        return False

    def _refuse_registration(self, arrived: Arrived, entry: HomeBinding | None) -> AckStatus | None:
        """Return why a registration is refused although its home address is served."""
        update = arrived.update
        if self._links.of(update.care_of_address) is not None or self._links.is_reserved(update.care_of_address):
            return AckStatus.INVALID_CARE_OF_ADDRESS
        if self._parameters.requires_alternate and not update.has_alternate:
            return AckStatus.ADMINISTRATIVELY_PROHIBITED
        is_bound = entry is not None and entry.state is State.BOUND
        if entry is not None and is_bound and entry.is_mobile_router != arrived.is_mobile_router:
            return AckStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED
        if entry is None and (not self._cache.has_room() or len(self._probes) >= self._parameters.max_probes):
            return AckStatus.INSUFFICIENT_RESOURCES
        return None if self._granted(arrived) else AckStatus.NOT_HOME_SUBNET

    def _granted(self, arrived: Arrived) -> int:
        """Return the lifetime to grant in units: no longer than asked for, allowed, or the prefix is valid."""
        units = min(arrived.update.message.lifetime, int(self._parameters.max_lifetime_s // LIFETIME_UNIT_S))
        if arrived.link is not None and arrived.link.valid_s != INFINITY:
            units = min(units, arrived.link.valid_s // LIFETIME_UNIT_S)
        return units

    # What an administrator wants.

    def add(self, order: BindingOrder, now: float) -> list[Effect] | AckStatus:
        """Make or replace a binding without an update and without an answer; return why it cannot be otherwise.

        What is judged of a Binding Update is judged of it, but for protection and an Alternate Care-of
        Address. One that waits for duplicate address detection goes on waiting, with the newer addresses.
        """
        entry = self._cache.get(order.home_address)
        if not order.is_possible:
            return AckStatus.INVALID_CARE_OF_ADDRESS
        last = -1 if entry is None else entry.sequence
        if order.sequence is not None and entry is not None and not serial.newer(order.sequence, last):
            return AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW
        sequence = max(last, 0) if order.sequence is None else order.sequence
        update = as_update(order, sequence)
        arrived = Arrived(update, None, self._links.of(order.home_address), is_ordered=True)
        refused = self._refuse_home_address(arrived) or self._refuse_registration(arrived, entry)
        if refused is None and self._is_circular(update, now):
            refused = AckStatus.INVALID_CARE_OF_ADDRESS
        if refused is not None:
            return refused
        if entry is not None or order.detects_duplicates:
            return self._register(arrived, entry, () if entry is None else entry.prefixes, now)
        return self._establish(arrived, self._entry(arrived), Input.UPDATE, (), now)

    def delete(self, home_address: bytes, local_address: bytes, now: float) -> list[Effect] | AckStatus:
        """End a binding, or the wait for one, without an update and without an answer."""
        entry = self._cache.get(home_address)
        if entry is None or entry.state is State.DYING or entry.local_address != local_address:
            return AckStatus.NOT_HOME_AGENT
        order = BindingOrder(home_address, entry.care_of_address, local_address, 0, entry.flags)
        update = as_update(order, entry.sequence)
        return self._deregister(Arrived(update, None, None, is_ordered=True), entry, now)

    def _register(
        self, arrived: Arrived, entry: HomeBinding | None, prefixes: tuple[Prefix, ...], now: float
    ) -> list[Effect]:
        if entry is not None and entry.state is not State.PROBING:
            return self._establish(arrived, entry, Input.UPDATE, prefixes, now)
        if entry is None:
            entry = self._entry(arrived)
            if arrived.link is None or not self._parameters.detects_duplicates:
                return self._establish(arrived, entry, Input.UPDATE, prefixes, now)
        return self._probe(arrived, entry, now)

    def _entry(self, arrived: Arrived) -> HomeBinding:
        update, link = arrived.update, arrived.link
        return HomeBinding(
            update.local_address,
            update.home_address,
            update.care_of_address,
            None if link is None else link.interface,
            arrived.sequence,
            update.message.flags,
            0.0,
        )

    def _probe(self, arrived: Arrived, entry: HomeBinding, now: float) -> list[Effect]:
        """Wait for duplicate address detection (section 10.3.1); a newer update takes an older one's place."""
        probe = self._probes.get(entry.home_address)
        if probe is not None:
            probe.arrived = arrived
            entry.sequence = arrived.sequence
            return []
        # A link-local address that is defended already, for another prefix, is known to be free.
        waiting = [place for place in entry.defended if place not in self._defended]
        self._probes[entry.home_address] = Probe(entry, arrived, set(waiting))
        entry.expires = now + self._parameters.probe_timeout_s
        self._cache.step(entry, Input.PROBE)
        effects: list[Effect] = [ProbeAddress(*place) for place in waiting if place not in self._probed]
        for place in waiting:
            self._probed.setdefault(place, []).append(entry.home_address)
        return effects

    def is_probed(self, interface: str, address: bytes) -> bool:
        """Tell whether a registration waits for an address on a link."""
        return (interface, address) in self._probed

    def ready(self, interface: str, address: bytes, now: float) -> list[Effect]:
        """Take note that an address is free; registrations that waited for nothing else are established."""
        effects: list[Effect] = []
        for home in self._probed.pop((interface, address), ()):
            probe = self._probes[home]
            probe.waiting.discard((interface, address))
            if not probe.waiting:
                effects += self._probe_succeeded(probe.arrived, now)
        return effects

    def _probe_succeeded(self, arrived: Arrived, now: float) -> list[Effect]:
        entry = self._abandon_probe(arrived.update.home_address)
        # Another mobile router may have registered a prefix meanwhile.
        prefixes = self._networks.judge(arrived.update) if arrived.is_mobile_router else ()
        if isinstance(prefixes, AckStatus):
            self._cache.step(entry, Input.TAKEN)
            return self._reject(arrived, prefixes, now)
        return self._establish(arrived, entry, Input.FREE, prefixes, now)

    def failed(self, interface: str, address: bytes, now: float) -> list[Effect]:
        """Take note that an address is somebody else's: registrations that need it are refused."""
        effects: list[Effect] = []
        for home in tuple(self._probed.get((interface, address), ())):
            arrived = self._probes[home].arrived
            self._cache.step(self._abandon_probe(home), Input.TAKEN)
            effects += self._reject(arrived, AckStatus.DUPLICATE_ADDRESS_DETECTION_FAILED, now)
        return effects

    def _abandon_probe(self, home: bytes) -> HomeBinding:
        """Wait for addresses no more, and return the entry that did."""
        probe = self._probes.pop(home)
        for place in probe.waiting:
            self._probed[place].remove(home)
            if not self._probed[place]:
                del self._probed[place]
        return probe.entry

    def _establish(
        self, arrived: Arrived, entry: HomeBinding, event: Input, prefixes: tuple[Prefix, ...], now: float
    ) -> list[Effect]:
        """Bind, and acknowledge; the first update settles what is defended until the binding ends."""
        update, before = arrived.update, entry.state
        units = self._granted(arrived)
        moved = (entry.care_of_address, entry.local_address) != (update.care_of_address, update.local_address)
        flags = update.message.flags
        if before in (State.BOUND, State.PROBING):
            flags = flags & ~LINK_LOCAL | entry.flags & LINK_LOCAL
        entry.care_of_address, entry.local_address = update.care_of_address, update.local_address
        entry.sequence, entry.flags = arrived.sequence, flags
        entry.lifetime_s = units * LIFETIME_UNIT_S
        entry.expires = now + entry.lifetime_s
        if before is not State.BOUND or entry.advertised:
            entry.advertised = 0
            entry.advertise_at = now + self._parameters.max_advertisement_interval_s
        self._cache.step(entry, event)
        if prefixes != entry.prefixes:
            self._networks.withdraw(entry.prefixes)
            self._networks.register(entry.home_address, prefixes)
            entry.prefixes = prefixes
        effects = [] if before is State.BOUND else self._defend(entry)
        if moved or before is not State.BOUND:
            effects.append(InstallBinding(entry.home_address, entry.care_of_address, entry.local_address, True))
        effects += self._accept(arrived, units)
        if before is not State.BOUND:
            effects.append(Emit(REGISTERED, entry.home_address, entry.care_of_address, entry.local_address))
        elif moved:
            effects.append(Emit(MOVED, entry.home_address, entry.care_of_address, entry.local_address))
        return effects

    def _accept(self, arrived: Arrived, units: int) -> list[Effect]:
        """Return the acknowledgement of a registration (section 10.3.1)."""
        link, status = arrived.link, AckStatus.ACCEPTED
        if link is not None:
            deprecated = link.preferred_s != INFINITY and link.preferred_s // LIFETIME_UNIT_S < units
            ends = link.valid_s != INFINITY and link.valid_s // LIFETIME_UNIT_S <= units
            if deprecated or ends:
                status = AckStatus.ACCEPTED_PREFIX_DISCOVERY_NECESSARY
        share = self._parameters.refresh_share
        advice = None if share is None else int(units * share)
        return self._acknowledge(arrived, Answer(status, arrived.sequence, units, advice))

    def _acknowledge(self, arrived: Arrived, answer: Answer) -> list[Effect]:
        if arrived.is_ordered:
            return []
        interface = None if arrived.link is None else arrived.link.interface
        says_router = arrived.is_mobile_router and self._parameters.serves_mobile_routers
        return [acknowledgement(arrived.update, answer, arrived.protection, interface, says_router)]

    def _reject(self, arrived: Arrived, status: AckStatus, now: float, sequence: int | None = None) -> list[Effect]:
        """Return a rejection, limited, since an update that is rejected can be repeated by anyone."""
        if arrived.is_ordered:
            update = arrived.update
            addresses = update.home_address, update.care_of_address, update.local_address
            return [Emit(REFUSED, *addresses, f"status {int(status)}")]
        if not self._rejections.allow(arrived.update.packet.source, now):
            return []
        return self._acknowledge(arrived, Answer(status, arrived.sequence if sequence is None else sequence))

    def _deregister(self, arrived: Arrived, entry: HomeBinding | None, now: float) -> list[Effect]:
        """End a registration, and leave its sequence number behind (section 10.3.2).

        The addresses are left to their owner before the acknowledgement goes to it on the home link.
        """
        if entry is None:
            return self._reject(arrived, AckStatus.NOT_HOME_AGENT, now)
        before = entry.state
        effects: list[Effect] = []
        if before is State.BOUND:
            effects = self._stop(entry)
        elif before is State.PROBING:
            self._abandon_probe(entry.home_address)
        entry.sequence = arrived.sequence
        entry.expires = now + self._parameters.delete_delay_s
        entry.advertise_at, entry.advertised = NEVER, 0
        self._cache.step(entry, Input.DELETE)
        effects += self._acknowledge(arrived, Answer(AckStatus.ACCEPTED, arrived.sequence))
        if before is State.BOUND:
            effects.append(Emit(DEREGISTERED, entry.home_address, entry.care_of_address, entry.local_address))
        return effects

    def end(self, entry: HomeBinding, now: float) -> list[Effect]:
        """End what an entry's deadline ends, by its state; also a binding whose prefix is gone."""
        if entry.state is State.DYING:
            self._cache.step(entry, Input.DELETION_ENDS)
            return []
        if entry.state is State.PROBING:
            arrived = self._probes[entry.home_address].arrived
            self._cache.step(self._abandon_probe(entry.home_address), Input.PROBE_ENDS)
            return self._reject(arrived, AckStatus.REASON_UNSPECIFIED, now)
        effects = self._stop(entry)
        self._cache.step(entry, Input.LIFETIME_ENDS)
        return [*effects, Emit(EXPIRED, entry.home_address, entry.care_of_address, entry.local_address)]

    def _defend(self, entry: HomeBinding) -> list[Effect]:
        """Answer for an entry's addresses on the home link (section 10.4.1)."""
        effects: list[Effect] = []
        for place in entry.defended:
            if place[1] != entry.home_address:
                self._defended[place] = self._defended.get(place, 0) + 1
            effects.append(DefendAddress(*place))
        return effects

    def _stop(self, entry: HomeBinding) -> list[Effect]:
        """Intercept packets for an entry no more."""
        self._networks.withdraw(entry.prefixes)
        entry.prefixes = ()
        effects: list[Effect] = [RemoveBinding(entry.home_address, entry.local_address)]
        for place in entry.defended:
            # A link-local address may be defended for several prefixes at once.
            left = self._defended.pop(place, 1) - 1
            if left:
                self._defended[place] = left
            else:
                effects.append(ReleaseAddress(*place))
        return effects
