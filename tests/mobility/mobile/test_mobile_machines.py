"""The tables of the mobile node's home side: every state under every input."""

from itertools import product

import pytest

from mipsh.mobility.mobile import attachment, discovery, home_machine, prefixes
from mipsh.mobility.mobile.attachment import Input as Heard
from mipsh.mobility.mobile.attachment import State as Attached
from mipsh.mobility.mobile.discovery import Input as Told
from mipsh.mobility.mobile.discovery import State as Asked
from mipsh.mobility.mobile.home_machine import Input
from mipsh.mobility.mobile.home_machine import State as Home
from mipsh.mobility.mobile.prefixes import Input as Learnt
from mipsh.mobility.mobile.prefixes import State as Learning

ATTACHMENT = {
    Attached.DOWN: {
        Heard.LINK_UP: Attached.SOLICITING,
        Heard.LINK_CHANGED: Attached.CHANGED,
        Heard.LINK_DOWN: Attached.DOWN,
        Heard.LOST: Attached.DOWN,
    },
    Attached.SOLICITING: {
        Heard.LINK_UP: Attached.SOLICITING,
        Heard.LINK_DOWN: Attached.DOWN,
        Heard.ROUTER: Attached.ATTACHED,
    },
    Attached.ATTACHED: {
        Heard.LINK_CHANGED: Attached.CHANGED,
        Heard.LINK_DOWN: Attached.DOWN,
        Heard.STRANGER: Attached.CONFIRMING,
        Heard.MISSING: Attached.CONFIRMING,
        Heard.REPLACED: Attached.ATTACHED,
        Heard.LOST: Attached.SOLICITING,
    },
    Attached.CONFIRMING: {
        Heard.LINK_CHANGED: Attached.CHANGED,
        Heard.LINK_DOWN: Attached.DOWN,
        Heard.CONFIRMED: Attached.ATTACHED,
        Heard.REPLACED: Attached.ATTACHED,
        Heard.LOST: Attached.SOLICITING,
    },
    Attached.CHANGED: {
        Heard.LINK_CHANGED: Attached.CHANGED,
        Heard.LINK_DOWN: Attached.DOWN,
        Heard.ROUTER: Attached.ATTACHED,
        Heard.REPLACED: Attached.ATTACHED,
        Heard.LOST: Attached.SOLICITING,
    },
}
DISCOVERY = {
    Asked.IDLE: {Told.ASK: Asked.ASKING},
    Asked.ASKING: {
        Told.ASK: Asked.ASKING,
        Told.TIMEOUT: Asked.ASKING,
        Told.UNANSWERED: Asked.WAITING,
        Told.ANSWERED: Asked.IDLE,
        Told.STOP: Asked.IDLE,
    },
    Asked.WAITING: {Told.ASK: Asked.ASKING, Told.STOP: Asked.IDLE},
}
PREFIXES = {
    Learning.IDLE: {Learnt.ASK: Learning.ASKING},
    Learning.ASKING: {
        Learnt.ASK: Learning.ASKING,
        Learnt.TIMEOUT: Learning.ASKING,
        Learnt.UNANSWERED: Learning.IDLE,
        Learnt.ANSWERED: Learning.IDLE,
        Learnt.STOP: Learning.IDLE,
    },
}
ANYWHERE = {
    Input.DETACH: Home.NOWHERE,
    Input.ATTACH: Home.REGISTERING,
    Input.ATTACH_UNKNOWN: Home.DISCOVERING,
    Input.RETURN_BOUND: Home.FINDING,
    Input.RETURN_FREE: Home.TESTING,
    Input.PREFIX_ENDS: Home.ENDED,
}
"""What can happen to a home address whose prefix has not ended: the node moves, or the prefix ends."""
REGISTRATION = {
    Home.NOWHERE: {**ANYWHERE, Input.RESUME: Home.REGISTERED, Input.EXPIRED: Home.NOWHERE},
    Home.DISCOVERING: {**ANYWHERE, Input.DISCOVERED: Home.REGISTERING, Input.EXPIRED: Home.DISCOVERING},
    Home.REGISTERING: {
        **ANYWHERE,
        Input.LEAVE: Home.LEAVING,
        Input.ACCEPTED: Home.REGISTERED,
        Input.REJECTED: Home.REFUSED,
        Input.AGAIN: Home.REGISTERING,
        Input.NEXT: Home.DISCOVERING,
        Input.EXPIRED: Home.REGISTERING,
        Input.PREFIX_ENDS_BOUND: Home.WITHDRAWING,
    },
    Home.REGISTERED: {
        **ANYWHERE,
        Input.LEAVE: Home.LEAVING,
        Input.REFRESH: Home.REFRESHING,
        Input.EXPIRED: Home.REGISTERING,
        Input.PREFIX_ENDS_BOUND: Home.WITHDRAWING,
    },
    Home.REFRESHING: {
        **ANYWHERE,
        Input.LEAVE: Home.LEAVING,
        Input.ACCEPTED: Home.REGISTERED,
        Input.REJECTED: Home.REFUSED,
        Input.AGAIN: Home.REFRESHING,
        Input.REFRESH: Home.REFRESHING,
        Input.EXPIRED: Home.REGISTERING,
        Input.PREFIX_ENDS_BOUND: Home.WITHDRAWING,
    },
    Home.REFUSED: {
        **ANYWHERE,
        Input.AGAIN: Home.REGISTERING,
        Input.NEXT: Home.DISCOVERING,
        Input.LEAVE: Home.LEAVING,
    },
    Home.LEAVING: {
        Input.AGAIN: Home.LEAVING,
        Input.ACCEPTED: Home.UNREGISTERED,
        Input.REJECTED: Home.UNREGISTERED,
        Input.EXPIRED: Home.UNREGISTERED,
        Input.REGISTER: Home.REGISTERING,
        Input.PREFIX_ENDS_BOUND: Home.WITHDRAWING,
    },
    Home.UNREGISTERED: {**ANYWHERE, Input.LEAVE: Home.LEAVING, Input.REGISTER: Home.REGISTERING},
    Home.FINDING: {**ANYWHERE, Input.FOUND: Home.DEREGISTERING, Input.EXPIRED: Home.TESTING},
    Home.DEREGISTERING: {
        **ANYWHERE,
        Input.AGAIN: Home.DEREGISTERING,
        Input.ACCEPTED: Home.AT_HOME,
        Input.EXPIRED: Home.AT_HOME,
        Input.REJECTED: Home.TESTING,
    },
    Home.TESTING: {
        **ANYWHERE,
        Input.READY: Home.AT_HOME,
        Input.FAILED: Home.DUPLICATE,
        Input.DEFENDED: Home.FINDING,
    },
    Home.AT_HOME: {**ANYWHERE, Input.FAILED: Home.DUPLICATE},
    Home.DUPLICATE: {**ANYWHERE, Input.AGAIN: Home.TESTING},
    Home.WITHDRAWING: {
        Input.AGAIN: Home.WITHDRAWING,
        Input.ACCEPTED: Home.ENDED,
        Input.REJECTED: Home.ENDED,
        Input.EXPIRED: Home.ENDED,
        Input.DETACH: Home.ENDED,
        Input.RETURN_FREE: Home.TESTING,
    },
    Home.ENDED: {Input.RETURN_FREE: Home.TESTING},
}


