"""Labs of real namespaces for the scenarios of Mobile IPv6: built, moved in, asked, listened to, and removed.

What has to come is waited for with a deadline, by looking again whenever a node tells of something.
"""

import re
import selectors
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from itertools import pairwise
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import msgspec
import pytest
from lab_grounds import new_name, silent
from msgspec import structs

from mipsh.lab import access, namespaces
from mipsh.lab.asking import ask
from mipsh.lab.existing import Existing, ground_of, place_of
from mipsh.lab.plan import PlannedNode, link_of, plan
from mipsh.lab.state import Impairment, Kind, NodeState
from mipsh.linux import lab_links, processes
from mipsh.linux.tap import Tap
from mipsh.node.config import MobileNodeConfig, NodeConfig
from mipsh.wire.packet import Packet, decode

HOME_AGENT, CORRESPONDENT = "2001:db8:1::1", "2001:db8:4::2"
LOOK_S, LONGEST_S = 0.05, 15.0
GAP_S = 0.05
ETHERNET_SIZE, ETHERTYPE = 14, slice(12, 14)
IPV6 = b"\x86\xdd"
REPLY = re.compile(r"^\[(\d+\.\d+)\] \d+ bytes from .*icmp_seq=(\d+) .*time=([\d.]+) ms", re.MULTILINE)
SUMMARY = re.compile(r"(\d+) packets transmitted, (\d+) received")
Change = Callable[[PlannedNode], NodeConfig]
Row = dict[str, Any]
Answer = TypeVar("Answer")


def needs(*tools: str) -> None:
    """Skip a test where one of these programs is not installed."""
    for tool in tools:
        if shutil.which(tool) is None:
            pytest.skip(f"{tool} is not installed")


def as_planned(node: PlannedNode) -> NodeConfig:
    """Change nothing."""
    return node.config


def mobile(config: NodeConfig, **changes: Any) -> NodeConfig:
    """Return a mobile node's configuration with other settings of its mobile node's part."""
    found = config.mobile_node
    assert isinstance(found, MobileNodeConfig)
    return structs.replace(config, mobile_node=structs.replace(found, **changes))


class Bells:
    """The nodes' events, of which only that they came is of interest here."""

    def __init__(self) -> None:
        self._selector = selectors.DefaultSelector()

    def hear(self, control: str) -> None:
        """Listen to a node from now on."""
        bell = socket.socket(socket.AF_UNIX)
        try:
            bell.connect(control)
            bell.sendall(msgspec.json.encode({"jsonrpc": "2.0", "id": 1, "method": "subscribe"}) + b"\n")
        except OSError:
            bell.close()
            return
        bell.setblocking(False)
        self._selector.register(bell, selectors.EVENT_READ)

    def wait(self, longest_s: float) -> None:
        """Wait until something happens anywhere, or for so long."""
        for key, _ in self._selector.select(longest_s):
            bell = key.fileobj
            assert isinstance(bell, socket.socket)
            data = b""
            with suppress(OSError):
                data = bell.recv(1 << 16)
            if not data:
                self._selector.unregister(bell)
                bell.close()

    def close(self) -> None:
        """Hear no more."""
        for key in list(self._selector.get_map().values()):
            assert isinstance(key.fileobj, socket.socket)
            key.fileobj.close()
        self._selector.close()


class Echoed(NamedTuple):
    """What a run of ping found: how many requests and answers, the longest silence, and the round trips."""

    sent: int
    received: int
    gap_s: float
    rtts_ms: list[float]

    @property
    def lost(self) -> int:
        """How many requests were not answered."""
        return self.sent - self.received


