"""A lab in network namespaces: one for each node, one for the links, and one mipd in each node's.

The links are bridges, the nodes' interfaces are plugged into them, and a move is a plug pulled here and
put in there. Whatever is killed at whatever point, ``tear_down`` finds what is left: namespaces by
their names, processes by the namespaces that they are in and by a mark in their environment.
"""

import os
import socket
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from msgspec import Struct, structs

from mipsh.errors import EngineError, MipshError, RefusedError
from mipsh.lab.asking import ask
from mipsh.lab.plan import Plan, PlannedNode
from mipsh.lab.state import FILE_MODE, Impairment, Kind, LabState, NodeState, Place
from mipsh.lab.toml_text import dumps
from mipsh.linux import lab_links, processes
from mipsh.linux.lab_links import Cable
from mipsh.linux.namespaces import DIRECTORY

LINKS = "links"
"""The name that the links' namespace has in place of a node's."""
GAP_S = 0.05
"""How long a mobile node is on no link when it moves: what a change of access points takes."""
START_S = 10.0
END_S = 2.0
LOOKS_EVERY_S = 0.01
LOG_LINES = 5
ROUNDS = 5
"""How often processes are looked for while there are some: one may start another before it ends."""
Say = Callable[[str], None]


class Ground(Struct, frozen=True):
    """Where a lab is built: its files, and the folder in which its namespaces have their names.

    ``program`` runs a node, whose configuration is its last argument.
    """

    place: Place
    namespaces: str = DIRECTORY
    program: tuple[str, ...] = (sys.executable, "-P", "-m", "mipsh", "--no-config", "mipd", "run")

    @property
    def prefix(self) -> str:
        """What the names of the lab's namespaces begin with."""
        return f"mipsh-{self.place.name}-"

    def namespace(self, node: str) -> str:
        """Return the path of a node's namespace."""
        return f"{self.namespaces}/{self.prefix}{node}"

    def found(self) -> list[str]:
        """Return the paths of the lab's namespaces that are there."""
        with suppress(OSError):
            return sorted(map(str, Path(self.namespaces).glob(f"{self.prefix}*")))
        return []


def check_free(ground: Ground) -> None:
    """Refuse a name that a lab has already; raises RefusedError."""
    name = ground.place.name
    if ground.found() or ground.place.file.exists():
        hint = f"'mipsh lab down --name {name}' removes it, 'mipsh lab up --name OTHER' builds one beside it"
        raise RefusedError(f"there is a lab '{name}' already", hint)


def build(
    ground: Ground, plan: Plan, variables: Mapping[str, str], say: Say, keeper: processes.Process | None = None
) -> LabState:
    """Build a lab and wait until its nodes answer; whoever calls holds the lab's lock.

    Raises RefusedError where there is one of that name, or a privilege is missing, EngineError where a
    node does not start. What was built by then is there, and ``tear_down`` removes it.
    """
    place = ground.place
    check_free(ground)
    kind = Kind.ROOT if keeper is None else Kind.USER
    state = planned_state(ground, plan, kind, keeper)
    place.save(state)
    Path(ground.namespaces).mkdir(mode=0o755, parents=True, exist_ok=True)
    say(f"links {', '.join(plan.links)}")
    lab_links.make_namespace(state.links_namespace)
    lab_links.inside(state.links_namespace, lambda: lab_links.add_bridges(plan.links))
    say(f"nodes {', '.join(state.nodes)}")
    _wire(state)
    for node in plan.nodes:
        write(place.folder / f"{node.name}.toml", dumps(_with_control(node, place)))
        start(ground, state.nodes[node.name], variables)
        place.save(state)
    for found in state.nodes.values():
        await_node(ground, found)
        say(f"{found.name} runs")
    state.is_whole = True
    place.save(state)
    return state


def planned_state(ground: Ground, plan: Plan, kind: Kind, keeper: processes.Process | None = None) -> LabState:
    """Return what is known of a lab before it is built."""
    nodes = {}
    for node in plan.nodes:
        name, place = node.name, ground.place
        ports = {interface: f"{name}.{number}" for number, interface in enumerate(node.links, 1)}
        control = str(place.control(name))
        namespace = ground.namespace(name)
        nodes[name] = NodeState(name, node.role, namespace, control, dict(node.links), ports, node.home_address)
    return LabState(plan.name, kind, plan.links, ground.namespace(LINKS), nodes, keeper=keeper)


