"""One client's side of the control socket: every method, pages, events, and whatever else a line may be."""

from functools import cache
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import json
from node_world import TurningLoop, optimised

from mipsh import __version__
from mipsh.lab.topology import HOME, HOME_AGENT_ADDRESS, HOME_PREFIX, Lab, at
from mipsh.mobility.effects import (
    AddressAdded,
    AddressRemoved,
    Effect,
    Emit,
    InstallBinding,
    InstallRoute,
    RemoveBinding,
    RemoveRoute,
    Transmit,
)
from mipsh.mobility.home.cache import HomeBinding, HomeCache, Input, State
from mipsh.model.records import ENGINE_TABLES
from mipsh.node.control_actions import ALL, OF_ROLES
from mipsh.node.control_session import PAGE_ROWS, VERBS, ControlSession, refusal
from mipsh.node.happenings import happening
from mipsh.node.protocol import LONGEST_LINE, Code, Event
from mipsh.wire.address import parse

HOA, CN = "2001:db8:1::100", "2001:db8:4::2"
MANY = 1000
A, B, C = parse("2001:db8::a"), parse("2001:db8::b"), parse("2001:db8::c")


class Asked:
    """A session with a node of a lab, that remembers what was performed."""

    def __init__(self, lab: Lab, name: str) -> None:
        self.loop = TurningLoop()
        self.loop.close()
        self.lab = lab
        self.session = ControlSession(
            lab.node(name), self.loop.perform, self.loop.set_link, lambda: lab.network.clock.now
        )

    def __call__(self, method: str, **params: Any) -> Any:
        """Return the result of a method; a failure is its code and message."""
        line = json.encode({"jsonrpc": "2.0", "id": 7, "method": method, "params": params})
        reply = json.decode(self.session.answer(line))
        assert (reply["jsonrpc"], reply["id"]) == ("2.0", 7)
        return reply["result"] if "result" in reply else (reply["error"]["code"], reply["error"]["message"])


@cache
def lab() -> Lab:
    """Return a network that no test changes."""
    return optimised()


@pytest.mark.parametrize("name", ["mn", "ha", "cn"])
def test_the_handshake(name: str) -> None:
    """Says what the engine is, and all that it can be asked."""
    asked = Asked(lab(), name)
    hello = asked("hello")
    assert (hello["protocol"], hello["engine"], hello["version"]) == (1, "mipd", __version__)
    assert (hello["name"], hello["role"]) == (name, name)
    assert set(hello["methods"]) == {*hello["capabilities"], *VERBS, *OF_ROLES[name]}
    assert hello["home_addresses"] == ([HOA] if name == "mn" else [])
    for table in hello["capabilities"]:
        page = asked(table)
        assert page["more"] is False
        for row in page["rows"]:
            assert set(row) == set(ENGINE_TABLES[table].record.__struct_fields__)


def test_a_table_of_another_role() -> None:
    """It is not kept; that is another error than a method that is none."""
    asked = Asked(lab(), "cn")
    assert asked("binding_update_list") == (Code.NOT_KEPT, "this cn keeps no binding_update_list")
    code, message = asked("bogus")
    assert (code, message) == (Code.NO_METHOD, "there is no method 'bogus'")


@pytest.mark.parametrize(
    ("method", "params", "message"),
    [
        ("hello", {"x": 1}, "unknown field `x`"),
        ("binding_cache", {"address": "::1"}, "unknown field"),
        ("more", {"x": None}, "unknown field"),
        ("trigger_binding_update", {}, "home_address"),
        ("trigger_binding_update", {"home_address": 5}, "Expected `str`"),
        ("trigger_binding_update", {"home_address": "x" * 65}, "<= 64"),
        ("trigger_binding_update", {"home_address": "nonsense"}, "not an IPv6 address"),
        ("trigger_binding_update", {"home_address": HOA, "peer": "nonsense"}, "not an IPv6 address"),
        ("trigger_binding_update", {"home_address": CN}, "no home address"),
        ("set_link", {"interface": "eth0"}, "up"),
        ("set_link", {"interface": "eth7", "up": True}, "no interface 'eth7'"),
        ("set_link", {"interface": "eth0", "up": 1}, "Expected `bool`"),
    ],
)
def test_params_that_do_not_fit(method: str, params: dict[str, Any], message: str) -> None:
    """What was wrong is said; nothing is done."""
    asked = Asked(lab(), "mn")
    code, said = asked(method, **params)
    assert code == Code.WRONG_PARAMS
    assert message in said
    assert not asked.loop.performed
    assert not asked.loop.links


