"""Which Binding Updates are taken for one: fields, options, addresses (RFC 6275 sections 6.1.7, 6.2 and 9.2)."""

import pytest
from msgspec import structs
from playbook import (
    BAD_SIZE,
    CN,
    COA,
    COA2,
    HOA,
    LINK_LOCAL,
    MULTICAST,
    Scene,
    Tokens,
    Update,
    said,
)

from mipsh.mobility.correspondent_cache import State
from mipsh.wire.extension import FragmentHeader
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    KEY_MANAGEMENT,
    MOBILE_ROUTER,
    AlternateCareOfAddress,
    AuthorizationData,
    BindingAcknowledgement,
    BindingRefreshAdvice,
    MobilityHeader,
    NonceIndices,
    OtherMessage,
)
from mipsh.wire.mobility import (
    LINK_LOCAL as LINK_LOCAL_FLAG,
)
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload
from mipsh.wire.tlv import Option, PadN, UnknownOption

BLANK = AuthorizationData(bytes(12))
ERRONEOUS_FIELD = 0
DESTINATION_OPTIONS_SIZE = 24
MH_AT = HEADER_SIZE + DESTINATION_OPTIONS_SIZE


def data(update: Update) -> tuple[bytes, MobilityHeader]:
    """Return the message of an update as bytes behind the header, and its header."""
    header = update.packet().upper
    assert isinstance(header, MobilityHeader)
    return header.message.encode(), header


def test_cn_1_2__a_binding_update_is_accepted() -> None:
    """Sections 9.5.1 and 9.5.4: the acknowledgement is authenticated and has a type 2 routing header."""
    scene = Scene()
    scene.accepted(Update(scene.rr()))
    scene.chk_plus()


def test_cn_2_3_1_1__binding_refresh_advice_is_ignored() -> None:
    """Section 6.2.4: it belongs into an acknowledgement from a home agent."""
    scene = Scene()
    scene.accepted(Update(scene.rr(), before=(BindingRefreshAdvice(10),)))
    scene.chk_plus()


@pytest.mark.parametrize("order", [0, 1])
def test_cn_2_3_1_2__the_authorization_data_is_the_last_option(order: int) -> None:
    """Sections 6.2.7 and 9.5.1: options or padding behind it make the message invalid."""
    scene = Scene()
    tokens = scene.rr()
    alternate = AlternateCareOfAddress(COA)
    orders: tuple[tuple[Option, ...], ...] = (
        (tokens.indices, BLANK, PadN(bytes(4)), alternate),
        (PadN(bytes(4)), BLANK, tokens.indices, PadN()),
    )
    scene.silence(Update(tokens).exactly(*orders[order]))
    scene.chk0()


def test_cn_2_3_3__a_header_length_of_zero_is_a_parameter_problem() -> None:
    """Section 9.2: behind a 24-octet header with the Home Address option the length is octet 65."""
    scene = Scene()
    body, _ = data(Update(scene.rr()))
    short = MobilityHeader(OtherMessage(5, body[:2]), trailer=body[2:])
    scene.parameter_problem(Update(scene.rr()).around(short), ERRONEOUS_FIELD, 65)
    scene.chk0()


def test_cn_2_3_4__the_reserved_octet_is_ignored() -> None:
    """Section 6.1.1: the authenticator covers it as it was sent."""
    scene = Scene()
    update = Update(scene.rr())
    packet = update.exactly(update.tokens.indices, BLANK, reserved=0xFF)
    scene.acknowledged(update, 0, packet=packet)
    scene.chk_plus()


@pytest.mark.parametrize(
    "flags",
    [
        pytest.param(LINK_LOCAL_FLAG, id="CN-2-3-7"),
        pytest.param(KEY_MANAGEMENT, id="CN-2-3-8"),
        pytest.param(0x0FFF, id="CN-2-3-9"),
        pytest.param(KEY_MANAGEMENT | MOBILE_ROUTER, id="R-CN-40"),
    ],
)
def test_other_flags_mean_nothing_to_a_correspondent(flags: int) -> None:
    """Section 6.1.7: L, K, and what was reserved when the suites were written."""
    scene = Scene()
    scene.accepted(Update(scene.rr(), flags=ACKNOWLEDGE | flags))
    scene.chk_plus()


def test_cn_2_3_10_1__a_registration_needs_nonce_indices() -> None:
    """Section 9.5.1: without them it is silently discarded."""
    scene = Scene()
    scene.silence(Update(scene.rr(), with_indices=False).packet())
    scene.chk0()


def test_cn_2_3_10_2__a_deregistration_needs_nonce_indices() -> None:
    """Section 9.5.1: without them it is silently discarded, and the binding stays."""
    scene = Scene()
    tokens = scene.fresh_home(scene.reg().tokens)
    scene.silence(Update(tokens, s=2, lifetime=0, source=HOA, hao=None, with_indices=False).packet())
    scene.chk_plus()