def _with_control(node: PlannedNode, place: Place) -> Struct:
    return structs.replace(node.config, control=str(place.control(node.name)))


def cables(state: LabState) -> list[Cable]:
    """Return what connects the nodes' interfaces with the links."""
    found: list[Cable] = []
    for node in state.nodes.values():
        for interface, link in node.links.items():
            address = f"02:00:00:00:00:{len(found) + 1:02x}"
            found.append(Cable(node.ports[interface], node.namespace, interface, address, link))
    return found


def _wire(state: LabState) -> None:
    """Make the nodes' namespaces and plug their interfaces into the links."""
    for node in state.nodes.values():
        lab_links.make_namespace(node.namespace)
    lab_links.inside(state.links_namespace, lambda: lab_links.plug(cables(state)))
    for node in state.nodes.values():
        lab_links.inside(node.namespace, partial(lab_links.raise_interfaces, tuple(node.links)))


# Its nodes.


def start(ground: Ground, node: NodeState, variables: Mapping[str, str]) -> None:
    """Start a node's mipd in the background; its log is beside its configuration."""
    folder = ground.place.folder
    argv = [*ground.program, str(folder / f"{node.name}.toml")]
    kept = marked(ground, variables)
    log = str(folder / f"{node.name}.log")
    node.process = lab_links.inside(node.namespace, lambda: processes.spawn(argv, kept, log))


