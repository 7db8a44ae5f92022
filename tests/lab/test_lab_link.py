"""Links: whom a frame reaches, when, how often, and in what order."""

from pathlib import Path

import pytest
from lab_fakes import GROUP, GROUP_FRAMES, address, fakes, link_layer, packet, texts

from mipsh.lab.capture import EPOCH_NS, Capture
from mipsh.lab.link import ALL_NODES, Link, LinkParameters
from mipsh.lab.network import Network
from mipsh.mobility.effects import Protection, Purpose, Transmit
from mipsh.wire import pcap

SENT = 1000


def multicast(network: Network, destination: bytes, group: bytes) -> None:
    """Let the first node send to a group."""
    data = packet(1, 2, "all").encode()
    network.stations["n1"].perform([Transmit("eth0", destination, data[:24] + group + data[40:])])


def counted(parameters: LinkParameters, seed: int = 7) -> tuple[Link, list[str], list[float]]:
    """Send a thousand packets, a millisecond apart; return the link, what came, and when."""
    network, link, (_, second) = fakes(2, parameters, seed)
    for number in range(SENT):
        network.clock.schedule(number / 1000, network.stations["n1"].send, packet(1, 2, str(number)))
    network.run_for(10.0)
    return link, texts(second), [time for time, _, _ in second.taken]


def test_unicast_reaches_one() -> None:
    """After the delay, and nobody else; nothing for an address that is not there."""
    network, link, (first, second, third) = fakes(3, LinkParameters(delay_s=0.25))
    protection = Protection(Purpose.REGISTRATION, address(1))
    data = packet(1, 2, "hello").encode()
    network.stations["n1"].perform([Transmit("eth0", link_layer(2), data, protection)])
    network.stations["n1"].send(packet(1, 99, "nobody"))
    network.run_for(1.0)
    assert second.taken == [(0.25, data, protection)]
    assert first.taken == third.taken == []
    assert (link.counts.sent, link.counts.received) == (2, 1)


def test_multicast_reaches_listeners() -> None:
    """All nodes hear what is for all, a group those who listen to it; the sender never does."""
    network, _, (first, second, third) = fakes(3)
    for node in (first, second):
        node.interfaces["eth0"].listen(GROUP)
    multicast(network, ALL_NODES, GROUP)
    network.run_for(1.0)
    assert [len(node.taken) for node in (first, second, third)] == [0, 1, 1]
    multicast(network, GROUP_FRAMES, GROUP)
    network.run_for(1.0)
    assert [len(node.taken) for node in (first, second, third)] == [0, 2, 1]
    second.interfaces["eth0"].listen()
    network.stations["n2"].perform([])
    multicast(network, GROUP_FRAMES, GROUP)
    network.run_for(1.0)
    assert [len(node.taken) for node in (first, second, third)] == [0, 2, 1]


def test_who_listens_to_very_much_hears_all() -> None:
    """As a network card does: a hundred groups are as good as all of them, but for who is not there any more."""
    network, _, (_, second, third) = fakes(3)
    for node in (second, third):
        node.interfaces["eth0"].listen(*(GROUP[:15] + bytes((number,)) for number in range(2, 102)))
    for station in network.stations.values():
        station.perform([])
    multicast(network, GROUP_FRAMES, GROUP)
    network.stations["n1"].send(packet(1, 99, "nobody"))
    network.run_for(1.0)
    assert [len(node.taken) for node in (second, third)] == [1, 1]
    second.interfaces["eth0"].listen()
    network.stations["n2"].perform([])
    network.detach("n3", "eth0")
    multicast(network, GROUP_FRAMES, GROUP)
    network.run_for(1.0)
    assert [len(node.taken) for node in (second, third)] == [2, 1]


def test_who_left_hears_nothing() -> None:
    """Not even what was on its way; who comes back hears what is sent from then on."""
    network, link, (_, second) = fakes(2, LinkParameters(delay_s=0.25))
    network.stations["n1"].send(packet(1, 2, "before"))
    network.run_for(0.1)
    network.detach("n2", "eth0")
    network.detach("n2", "eth0")
    assert len(link) == 1
    network.attach("n2", "eth0", "link")
    network.run_for(1.0)
    assert (texts(second), link.counts.lost) == ([], 1)
    network.stations["n1"].send(packet(1, 2, "after"))
    network.run_for(1.0)
    assert texts(second) == ["after"]
    assert second.links == [(0.0, True), (0.1, False), (0.1, True)]
    assert [port.owner.name for port in link.members] == ["n1", "n2"]


