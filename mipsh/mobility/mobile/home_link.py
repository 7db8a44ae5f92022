"""The home address on the home link: it is on one interface at the most (RFC 6275 section 11.5.5)."""

from mipsh.mobility.effects import AnnounceAddress, AssignAddress, Effect, RemoveAddress
from mipsh.mobility.mobile.home_update import is_link_local_bound
from mipsh.mobility.mobile.movement import Place
from mipsh.mobility.mobile.parameters import Home


class HomeLink:
    """A home address and the interface at home; ``interface`` is the last one that was at home."""

    def __init__(self, home: Home) -> None:
        self.home = home
        self.interface = ""
        self._link_local: bytes | None = None
        self._assigned: str | None = None

    def enter(self, place: Place) -> None:
        """Take note of which interface is at home."""
        self.interface, self._link_local = place.interface, place.link_local

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
        if self._link_local is not None and is_link_local_bound(self.home, self._link_local):
            effects.append(AnnounceAddress(self.interface, self._link_local))
        return effects
