"""What the parts of an interface share: what is known of the link, one set of timers, a way to put messages on it."""

from enum import Enum
from typing import TypeVar

from mipsh.mobility.effects import Transmit
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.machine import Machine
from mipsh.mobility.nonces import Entropy
from mipsh.mobility.timers import Timers
from mipsh.mobility.trace import Trace
from mipsh.wire.address import text
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.ndp import Message, Mtu, RouterAdvertisement
from mipsh.wire.packet import Packet

State = TypeVar("State", bound=Enum)
Input = TypeVar("Input", bound=Enum)

GROUP = b"\x33\x33"
"""What the link-layer address of a multicast group begins with (RFC 2464 section 7)."""
HOP_LIMIT = 255
"""The hop limit of neighbour discovery, which proves that a message comes from the link (RFC 4861 section 3.1)."""
LEAST_MTU = 1280
LONGEST_REACHABLE_S = 3600.0
"""How long a router may say that neighbours stay reachable (RFC 4861 section 6.2.1)."""
RETRANSMIT_S = (0.01, 60.0)
"""Bounds of what a router may say about retransmission: it must not stop duplicate address detection."""


class Alarm(Enum):
    """What a deadline is for."""

    NEIGHBOUR = "neighbour"
    DETECTION = "duplicate address detection"
    LIFETIME = "address lifetime"
    ROUTER = "router lifetime"
    SOLICITATION = "router solicitation"
    ADVERTISEMENT = "router advertisement"
    RESPONSE = "solicited router advertisement"
    ANNOUNCEMENT = "neighbour announcement"
    INQUIRY = "search for a defender"


NOBODY = b""
"""The subject of a deadline that is the interface's own."""


class Context:
    """The link as all parts see it; ``mtu``, ``hop_limit`` and times are the parameters until a router says more."""

    def __init__(
        self, name: str, link_layer: bytes, entropy: Entropy, parameters: InterfaceParameters, trace: Trace
    ) -> None:
        self.name = name
        self.link_layer = link_layer
        self.entropy = entropy
        self.parameters = parameters
        self.trace = trace
        self.is_up = False
        self.timers: Timers[tuple[Alarm, bytes]] = Timers()
        self.mtu = parameters.mtu
        self.hop_limit = parameters.hop_limit
        self.retransmit_s = parameters.retransmit_s
        self._base_reachable_s = 0.0
        self.reachable_s = 0.0
        self._set_reachable(parameters.reachable_s)

    def learn(self, message: RouterAdvertisement) -> None:
        """Take over what a router says about the link; what it leaves open stays (RFC 4861 section 6.3.4)."""
        if message.hop_limit:
            self.hop_limit = message.hop_limit
        if message.reachable_ms:
            self._set_reachable(min(message.reachable_ms / 1000, LONGEST_REACHABLE_S))
        if message.retransmit_ms:
            least, most = RETRANSMIT_S
            self.retransmit_s = min(max(message.retransmit_ms / 1000, least), most)
        for option in message.options:
            if isinstance(option, Mtu) and LEAST_MTU <= option.mtu <= self.parameters.mtu:
                self.mtu = option.mtu

    def _set_reachable(self, base_s: float) -> None:
        """Spread the time, so that the nodes of a link do not probe in step (RFC 4861 section 6.3.2)."""
        if base_s != self._base_reachable_s:
            self._base_reachable_s = base_s
            self.reachable_s = self.between(0.5 * base_s, 1.5 * base_s)

    def between(self, low: float, high: float) -> float:
        """Return a random number; nothing is drawn where there is no choice."""
        if high <= low:
            return low
        return low + (high - low) * int.from_bytes(self.entropy(4)) / 0xFFFFFFFF

    def step(self, machine: Machine[State, Input], address: bytes, state: State, event: Input) -> State:
        """Step a machine about an address."""
        return self.trace.step(machine, self._subject(address), state, event)

    def fired(self, alarm: Alarm, address: bytes) -> None:
        """Record that a deadline came."""
        self.trace.timer(alarm.value, self._subject(address))

    def _subject(self, address: bytes) -> str:
        """Return what the trace calls an address; while nobody listens, no time is spent on it."""
        return self.name if not address or self.trace.sink is None else text(address)

    def put(self, source: bytes, destination: bytes, message: Message, link_layer: bytes | None = None) -> Transmit:
        """Put a message on the link: to a link-layer address, or to the group that it is for."""
        return Transmit(self.name, link_layer or group_address(destination), encoded(source, destination, message))


def group_address(group: bytes) -> bytes:
    """Return the link-layer address of a multicast group (RFC 2464 section 7)."""
    return GROUP + group[12:]


def encoded(source: bytes, destination: bytes, message: Message) -> bytes:
    """Return the packet of a neighbour discovery message."""
    return Packet(source, destination, Icmpv6(message), hop_limit=HOP_LIMIT).encode()
