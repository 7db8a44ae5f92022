"""What clients of the control socket may have a node do to its bindings.

What cannot be done is refused in words: for whom it is not, what does not fit, or what the node says no
with, which is the status that a Binding Acknowledgement would have.
"""

from collections.abc import Callable, Iterable

from mipsh.mobility.effects import Effect
from mipsh.mobility.home.administration import BindingOrder
from mipsh.mobility.mobile.node import MobileNode
from mipsh.mobility.node import Node
from mipsh.mobility.status import AckStatus
from mipsh.node import readings
from mipsh.node.protocol import AddBinding, Code, DeleteBinding, Done, Flush, Flushed, Problem, Trigger
from mipsh.node.update_readings import UPDATE_FLAGS
from mipsh.wire import address as addresses
from mipsh.wire.mobility import LIFETIME_UNIT_S

Perform = Callable[[Iterable[Effect]], None]

TRIGGER, ADD, DELETE, FLUSH = "trigger_binding_update", "add_binding", "delete_binding", "flush"
OF_ROLES: dict[str, tuple[str, ...]] = {"mn": (TRIGGER, FLUSH), "ha": (ADD, DELETE, FLUSH), "cn": (FLUSH,)}
"""What nodes do, by their roles; a node may have several."""
ALL = (ADD, DELETE, FLUSH, TRIGGER)
GONE = "gone"
"""The state of an entry that is not there any more."""

_FLAGS = {letter: bit for bit, letter in UPDATE_FLAGS.items()}
_REASONS = {
    AckStatus.ADMINISTRATIVELY_PROHIBITED: "that home address is the home agent's own, or is denied",
    AckStatus.INSUFFICIENT_RESOURCES: "there is no room for another binding",
    AckStatus.NOT_HOME_SUBNET: "that home address is in no prefix that is served, or the prefix ends too soon",
    AckStatus.NOT_HOME_AGENT: "there is no such binding, or the local address is none of this node's",
    AckStatus.SEQUENCE_NUMBER_OUT_OF_WINDOW: "that sequence number is not newer than the binding's",
    AckStatus.REGISTRATION_TYPE_CHANGE_DISALLOWED: "the binding is a mobile router's",
    AckStatus.INVALID_CARE_OF_ADDRESS: "that care-of address is none, is at home, or leads back to the home address",
}


class Refusal(Exception):
    """A request that is not done, for a reason that its client hears."""

    def __init__(self, code: Code, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.problem = Problem(code, message, hint or None)


def known_to(node: Node) -> tuple[str, ...]:
    """Return the actions that a node of its roles can do."""
    roles = {"cn"}
    if node.roles.mobile_node is not None:
        roles.add("mn")
    if node.roles.home_agent is not None:
        roles.add("ha")
    return tuple(sorted({action for role in roles for action in OF_ROLES[role]}))


def trigger(node: Node, params: Trigger, perform: Perform, now: float) -> Done:
    """Have a Binding Update sent, or the tests before it; return the state of its entry."""
    home_address, peer = address(params.home_address), None if params.peer is None else address(params.peer)
    _check_home_address(_mobile_node(node), home_address, params.home_address)
    had_entry = readings.has_entry(node, home_address, peer, now)
    perform(node.trigger(home_address, peer, now, params.lifetime_s))
    state = readings.update_state(node, home_address, peer, now)
    if state is None and had_entry and not readings.has_entry(node, home_address, peer, now):
        return Done(GONE)
    if state is None:
        raise Refusal(Code.FAILED, "there is nothing to send now", "it is at home, not registered, or not allowed")
    return Done(state)


def _mobile_node(node: Node) -> MobileNode:
    if node.roles.mobile_node is None:
        raise Refusal(Code.NOT_KEPT, "only a mobile node sends Binding Updates")
    return node.roles.mobile_node


def _check_home_address(mobile_node: MobileNode, home_address: bytes, said: str) -> None:
    if not mobile_node.owns(home_address):
        homes = ", ".join(map(addresses.text, mobile_node.home_addresses))
        raise Refusal(Code.WRONG_PARAMS, f"{said} is no home address of it", f"it has: {homes}")


def add(node: Node, params: AddBinding, perform: Perform, now: float) -> Done:
    """Add a binding, or replace one; return its state."""
    _check_home_agent(node)
    if "H" not in params.flags:
        raise Refusal(Code.WRONG_PARAMS, "a binding at a home agent has the flag H", "others prove themselves")
    order = BindingOrder(
        address(params.home_address),
        address(params.care_of_address),
        address(params.local_address),
        params.lifetime_s // LIFETIME_UNIT_S,
        sum({_FLAGS[letter] for letter in params.flags}),
        params.sequence,
        params.detect_duplicates,
    )
    perform(_unless_refused(node.add_binding(order, now)))
    return Done(readings.home_binding_state(node, order.home_address))


def delete(node: Node, params: DeleteBinding, perform: Perform, now: float) -> Done:
    """Delete a binding."""
    _check_home_agent(node)
    whose = address(params.home_address), address(params.local_address)
    perform(_unless_refused(node.delete_binding(*whose, now)))
    return Done(GONE)


def _check_home_agent(node: Node) -> None:
    if node.roles.home_agent is None:
        raise Refusal(Code.NOT_KEPT, "only a home agent's bindings are added and deleted")


def _unless_refused(result: list[Effect] | AckStatus) -> list[Effect]:
    if isinstance(result, AckStatus):
        raise Refusal(Code.FAILED, refused(result), f"status {int(result)} of a Binding Acknowledgement would say so")
    return result


def refused(status: AckStatus) -> str:
    """Return in words why a home agent does not have a binding as it is wanted."""
    return _REASONS.get(status, "a binding cannot be like that")


def flush(node: Node, params: Flush, perform: Perform, now: float) -> Flushed:
    """Empty a table."""
    if params.table == "binding_cache":
        count, effects = node.flush_bindings(now)
    else:
        _mobile_node(node)
        count, effects = node.flush_updates(now)
    perform(effects)
    return Flushed(count)


def address(text: str) -> bytes:
    """Return the bytes of an address; raises Refusal."""
    try:
        return addresses.parse(text)
    except ValueError as error:
        raise Refusal(Code.WRONG_PARAMS, str(error)) from None