class Echoes:
    """An iputils ping that runs; its times are those of the answers."""

    def __init__(self, lab: "Scenario", process: subprocess.Popen[bytes], path: Path) -> None:
        self._lab, self._process, self._path = lab, process, path

    @property
    def text(self) -> str:
        """What it has printed until now."""
        return self._path.read_text(encoding="utf-8")

    def answered(self) -> int:
        """Return how many answers there were until now."""
        return len(REPLY.findall(self.text))

    def await_answers(self, more: int) -> None:
        """Wait for so many more answers."""
        wanted = self.answered() + more
        self._lab.until(lambda: self.answered() >= wanted, f"{wanted} answers")

    def end(self) -> Echoed:
        """Let it end, when it has begun, and return what it found."""
        self._lab.until(lambda: "icmp_seq" in self.text or "PING" in self.text, "beginning of a ping")
        self._process.send_signal(signal.SIGINT)
        return self.ended()

    def ended(self) -> Echoed:
        """Wait for its end and return what it found."""
        self._process.wait(LONGEST_S)
        summary = SUMMARY.search(self.text)
        assert summary is not None, self.text
        found = REPLY.findall(self.text)
        times = [float(at) for at, _, _ in found]
        gap = max((after - before for before, after in pairwise(times)), default=0.0)
        return Echoed(int(summary[1]), int(summary[2]), gap, [float(rtt) for _, _, rtt in found])


