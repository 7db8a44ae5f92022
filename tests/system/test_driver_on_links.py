"""A node of mipsh beside plain kernels, on real links: ordinary programs notice no difference."""

import hashlib
import re
from collections.abc import Iterator

import pytest
from system_namespaces import DEADLINE_S, Netns, Running, needs, needs_namespaces

from mipsh.linux import links
from mipsh.mobility.effects import AddressAdded
from mipsh.mobility.roles import NodeParameters
from mipsh.wire.address import parse

pytestmark = [pytest.mark.system, needs_namespaces]

NEAR, FAR = "2001:db8:0:1::", "2001:db8:0:2::"
RECEIVER = """
import hashlib, socket, sys
with socket.create_server((sys.argv[1], 7000), family=socket.AF_INET6) as server:
    print("ready", flush=True)
    connection, peer = server.accept()
    digest = hashlib.sha256()
    with connection:
        while data := connection.recv(65536):
            digest.update(data)
    print(peer[0], digest.hexdigest(), flush=True)
"""
SENDER = """
import random, socket, sys
with socket.create_connection((sys.argv[1], 7000), timeout=20) as connection:
    connection.sendall(random.Random(1).randbytes(int(sys.argv[2])))
"""
MIRROR = """
import socket, sys
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as mirror:
    mirror.bind((sys.argv[1], 7000))
    print("ready", flush=True)
    while True:
        mirror.sendto(*mirror.recvfrom(65536))
"""
LOOKER = """
import random, socket, sys
sent = random.Random(1).randbytes(int(sys.argv[2]))
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as looker:
    looker.settimeout(20)
    looker.connect((sys.argv[1], 7000))
    for data in (b"first", sent):  # the first one finds the neighbours
        looker.send(data)
        answer = looker.recv(65536)
    print(answer == sent)
"""
SIZE = 5_000_000


@pytest.fixture
def network() -> Iterator[Netns]:
    """A node, a router of mipsh, and a plain kernel, in a row; the node's programs and the kernel are hosts."""
    with Netns("node", "router", "kernel") as netns:
        netns.cable(("node", "eth0"), ("router", "near"))
        netns.cable(("router", "far"), ("kernel", "eth0"))
        netns.host("kernel", "eth0", f"{FAR}2/64", f"{FAR}1")
        router = NodeParameters(is_router=True)
        between = {"near": f"{NEAR}1", "far": f"{FAR}1"}
        with (
            Running(netns, "router", between, parameters=router, has_programs=False),
            Running(netns, "node", {"eth0": f"{NEAR}2"}) as node,
        ):
            node.call(lambda: node.node.routing.add(bytes(16), 0, "eth0", parse(f"{NEAR}1")))
            yield netns


def carry(netns: Netns, sender: str, receiver: str, address: str) -> tuple[str, str]:
    """Send many bytes by TCP; return who the receiver saw, and the digest of what it got."""
    listening = netns.python(receiver, RECEIVER, address)
    assert listening.stdout is not None
    assert listening.stdout.readline() == "ready\n"
    sending = netns.python(sender, SENDER, address, str(SIZE))
    assert sending.wait(DEADLINE_S) == 0
    peer, digest = listening.stdout.readline().split()
    return peer, digest


def expected() -> str:
    """Return the digest of what ``carry`` sends."""
    import random

    return hashlib.sha256(random.Random(1).randbytes(SIZE)).hexdigest()


def test_ping_from_either_end(network: Netns) -> None:
    """The node's kernel pings through the TUN, and the node answers a kernel."""
    needs("ping")
    for name, address in (("node", f"{FAR}2"), ("kernel", f"{NEAR}2"), ("node", f"{FAR}1")):
        output = network.run(name, "ping", "-6", "-n", "-c", "5", "-i", "0.05", "-W", "5", address)
        assert re.search(r"5 packets transmitted, 5 received, 0% packet loss", output), output


def test_large_pings_are_fragmented(network: Netns) -> None:
    """In both directions, by the core and by the kernel, once the neighbours are known to each other."""
    needs("ping")
    network.run("node", "ping", "-6", "-n", "-c", "1", "-W", "5", f"{FAR}2")
    for name, address in (("node", f"{FAR}2"), ("kernel", f"{NEAR}2")):
        output = network.run(name, "ping", "-6", "-n", "-s", "20000", "-c", "3", "-i", "0.05", "-W", "5", address)
        assert re.search(r"3 packets transmitted, 3 received, 0% packet loss", output), output


def test_tcp_from_the_node(network: Netns) -> None:
    """The bytes arrive as they were sent, from the node's address."""
    assert carry(network, "node", "kernel", f"{FAR}2") == (f"{NEAR}2", expected())


def test_tcp_from_a_kernel_that_leaves_checksums_and_segmentation_to_its_card(network: Netns) -> None:
    """A veth pair hands on what a card would finish."""
    assert carry(network, "kernel", "node", f"{NEAR}2") == (f"{FAR}2", expected())


@pytest.mark.parametrize("size", [1, 1000, 1401, 5000, 60_000])
def test_udp_there_and_back(network: Netns, size: int) -> None:
    """Datagrams of all sizes, in fragments where they are large."""
    for asking, mirroring, address in (("node", "kernel", f"{FAR}2"), ("kernel", "node", f"{NEAR}2")):
        mirror = network.python(mirroring, MIRROR, address)
        assert mirror.stdout is not None
        assert mirror.stdout.readline() == "ready\n"
        looker = network.python(asking, LOOKER, address, str(size))
        assert looker.communicate(timeout=DEADLINE_S)[0] == "True\n"
        mirror.kill()


def test_iperf3(network: Netns) -> None:
    """A foreign witness: both directions, none ends early."""
    needs("iperf3")
    for extra in ((), ("-R",)):
        serving = network.start("kernel", "iperf3", "-s", "-1", "--forceflush")
        assert serving.stdout is not None
        while "listening" not in serving.stdout.readline():
            continue
        output = network.run("node", "iperf3", "-6", "-c", f"{FAR}2", "-n", "4M", *extra)
        assert "iperf Done" in output
        assert serving.wait(DEADLINE_S) == 0


def test_a_link_that_goes_and_comes() -> None:
    """The node hears of its carrier, and tests its link-local address anew."""
    with Netns("node", "kernel") as netns:
        netns.cable(("node", "eth0"), ("kernel", "eth0"))
        with Running(netns, "node", {"eth0": f"{NEAR}2"}) as running:
            link = running.node.interfaces["eth0"]
            assert running.call(lambda: link.is_up)
            while not running.effects.empty():
                running.effects.get()
            netns.inside("kernel", lambda: links.set_up("eth0", is_up=False))
            netns.inside("kernel", lambda: links.set_up("eth0"))
            running.await_effect(AddressAdded(link.link_local, "eth0"))
            assert running.call(lambda: link.is_up)
