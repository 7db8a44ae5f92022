"""Every object that bindings need, as it is found in a kernel; and what is there of a binding that nobody has.

A node may have thousands of bindings: what is looked for is looked for among the objects that name the
binding's addresses.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TypeVar

from msgspec import Struct, structs

from mipsh.checks.sources import InterfaceAddress, Link, Proxy, Route, Rule, Tunnel
from mipsh.kernel_view import bindings, needs, things
from mipsh.kernel_view import matching as form
from mipsh.kernel_view.matching import ANY, HAO, ROUTE2
from mipsh.kernel_view.needs import Binding, Kind, Stage
from mipsh.kernel_view.things import UMIP_PROTOCOL, Object, Thing, Verdict
from mipsh.kernel_view.view import MAIN, MIP6D, View
from mipsh.model.xfrm import Policy, State

Row = TypeVar("Row")
BY_HAND = {
    "state": "ip -6 -s xfrm state",
    "policy": "ip -6 xfrm policy",
    "route": "ip -6 route show table all",
    "rule": "ip -6 rule",
    "tunnel": "ip -6 -d tunnel show",
    "proxy": "ip -6 neigh show proxy",
    "address": "ip -6 address",
}
STAGES = {
    bindings.BOUND: Stage.BOUND,
    bindings.PENDING: Stage.PENDING,
    bindings.BLOCKED: Stage.BLOCKED,
    bindings.INCOMPLETE: Stage.BOUND,
}


class Piece(Struct, frozen=True):
    """An object of a binding, or (``binding`` None) one that every node of the role has, or that nobody needs.

    ``names`` are the addresses of one that nobody needs.
    """

    binding: Binding | None
    kind: str
    words: str
    verdict: Verdict
    evidence: str
    purpose: str
    by_hand: str = ""
    names: frozenset[str] = frozenset()


class Plumbing(Struct, frozen=True):
    """All pieces: those that are needed, in order, and then those that nobody needs."""

    role: str | None
    pieces: tuple[Piece, ...]
    unread: tuple[str, ...] = ()


def of_kernel(view: View) -> list[Binding]:
    """Return the bindings that a kernel has by itself."""
    found = [
        Binding(Kind.SERVED if one.is_home_registration else Kind.KEPT, one.home, one.local, one.place)
        for one in bindings.kept(view)
    ]
    for one in bindings.own(view):
        kind = Kind.HOME if one.registration == bindings.HOME else Kind.PEER
        found.append(Binding(kind, one.home, one.peer, one.care_of or _place(view, one.home), STAGES[one.state]))
    return found


def _place(view: View, home: str) -> str | None:
    """Return the near end of the tunnel that a home address is on."""
    name = view.interface_of(home)
    tunnel = next((link.tunnel for link in view.tunnels or () if link.name == name), None)
    return None if tunnel is None else tunnel.local


def plumb(view: View, wanted: Sequence[Binding], role: str | None, homes: Iterable[str] = ()) -> Plumbing:
    """Look for what bindings need, and for what nobody needs.

    ``homes`` are home addresses, to which all is limited; none: everything.
    """
    only = frozenset(homes)
    index = _Index(view)
    pieces: list[Piece] = []
    used: set[int] = set()
    for thing in needs.common(role) if role else ():
        piece = _piece(None, thing, view, used)
        if piece.verdict is not Verdict.MISSING or not thing.is_optional:
            pieces.append(piece)
    bound = {(one.home, one.peer) for one in wanted if one.is_own and one.stage is Stage.BOUND}
    kept = {(one.peer, one.home) for one in wanted if not one.is_own}
    for binding in wanted:
        if only and binding.home not in only and not (binding.peer in only and not binding.is_own):
            continue
        ends = (binding.home, binding.peer)
        near = index.of(*ends)
        is_twin_bound, is_kept_too = (binding.peer, binding.home) in bound, ends in kept
        pieces += [_piece(binding, thing, near, used) for thing in needs.of(binding, view, is_twin_bound, is_kept_too)]
        _allow(binding, near, used, is_kept_too)
    extra = [_extra(row) for row in _objects(view, only) if id(row) not in used and _is_of_binding(row, view, wanted)]
    return Plumbing(role, (*pieces, *extra), tuple(str(error) for error in view.unread))


def _piece(binding: Binding | None, thing: Thing, view: View, used: set[int]) -> Piece:
    found = thing.find(view)
    used.update(id(row) for row in found.objects)
    return Piece(binding, thing.kind, thing.words, found.verdict, found.evidence, thing.purpose, thing.by_hand)


def _allow(binding: Binding, view: View, used: set[int], is_kept_too: bool) -> None:
    """Take note of what may be there for a binding that is not in force, or passes from one care-of to another."""
    allowed = list(needs.held(binding, is_kept_too=is_kept_too)) if binding.stage is Stage.PENDING else []
    if binding.stage is Stage.BLOCKED:
        allowed += needs.blocked(binding)
    for thing in allowed:
        used.update(id(row) for row in thing.find(view).objects)
    if binding.stage not in (Stage.OPEN, Stage.PENDING):
        return
    ends = {binding.home, binding.peer}
    used.update(id(row) for row in view.states or () if _is_between(row, ends))
    used.update(id(row) for row in view.policies or () if _is_between(row, ends))
    used.update(id(row) for row in view.routes or () if row.destination == binding.home or binding.is_own)
    used.update(id(row) for row in view.proxies or ())
    used.update(id(row) for row in view.tunnels or () if {binding.care_of} & set(_addresses(row)))


def _is_between(row: State | Policy, ends: set[str]) -> bool:
    """Tell whether a state or policy is of the two addresses, or of a home address alone."""
    if isinstance(row, State):
        return {row.source, row.destination} <= ends
    found = form.flow(row.selector)
    return found is not None and {found.source, found.destination} - {ANY} <= ends


def _objects(view: View, only: frozenset[str]) -> Iterator[Object]:
    """Yield what is of some binding: by its form, whoever made it."""
    for row in view.states or ():
        is_whole = row.care_of_address is not None and not row.is_wildcard
        if row.protocol in (HAO, ROUTE2) and is_whole and _names(only, row.source, row.destination):
            yield row
    for policy in view.sub_policies:
        ends = form.flow(policy.selector)
        if (
            ends is not None
            and {ends.source, ends.destination} != {ANY}
            and _names(only, ends.source, ends.destination)
        ):
            yield policy
    yield from (route for route in view.routes or () if _is_of_mip6d(route, only))
    rules = (rule for rule in view.rules or () if rule.priority == needs.BLACKHOLE)
    yield from (rule for rule in rules if _names(only, rule.source))
    yield from (proxy for proxy in view.proxies or () if _names(only, proxy.address))
    yield from () if only else view.tunnels or ()


def _is_of_mip6d(route: Route, only: frozenset[str]) -> bool:
    """Tell whether mip6d made a route: to a home address, or the default one of its own table."""
    if route.protocol != UMIP_PROTOCOL or route.table not in (MAIN, MIP6D):
        return False
    if route.length == 0:
        return route.table == MIP6D and not only
    return route.length == 128 and _names(only, route.destination)


def _names(only: frozenset[str], *addresses: str) -> bool:
    return not only or any(address in only for address in addresses)


def _is_of_binding(row: Object, view: View, wanted: Sequence[Binding]) -> bool:
    """Tell whether an object that nobody needs was made for a binding, or may be anybody's.

    A tunnel is, where a state has its far end for a care-of address, or where it is marked; one of a mobile node
    stays from its first registration on, and its blackhole as long as the home address is on that tunnel.
    """
    if isinstance(row, Rule):
        return view.addresses is not None and not needs.agent_of(view, row.source)
    if not isinstance(row, Link):
        return True
    if row.tunnel is None or view.home_addresses or row.tunnel.remote == ANY:
        return False
    is_marked = bool(row.tunnel.flags & MIP6_DEVICE)
    places = {state.care_of_address for state in view.states or ()}
    return is_marked or row.tunnel.remote in places


MIP6_DEVICE = 0x8
"""The flag of a tunnel that was made for Mobile IPv6 (IP6_TNL_F_MIP6_DEV)."""


def _extra(row: Object) -> Piece:
    kind, words = things.in_words(row)
    why = "is of no binding that there is"
    return Piece(None, kind, "", Verdict.EXTRA, words, why, BY_HAND[kind], frozenset(_addresses(row)) - {ANY})


def _addresses(row: Object) -> tuple[str, ...]:
    match row:
        case State():
            return row.source, row.destination
        case Policy():
            return row.selector.source, row.selector.destination
        case Route():
            return (row.destination,)
        case Rule():
            return (row.source,)
        case Link(tunnel=Tunnel() as tunnel):
            return tunnel.local, tunnel.remote
        case Proxy() | InterfaceAddress():
            return (row.address,)
    return ()


class _Index:
    """The objects of a view by the addresses that they name."""

    def __init__(self, view: View) -> None:
        self._view = view
        self._states = _by_address(view.states, lambda one: (one.source, one.destination))
        self._policies = _by_address(view.policies, lambda one: (one.selector.source, one.selector.destination))
        self._routes = _by_address(view.routes, lambda one: (one.destination,))
        self._proxies = _by_address(view.proxies, lambda one: (one.address,))

    def of(self, home: str, peer: str) -> View:
        """Return the view with what names an address of a binding; rules, links and addresses are few, and stay."""
        view = self._view
        return structs.replace(
            view,
            states=None if view.states is None else tuple(self._states[home]),
            policies=None if view.policies is None else tuple(self._policies[home]),
            routes=None if view.routes is None else (*self._routes[home], *self._routes[ANY]),
            proxies=None if view.proxies is None else tuple(self._proxies[home]),
        )


def _by_address(rows: Sequence[Row] | None, addresses: Callable[[Row], tuple[str, ...]]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = defaultdict(list)
    for row in rows or ():
        for address in dict.fromkeys(addresses(row)):
            found[address].append(row)
    return found
