"""A table of configured routes: the longest prefix wins."""

from msgspec import Struct

BITS = 128


class Route(Struct, frozen=True, gc=False):
    """Where packets for a prefix go: onto an interface, to a router there unless ``next_hop`` is None."""

    interface: str
    next_hop: bytes | None = None


class Routes:
    """Routes by prefix; a look-up costs a dictionary access for each prefix length in use."""

    def __init__(self) -> None:
        self._by_length: dict[int, dict[int, Route]] = {}
        self._lengths: tuple[int, ...] = ()

    def __len__(self) -> int:
        """Return how many routes there are."""
        return sum(map(len, self._by_length.values()))

    def add(self, prefix: bytes, length: int, route: Route) -> None:
        """Add a route, in place of one for the same prefix."""
        self._by_length.setdefault(length, {})[_bits(prefix, length)] = route
        self._lengths = tuple(sorted(self._by_length, reverse=True))

    def remove(self, prefix: bytes, length: int) -> None:
        """Remove a route; harmless where there is none."""
        self._by_length.get(length, {}).pop(_bits(prefix, length), None)

    def find(self, destination: bytes) -> Route | None:
        """Return the route of the longest prefix that a destination has."""
        number = int.from_bytes(destination)
        for length in self._lengths:
            route = self._by_length[length].get(number >> BITS - length)
            if route is not None:
                return route
        return None


def _bits(prefix: bytes, length: int) -> int:
    return int.from_bytes(prefix) >> BITS - length
