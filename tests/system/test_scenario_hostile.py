"""What hostile users and hostile neighbours do to nodes that run: nothing that lasts.

Broken frames come by a raw socket onto the mobile node's link: random bytes, and frames of a real handover that
were cut, lengthened, or changed at random.
"""

import os
import random
import socket
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from lab_grounds import needs_root
from scenario import CORRESPONDENT, IPV6, Scenario, scenario

from mipsh.linux import lab_links
from mipsh.linux.tap import Tap
from mipsh.node.protocol import LONGEST_LINE

pytestmark = [pytest.mark.system, needs_root]
NOBODY = 65_534
FRAMES, AT_ONCE = 50_000, 1000
LONGEST_FRAME, SHORTEST_FRAME, ETHERNET_SIZE = 1514, 14, 14
MOST_GROWN_BYTES = 32 << 20
ASKS = """
import contextlib, os, socket, sys
user = int(sys.argv[2])
os.setgroups([])
os.setresgid(user, user, user)
os.setresuid(user, user, user)
connection = socket.socket(socket.AF_UNIX)
connection.settimeout(5)
try:
    connection.connect(sys.argv[1])
except OSError as error:
    print(error.strerror)
else:
    with contextlib.suppress(BrokenPipeError):
        connection.sendall(b'{"jsonrpc": "2.0", "id": 1, "method": "hello"}\\n')
    print(connection.recv(65536).decode())
"""
NONSENSE = (
    b"\n",
    b"not JSON\n",
    b"[]\n",
    b"{}\n",
    b"null\n",
    b"\x00\xff\xfe\n",
    b'{"jsonrpc": "2.0", "id": 1, "method": 7}\n',
    b'{"jsonrpc": "2.0", "id": 1, "method": "nothing"}\n',
    b'{"jsonrpc": "2.0", "id": 1, "method": "set_link", "params": {"interface": "eth0", "up": "perhaps"}}\n',
    b'{"jsonrpc": "2.0", "id": 1, "method": "set_impairment", "params": {"loss": 1e400}}\n',
    b'{"id":' * 10_000 + b"\n",
    b'{"jsonrpc": "2.0", "id": 1, "method": "' + b"x" * LONGEST_LINE + b'"}\n',
)


@pytest.fixture(scope="module")
def lab() -> Iterator[Scenario]:
    """Build the lab of all these tests, its route optimised."""
    with scenario() as built:
        built.ping("mn", CORRESPONDENT)
        built.await_direct("mn")
        yield built


def _control(lab: Scenario, name: str) -> Path:
    return Path(lab.node(name).control)


def _ask_as_nobody(lab: Scenario, name: str) -> str:
    words = [sys.executable, "-I", "-S", "-c", ASKS, str(_control(lab, name)), str(NOBODY)]
    done = subprocess.run(words, capture_output=True, text=True, check=True)
    return done.stdout


def test_files_are_the_users_alone(lab: Scenario) -> None:
    """Sockets, configurations and logs 0600, the folders around them 0700."""
    sockets, folder = lab.ground.place.sockets, lab.ground.place.folder
    for path in (sockets, folder):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700, path
    files = [path for path in (*sockets.iterdir(), *folder.iterdir()) if not path.is_dir()]
    assert len(files) > 10
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


def test_another_user_is_refused(lab: Scenario) -> None:
    """By the folder; by the socket where the folder is open; by the node itself where both are."""
    control = _control(lab, "mn")
    opened = [*control.parents[:-1]][:3]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in (*opened, control)}
    assert "Permission denied" in _ask_as_nobody(lab, "mn")
    try:
        for path in opened:
            path.chmod(0o755)
        assert "Permission denied" in _ask_as_nobody(lab, "mn")
        control.chmod(0o666)
        answer = msgspec.json.decode(_ask_as_nobody(lab, "mn"))
    finally:
        for path, mode in modes.items():
            path.chmod(mode)
    assert answer["error"]["code"] == -32002
    assert "result" not in answer


