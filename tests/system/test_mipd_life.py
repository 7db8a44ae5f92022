"""mipd as a process in a namespace: it begins, serves, reads its file anew, ends, and leaves nothing behind."""

import os
import select
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from system_namespaces import DEADLINE_S, Netns, needs_namespaces

from mipsh.linux import kernel_ipv6, links, privileges
from mipsh.node.mipd import LEAVE_S
from mipsh.status import ExitStatus

pytestmark = [pytest.mark.system, needs_namespaces]

PROGRAM = (sys.executable, "-P", "-m", "mipsh", "--no-config", "mipd", "run")
LEAST_PRIVILEGED = "nobody"
HA_FILE = """
name = "ha"
control = "{folder}/ha.sock"
[[interfaces]]
name = "home0"
addresses = ["2001:db8:1::1/64"]
dad_transmits = 0
[interfaces.advertise]
home_agent = true
[[interfaces]]
name = "foreign0"
addresses = ["2001:db8:2::1/64"]
dad_transmits = 0
[interfaces.advertise]
[home_agent]
"""
MN_FILE = """
name = "mn"
control = "{folder}/mn.sock"
[[interfaces]]
name = "eth0"
dad_transmits = 0
[mobile_node]
[[mobile_node.homes]]
address = "2001:db8:1::100/64"
home_agent = "2001:db8:1::1"
"""


class Daemon:
    """A mipd in a namespace, with what it has logged so far."""

    def __init__(self, netns: Netns, name: str, file: Path, *words: str) -> None:
        self.process = netns.start(name, *PROGRAM, str(file), *words)
        self.logged = ""

    def says(self, text: str, after: int = 0) -> str:
        """Wait until a line with a text is logged behind a place of the log; return the line."""
        until = time.monotonic() + DEADLINE_S
        while text not in self.logged[after:]:
            assert self.process.stdout is not None
            pipe = self.process.stdout.fileno()
            ready, _, _ = select.select([pipe], [], [], max(0.0, until - time.monotonic()))
            data = os.read(pipe, 65536).decode() if ready else ""
            assert data, f"'{text}' is not in: {self.logged}"
            self.logged += data
        return next(line for line in self.logged[after:].splitlines() if text in line)

    def ends(self) -> int:
        """Wait until it has ended; return its exit status."""
        rest, _ = self.process.communicate(timeout=DEADLINE_S)
        self.logged += rest
        return self.process.returncode

    def told(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)


class Ground:
    """A home agent's namespace with a home and a foreign link, and a mobile node's on the foreign one."""

    def __init__(self, netns: Netns, folder: Path) -> None:
        self.netns = netns
        self.sockets = folder / "run"
        self.folder = folder
        netns.cable(("ha", "home0"), ("home", "home1"))
        netns.cable(("ha", "foreign0"), ("mn", "eth0"))
        self.files = {name: self.write(name, text) for name, text in (("ha", HA_FILE), ("mn", MN_FILE))}

    def write(self, name: str, text: str) -> Path:
        """Write a node's file, in place of the one before."""
        path = self.folder / f"{name}.toml"
        path.write_text(text.format(folder=self.sockets), encoding="utf-8")
        return path

    def start(self, name: str, *words: str) -> Daemon:
        """Start a node."""
        return Daemon(self.netns, name, self.files[name], *words)

    def registered(self) -> tuple[Daemon, Daemon]:
        """Start both, and wait until the mobile node is registered."""
        ha = self.start("ha")
        ha.says("started")
        mn = self.start("mn")
        mn.says("mip6MnRegistered")
        return ha, mn

    def interfaces(self, name: str) -> list[str]:
        """Return the interfaces in a namespace."""
        return sorted(self.netns.inside(name, links.names))

    def kernel(self, name: str, interface: str) -> kernel_ipv6.Before:
        """Return what the kernel's IPv6 has on an interface."""
        return self.netns.inside(name, lambda: kernel_ipv6.look(interface))


