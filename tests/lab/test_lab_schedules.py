"""What holds whatever happens: home agent, mobile node and correspondent under random schedules.

Links lose, double, delay and disorder packets, the mobile node moves, nodes break down and begin
anew. All the while a watcher looks at every packet that is sent, and at the end, when the links are
good again, home agent and mobile node must agree within one refresh.
"""

from collections.abc import Iterable
from enum import Enum, auto
from typing import NamedTuple

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec import structs

from mipsh.lab.applications import Echo
from mipsh.lab.link import LinkParameters
from mipsh.lab.topology import ETHERNET, HOME, HOME_AGENT, HOME_AGENT_ADDRESS, Lab, LabParameters
from mipsh.mobility.correspondent_cache import State
from mipsh.mobility.home.cache import State as HomeState
from mipsh.mobility.mobile.parameters import MobileNodeParameters
from mipsh.mobility.paths import is_neighbour_discovery
from mipsh.mobility.serial import newer
from mipsh.mobility.trace import PacketSeen, Record
from mipsh.wire.mobility import BindingUpdate, MobilityHeader
from mipsh.wire.packet import Packet, decode

MN, CN = "mn", "cn"
LIFETIME_S = 40.0
LONGEST_BACKOFF_S = 32.0
GOOD = LinkParameters(delay_s=0.01)
BAD = LinkParameters(delay_s=0.01, jitter_s=0.02, loss=0.2, duplication=0.1, reordering=0.2, reordering_s=0.3)


class Act(Enum):
    """What can happen to the network."""

    FOREIGN1 = auto()
    FOREIGN2 = auto()
    HOME = auto()
    NOWHERE = auto()
    HOME_AGENT_RESTARTS = auto()
    CORRESPONDENT_RESTARTS = auto()
    MOBILE_NODE_RESTARTS = auto()
    BAD_LINKS = auto()
    GOOD_LINKS = auto()


class Step(NamedTuple):
    """An act, and how much time passes behind it."""

    act: Act
    wait_s: float


MOVES = {Act.FOREIGN1: "foreign1", Act.FOREIGN2: "foreign2", Act.HOME: HOME}
RESTARTS = {Act.HOME_AGENT_RESTARTS: HOME_AGENT, Act.CORRESPONDENT_RESTARTS: CN, Act.MOBILE_NODE_RESTARTS: MN}
steps = st.lists(
    st.builds(Step, st.sampled_from(Act), st.sampled_from((0.0, 0.3, 1.1, 2.5, 5.0, 20.0))), min_size=1, max_size=12
)


