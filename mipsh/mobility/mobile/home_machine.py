"""The states of a home registration, and what leads from one to another (RFC 6275 sections 11.5.5 and 11.7)."""

from enum import Enum, auto

from mipsh.mobility.machine import Machine


class State(Enum):
    """How one home address stands with its home agent.

    LEAVING: away from home, a deregistration that somebody asked for is to be acknowledged.
    UNREGISTERED: likewise without a registration, until one is asked for or the mobile node moves.
    """

    NOWHERE = auto()
    DISCOVERING = auto()
    REGISTERING = auto()
    REGISTERED = auto()
    REFRESHING = auto()
    REFUSED = auto()
    LEAVING = auto()
    UNREGISTERED = auto()
    FINDING = auto()
    DEREGISTERING = auto()
    TESTING = auto()
    AT_HOME = auto()
    DUPLICATE = auto()
    WITHDRAWING = auto()
    ENDED = auto()


class Input(Enum):
    """What happens to a home registration."""

    DETACH = auto()
    ATTACH = auto()
    ATTACH_UNKNOWN = auto()
    RESUME = auto()
    RETURN_BOUND = auto()
    RETURN_FREE = auto()
    DISCOVERED = auto()
    ACCEPTED = auto()
    REJECTED = auto()
    REFRESH = auto()
    AGAIN = auto()
    NEXT = auto()
    EXPIRED = auto()
    FOUND = auto()
    READY = auto()
    FAILED = auto()
    DEFENDED = auto()
    PREFIX_ENDS_BOUND = auto()
    PREFIX_ENDS = auto()
    LEAVE = auto()
    REGISTER = auto()


AWAY = (State.DISCOVERING, State.REGISTERING, State.REGISTERED, State.REFRESHING, State.REFUSED, State.UNREGISTERED)
HOME = (State.FINDING, State.DEREGISTERING, State.TESTING, State.AT_HOME, State.DUPLICATE)
LIVE = (State.NOWHERE, *AWAY, *HOME)
"""The states of a home address whose prefix has not ended, but for LEAVING, which ends first."""
LEAVABLE = (State.REGISTERING, State.REGISTERED, State.REFRESHING, State.REFUSED, State.UNREGISTERED)
"""The states in which a deregistration can be asked for."""

HOME_REGISTRATION = Machine(
    "home registration",
    State.NOWHERE,
    {
        **{(state, Input.DETACH): State.NOWHERE for state in LIVE},
        **{(state, Input.ATTACH): State.REGISTERING for state in LIVE},
        **{(state, Input.ATTACH_UNKNOWN): State.DISCOVERING for state in LIVE},
        **{(state, Input.RETURN_BOUND): State.FINDING for state in LIVE},
        **{(state, Input.RETURN_FREE): State.TESTING for state in (*LIVE, State.WITHDRAWING, State.ENDED)},
        **{(state, Input.PREFIX_ENDS): State.ENDED for state in LIVE},
        (State.NOWHERE, Input.RESUME): State.REGISTERED,
        (State.NOWHERE, Input.EXPIRED): State.NOWHERE,
        (State.DISCOVERING, Input.DISCOVERED): State.REGISTERING,
        (State.DISCOVERING, Input.EXPIRED): State.DISCOVERING,
        (State.REGISTERING, Input.ACCEPTED): State.REGISTERED,
        (State.REGISTERING, Input.REJECTED): State.REFUSED,
        (State.REGISTERING, Input.AGAIN): State.REGISTERING,
        (State.REGISTERING, Input.NEXT): State.DISCOVERING,
        (State.REGISTERING, Input.EXPIRED): State.REGISTERING,
        (State.REGISTERED, Input.REFRESH): State.REFRESHING,
        (State.REGISTERED, Input.EXPIRED): State.REGISTERING,
        (State.REFRESHING, Input.ACCEPTED): State.REGISTERED,
        (State.REFRESHING, Input.REJECTED): State.REFUSED,
        (State.REFRESHING, Input.AGAIN): State.REFRESHING,
        (State.REFRESHING, Input.EXPIRED): State.REGISTERING,
        (State.REFRESHING, Input.REFRESH): State.REFRESHING,
        (State.REFUSED, Input.AGAIN): State.REGISTERING,
        (State.REFUSED, Input.NEXT): State.DISCOVERING,
        **{(state, Input.LEAVE): State.LEAVING for state in LEAVABLE},
        (State.LEAVING, Input.AGAIN): State.LEAVING,
        (State.LEAVING, Input.ACCEPTED): State.UNREGISTERED,
        (State.LEAVING, Input.REJECTED): State.UNREGISTERED,
        (State.LEAVING, Input.EXPIRED): State.UNREGISTERED,
        (State.LEAVING, Input.REGISTER): State.REGISTERING,
        (State.LEAVING, Input.PREFIX_ENDS_BOUND): State.WITHDRAWING,
        (State.UNREGISTERED, Input.REGISTER): State.REGISTERING,
        (State.FINDING, Input.FOUND): State.DEREGISTERING,
        (State.FINDING, Input.EXPIRED): State.TESTING,
        (State.DEREGISTERING, Input.AGAIN): State.DEREGISTERING,
        (State.DEREGISTERING, Input.ACCEPTED): State.AT_HOME,
        (State.DEREGISTERING, Input.EXPIRED): State.AT_HOME,
        (State.DEREGISTERING, Input.REJECTED): State.TESTING,
        (State.TESTING, Input.READY): State.AT_HOME,
        (State.TESTING, Input.FAILED): State.DUPLICATE,
        (State.TESTING, Input.DEFENDED): State.FINDING,
        (State.AT_HOME, Input.FAILED): State.DUPLICATE,
        (State.DUPLICATE, Input.AGAIN): State.TESTING,
        (State.REGISTERING, Input.PREFIX_ENDS_BOUND): State.WITHDRAWING,
        (State.REGISTERED, Input.PREFIX_ENDS_BOUND): State.WITHDRAWING,
        (State.REFRESHING, Input.PREFIX_ENDS_BOUND): State.WITHDRAWING,
        (State.WITHDRAWING, Input.AGAIN): State.WITHDRAWING,
        (State.WITHDRAWING, Input.ACCEPTED): State.ENDED,
        (State.WITHDRAWING, Input.REJECTED): State.ENDED,
        (State.WITHDRAWING, Input.EXPIRED): State.ENDED,
        (State.WITHDRAWING, Input.DETACH): State.ENDED,
    },
)
