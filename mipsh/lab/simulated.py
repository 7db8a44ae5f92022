"""A simulated lab in real time: one process with all nodes, and a control socket for each as a mipd has it.

Nothing in it needs a privilege. Its nodes have no namespaces: no program runs in them, and no packet leaves
the process. One more socket takes what the lab itself is told: moves, faults, impairments, echo requests.
"""

import heapq
import os
import selectors
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterable
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct, structs

from mipsh.errors import MipshError
from mipsh.lab.applications import Echo
from mipsh.lab.link import LinkParameters
from mipsh.lab.state import Place
from mipsh.lab.topology import ETHERNET, Lab, LabParameters
from mipsh.mobility.effects import Effect
from mipsh.node.control import ControlServer
from mipsh.node.driver import Handle
from mipsh.node.listening import listen_unix
from mipsh.wire.address import parse

SOCKET = "lab.sock"
READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE
LINE = 4096
PATIENCE_S = 0.5
MOST_ECHOES = 10_000
"""How many series of echo requests are remembered."""
Callback = Callable[[], None]


class Pace:
    """Lets a network's clock follow the real one, and serves descriptors meanwhile."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.began = time.monotonic()
        self.is_stopped = False
        self._selector = selectors.DefaultSelector()
        self._callbacks: dict[int, dict[int, Callback]] = {}
        self._calls: list[tuple[float, int, Handle]] = []
        self._order = count()
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.set(self._wake, READ, lambda: None)

    def now(self) -> float:
        """Let happen what is due, and return the network's time."""
        clock = self.lab.network.clock
        clock.run_until(time.monotonic() - self.began)
        return clock.now

    def set(self, descriptor: int, event: int, callback: Callback | None) -> None:
        """Call back while a descriptor can be read from or written to, in place of what was called before."""
        wanted = self._callbacks.pop(descriptor, {})
        was_known = bool(wanted)
        wanted.pop(event, None)
        if callback is not None:
            wanted[event] = callback
        if not wanted:
            if was_known:
                self._selector.unregister(descriptor)
            return
        self._callbacks[descriptor] = wanted
        (self._selector.modify if was_known else self._selector.register)(descriptor, sum(wanted), wanted)

    def call_at(self, monotonic_time: float, callback: Callback) -> Handle:
        """Call back at a time of ``time.monotonic``."""
        handle = Handle(callback)
        heapq.heappush(self._calls, (monotonic_time, next(self._order), handle))
        return handle

    def stop(self) -> None:
        """Let ``run`` return, also from a signal handler."""
        self.is_stopped = True
        os.eventfd_write(self._wake, 1)

    def run(self) -> None:
        """Go on until stopped."""
        while not self.is_stopped:
            for key, events in self._selector.select(self._wait_s()):
                for event in (READ, WRITE):
                    callback = key.data.get(event) if events & event else None
                    if callback is not None:
                        callback()
            self.now()
            while self._calls and self._calls[0][0] <= time.monotonic():
                due = heapq.heappop(self._calls)[2].callback
                if due is not None:
                    due()

    def _wait_s(self) -> float | None:
        next_event = self.lab.network.clock.next()
        times = [self._calls[0][0]] if self._calls else []
        times += [] if next_event is None else [self.began + next_event]
        return max(min(times) - time.monotonic(), 0.0) if times else None

    def close(self) -> None:
        """Let go of what it made itself."""
        self._selector.close()
        os.close(self._wake)


class NodeLoop:
    """What a node's control socket needs of a driver, by the network in which the node is."""

    def __init__(self, pace: Pace, name: str) -> None:
        self.listeners: list[Callable[[float, Effect], None]] = []
        self.call_at = pace.call_at
        self._pace = pace
        self._station = pace.lab.network.stations[name]

    def hear(self, at: float, effect: Effect) -> None:
        """Tell of an effect of the node."""
        for listener in tuple(self.listeners):
            listener(self._pace.began + at, effect)

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry out what a call into the node returned."""
        self._station.perform(effects)

    def add_reader(self, descriptor: int, callback: Callback) -> None:
        """Call while there is something to read."""
        self._pace.set(descriptor, READ, callback)

    def remove_reader(self, descriptor: int) -> None:
        """Call so no more."""
        self._pace.set(descriptor, READ, None)

    def add_writer(self, descriptor: int, callback: Callback) -> None:
        """Call while something can be written."""
        self._pace.set(descriptor, WRITE, callback)

    def remove_writer(self, descriptor: int) -> None:
        """Call so no more."""
        self._pace.set(descriptor, WRITE, None)

    def set_link(self, interface: str, is_up: bool) -> None:
        """Refuse nothing and do nothing: where an interface is, is the lab's affair."""


