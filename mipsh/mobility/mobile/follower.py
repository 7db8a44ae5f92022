"""What depends on a home registration, and is told of it."""

from typing import Protocol

from msgspec import Struct

from mipsh.mobility.effects import Effect


class Binding(Struct, frozen=True):
    """A registration that a home agent acknowledged; ``until`` is when it ends, ``lifetime_s`` what was granted."""

    care_of_address: bytes
    home_agent: bytes
    until: float
    lifetime_s: float = 0.0


class Follower(Protocol):
    """Whoever must know whether there is a registration, and of which care-of address."""

    def registered(self, binding: Binding, status: int, now: float) -> list[Effect]:
        """Take note that the registration was accepted, new or again, with a status below 128."""

    def moving(self, now: float) -> list[Effect]:
        """Take note that the care-of address is another one, or none, and not registered yet."""

    def at_home(self, now: float) -> list[Effect]:
        """Take note that the home address may be used on the home link."""

    def lost(self, now: float) -> list[Effect]:
        """Take note that there is no registration any more."""
