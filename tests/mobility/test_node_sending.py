"""Packets that begin at a node: which way, from which address, in how many fragments."""

from msgspec import structs
from node_bench import (
    FAR,
    HERE,
    LEFT,
    LINK_LOCAL,
    NOW,
    RIGHT,
    THERE,
    THERE_MAC,
    entropy,
    frames,
    node,
    payload,
)

from mipsh.mobility.effects import Deliver, Transmit
from mipsh.mobility.home.parameters import HomeAgentParameters, HomeLink
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.mobility.trace import EffectCaused, PacketSeen, Record, Trace
from mipsh.wire import ndp
from mipsh.wire.address import ALL_NODES, parse
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6, PacketTooBig
from mipsh.wire.packet import IPV6, Packet, Payload

ROUTERS = {LEFT: parse("fe80::1:1"), RIGHT: parse("fe80::2:1")}


def heard(link: str) -> bytes:
    """Return a Router Advertisement with a link's prefix."""
    information = ndp.PrefixInformation(64, ndp.ON_LINK | ndp.AUTONOMOUS, 3600, 3600, HERE[link][:8] + bytes(8))
    options = (ndp.LinkLayer(1, THERE_MAC[link]), information)
    message = ndp.RouterAdvertisement(64, 0, 1800, options=options)
    return Packet(ROUTERS[link], ALL_NODES, Icmpv6(message), hop_limit=255).encode()


def host(*links: str) -> Node:
    """Return a host that has heard a router on each link."""
    interfaces = [Interface(name, bytes((2, 0, 0, 0, 0, place)), entropy) for place, name in enumerate(links, 1)]
    made = Node("host", interfaces, entropy)
    now = NOW
    for name in links:
        made.set_link(name, True, now)
        made.receive(heard(name), name, now)
    while (deadline := made.next_deadline()) is not None and deadline < NOW + 3:
        now = deadline
        made.advance(now)
    return made


def test_a_neighbour_is_sent_to_directly() -> None:
    """By the prefix of an address, and by its link-local address where there is one link."""
    here = node(LEFT)
    for destination in (THERE[LEFT], LINK_LOCAL):
        ((interface, link_layer, packet),) = frames(here.send(payload(HERE[LEFT], destination), NOW))
        assert (interface, link_layer, packet.destination) == (LEFT, THERE_MAC[LEFT], destination)


def test_link_local_destinations_of_several_links() -> None:
    """The source address says which link; without one that does, there is no way."""
    here = node(LEFT, RIGHT)
    assert frames(here.send(payload(HERE[RIGHT], LINK_LOCAL), NOW))[0][:2] == (RIGHT, THERE_MAC[RIGHT])
    assert here.send(payload(FAR, LINK_LOCAL), NOW) == []
    ((interface, link_layer, _),) = frames(here.send(payload(HERE[LEFT], ALL_NODES), NOW))
    assert (interface, link_layer) == (LEFT, bytes.fromhex("333300000001"))


def test_configured_routes_and_none() -> None:
    """A route goes before what links advertise, and is gone when it is removed."""
    here = node(LEFT)
    assert here.send(payload(HERE[LEFT], FAR), NOW) == []
    assert here.source_for(FAR, NOW) is None
    here.routing.add(FAR[:4] + bytes(12), 32, LEFT, LINK_LOCAL)
    assert frames(here.send(payload(HERE[LEFT], FAR), NOW))[0][2].destination == FAR
    assert here.source_for(FAR, NOW) == HERE[LEFT]
    here.routing.remove(FAR[:4] + bytes(12), 32)
    assert here.send(payload(HERE[LEFT], FAR), NOW) == []


def test_of_several_routers_that_of_the_source_address_is_taken() -> None:
    """RFC 8028: others would drop a source of another network; a neighbour is a neighbour on its link alone."""
    here = host(LEFT, RIGHT)
    for link in (LEFT, RIGHT):
        source = here.interfaces[link].source_for(FAR, NOW + 3)
        assert source is not None
        assert frames(here.send(payload(source, FAR), NOW + 3))[0][:2] == (link, THERE_MAC[link])
    assert frames(here.send(payload(FAR, FAR[:15] + b"\x08"), NOW + 3))[0][0] == LEFT
    ((interface, _, asked),) = frames(here.send(payload(FAR, THERE[RIGHT]), NOW + 3))
    assert interface == RIGHT
    assert isinstance(asked.upper, Icmpv6)
    assert isinstance(asked.upper.message, ndp.NeighborSolicitation)


def test_a_link_that_is_down_leads_nowhere() -> None:
    """Its routers are not forgotten, but not used."""
    here = host(LEFT, RIGHT)
    here.set_link(LEFT, False, NOW + 3)
    assert frames(here.send(payload(FAR, FAR[:15] + b"\x08"), NOW + 3))[0][0] == RIGHT


def test_a_packet_to_oneself_stays_inside() -> None:
    """It is delivered, or answered, without a link."""
    here = node(LEFT)
    assert here.send(payload(HERE[LEFT], HERE[LEFT]), NOW) == [Deliver(payload(HERE[LEFT], HERE[LEFT]))]
    request = Packet(HERE[LEFT], HERE[LEFT], Icmpv6(EchoRequest(1, 2)))
    (delivered,) = here.send(request, NOW)
    assert isinstance(delivered, Deliver)
    assert isinstance(delivered.packet.upper, Icmpv6)
    assert delivered.packet.upper.message == EchoReply(1, 2)


