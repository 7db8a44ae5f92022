"""Network namespaces for tests: with names of their own, joined by cables, and always removed.

A namespace is a plain kernel, until a node of mipsh runs in it. Tests run functions and programs
inside.
"""

import os
import queue
import secrets
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack, suppress
from functools import partial
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import pytest

from mipsh.linux import lab_links, links
from mipsh.linux.namespaces import DIRECTORY
from mipsh.linux.packet_socket import PacketSocket
from mipsh.linux.tun import Tun
from mipsh.mobility.effects import AddressAdded, Effect
from mipsh.mobility.host.interface import Interface
from mipsh.mobility.host.parameters import InterfaceParameters
from mipsh.mobility.node import Node
from mipsh.mobility.roles import NodeParameters
from mipsh.node.driver import Driver
from mipsh.wire.address import is_link_local, parse

Answer = TypeVar("Answer")
DEADLINE_S = 20.0
NO_DETECTION = 0x02
RTF_LOCAL = 0x80000000

needs_namespaces = pytest.mark.skipif(
    os.geteuid() != 0 or not Path("/dev/net/tun").exists(), reason="namespaces and TUN need root and /dev/net/tun"
)


def needs(tool: str) -> None:
    """Skip a test where a program is not installed."""
    if shutil.which(tool) is None:
        pytest.skip(f"{tool} is not installed")


class Netns:
    """Namespaces by the names that a test gives them; all of them end with the block, and what runs in them."""

    def __init__(self, *names: str) -> None:
        self._prefix = f"mipsh-test-{secrets.token_hex(4)}"
        self._names = names
        self._processes: list[subprocess.Popen[str]] = []

    def __enter__(self) -> Self:
        """Make the namespaces."""
        Path(DIRECTORY).mkdir(mode=0o755, parents=True, exist_ok=True)
        with ExitStack() as undoing:
            undoing.callback(self._remove)
            for name in self._names:
                lab_links.make_namespace(self.path(name))
            undoing.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Remove them."""
        self._remove()

    def _remove(self) -> None:
        """End what runs there, then remove the namespaces: all of them, even if something goes wrong with one."""
        with ExitStack() as stack:
            for name in self._names:
                stack.callback(lab_links.remove_namespace, self.path(name))
            for process in self._processes:
                stack.callback(_end, process)

    def full_name(self, name: str) -> str:
        """Return a namespace's name on the machine."""
        return f"{self._prefix}-{name}"

    def path(self, name: str) -> str:
        """Return the path of a namespace."""
        return f"{DIRECTORY}/{self.full_name(name)}"

    def inside(self, name: str, work: Callable[[], Answer]) -> Answer:
        """Do something in a namespace, in a thread of its own, and return what comes of it."""
        return lab_links.inside(self.path(name), work)

    def start(self, name: str, *words: str, variables: Mapping[str, str] | None = None) -> subprocess.Popen[str]:
        """Start a program in a namespace, its output to be read; it is killed in the end."""

        def spawn() -> subprocess.Popen[str]:
            return subprocess.Popen(
                words,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                env=None if variables is None else dict(variables),
                text=True,
            )

        process = self.inside(name, spawn)
        self._processes.append(process)
        return process

    def run(self, name: str, *words: str) -> str:
        """Run a program in a namespace to its end, which must be a good one, and return its output."""
        process = self.start(name, *words)
        output, _ = process.communicate(timeout=DEADLINE_S)
        assert process.returncode == 0, output
        return output

    def python(self, name: str, program: str, *words: str) -> subprocess.Popen[str]:
        """Start a Python program in a namespace."""
        return self.start(name, sys.executable, "-c", program, *words)

    def cable(self, one: tuple[str, str], other: tuple[str, str]) -> None:
        """Join two namespaces by a cable: of each end, the namespace and the interface."""
        links.add_pair((self.path(one[0]), one[1]), (self.path(other[0]), other[1]))
        for name, interface in (one, other):
            self.inside(name, partial(links.set_up, interface))

    def host(self, name: str, interface: str, address: str, router: str | None = None) -> None:
        """Let the kernel of a namespace have an address/length on an interface, and a default router."""

        def configure() -> None:
            from pyroute2 import IPRoute

            with IPRoute() as kernel:
                (index,) = kernel.link_lookup(ifname=interface)
                place, _, length = address.partition("/")
                kernel.addr("add", index=index, address=place, prefixlen=int(length), flags=NO_DETECTION)
                if router is not None:
                    kernel.route("add", dst="::/0", gateway=router, oif=index)
            await_local_route(parse(place).hex())

        self.inside(name, configure)


