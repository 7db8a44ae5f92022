"""Path MTU discovery (RFC 8201): what Packet Too Big said of a destination, for ten minutes."""

from collections import OrderedDict

from mipsh.mobility.icmp_errors import MINIMUM_MTU

AGE_S = 600.0
MOST = 1024


class PathMtu:
    """The path MTU to destinations that are not what their link's is; the oldest is forgotten when full."""

    def __init__(self) -> None:
        self._known: OrderedDict[bytes, tuple[int, float]] = OrderedDict()

    def __len__(self) -> int:
        """Return how many destinations are remembered."""
        return len(self._known)

    def learn(self, destination: bytes, mtu: int, link_mtu: int, now: float) -> bool:
        """Take in a Packet Too Big; False where it does not lower the path MTU (RFC 8201 section 4)."""
        mtu = max(mtu, MINIMUM_MTU)
        if mtu >= self.get(destination, link_mtu, now):
            return False
        self._known[destination] = mtu, now + AGE_S
        self._known.move_to_end(destination)
        if len(self._known) > MOST:
            self._known.popitem(last=False)
        return True

    def get(self, destination: bytes, link_mtu: int, now: float) -> int:
        """Return the path MTU to a destination, its first link's where nothing else is known."""
        known = self._known.get(destination)
        if known is None:
            return link_mtu
        if known[1] <= now:
            del self._known[destination]
            return link_mtu
        return min(known[0], link_mtu)
