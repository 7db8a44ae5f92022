"""The packets of Mobile IPv6 that a node's packet filter has to let through, as packets that are never sent.

Between this node's own address and its peer's; where no peer is known, any address of global unicast is left open.
What connection tracking says of each is in net/netfilter/nf_conntrack_core.c and nf_conntrack_proto_icmpv6.c: whoever
begins is new and an answer established; ICMPv6 messages 144 to 147 are no kind of flow that it knows, so invalid.
"""

from collections.abc import Iterator, Sequence

from msgspec import Struct

from mipsh.checks.facts import HOME_AGENT, MOBILE_NODE, Facts
from mipsh.checks.filter_trial import Port, Trial
from mipsh.checks.packet_filter import Hook
from mipsh.checks.sources import Key, Link, Unreadable
from mipsh.wire.address import parse
from mipsh.wire.extension import Header, HomeAddress, Type2RoutingHeader, carrying
from mipsh.wire.packet import HEADER_SIZE, Packet, Payload

MOBILITY, ICMPV6, TCP, ESP, IPV6 = 135, 58, 6, 50, 41
IN, OUT, FORWARD = Hook.INPUT, Hook.OUTPUT, Hook.FORWARD
NEW, ESTABLISHED, RELATED, INVALID = "new", "established", "related", "invalid"
SOURCE, DESTINATION = 8, 24
ANY_ADDRESS, OPEN_ADDRESS = parse("2000::"), bytes((0x1F,)) + b"\xff" * 15
"""Some address of global unicast (2000::/3), and the bits of it that are left open."""
MADE_BY_MOBILITY = 0x8
LOCAL_PORT, REMOTE_PORT = 40000, 80
"""The ports of a connection that this node opened."""
MESSAGES = (
    *("Binding Refresh Request", "Home Test Init", "Care-of Test Init", "Home Test", "Care-of Test"),
    *("Binding Update", "Binding Acknowledgement", "Binding Error"),
)
"""The messages of Mobility Headers, by their types."""


class Kind(Struct, frozen=True):
    """A packet of a kind: what it is called, its protocol and first bytes, which way it goes, and how it is tracked.

    ``is_tunnelled`` where it comes out of, or goes into, the tunnel of the home agent and mobile node.
    """

    name: str
    hook: Hook
    state: str
    protocol: int
    data: bytes
    is_tunnelled: bool = False

    @property
    def subject(self) -> str:
        """Return what findings call it."""
        return f"{self.name}, {self.hook.value}{' through the tunnel' if self.is_tunnelled else ''}"


class Ends(Struct, frozen=True):
    """Between whom a packet goes, and this node's interface for it; ``peer`` None: it may be anybody."""

    own: str
    port: Port
    peer: str | None = None
    tunnel: Port | None = None


def mobility(number: int, hook: Hook, state: str, *, is_tunnelled: bool = False) -> Kind:
    """Return a message of a Mobility Header."""
    data = bytes((59, 1, number, 0)) + bytes(12)
    return Kind(MESSAGES[number], hook, state, MOBILITY, data, is_tunnelled)


def icmpv6(number: int, name: str, hook: Hook, state: str) -> Kind:
    """Return a message of ICMPv6."""
    return Kind(f"{name} ({number})", hook, state, ICMPV6, bytes((number,)) + bytes(55))


def connection(hook: Hook, state: str) -> Kind:
    """Return a segment of a TCP connection that this node opened."""
    ports = (REMOTE_PORT, LOCAL_PORT) if hook is IN else (LOCAL_PORT, REMOTE_PORT)
    data = b"".join(port.to_bytes(2, "big") for port in ports) + bytes(8) + b"\x50\x10" + bytes(6)
    return Kind("TCP", hook, state, TCP, data)


SIGNALLING = {
    "mn": (
        *(mobility(number, OUT, NEW) for number in (2, 5)),
        *(mobility(number, IN, ESTABLISHED) for number in (0, 4, 6, 7)),
        mobility(1, OUT, NEW, is_tunnelled=True),
        mobility(3, IN, ESTABLISHED, is_tunnelled=True),
    ),
    "ha": (
        mobility(5, IN, NEW),
        *(mobility(number, OUT, ESTABLISHED) for number in (0, 6, 7)),
        mobility(1, FORWARD, NEW, is_tunnelled=True),
    ),
    "cn": (
        *(mobility(number, IN, NEW) for number in (1, 2, 5)),
        *(mobility(number, OUT, ESTABLISHED) for number in (0, 3, 4, 6, 7)),
    ),
}
"""Who sends which Mobility Headers (RFC 6275 section 6.1)."""

ROUTED = {
    "mn": (mobility(6, IN, ESTABLISHED), mobility(0, IN, ESTABLISHED)),
    "ha": (mobility(6, OUT, ESTABLISHED), mobility(0, OUT, ESTABLISHED)),
    "cn": (mobility(6, OUT, ESTABLISHED), mobility(0, OUT, ESTABLISHED)),
}
"""What has a type 2 routing header (RFC 6275 section 6.4)."""