@pytest.mark.parametrize(("state", "event"), list(product(Attached, Heard)))
def test_an_attachment(state: Attached, event: Heard) -> None:
    """RFC 6275 section 11.5.1."""
    after = ATTACHMENT[state].get(event)
    assert attachment.ATTACHMENT.table.get((state, event)) is after
    assert attachment.ATTACHMENT.allows(state, event) is (after is not None)


@pytest.mark.parametrize(("state", "event"), list(product(Asked, Told)))
def test_home_agent_discovery(state: Asked, event: Told) -> None:
    """RFC 6275 section 11.4.1."""
    assert discovery.DISCOVERY.table.get((state, event)) is DISCOVERY[state].get(event)


@pytest.mark.parametrize(("state", "event"), list(product(Learning, Learnt)))
def test_mobile_prefix_discovery(state: Learning, event: Learnt) -> None:
    """RFC 6275 section 11.4.2."""
    assert prefixes.PREFIX_DISCOVERY.table.get((state, event)) is PREFIXES[state].get(event)


@pytest.mark.parametrize(("state", "event"), list(product(Home, Input)))
def test_a_home_registration(state: Home, event: Input) -> None:
    """RFC 6275 sections 11.5.5 and 11.7."""
    after = REGISTRATION[state].get(event)
    if after is None:
        with pytest.raises(KeyError):
            home_machine.HOME_REGISTRATION.step(state, event)
    else:
        assert home_machine.HOME_REGISTRATION.step(state, event) is after
