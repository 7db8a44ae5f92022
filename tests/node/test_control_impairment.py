"""Links can be made worse over the control socket, where whoever runs the node can do that."""

import json
from typing import Any

import pytest

from mipsh.lab.topology import Lab
from mipsh.node.control_session import ControlSession
from mipsh.node.impaired_port import Impairment
from mipsh.node.protocol import Code


class Scene:
    """A node of a simulated network, and the impairments that were asked for."""

    def __init__(self, can_impair: bool = True) -> None:
        self.asked: list[tuple[str, Impairment]] = []
        station = Lab().network.stations["cn"]
        impair = (lambda interface, found: self.asked.append((interface, found))) if can_impair else None
        node = Lab().node("cn")
        self.session = ControlSession(node, station.perform, lambda interface, is_up: None, impair=impair)

    def ask(self, method: str, **params: object) -> dict[str, Any]:
        """Return the answer to a request."""
        request = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
        answer = json.loads(self.session.answer(json.dumps(request).encode()))
        assert isinstance(answer, dict)
        return answer


def test_a_link_is_made_worse_and_sound_again() -> None:
    """With the numbers that were given; without any, it is sound."""
    scene = Scene()
    assert scene.ask("set_impairment", interface="eth0", loss=0.1, delay_s=0.02)["result"] == {"state": "impaired"}
    assert scene.ask("set_impairment", interface="eth0")["result"] == {"state": "sound"}
    assert scene.asked == [("eth0", Impairment(0.1, 0.02)), ("eth0", Impairment())]
    assert "set_impairment" in scene.ask("hello")["result"]["methods"]


@pytest.mark.parametrize(
    "params",
    [
        {"interface": "eth1"},
        {"interface": "eth0", "loss": 1.1},
        {"interface": "eth0", "loss": -0.1},
        {"interface": "eth0", "delay_s": 11},
        {"interface": "eth0", "delay_s": "1"},
        {"interface": "eth0", "more": 1},
        {},
    ],
)
def test_what_cannot_be_is_refused(params: dict[str, object]) -> None:
    """Nothing is done, and the client learns why."""
    scene = Scene()
    assert scene.ask("set_impairment", **params)["error"]["code"] == Code.WRONG_PARAMS
    assert scene.asked == []


def test_where_it_cannot_be_done_there_is_no_such_method() -> None:
    """It is not in the handshake either."""
    scene = Scene(can_impair=False)
    assert scene.ask("set_impairment", interface="eth0")["error"]["code"] == Code.NO_METHOD
    assert "set_impairment" not in scene.ask("hello")["result"]["methods"]
