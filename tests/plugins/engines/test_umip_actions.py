"""The connector to mip6d: bindings added and deleted on a home agent, and every way in which it says no."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from harness import ROUTE_OPTIMISED, Replay
from msgspec import structs
from node_world import TurningLoop, optimised, turning

from mipsh.engine import Action, BindingRequest
from mipsh.errors import CapabilityMissing, EngineComplaint, MipshError, NotThisEngine, UsageError
from mipsh.lab.topology import HOME_AGENT_ADDRESS, Lab
from mipsh.mobility.status import AckStatus
from mipsh.node.vt import VtServer
from mipsh.node.vt_front import VtFront
from mipsh.plugins.engines.umip import OPTIONS, READINGS, UmipConnector, open_umip
from mipsh.plugins.engines.umip_bindings import add_line, delete_line, outcome
from mipsh.recording import VtOptions
from mipsh.wire.address import text

HA, HOA, COA = text(HOME_AGENT_ADDRESS), "2001:db8:1::300", "2001:db8:2::300"
BINDING = BindingRequest(HOA, COA, HA, 600)
ADD = f"bc add hoa {HOA} coa {COA} local {HA} flags AH lifetime 600 seq auto dad never"
DELETE = f"bc del hoa {HOA} local {HA} flags H"


class HomeAgent:
    """A mip6d that is a home agent, answers everything alike, and remembers what it was asked."""

    def __init__(self, answer: str) -> None:
        self.asked: list[str] = []
        self._answer = answer

    def answer(self, command: str, options: VtOptions) -> str:
        """Return the answer."""
        self.asked.append(command)
        return self._answer

    def words(self) -> tuple[str, ...]:
        """Return a home agent's words."""
        return ("bc", "hal", "nonce", "pl", "stats")


@contextmanager
def scripted(answer: str) -> Iterator[tuple[HomeAgent, UmipConnector]]:
    """Serve such a mip6d; yield it with a connector to it."""
    agent = HomeAgent(answer)
    with VtServer(agent) as server:
        host, port = server.address
        yield agent, open_umip(f"umip://{host}:{port}")


def test_what_is_said_is_what_is_sent() -> None:
    """The terminal's options first, as ever."""
    with scripted("bc status=0\n") as (agent, connector):
        assert connector.add_binding(BINDING) == "bc status=0"
        assert connector.delete_binding(HOA, HA) == "bc status=0"
    assert agent.asked == [ADD, DELETE]
    assert connector.said(Action.ADD, BINDING) == (*OPTIONS, ADD)
    assert connector.said(Action.DELETE, (HOA, HA)) == (*OPTIONS, DELETE)


def test_readings_are_said_by_their_words() -> None:
    """All tables, and the words of raw."""
    connector = open_umip("umip://[::1]:7777")
    for capability, (word, _, _) in READINGS.items():
        assert connector.said(capability) == connector.said(capability.value) == (*OPTIONS, word)
    assert connector.said("raw", "thread") == (*OPTIONS, "thread")
    for what, request in ((Action.TRIGGER, None), (Action.ADD, None), ("bogus", None), ("bc", None)):
        with pytest.raises(CapabilityMissing, match="way to say"):
            connector.said(what, request)


@pytest.mark.parametrize(
    ("changes", "ending"),
    [
        ({"flags": ("H",)}, "flags H lifetime 600 seq auto dad never"),
        ({"flags": ("A", "H", "L", "K")}, "flags AHLK lifetime 600 seq auto dad never"),
        ({"sequence": 0}, "seq 0 dad never"),
        ({"sequence": 65534, "lifetime_s": 4}, "lifetime 4 seq 65534 dad never"),
        ({"care_of_address": "2001:DB8:2:0::300"}, f"coa {COA} local {HA} flags AH lifetime 600 seq auto dad never"),
    ],
)
def test_lines(changes: dict[str, Any], ending: str) -> None:
    """Addresses in their only form, so that mip6d looks no name up."""
    request = structs.replace(BINDING, **changes)
    assert add_line(request).endswith(ending)


@pytest.mark.parametrize(
    "changes",
    [
        {"home_address": "localhost"},
        {"care_of_address": "192.0.2.1"},
        {"local_address": "::1 flags"},
        {"flags": ()},
        {"flags": ("A", "H", "R")},
        {"sequence": 65535},
        {"sequence": -1},
    ],
)
def test_what_is_not_sent(changes: dict[str, Any]) -> None:
    """Names, flags and numbers that mip6d would trip over, and words within words."""
    request = structs.replace(BINDING, **changes)
    with pytest.raises(UsageError):
        add_line(request)
    with pytest.raises(UsageError):
        delete_line("x", HA)


