"""What Binding Acknowledgements of correspondents do, believed or not (RFC 6275 section 11.7.3)."""

import pytest
from msgspec import structs
from route_bench import CN, CN2, COA, COA2, HOA, Bench, parameters

from mipsh.mobility.effects import Emit
from mipsh.mobility.mobile.update_list import State
from mipsh.mobility.nonces import Nonces
from mipsh.mobility.status import AckStatus
from mipsh.wire.authenticator import authorize, binding_management_key
from mipsh.wire.extension import Type2RoutingHeader
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    BindingAcknowledgement,
    BindingRefreshAdvice,
    BindingUpdate,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    MobilityHeader,
    NonceIndices,
    padded,
)
from mipsh.wire.packet import Packet
from mipsh.wire.tlv import Option

HOME_TOKEN, CARE_OF_TOKEN = b"homehome", b"carecare"
KEY = binding_management_key(HOME_TOKEN, CARE_OF_TOKEN)


class Played(Bench):
    """A bench whose correspondent is played by the test: it answers all tests, and updates as told."""

    def __init__(self, acknowledge: bool = True, nonce: int = 1) -> None:
        super().__init__(parameters(acknowledge_correspondents=acknowledge), ())
        self.nonce = nonce
        self.away()
        self.trigger()
        self.test()

    def test(self) -> None:
        """Answer the last tests."""
        for sent in tuple(self.sent):
            if isinstance(sent.message, HomeTestInit):
                self.hear_message(HomeTest(self.nonce, sent.message.cookie, HOME_TOKEN))
            if isinstance(sent.message, CareOfTestInit):
                self.hear_message(CareOfTest(self.nonce, sent.message.cookie, CARE_OF_TOKEN), destination=COA)

    @property
    def update(self) -> BindingUpdate:
        """The last Binding Update."""
        return self.of(BindingUpdate)[-1]

    def answer(
        self,
        status: int = 0,
        sequence: int | None = None,
        *,
        lifetime: int = 105,
        options: tuple[Option, ...] = (),
        key: bytes | None = KEY,
        source: bytes = CN,
    ) -> None:
        """Answer the last Binding Update; it is authenticated where there is a key."""
        number = self.update.sequence if sequence is None else sequence
        message = BindingAcknowledgement(status, 0, number, lifetime, options)
        message = padded(message) if key is None else authorize(message, key, COA, CN)
        self.hear(Packet(source, COA, MobilityHeader(message), (Type2RoutingHeader(HOA),)))


@pytest.mark.parametrize("status", [0, 1, 127])
def test_accepted(status: int) -> None:
    """MN-3-2-1-2-001: any status below 128."""
    played = Played()
    played.answer(status)
    assert played.uses_care_of_address()


def test_a_shorter_lifetime() -> None:
    """MN-3-2-1-2-017: the tunnel after it; the next packet there starts return routability."""
    played = Played()
    played.now += 0.5
    played.answer(lifetime=5)
    assert played.entry().expires == 1020
    played.wait(19.5)
    assert not played.uses_care_of_address()
    played.sent.clear()
    played.trigger()
    assert len(played.of(HomeTestInit)) == 1


def test_a_longer_lifetime_than_asked_for() -> None:
    """It is not believed."""
    played = Played()
    played.answer(lifetime=500)
    assert played.entry().expires == played.now + 420


def test_no_lifetime() -> None:
    """Accepted, and over: the peer is left alone."""
    played = Played()
    played.answer(lifetime=0)
    assert played.state() is State.REFUSED


@pytest.mark.parametrize("interval", [0, 1, 50])
def test_refresh_advice_of_a_correspondent(interval: int) -> None:
    """MN-3-2-1-2-023: the option means nothing; no early update."""
    played = Played()
    played.answer(options=(BindingRefreshAdvice(interval),))
    assert played.uses_care_of_address()
    played.sent.clear()
    played.wait(335)
    assert played.sent == []