@pytest.mark.parametrize("fault", ["none", "not last", "wrong"])
def test_cn_2_3_11__the_authorization_data_is_there_and_last_and_right(fault: str) -> None:
    """Sections 6.2.7 and 9.5.1: else the update is silently discarded."""
    scene = Scene()
    update = Update(scene.rr())
    packets = {
        "none": update.exactly(update.tokens.indices, PadN(bytes(4))),
        "not last": update.exactly(update.tokens.indices, BLANK, PadN(bytes(6))),
        "wrong": Update(update.tokens, key=bytes(20)).packet(),
    }
    scene.silence(packets[fault])
    scene.chk0()


@pytest.mark.parametrize("source", [MULTICAST, LINK_LOCAL])
@pytest.mark.parametrize("alt", [None, COA])
def test_cn_2_6_1__the_source_of_a_registration_is_unicast_routable(source: bytes, alt: bytes | None) -> None:
    """Sections 6.1.7 and 9.5.4: else it is silently discarded, with an Alternate Care-of Address too."""
    scene = Scene()
    scene.silence(Update(scene.rr(), source=source, alt=alt).packet())
    scene.chk0()


@pytest.mark.parametrize("hao", [MULTICAST, LINK_LOCAL])
def test_cn_2_6_2__the_home_address_is_unicast_routable(hao: bytes) -> None:
    """Sections 9.3.1 and 9.5.1: else it is silently discarded."""
    scene = Scene()
    scene.silence(Update(scene.rr(), hao=hao).packet())
    scene.chk0()


@pytest.mark.parametrize("alt", [MULTICAST, LINK_LOCAL])
def test_cn_2_6_3__the_alternate_care_of_address_is_unicast_routable(alt: bytes) -> None:
    """Section 6.1.7: else it is silently discarded."""
    scene = Scene()
    scene.silence(Update(scene.rr(), alt=alt).packet())
    scene.chk0()


@pytest.mark.parametrize("source", [MULTICAST, LINK_LOCAL])
def test_cn_2_6_4__the_source_of_a_deregistration_is_unicast_routable(source: bytes) -> None:
    """Section 9.5.1: else it is silently discarded, and the binding stays."""
    scene = Scene()
    tokens = scene.fresh_home(scene.reg().tokens)
    scene.silence(Update(tokens, s=2, lifetime=0, source=source, hao=None).packet())
    scene.chkh_plus()


def test_ct20_cn_bu_piggyback_a1_a0_bce__nothing_is_carried_behind_an_update() -> None:
    """Section 9.2: the payload proto is wrong then, and the binding stays."""
    for flags in (ACKNOWLEDGE, 0):
        scene = Scene()
        tokens = scene.fresh_home(scene.reg().tokens)
        update = Update(tokens, s=2, flags=flags, lifetime=0, source=HOA, hao=None)
        _, header = data(update)
        piggyback = structs.replace(header, next_header=17, trailer=bytes(8))
        scene.parameter_problem(update.around(piggyback), ERRONEOUS_FIELD, 40)
        scene.chk_plus()


def test_r_cn_20__every_octet_ahead_of_the_authenticator_counts() -> None:
    """Section 6.2.7: with any one flipped, and the checksum right again, no binding comes about.

    What section 9.2 answers, or an index that is not known, is answered as it says. All else is
    met with silence.
    """
    scene = Scene()
    tokens = scene.rr()
    body, header = data(Update(tokens))
    for at in range(len(body) - BAD_SIZE + 2):
        flipped = body[:at] + bytes((body[at] ^ 0x01,)) + body[at + 1 :]
        sent = scene.send(Update(tokens).around(structs.replace(header, message=OtherMessage(5, flipped))))
        assert all(said(reply, BindingAcknowledgement).status in (136, 137) for reply in sent)
        assert scene.correspondent.cache.get((Update(tokens).local, HOA)) is None
    silent = Update(tokens).around(structs.replace(header, reserved=1))
    scene.silence(silent)


def test_r_cn_21__the_authenticator_is_of_the_care_of_address_to_bind() -> None:
    """Sections 5.2.6 and 9.5.1: of the one in the Alternate Care-of Address option, not of the source."""
    scene = Scene()
    tokens = scene.rr(care_of=COA2)
    scene.silence(Update(tokens, alt=COA2, covered=COA).packet())
    scene.accepted(Update(tokens, alt=COA2))
    scene.chk_plus(care_of=COA2)


def test_cn_3_1_2__the_alternate_care_of_address_may_be_the_source() -> None:
    """Section 9.5.1: it says then what the source says."""
    scene = Scene()
    scene.accepted(Update(scene.rr(), alt=COA))
    scene.chk_plus()


@pytest.mark.parametrize("order", [(0, 1, 2, 3), (3, 2, 1, 0), (1, 3, 0, 2), (2, 0, 3, 1)])
def test_r_cn_22__options_come_in_any_order(order: tuple[int, ...]) -> None:
    """Section 6.2.1: but for the authenticator; an unknown one is skipped."""
    scene = Scene()
    tokens = scene.rr()
    options: tuple[Option, ...] = (
        tokens.indices,
        AlternateCareOfAddress(COA),
        UnknownOption(200, b"any"),
        PadN(bytes(3)),
    )
    update = Update(tokens, before=[options[number] for number in order], with_indices=False)
    scene.accepted(update)
    scene.chk_plus()


