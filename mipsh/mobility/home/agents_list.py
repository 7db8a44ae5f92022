"""The home agents of each home link, learnt from Router Advertisements (RFC 6275 sections 10.5 and 10.5.1)."""

from msgspec import Struct

from mipsh.mobility.effects import RouterAdvertised
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire import address as addresses
from mipsh.wire.ndp import (
    HOME_AGENT,
    ROUTER_ADDRESS,
    HomeAgentInformation,
    PrefixInformation,
)

LARGEST_LIST = 256
"""Home agents of a link that are remembered; more cannot be told in one reply."""
MOST_ADDRESSES = 16
SERVES_MOBILE_ROUTERS = 0x8000
"""The R flag of a Home Agent Information option, in what RFC 6275 leaves reserved (RFC 3963 section 7.2)."""

Key = tuple[str, bytes]


class HomeAgentEntry(Struct, frozen=True):
    """A home agent of a link: its link-local address, how preferred it is, and its global addresses.

    ``expires`` is a time of the node's clock.
    """

    interface: str
    router: bytes
    preference: int
    addresses: tuple[bytes, ...]
    expires: float
    serves_mobile_routers: bool = False


class HomeAgentsList:
    """The home agents of all links but this one itself."""

    def __init__(self, trace: Trace) -> None:
        self.timers: Timers[Key] = Timers()
        self._trace = trace
        self._entries: dict[str, dict[bytes, HomeAgentEntry]] = {}

    def on(self, interface: str) -> list[HomeAgentEntry]:
        """Return the home agents of a link."""
        return list(self._entries.get(interface, {}).values())

    def all(self) -> list[HomeAgentEntry]:
        """Return the home agents of all links."""
        return [entry for entries in self._entries.values() for entry in entries.values()]

    def advertised(self, signal: RouterAdvertised, now: float) -> None:
        """Learn from a Router Advertisement; one without the H flag ends what earlier ones said."""
        message = signal.message
        entries = self._entries.setdefault(signal.interface, {})
        before = entries.get(signal.router)
        told = next((o for o in message.options if isinstance(o, HomeAgentInformation)), None)
        lifetime = message.lifetime_s if told is None else told.lifetime_s
        if not message.flags & HOME_AGENT or lifetime == 0:
            self._forget(signal.interface, signal.router)
            return
        if before is None and len(entries) >= LARGEST_LIST:
            return
        known = () if before is None else before.addresses
        entries[signal.router] = HomeAgentEntry(
            signal.interface,
            signal.router,
            0 if told is None else told.preference,
            tuple(dict.fromkeys((*_addresses(signal), *known)))[:MOST_ADDRESSES],
            now + lifetime,
            told is not None and bool(told.reserved & SERVES_MOBILE_ROUTERS),
        )
        self.timers.set((signal.interface, signal.router), now + lifetime)

    def forget_link(self, interface: str) -> None:
        """Forget a link's home agents: it is not there any more, or may be another one."""
        for entry in self.on(interface):
            self._forget(interface, entry.router)

    def advance(self, now: float) -> None:
        """Forget the home agents whose lifetime has ended."""
        for interface, router in self.timers.due(now):
            self._trace.timer("home agent lifetime", addresses.text(router))
            self._forget(interface, router)

    def _forget(self, interface: str, router: bytes) -> None:
        self._entries[interface].pop(router, None)
        self.timers.cancel((interface, router))


def _addresses(signal: RouterAdvertised) -> list[bytes]:
    """Return the global addresses that a router says it has (section 7.2)."""
    prefixes = [option for option in signal.message.options if isinstance(option, PrefixInformation)]
    told = [option.prefix for option in prefixes if option.flags & ROUTER_ADDRESS]
    return [address for address in told if addresses.is_unicast_routable(address)]
