"""Binding Updates for correspondents, and the acknowledgements to them (RFC 6275 sections 11.7.2 and 11.7.3)."""

from mipsh.mobility.mobile.update_list import SentUpdate
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


def update(
    sequence: int, units: int, tokens: tuple[bytes, bytes], indices: NonceIndices, *, acknowledge: bool
) -> tuple[BindingUpdate, bytes]:
    """Return a Binding Update without its authenticator, and the key for it.

    ``units`` is the lifetime in units of 4 seconds; without one, the key is of the home token alone.
    The care-of address is named once, as the source of the packet. Neither H nor K is set.
    """
    home, care_of = tokens
    key = binding_management_key(home, care_of if units else b"")
    return BindingUpdate(sequence, ACKNOWLEDGE if acknowledge else 0, units, (indices,)), key


def authorized(message: BindingUpdate, key: bytes, addresses: tuple[bytes, bytes], now: float) -> SentUpdate:
    """Return a Binding Update as it is sent; ``addresses`` are the care-of address and the correspondent's."""
    care_of, peer = addresses
    return SentUpdate(authorize(message, key, care_of, peer), now, key, care_of)


def packet(sent: SentUpdate, home_address: bytes, peer: bytes) -> Packet:
    """Return the packet with a Binding Update: from the care-of address, with a Home Address option.

    To a correspondent that is mobile too it goes like any Mobility Header: to its home address and
    without a routing header, even where there is a binding for it (section 9.3.2). So it reaches the
    correspondent through its home agent, whatever becomes of its care-of address, and so does the
    acknowledgement leave it.
    """
    bare = Packet(home_address, peer, MobilityHeader(sent.message))
    return bare if sent.covered == home_address else from_care_of_address(bare, sent.covered)


def is_credible(header: MobilityHeader, message: BindingAcknowledgement, sent: SentUpdate, peer: bytes) -> bool:
    """Tell whether an acknowledgement may be believed to be one of a Binding Update (section 11.7.3).

    Its sequence number must be the same, but where it says that this was out of the window. Its
    authenticator must be right, but where it says that the nonces, and so the key, are gone.
    """
    is_out_of_window = message.status == AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW
    if message.sequence != sent.message.sequence and not is_out_of_window:
        return False
    return message.status in NONCE_STATUSES or is_authentic(header, sent.key, sent.covered, peer)


def granted_until(message: BindingAcknowledgement, sent: SentUpdate) -> float:
    """Return when a binding ends that was accepted: never later than was asked for (section 11.7.3)."""
    return sent.at + min(message.lifetime, sent.message.lifetime) * LIFETIME_UNIT_S
