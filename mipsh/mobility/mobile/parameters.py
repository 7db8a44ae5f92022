"""What an administrator may choose for a mobile node; times are seconds."""

from enum import Enum, auto

from msgspec import Struct

from mipsh.mobility.constants import MAX_RR_BINDING_LIFETIME_S
from mipsh.mobility.effects import Purpose


class Optimisation(Enum):
    """What to do about route optimisation with a peer."""

    ALLOWED = auto()
    REFUSED = auto()


class Home(Struct, frozen=True):
    """A home address with its home link; ``home_agent`` None is discovered (RFC 6275 section 11.4.1).

    ``is_link_local_bound`` sets the L flag where the home address has the interface identifier of
    the interface's link-local address. ``prefixes`` are the (prefix, length) pairs behind a mobile
    router (RFC 3963); ``is_explicit`` names them in each Binding Update.
    """

    address: bytes
    prefix_length: int = 64
    home_agent: bytes | None = None
    prefixes: tuple[tuple[bytes, int], ...] = ()
    is_mobile_router: bool = False
    is_explicit: bool = True
    is_link_local_bound: bool = True

    @property
    def prefix(self) -> bytes:
        """The home subnet prefix, with zeros behind it."""
        shift = 128 - self.prefix_length
        return (int.from_bytes(self.address) >> shift << shift).to_bytes(16)


class MobileNodeParameters(Struct, frozen=True):
    """A mobile node's configuration.

    ``required`` are the purposes for which packets to and from the home agent must be protected.
    ``peers`` overrides ``optimisation`` for single correspondents. ``refresh_at`` is the share of a
    granted lifetime after which a binding is refreshed. With ``acknowledge_correspondents`` the A
    flag asks correspondents for acknowledgements. Packets start return routability with new
    correspondents at most at the rate ``tests_together``, a second and in a burst.
    ``optimise_before_complete`` is a fault to be shown: Home Address options are sent to a correspondent
    as soon as return routability with it starts, before it has the binding.
    """

    homes: tuple[Home, ...]
    home_lifetime_s: float = 3600.0
    correspondent_lifetime_s: float = MAX_RR_BINDING_LIFETIME_S
    optimisation: Optimisation = Optimisation.ALLOWED
    peers: tuple[tuple[bytes, Optimisation], ...] = ()
    acknowledge_correspondents: bool = True
    required: frozenset[Purpose] = frozenset()
    refresh_at: float = 0.8
    refused_for_s: float = 600.0
    max_correspondents: int = 1_000
    send_alternate: bool = True
    tests_together: tuple[float, float] = (20.0, 100.0)
    optimise_before_complete: bool = False
