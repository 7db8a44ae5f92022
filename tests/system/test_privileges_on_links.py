"""What can be opened with fewer privileges than root's, and what is said of that which cannot."""

import os

import pytest
from system_namespaces import DEADLINE_S, Netns, needs_namespaces

pytestmark = [pytest.mark.system, needs_namespaces]

NOBODY = """
import codecs, os
codecs.lookup("ascii")  # nobody may not read Python's own files everywhere
from mipsh.errors import MipshError
from mipsh.linux import links
from mipsh.linux.packet_socket import PacketSocket
from mipsh.linux.tun import Tun
os.setgroups([])
os.setuid(65534)
for open_it in (lambda: PacketSocket("eth0"), lambda: Tun("mip0", 1400), lambda: links.prepare("eth0")):
    try:
        open_it()
    except MipshError as error:
        print(type(error).__name__, error.message, error.hint, sep="; ")
"""
USER_NAMESPACE = """
import ctypes, os, select
from pathlib import Path
libc = ctypes.CDLL(None, use_errno=True)
if libc.unshare(0x10000000 | 0x40000000) != 0:
    raise SystemExit("refused: " + os.strerror(ctypes.get_errno()))
Path("/proc/self/setgroups").write_text("deny")
Path("/proc/self/uid_map").write_text(f"0 {UID} 1")
Path("/proc/self/gid_map").write_text(f"0 {UID} 1")
from pyroute2 import IPRoute
from mipsh.linux import links
from mipsh.linux.link_monitor import LinkMonitor
from mipsh.linux.packet_socket import PacketSocket
from mipsh.linux.tun import Tun
with IPRoute() as kernel:
    kernel.link("add", ifname="eth0", kind="veth", peer={"ifname": "eth1"})
for name in ("eth0", "eth1"):
    links.prepare(name)
with PacketSocket("eth0") as one, PacketSocket("eth1") as other, Tun("mip0", 1400) as tun, LinkMonitor() as monitor:
    told = set()
    while len(told) < 3:
        select.select([monitor], [], [], 20)
        told.update(monitor.changes())
    print(sorted(told), flush=True)
    packet = bytes((0x60, 0, 0, 0, 0, 0, 59, 64)) + bytes(32)
    one.send(other.link_layer, packet)
    select.select([other], [], [], 20)
    print(other.receive() == [packet])
    tun.add_address(bytes.fromhex("20010db8000000000000000000000001"), is_preferred=True)
""".replace("UID", str(os.geteuid()))


def test_without_privileges_everything_is_refused_with_a_hint() -> None:
    """What is missing is named."""
    with Netns("node", "kernel") as netns:
        netns.cable(("node", "eth0"), ("kernel", "eth0"))
        process = netns.python("node", NOBODY)
        output = process.communicate(timeout=DEADLINE_S)[0]
    socket_, tun, prepared = output.splitlines()
    assert socket_.startswith("RefusedError; cannot open a packet socket on 'eth0': ")
    assert tun.startswith("RefusedError; cannot make the interface 'mip0': ")
    assert prepared.startswith("RefusedError; cannot set up the interface 'eth0': ")
    assert all("run as root, or in a user namespace" in line for line in (socket_, tun, prepared))


def test_a_user_namespace_is_enough() -> None:
    """There, root is root over the links that it made."""
    with Netns("node") as netns:
        process = netns.python("node", USER_NAMESPACE)
        output = process.communicate(timeout=DEADLINE_S)[0]
    if output.startswith("refused: "):
        pytest.skip(f"user namespaces are {output.strip()}")
    assert output.splitlines() == ["[('eth0', True), ('eth1', True), ('mip0', True)]", "True"]
