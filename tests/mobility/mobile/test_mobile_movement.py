"""Movement detection and the choice of a care-of address (RFC 6275 sections 11.5.1 to 11.5.4)."""

from mobile_home_world import (
    CN,
    COA1,
    COA2,
    EVERY_FLAG,
    HOA,
    HOME_PREFIX,
    INTERFACE,
    LINK_LOCAL,
    OTHER,
    R0,
    R1,
    R1_GLOBAL,
    R1_PREFIX,
    R2,
    R2_GLOBAL,
    R2_PREFIX,
    advertisement,
    of,
    prefix_option,
)

from mipsh.mobility.effects import (
    AddressFailed,
    AddressGone,
    AddressReady,
    ConfirmNeighbour,
    Effect,
    ForgetRouter,
    LinkChanged,
    NeighbourConfirmed,
    NeighbourFound,
    NeighbourLost,
    RouterAdvertised,
    RouterExpired,
    Signal,
    SolicitRouters,
)
from mipsh.mobility.mobile.attachment import MOST_ROUTERS, SILENCE_S, State
from mipsh.mobility.mobile.movement import MOST_ADDRESSES, Movement, Place
from mipsh.mobility.mobile.parameters import Home
from mipsh.wire import ndp
from mipsh.wire.address import parse

HOME = Home(HOA)
EXTRA = parse("2001:db8:0:5::")
COA_EXTRA = parse("2001:db8:0:5::aa")
SHARED = parse("fe80::1234")


class Roamer:
    """Movement on a clock."""

    def __init__(self, *interfaces: str) -> None:
        self.movement = Movement((HOME,), interfaces or (INTERFACE,))
        self.now = 100.0

    def hear(self, router: bytes, *prefixes: bytes, interface: str = INTERFACE) -> list[Effect]:
        """Let a router be heard that advertises prefixes."""
        return self.say(router, advertisement(*prefixes), interface)

    def say(self, router: bytes, message: ndp.RouterAdvertisement, interface: str = INTERFACE) -> list[Effect]:
        """Let an advertisement be heard."""
        return self.signal(RouterAdvertised(interface, router, message))

    def signal(self, *signals: Signal) -> list[Effect]:
        """Hand signals on."""
        return [effect for signal in signals for effect in self.movement.signal(signal, self.now)]

    def up(self, interface: str = INTERFACE) -> list[Effect]:
        """Give an interface a link."""
        return self.signal(LinkChanged(interface, True))

    def ready(self, *care_of_addresses: bytes, interface: str = INTERFACE) -> None:
        """Let addresses be ready."""
        self.signal(*(AddressReady(interface, address) for address in care_of_addresses))

    def place(self) -> Place | None:
        """Where it is."""
        return self.movement.place(HOME, self.now)

    @property
    def care_of_address(self) -> bytes | None:
        """The primary care-of address."""
        place = self.place()
        return None if place is None else place.care_of_address

    @property
    def state(self) -> State:
        """The state of the first interface."""
        return self.movement.attachments[INTERFACE].state


def on_first_link() -> Roamer:
    """Return a roamer on the first foreign link, whose router has a global address."""
    roamer = Roamer()
    roamer.up()
    roamer.hear(R1, R1_GLOBAL)
    roamer.ready(COA1)
    return roamer


def test_a_link_with_a_router() -> None:
    """R-MN-23: it is solicited; the care-of address is there once it is ready."""
    roamer = Roamer()
    assert roamer.place() is None
    assert roamer.hear(R1, R1_PREFIX) == []
    assert roamer.up() == [SolicitRouters(INTERFACE)]
    assert roamer.up() == [SolicitRouters(INTERFACE)]
    assert roamer.state is State.SOLICITING
    roamer.hear(R1, R1_PREFIX)
    assert (roamer.state, roamer.place()) == (State.ATTACHED, None)
    roamer.ready(LINK_LOCAL, COA1)
    assert roamer.place() == Place(INTERFACE, COA1, 7300.0, LINK_LOCAL)
    assert roamer.movement.is_care_of_address(COA1)
    roamer.signal(AddressGone(INTERFACE, COA1))
    assert roamer.place() is None
    roamer.ready(COA1)
    roamer.signal(AddressFailed(INTERFACE, COA1), AddressFailed(INTERFACE, COA1))
    assert roamer.place() is None