OPTIONED = {"mn": (mobility(5, OUT, NEW),), "ha": (mobility(5, IN, NEW),), "cn": (mobility(5, IN, NEW),)}
"""What has a Home Address option (RFC 6275 section 6.3)."""

DISCOVERY = {144: "discovery request", 145: "discovery reply", 146: "prefix solicitation", 147: "prefix advertisement"}
ERRORS = {1: "Destination Unreachable", 2: "Packet Too Big", 3: "Time Exceeded", 4: "Parameter Problem"}
"""The messages of ICMPv6 that Mobile IPv6 has (RFC 6275 sections 6.5 to 6.8), and the errors that it needs."""


def control_messages(role: str) -> Sequence[Kind]:
    """Return the ICMPv6 messages that a node of a role sends and takes."""
    errors = tuple(icmpv6(number, name, IN, RELATED) for number, name in ERRORS.items())
    if role not in (MOBILE_NODE, HOME_AGENT):
        return errors
    asks = OUT if role == MOBILE_NODE else IN
    answers = IN if role == MOBILE_NODE else OUT
    own = tuple(icmpv6(number, name, answers if number % 2 else asks, INVALID) for number, name in DISCOVERY.items())
    forwarded = tuple(icmpv6(number, name, FORWARD, RELATED) for number, name in ERRORS.items())
    return (*own, *errors, *(forwarded if role == HOME_AGENT else ()))


def tunnelled(protocol: int) -> Sequence[Kind]:
    """Return what a tunnel, or IPsec, sends and takes."""
    name = "ESP" if protocol == ESP else "IPv6 in IPv6"
    data = bytes((0, 0, 1, 0)) + bytes(60) if protocol == ESP else bytes((0x60, 0, 0, 0, 0, 0, 59, 64)) + bytes(32)
    return Kind(name, OUT, NEW, protocol, data), Kind(name, IN, NEW, protocol, data)


def ends_of(facts: Facts) -> Iterator[Ends]:
    """Yield the addresses of this node, with its peers; raises Unreadable where it has none."""
    links = {link.name: link for link in facts.links}
    tunnel = next((_port(one) for one in facts.tunnels if one.tunnel and one.tunnel.flags & MADE_BY_MOBILITY), None)
    found: dict[str, str] = {}
    for one in facts.addresses:
        link = links.get(one.interface)
        is_usable = one.scope == "global" and "home" not in one.flags and one.interface != "lo"
        if is_usable and link is not None and link.tunnel is None:
            found.setdefault(one.interface, one.address)
    if not found:
        raise Unreadable(Key.AD, "no interface has a global address, so that it is not known where packets would pass")
    peers = peers_of(facts) or (None,)
    for name, own in found.items():
        for peer in peers:
            yield Ends(own, _port(links[name]), peer, tunnel)


def peers_of(facts: Facts) -> tuple[str | None, ...]:
    """Return a peer of each kind that is known: a home agent and a correspondent, or a mobile node where it is."""
    if facts.role == MOBILE_NODE:
        if not facts.can_read(Key.VT, "binding_update_list"):
            return ()
        kinds = {row.registration: row.peer_address for row in facts.updates if row.peer_address}
        return tuple(kinds.values())
    if not facts.can_read(Key.VT, "binding_cache"):
        return ()
    places = {row.status: row.care_of_address for row in facts.cache if row.care_of_address}
    return tuple(places.values())


def _port(link: Link) -> Port:
    return Port(link.name, link.index)


def trial(kind: Kind, ends: Ends, *headers: Header) -> Trial:
    """Return a packet of a kind between its ends."""
    is_known = ends.peer is not None and kind.hook is not FORWARD
    own = parse(ends.own) if kind.hook is not FORWARD else ANY_ADDRESS
    peer = parse(ends.peer) if ends.peer is not None and is_known else ANY_ADDRESS
    source, destination = (own, peer) if kind.hook is OUT else (peer, own)
    data = Packet(source, destination, Payload(kind.protocol, kind.data), headers).encode()
    unsure = bytearray(HEADER_SIZE)
    if kind.hook is OUT or kind.hook is FORWARD:
        unsure[DESTINATION:] = bytes(16) if is_known else OPEN_ADDRESS
    if kind.hook is IN or kind.hook is FORWARD:
        unsure[SOURCE:DESTINATION] = bytes(16) if is_known else OPEN_ADDRESS
    inward, outward = _ports(kind, ends)
    return Trial(data, inward, outward, kind.state, bytes(unsure))


def _ports(kind: Kind, ends: Ends) -> tuple[Port | None, Port | None]:
    """Return by which interfaces a packet comes and goes."""
    tunnel = ends.tunnel or ends.port
    if kind.hook is FORWARD:
        return (tunnel, ends.port) if kind.is_tunnelled else (ends.port, tunnel)
    near = tunnel if kind.is_tunnelled else ends.port
    return (near, None) if kind.hook is IN else (None, near)


def option() -> Header:
    """Return a Home Address option; which address it has, no packet filter looks at."""
    return carrying(HomeAddress(ANY_ADDRESS))


def routing() -> Header:
    """Return a type 2 routing header."""
    return Type2RoutingHeader(ANY_ADDRESS)
