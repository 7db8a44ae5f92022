"""The node core: a home agent's Binding Updates, its memory, and a million broken packets.

Each Binding Update goes in as bytes and its acknowledgement comes out as bytes, through the whole
node. What a binding costs is all that is allocated for it: entry, deadline, addresses, its place in
the tables. A peer in the same run is scapy, which only decodes the same Binding Update and builds the
acknowledgement, without a home agent in between.

The broken packets (``make bench PARTS=assault``) are a tester's valid ones with bytes changed, put in,
cut out and cut off, thrown at a home agent, at a mobile node and at a correspondent node: none may
raise, and what they remember stays bounded.
"""

import gc
import random
import tracemalloc
from collections.abc import Callable, Sequence
from functools import partial
from hashlib import shake_256

from measure import Row, elapsed_s, interleaved, report
from msgspec import structs
from scapy.layers.inet6 import MIP6MH_BA, MIP6MH_BU, IPv6, IPv6ExtHdrRouting
from wire import broken

from mipsh.mobility.effects import Effect, Transmit
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.node import Node
from mipsh.mobility.paths import in_tunnel
from mipsh.mobility.roles import NodeParameters
from mipsh.wire import icmpv6, mobility, ndp
from mipsh.wire.address import ALL_NODES, parse
from mipsh.wire.extension import HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.mobility import ACKNOWLEDGE, HOME, AlternateCareOfAddress, BindingUpdate, MobilityHeader, padded
from mipsh.wire.packet import IPV6, Packet, Payload, decode

SIZES = (100, 1_000, 10_000, 100_000)
UPDATES = 5_000
PEER_UPDATES = 300
ROUNDS = 7
RATE_BAR = 10_000
BYTES_BAR = 1_536
FLAT_BAR = 1.5
BROKEN = 1_000_000
MOST_KEPT = 20_000
HEALED = 0.7
"""The share of broken packets whose checksums are right."""
SEED = 6275

LINK, MAC = "eth0", bytes.fromhex("020000000001")
ROUTER, ROUTER_MAC = parse("fe80::fe"), bytes.fromhex("0200000000fe")
PREFIX, AGENT = parse("2001:db8:1::"), parse("2001:db8:1::1")
ELSEWHERE = parse("2001:db8:2::")
NEVER_S = 65_535


def entropy(size: int) -> bytes:
    """Return bytes that are the same each time."""
    return shake_256(b"core").digest(size)


def node(parameters: NodeParameters, address: bytes = AGENT) -> Node:
    """Return a node behind a router that reaches everybody."""
    link = Interface(LINK, MAC, entropy, InterfaceParameters(dad_transmits=0, accepts_advertisements=False))
    made = Node("node", [link], entropy, parameters)
    made.start(0.0)
    made.set_link(LINK, True, 0.0)
    made.add_address(LINK, address, 128, 0.0)
    made.routing.add(bytes(16), 0, LINK, ROUTER)
    link.add_neighbour(ROUTER, ROUTER_MAC)
    return made


def home_agent() -> Node:
    """Return a home agent with room for all mobile nodes."""
    parameters = HomeAgentParameters(
        (HomeLink(LINK, AGENT, PREFIX),), max_bindings=2 * SIZES[-1], detects_duplicates=False
    )
    return node(NodeParameters(home_agent=parameters, is_router=True))


def update(number: int, sequence: int) -> bytes:
    """Return the home registration of a mobile node."""
    home, care_of = PREFIX[:8] + (number + 256).to_bytes(8), ELSEWHERE[:8] + (number + 256).to_bytes(8)
    message = padded(BindingUpdate(sequence, ACKNOWLEDGE | HOME, NEVER_S, (AlternateCareOfAddress(care_of),)))
    return Packet(care_of, AGENT, MobilityHeader(message), (carrying(HomeAddress(home)),)).encode()


def answers(effects: Sequence[Effect]) -> int:
    """Return how many acknowledgements that accept are among some effects."""
    packets = [decode(effect.data) for effect in effects if isinstance(effect, Transmit)]
    uppers = [packet.upper for packet in packets if isinstance(packet, Packet)]
    messages = [upper.message for upper in uppers if isinstance(upper, MobilityHeader)]
    return sum(isinstance(m, mobility.BindingAcknowledgement) and m.status < 128 for m in messages)


