"""Nodes of a real Mobile IPv6 kernel, laid out with iproute2 as mip6d lays out its own: a home agent, two mobile
nodes away from home, a correspondent, each in a network namespace, with a router between them.

The topology and the addresses are those of the recordings. There is no daemon: bindings are the kernel's states
and policies alone, and are made and ended by the tests.
"""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

import msgspec
import pytest
from kernel_policies import let_errors_out
from system_namespaces import Netns

from mipsh.linux import links

RESULTS = os.environ.get("MIPSH_ON_KERNEL", "")
on_kernel = pytest.mark.skipif(not RESULTS, reason="it needs a kernel with Mobile IPv6: make test-kernel")

HA, CN, ROUTER = "2001:db8:1::1", "2001:db8:4::2", "2001:db8:1::fe"
TABLE, BINDING_METRIC, ROUTE_METRIC = 252, 192, 128
MH, ICMPV6 = 135, 58
ADVERTISEMENT, SOLICITATION = 136, 135
BU, BA, BE = 5, 6, 7
TUNNEL_FLAGS = 0x9
"""Of a tunnel of mip6d: IP6_TNL_F_MIP6_DEV, and no encapsulation limit (linux/ip6_tunnel.h)."""
LONGEST_S = 60.0
ANY = "::/0"
Row = dict[str, Any]
Shown = dict[str, str]
Laid = dict[str, list[str]]
"""Words after ``ip -6``, by the node."""
KEY = "0x00112233445566778899aabbccddeeff"
ALGORITHMS = f"auth-trunc hmac(sha256) {KEY} 128 enc cbc(aes) {KEY}"


class Mobile(NamedTuple):
    """A mobile node: its namespace, its interface, its home address, and where it is."""

    name: str
    interface: str
    home: str
    care_of: str
    router: str

    @property
    def prefix(self) -> str:
        """The prefix of its link."""
        return self.router.removesuffix("1") + "/64"


MN = Mobile("mn", "mn0", "2001:db8:1::100", "2001:db8:2::a", "2001:db8:2::1")
MN2 = Mobile("mn2", "mn20", "2001:db8:1::200", "2001:db8:3::b", "2001:db8:3::1")
ENDS = {
    "ha": ("ha0", f"{HA}/64", ROUTER),
    "cn": ("cn0", f"{CN}/64", "2001:db8:4::1"),
    MN.name: (MN.interface, f"{MN.care_of}/64", MN.router),
    MN2.name: (MN2.interface, f"{MN2.care_of}/64", MN2.router),
}


def template(protocol: str, source: str = "::", destination: str = "::", mode: str = "ro") -> str:
    """Return the words for an optional template of a policy."""
    return f"tmpl src {source} dst {destination} proto {protocol} mode {mode} level use"


def policy(direction: str, ends: tuple[str, str], priority: int, *templates: str, **more: object) -> str:
    """Return the words after ``ip xfrm policy add``; ``more``: upper, kind (ICMPv6's or MH's), ptype, action."""
    source, destination = (end if "/" in end else f"{end}/128" for end in ends)
    upper = f"proto {more['upper']}" if "upper" in more else ""
    kind = f"type {more['kind']}" if "kind" in more else ""
    rest = f"dir {direction} action {more.get('action', 'allow')} priority {priority} ptype {more.get('ptype', 'sub')}"
    return " ".join(("xfrm policy add", f"src {source} dst {destination}", upper, kind, rest, *templates))


def state(protocol: str, source: str, destination: str, care_of: str) -> str:
    """Return the words after ``ip`` that add a state of a binding."""
    selector = f"sel src {source}/128 dst {destination}/128"
    return f"xfrm state add src {source} dst {destination} proto {protocol} mode ro coa {care_of} {selector}"


def wildcard(protocol: str) -> str:
    """Return the words that add a state that takes whatever comes."""
    return f"xfrm state add src :: dst :: proto {protocol} mode ro flag wildrecv coa :: sel src ::/0 dst ::/0"


