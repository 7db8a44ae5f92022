"""A state machine as a table: what an input leads to in a state, and nothing else can happen."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

from msgspec import Struct

State = TypeVar("State", bound=Enum)
Input = TypeVar("Input", bound=Enum)


class Drawing(Struct, frozen=True):
    """A machine in words: its name, the initial state, and transitions as (state, input, next state)."""

    name: str
    initial: str
    transitions: tuple[tuple[str, str, str], ...]


class Machine(Generic[State, Input]):
    """A named table of transitions, from ``initial``; the docs' diagrams are drawn from it."""

    def __init__(self, name: str, initial: State, table: Mapping[tuple[State, Input], State]) -> None:
        self.name = name
        self.initial = initial
        self.table = table

    def step(self, state: State, event: Input) -> State:
        """Return the state that an input leads to; raises KeyError for one that cannot happen there."""
        return self.table[state, event]

    def allows(self, state: State, event: Input) -> bool:
        """Tell whether an input can happen in a state."""
        return (state, event) in self.table

    def drawing(self) -> Drawing:
        """Return the machine in words, in the order of its table."""
        transitions = ((state.name, event.name, after.name) for (state, event), after in self.table.items())
        return Drawing(self.name, self.initial.name, tuple(transitions))
