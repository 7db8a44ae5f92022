"""Tokens, keys and authenticators: the formulas, what they cover, and what they do not accept."""

import hmac
from hashlib import sha1

import pytest
from msgspec.structs import replace
from wire_samples import AGENT, CARE_OF, CORRESPONDENT, HOME, UPDATE, whole
from wire_vectors import Vector, named, of_kind

from mipsh.wire.address import parse
from mipsh.wire.authenticator import (
    authenticator,
    authorize,
    binding_management_key,
    care_of_keygen_token,
    home_keygen_token,
    is_authentic,
)
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    AlternateCareOfAddress,
    AuthorizationData,
    BindingAcknowledgement,
    BindingUpdate,
    CareOfTestInit,
    MobilityHeader,
    NonceIndices,
    decode_mobility,
)
from mipsh.wire.tlv import PadN

NODE_KEY = bytes(range(20))
NONCE = bytes.fromhex("1111111111111111")
HOME_TOKEN = bytes.fromhex("933df8529c197366")
KBM = bytes.fromhex("511b56ea6a7c462797c96d6560d93f4a2b2b79f2")
VECTOR_HOME, VECTOR_CARE_OF, VECTOR_PEER = (
    parse(text) for text in ("2001:db8:100::1", "2001:db8:101::1", "2001:db8:200::1")
)

AUTHENTIC = {
    "derived-BU-CN-register": (KBM, VECTOR_CARE_OF),
    "derived-BA-CN-accept": (KBM, VECTOR_CARE_OF),
    "derived-BA-CN-135": (KBM, VECTOR_CARE_OF),
    "derived-BU-CN-dereg-home": (binding_management_key(HOME_TOKEN), VECTOR_HOME),
    "derived-BA-CN-dereg-home": (binding_management_key(HOME_TOKEN), VECTOR_HOME),
    "derived-BU-CN-dereg-foreign-altcoa": (binding_management_key(HOME_TOKEN), VECTOR_HOME),
}
"""Vectors whose authenticator is right: the key, and the care-of address that it covers."""
NOT_AUTHENTIC = ("derived-neg-BU-bad-auth", "derived-neg-BU-no-BAD", "derived-neg-BU-BAD-not-last", "derived-HoTI")


def header_of(name: str) -> MobilityHeader:
    """Return the Mobility Header of a vector."""
    upper = whole(named(name).data).upper
    assert isinstance(upper, MobilityHeader)
    return upper


def test_home_keygen_token() -> None:
    """The token that the vectors' binding management key is made from, and the RFC's words for it."""
    token = home_keygen_token(NODE_KEY, VECTOR_HOME, NONCE)
    assert token == HOME_TOKEN
    assert token == hmac.new(NODE_KEY, VECTOR_HOME + NONCE + b"\x00", sha1).digest()[:8]
    assert care_of_keygen_token(NODE_KEY, VECTOR_HOME, NONCE) != token


def test_binding_management_key_of_the_home_token_alone() -> None:
    """To deregister, the care-of token is left out."""
    assert binding_management_key(HOME_TOKEN) == sha1(HOME_TOKEN).digest()


@pytest.mark.parametrize(
    "vector", [v for v in of_kind("ipv6") if "mac_input" in v.expected], ids=lambda vector: vector.name
)
def test_what_an_authenticator_covers(vector: Vector) -> None:
    """Care-of address, correspondent, and the Mobility Header up to the authenticator, its checksum zero."""
    covered = bytes.fromhex(vector.expected["mac_input"])
    key = KBM
    if vector.name == "derived-BU-CN-dereg-home":
        key = binding_management_key(HOME_TOKEN)
    if vector.name == "derived-BU-CN-altcoa":
        care_of = care_of_keygen_token(NODE_KEY, parse("2001:db8:102::1"), bytes.fromhex("2222222222222222"))
        key = binding_management_key(HOME_TOKEN, care_of)
    found = authenticator(key, covered[:16], covered[16:32], covered[32:])
    assert found.hex() == vector.expected["authenticator"]
    header = header_of(vector.name)
    assert is_authentic(header, key, covered[:16], covered[16:32])


@pytest.mark.parametrize("name", AUTHENTIC)
def test_vectors_that_are_authentic(name: str) -> None:
    """With their key and addresses, and with no other."""
    key, care_of_address = AUTHENTIC[name]
    header = header_of(name)
    assert is_authentic(header, key, care_of_address, VECTOR_PEER)
    assert not is_authentic(header, key, AGENT, VECTOR_PEER)
    assert not is_authentic(header, key, care_of_address, AGENT)
    assert not is_authentic(header, key[:-1] + b"\0", care_of_address, VECTOR_PEER)


@pytest.mark.parametrize("name", NOT_AUTHENTIC)
def test_vectors_that_are_not(name: str) -> None:
    """A wrong authenticator, none, one that is not the last option, and a message that has none."""
    assert not is_authentic(header_of(name), KBM, VECTOR_CARE_OF, VECTOR_PEER)


@pytest.mark.parametrize(
    "header",
    [
        MobilityHeader(BindingUpdate(1, 0, 1)),
        MobilityHeader(BindingUpdate(1, 0, 1, (AuthorizationData(b""),))),
        MobilityHeader(CareOfTestInit(bytes(8), (AuthorizationData(bytes(12)),))),
    ],
)
def test_messages_without_an_authenticator(header: MobilityHeader) -> None:
    """No option, an empty one, and a message that has no business with one."""
    assert not is_authentic(header, KBM, CARE_OF, CORRESPONDENT)


@pytest.mark.parametrize(
    ("message", "options"),
    [
        (BindingUpdate(1, ACKNOWLEDGE, 105, (NonceIndices(1, 2),)), (NonceIndices,)),
        (
            BindingUpdate(1, ACKNOWLEDGE, 105, (NonceIndices(1, 2), AlternateCareOfAddress(HOME))),
            (NonceIndices, PadN, AlternateCareOfAddress, PadN),
        ),
        (BindingAcknowledgement(0, 0, 1, 105), (PadN,)),
    ],
)
def test_a_message_is_authorized(message: BindingUpdate | BindingAcknowledgement, options: tuple[type, ...]) -> None:
    """The authenticator comes last, the other options stay, and what is sent is authentic."""
    authorized = authorize(message, KBM, CARE_OF, CORRESPONDENT)
    assert tuple(type(option) for option in authorized.options) == (*options, AuthorizationData)
    data = MobilityHeader(authorized).encode(HOME, CORRESPONDENT)
    assert len(data) % 8 == 0
    received = decode_mobility(data, 0, len(data), [])
    assert received is not None
    assert is_authentic(received, KBM, CARE_OF, CORRESPONDENT)
    assert is_authentic(replace(received, trailer=b"behind"), KBM, CARE_OF, CORRESPONDENT)


def test_every_bit_counts_but_those_of_the_checksum() -> None:
    """A change of any other bit of the header is noticed."""
    bare = replace(UPDATE, options=UPDATE.options[:1])
    data = MobilityHeader(authorize(bare, KBM, CARE_OF, CORRESPONDENT)).encode(HOME, CORRESPONDENT)
    for bit in range(len(data) * 8):
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        header = decode_mobility(bytes(changed), 0, len(changed), [])
        authentic = header is not None and is_authentic(header, KBM, CARE_OF, CORRESPONDENT)
        assert authentic == (bit // 8 in (4, 5))
