"""Default routers, prefixes and Redirects: states under every input, choice, ends, bounds (RFC 4861 section 6.3)."""

from itertools import product

import pytest
from host_bench import (
    ALL_NODES,
    AUTO,
    FAR,
    LINK_LOCAL,
    MAC,
    OTHER_PREFIX,
    OWN,
    PEER,
    PEER_MAC,
    PREFIX,
    ROUTER,
    ROUTER2,
    ROUTER2_MAC,
    ROUTER_MAC,
    SURE,
    Bench,
    data,
    forever,
    interface,
    na,
    of,
    only,
    packet,
    pio,
    ra,
    router,
    sends,
    up,
)
from msgspec import structs

from mipsh.mobility.effects import (
    AddressGone,
    AddressRemoved,
    ConfirmNeighbour,
    ForgetRouter,
    NeighbourConfirmed,
    NeighbourLost,
    RouterAdvertised,
    RouterExpired,
    SolicitRouters,
    Transmit,
)
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.routers import ROUTER as MACHINE
from mipsh.mobility.host.routers import Input, State
from mipsh.wire.address import parse, solicited_node
from mipsh.wire.ndp import (
    ROUTER_ADDRESS,
    LinkLayer,
    Mtu,
    NeighborSolicitation,
    OtherOption,
    Redirect,
    RouterAdvertisement,
    RouterSolicitation,
)
from mipsh.wire.packet import Packet

S = State
EXPECTED = {
    S.ABSENT: {Input.ADVERTISED: S.SERVING},
    S.SERVING: {
        Input.ADVERTISED: S.SERVING,
        Input.ANSWERED: S.SERVING,
        Input.UNANSWERED: S.SILENT,
        Input.END: S.ABSENT,
    },
    S.SILENT: {
        Input.ADVERTISED: S.SERVING,
        Input.ANSWERED: S.SERVING,
        Input.UNANSWERED: S.SILENT,
        Input.END: S.ABSENT,
    },
}
GLOBAL, GLOBAL2 = parse("2001:db8:0:1::1"), parse("2001:db8:0:2::1")
HIGH, LOW, RESERVED = 0x08, 0x18, 0x10


@pytest.mark.parametrize(("state", "event"), list(product(State, Input)))
def test_each_state_of_a_default_router_under_each_input(state: State, event: Input) -> None:
    """A transition that is listed happens; all others are bugs, and raise."""
    after = EXPECTED[state].get(event)
    if after is None:
        with pytest.raises(KeyError):
            MACHINE.step(state, event)
    else:
        assert MACHINE.step(state, event) is after


def lose(made: Interface, address: bytes, now: float) -> None:
    """Let a neighbour be silent until it is given up."""
    made.carry_out(ConfirmNeighbour("eth0", address), now)
    for later in (1, 2, 3):
        made.advance(now + later)


def test_without_a_router_there_is_no_way() -> None:
    """But to the link-local addresses and to groups."""
    made = up(SURE)
    assert made.next_hop(FAR, 1.0) is None
    assert made.next_hop(ROUTER, 1.0) == ROUTER
    assert made.next_hop(ALL_NODES, 1.0) == ALL_NODES
    assert made.is_on_link(ROUTER, 1.0)
    assert not made.is_on_link(PEER, 1.0)


def test_a_default_router_serves_for_its_lifetime() -> None:
    """Each advertisement renews it; its end is told."""
    made = up(SURE)
    assert of(made.receive(ra(lifetime_s=10), 1.0), RouterAdvertised)[0].router == ROUTER
    made.receive(ra(lifetime_s=10), 6.0)
    assert made.next_hop(FAR, 15.9) == ROUTER
    assert made.next_hop(FAR, 16.0) is None
    assert made.advance(16.0) == [RouterExpired("eth0", ROUTER)]
    assert made.advance(20.0) == []


def test_a_router_may_end_its_service() -> None:
    """By a lifetime of zero; a router that was none says nothing by it."""
    made = up(SURE)
    assert of(made.receive(ra(lifetime_s=0), 1.0), RouterExpired) == []
    made.receive(ra(), 2.0)
    assert of(made.receive(ra(lifetime_s=0), 3.0), RouterExpired) == [RouterExpired("eth0", ROUTER)]
    assert made.next_hop(FAR, 3.0) is None


