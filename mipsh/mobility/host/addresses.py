"""The addresses of an interface: whether they are free, how long they last, which one to send from.

RFC 4862 sections 5.4 and 5.5.4, RFC 4429 where addresses are used while they are being tested.
"""

from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct

from mipsh.mobility.effects import (
    AddressAdded,
    AddressFailed,
    AddressGone,
    AddressReady,
    AddressRemoved,
    Effect,
)
from mipsh.mobility.host.context import Alarm, Context
from mipsh.mobility.host.detection import Detection
from mipsh.mobility.host.groups import Groups
from mipsh.mobility.host.routers import FOREVER, PrefixKey
from mipsh.mobility.machine import Machine
from mipsh.wire import address as wire

LINK_SCOPE = 2
ADDRESS_BITS = 128


class State(Enum):
    """What an address is good for."""

    ABSENT = auto()
    TENTATIVE = auto()
    OPTIMISTIC = auto()
    PREFERRED = auto()
    DEPRECATED = auto()
    DUPLICATE = auto()


class Input(Enum):
    """What happens to an address."""

    ASSIGN = auto()
    TRUST = auto()
    FREE = auto()
    TAKEN = auto()
    AGE = auto()
    RENEW = auto()
    RESTART = auto()
    REMOVE = auto()


ADDRESS = Machine(
    "address",
    State.ABSENT,
    {
        (State.ABSENT, Input.ASSIGN): State.TENTATIVE,
        (State.TENTATIVE, Input.TRUST): State.OPTIMISTIC,
        (State.TENTATIVE, Input.FREE): State.PREFERRED,
        (State.TENTATIVE, Input.TAKEN): State.DUPLICATE,
        (State.TENTATIVE, Input.RESTART): State.TENTATIVE,
        (State.TENTATIVE, Input.REMOVE): State.ABSENT,
        (State.OPTIMISTIC, Input.FREE): State.PREFERRED,
        (State.OPTIMISTIC, Input.TAKEN): State.DUPLICATE,
        (State.OPTIMISTIC, Input.RESTART): State.TENTATIVE,
        (State.OPTIMISTIC, Input.REMOVE): State.ABSENT,
        (State.PREFERRED, Input.AGE): State.DEPRECATED,
        (State.PREFERRED, Input.RESTART): State.TENTATIVE,
        (State.PREFERRED, Input.REMOVE): State.ABSENT,
        (State.DEPRECATED, Input.RENEW): State.PREFERRED,
        (State.DEPRECATED, Input.RESTART): State.TENTATIVE,
        (State.DEPRECATED, Input.REMOVE): State.ABSENT,
        (State.DUPLICATE, Input.RESTART): State.TENTATIVE,
        (State.DUPLICATE, Input.REMOVE): State.ABSENT,
    },
)

USABLE = frozenset((State.OPTIMISTIC, State.PREFERRED, State.DEPRECATED))
"""States in which packets may come to an address and leave from it."""
TESTED = frozenset((State.PREFERRED, State.DEPRECATED))
"""States in which an address is known to be the interface's own."""
UNTESTED = frozenset((State.TENTATIVE, State.OPTIMISTIC))
"""States in which a sign of another owner makes an address a duplicate."""
BEST_FIRST = (State.PREFERRED, State.OPTIMISTIC, State.DEPRECATED)


class Address(Struct):
    """An address of the interface; it was autoconfigured from ``prefix`` unless that is None."""

    address: bytes
    length: int
    state: State = State.ABSENT
    valid_until: float = FOREVER
    preferred_until: float = FOREVER
    prefix: PrefixKey | None = None


