"""Impaired ports lose the share that they are told to, and delay the rest; others cost nothing."""

from collections.abc import Callable
from itertools import cycle

import pytest

from mipsh.node.driver import Port
from mipsh.node.impaired_port import MOST_WAITING, ImpairedPort, Impairment, Impairments

OTHER = b"\x02\x00\x00\x00\x00\x02"


class Wire:
    """A port that remembers what was sent."""

    def __init__(self) -> None:
        self.sent: list[bytes] = []

    def fileno(self) -> int:
        """Return a number that is no descriptor."""
        return 77

    def receive(self) -> list[bytes]:
        """Return one packet."""
        return [b"in"]

    def send(self, link_layer: bytes, data: bytes) -> bool:
        """Remember a packet."""
        assert link_layer == OTHER
        self.sent.append(data)
        return True


class Scene:
    """A mapping with one port, a clock that is told, and dice that show numbers in turn."""

    def __init__(self, *dice: float) -> None:
        self.wire = Wire()
        self.now = 0.0
        self.calls: list[tuple[float, Callable[[], None]]] = []
        self.ports: dict[str, Port] = {"eth0": self.wire}
        shown = cycle(dice or (0.5,))
        self.impairments = Impairments(self.ports, lambda: self.now, self.call_at, lambda: next(shown))

    def call_at(self, time: float, callback: Callable[[], None]) -> None:
        """Remember a call."""
        self.calls.append((time, callback))

    def send(self, *packets: bytes) -> None:
        """Send packets by whatever port is there."""
        for packet in packets:
            assert self.ports["eth0"].send(OTHER, packet)


def test_a_share_is_lost() -> None:
    """As the dice say; what comes in is not touched."""
    scene = Scene(0.05, 0.1, 0.95)
    scene.impairments.set("eth0", Impairment(loss=0.1))
    scene.send(b"1", b"2", b"3", b"4", b"5")
    assert scene.wire.sent == [b"2", b"3", b"5"]
    port = scene.ports["eth0"]
    assert (port.receive(), port.fileno()) == ([b"in"], 77)


def test_all_is_lost_or_nothing() -> None:
    """At the ends of the scale, whatever the dice say."""
    scene = Scene(0.0, 0.999999)
    scene.impairments.set("eth0", Impairment(loss=1.0))
    scene.send(b"1", b"2")
    assert scene.wire.sent == []
    scene.impairments.set("eth0", Impairment(delay_s=0.0))
    scene.send(b"3", b"4")
    assert scene.wire.sent == [b"3", b"4"]


def test_packets_come_late_and_in_order() -> None:
    """At the time that was set when they were sent."""
    scene = Scene()
    scene.impairments.set("eth0", Impairment(delay_s=0.02))
    scene.send(b"1")
    scene.now = 0.005
    scene.send(b"2")
    assert scene.wire.sent == []
    assert [time for time, _ in scene.calls] == pytest.approx([0.02, 0.025])
    for _, callback in scene.calls:
        callback()
    assert scene.wire.sent == [b"1", b"2"]


def test_a_port_without_impairment_is_the_port_itself() -> None:
    """Before, and again after; what is on its way still comes."""
    scene = Scene()
    scene.impairments.set("eth0", Impairment())
    assert scene.ports["eth0"] is scene.wire
    scene.impairments.set("eth0", Impairment(delay_s=1.0))
    scene.send(b"late")
    first = scene.ports["eth0"]
    scene.impairments.set("eth0", Impairment(delay_s=2.0))
    assert scene.ports["eth0"] is first
    scene.impairments.set("eth0", Impairment())
    assert scene.ports["eth0"] is scene.wire
    scene.send(b"soon")
    scene.calls[0][1]()
    assert scene.wire.sent == [b"soon", b"late"]


def test_only_so_many_are_on_their_way() -> None:
    """A flood is lost, not kept."""
    scene = Scene()
    scene.impairments.set("eth0", Impairment(delay_s=10.0))
    scene.send(*[b"x"] * (MOST_WAITING + 5))
    port = scene.ports["eth0"]
    assert isinstance(port, ImpairedPort)
    assert (len(scene.calls), port.lost) == (MOST_WAITING, 5)


def test_an_unknown_port_is_an_error() -> None:
    """The caller knows the names."""
    with pytest.raises(KeyError):
        Scene().impairments.set("eth1", Impairment())
