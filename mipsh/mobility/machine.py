"""A state machine as a table: what an input leads to in a state, and nothing else can happen."""

from collections.abc import Mapping
from enum import Enum
from typing import Generic, TypeVar

State = TypeVar("State", bound=Enum)
Input = TypeVar("Input", bound=Enum)


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
