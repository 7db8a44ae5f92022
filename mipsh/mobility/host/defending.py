"""Answering for addresses in place of their owners (RFC 4861 section 7.2.8, RFC 6275 section 10.4.1)."""

from collections.abc import Callable

from mipsh.mobility.effects import Effect
from mipsh.mobility.host.context import Alarm, Context
from mipsh.mobility.host.groups import Groups
from mipsh.mobility.host.validate import TARGET
from mipsh.wire.address import ALL_NODES
from mipsh.wire.ndp import OVERRIDE, LinkLayer, NeighborAdvertisement

ANNOUNCEMENTS = 3
"""How often a new link-layer address is announced (MAX_NEIGHBOR_ADVERTISEMENT of RFC 4861 section 10)."""


class Defending:
    """The defended addresses, each with how often it is still to be announced.

    ``choose_source`` returns the interface's own address to send from to a destination: messages
    about an address that is defended never come from it.
    """

    def __init__(self, context: Context, groups: Groups, choose_source: Callable[[bytes], bytes | None]) -> None:
        self._context = context
        self._groups = groups
        self._choose_source = choose_source
        self._announcements: dict[bytes, int] = {}

    def __contains__(self, address: bytes) -> bool:
        """Tell whether an address is defended."""
        return address in self._announcements

    def defend(self, address: bytes, now: float) -> list[Effect]:
        """Answer for an address from now on; one that is defended already is announced again."""
        if address not in self._announcements:
            self._groups.join_for(address)
        self._announcements[address] = ANNOUNCEMENTS
        return self.alarm(address, now) if self._context.is_up else []

    def release(self, address: bytes) -> None:
        """Leave an address to its owner; harmless where it is not defended."""
        if self._announcements.pop(address, None) is not None:
            self._groups.leave_for(address)
            self._context.timers.cancel((Alarm.ANNOUNCEMENT, address))

    def resume(self, now: float) -> None:
        """Announce what was not announced as often as it should: there was no link, or no address to do it from."""
        for address, left in self._announcements.items():
            if left:
                self._set(address, now)

    def link_lost(self) -> None:
        """Announce nothing."""
        for address in self._announcements:
            self._context.timers.cancel((Alarm.ANNOUNCEMENT, address))

    def alarm(self, address: bytes, now: float) -> list[Effect]:
        """Announce an address, and once more later."""
        source = self._choose_source(ALL_NODES)
        if source is None:
            return []
        self._announcements[address] -= 1
        if self._announcements[address]:
            self._set(address, now)
        context = self._context
        message = NeighborAdvertisement(address, OVERRIDE, (LinkLayer(TARGET, context.link_layer),))
        return [context.put(source, ALL_NODES, message)]

    def _set(self, address: bytes, now: float) -> None:
        self._context.timers.set((Alarm.ANNOUNCEMENT, address), now + self._context.retransmit_s)
