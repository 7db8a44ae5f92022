"""Duplicate address detection: asking a link whether an address is free (RFC 4862 section 5.4, RFC 7527).

Solicitations carry a nonce, so that one which the link sends back is not taken for somebody else's.
"""

from msgspec import Struct

from mipsh.mobility.effects import Effect
from mipsh.mobility.host.context import Alarm, Context
from mipsh.wire.address import UNSPECIFIED, solicited_node
from mipsh.wire.ndp import NeighborSolicitation, Option, OtherOption

NONCE = 14
NONCE_SIZE = 6


class Run(Struct):
    """A detection under way: how many solicitations were sent, and the nonce in them."""

    nonce: bytes
    sent: int = 0


class Detection:
    """The detections under way, by address."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._runs: dict[bytes, Run] = {}

    def __contains__(self, address: bytes) -> bool:
        """Tell whether an address is being tested."""
        return address in self._runs

    @property
    def is_on(self) -> bool:
        """Whether addresses are tested at all."""
        return self._context.parameters.dad_transmits > 0

    def start(self, address: bytes, now: float, delay_s: float = 0.0) -> list[Effect]:
        """Begin to test an address, anew where it is being tested; it may be delayed at random."""
        self._runs[address] = Run(self._context.entropy(NONCE_SIZE))
        wait_s = self._context.between(0.0, delay_s)
        if not wait_s:
            return self._solicit(address, now)
        self._context.timers.set((Alarm.DETECTION, address), now + wait_s)
        return []

    def stop(self, address: bytes) -> None:
        """Test an address no more; harmless where it is not."""
        if self._runs.pop(address, None) is not None:
            self._context.timers.cancel((Alarm.DETECTION, address))

    def stop_all(self) -> None:
        """Test no address any more."""
        for address in tuple(self._runs):
            self.stop(address)

    def alarm(self, address: bytes, now: float) -> list[Effect] | None:
        """Go on with a test; None when it ended and the address is free."""
        if self._runs[address].sent >= self._context.parameters.dad_transmits:
            del self._runs[address]
            return None
        return self._solicit(address, now)

    def is_echo(self, target: bytes, options: tuple[Option, ...]) -> bool:
        """Tell whether a solicitation is one of ours that came back."""
        run = self._runs.get(target)
        return run is not None and OtherOption(NONCE, run.nonce) in options

    def _solicit(self, address: bytes, now: float) -> list[Effect]:
        run = self._runs[address]
        run.sent += 1
        self._context.timers.set((Alarm.DETECTION, address), now + self._context.retransmit_s)
        message = NeighborSolicitation(address, (OtherOption(NONCE, run.nonce),))
        return [self._context.put(UNSPECIFIED, solicited_node(address), message)]
