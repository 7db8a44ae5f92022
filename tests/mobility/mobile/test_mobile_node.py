"""The mobile node as a whole: its packets out and in, errors about them, several homes (RFC 6275 section 11.3)."""

from collections.abc import Callable

from mobile_home_world import (
    CN,
    COA1,
    COA2,
    HA,
    HOA,
    HOME_PREFIX,
    INTERFACE,
    R0,
    R1,
    World,
    acknowledgement,
    advertisement,
    echo,
    events,
    of,
    packets,
    registered_world,
    updates,
    with_home,
)
from msgspec import structs

from mipsh.mobility.effects import (
    AddressAdded,
    AddressReady,
    AssignAddress,
    Protection,
    Purpose,
    Send,
)
from mipsh.mobility.mobile.home_machine import State
from mipsh.mobility.mobile.home_side import HELD_S, MOST_HELD
from mipsh.mobility.mobile.node import MobileNode
from mipsh.mobility.mobile.parameters import Home, MobileNodeParameters
from mipsh.mobility.mobile.registration import REFUSED
from mipsh.mobility.paths import from_care_of_address, in_tunnel
from mipsh.wire.address import ALL_NODES, parse
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.icmpv6 import (
    DestinationUnreachable,
    EchoReply,
    Error,
    HomeAgentDiscoveryReply,
    Icmpv6,
    ParameterProblem,
)
from mipsh.wire.mobility import (
    BindingAcknowledgement,
    BindingError,
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    Message,
    MobilityHeader,
    padded,
)
from mipsh.wire.ndp import NeighborSolicitation
from mipsh.wire.packet import Packet, decode

HOME2_PREFIX = parse("2001:db8:0:a::")
HOA2, HA_OF_2 = parse("2001:db8:0:a::aa"), parse("2001:db8:0:a::1")
NETWORK, HOST = parse("2001:db8:f::"), parse("2001:db8:f::77")
PAYLOAD = Protection(Purpose.PAYLOAD, HOA)
TEST = Protection(Purpose.RETURN_ROUTABILITY, HOA)
GROUP = parse("ff0e::1234")


def tunnelled(packet: Packet, source: bytes = HA, destination: bytes = COA1) -> Packet:
    """Return a packet in the tunnel from the home agent."""
    read = decode(in_tunnel(packet.encode(), source, destination).encode())
    assert isinstance(read, Packet)
    return read


def inner_of(packet: Packet) -> Packet:
    """Return the packet in a tunnel."""
    assert isinstance(packet.upper, Packet)
    return packet.upper


def inner_is_echo(packet: Packet) -> bool:
    """Tell whether an echo request is in the tunnel, and no Mobility Header."""
    return isinstance(packet.upper, Packet) and isinstance(packet.upper.upper, Icmpv6)


def routed(home: bytes = HOA, destination: bytes = COA1, source: bytes = CN) -> Packet:
    """Return an echo request with a type 2 routing header."""
    return structs.replace(echo(source, destination), headers=(Type2RoutingHeader(home),))


def optimised() -> World:
    """Return a registered node that has begun return routability with a correspondent."""
    world = registered_world()
    assert packets(world.node.arrived(echo(CN, HOA), True, world.now))
    return world


def test_it_begins_with_its_home_addresses() -> None:
    """The upper layers may use them; where the node is not yet known, their packets are held."""
    world = World()
    assert world.node.home_addresses == (HOA,)
    assert world.node.start(world.now) == [AddressAdded(HOA)]
    assert world.node.owns(HOA)
    assert not world.node.owns(COA1)
    assert world.node.is_away(HOA)
    assert not world.node.is_away(CN)
    assert world.send(echo(HOA, CN)) == []
    assert world.send(echo(COA1, CN)) is None
    assert world.node.care_of_address(HOA, world.now) is None
    assert MobileNode(bytes, world.parameters, (INTERFACE,)).next_deadline() is None


def test_the_source_of_packets() -> None:
    """RFC 6724 rule 4, MN-4-1-2-2-006: the home address, but for what stays on the link."""
    world = World()
    assert world.node.source_for(CN, world.now) == HOA
    assert world.node.source_for(GROUP, world.now) == HOA
    assert world.node.source_for(ALL_NODES, world.now) is None
    assert world.node.source_for(R1, world.now) is None
    world.acknowledge(world.go1(), 128)
    assert world.node.source_for(CN, world.now) is None


