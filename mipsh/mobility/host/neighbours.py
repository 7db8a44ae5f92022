"""The neighbour cache: link-layer addresses, and whether neighbours still answer (RFC 4861 section 7).

An entry's state follows section 7.3.2. That REACHABLE ends is noticed when the entry is used; all
else has a deadline.
"""

from collections.abc import Callable, Iterator
from enum import Enum, auto

from msgspec import Struct, field

from mipsh.mobility.effects import Effect, NeighbourConfirmed, NeighbourLost, Protection, Transmit, Undeliverable
from mipsh.mobility.host.context import Alarm, Context
from mipsh.mobility.host.routers import Routers
from mipsh.mobility.host.validate import SOURCE, TARGET, link_layer_of
from mipsh.mobility.machine import Machine
from mipsh.wire import address as addresses
from mipsh.wire.ndp import OVERRIDE, ROUTER, SOLICITED, LinkLayer, NeighborAdvertisement, NeighborSolicitation

FOREVER = float("inf")
UNKNOWN = b""
"""The link-layer address of a neighbour that is being resolved."""


class State(Enum):
    """What is known of a neighbour."""

    ABSENT = auto()
    INCOMPLETE = auto()
    REACHABLE = auto()
    STALE = auto()
    DELAY = auto()
    PROBE = auto()


class Input(Enum):
    """What happens to an entry."""

    SEND = auto()
    HEARD = auto()
    DOUBT = auto()
    CONFIRMED = auto()
    ASK = auto()
    TIME = auto()
    GIVE_UP = auto()
    DROP = auto()


NEIGHBOUR = Machine(
    "neighbour",
    State.ABSENT,
    {
        (State.ABSENT, Input.SEND): State.INCOMPLETE,
        (State.ABSENT, Input.HEARD): State.STALE,
        (State.INCOMPLETE, Input.TIME): State.INCOMPLETE,
        (State.INCOMPLETE, Input.HEARD): State.STALE,
        (State.INCOMPLETE, Input.CONFIRMED): State.REACHABLE,
        (State.INCOMPLETE, Input.GIVE_UP): State.ABSENT,
        (State.INCOMPLETE, Input.DROP): State.ABSENT,
        (State.REACHABLE, Input.TIME): State.STALE,
        (State.REACHABLE, Input.HEARD): State.STALE,
        (State.REACHABLE, Input.DOUBT): State.STALE,
        (State.REACHABLE, Input.CONFIRMED): State.REACHABLE,
        (State.REACHABLE, Input.ASK): State.PROBE,
        (State.REACHABLE, Input.DROP): State.ABSENT,
        (State.STALE, Input.SEND): State.DELAY,
        (State.STALE, Input.HEARD): State.STALE,
        (State.STALE, Input.CONFIRMED): State.REACHABLE,
        (State.STALE, Input.ASK): State.PROBE,
        (State.STALE, Input.DROP): State.ABSENT,
        (State.DELAY, Input.TIME): State.PROBE,
        (State.DELAY, Input.HEARD): State.STALE,
        (State.DELAY, Input.CONFIRMED): State.REACHABLE,
        (State.DELAY, Input.ASK): State.PROBE,
        (State.DELAY, Input.DROP): State.ABSENT,
        (State.PROBE, Input.TIME): State.PROBE,
        (State.PROBE, Input.HEARD): State.STALE,
        (State.PROBE, Input.CONFIRMED): State.REACHABLE,
        (State.PROBE, Input.GIVE_UP): State.ABSENT,
        (State.PROBE, Input.DROP): State.ABSENT,
    },
)


class Neighbour(Struct):
    """An entry of the cache.

    ``reachable_until`` counts while it is REACHABLE. ``probes`` is how many solicitations were sent,
    ``cause`` the source of the packet that they are for. It ``is_asked`` about while somebody waits
    to hear whether it answers; it ``is_static`` where an administrator entered it.
    """

    address: bytes
    state: State = State.ABSENT
    link_layer: bytes = UNKNOWN
    reachable_until: float = FOREVER
    probes: int = 0
    cause: bytes = addresses.UNSPECIFIED
    is_asked: bool = False
    is_static: bool = False
    queue: list[tuple[bytes, Protection | None]] = field(default_factory=list)