def common() -> list[str]:
    """Return what every node has, of whatever role, beside the policy that lets ICMPv6 errors out."""
    return [
        wildcard("hao"),
        policy("in", (ANY, ANY), 9, template("hao"), upper=MH, kind=BU),
        policy("out", (ANY, ANY), 12, upper=ICMPV6, kind=SOLICITATION),
        policy("out", (ANY, ANY), 12, upper=ICMPV6, kind=SOLICITATION, ptype="main"),
        policy("out", (ANY, ANY), 3, upper=ICMPV6, kind=ADVERTISEMENT),
        policy("out", (ANY, ANY), 3, upper=ICMPV6, kind=ADVERTISEMENT, ptype="main"),
        policy("out", (ANY, ANY), 12, upper=MH),
    ]


def mobile(node: Mobile) -> list[str]:
    """Return what a registered mobile node has beside it; its tunnel is there already."""
    home, hao, route2 = node.home, template("hao", node.home, HA), template("route2")
    trigger = template("hao", home, "::", "in_trigger")
    return [
        wildcard("route2"),
        policy("out", (ANY, ANY), 3, upper=MH, kind=BE),
        policy("in", (ANY, ANY), 19, route2),
        policy("out", (home, ANY), 18, trigger),
        policy("in", (HA, home), 2, route2, upper=MH, kind=BA),
        policy("out", (home, HA), 2, hao, upper=MH, kind=BU),
        policy("out", (home, HA), 6, hao),
        policy("in", (HA, home), 6, route2),
        state("hao", home, HA, node.care_of),
        f"addr add {home}/128 dev ip6tnl1 home nodad",
        f"route add default dev ip6tnl1 table {TABLE} proto 16 metric {ROUTE_METRIC}",
        f"rule add from {home} lookup {TABLE} pref 1001",
        f"rule add from {node.prefix} lookup main pref 1002",
        "rule add from fe80::/64 lookup main pref 1002",
        f"rule add from {home} blackhole pref 1003",
    ]


def agent(node: Mobile, tunnel: str) -> list[str]:
    """Return what a home agent has for a binding."""
    return [
        *peer(HA, node),
        f"route add {node.home}/128 dev {tunnel} proto 16 metric {BINDING_METRIC}",
        f"route add {node.home}/128 from {HA}/128 dev ha0 table {TABLE} proto 16 metric {ROUTE_METRIC}",
        f"neigh add proxy {node.home} dev ha0",
    ]


def peer(address: str, node: Mobile) -> list[str]:
    """Return what a node has for a binding in its cache: ways in and out."""
    return [*receiving(address, node), *routing(address, node)]


def receiving(address: str, node: Mobile) -> list[str]:
    """Return what takes packets of a mobile node with its home address in an option."""
    return [
        state("hao", node.home, address, node.care_of),
        policy("in", (node.home, address), 16, template("hao", node.home, address)),
    ]


def routing(address: str, node: Mobile) -> list[str]:
    """Return what sends packets to a mobile node with a routing header."""
    return [
        state("route2", address, node.home, node.care_of),
        policy("out", (address, node.home), 16, template("route2")),
    ]


def bound(node: Mobile, address: str) -> list[str]:
    """Return what a mobile node has for a peer that has its binding."""
    hao, route2 = template("hao", node.home, address), template("route2")
    return [
        state("hao", node.home, address, node.care_of),
        policy("out", (node.home, address), 8, hao, upper=MH, kind=BU),
        policy("in", (address, node.home), 8, route2, upper=MH, kind=BA),
        policy("out", (node.home, address), 15, hao),
        policy("in", (address, node.home), 15, route2),
    ]


def between(node: Mobile, other: Mobile) -> list[str]:
    """Return what a mobile node has for another one, where each has the other's binding."""
    hao, route2 = template("hao", node.home, other.home), template("route2")
    return [
        state("hao", node.home, other.home, node.care_of),
        state("hao", other.home, node.home, other.care_of),
        state("route2", node.home, other.home, other.care_of),
        policy("out", (node.home, other.home), 8, hao, upper=MH, kind=BU),
        policy("in", (other.home, node.home), 8, route2, upper=MH, kind=BA),
        policy("out", (node.home, other.home), 14, route2, hao),
        policy("in", (other.home, node.home), 14, template("hao", other.home, node.home), route2),
    ]


