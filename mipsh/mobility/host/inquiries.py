"""Asking a link who answers for an address, in a way that disturbs nobody (RFC 6275 section 11.5.5).

The solicitations come from the unspecified address, so that nobody takes note of who asked, and
what is found goes to nobody but who wanted to know.
"""

from mipsh.mobility.effects import Effect, NeighbourFound, NeighbourLost
from mipsh.mobility.host.context import Alarm, Context
from mipsh.wire.address import UNSPECIFIED, solicited_node
from mipsh.wire.ndp import NeighborSolicitation


class Inquiries:
    """The addresses that are asked about, each with how many solicitations were sent."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._sent: dict[bytes, int] = {}

    def __contains__(self, address: bytes) -> bool:
        """Tell whether an address is asked about."""
        return address in self._sent

    def ask(self, address: bytes, now: float) -> list[Effect]:
        """Ask about an address; without a link nobody answers."""
        if not self._context.is_up:
            return [NeighbourLost(self._context.name, address)]
        if address in self._sent:
            return []
        self._sent[address] = 0
        return self.alarm(address, now)

    def alarm(self, address: bytes, now: float) -> list[Effect]:
        """Ask once more, or give up."""
        context = self._context
        if self._sent[address] >= context.parameters.max_multicast_solicit:
            del self._sent[address]
            return [NeighbourLost(context.name, address)]
        self._sent[address] += 1
        context.timers.set((Alarm.INQUIRY, address), now + context.retransmit_s)
        return [context.put(UNSPECIFIED, solicited_node(address), NeighborSolicitation(address))]

    def answered(self, address: bytes, link_layer: bytes) -> list[Effect]:
        """Tell who answers for an address that was asked about."""
        del self._sent[address]
        self._context.timers.cancel((Alarm.INQUIRY, address))
        return [NeighbourFound(self._context.name, address, link_layer)]

    def link_lost(self) -> None:
        """Ask no more."""
        for address in self._sent:
            self._context.timers.cancel((Alarm.INQUIRY, address))
        self._sent.clear()