def test_a_partition_keeps_sides_apart() -> None:
    """Nodes that are not named are one side; who comes later joins its own."""
    network, link, (_, second, third, fourth) = fakes(4)
    link.partition(["n1", "n2"], ["n3"])
    network.move("n4", "eth0", "link")
    network.run_for(1.0)
    multicast(network, ALL_NODES, GROUP)
    network.run_for(1.0)
    assert [len(node.taken) for node in (second, third, fourth)] == [1, 0, 0]
    link.heal()
    multicast(network, ALL_NODES, GROUP)
    network.run_for(1.0)
    assert [len(node.taken) for node in (second, third, fourth)] == [2, 1, 1]


def test_loss_and_duplication() -> None:
    """As often as was asked for, and the same in every run with the same seed."""
    parameters = LinkParameters(loss=0.1, duplication=0.2)
    link, came, times = counted(parameters)
    counts = link.counts
    assert SENT * 0.07 < counts.lost < SENT * 0.13
    assert SENT * 0.14 < counts.duplicated < SENT * 0.22
    assert len(came) == counts.received == SENT - counts.lost + counts.duplicated
    assert counted(parameters)[1:] == (came, times)
    assert counted(parameters, seed=8)[1:] != (came, times)


def test_jitter_keeps_the_order() -> None:
    """Packets come later than they would, but one behind the other."""
    _, came, times = counted(LinkParameters(delay_s=0.0, jitter_s=0.01))
    assert came == [str(number) for number in range(SENT)]
    assert times == sorted(times)
    late_ms = [round(time * 1000 - number, 3) for number, time in enumerate(times)]
    assert 5 < max(late_ms) < 20


def test_reordering() -> None:
    """Some are overtaken."""
    link, came, _ = counted(LinkParameters(reordering=0.1, reordering_s=0.0055))
    assert SENT * 0.07 < link.counts.reordered < SENT * 0.13
    assert sorted(came, key=int) == [str(number) for number in range(SENT)] != came


def test_size_and_rate() -> None:
    """What is too long or finds a full queue is lost; what is sent at once comes at the link's rate."""
    network, link, (_, second) = fakes(2, LinkParameters(mtu=100, delay_s=0.0, rate_bps=8000, queue_bytes=250))
    for text in ("x" * 61, *("y" * 60 for _ in range(6))):
        network.stations["n1"].send(packet(1, 2, text))
    network.run_for(10.0)
    assert [round(time, 6) for time, _, _ in second.taken] == [0.1, 0.2, 0.3]
    assert (link.counts.too_long, link.counts.overflowed, link.counts.sent) == (1, 3, 3)


def test_a_capture_is_a_file_for_wireshark(tmp_path: Path) -> None:
    """Ethernet frames as they were sent, with the virtual time; lost ones too."""
    network, link, _ = fakes(2, LinkParameters(loss=1.0))
    network.run_for(0.5)
    capture = Capture(link)
    network.stations["n1"].send(packet(1, 2, "one"))
    capture.stop()
    capture.stop()
    network.stations["n1"].send(packet(1, 2, "two"))
    data = packet(1, 2, "one").encode()
    assert (len(capture), capture.packets()) == (1, [data])
    opened = pcap.read(capture.encode())
    assert opened.linktype == pcap.ETHERNET
    assert list(opened) == [(EPOCH_NS + 500_000_000, link_layer(2) + link_layer(1) + b"\x86\xdd" + data)]


@pytest.mark.parametrize("others", range(3))
def test_dice_belong_to_a_link(others: int) -> None:
    """Other links do not change what becomes of the frames of one."""
    network, _, nodes = fakes(2, LinkParameters(loss=0.5), seed=3)
    for number in range(others):
        network.add_link(f"other{number}", LinkParameters(loss=0.5))
    for number in range(12):
        network.stations["n1"].send(packet(1, 2, str(number)))
    network.run_for(1.0)
    assert texts(nodes[1]) == ["0", "2", "3", "4", "8", "9"]
