"""TCP sockets as the kernel lists them in /proc/net/tcp and tcp6 (net/ipv4/tcp_ipv4.c, net/ipv6/tcp_ipv6.c)."""

import socket
import struct
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from msgspec import Struct

ESTABLISHED, LISTEN = 0x01, 0x0A
TABLES = ("/proc/net/tcp", "/proc/net/tcp6")
_LOOPBACK = ("127.", "::1", "::ffff:127.")


class TcpSocket(Struct, frozen=True):
    """One line of the kernel's table; addresses as text, ``inode`` names the socket."""

    local: str
    local_port: int
    remote: str
    remote_port: int
    state: int
    inode: int


def tcp_sockets(paths: Iterable[str] = TABLES) -> Iterator[TcpSocket]:
    """Yield the TCP sockets of this network namespace; lines that cannot be read are left out."""
    for path in paths:
        try:
            lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            words = line.split()
            with suppress(ValueError, IndexError, struct.error, OSError):
                local, local_port = _end(words[1])
                remote, remote_port = _end(words[2])
                yield TcpSocket(local, local_port, remote, remote_port, int(words[3], 16), int(words[9]))


def _end(text: str) -> tuple[str, int]:
    """Read ``ADDRESS:PORT``: the address is 32-bit words in the byte order of this machine."""
    address, _, port = text.partition(":")
    words = [int(address[i : i + 8], 16) for i in range(0, len(address), 8)]
    raw = struct.pack(f"={len(words)}I", *words)
    family = socket.AF_INET if len(raw) == 4 else socket.AF_INET6
    return socket.inet_ntop(family, raw), int(port, 16)


def is_loopback(address: str) -> bool:
    """Tell whether an address is reached from this machine only."""
    return address.startswith(_LOOPBACK)


def open_listeners(port: int, sockets: Iterable[TcpSocket]) -> list[str]:
    """Return the addresses beyond loopback at which something listens on a port."""
    return sorted({s.local for s in sockets if s.state == LISTEN and s.local_port == port and not is_loopback(s.local)})


def clients_of(port: int, sockets: Iterable[TcpSocket]) -> list[TcpSocket]:
    """Return the client's ends of connections to a port, where they are on this machine."""
    return [s for s in sockets if s.state == ESTABLISHED and s.remote_port == port]


def owner_of(inode: int) -> str | None:
    """Return ``name (pid N)`` of the process that holds a socket; None where it cannot be seen."""
    wanted = f"socket:[{inode}]"
    for process in _processes():
        with suppress(OSError):
            for handle in (process / "fd").iterdir():
                if str(handle.readlink()) == wanted:
                    name = (process / "comm").read_text(encoding="utf-8", errors="replace").strip()
                    return f"{name} (pid {process.name})"
    return None


def _processes() -> list[Path]:
    try:
        return [entry for entry in Path("/proc").iterdir() if entry.name.isdecimal()]
    except OSError:
        return []
