"""The lines that a lab says it is built with, typed: the same links come of them as when it builds itself."""

import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from lab_grounds import needs_root, new_ground, silent, stub

from mipsh.lab import by_hand
from mipsh.lab.existing import Existing
from mipsh.lab.namespaces import Ground, build, planned_state
from mipsh.lab.plan import plan
from mipsh.lab.state import Kind, LabState

pytestmark = [
    pytest.mark.system,
    needs_root,
    pytest.mark.skipif(not shutil.which("ip") or not shutil.which("sysctl"), reason="ip and sysctl are typed"),
]
VARIABLES = {"PATH": os.environ.get("PATH", os.defpath)}


def typed(line: str) -> str:
    """Type a line; return what it says."""
    done = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, check=False, timeout=20)
    assert done.returncode == 0, f"{line}: {done.stderr}"
    return done.stdout


def links(ground: Ground, state: LabState) -> dict[str, list[tuple[Any, ...]]]:
    """Return what ``ip`` shows of each namespace: names, kinds, bridges, flags, and what does not differ by chance."""
    found = {}
    for path in (state.links_namespace, *(node.namespace for node in state.nodes.values())):
        shown = json.loads(typed(f"ip -n {Path(path).name} -details -json link"))
        found[path.removeprefix(ground.namespace(""))] = sorted(
            (
                link["ifname"],
                link.get("linkinfo", {}).get("info_kind"),
                link.get("master"),
                "UP" in link["flags"],
                link["address"] if link["ifname"] == "eth0" else None,
                link.get("inet6_addr_gen_mode"),
            )
            for link in shown
        )
    return found


def test_what_is_typed_is_what_is_built(tmp_path: Path) -> None:
    """Namespaces, bridges, cables, addresses; then a node moves as it is typed, too."""
    with new_ground(tmp_path / "one", stub(tmp_path)) as real, new_ground(tmp_path / "other") as hand:
        with real.place.locked():
            built = build(real, plan(real.place.name), VARIABLES, silent)
        planned = plan(hand.place.name)
        for row in by_hand.building(hand.place, planned, Kind.ROOT):
            if row.equivalent is not None and ("ip " in row.equivalent and "mipd run" not in row.equivalent):
                typed(row.equivalent)
        state = planned_state(hand, planned, Kind.ROOT)
        assert links(hand, state) == links(real, built)
        for row in by_hand.moving(Existing(hand, state), "mn", "foreign2", 0.0, False):
            typed(str(row.equivalent))
        ports = {name: master for name, _, master, *_ in links(hand, state)["links"]}
        assert ports["mn.1"] == "foreign2"
        for row in by_hand.ending([(hand.place, (Kind.ROOT,))]):
            if row.via == "netlink":
                typed(str(row.equivalent))
        assert hand.found() == []