class Scenario:
    """A lab that is there, and what runs in it."""

    def __init__(self, lab: Existing, variables: dict[str, str], folder: Path, stack: ExitStack) -> None:
        self.ground, self.state = lab.ground, lab.state
        self.variables = variables
        self.folder = folder
        self._stack = stack
        self._bells = Bells()
        stack.callback(self._bells.close)
        for node in self.state.nodes.values():
            self._bells.hear(node.control)
        self._files = 0

    # What its nodes say.

    def node(self, name: str) -> NodeState:
        """Return a node."""
        return self.state.node(name)

    def home_address(self, name: str) -> str:
        """Return a mobile node's home address."""
        found = self.node(name).home_address
        assert found is not None
        return found

    def ask(self, name: str, method: str, **params: Any) -> Any:
        """Return what a node answers on its control socket."""
        return ask(self.node(name).control, method, params)

    def rows(self, name: str, table: str) -> list[Row]:
        """Return a table of a node, which is short."""
        found = self.ask(name, table)
        assert not found["more"]
        return list(found["rows"])

    def peers(self, name: str) -> dict[str, Row]:
        """Return a mobile node's Binding Update List by peer."""
        return {row["peer_address"]: row for row in self.rows(name, "binding_update_list")}

    def bindings(self, name: str) -> dict[str, Row]:
        """Return a node's Binding Cache by home address."""
        return {row["home_address"]: row for row in self.rows(name, "binding_cache")}

    def care_of_address(self, name: str) -> str | None:
        """Return the address that the home agent has for a mobile node; None where there is none."""
        row = self.bindings("ha").get(self.home_address(name), {})
        return row.get("care_of_address") if row.get("status") == "registered" else None

    # What is waited for.

    def until(self, is_so: Callable[[], bool], what: str, longest_s: float = LONGEST_S) -> float:
        """Wait until something is so and return how long that took."""
        began = time.monotonic()
        while not is_so():
            assert time.monotonic() < began + longest_s, f"no {what} within {longest_s:g} s"
            self._bells.wait(LOOK_S)
        return time.monotonic() - began

    def is_registered(self, name: str) -> bool:
        """Tell whether a mobile node and its home agent agree that it is where it is."""
        care_of = self.care_of_address(name)
        row = self.peers(name).get(HOME_AGENT, {})
        (link,) = self.node(name).links.values()
        return (
            care_of is not None
            and link_of(care_of) == link
            and (row.get("state"), row.get("care_of_address")) == ("bound", care_of)
        )

    def await_registered(self, name: str = "mn", longest_s: float = LONGEST_S) -> float:
        """Wait until a mobile node is registered from where it is."""
        return self.until(lambda: self.is_registered(name), f"registration of {name}", longest_s)

    def is_at_home(self, name: str) -> bool:
        """Tell whether a mobile node and its home agent agree that it is at home."""
        return self.care_of_address(name) is None and HOME_AGENT not in self.peers(name)

    def await_home(self, name: str = "mn") -> float:
        """Wait until a mobile node is at home."""
        return self.until(lambda: self.is_at_home(name), f"{name} at home")

    def is_direct(self, name: str, peer: str = "cn") -> bool:
        """Tell whether the route from a peer to a mobile node is optimised, and both know it."""
        address = self.node(peer).home_address or CORRESPONDENT
        care_of = self.care_of_address(name)
        row, cached = self.peers(name).get(address, {}), self.bindings(peer).get(self.home_address(name), {})
        known = row.get("care_of_address"), row.get("state"), cached.get("care_of_address")
        return care_of is not None and known == (care_of, "bound", care_of)

    def await_direct(self, name: str = "mn", peer: str = "cn", longest_s: float = LONGEST_S) -> float:
        """Wait until it is optimised, which takes traffic."""
        return self.until(lambda: self.is_direct(name, peer), f"route from {peer} to {name}", longest_s)

    # What happens to it.

    def move(self, name: str, link: str, gap_s: float = GAP_S) -> None:
        """Move a mobile node to a link."""
        namespaces.move(self.ground, self.state, name, link, gap_s)

    def settle(self, name: str, link: str) -> None:
        """Bring a mobile node to a link, if it is not there, and wait until it is registered or at home."""
        if set(self.node(name).links.values()) != {link}:
            self.move(name, link)
        if link == "home":
            self.await_home(name)
        else:
            self.await_registered(name)

    def unbind(self, *names: str) -> None:
        """Bring mobile nodes to the first foreign link, registered, and let nobody have another binding of them."""
        for name in names:
            self.settle(name, "foreign1")
            self.ask(name, "flush", table="binding_update_list")
        for name in ("cn", *names):
            self.ask(name, "flush", table="binding_cache")
        self.until(lambda: all(self.is_registered(name) for name in names), "registrations")

    def impair(self, link: str, loss: float) -> None:
        """Let a link lose that share of its frames."""
        namespaces.impair(self.ground, self.state, link, Impairment(loss=loss))

    def kill(self, name: str) -> None:
        """Let a node break down."""
        namespaces.stop(self.ground, self.state, name)

    def start(self, name: str) -> None:
        """Let a node begin anew, with nothing in its tables."""
        namespaces.restart(self.ground, self.state, name, self.variables)
        self._bells.hear(self.node(name).control)

    def is_alive(self) -> bool:
        """Tell whether all nodes run."""
        found = [node.process for node in self.state.nodes.values()]
        return all(process is not None and processes.is_alive(process) for process in found)

    # What runs in it.

    def inside(self, name: str, work: Callable[[], Answer]) -> Answer:
        """Do something in a node's namespace."""
        return lab_links.inside(self.node(name).namespace, work)

    def file(self, name: str) -> Path:
        """Return the path of a file of its own."""
        self._files += 1
        return self.folder / f"{self._files}-{name}"

    def _spawn(self, path: str, words: Iterable[str], output: Path) -> subprocess.Popen[bytes]:
        def spawn() -> subprocess.Popen[bytes]:
            with output.open("wb") as file:
                return subprocess.Popen(
                    list(words), stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT, env=self.variables
                )

        process = lab_links.inside(path, spawn)
        self._stack.callback(_end, process)
        return process

    def spawn(self, name: str, *words: str) -> tuple[subprocess.Popen[bytes], Path]:
        """Start a program in a node's namespace; return it with the file that has what it prints."""
        output = self.file("output")
        return self._spawn(self.node(name).namespace, words, output), output

    def run(self, name: str, *words: str) -> tuple[int, str]:
        """Run a program in a node's namespace to its end; return its exit status and what it printed."""
        process, output = self.spawn(name, *words)
        status = process.wait(2 * LONGEST_S)
        return status, output.read_text(encoding="utf-8")

    def mipsh(self, name: str, *words: str) -> list[Row]:
        """Run mipsh in a node's namespace; return the data of its document."""
        status, printed = self.run(name, sys.executable, "-m", "mipsh", "--no-config", *words, "--json")
        assert status == 0, printed
        return list(msgspec.json.decode(printed)["data"])

    def iperf3(self, name: str, *words: str) -> Row:
        """Run iperf3 from a node to the correspondent; return what it says in the end."""
        needs("iperf3")
        _, output = self.spawn("cn", "iperf3", "-s", "-1", "--forceflush")
        self.until(partial(_has, output, b"listening"), "iperf3")
        status, printed = self.run(name, "iperf3", "-c", CORRESPONDENT, "-J", *words)
        assert status == 0, printed
        found = msgspec.json.decode(printed)["end"]
        assert isinstance(found, dict)
        return found

    def pinging(
        self, name: str, to: str, *, every_s: float = 0.01, count: int = 0, words: Iterable[str] = ()
    ) -> Echoes:
        """Start a ping."""
        needs("ping")
        counted = ("-c", str(count)) if count else ()
        process, output = self.spawn(name, "ping", "-n", "-D", "-i", str(every_s), *counted, "-W", "2", *words, to)
        return Echoes(self, process, output)

    def ping(self, name: str, to: str, *words: str, count: int = 5) -> Echoed:
        """Ping and return what was found."""
        return self.pinging(name, to, count=count, every_s=0.02, words=words).ended()

    # What is on its links.

    @contextmanager
    def heard(self, link: str) -> Iterator[list[Packet]]:
        """Listen to a link; what was there is in the list in the end."""
        packets: list[Packet] = []
        with lab_links.inside(self.state.links_namespace, lambda: Tap(link)) as tap:
            yield packets
            frames = [frame for _, frame in tap.frames(0.0)]
        decoded = [decode(frame[ETHERNET_SIZE:]) for frame in frames if frame[ETHERTYPE] == IPV6]
        packets += [packet for packet in decoded if isinstance(packet, Packet)]

    @contextmanager
    def dumped(self) -> Iterator[dict[str, Path]]:
        """Let tcpdump write what is on each link into a file; the files are whole in the end."""
        needs("tcpdump")
        files = {link: self.file(f"{link}.pcap") for link in self.state.links}
        running = []
        for link, path in files.items():
            said = self.file("tcpdump")
            words = "tcpdump", "-Z", "root", "--immediate-mode", "-B", "8192", "-w", str(path), "-i", link
            running.append((self._spawn(self.state.links_namespace, words, said), said))
        for _, said in running:
            self.until(partial(_has, said, b"listening"), "tcpdump")
        yield files
        for process, _ in running:
            process.send_signal(signal.SIGINT)
            process.wait(LONGEST_S)


