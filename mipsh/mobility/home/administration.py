"""A binding that an administrator wants a home agent to have, as an update that no mobile node sent."""

from msgspec import Struct

from mipsh.mobility.binding_update import Update
from mipsh.wire import address as addresses
from mipsh.wire.extension import HomeAddress, carrying
from mipsh.wire.mobility import BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet


class BindingOrder(Struct, frozen=True):
    """A binding as it is to be; ``units`` is its lifetime in units of 4 seconds, ``flags`` are a Binding Update's.

    ``sequence`` None leaves the sequence number as it is, so that the mobile node's next Binding Update
    is accepted. ``detects_duplicates`` has a new home address tested on the home link first.
    """

    home_address: bytes
    care_of_address: bytes
    local_address: bytes
    units: int
    flags: int
    sequence: int | None = None
    detects_duplicates: bool = False

    @property
    def is_possible(self) -> bool:
        """Tell whether all addresses are such as a binding can have."""
        all_addresses = self.home_address, self.care_of_address, self.local_address
        return all(map(addresses.is_unicast_routable, all_addresses)) and self.home_address != self.care_of_address


def as_update(order: BindingOrder, sequence: int) -> Update:
    """Return the Binding Update that would have asked for it."""
    message = BindingUpdate(sequence, order.flags, order.units)
    header, ends = MobilityHeader(message), (order.care_of_address, order.local_address)
    packet = Packet(*ends, header, (carrying(HomeAddress(order.home_address)),))
    return Update(packet, header, message, order.local_address, order.home_address, order.care_of_address, None, True)
