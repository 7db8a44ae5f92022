"""The way of each half of an echo is told from frames made by hand: every class with every other, on every node."""

from collections.abc import Callable, Sequence
from itertools import product

import pytest
from echo_frames import (
    AGENT,
    CAME,
    CARE_OF,
    CORRESPONDENT,
    ECHO,
    HOME,
    MOBILE,
    PEER,
    PEER_CARE_OF,
    PEER_HOME,
    SENT,
    cooked,
    encrypted,
    ethernet,
    home_option,
    on_link,
    on_tunnel,
    reply,
    request,
    routed,
    tunnelled,
)
from msgspec.structs import replace

from mipsh.paths.classify import ALL_SEEN, Circumstances, classify
from mipsh.paths.echo import LOOPBACK, Frame, Known, Path, Route
from mipsh.wire import pcap
from mipsh.wire.address import text
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.packet import Esp, Packet, Payload

Halves = dict[str, Sequence[Frame]]

_ASKED = on_tunnel(request(), SENT, is_outgoing=True)
_GIVEN = on_tunnel(reply(), CAME, is_outgoing=False)


def leaves(packet: Packet) -> Frame:
    """Return a packet that leaves by the link."""
    return on_link(packet, SENT, is_outgoing=True)


def comes(packet: Packet) -> Frame:
    """Return a packet that comes from the link."""
    return on_link(packet, CAME, is_outgoing=False)


REQUESTS: Halves = {
    "ro": [_ASKED, leaves(request(CARE_OF, PEER, [home_option()]))],
    "tunnel": [_ASKED, leaves(tunnelled(request(), CARE_OF, AGENT))],
    "direct": [_ASKED, leaves(request())],
    "none": [_ASKED],
    "?": [_ASKED, *(leaves(encrypted(request(), CARE_OF, to)) for to in (AGENT, PEER_CARE_OF))],
}
REPLIES: Halves = {
    "ro": [comes(reply(PEER, CARE_OF, [routed()])), _GIVEN],
    "tunnel": [comes(tunnelled(reply(), AGENT, CARE_OF)), _GIVEN],
    "direct": [comes(reply()), _GIVEN],
    "none": [],
    "?": [_GIVEN],
}
SURE = "ro", "tunnel", "direct"


def mirrored(frames: Sequence[Frame]) -> list[Frame]:
    """Return frames as the other end sees them: what leaves the one comes to the other."""
    return [
        replace(frame, is_outgoing=not frame.is_outgoing if frame.is_outgoing is not None else None) for frame in frames
    ]


def names(path: Path) -> tuple[str, str]:
    """Return the routes as words."""
    return path.request.route.value, path.reply.route.value


@pytest.mark.parametrize(("asked", "answered"), [*product(REQUESTS, REPLIES)])
def test_every_class_with_every_other(asked: str, answered: str) -> None:
    """Each pair is told on the mobile node, in whatever order the frames are; a reply proves that a request left."""
    frames = [*REQUESTS[asked], *REPLIES[answered]]
    was_answered = answered != "none"
    expected = ("?" if asked == "none" and was_answered else asked, answered)
    circumstances = Circumstances(is_answered=was_answered)
    assert names(classify(ECHO, frames, MOBILE, circumstances)) == expected
    assert names(classify(ECHO, frames[::-1], MOBILE, circumstances)) == expected


@pytest.mark.parametrize(("asked", "answered"), [*product(REQUESTS, REPLIES)])
def test_every_class_is_the_same_at_the_other_end(asked: str, answered: str) -> None:
    """The node that answers tells the same from frames that come and go the other way around."""
    frames = mirrored([*REQUESTS[asked], *REPLIES[answered]])
    at_peer = classify(ECHO, frames, CORRESPONDENT)
    if asked in SURE:
        assert at_peer.request.route.value == asked
    if answered in SURE:
        assert at_peer.reply.route.value == answered


