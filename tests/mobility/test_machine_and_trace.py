"""State machines as tables, and the trace that sees what happens."""

from enum import Enum, auto

import pytest

from mipsh.mobility.effects import SolicitRouters
from mipsh.mobility.machine import Machine
from mipsh.mobility.trace import EffectCaused, PacketSeen, Record, TimerFired, Trace, Transition


class Door(Enum):
    """States."""

    SHUT = auto()
    OPEN = auto()


class Hand(Enum):
    """Inputs."""

    PUSH = auto()
    PULL = auto()


DOOR = Machine("door", Door.SHUT, {(Door.SHUT, Hand.PUSH): Door.OPEN, (Door.OPEN, Hand.PULL): Door.SHUT})


def test_a_machine_steps_by_its_table() -> None:
    """What is not in it cannot happen."""
    assert DOOR.step(DOOR.initial, Hand.PUSH) is Door.OPEN
    assert DOOR.allows(Door.OPEN, Hand.PULL)
    assert not DOOR.allows(Door.OPEN, Hand.PUSH)
    with pytest.raises(KeyError):
        DOOR.step(Door.OPEN, Hand.PUSH)


def test_a_trace_has_everything_in_order() -> None:
    """Each record has the time and the node."""
    seen: list[Record] = []
    trace = Trace("mn", seen.append)
    trace.packet("eth0", True, b"packet")
    trace.now = 1.5
    assert trace.step(DOOR, "front", Door.SHUT, Hand.PUSH) is Door.OPEN
    trace.timer("knock", "front")
    trace.effect(SolicitRouters("eth0"))
    assert seen == [
        PacketSeen(0.0, "mn", "eth0", True, b"packet"),
        Transition(1.5, "mn", "door", "front", "SHUT", "PUSH", "OPEN"),
        TimerFired(1.5, "mn", "knock", "front"),
        EffectCaused(1.5, "mn", SolicitRouters("eth0")),
    ]


def test_a_step_that_cannot_happen_is_not_recorded() -> None:
    """It raises, as without a trace."""
    seen: list[Record] = []
    with pytest.raises(KeyError):
        Trace("mn", seen.append).step(DOOR, "front", Door.OPEN, Hand.PUSH)
    assert seen == []


def test_nobody_listens() -> None:
    """A trace without a sink only steps."""
    trace = Trace()
    trace.packet("eth0", False, b"")
    trace.timer("knock")
    trace.effect(SolicitRouters("eth0"))
    assert trace.step(DOOR, "", Door.SHUT, Hand.PUSH) is Door.OPEN
