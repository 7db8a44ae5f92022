"""How long bindings at correspondents last, and how they are refreshed (RFC 6275 sections 11.7.2 to 11.7.4)."""

from route_bench import CN, CN2, COA, HOA, Bench, echo, parameters

from mipsh.mobility.correspondent import CorrespondentParameters
from mipsh.mobility.effects import InstallRoute, RemoveRoute
from mipsh.mobility.mobile.update_list import State
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.mobility import (
    BindingRefreshRequest,
    BindingUpdate,
    CareOfTestInit,
    HomeTestInit,
    MobilityHeader,
)
from mipsh.wire.packet import Packet, Payload

UDP = 17
SIX = 6


def test_lifetimes_end_with_the_home_registration() -> None:
    """R-MN-08: no binding is asked for that would outlive it; below 4 s none is asked for at all."""
    bench = Bench()
    bench.away(lifetime_s=11)
    bench.trigger()
    assert bench.of(BindingUpdate)[0].lifetime == 11 // 4
    bench = Bench()
    bench.away(lifetime_s=3)
    bench.trigger()
    assert bench.of(BindingUpdate) == []
    assert bench.state() is State.ABSENT


def test_a_lifetime_may_be_chosen() -> None:
    """Up to 420 s."""
    for chosen, asked in ((100.0, 25), (5000.0, 105)):
        bench = Bench(parameters(correspondent_lifetime_s=chosen))
        bench.away()
        bench.trigger()
        assert bench.of(BindingUpdate)[0].lifetime == asked


def test_a_home_registration_that_shrinks_takes_bindings_along() -> None:
    """MN-2-1-1-2-017, MN-2-1-2-2-017, MN-3-1-2-2-001: return routability again, then a shorter binding."""
    bench = Bench()
    bench.optimised()
    before = bench.entry().sequence
    bench.away(lifetime_s=3600)
    assert bench.drain() == []
    bench.away(lifetime_s=100)
    home, care_of, update = bench.drain()
    assert isinstance(home, HomeTestInit)
    assert isinstance(care_of, CareOfTestInit)
    assert isinstance(update, BindingUpdate)
    assert update.lifetime * 4 == 100
    assert before is not None
    assert update.sequence == (before + 1) % 65536
    assert bench.entry().expires == bench.now + 100


def test_a_shrunken_home_registration_while_an_acknowledgement_is_awaited() -> None:
    """The binding that comes of it, for longer, is made to end earlier at once."""
    bench = Bench(correspondent=CorrespondentParameters())
    bench.away()
    bench.lose = lambda packet: packet.home_address_option is not None
    bench.trigger()
    (lost,) = [sent.packet for sent in bench.sent if sent.packet.home_address_option is not None]
    bench.away(lifetime_s=100)
    assert bench.state() is State.BINDING
    bench.lose = lambda packet: False
    bench.reach(lost)
    assert [update.lifetime for update in bench.of(BindingUpdate)] == [105, 25]
    assert bench.entry().expires == bench.now + 100


def test_a_binding_in_use_is_refreshed_before_it_ends() -> None:
    """At 80 % of its lifetime, with both tests; packets go by it all the time."""
    bench = Bench()
    bench.optimised()
    bench.wait(100)
    assert bench.uses_care_of_address()
    bench.wait(235)
    assert bench.sent == []
    bench.wait(1)
    assert [type(message) for message in bench.drain()] == [HomeTestInit, CareOfTestInit, BindingUpdate]
    assert bench.state() is State.BOUND
    assert bench.entry().expires == bench.now + 420
    assert bench.effects == [InstallRoute(HOA, COA, CN)]


def test_a_packet_that_comes_directly_is_a_use_too() -> None:
    """Of a peer that is known; others' change nothing."""
    bench = Bench()
    bench.optimised()
    bench.wait(100)
    bench.hear(Packet(CN, COA, Payload(UDP, bytes(8)), (Type2RoutingHeader(HOA),)))
    bench.hear(Packet(CN2, COA, Payload(UDP, bytes(8)), (Type2RoutingHeader(HOA),)))
    bench.wait(236)
    assert len(bench.of(BindingUpdate)) == 1
    assert len(list(bench.optimisation.entries)) == 1


