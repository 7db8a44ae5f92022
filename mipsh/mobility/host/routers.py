"""Where packets go on a link: its default routers, the prefixes that are on it, and Redirects (RFC 4861 section 6.3).

All of it is what routers say, and bounded, as anybody on a link may say it. Prefixes and Redirects
are looked at when they are used; only the end of a default router has a deadline.
"""

from collections.abc import Iterator
from enum import Enum, auto

from msgspec import Struct, field

from mipsh.mobility.effects import Effect, RouterExpired
from mipsh.mobility.host.context import Alarm, Context
from mipsh.mobility.machine import Machine
from mipsh.wire import address as addresses
from mipsh.wire.ndp import (
    AUTONOMOUS,
    INFINITY,
    ON_LINK,
    ROUTER_ADDRESS,
    PrefixInformation,
    Redirect,
    RouterAdvertisement,
)

FOREVER = float("inf")
ADDRESS_BITS = 128
PREFERENCES = {0x08: 1, 0x18: -1}
"""The default router preference bits that are high and low; all others are medium (RFC 4191 section 2.2)."""
PREFERENCE_BITS = 0x18
NAMES_PER_ROUTER = 4

PrefixKey = tuple[bytes, int]
"""A prefix, with zeros behind it, and its length in bits."""


class State(Enum):
    """What a default router is good for."""

    ABSENT = auto()
    SERVING = auto()
    SILENT = auto()


class Input(Enum):
    """What happens to a default router."""

    ADVERTISED = auto()
    ANSWERED = auto()
    UNANSWERED = auto()
    END = auto()


ROUTER = Machine(
    "default router",
    State.ABSENT,
    {
        (State.ABSENT, Input.ADVERTISED): State.SERVING,
        (State.SERVING, Input.ADVERTISED): State.SERVING,
        (State.SERVING, Input.ANSWERED): State.SERVING,
        (State.SERVING, Input.UNANSWERED): State.SILENT,
        (State.SERVING, Input.END): State.ABSENT,
        (State.SILENT, Input.ADVERTISED): State.SERVING,
        (State.SILENT, Input.ANSWERED): State.SERVING,
        (State.SILENT, Input.UNANSWERED): State.SILENT,
        (State.SILENT, Input.END): State.ABSENT,
    },
)


class DefaultRouter(Struct):
    """A router, by its link-local address, that passes packets on until a time of the node's clock."""

    address: bytes
    until: float
    preference: int = 0
    state: State = State.ABSENT


class Prefix(Struct):
    """A prefix of the link, on it until a time, and good for forming addresses until another one.

    ``routers`` are those that advertised it; one that ``is_static`` is an administrator's.
    """

    prefix: bytes
    length: int
    on_link_until: float = 0.0
    autonomous_until: float = 0.0
    is_static: bool = False
    routers: set[bytes] = field(default_factory=set)


