"""What depends on a home registration, and is told of it."""

from typing import Protocol

from mipsh.mobility.effects import Effect


class Follower(Protocol):
    """Whoever must know whether there is a registration, and of which care-of address."""

    def registered(self, home_agent: bytes, lifetime_s: float, status: int, now: float) -> list[Effect]:
        """Take note that the registration was accepted, new or again, and lasts ``lifetime_s`` from now."""

    def moving(self, now: float) -> list[Effect]:
        """Take note that the care-of address is another one, or none, and not registered yet."""

    def at_home(self, now: float) -> list[Effect]:
        """Take note that the home address may be used on the home link."""

    def lost(self, now: float) -> list[Effect]:
        """Take note that there is no registration any more."""
