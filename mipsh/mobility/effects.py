"""What the world must do: values that a driver executes, a test compares, and the shell prints."""

from msgspec import Struct

from mipsh.wire.packet import Packet


class Send(Struct, frozen=True):
    """Send a packet; ``interface`` is None where routing decides."""

    packet: Packet
    interface: str | None = None


class Deliver(Struct, frozen=True):
    """Hand a packet to the upper layers, who see the home address as its source and no extension header."""

    packet: Packet


class InstallBinding(Struct, frozen=True):
    """From now on, packets for a home address go to its care-of address, and may come from there."""

    home_address: bytes
    care_of_address: bytes
    local_address: bytes


class RemoveBinding(Struct, frozen=True):
    """From now on, packets for a home address go where routing says."""

    home_address: bytes
    local_address: bytes


class Emit(Struct, frozen=True):
    """Tell whoever listens that something happened; names follow MOBILEIPV6-MIB (RFC 4295)."""

    event: str
    home_address: bytes
    care_of_address: bytes | None = None
    peer: bytes | None = None
    detail: str = ""


Effect = Send | Deliver | InstallBinding | RemoveBinding | Emit
