"""Where one interface is: the routers of its link, and whether it still is the same link (RFC 6275 section 11.5.1).

A router that is heard for the first time may be on this link or on another one. It is on this link
where it advertises a prefix of it. Otherwise the router in use is asked whether it is still there:
if so nothing changed, if not the link did. Behind a link event there is no asking: the first
advertisement tells.
"""

from collections.abc import Iterator
from enum import Enum, auto

from mipsh.mobility.effects import ConfirmNeighbour, Effect, ForgetRouter, SolicitRouters
from mipsh.mobility.machine import Machine
from mipsh.mobility.mobile.routers import Prefix, Router, global_addresses, read_prefixes
from mipsh.mobility.trace import Trace
from mipsh.wire.ndp import RouterAdvertisement

MOST_ROUTERS = 16
SILENCE_S = 10.0
"""After what silence of the router in use another router's advertisement has it confirmed once more."""


class State(Enum):
    """What is known of an interface's link."""

    DOWN = auto()
    SOLICITING = auto()
    ATTACHED = auto()
    CONFIRMING = auto()
    CHANGED = auto()


class Input(Enum):
    """What happens to an interface's link."""

    LINK_UP = auto()
    LINK_CHANGED = auto()
    LINK_DOWN = auto()
    ROUTER = auto()
    STRANGER = auto()
    MISSING = auto()
    CONFIRMED = auto()
    REPLACED = auto()
    LOST = auto()


ATTACHMENT = Machine(
    "attachment",
    State.DOWN,
    {
        (State.DOWN, Input.LINK_UP): State.SOLICITING,
        (State.DOWN, Input.LINK_CHANGED): State.CHANGED,
        (State.DOWN, Input.LINK_DOWN): State.DOWN,
        (State.DOWN, Input.LOST): State.DOWN,
        (State.SOLICITING, Input.LINK_UP): State.SOLICITING,
        (State.SOLICITING, Input.LINK_DOWN): State.DOWN,
        (State.SOLICITING, Input.ROUTER): State.ATTACHED,
        (State.ATTACHED, Input.LINK_CHANGED): State.CHANGED,
        (State.ATTACHED, Input.LINK_DOWN): State.DOWN,
        (State.ATTACHED, Input.STRANGER): State.CONFIRMING,
        (State.ATTACHED, Input.MISSING): State.CONFIRMING,
        (State.ATTACHED, Input.REPLACED): State.ATTACHED,
        (State.ATTACHED, Input.LOST): State.SOLICITING,
        (State.CONFIRMING, Input.LINK_CHANGED): State.CHANGED,
        (State.CONFIRMING, Input.LINK_DOWN): State.DOWN,
        (State.CONFIRMING, Input.CONFIRMED): State.ATTACHED,
        (State.CONFIRMING, Input.REPLACED): State.ATTACHED,
        (State.CONFIRMING, Input.LOST): State.SOLICITING,
        (State.CHANGED, Input.LINK_CHANGED): State.CHANGED,
        (State.CHANGED, Input.LINK_DOWN): State.DOWN,
        (State.CHANGED, Input.ROUTER): State.ATTACHED,
        (State.CHANGED, Input.REPLACED): State.ATTACHED,
        (State.CHANGED, Input.LOST): State.SOLICITING,
    },
)

ON_A_LINK = frozenset((State.ATTACHED, State.CONFIRMING))
"""States in which it is known which link the interface has."""


