"""What happens to a lab, of whichever kind it is: moves, faults of links and nodes, echo requests.

A simulated lab is told on its own socket; one of namespaces is changed here.
"""

import time
from collections.abc import Mapping
from typing import Any

from mipsh.errors import RefusedError
from mipsh.lab import namespaces
from mipsh.lab.asking import ask
from mipsh.lab.existing import Existing
from mipsh.lab.namespaces import LOOKS_EVERY_S
from mipsh.lab.state import Impairment, Kind, NodeState
from mipsh.linux import lab_links
from mipsh.linux.ping import Echo, ping, socket_here

SOCKET = "lab.sock"
"""The name of a simulated lab's socket among its files."""
INTERFACE, ROUTER = "eth0", "r1"
ANSWER_S = 1.0


def is_simulated(lab: Existing) -> bool:
    """Tell whether a lab is simulated."""
    return lab.state.kind is Kind.SIMULATED


def need_namespaces(lab: Existing, what: str) -> None:
    """Refuse what a simulated lab cannot do; raises RefusedError."""
    if is_simulated(lab):
        hint = "as root, or in a user namespace, 'mipsh lab up' builds a real one"
        raise RefusedError(f"{what} needs network namespaces, and this lab is simulated", hint)


def tell(lab: Existing, method: str, **params: Any) -> Any:
    """Tell a simulated lab to do something; return what it answers."""
    return ask(str(lab.ground.place.folder / SOCKET), method, params)


def move(lab: Existing, name: str, link: str, gap_s: float) -> None:
    """Move a mobile node to a link."""
    if not is_simulated(lab):
        namespaces.move(lab.ground, lab.state, name, link, gap_s)
        return
    node, there = lab.state.node(name), lab.state.link(link)
    namespaces.only_port(node)
    tell(lab, "move", node=name, link=there, gap_s=gap_s)
    node.links[INTERFACE] = there
    lab.ground.place.save(lab.state)
    time.sleep(gap_s)


def impair(lab: Existing, link: str, impairment: Impairment) -> None:
    """Impair a link from now on."""
    if not is_simulated(lab):
        namespaces.impair(lab.ground, lab.state, link, impairment)
        return
    tell(lab, "impair", link=lab.state.link(link), loss=impairment.loss, delay_s=impairment.delay_s)
    lab.state.impairments[link] = impairment
    lab.ground.place.save(lab.state)


def stop(lab: Existing, name: str) -> None:
    """Let a node break down, without a word to others."""
    if not is_simulated(lab):
        namespaces.stop(lab.ground, lab.state, name)
        return
    tell(lab, "stop", node=name)
    lab.state.node(name).process = None
    lab.ground.place.save(lab.state)


def restart(lab: Existing, name: str, variables: Mapping[str, str]) -> None:
    """Let a node begin anew with nothing in its tables."""
    if not is_simulated(lab):
        namespaces.restart(lab.ground, lab.state, name, variables)
        return
    tell(lab, "restart", node=name)
    lab.state.node(name).process = lab.state.node(ROUTER).process
    lab.ground.place.save(lab.state)


def echoes(lab: Existing, node: NodeState, destination: str, count: int, interval_s: float) -> list[Echo]:
    """Send echo requests from a node; return what became of each."""
    if not is_simulated(lab):
        with lab_links.inside(node.namespace, socket_here) as opened:
            return list(ping(opened, destination, count, interval_s, ANSWER_S))
    number = tell(lab, "ping", node=node.name, destination=destination, count=count, interval_s=interval_s)
    deadline = time.monotonic() + (count - 1) * interval_s + ANSWER_S
    while True:
        told = tell(lab, "echoes", number=number)
        if len(told["rtts_s"]) == count or time.monotonic() > deadline:
            break
        time.sleep(LOOKS_EVERY_S)
    rtts = [told["rtts_s"].get(str(at)) for at in range(count)]
    return [
        Echo(at, None if rtt is None else destination, None if rtt is None else rtt * 1000)
        for at, rtt in enumerate(rtts, 1)
    ]
