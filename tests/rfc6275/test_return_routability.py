"""Return routability: tests, tokens and nonces (RFC 6275 sections 5.2, 6.1.3, 6.1.4, 9.2 and 9.4)."""

import hmac
from dataclasses import replace

import pytest
from msgspec import structs
from playbook import (
    CARE_OF_COOKIE,
    CN,
    CN2,
    COA,
    HOA,
    HOME_COOKIE,
    MAX_NONCE_LIFETIME,
    Entropy,
    Scene,
    Tokens,
    Update,
    coti,
    hoti,
    mobility,
    said,
    unrouted,
)

from mipsh.mobility.nonces import KCN_SIZE, NONCE_SIZE, Nonces
from mipsh.wire.authenticator import care_of_keygen_token, home_keygen_token
from mipsh.wire.mobility import (
    AlternateCareOfAddress,
    CareOfTest,
    CareOfTestInit,
    HomeTest,
    HomeTestInit,
    Message,
    MobilityHeader,
    NonceIndices,
    OtherMessage,
    padded,
)
from mipsh.wire.packet import Packet
from mipsh.wire.tlv import Option

ERRONEOUS_FIELD = 0


def changed(packet: Packet, header: MobilityHeader) -> Packet:
    """Return a packet with another Mobility Header."""
    return structs.replace(packet, upper=header)


def test_cn_1_1__both_tests_are_answered_and_an_unknown_home_address_is_an_error() -> None:
    """Sections 9.3.1, 9.4.3 and 9.4.4: what a node without a binding does."""
    scene = Scene()
    scene.chkh()
    scene.chk0()
    assert scene.cot().cookie == CARE_OF_COOKIE
    assert scene.hot().cookie == HOME_COOKIE


@pytest.mark.parametrize(
    ("init", "answer", "option"),
    [
        pytest.param(HomeTestInit(HOME_COOKIE), HomeTest, NonceIndices(1, 2), id="CN-2-1-1"),
        pytest.param(CareOfTestInit(CARE_OF_COOKIE), CareOfTest, NonceIndices(1, 2), id="CN-2-2-1-1"),
        pytest.param(CareOfTestInit(CARE_OF_COOKIE), CareOfTest, AlternateCareOfAddress(COA), id="CN-2-2-1-2"),
    ],
)
def test_an_option_that_is_not_for_the_message_is_skipped(
    init: HomeTestInit | CareOfTestInit, answer: type[HomeTest] | type[CareOfTest], option: Option
) -> None:
    """Section 6.2.1: the message is answered as if the option were not there."""
    reply = Scene().answer(mobility(COA, padded(structs.replace(init, options=(option,)))))
    message = said(reply, answer)
    assert isinstance(message, HomeTest | CareOfTest)
    assert message.cookie == init.cookie


def test_cn_2_1_2__a_home_test_init_has_no_home_address_option() -> None:
    """Section 9.4.1: else it is silently ignored."""
    Scene().silence(mobility(COA, HomeTestInit(HOME_COOKIE), HOA))


def test_cn_2_2_2__a_care_of_test_init_has_no_home_address_option() -> None:
    """Section 9.4.2: else it is silently ignored."""
    Scene().silence(mobility(COA, CareOfTestInit(CARE_OF_COOKIE), HOA))


@pytest.mark.parametrize(
    ("type_", "source"), [pytest.param(1, HOA, id="CN-2-1-3"), pytest.param(2, COA, id="CN-2-2-3")]
)
def test_a_header_length_of_zero_is_a_parameter_problem(type_: int, source: bytes) -> None:
    """Section 9.2: it points at the length; the checksum is right, over the header alone or over all of it."""
    short = MobilityHeader(OtherMessage(type_, bytes(2)), trailer=bytes(8))
    packet = changed(hoti(source), short)
    Scene().parameter_problem(packet, ERRONEOUS_FIELD, 41)
    whole = structs.replace(packet, upper=MobilityHeader(OtherMessage(type_, bytes(10))))
    checked = int.from_bytes(whole.encode()[44:46]) + 1
    Scene().parameter_problem(changed(packet, structs.replace(short, checksum=checked)), ERRONEOUS_FIELD, 41)