def test_addresses_that_are_none() -> None:
    """Home addresses, those of no prefix here, those of other interfaces, and too many."""
    roamer = on_first_link()
    roamer.signal(AddressGone(INTERFACE, COA1))
    roamer.ready(HOA, COA2, CN)
    roamer.ready(COA1, interface=OTHER)
    assert roamer.place() is None
    roamer.ready(*(parse(f"2001:db8:9::{number:x}") for number in range(MOST_ADDRESSES)))
    roamer.ready(COA1)
    assert not roamer.movement.is_care_of_address(COA1)


def test_a_new_router_while_the_old_one_answers() -> None:
    """MN-3-3-1-1-002, MN-3-3-1-1-003, R-MN-20: it is asked at its global address, and nothing changes."""
    roamer = on_first_link()
    assert roamer.hear(R2, R2_PREFIX) == [ConfirmNeighbour(INTERFACE, R1_GLOBAL)]
    roamer.ready(COA2)
    assert (roamer.state, roamer.care_of_address) == (State.CONFIRMING, COA1)
    assert roamer.hear(R2, R2_PREFIX) == []
    roamer.signal(NeighbourConfirmed(INTERFACE, COA2))
    assert roamer.state is State.CONFIRMING
    roamer.signal(NeighbourConfirmed(INTERFACE, R1_GLOBAL))
    assert (roamer.state, roamer.care_of_address) == (State.ATTACHED, COA1)
    assert roamer.hear(R2, R2_PREFIX) == []
    roamer.signal(NeighbourConfirmed(INTERFACE, R1_GLOBAL))


def test_a_router_long_silent_is_confirmed_again() -> None:
    """When another one on its link is heard."""
    roamer = on_first_link()
    roamer.hear(R2, R2_PREFIX)
    roamer.signal(NeighbourConfirmed(INTERFACE, R1))
    roamer.now += SILENCE_S
    assert roamer.hear(R2, R2_PREFIX) == [ConfirmNeighbour(INTERFACE, R1_GLOBAL)]


def test_a_new_router_while_the_old_one_is_gone() -> None:
    """MN-2-1-2-1-001, MN-3-3-1-1-004: the old one is forgotten, with its addresses."""
    roamer = on_first_link()
    roamer.hear(R2, R2_PREFIX)
    roamer.ready(COA2)
    assert roamer.signal(NeighbourLost(INTERFACE, R1_GLOBAL)) == [ForgetRouter(INTERFACE, R1)]
    assert (roamer.state, roamer.care_of_address) == (State.ATTACHED, COA2)
    assert roamer.signal(NeighbourLost(INTERFACE, R1_GLOBAL)) == []


def test_a_router_with_a_prefix_of_the_link() -> None:
    """It is on the link: nobody is asked."""
    roamer = on_first_link()
    assert roamer.hear(R2, R1_PREFIX) == []
    assert roamer.signal(NeighbourLost(INTERFACE, R1)) == [ForgetRouter(INTERFACE, R1)]
    assert roamer.care_of_address == COA1


def test_a_router_that_was_on_the_old_link_only() -> None:
    """It was silent since the new one is heard, and is forgotten along with the one in use."""
    roamer = on_first_link()
    third = parse("fe80::3")
    roamer.hear(third, R1_PREFIX)
    roamer.now += 5
    roamer.hear(R2, R2_PREFIX)
    effects = roamer.signal(NeighbourLost(INTERFACE, R1_GLOBAL))
    assert effects == [ForgetRouter(INTERFACE, R1), ForgetRouter(INTERFACE, third)]


def test_routers_that_share_a_link_local_address() -> None:
    """MN-3-3-1-1-005: their global addresses tell them apart; the link forgets both, and asks."""
    roamer = Roamer()
    roamer.up()
    roamer.hear(SHARED, R1_GLOBAL)
    assert roamer.hear(SHARED, R1_GLOBAL) == []
    assert roamer.hear(SHARED, R2_GLOBAL) == [ConfirmNeighbour(INTERFACE, R1_GLOBAL)]
    effects = roamer.signal(NeighbourLost(INTERFACE, R1_GLOBAL))
    assert effects == [ForgetRouter(INTERFACE, SHARED), SolicitRouters(INTERFACE)]


