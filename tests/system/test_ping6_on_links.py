"""Echoes between two kernels on a cable: sent, watched, encrypted by hand, lost to an overload, answered by errors."""

import select
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from system_namespaces import DEADLINE_S, Netns, await_local_route, needs_namespaces

from mipsh.errors import MipshError, UsageError
from mipsh.linux import links, raw_socket
from mipsh.linux.echo_socket import Target
from mipsh.linux.echo_watch import EchoWatch
from mipsh.linux.echoes import Pace, Prober, Settled
from mipsh.linux.tun import Tun
from mipsh.paths.classify import ENCRYPTED, LOST
from mipsh.paths.echo import Known
from mipsh.wire.address import parse
from mipsh.wire.icmpv6 import EchoReply, EchoRequest, Icmpv6
from mipsh.wire.packet import Esp, Packet, decode

pytestmark = [pytest.mark.system, needs_namespaces]

HERE, THERE, HOME, AGENT, FAR = "2001:db8::1", "2001:db8::2", "2001:db8:1::100", "2001:db8:1::1", "2001:db8:4::2"
RULE_PROHIBIT = "prohibit"
NEVER: Callable[[], bool] = bool


@pytest.fixture
def netns() -> Iterator[Netns]:
    """Two kernels with a cable between them."""
    with Netns("here", "there") as made:
        made.cable(("here", "eth0"), ("there", "eth0"))
        made.host("here", "eth0", f"{HERE}/64", THERE)
        made.host("there", "eth0", f"{THERE}/64", HERE)
        yield made


def settled(
    netns: Netns, target: Target, pace: Pace, known: Known | None = None, buffer_size: int | None = None
) -> list[Settled]:
    """Send echoes from here and return them."""

    def go() -> list[Settled]:
        with Prober(target, pace, known or Known(), buffer_size=buffer_size) as prober:
            return list(prober.run(NEVER))

    return netns.inside("here", go)


def routes(found: Settled) -> tuple[str, str]:
    """Return the ways of an echo."""
    return found.outcome.path.request.route.value, found.outcome.path.reply.route.value


@pytest.mark.parametrize("size", [0, 4, 56, 1400, 4000])
def test_direct(netns: Netns, size: int) -> None:
    """Of any size, in one piece or several."""
    for one in settled(netns, Target(THERE), Pace(3, 0.01, size)):
        assert routes(one) == ("direct", "direct")
        assert (one.by, one.outcome.hop_limit) == (THERE, 64)
        assert one.outcome.rtt_ms is not None
        assert 0 < one.outcome.rtt_ms < 500
        assert one.outcome.path.request.interface == "eth0"


def test_to_a_link_local_address_and_to_a_group(netns: Netns) -> None:
    """On the interface that is named; a group may answer more than once."""
    found = settled(netns, Target("ff02::1", interface="eth0"), Pace(2, 0.05))
    assert {routes(one) for one in found} == {("direct", "direct")}
    with pytest.raises(UsageError, match="on every link"):
        settled(netns, Target("ff02::1"), Pace(1))
    with pytest.raises(UsageError, match="no interface"):
        settled(netns, Target("ff02::1", interface="wlan9"), Pace(1))


def test_to_itself(netns: Netns) -> None:
    """By the loopback."""
    (one,) = settled(netns, Target(HERE), Pace(1))
    assert routes(one) == ("direct", "direct")
    assert one.outcome.path.request.interface == "lo"


def test_errors_are_told_in_words(netns: Netns) -> None:
    """From the router that sent them, for the echo that caused them."""
    netns.inside("there", lambda: links.configure("all", "forwarding", 1))
    (one,) = settled(netns, Target(FAR, hop_limit=1), Pace(1))
    assert (one.outcome.error, one.by) == ("the hop limit ran out on the way", THERE)
    assert routes(one)[0] == "direct"


