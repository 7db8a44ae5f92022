"""The same frames, mip6d's answers: what it sent, recorded on a real network, is what our nodes send.

A home agent of ours is handed the home registrations of recorded mobile nodes, and must acknowledge
as mip6d did. A mobile node of ours sees what a recorded one saw, and must register with the same
bytes, and take mip6d's acknowledgement.
"""

from collections.abc import Iterator
from pathlib import Path

from msgspec import structs
from playbook import Entropy

from mipsh.mobility.effects import Effect, Transmit
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.wire import pcap
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import HOME, BindingAcknowledgement, BindingUpdate, Message, MobilityHeader
from mipsh.wire.ndp import RouterAdvertisement
from mipsh.wire.packet import Packet, decode

CAPTURES = Path(__file__).parents[1] / "recordings" / "mip6d-1.0" / "captures"
HOME_PREFIX, HOME_AGENT, HOME_ADDRESS = parse("2001:db8:1::"), parse("2001:db8:1::1"), parse("2001:db8:1::100")
LINK, OURS, THEIRS = "eth0", bytes.fromhex("020000000001"), bytes.fromhex("0200000000fe")
ROUTER = parse("fe80::fe")
MOBILE_MAC = bytes.fromhex("fa0944c830f9")
"""The link-layer address of the recorded mobile node, from which its care-of addresses are formed."""
LIFETIME_S = 86_396.0
LINK_WAS_UP_S = 2.0
"""How long before its registration the recorded node came to the link."""


def frames(name: str) -> Iterator[tuple[float, Packet]]:
    """Yield the packets of a capture with their times in seconds; each is there once."""
    opened = pcap.read((CAPTURES / f"{name}.pcap").read_bytes())
    seen: set[bytes] = set()
    for timestamp_ns, frame in opened:
        data = pcap.ipv6_of(opened.linktype, frame)
        packet = None if data is None else decode(data)
        if isinstance(packet, Packet):
            known = structs.replace(packet, hop_limit=0).encode()
            is_mobility = isinstance(packet.upper, MobilityHeader)
            if not (is_mobility and known in seen):
                seen.add(known)
                yield timestamp_ns / 1e9, packet


def message(packet: Packet) -> Message | None:
    """Return a packet's Mobility Header message."""
    return packet.upper.message if isinstance(packet.upper, MobilityHeader) else None


def is_home_registration(packet: Packet) -> bool:
    """Tell whether a packet is a Binding Update to the home agent."""
    update = message(packet)
    return isinstance(update, BindingUpdate) and bool(update.flags & HOME)


def sent(effects: list[Effect]) -> list[Packet]:
    """Return the Mobility Headers among what a node put on its link, read back from the bytes."""
    packets = [decode(effect.data) for effect in effects if isinstance(effect, Transmit)]
    return [packet for packet in packets if isinstance(packet, Packet) and message(packet) is not None]


def shown(packet: Packet) -> tuple[bytes, bytes, bytes]:
    """Return all of a packet but what its way has changed: its ends, and the bytes behind the IPv6 header."""
    return packet.source, packet.destination, packet.encode()[40:]


def home_agent() -> Node:
    """Return a home agent of ours in the recorded one's place."""
    link = Interface(LINK, OURS, Entropy(), InterfaceParameters(dad_transmits=0, accepts_advertisements=False))
    links = (HomeLink(LINK, HOME_AGENT, HOME_PREFIX),)
    roles = NodeParameters(home_agent=HomeAgentParameters(links, detects_duplicates=False), is_router=True)
    node = Node("ha", [link], Entropy(), roles)
    node.set_link(LINK, True, 0.0)
    node.add_address(LINK, HOME_AGENT, 64, 0.0)
    node.routing.add(bytes(16), 0, LINK, ROUTER)
    for neighbour in (ROUTER, HOME_ADDRESS):
        link.add_neighbour(neighbour, THEIRS)
    return node


def test_the_home_agent_acknowledges_as_mip6d_did() -> None:
    """Registrations, handovers, a return home, and out again, of two mobile nodes: the same bytes go back."""
    recorded = list(frames("r1"))
    theirs = {
        (said.sequence, packet.destination): packet
        for _, packet in recorded
        if isinstance(said := message(packet), BindingAcknowledgement) and packet.source == HOME_AGENT
    }
    node, compared = home_agent(), 0
    for now, packet in recorded:
        update = message(packet)
        if not is_home_registration(packet) or not isinstance(update, BindingUpdate):
            continue
        answer = theirs.get((update.sequence, packet.source))
        if answer is None:
            continue  # The home agent was dead by then.
        (ours,) = sent(node.receive(packet.encode(), LINK, now))
        assert shown(ours) == shown(answer)
        compared += 1
    assert compared == len(theirs) == 6


class Chosen(Entropy):
    """Random bytes, but for the first sequence number: that is one less than the recorded node's."""

    def __init__(self, sequence: int) -> None:
        super().__init__()
        self._first = (sequence - 1).to_bytes(2)

    def __call__(self, size: int) -> bytes:
        """Return the next bytes."""
        return self._first if size == len(self._first) else super().__call__(size)


def mobile_node(sequence: int) -> Node:
    """Return a mobile node of ours in the recorded one's place."""
    link = Interface(LINK, MOBILE_MAC, Entropy(), InterfaceParameters(dad_transmits=0))
    mobile = MobileNodeParameters((Home(HOME_ADDRESS, home_agent=HOME_AGENT),), home_lifetime_s=LIFETIME_S)
    return Node("mn", [link], Chosen(sequence), NodeParameters(mobile_node=mobile))


def test_the_mobile_node_registers_with_the_bytes_of_mip6d() -> None:
    """On the first foreign link: the same Binding Update, and its recorded acknowledgement is taken."""
    recorded = list(frames("mn"))
    first, update = next((now, packet) for now, packet in recorded if is_home_registration(packet))
    answered, answer = next(
        (now, packet) for now, packet in recorded if isinstance(message(packet), BindingAcknowledgement)
    )
    expected = message(update)
    assert isinstance(expected, BindingUpdate)
    node, plugged = mobile_node(expected.sequence), first - LINK_WAS_UP_S
    effects = [*node.start(plugged), *node.set_link(LINK, True, plugged)]
    for now, packet in recorded:
        is_icmp = plugged < now < first and isinstance(packet.upper, Icmpv6)
        if is_icmp and isinstance(packet.upper, Icmpv6) and isinstance(packet.upper.message, RouterAdvertisement):
            effects += node.receive(packet.encode(), LINK, now)
    assert [shown(packet) for packet in sent(effects)] == [shown(update)]
    mobile = node.roles.mobile_node
    assert mobile is not None
    assert mobile.care_of_address(HOME_ADDRESS, answered) is None
    node.receive(answer.encode(), LINK, answered)
    assert mobile.care_of_address(HOME_ADDRESS, answered) == update.source