class Attachment:
    """The link of one interface; ``homes`` are the (prefix, length) pairs of the home links.

    Of the routers, ``router`` is the one in use. Those that are known to be on the same link are
    ``is_here``; the others were heard, and the router in use is being confirmed because of them.
    """

    def __init__(self, interface: str, homes: frozenset[tuple[bytes, int]], trace: Trace | None = None) -> None:
        self.interface = interface
        self.state = State.DOWN
        self.router: Router | None = None
        self._homes = homes
        self._trace = trace or Trace()
        self._routers: list[Router] = []

    @property
    def is_on_a_link(self) -> bool:
        """Tell whether it is known which link the interface has."""
        return self.state in ON_A_LINK

    @property
    def prefixes(self) -> Iterator[Prefix]:
        """Iterate over the prefixes of the link, those of the router in use first."""
        for router in sorted(self._routers, key=lambda router: router is not self.router):
            if router.is_here:
                yield from router.prefixes.values()

    def next_deadline(self) -> float | None:
        """Return when the router in use will have gone missing, None while that cannot be said."""
        is_watched = self.state is State.ATTACHED and self.router is not None
        return self.router.missing_at if is_watched and self.router is not None else None

    def advance(self, now: float) -> list[Effect]:
        """Have the router in use confirmed where it has gone missing."""
        deadline = self.next_deadline()
        if deadline is None or deadline > now:
            return []
        self._trace.timer("router missing", self.interface)
        return self._confirm(Input.MISSING)

    def link(self, is_up: bool) -> list[Effect]:
        """Take note that the interface has a link, maybe another one than before, or has none."""
        if not is_up:
            self._step(Input.LINK_DOWN)
            return []
        if self.router is not None:
            self._step(Input.LINK_CHANGED)
        else:
            self._step(Input.LINK_UP)
        return [SolicitRouters(self.interface)]

    def hear(self, link_local: bytes, message: RouterAdvertisement, now: float) -> list[Effect]:
        """Take in a Router Advertisement."""
        if self.state is State.DOWN:
            return []
        heard = {prefix.key for prefix in read_prefixes(message.options, now)}
        router = self._known(link_local, global_addresses(message), heard)
        if router is None:
            if not message.lifetime_s and not heard & self._homes:
                return []  # no default router, and no home agent of ours
            router = self._add(link_local, now)
        router.hear(message, now)
        return self._place(router, now)

    def _place(self, router: Router, now: float) -> list[Effect]:
        """Tell on which link a router is that was heard."""
        current = self.router
        if current is None:
            self._use(router, Input.ROUTER)
            return []
        if self.state is State.CHANGED:
            if self._is_of_this_link(router):
                router.is_here = True
                self._step(Input.ROUTER)
                return []
            return self._replace(current, router, is_other_link=True)
        if router is current or self.state is not State.ATTACHED:
            return []
        if self._is_of_this_link(router):
            router.is_here = True
            return []
        if router.is_here and now - current.alive < SILENCE_S:
            return []
        return self._confirm(Input.STRANGER)

    def _is_of_this_link(self, router: Router) -> bool:
        """Tell whether a router is the one in use, or shares a prefix with one that is here."""
        here = (other for other in self._routers if other.is_here and other is not router)
        return router is self.router or any(router.shares_link(other) for other in here)

    def confirmed(self, address: bytes, now: float) -> list[Effect]:
        """Take note that a neighbour answered: if it is the router in use, all that were heard are on its link."""
        if self.router is None or not self.router.is_at(address):
            return []
        self.router.alive = now
        if self.state is State.CONFIRMING:
            self._step(Input.CONFIRMED)
            for router in self._routers:
                router.is_here = True
        return []

    def lost(self, address: bytes) -> list[Effect]:
        """Take note that a neighbour does not answer, or that a router serves no more."""
        gone = [router for router in self._routers if router.is_at(address)]
        if self.router in gone and self.router is not None:
            return self._lose(self.router)
        return [effect for router in gone for effect in self._forget(router)]

    def _lose(self, current: Router) -> list[Effect]:
        """Go on with the router heard last, which is on the link that the interface has now."""
        others = [router for router in self._routers if router is not current]
        if self.state in ON_A_LINK and others:
            return self._replace(current, max(others, key=lambda router: router.heard))
        self._step(Input.LOST)
        effects: list[Effect] = []
        for router in tuple(self._routers):
            effects += self._forget(router)
        self.router = None
        return effects if self.state is State.DOWN else [*effects, SolicitRouters(self.interface)]

    def _replace(self, current: Router, router: Router, *, is_other_link: bool = False) -> list[Effect]:
        """Use another router; forget the one before, and those that cannot be on the same link as the new one.

        These are the ones that were silent since the new one is heard, and share no prefix with it.
        """
        effects: list[Effect] = []
        for other in tuple(self._routers):
            if other is router:
                continue
            other.is_here = other.shares_link(router)
            may_be_here = not is_other_link and (other.is_here or other.heard >= router.since)
            if other is current or not may_be_here:
                effects += self._forget(other)
                if other.link_local == router.link_local:  # the link forgot the new one as well
                    effects.append(SolicitRouters(self.interface))
        self._use(router, Input.REPLACED)
        return effects

    def _use(self, router: Router, event: Input) -> None:
        self._step(event)
        self.router = router
        router.is_here = True

    def _confirm(self, event: Input) -> list[Effect]:
        self._step(event)
        return [] if self.router is None else [ConfirmNeighbour(self.interface, self.router.confirmed_at)]

    def _known(self, link_local: bytes, named: frozenset[bytes], heard: set[tuple[bytes, int]]) -> Router | None:
        """Return the router of an advertisement.

        Link-local addresses are not unique: the global addresses, or else the prefixes, tell routers apart.
        """
        for router in self._routers:
            if router.link_local != link_local:
                continue
            if named and router.addresses:
                is_same = bool(named & router.addresses)
            else:
                is_same = not heard or not router.prefixes or not heard.isdisjoint(router.prefixes)
            if is_same:
                return router
        return None

    def _add(self, link_local: bytes, now: float) -> Router:
        """Add a router; where there are too many, the one longest silent gives way."""
        if len(self._routers) >= MOST_ROUTERS:
            silent = min((r for r in self._routers if r is not self.router), key=lambda router: router.heard)
            self._routers.remove(silent)
        router = Router(link_local, now, now, now)
        self._routers.append(router)
        return router

    def _forget(self, router: Router) -> list[Effect]:
        self._routers.remove(router)
        return [ForgetRouter(self.interface, router.link_local)]

    def _step(self, event: Input) -> None:
        self.state = self._trace.step(ATTACHMENT, self.interface, self.state, event)