@pytest.fixture
def folder() -> Iterator[Path]:
    """Make a folder that every user may enter."""
    with tempfile.TemporaryDirectory(prefix="mipsh-test-") as made:
        Path(made).chmod(0o755)
        yield Path(made)


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """Make the namespaces and files."""
    with Netns("ha", "home", "mn") as netns:
        yield Ground(netns, tmp_path)


def capabilities(pid: int) -> dict[str, str]:
    """Return what the kernel says about the rights of a process."""
    lines = Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    return {name: " ".join(value.split()) for name, _, value in (line.partition(":") for line in lines)}


def test_a_mobile_node_from_its_beginning_to_its_end(ground: Ground) -> None:
    """It registers, programs use its home address, it deregisters, and the interface is the kernel's again."""
    ha, mn = ground.registered()
    assert ground.interfaces("mn") == ["eth0", "lo", "mip0"]
    assert ground.kernel("mn", "eth0").is_disabled
    ground.netns.run("mn", sys.executable, "-c", CONNECT)
    assert "control=" in mn.says("started")
    assert {path.name: path.stat().st_mode & 0o777 for path in ground.sockets.iterdir()} == {
        name: 0o600 for name in ("ha.kept", "ha.sock", "mn.kept", "mn.sock")
    }
    began = time.monotonic()
    mn.told(signal.SIGTERM)
    assert mn.ends() == ExitStatus.OK
    assert time.monotonic() - began < 2
    assert "signal=SIGTERM" in mn.says("stopping")
    mn.says("stopped")
    assert "notDeregistered" not in mn.logged
    assert "home_address=2001:db8:1::100" in ha.says("mip6MnDeRegistered")
    assert ground.interfaces("mn") == ["eth0", "lo"]
    assert not ground.kernel("mn", "eth0").is_disabled
    ha.told(signal.SIGINT)
    assert ha.ends() == ExitStatus.OK
    assert list(ground.sockets.iterdir()) == []


CONNECT = """
import socket
with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as used:
    used.connect(("2001:db8:1::1", 9))
    assert used.getsockname()[0] == "2001:db8:1::100", used.getsockname()
"""


def test_nothing_but_two_capabilities_is_kept(ground: Ground) -> None:
    """Whoever starts it: no other right, none by what it would run, and no way to more."""
    ha = ground.start("ha")
    ha.says("started")
    found = capabilities(ha.process.pid)
    both = f"{privileges.KEPT:016x}"
    assert (found["CapPrm"], found["CapEff"], found["CapBnd"]) == (both, both, both)
    assert (found["CapInh"], found["CapAmb"], found["NoNewPrivs"]) == ("0" * 16, "0" * 16, "1")


def test_it_runs_as_another_user(ground: Ground, folder: Path) -> None:
    """Its files are in a folder of that user; all of them are gone in the end."""
    ground.sockets = folder / "run"
    user = privileges.user_id(LEAST_PRIVILEGED)
    ground.write("ha", HA_FILE.replace("[[", f'user = "{LEAST_PRIVILEGED}"\n[[', 1))
    for _ in range(2):
        ha = ground.start("ha")
        ha.says("started")
        assert capabilities(ha.process.pid)["Uid"].split() == [str(user)] * 4
        assert capabilities(ha.process.pid)["Groups"] == ""
        assert (ground.sockets.stat().st_uid, (ground.sockets / "ha.sock").stat().st_uid) == (user, user)
        ha.told(signal.SIGTERM)
        assert ha.ends() == ExitStatus.OK
        assert "warning" not in ha.logged
        assert list(ground.sockets.iterdir()) == []
        assert not ground.kernel("ha", "foreign0").is_disabled


def test_a_folder_of_others_is_not_handed_over(ground: Ground) -> None:
    """Another node's files are there."""
    mn = ground.start("mn")
    mn.says("started")
    ground.write("ha", HA_FILE.replace("[[", f'user = "{LEAST_PRIVILEGED}"\n[[', 1))
    ha = ground.start("ha")
    assert ha.ends() == ExitStatus.REFUSED
    assert "holds files of others" in ha.logged