def test_large_packets_go_in_fragments() -> None:
    """RFC 8200 section 4.5: as large as the path takes."""
    here = node(LEFT)
    sent = frames(here.send(payload(HERE[LEFT], THERE[LEFT], 4000), NOW))
    assert [len(packet.encode()) for _, _, packet in sent] == [1496, 1496, 1152]
    assert all(isinstance(packet.headers[0], FragmentHeader) for _, _, packet in sent)


def too_big(original: Packet, mtu: int) -> bytes:
    """Return a neighbour's word that a packet was too big for what comes behind it."""
    return Packet(THERE[LEFT], HERE[LEFT], Icmpv6(PacketTooBig(0, mtu, original.encode()[:1232]))).encode()


def test_the_path_mtu_is_learnt() -> None:
    """RFC 8201: for the destination of the quoted packet, if that was ours and there is a way to it."""
    here, packet = node(LEFT), payload(HERE[LEFT], THERE[LEFT], 1400)
    forged = structs.replace(packet, source=FAR)
    nowhere = structs.replace(packet, destination=FAR)
    for quoted in (forged, nowhere):
        (delivered,) = here.receive(too_big(quoted, 1300), LEFT, NOW)
        assert isinstance(delivered, Deliver)
    assert len(here.path_mtu) == 0
    unreadable = Packet(THERE[LEFT], HERE[LEFT], Icmpv6(PacketTooBig(0, 1300, b"cut")))
    here.receive(unreadable.encode(), LEFT, NOW)
    assert len(frames(here.send(packet, NOW))) == 1
    here.receive(too_big(packet, 1300), LEFT, NOW)
    sizes = [len(piece.encode()) for _, _, piece in frames(here.send(packet, NOW))]
    assert len(sizes) == 2
    assert max(sizes) <= 1300


def test_what_is_too_large_behind_a_tunnel_is_cut_before_it() -> None:
    """RFC 8200 section 5: whoever sends cuts, also what goes into its tunnel; another's packet is left whole."""
    here = node(LEFT)
    own, others = payload(HERE[LEFT], FAR, 4000), payload(FAR, FAR, 4000)
    cut = structs.replace(own, headers=(FragmentHeader(0, True, 7),))

    def sent(inner: Packet) -> list[Packet]:
        tunnelled = Packet(HERE[LEFT], THERE[LEFT], Payload(IPV6, inner.encode()))
        return [packet for _, _, packet in frames(here.send(tunnelled, NOW))]

    pieces = [packet.upper for packet in sent(own)]
    assert [len(piece.encode()) for piece in pieces if isinstance(piece, Packet)] == [1456, 1456, 1232]
    for inner in (others, cut):
        assert [bool(packet.headers) for packet in sent(inner)] == [True] * 3
    assert [packet.upper for packet in sent(payload(HERE[LEFT], FAR, 1300))] == [payload(HERE[LEFT], FAR, 1300)]


def test_an_own_packet_that_no_neighbour_takes_is_lost_quietly() -> None:
    """There is nobody to be told."""
    here = node(LEFT)
    here.send(payload(HERE[LEFT], HERE[LEFT][:15] + b"\xbb"), NOW)
    effects = []
    while (deadline := here.next_deadline()) is not None:
        effects += here.advance(deadline)
    assert [packet.upper for _, _, packet in frames(effects) if not isinstance(packet.upper, Icmpv6)] == []
    assert all(isinstance(effect, Transmit) for effect in effects)


def test_all_that_happens_is_traced() -> None:
    """Packets in and out, and effects in the order in which they were settled."""
    records: list[Record] = []
    here = node(LEFT)
    here.trace.sink = records.append
    request = Packet(THERE[LEFT], HERE[LEFT], Icmpv6(EchoRequest(1, 2))).encode()
    effects = here.receive(request, LEFT, NOW + 1)
    assert records[0] == PacketSeen(NOW + 1, "node", LEFT, True, request)
    (transmit,) = effects
    assert isinstance(transmit, Transmit)
    assert records[-1] == PacketSeen(NOW + 1, "node", LEFT, False, transmit.data)
    assert [type(record) for record in records[1:-1]] == [EffectCaused, EffectCaused]


def test_a_trace_is_the_nodes_own_or_one_that_is_given() -> None:
    """Its interfaces use it, too."""
    trace = Trace("other")
    link = Interface(LEFT, bytes(6), entropy)
    made = Node("node", [link], entropy, trace=trace)
    assert made.trace is trace is link.trace
    assert Node("node", [link], entropy).trace.node == "node"


def test_a_home_agent_is_a_host_as_well() -> None:
    """ICMPv6 that is not about mobility is the upper layers'; without the role there are no home prefixes."""
    links = (HomeLink(LEFT, HERE[LEFT], HERE[LEFT][:8] + bytes(8)),)
    agent = node(LEFT, parameters=NodeParameters(home_agent=HomeAgentParameters(links), is_router=True))
    reply = Packet(THERE[LEFT], HERE[LEFT], Icmpv6(EchoReply(1, 2)))
    (delivered,) = agent.receive(reply.encode(), LEFT, NOW)
    assert isinstance(delivered, Deliver)
    assert node(LEFT).set_home_prefixes(links, NOW) == []