def test_what_is_not_believed() -> None:
    """MN-3-2-1-2-024, R-MN-16: wrong or no authenticator, sequence number or source; the update is sent again."""
    played = Played()
    number = played.update.sequence
    for status in (0, 128, 129, 135):
        played.answer(status, key=binding_management_key(bytes(8)))
        played.answer(status, key=None)
        played.answer(status, source=CN2)
    played.answer(sequence=(number + 1) % 65536)
    played.answer(136, sequence=(number - 1) % 65536, key=None)
    assert played.state() is State.BINDING
    played.wait(1)
    assert played.update.sequence == (number + 1) % 65536
    played.answer(sequence=number)
    assert played.state() is State.BINDING
    played.answer()
    assert played.state() is State.BOUND


def test_one_that_comes_twice() -> None:
    """It changes nothing, whatever it says."""
    played = Played()
    played.answer(lifetime=100)
    played.answer(lifetime=50)
    played.answer(129)
    assert played.entry().lifetime_s == 400


@pytest.mark.parametrize("status", [128, 129, 130, 131, 139, 255])
def test_rejected(status: int) -> None:
    """MN-3-2-1-2-003, R-MN-15: the tunnel; the peer is left alone for a while."""
    played = Played()
    played.answer(status)
    assert played.state() is State.REFUSED
    assert played.effects == [Emit("mnRouteOptimisationRefused", HOA, COA, CN, f"status {status}")]
    played.sent.clear()
    played.trigger()
    played.wait(599)
    assert played.sent == []
    played.wait(1)
    played.trigger()
    played.test()
    assert len(played.of(BindingUpdate)) == 1


@pytest.mark.parametrize("number", [0, 9, 65535])
def test_out_of_window(number: int) -> None:
    """MN-3-2-1-2-010, R-MN-24: the next number is the one behind the peer's."""
    played = Played()
    played.answer(135, number)
    assert played.update.sequence == (number + 1) % 65536
    played.answer()
    assert played.state() is State.BOUND


@pytest.mark.parametrize(
    ("status", "kinds"),
    [
        (AckStatus.EXPIRED_HOME_NONCE_INDEX, [HomeTestInit]),
        (AckStatus.EXPIRED_CARE_OF_NONCE_INDEX, [CareOfTestInit]),
        (AckStatus.EXPIRED_NONCES, [HomeTestInit, CareOfTestInit]),
    ],
)
@pytest.mark.parametrize("key", [None, KEY])
@pytest.mark.parametrize("acknowledge", [True, False])
def test_expired_nonces(status: AckStatus, kinds: list[type], key: bytes | None, acknowledge: bool) -> None:
    """MN-3-2-1-2-011, 012, 013, R-MN-41: the tests anew, with new cookies, then an update, with or without proof."""
    played = Played(acknowledge)
    before = played.update
    cookies = set(played.cookies)
    played.sent.clear()
    played.hear_message(padded(BindingAcknowledgement(status, 0, before.sequence, 0)))
    assert [type(sent.message) for sent in played.sent] == kinds
    assert not played.uses_care_of_address()
    assert cookies.isdisjoint(played.cookies)
    played.nonce = 2
    played.test()
    home, care_of = (2 if kind in kinds else 1 for kind in (HomeTestInit, CareOfTestInit))
    assert played.update.options[0] == NonceIndices(home, care_of)
    assert played.update.sequence == (before.sequence + 1) % 65536
    if acknowledge:
        played.answer(key=KEY)
    assert played.state() is State.BOUND


def test_expired_nonces_while_a_binding_holds() -> None:
    """The binding is used until the new one is there."""
    played = Played()
    played.answer()
    played.sent.clear()
    played.renew()
    played.test()
    played.answer(138, key=None)
    assert played.state() is State.RETESTING
    assert played.uses_care_of_address()


def test_without_the_a_flag_only_rejections_count() -> None:
    """There is no answer to be expected but these."""
    played = Played(acknowledge=False)
    assert played.update.flags & ACKNOWLEDGE == 0
    played.answer(lifetime=1)
    assert played.entry().lifetime_s == 420
    played.answer(135, 77)
    assert played.update.sequence == 78
    assert played.state() is State.BOUND
    played.answer(129)
    assert played.state() is State.REFUSED