class Numbers(Struct, frozen=True):
    """How many of each there are, and the link on which mobile nodes begin."""

    mobile_nodes: int
    correspondents: int
    start: str


class Simulation:
    """The lab with its sockets."""

    def __init__(self, place: Place, numbers: Numbers) -> None:
        self.lab = Lab(LabParameters(time.time_ns(), correspondents=numbers.correspondents, is_optimistic=True))
        for _ in range(numbers.mobile_nodes):
            self.lab.add_mobile_node(numbers.start)
        self.pace = Pace(self.lab)
        self._place = place
        self._echoes: dict[int, Echo] = {}
        self._loops = {name: NodeLoop(self.pace, name) for name in self.lab.network.stations}
        self._servers: dict[str, ControlServer] = {}
        self.lab.network.watchers.append(lambda at, name, effect: self._loops[name].hear(at, effect))
        self._listener = listen_unix(place.folder / SOCKET)
        self.pace.set(self._listener.fileno(), READ, self._serve)
        for name in self._loops:
            self._open(name)

    def _open(self, name: str) -> None:
        """Serve a node's control socket, as the node is now."""
        node = self.lab.node(name)
        server = ControlServer(node, self._loops[name], self._place.control(name), clock=self.pace.now)
        server.open()
        self._servers[name] = server

    def run(self) -> None:
        """Run until told to end."""
        self.pace.run()

    def stop_all(self) -> None:
        """Let ``run`` return, also from a signal handler."""
        self.pace.stop()

    def close(self) -> None:
        """Remove the sockets."""
        for server in self._servers.values():
            server.close()
        self._listener.close()
        self.pace.close()

    # What the lab is told.

    def _serve(self) -> None:
        """Answer one request of whoever connects: only the lab's owner can."""
        connection, _ = self._listener.accept()
        with connection:
            connection.settimeout(PATIENCE_S)
            try:
                request = msgspec.json.decode(connection.makefile("rb").readline(LINE))
                answer = {"result": self._do(request["method"], request["params"])}
            except (OSError, KeyError, TypeError, ValueError, MipshError, msgspec.DecodeError) as error:
                answer = {"error": {"message": f"{type(error).__name__}: {error}"}}
            self._say(connection, answer)

    def _say(self, connection: socket.socket, answer: dict[str, Any]) -> None:
        try:
            connection.sendall(msgspec.json.encode({"jsonrpc": "2.0", "id": 1, **answer}) + b"\n")
        except OSError as error:
            sys.stderr.write(f"an answer was not taken: {error}\n")

    def _do(self, method: str, params: dict[str, Any]) -> Any:
        self.pace.now()
        methods: dict[str, Callable[..., Any]] = {
            "move": self.move,
            "impair": self.impair,
            "stop": self.stop,
            "restart": self.restart,
            "ping": self.ping,
            "echoes": self.echoes,
        }
        return methods[method](**params)

    def move(self, node: str, link: str, gap_s: float) -> None:
        """Move a mobile node."""
        self.lab.network.move(node, ETHERNET, link, gap_s)

    def impair(self, link: str, loss: float, delay_s: float) -> None:
        """Let a link lose and delay frames."""
        found = self.lab.network.links[link]
        sound = LinkParameters()
        found.parameters = structs.replace(found.parameters, loss=loss, delay_s=sound.delay_s + delay_s)

    def stop(self, node: str) -> None:
        """Let a node break down."""
        self.lab.network.stop(node)
        server = self._servers.pop(node, None)
        if server is not None:
            server.close()

    def restart(self, node: str) -> None:
        """Let a node begin anew."""
        self.stop(node)
        self.lab.network.restart(node)
        self.pace.now()
        self._open(node)

    def ping(self, node: str, destination: str, count: int, interval_s: float) -> int:
        """Begin to send echo requests; return by what number they are asked for."""
        number = len(self._echoes)
        if number >= MOST_ECHOES:
            raise ValueError("too many series of echo requests")
        self._echoes[number] = Echo(self.lab.network, node, parse(destination), count=count, interval_s=interval_s)
        return number

    def echoes(self, number: int) -> dict[str, Any]:
        """Return what became of echo requests until now."""
        echo = self._echoes[number]
        return {"sent": len(echo.sent_at), "rtts_s": {str(at): rtt for at, rtt in echo.rtts_s.items()}}


def main(words: list[str]) -> None:
    """Run a simulated lab until SIGTERM: the folder of sockets, the lab's name, and the numbers as JSON."""
    folder, name, numbers = words
    simulation = Simulation(Place(Path(folder), name), msgspec.json.decode(numbers, type=Numbers))
    signal.signal(signal.SIGTERM, lambda number, frame: simulation.stop_all())
    try:
        simulation.run()
    finally:
        simulation.close()


if __name__ == "__main__":
    main(sys.argv[1:])
