"""Keygen tokens, the binding management key and the authenticator of return routability (RFC 6275 section 5.2).

Nothing here keeps a secret: keys, nonces and tokens are arguments and results, 20, 8 and 8 bytes long.
"""

import hmac
from hashlib import sha1
from typing import TypeVar

from msgspec.structs import replace

from mipsh.wire.mobility import AuthorizationData, BindingAcknowledgement, BindingUpdate, MobilityHeader, padded

TOKEN_SIZE = 8
AUTHENTICATOR_SIZE = 12

Authorized = TypeVar("Authorized", bound=BindingUpdate | BindingAcknowledgement)


def home_keygen_token(node_key: bytes, home_address: bytes, nonce: bytes) -> bytes:
    """Return the token of a home test: First(64, HMAC_SHA1(Kcn, home address | nonce | 0)) (section 5.2.5)."""
    return _hmac_sha1(node_key, home_address + nonce + b"\0")[:TOKEN_SIZE]


def care_of_keygen_token(node_key: bytes, care_of_address: bytes, nonce: bytes) -> bytes:
    """Return the token of a care-of test: First(64, HMAC_SHA1(Kcn, care-of address | nonce | 1)) (section 5.2.5)."""
    return _hmac_sha1(node_key, care_of_address + nonce + b"\1")[:TOKEN_SIZE]


def binding_management_key(home_token: bytes, care_of_token: bytes = b"") -> bytes:
    """Return Kbm: SHA1(home token | care-of token), of the home token alone to deregister (section 5.2.5)."""
    return sha1(home_token + care_of_token).digest()


def authenticator(kbm: bytes, care_of_address: bytes, peer: bytes, covered: bytes) -> bytes:
    """Return First(96, HMAC_SHA1(Kbm, care-of address | correspondent | MH Data)) (section 6.2.7).

    ``covered`` is the Mobility Header up to the authenticator, its checksum zero. ``care_of_address``
    is the one to be registered (in an Alternate Care-of Address option, or the source), and the home
    address to deregister. ``peer`` is the correspondent, by its home address where it is mobile too.
    """
    return _hmac_sha1(kbm, care_of_address + peer + covered)[:AUTHENTICATOR_SIZE]


def authorize(message: Authorized, kbm: bytes, care_of_address: bytes, peer: bytes) -> Authorized:
    """Return a message with Binding Authorization Data behind its other options, all padded into place."""
    blank = AuthorizationData(bytes(AUTHENTICATOR_SIZE))
    message = padded(replace(message, options=(*message.options, blank)))
    proof = authenticator(kbm, care_of_address, peer, _covered(MobilityHeader(message), AUTHENTICATOR_SIZE))
    return replace(message, options=(*message.options[:-1], AuthorizationData(proof)))


def is_authentic(header: MobilityHeader, kbm: bytes, care_of_address: bytes, peer: bytes) -> bool:
    """Tell whether a message ends in the Binding Authorization Data that these make; in constant time."""
    message = header.message
    if not isinstance(message, BindingUpdate | BindingAcknowledgement) or not message.options:
        return False
    last = message.options[-1]
    if not isinstance(last, AuthorizationData):
        return False
    right = authenticator(kbm, care_of_address, peer, _covered(header, len(last.authenticator)))
    return hmac.compare_digest(right, last.authenticator)


def _covered(header: MobilityHeader, size: int) -> bytes:
    """Return what an authenticator of ``size`` bytes at the end of a header covers."""
    bare = replace(header, checksum=0, trailer=b"").encode(b"", b"")
    return bare[: len(bare) - size]


def _hmac_sha1(key: bytes, data: bytes) -> bytes:
    return hmac.digest(key, data, "sha1")
