"""Makes moments of a handover out of packets that were seen and of what an engine tells."""

from typing import Any

from msgspec import Struct

from mipsh.handover.story import Ends, Moment, Source, Step
from mipsh.model.events import EngineEvent
from mipsh.wire import mobility, ndp

TESTS: dict[type, tuple[Step, bool]] = {
    mobility.HomeTestInit: (Step.HOME_TEST_INIT, True),
    mobility.CareOfTestInit: (Step.CARE_OF_TEST_INIT, True),
    mobility.HomeTest: (Step.HOME_TEST, False),
    mobility.CareOfTest: (Step.CARE_OF_TEST, False),
}
"""For a message of return routability: its step, and whether the mobile node sends it."""
EVENTS = {
    "bindingUpdateSent": (Step.UPDATE, Step.PEER_UPDATE),
    "bindingAcknowledgementReceived": (Step.ACKNOWLEDGED, Step.PEER_ACKNOWLEDGED),
}
"""For an event of an engine: the step with the home agent, and the one with the correspondent."""
HOME_FLAG = "H"


class Heard(Struct, frozen=True):
    """A message that was on a link of the mobile node; addresses are as ``mipsh.linux.signalling`` has them."""

    at: float
    message: Any
    is_outgoing: bool
    source: str
    destination: str
    home_address: str | None = None
    care_of_address: str | None = None
    interface: str = ""
    is_sound: bool = True


def of_packet(heard: Heard, ends: Ends) -> Moment | None:
    """Return the moment that a message is; None for one that is no step of this handover."""
    if not heard.is_sound:
        return None
    match heard.message:
        case ndp.RouterSolicitation() if heard.is_outgoing:
            return _moment(heard, Step.SOLICITED)
        case ndp.RouterAdvertisement() if not heard.is_outgoing:
            return _moment(heard, Step.ADVERTISED)
        case mobility.BindingUpdate() if heard.is_outgoing and heard.home_address == ends.home_address:
            return _update(heard, heard.message, ends)
        case mobility.BindingAcknowledgement() if not heard.is_outgoing and heard.home_address == ends.home_address:
            return _acknowledgement(heard, heard.message, ends)
    return _test(heard, ends)


def _moment(heard: Heard, step: Step, **more: Any) -> Moment:
    return Moment(step, heard.at, Source.PACKET, heard.interface, **more)


def _update(heard: Heard, message: mobility.BindingUpdate, ends: Ends) -> Moment | None:
    is_home = message.lifetime == 0 or heard.care_of_address == ends.home_address
    said = {"address": heard.care_of_address or "", "sequence": message.sequence, "is_home": is_home}
    if message.flags & mobility.HOME:
        return _moment(heard, Step.UPDATE, **said)
    return _moment(heard, Step.PEER_UPDATE, **said) if heard.destination == ends.peer else None


def _acknowledgement(heard: Heard, message: mobility.BindingAcknowledgement, ends: Ends) -> Moment | None:
    said = {"sequence": message.sequence, "status": message.status}
    if heard.source == ends.peer and ends.peer != ends.home_agent:
        return _moment(heard, Step.PEER_ACKNOWLEDGED, **said)
    is_agents = heard.source == ends.home_agent or not ends.home_agent
    return _moment(heard, Step.ACKNOWLEDGED, **said) if is_agents else None


def _test(heard: Heard, ends: Ends) -> Moment | None:
    """Return the moment of a message of return routability with the peer."""
    found = TESTS.get(type(heard.message))
    if found is None:
        return None
    step, is_sent = found
    far = heard.destination if is_sent else heard.source
    return _moment(heard, step) if heard.is_outgoing is is_sent and far == ends.peer else None


def of_event(event: EngineEvent, at: float, ends: Ends) -> Moment | None:
    """Return the moment that an engine tells of; None for what is no step of this handover."""
    if event.event == "addressAdded" and event.interface and is_care_of(event.address or "", ends):
        return Moment(Step.CARE_OF, at, Source.EVENT, event.interface, address=event.address or "")
    steps = EVENTS.get(event.event)
    if steps is None or event.home_address != ends.home_address:
        return None
    is_peers = event.peer == ends.peer and HOME_FLAG not in (event.flags or ()) and event.peer != ends.home_agent
    return Moment(
        steps[is_peers],
        at,
        Source.EVENT,
        address=event.care_of_address or "",
        sequence=event.mh_sequence,
        status=event.status,
        is_home=event.lifetime_s == 0,
    )


def is_care_of(address: str, ends: Ends) -> bool:
    """Tell whether an address of the node may be a care-of address: a global one that is not the home address."""
    return bool(address) and not address.startswith("fe80:") and address != ends.home_address