def encrypted(node: Mobile, to: str) -> Laid:
    """Return what encrypts a mobile node's tunnel with the home agent for ICMPv6 with a host, at both ends."""
    ends, there, back = {"upper": ICMPV6, "ptype": "main"}, (node.care_of, HA), (HA, node.care_of)
    states = [
        f"xfrm state add src {source} dst {destination} proto esp spi {spi} mode tunnel {ALGORITHMS}"
        for spi, (source, destination) in ((0x100, there), (0x101, back))
    ]
    out, into = _esp(*there), _esp(*back)
    at_node = [policy("out", (node.home, to), 10, out, **ends), policy("in", (to, node.home), 10, into, **ends)]
    at_agent = [policy("fwd", (node.home, to), 10, out, **ends), policy("out", (to, node.home), 10, into, **ends)]
    return {node.name: [*states, *at_node], "ha": [*states, *at_agent]}


def _esp(source: str, destination: str) -> str:
    return f"tmpl src {source} dst {destination} proto esp mode tunnel"


def block() -> str:
    """Return what keeps all of a mobile node's packets back until its home registration is in force."""
    return policy("out", (ANY, ANY), 4, action="block")


def undone(line: str) -> str:
    """Return the words that take back a state, with one that the kernel may wait for in its place, or a policy.

    Of several "deleteall" in a batch, ip carries out the first alone.
    """
    if line.startswith("xfrm state"):
        words = line.replace(" add ", " deleteall ", 1).split()
        return " ".join(words[: words.index("spi" if "spi" in words else "mode")])
    words = line.replace(" add ", " delete ", 1).split()
    leave_out = {"action": 2, "priority": 2}
    kept = words[: words.index("tmpl")] if "tmpl" in words else words
    for name, count in leave_out.items():
        at = kept.index(name)
        kept = kept[:at] + kept[at + count :]
    return " ".join(kept)


