"""A network: nodes on links, driven by one virtual clock; what nodes ask of the world is done here.

Nothing in it waits and nothing is random but by the seed: a network that is built and used in the
same way does the same to the last byte.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from random import Random
from typing import Protocol

from mipsh.lab.clock import Clock
from mipsh.lab.link import GROUP, Link, LinkParameters, Port
from mipsh.mobility.effects import Deliver, Effect, Protection, Transmit
from mipsh.wire.packet import Packet

HOP_LIMIT_AT = 7
MOST_SEALS = 4096

Handler = Callable[[Packet, float], None]
"""An application: it hears every packet that its node delivers, with the time."""
Watcher = Callable[[float, str, Effect], None]
"""Hears of every effect but Transmit: the time, the name of the node and the effect."""


class Attachment(Protocol):
    """What a network must know of a node's interface."""

    @property
    def link_layer(self) -> bytes:
        """The 6 bytes of the link-layer address."""

    @property
    def groups(self) -> frozenset[bytes]:
        """The multicast groups that the interface listens to."""

    @property
    def group_changes(self) -> int:
        """A number that is another one whenever the groups have changed."""


class Core(Protocol):
    """What a network asks of a node: it is ``mipsh.mobility.node.Node``, or a test's."""

    @property
    def interfaces(self) -> Mapping[str, Attachment]:
        """The interfaces by name."""

    def start(self, now: float) -> Sequence[Effect]:
        """Begin."""

    def set_link(self, interface: str, is_up: bool, now: float) -> Sequence[Effect]:
        """Hear that an interface has a link, or has none."""

    def receive(
        self, data: bytes, interface: str, now: float, protection: Protection | None = None
    ) -> Sequence[Effect]:
        """Take in a packet."""

    def send(self, packet: Packet, now: float) -> Sequence[Effect]:
        """Send a packet of the upper layers."""

    def advance(self, now: float) -> Sequence[Effect]:
        """Do what is due."""

    def next_deadline(self) -> float | None:
        """Tell when something is due."""

    def source_for(self, destination: bytes, now: float) -> bytes | None:
        """Choose a source address."""


Build = Callable[[int], Core]
"""Makes a node; the argument counts how often it was made before."""
Begin = Callable[[float], Iterable[Effect]]
"""Configures a node, which is in its network and has its links by then: addresses, routes, advertising."""


class Entropy:
    """Bytes that look random, and are the same for the same seed."""

    def __init__(self, *seed: object) -> None:
        self._seed = "/".join(map(str, seed)).encode()
        self._drawn = 0

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        self._drawn += 1
        return hashlib.shake_256(self._seed + self._drawn.to_bytes(8)).digest(size)


def group_address(group: bytes) -> bytes:
    """Return the link-layer address of an IPv6 multicast group (RFC 2464 section 7)."""
    return GROUP + group[12:]


class Seals:
    """Which packets are protected on their way: routers pass them on, and know nothing of it.

    A packet is known by all its bytes but the hop limit; of very many, the oldest are forgotten.
    """

    def __init__(self) -> None:
        self._protections: OrderedDict[bytes, Protection] = OrderedDict()

    def __len__(self) -> int:
        """Return how many packets are known."""
        return len(self._protections)

    def of(self, data: bytes, protection: Protection | None) -> Protection | None:
        """Return a packet's protection as it goes onto a link: what its sender says, or said."""
        if protection is None:
            return self._protections.get(_without_hop_limit(data)) if self._protections else None
        self._protections[_without_hop_limit(data)] = protection
        if len(self._protections) > MOST_SEALS:
            self._protections.popitem(last=False)
        return protection


def _without_hop_limit(data: bytes) -> bytes:
    return data[:HOP_LIMIT_AT] + data[HOP_LIMIT_AT + 1 :]