@pytest.mark.parametrize(
    ("first", "second", "best"),
    [(0, HIGH, ROUTER2), (LOW, 0, ROUTER2), (HIGH, LOW, ROUTER), (0, 0, ROUTER), (0, RESERVED, ROUTER)],
)
def test_the_most_preferred_router_is_used(first: int, second: int, best: bytes) -> None:
    """Of two alike, the one heard first (RFC 4191)."""
    made = up(SURE)
    made.receive(ra(flags=first), 1.0)
    made.receive(ra(source=ROUTER2, mac=ROUTER2_MAC, flags=second), 1.0)
    assert made.next_hop(FAR, 2.0) == best


def test_a_router_that_answers_goes_before_one_that_does_not() -> None:
    """Until the latter is heard of again (RFC 4861 section 6.3.6)."""
    made = up(SURE)
    made.receive(ra(flags=HIGH), 1.0)
    made.receive(ra(source=ROUTER2, mac=ROUTER2_MAC), 1.0)
    lose(made, ROUTER, 2.0)
    assert made.next_hop(FAR, 6.0) == ROUTER2
    made.transmit(data(), ROUTER, 6.0)
    made.receive(na(ROUTER, ROUTER_MAC, flags=0xE0000000, destination=LINK_LOCAL), 6.5)
    assert made.next_hop(FAR, 7.0) == ROUTER
    assert [each.state for each in made.routers] == [State.SERVING, State.SERVING]


def test_too_many_routers_are_not_heard() -> None:
    """Unless one of those that are known is silent."""
    made = up(structs.replace(SURE, max_routers=2))
    others = [parse(f"fe80::{number}") for number in range(11, 15)]
    for other in others:
        made.receive(ra(source=other), 1.0)
    assert [each.address for each in made.routers] == others[:2]
    lose(made, others[0], 2.0)
    assert of(made.receive(ra(source=ROUTER), 6.0), RouterExpired) == [RouterExpired("eth0", others[0])]
    assert [each.address for each in made.routers] == [others[1], ROUTER]


# Prefixes.


def test_a_prefix_is_on_the_link_while_it_is_valid() -> None:
    """With the L flag; without it, nothing is said about that."""
    made = up(SURE)
    made.receive(ra(pio(valid_s=10, preferred_s=10)), 1.0)
    made.receive(ra(pio(flags=0x40)), 1.0)
    assert made.is_on_link(PEER, 10.0)
    assert made.next_hop(PEER, 10.0) == PEER
    assert made.next_hop(PEER, 11.0) == ROUTER
    made.receive(ra(pio()), 12.0)
    made.receive(ra(pio(valid_s=0, preferred_s=0)), 13.0)
    assert not made.is_on_link(PEER, 13.0)


def test_a_configured_prefix_is_on_the_link_for_ever() -> None:
    """Whatever a router says; it can be left out."""
    made = up(SURE)
    made.add_address(OWN, 64, 1.0)
    made.receive(ra(pio(valid_s=0, preferred_s=0)), 2.0)
    made.carry_out(ForgetRouter("eth0", ROUTER), 3.0)
    assert made.is_on_link(PEER, 1e9)
    made.add_address(GLOBAL2, 64, 1.0, is_on_link=False)
    assert not made.is_on_link(parse("2001:db8:0:2::2"), 1.0)


def test_the_number_of_prefixes_is_bounded() -> None:
    """Those that ended give way."""
    made = up(structs.replace(SURE, max_prefixes=3, forms_addresses=False))
    for number in range(10):
        made.receive(ra(pio(PREFIX[:6] + number.to_bytes(2) + bytes(8), valid_s=10 + number, preferred_s=1)), 1.0)
    assert len(made.prefixes) == 3
    made.add_address(parse("2001:db8:77::1"), 64, 1.0)
    assert len(made.prefixes) == 3
    made.receive(ra(forever()), 11.5)
    assert PREFIX in [prefix.prefix for prefix in made.prefixes]
    assert len(made.prefixes) == 3


def test_many_routers_of_one_prefix_are_not_all_remembered() -> None:
    """Anybody can make up their addresses."""
    made = up(structs.replace(SURE, max_routers=2))
    for number in range(11, 20):
        made.receive(ra(pio(), source=parse(f"fe80::{number}")), 1.0)
    assert len(made.prefixes[0].routers) == 2


def test_what_is_no_prefix_of_a_link_is_ignored() -> None:
    """Link-local and multicast ones, and those that are longer than addresses."""
    made = up(SURE)
    made.receive(ra(pio(parse("fe80::")), pio(parse("ff00::")), pio(length=129), OtherOption(200, bytes(6))), 1.0)
    assert made.prefixes == ()