@pytest.mark.parametrize("size", [11, 13, 16])
def test_r_cn_23__the_authenticator_has_twelve_octets(size: int) -> None:
    """Section 6.2.7: one of another length proves nothing, though it begins as it should."""
    scene = Scene()
    update = Update(scene.rr())
    last = update.message().options[-1]
    assert isinstance(last, AuthorizationData)
    proof = AuthorizationData((last.authenticator + bytes(4))[:size])
    ahead = 12 + len(update.tokens.indices.encode())
    fill = PadN(bytes((-ahead - 2 - size - 2) % 8))
    message = structs.replace(update.message(), options=(fill, update.tokens.indices, proof))
    scene.silence(update.packet(message))
    scene.chk0()


@pytest.mark.parametrize("size", [2, 6])
def test_r_cn_24__nonce_indices_of_another_length_are_none(size: int) -> None:
    """Section 6.2.6: the option is malformed, and the update silently discarded."""
    scene = Scene()
    update = Update(scene.rr(), before=(UnknownOption(4, bytes(size)),), with_indices=False)
    scene.silence(update.packet())
    scene.chk0()


@pytest.mark.parametrize("option", [NonceIndices(1, 1), AlternateCareOfAddress(COA)])
def test_r_cn_25__an_option_that_is_there_twice_makes_an_update_ambiguous(option: Option) -> None:
    """The RFC does not say which one counts: the update is silently discarded."""
    scene = Scene()
    scene.silence(Update(scene.rr(), before=(option,), alt=COA).packet())
    scene.chk0()


def test_r_cn_26__an_option_that_overruns_the_header_is_not_read() -> None:
    """Section 6.2.1: the update is silently discarded."""
    scene = Scene()
    update = Update(scene.rr())
    body, header = data(update)
    cut = OtherMessage(5, body[: -BAD_SIZE + 1] + bytes((200,)) + body[-BAD_SIZE + 2 :])
    scene.silence(update.around(structs.replace(header, message=cut)))
    scene.chk0()


def test_r_cn_26__a_test_with_an_option_that_overruns_is_not_answered() -> None:
    """Section 6.2.1: whatever the message, it is malformed then, and silently discarded."""
    cut = OtherMessage(1, bytes(2) + b"homecook" + bytes((200, 7)) + bytes(6))
    Scene().silence(Packet(HOA, CN, MobilityHeader(cut)))


def test_r_cn_27__a_header_that_is_longer_than_its_packet_is_dropped() -> None:
    """Sections 6.1.1 and 9.2: there is no checksum over what is not there."""
    scene = Scene()
    raw = bytearray(Update(scene.rr()).packet().encode())
    raw[MH_AT + 1] += 1
    assert scene.node.receive(bytes(raw), "eth0", scene.now) == []
    scene.chk0()


def pieces(packet: Packet, size: int) -> list[Packet]:
    """Cut a packet in two, ``size`` bytes behind its extension headers."""
    upper = packet.upper
    assert isinstance(upper, MobilityHeader)
    body = upper.encode(packet.covered_source, packet.covered_destination)
    return [
        structs.replace(
            packet,
            upper=Payload(135, part),
            headers=(*packet.headers, FragmentHeader(at // 8, at == 0, 77)),
        )
        for at, part in ((0, body[:size]), (size, body[size:]))
    ]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_r_cn_28__an_update_in_fragments_is_put_together(order: tuple[int, int]) -> None:
    """RFC 8200 section 4.5: in whatever order they come."""
    scene = Scene()
    update = Update(scene.rr())
    cut = pieces(update.packet(), 16)
    scene.silence(cut[order[0]])
    scene.acknowledged(update, 0, packet=cut[order[1]])
    scene.chk_plus()


def test_r_cn_29__the_checksum_is_of_the_home_address() -> None:
    """Section 6.1.1: with a Home Address option, that is the source; of the care-of address it is wrong."""
    scene = Scene()
    update = Update(scene.rr())
    _, header = data(update)
    without_option = Packet(COA, update.local, header).encode()
    checksum = int.from_bytes(without_option[HEADER_SIZE + 4 : HEADER_SIZE + 6])
    scene.silence(update.around(structs.replace(header, checksum=checksum)))
    scene.accepted(update)


def test_r_cn_30__the_checksum_of_an_acknowledgement_is_of_the_home_address() -> None:
    """Section 6.1.1: the final destination, not the care-of address in the header."""
    scene = Scene()
    update = Update(scene.rr())
    reply = scene.answer(update.packet())
    assert isinstance(reply.upper, MobilityHeader)
    assert reply.upper.verifies(update.local, HOA)
    assert not reply.upper.verifies(update.local, COA)


def test_an_update_of_no_one_changes_nothing() -> None:
    """Section 9.5.1: with tokens that were made up, there is silence where the indices are good."""
    scene = Scene()
    good = scene.rr()
    scene.silence(Update(Tokens(good.home_index, bytes(8), good.care_of_index, bytes(8))).packet())
    assert all(entry.state is not State.BOUND for entry in scene.correspondent.cache)
