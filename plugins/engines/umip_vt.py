"""A client of mip6d's virtual terminal: one question, one answer, and nothing held in between.

The rules of that terminal, and what follows:

* One client at a time. A second one is accepted and closed without a byte: that is "busy".
* The greeting ``mip6d> `` has no end mark; every reply ends with NUL.
* One read is one command: a question is sent only after the reply before is complete.
* A line ends with CR LF, since the last word needs white space behind it.
* The daemon prints while it holds its locks: a reply is drained to its NUL before anything else.
"""

import socket
import time
from contextlib import suppress

from msgspec import Struct

from mipsh.errors import (
    DeadlineError,
    EngineBusy,
    EngineLost,
    EngineRefused,
    NotThisEngine,
    RefusedError,
    UsageError,
)
from mipsh.linux.sockets import clients_of, owner_of, tcp_sockets

SCHEME = "umip"
PORT = 7777
GREETING = b"mip6d> "
END = b"\0"
MAX_COMMAND = 8000
MAX_REPLY = 64 * 1024 * 1024
CHUNK = 256 * 1024
SHOWN = 40


class VtAddress(Struct, frozen=True):
    """Where a virtual terminal is: a host and port, or the path of a unix socket."""

    host: str = ""
    port: int = PORT
    path: str = ""

    def __str__(self) -> str:
        """Return the address as a URI."""
        if self.path:
            return f"{SCHEME}://{self.path}"
        return f"{SCHEME}://{self.where}"

    @property
    def where(self) -> str:
        """Return the address as people write it."""
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_address(uri: str) -> VtAddress:
    """Read ``umip://HOST[:PORT]`` or ``umip:///PATH``; raises UsageError.

    The host is an address or ``localhost``: names are not looked up, since a resolver could
    hang beyond every deadline.
    """
    body = uri.removeprefix(f"{SCHEME}:")
    if not body.startswith("//") or body == "//":
        raise UsageError(f"'{uri}' is not an address of mip6d", "write umip://[::1]:7777 or umip:///run/mip6d.sock")
    body = body[2:]
    if body.startswith("/"):
        return VtAddress(path=body)
    host, bracket, rest = body[1:].partition("]") if body.startswith("[") else ("", "", body)
    if not bracket:
        host, colon, rest = (body, "", "") if body.count(":") > 1 else body.partition(":")
        rest = f"{colon}{rest}"
    rest = rest.removesuffix("/")
    if rest and not (rest.startswith(":") and rest[1:].isdecimal() and 0 < int(rest[1:]) < 65536):
        raise UsageError(f"'{uri}' has no usable port", "write umip://[::1]:7777")
    return VtAddress(_literal(host, uri), int(rest[1:]) if rest else PORT)


def _literal(host: str, uri: str) -> str:
    if host == "localhost":
        return "::1"
    for family in (socket.AF_INET6, socket.AF_INET):
        with suppress(OSError, ValueError):
            return socket.inet_ntop(family, socket.inet_pton(family, host))
    raise UsageError(f"'{host}' in '{uri}' is not an address", "names are not looked up: write an IPv6 or IPv4 address")


