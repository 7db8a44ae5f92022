"""Mobile Prefix Advertisements: answered solicitations, and changes told unasked (RFC 6275 section 10.6)."""

from mipsh.mobility.effects import Effect, Purpose, Send
from mipsh.mobility.home.cache import HomeBinding, HomeCache, State
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink, HomeLinks, Prefix
from mipsh.mobility.nonces import Entropy
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import Icmpv6, MobilePrefixAdvertisement
from mipsh.wire.packet import Packet


class PrefixAdvertising:
    """Tells mobile nodes that are away of the prefixes of their home link, each at its time."""

    def __init__(self, entropy: Entropy, parameters: HomeAgentParameters, links: HomeLinks, cache: HomeCache) -> None:
        self._entropy = entropy
        self._parameters = parameters
        self._links = links
        self._cache = cache

    def answer(self, entry: HomeBinding, identifier: int, now: float) -> list[Effect]:
        """Answer a Mobile Prefix Solicitation, which acknowledges what was advertised before."""
        entry.advertised = 0
        entry.advertise_at = now + self._parameters.max_advertisement_interval_s
        self._cache.wait(entry)
        return self._advertise(entry, identifier)

    def due(self, entry: HomeBinding, now: float) -> list[Effect]:
        """Advertise unasked, and again while nothing is heard, at intervals that double (section 10.6.2)."""
        pause = self._parameters.max_advertisement_interval_s
        if entry.advertised < self._parameters.advertisement_retries:
            pause = self._parameters.advertisement_timeout_s * 2**entry.advertised
            entry.advertised += 1
        else:
            entry.advertised = 0
        entry.advertise_at = now + pause
        self._cache.wait(entry)
        return self._advertise(entry, int.from_bytes(self._entropy(2)))

    def changed(self, before: tuple[HomeLink, ...], now: float) -> None:
        """Schedule what is to be told of a change (section 10.6.2).

        A mobile node is told at once where its own prefix ends earlier or has other flags, though
        not all at the same instant, and after a random delay of what else changed on its link.
        """
        old, new = ({_key(link): link for link in links} for links in (before, self._links.all))
        changed = {key for key in old.keys() | new.keys() if old.get(key) != new.get(key)}
        urgent = {key for key in changed & old.keys() & new.keys() if _is_urgent(old[key], new[key])}
        interfaces = {interface for interface, _ in changed}
        told = 0
        for entry in self._cache:
            link = self._links.of(entry.home_address)
            if entry.state is not State.BOUND or link is None or link.interface not in interfaces:
                continue
            if _key(link) in urgent:
                at = now + told / self._parameters.advertisements_per_s
                told += 1
            else:
                at = now + self._delay(link)
            entry.advertised = 0
            entry.advertise_at = min(entry.advertise_at, at)
            self._cache.wait(entry)

    def _delay(self, link: HomeLink) -> float:
        """Return RAND_ADV_DELAY (section 10.6.2)."""
        least = self._parameters.min_advertisement_interval_s
        most = min(self._parameters.max_advertisement_interval_s, link.preferred_s)
        return least + int.from_bytes(self._entropy(4)) % max(int(abs(most - least)), 1)

    def _advertise(self, entry: HomeBinding, identifier: int) -> list[Effect]:
        """Return the advertisement of all prefixes of an entry's home link (section 10.6.3)."""
        options = tuple(link.information for link in self._links.on(entry.interface or ""))
        if not options:
            return []
        message = MobilePrefixAdvertisement(identifier, self._parameters.advertisement_flags, options)
        route = (Type2RoutingHeader(entry.home_address),)
        packet = Packet(entry.local_address, entry.care_of_address, Icmpv6(message), route)
        protection = self._parameters.protection(Purpose.PREFIX_DISCOVERY, entry.home_address)
        return [Send(packet, None, protection)]


def _key(link: HomeLink) -> tuple[str, Prefix]:
    return link.interface, (link.prefix, link.length)


def _is_urgent(old: HomeLink, new: HomeLink) -> bool:
    """Tell whether a prefix may end earlier than was told, or is to be used in another way."""
    return new.valid_s < old.valid_s or new.preferred_s < old.preferred_s or new.flags != old.flags
