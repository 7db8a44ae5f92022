"""What a kernel has of Mobile IPv6 at one moment, table by table; what could not be read is said with the reason.

A table that could not be read is None, which is not an empty one.
"""

from collections.abc import Iterable, Sequence
from typing import TypeVar

from msgspec import Struct

from mipsh.checks.sources import InterfaceAddress, Key, Link, Proxy, Route, Rule, Source, Unreadable
from mipsh.model.xfrm import Policy, State

MAIN, MIP6D = 254, 252
"""The tables of routes: the usual one, and the one that mip6d keeps to itself."""
SUB = 1
ALL = (Key.XS, Key.XP, Key.AD, Key.RT, Key.RU, Key.TN, Key.PN)
XFRM = (Key.XS, Key.XP)
Row = TypeVar("Row")


class View(Struct, frozen=True):
    """A kernel's tables; ``unread`` has what could not be read.

    ``has_whole_flags`` is unset where the flags of tunnels are those that iproute2 prints, which leaves the
    mark of Mobile IPv6 out.
    """

    states: tuple[State, ...] | None = None
    policies: tuple[Policy, ...] | None = None
    addresses: tuple[InterfaceAddress, ...] | None = None
    routes: tuple[Route, ...] | None = None
    rules: tuple[Rule, ...] | None = None
    links: tuple[Link, ...] | None = None
    proxies: tuple[Proxy, ...] | None = None
    unread: tuple[Unreadable, ...] = ()
    has_whole_flags: bool = True

    @property
    def has_xfrm(self) -> bool:
        """Tell whether states and policies were read."""
        return self.states is not None and self.policies is not None

    @property
    def sub_policies(self) -> tuple[Policy, ...]:
        """The policies that say the mobility."""
        return tuple(policy for policy in self.policies or () if policy.kind == SUB)

    @property
    def home_addresses(self) -> tuple[str, ...]:
        """The addresses that the kernel was told to be home addresses."""
        return tuple(dict.fromkeys(one.address for one in self.addresses or () if "home" in one.flags))

    @property
    def tunnels(self) -> tuple[Link, ...] | None:
        """The interfaces that are ip6tnl."""
        return None if self.links is None else tuple(link for link in self.links if link.tunnel is not None)

    def interface_of(self, address: str | None) -> str | None:
        """Return the interface that has an address."""
        return next((one.interface for one in self.addresses or () if one.address == address), None)

    def tunnel_to(self, local: str, remote: str) -> Link | None:
        """Return the tunnel between two addresses."""
        for link in self.tunnels or ():
            if link.tunnel is not None and (link.tunnel.local, link.tunnel.remote) == (local, remote):
                return link
        return None


def look(source: Source, keys: Iterable[Key] = ALL, *, has_whole_flags: bool = True) -> View:
    """Read a node's tables, or of them those of ``keys``."""
    unread: list[Unreadable] = []
    wanted = frozenset(keys)

    def read(key: Key, kind: type[Row]) -> tuple[Row, ...] | None:
        if key not in wanted:
            return None
        try:
            value = source.read(key, "").value
        except Unreadable as error:
            unread.append(error)
            return None
        rows = value if isinstance(value, Sequence) else ()
        return tuple(row for row in rows if isinstance(row, kind))

    return View(
        read(Key.XS, State),
        read(Key.XP, Policy),
        read(Key.AD, InterfaceAddress),
        read(Key.RT, Route),
        read(Key.RU, Rule),
        read(Key.TN, Link),
        read(Key.PN, Proxy),
        tuple(unread),
        has_whole_flags,
    )
