"""Binding Updates for correspondents, and the acknowledgements to them (RFC 6275 sections 11.7.2 and 11.7.3)."""

from msgspec import Struct

from mipsh.mobility.paths import from_care_of_address
from mipsh.mobility.status import NONCE_STATUSES, AckStatus
from mipsh.wire.authenticator import authorize, binding_management_key, is_authentic
from mipsh.wire.mobility import (
    ACKNOWLEDGE,
    LIFETIME_UNIT_S,
    BindingAcknowledgement,
    BindingUpdate,
    MobilityHeader,
    NonceIndices,
)
from mipsh.wire.packet import Packet


class SentUpdate(Struct, frozen=True):
    """A Binding Update as it went at a time; ``key`` and ``care_of_address`` prove its acknowledgement too."""

    message: BindingUpdate
    at: float
    key: bytes
    care_of_address: bytes


def update(sequence: int, units: int, indices: NonceIndices, *, acknowledge: bool) -> BindingUpdate:
    """Return a Binding Update without its authenticator; ``units`` is the lifetime in units of 4 seconds.

    The care-of address is named once, as the source of the packet. Neither H nor K is set.
    """
    return BindingUpdate(sequence, ACKNOWLEDGE if acknowledge else 0, units, (indices,))


def authorized(
    message: BindingUpdate, tokens: tuple[bytes, bytes], care_of_address: bytes, peer: bytes, now: float
) -> SentUpdate:
    """Return a Binding Update as it is sent, by the home and the care-of keygen token (section 5.2.6).

    The key of a deletion is of the home token alone.
    """
    home, care_of = tokens
    key = binding_management_key(home, care_of if message.lifetime else b"")
    return SentUpdate(authorize(message, key, care_of_address, peer), now, key, care_of_address)


def packet(sent: SentUpdate, home_address: bytes, peer: bytes) -> Packet:
    """Return the packet with a Binding Update: from the care-of address, with a Home Address option.

    To a correspondent that is mobile too it goes like any Mobility Header: to its home address and
    without a routing header, even where there is a binding for it (section 9.3.2). So it reaches the
    correspondent through its home agent, whatever becomes of its care-of address, and so does the
    acknowledgement leave it.
    """
    bare = Packet(home_address, peer, MobilityHeader(sent.message))
    return bare if sent.care_of_address == home_address else from_care_of_address(bare, sent.care_of_address)


def is_credible(header: MobilityHeader, message: BindingAcknowledgement, sent: SentUpdate, peer: bytes) -> bool:
    """Tell whether an acknowledgement may be believed to be one of a Binding Update (section 11.7.3).

    Its sequence number must be the same, but where it says that this was out of the window. Its
    authenticator must be right, but where it says that the nonces, and so the key, are gone.
    """
    is_out_of_window = message.status == AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW
    if message.sequence != sent.message.sequence and not is_out_of_window:
        return False
    return message.status in NONCE_STATUSES or is_authentic(header, sent.key, sent.care_of_address, peer)


def granted_until(message: BindingAcknowledgement, sent: SentUpdate) -> float:
    """Return when a binding ends that was accepted: never later than was asked for (section 11.7.3)."""
    return sent.at + min(message.lifetime, sent.message.lifetime) * LIFETIME_UNIT_S
