"""Links that lose and delay what a node sends, for labs: kernels need not be able to (netem).

Every frame crosses a link once, so that it is enough to impair all senders on it.
"""

import random
from collections.abc import Callable, MutableMapping

from msgspec import Struct

from mipsh.node.driver import Port

LONGEST_DELAY_S = 10.0
MOST_WAITING = 10_000
"""Packets that may be on their way at once; more are lost."""
CallAt = Callable[[float, Callable[[], None]], object]


class Impairment(Struct, frozen=True):
    """What is wrong: the share of packets that are lost, and how late the others come, in seconds."""

    loss: float = 0.0
    delay_s: float = 0.0


class ImpairedPort:
    """A port whose packets are lost or late on their way out; what comes in is the port's own."""

    def __init__(self, port: Port, clock: Callable[[], float], call_at: CallAt, dice: Callable[[], float]) -> None:
        self.port = port
        self.impairment = Impairment()
        self.lost = 0
        self._clock = clock
        self._call_at = call_at
        self._dice = dice
        self._waiting = 0

    def fileno(self) -> int:
        """Return the descriptor to wait on."""
        return self.port.fileno()

    def receive(self) -> list[bytes]:
        """Return a batch of packets that came, without waiting."""
        return self.port.receive()

    def send(self, link_layer: bytes, data: bytes) -> bool:
        """Put a packet on the link, now or later, unless it is lost; the sender does not learn of that."""
        wrong = self.impairment
        if self._dice() < wrong.loss or self._waiting >= MOST_WAITING:
            self.lost += 1
            return True
        if not wrong.delay_s:
            return self.port.send(link_layer, data)

        def arrive() -> None:
            self._waiting -= 1
            self.port.send(link_layer, data)

        self._waiting += 1
        self._call_at(self._clock() + wrong.delay_s, arrive)
        return True


class Impairments:
    """The impairments of a driver's ports, which are exchanged in the mapping that the driver has."""

    def __init__(
        self,
        ports: MutableMapping[str, Port],
        clock: Callable[[], float],
        call_at: CallAt,
        dice: Callable[[], float] = random.random,
    ) -> None:
        self._ports = ports
        self._clock = clock
        self._call_at = call_at
        self._dice = dice

    def set(self, interface: str, impairment: Impairment) -> None:
        """Impair a port from now on, or no more; raises KeyError where there is none of that name."""
        port = self._ports[interface]
        if not isinstance(port, ImpairedPort):
            port = self._ports[interface] = ImpairedPort(port, self._clock, self._call_at, self._dice)
        port.impairment = impairment
        if impairment == Impairment():
            self._ports[interface] = port.port
