"""Forwarding real packets: a router of mipsh between two links, beside the kernel's own router on such links.

Each router is in a network namespace between two others, joined by veth pairs. A tester puts frames
on the near link, never more than a window ahead of what came out on the far link, and none may be
lost; the tester takes part of the time. Then echo requests go one at a time from the near host to
the far one, both plain kernels: what the router of mipsh adds to a round trip, in which it forwards
twice, is the difference to the kernel's.

Without root nothing is measured.
"""

import os
import secrets
import signal
import socket
import struct
import time
from collections.abc import Callable
from contextlib import ExitStack
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import median

from measure import Row, interleaved, report

from mipsh.linux import lab_links, links
from mipsh.linux.namespaces import DIRECTORY
from mipsh.linux.packet_socket import PacketSocket
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.node.driver import Driver
from mipsh.wire.address import parse
from mipsh.wire.packet import Packet, Payload

TITLE = "Forwarding on real links"
RATE_BAR = 20_000
ADDED_BAR_S = 0.0003
ROUNDS = 5
COUNT = 1 << 16
WINDOW = 1 << 10
STEP = 1 << 7
TRIPS = {0.2: 20, 0.005: 200}
"""How many round trips a run has, by the pauses between them: a machine that sleeps in between is far slower."""
IDLE_S = 0.2
PATIENCE_S = 10.0
EXPERIMENT = 253
SIZES = (64, 1400)
ICMP6_FILTER, ECHO_REQUEST, ECHO_REPLY = 1, 128, 129
NEAR, FAR = "2001:db8:0:1::", "2001:db8:0:2::"
NO_DETECTION = 0x02
RECEIVED_AT = 1
"""Where the packets that were received stand in a line of /proc/net/dev."""


def give(interface: str, address: str, router: str | None = None) -> None:
    """Let the kernel of this namespace have an address on an interface, and a default router."""
    from pyroute2 import IPRoute

    links.set_up(interface)
    with IPRoute() as kernel:
        (index,) = kernel.link_lookup(ifname=interface)
        kernel.addr("add", index=index, address=address, prefixlen=64, flags=NO_DETECTION)
        if router is not None:
            kernel.route("add", dst="::/0", gateway=router, oif=index)


def forward() -> None:
    """Let the kernel of this namespace forward."""
    Path(links.SETTINGS, "all", "forwarding").write_text("1\n", encoding="ascii")


def route(path: str) -> None:
    """Be a router of mipsh in a namespace, until SIGTERM."""
    with ExitStack() as stack:
        driver = lab_links.inside(path, lambda: router(stack))
        signal.signal(signal.SIGTERM, lambda number, frame: driver.stop())
        driver.start()
        for interface, prefix in (("near", NEAR), ("far", FAR)):
            address = parse(f"{prefix}1")
            driver.perform(driver.node.add_address(interface, address, 64, time.monotonic(), detect=False))
        driver.run()


def router(stack: ExitStack) -> Driver:
    """Return a router of mipsh, in the namespace that the thread is in."""
    for interface in ("near", "far"):
        links.prepare(interface)
    ports = {interface: stack.enter_context(PacketSocket(interface)) for interface in ("near", "far")}
    how = InterfaceParameters(accepts_advertisements=False, dad_transmits=0)
    interfaces = [Interface(name, port.link_layer, os.urandom, how) for name, port in ports.items()]
    node = Node("router", interfaces, os.urandom, NodeParameters(is_router=True))
    return stack.enter_context(Driver(node, ports, None))


