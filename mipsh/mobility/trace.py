"""What happened in a node, as values in order: packets, transitions, timers and effects.

A part steps its state machines through the node's trace, so that no transition goes unseen. While
nobody listens, a trace keeps nothing and costs next to nothing.
"""

from collections.abc import Callable
from enum import Enum
from typing import TypeVar

from msgspec import Struct

from mipsh.mobility.effects import Effect
from mipsh.mobility.machine import Machine

State = TypeVar("State", bound=Enum)
Input = TypeVar("Input", bound=Enum)


class PacketSeen(Struct, frozen=True):
    """A packet came in (``is_received``) or went out on an interface; ``time`` is the node's clock in seconds."""

    time: float
    node: str
    interface: str
    is_received: bool
    data: bytes


class Transition(Struct, frozen=True):
    """A state machine took an input; ``subject`` says whose it is (an address, mostly)."""

    time: float
    node: str
    machine: str
    subject: str
    before: str
    input: str
    after: str


class TimerFired(Struct, frozen=True):
    """A deadline came; ``timer`` says what for, ``subject`` whose it was."""

    time: float
    node: str
    timer: str
    subject: str


class EffectCaused(Struct, frozen=True):
    """The node caused an effect: a request, a signal or one for the world."""

    time: float
    node: str
    effect: Effect


Record = PacketSeen | Transition | TimerFired | EffectCaused
Sink = Callable[[Record], None]


class Trace:
    """A node's trace; ``now`` is set by the node before it does anything."""

    def __init__(self, node: str = "", sink: Sink | None = None) -> None:
        self.node = node
        self.sink = sink
        self.now = 0.0

    def step(self, machine: Machine[State, Input], subject: str, state: State, event: Input) -> State:
        """Step a machine, and record it; raises KeyError where the input cannot happen."""
        after = machine.step(state, event)
        if self.sink is not None:
            names = subject, state.name, event.name, after.name
            self.sink(Transition(self.now, self.node, machine.name, *names))
        return after

    def timer(self, timer: str, subject: str = "") -> None:
        """Record that a deadline came."""
        if self.sink is not None:
            self.sink(TimerFired(self.now, self.node, timer, subject))

    def packet(self, interface: str, is_received: bool, data: bytes) -> None:
        """Record a packet."""
        if self.sink is not None:
            self.sink(PacketSeen(self.now, self.node, interface, is_received, data))

    def effect(self, effect: Effect) -> None:
        """Record an effect."""
        if self.sink is not None:
            self.sink(EffectCaused(self.now, self.node, effect))
