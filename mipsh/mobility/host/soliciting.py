"""Asking a link for its routers (RFC 4861 section 6.3.7)."""

from collections.abc import Callable

from mipsh.mobility.effects import Effect
from mipsh.mobility.host.context import NOBODY, Alarm, Context
from mipsh.mobility.host.validate import SOURCE
from mipsh.wire.address import ALL_ROUTERS, UNSPECIFIED
from mipsh.wire.ndp import LinkLayer, RouterSolicitation

KEY = (Alarm.SOLICITATION, NOBODY)


class Soliciting:
    """The solicitations under way; ``choose_source`` returns a tested link-local address, None while there is none.

    Without one they come from the unspecified address, and do not say who sent them.
    """

    def __init__(self, context: Context, choose_source: Callable[[], bytes | None]) -> None:
        self._context = context
        self._choose_source = choose_source
        self._left = 0
        self._last: float | None = None

    @property
    def is_pending(self) -> bool:
        """Whether solicitations are under way."""
        return self._context.timers.get(KEY) is not None

    def begin(self, now: float) -> list[Effect]:
        """Ask on a new link; the first solicitation may be delayed at random."""
        self._left = self._context.parameters.solicitations
        wait_s = self._context.between(0.0, self._context.parameters.solicit_delay_s)
        self._last = None
        if not wait_s:
            return self.alarm(now)
        self._context.timers.set(KEY, now + wait_s)
        return []

    def ask(self, now: float) -> list[Effect]:
        """Ask at once, unless that was just done or is about to be."""
        is_done_soon = self.is_pending and self._last in (None, now)
        if not self._context.is_up or is_done_soon:
            return []
        self._left = self._context.parameters.solicitations
        return self.alarm(now)

    def alarm(self, now: float) -> list[Effect]:
        """Ask once, and again later while no router answers."""
        if not self._left:
            return []
        context = self._context
        self._left -= 1
        self._last = now
        if self._left:
            context.timers.set(KEY, now + context.parameters.solicit_interval_s)
        source = self._choose_source()
        if source is None:
            return [context.put(UNSPECIFIED, ALL_ROUTERS, RouterSolicitation())]
        message = RouterSolicitation((LinkLayer(SOURCE, context.link_layer),))
        return [context.put(source, ALL_ROUTERS, message)]

    def stop(self) -> None:
        """Ask no more: a router answered, or there is no link."""
        self._left = 0
        self._context.timers.cancel(KEY)
