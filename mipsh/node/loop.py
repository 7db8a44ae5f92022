"""What servers need of the loop that drives a node, and how they accept connections in it."""

import socket
import time
from collections.abc import Callable, Iterable
from typing import Protocol

from mipsh.mobility.effects import Effect

AGAIN_S = 1.0


class Handle(Protocol):
    """A call that will be made, unless it is called off."""

    def cancel(self) -> None:
        """Call it off."""


class Loop(Protocol):
    """What a server needs of a driver."""

    listeners: list[Callable[[float, Effect], None]]

    def perform(self, effects: Iterable[Effect]) -> None:
        """Carry out what a call into the node returned."""

    def add_reader(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call while there is something to read."""

    def remove_reader(self, descriptor: int) -> None:
        """Call so no more."""

    def add_writer(self, descriptor: int, callback: Callable[[], None]) -> None:
        """Call while something can be written."""

    def remove_writer(self, descriptor: int) -> None:
        """Call so no more."""

    def call_at(self, monotonic_time: float, callback: Callable[[], None]) -> Handle:
        """Call at a time."""

    def set_link(self, interface: str, is_up: bool) -> None:
        """Tell the node that an interface has a link, or has none."""


class Acceptor:
    """Accepts connections of a listening socket, which is its own from now on, until ``close``.

    Where that cannot be done (no descriptors, no memory), it is tried again a little later.
    """

    def __init__(self, loop: Loop, listener: socket.socket, take: Callable[[socket.socket], None]) -> None:
        self._loop = loop
        self._listener = listener
        self._take = take
        self._again: Handle | None = None
        self._listen()

    def close(self) -> None:
        """Accept no more."""
        if self._again is not None:
            self._again.cancel()
        self._loop.remove_reader(self._listener.fileno())
        self._listener.close()

    def _listen(self) -> None:
        self._loop.add_reader(self._listener.fileno(), self._accept)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except BlockingIOError:
            return
        except OSError:
            self._loop.remove_reader(self._listener.fileno())
            self._again = self._loop.call_at(time.monotonic() + AGAIN_S, self._listen)
            return
        connection.setblocking(False)
        self._take(connection)