@pytest.mark.parametrize(("asked", "answered"), [*product(SURE, SURE)])
@pytest.mark.parametrize("form", [cooked, ethernet])
def test_on_a_node_in_between_and_in_captures(asked: str, answered: str, form: Callable[..., Frame]) -> None:
    """Nothing is known of the node: the outermost form on a link counts, in captures of any link type."""

    def packets(frames: Sequence[Frame]) -> list[Frame]:
        return [replace(form(request(), frame.time), data=_framed(form, frame)) for frame in frames]

    frames = packets([*REQUESTS[asked][1:], *REPLIES[answered][:1]])
    assert names(classify(ECHO, frames)) == (asked, answered)


def _framed(form: Callable[..., Frame], frame: Frame) -> bytes:
    """Return the bytes of a frame behind a link layer's header."""
    whole = form(request(), 0.0).data
    return whole[: len(whole) - len(request().encode())] + frame.data


def test_a_router_sees_one_packet_in_two_forms() -> None:
    """The tunnel to the home agent, and the same packet from there on without it: it went through the tunnel."""
    frames = [cooked(tunnelled(request(), CARE_OF, AGENT), SENT), cooked(request(), SENT + 0.01)]
    found = classify(ECHO, frames)
    assert names(found) == ("tunnel", "none")
    assert (found.request.outer_source, found.request.outer_destination) == (text(CARE_OF), text(AGENT))


def test_the_evidence_is_told() -> None:
    """Outer addresses, home addresses, interface, overhead, hop limit and time are those of what was on the link."""
    found = classify(ECHO, [*REQUESTS["ro"], *REPLIES["tunnel"]], MOBILE)
    asked, answered = found.request, found.reply
    assert (asked.interface, asked.home_address, asked.routed_to) == ("eth0", text(HOME), None)
    assert (asked.outer_source, asked.outer_destination, asked.overhead_bytes) == (text(CARE_OF), text(PEER), 24)
    assert (answered.inside, answered.overhead_bytes, answered.hop_limit) == ("ipv6", 40, 63)
    assert (answered.outer_source, answered.outer_destination) == (text(AGENT), text(CARE_OF))
    assert (asked.time, answered.time, asked.copies) == (SENT, CAME, 1)
    assert found.name == "ro:tunnel"


def _between_mobiles(headers: Sequence[str], other: bool = True) -> Path:
    echo = replace(ECHO, destination=PEER_HOME)
    known = replace(MOBILE, away=frozenset({PEER_HOME} if other else ()))
    made = {"hao": home_option(), "rh2": routed(PEER_HOME)}
    packet = request(CARE_OF, PEER_CARE_OF if "rh2" in headers else PEER_HOME, [made[name] for name in headers[::-1]])
    return classify(echo, [on_link(packet, SENT, is_outgoing=True)], known)


def test_two_mobile_ends_need_both_headers() -> None:
    """With both it is optimised; with one it is not known what is beyond, unless the other end is at home."""
    assert _between_mobiles(["hao", "rh2"]).request.route is Route.RO
    assert _between_mobiles(["hao"]).request.route is Route.UNKNOWN
    assert _between_mobiles(["hao"], other=False).request.route is Route.RO


def test_a_half_optimised_packet_that_comes_through_the_other_home_agent_is_tunnelled() -> None:
    """The outermost header counts, whatever is inside."""
    packet = tunnelled(reply(PEER_CARE_OF, HOME, [home_option(PEER_HOME)]), AGENT, CARE_OF)
    echo = replace(ECHO, destination=PEER_HOME)
    found = classify(echo, [on_link(packet, CAME, is_outgoing=False)], MOBILE)
    assert (found.reply.route, found.reply.home_address) == (Route.TUNNEL, text(PEER_HOME))


@pytest.mark.parametrize(
    "packet",
    [
        request(CARE_OF, PEER, [home_option(PEER_HOME)]),
        request(CARE_OF, PEER, [home_option(), home_option()]),
        request(CARE_OF, PEER),
        request(CARE_OF, PEER_CARE_OF, [home_option(), routed(PEER_HOME)]),
    ],
)
def test_another_home_address_is_no_proof(packet: Packet) -> None:
    """The numbers are the echo's, the addresses are not."""
    found = classify(ECHO, [on_link(packet, SENT, is_outgoing=True)], MOBILE)
    assert found.request.route is Route.UNKNOWN