def test_a_binding_update_is_sent() -> None:
    """Effects are carried out, and the entry's state is the answer; where nothing is to be sent, that is said."""
    network = optimised()
    asked = Asked(network, "mn")
    assert asked("trigger_binding_update", home_address=HOA) == {"state": "waiting_for_ack"}
    assert asked("trigger_binding_update", home_address=HOA, peer=CN) == {"state": "return_routability"}
    assert [type(effect) for effect in asked.loop.performed] == [Transmit] * 3
    code, _ = asked("trigger_binding_update", home_address=HOA, peer=HOA)
    assert code == Code.FAILED
    code, said = Asked(network, "cn")("trigger_binding_update", home_address=HOA)
    assert (code, said) == (Code.NOT_KEPT, "only a mobile node sends Binding Updates")


def test_nothing_is_sent_at_home() -> None:
    """There is nothing to be registered."""
    network = Lab()
    network.add_mobile_node(HOME)
    network.network.run_for(5.0)
    code, said = Asked(network, "mn")("trigger_binding_update", home_address=HOA)
    assert (code, said) == (Code.FAILED, "there is nothing to send now")


def test_a_link_is_set() -> None:
    """The driver is told."""
    asked = Asked(lab(), "mn")
    assert asked("set_link", interface="eth0", up=False) == {"state": "down"}
    assert asked("set_link", interface="eth0", up=True) == {"state": "up"}
    assert asked.loop.links == [("eth0", False), ("eth0", True)]


def crowded(cache: HomeCache) -> None:
    """Fill a home agent's cache."""
    cache.limit = 2 * MANY
    for number in range(MANY):
        home = at(HOME_PREFIX, 0x10000 + number)
        binding = HomeBinding(HOME_AGENT_ADDRESS, home, A, "eth0", 1, 0xC000, 10_000.0, 3600.0)
        cache.step(binding, Input.UPDATE)


def test_a_large_table_comes_in_pages() -> None:
    """None longer than a line may be, all rows once; what is gone by then is left out."""
    network = optimised()
    home_agent = network.node("ha").roles.home_agent
    assert home_agent is not None
    crowded(home_agent.cache)
    asked = Asked(network, "ha")
    page = asked("binding_cache")
    taken_at, rows, sizes = page["taken_at"], page["rows"], [len(json.encode(page))]
    while page["more"]:
        page = asked("more")
        assert page["taken_at"] == taken_at
        rows += page["rows"]
        sizes.append(len(json.encode(page)))
    assert len({row["home_address"] for row in rows}) == len(rows) == MANY + 1
    assert max(sizes) < LONGEST_LINE
    assert asked("more") == {"taken_at": taken_at, "rows": [], "more": False}
    assert len(asked("binding_cache")["rows"]) <= PAGE_ROWS
    for entry in home_agent.bindings:
        if entry.state is State.BOUND:
            home_agent.cache.step(entry, Input.LIFETIME_ENDS)
    assert asked("more") == {"taken_at": pytest.approx(taken_at, abs=60), "rows": [], "more": False}


def test_more_of_nothing_is_nothing() -> None:
    """Before the first listing."""
    assert Asked(lab(), "mn")("more") == {"taken_at": 0.0, "rows": [], "more": False}


def subscribed(asked: Asked) -> bool:
    """Tell whether events are wanted."""
    return asked.session.is_subscribed


def test_events_are_numbered_and_losses_said() -> None:
    """From the subscription on."""
    asked = Asked(lab(), "mn")
    assert subscribed(asked) is False
    assert asked("subscribe") == {"state": "subscribed"}
    assert subscribed(asked) is True
    told = Event(5.0, "mip6MnRegistered", HOA)
    events = [asked.session.event(told)]
    asked.session.lose()
    asked.session.lose()
    events += [asked.session.event(told), asked.session.event(told)]
    params = [json.decode(line)["params"] for line in events]
    assert [(p["sequence"], p["lost"]) for p in params] == [(1, 0), (4, 2), (5, 0)]
    assert all(line.endswith(b"\n") and json.decode(line)["method"] == "event" for line in events)
    assert asked("unsubscribe") == {"state": "unsubscribed"}
    assert subscribed(asked) is False


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (
            Emit("mip6MnRegistered", A, B, C, "why"),
            Event(5.0, "mip6MnRegistered", "2001:db8::a", "2001:db8::b", "2001:db8::c", detail="why"),
        ),
        (Emit("mnHomeAddressDuplicate", A), Event(5.0, "mnHomeAddressDuplicate", "2001:db8::a")),
        (AddressAdded(A, "eth0"), Event(5.0, "addressAdded", address="2001:db8::a", interface="eth0")),
        (AddressRemoved(A), Event(5.0, "addressRemoved", address="2001:db8::a")),
        (
            InstallBinding(A, B, C, True),
            Event(5.0, "bindingInstalled", "2001:db8::a", "2001:db8::b", local_address="2001:db8::c"),
        ),
        (RemoveBinding(A, C), Event(5.0, "bindingRemoved", "2001:db8::a", local_address="2001:db8::c")),
        (InstallRoute(A, B, C), Event(5.0, "routeInstalled", "2001:db8::a", "2001:db8::b", "2001:db8::c")),
        (
            InstallRoute(A, B, None, C),
            Event(5.0, "routeInstalled", "2001:db8::a", "2001:db8::b", "2001:db8::c", detail="tunnel"),
        ),
        (RemoveRoute(A), Event(5.0, "routeRemoved", "2001:db8::a")),
        (Transmit("eth0", bytes(6), b""), None),
    ],
)
def test_what_effects_tell(effect: Effect, expected: Event | None) -> None:
    """Addresses as text; what only moves packets tells nothing."""
    assert happening(effect, 5.0) == expected