def test_the_reverse_tunnel() -> None:
    """MN-4-1-1-2-001, MN-3-1-1-3-001, R-MN-34: without a Home Address option, multicasts and answers as well."""
    world = registered_world()
    assert world.node.care_of_address(HOA, world.now) == COA1
    answer = Packet(HOA, CN, MobilityHeader(HomeTest(1, b"c" * 8, b"t" * 8)))
    for packet in (echo(HOA, CN), echo(HOA, GROUP), answer):
        sent = packets(world.send(packet))[0]
        assert (sent.source, sent.destination, sent.headers) == (COA1, HA, ())
        assert inner_of(sent).encode() == packet.encode()


def test_what_stays_on_its_link() -> None:
    """R-MN-44: nothing of that leaves from the home address while the node is away."""
    world = registered_world()
    solicitation = Packet(HOA, CN, Icmpv6(NeighborSolicitation(CN)))
    for packet in (echo(HOA, ALL_NODES), echo(HOA, R1), solicitation):
        assert world.send(packet) == []


def test_to_the_home_agent_itself() -> None:
    """MN-2-2-1-1-001: it has the binding, so a Home Address option will do, unless payload is to be protected."""
    world = registered_world()
    [sent] = packets(world.send(echo(HOA, HA)))
    assert (sent.source, sent.destination, sent.home_address_option) == (COA1, HA, HOA)
    world = registered_world(with_home(required=frozenset((Purpose.PAYLOAD,))))
    effects = world.send(echo(HOA, HA))
    assert [send.protection for send in of(effects, Send)] == [PAYLOAD]
    assert inner_of(packets(effects)[0]).source == HOA
    assert world.node.arrived(echo(HA, HOA), True, world.now) == []
    assert world.node.arrived(echo(HA, CN), True, world.now) == []


def test_packets_between_two_registrations_are_held() -> None:
    """The last few, and not for long."""
    world = registered_world()
    effects = world.go2()
    assert world.send(echo(HOA, CN)) == []
    world.wait(0.5)
    sent = [echo(HOA, parse(f"2001:db8:4::{number:x}")) for number in range(MOST_HELD + 2)]
    for packet in sent:
        assert world.send(packet) == []
    released = [packet for packet in packets(world.acknowledge(effects)) if inner_is_echo(packet)]
    assert [inner_of(packet).destination for packet in released] == [p.destination for p in sent[2:]]
    assert {packet.source for packet in released} == {COA2}
    world.down()
    world.send(echo(HOA, CN))
    world.wait(HELD_S + 1)
    assert packets(world.go2()) == []


def test_route_optimisation_is_asked() -> None:
    """MN-2-1-1-2-001, R-MN-09: after a registration only; what is not optimised goes by the tunnel."""
    world = World()
    effects = world.go1()
    assert world.node.arrived(echo(CN, HOA), True, world.now) == []
    world.acknowledge(effects)
    kinds = set()
    for packet in packets(world.node.arrived(echo(CN, HOA), True, world.now)):
        upper = inner_of(packet).upper if isinstance(packet.upper, Packet) else packet.upper
        assert isinstance(upper, MobilityHeader)
        kinds.add(type(upper.message))
    assert kinds == {HomeTestInit, CareOfTestInit}
    assert isinstance(packets(world.send(echo(HOA, CN)))[0].upper, Packet)


def test_the_tunnel_in() -> None:
    """MN-2-1-1-2-028: from the home agent, to the care-of address, for the home address only."""
    world = registered_world()
    good = tunnelled(echo(CN, HOA))
    assert world.node.decapsulate(good, None, world.now) == echo(CN, HOA).encode()
    for wrong in (
        tunnelled(echo(CN, HOA), source=CN),
        tunnelled(echo(CN, HOA), destination=COA2),
        tunnelled(echo(CN, COA1)),
        echo(CN, COA1),
    ):
        assert world.node.decapsulate(wrong, None, world.now) is None
    world.go_home()
    assert world.node.decapsulate(tunnelled(echo(CN, HOA), destination=HOA), None, world.now) is None
    world.down()
    assert world.node.decapsulate(good, None, world.now) is None


def test_the_tunnel_in_is_protected_where_that_is_required() -> None:
    """RFC 4877 section 3: home tests by an association of their own."""
    required = frozenset((Purpose.PAYLOAD, Purpose.RETURN_ROUTABILITY))
    world = registered_world(with_home(required=required))
    payload = tunnelled(echo(CN, HOA))
    test = tunnelled(Packet(CN, HOA, MobilityHeader(HomeTest(1, b"c" * 8, b"t" * 8))))
    for packet, right in ((payload, PAYLOAD), (test, TEST)):
        for protection in (None, PAYLOAD, TEST):
            taken = world.node.decapsulate(packet, protection, world.now)
            assert (taken is not None) is (protection == right)