# The link.


def test_a_router_says_what_the_link_is_like() -> None:
    """MTU, hop limit, times; within bounds, and zero says nothing (section 6.3.4)."""
    made = up(SURE)
    assert (made.mtu, made.hop_limit) == (1500, 64)
    made.receive(ra(Mtu(1400), hop_limit=30), 1.0)
    made.receive(ra(Mtu(1279), Mtu(1501)), 1.0)
    assert (made.mtu, made.hop_limit) == (1400, 30)


def test_times_of_neighbour_discovery_come_from_the_router() -> None:
    """They cannot be so long that nothing is ever found out."""
    made = up(SURE)
    made.add_address(OWN, 64, 1.0)
    message = RouterAdvertisement(0, 0, 0, 1000, 0xFFFFFFFF)
    made.receive(packet(message, ROUTER, ALL_NODES), 1.0)
    made.transmit(data(), PEER, 2.0)
    assert made.next_deadline() == 62
    made.receive(packet(RouterAdvertisement(0, 0, 0, 1000, 100), ROUTER, ALL_NODES), 1.0)
    made.receive(na(), 3.0)
    assert 7 <= 2 * made.neighbours[0].reachable_until <= 9
    made.transmit(data(destination=FAR), FAR, 5.0)
    assert made.next_deadline() == pytest.approx(5.1)


def test_a_router_only_takes_note_of_its_peers() -> None:
    """It tells who is there, and configures nothing (section 6.2.7)."""
    made = up(structs.replace(SURE, accepts_advertisements=False))
    effects = made.receive(ra(pio(), Mtu(1300)), 1.0)
    assert [type(effect) for effect in effects] == [RouterAdvertised]
    assert (made.routers, made.prefixes, made.mtu) == ((), (), 1500)
    assert [neighbour.link_layer for neighbour in made.neighbours] == [ROUTER_MAC]


# Forgetting a router.


def forget(made: Interface, address: bytes = ROUTER) -> list[object]:
    """Have a router forgotten."""
    return list(made.carry_out(ForgetRouter("eth0", address), 5.0))


def test_a_forgotten_router_takes_its_prefixes_and_addresses_along() -> None:
    """Those that another one advertised as well stay."""
    made = up(SURE)
    made.receive(ra(pio(), pio(OTHER_PREFIX)), 1.0)
    made.receive(ra(pio(OTHER_PREFIX), source=ROUTER2, mac=ROUTER2_MAC), 1.0)
    assert forget(made) == [AddressGone("eth0", AUTO), AddressRemoved(AUTO, "eth0")]
    assert [each.address for each in made.routers] == [ROUTER2]
    assert [prefix.prefix for prefix in made.prefixes] == [OTHER_PREFIX]
    assert [neighbour.address for neighbour in made.neighbours] == [ROUTER2]
    assert forget(made) == []
    assert len(forget(made, ROUTER2)) == 2


# Redirects.


def redirect(target: bytes, destination: bytes = FAR, source: bytes = ROUTER, mac: bytes | None = PEER_MAC) -> Packet:
    """Return a Redirect."""
    options = () if mac is None else (LinkLayer(2, mac),)
    return packet(Redirect(target, destination, options), source, OWN)


def test_a_redirect_of_the_first_hop_is_followed() -> None:
    """To another router, or to the destination itself (section 8.3)."""
    made = up(SURE)
    made.receive(ra(), 1.0)
    made.receive(redirect(ROUTER2), 2.0)
    assert made.next_hop(FAR, 3.0) == ROUTER2
    assert made.transmit(data(destination=FAR), ROUTER2, 3.0) == [
        Transmit("eth0", PEER_MAC, data(destination=FAR)),
    ]
    made.receive(redirect(PEER, PEER, mac=None), 3.0)
    assert made.next_hop(PEER, 3.0) == PEER


@pytest.mark.parametrize(
    "wrong",
    [
        redirect(ROUTER2, source=parse("fe80::66")),
        redirect(GLOBAL2),
        redirect(ROUTER2, destination=ALL_NODES),
        redirect(ROUTER2, source=PEER),
    ],
    ids=["not the first hop", "no router's address", "multicast destination", "no link-local source"],
)
def test_other_redirects_are_not_followed(wrong: Packet) -> None:
    """Section 8.1."""
    made = up(SURE)
    made.receive(ra(), 1.0)
    made.receive(wrong, 2.0)
    assert made.next_hop(FAR, 3.0) == ROUTER