class Watcher:
    """Looks at every packet, and keeps what should not have been."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.lab: Lab | None = None
        self.seen = 0
        self._sequences: dict[bytes, int] = {}
        self._answers_left = 0

    def watch(self, lab: Lab) -> None:
        """Begin to look."""
        self.lab = lab

    def restarted(self, name: str) -> None:
        """Take note that a node begins anew, with sequence numbers of its own."""
        if name == MN:
            self._sequences.clear()

    def __call__(self, record: Record) -> None:
        """Take in what happened."""
        if self.lab is None or not isinstance(record, PacketSeen):
            return
        packet = decode(record.data)
        if not isinstance(packet, Packet) or is_neighbour_discovery(packet):
            return
        self.seen += 1
        if record.node == HOME_AGENT and not record.is_received:
            self._home_agent_sends(self.lab, packet)
        elif record.node == CN:
            self._correspondent(self.lab, packet, record.is_received)
        elif record.node == MN and not record.is_received:
            self._mobile_node_sends(packet)

    def _home_agent_sends(self, lab: Lab, packet: Packet) -> None:
        """A tunnel leads to where the mobile node was registered last, and not when that has ended."""
        is_tunnel = isinstance(packet.upper, Packet) and packet.source == HOME_AGENT_ADDRESS
        if is_tunnel and packet.destination != lab.registered_at(MN):
            self.wrong.append(f"tunnelled to {packet.destination.hex()}")

    def _correspondent(self, lab: Lab, packet: Packet, is_received: bool) -> None:
        """It sends by a binding that is there, and no more packets than came."""
        if is_received:
            self._answers_left += 1
            return
        is_message = isinstance(packet.upper, MobilityHeader)
        home = packet.routing_home_address
        if home is not None and not is_message and not self._is_bound(lab, packet):
            self.wrong.append(f"routed to {packet.destination.hex()}")
        if not is_message:
            self._answers_left -= 1
            if self._answers_left < 0:
                self.wrong.append("more answers than packets")

    def _is_bound(self, lab: Lab, packet: Packet) -> bool:
        cache = lab.node(CN).roles.correspondent.cache
        bound = cache.bound((packet.source, lab.mobile_nodes[MN]), lab.network.clock.now)
        return bound is not None and bound.care_of_address == packet.destination

    def _mobile_node_sends(self, packet: Packet) -> None:
        """Each Binding Update to a peer has a greater sequence number than the one before."""
        upper = packet.upper
        if isinstance(upper, MobilityHeader) and isinstance(upper.message, BindingUpdate):
            last = self._sequences.get(packet.destination)
            if last is not None and not newer(upper.message.sequence, last):
                self.wrong.append(f"sequence number {upper.message.sequence} after {last}")
            self._sequences[packet.destination] = upper.message.sequence


def network(seed: int) -> tuple[Lab, Watcher]:
    """Return a network with a mobile node away, talking to the correspondent."""
    watcher = Watcher()
    mobile = MobileNodeParameters((), home_lifetime_s=LIFETIME_S, correspondent_lifetime_s=LIFETIME_S)
    lab = Lab(LabParameters(seed, home=GOOD, foreign=GOOD, backbone=GOOD, mobile_node=mobile), watcher)
    lab.network.run_for(1.0)
    lab.add_mobile_node("foreign1")
    watcher.watch(lab)
    return lab, watcher


def happens(lab: Lab, watcher: Watcher, act: Act) -> None:
    """Let an act happen."""
    if act in MOVES:
        lab.network.move(MN, ETHERNET, MOVES[act], 0.05)
    elif act is Act.NOWHERE:
        lab.network.detach(MN, ETHERNET)
    elif act in RESTARTS:
        watcher.restarted(RESTARTS[act])
        lab.network.restart(RESTARTS[act], 0.2)
    else:
        links_are(lab, BAD if act is Act.BAD_LINKS else GOOD)


def links_are(lab: Lab, parameters: LinkParameters) -> None:
    """Make all links good or bad."""
    for link in lab.network.links.values():
        link.parameters = structs.replace(parameters)


def lifetimes_are_kept(lab: Lab) -> Iterable[str]:
    """Yield what is bound for longer than was granted."""
    now = lab.network.clock.now
    agent = lab.node(HOME_AGENT).roles.home_agent
    assert agent is not None
    for entry in agent.bindings:
        if entry.state is HomeState.BOUND and not entry.expires - now <= entry.lifetime_s <= LIFETIME_S:
            yield "a home binding that outlives its lifetime"
    for bound in lab.node(CN).roles.correspondent.cache:
        if bound.state is State.BOUND and not bound.expires - now <= bound.lifetime_s <= LIFETIME_S:
            yield "a binding that outlives its lifetime"


def agreed(lab: Lab) -> bool:
    """Tell whether the home agent and the mobile node say the same of where that is."""
    mobile = lab.node(MN).roles.mobile_node
    assert mobile is not None
    return lab.registered_at(MN) == mobile.care_of_address(lab.mobile_nodes[MN], lab.network.clock.now)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.integers(0, 2**32), steps)
def test_whatever_happens(seed: int, schedule: list[Step]) -> None:
    """No packet goes where the mobile node is known not to be, no binding outlives its lifetime, and so on."""
    lab, watcher = network(seed)
    echo = Echo(lab.network, MN, lab.correspondent_address(), count=10_000, interval_s=0.25)
    wrong: list[str] = []
    for step in schedule:
        happens(lab, watcher, step.act)
        lab.network.run_for(step.wait_s)
        wrong += lifetimes_are_kept(lab)
    links_are(lab, GOOD)
    if ETHERNET not in lab.network.stations[MN].links:
        lab.network.attach(MN, ETHERNET, "foreign2")
    lab.network.run_for(LIFETIME_S + LONGEST_BACKOFF_S + 3.0)
    assert [*watcher.wrong, *wrong, *lifetimes_are_kept(lab)] == []
    assert agreed(lab)
    answered = len(echo.rtts_s)
    lab.network.run_for(5.0)
    assert len(echo.rtts_s) >= answered + 10
    assert watcher.seen > 100