@pytest.mark.parametrize(
    ("line", "code"),
    [
        (b"", Code.UNREADABLE),
        (b"nonsense", Code.UNREADABLE),
        (b"\xff\xfe", Code.UNREADABLE),
        (b'{"a": "\xff"}', Code.UNREADABLE),
        (b'"\\ud800"', Code.UNREADABLE),
        (b"[" * (LONGEST_LINE - 1), Code.UNREADABLE),
        (b'{"a":' * 9000, Code.UNREADABLE),
        (b"1e999", Code.UNREADABLE),
        (b"[]", Code.NO_REQUEST),
        (b'[{"jsonrpc": "2.0", "id": 1, "method": "hello"}]', Code.NO_REQUEST),
        (b"null", Code.NO_REQUEST),
        (b"{}", Code.NO_REQUEST),
        (b'{"jsonrpc": "1.0", "method": "hello", "id": 1}', Code.NO_REQUEST),
        (b'{"jsonrpc": "2.0", "method": 5, "id": 1}', Code.NO_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "hello", "params": [1], "id": 1}', Code.NO_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "hello", "id": [1]}', Code.NO_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "hello", "id": 1.5}', Code.NO_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "hello", "id": 123456789012345678901234567890}', Code.NO_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "hello", "id": "%s"}' % (b"x" * 200), Code.NO_REQUEST),
        (b'{"jsonrpc": "2.0", "method": "%s", "id": 1}' % (b"x" * 200), Code.NO_REQUEST),
    ],
)
def test_lines_that_are_no_requests(line: bytes, code: Code) -> None:
    """They are answered, without the number of a request."""
    reply = json.decode(Asked(lab(), "mn").session.answer(line))
    assert (reply["jsonrpc"], reply["id"], reply["error"]["code"]) == ("2.0", None, code)


@pytest.mark.parametrize("identity", ['"seven"', "7", "null", "-7", '""'])
def test_the_answer_has_the_number_of_the_question(identity: str) -> None:
    """Whatever of a string, an integer or null it is."""
    line = f'{{"jsonrpc": "2.0", "method": "hello", "id": {identity}}}'.encode()
    assert json.decode(Asked(lab(), "mn").session.answer(line))["id"] == json.decode(identity)


def test_a_notification_is_not_answered() -> None:
    """It is done all the same; nobody hears of it where it cannot be."""
    asked = Asked(lab(), "mn")
    assert asked.session.answer(b'{"jsonrpc": "2.0", "method": "subscribe"}') == b""
    assert asked.session.is_subscribed
    assert asked.session.answer(b'{"jsonrpc": "2.0", "method": "bogus"}') == b""


def test_a_refusal_without_a_request() -> None:
    """A whole line of JSON-RPC."""
    line = refusal(Code.BUSY, "too many")
    assert json.decode(line)["error"] == {"code": Code.BUSY, "message": "too many", "data": None}
    assert line.endswith(b"\n")


VALUES = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)
METHODS = st.sampled_from((*ENGINE_TABLES, *VERBS, *ALL, "bogus", ""))
REQUESTS = st.fixed_dictionaries(
    {"jsonrpc": st.just("2.0") | VALUES, "method": METHODS | VALUES},
    optional={"id": VALUES, "params": VALUES},
)


@given(st.binary(max_size=300))
@example(b'{"jsonrpc":"2.0","method":"hello","id":1}')
@example(b"{" * 2000)
def test_any_bytes(line: bytes) -> None:
    """One line in, one line out, or none."""
    held_to(Asked(lab(), "mn").session.answer(line))


@given(REQUESTS)
def test_any_json(request: Any) -> None:
    """Whatever is said of any method."""
    try:
        line = json.encode(request)
    except (OverflowError, ValueError):
        return
    held_to(Asked(lab(), "mn").session.answer(line))


def held_to(reply: bytes) -> None:
    """Assert that an answer is one line of JSON-RPC, or nothing."""
    if reply:
        assert reply.count(b"\n") == 1
        assert len(reply) < LONGEST_LINE
        assert set(json.decode(reply)) in ({"jsonrpc", "id", "result"}, {"jsonrpc", "id", "error"})
