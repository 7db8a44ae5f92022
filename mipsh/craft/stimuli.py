"""The packets that make a mobile node send a Binding Update, built by scapy.

Pure: addresses are text, a packet comes back as bytes, whole and with its checksum. Each builder
raises UsageError for an address that is none.
"""

from mipsh.craft.library import Layer, inet6
from mipsh.errors import UsageError
from mipsh.wire import address

NO_BINDING, UNKNOWN_TYPE = 1, 2
"""The statuses of a Binding Error (RFC 6275 section 6.1.9)."""
POKE = 0x4D36
"""The identifier of our echo requests: they can be told from others on a link."""
POKE_DATA = b"mipsh: is this path optimised?"
HOP_LIMIT, NEIGHBOUR_HOP_LIMIT = 64, 255


def poke(home_address: str, peer: str, sequence: int = 1) -> bytes:
    """Return an Echo Request from a home address to a correspondent: traffic that wants a binding.

    A mobile node starts the return routability procedure for it (RFC 6275 section 11.7.2).
    """
    scapy = inet6()

    return bytes(_header(home_address, peer) / scapy.ICMPv6EchoRequest(id=POKE, seq=sequence & 0xFFFF, data=POKE_DATA))


def refresh_request(source: str, home_address: str) -> bytes:
    """Return a Binding Refresh Request from a correspondent or home agent to a home address (RFC 6275 section 6.1.2).

    It carries no Home Address option and no routing header; a mobile node that has a binding with
    the source answers with a Binding Update (section 11.7.4).
    """
    scapy = inet6()

    return bytes(_header(source, home_address) / scapy.MIP6MH_BRR())


def binding_error(source: str, home_address: str, status: int = NO_BINDING, destination: str = "") -> bytes:
    """Return a Binding Error about a home address, to it or to another ``destination`` (RFC 6275 section 6.1.9).

    Status 1 says that a Home Address option came and there is no binding for it; a mobile node then
    drops its entry for the source, and may make another (section 11.3.6).
    """
    scapy = inet6()

    if not 0 <= status <= 255:
        raise UsageError(f"a Binding Error's status is a byte, not {status}", "1: no binding; 2: unknown message type")
    about = _text(home_address)
    return bytes(_header(source, destination or home_address) / scapy.MIP6MH_BE(status=status, ha=about))


def router_solicitation(source: str | None = None, link_layer: bytes | None = None) -> bytes:
    """Return a Router Solicitation to all routers of a link (RFC 4861 section 4.1).

    From the unspecified address it must not say the sender's link-layer address; ``link_layer`` is
    left out then.
    """
    scapy = inet6()

    sender = address.UNSPECIFIED if source is None else _packed(source)
    packet = _header(address.text(sender), address.text(address.ALL_ROUTERS), NEIGHBOUR_HOP_LIMIT) / scapy.ICMPv6ND_RS()
    if link_layer is not None and sender != address.UNSPECIFIED:
        packet /= scapy.ICMPv6NDOptSrcLLAddr(lladdr=link_layer.hex(":"))
    return bytes(packet)


def _header(source: str, destination: str, hop_limit: int = HOP_LIMIT) -> Layer:
    scapy = inet6()

    return scapy.IPv6(src=_text(source), dst=_text(destination), hlim=hop_limit)


def _packed(written: str) -> bytes:
    try:
        return address.parse(written)
    except ValueError as error:
        raise UsageError(f"'{written}' is {error}", "write 2001:db8::1") from None


def _text(written: str) -> str:
    return address.text(_packed(written))