def test_routing_headers() -> None:
    """R-MN-01, R-MN-02, R-MN-03, MN-2-2-1-1-003: before a registration, for acknowledgements only."""
    world = World()
    effects = world.go1()
    [(packet, update)] = updates(effects)
    accepts: Callable[[Packet, float], bool] = world.node.accepts_routing_header
    assert accepts(acknowledgement(packet, update), world.now)
    assert not accepts(routed(), world.now)
    world.acknowledge(effects)
    assert accepts(routed(), world.now)
    for wrong in (routed(CN), routed(GROUP), routed(destination=COA2), routed(destination=HOA), echo(CN, COA1)):
        assert not accepts(wrong, world.now)
    used = structs.replace(routed(), headers=(Type2RoutingHeader(HOA, 0),))
    assert not accepts(used, world.now)
    world.down()
    assert not accepts(routed(), world.now)


def test_routing_headers_at_home() -> None:
    """R-MN-02: from home address to home address, where the node has it."""
    world = World()
    world.go_home()
    assert not world.node.accepts_routing_header(routed(destination=HOA), world.now)
    world.signal(AddressReady(INTERFACE, HOA))
    assert world.node.accepts_routing_header(routed(destination=HOA), world.now)
    assert not world.node.accepts_routing_header(routed(destination=COA1), world.now)


def test_whose_mobility_headers_are() -> None:
    """Those of the mobile node; tests and updates of others are the correspondent node's."""
    world = registered_world()
    messages: tuple[tuple[Message, bool], ...] = (
        (BindingRefreshRequest(), True),
        (HomeTest(1, b"c" * 8, b"t" * 8), True),
        (CareOfTest(1, b"c" * 8, b"t" * 8), True),
        (padded(BindingAcknowledgement(0, 0, 1, 1)), True),
        (BindingError(1, HOA), True),
        (HomeTestInit(b"c" * 8), False),
        (CareOfTestInit(b"c" * 8), False),
        (BindingUpdate(1, 0, 1), False),
    )
    for message, is_ours in messages:
        for source, destination in ((CN, HOA), (CN, COA1), (CN, COA2)):
            answer = world.receive(Packet(source, destination, MobilityHeader(message)))
            assert (answer is not None) is is_ours
            assert not answer


def test_return_routability_answers_reach_route_optimisation() -> None:
    """The home test by its destination, the care-of test by its cookie."""
    world = optimised()
    sent = packets(world.wait(40))
    inits = [p.upper.message for p in sent if isinstance(p.upper, MobilityHeader)]
    care_of = [message for message in inits if isinstance(message, CareOfTestInit)][-1]
    inner = [p.upper.upper for p in sent if isinstance(p.upper, Packet)]
    home = [u.message for u in inner if isinstance(u, MobilityHeader) and isinstance(u.message, HomeTestInit)][-1]
    world.receive(Packet(CN, HOA, MobilityHeader(HomeTest(1, home.cookie, b"t" * 8))), is_tunnelled=True)
    effects = world.receive(Packet(CN, COA1, MobilityHeader(CareOfTest(1, care_of.cookie, b"t" * 8))))
    [(packet, update)] = updates(effects)
    assert packet.destination == CN
    answer = acknowledgement(packet, update, 129)
    assert world.receive(answer) is not None


def error(message: Error, source: bytes = HA, destination: bytes = COA1) -> Packet:
    """Return an ICMPv6 error."""
    return Packet(source, destination, Icmpv6(message))


def test_errors_about_the_home_registration() -> None:
    """MN-6-2-2-1-001, R-MN-42: the update is not repeated, if it was sent; an unreachable home agent is tried on."""
    world = World()
    [(packet, update)] = updates(world.go1())
    quoted = packet.encode()
    forged = structs.replace(packet, upper=MobilityHeader(structs.replace(update, sequence=update.sequence ^ 1)))
    assert world.icmpv6(error(ParameterProblem(1, 40, forged.encode()))) is None
    assert world.icmpv6(error(ParameterProblem(0, 40, quoted))) is None
    assert world.icmpv6(error(DestinationUnreachable(0, 0, quoted))) is None
    assert world.icmpv6(error(ParameterProblem(1, 40, b""))) is None
    assert world.icmpv6(error(ParameterProblem(1, 40, structs.replace(packet, source=CN, headers=()).encode()))) is None
    assert events(world.icmpv6(error(ParameterProblem(1, 40, quoted)))) == [REFUSED]
    assert updates(world.wait(32)) == []