def test_the_router_before_has_no_say_any_more() -> None:
    """Only the first hop that is used now may redirect."""
    made = up(SURE)
    made.receive(ra(), 1.0)
    made.receive(redirect(ROUTER2), 2.0)
    made.receive(redirect(parse("fe80::3")), 3.0)
    assert made.next_hop(FAR, 3.0) == ROUTER2


def test_a_router_takes_no_redirects() -> None:
    """Its routes are its own (section 8.3)."""
    made = up(structs.replace(SURE, accepts_advertisements=False))
    made.receive(redirect(ROUTER2), 2.0)
    assert made.next_hop(FAR, 3.0) is None


def test_a_redirect_ends_with_its_target() -> None:
    """When it is silent, no router any more, or the link is left."""
    made = up(SURE)
    made.receive(ra(), 1.0)
    made.receive(redirect(PEER, PEER), 2.0)
    lose(made, PEER, 3.0)
    assert made.next_hop(PEER, 7.0) == ROUTER
    made.receive(ra(source=ROUTER2, mac=ROUTER2_MAC), 8.0)
    made.receive(redirect(ROUTER2), 8.0)
    made.receive(ra(source=ROUTER2, lifetime_s=0), 9.0)
    assert made.next_hop(FAR, 9.0) == ROUTER
    made.receive(redirect(ROUTER2), 10.0)
    made.set_link(False, 11.0)
    made.set_link(True, 12.0)
    assert made.next_hop(FAR, 12.0) == ROUTER


def test_the_number_of_redirects_is_bounded() -> None:
    """The oldest give way."""
    made = up(structs.replace(SURE, max_redirects=3))
    made.receive(ra(), 1.0)
    for number in range(10):
        made.receive(redirect(ROUTER2, destination=FAR[:15] + bytes((number,))), 2.0)
    hops = [made.next_hop(FAR[:15] + bytes((number,)), 3.0) for number in range(10)]
    assert hops == [ROUTER] * 7 + [ROUTER2] * 3


# Confirming a router by its global address.


def test_a_router_is_confirmed_by_its_global_address() -> None:
    """Its link-layer address is known from prefix information with the R flag (RFC 6275 section 11.5.1)."""
    made = up(SURE)
    made.receive(ra(pio(GLOBAL, flags=0xC0 | ROUTER_ADDRESS)), 1.0)
    effects = made.carry_out(ConfirmNeighbour("eth0", GLOBAL), 2.0)
    sent, message = only(effects, NeighborSolicitation)
    assert (sent.destination, message.target) == (GLOBAL, GLOBAL)
    assert of(effects, Transmit)[0].link_layer == ROUTER_MAC
    assert made.receive(na(GLOBAL, ROUTER_MAC), 2.1) == [NeighbourConfirmed("eth0", GLOBAL)]


def test_routers_that_share_a_link_local_address_are_told_apart() -> None:
    """The one that was used is asked where it was, though another one has its link-local address now."""
    made = up(SURE)
    made.receive(ra(pio(GLOBAL, flags=0xC0 | ROUTER_ADDRESS)), 1.0)
    made.receive(ra(pio(GLOBAL2, flags=0xC0 | ROUTER_ADDRESS), mac=ROUTER2_MAC), 2.0)
    effects = made.carry_out(ConfirmNeighbour("eth0", GLOBAL), 2.0)
    assert [frame.link_layer for frame in of(effects, Transmit)] == [ROUTER_MAC]
    effects = made.carry_out(ConfirmNeighbour("eth0", GLOBAL2), 2.0)
    assert [frame.link_layer for frame in of(effects, Transmit)] == [ROUTER2_MAC]
    for later in (3.0, 4.0, 5.0):
        effects += made.advance(later)
    assert of(effects, NeighbourLost) == [NeighbourLost("eth0", GLOBAL), NeighbourLost("eth0", GLOBAL2)]
    made.carry_out(ForgetRouter("eth0", ROUTER), 6.0)
    sent, _ = only(made.carry_out(ConfirmNeighbour("eth0", GLOBAL), 7.0), NeighborSolicitation)
    assert sent.destination == solicited_node(GLOBAL)