def test_a_file_that_is_read_anew(ground: Ground) -> None:
    """What it says is taken, or needs a restart; one that is wrong changes nothing."""
    _, mn = ground.registered()
    ground.write("mn", MN_FILE.replace("[mobile_node]", "[mobile_node]\noptimise = false").replace('"mn"', '"m"', 1))
    mn.told(signal.SIGHUP)
    assert "applied=mobile_node.optimise needs_restart=name" in mn.says("reloaded")
    ground.write("mn", "name = ")
    mn.told(signal.SIGHUP)
    assert "mn.toml:1" in mn.says("notReloaded")
    ground.write("mn", MN_FILE.replace('home_agent = "2001:db8:1::1"', 'home_agent = "x"'))
    mn.told(signal.SIGHUP)
    assert "homes[0].home_agent" in mn.says("homes[0].home_agent")
    ground.netns.run("mn", sys.executable, "-c", CONNECT)


def test_a_home_agent_that_is_gone_is_not_waited_for_long(ground: Ground) -> None:
    """The mobile node ends after two seconds, and says that nobody knows; a second signal ends it at once."""
    ha, mn = ground.registered()
    ha.process.kill()
    ha.ends()
    began = time.monotonic()
    mn.told(signal.SIGTERM)
    assert mn.ends() == ExitStatus.OK
    assert LEAVE_S - 0.5 < time.monotonic() - began < LEAVE_S + 2
    mn.says("notDeregistered")
    ha, mn = ground.registered()
    ha.process.kill()
    ha.ends()
    began = time.monotonic()
    mn.told(signal.SIGTERM)
    mn.says("stopping")
    mn.told(signal.SIGTERM)
    assert mn.ends() == ExitStatus.OK
    assert time.monotonic() - began < LEAVE_S - 0.5


def test_what_was_killed_starts_anew(ground: Ground) -> None:
    """What it left is replaced, and the interface is the kernel's in the end as it was before."""
    _, mn = ground.registered()
    mn.told(signal.SIGKILL)
    assert mn.ends() == -signal.SIGKILL
    assert ground.interfaces("mn") == ["eth0", "lo"]
    assert ground.kernel("mn", "eth0").is_disabled
    mn = ground.start("mn")
    mn.says("mip6MnRegistered")
    mn.told(signal.SIGTERM)
    assert mn.ends() == ExitStatus.OK
    assert not ground.kernel("mn", "eth0").is_disabled
    assert {path.name for path in ground.sockets.iterdir()} == {"ha.kept", "ha.sock"}


def test_two_of_a_name_cannot_run(ground: Ground) -> None:
    """The second one is refused, and takes nothing from the first."""
    ha, mn = ground.registered()
    second = ground.start("mn")
    assert second.ends() == ExitStatus.REFUSED
    assert "the node 'mn' runs already" in second.logged
    assert ground.kernel("mn", "eth0").is_disabled
    assert {path.name for path in ground.sockets.iterdir()} == {"ha.kept", "ha.sock", "mn.kept", "mn.sock"}
    mn.told(signal.SIGTERM)
    assert mn.ends() == ExitStatus.OK
    assert not ground.kernel("mn", "eth0").is_disabled
    ha.told(signal.SIGTERM)
    assert ha.ends() == ExitStatus.OK


def test_mip6d_clients_may_ask(ground: Ground) -> None:
    """Where a port is wanted, its greeting is there."""
    ground.netns.inside("ha", lambda: links.set_up("lo"))
    ha = ground.start("ha", "--vt", "7777")
    ha.says("started")

    def greeting() -> bytes:
        with socket.create_connection(("::1", 7777), DEADLINE_S) as client:
            return client.recv(7)

    assert ground.netns.inside("ha", greeting) == b"mip6d> "


