"""Labs that benchmarks build for themselves: names and folders of their own, removed whatever happens."""

import os
import secrets
import socket
import struct
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from msgspec import structs

from mipsh.lab import access, topology
from mipsh.lab.asking import ask
from mipsh.lab.existing import Existing, ground_of, place_of
from mipsh.lab.plan import Plan, PlannedNode, plan
from mipsh.lab.state import Kind, LabState, NodeState
from mipsh.linux import lab_links
from mipsh.linux.lab_links import Cable
from mipsh.linux.tun import DEVICE
from mipsh.model.address import within

NOT_MEASURED = "not measured: namespaces and TUN need root and /dev/net/tun"
LOOK_S = 0.005
PREFIXES = {"foreign1": "2001:db8:2::/64", "foreign2": "2001:db8:3::/64"}
CORRESPONDENT = "2001:db8:4::2"
NETLINK_SOCK_DIAG, SOCK_DIAG_BY_FAMILY, REQUEST_DUMP = 4, 20, 0x301
SHOW_MEMORY, MEMORY, NO_COOKIE = 0x10, 6, 0xFFFFFFFF
NETLINK_HEADER, SOCKET_SIZE, DROPS_AT = 16, 16, 4 + 8 * 4


def is_possible() -> bool:
    """Tell whether labs can be built here."""
    return os.geteuid() == 0 and Path(DEVICE).exists()


def new_name() -> str:
    """Return a name that no other lab has."""
    return f"b{secrets.token_hex(4)}"


def silent(text: str) -> None:
    """Say nothing."""


@contextmanager
def runtime() -> Iterator[dict[str, str]]:
    """Yield the environment of a user with a home and a runtime folder of their own, both empty."""
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "run")
        place.mkdir(mode=0o700)
        yield {
            "HOME": folder,
            "PATH": os.defpath,
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(place),
        }


@contextmanager
def built(*, transmits: int = 0, is_optimistic: bool = False) -> Iterator[Existing]:
    """Build a lab, with so many probes for duplicates of a care-of address, and yield it with its node registered."""
    with runtime() as variables:
        place = place_of(variables, new_name())
        try:
            planned = _detecting(plan(place.name), transmits, is_optimistic)
            state = access.build(place, planned, Kind.ROOT, variables, silent)
            until(lambda: is_registered(state, state.node("mn").links["eth0"]), "registration")
            yield Existing(ground_of(place, Kind.ROOT), state)
        finally:
            access.tear_down(place, silent)


def _detecting(planned: Plan, transmits: int, is_optimistic: bool) -> Plan:
    """Return a plan with the mobile nodes' duplicate address detection as it is wanted."""

    def changed(node: PlannedNode) -> PlannedNode:
        (interface,) = node.config.interfaces
        interface = structs.replace(interface, dad_transmits=transmits, optimistic=is_optimistic)
        return structs.replace(node, config=structs.replace(node.config, interfaces=(interface,)))

    nodes = tuple(changed(node) if node.role == "mn" else node for node in planned.nodes)
    return structs.replace(planned, nodes=nodes)


def rows(node: NodeState, table: str) -> list[dict[str, Any]]:
    """Return the first page of a table of a node."""
    return list(ask(node.control, table)["rows"])


def is_registered(state: LabState, link: str) -> bool:
    """Tell whether the mobile node is registered from a foreign link."""
    found = (row for row in rows(state.node("mn"), "binding_update_list") if row["registration"] == "home")
    return any(row["state"] == "bound" and within(row.get("care_of_address") or "", PREFIXES[link]) for row in found)


def until(is_so: Callable[[], bool], what: str, longest_s: float = 15.0) -> float:
    """Wait until something is so, and return how long that took; raises TimeoutError."""
    began = time.monotonic()
    while not is_so():
        if time.monotonic() > began + longest_s:
            raise TimeoutError(f"no {what} after {longest_s:g} s")
        time.sleep(LOOK_S)
    return time.monotonic() - began


@contextmanager
def guest(lab: Existing, name: str, *links: str) -> Iterator[str]:
    """Plug a namespace without a mipd into links of a lab, as eth0, eth1 …; yield its path."""
    path = lab.ground.namespace(name)
    lab_links.make_namespace(path)
    try:
        cables = [
            Cable(
                f"{name}.{number}", path, f"eth{number}", f"02:00:00:01:{secrets.randbelow(256):02x}:{number:02x}", link
            )
            for number, link in enumerate(links)
        ]
        lab_links.inside(lab.state.links_namespace, lambda: lab_links.plug(cables))
        yield path
    finally:
        lab_links.remove_namespace(path)


def home_address() -> str:
    """Return the home address of the mobile node."""
    from mipsh.wire.address import text

    return text(topology.home_address(1))


def resident_bytes(pid: int) -> int:
    """Return how much memory a process holds."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8").splitlines()
    return 1024 * next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))


def descriptors(pid: int) -> int:
    """Return how many descriptors a process has open."""
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def pids(state: LabState) -> dict[str, int]:
    """Return the processes of a lab's nodes."""
    return {node.name: node.process.pid for node in state.nodes.values() if node.process is not None}


def dropped(state: LabState) -> int:
    """Return how many frames the kernel dropped since nodes' packet sockets were full, of all nodes."""
    return sum(lab_links.inside(node.namespace, _dropped_here) for node in state.nodes.values())


def _dropped_here() -> int:
    """Ask the kernel for the memory of the packet sockets of this namespace (sock_diag(7), linux/packet_diag.h)."""
    asked = struct.pack("=BBHIIII", socket.AF_PACKET, 0, 0, 0, SHOW_MEMORY, NO_COOKIE, NO_COOKIE)
    header = struct.pack("=IHHII", NETLINK_HEADER + len(asked), SOCK_DIAG_BY_FAMILY, REQUEST_DUMP, 1, 0)
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_SOCK_DIAG) as kernel:
        kernel.send(header + asked)
        return sum(_drops(kernel.recv(1 << 16)))


def _drops(data: bytes) -> Iterator[int]:
    """Yield what each socket in an answer dropped."""
    while len(data) >= NETLINK_HEADER:
        size, kind = struct.unpack_from("=IH", data)
        at = NETLINK_HEADER + SOCKET_SIZE
        while kind == SOCK_DIAG_BY_FAMILY and at < size:
            length, attribute = struct.unpack_from("=HH", data, at)
            if attribute == MEMORY:
                yield struct.unpack_from("=I", data, at + DROPS_AT)[0]
            at += (length + 3) & ~3
        data = data[(size + 3) & ~3 :]
