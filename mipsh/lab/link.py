"""A link: it takes frames from one of its members to others, late, twice, in disorder or not at all.

A frame goes to whom it is addressed to: a member's link-layer address, a group that members listen
to, or all. What is protected by IPsec outside of the lab goes in the clear here, and its protection
goes along as a value, standing for ESP.
"""

from collections.abc import Callable, Collection, Iterable
from random import Random
from typing import Protocol

from msgspec import Struct

from mipsh.lab.clock import Clock
from mipsh.mobility.effects import Protection

ALL_NODES = bytes.fromhex("333300000001")
GROUP = b"\x33\x33"
"""What the link-layer address of an IPv6 multicast group begins with (RFC 2464 section 7)."""
MOST_GROUPS = 64
"""A member that listens to more groups hears all of them, as network cards do: its node chooses."""
Tap = Callable[[float, bytes, bytes, bytes], None]
"""What hears all frames of a link: a time, the addresses of destination and source, and the packet."""


class LinkParameters(Struct, frozen=True):
    """How good a link is.

    Delays are seconds; ``delay_s`` is one way, ``jitter_s`` is added up to, without changing the
    order. ``loss``, ``duplication`` and ``reordering`` are probabilities for each receiver of a
    frame; one that is reordered comes ``reordering_s`` late. With ``rate_bps`` all members share so
    many bits a second, and frames that find more than ``queue_bytes`` waiting are lost.
    """

    mtu: int = 1500
    delay_s: float = 0.001
    jitter_s: float = 0.0
    loss: float = 0.0
    duplication: float = 0.0
    reordering: float = 0.0
    reordering_s: float = 0.01
    rate_bps: float | None = None
    queue_bytes: int = 262_144

    @property
    def is_even(self) -> bool:
        """Whether every frame has the same fate at every receiver."""
        return not (self.jitter_s or self.loss or self.duplication or self.reordering)


class Counts(Struct):
    """What became of the frames of a link; ``received`` and ``lost`` count receivers, not frames."""

    sent: int = 0
    received: int = 0
    lost: int = 0
    duplicated: int = 0
    reordered: int = 0
    too_long: int = 0
    overflowed: int = 0


class Receiver(Protocol):
    """Who takes frames in: a node of the network."""

    @property
    def name(self) -> str:
        """The node's name."""

    def take(self, data: bytes, interface: str, protection: Protection | None) -> None:
        """Take in a packet that came on an interface."""


class Port:
    """A member of a link for as long as it is attached.

    ``groups`` are the link-layer addresses of groups that it listens to; its owner keeps in
    ``group_changes`` what they were made from.
    """

    __slots__ = (
        "group_changes",
        "groups",
        "hears_all",
        "interface",
        "is_attached",
        "latest",
        "link_layer",
        "owner",
        "side",
    )

    def __init__(self, owner: Receiver, interface: str, link_layer: bytes) -> None:
        self.owner = owner
        self.interface = interface
        self.link_layer = link_layer
        self.groups: frozenset[bytes] = frozenset()
        self.group_changes = -1
        self.hears_all = False
        self.is_attached = True
        self.latest = 0.0
        self.side = 0