def test_rejections_in_a_row_end_it() -> None:
    """R-MN-06, MAX_RO_FAILURE: three updates in a second, four at all; what is rejected already counts once."""
    played = Played()
    for number in range(1000, 11_000, 1000):
        played.answer(135, number)
        played.wait(0.3)
    played.wait(5)
    times = played.times(BindingUpdate)
    assert all(times[i + 3] - times[i] >= 1.0 for i in range(len(times) - 3))
    assert played.state() is State.REFUSED
    assert len(times) == 4


def test_a_rejection_that_was_overtaken_counts_for_nothing() -> None:
    """An update that came twice is rejected the second time; a newer one is on its way already."""
    played = Played()
    number = played.update.sequence
    played.wait(1.1)
    assert played.update.sequence == (number + 1) % 65536
    sent = len(played.of(BindingUpdate))
    for _ in range(5):
        played.answer(135, number)
    assert len(played.of(BindingUpdate)) == sent
    played.answer()
    assert played.state() is State.BOUND


def test_an_acceptance_ends_the_row() -> None:
    """Three rejections now, and three later, are not six in a row."""
    played = Played()
    for _ in range(3):
        for number in (10, 20, 30):
            played.answer(135, number)
            played.wait(0.5)
        played.answer()
        assert played.state() is State.BOUND
        played.wait(5)
        played.renew()
        played.test()
        assert played.state() is State.REBINDING


def test_an_update_that_must_wait_for_its_turn() -> None:
    """The fourth in a second goes when the second is over."""
    played = Played()
    for number in (10, 20, 30):
        played.answer(135, number)
    assert len(played.of(BindingUpdate)) == 3
    played.wait(0.9)
    assert len(played.of(BindingUpdate)) == 3
    played.wait(0.1)
    assert len(played.of(BindingUpdate)) == 4
    played.answer()
    assert played.state() is State.BOUND


def test_an_answer_to_an_update_from_another_care_of_address() -> None:
    """R-MN-17, R-MN-38: ignored after a move."""
    played = Played()
    answer = BindingAcknowledgement(0, 0, played.update.sequence, 105)
    played.moving()
    played.away(COA2)
    played.sent.clear()
    played.hear_message(authorize(answer, KEY, COA, CN))
    assert not played.uses_care_of_address()


def test_a_correspondent_that_restarted() -> None:
    """It has lost its nonces and bindings: the tests anew, then it knows the mobile node again."""
    bench = Bench()
    bench.optimised()
    bench.nodes[CN].roles.correspondent.nonces = Nonces(bytes)
    bench.wait(10)
    bench.away(COA2)
    messages = [type(message) for message in bench.drain()]
    assert messages == [CareOfTestInit, BindingUpdate, HomeTestInit, BindingUpdate]
    assert bench.uses_care_of_address()


def test_a_deletion_with_an_expired_nonce() -> None:
    """The home test anew, then the deletion again; a refusal of a deletion ends it."""
    bench = Bench()
    bench.optimised()
    bench.lose = lambda packet: isinstance(packet.upper, MobilityHeader) and packet.upper.type == BindingUpdate.TYPE
    bench.at_home()
    update = bench.of(BindingUpdate)[-1]
    bench.sent.clear()
    bench.lose = lambda packet: True
    expired = padded(BindingAcknowledgement(AckStatus.EXPIRED_HOME_NONCE_INDEX, 0, update.sequence, 0))
    bench.hear_message(expired)
    assert bench.state() is State.RELEASING
    (home,) = bench.of(HomeTestInit)
    bench.hear_message(HomeTest(5, home.cookie, HOME_TOKEN))
    assert bench.state() is State.DELETING
    update = bench.of(BindingUpdate)[-1]
    refused = BindingAcknowledgement(130, 0, update.sequence, 0)
    bench.hear_message(authorize(refused, binding_management_key(HOME_TOKEN), HOA, CN))
    assert bench.state() is State.ABSENT
    bench.wait(100)
    assert len(bench.sent) == 2


def test_reserved_bits_of_an_acknowledgement() -> None:
    """They do not matter."""
    played = Played()
    answer = BindingAcknowledgement(0, 0x3F, played.update.sequence, 105)
    played.hear_message(structs.replace(authorize(answer, KEY, COA, CN)))
    assert played.state() is State.BOUND
