"""Building a lab in the best way that this machine allows, and removing it whichever way it was built.

As root the namespaces have names that ``ip netns`` knows. An ordinary user gets a user namespace, which a
process of the lab keeps, and in which all is done as root would. A simulated lab needs nothing.
"""

import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from mipsh.errors import MipshError, RefusedError
from mipsh.lab import namespaces
from mipsh.lab.existing import ground_of
from mipsh.lab.namespaces import Ground, Say
from mipsh.lab.plan import Plan
from mipsh.lab.state import Kind, LabState, Place
from mipsh.linux import processes, user_namespaces
from mipsh.linux.tun import DEVICE

KEEPER = "import signal; signal.pause()"
CAP_NET_ADMIN, CAP_SYS_ADMIN = 12, 21
STATUS = Path("/proc/self/status")


def kind_allowed() -> Kind:
    """Return the best kind of lab that may be built here; raises RefusedError where no real one may."""
    if not os.access(DEVICE, os.R_OK | os.W_OK):
        raise RefusedError(f"{DEVICE} may not be opened", "run as root for a lab of namespaces")
    held = _capabilities()
    is_enough = held >> CAP_NET_ADMIN & 1 and held >> CAP_SYS_ADMIN & 1
    if is_enough and user_namespaces.outer_uid() == os.geteuid():
        return Kind.ROOT
    user_namespaces.check()
    return Kind.USER


def best_kind(say: Say) -> Kind:
    """Return the best kind of lab that may be built here, saying why where it is a simulated one."""
    try:
        return kind_allowed()
    except RefusedError as error:
        say(f"{error.message}; {error.hint}")
        return Kind.SIMULATED


def _capabilities() -> int:
    """Return the capabilities that this process may use, as bits."""
    try:
        lines = STATUS.read_text(encoding="ascii", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1], 16) for line in lines if line.startswith("CapEff:")), 0)


def build(place: Place, planned: Plan, kind: Kind, variables: Mapping[str, str], say: Say) -> LabState:
    """Build a lab; where that fails or is interrupted, what was built by then is removed."""
    ground = ground_of(place, kind)
    with place.locked():
        namespaces.check_free(ground)
        try:
            return _build(ground, planned, kind, variables, say)
        except (MipshError, OSError, KeyboardInterrupt):
            say("it does not work out: removing what was built")
            namespaces.tear_down(ground, say)
            raise


def _build(ground: Ground, planned: Plan, kind: Kind, variables: Mapping[str, str], say: Say) -> LabState:
    if kind is Kind.SIMULATED:
        return _simulate(ground, planned, variables, say)
    if kind is Kind.ROOT:
        return namespaces.build(ground, planned, variables, say)
    user_namespaces.make()
    argv = [sys.executable, "-I", "-S", "-c", KEEPER]
    log = str(ground.place.folder / "keeper.log")
    keeper = processes.spawn(argv, namespaces.marked(ground, variables), log)
    return namespaces.build(ground, planned, variables, say, keeper)


def _simulate(ground: Ground, planned: Plan, variables: Mapping[str, str], say: Say) -> LabState:
    """Start the process of a simulated lab, and wait until its nodes answer."""
    say("simulated: real-time nodes in one process, without namespaces, programs and captures")
    place = ground.place
    state = namespaces.planned_state(ground, planned, Kind.SIMULATED)
    roles = [node.role for node in planned.nodes]
    start = next(node.links["eth0"] for node in planned.nodes if node.role == "mn")
    numbers = {"mobile_nodes": roles.count("mn"), "correspondents": roles.count("cn"), "start": start}
    words = [str(place.sockets), place.name, json.dumps(numbers)]
    argv = [sys.executable, "-P", "-m", "mipsh.lab.simulated", *words]
    log = str(place.folder / f"{namespaces.LINKS}.log")
    process = processes.spawn(argv, namespaces.marked(ground, variables), log)
    for node in state.nodes.values():
        node.process, node.namespace = process, ""
        place.save(state)
        namespaces.await_node(ground, node, log)
    state.is_whole = True
    place.save(state)
    return state


def tear_down(place: Place, say: Say) -> bool:
    """Remove all that there is of a lab, whole or not; tell whether there was anything."""
    with place.locked():
        grounds = [ground_of(place, Kind.USER)]
        if user_namespaces.outer_uid() == 0:
            grounds.insert(0, ground_of(place, Kind.ROOT))
        was_there = place.file.exists() or bool(place.controls())
        for ground in grounds:
            was_there |= namespaces.clear(ground, say)
        place.remove()
        return was_there
