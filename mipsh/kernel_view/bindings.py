"""The bindings that a kernel has, found in its states and policies, with no daemon asked.

A binding that this node keeps for a mobile node has a type 2 routing header towards its home address; one of
this node's own is known by the policy for its Binding Updates, or by that for its data. What the kernel does
not know is None: sequence numbers, lifetimes, and to whom a home address that is blocked was registered.
"""

from collections.abc import Callable, Iterator

from msgspec import Struct

from mipsh.kernel_view import matching as form
from mipsh.kernel_view.matching import ANY, HAO, OUT, ROUTE2, Flow
from mipsh.kernel_view.view import MAIN, MIP6D, View
from mipsh.model.records import BindingCacheEntry, BindingUpdateListEntry
from mipsh.model.xfrm import PURPOSES, Policy, State

MOBILE_NODE, HOME_AGENT, CORRESPONDENT = "mn", "ha", "cn"
HOME, PEER = "home", "correspondent"
REGISTERED, CACHED = "registered", "cached"
BOUND, PENDING, BLOCKED, INCOMPLETE = "bound", "pending", "blocked", "incomplete"
HA_RULE = 1005
_STATES = {
    form.HOME_BLOCKED: BLOCKED,
    form.HOME_HELD: BLOCKED,
    form.HOME_DATA: BOUND,
    form.PEER_BLOCKED: BLOCKED,
    form.HELD: PENDING,
    form.BOTH_MOBILE: BOUND,
    form.OPTIMISED: BOUND,
    form.CACHED: PENDING,
}


class Kept(Struct, frozen=True):
    """A binding kept for a mobile node. ``care_of`` are those of its states, which are two where it is whole."""

    home: str
    local: str
    care_of: tuple[str, ...] = ()
    priority: int | None = None
    last_used: int | None = None
    is_home_registration: bool | None = None

    @property
    def place(self) -> str | None:
        """The care-of address, where the states agree on one."""
        return self.care_of[0] if len(set(self.care_of)) == 1 else None


class Own(Struct, frozen=True):
    """A binding of this mobile node; ``peer`` is empty where every packet of the home address is blocked."""

    home: str
    peer: str
    registration: str
    state: str
    care_of: str | None = None
    priority: int | None = None
    last_used: int | None = None


def does_mobility(view: View) -> bool:
    """Tell whether states or policies of Mobile IPv6 are there."""
    return any(state.protocol in (HAO, ROUTE2) for state in view.states or ()) or any(
        template.protocol in (HAO, ROUTE2) for policy in view.sub_policies for template in policy.templates
    )


def role(view: View) -> str | None:
    """Return mn, ha or cn, by what only that role makes; None where there is nothing of any, or it was not read."""
    wildcards = {state.protocol for state in view.states or () if state.is_wildcard}
    receives = any(policy.priority == form.RECEIVED and form.makes(policy, ROUTE2) for policy in view.sub_policies)
    if view.home_addresses or ROUTE2 in wildcards or receives:
        return MOBILE_NODE
    if any((rule.priority, rule.table) == (HA_RULE, MIP6D) for rule in view.rules or ()):
        return HOME_AGENT
    if any(one.is_home_registration for one in kept(view)):
        return HOME_AGENT
    return CORRESPONDENT if does_mobility(view) else None


def homes(view: View) -> tuple[str, ...]:
    """Return this node's home addresses: those marked as such, and those that policies put into Home Address options.

    Where there are none of them, it is no mobile node.
    """
    found = list(view.home_addresses)
    for policy in view.sub_policies:
        ends = form.flow(policy.selector)
        if ends is None or policy.direction != OUT or ends.source == ANY:
            continue
        if form.makes(policy, HAO) or form.makes(policy, HAO, form.TRIGGER) or policy.priority in form.BLOCKS:
            found.append(ends.source)
    return tuple(dict.fromkeys(found))


def kept(view: View) -> list[Kept]:
    """Return the bindings that this node keeps for mobile nodes."""
    own = homes(view)
    states: dict[Flow, list[State]] = {}
    for state in form.bound_states(view.states or (), ROUTE2):
        states.setdefault(Flow(state.source, state.destination), []).append(state)
    for state in form.bound_states(view.states or (), HAO):
        if state.source not in own:
            states.setdefault(Flow(state.destination, state.source), []).append(state)
    policies: dict[Flow, Policy] = {}
    for policy in view.sub_policies:
        ends = form.flow(policy.selector)
        if ends is not None and _is_towards_mobile(policy) and ANY not in (ends.source, ends.destination):
            policies.setdefault(ends, policy)
    return [
        Kept(
            ends.destination,
            ends.source,
            tuple(dict.fromkeys(state.care_of_address or "" for state in states.get(ends, ()))),
            policies[ends].priority if ends in policies else None,
            max((state.last_used or 0 for state in states.get(ends, ())), default=0) or None,
            _is_home_registration(view, ends.destination),
        )
        for ends in dict.fromkeys((*states, *policies))
    ]


def _is_towards_mobile(policy: Policy) -> bool:
    return policy.direction == OUT and form.carries_data(policy) and form.makes(policy, ROUTE2)