def test_routers_that_share_a_link_local_address_without_global_ones() -> None:
    """Their prefixes tell them apart; an advertisement without any is taken for the one before."""
    roamer = Roamer()
    roamer.up()
    roamer.hear(SHARED, R1_PREFIX)
    assert roamer.hear(SHARED) == []
    assert roamer.hear(SHARED, R2_PREFIX) == [ConfirmNeighbour(INTERFACE, SHARED)]


def test_a_link_event_on_the_same_link() -> None:
    """The first advertisement tells: the same prefix, from this router or another one."""
    for router in (R1, R2):
        roamer = on_first_link()
        roamer.signal(LinkChanged(INTERFACE, False))
        assert (roamer.state, roamer.place()) == (State.DOWN, None)
        roamer.up()
        assert (roamer.state, roamer.place()) == (State.CHANGED, None)
        assert roamer.up() == [SolicitRouters(INTERFACE)]
        assert roamer.hear(router, R1_PREFIX) == []
        assert (roamer.state, roamer.care_of_address) == (State.ATTACHED, COA1)


def test_a_link_event_and_another_link() -> None:
    """All that was known is forgotten at once, without asking."""
    roamer = on_first_link()
    roamer.hear(R2, R1_PREFIX)
    roamer.up()
    third = parse("fe80::3")
    assert roamer.hear(third, R2_PREFIX) == [ForgetRouter(INTERFACE, R1), ForgetRouter(INTERFACE, R2)]
    roamer.ready(COA2)
    assert roamer.care_of_address == COA2


def test_the_router_is_lost() -> None:
    """By its lifetime, or as it does not answer: others are sought."""
    for signal in (RouterExpired(INTERFACE, R1), NeighbourLost(INTERFACE, R1)):
        roamer = on_first_link()
        assert roamer.signal(signal) == [ForgetRouter(INTERFACE, R1), SolicitRouters(INTERFACE)]
        assert (roamer.state, roamer.place()) == (State.SOLICITING, None)


def test_the_router_is_lost_while_the_link_is_down_or_changed() -> None:
    """There is nobody to be solicited, or somebody is already."""
    roamer = on_first_link()
    roamer.signal(LinkChanged(INTERFACE, False))
    assert roamer.signal(NeighbourLost(INTERFACE, R1)) == [ForgetRouter(INTERFACE, R1)]
    assert roamer.state is State.DOWN
    roamer = on_first_link()
    roamer.hear(R2, R1_PREFIX)
    roamer.up()
    effects = roamer.signal(NeighbourLost(INTERFACE, R1))
    assert effects == [ForgetRouter(INTERFACE, R1), ForgetRouter(INTERFACE, R2), SolicitRouters(INTERFACE)]
    assert roamer.state is State.SOLICITING


def test_another_router_is_lost() -> None:
    """The one in use stays."""
    roamer = on_first_link()
    roamer.hear(R2, R1_PREFIX)
    assert roamer.signal(RouterExpired(INTERFACE, R2)) == [ForgetRouter(INTERFACE, R2)]
    assert roamer.signal(NeighbourLost(INTERFACE, CN), NeighbourFound(INTERFACE, CN, b"")) == []
    assert roamer.care_of_address == COA1


def test_missed_advertisements() -> None:
    """A router that promised an interval is confirmed after three of them."""
    roamer = Roamer()
    roamer.up()
    roamer.say(R1, advertisement(R1_GLOBAL, options=(ndp.AdvertisementInterval(1000),)))
    assert roamer.movement.next_deadline() == roamer.now + 3
    assert roamer.movement.advance(roamer.now + 2.9) == []
    roamer.now += 3
    assert roamer.movement.advance(roamer.now) == [ConfirmNeighbour(INTERFACE, R1_GLOBAL)]
    assert roamer.movement.next_deadline() is None
    roamer.signal(NeighbourConfirmed(INTERFACE, R1_GLOBAL))
    assert roamer.movement.next_deadline() == roamer.now + 3