class Street:
    """Two hosts with a router between them: the kernel's, or one of mipsh in a process of its own."""

    def __init__(self, stack: ExitStack, *, is_kernel: bool) -> None:
        name = f"{DIRECTORY}/mipsh-bench-{secrets.token_hex(4)}"
        near, middle, far = (f"{name}-{place}" for place in ("near", "router", "far"))
        for path in (near, middle, far):
            lab_links.make_namespace(path)
            stack.callback(lab_links.remove_namespace, path)
        links.add_pair((near, "eth0"), (middle, "near"))
        links.add_pair((far, "eth0"), (middle, "far"))
        lab_links.inside(near, lambda: give("eth0", f"{NEAR}2", f"{NEAR}1"))
        lab_links.inside(far, lambda: give("eth0", f"{FAR}2", f"{FAR}1"))
        self._to = lab_links.inside(middle, lambda: links.link_layer("near"))
        if is_kernel:
            for interface, prefix in (("near", NEAR), ("far", FAR)):
                lab_links.inside(middle, partial(give, interface, f"{prefix}1"))
            lab_links.inside(middle, forward)
        else:
            process = get_context("fork").Process(target=route, args=(middle,))
            process.start()
            stack.callback(process.join)
            stack.callback(process.terminate)
        self._port = stack.enter_context(lab_links.inside(near, lambda: PacketSocket("eth0")))
        self._echo = stack.enter_context(lab_links.inside(near, echo_socket))
        self._number = 0
        self._counts = lab_links.inside(far, lambda: os.open("/proc/thread-self/net/dev", os.O_RDONLY))
        stack.callback(os.close, self._counts)
        self._await_router()

    def _await_router(self) -> None:
        """Wait until all neighbours know each other."""
        deadline = time.monotonic() + PATIENCE_S
        self._echo.settimeout(0.2)
        while time.monotonic() < deadline:
            try:
                self.trip()
            except TimeoutError:
                continue
            self._echo.settimeout(PATIENCE_S)
            return
        raise TimeoutError("no answer through the router")

    def _arrived(self) -> int:
        """Return how many frames came out at the far host."""
        lines = os.pread(self._counts, 1 << 14, 0).decode().splitlines()
        counts = next(line.partition(":")[2] for line in lines if line.strip().startswith("eth0:"))
        return int(counts.split()[RECEIVED_AT])

    def rate(self, size: int) -> float:
        """Return how many packets of a size go through in a second."""
        data = Packet(parse(f"{NEAR}2"), parse(f"{FAR}2"), Payload(EXPERIMENT, bytes(size))).encode()
        before = self._arrived()
        began = time.perf_counter()
        for sent in range(STEP, COUNT + STEP, STEP):
            for _ in range(STEP):
                self._port.send(self._to, data)
            room = sent - WINDOW if sent < COUNT else sent
            while self._arrived() - before < room:
                if time.perf_counter() - began > PATIENCE_S:
                    raise TimeoutError("packets were lost")
        return COUNT / (time.perf_counter() - began)

    def trip(self) -> float:
        """Return how long an echo request and its own reply take, in seconds; replies to others are left out."""
        self._number = (self._number + 1) % (1 << 16)
        asked = struct.pack(">HH", 1, self._number)
        began = time.perf_counter()
        self._echo.sendto(struct.pack(">BBH", ECHO_REQUEST, 0, 0) + asked, (f"{FAR}2", 0))
        while self._echo.recv(100)[4:8] != asked:
            continue
        return time.perf_counter() - began

    def trips(self, pause_s: float) -> float:
        """Return the median of round trips with pauses between them, in seconds."""
        times = []
        for _ in range(TRIPS[pause_s]):
            time.sleep(pause_s)
            times.append(self.trip())
        return median(times)


def echo_socket() -> socket.socket:
    """Return a socket for echo requests that hears their replies only, in the namespace that the thread is in."""
    made = socket.socket(socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    blocked = bytearray(b"\xff" * 32)
    blocked[ECHO_REPLY // 32 * 4 : ECHO_REPLY // 32 * 4 + 4] = struct.pack("=I", 0xFFFFFFFF & ~(1 << ECHO_REPLY % 32))
    made.setsockopt(socket.IPPROTO_ICMPV6, ICMP6_FILTER, blocked)
    return made


def main() -> str:
    """Measure and return the report."""
    if os.geteuid() != 0:
        return report(TITLE, ["not measured: namespaces need root"], [])
    Path(DIRECTORY).mkdir(mode=0o755, parents=True, exist_ok=True)
    with ExitStack() as stack:
        ours, kernels = Street(stack, is_kernel=False), Street(stack, is_kernel=True)
        subjects: dict[str, Callable[[], float]] = {}
        for size in SIZES:
            subjects |= {f"{size}": partial(ours.rate, size), f"kernel {size}": partial(kernels.rate, size)}
        for pause_s in TRIPS:
            subjects |= {
                f"{pause_s}": partial(ours.trips, pause_s),
                f"kernel {pause_s}": partial(kernels.trips, pause_s),
            }
        seen = interleaved(subjects, ROUNDS)
    rows = [rate_row(size, seen[f"{size}"], seen[f"kernel {size}"]) for size in SIZES]
    rows += [trip_row(pause_s, seen[f"{pause_s}"], seen[f"kernel {pause_s}"]) for pause_s in TRIPS]
    notes = [
        f"one way, {COUNT:,} packets, none lost; round trips one at a time, in each of which a router forwards twice",
        f"{ROUNDS} interleaved runs",
    ]
    return report(TITLE, notes, rows)


def rate_row(size: int, ours: float, kernels: float) -> Row:
    """Return the line of a packet size."""
    subject = f"forwarded a second, {size} bytes of payload"
    is_met = ours >= RATE_BAR
    return Row(
        subject,
        f"{ours:,.0f}/s",
        "the kernel forwards",
        f"{kernels:,.0f}/s",
        ours / kernels,
        f">= {RATE_BAR:,}/s",
        is_met,
    )


def trip_row(pause_s: float, ours: float, kernels: float) -> Row:
    """Return the line of the round trips with a pause between them; the bar is for those of an idle machine."""
    added, is_idle = ours - kernels, pause_s == IDLE_S
    return Row(
        f"round trip every {pause_s * 1000:g} ms, {microseconds(added)} of it added",
        microseconds(ours),
        "through the kernel",
        microseconds(kernels),
        ours / kernels,
        f"adds <= {microseconds(ADDED_BAR_S)}" if is_idle else "",
        added <= ADDED_BAR_S if is_idle else None,
    )


def microseconds(seconds: float) -> str:
    """Return seconds as microseconds with their unit."""
    return f"{seconds * 1e6:.0f} us"