def _is_home_registration(view: View, home: str) -> bool | None:
    """Tell whether a home agent serves a home address: by a route into a tunnel, or as its neighbours' proxy."""
    routes, proxies = view.routes, view.proxies
    if routes is None and proxies is None:
        return None
    tunnels = {link.name for link in view.tunnels or ()}
    tables = (MAIN, MIP6D)
    is_routed = any(
        (route.destination, route.length) == (home, 128)
        and route.table in tables
        and (route.table == MIP6D or route.interface in tunnels)
        for route in routes or ()
    )
    return is_routed or any(proxy.address == home for proxy in proxies or ())


def own(view: View) -> list[Own]:
    """Return the bindings of this mobile node at its home agent and at correspondents."""
    found: dict[Flow, Own] = {}
    states = {(one.source, one.destination): one for one in form.bound_states(view.states or (), HAO)}
    for ends, registration, policy in _registrations(view):
        known = found.get(ends)
        state = INCOMPLETE if policy is None else _STATES[policy.priority]
        if known is not None and (policy is None or _worse(known.state, state)):
            continue
        said = states.get((ends.source, ends.destination))
        found[ends] = Own(
            ends.source,
            "" if ends.destination == ANY else ends.destination,
            registration if known is None else known.registration,
            state,
            None if said is None else said.care_of_address,
            None if policy is None else policy.priority,
            None if said is None else said.last_used,
        )
    return [_as_far_as_carried(one, states) for one in found.values()]


def _as_far_as_carried(one: Own, states: dict[tuple[str, str], State]) -> Own:
    """Return a binding as incomplete where its policy asks for a state that is not there."""
    if one.state != BOUND or (one.home, one.peer) in states:
        return one
    return Own(one.home, one.peer, one.registration, INCOMPLETE, None, one.priority, None)


def _worse(known: str, state: str) -> bool:
    """Tell whether a state that is known already outweighs another: what blocks is looked at first."""
    order = (BLOCKED, BOUND, PENDING, INCOMPLETE)
    return order.index(known) <= order.index(state)


def _registrations(view: View) -> Iterator[tuple[Flow, str, Policy | None]]:
    """Yield the ends of each own binding, which kind it is, and the policy for its data, which may be missing."""
    own_homes = homes(view)
    signalled: set[Flow] = set()
    homes_signalled: list[Flow] = []
    for policy in view.sub_policies:
        ends = form.flow(policy.selector)
        if ends is None or policy.direction != OUT or ends.source not in own_homes or not form.makes(policy, HAO):
            continue
        if form.signals(policy, form.UPDATE) and ends.destination != ANY:
            signalled.add(ends)
            is_home = policy.priority == form.HOME_SIGNALLING
            homes_signalled += [ends] if is_home else []
            yield ends, HOME if is_home else PEER, None
    for policy in view.sub_policies:
        ends = form.flow(policy.selector)
        if ends is None or policy.direction != OUT or not form.carries_data(policy):
            continue
        if _holds_all(policy, ends):
            yield from ((one, HOME, policy) for one in homes_signalled)
        elif ends.source in own_homes and _is_of_own(policy, ends, signalled):
            yield ends, HOME if policy.priority <= form.HOME_DATA else PEER, policy


def _holds_all(policy: Policy, ends: Flow) -> bool:
    """Tell whether a policy keeps every packet of the node back until the home registration is in force."""
    return policy.priority == form.HOME_HELD and policy.action == form.BLOCK and ends == Flow(ANY, ANY)


def _is_of_own(policy: Policy, ends: Flow, signalled: set[Flow]) -> bool:
    if policy.priority == form.HOME_BLOCKED:
        return True
    if policy.priority not in _STATES or ends.destination in (ANY, ends.source):
        return False
    return policy.priority != form.CACHED or ends in signalled


def cache_rows(view: View, time: Callable[[int], str]) -> list[BindingCacheEntry]:
    """Return the binding cache as the kernel has it; ``time`` writes seconds since the epoch."""
    rows = []
    for one in kept(view):
        tunnel = None if one.place is None else view.tunnel_to(one.local, one.place)
        proxied = next((proxy.interface for proxy in view.proxies or () if proxy.address == one.home), None)
        status = {True: REGISTERED, False: CACHED, None: None}[one.is_home_registration]
        rows.append(
            BindingCacheEntry(
                one.home,
                one.place,
                status,
                local_address=one.local,
                tunnel_interface=None if tunnel is None else tunnel.name,
                link_interface=proxied,
                extra=_said(one.priority, one.last_used, time),
            )
        )
    return rows


def update_rows(view: View, time: Callable[[int], str]) -> list[BindingUpdateListEntry]:
    """Return the binding update list as the kernel has it; ``time`` writes seconds since the epoch."""
    return [
        BindingUpdateListEntry(
            one.home,
            one.care_of,
            one.peer or None,
            one.registration,
            one.state,
            interface=view.interface_of(one.care_of) if one.care_of else None,
            extra=_said(one.priority, one.last_used, time),
        )
        for one in own(view)
    ]


def _said(priority: int | None, last_used: int | None, time: Callable[[int], str]) -> dict[str, str]:
    found = {} if priority is None else {"priority": str(priority), "purpose": PURPOSES.get(priority, "")}
    return found if last_used is None else {**found, "last_used": time(last_used)}