def test_cn_2_1_4__reserved_fields_are_ignored() -> None:
    """Sections 6.1.1 and 6.1.3: in the header and in the message."""
    scene = Scene()
    message = HomeTestInit(HOME_COOKIE)
    for header in (
        MobilityHeader(message, reserved=0xFF),
        MobilityHeader(structs.replace(message, reserved=0xFFFF)),
    ):
        assert unrouted(scene.answer(changed(hoti(), header)), HomeTest, HOA, CN).cookie == HOME_COOKIE


@pytest.mark.parametrize("packet", [pytest.param(hoti(), id="CN-2-1-5"), pytest.param(coti(), id="CN-2-2-5")])
def test_another_payload_proto_is_a_parameter_problem(packet: Packet) -> None:
    """Section 9.2: it points at the field."""
    assert isinstance(packet.upper, MobilityHeader)
    wrong = structs.replace(packet.upper, next_header=0xFF)
    Scene().parameter_problem(changed(packet, wrong), ERRONEOUS_FIELD, 40)


@pytest.mark.parametrize("packet", [pytest.param(hoti(), id="CN-2-1-6"), pytest.param(coti(), id="CN-2-2-6")])
def test_a_wrong_checksum_is_met_with_silence(packet: Packet) -> None:
    """Section 9.2: whatever else is wrong with it."""
    assert isinstance(packet.upper, MobilityHeader)
    for next_header in (59, 0xFF):
        wrong = structs.replace(packet.upper, checksum=0, next_header=next_header)
        Scene().silence(changed(packet, wrong))


@pytest.mark.parametrize(
    "packet",
    [
        pytest.param(hoti(), id="ct20-CN-HoTI_Piggyback"),
        pytest.param(coti(), id="ct20-CN-CoTI_Piggyback"),
    ],
)
def test_nothing_is_carried_behind_a_test_init(packet: Packet) -> None:
    """Section 9.2: the payload proto is wrong then, whether or not the checksum covers what follows."""
    assert isinstance(packet.upper, MobilityHeader)
    piggyback = structs.replace(packet.upper, next_header=17, trailer=bytes(8))
    Scene().parameter_problem(changed(packet, piggyback), ERRONEOUS_FIELD, 40)


def test_ct20_cn_hoti_bce_coti_bce__tests_are_answered_while_there_is_a_binding() -> None:
    """Sections 6.1, 9.4.3 and 9.4.4: without a type 2 routing header."""
    scene = Scene()
    scene.reg()
    assert scene.hot().cookie == HOME_COOKIE
    assert scene.cot().cookie == CARE_OF_COOKIE


def test_cn_2_4_2__tests_are_answered_from_the_address_that_was_asked() -> None:
    """Sections 9.4.3 and 9.4.4: each of the node's addresses is a correspondent."""
    scene = Scene()
    for local in (CN, CN2):
        scene.rr(local=local)


def test_cn_4_11__nonces_rotate() -> None:
    """Section 5.2.7: a test within their lifetime meets another nonce."""
    scene = Scene()
    first = scene.rr()
    scene.wait(MAX_NONCE_LIFETIME - 1)
    second = scene.rr()
    assert first.home_index != second.home_index
    assert first.care_of_index != second.care_of_index


@pytest.mark.parametrize(
    ("swap", "last", "address"), [pytest.param(0, b"\0", HOA, id="R-CN-12"), pytest.param(1, b"\1", COA, id="R-CN-13")]
)
def test_the_formula_of_the_keygen_tokens(swap: int, last: bytes, address: bytes) -> None:
    """Section 5.2.5: First(64, HMAC_SHA1(Kcn, address | nonce | 0 or 1)), with the secrets drawn in their order."""
    secrets = Entropy(b"formula")
    kcn, _, nonce = secrets(KCN_SIZE), secrets(2), secrets(NONCE_SIZE)
    expected = hmac.digest(kcn, address + nonce + last, "sha1")[:8]
    scene = Scene(seed=b"formula")
    test = scene.cot(address) if swap else scene.hot(address)
    assert test.token == expected
    assert expected == (care_of_keygen_token if swap else home_keygen_token)(kcn, address, nonce)


