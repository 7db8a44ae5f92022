"""Real nodes in known states, and a loop that serves them: what tests of readings, sockets and connectors share."""

import heapq
import os
import selectors
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

from mipsh.lab.applications import Echo
from mipsh.lab.topology import Lab, LabParameters
from mipsh.mobility.effects import Effect
from mipsh.mobility.node import Node
from mipsh.node.control import ControlServer

DEADLINE_S = 20.0
SOON_S = 10.0
NOBODY = 65534
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Handle:
    """A call that is to come."""

    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        """Call it off."""
        self.callback = None


class TurningLoop:
    """A loop without a node: it watches descriptors, keeps time, and remembers what it was told to perform."""

    def __init__(self) -> None:
        self.listeners: list[Callable[[float, Effect], None]] = []
        self.performed: list[Effect] = []
        self.links: list[tuple[str, bool]] = []
        self._selector = selectors.DefaultSelector()
        self._callbacks: dict[int, dict[int, Callable[[], None]]] = {}
        self._calls: list[tuple[float, int, Handle]] = []
        self._order = count()
        self._waker: socket.socket | None = None

    @property
    def watched(self) -> int:
        """How many descriptors are watched."""
        return len(self._callbacks)

    @property
    def calls(self) -> int:
        """How many calls are to come."""
        return sum(handle.callback is not None for _, _, handle in self._calls)

    def perform(self, effects: Iterable[Effect]) -> None:
        """Remember effects, and tell of them."""
        for effect in effects:
            self.performed.append(effect)
            self.tell(effect)

    def tell(self, effect: Effect) -> None:
        """Tell listeners of an effect."""
        for listener in tuple(self.listeners):
            listener(time.monotonic(), effect)

    def set_link(self, interface: str, is_up: bool) -> None:
        """Remember a link."""
        self.links.append((interface, is_up))

    def add_reader(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call while there is something to read."""
        self._set(descriptor, READ, callback)

    def remove_reader(self, descriptor: int) -> None:
        """Call so no more."""
        self._set(descriptor, READ, None)

    def add_writer(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call while something can be written."""
        self._set(descriptor, WRITE, callback)

    def remove_writer(self, descriptor: int) -> None:
        """Call so no more."""
        self._set(descriptor, WRITE, None)

    def _set(self, descriptor: int, event: int, callback: Callable[[], None] | None) -> None:
        wanted = self._callbacks.pop(descriptor, {})
        was_known = bool(wanted)
        wanted.pop(event, None)
        if callback is not None:
            wanted[event] = callback
        if wanted:
            self._callbacks[descriptor] = wanted
            (self._selector.modify if was_known else self._selector.register)(descriptor, sum(wanted), wanted)
        elif was_known:
            self._selector.unregister(descriptor)

    def call_at(self, monotonic_time: float, callback: Callable[[], None]) -> Handle:
        """Call at a time."""
        handle = Handle(callback)
        heapq.heappush(self._calls, (monotonic_time, next(self._order), handle))
        return handle

    def do(self, callback: Callable[[], None]) -> None:
        """Have something done by the loop, from another thread."""
        self.call_at(0.0, callback)
        if self._waker is not None:
            self._waker.send(b"\0")

    def turn(self, longest_s: float = 0.0) -> int:
        """Do what is ready, waiting no longer than so many seconds for it; return how much that was."""
        found = self._selector.select(longest_s)
        for key, events in found:
            for event in (READ, WRITE):
                callback = key.data.get(event) if events & event else None
                if callback is not None:
                    callback()
        self.do_due(time.monotonic())
        return len(found)

    def call_all(self) -> None:
        """Call everybody, though nothing may be ready: a loop may be woken for nothing."""
        for callbacks in tuple(self._callbacks.values()):
            for callback in tuple(callbacks.values()):
                callback()

    def do_due(self, now: float) -> None:
        """Make the calls that are due at a time, of those that are there now."""
        due = [entry for entry in self._calls if entry[0] <= now]
        self._calls = [entry for entry in self._calls if entry[0] > now]
        for _, _, handle in sorted(due):
            if handle.callback is not None:
                handle.callback()

    @contextmanager
    def waking(self) -> Iterator[None]:
        """Let other threads wake the loop."""
        woken, waker = socket.socketpair()
        with woken, waker:
            self._waker = waker
            self.add_reader(woken.fileno(), partial(_drain, woken))
            try:
                yield
            finally:
                self.remove_reader(woken.fileno())
                self._waker = None

    def close(self) -> None:
        """Let go of the selector."""
        self._selector.close()


def _drain(woken: socket.socket) -> None:
    woken.recv(4096)


@contextmanager
def turning(loop: TurningLoop) -> Iterator[None]:
    """Let a loop turn in a thread of its own."""
    is_over = threading.Event()

    def run() -> None:
        while not is_over.is_set():
            loop.turn(1.0)

    with loop.waking():
        thread = threading.Thread(target=run)
        thread.start()
        try:
            yield
        finally:
            loop.do(is_over.set)
            thread.join()


def away(parameters: LabParameters | None = None) -> Lab:
    """Return a network whose mobile node is registered on the first foreign link."""
    lab = Lab(parameters)
    lab.network.run_for(1.0)
    name = lab.add_mobile_node("foreign1")
    assert lab.network.clock.run(lambda: lab.registered_at(name) is not None, SOON_S)
    lab.network.run_for(1.0)
    return lab


def optimised(parameters: LabParameters | None = None) -> Lab:
    """Return a network whose mobile node has an optimised route to the correspondent."""
    lab = away(parameters)
    Echo(lab.network, "mn", lab.correspondent_address(), count=20, interval_s=0.2)
    assert lab.network.clock.run(lambda: lab.optimised_at("mn", "cn") == lab.registered_at("mn"), SOON_S)
    lab.network.run_for(1.0)
    return lab


class Served:
    """A control socket that is served, with its loop."""

    def __init__(self, node: Node, path: Path, clock: Callable[[], float], **options: Any) -> None:
        self.loop = TurningLoop()
        self.server = ControlServer(node, self.loop, path, clock=clock, **options)

    @property
    def path(self) -> Path:
        """Where it is."""
        return self.server.path


@contextmanager
def serving(lab: Lab, name: str, path: Path) -> Iterator[Served]:
    """Serve a node of a lab, whose clock stands still meanwhile, in a thread."""
    served = Served(lab.node(name), path, lambda: lab.network.clock.now)
    served.server.open()
    try:
        with turning(served.loop):
            yield served
    finally:
        served.server.close()
        served.loop.close()


@contextmanager
def another_user(folder: Path) -> Iterator[None]:
    """Be somebody who may not enter a folder: without root's rights, nobody may."""
    before = os.geteuid()
    folder.chmod(0)
    if before == 0:
        os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(before)
        folder.chmod(0o700)