class Neighbours:
    """All entries; ``choose_source`` returns the address to solicit from, None where there is none that may be used."""

    def __init__(self, context: Context, routers: Routers, choose_source: Callable[[bytes], bytes | None]) -> None:
        self._context = context
        self._routers = routers
        self._choose_source = choose_source
        self._entries: dict[bytes, Neighbour] = {}

    def __iter__(self) -> Iterator[Neighbour]:
        """Iterate over the entries as they are now."""
        return iter(tuple(self._entries.values()))

    # What the node sends.

    def transmit(self, data: bytes, next_hop: bytes, now: float, protection: Protection | None = None) -> list[Effect]:
        """Send a packet to a neighbour, or let it wait while the neighbour is being resolved."""
        neighbour = self._entries.get(next_hop)
        if neighbour is None:
            return self._resolve(data, next_hop, now, protection)
        if neighbour.state is not State.REACHABLE or neighbour.reachable_until <= now:
            if neighbour.state is State.INCOMPLETE:
                self._wait(neighbour, data, protection)
                return []
            self._used(neighbour, now)
        return [Transmit(self._context.name, neighbour.link_layer, data, protection)]

    def _resolve(self, data: bytes, address: bytes, now: float, protection: Protection | None) -> list[Effect]:
        neighbour = self._add(address, now)
        if neighbour is None:
            return []
        neighbour.cause = data[8:24]
        self._wait(neighbour, data, protection)
        return self._begin(neighbour, Input.SEND, now)

    def _wait(self, neighbour: Neighbour, data: bytes, protection: Protection | None) -> None:
        """Let a packet wait; the oldest one gives way (section 7.2.2)."""
        neighbour.queue.append((data, protection))
        if len(neighbour.queue) > self._context.parameters.queue:
            neighbour.queue.pop(0)

    def _used(self, neighbour: Neighbour, now: float) -> None:
        """Take note that a packet goes to a neighbour that may not be reachable any more."""
        if neighbour.state is State.REACHABLE:
            self._step(neighbour, Input.TIME)
        if neighbour.state is State.STALE:
            self._step(neighbour, Input.SEND)
            self._set(neighbour, now + self._context.parameters.delay_first_probe_s)

    def ask(self, address: bytes, link_layer: bytes | None, now: float) -> list[Effect]:
        """Find out whether a neighbour answers; ``link_layer`` is what is known of it elsewhere."""
        effects = [] if link_layer is None else self.heard(address, link_layer, now)
        neighbour = self._entries.get(address) or self._add(address, now)
        if neighbour is None:
            return [NeighbourLost(self._context.name, address)]
        if neighbour.is_static:
            return [NeighbourConfirmed(self._context.name, address)]
        neighbour.is_asked = True
        if neighbour.state is State.ABSENT:
            return self._begin(neighbour, Input.SEND, now)
        if neighbour.state in (State.INCOMPLETE, State.PROBE):
            return effects
        return [*effects, *self._begin(neighbour, Input.ASK, now)]

    def _begin(self, neighbour: Neighbour, event: Input, now: float) -> list[Effect]:
        """Send the first of the solicitations."""
        self._step(neighbour, event)
        neighbour.probes = 0
        return self._solicit(neighbour, now)

    def _solicit(self, neighbour: Neighbour, now: float) -> list[Effect]:
        """Solicit a neighbour: all who might be it while its link-layer address is unknown, else itself."""
        context = self._context
        neighbour.probes += 1
        self._set(neighbour, now + context.retransmit_s)
        source = self._choose_source(neighbour.cause)
        if source is None:
            return []
        message = NeighborSolicitation(neighbour.address, (LinkLayer(SOURCE, context.link_layer),))
        if neighbour.state is State.INCOMPLETE:
            return [context.put(source, addresses.solicited_node(neighbour.address), message)]
        return [context.put(source, neighbour.address, message, neighbour.link_layer)]

    # What the link says.

    def heard(self, address: bytes, link_layer: bytes, now: float) -> list[Effect]:
        """Take in the link-layer address that a solicitation, a Router Advertisement or a Redirect gives."""
        neighbour = self._entries.get(address) or self._add(address, now)
        if neighbour is None or neighbour.is_static or neighbour.link_layer == link_layer:
            return []
        neighbour.link_layer = link_layer
        return self._unconfirmed(neighbour, now)

    def advertised(self, message: NeighborAdvertisement, now: float) -> list[Effect]:
        """Take in a Neighbor Advertisement (section 7.2.5)."""
        neighbour = self._entries.get(message.target)
        if neighbour is None or neighbour.is_static:
            return []
        given = link_layer_of(message.options, TARGET) or neighbour.link_layer
        if given == UNKNOWN:
            return []
        is_other = given != neighbour.link_layer
        if is_other and neighbour.state is not State.INCOMPLETE and not message.flags & OVERRIDE:
            if neighbour.state is State.REACHABLE:
                self._step(neighbour, Input.DOUBT)
            return []
        neighbour.link_layer = given
        effects = [] if message.flags & ROUTER else self._routers.end(neighbour.address)
        if message.flags & SOLICITED:
            return [*effects, *self._confirmed(neighbour, now)]
        return [*effects, *self._unconfirmed(neighbour, now)] if is_other else effects

    def _unconfirmed(self, neighbour: Neighbour, now: float) -> list[Effect]:
        """Go on with another link-layer address, of which nothing is known yet."""
        if neighbour.is_asked and neighbour.state is State.PROBE:
            return []
        self._step(neighbour, Input.HEARD)
        self._cancel(neighbour)
        effects = self._flush(neighbour, now)
        if neighbour.is_asked:
            effects += self._begin(neighbour, Input.ASK, now)
        return effects

    def _confirmed(self, neighbour: Neighbour, now: float) -> list[Effect]:
        """Take note that a neighbour answered."""
        self._step(neighbour, Input.CONFIRMED)
        self._cancel(neighbour)
        neighbour.reachable_until = now + self._context.reachable_s
        self._routers.answered(neighbour.address)
        effects = self._flush(neighbour, now)
        if neighbour.is_asked:
            neighbour.is_asked = False
            effects.append(NeighbourConfirmed(self._context.name, neighbour.address))
        return effects

    def _flush(self, neighbour: Neighbour, now: float) -> list[Effect]:
        """Send what waited."""
        effects: list[Effect] = []
        while neighbour.queue:
            data, protection = neighbour.queue.pop(0)
            effects += self.transmit(data, neighbour.address, now, protection)
        return effects

    def confirm(self, address: bytes, now: float) -> None:
        """Take the upper layers' word for it that a neighbour can be reached; who asked is still to be answered."""
        neighbour = self._entries.get(address)
        if neighbour is None or neighbour.is_asked or neighbour.is_static or neighbour.state is State.INCOMPLETE:
            return
        self._confirmed(neighbour, now)

    def alarm(self, address: bytes, now: float) -> list[Effect]:
        """Go on when a neighbour was silent."""
        neighbour = self._entries[address]
        parameters = self._context.parameters
        if neighbour.state is State.DELAY:
            return self._begin(neighbour, Input.TIME, now)
        is_incomplete = neighbour.state is State.INCOMPLETE
        most = parameters.max_multicast_solicit if is_incomplete else parameters.max_unicast_solicit
        if neighbour.probes >= most:
            return self._give_up(neighbour)
        self._step(neighbour, Input.TIME)
        return self._solicit(neighbour, now)

    def _give_up(self, neighbour: Neighbour) -> list[Effect]:
        """Do without a neighbour that does not answer."""
        self._remove(neighbour, Input.GIVE_UP)
        effects: list[Effect] = [Undeliverable(self._context.name, data) for data, _ in neighbour.queue]
        if self._routers.silent(neighbour.address) or neighbour.is_asked:
            effects.append(NeighbourLost(self._context.name, neighbour.address))
        return effects

    # The table.

    def add_static(self, address: bytes, link_layer: bytes) -> None:
        """Enter a neighbour that is reachable for ever."""
        self.drop(address)
        neighbour = self._entries[address] = Neighbour(address, link_layer=link_layer, is_static=True)
        self._step(neighbour, Input.HEARD)
        self._step(neighbour, Input.CONFIRMED)

    def drop(self, address: bytes) -> None:
        """Forget a neighbour, and what waits for it; harmless where there is none."""
        neighbour = self._entries.get(address)
        if neighbour is not None:
            self._remove(neighbour, Input.DROP)

    def clear(self) -> None:
        """Forget all neighbours but the static ones, and what waits for them."""
        for neighbour in self:
            if not neighbour.is_static:
                self._remove(neighbour, Input.DROP)

    def _add(self, address: bytes, now: float) -> Neighbour | None:
        """Make an entry; None where there is no room, not even in place of one that can be spared."""
        if len(self._entries) >= self._context.parameters.max_neighbours:
            spared = self._spared(now)
            if spared is None:
                return None
            self._remove(spared, Input.DROP)
        self._entries[address] = Neighbour(address)
        return self._entries[address]

    def _spared(self, now: float) -> Neighbour | None:
        """Return the oldest entry that is not in use, or else the oldest that may never be."""
        unresolved: Neighbour | None = None
        for neighbour in self._entries.values():
            if neighbour.is_static or neighbour.is_asked or neighbour.address in self._routers:
                continue
            is_over = neighbour.state is State.REACHABLE and neighbour.reachable_until <= now
            if is_over or neighbour.state is State.STALE:
                return neighbour
            if unresolved is None and neighbour.state is State.INCOMPLETE:
                unresolved = neighbour
        return unresolved

    def _remove(self, neighbour: Neighbour, event: Input) -> None:
        self._step(neighbour, event)
        self._cancel(neighbour)
        del self._entries[neighbour.address]

    def _set(self, neighbour: Neighbour, deadline: float) -> None:
        self._context.timers.set((Alarm.NEIGHBOUR, neighbour.address), deadline)

    def _cancel(self, neighbour: Neighbour) -> None:
        self._context.timers.cancel((Alarm.NEIGHBOUR, neighbour.address))

    def _step(self, neighbour: Neighbour, event: Input) -> None:
        neighbour.state = self._context.step(NEIGHBOUR, neighbour.address, neighbour.state, event)