def test_another_echo_is_none() -> None:
    """Another number, or other data: somebody else's."""
    for other in (replace(ECHO, sequence=4), replace(ECHO, identifier=8), replace(ECHO, token=b"another.")):
        assert names(classify(other, [*REQUESTS["ro"], *REPLIES["ro"]], MOBILE)) == ("none", "none")


def test_without_frames_there_is_nothing() -> None:
    """Nothing was seen: neither half was there, unless the socket had a reply."""
    assert names(classify(ECHO, [], MOBILE)) == ("none", "none")
    assert names(classify(ECHO, [], MOBILE, Circumstances(is_answered=True))) == ("?", "?")


@pytest.mark.parametrize(("asked", "answered"), [*product(REQUESTS, REPLIES)])
def test_lost_packets_make_no_wrong_class(asked: str, answered: str) -> None:
    """What proves itself stays; what is only the lack of something more is not known."""
    sure = {"ro", "tunnel"}
    found = classify(ECHO, [*REQUESTS[asked], *REPLIES[answered]], MOBILE, Circumstances(lost=1))
    assert names(found) == (asked if asked in sure else "?", answered if answered in sure else "?")


def test_copies_are_counted() -> None:
    """A reply that comes twice in one place is told; one packet on a bridge and its port is one."""
    twice = [*REPLIES["ro"], replace(REPLIES["ro"][0], time=CAME + 0.001)]
    assert classify(ECHO, twice, MOBILE).reply.copies == 2
    stacked = [*REPLIES["ro"], replace(REPLIES["ro"][0], interface="br0")]
    assert classify(ECHO, stacked, MOBILE).reply.copies == 1


def test_a_later_copy_does_not_change_the_class() -> None:
    """What came first is the reply."""
    twice = [*REPLIES["ro"], replace(REPLIES["tunnel"][0], time=CAME + 0.5)]
    assert classify(ECHO, twice, MOBILE).reply.route is Route.RO


def test_esp_between_node_and_home_agent_is_a_tunnel() -> None:
    """Nothing but one encrypted packet of that size left, and the reply came: it was in it."""
    frames = [
        on_tunnel(request(), SENT, is_outgoing=True),
        on_link(encrypted(request(), CARE_OF, AGENT), SENT, is_outgoing=True),
        on_link(encrypted(reply(), AGENT, CARE_OF), CAME, is_outgoing=False),
        on_tunnel(reply(), CAME, is_outgoing=False),
    ]
    found = classify(ECHO, frames, MOBILE, Circumstances(is_answered=True))
    assert names(found) == ("tunnel", "tunnel")
    assert (found.request.inside, found.request.outer_destination) == ("esp", text(AGENT))
    assert found.request.overhead_bytes == 40 + 8 + 42
    without_reply = classify(ECHO, frames[:2], MOBILE)
    assert names(without_reply) == ("?", "none")


def test_esp_shown_decrypted_on_the_same_link_is_a_tunnel() -> None:
    """The kernel shows what came encrypted once more: to the home address, and not directly."""
    frames = [
        on_link(encrypted(reply(), AGENT, CARE_OF), CAME, is_outgoing=False),
        on_link(reply(), CAME, is_outgoing=False),
    ]
    assert classify(ECHO, frames, MOBILE).reply.route is Route.TUNNEL
    at_home = replace(MOBILE, home_addresses=frozenset())
    assert classify(ECHO, frames, at_home).reply.route is Route.UNKNOWN
    earlier = [replace(frames[0], time=CAME - 0.5), frames[1]]
    assert classify(ECHO, earlier, MOBILE).reply.route is Route.DIRECT