def _has(path: Path, words: bytes) -> bool:
    return words in path.read_bytes()


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


def frames_that(path: Path, words: str, *options: str) -> list[str]:
    """Return the lines that tshark prints of the frames of a file that meet a filter."""
    needs("tshark")
    argv = ["tshark", "-r", str(path), *options, "-Y", words]
    done = subprocess.run(argv, capture_output=True, check=False, timeout=120, text=True)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@contextmanager
def scenario(change: Change = as_planned, *, mobile_nodes: int = 1, start: str = "foreign1") -> Iterator[Scenario]:
    """Build a lab, each node's configuration changed first, and yield it with its mobile nodes registered."""
    with tempfile.TemporaryDirectory(prefix="mipsh-") as name, ExitStack() as stack:
        folder = Path(name)
        runtime = folder / "run"
        runtime.mkdir(mode=0o700)
        variables = {
            "HOME": name,
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "LC_ALL": "C.UTF-8",
            "XDG_RUNTIME_DIR": str(runtime),
        }
        place = place_of(variables, new_name())
        planned = plan(place.name, mobile_nodes, start=start)
        nodes = tuple(structs.replace(node, config=change(node)) for node in planned.nodes)
        stack.callback(access.tear_down, place, silent)
        state = access.build(place, structs.replace(planned, nodes=nodes), Kind.ROOT, variables, silent)
        found = Scenario(Existing(ground_of(place, Kind.ROOT), state), variables, folder, stack)
        for node in state.nodes.values():
            if node.role == "mn":
                found.settle(node.name, start)
        yield found
