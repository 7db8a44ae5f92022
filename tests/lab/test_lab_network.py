"""Networks: nodes are woken in time, moved, stopped and started; applications see what comes."""

import pytest
from lab_fakes import FakeNode, address, fakes, packet, texts

from mipsh.lab.applications import Echo, Stream
from mipsh.lab.link import LinkParameters
from mipsh.lab.network import Entropy, Network, Seals
from mipsh.mobility.effects import Deliver, Effect, Emit, Protection, Purpose
from mipsh.wire.icmpv6 import EchoReply, Icmpv6
from mipsh.wire.packet import Packet


def details(network: Network) -> list[tuple[float, str]]:
    """Return a list that fills with the details of events."""
    seen: list[tuple[float, str]] = []

    def watch(now: float, name: str, effect: Effect) -> None:
        if isinstance(effect, Emit):
            seen.append((now, f"{name} {effect.event} {effect.detail}".rstrip()))

    network.watchers.append(watch)
    return seen


def test_a_node_is_woken_in_time() -> None:
    """At each deadline, though it was set earlier or later in between."""
    network, _, (node, _) = fakes(2)
    seen = details(network)
    node.due = [5.0, 7.0]
    network.stations["n1"].perform([])
    node.due = [3.0, 7.0]
    network.stations["n1"].perform([])
    assert len(network.clock) == 2
    network.run_for(10.0)
    assert seen == [(3.0, "n1 due 3.0"), (7.0, "n1 due 7.0")]
    node.due = [12.0]
    network.stations["n1"].perform([])
    node.due = [13.0]
    network.run_for(10.0)
    assert seen[2:] == [(13.0, "n1 due 13.0")]


def test_moving() -> None:
    """Between two links there is a time without one; the later of two moves wins."""
    network, _, (_, node) = fakes(2)
    network.add_link("other")
    network.move("n2", "eth0", "other", gap_s=0.5)
    network.run_for(0.25)
    assert len(network.links["link"]) == 1
    network.move("n2", "eth0", "link", gap_s=1.0)
    network.run_for(5.0)
    assert node.links == [(0.0, True), (0.0, False), (1.25, True)]
    assert len(network.links["link"]) == 2


def test_an_interface_has_one_link() -> None:
    """Put on another one, it leaves the one before."""
    network, link, (_, node) = fakes(2)
    network.add_link("other")
    network.attach("n2", "eth0", "other")
    assert (len(link), len(network.links["other"])) == (1, 1)
    assert node.links == [(0.0, True), (0.0, False), (0.0, True)]


def test_a_node_that_stopped_does_nothing() -> None:
    """It hears and sends nothing, and no deadline of it comes; restarted, it is a new one on the same links."""
    network = Network()
    network.add_link("link")
    made: list[FakeNode] = []

    def build(boots: int) -> FakeNode:
        made.append(FakeNode(1))
        return made[-1]

    def begin(now: float) -> list[Effect]:
        return [Emit("configured", address(1))]

    seen = details(network)
    station = network.add("n1", build, {"eth0": "link"}, begin)
    network.add("n2", lambda _: FakeNode(2), {"eth0": "link"})
    made[0].due = [2.0]
    station.perform([])
    network.stop("n1")
    network.stop("n1")
    station.send(packet(1, 2))
    network.stations["n2"].send(packet(2, 1))
    assert station.source_for(address(2)) is None
    network.run_for(3.0)
    assert (made[0].taken, made[0].due) == ([], [2.0])
    network.restart("n1", off_s=1.0)
    network.restart("n1", off_s=2.0)
    network.run_for(3.0)
    assert len(made) == 2
    network.stations["n2"].send(packet(2, 1, "again"))
    network.run_for(1.0)
    assert texts(made[1]) == ["again"]
    assert [text for _, text in seen if text.startswith("n1")] == ["n1 started", "n1 configured"] * 2


def test_a_stopped_node_can_be_moved() -> None:
    """It wakes up where it was put."""
    network, link, _ = fakes(2)
    network.add_link("other")
    network.stop("n2")
    network.move("n2", "eth0", "other")
    network.run_for(1.0)
    assert (len(link), len(network.links["other"])) == (1, 0)
    network.restart("n2")
    network.run_for(1.0)
    assert (len(link), len(network.links["other"])) == (1, 1)


def test_echo_measures_round_trips() -> None:
    """Every request is matched with its own reply; lost ones are known."""
    network, link, (_, second) = fakes(2, LinkParameters(delay_s=0.01))
    echo = Echo(network, "n1", address(2), count=4)
    other = Echo(network, "n1", address(2), count=4, size=0)
    network.run_for(0.5)
    link.partition(["n1"])
    network.run_for(1.0)
    link.heal()
    network.run_for(10.0)
    assert echo.rtts_s == {number: pytest.approx(0.02) for number in (0, 2, 3)}
    assert echo.lost == other.lost == [1]
    assert echo.sent_at == [0.0, 1.0, 2.0, 3.0]
    assert len(second.taken) == 6