def test_at_home() -> None:
    """R-MN-21: where the home prefix is on the link, and as long as it is valid."""
    roamer = on_first_link()
    roamer.up()
    roamer.say(R0, advertisement(HOME_PREFIX, valid_s=100, lifetime_s=0))
    assert roamer.place() == Place(INTERFACE, None, 200.0)
    assert roamer.movement.next_deadline() == 200
    roamer.now = 200.0
    assert roamer.movement.advance(roamer.now) == []
    assert roamer.movement.next_deadline() is None
    assert roamer.place() is None
    roamer.say(R0, advertisement(HOME_PREFIX, valid_s=ndp.INFINITY))
    assert roamer.place() == Place(INTERFACE, None)
    assert roamer.movement.next_deadline() is None


def test_not_at_home() -> None:
    """R-MN-21: a home prefix of another length, one that is not on the link, or one of a router not confirmed."""
    for option in (prefix_option(HOME_PREFIX, length=48), prefix_option(HOME_PREFIX, flags=ndp.AUTONOMOUS)):
        roamer = Roamer()
        roamer.up()
        roamer.say(R0, ndp.RouterAdvertisement(64, 0, 1800, options=(option,)))
        assert roamer.place() is None
    roamer = on_first_link()
    roamer.hear(R0, HOME_PREFIX)
    assert roamer.care_of_address == COA1
    roamer.signal(NeighbourConfirmed(INTERFACE, R1))
    assert roamer.place() == Place(INTERFACE, None, 7300.0)


def test_what_is_no_default_router_is_heard_at_home_only() -> None:
    """A router lifetime of zero."""
    roamer = Roamer()
    roamer.up()
    roamer.say(R1, advertisement(R1_PREFIX, lifetime_s=0))
    assert roamer.state is State.SOLICITING


def test_one_primary_care_of_address() -> None:
    """R-MN-22: it stays while it can be used; then another one is taken, a preferred one first."""
    roamer = Roamer()
    roamer.up()
    extra = ndp.PrefixInformation(64, EVERY_FLAG, 7200, 0, EXTRA)
    roamer.say(R1, advertisement(R1_PREFIX, options=(extra,)))
    roamer.ready(COA_EXTRA)
    assert roamer.care_of_address == COA_EXTRA
    roamer.ready(COA1)
    assert roamer.care_of_address == COA_EXTRA
    roamer.signal(AddressGone(INTERFACE, COA_EXTRA))
    assert roamer.care_of_address == COA1
    roamer = Roamer()
    roamer.up()
    roamer.say(R1, advertisement(R1_PREFIX, options=(extra,)))
    roamer.ready(COA_EXTRA, COA1)
    assert roamer.care_of_address == COA1
    roamer.now += 7200
    assert roamer.place() is None


def test_too_many_routers() -> None:
    """The one longest silent gives way, but never the one in use."""
    roamer = on_first_link()
    for number in range(MOST_ROUTERS + 5):
        roamer.now += 0.1
        roamer.hear(parse(f"fe80::f:{number:x}"), R1_PREFIX)
    assert roamer.care_of_address == COA1
    effects = roamer.signal(NeighbourLost(INTERFACE, R1))
    assert of(effects, ForgetRouter) == [ForgetRouter(INTERFACE, R1)]
    assert roamer.care_of_address == COA1


def test_two_interfaces() -> None:
    """The address in use stays; where its link goes, the other one's is taken; signals of no interface say nothing."""
    roamer = Roamer(INTERFACE, OTHER)
    for interface, router, prefix, address in ((INTERFACE, R1, R1_PREFIX, COA1), (OTHER, R2, R2_PREFIX, COA2)):
        roamer.up(interface)
        roamer.hear(router, prefix, interface=interface)
        roamer.ready(address, interface=interface)
        assert roamer.care_of_address == COA1
    roamer.signal(LinkChanged(INTERFACE, False))
    assert roamer.care_of_address == COA2
    assert roamer.signal(LinkChanged("eth9", False)) == []


def test_two_interfaces_on_the_home_link() -> None:
    """The one that is used stays in use while it can."""
    roamer = Roamer(INTERFACE, OTHER)
    for interface in (OTHER, INTERFACE):
        roamer.up(interface)
        roamer.hear(R0, HOME_PREFIX, interface=interface)
        assert roamer.place() == Place(OTHER, None, 7300.0)
    roamer.signal(LinkChanged(OTHER, False))
    assert roamer.place() == Place(INTERFACE, None, 7300.0)
