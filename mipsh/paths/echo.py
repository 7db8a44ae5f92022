"""What an echo is, what was seen of it, and the way that each half of it went: the words of this package.

Addresses are 16 bytes where packets are compared, and text where a person reads them. Times are
seconds of any one clock.
"""

from enum import StrEnum

from msgspec import Struct

from mipsh.wire.icmpv6 import EchoReply, EchoRequest

REQUEST, REPLY = EchoRequest.TYPE, EchoReply.TYPE
HEADERS_SIZE = 48
"""The bytes of an echo that goes directly, before its data: IPv6 header and ICMPv6 header."""
ETHERNET, LOOPBACK, NO_LINK_LAYER, TUNNEL6 = 1, 772, 65534, 769
TUNNELS = frozenset({NO_LINK_LAYER, TUNNEL6, 768, 776, 778, 823})
"""Kinds of interfaces (ARPHRD) that show what is inside a tunnel: TUN, IPv6 and IPv4 tunnels, SIT, GRE."""


class Route(StrEnum):
    """The way that a packet went."""

    RO = "ro"
    """Between the ends without the home agent: a Home Address option, a type 2 routing header, or both."""
    TUNNEL = "tunnel"
    """Inside another packet: IPv6-in-IPv6, or ESP."""
    DIRECT = "direct"
    """With nothing of mobility around it."""
    NONE = "none"
    """It was not there."""
    UNKNOWN = "?"
    """It could not be seen, or what was seen does not tell."""


class Frame(Struct, frozen=True, gc=False):
    """Bytes that were seen on an interface.

    ``linktype`` is that of capture files (``mipsh.wire.pcap``). ``hardware`` is the interface's kind (ARPHRD);
    it and ``is_outgoing`` are None where only the frame itself may say so, as those of Linux cooked captures
    do. ``is_whole`` is False for a frame that was cut when it was captured.
    """

    time: float
    interface: str
    linktype: int
    data: bytes
    is_outgoing: bool | None = None
    hardware: int | None = None
    is_whole: bool = True


class Echo(Struct, frozen=True, gc=False):
    """Which echo it is: its ends as programs know them, its numbers, and what its data begins with.

    ``size`` is how many bytes of data it has, where that is known: an encrypted packet is recognised by it.
    """

    source: bytes
    destination: bytes
    identifier: int
    sequence: int
    token: bytes = b""
    size: int | None = None


class Known(Struct, frozen=True):
    """What is known of the node that looked, and of the echo's peer.

    ``addresses`` are all of the node's own, ``home_addresses`` those of them that are a mobile node's;
    ``away`` are home addresses, of whomever, whose nodes are known to be away from home.
    """

    addresses: frozenset[bytes] = frozenset()
    home_addresses: frozenset[bytes] = frozenset()
    away: frozenset[bytes] = frozenset()


class Way(Struct, frozen=True):
    """The way of one half of an echo, and what proves it.

    ``reason`` says why the route is ``?`` or ``none``. ``outer_source`` and ``outer_destination`` are those of the
    outermost header, ``home_address`` is the one in the Home Address option, ``routed_to`` the one in the type 2
    routing header; ``inside`` is ``ipv6`` or ``esp`` for a tunnel. ``overhead_bytes`` is by how much the packet was
    larger than a direct one. ``copies`` counts how often it was seen in one place.
    """

    route: Route
    reason: str = ""
    interface: str = ""
    outer_source: str | None = None
    outer_destination: str | None = None
    home_address: str | None = None
    routed_to: str | None = None
    inside: str = ""
    overhead_bytes: int | None = None
    hop_limit: int | None = None
    time: float | None = None
    copies: int = 0


class Path(Struct, frozen=True):
    """The ways of an echo's two halves."""

    request: Way
    reply: Way

    @property
    def name(self) -> str:
        """Return the two routes as one word."""
        return f"{self.request.route.value}:{self.reply.route.value}"