class Filled:
    """A home agent with so many bindings, whose mobile nodes move on and on."""

    def __init__(self, bindings: int) -> None:
        self.bindings = bindings
        self.node = home_agent()
        self._round = 0
        for number in range(bindings):
            self.node.receive(update(number, 1), LINK, 1.0)

    def rate(self) -> float:
        """Return how many Binding Updates a second are answered, over bindings chosen evenly."""
        self._round += 1
        step = max(self.bindings // UPDATES, 1)
        numbers = [n * step % self.bindings for n in range(UPDATES)]
        turns = [1 + self._round * (UPDATES // self.bindings + 2) + n * step // self.bindings for n in range(UPDATES)]
        packets = [update(number, sequence) for number, sequence in zip(numbers, turns, strict=True)]
        results: list[list[Effect]] = []
        seconds = elapsed_s(lambda: results.extend(self.node.receive(data, LINK, 2.0) for data in packets))
        if sum(map(answers, results)) != UPDATES:
            raise ValueError("a Binding Update was not accepted")
        return UPDATES / seconds


def scapy_rate() -> float:
    """Return how many Binding Updates a second scapy decodes and builds an acknowledgement for."""
    packets = [update(number, 1) for number in range(PEER_UPDATES)]

    def work() -> None:
        for data in packets:
            packet = IPv6(data)
            seq = packet[MIP6MH_BU].seq
            bytes(IPv6(src=packet.dst, dst=packet.src) / IPv6ExtHdrRouting(type=2) / MIP6MH_BA(seq=seq))

    return PEER_UPDATES / elapsed_s(work)


def bytes_a_binding(bindings: int) -> float:
    """Return how much memory a binding takes."""
    made = home_agent()
    made.receive(update(bindings, 1), LINK, 1.0)
    packets = [update(number, 1) for number in range(bindings)]
    gc.collect()
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for data in packets:
        made.receive(data, LINK, 1.0)
    gc.collect()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    return (after - before) / bindings


def main() -> str:
    """Measure and return the report."""
    filled = {size: Filled(size) for size in SIZES}
    subjects: dict[str, Callable[[], float]] = {str(size): home.rate for size, home in filled.items()}
    rates = interleaved({**subjects, "scapy": scapy_rate}, ROUNDS)
    largest = rates[str(SIZES[-1])]
    rows = [
        Row(
            f"BU to BA a second, {size:,} bindings",
            f"{rates[str(size)]:,.0f}/s",
            "scapy decodes and builds",
            f"{rates['scapy']:,.0f}/s",
            rates[str(size)] / rates["scapy"],
            f">= {RATE_BAR:,}/s",
            rates[str(size)] >= RATE_BAR,
        )
        for size in SIZES
    ]
    growth = rates[str(SIZES[0])] / largest
    each = bytes_a_binding(SIZES[-1])
    rows += [
        Row(
            f"time a BU, {SIZES[-1]:,} bindings",
            f"{1e6 / largest:.1f} us",
            f"{SIZES[0]} bindings",
            f"{1e6 / rates[str(SIZES[0])]:.1f} us",
            growth,
            f"<= {FLAT_BAR} x",
            growth <= FLAT_BAR,
        ),
        Row(f"memory a binding, {SIZES[-1]:,}", f"{each:,.0f} B", bar=f"<= {BYTES_BAR:,} B", met=each <= BYTES_BAR),
    ]
    return report("Home agent", [f"bytes in, bytes out, through the whole node; {ROUNDS} interleaved runs"], rows)


HOME_ADDRESS, CARE_OF = PREFIX[:15] + b"\xaa", ELSEWHERE[:15] + b"\xaa"
PEER = parse("2001:db8:4::2")


def valid_packets() -> list[bytes]:
    """Return packets of every kind that the nodes take in."""
    messages: list[mobility.Message] = [
        mobility.BindingRefreshRequest(),
        mobility.HomeTestInit(bytes(8)),
        mobility.CareOfTestInit(bytes(8)),
        mobility.HomeTest(1, bytes(8), bytes(8)),
        mobility.CareOfTest(1, bytes(8), bytes(8)),
        padded(BindingUpdate(1, ACKNOWLEDGE | HOME, 10, (AlternateCareOfAddress(CARE_OF),))),
        padded(mobility.BindingAcknowledgement(0, 0, 1, 10)),
        mobility.BindingError(1, HOME_ADDRESS),
    ]
    prefix = ndp.PrefixInformation(64, ndp.ON_LINK | ndp.AUTONOMOUS, 100, 100, ELSEWHERE)
    told: list[icmpv6.Message] = [
        icmpv6.EchoRequest(1, 1, b"ping"),
        icmpv6.HomeAgentDiscoveryRequest(1),
        icmpv6.HomeAgentDiscoveryReply(1, (AGENT,)),
        icmpv6.MobilePrefixSolicitation(1),
        icmpv6.MobilePrefixAdvertisement(1, 0, (prefix,)),
        icmpv6.PacketTooBig(0, 1280, update(0, 1)),
        icmpv6.ParameterProblem(1, 40, update(0, 1)),
    ]
    uppers: list[MobilityHeader | Icmpv6] = [*map(MobilityHeader, messages), *map(Icmpv6, told)]
    ends = [(HOME_ADDRESS, AGENT), (CARE_OF, AGENT), (AGENT, CARE_OF), (PEER, HOME_ADDRESS), (CARE_OF, PEER)]
    packets = [Packet(*pair, upper) for pair in ends for upper in uppers]
    packets += [
        Packet(CARE_OF, to, upper, (carrying(HomeAddress(HOME_ADDRESS)),)) for to in (AGENT, PEER) for upper in uppers
    ]
    packets += [Packet(AGENT, CARE_OF, upper, (Type2RoutingHeader(HOME_ADDRESS),)) for upper in uppers]
    packets += [in_tunnel(packet.encode(), AGENT, CARE_OF) for packet in packets[:20]]
    return [packet.encode() for packet in [*packets, *_on_link(prefix)]]


def _on_link(prefix: ndp.PrefixInformation) -> list[Packet]:
    source = (ndp.LinkLayer(1, ROUTER_MAC),)
    messages: list[ndp.Message] = [
        ndp.RouterSolicitation(source),
        ndp.RouterAdvertisement(64, ndp.HOME_AGENT, 1800, options=(*source, prefix)),
        ndp.NeighborSolicitation(AGENT, source),
        ndp.NeighborAdvertisement(HOME_ADDRESS, ndp.OVERRIDE, (ndp.LinkLayer(2, MAC),)),
        ndp.Redirect(ROUTER, PEER),
    ]
    return [Packet(ROUTER, ALL_NODES, Icmpv6(message), hop_limit=255) for message in messages]


def targets() -> dict[str, Node]:
    """Return a node of each role, the mobile one registered with its home agent."""
    return {
        "mobile node": mobile_node(),
        "home agent": home_agent(),
        "correspondent node": node(NodeParameters(), PEER),
    }


def mobile_node() -> Node:
    """Return a mobile node that is away and registered."""
    roles = NodeParameters(mobile_node=MobileNodeParameters((Home(HOME_ADDRESS, home_agent=AGENT),)))
    link = Interface(LINK, MAC, entropy, InterfaceParameters(dad_transmits=0))
    made = Node("mn", [link], entropy, roles)
    made.start(0.0)
    made.set_link(LINK, True, 0.0)
    for packet in valid_packets():
        for effect in made.receive(packet, LINK, 0.5):
            sent = decode(effect.data) if isinstance(effect, Transmit) else None
            if isinstance(sent, Packet) and isinstance(sent.upper, MobilityHeader):
                made.receive(acknowledged(sent, sent.upper.message), LINK, 0.5)
    mobile = made.roles.mobile_node
    if mobile is None or not all(registration.is_registered(1.0) for registration in mobile.registrations):
        raise ValueError("the mobile node is not registered")
    return made


def acknowledged(packet: Packet, message: mobility.Message) -> bytes:
    """Return the acknowledgement of a home registration."""
    if not isinstance(message, BindingUpdate):
        raise TypeError("not a Binding Update")
    answer = padded(mobility.BindingAcknowledgement(0, 0, message.sequence, message.lifetime))
    routing = Type2RoutingHeader(HOME_ADDRESS)
    return Packet(AGENT, packet.source, MobilityHeader(answer), (routing,)).encode()


def healed(data: bytes) -> bytes:
    """Return a packet with right checksums and lengths, so that it comes further in."""
    packet = decode(data)
    if not isinstance(packet, Packet):
        return data
    upper = packet.upper
    if isinstance(upper, MobilityHeader | Icmpv6):
        upper = structs.replace(upper, checksum=None)
    elif isinstance(upper, Packet):
        return structs.replace(packet, upper=Payload(IPV6, healed(upper.encode())), payload_length=None).encode()
    return structs.replace(packet, upper=upper, payload_length=None).encode()


def remembered(made: Node) -> int:
    """Return how many things a node remembers of others."""
    agent, mobile = made.roles.home_agent, made.roles.mobile_node
    count = len(made.roles.correspondent.cache) + len(made.path_mtu)
    count += sum(len(link.neighbours) + len(link.addresses) + len(link.prefixes) for link in made.interfaces.values())
    count += 0 if agent is None else len(agent.bindings)
    return count + (0 if mobile is None else len(mobile.registrations))


def thrown(made: Node, packets: Sequence[bytes], count: int, dice: random.Random) -> int:
    """Throw broken packets at a node, one each millisecond of its clock; return how many bytes it sent."""
    sent, now = 0, 1.0
    for _ in range(count):
        now += 0.001
        data = broken(packets, dice)
        effects = made.receive(healed(data) if dice.random() < HEALED else data, LINK, now)
        sent += sum(len(effect.data) for effect in effects if isinstance(effect, Transmit))
    return sent


def assault() -> str:
    """Throw a million broken packets at the nodes; return the report."""
    packets, dice = valid_packets(), random.Random(SEED)
    nodes = targets()
    each = -(-BROKEN // len(nodes))
    rows = [Row("broken packets", f"{each * len(nodes):,}", bar=f">= {BROKEN:,}", met=each * len(nodes) >= BROKEN)]
    for name, made in nodes.items():
        sent: list[int] = []
        seconds = elapsed_s(partial(_append, sent, made, packets, each, dice))
        kept = remembered(made)
        rows += [
            Row(f"at a {name}", f"{each / seconds:,.0f}/s"),
            Row("bytes that it sent", f"{sent[0]:,}"),
            Row("things that it remembers", f"{kept:,}", bar=f"<= {MOST_KEPT:,}", met=kept <= MOST_KEPT),
        ]
    notes = [f"seed {SEED}, a packet each millisecond of the nodes' clock; nothing raised"]
    return report("Broken packets at nodes", notes, rows)


def _append(sent: list[int], made: Node, packets: Sequence[bytes], count: int, dice: random.Random) -> None:
    sent.append(thrown(made, packets, count, dice))
