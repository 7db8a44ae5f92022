"""Words about XFRM policies and states, in which the checks of it are written."""

from collections.abc import Iterable, Iterator
from itertools import islice

from mipsh.checks.facts import MOBILE_NODE, Facts
from mipsh.checks.sources import Key, Socket, Unreadable
from mipsh.model.address import within
from mipsh.model.findings import Evidence
from mipsh.model.xfrm import (
    DIRECTIONS,
    ICMPV6,
    MOBILITY_HEADER,
    MODES,
    TYPES,
    Policy,
    Selector,
    State,
    protocol_word,
    word,
)

IN, OUT, FORWARD = map(DIRECTIONS.index, ("in", "out", "fwd"))
MAIN, SUB = map(TYPES.index, ("main", "sub"))
TUNNEL, RO, TRIGGER = map(MODES.index, ("tunnel", "ro", "in_trigger"))
ROUTE2, ESP, HAO = 43, 50, 60
BLOCK = 1
HOST = 128
MOST_SHOWN = 8
TESTS, UPDATE, SOLICITATION = (1, 3), 5, 135
"""Types: of the Mobility Headers of a home test, of the Binding Update, and of the Neighbor Solicitation."""


def is_typed(policy: Policy) -> bool:
    """Tell whether a policy is for one type of Mobility Headers."""
    return policy.selector.protocol == MOBILITY_HEADER and policy.selector.source_mask != 0


def is_of_kind(policy: Policy, direction: int, kind: int) -> bool:
    """Tell whether a policy has a direction, and is main or sub."""
    return policy.direction == direction and policy.kind == kind


def asks_for(policy: Policy, protocol: int, mode: int = RO) -> bool:
    """Tell whether a policy has a template of a protocol and a mode."""
    return any(one.protocol == protocol and one.mode == mode for one in policy.templates)


def has_ipsec(policy: Policy) -> bool:
    """Tell whether a policy of the type main asks for ESP."""
    return policy.kind == MAIN and any(one.protocol == ESP for one in policy.templates)


def is_for_all(policy: Policy) -> bool:
    """Tell whether a policy is for all packets."""
    selector = policy.selector
    return not (selector.source_length or selector.destination_length or selector.protocol)


def covers(selector: Selector, source: str, destination: str) -> bool:
    """Tell whether the addresses of a selector hold two addresses."""
    return (not selector.source_length or within(source, f"{selector.source}/{selector.source_length}")) and (
        not selector.destination_length or within(destination, f"{selector.destination}/{selector.destination_length}")
    )


def data_policy(policies: Iterable[Policy], source: str, destination: str) -> Policy | None:
    """Return the policy of the type sub that data from one address to another meets on its way out."""
    fitting = (
        one
        for one in policies
        if is_of_kind(one, OUT, SUB) and not one.selector.protocol and covers(one.selector, source, destination)
    )
    return min(fitting, key=lambda one: (one.priority, one.index), default=None)


def state_of(states: Iterable[State], protocol: int, source: str, destination: str) -> State | None:
    """Return the state of a protocol between two addresses."""
    return next(
        (one for one in states if (one.protocol, one.source, one.destination) == (protocol, source, destination)), None
    )


def packets_since(before: Iterable[State], state: State) -> int | None:
    """Return how many packets a state took since; None for one that is new, or was made anew."""
    known = state_of((one for one in before if one.spi == state.spi), state.protocol, state.source, state.destination)
    if known is None or known.use.added != state.use.added or known.use.packets > state.use.packets:
        return None
    return state.use.packets - known.use.packets


def earlier_of(facts: Facts) -> Facts | None:
    """Return the beginning of the window; None where there is no window."""
    try:
        return facts.earlier
    except Unreadable:
        return None


def rise(facts: Facts, name: str) -> int | None:
    """Return by how much a counter of XFRM rose; None where that cannot be told."""
    try:
        return facts.xfrm_rise(name)
    except Unreadable:
        return None


def updates_received(facts: Facts) -> int | None:
    """Return how many Binding Updates the daemon counted in the window; None where that cannot be told."""
    try:
        now, before = (
            next(one.value for one in moment.statistics if (one.direction, one.name) == ("received", "binding_updates"))
            for moment in (facts, facts.earlier)
        )
    except (Unreadable, StopIteration):
        return None
    return None if now is None or before is None else now - before


def optimised(facts: Facts) -> Iterator[tuple[Socket, State]]:
    """Yield the TCP connections that a policy and a state of route optimisation are for, each with the state."""
    is_mobile = facts.role == MOBILE_NODE
    homes = facts.home_addresses if is_mobile else frozenset()
    mobile_peers = frozenset() if is_mobile else frozenset(one.home_address for one in facts.cache)
    for socket in facts.sockets:
        if socket.state != "ESTABLISHED" or not (socket.local in homes or socket.remote in mobile_peers):
            continue
        policy = data_policy(facts.policies, socket.local, socket.remote)
        wanted = () if policy is None else [one.protocol for one in policy.templates if one.mode == RO]
        states = (state_of(facts.states, protocol, socket.local, socket.remote) for protocol in wanted)
        state = next((one for one in states if one is not None and one.mode == RO), None)
        if state is not None:
            yield socket, state


def told(policy: Policy) -> str:
    """Return what a policy is, in the words of ``ip xfrm policy``."""
    selector = policy.selector
    said = [
        f"dir {word(DIRECTIONS, policy.direction)} ptype {word(TYPES, policy.kind)}",
        f"src {selector.source}/{selector.source_length} dst {selector.destination}/{selector.destination_length}",
    ]
    if selector.protocol:
        said.append(f"proto {'ipv6-icmp' if selector.protocol == ICMPV6 else selector.protocol}")
    if selector.source_mask:
        said.append(f"type {selector.source_port}")
    said.append(f"priority {policy.priority}")
    said += ["action block"] if policy.action == BLOCK else []
    said += [f"tmpl {protocol_word(one.protocol)} mode {word(MODES, one.mode)}" for one in policy.templates]
    return " ".join(said)


def saw_policies(facts: Facts, policies: Iterable[Policy]) -> tuple[Evidence, ...]:
    """Return policies as evidence."""
    return tuple(facts.saw(Key.XP, told(one)) for one in islice(policies, MOST_SHOWN))
