"""A Binding Update with the addresses that it is about, as home agent and correspondent node read it."""

from msgspec import Struct

from mipsh.wire import address as addresses
from mipsh.wire.mobility import AlternateCareOfAddress, BindingUpdate, MobilityHeader, NonceIndices
from mipsh.wire.packet import Packet


class Update(Struct, frozen=True):
    """A Binding Update with all that belongs to it."""

    packet: Packet
    header: MobilityHeader
    message: BindingUpdate
    local_address: bytes
    home_address: bytes
    care_of_address: bytes
    indices: NonceIndices | None
    has_alternate: bool = False

    @property
    def key(self) -> tuple[bytes, bytes]:
        """The local address and the home address."""
        return self.local_address, self.home_address

    @property
    def is_deletion(self) -> bool:
        """A lifetime of zero, or a care-of address that is the home address (RFC 6275 section 9.5.1)."""
        return self.message.lifetime == 0 or self.care_of_address == self.home_address


def understand(packet: Packet, header: MobilityHeader, message: BindingUpdate) -> Update | None:
    """Return a Binding Update with its addresses; None where they cannot be (RFC 6275 section 9.5.1)."""
    home = packet.home_address_option or packet.source
    alternates = [o for o in message.options if isinstance(o, AlternateCareOfAddress)]
    all_indices = [o for o in message.options if isinstance(o, NonceIndices)]
    if len(alternates) > 1 or len(all_indices) > 1:
        return None
    care_of = alternates[0].address if alternates else packet.source
    indices = all_indices[0] if all_indices else None
    if not all(map(addresses.is_unicast_routable, (packet.source, home, care_of))):
        return None
    return Update(packet, header, message, packet.destination, home, care_of, indices, bool(alternates))