CN_FILE = 'NodeConfig CN;\nInterface "eth0";\n'
ECHO = """
import socket, sys
with socket.create_server(("2001:db8:2::5", 7000), family=socket.AF_INET6) as server:
    print("listening", flush=True)
    connection, peer = server.accept()
    connection.sendall(peer[0].encode())
"""
ASK = """
import socket
with socket.create_connection(("2001:db8:2::5", 7000), 10) as client:
    print(client.recv(64).decode())
"""


def test_addresses_and_routes_of_the_kernel_are_adopted_and_given_back(ground: Ground) -> None:
    """A correspondent node by mip6d.conf is reached as before, after it was killed too."""
    ground.netns.host("mn", "eth0", "2001:db8:2::5/64", "2001:db8:2::1")
    ground.netns.host("ha", "foreign0", "2001:db8:2::1/64")
    before = ground.kernel("mn", "eth0")
    assert len(before.addresses) == len(before.routes) == 1
    ground.files["mn"] = ground.folder / "cn.conf"
    ground.files["mn"].write_text(CN_FILE, encoding="utf-8")
    runtime = {"XDG_RUNTIME_DIR": str(ground.folder), "PATH": os.environ["PATH"]}
    for number in (signal.SIGKILL, signal.SIGTERM):
        process = ground.netns.start("mn", *PROGRAM, str(ground.files["mn"]), variables=runtime)
        daemon = Daemon.__new__(Daemon)
        daemon.process, daemon.logged = process, ""
        daemon.says("addressAdded address=2001:db8:2::5")
        server = ground.netns.python("mn", ECHO)
        assert server.stdout is not None
        assert server.stdout.readline() == "listening\n"
        assert ground.netns.run("ha", sys.executable, "-c", ASK) == "2001:db8:2::1\n"
        server.communicate(timeout=DEADLINE_S)
        daemon.told(number)
        daemon.ends()
    assert ground.kernel("mn", "eth0") == before
    assert list((ground.folder / "mipsh").iterdir()) == []


@pytest.mark.parametrize(
    ("text", "status", "message"),
    [
        (MN_FILE.replace("eth0", "eth7"), ExitStatus.USAGE, "eth7"),
        (MN_FILE.replace("[[", 'user = "no-such-user"\n[[', 1), ExitStatus.USAGE, "there is no user 'no-such-user'"),
        (MN_FILE.replace('"{folder}/mn.sock"', '"/proc/x/mn.sock"'), ExitStatus.USAGE, "/proc/x"),
        (
            MN_FILE.replace('"eth0"', '"eth0"\nadopts = true').partition("[mobile_node]")[0]
            + "[interfaces.advertise]\nhome_agent = true\n[home_agent]",
            ExitStatus.USAGE,
            "home_agent.links",
        ),
    ],
)
def test_what_cannot_begin_says_why_and_leaves_nothing(
    ground: Ground, text: str, status: ExitStatus, message: str
) -> None:
    """The interface is as before."""
    ground.write("mn", text)
    mn = ground.start("mn")
    assert (mn.ends(), message in mn.logged) == (status, True), mn.logged
    assert ground.interfaces("mn") == ["eth0", "lo"]
    assert not ground.kernel("mn", "eth0").is_disabled
    assert not ground.sockets.exists() or list(ground.sockets.iterdir()) == []


UNPRIVILEGED = """
import os, sys
from mipsh.errors import RefusedError
from mipsh.node.mipd import refuse_without_privileges
refuse_without_privileges()
user = int(sys.argv[1])
os.setresuid(user, user, user)
try:
    refuse_without_privileges()
except RefusedError as error:
    print(error.status.value, error.message)
"""


def test_without_privileges_it_says_what_is_missing(ground: Ground) -> None:
    """By the names that the kernel has for them."""
    user = privileges.user_id(LEAST_PRIVILEGED)
    said = ground.netns.run("mn", sys.executable, "-c", UNPRIVILEGED, str(user))
    assert said == f"{ExitStatus.REFUSED.value} mipd needs CAP_NET_ADMIN and CAP_NET_RAW\n"
