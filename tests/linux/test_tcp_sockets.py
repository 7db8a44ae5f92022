"""The kernel's TCP tables: read from fixed files, and from the running kernel."""

import os
import socket
import sys
from pathlib import Path

import pytest

from mipsh.linux.sockets import ESTABLISHED, LISTEN, clients_of, is_loopback, open_listeners, owner_of, tcp_sockets

# As a little-endian machine prints them: 0100007F is 127.0.0.1, port 1E61 is 7777.
TCP = """\
  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1E61 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 111 1 0 100 0 0 10 0
   1: 00000000:1E61 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 112 1 0 100 0 0 10 0
   2: 0100007F:9C40 0100007F:1E61 01 00000000:00000000 00:00000000 00000000  1000        0 113 1 0 100 0 0 10 0
   3: 0100007F:1E61 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 114 1 0 100 0 0 10 0
   4: 0100007F:9C41 0200007F:1E61 01 00000000:00000000 00:00000000 00000000  1000        0 115 1 0 100 0 0 10 0
   5: 0100007F:9C42 0100007F:1E61 06 00000000:00000000 00:00000000 00000000  1000        0 0 1 0 100 0 0 10 0
   6: 0100007F:1E62 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 116 1 0 100 0 0 10 0
   x: 0100007:1E61 :1E61 0A
   y: :1E61  0A
"""
TCP6 = """\
  sl  local_address                         remote_address                        st tx_queue rx_queue ... inode
   0: 00000000000000000000000000000000:1E61 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 121 1
   1: 00000000000000000000000001000000:9C40 00000000000000000000000001000000:1E61 01 0:0 0:0 0 0 0 122 1
   2: 0000000000000000FFFF00000100007F:9C43 0000000000000000FFFF00000100007F:1E61 01 0:0 0:0 0 0 0 123 1
   3: B80D0120000000000000000001000000:1E61 00000000000000000000000000000000:0000 0A 0:0 0:0 0 0 0 124 1
"""


@pytest.fixture
def tables(tmp_path: Path) -> tuple[str, ...]:
    """Write the fixed tables; a third one is not there."""
    if sys.byteorder != "little":
        pytest.skip("the tables are those of a little-endian machine")
    (tmp_path / "tcp").write_text(TCP)
    (tmp_path / "tcp6").write_text(TCP6)
    return tuple(str(tmp_path / name) for name in ("tcp", "tcp6", "missing"))


def test_sockets_of_a_port_in_a_state_are_found(tables: tuple[str, ...]) -> None:
    """At either end; lines that are no lines are left out, and so is a port that is only alike."""
    listening = [(s.local, s.inode) for s in tcp_sockets(7777, LISTEN, tables)]
    assert listening == [("127.0.0.1", 111), ("0.0.0.0", 112), ("::", 121), ("2001:db8::1", 124)]
    assert [s.inode for s in tcp_sockets(7777, ESTABLISHED, tables)] == [113, 114, 115, 122, 123]
    assert [s.local_port for s in tcp_sockets(7778, LISTEN, tables)] == [7778]
    assert list(tcp_sockets(7779, LISTEN, tables)) == []


def test_listeners_beyond_loopback_are_told(tables: tuple[str, ...]) -> None:
    """Each address once, in order; the loopback ones are nobody's business."""
    assert open_listeners(7777, tables) == ["0.0.0.0", "2001:db8::1", "::"]
    assert open_listeners(7778, tables) == []


def test_clients_are_those_of_that_address(tables: tuple[str, ...]) -> None:
    """The client's end, not the server's; an IPv4 address in an IPv6 socket too; no one who has left."""
    assert [s.inode for s in clients_of("127.0.0.1", 7777, tables)] == [113, 123]
    assert [s.inode for s in clients_of("127.0.0.2", 7777, tables)] == [115]
    assert [s.inode for s in clients_of("::1", 7777, tables)] == [122]


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("0.0.0.0", False),
        ("::", False),
    ],
)
def test_loopback_is_told_apart(address: str, expected: bool) -> None:
    """In every form that the kernel has for it."""
    assert is_loopback(address) is expected


def test_this_process_is_found_by_its_socket() -> None:
    """Against the running kernel: the listener, the client, and whose it is."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port)):
            assert [s.local for s in tcp_sockets(port, LISTEN)] == ["127.0.0.1"]
            (client,) = clients_of("127.0.0.1", port)
            owner = owner_of(client.inode)
    assert open_listeners(port) == []
    assert owner is not None
    assert owner.endswith(f" (pid {os.getpid()})")
    assert owner_of(0) is None
