"""Lets a node run on real links: packets in and out, its deadlines, and other descriptors in the same loop.

One thread, one loop around epoll(7). The node's upper layers are the programs behind a TUN interface.
Nothing blocks but the wait for what comes next. A packet that comes to an idle node waits for all that
is done between its coming and its going, so that this is as little as can be.
"""

import heapq
import os
import select
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from functools import partial
from itertools import count
from types import TracebackType
from typing import Protocol, Self

from mipsh.linux.link_monitor import LinkMonitor
from mipsh.mobility.effects import AddressAdded, AddressRemoved, Deliver, Effect, Transmit
from mipsh.mobility.node import Node
from mipsh.node.programs import Programs, Tunnel

Listener = Callable[[float, Effect], None]
"""Hears of every effect but Transmit and Deliver, with the time."""
Callback = Callable[[], None]
READ, WRITE = select.EPOLLIN, select.EPOLLOUT


class Port(Protocol):
    """What the driver asks of an interface: it is a PacketSocket, or a test's."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""

    def receive(self) -> list[bytes]:
        """Return a batch of packets that came, without waiting."""

    def send(self, link_layer: bytes, data: bytes) -> bool:
        """Put a packet on the link."""


class LinkSource(Protocol):
    """Tells which interfaces have a link, and of the TUN's addresses: it is a LinkMonitor, or a test's."""

    def fileno(self) -> int:
        """Return the descriptor to wait on."""

    def changes(self) -> list[tuple[str, bool]]:
        """Return the interfaces that have a link from now on, or have none."""

    def addresses(self) -> list[tuple[bytes, bool]]:
        """Return the addresses that came to the TUN (True) or went, as ``changes`` found them."""

    def close(self) -> None:
        """Stop listening."""


class Handle:
    """A call that is to come; it can be called off."""

    def __init__(self, callback: Callback) -> None:
        self.callback: Callback | None = callback

    def cancel(self) -> None:
        """Call it off; harmless when it was made already."""
        self.callback = None


class Driver:
    """A node on its ports, which belong to the caller, as the TUN does.

    Where no ``links`` are given, the kernel's are listened to: an interface's link is what its carrier is.
    """

    def __init__(
        self, node: Node, ports: Mapping[str, Port], tun: Tunnel | None, links: LinkSource | None = None
    ) -> None:
        self.node = node
        self.listeners: list[Listener] = []
        self._ports = ports
        self._programs = None if tun is None else Programs(tun)
        self._links = LinkMonitor(None if tun is None else tun.name) if links is None else links
        self._epoll = select.epoll()
        self._callbacks: dict[int, dict[int, Callback]] = {}
        self._calls: list[tuple[float, int, Handle]] = []
        self._order = count()
        self._deadline: float | None = None
        self._is_stopped = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._listen()

    def _listen(self) -> None:
        self.add_reader(self._wake, self._woken)
        self.add_reader(self._links.fileno(), self._links_changed)
        for name, port in self._ports.items():
            self.add_reader(port.fileno(), self._taking(name, port))
        if self._programs is not None:
            self.add_reader(self._programs.tun.fileno(), partial(self._send, self._programs))

    def start(self) -> None:
        """Let the node begin, and tell it of the links that it has; ``run`` goes on from there."""
        self.perform(self.node.start(time.monotonic()))
        self._links_changed()

    # What the node wants.

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry out what a call into the node returned."""
        for effect in effects:
            if type(effect) is Transmit:
                port = self._ports.get(effect.interface)
                if port is not None:
                    port.send(effect.link_layer, effect.data)
            else:
                self._tell(effect)

    def _tell(self, effect: Effect) -> None:
        """Carry out what is for the programs, and what others want to hear."""
        programs = self._programs
        if isinstance(effect, Deliver):
            if programs is not None:
                programs.deliver(effect.packet)
            return
        if programs is not None and isinstance(effect, AddressAdded | AddressRemoved):
            programs.change(effect)
        now = time.monotonic()
        for listener in tuple(self.listeners):
            listener(now, effect)

    def set_link(self, interface: str, is_up: bool) -> None:
        """Tell the node that an interface has a link from now on, or has none; others than the node's are ignored."""
        if interface in self.node.interfaces:
            self.perform(self.node.set_link(interface, is_up, time.monotonic()))

    # What comes.

    def _taking(self, name: str, port: Port) -> Callback:
        """Return what takes in an interface's packets."""
        node, perform, receive, clock = self.node, self.perform, port.receive, time.monotonic

        def take() -> None:
            now = clock()
            if self._deadline is not None and self._deadline <= now:
                self._advance(now)
            for data in receive():
                perform(node.take(data, name, now))

        return take

    def _send(self, programs: Programs) -> None:
        """Send what programs sent."""
        now = time.monotonic()
        for packet in programs.sent(self.node):
            self.perform(self.node.send(packet, now))

    def _links_changed(self) -> None:
        for interface, is_up in self._links.changes():
            self.set_link(interface, is_up)
            if self._programs is not None and interface == self._programs.tun.name and is_up:
                self._programs.tun.restore()
        for address, is_there in self._links.addresses():
            if self._programs is not None:
                now = time.monotonic()
                self.perform(self._programs.changed_by_hand(address, is_there, self.node, now))

    def _woken(self) -> None:
        os.eventfd_read(self._wake)

    # What others want.

    def add_reader(self, descriptor: int, callback: Callback) -> None:
        """Call back while there is something to read, in place of what was called before."""
        self._set(descriptor, READ, callback)

    def remove_reader(self, descriptor: int) -> None:
        """Undo ``add_reader``; harmless where there is nothing to undo."""
        self._set(descriptor, READ, None)

    def add_writer(self, descriptor: int, callback: Callback) -> None:
        """Call back while something can be written, in place of what was called before."""
        self._set(descriptor, WRITE, callback)

    def remove_writer(self, descriptor: int) -> None:
        """Undo ``add_writer``; harmless where there is nothing to undo."""
        self._set(descriptor, WRITE, None)

    def _set(self, descriptor: int, event: int, callback: Callback | None) -> None:
        wanted = self._callbacks.pop(descriptor, {})
        was_known = bool(wanted)
        wanted.pop(event, None)
        if callback is not None:
            wanted[event] = callback
        if wanted:
            self._callbacks[descriptor] = wanted
            change = self._epoll.modify if was_known else self._epoll.register
            change(descriptor, sum(wanted))
        elif was_known:
            # One that was closed before is not known to the kernel any more.
            with suppress(OSError):
                self._epoll.unregister(descriptor)

    def call_at(self, monotonic_time: float, callback: Callback) -> Handle:
        """Call back at a time of ``time.monotonic``; the handle calls it off."""
        handle = Handle(callback)
        heapq.heappush(self._calls, (monotonic_time, next(self._order), handle))
        return handle

    # The loop.

    def run(self) -> None:
        """Let the node run until ``stop``, which may have come before."""
        while not self._is_stopped:
            self.run_once()

    def run_once(self, longest_s: float | None = None) -> None:
        """Do what is due, or else wait for what comes next, no longer than so many seconds; and do what came."""
        for descriptor, events in self._epoll.poll(self._do_what_is_due(longest_s)):
            callbacks = self._callbacks.get(descriptor, {})
            # What went wrong with a descriptor is for whoever reads, and for whoever writes.
            for event, other in ((READ, WRITE), (WRITE, READ)):
                callback = callbacks.get(event) if events & ~other else None
                if callback is not None:
                    callback()

    def _do_what_is_due(self, longest_s: float | None) -> float | None:
        """Do what is due, and return how long to wait then; None is for ever."""
        self._deadline = deadline = self.node.next_deadline()
        now, calls = time.monotonic(), self._calls
        if deadline is not None and deadline <= now:
            self._advance(now)
            longest_s = 0.0
        while calls and (calls[0][0] <= now or calls[0][2].callback is None):
            callback = heapq.heappop(calls)[2].callback
            if callback is not None:
                callback()
                longest_s = 0.0
        if calls and (deadline is None or calls[0][0] < deadline):
            deadline = calls[0][0]
        if deadline is None or longest_s == 0.0:
            return longest_s
        wait_s = deadline - now
        return wait_s if longest_s is None else min(wait_s, longest_s)

    def _advance(self, now: float) -> None:
        self.perform(self.node.advance(now))
        self._deadline = self.node.next_deadline()

    def stop(self) -> None:
        """Let ``run`` return; also from a signal handler, or another thread."""
        self._is_stopped = True
        os.eventfd_write(self._wake, 1)

    def close(self) -> None:
        """Let go of what the driver made itself; ports, TUN and the others' descriptors are theirs."""
        self._epoll.close()
        self._links.close()
        os.close(self._wake)

    def __enter__(self) -> Self:
        """Return the driver."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        self.close()