def marked(ground: Ground, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the environment of a process of the lab, by which it can be found."""
    name, _, value = ground.place.mark.partition("=")
    return {**variables, name: value}


def await_node(ground: Ground, node: NodeState, log: str = "") -> None:
    """Wait until a node answers on its control socket; raises EngineError with the end of its log."""
    path = Path(log) if log else ground.place.folder / f"{node.name}.log"
    hint = f"its log is {path}"
    deadline = time.monotonic() + START_S
    while not _listens(node.control):
        if node.process is None or not processes.is_alive(node.process):
            raise EngineError(f"{node.name} ended before it answered: {_end_of_log(path)}", hint)
        if time.monotonic() > deadline:
            raise EngineError(f"{node.name} does not answer after {START_S:g} s", hint)
        time.sleep(LOOKS_EVERY_S)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        return probe.connect_ex(path) == 0


def _end_of_log(path: Path) -> str:
    with suppress(OSError):
        text = path.read_text(encoding="utf-8", errors="replace")
        return "; ".join(text.strip().splitlines()[-LOG_LINES:])
    return "it left no log"


def restart(ground: Ground, state: LabState, name: str, variables: Mapping[str, str]) -> None:
    """Let a node break down, if it runs, and begin anew with nothing in its tables."""
    stop(ground, state, name)
    node = state.node(name)
    start(ground, node, variables)
    ground.place.save(state)
    await_node(ground, node)
    if any(link in state.impairments for link in node.links.values()):
        adjust(state, node)


def stop(ground: Ground, state: LabState, name: str) -> None:
    """Let a node break down: it says nothing to anybody."""
    node = state.node(name)
    if node.process is not None:
        processes.kill(node.process)
    node.process = None
    Path(node.control).unlink(missing_ok=True)
    ground.place.save(state)


def move(ground: Ground, state: LabState, name: str, link: str, gap_s: float = GAP_S) -> tuple[int, int]:
    """Move a mobile node to a link; return when it left the one and came to the other, in nanoseconds since 1970."""
    node, there = state.node(name), state.link(link)
    interface, port = only_port(node)
    was_impaired = node.links[interface] in state.impairments
    node.links[interface] = there
    ground.place.save(state)
    if was_impaired or there in state.impairments:
        adjust(state, node)
    return lab_links.inside(state.links_namespace, lambda: lab_links.replug(port, there, gap_s))


def only_port(node: NodeState) -> tuple[str, str]:
    """Return the interface by which a node moves, and its port; raises RefusedError for nodes that do not."""
    if node.role != "mn":
        raise RefusedError(f"{node.name} does not move", "mobile nodes do: mn, mn2 …")
    ((interface, port),) = node.ports.items()
    return interface, port


def impair(ground: Ground, state: LabState, link: str, impairment: Impairment) -> None:
    """Impair a link from now on: all nodes on it lose and delay what they send there."""
    state.impairments[state.link(link)] = impairment
    ground.place.save(state)
    for node, _ in state.on(link):
        adjust(state, node)


def adjust(state: LabState, node: NodeState) -> None:
    """Tell a node how its links are; one that does not run, or runs no mipd, is told when it begins anew."""
    for params in impairments_of(state, node):
        with suppress(EngineError):
            ask(node.control, "set_impairment", params)


def impairments_of(state: LabState, node: NodeState) -> list[dict[str, Any]]:
    """Return what a node is told of each of its interfaces."""
    found = ((interface, state.impairments.get(link, Impairment())) for interface, link in node.links.items())
    return [{"interface": name, "loss": each.loss, "delay_s": each.delay_s} for name, each in found]


# What it is used for.


def run(ground: Ground, node: NodeState, argv: Sequence[str], variables: Mapping[str, str]) -> int:
    """Run a program in a node's namespace in the foreground, on this process's streams; return its exit status.

    Raises RefusedError where it cannot be started.
    """
    import subprocess

    from mipsh.linux.terminal import uninterrupted

    kept = {**marked(ground, variables), "MIPSH_NODE": node.name}
    try:
        process = lab_links.inside(node.namespace, lambda: subprocess.Popen(argv, env=kept))
    except OSError as error:
        raise RefusedError(f"cannot run {argv[0]}: {error.strerror}", "it must be a program of this machine") from None
    with process, uninterrupted():
        return process.wait()


# Its end.


def tear_down(ground: Ground, say: Say) -> bool:
    """Remove all that there is of a lab; tell whether there was anything. Whoever calls holds the lab's lock."""
    was_there = ground.place.file.exists() or bool(ground.place.controls())
    was_there |= clear(ground, say)
    ground.place.remove()
    return was_there


def clear(ground: Ground, say: Say) -> bool:
    """End a lab's processes and remove its namespaces; tell whether there were any."""
    namespaces = ground.found()
    was_there = bool(namespaces)
    for _ in range(ROUNDS):
        running = _running(ground, namespaces)
        if not running:
            break
        was_there = True
        say(f"ending {len(running)} processes")
        processes.end(running, END_S)
    with suppress(MipshError):
        _reap(ground.place.load())
    for path in namespaces:
        say(f"removing {Path(path).name}")
        lab_links.remove_namespace(path)
    with suppress(OSError):
        # A folder of the lab's own goes with them; one that holds others' namespaces is not empty.
        if ground.place.folder in Path(ground.namespaces).parents:
            Path(ground.namespaces).rmdir()
    return was_there


def _reap(state: LabState | None) -> None:
    """Take note of the end of what this process started."""
    for node in [] if state is None else state.nodes.values():
        if node.process is not None:
            processes.reap(node.process)
    if state is not None and state.keeper is not None:
        processes.reap(state.keeper)


def _running(ground: Ground, namespaces: Sequence[str]) -> list[processes.Process]:
    inodes = []
    for path in namespaces:
        with suppress(OSError):
            status = Path(path).stat()
            inodes.append((status.st_dev, status.st_ino))
    found = {*processes.members(inodes), *processes.marked(ground.place.mark)}
    return sorted(found, key=lambda process: process.pid)


def write(path: Path, text: str) -> None:
    """Write a file for its owner alone."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, FILE_MODE)
    with os.fdopen(handle, "w", encoding="utf-8") as file:
        file.write(text)


def rewrite(ground: Ground, name: str, change: Callable[[str], str]) -> None:
    """Change a node's configuration; it counts when the node begins anew."""
    path = ground.place.folder / f"{name}.toml"
    try:
        write(path, change(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise MipshError(f"cannot change {path}: {error.strerror}") from error