def test_r_cn_14__tests_leave_nothing_behind() -> None:
    """Section 9.4: a flood from ten thousand sources changes neither the cache nor what is due."""
    scene = Scene()
    for number in range(10_000):
        source = HOA[:8] + number.to_bytes(8)
        assert len(scene.send(hoti(source) if number % 2 else coti(source))) == 1
    assert len(scene.correspondent.cache) == 0
    assert scene.node.next_deadline() is None


def test_r_cn_15__home_and_care_of_tokens_differ_for_one_nonce() -> None:
    """Section 5.2.5: the last octet sets them apart, even for one address."""
    scene = Scene()
    home, care_of = scene.hot(HOA), scene.cot(HOA)
    assert home.nonce_index == care_of.nonce_index
    assert home.token != care_of.token


def test_r_cn_16__tokens_are_not_interchangeable() -> None:
    """Section 5.2.6: the key is made of the home token and then the care-of token."""
    scene = Scene()
    tokens = scene.rr()
    swapped = replace(tokens, home=tokens.care_of, care_of=tokens.home)
    scene.silence(Update(swapped).packet())
    scene.chk0()


def test_r_cn_17__tokens_of_another_correspondent_are_worth_nothing() -> None:
    """Section 5.2.5: each has a secret of its own; the indices may be known to both."""
    tokens = Scene(seed=b"another").rr()
    scene = Scene()
    own = scene.rr()
    scene.silence(Update(replace(own, home=tokens.home, care_of=tokens.care_of)).packet())
    scene.acknowledged(Update(tokens), 138, proven=False)
    scene.chk0()


@pytest.mark.parametrize("age", [209, 239])
def test_r_cn_18__tokens_are_good_for_the_nonces_lifetime(age: int) -> None:
    """Sections 5.2.7 and 12: a nonce's first token is good until 240 s; 241 s is too late for both."""
    scene = Scene()
    tokens = scene.rr()
    scene.wait(age)
    scene.accepted(Update(tokens))
    scene.wait(241 - age)
    scene.acknowledged(Update(tokens, s=2), 138, proven=False)


def test_r_cn_18__a_token_is_good_for_its_lifetime_however_old_its_nonce_was() -> None:
    """Section 12: MAX_TOKEN_LIFETIME is 210 s; a nonce is handed out for the 30 s that are left to it."""
    scene = Scene()
    scene.rr()
    scene.wait(29.9)
    tokens = scene.rr()
    scene.wait(210)
    scene.accepted(Update(tokens))


def test_r_cn_19__a_node_that_started_anew_refuses_old_indices() -> None:
    """Section 5.2.1: its secrets are new, and so are its indices."""
    tokens = Scene(seed=b"before").rr()
    Scene(seed=b"after").acknowledged(Update(tokens), 138, proven=False)


def test_one_exchange_does_not_answer_more_than_the_limit() -> None:
    """Ten at once, then three a second; other sources are not held back."""
    scene = Scene()
    assert sum(len(scene.send(hoti())) for _ in range(50)) == 10
    assert len(scene.send(coti())) == 1
    scene.wait(1)
    assert sum(len(scene.send(hoti())) for _ in range(50)) == 3


@pytest.mark.parametrize("message", [HomeTest(1, bytes(8), bytes(8)), CareOfTest(1, bytes(8), bytes(8))])
def test_what_a_correspondent_does_not_take_part_in_is_ignored(message: Message) -> None:
    """Sections 11.6.2 and 11.6.3: tests are for mobile nodes."""
    Scene().silence(mobility(COA, message))


def test_the_index_wraps() -> None:
    """Nonce indices are 16 bits; the one behind 65535 is 0."""
    nonces = Nonces(lambda size: b"\xff" * size)
    assert nonces.current(0.0) == 0
    assert Tokens(0, nonces.home_token(0, HOA)).indices == NonceIndices(0, 0)