def test_errors_about_route_optimisation() -> None:
    """MN-4-2-2-2-005: they are the optimisation's, whether they quote the care-of or the home address."""
    world = optimised()
    init = Packet(COA1, CN, MobilityHeader(CareOfTestInit(b"c" * 8)))
    for quoted in (init, structs.replace(init, source=HOA), from_care_of_address(echo(HOA, CN), COA1)):
        world.icmpv6(error(ParameterProblem(1, 40, quoted.encode()), source=CN))
    assert world.icmpv6(error(ParameterProblem(1, 40, structs.replace(init, source=CN).encode()))) is None


def test_other_icmpv6_messages() -> None:
    """They are not about mobility."""
    world = registered_world()
    assert world.icmpv6(Packet(CN, HOA, Icmpv6(EchoReply(1, 1)))) is None
    assert world.icmpv6(Packet(CN, HOA, MobilityHeader(BindingRefreshRequest()))) is None
    assert world.icmpv6(Packet(CN, HOA, Icmpv6(HomeAgentDiscoveryReply(1, (CN,))))) == []


def test_binding_errors_without_a_home_address() -> None:
    """Of the home agent they concern all home addresses that are registered with it; of others, the optimisation."""
    world = World()
    world.go1()
    assert events(world.receive(Packet(HA, COA1, MobilityHeader(BindingError(2, bytes(16)))))) == [REFUSED]
    world = optimised()
    assert world.receive(Packet(CN, COA1, MobilityHeader(BindingError(2, bytes(16))))) is not None


def two_homes() -> World:
    """Return a node with two home addresses of two home links."""
    return World(MobileNodeParameters((Home(HOA, home_agent=HA), Home(HOA2, home_agent=HA_OF_2))))


def test_two_home_addresses() -> None:
    """Each is registered with its home agent, and the tunnels are two."""
    world = two_homes()
    effects = world.go1()
    assert [packet.destination for packet, _ in updates(effects)] == [HA, HA_OF_2]
    for packet, update in updates(effects):
        world.receive(acknowledgement(packet, update))
    for home, agent in ((HOA, HA), (HOA2, HA_OF_2)):
        assert packets(world.send(echo(home, CN)))[0].destination == agent
        assert world.node.decapsulate(tunnelled(echo(CN, home), source=agent), None, world.now)
    assert world.node.decapsulate(tunnelled(echo(CN, HOA2)), None, world.now) is None
    assert [registration.home.address for registration in world.node.registrations] == [HOA, HOA2]


def test_at_home_with_one_of_two_home_addresses() -> None:
    """The other one is registered from the home link."""
    world = two_homes()
    effects = world.go_home()
    assert of(effects, AssignAddress) == [AssignAddress(INTERFACE, HOA, True)]
    at_home = parse("2001:db8:0:1::bb")
    [(packet, _)] = updates(world.signal(AddressReady(INTERFACE, at_home)))
    assert (packet.source, packet.home_address_option) == (at_home, HOA2)
    assert [registration.state for registration in world.node.registrations] == [State.TESTING, State.REGISTERING]


def test_a_mobile_router() -> None:
    """RFC 3963: what comes from the networks behind it goes by the tunnel, and comes by it."""
    home = Home(HOA, 64, HA, ((NETWORK, 64),), is_mobile_router=True)
    world = World(with_home(home))
    [(packet, update)] = updates(world.go1())
    assert world.node.forward(echo(HOST, CN).encode(), world.now) == []
    world.receive(acknowledgement(packet, update, flags=0x40))
    for effects in (
        world.node.forward(echo(HOST, CN).encode(), world.now),
        world.send(echo(HOST, CN)),
        world.send(echo(HOST, HA)),
    ):
        [sent] = packets(effects)
        assert (sent.source, sent.destination, inner_of(sent).source) == (COA1, HA, HOST)
    assert world.node.forward(echo(CN, HOST).encode(), world.now) is None
    assert world.node.forward(echo(HOST, HOST).encode(), world.now) is None
    assert world.node.decapsulate(tunnelled(echo(CN, HOST)), None, world.now) == echo(CN, HOST).encode()
    world.go_home()
    assert world.node.forward(echo(HOST, CN).encode(), world.now) is None


def test_the_home_prefix_is_known_from_the_home_link() -> None:
    """Section 11.7.1: registrations ask for no more than the home address has left."""
    world = World()
    world.up()
    world.hear(R0, advertisement(HOME_PREFIX, valid_s=1000))
    world.signal(AddressReady(INTERFACE, HOA))
    world.wait(600)
    [(_, update)] = updates(world.go1())
    assert update.lifetime == 100


def test_coming_home_while_an_update_is_due() -> None:
    """Nothing leaves by the care-of address from the home link."""
    world = registered_world()
    world.wait(2879)
    world.up()
    effects = world.hear(R0, advertisement(HOME_PREFIX, valid_s=10))
    assert updates(effects) == []
    assert updates(world.wait(5)) == []
