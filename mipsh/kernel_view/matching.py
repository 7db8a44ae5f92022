"""Which states and policies are of a binding: what mip6d makes of one, recognised by form, not by priority alone."""

from collections.abc import Iterator

from msgspec import Struct

from mipsh.model.xfrm import MOBILITY_HEADER, Policy, Selector, State

IN, OUT = 0, 1
ALLOW, BLOCK = 0, 1
ROUTE2, HAO = 43, 60
RO, TRIGGER = 2, 3
TYPED = 0xFFFF
ANY = "::"
UPDATE, ACKNOWLEDGEMENT, ERROR = 5, 6, 7
HOME_BLOCKED, HOME_SIGNALLING, BYPASS, HOME_HELD = 1, 2, 3, 4
HOME_DATA, PEER_SIGNALLING, ANY_SIGNALLING, UNOPTIMISED_SIGNALLING = 6, 8, 9, 12
PEER_BLOCKED, HELD, BOTH_MOBILE, OPTIMISED, CACHED, TRIGGERED, RECEIVED = 11, 13, 14, 15, 16, 18, 19
BLOCKS = (HOME_BLOCKED, HOME_HELD, PEER_BLOCKED)


class Flow(Struct, frozen=True):
    """From whom to whom: host addresses; ``::`` for any."""

    source: str
    destination: str

    @property
    def back(self) -> "Flow":
        """The other direction."""
        return Flow(self.destination, self.source)


def flow(selector: Selector) -> Flow | None:
    """Return the ends of a selector where each is one address, or any; None for prefixes."""
    if selector.source_length not in (0, 128) or selector.destination_length not in (0, 128):
        return None
    return Flow(
        selector.source if selector.source_length else ANY, selector.destination if selector.destination_length else ANY
    )


def signals(policy: Policy, kind: int) -> bool:
    """Tell whether a policy is for Mobility Header messages of a type alone."""
    selector = policy.selector
    return selector.protocol == MOBILITY_HEADER and (selector.source_port, selector.source_mask) == (kind, TYPED)


def carries_data(policy: Policy) -> bool:
    """Tell whether a policy is for every packet between its ends."""
    return policy.selector.protocol == 0


def makes(policy: Policy, protocol: int, mode: int = RO) -> bool:
    """Tell whether a policy asks for a state of a type."""
    return any((one.protocol, one.mode) == (protocol, mode) for one in policy.templates)


def bound_states(states: tuple[State, ...], protocol: int) -> Iterator[State]:
    """Yield the states of a type that are of one binding: with a care-of address, and not for anybody's packets."""
    for state in states:
        is_whole = state.care_of_address not in (None, ANY)
        if state.protocol == protocol and state.mode == RO and not state.is_wildcard and is_whole:
            yield state


def waiting_states(states: tuple[State, ...]) -> Iterator[State]:
    """Yield the states that the kernel made while it waits for return routability: without a care-of address."""
    for state in states:
        if state.protocol == HAO and not state.is_wildcard and state.care_of_address is None:
            yield state
