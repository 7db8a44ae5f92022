"""An interface as a whole: its link, its groups, its packets, and whatever may come from the link."""

from host_bench import (
    ALL_NODES,
    AUTO,
    FAR,
    LINK_LOCAL,
    MAC,
    OWN,
    PEER,
    PEER2_MAC,
    PEER_MAC,
    PREFIX,
    ROUTER,
    ROUTER_MAC,
    SURE,
    data,
    interface,
    packet,
    pio,
    ra,
    up,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from mipsh.mobility.effects import (
    AssignAddress,
    ConfirmNeighbour,
    DefendAddress,
    FindDefender,
    ForgetRouter,
    LinkChanged,
    ProbeAddress,
    Protection,
    Purpose,
    ReleaseAddress,
    RemoveAddress,
    Request,
    SolicitRouters,
    Transmit,
)
from mipsh.mobility.host.groups import Groups
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import AdvertisedPrefix, Advertising, InterfaceParameters
from mipsh.mobility.trace import Record, TimerFired, Trace, Transition
from mipsh.wire import ndp
from mipsh.wire.address import parse, solicited_node
from mipsh.wire.packet import Packet

GROUP = parse("ff05::1:3")


def test_the_link_is_lost_and_comes_back() -> None:
    """Neighbours are forgotten, and what waited for them; addresses, routers and prefixes are not."""
    made = up(SURE)
    made.receive(ra(pio()), 1.0)
    made.transmit(data(), PEER, 2.0)
    assert made.set_link(False, 3.0) == [LinkChanged("eth0", False)]
    assert made.set_link(False, 3.0) == []
    assert made.neighbours == ()
    assert made.owns(AUTO)
    assert made.next_hop(FAR, 3.0) == ROUTER
    assert made.is_on_link(PEER, 3.0)
    assert made.transmit(data(), PEER, 3.5) == []
    assert made.receive(ra(), 3.5) == []
    assert made.set_link(True, 4.0)[0] == LinkChanged("eth0", True)


def test_a_link_that_comes_while_there_is_one_is_another_one() -> None:
    """It is as if it had been lost in between."""
    made = up(SURE)
    made.receive(ra(), 1.0)
    assert made.set_link(True, 2.0)[0] == LinkChanged("eth0", True)
    assert made.neighbours == ()


def test_groups_are_counted() -> None:
    """A group is left when nobody wants it any more; the same object tells that nothing changed."""
    groups = Groups(ALL_NODES)
    before, changes = groups.all, groups.changes
    assert groups.all is before
    groups.join_for(OWN)
    groups.join_for(OWN)
    groups.leave_for(OWN)
    assert groups.changes == changes + 1
    assert solicited_node(OWN) in groups
    groups.leave_for(OWN)
    groups.leave_for(OWN)
    assert groups.all == before
    assert groups.changes == changes + 2


def test_groups_of_an_interface() -> None:
    """Those of its addresses, and those that were joined."""
    made = up(SURE)
    assert made.groups == {ALL_NODES, solicited_node(LINK_LOCAL)}
    changes = made.group_changes
    made.join(GROUP)
    assert made.accepts(GROUP)
    made.leave(GROUP)
    assert not made.accepts(GROUP)
    assert made.group_changes == changes + 2


def test_some_packets_need_no_resolution() -> None:
    """Those for groups, and those whose receiver is known."""
    made = up(SURE)
    protection = Protection(Purpose.PAYLOAD, OWN)
    assert made.transmit(data(), GROUP, 1.0) == [Transmit("eth0", bytes.fromhex("333300010003"), data())]
    assert made.transmit(data(), PEER, 1.0, link_layer=PEER_MAC, protection=protection) == [
        Transmit("eth0", PEER_MAC, data(), protection)
    ]


def test_the_trace_sees_all_parts() -> None:
    """Also one that is set later."""
    records: list[Record] = []
    made = interface(InterfaceParameters(), sink=records.append)
    made.set_link(True, 0.0)
    made.advance(1.0)
    machines = {record.machine for record in records if isinstance(record, Transition)}
    assert machines == {"address"}
    assert [record.subject for record in records if isinstance(record, TimerFired)] == ["fe80::ff:fe00:a"]
    later: list[Record] = []
    made.trace = Trace("later", later.append)
    assert made.trace.node == "later"
    made.receive(ra(pio()), 2.0)
    made.advance(4.0)
    assert {record.machine for record in later if isinstance(record, Transition)} == {
        "address",
        "default router",
        "neighbour",
    }


def test_a_small_link_still_takes_what_every_link_takes() -> None:
    """1280 bytes (RFC 8200 section 5)."""
    assert interface(InterfaceParameters(mtu=500)).mtu == 1280
    assert interface().parameters == InterfaceParameters()


# Whatever may come.

SOME = st.sampled_from([OWN, AUTO, PEER, FAR, LINK_LOCAL, ROUTER, ALL_NODES, bytes(16), solicited_node(OWN)])
ANY = st.one_of(
    SOME, st.binary(min_size=16, max_size=16), st.integers(0, 0xFFFF).map(lambda n: ROUTER[:14] + n.to_bytes(2))
)
FLAGS = st.sampled_from([0, 0x20, 0x40, 0xC0, 0xE0, 0xFF])
SECONDS = st.sampled_from([0, 1, 5, 7200, 0xFFFFFFFF])
OPTIONS: st.SearchStrategy[tuple[ndp.Option, ...]] = st.lists(
    st.one_of(
        st.builds(
            ndp.LinkLayer, st.integers(1, 2), st.sampled_from([MAC, PEER_MAC, PEER2_MAC, b"\xff" * 6, bytes(14)])
        ),
        st.builds(ndp.PrefixInformation, st.sampled_from([0, 64, 128, 255]), FLAGS, SECONDS, SECONDS, ANY),
        st.integers(0, 255).map(
            lambda n: ndp.PrefixInformation(64, 0xC0, 100, 100, PREFIX[:7] + bytes((n,)) + bytes(8))
        ),
        st.builds(ndp.Mtu, st.sampled_from([0, 1279, 1280, 1500, 0xFFFFFFFF])),
        st.builds(ndp.OtherOption, st.integers(9, 255), st.sampled_from([bytes(6), bytes(14)])),
    ),
    max_size=4,
).map(tuple)
WORD = st.sampled_from([0, 0x20000000, 0x40000000, 0x60000000, 0x80000000, 0xE0000000])
MESSAGES: st.SearchStrategy[ndp.Message] = st.one_of(
    st.builds(ndp.RouterSolicitation, OPTIONS),
    st.builds(
        ndp.RouterAdvertisement, st.integers(0, 255), FLAGS, st.sampled_from([0, 1, 1800]), SECONDS, SECONDS, OPTIONS
    ),
    st.builds(ndp.NeighborSolicitation, ANY, OPTIONS),
    st.builds(ndp.NeighborAdvertisement, ANY, WORD, OPTIONS),
    st.builds(ndp.Redirect, ANY, ANY, OPTIONS),
)
PACKETS = st.builds(packet, MESSAGES, ANY, SOME, st.sampled_from([255, 255, 255, 64]))
UNICAST = ANY.filter(lambda address: address[0] != 0xFF)
REQUESTS = st.one_of(
    st.builds(ConfirmNeighbour, st.just("eth0"), UNICAST),
    st.builds(FindDefender, st.just("eth0"), UNICAST),
    st.builds(DefendAddress, st.just("eth0"), UNICAST),
    st.builds(ReleaseAddress, st.just("eth0"), UNICAST),
    st.builds(ProbeAddress, st.just("eth0"), UNICAST),
    st.builds(AssignAddress, st.just("eth0"), st.sampled_from([OWN, AUTO]), st.booleans()),
    st.builds(RemoveAddress, st.just("eth0"), SOME),
    st.builds(ForgetRouter, st.just("eth0"), UNICAST),
    st.just(SolicitRouters("eth0")),
)
STEPS = st.lists(
    st.one_of(
        PACKETS,
        PACKETS,
        PACKETS,
        st.sampled_from([0.001, 0.5, 1.0, 30.0, 7200.0]),
        st.booleans(),
        UNICAST,
        REQUESTS,
    ),
    max_size=60,
)
SMALL = structs.replace(
    InterfaceParameters(), max_neighbours=6, max_prefixes=4, max_routers=3, max_addresses=5, max_redirects=3, queue=2
)
KINDS = [
    SMALL,
    structs.replace(SMALL, is_optimistic=True),
    structs.replace(SMALL, dad_transmits=0),
    structs.replace(SMALL, accepts_advertisements=False, forms_addresses=False),
]
OFTEN = Advertising((AdvertisedPrefix(PREFIX),), interval_s=(5.0, 9.0), unicast_responses=True)


def play(made: Interface, steps: list[object]) -> None:
    """Let things happen to an interface; its tables stay small, and time goes on."""
    now = 0.0
    made.set_link(True, now)
    for step in steps:
        if isinstance(step, bool):
            made.set_link(step, now)
        elif isinstance(step, float):
            now += step
        elif isinstance(step, bytes):
            made.transmit(data(), made.next_hop(step, now) or step, now)
            made.confirm(step, now)
            made.source_for(step, now)
        elif isinstance(step, Packet):
            made.receive(step, now)
        else:
            assert isinstance(step, Request)
            made.carry_out(step, now)
        made.advance(now)
        deadline = made.next_deadline()
        assert deadline is None or deadline > now
        assert len(made.neighbours) <= SMALL.max_neighbours
        assert all(len(neighbour.queue) <= SMALL.queue for neighbour in made.neighbours)
        assert len(made.routers) <= SMALL.max_routers
        assert len(made.prefixes) <= SMALL.max_prefixes
        assert len(made.addresses) <= SMALL.max_addresses + 2
        assert 1280 <= made.mtu <= 1500


@settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(KINDS), st.booleans(), STEPS)
def test_whatever_comes_tables_stay_bounded(
    parameters: InterfaceParameters, advertises: bool, steps: list[object]
) -> None:
    """And nothing raises."""
    made = interface(parameters)
    made.add_address(OWN, 64, 0.0)
    if advertises:
        made.advertise(OFTEN, 0.0)
    play(made, steps)


@settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])
@given(PACKETS)
def test_one_message_is_answered_by_few(message: Packet) -> None:
    """By what was asked for, and by a solicitation of who asked at the most: no reply amplifies."""
    made = up(SURE)
    made.add_address(OWN, 64, 1.0)
    made.receive(ra(pio(), mac=ROUTER_MAC), 1.0)
    frames = [effect for effect in made.receive(message, 2.0) if isinstance(effect, Transmit)]
    assert len(frames) <= 1