class Nodes:
    """The nodes, registered with the home agent and bound to nobody else, until a test lays out more."""

    def __init__(self, netns: Netns, folder: Path) -> None:
        self.netns, self._folder = netns, folder

    def run(self, name: str, *words: str) -> str:
        """Run a program at a node to its good end; return its output."""
        return self.netns.run(name, *words)

    def ip(self, name: str, lines: Sequence[str]) -> None:
        """Let ``ip`` do what the lines say at a node."""
        batch = self._folder / "batch"
        batch.write_text("".join(f"{line}\n" for line in lines), "utf-8")
        self.netns.run(name, "ip", "-6", "-batch", str(batch))

    @contextmanager
    def laid(self, lines: Laid) -> Iterator[None]:
        """Lay out states and policies at nodes, and take them back."""
        try:
            for name, words in lines.items():
                self.ip(name, words)
            yield
        finally:
            for name, words in lines.items():
                ends = [undone(line) for line in reversed(words)]
                self.ip(name, [line for line in ends if "deleteall" not in line])
                for line in (one for one in ends if "deleteall" in one):
                    self.run(name, "ip", "-6", *line.split())

    @contextmanager
    def optimised(self, node: Mobile = MN) -> Iterator[None]:
        """Let a mobile node and the correspondent be bound."""
        with self.laid({node.name: bound(node, CN), "cn": peer(CN, node)}):
            yield

    def mipsh(self, name: str, *words: str) -> tuple[int, list[Row]]:
        """Run mipsh at a node's kernel; return its status and the rows."""
        argv = sys.executable, "-m", "mipsh", "--no-config", "-q", "-e", "kernel:", *words, "--json"
        done = self.netns.inside(
            name, lambda: subprocess.run(argv, capture_output=True, text=True, check=False, timeout=LONGEST_S)
        )
        assert done.stdout.startswith("{"), done
        sys.stdout.write(done.stderr)
        return done.returncode, list(msgspec.json.decode(done.stdout)["data"])

    @contextmanager
    def dumped(self, name: str, interface: str) -> Iterator[Path]:
        """Let tcpdump write what passes an interface, and keep it with the results; yield the file."""
        folder = Path(RESULTS) / "captures"
        folder.mkdir(exist_ok=True)
        path = folder / f"{self._test()}-{name}.pcap"
        words = "tcpdump", "-i", interface, "-U", "--immediate-mode", "-Z", "root", "-w", str(path), "ip6"
        process = self.netns.start(name, *words)
        assert process.stdout is not None
        assert "listening" in process.stdout.readline()
        try:
            yield path
        finally:
            process.send_signal(signal.SIGINT)
            process.communicate(timeout=LONGEST_S)

    def shown(self, path: Path, *fields: str) -> list[Shown]:
        """Return fields of the packets of a capture as tshark tells them; those that a packet has not are left out."""
        wanted = [word for field in fields for word in ("-e", field)]
        words = "tshark", "-n", "-r", str(path), "-T", "fields", *wanted
        done = subprocess.run(words, capture_output=True, text=True, check=True, timeout=LONGEST_S)
        rows = (line.split("\t") for line in done.stdout.splitlines())
        return [{name: value for name, value in zip(fields, row, strict=True) if value} for row in rows]

    def await_bytes(self, path: Path, wanted: bytes) -> None:
        """Wait until tcpdump has written them into a capture."""
        until = time.monotonic() + LONGEST_S
        while wanted not in path.read_bytes():
            assert time.monotonic() < until, f"{path} has no {wanted.hex()}"
            threading.Event().wait(0.05)

    def counter(self, name: str, word: str) -> int:
        """Return one of a node's counters of XFRM."""
        lines = self.run(name, "cat", "/proc/net/xfrm_stat").splitlines()
        return next(int(line.split()[1]) for line in lines if line.split()[0] == word)

    def interfaces(self, name: str) -> dict[int, str]:
        """Return a node's interfaces by their indices."""
        return dict(self.netns.inside(name, socket.if_nameindex))

    @staticmethod
    def _test() -> str:
        """Return the name of the test that runs, as a file's."""
        return re.sub(r"[^\w.-]+", "-", os.environ.get("PYTEST_CURRENT_TEST", "").rpartition("::")[2].split(" ")[0])

    def tunnel(self, name: str, local: str, remote: str, interface: str = "", number: int = 1) -> None:
        """Make a tunnel as mip6d does, and set it up."""

        def make() -> None:
            from pyroute2 import IPRoute

            with IPRoute() as kernel:
                at = {"ip6tnl_link": kernel.link_lookup(ifname=interface)[0]} if interface else {}
                kernel.link(
                    "add",
                    ifname=f"ip6tnl{number}",
                    kind="ip6tnl",
                    ip6tnl_local=local,
                    ip6tnl_remote=remote,
                    ip6tnl_flags=TUNNEL_FLAGS,
                    ip6tnl_ttl=64,
                    ip6tnl_proto=41,
                    ip6tnl_encap_limit=0,
                    **at,
                )

        self.netns.inside(name, make)
        self.ip(name, [f"link set ip6tnl{number} up"])


@contextmanager
def nodes() -> Iterator[Nodes]:
    """Lay out the nodes, and remove them."""
    with Netns("r1", *ENDS) as netns, TemporaryDirectory() as folder:
        made = Nodes(netns, Path(folder))
        for name, (interface, address, router) in ENDS.items():
            at_router = f"r-{name}"
            netns.cable((name, interface), ("r1", at_router))
            netns.host("r1", at_router, f"{router}/64")
            netns.host(name, interface, address, router)
            netns.inside(name, partial(links.configure, "all", "accept_ra", 0))
        for name in ("r1", "ha"):
            netns.inside(name, partial(links.configure, "all", "forwarding", 1))
        netns.inside("ha", partial(links.configure, "ha0", "proxy_ndp", 1))
        netns.run("ha", "sysctl", "-qw", "net.ipv6.neigh.ha0.proxy_delay=0")
        for name in ENDS:
            netns.inside(name, let_errors_out)
        made.ip("ha", [*common(), f"rule add lookup {TABLE} pref 1005"])
        made.ip("cn", common())
        for number, node in enumerate((MN, MN2), 1):
            made.tunnel("ha", HA, node.care_of, number=number)
            made.ip("ha", agent(node, f"ip6tnl{number}"))
            made.tunnel(node.name, node.care_of, HA, node.interface)
            made.ip(node.name, [*common(), *mobile(node)])
        yield made
