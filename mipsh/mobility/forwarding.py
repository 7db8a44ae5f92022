"""Passing packets on that are for others (RFC 8200, RFC 4443): hop limit, size, scope, Redirects."""

from collections.abc import Callable, Mapping

from mipsh.mobility.effects import Effect, Send
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.icmp_errors import (
    ADDRESS_UNREACHABLE,
    BEYOND_SCOPE,
    NO_ROUTE,
    ErrorLimits,
    is_error,
    time_exceeded,
    too_big,
    unreachable,
)
from mipsh.mobility.limits import Limits
from mipsh.mobility.routing import Hop, Routing
from mipsh.wire import address as addresses
from mipsh.wire.icmpv6 import Icmpv6
from mipsh.wire.ndp import Redirect
from mipsh.wire.packet import HEADER_SIZE, Packet, decode

ND_HOP_LIMIT = 255
REDIRECTS = (1.0, 3.0)
"""Redirects to one node: how many a second, and how many at once."""


Tunnel = Callable[[bytes, float], list[Effect] | None]
"""Sends a packet of a mobile network through the tunnel; None for a packet that routing decides on."""


class Forwarding:
    """The router in a node; packets stay bytes on their way through. ``tunnel`` is a mobile router's."""

    def __init__(
        self, interfaces: Mapping[str, Interface], routing: Routing, limits: ErrorLimits, tunnel: Tunnel | None = None
    ) -> None:
        self._interfaces = interfaces
        self._tunnel = tunnel
        self._routing = routing
        self._limits = limits
        self._redirects = Limits(REDIRECTS)

    def forward(self, data: bytes, interface: str, now: float, *, is_tunnelled: bool = False) -> list[Effect]:
        """Pass a packet on that came on an interface, or there in a tunnel; its source is told where that cannot be."""
        size = HEADER_SIZE + int.from_bytes(data[4:6])
        source, destination = data[8:24], data[24:40]
        if len(data) < size or not _may_leave_link(source, destination):
            return []
        data = data[:size]
        if addresses.is_link_local(source):
            return self.unreachable(data, interface, BEYOND_SCOPE, now)
        if data[7] <= 1:
            ends = self._ends(data, interface, now)
            return [] if ends is None else [Send(time_exceeded(*ends, data))]
        onward = data[:7] + bytes((data[7] - 1,)) + data[8:]
        tunnelled = None if self._tunnel is None else self._tunnel(onward, now)
        if tunnelled is not None:
            return tunnelled
        hop = self._routing.find(destination, now)
        if hop is None:
            return self.unreachable(data, interface, NO_ROUTE, now)
        link, next_hop = hop
        if len(data) > link.mtu:
            ends = self._ends(data, interface, now)
            return [] if ends is None else [Send(too_big(*ends, link.mtu, data))]
        effects = link.transmit(onward, next_hop, now)
        if link.name != interface or is_tunnelled:
            return effects
        return [*self._redirect(source, destination, hop, now), *effects]

    def unreachable(self, data: bytes, interface: str, code: int, now: float) -> list[Effect]:
        """Tell a packet's source that it cannot be delivered."""
        ends = self._ends(data, interface, now)
        return [] if ends is None else [Send(unreachable(*ends, code, data))]

    def undeliverable(self, data: bytes, interface: str, now: float) -> list[Effect]:
        """Tell a packet's source that its destination, or the router to it, does not answer."""
        return self.unreachable(data, interface, ADDRESS_UNREACHABLE, now)

    def _ends(self, data: bytes, interface: str, now: float) -> tuple[bytes, bytes] | None:
        """Return source and destination of the error that answers a packet; None where none may (section 2.4)."""
        packet = decode(data)
        if not isinstance(packet, Packet) or is_error(packet) or not self._limits.allow(packet, now):
            return None
        back = None if addresses.is_link_local(packet.source) else self._routing.find(packet.source, now)
        link = self._interfaces[interface] if back is None else back[0]
        source = link.source_for(packet.source, now)
        return None if source is None else (source, packet.source)

    def _redirect(self, source: bytes, destination: bytes, hop: Hop, now: float) -> list[Effect]:
        """Tell a neighbour of a better first hop, on its own link (RFC 4861 section 8.2)."""
        link, target = hop
        if not link.is_on_link(source, now) or not self._redirects.allow(source, now):
            return []
        redirect = Icmpv6(Redirect(target, destination))
        return [Send(Packet(link.link_local, source, redirect, hop_limit=ND_HOP_LIMIT), link.name)]


def _may_leave_link(source: bytes, destination: bytes) -> bool:
    """Tell whether a packet between two addresses is a router's business at all (RFC 4291 section 2.5)."""
    if addresses.is_multicast(destination) or addresses.is_link_local(destination):
        return False
    return not addresses.is_multicast(source) and source not in (addresses.UNSPECIFIED, addresses.LOOPBACK)
