"""IPv6 addresses as 16 bytes, and the few facts about them that Mobile IPv6 needs (RFC 4291)."""

from functools import lru_cache
from ipaddress import AddressValueError, IPv6Address

UNSPECIFIED = bytes(16)
LOOPBACK = bytes(15) + b"\x01"
ALL_NODES = bytes.fromhex("ff020000000000000000000000000001")
ALL_ROUTERS = bytes.fromhex("ff020000000000000000000000000002")
_V4_MAPPED = bytes(10) + b"\xff\xff"
_SOLICITED_NODE = bytes.fromhex("ff0200000000000000000001ff")
_HOME_AGENTS_ANYCAST = bytes.fromhex("fdfffffffffffffe")


def parse(text: str) -> bytes:
    """Return the 16 bytes of an address written as text; raises ValueError."""
    try:
        return IPv6Address(text).packed
    except AddressValueError as error:
        raise ValueError(f"not an IPv6 address: {error}") from None


@lru_cache(maxsize=4096)
def text(address: bytes) -> str:
    """Return an address in RFC 5952 form."""
    return str(IPv6Address(address))


def is_multicast(address: bytes) -> bool:
    """Tell whether an address is in ff00::/8."""
    return address[0] == 0xFF


def is_link_local(address: bytes) -> bool:
    """Tell whether an address is in fe80::/10."""
    return address[0] == 0xFE and address[1] & 0xC0 == 0x80


def is_unicast_routable(address: bytes) -> bool:
    """Tell whether an address can be a home or care-of address (RFC 6275 sections 6.1.7, 9.5.1)."""
    if is_multicast(address) or is_link_local(address) or address in (UNSPECIFIED, LOOPBACK):
        return False
    return not address.startswith(_V4_MAPPED)


def solicited_node(address: bytes) -> bytes:
    """Return the solicited-node multicast address (RFC 4291 section 2.7.1)."""
    return _SOLICITED_NODE + address[13:]


def home_agents_anycast(prefix: bytes) -> bytes:
    """Return the Mobile IPv6 Home-Agents anycast address of a /64 (RFC 2526, RFC 6275 section 11.4.1)."""
    return prefix[:8] + _HOME_AGENTS_ANYCAST


def interface_identifier(link_layer: bytes) -> bytes:
    """Return the modified EUI-64 of a 6-byte link-layer address (RFC 4291 appendix A)."""
    first = bytes((link_layer[0] ^ 0x02,))
    return first + link_layer[1:3] + b"\xff\xfe" + link_layer[3:]


def in_prefix(address: bytes, prefix: bytes, length: int) -> bool:
    """Tell whether an address has the first ``length`` bits of a prefix."""
    shift = 128 - length
    return int.from_bytes(address) >> shift == int.from_bytes(prefix) >> shift
