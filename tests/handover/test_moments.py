"""Packets and events become moments of the handover that they are about, and of no other."""

from typing import Any

import pytest
from msgspec import structs

from mipsh.handover.moments import Heard, of_event, of_packet
from mipsh.handover.story import Ends, Source, Step
from mipsh.model.events import EngineEvent
from mipsh.wire import mobility, ndp

HOME, AGENT, PEER, CARE_OF, OTHER = "2001:db8:1::100", "2001:db8:1::1", "2001:db8:4::2", "2001:db8:3::5", "2001:db8::9"
ENDS = Ends(HOME, PEER, AGENT)
REGISTRATION = mobility.ACKNOWLEDGE | mobility.HOME


def _update(flags: int, lifetime: int = 100) -> mobility.BindingUpdate:
    return mobility.BindingUpdate(7, flags, lifetime)


def _heard(message: object, destination: str, *, is_outgoing: bool = True, **more: Any) -> Heard:
    ends = (CARE_OF, destination) if is_outgoing else (destination, CARE_OF)
    said = {"home_address": HOME, "care_of_address": CARE_OF, "interface": "eth0"} | more
    return Heard(1.0, message, is_outgoing, *ends, **said)


MESSAGES = {
    Step.SOLICITED: _heard(ndp.RouterSolicitation(), "ff02::2"),
    Step.ADVERTISED: _heard(ndp.RouterAdvertisement(64, 0, 1800), "fe80::1", is_outgoing=False),
    Step.UPDATE: _heard(_update(REGISTRATION), AGENT),
    Step.ACKNOWLEDGED: _heard(mobility.BindingAcknowledgement(0, 0, 7, 100), AGENT, is_outgoing=False),
    Step.HOME_TEST_INIT: _heard(mobility.HomeTestInit(b""), PEER),
    Step.HOME_TEST: _heard(mobility.HomeTest(1, b"", b""), PEER, is_outgoing=False),
    Step.CARE_OF_TEST_INIT: _heard(mobility.CareOfTestInit(b""), PEER),
    Step.CARE_OF_TEST: _heard(mobility.CareOfTest(1, b"", b""), PEER, is_outgoing=False),
    Step.PEER_UPDATE: _heard(_update(mobility.ACKNOWLEDGE), PEER),
    Step.PEER_ACKNOWLEDGED: _heard(mobility.BindingAcknowledgement(0, 0, 7, 100), PEER, is_outgoing=False),
}


@pytest.mark.parametrize("step", MESSAGES)
def test_messages(step: Step) -> None:
    """Each message of a handover is its step; the other way round, or malformed, it is none."""
    heard = MESSAGES[step]
    found = of_packet(heard, ENDS)
    assert found is not None
    assert (found.step, found.at, found.source, found.interface) == (step, 1.0, Source.PACKET, "eth0")
    assert of_packet(structs.replace(heard, is_outgoing=not heard.is_outgoing), ENDS) is None
    assert of_packet(structs.replace(heard, is_sound=False), ENDS) is None


def test_what_an_update_says() -> None:
    """Its care-of address and its number; without a lifetime it is from home."""
    found = of_packet(MESSAGES[Step.UPDATE], ENDS)
    assert found is not None
    assert (found.address, found.sequence, found.is_home) == (CARE_OF, 7, False)
    home = of_packet(_heard(_update(REGISTRATION, 0), AGENT, care_of_address=HOME), ENDS)
    assert home is not None
    assert home.is_home


def test_of_others() -> None:
    """Another mobile node's, and another correspondent's, are no steps of this one."""
    assert of_packet(structs.replace(MESSAGES[Step.UPDATE], home_address=OTHER), ENDS) is None
    assert of_packet(_heard(_update(mobility.ACKNOWLEDGE), OTHER), ENDS) is None
    assert of_packet(_heard(mobility.CareOfTestInit(b""), OTHER), ENDS) is None
    answer = mobility.BindingAcknowledgement(0, 0, 7, 100)
    assert of_packet(_heard(answer, OTHER, is_outgoing=False), ENDS) is None
    assert of_packet(_heard(mobility.BindingError(1, b"\0" * 16), PEER, is_outgoing=False), ENDS) is None


def test_a_home_agent_that_is_not_known() -> None:
    """Whose acknowledgement it is cannot be told then, unless it is the correspondent's."""
    unknown = Ends(HOME, PEER)
    found = of_packet(_heard(mobility.BindingAcknowledgement(0, 0, 7, 100), OTHER, is_outgoing=False), unknown)
    assert found is not None
    assert found.step is Step.ACKNOWLEDGED


def _event(name: str, **more: Any) -> EngineEvent:
    return EngineEvent("2026-01-01T00:00:00.000Z", name, **more)


def test_events() -> None:
    """An engine tells of addresses, Binding Updates and acknowledgements; of what else there is no step."""
    ready = of_event(_event("addressAdded", address=CARE_OF, interface="eth0"), 2.0, ENDS)
    assert ready is not None
    assert (ready.step, ready.address, ready.source) == (Step.CARE_OF, CARE_OF, Source.EVENT)
    assert of_event(_event("addressAdded", address="fe80::5", interface="eth0"), 2.0, ENDS) is None
    assert of_event(_event("addressAdded", address=HOME), 2.0, ENDS) is None
    assert of_event(_event("routeInstalled", home_address=HOME), 2.0, ENDS) is None
    sent = of_event(_event("bindingUpdateSent", home_address=HOME, peer=AGENT, flags=("A", "H")), 2.0, ENDS)
    assert sent is not None
    assert sent.step is Step.UPDATE
    answer = of_event(_event("bindingAcknowledgementReceived", home_address=HOME, peer=PEER, status=0), 2.0, ENDS)
    assert answer is not None
    assert (answer.step, answer.status) == (Step.PEER_ACKNOWLEDGED, 0)
    assert of_event(_event("bindingUpdateSent", home_address=OTHER, peer=AGENT), 2.0, ENDS) is None
