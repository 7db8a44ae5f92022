"""What a lab's commands do, as one would do it by hand: ``ip`` lines, programs, and lines to the nodes' sockets.

The names are those that building and changing a lab use; nothing is touched.
"""

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from mipsh.grammar.tokens import quote
from mipsh.lab import changes
from mipsh.lab.asking import request_line
from mipsh.lab.changes import INTERFACE, SOCKET, is_simulated
from mipsh.lab.existing import Existing, ground_of
from mipsh.lab.faults import Fault
from mipsh.lab.namespaces import Ground, cables, impairments_of, only_port, planned_state
from mipsh.lab.plan import Plan
from mipsh.lab.state import Impairment, Kind, LabState, NodeState, Place
from mipsh.linux.namespaces import DIRECTORY
from mipsh.model.shell import How

NETLINK, PROCESS, JSON_RPC, FILE, NONE = "netlink", "process", "json-rpc", "file", "none"


class Hand:
    """The words by which the namespaces of a lab are reached: ``ip netns`` knows those of root alone."""

    def __init__(self, ground: Ground) -> None:
        self.ground = ground
        self.is_named = ground.namespaces == DIRECTORY

    def name(self, path: str) -> str:
        """Return how ``ip`` names a namespace."""
        return Path(path).name if self.is_named else path

    def ip(self, path: str, words: str) -> str:
        """Return an ``ip`` line that works in a namespace."""
        return f"ip -n {self.name(path)} {words}" if self.is_named else self.run(path, f"ip {words}")

    def run(self, path: str, words: str) -> str:
        """Return the line that runs a program in a namespace."""
        return f"ip netns exec {self.name(path)} {words}" if self.is_named else f"nsenter --net={path} {words}"

    def make(self, path: str) -> str:
        """Return the line that makes a namespace."""
        return f"ip netns add {self.name(path)}" if self.is_named else f"touch {path}; unshare --net={path} true"

    def remove(self, path: str) -> str:
        """Return the line that lets go of a namespace."""
        return f"ip netns del {self.name(path)}" if self.is_named else f"umount {path}; rm {path}"


def building(place: Place, planned: Plan, kind: Kind) -> list[How]:
    """Return how a lab is built."""
    ground = ground_of(place, kind)
    state = planned_state(ground, planned, kind)
    if kind is Kind.SIMULATED:
        names = ", ".join(state.nodes)
        return [How(f"run {names} in one process, on a simulated network", PROCESS, "mipsh lab up --simulated")]
    hand = Hand(ground)
    keeper = How("be root in a user namespace", PROCESS, "unshare --user --map-root-user --mount")
    return [*([] if hand.is_named else [keeper]), *_links(state, hand), *_nodes(state, hand, place)]


def _links(state: LabState, hand: Hand) -> Iterator[How]:
    there = state.links_namespace
    yield How("make the links' namespace", NETLINK, hand.make(there))
    yield from _settled("lo", there, hand, is_quiet=False)
    for link in state.links:
        made = f"link add {link} type bridge stp_state 0 mcast_snooping 0"
        yield How(f"make the link {link}", NETLINK, hand.ip(there, made))
        yield from _settled(link, there, hand)


def _nodes(state: LabState, hand: Hand, place: Place) -> Iterator[How]:
    for node in state.nodes.values():
        yield How(f"make {node.name}'s namespace", NETLINK, hand.make(node.namespace))
        yield from _settled("lo", node.namespace, hand, is_quiet=False)
    there = state.links_namespace
    for cable in cables(state):
        peer = f"peer name {cable.interface} address {cable.link_layer} netns {hand.name(cable.path)}"
        made = f"link add {cable.port} type veth {peer}"
        yield How(f"make the cable {cable.port}", NETLINK, hand.ip(there, made))
        yield _quiet(cable.port, there, hand)
        plugged = f"link set {cable.port} master {cable.bridge} up"
        yield How(f"plug it into {cable.bridge}", NETLINK, hand.ip(there, plugged))
    for node in state.nodes.values():
        for interface in node.links:
            yield from _settled(interface, node.namespace, hand)
    for node in state.nodes.values():
        file = str(place.folder / f"{node.name}.toml")
        yield How(f"write {node.name}'s configuration, as docs/mipd.md explains it", FILE, file)
        yield _started(node, hand, place)


def _settled(interface: str, path: str, hand: Hand, *, is_quiet: bool = True) -> Iterator[How]:
    if is_quiet:
        yield _quiet(interface, path, hand)
    yield How(f"switch {interface} on", NETLINK, hand.ip(path, f"link set {interface} up"))


def _quiet(interface: str, path: str, hand: Hand) -> How:
    words = hand.run(path, f"sysctl -w net/ipv6/conf/{interface}/disable_ipv6=1")
    return How(f"keep the kernel's IPv6 from {interface}", FILE, words)


def _started(node: NodeState, hand: Hand, place: Place) -> How:
    file = place.folder / f"{node.name}.toml"
    words = f"mipsh --no-config mipd run {file}"
    return How(f"run {node.name}", PROCESS, hand.run(node.namespace, words), "RFC 6275")


def ending(places: Iterable[tuple[Place, Sequence[Kind]]]) -> list[How]:
    """Return how labs are removed: what there is of them now."""
    rows = []
    for place, kinds in places:
        rows.append(How(f"end the processes of '{place.name}'", PROCESS, _killing(place.mark)))
        for kind in kinds:
            ground = ground_of(place, kind)
            found = [(Path(path).name, Hand(ground).remove(path)) for path in ground.found()]
            rows += [How(f"remove {name}", NETLINK, line) for name, line in found]
        rows.append(How(f"remove the files of '{place.name}'", FILE, f"rm -r {place.folder}"))
    return rows


