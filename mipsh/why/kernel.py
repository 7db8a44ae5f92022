"""What a kernel's XFRM does with a packet that leaves: which policy it meets, and which states carry it out.

Only what mobility is about is looked at for the way: policies of the type ``sub``. The type ``main`` says
whether IPsec protects what results. A policy's templates that are optional are left out where there is no
state for them, as the kernel does.
"""

from collections.abc import Iterable, Iterator

from msgspec import Struct

from mipsh.model import xfrm
from mipsh.model.address import within
from mipsh.model.xfrm import ECHO_REQUEST, ICMPV6, Policy, Selector, State, Tables, Template, purpose

OUT, SUB, MAIN, ALLOW, BLOCK = 1, 1, 0, 0, 1
ROUTE2, HAO, ESP = 43, 60, 50
RO, TRIGGER = 2, 3
ANY = "::"


class Passage(Struct, frozen=True):
    """What becomes of a packet: the policy that it meets, the states that it gets, and what is missing.

    ``triggers`` is set where the daemon is told of it, so that return routability may begin; ``held`` where
    it was told already and the state waits for it. ``missing`` are required templates without a state.
    """

    policy: Policy | None = None
    home_address_state: State | None = None
    routing_state: State | None = None
    pending: State | None = None
    triggers: bool = False
    missing: tuple[Template, ...] = ()
    protection: Policy | None = None

    @property
    def is_blocked(self) -> bool:
        """Tell whether a policy forbids the packet."""
        return self.policy is not None and self.policy.action == BLOCK

    @property
    def name(self) -> str:
        """Return how the policy is called."""
        if self.policy is None:
            return ""
        return f"priority {self.policy.priority} ({purpose(self.policy) or 'not one of mip6d'})"


def passage(tables: Tables, source: str, destination: str) -> Passage:
    """Return what becomes of an echo request from a source to a destination."""
    policy = policy_for(tables.policies, SUB, source, destination)
    protection = policy_for(tables.policies, MAIN, source, destination)
    is_protected = protection is not None and any(t.protocol == ESP for t in protection.templates)
    found = Passage(policy, protection=protection if is_protected else None)
    if policy is None or policy.action == BLOCK:
        return found
    states = {t.protocol: _state(tables.states, t, source, destination) for t in policy.templates if t.mode == RO}
    hao, route2 = states.get(HAO), states.get(ROUTE2)
    pending = hao if hao is not None and hao.care_of_address is None else None
    required = (t for t in policy.templates if not t.is_optional and states.get(t.protocol) is None)
    return Passage(
        policy,
        None if pending else hao,
        route2,
        pending,
        any(t.mode == TRIGGER for t in policy.templates),
        tuple(required),
        found.protection,
    )


def policy_for(policies: Iterable[Policy], kind: int, source: str, destination: str) -> Policy | None:
    """Return the policy that an echo request meets on its way out: of those that fit, the first of the lowest number.

    The kernel keeps those of one priority in the order in which they were made, which their index tells.
    """
    fitting = [p for p in policies if p.direction == OUT and p.kind == kind and fits(p.selector, source, destination)]
    return min(fitting, key=lambda policy: (policy.priority, policy.index), default=None)


def fits(selector: Selector, source: str, destination: str) -> bool:
    """Tell whether a selector takes an echo request between two addresses, whatever the interface."""
    if selector.protocol not in (0, ICMPV6) or selector.interface_index:
        return False
    is_type = selector.source_port & selector.source_mask == ECHO_REQUEST & selector.source_mask
    is_code = selector.destination_port & selector.destination_mask == 0
    if selector.protocol == ICMPV6 and not (is_type and is_code):
        return False
    return _covers(selector.source, selector.source_length, source) and _covers(
        selector.destination, selector.destination_length, destination
    )


def binding_states(tables: Tables, home_address: str, peer: str) -> Iterator[State]:
    """Yield the states by which packets of a home address to a peer go with a Home Address option."""
    for state in tables.states:
        if state.protocol == HAO and state.mode == RO and (state.source, state.destination) == (home_address, peer):
            yield state


def protocol(state: State) -> str:
    """Return a state in words."""
    at = f" at {state.care_of_address}" if state.care_of_address else ", without a care-of address yet"
    return f"{xfrm.protocol_word(state.protocol)} {state.source} to {state.destination}{at}"


def _state(states: Iterable[State], template: Template, source: str, destination: str) -> State | None:
    """Return the state for a template; those are the packet's own ends where the template leaves them open."""
    ends = (
        source if template.source == ANY else template.source,
        destination if template.destination == ANY else template.destination,
    )
    for state in states:
        is_kind = (state.protocol, state.mode) == (template.protocol, template.mode)
        if is_kind and not state.is_wildcard and (state.source, state.destination) == ends:
            return state
    return None


def _covers(prefix: str, length: int, address: str) -> bool:
    return length == 0 or within(address, f"{prefix}/{length}")
