"""Router Advertisements, on a schedule and on request (RFC 4861 section 6.2, RFC 6275 section 7)."""

from collections.abc import Callable, Iterator

from mipsh.mobility.constants import MIN_DELAY_BETWEEN_RAS_LEAST_S
from mipsh.mobility.effects import Effect
from mipsh.mobility.host.context import NOBODY, Alarm, Context, encoded
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising
from mipsh.mobility.host.validate import SOURCE
from mipsh.mobility.limits import Limits
from mipsh.wire.address import ALL_NODES, UNSPECIFIED
from mipsh.wire.ndp import (
    HOME_AGENT,
    ROUTER_ADDRESS,
    AdvertisementInterval,
    HomeAgentInformation,
    LinkLayer,
    Mtu,
    Option,
    PrefixInformation,
    RouterAdvertisement,
)

KEY = (Alarm.ADVERTISEMENT, NOBODY)
INITIAL_INTERVAL_S, INITIAL_ADVERTISEMENTS = 16.0, 3
"""A new router makes itself known: so many advertisements are no farther apart than that (section 6.2.4)."""
ANSWERS = (3.0, 10.0)
"""Advertisements to one solicitor alone: how many a second, and how many at once."""
MAX_RESPONSES = 256
"""How many solicitors can wait for an advertisement of their own; the others get one with all nodes."""
MOBILE_ROUTERS = 0x8000
"""The bit of the Home Agent Information option's reserved field that says R (RFC 3963 section 7.3)."""

Send = Callable[[bytes, bytes, float], list[Effect]]


class Advertiser:
    """Sends the advertisements; it begins when the link-local address has been tested.

    ``choose_source`` returns that address, None until then. ``send`` sends a packet to a neighbour.
    """

    def __init__(self, context: Context, choose_source: Callable[[], bytes | None], send: Send) -> None:
        self.advertising: Advertising | None = None
        self._context = context
        self._choose_source = choose_source
        self._send = send
        self._sent = 0
        self._last: float | None = None
        self._answers = Limits(ANSWERS)
        self._responses: set[bytes] = set()

    def set(self, advertising: Advertising | None, now: float) -> list[Effect]:
        """Begin, say something else from now on, or end: then a last advertisement says so (section 6.2.5)."""
        before, self.advertising = self.advertising, advertising
        if advertising is None:
            source = self._choose_source()
            self.stop()
            if before is None or source is None:
                return []
            return [self._context.put(source, ALL_NODES, self._message(before, lifetime_s=0))]
        self._sent = 0
        self.begin(now)
        return []

    def begin(self, now: float) -> None:
        """Advertise as soon as may be, if there is something to advertise and an address to do it from."""
        if self.advertising is not None and self._choose_source() is not None:
            self._context.timers.set(KEY, self._earliest(self.advertising, now))

    def stop(self) -> None:
        """Advertise nothing, for now: there is no link, or nothing to say."""
        self._context.timers.cancel(KEY)
        for source in self._responses:
            self._context.timers.cancel((Alarm.RESPONSE, source))
        self._responses.clear()
        self._sent = 0
        self._last = None

    def solicited(self, source: bytes, now: float) -> list[Effect]:
        """Answer a Router Solicitation: soon, and not more often than may be (section 6.2.6)."""
        advertising = self.advertising
        scheduled = self._context.timers.get(KEY)
        if advertising is None or scheduled is None:
            return []
        delay_s = self._context.between(0.0, advertising.response_delay_s)
        is_alone = advertising.unicast_responses and source != UNSPECIFIED
        if is_alone and source not in self._responses and len(self._responses) < MAX_RESPONSES:
            if self._answers.allow(source, now):
                self._responses.add(source)
                self._context.timers.set((Alarm.RESPONSE, source), now + delay_s)
        elif not is_alone:
            at = max(now + delay_s, self._earliest(advertising, now))
            self._context.timers.set(KEY, min(scheduled, at))
        return []

    def _earliest(self, advertising: Advertising, now: float) -> float:
        """Return when the next advertisement to all nodes may be sent."""
        return now if self._last is None else max(now, self._last + advertising.min_delay_s)

    def alarm(self, now: float) -> list[Effect]:
        """Advertise to all nodes, and again later."""
        source, advertising = self._choose_source(), self.advertising
        if source is None or advertising is None:
            return []
        self._sent += 1
        self._last = now
        wait_s = self._context.between(*advertising.interval_s)
        if self._sent < INITIAL_ADVERTISEMENTS:
            wait_s = min(wait_s, max(INITIAL_INTERVAL_S, advertising.min_delay_s))
        self._context.timers.set(KEY, now + max(wait_s, MIN_DELAY_BETWEEN_RAS_LEAST_S))
        return [self._context.put(source, ALL_NODES, self._message(advertising, advertising.lifetime_s))]

    def response_alarm(self, solicitor: bytes, now: float) -> list[Effect]:
        """Advertise to a solicitor alone."""
        self._responses.discard(solicitor)
        source, advertising = self._choose_source(), self.advertising
        if source is None or advertising is None:
            return []
        message = self._message(advertising, advertising.lifetime_s)
        return self._send(encoded(source, solicitor, message), solicitor, now)

    def _message(self, advertising: Advertising, lifetime_s: int) -> RouterAdvertisement:
        return RouterAdvertisement(
            advertising.hop_limit,
            HOME_AGENT if advertising.is_home_agent else 0,
            lifetime_s,
            advertising.reachable_ms,
            advertising.retransmit_ms,
            (LinkLayer(SOURCE, self._context.link_layer), *_options(advertising)),
        )


def _options(advertising: Advertising) -> Iterator[Option]:
    if advertising.mtu is not None:
        yield Mtu(advertising.mtu)
    for prefix in advertising.prefixes:
        yield _prefix(prefix)
    if advertising.sends_interval:
        yield AdvertisementInterval(round(advertising.interval_s[1] * 1000))
    if _says_more_than_the_flag(advertising):
        lifetime = advertising.home_agent_lifetime_s or advertising.lifetime_s
        reserved = MOBILE_ROUTERS if advertising.supports_mobile_routers else 0
        yield HomeAgentInformation(advertising.preference, lifetime, reserved)


def _says_more_than_the_flag(advertising: Advertising) -> bool:
    """Tell whether the Home Agent Information option is needed: not where all in it is the default (section 7.4)."""
    is_default = not advertising.preference and advertising.home_agent_lifetime_s is None
    return advertising.is_home_agent and (not is_default or advertising.supports_mobile_routers)


def _prefix(prefix: AdvertisedPrefix) -> PrefixInformation:
    flags, content = prefix.flags, prefix.prefix
    if prefix.router_address is not None:
        flags, content = flags | ROUTER_ADDRESS, prefix.router_address
    return PrefixInformation(prefix.length, flags, prefix.valid_s, prefix.preferred_s, content)
