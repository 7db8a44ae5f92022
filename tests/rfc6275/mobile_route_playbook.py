"""The words of the cases of route optimisation: set-ups, what a peer answers, and by which way packets go."""

from collections import deque
from collections.abc import Callable, Iterable
from itertools import pairwise

from mobile_playbook import (
    CN,
    COA1,
    HA,
    HOA,
    PARAMETERS,
    Answer,
    MobileScene,
    Seen,
    acknowledgement,
    echo,
    from_correspondent,
    is_authorized,
    kbm,
    message_of,
)
from msgspec import structs

from mipsh.mobility.mobile.parameters import MobileNodeParameters
from mipsh.mobility.mobile.update_list import UpdateListEntry
from mipsh.mobility.paths import in_tunnel, is_neighbour_discovery
from mipsh.wire.extension import HomeAddress as HomeAddressOption
from mipsh.wire.extension import Type2RoutingHeader, carrying
from mipsh.wire.icmpv6 import Icmpv6, ParameterProblem
from mipsh.wire.mobility import (
    HOME,
    KEY_MANAGEMENT,
    LINK_LOCAL,
    MOBILE_ROUTER,
    AlternateCareOfAddress,
    AuthorizationData,
    BindingUpdate,
    CareOfTestInit,
    HomeTestInit,
    Message,
    MobilityHeader,
    NonceIndices,
    padded,
)
from mipsh.wire.packet import Packet
from mipsh.wire.tlv import Option

TESTS = frozenset((Answer.HOME_TEST, Answer.CARE_OF_TEST))
LONG = structs.replace(PARAMETERS, home_lifetime_s=4000.0)
"""A home registration that outlives bindings of correspondents."""
LONG_UNITS = 1000
SILENCE = 32.0
"""How long no return routability may begin, where a case says that none does."""
INITS = HomeTestInit | CareOfTestInit
ERRORS_APART = 1.0

Maker = Callable[[Seen], Packet | None]


# Set-ups.


def away(parameters: MobileNodeParameters = PARAMETERS, lifetime: int = 105) -> MobileScene:
    """HREG: the node is registered on the first foreign link."""
    scene = MobileScene(parameters, lifetime=lifetime)
    scene.register()
    scene.log.clear()
    return scene


def waiting(*withheld: Answer, parameters: MobileNodeParameters = PARAMETERS) -> MobileScene:
    """HREG, then a tunnelled E: return routability runs, some of its messages being left unanswered."""
    scene = away(parameters)
    scene.answering -= set(withheld)
    scene.tunnelled(echo())
    return scene


def optimised(parameters: MobileNodeParameters = PARAMETERS, lifetime: int = 105, peer: bytes = CN) -> MobileScene:
    """ROK: the node sends straight to a correspondent."""
    scene = away(parameters, lifetime)
    scene.optimise(peer)
    scene.log.clear()
    return scene


# Which way packets go.


def via_tunnel(seen: Seen, peer: bytes = CN, care_of: bytes = COA1) -> None:
    """See that a packet went through the tunnel, with nothing in it but itself."""
    outer, inner = seen.packet, seen.inner
    assert seen.is_tunnelled
    assert (outer.source, outer.destination, outer.headers) == (care_of, HA, ())
    assert (inner.source, inner.destination, inner.headers) == (HOA, peer, ())


def straight(seen: Seen, peer: bytes = CN, care_of: bytes = COA1) -> None:
    """See that a packet went straight to a peer, with the Home Address option alone."""
    packet = seen.packet
    assert not seen.is_tunnelled
    assert (packet.source, packet.destination) == (care_of, peer)
    assert packet.headers == (carrying(HomeAddressOption(HOA)),)


def bare(seen: Seen, source: bytes = COA1, destination: bytes = CN) -> None:
    """See that a packet went straight, with neither a Home Address option nor a routing header."""
    packet = seen.packet
    assert not seen.is_tunnelled
    assert (packet.source, packet.destination, packet.headers) == (source, destination, ())


def sends_straight(scene: MobileScene, peer: bytes = CN) -> None:
    """E-RH2: see that the answer goes straight to the peer."""
    (reply,) = scene.echo_by_routing_header(peer)
    straight(reply, peer, scene.care_of_address)


def sends_via_tunnel(scene: MobileScene, peer: bytes = CN) -> None:
    """E-RH2: see that the answer goes through the tunnel."""
    (reply,) = scene.echo_by_routing_header(peer)
    via_tunnel(reply, peer, scene.care_of_address)


# What the node says to correspondents.


def home_inits(scene: MobileScene, peer: bytes = CN) -> list[tuple[Seen, HomeTestInit]]:
    """Return the Home Test Inits in the log; each went the way that it must."""
    found = [(seen, init) for seen, init in scene.said(HomeTestInit) if seen.inner.destination == peer]
    for seen, init in found:
        via_tunnel(seen, peer, seen.packet.source)
        assert (len(init.cookie), init.options, init.reserved) == (8, (), 0)
    return found


def care_of_inits(scene: MobileScene, peer: bytes = CN) -> list[tuple[Seen, CareOfTestInit]]:
    """Return the Care-of Test Inits in the log; each went the way that it must."""
    found = [(seen, init) for seen, init in scene.said(CareOfTestInit) if seen.inner.destination == peer]
    for seen, init in found:
        bare(seen, seen.packet.source, peer)
        assert (len(init.cookie), init.options, init.reserved) == (8, (), 0)
    return found


def begins_both(scene: MobileScene, peer: bytes = CN) -> None:
    """See that both tests began once since the log was cleared, from where the node is."""
    ((home, _),), ((care_of, _),) = home_inits(scene, peer), care_of_inits(scene, peer)
    assert home.packet.source == care_of.packet.source == scene.care_of_address


