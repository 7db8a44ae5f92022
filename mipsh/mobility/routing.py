"""Where a packet goes next: configured routes first, then what the links' routers advertise."""

from collections.abc import Mapping

from mipsh.mobility.host.interface import Interface
from mipsh.mobility.routes import Route, Routes
from mipsh.wire import address as addresses

Hop = tuple[Interface, bytes]
"""An interface, and whose link-layer address a packet gets there."""


class Routing:
    """The routes of a node over its interfaces."""

    def __init__(self, interfaces: Mapping[str, Interface]) -> None:
        self._interfaces = interfaces
        self._routes = Routes()

    def add(self, prefix: bytes, length: int, interface: str, next_hop: bytes | None = None) -> None:
        """Add a route for a prefix to a router, or to the link itself without one."""
        self._routes.add(prefix, length, Route(interface, next_hop))

    def remove(self, prefix: bytes, length: int) -> None:
        """Remove a route; harmless where there is none."""
        self._routes.remove(prefix, length)

    def find(self, destination: bytes, now: float, source: bytes | None = None) -> Hop | None:
        """Return the next hop to a destination; None where there is no way.

        Of several links that have a way, the one that the source address belongs to is taken.
        """
        if addresses.is_link_local(destination) or addresses.is_multicast(destination):
            link = self._on_link_of(source)
            return None if link is None else (link, destination)
        route = self._routes.find(destination)
        if route is not None:
            return self._interfaces[route.interface], route.next_hop or destination
        return self._advertised(destination, now, source)

    def _on_link_of(self, source: bytes | None) -> Interface | None:
        """Return the link of an address; the only one, where there is but one."""
        if len(self._interfaces) == 1:
            return next(iter(self._interfaces.values()))
        return next((link for link in self._interfaces.values() if source is not None and link.owns(source)), None)

    def _advertised(self, destination: bytes, now: float, source: bytes | None) -> Hop | None:
        found: Hop | None = None
        for link in self._interfaces.values():
            next_hop = link.next_hop(destination, now) if link.is_up else None
            if next_hop is None:
                continue
            if next_hop == destination or (source is not None and link.owns(source)):
                return link, next_hop
            found = found or (link, next_hop)
        return found