class VtClient:
    """One connection to a virtual terminal; ``timeout_s`` bounds every question from its start."""

    def __init__(self, address: VtAddress, timeout_s: float) -> None:
        self.address = address
        self.timeout_s = timeout_s
        self._socket: socket.socket | None = None
        self._deadline = 0.0

    def open(self) -> None:
        """Connect and wait for the greeting.

        Raises EngineRefused, EngineBusy, NotThisEngine, DeadlineError, RefusedError.
        """
        self._deadline = time.monotonic() + self.timeout_s
        try:
            self._socket = self._connect()
            self._greet(self._socket)
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Leave the slot to others."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def ask(self, command: str) -> bytes:
        """Ask one command and return the reply to its NUL, that included.

        Raises UsageError, EngineLost, NotThisEngine (an endless reply), DeadlineError.
        """
        line = _line(command)
        if self._socket is None:
            raise EngineLost(f"mip6d at {self.address.where} is not connected")
        self._deadline = time.monotonic() + self.timeout_s
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(line)
            return self._drain(self._socket, command)
        except TimeoutError:
            raise self._late(f"did not answer '{command}' completely") from None
        except OSError as error:
            raise EngineLost(
                f"mip6d at {self.address.where} closed the connection during '{command}' ({error.strerror})",
                "it may have died: look at its log, then ask again",
            ) from None

    def _left(self) -> float:
        """Return the seconds left; raises TimeoutError when there are none."""
        left = self._deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left

    def _late(self, what: str) -> DeadlineError:
        return DeadlineError(
            f"mip6d at {self.address.where} {what} within {self.timeout_s:g} s",
            "it may hang; try a longer --timeout, or look at the process",
        )

    def _connect(self) -> socket.socket:
        address = self.address
        if address.path:
            family: int = socket.AF_UNIX
        else:
            family = socket.AF_INET6 if ":" in address.host else socket.AF_INET
        connection = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_CLOEXEC)
        try:
            connection.settimeout(self._left())
            connection.connect(address.path or (address.host, address.port))
        except TimeoutError:
            connection.close()
            raise self._late("did not accept a connection") from None
        except PermissionError:
            connection.close()
            raise RefusedError(f"{address.where} may not be opened", "run as its owner or as root") from None
        except OSError as error:
            connection.close()
            raise EngineRefused(
                f"nothing listens at {address.where} ({error.strerror or error})",
                "mip6d is not running, runs in another network namespace (-N NAME), "
                "or was built without its virtual terminal (--enable-vt)",
            ) from None
        return connection

    def _greet(self, connection: socket.socket) -> None:
        got = b""
        try:
            while len(got) < len(GREETING):
                connection.settimeout(self._left())
                piece = connection.recv(len(GREETING) - len(got))
                if not piece:
                    break
                got += piece
        except TimeoutError:
            if not got:
                raise self._late("accepted the connection and said nothing") from None
        except OSError as error:
            raise EngineLost(f"{self.address.where} closed the connection ({error.strerror})", "ask again") from None
        if not got:
            raise self._busy()
        if got != GREETING:
            shown = got.decode("latin-1")
            raise NotThisEngine(
                f"what listens at {self.address.where} is not mip6d: it began with '{shown}'",
                "name mip6d's own address (its port is set by --vt-service)",
            )

    def _busy(self) -> EngineBusy:
        holder = holder_of(self.address.port) if not self.address.path else ""
        who = f": {holder}" if holder else ""
        return EngineBusy(
            f"mip6d at {self.address.where} is busy: another client holds its only slot{who}",
            "close that client (a telnet left open?), or wait for it with --wait 30",
        )

    def _drain(self, connection: socket.socket, command: str) -> bytes:
        pieces: list[bytes] = []
        size = 0
        while True:
            connection.settimeout(self._left())
            piece = connection.recv(CHUNK)
            if not piece:
                raise EngineLost(
                    f"mip6d at {self.address.where} closed the connection in the middle of its reply to '{command}'",
                    "it may have died: look at its log, then ask again",
                )
            head, end, _ = piece.partition(END)
            pieces.append(head)
            size += len(head)
            if end:
                return b"".join((*pieces, END))
            if size > MAX_REPLY:
                raise NotThisEngine(
                    f"{self.address.where} sent more than {MAX_REPLY >> 20} MiB without an end in reply to '{command}'",
                    "it is not mip6d, or it is broken",
                )


def _line(command: str) -> bytes:
    """Return the bytes of a question; raises UsageError for what is not one line of ASCII."""
    if not command.isascii() or not command.isprintable():
        raise UsageError("a command for mip6d is one line of printable ASCII")
    if len(command) > MAX_COMMAND:
        raise UsageError(f"a command for mip6d has at most {MAX_COMMAND} characters")
    return command.encode("ascii") + b"\r\n"


def holder_of(port: int) -> str:
    """Return who holds a connection to a local port, as far as the kernel tells this user."""
    for client in clients_of(port, tcp_sockets()):
        owner = owner_of(client.inode) if client.inode else None
        if owner:
            return owner
    return ""