def _killing(mark: str) -> str:
    """Return the line that ends the processes with a mark in their environment."""
    return f"kill $(grep -lz {quote(f'^{mark}$')} /proc/[0-9]*/environ | cut -d/ -f3)"


def moving(lab: Existing, name: str, link: str, gap_s: float, measured: bool) -> list[How]:
    """Return how a mobile node is moved."""
    node, there = lab.state.node(name), lab.state.link(link)
    _, port = only_port(node)
    if is_simulated(lab):
        return [_told(lab, f"move {name} to {there}", "move", node=name, link=there, gap_s=gap_s)]
    hand, links = Hand(lab.ground), lab.state.links_namespace
    rows = [
        How(f"pull {name}'s plug", NETLINK, hand.ip(links, f"link set {port} nomaster down")),
        How(f"leave it for {gap_s:g} s", NONE, f"sleep {gap_s:g}"),
        How(
            f"put it into {there}",
            NETLINK,
            hand.ip(links, f"link set {port} master {there} up"),
            "RFC 6275 section 11.5",
        ),
    ]
    if node.links[INTERFACE] in lab.state.impairments or there in lab.state.impairments:
        node.links[INTERFACE] = there
        rows = [*_adjusted(lab.state, node), *rows]
    if measured and node.home_address is not None:
        stream = hand.run(lab.state.node("cn").namespace, f"ping -i 0.01 {node.home_address}")
        rows = [How("send a stream meanwhile", "packet", stream), *rows]
    return rows


def impairing(lab: Existing, link: str, impairment: Impairment) -> list[How]:
    """Return how a link is made worse, or well again."""
    lab.state.impairments[lab.state.link(link)] = impairment
    if is_simulated(lab):
        params = {"link": link, "loss": impairment.loss, "delay_s": impairment.delay_s}
        return [_told(lab, f"impair {link}", "impair", **params)]
    return [row for node, _ in lab.state.on(link) for row in _adjusted(lab.state, node)]


def _adjusted(state: LabState, node: NodeState) -> list[How]:
    return [
        How(f"tell {node.name} how its link is, at {node.control}", JSON_RPC, request_line("set_impairment", params))
        for params in impairments_of(state, node)
    ]


def _told(lab: Existing, step: str, method: str, **params: object) -> How:
    return How(f"{step}, at {lab.ground.place.folder / SOCKET}", JSON_RPC, request_line(method, params))


def breaking(lab: Existing, fault: Fault) -> list[How]:
    """Return how a fault is brought."""
    if fault is Fault.INTER_MN:
        changes.need_namespaces(lab, fault.value)
        return _reconfigured(lab, True)
    if fault is Fault.HOME_AGENT_DEAD:
        return _stopped(lab, "ha")
    return [*_stopped(lab, "cn"), *_begun(lab, "cn")]


def mending(lab: Existing) -> list[How]:
    """Return how all faults are mended."""
    rows = _reconfigured(lab, False) if Fault.INTER_MN in lab.state.faults else []
    return [*rows, *(_begun(lab, "ha") if lab.state.node("ha").process is None else [])]


def _reconfigured(lab: Existing, is_on: bool) -> list[How]:
    rows = []
    for node in lab.state.nodes.values():
        if node.role == "mn":
            file = lab.ground.place.folder / f"{node.name}.toml"
            line = f"optimise_before_complete = {str(is_on).lower()}  # [mobile_node] of {file}"
            rows += [How(f"configure {node.name}", FILE, line), *_stopped(lab, node.name), *_begun(lab, node.name)]
    return rows


def _stopped(lab: Existing, name: str) -> list[How]:
    if is_simulated(lab):
        return [_told(lab, f"let {name} break down", "stop", node=name)]
    process = lab.state.node(name).process
    return [] if process is None else [How(f"let {name} break down", PROCESS, f"kill -KILL {process.pid}")]


def _begun(lab: Existing, name: str) -> list[How]:
    if is_simulated(lab):
        return [_told(lab, f"let {name} begin anew", "restart", node=name)]
    return [_started(lab.state.node(name), Hand(lab.ground), lab.ground.place)]


def within(lab: Existing, name: str, words: Sequence[str], step: str) -> list[How]:
    """Return how a program is run in a node."""
    node = lab.state.node(name)
    keeper = lab.state.keeper
    line = Hand(lab.ground).run(node.namespace, " ".join(map(quote, words)))
    if keeper is not None:
        line = f"nsenter --user --preserve-credentials --mount --target {keeper.pid} {line}"
    return [How(step, PROCESS, line)]


def echoing(lab: Existing, name: str, destination: str, count: int, interval_s: float) -> list[How]:
    """Return how echo requests are sent from a node."""
    step = f"send {count} ICMPv6 Echo Requests from {name} to {destination}"
    if is_simulated(lab):
        params = {"node": name, "destination": destination, "count": count, "interval_s": interval_s}
        return [_told(lab, step, "ping", **params)]
    (row,) = within(lab, name, ["ping", "-6", "-c", str(count), "-i", f"{interval_s:g}", destination], step)
    return [How(step, "packet", row.equivalent, "RFC 4443 section 4.1")]


def capturing(lab: Existing, link: str, path: Path) -> list[How]:
    """Return how a link is captured."""
    changes.need_namespaces(lab, "a capture")
    words = f"tcpdump -i {lab.state.link(link)} --time-stamp-precision=nano -w {quote(str(path))}"
    return [How(f"write what is on {link}", PROCESS, Hand(lab.ground).run(lab.state.links_namespace, words))]