class Addresses:
    """All addresses of an interface, and those that are only probed on somebody's behalf."""

    def __init__(self, context: Context, groups: Groups) -> None:
        self.detection = Detection(context)
        self._context = context
        self._groups = groups
        self._entries: dict[bytes, Address] = {}
        self._probed: set[bytes] = set()

    def __len__(self) -> int:
        """Return how many addresses there are."""
        return len(self._entries)

    def __iter__(self) -> Iterator[Address]:
        """Iterate over the addresses as they are now."""
        return iter(tuple(self._entries.values()))

    def get(self, address: bytes) -> Address | None:
        """Return an address's entry."""
        return self._entries.get(address)

    def state(self, address: bytes) -> State:
        """Return an address's state."""
        entry = self._entries.get(address)
        return State.ABSENT if entry is None else entry.state

    def owns(self, address: bytes) -> bool:
        """Tell whether an address may be used."""
        entry = self._entries.get(address)
        return entry is not None and entry.state in USABLE

    def has_tested(self, address: bytes) -> bool:
        """Tell whether an address is known to be the interface's own."""
        return self.state(address) in TESTED

    def is_in_doubt(self, address: bytes) -> bool:
        """Tell whether an address would be lost to another owner: one that is tested or probed."""
        return self.state(address) in UNTESTED or address in self._probed

    # Choosing one.

    def source_for(self, destination: bytes) -> bytes | None:
        """Return the address to send from to a destination; None where there is none (RFC 6724 in short).

        Of the destination's scope, a preferred one if there is any, then the one most alike.
        """
        is_local = wire.is_link_local(destination)
        if wire.is_multicast(destination):
            is_local = destination[1] & 0x0F <= LINK_SCOPE
        own = [e for e in self._entries.values() if e.state in USABLE and wire.is_link_local(e.address) == is_local]
        if not own:
            return None
        number = int.from_bytes(destination)
        return min(own, key=lambda e: (BEST_FIRST.index(e.state), _difference(e.address, number))).address

    def tested_source(self, cause: bytes) -> bytes | None:
        """Return the address to solicit neighbours from; None where none has been tested (RFC 4429 section 3.2).

        It is the one that the packet which is waiting has, if that is the interface's (RFC 4861 section 7.2.2).
        """
        if self.has_tested(cause):
            return cause
        tested = [entry.address for entry in self._entries.values() if entry.state in TESTED]
        return min(tested, key=lambda address: not wire.is_link_local(address), default=None)

    # Having one.

    def assign(self, entry: Address, now: float, *, detect: bool = True, delay_s: float = 0.0) -> list[Effect]:
        """Give the interface an address, which is tested if ``detect``, once there is a link.

        One that it has is tested again only where that failed before. One that was probed is in use.
        """
        known = self._entries.get(entry.address)
        if known is None:
            effects = self.conflict(entry.address) if entry.address in self._probed else []
            self._entries[entry.address] = entry
            self._groups.join_for(entry.address)
            self._step(entry, Input.ASSIGN)
            self._watch(entry)
            return [*effects, *self._test(entry, now, detect=detect, delay_s=delay_s)]
        if known.state in TESTED:
            return [AddressReady(self._context.name, known.address)]
        if detect and known.state in UNTESTED:
            return []
        return self._restart(known, now, detect=detect)

    def restart(self, address: bytes, now: float, delay_s: float = 0.0) -> list[Effect]:
        """Test an address again on a link that may be another one; until then it may not be used."""
        return self._restart(self._entries[address], now, delay_s=delay_s)

    def resume(self, now: float) -> list[Effect]:
        """Test what could not be tested without a link, and what was a duplicate on the link before."""
        effects: list[Effect] = []
        for entry in self:
            if entry.state not in TESTED and entry.address not in self.detection:
                effects += self._restart(entry, now)
        for address in self._probed:
            effects += self.detection.start(address, now)
        return effects

    def _restart(self, entry: Address, now: float, *, detect: bool = True, delay_s: float = 0.0) -> list[Effect]:
        was_usable = entry.state in USABLE
        self._step(entry, Input.RESTART)
        effects = self._test(entry, now, detect=detect, delay_s=delay_s)
        if was_usable and entry.state not in USABLE:
            effects.insert(0, AddressRemoved(entry.address, self._context.name))
        return effects

    def _test(self, entry: Address, now: float, *, detect: bool, delay_s: float) -> list[Effect]:
        if not detect or not self.detection.is_on:
            self.detection.stop(entry.address)
            return self._free(entry, now)
        if not self._context.is_up:
            return []
        effects = self.detection.start(entry.address, now, delay_s)
        if self._context.parameters.is_optimistic:
            self._step(entry, Input.TRUST)
            effects += self._ready(entry)
        return effects

    def probe(self, address: bytes, now: float) -> list[Effect]:
        """Find out whether an address is free that the interface is not to have."""
        if self.state(address) is not State.ABSENT:
            return [AddressFailed(self._context.name, address)]
        if not self.detection.is_on:
            return [AddressReady(self._context.name, address)]
        if address in self._probed:
            return []
        self._probed.add(address)
        self._groups.join_for(address)
        return self.detection.start(address, now) if self._context.is_up else []

    def remove(self, address: bytes) -> list[Effect]:
        """Take an address from the interface; harmless where it is not there."""
        entry = self._entries.pop(address, None)
        if entry is None:
            return []
        was_usable = entry.state in USABLE
        self._step(entry, Input.REMOVE)
        self._groups.leave_for(address)
        self.detection.stop(address)
        self._context.timers.cancel((Alarm.LIFETIME, address))
        return [AddressGone(self._context.name, address), *self._removed(entry, was_usable)]

    # What the link says, or does not say.

    def conflict(self, address: bytes) -> list[Effect]:
        """Take note that an address in doubt is somebody else's (RFC 4862 sections 5.4.3 to 5.4.5)."""
        self.detection.stop(address)
        self._end_probe(address)
        effects: list[Effect] = [AddressFailed(self._context.name, address)]
        entry = self._entries.get(address)
        if entry is not None:
            was_usable = entry.state in USABLE
            self._step(entry, Input.TAKEN)
            effects += self._removed(entry, was_usable)
        return effects

    def detection_alarm(self, address: bytes, now: float) -> list[Effect]:
        """Go on with a test; where it ended, the address is free."""
        effects = self.detection.alarm(address, now)
        if effects is not None:
            return effects
        if self._end_probe(address):
            return [AddressReady(self._context.name, address)]
        return self._free(self._entries[address], now)

    def link_lost(self) -> None:
        """Stop testing."""
        self.detection.stop_all()

    # How long it lasts.

    def renew(self, entry: Address, valid_until: float, preferred_until: float, now: float) -> None:
        """Give an address other lifetimes."""
        entry.valid_until, entry.preferred_until = valid_until, preferred_until
        self._age(entry, now)

    def lifetime_alarm(self, address: bytes, now: float) -> list[Effect]:
        """Deprecate an address, or take it from the interface (RFC 4862 section 5.5.4)."""
        entry = self._entries[address]
        if entry.valid_until <= now:
            return self.remove(address)
        self._age(entry, now)
        return []

    def _age(self, entry: Address, now: float) -> None:
        """Deprecate an address, or prefer it again, as its lifetime says."""
        if entry.state is State.PREFERRED and entry.preferred_until <= now:
            self._step(entry, Input.AGE)
        elif entry.state is State.DEPRECATED and entry.preferred_until > now:
            self._step(entry, Input.RENEW)
        self._watch(entry)

    def _watch(self, entry: Address) -> None:
        """Set the deadline of what ends next."""
        end = min(entry.valid_until, entry.preferred_until) if entry.state is State.PREFERRED else entry.valid_until
        if end < FOREVER:
            self._context.timers.set((Alarm.LIFETIME, entry.address), end)
        else:
            self._context.timers.cancel((Alarm.LIFETIME, entry.address))

    def _free(self, entry: Address, now: float) -> list[Effect]:
        self._step(entry, Input.FREE)
        self._age(entry, now)
        return self._ready(entry)

    def _ready(self, entry: Address) -> list[Effect]:
        name, is_optimistic = self._context.name, entry.state is State.OPTIMISTIC
        return [AddressAdded(entry.address, name), AddressReady(name, entry.address, is_optimistic)]

    def _removed(self, entry: Address, was_usable: bool) -> list[Effect]:
        return [AddressRemoved(entry.address, self._context.name)] if was_usable else []

    def _end_probe(self, address: bytes) -> bool:
        """Probe an address no more; tell whether it was probed."""
        if address not in self._probed:
            return False
        self._probed.discard(address)
        self._groups.leave_for(address)
        return True

    def _step(self, entry: Address, event: Input) -> None:
        entry.state = self._context.step(ADDRESS, entry.address, entry.state, event)


def _difference(address: bytes, number: int) -> int:
    """Return how many bits at the end of an address begin with one that another address has not."""
    return (int.from_bytes(address) ^ number).bit_length()