def test_what_cannot_be_sent(netns: Netns) -> None:
    """No route, or no address of this node."""

    def without_route() -> None:
        from pyroute2 import IPRoute

        with IPRoute() as kernel:
            kernel.route("del", dst="::/0", gateway=THERE)

    with pytest.raises(UsageError, match="is no address of this node"):
        settled(netns, Target(THERE, source=FAR), Pace(1))
    netns.inside("here", without_route)
    with pytest.raises(MipshError, match="no route"):
        settled(netns, Target(FAR), Pace(1))


def test_an_interface_that_vanishes(netns: Netns) -> None:
    """Some were answered, then nothing can be sent, or nobody answers: there is an answer, and no wrong one."""

    def go() -> list[Settled]:
        found: list[Settled] = []
        with Prober(Target(THERE), Pace(6, 0.05, wait_s=0.2)) as prober:
            try:
                for one in prober.run(NEVER):
                    found.append(one)
                    if len(found) == 2:
                        links.set_up("eth0", False)
            except MipshError as error:
                assert "send an echo" in error.message
        return found

    found = netns.inside("here", go)
    assert [routes(one) for one in found[:2]] == [("direct", "direct")] * 2
    assert all(routes(one)[1] in ("none", "?") for one in found[2:])


def test_ten_thousand_a_thousandth_of_a_second_apart(netns: Netns) -> None:
    """None is lost to the tool, and of each the way is known."""
    found = settled(netns, Target(THERE), Pace(10_000, 0.001))
    assert len(found) == 10_000
    assert {routes(one) for one in found} == {("direct", "direct")}


def test_an_overload_makes_no_wrong_class(netns: Netns) -> None:
    """With hardly any room for frames and very many that may be it, what is not proved is not known."""
    stop = threading.Event()

    def blast() -> None:
        packet = Packet(parse(THERE), parse(HERE), Esp(1, 1, bytes(48 + 56 + 40))).encode()
        while not stop.is_set():
            for _ in range(200):
                raw_socket.send(packet)

    blaster = threading.Thread(target=lambda: netns.inside("there", blast))
    blaster.start()
    try:
        found = settled(netns, Target(THERE), Pace(40, 0.02, wait_s=0.5), buffer_size=1)
    finally:
        stop.set()
        blaster.join()
    seen = {routes(one) for one in found}
    assert {way for pair in seen for way in pair} <= {"direct", "?", "none"}
    answered = [one for one in found if one.outcome.is_answered]
    assert answered
    assert all("none" not in routes(one) for one in answered)


def test_what_was_lost_may_have_been_the_proof(netns: Netns) -> None:
    """More came than there was room for while an echo was waited for: neither half is known, nor missing."""

    def overloading() -> bool:
        for _ in range(100):
            raw_socket.send(_encrypted(bytes(104), HERE, THERE))
        return False

    def go() -> list[Settled]:
        with Prober(Target(FAR), Pace(2, 0.01, wait_s=0.1), buffer_size=1) as prober:
            found = list(prober.run(overloading))
            assert prober.lost_frames > 0
            return found

    for one in netns.inside("here", go):
        assert routes(one) == ("?", "?")
        assert {one.outcome.path.request.reason, one.outcome.path.reply.reason} == {LOST}


