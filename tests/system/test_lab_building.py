"""A lab is built and removed, and removed as well when something was killed while it was built."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from lab_grounds import left_of, needs_root, new_ground, silent, stub

from mipsh.errors import EngineError, RefusedError, UsageError
from mipsh.lab import namespaces
from mipsh.lab.namespaces import Ground, build, tear_down
from mipsh.lab.plan import plan
from mipsh.linux import lab_links, links
from mipsh.linux.processes import is_alive

pytestmark = [pytest.mark.system, needs_root]
VARIABLES = {"PATH": os.environ.get("PATH", os.defpath)}
KILLED = """
import os, signal, sys
from pathlib import Path
from mipsh.lab.namespaces import Ground, build
from mipsh.lab.plan import plan
from mipsh.lab.state import Place
left = int(sys.argv[1])
def trace(frame, event, argument):
    global left
    if event == "call" and frame.f_globals["__name__"].startswith("mipsh."):
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)
ground = Ground(Place(Path(sys.argv[2]), sys.argv[3]), program=tuple(sys.argv[4:]))
import threading
threading.setprofile(trace)
sys.setprofile(trace)
with ground.place.locked():
    build(ground, plan(ground.place.name), dict(os.environ), print)
"""
"""Builds a lab and kills itself at the so-manieth call of a function."""


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Make the place for a lab whose nodes do nothing."""
    with new_ground(tmp_path, stub(tmp_path)) as made:
        yield made


def test_what_is_built_is_the_plan(ground: Ground) -> None:
    """Namespaces by name, interfaces without the kernel's IPv6, a process in each; removed, nothing is left."""
    with ground.place.locked():
        state = build(ground, plan(ground.place.name, mobile_nodes=2), VARIABLES, silent)
    assert state == ground.place.load()
    assert [Path(path).name.rpartition("-")[2] for path in ground.found()] == ["cn", "ha", "links", "mn", "mn2", "r1"]
    for node in state.nodes.values():
        found = lab_links.inside(node.namespace, links.names)
        assert {"lo", *node.links} <= set(found)
        for interface in node.links:
            setting = Path(f"/proc/sys/net/ipv6/conf/{interface}/disable_ipv6")
            assert lab_links.inside(node.namespace, setting.read_text).strip() == "1"
        assert node.process is not None
        assert is_alive(node.process)
    with ground.place.locked():
        assert tear_down(ground, silent)
    assert left_of(ground) == []
    with ground.place.locked():
        assert not tear_down(ground, silent)
    assert left_of(ground) == []


def test_a_name_is_taken_once(ground: Ground, tmp_path: Path) -> None:
    """A second lab of the name is refused, wherever its files would be; one of another name is not."""
    with ground.place.locked():
        build(ground, plan(ground.place.name), VARIABLES, silent)
        with pytest.raises(RefusedError, match="already"):
            build(ground, plan(ground.place.name), VARIABLES, silent)
    with new_ground(tmp_path, ground.program) as other, other.place.locked():
        beside = build(other, plan(other.place.name), VARIABLES, silent)
        state = ground.place.load()
        assert state is not None
        assert {n.namespace for n in beside.nodes.values()}.isdisjoint(n.namespace for n in state.nodes.values())
        tear_down(other, silent)
        assert len(ground.found()) == 5


def test_a_lab_that_is_held_is_left_alone(ground: Ground) -> None:
    """Whoever builds or changes it is alone with it."""
    with (
        ground.place.locked(),
        pytest.raises(RefusedError, match="another mipsh"),
        ground.place.locked(),
    ):
        raise AssertionError("it was held twice")


def test_a_node_that_does_not_start_says_why(tmp_path: Path) -> None:
    """The end of its log is in the error, and what was built is removed."""
    program = (sys.executable, "-c", "raise SystemExit('no such luck')")
    with new_ground(tmp_path, program) as ground, ground.place.locked():
        with pytest.raises(EngineError, match="no such luck"):
            build(ground, plan(ground.place.name), VARIABLES, silent)
        tear_down(ground, silent)
        assert left_of(ground) == []


def test_a_move_is_seen_as_a_link_that_goes_and_comes(ground: Ground) -> None:
    """The kernel counts that the carrier went; only nodes with one link move."""
    with ground.place.locked():
        state = build(ground, plan(ground.place.name), VARIABLES, silent)
        counter = Path("/sys/class/net/eth0/carrier_down_count")
        mobile = state.node("mn")
        before = lab_links.inside(mobile.namespace, lambda: _carrier_downs(counter))
        namespaces.move(ground, state, "mn", "foreign2")
        assert lab_links.inside(mobile.namespace, lambda: _carrier_downs(counter)) > before
        assert state.on("foreign2") == [(state.node("r1"), "foreign2"), (mobile, "eth0")]
        with pytest.raises(RefusedError, match="does not move"):
            namespaces.move(ground, state, "r1", "foreign2")
        with pytest.raises(UsageError, match="no link 'moon'"):
            namespaces.move(ground, state, "mn", "moon")
        with pytest.raises(UsageError, match="no node 'nn'"):
            namespaces.move(ground, state, "nn", "home")


def _carrier_downs(counter: Path) -> int:
    """Return how often the carrier went, from netlink, since sysfs shows another namespace's interfaces."""
    from pyroute2 import IPRoute

    with IPRoute() as kernel:
        (found,) = kernel.get_links(ifname=counter.parent.name)
        return int(found.get_attr("IFLA_CARRIER_DOWN_COUNT"))


def test_a_node_breaks_down_and_begins_anew(ground: Ground) -> None:
    """Another process, the same place."""
    with ground.place.locked():
        state = build(ground, plan(ground.place.name), VARIABLES, silent)
        first = state.node("cn").process
        namespaces.restart(ground, state, "cn", VARIABLES)
        second = state.node("cn").process
        assert first is not None
        assert second is not None
        assert not is_alive(first)
        assert is_alive(second)
        namespaces.stop(ground, state, "ha")
        assert state.node("ha").process is None
        assert ground.place.load() == state


@pytest.mark.parametrize("calls", [1, 50, 100, 150, 200, 300, 400, 500, 700, 900, 1100, 1300])
def test_what_a_killed_builder_left_is_removed(ground: Ground, calls: int) -> None:
    """At whatever point it was killed; the lock went with it."""
    argv = [sys.executable, "-c", KILLED, str(calls), str(ground.place.sockets), ground.place.name, *ground.program]
    done = subprocess.run(argv, capture_output=True, text=True, check=False, timeout=30)
    assert done.returncode in (-signal.SIGKILL, 0), done.stderr
    with ground.place.locked():
        tear_down(ground, silent)
    assert left_of(ground) == []


def test_what_killed_nodes_left_is_removed(ground: Ground) -> None:
    """Nodes that were killed, a program that was run in one, and a state that is damaged."""
    with ground.place.locked():
        state = build(ground, plan(ground.place.name), VARIABLES, silent)
        for node in state.nodes.values():
            assert node.process is not None
            os.kill(node.process.pid, signal.SIGKILL)
        sleeper = lab_links.inside(state.node("mn").namespace, lambda: subprocess.Popen(["sleep", "1000"]))
        ground.place.file.write_text("{", encoding="utf-8")
        began = time.monotonic()
        assert tear_down(ground, silent)
        assert sleeper.wait(10) == -signal.SIGTERM
        assert time.monotonic() - began < 10
    assert left_of(ground) == []