def begins_nothing(scene: MobileScene) -> None:
    """See that no message of return routability is in the log, and no Binding Update to a correspondent."""
    assert scene.said(HomeTestInit) + scene.said(CareOfTestInit) == []
    assert [update for _, update in scene.said(BindingUpdate) if not update.flags & HOME] == []


def rests(scene: MobileScene, seconds: float = SILENCE) -> None:
    """See that the node says nothing for some time, but for neighbour discovery."""
    assert [seen for seen in scene.wait(seconds) if not is_neighbour_discovery(seen.packet)] == []


def repeats(inits: Iterable[tuple[Seen, INITS]], count: int) -> None:
    """See that a message was sent some times: with another cookie each, after 1 s, and then twice as long each time."""
    sent = list(inits)
    assert len(sent) == count
    assert len({init.cookie for _, init in sent}) == count
    times = [seen.time for seen, _ in sent]
    gaps = [after - before for before, after in pairwise(times)]
    for place, gap in enumerate(gaps):
        assert 0.8 * 2**place <= gap <= 1.2 * 2**place


def updates(scene: MobileScene, peer: bytes = CN) -> list[tuple[Seen, BindingUpdate]]:
    """Return the Binding Updates to a correspondent in the log; each of them stood ``is_right``."""
    found = scene.updates(peer)
    for seen, update in found:
        is_right(seen, update, peer)
    return found


def the_update(scene: MobileScene, peer: bytes = CN) -> BindingUpdate:
    """Return the one Binding Update to a correspondent in the log, sent from where the node is."""
    ((seen, update),) = updates(scene, peer)
    assert seen.packet.source == scene.care_of_address
    return update


def is_right(seen: Seen, update: BindingUpdate, peer: bytes = CN) -> None:
    """See that a Binding Update to a correspondent is what section 11.7.2 wants, authenticator included."""
    straight(seen, peer, seen.packet.source)
    assert update.flags & (HOME | KEY_MANAGEMENT | LINK_LOCAL | MOBILE_ROUTER) == 0
    assert 0 < update.lifetime <= 105
    assert isinstance(update.options[-1], AuthorizationData)
    assert len(update.options[-1].authenticator) == 12
    assert len([option for option in update.options if isinstance(option, NonceIndices)]) == 1
    named = [option.address for option in update.options if isinstance(option, AlternateCareOfAddress)]
    assert set(named) <= {seen.packet.source}
    assert is_authorized(seen)


def indices(update: BindingUpdate) -> NonceIndices:
    """Return the nonce indices of a Binding Update."""
    (found,) = (option for option in update.options if isinstance(option, NonceIndices))
    return found


def entry(scene: MobileScene, peer: bytes = CN) -> UpdateListEntry:
    """Return what the Binding Update List has of a peer."""
    mobile_node = scene.node.roles.mobile_node
    assert mobile_node is not None
    (found,) = (one for one in mobile_node.homes[HOA].optimisation.entries if one.peer == peer)
    return found


def is_later(sequence: int, than: int) -> bool:
    """Tell whether a sequence number is greater than another one, modulo 65536 (RFC 6275 section 9.5.1)."""
    return 0 < (sequence - than) % 65536 < 32768


# What a correspondent says.


def acknowledges(
    status: int = 0,
    lifetime: int | None = None,
    sequence: int | None = None,
    *,
    key: bytes | None = None,
    options: tuple[Option, ...] = (),
    is_authenticated: bool = True,
) -> Maker:
    """Return what makes a correspondent's Binding Acknowledgement."""

    def make(seen: Seen) -> Packet:
        message = structs.replace(acknowledgement(seen, status, lifetime, sequence), options=options)
        if is_authenticated:
            return from_correspondent(seen, message, key)
        header = MobilityHeader(padded(message))
        return Packet(seen.packet.destination, seen.packet.source, header, (Type2RoutingHeader(HOA),))

    return make


def says_nothing(seen: Seen) -> None:
    """Leave a Binding Update unanswered."""


def answer_updates(scene: MobileScene, *makers: Maker) -> None:
    """Let correspondents answer their Binding Updates in turn, the last way for all that follow."""
    left = deque(makers)

    def answer(seen: Seen) -> list[Packet]:
        if message_of(seen, BindingUpdate).flags & HOME:
            return []
        made = (left.popleft() if len(left) > 1 else left[0])(seen)
        return [] if made is None else [made]

    scene.instead[Answer.CORRESPONDENT_REGISTRATION] = answer


def says(scene: MobileScene, message: Message, source: bytes = CN) -> list[Seen]:
    """Let a peer send a Mobility Header straight to the care-of address."""
    return scene.deliver(Packet(source, scene.care_of_address, MobilityHeader(message)))


def says_through_tunnel(scene: MobileScene, message: Message, source: bytes = CN) -> list[Seen]:
    """Let a peer send a Mobility Header to the home address."""
    return scene.tunnelled(Packet(source, HOA, MobilityHeader(message)))


def problem(quoted: Seen, code: int, pointer: int, source: bytes = CN) -> Packet:
    """Return a Parameter Problem about a packet of the node, by the way that the packet came."""
    original = quoted.inner
    message = ParameterProblem(code, pointer, original.encode())
    error = Packet(source, original.source, Icmpv6(message))
    return in_tunnel(error.encode(), HA, quoted.packet.source) if quoted.is_tunnelled else error


def wrong_key(seen: Seen) -> bytes:
    """Return a key that is not that of a Binding Update."""
    return bytes(reversed(kbm(seen)))
