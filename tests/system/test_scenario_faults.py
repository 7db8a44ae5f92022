"""Nodes that break down and begin anew, and links that lose: what is lost comes back, in the time that the rules give.

Lifetimes are short, so that what waits for them is seen.
"""

from collections.abc import Iterator

import pytest
from lab_grounds import needs_root
from msgspec import structs
from scenario import CORRESPONDENT, HOME_AGENT, Scenario, mobile, scenario

from mipsh.lab.plan import PlannedNode
from mipsh.lab.topology import HOME_AGENT as AGENT
from mipsh.node.config import HomeAgentConfig, NodeConfig
from mipsh.wire.mobility import BindingError, MobilityHeader

pytestmark = [pytest.mark.system, needs_root]
LIFETIME_S = 8.0
LONGEST_GAP_S = 3.0
"""How long a node may take to begin anew, with what follows."""
LOSS = 0.1
LONGEST_S = 40.0
"""Six attempts, as they follow each other ever more slowly (RFC 6275 section 11.8)."""
LEAST_SHARE = 0.65
"""Of the echoes that are answered: 0.81 of them, as they go both ways."""


def _change(node: PlannedNode) -> NodeConfig:
    """Let home registrations last for a short time only."""
    if node.role == "mn":
        return mobile(node.config, home_lifetime_s=LIFETIME_S)
    if node.name == AGENT:
        assert isinstance(node.config.home_agent, HomeAgentConfig)
        return structs.replace(
            node.config, home_agent=structs.replace(node.config.home_agent, max_lifetime_s=LIFETIME_S)
        )
    return node.config


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests."""
    with scenario(_change) as built:
        yield built


def test_a_home_agent_begins_anew(lab: Scenario) -> None:
    """The mobile node does not notice until it refreshes, then it is registered; the tunnel works again."""
    lab.await_registered()
    sequence = lab.peers("mn")[HOME_AGENT]["sequence"]
    lab.kill("ha")
    lab.start("ha")
    assert lab.rows("ha", "binding_cache") == []
    assert lab.await_registered(longest_s=LIFETIME_S + 2) > 0
    assert lab.peers("mn")[HOME_AGENT]["sequence"] != sequence
    assert lab.ping("cn", lab.home_address("mn")).received > 0


def _repeated(lab: Scenario) -> int:
    """Return how often the mobile node repeated its update to the home agent."""
    return int(lab.peers("mn").get(HOME_AGENT, {}).get("retransmissions") or 0)


def test_a_home_agent_is_away_for_some_time(lab: Scenario) -> None:
    """Meanwhile the mobile node asks again and again, and it is registered soon after there is somebody to answer."""
    lab.await_registered()
    lab.kill("ha")
    try:
        lab.until(lambda: _repeated(lab) >= 1, "repeated Binding Update", 2 * LIFETIME_S)
    finally:
        lab.start("ha")
    lab.await_registered(longest_s=LIFETIME_S)
    assert lab.ping("mn", CORRESPONDENT).received > 0


def test_a_correspondent_begins_anew(lab: Scenario) -> None:
    """It says by a Binding Error that it knows no binding; echoes go by the tunnel, then directly."""
    lab.await_registered()
    echoes = lab.pinging("mn", CORRESPONDENT)
    lab.await_direct()
    lab.kill("cn")
    with lab.heard("correspondent") as there:
        lab.start("cn")
        lab.await_direct(longest_s=5.0)
        echoes.await_answers(20)
    found = echoes.end()
    upper = [packet.upper for packet in there if isinstance(packet.upper, MobilityHeader)]
    errors = [header.message for header in upper if isinstance(header.message, BindingError)]
    assert [error.status for error in errors][:1] == [1]
    assert found.gap_s < LONGEST_GAP_S


def test_a_link_that_loses(lab: Scenario) -> None:
    """One frame in ten: the registration gets through, the route becomes direct, and most echoes are answered.

    As long as the correspondent is wrong about where the mobile node is, none is.
    """
    lab.settle("mn", "foreign1")
    lab.impair("foreign2", LOSS)
    try:
        lab.move("mn", "foreign2")
        lab.await_registered(longest_s=LONGEST_S)
        echoes = lab.pinging("cn", lab.home_address("mn"))
        lab.await_direct(longest_s=LONGEST_S)
        echoes.end()
        found = lab.ping("cn", lab.home_address("mn"), count=200)
    finally:
        lab.impair("foreign2", 0.0)
    assert LEAST_SHARE < found.received / found.sent < 1
    lab.settle("mn", "foreign1")
    echoes = lab.pinging("mn", CORRESPONDENT)
    lab.await_direct()
    echoes.end()
    assert lab.ping("mn", CORRESPONDENT).lost == 0
