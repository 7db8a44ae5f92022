"""The home address on the home link: it is on one interface at the most (RFC 6275 section 11.5.5).

Where the home address stands for the link-local address with the same interface identifier, the home
agent defends that as well, and so the interface loses it when it comes home and tests it. It gets it
back together with the home address, without another test.
"""

from mipsh.mobility.effects import AnnounceAddress, AssignAddress, Effect, RemoveAddress
from mipsh.mobility.mobile.home_update import is_link_local_bound
from mipsh.mobility.mobile.movement import Place
from mipsh.mobility.mobile.parameters import Home


class HomeLink:
    """A home address and the interface at home; ``interface`` is the last one that was at home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.interface = ""
        self._bound: dict[str, bytes] = {}
        self._has_link_local = False
        self._assigned: str | None = None

    def note(self, place: Place) -> None:
        """Take note of which interface is at home, and of link-local addresses that the home address stands for."""
        if place.care_of_address is None:
            self.interface, self._has_link_local = place.interface, place.link_local is not None
        if place.link_local is not None and is_link_local_bound(self.home, place.link_local):
            self._bound[place.interface] = place.link_local

    def assign(self, *, detect: bool) -> list[Effect]:
        """Give the home address to the interface at home, from anew where it is there already."""
        effects = self.remove()
        self._assigned = self.interface
        return [*effects, AssignAddress(self.interface, self.home.address, detect)]

    def remove(self) -> list[Effect]:
        """Take the home address from its interface."""
        if self._assigned is None:
            return []
        interface, self._assigned = self._assigned, None
        return [RemoveAddress(interface, self.home.address)]

    def announce(self) -> list[Effect]:
        """Tell the home link that the home address is here, and the link-local address that it stands for."""
        effects: list[Effect] = [AnnounceAddress(self.interface, self.home.address)]
        link_local = self._bound.get(self.interface)
        if link_local is None:
            return effects
        if not self._has_link_local:
            effects.append(AssignAddress(self.interface, link_local, False))
        return [*effects, AnnounceAddress(self.interface, link_local)]