@pytest.mark.parametrize("name", ["mn", "ha", "cn", "r1"])
def test_nonsense_is_answered_and_does_no_harm(lab: Scenario, name: str) -> None:
    """Each line is refused, those behind it are answered, and the node goes on."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(10)
        connection.connect(str(_control(lab, name)))
        for line in NONSENSE:
            connection.sendall(line)
            assert "error" in msgspec.json.decode(_line(connection)), line[:80]
        connection.sendall(b'{"jsonrpc": "2.0", "id": 2, "method": "hello"}\n')
        assert msgspec.json.decode(_line(connection))["result"]["name"] == name
    with socket.socket(socket.AF_UNIX) as half:
        half.connect(str(_control(lab, name)))
        half.sendall(b'{"jsonrpc": "2.0"')
    assert lab.ask(name, "hello")["engine"] == "mipd"
    assert lab.is_registered("mn")


def _line(connection: socket.socket) -> bytes:
    received = b""
    while not received.endswith(b"\n"):
        data = connection.recv(1 << 16)
        assert data
        received += data
    return received


def _handover_frames(lab: Scenario) -> list[bytes]:
    """Return the frames of a handover to the first foreign link, and of the traffic behind it."""
    lab.settle("mn", "foreign2")
    with lab_links.inside(lab.state.links_namespace, lambda: Tap("foreign1")) as tap:
        lab.settle("mn", "foreign1")
        assert lab.ping("mn", CORRESPONDENT).received > 0
        lab.await_direct("mn")
        lab.ping("mn", CORRESPONDENT, "-s", "4000")
        return [frame for _, frame in tap.frames(0.0) if frame[12:14] == IPV6]


def _broken(chance: random.Random, frames: list[bytes]) -> bytes:
    """Return a frame as no node should send it."""
    found = bytearray(chance.choice(frames))
    kind = chance.randrange(4)
    if kind == 0:
        size = chance.randrange(LONGEST_FRAME - ETHERNET_SIZE)
        return bytes(found[:SHORTEST_FRAME]) + chance.randbytes(size)
    if kind == 1:
        del found[chance.randrange(SHORTEST_FRAME, len(found)) :]
    for _ in range(chance.randrange(1, 6)):
        if len(found) > SHORTEST_FRAME:
            found[chance.randrange(SHORTEST_FRAME, len(found))] = chance.randrange(256)
    if kind == 2:
        found += chance.randbytes(chance.randrange(LONGEST_FRAME - len(found) + 1))
    return bytes(found)


def _resident(lab: Scenario) -> dict[str, int]:
    """Return how many bytes each node holds."""
    found = {}
    for node in lab.state.nodes.values():
        assert node.process is not None
        statm = Path(f"/proc/{node.process.pid}/statm").read_text(encoding="ascii")
        found[node.name] = int(statm.split()[1]) * os.sysconf("SC_PAGE_SIZE")
    return found


def _waiting(lab: Scenario) -> int:
    """Return how many bytes of frames the nodes on the link have not taken yet."""
    found = 0
    for node, _ in lab.state.on("foreign1"):
        assert node.process is not None
        head, *rows = Path(f"/proc/{node.process.pid}/net/packet").read_text(encoding="ascii").splitlines()
        column = head.split().index("Rmem")
        found += sum(int(row.split()[column]) for row in rows)
    return found


def test_broken_frames_do_no_harm(lab: Scenario) -> None:
    """Thousands of them, as fast as the nodes take them; all run, all answer, and the mobile node is reached."""
    frames = _handover_frames(lab)
    chance = random.Random(0)
    before = _resident(lab)
    link = lab_links.inside(lab.state.links_namespace, lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
    with link:
        link.bind(("foreign1", 0))
        for at in range(FRAMES):
            link.send(_broken(chance, frames))
            if at % AT_ONCE == 0:
                lab.until(lambda: _waiting(lab) == 0, "node that has taken all frames")
    assert lab.is_alive()
    grown = {name: size - before[name] for name, size in _resident(lab).items()}
    assert max(grown.values()) < MOST_GROWN_BYTES, grown
    lab.await_registered("mn")
    echoes = lab.pinging("cn", lab.home_address("mn"))
    lab.await_direct("mn")
    echoes.await_answers(20)
    echoes.end()