def test_esp_of_the_ends_themselves() -> None:
    """Encrypted by the ends, it went directly, or by an optimised route."""
    hidden = Packet(HOME, PEER, Esp(1, 1, bytes(8 + 56 + 30)))
    answered = Circumstances(is_answered=True)
    assert classify(ECHO, [on_link(hidden, SENT, is_outgoing=True)], MOBILE, answered).request.route is Route.DIRECT
    hidden = Packet(CARE_OF, PEER, Esp(1, 1, bytes(8 + 56 + 30)), (home_option(),))
    assert classify(ECHO, [on_link(hidden, SENT, is_outgoing=True)], MOBILE, answered).request.route is Route.RO


def test_esp_of_another_size_is_something_else() -> None:
    """It cannot carry the echo."""
    small = Packet(CARE_OF, AGENT, Esp(1, 1, bytes(40)))
    assert classify(ECHO, [on_link(small, SENT, is_outgoing=True)], MOBILE).request.route is Route.NONE
    anything = replace(ECHO, size=None)
    assert classify(anything, [on_link(small, SENT, is_outgoing=True)], MOBILE).request.route is Route.UNKNOWN


def test_a_first_fragment_is_enough() -> None:
    """The pieces behind it say nothing."""
    message = request().encode()[40:]
    first = Packet(CARE_OF, PEER, Payload(58, message[:32]), (home_option(), FragmentHeader(0, True, 5)))
    later = Packet(CARE_OF, PEER, Payload(58, message[32:]), (home_option(), FragmentHeader(4, False, 5)))
    frames = [on_link(first, SENT, is_outgoing=True), on_link(later, SENT, is_outgoing=True)]
    found = classify(ECHO, frames, MOBILE)
    assert found.request.route is Route.RO
    outer = Packet(CARE_OF, AGENT, Payload(41, request().encode()[:64]), (FragmentHeader(0, True, 5),))
    assert classify(ECHO, [on_link(outer, SENT, is_outgoing=True)], MOBILE).request.route is Route.TUNNEL


def test_to_oneself() -> None:
    """On the loopback everything comes and goes."""
    echo = replace(ECHO, destination=HOME)
    frames = [
        replace(on_link(request(HOME, HOME), SENT, is_outgoing=True, interface="lo"), hardware=LOOPBACK),
        replace(on_link(request(HOME, HOME), SENT, is_outgoing=False, interface="lo"), hardware=LOOPBACK),
        replace(on_link(reply(HOME, HOME), SENT, is_outgoing=True, interface="lo"), hardware=LOOPBACK),
    ]
    assert names(classify(echo, frames, MOBILE)) == ("direct", "direct")


def test_a_frame_that_was_cut_may_be_the_tunnel() -> None:
    """A snapped capture that shows the inner packet on one link does not say what was around it on another."""
    whole = cooked(tunnelled(request(), CARE_OF, AGENT), SENT)
    cut = replace(whole, data=whole.data[:90], is_whole=False)
    assert classify(ECHO, [cut, cooked(request(), SENT)]).request.route is Route.UNKNOWN
    assert classify(ECHO, [cut]).request.route is Route.UNKNOWN


def test_an_unknown_link_type_is_not_held_to_be_nothing() -> None:
    """What cannot be read may be anything."""
    frame = Frame(SENT, "", 147, bytes(80))
    assert classify(ECHO, [frame]).request.route is Route.UNKNOWN


def test_other_protocols_are_nothing() -> None:
    """IPv4, another upper layer, Neighbour Discovery."""
    other = Packet(HOME, PEER, Payload(17, bytes(20)))
    frames = [Frame(SENT, "eth0", pcap.ETHERNET, bytes(12) + b"\x08\x00" + bytes(40)), on_link(other, SENT)]
    assert names(classify(ECHO, frames, MOBILE, ALL_SEEN)) == ("none", "none")


def test_to_a_group_any_answer_counts() -> None:
    """Nobody answers from a multicast address."""
    group = bytes.fromhex("ff020000000000000000000000000001")
    frames = [
        on_link(request(HOME, group), SENT, is_outgoing=True),
        on_link(reply(PEER, HOME), CAME, is_outgoing=False),
    ]
    known = Known(frozenset({HOME}))
    assert names(classify(replace(ECHO, destination=group), frames, known)) == ("direct", "direct")