class Station:
    """A node in its network: it takes frames in, carries out what the node wants, and wakes it in time."""

    def __init__(self, name: str, clock: Clock, node: Core, watchers: Sequence[Watcher], seals: Seals) -> None:
        self.name = name
        self.node = node
        self.handlers: list[Handler] = []
        self.links: dict[str, Link] = {}
        self.is_running = False
        self._ports: dict[str, Port] = {}
        self._clock = clock
        self._watchers = watchers
        self._seals = seals
        self._wakes_at: float | None = None

    def take(self, data: bytes, interface: str, protection: Protection | None) -> None:
        """Hand the node a packet that came on an interface."""
        self.perform(self.node.receive(data, interface, self._clock.now, protection))

    def send(self, packet: Packet) -> None:
        """Let the node send a packet of its upper layers; one that is stopped sends nothing."""
        if self.is_running:
            self.perform(self.node.send(packet, self._clock.now))

    def source_for(self, destination: bytes) -> bytes | None:
        """Return the address that the node sends from to a destination; None where there is none."""
        return None if not self.is_running else self.node.source_for(destination, self._clock.now)

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry out effects that the node returned."""
        for effect in effects:
            if isinstance(effect, Transmit):
                port = self._ports.get(effect.interface)
                if port is not None:
                    data, protection = effect.data, self._seals.of(effect.data, effect.protection)
                    self.links[effect.interface].send(port, effect.link_layer, data, protection)
                continue
            if isinstance(effect, Deliver):
                for handler in tuple(self.handlers):
                    handler(effect.packet, self._clock.now)
            for watcher in self._watchers:
                watcher(self._clock.now, self.name, effect)
        if self._ports:
            self._listen()
        self._arm()

    def attach(self, interface: str, link: Link) -> None:
        """Put an interface on a link, in place of one that it has, and tell the node."""
        if interface in self.links:
            self.detach(interface)
        self._ports[interface] = link.attach(self, interface, self.node.interfaces[interface].link_layer)
        self.links[interface] = link
        self.perform(self.node.set_link(interface, True, self._clock.now))

    def detach(self, interface: str) -> None:
        """Take an interface from its link and tell the node."""
        self._leave(interface)
        self.perform(self.node.set_link(interface, False, self._clock.now))

    def stop(self) -> None:
        """Let the node do nothing any more, from one moment to the next."""
        for interface in tuple(self._ports):
            self._leave(interface)
        self._wakes_at = None
        self.is_running = False

    def boot(self, node: Core, links: Mapping[str, Link], begin: Begin | None) -> None:
        """Let a node run, on these links."""
        self.node = node
        self.is_running = True
        self.perform(node.start(self._clock.now))
        for interface, link in links.items():
            self.attach(interface, link)
        if begin is not None:
            self.perform(begin(self._clock.now))

    def _leave(self, interface: str) -> None:
        self.links.pop(interface).detach(self._ports.pop(interface))

    def _listen(self) -> None:
        """Tell the links what groups the interfaces listen to, where that has changed."""
        for interface, port in self._ports.items():
            attachment = self.node.interfaces[interface]
            if not port.hears_all and port.group_changes != attachment.group_changes:
                port.group_changes = attachment.group_changes
                self.links[interface].listen(port, frozenset(map(group_address, attachment.groups)))

    def _arm(self) -> None:
        """See to it that the node is woken when it has something to do."""
        deadline = self.node.next_deadline()
        if deadline is not None and (self._wakes_at is None or deadline < self._wakes_at):
            self._wakes_at = deadline
            self._clock.schedule(deadline, self._wake, deadline)

    def _wake(self, deadline: float) -> None:
        if deadline == self._wakes_at:
            self._wakes_at = None
            self.perform(self.node.advance(self._clock.now))


class _Setup:
    """How a node is made, and what became of it."""

    def __init__(self, build: Build, begin: Begin | None, links: Mapping[str, Link]) -> None:
        self.build = build
        self.begin = begin
        self.links = dict(links)
        self.boots = 0
        self.moves = 0


class Network:
    """Nodes on links; ``seed`` decides all that is random."""

    def __init__(self, seed: int = 0) -> None:
        self.seed = seed
        self.clock = Clock()
        self.links: dict[str, Link] = {}
        self.stations: dict[str, Station] = {}
        self.watchers: list[Watcher] = []
        self._seals = Seals()
        self._setups: dict[str, _Setup] = {}

    def entropy(self, *names: object) -> Entropy:
        """Return random bytes for a purpose of that name."""
        return Entropy(self.seed, *names)

    def add_link(self, name: str, parameters: LinkParameters | None = None) -> Link:
        """Add a link."""
        dice = Random(int.from_bytes(self.entropy("link", name)(8)))
        self.links[name] = Link(name, self.clock, parameters or LinkParameters(), dice)
        return self.links[name]

    def add(
        self, name: str, build: Build, links: Mapping[str, str] | None = None, begin: Begin | None = None
    ) -> Station:
        """Add a node with its interfaces on links, by name, and let it run."""
        setup = _Setup(build, begin, {interface: self.links[link] for interface, link in (links or {}).items()})
        self._setups[name] = setup
        node = build(0)
        station = self.stations[name] = Station(name, self.clock, node, self.watchers, self._seals)
        station.boot(node, setup.links, begin)
        return station

    def attach(self, name: str, interface: str, link: str) -> None:
        """Put a node's interface on a link; a node that is stopped will find itself there."""
        self._setups[name].links[interface] = self.links[link]
        if self.stations[name].is_running:
            self.stations[name].attach(interface, self.links[link])

    def detach(self, name: str, interface: str) -> None:
        """Take a node's interface from its link; harmless where it has none."""
        if interface in self.stations[name].links:
            self.stations[name].detach(interface)

    def move(self, name: str, interface: str, link: str, gap_s: float = 0.0) -> None:
        """Move a node's interface to a link; in between it has none for a time, and a later move wins."""
        setup = self._setups[name]
        setup.moves += 1
        self.detach(name, interface)
        self.clock.schedule(self.clock.now + gap_s, self._arrive, name, interface, link, setup.moves)

    def _arrive(self, name: str, interface: str, link: str, number: int) -> None:
        """End a move, unless another one began in between."""
        if number == self._setups[name].moves:
            self.detach(name, interface)
            self.attach(name, interface, link)

    def stop(self, name: str) -> None:
        """Let a node break down; its applications stay."""
        self.stations[name].stop()

    def restart(self, name: str, off_s: float = 0.0) -> None:
        """Let a node break down, and begin anew after a time, on the links that it had."""
        self.stop(name)
        self.clock.schedule(self.clock.now + off_s, self._boot, name)

    def _boot(self, name: str) -> None:
        """Let a node that is stopped begin anew."""
        if self.stations[name].is_running:
            return
        setup = self._setups[name]
        setup.boots += 1
        self.stations[name].boot(setup.build(setup.boots), setup.links, setup.begin)

    def run_for(self, duration_s: float) -> None:
        """Let time pass."""
        self.clock.run_until(self.clock.now + duration_s)