class Gateway:
    """A node that encrypts by hand: what comes out of its TUN leaves as ESP, and an answer comes as ESP, too."""

    def __init__(self, netns: Netns, replies: int) -> None:
        self._netns = netns
        self._tun = netns.inside("here", self._open)
        self._thread = threading.Thread(target=self._serve, args=(replies,))
        self._thread.start()

    def _open(self) -> Tun:
        tun = Tun("mip0", 1400)
        tun.add_address(parse(HOME))
        await_local_route(parse(HOME).hex())
        return tun

    def _serve(self, replies: int) -> None:
        while replies and select.select([self._tun], [], [], DEADLINE_S)[0]:
            for packet in self._tun.receive():
                replies -= self._answer(packet)

    def _answer(self, data: bytes) -> bool:
        packet = decode(data)
        if not isinstance(packet, Packet) or not isinstance(packet.upper, Icmpv6):
            return False
        request = packet.upper.message
        if not isinstance(request, EchoRequest):
            return False
        reply = Packet(
            packet.destination, packet.source, Icmpv6(EchoReply(request.identifier, request.sequence, request.data))
        )
        self._netns.inside("here", partial(raw_socket.send, _encrypted(data, HERE, THERE)))
        self._netns.inside("there", partial(raw_socket.send, _encrypted(reply.encode(), THERE, HERE)))
        self._tun.send(reply.encode())
        return True

    def close(self) -> None:
        """End it."""
        self._thread.join()
        self._tun.close()


def _encrypted(data: bytes, source: str, destination: str) -> bytes:
    return Packet(parse(source), parse(destination), Esp(7, 1, bytes(len(data) + 34))).encode()


def test_esp_by_hand(netns: Netns) -> None:
    """What is in encrypted packets is not seen; that nothing else left and came tells the tunnel, to and from whom."""
    gateway = Gateway(netns, 3)
    known = Known(frozenset({parse(HERE), parse(HOME)}), frozenset({parse(HOME)}))
    try:
        found = settled(netns, Target(FAR, source=HOME, interface="mip0"), Pace(3, 0.2, wait_s=2.0), known)
    finally:
        gateway.close()
    assert [routes(one) for one in found] == [("tunnel", "tunnel")] * 3
    for one in found:
        request, reply = one.outcome.path.request, one.outcome.path.reply
        assert (request.inside, request.outer_source, request.outer_destination) == ("esp", HERE, THERE)
        assert (reply.inside, reply.outer_source, reply.outer_destination) == ("esp", THERE, HERE)


def test_esp_without_an_answer_is_not_known(netns: Netns) -> None:
    """It may have been in what left, or never have left."""
    gateway = Gateway(netns, 0)

    def another_leaves() -> bool:
        raw_socket.send(_encrypted(bytes(104), HERE, THERE))
        return False

    def go() -> list[Settled]:
        with Prober(Target(FAR, source=HOME, interface="mip0"), Pace(1, wait_s=0.3)) as prober:
            return list(prober.run(another_leaves))

    try:
        (one,) = netns.inside("here", go)
    finally:
        gateway.close()
    assert routes(one) == ("?", "none")
    assert one.outcome.path.request.reason == ENCRYPTED


def test_the_watch_counts_what_it_lost(netns: Netns) -> None:
    """And what it did not lose, it has; closing it twice is harmless."""
    with netns.inside("here", partial(EchoWatch, buffer_size=1)) as watch:
        settled(netns, Target(THERE), Pace(50, 0.001))
        assert watch.lost > 0
        assert len(list(watch.frames())) + watch.lost >= 100
    watch.close()


def test_what_the_kernel_does_not_let_go(netns: Netns) -> None:
    """A rule that keeps packets: each is told of at once, and those after it are sent."""

    def rule(what: str) -> None:
        from pyroute2 import IPRoute

        with IPRoute() as kernel:
            kernel.rule(what, priority=10, dst=f"{FAR}/128", action=RULE_PROHIBIT)

    netns.inside("there", partial(links.configure, "all", "forwarding", 1))
    netns.inside("here", partial(rule, "add"))
    found: list[Settled] = []

    def go() -> None:
        with Prober(Target(FAR, HERE), Pace(4, 0.05, wait_s=0.2)) as prober:
            for one in prober.run(NEVER):
                found.append(one)
                if len(found) == 2:
                    rule("del")

    netns.inside("here", go)
    kept, sent = found[:2], found[2:]
    assert [routes(one) for one in kept] == [("none", "none")] * 2
    assert all("did not let it go" in one.outcome.path.request.reason for one in kept)
    assert {routes(one)[0] for one in sent} == {"direct"}
