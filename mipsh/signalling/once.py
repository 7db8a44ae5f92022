"""Tells a packet that is seen again at another place on its way from one that was sent again."""

from collections import OrderedDict
from collections.abc import Hashable

ACROSS_NS = 2_000_000_000
"""How long one packet may take from one place to another, at the most."""
MOST_REMEMBERED = 4096


class Once:
    """Remembers the packets of the last moments, and where each was seen.

    A packet that is seen twice at the same place was sent twice.
    """

    def __init__(self) -> None:
        self._seen: OrderedDict[bytes, tuple[int, set[Hashable]]] = OrderedDict()

    def is_new(self, identity: bytes, time_ns: int, place: Hashable) -> bool:
        """Take note of a packet at a place; tell whether it is not one that was seen at another."""
        began, places = self._seen.pop(identity, (time_ns, set()))
        is_new = not places or place in places or abs(time_ns - began) > ACROSS_NS
        self._seen[identity] = (time_ns, {place}) if is_new else (began, {*places, place})
        if len(self._seen) > MOST_REMEMBERED:
            self._seen.popitem(last=False)
        return is_new