def _end(process: subprocess.Popen[str]) -> None:
    process.kill()
    process.wait()
    if process.stdout is not None:
        process.stdout.close()


def await_local_route(address: str) -> None:
    """Wait until the kernel takes packets for an address: it sees to that some time after it has given it."""
    until = time.monotonic() + DEADLINE_S
    while time.monotonic() < until:
        routes = Path("/proc/thread-self/net/ipv6_route").read_text("ascii").splitlines()
        if any(line.startswith(f"{address} 80") and int(line.split()[8], 16) & RTF_LOCAL for line in routes):
            return
    raise TimeoutError(address)


class Running:
    """A node of mipsh in a namespace, in a thread; ``addresses`` are its interfaces', all /64.

    It has its links when it is there: the kernel takes its time to tell of a carrier. ``call`` does
    something with it in its own thread. What went wrong there is raised in the end.
    """

    def __init__(
        self,
        netns: Netns,
        name: str,
        addresses: Mapping[str, str],
        *,
        parameters: NodeParameters | None = None,
        has_programs: bool = True,
    ) -> None:
        self.effects: queue.SimpleQueue[Effect] = queue.SimpleQueue()
        self._calls: queue.SimpleQueue[Callable[[], object]] = queue.SimpleQueue()
        self._failed: list[BaseException] = []
        self._ports, self.tun, self.driver = netns.inside(name, lambda: self._open(addresses, parameters, has_programs))
        self.node = self.driver.node
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self.driver.add_reader(self._bell, self._rung)
        self._has_link = {interface: threading.Event() for interface in addresses}
        self.driver.listeners.append(self._heard)
        self._thread = threading.Thread(target=self._run, args=(addresses,), name=name)
        self._thread.start()
        for link in self.node.interfaces.values():
            self._has_link[link.name].wait(DEADLINE_S)

    def _heard(self, now: float, effect: Effect) -> None:
        """Keep what the driver tells; a link-local address is there when the link is."""
        self.effects.put(effect)
        if isinstance(effect, AddressAdded) and is_link_local(effect.address) and effect.interface is not None:
            self._has_link[effect.interface].set()

    def _open(
        self, names: Iterable[str], parameters: NodeParameters | None, has_programs: bool
    ) -> tuple[dict[str, PacketSocket], Tun | None, Driver]:
        for interface in names:
            links.prepare(interface)
        ports = {interface: PacketSocket(interface) for interface in names}
        how = InterfaceParameters(accepts_advertisements=False, dad_transmits=0)
        interfaces = [Interface(name, port.link_layer, os.urandom, how) for name, port in ports.items()]
        tun = Tun("mip0", 1400) if has_programs else None
        return ports, tun, Driver(Node("node", interfaces, os.urandom, parameters), ports, tun)

    def _run(self, addresses: Mapping[str, str]) -> None:
        try:
            self.driver.start()
            for interface, address in addresses.items():
                self.driver.perform(self.node.add_address(interface, parse(address), 64, time.monotonic()))
            self.driver.run()
        except (OSError, ValueError, LookupError, TypeError, AttributeError) as error:
            self._failed.append(error)

    def _rung(self) -> None:
        os.eventfd_read(self._bell)
        while not self._calls.empty():
            self._calls.get()()

    def call(self, work: Callable[[], Answer]) -> Answer:
        """Do something in the node's thread, and return what comes of it."""
        answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._calls.put(lambda: answers.put(work()))
        os.eventfd_write(self._bell, 1)
        return answers.get(timeout=DEADLINE_S)

    def port(self, interface: str) -> PacketSocket:
        """Return one of its interfaces."""
        return self._ports[interface]

    def await_effect(self, wanted: Effect) -> None:
        """Wait for an effect that others than the driver hear of; those before it are forgotten."""
        until = time.monotonic() + DEADLINE_S
        while self.effects.get(timeout=max(0.0, until - time.monotonic())) != wanted:
            continue

    def __enter__(self) -> Self:
        """Return the node, which runs."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Let it end."""
        self.driver.stop()
        self._thread.join()
        self.driver.close()
        for port in self._ports.values():
            port.close()
        if self.tun is not None:
            self.tun.close()
        with suppress(OSError):
            os.close(self._bell)
        if self._failed:
            raise self._failed[0]
