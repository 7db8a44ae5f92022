"""The home address on the home link: it is on one interface at the most (RFC 6275 section 11.5.5)."""

from mipsh.mobility.effects import AnnounceAddress, AssignAddress, Effect, RemoveAddress
from mipsh.mobility.mobile.home_update import is_link_local_bound
from mipsh.mobility.mobile.movement import Place
from mipsh.mobility.mobile.parameters import Home


class HomeLink:
    """The interface that a home address was given to, if any."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self._interface: str | None = None

    def assign(self, place: Place | None, *, detect: bool) -> list[Effect]:
        """Give the home address to the interface at home, from anew where it is there already."""
        if place is None:
            return []
        effects = self.remove()
        self._interface = place.interface
        return [*effects, AssignAddress(place.interface, self.home.address, detect)]

    def remove(self) -> list[Effect]:
        """Take the home address from its interface."""
        if self._interface is None:
            return []
        interface, self._interface = self._interface, None
        return [RemoveAddress(interface, self.home.address)]

    def withdrawn(self) -> None:
        """Take note that the interface dropped the home address by itself."""
        self._interface = None

    def announce(self, place: Place | None) -> list[Effect]:
        """Tell the home link that the home address is here, and the link-local address that it stands for."""
        if place is None:
            return []
        effects: list[Effect] = [AnnounceAddress(place.interface, self.home.address)]
        if place.link_local is not None and is_link_local_bound(self.home, place.link_local):
            effects.append(AnnounceAddress(place.interface, place.link_local))
        return effects