def test_a_late_use_refreshes_at_once() -> None:
    """Between the time for a refresh and the end."""
    bench = Bench()
    bench.optimised()
    bench.wait(380)
    assert bench.sent == []
    assert bench.uses_care_of_address()
    bench.wait(0)
    assert len(bench.of(BindingUpdate)) == 1


def test_an_unused_binding_ends() -> None:
    """MN-3-2-1-2-018, MN-4-1-1-2-005, MN-2-1-1-2-019, MN-2-1-2-2-019: the tunnel again; a packet in it starts anew."""
    bench = Bench()
    bench.optimised()
    bench.wait(419)
    assert bench.state() is State.BOUND
    bench.now += 1
    assert not bench.uses_care_of_address()
    bench.do(bench.optimisation.advance(bench.now))
    assert bench.state() is State.ABSENT
    assert bench.effects == [InstallRoute(HOA, COA, CN), RemoveRoute(HOA, CN)]
    bench.trigger()
    assert [type(message) for message in bench.drain()] == [HomeTestInit, CareOfTestInit, BindingUpdate]
    assert bench.state() is State.BOUND


def test_a_refresh_that_is_not_answered_lets_the_binding_end() -> None:
    """The tunnel from the end of the binding on, while tests or updates go on."""
    for lost in (CareOfTestInit, BindingUpdate):
        bench = Bench(parameters(refresh_at=0.95))
        bench.optimised()
        bench.wait(1)
        assert bench.uses_care_of_address()

        def lose(packet: Packet, kind: type = lost) -> bool:
            return isinstance(packet.upper, MobilityHeader) and isinstance(packet.upper.message, kind)

        bench.lose = lose
        bench.wait(418)
        assert bench.state() is (State.RETESTING if lost is CareOfTestInit else State.REBINDING)
        bench.wait(1)
        assert bench.state() is (State.TESTING if lost is CareOfTestInit else State.BINDING)
        assert not bench.uses_care_of_address()
        bench.lose = lambda packet: False
        bench.wait(11)
        assert bench.state() is State.BOUND


def test_a_binding_refresh_request_is_obeyed() -> None:
    """MN-3-4-1-2-001, MN-3-4-1-2-006: return routability, then an update; one at a time."""
    bench = Bench()
    bench.hear_message(BindingRefreshRequest())
    bench.away()
    bench.hear_message(BindingRefreshRequest())
    assert bench.sent == []
    bench.optimised()
    bench.wait(10)
    bench.hear_message(BindingRefreshRequest(reserved=0xFFFF))
    assert [type(message) for message in bench.drain()] == [HomeTestInit, CareOfTestInit, BindingUpdate]
    bench.wait(10)
    bench.lose = lambda packet: True
    bench.hear_message(BindingRefreshRequest())
    bench.hear_message(BindingRefreshRequest())
    assert [type(message) for message in bench.drain()] == [HomeTestInit, CareOfTestInit]
    assert bench.uses_care_of_address()


def test_no_more_than_three_messages_of_a_kind_in_a_second() -> None:
    """R-MN-06, R-MN-31: whatever asks for them."""
    bench = Bench()
    bench.optimised()
    for _ in range(20):
        bench.hear_message(BindingRefreshRequest())
        bench.wait(0.1)
    bench.wait(3)
    for kind in (HomeTestInit, CareOfTestInit, BindingUpdate):
        times = bench.times(kind)
        assert len(times) >= SIX
        assert all(times[i + 3] - times[i] >= 1.0 for i in range(len(times) - 3))
    assert bench.state() is State.BOUND


def test_the_real_correspondent_asks_for_a_refresh() -> None:
    """Its Binding Refresh Request comes through the tunnel and is obeyed."""
    bench = Bench(parameters(refresh_at=1.0), correspondent=CorrespondentParameters())
    bench.optimised()
    bench.wait(385)
    bench.nodes[CN].send(echo(), bench.now)
    bench.wait(10)
    assert [type(message) for message in bench.drain()] == [HomeTestInit, CareOfTestInit, BindingUpdate]
