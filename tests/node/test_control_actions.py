"""What clients of the control socket may have a node do to its bindings, and what is refused."""

from typing import Any

import pytest
from msgspec import json
from node_world import TurningLoop, optimised

from mipsh.lab.topology import HOME_AGENT_ADDRESS, Lab
from mipsh.mobility.effects import DefendAddress, Deliver, InstallBinding, RemoveBinding, RemoveRoute, Transmit
from mipsh.mobility.status import AckStatus
from mipsh.node.control_actions import known_to, refused
from mipsh.node.control_session import ControlSession
from mipsh.node.protocol import Code
from mipsh.wire.address import parse, text
from mipsh.wire.mobility import BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet, decode

HOA, CN, COA = "2001:db8:1::100", "2001:db8:4::2", "2001:db8:2::77"
HA = text(HOME_AGENT_ADDRESS)
NEW = "2001:db8:1::aa"
BINDING: dict[str, Any] = {"home_address": NEW, "care_of_address": COA, "local_address": HA, "lifetime_s": 600}


class Asked:
    """A session with a node of a network, that remembers what was performed."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.loop = TurningLoop()
        self.loop.close()
        self.lab = lab
        self.node = lab.node(name)
        self.session = ControlSession(self.node, self.loop.perform, self.loop.set_link, lambda: lab.network.clock.now)

    def __call__(self, method: str, **params: Any) -> Any:
        """Return the result of a method; a failure is its code, its message and its hint."""
        line = json.encode({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
        reply = json.decode(self.session.answer(line))
        if "result" in reply:
            return reply["result"]
        return reply["error"]["code"], reply["error"]["message"], reply["error"]["data"]

    def updates(self) -> list[BindingUpdate]:
        """Return the Binding Updates that were put on a link."""
        found = []
        for effect in self.loop.performed:
            packet = decode(effect.data) if isinstance(effect, Transmit) else None
            upper = packet.upper if isinstance(packet, Packet) else None
            if isinstance(upper, MobilityHeader) and isinstance(upper.message, BindingUpdate):
                found.append(upper.message)
        return found

    def kinds(self) -> set[type]:
        """Return the kinds of effects that were performed."""
        return {type(effect) for effect in self.loop.performed}


# Binding Updates.


def test_a_lifetime_of_its_own() -> None:
    """It is in the Binding Update."""
    asked = Asked(optimised(), "mn")
    assert asked("trigger_binding_update", home_address=HOA, lifetime_s=42) == {"state": "waiting_for_ack"}
    assert [update.lifetime for update in asked.updates()] == [11]


def test_a_deregistration() -> None:
    """At the home agent it is awaited, at a peer a test comes first."""
    asked = Asked(optimised(), "mn")
    peer = {"home_address": HOA, "peer": CN, "lifetime_s": 0}
    assert asked("trigger_binding_update", **peer) == {"state": "return_routability"}
    assert asked("trigger_binding_update", home_address=HOA, lifetime_s=0) == {"state": "waiting_for_ack"}
    assert [update.lifetime for update in asked.updates()] == [0]


def test_a_registration_that_has_not_begun_is_just_gone() -> None:
    """Nothing is there to be deleted at the peer; and then there is nothing at all."""
    asked = Asked(optimised(), "mn")
    other = {"home_address": HOA, "peer": "2001:db8:4::99"}
    assert asked("trigger_binding_update", **other) == {"state": "return_routability"}
    assert asked("trigger_binding_update", **other, lifetime_s=0) == {"state": "gone"}
    code, message, _ = asked("trigger_binding_update", **other, lifetime_s=0)
    assert (code, message) == (Code.FAILED, "there is nothing to send now")


# Bindings of a home agent.


def test_a_binding_is_added_and_deleted() -> None:
    """The node does it, nothing is sent to the mobile node, and the table shows it."""
    asked = Asked(optimised(), "ha")
    assert asked("add_binding", **BINDING) == {"state": "registered"}
    assert asked.kinds() >= {InstallBinding}
    assert asked.updates() == []
    (row,) = [row for row in asked("binding_cache")["rows"] if row["home_address"] == NEW]
    assert (row["care_of_address"], row["flags"], row["lifetime_granted_s"]) == (COA, ["A", "H"], 600)
    assert asked("delete_binding", home_address=NEW, local_address=HA) == {"state": "gone"}
    assert RemoveBinding(parse(NEW), HOME_AGENT_ADDRESS) in asked.loop.performed
    assert DefendAddress not in asked.kinds() | {Deliver}


def test_a_binding_waits_for_duplicate_address_detection() -> None:
    """Where that is wanted; its number is as wanted."""
    asked = Asked(optimised(), "ha")
    assert asked("add_binding", **BINDING, detect_duplicates=True, sequence=9) == {"state": "dad"}
    (row,) = [row for row in asked("binding_cache")["rows"] if row["home_address"] == NEW]
    assert (row["status"], row["sequence"]) == ("dad", 9)


@pytest.mark.parametrize(
    ("changes", "code", "message"),
    [
        ({"lifetime_s": 0}, Code.WRONG_PARAMS, "Expected `int` >= 4"),
        ({"lifetime_s": 262_141}, Code.WRONG_PARAMS, "Expected `int` <= 262140"),
        ({"flags": ["H", "R"]}, Code.WRONG_PARAMS, "Invalid enum value 'R'"),
        ({"flags": ["A", "L"]}, Code.WRONG_PARAMS, "has the flag H"),
        ({"flags": ["H"] * 5}, Code.WRONG_PARAMS, "length <= 4"),
        ({"sequence": 65536}, Code.WRONG_PARAMS, "<= 65535"),
        ({"home_address": "x"}, Code.WRONG_PARAMS, "not an IPv6 address"),
        ({"bogus": 1}, Code.WRONG_PARAMS, "unknown field"),
        ({"home_address": "2001:db8:99::1"}, Code.FAILED, "in no prefix that is served"),
        ({"home_address": HA}, Code.FAILED, "is the home agent's own"),
        ({"care_of_address": HOA}, Code.FAILED, "is at home"),
        ({"local_address": COA}, Code.FAILED, "none of this node's"),
    ],
)
def test_bindings_that_cannot_be(changes: dict[str, Any], code: Code, message: str) -> None:
    """It is said why, and nothing is done."""
    asked = Asked(optimised(), "ha")
    said = asked("add_binding", **{**BINDING, **changes})
    assert said[0] == code
    assert message in said[1]
    assert not asked.loop.performed


def test_what_is_not_there_is_not_deleted() -> None:
    """The status of an acknowledgement is in the hint."""
    code, message, hint = Asked(optimised(), "ha")("delete_binding", home_address=NEW, local_address=HA)
    assert (code, message[:25]) == (Code.FAILED, "there is no such binding,")
    assert "status 133" in hint


def test_every_status_has_words() -> None:
    """Those that no order is refused with share them."""
    assert len({refused(status) for status in AckStatus}) > 7
    assert all(map(refused, AckStatus))


@pytest.mark.parametrize(
    ("name", "method", "params", "message"),
    [
        ("mn", "add_binding", BINDING, "only a home agent's bindings"),
        ("cn", "delete_binding", {"home_address": HOA, "local_address": HA}, "only a home agent's bindings"),
        ("cn", "trigger_binding_update", {"home_address": HOA}, "only a mobile node"),
        ("ha", "flush", {"table": "binding_update_list"}, "only a mobile node"),
    ],
)
def test_what_is_for_others(name: str, method: str, params: dict[str, Any], message: str) -> None:
    """It is refused in words, and hello does not name it."""
    asked = Asked(optimised(), name)
    code, said, _ = asked(method, **params)
    assert code == Code.NOT_KEPT
    assert message in said
    assert (method in asked("hello")["methods"]) is (method == "flush")


def test_what_a_node_knows_to_do() -> None:
    """By its roles."""
    lab = optimised()
    assert known_to(lab.node("mn")) == ("flush", "trigger_binding_update")
    assert known_to(lab.node("ha")) == ("add_binding", "delete_binding", "flush")
    assert known_to(lab.node("cn")) == ("flush",)


# Tables that are emptied.


@pytest.mark.parametrize(
    ("name", "table", "kind"),
    [
        ("cn", "binding_cache", RemoveBinding),
        ("ha", "binding_cache", RemoveBinding),
        ("mn", "binding_update_list", RemoveRoute),
    ],
)
def test_a_table_is_emptied(name: str, table: str, kind: type) -> None:
    """How many there were is the answer."""
    asked = Asked(optimised(), name)
    assert asked("flush", table=table) == {"removed": 1}
    assert kind in asked.kinds()
    assert asked("flush", table=table) == {"removed": 0}


def test_other_tables_are_not_emptied() -> None:
    """Those that nobody could fill again."""
    code, message, _ = Asked(optimised(), "ha")("flush", table="prefixes")
    assert code == Code.WRONG_PARAMS
    assert "prefixes" in message