class Link:
    """A link of the network; ``dice`` decide the fate of frames."""

    def __init__(self, name: str, clock: Clock, parameters: LinkParameters, dice: Random) -> None:
        self.name = name
        self.parameters = parameters
        self.counts = Counts()
        self.taps: list[Tap] = []
        self._clock = clock
        self._dice = dice
        self._ports: dict[Port, None] = {}
        self._listeners: dict[bytes, dict[Port, None]] = {}
        self._hearing_all: dict[Port, None] = {}
        self._sides: dict[str, int] = {}
        self._busy_until = 0.0

    def __len__(self) -> int:
        """Return how many members the link has."""
        return len(self._ports)

    @property
    def members(self) -> tuple[Port, ...]:
        """The members, in the order in which they came."""
        return tuple(self._ports)

    def attach(self, owner: Receiver, interface: str, link_layer: bytes) -> Port:
        """Let a node's interface take part; it hears its own address and all nodes."""
        port = Port(owner, interface, link_layer)
        port.side = self._sides.get(owner.name, 0)
        self._ports[port] = None
        self._listeners.setdefault(link_layer, {})[port] = None
        return port

    def detach(self, port: Port) -> None:
        """Let a member go; what is on its way to it is lost."""
        port.is_attached = False
        del self._ports[port]
        self._hearing_all.pop(port, None)
        for address in (port.link_layer, *port.groups):
            self._forget(address, port)

    def listen(self, port: Port, groups: Collection[bytes]) -> None:
        """Let a member hear these groups from now on, by their link-layer addresses, and no others.

        With more than MOST_GROUPS it hears all, until it leaves.
        """
        if len(groups) > MOST_GROUPS:
            port.hears_all = True
            self._hearing_all[port] = None
        wanted = frozenset() if port.hears_all else frozenset(groups)
        for address in port.groups - wanted:
            self._forget(address, port)
        for address in wanted - port.groups:
            self._listeners.setdefault(address, {})[port] = None
        port.groups = wanted

    def _forget(self, address: bytes, port: Port) -> None:
        listeners = self._listeners[address]
        del listeners[port]
        if not listeners:
            del self._listeners[address]

    def partition(self, *sides: Iterable[str]) -> None:
        """Let nodes hear only those on their own side; nodes that are not named are one more side."""
        self._sides = {name: number for number, side in enumerate(sides, 1) for name in side}
        for port in self._ports:
            port.side = self._sides.get(port.owner.name, 0)

    def heal(self) -> None:
        """Let all members hear each other again."""
        self.partition()

    def send(self, port: Port, destination: bytes, data: bytes, protection: Protection | None = None) -> None:
        """Take a packet from a member to whom it is addressed to."""
        parameters = self.parameters
        if len(data) > parameters.mtu:
            self.counts.too_long += 1
            return
        at = self._clock.now + parameters.delay_s
        if parameters.rate_bps is not None:
            begins = max(self._clock.now, self._busy_until)
            if (begins - self._clock.now) * parameters.rate_bps / 8 > parameters.queue_bytes:
                self.counts.overflowed += 1
                return
            self._busy_until = begins + len(data) * 8 / parameters.rate_bps
            at = self._busy_until + parameters.delay_s
        self.counts.sent += 1
        for tap in self.taps:
            tap(self._clock.now, destination, port.link_layer, data)
        heard_by: Iterable[Port] = self._ports
        if destination != ALL_NODES:
            heard_by = self._listeners.get(destination, ())
            if self._hearing_all and destination.startswith(GROUP):
                heard_by = (*heard_by, *self._hearing_all)
        receivers = [other for other in heard_by if other is not port and other.side == port.side]
        if not receivers:
            return
        if parameters.is_even:
            self._clock.schedule(at, self._arrive, receivers, data, protection)
            return
        for receiver in receivers:
            self._fate(receiver, at, data, protection)

    def _fate(self, receiver: Port, at: float, data: bytes, protection: Protection | None) -> None:
        """Decide what becomes of a frame on its way to one receiver."""
        parameters, dice = self.parameters, self._dice
        if dice.random() < parameters.loss:
            self.counts.lost += 1
            return
        copies = 1
        if dice.random() < parameters.duplication:
            self.counts.duplicated += 1
            copies = 2
        for _ in range(copies):
            if dice.random() < parameters.reordering:
                self.counts.reordered += 1
                arrives = at + parameters.reordering_s
            else:
                arrives = receiver.latest = max(receiver.latest, at + dice.random() * parameters.jitter_s)
            self._clock.schedule(arrives, self._arrive, (receiver,), data, protection)

    def _arrive(self, receivers: Iterable[Port], data: bytes, protection: Protection | None) -> None:
        for port in receivers:
            if port.is_attached:
                self.counts.received += 1
                port.owner.take(data, port.interface, protection)
            else:
                self.counts.lost += 1