REFUSED = {
    "bc status=132\n": (EngineComplaint, "not home subnet"),
    "bc status=133\n": (EngineComplaint, r"not home agent \(bc status=133\)"),
    "bc status=134\n": (EngineComplaint, "duplicate address detection failed"),
    "bc status=177\n": (EngineComplaint, "for a reason that is not known here"),
    "bc error=16(Device or resource busy)\n": (EngineComplaint, "could not do it: Device or resource busy"),
    "bc error=22(Invalid argument)\n": (EngineComplaint, "Invalid argument"),
    "missing hoa\n": (EngineComplaint, "misses the address 'hoa'"),
    "missing coa; required for adding\n": (EngineComplaint, "it misses the address 'coa'"),
    "invalid flag:Q\n": (EngineComplaint, "knows no flag 'Q'"),
    "invalid integer:x\n": (EngineComplaint, "'x' is no number"),
    "overflow:99\n": (EngineComplaint, "99 is too large"),
    "invalid command:x\nhoa ADDR [coa ADDR]\n": (EngineComplaint, "knows no word 'x' there"),
    "sequence overflow\n": (EngineComplaint, "at most 65534"),
    "lifetime is zero\n": (EngineComplaint, "needs a lifetime"),
    "lifetime is not zero\n": (EngineComplaint, "has no lifetime"),
    'getaddrinfo: "zz" :Temporary failure in name resolution\n': (EngineComplaint, "'zz' is no address"),
    'unknown command: "add"\n': (EngineComplaint, "it is no home agent"),
    "hoa ADDR [coa ADDR] local ADDR flags [A]H[LK] [lifetime SECOND]\n": (EngineComplaint, "did not understand"),
    "do nothing\n": (EngineComplaint, "it did not do it"),
    "": (NotThisEngine, "it said ''"),
    "hello\nworld\n": (NotThisEngine, "it said 'hello'"),
    "bc status=\n": (NotThisEngine, "it said 'bc status='"),
}


@pytest.mark.parametrize("answer", REFUSED)
def test_what_mip6d_says_no_with(answer: str) -> None:
    """Each has its words; nothing is taken for a success that is none."""
    kind, words = REFUSED[answer]
    with scripted(answer) as (_, connector), pytest.raises(kind, match=words):
        connector.add_binding(BINDING)


@pytest.mark.parametrize("status", AckStatus)
def test_every_status_is_a_success_or_an_error(status: AckStatus) -> None:
    """Below 128 it was done."""
    said = f"mip6d> bc status={int(status)}\nmip6d> \0"
    if status < AckStatus.REASON_UNSPECIFIED:
        assert outcome(said, "there") == f"bc status={int(status)}"
    else:
        with pytest.raises(MipshError, match=f"there refused it: .*status={int(status)}"):
            outcome(said, "there")


def test_what_mip6d_was_recorded_to_say() -> None:
    """None of the answers of a real home agent to lines that are wrong is a success."""
    path = Path(__file__).parents[2] / "recordings" / "mip6d-1.0" / "events" / "ha-ctl.json"
    recorded = [exchange for exchange in json.loads(path.read_text("utf-8")) if exchange[0][:4] == "bc a"]
    assert recorded
    for _, reply, _ in recorded:
        with pytest.raises(EngineComplaint):
            outcome(reply, "there")


@pytest.mark.parametrize("node", ["mn", "cn"])
def test_only_a_home_agent_is_asked(replay: Replay, node: str) -> None:
    """Others are told from it, and hear nothing."""
    connector = open_umip(replay(ROUTE_OPTIMISED, node).uri)
    connector.connect()
    assert connector.actions == frozenset()
    with pytest.raises(CapabilityMissing, match="only a home agent changes bindings"):
        connector.add_binding(BINDING)
    with pytest.raises(CapabilityMissing, match="only a home agent changes bindings"):
        connector.delete_binding(HOA, HA)
    with pytest.raises(CapabilityMissing):
        connector.flush("binding_cache")


@contextmanager
def front(lab: Lab, name: str) -> Iterator[UmipConnector]:
    """Serve a node's terminal; yield a connector to it."""
    loop = TurningLoop()
    served = VtFront(lab.node(name), loop, 0, clock=lambda: lab.network.clock.now)
    served.open()
    assert served.address is not None
    host, port = served.address
    try:
        with turning(loop):
            yield open_umip(f"umip://[{host}]:{port}" if ":" in host else f"umip://{host}:{port}")
    finally:
        served.close()
        loop.close()


def test_the_terminal_of_mipd_does_it() -> None:
    """From end to end."""
    with front(optimised(), "ha") as connector:
        connector.connect()
        assert connector.actions == {Action.ADD, Action.DELETE}
        connector.add_binding(BINDING)
        rows: list[Any] = list(connector.binding_cache().rows)
        assert HOA in {row.home_address for row in rows}
        connector.delete_binding(HOA, HA)
        with pytest.raises(EngineComplaint, match="not home agent"):
            connector.delete_binding(HOA, HA)