def test_echo_without_an_address_is_lost() -> None:
    """A node without an address sends nothing; one whose address is given does."""
    network, _, (first, second) = fakes(2)
    first.has_address = False
    echo = Echo(network, "n1", address(2), count=2)
    network.run_for(5.0)
    assert (echo.lost, echo.sent_at, second.taken) == ([0, 1], [None, None], [])
    given = Echo(network, "n1", address(2), count=1, source=address(1))
    network.run_for(5.0)
    assert given.lost == []


def test_a_stream_shows_its_gap() -> None:
    """Silence from the last before it to the first behind it, and what was lost in between."""
    network, link, (first, _) = fakes(2, LinkParameters(delay_s=0.01))
    stream = Stream(network, "n1", "n2", address(2), interval_s=0.1)
    back = Stream(network, "n2", "n1", address(1), interval_s=0.1)
    assert stream.gap() is None
    network.clock.run_until(1.05)
    link.partition(["n1"])
    network.clock.run_until(1.45)
    link.heal()
    network.clock.run_until(2.05)
    stream.stop()
    back.stop()
    network.run_for(1.0)
    gap = stream.gap()
    assert gap is not None
    assert (round(gap.begins, 6), round(gap.ends, 6), gap.lost) == (1.01, 1.51, 4)
    assert gap.duration_s == pytest.approx(0.5)
    assert stream.lost == [11, 12, 13, 14]
    assert (len(stream.sent_at), len(stream.arrivals), len(back.arrivals)) == (21, 17, 17)
    assert stream.gap(since=1.6) is not None
    assert stream.gap(since=5.0) is None
    assert (stream.duplicates, stream.late) == (0, 0)
    first.has_address = False
    silent = Stream(network, "n1", "n2", address(2))
    network.run_for(0.1)
    assert (silent.sent_at, silent.lost) == ([], [])


def test_a_stream_counts_copies_and_disorder() -> None:
    """Datagrams that came twice, and those that others overtook."""
    parameters = LinkParameters(duplication=0.3, reordering=0.2, reordering_s=0.05)
    network, link, _ = fakes(2, parameters)
    stream = Stream(network, "n1", "n2", address(2), interval_s=0.02, source=address(1))
    network.run_for(5.0)
    stream.stop()
    network.run_for(1.0)
    assert stream.duplicates == link.counts.duplicated > 0
    assert stream.late > 0
    assert stream.lost == []


def test_protection_goes_along_through_routers() -> None:
    """A packet is protected behind a router, too, which changes its hop limit; others are not."""
    seals, protection = Seals(), Protection(Purpose.REGISTRATION, address(1))
    data = packet(1, 2, "sealed").encode()
    assert seals.of(data, None) is None
    assert seals.of(data, protection) == protection
    assert seals.of(data[:7] + b"\x3f" + data[8:], None) == protection
    assert seals.of(packet(1, 2, "other").encode(), None) is None
    for number in range(5000):
        seals.of(packet(1, 2, str(number)).encode(), protection)
    assert seals.of(data, None) is None
    assert len(seals) == 4096


def test_an_interface_without_a_link_sends_nothing() -> None:
    """What a node puts on a link that is not there is lost."""
    network, link, _ = fakes(2)
    network.detach("n1", "eth0")
    network.stations["n1"].send(packet(1, 2))
    network.run_for(1.0)
    assert link.counts.sent == 0


def test_a_reply_counts_once() -> None:
    """Copies of a reply, and replies that nobody asked for, change nothing."""
    network, _, _ = fakes(2, LinkParameters(delay_s=0.01))
    echo = Echo(network, "n1", address(2), count=1)
    network.run_for(1.0)
    station, rtts_s = network.stations["n1"], dict(echo.rtts_s)
    for sequence, number in ((0, 0), (1, 0), (0, 65536), (5, 5)):
        reply = Icmpv6(EchoReply(1, sequence, number.to_bytes(8)))
        station.perform([Deliver(Packet(address(2), address(1), reply))])
    assert echo.rtts_s == rtts_s


def test_entropy_repeats() -> None:
    """The same seed gives the same bytes, another one others."""
    one, two, other = Entropy(1, "mn"), Entropy(1, "mn"), Entropy(2, "mn")
    drawn = [one(8), one(8)]
    assert drawn == [two(8), two(8)]
    assert drawn[0] != drawn[1]
    assert other(8) not in drawn
    assert len(one(100)) == 100
