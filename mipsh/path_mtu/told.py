"""What a Packet Too Big says about a probe: whether it is about it, and which size fits then (RFC 4443 section 3.2)."""

from msgspec import Struct

from mipsh.path_mtu.search import LEAST_MTU
from mipsh.wire.icmpv6 import Error, PacketTooBig
from mipsh.wire.packet import HEADER_SIZE

TOO_SMALL = "it says less than 1280, which every link takes (RFC 8201 section 4)"
TOO_LARGE = "it says no less than what was sent"
FOREIGN = "it does not quote the packet that was sent"


class Told(Struct, frozen=True):
    """A Packet Too Big: the MTU that it says, the size that fits then, and why it is not believed (empty if it is)."""

    mtu: int
    fits_mtu: int
    doubt: str = ""


def told(error: Error, size: int, token: bytes) -> Told | None:
    """Return what an error says of a probe of a size, whose data has a token in it; None for one of another kind.

    What was around the probe when it was refused, a tunnel or options, is in the packet that is quoted.
    """
    if not isinstance(error, PacketTooBig):
        return None
    quoted = error.original
    if token not in quoted or len(quoted) < HEADER_SIZE:
        return Told(error.value, error.value, FOREIGN)
    whole = HEADER_SIZE + int.from_bytes(quoted[4:6])
    fits_mtu = error.value - max(whole - size, 0)
    if error.value < LEAST_MTU:
        return Told(error.value, fits_mtu, TOO_SMALL)
    if error.value >= max(whole, size):
        return Told(error.value, fits_mtu, TOO_LARGE)
    return Told(error.value, fits_mtu)
