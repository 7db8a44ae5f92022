"""A client of mip6d's virtual terminal: one question, one answer, and nothing held in between.

The rules of that terminal, and what follows:

* One client at a time. A second one is accepted and closed without a byte: that is "busy".
* The greeting ``mip6d> `` has no end mark; every reply ends with NUL.
* One read is one command: a question is sent only after the reply before is complete.
* A line ends with CR LF, since the last word needs white space behind it.
* The daemon prints while it holds its locks: a reply is drained to its NUL before anything else.
* The daemon looks for new clients before it looks whether the old one left. So a client leaves with
  ``quit`` and waits until the daemon has closed: the next one then finds the slot free.
* On a unix socket there is no prompt, and so no greeting.
"""

import errno
import re
import socket
import time
from contextlib import ExitStack, suppress

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
from mipsh.linux.sockets import clients_of, owner_of

SCHEME = "umip"
PORT = 7777
GREETING = b"mip6d> "
END = b"\0"
TOO_MANY = b"Too many connections"
LONGEST_PATH = 107
LOCALHOST = "localhost"
MAX_COMMAND = 8000
MAX_REPLY = 64 * 1024 * 1024
CHUNK = 256 * 1024
SHOWN = 60
LEAVE_S = 0.5
NO_GREETING_S = 0.3
BUSY_PAUSES_S = (0.05, 0.1, 0.2)

_PORT = re.compile(":[0-9]{1,5}")


class VtAddress(Struct, frozen=True):
    """Where a virtual terminal is: a host and port, or the path of a unix socket."""

    host: str = ""
    port: int = PORT
    path: str = ""

    def literal(self) -> "tuple[VtAddress, ...]":
        """Return the addresses that this one stands for: ``localhost`` is ``::1``, then ``127.0.0.1``."""
        if self.host != LOCALHOST:
            return (self,)
        return VtAddress("::1", self.port), VtAddress("127.0.0.1", self.port)

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
    if not body.isprintable():
        raise UsageError(f"'{uri}' is not an address of mip6d", "it holds characters that no address has")
    if body.startswith("/"):
        if len(body.encode()) > LONGEST_PATH:
            raise UsageError(
                f"'{uri}' names a socket with a path of more than {LONGEST_PATH} bytes", "the kernel has none"
            )
        return VtAddress(path=body)
    host, bracket, rest = body[1:].partition("]") if body.startswith("[") else ("", "", body)
    if not bracket:
        host, colon, rest = (body, "", "") if body.count(":") > 1 else body.partition(":")
        rest = f"{colon}{rest}"
    rest = rest.removesuffix("/")
    if not rest:
        return VtAddress(_literal(host, uri))
    if not _PORT.fullmatch(rest) or not 0 < int(rest[1:]) < 65536:
        raise UsageError(f"'{uri}' has no usable port", "write umip://[::1]:7777")
    return VtAddress(_literal(host, uri), int(rest[1:]))


def _literal(host: str, uri: str) -> str:
    if host == LOCALHOST:
        return host
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
        self._whole = False

    def open(self) -> None:
        """Connect and wait for the greeting; a slot that is busy for an instant is tried again.

        Raises EngineRefused, EngineBusy, NotThisEngine, DeadlineError, RefusedError.
        """
        for pause in BUSY_PAUSES_S:
            try:
                return self._open()
            except EngineBusy:
                time.sleep(pause)
        return self._open()

    def _open(self) -> None:
        self._deadline = time.monotonic() + self.timeout_s
        with ExitStack() as undo:
            undo.callback(self.close)
            self._socket = self._connect()
            self._greet(self._socket)
            undo.pop_all()
            self._whole = True

    def close(self) -> None:
        """Leave the slot to others; after a whole reply politely, otherwise at once."""
        if self._socket is None:
            return
        with self._socket as connection, suppress(OSError):
            self._socket = None
            if self._whole:
                connection.settimeout(LEAVE_S)
                connection.sendall(_line("quit"))
                connection.recv(1)

    def ask(self, command: str) -> bytes:
        """Ask one command and return the reply to its NUL, that included.

        Raises UsageError, EngineLost, NotThisEngine (an endless reply), DeadlineError.
        """
        line = _line(command)
        if self._socket is None:
            raise EngineLost(f"mip6d at {self.address.where} is not connected")
        self._deadline = time.monotonic() + self.timeout_s
        self._whole = False
        try:
            self._socket.settimeout(self._left())
            self._socket.sendall(line)
            reply = self._drain(self._socket, command)
        except TimeoutError:
            raise self._late(f"did not answer '{command}' completely") from None
        except OSError as error:
            raise EngineLost(
                f"mip6d at {self.address.where} closed the connection during '{command}' ({error.strerror})",
                "it may have died: look at its log, then ask again",
            ) from None
        self._whole = True
        return reply

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
            nobody = error.errno in (errno.ECONNREFUSED, errno.ENOENT)
            raise EngineRefused(
                f"{'nothing listens at' if nobody else 'cannot reach'} {address.where} ({error.strerror or error})",
                "mip6d is not running, runs in another network namespace (-N NAME), "
                "or was built without its virtual terminal (--enable-vt)",
            ) from None
        return connection

    def _greet(self, connection: socket.socket) -> None:
        got, quiet = b"", bool(self.address.path)
        try:
            while got != GREETING and GREETING.startswith(got):
                connection.settimeout(min(self._left(), NO_GREETING_S) if quiet else self._left())
                piece = connection.recv(SHOWN)
                if not piece:
                    break
                got += piece
        except TimeoutError:
            if not got and quiet:
                return
            if not got:
                raise self._late("accepted the connection and said nothing") from None
        except OSError as error:
            raise EngineLost(f"{self.address.where} closed the connection ({error.strerror})", "ask again") from None
        if not got or TOO_MANY.startswith(got[: len(TOO_MANY)]):
            raise self._busy()
        if got != GREETING:
            shown = got.decode("latin-1").rstrip()
            raise NotThisEngine(
                f"what listens at {self.address.where} is not mip6d: it began with '{shown}'",
                "name mip6d's own address (its port is set by --vt-service)",
            )

    def _busy(self) -> EngineBusy:
        holder = holder_of(self.address) if not self.address.path else ""
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


def holder_of(address: VtAddress) -> str:
    """Return who holds a connection to a local address, as far as the kernel tells this user."""
    for client in clients_of(address.host, address.port):
        owner = owner_of(client.inode) if client.inode else None
        if owner:
            return owner
    return ""
