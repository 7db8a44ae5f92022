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


def tcp_sockets(port: int, state: int, paths: Iterable[str] = TABLES) -> Iterator[TcpSocket]:
    """Yield the TCP sockets of this network namespace that have a port at either end and are in a state.

    Lines that cannot be read are left out; the others are not even taken apart, since there may be many.
    """
    port_word, state_word = f":{port:04X} ", f" {state:02X} "
    for path in paths:
        try:
            lines = Path(path).read_text(encoding="ascii", errors="replace").splitlines()[1:]
        except OSError:
            continue
        for line in lines:
            if port_word not in line or state_word not in line:
                continue
            words = line.split()
            with suppress(ValueError, IndexError, struct.error, OSError):
                local, local_port = _end(words[1])
                remote, remote_port = _end(words[2])
                found = TcpSocket(local, local_port, remote, remote_port, int(words[3], 16), int(words[9]))
                if found.state == state and port in (local_port, remote_port):
                    yield found


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


def open_listeners(port: int, paths: Iterable[str] = TABLES) -> list[str]:
    """Return the addresses beyond loopback at which something listens on a port."""
    listening = {s.local for s in tcp_sockets(port, LISTEN, paths) if s.local_port == port}
    return sorted(address for address in listening if not is_loopback(address))


def clients_of(address: str, port: int, paths: Iterable[str] = TABLES) -> list[TcpSocket]:
    """Return the client's ends of connections to an address and port, where they are on this machine."""
    servers = (address, f"::ffff:{address}")
    connected = tcp_sockets(port, ESTABLISHED, paths)
    return [s for s in connected if s.remote_port == port and s.remote in servers]


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


def is_own(address: str) -> bool:
    """Tell whether an IPv6 address is one of this network namespace, that sockets may use now."""
    with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            probe.bind((address, 0))
        except OSError:
            return False
    return True