def test_the_number_of_global_addresses_is_bounded() -> None:
    """Those heard last are remembered, and what an advertisement leaves out is kept."""
    made = up(structs.replace(SURE, max_routers=1, forms_addresses=False))
    names = [GLOBAL[:14] + number.to_bytes(2) for number in range(8)]
    for name in names:
        made.receive(ra(pio(name, flags=0xC0 | ROUTER_ADDRESS)), 1.0)
    made.receive(ra(pio(names[-1], flags=0xC0 | ROUTER_ADDRESS), mac=None), 1.0)
    for name, is_known in ((names[0], False), (names[-1], True)):
        sent, _ = only(made.carry_out(ConfirmNeighbour("eth0", name), 2.0), NeighborSolicitation)
        assert (sent.destination == name) is is_known


# Soliciting routers.


def solicitations(made: Interface, effects: list[object]) -> int:
    """Return how many Router Solicitations there are."""
    return len(
        [m for _, m in sends([e for e in effects if isinstance(e, Transmit)]) if isinstance(m, RouterSolicitation)]
    )


def test_routers_are_solicited_until_one_answers() -> None:
    """Three times at the most, four seconds apart (section 6.3.7)."""
    made = interface(structs.replace(SURE, solicitations=3))
    sent, message = only(made.set_link(True, 0.0), RouterSolicitation)
    assert (sent.source, sent.destination) == (LINK_LOCAL, parse("ff02::2"))
    assert message.options == (LinkLayer(1, MAC),)
    assert solicitations(made, list(made.advance(4.0))) == 1
    assert solicitations(made, list(made.advance(8.0))) == 1
    assert made.next_deadline() is None
    made.carry_out(SolicitRouters("eth0"), 20.0)
    made.receive(ra(lifetime_s=0, mac=None), 20.5)
    assert made.next_deadline() == 24
    made.receive(ra(mac=None, lifetime_s=9000), 21.0)
    assert made.next_deadline() == 9021


def test_a_role_has_routers_solicited_at_once() -> None:
    """Not twice in one moment, not while the first one is about to go, and not without a link."""
    request = SolicitRouters("eth0")
    made = interface(structs.replace(SURE, solicitations=3))
    assert made.carry_out(request, 0.0) == []
    made.set_link(True, 0.0)
    assert made.carry_out(request, 0.0) == []
    assert solicitations(made, list(made.carry_out(request, 1.0))) == 1
    assert solicitations(made, list(made.advance(5.0))) == 1
    delayed = interface(structs.replace(SURE, solicitations=3, solicit_delay_s=1.0))
    delayed.set_link(True, 0.0)
    assert delayed.carry_out(request, 0.0) == []
    first = delayed.next_deadline()
    assert first is not None
    assert solicitations(delayed, list(delayed.advance(first))) == 1


def test_a_router_does_not_solicit() -> None:
    """It needs none."""
    made = interface(structs.replace(SURE, solicitations=3, accepts_advertisements=False))
    assert sends(made.set_link(True, 0.0)) == []


# All of it together.


def test_a_host_finds_its_router_and_loses_it() -> None:
    """Solicitation, advertisement, address, expiry; and the address outlives the router."""
    host = interface()
    gateway = interface(structs.replace(SURE, accepts_advertisements=False), mac=ROUTER_MAC)
    bench = Bench(host, gateway)
    bench.up()
    advertising = structs.replace(router(), lifetime_s=12)
    bench.do(gateway, gateway.advertise(advertising, 0.0))
    bench.run(2.0)
    assert host.owns(AUTO)
    assert host.next_hop(FAR, 2.0) == gateway.link_local
    bench.do(host, host.transmit(data(AUTO, FAR), gateway.link_local, 2.0))
    bench.run(8.0)
    assert bench.of(host, NeighbourLost) == []
    bench.loses = lambda frame, sent: True
    bench.run(30.0)
    assert bench.of(host, RouterExpired) == [RouterExpired("eth0", gateway.link_local)]
    assert host.owns(AUTO)


def test_loss_and_recovery_of_a_router() -> None:
    """A silent router is reported, and used again when it is heard."""
    host = interface(SURE)
    gateway = interface(structs.replace(SURE, accepts_advertisements=False), mac=ROUTER_MAC)
    bench = Bench(host, gateway)
    bench.up()
    bench.do(gateway, gateway.advertise(router(), 0.0))
    bench.run(1.0)
    bench.loses = lambda frame, sent: True
    bench.do(host, host.transmit(data(AUTO, FAR), gateway.link_local, 1.0))
    bench.run(10.0)
    assert bench.of(host, NeighbourLost) == [NeighbourLost("eth0", gateway.link_local)]
    bench.loses = lambda frame, sent: False
    bench.run(16.0)
    assert [each.state for each in host.routers] == [State.SERVING]