class Routers:
    """The default routers, the prefixes and the Redirects of one link."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._routers: dict[bytes, DefaultRouter] = {}
        self._prefixes: dict[PrefixKey, Prefix] = {}
        self._redirects: dict[bytes, bytes] = {}
        self._names: dict[bytes, tuple[bytes, bytes | None]] = {}

    def __contains__(self, address: bytes) -> bool:
        """Tell whether an address is a default router's link-local address."""
        return address in self._routers

    def __iter__(self) -> Iterator[DefaultRouter]:
        """Iterate over the default routers as they are now."""
        return iter(tuple(self._routers.values()))

    @property
    def prefixes(self) -> tuple[Prefix, ...]:
        """The prefixes of the link as they were last heard of."""
        return tuple(self._prefixes.values())

    # Where packets go.

    def next_hop(self, destination: bytes, now: float) -> bytes | None:
        """Return whom on the link a packet goes to; None where there is no way (section 5.2)."""
        if addresses.is_multicast(destination):
            return destination
        hop = self._redirects.get(destination)
        if hop is not None:
            return hop
        return destination if self.is_on_link(destination, now) else self.best(now)

    def is_on_link(self, destination: bytes, now: float) -> bool:
        """Tell whether an address is a neighbour's."""
        if addresses.is_link_local(destination):
            return True
        prefixes = self._prefixes.values()
        return any(p.on_link_until > now and addresses.in_prefix(destination, p.prefix, p.length) for p in prefixes)

    def best(self, now: float) -> bytes | None:
        """Return the best default router: one that answers, the most preferred, the first heard (section 6.3.6)."""
        serving = [router for router in self._routers.values() if router.until > now]
        if not serving:
            return None
        return max(serving, key=lambda router: (router.state is State.SERVING, router.preference)).address

    # What routers say.

    def hear(self, source: bytes, message: RouterAdvertisement, now: float) -> list[Effect]:
        """Take in a Router Advertisement as a host: it may begin, renew or end a default router."""
        for option in message.options:
            if isinstance(option, PrefixInformation) and option.length <= ADDRESS_BITS:
                self._hear_prefix(source, option, now)
        if not message.lifetime_s:
            return self.end(source)
        effects = self._make_room_for(source)
        if source not in self._routers:
            return effects
        router = self._routers[source]
        router.until = now + message.lifetime_s
        router.preference = PREFERENCES.get(message.flags & PREFERENCE_BITS, 0)
        self._step(router, Input.ADVERTISED)
        self._context.timers.set((Alarm.ROUTER, source), router.until)
        return effects

    def _make_room_for(self, source: bytes) -> list[Effect]:
        """Make an entry where there is none; of too many, one that does not answer gives way, or none is made."""
        if source in self._routers:
            return []
        effects: list[Effect] = []
        if len(self._routers) >= self._context.parameters.max_routers:
            silent = next((router for router in self if router.state is State.SILENT), None)
            if silent is None:
                return []
            effects = self.end(silent.address)
        self._routers[source] = DefaultRouter(source, 0.0)
        return effects

    def _hear_prefix(self, source: bytes, option: PrefixInformation, now: float) -> None:
        """Take in prefix information; without the L flag it says nothing about what is on the link."""
        if addresses.is_link_local(option.prefix) or addresses.is_multicast(option.prefix):
            return
        prefix = self._prefix(leading_bits(option.prefix, option.length), option.length, now)
        if prefix is None or prefix.is_static:
            return
        until = end_of(option.valid_s, now)
        if option.flags & ON_LINK:
            prefix.on_link_until = until
        if option.flags & AUTONOMOUS:
            prefix.autonomous_until = until
        if len(prefix.routers) < self._context.parameters.max_routers:
            prefix.routers.add(source)

    def _prefix(self, prefix: bytes, length: int, now: float) -> Prefix | None:
        """Return the entry of a prefix, made anew if there was none; None where there is no room."""
        entry = self._prefixes.get((prefix, length))
        if entry is None:
            if len(self._prefixes) >= self._context.parameters.max_prefixes:
                self._prefixes = {key: p for key, p in self._prefixes.items() if _is_in_use(p, now)}
            if len(self._prefixes) >= self._context.parameters.max_prefixes:
                return None
            entry = self._prefixes[prefix, length] = Prefix(prefix, length)
        return entry

    def add_prefix(self, prefix: bytes, length: int, now: float) -> None:
        """Take note that a prefix is on the link for ever, in spite of what routers say."""
        entry = self._prefix(leading_bits(prefix, length), length, now)
        if entry is not None:
            entry.on_link_until, entry.is_static = FOREVER, True

    def routers_of(self, key: PrefixKey | None) -> tuple[bytes, ...]:
        """Return the routers that advertised a prefix."""
        entry = None if key is None else self._prefixes.get(key)
        return () if entry is None else tuple(sorted(entry.routers))

    def name(self, router: bytes, message: RouterAdvertisement, link_layer: bytes | None) -> None:
        """Remember a router's global addresses, which prefix information with the R flag tells.

        Link-local addresses are not unique among the routers of neighbouring links; the link-layer
        address belongs to the router that sent this message.
        """
        for option in message.options:
            if isinstance(option, PrefixInformation) and option.flags & ROUTER_ADDRESS:
                known = self._names.pop(option.prefix, (router, None))
                self._names[option.prefix] = (router, link_layer or known[1])
                if len(self._names) > NAMES_PER_ROUTER * self._context.parameters.max_routers:
                    del self._names[next(iter(self._names))]

    def link_layer_of(self, address: bytes) -> bytes | None:
        """Return the link-layer address of the router that has a global address; None where it is not known."""
        named = self._names.get(address)
        return None if named is None else named[1]

    def redirect(self, source: bytes, message: Redirect, now: float) -> bool:
        """Take in a Redirect, if it comes from the first hop that is used now (section 8.1); tell whether it did."""
        if self.next_hop(message.destination, now) != source:
            return False
        self._redirects.pop(message.destination, None)
        self._redirects[message.destination] = message.target
        if len(self._redirects) > self._context.parameters.max_redirects:
            del self._redirects[next(iter(self._redirects))]
        return True

    # What neighbours do.

    def answered(self, address: bytes) -> None:
        """Take note that a neighbour answered."""
        router = self._routers.get(address)
        if router is not None and router.state is State.SILENT:
            self._step(router, Input.ANSWERED)

    def silent(self, address: bytes) -> bool:
        """Take note that a neighbour does not answer; tell whether it is a default router."""
        self._forget_redirects_to(address)
        router = self._routers.get(address)
        if router is not None:
            self._step(router, Input.UNANSWERED)
        return router is not None

    # What ends.

    def end(self, address: bytes) -> list[Effect]:
        """Use a default router no more; harmless where it is none."""
        router = self._routers.pop(address, None)
        if router is None:
            return []
        self._step(router, Input.END)
        self._context.timers.cancel((Alarm.ROUTER, address))
        self._forget_redirects_to(address)
        return [RouterExpired(self._context.name, address)]

    def forget(self, address: bytes) -> tuple[set[PrefixKey], list[bytes]]:
        """Forget a router; return the prefixes that only it advertised, and its global addresses."""
        self.end(address)
        gone = set()
        for key, prefix in self._prefixes.items():
            if address in prefix.routers:
                prefix.routers.discard(address)
                if not prefix.routers and not prefix.is_static:
                    gone.add(key)
        for key in gone:
            del self._prefixes[key]
        names = [name for name, (router, _) in self._names.items() if router == address]
        for name in names:
            del self._names[name]
        return gone, names

    def forget_redirects(self) -> None:
        """Forget all Redirects, as the link may be another one."""
        self._redirects.clear()

    def _forget_redirects_to(self, target: bytes) -> None:
        for destination in [d for d, hop in self._redirects.items() if hop == target]:
            del self._redirects[destination]

    def _step(self, router: DefaultRouter, event: Input) -> None:
        router.state = self._context.step(ROUTER, router.address, router.state, event)


def _is_in_use(prefix: Prefix, now: float) -> bool:
    return max(prefix.on_link_until, prefix.autonomous_until) > now


def end_of(lifetime_s: int, now: float) -> float:
    """Return when a lifetime of neighbour discovery ends; one of all ones never does."""
    return FOREVER if lifetime_s == INFINITY else now + lifetime_s


def leading_bits(address: bytes, length: int) -> bytes:
    """Return the first ``length`` bits of an address, with zeros behind them."""
    shift = ADDRESS_BITS - length
    return (int.from_bytes(address) >> shift << shift).to_bytes(16)
